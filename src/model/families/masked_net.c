/* SPDX-License-Identifier: MIT */
/* The net under masks. Orders and degrees are written by the host, once a graph; they follow from their place in a
 * table alone, so that every graph of every run has the same. */
#include "model/families/masked_net.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/families/autoregressive.h"

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
    if (values == NULL)
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_MEMORY, "out of memory for masks of %zu numbers", columns);
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

/* Sets take the orders by turns; the first is that of the data. */
static void make_orders(duet_model *m, duet_masked_net *n, size_t orders)
{
    float *input_at = room_for(m, n->sets, n->inputs), *place_of = room_for(m, n->sets, n->inputs);
    float *before = room_for(m, n->sets, n->inputs);
    for (size_t s = 0; s < n->sets && input_at != NULL && place_of != NULL && before != NULL; s++) {
        float *row = input_at + s * n->inputs;
        for (size_t i = 0; i < n->inputs; i++) row[i] = (float)i;
        if (s % orders > 0) shuffle(row, n->inputs, s % orders);
        for (size_t i = 0; i < n->inputs; i++) place_of[s * n->inputs + (size_t)row[i]] = (float)i;
        for (size_t i = 0; i < n->inputs; i++) before[s * n->inputs + i] = place_of[s * n->inputs + i] - 1;
    }
    n->all.order = table_of(m, input_at, n->sets, n->inputs);
    n->all.place = table_of(m, place_of, n->sets, n->inputs);
    n->all.before = table_of(m, before, n->sets, n->inputs);
}

static int by_number(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

/* Sets take the connectivities by turns. Each deals degrees from 0 to inputs - 2, in order, going on where the one
 * before it ended, or any, each as likely. Which unit has which is all the same to a net that learns, but in rising
 * order the mask is a triangle, of whose other half products are spared. */
static duet_node make_degrees(duet_model *m, const duet_masked_net *n, size_t layer)
{
    size_t units = n->units[layer], most = n->inputs > 1 ? n->inputs - 1 : 1;
    size_t deals = (size_t)duet_setting_number(m, "masks");
    bool in_turn = duet_setting_is(m, "degrees", "cycle"), rising = duet_setting_is(m, "degrees", "rising");
    float *degrees = room_for(m, n->sets, units);
    for (size_t s = 0; s < n->sets && degrees != NULL; s++)
        for (size_t h = 0; h < units; h++) {
            size_t deal = s % deals;
            size_t degree = in_turn ? (deal * units + h) % most : scattered(most, layer + 1, deal, h);
            degrees[s * units + h] = (float)degree;
        }
    for (size_t s = 0; s < n->sets && degrees != NULL && rising; s++)
        qsort(degrees + s * units, units, sizeof *degrees, by_number);
    return table_of(m, degrees, n->sets, units);
}

static void make_layer(duet_model *m, duet_masked_net *n, size_t layer, size_t out, size_t in)
{
    const duet_initialiser fan_in = {.kind = DUET_INIT_FAN_IN_UNIFORM, .scale = 1}, zero = {.kind = DUET_INIT_CONSTANT};
    duet_group *group = duet_model_group(m, "net");
    char name[24], bias[32];
    (void)snprintf(name, sizeof name, layer == n->layers ? "logits" : layer == 0 ? "hidden" : "hidden%zu", layer + 1);
    (void)snprintf(bias, sizeof bias, "%s.bias", name);
    n->weights[layer] = duet_weight(duet_model_graph(m), group, name, DUET_SHAPE(out, in), fan_in);
    n->biases[layer] = duet_parameter(duet_model_graph(m), group, bias, DUET_SHAPE(out), zero);
}

duet_masked_net duet_masked_net_new(duet_model *m, size_t inputs)
{
    size_t orders = (size_t)duet_setting_number(m, "orders"), deals = (size_t)duet_setting_number(m, "masks");
    duet_masked_net n = {.inputs = inputs,
                         .values = duet_autoregressive_is_categorical(m) ? duet_autoregressive_outputs(m) : 1,
                         .outputs = duet_autoregressive_outputs(m),
                         .sets = orders > deals ? orders : deals};
    n.layers = duet_setting_sizes(m, "hidden", n.units);
    if (n.layers == 0) {
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "hidden names no layer, and masks need one at least: hidden=500, say");
        return n;
    }
    make_orders(m, &n, orders);
    for (size_t i = 0; i < n.layers; i++) {
        make_layer(m, &n, i, n.units[i], i == 0 ? inputs * n.values : n.units[i - 1]);
        n.all.degrees[i] = make_degrees(m, &n, i);
    }
    make_layer(m, &n, n.layers, inputs * n.outputs, n.units[n.layers - 1]);
    return n;
}

duet_masks duet_masks_of(const duet_masked_net *n, size_t set)
{
    duet_masks of = {.order = duet_slice(n->all.order, 0, set, 1),
                     .place = duet_slice(n->all.place, 0, set, 1),
                     .before = duet_slice(n->all.before, 0, set, 1)};
    for (size_t i = 0; i < n->layers; i++) of.degrees[i] = duet_slice(n->all.degrees[i], 0, set, 1);
    return of;
}

duet_masks duet_masks_at(const duet_masked_net *n, duet_node sets)
{
    duet_masks of = {.order = duet_take(n->all.order, 0, sets),
                     .place = duet_take(n->all.place, 0, sets),
                     .before = duet_take(n->all.before, 0, sets)};
    for (size_t i = 0; i < n->layers; i++) of.degrees[i] = duet_take(n->all.degrees[i], 0, sets);
    return of;
}

/* Each number `times` times, one after the other: [1, count] to [count * times]. */
static duet_node repeated(duet_node numbers, size_t count, size_t times)
{
    duet_node each = duet_broadcast(duet_reshape(numbers, DUET_SHAPE(count, 1)), DUET_SHAPE(count, times));
    return duet_reshape(each, DUET_SHAPE(count * times));
}

/* h by a layer's weights under its mask, eq. 8 and 9: units see what stands no later than their degree, outputs what
 * stands before them. */
static duet_node weighted(const duet_masked_net *n, const duet_masks *of, size_t layer, duet_node h)
{
    bool first = layer == 0, last = layer == n->layers;
    duet_node from =
        first ? repeated(of->place, n->inputs, n->values) : repeated(of->degrees[layer - 1], n->units[layer - 1], 1);
    duet_node to =
        last ? repeated(of->before, n->inputs, n->outputs) : repeated(of->degrees[layer], n->units[layer], 1);
    return duet_add(duet_masked_matmul(h, n->weights[layer], from, to), n->biases[layer]);
}

duet_node duet_masked_net_outputs(duet_model *m, const duet_masked_net *n, const duet_masks *of, duet_node x)
{
    duet_node h = n->values == 1 ? x : duet_flatten(duet_one_hot(duet_autoregressive_bytes(x), n->values));
    for (size_t i = 0; i < n->layers; i++) h = duet_activate(m, weighted(n, of, i, h));
    return weighted(n, of, n->layers, h);
}
