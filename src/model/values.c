/* SPDX-License-Identifier: MIT */
/* A number that is unknown is NaN, and so is what is made of it; a node without values has unknown ones alone. Numbers
 * are rounded to float32 as a device's are: one that is compared with a constant has to equal it here too. */
#include "model/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data/data.h"
#include "graph/node.h"
#include "graph/writer.h"
#include "op/op.h"

enum {
    LOOKED_AT = 1 << 20, /* numbers of examples */
    MOST = 1 << 24       /* of a node: larger ones stay unknown */
};

/* Of elements x and the op's numbers n, as the expressions of src/op/elementwise.c are. */
#define RULE(label, expression)                                                                                        \
    static double of_##label(const double *x, const double *n)                                                         \
    {                                                                                                                  \
        (void)n;                                                                                                       \
        return (expression);                                                                                           \
    }
RULE(add, x[0] + x[1])
RULE(subtract, x[0] - x[1])
RULE(multiply, x[0] * x[1])
RULE(divide, x[0] / x[1])
RULE(minimum, fmin(x[0], x[1]))
RULE(maximum, fmax(x[0], x[1]))
RULE(power, pow(x[0], x[1]))
RULE(less, x[0] < x[1])
RULE(less_equal, x[0] <= x[1])
RULE(greater, x[0] > x[1])
RULE(greater_equal, x[0] >= x[1])
RULE(equal, x[0] == x[1])
RULE(not_equal, x[0] != x[1])
RULE(negate, -x[0])
RULE(reciprocal, 1 / x[0])
RULE(square, x[0] * x[0])
RULE(exp, exp(x[0]))
RULE(log, log(x[0]))
RULE(log1p, log1p(x[0]))
RULE(sqrt, sqrt(x[0]))
RULE(sin, sin(x[0]))
RULE(cos, cos(x[0]))
RULE(erf, erf(x[0]))
RULE(softplus, fmax(x[0], 0) + log1p(exp(-fabs(x[0]))))
RULE(tanh, tanh(x[0]))
RULE(sigmoid, 1 / (1 + exp(-x[0])))
RULE(relu, fmax(x[0], 0))
RULE(abs, fabs(x[0]))
RULE(sign, (x[0] > 0) - (x[0] < 0))
RULE(floor, floor(x[0]))
RULE(leaky_relu, x[0] > 0 ? x[0] : n[0] * x[0])
RULE(elu, x[0] > 0 ? x[0] : n[0] * expm1(x[0]))
RULE(clamp, fmin(fmax(x[0], n[0]), n[1]))
RULE(select, x[0] != 0 ? x[1] : x[2])
#undef RULE

typedef double rule(const double *x, const double *n);

#define ROW(label)                                                                                                     \
    {                                                                                                                  \
#label, of_##label                                                                                             \
    }
static const struct {
    const char *name;
    rule *of;
} rules[] = {ROW(add),       ROW(subtract), ROW(multiply), ROW(divide),     ROW(minimum), ROW(maximum),
             ROW(power),     ROW(less),     ROW(greater),  ROW(less_equal), ROW(equal),   ROW(greater_equal),
             ROW(not_equal), ROW(negate),   ROW(square),   ROW(reciprocal), ROW(exp),     ROW(log),
             ROW(log1p),     ROW(sqrt),     ROW(tanh),     ROW(sigmoid),    ROW(relu),    ROW(abs),
             ROW(sign),      ROW(floor),    ROW(elu),      ROW(leaky_relu), ROW(clamp),   ROW(select),
             ROW(sin),       ROW(cos),      ROW(erf),      ROW(softplus)};
#undef ROW

/* Values by the numbers of nodes; NULL: unknown, or not needed. */
typedef struct walk {
    const duet_build *build;
    duet_data *data;
    duet_node wanted;
    double **values;
    size_t *last; /* who reads a node last; 0: nobody does */
    float *examples;
} walk;

static void split(size_t index, duet_shape shape, size_t at[DUET_MAX_RANK])
{
    for (size_t i = shape.rank; i-- > 0; index /= shape.dims[i]) at[i] = index % shape.dims[i];
}

static size_t joined(const size_t at[DUET_MAX_RANK], duet_shape shape)
{
    size_t index = 0;
    for (size_t i = 0; i < shape.rank; i++) index = index * shape.dims[i] + at[i];
    return index;
}

static double at_or_unknown(const double *values, size_t index)
{
    return values == NULL ? (double)NAN : values[index];
}

static void compute_elementwise(duet_node node, rule *of, double *const *inputs, double *values)
{
    const double numbers[2] = {(double)(float)node->attributes.number[0], (double)(float)node->attributes.number[1]};
    for (size_t i = 0; i < node->elements; i++) {
        double x[3] = {0};
        bool known = true;
        for (size_t k = 0; k < node->input_count; k++) {
            x[k] = at_or_unknown(inputs[k], i);
            known = known && !isnan(x[k]);
        }
        values[i] = known ? (double)(float)of(x, numbers) : (double)NAN;
    }
}

static void compute_view(duet_node node, const double *input, double *values)
{
    const duet_map outside = duet_map_identity(node->shape);
    duet_map inside = outside;
    size_t at[DUET_MAX_RANK], from[DUET_MAX_RANK] = {0};
    memset(inside.dims, 0, sizeof inside.dims);
    if (node->op->view != NULL) node->op->view(node, &outside, &inside);
    for (size_t i = 0; i < node->elements; i++) {
        if (node->op->view == NULL) {
            values[i] = input[i];
            continue;
        }
        split(i, node->shape, at);
        for (size_t d = 0; d < node->inputs[0]->shape.rank; d++) {
            const size_t source = inside.dims[d].source < 0 ? 0 : at[inside.dims[d].source];
            from[d] = (size_t)(inside.dims[d].offset + inside.dims[d].step * (int64_t)source);
        }
        values[i] = input[joined(from, node->inputs[0]->shape)];
    }
}

/* Parts along one axis, of which pad has one, `before` elements from the start, and zeros around it. */
static void compute_join(duet_node node, size_t before, double *const *inputs, double *values)
{
    const size_t axis = node->attributes.size[0];
    size_t at[DUET_MAX_RANK];
    for (size_t i = 0; i < node->elements; i++) {
        split(i, node->shape, at);
        const size_t place = at[axis];
        values[i] = 0;
        for (size_t k = 0, start = before; k < node->input_count; start += node->inputs[k++]->shape.dims[axis]) {
            const duet_shape part = node->inputs[k]->shape;
            if (place < start || place - start >= part.dims[axis]) continue;
            at[axis] = place - start;
            values[i] = at_or_unknown(inputs[k], joined(at, part));
            break;
        }
    }
}

/* [batch, rows, columns, size, size, channels] of a picture; its strides, dilations and paddings are two sizes each. */
static void compute_windows(duet_node node, const double *input, double *values)
{
    const size_t *stride = node->attributes.size, *dilation = stride + 2, *pad = stride + 4;
    const duet_shape picture = node->inputs[0]->shape;
    size_t at[DUET_MAX_RANK];
    for (size_t i = 0; i < node->elements; i++) {
        split(i, node->shape, at);
        const size_t y = at[1] * stride[0] + at[3] * dilation[0], x = at[2] * stride[1] + at[4] * dilation[1];
        const bool inside = y >= pad[0] && y - pad[0] < picture.dims[1] && x >= pad[1] && x - pad[1] < picture.dims[2];
        const size_t from[DUET_MAX_RANK] = {at[0], y - pad[0], x - pad[1], at[5]};
        values[i] = inside ? input[joined(from, picture)] : node->attributes.number[0];
    }
}

static void compute_reduction(duet_node node, bool largest, const double *input, double *values)
{
    const duet_node x = node->inputs[0];
    size_t at[DUET_MAX_RANK];
    for (size_t i = 0; i < node->elements; i++) values[i] = largest ? -(double)INFINITY : 0;
    for (size_t i = 0; i < x->elements; i++) {
        split(i, x->shape, at);
        for (size_t d = 0; d < x->shape.rank; d++)
            if ((node->attributes.size[0] >> d & 1) != 0) at[d] = 0;
        double *to = &values[joined(at, node->shape)];
        if (!largest)
            *to += input[i];
        else if (!(input[i] <= *to) && !isnan(*to))
            *to = input[i];
    }
}

static rule *rule_of(duet_node node)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].name, node->op->name) == 0) return rules[i].of;
    return NULL;
}

/* Whether its values follow from known ones; then they are in `values`. */
static bool compute(duet_node node, double *const *inputs, double *values)
{
    const char *name = node->op->name;
    const float *numbers = duet_constant_numbers(node);
    bool some = false, all = true;
    for (size_t i = 0; i < node->input_count; i++) {
        some = some || inputs[i] != NULL;
        all = all && inputs[i] != NULL;
    }
    if (node->op == &duet_op_constant || strcmp(name, "mask") == 0) {
        const double number = node->attributes.number[0]; /* of a mask the probability of 1 */
        for (size_t i = 0; i < node->elements; i++)
            values[i] = node->op == &duet_op_constant ? (double)(float)number : number > 0;
        return true;
    }
    if (numbers != NULL) {
        for (size_t i = 0; i < node->elements; i++) values[i] = (double)numbers[i];
        return true;
    }
    if (!some || (!all && node->op->kind == DUET_OP_ELEMENTWISE)) return false;
    rule *of = node->op->kind == DUET_OP_ELEMENTWISE ? rule_of(node) : NULL;
    if (of != NULL)
        compute_elementwise(node, of, inputs, values);
    else if (node->op->kind == DUET_OP_VIEW)
        compute_view(node, inputs[0], values);
    else if (strcmp(name, "concat") == 0)
        compute_join(node, 0, inputs, values);
    else if (strcmp(name, "pad") == 0)
        compute_join(node, node->attributes.size[1], inputs, values);
    else if (strcmp(name, "windows") == 0)
        compute_windows(node, inputs[0], values);
    else if (strcmp(name, "sum") == 0 || strcmp(name, "max") == 0)
        compute_reduction(node, strcmp(name, "max") == 0, inputs[0], values);
    else
        return false;
    return true;
}

/* Who reads what on the way from the batch to the node. */
static void find_readers(walk *it)
{
    const duet_graph *graph = it->build->graph;
    it->last[it->wanted->id] = it->wanted->id + 1;
    for (size_t id = it->wanted->id + 1; id-- > 0;) {
        const duet_node node = duet_graph_at(graph, id);
        if (it->last[id] == 0 || node == it->build->batch) continue;
        for (size_t i = 0; i < node->input_count; i++)
            if (it->last[node->inputs[i]->id] < id + 1) it->last[node->inputs[i]->id] = id + 1;
    }
}

/* Its values, if they are known: NULL stays where they are not. */
static duet_status find_values(walk *it, duet_node node, duet_error *error)
{
    double **inputs, **values = &it->values[node->id];
    if (node->elements > MOST) return DUET_OK;
    inputs = calloc(node->input_count + 1, sizeof *inputs);
    *values = malloc(node->elements * sizeof **values);
    bool known = false, room = inputs != NULL && *values != NULL;
    for (size_t i = 0; room && i < node->input_count; i++) inputs[i] = it->values[node->inputs[i]->id];
    if (room && node == it->build->batch) {
        for (size_t i = 0; i < node->elements; i++) (*values)[i] = (double)it->examples[i];
        known = true;
    } else if (room)
        known = compute(node, inputs, *values);
    if (!known) {
        free(*values);
        *values = NULL;
    }
    free(inputs);
    return room ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu numbers", node->elements);
}

static duet_status take_node(walk *it, duet_node node, duet_error *error)
{
    DUET_TRY(find_values(it, node, error));
    for (size_t i = 0; i < node->input_count; i++) {
        const size_t id = node->inputs[i]->id;
        if (node == it->build->batch || it->last[id] != node->id + 1) continue;
        free(it->values[id]);
        it->values[id] = NULL;
    }
    return DUET_OK;
}

/* All of a batch whose first row is example `first`; after the last one come the first ones again. */
static duet_status read_batch(walk *it, size_t first, duet_error *error)
{
    const size_t total = duet_data_describe(it->data)->count[DUET_TRAIN], rows = it->build->batch->shape.dims[0];
    const size_t features = it->build->batch->elements / rows;
    for (size_t row = 0, count; row < rows; row += count, first = 0) {
        count = total - first < rows - row ? total - first : rows - row;
        DUET_TRY(duet_data_read(it->data, DUET_TRAIN, first, count, it->examples + row * features, error));
    }
    return DUET_OK;
}

static duet_status take_batch(walk *it, size_t first, double *found, duet_error *error)
{
    const double rounding = 1e-5;
    DUET_TRY(read_batch(it, first, error));
    for (size_t id = 0; id <= it->wanted->id; id++)
        if (it->last[id] > 0) DUET_TRY(take_node(it, duet_graph_at(it->build->graph, id), error));
    const double *values = it->values[it->wanted->id];
    for (size_t i = 0; values != NULL && isnan(*found) && i < it->wanted->elements; i++)
        if (values[i] < -rounding || values[i] > 1 + rounding) *found = values[i];
    free(it->values[it->wanted->id]);
    it->values[it->wanted->id] = NULL;
    return DUET_OK;
}

static void free_walk(walk *it)
{
    for (size_t id = 0; it->values != NULL && id <= it->wanted->id; id++) free(it->values[id]);
    free(it->values);
    free(it->last);
    free(it->examples);
}

duet_status duet_values_beyond_unit(const duet_build *build, duet_data *data, duet_node node, double *found,
                                    duet_error *error)
{
    const size_t rows = build->batch->shape.dims[0], total = duet_data_describe(data)->count[DUET_TRAIN];
    const size_t nodes = node->id + 1, pieces = duet_size_pieces(total, rows);
    size_t looks = 1 + LOOKED_AT / build->batch->elements;
    walk it = {.build = build, .data = data, .wanted = node};
    *found = (double)NAN;
    if (build->batch->id >= nodes) return DUET_OK;
    if (looks > pieces) looks = pieces;
    it.values = calloc(nodes, sizeof *it.values);
    it.last = calloc(nodes, sizeof *it.last);
    it.examples = calloc(build->batch->elements, sizeof *it.examples);
    duet_status status = DUET_OK;
    if (it.values == NULL || it.last == NULL || it.examples == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", rows);
    else
        find_readers(&it);
    if (status == DUET_OK && it.last[build->batch->id] == 0) looks = 0; /* it is made of no examples */
    for (size_t i = 0; status == DUET_OK && isnan(*found) && i < looks; i++)
        status = take_batch(&it, pieces * i / looks * rows, found, error);
    free_walk(&it);
    return status;
}
