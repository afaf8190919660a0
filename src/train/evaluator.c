/* SPDX-License-Identifier: MIT */
/* A model in use: what it has, and what is done before a request is answered. */
#include <stdlib.h>
#include <string.h>

#include "graph/node.h"
#include "plan/plan.h"
#include "train/prepared.h"
#include "train/recalibrate.h"

duet_status duet_evaluator_new(duet_evaluator **evaluator, duet_device *device, duet_model *model, duet_error *error)
{
    *evaluator = NULL;
    duet_evaluator *made = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for an evaluator");
    made->device = device;
    made->model = model;
    duet_status status = duet_model_build(model, DUET_BUILD_EVAL, DUET_USUAL_ROWS, &made->described, error);
    if (status == DUET_OK) status = duet_model_make_averages(model, error);
    if (status != DUET_OK) {
        duet_build_free(&made->described);
        free(made);
        return status;
    }
    *evaluator = made;
    return DUET_OK;
}

void duet_evaluator_free(duet_evaluator **evaluator)
{
    if (evaluator == NULL || *evaluator == NULL) return;
    for (duet_prepared *old = (*evaluator)->kept, *next; old != NULL; old = next) {
        next = old->next;
        duet_prepared_free(old);
    }
    duet_build_free(&(*evaluator)->described);
    free(*evaluator);
    *evaluator = NULL;
}

size_t duet_row_features(duet_node node, size_t rows)
{
    duet_shape shape = duet_node_shape(node);
    if (shape.rank == 0 || shape.dims[0] != rows) return 0;
    return duet_shape_elements(shape) / rows;
}

duet_node duet_evaluator_output(const duet_build *build, const char *name)
{
    duet_node node = duet_build_output(build, name);
    return node == NULL && strcmp(name, DUET_PRIOR) == 0 ? build->latent : node;
}

size_t duet_evaluator_features(const duet_evaluator *evaluator, const char *output)
{
    duet_node node = duet_evaluator_output(evaluator->described, output);
    return node == NULL ? 0 : duet_row_features(node, DUET_USUAL_ROWS);
}

size_t duet_evaluator_latent_features(const duet_evaluator *evaluator)
{
    duet_node latent = evaluator->described->latent;
    return latent == NULL ? 0 : duet_row_features(latent, DUET_USUAL_ROWS);
}

bool duet_evaluator_has_classes(const duet_evaluator *evaluator)
{
    return evaluator->described->labels != NULL;
}

const duet_build *duet_evaluator_build(const duet_evaluator *evaluator)
{
    return evaluator->described;
}

/* A family that is used by its averages: as if the request said so first, so that what it says itself counts. */
duet_status duet_evaluator_use(duet_evaluator *evaluator, const duet_request *request, duet_error *error)
{
    bool averages = duet_model_family(evaluator->model)->averaged;
    if (averages) DUET_TRY(duet_averages_begun(evaluator->device, evaluator->model, &averages, error));
    if (!averages) return duet_evaluator_answer(evaluator, request, error);
    duet_request whole = *request;
    const char **settings = malloc((request->setting_count + 1) * sizeof *settings);
    if (settings == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a request");
    settings[0] = "weights=average";
    for (size_t i = 0; i < request->setting_count; i++) settings[i + 1] = request->settings[i];
    whole.settings = settings;
    whole.setting_count = request->setting_count + 1;
    duet_status status = duet_evaluator_answer(evaluator, &whole, error);
    free(settings);
    return status;
}

void duet_evaluator_set_buffers(duet_evaluator *evaluator, const cl_mem *buffers)
{
    evaluator->buffers = buffers;
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
    duet_prepared *made;
    *flops = 0;
    DUET_TRY(duet_evaluator_prepare(evaluator, request, &made, error));
    const duet_schedule *schedule = &made->schedule;
    for (size_t i = 0; i < schedule->plan_count; i++) {
        duet_explanation plan;
        double once = 0;
        DUET_TRY(duet_plan_explain(schedule->plans[i], &plan, error));
        for (size_t k = 0; k < plan.launch_count; k++) once += plan.launches[k].flops;
        size_t repeats = i < schedule->phase_count ? schedule->phases[i].repeats * duet_prepared_rounds(made) : 1;
        *flops += once * (double)repeats / (double)made->rows;
        duet_explanation_free(&plan);
    }
    return DUET_OK;
}
