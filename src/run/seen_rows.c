/* SPDX-License-Identifier: MIT */
/* Kept are prints of up to KEPT training rows, one drawn from each of equal parts of the split: all of a small set. Of
 * the test rows of other data those are counted whose print is there, and from them how many all training rows would
 * give. How often that happens by chance the run's own test rows have said. */
#include "run/seen_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "data/copies.h"
#include "graph/node.h"

enum {
    KEPT = 1024,
    LOOKED_AT = 4096,
    DECODED = 1024 /* of pictures, which takes longer */,
    DIGITS = 8,
    STREAM = 0x7365656e /* "seen" */
};

/* Numbers of rows, sorted. */
typedef struct prints {
    uint32_t *items;
    size_t count, rows; /* rows: of the split that they are drawn from */
} prints;

static int compare(const void *a, const void *b)
{
    const uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;
    return (one > two) - (one < two);
}

/* The same for values that were bytes, or doubles, once. `room` has as many numbers of 16 bits. */
static uint32_t print_row(const duet_data_info *info, float *values, uint16_t *room)
{
    const size_t count = duet_shape_elements(info->shape);
    uint64_t print;
    if (info->unit_range) {
        for (size_t i = 0; i < count; i++) room[i] = (uint16_t)lrintf(values[i] * UINT16_MAX); /* exact of k / 255 */
        print = duet_print(room, count * sizeof *room);
    } else {
        for (size_t i = 0; i < count; i++) values[i] += 0.0f; /* -0 is 0 */
        print = duet_print(values, count * sizeof *values);
    }
    return (uint32_t)(print ^ print >> 32);
}

static duet_status print_rows(prints *it, duet_data *data, duet_split split, float *values, uint16_t *room,
                              duet_error *error)
{
    for (size_t i = 0; i < it->count; i++) {
        const size_t row = duet_philox_place(STREAM, i, it->count, it->rows);
        DUET_TRY(duet_data_read(data, split, row, 1, values, error));
        it->items[i] = print_row(&data->info, values, room);
    }
    qsort(it->items, it->count, sizeof *it->items, compare);
    return DUET_OK;
}

/* Of some rows of a split; the caller frees the items, also on failure. */
static duet_status take_prints(prints *it, duet_data *data, duet_split split, duet_error *error)
{
    const size_t most = split == DUET_TRAIN ? KEPT : data->parts[split].rows.pictures ? DECODED : LOOKED_AT;
    const size_t rows = data->info.count[split], width = duet_shape_elements(data->info.shape);
    *it = (prints){NULL, rows < most ? rows : most, rows};
    it->items = calloc(it->count + 1, sizeof *it->items);
    float *values = calloc(width, sizeof *values);
    uint16_t *room = calloc(width, sizeof *room);
    duet_status status = it->items == NULL || values == NULL || room == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", data->info.name)
                             : print_rows(it, data, split, values, room, error);
    free(values);
    free(room);
    return status;
}

/* How many of the one are in the other; `once`: the same ones count as one. */
static size_t count_among(const prints *some, const prints *all, bool once)
{
    size_t count = 0;
    for (size_t i = 0; i < some->count; i++) {
        if (once && i > 0 && some->items[i] == some->items[i - 1]) continue;
        count += bsearch(&some->items[i], all->items, all->count, sizeof *all->items, compare) != NULL;
    }
    return count;
}

static json_t *write_prints(const prints *it)
{
    char *text = malloc(it->count * DIGITS + 1);
    if (text == NULL) return NULL;
    for (size_t i = 0; i < it->count; i++) snprintf(text + i * DIGITS, DIGITS + 1, "%08x", (unsigned)it->items[i]);
    text[it->count * DIGITS] = '\0';
    json_t *made = json_string(text);
    free(text);
    return made;
}

/* false: the text is none of write_prints, or memory is short. */
static bool read_prints(prints *it, const json_t *entry)
{
    const char *text = json_string_value(json_object_get(entry, "prints"));
    const json_int_t rows = json_integer_value(json_object_get(entry, "of"));
    const size_t length = text == NULL ? 0 : strlen(text);
    *it = (prints){NULL, length / DIGITS, (size_t)rows};
    if (length == 0 || length % DIGITS != 0 || rows < (json_int_t)it->count) return false;
    it->items = calloc(it->count, sizeof *it->items);
    for (size_t i = 0; it->items != NULL && i < it->count; i++) {
        char digits[DIGITS + 1] = "";
        memcpy(digits, text + i * DIGITS, DIGITS);
        it->items[i] = (uint32_t)strtoul(digits, NULL, 16);
    }
    if (it->items != NULL) qsort(it->items, it->count, sizeof *it->items, compare);
    return it->items != NULL;
}

static bool has_entry(const json_t *list, const json_t *entry)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), entry)) return true;
    return false;
}

static duet_status describe(json_t **entry, duet_data *data, duet_error *error)
{
    prints train = {NULL}, test = {NULL};
    duet_status status = take_prints(&train, data, DUET_TRAIN, error);
    if (status == DUET_OK) status = take_prints(&test, data, DUET_TEST, error);
    if (status == DUET_OK) {
        *entry = json_pack("{s:I, s:I, s:I, s:o}", "of", (json_int_t)train.rows, "test", (json_int_t)test.count,
                           "in_test", (json_int_t)count_among(&test, &train, false), "prints", write_prints(&train));
        if (*entry == NULL) status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the rows of a run");
    }
    free(train.items);
    free(test.items);
    return status;
}

duet_status duet_seen_rows_add(json_t **list, const json_t *before, duet_data *data, duet_error *error)
{
    json_t *entry = NULL;
    *list = json_is_array(before) ? json_copy((json_t *)before) : json_array();
    duet_status status = *list == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the rows of a run")
                         : data->info.generated || data->asked ? DUET_OK
                                                               : describe(&entry, data, error);
    if (entry != NULL && !has_entry(*list, entry) && json_array_append(*list, entry) != 0)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the rows of a run");
    json_decref(entry);
    return status;
}

/* How many of all test rows the found ones stand for; 0 where chance may have found them. A row that comes again and
 * again, such as a blank picture, counts once: other data may have more of them. Where the run's own test rows are such
 * rows too, others that are say nothing new. */
static size_t weigh(const json_t *entry, const prints *train, const prints *test)
{
    enum { CLEARLY = 3, OFTEN = 10 /* one of so many own ones */ };
    const double own = (double)json_integer_value(json_object_get(entry, "test")),
                 in_own = (double)json_integer_value(json_object_get(entry, "in_test")),
                 of_each = (double)train->rows / (double)train->count;
    const double found = (double)count_among(test, train, true);
    if (found < 2 || own < 1 || in_own * of_each * OFTEN > own) return 0;
    if (found <= CLEARLY * (in_own + 1) * (double)test->count / own) return 0;
    const double all = round(found * of_each * (double)test->rows / (double)test->count);
    return all < (double)test->rows ? (size_t)all : test->rows;
}

static void tell(duet_data *data, const char *run, bool goes_on, size_t count, bool exact)
{
    duet_notes_add(&data->notes, false,
                   "%s: %s%zu of its %zu test examples are rows that %s was trained on%s: what is measured of them is "
                   "no measure of new ones; %s",
                   data->info.name, exact ? "" : "about ", count, data->info.count[DUET_TEST], run,
                   data->info.division == DUET_DIVISION_SHUFFLED
                       ? ", as test examples are drawn anew of a file that has changed"
                       : "",
                   goes_on ? "give those that it was not trained on in a folder, as test.npy beside train.npy"
                           : "measure on the run's own data, or on examples that are all new, in a folder as test.npy");
}

duet_status duet_seen_rows_tell(const json_t *list, const char *run, bool goes_on, duet_data *data, duet_error *error)
{
    size_t most = 0;
    bool exact = true;
    prints test = {NULL};
    if (json_array_size(list) == 0 || data->info.generated || data->asked) return DUET_OK;
    duet_status status = take_prints(&test, data, DUET_TEST, error);
    for (size_t i = 0; i < json_array_size(list) && status == DUET_OK; i++) {
        const json_t *entry = json_array_get(list, i);
        prints train;
        const size_t count = read_prints(&train, entry) ? weigh(entry, &train, &test) : 0;
        if (count > most) exact = train.count == train.rows && test.count == test.rows;
        if (count > most) most = count;
        free(train.items);
    }
    if (most > 0) tell(data, run, goes_on, most, exact);
    free(test.items);
    return status;
}
