/* SPDX-License-Identifier: MIT */
/* The kernels of a product with an end of the test's own, as a plan's program has them. */
#ifndef DUET_TESTS_OWN_END_H
#define DUET_TESTS_OWN_END_H

#include "plan/programs.h"
#include "test.h"

typedef struct own_end {
    duet_programs programs;
    cl_program program;
    const char *kernel; /* the one that writes */
    size_t columns;     /* of the matrix whose rows the kernel hands over */
} own_end;

/** `finish`: what becomes of FINISH(row, column, product, count), and may use the kernel's parameters. COLUMNS_OF_C is
 *  own->columns. */
static inline void own_end_build(own_end *own, duet_device *device, const duet_gemm_choice *choice,
                                 const duet_gemm_shape *shape, const char *finish)
{
    duet_error error = {0};
    duet_gemm_source source;
    duet_text text = {0};
    size_t index;
    choice->provider->source(device, shape, &choice->parameters, &source);
    *own = (own_end){.columns = source.row != 0 ? source.row : shape->n};
    duet_kernel_table *table = duet_programs_table(&own->programs, source.options, &index, &error);
    assert_non_null(table);
    assert_ok(duet_kernel_add_product(table, &source, true, &error), &error);
    duet_text_add(&text, "#define COLUMNS_OF_C %zu\n#define KERNEL_NAME @\n#define FINISH_PARAMETERS\n", own->columns);
    duet_text_add(&text, "#define FINISH(row, column, product, count) %s\n", finish);
    for (size_t i = 0; i < DUET_GEMM_CONSTANTS && source.writes.constants[i].name != NULL; i++)
        duet_text_add(&text, "#define %s %s\n", source.writes.constants[i].name, source.writes.constants[i].value);
    duet_text_add(&text, "#include \"%s\"\n", source.writes.file);
    assert_ok(duet_kernel_add(table, "own_end", &text, &error), &error);
    duet_text_free(&text);
    assert_ok(duet_programs_build(&own->programs, device, "own end", &error), &error);
    own->program = duet_programs_find(&own->programs, source.options);
    own->kernel = "own_end";
    assert_non_null(own->program);
}

static inline void own_end_free(own_end *own)
{
    duet_programs_free(&own->programs);
}

#endif
