/* SPDX-License-Identifier: MIT */
/* run.json, written by jansson and read back with every key checked. */
#include "run/run_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "run/checkpoint.h"
#include "run/commit.h"
#include "run/json_reader.h"
#include "tune/tuning_file.h"

static duet_status out_of_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for run.json");
}

static json_t *describe_environment(void)
{
    json_t *all = json_object();
    const char *entry;
    for (size_t i = 0; all != NULL && (entry = duet_environment_at(i)) != NULL; i++) {
        const char *equals = strchr(entry, '=');
        if (!duet_text_is_utf8(entry)) continue; /* JSON cannot hold it */
        char *name = strndup(entry, (size_t)(equals - entry));
        duet_json_set(&all, name, json_string(equals + 1));
        free(name);
    }
    return all;
}

static json_t *describe_device(const duet_device_info *info)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", info->name, "kind", duet_device_kind_name(info->kind),
                     "vendor", info->vendor, "platform", info->platform, "version", info->version, "driver",
                     info->driver);
}

/* {"group": count} of all groups that some phase updates; a group whose count is 0 is left out. */
static json_t *describe_groups(const duet_build *build, size_t (*count)(const duet_group *group))
{
    json_t *groups = json_object();
    const duet_procedure_description *train = &build->procedures[0];
    for (size_t p = 0; p < train->phase_count; p++)
        for (size_t o = 0; o < train->phases[p].objective_count; o++)
            for (size_t g = 0; g < train->phases[p].objectives[o].group_count; g++) {
                const duet_group *group = train->phases[p].objectives[o].groups[g];
                if (count(group) > 0)
                    duet_json_set(&groups, duet_group_name(group), json_integer((json_int_t)count(group)));
            }
    return groups;
}

duet_status duet_run_file_check_counts(const json_t *document, const char *directory, const duet_build *build,
                                       duet_error *error)
{
    const json_t *told = json_object_get(document, "parameters");
    json_t *counted = describe_groups(build, duet_group_parameters), *count;
    const char *group;
    duet_status status = counted != NULL ? DUET_OK : out_of_memory(error);
    json_object_foreach(counted, group, count)
    {
        const json_t *says = json_object_get(told, group);
        if (status != DUET_OK || !json_is_integer(says) || json_equal(says, count)) continue; /* others do not say */
        status =
            duet_fail(error, DUET_ERROR_DATA,
                      "%s/run.json counts %lld parameters in \"%s\", and the model that it describes has %lld: it is "
                      "not as it was written; put back the one that was there, or train again",
                      directory, (long long)json_integer_value(says), group, (long long)json_integer_value(count));
    }
    json_decref(counted);
    return status;
}

/* One entry for each time the run was resumed, this time included: the step, the device, the versions, and what was
 * changed. */
static json_t *describe_resumptions(const duet_run_choice *choice, const duet_run_file *before, uint64_t step,
                                    const duet_device_info *info)
{
    const json_t *told = before == NULL ? NULL : json_object_get(before->document, "resumed");
    json_t *list = json_is_array(told) ? json_deep_copy(told) : json_array();
    if (before == NULL) return list;
    json_t *entry = json_pack("{s:I, s:s, s:s, s:s}", "step", (json_int_t)step, "device", info->name, "driver",
                              info->driver, "duet", duet_version());
    if (json_object_size(choice->changed) > 0) duet_json_set(&entry, "changed", json_incref(choice->changed));
    if (choice->ranks != NULL) duet_json_set(&entry, "ranks", json_integer((json_int_t)json_array_size(choice->ranks)));
    duet_json_append(&list, entry);
    return list;
}

/* Each product of the plans, with the provider and the parameters chosen for it. */
static json_t *describe_products(duet_device *device)
{
    json_t *list = json_array();
    const duet_gemm_shape *shape;
    for (size_t i = 0; (shape = duet_device_product_at(device, i)) != NULL; i++) {
        const duet_gemm_choice choice = duet_gemm_choose(device, shape);
        json_t *product = duet_product_to_json(shape);
        duet_json_join(&product, duet_choice_to_json(&choice));
        duet_json_append(&list, product);
    }
    return list;
}

static json_t *describe_tuning(const duet_run_choice *choice, const duet_device *device)
{
    json_t *tuning = choice->tuning == NULL ? json_null() : duet_tuning_to_json(duet_device_tuning(device));
    if (choice->tuning != NULL) duet_json_set(&tuning, "file", json_string(choice->tuning));
    return tuning;
}

static json_t *number_or_null(uint64_t number)
{
    return number == 0 ? json_null() : json_integer((json_int_t)number);
}

static json_t *describe_watch(const duet_watch *watch)
{
    json_t *metrics = json_array();
    for (size_t i = 0; i < watch->metric_count; i++) duet_json_append(&metrics, json_string(watch->metrics[i]));
    return json_pack("{s:o, s:s?, s:o}", "metrics", metrics, "best", watch->best, "patience",
                     number_or_null(watch->patience));
}

const char *duet_commit(void)
{
    return DUET_COMMIT;
}

static json_t *describe_run(const duet_run_choice *choice, const duet_trainer *trainer, const duet_run_file *before)
{
    const duet_device_info *device = duet_device_describe(trainer->device);
    const duet_data_info *data = duet_data_describe(duet_model_data(trainer->model));
    return json_pack("{s:i, s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:I, s:s, s:o, s:{s:s, s:o}, s:o, s:o, s:{s:s, s:s, "
                     "s:s}, s:o, s:o, s:o, s:b, s:o, s:s?, s:O*, s:O*, s:O*}",
                     "schema", 1, "model", choice->model, "settings", duet_settings_json(trainer->model), "data",
                     duet_data_record_make(data, choice->data, trainer->model->bytes, trainer->model->class_counts),
                     "batch", (json_int_t)choice->batch, "seed", (json_int_t)choice->seed, "steps",
                     number_or_null(choice->steps), "epochs", number_or_null(choice->epochs), "checkpoint_every",
                     (json_int_t)choice->checkpoint_every, "gemm", choice->gemm != NULL ? choice->gemm : "auto",
                     "device", describe_device(device), "providers", "gemm", duet_device_gemm(trainer->device),
                     "products", describe_products(trainer->device), "tuning", describe_tuning(choice, trainer->device),
                     "environment", describe_environment(), "versions", "duet", duet_version(), "commit", DUET_COMMIT,
                     "jansson", JANSSON_VERSION, "parameters", describe_groups(trainer->build, duet_group_parameters),
                     "states", describe_groups(trainer->build, duet_group_states), "resumed",
                     describe_resumptions(choice, before, trainer->steps, device), "checkpointed",
                     (int)choice->checkpointed, "watch", describe_watch(&choice->watch), "judge", choice->judge,
                     "composition", choice->composition, "ranks", choice->ranks, "trained_rows", choice->trained_rows);
}

/* Replaces the file as a whole and drops the document, which is NULL where memory was short. */
static duet_status write_document(const char *directory, json_t *document, duet_error *error)
{
    char *text = document == NULL ? NULL : duet_json_write(document, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    char *path = duet_path_join(directory, "run.json");
    duet_status status =
        text == NULL || path == NULL ? out_of_memory(error) : duet_file_replace(path, text, strlen(text), error);
    free(path);
    free(text);
    json_decref(document);
    return status;
}

duet_status duet_run_file_write(const char *directory, const duet_run_choice *choice, const duet_trainer *trainer,
                                const duet_run_file *before, duet_error *error)
{
    const char *source = duet_data_describe(duet_model_data(trainer->model))->source;
    const char *const names[] = {choice->data, source, choice->judge, choice->tuning};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i] != NULL && !duet_text_is_utf8(names[i]))
            return duet_fail(
                error, DUET_ERROR_DATA,
                "%s: this name is not UTF-8, so that run.json cannot keep it: rename the file, or the folder "
                "that it is in",
                names[i]);
    return write_document(directory, describe_run(choice, trainer, before), error);
}

duet_status duet_run_file_mark(const char *directory, duet_error *error)
{
    char *path = duet_path_join(directory, "run.json");
    const char *fault;
    FILE *file = path == NULL ? NULL : duet_file_open(path, &fault);
    json_t *document = file == NULL ? NULL : duet_json_read_file(file, JSON_REJECT_DUPLICATES, NULL);
    const bool short_memory = path == NULL || (file != NULL && document == NULL && errno == ENOMEM);
    if (file != NULL) (void)fclose(file); /* only read from */
    free(path);
    if (!short_memory && !json_is_object(document)) {
        json_decref(document);
        return duet_fail(error, DUET_ERROR_FILE, "%s/run.json cannot be read any more: what has become of it?",
                         directory);
    }
    duet_json_set(&document, "checkpointed", json_true());
    return write_document(directory, document, error);
}

/* {"key": "value"} into "key=value" lines. */
static duet_status read_settings(duet_run_file *file, duet_json_reader *from, duet_error *error)
{
    json_t *settings = duet_json_reader_object(from, "settings"), *value;
    const char *key;
    file->lines = calloc(json_object_size(settings) + 1, sizeof *file->lines);
    if (file->lines == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the settings of a run");
    json_object_foreach(settings, key, value)
    {
        const char *text = json_string_value(value);
        if (text == NULL) {
            if (from->missing == NULL) from->missing = key;
            continue;
        }
        size_t room = strlen(key) + strlen(text) + 2;
        char *line = malloc(room);
        if (line == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the settings of a run");
        snprintf(line, room, "%s=%s", key, text);
        file->lines[file->choice.setting_count++] = line;
    }
    file->choice.settings = (const char *const *)file->lines;
    return DUET_OK;
}

/* Not in older runs. */
static duet_status read_watch(duet_run_file *file, duet_json_reader *from, duet_error *error)
{
    duet_watch *watch = &file->choice.watch;
    file->tells_watch = json_object_get(from->object, "watch") != NULL;
    if (!file->tells_watch) return DUET_OK;
    duet_json_reader watched = {duet_json_reader_object(from, "watch"), NULL};
    const json_t *metrics = json_object_get(watched.object, "metrics");
    file->watched = calloc(json_array_size(metrics) + 1, sizeof *file->watched);
    if (file->watched == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what a run is watched by");
    for (size_t i = 0; i < json_array_size(metrics); i++) {
        file->watched[i] = json_string_value(json_array_get(metrics, i));
        if (file->watched[i] == NULL) watched.missing = "metrics";
    }
    watch->metrics = file->watched;
    watch->metric_count = json_array_size(metrics);
    watch->best = json_string_value(json_object_get(watched.object, "best"));
    watch->patience = duet_json_reader_count(&watched, "patience", true);
    if (from->missing == NULL && watched.missing != NULL) from->missing = "watch";
    return DUET_OK;
}

static duet_status read_document(duet_run_file *file, const char *path, duet_error *error)
{
    duet_json_reader top = {file->document, NULL};
    duet_run_choice *choice = &file->choice;
    uint64_t schema = duet_json_reader_count(&top, "schema", false);
    if (top.missing == NULL && schema != 1)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s has schema %llu, and this version of Duet reads schema 1: use the version that wrote it",
                         path, (unsigned long long)schema);
    choice->model = duet_json_reader_text(&top, "model");
    choice->batch = duet_json_reader_count(&top, "batch", false);
    choice->seed = duet_json_reader_count(&top, "seed", false);
    choice->steps = duet_json_reader_count(&top, "steps", true);
    choice->epochs = duet_json_reader_count(&top, "epochs", true);
    choice->checkpoint_every = duet_json_reader_count(&top, "checkpoint_every", false);
    duet_json_reader device = {duet_json_reader_object(&top, "device"), NULL};
    const char *unsound = duet_data_record_read(&file->data, duet_json_reader_object(&top, "data"));
    choice->data = file->data.info.name;
    choice->division = file->data.division;
    choice->gemm = duet_json_reader_text(&top, "gemm");
    choice->judge = json_string_value(json_object_get(file->document, "judge"));
    choice->tuning = json_string_value(json_object_get(json_object_get(file->document, "tuning"), "file"));
    file->checkpointed = json_is_true(json_object_get(file->document, "checkpointed")); /* not in older runs */
    file->device = duet_json_reader_text(&device, "name");
    file->driver = duet_json_reader_text(&device, "driver");
    file->device_version = duet_json_reader_text(&device, "version");
    DUET_TRY(read_settings(file, &top, error));
    DUET_TRY(read_watch(file, &top, error));
    const char *missing = top.missing != NULL ? top.missing : unsound != NULL ? unsound : device.missing;
    if (missing == NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: \"%s\" is missing, or no value of its kind: restore the file from a copy, or train again",
                     path, missing);
}

duet_status duet_run_file_take(duet_run_file *file, const char *directory, const char *text, duet_error *error)
{
    char *path = duet_path_join(directory, "run.json");
    *file = (duet_run_file){.document = duet_json_read(text, strlen(text), JSON_REJECT_DUPLICATES, NULL)};
    duet_status status =
        path == NULL || file->document == NULL ? out_of_memory(error) : read_document(file, path, error);
    free(path);
    if (status != DUET_OK) duet_run_file_free(file);
    return status;
}

duet_status duet_run_file_read(duet_run_file *file, const char *directory, duet_error *error)
{
    json_error_t fault;
    *file = (duet_run_file){NULL};
    char *path = duet_path_join(directory, "run.json");
    if (path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    duet_status status = DUET_OK;
    const char *words;
    FILE *stream = duet_file_open(path, &words);
    if (stream == NULL) {
        status = errno == ENOTDIR
                     ? duet_fail(error, DUET_ERROR_FILE,
                                 "%s is a file: the directory of a run is expected, which it may lie in", directory)
                 : errno != ENOENT ? duet_fail(error, DUET_ERROR_FILE, "%s: %s", path, words)
                                   : duet_fail(error, DUET_ERROR_FILE, "%s: %s: \"%s\" is not a run directory", path,
                                               words, directory);
    } else {
        file->document = duet_json_read_file(stream, JSON_REJECT_DUPLICATES, &fault);
        if (file->document == NULL && errno == ENOMEM)
            status = out_of_memory(error);
        else if (file->document == NULL && ferror(stream))
            status = duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read: %s", path, strerror(errno));
        else if (file->document == NULL)
            status = duet_fail(error, DUET_ERROR_DATA,
                               "%s is cut or damaged (line %d: %s): restore it from a copy, or train again", path,
                               fault.line, fault.text);
        else
            status = read_document(file, path, error);
        (void)fclose(stream); /* only read from */
    }
    free(path);
    if (status != DUET_OK) duet_run_file_free(file);
    return status;
}

duet_status duet_run_file_check_family(const duet_family *own, duet_error *error)
{
    const char *name = own->name;
    if (name == NULL || name[0] == '\0' || !duet_text_is_utf8(name))
        return duet_fail(error, DUET_ERROR_USAGE, "a family has %s: a text in UTF-8 was expected",
                         name == NULL || name[0] == '\0' ? "no name" : "a name that is not UTF-8");
    const duet_family *found = duet_family_find(name);
    if (found == NULL || found == own) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "a family of the program's own is called \"%s\", as one of the library is, for which its runs "
                     "would be taken: give it another name",
                     name);
}

duet_status duet_run_file_family(const duet_run_choice *choice, const char *directory, const duet_family *given,
                                 const duet_family **family, duet_error *error)
{
    if (given != NULL && strcmp(given->name, choice->model) != 0)
        return duet_fail(error, DUET_ERROR_FILE, "%s is a run of \"%s\", not of \"%s\"", directory, choice->model,
                         given->name);
    *family = given != NULL ? given : duet_family_find(choice->model);
    if (*family != NULL) return DUET_OK;
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s is a run of \"%s\", a model this version of Duet does not have: use the version, or the program "
        "of your own, that trained it",
        directory, choice->model);
}

duet_status duet_run_file_model(duet_model **model, const duet_family *family, duet_data *data,
                                const duet_run_choice *choice, const char *directory, duet_error *error)
{
    duet_error own = {0};
    duet_status status =
        duet_model_new(model, family, data, choice->settings, choice->setting_count, choice->seed, &own);
    if (status == DUET_ERROR_USAGE)
        return duet_fail(error, DUET_ERROR_DATA, "%s/run.json is not as it was written: %s", directory, own.message);
    return status == DUET_OK ? DUET_OK : duet_fail(error, status, "%s", own.message);
}

duet_status duet_run_file_check_text(const char *text, duet_error *error)
{
    if (duet_text_is_utf8(text)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: this name is not UTF-8, and run.json, which is to hold it, is: rename it, or the folder that "
                     "it lies in",
                     text);
}

bool duet_run_file_is_from(const duet_run_file *file, const duet_device *device)
{
    const duet_device_info *info = duet_device_describe(device);
    return strcmp(info->name, file->device) == 0 && strcmp(info->driver, file->driver) == 0 &&
           strcmp(info->version, file->device_version) == 0;
}

duet_status duet_run_file_tune(const duet_run_file *file, duet_device *device, duet_error *error)
{
    const json_t *recorded = json_object_get(file->document, "tuning");
    duet_tuning tuning = {0};
    if (json_is_object(recorded))
        DUET_TRY(duet_tuning_from_json(&tuning, recorded, device, "the tuning in run.json", error));
    return duet_device_set_tuning(device, &tuning, error);
}

void duet_run_file_free(duet_run_file *file)
{
    for (size_t i = 0; i < file->choice.setting_count; i++) free(file->lines[i]);
    free(file->lines);
    free(file->watched);
    duet_data_record_free(&file->data);
    json_decref(file->document);
    *file = (duet_run_file){NULL};
}
