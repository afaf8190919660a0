/* SPDX-License-Identifier: MIT */
/* A batch dealt out to ranks: several train the model that one alone trains. Ranks are threads here, each with a device,
 * a data set, a model and a trainer of its own. */
#include "rank_threads.h"
#include "test.h"

#include "duet/train.h"

enum { SIDE = 8, ROWS = 60, CLASSES = 3, STEPS = 6, MOST_VALUES = 1 << 20, MOST_TERMS = 32, RANKS = 4 };

typedef struct recipe {
    const char *title, *family, *data; /* data NULL: pictures with classes */
    const char *settings[6];
    size_t batch;
} recipe;

#define PLAYERS "generator_hidden=16", "discriminator_hidden=16"
/* Of a parameter's difference, over the largest change that training made. */
static const double tolerance = 2e-4;

/* Where a batch norm follows, as at the end of a Wasserstein critic, a bias has a gradient of 0 but for rounding, of
 * which Adam makes whole steps: those models take plain steps here. */
#define PLAIN_STEPS "optimiser=sgd"

static const recipe recipes[] = {
    {"ae", "ae", NULL, {"hidden=16", "latent=4"}, 12},
    {"vae", "vae", NULL, {"hidden=16", "latent=4"}, 11},
    {"vae_reports", "vae", NULL, {"hidden=16", "latent=4", "reports=all", "free_bits=0.1", "gradient_norms=yes"}, 11},
    {"vae_clipped", "vae", NULL, {"hidden=16", "latent=4", "clip_norm=0.1", "average=0.9", "optimiser=adamw"}, 11},
    {"vae_importance", "vae", NULL, {"hidden=16", "latent=4", "k=3"}, 10},
    {"vae_vamp", "vae", NULL, {"hidden=16", "latent=4", "prior=vamp", "pseudo_inputs=6"}, 12},
    {"cvae", "cvae", NULL, {"hidden=16", "latent=4"}, 13},
    {"vae_conv", "vae-conv", NULL, {"latent=4"}, 9},
    {"gan", "gan", NULL, {PLAYERS, "latent=4", "k=2", "label_noise=0.1", "gate_low=0.1"}, 14},
    {"gan_packed", "gan", NULL, {PLAYERS, "pack=2"}, 20},
    {"gan_deviation", "gan", NULL, {PLAYERS, "minibatch_deviation=yes"}, 14},
    {"gan_gradient", "gan", NULL, {PLAYERS, "loss=wasserstein", "penalty=gradient", PLAIN_STEPS, "lr=0.01"}, 14},
    {"gan_spectral", "gan", NULL, {PLAYERS, "spectral_norm=yes", "penalty=r1", "penalty_every=2"}, 14},
    {"gan_dragan", "gan", NULL, {PLAYERS, "penalty=dragan", "instance_noise=0.1"}, 14},
    {"cgan", "cgan", NULL, {PLAYERS}, 14},
    {"gan_conv", "gan-conv", NULL, {"latent=4", PLAIN_STEPS, "lr=0.01"}, 10},
    {"mixture", "mixture", "two-peaks", {"components=3"}, 16},
    {"vae_gan", "vae-gan", NULL, {"encoder_hidden=16", PLAYERS, "latent=4"}, 13},
    {"vae_gan_conv", "vae-gan-conv", NULL, {"latent=4", PLAIN_STEPS, "lr=0.0001"}, 9},
    {"bigan", "bigan", NULL, {"latent=4", PLAIN_STEPS, "lr=0.01"}, 13},
    {"aae", "aae", NULL, {"hidden=16", "latent=4"}, 13},
    {"infogan", "infogan", NULL, {PLAYERS, PLAIN_STEPS, "lr=0.01"}, 13},
    {"nice", "nice", NULL, {"hidden=16"}, 13},
    {"realnvp", "realnvp", NULL, {"width=4", "blocks=1", PLAIN_STEPS, "lr=0.0001"}, 9},
    {"made", "made", NULL, {"hidden=16", "orders=3"}, 13},
    {"pixelcnn", "pixelcnn", NULL, {"width=6", "blocks=1"}, 9},
    {"flow_matching", "flow-matching", NULL, {"width=8", PLAIN_STEPS, "lr=0.0001"}, 9},
    {"ddpm", "ddpm", NULL, {"width=8", PLAIN_STEPS, "lr=0.0001"}, 9},
    {"heads_in_front", "heads", NULL, {"optimiser=sgd"}, 11},
    {"classifier", "classifier", NULL, {"dropout=0.2", PLAIN_STEPS, "lr=0.01"}, 9},
};

/* Products of each head's own, with rows of the batch as theirs: a weight's gradient is a sum over rows of many. Of a
 * small table each row takes what it says. */
static void build_heads(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node x = duet_model_batch(m);
    const size_t rows = duet_node_shape(x).dims[0], order[] = {1, 0, 2};
    duet_node index = duet_to_index(duet_scale(duet_sum_features(x), 0.25));
    duet_node table = duet_shift(duet_reshape(duet_range(duet_model_graph(m), 8), DUET_SHAPE(8, 1)), 1);
    x = duet_multiply(x, duet_take(table, 0, index));
    duet_node heads = duet_permute(duet_reshape(x, DUET_SHAPE(rows, SIDE, SIDE)), order);
    const duet_initialiser start = {.kind = DUET_INIT_HE_NORMAL, .scale = 1};
    duet_node weight = duet_weight(duet_model_graph(m), net, "heads", DUET_SHAPE(SIDE, SIDE, 2), start);
    duet_node loss = duet_batch_mean(duet_square(duet_shift(duet_batched_matmul(heads, weight, false, false), -1)));
    duet_phase(m, "train", 1);
    duet_report(m, "loss", loss);
    duet_minimise(m, loss, net);
}

static const duet_family own_families[] = {{.name = "heads", .summary = "heads in front", .build = build_heads}};

static const duet_family *family_of(const recipe *what)
{
    const duet_family *own = own_families;
    return strcmp(what->family, own->name) == 0 ? own : duet_family_find(what->family);
}

/* What one rank ends with. */
typedef struct outcome {
    float *values;
    double means[MOST_TERMS];
    size_t value_count, term_count;
    duet_error error;
} outcome;

typedef struct trial {
    const recipe *what;
    outcome outcomes[RANKS];
} trial;

static duet_status open_data(const recipe *what, duet_data **data, unsigned char *examples, uint8_t *labels,
                             duet_error *error)
{
    uint32_t state = 1;
    duet_own_data own = {.name = "pictures", .shape = DUET_SHAPE(SIDE, SIDE), .type = DUET_UINT8, .count = {ROWS, 0},
                         .examples = {examples, NULL}, .labels = {labels, NULL}, .classes = CLASSES};
    if (what->data != NULL) return duet_data_open(data, what->data, error);
    for (size_t i = 0; i < (size_t)ROWS * SIDE * SIDE; i++) {
        state = state * 1664525u + 1013904223u;
        examples[i] = (unsigned char)((state >> 25) + (i / SIDE % SIDE) * 16);
    }
    for (size_t i = 0; i < ROWS; i++) labels[i] = (uint8_t)(i % CLASSES);
    return duet_data_from_memory(data, &own, error);
}

/* Appends what the trainer's plans have in memory of that kind. */
static duet_status read_variables(duet_trainer *trainer, duet_model *model, duet_device *device, outcome *end,
                                  duet_error *error)
{
    for (size_t p = 0; p < duet_trainer_plan_count(trainer); p++) {
        duet_explanation plan = {0};
        duet_status status = duet_plan_explain(duet_trainer_plan(trainer, p), &plan, error);
        for (size_t i = 0; i < plan.variable_count && status == DUET_OK; i++) {
            const duet_explained_variable *v = &plan.variables[i];
            const size_t count = v->bytes / sizeof(float);
            if (plan.memories[v->memory].kind != DUET_MEMORY_PARAMETERS || v->type != DUET_FLOAT32) continue;
            if (end->value_count + count > MOST_VALUES) continue;
            status = duet_store_read(duet_model_store(model), device, v->name, end->values + end->value_count, v->bytes,
                                     error);
            end->value_count += count;
        }
        duet_explanation_free(&plan);
        if (status != DUET_OK) return status;
    }
    return DUET_OK;
}

/* PoCL 3.1 counts the kernels that it has loaded wrongly where threads release theirs at once. */
static pthread_mutex_t closing = PTHREAD_MUTEX_INITIALIZER;

static duet_status train(const recipe *what, duet_ranks *ranks, size_t steps, outcome *end)
{
    static unsigned char examples[RANKS][ROWS * SIDE * SIDE];
    static uint8_t labels[RANKS][ROWS];
    const size_t rank = duet_ranks_rank(ranks);
    duet_device *device = NULL;
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    size_t settings = 0;
    while (settings < 6 && what->settings[settings] != NULL) settings++;
    end->values = calloc(MOST_VALUES, sizeof *end->values);
    duet_error *error = &end->error;
    duet_status status = duet_device_open(&device, NULL, error);
    if (status == DUET_OK) status = open_data(what, &data, examples[rank], labels[rank], error);
    if (status == DUET_OK) status = duet_model_new(&model, family_of(what), data, what->settings, settings, 5, error);
    if (status == DUET_OK) duet_model_set_ranks(model, ranks);
    if (status == DUET_OK) status = duet_trainer_new(&trainer, device, model, what->batch, error);
    for (size_t i = 0; i < steps && status == DUET_OK; i++) status = duet_trainer_step(trainer, error);
    while (status == DUET_OK && duet_trainer_term(trainer, end->term_count) != NULL) end->term_count++;
    if (status == DUET_OK) status = duet_trainer_losses(trainer, end->means, end->term_count, error);
    if (status == DUET_OK) status = read_variables(trainer, model, device, end, error);
    pthread_mutex_lock(&closing);
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
    pthread_mutex_unlock(&closing);
    return status;
}

static void train_rank(duet_ranks *ranks, void *context)
{
    trial *it = context;
    outcome *end = &it->outcomes[duet_ranks_rank(ranks)];
    duet_status status = train(it->what, ranks, STEPS, end);
    if (status != DUET_OK) print_error("rank %zu: %s\n", duet_ranks_rank(ranks), end->error.message);
    if (status != DUET_OK) abort(); /* the others would wait */
}

static void free_trial(trial *it)
{
    for (size_t i = 0; i < RANKS; i++) free(it->outcomes[i].values);
}

static double largest_difference(const outcome *a, const outcome *b)
{
    double most = 0;
    assert_int_equal(a->value_count, b->value_count);
    for (size_t i = 0; i < a->value_count; i++) {
        double difference = fabs((double)a->values[i] - (double)b->values[i]);
        if (!(difference <= most)) most = difference;
    }
    return most;
}

static void trains_alike(void **state)
{
    const recipe *what = *state;
    outcome alone = {0}, start = {0};
    assert_ok(train(what, NULL, STEPS, &alone), &alone.error);
    assert_ok(train(what, NULL, 1, &start), &start.error);
    assert_in_range(alone.value_count, 1, MOST_VALUES);
    const double change = largest_difference(&alone, &start);
    assert_true(change > 0);
    const size_t only = 2 + (size_t)(what - recipes) % (RANKS - 1); /* all of them take long: DUET_TEST_RANKS=all */
    const char *all = getenv("DUET_TEST_RANKS");
    for (size_t count = 2; count <= RANKS; count++) {
        if (all == NULL && count != only) continue;
        trial it = {.what = what};
        run_ranks(count, train_rank, &it);
        const double difference = largest_difference(&it.outcomes[0], &alone);
        print_message("%s, %zu ranks: %.2g of a change of %.2g\n", what->title, count, difference, change);
        for (size_t r = 1; r < count; r++)
            assert_memory_equal(it.outcomes[r].values, it.outcomes[0].values, alone.value_count * sizeof(float));
        assert_close(difference / change, 0, tolerance);
        for (size_t t = 0; t < alone.term_count; t++)
            assert_close(it.outcomes[0].means[t], alone.means[t], 1e-4 * (1 + fabs(alone.means[t])));
        free_trial(&it);
    }
    free(alone.values);
    free(start.values);
}

/* A trainer of rank 0 of two on paper. */
static duet_status plan_on_paper(const duet_family *family, size_t batch, duet_explanation *plan, duet_error *error)
{
    duet_device *device = test_device_open();
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    duet_ranks *ranks = NULL;
    assert_ok(duet_data_open(&data, "ring8", error), error);
    assert_ok(duet_model_new(&model, family, data, NULL, 0, 5, error), error);
    assert_ok(duet_ranks_on_paper(&ranks, 2, error), error);
    duet_model_set_ranks(model, ranks);
    duet_status status = duet_trainer_new(&trainer, device, model, batch, error);
    if (status == DUET_OK) assert_ok(duet_plan_explain(duet_trainer_plan(trainer, 0), plan, error), error);
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    duet_ranks_free(&ranks);
    duet_data_close(&data);
    duet_device_close(&device);
    return status;
}

/* A loss of all pairs of rows. */
static void build_pairs(duet_model *m)
{
    duet_node x = duet_model_batch(m);
    duet_node y = duet_dense(duet_model_group(m, "net"), "dense", x, 3);
    duet_phase(m, "train", 1);
    duet_minimise(m, duet_batch_mean(duet_square(duet_matmul(y, y, false, true))), duet_model_group(m, "net"));
}

static const duet_family pairs = {.name = "pairs", .summary = "all pairs", .build = build_pairs};

static void what_mixes_rows_is_refused(void **state)
{
    duet_explanation plan = {0};
    duet_error error = {0};
    (void)state;
    assert_status(plan_on_paper(&pairs, 16, &plan, &error), DUET_ERROR_GRAPH, &error);
    assert_non_null(strstr(error.message, "\"matmul\" needs rows of the batch that other ranks have"));
    assert_non_null(strstr(error.message, "test_dealt.c"));
}

static void too_small_a_batch_is_refused(void **state)
{
    duet_explanation plan = {0};
    duet_error error = {0};
    (void)state;
    assert_status(plan_on_paper(duet_family_find("vae"), 3, &plan, &error), DUET_ERROR_USAGE, &error);
    assert_non_null(strstr(error.message, "a batch of 3 is too small for 2 ranks"));
    assert_non_null(strstr(error.message, "--batch 4"));
}

/* Losses and the gradients of both networks go together. */
static void a_step_exchanges_once(void **state)
{
    duet_explanation plan = {0};
    duet_error error = {0};
    size_t exchanges = 0, parts = 0, gradients = 0;
    (void)state;
    assert_ok(plan_on_paper(duet_family_find("vae"), 16, &plan, &error), &error);
    for (size_t i = 0; i < plan.launch_count; i++) {
        const duet_explained_launch *launch = &plan.launches[i];
        if (launch->kind != DUET_LAUNCH_ALL_REDUCE || launch->prepares) continue;
        exchanges++;
        parts += launch->part_count;
        for (size_t r = 0; r < launch->result_count; r++)
            gradients += plan.memories[plan.tensors[launch->results[r].tensor].memory].kind == DUET_MEMORY_GRADIENTS;
    }
    duet_explanation_free(&plan);
    assert_int_equal(exchanges, 1);
    assert_int_equal(gradients, 2);
    assert_in_range(parts, 4, 8);
}

int main(void)
{
    enum { RECIPES = sizeof recipes / sizeof *recipes };
    struct CMUnitTest tests[RECIPES + 3] = {cmocka_unit_test(what_mixes_rows_is_refused),
                                            cmocka_unit_test(too_small_a_batch_is_refused),
                                            cmocka_unit_test(a_step_exchanges_once)};
    for (size_t i = 0; i < RECIPES; i++) tests[3 + i] = TEST_ROW(recipes[i].title, trains_alike, &recipes[i]);
    return RUN_TESTS("dealt", tests, NULL, NULL);
}
