/* SPDX-License-Identifier: MIT */
/* One element of a node as OpenCL C: a walk from the node to what lies in memory, carrying the index map. Each (node,
 * map) is written once a kernel, so a value with several uses inside it is computed once. */
#include "graph/writer.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void duet_writer_free(duet_kernel_writer *writer)
{
    duet_text_free(&writer->body);
    free(writer->loads);
    free(writer->constants);
    free(writer->written);
    free(writer->frames);
    *writer = (duet_kernel_writer){0};
}

void duet_writer_reset(duet_kernel_writer *writer)
{
    duet_text_clear(&writer->body);
    writer->load_count = writer->result_count = writer->constant_count = 0;
    writer->written_count = writer->frame_count = writer->value_count = 0;
    writer->operations = writer->frame_number = 0;
    writer->depth = 0;
    writer->columns = writer->lanes = writer->run_length = writer->row_length = writer->given.rank = 0;
    writer->random = false;
}

duet_map duet_map_linear(void)
{
    duet_map map;
    memset(&map, 0, sizeof map); /* maps are compared by bytes */
    map.linear = true;
    return map;
}

duet_map duet_map_identity(duet_shape shape)
{
    duet_map map;
    memset(&map, 0, sizeof map);
    map.frame.rank = shape.rank;
    for (size_t i = 0; i < shape.rank; i++) {
        map.frame.dims[i] = shape.dims[i];
        map.dims[i].source = (int)i;
        map.dims[i].step = 1;
    }
    return map;
}

const char *duet_type_text(duet_type type)
{
    return type == DUET_FLOAT32 ? "float" : type == DUET_UINT32 ? "uint" : "uchar";
}

/* Room for one more item; false (and the writer failed) if memory is short. */
static bool reserve(duet_kernel_writer *writer, void *items, size_t size, size_t count, size_t *capacity)
{
    if (duet_array_grow(items, count, capacity, size)) return true;
    writer->failed = true;
    return false;
}

static duet_value value_of(const char *format, ...) DUET_PRINTF(1, 2);

static duet_value value_of(const char *format, ...)
{
    duet_value value;
    memset(&value, 0, sizeof value);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value.text, sizeof value.text, format, arguments);
    va_end(arguments);
    return value;
}

duet_value duet_write_let(duet_kernel_writer *writer, duet_type type, const char *format, ...)
{
    char expression[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(expression, sizeof expression, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof expression) writer->failed = true;
    duet_value value = value_of("t%zu", writer->value_count++);
    duet_text_add(&writer->body, "    const %s %s = %s;\n", duet_type_text(type), value.text, expression);
    return value;
}

duet_value duet_write_constant(duet_kernel_writer *writer, double value)
{
    float number = (float)value;
    for (size_t i = 0; i < writer->constant_count; i++)
        if (memcmp(&writer->constants[i], &number, sizeof number) == 0) return value_of("k%zu", i);
    if (!reserve(writer, &writer->constants, sizeof number, writer->constant_count, &writer->constant_capacity))
        return value_of("0");
    writer->constants[writer->constant_count] = number;
    return value_of("k%zu", writer->constant_count++);
}

duet_value duet_write_sum(duet_kernel_writer *writer)
{
    duet_value sum = value_of("t%zu", writer->value_count++);
    duet_text_add(&writer->body, "    float %s = 0.0f;\n", sum.text);
    return sum;
}

duet_block duet_write_loop(duet_kernel_writer *writer, size_t times, duet_value *counter)
{
    const duet_block block = {writer->written_count, writer->frame_count, writer->operations, times};
    *counter = value_of("t%zu", writer->value_count++);
    duet_text_add(&writer->body, "    for (uint %s = 0; %s < %zuu; %s++) {\n", counter->text, counter->text, times,
                  counter->text);
    writer->depth++;
    return block;
}

void duet_write_loop_end(duet_kernel_writer *writer, duet_block block)
{
    duet_text_add(&writer->body, "    }\n");
    writer->depth--;
    writer->written_count = block.written_count;
    writer->frame_count = block.frame_count;
    for (size_t i = 0; i < writer->frame_count; i++)
        for (size_t axis = 0; axis < DUET_MAX_RANK; axis++)
            if (writer->frames[i].declared[axis] > 1 + writer->depth) writer->frames[i].declared[axis] = 0;
    writer->operations += (block.times - 1) * (writer->operations - block.operations);
}

size_t duet_write_argument(duet_kernel_writer *writer, duet_node node, bool strided)
{
    node = duet_node_in_memory(node);
    size_t index = 0;
    while (index < writer->load_count && writer->loads[index].node != node) index++;
    if (index == writer->load_count) {
        if (!reserve(writer, &writer->loads, sizeof *writer->loads, writer->load_count, &writer->load_capacity))
            return 0;
        writer->loads[writer->load_count++] = (duet_load){.node = node};
        if (writer->mark_stored != NULL) writer->mark_stored[node->id] = true;
    }
    writer->loads[index].strided |= strided;
    return index;
}

void duet_write_parameters(const duet_kernel_writer *writer, const char *prefix, duet_text *text)
{
    for (size_t i = 0; i < writer->load_count; i++)
        duet_text_add(text, ", __global const %s *%sb%zu, const ulong %so%zu",
                      duet_type_text(writer->loads[i].node->type), prefix, i, prefix, i);
    for (size_t i = 0; i < writer->result_count; i++)
        duet_text_add(text, ", __global %s *%sr%zu, const ulong %ss%zu", duet_type_text(writer->results[i]), prefix, i,
                      prefix, i);
    for (size_t i = 0; i < writer->constant_count; i++) duet_text_add(text, ", const float %sk%zu", prefix, i);
}

void duet_write_parameter_names(const duet_kernel_writer *writer, const char *prefix, duet_text *text)
{
    for (size_t i = 0; i < writer->load_count; i++) duet_text_add(text, ", %sb%zu, %so%zu", prefix, i, prefix, i);
    for (size_t i = 0; i < writer->result_count; i++) duet_text_add(text, ", %sr%zu, %ss%zu", prefix, i, prefix, i);
    for (size_t i = 0; i < writer->constant_count; i++) duet_text_add(text, ", %sk%zu", prefix, i);
}

void duet_write_element(duet_kernel_writer *writer, duet_node node, const char *index, bool strided,
                        char expression[96])
{
    size_t argument = duet_write_argument(writer, node, strided);
    snprintf(expression, 96, "b%zu[o%zu + %s]", argument, argument, index);
}

/* The frame of that shape and number, new or known; frame_count if memory is short. */
static size_t find_frame(duet_kernel_writer *writer, duet_shape shape, size_t number)
{
    size_t frame = 0;
    while (frame < writer->frame_count &&
           (writer->frames[frame].number != number || !duet_shape_equal(writer->frames[frame].shape, shape)))
        frame++;
    if (frame < writer->frame_count) return frame;
    if (!reserve(writer, &writer->frames, sizeof *writer->frames, frame, &writer->frame_capacity))
        return writer->frame_count;
    memset(&writer->frames[frame], 0, sizeof writer->frames[frame]);
    writer->frames[frame].number = number;
    writer->frames[writer->frame_count++].shape = shape;
    return frame;
}

void duet_writer_give_matrix(duet_kernel_writer *writer, size_t columns)
{
    writer->columns = columns;
}

void duet_writer_give_coordinates(duet_kernel_writer *writer, duet_shape shape, const duet_coordinates *coordinates)
{
    writer->given = shape;
    writer->given_coordinates = *coordinates;
}

duet_map duet_write_coordinates(duet_kernel_writer *writer, duet_shape shape, const duet_value *coordinates)
{
    duet_map map = duet_map_identity(shape);
    map.number = ++writer->frame_number;
    size_t frame = find_frame(writer, shape, map.number);
    for (size_t axis = 0; axis < shape.rank && frame < writer->frame_count; axis++) {
        writer->frames[frame].declared[axis] = 1 + writer->depth;
        if (shape.dims[axis] > 1)
            duet_text_add(&writer->body, "    const uint c%zu_%zu = %s;\n", frame, axis, coordinates[axis].text);
    }
    return map;
}

/* Coordinate `axis` of i, (i / stride) % extent: from the row or the column alone if they are known and tell it, since
 * a vector of neighbours then shares the row, and divisions of its columns are by small numbers. */
static void add_coordinate(duet_kernel_writer *writer, duet_shape shape, size_t axis)
{
    size_t stride = 1, outside = 1, length = shape.dims[shape.rank - 1];
    for (size_t i = axis + 1; i < shape.rank; i++) stride *= shape.dims[i];
    for (size_t i = 0; i < axis; i++) outside *= shape.dims[i];
    if (writer->given.rank > 0 && duet_shape_equal(writer->given, shape)) {
        duet_text_add(&writer->body, "%s", writer->given_coordinates.text[axis]);
        return;
    }
    if (writer->row_length < length) writer->row_length = length;
    const size_t columns = writer->columns, run = stride * shape.dims[axis];
    bool by_row = columns > 0 && stride % columns == 0, by_column = columns > 0 && columns % run == 0;
    const bool by_lane = by_column && stride > 1 && writer->lanes % stride == 0 && writer->lanes > 0;
    duet_text_add(&writer->body, by_row ? "row" : by_lane ? "((column - lane)" : by_column ? "column" : "i");
    if (by_row) stride /= columns;
    if (by_lane)
        duet_text_add(&writer->body, " / %zuu + lane / %zuu)", stride, stride);
    else if (stride > 1)
        duet_text_add(&writer->body, " / %zuu", stride);
    if (by_column ? run < columns : outside > 1) duet_text_add(&writer->body, " %% %zuu", shape.dims[axis]);
}

/* Declared at its first use. */
static duet_value write_frame(duet_kernel_writer *writer, duet_shape shape, size_t number, size_t axis)
{
    size_t frame = find_frame(writer, shape, number);
    if (frame == writer->frame_count) return value_of("0");
    if (shape.dims[axis] == 1) return value_of("0u");
    if (writer->frames[frame].declared[axis] != 0) return value_of("c%zu_%zu", frame, axis);
    if (number == 0 && duet_shape_elements(shape) == shape.dims[axis]) return value_of("i");
    writer->frames[frame].declared[axis] = 1 + writer->depth;
    duet_text_add(&writer->body, "    const uint c%zu_%zu = ", frame, axis);
    add_coordinate(writer, shape, axis);
    duet_text_add(&writer->body, ";\n");
    return value_of("c%zu_%zu", frame, axis);
}

duet_value duet_write_frame(duet_kernel_writer *writer, duet_shape shape, size_t axis)
{
    return write_frame(writer, shape, 0, axis);
}

duet_value duet_write_coordinate(duet_kernel_writer *writer, duet_node node, const duet_map *map, size_t axis)
{
    if (map->linear) return duet_write_frame(writer, node->shape, axis);
    int source = map->dims[axis].source;
    int64_t step = map->dims[axis].step, offset = map->dims[axis].offset;
    if (source < 0) return value_of("%" PRId64 "u", offset);
    duet_value coordinate = write_frame(writer, map->frame, map->number, (size_t)source);
    if (step == 1 && offset == 0) return coordinate;
    return duet_write_let(writer, DUET_UINT32, "%s * %" PRId64 "u + %" PRId64 "u", coordinate.text, step, offset);
}

/* Whether a map that is written coordinate by coordinate is the identity on all elements. */
static bool is_whole(duet_node node, const duet_map *map)
{
    if (map->number != 0 || !duet_shape_equal(node->shape, map->frame)) return false;
    for (size_t i = 0; i < node->shape.rank; i++) {
        bool same = map->dims[i].source == (int)i && map->dims[i].step == 1 && map->dims[i].offset == 0;
        if (!same && node->shape.dims[i] != 1) return false;
    }
    return true;
}

duet_value duet_write_index(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    if (map->linear) return value_of("i");
    char expression[400] = "";
    size_t length = 0, stride = node->elements;
    for (size_t i = 0; i < node->shape.rank; i++) {
        stride /= node->shape.dims[i];
        if (node->shape.dims[i] == 1) continue;
        duet_value coordinate = duet_write_coordinate(writer, node, map, i);
        if (strcmp(coordinate.text, "0u") == 0) continue;
        length += (size_t)snprintf(expression + length, sizeof expression - length, stride > 1 ? "%s%s * %zuu" : "%s%s",
                                   length > 0 ? " + " : "", coordinate.text, stride);
    }
    if (length == 0) return value_of("0u");
    return duet_write_let(writer, DUET_UINT32, "%s", expression);
}

static duet_value load(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    char expression[96];
    duet_value index = map->linear ? value_of("at") : duet_write_index(writer, node, map);
    duet_write_element(writer, node, index.text, !map->linear, expression);
    return duet_write_let(writer, node->type, "%s", expression);
}

/* The op's expression with its single-letter operands replaced by the values' names. */
static duet_value apply_expression(duet_kernel_writer *writer, duet_node node, const duet_value *operands)
{
    char text[512];
    size_t length = 0;
    for (const char *from = node->op->expression; *from != '\0' && length + 40 < sizeof text; from++) {
        bool alone =
            !isalnum((unsigned char)from[1]) && from[1] != '_' &&
            (from == node->op->expression || (!isalnum((unsigned char)from[-1]) && from[-1] != '_' && from[-1] != '.'));
        if (alone && *from >= 'a' && *from <= 'c')
            length += (size_t)snprintf(text + length, sizeof text - length, "%s", operands[*from - 'a'].text);
        else if (alone && (*from == 'm' || *from == 'n'))
            length += (size_t)snprintf(text + length, sizeof text - length, "%s",
                                       duet_write_constant(writer, node->attributes.number[*from - 'm']).text);
        else
            text[length++] = *from;
    }
    text[length] = '\0';
    writer->operations += node->op->cost;
    return duet_write_let(writer, node->type, "%s", text);
}

/* A reshape that only adds or drops dimensions of extent 1 keeps coordinates apart: the inner map, or false. */
static bool map_through_ones(duet_node node, const duet_map *outside, duet_map *inside)
{
    duet_node input = node->inputs[0];
    size_t out = 0;
    *inside = *outside;
    memset(inside->dims, 0, sizeof inside->dims);
    for (size_t in = 0; in < input->shape.rank; in++) {
        inside->dims[in].source = -1;
        if (input->shape.dims[in] == 1) continue;
        while (out < node->shape.rank && node->shape.dims[out] == 1) out++;
        if (out == node->shape.rank || node->shape.dims[out] != input->shape.dims[in]) return false;
        inside->dims[in] = outside->dims[out++];
    }
    for (; out < node->shape.rank; out++)
        if (node->shape.dims[out] != 1) return false;
    return true;
}

static duet_value write_view(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    duet_map inside;
    if (duet_node_keeps_order(node)) {
        if (map->linear) return duet_write_node(writer, node->inputs[0], map);
        if (map_through_ones(node, map, &inside)) return duet_write_node(writer, node->inputs[0], &inside);
        return load(writer, node, map);
    }
    duet_map outside = map->linear ? duet_map_identity(node->shape) : *map;
    inside = outside;
    memset(inside.dims, 0, sizeof inside.dims);
    node->op->view(node, &outside, &inside);
    if (is_whole(node->inputs[0], &inside)) inside = duet_map_linear();
    return duet_write_node(writer, node->inputs[0], &inside);
}

static duet_value write_fresh(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    duet_node memory = duet_node_in_memory(node);
    bool in_memory = memory != writer->computing && (duet_is_leaf(memory) || writer->is_stored[memory->id]);
    if (in_memory && (memory == node || map->linear)) return load(writer, node, map);
    duet_value operands[3];
    switch (node->op->kind) {
    case DUET_OP_ELEMENTWISE:
        for (size_t i = 0; i < node->input_count && i < 3; i++)
            operands[i] = duet_write_node(writer, node->inputs[i], map);
        return apply_expression(writer, node, operands);
    case DUET_OP_VIEW: return write_view(writer, node, map);
    case DUET_OP_READER: return node->op->write(writer, node, map);
    default: return load(writer, node, map);
    }
}

static void remember(duet_kernel_writer *writer, duet_node node, const duet_map *map, duet_value value)
{
    if (!reserve(writer, &writer->written, sizeof *writer->written, writer->written_count, &writer->written_capacity))
        return;
    writer->written[writer->written_count].node = node;
    writer->written[writer->written_count].map = *map;
    writer->written[writer->written_count++].value = value;
}

void duet_writer_give(duet_kernel_writer *writer, duet_node node, const char *value)
{
    duet_map linear = duet_map_linear();
    remember(writer, duet_node_in_memory(node), &linear, value_of("%s", value));
}

duet_value duet_write_node(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    /* element i of a view that keeps the order is element i of its memory, and may have been computed just before */
    if (map->linear) node = duet_node_in_memory(node);
    if (node->op->kind == DUET_OP_CONSTANT) return duet_write_constant(writer, node->attributes.number[0]);
    for (size_t i = 0; i < writer->written_count; i++)
        if (writer->written[i].node == node && memcmp(&writer->written[i].map, map, sizeof *map) == 0)
            return writer->written[i].value;
    duet_value value = write_fresh(writer, node, map);
    remember(writer, node, map, value);
    return value;
}
