/* SPDX-License-Identifier: MIT */
/* Small arithmetic: numbers in texts, read alike whatever locale the host program has chosen; medians; divisors. */
#ifndef DUET_SRC_BASE_NUMBER_H
#define DUET_SRC_BASE_NUMBER_H

#include "duet/base.h"

/** The whole text as a decimal number with a point, such as 3, -0.5 or 1e-8. False if it is none, or one that float64
 *  cannot hold: hexadecimal, "inf", "nan" and spaces are none. */
bool duet_number_read(const char *text, double *number);

/** Whether it is such a number all the same, and float64 cannot hold it, such as 1e400. */
bool duet_number_is_beyond(const char *text);

/** Sorts the values, count of them from 1, and gives the middle one (of an even count the mean of the two). */
double duet_median(double *values, size_t count);
/** The greatest common divisor of two numbers, not both 0. */
size_t duet_common_divisor(size_t a, size_t b);

#endif
