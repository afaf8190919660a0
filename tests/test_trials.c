/* SPDX-License-Identifier: MIT */
/* Peaks and the trials of matrix products and convolutions: each is timed and its error measured, and a provider with a
 * mistake is seen. */
#include "workshop.h"

#include "duet/bench.h"
#include "product/gemm_rows.h"
#include "product/trial/gemm_race.h"
#include "product/trial/gemm_trial.h"

static void peaks_are_positive(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_peaks peaks;
    assert_ok(duet_peaks_measure(device, 0.01, &peaks, &error), &error);
    const double values[] = {peaks.gflops, peaks.gigabytes_per_second, peaks.launch_us, peaks.launch_waited_us};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) assert_true(isfinite(values[i]) && values[i] > 0);
}

/* The rounds' median and that of the times may differ: what is told as no gain wins nothing. */
static void race_is_won_by_what_is_told(void **state)
{
    (void)state;
    const duet_gemm_race won = {.first = 1.05, .second = 1, .gain = 1.04, .won = 6},
                         told = {.first = 1.001, .second = 1, .gain = 1.04, .won = 6},
                         rounds = {.first = 1.05, .second = 1, .gain = 1.02, .won = 6},
                         few = {.first = 1.05, .second = 1, .gain = 1.04, .won = 5};
    assert_true(duet_gemm_race_is_won(&won));
    assert_false(duet_gemm_race_is_won(&told) || duet_gemm_race_is_won(&rounds) || duet_gemm_race_is_won(&few));
}

static void products_are_timed_and_checked(void **state)
{
    (void)state;
    static const duet_product products[] = {
        {37, 29, 53, false, false}, {1, 65, 9, false, true}, {70, 3, 41, true, false}, {64, 64, 64, true, true}};
    duet_error error = {0};
    duet_product_timing timing;
    const char *name;
    for (size_t i = 0; (name = duet_gemm_name(i)) != NULL; i++)
        for (size_t j = 0; j < sizeof products / sizeof *products; j++) {
            assert_ok(duet_product_time(device, name, &products[j], 1e-3, &timing, &error), &error);
            if (timing.skipped[0] != '\0') continue; /* it does not fit the device */
            assert_true(timing.gflops > 0 && timing.seconds_least <= timing.seconds_median);
            if (!(timing.error <= 1)) fail_msg("%s, product %zu: %g of the error allowed", name, j, timing.error);
        }
    assert_non_null(duet_gemm_chosen(device, &products[0]));
    const duet_product large = {2048, 2048, 2048, false, false}, empty = {0, 1, 1, false, false};
    assert_ok(duet_product_time(device, "plain", &large, 1e-9, &timing, &error), &error);
    assert_non_null(strstr(timing.skipped, "would take"));
    assert_true(isnan(timing.gflops));
    assert_status(duet_product_time(device, "quick", &large, 1, &timing, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "quick");
    error = (duet_error){0};
    assert_status(duet_product_time(device, "plain", &empty, 1, &timing, &error), DUET_ERROR_USAGE, &error);
}

static duet_product convolution_of(duet_convolution_use use, size_t groups)
{
    return (duet_product){.convolution = {.use = use,
                                          .images = 3,
                                          .height = 9,
                                          .width = 8,
                                          .channels = 6,
                                          .features = 4,
                                          .groups = groups,
                                          .window = duet_window_padded(3, 2, 1)}};
}

static void convolutions_are_timed_and_checked(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_product_timing timing;
    char words[DUET_PRODUCT_WORDS];
    const char *name;
    for (size_t i = 0; (name = duet_gemm_name(i)) != NULL; i++)
        for (int use = DUET_CONVOLUTION_FORWARD; use < DUET_CONVOLUTION_USES; use++)
            for (size_t groups = 1; groups <= 2; groups++) {
                const duet_product product = convolution_of(use, groups);
                assert_ok(duet_product_time(device, name, &product, 1e-3, &timing, &error), &error);
                if (!duet_gemm_convolves(i)) assert_true(timing.skipped[0] != '\0');
                if (timing.skipped[0] != '\0') continue;
                assert_true(timing.gflops > 0);
                if (!(timing.error <= 1))
                    fail_msg("%s, %s, %zu groups: %g of the error allowed", name, duet_product_words(&product, words),
                             groups, timing.error);
            }
    duet_product product = convolution_of(DUET_CONVOLUTION_DATA, 2);
    assert_string_equal(duet_product_words(&product, words), "data 3x3/2 g2 3x9x8x6->5x4x4");
    assert_non_null(duet_gemm_chosen(device, &product));
    assert_false(duet_gemm_convolves(1000));
    product.convolution.groups = 4;
    assert_null(duet_gemm_chosen(device, &product));
    assert_status(duet_product_time(device, "conv-plain", &product, 1, &timing, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "groups");
    error = (duet_error){0};
    product = convolution_of(DUET_CONVOLUTION_FORWARD, 1);
    product.convolution.window.size[1] = 11;
    assert_status(duet_product_time(device, "conv-plain", &product, 1, &timing, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "no window");
    /* one image after the other is halved, then channels and features */
    const duet_product large = {.convolution = {.use = DUET_CONVOLUTION_FORWARD,
                                                .images = 64,
                                                .height = 56,
                                                .width = 56,
                                                .channels = 256,
                                                .features = 256,
                                                .groups = 2,
                                                .window = duet_window_padded(5, 1, 2)}};
    error = (duet_error){0};
    assert_ok(duet_product_time(device, "conv-plain", &large, 1e-9, &timing, &error), &error);
    assert_non_null(strstr(timing.skipped, "would take"));
}

/* A convolution with a mistake: the window lies or steps elsewhere, an image or a group is forgotten. */
static void (*change)(duet_convolution *convolution);

static void shift_window(duet_convolution *convolution)
{
    convolution->pad[1]--;
}

static void forget_image(duet_convolution *convolution)
{
    convolution->images--;
}

static void dilate(duet_convolution *convolution)
{
    convolution->dilation[0]++;
}

static duet_status lower_changed(duet_device *on, const duet_gemm_product *product, duet_launch_list *list,
                                 cl_uint *arguments, duet_error *error)
{
    duet_gemm_product wrong = *product;
    change(&wrong.shape.convolution);
    wrong.shape = duet_gemm_shape_of(&wrong.shape.convolution);
    const duet_gemm_provider *plain = duet_gemm_provider_find("conv-plain");
    return plain->lower(on, &wrong, list, arguments, error);
}

static void wrong_convolutions_are_seen(void **state)
{
    (void)state;
    static void (*const mistakes[])(duet_convolution *) = {shift_window, forget_image, dilate};
    duet_gemm_provider provider = *duet_gemm_provider_find("conv-plain");
    provider.lower = lower_changed;
    for (uint32_t use = DUET_CONVOLUTION_FORWARD; use < DUET_CONVOLUTION_USES; use++)
        for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
            const duet_convolution convolution = {use, 3, {9, 8}, 6, {5, 4}, 4, {3, 3}, {2, 2}, {1, 1}, {1, 1}, 2};
            const duet_gemm_shape shape = duet_gemm_shape_of(&convolution);
            const duet_gemm_choice choice = {&provider, provider.preset(device, &shape)};
            duet_error error = {0};
            duet_gemm_trial trial;
            change = mistakes[i];
            assert_ok(duet_gemm_try(device, &choice, &shape, 1e-3, &trial, &error), &error);
            if (!(trial.error > 10)) fail_msg("mistake %zu passes: %g of the error allowed", i, trial.error);
        }
}

/* A provider with a mistake: its last term, row or column is left out, or it takes B for its transpose. */
static duet_gemm_shape (*distort)(duet_gemm_shape shape);

static duet_gemm_shape without_a_term(duet_gemm_shape shape)
{
    shape.k--;
    return shape;
}

static duet_gemm_shape without_a_row(duet_gemm_shape shape)
{
    shape.m--;
    return shape;
}

static duet_gemm_shape transposed(duet_gemm_shape shape)
{
    shape.transpose_b = !shape.transpose_b;
    return shape;
}

static duet_status lower_distorted(duet_device *on, const duet_gemm_product *product, duet_launch_list *list,
                                   cl_uint *arguments, duet_error *error)
{
    duet_gemm_product wrong = *product;
    wrong.shape = distort(product->shape);
    return duet_gemm_plain.lower(on, &wrong, list, arguments, error);
}

static void wrong_products_are_seen(void **state)
{
    (void)state;
    static duet_gemm_shape (*const mistakes[])(duet_gemm_shape) = {without_a_term, without_a_row, transposed};
    const duet_gemm_shape shape = {.m = 64, .n = 64, .k = 64};
    duet_gemm_provider provider = duet_gemm_plain;
    provider.lower = lower_distorted;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        duet_error error = {0};
        duet_gemm_trial trial;
        const duet_gemm_choice choice = {&provider, provider.preset(device, &shape)};
        distort = mistakes[i];
        assert_ok(duet_gemm_try(device, &choice, &shape, 1e-3, &trial, &error), &error);
        if (!(trial.error > 10)) fail_msg("mistake %zu passes: %g of the error allowed", i, trial.error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peaks_are_positive),
        cmocka_unit_test(race_is_won_by_what_is_told),
        cmocka_unit_test(products_are_timed_and_checked),
        cmocka_unit_test(wrong_products_are_seen),
        cmocka_unit_test(convolutions_are_timed_and_checked),
        cmocka_unit_test(wrong_convolutions_are_seen),
    };
    return RUN_TESTS("trials", tests, open_device, close_device);
}
