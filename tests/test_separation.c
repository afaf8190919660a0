/* SPDX-License-Identifier: MIT */
/* How well scores separate, against the definitions by pairs and by thresholds, on scores with many ties. */
#include "test.h"

#include "duet/metric.h"

enum { USUAL = 37, STRANGE = 23 };

static void fill(float *usual, float *strange)
{
    for (size_t i = 0; i < USUAL; i++) usual[i] = (float)(i * 7 % 11);
    for (size_t i = 0; i < STRANGE; i++) strange[i] = (float)(i * 5 % 13) + (float)(i % 2);
}

/* The share of usual scores below a score, ties half. */
static double placement(const float *others, size_t count, float score)
{
    double below = 0;
    for (size_t i = 0; i < count; i++) below += others[i] < score ? 1 : others[i] == score ? 0.5 : 0;
    return below / (double)count;
}

static double variance(const double *numbers, size_t count)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++) mean += numbers[i] / (double)count;
    for (size_t i = 0; i < count; i++) squares += (numbers[i] - mean) * (numbers[i] - mean);
    return squares / (double)(count - 1);
}

static void the_area_is_the_share_of_pairs(void **state)
{
    (void)state;
    float usual[USUAL], strange[STRANGE];
    double of_strange[STRANGE], of_usual[USUAL], area = 0;
    duet_separation found;
    duet_error error = {0};
    fill(usual, strange);
    for (size_t i = 0; i < STRANGE; i++) area += (of_strange[i] = placement(usual, USUAL, strange[i])) / STRANGE;
    for (size_t i = 0; i < USUAL; i++) of_usual[i] = 1 - placement(strange, STRANGE, usual[i]);
    double reach = 1.96 * sqrt(variance(of_strange, STRANGE) / STRANGE + variance(of_usual, USUAL) / USUAL);
    assert_ok(duet_separate(usual, USUAL, strange, STRANGE, &found, &error), &error);
    assert_close(found.auroc, area, 1e-12);
    assert_close(found.low, area - reach, 1e-12);
    assert_close(found.high, area + reach, 1e-12);
    assert_int_equal(found.usual, USUAL);
    assert_int_equal(found.strange, STRANGE);
    assert_ok(duet_separate(strange, STRANGE, usual, USUAL, &found, &error), &error);
    assert_close(found.auroc, 1 - area, 1e-12);
}

/* The recall that each threshold adds, times the precision there. */
static void average_precision_goes_through_thresholds(void **state)
{
    (void)state;
    float usual[USUAL], strange[STRANGE];
    double area = 0, recall = 0;
    duet_separation found;
    duet_error error = {0};
    fill(usual, strange);
    for (int threshold = 20; threshold >= 0; threshold--) {
        double right = 0, wrong = 0;
        for (size_t i = 0; i < STRANGE; i++) right += strange[i] >= (float)threshold;
        for (size_t i = 0; i < USUAL; i++) wrong += usual[i] >= (float)threshold;
        if (right + wrong == 0) continue;
        area += (right / STRANGE - recall) * right / (right + wrong);
        recall = right / STRANGE;
    }
    assert_ok(duet_separate(usual, USUAL, strange, STRANGE, &found, &error), &error);
    assert_close(found.average_precision, area, 1e-12);
}

/* The area where score `more` of all, usual ones first, counts a little more than once. */
static double weighted_area(const float *usual, const float *strange, size_t more, double weight)
{
    double total = 0, area = 0;
    for (size_t i = 0; i < STRANGE; i++) {
        double right = 0, wrong = 0, own = USUAL + i == more ? weight : 1;
        for (size_t k = 0; k < STRANGE; k++) right += strange[k] < strange[i] ? 0 : USUAL + k == more ? weight : 1;
        for (size_t k = 0; k < USUAL; k++) wrong += usual[k] < strange[i] ? 0 : k == more ? weight : 1;
        area += own * right / (right + wrong);
        total += own;
    }
    return area / total;
}

/* Its interval: of both kinds the variance of what the area gains by each score's weight, by differences. */
static void the_precisions_interval_is_the_jackknifes(void **state)
{
    (void)state;
    const double small = 1e-5;
    float usual[USUAL], strange[STRANGE];
    double gains[USUAL + STRANGE];
    duet_separation found;
    duet_error error = {0};
    fill(usual, strange);
    for (size_t i = 0; i < USUAL + STRANGE; i++)
        gains[i] = (weighted_area(usual, strange, i, 1 + small) - weighted_area(usual, strange, i, 1 - small)) /
                   (2 * small) * (i < USUAL ? USUAL : STRANGE);
    assert_ok(duet_separate(usual, USUAL, strange, STRANGE, &found, &error), &error);
    const double area = found.average_precision, odds = log(area / (1 - area)),
                 deviation = sqrt(variance(gains, USUAL) / USUAL + variance(gains + USUAL, STRANGE) / STRANGE),
                 reach = 1.96 * deviation / (area * (1 - area));
    assert_close(found.average_precision_low, 1 / (1 + exp(reach - odds)), 1e-8);
    assert_close(found.average_precision_high, 1 / (1 + exp(-reach - odds)), 1e-8);
}

static void ends_are_met(void **state)
{
    (void)state;
    const float low[] = {1, 2, 3}, high[] = {4, 5, NAN}, same[] = {2, 2}, middle = 2.5f;
    duet_separation found;
    duet_error error = {0};
    assert_ok(duet_separate(low, 3, high, 3, &found, &error), &error);
    assert_close(found.auroc, 1, 0);
    assert_close(found.average_precision, 1, 0);
    assert_close(found.low, 3 / (3 + 1.959964 * 1.959964), 1e-12); /* Wilson's, three pairs of three */
    assert_close(found.average_precision_low, found.low, 0);
    assert_close(found.average_precision_high, 1, 0);
    assert_close(found.high, 1, 0);
    assert_ok(duet_separate(high, 3, low, 2, &found, &error), &error);
    assert_close(found.auroc, 0, 0);
    assert_close(found.low, 0, 0);
    assert_close(found.high, 1 - 2 / (2 + 1.959964 * 1.959964), 1e-12);
    assert_ok(duet_separate(same, 2, same, 2, &found, &error), &error);
    assert_close(found.auroc, 0.5, 0);
    assert_close(found.average_precision, 0.5, 0);
    assert_true(isnan(found.average_precision_low) && isnan(found.average_precision_high));
    assert_true(isnan(found.low) && isnan(found.high)); /* scores that are all alike say nothing of others */
    assert_ok(duet_separate(low, 3, &middle, 1, &found, &error), &error);
    assert_true(found.auroc > 0.5 && found.auroc < 1 && isnan(found.low) && isnan(found.high));
    assert_int_equal(duet_separate(low, 3, high, 0, &found, &error), DUET_ERROR_USAGE);
    assert_message(&error, "there are 3 and 0");
}

static void the_mean_of_equal_numbers_has_no_interval(void **state)
{
    (void)state;
    double mean, low, high;
    const double equal[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, two[] = {1, 3};
    for (size_t n = 1; n <= sizeof equal / sizeof *equal; n++) {
        duet_mean_interval(equal, n, &mean, &low, &high);
        assert_close(mean, 0.1, 1e-12);
        assert_true(isnan(low) && isnan(high));
    }
    duet_mean_interval(two, 2, &mean, &low, &high);
    assert_close(mean, 2, 1e-12);
    assert_close(high - mean, 12.7062, 1e-3);
    assert_close(mean - low, 12.7062, 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_area_is_the_share_of_pairs),
        cmocka_unit_test(average_precision_goes_through_thresholds),
        cmocka_unit_test(the_precisions_interval_is_the_jackknifes),
        cmocka_unit_test(ends_are_met),
        cmocka_unit_test(the_mean_of_equal_numbers_has_no_interval),
    };
    return RUN_TESTS("separation", tests, NULL, NULL);
}
