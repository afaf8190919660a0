/* SPDX-License-Identifier: MIT */
/* Softmax regression on standardised codes and a constant, with a penalty of 1e-4 / 2 times the squares of the weights
 * on the mean log-likelihood. Newton's method with the bound of Boehning 1992 (Ann. Inst. Statist. Math. 44) in the
 * place of the Hessian, 1/2 X^T X a class, so that one factor serves all steps and each step gains; 300 steps. */
#include "metric/probe.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

#include "base/size.h"

enum { STEPS = 300 };

static const double penalty = 1e-4;

typedef struct probe {
    size_t terms, classes; /* width + 1; the last term is the constant */
    double *mean, *scale;  /* of the codes that it is fitted to */
    double *weights;       /* [classes, terms]: the point ahead, and at last the result */
    double *reached;       /* the same: where the last step led */
    double *slopes;        /* the same: of the mean log-likelihood */
    double *bound;         /* [terms, terms]: its Cholesky factor */
    double *row, *scores;  /* [terms], [classes] */
} probe;

static void standardise(probe *it, const duet_probe_set *set)
{
    const size_t width = it->terms - 1;
    for (size_t i = 0; i < set->count * width; i++) it->mean[i % width] += set->codes[i] / (double)set->count;
    for (size_t i = 0; i < set->count * width; i++) {
        double away = set->codes[i] - it->mean[i % width];
        it->scale[i % width] += away * away / (double)set->count;
    }
    /* A code that does not vary says nothing; it becomes 0. */
    for (size_t k = 0; k < width; k++) it->scale[k] = it->scale[k] > 0 ? 1 / sqrt(it->scale[k]) : 0;
}

static void take_row(probe *it, const float *code)
{
    for (size_t k = 0; k + 1 < it->terms; k++) it->row[k] = (code[k] - it->mean[k]) * it->scale[k];
    it->row[it->terms - 1] = 1;
}

/* Of the row: [classes]. Returns the class that has most. */
static size_t score_row(probe *it)
{
    size_t most = 0;
    for (size_t c = 0; c < it->classes; c++) {
        it->scores[c] = 0;
        for (size_t k = 0; k < it->terms; k++) it->scores[c] += it->weights[c * it->terms + k] * it->row[k];
        if (it->scores[c] > it->scores[most]) most = c;
    }
    return most;
}

static void add_slopes(probe *it, size_t label, double share)
{
    double sum = 0, most = it->scores[score_row(it)];
    for (size_t c = 0; c < it->classes; c++) sum += it->scores[c] = exp(it->scores[c] - most);
    for (size_t c = 0; c < it->classes; c++) {
        double away = ((c == label) - it->scores[c] / sum) * share;
        for (size_t k = 0; k < it->terms; k++) it->slopes[c * it->terms + k] += away * it->row[k];
    }
}

static duet_status factorise(probe *it, const duet_probe_set *set, duet_error *error)
{
    for (size_t i = 0; i < set->count; i++) {
        take_row(it, set->codes + i * (it->terms - 1));
        for (size_t a = 0; a < it->terms; a++)
            for (size_t b = 0; b <= a; b++)
                it->bound[a * it->terms + b] += it->row[a] * it->row[b] / (2 * (double)set->count);
    }
    for (size_t a = 0; a < it->terms; a++) it->bound[a * it->terms + a] += penalty;
    lapack_int n = (lapack_int)it->terms;
    int info = LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, it->bound, n);
    if (info == 0) return DUET_OK;
    return duet_fail(error, DUET_ERROR_NUMERIC, "a probe of codes that are not finite (LAPACK %d)", info);
}

static duet_status climb(probe *it, const duet_probe_set *set, size_t step, duet_error *error)
{
    const size_t numbers = it->classes * it->terms;
    const lapack_int n = (lapack_int)it->terms;
    for (size_t i = 0; i < numbers; i++) it->slopes[i] = -penalty * it->weights[i];
    for (size_t i = 0; i < set->count; i++) {
        take_row(it, set->codes + i * (it->terms - 1));
        add_slopes(it, set->labels[i], 1 / (double)set->count);
    }
    /* A class a column. The factor by rows is, by columns, that of the upper triangle. */
    int info = LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'U', n, (lapack_int)it->classes, it->bound, n, it->slopes, n);
    if (info != 0) return duet_fail(error, DUET_ERROR_NUMERIC, "a probe's step was not found (LAPACK %d)", info);
    const double further = step + 1 < STEPS ? (double)step / (double)(step + 3) : 0;
    for (size_t i = 0; i < numbers; i++) {
        double to = it->weights[i] + it->slopes[i];
        it->weights[i] = to + further * (to - it->reached[i]);
        it->reached[i] = to;
    }
    return DUET_OK;
}

static duet_status fit_and_test(probe *it, const duet_probe_set *fit, const duet_probe_set *test, size_t *hits,
                                duet_error *error)
{
    *hits = 0;
    standardise(it, fit);
    DUET_TRY(factorise(it, fit, error));
    for (size_t step = 0; step < STEPS; step++) DUET_TRY(climb(it, fit, step, error));
    for (size_t i = 0; i < test->count; i++) {
        take_row(it, test->codes + i * (it->terms - 1));
        *hits += score_row(it) == test->labels[i];
    }
    return DUET_OK;
}

duet_status duet_probe(const duet_probe_set *fit, const duet_probe_set *test, size_t width, size_t classes,
                       size_t *hits, duet_error *error)
{
    const size_t terms = width + 1, numbers = classes * terms;
    double *room = calloc(3 * terms + 3 * numbers + terms * terms + classes, sizeof *room);
    if (room == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a probe of %zu latents", width);
    probe it = {.terms = terms, .classes = classes, .mean = room, .scale = room + terms, .row = room + 2 * terms};
    it.scores = room + 3 * terms;
    it.weights = it.scores + classes;
    it.slopes = it.weights + numbers;
    it.reached = it.slopes + numbers;
    it.bound = it.reached + numbers;
    duet_status status = fit_and_test(&it, fit, test, hits, error);
    free(room);
    return status;
}
