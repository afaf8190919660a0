/* SPDX-License-Identifier: MIT */
/* A family of a program's own is known by its name alone, and the next program's of that name may be another one, of
 * the same parameters: relu where tanh was. */
#include "run/composition.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/json.h"
#include "base/text.h"
#include "run/commit.h"
#include "train/prepared.h"
#include "train/trainer.h"

static json_t *sum_json(uint64_t sum)
{
    char text[DUET_CHECKSUM_SIZE];
    duet_checksum_text(sum, text);
    return json_string(text);
}

/* Each by its name, of which the first counts; NULL: out of memory. */
static json_t *describe_outputs(const duet_build *build, bool averaged)
{
    uint64_t *sums = duet_build_sums(build);
    json_t *outputs = sums == NULL ? NULL : json_object();
    for (size_t p = 0; outputs != NULL && p < build->procedure_count; p++) {
        const duet_procedure_description *procedure = &build->procedures[p];
        for (size_t i = 0; i < procedure->output_count; i++) {
            const duet_output_row *output = &procedure->outputs[i];
            if (json_object_get(outputs, output->name) != NULL) continue;
            const uint64_t sum = duet_build_sum_output(build, sums, procedure, output->value);
            duet_json_set(&outputs, output->name, sum_json(sum ^ (uint64_t)averaged));
        }
    }
    free(sums);
    return outputs;
}

static bool is_own(const duet_family *family)
{
    return duet_family_find(family->name) != family;
}

static duet_status out_of_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what a model composes");
}

/* Of `trains` itself where it is one process's, as another call of the family's function may compose something else;
 * of ranks, whose builds have their sums besides, of one that is built here. */
static duet_status describe_training(json_t **training, const duet_trainer *trains, duet_model *model,
                                     duet_error *error)
{
    const duet_build *build = trains->build;
    duet_build *alone = NULL;
    if (trains->model->ranks != NULL) DUET_TRY(duet_model_build_as(model, &build->options, &alone, error));
    if (alone != NULL) build = alone;
    uint64_t *sums = duet_build_sums(build);
    *training = sums == NULL ? NULL : sum_json(duet_build_sum_training(build, sums));
    free(sums);
    duet_build_free(&alone);
    return *training != NULL ? DUET_OK : out_of_memory(error);
}

static duet_status describe(json_t **composition, const duet_trainer *trains, duet_model *model, duet_error *error)
{
    json_t *training;
    duet_build *used = NULL;
    DUET_TRY(describe_training(&training, trains, model, error));
    duet_status status = duet_model_build(model, DUET_BUILD_EVAL, DUET_USUAL_ROWS, &used, error);
    if (status == DUET_OK)
        *composition = json_pack("{s:O, s:o}", "training", training, "outputs",
                                 describe_outputs(used, duet_model_family(model)->averaged));
    if (status == DUET_OK && *composition == NULL) status = out_of_memory(error);
    json_decref(training);
    duet_build_free(&used);
    return status;
}

duet_status duet_composition_make(json_t **composition, const duet_trainer *trains, const duet_run_choice *choice,
                                  duet_error *error)
{
    const duet_model *model = trains->model;
    const duet_family *family = duet_model_family(model);
    duet_model *beside = NULL;
    duet_error own = {0};
    *composition = NULL;
    if (!is_own(family)) return DUET_OK;
    duet_status status =
        duet_model_new(&beside, family, model->data, choice->settings, choice->setting_count, choice->seed, &own);
    if (status == DUET_OK) {
        duet_model_set_bytes(beside, model->bytes);
        status = describe(composition, trains, beside, &own);
    }
    duet_model_free(&beside);
    if (status == DUET_ERROR_GRAPH) /* a program may want no more than to train */
        duet_device_say(trains->device, "warning: what is learnt cannot be used: %s", own.message);
    return status == DUET_ERROR_MEMORY ? duet_fail(error, status, "%s", own.message) : DUET_OK;
}

bool duet_composition_trains_otherwise(const json_t *then, const json_t *now)
{
    const json_t *was = json_object_get(then, "training"), *is = json_object_get(now, "training");
    return was != NULL && is != NULL && !json_equal(was, is);
}

void duet_composition_differ(const json_t *then, const json_t *now, char *names, size_t size)
{
    const json_t *was = json_object_get(then, "outputs");
    json_t *is = json_object_get(now, "outputs"), *sum;
    const char *name;
    duet_text text = {0};
    json_object_foreach(is, name, sum)
    {
        const json_t *before = json_object_get(was, name);
        if (before != NULL && !json_equal(before, sum)) duet_text_add(&text, "%s%s", text.length > 0 ? ", " : "", name);
    }
    (void)duet_text_print(names, size, "%s", text.failed || text.length == 0 ? "" : duet_text_get(&text));
    duet_text_free(&text);
}

bool duet_composition_is_of_version(const json_t *document)
{
    const json_t *versions = json_object_get(document, "versions");
    const char *version = json_string_value(json_object_get(versions, "duet")),
               *commit = json_string_value(json_object_get(versions, "commit"));
    return version != NULL && commit != NULL && strcmp(version, duet_version()) == 0 &&
           strcmp(commit, DUET_COMMIT) == 0;
}

duet_status duet_composition_doubt(const duet_run_file *file, const char *directory, const duet_family *family,
                                   const duet_build *build, char *words, size_t size, duet_error *error)
{
    char names[200];
    words[0] = '\0';
    const json_t *then = json_object_get(file->document, "composition");
    if (!is_own(family) || then == NULL) return DUET_OK;
    json_t *outputs = describe_outputs(build, family->averaged);
    json_t *now = outputs == NULL ? NULL : json_pack("{s:o}", "outputs", outputs);
    if (now == NULL) return out_of_memory(error);
    duet_composition_differ(then, now, names, sizeof names);
    json_decref(now);
    if (names[0] != '\0')
        (void)duet_text_print(words, size,
                              "%s: this \"%s\" computes %s otherwise than the family that the run was trained with, by "
                              "other layers, activations or constants of the same weights, or random nodes in another "
                              "order: open it with that one%s",
                              directory, family->name, names,
                              duet_composition_is_of_version(file->document)
                                  ? ""
                                  : "; or it is this version of Duet, which is not the one that trained the run");
    return DUET_OK;
}
