/* SPDX-License-Identifier: MIT */
/* What the kernels of convolutions share: the extents, as src/product/convolution.h has them. x is the picture,
 * [images, picture, channels]; w the weights, [kernel_size, channels / groups, features]; y the result, [images,
 * result, features]. Tap k of result o lies at o * stride + k * dilation - pad. */
#ifndef CONVOLUTION_CL
#define CONVOLUTION_CL

typedef struct {
    uint use, images, picture[2], channels, result[2], features;
    uint kernel_size[2], stride[2], dilation[2], pad[2];
    uint groups;
} convolution;

/* The pixel that tap `tap` of result `o` reads along a dimension; outside the picture if not below its extent. */
uint pixel_of(const convolution s, const uint axis, const uint o, const uint tap)
{
    return o * s.stride[axis] + tap * s.dilation[axis] - s.pad[axis]; /* a place before the picture wraps far past it */
}

/* The result that reads pixel `at` with tap `tap` along a dimension; none if not below the extent. */
uint result_of(const convolution s, const uint axis, const uint at, const uint tap)
{
    const uint distance = at + s.pad[axis] - tap * s.dilation[axis];
    return (int)distance < 0 || distance % s.stride[axis] != 0 ? s.result[axis] : distance / s.stride[axis];
}

/* What a kernel computes: y from x and w, x from y and w, w from x and y. The values of `use`, and of the constant USE
 * of kernels that are compiled for one of them. */
#define FORWARD 1
#define DATA    2
#define WEIGHTS 3

#endif
