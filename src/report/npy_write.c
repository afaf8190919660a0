/* SPDX-License-Identifier: MIT */
/* Arrays as .npy files. */

#include "base/file.h"
#include "base/size.h"
#include "base/status.h"
#include "data/npy.h"
#include "duet/report.h"

/* Otherwise no elements are too many of them. */
static bool is_empty(duet_shape shape)
{
    for (size_t i = 0; i < shape.rank; i++)
        if (shape.dims[i] == 0) return true;
    return false;
}

static duet_status write_array(const char *path, const char *type, const void *values, size_t size, duet_shape shape,
                               duet_error *error)
{
    unsigned char header[DUET_NPY_HEADER];
    size_t bytes;
    if (shape.rank > DUET_MAX_RANK || !duet_size_multiply(duet_shape_elements(shape), size, &bytes) ||
        (bytes == 0 && !is_empty(shape)))
        return duet_fail(error, DUET_ERROR_USAGE, "%s: no array has this shape: %zu extents", path, shape.rank);
    duet_file file = {0};
    DUET_TRY(duet_file_create(&file, path, error));
    duet_status status = duet_file_write(&file, header, duet_npy_header(header, type, shape), error);
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
