/* GEMM provider "plain": one work-item an element of C (cl/gemm_plain.cl). Fits everything; others are tried against
 * it. */

#include "base/size.h"
#include "device/gemm_rows.h"
#include "device/record.h"

enum { PLAIN_GROUP = 64 };

static void plain_source(const duet_device *device, const duet_gemm_shape *shape,
                         const duet_gemm_parameters *parameters, duet_gemm_source *source)
{
    (void)device, (void)shape, (void)parameters;
    *source = (duet_gemm_source){.file = "gemm_plain.cl", .macro = "GEMM_PLAIN"};
}

static duet_status plain_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                               cl_uint *arguments_taken, duet_error *error)
{
    const duet_gemm_shape *shape = &product->shape;
    const cl_ulong m = shape->m, n = shape->n, k = shape->k;
    const cl_ulong a_offset = product->a.offset, b_offset = product->b.offset, c_offset = product->c.offset;
    const cl_ulong a_row = shape->transpose_a ? 1 : k, a_column = shape->transpose_a ? m : 1;
    const cl_ulong b_row = shape->transpose_b ? 1 : n, b_column = shape->transpose_b ? k : 1;
    const cl_uint add = product->adds;
    const duet_argument arguments[] = {
        {sizeof m, &m},
        {sizeof n, &n},
        {sizeof k, &k},
        {sizeof(cl_mem), &product->a.buffer},
        {sizeof(cl_ulong), &a_offset},
        {sizeof a_row, &a_row},
        {sizeof a_column, &a_column},
        {sizeof(cl_mem), &product->b.buffer},
        {sizeof(cl_ulong), &b_offset},
        {sizeof b_row, &b_row},
        {sizeof b_column, &b_column},
        {sizeof(cl_mem), &product->c.buffer},
        {sizeof(cl_ulong), &c_offset},
        {sizeof add, &add},
    };
    enum { ARGUMENTS = sizeof arguments / sizeof *arguments };
    const size_t limit = device->info.work_group_size;
    const size_t group = limit >= PLAIN_GROUP ? PLAIN_GROUP : 1;
    duet_launch launch = {
        .dimensions = 1, .global = {duet_size_round_up(shape->m * shape->n, group)}, .local = {group}};
    duet_gemm_describe(&launch, "gemm plain", product);
    if (arguments_taken != NULL) *arguments_taken = ARGUMENTS;
    return duet_gemm_append(device, product, "gemm_plain.cl", NULL,
                            product->kernel != NULL ? product->kernel : "gemm_plain", arguments, ARGUMENTS, &launch,
                            list, error);
}

const duet_gemm_provider duet_gemm_plain = {
    .name = "plain",
    .summary = "one work-item an element, the readable twin",
    .fits = duet_gemm_fits_all,
    .preset = duet_gemm_no_parameters,
    .workspace = duet_gemm_no_workspace,
    .source = plain_source,
    .lower = plain_lower,
};
