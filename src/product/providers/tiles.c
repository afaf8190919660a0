/* SPDX-License-Identifier: MIT */
/* Estimates which tile suits a product from the numbers it moves. If C has too few tiles, k is cut into pieces, which
 * are added up in order. */
#include "product/providers/tiles.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/size.h"

static const uint32_t most_pieces = 16;

/** Tiles worth trying; the pieces of k are chosen later. Large tiles read memory less, small ones are many. 8 x 8 sums
 *  for a work-item read local memory least, 4 x 4 leave registers for more groups at a time. Of equal estimates the
 *  first is taken. */
static const duet_gemm_parameters tiles[] = {
    {{128, 128, 16, 8, 8, 4, 4, 1}}, {{128, 128, 8, 8, 8, 4, 4, 2}}, {{128, 64, 16, 8, 8, 4, 4, 1}},
    {{64, 128, 16, 8, 8, 4, 4, 1}},  {{64, 64, 16, 8, 4, 4, 4, 1}},  {{64, 64, 16, 8, 4, 4, 4, 2}},
    {{64, 64, 16, 4, 4, 4, 4, 1}},   {{64, 64, 32, 8, 8, 4, 4, 1}},  {{64, 64, 16, 8, 8, 1, 1, 1}},
    {{32, 64, 16, 4, 4, 4, 4, 1}},   {{64, 32, 16, 4, 4, 4, 4, 1}},  {{32, 32, 16, 4, 4, 4, 4, 1}},
    {{32, 32, 32, 4, 4, 4, 0, 2}},   {{32, 32, 32, 2, 4, 2, 2, 1}},  {{16, 64, 16, 4, 4, 4, 4, 1}},
    {{64, 16, 16, 4, 4, 4, 4, 1}},   {{16, 16, 16, 2, 2, 2, 2, 1}},  {{16, 16, 16, 4, 4, 4, 4, 1}},
};

enum { TILES = sizeof tiles / sizeof *tiles };

static size_t items_of_group(const duet_gemm_parameters *parameters)
{
    const uint32_t *value = parameters->value;
    return (size_t)(value[DUET_TILE_M] / value[DUET_ITEM_M]) * (value[DUET_TILE_N] / value[DUET_ITEM_N]);
}

/** What a preset may ask of a work-item, by what the compilers of each family make of it (docs/gpu.md): 64 sums take
 * 130 to 210 registers. That leaves a SIMD of GCN one wave and NVIDIA's compute units a single group, which hide no
 * latency; on the others several are left. Of 64 sums Intel's compiler keeps arrays in memory. Tuning tries larger
 * tiles all the same. */
static const uint32_t most_sums[] = {
    [DUET_GPU_NONE] = 64, [DUET_GPU_OTHER] = 64,  [DUET_GPU_GCN] = 32,   [DUET_GPU_CDNA] = 64,
    [DUET_GPU_RDNA] = 64, [DUET_GPU_NVIDIA] = 32, [DUET_GPU_INTEL] = 32, [DUET_GPU_APPLE] = 32,
};

static uint32_t sums_of(const duet_gemm_parameters *parameters)
{
    return parameters->value[DUET_ITEM_M] * parameters->value[DUET_ITEM_N];
}

/** GPUs that share the host's memory have registers for fewer sums a work-item. */
static bool is_usable(const duet_device *device, const duet_gemm_parameters *parameters)
{
    const uint32_t *value = parameters->value, rows = value[DUET_TILE_BUFFERS] * value[DUET_TILE_K];
    const size_t bytes =
        sizeof(float) * rows * (value[DUET_TILE_M] + value[DUET_TILE_N] + 2 * (size_t)value[DUET_TILE_PADDING]);
    const uint32_t sums = duet_device_describe(device)->kind == DUET_DEVICE_INTEGRATED ? 32 : 64;
    return items_of_group(parameters) <= duet_device_describe(device)->work_group_size &&
           bytes <= duet_device_describe(device)->local_bytes && sums_of(parameters) <= sums;
}

static bool suits_family(const duet_device *device, const duet_gemm_parameters *parameters)
{
    return sums_of(parameters) <= most_sums[duet_device_family(duet_device_describe(device))];
}

bool duet_tiles_fit(const duet_device *device)
{
    return is_usable(device, &tiles[TILES - 1]); /* the smallest */
}

/** For a data gradient each kind of pixels is one product; they differ in rows and taps, and the largest counts. */
duet_tile_work duet_tiles_work(const duet_gemm_shape *shape)
{
    const duet_convolution *v = &shape->convolution;
    const size_t groups = v->use == DUET_NO_CONVOLUTION ? 1 : v->groups;
    duet_tile_work work = {
        .m = shape->m, .n = shape->n / groups, .k = shape->k, .count = groups, .rows = shape->m, .columns = shape->n};
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

static size_t workspace_of(const duet_tile_work *work, const duet_gemm_parameters *parameters)
{
    size_t elements = 0, bytes = 0;
    if (parameters->value[DUET_TILE_PIECES] <= 1) return 0;
    if (!duet_size_multiply(work->rows, work->columns, &elements) ||
        !duet_size_multiply(elements, sizeof(float) * parameters->value[DUET_TILE_PIECES], &bytes))
        return SIZE_MAX;
    return bytes;
}

size_t duet_tiles_workspace(duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    const duet_tile_work work = duet_tiles_work(shape);
    (void)device;
    return workspace_of(&work, parameters);
}

size_t duet_tiles_depth(const duet_tile_work *work, const duet_gemm_parameters *parameters)
{
    return duet_size_round_up(duet_size_pieces(work->k, parameters->value[DUET_TILE_PIECES]),
                              parameters->value[DUET_TILE_K]);
}

/** Parts of a device that each run whole work-groups. For Intel's OpenCL counts smaller ones, of which eight share a
 *  local memory. */
static double units_of(const duet_device *device)
{
    const duet_device_info *info = duet_device_describe(device);
    const bool is_intel = duet_device_family(info) == DUET_GPU_INTEL;
    return is_intel && info->compute_units > 8 ? info->compute_units / 8.0 : info->compute_units;
}

/** An estimate of a product's time, in multiply-adds of one compute unit. A number read from local memory costs one,
 *  one from memory 16, or 50 where no cache has it. A compute unit needs 256 work-items to be busy, and takes as long
 *  with fewer. Adding up pieces costs a launch and moves C several times, never through a cache. */
static double estimate(const duet_device *device, const duet_tile_work *work, const duet_gemm_parameters *parameters)
{
    static const double from_memory = 16, from_far_memory = 50, busy_items = 256, a_launch = 5e5;
    const uint32_t *value = parameters->value;
    const double items = (double)items_of_group(parameters), units = units_of(device);
    const double groups = (double)work->count * (double)duet_size_pieces(work->m, value[DUET_TILE_M]) *
                          (double)duet_size_pieces(work->n, value[DUET_TILE_N]);
    const double at_a_time = items < busy_items ? (double)(size_t)(busy_items / items) : 1;
    const double rounds = groups * value[DUET_TILE_PIECES] / (units * at_a_time);
    const double elements = (double)value[DUET_TILE_M] * value[DUET_TILE_N];
    const double step = elements * (1 + 1.0 / value[DUET_ITEM_M] + 1.0 / value[DUET_ITEM_N]) +
                        from_memory * ((double)value[DUET_TILE_M] + value[DUET_TILE_N]);
    const double product = (double)duet_tiles_depth(work, parameters) * step * at_a_time * (rounds > 1 ? rounds : 1);
    if (value[DUET_TILE_PIECES] == 1) return product;
    const double moved = (double)work->rows * (double)work->columns * (2 * value[DUET_TILE_PIECES] + 1);
    return product + a_launch + from_far_memory * moved / units;
}

/** Sets the number of pieces of k that is estimated to be the fastest for this tile. Returns the estimate. */
static double with_pieces(const duet_device *device, const duet_tile_work *work, duet_gemm_parameters *parameters)
{
    duet_gemm_parameters tried = *parameters;
    double least = 0;
    for (tried.value[DUET_TILE_PIECES] = 1; tried.value[DUET_TILE_PIECES] <= most_pieces;
         tried.value[DUET_TILE_PIECES] *= 2) {
        const bool is_whole = tried.value[DUET_TILE_PIECES] == 1;
        if (!is_whole && workspace_of(work, &tried) > duet_device_describe(device)->allocation_bytes) break;
        const double estimated = estimate(device, work, &tried);
        if (!is_whole && estimated >= least) continue;
        least = estimated;
        *parameters = tried;
    }
    return least;
}

duet_gemm_parameters duet_tiles_preset(const duet_device *device, const duet_gemm_shape *shape)
{
    const duet_tile_work work = duet_tiles_work(shape);
    duet_gemm_parameters best = tiles[TILES - 1];
    double least = with_pieces(device, &work, &best);
    for (size_t i = 0; i < TILES; i++) {
        duet_gemm_parameters tried = tiles[i];
        if (!is_usable(device, &tried) || !suits_family(device, &tried)) continue;
        const double estimated = with_pieces(device, &work, &tried);
        if (estimated >= least) continue;
        least = estimated;
        best = tried;
    }
    return best;
}

bool duet_tiles_candidate(const duet_device *device, const duet_gemm_shape *shape, size_t index,
                          duet_gemm_parameters *parameters)
{
    const duet_tile_work work = duet_tiles_work(shape);
    for (size_t i = 0; i < TILES; i++) {
        if (!is_usable(device, &tiles[i]) || index-- != 0) continue;
        *parameters = tiles[i];
        with_pieces(device, &work, parameters);
        return true;
    }
    const duet_gemm_parameters preset = duet_tiles_preset(device, shape);
    duet_gemm_parameters other = preset;
    for (other.value[DUET_TILE_PIECES] = 1; other.value[DUET_TILE_PIECES] <= most_pieces;
         other.value[DUET_TILE_PIECES] *= 2) {
        if (other.value[DUET_TILE_PIECES] == preset.value[DUET_TILE_PIECES]) continue;
        if (other.value[DUET_TILE_PIECES] > 1 &&
            work.k / other.value[DUET_TILE_PIECES] < 2 * (size_t)other.value[DUET_TILE_K])
            break;
        if (workspace_of(&work, &other) > duet_device_describe(device)->allocation_bytes) break;
        if (index-- != 0) continue;
        *parameters = other;
        return true;
    }
    return false;
}

void duet_tiles_source(const duet_gemm_kernel *kernel, const duet_gemm_parameters *parameters, duet_gemm_source *source)
{
    const uint32_t *value = parameters->value;
    *source = (duet_gemm_source){.writes = *kernel, .run = value[DUET_TILE_WIDTH], .space = "__private"};
    if (value[DUET_TILE_PIECES] > 1) {
        source->prepares = *kernel;
        source->writes = (duet_gemm_kernel){.file = "tile_sum.cl"};
    }
    snprintf(source->options, sizeof source->options,
             "-DTILE_M=%u -DTILE_N=%u -DTILE_K=%u -DITEM_M=%u -DITEM_N=%u -DWIDTH=%u -DPADDING=%u -DBUFFERS=%u",
             value[DUET_TILE_M], value[DUET_TILE_N], value[DUET_TILE_K], value[DUET_ITEM_M], value[DUET_ITEM_N],
             value[DUET_TILE_WIDTH], value[DUET_TILE_PADDING], value[DUET_TILE_BUFFERS]);
}

static duet_launch launch_of(const duet_tile_work *work, const duet_gemm_parameters *parameters)
{
    const uint32_t *value = parameters->value;
    const size_t group_n = value[DUET_TILE_N] / value[DUET_ITEM_N], group_m = value[DUET_TILE_M] / value[DUET_ITEM_M];
    return (duet_launch){
        .dimensions = 3,
        .global = {duet_size_pieces(work->n, value[DUET_TILE_N]) * group_n,
                   duet_size_pieces(work->m, value[DUET_TILE_M]) * group_m, value[DUET_TILE_PIECES] * work->count},
        .local = {group_n, group_m, 1},
    };
}

/** Adds up the pieces. */
static duet_status lower_sum(duet_device *device, const duet_gemm_product *product, const duet_tile_work *work,
                             const char *what, const duet_gemm_source *source, duet_launch_list *list,
                             cl_uint *arguments_taken, duet_error *error)
{
    enum { SUM_GROUP = 64 };
    const uint32_t *value = product->parameters.value;
    const size_t group = duet_device_describe(device)->work_group_size >= SUM_GROUP ? SUM_GROUP : 1;
    const size_t vectors = work->rows * duet_size_pieces(work->columns, value[DUET_TILE_WIDTH]);
    duet_launch launch = {.dimensions = 1, .global = {duet_size_round_up(vectors, group)}, .local = {group}};
    return duet_gemm_append_sum(device, product, source, what, value[DUET_TILE_PIECES], &launch, list, arguments_taken,
                                error);
}

duet_status duet_tiles_lower(duet_device *device, const duet_gemm_product *product, const duet_tile_work *work,
                             const char *what, const duet_gemm_source *source, const duet_gemm_call *call,
                             duet_launch_list *list, cl_uint *arguments_taken, duet_error *error)
{
    const bool is_whole = product->parameters.value[DUET_TILE_PIECES] == 1;
    duet_gemm_call tiles_call = *call;
    tiles_call.role = is_whole ? DUET_GEMM_WRITES : DUET_GEMM_PIECES;
    tiles_call.kernel = is_whole ? &source->writes : &source->prepares;
    tiles_call.options = source->options;
    tiles_call.places[0] = product->a;
    tiles_call.places[1] = product->b;
    tiles_call.places[2] = is_whole ? product->c : product->workspace;
    tiles_call.place_count = 3;
    duet_launch launch = launch_of(work, &product->parameters);
    duet_gemm_describe(&launch, what, product);
    DUET_TRY(duet_gemm_append_call(device, product, &tiles_call, &launch, list, arguments_taken, error));
    return is_whole ? DUET_OK : lower_sum(device, product, work, what, source, list, arguments_taken, error);
}
