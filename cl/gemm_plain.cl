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

/* What happens to `count` neighbouring elements of a row of C, from (row, column) on, once they are computed; a plan
 * defines its own. Here they come one by one. */
#define RUN 1
#define RUN_SPACE __private
#define FINISH_PARAMETERS
#define FINISH(row, column, product, count) c[(row) * n + (column)] = product[0];

#define GEMM_PLAIN(kernel_name)                                                                                        \
    __kernel void kernel_name(const ulong m, const ulong n, const ulong k, const ulong a_row, const ulong a_column,    \
                              const ulong b_row, const ulong b_column, __global const float *a, const ulong a_offset,  \
                              __global const float *b, const ulong b_offset, __global float *c, const ulong c_offset,  \
                              const uint add FINISH_PARAMETERS)                                                        \
    {                                                                                                                  \
        const size_t item = get_global_id(0);                                                                          \
        if (item >= m * n) return; /* the number of work-items is rounded up to whole groups */                        \
        const size_t row = item / n, column = item % n, number = get_global_id(1);                                     \
        a += a_offset + number * m * k + row * a_row;                                                                  \
        b += b_offset + number * k * n + column * b_column;                                                            \
        c += c_offset;                                                                                                 \
                                                                                                                       \
        float sum = 0.0f;                                                                                              \
        for (size_t i = 0; i < k; i++) sum += a[i * a_column] * b[i * b_row];                                          \
        const float product[1] = {add ? c[(number * m + row) * n + column] + sum : sum};                               \
        FINISH((uint)(number * m + row), (uint)column, product, 1)                                                     \
    }
GEMM_PLAIN(gemm_plain)
