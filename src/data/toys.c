/* SPDX-License-Identifier: MIT */
/* Generated data sets: mixtures of equal Gaussians in one or two dimensions, on which a model's failures can be seen.
 * A row is the number of modes, their centres and their width; nodes and host draw by the same recipe. */
#include <math.h>

#include "base/philox.h"
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

static const duet_toy toys[] = {
    {"ring8", "8 Gaussians on the unit circle, sigma 0.01", 2, 8, 0.01, ring_centre, ring_centre_node},
    {"grid25", "25 Gaussians on a 5 x 5 grid from -4 to 4, sigma 0.05", 2, 25, 0.05, grid_centre, grid_centre_node},
    {"two-peaks", "2 Gaussians on a line, at -2 and 2, sigma 0.5", 1, 2, 0.5, peak_centre, peak_centre_node},
};

const duet_toy *duet_toy_at(size_t index)
{
    return index < sizeof toys / sizeof *toys ? &toys[index] : NULL;
}

duet_node duet_toy_batch(const duet_toy *toy, duet_graph *graph, size_t batch)
{
    duet_node mode = duet_floor(duet_scale(duet_uniform(graph, DUET_SHAPE(batch, 1)), (double)toy->modes));
    duet_node noise = duet_normal(graph, DUET_SHAPE(batch, toy->dimensions));
    return duet_add(toy->centre_node(mode), duet_scale(noise, toy->sigma));
}

size_t duet_toy_draw(const duet_toy *toy, duet_split split, size_t index, float *values)
{
    /* The step tells apart the draws of one example; the upper half of a 64-bit index goes into the key. */
    const uint64_t key = 0x64756574u ^ (uint64_t)index >> 32 << 32;
    const uint32_t element = (uint32_t)index;
    double centre[2];
    size_t mode = (size_t)(duet_philox_uniform(duet_philox_element(key, split, 0, element)) * (double)toy->modes);
    toy->centre(mode, centre);
    for (size_t i = 0; i < toy->dimensions; i++) {
        duet_philox_block block = duet_philox_element(key, split, (uint32_t)i + 1, element);
        values[i] = (float)(centre[i] + toy->sigma * duet_philox_normal(block));
    }
    return mode;
}
