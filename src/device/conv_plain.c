/* Convolutions, provider "conv-plain": one work-item an element of the result (cl/conv_plain.cl). Fits everything;
 * others are tried against it. */
#include "base/size.h"
#include "device/gemm_rows.h"
#include "device/record.h"

enum { PLAIN_GROUP = 64 };

const char *duet_conv_macro(const duet_gemm_shape *shape)
{
    static const char *const macros[DUET_CONVOLUTION_USES] = {NULL, "CONV_FORWARD", "CONV_DATA", "CONV_WEIGHTS"};
    return macros[shape->convolution.use];
}

const char *duet_conv_kernel(const duet_gemm_product *product)
{
    static const char *const kernels[DUET_CONVOLUTION_USES] = {NULL, "conv_forward", "conv_data", "conv_weights"};
    return product->kernel != NULL ? product->kernel : kernels[product->shape.convolution.use];
}

static void plain_source(const duet_device *device, const duet_gemm_shape *shape,
                         const duet_gemm_parameters *parameters, duet_gemm_source *source)
{
    (void)device, (void)parameters;
    *source = (duet_gemm_source){.file = "conv_plain.cl", .macro = duet_conv_macro(shape)};
}

static duet_status plain_lower(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                               cl_uint *arguments_taken, duet_error *error)
{
    const cl_ulong m = product->shape.m, n = product->shape.n;
    const cl_ulong a_offset = product->a.offset, b_offset = product->b.offset, c_offset = product->c.offset;
    const cl_uint add = product->adds;
    const duet_argument arguments[] = {
        {sizeof(duet_convolution), &product->shape.convolution},
        {sizeof m, &m},
        {sizeof n, &n},
        {sizeof(cl_mem), &product->a.buffer},
        {sizeof a_offset, &a_offset},
        {sizeof(cl_mem), &product->b.buffer},
        {sizeof b_offset, &b_offset},
        {sizeof(cl_mem), &product->c.buffer},
        {sizeof c_offset, &c_offset},
        {sizeof add, &add},
    };
    enum { ARGUMENTS = sizeof arguments / sizeof *arguments };
    const size_t group = device->info.work_group_size >= PLAIN_GROUP ? PLAIN_GROUP : 1;
    duet_launch launch = {
        .dimensions = 1, .global = {duet_size_round_up(product->shape.m * product->shape.n, group)}, .local = {group}};
    duet_gemm_describe(&launch, "conv plain", product);
    if (arguments_taken != NULL) *arguments_taken = ARGUMENTS;
    return duet_gemm_append(device, product, "conv_plain.cl", NULL, duet_conv_kernel(product), arguments, ARGUMENTS,
                            &launch, list, error);
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
