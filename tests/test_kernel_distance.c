/* SPDX-License-Identifier: MIT */
/* The maximum mean discrepancy against sums by hand, a closed form and its own spread; and the percentiles that
 * spreads go by. */
#include "test.h"

#include "base/philox.h"
#include "metric/kernel.h"
#include "metric/metric.h"

/* count rows of N(location, I). */
static void draw(uint32_t seed, size_t count, size_t features, double location, float *rows)
{
    for (size_t i = 0; i < count * features; i++)
        rows[i] = (float)(location + duet_philox_normal(duet_philox_element(seed, 0, 0, (uint32_t)i)));
}

static void kernels_have_their_formulas(void **state)
{
    (void)state;
    static const float a[2][2] = {{0, 1}, {2, -1}}, b[3][2] = {{1, 1}, {0, 0}, {-1, 3}};
    /* Squared distances: 8 within a; 2, 8, 10 within b; 1, 1, 5 and 5, 5, 25 between. Products: -1; 0, 2, 0; 1, 0, 3
     * and 1, 0, -5. */
    static const double in_a[] = {8}, in_b[] = {2, 8, 10}, between[] = {1, 1, 5, 5, 5, 25};
    static const double dots_a[] = {-1}, dots_b[] = {0, 2, 0}, dots[] = {1, 0, 3, 1, 0, -5};
    double gaussian = exp(-in_a[0] / 3), inverse = 3 / (3 + in_a[0]), cubic = pow(dots_a[0] / 2 + 1, 3);
    for (size_t i = 0; i < 3; i++) {
        gaussian += exp(-in_b[i] / 3) / 3;
        inverse += 3 / (3 + in_b[i]) / 3;
        cubic += pow(dots_b[i] / 2 + 1, 3) / 3;
    }
    for (size_t i = 0; i < 6; i++) {
        gaussian -= 2 * exp(-between[i] / 3) / 6;
        inverse -= 2 * (3 / (3 + between[i])) / 6;
        cubic -= 2 * pow(dots[i] / 2 + 1, 3) / 6;
    }
    static const duet_kernel kernels[] = {
        {DUET_KERNEL_GAUSSIAN, 3}, {DUET_KERNEL_INVERSE_MULTIQUADRATIC, 3}, {DUET_KERNEL_CUBIC, 0}};
    assert_close(duet_kernel_distance(&kernels[0], a[0], 2, b[0], 3, 2), gaussian, 1e-12);
    assert_close(duet_kernel_distance(&kernels[1], a[0], 2, b[0], 3, 2), inverse, 1e-12);
    assert_close(duet_kernel_distance(&kernels[2], a[0], 2, b[0], 3, 2), cubic, 1e-12);
    assert_true(isnan(duet_kernel_distance(&kernels[0], a[0], 1, b[0], 3, 2)));
    assert_close(duet_mean_squared_distance(b[0], 3, 2), (2 + 8 + 10) / 3.0, 1e-12);
}

/* Of N(0, I) and N(m, I) in d dimensions: 2 (1 + 4 / s)^(-d / 2) (1 - exp(-|m|^2 / (s + 4))); over repeats, since an
 * unbiased estimate is right in the mean alone. */
static void the_distance_of_normals_is_met_in_the_mean(void **state)
{
    (void)state;
    enum { REPEATS = 40, N = 60, FEATURES = 3 };
    static const double locations[] = {0, 0.2, 1};
    for (size_t l = 0; l < 3; l++) {
        const duet_kernel kernel = {DUET_KERNEL_GAUSSIAN, 5};
        double sum = 0, squares = 0, away = FEATURES * locations[l] * locations[l];
        double expected = 2 * pow(1 + 4 / kernel.scale, -FEATURES / 2.0) * (1 - exp(-away / (kernel.scale + 4)));
        for (uint32_t r = 0; r < REPEATS; r++) {
            float a[N * FEATURES], b[N * FEATURES];
            draw(2 * r, N, FEATURES, 0, a);
            draw(2 * r + 1, N, FEATURES, locations[l], b);
            double value = duet_kernel_distance(&kernel, a, N, b, N, FEATURES);
            sum += value / REPEATS;
            squares += value * value / REPEATS;
        }
        double error_of_mean = sqrt((squares - sum * sum) / (REPEATS - 1));
        assert_close(sum, expected, 4 * error_of_mean);
        assert_true(error_of_mean < 0.01);
    }
}

/* Percentile 97.5 of Student's t, as tables have it. */
static void students_percentiles_are_those_of_tables(void **state)
{
    (void)state;
    static const struct {
        size_t degrees;
        double value;
    } cases[] = {{1, 12.70620474},  {2, 4.30265273},   {3, 3.18244631},   {4, 2.77644511},
                 {5, 2.57058184},   {9, 2.26215716},   {10, 2.22813885},  {30, 2.04227246},
                 {199, 1.97195654}, {200, 1.97189622}, {1000, 1.96233908}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_close(duet_student(cases[i].degrees), cases[i].value, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_have_their_formulas),
        cmocka_unit_test(the_distance_of_normals_is_met_in_the_mean),
        cmocka_unit_test(students_percentiles_are_those_of_tables),
    };
    return RUN_TESTS("kernel_distance", tests, NULL, NULL);
}
