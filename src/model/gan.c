/* Generative adversarial network, Goodfellow et al. 2014 (arXiv:1406.2661), algorithm 1: k steps of the discriminator,
 * then the generator. Losses on logits; the non-saturating generator loss -log D by default, log(1 - D) as minimax. */
#include "model/family.h"
#include "nn/names.h"

static duet_node generate(duet_model *m, duet_node z, size_t features)
{
    duet_group *generator = duet_model_group(m, "generator");
    duet_node y = duet_dense(generator, "output", duet_hidden_layers(m, generator, "generator_hidden", z), features);
    return duet_model_unit_range(m) ? duet_sigmoid(y) : y;
}

static duet_node discriminate(duet_model *m, duet_node x)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    return duet_dense(discriminator, "logit", duet_hidden_layers(m, discriminator, "discriminator_hidden", x), 1);
}

/* D on real and generated examples as one batch: each weight is read once. */
static void discriminate_both(duet_model *m, duet_node real, duet_node fake, duet_node *on_real, duet_node *on_fake)
{
    size_t batch = duet_model_batch_size(m);
    duet_node rows = duet_reshape(real, DUET_SHAPE(batch, duet_features(fake)));
    duet_node logits = discriminate(m, duet_concat((duet_node[]){rows, fake}, 2, 0));
    *on_real = duet_slice(logits, 0, 0, batch);
    *on_fake = duet_slice(logits, 0, batch, batch);
}

/* Noise on what D sees, falling linearly to exactly 0 (Sonderby et al. 2017, arXiv:1610.04490). */
static duet_node blur(duet_model *m, duet_node x)
{
    double sigma = duet_setting_number(m, "instance_noise"), steps = duet_setting_number(m, "instance_noise_steps");
    if (sigma == 0) return x;
    duet_node left = duet_constant(duet_model_graph(m), 1);
    if (steps > 0) left = duet_relu(duet_subtract(left, duet_scale(duet_model_step(m), 1 / steps)));
    return duet_add(x, duet_multiply(duet_scale(left, sigma), duet_normal(duet_model_graph(m), duet_node_shape(x))));
}

/* A label for D: `value` plus label_noise * U(0, 1), fresh for every example. */
static duet_node label(duet_model *m, double value)
{
    duet_node target = duet_constant(duet_model_graph(m), value);
    double noise = duet_setting_number(m, "label_noise");
    if (noise == 0) return target;
    duet_shape shape = DUET_SHAPE(duet_model_batch_size(m), 1);
    return duet_add(target, duet_scale(duet_uniform(duet_model_graph(m), shape), noise));
}

static duet_node share_above_zero(duet_node logit, double zero)
{
    return duet_batch_mean(duet_greater(logit, duet_constant(duet_node_graph(logit), zero)));
}

static void build_gan(duet_model *m)
{
    duet_group *generator = duet_model_group(m, "generator"), *discriminator = duet_model_group(m, "discriminator");
    duet_graph *graph = duet_model_graph(m);
    duet_node x = duet_model_batch(m), one = duet_constant(graph, 1);
    size_t features = duet_features(x), latent = (size_t)duet_setting_number(m, "latent");
    duet_shape noise = DUET_SHAPE(duet_model_batch_size(m), latent);
    const duet_initialiser half = {.kind = DUET_INIT_CONSTANT, .scale = 0.5f};
    duet_node last_accuracy = duet_state(graph, "gan.accuracy", DUET_FLOAT32, DUET_SCALAR_SHAPE, half);

    duet_phase(m, "discriminator", (size_t)duet_setting_number(m, "k"));
    duet_node fake = duet_stop_gradient(generate(m, duet_normal(graph, noise), features));
    duet_node on_real, on_fake;
    discriminate_both(m, blur(m, x), blur(m, fake), &on_real, &on_fake);
    duet_node real_loss = duet_binary_cross_entropy(on_real, label(m, 1 - duet_setting_number(m, "label_smoothing")));
    duet_node fake_loss = duet_binary_cross_entropy(on_fake, label(m, 0));
    duet_node false_alarms = share_above_zero(on_fake, 0);
    duet_node accuracy = duet_scale(duet_shift(duet_subtract(share_above_zero(on_real, 0), false_alarms), 1), 0.5);
    duet_node d_may_learn = duet_less_equal(accuracy, duet_constant(graph, duet_setting_number(m, "gate_high")));
    duet_report(m, "d_loss", duet_add(real_loss, fake_loss));
    duet_report(m, "accuracy", accuracy);
    duet_phase_assign(m, last_accuracy, accuracy);
    duet_minimise_gated(m, duet_add(real_loss, fake_loss), d_may_learn, discriminator);

    duet_phase(m, "generator", (size_t)duet_setting_number(m, "g_steps"));
    duet_node judged = discriminate(m, blur(m, generate(m, duet_normal(graph, noise), features)));
    duet_node g_loss = duet_setting_is(m, "loss", "minimax") ? duet_negate(duet_batch_mean(duet_softplus(judged)))
                                                             : duet_binary_cross_entropy(judged, one);
    duet_node g_may_learn = duet_greater_equal(last_accuracy, duet_constant(graph, duet_setting_number(m, "gate_low")));
    duet_report(m, "g_loss", g_loss);
    duet_minimise_gated(m, g_loss, g_may_learn, generator);

    duet_node sample = generate(m, duet_latent(m, latent), features);
    duet_output(m, "logit", discriminate(m, x));
    duet_output(m, "sample", sample);
    duet_output(m, "decode", sample);
    duet_output(m, "sample_logit", discriminate(m, sample));
}

static const duet_setting settings[] = {
    {"generator_hidden", DUET_SETTING_SIZES, "256,512", 0, 0, NULL, "widths of the generator's layers"},
    {"discriminator_hidden", DUET_SETTING_SIZES, "512,256", 0, 0, NULL, "widths of the discriminator's layers"},
    {"latent", DUET_SETTING_COUNT, "64", 1, 65536, NULL, "dimensions of z"},
    {"loss", DUET_SETTING_CHOICE, "non-saturating", 0, 0, "non-saturating|minimax", "what the generator minimises"},
    {"k", DUET_SETTING_COUNT, "1", 0, 1e6, NULL, "discriminator steps a step; 0: a whole epoch of them"},
    {"g_steps", DUET_SETTING_COUNT, "1", 1, 1e6, NULL, "generator steps a step"},
    {"label_smoothing", DUET_SETTING_NUMBER, "0", 0, 0.5, NULL, "real labels are 1 minus this"},
    {"label_noise", DUET_SETTING_NUMBER, "0", 0, 1, NULL, "this times U(0, 1) is added to both labels"},
    {"instance_noise", DUET_SETTING_NUMBER, "0", 0, 100, NULL, "deviation of noise on what D sees, at first"},
    {"instance_noise_steps", DUET_SETTING_COUNT, "0", 0, 1e9, NULL, "steps until it is exactly 0; 0: it stays"},
    {"gate_low", DUET_SETTING_NUMBER, "0", 0, 1, NULL, "the generator rests while D's accuracy is below this"},
    {"gate_high", DUET_SETTING_NUMBER, "1", 0, 1, NULL, "the discriminator rests while its accuracy is above this"},
    {"activation", DUET_SETTING_CHOICE, "leaky_relu", 0, 0, DUET_NAMES(DUET_ACTIVATIONS),
     "activation of hidden layers"},
    {"lr", DUET_SETTING_NUMBER, "0.0002", 0, 100, NULL, "learning rate"},
    {"beta1", DUET_SETTING_NUMBER, "0.5", 0, 0.999999, NULL, "Adam: decay of the mean gradient"},
};

const duet_family duet_family_gan = {
    .name = "gan",
    .summary = "generative adversarial network",
    .paper = "Goodfellow et al. 2014",
    .build = build_gan,
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
