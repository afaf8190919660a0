/* SPDX-License-Identifier: MIT */
/* Whether codes know classes: the share of examples whose code is nearest to one of the same class, Donahue et al. 2017
 * (arXiv:1605.09782), sec. 4.1. An untrained encoder keeps much of the distances between pictures and scores well:
 * compare with it. Of codes as near one is drawn. Its interval is Wilson's, over the examples: the training examples
 * count as given. */
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"
#include "run/nearest.h"

enum { QUERIES = 2000, REFERENCES = 10000 };

/* Examples of the split, and those of the training set that they are compared with. */
typedef struct codes {
    size_t places[QUERIES + REFERENCES];
    uint8_t labels[QUERIES + REFERENCES];
    size_t right, queries, references, width;
    float *values; /* of all of them, queries first */
} codes;

static bool applies(duet_run *run)
{
    return duet_metric_why_no_classes(run) == NULL && duet_run_features(run, DUET_LATENT) > 0;
}

static const char *refusal(duet_run *run)
{
    return duet_run_features(run, DUET_LATENT) > 0 ? duet_metric_why_no_classes(run) : NULL;
}

/* On the training split half of the examples are compared with the others. */
static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    DUET_TRY(duet_metric_enough_labels(run, "nearest-neighbour", error));
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    size_t needed = split == DUET_TRAIN ? 2 : 1;
    if (data->count[DUET_TRAIN] >= needed) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "nearest-neighbour needs at least %zu training examples; %s has %zu",
                     needed, data->name, data->count[DUET_TRAIN]);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Leaves out the places that are queries too; both ascend. */
static size_t without_queries(const size_t *queries, size_t query_count, size_t *references, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0, q = 0; i < count; i++) {
        while (q < query_count && queries[q] < references[i]) q++;
        if (q == query_count || queries[q] != references[i]) references[kept++] = references[i];
    }
    return kept;
}

static void choose(codes *it, const duet_metric_task *task)
{
    bool on_itself = task->split == DUET_TRAIN;
    size_t n = duet_metric_examples(task), total = duet_data_describe(duet_run_data(task->run))->count[DUET_TRAIN];
    it->queries = least(QUERIES, on_itself ? n / 2 : n);
    it->references = least(REFERENCES, total);
    size_t *references = it->places + it->queries;
    duet_metric_places(n, it->queries, it->places);
    duet_metric_places(total, it->references, references);
    if (on_itself) it->references = without_queries(it->places, it->queries, references, it->references);
}

static duet_status search(codes *it, duet_nearest *nearest, duet_error *error)
{
    const float *references = it->values + it->queries * it->width;
    const uint8_t *labels = it->labels + it->queries;
    for (size_t first = 0; first < it->references; first += DUET_NEAREST_PIECE) {
        size_t count = least(DUET_NEAREST_PIECE, it->references - first);
        memcpy(duet_nearest_room(nearest), references + first * it->width, count * it->width * sizeof(float));
        DUET_TRY(duet_nearest_show(nearest, count, error));
    }
    for (size_t i = 0; i < it->queries; i++) {
        size_t found;
        it->right += duet_nearest_find(nearest, i, &found) && labels[found] == it->labels[i];
    }
    return DUET_OK;
}

static duet_status compare(codes *it, duet_metric_task *task, duet_error *error)
{
    duet_nearest *nearest;
    it->values = malloc((it->queries + it->references) * it->width * sizeof *it->values);
    if (it->values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d codes", REFERENCES);
    DUET_TRY(duet_metric_ask(task, task->split, it->places, it->queries, DUET_LATENT, it->values, it->labels, error));
    DUET_TRY(duet_metric_ask(task, DUET_TRAIN, it->places + it->queries, it->references, DUET_LATENT,
                             it->values + it->queries * it->width, it->labels + it->queries, error));
    DUET_TRY(duet_nearest_new(&nearest, duet_run_device(task->run), it->values, it->queries, it->width, error));
    duet_nearest_draw_ties(nearest);
    const duet_status status = search(it, nearest, error);
    duet_nearest_free(&nearest);
    if (status == DUET_OK) duet_metric_add_share(task, "nearest-neighbour", it->right, it->queries);
    return status;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    codes *it = calloc(1, sizeof *it);
    if (it == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for codes");
    it->width = duet_run_features(task->run, DUET_LATENT);
    choose(it, task);
    duet_metric_tell_of_codes(task);
    duet_status status = duet_metric_tell_of_labels(task, true, error);
    if (status == DUET_OK) status = compare(it, task, error);
    free(it->values);
    free(it);
    return status;
}

static const duet_metric_measure measures[] = {
    {"nearest-neighbour", NULL, DUET_LARGER, DUET_OF_LATENTS, 1},
    {NULL},
};

const duet_metric duet_metric_nearest_neighbour = {
    .row = {"nearest-neighbour", "share",
            "examples, at most 2,000, whose code is nearest to one of the same class among those of at most 10,000 "
            "training examples; for models that encode, on data with labels",
            .measures = measures},
    .applies = applies,
    .finish = finish,
    .better = duet_metric_better_of_codes,
    .enough = enough,
    .refusal = refusal,
};
