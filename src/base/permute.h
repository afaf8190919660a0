/* SPDX-License-Identifier: MIT */
/* A shuffled order without a table: a keyed bijection of 0..n-1, evaluated one position at a time. A Feistel network on
 * the smallest even number of bits, six or more, that holds n, walked until it lands below n (Black & Rogaway, "Ciphers
 * with arbitrary finite domains", CT-RSA 2002). cl/philox.cl holds the same function for the device. */
#ifndef DUET_SRC_BASE_PERMUTE_H
#define DUET_SRC_BASE_PERMUTE_H

#include <stdint.h>

/** Where `position` (below n) goes in permutation number `pass` of the seed's stream. */
uint32_t duet_philox_permute(uint64_t seed, uint32_t stream, uint32_t pass, uint32_t position, uint32_t n);

#endif
