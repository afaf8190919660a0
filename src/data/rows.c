/* SPDX-License-Identifier: MIT */
/* Reading rows through zlib. As long as reads are smaller than twice its buffer, zlib inflates into a window of its own
 * and copies from there, so the destination is written once and never read, as is best for mapped device memory. */
#include "data/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/size.h"
#include "base/status.h"

enum { CHUNK = 128 * 1024, DEFLATE_RATIO = 1032 /* deflate's best, zlib's technical notes */ };

static const size_t element_sizes[] = {
    [DUET_ELEMENT_UINT8] = 1, [DUET_ELEMENT_FLOAT32] = 4, [DUET_ELEMENT_FLOAT64] = 8};

/* What a file shows without inflating it: its size in bytes, and its last eight bytes, where gzip states a checksum and
 * a length. */
typedef struct outside {
    size_t size;
    uint32_t checksum, stated;
} outside;

/* Four bytes, so many before the end. */
static uint32_t word_before_end(int descriptor, off_t size, off_t before)
{
    unsigned char word[4];
    if (size < before || pread(descriptor, word, sizeof word, size - before) != 4) return 0;
    return word[0] | (uint32_t)word[1] << 8 | (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;
}

static duet_status open_stream(duet_rows *rows, outside *file, duet_error *error)
{
    struct stat about;
    int descriptor = open(rows->path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &about) != 0) {
        duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", rows->path, strerror(errno));
        if (descriptor >= 0) (void)close(descriptor);
        return DUET_ERROR_FILE;
    }
    if (!S_ISREG(about.st_mode)) {
        (void)close(descriptor);
        return duet_fail(error, DUET_ERROR_FILE, "%s: is not a plain file", rows->path);
    }
    *file = (outside){(size_t)about.st_size, word_before_end(descriptor, about.st_size, 8),
                      word_before_end(descriptor, about.st_size, 4)};
    rows->stream = gzdopen(descriptor, "rb");
    if (rows->stream == NULL) {
        (void)close(descriptor);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    }
    (void)gzbuffer(rows->stream, CHUNK);
    return DUET_OK;
}

/* The error of a stream that gave less than it was asked for. */
static duet_status short_fail(const duet_rows *rows, const char *what, duet_error *error)
{
    int code;
    const char *words = gzerror(rows->stream, &code);
    if (code == Z_ERRNO)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read: %s", rows->path, strerror(errno));
    if (code == Z_MEM_ERROR) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    if (code == Z_DATA_ERROR)
        return duet_fail(error, DUET_ERROR_DATA, "%s: damaged gzip file: %s; get it again", rows->path, words);
    return duet_fail(error, DUET_ERROR_DATA, "%s: truncated: it ends inside %s; get it again", rows->path, what);
}

/* The next `count` bytes of the inflated file, in reads small enough to go through zlib's own window. */
static duet_status read_bytes(duet_rows *rows, void *bytes, size_t count, const char *what, duet_error *error)
{
    for (unsigned char *to = bytes; count > 0;) {
        unsigned wanted = count < CHUNK ? (unsigned)count : CHUNK;
        int got = gzread(rows->stream, to, wanted);
        if (got < 0 || (unsigned)got < wanted) return short_fail(rows, what, error);
        to += wanted;
        count -= wanted;
    }
    return DUET_OK;
}

duet_status duet_rows_header_bytes(duet_rows *rows, void *bytes, size_t count, duet_error *error)
{
    return read_bytes(rows, bytes, count, "its header", error);
}

const duet_format *duet_format_at(size_t index)
{
    static const duet_format *const formats[] = {&duet_format_idx, &duet_format_npy};
    return index < sizeof formats / sizeof *formats ? formats[index] : NULL;
}

static duet_status find_format(duet_rows *rows, const duet_format **format, duet_error *error)
{
    unsigned char start[8] = {0};
    int got = gzread(rows->stream, start, sizeof start);
    if (got < 0) return short_fail(rows, "its header", error);
    if (got == 0) return duet_fail(error, DUET_ERROR_DATA, "%s: the file is empty", rows->path);
    for (size_t i = 0; (*format = duet_format_at(i)) != NULL; i++)
        if ((size_t)got >= (*format)->magic_length && memcmp(start, (*format)->magic, (*format)->magic_length) == 0)
            return gzrewind(rows->stream) == 0 ? DUET_OK : short_fail(rows, "its header", error);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: wrong magic: it begins with %02x %02x %02x %02x; an IDX file of bytes begins with %s, a .npy "
                     "file with %s",
                     rows->path, start[0], start[1], start[2], start[3], duet_format_idx.begins,
                     duet_format_npy.begins);
}

static duet_status check_plain_size(const duet_rows *rows, size_t size, size_t expected, duet_error *error)
{
    if (size == expected) return DUET_OK;
    bool shorter = size < expected;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: %s: %zu rows of %zu bytes after %zu of header are %zu bytes, the file has %zu", rows->path,
                     shorter ? "truncated" : "too long", rows->count, rows->row_bytes, rows->header_bytes, expected,
                     size);
}

/* Checks the sizes in the header against the file. A gzip file whose end states another length is cut, damaged or has
 * several members: reading all of it now tells which, rather than a failure after an epoch of training. */
static duet_status check_sizes(duet_rows *rows, const outside *file, duet_error *error)
{
    size_t bytes = 0;
    rows->row_elements = duet_shape_elements(rows->shape);
    bool fits = duet_size_multiply(rows->row_elements, element_sizes[rows->element], &rows->row_bytes) &&
                duet_size_multiply(rows->row_bytes, rows->count, &bytes) &&
                duet_size_add(bytes, rows->header_bytes, &bytes) && bytes < LONG_MAX;
    for (size_t i = 0; i < rows->shape.rank; i++)
        if (rows->shape.dims[i] == 0) rows->count = 0;
    if (rows->count == 0) return duet_fail(error, DUET_ERROR_DATA, "%s: holds no examples", rows->path);
    if (!fits || rows->row_elements == 0)
        return duet_fail(error, DUET_ERROR_DATA, "%s: the sizes in its header overflow: no file is that large",
                         rows->path);
    if (gzdirect(rows->stream)) return check_plain_size(rows, file->size, bytes, error);
    if (bytes / DEFLATE_RATIO > file->size)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: truncated: its header asks for %zu bytes, and %zu of gzip cannot hold that", rows->path,
                         bytes, file->size);
    return file->stated == (uint32_t)bytes ? DUET_OK : duet_rows_check_end(rows, error);
}

duet_status duet_rows_open(duet_rows *rows, const char *path, duet_error *error)
{
    const duet_format *format = NULL;
    duet_shape shape = {0};
    outside file = {0};
    *rows = (duet_rows){.path = strdup(path)};
    if (rows->path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path);
    duet_status status = open_stream(rows, &file, error);
    if (status == DUET_OK) status = find_format(rows, &format, error);
    if (status == DUET_OK) status = format->header(rows, &rows->element, &shape, error);
    if (status == DUET_OK) {
        rows->header_bytes = (size_t)gztell(rows->stream);
        rows->count = shape.dims[0];
        rows->shape.rank = shape.rank - 1;
        memcpy(rows->shape.dims, shape.dims + 1, rows->shape.rank * sizeof *shape.dims);
        status = check_sizes(rows, &file, error);
        rows->has_stated = status == DUET_OK && !gzdirect(rows->stream) &&
                           file.stated == (uint32_t)(rows->header_bytes + rows->count * rows->row_bytes);
        rows->stated = file.checksum;
    }
    if (status != DUET_OK) duet_rows_close(rows);
    return status;
}

void duet_rows_close(duet_rows *rows)
{
    if (rows->stream != NULL) (void)gzclose_r(rows->stream);
    free(rows->path);
    *rows = (duet_rows){0};
}

static duet_status seek(duet_rows *rows, size_t row, duet_error *error)
{
    z_off_t place = (z_off_t)(rows->header_bytes + row * rows->row_bytes);
    return gzseek(rows->stream, place, SEEK_SET) == place ? DUET_OK : short_fail(rows, "its examples", error);
}

static duet_status read_doubles(duet_rows *rows, size_t count, float *values, duet_error *error)
{
    double chunk[1024];
    while (count > 0) {
        size_t wanted = count < 1024 ? count : 1024;
        DUET_TRY(read_bytes(rows, chunk, wanted * sizeof *chunk, "its examples", error));
        for (size_t i = 0; i < wanted; i++) *values++ = (float)chunk[i];
        count -= wanted;
    }
    return DUET_OK;
}

duet_status duet_rows_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error)
{
    DUET_TRY(seek(rows, first, error));
    if (rows->element == DUET_ELEMENT_FLOAT64)
        DUET_TRY(read_doubles(rows, count * rows->row_elements, destination, error));
    else
        DUET_TRY(read_bytes(rows, destination, count * rows->row_bytes, "its examples", error));
    return first + count == rows->count ? duet_rows_check_end(rows, error) : DUET_OK;
}

duet_status duet_rows_check_end(duet_rows *rows, duet_error *error)
{
    int code;
    unsigned char more;
    DUET_TRY(seek(rows, rows->count, error));
    int got = gzread(rows->stream, &more, 1);
    if (got > 0)
        return duet_fail(error, DUET_ERROR_DATA, "%s: too long: there are bytes after its %zu rows of %zu bytes",
                         rows->path, rows->count, rows->row_bytes);
    (void)gzerror(rows->stream, &code);
    size_t at = (size_t)gztell(rows->stream);
    if (got < 0 || code != Z_OK || at != rows->header_bytes + rows->count * rows->row_bytes)
        return short_fail(rows, "its examples", error);
    return DUET_OK;
}

/* A CRC-32 is linear: what the header puts into that of the whole file can be taken out again. */
duet_status duet_rows_checksum(duet_rows *rows, uint32_t *checksum, duet_error *error)
{
    unsigned char chunk[16384];
    uLong sum = crc32_z(0, NULL, 0);
    size_t bytes = rows->count * rows->row_bytes;
    z_off_t from = rows->has_stated ? 0 : (z_off_t)rows->header_bytes;
    if (gzseek(rows->stream, from, SEEK_SET) != from) return short_fail(rows, "its header", error);
    for (size_t left = rows->has_stated ? rows->header_bytes : bytes; left > 0;) {
        size_t wanted = left < sizeof chunk ? left : sizeof chunk;
        DUET_TRY(read_bytes(rows, chunk, wanted, "its examples", error));
        sum = crc32_z(sum, chunk, wanted);
        left -= wanted;
    }
    *checksum = (uint32_t)(rows->has_stated ? rows->stated ^ crc32_combine(sum, 0, (z_off_t)bytes) : sum);
    return DUET_OK;
}

duet_status duet_rows_scan(duet_rows *rows, bool *unit, duet_error *error)
{
    float chunk[4096];
    *unit = true;
    if (rows->element == DUET_ELEMENT_UINT8) return DUET_OK;
    DUET_TRY(seek(rows, 0, error));
    size_t total = rows->count * rows->row_elements;
    for (size_t done = 0; done < total;) {
        size_t wanted = total - done < 4096 ? total - done : 4096;
        if (rows->element == DUET_ELEMENT_FLOAT64)
            DUET_TRY(read_doubles(rows, wanted, chunk, error));
        else
            DUET_TRY(read_bytes(rows, chunk, wanted * sizeof *chunk, "its examples", error));
        for (size_t i = 0; i < wanted; i++) {
            if (!isfinite(chunk[i]))
                return duet_fail(error, DUET_ERROR_DATA, "%s: value %zu of row %zu is not a finite float32 number",
                                 rows->path, (done + i) % rows->row_elements, (done + i) / rows->row_elements);
            if (!(chunk[i] >= 0 && chunk[i] <= 1)) *unit = false;
        }
        done += wanted;
    }
    return duet_rows_check_end(rows, error);
}
