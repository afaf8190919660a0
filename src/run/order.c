/* SPDX-License-Identifier: MIT */
/* Orders written, sent and read; and which rows of a request fall to whom, which all ranks work out alike. */
#include "run/order.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"

void duet_order_add(duet_order *order, const char *word)
{
    const size_t length = strlen(word) + 1;
    if (order->failed) return;
    if (length > order->capacity - order->size) {
        const size_t capacity = 2 * (order->size + length) + 256;
        char *grown = realloc(order->words, capacity);
        if (grown == NULL) {
            order->failed = true;
            return;
        }
        order->words = grown;
        order->capacity = capacity;
    }
    memcpy(order->words + order->size, word, length);
    order->size += length;
}

void duet_order_add_number(duet_order *order, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    duet_order_add(order, text);
}

const char *duet_order_word(duet_order *order)
{
    const char *word = order->words + order->at;
    const char *end = order->at < order->size ? memchr(word, '\0', order->size - order->at) : NULL;
    if (end == NULL) {
        order->failed = true;
        return "";
    }
    order->at = (size_t)(end - order->words) + 1;
    return word;
}

uint64_t duet_order_number(duet_order *order)
{
    return strtoull(duet_order_word(order), NULL, 10);
}

void duet_order_free(duet_order *order)
{
    free(order->words);
    *order = (duet_order){NULL};
}

static duet_status fail_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what rank 0 asks of the others");
}

duet_status duet_order_give(duet_order *order, duet_ranks *ranks, duet_error *error)
{
    uint64_t size = order->size;
    if (order->failed) return fail_memory(error);
    DUET_TRY(duet_ranks_share(ranks, &size, sizeof size, error));
    return duet_ranks_share(ranks, order->words, order->size, error);
}

duet_status duet_order_take(duet_order *order, duet_ranks *ranks, duet_error *error)
{
    uint64_t size = 0;
    DUET_TRY(duet_ranks_share(ranks, &size, sizeof size, error));
    *order = (duet_order){.words = malloc(size), .size = size, .capacity = size};
    return order->words == NULL ? fail_memory(error) : duet_ranks_share(ranks, order->words, size, error);
}

duet_part duet_part_of(size_t count, size_t rows, const duet_ranks *ranks, size_t rank)
{
    const size_t batches = duet_size_pieces(count, rows), all = duet_ranks_count(ranks);
    const size_t begin = duet_size_pieces(batches * rank, all) * rows;
    const size_t end = duet_size_pieces(batches * (rank + 1), all) * rows;
    return (duet_part){begin, (end < count ? end : count) - (begin < count ? begin : count)};
}
