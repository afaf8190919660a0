/* SPDX-License-Identifier: MIT */
/* The referee's tools, each off by its default. */
#include "model/families/referee.h"

duet_node duet_referee_blur(duet_model *m, duet_node x)
{
    double sigma = duet_setting_number(m, "instance_noise"), steps = duet_setting_number(m, "instance_noise_steps");
    if (sigma == 0) return x;
    duet_node left = duet_constant(duet_model_graph(m), 1);
    if (steps > 0) left = duet_relu(duet_subtract(left, duet_scale(duet_model_step(m), 1 / steps)));
    return duet_add(x, duet_multiply(duet_scale(left, sigma), duet_normal(duet_model_graph(m), duet_node_shape(x))));
}

duet_node duet_referee_label(duet_model *m, duet_node logits, bool real)
{
    double value = real ? 1 - duet_setting_number(m, "label_smoothing") : duet_setting_number(m, "fake_smoothing");
    double noise = duet_setting_number(m, "label_noise");
    duet_node target = duet_constant(duet_model_graph(m), value);
    if (noise == 0) return target;
    return duet_add(target, duet_scale(duet_uniform(duet_model_graph(m), duet_node_shape(logits)), noise));
}

static duet_node share_above_zero(duet_node logit)
{
    return duet_batch_mean(duet_greater(logit, duet_constant(duet_node_graph(logit), 0)));
}

duet_node duet_referee_accuracy(duet_node on_real, duet_node on_fake)
{
    duet_node false_alarms = share_above_zero(on_fake);
    return duet_scale(duet_shift(duet_subtract(share_above_zero(on_real), false_alarms), 1), 0.5);
}

duet_node duet_referee_lets_discriminator(duet_model *m, duet_node accuracy)
{
    return duet_less_equal(accuracy, duet_constant(duet_model_graph(m), duet_setting_number(m, "gate_high")));
}

duet_node duet_referee_lets_generator(duet_model *m, duet_node accuracy)
{
    return duet_greater_equal(accuracy, duet_constant(duet_model_graph(m), duet_setting_number(m, "gate_low")));
}
