/* SPDX-License-Identifier: MIT */
/* GEMM provider "tile": tiles in local memory, sums in registers (cl/gemm_tile.cl). For GPUs. */
#include "product/providers/tiles.h"

/** A tile's offsets are counted in 32 bits: its rows are at most 128. */
static const size_t longest_row = UINT32_MAX / 256;

static bool tile_fits(duet_device *device, const duet_gemm_shape *shape)
{
    return duet_tiles_fit(device) && shape->m <= longest_row && shape->n <= longest_row && shape->k <= longest_row;
}

static void tile_source(const duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters,
                        duet_gemm_source *source)
{
    const duet_gemm_kernel kernel = duet_gemm_kernel_of("gemm_tile.cl", shape);
    (void)device;
    duet_tiles_source(&kernel, parameters, source);
}

static duet_status tile_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                              cl_uint *arguments, duet_error *error)
{
    const duet_tile_work work = duet_tiles_work(&product->shape);
    const cl_ulong m = work.m, n = work.n, k = work.k, depth = duet_tiles_depth(&work, &product->parameters);
    duet_gemm_source source;
    tile_source(device, &product->shape, &product->parameters, &source);
    const duet_gemm_call call = {
        .numbers = {{sizeof m, &m}, {sizeof n, &n}, {sizeof k, &k}, {sizeof depth, &depth}},
    };
    return duet_tiles_lower(device, product, &work, "gemm tile", &source, &call, list, arguments, error);
}

const duet_gemm_provider duet_gemm_tile = {
    .name = "tile",
    .summary = "tiles in local memory, sums in registers, for GPUs",
    .parameters = DUET_TILE_NAMES,
    .fits = tile_fits,
    .preset = duet_tiles_preset,
    .candidate = duet_tiles_candidate,
    .workspace = duet_tiles_workspace,
    .source = tile_source,
    .lower = tile_lower,
};
