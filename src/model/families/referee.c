/* SPDX-License-Identifier: MIT */
/* The referee's score and tools; each tool is off by its default. */
#include "model/families/referee.h"

#include <math.h>

#include "model/families/needs.h"

static const double guessing = 0.5, nearly_all = 0.95; /* shares of a batch that D is right about */

/* Noise that stays has both distributions reach everywhere. */
static bool is_held(duet_model *m)
{
    bool noise_stays =
        duet_setting_number(m, "instance_noise") > 0 && duet_setting_number(m, "instance_noise_steps") == 0;
    return noise_stays || duet_adversary_is_bounded(m);
}

/* Cross-entropy with a label above 1 falls without end as the logit rises: nothing holds it where D is sure. The
 * divergences of f-GAN are infinite where one of the two distributions does not reach. */
static void warn_of_no_bound(duet_model *m, const duet_adversarial_loss *loss)
{
    if (loss->diverges && !is_held(m))
        duet_model_warn(
            m,
            "loss=%s has no lower bound where the discriminator tells all examples apart: d_loss then falls "
            "and falls; instance_noise=0.1 or discriminator.spectral_norm=yes hold it",
            loss->name);
    if (loss->needs_bound && !duet_adversary_is_bounded(m)) /* the penalty that lets it pass is a weak one */
        duet_model_warn(m,
                        "loss=%s has no lower bound with penalty=%s, which holds the discriminator's slope around real "
                        "examples alone: where it tells all examples apart, as of a slow or weak generator, d_loss may "
                        "fall and fall; penalty=gradient or discriminator.spectral_norm=yes hold it",
                        loss->name, duet_model_setting_text(m, "penalty"));
    if (!loss->entropy) return;
    double noise = duet_setting_number(m, "label_noise"), smoothing = duet_setting_number(m, "label_smoothing");
    double real = 1 - smoothing + noise / 2;
    if (real > 1)
        duet_model_warn(m,
                        "label_noise=%g makes the mean label of real examples %g, and of labels above 1 d_loss has no "
                        "lower bound: it may fall and fall, and say nothing; label_smoothing=%g bounds it",
                        noise, real, noise / 2);
}

/* Bounds at which a player waits for what hardly ever comes. */
static void warn_of_rest(duet_model *m, double low, double high)
{
    if (high < guessing)
        duet_model_warn(m,
                        "gate_high=%g: the discriminator learns only from batches of which it is right about at most "
                        "that share, and one that guesses is right about half: it will hardly ever learn; "
                        "gate_high=%g or more lets it",
                        high, guessing);
    if (low > nearly_all)
        duet_model_warn(m,
                        "gate_low=%g: the generator learns only while the discriminator is right about at least that "
                        "share of a batch, which it may hardly ever be; gate_low=%g or less lets it",
                        low, nearly_all);
}

/* What was trained so can still be used. */
static void check_labels(duet_model *m, const duet_adversarial_loss *loss)
{
    const double smoothing = duet_setting_number(m, "label_smoothing"), fake = duet_setting_number(m, "fake_smoothing");
    if (duet_model_training(m) && loss->labelled && 1 - smoothing <= fake)
        duet_graph_refuse(
            duet_model_graph(m), DUET_ERROR_USAGE,
            "label_smoothing=%g with fake_smoothing=%g: the label of real examples is no higher than that "
            "of generated ones, so that neither player learns: at least one is to be less",
            smoothing, fake);
}

duet_referee duet_referee_of(duet_model *m)
{
    const duet_initialiser half = {.kind = DUET_INIT_CONSTANT, .scale = 0.5f}, zero = {.kind = DUET_INIT_CONSTANT};
    duet_graph *graph = duet_model_graph(m);
    double low = duet_setting_number(m, "gate_low"), high = duet_setting_number(m, "gate_high");
    if (low > high)
        duet_graph_refuse(
            graph, DUET_ERROR_USAGE,
            "gate_low=%g above gate_high=%g: at an accuracy between the two both players rest, and nothing "
            "changes that: gate_low is to be at most gate_high",
            low, high);
    duet_referee it = {.model = m, .loss = duet_adversarial_loss_chosen(m)};
    check_labels(m, it.loss);
    warn_of_no_bound(m, it.loss);
    warn_of_rest(m, low, high);
    it.last_accuracy = duet_state(graph, "gan.accuracy", DUET_FLOAT32, DUET_SCALAR_SHAPE, half);
    it.boundary = isnan(it.loss->boundary) ? duet_state(graph, "gan.boundary", DUET_FLOAT32, DUET_SCALAR_SHAPE, zero)
                                           : duet_constant(graph, it.loss->boundary);
    return it;
}

duet_node duet_referee_blur(duet_model *m, duet_node x)
{
    double sigma = duet_setting_number(m, "instance_noise");
    if (sigma == 0) return x;
    double steps = duet_setting_number(m, "instance_noise_steps");
    duet_node left = duet_constant(duet_model_graph(m), 1);
    duet_note_fading(m, steps);
    if (steps > 0) left = duet_relu(duet_subtract(left, duet_scale(duet_model_step(m), 1 / steps)));
    return duet_add(x, duet_multiply(duet_scale(left, sigma), duet_normal(duet_model_graph(m), duet_node_shape(x))));
}

static duet_node with_noise(duet_model *m, double label, duet_node logits)
{
    double noise = duet_setting_number(m, "label_noise");
    duet_node target = duet_constant(duet_model_graph(m), label);
    if (noise == 0) return target;
    return duet_add(target, duet_scale(duet_uniform(duet_model_graph(m), duet_node_shape(logits)), noise));
}

duet_node duet_referee_on_real(const duet_referee *referee, duet_node logits)
{
    double label = 1 - duet_setting_number(referee->model, "label_smoothing");
    return referee->loss->on_real(logits, with_noise(referee->model, label, logits));
}

duet_node duet_referee_on_fake(const duet_referee *referee, duet_node logits)
{
    double label = duet_setting_number(referee->model, "fake_smoothing");
    return referee->loss->on_fake(logits, with_noise(referee->model, label, logits));
}

static duet_node discriminator_may_learn(duet_model *m, duet_node accuracy)
{
    return duet_less_equal(accuracy, duet_constant(duet_model_graph(m), duet_setting_number(m, "gate_high")));
}

duet_node duet_referee_scores(duet_referee *referee, duet_node d_loss, duet_node on_real, duet_node on_fake)
{
    duet_model *m = referee->model;
    duet_node accuracy = duet_adversarial_accuracy(referee->loss, on_real, on_fake);
    duet_report(m, "d_loss", d_loss);
    duet_report(m, "accuracy", accuracy);
    duet_phase_assign(m, referee->last_accuracy, accuracy);
    if (isnan(referee->loss->boundary))
        duet_phase_assign(m, referee->boundary, duet_adversarial_boundary(referee->loss, on_real, on_fake));
    return discriminator_may_learn(m, accuracy);
}

duet_node duet_referee_lets_discriminator(const duet_referee *referee)
{
    return discriminator_may_learn(referee->model, referee->last_accuracy);
}

duet_node duet_referee_lets_generator(const duet_referee *referee)
{
    duet_model *m = referee->model;
    duet_node least = duet_constant(duet_model_graph(m), duet_setting_number(m, "gate_low"));
    return duet_greater_equal(referee->last_accuracy, least);
}

duet_node duet_referee_verdict(const duet_referee *referee, duet_node logit)
{
    return duet_subtract(logit, referee->boundary);
}
