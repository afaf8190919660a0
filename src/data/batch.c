/* Batches as nodes. A split of files lies on the device whole, as bytes or floats, filled when a plan first uses it; a
 * batch is rows gathered from it. A generated set is random nodes: nothing is stored. */
#include "data/data.h"
#include "duet/op.h"
#include "graph/variable.h"

/* What may wait on the host for the device to be ready. It is given back as the device's memory fills, so that the
 * peak does not rise. */
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

void duet_data_read_ahead(duet_data *data, duet_split split)
{
    duet_data_part *part = &data->parts[split];
    if (data->toy != NULL || part->resident != NULL || part->ahead != NULL) return;
    part->ahead = duet_ahead_begin(&part->rows, part->first, part->count, AHEAD_BYTES);
}

static duet_variable *make_resident(duet_data *data, duet_split split, duet_error *error)
{
    duet_data_part *part = &data->parts[split];
    duet_shape shape = {.rank = data->info.shape.rank + 1, .dims = {part->count}};
    for (size_t i = 0; i < data->info.shape.rank; i++) shape.dims[i + 1] = data->info.shape.dims[i];
    if (data->store == NULL) data->store = duet_store_new(0);
    duet_storage *storage = data->store == NULL ? NULL : duet_storage_new(data->store, data->info.type);
    if (storage == NULL) {
        duet_fail(error, DUET_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    part->resident = duet_variable_new(data->store, storage,
                                       split == DUET_TRAIN ? "training examples" : "test examples", shape, zero, error);
    if (part->resident == NULL) return NULL;
    part->resident->saved = false;
    part->resident->fill = fill_part;
    part->resident->fill_context = part;
    return part->resident;
}

duet_node duet_data_batch(duet_data *data, duet_graph *graph, duet_split split, size_t batch, duet_node draws,
                          bool shuffled)
{
    if (data->toy != NULL) return duet_toy_batch(data->toy, graph, batch);
    duet_error error = {0};
    size_t count = data->info.count[split];
    if (shuffled && batch > count) {
        duet_graph_fail(graph, "a batch of %zu from the %zu examples of %s: use at most %zu", batch, count, data->name,
                        count);
        return duet_constant(graph, 0);
    }
    duet_variable *examples = data->parts[split].resident;
    if (examples == NULL) examples = make_resident(data, split, &error);
    if (examples == NULL) {
        duet_graph_fail(graph, "%s does not fit on a device: %s; use a part of it", data->name, error.message);
        return duet_constant(graph, 0);
    }
    duet_node order = shuffled ? duet_shuffled(draws, batch, count) : duet_in_order(draws, batch, count);
    duet_node rows = duet_gather(duet_variable_node(graph, examples), order);
    return data->info.type == DUET_UINT8 ? duet_scale(duet_to_float(rows), 1.0f / 255) : rows;
}
