/* SPDX-License-Identifier: MIT */
/* Examples drawn as what they are. Training and the command line both draw with this, so that their pictures compare.
 */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "base/status.h"
#include "duet/report.h"

/* Values as a grid takes them: low is shown black, high white. */
typedef struct range {
    float low, high;
} range;

static void widen(range *shown, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) continue;
        shown->low = fminf(shown->low, values[i]);
        shown->high = fmaxf(shown->high, values[i]);
    }
}

static void copy_shown(float *to, const float *from, size_t count, const range *shown)
{
    for (size_t i = 0; i < count; i++)
        to[i] = shown->high > shown->low ? (from[i] - shown->low) / (shown->high - shown->low) : 0.5F;
}

/* Row r of the originals is row 2 r of the grid, that of their values row 2 r + 1. Empty places are black. */
static duet_status draw_pictures(const char *path, const duet_drawing *drawing, duet_error *error)
{
    size_t features = duet_shape_elements(drawing->shape), count = drawing->count, room;
    size_t columns = drawing->columns < count ? drawing->columns : count;
    if (columns == 0) return duet_fail(error, DUET_ERROR_USAGE, "%s: a grid of no pictures", path);
    if (drawing->originals != NULL && drawing->original_count != count)
        return duet_fail(error, DUET_ERROR_USAGE, "%s: %zu pictures of %zu originals: one of each is expected", path,
                         count, drawing->original_count);
    size_t bands = drawing->originals != NULL ? 2 : 1, rows = (count - 1) / columns + 1;
    size_t places = bands == 2 ? bands * rows * columns : count; /* with one band, places at the end stay paper */
    float *grid = duet_size_multiply(places, features, &room) ? calloc(room, sizeof *grid) : NULL;
    if (grid == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %zu pictures", path, places);
    range shown = {0, 1};
    if (!drawing->unit_range) {
        shown = (range){INFINITY, -INFINITY};
        widen(&shown, drawing->values, count * features);
        if (bands == 2) widen(&shown, drawing->originals, count * features);
    }
    for (size_t i = 0; i < count; i++) {
        float *place = grid + (i / columns * bands * columns + i % columns) * features;
        if (bands == 2) copy_shown(place, drawing->originals + i * features, features, &shown);
        copy_shown(place + (bands - 1) * columns * features, drawing->values + i * features, features, &shown);
    }
    duet_status status = duet_write_png_grid(path, grid, places, drawing->shape, columns, error);
    free(grid);
    return status;
}

duet_status duet_write_png_examples(const char *path, const duet_drawing *drawing, duet_error *error)
{
    const duet_shape *shape = &drawing->shape;
    size_t features = duet_shape_elements(*shape);
    bool picture = shape->rank == 3 && (shape->dims[2] == 1 || shape->dims[2] == 3);
    if (picture || features > 2) return draw_pictures(path, drawing, error); /* which says what a picture is */
    return duet_write_png_points(path, drawing->values, drawing->count, features, drawing->originals,
                                 drawing->original_count, error);
}
