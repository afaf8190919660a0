/* SPDX-License-Identifier: MIT */
/* InfoGAN, Chen et al. 2016 (arXiv:1606.03657), eq. 5 and 6: beside noise G reads codes, a category and continuous
 * ones, and Q, which shares D's hidden layers, says from the picture which they were. What Q knows bounds the mutual
 * information of codes and pictures from below, and both players are paid for it. */
#include "model/families/dense.h"
#include "model/families/family.h"
#include "model/families/needs.h"
#include "model/families/referee.h"

#include <math.h>

/* z: noise, a category as a row of one 1, and continuous codes, side by side. */
typedef struct codes {
    size_t noise, categories, continuous, part_count;
    duet_prior parts[3];
} codes;

static codes codes_of(duet_model *m)
{
    codes it = {.noise = (size_t)duet_setting_number(m, "noise"),
                .categories = (size_t)duet_setting_number(m, "categories"),
                .continuous = (size_t)duet_setting_number(m, "continuous")};
    if (it.noise > 0) it.parts[it.part_count++] = duet_prior_normal(it.noise);
    if (it.categories > 0) it.parts[it.part_count++] = duet_prior_categorical(it.categories);
    if (it.continuous > 0) it.parts[it.part_count++] = duet_prior_uniform(it.continuous, -1, 1);
    return it;
}

/* The hidden layers that D and Q share. */
static duet_node look_at(duet_model *m, duet_node x)
{
    return duet_hidden_layers(m, duet_model_group(m, "discriminator"), "discriminator_hidden", x);
}

static duet_node judge(duet_model *m, duet_node seen)
{
    return duet_dense(duet_model_group(m, "discriminator"), "logit", seen, 1);
}

/* Q(c | x): logits of the category, means and log-variances of the continuous codes; NULL where there are none. */
typedef struct recognised {
    duet_node logits, mean, logvar;
} recognised;

static recognised recognise(duet_model *m, const codes *c, duet_node seen)
{
    duet_group *q = duet_model_group(m, "recognition");
    duet_node h = duet_hidden_layers(m, q, "recognition_hidden", seen);
    recognised it = {0};
    if (c->categories > 0) it.logits = duet_dense(q, "category", h, c->categories);
    if (c->continuous == 0) return it;
    double sigma = duet_setting_number(m, "sigma");
    it.mean = duet_dense(q, "mean", h, c->continuous);
    it.logvar = sigma > 0 ? duet_constant(duet_model_graph(m), 2 * log(sigma))
                          : duet_clamp(duet_dense(q, "logvar", h, c->continuous), -10, 10);
    return it;
}

/* E log Q(c | x) + H(c) in nats, of the codes in z and what Q sees of them: the two parts of L_I. */
static duet_node category_information(const codes *c, const recognised *q, duet_node z)
{
    duet_node truth = duet_slice(z, 1, c->noise, c->categories);
    duet_node known = duet_negate(duet_batch_mean(duet_softmax_cross_entropy(q->logits, truth)));
    return duet_shift(known, log((double)c->categories));
}

static duet_node continuous_information(const codes *c, const recognised *q, duet_node z)
{
    duet_node truth = duet_slice(z, 1, c->noise + c->categories, c->continuous);
    duet_node known = duet_negate(duet_batch_mean(duet_gaussian_nll(q->mean, q->logvar, truth)));
    return duet_shift(known, (double)c->continuous * log(2));
}

/* The loss of a player who is paid for information about the codes z of the examples seen. */
static duet_node informed(duet_model *m, const codes *c, duet_node loss, duet_node seen, duet_node z, bool reported)
{
    const recognised q = recognise(m, c, seen);
    double weight = duet_setting_number(m, "info_weight");
    if (c->categories > 0) {
        duet_node known = category_information(c, &q, z);
        if (reported) duet_report(m, "category_information", known);
        loss = duet_subtract(loss, duet_scale(known, weight));
    }
    if (c->continuous > 0) {
        duet_node known = continuous_information(c, &q, z);
        if (reported) duet_report(m, "continuous_information", known);
        loss = duet_subtract(loss, duet_scale(known, weight));
    }
    return loss;
}

static void warn_of_codes(duet_model *m, const codes *c)
{
    if (c->categories == 1)
        duet_model_warn(m, "categories=1: a code of one value can tell nothing, log 1 = 0 nats: 2 values or more can%s",
                        c->continuous > 0 ? ", and categories=0 leaves the code out" : "");
    if (duet_setting_number(m, "info_weight") == 0)
        duet_model_warn(m,
                        "info_weight=0: Q learns nothing, whatever is set of recognition, and codes are noise like any "
                        "other: info_weight=1 pays both players for what Q knows");
}

static void build_infogan(duet_model *m)
{
    duet_referee referee = duet_referee_of(m);
    const codes c = codes_of(m);
    duet_graph *graph = duet_model_graph(m);
    size_t batch = duet_model_batch_size(m);
    duet_warn_of_uneven_columns(m, DUET_FAR_FOR_PLAYERS);
    if (c.categories + c.continuous == 0) {
        duet_graph_refuse(graph, DUET_ERROR_USAGE,
                          "infogan has no codes: categories or continuous above 0 was expected");
        return;
    }
    warn_of_codes(m, &c);

    duet_phase(m, "discriminator", (size_t)duet_setting_number(m, "k"));
    duet_node z = duet_prior_draw(graph, c.parts, c.part_count, batch);
    duet_node real = look_at(m, duet_referee_blur(m, duet_model_batch(m)));
    duet_node fake = look_at(m, duet_referee_blur(m, duet_stop_gradient(duet_dense_generator(m, z))));
    duet_node on_real = judge(m, real), on_fake = judge(m, fake);
    duet_node d_loss = duet_add(duet_referee_on_real(&referee, on_real), duet_referee_on_fake(&referee, on_fake));
    duet_node gate = duet_referee_scores(&referee, d_loss, on_real, on_fake);
    duet_minimise_gated(m, informed(m, &c, d_loss, fake, z, false), gate, duet_model_group(m, "discriminator"),
                        duet_model_group(m, "recognition"));

    duet_phase(m, "generator", 1);
    z = duet_prior_draw(graph, c.parts, c.part_count, batch);
    fake = look_at(m, duet_referee_blur(m, duet_dense_generator(m, z)));
    duet_node g_loss = referee.loss->for_generator(judge(m, fake));
    duet_report(m, "g_loss", g_loss);
    duet_minimise_gated(m, informed(m, &c, g_loss, fake, z, true), duet_referee_lets_generator(&referee),
                        duet_model_group(m, "generator"));

    duet_node sample = duet_dense_generator(m, duet_latent(m, c.parts, c.part_count));
    duet_node seen = look_at(m, duet_model_batch(m));
    const recognised q = recognise(m, &c, seen);
    duet_output(m, DUET_SAMPLE, sample);
    duet_output(m, DUET_DECODE, sample);
    duet_output(m, DUET_LOGIT, duet_referee_verdict(&referee, judge(m, seen)));
    duet_output(m, DUET_SAMPLE_LOGIT, duet_referee_verdict(&referee, judge(m, look_at(m, sample))));
    if (c.categories > 0) duet_output(m, DUET_CODE_LOGITS, q.logits);
    if (c.continuous > 0) duet_own_output(m, "code_mean", q.mean);
    duet_invert(m, duet_dense_generator);
    duet_anneal_decoder(m, duet_dense_generator);
}

static const duet_setting settings[] = {
    DUET_SIZES("generator_hidden", "256,512", "widths of the generator's layers"),
    DUET_SIZES("discriminator_hidden", "512,256", "widths of the layers that D and Q share"),
    DUET_SIZES("recognition_hidden", "128", "widths of Q's own layers"),
    DUET_BATCH_NORM_SETTING("batch norm in the generator's hidden layers but the first"),
    DUET_COUNT("noise", 62, 0, 65536, "numbers of z that are no codes, N(0, 1)"),
    DUET_COUNT("categories", 10, 0, 65536, "values of the categorical code; 0: there is none"),
    DUET_COUNT("continuous", 2, 0, 65536, "continuous codes, U(-1, 1)"),
    DUET_NUMBER("sigma", 0.5, 0, 1e3, "Q's deviation on continuous codes; 0: Q says how sure it is"),
    DUET_NUMBER("info_weight", 1, 0, 1e6, "weight of the mutual information in both players' losses"),
    DUET_CHOICE("loss", "non-saturating", DUET_ADVERSARIAL_LOSSES, "what the generator minimises"),
    DUET_COUNT("k", 1, 0, 1e6, "discriminator steps a step; 0: a whole epoch of them"),
    DUET_REFEREE_SETTINGS,
    DUET_CHOICE("activation", "leaky_relu", DUET_ACTIVATION_NAMES, "activation of hidden layers"),
    DUET_NUMBER("lr", 0.0002, 0, 100, "learning rate"),
    DUET_NUMBER("generator.lr", 0.001, 0, 100, "the generator's"),
    DUET_NUMBER("recognition.lr", 0.001, 0, 100, "that of Q's own layers"),
    DUET_NUMBER("beta1", 0.5, 0, 0.999999, "Adam: decay of the mean gradient"),
};

const duet_family duet_family_infogan = {
    .name = "infogan",
    .summary = "GAN whose codes say what they change",
    .paper = "Chen et al. 2016",
    .build = build_infogan,
    .groups = (const char *const[]){"generator", "discriminator", "recognition", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
