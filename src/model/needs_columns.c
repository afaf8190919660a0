/* SPDX-License-Identifier: MIT */
/* Numbers of the examples of few values, of which a density has no bound. */
#include "model/families/needs.h"

#include <math.h>

#include "base/text.h"
#include "data/columns.h"
#include "data/data.h"
#include "data/plausible.h"
#include "data/remedy.h"
#include "model/looked_at.h"

/* Of two values alone, of few for so many examples, or of one that a tenth of them have. */
static bool is_coarse(const duet_column *it)
{
    if (it->distinct <= 2 || it->count < DUET_LOOKED_AT_LEAST) return it->distinct <= 2;
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
    if (it->columns++ >= DUET_COLUMNS_SHOWN) return;
    duet_text_add(&it->list, "%s%zu%s (", it->columns > 1 ? ", " : "", place + 1,
                  duet_column_name(info->columns, place, name, sizeof name));
    if (column->distinct == 2)
        duet_text_add(&it->list, "%g and %g alone)", (double)column->low.value, (double)column->high.value);
    else if (few)
        duet_text_add(&it->list, "%zu value%s)", column->distinct, column->distinct == 1 ? "" : "s");
    else
        duet_text_add(&it->list, "%g in %zu)", (double)column->common, column->common_times);
}

static double range_of(const duet_looked_at *it)
{
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < it->count * it->features; i++) {
        low = fminf(low, it->rows[i]);
        high = fmaxf(high, it->rows[i]);
    }
    return (double)high - (double)low;
}

/* Those on which a density of that least deviation closes in. */
static void look_at_columns(duet_looked_at *it, double deviation, coarseness *found)
{
    const double range = range_of(it);
    for (size_t i = 0; it->count > 1 && i < it->features; i++) {
        for (size_t row = 0; row < it->count; row++) it->column[row] = it->rows[row * it->features + i];
        const duet_column column = duet_column_look(it->column, it->count);
        const double floor = floor_of(&column, range);
        const bool said = column.distinct == 1 && duet_looked_at_is_told(it);
        if (!is_coarse(&column) || said || (deviation > 0 && deviation >= floor)) continue;
        take_column(found, it->info, i, &column);
        found->floor = fmax(found->floor, floor);
    }
}

/* Of a table, of which columns can go, floats can also be moved each by itself. */
static void add_remedies(duet_text *text, const duet_looked_at *it, const coarseness *found)
{
    duet_text_add(text, ": take them out");
    if (found->step > 0 && it->info->type != DUET_UINT8)
        duet_text_add(text, ", or blur them, as by array[:, %zu] += %g * numpy.random.random(len(array))",
                      found->blurred, (double)found->step);
}

/* What the model itself has for it. Noise of bytes is for what lies in [0, 1]. */
static void add_settings(duet_text *text, duet_model *model, const duet_looked_at *it, const duet_blur *blur,
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

static void tell_of_coarseness(duet_model *model, const duet_looked_at *it, const duet_blur *blur,
                               const coarseness *found)
{
    const bool table = it->info->shape.rank == 1;
    duet_text text = {0}, which = {0};
    char more[48] = "";
    if (found->columns > DUET_COLUMNS_SHOWN)
        (void)duet_text_print(more, sizeof more, " and %zu more", found->columns - DUET_COLUMNS_SHOWN);
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
    duet_looked_at it;
    if (!duet_look_at_examples(model, &it)) return;
    coarseness found = {.blurred = it.features};
    look_at_columns(&it, blur->deviation, &found);
    if (found.columns > 0) tell_of_coarseness(model, &it, blur, &found);
    duet_text_free(&found.list);
    duet_looked_at_free(&it);
}
