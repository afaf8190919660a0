/* SPDX-License-Identifier: MIT */
/* Sums of a kernel over pairs of rows. */
#include "metric/kernel.h"

#include <math.h>

#include "metric/metric.h"
#include "run/distances.h"

enum { BLOCKS = 10 };

static double dot(const float *x, const float *y, size_t features)
{
    double sum = 0;
    for (size_t i = 0; i < features; i++) sum += (double)x[i] * (double)y[i];
    return sum;
}

static double kernel_of(const duet_kernel *kernel, const float *x, const float *y, size_t features)
{
    switch (kernel->kind) {
    case DUET_KERNEL_GAUSSIAN: return exp(-duet_squared_distance(x, y, features) / kernel->scale);
    case DUET_KERNEL_INVERSE_MULTIQUADRATIC:
        return kernel->scale / (kernel->scale + duet_squared_distance(x, y, features));
    case DUET_KERNEL_CUBIC: return pow(dot(x, y, features) / (double)features + 1, 3);
    }
    return NAN;
}

/* The mean over pairs of different rows. */
static double mean_within(const duet_kernel *kernel, const float *rows, size_t count, size_t features)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++) sum += kernel_of(kernel, rows + i * features, rows + k * features, features);
    return 2 * sum / ((double)count * (double)(count - 1));
}

static double mean_between(const duet_kernel *kernel, const float *a, size_t a_count, const float *b, size_t b_count,
                           size_t features)
{
    double sum = 0;
    for (size_t i = 0; i < a_count; i++)
        for (size_t k = 0; k < b_count; k++) sum += kernel_of(kernel, a + i * features, b + k * features, features);
    return sum / ((double)a_count * (double)b_count);
}

double duet_kernel_distance(const duet_kernel *kernel, const float *a, size_t a_count, const float *b, size_t b_count,
                            size_t features)
{
    if (a_count < 2 || b_count < 2) return NAN;
    double within = mean_within(kernel, a, a_count, features) + mean_within(kernel, b, b_count, features);
    return within - 2 * mean_between(kernel, a, a_count, b, b_count, features);
}

double duet_kernel_reach(const duet_kernel *kernel, const float *a, const float *b, size_t count, size_t features)
{
    double values[BLOCKS], mean = 0, squares = 0;
    size_t rows = count / BLOCKS;
    if (rows < 2) return NAN;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t at = i * rows * features;
        values[i] = duet_kernel_distance(kernel, a + at, rows, b + at, rows, features);
        mean += values[i] / BLOCKS;
    }
    for (size_t i = 0; i < BLOCKS; i++) squares += (values[i] - mean) * (values[i] - mean);
    return duet_student(BLOCKS - 1) * sqrt(squares / (BLOCKS - 1) / BLOCKS);
}

/* Twice the sum of the features' variances. */
double duet_mean_squared_distance(const float *rows, size_t count, size_t features)
{
    double total = 0;
    for (size_t k = 0; k < features; k++) {
        double mean = 0, squares = 0;
        for (size_t i = 0; i < count; i++) mean += (double)rows[i * features + k] / (double)count;
        for (size_t i = 0; i < count; i++) {
            double away = (double)rows[i * features + k] - mean;
            squares += away * away;
        }
        total += 2 * squares / (double)(count - 1);
    }
    return total;
}
