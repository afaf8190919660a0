/* SPDX-License-Identifier: MIT */
/* Functions of one number as lines, in panels one above the other: densities, and what a discriminator says of them. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "duet/report.h"
#include "report/png.h"

enum { WIDTH = 768, HEIGHT = 256, GAP = 24, BORDER = 16, PAPER = 255, AXIS = 225 };
static const double half_width = 1; /* of a line, in pixels */

/* As in scatter pictures: grey for the data, then colours that are told apart. */
static const double inks[][3] = {{130, 130, 130}, {31, 119, 180}, {255, 127, 14}, {44, 160, 44}, {214, 39, 40}};
enum { INKS = sizeof inks / sizeof *inks };

/* Where a panel lies, and which values it reaches between. */
typedef struct panel {
    size_t top;
    double low, high;
} panel;

static panel panel_of(size_t index, const duet_line *lines, size_t line_count, size_t count)
{
    panel result = {BORDER + index * (HEIGHT + GAP), 0, 0};
    for (size_t l = 0; l < line_count; l++)
        if (lines[l].panel == index) result.high = fmax(result.high, lines[l].reach);
    for (size_t l = 0; l < line_count; l++)
        for (size_t i = 0; i < count && lines[l].panel == index; i++) {
            if (!isfinite(lines[l].values[i])) continue;
            result.low = fmin(result.low, (double)lines[l].values[i]);
            result.high = fmax(result.high, (double)lines[l].values[i]);
        }
    if (!(result.low < result.high)) result.high = result.low + 1;
    return result;
}

/* Pixels from the top. */
static double height_of(const panel *view, double value)
{
    return (double)view->top + HEIGHT * (view->high - value) / (view->high - view->low);
}

static void rule(duet_canvas *canvas, double y)
{
    if (y >= 0 && y < (double)canvas->height)
        memset(canvas->pixels + 3 * ((size_t)y * canvas->width + BORDER), AXIS, 3 * (size_t)WIDTH);
}

static void blend(duet_canvas *canvas, size_t x, size_t y, const double ink[3], double cover)
{
    uint8_t *pixel = canvas->pixels + 3 * (y * canvas->width + x);
    for (size_t i = 0; i < 3; i++) pixel[i] = (uint8_t)(pixel[i] + (ink[i] - pixel[i]) * cover + 0.5);
}

/* How far a point is from the piece of a line. */
static double distance(double x, double y, const double from[2], const double to[2])
{
    double along[2] = {to[0] - from[0], to[1] - from[1]};
    double length = along[0] * along[0] + along[1] * along[1];
    double share = length > 0 ? ((x - from[0]) * along[0] + (y - from[1]) * along[1]) / length : 0;
    share = fmin(fmax(share, 0), 1);
    return hypot(x - from[0] - share * along[0], y - from[1] - share * along[1]);
}

static void draw_piece(duet_canvas *canvas, const double from[2], const double to[2], const double ink[3])
{
    double reach = half_width + 1;
    double left = fmax(floor(fmin(from[0], to[0]) - reach), 0), top = fmax(floor(fmin(from[1], to[1]) - reach), 0);
    double right = fmin(fmax(from[0], to[0]) + reach, (double)canvas->width - 1);
    double bottom = fmin(fmax(from[1], to[1]) + reach, (double)canvas->height - 1);
    for (double y = top; y <= bottom; y++)
        for (double x = left; x <= right; x++) {
            double cover = half_width + 0.5 - distance(x + 0.5, y + 0.5, from, to);
            if (cover > 0) blend(canvas, (size_t)x, (size_t)y, ink, fmin(cover, 1));
        }
}

/* A line has a hole where a value is none. */
static void draw_line(duet_canvas *canvas, const panel *view, const float *values, size_t count, const double ink[3])
{
    double before[2], step = count > 1 ? (double)WIDTH / (double)(count - 1) : 0;
    bool drawing = false;
    for (size_t i = 0; i < count; i++) {
        bool is_number = isfinite(values[i]);
        const double here[2] = {BORDER + (double)i * step, is_number ? height_of(view, (double)values[i]) : 0};
        if (drawing && is_number) draw_piece(canvas, before, here, ink);
        drawing = is_number;
        memcpy(before, here, sizeof before);
    }
}

duet_status duet_write_png_lines(const char *path, const duet_line *lines, size_t line_count, size_t count,
                                 duet_error *error)
{
    duet_canvas canvas = {0};
    enum { MOST_PANELS = 8 };
    size_t panels = 1;
    for (size_t l = 0; l < line_count; l++)
        if (lines[l].panel >= panels) panels = lines[l].panel < MOST_PANELS ? lines[l].panel + 1 : MOST_PANELS + 1;
    if (count < 2 || line_count == 0 || panels > MOST_PANELS)
        return duet_fail(error, DUET_ERROR_USAGE, "%s: a picture of lines has two points or more and 8 panels at most",
                         path);
    DUET_TRY(duet_canvas_new(&canvas, path, WIDTH + 2 * BORDER, panels * (HEIGHT + GAP) - GAP + 2 * BORDER, 3, PAPER,
                             error));
    for (size_t p = 0; p < panels; p++) {
        panel view = panel_of(p, lines, line_count, count);
        rule(&canvas, height_of(&view, 0));
        rule(&canvas, height_of(&view, (view.low + view.high) / 2));
        rule(&canvas, height_of(&view, view.high));
        for (size_t l = 0; l < line_count; l++)
            if (lines[l].panel == p) draw_line(&canvas, &view, lines[l].values, count, inks[lines[l].ink % INKS]);
    }
    duet_status status = duet_canvas_write(&canvas, path, error);
    duet_canvas_free(&canvas);
    return status;
}
