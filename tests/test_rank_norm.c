/* SPDX-License-Identifier: MIT */
/* What batch norm standardises over where ranks share a batch: the whole of it, or each rank its own rows. A step of a
 * small model is held against the same in doubles, with slopes by differences. */
#include "rank_threads.h"
#include "test.h"

#include "base/status.h"
#include "duet/train.h"

enum { ROWS = 7, IN = 3, OUT = 2, WEIGHTS = IN * OUT, PARAMETERS = WEIGHTS + 2 * OUT, STATES = 2 * OUT, RANKS = 3 };

static const double rate = 0.1;

/* The loss is mean((z - x's first numbers)^2) + penalty * mean((d sum(z^3) / d x)^2) with z = norm(x weight). */
typedef struct recipe {
    const char *title, *over;
    size_t ranks;
    double penalty;
} recipe;

static const recipe recipes[] = {
    {"over_the_batch", "norm_over=batch", 3, 0},       {"over_a_rank", "norm_over=rank", 2, 0},
    {"over_each_of_three", "norm_over=rank", 3, 0},    {"slopes_over_the_batch", "norm_over=batch", 2, 0.02},
    {"slopes_over_a_rank", "norm_over=rank", 2, 0.02}, {"alone", "norm_over=rank", 1, 0.02},
};

/* What a rank has before and after a step. */
typedef struct outcome {
    float before[PARAMETERS], after[PARAMETERS], states[STATES];
    double loss;
    size_t exchanges;
    duet_error error;
} outcome;

typedef struct trial {
    const recipe *what;
    duet_family family;
    float examples[RANKS][ROWS][IN];
    outcome outcomes[RANKS];
} trial;

/* The model in doubles. */

static void fill(float examples[ROWS][IN])
{
    uint32_t state = 7;
    for (size_t i = 0; i < (size_t)ROWS * IN; i++) {
        state = state * 1664525u + 1013904223u;
        examples[i / IN][i % IN] = (float)(state >> 8) / (1 << 23) - 1;
    }
}

/* Rows of the batch that are standardised together: as they are dealt out, or all. */
static size_t part_end(const recipe *what, size_t first)
{
    static const size_t ends[RANKS][RANKS] = {{7}, {4, 7}, {3, 5, 7}};
    size_t rank = 0;
    if (strcmp(what->over, "norm_over=batch") == 0) return ROWS;
    while (ends[what->ranks - 1][rank] <= first) rank++;
    return ends[what->ranks - 1][rank];
}

static void standardise(const double *x, size_t count, double *y, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (size_t i = 0; i < count; i++) *mean += x[i] / (double)count;
    for (size_t i = 0; i < count; i++) *variance += (x[i] - *mean) * (x[i] - *mean) / (double)count;
    for (size_t i = 0; i < count; i++) y[i] = (x[i] - *mean) / sqrt(*variance + DUET_BATCH_NORM_EPSILON);
}

/* z, and the means of the parts' means and variances, by their rows. */
static void forward(const recipe *what, double x[ROWS][IN], const double *p, double z[ROWS][OUT], double *states)
{
    for (size_t o = 0; o < OUT; o++) {
        double h[ROWS] = {0}, y[ROWS], mean, variance;
        states[o] = states[OUT + o] = 0;
        for (size_t i = 0; i < (size_t)ROWS * IN; i++) h[i / IN] += x[i / IN][i % IN] * p[o * IN + i % IN];
        for (size_t first = 0, end; first < ROWS; first = end) {
            end = part_end(what, first);
            standardise(h + first, end - first, y + first, &mean, &variance);
            states[o] += mean * (double)(end - first) / ROWS;
            states[OUT + o] += variance * (double)(end - first) / ROWS;
        }
        for (size_t i = 0; i < ROWS; i++) z[i][o] = y[i] * p[WEIGHTS + o] + p[WEIGHTS + OUT + o];
    }
}

static double cubes(const recipe *what, double x[ROWS][IN], const double *p)
{
    double z[ROWS][OUT], states[STATES], sum = 0;
    forward(what, x, p, z, states);
    for (size_t i = 0; i < (size_t)ROWS * OUT; i++) sum += pow(z[i / OUT][i % OUT], 3);
    return sum;
}

static double loss_of(const recipe *what, double x[ROWS][IN], const double *p)
{
    const double step = 1e-4;
    double z[ROWS][OUT], states[STATES], loss = 0;
    forward(what, x, p, z, states);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t o = 0; o < OUT; o++) loss += pow(z[i][o] - x[i][o], 2) / (ROWS * OUT);
    for (size_t i = 0; i < (size_t)ROWS * IN && what->penalty > 0; i++) {
        double *at = &x[i / IN][i % IN];
        const double middle = *at;
        *at = middle + step;
        double slope = cubes(what, x, p);
        *at = middle - step;
        slope = (slope - cubes(what, x, p)) / (2 * step);
        *at = middle;
        loss += what->penalty * slope * slope / (ROWS * IN);
    }
    return loss;
}

/* The library's. */

static void build(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node x = duet_model_batch(m), z = duet_dense_no_bias(net, "dense", x, OUT);
    if (!duet_setting_is(m, "plain", "yes")) z = duet_batch_norm(net, "norm", z);
    duet_node loss = duet_batch_mean(duet_square(duet_subtract(z, duet_slice(x, 1, 0, OUT))));
    const double penalty = duet_setting_number(m, "penalty");
    if (penalty > 0) {
        duet_node slope;
        duet_grad(duet_sum(duet_multiply(z, duet_square(z)), DUET_ALL_AXES, false), &x, 1, &slope);
        loss = duet_add(loss, duet_scale(duet_batch_mean(duet_square(slope)), penalty));
    }
    duet_phase(m, "step", 1);
    duet_report(m, "loss", loss);
    duet_minimise(m, loss, net);
    duet_output(m, DUET_LATENT, z);
}

static const duet_setting settings[] = {
    DUET_NUMBER("penalty", 0, 0, 1, "factor of the squared slopes"),
    DUET_CHOICE("plain", "no", "yes|no", "no batch norm"),
};

static const struct {
    const char *name;
    size_t count;
} parameters[] = {{"net.dense.weight", WEIGHTS}, {"net.norm.scale", OUT}, {"net.norm.offset", OUT}},
  states[] = {{"net.norm.mean", OUT}, {"net.norm.variance", OUT}};

static duet_status read_parameters(duet_model *model, duet_device *device, bool is_plain, float *to, duet_error *error)
{
    for (size_t i = 0; i < (is_plain ? 1 : 3); to += parameters[i++].count)
        DUET_TRY(duet_store_read(duet_model_store(model), device, parameters[i].name, to,
                                 parameters[i].count * sizeof *to, error));
    return DUET_OK;
}

static duet_status read_states(duet_model *model, duet_device *device, float *to, duet_error *error)
{
    for (size_t i = 0; i < 2; to += states[i++].count)
        DUET_TRY(
            duet_store_read(duet_model_store(model), device, states[i].name, to, states[i].count * sizeof *to, error));
    return DUET_OK;
}

static duet_status count_exchanges(duet_trainer *trainer, size_t *count, duet_error *error)
{
    duet_explanation plan = {0};
    DUET_TRY(duet_plan_explain(duet_trainer_plan(trainer, 0), &plan, error));
    for (size_t i = 0; i < plan.launch_count; i++) *count += plan.launches[i].kind == DUET_LAUNCH_ALL_REDUCE;
    duet_explanation_free(&plan);
    return DUET_OK;
}

static duet_status step(duet_trainer *trainer, duet_model *model, duet_device *device, bool is_plain, outcome *end)
{
    duet_error *error = &end->error;
    DUET_TRY(read_parameters(model, device, is_plain, end->before, error));
    DUET_TRY(duet_trainer_step(trainer, error));
    DUET_TRY(duet_trainer_losses(trainer, &end->loss, 1, error));
    DUET_TRY(read_parameters(model, device, is_plain, end->after, error));
    if (!is_plain) DUET_TRY(read_states(model, device, end->states, error));
    return count_exchanges(trainer, &end->exchanges, error);
}

static duet_status train(trial *it, duet_ranks *ranks, bool is_plain, outcome *end)
{
    const size_t rank = duet_ranks_rank(ranks);
    char penalty[32];
    (void)snprintf(penalty, sizeof penalty, "penalty=%g", it->what->penalty);
    const char *const given[] = {it->what->over, penalty,      "optimiser=sgd",
                                 "lr=0.1",       "shuffle=no", is_plain ? "plain=yes" : "plain=no"};
    const duet_own_data own = {.name = "numbers",
                               .shape = DUET_SHAPE(IN),
                               .type = DUET_FLOAT32,
                               .count = {ROWS, ROWS},
                               .examples = {it->examples[rank], it->examples[rank]}};
    duet_device *device = NULL;
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    duet_error *error = &end->error;
    fill(it->examples[rank]);
    duet_status status = duet_device_open(&device, NULL, error);
    if (status == DUET_OK) status = duet_data_from_memory(&data, &own, error);
    if (status == DUET_OK) status = duet_model_new(&model, &it->family, data, given, 6, 5, error);
    if (status == DUET_OK) duet_model_set_ranks(model, ranks);
    if (status == DUET_OK) status = duet_trainer_new(&trainer, device, model, ROWS, error);
    if (status == DUET_OK) status = step(trainer, model, device, is_plain, end);
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
    return status;
}

static void train_as(trial *it, duet_ranks *ranks, bool is_plain)
{
    outcome *end = &it->outcomes[duet_ranks_rank(ranks)];
    if (train(it, ranks, is_plain, end) == DUET_OK) return;
    print_error("rank %zu: %s\n", duet_ranks_rank(ranks), end->error.message);
    abort(); /* the others would wait */
}

static void train_rank(duet_ranks *ranks, void *context)
{
    train_as(context, ranks, false);
}

static void train_plain_rank(duet_ranks *ranks, void *context)
{
    train_as(context, ranks, true);
}

static trial trial_of(const recipe *what)
{
    return (trial){
        .what = what,
        .family = {.name = "small", .summary = "", .build = build, .settings = settings, .setting_count = 2}};
}

static void steps_are_those_by_hand(void **state)
{
    const recipe *what = *state;
    trial it = trial_of(what);
    run_ranks(what->ranks, train_rank, &it);
    const outcome *end = &it.outcomes[0];
    double x[ROWS][IN], p[PARAMETERS], z[ROWS][OUT], expected[STATES];
    for (size_t i = 0; i < (size_t)ROWS * IN; i++) x[i / IN][i % IN] = (double)it.examples[0][i / IN][i % IN];
    for (size_t i = 0; i < PARAMETERS; i++) p[i] = (double)end->before[i];
    assert_close(end->loss, loss_of(what, x, p), 1e-5);
    for (size_t i = 0; i < PARAMETERS; i++) {
        const double by = 1e-3, middle = p[i];
        p[i] = middle + by;
        double slope = loss_of(what, x, p);
        p[i] = middle - by;
        slope = (slope - loss_of(what, x, p)) / (2 * by);
        p[i] = middle;
        assert_close(((double)end->before[i] - (double)end->after[i]) / rate, slope, 1e-4 * (1 + fabs(slope)));
    }
    forward(what, x, p, z, expected);
    for (size_t i = 0; i < STATES; i++) {
        const double start = i < OUT ? 0 : 1, keep = DUET_BATCH_NORM_MOMENTUM;
        assert_close(((double)end->states[i] - keep * start) / (1 - keep), expected[i], 1e-4);
    }
    for (size_t r = 1; r < what->ranks; r++) {
        assert_memory_equal(it.outcomes[r].after, end->after, sizeof end->after);
        assert_memory_equal(it.outcomes[r].states, end->states, sizeof end->states);
    }
}

static size_t exchanges(const recipe *what, rank_function function)
{
    trial it = trial_of(what);
    run_ranks(what->ranks, function, &it);
    return it.outcomes[0].exchanges;
}

/* Means over a rank ask the others nothing; those over the batch twice forward and once backward. */
static void exchanges_are_counted(void **state)
{
    (void)state;
    static const recipe batch = {"", "norm_over=batch", 2, 0}, rank = {"", "norm_over=rank", 2, 0};
    const size_t plain = exchanges(&rank, train_plain_rank);
    assert_int_equal(plain, 1);
    assert_int_equal(exchanges(&rank, train_rank), plain);
    assert_int_equal(exchanges(&batch, train_rank), plain + 3);
}

int main(void)
{
    enum { RECIPES = sizeof recipes / sizeof *recipes };
    struct CMUnitTest tests[RECIPES + 1];
    for (size_t i = 0; i < RECIPES; i++) tests[i] = TEST_ROW(recipes[i].title, steps_are_those_by_hand, &recipes[i]);
    tests[RECIPES] = (struct CMUnitTest)cmocka_unit_test(exchanges_are_counted);
    return RUN_TESTS("rank_norm", tests, NULL, NULL);
}
