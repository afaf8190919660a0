/* SPDX-License-Identifier: MIT */
/* Lessons on kernels that are bound by memory: a first launch, panels, and fusion. */
#include <math.h>

#include "base/size.h"
#include "check/lesson.h"

static size_t count_first(const lesson_trial *t)
{
    return t->number[0];
}

static void items_first(const lesson_trial *t, size_t items[2])
{
    items[0] = t->number[0];
}

/* ---- 1: a launch ---- */

static double rounding(const lesson_trial *t)
{
    (void)t;
    return 1e-6; /* of numbers below 4, with or without a fused multiply-add */
}

static double bytes_scaled(const lesson_trial *t)
{
    return 12.0 * t->number[0];
}

static void scaled_sum(const lesson_trial *t, float *const *before, double *const *after)
{
    for (size_t i = 0; i < t->number[0]; i++) after[2][i] = (double)t->factor[0] * before[0][i] + before[1][i];
}

static void other_scaled(const lesson_trial *t, float *const *before, double *const *after)
{
    for (size_t i = 0; i < t->number[0]; i++) after[2][i] = before[0][i] + (double)t->factor[0] * before[1][i];
}

static void not_scaled(const lesson_trial *t, float *const *before, double *const *after)
{
    for (size_t i = 0; i < t->number[0]; i++) after[2][i] = (double)before[0][i] + before[1][i];
}

static const lesson_trial launch_trials[] = {
    {.number = {64}, .factor = {2.5F}, .group = {64, 1}},
    {.number = {1000}, .factor = {2.5F}, .group = {64, 1}},
    {.number = {77}, .factor = {-0.5F}, .group = {10, 1}},
    {.group = {0}},
};
static const lesson_trial launch_timed[] = {{.number = {1 << 22}, .factor = {2.5F}, .group = {256, 1}}, {.group = {0}}};

/* ---- 3: panels of eight columns ---- */

enum { PANEL = 8 };

static size_t count_matrix(const lesson_trial *t)
{
    return (size_t)t->number[0] * t->number[1];
}

static size_t padded_columns(const lesson_trial *t)
{
    return duet_size_round_up(t->number[1], PANEL);
}

static size_t count_panels(const lesson_trial *t)
{
    return padded_columns(t) * t->number[0];
}

static void items_along_rows(const lesson_trial *t, size_t items[2])
{
    items[0] = padded_columns(t);
    items[1] = t->number[0];
}

static void items_down_columns(const lesson_trial *t, size_t items[2])
{
    items[0] = t->number[0];
    items[1] = padded_columns(t);
}

static double bytes_packed(const lesson_trial *t)
{
    return 4.0 * (double)(count_matrix(t) + count_panels(t));
}

static void packed(const lesson_trial *t, float *const *before, double *const *after)
{
    const size_t rows = t->number[0], columns = t->number[1];
    for (size_t i = 0; i < count_panels(t); i++) {
        const size_t lane = i % PANEL, row = i / PANEL % rows, column = i / PANEL / rows * PANEL + lane;
        after[1][i] = column < columns ? before[0][row * columns + column] : 0;
    }
}

static void packed_down(const lesson_trial *t, float *const *before, double *const *after)
{
    const size_t rows = t->number[0], columns = t->number[1];
    for (size_t i = 0; i < count_panels(t); i++) {
        const size_t row = i % rows, column = i / rows;
        after[1][i] = column < columns ? before[0][row * columns + column] : 0;
    }
}

/* What is read behind the last row's end is no number. */
static void packed_without_zeros(const lesson_trial *t, float *const *before, double *const *after)
{
    const size_t rows = t->number[0], columns = t->number[1];
    for (size_t i = 0; i < count_panels(t); i++) {
        const size_t at = i / PANEL % rows * columns + i / PANEL / rows * PANEL + i % PANEL;
        after[1][i] = at < count_matrix(t) ? before[0][at] : NAN;
    }
}

static void copied(const lesson_trial *t, float *const *before, double *const *after)
{
    for (size_t i = 0; i < count_panels(t); i++) after[1][i] = i < count_matrix(t) ? before[0][i] : 0;
}

static const lesson_trial panel_trials[] = {
    {.number = {3, 16}, .group = {8, 1}},
    {.number = {33, 19}, .group = {8, 8}},
    {.number = {5, 7}, .group = {16, 2}},
    {.group = {0}},
};
static const lesson_trial panel_timed[] = {{.number = {2048, 2048}, .group = {8, 32}}, {.group = {0}}};

/* ---- 7: fusion ---- */

static size_t count_columns(const lesson_trial *t)
{
    return t->number[1];
}

static void items_matrix(const lesson_trial *t, size_t items[2])
{
    items[0] = t->number[1];
    items[1] = t->number[0];
}

static double bytes_fused(const lesson_trial *t)
{
    return 8.0 * (double)count_matrix(t);
}

static void fused(const lesson_trial *t, float *const *before, double *const *after)
{
    for (size_t i = 0; i < count_matrix(t); i++) {
        const size_t column = i % t->number[1];
        after[3][i] = fmax((double)before[0][i] * before[1][column] + before[2][column], 0);
    }
}

static void fused_early(const lesson_trial *t, float *const *before, double *const *after)
{
    for (size_t i = 0; i < count_matrix(t); i++) {
        const size_t column = i % t->number[1];
        after[3][i] = fmax((double)before[0][i] * before[1][column], 0) + before[2][column];
    }
}

static void fused_linear(const lesson_trial *t, float *const *before, double *const *after)
{
    for (size_t i = 0; i < count_matrix(t); i++) {
        const size_t column = i % t->number[1];
        after[3][i] = (double)before[0][i] * before[1][column] + before[2][column];
    }
}

static const lesson_trial fusion_trials[] = {
    {.number = {8, 16}, .group = {16, 1}},
    {.number = {37, 29}, .group = {8, 8}},
    {.number = {5, 100}, .group = {64, 1}},
    {.group = {0}},
};
static const lesson_trial fusion_timed[] = {{.number = {2048, 2048}, .group = {256, 1}}, {.group = {0}}};

const lesson_row duet_lesson_maps[] = {
    {
        .about = {1, "What a launch is", "1-launch.cl",
                  "result = factor x + y: each work-item computes one element, and those past the end do nothing."},
        .numbers = {"n"},
        .launches = {{"scaled_sum", "0xabc", items_first}},
        .buffers = {{"x", LESSON_INPUT, count_first, 0},
                    {"y", LESSON_INPUT, count_first, 0},
                    {"result", LESSON_RESULT, count_first, 0}},
        .trials = launch_trials,
        .timed = launch_timed,
        .reference = scaled_sum,
        .allowed = rounding,
        .mistakes = {{other_scaled, " These are the numbers of x + factor y: x is the one to be scaled."},
                     {not_scaled, " These are the numbers of x + y: the factor is missing."}},
        .naive = {{"scaled_sum", "0xabc", NULL}},
        .work = bytes_scaled,
        .unit = "B/s",
    },
    {
        .about = {3, "Memory: rows, panels, coalescing", "3-panels.cl",
                  "packs a matrix into panels of eight columns, each row of a panel behind the one above; zeros fill "
                  "the last panel."},
        .numbers = {"rows", "columns"},
        .launches = {{"pack", "01ab", items_along_rows}},
        .buffers = {{"matrix", LESSON_INPUT, count_matrix, 2}, {"panels", LESSON_RESULT, count_panels, 0}},
        .trials = panel_trials,
        .timed = panel_timed,
        .reference = packed,
        .mistakes = {{packed_without_zeros, " Behind the last column stands the next row: there the panel has zeros."},
                     {packed_down, " Each column of a panel lies in one run: its rows should."},
                     {copied, " This is the matrix as it was: behind eight numbers of a row comes the next row's."}},
        .otherwise = " Element (row, column) lies in panel column / PANEL, there in line row, there in place column % "
                     "PANEL; a panel is rows * PANEL numbers long.",
        .naive = {{"pack", "01ab", items_down_columns}},
        .work = bytes_packed,
        .unit = "B/s",
    },
    {
        .about = {7, "Fusion", "7-fusion.cl",
                  "y = relu(x scale + shift), scale and shift a number a column, in one launch."},
        .numbers = {"rows", "columns"},
        .launches = {{"fused", "01abcd", items_matrix}},
        .buffers = {{"x", LESSON_INPUT, count_matrix, 2},
                    {"scale", LESSON_INPUT, count_columns, 0},
                    {"shift", LESSON_INPUT, count_columns, 0},
                    {"y", LESSON_RESULT, count_matrix, 2}},
        .trials = fusion_trials,
        .timed = fusion_timed,
        .reference = fused,
        .allowed = rounding,
        .mistakes = {{fused_early, " The relu comes before the shift: it is the last of the three."},
                     {fused_linear, " The relu is missing: numbers below 0 become 0."}},
        .naive = {{"multiply", "01abd", items_matrix}, {"add", "01cd", items_matrix}, {"relu", "01d", items_matrix}},
        .work = bytes_fused,
        .unit = "B/s",
    },
    {.about = {0, NULL, NULL, NULL}},
};
