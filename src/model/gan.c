/* Generative adversarial network, Goodfellow et al. 2014 (arXiv:1406.2661), algorithm 1: k steps of the discriminator,
 * then the generator. Losses on logits; the non-saturating generator loss -log D by default, log(1 - D) as minimax. */
#include "model/gan.h"
#include "model/family.h"
#include "nn/names.h"

/* D on real and generated examples, as one batch or as two. */
static void discriminate_both(duet_model *m, const duet_gan_players *players, duet_node real, duet_node fake,
                              duet_node *on_real, duet_node *on_fake)
{
    if (players->joint) {
        size_t batch = duet_model_batch_size(m);
        duet_node logits = players->discriminate(m, duet_concat((duet_node[]){real, fake}, 2, 0));
        *on_real = duet_slice(logits, 0, 0, batch);
        *on_fake = duet_slice(logits, 0, batch, batch);
    } else {
        *on_real = players->discriminate(m, real);
        *on_fake = players->discriminate(m, fake);
    }
}

/* Generated examples for D to learn from; no gradient reaches G through them. */
static duet_node forge(duet_model *m, const duet_gan_players *players, duet_node z)
{
    if (players->inference) duet_inference_begin(duet_model_graph(m));
    duet_node fake = duet_stop_gradient(players->generate(m, z));
    if (players->inference) duet_inference_end(duet_model_graph(m));
    return fake;
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

void duet_gan_game(duet_model *m, const duet_gan_players *players)
{
    duet_group *generator = duet_model_group(m, "generator"), *discriminator = duet_model_group(m, "discriminator");
    duet_graph *graph = duet_model_graph(m);
    duet_node one = duet_constant(graph, 1);
    size_t latent = (size_t)duet_setting_number(m, "latent");
    duet_shape noise = DUET_SHAPE(duet_model_batch_size(m), latent);
    const duet_initialiser half = {.kind = DUET_INIT_CONSTANT, .scale = 0.5f};
    duet_node last_accuracy = duet_state(graph, "gan.accuracy", DUET_FLOAT32, DUET_SCALAR_SHAPE, half);

    duet_phase(m, "discriminator", (size_t)duet_setting_number(m, "k"));
    duet_node fake = forge(m, players, duet_normal(graph, noise)), on_real, on_fake;
    discriminate_both(m, players, blur(m, players->real), blur(m, fake), &on_real, &on_fake);
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
    duet_node judged = players->discriminate(m, blur(m, players->generate(m, duet_normal(graph, noise))));
    duet_node g_loss = duet_setting_is(m, "loss", "minimax") ? duet_negate(duet_batch_mean(duet_softplus(judged)))
                                                             : duet_binary_cross_entropy(judged, one);
    duet_node g_may_learn = duet_greater_equal(last_accuracy, duet_constant(graph, duet_setting_number(m, "gate_low")));
    duet_report(m, "g_loss", g_loss);
    duet_minimise_gated(m, g_loss, g_may_learn, generator);

    duet_node sample = players->generate(m, duet_latent(m, latent)), shown = players->as_data(m, sample);
    duet_output(m, "logit", players->discriminate(m, players->real));
    duet_output(m, "sample", shown);
    duet_output(m, "decode", shown);
    duet_output(m, "sample_logit", players->discriminate(m, sample));
}

static duet_node generate(duet_model *m, duet_node z)
{
    duet_group *generator = duet_model_group(m, "generator");
    duet_node h = duet_hidden_layers(m, generator, "generator_hidden", z);
    duet_node y = duet_dense(generator, "output", h, duet_features(duet_model_batch(m)));
    return duet_model_unit_range(m) ? duet_sigmoid(y) : y;
}

static duet_node discriminate(duet_model *m, duet_node x)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    return duet_dense(discriminator, "logit", duet_hidden_layers(m, discriminator, "discriminator_hidden", x), 1);
}

static duet_node as_is(duet_model *m, duet_node x)
{
    (void)m;
    return x;
}

/* One batch for D: without batch statistics it is the same, and each weight is read once. */
static void build_gan(duet_model *m)
{
    duet_gan_game(m, &(duet_gan_players){.real = duet_model_batch(m),
                                         .generate = generate,
                                         .discriminate = discriminate,
                                         .as_data = as_is,
                                         .joint = true});
}

static const duet_setting settings[] = {
    {"generator_hidden", DUET_SETTING_SIZES, "256,512", 0, 0, NULL, "widths of the generator's layers"},
    {"discriminator_hidden", DUET_SETTING_SIZES, "512,256", 0, 0, NULL, "widths of the discriminator's layers"},
    {"latent", DUET_SETTING_COUNT, "64", 1, 65536, NULL, "dimensions of z"},
    DUET_GAN_SETTINGS,
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
