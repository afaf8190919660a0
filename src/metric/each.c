/* SPDX-License-Identifier: MIT */
/* Metrics of which one that fails costs only itself: those that can be computed share one pass, as they do elsewhere,
 * and only where that fails it is each by itself that tells which one it was. */
#include <stdlib.h>

#include "metric/metric.h"

/* What stands for one metric, and is told. */
typedef struct listener {
    duet_metric_left_out left_out;
    void *context;
} listener;

/* What no other metric would get past either. */
static bool ends_all(duet_status status)
{
    return status == DUET_ERROR_INTERRUPTED || status == DUET_ERROR_DEVICE || status == DUET_ERROR_NO_DEVICE;
}

/* The names that pass duet_metric_check, into `names`. */
static size_t sift(duet_run *run, const char *const *all, size_t count, duet_split split, const listener *it,
                   const char **names)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        duet_error own = {0};
        if (duet_metric_check(run, all[i], split, &own) == DUET_OK)
            names[kept++] = all[i];
        else
            it->left_out(it->context, all[i], &own);
    }
    return kept;
}

static duet_status compute_singly(duet_run *run, const char *const *names, size_t name_count, duet_split split,
                                  uint64_t seed, duet_metric_value *values, size_t capacity, size_t *count,
                                  const listener *it, duet_error *error)
{
    *count = 0;
    for (size_t i = 0; i < name_count; i++) {
        duet_error own = {0};
        size_t made;
        const duet_status status =
            duet_metric_compute(run, names[i], split, seed, values + *count, capacity - *count, &made, &own);
        if (ends_all(status)) return duet_fail(error, status, "%s", own.message);
        if (status != DUET_OK) it->left_out(it->context, names[i], &own);
        if (status == DUET_OK) *count += made;
    }
    return DUET_OK;
}

duet_status duet_metric_compute_each(duet_run *run, const char *const *all, size_t all_count, duet_split split,
                                     uint64_t seed, duet_metric_value *values, size_t capacity, size_t *count,
                                     duet_metric_left_out left_out, void *context, duet_error *error)
{
    const listener it = {left_out, context};
    duet_error own = {0};
    *count = 0;
    const char **names = malloc((all_count + 1) * sizeof *names);
    if (names == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu names", all_count);
    const size_t kept = sift(run, all, all_count, split, &it, names);
    duet_status status =
        kept == 0 ? DUET_OK : duet_metric_compute_all(run, names, kept, split, seed, values, capacity, count, &own);
    if (status != DUET_OK && !ends_all(status) && kept > 1) {
        own = (duet_error){0};
        status = compute_singly(run, names, kept, split, seed, values, capacity, count, &it, &own);
    } else if (status != DUET_OK && !ends_all(status)) {
        left_out(context, names[0], &own);
        status = DUET_OK;
    }
    free(names);
    return status == DUET_OK ? DUET_OK : duet_fail(error, status, "%s", own.message);
}
