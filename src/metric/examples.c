/* SPDX-License-Identifier: MIT */
/* A few examples of a split, by their places, and what a run makes of them. */
#include <stdlib.h>

#include "data/places.h"
#include "metric/metric.h"

enum { PIECE = 1000 };

static bool has_labels(const duet_data_info *info, duet_split split)
{
    return info->count[split] == 0 || info->labelled[split];
}

const char *const *duet_metric_reconstruction(duet_run *run, duet_split split)
{
    static const char *const names[] = {DUET_RECONSTRUCTION, NULL};
    (void)run;
    (void)split;
    return names;
}

const char *duet_metric_why_no_classes(duet_run *run)
{
    const size_t classes = duet_data_describe(duet_run_data(run))->classes;
    return classes > 1 ? NULL : classes == 1 ? "the data have one class alone" : "the data have no labels";
}

duet_status duet_metric_enough_labels(duet_run *run, const char *name, duet_error *error)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    const bool trains = has_labels(info, DUET_TRAIN);
    if (trains && has_labels(info, DUET_TEST)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "%s goes by labels of both splits, and the %s examples of %s have none",
                     name, trains ? "test" : "training", info->name);
}

/* Whether all of `what` goes into the output. */
static bool reads(duet_run *run, const char *output, unsigned what)
{
    float none;
    const duet_wanted wanted = {output, &none};
    const duet_request request = {.count = 1, .outputs = &wanted, .output_count = 1};
    unsigned inputs;
    if (duet_run_features(run, output) == 0) return false;
    return duet_run_inputs(run, &request, &inputs, NULL) == DUET_OK && (inputs & what) == what;
}

duet_better duet_metric_better_of_codes(duet_run *run)
{
    return reads(run, DUET_LATENT, DUET_READS_CLASSES) ? DUET_NEITHER : DUET_LARGER;
}

bool duet_metric_lacks_classes(duet_run *run, duet_split split, const char *output)
{
    return !duet_data_has_labels(duet_run_data(run), split) &&
           reads(run, output, DUET_READS_EXAMPLES | DUET_READS_CLASSES);
}

bool duet_metric_tells_classes(const duet_metric_task *task)
{
    return duet_run_has_classes(task->run) && duet_data_has_labels(duet_run_data(task->run), task->split);
}

void duet_metric_places(size_t total, size_t count, size_t *places)
{
    for (size_t i = 0; i < count; i++) places[i] = duet_data_place(i, count, total);
}

duet_status duet_metric_read(const duet_metric_task *task, duet_split split, const size_t *places, size_t count,
                             float *examples, uint8_t *labels, duet_error *error)
{
    duet_data *data = duet_run_data(task->run);
    const size_t from = split == DUET_TRAIN ? 0 : duet_data_describe(data)->count[DUET_TRAIN];
    return duet_data_read_places(data, from, places, count, examples, labels, error);
}

static duet_status ask_pieces(const duet_metric_task *task, duet_split split, const size_t *places, size_t count,
                              const char *output, float *values, uint8_t *labels, float *examples, duet_error *error)
{
    size_t features = duet_run_features(task->run, output);
    for (size_t first = 0; first < count; first += PIECE) {
        size_t rows = count - first < PIECE ? count - first : PIECE;
        DUET_TRY(duet_metric_read(task, split, places + first, rows, examples, labels + first, error));
        const duet_wanted wanted = {output, values + first * features};
        const duet_request request = {.count = rows,
                                      .first = first,
                                      .seed = task->seed,
                                      .examples = examples,
                                      .classes = duet_run_has_classes(task->run) ? labels + first : NULL,
                                      .outputs = &wanted,
                                      .output_count = 1};
        DUET_TRY(duet_run_answer(task->run, &request, error));
    }
    return DUET_OK;
}

duet_status duet_metric_ask(const duet_metric_task *task, duet_split split, const size_t *places, size_t count,
                            const char *output, float *values, uint8_t *labels, duet_error *error)
{
    size_t features = duet_shape_elements(duet_data_describe(duet_run_data(task->run))->shape);
    float *examples = malloc(PIECE * features * sizeof *examples);
    if (examples == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", PIECE);
    duet_status status = ask_pieces(task, split, places, count, output, values, labels, examples, error);
    free(examples);
    return status;
}
