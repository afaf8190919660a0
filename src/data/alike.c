/* SPDX-License-Identifier: MIT */
/* Columns are compared as distributions, by Kolmogorov's and Smirnov's distance: what is far from the column of its
 * place and near that of another one, and these from one another's places, has changed places. All else is said only
 * where it differs so much that neither chance nor a shift makes it. */
#include "data/alike.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "data/columns.h"
#include "data/remedy.h"

enum {
    ROWS = 2048 /* of each split that are looked at */,
    NUMBERS = 1 << 19,
    LEAST = 30 /* rows, which say something of the others */,
    FEWEST = 32 /* of these that are looked at, of each of the 16 pieces of duet_rows_spread two */,
    COMPARED = 128 /* columns that may have changed places */,
    FEW = 10 /* values, of which others have as many as often by chance */
};

static const double chance = -20; /* the logarithm of what is no chance */
static const double once_in = -7; /* the logarithm of how often chance makes a column unlike its own */
static const double far = 8;      /* times as wide as the middle half, or as far away as that is wide */
static const double beyond = 3;   /* times as far away, of what lies beyond all training examples */
static const double brighter = 1.5;
static const double apart = 0.3; /* of two distributions that are not one, at least */

/* How a column lies in its file: smooth where neighbours are alike, as where rows follow time. */
typedef struct course {
    float first, last;
    bool smooth;
} course;

/* What is looked at of one split: of a table its columns, each sorted, and the course of each before. */
typedef struct sample {
    size_t count, elements;
    float *values;
    course *courses;
} sample;

/* Bytes lie before what they become: from the last on. */
static duet_status draw(sample *it, duet_rows *rows, duet_error *error)
{
    size_t first, piece, fits = NUMBERS / rows->row_elements;
    if (fits < FEWEST) fits = FEWEST;
    if (fits > ROWS) fits = ROWS;
    it->elements = rows->row_elements;
    it->values = calloc(fits, it->elements * sizeof *it->values);
    if (it->values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    for (size_t i = 0; duet_rows_spread(rows->count, fits, i, &first, &piece); i++) {
        float *to = it->values + it->count * it->elements;
        DUET_TRY(duet_rows_read(rows, first, piece, to, error));
        if (rows->element == DUET_ELEMENT_UINT8)
            for (size_t k = piece * it->elements; k-- > 0;) to[k] = ((const uint8_t *)(const void *)to)[k];
        it->count += piece;
    }
    return DUET_OK;
}

static int compare(const void *a, const void *b)
{
    const float left = *(const float *)a, right = *(const float *)b;
    return left < right ? -1 : left > right;
}

/* By what neighbours differ in beside what any two do. */
static course follow(const float *column, size_t count)
{
    const double rough = 0.1;
    double mean = 0, squares = 0, steps = 0;
    for (size_t i = 0; i < count; i++) {
        const double step = (double)column[i] - mean;
        mean += step / (double)(i + 1);
        squares += step * ((double)column[i] - mean);
        if (i > 0) steps += pow((double)column[i] - (double)column[i - 1], 2) / 2;
    }
    return (course){.first = column[0], .last = column[count - 1], .smooth = steps < rough * squares};
}

/* Columns in the place of rows. */
static duet_status sort_columns(sample *it, const duet_rows *rows, duet_error *error)
{
    float *columns = calloc(it->count, it->elements * sizeof *columns);
    it->courses = calloc(it->elements, sizeof *it->courses);
    if (columns == NULL || it->courses == NULL) {
        free(columns);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    }
    for (size_t i = 0; i < it->elements; i++) {
        for (size_t row = 0; row < it->count; row++) columns[i * it->count + row] = it->values[row * it->elements + i];
        it->courses[i] = follow(columns + i * it->count, it->count);
        qsort(columns + i * it->count, it->count, sizeof *columns, compare);
    }
    free(it->values);
    it->values = columns;
    return DUET_OK;
}

static const float *column_of(const sample *it, size_t column)
{
    return it->values + column * it->count;
}

/* How far the shares of both below a number are apart, at most. */
static double distance(const sample *a, size_t column, const sample *b, size_t other)
{
    const float *one = column_of(a, column), *two = column_of(b, other);
    double most = 0;
    for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
        const float value = fminf(one[i], two[k]);
        while (i < a->count && one[i] == value) i++;
        while (k < b->count && two[k] == value) k++;
        most = fmax(most, fabs((double)i / (double)a->count - (double)k / (double)b->count));
    }
    return most;
}

/* The distance that chance makes in none of the columns. */
static double most_by_chance(const sample samples[2])
{
    const double once = sqrt(1 / (double)samples[0].count + 1 / (double)samples[1].count);
    return once * sqrt((log(2 * (double)samples[0].elements) - once_in) / 2);
}

/* ---- columns in another order ---- */

/* Columns that are unlike those of their places, and which of the training examples' each may be. */
typedef struct moved {
    size_t count, columns[COMPARED];
    bool fits[COMPARED][COMPARED], seen[COMPARED];
    int taken[COMPARED]; /* by which of them; -1: by none */
} moved;

/* Finds one for the i-th, and others for those that have to give way; false: there is none. */
static bool find_place(moved *it, size_t i)
{
    for (size_t k = 0; k < it->count; k++) {
        if (!it->fits[i][k] || it->seen[k]) continue;
        it->seen[k] = true;
        if (it->taken[k] >= 0 && !find_place(it, (size_t)it->taken[k])) continue;
        it->taken[k] = (int)i;
        return true;
    }
    return false;
}

/* Whether each has a place of its own among them. */
static bool change_places(moved *it)
{
    for (size_t k = 0; k < it->count; k++) it->taken[k] = -1;
    for (size_t i = 0; i < it->count; i++) {
        memset(it->seen, 0, sizeof it->seen);
        if (!find_place(it, i)) return false;
    }
    return it->count > 1;
}

static void tell_of_order(const moved *it, const duet_rows *rows, const char *names, const duet_data_options *options)
{
    char one[160], other[160];
    const size_t place = it->columns[0], from = it->columns[it->taken[0]];
    duet_notes_add(options->notes, false,
                   "%s: %zu of its %zu columns are unlike those of the training examples in their places and like "
                   "others, such as column %zu%s here, like column %zu%s there: give both splits the same columns in "
                   "the same order",
                   rows->path, it->count, rows->row_elements, from + 1, duet_column_name(names, from, one, sizeof one),
                   place + 1, duet_column_name(names, place, other, sizeof other));
}

static bool has_few_values(const sample *it, size_t column)
{
    const float *values = column_of(it, column);
    size_t distinct = 1;
    for (size_t i = 1; i < it->count && distinct <= FEW; i++) distinct += values[i] != values[i - 1];
    return distinct <= FEW;
}

/* Of truths and other columns of few values alone nothing is said: where one becomes more frequent, another of the same
 * choice becomes less, and they look like one another. */
static bool look_at_order(moved *it, const sample samples[2])
{
    const sample *train = &samples[DUET_TRAIN], *test = &samples[DUET_TEST];
    const double once = sqrt(1 / (double)train->count + 1 / (double)test->count);
    const double unlike = most_by_chance(samples);
    bool telling = false;
    it->count = 0;
    for (size_t i = 0; i < train->elements; i++) {
        if (distance(train, i, test, i) < fmax(unlike, apart)) continue;
        if (it->count == COMPARED) return false;
        it->columns[it->count++] = i;
        telling = telling || !has_few_values(test, i);
    }
    if (!telling) return false;
    for (size_t i = 0; i < it->count; i++)
        for (size_t k = 0; k < it->count; k++)
            it->fits[i][k] = i != k && distance(train, it->columns[k], test, it->columns[i]) < 1.63 * once;
    return change_places(it);
}

/* ---- columns of another scale ---- */

/* Whether `some` of `all` do so often not happen that `times` in turn are no chance. */
static bool is_no_chance(size_t some, size_t all, size_t times)
{
    return (double)times * log((double)(some + 1) / (double)(all + 2)) < chance;
}

/* One value in the test examples alone: not the one that is so frequent in training examples that it may be alone in
 * others, nor one of two, nor what follows upon theirs, as a year does. */
static bool is_filled(const sample samples[2], size_t column)
{
    const sample *train = &samples[DUET_TRAIN], *test = &samples[DUET_TEST];
    const float *one = column_of(train, column), *two = column_of(test, column);
    const double low = (double)one[0], high = (double)one[train->count - 1], filled = (double)two[0];
    size_t same = 0, between = 0;
    if (two[0] != two[test->count - 1] || low == high || (filled > high && filled - high <= high - low)) return false;
    for (size_t i = 0; i < train->count; i++) {
        same += one[i] == two[0];
        between += one[i] > one[0] && one[i] < one[train->count - 1];
    }
    return between > 0 && same * 2 <= train->count && is_no_chance(same, train->count, test->count);
}

/* The number that `part` of `parts` of the column are below. */
static float quantile(const sample *it, size_t column, size_t part, size_t parts)
{
    return column_of(it, column)[part * (it->count - 1) / parts];
}

/* By all but a part of the numbers at either end. */
static bool is_far(const sample samples[2], size_t column, size_t parts)
{
    double width[2], middle[2];
    for (size_t i = 0; i < 2; i++) {
        width[i] =
            (double)quantile(&samples[i], column, parts - 1, parts) - (double)quantile(&samples[i], column, 1, parts);
        middle[i] = (double)quantile(&samples[i], column, 1, 2);
    }
    if (!(width[0] > 0 && width[1] > 0)) return false;
    const double times = parts == 4 ? far : far / 2; /* as of the few numbers at the ends less is known */
    return width[0] > times * width[1] || width[1] > times * width[0] ||
           fabs(middle[0] - middle[1]) > times * fmax(width[0], width[1]);
}

/* Nearly no test number lies between the least and the greatest of the training examples, which chance does not make,
 * and the middle one is further away than from a time that goes on: at most two middle halves where no more rows than
 * these follow. Raw numbers beside standardised ones are so, and degrees of another kind. */
static bool is_beyond(const sample samples[2], size_t column)
{
    const sample *train = &samples[DUET_TRAIN], *test = &samples[DUET_TEST];
    const double width = (double)quantile(train, column, 3, 4) - (double)quantile(train, column, 1, 4);
    const double step = (double)quantile(test, column, 1, 2) - (double)quantile(train, column, 1, 2);
    const bool outside = step > 0 ? quantile(test, column, 1, 16) > quantile(train, column, 1, 1)
                                  : quantile(test, column, 15, 16) < quantile(train, column, 0, 1);
    return outside && width > 0 && fabs(step) > beyond * width;
}

/* Rows that follow time, and test examples that begin where the training examples end: these are at one place. */
static bool goes_on(const sample samples[2], size_t column)
{
    const sample *train = &samples[DUET_TRAIN];
    const double width = (double)quantile(train, column, 1, 1) - (double)quantile(train, column, 0, 1);
    const double step = (double)samples[DUET_TEST].courses[column].first - (double)train->courses[column].last;
    return train->courses[column].smooth && fabs(step) <= width / 4;
}

/* Another scale is one of all numbers: where the shares of zeros, or of two kinds, differ, quarters alone do. */
static bool is_of_other_scale(const sample samples[2], size_t column)
{
    bool all_far = true;
    for (size_t parts = 4; parts <= 16; parts *= 2) all_far = all_far && is_far(samples, column, parts);
    return (all_far || is_beyond(samples, column)) && !goes_on(samples, column) &&
           distance(&samples[DUET_TRAIN], column, &samples[DUET_TEST], column) > most_by_chance(samples);
}

static void tell_of_filled(const sample samples[2], size_t column, const duet_rows *rows, const char *names,
                           const duet_data_options *options)
{
    char name[160];
    const sample *train = &samples[DUET_TRAIN];
    duet_notes_add(options->notes, false,
                   "%s: column %zu of %zu%s is %g in all %zu test examples that were looked at, and goes from %g to %g "
                   "in training examples: is it missing here, and filled?",
                   rows->path, column + 1, rows->row_elements, duet_column_name(names, column, name, sizeof name),
                   (double)column_of(&samples[DUET_TEST], column)[0] + 0.0 /* not -0 */, samples[DUET_TEST].count,
                   (double)column_of(train, column)[0], (double)column_of(train, column)[train->count - 1]);
}

static void tell_of_scale(const sample samples[2], size_t column, size_t others, const duet_rows *rows,
                          const char *names, const duet_data_options *options)
{
    char name[160], more[64] = "";
    const sample *train = &samples[DUET_TRAIN], *test = &samples[DUET_TEST];
    if (others > 0) (void)duet_text_print(more, sizeof more, " (and %zu more are so)", others);
    duet_notes_add(options->notes, false,
                   "%s: column %zu of %zu%s lies in [%g, %g] in the middle half of the test examples and in [%g, %g] "
                   "in that of the training examples%s: is it of another scale in one of them?",
                   rows->path, column + 1, rows->row_elements, duet_column_name(names, column, name, sizeof name),
                   (double)quantile(test, column, 1, 4), (double)quantile(test, column, 3, 4),
                   (double)quantile(train, column, 1, 4), (double)quantile(train, column, 3, 4), more);
}

static bool look_at_scales(const sample samples[2], const duet_rows *rows, const char *names,
                           const duet_data_options *options)
{
    size_t scaled = 0, first = 0;
    bool told = false;
    for (size_t i = 0; i < rows->row_elements; i++) {
        if (!told && is_filled(samples, i)) {
            tell_of_filled(samples, i, rows, names, options);
            told = true;
        }
        if (is_of_other_scale(samples, i) && scaled++ == 0) first = i;
    }
    if (scaled > 0) tell_of_scale(samples, first, scaled - 1, rows, names, options);
    return told || scaled > 0;
}

/* ---- what is no table ---- */

/* The greatest number of a row, or of all. */
static float greatest(const float *values, size_t count)
{
    float most = values[0];
    for (size_t i = 1; i < count; i++) most = fmaxf(most, values[i]);
    return most;
}

/* Numbers that go from 0 on, of which one split never has those that most rows of the other have. */
static bool look_at_greatest(const sample samples[2], const duet_rows *rows, const duet_data_options *options)
{
    static const char *const words[] = {[DUET_TRAIN] = "training", [DUET_TEST] = "test"};
    float most[2];
    for (size_t i = 0; i < 2; i++) {
        const size_t numbers = samples[i].count * samples[i].elements;
        most[i] = greatest(samples[i].values, numbers);
        for (size_t k = 0; k < numbers; k++)
            if (samples[i].values[k] < 0) return false;
    }
    const size_t dark = most[DUET_TEST] < most[DUET_TRAIN] ? DUET_TEST : DUET_TRAIN;
    const sample *light = &samples[1 - dark];
    size_t below = 0;
    if (!((double)most[1 - dark] > brighter * (double)most[dark])) return false;
    for (size_t i = 0; i < light->count; i++)
        below += greatest(light->values + i * light->elements, light->elements) <= most[dark];
    if (!is_no_chance(below, light->count, samples[dark].count)) return false;
    duet_notes_add(options->notes, false,
                   "%s: of %zu %s examples that were looked at none has a number above %g, and %zu of %zu %s examples "
                   "have, up to %g: is one of them of another scale?",
                   rows->path, samples[dark].count, words[dark], (double)most[dark], light->count - below, light->count,
                   words[1 - dark], (double)most[1 - dark]);
    return true;
}

static duet_status look(sample samples[2], duet_rows *const rows[2], const char *names,
                        const duet_data_options *options, bool *told, duet_error *error)
{
    const duet_rows *test = rows[DUET_TEST];
    for (size_t i = 0; i < 2; i++) DUET_TRY(draw(&samples[i], rows[i], error));
    if (!duet_shape_is_table(test->shape)) {
        *told = look_at_greatest(samples, test, options);
        return DUET_OK;
    }
    for (size_t i = 0; i < 2; i++) DUET_TRY(sort_columns(&samples[i], rows[i], error));
    moved *places = malloc(sizeof *places);
    if (places == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", test->path);
    *told = look_at_order(places, samples);
    if (*told) tell_of_order(places, test, names, options);
    free(places);
    if (!*told) *told = look_at_scales(samples, test, names, options);
    return DUET_OK;
}

duet_status duet_tell_of_unlike_splits(duet_rows *const rows[2], const char *names, const duet_data_options *options,
                                       bool *told, duet_error *error)
{
    sample samples[2] = {{0}};
    *told = false;
    if (rows[DUET_TEST]->pictures || rows[DUET_TRAIN]->count < LEAST || rows[DUET_TEST]->count < LEAST) return DUET_OK;
    duet_status status = look(samples, rows, names, options, told, error);
    for (size_t i = 0; i < 2; i++) {
        free(samples[i].values);
        free(samples[i].courses);
    }
    return status;
}
