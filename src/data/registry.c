/* SPDX-License-Identifier: MIT */
/* Which data sets there are, and what a name or a path leads to: a row of the table, else a file or folder. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/data.h"
#include "data/known.h"

/* An epoch of a generated set, by convention as long as one of MNIST. */
enum { GENERATED_TRAIN = 60000, GENERATED_TEST = 10000 };

/* Sets of files with a name. The generated ones are the rows of duet_generated_at. */
static const struct {
    const char *name, *summary;
    /* The folder, the caller's; NULL if it is not on this machine. *passed_over: what $DUET_DATA says in vain, or NULL
     */
    char *(*find)(const char **passed_over);
    const char *const *help;
    const char *const *class_names;
    /* What other set its files are, by training labels, of those that have its names and counts; NULL: they are it */
    const char *(*doubt)(const uint8_t *labels, size_t count);
} named[] = {
    {"fashion-mnist", "60000 + 10000 grey pictures of clothes, 28 x 28, 10 classes", duet_fashion_mnist_find,
     &duet_fashion_mnist_help, duet_fashion_mnist_classes, duet_fashion_mnist_doubt},
};
enum { NAMED = sizeof named / sizeof *named };

/* 0, or why a folder that is there may not be looked into. */
static int closed(const char *folder)
{
    return access(folder, X_OK) == 0 || errno == ENOENT || errno == ENOTDIR ? 0 : errno;
}

/* What is wrong with the folder that $DUET_DATA names, behind its name: that nobody may look into it, or into that of
 * the set in it, is not that it does not hold the set. */
static const char *fault_of(const char *folder, const char *set, const char *absence, char words[128])
{
    char *inner = duet_path_join(folder, set);
    const int code = closed(folder), inner_code = inner == NULL ? 0 : closed(inner);
    free(inner);
    if (code == 0 && inner_code == 0) return absence;
    snprintf(words, 128, "%s%s cannot be looked into: %s", code == 0 ? "/" : "", code == 0 ? set : "",
             strerror(code != 0 ? code : inner_code));
    return words;
}

static void list_named(duet_dataset_row *row, size_t index)
{
    const char *passed_over;
    char *folder = named[index].find(&passed_over);
    row->name = named[index].name;
    row->summary = named[index].summary;
    row->present = folder != NULL;
    char words[128];
    snprintf(row->source, sizeof row->source, "%s%s%s%s%s", folder != NULL ? folder : *named[index].help,
             passed_over != NULL ? " (DUET_DATA=" : "", passed_over != NULL ? passed_over : "",
             passed_over != NULL ? fault_of(passed_over, row->name, " does not hold it", words) : "",
             passed_over != NULL ? ")" : "");
    free(folder);
}

size_t duet_dataset_list(duet_dataset_row *rows, size_t capacity)
{
    size_t count = 0;
    for (; count < NAMED; count++)
        if (count < capacity) list_named(&rows[count], count);
    for (const duet_generated *set; (set = duet_generated_at(count - NAMED)) != NULL; count++)
        if (count < capacity) rows[count] = (duet_dataset_row){set->name, set->summary, true, "generated"};
    return count;
}

static duet_status open_generated(duet_data *data, const duet_generated *set, const char *options, duet_error *error)
{
    data->generated = set;
    data->info.shape = set->shape;
    data->info.type = DUET_FLOAT32;
    data->info.unit_range = set->unit_range;
    for (size_t split = 0; split < 2; split++)
        duet_generated_range(set, &data->info.low[split], &data->info.high[split]);
    data->info.generated = true;
    data->info.picture = set->shape.rank == 3;
    data->info.count[DUET_TRAIN] = GENERATED_TRAIN;
    data->info.count[DUET_TEST] = GENERATED_TEST;
    data->info.classes = set->classes;
    data->info.labelled[DUET_TRAIN] = data->info.labelled[DUET_TEST] = set->classes > 0;
    data->info.class_names = set->class_names;
    data->info.factor_count = set->factor_count;
    data->info.factors = set->factors;
    if (set->choose != NULL) return set->choose(data, options, error);
    if (options == NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "%s has no options, and \"%s\" was asked of it", set->name, options);
}

/* Options are tried on a set that nobody keeps. */
static duet_status check_generated(const duet_generated *set, const char *options, duet_error *error)
{
    duet_data tried = {0};
    duet_status status = open_generated(&tried, set, options, error);
    free(tried.combinations);
    return status;
}

/* Only a word that is no known set is a mistake here. A name with a slash or a dot is a path, which opening checks. */
static duet_status check_path(const char *name, duet_error *error)
{
    for (size_t i = 0; i < NAMED; i++)
        if (strcmp(named[i].name, name) == 0) return DUET_OK;
    if (strpbrk(name, "/.") != NULL || access(name, F_OK) == 0) return DUET_OK;
    duet_text names = {0};
    for (size_t i = 0; i < NAMED; i++) duet_text_add(&names, "%s ", named[i].name);
    for (size_t i = 0; duet_generated_at(i) != NULL; i++) duet_text_add(&names, "%s ", duet_generated_at(i)->name);
    duet_status status = duet_fail(error, DUET_ERROR_USAGE,
                                   "\"%s\" is neither a data set nor a path; the sets are %s(a path is a file or a "
                                   "folder of examples: docs/data.md has the formats)",
                                   name, duet_text_get(&names));
    duet_text_free(&names);
    return status;
}

duet_status duet_data_check(const char *name, duet_error *error)
{
    const char *behind;
    duet_data_options options;
    if (name == NULL) return DUET_OK;
    const duet_generated *set = duet_generated_find(name, &behind);
    if (set != NULL) return check_generated(set, behind, error);
    DUET_TRY(duet_data_options_read(&options, name, error));
    duet_status status = check_path(options.path, error);
    duet_data_options_free(&options);
    return status;
}

/* The absolute path, which a run can record; the caller frees it. */
static char *absolute(const char *path)
{
    char here[4096];
    if (path[0] == '/' || getcwd(here, sizeof here) == NULL) return strdup(path);
    return duet_path_join(here, path);
}

/* Where the files of a named set are. The caller frees *path. */
static duet_status find_named(size_t index, char **path, duet_notes *notes, duet_error *error)
{
    const char *name = named[index].name, *passed_over;
    char words[128];
    char *found = named[index].find(&passed_over); /* relative where $DUET_DATA is */
    *path = found == NULL ? NULL : absolute(found);
    bool there = found != NULL;
    free(found);
    if (there && *path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", name);
    if (!there)
        return duet_fail(error, DUET_ERROR_FILE, "%s is not on this machine%s%s%s: %s", name,
                         passed_over != NULL ? ", nor in DUET_DATA=" : "", passed_over != NULL ? passed_over : "",
                         passed_over != NULL ? fault_of(passed_over, name, "", words) : "", *named[index].help);
    if (passed_over != NULL)
        duet_notes_add(notes, false, "%s is read from %s: DUET_DATA=%s%s", name, *path, passed_over,
                       fault_of(passed_over, name, " does not hold all its files", words));
    return DUET_OK;
}

/* Where the files of `name` are. The caller frees *path. */
static duet_status find_path(const char *name, char **path, duet_notes *notes, duet_error *error)
{
    for (size_t i = 0; i < NAMED; i++)
        if (strcmp(named[i].name, name) == 0) return find_named(i, path, notes, error);
    DUET_TRY(check_path(name, error));
    *path = absolute(name);
    return *path != NULL ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", name);
}

static size_t index_of(const char *name)
{
    size_t i = 0;
    while (i < NAMED && strcmp(named[i].name, name) != 0) i++;
    return i;
}

/* A set of the same names and counts would get the names of another one's classes. */
static void tell_of_other_set(duet_data *data, size_t index)
{
    const duet_data_part *train = &data->parts[DUET_TRAIN];
    const char *what = named[index].doubt(train->labels, train->count);
    if (what != NULL)
        duet_notes_add(&data->notes, true,
                       "%s: these are not the labels of %s: it is %s, and its classes would get names of others; give "
                       "it by its folder, --data %s, or have DUET_DATA lead to %s",
                       data->source, named[index].name, what, DUET_WORD("%s", data->source), named[index].name);
}

/* What lies here under the name of a set is not meant by it, and somebody may mean it; a run that learnt the set, and
 * was named after it, nobody does. */
static void tell_of_namesake(duet_data *data, const char *name)
{
    struct stat here;
    if (stat(name, &here) != 0 || duet_path_holds_file(name, "run.json")) return;
    if (!duet_path_is_same(name, data->source))
        duet_notes_add(&data->notes, false, "%s is the set of that name: ./%s, which lies here, is given by that path",
                       name, name);
}

static duet_status open_files(duet_data *data, duet_data_options *options, duet_error *error)
{
    const size_t index = index_of(options->path);
    const char *const *class_names = index < NAMED ? named[index].class_names : NULL;
    DUET_TRY(find_path(options->path, &data->source, &data->notes, error));
    if (index < NAMED && !options->trusted) tell_of_namesake(data, options->path);
    options->trusted |= index < NAMED;
    free(options->path);
    options->path = strdup(data->source);
    if (options->path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory");
    options->notes = &data->notes;
    DUET_TRY(duet_data_open_set(data, options, error));
    if (class_names != NULL && options->labels == NULL) data->info.class_names = class_names; /* not of other labels */
    if (index < NAMED && options->labels == NULL) tell_of_other_set(data, index);
    return data->notes.failed ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory") : DUET_OK;
}

/* What a set is opened for. */
typedef enum purpose { TO_LEARN, TO_LEARN_AGAIN, TO_USE } purpose;

static duet_status open_named(duet_data *data, duet_division unsaid, purpose why, duet_error *error)
{
    const char *behind;
    duet_data_options options;
    const duet_generated *set = duet_generated_find(data->name, &behind);
    if (set != NULL) {
        data->source = strdup("generated");
        if (data->source == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory");
        if (why != TO_LEARN_AGAIN) tell_of_namesake(data, set->name);
        return open_generated(data, set, behind, error);
    }
    DUET_TRY(duet_data_options_read(&options, data->name, error));
    if (!options.division_said) options.division = unsaid;
    options.for_use = why == TO_USE;
    options.trusted = why == TO_LEARN_AGAIN;
    duet_status status = open_files(data, &options, error);
    duet_data_options_free(&options);
    return status;
}

static duet_status open_set(duet_data **opened, const char *name, duet_division unsaid, purpose why, duet_error *error)
{
    *opened = NULL;
    if (name == NULL) name = named[0].name;
    duet_data *data = calloc(1, sizeof *data);
    if (data != NULL) data->name = strdup(name);
    if (data == NULL || data->name == NULL) {
        free(data);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", name);
    }
    duet_status status = open_named(data, unsaid, why, error);
    if (status != DUET_OK) {
        duet_data_close(&data);
        return status;
    }
    data->info.name = data->name;
    data->info.format = data->format;
    data->info.source = data->source;
    *opened = data;
    return DUET_OK;
}

duet_status duet_data_open(duet_data **opened, const char *name, duet_error *error)
{
    return open_set(opened, name, DUET_DIVISION_SHUFFLED, TO_LEARN, error);
}

duet_status duet_data_open_divided(duet_data **opened, const char *name, duet_division unsaid, duet_error *error)
{
    return open_set(opened, name, unsaid, TO_LEARN, error);
}

duet_status duet_data_open_again(duet_data **opened, const char *name, duet_division unsaid, duet_error *error)
{
    return open_set(opened, name, unsaid, TO_LEARN_AGAIN, error);
}

duet_status duet_data_open_for_use(duet_data **opened, const char *name, duet_division unsaid, duet_error *error)
{
    return open_set(opened, name, unsaid, TO_USE, error);
}

void duet_data_close(duet_data **data)
{
    if (data == NULL || *data == NULL) return;
    duet_data_end_ahead(*data);
    duet_store_free(&(*data)->store);
    for (size_t split = 0; split < 2; split++) {
        duet_rows_close(&(*data)->parts[split].rows);
        free((*data)->parts[split].labels);
    }
    duet_class_names_free((*data)->class_names, (*data)->class_name_count);
    duet_notes_free(&(*data)->notes);
    free((*data)->combinations);
    free((*data)->name);
    free((*data)->source);
    free((*data)->columns);
    free((*data)->made_of);
    free((*data)->owner);
    free(*data);
    *data = NULL;
}

const char *duet_data_note(const duet_data *data, size_t index, bool *question)
{
    if (index >= data->notes.count) return NULL;
    if (question != NULL) *question = data->notes.items[index].question;
    return data->notes.items[index].text;
}

bool duet_data_has_note(const duet_data *data, const char *words)
{
    for (size_t i = 0; i < data->notes.count; i++)
        if (strstr(data->notes.items[i].text, words) != NULL) return true;
    return false;
}

const duet_data_info *duet_data_describe(const duet_data *data)
{
    return &data->info;
}
