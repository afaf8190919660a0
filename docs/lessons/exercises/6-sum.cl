/* SPDX-License-Identifier: MIT */
/* Lesson 6: the sum of n numbers, the same bits each time. First launch: work-item p adds up piece p, beginning with 0.
 * Second launch: one work-item adds up sums[0], sums[1], ... in that order, beginning with 0.
 * Pieces: x is cut into blocks of LANES * length numbers, and LANES pieces share a block. Piece p takes number p % LANES
 * of block p / LANES, then every LANES-th one, `length` in all, those past the end of x left out. `count` is a multiple
 * of LANES. Check with: duet lesson 6 FOLDER */

#define LANES 16

__kernel void pieces(const uint n, const uint count, __global const float *x, __global float *sums)
{
    const size_t piece = get_global_id(0);
    if (piece >= count) return;
    const uint length = (n + count - 1) / count;
    /* HOLE: the piece's sum. */

}

__kernel void total(const uint count, __global const float *sums, __global float *result)
{
    /* HOLE: the sum of the pieces. */

}
