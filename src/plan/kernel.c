/* SPDX-License-Identifier: MIT */
/* The table of generated kernels, their arguments, and map kernels, which give each element a work-item. */
#include "plan/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static duet_status add_kernel(duet_kernel_table *table, const char *name, const duet_text *body, duet_error *error)
{
    char *copy = strdup(duet_text_get(body));
    if (copy == NULL || body->failed ||
        !duet_array_grow(&table->items, table->count, &table->capacity, sizeof *table->items)) {
        free(copy);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while writing kernels");
    }
    snprintf(table->items[table->count].name, sizeof table->items->name, "%s", name);
    table->items[table->count++].body = copy;
    return DUET_OK;
}

/* Finds or adds the kernel with this text. Its name says what it computes: "gemm_3_relu". The number stands before the
 * words that vary, so that no name begins another one: Oclgrind would take the other's local memory for its own. */
duet_status duet_kernel_intern(duet_kernel_table *table, const char *what, const duet_text *body, size_t *index,
                               duet_error *error)
{
    char name[64];
    for (*index = 0; *index < table->count; ++*index)
        if (strcmp(table->items[*index].body, duet_text_get(body)) == 0) return DUET_OK;
    const size_t kind = strcspn(what, "_");
    snprintf(name, sizeof name, "%.*s_%zu%.40s", (int)kind, what, table->count, what + kind);
    return add_kernel(table, name, body, error);
}

duet_status duet_kernel_add(duet_kernel_table *table, const char *name, const duet_text *body, duet_error *error)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->items[i].name, name) == 0) return DUET_OK;
    return add_kernel(table, name, body, error);
}

void duet_kernel_table_free(duet_kernel_table *table)
{
    for (size_t i = 0; i < table->count; i++) free(table->items[i].body);
    free(table->items);
    *table = (duet_kernel_table){0};
}

duet_status duet_kernel_add_argument(const duet_lowering *lowering, duet_kernel_text *launch, int tensor, float number,
                                     duet_error *error)
{
    if (!duet_array_grow(&launch->arguments, launch->argument_count, &launch->argument_capacity,
                         sizeof *launch->arguments))
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while writing kernels");
    launch->arguments[launch->argument_count++] = (duet_kernel_argument){tensor, number};
    if (tensor == DUET_NO_TENSOR) return DUET_OK;
    const duet_tensor *memory = &lowering->tensors[tensor];
    size_t moved = memory->elements < launch->visited ? memory->elements : launch->visited;
    launch->bytes += (double)moved * (double)duet_type_size(memory->type);
    return DUET_OK;
}

/* The launch's arguments in the order of duet_write_parameters. */
duet_status duet_kernel_bind(const duet_lowering *lowering, const duet_kernel_writer *writer, const int *targets,
                             duet_kernel_text *launch, duet_error *error)
{
    for (size_t i = 0; i < writer->load_count; i++)
        DUET_TRY(duet_kernel_add_argument(lowering, launch, lowering->tensor_of[writer->loads[i].node->id], 0, error));
    for (size_t i = 0; i < writer->result_count; i++)
        DUET_TRY(duet_kernel_add_argument(lowering, launch, targets[i], 0, error));
    for (size_t i = 0; i < writer->constant_count; i++)
        DUET_TRY(duet_kernel_add_argument(lowering, launch, DUET_NO_TENSOR, writer->constants[i], error));
    return DUET_OK;
}

duet_status duet_kernel_check(duet_kernel_writer *writer, duet_kernel_table *table, duet_error *error)
{
    table->random |= writer->random;
    if (writer->failed || writer->body.failed)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while writing kernels");
    return DUET_OK;
}

/* Values first, stores after: a root may overwrite what another one reads at the same element. */
static void write_roots(duet_kernel_writer *writer, const duet_step *step, const int *own_tensor, duet_text *stores,
                        int *targets)
{
    duet_map linear = duet_map_linear();
    for (size_t i = 0; i < step->root_count; i++) {
        const duet_root *root = &step->roots[i];
        writer->computing = root->target == own_tensor[root->value->id] ? root->value : NULL;
        duet_value value = duet_write_node(writer, root->value, &linear);
        targets[i] = root->target;
        writer->results[writer->result_count++] = root->value->type;
        if (root->counter == NULL) {
            duet_text_add(stores, "    r%zu[s%zu + at] = %s;\n", i, i, value.text);
        } else {
            duet_map scalar = duet_map_identity(DUET_SCALAR_SHAPE);
            duet_value counter = duet_write_node(writer, root->counter, &scalar);
            duet_text_add(stores, "    r%zu[s%zu + %s %% %zuu * %zuu + i] = %s;\n", i, i, counter.text, root->rows,
                          root->value->elements, value.text);
        }
    }
}

/* Enough work-groups for every compute unit, in powers of two so that drivers compile few variants. */
size_t duet_kernel_local_size(const duet_lowering *lowering, size_t work_items)
{
    const duet_device_info *info = duet_device_describe(lowering->device);
    bool is_wide = duet_is_wide(lowering->device);
    size_t most = is_wide ? 128 : 64, least = is_wide ? 32 : 1, local = 1;
    size_t share = work_items / ((size_t)info->compute_units * 4);
    while (local < most && (local < least || 2 * local <= share)) local *= 2;
    while (local > info->work_group_size && local > 1) local /= 2;
    return local;
}

/* A work-group size that divides the elements, so that the kernel needs no bounds check: a check keeps CPU compilers
 * from vectorising across work-items, which costs a map kernel ten times its time on PoCL. 0: none worth having. */
static size_t exact_local_size(const duet_lowering *lowering, size_t elements)
{
    size_t wanted = duet_kernel_local_size(lowering, elements), local = wanted;
    while (elements % local != 0) local /= 2;
    return local >= 16 || local == wanted ? local : 0;
}

/* On a CPU a kernel that asks for coordinates is launched over a matrix whose columns are the features, so that a run
 * of work-items lies within a row. The compiler then sees that what depends on the row is the same for all of them, and
 * what depends on the column lies side by side. A work-group is a piece of a row, or several short rows. False: the
 * kernel is launched over elements. */
static bool choose_matrix(const duet_lowering *lowering, size_t columns, size_t elements, duet_kernel_text *launch)
{
    const duet_device_info *info = duet_device_describe(lowering->device);
    const size_t least = 16, most = info->work_group_size < 256 ? info->work_group_size : 256;
    const size_t enough_groups = (size_t)info->compute_units * 8;
    if (duet_is_wide(lowering->device) || columns < least) return false;
    size_t local = most, rows = elements / columns, local_rows = 1;
    while (local >= least && columns % local != 0) local--;
    if (local < least) return false;
    for (size_t i = 2; i <= rows && local == columns && i * local <= most && rows / i >= enough_groups; i++)
        if (rows % i == 0) local_rows = i;
    launch->work_items = columns;
    launch->rows = rows;
    launch->local = local;
    launch->local_rows = local_rows;
    return true;
}

static void write_map_text(const duet_kernel_writer *writer, const duet_kernel_text *launch, bool is_part,
                           const char *stores, duet_text *text)
{
    if (launch->rows > 0)
        duet_text_add(text,
                      "    const uint row = (uint)get_global_id(1), column = (uint)get_global_id(0);\n"
                      "    const size_t at = (size_t)row * %zu + column;\n",
                      launch->work_items);
    else
        duet_text_add(text, "    const size_t at = id;\n%s",
                      launch->local == 0 && !is_part ? "    if (at >= count) return;\n" : "");
    duet_text_add(text, "    const uint i = (uint)at;\n%s%s", duet_text_get(&writer->body), stores);
}

/* Writes the roots once more, by rows and columns where that suits. */
static void write_map_body(const duet_lowering *lowering, const duet_step *step, size_t row_length, bool is_part,
                           duet_kernel_writer *writer, duet_text *stores, int *targets, duet_kernel_text *launch)
{
    duet_writer_reset(writer);
    duet_text_clear(stores);
    if (!is_part && choose_matrix(lowering, row_length, step->elements, launch))
        duet_writer_give_matrix(writer, launch->work_items);
    else
        launch->local = exact_local_size(lowering, step->elements);
    write_roots(writer, step, lowering->tensor_of, stores, targets);
}

static duet_status write_map(duet_lowering *lowering, const duet_step *step, duet_kernel_code *code,
                             duet_kernel_text *launch, duet_error *error)
{
    duet_kernel_writer writer = {.is_stored = lowering->stored};
    duet_text stores = {0};
    int targets[DUET_STEP_ROOTS];
    write_roots(&writer, step, lowering->tensor_of, &stores, targets);
    launch->work_items = step->elements;
    const size_t row_length = writer.row_length;
    bool runs = false;
    if (writer.random || code->is_part) {
        duet_writer_reset(&writer);
        runs = duet_kernel_write_map_run(lowering, step, row_length, code->is_part, &writer, &code->body, targets);
    }
    code->sizes = runs ? "const uint elements" : "const uint count";
    if (runs) {
        launch->work_items = duet_kernel_runs(step->elements);
        launch->local = duet_kernel_local_size(lowering, launch->work_items);
    } else {
        write_map_body(lowering, step, row_length, code->is_part, &writer, &stores, targets, launch);
        write_map_text(&writer, launch, code->is_part, duet_text_get(&stores), &code->body);
    }
    snprintf(code->what, sizeof code->what, "map_%s", step->roots[step->root_count - 1].value->op->name);
    writer.failed |= stores.failed;
    launch->visited = step->elements;
    launch->sizes[0] = (uint32_t)step->elements;
    launch->size_count = 1;
    if (launch->local == 0) launch->local = duet_kernel_local_size(lowering, step->elements);
    launch->flops = (double)writer.operations * (double)step->elements;
    duet_status status = duet_kernel_end_code(lowering, &writer, targets, code, launch, error);
    duet_text_free(&stores);
    duet_writer_free(&writer);
    return status;
}

duet_status duet_kernel_end_code(const duet_lowering *lowering, duet_kernel_writer *writer, const int *targets,
                                 duet_kernel_code *code, duet_kernel_text *launch, duet_error *error)
{
    duet_write_parameters(writer, "", &code->parameters);
    duet_write_parameters(writer, code->prefix, &code->outer);
    duet_write_parameter_names(writer, code->prefix, &code->names);
    code->random = writer->random;
    code->body.failed |= writer->failed || writer->body.failed;
    DUET_TRY(duet_kernel_check_code(code, error));
    return duet_kernel_bind(lowering, writer, targets, launch, error);
}

duet_status duet_kernel_check_code(const duet_kernel_code *code, duet_error *error)
{
    if (!code->body.failed && !code->parameters.failed && !code->outer.failed && !code->names.failed) return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while writing kernels");
}

void duet_kernel_code_free(duet_kernel_code *code)
{
    duet_text_free(&code->parameters);
    duet_text_free(&code->outer);
    duet_text_free(&code->names);
    duet_text_free(&code->body);
}

duet_status duet_kernel_write_code(duet_lowering *lowering, const duet_step *step, duet_kernel_code *code,
                                   duet_kernel_text *launch, duet_error *error)
{
    if (step->kind == DUET_STEP_MAP) return write_map(lowering, step, code, launch, error);
    if (step->kind == DUET_STEP_REDUCE) return duet_kernel_write_reduce(lowering, step, code, launch, error);
    return duet_kernel_write_partials(lowering, step, code, launch, error);
}

duet_status duet_kernel_write(duet_lowering *lowering, size_t index, duet_kernel_table *table, duet_kernel_text *launch,
                              duet_error *error)
{
    duet_kernel_code code = {.is_part = false};
    duet_text text = {0};
    *launch = (duet_kernel_text){.step = index};
    duet_status status = duet_kernel_write_code(lowering, &lowering->steps[index], &code, launch, error);
    if (status == DUET_OK) {
        duet_text_add(&text, "__kernel void @(%s%s)\n{\n%s%s}\n", code.sizes, duet_text_get(&code.parameters),
                      launch->rows > 0 ? "" : "    const size_t id = get_global_id(0);\n", duet_text_get(&code.body));
        table->random |= code.random;
        status = duet_kernel_intern(table, code.what, &text, &launch->kernel, error);
    }
    duet_text_free(&text);
    duet_kernel_code_free(&code);
    return status;
}
