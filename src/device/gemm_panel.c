/* GEMM provider "panel": B packed into panels, then one work-item a register tile (cl/gemm_panel.cl). For CPUs, and for
 * accelerators that are emulated on one. */
#include <stdio.h>

#include "base/size.h"
#include "device/gemm_rows.h"
#include "device/record.h"

enum { PACK_ROWS = 64 };

typedef struct panel_tile {
    size_t rows, lanes, columns;
} panel_tile;

/** 16 lanes come with 32 registers (AVX-512); narrower vectors may have 16 only. A device that claims scalars is one
 *  whose compiler makes vectors of work-items; vector types do it no harm. */
static panel_tile tile_for(const duet_device *device)
{
    const uint32_t width = device->info.vector_width;
    const size_t lanes = width >= 16 ? 16 : width >= 8 ? 8 : 4;
    return (panel_tile){.rows = lanes == 16 ? 12 : 6, .lanes = lanes, .columns = 2 * lanes};
}

static size_t count_pieces(size_t whole, size_t piece)
{
    return (whole + piece - 1) / piece;
}

static size_t panel_workspace(duet_device *device, const duet_gemm_shape *shape)
{
    const panel_tile tile = tile_for(device);
    size_t elements = 0, bytes = 0;
    if (!duet_size_multiply(duet_size_round_up(shape->n, tile.columns), shape->k, &elements)) return SIZE_MAX;
    if (!duet_size_multiply(elements, sizeof(float), &bytes)) return SIZE_MAX;
    return bytes;
}

static bool panel_fits(duet_device *device, const duet_gemm_shape *shape)
{
    return panel_workspace(device, shape) <= device->info.allocation_bytes;
}

static duet_status lower_pack(duet_device *device, const char *options, const duet_gemm_shape *shape, duet_place b,
                              duet_place panels, duet_launch_list *list, duet_error *error)
{
    const panel_tile tile = tile_for(device);
    const cl_ulong n = shape->n, k = shape->k, b_offset = b.offset, panels_offset = panels.offset;
    const duet_argument arguments[] = {
        {sizeof n, &n},
        {sizeof k, &k},
        {sizeof b.buffer, &b.buffer},
        {sizeof b_offset, &b_offset},
        {sizeof panels.buffer, &panels.buffer},
        {sizeof panels_offset, &panels_offset},
    };
    duet_launch launch = {
        .dimensions = 2,
        .global = {count_pieces(shape->n, tile.columns), count_pieces(shape->k, PACK_ROWS)},
        .local = {1, 1},
        .bytes = 2.0 * sizeof(float) * (double)shape->n * (double)shape->k,
    };
    snprintf(launch.name, sizeof launch.name, "pack panels %zux%zu %c", shape->k, shape->n,
             shape->transpose_b ? 't' : 'n');
    return duet_gemm_append(device, "gemm_panel.cl", options, shape->transpose_b ? "pack_columns" : "pack_rows",
                            arguments, sizeof arguments / sizeof *arguments, &launch, list, error);
}

static duet_status lower_product(duet_device *device, const char *options, const duet_gemm_shape *shape, duet_place a,
                                 duet_place panels, duet_place c, float beta, duet_launch_list *list, duet_error *error)
{
    const panel_tile tile = tile_for(device);
    const cl_ulong m = shape->m, n = shape->n, k = shape->k;
    const cl_ulong a_offset = a.offset, panels_offset = panels.offset, c_offset = c.offset;
    const cl_uint add = beta != 0.0f;
    const duet_argument arguments[] = {
        {sizeof m, &m},
        {sizeof n, &n},
        {sizeof k, &k},
        {sizeof a.buffer, &a.buffer},
        {sizeof a_offset, &a_offset},
        {sizeof panels.buffer, &panels.buffer},
        {sizeof panels_offset, &panels_offset},
        {sizeof c.buffer, &c.buffer},
        {sizeof c_offset, &c_offset},
        {sizeof add, &add},
    };
    duet_launch launch = {
        .dimensions = 2,
        .global = {count_pieces(shape->m, tile.rows), count_pieces(shape->n, tile.columns)},
        .local = {1, 1},
    };
    duet_gemm_describe(&launch, "gemm panel", shape, beta);
    return duet_gemm_append(device, "gemm_panel.cl", options,
                            shape->transpose_a ? "gemm_panel_transposed" : "gemm_panel", arguments,
                            sizeof arguments / sizeof *arguments, &launch, list, error);
}

static duet_status panel_lower(duet_device *device, const duet_gemm_shape *shape, duet_place a, duet_place b,
                               duet_place c, float beta, duet_place workspace, duet_launch_list *list,
                               duet_error *error)
{
    const panel_tile tile = tile_for(device);
    char options[96];
    snprintf(options, sizeof options, "-DROWS=%zu -DLANES=%zu -DPACK_ROWS=%d", tile.rows, tile.lanes, PACK_ROWS);
    DUET_TRY(lower_pack(device, options, shape, b, workspace, list, error));
    return lower_product(device, options, shape, a, workspace, c, beta, list, error);
}

const duet_gemm_provider duet_gemm_panel = {
    .name = "panel",
    .summary = "register tiles over packed panels, for CPUs",
    .fits = panel_fits,
    .workspace = panel_workspace,
    .lower = panel_lower,
};
