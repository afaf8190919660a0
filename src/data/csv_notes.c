/* SPDX-License-Identifier: MIT */
/* What is plausible and wrong in a CSV file: it is read all the same, and said. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/text.h"
#include "data/csv.h"
#include "data/rounding.h"

enum { FEW_ROWS = 10, FEW_CLASSES = 20 };

static duet_notes *notes_of(const duet_csv *it)
{
    return it->options == NULL ? NULL : it->options->notes;
}

/* Of two columns that are called like labels one is read as a number. */
static void tell_of_other_labels(const duet_csv *it)
{
    const char *asked = duet_csv_asked(it);
    for (size_t i = 0; it->label != DUET_CSV_NONE && i < it->columns; i++) {
        const char *name = it->names[i], *label = it->names[it->label];
        const bool exact = asked == NULL || strcmp(asked, label) == 0; /* then capitals tell columns apart */
        const bool same = exact ? strcmp(name, label) == 0 : strcasecmp(name, label) == 0;
        if ((long)i == it->label || !(same || (asked == NULL && duet_csv_is_label_name(name)))) continue;
        if (duet_csv_only_labels(it))
            duet_notes_add(it->options->notes, false,
                           "%s: the labels are those of its column %ld, \"%s\", and not of column %zu, \"%s\"%s",
                           it->path, it->label + 1, label, i + 1, name,
                           same ? "" : ": if they are, say column=NAME behind the file");
        else if (same)
            duet_notes_add(it->options->notes, false,
                           "%s: its columns %ld and %zu are both called \"%s\": the first holds the labels, the other "
                           "is read as one of the numbers; if it tells the same, take it out",
                           it->path, it->label + 1, i + 1, label);
        else
            duet_notes_add(it->options->notes, false,
                           "%s: \"%s\" holds the labels, and \"%s\" is read as one of the numbers: if it tells the "
                           "same, take it out; if it is the labels, name it with --labels",
                           it->path, label, name);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two columns of one name are the same one twice, or one of them is named wrongly. */
static void tell_of_repeated_names(const duet_csv *it)
{
    const char *label = it->label == DUET_CSV_NONE ? "" : it->names[it->label]; /* told of as such */
    const char **names = duet_csv_only_labels(it) ? NULL : calloc(it->columns, sizeof *names);
    const char *repeated = NULL;
    for (size_t i = 0; names != NULL && i < it->columns; i++) names[i] = it->names[i];
    if (names != NULL) qsort(names, it->columns, sizeof *names, compare_names);
    for (size_t i = 1; names != NULL && repeated == NULL && i < it->columns; i++)
        if (names[i][0] != '\0' && strcmp(names[i], names[i - 1]) == 0 && strcasecmp(names[i], label) != 0)
            repeated = names[i];
    free(names);
    if (repeated == NULL) return;
    duet_notes_add(it->options->notes, false,
                   "%s: several of its columns are called \"%s\", and each is read as one of the numbers: if they tell "
                   "the same, take all but one out",
                   it->path, repeated);
}

void duet_csv_tell_of_names(const duet_csv *it)
{
    double number;
    if (notes_of(it) == NULL) return;
    /* 5.1 names nothing: the first line would be an example that is lost. Whole numbers do beside a name that is none,
     * as 0, 1, 2 of pandas and years; a line of numbers alone is refused. */
    for (size_t i = 0; i < it->columns; i++) {
        if (strchr(it->names[i], '.') == NULL || !duet_number_read(it->names[i], &number)) continue;
        duet_notes_add(it->options->notes, false,
                       "%s: its first line, which names the columns, holds %s: if it is an example, put a line with "
                       "the names of the columns on top",
                       it->path, it->names[i]);
        break;
    }
    tell_of_other_labels(it);
    tell_of_repeated_names(it);
}

/* Whether the feature of that place is a few whole numbers, as classes are. *count: how many. */
static bool is_few(const duet_csv *it, size_t place, size_t features, size_t *count)
{
    float seen[FEW_CLASSES];
    *count = 0;
    for (size_t i = 0; i < it->rows; i++) {
        const float number = it->values[i * features + place];
        size_t k = 0;
        while (k < *count && seen[k] != number) k++;
        if (k < *count) continue;
        if (*count == FEW_CLASSES || number != floorf(number)) return false;
        seen[(*count)++] = number;
    }
    return *count > 1 && 2 * *count <= it->rows;
}

/* Labels that nobody named would be learnt like a measurement. */
static void tell_of_likely_labels(const duet_csv *it, size_t column, size_t place, size_t features)
{
    size_t count;
    if (it->label != DUET_CSV_NONE || duet_csv_asked(it) != NULL || !duet_csv_may_be_label_name(it->names[column]) ||
        !is_few(it, place, features, &count))
        return;
    duet_notes_add(it->options->notes, false,
                   "%s: the column \"%s\" holds %zu whole numbers, as classes do, and is read as one of the numbers: "
                   "if these are the labels, name it with --labels %s",
                   it->path, it->names[column], count, DUET_WORD("%s", it->names[column]));
}

/* Rows for the test would be learnt from, and their part like a measurement. */
static void tell_of_parts(const duet_csv *it, size_t column, size_t place, size_t features)
{
    size_t count;
    if (!duet_csv_is_part_name(it->names[column]) || !is_few(it, place, features, &count)) return;
    duet_notes_add(it->options->notes, false,
                   "%s: the column \"%s\" holds %zu whole numbers, and is read as one of the numbers: if it says which "
                   "rows are for the test, put these into test.csv and the others into train.csv of one folder, and "
                   "take the column out",
                   it->path, it->names[column], count);
}

/* A program's index of the rows would be learnt like a measurement. */
static void tell_of_index(const duet_csv *it, size_t column, size_t place, size_t features)
{
    duet_numbering numbers = {0};
    if (it->rows < FEW_ROWS) return;
    for (size_t i = 0; i < it->rows && !numbers.broken; i++)
        duet_numbering_add(&numbers, it->values[i * features + place]);
    if (!duet_numbering_is_whole(&numbers)) return;
    duet_notes_add(it->options->notes, false,
                   "%s: the column \"%s\" %s: if it is no more than their index, take it out (of pandas: "
                   "to_csv(..., index=False))",
                   it->path, it->names[column],
                   numbers.mixed ? "numbers the rows, in another order" : "counts the rows");
}

static bool tell_of_rounding(const duet_csv *it, size_t column)
{
    const duet_reach *reach = &it->ranges[column];
    duet_text words = {0}, remedy = {0};
    duet_text_add(&words, "the column \"%s\"", it->names[column]);
    duet_text_add(&remedy, "take %.15g off the column", reach->low);
    bool told = duet_tell_of_rounding(reach, it->rows, it->path, duet_text_get(&words), duet_text_get(&remedy),
                                      it->options->notes);
    duet_text_free(&words);
    duet_text_free(&remedy);
    return told;
}

/* Countries that separate by semicolons write 1.636 for what is 1,636 elsewhere, and leave no zeros behind a comma. */
static void tell_of_thousands(const duet_csv *it, size_t column)
{
    const duet_csv_points *points = &it->points[column];
    if (it->records.separator == ',' || points->small == 0 || points->marked == 0 ||
        points->small + points->marked < it->rows)
        return;
    duet_notes_add(it->options->notes, false,
                   "%s: the column \"%s\" goes from %.15g to %.15g, in whole numbers below 1000 and numbers of three "
                   "digits behind a point: if these points are marks of thousands, take them out",
                   it->path, it->names[column], it->ranges[column].low, it->ranges[column].high);
}

static void tell_of_words(const duet_csv *it)
{
    double number;
    bool numbers = it->word_count > 1, whole = true;
    for (size_t i = 0; i < it->word_count; i++) {
        bool is = duet_number_read(it->words[i], &number);
        numbers = numbers && is;
        whole = whole && is && number == floor(number);
    }
    if (numbers && !whole)
        duet_notes_add(it->options->notes, false,
                       "%s: the column \"%s\" holds %zu numbers such as %s, and each is a class: if they are "
                       "measurements, give the column another name, by which it is read as one of the numbers",
                       it->path, it->names[it->label], it->word_count, it->words[0]);
    for (size_t i = 0; i < it->word_count; i++) {
        if (!duet_csv_is_missing(it->words[i])) continue; /* classes may be called so, but seldom are */
        duet_notes_add(it->options->notes, false,
                       "%s: \"%s\" in the column \"%s\" is a class of its own: if it says that nobody knows, take "
                       "these lines out",
                       it->path, it->words[i], it->names[it->label]);
        return;
    }
}

bool duet_csv_tell_of_rows(const duet_csv *it, size_t features)
{
    bool rounding = false;
    if (notes_of(it) == NULL) return false;
    for (size_t i = 0, place = 0; features > 0 && i < it->columns; i++) {
        if ((long)i == it->label) continue;
        tell_of_index(it, i, place, features);
        tell_of_likely_labels(it, i, place, features);
        tell_of_parts(it, i, place, features);
        rounding |= tell_of_rounding(it, i);
        tell_of_thousands(it, i);
        place++;
    }
    if (it->label != DUET_CSV_NONE && !it->replaced) tell_of_words(it);
    return rounding;
}
