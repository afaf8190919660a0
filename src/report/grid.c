/* SPDX-License-Identifier: MIT */
/* Pictures side by side: what a model drew, for a person to look at. */
#include "base/size.h"
#include "base/status.h"
#include "duet/report.h"
#include "report/png.h"

enum { READABLE = 56 /* pixels: smaller pictures are enlarged to about this */, GAP = 1, PAPER = 255 };

/* A value of [0, 1] as a byte; what lies outside is held inside, and NaN is black. */
static uint8_t byte_of(float value)
{
    if (!(value > 0)) return 0;
    return value >= 1 ? 255 : (uint8_t)(value * 255 + 0.5f);
}

static void draw(duet_canvas *canvas, const float *values, duet_shape picture, size_t left, size_t top, size_t factor)
{
    size_t columns = picture.dims[1], channels = picture.dims[2];
    for (size_t y = 0; y < picture.dims[0] * factor; y++) {
        uint8_t *to = canvas->pixels + ((top + y) * canvas->width + left) * channels;
        const float *from = values + y / factor * columns * channels;
        for (size_t x = 0; x < columns * factor; x++)
            for (size_t i = 0; i < channels; i++) *to++ = byte_of(from[x / factor * channels + i]);
    }
}

/* The extent of `count` pictures with gaps between; 0 if that overflows. */
static size_t extent(size_t count, size_t one)
{
    size_t all;
    return duet_size_multiply(count, one + GAP, &all) ? all - GAP : 0;
}

duet_status duet_write_png_grid(const char *path, const float *values, size_t count, duet_shape picture, size_t columns,
                                duet_error *error)
{
    duet_canvas canvas = {0};
    if (picture.rank != 3 || (picture.dims[2] != 1 && picture.dims[2] != 3) || duet_shape_elements(picture) == 0)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "%s: these values are no pictures: [height, width, channels] with 1 or 3 channels is expected",
                         path);
    if (count == 0 || columns == 0) return duet_fail(error, DUET_ERROR_USAGE, "%s: a grid of no pictures", path);
    size_t height = picture.dims[0], width = picture.dims[1], larger = height > width ? height : width;
    size_t factor = larger < READABLE ? READABLE / larger : 1;
    if (columns > count) columns = count;
    size_t rows = (count - 1) / columns + 1;
    DUET_TRY(duet_canvas_new(&canvas, path, extent(columns, width * factor), extent(rows, height * factor),
                             picture.dims[2], PAPER, error));
    for (size_t i = 0; i < count; i++)
        draw(&canvas, values + i * duet_shape_elements(picture), picture, i % columns * (width * factor + GAP),
             i / columns * (height * factor + GAP), factor);
    duet_status status = duet_canvas_write(&canvas, path, error);
    duet_canvas_free(&canvas);
    return status;
}
