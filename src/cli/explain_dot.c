/* SPDX-License-Identifier: MIT */
/* A step for Graphviz: a cluster a phase, launches as boxes, buffers that outlive the phase as cylinders, and on each
 * edge the tensor that one leaves in memory for the other. */
#include "cli/explain.h"
#include "cli/output.h"
#include "cli/table.h"

#include <string.h>

enum { NUMBER = 32 };

static void print_quoted(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', stdout);
        fputc(*text, stdout);
    }
}

static void print_tensor_label(const duet_explained_tensor *tensor)
{
    char shape[96];
    printf(" [label=\"");
    print_quoted(tensor->name);
    printf("\\n%s\"];\n", cli_shape(tensor->shape, shape));
}

static void print_launches(size_t phase, const duet_explanation *plan)
{
    char flops[NUMBER], bytes[NUMBER];
    for (size_t i = 0; i < plan->launch_count; i++) {
        const duet_explained_launch *launch = &plan->launches[i];
        printf("    p%zu_l%zu [label=\"%zu  ", phase, i, i);
        print_quoted(launch->name);
        printf("\\n");
        if (launch->flops > 0) printf("%s, ", cli_scaled(launch->flops, "FLOP", flops, sizeof flops));
        printf("%s\"];\n", cli_bytes((uint64_t)launch->bytes, bytes, sizeof bytes));
    }
}

/* The last launch before `reader` that stored tensor `index`, or `reader` itself if there is none. */
static size_t last_writer(const duet_explanation *plan, size_t index, size_t reader)
{
    for (size_t i = reader; i-- > 0;)
        for (size_t j = 0; j < plan->launches[i].result_count; j++)
            if (plan->launches[i].results[j].tensor == index) return i;
    return reader;
}

/* Whether writing `part` changes `whole`: the same tensor, or one that overlaps it. In the arena overlapping means only
 * that the two live at different times. */
static bool holds(const duet_explanation *plan, size_t whole, size_t part)
{
    return whole == part || (!cli_in_arena(plan, &plan->tensors[whole]) &&
                             duet_tensors_overlap(&plan->tensors[whole], &plan->tensors[part]));
}

static bool has_writer(const duet_explanation *plan, size_t reader, size_t read)
{
    for (size_t i = 0; i < plan->tensor_count; i++)
        if (holds(plan, read, i) && last_writer(plan, i, reader) != reader) return true;
    return false;
}

static void print_edges_from_launches(size_t phase, const duet_explanation *plan, size_t reader, size_t read)
{
    for (size_t i = 0; i < plan->tensor_count; i++) {
        size_t writer = holds(plan, read, i) ? last_writer(plan, i, reader) : reader;
        if (writer == reader) continue;
        printf("    p%zu_l%zu -> p%zu_l%zu", phase, writer, phase, reader);
        print_tensor_label(&plan->tensors[i]);
    }
}

static void print_memory_node(size_t phase, char kind, size_t index, const duet_explained_memory *memory)
{
    char bytes[NUMBER];
    printf("    p%zu_%c%zu [shape=cylinder, label=\"%s", phase, kind, index, kind == 'n' ? "new " : "");
    print_quoted(memory->name);
    printf("\\n%s\"];\n", cli_bytes(memory->bytes, bytes, sizeof bytes));
}

static bool outlives(const duet_explanation *plan, const duet_explained_tensor *tensor)
{
    duet_memory_kind kind = plan->memories[tensor->memory].kind;
    return kind != DUET_MEMORY_ARENA && kind != DUET_MEMORY_GRADIENTS;
}

/* Whether some launch reads what the buffer held before the phase; whether some launch leaves something there. */
static bool is_source(const duet_explanation *plan, size_t memory)
{
    for (size_t i = 0; i < plan->launch_count; i++)
        for (size_t j = 0; j < plan->launches[i].read_count; j++) {
            size_t read = plan->launches[i].reads[j];
            if (plan->tensors[read].memory == memory && !has_writer(plan, i, read)) return true;
        }
    return false;
}

static bool is_target(const duet_explanation *plan, size_t memory)
{
    for (size_t i = 0; i < plan->launch_count; i++)
        for (size_t j = 0; j < plan->launches[i].result_count; j++) {
            const duet_explained_tensor *tensor = &plan->tensors[plan->launches[i].results[j].tensor];
            if (tensor->memory == memory && outlives(plan, tensor)) return true;
        }
    return false;
}

static void print_edges(size_t phase, const duet_explanation *plan, size_t index)
{
    const duet_explained_launch *launch = &plan->launches[index];
    for (size_t i = 0; i < launch->read_count; i++) {
        const duet_explained_tensor *tensor = &plan->tensors[launch->reads[i]];
        print_edges_from_launches(phase, plan, index, launch->reads[i]);
        if (has_writer(plan, index, launch->reads[i])) continue;
        printf("    p%zu_m%zu -> p%zu_l%zu", phase, tensor->memory, phase, index);
        print_tensor_label(tensor);
    }
    for (size_t i = 0; i < launch->result_count; i++) {
        const duet_explained_tensor *tensor = &plan->tensors[launch->results[i].tensor];
        if (!outlives(plan, tensor)) continue;
        printf("    p%zu_l%zu -> p%zu_n%zu", phase, index, phase, tensor->memory);
        print_tensor_label(tensor);
    }
}

static void print_phase(size_t index, const duet_explained_phase *phase)
{
    const duet_explanation *plan = &phase->plan;
    printf("  subgraph cluster_%zu {\n    label=\"%zu. ", index, index + 1);
    print_quoted(phase->name);
    if (phase->repeats == 1)
        printf(", once a step\";\n");
    else
        printf(", %zu times a step\";\n", phase->repeats);
    print_launches(index, plan);
    for (size_t i = 0; i < plan->memory_count; i++) {
        if (is_source(plan, i)) print_memory_node(index, 'm', i, &plan->memories[i]);
        if (is_target(plan, i)) print_memory_node(index, 'n', i, &plan->memories[i]);
    }
    for (size_t i = 0; i < plan->launch_count; i++) print_edges(index, plan, i);
    printf("  }\n");
}

int cli_explain_dot(const cli_step *step)
{
    printf("digraph duet {\n  label=\"");
    print_quoted(duet_model_family(step->model)->name);
    printf("\";\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n"
           "  edge [fontname=\"sans-serif\", fontsize=8];\n");
    for (size_t i = 0; i < step->count; i++) print_phase(i, &step->phases[i]);
    printf("}\n");
    return CLI_DONE;
}
