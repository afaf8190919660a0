/* SPDX-License-Identifier: MIT */
/* Programs are composed of texts of cl/, then what the plans generated. */
#include "plan/programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static bool is_of(const duet_kernel_table *table, const duet_gemm_source *source)
{
    if (source == NULL || table->gemm.file == NULL) return source == NULL && table->gemm.file == NULL;
    return strcmp(table->gemm.file, source->file) == 0 && strcmp(table->gemm.options, source->options) == 0;
}

static size_t find(const duet_programs *programs, const duet_gemm_source *source)
{
    size_t index = 0;
    while (index < programs->count && !is_of(&programs->items[index].kernels, source)) index++;
    return index;
}

duet_kernel_table *duet_programs_table(duet_programs *programs, const duet_gemm_source *source, size_t *index,
                                       duet_error *error)
{
    *index = find(programs, source);
    if (*index < programs->count) return &programs->items[*index].kernels;
    if (!duet_array_grow(&programs->items, programs->count, &programs->capacity, sizeof *programs->items)) {
        duet_fail(error, DUET_ERROR_MEMORY, "out of memory while writing kernels");
        return NULL;
    }
    if (source != NULL) programs->items[*index].kernels.gemm = *source;
    programs->count++;
    return &programs->items[*index].kernels;
}

cl_program duet_programs_find(const duet_programs *programs, const duet_gemm_source *source)
{
    size_t index = find(programs, source);
    return index < programs->count ? programs->items[index].program : NULL;
}

static duet_status add_file(duet_text *text, const char *file, duet_error *error)
{
    char *source = duet_cl_source(file, error);
    if (source == NULL) return duet_fail(error, DUET_ERROR_FILE, "cl/%s is missing", file);
    duet_text_add(text, "%s\n", source);
    free(source);
    return DUET_OK;
}

static void add_named(duet_text *text, const char *name, const char *body)
{
    for (const char *at; (at = strchr(body, '@')) != NULL; body = at + 1)
        duet_text_add(text, "%.*s%s", (int)(at - body), body, name);
    duet_text_add(text, "%s\n", body);
}

static duet_status compose(const duet_kernel_table *kernels, duet_text *whole, duet_text *generated, duet_error *error)
{
    const char *const files[] = {"elementwise.cl", kernels->random ? "philox.cl" : NULL, kernels->gemm.file};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] != NULL) DUET_TRY(add_file(whole, files[i], error));
    if (kernels->gemm.file != NULL)
        duet_text_add(generated, "/* after cl/%s, with %s */\n", kernels->gemm.file, kernels->gemm.options);
    duet_text own = {0};
    for (size_t i = 0; i < kernels->count; i++) add_named(&own, kernels->items[i].name, kernels->items[i].body);
    duet_text_add(whole, "%s", duet_text_get(&own));
    duet_text_add(generated, "%s", duet_text_get(&own));
    bool failed = whole->failed || generated->failed || own.failed;
    duet_text_free(&own);
    return failed ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory while writing kernels") : DUET_OK;
}

duet_status duet_programs_build(duet_programs *programs, duet_device *device, const char *name, duet_error *error)
{
    duet_text generated = {0};
    duet_status status = DUET_OK;
    for (size_t i = 0; i < programs->count && status == DUET_OK; i++) {
        const duet_kernel_table *kernels = &programs->items[i].kernels;
        if (kernels->count == 0) continue;
        duet_text whole = {0};
        char part[128];
        snprintf(part, sizeof part, programs->count > 1 ? "%s (%zu of %zu)" : "%s", name, i + 1, programs->count);
        status = compose(kernels, &whole, &generated, error);
        if (status == DUET_OK)
            status = duet_program_build(device, part, duet_text_get(&whole), kernels->gemm.options,
                                        &programs->items[i].program, error);
        duet_text_free(&whole);
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
