/* SPDX-License-Identifier: MIT */
/* Sums over points of densities that are smooth on the scale of a step: for normals of deviation s and steps of s the
 * error is 1e-8. */
#include "metric/density.h"

#include <math.h>
#include <string.h>

enum {
    REACH = 6,        /* deviations, of modes to the border and of the normals around samples */
    MOST_ACROSS = 64, /* points of a normal in the second dimension: steps of a fifth of a deviation or more */
};

static const double two_pi = 6.28318530717958647692;

/* The deviation of a blurred mode. */
static double width_of(const duet_density_grid *grid)
{
    return hypot(grid->mixture->sigma, grid->blur);
}

duet_density_grid duet_density_grid_over(const duet_generated *set, double blur, double step)
{
    const duet_mixture *mixture = set->mixture;
    duet_density_grid grid = {
        .mixture = mixture, .dimensions = set->shape.dims[0], .blur = blur, .step = step, .side = {1, 1}, .points = 1};
    double border = REACH * width_of(&grid), high[2] = {-INFINITY, -INFINITY};
    grid.low[0] = grid.low[1] = INFINITY;
    for (size_t mode = 0; mode < mixture->modes; mode++) {
        double centre[2];
        mixture->centre(mode, centre);
        for (size_t i = 0; i < grid.dimensions; i++) {
            grid.low[i] = fmin(grid.low[i], centre[i] - border);
            high[i] = fmax(high[i], centre[i] + border);
        }
    }
    for (size_t i = 0; i < grid.dimensions; i++) {
        grid.side[i] = (size_t)ceil((high[i] - grid.low[i]) / step) + 1;
        grid.points *= grid.side[i];
    }
    return grid;
}

/* The density of a normal at place `index` of one dimension. */
static double factor_of(const duet_density_grid *grid, size_t dimension, size_t index, double centre, double deviation)
{
    double away = (grid->low[dimension] + grid->step * (double)index - centre) / deviation;
    return exp(-away * away / 2) / sqrt(two_pi) / deviation;
}

/* Adds `mass` of a normal around `centre` to the points within reach: a product of its factors in each dimension. */
static void add_normal(const duet_density_grid *grid, const double *centre, double deviation, double mass,
                       double *density)
{
    size_t dimensions = grid->dimensions, first[2] = {0, 0}, last[2] = {0, 0};
    for (size_t i = 0; i < dimensions; i++) {
        double from = ceil((centre[i] - REACH * deviation - grid->low[i]) / grid->step);
        double to = floor((centre[i] + REACH * deviation - grid->low[i]) / grid->step);
        if (!(to >= 0) || !(from <= (double)grid->side[i] - 1) || !(from <= to)) return;
        first[i] = (size_t)fmax(from, 0);
        last[i] = (size_t)fmin(to, (double)grid->side[i] - 1);
    }
    double across[MOST_ACROSS];
    if (last[1] - first[1] >= MOST_ACROSS) last[1] = first[1] + MOST_ACROSS - 1;
    for (size_t column = first[1]; column <= last[1]; column++)
        across[column - first[1]] = dimensions == 1 ? 1 : factor_of(grid, 1, column, centre[1], deviation);
    for (size_t row = first[0]; row <= last[0]; row++) {
        double factor = mass * factor_of(grid, 0, row, centre[0], deviation);
        double *points = density + row * grid->side[1];
        for (size_t column = first[1]; column <= last[1]; column++)
            points[column] += factor * across[column - first[1]];
    }
}

void duet_density_of_mixture(const duet_density_grid *grid, double *density)
{
    memset(density, 0, grid->points * sizeof *density);
    for (size_t mode = 0; mode < grid->mixture->modes; mode++) {
        double centre[2];
        grid->mixture->centre(mode, centre);
        add_normal(grid, centre, width_of(grid), 1 / (double)grid->mixture->modes, density);
    }
}

void duet_density_of_samples(const duet_density_grid *grid, const float *samples, const size_t *rows, size_t count,
                             double *density)
{
    size_t dimensions = grid->dimensions;
    memset(density, 0, grid->points * sizeof *density);
    for (size_t i = 0; i < count; i++) {
        const float *sample = samples + (rows == NULL ? i : rows[i]) * dimensions;
        const double centre[2] = {(double)sample[0], dimensions == 1 ? 0 : (double)sample[1]};
        add_normal(grid, centre, grid->blur, 1 / (double)count, density);
    }
}

/* p log(p / m), 0 where p is. */
static double part(double p, double m)
{
    return p > 0 ? p * log(p / m) : 0;
}

double duet_jensen_shannon(const duet_density_grid *grid, const double *p, const double *q)
{
    double sum = 0, mass = 0, cell = pow(grid->step, (double)grid->dimensions);
    for (size_t i = 0; i < grid->points; i++) {
        double middle = (p[i] + q[i]) / 2;
        sum += part(p[i], middle) + part(q[i], middle);
        mass += q[i];
    }
    return cell * sum / 2 + fmax(1 - cell * mass, 0) * log(2) / 2;
}

/* The nearest mode's part is taken out of the sum, so that far away it does not become 0. */
double duet_log_density(const duet_generated *set, const float *at)
{
    const duet_mixture *mixture = set->mixture;
    size_t dimensions = set->shape.dims[0];
    double least = INFINITY, sum = 0, variance = mixture->sigma * mixture->sigma;
    for (int pass = 0; pass < 2; pass++)
        for (size_t mode = 0; mode < mixture->modes; mode++) {
            double centre[2], squares = 0;
            mixture->centre(mode, centre);
            for (size_t i = 0; i < dimensions; i++) squares += pow((double)at[i] - centre[i], 2) / variance;
            if (pass == 0) least = fmin(least, squares);
            if (pass == 1) sum += exp((least - squares) / 2) / (double)mixture->modes;
        }
    return log(sum) - least / 2 - (double)dimensions * log(two_pi * variance) / 2;
}
