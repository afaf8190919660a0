/* SPDX-License-Identifier: MIT */
/* Orders and degrees, written by the host once a graph. */
#include "model/families/masks.h"

#include <stdlib.h>

/* A number in [0, n) for a place in a table: splitmix64 of it. */
static size_t scattered(size_t n, size_t table, size_t row, size_t column)
{
    uint64_t x = ((uint64_t)table << 56 ^ (uint64_t)row << 32 ^ column) + 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (size_t)((x ^ x >> 31) % n);
}

/* Room for a table; a mistake of the graph if there is none. */
static float *room_for(duet_model *m, size_t rows, size_t columns)
{
    float *values = calloc(rows * columns, sizeof *values);
    if (values == NULL) duet_graph_fail(duet_model_graph(m), "out of memory for masks of %zu numbers", columns);
    return values;
}

/* What was written in it, as a node. */
static duet_node table_of(duet_model *m, float *values, size_t rows, size_t columns)
{
    duet_node table = duet_constant_values(duet_model_graph(m), DUET_SHAPE(rows, columns), values);
    free(values);
    return table;
}

/* Fisher and Yates. */
static void shuffle(float *order, size_t count, size_t row)
{
    for (size_t i = count; i-- > 1;) {
        size_t other = scattered(i + 1, 0, row, i);
        float kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

void duet_masks_orders(duet_model *m, size_t sets, size_t orders, size_t inputs, duet_node *order, duet_node *place)
{
    float *input_at = room_for(m, sets, inputs), *place_of = room_for(m, sets, inputs);
    for (size_t s = 0; s < sets && input_at != NULL && place_of != NULL; s++) {
        float *row = input_at + s * inputs;
        for (size_t i = 0; i < inputs; i++) row[i] = (float)i;
        if (s % orders > 0) shuffle(row, inputs, s % orders);
        for (size_t i = 0; i < inputs; i++) place_of[s * inputs + (size_t)row[i]] = (float)i;
    }
    *order = table_of(m, input_at, sets, inputs);
    *place = table_of(m, place_of, sets, inputs);
}

duet_node duet_masks_degrees(duet_model *m, size_t sets, size_t deals, bool random, size_t layer, size_t units,
                             size_t inputs)
{
    float *degrees = room_for(m, sets, units);
    size_t most = inputs > 1 ? inputs - 1 : 1;
    for (size_t s = 0; s < sets && degrees != NULL; s++)
        for (size_t h = 0; h < units; h++) {
            size_t deal = s % deals;
            size_t degree = random ? scattered(most, layer + 1, deal, h) : (deal * units + h) % most;
            degrees[s * units + h] = (float)degree;
        }
    return table_of(m, degrees, sets, units);
}
