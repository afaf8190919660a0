/* SPDX-License-Identifier: MIT */
/* Heuristics in one place. A question is asked only of data that would be trained on without a word and come out
 * wrong; each says what answers it. */
#include "data/plausible.h"

#include <stdlib.h>

#include "base/status.h"

enum { FEW = 4 /* channels at most */, MANY = 1000, BRIGHT = 128, BYTES_AT_ONCE = 64 * 1024, PICTURE_NUMBERS = 64 };

void duet_ask_about_shape(const duet_rows *rows, const duet_data_options *options)
{
    const size_t *dims = rows->shape.dims, rank = rows->shape.rank;
    const char *path = rows->path;
    if (options->channels == DUET_CHANNELS_LAST) return;
    size_t last = rank > 0 ? dims[rank - 1] : 0;
    bool examples_last = last >= MANY && last > 4 * rows->count &&
                         ((rank == 3 && dims[1] <= FEW) || (rank == 2 && dims[0] == rows->count));
    if (examples_last)
        duet_notes_add(options->notes, true,
                       "%s: %zu examples with a last extent of %zu: are the examples last? Then save "
                       "numpy.moveaxis(array, -1, 0). If they are first, say %s:channels=last",
                       path, rows->count, last, path);
    else if (rank == 3 && dims[0] <= FEW && dims[1] > FEW && dims[2] > FEW)
        duet_notes_add(options->notes, true,
                       "%s: examples of %zu x %zu x %zu, read as height, width and channels: are the channels first? "
                       "Then say %s:channels=first, or turn the file round: duet data %s:channels=first --convert "
                       "turned.npz. If they are last, say %s:channels=last",
                       path, dims[0], dims[1], dims[2], path, path, path);
    else if (rank == 3 && dims[2] == 4 && dims[0] > FEW && dims[1] > FEW && options->alpha == DUET_ALPHA_UNSAID)
        duet_notes_add(options->notes, true,
                       "%s: pictures of 4 channels: are they RGBA? Then say %s:alpha=white, which lays them on white; "
                       "four channels as they are, without pictures: %s:alpha=keep",
                       path, path, path);
}

/* Reads on until a byte is bright, which nearly always is in the first rows. */
static duet_status look_at_bytes(duet_rows *rows, uint8_t *bytes, size_t piece, duet_range *range, duet_error *error)
{
    uint8_t high = 0;
    for (size_t row = 0; row < rows->count && high < BRIGHT; row += piece) {
        size_t count = rows->count - row < piece ? rows->count - row : piece;
        DUET_TRY(duet_rows_read(rows, row, count, bytes, error));
        for (size_t i = 0; i < count * rows->row_elements; i++)
            if (bytes[i] > high) high = bytes[i];
    }
    *range = (duet_range){0, high < BRIGHT ? high : 255, true};
    return DUET_OK;
}

duet_status duet_look_at_range(duet_rows *rows, duet_range *range, duet_error *error)
{
    if (rows->element != DUET_ELEMENT_UINT8) return duet_rows_scan(rows, range, error);
    size_t piece = rows->row_elements < BYTES_AT_ONCE ? BYTES_AT_ONCE / rows->row_elements : 1;
    if (piece > rows->count) piece = rows->count;
    if (piece > 16) piece = 16;
    uint8_t *bytes = calloc(piece, rows->row_elements);
    if (bytes == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    duet_status status = look_at_bytes(rows, bytes, piece, range, error);
    free(bytes);
    return status;
}

static bool is_unit(const duet_range *range)
{
    return range->low >= 0 && range->high <= 1;
}

static double span(const duet_range *range)
{
    return (double)range->high - (double)range->low;
}

static void tell_of_bytes(const duet_rows *rows, const duet_range *range, const duet_data_options *options)
{
    if (range->high >= BRIGHT || range->high == 0) return;
    duet_notes_add(options->notes, false,
                   "%s: its bytes go from 0 to %g of 255, and are read as numbers up to %.2g: if %g is the brightest, "
                   "save (array / %g).astype('<f4')",
                   rows->path, (double)range->high, (double)range->high / 255, (double)range->high,
                   (double)range->high);
}

void duet_tell_of_ranges(const duet_rows *rows, const duet_range *train, const duet_range *test,
                         const duet_data_options *options)
{
    bool said = options->values == DUET_VALUES_NUMBERS;
    if (rows->element == DUET_ELEMENT_UINT8) {
        tell_of_bytes(rows, train, options);
        return;
    }
    if (!said && train->whole && train->low >= 0 && train->high <= 255 && train->high > 1 &&
        rows->row_elements >= PICTURE_NUMBERS)
        duet_notes_add(options->notes, false,
                       "%s: its values are whole numbers from %g to %g: if they are the bytes of pictures, say "
                       "%s:values=bytes, and they are scaled to [0, 1]; if not, %s:values=numbers",
                       rows->path, (double)train->low, (double)train->high, rows->path, rows->path);
    if (test == NULL || said) return;
    bool apart = is_unit(train) != is_unit(test) && (span(train) > 100 * span(test) || span(test) > 100 * span(train));
    if (apart)
        duet_notes_add(options->notes, true,
                       "%s: the training split lies in [%g, %g] and the test split in [%g, %g]: is one of them not "
                       "scaled? Save (array / %g).astype('<f4') in its place. If it is as it should be, say "
                       "PATH:values=numbers",
                       rows->path, (double)train->low, (double)train->high, (double)test->low, (double)test->high,
                       (double)(train->high > test->high ? train->high : test->high));
    else if (is_unit(train) != is_unit(test) || span(train) > 4 * span(test) || span(test) > 4 * span(train))
        duet_notes_add(options->notes, false, "%s: the training split lies in [%g, %g] and the test split in [%g, %g]",
                       rows->path, (double)train->low, (double)train->high, (double)test->low, (double)test->high);
}
