/* SPDX-License-Identifier: MIT */
/* Where intermediate tensors lie: largest first, each at the lowest place that is free during its life. */
#include "plan/lower.h"

#include <stdlib.h>

#include "base/size.h"

enum { ALIGNMENT = 256 }; /* bytes; OpenCL asks for at most 128 */

static size_t bytes_of(const duet_tensor *tensor)
{
    return duet_size_round_up(tensor->elements * duet_type_size(tensor->type), ALIGNMENT);
}

static bool meet(const duet_tensor *a, const duet_tensor *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset in `slab` where `tensor` overlaps none of those placed there already. */
static size_t lowest_place(const duet_lowering *lowering, const size_t *order, size_t placed, size_t slab,
                           const duet_tensor *tensor)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < placed; i++) {
            const duet_tensor *other = &lowering->tensors[order[i]];
            if (other->slab != slab || !meet(tensor, other)) continue;
            size_t end = other->offset + bytes_of(other);
            if (offset < end && other->offset < offset + bytes_of(tensor)) {
                offset = end;
                moved = true;
            }
        }
    }
    return offset;
}

static duet_status place(duet_lowering *lowering, const size_t *order, size_t placed, size_t limit, size_t **slab_bytes,
                         size_t *slab_count, duet_error *error)
{
    duet_tensor *tensor = &lowering->tensors[order[placed]];
    size_t bytes = bytes_of(tensor);
    if (bytes > limit)
        return duet_fail(error, DUET_ERROR_MEMORY,
                         "an intermediate tensor needs %zu bytes and the device allocates at most %zu at once: "
                         "use a smaller batch",
                         bytes, limit);
    for (size_t slab = 0; slab < *slab_count; slab++) {
        tensor->slab = slab;
        tensor->offset = lowest_place(lowering, order, placed, slab, tensor);
        if (tensor->offset > limit - bytes || (tensor->from_start && tensor->offset > 0)) continue;
        if (tensor->offset + bytes > (*slab_bytes)[slab]) (*slab_bytes)[slab] = tensor->offset + bytes;
        return DUET_OK;
    }
    size_t *grown = realloc(*slab_bytes, (*slab_count + 1) * sizeof *grown);
    if (grown == NULL) return duet_lowering_no_memory(lowering);
    *slab_bytes = grown;
    grown[*slab_count] = bytes;
    tensor->slab = (*slab_count)++;
    tensor->offset = 0;
    return DUET_OK;
}

duet_status duet_place_tensors(duet_lowering *lowering, size_t limit, size_t **slab_bytes, size_t *slab_count,
                               duet_error *error)
{
    size_t *order = calloc(lowering->tensor_count + 1, sizeof *order), count = 0;
    if (order == NULL) return duet_lowering_no_memory(lowering);
    for (size_t i = 0; i < lowering->tensor_count; i++) {
        const duet_tensor *tensor = &lowering->tensors[i];
        if (tensor->home != DUET_HOME_ARENA || tensor->first == SIZE_MAX) continue;
        size_t at = count++;
        for (; at > 0 && bytes_of(&lowering->tensors[order[at - 1]]) < bytes_of(tensor); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    duet_status status = DUET_OK;
    for (size_t i = 0; i < count && status == DUET_OK; i++)
        status = place(lowering, order, i, limit, slab_bytes, slab_count, error);
    free(order);
    return status;
}
