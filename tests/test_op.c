/* SPDX-License-Identifier: MIT */
/* Every op on the device under test: the doctor's table, the losses of nn by the same means, and proof that wrong
 * numbers are seen. */
#include "workshop.h"

#include "check/cases.h"
#include "duet/doctor.h"
#include "duet/nn.h"

static void check_is_sound(void **state)
{
    duet_error error = {0};
    duet_check_row row;
    assert_ok(duet_check_run(device, (size_t)(uintptr_t)*state, &row, &error), &error);
    if (!row.sound) fail_msg("%s: %s", row.name, row.words);
    assert_true(row.forward <= 1);
    assert_false(row.gradient > 1);
    assert_false(row.second > 1);
    assert_string_equal(row.words, "");
}

static void there_is_no_check_past_the_end(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_check_row row;
    assert_status(duet_check_run(device, duet_check_count(), &row, &error), DUET_ERROR_USAGE, &error);
}

/* The losses, which lie above the table's layer. */

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double bernoulli_nll(double logit, double x)
{
    return softplus(logit) - x * logit;
}

static double gaussian_nll(double mean, double logvar, double x)
{
    return 0.5 * (log(2 * 3.14159265358979323846) + logvar + (x - mean) * (x - mean) / exp(logvar));
}

static double gaussian_kl(double mean, double logvar)
{
    return 0.5 * (exp(logvar) + mean * mean - 1 - logvar);
}

static double half_square(double prediction, double x)
{
    return 0.5 * (prediction - x) * (prediction - x);
}

static duet_twin_value features(duet_twin *t, duet_plain each)
{
    return (duet_twin_value){.plain = duet_plain_sum(t->arena, each, DUET_ALL_AXES & ~DUET_AXIS(0), false)};
}

static duet_twin_value summed2(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    if (t->graph) return (duet_twin_value){.node = row->build2(t->where, x[0].node, x[1].node)};
    return features(t, duet_plain_map2(t->arena, row->meaning2, x[0].plain, x[1].plain));
}

static duet_twin_value gaussian(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    if (t->graph) return (duet_twin_value){.node = duet_gaussian_nll_at(t->where, x[0].node, x[1].node, x[2].node)};
    return features(t, duet_plain_map3(t->arena, gaussian_nll, x[0].plain, x[1].plain, x[2].plain));
}

static duet_twin_value binary(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    if (t->graph) return (duet_twin_value){.node = duet_binary_cross_entropy_at(t->where, x[0].node, x[1].node)};
    duet_plain each = duet_plain_map2(t->arena, row->meaning2, x[0].plain, x[1].plain);
    return (duet_twin_value){.plain = duet_plain_mean(t->arena, each, DUET_ALL_AXES, false)};
}

static duet_twin_value softmax(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    if (t->graph) return (duet_twin_value){.node = duet_softmax_cross_entropy_at(t->where, x[0].node, x[1].node)};
    duet_plain total = duet_plain_logsumexp(t->arena, x[0].plain, DUET_AXIS(1), true);
    duet_plain minus_log = duet_plain_map2(t->arena, duet_minus, total, x[0].plain);
    return features(t, duet_plain_map2(t->arena, duet_times, minus_log, x[1].plain));
}

#define LOSS(title, form, build, f, allowed, ...)                                                                      \
    {                                                                                                                  \
        .name = title, .expression = form, .build2 = build, .meaning2 = f, .tolerance = allowed, .length = 6,          \
        .derivatives = 2, .inputs = {                                                                                  \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define BETWEEN DUET_CASE_FLOATS

static const duet_case losses[] = {
    LOSS("bernoulli_nll", summed2, duet_bernoulli_nll_at, bernoulli_nll, 4, BETWEEN(-4, 4, 5, 6), BETWEEN(0, 1, 5, 6)),
    LOSS("bernoulli_nll of pictures", summed2, duet_bernoulli_nll_at, bernoulli_nll, 4, BETWEEN(-4, 4, 3, 2, 3),
         BETWEEN(0, 1, 3, 2, 3)),
    LOSS("gaussian_nll", gaussian, NULL, NULL, 4, BETWEEN(-1, 1, 4, 6), BETWEEN(-1, 1, 4, 6), BETWEEN(-2, 2, 4, 6)),
    LOSS("gaussian_kl", summed2, duet_gaussian_kl_at, gaussian_kl, 4, BETWEEN(-1, 1, 4, 6), BETWEEN(-2, 1, 4, 6)),
    LOSS("squared_error", summed2, duet_squared_error_at, half_square, 4, BETWEEN(-1, 1, 4, 6), BETWEEN(-1, 1, 4, 6)),
    LOSS("binary_cross_entropy", binary, NULL, bernoulli_nll, 4, BETWEEN(-4, 4, 9, 1), BETWEEN(0, 1, 9, 1)),
    LOSS("softmax_cross_entropy", softmax, NULL, NULL, 8, BETWEEN(-3, 3, 5, 6), BETWEEN(0, 0.4, 5, 6)),
};

static void losses_are_sound(void **state)
{
    (void)state;
    static const duet_case_group group = {"losses", DUET_CASE_ROWS(losses)};
    duet_error error = {0};
    duet_check_row row;
    assert_ok(duet_case_group_run(device, &group, &row, &error), &error);
    if (!row.sound) fail_msg("%s", row.words);
    assert_true(row.forward <= 1 && row.gradient <= 1 && row.second <= 1);
}

/* Cases whose nodes do not compute what the reference does: a check that lets one pass checks nothing. */

static duet_twin_value wrong_value(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return duet_twin_map1(t, duet_tanh_at, sin, x[0]);
}

/* Right but for the last of many elements. */
static duet_twin_value wrong_last(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    if (!t->graph) return x[0];
    duet_node most = duet_slice(x[0].node, 0, 0, 999), last = duet_slice(x[0].node, 0, 999, 1);
    return (duet_twin_value){.node = duet_concat(((duet_node[]){most, duet_scale(last, 1.0001)}), 2, 0)};
}

static duet_twin_value not_a_number(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return t->graph ? (duet_twin_value){.node = duet_log(duet_negate(duet_square(x[0].node)))} : x[0];
}

static duet_twin_value wrong_gradient(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return t->graph ? (duet_twin_value){.node = duet_stop_gradient(x[0].node)} : x[0];
}

/* x^2 by its tangent: value and gradient are right, the second gradient is 0. */
static duet_twin_value wrong_second(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    if (!t->graph) return duet_twin_multiply(t, x[0], x[0]);
    duet_node here = duet_stop_gradient(x[0].node), ahead = duet_subtract(x[0].node, here);
    return (duet_twin_value){.node = duet_add(duet_square(here), duet_multiply(duet_scale(here, 2), ahead))};
}

static duet_twin_value wrong_shape(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return t->graph ? (duet_twin_value){.node = duet_reshape(x[0].node, DUET_SHAPE(10, 100))} : x[0];
}

typedef duet_twin_value (*expression)(duet_twin *t, const duet_twin_value *x, const duet_case *row);

static duet_check_row run_wrong(expression form)
{
    const duet_case row = {.name = "wrong",
                           .expression = form,
                           .tolerance = 4,
                           .derivatives = 2,
                           .inputs = {DUET_CASE_FLOATS(0.5, 2, 1000)}};
    const duet_case_group group = {"wrong", &row, 1};
    duet_error error = {0};
    duet_check_row result;
    assert_ok(duet_case_group_run(device, &group, &result, &error), &error);
    assert_false(result.sound);
    assert_non_null(strstr(result.words, "wrong"));
    return result;
}

static void wrong_numbers_are_seen(void **state)
{
    (void)state;
    duet_check_row row = run_wrong(wrong_value);
    assert_true(row.forward > 1);
    assert_non_null(strstr(row.words, "times the tolerance"));
    assert_true(run_wrong(wrong_last).forward > 1);
    assert_true(run_wrong(not_a_number).forward > 1);
    row = run_wrong(wrong_gradient);
    assert_true(row.forward <= 1 && row.gradient > 1);
    row = run_wrong(wrong_second);
    assert_true(row.forward <= 1 && row.gradient <= 1 && row.second > 1);
    assert_non_null(strstr(row.words, "second gradient"));
    assert_non_null(strstr(run_wrong(wrong_shape).words, "shape"));
}

/* An argument names the only test to run. */
int main(int argc, char **argv)
{
    enum { MOST = 64, OTHERS = 3 };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    static char names[MOST][96];
    struct CMUnitTest tests[MOST + OTHERS] = {cmocka_unit_test(there_is_no_check_past_the_end),
                                              cmocka_unit_test(losses_are_sound),
                                              cmocka_unit_test(wrong_numbers_are_seen)};
    size_t count = duet_check_count();
    if (count > MOST) return EXIT_FAILURE;
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(names[i], sizeof names[i], "check %zu", i);
        const duet_case_group *group = duet_case_group_at(i);
        if (group) (void)snprintf(names[i], sizeof names[i], "%s", group->name);
        tests[OTHERS + i] = TEST_ROW(names[i], check_is_sound, (uintptr_t)i);
    }
    return test_run("op", tests, OTHERS + count, open_device, close_device);
}
