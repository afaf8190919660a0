/* SPDX-License-Identifier: MIT */
/* The store: variables by name, laid out in storages, filled from Philox on the host when a device is first given. */
#include "graph/variable.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/philox.h"
#include "base/size.h"
#include "base/status.h"
#include "base/text.h"

/* Elements: 64 bytes, so that vector loads and CLBlast's offsets fit; a work-group. */
enum { ALIGNMENT = 16, FLAT_UNIT = 128 };

struct duet_store {
    uint64_t seed;
    duet_variable **variables;
    size_t count, capacity;
    duet_storage **storages;
    size_t storage_count, storage_capacity;
    duet_group **groups;
    size_t group_count, group_capacity;
};

size_t duet_type_size(duet_type type)
{
    return type == DUET_UINT8 ? 1 : 4;
}

duet_store *duet_store_new(uint64_t seed)
{
    duet_store *store = calloc(1, sizeof *store);
    if (store != NULL) store->seed = seed;
    return store;
}

void duet_store_free(duet_store **store)
{
    if (store == NULL || *store == NULL) return;
    for (size_t i = 0; i < (*store)->count; i++) {
        free((*store)->variables[i]->name);
        if ((*store)->variables[i]->owns_context) free((*store)->variables[i]->fill_context);
        free((*store)->variables[i]);
    }
    for (size_t i = 0; i < (*store)->storage_count; i++) {
        duet_buffer_free(&(*store)->storages[i]->buffer);
        free((*store)->storages[i]);
    }
    for (size_t i = 0; i < (*store)->group_count; i++) {
        free((*store)->groups[i]->name);
        free((*store)->groups[i]);
    }
    free((*store)->variables);
    free((*store)->storages);
    free((*store)->groups);
    free(*store);
    *store = NULL;
}

void duet_store_leave(duet_store *store, const duet_device *device)
{
    for (size_t i = 0; i < store->storage_count; i++) {
        duet_storage *storage = store->storages[i];
        if (storage->device != device) continue;
        duet_buffer_free(&storage->buffer);
        storage->device = NULL;
        storage->sealed = storage->filled = false;
    }
}

uint64_t duet_store_seed(const duet_store *store)
{
    return store->seed;
}

duet_storage *duet_storage_new(duet_store *store, duet_type type)
{
    duet_storage *storage = calloc(1, sizeof *storage);
    if (storage == NULL ||
        !duet_array_grow(&store->storages, store->storage_count, &store->storage_capacity, sizeof storage)) {
        free(storage);
        return NULL;
    }
    storage->store = store;
    storage->type = type;
    store->storages[store->storage_count++] = storage;
    return storage;
}

duet_group *duet_store_group(duet_store *store, const char *name)
{
    for (size_t i = 0; i < store->group_count; i++)
        if (strcmp(store->groups[i]->name, name) == 0) return store->groups[i];
    duet_group *group = calloc(1, sizeof *group);
    char *copy = strdup(name);
    duet_storage *storage = duet_storage_new(store, DUET_FLOAT32), *states = duet_storage_new(store, DUET_FLOAT32);
    if (!group || !copy || !storage || !states ||
        !duet_array_grow(&store->groups, store->group_count, &store->group_capacity, sizeof group)) {
        free(group);
        free(copy);
        return NULL;
    }
    *group = (duet_group){.name = copy, .store = store, .storage = storage, .states = states};
    return store->groups[store->group_count++] = group;
}

duet_group *duet_store_group_at(const duet_store *store, size_t index)
{
    return index < store->group_count ? store->groups[index] : NULL;
}

static duet_variable *append(duet_store *store, duet_storage *storage, const char *name, duet_error *error)
{
    if (duet_store_find(store, name) != NULL) {
        duet_fail(error, DUET_ERROR_GRAPH, "the name \"%s\" is used twice", name);
        return NULL;
    }
    if (!duet_text_is_utf8(name)) {
        duet_fail(error, DUET_ERROR_GRAPH, "the name \"%s\" is not UTF-8, and a checkpoint, which is to hold it, is",
                  name);
        return NULL;
    }
    duet_variable *variable = calloc(1, sizeof *variable);
    char *copy = strdup(name);
    if (variable == NULL || copy == NULL ||
        !duet_array_grow(&store->variables, store->count, &store->capacity, sizeof variable)) {
        free(variable);
        free(copy);
        duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the variable \"%s\"", name);
        return NULL;
    }
    variable->name = copy;
    variable->storage = storage;
    variable->type = storage->type;
    store->variables[store->count++] = variable;
    return variable;
}

duet_variable *duet_variable_new(duet_store *store, duet_storage *storage, const char *name, duet_shape shape,
                                 duet_initialiser start, duet_error *error)
{
    size_t elements = duet_shape_elements(shape), offset = duet_size_round_up(storage->elements, ALIGNMENT), end;
    if (elements == 0 || elements > UINT32_MAX || !duet_size_add(offset, elements, &end) || end > UINT32_MAX) {
        duet_fail(error, DUET_ERROR_GRAPH, "\"%s\" has no elements or more than 2^32 - 1", name);
        return NULL;
    }
    if ((int)start.kind < 0 || start.kind > DUET_INIT_FAN_IN_UNIFORM || !isfinite(start.scale)) {
        duet_fail(error, DUET_ERROR_GRAPH, "\"%s\" cannot start by an initialiser of kind %d and scale %g", name,
                  (int)start.kind, start.scale);
        return NULL;
    }
    if (storage->sealed) {
        duet_fail(error, DUET_ERROR_GRAPH,
                  "\"%s\" is new, but the group's memory is already laid out: make every parameter before planning",
                  name);
        return NULL;
    }
    duet_variable *variable = append(store, storage, name, error);
    if (variable == NULL) return NULL;
    variable->shape = shape;
    variable->elements = elements;
    variable->offset = offset;
    variable->start = start;
    variable->saved = true;
    storage->elements = end;
    return variable;
}

size_t duet_storage_flat_elements(const duet_storage *storage)
{
    return duet_size_round_up(storage->elements, FLAT_UNIT);
}

duet_variable *duet_variable_flat(duet_store *store, duet_storage *storage, const char *name, duet_error *error)
{
    duet_variable *variable = duet_store_find(store, name);
    if (variable != NULL && (variable->saved || variable->storage != storage)) {
        duet_fail(error, DUET_ERROR_GRAPH, "the name \"%s\" is used twice", name);
        return NULL;
    }
    if (variable == NULL) variable = append(store, storage, name, error);
    if (variable == NULL) return NULL;
    variable->elements = duet_storage_flat_elements(storage);
    variable->shape = DUET_SHAPE(variable->elements);
    return variable;
}

duet_variable *duet_store_find(const duet_store *store, const char *name)
{
    for (size_t i = 0; i < store->count; i++)
        if (strcmp(store->variables[i]->name, name) == 0) return store->variables[i];
    return NULL;
}

duet_variable *duet_store_at(const duet_store *store, size_t index)
{
    return index < store->count ? store->variables[index] : NULL;
}

/* [out, in] of a matrix; of [..., in, out] the last two, each as often as the extents before say. */
static void find_fans(const duet_shape *shape, double *in, double *out)
{
    if (shape->rank < 3) {
        *out = shape->rank > 0 ? (double)shape->dims[0] : 1;
        *in = shape->rank > 1 ? (double)shape->dims[1] : 1;
        return;
    }
    double taps = 1;
    for (size_t i = 0; i + 2 < shape->rank; i++) taps *= (double)shape->dims[i];
    *in = taps * (double)shape->dims[shape->rank - 2];
    *out = taps * (double)shape->dims[shape->rank - 1];
}

/* The bound of a uniform, or the deviation of a normal start. */
static double start_scale(const duet_variable *variable)
{
    const duet_initialiser *start = &variable->start;
    double in, out;
    find_fans(&variable->shape, &in, &out);
    if (start->fan_in > 0) in = (double)start->fan_in;
    if (start->fan_out > 0) out = (double)start->fan_out;
    switch (start->kind) {
    case DUET_INIT_GLOROT_UNIFORM: return start->scale * sqrt(6 / (in + out));
    case DUET_INIT_GLOROT_NORMAL: return start->scale * sqrt(2 / (in + out));
    case DUET_INIT_HE_UNIFORM: return start->scale * sqrt(6 / in);
    case DUET_INIT_HE_NORMAL: return start->scale * sqrt(2 / in);
    case DUET_INIT_FAN_IN_UNIFORM: return start->scale / sqrt(in);
    case DUET_INIT_CONSTANT:
    case DUET_INIT_UNIFORM:
    case DUET_INIT_NORMAL: break;
    }
    return start->scale;
}

static bool is_normal(duet_initialiser_kind kind)
{
    return kind == DUET_INIT_NORMAL || kind == DUET_INIT_GLOROT_NORMAL || kind == DUET_INIT_HE_NORMAL;
}

/* A variable's stream follows from its name, so that adding another one changes nothing here. */
static uint32_t stream_of(const char *name)
{
    uint32_t hash = 0x811C9DC5u;
    for (; *name != '\0'; name++) hash = (hash ^ (unsigned char)*name) * 0x01000193u;
    return hash;
}

typedef struct initial_values {
    const duet_variable *variable;
    uint64_t seed;
} initial_values;

static duet_status write_start(void *context, void *destination, size_t bytes, duet_error *error)
{
    (void)bytes;
    (void)error;
    const initial_values *values = context;
    const duet_variable *variable = values->variable;
    double scale = start_scale(variable);
    const uint32_t stream = stream_of(variable->name);
    for (size_t i = 0; i < variable->elements; i++) {
        double value = scale;
        if (variable->start.kind != DUET_INIT_CONSTANT) {
            /* step 2^32 - 1 keeps these apart from the numbers of training */
            duet_philox_block block = duet_philox_element(values->seed, stream, UINT32_MAX, (uint32_t)i);
            value = is_normal(variable->start.kind) ? scale * duet_philox_normal(block)
                                                    : scale * (2 * duet_philox_uniform(block) - 1);
        }
        if (variable->type == DUET_FLOAT32)
            ((float *)destination)[i] = (float)value;
        else if (variable->type == DUET_UINT32)
            ((uint32_t *)destination)[i] = (uint32_t)value;
        else
            ((uint8_t *)destination)[i] = (uint8_t)value;
    }
    return DUET_OK;
}

static duet_status fill_variable(duet_store *store, duet_variable *variable, duet_error *error)
{
    bool starts_at_zero = variable->start.kind == DUET_INIT_CONSTANT && variable->start.scale == 0;
    if (variable->fill == NULL && (starts_at_zero || !variable->saved)) return DUET_OK; /* the buffer is zeroed */
    initial_values values = {variable, store->seed};
    size_t size = duet_type_size(variable->type);
    return duet_buffer_fill(variable->storage->device, variable->storage->buffer, variable->offset * size,
                            variable->elements * size, variable->fill != NULL ? variable->fill : write_start,
                            variable->fill != NULL ? variable->fill_context : &values, error);
}

/* Fills the storage's variables: those with a fill function, or the others. After a failure it has no memory. */
static duet_status fill_some(duet_storage *storage, bool by_function, duet_error *error)
{
    duet_store *store = storage->store;
    for (size_t i = 0; i < store->count; i++) {
        duet_variable *variable = store->variables[i];
        if (variable->storage != storage || (variable->fill != NULL) != by_function) continue;
        duet_status status = fill_variable(store, variable, error);
        if (status != DUET_OK) {
            duet_buffer_free(&storage->buffer);
            storage->sealed = false;
            return status;
        }
    }
    storage->filled = by_function;
    return DUET_OK;
}

duet_status duet_store_restart(duet_store *store, duet_error *error)
{
    for (size_t i = 0; i < store->storage_count; i++) {
        duet_storage *storage = store->storages[i];
        if (storage->buffer == NULL) continue;
        size_t elements = storage->type == DUET_FLOAT32 ? duet_storage_flat_elements(storage) : storage->elements;
        DUET_TRY(duet_buffer_clear(storage->device, storage->buffer, elements * duet_type_size(storage->type), error));
        DUET_TRY(fill_some(storage, false, error));
        DUET_TRY(fill_some(storage, true, error));
    }
    return DUET_OK;
}

/* Whether a fill function writes all `elements` of the buffer. */
static bool is_filled_whole(const duet_storage *storage, size_t elements)
{
    const duet_store *store = storage->store;
    for (size_t i = 0; i < store->count; i++) {
        const duet_variable *variable = store->variables[i];
        if (variable->storage == storage && variable->fill != NULL && variable->elements == elements) return true;
    }
    return false;
}

/* The storage's only variable; NULL if there are several. */
static duet_variable *only_variable(const duet_storage *storage)
{
    duet_variable *only = NULL;
    for (size_t i = 0; i < storage->store->count; i++) {
        duet_variable *variable = storage->store->variables[i];
        if (variable->storage != storage) continue;
        if (only != NULL) return NULL;
        only = variable;
    }
    return only;
}

/* Gives the storage a buffer that has its values already. */
static void settle(duet_storage *storage, duet_device *device, cl_mem buffer)
{
    storage->buffer = buffer;
    storage->device = device;
    storage->sealed = storage->filled = true;
}

static duet_status find_known(const duet_store *store, const char *name, duet_variable **variable, duet_error *error)
{
    *variable = duet_store_find(store, name);
    if (*variable != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "the store has no variable \"%s\"", name);
}

duet_status duet_store_bind(duet_store *store, duet_device *device, const char *name, cl_mem buffer, duet_error *error)
{
    duet_variable *variable;
    DUET_TRY(find_known(store, name, &variable, error));
    if (variable->optimised || only_variable(variable->storage) != variable)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "\"%s\" lies in one block with other variables: a buffer can be that of a duet_state alone",
                         name);
    if (variable->storage->buffer != NULL)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "\"%s\" has memory already: duet_store_bind comes before plans, reads and writes, and once",
                         name);
    size_t bytes = variable->elements * duet_type_size(variable->type);
    DUET_TRY(duet_buffer_check(device, buffer, 0, bytes, true, error));
    DUET_TRY(duet_buffer_retain(buffer, error));
    settle(variable->storage, device, buffer);
    return DUET_OK;
}

/* Whether the device reads the storage's only variable where it lies on the host. */
static bool begin_over(duet_storage *storage, duet_device *device)
{
    const duet_variable *only = only_variable(storage);
    if (only == NULL || only->lies == NULL) return false;
    size_t element = duet_type_size(only->type);
    cl_mem buffer = duet_buffer_over(device, only->lies, only->elements * element, element);
    if (buffer != NULL) settle(storage, device, buffer);
    return buffer != NULL;
}

/* A name of what lies in the storage. */
static const char *name_of(const duet_storage *storage)
{
    for (size_t i = 0; i < storage->store->count; i++)
        if (storage->store->variables[i]->storage == storage) return storage->store->variables[i]->name;
    return "a storage";
}

duet_status duet_storage_begin(duet_storage *storage, duet_device *device, duet_error *error)
{
    if (storage->buffer != NULL) {
        if (storage->device == device && duet_buffer_is_on(device, storage->buffer)) return DUET_OK;
        return duet_fail(
            error, DUET_ERROR_USAGE,
            "\"%s\" already lives on another device, and is on one alone: open the set, or make the model, "
            "once more for this one",
            name_of(storage));
    }
    if (begin_over(storage, device)) return DUET_OK;
    size_t bytes;
    size_t elements = storage->type == DUET_FLOAT32 ? duet_storage_flat_elements(storage) : storage->elements;
    if (!duet_size_multiply(elements, duet_type_size(storage->type), &bytes))
        return duet_fail(error, DUET_ERROR_MEMORY, "a storage's size overflows");
    DUET_TRY(duet_buffer_new(device, bytes, !is_filled_whole(storage, elements), &storage->buffer, error));
    storage->device = device;
    storage->sealed = true;
    return fill_some(storage, false, error);
}

duet_status duet_storage_ensure(duet_storage *storage, duet_device *device, duet_error *error)
{
    DUET_TRY(duet_storage_begin(storage, device, error));
    return storage->filled ? DUET_OK : fill_some(storage, true, error);
}

static duet_status check_memory(const duet_variable *variable, duet_error *error)
{
    if (variable->storage->buffer != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "\"%s\" has no memory yet: no plan uses it", variable->name);
}

duet_status duet_variable_read(duet_variable *variable, void *values, duet_error *error)
{
    DUET_TRY(check_memory(variable, error));
    size_t size = duet_type_size(variable->type);
    return duet_buffer_read(variable->storage->device, variable->storage->buffer, variable->offset * size, values,
                            variable->elements * size, error);
}

duet_status duet_variable_write(duet_variable *variable, const void *values, duet_error *error)
{
    DUET_TRY(check_memory(variable, error));
    size_t size = duet_type_size(variable->type);
    return duet_buffer_write(variable->storage->device, variable->storage->buffer, variable->offset * size, values,
                             variable->elements * size, error);
}

duet_status duet_store_variable(const duet_store *store, const char *name, duet_type *type, duet_shape *shape,
                                duet_error *error)
{
    duet_variable *variable;
    DUET_TRY(find_known(store, name, &variable, error));
    if (type != NULL) *type = variable->type;
    if (shape != NULL) *shape = variable->shape;
    return DUET_OK;
}

static duet_status find_sized(duet_store *store, const char *name, size_t bytes, duet_variable **variable,
                              duet_error *error)
{
    DUET_TRY(find_known(store, name, variable, error));
    size_t size = (*variable)->elements * duet_type_size((*variable)->type);
    if (size == bytes) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "\"%s\" has %zu bytes, not %zu", name, size, bytes);
}

duet_status duet_store_read(duet_store *store, duet_device *device, const char *name, void *values, size_t bytes,
                            duet_error *error)
{
    duet_variable *variable;
    DUET_TRY(find_sized(store, name, bytes, &variable, error));
    DUET_TRY(duet_storage_ensure(variable->storage, device, error));
    return duet_variable_read(variable, values, error);
}

duet_status duet_store_write(duet_store *store, duet_device *device, const char *name, const void *values, size_t bytes,
                             duet_error *error)
{
    duet_variable *variable;
    DUET_TRY(find_sized(store, name, bytes, &variable, error));
    DUET_TRY(duet_storage_ensure(variable->storage, device, error));
    return duet_variable_write(variable, values, error);
}
