/* SPDX-License-Identifier: MIT */
/* How a reduction is shared out: what lies side by side in memory, and how many work-items each sum is given. */
#include "plan/lower.h"

enum { LANES = 16 };

bool duet_is_wide(const duet_device *device)
{
    duet_device_kind kind = duet_device_describe(device)->kind;
    return kind == DUET_DEVICE_GPU || kind == DUET_DEVICE_INTEGRATED;
}

static duet_reduce_layout layout_of(duet_node node)
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
    /* A sum's pieces are added up one after the other: on a GPU that pays until there are as many as each has elements.
     */
    size_t most = 256;
    while (is_wide && most < length / most) most *= 2;
    return pieces > most ? most : pieces;
}

/* On CPUs, a vector of neighbours at once: of one sum if they are reduced, else each of a sum of its own. Where the
 * last dimension is reduced, the one before it is not and both are short, as groups of channels are, of several sums.
 */
static void choose_lanes(duet_step *step, duet_shape shape, bool is_last_reduced, bool is_next_reduced)
{
    const size_t last = shape.dims[shape.rank - 1], next = shape.rank > 1 ? shape.dims[shape.rank - 2] : 1;
    if (step->layout == DUET_REDUCE_ROWS) {
        if (step->length % LANES == 0) step->lanes = LANES;
    } else if (!is_last_reduced) {
        const size_t side_by_side = step->layout == DUET_REDUCE_COLUMNS ? step->outputs : last;
        if (side_by_side % LANES == 0) step->lanes = step->sums = LANES;
    } else if (last % LANES == 0) {
        step->lanes = LANES;
    } else if (last > 1 && LANES % last == 0 && !is_next_reduced && next * last % LANES == 0) {
        step->lanes = LANES;
        step->sums = LANES / last;
        step->columns = next * last;
    }
}

void duet_reduce_share_out(const duet_device *device, duet_step *step)
{
    const duet_node node = step->node;
    const duet_shape shape = node->inputs[0]->shape;
    const size_t reduced = node->attributes.size[0];
    step->outputs = node->elements;
    step->length = node->inputs[0]->elements / node->elements;
    step->layout = layout_of(node);
    step->lanes = step->sums = step->columns = 1;
    if (shape.rank > 0) {
        step->columns = shape.dims[shape.rank - 1];
        if (!duet_is_wide(device))
            choose_lanes(step, shape, (reduced >> (shape.rank - 1) & 1) != 0,
                         shape.rank > 1 && (reduced >> (shape.rank - 2) & 1) != 0);
    }
    step->pieces = duet_reduce_pieces(device, step->outputs / step->sums, step->length);
}
