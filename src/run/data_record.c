/* SPDX-License-Identifier: MIT */
/* The record is whole enough to build a model without its data, and to know the data when they are met again. */
#include "run/data_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/data.h"
#include "graph/node.h"
#include "run/json_reader.h"

static const char *const type_names[] = {[DUET_UINT8] = "uint8", [DUET_FLOAT32] = "float32"};
static const char *const split_names[] = {[DUET_TRAIN] = "train", [DUET_TEST] = "test"};

/* null for what nobody knows. */
static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *describe_range(const duet_data_info *info, duet_split split)
{
    return json_pack("{s:o, s:o}", "low", number_or_null((double)info->low[split]), "high",
                     number_or_null((double)info->high[split]));
}

static json_t *describe_shape(duet_shape shape)
{
    json_t *list = json_array();
    for (size_t i = 0; i < shape.rank; i++) duet_json_append(&list, json_integer((json_int_t)shape.dims[i]));
    return list;
}

/* A program's own names may be no UTF-8: null. */
static json_t *describe_classes(const duet_data_info *info)
{
    json_t *list = info->class_names == NULL ? json_null() : json_array();
    for (size_t i = 0; info->class_names != NULL && i < info->classes; i++)
        duet_json_append(&list, duet_json_text(info->class_names[i], strlen(info->class_names[i])));
    return list;
}

static json_t *describe_columns(const duet_data_info *info)
{
    json_t *list = info->columns == NULL ? json_null() : json_array();
    for (const char *at = info->columns; at != NULL && *at != '\0';) {
        const size_t length = strcspn(at, "\n");
        duet_json_append(&list, duet_json_text(at, length));
        at += length + (at[length] != '\0');
    }
    return list;
}

/* null where nobody counted. */
static json_t *describe_counts(const duet_data_info *info, const size_t *counts)
{
    size_t total = 0;
    for (size_t i = 0; counts != NULL && i < info->classes; i++) total += counts[i];
    json_t *list = total == 0 ? json_null() : json_array();
    for (size_t i = 0; total > 0 && i < info->classes; i++)
        duet_json_append(&list, json_integer((json_int_t)counts[i]));
    return list;
}

json_t *duet_data_record_make(const duet_data_info *info, const char *name, bool bytes, const size_t *class_counts)
{
    return json_pack(
        "{s:s, s:s, s:o, s:s, s:b, s:b, s:I, s:I, s:I, s:o, s:o, s:{s:b, s:b}, s:s, s:{s:o, s:o}, s:s, s:o}", "name",
        name, "source", info->source, "shape", describe_shape(info->shape), "type", type_names[info->type],
        "unit_range", (int)info->unit_range, "bytes", (int)bytes, "train", (json_int_t)info->count[DUET_TRAIN], "test",
        (json_int_t)info->count[DUET_TEST], "classes", (json_int_t)info->classes, "class_names", describe_classes(info),
        "class_counts", describe_counts(info, class_counts), "labelled", "train", (int)info->labelled[DUET_TRAIN],
        "test", (int)info->labelled[DUET_TEST], "split", duet_division_name(info->division), "range", "train",
        describe_range(info, DUET_TRAIN), "test", describe_range(info, DUET_TEST), "checksum", info->checksum,
        "columns", describe_columns(info));
}

/* Runs of before there was a choice had the last tenth; a set that needed no division leaves the usual one to others.
 */
static duet_division read_division(duet_json_reader *from, duet_division *recorded)
{
    const json_t *word = json_object_get(from->object, "split");
    *recorded = DUET_DIVISION_LAST;
    if (word == NULL) return DUET_DIVISION_LAST;
    for (duet_division it = DUET_DIVISION_GIVEN; it <= DUET_DIVISION_SHUFFLED; it++) {
        if (!json_is_string(word) || strcmp(json_string_value(word), duet_division_name(it)) != 0) continue;
        *recorded = it;
        return it == DUET_DIVISION_LAST ? it : DUET_DIVISION_SHUFFLED;
    }
    if (from->missing == NULL) from->missing = "split";
    return DUET_DIVISION_LAST;
}

static bool read_type(const duet_json_reader *from, duet_type *type)
{
    const char *name = json_string_value(json_object_get(from->object, "type"));
    for (size_t i = 0; name != NULL && i < sizeof type_names / sizeof *type_names; i++) {
        if (type_names[i] == NULL || strcmp(type_names[i], name) != 0) continue;
        *type = (duet_type)i;
        return true;
    }
    return false;
}

/* Runs of before there was a range of generated sets have none. */
static void complete_ranges(duet_data_info *info)
{
    const char *behind;
    const duet_generated *set = info->generated ? duet_generated_find(info->name, &behind) : NULL;
    for (size_t split = 0; set != NULL && split < 2; split++)
        if (!isfinite(info->low[split]) || !isfinite(info->high[split]))
            duet_generated_range(set, &info->low[split], &info->high[split]);
}

static bool read_range(const duet_json_reader *from, duet_split split, duet_data_info *info)
{
    const json_t *range = json_object_get(json_object_get(from->object, "range"), split_names[split]);
    const json_t *low = json_object_get(range, "low"), *high = json_object_get(range, "high");
    info->low[split] = json_is_number(low) ? (float)json_number_value(low) : -INFINITY;
    info->high[split] = json_is_number(high) ? (float)json_number_value(high) : INFINITY;
    return json_is_object(range);
}

/* false: there is no such list, or names are missing in it. */
static bool read_classes(const duet_json_reader *from, duet_data_record *record)
{
    const json_t *list = json_object_get(from->object, "class_names");
    if (json_is_null(list)) return true;
    if (!json_is_array(list) || json_array_size(list) != record->info.classes) return false;
    record->names = calloc(record->info.classes + 1, sizeof *record->names);
    for (size_t i = 0; record->names != NULL && i < record->info.classes; i++) {
        record->names[i] = json_string_value(json_array_get(list, i));
        if (record->names[i] == NULL) return false;
    }
    record->info.class_names = record->names;
    return record->names != NULL;
}

/* All 0 where nobody counted, as in older records. */
static void read_counts(duet_json_reader *from, duet_data_record *record)
{
    const json_t *list = json_object_get(from->object, "class_counts");
    if (list == NULL || json_is_null(list) || from->missing != NULL) return;
    bool sound = json_is_array(list) && json_array_size(list) == record->info.classes;
    for (size_t i = 0; sound && i < record->info.classes; i++) {
        const json_t *count = json_array_get(list, i);
        sound = json_is_integer(count) && json_integer_value(count) >= 0;
        if (sound) record->class_counts[i] = (size_t)json_integer_value(count);
    }
    if (!sound) from->missing = "class_counts";
}

/* None where the list is missing, as in older records, or has no names. */
static void read_columns(const duet_json_reader *from, duet_data_record *record)
{
    const json_t *list = json_object_get(from->object, "columns");
    duet_text text = {0};
    bool sound = json_array_size(list) > 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        sound = sound && name != NULL;
        duet_text_add(&text, "%s\n", name != NULL ? name : "");
    }
    if (sound && !text.failed) record->columns = strdup(duet_text_get(&text));
    record->info.columns = record->columns;
    duet_text_free(&text);
}

static bool read_labelled(const duet_json_reader *from, duet_data_info *info)
{
    bool known = true;
    for (size_t split = 0; split < 2; split++) {
        const json_t *has = json_object_get(json_object_get(from->object, "labelled"), split_names[split]);
        info->labelled[split] = json_is_true(has);
        known = known && json_is_boolean(has);
    }
    return known;
}

const char *duet_data_record_read(duet_data_record *record, const json_t *object)
{
    duet_json_reader from = {object, NULL};
    duet_data_info *info = &record->info;
    const char *checksum = json_string_value(json_object_get(object, "checksum"));
    info->name = duet_json_reader_text(&from, "name");
    info->source = json_string_value(json_object_get(object, "source"));
    info->shape = duet_json_reader_shape(&from, "shape");
    info->picture = info->shape.rank == 3 && (info->shape.dims[2] == 1 || info->shape.dims[2] == 3);
    info->unit_range = duet_json_reader_truth(&from, "unit_range");
    record->bytes = info->unit_range && !json_is_false(json_object_get(object, "bytes"));
    info->count[DUET_TRAIN] = (size_t)duet_json_reader_count(&from, "train", false);
    info->count[DUET_TEST] = (size_t)duet_json_reader_count(&from, "test", false);
    info->classes = (size_t)duet_json_reader_count(&from, "classes", false);
    if (info->classes > DUET_MOST_CLASSES && from.missing == NULL) from.missing = "classes";
    read_counts(&from, record);
    if (from.missing != NULL) return from.missing;
    info->generated = info->source != NULL && strcmp(info->source, "generated") == 0;
    record->division = read_division(&from, &info->division);
    record->is_whole = read_type(&from, &info->type) && read_range(&from, DUET_TRAIN, info) &&
                       read_range(&from, DUET_TEST, info) && read_labelled(&from, info) &&
                       read_classes(&from, record) && info->source != NULL && checksum != NULL &&
                       strlen(checksum) < sizeof info->checksum;
    if (record->is_whole) strcpy(info->checksum, checksum);
    complete_ranges(info);
    read_columns(&from, record);
    return from.missing;
}

void duet_data_record_free(duet_data_record *record)
{
    free(record->names);
    free(record->columns);
    *record = (duet_data_record){0};
}

/* Whether b is a turned round, [channels, height, width]. */
static bool is_channels_first(duet_shape a, duet_shape b)
{
    return a.rank == 3 && b.rank == 3 && b.dims[0] == a.dims[2] && b.dims[1] == a.dims[0] && b.dims[2] == a.dims[1];
}

/* Words in which '%' stands for the name. */
static void say_way(const char *name, const char *item, const char *words, char *way, size_t size)
{
    char *said = duet_data_name_say(name, item);
    const size_t before = strcspn(words, "%");
    if (said != NULL)
        (void)snprintf(way, size, "%.*s%s%s", (int)before, words, DUET_WORD("%s", said), words + before + 1);
    free(said);
}

/* A program's own numbers have no name that takes options. */
static void say_way_of_array(const duet_data_info *known, bool same_shape, bool as_rows, bool may_be_bytes,
                             const duet_data_info *data, char *way, size_t size)
{
    char text[96];
    if (!same_shape && is_channels_first(known->shape, data->shape))
        (void)snprintf(way, size, "; numpy.moveaxis(array, 1, -1) turns them round");
    else if (!same_shape && as_rows)
        (void)snprintf(way, size, "; array.reshape(-1, *%s) gives them that shape",
                       duet_shape_text(known->shape, text));
    else if (same_shape && may_be_bytes)
        (void)snprintf(way, size, "; if they are bytes, array.astype('u1') is scaled to that");
}

void duet_data_record_way(const duet_data_info *known, const duet_data_info *data, char *way, size_t size)
{
    const size_t *dims = known->shape.dims;
    bool same_shape = duet_shape_equal(known->shape, data->shape);
    bool as_rows = data->shape.rank == 1 && duet_shape_elements(data->shape) == duet_shape_elements(known->shape);
    bool scaled = data->picture && data->type == DUET_UINT8 && data->shape.dims[2] == dims[2];
    float high = fmaxf(data->high[DUET_TRAIN], data->high[DUET_TEST]);
    bool may_be_bytes = known->unit_range && !data->unit_range && high <= 255 && data->low[DUET_TRAIN] >= 0 &&
                        data->low[DUET_TEST] >= 0;
    char extents[64];
    (void)snprintf(extents, sizeof extents, "size=%zux%zu", dims[0], dims[1]);
    if (data->generated) return;
    if (data->source != NULL && strcmp(data->source, DUET_OWN_SOURCE) == 0)
        say_way_of_array(known, same_shape, as_rows, may_be_bytes, data, way, size);
    else if (known->picture && !same_shape && is_channels_first(known->shape, data->shape))
        say_way(data->name, "channels=first", "; % turns them round", way, size);
    else if (known->picture && !same_shape && (as_rows || scaled))
        say_way(data->name, extents, "; % gives them that shape", way, size);
    else if (same_shape && may_be_bytes)
        say_way(data->name, "values=bytes", "; if they are bytes, % scales them", way, size);
}

duet_status duet_data_record_fits(const duet_data_record *record, const char *run, const duet_data_info *data,
                                  duet_error *error)
{
    const duet_data_info *known = &record->info;
    bool same = known->shape.rank == data->shape.rank && known->unit_range == data->unit_range;
    for (size_t i = 0; same && i < data->shape.rank; i++) same = known->shape.dims[i] == data->shape.dims[i];
    if (same) return DUET_OK;
    char had[96], has[96], way[320] = "";
    duet_data_record_way(known, data, way, sizeof way);
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s was trained on examples of shape %s with values %s; those of %s have shape %s and values %s: this model "
        "would read them wrongly%s",
        run, duet_shape_text(known->shape, had), duet_data_range_words(known->unit_range), data->name,
        duet_shape_text(data->shape, has), duet_data_range_words(data->unit_range), way);
}

duet_status duet_data_record_compare(const duet_data_record *record, duet_data *data, bool *same,
                                     char words[DUET_DIFFERENCE_SIZE], duet_error *error)
{
    duet_data_info known = record->info;
    if (!record->is_whole) {
        known.type = duet_data_describe(data)->type;
        known.class_names = duet_data_describe(data)->class_names;
    }
    return duet_data_compare(data, &known, same, words, error);
}

/* What an older record leaves unsaid, the data say themselves. */
static duet_status open_at_once(const duet_data_record *record, const char *run, duet_data **data, duet_error *error)
{
    char words[DUET_DIFFERENCE_SIZE];
    bool same;
    DUET_TRY(duet_data_open_again(data, record->info.name, record->division, error));
    DUET_TRY(duet_data_record_fits(record, run, duet_data_describe(*data), error));
    DUET_TRY(duet_data_record_compare(record, *data, &same, words, error));
    if (!same) return duet_data_refuse_replaced(run, record->info.name, words, error);
    return duet_data_compare_columns(*data, &record->info, run, error);
}

duet_status duet_data_record_open(const duet_data_record *record, const char *run, const char *name, duet_data **data,
                                  duet_error *error)
{
    *data = NULL;
    if (name != NULL) {
        DUET_TRY(duet_data_open_for_use(data, name, record->division, error));
        DUET_TRY(duet_data_record_fits(record, run, duet_data_describe(*data), error));
        DUET_TRY(duet_data_compare_columns(*data, &record->info, run, error));
        if (record->is_whole) duet_data_compare_ranges(*data, &record->info, run);
        return duet_data_take_classes(*data, &record->info, run, error);
    }
    if (!record->is_whole || record->info.generated) return open_at_once(record, run, data, error);
    DUET_TRY(duet_data_from_record(data, &record->info, run, error));
    (*data)->bytes = record->bytes;
    return DUET_OK;
}
