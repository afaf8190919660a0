/* SPDX-License-Identifier: MIT */
/* The weights' gradient of provider "conv-panel" (cl/conv_panel_weights.cl, or conv_panel_few_weights.cl): how much of
 * the kernel, the features and the images a work-item takes is chosen so that pixels and results are copied least. */
#include "base/size.h"
#include "product/providers/conv_panel.h"

/** What a work-item takes, and how many parts that makes. */
typedef struct {
    bool few; /**< the picture has fewer channels than a tile has rows: rows are taps and channels */
    size_t row_block, strips, image_block;
    uint32_t tap_rows, tap_columns;
    size_t row_parts, strip_parts, pieces;
} weights_parts;

/** Whether a picture has few channels (see `few`) and fits local memory with its padding. */
static bool has_few_channels(const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    const duet_convolution *it = &shape->convolution;
    size_t length = it->channels;
    for (size_t axis = 0; axis < 2; axis++) {
        const size_t reach =
            (it->result[axis] - 1) * it->stride[axis] + (it->kernel[axis] - 1) * it->dilation[axis] + 1;
        if (reach > DUET_PANEL_PADDED || !duet_size_multiply(length, reach, &length)) return false;
    }
    return it->groups == 1 && it->channels < parameters->value[DUET_PANEL_ROWS] && length <= DUET_PANEL_PADDED;
}

/** Splits `all` into the fewest turns of at most `most`. Returns the size of equal turns. */
static uint32_t even_share(uint32_t all, uint32_t most)
{
    return (uint32_t)duet_size_pieces(all, duet_size_pieces(all, most));
}

/** Chooses how many rows of the kernel a work-item serves, so that least is copied. One row skips the pixels between
 *  its strides; several rows share pixels, but leave room for the sums of fewer strips. */
static void choose_taps(const duet_gemm_shape *shape, const uint32_t *value, size_t blocks, size_t all_strips,
                        weights_parts *parts)
{
    const duet_convolution *it = &shape->convolution;
    const double x = (double)it->picture[0] * it->picture[1] * it->channels;
    const double y = (double)it->result[0] * it->result[1] * it->features;
    const size_t room = value[DUET_PANEL_SUM_ROWS] / (parts->row_block + DUET_PANEL_FEW_ROWS);
    double least = 0;
    parts->tap_columns = even_share(it->kernel[1], room < DUET_PANEL_TAPS ? (uint32_t)room : DUET_PANEL_TAPS);
    for (uint32_t rows = 1; rows <= it->kernel[0] && rows * parts->tap_columns <= DUET_PANEL_TAPS; rows++) {
        size_t strips = room / (rows * parts->tap_columns);
        const uint64_t reach =
            ((rows - 1) * (uint64_t)it->dilation[0] + 1) * ((parts->tap_columns - 1) * (uint64_t)it->dilation[1] + 1);
        if (strips == 0 || (rows > 1 && reach > value[DUET_PANEL_K_BLOCK])) break;
        if (strips > value[DUET_PANEL_STRIPS]) strips = value[DUET_PANEL_STRIPS];
        if (strips > all_strips) strips = all_strips;
        const double times = (double)duet_size_pieces(it->kernel[0], rows);
        const double copied =
            times *
            (x * (double)duet_size_pieces(all_strips, strips) / (rows == 1 ? it->stride[0] : 1) + y * (double)blocks);
        if (rows > 1 && (copied >= least || even_share(it->kernel[0], rows) != rows)) continue;
        least = copied;
        parts->tap_rows = rows;
        parts->strips = strips;
    }
}

/** Divides the work. If that makes too few work-items for the device, splits the images into pieces, then gives each
 * fewer strips and rows. */
static weights_parts parts_of(const duet_device *device, const duet_gemm_shape *shape,
                              const duet_gemm_parameters *parameters)
{
    static const size_t most_pieces = 16;
    const duet_convolution *it = &shape->convolution;
    const uint32_t *value = parameters->value;
    const size_t wanted = 2 * (size_t)duet_device_describe(device)->compute_units;
    const size_t all_strips = duet_panel_strips(shape, parameters);
    weights_parts parts = {.few = has_few_channels(shape, parameters), .strips = 1, .tap_rows = 1, .tap_columns = 1};
    const size_t rows = parts.few ? shape->m : it->channels / it->groups;
    const size_t unit = value[parts.few ? DUET_PANEL_ROWS : DUET_PANEL_LANES];
    const size_t most = parts.few ? value[DUET_PANEL_SUM_ROWS] / unit * unit : DUET_PANEL_BLOCK_ROWS;
    size_t blocks = duet_size_pieces(rows, most), taps = 1;
    parts.row_block = duet_size_round_up(duet_size_pieces(rows, blocks), unit);
    if (!parts.few) {
        choose_taps(shape, value, blocks, all_strips, &parts);
        taps = duet_size_pieces(it->kernel[0], parts.tap_rows) * duet_size_pieces(it->kernel[1], parts.tap_columns);
    }
    parts.strip_parts = it->groups * duet_size_pieces(all_strips, parts.strips);
    parts.pieces = duet_size_pieces(wanted, taps * blocks * parts.strip_parts);
    if (parts.pieces > most_pieces) parts.pieces = most_pieces;
    parts.image_block = duet_size_pieces(it->images, parts.pieces);
    parts.pieces = duet_size_pieces(it->images, parts.image_block);
    const size_t items = taps * parts.pieces;
    while (parts.strips > 1 && items * blocks * parts.strip_parts < wanted) {
        parts.strips /= 2;
        parts.strip_parts = it->groups * duet_size_pieces(all_strips, parts.strips);
    }
    if (items * blocks * parts.strip_parts < wanted) blocks = duet_size_pieces(wanted, items * parts.strip_parts);
    parts.row_block = duet_size_round_up(duet_size_pieces(rows, blocks), unit);
    parts.row_parts = taps * duet_size_pieces(rows, parts.row_block);
    return parts;
}

void duet_panel_weights_kernels(const duet_device *device, const duet_gemm_shape *shape,
                                const duet_gemm_parameters *parameters, duet_gemm_source *source)
{
    const weights_parts parts = parts_of(device, shape, parameters);
    source->writes = (duet_gemm_kernel){.file = parts.few ? "conv_panel_few_weights.cl" : "conv_panel_weights.cl"};
    if (parts.pieces == 1) return;
    source->prepares = source->writes;
    source->writes = (duet_gemm_kernel){.file = "conv_panel_sum.cl"};
}

size_t duet_panel_weights_workspace(const duet_device *device, const duet_gemm_shape *shape,
                                    const duet_gemm_parameters *parameters)
{
    const weights_parts parts = parts_of(device, shape, parameters);
    size_t elements = 0, bytes = 0;
    if (parts.pieces == 1) return 0;
    if (!duet_size_multiply(shape->m, shape->n, &elements) ||
        !duet_size_multiply(elements, sizeof(float) * parts.pieces, &bytes))
        return SIZE_MAX;
    return bytes;
}

/** As conv_panel_weights.cl has it: what each work-item takes at most. */
typedef struct weights_shares {
    cl_uint tap_rows, tap_columns, row_block, strips, image_block;
} weights_shares;

static duet_status lower_parts(duet_device *device, const duet_gemm_product *product, const weights_parts *parts,
                               const duet_gemm_source *source, duet_launch_list *list, cl_uint *arguments_taken,
                               duet_error *error)
{
    const duet_convolution *it = &product->shape.convolution;
    const bool is_whole = parts->pieces == 1;
    const weights_shares shares = {parts->tap_rows, parts->tap_columns, (cl_uint)parts->row_block,
                                   (cl_uint)parts->strips, (cl_uint)parts->image_block};
    duet_gemm_call call = {
        .role = is_whole ? DUET_GEMM_WRITES : DUET_GEMM_PIECES,
        .kernel = is_whole ? &source->writes : &source->prepares,
        .options = source->options,
        .numbers = {{sizeof *it, it}, {sizeof shares, &shares}},
        .places = {product->a, product->b, is_whole ? product->c : product->workspace},
        .place_count = 3,
    };
    if (parts->few) {
        call.numbers[1] = (duet_argument){sizeof shares.row_block, &shares.row_block};
        call.numbers[2] = (duet_argument){sizeof shares.image_block, &shares.image_block};
    }
    duet_launch launch = {
        .dimensions = 3, .global = {parts->row_parts, parts->strip_parts, parts->pieces}, .local = {1, 1, 1}};
    duet_gemm_describe(&launch, "conv panel", product);
    return duet_gemm_append_call(device, product, &call, &launch, list, arguments_taken, error);
}

duet_status duet_panel_weights_lower(duet_device *device, const duet_gemm_product *product,
                                     const duet_gemm_source *source, duet_launch_list *list, cl_uint *arguments_taken,
                                     duet_error *error)
{
    const weights_parts parts = parts_of(device, &product->shape, &product->parameters);
    DUET_TRY(lower_parts(device, product, &parts, source, list, arguments_taken, error));
    if (parts.pieces == 1) return DUET_OK;
    const size_t rows = product->shape.m, items = 4 * (size_t)duet_device_describe(device)->compute_units;
    duet_launch launch = {.dimensions = 1, .global = {rows < items ? rows : items}, .local = {1}};
    return duet_gemm_append_sum(device, product, source, "conv panel", (cl_uint)parts.pieces, &launch, list,
                                arguments_taken, error);
}
