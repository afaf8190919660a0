/* SPDX-License-Identifier: MIT */
/* Generated sets of points: mixtures of equal Gaussians in one or two dimensions, on which a model's failures can be
 * seen. Each is the number of modes, their centres and their width; the class of a point is its mode. */
#include <math.h>

#include "data/data.h"
#include "duet/op.h"

static const double pi = 3.14159265358979323846;

/* Eight modes on the unit circle. */
static void ring_centre(size_t mode, double *centre)
{
    centre[0] = cos((double)mode * pi / 4);
    centre[1] = sin((double)mode * pi / 4);
}

static duet_node ring_centre_node(duet_node mode)
{
    duet_node angle = duet_scale(mode, pi / 4);
    return duet_concat(((duet_node[]){duet_cos(angle), duet_sin(angle)}), 2, 1);
}

/* Five by five modes, two apart, around the origin. */
static void grid_centre(size_t mode, double *centre)
{
    centre[0] = 2 * (double)(mode / 5) - 4;
    centre[1] = 2 * (double)(mode % 5) - 4;
}

static duet_node grid_centre_node(duet_node mode)
{
    duet_node row = duet_floor(duet_scale(duet_shift(mode, 0.5), 0.2)); /* the half keeps rounding from crossing */
    duet_node column = duet_subtract(mode, duet_scale(row, 5));
    return duet_shift(duet_scale(duet_concat(((duet_node[]){row, column}), 2, 1), 2), -4);
}

static void peak_centre(size_t mode, double *centre)
{
    centre[0] = 4 * (double)mode - 2;
}

static duet_node peak_centre_node(duet_node mode)
{
    return duet_shift(duet_scale(mode, 4), -2);
}

static duet_node draw_batch(const duet_data *data, duet_graph *graph, size_t batch, duet_node *classes)
{
    const duet_mixture *mixture = data->generated->mixture;
    duet_node mode = duet_floor(duet_scale(duet_uniform(graph, DUET_SHAPE(batch, 1)), (double)mixture->modes));
    duet_node noise = duet_normal(graph, DUET_SHAPE(batch, data->info.shape.dims[0]));
    *classes = mode;
    return duet_add(mixture->centre_node(mode), duet_scale(noise, mixture->sigma));
}

static size_t draw(const duet_data *data, duet_split split, size_t index, float *values, float *factors)
{
    const duet_mixture *mixture = data->generated->mixture;
    double centre[2];
    size_t mode = (size_t)(duet_philox_uniform(duet_generated_block(split, index, 0)) * (double)mixture->modes);
    (void)factors; /* there are none but the class */
    mixture->centre(mode, centre);
    for (size_t i = 0; values != NULL && i < data->info.shape.dims[0]; i++) {
        duet_philox_block block = duet_generated_block(split, index, (uint32_t)i + 1);
        values[i] = (float)(centre[i] + mixture->sigma * duet_philox_normal(block));
    }
    return mode;
}

static const duet_mixture ring = {8, 0.01, ring_centre, ring_centre_node};
static const duet_mixture grid = {25, 0.05, grid_centre, grid_centre_node};
static const duet_mixture peaks = {2, 0.5, peak_centre, peak_centre_node};

const duet_generated duet_ring8 = {.name = "ring8",
                                   .summary = "8 Gaussians on the unit circle, sigma 0.01",
                                   .shape = {1, {2}},
                                   .classes = 8,
                                   .mixture = &ring,
                                   .batch = draw_batch,
                                   .draw = draw};

const duet_generated duet_grid25 = {.name = "grid25",
                                    .summary = "25 Gaussians on a 5 x 5 grid from -4 to 4, sigma 0.05",
                                    .shape = {1, {2}},
                                    .classes = 25,
                                    .mixture = &grid,
                                    .batch = draw_batch,
                                    .draw = draw};

const duet_generated duet_two_peaks = {.name = "two-peaks",
                                       .summary = "2 Gaussians on a line, at -2 and 2, sigma 0.5",
                                       .shape = {1, {1}},
                                       .classes = 2,
                                       .mixture = &peaks,
                                       .batch = draw_batch,
                                       .draw = draw};
