/* SPDX-License-Identifier: MIT */
/* Adversarial autoencoder, Makhzani et al. 2015 (arXiv:1511.05644): an autoencoder whose codes, all together, are to be
 * distributed as a prior that one can draw from (sec. 2). A discriminator tells codes from draws of the prior, and the
 * encoder learns to be mistaken for it. With labels, D is told the class and each class has its part of the prior (sec.
 * 2.3). */
#include "model/families/decoder.h"
#include "model/families/family.h"
#include "model/families/figure.h"
#include "model/families/needs.h"
#include "model/families/referee.h"

/* What codes are to look like. */
typedef struct target {
    duet_prior prior;
    duet_figure figure;
    bool labelled; /* each class has a part of the figure */
} target;

static void choose_target(duet_model *m, target *t)
{
    size_t latent = (size_t)duet_setting_number(m, "latent");
    double width = duet_setting_number(m, "width");
    bool ring = duet_setting_is(m, "prior", "mixture"), roll = duet_setting_is(m, "prior", "swiss-roll");
    bool told = duet_setting_is(m, "labels", "yes");
    t->labelled = told && (ring || roll);
    size_t parts = t->labelled ? duet_features(duet_model_labels(m)) : 10;
    if (ring) duet_figure_ring(&t->figure, parts, width);
    if (roll) duet_figure_roll(&t->figure, parts, width);
    if (ring || roll) {
        t->prior = duet_figure_prior(&t->figure);
        if (latent != 2)
            duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                              "the mixture and the swiss roll lie in a plane, and there are %zu "
                              "latents: set latent=2",
                              latent);
        return;
    }
    t->prior =
        duet_setting_is(m, "prior", "uniform") ? duet_prior_uniform(latent, -width, width) : duet_prior_normal(latent);
    t->prior.scale = width;
    if (told)
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "labels=yes needs a prior with a part for each class: prior=mixture or "
                          "prior=swiss-roll");
}

static duet_node discriminate(duet_model *m, duet_node code)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    code = duet_referee_blur(m, code);
    if (duet_setting_is(m, "labels", "yes")) code = duet_with_labels(m, code);
    return duet_dense(discriminator, "logit", duet_hidden_layers(m, discriminator, "discriminator_hidden", code), 1);
}

/* Both phases of the game on codes. */
static void play(duet_model *m, const target *t, duet_node code)
{
    duet_referee referee = duet_referee_of(m);

    duet_phase(m, "discriminator", 1);
    duet_phase_share_batch(m);
    duet_node drawn = t->labelled ? duet_figure_draw(m, &t->figure)
                                  : duet_prior_draw(duet_model_graph(m), &t->prior, 1, duet_model_batch_size(m));
    duet_node on_real = discriminate(m, drawn), on_fake = discriminate(m, duet_stop_gradient(code));
    duet_node d_loss = duet_add(duet_referee_on_real(&referee, on_real), duet_referee_on_fake(&referee, on_fake));
    duet_node gate = duet_referee_scores(&referee, d_loss, on_real, on_fake);
    duet_minimise_gated(m, d_loss, gate, duet_model_group(m, "discriminator"));

    duet_phase(m, "regularisation", 1);
    duet_phase_share_batch(m);
    duet_phase_own_moments(m); /* the game's gradients are small beside the reconstruction's */
    duet_node g_loss = referee.loss->for_generator(discriminate(m, code));
    duet_report(m, "g_loss", g_loss);
    duet_minimise_gated(m, g_loss, duet_referee_lets_generator(&referee), duet_model_group(m, "encoder"));
}

static duet_node decode(duet_model *m, duet_node code)
{
    return duet_likelihood_mean(m, duet_decode(m, code, duet_features(duet_model_batch(m))));
}

static void build_aae(duet_model *m)
{
    duet_group *encoder = duet_model_group(m, "encoder"), *decoder = duet_model_group(m, "decoder");
    target t;
    choose_target(m, &t);
    duet_node x = duet_model_batch(m), h = duet_hidden_layers(m, encoder, "hidden", x);
    duet_node code = duet_dense(encoder, "code", h, t.prior.features);
    duet_node decoded = duet_decode(m, code, duet_features(x)), mean = duet_likelihood_mean(m, decoded);
    duet_node nll = duet_likelihood_nll(m, decoded, x);
    if (duet_likelihood_fixed_sigma(m) > 0) duet_warn_of_uneven_columns(m, DUET_FAR_BY_SQUARES);

    duet_phase(m, "reconstruction", 1);
    duet_report(m, "nll", duet_batch_mean(nll));
    duet_report(m, "mse", duet_batch_mean(duet_square(duet_subtract(mean, x))));
    duet_likelihood_report(m);
    duet_minimise(m, duet_batch_mean(nll), encoder, decoder);
    play(m, &t, code);

    duet_own_output(m, "reconstruction_nll", nll); /* of the code, so that it says nothing of p(x) */
    duet_output(m, DUET_LATENT, code);
    duet_output(m, DUET_RECONSTRUCTION, mean);
    duet_node latent =
        t.labelled ? duet_latent_drawn(m, &t.prior, 1, duet_figure_draw(m, &t.figure)) : duet_latent(m, &t.prior, 1);
    duet_node made = decode(m, latent);
    duet_output(m, DUET_DECODE, made);
    duet_output(m, DUET_SAMPLE, made);
    duet_invert(m, decode);
    duet_anneal_decoder(m, decode);
}

static const duet_setting settings[] = {
    DUET_SIZES("hidden", "1000,1000", "widths of the encoder's layers; the decoder mirrors them"),
    DUET_SIZES("discriminator_hidden", "1000,1000", "widths of the discriminator's layers"),
    DUET_COUNT("latent", 8, 1, 65536, "numbers in the code"),
    DUET_CHOICE("prior", "normal", "normal|uniform|mixture|swiss-roll", "what codes are distributed as"),
    DUET_NUMBER("width", 5, 1e-3, 1e3,
                "of the prior: the normal's deviation, half the uniform's range, the radius of ring or roll"),
    DUET_CHOICE("labels", "no", "no|yes", "yes: D is told the class, and each class has its part of ring or roll"),
    DUET_LIKELIHOOD_SETTINGS("auto"),
    DUET_CHOICE("loss", "non-saturating", DUET_ADVERSARIAL_LOSSES, "what the players minimise of the game"),
    DUET_REFEREE_SETTINGS,
    DUET_NUMBER("lr", 0.0002, 0, 100, "learning rate"),
    DUET_NUMBER("beta1", 0.5, 0, 0.999999, "Adam: decay of the mean gradient"),
};

const duet_family duet_family_aae = {
    .name = "aae",
    .summary = "adversarial autoencoder",
    .paper = "Makhzani et al. 2015",
    .build = build_aae,
    .groups = (const char *const[]){"encoder", "decoder", "discriminator", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .batch = 100,
};
