/* SPDX-License-Identifier: MIT */
/* What the forms of `duet explain` share: sums over launches, memories counted once, the kernels' text. */
#include "cli/explain.h"
#include "cli/output.h"

#include <stdlib.h>
#include <string.h>

cli_work cli_phase_work(const duet_explained_phase *phase, bool products_only)
{
    cli_work work = {0};
    for (size_t i = 0; i < phase->plan.launch_count; i++) {
        const duet_explained_launch *launch = &phase->plan.launches[i];
        if (products_only && launch->product.provider == NULL) continue;
        work.launches++;
        work.flops += launch->flops;
        work.bytes += launch->bytes;
    }
    return work;
}

cli_work cli_step_work(const cli_step *step, bool products_only)
{
    cli_work all = {0};
    for (size_t i = 0; i < step->count; i++) {
        cli_work work = cli_phase_work(&step->phases[i], products_only);
        size_t repeats = step->phases[i].repeats;
        all.launches += repeats * work.launches;
        all.flops += (double)repeats * work.flops;
        all.bytes += (double)repeats * work.bytes;
    }
    return all;
}

bool cli_in_arena(const duet_explanation *plan, const duet_explained_tensor *tensor)
{
    return plan->memories[tensor->memory].kind == DUET_MEMORY_ARENA;
}

cli_arena cli_step_arena(const cli_step *step)
{
    cli_arena arena = {0};
    const duet_explained_memory *memory;
    for (size_t phase = 0, index = 0; (memory = cli_next_memory(step, &phase, &index)) != NULL;) {
        if (memory->kind != DUET_MEMORY_ARENA) continue;
        arena.slabs++;
        arena.bytes += memory->bytes;
    }
    for (size_t i = 0; i < step->count; i++)
        for (size_t j = 0; j < step->phases[i].plan.tensor_count; j++) {
            const duet_explained_tensor *tensor = &step->phases[i].plan.tensors[j];
            if (!cli_in_arena(&step->phases[i].plan, tensor)) continue;
            arena.tensors++;
            arena.unshared += tensor->bytes;
        }
    return arena;
}

static bool was_given(const cli_step *step, size_t before, const void *identity)
{
    for (size_t i = 0; i < before; i++)
        for (size_t j = 0; j < step->phases[i].plan.memory_count; j++)
            if (step->phases[i].plan.memories[j].identity == identity) return true;
    return false;
}

const duet_explained_memory *cli_next_memory(const cli_step *step, size_t *phase, size_t *index)
{
    for (; *phase < step->count; ++*phase, *index = 0)
        while (*index < step->phases[*phase].plan.memory_count) {
            const duet_explained_memory *memory = &step->phases[*phase].plan.memories[(*index)++];
            if (!was_given(step, *phase, memory->identity)) return memory;
        }
    return NULL;
}

const duet_explanation *cli_memory_plan(const cli_step *step, size_t phase)
{
    return &step->phases[phase].plan;
}

const char *cli_shape(duet_shape shape, char text[96])
{
    size_t used = (size_t)snprintf(text, 96, "[");
    for (size_t i = 0; i < shape.rank && used < 90; i++)
        used += (size_t)snprintf(text + used, 96 - used, "%s%zu", i == 0 ? "" : ", ", shape.dims[i]);
    if (used < 95) snprintf(text + used, 96 - used, "]");
    return text;
}

const char *cli_optimiser_name(const duet_optimiser *optimiser, char text[32])
{
    const char *names = duet_optimiser_names();
    for (int i = 0; i < (int)optimiser->kind && strchr(names, '|') != NULL; i++) names = strchr(names, '|') + 1;
    snprintf(text, 32, "%.*s", (int)strcspn(names, "|"), names);
    return text;
}

/* Whether a launch before this one comes from the same file. */
static bool was_printed(const cli_step *step, size_t phase, size_t launch, const char *file)
{
    for (size_t i = 0; i <= phase; i++) {
        size_t count = i < phase ? step->phases[i].plan.launch_count : launch;
        for (size_t j = 0; j < count; j++) {
            const char *other = step->phases[i].plan.launches[j].file;
            if (other != NULL && strcmp(other, file) == 0) return true;
        }
    }
    return false;
}

static int print_file(const char *file)
{
    char *text;
    duet_error error = {0};
    if (duet_kernel_file(file, &text, &error) != DUET_OK) return cli_fail(&error);
    printf("\n/* ==== cl/%s, written by hand ==== */\n\n%s", file, text);
    free(text);
    return CLI_DONE;
}

int cli_explain_source(const cli_step *step)
{
    int status = CLI_DONE;
    bool library = false;
    printf("/* ==== generated from the graph; lines #include stand for files of cl/ ==== */\n\n");
    fputs(duet_plan_source(duet_trainer_plan(step->trainer, 0)), stdout);
    for (size_t i = 0; i < step->count && status == CLI_DONE; i++)
        for (size_t j = 0; j < step->phases[i].plan.launch_count && status == CLI_DONE; j++) {
            const duet_explained_launch *launch = &step->phases[i].plan.launches[j];
            library |= launch->library;
            if (launch->file != NULL && !was_printed(step, i, j, launch->file)) status = print_file(launch->file);
        }
    if (library) printf("\n/* ==== CLBlast has kernels of its own: https://github.com/CNugteren/CLBlast ==== */\n");
    return status;
}
