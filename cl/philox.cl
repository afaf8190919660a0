/* SPDX-License-Identifier: MIT */
// Random numbers by counter: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// Element i of a stream is a pure function of (seed, stream, step, i): every work-item computes its own, in any order,
// on any device, with no state to keep and nothing to pass on. Bound by arithmetic: twenty 32x32->64 multiplications a
// block. src/base/philox.c and permute.c hold the same functions for the host.

#include "elementwise.cl"

// The products are written as 64-bit ones and the words as scalars: with mul_hi and vectors PoCL took four times as
// long.
uint4 philox(uint4 counter, uint2 key)
{
    uint x = counter.x, y = counter.y, z = counter.z, w = counter.w;
    for (int round = 0; round < 10; round++) {
        const ulong product0 = (ulong)0xD2511F53u * x, product1 = (ulong)0xCD9E8D57u * z;
        x = (uint)(product1 >> 32) ^ y ^ key.x;
        y = (uint)product1;
        z = (uint)(product0 >> 32) ^ w ^ key.y;
        w = (uint)product0;
        key.x += 0x9E3779B9u; // the golden ratio
        key.y += 0xBB67AE85u; // sqrt(3) - 1
    }
    return (uint4)(x, y, z, w);
}

// The first two words of the blocks of eight neighbouring elements, whose rounds go side by side: a CPU then multiplies
// several at once. The same words as philox gives.
typedef struct eight_words {
    uint8 first, second;
} eight_words;

eight_words philox_eight(uint seed0, uint seed1, uint stream, uint step, uint element)
{
    const ulong low = 0xFFFFFFFFul; // words are the low halves of wider ones, so that products need no other lanes
    ulong8 x = convert_ulong8(element + (uint8)(0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u));
    ulong8 y = (ulong8)(step), z = (ulong8)(stream), w = (ulong8)(0ul);
    for (int round = 0; round < 10; round++) {
        const ulong8 product0 = x * 0xD2511F53ul, product1 = z * 0xCD9E8D57ul;
        x = (product1 >> 32) ^ y ^ (ulong)seed0;
        y = product1 & low;
        z = (product0 >> 32) ^ w ^ (ulong)seed1;
        w = product0 & low;
        seed0 += 0x9E3779B9u;
        seed1 += 0xBB67AE85u;
    }
    return (eight_words){convert_uint8(x), convert_uint8(y)};
}

uint4 philox_element(uint seed0, uint seed1, uint stream, uint step, uint element)
{
    return philox((uint4)(element, step, stream, 0u), (uint2)(seed0, seed1));
}

// In (0, 1): 23 bits and a half fit a float exactly, so 0 and 1 never appear.
float uniform_of(uint word)
{
    return ((float)(word >> 9) + 0.5f) * 0x1p-23f;
}

float random_uniform(uint seed0, uint seed1, uint stream, uint step, uint element)
{
    return uniform_of(philox_element(seed0, seed1, stream, step, element).x);
}

// Box and Muller 1958: two uniforms make a normal.
float normal_of(uint word, uint other)
{
    return sqrt(-2.0f * log_of_normal(uniform_of(word))) * cospi(2.0f * ((float)(other >> 9) * 0x1p-23f));
}

float random_normal(uint seed0, uint seed1, uint stream, uint step, uint element)
{
    const uint4 words = philox_element(seed0, seed1, stream, step, element);
    return normal_of(words.x, words.y);
}

// `count` neighbours at once.
void random_uniforms(uint seed0, uint seed1, uint stream, uint step, uint element, uint count, float *numbers)
{
    uint i = 0;
    for (; i + 8 <= count; i += 8) {
        const eight_words words = philox_eight(seed0, seed1, stream, step, element + i);
        vstore8((convert_float8(as_int8(words.first >> 9)) + 0.5f) * 0x1p-23f, 0, numbers + i);
    }
    for (; i < count; i++) numbers[i] = random_uniform(seed0, seed1, stream, step, element + i);
}

void random_normals(uint seed0, uint seed1, uint stream, uint step, uint element, uint count, float *numbers)
{
    uint i = 0, first[8], second[8];
    for (; i + 8 <= count; i += 8) {
        const eight_words words = philox_eight(seed0, seed1, stream, step, element + i);
        vstore8(words.first, 0, first);
        vstore8(words.second, 0, second);
        for (uint lane = 0; lane < 8; lane++) numbers[i + lane] = normal_of(first[lane], second[lane]);
    }
    for (; i < count; i++) numbers[i] = random_normal(seed0, seed1, stream, step, element + i);
}

// Masks: 1 where a word of 16 bits is below `limit`, else 0. Eight elements share a block of random words.
float mask_of(const uint4 words, const uint element, const float limit)
{
    const uint pair = element & 4u ? (element & 2u ? words.w : words.z) : (element & 2u ? words.y : words.x);
    return (float)(element & 1u ? pair >> 16 : pair & 0xFFFFu) < limit ? 1.0f : 0.0f;
}

float random_mask(uint seed0, uint seed1, uint stream, uint step, uint element, float limit)
{
    return mask_of(philox_element(seed0, seed1, stream, step, element / 8), element, limit);
}

// Four blocks whose elements follow each other: words[i] has word i of each. Lanes of vectors of 64 bits multiply side
// by side, which 32 bits cannot in every processor.
void philox_four(uint seed0, uint seed1, uint stream, uint step, uint element, uint4 *words)
{
    ulong4 x = convert_ulong4((uint4)element + (uint4)(0u, 1u, 2u, 3u)), y = step, z = stream, w = 0;
    uint2 key = (uint2)(seed0, seed1);
    for (int round = 0; round < 10; round++) {
        const ulong4 product0 = 0xD2511F53UL * x, product1 = 0xCD9E8D57UL * z;
        x = (product1 >> 32) ^ y ^ (ulong)key.x;
        y = product1 & 0xFFFFFFFFUL;
        z = (product0 >> 32) ^ w ^ (ulong)key.y;
        w = product0 & 0xFFFFFFFFUL;
        key.x += 0x9E3779B9u;
        key.y += 0xBB67AE85u;
    }
    words[0] = convert_uint4(x);
    words[1] = convert_uint4(y);
    words[2] = convert_uint4(z);
    words[3] = convert_uint4(w);
}

// Of a whole block its eight masks. The lanes of as_ushort8 are mask_of's words of 16 bits in order, as memory is on
// every device: lowest bytes first.
float8 masks_of(const uint4 words, const float limit)
{
    return select((float8)(0.0f), (float8)(1.0f), convert_float8(as_ushort8(words)) < limit);
}

// `count` neighbours at once: each block is computed once, and four blocks together where there are as many.
void random_masks(uint seed0, uint seed1, uint stream, uint step, uint element, float limit, uint count, float *masks)
{
    uint i = 0;
    for (; element % 8 == 0 && i + 32 <= count; i += 32) {
        uint4 words[4];
        philox_four(seed0, seed1, stream, step, (element + i) / 8, words);
        vstore8(masks_of((uint4)(words[0].x, words[1].x, words[2].x, words[3].x), limit), 0, masks + i);
        vstore8(masks_of((uint4)(words[0].y, words[1].y, words[2].y, words[3].y), limit), 1, masks + i);
        vstore8(masks_of((uint4)(words[0].z, words[1].z, words[2].z, words[3].z), limit), 2, masks + i);
        vstore8(masks_of((uint4)(words[0].w, words[1].w, words[2].w, words[3].w), limit), 3, masks + i);
    }
    for (; element % 8 == 0 && i + 8 <= count; i += 8)
        vstore8(masks_of(philox_element(seed0, seed1, stream, step, (element + i) / 8), limit), 0, masks + i);
    while (i < count) {
        const uint4 words = philox_element(seed0, seed1, stream, step, (element + i) / 8);
        const uint end = min(count, i + 8 - (element + i) % 8);
        for (; i < end; i++) masks[i] = mask_of(words, element + i, limit);
    }
}

uint permute_mix(uint x)
{
    x = (x ^ x >> 16) * 0x85EBCA6Bu;
    x = (x ^ x >> 13) * 0xC2B2AE35u;
    return x ^ x >> 16;
}

// Where `position` goes in a shuffled order of 0..n-1: a Feistel network on the smallest even number of bits, six or
// more, that holds n, walked until it lands below n. A bijection for every key, so each example appears exactly once a
// pass.
uint permute(uint seed0, uint seed1, uint stream, uint pass, uint position, uint n)
{
    uint half_bits = 3; // on fewer than six bits some orders are likelier than others
    while (half_bits < 16 && (1u << 2 * half_bits) < n) half_bits++;
    const uint mask = (1u << half_bits) - 1;
    const uint4 keys0 = philox_element(seed0, seed1, stream, pass, 0u);
    const uint4 keys1 = philox_element(seed0, seed1, stream, pass, 1u);
    const uint keys[8] = {keys0.x, keys0.y, keys0.z, keys0.w, keys1.x, keys1.y, keys1.z, keys1.w};
    if (n < 2) return 0;
    do {
        uint left = position >> half_bits, right = position & mask;
        for (int round = 0; round < 8; round++) {
            const uint next = left ^ (permute_mix(right ^ keys[round]) & mask);
            left = right;
            right = next;
        }
        position = left << half_bits | right;
    } while (position >= n);
    return position;
}
