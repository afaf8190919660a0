/* SPDX-License-Identifier: MIT */
/* A request made ready: the model built for it, and its phases and outputs planned. What was made is kept for the next
 * request of the same kind, as it costs a compilation. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "graph/node.h"
#include "train/prepared.h"

enum { MOST_PREPARED = 12 };

void duet_prepared_free(duet_prepared *old)
{
    if (old == NULL) return;
    duet_schedule_clear(&old->schedule);
    duet_build_free(&old->build);
    free(old->outputs);
    free(old->kind);
    free(old);
}

size_t duet_prepared_rounds(const duet_prepared *made)
{
    return made->procedure.rounds > 0 ? made->procedure.rounds : 1;
}

size_t duet_evaluator_rows(const duet_request *request)
{
    size_t rows = request->batch > 0 ? request->batch : DUET_USUAL_ROWS;
    return request->count < rows ? request->count : rows;
}

void duet_evaluator_set_part(duet_evaluator *evaluator, bool is_part)
{
    evaluator->is_part = is_part;
}

/* Everything that determines graph and plans, as text that the caller frees; NULL: out of memory. */
static char *kind_of(const duet_request *request, size_t rows)
{
    duet_text text = {0};
    duet_text_add(&text, "%s %zu %d %d", request->procedure == NULL ? "" : request->procedure, rows,
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

/* Callers have room for rows as wide as duet_evaluator_features says, of a build of another batch. */
static duet_status check_width(const duet_evaluator *evaluator, duet_node node, size_t rows, const char *name,
                               duet_error *error)
{
    const size_t here = duet_row_features(node, rows), told = duet_evaluator_features(evaluator, name);
    if (here == told) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "the output \"%s\" has rows of %zu numbers in a batch of %zu and of %zu in one of %d: how wide a "
                     "row is must not follow from the batch",
                     name, here, rows, told, DUET_USUAL_ROWS);
}

/* Finds the nodes of the outputs asked for. All must be of `procedure`, except the latents and the outputs of "train",
 * which need no phase. */
static duet_status find_outputs(const duet_evaluator *evaluator, const duet_prepared *made,
                                const duet_procedure_description *procedure, const duet_request *request,
                                duet_error *error)
{
    for (size_t i = 0; i < request->output_count; i++) {
        const char *name = request->outputs[i].name;
        duet_node node = duet_evaluator_output(made->build, name), value;
        if (node == NULL) return fail_output(evaluator, name, error);
        const duet_procedure_description *from = duet_build_find_output(made->build, name, &value);
        if (from != NULL && from != procedure && from != &made->build->procedures[0])
            return duet_fail(error, DUET_ERROR_USAGE, "the output \"%s\" is of the procedure \"%s\", not of \"%s\"",
                             name, from->name, procedure->name);
        if (duet_row_features(node, made->rows) == 0)
            return duet_fail(error, DUET_ERROR_USAGE, "the output \"%s\" has no row an example", name);
        DUET_TRY(check_width(evaluator, node, made->rows, name, error));
        made->outputs[i] = node;
    }
    return DUET_OK;
}

/* *reads: whether outputs or phases of a procedure (NULL: of none) depend on `source`; false if that is NULL. */
static duet_status find_read(const duet_build *build, const duet_procedure_description *procedure,
                             const duet_node *outputs, size_t output_count, duet_node source, bool *reads,
                             duet_error *error)
{
    *reads = false;
    if (source == NULL) return DUET_OK;
    bool *depends = duet_build_dependents(build, &source, 1);
    if (depends == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a request");
    for (size_t i = 0; i < output_count; i++) *reads |= outputs[i] != NULL && depends[outputs[i]->id];
    for (size_t p = 0; procedure != NULL && p < procedure->phase_count; p++)
        *reads |= duet_phase_depends(&procedure->phases[p], depends);
    free(depends);
    return DUET_OK;
}

/* "train" gives outputs alone: its phases would train. */
static bool is_training(const duet_build *build, const duet_procedure_description *procedure)
{
    return procedure == &build->procedures[0];
}

duet_status duet_evaluator_inputs(const duet_evaluator *evaluator, const duet_request *request, unsigned *inputs,
                                  duet_error *error)
{
    const duet_build *build = evaluator->described;
    const duet_node sources[] = {build->batch, build->latent, build->labels}; /* in the order of the bits */
    const duet_procedure_description *procedure = choose_procedure(build, request);
    if (procedure != NULL && is_training(build, procedure)) procedure = NULL;
    *inputs = 0;
    for (size_t i = 0; i < request->output_count; i++) {
        const duet_node output = duet_evaluator_output(build, request->outputs[i].name);
        for (size_t k = 0; k < sizeof sources / sizeof *sources; k++) {
            bool reads;
            DUET_TRY(find_read(build, procedure, &output, 1, sources[k], &reads, error));
            if (reads) *inputs |= 1U << k;
        }
    }
    return DUET_OK;
}

static duet_status prepare(duet_evaluator *evaluator, duet_prepared *made, const duet_request *request,
                           duet_error *error)
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
    made->procedure = is_training(made->build, procedure) ? (duet_procedure_description){.name = "use"} : *procedure;
    DUET_TRY(find_read(made->build, &made->procedure, made->outputs, request->output_count, made->build->batch,
                       &made->reads_examples, error));
    DUET_TRY(find_read(made->build, &made->procedure, made->outputs, request->output_count, made->build->labels,
                       &made->reads_classes, error));
    return duet_schedule_make(&made->schedule, evaluator->device, evaluator->model, made->build, &made->procedure, 0,
                              made->outputs, request->output_count, error);
}

/* Frees the least recently used one if there are more than MOST_PREPARED. */
static void forget_old(duet_evaluator *evaluator)
{
    size_t count = 0;
    for (duet_prepared **at = &evaluator->kept; *at != NULL; at = &(*at)->next) {
        if (++count < MOST_PREPARED) continue;
        duet_prepared_free((*at)->next);
        (*at)->next = NULL;
        return;
    }
}

/* The kept one of this kind, moved to the front; NULL: there is none. */
static duet_prepared *recall(duet_evaluator *evaluator, const char *kind)
{
    duet_prepared **at = &evaluator->kept, *found;
    while (*at != NULL && strcmp((*at)->kind, kind) != 0) at = &(*at)->next;
    if ((found = *at) == NULL) return NULL;
    *at = found->next;
    found->next = evaluator->kept;
    return evaluator->kept = found;
}

duet_status duet_evaluator_prepare(duet_evaluator *evaluator, const duet_request *request, duet_prepared **found,
                                   duet_error *error)
{
    const size_t rows = evaluator->is_part ? request->batch : duet_evaluator_rows(request);
    char *kind = kind_of(request, rows);
    *found = kind == NULL ? NULL : recall(evaluator, kind);
    if (*found != NULL) {
        free(kind);
        return DUET_OK;
    }
    duet_prepared *made = calloc(1, sizeof *made);
    duet_node *outputs = calloc(request->output_count + 1, sizeof *outputs);
    if (kind == NULL || made == NULL || outputs == NULL) {
        free(kind);
        free(made);
        free(outputs);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a request");
    }
    made->kind = kind;
    made->outputs = outputs;
    made->rows = rows;
    duet_status status = prepare(evaluator, made, request, error);
    if (status != DUET_OK) {
        duet_prepared_free(made);
        return status;
    }
    made->next = evaluator->kept;
    *found = evaluator->kept = made;
    forget_old(evaluator);
    return DUET_OK;
}
