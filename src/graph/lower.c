/* Lowering: each value that lies in memory gets a step; map steps of equal extent share a kernel where the order
 * allows; assignments write in place where nothing later needs the old value, else they copy at the end. */
#include "graph/lower.h"

#include <stdlib.h>
#include <string.h>

duet_status duet_lowering_no_memory(duet_lowering *lowering)
{
    lowering->failed = true;
    return duet_fail(lowering->error, DUET_ERROR_MEMORY, "out of memory while planning");
}

/* One more zeroed item at the end of a growing array; NULL if memory is short. */
static void *extend(duet_lowering *lowering, void **items, size_t size, size_t *count, size_t *capacity)
{
    if (*count == *capacity) {
        size_t larger = *capacity == 0 ? 64 : 2 * *capacity;
        void *grown = realloc(*items, larger * size);
        if (grown == NULL) {
            duet_lowering_no_memory(lowering);
            return NULL;
        }
        *items = grown;
        *capacity = larger;
    }
    void *item = (char *)*items + size * (*count)++;
    memset(item, 0, size);
    return item;
}

static int add_tensor(duet_lowering *lowering, duet_node node, duet_type type, size_t elements, duet_home home)
{
    duet_tensor *tensor = extend(lowering, (void **)&lowering->tensors, sizeof *tensor, &lowering->tensor_count,
                                 &lowering->tensor_capacity);
    if (tensor == NULL) return DUET_NO_TENSOR;
    tensor->node = node;
    tensor->type = type;
    tensor->elements = elements;
    tensor->home = home;
    tensor->whole = DUET_NO_TENSOR;
    tensor->first = SIZE_MAX;
    if (node != NULL && lowering->tensor_of[node->id] == DUET_NO_TENSOR)
        lowering->tensor_of[node->id] = (int)lowering->tensor_count - 1;
    return (int)lowering->tensor_count - 1;
}

/* The tensor that holds a stored node, made at its first use. */
static int tensor_of(duet_lowering *lowering, duet_node node)
{
    node = duet_node_in_memory(node);
    if (lowering->tensor_of[node->id] != DUET_NO_TENSOR) return lowering->tensor_of[node->id];
    duet_home home = node->op->kind == DUET_OP_VARIABLE                                  ? DUET_HOME_VARIABLE
                     : node->op->kind == DUET_OP_INPUT || node->op->kind == DUET_OP_PACK ? DUET_HOME_OWN
                                                                                         : DUET_HOME_ARENA;
    int tensor = add_tensor(lowering, node, node->type, node->elements, home);
    if (tensor != DUET_NO_TENSOR && home == DUET_HOME_VARIABLE)
        lowering->tensors[tensor].variable = (duet_variable *)(uintptr_t)node->attributes.object;
    return tensor;
}

/* Steps. */

static duet_step *add_step(duet_lowering *lowering, duet_step_kind kind)
{
    duet_step *step =
        extend(lowering, (void **)&lowering->steps, sizeof *step, &lowering->step_count, &lowering->step_capacity);
    if (step == NULL) return NULL;
    step->kind = kind;
    step->scratch = DUET_NO_TENSOR;
    return step;
}

static bool add_read(duet_step *step, int tensor, bool strided)
{
    for (size_t i = 0; i < step->read_count; i++) {
        if (step->reads[i].tensor != tensor) continue;
        step->reads[i].strided |= strided;
        return true;
    }
    if (step->read_count == DUET_STEP_LOADS) return false;
    step->reads[step->read_count++] = (duet_read){tensor, strided};
    return true;
}

static bool computes(const duet_step *step, duet_node node)
{
    for (size_t i = 0; step->kind == DUET_STEP_MAP && i < step->root_count; i++)
        if (step->roots[i].value == node && step->roots[i].counter == NULL) return true;
    return false;
}

/* The first step that may compute what the probe has just written: after all it loads, or together with a value of the
 * same kernel that is used element by element. */
static size_t earliest_step(const duet_lowering *lowering)
{
    size_t earliest = 0;
    for (size_t i = 0; i < lowering->probe.load_count; i++) {
        const duet_load *load = &lowering->probe.loads[i];
        if (duet_is_leaf(load->node)) continue;
        size_t ready = lowering->ready_at[load->node->id];
        bool joins = !load->strided && ready < lowering->step_count && computes(&lowering->steps[ready], load->node);
        size_t after = joins ? ready : ready + 1;
        if (after > earliest) earliest = after;
    }
    return earliest;
}

static bool can_join(const duet_lowering *lowering, const duet_step *step, size_t elements)
{
    return step->kind == DUET_STEP_MAP && step->elements == elements && step->root_count < DUET_STEP_ROOTS &&
           step->read_count + lowering->probe.load_count + DUET_STEP_ROOTS <= DUET_STEP_LOADS;
}

/* A map step for the root: the kernel that already has an operand of it, else the latest that fits, else a new one. */
static void place_root(duet_lowering *lowering, duet_root root, size_t earliest)
{
    size_t elements = root.value->elements, chosen = lowering->step_count;
    if (earliest < lowering->step_count && can_join(lowering, &lowering->steps[earliest], elements)) chosen = earliest;
    for (size_t i = lowering->step_count; chosen == lowering->step_count && i-- > earliest;) {
        if (!can_join(lowering, &lowering->steps[i], elements)) continue;
        chosen = i;
        break;
    }
    duet_step *step = chosen < lowering->step_count ? &lowering->steps[chosen] : add_step(lowering, DUET_STEP_MAP);
    if (step == NULL) return;
    step->elements = elements;
    bool fits = true;
    for (size_t i = 0; i < lowering->probe.load_count; i++) {
        const duet_load *load = &lowering->probe.loads[i];
        fits &= add_read(step, tensor_of(lowering, load->node), load->strided);
    }
    if (!fits) {
        duet_fail(lowering->error, DUET_ERROR_GRAPH, "%s: \"%s\" reads more than %d tensors in one kernel",
                  root.value->where, root.value->op->name, DUET_STEP_LOADS);
        lowering->failed = true;
    }
    step->roots[step->root_count++] = root;
    if (root.counter == NULL && root.target == tensor_of(lowering, root.value))
        lowering->ready_at[root.value->id] = chosen;
}

static bool overlaps(const duet_lowering *lowering, int tensor, const duet_variable *variable)
{
    const duet_tensor *other = &lowering->tensors[tensor];
    if (other->home != DUET_HOME_VARIABLE || other->variable->storage != variable->storage) return false;
    return other->variable->offset < variable->offset + variable->elements &&
           variable->offset < other->variable->offset + other->variable->elements;
}

/* The last step that reads the variable's old value, or -1. */
static long last_reader(const duet_lowering *lowering, const duet_variable *variable)
{
    for (long i = (long)lowering->step_count - 1; i >= 0; i--)
        for (size_t j = 0; j < lowering->steps[i].read_count; j++)
            if (overlaps(lowering, lowering->steps[i].reads[j].tensor, variable)) return i;
    return -1;
}

/* A value that a variable takes is best computed after the old one was last read: then it is written in place. */
static size_t after_readers(const duet_lowering *lowering, const duet_variable *variable)
{
    long last = variable == NULL ? -1 : last_reader(lowering, variable);
    if (last < 0) return 0;
    const duet_step *step = &lowering->steps[last];
    for (size_t i = 0; i < step->read_count; i++)
        if (step->kind != DUET_STEP_MAP ||
            (step->reads[i].strided && overlaps(lowering, step->reads[i].tensor, variable)))
            return (size_t)last + 1;
    return (size_t)last;
}

static void place_computed(duet_lowering *lowering, duet_node node)
{
    duet_lowering_probe(lowering, node);
    if (lowering->failed) return;
    size_t operands = earliest_step(lowering), readers = after_readers(lowering, lowering->assigned[node->id]);
    place_root(lowering, (duet_root){.value = node, .target = tensor_of(lowering, node)},
               operands > readers ? operands : readers);
}

bool duet_is_wide(const duet_device *device)
{
    duet_device_kind kind = duet_device_describe(device)->kind;
    return kind == DUET_DEVICE_GPU || kind == DUET_DEVICE_INTEGRATED;
}

/* How many pieces each sum is cut into, so that the device is busy; their partial sums are added by a second launch. */
static size_t choose_pieces(const duet_lowering *lowering, size_t work_items, size_t length)
{
    bool is_wide = duet_is_wide(lowering->device);
    size_t wanted = (size_t)duet_device_describe(lowering->device)->compute_units * (is_wide ? 256 : 4);
    size_t smallest = is_wide ? 16 : 256;
    if (work_items >= wanted || length < 2 * smallest) return 1;
    size_t pieces = (wanted + work_items - 1) / work_items;
    if (pieces > length / smallest) pieces = length / smallest;
    return pieces > 256 ? 256 : pieces;
}

static duet_reduce_layout layout_of(duet_node node)
{
    duet_shape shape = node->inputs[0]->shape;
    bool rows = true, columns = true, seen_kept = false, seen_reduced = false;
    for (size_t d = shape.rank; d-- > 0;) { /* from the fastest dimension outwards */
        if (shape.dims[d] == 1) continue;
        bool reduced = (node->attributes.size[0] >> d & 1) != 0;
        rows = rows && !(reduced && seen_kept);
        columns = columns && !(!reduced && seen_reduced);
        seen_reduced |= reduced;
        seen_kept |= !reduced;
    }
    return rows ? DUET_REDUCE_ROWS : columns ? DUET_REDUCE_COLUMNS : DUET_REDUCE_SCATTERED;
}

static void place_reduce(duet_lowering *lowering, duet_node node)
{
    duet_lowering_probe(lowering, node);
    duet_step *step = lowering->failed ? NULL : add_step(lowering, DUET_STEP_REDUCE);
    if (step == NULL) return;
    size_t index = lowering->step_count - 1;
    step->node = node;
    step->outputs = node->elements;
    step->length = node->inputs[0]->elements / node->elements;
    step->layout = layout_of(node);
    step->lanes = duet_reduce_lanes(lowering->device, step->layout, step->outputs, step->length);
    size_t work_items = step->layout == DUET_REDUCE_COLUMNS ? step->outputs / step->lanes : step->outputs;
    step->pieces = choose_pieces(lowering, work_items, step->length);
    for (size_t i = 0; i < lowering->probe.load_count; i++)
        if (!add_read(step, tensor_of(lowering, lowering->probe.loads[i].node), true)) {
            duet_fail(lowering->error, DUET_ERROR_GRAPH, "%s: \"%s\" reads more than %d tensors in one kernel",
                      node->where, node->op->name, DUET_STEP_LOADS);
            lowering->failed = true;
        }
    if (step->pieces > 1) {
        int scratch = add_tensor(lowering, NULL, DUET_FLOAT32, step->outputs * step->pieces, DUET_HOME_ARENA);
        lowering->steps[index].scratch = scratch;
    }
    lowering->steps[index].roots[0] = (duet_root){.value = node, .target = tensor_of(lowering, node)};
    lowering->steps[index].root_count = 1;
    lowering->ready_at[node->id] = index;
}

static void place_matmul(duet_lowering *lowering, duet_node node)
{
    duet_step *step = add_step(lowering, DUET_STEP_MATMUL);
    if (step == NULL) return;
    size_t index = lowering->step_count - 1;
    duet_shape a = node->inputs[0]->shape;
    bool transpose_a = node->attributes.size[0] != 0, transpose_b = node->attributes.size[1] != 0;
    step->node = node;
    step->shape = (duet_gemm_shape){.m = node->shape.dims[0],
                                    .n = node->shape.dims[1],
                                    .k = transpose_a ? a.dims[0] : a.dims[1],
                                    .transpose_a = transpose_a,
                                    .transpose_b = transpose_b};
    step->provider = duet_gemm_choose(lowering->device, &step->shape);
    step->a = tensor_of(lowering, node->inputs[0]);
    step->b = tensor_of(lowering, node->inputs[1]);
    add_read(step, step->a, true);
    add_read(step, step->b, true);
    step->adds = lowering->added_to[node->id] != NULL;
    if (step->adds) lowering->tensor_of[node->id] = tensor_of(lowering, lowering->added_to[node->id]);
    size_t workspace = step->provider->workspace(lowering->device, &step->shape);
    if (workspace > 0) {
        bool from_start = step->provider->workspace_from_start;
        int scratch = add_tensor(lowering, NULL, DUET_FLOAT32, (workspace + 3) / 4, DUET_HOME_ARENA);
        if (scratch == DUET_NO_TENSOR) return;
        lowering->tensors[scratch].from_start = from_start;
        lowering->steps[index].scratch = scratch;
    }
    lowering->steps[index].roots[0] = (duet_root){.value = node, .target = tensor_of(lowering, node)};
    lowering->steps[index].root_count = 1;
    lowering->ready_at[node->id] = index;
}

/* Copies a value in memory to another tensor. */
static void place_copy(duet_lowering *lowering, duet_node node, int target, size_t earliest)
{
    lowering->probe.load_count = 0;
    node = duet_node_in_memory(node);
    lowering->probe.mark_stored = lowering->stored;
    duet_write_argument(&lowering->probe, node, false);
    size_t ready = duet_is_leaf(node) ? 0 : lowering->ready_at[node->id] + 1;
    place_root(lowering, (duet_root){.value = node, .target = target}, ready > earliest ? ready : earliest);
}

/* Each gradient is written where it belongs in the pack; one that cannot be (it lies elsewhere already) is copied. */
static void place_pack(duet_lowering *lowering, duet_node node)
{
    const duet_storage *storage = node->attributes.object;
    int pack = tensor_of(lowering, node);
    size_t input = 0, ready = 0;
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(storage->store, i)) != NULL && !lowering->failed; i++) {
        if (variable->storage != storage || !variable->saved || input == node->input_count) continue;
        duet_node gradient = duet_node_in_memory(node->inputs[input++]);
        int part = tensor_of(lowering, gradient);
        if (part == DUET_NO_TENSOR || pack == DUET_NO_TENSOR) return;
        bool is_free = lowering->tensors[part].home == DUET_HOME_ARENA && gradient->type == DUET_FLOAT32;
        if (!is_free) part = add_tensor(lowering, NULL, DUET_FLOAT32, gradient->elements, DUET_HOME_PART);
        if (part == DUET_NO_TENSOR) return;
        lowering->tensors[part].home = DUET_HOME_PART;
        lowering->tensors[part].whole = pack;
        lowering->tensors[part].part_offset = variable->offset;
        if (!is_free) place_copy(lowering, gradient, part, 0);
        for (size_t step = 0; step < lowering->step_count; step++)
            for (size_t root = 0; root < lowering->steps[step].root_count; root++)
                if (lowering->steps[step].roots[root].target == part && step > ready) ready = step;
    }
    lowering->ready_at[node->id] = ready;
}

/* Assignments. */

/* Whether step `writer` may write the variable directly: no later step needs the old value, and that step itself reads
 * it only element by element. */
static bool can_write_in_place(const duet_lowering *lowering, size_t writer, const duet_variable *variable)
{
    if (last_reader(lowering, variable) > (long)writer) return false;
    const duet_step *step = &lowering->steps[writer];
    for (size_t j = 0; j < step->read_count; j++) {
        int tensor = step->reads[j].tensor;
        if (!overlaps(lowering, tensor, variable)) continue;
        const duet_variable *read = lowering->tensors[tensor].variable;
        if (step->reads[j].strided || read->offset != variable->offset || read->elements != variable->elements)
            return false;
    }
    return true;
}

static void place_row_write(duet_lowering *lowering, duet_node assign, size_t earliest)
{
    duet_node with_row = assign->inputs[1], counter = with_row->inputs[1], row = with_row->inputs[2];
    duet_node value = duet_node_in_memory(row);
    int target = tensor_of(lowering, assign->inputs[0]);
    if (duet_is_leaf(value) || lowering->stored[value->id]) {
        lowering->probe.load_count = 0;
        duet_write_argument(&lowering->probe, value, false);
    } else
        duet_lowering_probe(lowering, value);
    duet_write_argument(&lowering->probe, counter, true);
    size_t rows = assign->elements / row->elements;
    size_t operands = earliest_step(lowering);
    place_root(lowering, (duet_root){.value = value, .target = target, .counter = counter, .rows = rows},
               operands > earliest ? operands : earliest);
}

static void place_assign(duet_lowering *lowering, duet_node assign)
{
    duet_node value = duet_node_in_memory(assign->inputs[1]);
    int target = tensor_of(lowering, assign->inputs[0]);
    if (target == DUET_NO_TENSOR || lowering->failed) return;
    int source = tensor_of(lowering, value);
    if (source == DUET_NO_TENSOR) return;
    size_t writer = duet_is_leaf(value) ? 0 : lowering->ready_at[value->id];
    bool in_place = !duet_is_leaf(value) && lowering->tensors[source].home == DUET_HOME_ARENA &&
                    lowering->steps[writer].kind == DUET_STEP_MAP && computes(&lowering->steps[writer], value) &&
                    can_write_in_place(lowering, writer, lowering->tensors[target].variable);
    if (in_place) {
        lowering->tensors[source].home = DUET_HOME_VARIABLE;
        lowering->tensors[source].variable = lowering->tensors[target].variable;
        lowering->tensors[source].written = true;
    }
}

/* Copies come last, when every in-place decision is made. */
static void copy_assign(duet_lowering *lowering, duet_node assign, size_t earliest)
{
    duet_node value = duet_node_in_memory(assign->inputs[1]);
    int target = tensor_of(lowering, assign->inputs[0]), source = tensor_of(lowering, value);
    if (target == DUET_NO_TENSOR || source == DUET_NO_TENSOR) return;
    const duet_tensor *from = &lowering->tensors[source], *to = &lowering->tensors[target];
    if (from->written && from->variable == to->variable) return;
    place_copy(lowering, value, target, earliest);
}

/* A sum whose product was added in place lies where the product does. */
static void share_tensor(duet_lowering *lowering, duet_node sum, duet_node product)
{
    lowering->tensor_of[sum->id] = tensor_of(lowering, product);
    lowering->ready_at[sum->id] = lowering->ready_at[product->id];
}

static void place_all(duet_lowering *lowering)
{
    for (size_t id = 0; id < duet_graph_count(lowering->graph) && !lowering->failed; id++) {
        duet_node node = duet_graph_at(lowering->graph, id);
        if (!lowering->needed[id]) continue;
        if (duet_is_row_write(node) && lowering->uses[node->inputs[0]->id] == 0) place_row_write(lowering, node, 0);
        if (!lowering->stored[id]) continue;
        if (node->op->kind == DUET_OP_MATMUL)
            place_matmul(lowering, node);
        else if (node->op->kind == DUET_OP_REDUCE)
            place_reduce(lowering, node);
        else if (node->op->kind == DUET_OP_PACK)
            place_pack(lowering, node);
        else if (lowering->added_to[id] != NULL)
            share_tensor(lowering, node, lowering->added_to[id]);
        else if (duet_is_computed(node))
            place_computed(lowering, node);
    }
}

/* Results that the host reads keep memory of their own: other plans share the arena. */
static void keep_results(duet_lowering *lowering, const duet_node *roots, size_t count)
{
    for (size_t i = 0; i < count && !lowering->failed; i++) {
        if (roots[i]->op->kind == DUET_OP_ASSIGN) continue;
        int tensor = tensor_of(lowering, roots[i]);
        if (tensor != DUET_NO_TENSOR && lowering->tensors[tensor].home == DUET_HOME_ARENA)
            lowering->tensors[tensor].home = DUET_HOME_OWN;
    }
}

static void place_assigns(duet_lowering *lowering, const duet_node *roots, size_t count)
{
    for (size_t i = 0; i < count && !lowering->failed; i++) /* rows of tables that the plan reads, after those reads */
        if (duet_is_row_write(roots[i]) && lowering->uses[roots[i]->inputs[0]->id] > 0)
            place_row_write(lowering, roots[i], lowering->step_count);
    for (size_t i = 0; i < count; i++)
        if (roots[i]->op->kind == DUET_OP_ASSIGN && !duet_is_row_write(roots[i])) place_assign(lowering, roots[i]);
    size_t end = lowering->step_count;
    for (size_t i = 0; i < count && !lowering->failed; i++)
        if (roots[i]->op->kind == DUET_OP_ASSIGN && !duet_is_row_write(roots[i])) copy_assign(lowering, roots[i], end);
}

static void live(duet_lowering *lowering, int tensor, size_t step)
{
    if (tensor == DUET_NO_TENSOR) return;
    duet_tensor *record = &lowering->tensors[tensor];
    if (record->first > step) record->first = step;
    if (record->last < step) record->last = step;
}

static void find_lifetimes(duet_lowering *lowering)
{
    for (size_t i = 0; i < lowering->step_count; i++) {
        const duet_step *step = &lowering->steps[i];
        for (size_t j = 0; j < step->read_count; j++) live(lowering, step->reads[j].tensor, i);
        for (size_t j = 0; j < step->root_count; j++) live(lowering, step->roots[j].target, i);
        live(lowering, step->scratch, i);
    }
}

/* Two assignments to the same memory would leave one of them without effect. */
static duet_status check_targets(const duet_node *roots, size_t count, duet_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (roots[i]->op->kind != DUET_OP_ASSIGN) continue;
        const duet_variable *a = roots[i]->inputs[0]->attributes.object;
        for (size_t j = 0; j < i; j++) {
            const duet_variable *b =
                roots[j]->op->kind == DUET_OP_ASSIGN ? roots[j]->inputs[0]->attributes.object : NULL;
            if (b == NULL || roots[j] == roots[i] || b->storage != a->storage) continue;
            if (b->offset < a->offset + a->elements && a->offset < b->offset + b->elements)
                return duet_fail(error, DUET_ERROR_GRAPH, "%s: \"%s\" is assigned to in the same plan as \"%s\" at %s",
                                 roots[i]->where, a->name, b->name, roots[j]->where);
        }
    }
    return DUET_OK;
}

duet_status duet_lower(duet_lowering *lowering, duet_device *device, duet_graph *graph, const duet_node *roots,
                       size_t count, duet_error *error)
{
    size_t nodes = duet_graph_count(graph);
    *lowering = (duet_lowering){.device = device, .graph = graph, .error = error};
    lowering->needed = calloc(nodes, sizeof *lowering->needed);
    lowering->stored = calloc(nodes, sizeof *lowering->stored);
    lowering->uses = calloc(nodes, sizeof *lowering->uses);
    lowering->tensor_of = calloc(nodes, sizeof *lowering->tensor_of);
    lowering->assigned = calloc(nodes, sizeof(duet_variable *));
    lowering->ready_at = calloc(nodes, sizeof *lowering->ready_at);
    lowering->added_to = calloc(nodes, sizeof(duet_node));
    if (!lowering->needed || !lowering->stored || !lowering->uses || !lowering->tensor_of || !lowering->ready_at ||
        !lowering->assigned || !lowering->added_to)
        return duet_lowering_no_memory(lowering);
    for (size_t i = 0; i < nodes; i++) lowering->tensor_of[i] = DUET_NO_TENSOR;
    for (size_t i = 0; i < count; i++)
        if (roots[i]->op->kind == DUET_OP_ASSIGN)
            lowering->assigned[duet_node_in_memory(roots[i]->inputs[1])->id] =
                (duet_variable *)(uintptr_t)roots[i]->inputs[0]->attributes.object;

    DUET_TRY(check_targets(roots, count, error));
    duet_lowering_materialise(lowering, roots, count);
    if (!lowering->failed) place_all(lowering);
    if (!lowering->failed) keep_results(lowering, roots, count);
    if (!lowering->failed) place_assigns(lowering, roots, count);
    if (!lowering->failed) find_lifetimes(lowering);
    if (!lowering->failed) return DUET_OK;
    return duet_fail(error, DUET_ERROR_GRAPH, "a kernel of the plan is too large to write");
}

void duet_lowering_free(duet_lowering *lowering)
{
    for (size_t i = 0; i < lowering->tensor_count; i++)
        if (lowering->tensors[i].home == DUET_HOME_OWN) duet_buffer_free(&lowering->tensors[i].buffer);
    free(lowering->needed);
    free(lowering->stored);
    free(lowering->uses);
    free(lowering->tensor_of);
    free(lowering->assigned);
    free(lowering->added_to);
    free(lowering->ready_at);
    free(lowering->tensors);
    free(lowering->steps);
    duet_writer_free(&lowering->probe);
    *lowering = (duet_lowering){0};
}
