/* SPDX-License-Identifier: MIT */
/* Epilogues of products: values that are made of a product element by element. The GEMM provider's own kernel computes
 * and stores them while the product is in registers; it hands over runs of neighbours in a row (cl/gemm_panel.cl). */
#include <stdio.h>

#include "plan/kernel.h"

static void write_instance(duet_text *text, const duet_kernel_writer *writer, const duet_gemm_source *source,
                           const duet_run_text *run)
{
    duet_text_add(text, "__attribute__((always_inline)) void @_finish(const uint row, const uint start, RUN_SPACE "
                        "const float *product, const uint count, const ulong n");
    duet_write_parameters(writer, "", text);
    duet_text_add(text, ")\n{\n    const size_t first = (size_t)row * n + start;\n");
    duet_kernel_add_run(text, writer, run, "    const float p = product[lane];\n");
    duet_text_add(text, "}\n#undef FINISH_PARAMETERS\n#define FINISH_PARAMETERS ");
    duet_write_parameters(writer, "", text);
    duet_text_add(
        text, "\n#undef FINISH\n#define FINISH(row, column, product, count) @_finish(row, column, product, count, n");
    duet_write_parameter_names(writer, "", text);
    duet_text_add(text, ");\n%s(@)\n", source->macro);
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
    duet_writer_give_matrix(&writer, step->shape.n);
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
