/* SPDX-License-Identifier: MIT */
/* What follows from a convolution's extents. */
#include "product/convolution.h"

#include <stdio.h>

static const double most_elements = 1e18; /* counted in bytes they fit 63 bits */
enum { LARGEST_EXTENT = 1 << 30, LARGEST_KERNEL = 1 << 16 };

const char *duet_convolution_use_name(duet_convolution_use use)
{
    static const char *const names[DUET_CONVOLUTION_USES] = {"", "forward", "data", "weights"};
    return (size_t)use < DUET_CONVOLUTION_USES ? names[use] : "";
}

/** Extent of the padded picture that the windows of all results span. */
static uint64_t reach_of(const duet_convolution *c, size_t axis)
{
    return (uint64_t)(c->result[axis] - 1) * c->stride[axis] + (uint64_t)(c->kernel[axis] - 1) * c->dilation[axis] + 1;
}

/* NULL if its numbers fit each other and its tensors' elements can be counted, else what is wrong. */
static const char *fault_of(const duet_convolution *c)
{
    const uint32_t extents[] = {c->images,    c->picture[0], c->picture[1],  c->channels,
                                c->features,  c->groups,     c->result[0],   c->result[1],
                                c->stride[0], c->stride[1],  c->dilation[0], c->dilation[1],
                                c->kernel[0], c->kernel[1],  c->pad[0] + 1,  c->pad[1] + 1};
    if (c->use == DUET_NO_CONVOLUTION || c->use >= DUET_CONVOLUTION_USES) return "its use is unknown";
    for (size_t i = 0; i < sizeof extents / sizeof *extents; i++)
        if (extents[i] < 1 || extents[i] > LARGEST_EXTENT) return "an extent is missing or out of range";
    if (c->kernel[0] > LARGEST_KERNEL || c->kernel[1] > LARGEST_KERNEL) return "its window is too large";
    if (c->channels % c->groups != 0 || c->features % c->groups != 0)
        return "its groups divide the channels and the features unevenly";
    const double pixels = (double)c->picture[0] * c->picture[1], results = (double)c->result[0] * c->result[1],
                 taps = (double)c->kernel[0] * c->kernel[1];
    if (c->images * pixels * c->channels > most_elements || c->images * results * c->features > most_elements ||
        taps * c->channels * c->features > most_elements || c->images * results * taps > most_elements)
        return "it has too many elements";
    for (size_t axis = 0; axis < 2; axis++)
        if (reach_of(c, axis) > INT32_MAX) return "its windows reach too far";
    return NULL;
}

const char *duet_convolution_read(const duet_convolution_product *told, duet_convolution *convolution)
{
    const duet_window *window = &told->window;
    const size_t pictures[2] = {told->height, told->width};
    const size_t others[] = {told->images, told->channels, told->features, told->groups};
    *convolution = (duet_convolution){.use = told->use};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i] > LARGEST_EXTENT) return "an extent is out of range";
    convolution->images = (uint32_t)told->images;
    convolution->channels = (uint32_t)told->channels;
    convolution->features = (uint32_t)told->features;
    convolution->groups = (uint32_t)told->groups;
    for (size_t axis = 0; axis < 2; axis++) {
        const size_t count = duet_window_count(window, axis, pictures[axis]); /* 0 unless all else is in range */
        if (count == 0) return "no window fits its picture";
        convolution->picture[axis] = (uint32_t)pictures[axis];
        convolution->result[axis] = (uint32_t)count;
        convolution->kernel[axis] = (uint32_t)window->size[axis];
        convolution->stride[axis] = (uint32_t)(window->stride[axis] <= LARGEST_EXTENT ? window->stride[axis] : 0);
        convolution->dilation[axis] = (uint32_t)(window->dilation[axis] <= LARGEST_EXTENT ? window->dilation[axis] : 0);
        convolution->pad[axis] = (uint32_t)window->pad_before[axis];
    }
    return fault_of(convolution);
}

duet_convolution_product duet_convolution_told(const duet_convolution *c)
{
    duet_convolution_product told = {.use = c->use,
                                     .images = c->images,
                                     .height = c->picture[0],
                                     .width = c->picture[1],
                                     .channels = c->channels,
                                     .features = c->features,
                                     .groups = c->groups};
    for (size_t axis = 0; c->use != DUET_NO_CONVOLUTION && axis < 2; axis++) {
        const size_t reach = (size_t)reach_of(c, axis), before = (size_t)c->pad[axis] + c->picture[axis];
        told.window.size[axis] = c->kernel[axis];
        told.window.stride[axis] = c->stride[axis];
        told.window.dilation[axis] = c->dilation[axis];
        told.window.pad_before[axis] = c->pad[axis];
        told.window.pad_after[axis] = reach > before ? reach - before : 0;
    }
    return told;
}

void duet_convolution_extents(const duet_convolution *c, size_t *m, size_t *n, size_t *k)
{
    const size_t taps = (size_t)c->kernel[0] * c->kernel[1], pixels = (size_t)c->picture[0] * c->picture[1],
                 results = (size_t)c->result[0] * c->result[1];
    *n = c->use == DUET_CONVOLUTION_DATA ? c->channels : c->features;
    switch (c->use) {
    case DUET_CONVOLUTION_FORWARD:
        *m = c->images * results;
        *k = taps * (c->channels / c->groups);
        break;
    case DUET_CONVOLUTION_DATA:
        *m = c->images * pixels;
        *k = taps * (c->features / c->groups);
        break;
    default:
        *m = taps * (c->channels / c->groups);
        *k = c->images * results;
        break;
    }
}

/** The first and last result along one dimension for which this tap lies inside the picture; false if there is none. */
static bool results_of_tap(const duet_convolution *c, size_t axis, size_t tap, size_t *first, size_t *last)
{
    const size_t stride = c->stride[axis], pad = c->pad[axis], at = tap * c->dilation[axis];
    if (at >= pad + c->picture[axis]) return false;
    *first = at >= pad ? 0 : (pad - at + stride - 1) / stride;
    *last = (pad + c->picture[axis] - 1 - at) / stride;
    if (*last >= c->result[axis]) *last = c->result[axis] - 1;
    return *first <= *last;
}

/** How many pairs of a result and a tap lie inside the picture along one dimension. */
static double taps_inside(const duet_convolution *c, size_t axis)
{
    double count = 0;
    size_t first, last;
    for (size_t tap = 0; tap < c->kernel[axis]; tap++)
        if (results_of_tap(c, axis, tap, &first, &last)) count += (double)(last - first + 1);
    return count;
}

double duet_convolution_flops(const duet_convolution *c)
{
    return 2.0 * c->images * taps_inside(c, 0) * taps_inside(c, 1) * (c->channels / c->groups) * c->features;
}

void duet_convolution_elements(const duet_convolution *c, size_t *x, size_t *w, size_t *y)
{
    *x = (size_t)c->images * c->picture[0] * c->picture[1] * c->channels;
    *w = (size_t)c->kernel[0] * c->kernel[1] * (c->channels / c->groups) * c->features;
    *y = (size_t)c->images * c->result[0] * c->result[1] * c->features;
}

const char *duet_convolution_words(const duet_convolution *c, char *text, size_t size)
{
    char stride[24], dilation[28] = "", groups[16] = "";
    const bool square = c->stride[0] == c->stride[1];
    snprintf(stride, sizeof stride, square ? "/%u" : "/%ux%u", c->stride[0], c->stride[1]);
    if (c->dilation[0] != 1 || c->dilation[1] != 1)
        snprintf(dilation, sizeof dilation, " d%ux%u", c->dilation[0], c->dilation[1]);
    if (c->groups != 1) snprintf(groups, sizeof groups, " g%u", c->groups);
    snprintf(text, size, "%ux%u%s%s%s %ux%ux%ux%u->%ux%ux%u", c->kernel[0], c->kernel[1], stride, dilation, groups,
             c->images, c->picture[0], c->picture[1], c->channels, c->result[0], c->result[1], c->features);
    return text;
}
