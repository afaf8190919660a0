/* SPDX-License-Identifier: MIT */
/* How a reduction is shared out: what lies side by side in memory, and how many work-items each sum is given. */
#include "plan/lower.h"

enum { LANES = 16 };

bool duet_is_wide(const duet_device *device)
{
    duet_device_kind kind = duet_device_describe(device)->kind;
    return kind == DUET_DEVICE_GPU || kind == DUET_DEVICE_INTEGRATED;
}

size_t duet_reduce_columns(duet_node node)
{
    duet_shape shape = node->inputs[0]->shape;
    return shape.rank == 0 ? 1 : shape.dims[shape.rank - 1];
}

duet_reduce_layout duet_reduce_layout_of(duet_node node)
{
    duet_shape shape = node->inputs[0]->shape;
    bool rows = true, columns = true, seen_kept = false, seen_reduced = false;
    for (size_t d = shape.rank; d-- > 0;) { /* from the fastest dimension outwards */
        if (shape.dims[d] == 1) continue;
        bool reduced = (node->attributes.size[0] >> d & 1) != 0;
        rows = rows && !(reduced && seen_kept);
        columns = columns && !(!reduced && seen_reduced);
        seen_reduced |= reduced;
        seen_kept |= !reduced;
    }
    return rows ? DUET_REDUCE_ROWS : columns ? DUET_REDUCE_COLUMNS : DUET_REDUCE_SCATTERED;
}

size_t duet_reduce_pieces(const duet_device *device, size_t work_items, size_t length)
{
    bool is_wide = duet_is_wide(device);
    size_t wanted = (size_t)duet_device_describe(device)->compute_units * (is_wide ? 256 : 4);
    size_t smallest = is_wide ? 16 : 256;
    if (work_items >= wanted || length < 2 * smallest) return 1;
    size_t pieces = (wanted + work_items - 1) / work_items;
    if (pieces > length / smallest) pieces = length / smallest;
    /* A sum's pieces are added up one after the other: on a GPU that pays until there are as many as each has elements. */
    size_t most = 256;
    while (is_wide && most < length / most) most *= 2;
    return pieces > most ? most : pieces;
}

size_t duet_reduce_lanes(const duet_device *device, duet_reduce_layout layout, duet_node node)
{
    size_t outputs = node->elements, length = node->inputs[0]->elements / outputs, columns = duet_reduce_columns(node);
    size_t side_by_side = layout == DUET_REDUCE_ROWS ? length : layout == DUET_REDUCE_COLUMNS ? outputs : columns;
    bool is_last_reduced = (node->attributes.size[0] >> (node->shape.rank - 1) & 1) != 0;
    if (duet_is_wide(device) || (layout == DUET_REDUCE_SCATTERED && is_last_reduced)) return 1;
    return side_by_side % LANES == 0 ? LANES : 1;
}
