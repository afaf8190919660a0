/* SPDX-License-Identifier: MIT */
/* Arrays that grow: room for one more item, however many there are. */
#ifndef DUET_SRC_BASE_ARRAY_H
#define DUET_SRC_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/** Room for one more item after the first `count` of the array *items, which may move: `items` is the address of a
 *  pointer to items of `bytes` each, NULL at first. New items are zeroed. False, with the array as it was, if memory is
 *  short. The caller frees *items. */
bool duet_array_grow(void *items, size_t count, size_t *capacity, size_t bytes);

#endif
