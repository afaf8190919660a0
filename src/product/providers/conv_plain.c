/* SPDX-License-Identifier: MIT */
/* Convolutions, provider "conv-plain": one work-item an element of the result (cl/conv_plain.cl). Fits everything;
 * others are tried against it. */
#include "base/size.h"
#include "product/gemm_rows.h"

enum { PLAIN_GROUP = 64 };

static void plain_source(const duet_device *device, const duet_gemm_shape *shape,
                         const duet_gemm_parameters *parameters, duet_gemm_source *source)
{
    (void)device, (void)parameters;
    *source = (duet_gemm_source){.writes = duet_conv_kernel("conv_plain.cl", shape), .run = 1, .space = "__private"};
}

static duet_status plain_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                               cl_uint *arguments_taken, duet_error *error)
{
    const cl_ulong m = product->shape.m, n = product->shape.n;
    duet_gemm_source source;
    plain_source(device, &product->shape, &product->parameters, &source);
    const duet_gemm_call call = {
        .role = DUET_GEMM_WRITES,
        .kernel = &source.writes,
        .numbers = {{sizeof(duet_convolution), &product->shape.convolution}, {sizeof m, &m}, {sizeof n, &n}},
        .places = {product->a, product->b, product->c},
        .place_count = 3,
    };
    const size_t group = duet_device_describe(device)->work_group_size >= PLAIN_GROUP ? PLAIN_GROUP : 1;
    duet_launch launch = {
        .dimensions = 1, .global = {duet_size_round_up(product->shape.m * product->shape.n, group)}, .local = {group}};
    duet_gemm_describe(&launch, "conv plain", product);
    return duet_gemm_append_call(device, product, &call, &launch, list, arguments_taken, error);
}

const duet_gemm_provider duet_conv_plain = {
    .name = "conv-plain",
    .summary = "convolutions, one work-item an element, the readable twin",
    .convolves = true,
    .fits = duet_gemm_fits_all,
    .preset = duet_gemm_no_parameters,
    .workspace = duet_gemm_no_workspace,
    .source = plain_source,
    .lower = plain_lower,
};
