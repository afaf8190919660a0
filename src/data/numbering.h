/* SPDX-License-Identifier: MIT */
/* Whether numbers are those of so many lines: each from 0 or from 1 on once, in any order. Nothing is kept of them. */
#ifndef DUET_DATA_NUMBERING_H
#define DUET_DATA_NUMBERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Zeros before the first. */
typedef struct duet_numbering {
    size_t count;
    bool broken, mixed; /* one cannot number a line; one is not greater than the one before */
    double low, high, before;
    uint64_t sum; /* of a print of each */
} duet_numbering;

/** The next number, in the order of the lines; NaN where there is none. */
void duet_numbering_add(duet_numbering *it, double number);
bool duet_numbering_is_whole(const duet_numbering *it);

#endif
