/* SPDX-License-Identifier: MIT */
/* Generative adversarial network, Goodfellow et al. 2014 (arXiv:1406.2661), algorithm 1: k steps of the discriminator,
 * then the generator. Losses on logits; the non-saturating generator loss -log D by default, log(1 - D) as minimax. */
#include "model/families/gan.h"
#include "model/families/adversary.h"
#include "model/families/family.h"
#include "model/families/referee.h"

/* D's logits of real and of generated examples, seen as one batch or as two. */
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

void duet_gan_game(duet_model *m, const duet_gan_players *players)
{
    duet_group *generator = duet_model_group(m, "generator"), *discriminator = duet_model_group(m, "discriminator");
    duet_graph *graph = duet_model_graph(m);
    const duet_adversarial_loss *loss = duet_adversarial_loss_chosen(m);
    const duet_prior prior = duet_prior_normal((size_t)duet_setting_number(m, "latent"));
    const duet_initialiser half = {.kind = DUET_INIT_CONSTANT, .scale = 0.5f};
    size_t batch = duet_model_batch_size(m);
    if (players->joint && players->conditional)
        duet_graph_fail(graph, "a game with classes sees real and generated examples as two batches, not as one");
    duet_node last_accuracy = duet_state(graph, "gan.accuracy", DUET_FLOAT32, DUET_SCALAR_SHAPE, half);

    duet_phase(m, "discriminator", (size_t)duet_setting_number(m, "k"));
    duet_node fake = forge(m, players, duet_prior_draw(graph, &prior, 1, batch)), on_real, on_fake;
    discriminate_both(m, players, duet_referee_blur(m, players->real), duet_referee_blur(m, fake), &on_real, &on_fake);
    duet_node real_loss = loss->on_real(on_real, duet_referee_label(m, true));
    duet_node d_loss = duet_add(real_loss, loss->on_fake(on_fake, duet_referee_label(m, false)));
    duet_node accuracy = duet_referee_accuracy(on_real, on_fake);
    duet_report(m, "d_loss", d_loss);
    duet_report(m, "accuracy", accuracy);
    duet_phase_assign(m, last_accuracy, accuracy);
    duet_minimise_gated(m, d_loss, duet_referee_lets_discriminator(m, accuracy), discriminator);

    duet_phase(m, "generator", (size_t)duet_setting_number(m, "g_steps"));
    if (players->conditional && duet_setting_number(m, "k") == 1) duet_phase_share_batch(m);
    duet_node made = duet_referee_blur(m, players->generate(m, duet_prior_draw(graph, &prior, 1, batch)));
    duet_node g_loss = loss->for_generator(players->discriminate(m, made));
    duet_report(m, "g_loss", g_loss);
    duet_minimise_gated(m, g_loss, duet_referee_lets_generator(m, last_accuracy), generator);

    duet_node sample = players->generate(m, duet_latent(m, &prior, 1));
    duet_node shown = players->centred ? duet_model_uncentred(m, sample) : sample;
    duet_output(m, DUET_LOGIT, players->discriminate(m, players->real));
    duet_output(m, DUET_SAMPLE, shown);
    duet_output(m, DUET_DECODE, shown);
    duet_output(m, DUET_SAMPLE_LOGIT, players->discriminate(m, sample));
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

/* D sees real and generated examples as one batch: without batch norm the logits are the same as from two, and each
 * weight is read once. */
static void build_gan(duet_model *m)
{
    duet_gan_game(m,
                  &(duet_gan_players){
                      .real = duet_model_batch(m), .generate = generate, .discriminate = discriminate, .joint = true});
    duet_invert(m, generate);
}

static const duet_setting settings[] = {
    DUET_SIZES("generator_hidden", "256,512", "widths of the generator's layers"),
    DUET_SIZES("discriminator_hidden", "512,256", "widths of the discriminator's layers"),
    DUET_COUNT("latent", 64, 1, 65536, "dimensions of z"),
    DUET_GAN_SETTINGS,
    DUET_GAN_USUAL_SETTINGS,
};

const duet_family duet_family_gan = {
    .name = "gan",
    .summary = "generative adversarial network",
    .paper = "Goodfellow et al. 2014",
    .build = build_gan,
    .groups = (const char *const[]){"generator", "discriminator", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
