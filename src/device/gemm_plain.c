/* GEMM provider "plain": one work-item an element of C (cl/gemm_plain.cl). Fits everything; others are tried against
 * it. */

#include "base/size.h"
#include "device/gemm_rows.h"
#include "device/record.h"

enum { PLAIN_GROUP = 64 };

static bool plain_fits(duet_device *device, const duet_gemm_shape *shape)
{
    (void)device, (void)shape;
    return true;
}

static size_t plain_workspace(duet_device *device, const duet_gemm_shape *shape)
{
    (void)device, (void)shape;
    return 0;
}

static duet_status plain_lower(duet_device *device, const duet_gemm_shape *shape, duet_place a, duet_place b,
                               duet_place c, float beta, duet_place workspace, duet_launch_list *list,
                               duet_error *error)
{
    (void)workspace;
    const cl_ulong m = shape->m, n = shape->n, k = shape->k;
    const cl_ulong a_offset = a.offset, b_offset = b.offset, c_offset = c.offset;
    const cl_ulong a_row = shape->transpose_a ? 1 : k, a_column = shape->transpose_a ? m : 1;
    const cl_ulong b_row = shape->transpose_b ? 1 : n, b_column = shape->transpose_b ? k : 1;
    const cl_uint add = beta != 0.0f;
    const duet_argument arguments[] = {
        {sizeof m, &m},
        {sizeof n, &n},
        {sizeof k, &k},
        {sizeof(cl_mem), &a.buffer},
        {sizeof(cl_ulong), &a_offset},
        {sizeof a_row, &a_row},
        {sizeof a_column, &a_column},
        {sizeof(cl_mem), &b.buffer},
        {sizeof(cl_ulong), &b_offset},
        {sizeof b_row, &b_row},
        {sizeof b_column, &b_column},
        {sizeof(cl_mem), &c.buffer},
        {sizeof(cl_ulong), &c_offset},
        {sizeof add, &add},
    };
    const size_t limit = device->info.work_group_size;
    const size_t group = limit >= PLAIN_GROUP ? PLAIN_GROUP : 1;
    duet_launch launch = {
        .dimensions = 1, .global = {duet_size_round_up(shape->m * shape->n, group)}, .local = {group}};
    duet_gemm_describe(&launch, "gemm plain", shape, beta);
    return duet_gemm_append(device, "gemm_plain.cl", NULL, "gemm_plain", arguments,
                            sizeof arguments / sizeof *arguments, &launch, list, error);
}

const duet_gemm_provider duet_gemm_plain = {
    .name = "plain",
    .summary = "one work-item an element, the readable twin",
    .fits = plain_fits,
    .workspace = plain_workspace,
    .lower = plain_lower,
};
