/* SPDX-License-Identifier: MIT */
/* IDX, the format of MNIST (LeCun, Cortes, Burges; http://yann.lecun.com/exdb/mnist, "File format"): two zero bytes,
 * the type, the number of extents, the extents as big-endian 32-bit numbers, then the elements. Bytes only. */
#include "base/status.h"
#include "data/rows.h"

enum { TYPE_UINT8 = 0x08, TYPE_FLOAT64 = 0x0E };

static duet_status open_idx(duet_rows *rows, duet_stream *stream, const duet_data_options *options, duet_error *error)
{
    (void)options;
    unsigned char start[4], extent[4];
    duet_layout layout = {.element = DUET_ELEMENT_UINT8};
    DUET_TRY(duet_stream_read(stream, start, sizeof start, "its header", error));
    if (start[2] < TYPE_UINT8 || start[2] > TYPE_FLOAT64)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: wrong magic: an IDX file of bytes begins with %s, this one with 00 00 %02x", rows->path,
                         duet_format_idx.begins, start[2]);
    if (start[2] != TYPE_UINT8)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: IDX elements of type %02x; only unsigned bytes (08) are read: save it as .npy instead",
                         rows->path, start[2]);
    if (start[3] == 0 || start[3] > DUET_MAX_RANK)
        return duet_fail(error, DUET_ERROR_DATA, "%s: an IDX file with %d extents; 1 (labels) to 4 are expected",
                         rows->path, start[3]);
    layout.shape.rank = start[3];
    for (size_t i = 0; i < layout.shape.rank; i++) {
        DUET_TRY(duet_stream_read(stream, extent, sizeof extent, "its header", error));
        layout.shape.dims[i] =
            (size_t)extent[0] << 24 | (size_t)extent[1] << 16 | (size_t)extent[2] << 8 | (size_t)extent[3];
    }
    return duet_rows_lie_flat(rows, stream, &layout, error);
}

const duet_format duet_format_idx = {"IDX", "00 00 08", "idx", {0, 0}, 2, NULL, open_idx};
