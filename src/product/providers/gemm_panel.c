/* SPDX-License-Identifier: MIT */
/* GEMM provider "panel": register tiles over panels of B that each work-item packs for itself (cl/gemm_panel.cl). For
 * CPUs, and for accelerators that are emulated on one. */
#include <stdio.h>

#include "base/number.h"
#include "base/size.h"
#include "product/gemm_rows.h"

enum { ROWS, LANES, K_BLOCK, ROW_BLOCK, SUM_ROWS, SLABS }; /* the parameters */
enum { SLAB_DEPTH = 256 };

static size_t columns_of(const duet_gemm_parameters *parameters)
{
    return 2 * (size_t)parameters->value[LANES];
}

static size_t local_bytes(const duet_gemm_parameters *parameters)
{
    const size_t rows = (size_t)parameters->value[K_BLOCK] + parameters->value[SUM_ROWS] + DUET_PANEL_FEW_ROWS;
    return sizeof(float) * columns_of(parameters) * rows;
}

/** Bytes of op(A) in slabs; SIZE_MAX if they cannot be counted. */
static size_t slab_bytes(const duet_gemm_shape *shape, size_t rows)
{
    size_t elements = 0, bytes = 0;
    if (!duet_size_multiply(duet_size_round_up(shape->m, rows), shape->k, &elements)) return SIZE_MAX;
    return duet_size_multiply(elements, sizeof(float), &bytes) ? bytes : SIZE_MAX;
}

/** Whether it is better to copy op(A) into slabs first: a row of a transposed A is scattered over k cache lines, and
 *  rows a multiple of a page apart evict each other from a cache. */
static bool wants_slabs(const duet_gemm_shape *shape)
{
    const bool enough_work = shape->n >= 256 && shape->k > 256 && shape->m > 64 && duet_gemm_batch(shape) == 1;
    return enough_work && (shape->transpose_a || shape->k % 1024 == 0);
}

/** If a device reports scalars, its compiler makes vectors of work-items; vector types do it no harm. */
uint32_t duet_panel_lanes(const duet_device *device)
{
    const uint32_t width = duet_device_describe(device)->vector_width;
    return width >= 16 ? 16 : width >= 8 ? 8 : 4;
}

/** 16 lanes come with 32 registers (AVX-512); narrower vectors may have only 16. */
uint32_t duet_panel_rows(uint32_t lanes)
{
    return lanes == 16 ? 12 : 6;
}

static duet_gemm_parameters panel_preset(const duet_device *device, const duet_gemm_shape *shape)
{
    const uint32_t lanes = duet_panel_lanes(device);
    duet_gemm_parameters parameters = {
        .value = {duet_panel_rows(lanes), lanes, 256, 264, 12 * 264, wants_slabs(shape)}};
    uint32_t *value = parameters.value;
    if (slab_bytes(shape, value[ROWS]) > duet_device_describe(device)->allocation_bytes) value[SLABS] = false;
    while (local_bytes(&parameters) > duet_device_describe(device)->local_bytes && value[K_BLOCK] > 16) {
        if (value[SUM_ROWS] > value[ROW_BLOCK]) {
            value[SUM_ROWS] -= value[ROW_BLOCK];
            continue;
        }
        value[K_BLOCK] /= 2;
        value[ROW_BLOCK] = value[ROW_BLOCK] / 24 * 12;
        value[SUM_ROWS] = value[ROW_BLOCK];
    }
    return parameters;
}

/* Tuning: the preset with one parameter changed, then with two. The ends of each row lie where registers, the
 * first-level cache or the number of strips run out on today's processors; 0 ends a row. */
enum { GRID_PARAMETERS = 6, GRID_VALUES = 4 };
static const uint32_t grid[GRID_PARAMETERS][GRID_VALUES] = {[ROWS] = {6, 12},
                                                            [LANES] = {4, 8, 16},
                                                            [K_BLOCK] = {128, 256, 512},
                                                            [ROW_BLOCK] = {120, 264, 528},
                                                            [SUM_ROWS] = {264, 1056, 3168},
                                                            [SLABS] = {0, 1}};
static const size_t promise[GRID_PARAMETERS] = {SLABS,     K_BLOCK, SUM_ROWS,
                                                ROW_BLOCK, ROWS,    LANES}; /* most promising first */

static bool panel_can(const duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    const uint32_t *value = parameters->value;
    const bool sums_fit =
        value[ROW_BLOCK] <= value[SUM_ROWS] && local_bytes(parameters) <= duet_device_describe(device)->local_bytes;
    const bool slabs_fit =
        !value[SLABS] || slab_bytes(shape, value[ROWS]) <= duet_device_describe(device)->allocation_bytes;
    return sums_fit && slabs_fit;
}

/** Sets one parameter to value `choice` of its row. False past the row's end, or where it has that value already. */
static bool vary(duet_gemm_parameters *parameters, size_t parameter, size_t choice)
{
    const uint32_t value = choice < GRID_VALUES ? grid[parameter][choice] : 0;
    if ((value == 0 && !(parameter == SLABS && choice == 0)) || parameters->value[parameter] == value) return false;
    parameters->value[parameter] = value;
    return true;
}

static bool panel_candidate(const duet_device *device, const duet_gemm_shape *shape, size_t index,
                            duet_gemm_parameters *parameters)
{
    const duet_gemm_parameters preset = panel_preset(device, shape);
    enum { ONE = GRID_PARAMETERS * GRID_VALUES };
    for (size_t first = 0; first < ONE; first++) {
        *parameters = preset;
        if (!vary(parameters, promise[first / GRID_VALUES], first % GRID_VALUES)) continue;
        if (panel_can(device, shape, parameters) && index-- == 0) return true;
    }
    for (size_t first = 0; first < ONE; first++)
        for (size_t second = (first / GRID_VALUES + 1) * GRID_VALUES; second < ONE; second++) {
            *parameters = preset;
            if (!vary(parameters, promise[first / GRID_VALUES], first % GRID_VALUES) ||
                !vary(parameters, promise[second / GRID_VALUES], second % GRID_VALUES))
                continue;
            if (panel_can(device, shape, parameters) && index-- == 0) return true;
        }
    return false;
}

static size_t panel_workspace(duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    (void)device;
    return parameters->value[SLABS] ? slab_bytes(shape, parameters->value[ROWS]) : 0;
}

/** As gemm_panel.cl has it: what has numbers beside the columns, and whether those are the lows. */
enum { NOTHING, STEPS_OF_K, ROWS_OF_C };
typedef struct panel_mask {
    size_t of;
    bool has_lows;
} panel_mask;

static panel_mask mask_of(const duet_gemm_shape *shape)
{
    const bool has_lows = shape->high == DUET_GEMM_N;
    const duet_gemm_extent other = has_lows ? shape->low : shape->high;
    if (!has_lows && shape->low != DUET_GEMM_N) return (panel_mask){NOTHING, false};
    return (panel_mask){other == DUET_GEMM_K ? STEPS_OF_K : other == DUET_GEMM_M ? ROWS_OF_C : NOTHING, has_lows};
}

static bool panel_skips(const duet_gemm_shape *shape)
{
    return mask_of(shape).of != NOTHING;
}

/** What it packs, B by steps of k, it masks. */
static bool panel_masks(const duet_gemm_shape *shape)
{
    return mask_of(shape).of == STEPS_OF_K;
}

static void panel_source(const duet_device *device, const duet_gemm_shape *shape,
                         const duet_gemm_parameters *parameters, duet_gemm_source *source)
{
#define FORMS(mask)                                                                                                    \
    {                                                                                                                  \
        {mask "nn", mask "nt"}, {mask "tn", mask "tt"}, {mask "sn", mask "st"},                                        \
    }
    static const char *const variants[][2][3][2] = {[NOTHING] = {FORMS("")},
                                                    [STEPS_OF_K] = {FORMS("upper_"), FORMS("lower_")},
                                                    [ROWS_OF_C] = {FORMS("upper_result_"), FORMS("lower_result_")}};
#undef FORMS
    static const char *const masked[] = {"NOTHING", "STEPS_OF_K", "ROWS_OF_C"};
    static const char *const lies[] = {"IN_ROWS", "IN_COLUMNS", "IN_SLABS"};
    (void)device;
    const uint32_t *value = parameters->value;
    const size_t form = value[SLABS] ? 2 : shape->transpose_a;
    const panel_mask mask = mask_of(shape);
    *source = (duet_gemm_source){.writes = {.file = "gemm_panel.cl",
                                            .variant = variants[mask.of][mask.has_lows][form][shape->transpose_b],
                                            .constants = {{"A_LIES", lies[form]},
                                                          {"B_TRANSPOSED", shape->transpose_b ? "1" : "0"},
                                                          {"MASKED", masked[mask.of]},
                                                          {"HAS_LOWS", mask.has_lows ? "1" : "0"}}},
                                 .run = columns_of(parameters),
                                 .space = "__local"};
    if (value[SLABS])
        source->prepares = (duet_gemm_kernel){.file = "gemm_panel_slabs.cl",
                                              .variant = shape->transpose_a ? "t" : "n",
                                              .constants = {{"A_TRANSPOSED", shape->transpose_a ? "1" : "0"}}};
    snprintf(source->options, sizeof source->options, "-DROWS=%u -DLANES=%u -DK_BLOCK=%u -DSUM_ROWS=%u -DSLAB_DEPTH=%d",
             value[ROWS], value[LANES], value[K_BLOCK], value[SUM_ROWS], SLAB_DEPTH);
}

/** As in gemm_panel.cl: of a strip's columns the number that lets most in. */
static float bound_of(const float *columns, size_t count, bool are_low)
{
    float bound = columns[0];
    for (size_t j = 1; j < count; j++)
        if (are_low ? columns[j] < bound : columns[j] > bound) bound = columns[j];
    return bound;
}

/** From the first number in bounds to the last. */
static size_t in_bounds(const float *numbers, size_t count, float bound, bool are_low)
{
    size_t first = 0;
    while (first < count && (are_low ? numbers[first] > bound : numbers[first] < bound)) first++;
    while (count > first && (are_low ? numbers[count - 1] > bound : numbers[count - 1] < bound)) count--;
    return count - first;
}

static duet_status lower_slabs(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                               duet_launch_list *list, duet_error *error)
{
    const duet_gemm_shape *shape = &product->shape;
    const cl_ulong m = shape->m, k = shape->k;
    const duet_gemm_call call = {
        .role = DUET_GEMM_PREPARES,
        .kernel = &source->prepares,
        .options = source->options,
        .numbers = {{sizeof m, &m}, {sizeof k, &k}},
        .places = {product->a, product->workspace},
        .place_count = 2,
    };
    duet_launch launch = {
        .dimensions = 2,
        .global = {duet_size_pieces(shape->m, product->parameters.value[ROWS]), duet_size_pieces(shape->k, SLAB_DEPTH)},
        .local = {1, 1},
        .bytes = 2.0 * sizeof(float) * (double)shape->m * (double)shape->k,
        .prepares = 1,
    };
    snprintf(launch.name, sizeof launch.name, "slabs %zux%zu %c", shape->m, shape->k, shape->transpose_a ? 't' : 'n');
    return duet_gemm_append_call(device, product, &call, &launch, list, NULL, error);
}

typedef struct panel_block {
    size_t rows, strips;
} panel_block;

/** An A of this size stays in a core's cache from strip to strip by itself. */
static const size_t cached_bytes = 1 << 20;

/** What a work-item computes: one strip, or several where A is large: as many as keep all compute units equally busy
 * and have room for their sums. If there are fewer strips than compute units, the rows are divided too. */
static panel_block block_for(const duet_device *device, const duet_gemm_product *product)
{
    const uint32_t *value = product->parameters.value;
    const size_t m = product->shape.m, units = duet_device_describe(device)->compute_units;
    const size_t strips = duet_size_pieces(product->shape.n, columns_of(&product->parameters));
    const size_t fewest = duet_size_pieces(m, value[ROW_BLOCK]), batch = duet_gemm_batch(&product->shape);
    const size_t wanted = duet_size_pieces(units, strips * batch);
    const size_t rows = duet_size_round_up(duet_size_pieces(m, fewest > wanted ? fewest : wanted), value[ROWS]);
    size_t room = value[SUM_ROWS] / (rows + DUET_PANEL_FEW_ROWS),
           parts = units / duet_common_divisor(duet_size_pieces(m, rows), units);
    if (room == 0 || m * product->shape.k * sizeof(float) <= cached_bytes) room = 1;
    if (parts > strips) parts = strips;
    if (duet_size_pieces(strips, parts) > room) parts *= duet_size_pieces(duet_size_pieces(strips, parts), room);
    return (panel_block){.rows = rows, .strips = duet_size_pieces(strips, parts)};
}

/** What share of a product is computed under its mask, as the kernel decides it; all where only the device knows. */
static double computed_share(const duet_gemm_product *product)
{
    const duet_gemm_shape *shape = &product->shape;
    const panel_mask mask = mask_of(shape);
    const float *low = product->low_numbers, *high = product->high_numbers;
    if (mask.of == NOTHING || low == NULL || high == NULL) return 1;
    const size_t block = product->parameters.value[mask.of == STEPS_OF_K ? K_BLOCK : ROWS];
    const size_t others = mask.of == STEPS_OF_K ? shape->k : shape->m, strip = columns_of(&product->parameters);
    size_t computed = 0;
    for (size_t column = 0; column < shape->n; column += strip) {
        const size_t columns = shape->n - column < strip ? shape->n - column : strip;
        const float bound = bound_of((mask.has_lows ? high : low) + column, columns, !mask.has_lows);
        for (size_t first = 0; first < others; first += block) {
            const size_t count = others - first < block ? others - first : block;
            const size_t inside = in_bounds((mask.has_lows ? low : high) + first, count, bound, mask.has_lows);
            computed += columns * (mask.of == ROWS_OF_C && inside > 0 ? count : inside);
        }
    }
    return (double)computed / ((double)others * (double)shape->n);
}

static duet_status lower_product(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                                 duet_launch_list *list, cl_uint *arguments_taken, duet_error *error)
{
    const duet_gemm_shape *shape = &product->shape;
    const bool slabs = product->parameters.value[SLABS] != 0;
    const cl_ulong m = shape->m, n = shape->n, k = shape->k;
    const panel_block block = block_for(device, product);
    const cl_ulong row_block = block.rows, strips = block.strips;
    const duet_gemm_call call = {
        .role = DUET_GEMM_WRITES,
        .kernel = &source->writes,
        .options = source->options,
        .numbers =
            {{sizeof m, &m}, {sizeof n, &n}, {sizeof k, &k}, {sizeof row_block, &row_block}, {sizeof strips, &strips}},
        .places = {slabs ? product->workspace : product->a, product->b, product->c, product->low, product->high},
        .place_count = panel_skips(shape) ? 5 : 3,
    };
    duet_launch launch = {
        .dimensions = 3,
        .global = {duet_size_pieces(shape->m, block.rows),
                   duet_size_pieces(shape->n, block.strips * columns_of(&product->parameters)), duet_gemm_batch(shape)},
        .local = {1, 1, 1},
    };
    duet_gemm_describe(&launch, "gemm panel", product);
    launch.flops *= computed_share(product);
    return duet_gemm_append_call(device, product, &call, &launch, list, arguments_taken, error);
}

static duet_status panel_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                               cl_uint *arguments, duet_error *error)
{
    duet_gemm_source source;
    panel_source(device, &product->shape, &product->parameters, &source);
    if (product->parameters.value[SLABS]) DUET_TRY(lower_slabs(device, product, &source, list, error));
    return lower_product(device, product, &source, list, arguments, error);
}

const duet_gemm_provider duet_gemm_panel = {
    .name = "panel",
    .summary = "register tiles over packed panels, for CPUs",
    .parameters = {"rows", "lanes", "k_block", "row_block", "sum_rows", "slabs"},
    .batches = true,
    .skips = panel_skips,
    .masks = panel_masks,
    .fits = duet_gemm_fits_all,
    .preset = panel_preset,
    .candidate = panel_candidate,
    .workspace = panel_workspace,
    .source = panel_source,
    .lower = panel_lower,
};
