/* SPDX-License-Identifier: MIT */
/* Graphs made by chance: views of views, values read twice, reductions of products, several results. Fusion, layout and
 * lifetimes are tried in combinations nobody would write down, against the plain reference.
 * usage: test_fuzz [GRAPHS]; a failure names its graph's number, which alone decides what the graph is. */
#include "workshop.h"

#include "base/philox.h"
#include "check/twin.h"

enum { INPUTS = 3, VALUES = 24, ROOTS = 5, TOGETHER = 20, MOST_ELEMENTS = 240, ARENA = 1 << 19, TRACE = 2048 };

static size_t graphs = 40;

/* One random graph: the same number gives the same choices in both readings, for they depend on shapes alone. */
typedef struct composer {
    duet_twin twin;
    uint64_t seed;
    uint32_t drawn;
    bool smooth; /* no kinks, so that the gradient can be compared */
    duet_twin_value values[VALUES + INPUTS];
    duet_shape shapes[VALUES + INPUTS];
    size_t count;
    char trace[TRACE];
} composer;

static size_t below(composer *c, size_t n)
{
    return duet_philox_element(c->seed, 0, 0, c->drawn++).word[0] % n;
}

static double between(composer *c, double low, double high)
{
    return low + (high - low) * (double)below(c, 1001) / 1000;
}

static void traced(composer *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void traced(composer *c, const char *format, ...)
{
    size_t used = strlen(c->trace);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(c->trace + used, sizeof c->trace - used, format, arguments);
    va_end(arguments);
}

static duet_twin_value scaled(composer *c, duet_twin_value x, double factor)
{
    return duet_twin_map_with(&c->twin, duet_scale_at, duet_times, x, factor);
}

static bool push(composer *c, duet_twin_value value, duet_shape shape)
{
    c->values[c->count] = value;
    c->shapes[c->count++] = shape;
    return true;
}

/* Each step picks an operand and tries to add a value; false where the shapes do not allow it. */

static double square(double x)
{
    return x * x;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double softplus(double x)
{
    return log1p(exp(x));
}

static double relu(double x)
{
    return fmax(x, 0);
}

static double negative(double x)
{
    return -x;
}

static bool add_unary(composer *c, size_t x)
{
    static const struct {
        const char *name;
        duet_build1 build;
        double (*meaning)(double);
        bool kink;
    } rows[] = {
        {"tanh", duet_tanh_at, tanh, false},
        {"sin", duet_sin_at, sin, false},
        {"sigmoid", duet_sigmoid_at, sigmoid, false},
        {"softplus", duet_softplus_at, softplus, false},
        {"negate", duet_negate_at, negative, false},
        {"relu", duet_relu_at, relu, true},
        {"abs", duet_abs_at, fabs, true},
    };
    size_t k = below(c, sizeof rows / sizeof rows[0]);
    if (c->smooth && rows[k].kink) return false;
    traced(c, "%zu = %s %zu\n", c->count, rows[k].name, x);
    return push(c, duet_twin_map1(&c->twin, rows[k].build, rows[k].meaning, c->values[x]), c->shapes[x]);
}

static bool add_bounded(composer *c, size_t x)
{
    duet_twin_value held = duet_twin_tanh(&c->twin, c->values[x]);
    bool power = below(c, 2) == 0;
    traced(c, "%zu = %s(tanh %zu)\n", c->count, power ? "exp" : "square", x);
    return push(c, power ? duet_twin_exp(&c->twin, held) : duet_twin_map1(&c->twin, duet_square_at, square, held),
                c->shapes[x]);
}

static bool broadcasts(duet_shape a, duet_shape b, duet_shape *both)
{
    if (a.rank < b.rank) return broadcasts(b, a, both);
    *both = a;
    for (size_t d = 0; d < b.rank; d++) {
        size_t *extent = &both->dims[a.rank - b.rank + d];
        if (*extent != b.dims[d] && *extent != 1 && b.dims[d] != 1) return false;
        if (*extent == 1) *extent = b.dims[d];
    }
    return duet_shape_elements(*both) <= MOST_ELEMENTS;
}

static bool add_binary(composer *c, size_t x)
{
    size_t y = below(c, c->count), k = below(c, c->smooth ? 3 : 5);
    duet_shape both;
    if (!broadcasts(c->shapes[x], c->shapes[y], &both)) return false;
    static const char *const names[] = {"add", "subtract", "multiply", "maximum", "minimum"};
    static const duet_build2 builds[] = {duet_add_at, duet_subtract_at, duet_multiply_at, duet_maximum_at,
                                         duet_minimum_at};
    static double (*const meanings[])(double, double) = {duet_plus, duet_minus, duet_times, fmax, fmin};
    traced(c, "%zu = %s %zu %zu\n", c->count, names[k], x, y);
    return push(c, duet_twin_map2(&c->twin, builds[k], meanings[k], c->values[x], c->values[y]), both);
}

static bool add_reduction(composer *c, size_t x)
{
    duet_shape shape = c->shapes[x], kept = shape, dropped = {0};
    unsigned axes = (unsigned)below(c, (size_t)1 << shape.rank);
    bool keep = below(c, 2) == 0;
    for (size_t d = 0; d < shape.rank; d++) {
        if (axes >> d & 1) {
            kept.dims[d] = 1;
        } else {
            dropped.dims[dropped.rank++] = shape.dims[d];
        }
    }
    static const char *const names[] = {"sum", "mean", "logsumexp", "max"};
    static const duet_build_reduction builds[] = {duet_sum_at, duet_mean_at, duet_logsumexp_at, duet_max_at};
    static const duet_plain_reduction plains[] = {duet_plain_sum, duet_plain_mean, duet_plain_logsumexp,
                                                  duet_plain_max};
    size_t k = below(c, c->smooth ? 3 : 4);
    traced(c, "%zu = %s %zu over 0x%x%s\n", c->count, names[k], x, axes, keep ? ", kept" : "");
    duet_twin_value y = duet_twin_reduce(&c->twin, builds[k], plains[k], c->values[x], axes, keep);
    return push(c, k == 0 ? scaled(c, y, 0.25) : y, keep ? kept : dropped);
}

static bool add_slice(composer *c, size_t x)
{
    duet_shape shape = c->shapes[x];
    if (shape.rank == 0) return false;
    size_t axis = below(c, shape.rank), extent = shape.dims[axis];
    size_t length = 1 + below(c, extent), start = below(c, extent - length + 1);
    shape.dims[axis] = length;
    traced(c, "%zu = slice %zu, axis %zu, %zu from %zu\n", c->count, x, axis, length, start);
    return push(c, duet_twin_slice(&c->twin, c->values[x], axis, start, length), shape);
}

static bool add_pad(composer *c, size_t x)
{
    duet_shape shape = c->shapes[x];
    if (shape.rank == 0) return false;
    size_t axis = below(c, shape.rank), before = below(c, 3), after = below(c, 3);
    shape.dims[axis] += before + after;
    if (duet_shape_elements(shape) > MOST_ELEMENTS) return false;
    traced(c, "%zu = pad %zu, axis %zu, %zu and %zu\n", c->count, x, axis, before, after);
    return push(c, duet_twin_pad(&c->twin, c->values[x], axis, before, after), shape);
}

static bool add_permute(composer *c, size_t x)
{
    duet_shape shape = c->shapes[x], turned = shape;
    size_t order[DUET_MAX_RANK];
    for (size_t d = 0; d < shape.rank; d++) order[d] = d;
    for (size_t d = shape.rank; d > 1; d--) {
        size_t other = below(c, d), held = order[d - 1];
        order[d - 1] = order[other];
        order[other] = held;
    }
    for (size_t d = 0; d < shape.rank; d++) turned.dims[d] = shape.dims[order[d]];
    traced(c, "%zu = permute %zu\n", c->count, x);
    return push(c, duet_twin_permute(&c->twin, c->values[x], order), turned);
}

static bool add_reshape(composer *c, size_t x)
{
    size_t elements = duet_shape_elements(c->shapes[x]), first = 1 + below(c, 6), second = 1 + below(c, 4);
    duet_shape shape = DUET_SHAPE(elements);
    if (elements % first == 0) shape = DUET_SHAPE(first, elements / first);
    if (elements % (first * second) == 0) shape = DUET_SHAPE(first, elements / (first * second), second);
    traced(c, "%zu = reshape %zu\n", c->count, x);
    return push(c, duet_twin_reshape(&c->twin, c->values[x], shape), shape);
}

static bool add_broadcast(composer *c, size_t x)
{
    duet_shape shape = c->shapes[x], wide = {.rank = shape.rank + 1, .dims = {1 + below(c, 3)}};
    for (size_t d = 0; d < shape.rank; d++) wide.dims[d + 1] = shape.dims[d] == 1 ? 1 + below(c, 4) : shape.dims[d];
    if (wide.rank > 4 || duet_shape_elements(wide) > MOST_ELEMENTS) return false;
    traced(c, "%zu = broadcast %zu\n", c->count, x);
    return push(c, duet_twin_broadcast(&c->twin, c->values[x], wide), wide);
}

static bool add_concat(composer *c, size_t x)
{
    size_t y = below(c, c->count);
    duet_shape a = c->shapes[x], b = c->shapes[y];
    if (a.rank == 0 || a.rank != b.rank) return false;
    size_t axis = below(c, a.rank);
    for (size_t d = 0; d < a.rank; d++) {
        if (d != axis && a.dims[d] != b.dims[d]) return false;
    }
    a.dims[axis] += b.dims[axis];
    if (duet_shape_elements(a) > MOST_ELEMENTS) return false;
    traced(c, "%zu = concat %zu %zu, axis %zu\n", c->count, x, y, axis);
    return push(c, duet_twin_concat(&c->twin, (duet_twin_value[]){c->values[x], c->values[y]}, 2, axis), a);
}

static bool add_matmul(composer *c, size_t x)
{
    size_t y = below(c, 2) == 0 ? x : below(c, c->count);
    duet_shape a = c->shapes[x], b = c->shapes[y];
    bool turn_a = below(c, 2) == 0, turn_b = below(c, 2) == 0;
    if (a.rank != 2 || b.rank != 2 || a.dims[turn_a ? 0 : 1] != b.dims[turn_b ? 1 : 0]) return false;
    size_t m = a.dims[turn_a ? 1 : 0], n = b.dims[turn_b ? 0 : 1], k = a.dims[turn_a ? 0 : 1];
    if (m * n > MOST_ELEMENTS) return false;
    traced(c, "%zu = matmul %zu%s %zu%s\n", c->count, x, turn_a ? "'" : "", y, turn_b ? "'" : "");
    duet_twin_value product = duet_twin_matmul(&c->twin, c->values[x], c->values[y], turn_a, turn_b);
    return push(c, scaled(c, product, 1 / (double)k), DUET_SHAPE(m, n));
}

static void compose(composer *c, const duet_twin_value *inputs)
{
    static bool (*const steps[])(composer *, size_t) = {
        add_unary,   add_unary, add_bounded, add_binary,    add_binary, add_binary, add_reduction, add_slice,
        add_permute, add_pad,   add_reshape, add_broadcast, add_concat, add_matmul, add_matmul,
    };
    const duet_shape shapes[INPUTS] = {DUET_SHAPE(4, 6), DUET_SHAPE(2, 3, 4), DUET_SHAPE(6)};
    c->smooth = below(c, 2) == 0;
    for (size_t i = 0; i < INPUTS; i++) push(c, inputs[i], shapes[i]);
    for (size_t tries = 0; tries < 4 * VALUES && c->count < VALUES + INPUTS; tries++) {
        size_t step = below(c, sizeof steps / sizeof steps[0]);
        size_t x = below(c, 2) == 0 ? c->count - 1 - below(c, 3) : below(c, c->count); /* new ones more often */
        steps[step](c, x);
    }
}

/* A graph on the device and what it should give. */
typedef struct trial {
    composer nodes;
    duet_graph *graph;
    duet_node inputs[INPUTS], roots[ROOTS + INPUTS];
    size_t picked[ROOTS], root_count;
    bool smooth;
    duet_plan *plan;
} trial;

static float numbers[INPUTS][24];
static duet_plain_arena arena;

/* The values at the inputs plus h along a fixed direction. */
static composer *reference(uint64_t seed, double h)
{
    static composer c;
    const duet_shape shapes[INPUTS] = {DUET_SHAPE(4, 6), DUET_SHAPE(2, 3, 4), DUET_SHAPE(6)};
    duet_twin_value inputs[INPUTS] = {0};
    arena.used = 0;
    for (size_t i = 0; i < INPUTS; i++) {
        inputs[i].plain = duet_plain_new(&arena, shapes[i]);
        for (size_t j = 0; j < inputs[i].plain.count; j++) {
            inputs[i].plain.values[j] = numbers[i][j] + h * cos((double)(10 * i + j));
        }
    }
    c = (composer){.twin = {.arena = &arena}, .seed = seed};
    compose(&c, inputs);
    assert_false(arena.failed);
    return &c;
}

static double mean_of_last(uint64_t seed, double h)
{
    const composer *c = reference(seed, h);
    const duet_plain *last = &c->values[c->count - 1].plain;
    double sum = 0;
    for (size_t i = 0; i < last->count; i++) sum += last->values[i] / (double)last->count;
    return sum;
}

static void build(trial *t, duet_store *store, uint64_t seed)
{
    const duet_shape shapes[INPUTS] = {DUET_SHAPE(4, 6), DUET_SHAPE(2, 3, 4), DUET_SHAPE(6)};
    duet_twin_value inputs[INPUTS] = {0};
    *t = (trial){.graph = duet_graph_new(store)};
    assert_non_null(t->graph);
    for (size_t i = 0; i < INPUTS; i++) {
        inputs[i].node = t->inputs[i] = duet_input(t->graph, "x", DUET_FLOAT32, shapes[i]);
    }
    t->nodes = (composer){.twin = {.where = "fuzz", .graph = t->graph}, .seed = seed};
    compose(&t->nodes, inputs);
    composer *c = &t->nodes;
    t->root_count = 1 + below(c, ROOTS);
    for (size_t i = 0; i < t->root_count; i++) {
        t->picked[i] = i == 0 ? c->count - 1 : INPUTS + below(c, c->count - INPUTS);
        t->roots[i] = c->values[t->picked[i]].node;
    }
    t->smooth = c->smooth;
    duet_node loss = duet_mean(c->values[c->count - 1].node, DUET_ALL_AXES, false);
    if (t->smooth) duet_grad(loss, t->inputs, INPUTS, t->roots + t->root_count);
}

static void compare_values(const trial *t, uint64_t seed, duet_error *error)
{
    float got[MOST_ELEMENTS];
    for (size_t i = 0; i < t->root_count; i++) {
        const duet_plain *expected = &reference(seed, 0)->values[t->picked[i]].plain;
        assert_int_equal(test_bytes(t->roots[i]), expected->count * sizeof(float));
        assert_ok(duet_plan_read(t->plan, t->roots[i], got, test_bytes(t->roots[i]), error), error);
        for (size_t j = 0; j < expected->count; j++) {
            if (fabs(got[j] - expected->values[j]) <= 2e-5 * (1 + fabs(expected->values[j]))) continue;
            print_error("%s%s\n", t->nodes.trace, duet_plan_source(t->plan));
            fail_msg("graph %zu, value %zu, element %zu: expected %.8g, got %.8g", (size_t)seed, t->picked[i], j,
                     expected->values[j], got[j]);
        }
    }
}

/* The derivative along the direction: the device's gradient against a central difference of fourth order. */
static void compare_gradient(const trial *t, uint64_t seed, duet_error *error)
{
    const double h = 1.0 / 256;
    double sum = 0, size = 0;
    double expected = (8 * (mean_of_last(seed, h) - mean_of_last(seed, -h)) -
                       (mean_of_last(seed, 2 * h) - mean_of_last(seed, -2 * h))) /
                      (12 * h);
    for (size_t i = 0; i < INPUTS; i++) {
        float got[24];
        duet_node gradient = t->roots[t->root_count + i];
        assert_int_equal(test_bytes(gradient), test_bytes(t->inputs[i]));
        assert_ok(duet_plan_read(t->plan, gradient, got, test_bytes(gradient), error), error);
        for (size_t j = 0; j < test_bytes(gradient) / sizeof(float); j++) {
            sum += got[j] * cos((double)(10 * i + j));
            size += fabs(got[j]);
        }
    }
    if (fabs(sum - expected) <= 2e-5 * (1 + size)) return;
    print_error("%s%s\n", t->nodes.trace, duet_plan_source(t->plan));
    fail_msg("graph %zu, gradient: expected %.8g, got %.8g", (size_t)seed, expected, sum);
}

/* Inputs are written even where nothing depends on them: they are roots too. */
static void run_together(uint64_t first, size_t count)
{
    static trial trials[TOGETHER];
    static duet_node roots[TOGETHER][ROOTS + 2 * INPUTS];
    const duet_node *lists[TOGETHER];
    const char *names[TOGETHER];
    size_t counts[TOGETHER];
    duet_plan *plans[TOGETHER];
    duet_error error = {0};
    duet_store *store = duet_store_new(1);
    for (size_t i = 0; i < count; i++) {
        trial *t = &trials[i];
        build(t, store, first + i);
        assert_ok(duet_graph_check(t->graph, &error), &error);
        counts[i] = t->root_count + (t->smooth ? INPUTS : 0);
        memcpy(roots[i], t->roots, counts[i] * sizeof *roots[i]);
        for (size_t j = 0; j < INPUTS; j++) roots[i][counts[i]++] = t->inputs[j];
        lists[i] = roots[i];
        names[i] = "fuzz";
    }
    assert_ok(duet_plan_new_many(plans, count, device, names, lists, counts, &error), &error);
    for (size_t i = 0; i < count; i++) {
        trial *t = &trials[i];
        t->plan = plans[i];
        for (size_t j = 0; j < INPUTS; j++) {
            assert_ok(duet_plan_write(t->plan, t->inputs[j], numbers[j], test_bytes(t->inputs[j]), &error), &error);
        }
        assert_ok(duet_plan_replay(t->plan, &error), &error);
        compare_values(t, first + i, &error);
        if (t->smooth) compare_gradient(t, first + i, &error);
    }
    for (size_t i = 0; i < count; i++) {
        duet_plan_free(&plans[i]);
        duet_graph_free(&trials[i].graph);
    }
    duet_store_free(&store);
}

static void random_graphs_give_the_reference(void **state)
{
    (void)state;
    composer source = {.seed = 99};
    arena = (duet_plain_arena){.values = malloc(ARENA * sizeof(double)), .capacity = ARENA};
    assert_non_null(arena.values);
    for (size_t i = 0; i < INPUTS; i++) {
        for (size_t j = 0; j < 24; j++) numbers[i][j] = (float)between(&source, -1, 1);
    }
    for (size_t first = 0; first < graphs; first += TOGETHER) {
        run_together(first, graphs - first < TOGETHER ? graphs - first : TOGETHER);
    }
    free(arena.values);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs_give_the_reference)};
    if (argc > 1) graphs = (size_t)strtoul(argv[1], NULL, 10);
    return RUN_TESTS(argc > 1 ? "fuzz_long" : "fuzz", tests, open_device, close_device);
}
