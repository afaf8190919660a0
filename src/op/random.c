/* SPDX-License-Identifier: MIT */
/* Random ops: element i is a pure function of (seed, stream, clock, i), so nothing is stored and any kernel can compute
 * it again. size[0] is the stream; size[1] of a draw the elements of a row, size[2] and size[3] how it is dealt out to
 * ranks; size[1] and size[2] of a permutation n and how many are drawn; number[0] of a mask the probability of 1. A
 * draw that is dealt out counts its elements over the whole batch, so that the ranks draw what one alone would. */
#include "op/random.h"

#include "base/permute.h"
#include "graph/deal.h"
#include "op/op.h"
#include "op/where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static duet_status write_seed(void *context, void *destination, size_t bytes, duet_error *error)
{
    (void)error;
    uint64_t seed = duet_store_seed(context);
    uint32_t words[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    memcpy(destination, words, bytes < sizeof words ? bytes : sizeof words);
    return DUET_OK;
}

static duet_node seed_of(duet_graph *graph)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_store *store = duet_graph_working_store(graph);
    duet_node seed = duet_working_state(graph, "random.seed", DUET_UINT32, DUET_SHAPE(2), zero);
    duet_variable *variable = duet_store_find(store, "random.seed");
    if (variable != NULL) {
        variable->fill = write_seed;
        variable->fill_context = store;
    }
    return seed;
}

duet_node duet_clock(duet_graph *graph)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    return duet_working_state(graph, "random.clock", DUET_UINT32, DUET_SCALAR_SHAPE, zero);
}

/* The clock; for a graph whose draws must not change, a state that never moves. */
static duet_node clock_of(duet_graph *graph)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    if (!duet_graph_is_still(graph)) return duet_clock(graph);
    return duet_working_state(graph, "random.still", DUET_UINT32, DUET_SCALAR_SHAPE, zero);
}

/* The first arguments of the functions of cl/philox.cl: two loads of the seed, and the stream. */
static void write_key(duet_kernel_writer *writer, duet_node node, char text[256])
{
    char seed0[96], seed1[96];
    writer->random = true;
    duet_write_element(writer, node->inputs[0], "0", true, seed0);
    duet_write_element(writer, node->inputs[0], "1", true, seed1);
    snprintf(text, 256, "%s, %s, %zuu", seed0, seed1, node->attributes.size[0]);
}

static duet_status write_number(void *context, void *destination, size_t bytes, duet_error *error)
{
    (void)error;
    memcpy(destination, context, bytes);
    return DUET_OK;
}

/* The number of the first row that this rank has. It is no constant, so that ranks have the same kernels. */
static duet_node first_row(duet_graph *graph)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    const uint32_t first = (uint32_t)duet_graph_dealer(graph)->first;
    char name[64];
    snprintf(name, sizeof name, "random.first.%u", first);
    duet_node node = duet_working_state(graph, name, DUET_UINT32, DUET_SCALAR_SHAPE, zero);
    duet_variable *variable = duet_store_find(duet_graph_working_store(graph), name);
    if (variable == NULL || variable->fill != NULL) return node;
    uint32_t *number = malloc(sizeof *number);
    if (number == NULL) {
        duet_graph_refuse(graph, DUET_ERROR_MEMORY, "out of memory for a state");
        return duet_node_broken(graph);
    }
    *number = first;
    variable->saved = false;
    variable->fill = write_number;
    variable->fill_context = number;
    variable->owns_context = true;
    return node;
}

/* The element, among those of the whole batch, of an element of this rank's [outer, rows, inner]. */
static duet_value write_whole_place(duet_kernel_writer *writer, duet_node node, const char *index)
{
    const duet_dealer *dealer = duet_graph_dealer(node->graph);
    const size_t here = node->elements / node->deal.outer, inner = here / dealer->rows;
    const size_t away = (dealer->all - dealer->rows) * inner;
    char row[96];
    duet_write_element(writer, node->inputs[node->input_count - 1], "0", true, row);
    if (node->deal.outer == 1) return duet_write_let(writer, DUET_UINT32, "%s * %zuu + %s", row, inner, index);
    return duet_write_let(writer, DUET_UINT32, "%s * %zuu + %s + %s / %zuu * %zuu", row, inner, index, index, here,
                          away);
}

/* The element of a draw. If the graph counts rows, elements are counted over all batches, so that a row draws the same
 * in a batch of any size; what exceeds 32 bits is mixed into the clock. */
static duet_value write_place(duet_kernel_writer *writer, duet_node node, duet_value index, char clock[160])
{
    char row[96], time[96];
    duet_write_element(writer, node->inputs[1], "0", true, time);
    snprintf(clock, 160, "%s", time);
    if (node->input_count < 3) return index;
    if (duet_is_dealt(node)) return write_whole_place(writer, node, index.text);
    size_t width = node->attributes.size[1];
    duet_write_element(writer, node->inputs[2], "0", true, row);
    duet_value high =
        duet_write_let(writer, DUET_UINT32, "(uint)(((ulong)%s * %zuu + %s) >> 32)", row, width, index.text);
    snprintf(clock, 160, "(%s ^ (%s << 20))", time, high.text);
    return duet_write_let(writer, DUET_UINT32, "%s * %zuu + %s", row, width, index.text);
}

/* Whether neighbours draw together. */
static bool draws_runs(const duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    return map->linear && writer->run != NULL && (node->input_count < 3 || node->deal.outer == 1);
}

/* The element of a run's first. */
static void write_run_place(duet_kernel_writer *writer, duet_node node, char text[160])
{
    char row[96];
    snprintf(text, 160, "(uint)first");
    if (!duet_is_dealt(node)) return;
    duet_write_element(writer, node->inputs[2], "0", true, row);
    snprintf(text, 160, "%s * %zuu + (uint)first", row, node->elements / duet_graph_dealer(node->graph)->rows);
}

/* Neighbours of a run draw together, eight at a time: CPUs have vectors for that, and runs that are long enough. */
enum { LEAST_RUN = 16 };

static duet_value write_draw(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    char key[256], clock[160], from[160];
    duet_value index = write_place(writer, node, duet_write_index(writer, node, map), clock);
    write_key(writer, node, key);
    if (!draws_runs(writer, node, map) || writer->run_length < LEAST_RUN)
        return duet_write_let(writer, DUET_FLOAT32, "random_%s(%s, %s, %s)", node->op->name, key, clock, index.text);
    size_t run = writer->value_count;
    write_run_place(writer, node, from);
    duet_text_add(writer->run, "    float draws%zu[RUN];\n    random_%ss(%s, %s, %s, count, draws%zu);\n", run,
                  node->op->name, key, clock, from, run);
    return duet_write_let(writer, DUET_FLOAT32, "draws%zu[lane]", run);
}

static duet_dealing deal_draw(duet_node node, duet_deal *deal)
{
    *deal = (duet_deal){node->attributes.size[2], node->attributes.size[3]};
    return deal->outer > 0 ? DUET_DEALT : DUET_DEALT_NOT;
}

static const duet_op op_uniform = {.name = "uniform",
                                   .kind = DUET_OP_READER,
                                   .cost = 60,
                                   .write = write_draw,
                                   .blocks_gradient = true,
                                   .deal = deal_draw};
static const duet_op op_normal = {.name = "normal",
                                  .kind = DUET_OP_READER,
                                  .cost = 80,
                                  .write = write_draw,
                                  .blocks_gradient = true,
                                  .deal = deal_draw};

static duet_value write_mask(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    char key[256], clock[160], from[160];
    duet_value index = write_place(writer, node, duet_write_index(writer, node, map), clock);
    duet_value limit = duet_write_constant(writer, node->attributes.number[0] * 65536);
    write_key(writer, node, key);
    if (!draws_runs(writer, node, map))
        return duet_write_let(writer, DUET_FLOAT32, "random_mask(%s, %s, %s, %s)", key, clock, index.text, limit.text);
    size_t run = writer->value_count;
    write_run_place(writer, node, from);
    duet_text_add(writer->run, "    float masks%zu[RUN];\n    random_masks(%s, %s, %s, %s, count, masks%zu);\n", run, key,
                  clock, from, limit.text, run);
    return duet_write_let(writer, DUET_FLOAT32, "masks%zu[lane]", run);
}

static const duet_op op_mask = {.name = "mask",
                                .kind = DUET_OP_READER,
                                .cost = 60,
                                .write = write_mask,
                                .is_recomputed = true,
                                .blocks_gradient = true,
                                .deal = deal_draw};

static duet_node draw(const char *where, duet_graph *graph, const duet_op *op, duet_shape shape, double number,
                      duet_deal deal)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    size_t rows = duet_graph_rows(graph), elements = duet_shape_elements(shape), inputs = 2;
    duet_attributes attributes = {.number = {number}, .size = {duet_graph_next_stream(graph)}};
    duet_node operands[3] = {seed_of(graph), clock_of(graph)};
    if (rows > 0) {
        attributes.size[1] = (elements + rows - 1) / rows;
        operands[inputs++] = duet_working_state(graph, "random.row", DUET_UINT32, DUET_SCALAR_SHAPE, zero);
    } else if (deal.outer > 0) {
        attributes.size[2] = deal.outer;
        attributes.size[3] = deal.inner;
        operands[inputs++] = first_row(graph);
    }
    return duet_node_make(where, graph, op, DUET_FLOAT32, shape, operands, inputs, &attributes, true);
}

/* A shape that begins with the batch, or a multiple of it, has its rows first. */
static duet_deal deal_of(const duet_graph *graph, duet_shape shape)
{
    const duet_dealer *dealer = duet_graph_dealer(graph);
    if (dealer == NULL || shape.rank == 0 || shape.dims[0] % dealer->rows != 0) return (duet_deal){0};
    return (duet_deal){1, duet_shape_elements(shape) / dealer->rows};
}

duet_node duet_uniform_at(const char *where, duet_graph *graph, duet_shape shape)
{
    return draw(where, graph, &op_uniform, shape, 0, deal_of(graph, shape));
}

/* What is compared with x, which may be the same for all rows of a batch. */
static duet_node uniform_beside(const char *where, duet_node x)
{
    const duet_deal deal = duet_is_dealt(x) ? x->deal : deal_of(x->graph, x->shape);
    return draw(where, x->graph, &op_uniform, x->shape, 0, deal);
}

duet_node duet_normal_at(const char *where, duet_graph *graph, duet_shape shape)
{
    return draw(where, graph, &op_normal, shape, 0, deal_of(graph, shape));
}

duet_node duet_normal_like(const char *where, duet_node x)
{
    return duet_node_is_broken(x) ? x : draw(where, x->graph, &op_normal, x->shape, 0, x->deal);
}

static duet_node mask(const char *where, duet_graph *graph, duet_shape shape, double keep, duet_deal deal)
{
    if (keep >= 0 && keep <= 1) return draw(where, graph, &op_mask, shape, keep, deal);
    duet_graph_fail(graph, "mask: a probability in [0, 1] was expected, not %g", keep);
    return duet_node_broken(graph);
}

duet_node duet_mask_at(const char *where, duet_graph *graph, duet_shape shape, double keep)
{
    return mask(where, graph, shape, keep, deal_of(graph, shape));
}

duet_node duet_mask_like(const char *where, duet_node x, double keep)
{
    return duet_node_is_broken(x) ? x : mask(where, x->graph, x->shape, keep, x->deal);
}

static duet_node gumbel_of(const char *where, duet_node uniform)
{
    return duet_negate(duet_log(duet_negate(duet_log(uniform))));
}

duet_node duet_gumbel_at(const char *where, duet_graph *graph, duet_shape shape)
{
    return gumbel_of(where, duet_uniform(graph, shape));
}

duet_node duet_bernoulli_at(const char *where, duet_node probability)
{
    if (duet_node_is_broken(probability)) return probability;
    return duet_less(uniform_beside(where, probability), probability);
}

duet_node duet_categorical_at(const char *where, duet_node logits)
{
    if (duet_node_is_broken(logits)) return logits;
    if (logits->shape.rank == 0) {
        duet_graph_fail(logits->graph, "categorical: the logits need at least one dimension");
        return duet_node_broken(logits->graph);
    }
    duet_node noisy = duet_add(logits, gumbel_of(where, uniform_beside(where, logits)));
    return duet_largest(noisy);
}

/* Permutations. Element i of a draw has position draws * count + i, in passes of n - n mod count positions. */

/* The number among the rows of the whole batch. */
static duet_value write_whole_index(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    duet_value index = duet_write_index(writer, node, map);
    const bool starts_later = duet_is_dealt(node) && node->attributes.number[1] == 0;
    return starts_later ? write_whole_place(writer, node, index.text) : index;
}

static duet_value write_position(duet_kernel_writer *writer, duet_node node, const duet_map *map, size_t counter,
                                 duet_value *pass)
{
    char draws[96];
    size_t n = node->attributes.size[1], count = node->attributes.size[2], batches = n / count;
    duet_value index = write_whole_index(writer, node, map);
    duet_write_element(writer, node->inputs[counter], "0", true, draws);
    if (batches == 0) { /* count exceeds n: a draw spans several passes */
        *pass =
            duet_write_let(writer, DUET_UINT32, "(uint)(((ulong)%s * %zuu + %s) / %zuu)", draws, count, index.text, n);
        return duet_write_let(writer, DUET_UINT32, "(uint)(((ulong)%s * %zuu + %s) %% %zuu)", draws, count, index.text,
                              n);
    }
    *pass = duet_write_let(writer, DUET_UINT32, "%s / %zuu", draws, batches);
    return duet_write_let(writer, DUET_UINT32, "%s %% %zuu * %zuu + %s", draws, batches, count, index.text);
}

static duet_value write_shuffled(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    char key[256];
    duet_value pass, position = write_position(writer, node, map, 1, &pass);
    write_key(writer, node, key);
    return duet_write_let(writer, DUET_UINT32, "permute(%s, %s, %s, %zuu)", key, pass.text, position.text,
                          node->attributes.size[1]);
}

/* The counter comes after the seed, of two numbers, where there is one. */
static duet_value write_in_order(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    char draws[96];
    duet_value index = write_whole_index(writer, node, map);
    duet_write_element(writer, node->inputs[node->inputs[0]->elements > 1], "0", true, draws);
    return duet_write_let(writer, DUET_UINT32, "(uint)(((ulong)%s * %zuu + %s) %% %zuu)", draws,
                          node->attributes.size[2], index.text, node->attributes.size[1]);
}

/* number[0]: whether these are rows of the batch; number[1]: of a ring that each rank fills with its own. */
static duet_dealing deal_order(duet_node node, duet_deal *deal)
{
    *deal = (duet_deal){1, 1};
    return node->attributes.number[0] > 0 ? DUET_DEALT : DUET_DEALT_NOT;
}

static const duet_op op_shuffled = {.name = "shuffled",
                                    .kind = DUET_OP_READER,
                                    .cost = 200,
                                    .write = write_shuffled,
                                    .blocks_gradient = true,
                                    .deal = deal_order};
static const duet_op op_in_order = {.name = "in_order",
                                    .kind = DUET_OP_READER,
                                    .cost = 8,
                                    .write = write_in_order,
                                    .blocks_gradient = true,
                                    .deal = deal_order};
/* In place of `shuffled`, as dear as that, so that the rest of a plan is cut as it would be: equal to the bit. */
static const duet_op op_in_ring = {.name = "in_ring",
                                   .kind = DUET_OP_READER,
                                   .cost = 200,
                                   .write = write_in_order,
                                   .blocks_gradient = true,
                                   .deal = deal_order};

/* `count` places by the draws; where that is the batch, this rank's rows of the whole one, or of a ring. */
static duet_node make_order(const char *where, const duet_op *op, duet_node *inputs, size_t input_count, size_t stream,
                            size_t count, size_t n, bool in_ring)
{
    duet_graph *graph = inputs[0]->graph;
    const duet_dealer *dealer = duet_graph_dealer(graph);
    const bool is_batch = dealer != NULL && dealer->rows == count, is_part = is_batch && !in_ring;
    duet_attributes attributes = {.number = {is_batch, is_batch && in_ring},
                                  .size = {stream, n, is_part ? dealer->all : count}};
    if (is_part) inputs[input_count++] = first_row(graph);
    return duet_node_make(where, graph, op, DUET_UINT32, DUET_SHAPE(count), inputs, input_count, &attributes, true);
}

static bool bad_draws(const char *where, const duet_op *op, duet_node draws, size_t count, size_t n)
{
    if (draws->type == DUET_UINT32 && draws->elements == 1 && count > 0 && n > 0 && n <= UINT32_MAX) return false;
    duet_graph_fail(draws->graph, "%s: needs a uint32 scalar and 0 < n < 2^32, has n = %zu, count = %zu", op->name, n,
                    count);
    return true;
}

duet_node duet_shuffled_at(const char *where, duet_node draws, size_t count, size_t n)
{
    if (duet_node_is_broken(draws)) return draws;
    if (bad_draws(where, &op_shuffled, draws, count, n)) return duet_node_broken(draws->graph);
    duet_node inputs[3] = {seed_of(draws->graph), draws};
    return make_order(where, &op_shuffled, inputs, 2, duet_graph_next_stream(draws->graph), count, n, false);
}

duet_node duet_in_order_at(const char *where, duet_node draws, size_t count, size_t n)
{
    if (duet_node_is_broken(draws)) return draws;
    if (bad_draws(where, &op_in_order, draws, count, n)) return duet_node_broken(draws->graph);
    duet_node inputs[2] = {draws};
    return make_order(where, &op_in_order, inputs, 1, 0, count, n, false);
}

duet_node duet_in_ring_at(const char *where, duet_node draws, size_t count, size_t slots, bool shuffled,
                          uint32_t *stream)
{
    if (duet_node_is_broken(draws)) return draws;
    if (bad_draws(where, &op_in_ring, draws, count, slots * count)) return duet_node_broken(draws->graph);
    if (!shuffled) return make_order(where, &op_in_order, &draws, 1, 0, count, slots * count, true);
    *stream = duet_graph_next_stream(draws->graph);
    duet_node inputs[2] = {seed_of(draws->graph), draws};
    return make_order(where, &op_in_ring, inputs, 2, 0, count, slots * count, true);
}

uint32_t duet_row_drawn(const duet_row_order *order, uint32_t draw, uint32_t i)
{
    const uint64_t count = order->count, n = order->n, batches = n / count;
    if (!order->shuffled) return (uint32_t)((draw * count + i) % n);
    if (batches == 0)
        return duet_philox_permute(order->seed, order->stream, (uint32_t)((draw * count + i) / n),
                                   (uint32_t)((draw * count + i) % n), (uint32_t)n);
    return duet_philox_permute(order->seed, order->stream, (uint32_t)(draw / batches),
                               (uint32_t)(draw % batches * count + i), (uint32_t)n);
}
