/* SPDX-License-Identifier: MIT */
/* The elementwise ops: one row each. A row is the name, the cost of an element in additions, the OpenCL C expression
 * (of a, b, c; m and n are numbers of the node) and the gradient as nodes, so that it can be differentiated again.
 * In a gradient, x (or a, b) are the operands, y is the op's own value and g is d loss / d y. */
#include "graph/deal.h"
#include "op/op.h"
#include "op/where.h"

#include <float.h>
#include <math.h>

static duet_node unary(const char *where, const duet_op *op, duet_node x, double m, double n);
/* Gives all operands the shape; those that are stretched to it are dealt out as the others are. */
static void stretch(const char *where, duet_node *operands, size_t count, duet_shape shape)
{
    duet_node pattern = NULL;
    for (size_t i = 0; i < count; i++) {
        duet_node stretched = duet_broadcast(operands[i], shape);
        if (duet_is_dealt(stretched)) pattern = stretched;
    }
    for (size_t i = 0; i < count; i++)
        operands[i] =
            pattern == NULL ? duet_broadcast(operands[i], shape) : duet_broadcast_like(where, operands[i], pattern);
}

static duet_node binary(const char *where, const duet_op *op, duet_node a, duet_node b);

#define UNARY_RULE(name, from)                                                                                         \
    static void gradient_##name(duet_node node, duet_node g, duet_node *gradients)                                     \
    {                                                                                                                  \
        const char *where = node->where;                                                                               \
        duet_node x = node->inputs[0], y = node;                                                                       \
        (void)where, (void)x, (void)y, (void)g;                                                                        \
        gradients[0] = from;                                                                                           \
    }
#define UNARY_ROW(label, price, text, rule, blocks)                                                                    \
    const duet_op duet_op_##label = {.name = #label,                                                                   \
                                     .kind = DUET_OP_ELEMENTWISE,                                                        \
                                     .cost = (price),                                                                  \
                                     .expression = (text),                                                             \
                                     .gradient = (rule),                                                               \
                                     .blocks_gradient = (blocks)};
#define UNARY_BUILDER(label)                                                                                           \
    duet_node duet_##label##_at(const char *where, duet_node x)                                                        \
    {                                                                                                                  \
        return unary(where, &duet_op_##label, x, 0, 0);                                                                \
    }

/* The three kinds of rows: with a gradient, without one, and with numbers, whose builder stands below. */
#define UNARY(name, cost, expression, from)                                                                            \
    UNARY_RULE(name, from) UNARY_ROW(name, cost, expression, gradient_##name, false) UNARY_BUILDER(name)
#define UNARY_FLAT(name, cost, expression)                                                                             \
    UNARY_ROW(name, cost, expression, NULL, true)                                                                      \
    UNARY_BUILDER(name)
#define UNARY_NUMBERED(name, cost, expression, from)                                                                   \
    UNARY_RULE(name, from) UNARY_ROW(name, cost, expression, gradient_##name, false)

#define BINARY(label, price, text, from_a, from_b)                                                                     \
    static void gradient_##label(duet_node node, duet_node g, duet_node *gradients)                                    \
    {                                                                                                                  \
        const char *where = node->where;                                                                               \
        duet_node a = node->inputs[0], b = node->inputs[1], y = node;                                                  \
        (void)where, (void)a, (void)b, (void)y, (void)g;                                                               \
        gradients[0] = from_a;                                                                                         \
        gradients[1] = from_b;                                                                                         \
    }                                                                                                                  \
    const duet_op duet_op_##label = {.name = #label,                                                                   \
                                     .kind = DUET_OP_ELEMENTWISE,                                                        \
                                     .cost = (price),                                                                  \
                                     .expression = (text),                                                             \
                                     .gradient = gradient_##label};                                                    \
    duet_node duet_##label##_at(const char *where, duet_node a, duet_node b)                                           \
    {                                                                                                                  \
        return binary(where, &duet_op_##label, a, b);                                                                  \
    }
#define COMPARISON(label, sign)                                                                                        \
    const duet_op duet_op_##label = {.name = #label,                                                                   \
                                     .kind = DUET_OP_ELEMENTWISE,                                                        \
                                     .cost = 1,                                                                        \
                                     .expression = "a " sign " b ? 1.0f : 0.0f",                                       \
                                     .blocks_gradient = true};                                                         \
    duet_node duet_##label##_at(const char *where, duet_node a, duet_node b)                                           \
    {                                                                                                                  \
        return binary(where, &duet_op_##label, a, b);                                                                  \
    }

/* The share of the gradient that one operand of a minimum or maximum gets: all, none, or half where both are equal. */
#define WINNER(comparison, p, q) duet_add(duet_##comparison##_at(where, p, q), duet_scale(duet_equal(p, q), 0.5))

/* clang-format off */
/*     name        cost  OpenCL C             d/da                                  d/db */
BINARY(add,           1, "a + b",             g,                                    g)
BINARY(subtract,      1, "a - b",             g,                                    duet_negate(g))
BINARY(multiply,      1, "a * b",             duet_multiply(g, b),                  duet_multiply(g, a))
BINARY(divide,        4, "a / b",
       duet_divide(g, b), duet_negate(duet_divide(duet_multiply(g, y), b)))
BINARY(minimum,       1, "a > b || isnan(b) ? b : a",
       duet_multiply(g, WINNER(less, a, b)), duet_multiply(g, WINNER(less, b, a)))
BINARY(maximum,       1, "a < b || isnan(b) ? b : a",
       duet_multiply(g, WINNER(greater, a, b)), duet_multiply(g, WINNER(greater, b, a)))
BINARY(power,        20, "pow(a, b)",
       duet_multiply(g, duet_multiply(b, duet_power(a, duet_shift(b, -1)))),
       duet_multiply(g, duet_multiply(y, duet_log(a))))
COMPARISON(less, "<")
COMPARISON(less_equal, "<=")
COMPARISON(greater, ">")
COMPARISON(greater_equal, ">=")
COMPARISON(equal, "==")
COMPARISON(not_equal, "!=")

/*    name         cost  OpenCL C                                          d/dx */
UNARY(negate,         1, "-a",                                             duet_negate(g))
UNARY(reciprocal,     4, "1.0f / a",
      duet_negate(duet_multiply(g, duet_square(y))))
UNARY(square,         1, "a * a",                                          duet_multiply(g, duet_scale(x, 2)))
UNARY(exp,           10, "exp(a)",                                         duet_multiply(g, y))
UNARY(log,           10, "log(a)",                                         duet_divide(g, x))
UNARY(log1p,         12, "log1p(a)",                                       duet_divide(g, duet_shift(x, 1)))
UNARY(sqrt,           4, "sqrt(a)",                                        duet_divide(duet_scale(g, 0.5), y))
UNARY(sin,           16, "sin(a)",                                         duet_multiply(g, duet_cos(x)))
UNARY(cos,           16, "cos(a)",                                         duet_negate(duet_multiply(g, duet_sin(x))))
UNARY(tanh,          24, "branchless_tanh(a)",
      duet_multiply(g, duet_subtract(duet_constant(node->graph, 1), duet_square(y))))
UNARY(sigmoid,       14, "1.0f / (1.0f + exp(-a))",
      duet_multiply(g, duet_multiply(y, duet_subtract(duet_constant(node->graph, 1), y))))
UNARY(softplus,      24, "softplus(a)",                                    duet_multiply(g, duet_sigmoid(x)))
UNARY(erf,           16, "erf(a)",
      duet_multiply(g, duet_scale(duet_exp(duet_negate(duet_square(x))), 1.1283791670955126)))
UNARY(relu,           1, "a <= 0.0f ? 0.0f : a",
      duet_multiply(g, duet_greater(y, duet_constant(node->graph, 0))))
UNARY(abs,            1, "fabs(a)",                                        duet_multiply(g, duet_sign(x)))
UNARY_FLAT(sign,      1, "a > 0.0f ? 1.0f : (a < 0.0f ? -1.0f : a)")
UNARY_FLAT(floor,     1, "floor(a)")
UNARY_FLAT(is_finite, 1, "isfinite(a) ? 1.0f : 0.0f")
UNARY_NUMBERED(leaky_relu, 2, "a > 0.0f ? a : m * a",
    duet_multiply(g, duet_select(duet_greater(node->attributes.number[0] > 0 ? y : x, duet_constant(node->graph, 0)),
                duet_constant(node->graph, 1), duet_constant(node->graph, node->attributes.number[0]))))
UNARY_NUMBERED(elu,  12, "a > 0.0f ? a : m * expm1(a)",
    duet_multiply(g, duet_select(duet_greater(x, duet_constant(node->graph, 0)), duet_constant(node->graph, 1),
                duet_shift(y, node->attributes.number[0]))))
UNARY_NUMBERED(clamp, 2, "a < m ? m : (a > n ? n : a)",
    duet_multiply(g, duet_multiply(duet_greater_equal(x, duet_constant(node->graph, node->attributes.number[0])),
               duet_less_equal(x, duet_constant(node->graph, node->attributes.number[1])))))
/* clang-format on */

const duet_op duet_op_to_float = {
    .name = "to_float", .kind = DUET_OP_ELEMENTWISE, .cost = 1, .expression = "(float)a", .blocks_gradient = true};
const duet_op duet_op_to_index = {.name = "to_index",
                                  .kind = DUET_OP_ELEMENTWISE,
                                  .cost = 1,
                                  .expression = "convert_uint_sat(a)",
                                  .blocks_gradient = true};
const duet_op duet_op_increment = {
    .name = "increment", .kind = DUET_OP_ELEMENTWISE, .cost = 1, .expression = "a + 1u", .blocks_gradient = true};

static void gradient_select(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    duet_node zero = duet_constant(node->graph, 0);
    gradients[1] = duet_select(node->inputs[0], g, zero);
    gradients[2] = duet_select(node->inputs[0], zero, g);
}

const duet_op duet_op_select = {.name = "select",
                                .kind = DUET_OP_ELEMENTWISE,
                                .cost = 1,
                                .expression = "a != 0.0f ? b : c",
                                .gradient = gradient_select};

static duet_node make(const char *where, const duet_op *op, duet_type type, const duet_node *inputs, size_t count,
                      double m, double n)
{
    duet_attributes attributes = {.number = {m, n}};
    return duet_node_make(where, inputs[0]->graph, op, type, inputs[0]->shape, inputs, count, &attributes, true);
}

static bool wants_type(const char *where, const duet_op *op, duet_node x, duet_type type)
{
    if (x->type == type) return true;
    duet_graph_fail(x->graph, "%s: an operand is %s, %s was expected", op->name, duet_type_name(x->type),
                    duet_type_name(type));
    return false;
}

/* Folds an op on a constant, but only where the host computes the same value as the device. */
static bool fold_unary(const duet_op *op, double x, double *y)
{
    if (op == &duet_op_negate) return *y = -x, true;
    if (op == &duet_op_square) return *y = x * x, true;
    if (op == &duet_op_reciprocal && x != 0) return *y = 1 / x, true;
    if (op == &duet_op_exp) return *y = exp(x), isfinite(*y);
    if (op == &duet_op_log && x > 0) return *y = log(x), true;
    if (op == &duet_op_sqrt && x >= 0) return *y = sqrt(x), true;
    return false;
}

static bool fold_binary(const duet_op *op, double a, double b, double *y)
{
    if (op == &duet_op_add) return *y = a + b, true;
    if (op == &duet_op_subtract) return *y = a - b, true;
    if (op == &duet_op_multiply) return *y = a * b, true;
    if (op == &duet_op_divide && b != 0) return *y = a / b, true;
    return false;
}

/* The constant that a node is, seen through views. */
static bool constant_of(duet_node node, double *value)
{
    while (node->op->kind == DUET_OP_VIEW) node = node->inputs[0];
    *value = node->attributes.number[0];
    return node->op == &duet_op_constant;
}

/* The value in the shape of x, dealt out as x is. */
static duet_node filled(const char *where, duet_node x, double value)
{
    return duet_broadcast_like(where, duet_constant(x->graph, value), x);
}

static duet_node unary(const char *where, const duet_op *op, duet_node x, double m, double n)
{
    double value, folded;
    if (duet_node_is_broken(x)) return x;
    if (!wants_type(where, op, x, DUET_FLOAT32)) return duet_node_broken(x->graph);
    if (op == &duet_op_negate && x->op == op) return x->inputs[0];
    if (constant_of(x, &value) && fold_unary(op, value, &folded)) return filled(where, x, folded);
    return make(where, op, DUET_FLOAT32, &x, 1, m, n);
}

/* x + 0, x * 1 and the like: the other operand, or NULL. Both operands have the result's shape. */
static duet_node neutral(const char *where, const duet_op *op, duet_node a, duet_node b)
{
    double value;
    if (constant_of(b, &value)) {
        if (value == 0 && (op == &duet_op_add || op == &duet_op_subtract)) return a;
        if (value == 1 && (op == &duet_op_multiply || op == &duet_op_divide)) return a;
    }
    if (constant_of(a, &value)) {
        if (value == 0 && op == &duet_op_add) return b;
        if (value == 0 && op == &duet_op_subtract) return duet_negate(b);
        if (value == 1 && op == &duet_op_multiply) return b;
    }
    return NULL;
}

/* k * (m * x) is (k m) * x, so that chains of scales cost one multiplication. */
static duet_node scale_of_scale(const char *where, duet_node a, duet_node b)
{
    double outer, inner;
    if (!constant_of(a, &outer)) return constant_of(b, &outer) ? scale_of_scale(where, b, a) : NULL;
    if (b->op != &duet_op_multiply) return NULL;
    bool first = constant_of(b->inputs[0], &inner);
    if (!first && !constant_of(b->inputs[1], &inner)) return NULL;
    if (!isfinite((float)(outer * inner)) || (float)(outer * inner) == 0) return NULL;
    return duet_scale(b->inputs[first ? 1 : 0], outer * inner);
}

/* Stretches *shape to hold x too. */
static bool join_shape(const char *where, const duet_op *op, duet_node x, duet_shape *shape)
{
    duet_shape joint;
    char left[96], right[96];
    if (!duet_shape_broadcast(*shape, x->shape, &joint)) {
        duet_graph_fail(x->graph, "%s: shapes %s and %s do not broadcast", op->name,
                           duet_shape_text(*shape, left), duet_shape_text(x->shape, right));
        return false;
    }
    *shape = joint;
    return true;
}

bool duet_op_commutes(const duet_op *op)
{
    return op == &duet_op_add || op == &duet_op_multiply;
}

static duet_node binary(const char *where, const duet_op *op, duet_node a, duet_node b)
{
    double left, right, folded;
    if (duet_node_is_broken(a)) return a;
    if (duet_operand_is_broken(where, op, a, b)) return duet_node_broken(a->graph);
    duet_shape shape = a->shape;
    if (!wants_type(where, op, a, DUET_FLOAT32) || !wants_type(where, op, b, DUET_FLOAT32) ||
        !join_shape(where, op, b, &shape))
        return duet_node_broken(a->graph);
    duet_node operands[2] = {a, b};
    stretch(where, operands, 2, shape);
    const bool is_dealt = duet_is_dealt(operands[0]) || duet_is_dealt(operands[1]);
    if (constant_of(a, &left) && constant_of(b, &right) && fold_binary(op, left, right, &folded))
        return filled(where, operands[duet_is_dealt(operands[1])], folded);
    duet_node simple = neutral(where, op, operands[0], operands[1]);
    if (simple == NULL && op == &duet_op_multiply) simple = scale_of_scale(where, operands[0], operands[1]);
    if (simple != NULL && duet_is_dealt(simple) == is_dealt) return simple;
    /* one order, so that a + b and b + a are one node */
    if (duet_op_commutes(op) && operands[0]->id > operands[1]->id) {
        duet_node first = operands[1];
        operands[1] = operands[0];
        operands[0] = first;
    }
    return make(where, op, DUET_FLOAT32, operands, 2, 0, 0);
}

duet_node duet_leaky_relu_at(const char *where, duet_node x, double slope)
{
    if (!duet_node_is_broken(x) && !(fabs(slope) <= (double)FLT_MAX)) {
        duet_graph_fail(x->graph, "leaky_relu: the slope is %g", slope);
        return duet_node_broken(x->graph);
    }
    return unary(where, &duet_op_leaky_relu, x, slope, 0);
}

duet_node duet_elu_at(const char *where, duet_node x, double alpha)
{
    if (!duet_node_is_broken(x) && !(fabs(alpha) <= (double)FLT_MAX)) {
        duet_graph_fail(x->graph, "elu: alpha is %g", alpha);
        return duet_node_broken(x->graph);
    }
    return unary(where, &duet_op_elu, x, alpha, 0);
}

duet_node duet_clamp_at(const char *where, duet_node x, double low, double high)
{
    if (!duet_node_is_broken(x) && !(low <= high)) {
        duet_graph_fail(x->graph, "clamp: low %g and high %g: low <= high was expected", low, high);
        return duet_node_broken(x->graph);
    }
    return unary(where, &duet_op_clamp, x, low, high);
}

/* Whether float32 holds a number that is said, if it is one: an infinity that somebody means is said as such. What
 * rounds to the largest float, as 3.4028235e38 does, is held. */
static bool holds(const char *where, duet_node x, const char *what, double number)
{
    const double beyond = 0x1.ffffffp127; /* the least that rounds to infinity */
    if (!isfinite(number) || fabs(number) < beyond) return true;
    duet_graph_fail(x->graph, "%s: %g is beyond float32", what, number);
    return false;
}

duet_node duet_scale_at(const char *where, duet_node x, double factor)
{
    if (duet_node_is_broken(x)) return x;
    if (!holds(where, x, "scale", factor)) return duet_node_broken(x->graph);
    return duet_multiply(x, duet_constant(x->graph, factor));
}

duet_node duet_shift_at(const char *where, duet_node x, double term)
{
    if (duet_node_is_broken(x)) return x;
    if (!holds(where, x, "shift", term)) return duet_node_broken(x->graph);
    return duet_add(x, duet_constant(x->graph, term));
}

duet_node duet_select_at(const char *where, duet_node condition, duet_node yes, duet_node no)
{
    if (duet_node_is_broken(condition)) return condition;
    if (duet_operand_is_broken(where, &duet_op_select, condition, yes) ||
        duet_operand_is_broken(where, &duet_op_select, condition, no))
        return duet_node_broken(condition->graph);
    duet_shape shape = condition->shape;
    if (!wants_type(where, &duet_op_select, condition, DUET_FLOAT32) ||
        !wants_type(where, &duet_op_select, no, yes->type) || !join_shape(where, &duet_op_select, yes, &shape) ||
        !join_shape(where, &duet_op_select, no, &shape))
        return duet_node_broken(condition->graph);
    duet_node operands[3] = {condition, yes, no};
    double value;
    stretch(where, operands, 3, shape);
    if (constant_of(operands[0], &value)) return value != 0 ? operands[1] : operands[2];
    return make(where, &duet_op_select, yes->type, operands, 3, 0, 0);
}

duet_node duet_to_float_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x) || x->type == DUET_FLOAT32) return x;
    return make(where, &duet_op_to_float, DUET_FLOAT32, &x, 1, 0, 0);
}

duet_node duet_to_index_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x)) return x;
    if (!wants_type(where, &duet_op_to_index, x, DUET_FLOAT32)) return duet_node_broken(x->graph);
    return make(where, &duet_op_to_index, DUET_UINT32, &x, 1, 0, 0);
}

duet_node duet_increment_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x)) return x;
    if (!wants_type(where, &duet_op_increment, x, DUET_UINT32)) return duet_node_broken(x->graph);
    return make(where, &duet_op_increment, DUET_UINT32, &x, 1, 0, 0);
}

duet_node duet_selu_at(const char *where, duet_node x)
{
    return duet_scale(duet_elu(x, 1.6732632423543772), 1.0507009873554805);
}

duet_node duet_gelu_at(const char *where, duet_node x)
{
    duet_node phi = duet_shift(duet_erf(duet_scale(x, 0.70710678118654752)), 1);
    return duet_multiply(duet_scale(x, 0.5), phi);
}

duet_node duet_swish_at(const char *where, duet_node x)
{
    return duet_multiply(x, duet_sigmoid(x));
}
