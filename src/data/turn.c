/* SPDX-License-Identifier: MIT */
/* A source around another one: rows are read from within, one at a time, and written turned. */
#include "data/turn.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/picture.h"
#include "data/remedy.h"

typedef struct turned turned;

/* Writes one row of `rows`, read from within into `it->row`. */
typedef duet_status (*turn_function)(const turned *it, const duet_rows *rows, void *to, duet_error *error);

struct turned {
    duet_rows inner;
    turn_function turn;
    unsigned char *row;
};

static duet_status turned_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error)
{
    turned *it = rows->state;
    unsigned char *to = destination;
    for (size_t i = first; i < first + count; i++, to += duet_rows_row_bytes(rows)) {
        DUET_TRY(duet_rows_read(&it->inner, i, 1, it->row, error));
        DUET_TRY(it->turn(it, rows, to, error));
    }
    return DUET_OK;
}

static duet_status turned_check_end(duet_rows *rows, duet_error *error)
{
    turned *it = rows->state;
    return duet_rows_check_end(&it->inner, error);
}

static void turned_close(duet_rows *rows)
{
    turned *it = rows->state;
    duet_rows_close(&it->inner);
    free(it->row);
    free(it);
}

static duet_status make_row(turned *it, duet_error *error)
{
    it->row = calloc(1, duet_rows_row_bytes(&it->inner));
    return it->row != NULL ? DUET_OK
                           : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for a row", it->inner.path);
}

static duet_status turned_share(duet_rows *to, const duet_rows *from, duet_error *error)
{
    const turned *it = from->state;
    turned *other = calloc(1, sizeof *other);
    if (other == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", from->path);
    other->turn = it->turn;
    to->state = other;
    DUET_TRY(duet_rows_share(&other->inner, &it->inner, error));
    return make_row(other, error);
}

static bool turned_leaps(const duet_rows *rows)
{
    const turned *it = rows->state;
    return duet_rows_leap(&it->inner);
}

static const duet_row_source turned_source = {turned_read,  turned_check_end, NULL,
                                              turned_share, turned_close,     turned_leaps};

/* Puts a source around the rows, which then have that element and shape. Labels stay outside. */
static duet_status put_around(duet_rows *rows, turn_function turn, duet_element element, duet_shape shape,
                              duet_error *error)
{
    turned *it = calloc(1, sizeof *it);
    char *path = strdup(rows->path);
    if (it == NULL || path == NULL) {
        free(it);
        free(path);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", rows->path);
    }
    it->inner = *rows;
    it->inner.labels = (duet_labels){0};
    it->turn = turn;
    rows->path = path;
    rows->source = &turned_source;
    rows->state = it;
    rows->element = element;
    rows->shape = shape;
    rows->row_elements = duet_shape_elements(shape);
    return make_row(it, error);
}

static duet_status put_channels_last(const turned *it, const duet_rows *rows, void *to, duet_error *error)
{
    const size_t channels = rows->shape.dims[2], pixels = rows->row_elements / channels;
    (void)error;
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < channels; c++) {
            size_t from = c * pixels + i, place = i * channels + c;
            if (rows->element == DUET_ELEMENT_UINT8)
                ((uint8_t *)to)[place] = it->row[from];
            else
                ((float *)to)[place] = ((const float *)(const void *)it->row)[from];
        }
    return DUET_OK;
}

duet_status duet_turn_channels(duet_rows *rows, size_t height, size_t width, duet_error *error)
{
    const size_t *dims = rows->shape.dims, pixels = height * width, numbers = rows->row_elements;
    if (rows->shape.rank == 1 && height > 0 && (numbers == pixels || numbers == 3 * pixels))
        rows->shape = DUET_SHAPE(numbers / pixels, height, width);
    if (rows->shape.rank == 1)
        return duet_fail(
            error, DUET_ERROR_DATA,
            "%s: channels=first is for [n, channels, height, width], and with size=HxW for rows of 3 x H x "
            "W numbers: these are rows of %zu%s",
            rows->path, numbers, height > 0 ? ", which that size does not fit" : "");
    if (rows->shape.rank != 3)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: channels=first is for [n, channels, height, width], and this is an array of %zu extents",
                         rows->path, rows->shape.rank + 1);
    return put_around(rows, put_channels_last, rows->element, DUET_SHAPE(dims[1], dims[2], dims[0]), error);
}

static duet_status put_on_white(const turned *it, const duet_rows *rows, void *to, duet_error *error)
{
    const size_t *dims = rows->shape.dims;
    (void)error;
    duet_picture_lay_on_white(it->row, dims[0] * dims[1], dims[2] + 1, to);
    return DUET_OK;
}

/* What makes of floats a picture on white depends on their range. */
static duet_status fail_alpha(duet_rows *rows, bool fits, bool first, duet_error *error)
{
    duet_range range = {.low = 0};
    if (fits) DUET_TRY(duet_rows_scan(rows, 0, rows->count, &range, error));
    const char *remedy = fits ? duet_remedy_on_white(&range, first) : NULL;
    if (remedy == NULL)
        return duet_fail(error, DUET_ERROR_DATA, "%s: alpha=white is for bytes of 2 or 4 channels", rows->path);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: alpha=white is for bytes of 2 or 4 channels; of these floats, from %g to %g, %s%s",
                     rows->path, (double)range.low, (double)range.high,
                     duet_range_is_of_bytes(&range) ? "say values=bytes too, or save " : "save ", remedy);
}

duet_status duet_turn_alpha(duet_rows *rows, bool first, duet_error *error)
{
    const size_t *dims = rows->shape.dims;
    bool fits = rows->shape.rank == 3 && (dims[2] == 2 || dims[2] == 4);
    if (!fits || rows->element != DUET_ELEMENT_UINT8) return fail_alpha(rows, fits, first, error);
    return put_around(rows, put_on_white, rows->element, DUET_SHAPE(dims[0], dims[1], dims[2] - 1), error);
}

static duet_status put_bytes(const turned *it, const duet_rows *rows, void *to, duet_error *error)
{
    const float *values = (const void *)it->row;
    (void)error;
    for (size_t i = 0; i < rows->row_elements; i++) ((uint8_t *)to)[i] = (uint8_t)values[i];
    return DUET_OK;
}

duet_status duet_turn_bytes(duet_rows *rows, duet_error *error)
{
    duet_range range;
    if (rows->element == DUET_ELEMENT_UINT8) return DUET_OK;
    DUET_TRY(duet_rows_scan(rows, 0, rows->count, &range, error));
    if (!range.whole || range.low < 0 || range.high > 255)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: values=bytes is for whole numbers from 0 to 255, and its values go from %g to %g",
                         rows->path, (double)range.low, (double)range.high);
    return put_around(rows, put_bytes, DUET_ELEMENT_UINT8, rows->shape, error);
}

static duet_status put_fitted(const turned *it, const duet_rows *rows, void *to, duet_error *error)
{
    const size_t *from = it->inner.shape.dims, *dims = rows->shape.dims;
    const duet_picture picture = {.height = from[0], .width = from[1], .channels = dims[2], .pixels = it->row};
    return duet_picture_fit(&picture, rows->path, dims[0], dims[1], dims[2], to, error);
}

duet_status duet_turn_size(duet_rows *rows, size_t height, size_t width, duet_error *error)
{
    const size_t *dims = rows->shape.dims, pixels = height * width, numbers = rows->row_elements;
    if (rows->shape.rank == 1 && (numbers == pixels || numbers == 3 * pixels)) {
        rows->shape = DUET_SHAPE(height, width, numbers / pixels);
        return DUET_OK;
    }
    size_t channels = rows->shape.rank == 2 ? 1 : rows->shape.rank == 3 ? dims[2] : 0;
    if ((channels == 1 || channels == 3) && dims[0] == height && dims[1] == width) return DUET_OK;
    if ((channels != 1 && channels != 3) || rows->element != DUET_ELEMENT_UINT8)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: size=%zux%zu is for pictures, as bytes with 1 or 3 channels, or for rows of %zu or %zu "
                         "numbers",
                         rows->path, height, width, pixels, 3 * pixels);
    return put_around(rows, put_fitted, rows->element, DUET_SHAPE(height, width, channels), error);
}
