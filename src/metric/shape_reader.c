/* SPDX-License-Identifier: MIT */
/* The colour that takes up most of the picture; then place and size of what has that colour by its moments; then for
 * each shape the angle of a grid whose picture comes nearest, and from there place, size and angle by ever smaller
 * steps. */
#include "metric/shape_reader.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { PIXELS = SHAPES_SIDE * SHAPES_SIDE, SHAPES = 3, COLOURS = 4, ROUNDS = 4 };

/* How much of a colour each pixel has, 1 for all of it. Returns the sum of squares that the colour takes up. */
static double project(const float *picture, const float *colour, float *mask)
{
    float squares = 0;
    double taken = 0;
    for (size_t c = 0; c < 3; c++) squares += colour[c] * colour[c];
    for (size_t i = 0; i < PIXELS; i++) {
        float product = 0;
        for (size_t c = 0; c < 3; c++) product += picture[3 * i + c] * colour[c];
        mask[i] = fminf(fmaxf(product / squares, 0), 1);
        taken += (double)(mask[i] * product);
    }
    return taken;
}

/* Haze would move the centre and widen the shape. Nothing that is far larger than any shape is read in the end. */
static void take_moments(const float *mask, float *factors)
{
    const float haze = 0.1f, pi = 3.14159265f;
    float area = 0, x = 0, y = 0;
    for (size_t i = 0; i < PIXELS; i++) {
        float covered = mask[i] > haze ? mask[i] : 0;
        area += covered;
        x += covered * ((float)(i % SHAPES_SIDE) + 0.5f);
        y += covered * ((float)(i / SHAPES_SIDE) + 0.5f);
    }
    factors[SHAPES_X] = area > 0 ? x / area : 0;
    factors[SHAPES_Y] = area > 0 ? y / area : 0;
    factors[SHAPES_SIZE] = fminf(fmaxf(sqrtf(area / pi), 1), 2 * (float)duet_shapes_factors[SHAPES_SIZE].high);
}

/* In eight sums, which a compiler can take together. */
static double error_of(const float *factors, const float *mask)
{
    float own[PIXELS];
    float squares[8] = {0};
    duet_shapes_cover(factors, own);
    for (size_t i = 0; i < PIXELS; i++) squares[i % 8] += (own[i] - mask[i]) * (own[i] - mask[i]);
    for (size_t i = 1; i < 8; i++) squares[0] += squares[i];
    return (double)squares[0];
}

/* Tries a step of one factor to either side; keeps what is nearer. */
static void try_steps(float *factors, size_t which, float step, const float *mask, double *error)
{
    for (int side = -1; side <= 1; side += 2) {
        float before = factors[which];
        factors[which] = before + (float)side * step;
        bool allowed = which != SHAPES_ANGLE || fabsf(factors[which]) <= (float)duet_shapes_factors[which].high;
        double tried = allowed ? error_of(factors, mask) : DBL_MAX;
        if (tried < *error)
            *error = tried;
        else
            factors[which] = before;
    }
}

static double fit_shape(float *factors, const float *mask)
{
    static const size_t moved[] = {SHAPES_X, SHAPES_Y, SHAPES_SIZE, SHAPES_ANGLE};
    float steps[] = {0.5f, 0.5f, 0.25f, 2.5f}, best = 0;
    double error = DBL_MAX;
    for (int angle = -40; angle <= 40; angle += 5) {
        factors[SHAPES_ANGLE] = (float)angle;
        double tried = error_of(factors, mask);
        if (tried < error) best = (float)angle;
        error = fmin(error, tried);
    }
    factors[SHAPES_ANGLE] = best;
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < 4; i++) {
            try_steps(factors, moved[i], steps[i], mask, &error);
            steps[i] /= 2;
        }
    return error;
}

static double measure_rest(const float *picture, const float *factors)
{
    float own[SHAPES_NUMBERS];
    double left = 0, all = 0;
    duet_shapes_render(factors, own);
    for (size_t i = 0; i < SHAPES_NUMBERS; i++) {
        left += (double)((picture[i] - own[i]) * (picture[i] - own[i]));
        all += (double)(picture[i] * picture[i]);
    }
    double share = left / all; /* NaN of a black picture, and of one with NaNs */
    return share <= 1 ? share : 1;
}

void duet_shape_read(const float *picture, duet_shape_reading *reading)
{
    float mask[PIXELS], tried[PIXELS], factors[SHAPES_FACTORS] = {0};
    double most = -1, nearest = DBL_MAX;
    for (size_t colour = 0; colour < COLOURS; colour++) {
        double taken = project(picture, duet_shapes_colours[colour], tried);
        if (!(taken > most)) continue;
        most = taken;
        memcpy(mask, tried, sizeof mask);
        factors[SHAPES_COLOUR] = (float)colour;
    }
    *reading = (duet_shape_reading){.unexplained = 1};
    if (most < 0) return; /* NaNs */
    for (size_t shape = 0; shape < SHAPES; shape++) {
        take_moments(mask, factors);
        factors[SHAPES_SHAPE] = (float)shape;
        double error = fit_shape(factors, mask);
        if (error < nearest) memcpy(reading->factors, factors, sizeof factors);
        nearest = fmin(nearest, error);
    }
    reading->unexplained = measure_rest(picture, reading->factors);
}
