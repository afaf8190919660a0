/* SPDX-License-Identifier: MIT */
/* The labels of a CSV file. The column is the one that is asked for, or called as labels are. In a file of labels it is
 * else the only one that does not name examples; of several each has one 1 a line, or nobody knows which is meant. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/number.h"
#include "base/status.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/columns.h"
#include "data/csv.h"
#include "data/data.h"
#include "data/picture.h"

enum { MOST_CLASSES = 256, SHOWN = 12 /* columns that messages name */ };

bool duet_csv_only_labels(const duet_csv *it)
{
    return it->options != NULL && it->options->only_labels;
}

const char *duet_csv_asked(const duet_csv *it)
{
    if (it->options == NULL) return NULL;
    return it->options->labels != NULL ? it->options->labels : it->options->column;
}

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

/* "a", "b" and so on: all columns, or those that may hold the labels. */
static void list_columns(const duet_csv *it, const bool *wanted, duet_text *names)
{
    size_t shown = 0;
    for (size_t i = 0; i < it->columns && shown <= SHOWN; i++) {
        if (wanted != NULL && !wanted[i]) continue;
        if (shown < SHOWN)
            duet_text_add(names, "%s\"%s\"", shown > 0 ? ", " : "", it->names[i]);
        else
            duet_text_add(names, ", ...");
        shown++;
    }
}

duet_status duet_csv_find_labels(duet_csv *it, duet_error *error)
{
    const char *asked = duet_csv_asked(it);
    it->key = DUET_CSV_NONE;
    it->label = asked == NULL ? duet_csv_find_label(it) : duet_csv_column(it, asked);
    if (asked == NULL || it->label != DUET_CSV_NONE || it->options->may_lack) return DUET_OK;
    const bool may_be_file = it->options->labels != NULL;
    if (may_be_file && is_file(asked)) {
        it->label = duet_csv_find_label(it); /* which that file's labels replace: they are no measurements */
        it->replaced = true;
        return DUET_OK;
    }
    duet_text names = {0};
    list_columns(it, NULL, &names);
    duet_status status = duet_fail(error, DUET_ERROR_DATA, "%s: has no column \"%s\"%s; it has %s", it->path, asked,
                                   may_be_file ? ", nor is that a file" : "", duet_text_get(&names));
    duet_text_free(&names);
    return status;
}

void duet_csv_make_one_line(char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\n') *text = ' ';
}

static duet_status fail_many(const duet_csv *it, duet_error *error)
{
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s: the column \"%s\" holds more than %d different values; %d classes are possible: name the "
        "column of labels with %s%s",
        it->path, it->names[it->label], MOST_CLASSES, MOST_CLASSES,
        duet_csv_only_labels(it) ? "column=NAME behind this file, as in --labels FILE:column=NAME" : "--labels NAME",
        duet_csv_only_labels(it) ? "" : ", or give measurements another name, and they are examples' numbers");
}

static bool keep_word(duet_csv *it, const char *word)
{
    if (!duet_array_grow(&it->words, it->word_count, &it->word_capacity, sizeof *it->words) ||
        (it->words[it->word_count] = strdup(word)) == NULL)
        return false;
    it->word_count++;
    return true;
}

static duet_status keep_class(duet_csv *it, size_t class, duet_error *error)
{
    if (!duet_array_grow(&it->classes, it->rows, &it->class_capacity, sizeof *it->classes))
        return duet_csv_fail_memory(it, error);
    it->classes[it->rows] = class;
    return DUET_OK;
}

/* Without spaces around it, which nobody means: "cat " is "cat". */
duet_status duet_csv_add_label(duet_csv *it, char *text, duet_error *error)
{
    char *word = text + strspn(text, " \t");
    for (size_t length = strlen(word); length > 0 && isspace((unsigned char)word[length - 1]);) word[--length] = '\0';
    duet_csv_make_one_line(word);
    size_t k = it->rows > 0 ? it->classes[it->rows - 1] : 0; /* most often that of the row before */
    if (it->replaced && (word[0] == '\0' || it->word_count == MOST_CLASSES)) return keep_class(it, 0, error);
    if (word[0] == '\0') return duet_csv_fail_cell(it, (size_t)it->label, word, error);
    if (it->rows == 0 || strcmp(it->words[k], word) != 0)
        for (k = 0; k < it->word_count && strcmp(it->words[k], word) != 0;) k++;
    if (k == it->word_count && k == MOST_CLASSES) return fail_many(it, error);
    if (k == it->word_count && !keep_word(it, word)) return duet_csv_fail_memory(it, error);
    return keep_class(it, k, error);
}

/* ---- a file of labels: its first line says what each column is ---- */

/* As pandas' index of the rows is, or is once it was read and written again: "Unnamed: 0". */
static bool is_nameless(const char *name)
{
    return name[0] == '\0' || strncasecmp(name, "unnamed", strlen("unnamed")) == 0;
}

/* Whether a column tells of the examples something else than their labels. */
static bool is_beside(const char *name)
{
    return duet_csv_key_rank(name) > 0 || duet_csv_is_part_name(name);
}

/* Which columns may hold the labels: those that neither name examples, nor say their part, nor count rows without a
 * name, as pandas' index does. Returns how many there are. */
static size_t find_candidates(const duet_csv *it, bool *is)
{
    size_t count = 0, named = 0;
    for (size_t i = 0; i < it->columns; i++) {
        is[i] = (long)i != it->key && !is_nameless(it->names[i]) && !duet_picture_name_is(it->records.fields[i]);
        named += is[i];
    }
    for (size_t i = 0; i < it->columns; i++) count += is[i] && !is_beside(it->names[i]);
    for (size_t i = 0; count > 0 && i < it->columns; i++) is[i] = is[i] && !is_beside(it->names[i]);
    if (count > 0) return count;
    if (named > 1 && it->columns > 2) return named;
    /* "id,name": one of two is the label, and the last one is by custom */
    for (size_t i = 0; named != 1 && i < it->columns; i++) is[i] = i + 1 == it->columns;
    return 1;
}

static bool is_shared(const duet_csv *it, size_t column)
{
    return duet_columns_find(it->options->features, it->names[column]) != DUET_CSV_NONE;
}

/* How likely a column tells the examples apart that names no picture: they have it too, then its name, then whether its
 * first value is that of a picture. */
static size_t rank_as_key(const duet_csv *it, size_t column)
{
    enum { SHARED = 64, CALLED = 2 };
    if ((long)column == it->label) return 0;
    return SHARED * is_shared(it, column) + CALLED * duet_csv_key_rank(it->names[column]) +
           duet_picture_name_is(it->records.fields[column]);
}

static void find_key(duet_csv *it)
{
    size_t best = 0;
    if (it->key != DUET_CSV_NONE && it->key != it->label) return;
    it->key = DUET_CSV_NONE;
    for (size_t i = 0; i < it->columns; i++) {
        const size_t rank = rank_as_key(it, i);
        if (rank <= best) continue;
        best = rank;
        it->key = (long)i;
    }
}

static duet_status choose_column(duet_csv *it, duet_error *error)
{
    if (it->options->key > 0 && it->options->key <= it->columns) it->key = (long)it->options->key - 1;
    if (it->label == DUET_CSV_NONE) {
        it->hot = calloc(it->columns, sizeof *it->hot);
        if (it->hot == NULL) return duet_csv_fail_memory(it, error);
        const size_t count = find_candidates(it, it->hot);
        for (size_t i = 0; i < it->columns; i++) {
            if (!it->hot[i]) continue;
            if (count == 1) it->label = (long)i;
            if (count > 1 && count <= MOST_CLASSES && !keep_word(it, it->names[i]))
                return duet_csv_fail_memory(it, error);
        }
    }
    find_key(it);
    return DUET_OK;
}

/* A number names a column seldom, and begins an example often. */
static bool has_number(const duet_csv *it)
{
    double number;
    bool has = false;
    for (size_t i = 0; i < it->columns; i++) has |= it->hot[i] && duet_number_read(it->names[i], &number);
    return has;
}

static duet_status fail_several(const duet_csv *it, duet_error *error)
{
    duet_text names = {0};
    size_t last = it->columns - 1;
    while (!it->hot[last]) last--;
    list_columns(it, it->hot, &names);
    duet_status status = duet_fail(
        error, DUET_ERROR_DATA,
        "%s, line %zu: which column holds the labels, %s? Say it by column=NAME, as in --labels "
        "%s; columns of classes have one 1 a line, and 0 elsewhere%s",
        it->path, it->records.number, duet_text_get(&names), DUET_WORD("%s:column=%s", it->path, it->names[last]),
        has_number(it) ? ". If the first line is an example, put one such as file,label on top" : "");
    duet_text_free(&names);
    return status;
}

/* 1 and 0, or True and False of pandas; anything else is neither. */
static bool is_truth(const char *text, bool *truth)
{
    double number;
    if (duet_csv_is_truth(text, truth)) return true;
    if (!duet_number_read(text, &number)) return false;
    *truth = number == 1;
    return number == 0 || number == 1;
}

/* The class of a line is the column that has its 1. */
static duet_status add_hot(duet_csv *it, duet_error *error)
{
    size_t ones = 0, class = 0, place = 0;
    bool truths = it->word_count > 0;
    for (size_t i = 0; i < it->columns; i++) {
        bool truth = false;
        if (!it->hot[i]) continue;
        truths = truths && is_truth(it->records.fields[i], &truth);
        if (truth) class = place;
        ones += truth;
        place++;
    }
    return ones != 1 || !truths ? fail_several(it, error) : keep_class(it, class, error);
}

static duet_status add_key(duet_csv *it, duet_error *error)
{
    if (it->key == DUET_CSV_NONE) return DUET_OK;
    if (!duet_array_grow(&it->keys, it->rows, &it->key_capacity, sizeof *it->keys))
        return duet_csv_fail_memory(it, error);
    it->keys[it->rows] = strdup(it->records.fields[it->key]);
    if (it->keys[it->rows] == NULL) return duet_csv_fail_memory(it, error);
    it->key_count++;
    return DUET_OK;
}

duet_status duet_csv_add_label_line(duet_csv *it, duet_error *error)
{
    if (it->rows == 0) DUET_TRY(choose_column(it, error));
    DUET_TRY(duet_csv_watch_line(it, error));
    DUET_TRY(add_key(it, error));
    return it->label == DUET_CSV_NONE ? add_hot(it, error)
                                      : duet_csv_add_label(it, it->records.fields[it->label], error);
}

/* ---- what becomes of them ---- */

/* Whether the words are all whole numbers that do for labels: then they are these numbers. */
static bool are_numbers(const duet_csv *it, uint8_t numbers[MOST_CLASSES])
{
    for (size_t i = 0; i < it->word_count; i++) {
        double number;
        if (!duet_number_read(it->words[i], &number) || number < 0 || number > 255 || number != floor(number))
            return false;
        numbers[i] = (uint8_t)number;
    }
    return true;
}

static void tell_of_hot(const duet_csv *it)
{
    duet_text names = {0};
    if (it->options->notes != NULL) {
        list_columns(it, it->hot, &names);
        duet_notes_add(it->options->notes, false,
                       "%s: each line has one 1 in its columns %s: these are read as the classes; if one of them "
                       "holds the labels, say column=NAME behind the file",
                       it->path, duet_text_get(&names));
    }
    duet_text_free(&names);
}

duet_status duet_csv_take_labels(duet_csv *it, duet_labels *labels, duet_error *error)
{
    uint8_t numbers[MOST_CLASSES];
    const char *asked = duet_csv_asked(it);
    if (it->classes == NULL) return DUET_OK;
    if (it->label == DUET_CSV_NONE) tell_of_hot(it);
    labels->values = malloc(it->rows);
    if (labels->values == NULL) return duet_csv_fail_memory(it, error);
    if (it->label != DUET_CSV_NONE && (labels->column = strdup(it->names[it->label])) == NULL)
        return duet_csv_fail_memory(it, error);
    labels->asked_for = asked != NULL && it->label != DUET_CSV_NONE && duet_csv_column(it, asked) == it->label;
    bool named = !are_numbers(it, numbers);
    for (size_t i = 0; i < it->rows; i++) labels->values[i] = named ? (uint8_t)it->classes[i] : numbers[it->classes[i]];
    if (!named) return DUET_OK;
    labels->names = it->words;
    labels->name_count = it->word_count;
    it->words = NULL;
    it->word_count = 0;
    duet_labels_sort(labels, it->rows);
    return DUET_OK;
}

static duet_status copy_name(const duet_csv *it, long column, char **name, duet_error *error)
{
    if (column == DUET_CSV_NONE) return DUET_OK;
    *name = strdup(it->names[column]);
    return *name != NULL ? DUET_OK : duet_csv_fail_memory(it, error);
}

/* What names each example, and the column that does; one that shows another order, and one that says the parts. */
duet_status duet_csv_take_keys(duet_csv *it, duet_rows *rows, duet_error *error)
{
    DUET_TRY(copy_name(it, duet_csv_find_shuffled(it), &rows->shuffled, error));
    DUET_TRY(copy_name(it, duet_csv_find_parts(it), &rows->part_column, error));
    if (it->keys == NULL) return DUET_OK;
    DUET_TRY(copy_name(it, it->key, &rows->key_column, error));
    rows->keys = it->keys;
    it->keys = NULL;
    it->key_count = 0;
    return DUET_OK;
}
