/* SPDX-License-Identifier: MIT */
/* Sets that a program holds in memory, or gives a piece at a time. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "base/text.h"
#include "data/columns.h"
#include "data/data.h"
#include "data/known.h"
#include "data/memory.h"
#include "data/plausible.h"

enum { MOST_CLASSES = 256 };

/* Rows that a program's function gives, to one reader at a time. */
typedef struct asked {
    duet_fill_rows fill;
    void *context;
    duet_split split;
    size_t users; /* they come and go on one thread */
    pthread_mutex_t mutex;
} asked;

/* What it gives may change from call to call, and a training would show it as a loss that is not finite. */
static duet_status check_given(const duet_rows *rows, size_t first, size_t count, const float *values,
                               duet_error *error)
{
    const asked *it = rows->state;
    const size_t elements = rows->row_elements;
    if (rows->element != DUET_ELEMENT_FLOAT32) return DUET_OK;
    for (size_t i = 0; i < count * elements; i++)
        if (!isfinite(values[i]))
            return duet_fail(
                error, DUET_ERROR_DATA,
                "%s: value %zu of example %zu of the %s split, as the program's function gave it, is not a "
                "finite float32 number",
                rows->path, i % elements, first + i / elements, it->split == DUET_TRAIN ? "training" : "test");
    return DUET_OK;
}

static duet_status asked_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error)
{
    asked *it = rows->state;
    duet_error own = {0};
    if (pthread_mutex_lock(&it->mutex) != 0)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "%s: the program's function reads the set whose rows it gives, for which it would wait for "
                         "ever",
                         rows->path);
    duet_status status = it->fill(it->context, it->split, first, count, destination, &own);
    pthread_mutex_unlock(&it->mutex);
    if (status == DUET_OK) return check_given(rows, first, count, destination, error);
    return duet_fail(error, status, "%s: %s", rows->path,
                     own.message[0] != '\0' ? own.message : "the program's function gave no examples");
}

static duet_status asked_share(duet_rows *to, const duet_rows *from, duet_error *error)
{
    asked *it = from->state;
    (void)error;
    it->users++;
    to->state = it;
    return DUET_OK;
}

static void asked_close(duet_rows *rows)
{
    asked *it = rows->state;
    if (--it->users > 0) return;
    pthread_mutex_destroy(&it->mutex);
    free(it);
}

static const duet_row_source asked_source = {asked_read, NULL, NULL, asked_share, asked_close, NULL};

/* One that knows its owner, so that a function that reads the set that it gives is told, and does not wait. */
static bool make_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t kind;
    if (pthread_mutexattr_init(&kind) != 0) return false;
    const bool made =
        pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK) == 0 && pthread_mutex_init(mutex, &kind) == 0;
    (void)pthread_mutexattr_destroy(&kind);
    return made;
}

static duet_status ask(duet_rows *rows, duet_fill_rows fill, void *context, duet_split split, duet_error *error)
{
    asked *it = malloc(sizeof *it);
    if (it == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", rows->path);
    *it = (asked){.fill = fill, .context = context, .split = split, .users = 1};
    if (!make_mutex(&it->mutex)) {
        free(it);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: the system has no lock left for it", rows->path);
    }
    rows->state = it;
    rows->source = &asked_source;
    return DUET_OK;
}

/* What would be left unread: it was given for a reason. */
static duet_status check_idle(const duet_own_data *set, duet_error *error)
{
    if (set->count[DUET_TEST] == 0 && (set->examples[DUET_TEST] != NULL || set->labels[DUET_TEST] != NULL))
        return duet_fail(error, DUET_ERROR_USAGE,
                         "%s: the test split is given and has no examples: give it some, or leave it out, for a tenth "
                         "of the training examples to take its place",
                         set->name);
    if (set->labels[DUET_TRAIN] == NULL && set->labels[DUET_TEST] == NULL &&
        (set->class_names != NULL || set->classes > 0))
        return duet_fail(error, DUET_ERROR_USAGE, "%s: classes are given, and no labels that have them", set->name);
    return DUET_OK;
}

/* Names of columns are kept a line each, in the files of a run too. */
static duet_status check_columns(const duet_own_data *set, duet_error *error)
{
    if (set->columns == NULL) return DUET_OK;
    if (set->shape.rank != 1)
        return duet_fail(error, DUET_ERROR_USAGE, "%s: columns have names, and its examples are no rows of them",
                         set->name);
    for (size_t i = 0; i < set->shape.dims[0]; i++)
        if (set->columns[i] == NULL || strchr(set->columns[i], '\n') != NULL || !duet_text_is_utf8(set->columns[i]))
            return duet_fail(error, DUET_ERROR_USAGE,
                             "%s: the name of column %zu of %zu is missing, of several lines or not UTF-8: give each "
                             "one, or none a name",
                             set->name, i + 1, set->shape.dims[0]);
    return DUET_OK;
}

static duet_status check(const duet_own_data *set, duet_error *error)
{
    if (set->name == NULL || set->name[0] == '\0')
        return duet_fail(error, DUET_ERROR_USAGE, "a set of the program's own needs a name");
    if (!duet_text_is_utf8(set->name))
        return duet_fail(error, DUET_ERROR_USAGE,
                         "%.100s: this name of a set is not UTF-8, and a run, which keeps it, is: give it another",
                         set->name);
    DUET_TRY(check_idle(set, error));
    size_t elements = duet_shape_elements(set->shape), bytes;
    bool fits = set->shape.rank >= 1 && set->shape.rank <= 3 && elements > 0 &&
                duet_size_multiply(elements, set->count[DUET_TRAIN], &bytes) &&
                duet_size_multiply(elements, set->count[DUET_TEST], &bytes);
    if (!fits || set->count[DUET_TRAIN] == 0 || (set->type != DUET_UINT8 && set->type != DUET_FLOAT32))
        return duet_fail(error, DUET_ERROR_USAGE,
                         "%s: bytes or float32 of 1 to 3 extents, and training examples, are expected", set->name);
    if (set->division != DUET_DIVISION_GIVEN && set->division != DUET_DIVISION_LAST &&
        set->division != DUET_DIVISION_SHUFFLED)
        return duet_fail(error, DUET_ERROR_USAGE, "%s: division %d is none of enum duet_division", set->name,
                         (int)set->division);
    DUET_TRY(check_columns(set, error));
    if (set->classes > MOST_CLASSES)
        return duet_fail(error, DUET_ERROR_USAGE, "%s: %zu classes; %d are possible", set->name, set->classes,
                         MOST_CLASSES);
    bool counts = set->class_names != NULL || set->classes > 0; /* else there are as many as labels say */
    for (size_t i = 0; set->class_names != NULL && i < set->classes; i++)
        if (set->class_names[i] == NULL)
            return duet_fail(error, DUET_ERROR_USAGE, "%s: class %zu of %zu has no name", set->name, i, set->classes);
        else if (!duet_text_is_utf8(set->class_names[i]))
            return duet_fail(error, DUET_ERROR_USAGE,
                             "%s: the name of class %zu, \"%.100s\", is not UTF-8, and a run, which keeps it, is: give "
                             "it as UTF-8",
                             set->name, i, set->class_names[i]);
    for (size_t split = 0; split < 2; split++)
        for (size_t i = 0; set->labels[split] != NULL && counts && i < set->count[split]; i++)
            if (set->labels[split][i] >= set->classes)
                return duet_fail(error, DUET_ERROR_USAGE,
                                 "%s: example %zu of the %s split has label %u, and there are %zu "
                                 "classes, numbered from 0 on",
                                 set->name, i, split == DUET_TRAIN ? "training" : "test", set->labels[split][i],
                                 set->classes);
    return DUET_OK;
}

static duet_status open_split(duet_rows *rows, const duet_own_data *set, duet_split split, duet_fill_rows fill,
                              void *context, duet_error *error)
{
    if (set->count[split] == 0) return DUET_OK;
    rows->path = strdup(set->name);
    rows->count = set->count[split];
    rows->shape = set->shape;
    rows->row_elements = duet_shape_elements(set->shape);
    rows->element = set->type == DUET_UINT8 ? DUET_ELEMENT_UINT8 : DUET_ELEMENT_FLOAT32;
    if (set->labels[split] != NULL) rows->labels.values = malloc(rows->count);
    if (rows->path == NULL || (set->labels[split] != NULL && rows->labels.values == NULL))
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", set->name);
    if (set->labels[split] != NULL) memcpy(rows->labels.values, set->labels[split], rows->count);
    if (fill == NULL) return duet_rows_lie_in_memory(rows, (void *)(uintptr_t)set->examples[split], false, error);
    return ask(rows, fill, context, split, error);
}

static duet_status take_classes(duet_data *data, const duet_own_data *set, duet_error *error)
{
    if (set->labels[DUET_TRAIN] == NULL && set->labels[DUET_TEST] == NULL) return DUET_OK;
    data->info.classes = set->classes;
    if (set->class_names == NULL) return DUET_OK;
    data->class_names = calloc(set->classes, sizeof *data->class_names);
    bool sound = data->class_names != NULL;
    for (size_t i = 0; sound && i < set->classes; i++) {
        sound = (data->class_names[i] = strdup(set->class_names[i])) != NULL;
        data->class_name_count += sound;
    }
    data->info.class_names = (const char *const *)data->class_names;
    return sound ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", set->name);
}

static duet_status take_columns(duet_data *data, const duet_own_data *set, duet_error *error)
{
    if (set->columns == NULL) return DUET_OK;
    data->columns = duet_columns_join(set->columns, set->shape.dims[0]);
    data->info.columns = data->columns;
    return data->columns != NULL ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", set->name);
}

/* What is looked at, divided and tested is to be what is trained on. */
static duet_status tell_of_unsteady(duet_rows *rows, duet_notes *notes, duet_error *error)
{
    enum { MOST = 8 };
    const size_t count = rows->count < MOST ? rows->count : MOST, bytes = count * duet_rows_row_bytes(rows);
    unsigned char *read = calloc(2 * count, duet_rows_row_bytes(rows)); /* which checks the product */
    if (read == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    duet_status status = duet_rows_read(rows, 0, count, read, error);
    if (status == DUET_OK) status = duet_rows_read(rows, 0, count, read + bytes, error);
    if (status == DUET_OK && memcmp(read, read + bytes, bytes) != 0)
        duet_notes_add(notes, false,
                       "%s: the program's function gives other numbers each time that it is asked for the same "
                       "examples: those that are looked at, tested and gone on with are not those that are trained on; "
                       "what is to vary is drawn in the model, as by duet_normal",
                       rows->path);
    free(read);
    return status;
}

/* A program has no words behind a colon to answer with. */
static void ask_nothing(duet_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) notes->items[i].question = false;
}

static duet_status open_own(duet_data *data, const duet_own_data *set, duet_fill_rows fill, void *context,
                            duet_error *error)
{
    duet_rows rows[2] = {{0}};
    const bool said = set->division != DUET_DIVISION_GIVEN;
    duet_data_options options = {.own = true,
                                 .notes = &data->notes,
                                 .division_said = said,
                                 .division = said           ? set->division
                                             : fill == NULL ? DUET_DIVISION_SHUFFLED
                                                            : DUET_DIVISION_LAST};
    data->name = strdup(set->name);
    data->source = strdup(DUET_OWN_SOURCE);
    if (data->name == NULL || data->source == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", set->name);
    options.path = data->name;
    duet_status status = take_classes(data, set, error);
    if (status == DUET_OK) status = take_columns(data, set, error);
    for (size_t split = 0; status == DUET_OK && split < 2; split++)
        status = open_split(&rows[split], set, (duet_split)split, fill, context, error);
    data->asked = fill != NULL;
    if (status == DUET_OK && fill != NULL) status = tell_of_unsteady(&rows[DUET_TRAIN], &data->notes, error);
    if (status == DUET_OK && fill == NULL) status = duet_ask_about_planes(&rows[DUET_TRAIN], false, &options, error);
    if (status == DUET_OK) {
        duet_ask_about_shape(&rows[DUET_TRAIN], &options);
        status = duet_data_take_rows(data, rows, &options, error);
        ask_nothing(&data->notes);
        return status;
    }
    duet_rows_close(&rows[0]);
    duet_rows_close(&rows[1]);
    return status;
}

static duet_status open_checked(duet_data **opened, const duet_own_data *set, duet_fill_rows fill, void *context,
                                duet_error *error)
{
    *opened = NULL;
    DUET_TRY(check(set, error));
    duet_data *data = calloc(1, sizeof *data);
    if (data == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", set->name);
    duet_status status = open_own(data, set, fill, context, error);
    if (status != DUET_OK) {
        duet_data_close(&data);
        return status;
    }
    data->info.name = data->name;
    data->info.source = data->source;
    *opened = data;
    return DUET_OK;
}

duet_status duet_data_from_memory(duet_data **data, const duet_own_data *set, duet_error *error)
{
    *data = NULL;
    for (size_t split = 0; split < 2; split++)
        if (set->count[split] > 0 && set->examples[split] == NULL)
            return duet_fail(error, DUET_ERROR_USAGE, "%s: the %s split has %zu examples and no memory of them",
                             set->name != NULL ? set->name : "a set", split == DUET_TRAIN ? "training" : "test",
                             set->count[split]);
    return open_checked(data, set, NULL, NULL, error);
}

duet_status duet_data_from_callback(duet_data **data, const duet_own_data *set, duet_fill_rows fill, void *context,
                                    duet_error *error)
{
    *data = NULL;
    if (fill == NULL) return duet_fail(error, DUET_ERROR_USAGE, "a function that gives examples is missing");
    return open_checked(data, set, fill, context, error);
}
