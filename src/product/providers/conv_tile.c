/* SPDX-License-Identifier: MIT */
/* Convolutions, provider "conv-tile": tiles in local memory whose rows are read through the window (cl/conv_tile.cl).
 * For GPUs. */
#include "product/providers/tiles.h"

/** Kernels count elements and places in 32 bits, with a sign. */
static const size_t most_elements = INT32_MAX / 2;

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
    const duet_tile_work work = duet_tiles_work(&product->shape);
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
    .preset = duet_tiles_preset,
    .candidate = duet_tiles_candidate,
    .workspace = duet_tiles_workspace,
    .source = tile_source,
    .lower = tile_lower,
};
