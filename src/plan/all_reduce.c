/* SPDX-License-Identifier: MIT */
/* Sums over ranks as steps of a plan. All whose operands are made of equally many sums before them go in one exchange,
 * as late as other work can do without: the order follows from the graph alone, so that it is the same on every rank,
 * whatever its device and its share of the batch. */
#include <stdlib.h>

#include "base/array.h"
#include "graph/deal.h"
#include "plan/exchange.h"
#include "plan/lower.h"

void duet_lowering_find_levels(duet_lowering *lowering)
{
    for (size_t id = 0; id < duet_graph_count(lowering->graph); id++) {
        duet_node node = duet_graph_at(lowering->graph, id);
        size_t *level = &lowering->levels[id];
        for (size_t i = 0; i < node->input_count; i++)
            if (*level < lowering->levels[node->inputs[i]->id]) *level = lowering->levels[node->inputs[i]->id];
        *level += node->op->kind == DUET_OP_ALL_REDUCE;
    }
}

duet_status duet_lowering_check_dealt(const duet_lowering *lowering, duet_error *error)
{
    for (size_t id = 0; id < duet_graph_count(lowering->graph); id++) {
        duet_node node = duet_graph_at(lowering->graph, id);
        if (!lowering->needed[id]) continue;
        if (duet_is_dealt_badly(node))
            return duet_fail(error, DUET_ERROR_GRAPH,
                             "%s: \"%s\" needs rows of the batch that other ranks have: this cannot be dealt out to "
                             "ranks; train it as one process",
                             node->where, node->op->name);
        if (node->op->kind == DUET_OP_ASSIGN && (duet_is_dealt(node) || node->is_ranked))
            return duet_fail(error, DUET_ERROR_GRAPH,
                             "%s: a state would take another value on each rank, of the rows of the batch that it has",
                             node->where);
    }
    return DUET_OK;
}

void duet_lowering_place_all_reduce(duet_lowering *lowering, duet_node node)
{
    duet_node operand = duet_node_in_memory(node->inputs[0]);
    int tensor = duet_lowering_tensor(lowering, operand);
    const bool is_alone = lowering->uses[operand->id] == 1; /* nothing else reads what this rank has */
    int target = is_alone ? tensor : duet_lowering_tensor(lowering, node);
    if (tensor == DUET_NO_TENSOR || target == DUET_NO_TENSOR) return;
    duet_step *step = duet_lowering_add_step(lowering, DUET_STEP_ALL_REDUCE);
    if (step == NULL) return;
    step->node = node;
    step->level = lowering->levels[operand->id];
    step->elements = node->elements;
    duet_step_add_read(step, tensor, true);
    lowering->tensor_of[node->id] = target;
    step->roots[step->root_count++] = (duet_root){.value = node, .target = target};
    lowering->ready_at[node->id] = lowering->step_count - 1;
}

/* Which pieces an exchange is made of: each large block is a piece of its own, or several, that is under way to the host
 * as soon as it is computed and summed while the device computes the rest; what is small goes together at the end. */

enum { LARGE = 1 << 16, PIECE = 1 << 18 }; /* numbers */

/* The last turn before `end` in which some of the elements from `first` on of a tensor are written. */
static size_t written_at(const duet_lowering *lowering, int tensor, size_t first, size_t count, size_t end)
{
    size_t turn = 0;
    for (size_t i = 0; i < lowering->step_count && lowering->steps[i].turn < end; i++) {
        const duet_step *step = &lowering->steps[i];
        for (size_t r = 0; r < step->root_count; r++) {
            const int target = step->roots[r].target;
            const duet_tensor *written = target == DUET_NO_TENSOR ? NULL : &lowering->tensors[target];
            bool here = target == tensor;
            if (written != NULL && written->home == DUET_HOME_PART && written->whole == tensor)
                here = written->part_offset < first + count && first < written->part_offset + written->elements;
            if (here && step->turn > turn) turn = step->turn;
        }
    }
    return turn;
}

/* The largest beginning of a part of the tensor that lies at or below `most`; 0 if none does. */
static size_t part_below(const duet_lowering *lowering, int tensor, size_t most)
{
    size_t begin = 0;
    for (size_t i = 0; i < lowering->tensor_count; i++) {
        const duet_tensor *part = &lowering->tensors[i];
        if (part->home == DUET_HOME_PART && part->whole == tensor && part->part_offset <= most &&
            part->part_offset > begin)
            begin = part->part_offset;
    }
    return begin;
}

/* Cuts a step's block from its end, where the gradients of the last layers lie, which are computed first. */
static bool add_pieces(const duet_lowering *lowering, const duet_step *step, duet_exchange_piece **pieces,
                       size_t *count, size_t *capacity)
{
    const int tensor = step->reads[0].tensor;
    for (size_t end = step->elements, begin; end > 0; end = begin) {
        begin = end > PIECE ? part_below(lowering, tensor, end - PIECE) : 0;
        if (begin < LARGE) begin = 0; /* no crumbs */
        if (!duet_array_grow(pieces, *count, capacity, sizeof **pieces)) return false;
        (*pieces)[(*count)++] = (duet_exchange_piece){.from = tensor,
                                                      .to = step->roots[0].target,
                                                      .first = begin,
                                                      .elements = end - begin,
                                                      .is_large = end - begin >= LARGE,
                                                      .ready = written_at(lowering, tensor, begin, end - begin,
                                                                          step->turn)};
    }
    return true;
}

duet_status duet_lowering_pieces(const duet_lowering *lowering, size_t first, size_t end, duet_exchange_piece **pieces,
                                 size_t *count, duet_error *error)
{
    size_t capacity = 0;
    *pieces = NULL;
    *count = 0;
    for (size_t i = end; i-- > first;) /* the decoder's gradients come before the encoder's */
        if (!add_pieces(lowering, &lowering->steps[i], pieces, count, &capacity))
            return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while planning");
    return DUET_OK;
}
