/* SPDX-License-Identifier: MIT */
/* Batches as nodes. A split of files lies on the device whole, as bytes or floats, filled when a plan first uses it, or
 * in the host's memory where the device shares that; a batch is rows gathered from it. A generated set is random nodes:
 * nothing is stored. feed.c has what does not fit. */
#include <string.h>

#include "data/data.h"
#include "data/known.h"
#include "data/memory.h"
#include "duet/op.h"
#include "graph/variable.h"

/* How much may wait on the host until the device is ready. It is freed as the device's memory fills, so that the peak
 * does not rise. */
enum { AHEAD_BYTES = 64 << 20 };

/* Puts all rows of a part into memory of the device. */
static duet_status fill_part(void *context, void *destination, size_t bytes, duet_error *error)
{
    (void)bytes; /* the variable was made with the part's own size */
    duet_data_part *part = context;
    if (part->ahead != NULL) {
        duet_status status = duet_ahead_take(part->ahead, destination, error);
        duet_ahead_end(&part->ahead);
        return status;
    }
    DUET_TRY(duet_rows_read(&part->rows, part->first, part->count, destination, error));
    return duet_rows_check_end(&part->rows, error);
}

void duet_data_end_ahead(duet_data *data)
{
    for (size_t split = 0; split < 2; split++) duet_ahead_end(&data->parts[split].ahead);
}

void duet_data_leave_device(duet_data *data, const duet_device *device)
{
    duet_data_end_ahead(data);
    if (data->store != NULL) duet_store_leave(data->store, device);
}

void duet_data_read_ahead(duet_data *data, duet_split split)
{
    duet_data_part *part = &data->parts[split];
    const bool is_there = part->resident != NULL && part->resident->storage->buffer != NULL;
    if (data->generated != NULL || data->owner != NULL || data->streaming || is_there || part->ahead != NULL ||
        duet_rows_memory(&part->rows) != NULL)
        return;
    part->ahead = duet_ahead_begin(&part->rows, part->first, part->count, AHEAD_BYTES);
}

/* Labels as one-hot rows of bytes. */
static duet_status fill_labels(void *context, void *destination, size_t bytes, duet_error *error)
{
    const duet_data_part *part = context;
    (void)error;
    const size_t classes = bytes / part->count;
    uint8_t *rows = destination;
    memset(rows, 0, bytes);
    for (size_t i = 0; i < part->count; i++) rows[i * classes + part->labels[i]] = 1;
    return DUET_OK;
}

duet_variable *duet_data_table(duet_store **store, const char *name, duet_type type, size_t rows, duet_shape row,
                               duet_error *error)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_shape shape = {.rank = row.rank + 1, .dims = {rows}};
    for (size_t i = 0; i < row.rank; i++) shape.dims[i + 1] = row.dims[i];
    if (*store == NULL) *store = duet_store_new(0);
    duet_storage *storage = *store == NULL ? NULL : duet_storage_new(*store, type);
    if (storage == NULL) {
        duet_fail(error, DUET_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    duet_variable *made = duet_variable_new(*store, storage, name, shape, zero, error);
    if (made != NULL) made->saved = false;
    return made;
}

/* All rows of a part, filled by `fill` when a plan first uses them. */
static duet_variable *make_resident(duet_data *data, duet_data_part *part, const char *name, duet_type type,
                                    duet_shape row, duet_fill_function fill, duet_error *error)
{
    duet_variable *made = duet_data_table(&data->store, name, type, part->count, row, error);
    if (made == NULL) return NULL;
    made->fill = fill;
    made->fill_context = part;
    return made;
}

duet_node duet_data_gather(duet_graph *graph, duet_variable *examples, duet_variable *labels, duet_node order,
                           duet_node *label_rows)
{
    duet_node rows = duet_gather(duet_variable_node(graph, examples), order);
    *label_rows = labels == NULL ? NULL : duet_to_float(duet_gather(duet_variable_node(graph, labels), order));
    return examples->type == DUET_UINT8 ? duet_scale(duet_to_float(rows), 1.0f / 255) : rows;
}

static duet_node draw_generated(duet_data *data, duet_graph *graph, size_t batch, duet_node *labels)
{
    duet_node classes, examples = data->generated->batch(data, graph, batch, &classes);
    *labels = duet_one_hot(duet_to_index(duet_reshape(classes, DUET_SHAPE(batch))), data->info.classes);
    return examples;
}

/* All examples of a part, which stay where they are if the device shares the memory that they lie in. */
static duet_variable *make_resident_rows(duet_data *data, duet_data_part *part, const char *name, duet_error *error)
{
    duet_variable *made = make_resident(data, part, name, data->info.type, data->info.shape, fill_part, error);
    const unsigned char *memory = duet_rows_memory(&part->rows);
    if (made != NULL && memory != NULL) made->lies = memory + part->first * duet_rows_row_bytes(&part->rows);
    return made;
}

/* The variables of a split; false: with an error. */
static bool make_tables(duet_data *data, duet_split split, duet_error *error)
{
    duet_data_part *part = &data->parts[split];
    bool trains = split == DUET_TRAIN;
    if (part->resident == NULL)
        part->resident = make_resident_rows(data, part, trains ? "training examples" : "test examples", error);
    if (part->resident != NULL && part->labels != NULL && part->resident_labels == NULL)
        part->resident_labels = make_resident(data, part, trains ? "training labels" : "test labels", DUET_UINT8,
                                              DUET_SHAPE(data->info.classes), fill_labels, error);
    return part->resident != NULL && (part->labels == NULL || part->resident_labels != NULL);
}

duet_node duet_data_labelled_batch(duet_data *data, duet_graph *graph, duet_split split, size_t batch, duet_node draws,
                                   bool shuffled, duet_node *labels)
{
    *labels = NULL;
    if (data->generated != NULL) return draw_generated(data, graph, batch, labels);
    duet_error error = {0};
    if (duet_data_ready(data, &error) != DUET_OK) {
        duet_graph_refuse(graph, error.status, "%s", error.message);
        return duet_constant(graph, 0);
    }
    duet_data_part *part = &data->parts[split];
    const size_t count = part->count;
    if (shuffled && batch > count) {
        duet_graph_refuse(graph, DUET_ERROR_DATA, "a batch of %zu from the %zu examples of %s: use at most %zu", batch,
                          count, data->name, count);
        return duet_constant(graph, 0);
    }
    if (!make_tables(data, split, &error)) {
        duet_graph_refuse(graph, error.status, "%s does not fit on a device: %s; use a part of it", data->name,
                          error.message);
        return duet_constant(graph, 0);
    }
    duet_node order = shuffled ? duet_shuffled(draws, batch, count) : duet_in_order(draws, batch, count);
    return duet_data_gather(graph, part->resident, part->resident_labels, order, labels);
}

duet_node duet_data_batch(duet_data *data, duet_graph *graph, duet_split split, size_t batch, duet_node draws,
                          bool shuffled)
{
    duet_node labels;
    return duet_data_labelled_batch(data, graph, split, batch, draws, shuffled, &labels);
}
