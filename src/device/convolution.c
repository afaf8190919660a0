/* What follows from a convolution's extents. */
#include "device/convolution.h"

#include <stdio.h>

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

/** How many pairs of a result and a tap meet a pixel along one dimension. */
static double taps_inside(const duet_convolution *c, size_t axis)
{
    double count = 0;
    for (size_t o = 0; o < c->result[axis]; o++)
        for (size_t tap = 0; tap < c->kernel[axis]; tap++) {
            const size_t at = o * c->stride[axis] + tap * c->dilation[axis];
            count += at >= c->pad[axis] && at - c->pad[axis] < c->picture[axis];
        }
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
    snprintf(text, size, "%ux%u/%u %ux%ux%ux%u->%ux%ux%u", c->kernel[0], c->kernel[1], c->stride[0], c->images,
             c->picture[0], c->picture[1], c->channels, c->result[0], c->result[1], c->features);
    return text;
}
