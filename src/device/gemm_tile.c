/* GEMM provider "tile": tiles in local memory, sums in registers (cl/gemm_tile.cl). For GPUs. Which tile suits a
 * product is estimated from what moves where; C with too few tiles is computed in pieces of k that are added up in
 * order. */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "device/gemm_rows.h"
#include "device/record.h"

enum { TILE_M, TILE_N, TILE_K, ITEM_M, ITEM_N, WIDTH, PADDING, BUFFERS, PIECES }; /* the parameters */

/** A tile's offsets are counted in 32 bits: its rows are at most 128. */
static const size_t longest_row = UINT32_MAX / 256;
static const uint32_t most_pieces = 16;

/** Tiles worth trying, all but the pieces. Large ones read memory less, small ones are many; 8 x 8 sums an item read
 *  local memory least, 4 x 4 leave registers for more groups at a time. Where two look alike the first is taken. */
static const duet_gemm_parameters tiles[] = {
    {{128, 128, 16, 8, 8, 4, 4, 1}}, {{128, 128, 8, 8, 8, 4, 4, 2}}, {{128, 64, 16, 8, 8, 4, 4, 1}},
    {{64, 128, 16, 8, 8, 4, 4, 1}},  {{64, 64, 16, 8, 4, 4, 4, 1}},  {{64, 64, 16, 8, 4, 4, 4, 2}},
    {{64, 64, 16, 4, 4, 4, 4, 1}},   {{64, 64, 32, 8, 8, 4, 4, 1}},  {{64, 64, 16, 8, 8, 1, 1, 1}},
    {{32, 64, 16, 4, 4, 4, 4, 1}},   {{64, 32, 16, 4, 4, 4, 4, 1}},  {{32, 32, 16, 4, 4, 4, 4, 1}},
    {{32, 32, 32, 4, 4, 4, 0, 2}},   {{32, 32, 32, 2, 4, 2, 2, 1}},  {{16, 64, 16, 4, 4, 4, 4, 1}},
    {{64, 16, 16, 4, 4, 4, 4, 1}},   {{16, 16, 16, 2, 2, 2, 2, 1}},  {{16, 16, 16, 4, 4, 4, 4, 1}},
};

enum { TILES = sizeof tiles / sizeof *tiles };

static size_t count_pieces(size_t whole, size_t piece)
{
    return (whole + piece - 1) / piece;
}

static size_t items_of_group(const duet_gemm_parameters *parameters)
{
    const uint32_t *value = parameters->value;
    return (size_t)(value[TILE_M] / value[ITEM_M]) * (value[TILE_N] / value[ITEM_N]);
}

/** GPUs that share the host's memory have registers for fewer sums a work-item. */
static bool is_usable(const duet_device *device, const duet_gemm_parameters *parameters)
{
    const uint32_t *value = parameters->value, rows = value[BUFFERS] * value[TILE_K];
    const size_t bytes = sizeof(float) * rows * (value[TILE_M] + value[TILE_N] + 2 * (size_t)value[PADDING]);
    const uint32_t sums = device->info.kind == DUET_DEVICE_INTEGRATED ? 32 : 64;
    return items_of_group(parameters) <= device->info.work_group_size && bytes <= device->info.local_bytes &&
           value[ITEM_M] * value[ITEM_N] <= sums;
}

/** Bytes of the pieces' results; 0 for one piece; SIZE_MAX if they cannot be counted. */
static size_t tile_workspace(duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    (void)device;
    size_t elements = 0, bytes = 0;
    if (parameters->value[PIECES] <= 1) return 0;
    if (!duet_size_multiply(shape->m, shape->n, &elements) ||
        !duet_size_multiply(elements, sizeof(float) * parameters->value[PIECES], &bytes))
        return SIZE_MAX;
    return bytes;
}

/** How much of k a piece has: whole slices. */
static size_t depth_of_piece(const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    return duet_size_round_up(count_pieces(shape->k, parameters->value[PIECES]), parameters->value[TILE_K]);
}

/** An estimate of a product's time, in multiply-adds of one compute unit. A number read from local memory costs one,
 *  one from memory 16 (several times that where no cache has it). A compute unit needs 256 work-items to be busy, and
 *  takes as long with fewer. Adding up pieces costs a launch and moves C, which no cache has, several times. */
static double estimate(const duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    static const double from_memory = 16, from_far_memory = 50, busy_items = 256, a_launch = 5e5;
    const uint32_t *value = parameters->value;
    const double items = (double)items_of_group(parameters), units = device->info.compute_units;
    const double groups = (double)count_pieces(shape->m, value[TILE_M]) * (double)count_pieces(shape->n, value[TILE_N]);
    const double at_a_time = items < busy_items ? (double)(size_t)(busy_items / items) : 1;
    const double rounds = groups * value[PIECES] / (units * at_a_time);
    const double elements = (double)value[TILE_M] * value[TILE_N];
    const double step = elements * (1 + 1.0 / value[ITEM_M] + 1.0 / value[ITEM_N]) +
                        from_memory * ((double)value[TILE_M] + value[TILE_N]);
    const double product = (double)depth_of_piece(shape, parameters) * step * at_a_time * (rounds > 1 ? rounds : 1);
    if (value[PIECES] == 1) return product;
    const double moved = (double)shape->m * (double)shape->n * (2 * value[PIECES] + 1);
    return product + a_launch + from_far_memory * moved / units;
}

/** A tile with as many pieces of k as look best for it, and the estimate. */
static double with_pieces(const duet_device *device, const duet_gemm_shape *shape, duet_gemm_parameters *parameters)
{
    duet_gemm_parameters tried = *parameters;
    double least = 0;
    for (tried.value[PIECES] = 1; tried.value[PIECES] <= most_pieces; tried.value[PIECES] *= 2) {
        const bool is_whole = tried.value[PIECES] == 1;
        if (!is_whole && tile_workspace(NULL, shape, &tried) > device->info.allocation_bytes) break;
        const double estimated = estimate(device, shape, &tried);
        if (!is_whole && estimated >= least) continue;
        least = estimated;
        *parameters = tried;
    }
    return least;
}

static duet_gemm_parameters tile_preset(const duet_device *device, const duet_gemm_shape *shape)
{
    duet_gemm_parameters best = tiles[TILES - 1];
    double least = with_pieces(device, shape, &best);
    for (size_t i = 0; i < TILES; i++) {
        duet_gemm_parameters tried = tiles[i];
        if (!is_usable(device, &tried)) continue;
        const double estimated = with_pieces(device, shape, &tried);
        if (estimated >= least) continue;
        least = estimated;
        best = tried;
    }
    return best;
}

/** First all tiles that fit, then the preset with other numbers of pieces. */
static bool tile_candidate(const duet_device *device, const duet_gemm_shape *shape, size_t index,
                           duet_gemm_parameters *parameters)
{
    for (size_t i = 0; i < TILES; i++) {
        if (!is_usable(device, &tiles[i]) || index-- != 0) continue;
        *parameters = tiles[i];
        with_pieces(device, shape, parameters);
        return true;
    }
    const duet_gemm_parameters preset = tile_preset(device, shape);
    duet_gemm_parameters other = preset;
    for (other.value[PIECES] = 1; other.value[PIECES] <= most_pieces; other.value[PIECES] *= 2) {
        if (other.value[PIECES] == preset.value[PIECES]) continue;
        if (other.value[PIECES] > 1 && shape->k / other.value[PIECES] < 2 * (size_t)other.value[TILE_K]) break;
        if (tile_workspace(NULL, shape, &other) > device->info.allocation_bytes) break;
        if (index-- != 0) continue;
        *parameters = other;
        return true;
    }
    return false;
}

/** The last tile of the table asks for least. */
static bool tile_fits(duet_device *device, const duet_gemm_shape *shape)
{
    return is_usable(device, &tiles[TILES - 1]) && shape->m <= longest_row && shape->n <= longest_row &&
           shape->k <= longest_row;
}

static void tile_source(const duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters,
                        duet_gemm_source *source)
{
    static const char *const macros[][2] = {{"GEMM_NN", "GEMM_NT"}, {"GEMM_TN", "GEMM_TT"}};
    (void)device;
    const uint32_t *value = parameters->value;
    const char *form = macros[shape->transpose_a][shape->transpose_b];
    *source = (duet_gemm_source){.file = "gemm_tile.cl", .macro = value[PIECES] == 1 ? form : "GEMM_SUM"};
    snprintf(
        source->options, sizeof source->options,
        "-DTILE_M=%u -DTILE_N=%u -DTILE_K=%u -DITEM_M=%u -DITEM_N=%u -DWIDTH=%u -DPADDING=%u -DBUFFERS=%u -DFORM=%s",
        value[TILE_M], value[TILE_N], value[TILE_K], value[ITEM_M], value[ITEM_N], value[WIDTH], value[PADDING],
        value[BUFFERS], form);
}

/** The product itself, or its pieces. */
static duet_status lower_tiles(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                               duet_launch_list *list, cl_uint *arguments_taken, duet_error *error)
{
    const duet_gemm_shape *shape = &product->shape;
    const uint32_t *value = product->parameters.value;
    const bool is_last = value[PIECES] == 1;
    const duet_place c = is_last ? product->c : product->workspace;
    const cl_ulong m = shape->m, n = shape->n, k = shape->k, depth = depth_of_piece(shape, &product->parameters);
    const cl_ulong a_offset = product->a.offset, b_offset = product->b.offset, c_offset = c.offset;
    const cl_uint add = is_last && product->adds;
    const duet_argument arguments[] = {
        {sizeof m, &m},
        {sizeof n, &n},
        {sizeof k, &k},
        {sizeof depth, &depth},
        {sizeof product->a.buffer, &product->a.buffer},
        {sizeof a_offset, &a_offset},
        {sizeof product->b.buffer, &product->b.buffer},
        {sizeof b_offset, &b_offset},
        {sizeof c.buffer, &c.buffer},
        {sizeof c_offset, &c_offset},
        {sizeof add, &add},
    };
    enum { ARGUMENTS = sizeof arguments / sizeof *arguments };
    const size_t group_n = value[TILE_N] / value[ITEM_N], group_m = value[TILE_M] / value[ITEM_M];
    duet_launch launch = {
        .dimensions = 3,
        .global = {count_pieces(shape->n, value[TILE_N]) * group_n, count_pieces(shape->m, value[TILE_M]) * group_m,
                   value[PIECES]},
        .local = {group_n, group_m, 1},
    };
    duet_gemm_describe(&launch, "gemm tile", product);
    if (arguments_taken != NULL) *arguments_taken = ARGUMENTS;
    const char *kernel = is_last && product->kernel != NULL ? product->kernel : "gemm_tile";
    return duet_gemm_append(device, product, source->file, source->options, kernel, arguments, ARGUMENTS, &launch, list,
                            error);
}

/** Adds the pieces up. */
static duet_status lower_sum(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                             duet_launch_list *list, cl_uint *arguments_taken, duet_error *error)
{
    enum { SUM_GROUP = 64 };
    const duet_gemm_shape *shape = &product->shape;
    const cl_ulong m = shape->m, n = shape->n;
    const cl_ulong parts_offset = product->workspace.offset, c_offset = product->c.offset;
    const cl_uint pieces = product->parameters.value[PIECES], add = product->adds;
    const duet_argument arguments[] = {
        {sizeof m, &m},
        {sizeof n, &n},
        {sizeof pieces, &pieces},
        {sizeof product->workspace.buffer, &product->workspace.buffer},
        {sizeof parts_offset, &parts_offset},
        {sizeof product->c.buffer, &product->c.buffer},
        {sizeof c_offset, &c_offset},
        {sizeof add, &add},
    };
    enum { ARGUMENTS = sizeof arguments / sizeof *arguments };
    const size_t group = device->info.work_group_size >= SUM_GROUP ? SUM_GROUP : 1;
    const size_t vectors = shape->m * count_pieces(shape->n, product->parameters.value[WIDTH]);
    duet_launch launch = {
        .dimensions = 1,
        .global = {duet_size_round_up(vectors, group)},
        .local = {group},
        .bytes = sizeof(float) * (double)m * (double)n * (pieces + (product->adds ? 2 : 1)),
    };
    snprintf(launch.name, sizeof launch.name, "gemm tile sum %zux%zu, %u pieces", shape->m, shape->n, pieces);
    if (arguments_taken != NULL) *arguments_taken = ARGUMENTS;
    return duet_gemm_append(device, product, source->file, source->options,
                            product->kernel != NULL ? product->kernel : "gemm_sum", arguments, ARGUMENTS, &launch, list,
                            error);
}

static duet_status tile_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                              cl_uint *arguments, duet_error *error)
{
    duet_gemm_source source;
    tile_source(device, &product->shape, &product->parameters, &source);
    DUET_TRY(lower_tiles(device, product, &source, list, arguments, error));
    if (product->parameters.value[PIECES] == 1) return DUET_OK;
    return lower_sum(device, product, &source, list, arguments, error);
}

const duet_gemm_provider duet_gemm_tile = {
    .name = "tile",
    .summary = "tiles in local memory, sums in registers, for GPUs",
    .parameters = {"tile_m", "tile_n", "tile_k", "item_m", "item_n", "width", "padding", "buffers", "pieces"},
    .fits = tile_fits,
    .preset = tile_preset,
    .candidate = tile_candidate,
    .workspace = tile_workspace,
    .source = tile_source,
    .lower = tile_lower,
};
