/* SPDX-License-Identifier: MIT */
/* Features of samples and of examples, asked of the judge piece by piece or read from the files that were given. */
#include "metric/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/permute.h"
#include "base/size.h"

enum { PIECE = 1000 };

bool duet_metric_has_features(duet_run *run)
{
    if (duet_run_given_features(run, DUET_OF_SAMPLES) != NULL) return true;
    return duet_run_judge(run) != NULL && duet_run_features(duet_run_judge(run), DUET_FEATURES) > 0 &&
           duet_metric_draws(run);
}

const char *duet_metric_why_no_features(duet_run *run)
{
    if (!duet_metric_draws(run)) return NULL;
    return duet_run_judge(run) == NULL ? duet_metric_why_no_judge(run)
                                       : "the judge's model has no output \"" DUET_FEATURES
                                         "\", as that of \"classifier\" has: name the layer before its logits so";
}

static duet_status make_room(duet_feature_set *set, size_t count, size_t width, duet_error *error)
{
    size_t numbers, bytes;
    bool fits = duet_size_multiply(count, width, &numbers) && duet_size_multiply(numbers, sizeof(float), &bytes);
    *set = (duet_feature_set){.values = fits && bytes > 0 ? malloc(bytes) : NULL, .count = count, .width = width};
    if (set->values != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu x %zu features", count, width);
}

duet_status duet_metric_read_given(duet_data *data, duet_feature_set *set, duet_error *error)
{
    const duet_data_info *info = duet_data_describe(data);
    size_t width = duet_shape_elements(info->shape), training = info->count[DUET_TRAIN];
    DUET_TRY(make_room(set, training + info->count[DUET_TEST], width, error));
    duet_status status = duet_data_read(data, DUET_TRAIN, 0, training, set->values, error);
    if (status == DUET_OK && info->count[DUET_TEST] > 0)
        status = duet_data_read(data, DUET_TEST, 0, info->count[DUET_TEST], set->values + training * width, error);
    /* features are numbers: bytes that hold them are no brightness */
    for (size_t i = 0; status == DUET_OK && info->type == DUET_UINT8 && i < set->count * width; i++)
        set->values[i] = roundf(255 * set->values[i]);
    return status;
}

/* The features that the judge gives to `count` examples, [count, width]. */
static duet_status ask_judge(duet_run *judge, const float *examples, size_t count, float *features, duet_error *error)
{
    const duet_wanted wanted = {DUET_FEATURES, features};
    const duet_request request = {.count = count, .examples = examples, .outputs = &wanted, .output_count = 1};
    return duet_run_answer(judge, &request, error);
}

static duet_status find_sample_features(const duet_metric_task *task, duet_feature_set *set, duet_error *error)
{
    duet_data *given = duet_run_given_features(task->run, DUET_OF_SAMPLES);
    if (given != NULL) return duet_metric_read_given(given, set, error);
    duet_run *judge = duet_run_judge(task->run);
    float *samples = NULL;
    size_t count = duet_metric_sample_count(task->run, DUET_FEATURE_SAMPLES);
    DUET_TRY(make_room(set, count, duet_run_features(judge, DUET_FEATURES), error));
    duet_status status = duet_metric_sample(task, DUET_SAMPLE, count, &samples, error);
    if (status == DUET_OK) status = ask_judge(judge, samples, count, set->values, error);
    free(samples);
    return status;
}

static duet_status find_example_features(const duet_metric_task *task, duet_feature_set *set, duet_error *error)
{
    duet_data *given = duet_run_given_features(task->run, DUET_OF_EXAMPLES), *data = duet_run_data(task->run);
    if (given != NULL) return duet_metric_read_given(given, set, error);
    duet_run *judge = duet_run_judge(task->run);
    size_t total = duet_metric_examples(task), width = duet_run_features(judge, DUET_FEATURES);
    DUET_TRY(make_room(set, total, width, error));
    float *examples = malloc(PIECE * duet_shape_elements(duet_data_describe(data)->shape) * sizeof *examples);
    if (examples == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", PIECE);
    duet_status status = DUET_OK;
    for (size_t first = 0; first < total && status == DUET_OK; first += PIECE) {
        size_t count = total - first < PIECE ? total - first : PIECE;
        status = duet_data_read(data, task->split, first, count, examples, error);
        if (status == DUET_OK) status = ask_judge(judge, examples, count, set->values + first * width, error);
    }
    free(examples);
    return status;
}

/* What the stock has, or what `find` finds, which the stock then keeps. After an error nothing is kept. */
static duet_status keep(const duet_metric_task *task, duet_feature_set *kept, duet_feature_set *set,
                        duet_status (*find)(const duet_metric_task *task, duet_feature_set *set, duet_error *error),
                        duet_error *error)
{
    duet_feature_set found = {0};
    duet_status status = DUET_OK;
    if (kept->values == NULL) {
        status = find(task, &found, error);
        if (status == DUET_OK)
            *kept = found;
        else
            free(found.values);
    }
    *set = *kept;
    return status;
}

duet_status duet_metric_sample_features(const duet_metric_task *task, duet_feature_set *set, duet_error *error)
{
    return keep(task, &task->stock->sample_features, set, find_sample_features, error);
}

duet_status duet_metric_example_features(const duet_metric_task *task, duet_feature_set *set, duet_error *error)
{
    return keep(task, &task->stock->example_features, set, find_example_features, error);
}

size_t duet_metric_feature_width(duet_run *run)
{
    duet_data *given = duet_run_given_features(run, DUET_OF_SAMPLES);
    if (given != NULL) return duet_shape_elements(duet_data_describe(given)->shape);
    return duet_run_features(duet_run_judge(run), DUET_FEATURES);
}

static size_t rows_of(duet_data *given)
{
    return duet_data_describe(given)->count[DUET_TRAIN] + duet_data_describe(given)->count[DUET_TEST];
}

duet_status duet_metric_enough_features(duet_run *run, duet_split split, size_t least, const char *metric,
                                        duet_error *error)
{
    bool given = duet_run_given_features(run, DUET_OF_SAMPLES) != NULL;
    size_t samples = given ? rows_of(duet_run_given_features(run, DUET_OF_SAMPLES))
                           : duet_metric_sample_count(run, DUET_FEATURE_SAMPLES);
    size_t examples = given ? rows_of(duet_run_given_features(run, DUET_OF_EXAMPLES))
                            : duet_data_describe(duet_run_data(run))->count[split];
    if (samples >= least && examples >= least) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s by %zu features needs at least %zu samples and as many examples; there are %zu and %zu",
                     metric, duet_metric_feature_width(run), least, samples, examples);
}

/* Both sets in one order where they are as large: a set against itself stays so in every part. */
duet_status duet_metric_shuffle(const duet_feature_set *set, size_t count, uint64_t seed, duet_feature_set *drawn,
                                duet_error *error)
{
    enum { STREAM = 0x726f7773 };
    DUET_TRY(make_room(drawn, count, set->width, error));
    for (size_t i = 0; i < count; i++) {
        size_t from = duet_philox_permute(seed, STREAM, 0, (uint32_t)i, (uint32_t)set->count);
        memcpy(drawn->values + i * set->width, set->values + from * set->width, set->width * sizeof *set->values);
    }
    return DUET_OK;
}

duet_status duet_metric_feature_pair(const duet_metric_task *task, duet_feature_set *samples,
                                     duet_feature_set *examples, duet_error *error)
{
    duet_feature_set all[2] = {{0}};
    *samples = *examples = (duet_feature_set){0};
    DUET_TRY(duet_metric_sample_features(task, &all[0], error));
    DUET_TRY(duet_metric_example_features(task, &all[1], error));
    size_t count = all[0].count < all[1].count ? all[0].count : all[1].count;
    if (count > DUET_FEATURE_SAMPLES) count = DUET_FEATURE_SAMPLES;
    DUET_TRY(duet_metric_shuffle(&all[0], count, task->seed, samples, error));
    return duet_metric_shuffle(&all[1], count, task->seed, examples, error);
}
