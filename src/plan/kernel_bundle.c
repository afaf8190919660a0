/* SPDX-License-Identifier: MIT */
/* Steps side by side in one kernel: each is a function of a work-item's number, and the work-items of all of them are
 * shared out among the work-groups. A GPU's group works for one part. A CPU's groups are few, and each takes its share
 * of every part, so that all of them have the same to do. */
#include "plan/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

/** A step of a bundle. */
typedef struct part {
    duet_kernel_code code;
    duet_kernel_text text;
    size_t function; /* the part that has the same function, or its own number */
} part;

static bool is_same(const duet_kernel_code *a, const duet_kernel_code *b)
{
    return strcmp(a->sizes, b->sizes) == 0 &&
           strcmp(duet_text_get(&a->parameters), duet_text_get(&b->parameters)) == 0 &&
           strcmp(duet_text_get(&a->body), duet_text_get(&b->body)) == 0;
}

static void write_function(duet_text *text, const part *parts, size_t index)
{
    const duet_kernel_code *code = &parts[index].code;
    if (parts[index].function != index) return;
    duet_text_add(text, "__attribute__((always_inline)) void @_%zu(const size_t id, %s%s)\n{\n%s}\n", index,
                  code->sizes, duet_text_get(&code->parameters), duet_text_get(&code->body));
}

static void write_call(duet_text *text, const part *parts, size_t index)
{
    const duet_kernel_text *own = &parts[index].text;
    duet_text_add(text, "@_%zu(id", parts[index].function);
    for (size_t i = 0; i < own->size_count; i++) duet_text_add(text, ", %uu", (unsigned)own->sizes[i]);
    duet_text_add(text, "%s);\n", duet_text_get(&parts[index].code.names));
}

static void add_parameters(duet_text *text, const part *parts, size_t count)
{
    duet_text outer = {0};
    for (size_t i = 0; i < count; i++) duet_text_add(&outer, "%s", duet_text_get(&parts[i].code.outer));
    const char *all = duet_text_get(&outer);
    duet_text_add(text, "__kernel void @(%s)\n{\n    const ulong group = get_group_id(0);\n",
                  all + (*all == ',' ? 2 : 0));
    text->failed |= outer.failed;
    duet_text_free(&outer);
}

/* Work-items are dealt out evenly: group g of G has those from g / G to (g + 1) / G of each part. */
static void write_shares(const duet_lowering *lowering, duet_text *text, const part *parts, size_t count,
                         duet_kernel_text *launch)
{
    size_t groups = (size_t)duet_device_describe(lowering->device)->compute_units * 4, most = 1;
    for (size_t i = 0; i < count; i++)
        if (parts[i].text.work_items > most) most = parts[i].text.work_items;
    if (groups > most) groups = most;
    launch->work_items = groups;
    launch->local = 1;
    for (size_t i = 0; i < count; i++) {
        const size_t items = parts[i].text.work_items;
        duet_text_add(text, "    for (size_t id = group * %zu / %zu; id < (group + 1) * %zu / %zu; id++)\n        ",
                      items, groups, items, groups);
        write_call(text, parts, i);
    }
}

static void write_ranges(duet_text *text, const part *parts, size_t count, duet_kernel_text *launch)
{
    size_t groups = 0;
    launch->local = 1;
    for (size_t i = 0; i < count; i++)
        if (parts[i].text.local > launch->local) launch->local = parts[i].text.local;
    for (size_t i = 0; i < count; i++) {
        const size_t items = parts[i].text.work_items, own = duet_size_pieces(items, launch->local);
        duet_text_add(text,
                      "    if (group >= %zu && group < %zu) {\n"
                      "        const size_t id = (group - %zu) * %zu + get_local_id(0);\n        if (id < %zu) ",
                      groups, groups + own, groups, launch->local, items);
        write_call(text, parts, i);
        duet_text_add(text, "    }\n");
        groups += own;
    }
    launch->work_items = groups * launch->local;
}

/* "bundle_sum_map_add": each kind of part once. */
static void add_name(char name[64], const part *parts, size_t count)
{
    size_t used = (size_t)snprintf(name, 64, "bundle");
    for (size_t i = 0; i < count && used < 64; i++) {
        bool is_known = false;
        for (size_t j = 0; j < i; j++) is_known |= strcmp(parts[i].code.what, parts[j].code.what) == 0;
        if (!is_known) used += (size_t)snprintf(name + used, 64 - used, "_%s", parts[i].code.what);
    }
}

static duet_status join(duet_kernel_text *launch, const duet_lowering *lowering, const part *parts, size_t count,
                        duet_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const duet_kernel_text *own = &parts[i].text;
        for (size_t j = 0; j < own->argument_count; j++)
            DUET_TRY(
                duet_kernel_add_argument(lowering, launch, own->arguments[j].tensor, own->arguments[j].number, error));
        launch->flops += own->flops;
    }
    launch->bytes = 0;
    for (size_t i = 0; i < count; i++) launch->bytes += parts[i].text.bytes;
    return DUET_OK;
}

static duet_status write_parts(duet_lowering *lowering, size_t first, part *parts, size_t count, duet_error *error)
{
    for (size_t i = 0; i < count; i++) {
        part *own = &parts[i];
        own->code.is_part = true;
        snprintf(own->code.prefix, sizeof own->code.prefix, "p%zu_", i);
        DUET_TRY(duet_kernel_write_code(lowering, &lowering->steps[first + i], &own->code, &own->text, error));
        for (own->function = 0; own->function < i; own->function++)
            if (is_same(&parts[own->function].code, &own->code)) break;
    }
    return DUET_OK;
}

static duet_status write_kernel(const duet_lowering *lowering, const part *parts, size_t count,
                                duet_kernel_table *table, duet_kernel_text *launch, duet_error *error)
{
    duet_text text = {0};
    char name[64];
    for (size_t i = 0; i < count; i++) write_function(&text, parts, i);
    add_parameters(&text, parts, count);
    if (duet_is_wide(lowering->device))
        write_ranges(&text, parts, count, launch);
    else
        write_shares(lowering, &text, parts, count, launch);
    duet_text_add(&text, "}\n");
    for (size_t i = 0; i < count; i++) table->random |= parts[i].code.random;
    add_name(name, parts, count);
    duet_status status = duet_kernel_intern(table, name, &text, &launch->kernel, error);
    if (status == DUET_OK) status = join(launch, lowering, parts, count, error);
    duet_text_free(&text);
    return status;
}

duet_status duet_kernel_write_bundle(duet_lowering *lowering, size_t first, size_t end, duet_kernel_table *table,
                                     duet_kernel_text *launch, duet_error *error)
{
    const size_t count = end - first;
    *launch = (duet_kernel_text){.step = first};
    part *parts = calloc(count, sizeof *parts);
    if (parts == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while writing kernels");
    duet_status status = write_parts(lowering, first, parts, count, error);
    if (status == DUET_OK) status = write_kernel(lowering, parts, count, table, launch, error);
    for (size_t i = 0; i < count; i++) {
        free(parts[i].text.arguments);
        duet_kernel_code_free(&parts[i].code);
    }
    free(parts);
    return status;
}
