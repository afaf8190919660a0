/* SPDX-License-Identifier: MIT */
/* Columns and channels that follow from others, on which a density has no bound. */
#include "model/families/needs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/columns.h"
#include "data/data.h"
#include "data/dependence.h"
#include "model/looked_at.h"

enum {
    MOST_PIXELS = 1 << 14,
    LEAST_PIXELS = 100,
    MOST_OF_PIXELS = 1 << 18 /* numbers of theirs that are looked at */
};

/* "3 ("c") from 1 ("a") and 2 ("b")". `names`: NULL where they have none. */
static void add_dependence(duet_text *list, const char *names, const duet_dependence *it)
{
    const size_t shown = it->count < DUET_DEPENDENCE_SHOWN ? it->count : DUET_DEPENDENCE_SHOWN;
    char name[160];
    duet_text_add(list, "%s%zu%s from ", list->length > 0 ? ", " : "", it->column + 1,
                  duet_column_name(names, it->column, name, sizeof name));
    for (size_t i = 0; i < shown; i++)
        duet_text_add(list, "%s%zu%s", i > 0 ? " and " : "", it->others[i] + 1,
                      duet_column_name(names, it->others[i], name, sizeof name));
    if (it->count > shown) duet_text_add(list, " and %zu more", it->count - shown);
}

/* Of columns, or of the channels of pictures. */
static void tell_of_dependence(duet_model *model, const duet_looked_at *it, const duet_dependence *list, size_t found)
{
    const bool table = it->info->shape.rank == 1;
    duet_text text = {0}, columns = {0};
    char more[48] = "";
    for (size_t i = 0; i < found && i < DUET_COLUMNS_SHOWN; i++) {
        add_dependence(&text, table ? it->info->columns : NULL, &list[i]);
        duet_text_add(&columns, "%s%zu", i > 0 ? ", " : "", list[i].column);
    }
    if (found > DUET_COLUMNS_SHOWN)
        (void)duet_text_print(more, sizeof more, " and %zu more", found - DUET_COLUMNS_SHOWN);
    duet_model_warn(model,
                    "in %zu examples that were looked at these %s of %zu follow from others, as copies or sums of "
                    "multiples: %s%s: a density has no bound there, and nll falls as it closes in on them, whatever is "
                    "learnt of the others: take them out, as by numpy.delete(array, [%s], %d)%s, of both splits%s",
                    it->count, table ? "columns" : "channels", it->info->shape.dims[it->info->shape.rank - 1],
                    duet_text_get(&text), more, duet_text_get(&columns), table ? 1 : 3,
                    table ? "" : " where they are last",
                    it->info->unit_range ? ", or dequantise=yes adds the noise of bytes" : "");
    duet_text_free(&text);
    duet_text_free(&columns);
}

/* Of columns of which none follows from others alone. */
static duet_status look_for_surface(duet_model *model, const duet_looked_at *it, duet_error *error)
{
    duet_dependence found;
    duet_text text = {0};
    DUET_TRY(duet_find_surface(it->rows, it->count, it->features, &found, error));
    if (found.count == 0) DUET_TRY(duet_find_curve(it->rows, it->count, it->features, &found, error));
    if (found.count == 0) return DUET_OK;
    add_dependence(&text, it->info->columns, &found);
    duet_model_warn(
        model,
        "in %zu examples that were looked at columns of %zu lie on a curved surface, as rows of one length do, a "
        "product and its factors, or a number and its logarithm: %s: a density has no bound there, and nll falls as it "
        "closes in on it, whatever is learnt besides: take such a column out, as by numpy.delete(array, [%zu], 1), of "
        "both splits",
        it->count, it->features, duet_text_get(&text), found.column);
    duet_text_free(&text);
    return DUET_OK;
}

static bool is_at_end(const float *pixel, const float *ends, size_t channels)
{
    for (size_t i = 0; i < channels; i++)
        if (pixel[i] == ends[i] || pixel[i] == ends[channels + i]) return true;
    return false;
}

/* Moves some thousand pixels, spread over the examples, to the front, as rows of their channels, and returns how many.
 * Those at an end of a channel's range are left out: many of a picture's are cut there. ends: [2, channels]. */
static size_t pick_pixels(duet_looked_at *it, size_t channels, float *ends)
{
    const size_t total = it->count * it->features / channels, numbers = MOST_OF_PIXELS / channels;
    const size_t most = numbers < MOST_PIXELS ? numbers : MOST_PIXELS;
    const size_t stride = total > most ? (total / (most + 1) + 1) | 1 : 1; /* odd: not of one place in all pictures */
    size_t picked = 0;
    for (size_t i = 0; i < channels; i++) ends[i] = INFINITY, ends[channels + i] = -INFINITY;
    for (size_t at = 0; at < total; at += stride)
        for (size_t i = 0; i < channels; i++) {
            ends[i] = fminf(ends[i], it->rows[at * channels + i]);
            ends[channels + i] = fmaxf(ends[channels + i], it->rows[at * channels + i]);
        }
    for (size_t at = 0; at < total; at += stride) {
        const float *pixel = it->rows + at * channels;
        if (!is_at_end(pixel, ends, channels)) memmove(it->rows + picked++ * channels, pixel, channels * sizeof *pixel);
    }
    return picked;
}

/* As of grey pictures that were saved in colour. */
static duet_status look_at_channels(duet_model *model, duet_looked_at *it, duet_error *error)
{
    const size_t channels = it->info->shape.dims[it->info->shape.rank - 1];
    duet_dependence list[DUET_COLUMNS_SHOWN];
    size_t found = 0;
    if (channels < 2) return DUET_OK;
    float *ends = calloc(channels, 2 * sizeof *ends);
    if (ends == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu channels", channels);
    const size_t pixels = pick_pixels(it, channels, ends);
    free(ends);
    if (pixels < LEAST_PIXELS) return DUET_OK;
    DUET_TRY(duet_find_dependence(it->rows, pixels, channels, list, DUET_COLUMNS_SHOWN, &found, error));
    if (found > 0) tell_of_dependence(model, it, list, found);
    return DUET_OK;
}

static duet_status look_at_table(duet_model *model, const duet_looked_at *it, duet_error *error)
{
    duet_dependence list[DUET_COLUMNS_SHOWN];
    size_t found;
    DUET_TRY(duet_find_dependence(it->rows, it->count, it->features, list, DUET_COLUMNS_SHOWN, &found, error));
    if (found == 0) return look_for_surface(model, it, error);
    tell_of_dependence(model, it, list, found);
    return DUET_OK;
}

void duet_warn_of_dependent_columns(duet_model *model)
{
    duet_looked_at it;
    duet_error error = {0};
    if (!duet_look_at_examples(model, &it)) return;
    const duet_status status =
        it.info->shape.rank == 1 ? look_at_table(model, &it, &error) : look_at_channels(model, &it, &error);
    if (status != DUET_OK) duet_graph_refuse(duet_model_graph(model), status, "%s", error.message);
    duet_looked_at_free(&it);
}
