/* SPDX-License-Identifier: MIT */
/* Examples and labels in files of their own: the rows of each, and the labels put beside their examples. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/status.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/columns.h"
#include "data/data.h"
#include "data/label_order.h"
#include "data/plausible.h"
#include "data/remedy.h"

/* Of examples that are to be like others their own range says nothing of what was done to those. */
static duet_status refuse_unlike(const duet_rows *rows, const duet_range *range, const char *like, duet_error *error)
{
    const bool bytes = range->low >= 0 && range->high <= 255;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: elements of type '%s' from %g to %g; |u1, <f4 and <f8 are read as examples: save "
                     "array.astype('<f4')%s; where %s were scaled, scale these by the same numbers, not by their own",
                     rows->path, duet_element_name(rows->element), (double)range->low, (double)range->high,
                     bytes ? ", or array.astype('u1') where those are bytes" : "", like);
}

/* Whole numbers and truths do for labels; as examples they leave open what they mean, so the remedy follows from what
 * they are. */
static duet_status refuse_element(duet_rows *rows, const char *like, duet_error *error)
{
    duet_range range;
    char scaled[DUET_REMEDY_SIZE];
    const char *what = "array.astype('<f4')", *why = "for numbers taken as they are";
    DUET_TRY(duet_look_at_range(rows, 0, rows->count, &range, error));
    const bool table = duet_shape_is_table(rows->shape), small = range.most <= duet_large_number(rows->shape);
    bool coded = false;
    if (like == NULL && !small) DUET_TRY(duet_rows_hold_code(rows, &coded, error));
    if (range.low >= 0 && range.high <= 1) {
        why = "for numbers in [0, 1]";
    } else if (like != NULL) {
        return refuse_unlike(rows, &range, like, error);
    } else if (coded) {
        why = "for numbers as they are, of which one may stand for what is missing";
    } else if (range.apart) {
        what = DUET_REMEDY_UNIT_CHANNELS(false);
        why = "for channels in [0, 1], each by itself";
    } else if (range.low >= 0 && range.high <= 255 && (range.high >= DUET_BRIGHT || !table)) {
        what = range.high >= DUET_BRIGHT ? "array.astype('u1')" : duet_remedy_unit(0, (double)range.high, scaled);
        why = range.high >= DUET_BRIGHT ? "for bytes, which are scaled to [0, 1]" : "for numbers in [0, 1]";
    } else if (table && !small) {
        what = DUET_REMEDY_STANDARD;
        why = "for columns of about 1, each by itself";
    } else if (!small) {
        what = duet_remedy_unit((double)range.low, (double)range.high, scaled);
        why = range.high > range.low ? "for numbers in [0, 1]" : "for differences that float32 holds";
    }
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: elements of type '%s' from %g to %g; |u1, <f4 and <f8 are read as examples: save %s, %s",
                     rows->path, duet_element_name(rows->element), (double)range.low, (double)range.high, what, why);
}

static duet_status check_examples(duet_rows *rows, const char *like, duet_error *error)
{
    if (rows->shape.rank == 0 && rows->labels.column != NULL)
        return duet_fail(
            error, DUET_ERROR_DATA,
            "%s: has labels, in its column \"%s\", and no columns of numbers: name the examples, and it by "
            "--labels; where these are the examples' numbers, give the column another name",
            rows->path, rows->labels.column);
    if (rows->shape.rank < 1 || rows->shape.rank > 3)
        return duet_fail(
            error, DUET_ERROR_DATA,
            "%s: an array of %zu extents; [n, features], [n, height, width] or [n, height, width, "
            "channels] is expected%s",
            rows->path, rows->shape.rank + 1,
            rows->shape.rank > 0 ? ""
            : rows->element == DUET_ELEMENT_FLOAT32 || rows->element == DUET_ELEMENT_FLOAT64
                ? ": of examples of one number each save array.reshape(-1, 1)"
                : " (is it a file of labels? Then name the examples, and it by --labels; of examples of one "
                  "number each save array.reshape(-1, 1))");
    return rows->element <= DUET_ELEMENT_FLOAT64 ? DUET_OK : refuse_element(rows, like, error);
}

/* Numbered anew, 256 values at most are classes; more are measurements or numbers of examples. */
static duet_status refuse_number(const duet_rows *rows, float *numbers, size_t at, duet_error *error)
{
    const float number = numbers[at];
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (isfinite(numbers[i])) numbers[count++] = numbers[i];
    const size_t distinct = duet_column_look(numbers, count).distinct;
    if (distinct > DUET_MOST_CLASSES)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: label %zu is %g; whole numbers from 0 to 255 are expected, and %zu different ones are no "
                         "classes: leave them out, or make a few of them, of measurements as by "
                         "numpy.digitize(array, numpy.quantile(train, [0.25, 0.5, 0.75]))" DUET_REMEDY_OF_TRAIN,
                         rows->path, at, (double)number, distinct);
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s: label %zu is %g; whole numbers from 0 to 255 are expected: to train on them save " DUET_REMEDY_NUMBERED(
            "array") ", which numbers them, if they are classes and no "
                     "measurements; for a run, the numbers that its classes have",
        rows->path, at, (double)number);
}

/* Numbers as labels: each must be one that a byte holds. What is refused may be sorted before. */
static duet_status take_numbers(uint8_t *values, const duet_rows *rows, float *numbers, duet_error *error)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (!isfinite(numbers[i]))
            return duet_fail(error, DUET_ERROR_DATA,
                             "%s: label %zu is %g, which is no class: take out the examples and the labels for which "
                             "numpy.isfinite(labels) is false",
                             rows->path, i, (double)numbers[i]);
        if (!(numbers[i] >= 0 && numbers[i] <= 255 && numbers[i] == floorf(numbers[i])))
            return refuse_number(rows, numbers, i, error);
        values[i] = (uint8_t)numbers[i];
    }
    return DUET_OK;
}

static duet_status read_numbers(uint8_t *values, duet_rows *rows, duet_error *error)
{
    float *numbers = calloc(rows->count, sizeof *numbers);
    if (numbers == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %zu labels", rows->path, rows->count);
    duet_status status = duet_rows_read(rows, 0, rows->count, numbers, error);
    if (status == DUET_OK) status = take_numbers(values, rows, numbers, error);
    free(numbers);
    return status;
}

/* Many numbers for each example. */
static duet_status refuse_width(const duet_rows *rows, duet_error *error)
{
    if (rows->count == 1)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: labels are expected: one number an example, and not one row of %zu: save "
                         "array.reshape(-1)",
                         rows->path, rows->row_elements);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: labels are expected: one number an example, not %zu; of rows with one 1 each save array%s",
                     rows->path, rows->row_elements,
                     rows->shape.rank == 1 ? ".argmax(1)" : ".reshape(len(array), -1).argmax(1)");
}

/* Reads a file of labels whole: into rows->labels, unless its format has put them there. */
static duet_status read_labels(duet_rows *rows, duet_error *error)
{
    if (rows->labels.values != NULL) return DUET_OK;
    if (rows->row_elements != 1) return refuse_width(rows, error);
    rows->labels.values = calloc(rows->count, 1);
    if (rows->labels.values == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %zu labels", rows->path, rows->count);
    if (rows->element == DUET_ELEMENT_UINT8) return duet_rows_read(rows, 0, rows->count, rows->labels.values, error);
    return read_numbers(rows->labels.values, rows, error);
}

/* Whether the name of the column of labels is itself one of them, as where the first line is no line of names. */
static bool is_named_by_label(const duet_labels *labels)
{
    double number;
    if (labels->column == NULL) return false;
    for (size_t i = 0; i < labels->name_count; i++)
        if (strcmp(labels->names[i], labels->column) == 0) return true;
    return duet_number_read(labels->column, &number);
}

duet_status duet_labels_fail_count(const duet_rows *labels, const duet_rows *examples, size_t count, duet_error *error)
{
    const size_t rank = examples->shape.rank;
    const bool last = rank > 0 && examples->shape.dims[rank - 1] == labels->count && !examples->pictures;
    if (labels->count + 1 == count && is_named_by_label(&labels->labels))
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: %zu labels, but %s holds %zu examples: its first line, with \"%s\", is taken for the "
                         "names of its columns: put a line such as label on top",
                         labels->path, labels->count, examples->path, count, labels->labels.column);
    return duet_fail(error, DUET_ERROR_DATA, "%s: %zu labels, but %s holds %zu examples%s", labels->path, labels->count,
                     examples->path, count,
                     !last       ? ": one for each is expected, in their order"
                     : rank == 1 ? "; where the examples are its columns, save array.T"
                                 : "; where the examples are last, save numpy.moveaxis(array, -1, 0)");
}

duet_status duet_labels_take(duet_rows *examples, duet_rows *rows, duet_error *error)
{
    DUET_TRY(read_labels(rows, error));
    if (rows->count != examples->count) return duet_labels_fail_count(rows, examples, examples->count, error);
    duet_labels_free(&examples->labels);
    examples->labels = rows->labels;
    rows->labels = (duet_labels){0};
    free(examples->labels.column); /* it is none of the examples' own */
    examples->labels.column = NULL;
    return DUET_OK;
}

static duet_status copy_labels(duet_rows *examples, const duet_labels *from, size_t first, duet_error *error)
{
    duet_labels *to = &examples->labels;
    duet_labels_free(to);
    to->values = malloc(examples->count);
    to->names = from->names == NULL ? NULL : calloc(from->name_count, sizeof *to->names);
    bool sound = to->values != NULL && (from->names == NULL || to->names != NULL);
    to->asked_for = from->asked_for;
    if (sound) memcpy(to->values, from->values + first, examples->count);
    for (size_t i = 0; sound && i < from->name_count; i++) {
        sound = (to->names[i] = strdup(from->names[i])) != NULL;
        to->name_count += sound;
    }
    return sound ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for labels", examples->path);
}

duet_status duet_labels_divide(duet_rows examples[2], duet_rows *rows, duet_error *error)
{
    DUET_TRY(read_labels(rows, error));
    DUET_TRY(copy_labels(&examples[0], &rows->labels, 0, error));
    return copy_labels(&examples[1], &rows->labels, examples[0].count, error);
}

const char *duet_examples_like(const duet_data_options *options, duet_split split)
{
    if (options->for_use) return "the examples that the run was trained on";
    return split == DUET_TEST ? "the training examples" : NULL;
}

duet_status duet_examples_take(duet_rows *examples, duet_rows *labels, const char *like, duet_error *error)
{
    DUET_TRY(check_examples(examples, like, error));
    return labels == NULL || labels->source == NULL ? DUET_OK : duet_labels_take(examples, labels, error);
}

duet_status duet_labels_open(duet_rows *rows, const char *path, const char *features, size_t key,
                             const duet_data_options *of, duet_error *error)
{
    const duet_data_options options = {
        .only_labels = true, .features = features, .key = key, .column = of->column, .notes = of->notes};
    return duet_rows_open(rows, path, &options, error);
}

/* Of labels in a file that is named the column is that file's. `alone`: of examples without a test part. */
static duet_status open_beside(duet_rows *labels, const char *path, duet_rows *examples, bool alone,
                               const duet_data_options *options, duet_error *error)
{
    duet_data_options own = *options;
    if (options->labels != NULL) own.column = NULL;
    DUET_TRY(duet_labels_open(labels, path, examples->columns, 0, &own, error));
    if (options->labels != NULL) return DUET_OK; /* that file takes their place */
    if (alone) duet_labels_tell_of_parts(examples, labels, options);
    return duet_labels_check_order(examples, 1, labels, options->notes, error);
}

/* Numbers may stand for the names in their order. */
static bool are_the_same(const duet_labels *one, const duet_labels *other, size_t count)
{
    const bool named = one->names != NULL && other->names != NULL;
    bool same = (!named || one->name_count == other->name_count) && memcmp(one->values, other->values, count) == 0;
    for (size_t i = 0; named && same && i < one->name_count; i++) same = strcmp(one->names[i], other->names[i]) == 0;
    return same;
}

/* A column of labels beside a file of them, where nobody said which counts, has to say the same. */
static duet_status compare_labels(const duet_rows *rows, duet_rows *labels, const duet_data_options *options,
                                  duet_error *error)
{
    if (rows->labels.values == NULL || rows->labels.column == NULL || labels->source == NULL || options->labels != NULL)
        return DUET_OK;
    DUET_TRY(read_labels(labels, error));
    if (rows->count != labels->count) return DUET_OK; /* which is told of as such */
    if (are_the_same(&rows->labels, &labels->labels, rows->count)) return DUET_OK;
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s: its column \"%s\" and %s both hold labels, and they differ: --labels %s says that the column is "
        "meant; otherwise take it out",
        rows->path, rows->labels.column, labels->path, DUET_WORD("%s", rows->labels.column));
}

/* Test examples may be without a column of labels that is named, as without one that is known by its name. One that
 * they have in its place is more likely it under another name: then they are opened as the training examples, which
 * says that it is missing, and which there are. */
static duet_status open_examples(duet_rows both[2], const char *path, duet_split split,
                                 const duet_data_options *options, duet_error *error)
{
    duet_data_options own = *options;
    duet_rows *const rows = &both[split];
    own.may_lack = split == DUET_TEST && both[DUET_TRAIN].labels.asked_for;
    DUET_TRY(duet_rows_open(rows, path, &own, error));
    const bool lacks = own.may_lack && !rows->labels.asked_for;
    if (!lacks || rows->row_elements == both[DUET_TRAIN].row_elements) return DUET_OK;
    duet_rows_close(rows);
    return duet_rows_open(rows, path, options, error);
}

/* A column that is asked for stands in the place of a file of labels. */
static duet_status open_part(duet_rows both[2], const duet_data_files *files, duet_split split,
                             const duet_data_options *options, duet_error *error)
{
    duet_rows *const rows = &both[split];
    duet_rows labels = {0};
    const char *labels_path = files->labels[split];
    const bool alone = files->examples[DUET_TEST] == NULL;
    if (files->examples[split] == NULL) return DUET_OK;
    DUET_TRY(open_examples(both, files->examples[split], split, options, error));
    duet_status status = DUET_OK;
    if (labels_path != NULL && !rows->labels.asked_for)
        status = open_beside(&labels, labels_path, rows, alone, options, error);
    if (status == DUET_OK) status = compare_labels(rows, &labels, options, error);
    if (status == DUET_OK) status = duet_examples_take(rows, &labels, duet_examples_like(options, split), error);
    duet_rows_close(&labels);
    return status;
}

/* Numbers of one column under the name of another would never be noticed. */
static duet_status compare_columns(duet_rows rows[2], duet_error *error)
{
    const char *columns[] = {rows[DUET_TRAIN].columns, rows[DUET_TEST].columns};
    size_t number = 1;
    if (columns[0] == NULL || columns[1] == NULL || rows[0].row_elements != rows[1].row_elements) return DUET_OK;
    for (; *columns[0] != '\0'; number++) {
        size_t length[] = {strcspn(columns[0], "\n"), strcspn(columns[1], "\n")};
        if (length[0] != length[1] || memcmp(columns[0], columns[1], length[0]) != 0)
            return duet_fail(error, DUET_ERROR_DATA,
                             "%s: its column %zu of numbers is \"%.*s\", that of %s is \"%.*s\": give both the same "
                             "columns in the same order",
                             rows[DUET_TEST].path, number, (int)length[1], columns[1], rows[DUET_TRAIN].path,
                             (int)length[0], columns[0]);
        for (size_t i = 0; i < 2; i++) columns[i] += length[i] + 1;
    }
    return DUET_OK;
}

/* Those of the training examples, where there are some, are the set's. */
static void forget_columns(duet_rows rows[2], bool all)
{
    for (size_t split = all ? 0 : 1; split < 2 && (all || rows[DUET_TRAIN].source != NULL); split++) {
        free(rows[split].columns);
        rows[split].columns = NULL;
    }
}

/* Of a table beside arrays, or the other way round. */
static void tell_of_passed(const duet_data_files *files, const char *path, bool labelled,
                           const duet_data_options *options)
{
    const bool array = duet_data_array_is(files->passed);
    if (!array && options->labels != NULL) return; /* it may be these */
    duet_notes_add(options->notes, false,
                   "%s: its %s are read, and %s, which lies among them, is left out: to have it in their place give "
                   "--data %s%s",
                   path, array ? "tables" : "arrays", files->passed, DUET_WORD("%s/%s", path, files->passed),
                   array || labelled ? "" : "; if it holds their labels, give it as --labels");
}

/* Of a file that nobody named. */
static void tell_of_twin(const char *path, const duet_data_options *options)
{
    if (path == NULL || strcmp(path, options->path) == 0) return;
    if (options->labels != NULL && strcmp(path, options->labels) == 0) return;
    duet_data_tell_of_twin(path, options->notes);
}

duet_status duet_files_open(duet_rows rows[2], const char *path, const duet_data_options *options, duet_error *error)
{
    duet_data_files files;
    duet_status status = duet_data_files_find(&files, path, options, error);
    for (size_t split = 0; status == DUET_OK && split < 2; split++)
        status = open_part(rows, &files, (duet_split)split, options, error);
    if (status == DUET_OK) status = compare_columns(rows, error);
    for (size_t split = 0; status == DUET_OK && split < 2 && !options->trusted; split++) {
        tell_of_twin(files.examples[split], options);
        tell_of_twin(files.labels[split], options);
    }
    if (status == DUET_OK && files.left_out != NULL && files.examples[DUET_TEST] != NULL)
        duet_notes_add(options->notes, false,
                       "%s: %s is left out, which is for validation by its name; the test split is %s", path,
                       files.left_out, strrchr(files.examples[DUET_TEST], '/') + 1);
    else if (status == DUET_OK && files.left_out != NULL)
        duet_notes_add(options->notes, false,
                       "%s: %s is left out, which is for validation by its name: to have it for the test call it "
                       "test%s",
                       path, files.left_out, strrchr(files.left_out, '.') != NULL ? strrchr(files.left_out, '.') : "");
    if (status == DUET_OK && files.passed != NULL)
        tell_of_passed(&files, path, rows[DUET_TRAIN].labels.values != NULL, options);
    if (status == DUET_OK && files.unread != NULL && rows[DUET_TRAIN].labels.values == NULL && !options->for_use)
        duet_notes_add(options->notes, false, "%s: %s lies beside it and is not read: if these are its labels, say %s",
                       path, files.unread,
                       DUET_WORD("%s:labels=%s", options->name != NULL ? options->name : path, files.unread));
    forget_columns(rows, status != DUET_OK);
    duet_data_files_free(&files);
    return status;
}
