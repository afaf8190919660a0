/* SPDX-License-Identifier: MIT */
/* Convolutions, provider "unfold": a few images at a time are unfolded into a matrix (cl/unfold.cl, fold.cl), which the
 * device's provider of plain products multiplies: on a GPU CLBlast. The data gradient multiplies first and folds the
 * product back, so it multiplies none of the zeros that a stride puts between results. */
#include "base/size.h"
#include "product/gemm_rows.h"

enum { GROUP = 64, LINE = 128 };

/** Most bytes of the unfolded matrix. */
static const size_t most_bytes = (size_t)64 << 20;

static size_t rows_of_image(const duet_convolution *v)
{
    return (size_t)v->result[0] * v->result[1];
}

static size_t columns_of(const duet_convolution *v)
{
    return (size_t)v->kernel[0] * v->kernel[1] * v->channels;
}

/** How many images are unfolded at a time; 0 if not even one can be. */
static size_t images_at_a_time(const duet_device *device, const duet_convolution *v)
{
    const size_t most = duet_device_describe(device)->allocation_bytes < most_bytes
                            ? duet_device_describe(device)->allocation_bytes
                            : most_bytes;
    size_t elements, bytes;
    if (!duet_size_multiply(rows_of_image(v), columns_of(v), &elements) ||
        !duet_size_multiply(elements, sizeof(float), &bytes))
        return 0;
    return most / bytes < v->images ? most / bytes : v->images;
}

static bool unfold_fits(duet_device *device, const duet_gemm_shape *shape)
{
    return shape->convolution.groups == 1 && images_at_a_time(device, &shape->convolution) > 0;
}

/** The plain product for `images` images: of the unfolded matrix, w and y, two of them give the third. */
static duet_gemm_shape product_of(const duet_convolution *v, size_t images)
{
    const size_t rows = images * rows_of_image(v), columns = columns_of(v);
    switch (v->use) {
    case DUET_CONVOLUTION_FORWARD: return (duet_gemm_shape){.m = rows, .n = v->features, .k = columns};
    case DUET_CONVOLUTION_DATA:
        return (duet_gemm_shape){.m = rows, .n = columns, .k = v->features, .transpose_b = true};
    default: return (duet_gemm_shape){.m = columns, .n = v->features, .k = rows, .transpose_a = true};
    }
}

/** Bytes that the plain product itself needs, rounded up. */
static size_t workspace_of(duet_device *device, const duet_convolution *v, size_t images)
{
    const duet_gemm_shape shape = product_of(v, images);
    const duet_gemm_choice choice = duet_gemm_choose(device, &shape);
    return duet_size_round_up(choice.provider->workspace(device, &shape, &choice.parameters), LINE);
}

/** The larger need of a full chunk and of the last one. These bytes come first in the workspace, where a library wants
 * them. */
static size_t inner_workspace(duet_device *device, const duet_convolution *v)
{
    const size_t images = images_at_a_time(device, v), rest = v->images % images;
    const size_t most = workspace_of(device, v, images), last = rest == 0 ? 0 : workspace_of(device, v, rest);
    return most > last ? most : last;
}

static size_t unfold_workspace(duet_device *device, const duet_gemm_shape *shape,
                               const duet_gemm_parameters *parameters)
{
    const duet_convolution *v = &shape->convolution;
    (void)parameters;
    return inner_workspace(device, v) + images_at_a_time(device, v) * rows_of_image(v) * columns_of(v) * sizeof(float);
}

/** Some images of a convolution, and where they and the unfolded matrix lie. */
typedef struct chunk {
    duet_gemm_product part; /* the convolution of these images alone */
    duet_place unfolded, inner;
} chunk;

static duet_status append(duet_device *device, const chunk *it, duet_gemm_role role, const duet_gemm_kernel *kernel,
                          duet_place from, duet_place to, size_t items, duet_launch_list *list, duet_error *error)
{
    const size_t group = duet_device_describe(device)->work_group_size >= GROUP ? GROUP : 1;
    const duet_convolution *v = &it->part.shape.convolution;
    const double picture = (double)v->images * v->picture[0] * v->picture[1] * v->channels;
    const double unfolded = (double)v->images * (double)rows_of_image(v) * (double)columns_of(v);
    const duet_gemm_call call = {
        .role = role, .kernel = kernel, .numbers = {{sizeof *v, v}}, .places = {from, to}, .place_count = 2};
    duet_launch launch = {.dimensions = 1,
                          .global = {duet_size_round_up(items, group)},
                          .local = {group},
                          .prepares = role == DUET_GEMM_PREPARES ? 1 : 0};
    char name[DUET_GEMM_NAME];
    duet_gemm_describe(&launch, duet_gemm_kernel_name(kernel, name), &it->part);
    launch.flops = 0; /* the product counts them */
    launch.bytes = sizeof(float) * (picture + unfolded);
    return duet_gemm_append_call(device, &it->part, &call, &launch, list, NULL, error);
}

static duet_status lower_unfold(duet_device *device, const chunk *it, duet_launch_list *list, duet_error *error)
{
    static const duet_gemm_kernel unfold = {.file = "unfold.cl"};
    const duet_convolution *v = &it->part.shape.convolution;
    return append(device, it, DUET_GEMM_PREPARES, &unfold, it->part.a, it->unfolded,
                  v->images * rows_of_image(v) * columns_of(v), list, error);
}

static duet_status lower_fold(duet_device *device, const chunk *it, duet_launch_list *list, duet_error *error)
{
    static const duet_gemm_kernel fold = {.file = "fold.cl"};
    const duet_convolution *v = &it->part.shape.convolution;
    return append(device, it, DUET_GEMM_WRITES, &fold, it->unfolded, it->part.c,
                  (size_t)v->images * v->picture[0] * v->picture[1] * v->channels, list, error);
}

/** Counts the convolution's FLOPs: the product also multiplies the zeros of the padding. */
static duet_status lower_product(duet_device *device, const chunk *it, duet_launch_list *list, duet_error *error)
{
    const duet_convolution *v = &it->part.shape.convolution;
    duet_gemm_product product = it->part;
    product.shape = product_of(v, v->images);
    const duet_gemm_choice choice = duet_gemm_choose(device, &product.shape);
    product.parameters = choice.parameters;
    product.workspace = it->inner;
    if (v->use == DUET_CONVOLUTION_DATA) {
        product.c = it->unfolded;
        product.adds = false;
    } else {
        product.a = it->unfolded;
    }
    const double counted = duet_gemm_flops(&product.shape), needed = duet_convolution_flops(v);
    size_t index = list->count;
    DUET_TRY(choice.provider->lower(device, &product, list, NULL, error));
    for (; index < list->count; index++) list->items[index].flops *= needed / counted;
    return DUET_OK;
}

static duet_status lower_chunk(duet_device *device, const chunk *it, duet_launch_list *list, duet_error *error)
{
    const bool folds = it->part.shape.convolution.use == DUET_CONVOLUTION_DATA;
    if (!folds) DUET_TRY(lower_unfold(device, it, list, error));
    DUET_TRY(lower_product(device, it, list, error));
    return folds ? lower_fold(device, it, list, error) : DUET_OK;
}

static duet_status unfold_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                                cl_uint *arguments, duet_error *error)
{
    const duet_convolution *whole = &product->shape.convolution;
    const size_t at_a_time = images_at_a_time(device, whole);
    const size_t x = (size_t)whole->picture[0] * whole->picture[1] * whole->channels;
    const size_t y = rows_of_image(whole) * whole->features;
    if (arguments != NULL) *arguments = 0;
    for (size_t first = 0; first < whole->images; first += at_a_time) {
        duet_convolution some = *whole;
        if (whole->images - first < at_a_time)
            some.images = (uint32_t)(whole->images - first);
        else
            some.images = (uint32_t)at_a_time;
        chunk it = {.part = *product, .unfolded = product->workspace, .inner = product->workspace};
        it.unfolded.offset += inner_workspace(device, whole) / sizeof(float);
        it.part.shape = duet_gemm_shape_of(&some);
        switch (some.use) {
        case DUET_CONVOLUTION_FORWARD:
            it.part.a.offset += first * x;
            it.part.c.offset += first * y;
            break;
        case DUET_CONVOLUTION_DATA:
            it.part.a.offset += first * y;
            it.part.c.offset += first * x;
            break;
        default:
            it.part.a.offset += first * x;
            it.part.b.offset += first * y;
            it.part.adds = product->adds || first > 0;
        }
        DUET_TRY(lower_chunk(device, &it, list, error));
    }
    return DUET_OK;
}

const duet_gemm_provider duet_conv_unfold = {
    .name = "unfold",
    .summary = "convolutions unfolded into matrices, for the plain product",
    .convolves = true,
    .fits = unfold_fits,
    .preset = duet_gemm_no_parameters,
    .workspace = unfold_workspace,
    .workspace_from_start = true,
    .lower = unfold_lower,
};
