/* SPDX-License-Identifier: MIT */
/* The weights' gradient of provider "conv-winograd": pixels and results go to the points (cl/conv_winograd_points.cl),
 * where they are multiplied and added up (cl/conv_winograd_weights.cl). */
#include <stdio.h>

#include "base/size.h"
#include "product/providers/conv_winograd.h"

enum { TILE_BLOCK = 16 /* tiles that a work-item brings to the points */ };

static size_t strip_of(const duet_gemm_parameters *parameters)
{
    return 2 * (size_t)parameters->value[DUET_WINOGRAD_LANES];
}

static size_t strips_of(const duet_convolution *it, const duet_gemm_parameters *parameters)
{
    return duet_size_pieces(it->features, strip_of(parameters));
}

static size_t blocks_of(const duet_convolution *it, const duet_gemm_parameters *parameters)
{
    return it->channels / parameters->value[DUET_WINOGRAD_LANES];
}

/** Tiles from one point's values to the next one's: an odd number, else they evict each other from a cache. */
static size_t pitch_of(const duet_convolution *it)
{
    return duet_winograd_tiles(it) | 1;
}

bool duet_winograd_weights_fits(const duet_device *device, const duet_convolution *it,
                                const duet_gemm_parameters *parameters)
{
    const uint32_t *value = parameters->value, lanes = value[DUET_WINOGRAD_LANES];
    const size_t points = duet_winograd_points(it) * duet_winograd_points(it), taps = (size_t)5 * 5;
    const size_t vectors = 2 * ((size_t)value[DUET_WINOGRAD_TILES] * points * lanes + taps);
    const uint32_t low_rows = value[DUET_WINOGRAD_ROWS] / 3 * 2; /* see cl/panel.cl */
    return lanes % low_rows == 0 && it->channels % lanes == 0 && it->features % lanes == 0 &&
           sizeof(float) * lanes * vectors <= duet_device_describe(device)->local_bytes &&
           duet_winograd_weights_workspace(it, parameters) <= duet_device_describe(device)->allocation_bytes;
}

/** How many strips and blocks of channels a work-item takes. */
typedef struct weights_shares {
    cl_ulong strips, blocks;
} weights_shares;

static size_t items_of(const duet_convolution *it, const duet_gemm_parameters *parameters, weights_shares shares)
{
    return duet_size_pieces(strips_of(it, parameters), shares.strips) *
           duet_size_pieces(blocks_of(it, parameters), shares.blocks);
}

bool duet_winograd_weights_fills(const duet_device *device, const duet_convolution *it,
                                 const duet_gemm_parameters *parameters)
{
    return items_of(it, parameters, (weights_shares){1, 1}) >= duet_device_describe(device)->compute_units;
}

/** As square a part as there is room for, while two are left for each compute unit. */
static weights_shares shares_of(const duet_device *device, const duet_convolution *it,
                                const duet_gemm_parameters *parameters)
{
    const size_t wanted = 2 * (size_t)duet_device_describe(device)->compute_units;
    weights_shares shares = {1, 1};
    for (size_t room = parameters->value[DUET_WINOGRAD_TILES]; room >= 2; room /= 2) {
        weights_shares wider = {2 * shares.strips, shares.blocks}, higher = {shares.strips, 2 * shares.blocks};
        const bool has_strips = wider.strips <= strips_of(it, parameters);
        const bool has_blocks = higher.blocks <= blocks_of(it, parameters);
        if (!has_strips && !has_blocks) break;
        const weights_shares next = has_strips && (!has_blocks || shares.strips < shares.blocks) ? wider : higher;
        if (items_of(it, parameters, next) < wanted) break;
        shares = next;
    }
    return shares;
}

void duet_winograd_weights_kernels(const duet_convolution *it, duet_gemm_source *source)
{
    const bool is_small = it->kernel[0] == 3;
    const duet_gemm_kernel kernel = {.variant = is_small ? "3x3" : "5x5",
                                     .constants = {{"POINTS", is_small ? "6" : "8"}}};
    source->prepares = source->writes = kernel;
    source->prepares.file = "conv_winograd_points.cl";
    source->writes.file = "conv_winograd_weights.cl";
}

size_t duet_winograd_weights_workspace(const duet_convolution *it, const duet_gemm_parameters *parameters)
{
    const size_t points = duet_winograd_points(it) * duet_winograd_points(it);
    const size_t columns = it->channels + duet_size_round_up(it->features, strip_of(parameters));
    size_t floats = 0, bytes = 0;
    if (!duet_size_multiply(points * pitch_of(it), columns, &floats) ||
        !duet_size_multiply(floats, sizeof(float), &bytes))
        return SIZE_MAX;
    return bytes;
}

static duet_status lower_points(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                                duet_launch_list *list, duet_error *error)
{
    const duet_convolution *it = &product->shape.convolution;
    const cl_ulong tile_block = TILE_BLOCK, pitch = pitch_of(it);
    const duet_gemm_call call = {
        .role = DUET_GEMM_PREPARES,
        .kernel = &source->prepares,
        .options = source->options,
        .numbers = {{sizeof *it, it}, {sizeof tile_block, &tile_block}, {sizeof pitch, &pitch}},
        .places = {product->a, product->b, product->workspace},
        .place_count = 3,
    };
    size_t elements[3] = {0};
    (void)duet_gemm_elements(&product->shape, elements);
    duet_launch launch = {
        .dimensions = 2,
        .global = {blocks_of(it, &product->parameters) + 2 * strips_of(it, &product->parameters),
                   duet_size_pieces(duet_winograd_tiles(it), TILE_BLOCK)},
        .local = {1, 1},
        .bytes = sizeof(float) * ((double)elements[0] + (double)elements[1]) +
                 (double)duet_winograd_weights_workspace(it, &product->parameters),
        .prepares = 3,
    };
    snprintf(launch.name, sizeof launch.name, "pictures at points %ux%ux%ux%u", it->kernel[0], it->kernel[1],
             it->channels, it->features);
    return duet_gemm_append_call(device, product, &call, &launch, list, NULL, error);
}

duet_status duet_winograd_weights_lower(duet_device *device, const duet_gemm_product *product,
                                        const duet_gemm_source *source, duet_launch_list *list,
                                        cl_uint *arguments_taken, duet_error *error)
{
    const duet_convolution *it = &product->shape.convolution;
    const weights_shares shares = shares_of(device, it, &product->parameters);
    const cl_ulong pitch = pitch_of(it);
    const duet_gemm_call call = {
        .role = DUET_GEMM_WRITES,
        .kernel = &source->writes,
        .options = source->options,
        .numbers = {{sizeof *it, it},
                    {sizeof shares.blocks, &shares.blocks},
                    {sizeof shares.strips, &shares.strips},
                    {sizeof pitch, &pitch}},
        .places = {product->workspace, product->c},
        .place_count = 2,
    };
    duet_launch launch = {.dimensions = 2,
                          .global = {duet_size_pieces(strips_of(it, &product->parameters), shares.strips),
                                     duet_size_pieces(blocks_of(it, &product->parameters), shares.blocks)},
                          .local = {1, 1}};
    DUET_TRY(lower_points(device, product, source, list, error));
    duet_gemm_describe(&launch, "conv winograd", product);
    return duet_gemm_append_call(device, product, &call, &launch, list, arguments_taken, error);
}
