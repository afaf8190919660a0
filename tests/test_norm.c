/* SPDX-License-Identifier: MIT */
/* Normalisation layers in graphs of their own: their numbers against loops over pictures as they are, what they
 * remember over several replays, and what they do in a scope of inference. */
#include "workshop.h"

#include "check/cases.h"
#include "duet/explain.h"
#include "duet/nn.h"
#include "nn/norm.h"

enum { BATCH = 3, HIGH = 4, WIDE = 5, FEATURES = 6, PLACES = HIGH * WIDE, ELEMENTS = BATCH * PLACES * FEATURES };
enum { ROWS = 8, COLUMNS = 3, MOST_ROOTS = 8 };

/* Numbers that look irregular, the same everywhere, around `centre`. */
static void fill(float *values, size_t count, unsigned salt, double centre)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(centre + (double)((i * 2654435761u + salt * 40503u) >> 8 & 1023) / 512 - 1);
}

static void write_variable(workshop *w, const char *name, const float *values, size_t count)
{
    duet_error error = {0};
    assert_ok(duet_store_write(w->store, device, name, values, count * sizeof *values, &error), &error);
}

static void read_variable(workshop *w, const char *name, float *values, size_t count)
{
    duet_error error = {0};
    assert_ok(duet_store_read(w->store, device, name, values, count * sizeof *values, &error), &error);
}

/* ---- values, picture by picture ---- */

/* Whether two elements, by their coordinates, share mean and variance. */
typedef bool (*sharing)(const size_t a[4], const size_t b[4]);

static bool by_feature(const size_t a[4], const size_t b[4])
{
    return a[3] == b[3];
}

static bool by_place(const size_t a[4], const size_t b[4])
{
    return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

static bool by_picture(const size_t a[4], const size_t b[4])
{
    return a[0] == b[0];
}

static bool by_picture_and_feature(const size_t a[4], const size_t b[4])
{
    return a[0] == b[0] && a[3] == b[3];
}

static bool by_picture_and_pair(const size_t a[4], const size_t b[4])
{
    return a[0] == b[0] && a[3] / 2 == b[3] / 2;
}

static void coordinates(size_t i, size_t at[4])
{
    at[3] = i % FEATURES;
    at[2] = i / FEATURES % WIDE;
    at[1] = i / FEATURES / WIDE % HIGH;
    at[0] = i / FEATURES / PLACES;
}

static double normalised(const float *x, size_t element, sharing same, double epsilon)
{
    size_t here[4], there[4];
    double count = 0, sum = 0, squares = 0;
    coordinates(element, here);
    for (size_t i = 0; i < ELEMENTS; i++) {
        coordinates(i, there);
        if (!same(here, there)) continue;
        count++;
        sum += x[i];
    }
    for (size_t i = 0; i < ELEMENTS; i++) {
        coordinates(i, there);
        if (same(here, there)) squares += (x[i] - sum / count) * (x[i] - sum / count);
    }
    return (x[element] - sum / count) / sqrt(squares / count + epsilon);
}

/* scale[i] = 1 + i / 8, offset[i] = i / 4 - 1, read at the element's place among the last `parameters` numbers */
static void set_affine(workshop *w, const char *layer, size_t parameters)
{
    float scale[PLACES * FEATURES], offset[PLACES * FEATURES];
    char name[64];
    for (size_t i = 0; i < parameters; i++) {
        scale[i] = 1 + (float)i / 8;
        offset[i] = (float)i / 4 - 1;
    }
    (void)snprintf(name, sizeof name, "net.%s.scale", layer);
    write_variable(w, name, scale, parameters);
    (void)snprintf(name, sizeof name, "net.%s.offset", layer);
    write_variable(w, name, offset, parameters);
}

static void layers_normalise_what_they_say(void **state)
{
    (void)state;
    workshop w = workshop_open(5);
    const duet_shape shape = DUET_SHAPE(BATCH, HIGH, WIDE, FEATURES);
    const unsigned pictures = DUET_AXIS(1) | DUET_AXIS(2) | DUET_AXIS(3);
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, shape);
    const struct {
        const char *layer;
        duet_node y;
        sharing same;
        double epsilon;
        size_t parameters;
    } rows[] = {
        {"batch", duet_batch_norm(w.group, "batch", x), by_feature, 1e-3, FEATURES},
        {"places", duet_layer_norm(w.group, "places", x, DUET_AXIS(3)), by_place, 1e-5, FEATURES},
        {"whole", duet_layer_norm(w.group, "whole", x, pictures), by_picture, 1e-5, PLACES * FEATURES},
        {"instance", duet_instance_norm(w.group, "instance", x), by_picture_and_feature, 1e-5, FEATURES},
        {"pairs", duet_group_norm(w.group, "pairs", x, FEATURES / 2), by_picture_and_pair, 1e-5, FEATURES},
        {NULL, duet_layer_norm_at(DUET_WHERE, NULL, NULL, x, pictures, 0.5), by_picture, 0.5, 0},
        {NULL, duet_instance_norm(NULL, NULL, x), by_picture_and_feature, 1e-5, 0},
    };
    enum { LAYERS = sizeof rows / sizeof *rows };
    static float values[ELEMENTS], results[LAYERS][ELEMENTS];
    duet_node roots[LAYERS];
    void *into[LAYERS];
    const test_feed feed = {x, values};
    fill(values, ELEMENTS, 1, 3);
    for (size_t i = 0; i < LAYERS; i++) {
        roots[i] = rows[i].y;
        into[i] = results[i];
        if (rows[i].layer != NULL) set_affine(&w, rows[i].layer, rows[i].parameters);
    }
    test_compute(device, roots, LAYERS, &feed, 1, into);
    for (size_t i = 0; i < LAYERS; i++)
        for (size_t k = 0; k < ELEMENTS; k++) {
            double expected = normalised(values, k, rows[i].same, rows[i].epsilon);
            size_t place = rows[i].parameters > 0 ? k % rows[i].parameters : 0;
            if (rows[i].parameters > 0) expected = expected * (1 + (double)place / 8) + (double)place / 4 - 1;
            assert_close(results[i][k], expected, 2e-5 * (1 + fabs(expected)));
        }
    assert_int_equal(duet_group_parameters(w.group), 2 * (4 * FEATURES + PLACES * FEATURES));
    assert_int_equal(duet_group_states(w.group), 2 * FEATURES);
    workshop_close(&w);
}

/* ---- running statistics ---- */

typedef struct statistics {
    double mean[COLUMNS], variance[COLUMNS];
} statistics;

static statistics statistics_of(const float *x)
{
    statistics s = {{0}, {0}};
    for (size_t i = 0; i < ROWS * COLUMNS; i++) s.mean[i % COLUMNS] += (double)x[i] / ROWS;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        s.variance[i % COLUMNS] += (x[i] - s.mean[i % COLUMNS]) * (x[i] - s.mean[i % COLUMNS]) / ROWS;
    return s;
}

static void follow(statistics *running, const float *x, double momentum)
{
    const statistics now = statistics_of(x);
    for (size_t c = 0; c < COLUMNS; c++) {
        running->mean[c] = momentum * running->mean[c] + (1 - momentum) * now.mean[c];
        running->variance[c] = momentum * running->variance[c] + (1 - momentum) * now.variance[c];
    }
}

static void assert_statistics(workshop *w, const statistics *expected)
{
    float mean[COLUMNS], variance[COLUMNS];
    read_variable(w, "net.norm.mean", mean, COLUMNS);
    read_variable(w, "net.norm.variance", variance, COLUMNS);
    for (size_t c = 0; c < COLUMNS; c++) {
        assert_close(mean[c], expected->mean[c], 1e-5);
        assert_close(variance[c], expected->variance[c], 1e-5);
    }
}

/* A plan of these values and of the states that follow them. */
static duet_plan *plan_with_updates(const duet_node *values, size_t count, duet_node allowed, size_t updates_expected)
{
    duet_error error = {0};
    duet_node roots[MOST_ROOTS];
    duet_plan *plan = NULL;
    for (size_t i = 0; i < count; i++) roots[i] = values[i];
    size_t updates = duet_state_updates(values, count, allowed, roots + count, MOST_ROOTS - count);
    assert_int_equal(updates, updates_expected);
    assert_ok(duet_plan_new(&plan, device, "updates", roots, count + updates, &error), &error);
    return plan;
}

static void statistics_follow_the_batches(void **state)
{
    (void)state;
    workshop w = workshop_open(5);
    float values[ROWS * COLUMNS], results[ROWS * COLUMNS];
    duet_error error = {0};
    statistics running = {{0, 0, 0}, {1, 1, 1}};
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(ROWS, COLUMNS));
    duet_node y = duet_batch_norm_at(DUET_WHERE, w.group, "norm", x, 1e-3, 0.9);
    duet_plan *plan = plan_with_updates(&y, 1, NULL, 2);
    assert_statistics(&w, &running);
    for (unsigned step = 0; step < 7; step++) {
        fill(values, ROWS * COLUMNS, step, step);
        test_replay(plan, &(test_feed){x, values}, 1);
        follow(&running, values, 0.9);
        assert_statistics(&w, &running);
    }
    duet_plan_free(&plan);

    /* What was learnt is used in a scope of inference, where nothing more is learnt. */
    duet_inference_begin(w.graph);
    duet_inference_begin(w.graph);
    duet_inference_end(w.graph);
    assert_false(duet_graph_training(w.graph));
    duet_node used = duet_batch_norm_at(DUET_WHERE, w.group, "norm", x, 1e-3, 0.9);
    duet_inference_end(w.graph);
    assert_true(duet_graph_training(w.graph));
    assert_ptr_not_equal(used, y);
    plan = plan_with_updates(&used, 1, NULL, 0);
    test_replay(plan, &(test_feed){x, values}, 1);
    assert_ok(duet_plan_read(plan, used, results, sizeof results, &error), &error);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        size_t c = i % COLUMNS;
        assert_close(results[i], (values[i] - running.mean[c]) / sqrt(running.variance[c] + 1e-3), 1e-5);
    }
    assert_statistics(&w, &running);
    duet_plan_free(&plan);
    workshop_close(&w);
}

/* Real and generated examples go through one layer as batches of their own. A plan of both follows first the one, then
 * the other; a plan of one follows that one alone. */
static void two_calls_follow_each_other(void **state)
{
    (void)state;
    workshop w = workshop_open(5);
    float real[ROWS * COLUMNS], fake[ROWS * COLUMNS];
    statistics running = {{0, 0, 0}, {1, 1, 1}};
    duet_node a = duet_input(w.graph, "real", DUET_FLOAT32, DUET_SHAPE(ROWS, COLUMNS));
    duet_node b = duet_input(w.graph, "fake", DUET_FLOAT32, DUET_SHAPE(ROWS, COLUMNS));
    duet_node y[] = {duet_batch_norm_at(DUET_WHERE, w.group, "norm", a, 1e-3, 0.75),
                     duet_batch_norm_at(DUET_WHERE, w.group, "norm", b, 1e-3, 0.75)};
    assert_ptr_equal(y[0], duet_batch_norm_at(DUET_WHERE, w.group, "norm", a, 1e-3, 0.75)); /* and follows it once */
    const test_feed feeds[] = {{a, real}, {b, fake}};
    duet_plan *both = plan_with_updates(y, 2, NULL, 2), *first = plan_with_updates(y, 1, NULL, 2),
              *second = plan_with_updates(y + 1, 1, NULL, 2);
    for (unsigned step = 0; step < 4; step++) {
        fill(real, ROWS * COLUMNS, step, 2);
        fill(fake, ROWS * COLUMNS, step + 100, -5);
        test_replay(both, feeds, 2);
        follow(&running, real, 0.75);
        follow(&running, fake, 0.75);
        assert_statistics(&w, &running);
        test_replay(second, feeds + 1, 1);
        follow(&running, fake, 0.75);
        assert_statistics(&w, &running);
        test_replay(first, feeds, 1);
        follow(&running, real, 0.75);
        assert_statistics(&w, &running);
    }
    duet_plan_free(&both);
    duet_plan_free(&first);
    duet_plan_free(&second);
    workshop_close(&w);
}

static void states_rest_where_they_are_not_allowed_to_move(void **state)
{
    (void)state;
    workshop w = workshop_open(5);
    float values[ROWS * COLUMNS], allow = 0;
    statistics running = {{0, 0, 0}, {1, 1, 1}};
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(ROWS, COLUMNS));
    duet_node allowed = duet_input(w.graph, "allowed", DUET_FLOAT32, DUET_SCALAR_SHAPE);
    duet_node y = duet_batch_norm_at(DUET_WHERE, w.group, "norm", x, 1e-3, 0.5);
    duet_plan *plan = plan_with_updates(&y, 1, allowed, 2);
    fill(values, ROWS * COLUMNS, 9, 0);
    values[4] = NAN;
    const test_feed feeds[] = {{x, values}, {allowed, &allow}};
    test_replay(plan, feeds, 2);
    assert_statistics(&w, &running);
    values[4] = 0;
    allow = 1;
    test_replay(plan, feeds, 2);
    follow(&running, values, 0.5);
    assert_statistics(&w, &running);
    duet_plan_free(&plan);
    workshop_close(&w);
}

/* Two sums over the batch forward, two backward, and the normalised values are never in memory. */
static void batch_norm_takes_two_sums_each_way(void **state)
{
    (void)state;
    workshop w = workshop_open(5);
    const duet_initialiser any = {DUET_INIT_NORMAL, 1, 0, 0};
    duet_error error = {0};
    duet_explanation explained;
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(64, HIGH, WIDE, 32));
    duet_node weights = duet_input(w.graph, "weights", DUET_FLOAT32, duet_node_shape(x)), gradients[3];
    duet_node y = duet_batch_norm(w.group, "norm", x);
    const duet_node wrt[] = {x, duet_parameter(w.graph, w.group, "norm.scale", DUET_SHAPE(32), any),
                             duet_parameter(w.graph, w.group, "norm.offset", DUET_SHAPE(32), any)};
    duet_grad(duet_sum(duet_multiply(duet_tanh(y), weights), DUET_ALL_AXES, false), wrt, 3, gradients);
    duet_plan *plan = plan_with_updates(gradients, 3, NULL, 2);
    size_t sums = 0;
    assert_ok(duet_plan_explain(plan, &explained, &error), &error);
    for (size_t i = 0; i < explained.launch_count; i++)
        for (size_t k = 0; k < explained.launches[i].result_count; k++) {
            const char *value = explained.launches[i].results[k].value;
            sums += strncmp(value, "sum(", 4) == 0;
            /* a whole value, not part of one */
            assert_false(strncmp(value, "standardise(x", 13) == 0 && strchr(value, ')') == value + strlen(value) - 1);
        }
    assert_int_equal(sums, 4);
    duet_explanation_free(&explained);
    duet_plan_free(&plan);
    workshop_close(&w);
}

/* ---- spectral norm ---- */

/* The singular values of [[3, 0], [4, 5]] are sqrt(45) and sqrt(5), those of [3, 0, 0; 0, 0, 2] 3 and 2. */
static void sigma_becomes_the_largest_singular_value(void **state)
{
    (void)state;
    static const struct {
        size_t rows, columns;
        float weight[6];
        double largest;
    } matrices[] = {{2, 2, {3, 0, 4, 5}, 6.7082039324993690892}, {2, 3, {3, 0, 0, 0, 0, 2}, 3}};
    for (size_t m = 0; m < 2; m++) {
        workshop w = workshop_open(5);
        duet_error error = {0};
        const size_t rows = matrices[m].rows, columns = matrices[m].columns;
        float result[6], before[2], after[2];
        /* rows as a dense layer's outputs, the columns as a picture's two dimensions */
        duet_node weight = duet_input(w.graph, "weight", DUET_FLOAT32, DUET_SHAPE(rows, 1, columns));
        duet_node y = duet_spectral_norm(w.group, "layer", weight, 1);
        duet_plan *plan = plan_with_updates(&y, 1, NULL, 1);
        for (int i = 0; i < 40; i++) test_replay(plan, &(test_feed){weight, matrices[m].weight}, 1);
        assert_ok(duet_plan_read(plan, y, result, rows * columns * sizeof *result, &error), &error);
        for (size_t i = 0; i < rows * columns; i++)
            assert_close(result[i], matrices[m].weight[i] / matrices[m].largest, 1e-6);
        read_variable(&w, "net.layer.direction", before, rows);
        assert_close(before[0] * before[0] + before[1] * before[1], 1, 1e-6);
        assert_int_equal(duet_group_states(w.group), rows);
        assert_int_equal(duet_group_parameters(w.group), 0);
        duet_plan_free(&plan);

        duet_inference_begin(w.graph);
        duet_node used = duet_spectral_norm(w.group, "layer", weight, 1);
        duet_inference_end(w.graph);
        plan = plan_with_updates(&used, 1, NULL, 0); /* beside the layer that trains, too, nothing is kept */
        test_replay(plan, &(test_feed){weight, matrices[m].weight}, 1);
        assert_ok(duet_plan_read(plan, used, result, rows * columns * sizeof *result, &error), &error);
        for (size_t i = 0; i < rows * columns; i++)
            assert_close(result[i], matrices[m].weight[i] / matrices[m].largest, 1e-6);
        duet_plan_free(&plan);
        read_variable(&w, "net.layer.direction", after, rows);
        assert_memory_equal(before, after, rows * sizeof *before);
        workshop_close(&w);
    }
}

/* As the last layer of a network that begins as nothing has it: there is no division by the 0, and the direction from
 * which the singular value will be sought is not lost. */
static void a_weight_of_zeros_stays_one_until_it_has_learnt(void **state)
{
    (void)state;
    static const float zeros[4], later[4] = {3, 0, 4, 5};
    workshop w = workshop_open(5);
    duet_error error = {0};
    float result[4], slope[4], before[2], after[2];
    duet_node weight = duet_input(w.graph, "weight", DUET_FLOAT32, DUET_SHAPE(2, 2)), gradient;
    duet_node y = duet_spectral_norm(w.group, "layer", weight, 1);
    duet_grad(duet_sum(y, DUET_ALL_AXES, false), &weight, 1, &gradient);
    duet_plan *plan = plan_with_updates((duet_node[]){y, gradient}, 2, NULL, 1);
    read_variable(&w, "net.layer.direction", before, 2);
    test_replay(plan, &(test_feed){weight, zeros}, 1);
    assert_ok(duet_plan_read(plan, y, result, sizeof result, &error), &error);
    assert_ok(duet_plan_read(plan, gradient, slope, sizeof slope, &error), &error);
    for (size_t i = 0; i < 4; i++) {
        assert_close(result[i], 0, 0);
        assert_close(slope[i], 1, 0);
    }
    read_variable(&w, "net.layer.direction", after, 2);
    assert_memory_equal(before, after, sizeof before);
    for (int i = 0; i < 40; i++) test_replay(plan, &(test_feed){weight, later}, 1);
    assert_ok(duet_plan_read(plan, y, result, sizeof result, &error), &error);
    for (size_t i = 0; i < 4; i++) assert_close(result[i], later[i] / 6.7082039324993690892, 1e-6);
    duet_plan_free(&plan);
    workshop_close(&w);
}

static duet_twin_value over_sigma(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    if (t->graph) return (duet_twin_value){.node = duet_over_sigma_at(t->where, x[0].node, x[1].node, x[2].node)};
    duet_plain product = duet_plain_matmul(t->arena, x[0].plain, x[2].plain, false, true);
    duet_plain sigma = duet_plain_matmul(t->arena, x[1].plain, product, true, false);
    return (duet_twin_value){.plain = duet_plain_map2(t->arena, duet_over, x[0].plain, sigma)};
}

static void a_gradient_flows_through_sigma(void **state)
{
    (void)state;
    static const double u[] = {0.5, 0.4, -0.3, 0.6}, v[] = {0.4, -0.2, 0.7, 0.3, 0.5};
    static const duet_case rows[] = {{.name = "over sigma",
                                      .expression = over_sigma,
                                      .length = 20,
                                      .tolerance = 4,
                                      .derivatives = 2,
                                      .inputs = {DUET_CASE_FLOATS(0.5, 2, 4, 5),
                                                 {.shape = DUET_CASE_SHAPE(4, 1), .values = u, .fixed = true},
                                                 {.shape = DUET_CASE_SHAPE(1, 5), .values = v, .fixed = true}}}};
    static const duet_case_group group = {"spectral norm", DUET_CASE_ROWS(rows)};
    duet_error error = {0};
    duet_check_row row;
    assert_ok(duet_case_group_run(device, &group, &row, &error), &error);
    if (!row.sound) fail_msg("%s", row.words);
    assert_true(row.gradient <= 1 && row.second <= 1);
}

/* ---- mistakes ---- */

static void use_a_feature_as_axis(workshop *w, duet_node x)
{
    (void)duet_layer_norm(w->group, "n", x, DUET_AXIS(1));
}

static void drop_all(workshop *w, duet_node x)
{
    (void)w;
    (void)duet_dropout(x, 1);
}

static void split_unevenly(workshop *w, duet_node x)
{
    (void)duet_group_norm(w->group, "n", x, 4);
}

static void end_without_beginning(workshop *w, duet_node x)
{
    (void)x;
    duet_inference_end(w->graph);
}

static void cut_at_the_end(workshop *w, duet_node x)
{
    (void)duet_spectral_norm(w->group, "n", x, 4);
}

static void follow_another_shape(workshop *w, duet_node x)
{
    const duet_initialiser zero = {DUET_INIT_CONSTANT, 0, 0, 0};
    duet_state_follow(duet_layer_state(w->graph, w->group, "s", DUET_SHAPE(2), zero), x, 0.5, x);
}

static void name_a_parameter_like_a_state(workshop *w, duet_node x)
{
    const duet_initialiser zero = {DUET_INIT_CONSTANT, 0, 0, 0};
    (void)x;
    (void)duet_layer_state(w->graph, w->group, "s", DUET_SHAPE(2), zero);
    (void)duet_parameter(w->graph, w->group, "s", DUET_SHAPE(2), zero);
}

static void stand_below_zero(workshop *w, duet_node x)
{
    (void)duet_batch_norm_at(DUET_WHERE, w->group, "n", x, -1, 0.9);
}

static void stand_on_no_number(workshop *w, duet_node x)
{
    (void)duet_layer_norm_at(DUET_WHERE, w->group, "n", x, DUET_AXIS(3), NAN);
}

static void stand_each_below_zero(workshop *w, duet_node x)
{
    (void)duet_instance_norm_at(DUET_WHERE, w->group, "n", x, -1e-5);
}

static void drop_indices(workshop *w, duet_node x)
{
    (void)w;
    (void)duet_dropout(duet_to_index(x), 0.5);
}

static void mistakes_say_where_and_what(void **state)
{
    (void)state;
    static const struct {
        void (*make)(workshop *w, duet_node x);
        const char *words;
    } rows[] = {
        {use_a_feature_as_axis, "layer_norm: axes [1] of [3, 4, 5, 6]; the last ones, without the batch"},
        {stand_below_zero, "batch_norm: epsilon is -1, and a number from 0 on was expected"},
        {stand_on_no_number, "layer_norm: epsilon is nan"},
        {stand_each_below_zero, "instance_norm: epsilon is -1e-05"},
        {drop_indices, "dropout: an operand is uint32"},
        {drop_all, "dropout: a rate in [0, 1) was expected, not 1"},
        {split_unevenly, "group_norm: 6 features do not make 4 equal groups"},
        {end_without_beginning, "duet_inference_end: no duet_inference_begin"},
        {cut_at_the_end, "spectral_norm: axis 4 does not cut 4 dimensions in two"},
        {follow_another_shape, "state_follow"},
        {name_a_parameter_like_a_state, "parameter \"net.s\": the name is in use elsewhere"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        workshop w = workshop_open(5);
        duet_error error = {0};
        rows[i].make(&w, duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(BATCH, HIGH, WIDE, FEATURES)));
        assert_status(duet_graph_check(w.graph, &error), DUET_ERROR_GRAPH, &error);
        assert_message(&error, rows[i].words);
        workshop_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_normalise_what_they_say),
        cmocka_unit_test(statistics_follow_the_batches),
        cmocka_unit_test(two_calls_follow_each_other),
        cmocka_unit_test(states_rest_where_they_are_not_allowed_to_move),
        cmocka_unit_test(batch_norm_takes_two_sums_each_way),
        cmocka_unit_test(sigma_becomes_the_largest_singular_value),
        cmocka_unit_test(a_weight_of_zeros_stays_one_until_it_has_learnt),
        cmocka_unit_test(a_gradient_flows_through_sigma),
        cmocka_unit_test(mistakes_say_where_and_what),
    };
    return RUN_TESTS("norm", tests, open_device, close_device);
}
