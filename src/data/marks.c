/* SPDX-License-Identifier: MIT */
/* A column of a table that is none of the examples' numbers: the number of the row, which a table's writer adds, the
 * label, or the part of the set. It is known by its numbers and place and, where columns have names, by these. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/status.h"
#include "base/text.h"
#include "data/columns.h"
#include "data/csv.h"
#include "data/plausible.h"
#include "data/remedy.h"

enum {
    ROWS = 4096 /* that are looked at */,
    NUMBERS = 1 << 20,
    FEWEST = 10 /* rows that number themselves by no chance */,
    LEAST = 30 /* rows that say without a name what a column is */,
    FEW = 2 /* values, as of a truth */,
    MANY = 100,
    NAMED = 20 /* values of what may be called so and be no class */,
    OFTEN = 3 /* times that each value is there */,
    WIDE = 16 /* columns, of which one is like a label by no chance */
};

/* Rows that are looked at, and the number of each in its file. */
typedef struct sample {
    duet_rows *file, *test; /* test: the other split's; NULL: there is none yet */
    const duet_data_options *options;
    bool labelled;
    char **names; /* [elements]; NULL: the columns have none */
    float *values, *column;
    size_t *rows, count, room, elements;
} sample;

static duet_status fail_memory(const sample *it, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", it->file->path);
}

static duet_status read_floats(duet_rows *file, size_t first, size_t count, float *to, duet_error *error)
{
    DUET_TRY(duet_rows_read(file, first, count, to, error));
    if (file->element == DUET_ELEMENT_UINT8) /* from the last on: each lies before what it becomes */
        for (size_t k = count * file->row_elements; k-- > 0;) to[k] = ((const uint8_t *)(const void *)to)[k];
    return DUET_OK;
}

static duet_status draw(sample *it, duet_error *error)
{
    size_t at, piece;
    it->room = NUMBERS / it->elements;
    if (it->room > ROWS) it->room = ROWS;
    if (it->room < LEAST) it->room = LEAST;
    it->values = calloc(it->room, it->elements * sizeof *it->values);
    it->column = calloc(it->room, sizeof *it->column);
    it->rows = calloc(it->room, sizeof *it->rows);
    if (it->values == NULL || it->column == NULL || it->rows == NULL) return fail_memory(it, error);
    for (size_t i = 0; duet_rows_spread(it->file->count, it->room, i, &at, &piece); i++) {
        DUET_TRY(read_floats(it->file, at, piece, it->values + it->count * it->elements, error));
        for (size_t k = 0; k < piece; k++) it->rows[it->count + k] = at + k;
        it->count += piece;
    }
    return DUET_OK;
}

/* Names of a line each. */
static duet_status take_names(sample *it, const char *lines, duet_error *error)
{
    if (lines == NULL) return DUET_OK;
    it->names = calloc(it->elements, sizeof *it->names);
    for (size_t i = 0; it->names != NULL && i < it->elements; i++) {
        const size_t length = strcspn(lines, "\n");
        if ((it->names[i] = strndup(lines, length)) == NULL) break;
        lines += length + (lines[length] != '\0');
    }
    return it->names != NULL && it->names[it->elements - 1] != NULL ? DUET_OK : fail_memory(it, error);
}

static void free_sample(sample *it)
{
    for (size_t i = 0; it->names != NULL && i < it->elements; i++) free(it->names[i]);
    free(it->names);
    free(it->values);
    free(it->column);
    free(it->rows);
}

static duet_column look_at(const sample *it, size_t column)
{
    for (size_t i = 0; i < it->count; i++) it->column[i] = it->values[i * it->elements + column];
    return duet_column_look(it->column, it->count);
}

/* From 0 or 1 on one by one, or, of rows enough, from any whole number on by any. */
static bool counts_rows(const sample *it, size_t column)
{
    const double first = it->values[column],
                 step = it->count < LEAST ? 1 : (double)it->values[it->elements + column] - first,
                 from = first - step * (double)it->rows[0];
    if (step == 0 || step != floor(step) || from != floor(from)) return false;
    if (it->count < LEAST && from != 0 && from != 1) return false;
    for (size_t i = 0; i < it->count; i++)
        if (it->values[i * it->elements + column] != (float)(from + step * (double)it->rows[i])) return false;
    return true;
}

static bool has_fractions(const sample *it, size_t column)
{
    for (size_t i = 0; i < it->count; i++) {
        const float value = it->values[i * it->elements + column];
        if (value != floorf(value)) return true;
    }
    return false;
}

/* Each number of a row once, as far as they are looked at, and not in order. */
static bool may_number_rows(const sample *it, size_t column)
{
    const size_t rows = it->file->count + (it->test != NULL ? it->test->count : 0);
    if (has_fractions(it, column) || counts_rows(it, column)) return false;
    const duet_column found = look_at(it, column);
    return found.distinct == it->count && found.low.value >= 0 && found.high.value <= (float)rows;
}

/* Called so, with another whole number in each row. */
static bool is_id(const sample *it, size_t column)
{
    if (it->names == NULL || it->count < LEAST || !duet_csv_is_id_name(it->names[column])) return false;
    if (has_fractions(it, column) || may_number_rows(it, column)) return false;
    return look_at(it, column).distinct == it->count;
}

static bool any_may_number(const sample *it, const duet_numbering *numbers)
{
    for (size_t i = 0; i < it->elements; i++)
        if (!numbers[i].broken) return true;
    return false;
}

/* Goes through all rows, over those of the sample, as long as a column may number them. */
static duet_status number_rows(sample *it, duet_rows *file, duet_numbering *numbers, duet_error *error)
{
    for (size_t first = 0, piece; any_may_number(it, numbers) && first < file->count; first += piece) {
        piece = file->count - first < it->room ? file->count - first : it->room;
        DUET_TRY(read_floats(file, first, piece, it->values, error));
        for (size_t i = 0; i < it->elements; i++)
            for (size_t row = 0; row < piece && !numbers[i].broken; row++)
                duet_numbering_add(&numbers[i], it->values[row * it->elements + i]);
    }
    return DUET_OK;
}

/* The column that numbers the rows; `elements`: there is none, or there are several, as where all numbers are ranks. */
static size_t numbering_one(const sample *it, const duet_numbering *numbers)
{
    size_t found = it->elements, whole = 0;
    for (size_t i = 0; i < it->elements; i++)
        if (duet_numbering_is_whole(&numbers[i]) && whole++ == 0) found = i;
    return whole == 1 ? found : it->elements;
}

/* *found: likewise the one that numbers the training rows in another order, or those of both splits, as of a table that
 * was divided by chance. */
static duet_status find_mixed(sample *it, size_t *found, duet_error *error)
{
    duet_numbering *numbers = calloc(it->elements, sizeof *numbers);
    if (numbers == NULL) return fail_memory(it, error);
    for (size_t i = 0; i < it->elements; i++) numbers[i].broken = !may_number_rows(it, i);
    duet_status status = number_rows(it, it->file, numbers, error);
    *found = numbering_one(it, numbers);
    if (status == DUET_OK && *found == it->elements && it->test != NULL) {
        status = number_rows(it, it->test, numbers, error);
        *found = numbering_one(it, numbers);
    }
    free(numbers);
    return status;
}

/* Classes are numbers from 0 or 1 on, each of which many rows have. *classes: how many. */
static bool holds_classes(const sample *it, size_t column, size_t *classes)
{
    const duet_column found = look_at(it, column);
    *classes = found.distinct;
    return found.whole && (found.low.value == 0 || found.low.value == 1) && found.distinct >= FEW &&
           found.distinct <= MANY && found.distinct * OFTEN <= it->count &&
           found.high.value - found.low.value == (float)(found.distinct - 1);
}

/* A few whole numbers, which a name makes classes or parts. */
static bool holds_few(const sample *it, size_t column, size_t most, size_t *count)
{
    const duet_column found = look_at(it, column);
    *count = found.distinct;
    return found.whole && found.distinct > 1 && found.distinct <= most && 2 * found.distinct <= it->count;
}

/* Most columns have about as many classes, as truths and answers have: then this is one of them. */
static bool are_alike(const sample *it, size_t column, size_t classes)
{
    size_t alike = 0, others = 0, own;
    for (size_t i = 0; i < it->elements; i++) {
        if (i == column) continue;
        const bool hold = holds_classes(it, i, &own);
        others += own > 1;
        alike += hold && own * 8 <= classes * 9 + 8 && classes * 8 <= own * 9 + 8;
    }
    return alike * 2 > others;
}

static bool is_named(const sample *it, size_t column)
{
    return it->names != NULL && it->names[column][0] != '\0';
}

/* "", "c", "x4" and "V5" do not say what is measured; "rooms" and "month" do. */
static bool says_nothing(const sample *it, size_t column)
{
    if (!is_named(it, column)) return true;
    const char *name = it->names[column], last = name[strlen(name) - 1];
    return name[1] == '\0' || (last >= '0' && last <= '9');
}

/* The only column of whole numbers, or one more than the numbers of a picture, in front of the others or behind. */
static bool is_label(const sample *it, size_t column, size_t *classes)
{
    const bool beside_picture = it->elements > DUET_PICTURE_NUMBERS && !duet_numbers_are_square(it->elements) &&
                                duet_numbers_are_square(it->elements - 1);
    if ((column != 0 && column != it->elements - 1) || it->count < LEAST || it->elements <= FEW) return false;
    if (!says_nothing(it, column)) return false;
    if (!holds_classes(it, column, classes)) return false;
    if (beside_picture) return !are_alike(it, column, *classes);
    for (size_t i = 0; i < it->elements; i++)
        if (i != column && !has_fractions(it, i)) return false;
    return *classes > FEW || it->elements >= WIDE;
}

static bool is_of_csv(const sample *it)
{
    return !it->options->own && duet_csv_is_file_name(it->file->path); /* whatever a program calls its own */
}

/* A note on a column, by its name or else its place: "the column "a" counts the rows". */
static void tell(const sample *it, size_t column, const char *words)
{
    if (is_named(it, column))
        duet_notes_add(it->options->notes, false, "%s: the column \"%s\" %s", it->file->path, it->names[column], words);
    else
        duet_notes_add(it->options->notes, false, "%s: column %zu of %zu %s", it->file->path, column + 1, it->elements,
                       words);
}

/* An index would be learnt like a measurement. */
static void tell_of_index(const sample *it, size_t column, const char *what)
{
    duet_text words = {0};
    duet_text_add(&words, "%s: if it is no more than their index, ", what);
    if (is_of_csv(it))
        duet_text_add(&words, "take it out (of pandas: to_csv(..., index=False))");
    else if (it->names != NULL)
        duet_text_add(&words, "take it out, of both splits");
    else
        duet_text_add(&words, "%s numpy.delete(array, %zu, 1) in its place, of both splits",
                      it->options->own ? "pass" : "save", column);
    tell(it, column, duet_text_get(&words));
    duet_text_free(&words);
}

/* So would be labels that nobody named, or that are there beside others. */
static void tell_of_labels(const sample *it, size_t column, size_t classes)
{
    const char *save = it->options->own ? "pass" : "save";
    duet_text words = {0};
    duet_text_add(&words, "holds %zu whole numbers, as classes do, and is read as one of the numbers", classes);
    if (it->labelled)
        duet_text_add(&words, " beside the labels: if it tells the same, take it out, of both splits");
    else if (is_of_csv(it))
        duet_text_add(&words, ": if these are the labels, name it with --labels %s",
                      DUET_WORD("%s", is_named(it, column) ? it->names[column] : "NAME"));
    else if (it->names != NULL)
        duet_text_add(&words, ": if these are the labels, %s it as labels and the others as examples, of both splits",
                      save);
    else
        duet_text_add(&words,
                      ": if these are the labels, %s array[:, %s] as examples and array[:, %d] as labels, of "
                      "both splits",
                      save, column == 0 ? "1:" : ":-1", column == 0 ? 0 : -1);
    tell(it, column, duet_text_get(&words));
    duet_text_free(&words);
}

/* Rows for the test would be learnt from. */
static void tell_of_parts(const sample *it, size_t column, size_t parts)
{
    duet_text words = {0};
    duet_text_add(
        &words, "holds %zu whole numbers, and is read as one of the numbers: if it says which rows are for the test, ",
        parts);
    if (is_of_csv(it))
        duet_text_add(&words, "put these into test.csv and the others into train.csv of one folder, and take the "
                              "column out");
    else
        duet_text_add(&words, "%s these as the test split, and take the column out",
                      it->options->own ? "pass" : "save");
    tell(it, column, duet_text_get(&words));
    duet_text_free(&words);
}

/* "y" is a place beside an "x" of whole numbers. */
static bool is_place(const sample *it, size_t column)
{
    if (strcasecmp(it->names[column], "y") != 0) return false;
    for (size_t i = 0; i < it->elements; i++)
        if (strcasecmp(it->names[i], "x") == 0 && !has_fractions(it, i)) return true;
    return false;
}

/* By what it is called. Of a CSV file a column that is called like labels holds them, or is told of as it is read. */
static bool tell_by_name(const sample *it, size_t column)
{
    size_t count;
    if (!is_named(it, column)) return false;
    const char *name = it->names[column];
    const bool label = duet_csv_is_label_name(name) && !(it->labelled && is_of_csv(it));
    if (duet_csv_is_part_name(name) && holds_few(it, column, NAMED, &count))
        tell_of_parts(it, column, count);
    else if ((label && holds_few(it, column, MANY, &count)) ||
             (!it->labelled && duet_csv_may_be_label_name(name) && !is_place(it, column) &&
              holds_few(it, column, NAMED, &count)))
        tell_of_labels(it, column, count);
    else
        return false;
    return true;
}

/* How many columns count among others that do not; 0 where most do: all of a series' windows may. */
static size_t count_indexes(const sample *it)
{
    size_t counting = 0;
    for (size_t i = 0; i < it->elements; i++) counting += counts_rows(it, i);
    return counting <= (it->elements + 1) / 2 ? counting : 0;
}

static duet_status look(sample *it, duet_error *error)
{
    const size_t indexes = count_indexes(it);
    size_t classes, mixed = it->elements;
    for (size_t i = 0; i < it->elements; i++)
        if (indexes > 0 && counts_rows(it, i))
            tell_of_index(it, i, "counts the rows");
        else if (is_id(it, i))
            tell_of_index(it, i, "has another whole number in each row, and the name of such");
        else if (!tell_by_name(it, i) && !it->labelled && is_label(it, i, &classes))
            tell_of_labels(it, i, classes);
    DUET_TRY(find_mixed(it, &mixed, error));
    if (mixed < it->elements) tell_of_index(it, mixed, "numbers the rows, in another order");
    return DUET_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two columns of one name are the same one twice, or one of them is named wrongly. */
static duet_status tell_of_repeated_names(const sample *it, duet_error *error)
{
    if (it->names == NULL) return DUET_OK;
    const char **names = calloc(it->elements, sizeof *names), *repeated = NULL;
    if (names == NULL) return fail_memory(it, error);
    for (size_t i = 0; i < it->elements; i++) names[i] = it->names[i];
    qsort(names, it->elements, sizeof *names, compare_names);
    for (size_t i = 1; repeated == NULL && i < it->elements; i++)
        if (names[i][0] != '\0' && strcmp(names[i], names[i - 1]) == 0) repeated = names[i];
    free(names);
    if (repeated == NULL) return DUET_OK;
    duet_notes_add(it->options->notes, false,
                   "%s: several of its columns are called \"%s\", and each is read as one of the numbers: if they tell "
                   "the same, take all but one out",
                   it->file->path, repeated);
    return DUET_OK;
}

duet_status duet_tell_of_marks(duet_rows *train, duet_rows *test, bool labelled, const char *names,
                               const duet_data_options *options, duet_error *error)
{
    sample it = {train, test, options, labelled, .elements = train->row_elements};
    if (train->shape.rank != 1) return DUET_OK;
    duet_status status = take_names(&it, names, error);
    if (status == DUET_OK) status = tell_of_repeated_names(&it, error);
    if (status == DUET_OK && train->count >= FEWEST && (names != NULL || it.elements > FEW)) {
        status = draw(&it, error);
        if (status == DUET_OK) status = look(&it, error);
    }
    free_sample(&it);
    return status;
}
