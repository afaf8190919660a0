/* SPDX-License-Identifier: MIT */
/* Labels in another order than their examples are wrong without any sign of it. Signs are looked for: a column that
 * both files have, numbers of the lines, and names of pictures that a program and a person sort in different ways. */
#include "data/label_order.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/status.h"
#include "data/columns.h"
#include "data/csv.h"
#include "data/numbering.h"
#include "data/picture.h"

/* ---- a column that both have ---- */

/* The values of the column in the examples and in the labels, and both once more to be sorted. */
typedef struct shared {
    float *values, *mine, *theirs, *sorted[2], *row;
    size_t count, place;
} shared;

static int compare(const void *a, const void *b)
{
    const float left = *(const float *)a, right = *(const float *)b;
    return left < right ? -1 : left > right;
}

static duet_status shared_make(shared *it, const duet_rows *examples, const duet_rows *labels, duet_error *error)
{
    it->count = labels->count;
    it->values = calloc(4 * it->count + examples->row_elements, sizeof *it->values);
    if (it->values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", labels->path);
    it->mine = it->values;
    it->theirs = it->mine + it->count;
    it->sorted[0] = it->theirs + it->count;
    it->sorted[1] = it->sorted[0] + it->count;
    it->row = it->sorted[1] + it->count;
    return DUET_OK;
}

static duet_status read_mine(shared *it, duet_rows *examples, size_t parts, duet_error *error)
{
    size_t done = 0;
    for (size_t part = 0; part < parts; part++)
        for (size_t i = 0; i < examples[part].count && done < it->count; i++) {
            DUET_TRY(duet_rows_read(&examples[part], i, 1, it->row, error));
            it->mine[done++] = it->row[it->place];
        }
    return DUET_OK;
}

/* As the examples have them, which are float32. False: not all are numbers. */
static bool read_theirs(shared *it, const duet_rows *labels)
{
    double number;
    for (size_t i = 0; i < it->count; i++) {
        if (!duet_number_read(labels->keys[i], &number)) return false;
        it->theirs[i] = (float)number;
    }
    return true;
}

static size_t first_difference(const float *one, const float *other, size_t count)
{
    size_t i = 0;
    while (i < count && one[i] == other[i]) i++;
    return i;
}

static bool are_the_same_values(shared *it)
{
    memcpy(it->sorted[0], it->mine, 2 * it->count * sizeof *it->mine);
    for (size_t i = 0; i < 2; i++) qsort(it->sorted[i], it->count, sizeof *it->mine, compare);
    return first_difference(it->sorted[0], it->sorted[1], it->count) == it->count;
}

/* Whether no value is there twice, so that a value names its line. */
static bool are_all_different(shared *it)
{
    memcpy(it->sorted[0], it->mine, it->count * sizeof *it->mine);
    qsort(it->sorted[0], it->count, sizeof *it->mine, compare);
    size_t i = 1;
    while (i < it->count && it->sorted[0][i] != it->sorted[0][i - 1]) i++;
    return i >= it->count;
}

/* *proven: the column is the same in both, line by line, and names the lines. A column of measurements may be scaled in
 * one of them. */
static duet_status compare_shared(shared *it, const duet_rows *examples, const duet_rows *labels, bool *proven,
                                  duet_notes *notes, duet_error *error)
{
    const size_t at = first_difference(it->mine, it->theirs, it->count);
    *proven = at == it->count && are_all_different(it);
    if (at == it->count) return DUET_OK;
    if (are_the_same_values(it))
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: its column \"%s\" shows that its lines are in another order than the examples of %s: "
                         "label %zu is that of %.9g, and example %zu is %.9g: sort both files by it",
                         labels->path, labels->key_column, examples->path, at, (double)it->theirs[at], at,
                         (double)it->mine[at]);
    if (duet_csv_key_rank(labels->key_column) > 0)
        duet_notes_add(notes, false,
                       "%s: its column \"%s\" and that of %s hold other values, such as %.9g and %.9g of example %zu: "
                       "labels are taken in the order of the lines; make sure that these are the examples' own",
                       labels->path, labels->key_column, examples->path, (double)it->theirs[at], (double)it->mine[at],
                       at);
    return DUET_OK;
}

/* Whether the examples of so many parts are those that the labels are for, and have the column that names them. */
static bool have_in_common(const duet_rows *examples, size_t parts, const duet_rows *labels, long *place)
{
    size_t count = 0;
    for (size_t part = 0; part < parts; part++) {
        if (examples[part].row_elements != examples->row_elements || examples[part].element != DUET_ELEMENT_FLOAT32)
            return false;
        count += examples[part].count;
    }
    *place = labels->keys == NULL ? -1 : duet_columns_find(examples->columns, labels->key_column);
    return *place >= 0 && (labels->count == count || labels->count == examples->count);
}

static duet_status check_shared(duet_rows *examples, size_t parts, const duet_rows *labels, bool *proven,
                                duet_notes *notes, duet_error *error)
{
    shared it = {NULL};
    long place;
    *proven = false;
    if (!have_in_common(examples, parts, labels, &place)) return DUET_OK;
    it.place = (size_t)place;
    DUET_TRY(shared_make(&it, examples, labels, error));
    duet_status status = read_mine(&it, examples, parts, error);
    if (status == DUET_OK && read_theirs(&it, labels))
        status = compare_shared(&it, examples, labels, proven, notes, error);
    free(it.values);
    return status;
}

/* ---- numbers of the lines ---- */

/* Whether all names are numbers; *sorted: each is greater than the one before. */
static bool are_numbers(const duet_rows *labels, bool *sorted)
{
    double before = 0, number;
    *sorted = true;
    for (size_t i = 0; i < labels->count; i++, before = number) {
        if (!duet_number_read(labels->keys[i], &number)) return false;
        *sorted = *sorted && (i == 0 || number > before);
    }
    return true;
}

/* Whether the keys number the lines, each once; *mixed: in another order. */
static bool number_the_lines(const duet_rows *labels, bool (*read)(const char *key, double *number), bool *mixed)
{
    duet_numbering numbers = {0};
    for (size_t i = 0; i < labels->count; i++) {
        double number;
        duet_numbering_add(&numbers, read(labels->keys[i], &number) ? number : NAN);
    }
    *mixed = numbers.mixed;
    return duet_numbering_is_whole(&numbers);
}

/* The last digits of the name of a picture's file, but for its ending, such as 12 of "scan_2_0012.png". */
static bool read_picture_number(const char *key, double *number)
{
    const char *end = strrchr(key, '.'), *digits;
    if (end == NULL || !duet_picture_name_is(key)) return false;
    while (end > key && !isdigit((unsigned char)end[-1]) && end[-1] != '/') end--;
    for (digits = end; digits > key && isdigit((unsigned char)digits[-1]);) digits--;
    *number = strtod(digits, NULL);
    return digits < end;
}

bool duet_label_keys_are_numbers(const duet_rows *labels)
{
    bool sorted;
    return are_numbers(labels, &sorted);
}

static duet_status check_numbers(const duet_rows *labels, bool pictures, duet_error *error)
{
    bool sorted, mixed;
    const char *column = labels->shuffled;
    if (labels->keys != NULL && are_numbers(labels, &sorted) && !sorted &&
        (pictures || number_the_lines(labels, duet_number_read, &mixed)))
        column = labels->key_column;
    if (labels->keys != NULL && !pictures && number_the_lines(labels, read_picture_number, &mixed) && mixed)
        column = labels->key_column;
    if (column == NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: its column \"%s\" shows that its lines are in another order than the examples: sort them by "
                     "it%s; or take the column out where the lines are in the examples' order",
                     labels->path, column,
                     pictures ? ", or call it id where it is the number in the names of the pictures" : "");
}

/* ---- the order of pictures ---- */

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

static int compare_letters(char a, char b)
{
    if (isalpha((unsigned char)a) && isalpha((unsigned char)b) &&
        tolower((unsigned char)a) != tolower((unsigned char)b))
        return tolower((unsigned char)a) - tolower((unsigned char)b);
    return isalpha((unsigned char)a) && isalpha((unsigned char)b) ? 0 : (unsigned char)a - (unsigned char)b;
}

/* As people sort names: in capitals or not, and numbers by what they are. */
static int compare_as_people(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (count_digits(a) > 0 && count_digits(b) > 0) {
            a += strspn(a, "0");
            b += strspn(b, "0");
            const size_t one = count_digits(a), other = count_digits(b);
            const int order = one != other ? (one > other) - (one < other) : strncmp(a, b, one);
            if (order != 0) return order;
            a += one;
            b += other;
        } else {
            const int order = compare_letters(*a++, *b++);
            if (order != 0) return order;
        }
    }
    return (*a != '\0') - (*b != '\0');
}

static void tell_of_pictures(const duet_rows *examples, size_t parts, const duet_rows *labels, duet_notes *notes)
{
    for (size_t part = 0; part < parts; part++)
        for (size_t i = 1; i < examples[part].count; i++) {
            const char *one = duet_rows_name(&examples[part], i - 1), *next = duet_rows_name(&examples[part], i);
            if (strcmp(one, next) <= 0 && compare_as_people(one, next) <= 0) continue;
            duet_notes_add(notes, false,
                           "%s: its labels do not say whose they are, and are taken in the order of %s, in which %s "
                           "comes before %s: if theirs is another one, give a CSV file that has the name of the "
                           "picture beside each label, in columns called file and label",
                           labels->path, examples[part].path, one, next);
            return;
        }
}

/* Names of pictures are of no use to examples without names, and in no order they say nothing of their own. */
static void tell_of_names(const duet_rows *examples, const duet_rows *labels, duet_notes *notes)
{
    bool sorted[2] = {true, true};
    for (size_t i = 0; labels->keys != NULL && i < labels->count; i++) {
        if (!duet_picture_name_is(labels->keys[i])) return;
        if (i == 0) continue;
        sorted[0] = sorted[0] && strcmp(labels->keys[i - 1], labels->keys[i]) <= 0;
        sorted[1] = sorted[1] && compare_as_people(labels->keys[i - 1], labels->keys[i]) <= 0;
    }
    if (labels->keys != NULL && !sorted[0] && !sorted[1])
        duet_notes_add(
            notes, false,
            "%s: its column \"%s\" names pictures in no order of their names, and the examples of %s have no "
            "names: labels are taken in the order of the lines; make sure that the pictures were joined in "
            "that order, or give the folder of pictures itself, which labels are matched to by name",
            labels->path, labels->key_column, examples->path);
}

duet_status duet_labels_check_order(duet_rows *examples, size_t parts, const duet_rows *labels, duet_notes *notes,
                                    duet_error *error)
{
    bool proven;
    const bool pictures = duet_rows_name(examples, 0) != NULL;
    DUET_TRY(check_shared(examples, parts, labels, &proven, notes, error));
    if (proven) return DUET_OK;
    DUET_TRY(check_numbers(labels, pictures, error));
    if (labels->count == examples[0].count) parts = 1;
    if (pictures)
        tell_of_pictures(examples, parts, labels, notes);
    else
        tell_of_names(examples, labels, notes);
    return DUET_OK;
}

void duet_labels_tell_of_parts(const duet_rows *examples, const duet_rows *labels, const duet_data_options *options)
{
    if (labels->part_column == NULL || options->for_use) return;
    duet_notes_add(options->notes, false,
                   "%s: its column \"%s\" is not looked at: if it says which examples are for the test, give these a "
                   "part of their own: %s",
                   labels->path, labels->part_column,
                   duet_rows_name(examples, 0) != NULL
                       ? "folders train and test of the pictures, to which the labels are matched by name"
                       : "files train and test in a folder, with labels of each");
}
