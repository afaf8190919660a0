/* SPDX-License-Identifier: MIT */
/* Reductions. If there are few outputs, the elements of each are cut into pieces, which a second launch adds in a fixed
 * order. On CPUs a work-item runs over sixteen neighbours in memory at once, its lanes, in sums of their own, which the
 * compiler turns into vector instructions; on GPUs neighbouring work-items read neighbouring elements. */
#include "plan/kernel.h"

#include <stdio.h>
#include <string.h>

/* How many neighbouring lanes are of one sum. */
static size_t width_of(const duet_step *step)
{
    return step->lanes / step->sums;
}

/* Whether the lanes go over the last dimension, which is reduced, and on in the one before it. */
static bool is_grouped(const duet_step *step)
{
    duet_shape shape = step->node->inputs[0]->shape;
    return shape.rank > 1 && step->columns != shape.dims[shape.rank - 1];
}

/* The coordinates of an element of the input, each computed from o (which output) or r (which element of its sum). */
static duet_coordinates coordinates_of(const duet_step *step)
{
    duet_coordinates coordinates = {.text = {""}};
    duet_shape shape = step->node->inputs[0]->shape;
    size_t units[2] = {1, 1};
    for (size_t d = shape.rank; d-- > 0;) {
        bool reduced = (step->node->attributes.size[0] >> d & 1) != 0;
        char *text = coordinates.text[d];
        size_t unit = units[reduced], room = sizeof coordinates.text[d];
        units[reduced] *= shape.dims[d];
        size_t length = (size_t)snprintf(text, room, reduced ? "r" : "o");
        if (unit > 1) length += (size_t)snprintf(text + length, room - length, " / %zuu", unit);
        if (units[reduced] != (reduced ? step->length : step->outputs))
            length += (size_t)snprintf(text + length, room - length, " %% %zuu", shape.dims[d]);
        if (step->lanes == 1) continue;
        if (d + 1 == shape.rank && is_grouped(step))
            snprintf(text, room, "lane %% %zuu", shape.dims[d]);
        else if (d + 1 == shape.rank)
            snprintf(text + length, room - length, " + lane");
        else if (d + 2 == shape.rank && is_grouped(step))
            snprintf(text + length, room - length, " + lane / %zuu", width_of(step));
    }
    return coordinates;
}

/* The element's column, which is its place in the last dimension, or in the last two, and its row, made of the others.
 */
static void write_row(duet_text *text, const duet_step *step)
{
    const duet_coordinates coordinates = coordinates_of(step);
    duet_shape shape = step->node->inputs[0]->shape;
    const size_t dimensions = is_grouped(step) ? 2 : 1;
    size_t stride = 1;
    const char *plus = "";
    duet_text_add(text, "        const uint column = ");
    if (dimensions == 2)
        duet_text_add(text, "o %% %zuu * %zuu + lane", shape.dims[shape.rank - 2], width_of(step));
    else
        duet_text_add(text, "%s", coordinates.text[shape.rank - 1]);
    duet_text_add(text, ", row = ");
    for (size_t d = shape.rank - dimensions; d-- > 0; stride *= shape.dims[d]) {
        if (shape.dims[d] == 1) continue;
        duet_text_add(text, stride > 1 ? "%s%s * %zuu" : "%s%s", plus, coordinates.text[d], stride);
        plus = " + ";
    }
    duet_text_add(text, *plus == '\0' ? "0u;\n" : ";\n");
}

/* The index and the value of the next element of the input. */
static void write_element(duet_text *text, const duet_step *step, const duet_kernel_writer *writer)
{
    bool scattered = step->layout == DUET_REDUCE_SCATTERED;
    const char *lane = step->lanes > 1 ? " + lane" : "";
    if (scattered || (writer->row_length > 0 && writer->columns > 0)) write_row(text, step);
    duet_text_add(text, "        const size_t at = ");
    if (step->layout == DUET_REDUCE_ROWS) duet_text_add(text, "(size_t)o * length + r%s;\n", lane);
    if (step->layout == DUET_REDUCE_COLUMNS) duet_text_add(text, "(size_t)r * outputs + o%s;\n", lane);
    if (scattered) duet_text_add(text, "(size_t)row * %zu + column;\n", step->columns);
    duet_text_add(text, "        const uint i = (uint)at;\n%s", duet_text_get(&writer->body));
}

/* A float32 sum in one go loses a digit for every ten numbers that it is longer. Long ones are made of blocks, and what
 * the additions of blocks lose is kept beside them. A largest element has no such error. */
enum { BLOCK = 32, LONG = 256, VERY_LONG = 4096 };

static bool is_sum(const duet_step *step)
{
    return strcmp(step->node->op->name, "sum") == 0;
}

static bool is_blocked(const duet_step *step)
{
    const size_t in_one_go = step->length / step->pieces / width_of(step);
    return is_sum(step) && in_one_go > (step->length < VERY_LONG ? LONG : BLOCK);
}

/* total + lost becomes that and `added`, where `total` alone would lose the digits of it: Knuth 1997, sec. 4.2.2,
 * theorem B. */
static void write_exact_addition(duet_text *text, const char *at, const char *added)
{
    duet_text_add(text,
                  "            const float added = %s, next = total%s + added, taken = next - total%s;\n"
                  "            lost%s += (total%s - (next - taken)) + (added - taken);\n"
                  "            total%s = next;\n",
                  added, at, at, at, at, at);
}

/* What total + lost come to; past an infinity what is lost is NaN. */
static void write_exact_total(duet_text *text, const char *at, const char *result)
{
    duet_text_add(text, "        %s = isnan(lost%s) ? total%s : total%s + lost%s;\n", result, at, at, at, at);
}

/* `sums`: of the block under way; `total` and `lost`: of those before it. */
static void write_block_begin(duet_text *text, bool lanes)
{
    duet_text_add(text, lanes ? "    uint in_block = 0;\n    float total[16], lost[16];\n"
                                "    for (uint lane = 0; lane < 16; lane++) total[lane] = lost[lane] = 0.0f;\n"
                              : "    uint in_block = 0;\n    float total = 0.0f, lost = 0.0f;\n");
}

/* Ends a block if it is full. */
static void write_block_end(duet_text *text, bool lanes)
{
    const char *at = lanes ? "[lane]" : "", *sums = lanes ? "sums[lane]" : "sums";
    duet_text_add(text, "        if (++in_block == %du) {\n            %s{\n", BLOCK,
                  lanes ? "for (uint lane = 0; lane < 16; lane++) " : "");
    write_exact_addition(text, at, sums);
    duet_text_add(text, "            %s = 0.0f;\n            }\n            in_block = 0;\n        }\n", sums);
}

/* After the loop: then `sums` holds everything. */
static void write_blocks_joined(duet_text *text, bool lanes)
{
    const char *at = lanes ? "[lane]" : "", *sums = lanes ? "sums[lane]" : "sums";
    duet_text_add(text, "    %s{\n", lanes ? "for (uint lane = 0; lane < 16; lane++) " : "");
    write_exact_addition(text, at, sums);
    write_exact_total(text, at, sums);
    duet_text_add(text, "    }\n");
}

/* One output, one element after the other. */
static void write_single(duet_text *text, const duet_lowering *lowering, const duet_step *step,
                         const duet_kernel_writer *writer, const char *value)
{
    const duet_op *op = step->node->op;
    bool by_columns = step->layout != DUET_REDUCE_ROWS, blocked = is_blocked(step);
    duet_text_add(text, "    if (id >= (size_t)outputs * pieces) return;\n");
    duet_text_add(text, by_columns ? "    const uint o = (uint)(id %% outputs), piece = (uint)(id / outputs);\n"
                                   : "    const uint o = (uint)(id / pieces), piece = (uint)(id %% pieces);\n");
    duet_text_add(text, "    float sums = %s;\n", op->start);
    if (blocked) write_block_begin(text, false);
    if (duet_is_wide(lowering->device) && !by_columns)
        duet_text_add(text, "    for (uint r = piece; r < length; r += pieces) {\n");
    else
        duet_text_add(text, "    const uint last = (uint)((ulong)length * (piece + 1) / pieces);\n"
                            "    for (uint r = (uint)((ulong)length * piece / pieces); r < last; r++) {\n");
    write_element(text, step, writer);
    duet_text_add(text, "        const float a = sums, b = %s;\n        sums = %s;\n", value, op->expression);
    if (blocked) write_block_end(text, false);
    duet_text_add(text, "    }\n");
    if (blocked) write_blocks_joined(text, false);
    duet_text_add(text, "    r0[s0 + %s] = sums;\n", by_columns ? "piece * outputs + o" : "o * pieces + piece");
}

/* Joins `element`, one for each `name` of the range, into `so_far`. */
static void write_joined(duet_text *text, const duet_step *step, bool exact, const char *name, const char *range,
                         const char *element)
{
    const duet_op *op = step->node->op;
    duet_text_add(text, "    float so_far = %s;\n", op->start);
    if (exact) duet_text_add(text, "    float total = 0.0f, lost = 0.0f;\n");
    duet_text_add(text, "    for (uint %s = %s; %s++) {\n", name, range, name);
    if (exact)
        write_exact_addition(text, "", element);
    else
        duet_text_add(text, "        const float a = so_far, b = %s;\n        so_far = %s;\n", element, op->expression);
    duet_text_add(text, "    }\n");
    if (exact) write_exact_total(text, "", "so_far");
}

/* What the lanes hold, as the outputs that they belong to. */
static void write_lanes_end(duet_text *text, const duet_step *step)
{
    const char *place = step->layout == DUET_REDUCE_ROWS ? "o * pieces + piece" : "piece * outputs + o";
    const size_t width = width_of(step);
    char range[64];
    if (width == 1) {
        duet_text_add(text, "    for (uint lane = 0; lane < 16; lane++) r0[s0 + %s + lane] = sums[lane];\n", place);
        return;
    }
    (void)snprintf(range, sizeof range, "sum * %zuu; lane < (sum + 1) * %zuu", width, width);
    duet_text_add(text, "    for (uint sum = 0; sum < %zuu; sum++) {\n", step->sums);
    write_joined(text, step, is_blocked(step), "lane", range, "sums[lane]");
    duet_text_add(text, "        r0[s0 + %s + sum] = so_far;\n    }\n", place);
}

/* Sixteen neighbours at once, in sums of their own. */
static void write_lanes(duet_text *text, const duet_step *step, const duet_kernel_writer *writer, const char *value)
{
    const duet_op *op = step->node->op;
    const size_t width = width_of(step);
    const bool blocked = is_blocked(step);
    duet_text_add(text, "    if (id >= (size_t)outputs / %zu * pieces) return;\n", step->sums);
    if (step->layout == DUET_REDUCE_ROWS)
        duet_text_add(text, "    const uint o = (uint)(id / pieces), piece = (uint)(id %% pieces);\n");
    else
        duet_text_add(text,
                      "    const uint o = (uint)(id %% (outputs / %zu)) * %zu, piece = (uint)(id / (outputs / %zu));\n",
                      step->sums, step->sums, step->sums);
    duet_text_add(text, "    float sums[16];\n    for (uint lane = 0; lane < 16; lane++) sums[lane] = %s;\n",
                  op->start);
    if (blocked) write_block_begin(text, true);
    duet_text_add(text,
                  "    const uint runs = length / %zu, last = (uint)((ulong)runs * (piece + 1) / pieces) * %zu;\n"
                  "    for (uint r = (uint)((ulong)runs * piece / pieces) * %zu; r < last; r += %zu) {\n"
                  "    for (uint lane = 0; lane < 16; lane++) {\n",
                  width, width, width, width);
    write_element(text, step, writer);
    duet_text_add(text, "        const float a = sums[lane], b = %s;\n        sums[lane] = %s;\n    }\n", value,
                  op->expression);
    if (blocked) write_block_end(text, true);
    duet_text_add(text, "    }\n");
    if (blocked) write_blocks_joined(text, true);
    write_lanes_end(text, step);
}

duet_status duet_kernel_write_reduce(const duet_lowering *lowering, const duet_step *step, duet_kernel_code *code,
                                     duet_kernel_text *launch, duet_error *error)
{
    duet_kernel_writer writer = {.is_stored = lowering->stored};
    duet_text *text = &code->body;
    duet_map linear = duet_map_linear();
    if (step->columns > 1 && step->columns % step->lanes == 0) {
        const duet_coordinates coordinates = coordinates_of(step);
        duet_writer_give_matrix(&writer, step->columns);
        writer.lanes = step->lanes > 1 ? step->lanes : 0;
        duet_writer_give_coordinates(&writer, step->node->inputs[0]->shape, &coordinates);
    }
    duet_value value = duet_write_node(&writer, step->node->inputs[0], &linear);
    writer.results[writer.result_count++] = DUET_FLOAT32;
    if (step->lanes == 1)
        write_single(text, lowering, step, &writer, value.text);
    else
        write_lanes(text, step, &writer, value.text);
    code->sizes = "const uint outputs, const uint pieces, const uint length";
    snprintf(code->what, sizeof code->what, "%s", step->node->op->name);

    int target = step->pieces > 1 ? step->scratch : step->roots[0].target;
    launch->visited = step->outputs * step->length;
    launch->sizes[0] = (uint32_t)step->outputs;
    launch->sizes[1] = (uint32_t)step->pieces;
    launch->sizes[2] = (uint32_t)step->length;
    launch->size_count = 3;
    launch->work_items = step->outputs / step->sums * step->pieces;
    launch->local = duet_kernel_local_size(lowering, launch->work_items);
    launch->flops = (double)(writer.operations + 1) * (double)step->outputs * (double)step->length;
    duet_status status = duet_kernel_end_code(lowering, &writer, &target, code, launch, error);
    duet_writer_free(&writer);
    return status;
}

static void write_partials_parameters(const char *prefix, duet_text *text)
{
    duet_text_add(text, ", __global const float *%sb0, const ulong %so0, __global float *%sr0, const ulong %ss0",
                  prefix, prefix, prefix, prefix);
}

duet_status duet_kernel_write_partials(const duet_lowering *lowering, const duet_step *step, duet_kernel_code *code,
                                       duet_kernel_text *launch, duet_error *error)
{
    const duet_op *op = step->node->op;
    const char *prefix = code->prefix;
    code->sizes = "const uint outputs, const uint pieces";
    snprintf(code->what, sizeof code->what, "%s_partials", op->name);
    write_partials_parameters("", &code->parameters);
    write_partials_parameters(prefix, &code->outer);
    duet_text_add(&code->names, ", %sb0, %so0, %sr0, %ss0", prefix, prefix, prefix, prefix);
    duet_text_add(&code->body, "    const size_t o = id;\n    if (o >= outputs) return;\n");
    write_joined(&code->body, step, is_sum(step), "piece", "0; piece < pieces",
                 step->layout == DUET_REDUCE_ROWS ? "b0[o0 + o * pieces + piece]" : "b0[o0 + piece * outputs + o]");
    duet_text_add(&code->body, "    r0[s0 + o] = so_far;\n");
    launch->visited = step->outputs * step->pieces;
    launch->sizes[0] = (uint32_t)step->outputs;
    launch->sizes[1] = (uint32_t)step->pieces;
    launch->size_count = 2;
    launch->work_items = step->outputs;
    launch->local = duet_kernel_local_size(lowering, launch->work_items);
    launch->flops = (double)step->outputs * (double)step->pieces;
    DUET_TRY(duet_kernel_check_code(code, error));
    DUET_TRY(duet_kernel_add_argument(lowering, launch, step->reads[0].tensor, 0, error));
    return duet_kernel_add_argument(lowering, launch, step->roots[0].target, 0, error);
}
