/* SPDX-License-Identifier: MIT */
/* .npy, version 1.0: a magic, a length, a Python dictionary padded so that the numbers start at a multiple of 64. */
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "base/status.h"
#include "duet/report.h"

enum { HEADER_SIZE = 256, ALIGNMENT = 64, BEFORE_TEXT = 10 };

/* Writes the whole header and returns its length. */
static size_t make_header(unsigned char header[HEADER_SIZE], const char *type, duet_shape shape)
{
    char text[HEADER_SIZE - BEFORE_TEXT];
    size_t used = (size_t)snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (size_t i = 0; i < shape.rank; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu%s", i > 0 ? ", " : "", shape.dims[i],
                                 shape.rank == 1 ? "," : "");
    used += (size_t)snprintf(text + used, sizeof text - used, "), }");
    size_t size = duet_size_round_up(BEFORE_TEXT + used + 1, ALIGNMENT), text_size = size - BEFORE_TEXT;
    memset(header, ' ', size);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (unsigned char)text_size;
    header[9] = (unsigned char)(text_size >> 8);
    memcpy(header + BEFORE_TEXT, text, used);
    header[size - 1] = '\n';
    return size;
}

static duet_status write_array(const char *path, const char *type, const void *values, size_t size, duet_shape shape,
                               duet_error *error)
{
    unsigned char header[HEADER_SIZE];
    size_t bytes;
    if (shape.rank > DUET_MAX_RANK || !duet_size_multiply(duet_shape_elements(shape), size, &bytes))
        return duet_fail(error, DUET_ERROR_USAGE, "%s: no array has this shape: %zu extents", path, shape.rank);
    duet_file file = {0};
    DUET_TRY(duet_file_create(&file, path, error));
    duet_status status = duet_file_write(&file, header, make_header(header, type, shape), error);
    if (status == DUET_OK) status = duet_file_write(&file, values, bytes, error);
    if (status == DUET_OK) return duet_file_commit(&file, error);
    duet_file_discard(&file);
    return status;
}

duet_status duet_write_file(const char *path, const void *bytes, size_t count, duet_error *error)
{
    return duet_file_replace(path, bytes, count, error);
}

duet_status duet_write_npy(const char *path, const float *values, duet_shape shape, duet_error *error)
{
    return write_array(path, "<f4", values, sizeof *values, shape, error);
}

duet_status duet_write_npy_bytes(const char *path, const uint8_t *values, duet_shape shape, duet_error *error)
{
    return write_array(path, "|u1", values, sizeof *values, shape, error);
}
