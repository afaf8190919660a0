/* Outputs of a model for rows that the host gives: padded chunks through one plan an output. */
#include "train/evaluator.h"

#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/size.h"
#include "graph/variable.h"

/* Philox streams of the host's own; those of a graph count up from 0. */
enum { PRIOR_STREAM = 0x50524952 };

/* Keeps the noise of evaluation apart from that of a training with the same seed. */
enum { EVALUATION_KEY = 0x4556414C };

struct duet_evaluator {
    duet_device *device;
    duet_model *model;
    duet_build *build;
    duet_plan *plans[DUET_MAX_OUTPUTS]; /* made when first needed */
};

duet_status duet_evaluator_new(duet_evaluator **evaluator, duet_device *device, duet_model *model, duet_error *error)
{
    *evaluator = NULL;
    duet_evaluator *made = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for an evaluator");
    made->device = device;
    made->model = model;
    duet_status status = duet_model_build(model, DUET_BUILD_EVAL, DUET_EVALUATOR_ROWS, &made->build, error);
    if (status != DUET_OK) {
        free(made);
        return status;
    }
    *evaluator = made;
    return DUET_OK;
}

void duet_evaluator_free(duet_evaluator **evaluator)
{
    if (evaluator == NULL || *evaluator == NULL) return;
    for (size_t i = 0; i < DUET_MAX_OUTPUTS; i++) duet_plan_free(&(*evaluator)->plans[i]);
    duet_build_free(&(*evaluator)->build);
    free(*evaluator);
    *evaluator = NULL;
}

/* A row's numbers; 0 if the first dimension is not the batch. */
static size_t row_features(duet_node node)
{
    duet_shape shape = duet_node_shape(node);
    if (shape.rank == 0 || shape.dims[0] != DUET_EVALUATOR_ROWS) return 0;
    return duet_shape_elements(shape) / DUET_EVALUATOR_ROWS;
}

size_t duet_evaluator_features(const duet_evaluator *evaluator, const char *output)
{
    duet_node node = duet_build_output(evaluator->build, output);
    return node == NULL ? 0 : row_features(node);
}

size_t duet_evaluator_latent_features(const duet_evaluator *evaluator)
{
    return evaluator->build->latent == NULL ? 0 : row_features(evaluator->build->latent);
}

static duet_status find_plan(duet_evaluator *evaluator, const char *output, duet_node *node, duet_plan **plan,
                             duet_error *error)
{
    const duet_build *build = evaluator->build;
    for (size_t i = 0; i < build->output_count; i++) {
        if (strcmp(build->outputs[i].name, output) != 0) continue;
        *node = build->outputs[i].value;
        if (row_features(*node) == 0)
            return duet_fail(error, DUET_ERROR_USAGE, "the output \"%s\" has no row an example", output);
        if (evaluator->plans[i] == NULL)
            DUET_TRY(duet_plan_new(&evaluator->plans[i], evaluator->device, output, node, 1, error));
        *plan = evaluator->plans[i];
        return DUET_OK;
    }
    return duet_fail(error, DUET_ERROR_USAGE, "the model \"%s\" has no output \"%s\"",
                     duet_model_family(evaluator->model)->name, output);
}

/* One output of one call. */
typedef struct computation {
    duet_plan *plan;
    duet_node input, output;
    size_t input_features, output_features;
    float *input_rows, *output_rows; /* of a whole chunk */
} computation;

static duet_status compute_chunk(const computation *work, const float *rows, size_t count, float *values,
                                 duet_error *error)
{
    size_t given = count * work->input_features, room = DUET_EVALUATOR_ROWS * work->input_features;
    memcpy(work->input_rows, rows, given * sizeof *rows);
    memset(work->input_rows + given, 0, (room - given) * sizeof *rows);
    DUET_TRY(duet_plan_write(work->plan, work->input, work->input_rows, room * sizeof *rows, error));
    DUET_TRY(duet_plan_replay(work->plan, error));
    DUET_TRY(duet_plan_read(work->plan, work->output, work->output_rows,
                            DUET_EVALUATOR_ROWS * work->output_features * sizeof *values, error));
    memcpy(values, work->output_rows, count * work->output_features * sizeof *values);
    return DUET_OK;
}

/* The store's random seed and clock: chunk c of a call draws at clock c. */
typedef struct random_state {
    duet_variable *clock, *seed; /* NULL where the model draws nothing */
    uint32_t saved_clock, saved_seed[2];
} random_state;

static duet_status begin_random(duet_store *store, uint64_t seed, random_state *state, duet_error *error)
{
    const uint32_t words[2] = {(uint32_t)seed, (uint32_t)(seed >> 32) ^ EVALUATION_KEY};
    state->clock = duet_store_find(store, "random.clock");
    state->seed = duet_store_find(store, "random.seed");
    if (state->clock != NULL && state->clock->storage->buffer == NULL) state->clock = NULL;
    if (state->seed != NULL && state->seed->storage->buffer == NULL) state->seed = NULL;
    if (state->clock != NULL) DUET_TRY(duet_variable_read(state->clock, &state->saved_clock, error));
    if (state->seed == NULL) return DUET_OK;
    DUET_TRY(duet_variable_read(state->seed, state->saved_seed, error));
    return duet_variable_write(state->seed, words, error);
}

static duet_status end_random(const random_state *state, duet_error *error)
{
    if (state->clock != NULL) DUET_TRY(duet_variable_write(state->clock, &state->saved_clock, error));
    if (state->seed != NULL) DUET_TRY(duet_variable_write(state->seed, state->saved_seed, error));
    return DUET_OK;
}

static duet_status compute_all(const computation *work, const random_state *state, const float *rows, size_t count,
                               float *values, duet_error *error)
{
    uint32_t chunk = 0;
    for (size_t first = 0; first < count; first += DUET_EVALUATOR_ROWS, chunk++) {
        size_t here = count - first < DUET_EVALUATOR_ROWS ? count - first : DUET_EVALUATOR_ROWS;
        if (state->clock != NULL) DUET_TRY(duet_variable_write(state->clock, &chunk, error));
        DUET_TRY(compute_chunk(work, rows + first * work->input_features, here, values + first * work->output_features,
                               error));
    }
    return DUET_OK;
}

duet_status duet_evaluator_compute(duet_evaluator *evaluator, duet_evaluator_source source, const char *output,
                                   const float *rows, size_t count, uint64_t seed, float *values, duet_error *error)
{
    computation work = {.input = source == DUET_FROM_LATENTS ? evaluator->build->latent : evaluator->build->batch};
    random_state state = {NULL};
    if (work.input == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "the model \"%s\" reads no latents: it cannot be sampled from",
                         duet_model_family(evaluator->model)->name);
    DUET_TRY(find_plan(evaluator, output, &work.output, &work.plan, error));
    work.input_features = row_features(work.input);
    work.output_features = row_features(work.output);
    work.input_rows = malloc(DUET_EVALUATOR_ROWS * work.input_features * sizeof *work.input_rows);
    work.output_rows = malloc(DUET_EVALUATOR_ROWS * work.output_features * sizeof *work.output_rows);
    duet_status status = DUET_OK;
    if (work.input_rows == NULL || work.output_rows == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a chunk of \"%s\"", output);
    if (status == DUET_OK) status = begin_random(duet_model_store(evaluator->model), seed, &state, error);
    if (status == DUET_OK) {
        status = compute_all(&work, &state, rows, count, values, error);
        duet_status restored = end_random(&state, error);
        if (status == DUET_OK) status = restored;
    }
    free(work.input_rows);
    free(work.output_rows);
    return status;
}

void duet_prior_latents(uint64_t seed, size_t count, size_t features, float *latents)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < features; k++)
            latents[i * features + k] =
                (float)duet_philox_normal(duet_philox_element(seed, PRIOR_STREAM, (uint32_t)i, (uint32_t)k));
}
