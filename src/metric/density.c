/* SPDX-License-Identifier: MIT */
/* Sums over points of densities that are smooth on the scale of a step: for normals of deviation s and steps of s the
 * error is 1e-8. */
#include "metric/density.h"

#include <math.h>
#include <string.h>

enum { REACH = 6 }; /* deviations, of modes to the border and of the normals around samples */

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

void duet_density_point(const duet_density_grid *grid, size_t index, double at[2])
{
    at[0] = grid->low[0] + grid->step * (double)(index / grid->side[1]);
    at[1] = grid->low[1] + grid->step * (double)(index % grid->side[1]);
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
    for (size_t row = first[0]; row <= last[0]; row++) {
        double away = (grid->low[0] + grid->step * (double)row - centre[0]) / deviation;
        double factor = mass * exp(-away * away / 2) / pow(two_pi * deviation * deviation, (double)dimensions / 2);
        for (size_t column = first[1]; column <= last[1]; column++) {
            double aside = dimensions == 1 ? 0 : (grid->low[1] + grid->step * (double)column - centre[1]) / deviation;
            density[row * grid->side[1] + column] += factor * exp(-aside * aside / 2);
        }
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

double duet_jensen_shannon(const duet_density_grid *grid, const double *p, const double *q, size_t stride)
{
    size_t aside = grid->dimensions == 1 ? 1 : stride;
    double sum = 0, mass = 0, cell = pow(grid->step * (double)stride, (double)grid->dimensions);
    for (size_t row = 0; row < grid->side[0]; row += stride)
        for (size_t column = 0; column < grid->side[1]; column += aside) {
            size_t at = row * grid->side[1] + column;
            double middle = (p[at] + q[at]) / 2;
            sum += part(p[at], middle) + part(q[at], middle);
            mass += q[at];
        }
    return cell * sum / 2 + fmax(1 - cell * mass, 0) * log(2) / 2;
}
