/* SPDX-License-Identifier: MIT */
/* Lesson 10: c = a b. One work-item computes ROWS rows of WIDTH columns of c; the host defines both. n is a multiple of
 * WIDTH, m need not be one of ROWS. Check with: duet lesson 10 FOLDER */

#define PASTE(a, b) a##b
#define NAME(a, b)  PASTE(a, b)
#if WIDTH == 1
typedef float vector;
#define LOAD(from)        (*(from))
#define STORE(vector, to) (*(to) = (vector))
#else
typedef NAME(float, WIDTH) vector;
#define LOAD(from)        NAME(vload, WIDTH)(0, from)
#define STORE(vector, to) NAME(vstore, WIDTH)(vector, 0, to)
#endif
/* Arrays stay in registers only where every index is a constant once loops are unrolled. */
#define UNROLL _Pragma("unroll")

__kernel void product(const uint m, const uint n, const uint k, __global const float *a, __global const float *b,
                      __global float *c)
{
    const size_t column = get_global_id(0) * WIDTH, row = get_global_id(1) * ROWS;
    if (row >= m || column >= n) return;
    /* HOLE: ROWS sums in an array of vectors, loops over them that the compiler unrolls.
     * The last block of rows may stick out of c: read a row that is there, and do not store. */

}
