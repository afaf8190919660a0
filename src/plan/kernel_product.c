/* SPDX-License-Identifier: MIT */
/* Products' kernels in a plan's program: definitions of what distinguishes a kernel, then the provider's file, which is
 * pasted for each (cl/gemm_plain.cl). Epilogues, values that are made of a product element by element, are a part of
 * the kernel that computes it: it hands over runs of neighbours in a row while they are in registers or near. */
#include <stdio.h>

#include "plan/kernel.h"

/** The kernel's file between its definitions and their ends. */
static void paste_file(duet_text *text, const duet_gemm_kernel *kernel)
{
    duet_text_add(text, "#define KERNEL_NAME @\n");
    for (size_t i = 0; i < DUET_GEMM_CONSTANTS && kernel->constants[i].name != NULL; i++)
        duet_text_add(text, "#define %s %s\n", kernel->constants[i].name, kernel->constants[i].value);
    duet_text_add(text,
                  "#include \"%s\"\n#undef KERNEL_NAME\n#undef FINISH\n#undef FINISH_PARAMETERS\n#undef "
                  "FINISH_FETCH\n",
                  kernel->file);
    for (size_t i = 0; i < DUET_GEMM_CONSTANTS && kernel->constants[i].name != NULL; i++)
        duet_text_add(text, "#undef %s\n", kernel->constants[i].name);
}

static duet_status add_as_it_is(duet_kernel_table *table, const duet_gemm_kernel *kernel, duet_error *error)
{
    char name[DUET_GEMM_NAME];
    duet_text text = {0};
    if (kernel->file == NULL) return DUET_OK;
    paste_file(&text, kernel);
    duet_status status = duet_kernel_add(table, duet_gemm_kernel_name(kernel, name), &text, error);
    duet_text_free(&text);
    return status;
}

duet_status duet_kernel_add_product(duet_kernel_table *table, const duet_gemm_source *source, bool has_epilogue,
                                    duet_error *error)
{
    DUET_TRY(add_as_it_is(table, &source->prepares, error));
    return has_epilogue ? DUET_OK : add_as_it_is(table, &source->writes, error);
}

/** Operands and results of an end that lie in memory as C would can be asked for before the run is there. */
static void write_fetch(duet_text *text, const duet_kernel_writer *writer)
{
    duet_text_add(text, "#define FINISH_FETCH(row, column) {");
    for (size_t i = 0; i < writer->load_count; i++)
        if (!writer->loads[i].strided)
            duet_text_add(text, " FETCH_RUN(b%zu + o%zu + (ulong)(row) * n + (column))", i, i);
    for (size_t i = 0; i < writer->result_count; i++)
        duet_text_add(text, " FETCH_RUN(r%zu + s%zu + (ulong)(row) * n + (column))", i, i);
    duet_text_add(text, " }\n");
}

static void write_instance(duet_text *text, const duet_kernel_writer *writer, const duet_gemm_source *source,
                           const duet_run_text *run)
{
    duet_text_add(text,
                  "__attribute__((always_inline)) void @_finish(const uint row, const uint start, %s const float "
                  "*product, const uint count, const ulong n",
                  source->space);
    duet_write_parameters(writer, "", text);
    duet_text_add(text, ")\n{\n    enum { RUN = %zu };\n    const size_t first = (size_t)row * n + start;\n",
                  source->run);
    duet_kernel_add_run(text, writer, run, "    const float p = product[lane];\n");
    duet_text_add(text, "}\n#define FINISH_PARAMETERS ");
    duet_write_parameters(writer, "", text);
    duet_text_add(text, "\n#define FINISH(row, column, product, count) @_finish(row, column, product, count, n");
    duet_write_parameter_names(writer, "", text);
    duet_text_add(text, ");\n");
    write_fetch(text, writer);
    paste_file(text, &source->writes);
}

duet_status duet_kernel_write_product(duet_lowering *lowering, size_t index, const duet_gemm_source *source,
                                      duet_kernel_table *table, duet_kernel_text *launch, duet_error *error)
{
    const duet_step *step = &lowering->steps[index];
    duet_kernel_writer writer = {.is_stored = lowering->stored};
    duet_text text = {0};
    duet_run_text run = {{0}, {0}, {0}, {0}};
    int targets[DUET_STEP_ROOTS];
    char name[64];
    *launch = (duet_kernel_text){.step = index, .visited = step->elements};
    writer.run_length = source->run;
    duet_writer_give_matrix(&writer, source->row != 0 ? source->row : step->shape.n);
    duet_writer_give(&writer, step->roots[0].value, "p");
    duet_kernel_write_run(&writer, lowering, step, &run, targets);
    write_instance(&text, &writer, source, &run);
    snprintf(name, sizeof name, "gemm_%s", step->roots[step->root_count - 1].value->op->name);
    writer.failed |= !duet_run_text_free(&run);
    duet_status status = duet_kernel_check(&writer, table, error);
    if (status == DUET_OK) status = duet_kernel_intern(table, name, &text, &launch->kernel, error);
    if (status == DUET_OK) status = duet_kernel_bind(lowering, &writer, targets, launch, error);
    launch->flops = (double)writer.operations * (double)step->elements;
    duet_text_free(&text);
    duet_writer_free(&writer);
    return status;
}
