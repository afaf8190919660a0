/* SPDX-License-Identifier: MIT */
/* Kernels that compute a run of neighbouring elements in a loop: epilogues of products, and maps over random numbers,
 * where several neighbours share work. One loop computes all values and a second one stores them, so that a compiler
 * can use vectors. */
#include <stdio.h>

#include "plan/kernel.h"

enum { RUN = 16 };

void duet_kernel_write_run(duet_kernel_writer *writer, const duet_lowering *lowering, const duet_step *step,
                           duet_run_text *text, int *targets)
{
    duet_map linear = duet_map_linear();
    writer->run = &text->once;
    for (size_t i = 0; i < step->root_count; i++) {
        const duet_root *root = &step->roots[i];
        if (root->target == DUET_NO_TENSOR) continue;
        size_t result = writer->result_count++;
        writer->computing = root->target == lowering->tensor_of[root->value->id] ? root->value : NULL;
        duet_value value = duet_write_node(writer, root->value, &linear);
        targets[result] = root->target;
        writer->results[result] = root->value->type;
        duet_text_add(&text->arrays, "    %s run%zu[RUN];\n", duet_type_text(root->value->type), result);
        duet_text_add(&text->keeps, "    run%zu[lane] = %s;\n", result, value.text);
        duet_text_add(&text->stores, "    r%zu[s%zu + first + lane] = run%zu[lane];\n", result, result, result);
    }
}

void duet_kernel_add_run(duet_text *text, const duet_kernel_writer *writer, const duet_run_text *run,
                         const char *declarations)
{
    duet_text_add(text, "%s%s", duet_text_get(&run->arrays), duet_text_get(&run->once));
    duet_text_add(text,
                  "    for (uint lane = 0; lane < count; lane++) {\n"
                  "    const size_t at = first + lane;\n"
                  "    const uint i = (uint)at, column = start + lane;\n%s%s%s    }\n",
                  declarations, duet_text_get(&writer->body), duet_text_get(&run->keeps));
    duet_text_add(text, "    for (uint lane = 0; lane < count; lane++) {\n%s    }\n", duet_text_get(&run->stores));
}

bool duet_run_text_free(duet_run_text *run)
{
    const bool failed = run->arrays.failed || run->once.failed || run->keeps.failed || run->stores.failed;
    duet_text_free(&run->arrays);
    duet_text_free(&run->once);
    duet_text_free(&run->keeps);
    duet_text_free(&run->stores);
    return !failed;
}

bool duet_can_run(const duet_lowering *lowering, const duet_step *step, size_t row_length)
{
    bool fits = !duet_is_wide(lowering->device) && step->elements % RUN == 0 && row_length % RUN == 0;
    for (size_t i = 0; i < step->root_count; i++) fits = fits && step->roots[i].counter == NULL;
    return fits;
}

bool duet_kernel_write_map_run(const duet_lowering *lowering, const duet_step *step, size_t row_length, bool always,
                               duet_kernel_writer *writer, duet_text *text, int *targets)
{
    duet_run_text run = {{0}, {0}, {0}, {0}};
    if (!duet_can_run(lowering, step, row_length)) return false;
    if (row_length > 0) duet_writer_give_matrix(writer, row_length);
    writer->run_length = RUN;
    duet_kernel_write_run(writer, lowering, step, &run, targets);
    bool runs = always || run.once.length > 0;
    if (runs) {
        duet_text_add(text,
                      "    enum { RUN = %d };\n    const uint count = RUN;\n"
                      "    const size_t first = id * RUN;\n    if (first >= elements) return;\n",
                      RUN);
        if (row_length > 0)
            duet_text_add(text, "    const uint row = (uint)(first / %zu), start = (uint)(first %% %zu);\n", row_length,
                          row_length);
        else
            duet_text_add(text, "    const uint start = (uint)first;\n");
        duet_kernel_add_run(text, writer, &run, "");
    }
    writer->run = NULL;
    writer->failed |= !duet_run_text_free(&run);
    return runs;
}

size_t duet_kernel_runs(size_t elements)
{
    return elements / RUN;
}
