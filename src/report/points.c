/* SPDX-License-Identifier: MIT */
/* Points in the plane as a scatter picture, numbers on a line as a histogram: what a model learnt of a distribution
 * that can be seen whole. The reference sets the frame; without one the points do. Numbers say where the frame lies. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "duet/report.h"
#include "report/lettering.h"
#include "report/png.h"

enum { SIDE = 512, BINS = 64, BIN_WIDTH = SIDE / BINS, PAPER = 255, AXIS = 225 };
enum { EDGE = 6, CORNER = 24, MOST_TICKS = 6, MOST_MEANINGS = 22 }; /* of what is written */
static const double margin = 0.15;                                  /* of the frame's side, around what it holds */
static const double dot_radius = 2;

typedef struct colour {
    double red, green, blue, cover;
} colour;
static const colour reference_colour = {150, 150, 150, 0.5}, point_colour = {31, 119, 180, 0.6};
/* Ten that are told apart, as most plotting programs have them. */
static const colour class_colours[] = {
    {31, 119, 180, 0.7}, {255, 127, 14, 0.7},  {44, 160, 44, 0.7},   {214, 39, 40, 0.7},  {148, 103, 189, 0.7},
    {140, 86, 75, 0.7},  {227, 119, 194, 0.7}, {127, 127, 127, 0.7}, {188, 189, 34, 0.7}, {23, 190, 207, 0.7},
};
enum { CLASS_COLOURS = sizeof class_colours / sizeof *class_colours };

/* A square part of the plane. */
typedef struct frame {
    double low[2], side;
} frame;

static void blend(duet_canvas *canvas, size_t x, size_t y, const colour *ink, double cover)
{
    uint8_t *pixel = canvas->pixels + 3 * (y * SIDE + x);
    const double inks[3] = {ink->red, ink->green, ink->blue};
    for (size_t i = 0; i < 3; i++) pixel[i] = (uint8_t)(pixel[i] + (inks[i] - pixel[i]) * cover * ink->cover + 0.5);
}

/* The smallest square with a margin around the finite values; [-1, 1] if there are none. */
static frame frame_of(const float *values, size_t count, size_t dimensions)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < count * dimensions; i++) {
        size_t axis = i % dimensions;
        if (!isfinite(values[i])) continue;
        low[axis] = fmin(low[axis], values[i]);
        high[axis] = fmax(high[axis], values[i]);
    }
    frame result = {{-1, -1}, 0};
    for (size_t axis = 0; axis < dimensions; axis++) result.side = fmax(result.side, high[axis] - low[axis]);
    result.side = result.side > 0 ? result.side * (1 + 2 * margin) : 2;
    for (size_t axis = 0; axis < dimensions; axis++)
        if (low[axis] <= high[axis]) result.low[axis] = (low[axis] + high[axis] - result.side) / 2;
    return result;
}

/* Pixels from the left or the bottom; a value outside the frame is held at its edge, so that it is seen. */
static double place(const frame *view, size_t axis, float value)
{
    return fmin(fmax((value - view->low[axis]) / view->side * SIDE, 0), SIDE - 1);
}

static void draw_dot(duet_canvas *canvas, double x, double y, const colour *ink)
{
    double reach = dot_radius + 1;
    for (double row = fmax(floor(y - reach), 0); row <= fmin(y + reach, SIDE - 1); row++)
        for (double column = fmax(floor(x - reach), 0); column <= fmin(x + reach, SIDE - 1); column++) {
            double cover = dot_radius + 0.5 - hypot(column + 0.5 - x, row + 0.5 - y);
            if (cover > 0) blend(canvas, (size_t)column, (size_t)row, ink, fmin(cover, 1));
        }
}

static void scatter(duet_canvas *canvas, const frame *view, const float *values, size_t count, const colour *ink)
{
    for (size_t i = 0; i < count; i++, values += 2)
        if (isfinite(values[0]) && isfinite(values[1]))
            draw_dot(canvas, place(view, 0, values[0]), SIDE - place(view, 1, values[1]), ink);
}

/* The share of the values in each bin of the frame. Those outside it are in none: at the edge they would make a bar
 * that is not there. */
static void count_bins(const frame *view, const float *values, size_t count, double bins[BINS])
{
    memset(bins, 0, BINS * sizeof *bins);
    for (size_t i = 0; i < count; i++) {
        const double share = (values[i] - view->low[0]) / view->side;
        if (share >= 0 && share < 1) bins[(size_t)(share * BINS)] += 1 / (double)count;
    }
}

static void draw_bars(duet_canvas *canvas, const double bins[BINS], double tallest, const colour *ink)
{
    for (size_t x = 0; x < SIDE; x++) {
        size_t height = (size_t)(bins[x / BIN_WIDTH] / tallest * SIDE * (1 - margin));
        for (size_t y = SIDE - height; y < SIDE; y++) blend(canvas, x, y, ink, 1);
    }
}

static void histogram(duet_canvas *canvas, const frame *view, const float *values, size_t count, const float *reference,
                      size_t reference_count)
{
    double bins[BINS], reference_bins[BINS], tallest = 0;
    count_bins(view, values, count, bins);
    count_bins(view, reference, reference_count, reference_bins);
    for (size_t i = 0; i < BINS; i++) tallest = fmax(tallest, fmax(bins[i], reference_bins[i]));
    if (!(tallest > 0)) return;
    draw_bars(canvas, reference_bins, tallest, &reference_colour);
    draw_bars(canvas, bins, tallest, &point_colour);
}

/* Light lines where a coordinate is zero. */
static void draw_axes(duet_canvas *canvas, const frame *view, size_t dimensions)
{
    double zero[2] = {-view->low[0] / view->side * SIDE, -view->low[1] / view->side * SIDE};
    for (size_t i = 0; i < SIDE; i++) {
        if (zero[0] >= 0 && zero[0] < SIDE) memset(canvas->pixels + 3 * (i * SIDE + (size_t)zero[0]), AXIS, 3);
        if (dimensions == 2 && zero[1] >= 0 && zero[1] < SIDE)
            memset(canvas->pixels + 3 * ((SIDE - 1 - (size_t)zero[1]) * SIDE + i), AXIS, 3);
    }
}

/* "0.5", as short as the step allows, and as long as it takes to tell neighbours apart. */
static void write_tick(double value, double step, char text[32])
{
    const int digits = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    const int figures =
        fabs(value) < step / 2 ? 1 : (int)(floor(log10(fabs(value)) + 1e-9) - floor(log10(step) + 1e-9)) + 1;
    if (fabs(value) >= 1e5 || step < 1e-4)
        (void)duet_text_print(text, 32, "%.*g", figures < 2 ? 2 : figures, fabs(value) < step / 2 ? 0 : value);
    else
        (void)duet_text_print(text, 32, "%.*f", digits, fabs(value) < step / 2 ? 0 : value);
}

/* Numbers along the lower and the left edge; of a histogram along the upper one, which no bar reaches. */
static void draw_numbers(duet_canvas *canvas, const frame *view, size_t dimensions)
{
    const double step = duet_tick_step(view->side, MOST_TICKS);
    for (size_t axis = 0; axis < dimensions; axis++) {
        const double first = ceil(view->low[axis] / step);
        double end = 0; /* of the number before, along the lower or upper edge */
        for (size_t i = 0; i <= MOST_TICKS; i++) {
            const double value = (first + (double)i) * step, at = (value - view->low[axis]) / view->side * SIDE;
            char text[32];
            write_tick(value, step, text);
            const double wide = (double)duet_letters_width(text), high = DUET_LETTER_HEIGHT;
            /* the corner is left to neither axis */
            if (!(at > (axis == 0 ? wide / 2 + CORNER : CORNER) && at < SIDE - (axis == 0 ? wide / 2 : high))) continue;
            if (axis == 0 && at - wide / 2 < end) continue;
            end = at + wide / 2 + EDGE;
            if (axis == 0)
                duet_letters_draw(canvas, at - wide / 2, dimensions == 1 ? EDGE : SIDE - EDGE - high, text);
            else
                duet_letters_draw(canvas, EDGE, SIDE - at - high / 2, text);
        }
    }
}

/* A dot and what it stands for, in the line of that number from the top, on the right; of a histogram below the
 * numbers. */
static void draw_meaning(duet_canvas *canvas, size_t line, size_t dimensions, const colour *ink, const char *text)
{
    const double y = EDGE + ((double)line + (dimensions == 1 ? 1 : 0)) * (DUET_LETTER_HEIGHT + EDGE);
    const double x = SIDE - EDGE - (double)duet_letters_width(text);
    const colour full = {ink->red, ink->green, ink->blue, 1};
    duet_letters_draw(canvas, x, y, text);
    for (int i = 0; i < 3; i++) draw_dot(canvas, x - 8 + i, y + DUET_LETTER_HEIGHT / 2.0, &full);
}

duet_status duet_write_png_points(const char *path, const float *values, size_t count, size_t dimensions,
                                  const float *reference, size_t reference_count, duet_error *error)
{
    duet_canvas canvas = {0};
    if (dimensions != 1 && dimensions != 2)
        return duet_fail(error, DUET_ERROR_USAGE, "%s: points of %zu dimensions cannot be drawn; 1 or 2 are expected",
                         path, dimensions);
    if (reference == NULL) reference_count = 0;
    DUET_TRY(duet_canvas_new(&canvas, path, SIDE, SIDE, 3, PAPER, error));
    frame view =
        reference_count > 0 ? frame_of(reference, reference_count, dimensions) : frame_of(values, count, dimensions);
    draw_axes(&canvas, &view, dimensions);
    if (dimensions == 1) {
        histogram(&canvas, &view, values, count, reference, reference_count);
    } else {
        scatter(&canvas, &view, reference, reference_count, &reference_colour);
        scatter(&canvas, &view, values, count, &point_colour);
    }
    draw_numbers(&canvas, &view, dimensions);
    if (reference_count > 0) {
        draw_meaning(&canvas, 0, dimensions, &reference_colour, "data");
        draw_meaning(&canvas, 1, dimensions, &point_colour, "model");
    }
    duet_status status = duet_canvas_write(&canvas, path, error);
    duet_canvas_free(&canvas);
    return status;
}

/* The labels that there are, as far as there is room for them. */
static void draw_labels(duet_canvas *canvas, const uint8_t *labels, size_t count)
{
    bool there[UINT8_MAX + 1] = {false};
    for (size_t i = 0; i < count; i++) there[labels[i]] = true;
    for (size_t label = 0, line = 0; label <= UINT8_MAX && line < MOST_MEANINGS; label++) {
        char text[8];
        if (!there[label]) continue;
        snprintf(text, sizeof text, "%zu", label);
        draw_meaning(canvas, line++, 2, &class_colours[label % CLASS_COLOURS], text);
    }
}

duet_status duet_write_png_classes(const char *path, const float *values, const uint8_t *labels, size_t count,
                                   duet_error *error)
{
    duet_canvas canvas = {0};
    DUET_TRY(duet_canvas_new(&canvas, path, SIDE, SIDE, 3, PAPER, error));
    frame view = frame_of(values, count, 2);
    draw_axes(&canvas, &view, 2);
    for (size_t i = 0; i < count; i++)
        scatter(&canvas, &view, values + 2 * i, 1, &class_colours[labels[i] % CLASS_COLOURS]);
    draw_numbers(&canvas, &view, 2);
    draw_labels(&canvas, labels, count);
    duet_status status = duet_canvas_write(&canvas, path, error);
    duet_canvas_free(&canvas);
    return status;
}
