/* SPDX-License-Identifier: MIT */
/* Numbers that are not as wide as a model is made for: sigmas that fall to their floor, examples that lie within the
 * noise, and scales far from 1. */
#include "model/families/needs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "data/columns.h"
#include "data/data.h"
#include "data/plausible.h"
#include "data/remedy.h"
#include "model/looked_at.h"

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
static void add_rows(duet_looked_at *it, double *mean, const float *rows, size_t count)
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
static duet_status measure_all(duet_looked_at *it, duet_data *data, duet_error *error)
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

static bool is_beyond(const duet_looked_at *it, double least, double most)
{
    bool beyond = false;
    for (size_t i = 0; i < it->features; i++) beyond = beyond || it->deviations[i] < least || it->deviations[i] > most;
    return beyond;
}

static double variance_of(const duet_looked_at *it)
{
    double variance = 0;
    for (size_t i = 0; i < it->features; i++) variance += it->deviations[i] * it->deviations[i];
    return variance;
}

/* As duet_look_at_examples, with the deviation of each column: in all examples where in those that were looked at a
 * column lies beyond the ends, or all columns together vary less than `variance`. */
static bool have_deviations(duet_model *model, duet_looked_at *it, double least, double most, double variance)
{
    duet_error error = {0};
    if (!duet_look_at_examples(model, it)) return false;
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
    duet_looked_at_free(it);
    return false;
}

/* How the data may come to be about 1 wide. */
static void add_scaling(duet_text *text, duet_model *model, const duet_looked_at *it)
{
    char range[DUET_NEEDS_REMEDY];
    if (duet_shape_is_table(it->info->shape) && !duet_data_has_note(duet_model_data(model), DUET_NOTE_OF_CODES))
        duet_text_add(text, ": save " DUET_REMEDY_STANDARD);
    else if (duet_needs_remedy(model, range))
        duet_text_add(text, ": %s", range);
}

/* The column's name and how wide it is, of the first ones. */
static void add_width(duet_text *list, const duet_looked_at *it, size_t column, size_t before)
{
    char name[160];
    if (before < DUET_COLUMNS_SHOWN)
        duet_text_add(list, "%s%zu%s (%.2g)", before > 0 ? ", " : ": ", column + 1,
                      duet_column_name(it->info->columns, column, name, sizeof name), it->deviations[column]);
}

static void add_more(duet_text *list, size_t found)
{
    if (found > DUET_COLUMNS_SHOWN) duet_text_add(list, " and %zu more", found - DUET_COLUMNS_SHOWN);
}

void duet_warn_of_narrow_columns(duet_model *model, double floor)
{
    duet_looked_at it;
    duet_text list = {0}, remedy = {0};
    size_t found = 0;
    if (!have_deviations(model, &it, nextafter(floor, INFINITY), INFINITY, 0)) return;
    const bool table = it.info->shape.rank == 1;
    for (size_t i = 0; it.measured > 1 && i < it.features; i++) {
        const double deviation = it.deviations[i];
        if (deviation > floor || (deviation == 0 && duet_looked_at_is_told(&it))) continue;
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
    duet_looked_at_free(&it);
}

void duet_warn_of_faint_examples(duet_model *model, double sigma)
{
    duet_looked_at it;
    const double least = sigma * sigma / 2;
    if (!have_deviations(model, &it, 0, INFINITY, least)) return;
    const double variance = variance_of(&it);
    if (it.measured >= DUET_LOOKED_AT_LEAST && variance < least) {
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
    duet_looked_at_free(&it);
}

/* Columns narrower than `least` that are next to nothing beside the widest one, `far` times as wide; how many. */
static size_t find_hidden(const duet_looked_at *it, double least, double far, double *widest, duet_text *list)
{
    size_t found = 0;
    *widest = 0;
    for (size_t i = 0; i < it->features; i++) *widest = fmax(*widest, it->deviations[i]);
    for (size_t i = 0; i < it->features; i++) {
        const double deviation = it->deviations[i];
        if (deviation > 0 && deviation<least && * widest> far * deviation) add_width(list, it, i, found++);
    }
    add_more(list, found);
    return found;
}

/* `beyond`: what the columns are; `then`: what comes of it. */
static void warn_of_hidden(duet_model *model, double least, double far, const char *beyond, const char *then)
{
    duet_looked_at it;
    double widest;
    duet_text list = {0}, remedy = {0};
    const duet_data *data = duet_model_data(model);
    if (!duet_shape_is_table(duet_data_describe(data)->shape) || model->build->faint ||
        duet_data_has_note(data, DUET_NOTE_OF_SCALE) || duet_data_has_note(data, DUET_NOTE_OF_CODES) ||
        !have_deviations(model, &it, 0, INFINITY, 0))
        return;
    if (it.measured >= DUET_LOOKED_AT_LEAST && find_hidden(&it, least, far, &widest, &list) > 0) {
        add_scaling(&remedy, model, &it);
        duet_model_warn(model,
                        "in %zu examples that were looked at these columns of %zu are %s, where another is as wide as "
                        "%.2g%s: %s%s",
                        it.measured, it.features, beyond, widest, duet_text_get(&list), then, duet_text_get(&remedy));
    }
    duet_text_free(&list);
    duet_text_free(&remedy);
    duet_looked_at_free(&it);
}

void duet_warn_of_hidden_columns(duet_model *model, double sigma)
{
    enum { FAR = 16 /* times as wide */ };
    char beyond[96];
    if (sigma <= 0) return;
    (void)snprintf(beyond, sizeof beyond, "less than half as wide as %.2g, which p(x given z) is in each", sigma);
    warn_of_hidden(model, sigma / 2, FAR, beyond,
                   "the posterior has next to nothing to say of what is taken for noise");
}

void duet_warn_of_uneven_columns(duet_model *model, double far)
{
    char beyond[96];
    (void)snprintf(beyond, sizeof beyond, "less wide than a %gth of the widest", far);
    warn_of_hidden(model, INFINITY, far, beyond, "next to nothing of them is learnt beside it");
}

/* Columns of a table that are not as wide as that; how many. A column of two values is as wide as its shares make it.
 */
static size_t find_misfits(duet_looked_at *it, double least, double most, duet_text *list)
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

static void tell_of_misfits(duet_model *model, duet_looked_at *it, double least, double most)
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
    duet_looked_at it;
    const double stretched = duet_model_unit_range(model) ? 2 : 1; /* by duet_model_centred */
    const duet_data *data = duet_model_data(model);
    least /= stretched;
    most /= stretched;
    if (duet_data_has_note(data, DUET_NOTE_OF_SCALE) || duet_data_has_note(data, DUET_NOTE_OF_CODES)) return;
    if (duet_shape_is_table(duet_data_describe(data)->shape) ? !have_deviations(model, &it, least, most, 0)
                                                             : !duet_look_at_examples(model, &it))
        return;
    if (it.count >= DUET_LOOKED_AT_LEAST) tell_of_misfits(model, &it, least, most);
    duet_looked_at_free(&it);
}
