/* SPDX-License-Identifier: MIT */
/* Lesson 8 with a state that is handed on, as rand() has it (xorshift, Marsaglia 2003; other numbers): each number needs
 * the one before, so one work-item draws them all. */
__kernel void uniform(const uint n, const uint first, const uint seed0, const uint seed1, const uint stream,
                      const uint step, __global float *out)
{
    uint state = seed0 ^ seed1 ^ stream ^ step ^ first ^ 0x9E3779B9u;
    for (uint i = 0; i < n; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        out[i] = ((float)(state >> 9) + 0.5f) * 0x1p-23f;
    }
}
