/* SPDX-License-Identifier: MIT */
/* Eight Feistel rounds with round keys from Philox; the round function mixes as MurmurHash3's finaliser does. */
#include "base/permute.h"

#include "base/philox.h"

static uint32_t mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x85EBCA6Bu;
    x = (x ^ x >> 13) * 0xC2B2AE35u;
    return x ^ x >> 16;
}

uint32_t duet_philox_permute(uint64_t seed, uint32_t stream, uint32_t pass, uint32_t position, uint32_t n)
{
    uint32_t half = 3; /* on fewer than six bits some orders are likelier than others */
    while (half < 16 && (1u << 2 * half) < n) half++;
    const uint32_t mask = (1u << half) - 1;
    duet_philox_block keys[2];
    for (uint32_t i = 0; i < 2; i++) keys[i] = duet_philox_element(seed, stream, pass, i);
    if (n < 2) return 0;
    do {
        uint32_t left = position >> half, right = position & mask;
        for (uint32_t round = 0; round < 8; round++) {
            uint32_t next = left ^ (mix(right ^ keys[round / 4].word[round % 4]) & mask);
            left = right;
            right = next;
        }
        position = left << half | right;
    } while (position >= n);
    return position;
}
