/* SPDX-License-Identifier: MIT */
/* The table of formats, and what is common to rows wherever they come from. */
#include "data/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/status.h"
#include "data/foreign.h"
#include "data/picture.h"
#include "data/remedy.h"

enum { PIECE_BYTES = 64 * 1024, FEW = 3 /* rows, which say little of others */, SPREAD_PIECES = 16 };

const duet_format *duet_format_at(size_t index)
{
    static const duet_format *const formats[] = {&duet_format_cifar, &duet_format_idx, &duet_format_npy,
                                                 &duet_format_csv};
    return index < sizeof formats / sizeof *formats ? formats[index] : NULL;
}

static duet_status find_format(duet_stream *stream, const duet_format **format, duet_error *error)
{
    unsigned char start[24] = {0};
    size_t got;
    DUET_TRY(duet_stream_read_some(stream, start, sizeof start, &got, error));
    if (got == 0) return duet_fail(error, DUET_ERROR_DATA, "%s: the file is empty", stream->path);
    for (size_t i = 0; (*format = duet_format_at(i)) != NULL; i++) {
        size_t length = (*format)->magic_length;
        if ((*format)->is != NULL ? (*format)->is(stream)
                                  : got >= length && memcmp(start, (*format)->magic, length) == 0)
            return duet_stream_seek(stream, 0, error);
    }
    const char *words = duet_foreign_by_start(start, got), *picture = duet_picture_other_kind(start, got);
    if (picture != NULL)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: is one picture, a %s; a folder or an archive of PNG or JPEG files is expected",
                         stream->path, picture);
    if (words == NULL) words = duet_foreign_by_name(stream->path);
    if (words != NULL) return duet_fail(error, DUET_ERROR_DATA, "%s: %s", stream->path, words);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: wrong magic: it begins with %02x %02x %02x %02x; an IDX file of bytes begins with %s, a .npy "
                     "file with %s; the name of a text file with columns ends in .csv",
                     stream->path, start[0], start[1], start[2], start[3], duet_format_idx.begins,
                     duet_format_npy.begins);
}

duet_status duet_rows_open_stream(duet_rows *rows, duet_stream *stream, const duet_data_options *options,
                                  duet_error *error)
{
    const duet_format *format = NULL;
    *rows = (duet_rows){.path = strdup(stream->path)};
    duet_status status = rows->path == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", stream->path)
                                            : find_format(stream, &format, error);
    if (status == DUET_OK) status = format->open(rows, stream, options, error);
    duet_stream_close(stream); /* unless the rows have taken it */
    if (status != DUET_OK) duet_rows_close(rows);
    return status;
}

duet_status duet_rows_open(duet_rows *rows, const char *path, const duet_data_options *options, duet_error *error)
{
    duet_stream stream = {0};
    DUET_TRY(duet_stream_open(&stream, path, error));
    return duet_rows_open_stream(rows, &stream, options, error);
}

duet_status duet_rows_share(duet_rows *to, const duet_rows *from, duet_error *error)
{
    *to = *from;
    to->state = NULL;
    to->source = NULL;
    to->labels = (duet_labels){0};
    to->columns = NULL;
    to->made_of = NULL;
    to->keys = NULL;
    to->key_column = NULL;
    to->shuffled = NULL;
    to->part_column = NULL;
    to->numbers = NULL;
    to->path = strdup(from->path);
    if (to->path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", from->path);
    duet_status status = from->source->share(to, from, error);
    to->source = to->state == NULL ? NULL : from->source;
    return status;
}

void duet_labels_free(duet_labels *labels)
{
    for (size_t i = 0; labels->names != NULL && i < labels->name_count; i++) free(labels->names[i]);
    free(labels->names);
    free(labels->values);
    free(labels->column);
    *labels = (duet_labels){0};
}

void duet_rows_close(duet_rows *rows)
{
    if (rows->source != NULL) rows->source->close(rows);
    for (size_t i = 0; rows->keys != NULL && i < rows->count; i++) free(rows->keys[i]);
    free(rows->keys);
    free(rows->key_column);
    free(rows->shuffled);
    free(rows->part_column);
    duet_labels_free(&rows->labels);
    free(rows->columns);
    free(rows->made_of);
    free(rows->path);
    *rows = (duet_rows){0};
}

duet_status duet_rows_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error)
{
    return rows->source->read(rows, first, count, destination, error);
}

duet_status duet_rows_check_end(duet_rows *rows, duet_error *error)
{
    return rows->source->check_end == NULL ? DUET_OK : rows->source->check_end(rows, error);
}

bool duet_rows_leap(const duet_rows *rows)
{
    return rows->source->leaps == NULL || rows->source->leaps(rows);
}

const char *duet_rows_name(const duet_rows *rows, size_t row)
{
    return rows->source->name == NULL ? NULL : rows->source->name(rows, row);
}

size_t duet_element_bytes_read(duet_element element)
{
    return element == DUET_ELEMENT_UINT8 ? 1 : sizeof(float);
}

size_t duet_rows_row_bytes(const duet_rows *rows)
{
    return rows->row_elements * duet_element_bytes_read(rows->element);
}

/* Room for `piece` rows of those that are read together; NULL, with an error: too little memory. */
static void *piece_new(const duet_rows *rows, size_t *piece, size_t *row_bytes, duet_error *error)
{
    *row_bytes = duet_rows_row_bytes(rows);
    *piece = PIECE_BYTES / *row_bytes;
    if (*piece == 0) *piece = 1;
    if (*piece > rows->count) *piece = rows->count;
    void *values = calloc(*piece, *row_bytes);
    if (values == NULL) (void)duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    return values;
}

static duet_status checksum_as_read(duet_rows *rows, uint32_t *checksum, duet_error *error)
{
    size_t piece, row_bytes;
    void *values = piece_new(rows, &piece, &row_bytes, error);
    uLong sum = crc32_z(0, NULL, 0);
    duet_status status = values == NULL ? DUET_ERROR_MEMORY : DUET_OK;
    for (size_t row = 0; status == DUET_OK && row < rows->count; row += piece) {
        size_t count = rows->count - row < piece ? rows->count - row : piece;
        status = duet_rows_read(rows, row, count, values, error);
        if (status == DUET_OK) sum = crc32_z(sum, values, count * row_bytes);
    }
    free(values);
    *checksum = (uint32_t)sum;
    return status;
}

duet_status duet_rows_checksum(duet_rows *rows, uint32_t *checksum, duet_error *error)
{
    if (rows->source->checksum != NULL) return rows->source->checksum(rows, checksum, error);
    return checksum_as_read(rows, checksum, error);
}

/* What a row is called where its file is. */
static size_t number_of(const duet_rows *rows, size_t row)
{
    return rows->numbers == NULL ? row : rows->numbers[row];
}

/* The two largest sizes, and whether the value is the first of the largest. */
static bool is_farthest(duet_range *range, float value)
{
    const float size = fabsf(value);
    if (size <= range->most) {
        if (size < range->most) range->next = fmaxf(range->next, size);
        range->times += size == range->most;
        return false;
    }
    range->next = range->most;
    range->most = size;
    range->times = 1;
    return true;
}

bool duet_is_level(float value)
{
    const float rounding = 1e-3F; /* of 255 times the value, many times what float32 rounds */
    return fabsf(255 * value - roundf(255 * value)) <= rounding;
}

/* Whether some column of these rows has finite numbers alone. */
static bool is_column_whole(const float *values, size_t count, size_t elements)
{
    bool whole = false;
    for (size_t column = 0; column < elements && !whole; column++) {
        size_t at = column;
        while (at < count && isfinite(values[at])) at += elements;
        whole = at >= count;
    }
    return whole;
}

/* Where most rows have such a number, few would be left without them: then columns are taken out, and where none is
 * whole the places are filled. `i`: the first of them among `count` elements of rows from `row` on. */
static duet_status refuse_value(const duet_rows *rows, size_t row, const float *values, size_t count, size_t i,
                                duet_error *error)
{
    const size_t elements = rows->row_elements;
    size_t others = 0;
    for (size_t at = 0; at < count; at += elements) {
        size_t place = 0;
        while (place < elements && isfinite(values[at + place])) place++;
        others += place == elements;
    }
    const bool columns =
        rows->shape.rank == 1 && elements > 1 && count / elements > FEW && others * 2 < count / elements;
    return duet_fail(
        error, DUET_ERROR_DATA, "%s: value %zu of row %zu is not a finite float32 number%s%s", rows->path, i % elements,
        number_of(rows, row + i / elements),
        isinf(values[i]) && rows->element == DUET_ELEMENT_FLOAT64
            ? " (where the file has a number beyond 3.4e38, divide its column first, in both splits)"
            : "",
        columns && !is_column_whole(values, count, elements)
            ? ", as most rows and all columns have one: fill such places, with the training columns' means as "
              "by numpy.where(numpy.isfinite(a), a, numpy.ma.masked_invalid(t).mean(0).filled(0)) with a, t = "
              "array.astype('<f4'), train.astype('<f4')" DUET_REMEDY_OF_TRAIN
        : columns ? ", as most rows have one: take such columns out, of both splits, as by array[:, "
                    "numpy.isfinite(both.astype('<f4')).all(0)].copy('C'), where both is the examples of both "
                    "splits, joined"
                  : ": mend it, or take such rows out, and their labels: "
                    "numpy.isfinite(array.astype('<f4')).reshape(len(array), -1).all(1) is true for the others");
}

/* Widens the range by elements of row `row` and those after it. */
static duet_status widen(const duet_rows *rows, duet_range *range, size_t row, const void *values, size_t count,
                         duet_error *error)
{
    const float *floats = values;
    const uint8_t *bytes = values;
    bool is_bytes = rows->element == DUET_ELEMENT_UINT8;
    for (size_t i = 0; i < count; i++) {
        float value = is_bytes ? (float)bytes[i] : floats[i];
        size_t place = row + i / rows->row_elements, element = i % rows->row_elements;
        if (!isfinite(value)) return refuse_value(rows, row, floats, count, i, error);
        if (value < range->low) range->low = value;
        if (value > range->high) range->high = value;
        if (is_bytes) continue;
        range->whole = range->whole && value == floorf(value);
        range->levels = range->levels && duet_is_level(value);
        if (!is_farthest(range, value)) continue;
        range->row = number_of(rows, place);
        range->element = element;
    }
    return DUET_OK;
}

duet_status duet_rows_scan(duet_rows *rows, size_t first, size_t total, duet_range *range, duet_error *error)
{
    size_t piece, row_bytes;
    void *values = piece_new(rows, &piece, &row_bytes, error);
    duet_status status = values == NULL ? DUET_ERROR_MEMORY : DUET_OK;
    *range = (duet_range){.low = INFINITY, .high = -INFINITY, .whole = true, .levels = true, .rows = total};
    for (size_t row = first, end = first + total; status == DUET_OK && row < end; row += piece) {
        size_t count = end - row < piece ? end - row : piece;
        status = duet_rows_read(rows, row, count, values, error);
        if (status == DUET_OK) status = widen(rows, range, row, values, count * rows->row_elements, error);
    }
    free(values);
    return status == DUET_OK && first + total == rows->count ? duet_rows_check_end(rows, error) : status;
}

bool duet_rows_spread(size_t total, size_t wanted, size_t i, size_t *first, size_t *count)
{
    const size_t piece = wanted / SPREAD_PIECES;
    if (total <= wanted || piece == 0) {
        *first = 0;
        *count = total < wanted ? total : wanted;
        return i == 0 && *count > 0;
    }
    *first = (total - piece) / (SPREAD_PIECES - 1) * i;
    *count = piece;
    return i < SPREAD_PIECES;
}
