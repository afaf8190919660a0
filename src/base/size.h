/* SPDX-License-Identifier: MIT */
/* Sizes that cannot silently overflow: every product that becomes an allocation goes through here. */
#ifndef DUET_SRC_BASE_SIZE_H
#define DUET_SRC_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** *product = a * b; false, with *product untouched, if that does not fit. */
static inline bool duet_size_multiply(size_t a, size_t b, size_t *product)
{
    if (b != 0 && a > SIZE_MAX / b) return false;
    *product = a * b;
    return true;
}

/** *sum = a + b; false, with *sum untouched, if that does not fit. */
static inline bool duet_size_add(size_t a, size_t b, size_t *sum)
{
    if (a > SIZE_MAX - b) return false;
    *sum = a + b;
    return true;
}

/** How many pieces of at most `piece` (> 0) make up `whole`. */
static inline size_t duet_size_pieces(size_t whole, size_t piece)
{
    return whole / piece + (whole % piece != 0);
}

/** `value` rounded up to a multiple of `unit` (unit > 0; the caller knows it fits). */
static inline size_t duet_size_round_up(size_t value, size_t unit)
{
    return (value + unit - 1) / unit * unit;
}

#endif
