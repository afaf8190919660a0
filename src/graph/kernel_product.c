/* The end of a product: values made of it element by element, computed and stored by the GEMM provider's own kernel
 * while the product is in registers. The provider hands over runs of neighbouring elements of a row (cl/gemm_panel.cl);
 * the first loop computes them all before the second one stores, so that a compiler may take the run as vectors. */
#include <stdio.h>

#include "graph/kernel.h"

/* Declares an array for each stored root, computes one element of each, and adds the stores to `stores`. */
static void write_values(duet_kernel_writer *writer, const duet_lowering *lowering, const duet_step *step,
                         duet_text *arrays, duet_text *keeps, duet_text *stores, int *targets)
{
    duet_map linear = duet_map_linear();
    for (size_t i = 0; i < step->root_count; i++) {
        const duet_root *root = &step->roots[i];
        if (root->target == DUET_NO_TENSOR) continue;
        size_t result = writer->result_count++;
        writer->computing = root->target == lowering->tensor_of[root->value->id] ? root->value : NULL;
        duet_value value = duet_write_node(writer, root->value, &linear);
        targets[result] = root->target;
        writer->results[result] = root->value->type;
        duet_text_add(arrays, "    %s run%zu[RUN];\n", duet_type_text(root->value->type), result);
        duet_text_add(keeps, "    run%zu[lane] = %s;\n", result, value.text);
        duet_text_add(stores, "    r%zu[s%zu + first + lane] = run%zu[lane];\n", result, result, result);
    }
}

static void write_instance(duet_text *text, const duet_kernel_writer *writer, const duet_gemm_source *source,
                           size_t columns, const duet_text pieces[4])
{
    duet_text_add(text, "__attribute__((always_inline)) void @_finish(const uint row, const uint start, RUN_SPACE "
                        "const float *product, const uint count");
    duet_write_parameters(writer, text);
    duet_text_add(text, ")\n{\n%s    const size_t first = (size_t)row * %zu + start;\n%s", duet_text_get(&pieces[0]),
                  columns, duet_text_get(&pieces[3]));
    duet_text_add(text,
                  "    for (uint lane = 0; lane < count; lane++) {\n"
                  "    const size_t at = first + lane;\n"
                  "    const uint i = (uint)at, column = start + lane;\n"
                  "    const float p = product[lane];\n%s%s    }\n",
                  duet_text_get(&writer->body), duet_text_get(&pieces[1]));
    duet_text_add(text, "    for (uint lane = 0; lane < count; lane++) {\n%s    }\n}\n", duet_text_get(&pieces[2]));
    duet_text_add(text, "#undef FINISH_PARAMETERS\n#define FINISH_PARAMETERS ");
    duet_write_parameters(writer, text);
    duet_text_add(text,
                  "\n#undef FINISH\n#define FINISH(row, column, product, count) @_finish(row, column, product, count");
    duet_write_parameter_names(writer, text);
    duet_text_add(text, ");\n%s(@)\n", source->macro);
}

duet_status duet_kernel_write_product(duet_lowering *lowering, size_t index, const duet_gemm_source *source,
                                      duet_kernel_table *table, duet_kernel_text *launch, duet_error *error)
{
    const duet_step *step = &lowering->steps[index];
    duet_kernel_writer writer = {.is_stored = lowering->stored};
    duet_text text = {0}, pieces[4] = {0};
    int targets[DUET_STEP_ROOTS];
    char name[64];
    *launch = (duet_kernel_text){.step = index, .visited = step->elements};
    duet_writer_give_matrix(&writer, step->shape.n);
    duet_writer_give(&writer, step->roots[0].value, "p");
    writer.run = &pieces[3];
    write_values(&writer, lowering, step, &pieces[0], &pieces[1], &pieces[2], targets);
    write_instance(&text, &writer, source, step->shape.n, pieces);
    snprintf(name, sizeof name, "gemm_%s", step->roots[step->root_count - 1].value->op->name);
    writer.failed |= pieces[0].failed || pieces[1].failed || pieces[2].failed || pieces[3].failed;
    duet_status status = duet_kernel_check(&writer, table, error);
    if (status == DUET_OK) status = duet_kernel_intern(table, name, &text, &launch->kernel, error);
    if (status == DUET_OK) status = duet_kernel_bind(lowering, &writer, targets, launch, error);
    launch->flops = (double)writer.operations * (double)step->elements;
    for (size_t i = 0; i < 4; i++) duet_text_free(&pieces[i]);
    duet_text_free(&text);
    duet_writer_free(&writer);
    return status;
}
