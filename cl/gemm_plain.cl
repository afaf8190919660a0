/* SPDX-License-Identifier: MIT */
/* Matrix product, the plain twin: C = op(A) op(B), or C += op(A) op(B), row-major, single precision.
 *
 * Mapping: one work-item computes one element of C. Work-items are numbered along the rows of C, so neighbours read
 * the same element of op(A) and neighbouring elements of op(B).
 *
 * Many products, whose matrices lie one after the other, are one launch too: dimension 1 counts them. Their results lie
 * one below the other, as the rows of one tall C.
 *
 * A transposed matrix is the same numbers read with the two strides exchanged, so strides are all this kernel knows:
 * element (r, c) of op(A) lies at a_row * r + a_column * c.
 *
 * What bounds it: memory. Each multiplication needs two loads, so it runs far below what the device can multiply. It is
 * here to be read, to check the fast kernels against, and for products too small to be worth a tiling. */

/* A plan pastes a product's file once for each kernel it needs, after it has defined the kernel's name, what tells the
 * file's variants apart, and what happens to finished elements of C: FINISH gets `count` neighbours of a row, from
 * (row, column) on, at the address `product`; here they come one by one. FINISH_PARAMETERS are what the plan's FINISH
 * reads and writes. Macros, since both are parts of the kernel. What a plan does not define, the file does, so that it
 * compiles alone: then C is stored as it is. */
#ifndef KERNEL_NAME
#define KERNEL_NAME gemm_plain
#endif
#ifndef FINISH
#define FINISH_PARAMETERS
#define FINISH(row, column, product, count) c[(row) * n + (column)] = product[0];
#endif

__kernel void KERNEL_NAME(const ulong m, const ulong n, const ulong k, const ulong a_row, const ulong a_column,
                          const ulong b_row, const ulong b_column, __global const float *a, const ulong a_offset,
                          __global const float *b, const ulong b_offset, __global float *c, const ulong c_offset,
                          const uint add FINISH_PARAMETERS)
{
    const size_t item = get_global_id(0);
    if (item >= m * n) return; /* the number of work-items is rounded up to whole groups */
    const size_t row = item / n, column = item % n, number = get_global_id(1);
    a += a_offset + number * m * k + row * a_row;
    b += b_offset + number * k * n + column * b_column;
    c += c_offset;

    float sum = 0.0f;
    for (size_t i = 0; i < k; i++) sum += a[i * a_column] * b[i * b_row];
    const float product[1] = {add ? c[(number * m + row) * n + column] + sum : sum};
    FINISH((uint)(number * m + row), (uint)column, product, 1)
}
