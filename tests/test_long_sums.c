/* SPDX-License-Identifier: MIT */
/* Sums of a million numbers far from 0, in every layout that kernels have for them, against sums in double. A float32
 * sum in one go is off by some thousandths there, and a variance made of it many times too large. */
#include "workshop.h"

/* Far from 0 beside their spread: [1000, 1001). */
static float number(size_t i)
{
    return 1000 + (float)((i * 2654435761u >> 7) % 1000) / 1000;
}

static void sums_of_a_million_are_right(void **state)
{
    (void)state;
    static const struct {
        size_t rows, columns;
        unsigned axes;
    } rows[] = {
        {1000000, 16, DUET_AXIS(0)}, /* neighbouring columns at once */
        {1000000, 5, DUET_AXIS(0)},  /* column by column */
        {1000000, 1, DUET_AXIS(0)},
        {2, 1000000, DUET_AXIS(1)}, /* sixteen of a row at once */
        {3, 1000003, DUET_AXIS(1)}, /* one after the other */
        {1000, 1000, DUET_AXIS(0) | DUET_AXIS(1)},
        {200000, 50, DUET_AXIS(0)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t count = rows[i].rows * rows[i].columns;
        bool by_column = rows[i].axes == DUET_AXIS(0), whole = rows[i].axes == (DUET_AXIS(0) | DUET_AXIS(1));
        size_t outputs = whole ? 1 : by_column ? rows[i].columns : rows[i].rows, length = count / outputs;
        float *values = malloc(count * sizeof *values), means[64], variances[64];
        double exact[64] = {0}, spread[64] = {0};
        duet_error error = {0};
        assert_non_null(values);
        for (size_t k = 0; k < count; k++) {
            size_t output = whole ? 0 : by_column ? k % rows[i].columns : k / rows[i].columns;
            values[k] = number(k);
            exact[output] += ((double)values[k] - 1000) / (double)length;
        }
        for (size_t k = 0; k < count; k++) {
            size_t output = whole ? 0 : by_column ? k % rows[i].columns : k / rows[i].columns;
            double away = (double)values[k] - 1000 - exact[output];
            spread[output] += away * away / (double)length;
        }
        workshop bench = workshop_open(1);
        duet_node x = duet_input(bench.graph, "x", DUET_FLOAT32, DUET_SHAPE(rows[i].rows, rows[i].columns));
        const duet_node roots[] = {duet_mean(x, rows[i].axes, false), duet_variance(x, rows[i].axes, false)};
        workshop_plan(&bench, "sums", roots, 2);
        assert_ok(duet_plan_write(bench.plan, x, values, count * sizeof *values, &error), &error);
        assert_ok(duet_plan_replay(bench.plan, &error), &error);
        assert_ok(duet_plan_read(bench.plan, roots[0], means, outputs * sizeof *means, &error), &error);
        assert_ok(duet_plan_read(bench.plan, roots[1], variances, outputs * sizeof *variances, &error), &error);
        for (size_t o = 0; o < outputs; o++) {
            assert_close(means[o], 1000 + exact[o], 1e-3); /* a millionth */
            assert_close(variances[o], spread[o], 1e-6);
        }
        workshop_close(&bench);
        free(values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_a_million_are_right),
    };
    return RUN_TESTS("long_sums", tests, open_all, close_all);
}
