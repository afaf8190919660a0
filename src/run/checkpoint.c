/* SPDX-License-Identifier: MIT */
/* Store to file and back. Nothing is restored before the whole file has been checked: its checksum, the family, all
 * names and shapes. */
#include "run/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/json.h"
#include "base/size.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "model/model.h"
#include "model/settings.h"
#include "run/data_record.h"
#include "run/safetensors.h"
#include "train/trainer.h"

static duet_status out_of_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a checkpoint");
}

json_t *duet_settings_json(const duet_model *model)
{
    json_t *settings = json_object();
    const char *key, *value;
    for (size_t i = 0; duet_model_setting_at(model, i, &key, &value); i++)
        duet_json_set(&settings, key, json_string(value));
    return settings;
}

/* What a model takes its examples for, of "data" in run.json: names of classes by their checksum. NULL: out of memory.
 */
static json_t *examples_json(const json_t *data)
{
    static const char *const keys[] = {"shape", "unit_range", "bytes", "classes"};
    json_t *examples = json_object();
    const json_t *names = json_object_get(data, "class_names");
    char *list = json_is_array(names) ? duet_json_write(names, JSON_COMPACT) : NULL, sum[DUET_CHECKSUM_SIZE];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(data, keys[i]); /* older records lack some */
        if (value != NULL) duet_json_set(&examples, keys[i], json_incref(value));
    }
    duet_json_keep(&examples, list != NULL || !json_is_array(names));
    if (list != NULL) {
        duet_checksum_text(duet_checksum_add(DUET_CHECKSUM_BEGIN, list, strlen(list)), sum);
        duet_json_set(&examples, "class_names", json_string(sum));
    }
    free(list);
    return examples;
}

/* "data" of a run.json for the data that the model was made for. Nothing where the set has a name that no JSON holds;
 * NULL: out of memory. */
static json_t *data_json(const duet_model *model)
{
    const duet_data_info *info = duet_data_describe(duet_model_data(model));
    errno = 0;
    json_t *data = duet_data_record_make(info, info->name, model->bytes, NULL);
    return data == NULL && errno != ENOMEM ? json_object() : data;
}

/* NULL: out of memory. The caller frees it. */
static char *describe_examples(const duet_model *model)
{
    json_t *data = data_json(model), *examples = data == NULL ? NULL : examples_json(data);
    char *text = duet_json_write(examples, JSON_COMPACT);
    json_decref(examples);
    json_decref(data);
    return text;
}

/* A variable, and the step after which it is saved, for messages. */
typedef struct saved {
    duet_variable *variable;
    uint64_t step;
} saved;

static duet_status read_finite(void *context, void *values, size_t bytes, duet_error *error)
{
    const saved *what = context;
    duet_variable *variable = what->variable;
    (void)bytes;
    DUET_TRY(duet_variable_read(variable, values, error));
    const float *numbers = values;
    for (size_t i = 0; variable->type == DUET_FLOAT32 && i < variable->elements; i++)
        if (!isfinite(numbers[i]))
            return duet_fail(error, DUET_ERROR_NUMERIC,
                             "step %" PRIu64 ": \"%s\" holds a number that is not finite, so no checkpoint is written",
                             what->step, variable->name);
    return DUET_OK;
}

/* What goes into a file: a source for each saved variable, and the variable that it reads. */
typedef struct contents {
    duet_tensor_source *sources;
    saved *saved;
    size_t count;
} contents;

/* Its arrays, which the caller frees, are NULL if memory is short. */
static contents list_contents(const duet_store *store, uint64_t step)
{
    size_t room = 0;
    while (duet_store_at(store, room) != NULL) room++;
    contents all = {calloc(room + 1, sizeof *all.sources), calloc(room + 1, sizeof *all.saved), 0};
    for (size_t i = 0; all.sources != NULL && all.saved != NULL && i < room; i++) {
        duet_variable *variable = duet_store_at(store, i);
        if (!variable->saved) continue;
        saved *from = &all.saved[all.count];
        *from = (saved){variable, step};
        all.sources[all.count++] =
            (duet_tensor_source){variable->name, variable->type, variable->shape, read_finite, from};
    }
    return all;
}

/* Gives a variable that no plan uses yet its initial value, since the file holds all variables. */
static duet_status ensure_all(const duet_store *store, duet_device *device, duet_error *error)
{
    for (size_t i = 0; duet_store_at(store, i) != NULL; i++)
        if (duet_store_at(store, i)->saved)
            DUET_TRY(duet_storage_ensure(duet_store_at(store, i)->storage, device, error));
    return DUET_OK;
}

/* ["name", ...], which the caller frees; NULL: out of memory. */
static char *list_names(const char *const *names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) duet_json_append(&list, json_string(names[i]));
    char *text = list == NULL ? NULL : duet_json_write(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

duet_status duet_checkpoint_save(const char *path, duet_model *model, duet_device *device, const duet_checkpoint *facts,
                                 uint64_t draws, const char *const *terms, size_t term_count, duet_error *error)
{
    char steps[24], reported[24], drawn[24], batch[24], seed[24];
    snprintf(steps, sizeof steps, "%" PRIu64, facts->steps);
    snprintf(reported, sizeof reported, "%" PRIu64, facts->reported);
    snprintf(drawn, sizeof drawn, "%" PRIu64, draws);
    snprintf(batch, sizeof batch, "%" PRIu64, facts->batch);
    snprintf(seed, sizeof seed, "%" PRIu64, duet_model_seed(model));

    DUET_TRY(ensure_all(duet_model_store(model), device, error));
    contents all = list_contents(duet_model_store(model), facts->steps);
    json_t *settings_json = duet_settings_json(model);
    char *settings = duet_json_write(settings_json, JSON_COMPACT);
    char *examples = describe_examples(model), *names = list_names(terms, term_count);
    duet_status status;
    if (all.sources == NULL || all.saved == NULL || settings == NULL || examples == NULL || names == NULL) {
        status = out_of_memory(error);
    } else {
        const duet_metadata metadata[] = {
            {"duet.version", duet_version()},
            {"duet.model", duet_model_family(model)->name},
            {"duet.settings", settings},
            {"duet.data", duet_data_describe(duet_model_data(model))->name},
            {"duet.data_checksum", duet_data_describe(duet_model_data(model))->checksum},
            {"duet.examples", examples},
            {"duet.batch", batch},
            {"duet.seed", seed},
            {"duet.step", steps},
            {"duet.reported", reported},
            {"duet.draws", drawn},
            {"duet.terms", names},
        };
        status =
            duet_safetensors_write(path, all.sources, all.count, metadata, sizeof metadata / sizeof *metadata, error);
    }
    free(settings);
    free(examples);
    free(names);
    json_decref(settings_json);
    free(all.sources);
    free(all.saved);
    return status;
}

static duet_status read_number(const duet_safetensors *file, const char *path, const char *key, uint64_t *number,
                               duet_error *error)
{
    const char *text = duet_safetensors_metadata(file, key);
    char *end = NULL;
    if (text != NULL && text[0] >= '0' && text[0] <= '9') *number = strtoull(text, &end, 10);
    if (end != NULL && *end == '\0') return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "%s: its metadata has no number \"%s\": this is no checkpoint of Duet",
                     path, key);
}

static duet_status check_family(const duet_safetensors *file, const char *path, const char *expected, duet_error *error)
{
    const char *family = duet_safetensors_metadata(file, "duet.model");
    if (family == NULL)
        return duet_fail(error, DUET_ERROR_DATA, "%s: its metadata names no model: this is no checkpoint of Duet",
                         path);
    if (strcmp(family, expected) == 0) return DUET_OK;
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s is a checkpoint of the model \"%s\", not of \"%s\": put back the one that was there, or train again", path,
        family, expected);
}

static bool same_tensor(const duet_variable *variable, const duet_tensor_row *row)
{
    bool same = variable->type == row->type && variable->shape.rank == row->shape.rank;
    for (size_t i = 0; same && i < row->shape.rank; i++) same = variable->shape.dims[i] == row->shape.dims[i];
    return same;
}

/* Checks that the file has every saved variable with its type and shape. */
static duet_status check_variables(const duet_safetensors *file, const char *path, const duet_store *store,
                                   duet_error *error)
{
    for (size_t i = 0; duet_store_at(store, i) != NULL; i++) {
        const duet_variable *variable = duet_store_at(store, i);
        if (!variable->saved) continue;
        const duet_tensor_row *row = duet_safetensors_find(file, variable->name);
        if (row == NULL && variable->may_miss) continue;
        if (row == NULL)
            return duet_fail(error, DUET_ERROR_DATA,
                             "%s has no tensor \"%s\": it was made by a model with other settings", path,
                             variable->name);
        if (same_tensor(variable, row)) continue;
        char has[96], wants[96];
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: \"%s\" is %s, the model's is %s: it was made with other settings or other data", path,
                         variable->name, duet_value_text(row->type, row->shape, has),
                         duet_value_text(variable->type, variable->shape, wants));
    }
    return DUET_OK;
}

static duet_status check_no_more(const duet_safetensors *file, const char *path, const duet_store *store,
                                 duet_error *error)
{
    const duet_tensor_row *row;
    for (size_t i = 0; (row = duet_safetensors_at(file, i)) != NULL; i++) {
        const duet_variable *variable = duet_store_find(store, row->name);
        if (variable == NULL || !variable->saved)
            return duet_fail(error, DUET_ERROR_DATA,
                             "%s holds \"%s\", which the model does not have: it was made with other settings", path,
                             row->name);
    }
    return DUET_OK;
}

static bool all_finite(const duet_tensor_row *row, const float *numbers)
{
    size_t count = row->type == DUET_FLOAT32 ? row->bytes / sizeof *numbers : 0, i = 0;
    while (i < count && isfinite(numbers[i])) i++;
    return i == count;
}

/* Gives a variable what the row holds; `device` NULL: only looks whether that could be. */
static duet_status restore_variable(duet_safetensors *file, const char *path, duet_variable *variable,
                                    duet_device *device, duet_error *error)
{
    const duet_tensor_row *row = duet_safetensors_find(file, variable->name);
    if (row == NULL) return DUET_OK; /* it may miss */
    void *values = malloc(row->bytes > 0 ? row->bytes : 1);
    if (values == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for \"%s\" (%zu bytes)", row->name, row->bytes);
    duet_status status = duet_safetensors_read(file, row, values, error);
    if (status == DUET_OK && !all_finite(row, values))
        status = duet_fail(error, DUET_ERROR_NUMERIC,
                           "%s: \"%s\" holds a number that is not finite, so what follows from it would be none: "
                           "restore it from a copy or train again",
                           path, row->name);
    if (status == DUET_OK && device != NULL) status = duet_storage_ensure(variable->storage, device, error);
    if (status == DUET_OK && device != NULL) status = duet_variable_write(variable, values, error);
    free(values);
    return status;
}

static duet_status restore_variables(duet_safetensors *file, const char *path, duet_store *store, duet_device *device,
                                     duet_error *error)
{
    for (size_t i = 0; duet_store_at(store, i) != NULL; i++)
        if (duet_store_at(store, i)->saved)
            DUET_TRY(restore_variable(file, path, duet_store_at(store, i), device, error));
    return DUET_OK;
}

/* Of a key that says one thing in the checkpoint and another beside it. */
typedef duet_status refusal(const char *path, const char *key, const char *has, const char *wants, duet_error *error);

static duet_status other_model(const char *path, const char *key, const char *has, const char *wants, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s was made with %s=%s, and the model that would go on from it has %s=%s: make the model with "
                     "%s=%s, or train it anew",
                     path, key, has, key, wants, key, has);
}

static duet_status other_examples(const char *path, const char *key, const char *has, const char *wants,
                                  duet_error *error)
{
    const char *remedy = "make the model for data like the file's, or train it anew";
    if (strcmp(key, "class_names") == 0)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s is of classes of other names, or in another order, than those of the model that would go "
                         "on from it: %s",
                         path, remedy);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s is of examples with %s=%s, and the model that would go on from it was made for examples with "
                     "%s=%s: %s",
                     path, key, has, key, wants, remedy);
}

static duet_status other_run(const char *path, const char *key, const char *has, const char *wants, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s was made with %s=%s, and the run.json beside it says %s=%s: they are not of one run; put back "
                     "the one that was there, or train again",
                     path, key, has, key, wants);
}

static duet_status check_number(const duet_safetensors *file, const char *path, const char *key, uint64_t wants,
                                duet_error *error)
{
    char number[24], name[32];
    snprintf(number, sizeof number, "%" PRIu64, wants);
    snprintf(name, sizeof name, "duet.%s", key);
    const char *has = duet_safetensors_metadata(file, name);
    return has == NULL || strcmp(has, number) == 0 ? DUET_OK : other_run(path, key, has, number, error);
}

/* What a file says of itself, which was not JSON in older ones: *told is NULL then. */
static duet_status read_told(const char *text, json_t **told, duet_error *error)
{
    *told = text == NULL ? NULL : duet_json_read(text, strlen(text), 0, NULL);
    return text != NULL && *told == NULL && errno == ENOMEM ? out_of_memory(error) : DUET_OK;
}

/* What only one of them says is of another version of Duet, or of data without names of classes. */
static duet_status check_examples(const duet_safetensors *file, const char *path, const json_t *data, refusal *refuse,
                                  duet_error *error)
{
    const char *text = duet_safetensors_metadata(file, "duet.examples"), *key;
    json_t *told = NULL, *own = NULL, *value;
    duet_status status = read_told(text, &told, error);
    if (status == DUET_OK && (own = examples_json(data)) == NULL) status = out_of_memory(error);
    json_object_foreach(told, key, value)
    {
        const json_t *wanted = json_object_get(own, key);
        if (status != DUET_OK || wanted == NULL || json_equal(value, wanted)) continue;
        char *has = duet_json_write(value, JSON_COMPACT | JSON_ENCODE_ANY),
             *wants = duet_json_write(wanted, JSON_COMPACT | JSON_ENCODE_ANY);
        status = refuse(path, key, has != NULL ? has : "", wants != NULL ? wants : "", error);
        free(has);
        free(wants);
    }
    json_decref(told);
    json_decref(own);
    return status;
}

/* Rates may differ. A setting that only one of them knows is of another version of Duet. */
static duet_status check_settings(const duet_safetensors *file, const char *path, const json_t *own, refusal *refuse,
                                  duet_error *error)
{
    const char *key;
    json_t *settings, *value;
    DUET_TRY(read_told(duet_safetensors_metadata(file, "duet.settings"), &settings, error));
    duet_status status = DUET_OK;
    json_object_foreach(settings, key, value)
    {
        const char *has = json_string_value(value), *wants = json_string_value(json_object_get(own, key));
        if (has == NULL || wants == NULL || duet_setting_is_rate(key) || duet_setting_is_same(has, wants)) continue;
        status = refuse(path, key, has, wants, error);
        break;
    }
    json_decref(settings);
    return status;
}

duet_status duet_checkpoint_check_record(const duet_safetensors *file, const char *path,
                                         const duet_checkpoint_record *record, duet_error *error)
{
    DUET_TRY(check_family(file, path, record->model, error));
    DUET_TRY(check_settings(file, path, record->settings, other_run, error));
    DUET_TRY(check_number(file, path, "seed", record->seed, error));
    if (record->batch > 0) DUET_TRY(check_number(file, path, "batch", record->batch, error));
    return record->data == NULL ? DUET_OK : check_examples(file, path, record->data, other_run, error);
}

/* Whether some resumption notes that the run went on from data with that checksum. */
static bool went_on_from(const json_t *run, const char *checksum)
{
    json_t *resumption;
    size_t i;
    bool found = false;
    json_array_foreach(json_object_get(run, "resumed"), i, resumption)
    {
        json_t *pair = json_object_get(json_object_get(resumption, "changed"), "data");
        const char *then = json_string_value(json_array_get(pair, 0));
        found = found || (then != NULL && strstr(then, checksum) != NULL);
    }
    return found;
}

duet_status duet_checkpoint_check_data(const char *path, const char *checksum, const json_t *run, duet_error *error)
{
    const char *wants = json_string_value(json_object_get(json_object_get(run, "data"), "checksum"));
    if (checksum[0] == '\0' || wants == NULL || wants[0] == '\0' || strcmp(checksum, wants) == 0) return DUET_OK;
    return went_on_from(run, checksum) ? DUET_OK : other_run(path, "data", checksum, wants, error);
}

static duet_status check_demands(const duet_safetensors *file, const char *path, const duet_model *model, int demands,
                                 const duet_checkpoint *facts, duet_error *error)
{
    json_t *settings = duet_settings_json(model);
    if (settings == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for settings");
    const duet_checkpoint_record record = {duet_model_family(model)->name, settings, facts == NULL ? 0 : facts->batch,
                                           duet_model_seed(model), facts == NULL ? NULL : facts->examples};
    duet_status status = DUET_OK;
    if (demands & DUET_CHECKPOINT_OF_RUN) status = duet_checkpoint_check_record(file, path, &record, error);
    if (demands & DUET_CHECKPOINT_OF_MODEL) status = check_settings(file, path, settings, other_model, error);
    if (status == DUET_OK && (demands & DUET_CHECKPOINT_OF_MODEL))
        status = check_examples(file, path, record.data, other_examples, error);
    json_decref(settings);
    return status;
}

static duet_status check_batch(const char *path, const duet_checkpoint *facts, const duet_checkpoint *read,
                               duet_error *error)
{
    if (facts == NULL || facts->batch == 0 || facts->batch == read->batch) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "%s was trained in batches of %" PRIu64 ", not %" PRIu64, path,
                     read->batch, facts->batch);
}

duet_status duet_checkpoint_load(const char *path, duet_model *model, duet_device *device, int demands,
                                 duet_checkpoint *facts, duet_error *error)
{
    duet_safetensors *file = NULL;
    duet_store *store = duet_model_store(model);
    duet_checkpoint read = {0};
    DUET_TRY(duet_safetensors_open(&file, path, error));
    duet_status status = check_family(file, path, duet_model_family(model)->name, error);
    if (status == DUET_OK) status = read_number(file, path, "duet.step", &read.steps, error);
    if (status == DUET_OK) status = read_number(file, path, "duet.reported", &read.reported, error);
    if (status == DUET_OK) status = read_number(file, path, "duet.batch", &read.batch, error);
    const char *data = duet_safetensors_metadata(file, "duet.data_checksum");
    const char *sum = duet_safetensors_metadata(file, "duet.crc32");
    snprintf(read.data_checksum, sizeof read.data_checksum, "%s", data != NULL ? data : "");
    snprintf(read.checksum, sizeof read.checksum, "%s", sum != NULL ? sum : "");
    if (status == DUET_OK) status = check_demands(file, path, model, demands, facts, error);
    read.seed = duet_model_seed(model); /* older files may not say */
    if (status == DUET_OK && duet_safetensors_metadata(file, "duet.seed") != NULL)
        status = read_number(file, path, "duet.seed", &read.seed, error);
    if (status == DUET_OK) status = check_variables(file, path, store, error);
    if (status == DUET_OK && (demands & DUET_CHECKPOINT_WHOLE)) status = check_no_more(file, path, store, error);
    if (status == DUET_OK) status = check_batch(path, facts, &read, error);
    if (status == DUET_OK) status = restore_variables(file, path, store, NULL, error);
    if (status == DUET_OK) status = restore_variables(file, path, store, device, error);
    if (status == DUET_OK && facts != NULL) *facts = read;
    duet_safetensors_close(&file);
    return status;
}

bool duet_checkpoint_step(const char *path, uint64_t *step)
{
    duet_safetensors *file = NULL;
    bool sound = duet_safetensors_open(&file, path, NULL) == DUET_OK &&
                 read_number(file, path, "duet.step", step, NULL) == DUET_OK;
    duet_safetensors_close(&file);
    return sound;
}

duet_status duet_trainer_save(duet_trainer *trainer, const char *path, duet_error *error)
{
    DUET_TRY(duet_trainer_take_turn(trainer, error));
    const duet_checkpoint facts = {trainer->steps, trainer->reported, trainer->batch};
    DUET_TRY(duet_trainer_check(trainer, error));
    return duet_checkpoint_save(path, trainer->model, trainer->device, &facts,
                                duet_trainer_draws(trainer, trainer->steps), trainer->schedule.terms,
                                trainer->schedule.term_count, error);
}

/* `run`: the run.json that it must belong to; NULL: none. `data`: what either says of the data that it is of. */
static duet_status load(duet_trainer *trainer, const char *path, const json_t *run, const json_t *data,
                        duet_error *error)
{
    duet_checkpoint facts = {.batch = trainer->batch, .examples = data};
    const int demands = DUET_CHECKPOINT_WHOLE | (run != NULL ? DUET_CHECKPOINT_OF_RUN : DUET_CHECKPOINT_OF_MODEL);
    DUET_TRY(duet_trainer_take_turn(trainer, error)); /* another one's losses are about to be written over */
    DUET_TRY(duet_checkpoint_load(path, trainer->model, trainer->device, demands, &facts, error));
    if (run != NULL) DUET_TRY(duet_checkpoint_check_data(path, facts.data_checksum, run, error));
    if (facts.reported > facts.steps)
        return duet_fail(error, DUET_ERROR_DATA, "%s: %" PRIu64 " steps were reported but only %" PRIu64 " done", path,
                         facts.reported, facts.steps);
    trainer->model->seed = facts.seed; /* that of the numbers that were taken, as later files of them say */
    duet_trainer_continue(trainer, facts.steps, facts.reported);
    return duet_schedule_align(&trainer->schedule, facts.steps, error);
}

static bool reads_labels(const duet_build *build)
{
    bool reads = false;
    for (size_t id = 0; id < duet_graph_count(build->graph) && !reads; id++) {
        const duet_node node = duet_graph_at(build->graph, id);
        for (size_t i = 0; i < node->input_count; i++) reads = reads || node->inputs[i] == build->labels;
    }
    return reads;
}

/* Other rows are as good, and so are other labels or numbers between bytes where the model asks for neither. */
static json_t *data_that_matter(const duet_trainer *trainer)
{
    json_t *data = data_json(trainer->model);
    if (!reads_labels(trainer->build)) {
        (void)json_object_del(data, "classes");
        (void)json_object_del(data, "class_names");
    }
    if (!trainer->build->asks_bytes) (void)json_object_del(data, "bytes");
    return data;
}

duet_status duet_trainer_load(duet_trainer *trainer, const char *path, duet_error *error)
{
    json_t *data = data_that_matter(trainer);
    duet_status status = data == NULL ? out_of_memory(error) : load(trainer, path, NULL, data, error);
    json_decref(data);
    return status;
}

duet_status duet_trainer_load_run(duet_trainer *trainer, const char *path, const json_t *run, duet_error *error)
{
    return load(trainer, path, run, json_object_get(run, "data"), error);
}
