/* SPDX-License-Identifier: MIT */
/* Classifier-free guidance, Ho & Salimans 2022 (arXiv:2207.12598): one network learns with a condition and, where that
 * is left out, without; the difference of the two points to what the condition asks for. */
#include "model/families/diffusion.h"

duet_node duet_field_trained(duet_model *m, duet_node x, duet_node time)
{
    if (duet_setting_is(m, "condition", "none")) return duet_unet(m, x, time, NULL);
    if (duet_setting_number(m, "drop") == 1)
        duet_model_warn(m,
                        "drop=1 leaves the condition out of every example, so that nothing is learnt of it and classes "
                        "that are asked for change samples at random; drop=0.1 is usual");
    duet_node labels = duet_model_labels(m);
    const duet_shape column = DUET_SHAPE(duet_node_shape(labels).dims[0], 1);
    duet_node kept = duet_mask(duet_model_graph(m), column, 1 - duet_setting_number(m, "drop"));
    return duet_unet(m, x, time, duet_multiply(labels, kept));
}

/* Eq. 6, with both halves as one batch. */
static duet_node guided(duet_model *m, duet_node x, duet_node time, duet_node labels, double strength)
{
    size_t rows = duet_node_shape(x).dims[0];
    duet_node twice = duet_concat(((duet_node[]){x, x}), 2, 0), both = duet_pad(labels, 0, 0, rows);
    duet_node made = duet_unet(m, twice, time, both);
    duet_node with = duet_slice(made, 0, 0, rows), without = duet_slice(made, 0, rows, rows);
    return duet_add(with, duet_scale(duet_subtract(with, without), strength));
}

duet_node duet_field_used(duet_model *m, duet_node x, duet_node time)
{
    if (duet_setting_is(m, "condition", "none")) return duet_unet(m, x, time, NULL);
    double strength = duet_use_number(m, "guidance", 0, 0, 100, "weight of the condition beyond 1; 0: no guidance");
    if (strength > 0 && duet_setting_number(m, "drop") == 0)
        duet_use_refuse(m,
                        "guidance: this model was trained with drop=0, always with the condition, and guidance needs "
                        "what it would do without one: train with drop=0.1, or leave guidance at 0");
    duet_node labels = duet_model_labels(m);
    return strength > 0 ? guided(m, x, time, labels, strength) : duet_unet(m, x, time, labels);
}
