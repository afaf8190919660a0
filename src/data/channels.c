/* SPDX-License-Identifier: MIT */
/* A mask beside bytes, a height beside its slope: channels of scales that are far apart are scaled each by itself,
 * since one divisor for all makes next to nothing of the smaller one. */
#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "data/plausible.h"

enum { ROWS = 256 /* that are looked at */, FAR = 16 /* times as wide */ };

typedef struct bounds {
    float low, high;
} bounds;

static void add_row(bounds *channels, size_t count, const float *row, size_t elements)
{
    for (size_t i = 0; i < elements; i++) {
        bounds *it = &channels[i % count];
        it->low = fminf(it->low, row[i]);
        it->high = fmaxf(it->high, row[i]);
    }
}

/* One value throughout has no scale. */
static bool are_apart(const bounds *channels, size_t count)
{
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < count; i++) {
        const double span = (double)channels[i].high - (double)channels[i].low;
        if (span <= 0) continue;
        least = fmin(least, span);
        most = fmax(most, span);
    }
    return most > FAR * least;
}

duet_status duet_look_at_channels(duet_rows *rows, size_t first, size_t total, bool *apart, duet_error *error)
{
    const size_t channels = rows->shape.dims[2], elements = rows->row_elements;
    size_t at, count;
    bounds *all = calloc(channels, sizeof *all);
    float *row = calloc(elements, sizeof *row);
    duet_status status = all == NULL || row == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path)
                             : DUET_OK;
    for (size_t i = 0; status == DUET_OK && i < channels; i++) all[i] = (bounds){INFINITY, -INFINITY};
    for (size_t i = 0; status == DUET_OK && duet_rows_spread(total, ROWS, i, &at, &count); i++)
        for (size_t k = 0; status == DUET_OK && k < count; k++) {
            status = duet_rows_read(rows, first + at + k, 1, row, error);
            if (status == DUET_OK) add_row(all, channels, row, elements);
        }
    *apart = status == DUET_OK && are_apart(all, channels);
    free(row);
    free(all);
    return status;
}
