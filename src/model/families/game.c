/* SPDX-License-Identifier: MIT */
/* The game of Goodfellow et al. 2014 (arXiv:1406.2661), algorithm 1: k steps of the discriminator D, then the generator
 * G, each with noise of its own. Objectives are rows of adversary.c, penalties of penalty.c; what a referee may do is
 * in referee.c. */
#include "model/families/game.h"
#include "model/families/needs.h"

/* Who plays for what, and what outlives a phase. */
typedef struct game {
    duet_model *m;
    const duet_gan_players *players;
    duet_referee referee;
    duet_prior prior;
    duet_group *generator, *discriminator;
} game;

/* Settings that contradict each other. */
static void check(duet_model *m, const duet_gan_players *players)
{
    /* Adam's moments go on in updates whose loss is 0, and move D by what it did before */
    if (duet_penalised(m) && duet_setting_number(m, "penalty_every") > 1 &&
        duet_setting_number(m, "penalty_weight") == 0)
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "penalty_every=%g makes updates by the penalty alone, and penalty_weight=0 leaves nothing of "
                          "it: leave penalty_every out, and it is reported",
                          duet_setting_number(m, "penalty_every"));
    if (players->joint && players->conditional)
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "a game with classes sees real and generated examples as two batches, not as one");
    if (players->joint && duet_setting_is(m, "minibatch_deviation", "yes"))
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "minibatch_deviation compares batches of one kind: real and generated "
                          "examples must be two batches, not one");
}

/* D on real and generated examples, as one batch or as two. */
static void discriminate_both(duet_model *m, const duet_gan_players *players, duet_node real, duet_node fake,
                              duet_node *on_real, duet_node *on_fake)
{
    if (players->joint) {
        size_t rows = duet_node_shape(real).dims[0];
        duet_node logits = players->discriminate(m, duet_concat((duet_node[]){real, fake}, 2, 0));
        *on_real = duet_slice(logits, 0, 0, rows);
        *on_fake = duet_slice(logits, 0, rows, rows);
    } else {
        *on_real = players->discriminate(m, real);
        *on_fake = players->discriminate(m, fake);
    }
}

/* Examples as D sees them in training. */
static duet_node shown(duet_model *m, duet_node x)
{
    return duet_referee_blur(m, duet_packed(m, x));
}

/* G's examples as D learns from them; no gradient reaches G through them. */
static duet_node forge(const game *g)
{
    duet_graph *graph = duet_model_graph(g->m);
    duet_node z = duet_prior_draw(graph, &g->prior, 1, duet_model_batch_size(g->m));
    if (g->players->inference) duet_inference_begin(graph);
    duet_node fake = duet_stop_gradient(g->players->generate(g->m, z));
    if (g->players->inference) duet_inference_end(graph);
    return shown(g->m, fake);
}

/* The penalty with its weight, reported without. */
static duet_node weighed_penalty(const game *g, duet_node real, duet_node fake, double steps)
{
    duet_node penalty = duet_penalty(g->m, g->players->discriminate, real, fake);
    duet_report(g->m, "penalty", penalty);
    return duet_scale(penalty, steps * duet_setting_number(g->m, "penalty_weight"));
}

static void discriminator_learns(game *g)
{
    duet_model *m = g->m;
    duet_phase(m, "discriminator", (size_t)duet_setting_number(m, "k"));
    duet_node fake = forge(g), real = shown(m, g->players->real), on_real, on_fake;
    discriminate_both(m, g->players, real, fake, &on_real, &on_fake);
    duet_node d_loss = duet_add(duet_referee_on_real(&g->referee, on_real), duet_referee_on_fake(&g->referee, on_fake));
    duet_node gate = duet_referee_scores(&g->referee, d_loss, on_real, on_fake);
    duet_node minimised = d_loss;
    if (duet_penalised(m) && duet_setting_number(m, "penalty_every") == 1)
        minimised = duet_add(d_loss, weighed_penalty(g, real, fake, 1));
    duet_minimise_gated(m, minimised, gate, g->discriminator);
}

static void generator_learns(const game *g)
{
    duet_model *m = g->m;
    duet_phase(m, "generator", (size_t)duet_setting_number(m, "g_steps"));
    if (g->players->conditional && duet_setting_number(m, "k") == 1) duet_phase_share_batch(m);
    duet_node z = duet_prior_draw(duet_model_graph(m), &g->prior, 1, duet_model_batch_size(m));
    duet_node g_loss =
        g->referee.loss->for_generator(g->players->discriminate(m, shown(m, g->players->generate(m, z))));
    duet_report(m, "g_loss", g_loss);
    duet_minimise_gated(m, g_loss, duet_referee_lets_generator(&g->referee), g->generator);
}

/* As many updates as D has a step, each with the weight of all that were left out (Karras et al. 2020,
 * arXiv:1912.04958, appendix B: lazy regularisation). */
static void discriminator_is_penalised(const game *g)
{
    duet_model *m = g->m;
    double every = duet_penalised(m) ? duet_setting_number(m, "penalty_every") : 1;
    if (every == 1) return;
    duet_phase(m, "penalty", (size_t)duet_setting_number(m, "k"));
    duet_phase_every(m, (size_t)every);
    duet_node fake = forge(g), real = shown(m, g->players->real);
    duet_minimise_gated(m, weighed_penalty(g, real, fake, every), duet_referee_lets_discriminator(&g->referee),
                        g->discriminator);
}

/* What the trained game gives. */
static void give(const game *g)
{
    duet_model *m = g->m;
    duet_node sample = g->players->generate(m, duet_latent(m, &g->prior, 1));
    duet_node drawn = g->players->centred ? duet_model_uncentred(m, sample) : sample;
    duet_output(m, DUET_SAMPLE, drawn);
    duet_output(m, DUET_DECODE, drawn);
    if (!duet_judges_alone(m)) return;
    duet_output(m, DUET_LOGIT, duet_referee_verdict(&g->referee, g->players->discriminate(m, g->players->real)));
    duet_output(m, DUET_SAMPLE_LOGIT, duet_referee_verdict(&g->referee, g->players->discriminate(m, sample)));
}

void duet_gan_game(duet_model *m, const duet_gan_players *players)
{
    game g = {.m = m,
              .players = players,
              .referee = duet_referee_of(m),
              .prior = duet_prior_normal((size_t)duet_setting_number(m, "latent")),
              .generator = duet_model_group(m, "generator"),
              .discriminator = duet_model_group(m, "discriminator")};
    check(m, players);
    duet_warn_of_uneven_columns(m, DUET_FAR_FOR_PLAYERS);
    discriminator_learns(&g);
    generator_learns(&g);
    discriminator_is_penalised(&g);
    give(&g);
}
