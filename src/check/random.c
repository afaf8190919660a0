/* SPDX-License-Identifier: MIT */
/* Random numbers by counter are the same on every device: words exactly, what is computed from them to rounding.
 * Streams are counted in the order in which the graph made them. */
#include <math.h>

#include "base/permute.h"
#include "base/philox.h"
#include "check/note.h"
#include "check/special.h"
#include "duet/op.h"
#include "duet/plan.h"

enum { ROWS = 37, CLASSES = 7, ELEMENTS = ROWS * CLASSES, BATCH = 16, EXAMPLES = 100, REPLAYS = 2 };
enum { UNIFORM, NORMAL, GUMBEL, BERNOULLI, CATEGORICAL, SHUFFLED, MASK, STREAMS };
static const uint64_t seed = 0x0123456789ABCDEF;
static const double kept = 0.7;

typedef struct draws {
    duet_node probability, logits, counter;               /* inputs */
    duet_node stream[STREAMS], in_order, clock_increment; /* results */
    float probabilities[ELEMENTS], logit[ELEMENTS];
    uint32_t clock;
} draws;

static double uniform_at(const draws *d, uint32_t stream, size_t element)
{
    return duet_philox_uniform(duet_philox_element(seed, stream, d->clock, (uint32_t)element));
}

static double expected_uniform(const draws *d, size_t i)
{
    return uniform_at(d, UNIFORM, i);
}

static double expected_normal(const draws *d, size_t i)
{
    return duet_philox_normal(duet_philox_element(seed, NORMAL, d->clock, (uint32_t)i));
}

static double gumbel_at(const draws *d, uint32_t stream, size_t i)
{
    return -log(-log(uniform_at(d, stream, i)));
}

static double expected_gumbel(const draws *d, size_t i)
{
    return gumbel_at(d, GUMBEL, i);
}

static double expected_bernoulli(const draws *d, size_t i)
{
    return uniform_at(d, BERNOULLI, i) < d->probabilities[i];
}

static double expected_mask(const draws *d, size_t i)
{
    uint32_t words = duet_philox_element(seed, MASK, d->clock, (uint32_t)i / 8).word[i % 8 / 2];
    return (float)(i % 2 == 0 ? words & 0xFFFF : words >> 16) < (float)(kept * 65536);
}

static double expected_categorical(const draws *d, size_t i)
{
    size_t first = i / CLASSES * CLASSES, best = first;
    for (size_t j = first; j < first + CLASSES; j++) {
        double score = d->logit[j] + gumbel_at(d, CATEGORICAL, j);
        if (score > d->logit[best] + gumbel_at(d, CATEGORICAL, best)) best = j;
    }
    return i == best;
}

/* Batches of a pass follow each other in its permutation; what is left at a pass's end is skipped. */
static double expected_shuffled(const draws *d, size_t i)
{
    uint32_t batches = EXAMPLES / BATCH;
    uint32_t position = d->clock % batches * BATCH + (uint32_t)i;
    return duet_philox_permute(seed, SHUFFLED, d->clock / batches, position, EXAMPLES);
}

static double expected_in_order(const draws *d, size_t i)
{
    return (double)(((uint64_t)d->clock * BATCH + i) % EXAMPLES);
}

static void build(draws *d, duet_graph *graph)
{
    const duet_shape matrix = DUET_SHAPE(ROWS, CLASSES);
    d->probability = duet_input(graph, "probability", DUET_FLOAT32, matrix);
    d->logits = duet_input(graph, "logits", DUET_FLOAT32, matrix);
    d->counter = duet_input(graph, "draws", DUET_UINT32, DUET_SCALAR_SHAPE);
    d->stream[UNIFORM] = duet_uniform(graph, matrix);
    d->stream[NORMAL] = duet_normal(graph, matrix);
    d->stream[GUMBEL] = duet_gumbel(graph, matrix);
    d->stream[BERNOULLI] = duet_bernoulli(d->probability);
    d->stream[CATEGORICAL] = duet_categorical(d->logits);
    d->stream[SHUFFLED] = duet_shuffled(d->counter, BATCH, EXAMPLES);
    d->stream[MASK] = duet_mask(graph, matrix, kept);
    d->in_order = duet_in_order(d->counter, BATCH, EXAMPLES);
    d->clock_increment = duet_assign(duet_clock(graph), duet_increment(duet_clock(graph)));
    for (size_t i = 0; i < ELEMENTS; i++) {
        d->probabilities[i] = (float)i / (ELEMENTS - 1); /* 0 and 1 are among them */
        d->logit[i] = (float)(i % 11) / 5 - 1;
    }
}

static duet_status compare_floats(const draws *d, duet_plan *plan, duet_node node, const char *name,
                                  double (*expected)(const draws *d, size_t i), double tolerance, duet_check_row *row,
                                  duet_error *error)
{
    float actual[ELEMENTS];
    DUET_TRY(duet_plan_read(plan, node, actual, sizeof actual, error));
    for (size_t i = 0; i < ELEMENTS; i++) {
        duet_check_note(row, &row->forward, name, "draw", i, expected(d, i), actual[i], tolerance);
    }
    return DUET_OK;
}

static duet_status compare_indices(const draws *d, duet_plan *plan, duet_node node, const char *name,
                                   double (*expected)(const draws *d, size_t i), duet_check_row *row, duet_error *error)
{
    uint32_t actual[BATCH];
    DUET_TRY(duet_plan_read(plan, node, actual, sizeof actual, error));
    for (size_t i = 0; i < BATCH; i++) {
        duet_check_note(row, &row->forward, name, "index", i, expected(d, i), actual[i], 0);
    }
    return DUET_OK;
}

static duet_status compare(const draws *d, duet_plan *plan, duet_check_row *row, duet_error *error)
{
    const duet_node *stream = d->stream;
    DUET_TRY(compare_floats(d, plan, stream[UNIFORM], "uniform", expected_uniform, 0, row, error));
    DUET_TRY(compare_floats(d, plan, stream[NORMAL], "normal", expected_normal, 1e-5, row, error));
    DUET_TRY(compare_floats(d, plan, stream[GUMBEL], "gumbel", expected_gumbel, 1e-5, row, error));
    DUET_TRY(compare_floats(d, plan, stream[BERNOULLI], "bernoulli", expected_bernoulli, 0, row, error));
    DUET_TRY(compare_floats(d, plan, stream[CATEGORICAL], "categorical", expected_categorical, 0, row, error));
    DUET_TRY(compare_floats(d, plan, stream[MASK], "mask", expected_mask, 0, row, error));
    DUET_TRY(compare_indices(d, plan, stream[SHUFFLED], "shuffled", expected_shuffled, row, error));
    return compare_indices(d, plan, d->in_order, "in_order", expected_in_order, row, error);
}

static duet_status replay(draws *d, duet_plan *plan, duet_check_row *row, duet_error *error)
{
    DUET_TRY(duet_plan_write(plan, d->probability, d->probabilities, sizeof d->probabilities, error));
    DUET_TRY(duet_plan_write(plan, d->logits, d->logit, sizeof d->logit, error));
    for (d->clock = 0; d->clock < REPLAYS; d->clock++) {
        DUET_TRY(duet_plan_write(plan, d->counter, &d->clock, sizeof d->clock, error));
        DUET_TRY(duet_plan_replay(plan, error));
        DUET_TRY(compare(d, plan, row, error));
    }
    return DUET_OK;
}

duet_status duet_check_random(duet_device *device, duet_check_row *row, duet_error *error)
{
    draws d = {0};
    duet_store *store = duet_store_new(seed);
    duet_graph *graph = store ? duet_graph_new(store) : NULL;
    duet_plan *plan = NULL;
    duet_check_begin(row, "random numbers");
    duet_status status = graph ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the checks");
    if (status == DUET_OK) {
        build(&d, graph);
        const duet_node roots[] = {d.stream[UNIFORM],     d.stream[NORMAL],   d.stream[GUMBEL], d.stream[BERNOULLI],
                                   d.stream[CATEGORICAL], d.stream[SHUFFLED], d.stream[MASK],   d.in_order,
                                   d.clock_increment};
        status = duet_plan_new(&plan, device, "random numbers", roots, sizeof roots / sizeof *roots, error);
    }
    if (status == DUET_OK) status = replay(&d, plan, row, error);
    duet_plan_free(&plan);
    duet_graph_free(&graph);
    duet_store_free(&store);
    return status;
}
