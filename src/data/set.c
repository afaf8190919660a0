/* SPDX-License-Identifier: MIT */
/* From rows to a set of two splits, whatever format they come from: shapes and classes must agree, and without test
 * rows a tenth of the examples is the test split (divide.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "base/text.h"
#include "data/alike.h"
#include "data/among.h"
#include "data/archive.h"
#include "data/class_names.h"
#include "data/copies.h"
#include "data/csv.h"
#include "data/data.h"
#include "data/divide.h"
#include "data/inverse.h"
#include "data/label_order.h"
#include "data/match.h"
#include "data/plausible.h"
#include "data/rounding.h"
#include "data/turn.h"
#include "data/untaken.h"
#include "data/windows.h"
#include "graph/node.h"

enum { FEW = 10 /* examples for use, whose values may lie close together by chance */ };

static duet_type type_of(const duet_rows *rows)
{
    return rows->element == DUET_ELEMENT_UINT8 ? DUET_UINT8 : DUET_FLOAT32;
}

static duet_status check_alike(const duet_rows *train, const duet_rows *test, duet_error *error)
{
    if (type_of(train) == type_of(test) && duet_shape_equal(train->shape, test->shape)) return DUET_OK;
    char has[96], had[96];
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: its examples differ in shape or type from those of %s: %s of shape %s, and %s of shape %s",
                     test->path, train->path, type_of(test) == DUET_UINT8 ? "bytes" : "floats",
                     duet_shape_text(test->shape, has), type_of(train) == DUET_UINT8 ? "bytes" : "floats",
                     duet_shape_text(train->shape, had));
}

/* [height, width] is a picture of one channel. */
static duet_shape example_shape(duet_shape row)
{
    if (row.rank == 2) row.dims[row.rank++] = 1;
    return row;
}

static void describe(duet_data *data)
{
    duet_data_info *info = &data->info;
    const duet_rows *rows = &data->parts[DUET_TRAIN].rows;
    info->shape = example_shape(rows->shape);
    info->type = type_of(rows);
    info->picture = info->shape.rank == 3 && (info->shape.dims[2] == 1 || info->shape.dims[2] == 3);
    for (size_t split = 0; split < 2; split++) {
        const duet_data_part *part = &data->parts[split];
        info->count[split] = part->count;
        info->labelled[split] = part->labels != NULL;
        for (size_t i = 0; part->labels != NULL && i < part->count; i++)
            if (part->labels[i] >= info->classes) info->classes = (size_t)part->labels[i] + 1;
    }
}

/* Classes by name are the same in both splits, whichever of them each split has. */
static duet_status take_names(duet_data *data, duet_rows rows[2], duet_error *error)
{
    duet_labels *const labels[] = {&rows[DUET_TRAIN].labels, &rows[DUET_TEST].labels};
    const size_t counts[] = {rows[DUET_TRAIN].count, rows[DUET_TEST].count};
    DUET_TRY(duet_class_names_join(labels, counts, &data->class_names, &data->class_name_count, error));
    data->info.class_names = (const char *const *)data->class_names;
    data->info.classes = data->class_name_count;
    return DUET_OK;
}

static void take_labels(duet_data_part *part)
{
    part->count = part->rows.count;
    part->labels = part->rows.labels.values;
    part->rows.labels.values = NULL;
}

static bool is_picture_folder(const char *path, bool is_folder, duet_error *fault)
{
    (void)path;
    (void)fault;
    return is_folder;
}

static bool is_archive(const char *path, bool is_folder, duet_error *fault)
{
    (void)fault;
    return !is_folder && duet_archive_is(path);
}

/* The table of formats of sets: the first that fits is taken. */
static const duet_set_format formats[] = {
    {"CIFAR-10's binary files", duet_cifar_fits, duet_cifar_open},
    {"an archive of arrays (.npz)", duet_npz_fits, duet_npz_open},
    {"an archive of pictures", is_archive, duet_picture_archive_open},
    {"files of rows", duet_files_fit, duet_files_open},
    {"a folder of pictures", is_picture_folder, duet_picture_folder_open},
};

/* How names of classes become UTF-8: iconv would destroy an archive. */
static const char *text_remedy(const duet_set_format *format, bool in_file)
{
    static const struct {
        duet_status (*open)(duet_rows[2], const char *, const duet_data_options *, duet_error *);
        const char *words;
    } remedies[] = {
        {duet_picture_folder_open, "rename that folder"},
        {duet_picture_archive_open, "unpack it, rename that folder, and name the folder that it lies in"},
        {duet_npz_open, "save its class_names in UTF-8"},
    };
    for (size_t i = 0; !in_file && i < sizeof remedies / sizeof *remedies; i++)
        if (format->open == remedies[i].open) return remedies[i].words;
    return "save the file as UTF-8 (such as iconv -f latin1 -t utf-8 OLD > NEW)";
}

/* A run keeps the names of classes as text. */
static duet_status check_text(const duet_data *data, const duet_rows *rows, const duet_set_format *format,
                              const duet_data_options *options, duet_error *error)
{
    const bool in_file = options->labels != NULL && !rows->labels.asked_for;
    for (size_t i = 0; i < data->class_name_count; i++) {
        char shown[64];
        if (duet_text_is_utf8(data->class_names[i])) continue;
        duet_text_clean(data->class_names[i], shown, sizeof shown);
        return duet_fail(error, DUET_ERROR_DATA, "%s: the name of the class \"%s\" is not UTF-8: %s",
                         in_file ? options->labels : rows->path, shown, text_remedy(format, in_file));
    }
    return DUET_OK;
}

/* Of arrays in a folder that other pictures lie in. */
static void tell_of_pictures(const duet_set_format *format, const duet_data_options *options)
{
    struct stat about;
    if (format->open == duet_picture_folder_open || stat(options->path, &about) != 0 || !S_ISDIR(about.st_mode)) return;
    duet_among_tell(options->path, format->name, options->notes);
}

/* What is no file or folder, such as a pipe, is never opened: that could wait for ever. */
static duet_status find_format(const char *path, const duet_set_format **format, duet_error *error)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    bool is_folder = S_ISDIR(about.st_mode);
    if (!is_folder && !S_ISREG(about.st_mode))
        return duet_fail(error, DUET_ERROR_FILE, "%s: is not a plain file or a folder; save what it gives as a file",
                         path);
    duet_error fault = {0};
    for (*format = formats; !(*format)->fits(path, is_folder, &fault) && fault.status == DUET_OK;) ++*format;
    return fault.status == DUET_OK ? DUET_OK : duet_fail(error, fault.status, "%s", fault.message);
}

static duet_status no_labels(const char *path, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened as a file of labels: %s", path, strerror(errno));
}

/* Labels that take the place of others mean something else than those that a test split would keep. */
static duet_status refuse_half(const duet_rows rows[2], const duet_rows *labels, duet_error *error)
{
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s: %zu labels in place of those of the training examples, while the %zu test examples would keep "
        "others: give labels for all %zu, the training examples first",
        labels->path, labels->count, rows[1].count, rows[0].count + rows[1].count);
}

/* For all examples in order, or for those of the training split. */
static duet_status take_labels_of(duet_rows rows[2], duet_rows *labels, duet_error *error)
{
    if (rows[1].count > 0 && labels->count == rows[0].count + rows[1].count)
        return duet_labels_divide(rows, labels, error);
    if (rows[1].count > 0 && labels->count != rows[0].count && labels->count + 1 == rows[0].count + rows[1].count)
        return duet_labels_fail_count(labels, &rows[0], rows[0].count + rows[1].count, error);
    if (rows[0].labels.values != NULL && rows[1].labels.values != NULL && labels->count == rows[0].count)
        return refuse_half(rows, labels, error);
    return duet_labels_take(&rows[0], labels, error);
}

/* Rows that a conversion divided by chance are not in the order of what they were made of, and labels may be of either.
 */
static duet_status check_unmoved(const duet_rows rows[2], const duet_rows *labels, const char *path, duet_error *error)
{
    const char *made_of = rows[DUET_TRAIN].made_of;
    if (made_of == NULL || labels->count != rows[0].count + rows[1].count) return DUET_OK;
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s: whose each label is cannot be told: %s was made of %s, whose rows were divided by chance, and "
        "has them in another order: give the labels there, as by 'duet data %s --labels %s --convert %s'",
        labels->path, path, made_of, made_of, labels->path, path);
}

/* --labels FILE. */
static duet_status take_label_file(duet_rows rows[2], const duet_data_options *options, duet_error *error)
{
    const char *path = options->labels;
    struct stat about;
    size_t key = 0;
    duet_rows labels = {0};
    if (rows[0].labels.asked_for) return DUET_OK;
    if (stat(path, &about) != 0) return no_labels(path, error);
    if (duet_rows_name(&rows[0], 0) != NULL) DUET_TRY(duet_csv_find_key(path, rows, options->column, &key, error));
    DUET_TRY(duet_labels_open(&labels, path, rows[0].columns, key, options, error));
    if (rows[0].labels.column != NULL)
        duet_notes_add(options->notes, false, "%s: the labels of its column \"%s\" are replaced by those of %s",
                       rows[0].path, rows[0].labels.column, path);
    if (rows[1].count == 0) duet_labels_tell_of_parts(&rows[0], &labels, options);
    duet_status status = check_unmoved(rows, &labels, options->path, error);
    if (status == DUET_OK) status = duet_labels_match(rows, &labels, options->notes, error);
    if (status == DUET_OK) status = take_labels_of(rows, &labels, error);
    duet_rows_close(&labels);
    return status;
}

/* Arrays of labels have no columns to choose from. */
static duet_status check_column(const duet_rows rows[2], const duet_data_options *options, duet_error *error)
{
    if (options->column == NULL || rows[0].labels.asked_for || rows[1].labels.asked_for) return DUET_OK;
    return duet_fail(
        error, DUET_ERROR_DATA, "%s: column=%s names the labels' column in a CSV file, and %s is none: leave it out",
        options->path, options->column, options->labels != NULL ? options->labels : "what it has of labels");
}

/* What the options say of how rows are to be read. Pictures in files are of the right size already. */
static duet_status turn(duet_rows *rows, const duet_data_options *options, duet_error *error)
{
    if (rows->pictures && (options->channels == DUET_CHANNELS_FIRST || options->alpha == DUET_ALPHA_KEEP))
        return duet_fail(error, DUET_ERROR_DATA, "%s: %s", options->path,
                         options->alpha == DUET_ALPHA_KEEP
                             ? "alpha=keep is for arrays; pictures in files are laid on white"
                             : "channels=first is for arrays; pictures in files are read with the channels last");
    if (options->channels == DUET_CHANNELS_FIRST)
        DUET_TRY(duet_turn_channels(rows, options->height, options->width, error));
    if (options->values == DUET_VALUES_BYTES) DUET_TRY(duet_turn_bytes(rows, error));
    if (options->alpha == DUET_ALPHA_WHITE && !rows->pictures)
        DUET_TRY(duet_turn_alpha(rows, options->channels == DUET_CHANNELS_FIRST, error));
    return options->height > 0 ? duet_turn_size(rows, options->height, options->width, error) : DUET_OK;
}

/* Who says how a set is divided knows that it is. */
static void tell_of_untaken(const duet_data *data, const duet_rows rows[2], const duet_data_options *options)
{
    if (rows[DUET_TEST].source != NULL || data->all_test || options->for_use || options->trusted) return;
    if (!options->division_said) duet_tell_of_untaken(rows[DUET_TRAIN].path, rows[DUET_TRAIN].pictures, options);
}

static duet_status open_rows(duet_data *data, duet_rows rows[2], const duet_data_options *options, duet_error *error)
{
    const duet_set_format *format = NULL;
    DUET_TRY(find_format(options->path, &format, error));
    data->format = format->name;
    DUET_TRY(format->open(rows, options->path, options, error));
    tell_of_pictures(format, options);
    if (rows[DUET_TRAIN].source == NULL) { /* for use: the test split alone, until the end in the other's place */
        rows[DUET_TRAIN] = rows[DUET_TEST];
        rows[DUET_TEST] = (duet_rows){0};
        data->all_test = true;
    }
    tell_of_untaken(data, rows, options);
    if (options->labels != NULL) DUET_TRY(take_label_file(rows, options, error));
    data->columns = rows[DUET_TRAIN].columns;
    rows[DUET_TRAIN].columns = NULL;
    data->made_of = rows[DUET_TRAIN].made_of;
    rows[DUET_TRAIN].made_of = NULL;
    data->info.columns = data->columns;
    DUET_TRY(check_column(rows, options, error));
    const bool were_rows = rows[DUET_TRAIN].shape.rank == 1;
    for (size_t split = 0; split < 2 && rows[split].count > 0; split++) DUET_TRY(turn(&rows[split], options, error));
    duet_ask_about_shape(&rows[DUET_TRAIN], options);
    DUET_TRY(duet_ask_about_planes(&rows[DUET_TRAIN], were_rows, options, error));
    DUET_TRY(take_names(data, rows, error));
    return check_text(data, &rows[DUET_TRAIN], format, options, error);
}

/* Makes the only part the test split; the other one has the same kind of rows, and none of them. */
static duet_status make_all_test(duet_data_part *parts, duet_error *error)
{
    parts[DUET_TEST] = parts[DUET_TRAIN];
    parts[DUET_TRAIN] = (duet_data_part){.count = 0};
    return duet_rows_share(&parts[DUET_TRAIN].rows, &parts[DUET_TEST].rows, error);
}

/* Two files are compared, unless what is said of them by now tells why they differ. */
static duet_status compare_splits(duet_data *data, const duet_range ranges[2], bool told,
                                  const duet_data_options *options, duet_error *error)
{
    duet_rows *const rows[] = {&data->parts[DUET_TRAIN].rows, &data->parts[DUET_TEST].rows};
    const duet_notes *notes = options->notes;
    const size_t before = notes->count;
    DUET_TRY(duet_tell_of_inverse(rows[DUET_TRAIN], rows[DUET_TEST], ranges, options, error));
    if (told || notes->count > before) return DUET_OK;
    DUET_TRY(duet_tell_of_unlike_splits(rows, data->columns, options, &told, error));
    return told ? DUET_OK : duet_tell_of_own_scale(rows, ranges, options, error);
}

/* *found: a code is told of, beside which ranges and the farthest number say nothing of the others. */
static duet_status look_for_codes(duet_data *data, bool divided, const duet_data_options *options, bool *found,
                                  duet_error *error)
{
    const size_t before = options->notes->count;
    *found = false;
    if (options->for_use || options->trusted || data->asked) return DUET_OK;
    for (size_t split = 0; split < (divided ? 1 : 2) && !*found; split++) {
        DUET_TRY(duet_look_for_codes(&data->parts[split], (duet_split)split, data->columns, options, error));
        *found = options->notes->count > before;
    }
    return DUET_OK;
}

/* Looks at the values of both splits, of which one file may be divided by chance: then they are alike. An empty split
 * has the range of the other. No test row stands out by what training rows have. */
static duet_status look_at_ranges(duet_data *data, bool divided, const duet_data_options *options, duet_error *error)
{
    duet_range ranges[2];
    duet_data_part *parts = data->parts;
    for (size_t split = 0; split < 2; split++) {
        const duet_data_part *part = &parts[data->all_test ? DUET_TEST : split];
        DUET_TRY(duet_look_at_range(&parts[split].rows, part->first, part->count, &ranges[split], error));
    }
    duet_ask_about_alpha(&parts[DUET_TRAIN].rows, &ranges[DUET_TRAIN], options);
    if (!options->for_use && !parts[DUET_TRAIN].rows.rounding_said)
        duet_tell_of_rounded_columns((duet_rows *const[]){&parts[DUET_TRAIN].rows, &parts[DUET_TEST].rows}, options);
    bool told = false, coded = false;
    if (ranges[DUET_TRAIN].low != ranges[DUET_TRAIN].high)
        DUET_TRY(look_for_codes(data, divided, options, &coded, error));
    for (size_t split = 0; split < 2 && !options->for_use && !coded; split++)
        if (split == DUET_TRAIN || data->all_test || ranges[DUET_TEST].most > ranges[DUET_TRAIN].most)
            told |= duet_tell_of_outlier(&parts[split].rows, split, &ranges[split], data->columns, options);
    if (!told && !coded &&
        (!options->for_use ||
         (parts[DUET_TRAIN].count + parts[DUET_TEST].count >= FEW && ranges[0].low < ranges[0].high)))
        told = duet_tell_of_ranges(&parts[DUET_TRAIN].rows, &ranges[DUET_TRAIN], divided ? NULL : &ranges[DUET_TEST],
                                   data->columns, options);
    if (!options->for_use && ranges[DUET_TRAIN].low != ranges[DUET_TRAIN].high)
        DUET_TRY(duet_look_at_columns(&parts[DUET_TRAIN].rows, parts[DUET_TRAIN].first, parts[DUET_TRAIN].count,
                                      options, error));
    if (!divided && !data->all_test && !options->for_use && !options->trusted && !data->asked)
        DUET_TRY(compare_splits(data, ranges, told, options, error));
    data->info.unit_range = true;
    for (size_t split = 0; split < 2; split++) {
        float scale = parts[split].rows.element == DUET_ELEMENT_UINT8 ? 255 : 1;
        data->info.low[split] = ranges[split].low / scale;
        data->info.high[split] = ranges[split].high / scale;
        data->info.unit_range &= data->info.low[split] >= 0 && data->info.high[split] <= 1;
    }
    data->bytes = data->info.unit_range && ranges[DUET_TRAIN].levels && ranges[DUET_TEST].levels;
    return DUET_OK;
}

/* A file in the order of its classes has a last tenth of one class or two: what is learnt from the others says little
 * of them. Returns whether that was said. */
static bool tell_of_order(const duet_data_part *parts, const duet_data_options *options)
{
    bool there[256] = {false};
    size_t classes = 0, pieces = 0, in_test = 0;
    int before = -1;
    if (parts[DUET_TRAIN].labels == NULL || parts[DUET_TEST].labels == NULL) return false;
    for (size_t split = 0; split < 2; split++)
        for (size_t i = 0; i < parts[split].count; i++) {
            int label = parts[split].labels[i];
            classes += !there[label];
            there[label] = true;
            in_test += split == DUET_TEST && (label != before || i == 0);
            pieces += label != before;
            before = label;
        }
    if (classes < 2 || pieces > classes || in_test == classes) return false;
    duet_notes_add(options->notes, false,
                   "%s: the examples are in the order of their classes, so that the test split, the last tenth, holds "
                   "%zu of %zu: %s, or give a test set of its own",
                   parts[DUET_TRAIN].rows.path, in_test, classes,
                   options->own ? "let them be mixed (split=\"shuffled\", in C .division = DUET_DIVISION_SHUFFLED)"
                                : "let them be mixed (split=shuffled)");
    return true;
}

static void look_at_labels(const duet_data *data, bool order_told, const duet_data_options *options)
{
    duet_class_counts counts = {.path = data->parts[DUET_TRAIN].rows.path,
                                .classes = data->info.classes,
                                .names = data->info.class_names,
                                .order_told = order_told};
    for (size_t split = 0; split < 2; split++) {
        const duet_data_part *part = &data->parts[split];
        counts.labelled[split] = part->labels != NULL;
        for (size_t i = 0; part->labels != NULL && i < part->count; i++) counts.counts[split][part->labels[i]]++;
    }
    if (counts.labelled[DUET_TRAIN] || counts.labelled[DUET_TEST]) duet_tell_of_labels(&counts, options);
}

/* Divides a set without test examples, and says what is odd about the splits. */
static duet_status finish_divided(duet_data *data, bool divided, const duet_data_options *options, duet_error *error)
{
    duet_data_part *parts = data->parts;
    const bool looks = !options->for_use && !options->trusted && !data->asked;
    if (looks) /* undivided, as their file numbers rows */
        DUET_TRY(duet_tell_of_marks(&parts[DUET_TRAIN].rows, divided ? NULL : &parts[DUET_TEST].rows,
                                    parts[DUET_TRAIN].labels != NULL, data->columns, options, error));
    if (looks && divided && options->division == DUET_DIVISION_SHUFFLED)
        DUET_TRY(duet_tell_of_windows(&parts[DUET_TRAIN], options, error));
    if (divided) DUET_TRY(duet_data_divide(data, options->division, error));
    if (!divided && options->division_said && !options->for_use)
        duet_notes_add(options->notes, false, "%s: has test examples of its own, so split=%s changes nothing",
                       options->path, duet_division_name(options->division));
    DUET_TRY(look_at_ranges(data, divided, options, error));
    describe(data);
    if (options->for_use) return DUET_OK;
    bool order_told = data->info.division == DUET_DIVISION_LAST && tell_of_order(parts, options);
    look_at_labels(data, order_told, options);
    return DUET_OK;
}

/* Copies are looked for in examples that are to be learnt from; of a file that is divided before it is, in one pass. */
static duet_status finish_looking(duet_data *data, bool divided, const duet_data_options *options, duet_error *error)
{
    uint64_t *prints[2] = {NULL};
    duet_data_part *parts = data->parts;
    duet_status status = duet_copies_print(&parts[DUET_TRAIN].rows, &prints[DUET_TRAIN], error);
    if (status == DUET_OK && !divided) status = duet_copies_print(&parts[DUET_TEST].rows, &prints[DUET_TEST], error);
    if (status == DUET_OK) status = finish_divided(data, divided, options, error);
    if (status == DUET_OK) status = duet_tell_of_copies(parts, prints, options, error);
    free(prints[DUET_TRAIN]);
    free(prints[DUET_TEST]);
    return status;
}

/* From here on the rows are the parts'. */
static duet_status finish(duet_data *data, const duet_data_options *options, duet_error *error)
{
    duet_data_part *parts = data->parts;
    data->all_test |= options->for_use && parts[DUET_TRAIN].count == 1 && parts[DUET_TEST].count == 0;
    if (data->all_test) DUET_TRY(make_all_test(parts, error));
    bool divided = parts[DUET_TEST].count == 0, looks = !options->for_use && !options->trusted && !data->asked;
    if (!divided) DUET_TRY(check_alike(&parts[DUET_TRAIN].rows, &parts[DUET_TEST].rows, error));
    return looks ? finish_looking(data, divided, options, error) : finish_divided(data, divided, options, error);
}

duet_status duet_data_take_rows(duet_data *data, duet_rows rows[2], const duet_data_options *options, duet_error *error)
{
    for (size_t split = 0; split < 2; split++) {
        data->parts[split].rows = rows[split];
        take_labels(&data->parts[split]);
    }
    return finish(data, options, error);
}

duet_status duet_data_open_set(duet_data *data, const duet_data_options *options, duet_error *error)
{
    duet_rows rows[2] = {{0}};
    duet_status status = open_rows(data, rows, options, error);
    if (status == DUET_OK) return duet_data_take_rows(data, rows, options, error);
    duet_rows_close(&rows[0]);
    duet_rows_close(&rows[1]);
    return status;
}
