/* SPDX-License-Identifier: MIT */
/* Plans as plain data. What a plan's lowering decided is copied into tables: buffers, the tensors in them, the launches
 * that read and store those, each with what it computes in words. */
#include "plan/explainer.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "plan/plan.h"

enum { LONGEST_VALUE = 320 };

/* Everything an explanation owns hangs in one list, so that there is one way to free it. */
typedef struct owned_block {
    struct owned_block *next;
    alignas(max_align_t) unsigned char bytes[];
} owned_block;

/* Zeroed memory that the explanation owns; NULL, and `failed` set, if memory is short. */
static void *own(duet_explainer *e, size_t count, size_t size)
{
    size_t bytes;
    owned_block *block = NULL;
    if (duet_size_multiply(count, size, &bytes) && duet_size_add(bytes, sizeof *block, &bytes))
        block = calloc(1, bytes);
    if (block == NULL) {
        e->failed = true;
        return NULL;
    }
    block->next = e->made->owned;
    e->made->owned = block;
    return block->bytes;
}

const char *duet_explainer_text(duet_explainer *e, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = own(e, bytes, 1);
    return copy == NULL ? "" : memcpy(copy, text, bytes);
}

/* Words. */

const char *duet_explainer_name(const duet_explainer *e, duet_node node)
{
    for (size_t i = 0; i < e->name_count; i++)
        if (duet_node_in_memory(e->names[i].node) == node) return e->names[i].name;
    return NULL;
}

static const char *name_of_node(const void *context, duet_node node)
{
    const duet_explainer *e = context;
    const char *name = duet_explainer_name(e, node);
    int tensor = e->lowering->tensor_of[node->id];
    if (name != NULL || tensor == DUET_NO_TENSOR || e->index_of[tensor] == DUET_NO_TENSOR) return name;
    return e->tensors[e->index_of[tensor]].name;
}

/* Launches. */

static bool is_own_result(const duet_explainer *e, const duet_step *step, int tensor)
{
    for (size_t i = 0; i < step->root_count; i++) {
        const duet_root *root = &step->roots[i];
        if (root->target == tensor && root->counter == NULL && e->lowering->tensor_of[root->value->id] == tensor)
            return true;
    }
    return false;
}

static void add_number(size_t *reads, size_t *count, size_t index)
{
    for (size_t i = 0; i < *count; i++)
        if (reads[i] == index) return;
    reads[(*count)++] = index;
}

static void add_read(const duet_explainer *e, size_t *reads, size_t *count, int tensor)
{
    add_number(reads, count, (size_t)e->index_of[tensor]);
}

/* Whether a launch of the product before the last copies operand 1 or 2 into the workspace. */
static bool is_prepared(const duet_explainer *e, size_t turn, unsigned operand)
{
    for (size_t i = e->first_of[turn]; i < e->last_of[turn]; i++)
        if ((e->plan.launches->items[i].prepares & operand) != 0) return true;
    return false;
}

/* Whether launch `index` of a product reads the tensor: an operand, or what its last launch needs beside them. */
static bool product_reads(const duet_explainer *e, size_t index, int tensor)
{
    const duet_launch *launch = &e->plan.launches->items[index];
    const duet_step *step = &e->lowering->steps[launch->step];
    const int operands[] = {step->a, step->b};
    bool is_operand = tensor == step->a || tensor == step->b, last = index == e->last_of[step->turn], found = false;
    for (unsigned i = 0; i < 2; i++) {
        if (tensor != operands[i]) continue;
        found |= (launch->prepares & (i + 1)) != 0 || (launch->prepares == 0 && !is_prepared(e, step->turn, i + 1));
    }
    return is_operand ? found : last;
}

/* A product of several launches prepares first, into its scratch memory: it copies an operand. The last launch reads
 * that and stores the results. */
static void explain_reads(duet_explainer *e, size_t index, const duet_step *step, duet_explained_part *part)
{
    const duet_launch *launch = &e->plan.launches->items[index];
    bool product = step->kind == DUET_STEP_PRODUCT, first = index == e->first_of[step->turn];
    size_t *reads = own(e, step->read_count + step->root_count + 1, sizeof *reads);
    if (reads == NULL) return;
    part->reads = reads;
    for (size_t i = 0; i < step->read_count; i++) {
        int tensor = step->reads[i].tensor;
        bool here = !product || product_reads(e, index, tensor);
        if (here && !is_own_result(e, step, tensor)) add_read(e, reads, &part->read_count, tensor);
    }
    if (!first && step->scratch != DUET_NO_TENSOR) add_read(e, reads, &part->read_count, step->scratch);
    if (product && step->adds && !launch->prepares) add_read(e, reads, &part->read_count, step->roots[0].target);
}

static const char *value_words(duet_explainer *e, const duet_root *root)
{
    char text[LONGEST_VALUE];
    int own_tensor = e->lowering->tensor_of[root->value->id];
    bool copies = own_tensor != DUET_NO_TENSOR && own_tensor != root->target && root->counter == NULL;
    const char *name = copies ? name_of_node(e, root->value) : NULL;
    if (name != NULL) return duet_explainer_text(e, name);
    return duet_explainer_text(e, duet_node_words(root->value, name_of_node, e, text, sizeof text));
}

static duet_explained_result scratch_result(duet_explainer *e, const duet_step *step, unsigned prepares)
{
    static const char *const words[] = {"workspace", "the first operand, rearranged", "the second operand, rearranged",
                                        "both operands, rearranged"};
    const char *value = step->kind == DUET_STEP_PRODUCT ? words[prepares & 3] : "sums of pieces";
    return (duet_explained_result){.tensor = (size_t)e->index_of[step->scratch],
                                   .value = duet_explainer_text(e, value)};
}

/* The results of one step in a launch; `results` has room for them. */
static size_t explain_results(duet_explainer *e, size_t index, const duet_step *step, duet_explained_result *results)
{
    const duet_launch *from = &e->plan.launches->items[index];
    bool first = index == e->first_of[step->turn], last = !from->prepares;
    size_t count = 0;
    for (size_t i = 0; last && i < step->root_count; i++) {
        const duet_root *root = &step->roots[i];
        if (root->target == DUET_NO_TENSOR) continue;
        results[count++] = (duet_explained_result){.tensor = (size_t)e->index_of[root->target],
                                                   .value = value_words(e, root),
                                                   .adds = step->kind == DUET_STEP_PRODUCT && step->adds && i == 0,
                                                   .row = root->counter != NULL};
    }
    if (step->scratch != DUET_NO_TENSOR && (!last || first)) results[count++] = scratch_result(e, step, from->prepares);
    return count;
}

static duet_launch_kind kind_of(const duet_step *step)
{
    static const duet_launch_kind kinds[] = {[DUET_STEP_MAP] = DUET_LAUNCH_MAP,
                                             [DUET_STEP_REDUCE] = DUET_LAUNCH_REDUCE,
                                             [DUET_STEP_PARTIALS] = DUET_LAUNCH_REDUCE,
                                             [DUET_STEP_PRODUCT] = DUET_LAUNCH_MATMUL,
                                             [DUET_STEP_ALL_REDUCE] = DUET_LAUNCH_ALL_REDUCE};
    const bool convolves = step->kind == DUET_STEP_PRODUCT && step->shape.convolution.use != DUET_NO_CONVOLUTION;
    return convolves ? DUET_LAUNCH_CONVOLUTION : kinds[step->kind];
}

/* Sums of pieces prepare, and so do all launches of a product but the last. */
static bool prepares(const duet_explainer *e, size_t index, const duet_step *step)
{
    if (step->kind == DUET_STEP_PRODUCT || step->kind == DUET_STEP_ALL_REDUCE) return index != e->last_of[step->turn];
    return step->kind == DUET_STEP_REDUCE && step->scratch != DUET_NO_TENSOR;
}

/* The steps of a launch as its parts, and what they read and store together. */
static void explain_parts(duet_explainer *e, size_t index, duet_explained_launch *launch)
{
    const duet_launch *from = &e->plan.launches->items[index];
    const size_t first = from->step;
    const bool fetches = e->lowering->steps[first].kind == DUET_STEP_ALL_REDUCE && from->prepares;
    const size_t end = fetches ? first + 1 : duet_lowering_turn_end(e->lowering, first);
    size_t reads = 0, results = 0;
    duet_explained_part *parts = own(e, end - first, sizeof *parts);
    for (size_t i = first; i < end; i++) {
        reads += e->lowering->steps[i].read_count + 2;
        results += e->lowering->steps[i].root_count + 1;
    }
    size_t *all_reads = own(e, reads, sizeof *all_reads);
    duet_explained_result *all_results = own(e, results, sizeof *all_results);
    if (parts == NULL || all_reads == NULL || all_results == NULL) return;
    launch->prepares = true;
    for (size_t i = first; i < end; i++) {
        const duet_step *step = &e->lowering->steps[i];
        duet_explained_part *part = &parts[i - first];
        part->kind = kind_of(step);
        part->prepares = prepares(e, index, step);
        explain_reads(e, index, step, part);
        part->results = all_results + launch->result_count;
        part->result_count = explain_results(e, index, step, all_results + launch->result_count);
        launch->result_count += part->result_count;
        launch->prepares &= part->prepares;
        for (size_t j = 0; j < part->read_count; j++) add_number(all_reads, &launch->read_count, part->reads[j]);
    }
    launch->parts = parts;
    launch->part_count = end - first;
    launch->reads = all_reads;
    launch->results = all_results;
}

static size_t product_of_three(const size_t sizes[3], cl_uint dimensions)
{
    size_t product = dimensions > 0 ? 1 : 0;
    for (cl_uint i = 0; i < dimensions; i++) product *= sizes[i];
    return product;
}

static void explain_launch(duet_explainer *e, size_t index)
{
    const duet_launch *from = &e->plan.launches->items[index];
    const duet_step *step = &e->lowering->steps[from->step];
    duet_explained_launch *launch = &e->launches[index];
    *launch = (duet_explained_launch){.name = duet_explainer_text(e, from->name),
                                      .kind = kind_of(step),
                                      .library = from->kernel == NULL,
                                      .function = from->kernel == NULL ? NULL : duet_explainer_text(e, from->function),
                                      .program = duet_launch_paper_program(from),
                                      .file = from->file,
                                      .work_items = product_of_three(from->global, from->dimensions),
                                      .work_group = product_of_three(from->local, from->dimensions),
                                      .flops = from->flops,
                                      .bytes = from->bytes};
    if (step->kind == DUET_STEP_PRODUCT)
        launch->product = (duet_explained_product){.m = step->shape.m,
                                                   .n = step->shape.n,
                                                   .k = step->shape.k,
                                                   .transpose_a = step->shape.transpose_a,
                                                   .transpose_b = step->shape.transpose_b,
                                                   .provider = step->gemm.provider->name,
                                                   .convolution = duet_convolution_told(&step->shape.convolution)};
    explain_parts(e, index, launch);
    if (launch->part_count > 1 && launch->kind != DUET_LAUNCH_ALL_REDUCE) launch->kind = DUET_LAUNCH_BUNDLE;
}

static void find_launches(duet_explainer *e)
{
    for (size_t i = 0; i < e->lowering->step_count; i++) e->first_of[i] = SIZE_MAX;
    for (size_t i = 0; i < e->plan.launches->count; i++) {
        size_t turn = e->lowering->steps[e->plan.launches->items[i].step].turn;
        if (e->first_of[turn] == SIZE_MAX) e->first_of[turn] = i;
        e->last_of[turn] = i;
    }
}

static bool make_room(duet_explainer *e)
{
    const duet_lowering *lowering = e->lowering;
    e->index_of = own(e, lowering->tensor_count + 1, sizeof *e->index_of);
    e->first_of = own(e, lowering->step_count + 1, sizeof *e->first_of);
    e->last_of = own(e, lowering->step_count + 1, sizeof *e->last_of);
    e->memories = own(e, e->plan.slab_count + lowering->tensor_count + 1, sizeof *e->memories);
    e->tensors = own(e, lowering->tensor_count + 1, sizeof *e->tensors);
    e->variables = own(e, duet_explainer_variables(lowering) + 1, sizeof *e->variables);
    e->launches = own(e, e->plan.launches->count + 1, sizeof *e->launches);
    return !e->failed;
}

duet_status duet_plan_explain_named(const duet_plan *plan, const duet_node_name *names, size_t count,
                                    duet_explanation *explanation, duet_error *error)
{
    *explanation = (duet_explanation){0};
    duet_plan_parts parts = duet_plan_open(plan);
    duet_explainer e = {
        .plan = parts, .lowering = parts.lowering, .names = names, .name_count = count, .made = explanation};
    if (make_room(&e)) {
        find_launches(&e);
        duet_explainer_mark(&e);
        duet_explainer_tensors(&e);
        for (size_t i = 0; i < parts.launches->count && !e.failed; i++) explain_launch(&e, i);
        explanation->plan = duet_explainer_text(&e, parts.name);
    }
    if (e.failed) {
        duet_explanation_free(explanation);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while explaining the plan \"%s\"", parts.name);
    }
    explanation->launches = e.launches;
    explanation->launch_count = parts.launches->count;
    explanation->tensors = e.tensors;
    explanation->tensor_count = e.tensor_count;
    explanation->memories = e.memories;
    explanation->memory_count = e.memory_count;
    explanation->variables = e.variables;
    explanation->variable_count = e.variable_count;
    return DUET_OK;
}

duet_status duet_plan_explain(const duet_plan *plan, duet_explanation *explanation, duet_error *error)
{
    return duet_plan_explain_named(plan, NULL, 0, explanation, error);
}

void duet_explanation_free(duet_explanation *explanation)
{
    if (explanation == NULL) return;
    for (owned_block *block = explanation->owned, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    *explanation = (duet_explanation){0};
}

bool duet_tensors_overlap(const duet_explained_tensor *a, const duet_explained_tensor *b)
{
    return a->memory == b->memory && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

const char *duet_memory_kind_name(duet_memory_kind kind)
{
    static const char *const names[] = {
        [DUET_MEMORY_ARENA] = "arena",     [DUET_MEMORY_PARAMETERS] = "parameters",
        [DUET_MEMORY_MOMENTS] = "moments", [DUET_MEMORY_STATE] = "state",
        [DUET_MEMORY_DATA] = "data",       [DUET_MEMORY_GRADIENTS] = "gradients",
        [DUET_MEMORY_OWN] = "own",
    };
    return names[kind];
}

const char *duet_launch_kind_name(duet_launch_kind kind)
{
    static const char *const names[] = {[DUET_LAUNCH_MAP] = "map",
                                        [DUET_LAUNCH_REDUCE] = "reduce",
                                        [DUET_LAUNCH_MATMUL] = "matmul",
                                        [DUET_LAUNCH_ALL_REDUCE] = "all_reduce",
                                        [DUET_LAUNCH_CONVOLUTION] = "convolution",
                                        [DUET_LAUNCH_BUNDLE] = "bundle"};
    return names[kind];
}

duet_status duet_kernel_file(const char *file, char **text, duet_error *error)
{
    duet_error own_error = {0};
    *text = duet_cl_source(file, &own_error);
    return *text != NULL ? DUET_OK : duet_fail(error, own_error.status, "%s", own_error.message);
}
