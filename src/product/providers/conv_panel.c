/* SPDX-License-Identifier: MIT */
/* Convolutions, provider "conv-panel": register tiles whose rows are images, over panels of weights (cl/conv_panel.cl
 * and the files whose names begin like it). For CPUs, and for accelerators that are emulated on one. */
#include <stdio.h>

#include "base/size.h"
#include "product/providers/conv_panel.h"

static size_t columns_of(const duet_gemm_parameters *parameters)
{
    return 2 * (size_t)parameters->value[DUET_PANEL_LANES];
}

static bool is_weights(const duet_gemm_shape *shape)
{
    return shape->convolution.use == DUET_CONVOLUTION_WEIGHTS;
}

/** A single feature fills no strip: vectors hold neighbours of k instead. */
static bool is_thin(const duet_gemm_shape *shape)
{
    return shape->n == 1 && !is_weights(shape);
}

/** Floats of pixels that a work-item of the weights' gradient copies: four pixels for each row of a panel. */
static size_t block_floats(const duet_gemm_parameters *parameters)
{
    return 4 * (size_t)parameters->value[DUET_PANEL_K_BLOCK] * DUET_PANEL_BLOCK_ROWS;
}

/** Local memory of the program's kernel that needs most. Weights' gradient: a panel, sums, and either copied pixels and
 * the taps' steps or, for few channels, a padded picture, its steps and rows. Else: sums and steps, or a panel to pack
 * weights. */
static size_t local_bytes(const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    const uint32_t *value = parameters->value;
    const size_t k_block = value[DUET_PANEL_K_BLOCK], sum_rows = value[DUET_PANEL_SUM_ROWS] + DUET_PANEL_FEW_ROWS;
    const size_t panel = columns_of(parameters) * k_block, sums = columns_of(parameters) * sum_rows;
    const size_t pixels = block_floats(parameters) + value[DUET_PANEL_ROWS] + (2 * k_block + 1) * DUET_PANEL_TAPS;
    const size_t padded = 2 * DUET_PANEL_PADDED + sum_rows, steps = 2 * k_block;
    if (is_weights(shape)) return sizeof(float) * (panel + sums + (pixels > padded ? pixels : padded));
    return sizeof(float) * (sums + steps > panel ? sums + steps : panel);
}

size_t duet_panel_strips(const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    return duet_size_pieces(shape->n / shape->convolution.groups, columns_of(parameters));
}

static duet_gemm_parameters panel_preset(const duet_device *device, const duet_gemm_shape *shape)
{
    const uint32_t lanes = duet_panel_lanes(device);
    const uint32_t k_block = is_weights(shape) ? 128 : 512;
    duet_gemm_parameters parameters = {.value = {duet_panel_rows(lanes), lanes, k_block, 1440, 4}};
    uint32_t *value = parameters.value;
    while (local_bytes(shape, &parameters) > duet_device_describe(device)->local_bytes &&
           value[DUET_PANEL_K_BLOCK] > 16) {
        value[DUET_PANEL_K_BLOCK] /= 2;
        if (value[DUET_PANEL_SUM_ROWS] > 360) value[DUET_PANEL_SUM_ROWS] /= 2;
    }
    return parameters;
}

/** One row of the window must fit the pixels that a work-item copies. A copied pixel has at most DUET_PANEL_BLOCK_ROWS
 * channels and a cache line more. */
static bool holds_window(const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    const duet_convolution *it = &shape->convolution;
    return !is_weights(shape) ||
           (it->kernel[1] - 1) * (size_t)it->dilation[1] < block_floats(parameters) / (DUET_PANEL_BLOCK_ROWS + 16);
}

/* Tuning: the preset with one parameter changed. */
static const uint32_t grid[][4] = {[DUET_PANEL_ROWS] = {6, 12},
                                   [DUET_PANEL_LANES] = {4, 8, 16},
                                   [DUET_PANEL_K_BLOCK] = {64, 128, 256, 512},
                                   [DUET_PANEL_SUM_ROWS] = {360, 720, 1440},
                                   [DUET_PANEL_STRIPS] = {1, 2, 4, 8}};
enum { GRID_PARAMETERS = sizeof grid / sizeof *grid, GRID_VALUES = sizeof *grid / sizeof **grid };

static bool panel_candidate(const duet_device *device, const duet_gemm_shape *shape, size_t index,
                            duet_gemm_parameters *parameters)
{
    static const size_t promise[GRID_PARAMETERS] = {DUET_PANEL_STRIPS, DUET_PANEL_K_BLOCK, DUET_PANEL_SUM_ROWS,
                                                    DUET_PANEL_ROWS, DUET_PANEL_LANES};
    const duet_gemm_parameters preset = panel_preset(device, shape);
    for (size_t i = 0; i < GRID_PARAMETERS * GRID_VALUES; i++) {
        const size_t parameter = promise[i / GRID_VALUES];
        const uint32_t value = grid[parameter][i % GRID_VALUES];
        *parameters = preset;
        if (value == 0 || preset.value[parameter] == value) continue;
        parameters->value[parameter] = value;
        if (holds_window(shape, parameters) &&
            local_bytes(shape, parameters) <= duet_device_describe(device)->local_bytes && index-- == 0)
            return true;
    }
    return false;
}

/** Kernels use 32 bits to count the elements of a picture and of the weights, and the rows of the result. */
static bool panel_fits(duet_device *device, const duet_gemm_shape *shape)
{
    const duet_convolution *it = &shape->convolution;
    const duet_gemm_parameters preset = panel_preset(device, shape);
    const double most = INT32_MAX, pixels = (double)it->picture[0] * it->picture[1],
                 results = (double)it->result[0] * it->result[1], taps = (double)it->kernel[0] * it->kernel[1];
    return shape->m <= INT32_MAX && pixels * it->channels <= most && results * it->features <= most &&
           taps * it->channels * it->features <= most && holds_window(shape, &preset) &&
           local_bytes(shape, &preset) <= duet_device_describe(device)->local_bytes;
}

static size_t panel_floats(const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    return shape->convolution.groups * duet_panel_strips(shape, parameters) * shape->k * columns_of(parameters);
}

/** Bytes of the weights in panels, or of the pieces of their gradient. */
static size_t panel_workspace(duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    if (is_weights(shape)) return duet_panel_weights_workspace(device, shape, parameters);
    return is_thin(shape) ? 0 : sizeof(float) * panel_floats(shape, parameters);
}

/** Height and width of what is computed. */
static const uint32_t *places_of(const duet_convolution *it)
{
    return it->use == DUET_CONVOLUTION_DATA ? it->picture : it->result;
}

static void panel_source(const duet_device *device, const duet_gemm_shape *shape,
                         const duet_gemm_parameters *parameters, duet_gemm_source *source)
{
    const uint32_t *value = parameters->value;
    *source = (duet_gemm_source){.run = columns_of(parameters), .space = "__local"};
    if (is_weights(shape)) {
        duet_panel_weights_kernels(device, shape, parameters, source);
    } else if (is_thin(shape)) {
        source->writes = duet_conv_kernel("conv_panel_thin.cl", shape);
        source->row = places_of(&shape->convolution)[1];
    } else {
        source->prepares = duet_conv_kernel("conv_panel_pack.cl", shape);
        source->writes = duet_conv_kernel("conv_panel.cl", shape);
    }
    snprintf(source->options, sizeof source->options,
             "-DROWS=%u -DLANES=%u -DK_BLOCK=%u -DSUM_ROWS=%u -DPADDED=%d -DBLOCK=%zu -DTAPS=%d",
             value[DUET_PANEL_ROWS], value[DUET_PANEL_LANES], value[DUET_PANEL_K_BLOCK], value[DUET_PANEL_SUM_ROWS],
             DUET_PANEL_PADDED, block_floats(parameters), DUET_PANEL_TAPS);
}

static duet_status lower_packing(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                                 duet_launch_list *list, duet_error *error)
{
    const duet_convolution *it = &product->shape.convolution;
    duet_launch launch = {
        .dimensions = 2,
        .global = {(size_t)it->kernel[0] * it->kernel[1],
                   it->groups * duet_panel_strips(&product->shape, &product->parameters)},
        .local = {1, 1},
    };
    return duet_conv_append_packing(device, product, source, "panels of weights",
                                    panel_floats(&product->shape, &product->parameters), &launch, list, error);
}

/** Images of a work-item. If the panels stay in a second-level cache: one tile's worth, so that the pixels stay there
 *  too until the next row of places reads them. Else as many as there are sums for, since panels come from further
 *  away. */
static size_t images_taken(const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    static const size_t near_floats = 32768;
    const size_t strips = duet_panel_strips(shape, parameters), most = parameters->value[DUET_PANEL_STRIPS];
    const size_t columns = (strips < most ? strips : most) * columns_of(parameters);
    return shape->k <= near_floats / columns ? parameters->value[DUET_PANEL_ROWS]
                                             : parameters->value[DUET_PANEL_SUM_ROWS] - DUET_PANEL_FEW_ROWS;
}

static duet_status lower_gather(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                                duet_launch_list *list, cl_uint *arguments_taken, duet_error *error)
{
    const duet_convolution *it = &product->shape.convolution;
    const uint32_t *value = product->parameters.value;
    const size_t strips = duet_panel_strips(&product->shape, &product->parameters);
    const size_t most = images_taken(&product->shape, &product->parameters);
    const size_t blocks = duet_size_pieces(it->images, most);
    const size_t images = most == value[DUET_PANEL_ROWS] ? most : duet_size_pieces(it->images, blocks);
    const size_t room = value[DUET_PANEL_SUM_ROWS] / (images + DUET_PANEL_FEW_ROWS);
    const size_t taken = value[DUET_PANEL_STRIPS] < room ? value[DUET_PANEL_STRIPS] : room;
    const cl_ulong image_block = images, strips_taken = taken < strips ? taken : strips;
    const duet_gemm_call call = {
        .role = DUET_GEMM_WRITES,
        .kernel = &source->writes,
        .options = source->options,
        .numbers = {{sizeof *it, it}, {sizeof image_block, &image_block}, {sizeof strips_taken, &strips_taken}},
        .places = {product->a, product->workspace, product->c},
        .place_count = 3,
    };
    duet_launch launch = {.dimensions = 3,
                          .global = {places_of(it)[0], it->groups * duet_size_pieces(strips, strips_taken), blocks},
                          .local = {1, 1, 1}};
    DUET_TRY(lower_packing(device, product, source, list, error));
    duet_gemm_describe(&launch, "conv panel", product);
    return duet_gemm_append_call(device, product, &call, &launch, list, arguments_taken, error);
}

static duet_status lower_thin(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                              duet_launch_list *list, cl_uint *arguments_taken, duet_error *error)
{
    const duet_convolution *it = &product->shape.convolution;
    const size_t rows = places_of(it)[0],
                 tiles = duet_size_pieces(it->images, product->parameters.value[DUET_PANEL_ROWS]);
    const size_t blocks = duet_size_pieces(8 * (size_t)duet_device_describe(device)->compute_units, tiles);
    const cl_uint row_block = (cl_uint)duet_size_pieces(rows, blocks < rows ? blocks : rows);
    const duet_gemm_call call = {
        .role = DUET_GEMM_WRITES,
        .kernel = &source->writes,
        .options = source->options,
        .numbers = {{sizeof *it, it}, {sizeof row_block, &row_block}},
        .places = {product->a, product->b, product->c},
        .place_count = 3,
    };
    duet_launch launch = {.dimensions = 2, .global = {duet_size_pieces(rows, row_block), tiles}, .local = {1, 1}};
    duet_gemm_describe(&launch, "conv panel", product);
    return duet_gemm_append_call(device, product, &call, &launch, list, arguments_taken, error);
}

static duet_status panel_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                               cl_uint *arguments, duet_error *error)
{
    duet_gemm_source source;
    panel_source(device, &product->shape, &product->parameters, &source);
    if (is_weights(&product->shape)) return duet_panel_weights_lower(device, product, &source, list, arguments, error);
    if (is_thin(&product->shape)) return lower_thin(device, product, &source, list, arguments, error);
    return lower_gather(device, product, &source, list, arguments, error);
}

const duet_gemm_provider duet_conv_panel = {
    .name = "conv-panel",
    .summary = "convolutions in register tiles whose rows are images, for CPUs",
    .convolves = true,
    .parameters = {"rows", "lanes", "k_block", "sum_rows", "strips"},
    .fits = panel_fits,
    .preset = panel_preset,
    .candidate = panel_candidate,
    .workspace = panel_workspace,
    .source = panel_source,
    .lower = panel_lower,
};
