/* SPDX-License-Identifier: MIT */
/* What is plausible and wrong in a CSV file: it is read all the same, and said. What any table may have, such as an
 * index, is looked for in marks.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/text.h"
#include "data/csv.h"
#include "data/rounding.h"

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

bool duet_csv_tell_of_rows(const duet_csv *it)
{
    bool rounding = false;
    if (notes_of(it) == NULL) return false;
    for (size_t i = 0; !duet_csv_only_labels(it) && i < it->columns; i++) {
        if ((long)i == it->label) continue;
        rounding |= tell_of_rounding(it, i);
        tell_of_thousands(it, i);
    }
    if (it->label != DUET_CSV_NONE && !it->replaced) tell_of_words(it);
    return rounding;
}
