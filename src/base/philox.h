/* SPDX-License-Identifier: MIT */
/* Random123's Philox4x32-10 on the host: a pure function of key and counter (Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011). cl/philox.cl holds the same function for the device; both give the same words. */
#ifndef DUET_SRC_BASE_PHILOX_H
#define DUET_SRC_BASE_PHILOX_H

#include <stddef.h>
#include <stdint.h>

typedef struct duet_philox_block {
    uint32_t word[4];
} duet_philox_block;

duet_philox_block duet_philox(duet_philox_block counter, uint32_t key0, uint32_t key1);

/** The block of one random element. The key is the seed; the counter is (element, step, stream, 0). */
static inline duet_philox_block duet_philox_element(uint64_t seed, uint32_t stream, uint32_t step, uint32_t element)
{
    duet_philox_block counter = {{element, step, stream, 0}};
    return duet_philox(counter, (uint32_t)seed, (uint32_t)(seed >> 32));
}

/** The upper 23 bits of word 0 as a uniform number in (0, 1): (bits + 0.5) / 2^23, which a float32 holds exactly. */
double duet_philox_uniform(duet_philox_block block);

/** A place drawn from part number `part` of `count` equal parts of 0..total-1; the same for the same numbers. */
size_t duet_philox_place(uint32_t stream, size_t part, size_t count, size_t total);

/** A standard normal from words 0 and 1 by Box-Muller, in double; the device's float32 version agrees to 1e-5. The
 *  largest magnitude is sqrt(2 ln 2^24) = 5.77. */
double duet_philox_normal(duet_philox_block block);

#endif
