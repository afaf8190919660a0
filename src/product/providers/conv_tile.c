/* SPDX-License-Identifier: MIT */
/* Convolutions, provider "conv-tile": tiles in local memory whose rows are read through the window (cl/conv_tile.cl).
 * For GPUs. */
#include "base/number.h"
#include "base/size.h"
#include "product/providers/tiles.h"

/** Kernels count elements and places in 32 bits, with a sign. */
static const size_t most_elements = INT32_MAX / 2;

/** The work as plain products. For a data gradient each kind of pixels is one product; they differ in rows and taps,
 * and the largest counts. */
static duet_tile_work work_of(const duet_gemm_shape *shape)
{
    const duet_convolution *v = &shape->convolution;
    duet_tile_work work = {.m = shape->m,
                           .n = shape->n / v->groups,
                           .k = shape->k,
                           .count = v->groups,
                           .rows = shape->m,
                           .columns = shape->n};
    if (v->use != DUET_CONVOLUTION_DATA) return work;
    work.m = v->images;
    work.k = v->features / v->groups;
    for (size_t axis = 0; axis < 2; axis++) {
        work.count *= v->stride[axis];
        work.m *= duet_size_pieces(v->picture[axis], v->stride[axis]);
        work.k *= duet_size_pieces(v->kernel[axis],
                                   v->stride[axis] / duet_common_divisor(v->stride[axis], v->dilation[axis]));
    }
    return work;
}

static bool tile_fits(duet_device *device, const duet_gemm_shape *shape)
{
    const duet_convolution *v = &shape->convolution;
    size_t elements[3];
    bool fits = duet_tiles_fit(device) && duet_gemm_elements(shape, elements) && shape->m <= most_elements &&
                shape->k <= most_elements;
    for (size_t i = 0; fits && i < 3; i++) fits = elements[i] <= most_elements;
    for (size_t axis = 0; fits && axis < 2; axis++)
        fits = ((uint64_t)v->kernel[axis] - 1) * v->dilation[axis] < most_elements / 2 && v->stride[axis] < 256 &&
               (uint64_t)v->result[axis] * v->stride[axis] < most_elements / 2;
    return fits;
}

static size_t tile_workspace(duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    const duet_tile_work work = work_of(shape);
    (void)device;
    return duet_tiles_workspace(&work, parameters);
}

static duet_gemm_parameters tile_preset(const duet_device *device, const duet_gemm_shape *shape)
{
    const duet_tile_work work = work_of(shape);
    return duet_tiles_preset(device, &work);
}

static bool tile_candidate(const duet_device *device, const duet_gemm_shape *shape, size_t index,
                           duet_gemm_parameters *parameters)
{
    const duet_tile_work work = work_of(shape);
    return duet_tiles_candidate(device, &work, index, parameters);
}

static void tile_source(const duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters,
                        duet_gemm_source *source)
{
    const duet_gemm_kernel kernel = duet_conv_kernel("conv_tile.cl", shape);
    (void)device;
    duet_tiles_source(&kernel, parameters, source);
}

static duet_status tile_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                              cl_uint *arguments, duet_error *error)
{
    const duet_convolution *v = &product->shape.convolution;
    const duet_tile_work work = work_of(&product->shape);
    const cl_ulong elements = (cl_ulong)work.rows * work.columns;
    const cl_uint depth = (cl_uint)duet_tiles_depth(&work, &product->parameters);
    duet_gemm_source source;
    tile_source(device, &product->shape, &product->parameters, &source);
    const duet_gemm_call call = {
        .numbers = {{sizeof *v, v}, {sizeof elements, &elements}, {sizeof depth, &depth}},
    };
    return duet_tiles_lower(device, product, &work, "conv tile", &source, &call, list, arguments, error);
}

const duet_gemm_provider duet_conv_tile = {
    .name = "conv-tile",
    .summary = "convolutions as tiles in local memory, for GPUs",
    .convolves = true,
    .parameters = DUET_TILE_NAMES,
    .fits = tile_fits,
    .preset = tile_preset,
    .candidate = tile_candidate,
    .workspace = tile_workspace,
    .source = tile_source,
    .lower = tile_lower,
};
