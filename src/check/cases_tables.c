/* SPDX-License-Identifier: MIT */
/* Classes and tables: compositions whose second reading is plain arithmetic. */
#include <math.h>

#include "check/cases.h"

static duet_twin_value log_softmax(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    if (t->graph) return (duet_twin_value){.node = duet_log_softmax_at(t->where, x[0].node)};
    unsigned last = DUET_AXIS(x[0].plain.shape.rank - 1);
    duet_twin_value total = duet_twin_reduce(t, duet_logsumexp_at, duet_plain_logsumexp, x[0], last, true);
    return duet_twin_subtract(t, x[0], total);
}

static duet_twin_value softmax(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    if (t->graph) return (duet_twin_value){.node = duet_softmax_at(t->where, x[0].node)};
    return duet_twin_exp(t, log_softmax(t, x, row));
}

/* Squared, so that the second gradient is not empty. */
static duet_twin_value gather_squared(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value y = duet_twin_gather(t, x[0], x[1]);
    return duet_twin_multiply(t, y, y);
}

static duet_twin_value one_hot(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    const size_t classes = (size_t)row->parameter;
    if (t->graph) return (duet_twin_value){.node = duet_one_hot_at(t->where, x[0].node, classes)};
    duet_plain rows = duet_plain_new(t->arena, DUET_SHAPE(x[0].plain.count, classes));
    for (size_t i = 0; i < rows.count; i++) rows.values[i] = x[0].plain.values[i / classes] == (double)(i % classes);
    return (duet_twin_value){.plain = rows};
}

static duet_twin_value largest(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    if (t->graph) return (duet_twin_value){.node = duet_largest_at(t->where, x[0].node)};
    duet_plain from = x[0].plain, rows = duet_plain_new(t->arena, from.shape);
    size_t width = from.shape.dims[from.shape.rank - 1];
    for (size_t i = 0; i < rows.count; i++) {
        const double *begin = from.values + i / width * width;
        size_t best = 0;
        for (size_t k = 1; k < width; k++)
            if (begin[k] > begin[best]) best = k;
        rows.values[i] = i % width == best;
    }
    return (duet_twin_value){.plain = rows};
}

/* x + 0, 1, 2, ... */
static duet_twin_value add_range(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    if (t->graph)
        return (duet_twin_value){
            .node = duet_add_at(t->where, x[0].node, duet_range_at(t->where, t->graph, duet_features(x[0].node)))};
    duet_plain sum = duet_plain_new(t->arena, x[0].plain.shape);
    size_t width = sum.shape.dims[sum.shape.rank - 1];
    for (size_t i = 0; i < sum.count; i++) sum.values[i] = x[0].plain.values[i] + (double)(i % width);
    return (duet_twin_value){.plain = sum};
}

static const float table_values[6] = {0.5f, -1, 2, 0.25f, 3, -0.125f};

/* x times a tensor of the host's, twice, so that it is found again. */
static duet_twin_value times_constant(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    const duet_shape shape = DUET_SHAPE(2, 3);
    if (t->graph) {
        duet_node once = duet_constant_values_at(t->where, t->graph, shape, table_values);
        duet_node again = duet_constant_values_at(t->where, t->graph, shape, table_values);
        return (duet_twin_value){.node =
                                     duet_multiply_at(t->where, duet_multiply_at(t->where, x[0].node, once), again)};
    }
    duet_plain product = duet_plain_new(t->arena, x[0].plain.shape);
    for (size_t i = 0; i < product.count; i++)
        product.values[i] = x[0].plain.values[i] * (double)table_values[i % 6] * (double)table_values[i % 6];
    return (duet_twin_value){.plain = product};
}

/* Element [i, place of j, ...] of x: the slice, computed where it is read, of x squared. */
static duet_twin_value take(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    const size_t axis = (size_t)row->parameter;
    duet_twin_value squares = duet_twin_multiply(t, x[0], x[0]);
    if (t->graph) return (duet_twin_value){.node = duet_take_at(t->where, squares.node, axis, x[1].node)};
    duet_plain from = squares.plain;
    duet_shape shape = from.shape;
    size_t inner = 1, extent = shape.dims[axis], count = x[1].plain.count;
    for (size_t i = axis + 1; i < shape.rank; i++) inner *= shape.dims[i];
    shape.dims[axis] = count;
    duet_plain result = duet_plain_new(t->arena, shape);
    for (size_t i = 0; i < result.count; i++) {
        size_t outer = i / inner / count,
               place = (size_t)fmin(x[1].plain.values[i / inner % count], (double)extent - 1);
        result.values[i] = from.values[(outer * extent + place) * inner + i % inner];
    }
    return (duet_twin_value){.plain = result};
}

static const double places[] = {3, 0, 6, 6, 2, 7, 4000000000.0}; /* the last two are past the end of 7 rows */
static const double ties[] = {1, 3, 3, 2, 0, 0, 0, 0, -1, -2, -1, -3};

#define INDICES                                                                                                        \
    {                                                                                                                  \
        .shape = DUET_CASE_SHAPE(7), .values = places, .type = DUET_UINT32                                             \
    }
static const duet_case tables[] = {
    {.name = "log-softmax",
     .expression = log_softmax,
     .inputs = {DUET_CASE_FLOATS(-4, 4, 3, 7)},
     .tolerance = 6,
     .length = 7,
     .derivatives = 2},
    {.name = "softmax",
     .expression = softmax,
     .inputs = {DUET_CASE_FLOATS(-4, 4, 2, 3, 5)},
     .tolerance = 8,
     .length = 5,
     .derivatives = 2},
    {.name = "softmax of distant numbers",
     .expression = softmax,
     .inputs = {DUET_CASE_FLOATS(-300, 300, 4, 6)},
     .tolerance = 200},
    {.name = "log-softmax far from 0",
     .expression = log_softmax,
     .inputs = {DUET_CASE_FLOATS(999990, 1000010, 4, 6)},
     .tolerance = 6,
     .length = 6,
     .derivatives = 2},
    {.name = "softmax far from 0",
     .expression = softmax,
     .inputs = {DUET_CASE_FLOATS(999996, 1000004, 4, 6)},
     .tolerance = 16,
     .length = 6,
     .derivatives = 2},
    {.name = "gather, by the table",
     .expression = gather_squared,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 7, 2, 3), INDICES},
     .tolerance = 2,
     .length = 7,
     .derivatives = 2},
    {.name = "one-hot", .expression = one_hot, .parameter = 7, .inputs = {INDICES}, .tolerance = 0},
    {.name = "largest", .expression = largest, .inputs = {DUET_CASE_FLOATS(-1, 1, 9, 11)}, .tolerance = 0},
    {.name = "largest of equals",
     .expression = largest,
     .inputs = {{.shape = DUET_CASE_SHAPE(3, 4), .values = ties}},
     .tolerance = 0},
    {.name = "range",
     .expression = add_range,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 3, 301)},
     .tolerance = 1,
     .derivatives = 1},
    {.name = "tensor of the host",
     .expression = times_constant,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 4, 2, 3)},
     .tolerance = 2,
     .derivatives = 1},
    {.name = "take of rows",
     .expression = take,
     .parameter = 0,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 7, 5), INDICES},
     .tolerance = 1},
    {.name = "take of columns",
     .expression = take,
     .parameter = 1,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 3, 7, 2), INDICES},
     .tolerance = 1},
};
const duet_case_group duet_table_cases = {"classes and tables", DUET_CASE_ROWS(tables)};
