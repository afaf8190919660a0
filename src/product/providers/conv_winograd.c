/* SPDX-License-Identifier: MIT */
/* Convolutions, provider "conv-winograd": windows of 3 x 3 and 5 x 5 at stride 1 by Winograd's short convolutions
 * (cl/winograd.cl), in the register tiles of "conv-panel". For CPUs; fewer multiplications, at the price of some bits
 * of precision. */
#include <stdio.h>

#include "base/size.h"
#include "product/providers/conv_winograd.h"

enum {
    PACKED = 16, /* steps of k that a work-item packs */
    LINE = 16,   /* floats */
};

static size_t columns_of(const duet_gemm_parameters *parameters)
{
    return 2 * (size_t)parameters->value[DUET_WINOGRAD_LANES];
}

size_t duet_winograd_points(const duet_convolution *it)
{
    return it->kernel[0] + DUET_WINOGRAD_RESULTS - 1;
}

static bool is_weights(const duet_convolution *it)
{
    return it->use == DUET_CONVOLUTION_WEIGHTS;
}

/** Channels of what is read, or features. */
static size_t depth_of(const duet_convolution *it)
{
    return it->use == DUET_CONVOLUTION_DATA ? it->features : it->channels;
}

/** Of a forward pass or a data gradient. */
static size_t local_bytes(const duet_convolution *it, const duet_gemm_parameters *parameters)
{
    const size_t taps = (size_t)it->kernel[0] * it->kernel[1],
                 points = duet_winograd_points(it) * duet_winograd_points(it);
    const size_t sums = points * parameters->value[DUET_WINOGRAD_TILES] + DUET_PANEL_FEW_ROWS +
                        DUET_WINOGRAD_RESULTS * DUET_WINOGRAD_RESULTS,
                 packed = taps * PACKED;
    return sizeof(float) * columns_of(parameters) * (sums > packed ? sums : packed);
}

static bool fits_with(const duet_device *device, const duet_convolution *it, const duet_gemm_parameters *parameters)
{
    if (is_weights(it)) return duet_winograd_weights_fits(device, it, parameters);
    return depth_of(it) % parameters->value[DUET_WINOGRAD_LANES] == 0 &&
           local_bytes(it, parameters) <= duet_device_describe(device)->local_bytes;
}

static duet_gemm_parameters winograd_preset(const duet_device *device, const duet_gemm_shape *shape)
{
    const uint32_t lanes = duet_panel_lanes(device);
    const uint32_t most = is_weights(&shape->convolution) ? 4 : 16, least = most / 4;
    duet_gemm_parameters parameters = {.value = {duet_panel_rows(lanes), lanes, most}};
    while (!fits_with(device, &shape->convolution, &parameters) && parameters.value[DUET_WINOGRAD_TILES] > least)
        parameters.value[DUET_WINOGRAD_TILES] /= 2;
    return parameters;
}

/* Tuning: the preset with one parameter changed. */
enum { WEIGHTS_TILES = DUET_WINOGRAD_TILES + 1 }; /* the row of tiles for weights' gradients */
static const uint32_t grid[][4] = {[DUET_WINOGRAD_ROWS] = {6, 12},
                                   [DUET_WINOGRAD_LANES] = {4, 8, 16},
                                   [DUET_WINOGRAD_TILES] = {12, 16, 24, 48},
                                   [WEIGHTS_TILES] = {1, 2, 4, 8}};
enum { GRID_PARAMETERS = WEIGHTS_TILES, GRID_VALUES = sizeof *grid / sizeof **grid };

static bool winograd_candidate(const duet_device *device, const duet_gemm_shape *shape, size_t index,
                               duet_gemm_parameters *parameters)
{
    static const size_t promise[GRID_PARAMETERS] = {DUET_WINOGRAD_TILES, DUET_WINOGRAD_ROWS, DUET_WINOGRAD_LANES};
    const duet_gemm_parameters preset = winograd_preset(device, shape);
    for (size_t i = 0; i < GRID_PARAMETERS * GRID_VALUES; i++) {
        const size_t parameter = promise[i / GRID_VALUES];
        const bool has_own_row = parameter == DUET_WINOGRAD_TILES && is_weights(&shape->convolution);
        const uint32_t value = grid[has_own_row ? WEIGHTS_TILES : parameter][i % GRID_VALUES];
        *parameters = preset;
        if (value == 0 || preset.value[parameter] == value) continue;
        parameters->value[parameter] = value;
        if (fits_with(device, &shape->convolution, parameters) && index-- == 0) return true;
    }
    return false;
}

static bool fits(const duet_device *device, const duet_gemm_shape *shape)
{
    const duet_convolution *it = &shape->convolution;
    for (size_t axis = 0; axis < 2; axis++)
        if (it->stride[axis] != 1 || it->dilation[axis] != 1 || it->pad[axis] >= it->kernel[axis]) return false;
    if (it->groups != 1 || it->kernel[0] != it->kernel[1] || (it->kernel[0] != 3 && it->kernel[0] != 5)) return false;
    const duet_gemm_parameters preset = winograd_preset(device, shape);
    return shape->m <= INT32_MAX && fits_with(device, it, &preset);
}

static bool winograd_fits(duet_device *device, const duet_gemm_shape *shape)
{
    return fits(device, shape);
}

/** Channels, or features, of what is computed. */
static size_t width_of(const duet_convolution *it)
{
    return it->use == DUET_CONVOLUTION_DATA ? it->channels : it->features;
}

size_t duet_winograd_tiles(const duet_convolution *it)
{
    const uint32_t *extent = it->use == DUET_CONVOLUTION_DATA ? it->picture : it->result;
    return it->images * duet_size_pieces(extent[0], DUET_WINOGRAD_RESULTS) *
           duet_size_pieces(extent[1], DUET_WINOGRAD_RESULTS);
}

/** Measured on CPUs (docs/performance.md): with half of the products the transforms are paid for, if there are a dozen
 *  channels and features to share them. For weights both operands are transformed, and what each value at the points is
 *  multiplied with is half the harmonic mean of both. */
bool duet_winograd_pays(const duet_device *device, const duet_gemm_shape *shape)
{
    static const size_t least_depth = 16, least_width = 8, least_both = 32;
    const duet_convolution *it = &shape->convolution;
    if (!fits(device, shape) || depth_of(it) < least_depth || width_of(it) < least_width) return false;
    const duet_gemm_parameters preset = winograd_preset(device, shape);
    if (is_weights(it) && (!duet_winograd_weights_fills(device, it, &preset) ||
                           depth_of(it) * width_of(it) < least_both * (depth_of(it) + width_of(it))))
        return false;
    const double products = (double)(duet_winograd_tiles(it) * duet_winograd_points(it) * duet_winograd_points(it) *
                                     depth_of(it) * width_of(it));
    return 2 * products <= duet_convolution_flops(it) / 2;
}

/** How tiles are shared out. */
typedef struct {
    size_t tile_block, items, pitch; /**< pitch: floats from one tile's values to the next one's */
} shares;

static shares shares_of(const duet_device *device, const duet_convolution *it, const duet_gemm_parameters *parameters)
{
    const size_t units = duet_device_describe(device)->compute_units, tiles = duet_winograd_tiles(it);
    size_t blocks = duet_size_pieces(tiles, parameters->value[DUET_WINOGRAD_TILES]);
    if (blocks < 2 * units) blocks = 2 * units;
    const size_t block = duet_size_pieces(tiles, blocks);
    blocks = duet_size_pieces(tiles, block);
    /* few items, which find their values in a cache again and again */
    return (shares){block, blocks < 2 * units ? blocks : 2 * units, (depth_of(it) / LINE | 1) * LINE};
}

/** Floats of the weights at the points. */
static size_t panel_floats(const duet_convolution *it, const duet_gemm_parameters *parameters)
{
    return duet_winograd_points(it) * duet_winograd_points(it) * depth_of(it) *
           duet_size_round_up(width_of(it), columns_of(parameters));
}

static size_t winograd_workspace(duet_device *device, const duet_gemm_shape *shape,
                                 const duet_gemm_parameters *parameters)
{
    const duet_convolution *it = &shape->convolution;
    if (is_weights(it)) return duet_winograd_weights_workspace(it, parameters);
    const shares most = shares_of(device, it, parameters);
    return sizeof(float) * (panel_floats(it, parameters) + most.items * duet_winograd_points(it) *
                                                               duet_winograd_points(it) * most.tile_block * most.pitch);
}

static duet_gemm_kernel kernel_of(const char *file, const duet_convolution *it)
{
    const bool is_data = it->use == DUET_CONVOLUTION_DATA, is_small = it->kernel[0] == 3;
    static const char *const variants[2][2] = {{"forward_5x5", "forward_3x3"}, {"data_5x5", "data_3x3"}};
    return (duet_gemm_kernel){.file = file,
                              .variant = variants[is_data][is_small],
                              .constants = {{"USE", is_data ? "DATA" : "FORWARD"}, {"POINTS", is_small ? "6" : "8"}}};
}

static void winograd_source(const duet_device *device, const duet_gemm_shape *shape,
                            const duet_gemm_parameters *parameters, duet_gemm_source *source)
{
    const uint32_t *value = parameters->value;
    (void)device;
    *source = (duet_gemm_source){.run = columns_of(parameters), .space = "__local"};
    if (is_weights(&shape->convolution)) {
        duet_winograd_weights_kernels(&shape->convolution, source);
    } else {
        source->prepares = kernel_of("conv_winograd_pack.cl", &shape->convolution);
        source->writes = kernel_of("conv_winograd.cl", &shape->convolution);
    }
    snprintf(source->options, sizeof source->options, "-DROWS=%u -DLANES=%u -DK_BLOCK=%d -DSUM_ROWS=1 -DTILES=%u",
             value[DUET_WINOGRAD_ROWS], value[DUET_WINOGRAD_LANES], PACKED, value[DUET_WINOGRAD_TILES]);
}

static duet_status lower_packing(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                                 duet_launch_list *list, duet_error *error)
{
    const duet_convolution *it = &product->shape.convolution;
    const size_t floats = panel_floats(it, &product->parameters), points = duet_winograd_points(it);
    duet_launch launch = {
        .dimensions = 2,
        .global = {duet_size_pieces(depth_of(it), PACKED),
                   floats / (points * points * depth_of(it) * columns_of(&product->parameters))},
        .local = {1, 1},
    };
    return duet_conv_append_packing(device, product, source, "weights at points", floats, &launch, list, error);
}

static duet_status lower_tiles(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                               duet_launch_list *list, cl_uint *arguments_taken, duet_error *error)
{
    const duet_convolution *it = &product->shape.convolution;
    const shares most = shares_of(device, it, &product->parameters);
    const cl_ulong tile_block = most.tile_block, pitch = most.pitch;
    const duet_gemm_call call = {
        .role = DUET_GEMM_WRITES,
        .kernel = &source->writes,
        .options = source->options,
        .numbers = {{sizeof *it, it}, {sizeof tile_block, &tile_block}, {sizeof pitch, &pitch}},
        .places = {product->a, product->workspace, product->c},
        .place_count = 3,
    };
    duet_launch launch = {.dimensions = 1, .global = {most.items}, .local = {1}};
    DUET_TRY(lower_packing(device, product, source, list, error));
    duet_gemm_describe(&launch, "conv winograd", product);
    return duet_gemm_append_call(device, product, &call, &launch, list, arguments_taken, error);
}

static duet_status winograd_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                                  cl_uint *arguments, duet_error *error)
{
    duet_gemm_source source;
    winograd_source(device, &product->shape, &product->parameters, &source);
    if (is_weights(&product->shape.convolution))
        return duet_winograd_weights_lower(device, product, &source, list, arguments, error);
    return lower_tiles(device, product, &source, list, arguments, error);
}

const duet_gemm_provider duet_conv_winograd = {
    .name = "conv-winograd",
    .summary = "3x3 and 5x5 convolutions at stride 1 by fewer products, for CPUs",
    .convolves = true,
    .rounding = 8, /* 4 to 5 seen, by the root mean square */
    .parameters = {"rows", "lanes", "tiles"},
    .fits = winograd_fits,
    .preset = winograd_preset,
    .candidate = winograd_candidate,
    .workspace = winograd_workspace,
    .source = winograd_source,
    .lower = winograd_lower,
};
