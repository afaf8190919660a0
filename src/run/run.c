/* SPDX-License-Identifier: MIT */
/* A run opened to be used: what run.json names, with the weights of the checkpoint. */
#define _XOPEN_SOURCE 700 /* realpath */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/plausible.h"
#include "data/same_rows.h"
#include "duet/tune.h"
#include "graph/node.h"
#include "run/checkpoint.h"
#include "run/composition.h"
#include "run/features_file.h"
#include "run/place.h"
#include "run/run.h"
#include "run/seen_rows.h"
#include "run/share.h"

static void take_tuning(duet_run *run)
{
    const duet_run_file *file = &run->file;
    duet_error error = {0};
    if (!duet_run_file_is_from(file, run->device))
        duet_device_use_tuning(run->device);
    else if (duet_run_file_tune(file, run->device, &error) != DUET_OK)
        duet_device_say(run->device, "warning: tuning is not used: %s", error.message);
}

/* Of the data that the run was trained on, whatever others it is opened with. */
static duet_status count_own_labels(duet_run *run, const char *directory, size_t counts[DUET_MOST_CLASSES],
                                    duet_error *error)
{
    char words[DUET_DIFFERENCE_SIZE];
    bool same = true;
    duet_data *own = NULL;
    if (run->given_data != NULL) DUET_TRY(duet_data_record_compare(&run->file.data, run->data, &same, words, error));
    duet_status status = same ? DUET_OK : duet_data_record_open(&run->file.data, directory, NULL, &own, error);
    duet_data *data = same ? run->data : own;
    if (status == DUET_OK && !data->info.generated && duet_data_has_labels(data, DUET_TRAIN))
        status = duet_data_count_labels(data, DUET_TRAIN, counts, error);
    duet_data_close(&own);
    return status;
}

/* Runs of before there were counts have none: then those of its data, and where these are away nobody knows. */
static void take_class_counts(duet_run *run, const char *directory)
{
    size_t counts[DUET_MOST_CLASSES] = {0};
    duet_error away = {0};
    bool known = false;
    memcpy(counts, run->file.data.class_counts, sizeof counts);
    for (size_t i = 0; i < DUET_MOST_CLASSES; i++) known = known || counts[i] > 0;
    const bool makes = duet_run_features(run, DUET_SAMPLE) > 0 || duet_run_features(run, DUET_DECODE) > 0;
    const bool wanted = duet_run_has_classes(run) && makes;
    if (!known && wanted && count_own_labels(run, directory, counts, &away) != DUET_OK)
        memset(counts, 0, sizeof counts);
    duet_model_set_class_counts(run->model, counts);
}

static duet_status open_parts(duet_run *run, const duet_run_place *from, const char *device, const char *data,
                              const duet_family *given, duet_error *error)
{
    const char *directory = from->directory;
    const duet_run_file *file = &run->file;
    const duet_run_choice *choice = &file->choice;
    const duet_family *family;
    DUET_TRY(duet_run_file_family(choice, directory, given, &family, error));
    DUET_TRY(duet_data_record_open(&file->data, directory, data, &run->data, error));
    const json_t *trained_rows = json_object_get(file->document, "trained_rows");
    if (data != NULL) DUET_TRY(duet_seen_rows_tell(trained_rows, directory, false, run->data, error));
    DUET_TRY(duet_run_file_model(&run->model, family, run->data, choice, directory, error));
    duet_model_set_classes(run->model, file->data.info.classes);
    duet_model_set_bytes(run->model, file->data.bytes);
    if (!run->borrowed) DUET_TRY(duet_device_open(&run->device, device, error));
    if (!run->borrowed) take_tuning(run);
    DUET_TRY(duet_evaluator_new(&run->evaluator, run->device, run->model, error));
    take_class_counts(run, directory);

    char *path = duet_path_join(directory, from->checkpoint);
    if (path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    duet_checkpoint facts = {.batch = choice->batch, .examples = json_object_get(file->document, "data")};
    duet_status status = duet_run_place_check(from, error);
    if (status == DUET_OK)
        status = duet_checkpoint_load(path, run->model, run->device, DUET_CHECKPOINT_OF_RUN, &facts, error);
    if (status == DUET_OK) status = duet_checkpoint_check_data(path, facts.data_checksum, file->document, error);
    if (status == DUET_OK)
        status = duet_run_file_check_counts(file->document, directory, duet_evaluator_build(run->evaluator), error);
    free(path);
    run->from = facts;
    run->from.examples = NULL; /* what it was to be compared with */
    if (status == DUET_OK)
        status = duet_composition_doubt(file, directory, family, duet_evaluator_build(run->evaluator), run->doubt,
                                        sizeof run->doubt, error);
    return status;
}

/* Of the directory itself, whatever path leads to it. */
static void take_name(duet_run *run, const char *directory)
{
    char *path = realpath(directory, NULL);
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    snprintf(run->name, sizeof run->name, "%s", slash == NULL ? "" : slash + 1);
    free(path);
}

/* Text that may be NULL. */
static bool copy_text(char **to, const char *text)
{
    if (text != NULL) *to = strdup(text);
    return text == NULL || *to != NULL;
}

/* `on`: an open device that is used; NULL: the one that `device` selects is opened. */
static duet_status open_run(duet_run **run, const char *path, duet_device *on, const char *device, const char *data,
                            const duet_family *family, duet_error *error)
{
    duet_run_place from = {0};
    duet_run *made = calloc(1, sizeof *made);
    *run = NULL;
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a run");
    made->borrowed = on != NULL;
    made->device = on;
    duet_status status = duet_run_place_find(&from, path, error);
    if (!copy_text(&made->path, path) || !copy_text(&made->selector, device) || !copy_text(&made->given_data, data))
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a run");
    if (status == DUET_OK) status = duet_run_file_read(&made->file, from.directory, error);
    if (status == DUET_OK) {
        status = open_parts(made, &from, device, data, family, error);
        take_name(made, from.directory);
    }
    made->directory = from.directory;
    if (status != DUET_OK)
        duet_run_close(&made);
    else
        *run = made;
    return status;
}

duet_status duet_run_new_live(duet_run **run, duet_device *device, duet_data *data, duet_model *model,
                              duet_evaluator *evaluator, duet_error *error)
{
    *run = calloc(1, sizeof **run);
    if (*run == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a run");
    **run = (duet_run){
        .device = device, .borrowed = true, .live = true, .data = data, .model = model, .evaluator = evaluator};
    return DUET_OK;
}

duet_status duet_run_open_with(duet_run **run, const char *directory, const char *device, const char *data,
                               const duet_family *family, duet_error *error)
{
    return open_run(run, directory, NULL, device, data, family, error);
}

duet_status duet_run_open_on(duet_run **run, const char *directory, duet_device *device, const char *data,
                             const duet_family *family, duet_error *error)
{
    return open_run(run, directory, device, NULL, data, family, error);
}

duet_status duet_run_open_beside(duet_run **run, const char *directory, duet_run *other, duet_error *error)
{
    return duet_run_open_beside_with(run, directory, other, NULL, error);
}

duet_status duet_run_open_beside_with(duet_run **run, const char *directory, duet_run *other, const duet_family *family,
                                      duet_error *error)
{
    DUET_TRY(open_run(run, directory, other->device, NULL, NULL, family, error));
    (*run)->selector = other->selector == NULL ? NULL : strdup(other->selector);
    if (other->ranks == NULL) return DUET_OK;
    duet_status status = duet_run_share(*run, other->ranks, error);
    if (status != DUET_OK) duet_run_close(run);
    return status;
}

static duet_status check_judge(duet_run *run, duet_run *judge, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(run->data), *seen = duet_data_describe(judge->data);
    if (duet_run_features(judge, DUET_CLASS_LOGITS) == 0)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "a judge is a run of a classifier, and %s is of \"%s\": train one by duet train classifier",
                         judge->directory == NULL ? "this one" : judge->directory,
                         duet_model_family(judge->model)->name);
    if (judge->device != run->device)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "a judge is opened beside the run that it judges, by duet_run_open_beside");
    if (duet_shape_elements(seen->shape) != duet_shape_elements(data->shape) || seen->unit_range != data->unit_range)
        return duet_fail(error, DUET_ERROR_DATA,
                         "the judge has learnt examples of %zu numbers%s and is to judge examples of %zu%s",
                         duet_shape_elements(seen->shape), seen->unit_range ? " in [0, 1]" : "",
                         duet_shape_elements(data->shape), data->unit_range ? " in [0, 1]" : "");
    const size_t own = duet_run_classes(run), told = own > 0 ? own : data->classes; /* other data may have more */
    if (data->classes > 0 && duet_run_features(judge, DUET_CLASS_LOGITS) != told)
        return duet_fail(error, DUET_ERROR_DATA, "the judge knows %zu classes and the data of the run has %zu",
                         duet_run_features(judge, DUET_CLASS_LOGITS), told);
    return duet_data_compare_judge(run->data, seen, judge->directory == NULL ? "the judge" : judge->directory, error);
}

duet_status duet_run_set_judge(duet_run *run, duet_run *judge, duet_error *error)
{
    duet_error own = {0};
    run->judge = NULL;
    run->judge_misfit[0] = '\0';
    if (judge == NULL) return DUET_OK;
    const duet_status status = check_judge(run, judge, &own);
    if (status == DUET_ERROR_DATA)
        (void)duet_text_print(run->judge_misfit, sizeof run->judge_misfit, "%s", own.message);
    if (status != DUET_OK) return duet_fail(error, status, "%s", own.message);
    run->judge = judge;
    return DUET_OK;
}

duet_run *duet_run_judge(duet_run *run)
{
    return run->judge;
}

static duet_shape without_ones(duet_shape shape)
{
    duet_shape left = {0};
    for (size_t i = 0; i < shape.rank; i++)
        if (shape.dims[i] > 1) left.dims[left.rank++] = shape.dims[i];
    return left;
}

/* Whether examples have their numbers in the same order: extents of 1 move none, and rows of numbers say nothing else.
 */
static bool is_same_order(duet_shape expected, duet_shape given)
{
    if (given.rank == 1) return duet_shape_elements(given) == duet_shape_elements(expected);
    return duet_shape_equal(without_ones(expected), without_ones(given));
}

/* Rows of numbers fit pictures in any order. */
static duet_status look_for_planes(duet_data *samples, duet_shape picture, duet_error *error)
{
    const char *name = samples->info.name;
    bool planes = false;
    if (samples->info.shape.rank == 1) DUET_TRY(duet_data_are_planes(samples, picture, &planes, error));
    if (planes)
        duet_notes_add(&samples->notes, false,
                       "%s: its rows are taken for pictures of %zu x %zu x 3; their numbers are smoother read as 3 "
                       "planes one after the other, as CIFAR's: then say %s",
                       name, picture.dims[0], picture.dims[1],
                       DUET_WORD("%s:size=%zux%zu,channels=first", name, picture.dims[0], picture.dims[1]));
    return DUET_OK;
}

/* What the samples are beside the examples that the run is asked of, or else learnt from. */
static duet_status compare_samples(const duet_run *run, duet_data *samples, duet_error *error)
{
    const duet_data_info *own = duet_data_describe(run->data), *learnt = &run->file.data.info;
    const char *owner = run->directory == NULL ? "the run" : run->directory;
    duet_data_compare_ranges(samples, own, owner);
    DUET_TRY(look_for_planes(samples, own->shape, error));
    return duet_data_compare_columns(samples, own->columns != NULL ? own : learnt, owner, error);
}

/* Samples that are examples of the run's own data: nobody drew them, and each figure would be perfect. */
static duet_status look_for_examples(duet_data *samples, duet_data *own, duet_error *error)
{
    enum { FEW = 8 }; /* which a set of few different rows may have by chance */
    bool among = false;
    const bool searched = !own->info.generated && !own->asked && duet_data_rows(samples) >= FEW;
    if (searched) DUET_TRY(duet_data_are_rows_among(samples, own, &among, error));
    if (among)
        duet_notes_add(&samples->notes, false,
                       "%s: its first rows are examples of %s to the bit, not samples: no figure of them is a model's",
                       samples->info.name, own->info.name);
    return DUET_OK;
}

duet_status duet_run_set_samples(duet_run *run, const char *data, duet_error *error)
{
    duet_data_close(&run->samples);
    run->samples_read = false;
    if (data == NULL) return DUET_OK;
    duet_data *samples = NULL;
    DUET_TRY(duet_data_open_for_use(&samples, data, DUET_DIVISION_LAST, error));
    const duet_data_info *info = duet_data_describe(samples), *own = duet_data_describe(run->data);
    if (!info->generated && is_same_order(own->shape, info->shape)) {
        run->samples = samples;
        duet_status looked = compare_samples(run, samples, error);
        if (looked == DUET_OK) looked = look_for_examples(samples, run->data, error);
        if (looked != DUET_OK) duet_data_close(&run->samples);
        return looked;
    }
    char had[96], has[96], way[320] = "";
    duet_data_record_way(own, info, way, sizeof way);
    duet_status status = duet_fail(
        error, DUET_ERROR_DATA, "%s cannot stand for samples: examples of shape %s were expected, it has %s%s%s", data,
        duet_shape_text(own->shape, had), info->generated ? "no end and " : "", duet_shape_text(info->shape, has), way);
    duet_data_close(&samples);
    return status;
}

duet_data *duet_run_given_samples(duet_run *run)
{
    return run->samples;
}

bool duet_run_samples_read(const duet_run *run)
{
    return run->samples_read;
}

static duet_status set_features(duet_run *run, const char *of_samples, const char *of_examples, duet_error *error)
{
    const char *const paths[] = {[DUET_OF_SAMPLES] = of_samples, [DUET_OF_EXAMPLES] = of_examples};
    size_t widths[2];
    if (of_samples == NULL || of_examples == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "features are two files: of samples, and of the data's examples");
    for (size_t i = 0; i < 2; i++) {
        duet_data_close(&run->given[i]);
        run->given_origin[i][0] = '\0';
        DUET_TRY(duet_data_open_for_use(&run->given[i], paths[i], DUET_DIVISION_LAST, error));
        duet_shape shape = duet_data_describe(run->given[i])->shape;
        widths[i] = shape.dims[0];
        if (shape.rank != 1 || duet_data_describe(run->given[i])->generated)
            return duet_fail(error, DUET_ERROR_DATA, "%s holds no features: an array [n, width] was expected",
                             paths[i]);
    }
    if (widths[0] != widths[1])
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s has rows of %zu features and %s of %zu: they are not of one encoder", of_samples,
                         widths[0], of_examples, widths[1]);
    DUET_TRY(duet_features_check_notes(run, error));
    DUET_TRY(duet_features_look(run->given[DUET_OF_SAMPLES], run->given[DUET_OF_EXAMPLES], error));
    return duet_data_compare_columns(run->given[DUET_OF_SAMPLES], duet_data_describe(run->given[DUET_OF_EXAMPLES]),
                                     NULL, error);
}

duet_status duet_run_set_features(duet_run *run, const char *of_samples, const char *of_examples, duet_error *error)
{
    const duet_status status = set_features(run, of_samples, of_examples, error);
    for (size_t i = 0; i < 2 && status != DUET_OK; i++) duet_data_close(&run->given[i]);
    return status;
}

duet_data *duet_run_given_features(duet_run *run, duet_feature_source source)
{
    return run->given[source];
}

const char *duet_run_given_origin(const duet_run *run, duet_feature_source source)
{
    return run->given_origin[source][0] == '\0' ? NULL : run->given_origin[source];
}

duet_status duet_run_open(duet_run **run, const char *directory, const char *device, duet_error *error)
{
    return duet_run_open_with(run, directory, device, NULL, NULL, error);
}

void duet_run_close(duet_run **run)
{
    if (run == NULL || *run == NULL) return;
    duet_share_end(*run);
    if (!(*run)->live) {
        duet_evaluator_free(&(*run)->evaluator);
        duet_model_free(&(*run)->model);
        duet_data_close(&(*run)->data);
    }
    duet_data_close(&(*run)->samples);
    duet_data_close(&(*run)->given[DUET_OF_SAMPLES]);
    duet_data_close(&(*run)->given[DUET_OF_EXAMPLES]);
    if (!(*run)->borrowed) duet_device_close(&(*run)->device);
    duet_run_file_free(&(*run)->file);
    free((*run)->directory);
    free((*run)->path);
    free((*run)->selector);
    free((*run)->given_data);
    free(*run);
    *run = NULL;
}

const char *duet_run_doubt(const duet_run *run)
{
    return run->doubt[0] == '\0' ? NULL : run->doubt;
}

duet_model *duet_run_model(duet_run *run)
{
    return run->model;
}

duet_data *duet_run_data(duet_run *run)
{
    return run->data;
}

duet_status duet_run_data_is_own(duet_run *run, bool *own, duet_error *error)
{
    char words[DUET_DIFFERENCE_SIZE];
    *own = true;
    return run->directory == NULL ? DUET_OK : duet_data_record_compare(&run->file.data, run->data, own, words, error);
}

duet_status duet_run_tells_share(duet_run *run, bool *tells, char *words, size_t size, duet_error *error)
{
    const duet_data_info *info = duet_data_describe(run->data);
    bool own = true;
    *tells = false;
    if (run->given_data == NULL || info->generated || info->division == DUET_DIVISION_GIVEN) return DUET_OK;
    DUET_TRY(duet_run_data_is_own(run, &own, error));
    *tells = !own && info->count[DUET_TRAIN] > 0;
    if (*tells)
        (void)duet_text_print(
            words, size,
            "%s has no test set, so that of its %zu examples a tenth is judged, as of what is trained "
            "on; a folder that holds a test part alone, such as test.npy, is judged whole",
            info->name, info->count[DUET_TRAIN] + info->count[DUET_TEST]);
    return DUET_OK;
}

duet_status duet_run_open_data(duet_run *run, const char *name, duet_division unsaid, duet_data **data,
                               duet_error *error)
{
    *data = NULL;
    if (run->directory == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "other data are opened beside a run that lies in a directory");
    duet_data_record record = run->file.data;
    record.division = unsaid;
    duet_status status = duet_data_record_open(&record, run->directory, name, data, error);
    if (status != DUET_OK) duet_data_close(data);
    return status;
}

const char *duet_run_directory(const duet_run *run)
{
    return run->directory == NULL ? "" : run->directory;
}

size_t duet_run_batch(const duet_run *run)
{
    return (size_t)run->file.choice.batch;
}

duet_device *duet_run_device(duet_run *run)
{
    return run->device;
}

const char *duet_run_name(const duet_run *run)
{
    return run->name;
}

size_t duet_run_features(duet_run *run, const char *output)
{
    if (run->samples != NULL && strcmp(output, DUET_SAMPLE) == 0)
        return duet_shape_elements(duet_data_describe(run->samples)->shape);
    return duet_evaluator_features(run->evaluator, output);
}

size_t duet_run_latent_features(duet_run *run)
{
    return duet_evaluator_latent_features(run->evaluator);
}

const duet_prior *duet_run_prior(duet_run *run, size_t index)
{
    const duet_build *build = duet_evaluator_build(run->evaluator);
    return index < build->prior_count ? &build->prior[index] : NULL;
}

bool duet_run_has_classes(duet_run *run)
{
    return duet_evaluator_has_classes(run->evaluator);
}

size_t duet_run_classes(duet_run *run)
{
    return run->model->classes;
}

size_t duet_run_learnt_classes(duet_run *run, uint8_t learnt[DUET_MOST_CLASSES])
{
    const size_t classes = duet_run_classes(run);
    size_t count = 0;
    for (size_t i = 0; i < classes; i++)
        if (run->model->class_counts[i] > 0) learnt[count++] = (uint8_t)i;
    if (count > 0) return count;
    for (size_t i = 0; i < classes; i++) learnt[i] = (uint8_t)i;
    return classes;
}

duet_status duet_run_check_labels(duet_run *run, const duet_data_info *data, const uint8_t *labels, size_t count,
                                  duet_error *error)
{
    const size_t told = duet_run_features(run, DUET_CLASS_LOGITS);
    return duet_class_names_check(data, told > 0 ? told : duet_run_classes(run), labels, count, error);
}
