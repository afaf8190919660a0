/* SPDX-License-Identifier: MIT */
/* Numbers of the examples of which a density has no bound: those of few values, and those that follow from others; and
 * numbers that are not as wide as a model is made for. */
#include "model/families/needs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/columns.h"
#include "data/data.h"
#include "data/dependence.h"
#include "data/plausible.h"
#include "data/remedy.h"
#include "model/model.h"

enum {
    MOST_ROWS = 4096, /* whose columns are looked at */
    LOOKED_AT = 1 << 20,
    LEAST_ROWS = 30, /* that say how many values there are */
    SHOWN = 4,       /* columns by number */
    MOST_PIXELS = 1 << 14,
    LEAST_PIXELS = 100,
    MOST_OF_PIXELS = 1 << 18 /* numbers of theirs that are looked at */
};

/* Of two values alone, of few for so many examples, or of one that a tenth of them have. */
static bool is_coarse(const duet_column *it)
{
    if (it->distinct <= 2 || it->count < LEAST_ROWS) return it->distinct <= 2;
    return 10 * it->distinct < it->count || (it->whole && 2 * it->distinct < it->count) ||
           10 * it->common_times > it->count;
}

/* What is common to the columns that are told of. */
typedef struct coarseness {
    duet_text list;
    size_t columns;
    size_t blurred; /* the first whose values lie apart, so that noise between them may blur it; `features`: none */
    float step;
    double floor; /* the least deviation that keeps a density from closing in on any of them */
} coarseness;

/* Of one value again and again, and others of which no two are alike, the least step is chance. */
static bool has_few(const duet_column *it)
{
    return it->distinct <= 2 || 2 * (it->distinct - 1) < it->count - it->common_times;
}

/* A quarter of the step between values is about the deviation of noise that fills it, and a density as wide as that is
 * one of numbers with noise. Where there are no steps a 256th of `range`, as bytes have it, stands for them. */
static double floor_of(const duet_column *it, double range)
{
    if (has_few(it) && it->distinct > 1) return (double)it->step / 4;
    const double own = (double)it->high.value - (double)it->low.value;
    return (own > 0 ? own : range) / 256 / 4;
}

static void take_column(coarseness *it, const duet_data_info *info, size_t place, const duet_column *column)
{
    const bool few = has_few(column);
    char name[160];
    if (few && column->distinct > 1 && it->step == 0) {
        it->blurred = place;
        it->step = column->step;
    }
    if (it->columns++ >= SHOWN) return;
    duet_text_add(&it->list, "%s%zu%s (", it->columns > 1 ? ", " : "", place + 1,
                  duet_column_name(info->columns, place, name, sizeof name));
    if (column->distinct == 2)
        duet_text_add(&it->list, "%g and %g alone)", (double)column->low.value, (double)column->high.value);
    else if (few)
        duet_text_add(&it->list, "%zu value%s)", column->distinct, column->distinct == 1 ? "" : "s");
    else
        duet_text_add(&it->list, "%g in %zu)", (double)column->common, column->common_times);
}

/* Some thousand examples that stand for all. */
typedef struct examples {
    const duet_data_info *info;
    size_t count, features;
    float *rows, *column; /* room for one column */
    size_t measured;      /* examples of which the deviations are */
    double *deviations;   /* of each column; NULL: not asked for */
} examples;

static duet_status read_examples(examples *it, duet_data *data, duet_error *error)
{
    const size_t total = it->info->count[DUET_TRAIN];
    size_t wanted = it->features < LOOKED_AT / MOST_ROWS ? MOST_ROWS : LOOKED_AT / it->features, first, piece;
    if (wanted < 1) wanted = 1;
    if (wanted > total) wanted = total;
    it->rows = calloc(wanted, it->features * sizeof *it->rows);
    it->column = calloc(wanted, sizeof *it->column);
    if (it->rows == NULL || it->column == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", wanted);
    for (size_t i = 0; duet_rows_spread(total, wanted, i, &first, &piece); i++) {
        DUET_TRY(duet_data_read(data, DUET_TRAIN, first, piece, it->rows + it->count * it->features, error));
        it->count += piece;
    }
    return DUET_OK;
}

static void free_examples(examples *it)
{
    free(it->rows);
    free(it->column);
    free(it->deviations);
}

/* Reads them where they can be; false: they cannot, nothing is learnt from them, or a mistake is recorded. */
static bool have_examples(duet_model *model, examples *it)
{
    duet_data *data = duet_model_data(model);
    duet_error error = {0};
    *it = (examples){.info = duet_data_describe(data)};
    it->features = duet_shape_elements(it->info->shape);
    if (!duet_model_training(model) || data->owner != NULL || data->asked || it->info->generated) return false;
    if (read_examples(it, data, &error) == DUET_OK) return true;
    duet_graph_refuse(duet_model_graph(model), error.status, "%s", error.message);
    free_examples(it);
    return false;
}

static double range_of(const examples *it)
{
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < it->count * it->features; i++) {
        low = fminf(low, it->rows[i]);
        high = fmaxf(high, it->rows[i]);
    }
    return (double)high - (double)low;
}

/* Whether what opened the set has told of a column of one value. */
static bool is_told(const examples *it)
{
    const size_t seen = it->deviations != NULL ? it->measured : it->count;
    return seen == it->info->count[DUET_TRAIN] && it->features < DUET_PICTURE_NUMBERS && it->info->shape.rank == 1;
}

/* Those on which a density of that least deviation closes in. */
static void look_at_columns(examples *it, double deviation, coarseness *found)
{
    const double range = range_of(it);
    for (size_t i = 0; it->count > 1 && i < it->features; i++) {
        for (size_t row = 0; row < it->count; row++) it->column[row] = it->rows[row * it->features + i];
        const duet_column column = duet_column_look(it->column, it->count);
        const double floor = floor_of(&column, range);
        const bool said = column.distinct == 1 && is_told(it);
        if (!is_coarse(&column) || said || (deviation > 0 && deviation >= floor)) continue;
        take_column(found, it->info, i, &column);
        found->floor = fmax(found->floor, floor);
    }
}

/* Of a table, of which columns can go, floats can also be moved each by itself. */
static void add_remedies(duet_text *text, const examples *it, const coarseness *found)
{
    duet_text_add(text, ": take them out");
    if (found->step > 0 && it->info->type != DUET_UINT8)
        duet_text_add(text, ", or blur them, as by array[:, %zu] += %g * numpy.random.random(len(array))",
                      found->blurred, (double)found->step);
}

/* What the model itself has for it. Noise of bytes is for what lies in [0, 1]. */
static void add_settings(duet_text *text, duet_model *model, const examples *it, const duet_blur *blur,
                         const coarseness *found)
{
    const char *word = it->info->shape.rank == 1 ? ", or " : ": ";
    char range[DUET_NEEDS_REMEDY];
    const double wide = 1.01 * found->floor; /* above it also as it is printed */
    if (blur->deviation > 0 && wide > blur->most)
        duet_text_add(text, "%sscale the numbers down, so that %s, which is %g at most, can be as wide as noise is",
                      word, blur->setting, blur->most);
    else if (blur->deviation > 0)
        duet_text_add(text, "%s%s=%.3g keeps it as wide as noise between their values", word, blur->setting, wide);
    else if (it->info->unit_range)
        duet_text_add(text, "%s%s adds the noise of bytes", word, blur->setting);
    else if (it->info->shape.rank != 1 && duet_needs_remedy(model, range))
        duet_text_add(text, "%s%s; then %s adds the noise of bytes", word, range, blur->setting);
}

static void tell_of_coarseness(duet_model *model, const examples *it, const duet_blur *blur, const coarseness *found)
{
    const bool table = it->info->shape.rank == 1;
    duet_text text = {0}, which = {0};
    char more[48] = "";
    if (found->columns > SHOWN) (void)duet_text_print(more, sizeof more, " and %zu more", found->columns - SHOWN);
    if (table)
        duet_text_add(&which, "these columns of %zu have few values, or one again and again: %s%s", it->features,
                      duet_text_get(&found->list), more);
    else
        duet_text_add(&which, "%zu of %zu numbers have few values, or one again and again", found->columns,
                      it->features);
    if (table) add_remedies(&text, it, found);
    add_settings(&text, model, it, blur, found);
    duet_model_warn(model,
                    "of %zu examples that were looked at %s: a density has no bound there, and nll falls as it closes "
                    "in on them, whatever is learnt of the others%s",
                    it->count, duet_text_get(&which), duet_text_get(&text));
    duet_text_free(&text);
    duet_text_free(&which);
}

void duet_warn_of_coarse_columns(duet_model *model, const duet_blur *blur)
{
    examples it;
    if (!have_examples(model, &it)) return;
    coarseness found = {.blurred = it.features};
    look_at_columns(&it, blur->deviation, &found);
    if (found.columns > 0) tell_of_coarseness(model, &it, blur, &found);
    duet_text_free(&found.list);
    free_examples(&it);
}

/* Their root mean square distance from `mean`, of numbers that lie `step` apart. */
static double deviation_from(double mean, const float *values, size_t count, size_t step)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        const double gap = (double)values[i * step] - mean;
        squares += gap * gap;
    }
    return sqrt(squares / (double)count);
}

static double deviation_of(const float *values, size_t count, size_t step)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)values[i * step];
    return deviation_from(sum / (double)count, values, count, step);
}

/* By Welford's recurrence, to which a number far off is no harm. */
static void add_rows(examples *it, double *mean, const float *rows, size_t count)
{
    for (size_t row = 0; row < count; row++) {
        const double share = 1 / (double)++it->measured;
        for (size_t i = 0; i < it->features; i++) {
            const double gap = (double)rows[row * it->features + i] - mean[i];
            mean[i] += gap * share;
            it->deviations[i] += gap * ((double)rows[row * it->features + i] - mean[i]);
        }
    }
}

/* The deviations in all training examples: what is wide by a few numbers far off may have none of them in some thousand
 * examples. */
static duet_status measure_all(examples *it, duet_data *data, duet_error *error)
{
    const size_t total = it->info->count[DUET_TRAIN];
    double *mean = calloc(it->features, sizeof *mean);
    float *rows = calloc(it->count, it->features * sizeof *rows);
    duet_status status = DUET_OK;
    if (mean == NULL || rows == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", it->count);
    for (size_t i = 0; i < it->features; i++) it->deviations[i] = 0;
    it->measured = 0;
    while (status == DUET_OK && it->measured < total) {
        const size_t left = total - it->measured, piece = left < it->count ? left : it->count;
        status = duet_data_read(data, DUET_TRAIN, it->measured, piece, rows, error);
        if (status == DUET_OK) add_rows(it, mean, rows, piece);
    }
    for (size_t i = 0; i < it->features; i++) it->deviations[i] = sqrt(it->deviations[i] / (double)total);
    free(mean);
    free(rows);
    return status;
}

static bool is_beyond(const examples *it, double least, double most)
{
    bool beyond = false;
    for (size_t i = 0; i < it->features; i++) beyond = beyond || it->deviations[i] < least || it->deviations[i] > most;
    return beyond;
}

static double variance_of(const examples *it)
{
    double variance = 0;
    for (size_t i = 0; i < it->features; i++) variance += it->deviations[i] * it->deviations[i];
    return variance;
}

/* As have_examples, with the deviation of each column: in all examples where in those that were looked at a column lies
 * beyond the ends, or all columns together vary less than `variance`. */
static bool have_deviations(duet_model *model, examples *it, double least, double most, double variance)
{
    duet_error error = {0};
    if (!have_examples(model, it)) return false;
    it->deviations = calloc(it->features, sizeof *it->deviations);
    duet_status status = it->deviations != NULL
                             ? DUET_OK
                             : duet_fail(&error, DUET_ERROR_MEMORY, "out of memory for %zu deviations", it->features);
    for (size_t i = 0; status == DUET_OK && i < it->features; i++)
        it->deviations[i] = deviation_of(it->rows + i, it->count, it->features);
    it->measured = it->count;
    if (status == DUET_OK && it->count < it->info->count[DUET_TRAIN] &&
        (is_beyond(it, least, most) || variance_of(it) < variance))
        status = measure_all(it, duet_model_data(model), &error);
    if (status == DUET_OK) return true;
    duet_graph_refuse(duet_model_graph(model), error.status, "%s", error.message);
    free_examples(it);
    return false;
}

/* How the data may come to be about 1 wide. */
static void add_scaling(duet_text *text, duet_model *model, const examples *it)
{
    char range[DUET_NEEDS_REMEDY];
    if (duet_shape_is_table(it->info->shape))
        duet_text_add(text, ": save " DUET_REMEDY_STANDARD);
    else if (duet_needs_remedy(model, range))
        duet_text_add(text, ": %s", range);
}

/* The column's name and how wide it is, of the first ones. */
static void add_width(duet_text *list, const examples *it, size_t column, size_t before)
{
    char name[160];
    if (before < SHOWN)
        duet_text_add(list, "%s%zu%s (%.2g)", before > 0 ? ", " : ": ", column + 1,
                      duet_column_name(it->info->columns, column, name, sizeof name), it->deviations[column]);
}

static void add_more(duet_text *list, size_t found)
{
    if (found > SHOWN) duet_text_add(list, " and %zu more", found - SHOWN);
}

void duet_warn_of_narrow_columns(duet_model *model, double floor)
{
    examples it;
    duet_text list = {0}, remedy = {0};
    size_t found = 0;
    if (!have_deviations(model, &it, nextafter(floor, INFINITY), INFINITY, 0)) return;
    const bool table = it.info->shape.rank == 1;
    for (size_t i = 0; it.measured > 1 && i < it.features; i++) {
        const double deviation = it.deviations[i];
        if (deviation > floor || (deviation == 0 && is_told(&it))) continue;
        if (table) add_width(&list, &it, i, found);
        found++;
    }
    if (table) add_more(&list, found);
    if (found == it.features) add_scaling(&remedy, model, &it);
    if (found > 0)
        duet_model_warn(model,
                        "in %zu examples that were looked at %zu of %zu numbers vary by no more than sigma_floor=%g%s: "
                        "their sigmas fall to it, and nll with them, whatever is learnt of the others%s",
                        it.measured, found, it.features, floor, duet_text_get(&list),
                        found < it.features ? ": sigma_per=model learns one sigma for all" : duet_text_get(&remedy));
    duet_text_free(&list);
    duet_text_free(&remedy);
    free_examples(&it);
}

void duet_warn_of_faint_examples(duet_model *model, double sigma)
{
    examples it;
    const double least = sigma * sigma / 2;
    if (!have_deviations(model, &it, 0, INFINITY, least)) return;
    const double variance = variance_of(&it);
    if (it.measured >= LEAST_ROWS && variance < least) {
        duet_text remedy = {0};
        model->build->faint = true;
        add_scaling(&remedy, model, &it);
        duet_model_warn(model,
                        "%zu examples that were looked at lie %.2g from their mean, all %zu numbers together, and p(x "
                        "given z) is as wide as %.2g in each: the posterior has nothing to say of what is taken for "
                        "noise%s",
                        it.measured, sqrt(variance), it.features, sigma, duet_text_get(&remedy));
        duet_text_free(&remedy);
    }
    free_examples(&it);
}

/* Columns of a table that are not as wide as that; how many. A column of two values is as wide as its shares make it.
 */
static size_t find_misfits(examples *it, double least, double most, duet_text *list)
{
    size_t found = 0;
    for (size_t i = 0; i < it->features; i++) {
        if (it->deviations[i] >= least && it->deviations[i] <= most) continue;
        for (size_t row = 0; row < it->count; row++) it->column[row] = it->rows[row * it->features + i];
        if (duet_column_look(it->column, it->count).distinct > 2) add_width(list, it, i, found++);
    }
    add_more(list, found);
    return found;
}

static void tell_of_misfits(duet_model *model, examples *it, double least, double most)
{
    duet_text what = {0}, list = {0}, remedy = {0};
    bool fits;
    if (duet_shape_is_table(it->info->shape)) {
        fits = find_misfits(it, least, most, &list) == 0;
        duet_text_add(&what, "these columns of %zu", it->features);
    } else {
        const double deviation = deviation_of(it->rows, it->count * it->features, 1);
        least /= 3; /* there are no wide columns beside them */
        fits = deviation >= least && deviation <= most;
        duet_text_add(&what, "all numbers together (%.2g)", deviation);
    }
    if (!fits) {
        add_scaling(&remedy, model, it);
        duet_model_warn(model,
                        "in %zu examples that were looked at %s deviate by less than %g or more than %g%s: they are "
                        "mixed with noise of deviation 1, and what is sampled deviates otherwise%s",
                        it->deviations != NULL ? it->measured : it->count, duet_text_get(&what), least, most,
                        duet_text_get(&list), duet_text_get(&remedy));
    }
    duet_text_free(&what);
    duet_text_free(&list);
    duet_text_free(&remedy);
}

void duet_warn_of_scale(duet_model *model, double least, double most)
{
    examples it;
    const double stretched = duet_model_unit_range(model) ? 2 : 1; /* by duet_model_centred */
    const duet_data *data = duet_model_data(model);
    least /= stretched;
    most /= stretched;
    if (duet_data_has_note(data, DUET_NOTE_OF_SCALE)) return;
    if (duet_shape_is_table(duet_data_describe(data)->shape) ? !have_deviations(model, &it, least, most, 0)
                                                             : !have_examples(model, &it))
        return;
    if (it.count >= LEAST_ROWS) tell_of_misfits(model, &it, least, most);
    free_examples(&it);
}

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
static void tell_of_dependence(duet_model *model, const examples *it, const duet_dependence *list, size_t found)
{
    const bool table = it->info->shape.rank == 1;
    duet_text text = {0}, columns = {0};
    char more[48] = "";
    for (size_t i = 0; i < found && i < SHOWN; i++) {
        add_dependence(&text, table ? it->info->columns : NULL, &list[i]);
        duet_text_add(&columns, "%s%zu", i > 0 ? ", " : "", list[i].column);
    }
    if (found > SHOWN) (void)duet_text_print(more, sizeof more, " and %zu more", found - SHOWN);
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
static duet_status look_for_surface(duet_model *model, const examples *it, duet_error *error)
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
static size_t pick_pixels(examples *it, size_t channels, float *ends)
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
static duet_status look_at_channels(duet_model *model, examples *it, duet_error *error)
{
    const size_t channels = it->info->shape.dims[it->info->shape.rank - 1];
    duet_dependence list[SHOWN];
    size_t found = 0;
    if (channels < 2) return DUET_OK;
    float *ends = calloc(channels, 2 * sizeof *ends);
    if (ends == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu channels", channels);
    const size_t pixels = pick_pixels(it, channels, ends);
    free(ends);
    if (pixels < LEAST_PIXELS) return DUET_OK;
    DUET_TRY(duet_find_dependence(it->rows, pixels, channels, list, SHOWN, &found, error));
    if (found > 0) tell_of_dependence(model, it, list, found);
    return DUET_OK;
}

static duet_status look_at_table(duet_model *model, const examples *it, duet_error *error)
{
    duet_dependence list[SHOWN];
    size_t found;
    DUET_TRY(duet_find_dependence(it->rows, it->count, it->features, list, SHOWN, &found, error));
    if (found == 0) return look_for_surface(model, it, error);
    tell_of_dependence(model, it, list, found);
    return DUET_OK;
}

void duet_warn_of_dependent_columns(duet_model *model)
{
    examples it;
    duet_error error = {0};
    if (!have_examples(model, &it)) return;
    const duet_status status =
        it.info->shape.rank == 1 ? look_at_table(model, &it, &error) : look_at_channels(model, &it, &error);
    if (status != DUET_OK) duet_graph_refuse(duet_model_graph(model), status, "%s", error.message);
    free_examples(&it);
}
