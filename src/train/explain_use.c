/* SPDX-License-Identifier: MIT */
/* What a model does once trained, in a list: its procedures, their phases and outputs. */
#include <stdio.h>
#include <stdlib.h>

#include "train/trainer.h"

static duet_status fill_row(duet_explained_use *row, const duet_procedure_description *from, bool trains,
                            duet_error *error)
{
    row->phase_count = trains ? 0 : from->phase_count; /* the training's outputs take no phase */
    row->output_count = from->output_count;
    row->phases = calloc(row->phase_count + 1, sizeof *row->phases);
    row->outputs = calloc(row->output_count + 1, sizeof *row->outputs);
    if (row->phases == NULL || row->outputs == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while explaining use");
    snprintf(row->name, sizeof row->name, "%s", trains ? "" : from->name);
    for (size_t i = 0; i < row->phase_count; i++) {
        snprintf(row->phases[i].name, sizeof row->phases[i].name, "%s", from->phases[i].name);
        row->phases[i].repeats = from->phases[i].repeats;
    }
    for (size_t i = 0; i < row->output_count; i++) row->outputs[i] = from->outputs[i].name;
    return DUET_OK;
}

duet_status duet_model_explain_use(duet_model *model, duet_explained_use **rows, size_t *count, duet_error *error)
{
    duet_build *build;
    *rows = NULL;
    *count = 0;
    DUET_TRY(duet_model_build(model, DUET_BUILD_EVAL, 1, &build, error));
    duet_status status = DUET_OK;
    *rows = calloc(build->procedure_count, sizeof **rows);
    if (*rows == NULL) status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory while explaining use");
    for (size_t i = 0; i < build->procedure_count && status == DUET_OK; i++) {
        *count = i + 1;
        status = fill_row(&(*rows)[i], &build->procedures[i], i == 0, error);
    }
    duet_build_free(&build);
    if (status != DUET_OK) duet_explained_use_free(rows, *count);
    return status;
}

void duet_explained_use_free(duet_explained_use **rows, size_t count)
{
    for (size_t i = 0; *rows != NULL && i < count; i++) {
        free((*rows)[i].phases);
        free((void *)(*rows)[i].outputs);
    }
    free(*rows);
    *rows = NULL;
}
