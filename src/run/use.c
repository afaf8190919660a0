/* SPDX-License-Identifier: MIT */
/* Requests to a run: its settings in front of their own, examples that stand for samples, and what comes out looked at,
 * as a number that is not finite looks like any other to a program that does not ask. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/permute.h"
#include "base/status.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/known.h"
#include "data/places.h"
#include "data/same_rows.h"
#include "run/run.h"
#include "run/share.h"

/* Which example is sample number `row`: of all of a file, which may be sorted by class, however few are asked for. Of a
 * set with a test split of its own the training examples come first: others are to be compared with that split. */
static size_t place_of(const duet_data *samples, size_t row)
{
    enum { STREAM = 0x676976 }; /* "giv" */
    const bool whole = samples->info.division != DUET_DIVISION_GIVEN;
    const size_t all = duet_data_rows(samples), early = whole ? all : samples->info.count[DUET_TRAIN];
    if (row < early) return duet_philox_permute(0, STREAM, 0, (uint32_t)row, (uint32_t)early);
    return early + duet_philox_permute(0, STREAM, 1, (uint32_t)(row - early), (uint32_t)(all - early));
}

/* Rows of the examples that stand for samples. */
static duet_status read_samples(duet_run *run, size_t first, size_t count, float *values, duet_error *error)
{
    const size_t all = duet_data_rows(run->samples);
    run->samples_read = true;
    if (first + count > all)
        return duet_fail(error, DUET_ERROR_DATA, "%s stands for samples and holds %zu of them: %zu are needed",
                         run->samples->info.name, all, first + count);
    size_t *places = calloc(count + 1, sizeof *places);
    if (places == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu samples", count);
    for (size_t i = 0; i < count; i++) places[i] = place_of(run->samples, first + i);
    duet_status status = duet_data_read_places(run->samples, 0, places, count, values, NULL, error);
    free(places);
    return status;
}

void duet_run_set_settings(duet_run *run, const char *const *settings, size_t count)
{
    run->settings = settings;
    run->setting_count = count;
    run->read = 0;
}

void duet_run_set_stop(duet_run *run, const volatile int *stop)
{
    run->stop = stop;
}

/* Whether a setting, "key=value", has that key. */
static bool is_of(const char *setting, const char *key)
{
    size_t length = strlen(key);
    return strncmp(setting, key, length) == 0 && setting[length] == '=';
}

/* Whether the procedure, or one that gives the output, reads a setting; NULL: not asked about. */
static bool reads(const duet_run *run, const char *procedure, const char *output, const char *setting)
{
    const duet_build *build = duet_evaluator_build(run->evaluator);
    duet_node node = NULL;
    const duet_procedure_description *from =
        procedure != NULL ? duet_build_procedure(build, procedure) : duet_build_find_output(build, output, &node);
    if (procedure != NULL) node = duet_build_output(build, output);
    if (is_of(setting, "weights"))
        return from == NULL || !duet_model_keeps_averages(run->model) || duet_build_reads_averages(build, from, node);
    for (size_t i = 0; i < build->knob_count && from != NULL; i++)
        if (is_of(setting, build->knobs[i].key))
            return (build->knobs[i].readers >> (size_t)(from - build->procedures) % 64 & 1) != 0;
    return false;
}

bool duet_run_reads(duet_run *run, const char *output, const char *setting)
{
    return reads(run, NULL, output, setting);
}

/* Remembers which of the run's settings what was asked for reads. */
static void note_read(duet_run *run, const duet_request *request)
{
    for (size_t i = 0; i < run->setting_count; i++)
        for (size_t k = 0; k < request->output_count; k++)
            if (reads(run, request->procedure, request->outputs[k].name, run->settings[i]))
                run->read |= UINT64_C(1) << i % 64;
}

const char *duet_run_unread(const duet_run *run)
{
    for (size_t i = 0; i < run->setting_count; i++)
        if (!duet_run_has_read(run, i)) return run->settings[i];
    return NULL;
}

bool duet_run_has_read(const duet_run *run, size_t index)
{
    return (run->read >> index % 64 & 1) != 0;
}

bool duet_run_takes(duet_run *run, const char *key)
{
    const duet_build *build = duet_evaluator_build(run->evaluator);
    for (size_t i = 0; i < build->knob_count; i++)
        if (strcmp(build->knobs[i].key, key) == 0) return true;
    return strcmp(key, "weights") == 0 && duet_model_keeps_averages(run->model);
}

const char *duet_run_key(duet_run *run, size_t index)
{
    const duet_build *build = duet_evaluator_build(run->evaluator);
    return index < build->knob_count ? build->knobs[index].key : NULL;
}

duet_status duet_run_check_settings(duet_run *run, const char *const *settings, size_t count, duet_error *error)
{
    return duet_evaluator_check(run->evaluator, settings, count, error);
}

const char *duet_run_setting(duet_run *run, const char *key)
{
    const char *found = NULL;
    for (size_t i = 0; i < run->setting_count; i++) {
        if (!is_of(run->settings[i], key)) continue;
        found = run->settings[i] + strlen(key) + 1;
        run->read |= UINT64_C(1) << i % 64;
    }
    return found;
}

duet_status duet_run_inputs(duet_run *run, const duet_request *request, unsigned *inputs, duet_error *error)
{
    return duet_evaluator_inputs(run->evaluator, request, inputs, error);
}

bool duet_run_doubts_range(duet_run *run, const char *what, double low, double high, size_t count, char *words,
                           size_t size)
{
    const duet_data_info *known = run->file.data.is_whole ? &run->file.data.info : duet_data_describe(run->data);
    if (known->unit_range && !(low >= 0 && high <= 1)) return false; /* it is refused */
    return duet_data_doubts_range(known, run->directory == NULL ? "the run" : run->directory, what,
                                  (double[]){low, high}, count, words, size);
}

/* Answers the request, or counts its FLOPs into *flops unless that is NULL. */
static duet_status ask(duet_run *run, const duet_request *request, double *flops, duet_error *error)
{
    if (flops != NULL) return duet_evaluator_flops(run->evaluator, request, flops, error);
    return duet_share_answer(run, request, error);
}

/* A request whose outputs are mistaken is refused for that, before its inputs are looked at. */
static bool names_outputs(duet_run *run, const duet_request *request)
{
    bool named = request->output_count == 0 || request->outputs != NULL;
    for (size_t i = 0; named && i < request->output_count; i++)
        named = request->outputs[i].name != NULL && duet_run_features(run, request->outputs[i].name) > 0;
    return named;
}

/* Classes of other data that the run has not learnt have names there, which the model knows nothing of; where it reads
 * none it is given none. */
static duet_status take_classes(duet_run *run, duet_request *request, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(run->data);
    unsigned inputs;
    uint8_t most = 0;
    for (size_t i = 0; request->classes != NULL && i < request->count; i++)
        if (request->classes[i] > most) most = request->classes[i];
    if (most < duet_run_classes(run) || most >= data->classes || !names_outputs(run, request)) return DUET_OK;
    DUET_TRY(duet_evaluator_inputs(run->evaluator, request, &inputs, error));
    if ((inputs & DUET_READS_CLASSES) == 0) return request->classes = NULL, DUET_OK;
    return duet_class_names_check(data, duet_run_classes(run), request->classes, request->count, error);
}

static duet_status ask_with_settings(duet_run *run, const duet_request *request, double *flops, duet_error *error)
{
    const bool given = run->samples != NULL && flops == NULL;
    if (given && request->output_count == 1 && strcmp(request->outputs[0].name, DUET_SAMPLE) == 0)
        return read_samples(run, request->first, request->count, request->outputs[0].values, error);
    duet_request whole = *request;
    size_t count = run->setting_count + request->setting_count;
    DUET_TRY(take_classes(run, &whole, error));
    if (whole.stop == NULL) whole.stop = run->stop;
    if (run->setting_count == 0) return ask(run, &whole, flops, error);
    note_read(run, request);
    const char **settings = malloc(count * sizeof *settings);
    if (settings == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a request");
    for (size_t i = 0; i < run->setting_count; i++) settings[i] = run->settings[i];
    for (size_t i = 0; i < request->setting_count; i++) settings[run->setting_count + i] = request->settings[i];
    whole.settings = settings;
    whole.setting_count = count;
    duet_status status = ask(run, &whole, flops, error);
    free(settings);
    return status;
}

static bool is_of_program(const duet_run *run)
{
    const duet_family *family = duet_model_family(run->model);
    return duet_family_find(family->name) != family;
}

/* The ends of what is given as an example of the model's; false: it is none, or too few of its numbers lie beyond [0,
 * 1] by as much as that is wide: a linear decoder's may, and logits do. */
static bool find_ends(duet_run *run, const duet_wanted *output, size_t count, double ends[2])
{
    enum { SOME = 50 }; /* one in as many */
    static const char *const examples[] = {DUET_SAMPLE, DUET_DECODE, DUET_RECONSTRUCTION};
    const size_t features = duet_shape_elements(duet_data_describe(run->data)->shape);
    bool is_one = false;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        is_one = is_one || strcmp(output->name, examples[i]) == 0;
    if (!is_one || count == 0 || duet_run_features(run, output->name) != features) return false;
    if (run->samples != NULL && strcmp(output->name, DUET_SAMPLE) == 0) return false; /* looked at when they were set */
    ends[0] = INFINITY;
    ends[1] = -INFINITY;
    size_t far = 0;
    for (size_t i = 0; i < count * features; i++) {
        const double value = (double)output->values[i];
        if (value < ends[0]) ends[0] = value;
        if (value > ends[1]) ends[1] = value;
        far += value < -1 || value > 2;
    }
    return far > count * features / SOME;
}

/* Whoever writes a model for data in [0, 1] may leave its last sigmoid out: what it gives is held against the data, as
 * files of samples are. Families of the library have theirs. */
static void look_at_given(duet_run *run, const duet_request *request)
{
    enum { ONE = 1 }; /* as of one example: numbers close together are no logits */
    double ends[2];
    char what[96], words[640];
    const duet_data_info *data = run->file.data.is_whole ? &run->file.data.info : duet_data_describe(run->data);
    if (run->range_told || run->live || !data->unit_range || !is_of_program(run)) return;
    for (size_t i = 0; i < request->output_count && !run->range_told; i++) {
        const char *name = request->outputs[i].name;
        if (!find_ends(run, &request->outputs[i], request->count, ends)) continue;
        (void)duet_text_print(what, sizeof what, "the numbers that the model gives as \"%s\"", name);
        run->range_told = duet_data_doubts_range(data, run->directory, what, ends, ONE, words, sizeof words);
        if (run->range_told)
            duet_notes_add(&run->data->notes, false, "%s If they are logits, give duet_sigmoid of them", words);
    }
}

duet_status duet_run_answer(duet_run *run, const duet_request *request, duet_error *error)
{
    DUET_TRY(ask_with_settings(run, request, NULL, error));
    look_at_given(run, request);
    return DUET_OK;
}

duet_status duet_run_answer_alone(duet_run *run, const duet_request *request, duet_error *error)
{
    duet_ranks *ranks = run->ranks;
    run->ranks = NULL;
    const duet_status status = ask_with_settings(run, request, NULL, error);
    run->ranks = ranks;
    return status;
}

/* Numbers of a row that a model of this data, or this prior, knows nothing of. */
static duet_status check_rows(const float *values, size_t count, size_t features, const char *what, bool unit_range,
                              duet_error *error)
{
    for (size_t i = 0; i < count * features; i++) {
        const double value = values[i];
        if (!isfinite(value))
            return duet_fail(error, DUET_ERROR_NUMERIC,
                             "%s %zu of the request holds %g, which is no number to compute with", what, i / features,
                             value);
        if (unit_range && !(value >= 0 && value <= 1))
            return duet_fail(
                error, DUET_ERROR_DATA,
                "%s %zu of the request holds %g, and the model has learnt values in [0, 1]: bring them there "
                "as the run's data were",
                what, i / features, value);
    }
    return DUET_OK;
}

static duet_status check_inputs(duet_run *run, const duet_request *request, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(run->data);
    if (!names_outputs(run, request)) return DUET_OK;
    if (request->classes != NULL && !duet_run_has_classes(run))
        return duet_fail(error, DUET_ERROR_USAGE, "the request gives classes, and the model \"%s\" reads none",
                         duet_model_family(run->model)->name);
    if (request->examples != NULL)
        DUET_TRY(check_rows(request->examples, request->count, duet_shape_elements(data->shape), "example",
                            data->unit_range && !request->any_range, error));
    if (request->latents == NULL) return DUET_OK;
    return check_rows(request->latents, request->count, duet_run_latent_features(run), "latent", false, error);
}

/* Examples that stand for samples are the host's. */
static duet_status check_source(const duet_run *run, const cl_mem *buffers, duet_error *error)
{
    if (buffers == NULL || run->samples == NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "examples of %s stand for the run's samples, and buffers take what the model gives: ask without "
                     "buffers, or call duet_run_set_samples with NULL",
                     duet_data_describe(run->samples)->name);
}

duet_status duet_run_use(duet_run *run, const duet_request *request, duet_error *error)
{
    return duet_run_use_buffers(run, request, NULL, error);
}

duet_status duet_run_use_buffers(duet_run *run, const duet_request *request, const cl_mem *buffers, duet_error *error)
{
    size_t wrong = 0;
    const char *first = NULL;
    DUET_TRY(check_source(run, buffers, error));
    DUET_TRY(check_inputs(run, request, error));
    duet_evaluator_set_buffers(run->evaluator, buffers); /* what other ranks compute is not on this device */
    duet_status status = (buffers == NULL ? duet_run_answer : duet_run_answer_alone)(run, request, error);
    duet_evaluator_set_buffers(run->evaluator, NULL);
    if (status != DUET_OK) return status;
    for (size_t i = 0; i < request->output_count; i++) {
        if (buffers != NULL && buffers[i] != NULL) continue;
        const duet_wanted *output = &request->outputs[i];
        const size_t numbers = request->count * duet_run_features(run, output->name);
        for (size_t k = 0; k < numbers; k++) {
            if (isfinite(output->values[k])) continue;
            if (wrong++ == 0) first = output->name;
        }
    }
    if (request->not_finite != NULL) *request->not_finite = wrong;
    if (wrong == 0 || request->not_finite != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_NUMERIC,
                     "%zu numbers that the model gives are not finite, the first of \"%s\": look at the largest values "
                     "of the request, and at the run's losses",
                     wrong, first);
}

duet_status duet_run_flops(duet_run *run, const duet_request *request, double *flops, duet_error *error)
{
    return ask_with_settings(run, request, flops, error);
}
