/* SPDX-License-Identifier: MIT */
/* Sums of a million numbers far from 0, in every layout that kernels have for them, against sums in double. A float32
 * sum in one go is off by some thousandths there, and a variance made of it many times too large. */
#include "workshop.h"

typedef struct layout {
    size_t rows, columns;
    unsigned axes;
} layout;

static const layout layouts[] = {
    {1000000, 16, DUET_AXIS(0)}, /* neighbouring columns at once */
    {1000000, 5, DUET_AXIS(0)},  /* column by column */
    {1000000, 4, DUET_AXIS(0)},
    {1000000, 1, DUET_AXIS(0)},
    {2, 1000000, DUET_AXIS(1)}, /* sixteen of a row at once */
    {3, 1000003, DUET_AXIS(1)}, /* one after the other */
    {1000, 1000, DUET_AXIS(0) | DUET_AXIS(1)},
    {200000, 50, DUET_AXIS(0)},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts, OUTPUTS = 64 };

/* [first, first + width), far from 0 beside their spread; or one number again and again, whose sum is rounded the same
 * way at each addition. */
typedef struct numbers {
    double first, width;
} numbers;

static float number(numbers of, size_t i)
{
    return (float)(of.first + of.width * (double)((i * 2654435761u >> 7) % 1000) / 1000);
}

/* Means and variances, in double, of the numbers as float32 has them. */
static void sum_exactly(const layout *it, const float *values, double *means, double *variances)
{
    const size_t count = it->rows * it->columns;
    const bool by_column = it->axes == DUET_AXIS(0), whole = it->axes == (DUET_AXIS(0) | DUET_AXIS(1));
    const double length = (double)count / (double)(whole ? 1 : by_column ? it->columns : it->rows);
    for (size_t o = 0; o < OUTPUTS; o++) means[o] = variances[o] = 0;
    for (size_t pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < count; k++) {
            const size_t output = whole ? 0 : by_column ? k % it->columns : k / it->columns;
            const double away = (double)values[k] - (double)values[0] - means[output];
            if (pass == 0)
                means[output] += ((double)values[k] - (double)values[0]) / length;
            else
                variances[output] += away * away / length;
        }
    for (size_t o = 0; o < OUTPUTS; o++) means[o] += (double)values[0];
}

static void check_layout(const layout *it, numbers of)
{
    const size_t count = it->rows * it->columns;
    float *values = malloc(count * sizeof *values), means[OUTPUTS], variances[OUTPUTS];
    double exact[OUTPUTS], spread[OUTPUTS];
    duet_error error = {0};
    assert_non_null(values);
    for (size_t k = 0; k < count; k++) values[k] = number(of, k);
    sum_exactly(it, values, exact, spread);
    workshop bench = workshop_open(1);
    duet_node x = duet_input(bench.graph, "x", DUET_FLOAT32, DUET_SHAPE(it->rows, it->columns));
    const duet_node roots[] = {duet_mean(x, it->axes, false), duet_variance(x, it->axes, false)};
    const size_t outputs = duet_shape_elements(duet_node_shape(roots[0]));
    workshop_plan(&bench, "sums", roots, 2);
    assert_ok(duet_plan_write(bench.plan, x, values, count * sizeof *values, &error), &error);
    assert_ok(duet_plan_replay(bench.plan, &error), &error);
    assert_ok(duet_plan_read(bench.plan, roots[0], means, outputs * sizeof *means, &error), &error);
    assert_ok(duet_plan_read(bench.plan, roots[1], variances, outputs * sizeof *variances, &error), &error);
    for (size_t o = 0; o < outputs; o++) {
        assert_close(means[o], exact[o], 1e-6 * fabs(exact[o]));
        assert_close(variances[o], spread[o], 1e-5 * spread[o] + 1e-11 * exact[o] * exact[o] * (of.width == 0));
    }
    workshop_close(&bench);
    free(values);
}

static void sums_of_a_million_are_right(void **state)
{
    static const numbers rows[] = {{1000, 1}, {5000, 1}, {1e6, 1}, {0.1, 0}, {12345.678, 0}};
    (void)state;
    for (size_t i = 0; i < LAYOUTS; i++) check_layout(&layouts[i], rows[1]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_layout(&layouts[2], rows[i]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_layout(&layouts[4], rows[i]);
}

/* The means of few numbers are rounded too: a spread of 1 beside a million. */
static void variances_of_few_rows_are_right(void **state)
{
    static const layout few = {128, 4, DUET_AXIS(0)};
    (void)state;
    check_layout(&few, (numbers){1e6, 1});
}

/* The parts of a long sum are exact, which an infinity among them must not make NaN of. */
static void infinities_stay(void **state)
{
    enum { ROWS = 100000 };
    static const layout shapes[] = {{ROWS, 4, DUET_AXIS(0)}, {2, ROWS, DUET_AXIS(1)}, {1, ROWS + 1, DUET_AXIS(1)}};
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const size_t count = shapes[i].rows * shapes[i].columns;
        float *values = calloc(count, sizeof *values), sums[4];
        duet_error error = {0};
        assert_non_null(values);
        values[0] = INFINITY;
        workshop bench = workshop_open(1);
        duet_node x = duet_input(bench.graph, "x", DUET_FLOAT32, DUET_SHAPE(shapes[i].rows, shapes[i].columns));
        duet_node sum = duet_sum(x, shapes[i].axes, false);
        const size_t outputs = duet_shape_elements(duet_node_shape(sum));
        workshop_plan(&bench, "sums", &sum, 1);
        assert_ok(duet_plan_write(bench.plan, x, values, count * sizeof *values, &error), &error);
        assert_ok(duet_plan_replay(bench.plan, &error), &error);
        assert_ok(duet_plan_read(bench.plan, sum, sums, outputs * sizeof *sums, &error), &error);
        assert_true(isinf(sums[0]));
        for (size_t o = 1; o < outputs; o++) assert_true(sums[o] == 0);
        workshop_close(&bench);
        free(values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_a_million_are_right),
        cmocka_unit_test(variances_of_few_rows_are_right),
        cmocka_unit_test(infinities_stay),
    };
    return RUN_TESTS("long_sums", tests, open_all, close_all);
}
