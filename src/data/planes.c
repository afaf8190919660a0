/* SPDX-License-Identifier: MIT */
/* Pictures of three planes one after the other, as CIFAR's arrays are, that are read as pixels: mosaics of small grey
 * pictures. Neighbours differ less than what lies further off, and so tell which they are. */
#include "data/plausible.h"

#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "base/status.h"
#include "base/text.h"
#include "data/data.h"

enum {
    SEEN = 32,    /* rows that are looked at, from the first on, but for large ones */
    LEAST = 2000, /* numbers that say enough */
    MOST = 1 << 20
};
static const double less = 0.8 /* than if they were pixels */, uneven = 1.5;

/* The sum of what numbers of a row differ from those `step` behind them in lines of `line`: from the first number, or
 * from any other place of a pixel, each third. */
static double apart(const float *values, size_t count, size_t line, size_t step, size_t place)
{
    double sum = 0;
    for (size_t i = place; i + step < count; i += 3)
        if (i % line + step < line) sum += fabs((double)values[i + step] - (double)values[i]);
    return sum;
}

/* Whether planes are clearly the smoother reading, across and down. Of planes a number is as
 * far from the next one wherever it lies; of pixels that are grey, not. */
static bool are_planes(const float *values, size_t count, size_t width, size_t numbers)
{
    double next[3] = {0}, down = 0, pixels_across = 0, pixels_down = 0;
    for (size_t i = 0; i < count; i++, values += numbers)
        for (size_t place = 0; place < 3; place++) {
            next[place] += apart(values, numbers, width, 1, place);
            down += apart(values, numbers, numbers, width, place);
            pixels_across += apart(values, numbers, 3 * width, 3, place);
            pixels_down += apart(values, numbers, numbers, 3 * width, place);
        }
    const double across = next[0] + next[1] + next[2], least = fmin(fmin(next[0], next[1]), next[2]),
                 most = fmax(fmax(next[0], next[1]), next[2]);
    return across < less * pixels_across && down < less * pixels_down && most < uneven * least;
}

static duet_status look(duet_rows *rows, size_t count, float *values, bool *planes, duet_error *error)
{
    const size_t numbers = count * rows->row_elements;
    DUET_TRY(duet_rows_read(rows, 0, count, values, error));
    if (rows->element == DUET_ELEMENT_UINT8) /* from the last on: each lies before what it becomes */
        for (size_t i = numbers; i-- > 0;) values[i] = ((const uint8_t *)(const void *)values)[i];
    *planes = are_planes(values, count, rows->shape.dims[1], rows->row_elements);
    return DUET_OK;
}

duet_status duet_data_are_planes(duet_data *data, duet_shape picture, bool *planes, duet_error *error)
{
    const duet_split split = data->info.count[DUET_TRAIN] > 0 ? DUET_TRAIN : DUET_TEST;
    const size_t all = data->info.count[split], count = all < SEEN ? all : SEEN, numbers = duet_shape_elements(picture);
    *planes = false;
    if (picture.rank != 3 || picture.dims[2] != 3 || count * numbers < LEAST) return DUET_OK;
    float *values = calloc(numbers, count * sizeof *values);
    if (values == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %zu rows", data->info.name, count);
    duet_status status = duet_data_read(data, split, 0, count, values, error);
    *planes = status == DUET_OK && are_planes(values, count, picture.dims[1], numbers);
    free(values);
    return status;
}

duet_status duet_ask_about_planes(duet_rows *rows, bool were_rows, const duet_data_options *options, duet_error *error)
{
    const size_t *dims = rows->shape.dims,
                 most = rows->row_elements < MOST / SEEN ? SEEN : MOST / rows->row_elements + 1,
                 count = rows->count < most ? rows->count : most;
    const char *name = options->name != NULL ? options->name : rows->path;
    size_t bytes;
    bool planes = false;
    if (rows->shape.rank != 3 || dims[2] != 3 || rows->pictures || options->channels != DUET_CHANNELS_UNSAID ||
        count * rows->row_elements < LEAST || !duet_size_multiply(count * rows->row_elements, sizeof(float), &bytes))
        return DUET_OK;
    float *values = malloc(bytes);
    if (values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %zu rows", rows->path, count);
    duet_status status = look(rows, count, values, &planes, error);
    free(values);
    if (!planes) return status;
    if (were_rows)
        duet_notes_add(
            options->notes, true,
            "%s: rows of 3 x %zu x %zu numbers, read as pixels of 3 channels; their numbers are smoother read "
            "as 3 planes one after the other, as CIFAR's: then say %s. If they are pixels, say %s",
            rows->path, dims[0], dims[1], DUET_WORD("%s:channels=first", name), DUET_WORD("%s:channels=last", name));
    else
        duet_notes_add(
            options->notes, false,
            "%s: pictures of %zu x %zu x 3, whose numbers are smoother read as 3 planes one after the other, "
            "as CIFAR's: was that array given its shape without being turned round? Then %s "
            "array.reshape(-1, 3, %zu, %zu).transpose(0, 2, 3, 1)",
            rows->path, dims[0], dims[1], options->own ? "pass" : "save", dims[0], dims[1]);
    return status;
}
