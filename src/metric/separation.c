/* SPDX-License-Identifier: MIT */
/* Both areas follow from the order of all scores. The interval of the first holds the areas that would make the one
 * that was found no rare one (Newcombe 2006, Statistics in Medicine 25:559, method 5). That of the second is by the
 * infinitesimal jackknife (Efron 1982, ch. 6), the variance of what the area gains as each score counts for more, on
 * the scale of log(area / (1 - area)), in which the ends stay within 0 and 1 (Boyd et al. 2013); where no variance can
 * be seen it is Wilson's. */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"

typedef struct entry {
    double score;
    bool strange;
} entry;

static int compare(const void *a, const void *b)
{
    double left = ((const entry *)a)->score, right = ((const entry *)b)->score;
    return (left > right) - (left < right);
}

/* Mean and variance as numbers come. */
typedef struct moments {
    double count, mean, squares;
} moments;

static void add(moments *it, double number, double times)
{
    double away = number - it->mean;
    it->count += times;
    it->mean += times * away / it->count;
    it->squares += times * away * (number - it->mean);
}

static double variance_of_mean(const moments *it)
{
    return it->count > 1 ? it->squares / (it->count - 1) / it->count : NAN;
}

/* The length of the run of equal scores that begins at `first`, and how many of them are strange. */
static size_t run_of(const entry *sorted, size_t count, size_t first, size_t *strange)
{
    size_t end = first;
    *strange = 0;
    for (; end < count && sorted[end].score == sorted[first].score; end++) *strange += sorted[end].strange;
    return end - first;
}

/* Where all pairs are of one order, the variance says nothing: as many pairs as there are scores of the rarer kind
 * share no score, and Wilson's interval is of these. Where it is 0 otherwise, as of scores that are all equal, or there
 * is but one score of a kind, the interval is unknown. False: the variance gives the ends. */
static bool has_no_variance(double area, double variance, size_t pairs, double *low, double *high)
{
    *low = *high = NAN;
    if (area == 0 || area == 1) duet_share_interval(area == 1 ? pairs : 0, pairs, low, high);
    return area == 0 || area == 1 || !(variance > 0);
}

/* The variance of an area that is truly `area`, over area (1 - area). Newcombe's is Hanley and McNeil's for exponential
 * scores with the mean of both counts in place of either. `seen` is larger where the two kinds' scores spread
 * unequally, which his formula knows nothing of: of 1,000 scores and 10 that spread thrice as far it holds 78% alone.
 */
static double variance_at(double area, double usual, double strange, double seen)
{
    double others = (usual + strange) / 2 - 1;
    double shared = 1 + others * ((1 - area) / (2 - area) + area / (1 + area));
    return fmax(shared / (usual * strange), seen);
}

/* From what was found towards 0 or 1 what stands against an area only grows, so halving meets the end. */
static double end_of_areas(const duet_separation *it, double seen, double outer)
{
    double inner = it->auroc;
    for (int i = 0; i < 60; i++) {
        double area = (inner + outer) / 2, away = area - it->auroc;
        double variance = variance_at(area, (double)it->usual, (double)it->strange, seen) * area * (1 - area);
        if (away * away <= 1.96 * 1.96 * variance)
            inner = area;
        else
            outer = area;
    }
    return inner;
}

/* Upwards: a strange score has `usual` scores below it, a usual one all strange scores but those so far above it. How
 * these numbers vary is the variance that is seen (DeLong et al. 1988), none where all pairs are of one order. */
static void measure_ranks(const entry *sorted, size_t usual, size_t strange, duet_separation *result)
{
    moments of_strange = {0}, of_usual = {0};
    double usual_below = 0, strange_below = 0;
    for (size_t first = 0, tied; first < usual + strange;) {
        size_t length = run_of(sorted, usual + strange, first, &tied);
        double usual_tied = (double)(length - tied), strange_tied = (double)tied;
        if (tied > 0) add(&of_strange, (usual_below + usual_tied / 2) / (double)usual, strange_tied);
        if (length > tied) add(&of_usual, 1 - (strange_below + strange_tied / 2) / (double)strange, usual_tied);
        usual_below += usual_tied;
        strange_below += strange_tied;
        first += length;
    }
    double area = of_strange.mean, variance = variance_of_mean(&of_strange) + variance_of_mean(&of_usual);
    double seen = variance > 0 && area > 0 && area < 1 ? variance / (area * (1 - area)) : 0;
    result->auroc = area;
    result->low = end_of_areas(result, seen, 0);
    result->high = end_of_areas(result, seen, 1);
}

static double share_of_odds(double log_odds)
{
    return 1 / (1 + exp(-log_odds));
}

/* Upwards: at each strange score the precision p = a / (a + b), a strange and b usual scores being as high, which
 * the area is the mean of. Counting a strange score for more adds its own p, and b / (a + b)^2 to the p of all that lie
 * as low; a usual one takes a / (a + b)^2 from these. */
static void measure_precision(const entry *sorted, size_t usual, size_t strange, duet_separation *result)
{
    moments precision = {0}, of_strange = {0}, of_usual = {0};
    double a = (double)strange, b = (double)usual, gain = 0, loss = 0;
    for (size_t first = 0, tied; first < usual + strange;) {
        size_t length = run_of(sorted, usual + strange, first, &tied);
        double usual_tied = (double)(length - tied), strange_tied = (double)tied, all = a + b;
        gain += strange_tied * b / (all * all);
        loss += strange_tied * a / (all * all);
        if (tied > 0) add(&precision, a / all, strange_tied);
        if (tied > 0) add(&of_strange, a / all + gain, strange_tied);
        if (length > tied) add(&of_usual, -loss * (double)usual / (double)strange, usual_tied);
        a -= strange_tied;
        b -= usual_tied;
        first += length;
    }
    double area = precision.mean, variance = variance_of_mean(&of_strange) + variance_of_mean(&of_usual);
    double odds = log(area / (1 - area)), reach = 1.96 * sqrt(variance) / (area * (1 - area));
    result->average_precision = area;
    if (has_no_variance(area, variance, usual < strange ? usual : strange, &result->average_precision_low,
                        &result->average_precision_high))
        return;
    result->average_precision_low = share_of_odds(odds - reach);
    result->average_precision_high = share_of_odds(odds + reach);
}

duet_status duet_separate(const float *usual, size_t usual_count, const float *strange, size_t strange_count,
                          duet_separation *result, duet_error *error)
{
    size_t count = usual_count + strange_count;
    if (usual_count == 0 || strange_count == 0)
        return duet_fail(error, DUET_ERROR_USAGE, "to separate takes scores of both kinds: there are %zu and %zu",
                         usual_count, strange_count);
    entry *all = malloc(count * sizeof *all);
    if (all == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu scores", count);
    for (size_t i = 0; i < count; i++) {
        double score = i < usual_count ? (double)usual[i] : (double)strange[i - usual_count];
        all[i] = (entry){isnan(score) ? INFINITY : score, i >= usual_count};
    }
    qsort(all, count, sizeof *all, compare);
    *result = (duet_separation){.usual = usual_count, .strange = strange_count};
    measure_ranks(all, usual_count, strange_count, result);
    measure_precision(all, usual_count, strange_count, result);
    free(all);
    return DUET_OK;
}
