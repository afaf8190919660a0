/* SPDX-License-Identifier: MIT */
/* Lesson 8: uniform random numbers by Philox4x32-10. Element `first + i` of a stream is a function of seed, stream, step
 * and its own number, and of nothing else. Check with: duet lesson 8 FOLDER */

uint4 philox(uint4 counter, uint2 key)
{
    uint x = counter.x, y = counter.y, z = counter.z, w = counter.w;
    /* HOLE: ten rounds. In each, with the 64-bit products p = 0xD2511F53 x and q = 0xCD9E8D57 z:
     *   new x = high half of q, exclusive-or y, exclusive-or key.x      new y = low half of q
     *   new z = high half of p, exclusive-or w, exclusive-or key.y      new w = low half of p
     * and then key.x grows by 0x9E3779B9 and key.y by 0xBB67AE85. */

    return (uint4)(x, y, z, w);
}

__kernel void uniform(const uint n, const uint first, const uint seed0, const uint seed1, const uint stream,
                      const uint step, __global float *out)
{
    const size_t i = get_global_id(0);
    if (i >= n) return;
    /* HOLE: the counter is (first + i, step, stream, 0), the key (seed0, seed1). Of the first word w of what philox
     * gives, the upper 23 bits and a half become the number: ((float)(w >> 9) + 0.5f) / 2^23, and 2^-23 is 0x1p-23f.
     * (0.5 without the f is a double, which not every device has.) */

}
