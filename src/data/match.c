/* SPDX-License-Identifier: MIT */
/* A picture is found by its path or the end of it, with or without the ending of its name; where a file names longer
 * paths than there are here, by the last part of both; where it has numbers, by the only one of the name, or the one at
 * its end. */
#include "data/match.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/label_order.h"
#include "data/picture.h"

/* A name and the row that it stands in. */
typedef struct entry {
    char *name;
    size_t row;
} entry;

/* The names of a file of labels, whole and their last parts, both sorted. */
typedef struct table {
    entry *whole, *last;
    size_t count;
} table;

enum { NOWHERE = -1, SEVERAL = -2 };

static int compare(const void *a, const void *b)
{
    const entry *one = a, *two = b;
    int order = strcmp(one->name, two->name);
    return order != 0 ? order : (one->row > two->row) - (one->row < two->row);
}

static char *last_part(char *name)
{
    char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

static duet_status table_make(table *it, const duet_rows *labels, duet_error *error)
{
    it->count = labels->count;
    it->whole = calloc(it->count, sizeof *it->whole);
    it->last = calloc(it->count, sizeof *it->last);
    if (it->whole == NULL || it->last == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for its names", labels->path);
    for (size_t i = 0; i < it->count; i++) {
        char *name = labels->keys[i];
        it->whole[i] = (entry){strncmp(name, "./", 2) == 0 ? name + 2 : name, i};
        it->last[i] = (entry){last_part(name), i};
    }
    qsort(it->whole, it->count, sizeof *it->whole, compare);
    qsort(it->last, it->count, sizeof *it->last, compare);
    return DUET_OK;
}

static void table_free(table *it)
{
    free(it->whole);
    free(it->last);
}

/* The row of a name among sorted ones. */
static long find(const entry *entries, size_t count, const char *name)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(entries[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count || strcmp(entries[low].name, name) != 0) return NOWHERE;
    return low + 1 < count && strcmp(entries[low + 1].name, name) == 0 ? SEVERAL : (long)entries[low].row;
}

/* The row that names a picture: its path, or the end of that, which is `name`. */
static long find_path(const table *it, char *name)
{
    long row = NOWHERE;
    for (char *at = name; row == NOWHERE && at != NULL; at = strchr(at, '/') == NULL ? NULL : strchr(at, '/') + 1)
        row = find(it->whole, it->count, at);
    return row != NOWHERE ? row : find(it->last, it->count, last_part(name));
}

/* The row that has the number of the name, its only one or else the one at its end, as 7 and 007 of img007 and 7 of
 * 7_shirt. `name` is cut behind it. */
static long find_number(const table *it, char *name)
{
    static const char digits[] = "0123456789";
    char *number = name + strcspn(name, digits), *end = number + strspn(number, digits);
    if (*number == '\0') return NOWHERE;
    if (end[strcspn(end, digits)] != '\0')
        for (number = end = name + strlen(name); strchr(digits, number[-1]) != NULL;) number--;
    if (number == end) return NOWHERE;
    *end = '\0';
    long row = find(it->whole, it->count, number);
    while (number[0] == '0' && number[1] != '\0') number++;
    return row != NOWHERE ? row : find(it->whole, it->count, number);
}

/* `name` is changed on the way. */
static long find_picture(const table *it, char *name)
{
    long row = find_path(it, name);
    char *dot = strrchr(last_part(name), '.');
    if (row != NOWHERE || dot == NULL) return row;
    *dot = '\0';
    row = find_path(it, name);
    return row != NOWHERE ? row : find_number(it, last_part(name));
}

/* How many names at their ends two paths share. */
static size_t count_shared(const char *one, const char *other)
{
    size_t left = strlen(one), right = strlen(other), count = 0;
    for (; left > 0 && right > 0 && one[left - 1] == other[right - 1]; left--, right--) count += one[left - 1] == '/';
    return count + ((left == 0 || one[left - 1] == '/') && (right == 0 || other[right - 1] == '/'));
}

/* Which row each picture's label stands in, counted from 1, the training examples first; found[split]: how many have
 * one. By row: how many pictures have it, and how much of its path the one shares that shares most. */
typedef struct match {
    size_t *rows, *taken, *shared, found[2];
} match;

static duet_status find_row(const table *names, const duet_rows *labels, const char *path, long *row, size_t *shared,
                            duet_error *error)
{
    char *name = strdup(path);
    if (name == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for names", labels->path);
    *row = find_picture(names, name);
    *shared = *row < 0 ? 0 : count_shared(labels->keys[*row], name);
    free(name);
    return DUET_OK;
}

/* A line that names train/0.png is not that of test/0.png, which would have it where there is no other. */
static duet_status find_shared(match *it, const table *names, const duet_rows *examples, const duet_rows *labels,
                               duet_error *error)
{
    for (size_t i = 0; i < examples->count; i++) {
        long row;
        size_t shared;
        DUET_TRY(find_row(names, labels, duet_rows_name(examples, i), &row, &shared, error));
        if (row >= 0 && shared > it->shared[row]) it->shared[row] = shared;
    }
    return DUET_OK;
}

static duet_status fail_several(const duet_rows *labels, const char *what, const char *name, const char *instead,
                                duet_error *error)
{
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: in the column \"%s\" %s %s: give each path from the folder of the pictures on, once%s",
                     labels->path, labels->key_column, what, name, instead);
}

static duet_status match_split(match *it, const table *names, const duet_rows *examples, duet_split split, size_t first,
                               const duet_rows *labels, duet_error *error)
{
    for (size_t i = 0; i < examples->count; i++) {
        const char *path = duet_rows_name(examples, i);
        long row;
        size_t shared;
        DUET_TRY(find_row(names, labels, path, &row, &shared, error));
        if (row == SEVERAL) return fail_several(labels, "several lines name", path, "", error);
        if (row == NOWHERE || shared < it->shared[row]) continue;
        if (it->taken[row]++ > 0)
            return fail_several(labels, "the line of another picture fits", path,
                                split == DUET_TEST && labels->count == first
                                    ? "; or, if these are labels of the training pictures, of which there are as many, "
                                      "name their folder alone"
                                    : "",
                                error);
        it->rows[first + i] = (size_t)row + 1;
        it->found[split]++;
    }
    return DUET_OK;
}

static const char *first_without(const match *it, const duet_rows examples[2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (it->rows[i] == 0)
            return i < examples[0].count ? duet_rows_name(&examples[0], i)
                                         : duet_rows_name(&examples[1], i - examples[0].count);
    return "";
}

static void forget_keys(duet_rows *labels)
{
    for (size_t i = 0; i < labels->count; i++) free(labels->keys[i]);
    free(labels->keys);
    labels->keys = NULL;
}

/* Labels of the first `count` pictures in their order. */
static duet_status reorder(duet_rows *labels, const match *it, size_t count, duet_error *error)
{
    uint8_t *values = malloc(count);
    if (values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for labels", labels->path);
    for (size_t i = 0; i < count; i++) values[i] = labels->labels.values[it->rows[i] - 1];
    free(labels->labels.values);
    labels->labels.values = values;
    forget_keys(labels);
    labels->count = count;
    return DUET_OK;
}

/* Whether the pictures are numbered: then numbers that fit none are not those of the lines. */
static bool have_numbers(const duet_rows *examples)
{
    for (size_t i = 0; i < examples->count; i++) {
        const char *path = duet_rows_name(examples, i), *slash = strrchr(path, '/');
        if (strpbrk(slash != NULL ? slash : path, "0123456789") != NULL) return true;
    }
    return false;
}

static bool name_files(const duet_rows *labels)
{
    for (size_t i = 0; i < labels->count; i++)
        if (duet_picture_name_is(labels->keys[i])) return true;
    return false;
}

/* Names of single things do not repeat: those that do are of kinds, such as classes. */
static bool has_twins(const table *it)
{
    for (size_t i = 1; i < it->count; i++)
        if (strcmp(it->whole[i].name, it->whole[i - 1].name) == 0) return true;
    return false;
}

/* Bytes of a letter's marks, U+0300 to U+036F. */
static size_t marks_behind(const char *at)
{
    const unsigned char *end = (const unsigned char *)at;
    while ((end[0] == 0xCC && end[1] >= 0x80) || (end[0] == 0xCD && end[1] >= 0x80 && end[1] <= 0xAF)) end += 2;
    return (size_t)(end - (const unsigned char *)at);
}

static size_t letter_bytes(const char *at)
{
    size_t bytes = 1;
    while (at[0] != '\0' && ((unsigned char)at[bytes] & 0xC0) == 0x80) bytes++;
    return bytes;
}

/* Whether two names, without endings, are the same text where marks stand by themselves in one of them, as macOS has
 * them, and in the other are part of their letters. *apart: in the first. */
static bool are_composed_otherwise(const char *one, const char *other, bool *apart)
{
    const char *ends[] = {one + strcspn(one, "."), other + strcspn(other, ".")};
    bool differ = false;
    while (one < ends[0] && other < ends[1]) {
        size_t bytes[] = {letter_bytes(one), letter_bytes(other)};
        const size_t marks[] = {marks_behind(one + bytes[0]), marks_behind(other + bytes[1])};
        const bool same = bytes[0] == bytes[1] && memcmp(one, other, bytes[0]) == 0 && marks[0] == marks[1];
        if (!same && (marks[0] > 0) == (marks[1] > 0)) return false;
        if (!same && bytes[marks[0] > 0] == 1) return false; /* a plain letter has no mark */
        if (!same) *apart = marks[0] > 0;
        differ |= !same;
        one += bytes[0] + marks[0];
        other += bytes[1] + marks[1];
    }
    return differ && one == ends[0] && other == ends[1];
}

/* Two names that look alike would say nothing: what is different about them is said. DUET_OK: they do not. */
static duet_status check_composed(const duet_rows *labels, const char *picture, duet_error *error)
{
    const char *slash = strrchr(picture, '/'), *name = slash == NULL ? picture : slash + 1;
    bool apart = false, found = false;
    for (size_t i = 0; !found && i < labels->count; i++)
        found = are_composed_otherwise(name, last_part(labels->keys[i]), &apart);
    if (!found) return DUET_OK;
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s: its column \"%s\" names the picture %s with letters that are composed otherwise: there letters "
        "and their marks are %s (Unicode's %s), and of the picture they are %s: write the names as the "
        "pictures have them, as unicodedata.normalize('%s', name) of Python makes them",
        labels->path, labels->key_column, picture, apart ? "one character" : "two characters", apart ? "NFC" : "NFD",
        apart ? "two" : "one", apart ? "NFD" : "NFC");
}

/* Names that fit no picture: numbers may be those of the lines, and what repeats is of kinds, such as classes; else
 * they are wrong. */
static duet_status take_order(duet_rows *examples, duet_rows *labels, const table *names, duet_notes *notes,
                              duet_error *error)
{
    const bool kinds = has_twins(names) && !name_files(labels);
    DUET_TRY(check_composed(labels, duet_rows_name(examples, 0), error));
    if (!kinds && (have_numbers(examples) || !duet_label_keys_are_numbers(labels)))
        return duet_fail(
            error, DUET_ERROR_DATA,
            "%s: its column \"%s\" names no picture of %s, such as %s but \"%.80s\": write the pictures' paths "
            "there, or take the column out where the lines are in their order",
            labels->path, labels->key_column, examples->path, duet_rows_name(examples, 0), labels->keys[0]);
    if (kinds) forget_keys(labels);
    return duet_labels_check_order(examples, examples[1].count > 0 ? 2 : 1, labels, notes, error);
}

static duet_status take_match(const match *it, const table *names, duet_rows examples[2], duet_rows *labels,
                              duet_notes *notes, duet_error *error)
{
    const size_t all = examples[0].count + examples[1].count, found = it->found[0] + it->found[1];
    const size_t lines = labels->count;
    const bool training = it->found[0] == examples[0].count && it->found[1] == 0;
    if (found == 0) return take_order(examples, labels, names, notes, error);
    if (found < all && !training) DUET_TRY(check_composed(labels, first_without(it, examples, all), error));
    if (found < all && !training)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: its column \"%s\" names %zu of the %zu pictures, and not %s: add the others",
                         labels->path, labels->key_column, found, all, first_without(it, examples, all));
    DUET_TRY(reorder(labels, it, found, error));
    if (lines > found)
        duet_notes_add(notes, false, "%s: %zu of its %zu lines name no picture that is here, and are left out",
                       labels->path, lines - found, lines);
    return DUET_OK;
}

static duet_status match_pictures(match *it, const table *names, duet_rows examples[2], duet_rows *labels,
                                  duet_notes *notes, duet_error *error)
{
    it->rows = calloc(examples[0].count + examples[1].count, sizeof *it->rows);
    it->taken = calloc(labels->count, sizeof *it->taken);
    it->shared = calloc(labels->count, sizeof *it->shared);
    if (it->rows == NULL || it->taken == NULL || it->shared == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for its names", labels->path);
    for (size_t split = 0; split < 2 && examples[split].count > 0; split++)
        DUET_TRY(find_shared(it, names, &examples[split], labels, error));
    DUET_TRY(match_split(it, names, &examples[0], DUET_TRAIN, 0, labels, error));
    if (examples[1].count > 0)
        DUET_TRY(match_split(it, names, &examples[1], DUET_TEST, examples[0].count, labels, error));
    return take_match(it, names, examples, labels, notes, error);
}

duet_status duet_labels_match(duet_rows examples[2], duet_rows *labels, duet_notes *notes, duet_error *error)
{
    table names = {NULL};
    match it = {NULL};
    if (labels->keys == NULL || duet_rows_name(&examples[0], 0) == NULL)
        return duet_labels_check_order(examples, examples[1].count > 0 ? 2 : 1, labels, notes, error);
    duet_status status = table_make(&names, labels, error);
    if (status == DUET_OK) status = match_pictures(&it, &names, examples, labels, notes, error);
    table_free(&names);
    free(it.rows);
    free(it.taken);
    free(it.shared);
    return status;
}
