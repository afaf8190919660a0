/* SPDX-License-Identifier: MIT */
/* How windows lie on a picture: counts and padding. */
#include "duet/window.h"

#include "base/size.h"

duet_window duet_window_padded(size_t size, size_t stride, size_t padding)
{
    return (duet_window){.size = {size, size},
                         .stride = {stride, stride},
                         .dilation = {1, 1},
                         .pad_before = {padding, padding},
                         .pad_after = {padding, padding}};
}

duet_window duet_window_valid(size_t size, size_t stride)
{
    return duet_window_padded(size, stride, 0);
}

/* How far a window reaches from its first element to its last one, both included. */
static bool span_of(const duet_window *window, size_t axis, size_t *span)
{
    if (window->size[axis] == 0 || window->stride[axis] == 0 || window->dilation[axis] == 0) return false;
    return duet_size_multiply(window->dilation[axis], window->size[axis] - 1, span) && *span < INT32_MAX && ++*span > 0;
}

duet_window duet_window_pad_same(duet_window window, size_t height, size_t width)
{
    for (size_t axis = 0; axis < 2; axis++) {
        size_t extent = axis == 0 ? height : width, span = 0;
        window.pad_before[axis] = window.pad_after[axis] = 0;
        if (extent == 0 || extent > INT32_MAX || !span_of(&window, axis, &span)) continue;
        size_t last = (extent - 1) / window.stride[axis] * window.stride[axis];
        size_t padding = last + span > extent ? last + span - extent : 0;
        window.pad_before[axis] = padding / 2;
        window.pad_after[axis] = padding - padding / 2;
    }
    return window;
}

size_t duet_window_count(const duet_window *window, size_t axis, size_t extent)
{
    if (axis > 1) return 0;
    const size_t before = window->pad_before[axis], after = window->pad_after[axis];
    size_t span;
    if (!span_of(window, axis, &span) || extent > INT32_MAX || before > INT32_MAX - extent ||
        after > INT32_MAX - extent - before)
        return 0;
    size_t padded = extent + before + after;
    return span > padded ? 0 : (padded - span) / window->stride[axis] + 1;
}
