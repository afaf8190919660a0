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

/* Newcombe's variance of an area, by the shares of triples of Hanley and McNeil (1982). */
static double shared_variance(double area, double usual, double strange)
{
    double twice_above = area / (2 - area), twice_below = 2 * area * area / (1 + area);
    double others = (usual + strange) / 2 - 1;
    double triples = twice_above - area * area + twice_below - area * area;
    return (area * (1 - area) + others * triples) / (usual * strange);
}

/* An end lies as far from the area as 1.96 deviations of the larger variance there. */
static void assert_end(double end, const duet_separation *found, double seen)
{
    double shared = shared_variance(end, (double)found->usual, (double)found->strange);
    double own = seen * end * (1 - end) / (found->auroc * (1 - found->auroc));
    assert_close(fabs(end - found->auroc), 1.96 * sqrt(fmax(shared, own)), 1e-12);
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
    double seen = variance(of_strange, STRANGE) / STRANGE + variance(of_usual, USUAL) / USUAL;
    assert_ok(duet_separate(usual, USUAL, strange, STRANGE, &found, &error), &error);
    assert_close(found.auroc, area, 1e-12);
    assert_true(found.low < area && found.high > area);
    assert_end(found.low, &found, seen);
    assert_end(found.high, &found, seen);
    assert_int_equal(found.usual, USUAL);
    assert_int_equal(found.strange, STRANGE);
    assert_ok(duet_separate(strange, STRANGE, usual, USUAL, &found, &error), &error);
    assert_close(found.auroc, 1 - area, 1e-12);
}

/* Newcombe's equation of the fourth degree, solved by numpy.roots: of 200 scores and 20 of an area of 0.95, and of
 * 1,000 and 5 of one of 0.9704; and the other way round. */
static void the_areas_interval_is_newcombes(void **state)
{
    (void)state;
    static const struct {
        size_t usual, strange;
        float place[20]; /* how many of 0, 1, ... lie below each strange score */
        double area, low, high;
    } rows[] = {
        {200,
         20,
         {160, 170, 180, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200, 200},
         0.9475,
         0.861345443150,
         0.980153831291},
        {1000, 5, {930, 965, 970, 987, 1000}, 0.9704, 0.760651101858, 0.996487475255},
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        float usual[1000], strange[20];
        duet_separation found;
        duet_error error = {0};
        for (size_t i = 0; i < rows[row].usual; i++) usual[i] = (float)i;
        for (size_t i = 0; i < rows[row].strange; i++) strange[i] = rows[row].place[i] - 0.5f;
        assert_ok(duet_separate(usual, rows[row].usual, strange, rows[row].strange, &found, &error), &error);
        assert_close(found.auroc, rows[row].area, 1e-12);
        assert_close(found.low, rows[row].low, 1e-9);
        assert_close(found.high, rows[row].high, 1e-9);
        assert_ok(duet_separate(strange, rows[row].strange, usual, rows[row].usual, &found, &error), &error);
        assert_close(found.low, 1 - rows[row].high, 1e-9);
        assert_close(found.high, 1 - rows[row].low, 1e-9);
    }
}

/* A normal number: the sum of twelve of one's share. */
static float draw(uint32_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        *state = *state * 1664525U + 1013904223U;
        sum += (*state >> 8) / 16777216.0;
    }
    return (float)sum;
}

/* Of usual scores of a normal distribution and strange ones around 2, as wide and four times as wide. */
static void the_areas_interval_holds_the_truth(void **state)
{
    (void)state;
    enum { TIMES = 300 };
    static const struct {
        size_t usual, strange;
        float width;
        double truth; /* the normal distribution at 2 / sqrt(1 + width^2) */
    } rows[] = {{200, 5, 1, 0.921350}, {50, 50, 1, 0.921350}, {200, 20, 4, 0.686190}, {8, 8, 4, 0.686190}};
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        int held = 0;
        uint32_t numbers = 1;
        for (int time = 0; time < TIMES; time++) {
            float usual[200], strange[50];
            duet_separation found;
            duet_error error = {0};
            for (size_t i = 0; i < rows[row].usual; i++) usual[i] = draw(&numbers);
            for (size_t i = 0; i < rows[row].strange; i++) strange[i] = 2 + rows[row].width * draw(&numbers);
            assert_ok(duet_separate(usual, rows[row].usual, strange, rows[row].strange, &found, &error), &error);
            assert_true(found.low <= found.auroc && found.auroc <= found.high);
            held += found.low <= rows[row].truth && rows[row].truth <= found.high;
        }
        print_message("%zu, %zu: %d of %d\n", rows[row].usual, rows[row].strange, held, TIMES);
        assert_true(held >= TIMES * 91 / 100);
    }
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
    assert_end(found.low, &found, 0);
    assert_close(found.average_precision_low, 3 / (3 + 1.959964 * 1.959964), 1e-12); /* Wilson's, three of three */
    assert_close(found.average_precision_high, 1, 0);
    assert_close(found.high, 1, 0);
    assert_ok(duet_separate(high, 3, low, 2, &found, &error), &error);
    assert_close(found.auroc, 0, 0);
    assert_close(found.low, 0, 0);
    assert_end(found.high, &found, 0);
    assert_ok(duet_separate(same, 2, same, 2, &found, &error), &error);
    assert_close(found.auroc, 0.5, 0);
    assert_close(found.average_precision, 0.5, 0);
    assert_true(isnan(found.average_precision_low) && isnan(found.average_precision_high));
    assert_true(found.low > 0.1 && found.low < 0.2); /* nothing is known, which is wide */
    assert_close(found.high, 1 - found.low, 1e-12);
    assert_ok(duet_separate(low, 3, &middle, 1, &found, &error), &error);
    assert_true(found.auroc > 0.5 && found.auroc < 1 && found.low < 0.2 && found.high > 0.95 && found.high < 1);
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
        cmocka_unit_test(the_areas_interval_is_newcombes),
        cmocka_unit_test(the_areas_interval_holds_the_truth),
        cmocka_unit_test(average_precision_goes_through_thresholds),
        cmocka_unit_test(the_precisions_interval_is_the_jackknifes),
        cmocka_unit_test(ends_are_met),
        cmocka_unit_test(the_mean_of_equal_numbers_has_no_interval),
    };
    return RUN_TESTS("separation", tests, NULL, NULL);
}
