/* SPDX-License-Identifier: MIT */
/* GEMM provider "clblast": the tuned library, for GPUs. Each product is one call; its temporary matrices lie in the
 * plan's memory, so that it allocates none. */
#include <stdlib.h>

#include "product/gemm_rows.h"
#include "product/products.h"

#include <clblast_c.h>

typedef struct clblast_product {
    duet_gemm_shape shape;
    duet_place a, b, c;
    cl_mem workspace;
    float beta;
} clblast_product;

static CLBlastTranspose transpose_word(bool transpose)
{
    return transpose ? CLBlastTransposeYes : CLBlastTransposeNo;
}

/** Elements from one stored row to the next. */
static size_t a_stride(const duet_gemm_shape *shape)
{
    return shape->transpose_a ? shape->m : shape->k;
}

static size_t b_stride(const duet_gemm_shape *shape)
{
    return shape->transpose_b ? shape->k : shape->n;
}

/** Where the matrices will lie is not known yet. An offset other than 0 makes CLBlast copy a matrix, so asking with
 *  one gives the most that any call of this shape can need. */
static size_t clblast_workspace(duet_device *device, const duet_gemm_shape *shape,
                                const duet_gemm_parameters *parameters)
{
    (void)parameters;
    if (duet_device_paper(device) != NULL) return 0; /* CLBlast asks a driver */
    size_t bytes = 0;
    const size_t offset = 1;
    CLBlastStatusCode code = CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, transpose_word(shape->transpose_a),
                                                        transpose_word(shape->transpose_b), shape->m, shape->n,
                                                        shape->k, offset, a_stride(shape), offset, b_stride(shape),
                                                        offset, shape->n, duet_device_queue(device), &bytes);
    return code == CLBlastSuccess ? bytes : 0;
}

static duet_status clblast_enqueue(duet_device *device, const void *arguments, cl_event *event, duet_error *error)
{
    const clblast_product *product = arguments;
    const duet_gemm_shape *shape = &product->shape;
    CLBlastStatusCode code = CLBlastSgemmWithTempBuffer(
        CLBlastLayoutRowMajor, transpose_word(shape->transpose_a), transpose_word(shape->transpose_b), shape->m,
        shape->n, shape->k, 1.0f, product->a.buffer, product->a.offset, a_stride(shape), product->b.buffer,
        product->b.offset, b_stride(shape), product->beta, product->c.buffer, product->c.offset, shape->n,
        duet_device_queue(device), event, product->workspace);
    if (code == CLBlastSuccess) return DUET_OK;
    return duet_cl_fail(error, (cl_int)code, "CLBlast cannot multiply %zu x %zu by %zu x %zu on %s", shape->m, shape->k,
                        shape->k, shape->n, duet_device_describe(device)->name);
}

static duet_status clblast_lower(duet_device *device, const duet_gemm_product *wanted, duet_launch_list *list,
                                 cl_uint *arguments, duet_error *error)
{
    if (arguments != NULL) *arguments = 0;
    if (wanted->workspace.offset != 0)
        return duet_fail(error, DUET_ERROR_DEVICE, "CLBlast's workspace must begin at offset 0, not %zu",
                         wanted->workspace.offset);
    duet_products *products = duet_products_of(device);
    if (products == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a device's products");
    if (!products->clblast_used && duet_device_paper(device) == NULL)
        duet_device_say(device, "CLBlast compiles its kernels for %s the first time they run",
                        duet_device_describe(device)->name);
    products->clblast_used = true;
    clblast_product *product = malloc(sizeof *product);
    if (product == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory for a launch");
    *product = (clblast_product){.shape = wanted->shape,
                                 .a = wanted->a,
                                 .b = wanted->b,
                                 .c = wanted->c,
                                 .workspace = wanted->workspace.buffer,
                                 .beta = wanted->adds ? 1.0f : 0.0f};
    duet_launch launch = {.call = {.enqueue = clblast_enqueue, .arguments = product}};
    duet_gemm_describe(&launch, "gemm clblast", wanted);
    return duet_launch_append(list, &launch, error);
}

const duet_gemm_provider duet_gemm_clblast = {
    .name = "clblast",
    .summary = "the CLBlast library, tuned for GPUs",
    .fits = duet_gemm_fits_all,
    .preset = duet_gemm_no_parameters,
    .workspace = clblast_workspace,
    .workspace_from_start = true,
    .lower = clblast_lower,
};
