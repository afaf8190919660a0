/* SPDX-License-Identifier: MIT */
/* A step for a person: tables of launches, products and memory. */
#include "cli/explain.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER = 32, MOST_PARTNERS = 6, LONGEST_VALUE = 100 };

static void head(const char *format, ...) DUET_PRINTF(1, 2);
static void head(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("\n%s", cli_escape(stdout, CLI_BOLD));
    vprintf(format, arguments);
    printf("%s\n", cli_escape(stdout, CLI_PLAIN));
    va_end(arguments);
}

static void bytes_cell(cli_table *table, double bytes)
{
    char text[NUMBER];
    cli_table_cell(table, "%s", bytes > 0 ? cli_bytes((uint64_t)bytes, text, sizeof text) : "-");
}

static void flops_cells(cli_table *table, double flops, double bytes)
{
    char text[NUMBER];
    cli_table_cell(table, "%s", flops > 0 ? cli_scaled(flops, "", text, sizeof text) : "-");
    bytes_cell(table, bytes);
    if (flops > 0 && bytes > 0)
        cli_table_cell(table, flops < 10 * bytes ? "%.2f" : "%.0f", flops / bytes);
    else
        cli_table_cell(table, "-");
}

static void empty_cells(cli_table *table, size_t count)
{
    for (size_t i = 0; i < count; i++) cli_table_cell(table, "%s", "");
}

/* What a phase is for. */

static const char *times(size_t repeats, char text[NUMBER])
{
    if (repeats == 1)
        snprintf(text, NUMBER, "once a step");
    else
        snprintf(text, NUMBER, "%zu times a step", repeats);
    return text;
}

static void print_purpose(const duet_explained_phase *phase)
{
    for (size_t i = 0; i < phase->update_count; i++) {
        const duet_explained_update *update = &phase->updates[i];
        if (i == 0 || strcmp(update->loss, phase->updates[i - 1].loss) != 0) printf("  minimises  %s\n", update->loss);
        printf("    over     %s, %zu parameters", update->group, update->parameters);
        if (update->states > 0) printf(" (and %zu numbers in states of layers)", update->states);
        printf("\n");
        if (update->gated) printf("    gate     %s\n", update->gate);
    }
    for (size_t i = 0; i < phase->rest_count; i++)
        printf("  %s  %s\n", i == 0 ? "leaves alone" : "            ", phase->rests[i]);
    for (size_t i = 0; i < phase->report_count; i++)
        printf("  %s  %s = %s\n", i == 0 ? "reports  " : "         ", phase->reports[i].name, phase->reports[i].words);
    for (size_t i = 0; i < phase->assign_count; i++)
        printf("  %s  %s = %s\n", i == 0 ? "assigns  " : "         ", phase->assigns[i].name, phase->assigns[i].words);
}

/* Launches. */

static void result_cell(cli_table *table, const duet_explanation *plan, const duet_explained_result *result)
{
    char shape[96];
    const duet_explained_tensor *tensor = &plan->tensors[result->tensor];
    bool cut = strlen(result->value) > LONGEST_VALUE;
    cli_table_cell(table, "%s%s%s%s %s %.*s%s", tensor->name, tensor->shape.rank > 0 ? " " : "",
                   tensor->shape.rank > 0 ? cli_shape(tensor->shape, shape) : "", result->row ? ", a row," : "",
                   result->adds ? "+=" : "=", cut ? (int)LONGEST_VALUE - 3 : -1, result->value, cut ? "..." : "");
}

static int print_launches(const duet_explanation *plan)
{
    static const char *const heads[] = {">#", "kernel", ">work-items", ">FLOP", ">bytes", ">FLOP/B", "what is stored"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    for (size_t i = 0; i < plan->launch_count; i++) {
        const duet_explained_launch *launch = &plan->launches[i];
        cli_table_cell(&table, "%zu", i);
        cli_table_cell(&table, "%s", launch->name);
        if (launch->work_items > 0)
            cli_table_cell(&table, "%zu", launch->work_items);
        else
            cli_table_cell(&table, "-");
        flops_cells(&table, launch->flops, launch->bytes);
        if (launch->result_count == 0) empty_cells(&table, 1);
        for (size_t j = 0; j < launch->result_count; j++) {
            if (j > 0) empty_cells(&table, table.columns - 1);
            result_cell(&table, plan, &launch->results[j]);
        }
    }
    return cli_table_print(&table, stdout);
}

static int print_phase(const cli_step *step, size_t index)
{
    const duet_explained_phase *phase = &step->phases[index];
    char often[NUMBER];
    bool counts = index + 1 == step->count;
    head("%s \"%s\", %s: %zu launch%s", counts ? "The plan" : "Phase", phase->name, times(phase->repeats, often),
         phase->plan.launch_count, phase->plan.launch_count == 1 ? "" : "es");
    if (counts)
        printf("  counts the step\n");
    else
        print_purpose(phase);
    fputc('\n', stdout);
    return print_launches(&phase->plan);
}

/* What the model does once trained. */
static int print_uses(const cli_step *step)
{
    static const char *const heads[] = {"procedure", "phases", "gives"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    head("In use");
    for (size_t i = 0; i < step->use_count; i++) {
        const duet_explained_use *use = &step->uses[i];
        size_t rows = use->phase_count > use->output_count ? use->phase_count : use->output_count;
        for (size_t r = 0; r < rows; r++) {
            const char *name = use->name[0] == '\0' ? "(at once)" : use->name;
            cli_table_cell(&table, "%s", r == 0 ? name : "");
            if (r < use->phase_count)
                cli_table_cell(&table, use->phases[r].repeats == 1 ? "%s, once" : "%s, %zu times", use->phases[r].name,
                               use->phases[r].repeats);
            else
                cli_table_cell(&table, "%s", "");
            cli_table_cell(&table, "%s", r < use->output_count ? use->outputs[r] : "");
        }
    }
    return cli_table_print(&table, stdout);
}

static void work_cells(cli_table *table, cli_work work)
{
    cli_table_cell(table, "%zu", work.launches);
    flops_cells(table, work.flops, work.bytes);
}

static int print_totals(const cli_step *step)
{
    static const char *const heads[] = {"phase", ">times", ">launches", ">FLOP", ">bytes", ">FLOP/B"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    head("Totals");
    for (size_t i = 0; i < step->count; i++) {
        cli_table_cell(&table, "%s", step->phases[i].name);
        cli_table_cell(&table, "%zu", step->phases[i].repeats);
        work_cells(&table, cli_phase_work(&step->phases[i], false));
    }
    cli_table_cell(&table, "a step");
    cli_table_cell(&table, "%s", "");
    work_cells(&table, cli_step_work(step, false));
    cli_table_cell(&table, "of it products");
    cli_table_cell(&table, "%s", "");
    work_cells(&table, cli_step_work(step, true));
    return cli_table_print(&table, stdout);
}

/* Products. */

static void product_cells(cli_table *table, const duet_explained_phase *phase, const duet_explained_launch *launch)
{
    const duet_explained_product *product = &launch->product;
    const duet_product convolution = {.convolution = product->convolution};
    char text[NUMBER], words[DUET_PRODUCT_WORDS];
    cli_table_cell(table, "%s", phase->name);
    cli_table_cell(table, "%zu", product->m);
    cli_table_cell(table, "%zu", product->n);
    cli_table_cell(table, "%zu", product->k);
    if (launch->kind == DUET_LAUNCH_CONVOLUTION)
        cli_table_cell(table, "%s", duet_product_words(&convolution, words));
    else
        cli_table_cell(table, "%s @ %s", product->transpose_a ? "a^T" : "a", product->transpose_b ? "b^T" : "b");
    cli_table_cell(table, "%s", product->provider);
    cli_table_cell(table, "%s", cli_scaled(launch->flops, "", text, sizeof text));
    const duet_explained_result *result = launch->result_count > 0 ? &launch->results[0] : NULL;
    cli_table_cell(table, "%s", result == NULL ? "" : phase->plan.tensors[result->tensor].name);
}

static int print_products(const cli_step *step)
{
    static const char *const heads[] = {"phase", ">m", ">n", ">k", "form", "provider", ">FLOP", "into"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    head("Products: a is m x k, b is k x n; of a convolution window/stride, picture->result");
    for (size_t i = 0; i < step->count; i++)
        for (size_t j = 0; j < step->phases[i].plan.launch_count; j++) {
            const duet_explained_launch *launch = &step->phases[i].plan.launches[j];
            if (launch->product.provider != NULL && !launch->prepares) product_cells(&table, &step->phases[i], launch);
        }
    return cli_table_print(&table, stdout);
}

/* Memory. */

typedef struct memory_row {
    const char *name;
    double parameters, gradients, moments, other;
} memory_row;

static memory_row *find_row(memory_row *rows, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    rows[*count] = (memory_row){.name = name};
    return &rows[(*count)++];
}

static void memory_cells(cli_table *table, const memory_row *row)
{
    cli_table_cell(table, "%s", row->name);
    bytes_cell(table, row->parameters);
    bytes_cell(table, row->gradients);
    bytes_cell(table, row->moments);
    bytes_cell(table, row->other);
    bytes_cell(table, row->parameters + row->gradients + row->moments + row->other);
}

static const char *row_name(const duet_explained_memory *memory)
{
    switch (memory->kind) {
    case DUET_MEMORY_STATE: return "states and counters";
    case DUET_MEMORY_DATA: return "examples";
    case DUET_MEMORY_ARENA: return "arena";
    case DUET_MEMORY_OWN: return "inputs and results";
    case DUET_MEMORY_PARAMETERS:
    case DUET_MEMORY_MOMENTS:
    case DUET_MEMORY_GRADIENTS: break;
    }
    return memory->group;
}

static size_t fill_rows(const cli_step *step, memory_row *rows)
{
    size_t count = 0;
    const duet_explained_memory *memory;
    for (size_t phase = 0, index = 0; (memory = cli_next_memory(step, &phase, &index)) != NULL;) {
        memory_row *row = find_row(rows, &count, row_name(memory));
        double bytes = (double)memory->bytes;
        if (memory->kind == DUET_MEMORY_PARAMETERS)
            row->parameters += bytes;
        else if (memory->kind == DUET_MEMORY_GRADIENTS)
            row->gradients += bytes;
        else if (memory->kind == DUET_MEMORY_MOMENTS)
            row->moments += bytes;
        else
            row->other += bytes;
    }
    return count;
}

static int print_memory(const cli_step *step)
{
    static const char *const heads[] = {"memory", ">parameters", ">gradients", ">moments", ">other", ">all"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    size_t most = 1;
    for (size_t i = 0; i < step->count; i++) most += step->phases[i].plan.memory_count;
    memory_row *rows = calloc(most, sizeof *rows), all = {.name = "all"};
    if (rows == NULL) return cli_complain(CLI_FAILED, "there is too little memory to print a table");
    size_t count = fill_rows(step, rows);
    head("Memory on the device");
    for (int grouped = 1; grouped >= 0; grouped--) /* groups first */
        for (size_t i = 0; i < count; i++) {
            if ((rows[i].other == 0) != (grouped == 1)) continue;
            memory_cells(&table, &rows[i]);
            all.parameters += rows[i].parameters;
            all.gradients += rows[i].gradients;
            all.moments += rows[i].moments;
            all.other += rows[i].other;
        }
    memory_cells(&table, &all);
    free(rows);
    return cli_table_print(&table, stdout);
}

static int print_variables(const cli_step *step)
{
    static const char *const heads[] = {"variable", "kind", "shape", ">bytes"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    const duet_explained_memory *memory;
    char shape[96];
    head("Variables, moments left out: they are like their parameters");
    for (size_t phase = 0, index = 0; (memory = cli_next_memory(step, &phase, &index)) != NULL;) {
        const duet_explanation *plan = cli_memory_plan(step, phase);
        if (memory->kind == DUET_MEMORY_MOMENTS) continue;
        for (size_t i = 0; i < plan->variable_count; i++) {
            const duet_explained_variable *variable = &plan->variables[i];
            if (&plan->memories[variable->memory] != memory) continue;
            cli_table_cell(&table, "%s", variable->name);
            cli_table_cell(&table, "%s", duet_memory_kind_name(memory->kind));
            cli_table_cell(&table, "%s", cli_shape(variable->shape, shape));
            bytes_cell(&table, (double)variable->bytes);
        }
    }
    return cli_table_print(&table, stdout);
}

/* Names of the tensors that take the same bytes at other times, the first few. */
static void partners_cell(cli_table *table, const duet_explanation *plan, size_t index)
{
    char text[512] = "-";
    size_t used = 0, found = 0;
    for (size_t i = 0; i < plan->tensor_count; i++) {
        if (i == index || !duet_tensors_overlap(&plan->tensors[i], &plan->tensors[index])) continue;
        if (found++ >= MOST_PARTNERS || used >= sizeof text - 64) continue;
        int length = snprintf(text + used, sizeof text - used, "%s%.60s", used > 0 ? ", " : "", plan->tensors[i].name);
        used += length > 0 ? (size_t)length : 0;
    }
    if (found > MOST_PARTNERS)
        cli_table_cell(table, "%s and %zu more", text, found - MOST_PARTNERS);
    else
        cli_table_cell(table, "%s", text);
}

static int print_arena(const duet_explained_phase *phase)
{
    static const char *const heads[] = {"tensor",  "shape",     ">bytes",           ">slab",
                                        ">offset", ">launches", "shares bytes with"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    const duet_explanation *plan = &phase->plan;
    char shape[96];
    for (size_t i = 0; i < plan->tensor_count; i++) {
        const duet_explained_tensor *tensor = &plan->tensors[i];
        if (!cli_in_arena(plan, tensor)) continue;
        cli_table_cell(&table, "%s", tensor->name);
        cli_table_cell(&table, "%s", cli_shape(tensor->shape, shape));
        bytes_cell(&table, (double)tensor->bytes);
        cli_table_cell(&table, "%zu", tensor->memory);
        cli_table_cell(&table, "%llu", (unsigned long long)tensor->offset);
        cli_table_cell(&table, "%zu-%zu", tensor->first, tensor->last);
        partners_cell(&table, plan, i);
    }
    if (table.count == 0 && !table.failed) return CLI_DONE;
    head("Arena during \"%s\": where each tensor lies, and during which launches", phase->name);
    return cli_table_print(&table, stdout);
}

static void print_sharing(const cli_step *step)
{
    cli_arena arena = cli_step_arena(step);
    char bytes[NUMBER], unshared[NUMBER];
    if (arena.tensors == 0) return;
    printf("\nThe arena has %zu slab%s of %s in all for %zu tensors of %s: sharing saves %.0f%%.\n", arena.slabs,
           arena.slabs == 1 ? "" : "s", cli_bytes(arena.bytes, bytes, sizeof bytes), arena.tensors,
           cli_bytes(arena.unshared, unshared, sizeof unshared),
           100 * (1 - (double)arena.bytes / (double)arena.unshared));
}

static void print_title(const cli_step *step)
{
    const duet_device_info *info = duet_device_describe(step->device);
    duet_optimiser optimiser = duet_trainer_optimiser(step->trainer);
    char name[32];
    printf("%s on %s, batches of %zu, for %s (%s, %s)\n", duet_model_family(step->model)->name,
           duet_data_describe(step->data)->name, step->batch, info->name, duet_device_kind_name(info->kind),
           info->platform);
    const size_t steps = duet_trainer_steps_an_epoch(step->trainer);
    printf("An epoch has %zu step%s. Matrix products: %s. Updates: %s, learning rate %g.\n", steps,
           steps == 1 ? "" : "s", duet_device_gemm(step->device), cli_optimiser_name(&optimiser, name),
           optimiser.learning_rate);
}

int cli_explain_text(const cli_step *step)
{
    int status = CLI_DONE;
    print_title(step);
    for (size_t i = 0; i < step->count && status == CLI_DONE; i++) status = print_phase(step, i);
    if (status == CLI_DONE) status = print_uses(step);
    if (status == CLI_DONE) status = print_totals(step);
    if (status == CLI_DONE) status = print_products(step);
    if (status == CLI_DONE) status = print_memory(step);
    if (status == CLI_DONE) status = print_variables(step);
    for (size_t i = 0; i < step->count && status == CLI_DONE; i++) status = print_arena(&step->phases[i]);
    if (status == CLI_DONE) print_sharing(step);
    return status;
}
