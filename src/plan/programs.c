/* SPDX-License-Identifier: MIT */
/* Programs are what the plans generated, in which lines #include name the files of cl/ whose text belongs there. */
#include "plan/programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static size_t find(const duet_programs *programs, const char *options)
{
    size_t index = 0;
    while (index < programs->count && strcmp(programs->items[index].kernels.options, options) != 0) index++;
    return index;
}

duet_kernel_table *duet_programs_table(duet_programs *programs, const char *options, size_t *index, duet_error *error)
{
    *index = find(programs, options);
    if (*index < programs->count) return &programs->items[*index].kernels;
    if (!duet_array_grow(&programs->items, programs->count, &programs->capacity, sizeof *programs->items)) {
        duet_fail(error, DUET_ERROR_MEMORY, "out of memory while writing kernels");
        return NULL;
    }
    duet_kernel_table *table = &programs->items[programs->count++].kernels;
    snprintf(table->options, sizeof table->options, "%s", options);
    return table;
}

cl_program duet_programs_find(const duet_programs *programs, const char *options)
{
    size_t index = find(programs, options);
    return index < programs->count ? programs->items[index].program : NULL;
}

static void add_named(duet_text *text, const char *name, const char *body)
{
    for (const char *at; (at = strchr(body, '@')) != NULL; body = at + 1)
        duet_text_add(text, "%.*s%s", (int)(at - body), body, name);
    duet_text_add(text, "%s\n", body);
}

/** A program's text, where lines #include stand for files of cl/. */
static void compose(const duet_kernel_table *kernels, duet_text *text)
{
    duet_text_add(text, "#include \"elementwise.cl\"\n%s\n", kernels->random ? "#include \"philox.cl\"\n" : "");
    for (size_t i = 0; i < kernels->count; i++) add_named(text, kernels->items[i].name, kernels->items[i].body);
}

static duet_status build(const duet_kernel_table *kernels, duet_device *device, const char *name, duet_text *generated,
                         cl_program *program, duet_error *error)
{
    duet_text text = {0};
    compose(kernels, &text);
    if (kernels->options[0] != '\0') duet_text_add(generated, "/* a program, built with %s */\n", kernels->options);
    duet_text_add(generated, "%s", duet_text_get(&text));
    duet_status status = DUET_OK;
    if (text.failed || generated->failed)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory while writing kernels");
    char *whole = status == DUET_OK ? duet_cl_expand(duet_text_get(&text), error) : NULL;
    if (whole != NULL)
        status = duet_program_build(device, name, whole, kernels->options, program, error);
    else if (status == DUET_OK)
        status = error != NULL && error->status != DUET_OK ? error->status : DUET_ERROR_FILE;
    free(whole);
    duet_text_free(&text);
    return status;
}

duet_status duet_programs_build(duet_programs *programs, duet_device *device, const char *name, duet_error *error)
{
    duet_text generated = {0};
    duet_status status = DUET_OK;
    for (size_t i = 0; i < programs->count && status == DUET_OK; i++) {
        const duet_kernel_table *kernels = &programs->items[i].kernels;
        if (kernels->count == 0) continue;
        char part[128];
        snprintf(part, sizeof part, programs->count > 1 ? "%s (%zu of %zu)" : "%s", name, i + 1, programs->count);
        status = build(kernels, device, part, &generated, &programs->items[i].program, error);
    }
    if (status == DUET_OK)
        programs->source = generated.data;
    else
        duet_text_free(&generated);
    return status;
}

void duet_programs_free(duet_programs *programs)
{
    for (size_t i = 0; i < programs->count; i++) {
        duet_program_free(&programs->items[i].program);
        duet_kernel_table_free(&programs->items[i].kernels);
    }
    free(programs->items);
    free(programs->source);
    *programs = (duet_programs){0};
}
