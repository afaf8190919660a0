/* SPDX-License-Identifier: MIT */
/* Requests answered: rows go through a procedure in batches. The last batch is filled up with rows of zeros, which
 * change no other row's result. */
#include "train/evaluator.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/text.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "plan/plan.h"
#include "train/recalibrate.h"
#include "train/schedule.h"

enum {
    USUAL_ROWS = 100,
    MOST_PREPARED = 12,
    EVALUATION_KEY = 0x4556414C, /* keeps the noise of use apart from that of a training with the same seed */
};

/* A graph and its plans, for requests of one kind. */
typedef struct prepared {
    char *kind;
    duet_build *build;
    duet_procedure_description procedure; /* what is run; its phases belong to the build */
    duet_schedule schedule;
    duet_node *outputs; /* in the order of the request */
    size_t rows;
    bool reads_examples, reads_classes; /* outputs or phases depend on them */
    struct prepared *next;
} prepared;

struct duet_evaluator {
    duet_device *device;
    duet_model *model;
    duet_build *described;
    prepared *kept; /* most recently used first */
    bool recalibrated;
};

duet_status duet_evaluator_new(duet_evaluator **evaluator, duet_device *device, duet_model *model, duet_error *error)
{
    *evaluator = NULL;
    duet_evaluator *made = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for an evaluator");
    made->device = device;
    made->model = model;
    duet_status status = duet_model_build(model, DUET_BUILD_EVAL, USUAL_ROWS, &made->described, error);
    if (status == DUET_OK) status = duet_model_make_averages(model, error);
    if (status != DUET_OK) {
        duet_build_free(&made->described);
        free(made);
        return status;
    }
    *evaluator = made;
    return DUET_OK;
}

static void free_prepared(prepared *old)
{
    if (old == NULL) return;
    duet_schedule_clear(&old->schedule);
    duet_build_free(&old->build);
    free(old->outputs);
    free(old->kind);
    free(old);
}

void duet_evaluator_free(duet_evaluator **evaluator)
{
    if (evaluator == NULL || *evaluator == NULL) return;
    for (prepared *old = (*evaluator)->kept, *next; old != NULL; old = next) {
        next = old->next;
        free_prepared(old);
    }
    duet_build_free(&(*evaluator)->described);
    free(*evaluator);
    *evaluator = NULL;
}

/* Numbers in one row of a node; 0 if its first dimension is not the batch. */
static size_t row_features(duet_node node, size_t rows)
{
    duet_shape shape = duet_node_shape(node);
    if (shape.rank == 0 || shape.dims[0] != rows) return 0;
    return duet_shape_elements(shape) / rows;
}

/* The node of an output; NULL: there is none. The latents are an output even if the model does not declare it. */
static duet_node find_output(const duet_build *build, const char *name)
{
    duet_node node = duet_build_output(build, name);
    return node == NULL && strcmp(name, DUET_PRIOR) == 0 ? build->latent : node;
}

size_t duet_evaluator_features(const duet_evaluator *evaluator, const char *output)
{
    duet_node node = find_output(evaluator->described, output);
    return node == NULL ? 0 : row_features(node, USUAL_ROWS);
}

size_t duet_evaluator_latent_features(const duet_evaluator *evaluator)
{
    duet_node latent = evaluator->described->latent;
    return latent == NULL ? 0 : row_features(latent, USUAL_ROWS);
}

bool duet_evaluator_has_classes(const duet_evaluator *evaluator)
{
    return evaluator->described->labels != NULL;
}

const duet_build *duet_evaluator_build(const duet_evaluator *evaluator)
{
    return evaluator->described;
}

/* Preparing. */

static size_t rows_of(const duet_request *request)
{
    size_t rows = request->batch > 0 ? request->batch : USUAL_ROWS;
    return request->count < rows ? request->count : rows;
}

/* Everything that determines graph and plans, as text that the caller frees; NULL: out of memory. */
static char *kind_of(const duet_request *request)
{
    duet_text text = {0};
    duet_text_add(&text, "%s %zu %d %d", request->procedure == NULL ? "" : request->procedure, rows_of(request),
                  request->latents != NULL, request->classes != NULL);
    for (size_t i = 0; i < request->setting_count; i++) duet_text_add(&text, "\n=%s", request->settings[i]);
    for (size_t i = 0; i < request->output_count; i++) duet_text_add(&text, "\n>%s", request->outputs[i].name);
    char *kind = text.failed ? NULL : strdup(duet_text_get(&text));
    duet_text_free(&text);
    return kind;
}

/* The procedure that is to run: the one named (NULL: there is none of that name), or the first that gives an output
 * asked for, or "train". */
static const duet_procedure_description *choose_procedure(const duet_build *build, const duet_request *request)
{
    duet_node node;
    if (request->procedure != NULL) return duet_build_procedure(build, request->procedure);
    const duet_procedure_description *procedure = NULL;
    for (size_t i = 0; i < request->output_count && procedure == NULL; i++)
        procedure = duet_build_find_output(build, request->outputs[i].name, &node);
    return procedure != NULL ? procedure : &build->procedures[0];
}

static duet_status fail_output(const duet_evaluator *evaluator, const char *name, duet_error *error)
{
    const duet_build *build = evaluator->described;
    duet_text names = {0};
    for (size_t p = 0; p < build->procedure_count; p++)
        for (size_t i = 0; i < build->procedures[p].output_count; i++)
            duet_text_add(&names, " %s", build->procedures[p].outputs[i].name);
    duet_status status = duet_fail(error, DUET_ERROR_USAGE, "the model \"%s\" has no output \"%s\"; it has:%s",
                                   duet_model_family(evaluator->model)->name, name, duet_text_get(&names));
    duet_text_free(&names);
    return status;
}

/* Finds the nodes of the outputs asked for. All must be of `procedure`, except the latents and the outputs of "train",
 * which need no phase. */
static duet_status find_outputs(const duet_evaluator *evaluator, const prepared *made,
                                const duet_procedure_description *procedure, const duet_request *request,
                                duet_error *error)
{
    for (size_t i = 0; i < request->output_count; i++) {
        const char *name = request->outputs[i].name;
        duet_node node = find_output(made->build, name), value;
        if (node == NULL) return fail_output(evaluator, name, error);
        const duet_procedure_description *from = duet_build_find_output(made->build, name, &value);
        if (from != NULL && from != procedure && from != &made->build->procedures[0])
            return duet_fail(error, DUET_ERROR_USAGE, "the output \"%s\" is of the procedure \"%s\", not of \"%s\"",
                             name, from->name, procedure->name);
        if (row_features(node, made->rows) == 0)
            return duet_fail(error, DUET_ERROR_USAGE, "the output \"%s\" has no row an example", name);
        made->outputs[i] = node;
    }
    return DUET_OK;
}

/* *reads: whether outputs or phases depend on `source`; false if that is NULL. */
static duet_status find_read(const prepared *made, size_t output_count, duet_node source, bool *reads,
                             duet_error *error)
{
    *reads = false;
    if (source == NULL) return DUET_OK;
    bool *depends = duet_build_dependents(made->build, &source, 1);
    if (depends == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a request");
    for (size_t i = 0; i < output_count; i++) *reads |= depends[made->outputs[i]->id];
    for (size_t p = 0; p < made->procedure.phase_count; p++)
        *reads |= duet_phase_depends(&made->procedure.phases[p], depends);
    free(depends);
    return DUET_OK;
}

static duet_status prepare(duet_evaluator *evaluator, prepared *made, const duet_request *request, duet_error *error)
{
    const duet_build_options options = {
        .mode = DUET_BUILD_EVAL,
        .batch = made->rows,
        .draws_latents = request->latents == NULL,
        .draws_classes = request->classes == NULL,
        .knobs = request->settings,
        .knob_count = request->setting_count,
    };
    DUET_TRY(duet_model_build_as(evaluator->model, &options, &made->build, error));
    const duet_procedure_description *procedure = choose_procedure(made->build, request);
    if (procedure == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "the model \"%s\" has no procedure \"%s\"",
                         duet_model_family(evaluator->model)->name, request->procedure);
    DUET_TRY(find_outputs(evaluator, made, procedure, request, error));
    bool trains = procedure == &made->build->procedures[0]; /* then outputs alone: its phases would train */
    made->procedure = trains ? (duet_procedure_description){.name = "use"} : *procedure;
    DUET_TRY(find_read(made, request->output_count, made->build->batch, &made->reads_examples, error));
    DUET_TRY(find_read(made, request->output_count, made->build->labels, &made->reads_classes, error));
    return duet_schedule_make(&made->schedule, evaluator->device, evaluator->model, made->build, &made->procedure, 0,
                              made->outputs, request->output_count, error);
}

/* Frees the least recently used one if there are more than MOST_PREPARED. */
static void forget_old(duet_evaluator *evaluator)
{
    size_t count = 0;
    for (prepared **at = &evaluator->kept; *at != NULL; at = &(*at)->next) {
        if (++count < MOST_PREPARED) continue;
        free_prepared((*at)->next);
        (*at)->next = NULL;
        return;
    }
}

/* The kept one of this kind, moved to the front; NULL: there is none. */
static prepared *recall(duet_evaluator *evaluator, const char *kind)
{
    prepared **at = &evaluator->kept, *found;
    while (*at != NULL && strcmp((*at)->kind, kind) != 0) at = &(*at)->next;
    if ((found = *at) == NULL) return NULL;
    *at = found->next;
    found->next = evaluator->kept;
    return evaluator->kept = found;
}

static duet_status find_prepared(duet_evaluator *evaluator, const duet_request *request, prepared **found,
                                 duet_error *error)
{
    char *kind = kind_of(request);
    *found = kind == NULL ? NULL : recall(evaluator, kind);
    if (*found != NULL) {
        free(kind);
        return DUET_OK;
    }
    prepared *made = calloc(1, sizeof *made);
    duet_node *outputs = calloc(request->output_count + 1, sizeof *outputs);
    if (kind == NULL || made == NULL || outputs == NULL) {
        free(kind);
        free(made);
        free(outputs);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a request");
    }
    made->kind = kind;
    made->outputs = outputs;
    made->rows = rows_of(request);
    duet_status status = prepare(evaluator, made, request, error);
    if (status != DUET_OK) {
        free_prepared(made);
        return status;
    }
    made->next = evaluator->kept;
    *found = evaluator->kept = made;
    forget_old(evaluator);
    return DUET_OK;
}

/* Running. */

/* One request under way. `room` holds a batch of the widest input or output. */
typedef struct course {
    prepared *made;
    const duet_request *request;
    duet_variable *seed, *row; /* NULL where nothing is drawn */
    float *room;
    uint64_t done, total; /* replays of phases */
} course;

static duet_status write_rows(course *it, duet_node input, const float *rows, size_t count, duet_error *error)
{
    size_t features = row_features(input, it->made->rows), given = count * features, whole = it->made->rows * features;
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

static size_t rounds_of(const prepared *made)
{
    return made->procedure.rounds > 0 ? made->procedure.rounds : 1;
}

static duet_status run_phases(course *it, duet_error *error)
{
    const duet_schedule *schedule = &it->made->schedule;
    for (size_t round = 0; round < rounds_of(it->made); round++)
        for (size_t i = 0; i < schedule->phase_count; i++)
            for (size_t k = 0; k < schedule->phases[i].repeats; k++) DUET_TRY(replay(it, i, error));
    return DUET_OK;
}

static duet_status read_outputs(course *it, size_t first, size_t count, duet_error *error)
{
    const prepared *made = it->made;
    for (size_t i = 0; i < it->request->output_count; i++) {
        size_t features = row_features(made->outputs[i], made->rows);
        DUET_TRY(duet_plan_read(duet_schedule_last(&made->schedule), made->outputs[i], it->room,
                                made->rows * features * sizeof *it->room, error));
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
static size_t widest(const prepared *made, size_t output_count)
{
    const duet_node inputs[] = {made->build->batch, made->build->latent, made->build->labels};
    size_t most = 1;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        if (inputs[i] != NULL && row_features(inputs[i], made->rows) > most) most = row_features(inputs[i], made->rows);
    for (size_t i = 0; i < output_count; i++)
        if (row_features(made->outputs[i], made->rows) > most) most = row_features(made->outputs[i], made->rows);
    return most;
}

/* Outputs that depend on examples need some, else they would be those of zeros; if they depend on classes too, they
 * need the classes of the examples, else these would be drawn. */
static duet_status check_request(const duet_evaluator *evaluator, const prepared *made, const duet_request *request,
                                 duet_error *error)
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

static duet_status answer(duet_evaluator *evaluator, const duet_request *request, duet_error *error)
{
    course it = {.request = request};
    for (size_t i = 0; i < request->output_count; i++)
        if (request->outputs == NULL || request->outputs[i].name == NULL || request->outputs[i].values == NULL)
            return duet_fail(error, DUET_ERROR_USAGE, "output %zu of the request has no name or no room for its values",
                             i);
    if (request->output_count == 0)
        return duet_fail(error, DUET_ERROR_USAGE, "the request names no outputs, so there is nothing to give");
    if (request->count == 0) return DUET_OK;
    if (!evaluator->recalibrated && duet_settings_want_averages(request->settings, request->setting_count)) {
        DUET_TRY(duet_recalibrate(evaluator->device, evaluator->model, request->stop, error));
        evaluator->recalibrated = true;
    }
    DUET_TRY(find_prepared(evaluator, request, &it.made, error));
    DUET_TRY(check_request(evaluator, it.made, request, error));
    size_t rows = it.made->rows, features = widest(it.made, request->output_count), elements, bytes;
    uint64_t batches = duet_size_pieces(request->count, rows);
    for (size_t i = 0; i < it.made->schedule.phase_count; i++)
        it.total += batches * rounds_of(it.made) * it.made->schedule.phases[i].repeats;
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

/* A family that is used by its averages: as if the request said so first, so that what it says itself counts. */
duet_status duet_evaluator_use(duet_evaluator *evaluator, const duet_request *request, duet_error *error)
{
    bool averages = duet_model_family(evaluator->model)->averaged;
    if (averages) DUET_TRY(duet_averages_begun(evaluator->device, evaluator->model, &averages, error));
    if (!averages) return answer(evaluator, request, error);
    duet_request whole = *request;
    const char **settings = malloc((request->setting_count + 1) * sizeof *settings);
    if (settings == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a request");
    settings[0] = "weights=average";
    for (size_t i = 0; i < request->setting_count; i++) settings[i + 1] = request->settings[i];
    whole.settings = settings;
    whole.setting_count = request->setting_count + 1;
    duet_status status = answer(evaluator, &whole, error);
    free(settings);
    return status;
}

/* Building the model reads the settings; no plan is made. */
duet_status duet_evaluator_check(duet_evaluator *evaluator, const char *const *settings, size_t count,
                                 duet_error *error)
{
    duet_build *build = NULL;
    const duet_build_options options = {.mode = DUET_BUILD_EVAL,
                                        .batch = 1,
                                        .draws_latents = true,
                                        .draws_classes = true,
                                        .knobs = settings,
                                        .knob_count = count};
    duet_status status = duet_model_build_as(evaluator->model, &options, &build, error);
    duet_build_free(&build);
    return status;
}

duet_status duet_evaluator_flops(duet_evaluator *evaluator, const duet_request *request, double *flops,
                                 duet_error *error)
{
    prepared *made;
    *flops = 0;
    DUET_TRY(find_prepared(evaluator, request, &made, error));
    const duet_schedule *schedule = &made->schedule;
    for (size_t i = 0; i < schedule->plan_count; i++) {
        duet_explanation plan;
        double once = 0;
        DUET_TRY(duet_plan_explain(schedule->plans[i], &plan, error));
        for (size_t k = 0; k < plan.launch_count; k++) once += plan.launches[k].flops;
        size_t repeats = i < schedule->phase_count ? schedule->phases[i].repeats * rounds_of(made) : 1;
        *flops += once * (double)repeats / (double)made->rows;
        duet_explanation_free(&plan);
    }
    return DUET_OK;
}
