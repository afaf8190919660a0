/* SPDX-License-Identifier: MIT */
/* Capacities double, so that a thousand additions move an array seven times. */
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { FIRST_CAPACITY = 8 };

bool duet_array_grow(void *items, size_t count, size_t *capacity, size_t bytes)
{
    size_t larger = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity, room;
    void *array;
    if (count < *capacity) return true;
    if (!duet_size_multiply(larger, bytes, &room)) return false;
    memcpy(&array, items, sizeof array); /* a pointer of any type */
    void *grown = realloc(array, room);
    if (grown == NULL) return false;
    memset((char *)grown + *capacity * bytes, 0, (larger - *capacity) * bytes);
    memcpy(items, &grown, sizeof grown);
    *capacity = larger;
    return true;
}
