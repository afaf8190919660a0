/* SPDX-License-Identifier: MIT */
/* GEMM provider "plain": one work-item an element of C (cl/gemm_plain.cl). Fits everything; others are tried against
 * it. */

#include "base/size.h"
#include "product/gemm_rows.h"

enum { PLAIN_GROUP = 64 };

static void plain_source(const duet_device *device, const duet_gemm_shape *shape,
                         const duet_gemm_parameters *parameters, duet_gemm_source *source)
{
    (void)device, (void)shape, (void)parameters;
    *source = (duet_gemm_source){.writes = {.file = "gemm_plain.cl"}, .run = 1, .space = "__private"};
}

static duet_status plain_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                               cl_uint *arguments_taken, duet_error *error)
{
    const duet_gemm_shape *shape = &product->shape;
    const cl_ulong m = shape->m, n = shape->n, k = shape->k;
    const cl_ulong a_row = shape->transpose_a ? 1 : k, a_column = shape->transpose_a ? m : 1;
    const cl_ulong b_row = shape->transpose_b ? 1 : n, b_column = shape->transpose_b ? k : 1;
    duet_gemm_source source;
    plain_source(device, shape, &product->parameters, &source);
    const duet_gemm_call call = {
        .role = DUET_GEMM_WRITES,
        .kernel = &source.writes,
        .numbers = {{sizeof m, &m},
                    {sizeof n, &n},
                    {sizeof k, &k},
                    {sizeof a_row, &a_row},
                    {sizeof a_column, &a_column},
                    {sizeof b_row, &b_row},
                    {sizeof b_column, &b_column}},
        .places = {product->a, product->b, product->c},
        .place_count = 3,
    };
    const size_t limit = duet_device_describe(device)->work_group_size;
    const size_t group = limit >= PLAIN_GROUP ? PLAIN_GROUP : 1;
    duet_launch launch = {.dimensions = 2,
                          .global = {duet_size_round_up(shape->m * shape->n, group), duet_gemm_batch(shape)},
                          .local = {group, 1}};
    duet_gemm_describe(&launch, "gemm plain", product);
    return duet_gemm_append_call(device, product, &call, &launch, list, arguments_taken, error);
}

const duet_gemm_provider duet_gemm_plain = {
    .name = "plain",
    .summary = "one work-item an element, the readable twin",
    .batches = true,
    .fits = duet_gemm_fits_all,
    .preset = duet_gemm_no_parameters,
    .workspace = duet_gemm_no_workspace,
    .source = plain_source,
    .lower = plain_lower,
};
