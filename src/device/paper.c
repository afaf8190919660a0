/* SPDX-License-Identifier: MIT */
/* What stands in for OpenCL's objects on a device on paper. */
#include "device/paper.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Stand-ins: program i is stand_ins[i], which is never read. */
enum { MOST_PROGRAMS = 512 };
static const char stand_ins[MOST_PROGRAMS];

bool duet_is_paper(const void *object)
{
    const uintptr_t at = (uintptr_t)object, first = (uintptr_t)stand_ins;
    return at >= first && at < first + MOST_PROGRAMS;
}

static void *stand_in(size_t index)
{
    return (void *)(uintptr_t)&stand_ins[index];
}

cl_mem duet_paper_memory(void)
{
    return stand_in(0);
}

cl_kernel duet_paper_kernel(cl_program program)
{
    return (void *)program;
}

size_t duet_paper_program_of(cl_kernel kernel)
{
    return (size_t)((uintptr_t)kernel - (uintptr_t)stand_ins);
}

duet_status duet_paper_write(duet_paper *paper, const char *name, const char *source, const char *options,
                             cl_program *program, duet_error *error)
{
    *program = NULL;
    if (paper->count == MOST_PROGRAMS)
        return duet_fail(error, DUET_ERROR_DEVICE, "a device on paper keeps %d programs, and %s is one more",
                         (int)MOST_PROGRAMS, name);
    if (!duet_array_grow(&paper->programs, paper->count, &paper->capacity, sizeof *paper->programs))
        return duet_fail(error, DUET_ERROR_MEMORY, "no memory to write down %s", name);
    duet_paper_program *written = &paper->programs[paper->count];
    *written = (duet_paper_program){.name = strdup(name), .source = strdup(source), .options = strdup(options)};
    *program = stand_in(paper->count++);
    if (written->name != NULL && written->source != NULL && written->options != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "no memory to write down %s", name);
}

void duet_paper_clear(duet_paper *paper)
{
    for (size_t i = 0; i < paper->count; i++) {
        free((void *)(uintptr_t)paper->programs[i].name);
        free((void *)(uintptr_t)paper->programs[i].source);
        free((void *)(uintptr_t)paper->programs[i].options);
    }
    free(paper->programs);
    *paper = (duet_paper){.row = paper->row};
}
