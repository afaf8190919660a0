/* SPDX-License-Identifier: MIT */
/* Requests answered: rows go through a procedure in batches. The last batch is filled up with rows of zeros, which
 * change no other row's result. */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "plan/plan.h"
#include "train/prepared.h"
#include "train/recalibrate.h"

enum { EVALUATION_KEY = 0x4556414C }; /* keeps the noise of use apart from that of a training with the same seed */

/* One request under way. `room` holds a batch of the widest input or output. */
typedef struct course {
    duet_prepared *made;
    const duet_request *request;
    const cl_mem *buffers;     /* of the outputs; NULL: all go to the host */
    duet_variable *seed, *row; /* NULL where nothing is drawn */
    float *room;
    uint64_t done, total; /* replays of phases */
} course;

static duet_status write_rows(course *it, duet_node input, const float *rows, size_t count, duet_error *error)
{
    size_t features = duet_row_features(input, it->made->rows), given = count * features,
           whole = it->made->rows * features;
    if (given > 0) memcpy(it->room, rows, given * sizeof *rows);
    memset(it->room + given, 0, (whole - given) * sizeof *rows);
    const duet_schedule *schedule = &it->made->schedule;
    for (size_t i = 0; i < schedule->plan_count; i++)
        if (duet_plan_holds(schedule->plans[i], input))
            DUET_TRY(duet_plan_write(schedule->plans[i], input, it->room, whole * sizeof *rows, error));
    return DUET_OK;
}

/* Writes classes as one-hot rows. */
static duet_status write_classes(course *it, const uint8_t *classes, size_t count, duet_error *error)
{
    duet_node labels = it->made->build->labels;
    size_t features = labels == NULL ? 0 : duet_features(labels);
    if (labels == NULL) return DUET_OK; /* the model reads none */
    float *rows = calloc(count * features, sizeof *rows);
    if (rows == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu classes", count);
    duet_status status = DUET_OK;
    for (size_t i = 0; i < count && status == DUET_OK; i++) {
        if (classes[i] >= features)
            status = duet_fail(error, DUET_ERROR_USAGE,
                               "class %d is none of the classes 0 to %zu that the model was trained on", classes[i],
                               features - 1);
        else
            rows[i * features + classes[i]] = 1;
    }
    if (status == DUET_OK) status = write_rows(it, labels, rows, count, error);
    free(rows);
    return status;
}

static bool in_use(const duet_variable *variable)
{
    return variable != NULL && variable->storage->buffer != NULL;
}

/* Every batch of a procedure starts afresh, from the seed and the number of its first row alone. Without phases only
 * that number changes from batch to batch. */
static duet_status restart(course *it, size_t first, duet_error *error)
{
    const duet_schedule *schedule = &it->made->schedule;
    const uint32_t words[2] = {(uint32_t)it->request->seed, (uint32_t)(it->request->seed >> 32) ^ EVALUATION_KEY};
    const uint32_t row = (uint32_t)(it->request->first + first);
    bool forgets = schedule->phase_count > 0;
    if (forgets) DUET_TRY(duet_store_restart(it->made->build->scratch, error));
    if (in_use(it->seed) && (forgets || first == 0)) DUET_TRY(duet_variable_write(it->seed, words, error));
    return in_use(it->row) ? duet_variable_write(it->row, &row, error) : DUET_OK;
}

static duet_status give_inputs(course *it, size_t first, size_t count, duet_error *error)
{
    const duet_build *build = it->made->build;
    const duet_request *request = it->request;
    if (request->examples != NULL)
        DUET_TRY(write_rows(it, build->batch, request->examples + first * duet_features(build->batch), count, error));
    if (request->latents != NULL && build->latent != NULL)
        DUET_TRY(write_rows(it, build->latent, request->latents + first * duet_features(build->latent), count, error));
    return request->classes != NULL ? write_classes(it, request->classes + first, count, error) : DUET_OK;
}

static duet_status replay(course *it, size_t phase, duet_error *error)
{
    const duet_request *request = it->request;
    if (request->stop != NULL && *request->stop != 0)
        return duet_fail(error, DUET_ERROR_INTERRUPTED, "stopped after %llu of %llu repeats",
                         (unsigned long long)it->done, (unsigned long long)it->total);
    DUET_TRY(duet_schedule_enqueue(&it->made->schedule, phase, true, error));
    it->done++;
    if (request->progress != NULL) request->progress(request->context, it->done, it->total);
    return DUET_OK;
}

static duet_status run_phases(course *it, duet_error *error)
{
    const duet_schedule *schedule = &it->made->schedule;
    for (size_t round = 0; round < duet_prepared_rounds(it->made); round++)
        for (size_t i = 0; i < schedule->phase_count; i++)
            for (size_t k = 0; k < schedule->phases[i].repeats; k++) DUET_TRY(replay(it, i, error));
    return DUET_OK;
}

/* The caller's buffer of output i; NULL: it goes to the host. */
static cl_mem buffer_of(const course *it, size_t i)
{
    return it->buffers == NULL ? NULL : it->buffers[i];
}

static duet_status read_outputs(course *it, size_t first, size_t count, duet_error *error)
{
    const duet_prepared *made = it->made;
    for (size_t i = 0; i < it->request->output_count; i++) {
        duet_plan *plan = duet_schedule_last(&made->schedule);
        size_t features = duet_row_features(made->outputs[i], made->rows), row = features * sizeof *it->room;
        cl_mem buffer = buffer_of(it, i);
        if (buffer != NULL) {
            DUET_TRY(duet_plan_read_buffer(plan, made->outputs[i], buffer, first * row, count * row, error));
            continue;
        }
        DUET_TRY(duet_plan_read(plan, made->outputs[i], it->room, made->rows * row, error));
        memcpy(it->request->outputs[i].values + first * features, it->room, count * features * sizeof *it->room);
    }
    return DUET_OK;
}

static duet_status run_batch(course *it, size_t first, size_t count, duet_error *error)
{
    duet_schedule *schedule = &it->made->schedule;
    DUET_TRY(restart(it, first, error));
    DUET_TRY(give_inputs(it, first, count, error));
    DUET_TRY(run_phases(it, error));
    DUET_TRY(duet_schedule_enqueue(schedule, schedule->phase_count, false, error));
    DUET_TRY(read_outputs(it, first, count, error));
    return schedule->phase_count > 0 ? duet_schedule_check(schedule, error) : DUET_OK;
}

/* Numbers a row of the widest input or output. */
static size_t widest(const duet_prepared *made, size_t output_count)
{
    const duet_node inputs[] = {made->build->batch, made->build->latent, made->build->labels};
    size_t most = 1;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        if (inputs[i] != NULL && duet_row_features(inputs[i], made->rows) > most)
            most = duet_row_features(inputs[i], made->rows);
    for (size_t i = 0; i < output_count; i++)
        if (duet_row_features(made->outputs[i], made->rows) > most)
            most = duet_row_features(made->outputs[i], made->rows);
    return most;
}

/* Outputs that depend on examples need some, else they would be those of zeros; if they depend on classes too, they
 * need the classes of the examples, else these would be drawn. */
static duet_status check_request(const duet_evaluator *evaluator, const duet_prepared *made,
                                 const duet_request *request, duet_error *error)
{
    const char *what = request->outputs[0].name;
    if (made->reads_examples && request->examples == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "\"%s\" is made of examples, and the request gives none", what);
    if (made->reads_examples && made->reads_classes && request->classes == NULL)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "\"%s\" is made of examples and their classes, and there are no classes: a model that was "
                         "told classes needs data with labels in this split",
                         what);
    if (request->latents != NULL && made->build->latent == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "the model \"%s\" reads no latents: it cannot be sampled from",
                         duet_model_family(evaluator->model)->name);
    return DUET_OK;
}

/* Each must hold all rows, before any is computed. */
static duet_status check_buffers(const duet_evaluator *evaluator, const course *it, duet_error *error)
{
    for (size_t i = 0; i < it->request->output_count; i++) {
        size_t row = duet_row_features(it->made->outputs[i], it->made->rows) * sizeof(float), bytes;
        if (buffer_of(it, i) == NULL) continue;
        if (!duet_size_multiply(it->request->count, row, &bytes))
            return duet_fail(error, DUET_ERROR_USAGE, "%zu rows are more than there is room for", it->request->count);
        DUET_TRY(duet_buffer_check(evaluator->device, buffer_of(it, i), 0, bytes, false, error));
    }
    return DUET_OK;
}

duet_status duet_evaluator_answer(duet_evaluator *evaluator, const duet_request *request, duet_error *error)
{
    course it = {.request = request, .buffers = evaluator->buffers};
    for (size_t i = 0; i < request->output_count; i++)
        if (request->outputs == NULL || request->outputs[i].name == NULL ||
            (request->outputs[i].values == NULL && buffer_of(&it, i) == NULL))
            return duet_fail(error, DUET_ERROR_USAGE, "output %zu of the request has no name or no room for its values",
                             i);
    if (request->output_count == 0)
        return duet_fail(error, DUET_ERROR_USAGE, "the request names no outputs, so there is nothing to give");
    if (request->count == 0) return DUET_OK;
    if (!evaluator->recalibrated && duet_settings_want_averages(request->settings, request->setting_count)) {
        DUET_TRY(duet_recalibrate(evaluator->device, evaluator->model, request->stop, error));
        evaluator->recalibrated = true;
    }
    DUET_TRY(duet_evaluator_prepare(evaluator, request, &it.made, error));
    DUET_TRY(check_request(evaluator, it.made, request, error));
    DUET_TRY(check_buffers(evaluator, &it, error));
    size_t rows = it.made->rows, features = widest(it.made, request->output_count), elements, bytes;
    uint64_t batches = duet_size_pieces(request->count, rows);
    for (size_t i = 0; i < it.made->schedule.phase_count; i++)
        it.total += batches * duet_prepared_rounds(it.made) * it.made->schedule.phases[i].repeats;
    it.seed = duet_store_find(it.made->build->scratch, "random.seed");
    it.row = duet_store_find(it.made->build->scratch, "random.row");
    bool fits = duet_size_multiply(rows, features, &elements) && duet_size_multiply(elements, sizeof(float), &bytes);
    it.room = fits ? malloc(bytes) : NULL;
    if (it.room == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a batch of %zu rows", rows);
    duet_status status = DUET_OK;
    for (size_t first = 0; first < request->count && status == DUET_OK; first += rows)
        if (request->stop != NULL && *request->stop != 0 && it.total == 0) /* else replays look, and say so better */
            status =
                duet_fail(error, DUET_ERROR_INTERRUPTED, "stopped after %zu of %zu examples", first, request->count);
        else
            status = run_batch(&it, first, request->count - first < rows ? request->count - first : rows, error);
    free(it.room);
    return status;
}
