/* SPDX-License-Identifier: MIT */
/* What standard outputs are made of: a model that gives one of other things is refused when it is built. */
#include "phase_parts.h"

static duet_node dense(duet_model *m, duet_node x, size_t features)
{
    return duet_dense(duet_model_group(m, "net"), features == 1 ? "verdict" : "layer", x, features);
}
static duet_node wide(duet_model *m, duet_node x)
{
    return dense(m, x, duet_features(duet_model_batch(m)));
}
static duet_node latent(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(2);
    return duet_latent(m, &prior, 1);
}
static duet_node noise(duet_model *m, size_t features)
{
    return duet_normal(duet_model_graph(m), DUET_SHAPE(duet_model_batch_size(m), features));
}
/* What every training needs. */
static void learn(duet_model *m)
{
    duet_group *net = duet_model_group(m, "other");
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_square(test_parameter(m, net, "w", 1)), net);
}

static void decode_examples(duet_model *m)
{
    learn(m);
    (void)latent(m);
    duet_output(m, DUET_DECODE, wide(m, duet_model_batch(m)));
}
static void decode_examples_by_a_procedure(duet_model *m)
{
    learn(m);
    duet_node z = latent(m), chain;
    duet_procedure(m, "walk");
    chain = duet_scratch(m, "chain", DUET_FLOAT32, duet_node_shape(duet_model_batch(m)));
    duet_phase(m, "begin", 1);
    duet_phase_assign(m, chain, duet_add(duet_model_batch(m), wide(m, z)));
    duet_output(m, DUET_DECODE, chain);
}
static void decode_noise(duet_model *m)
{
    learn(m);
    (void)latent(m);
    duet_output(m, DUET_DECODE, wide(m, noise(m, 2)));
}
static void decode_without_latents(duet_model *m)
{
    learn(m);
    duet_output(m, DUET_DECODE, wide(m, noise(m, 2)));
}
static void judge_examples_for_samples(duet_model *m)
{
    learn(m);
    duet_output(m, DUET_SAMPLE_LOGIT, dense(m, duet_model_batch(m), 1));
}
static void draw_latents_of_examples(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(2);
    learn(m);
    (void)duet_latent_drawn(m, &prior, 1, dense(m, duet_model_batch(m), 2));
}
static void reconstruct_latents(duet_model *m)
{
    learn(m);
    duet_output(m, DUET_RECONSTRUCTION, wide(m, latent(m)));
}
static void encode_noise(duet_model *m)
{
    learn(m);
    duet_output(m, DUET_LATENT, noise(m, 3));
}
static void tell_classes_of_latents(duet_model *m)
{
    learn(m);
    duet_output(m, DUET_CLASS_LOGITS, dense(m, latent(m), duet_features(duet_model_labels(m))));
}
static void weigh_latents(duet_model *m)
{
    learn(m);
    duet_output(m, DUET_NLL, duet_sum_features(latent(m)));
}
static void judge_latents(duet_model *m)
{
    learn(m);
    duet_output(m, DUET_LOGIT, dense(m, latent(m), 1));
}
static void reconstruct_latents_of_classes(duet_model *m)
{
    learn(m);
    duet_output(m, DUET_RECONSTRUCTION, wide(m, duet_with_labels(m, latent(m))));
}
static void see_labels(duet_model *m)
{
    learn(m);
    duet_output(m, DUET_FEATURES, duet_with_labels(m, duet_model_batch(m)));
}

static void outputs_of_other_things_are_mistakes(void **state)
{
    (void)state;
    static const struct {
        void (*build)(duet_model *m);
        const char *message;
    } rows[] = {
        {decode_examples, "output \"decode\": it is made of the examples of the batch"},
        {decode_examples_by_a_procedure, "output \"decode\": it is made of the examples of the batch"},
        {decode_noise, "output \"decode\": it is to be made of the latents that are asked for (duet_latent)"},
        {decode_without_latents, "output \"decode\": it is to be made of the latents that are asked for (duet_latent)"},
        {judge_examples_for_samples, "what is made of them is \"logit\""},
        {draw_latents_of_examples, "latent_drawn: the draws are made of the examples of the batch"},
        {reconstruct_latents, "output \"reconstruction\": it is made of latents and draws, and of no example"},
        {reconstruct_latents_of_classes, "output \"reconstruction\": it is made of latents and draws"},
        {encode_noise, "output \"latent\": it is made of latents and draws, and of no example"},
        {tell_classes_of_latents, "output \"class_logits\": it is made of latents and draws, and of no example"},
        {weigh_latents, "output \"nll\": it is made of latents and draws, and of no example"},
        {judge_latents, "output \"logit\": it is made of latents and draws, and of no example"},
        {see_labels, "are told none: what reads them is one of the model's own (duet_own_output)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (duet_build_mode mode = DUET_BUILD_TRAIN; mode <= DUET_BUILD_EVAL; mode++) {
            const duet_family family = family_of(rows[i].build);
            duet_error error = refusal_of_family(&family, labelled, mode, DUET_ERROR_GRAPH);
            assert_message(&error, rows[i].message);
            assert_message(&error, "test_outputs.c:");
        }
}

/* What others are compared with: a mean picture, the shares of classes; a quantiser's KL is one number. */
static void give_the_mean(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    const size_t rows = duet_model_batch_size(m), features = duet_features(duet_model_batch(m));
    duet_node one = test_parameter(m, net, "mean", 0.5), share = test_parameter(m, net, "share", 1);
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_batch_mean(duet_squared_error(one, duet_model_batch(m))), net);
    duet_output(m, DUET_RECONSTRUCTION, duet_broadcast(one, DUET_SHAPE(rows, features)));
    duet_output(m, DUET_CLASS_LOGITS, duet_broadcast(share, DUET_SHAPE(rows, duet_features(duet_model_labels(m)))));
    duet_output(m, DUET_NLL, duet_squared_error(one, duet_model_batch(m)));
    duet_output(m, DUET_KL, duet_broadcast(duet_constant(duet_model_graph(m), 3), DUET_SHAPE(rows)));
}
/* Labels are the batch's as its examples are. */
static void give_the_means_of_classes(duet_model *m)
{
    learn(m);
    duet_output(m, DUET_RECONSTRUCTION, wide(m, duet_model_labels(m)));
    duet_output(m, DUET_LATENT, duet_model_labels(m));
}
/* Of latents, classes and draws, through a procedure's scratch too. */
static void draw(duet_model *m)
{
    learn(m);
    duet_node z = latent(m), chain;
    duet_output(m, DUET_SAMPLE_LOGIT, dense(m, duet_with_labels(m, z), 1));
    duet_procedure(m, "walk");
    chain = duet_scratch(m, "chain", DUET_FLOAT32, duet_node_shape(duet_model_batch(m)));
    duet_phase(m, "begin", 1);
    duet_phase_assign(m, chain, duet_add(chain, wide(m, z)));
    duet_output(m, DUET_SAMPLE, chain);
    duet_output(m, DUET_DECODE, duet_scale(chain, 0.5));
}

static void outputs_may_be_what_others_are_compared_with(void **state)
{
    (void)state;
    const duet_family families[] = {family_of(give_the_mean), family_of(give_the_means_of_classes), family_of(draw)};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (duet_build_mode mode = DUET_BUILD_TRAIN; mode <= DUET_BUILD_EVAL; mode++)
            (void)refusal_of_family(&families[i], labelled, mode, DUET_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_of_other_things_are_mistakes),
        cmocka_unit_test(outputs_may_be_what_others_are_compared_with),
    };
    return RUN_TESTS("outputs", tests, open_sets, close_all);
}
