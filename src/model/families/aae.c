/* SPDX-License-Identifier: MIT */
/* Adversarial autoencoder, Makhzani et al. 2015 (arXiv:1511.05644): an autoencoder whose codes, all together, are to be
 * distributed as a prior that one can only draw from. A discriminator tells codes from draws (sec. 2), the encoder
 * learns to be mistaken for the prior. With labels, D is told the class and each class has its part of the prior (sec.
 * 2.3). The ring and the roll are mixtures of narrow normals, so that both have a density and quantiles. */
#include <math.h>

#include "model/families/decoder.h"
#include "model/families/family.h"
#include "model/families/game.h"

enum { USUAL_PARTS = 10, MOST_PARTS = 256, ROLL = 200, TURNS = 2 };

/* What codes are to look like. Parts are what classes get where labels are told: a normal of the ring each, or a run
 * of `pieces` normals of the roll, from its middle outwards. */
typedef struct target {
    duet_prior prior;
    size_t parts, pieces;
    float centres[ROLL + MOST_PARTS][2];
} target;

/* Normals on a circle. */
static void place_ring(target *t, double radius)
{
    for (size_t i = 0; i < t->parts; i++) {
        double angle = 2 * acos(-1) * (double)i / (double)t->parts;
        t->centres[i][0] = (float)(radius * cos(angle));
        t->centres[i][1] = (float)(radius * sin(angle));
    }
    t->pieces = 1;
    t->prior = duet_prior_mixture(2, t->parts, t->centres[0], radius / 10);
}

/* Normals along a spiral, so narrow that they show no gaps; about as many a length everywhere. */
static void place_roll(target *t, double radius)
{
    t->pieces = (ROLL + t->parts - 1) / t->parts;
    size_t count = t->parts * t->pieces;
    for (size_t i = 0; i < count; i++) {
        double share = sqrt(((double)i + 0.5) / (double)count), angle = TURNS * 2 * acos(-1) * share;
        t->centres[i][0] = (float)(radius * share * cos(angle));
        t->centres[i][1] = (float)(radius * share * sin(angle));
    }
    t->prior = duet_prior_mixture(2, count, t->centres[0], radius / 40);
}

static void choose_target(duet_model *m, target *t)
{
    size_t latent = (size_t)duet_setting_number(m, "latent");
    double width = duet_setting_number(m, "width");
    bool labelled = duet_setting_is(m, "labels", "yes"), ring = duet_setting_is(m, "prior", "mixture"),
         roll = duet_setting_is(m, "prior", "swiss-roll");
    t->prior = duet_prior_normal(latent);
    t->prior.scale = width;
    if (duet_setting_is(m, "prior", "uniform")) t->prior = duet_prior_uniform(latent, -width, width);
    t->parts = labelled ? duet_features(duet_model_labels(m)) : USUAL_PARTS;
    if (labelled && !ring && !roll)
        duet_graph_fail(duet_model_graph(m), "labels=yes needs a prior with a part for each class: prior=mixture or "
                                             "prior=swiss-roll");
    if ((ring || roll) && latent != 2)
        duet_graph_fail(duet_model_graph(m),
                        "the mixture and the swiss roll lie in a plane, and there are %zu "
                        "latents: set latent=2",
                        latent);
    if (ring) place_ring(t, width);
    if (roll) place_roll(t, width);
}

/* Draws from the part of each row's class: one of its pieces, and noise around that. */
static duet_node draw_labelled(duet_model *m, const target *t)
{
    duet_graph *graph = duet_model_graph(m);
    size_t rows = duet_model_batch_size(m), parts = t->parts, pieces = t->pieces;
    duet_node class = duet_reshape(duet_model_labels(m), DUET_SHAPE(rows, parts, 1));
    duet_node piece = duet_categorical(duet_broadcast(duet_constant(graph, 0), DUET_SHAPE(rows, pieces)));
    duet_node both = duet_multiply(class, duet_reshape(piece, DUET_SHAPE(rows, 1, pieces)));
    duet_node centres = duet_constant_values(graph, DUET_SHAPE(parts * pieces, 2), t->centres[0]);
    duet_node centre = duet_matmul(duet_reshape(both, DUET_SHAPE(rows, parts * pieces)), centres, false, false);
    return duet_add(centre, duet_scale(duet_normal(graph, DUET_SHAPE(rows, 2)), t->prior.scale));
}

static duet_node discriminate(duet_model *m, duet_node code)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    if (duet_setting_is(m, "labels", "yes")) code = duet_with_labels(m, code);
    return duet_dense(discriminator, "logit", duet_hidden_layers(m, discriminator, "discriminator_hidden", code), 1);
}

static duet_node decode(duet_model *m, duet_node code)
{
    return duet_likelihood_mean(m, duet_decode(m, code, duet_features(duet_model_batch(m))));
}

static void build_aae(duet_model *m)
{
    duet_group *encoder = duet_model_group(m, "encoder"), *decoder = duet_model_group(m, "decoder"),
               *discriminator = duet_model_group(m, "discriminator");
    const duet_adversarial_loss *loss = duet_adversarial_loss_chosen(m);
    bool labelled = duet_setting_is(m, "labels", "yes");
    target t;
    choose_target(m, &t);
    duet_node x = duet_model_batch(m), h = duet_hidden_layers(m, encoder, "hidden", x);
    duet_node code = duet_dense(encoder, "code", h, t.prior.features);
    duet_node decoded = duet_decode(m, code, duet_features(x)), mean = duet_likelihood_mean(m, decoded);
    duet_node nll = duet_likelihood_nll(m, decoded, x);

    duet_phase(m, "reconstruction", 1);
    duet_report(m, "nll", duet_batch_mean(nll));
    duet_report(m, "mse", duet_batch_mean(duet_square(duet_subtract(mean, x))));
    duet_minimise(m, duet_batch_mean(nll), encoder, decoder);

    duet_phase(m, "discriminator", 1);
    duet_phase_share_batch(m);
    duet_node drawn =
        labelled ? draw_labelled(m, &t) : duet_prior_draw(duet_model_graph(m), &t.prior, 1, duet_model_batch_size(m));
    duet_node on_real = discriminate(m, duet_referee_blur(m, drawn));
    duet_node on_fake = discriminate(m, duet_referee_blur(m, duet_stop_gradient(code)));
    duet_node real_loss = loss->on_real(on_real, duet_referee_label(m, on_real, true));
    duet_node d_loss = duet_add(real_loss, loss->on_fake(on_fake, duet_referee_label(m, on_fake, false)));
    duet_report(m, "d_loss", d_loss);
    duet_report(m, "accuracy", duet_adversarial_accuracy(loss, on_real, on_fake));
    duet_minimise(m, d_loss, discriminator);

    duet_phase(m, "regularisation", 1);
    duet_phase_share_batch(m);
    duet_phase_own_moments(m); /* the game's gradients are small beside the reconstruction's */
    duet_node g_loss = loss->for_generator(discriminate(m, duet_referee_blur(m, code)));
    duet_report(m, "g_loss", g_loss);
    duet_minimise(m, g_loss, encoder);

    duet_node latent = labelled ? duet_latent_drawn(m, &t.prior, 1, draw_labelled(m, &t)) : duet_latent(m, &t.prior, 1);
    duet_node made = decode(m, latent);
    duet_output(m, DUET_NLL, nll);
    duet_output(m, DUET_LATENT, code);
    duet_output(m, DUET_RECONSTRUCTION, mean);
    duet_output(m, DUET_DECODE, made);
    duet_output(m, DUET_SAMPLE, made);
    duet_invert(m, decode);
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
    DUET_CHOICE("loss", "non-saturating", DUET_ADVERSARIAL_LOSSES, "what the encoder minimises of the game"),
    DUET_REFEREE_SETTINGS,
    DUET_NUMBER("lr", 0.0002, 0, 100, "learning rate"),
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
