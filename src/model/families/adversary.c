/* SPDX-License-Identifier: MIT */
/* Objectives of adversarial games on D's logit v. Goodfellow et al. 2014 (arXiv:1406.2661): the minimax game of eq. 1,
 * and the generator's loss -log D of sec. 3, whose gradient does not vanish where D is sure. Others as their functions
 * say. */
#include "model/families/adversary.h"

#include <math.h>
#include <string.h>

#include "model/families/penalty.h"

static const double log2_nats = 0.69314718055994530942;

static duet_node cross_entropy(duet_node logits, duet_node label)
{
    return duet_binary_cross_entropy(logits, label);
}

/* -log D */
static duet_node non_saturating(duet_node logits)
{
    return duet_binary_cross_entropy(logits, duet_constant(duet_node_graph(logits), 1));
}

/* log(1 - D) */
static duet_node minimax(duet_node logits)
{
    return duet_negate(duet_batch_mean(duet_softplus(logits)));
}

/* Mao et al. 2017 (arXiv:1611.04076), eq. 9: (v - label)^2 / 2, and G wants the label 1. */
static duet_node least_squares(duet_node logits, duet_node label)
{
    return duet_scale(duet_batch_mean(duet_square(duet_subtract(logits, label))), 0.5);
}

static duet_node least_squares_generator(duet_node logits)
{
    return least_squares(logits, duet_constant(duet_node_graph(logits), 1));
}

/* v, or its negative: Wasserstein GAN, Arjovsky et al. 2017 (arXiv:1701.07875), algorithm 1, whose D is a critic. */
static duet_node fall(duet_node logits, duet_node label)
{
    (void)label;
    return duet_batch_mean(logits);
}

static duet_node rise(duet_node logits, duet_node label)
{
    return duet_negate(fall(logits, label));
}

static duet_node rise_generator(duet_node logits)
{
    return rise(logits, NULL);
}

/* Lim & Ye 2017 (arXiv:1705.02894), eq. 10: max(0, 1 - v) and max(0, 1 + v); G's loss is that of Wasserstein. */
static duet_node hinge_real(duet_node logits, duet_node label)
{
    (void)label;
    return duet_batch_mean(duet_relu(duet_shift(duet_negate(logits), 1)));
}

static duet_node hinge_fake(duet_node logits, duet_node label)
{
    (void)label;
    return duet_batch_mean(duet_relu(duet_shift(logits, 1)));
}

/* f-GAN, Nowozin et al. 2016 (arXiv:1606.00709), eq. 6 with the output activations g and the conjugates f* of table 2:
 * D minimises -g(v) on real examples and f*(g(v)) on generated ones, G the negative of the latter.
 * Kullback-Leibler: g = v, f*(t) = exp(t - 1). */
static duet_node kl_fake(duet_node logits, duet_node label)
{
    (void)label;
    return duet_batch_mean(duet_exp(duet_shift(logits, -1)));
}

static duet_node kl_generator(duet_node logits)
{
    return duet_negate(kl_fake(logits, NULL));
}

/* Reverse Kullback-Leibler: g = -exp(-v), f*(t) = -1 - log(-t), so that f*(g(v)) = v - 1. */
static duet_node reverse_kl_real(duet_node logits, duet_node label)
{
    (void)label;
    return duet_batch_mean(duet_exp(duet_negate(logits)));
}

static duet_node reverse_kl_fake(duet_node logits, duet_node label)
{
    return duet_shift(fall(logits, label), -1);
}

static duet_node reverse_kl_generator(duet_node logits)
{
    return duet_negate(reverse_kl_fake(logits, NULL));
}

/* Jensen-Shannon: g = log 2 - log(1 + exp(-v)), f*(t) = -log(2 - exp(t)), so that f*(g(v)) = softplus(v) - log 2. */
static duet_node js_real(duet_node logits, duet_node label)
{
    (void)label;
    return duet_shift(non_saturating(logits), -log2_nats);
}

static duet_node js_fake(duet_node logits, duet_node label)
{
    (void)label;
    return duet_shift(duet_batch_mean(duet_softplus(logits)), -log2_nats);
}

static duet_node js_generator(duet_node logits)
{
    return duet_negate(js_fake(logits, NULL));
}

/* Boundaries: where D(x) = 1/2, where both labels are as far, and of f-GAN where g(v) = f'(1). */
static const duet_adversarial_loss losses[] = {
    {"non-saturating", cross_entropy, cross_entropy, non_saturating, 0, true, false, true, false},
    {"minimax", cross_entropy, cross_entropy, minimax, 0, true, false, true, false},
    {"least-squares", least_squares, least_squares, least_squares_generator, 0.5, true, false, false, false},
    {"hinge", hinge_real, hinge_fake, rise_generator, 0, false, false, false, false},
    {"wasserstein", rise, fall, rise_generator, NAN, false, true, false, false},
    {"f-kl", rise, kl_fake, kl_generator, 1, false, false, false, true},
    {"f-reverse-kl", reverse_kl_real, reverse_kl_fake, reverse_kl_generator, 0, false, false, false, true},
    {"f-js", js_real, js_fake, js_generator, 0, false, false, false, false},
};

/* A number that not every family has. */
static double number_or_0(duet_model *m, const char *key)
{
    return duet_model_setting_text(m, key) == NULL ? 0 : duet_setting_number(m, key);
}

bool duet_adversary_is_bounded(duet_model *m)
{
    return duet_penalty_bounds(m) || duet_setting_number(m, "discriminator.clip_weights") > 0 ||
           duet_setting_is(m, "discriminator.spectral_norm", "yes");
}

/* Settings that go ill with the objective. */
static void check(duet_model *m, const duet_adversarial_loss *loss)
{
    double labels =
        number_or_0(m, "label_smoothing") + number_or_0(m, "fake_smoothing") + number_or_0(m, "label_noise");
    const char *penalty = duet_model_setting_text(m, "penalty"), *way = "";
    if (penalty != NULL) way = strcmp(penalty, "none") == 0 ? "penalty=gradient, " : "penalty_weight=10, ";
    if (loss->needs_bound && !duet_penalty_weighs(m) && !duet_adversary_is_bounded(m))
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "loss=%s has no minimum unless something bounds the discriminator's slope: set "
                          "%sdiscriminator.clip_weights=0.01 or discriminator.spectral_norm=yes",
                          loss->name, way);
    if (labels > 0 && !loss->labelled)
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "loss=%s has no labels to smooth or blur: label_smoothing, fake_smoothing and label_noise go "
                          "with non-saturating, minimax and least-squares",
                          loss->name);
}

const duet_adversarial_loss *duet_adversarial_loss_chosen(duet_model *m)
{
    size_t row = 0; /* settings are checked against the same names */
    while (row + 1 < sizeof losses / sizeof *losses && !duet_setting_is(m, "loss", losses[row].name)) row++;
    check(m, &losses[row]);
    return &losses[row];
}

duet_node duet_adversarial_boundary(const duet_adversarial_loss *loss, duet_node on_real, duet_node on_fake)
{
    if (!isnan(loss->boundary)) return duet_constant(duet_node_graph(on_real), loss->boundary);
    return duet_scale(duet_add(duet_batch_mean(on_real), duet_batch_mean(on_fake)), 0.5);
}

static duet_node share_above(duet_node logits, duet_node boundary)
{
    return duet_batch_mean(duet_greater(logits, boundary));
}

duet_node duet_adversarial_accuracy(const duet_adversarial_loss *loss, duet_node on_real, duet_node on_fake)
{
    duet_node boundary = duet_adversarial_boundary(loss, on_real, on_fake);
    duet_node false_alarms = share_above(on_fake, boundary);
    return duet_scale(duet_shift(duet_subtract(share_above(on_real, boundary), false_alarms), 1), 0.5);
}
