/* SPDX-License-Identifier: MIT */
/* Rows that lie one after the other in a stream, as an array does behind its header. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/size.h"
#include "base/status.h"
#include "data/plausible.h"
#include "data/rounding.h"

enum { DEFLATE_RATIO = 1032 /* deflate's best, zlib's technical notes */, CHUNK_ELEMENTS = 1024, WIDEST = 8 };

/* Elements as numpy names them. */
static const struct {
    const char *name;
    size_t bytes;
} elements[] = {
    [DUET_ELEMENT_UINT8] = {"|u1", 1},  [DUET_ELEMENT_FLOAT32] = {"<f4", 4}, [DUET_ELEMENT_FLOAT64] = {"<f8", 8},
    [DUET_ELEMENT_BOOL] = {"|b1", 1},   [DUET_ELEMENT_INT8] = {"|i1", 1},    [DUET_ELEMENT_INT16] = {"<i2", 2},
    [DUET_ELEMENT_UINT16] = {"<u2", 2}, [DUET_ELEMENT_INT32] = {"<i4", 4},   [DUET_ELEMENT_UINT32] = {"<u4", 4},
    [DUET_ELEMENT_INT64] = {"<i8", 8},  [DUET_ELEMENT_UINT64] = {"<u8", 8},
};
enum { ELEMENTS = sizeof elements / sizeof *elements };

const char *duet_element_name(duet_element element)
{
    return elements[element].name;
}

bool duet_element_find(const char *name, duet_element *element)
{
    for (size_t i = 0; i < ELEMENTS; i++)
        if (strcmp(elements[i].name, name) == 0) {
            *element = (duet_element)i;
            return true;
        }
    return false;
}

typedef struct flat {
    duet_stream stream;
    size_t header_bytes, row_bytes;
    duet_reach *reaches; /* of the columns, while they are looked at; NULL: they need not be */
    bool any_read, asked;
    bool summed; /* `sum` is the rows' checksum */
    uint32_t sum;
} flat;

/* Element `i` of those at `bytes`, as float32. */
#define CASE(kind, type)                                                                                               \
    case kind: {                                                                                                       \
        type value;                                                                                                    \
        memcpy(&value, bytes + i * sizeof value, sizeof value);                                                        \
        return (float)value;                                                                                           \
    }
static float value_at(duet_element element, const unsigned char *bytes, size_t i)
{
    switch (element) {
        CASE(DUET_ELEMENT_FLOAT32, float)
        CASE(DUET_ELEMENT_FLOAT64, double)
        CASE(DUET_ELEMENT_INT8, int8_t)
        CASE(DUET_ELEMENT_INT16, int16_t)
        CASE(DUET_ELEMENT_UINT16, uint16_t)
        CASE(DUET_ELEMENT_INT32, int32_t)
        CASE(DUET_ELEMENT_UINT32, uint32_t)
        CASE(DUET_ELEMENT_INT64, int64_t)
        CASE(DUET_ELEMENT_UINT64, uint64_t)
    case DUET_ELEMENT_UINT8:
    case DUET_ELEMENT_BOOL: break;
    }
    return bytes[i];
}

/* Doubles from element `at` of what was asked for on, before they are rounded. */
static void look_at_doubles(flat *it, const duet_rows *rows, size_t at, const unsigned char *bytes, size_t count)
{
    if (it->reaches == NULL || it->asked) return;
    for (size_t i = 0; i < count; i++) {
        double number;
        memcpy(&number, bytes + i * sizeof number, sizeof number);
        duet_reach_widen(&it->reaches[(at + i) % rows->row_elements], !it->any_read && at + i < rows->row_elements,
                         number);
    }
}

static duet_status read_converted(duet_rows *rows, size_t count, float *values, duet_error *error)
{
    flat *it = rows->state;
    unsigned char chunk[CHUNK_ELEMENTS * WIDEST];
    for (size_t at = 0, wanted; at < count; at += wanted) {
        wanted = count - at < CHUNK_ELEMENTS ? count - at : CHUNK_ELEMENTS;
        DUET_TRY(duet_stream_read(&it->stream, chunk, wanted * elements[rows->element].bytes, "its examples", error));
        for (size_t i = 0; i < wanted; i++) values[at + i] = value_at(rows->element, chunk, i);
        look_at_doubles(it, rows, at, chunk, wanted);
    }
    it->any_read |= count > 0;
    return DUET_OK;
}

static duet_status flat_check_end(duet_rows *rows, duet_error *error)
{
    flat *it = rows->state;
    bool more;
    DUET_TRY(duet_stream_more(&it->stream, it->header_bytes + rows->count * it->row_bytes, &more, error));
    if (!more) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "%s: too long: there are bytes after its %zu rows of %zu bytes",
                     rows->path, rows->count, it->row_bytes);
}

static duet_status flat_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error)
{
    flat *it = rows->state;
    bool direct = rows->element == DUET_ELEMENT_UINT8 || rows->element == DUET_ELEMENT_FLOAT32;
    DUET_TRY(duet_stream_seek(&it->stream, it->header_bytes + first * it->row_bytes, error));
    if (direct)
        DUET_TRY(duet_stream_read(&it->stream, destination, count * it->row_bytes, "its examples", error));
    else
        DUET_TRY(read_converted(rows, count * rows->row_elements, destination, error));
    return first + count == rows->count ? flat_check_end(rows, error) : DUET_OK;
}

static void flat_close(duet_rows *rows)
{
    flat *it = rows->state;
    duet_stream_close(&it->stream);
    free(it->reaches);
    free(it);
}

static duet_status flat_share(duet_rows *to, const duet_rows *from, duet_error *error)
{
    const flat *it = from->state;
    flat *other = malloc(sizeof *other);
    if (other == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", from->path);
    *other = (flat){.header_bytes = it->header_bytes, .row_bytes = it->row_bytes};
    to->state = other;
    return it->stream.kind->again(&other->stream, &it->stream, error);
}

/* A CRC-32 is linear: what the header puts into that of the whole file can be taken out again. */
static duet_status sum_up(flat *it, size_t bytes, duet_error *error)
{
    const bool stated = !it->stream.exact && it->stream.stated == (uint32_t)(it->header_bytes + bytes);
    uint32_t header = 0;
    if (stated || it->stream.summed) DUET_TRY(duet_stream_sum(&it->stream, 0, it->header_bytes, &header, error));
    if (stated) {
        it->sum = it->stream.stated_checksum ^ (uint32_t)crc32_combine(header, 0, (z_off_t)bytes);
        return DUET_OK;
    }
    DUET_TRY(duet_stream_sum(&it->stream, it->header_bytes, bytes, &it->sum, error));
    return duet_stream_check_sum(&it->stream, (uint32_t)crc32_combine(header, it->sum, (z_off_t)bytes), error);
}

/* Once, as it may have been asked for at the opening, for what an archive states. */
static duet_status flat_checksum(duet_rows *rows, uint32_t *checksum, duet_error *error)
{
    flat *it = rows->state;
    if (!it->summed) DUET_TRY(sum_up(it, rows->count * it->row_bytes, error));
    it->summed = true;
    *checksum = it->sum;
    return DUET_OK;
}

static bool flat_leaps(const duet_rows *rows)
{
    const flat *it = rows->state;
    return duet_stream_leaps(&it->stream);
}

static const duet_reach *flat_reaches(const duet_rows *rows)
{
    flat *it = rows->state;
    it->asked = true;
    return it->any_read ? it->reaches : NULL;
}

static const duet_row_source flat_source = {.read = flat_read,
                                            .check_end = flat_check_end,
                                            .checksum = flat_checksum,
                                            .share = flat_share,
                                            .close = flat_close,
                                            .leaps = flat_leaps,
                                            .reaches = flat_reaches};

/* Checks the sizes in the header against the stream. A gzip file whose end states another length is cut, damaged or has
 * several members: reading all of it now tells which, rather than a failure after an epoch of training. */
static duet_status check_sizes(duet_rows *rows, duet_error *error)
{
    flat *it = rows->state;
    size_t bytes = 0;
    rows->row_elements = duet_shape_elements(rows->shape);
    bool fits = duet_size_multiply(rows->row_elements, elements[rows->element].bytes, &it->row_bytes) &&
                duet_size_multiply(it->row_bytes, rows->count, &bytes) &&
                duet_size_add(bytes, it->header_bytes, &bytes) && bytes < LONG_MAX;
    for (size_t i = 0; i < rows->shape.rank; i++)
        if (rows->shape.dims[i] == 0) rows->count = 0;
    if (rows->count == 0) return duet_fail(error, DUET_ERROR_DATA, "%s: holds no examples", rows->path);
    if (!fits || rows->row_elements == 0)
        return duet_fail(error, DUET_ERROR_DATA, "%s: the sizes in its header overflow: no file is that large",
                         rows->path);
    const duet_stream *stream = &it->stream;
    if (stream->exact && stream->length != bytes)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: %s: %zu rows of %zu bytes after %zu of header are %zu bytes, the file has %zu",
                         rows->path, stream->length < bytes ? "truncated" : "too long", rows->count, it->row_bytes,
                         it->header_bytes, bytes, stream->length);
    if (bytes / DEFLATE_RATIO > stream->size)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: truncated: its header asks for %zu bytes, and %zu of %s cannot hold that", rows->path,
                         bytes, stream->size, stream->exact ? "archive" : "gzip");
    return stream->exact || stream->stated == (uint32_t)bytes ? DUET_OK : flat_check_end(rows, error);
}

duet_status duet_rows_lie_flat(duet_rows *rows, duet_stream *stream, const duet_layout *layout, duet_error *error)
{
    flat *it = malloc(sizeof *it);
    if (it == NULL) {
        duet_stream_close(stream);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    }
    *it = (flat){.stream = *stream, .header_bytes = stream->place};
    *stream = (duet_stream){0};
    rows->state = it;
    rows->source = &flat_source;
    rows->element = layout->element;
    rows->count = layout->shape.dims[0];
    rows->shape.rank = layout->shape.rank - 1;
    memcpy(rows->shape.dims, layout->shape.dims + 1, rows->shape.rank * sizeof *rows->shape.dims);
    DUET_TRY(check_sizes(rows, error));
    if (rows->element != DUET_ELEMENT_FLOAT64 || rows->shape.rank != 1 || rows->row_elements >= DUET_PICTURE_NUMBERS)
        return DUET_OK;
    it->reaches = calloc(rows->row_elements, sizeof *it->reaches);
    return it->reaches != NULL ? DUET_OK
                               : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
}
