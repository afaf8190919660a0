/* SPDX-License-Identifier: MIT */
/* Philox4x32-10: ten rounds of two 32x32->64 multiplications; the constants are those of the paper, table 2. */
#include "base/philox.h"

#include <math.h>

duet_philox_block duet_philox(duet_philox_block counter, uint32_t key0, uint32_t key1)
{
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)0xD2511F53u * counter.word[0];
        uint64_t product1 = (uint64_t)0xCD9E8D57u * counter.word[2];
        duet_philox_block next = {{
            (uint32_t)(product1 >> 32) ^ counter.word[1] ^ key0,
            (uint32_t)product1,
            (uint32_t)(product0 >> 32) ^ counter.word[3] ^ key1,
            (uint32_t)product0,
        }};
        counter = next;
        key0 += 0x9E3779B9u; /* the golden ratio */
        key1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    return counter;
}

double duet_philox_uniform(duet_philox_block block)
{
    return ((double)(block.word[0] >> 9) + 0.5) * 0x1p-23;
}

size_t duet_philox_place(uint32_t stream, size_t part, size_t count, size_t total)
{
    const size_t first = part * total / count, end = (part + 1) * total / count;
    const double chance = duet_philox_uniform(duet_philox_element(0, stream, 0, (uint32_t)part));
    return first + (size_t)(chance * (double)(end - first));
}

double duet_philox_normal(duet_philox_block block)
{
    const double two_pi = 6.28318530717958647692;
    return sqrt(-2.0 * log(duet_philox_uniform(block))) * cos(two_pi * ((double)(block.word[1] >> 9) * 0x1p-23));
}
