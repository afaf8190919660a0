/* The benchmark: its document and its mistakes, the models that only it has, the trials of matrix products, and the
 * child processes it measures in. How fast anything is, is no matter of tests. */
#include "program.h"

#include "train_models.h"
#include "workshop.h"

#include "cli/child.h"
#include "cli/workloads.h"
#include "duet/bench.h"
#include "model/model.h"
#include "product/gemm_rows.h"
#include "product/trial/gemm_trial.h"

#include <signal.h>

/* ---- the command ---- */

/* Fashion-MNIST of a few pictures, so that the benchmark finds its data on any machine. */
static void write_pictures(const char *name, uint8_t rank, uint8_t count, size_t missing)
{
    char path[PATH_SIZE];
    const size_t bytes = rank == 3 ? 28 * 28 : 1, head = 4 + 4 * (size_t)rank;
    uint8_t *file = calloc(1, head + count * bytes);
    assert_non_null(file);
    file[2] = 8;
    file[3] = rank;
    file[7] = count;
    if (rank == 3) file[11] = file[15] = 28;
    for (size_t i = 0; i < count * bytes; i++) file[head + i] = (uint8_t)(rank == 3 ? i * 7 + i / 251 : i % 10);
    test_file_write(inside(name, path), file, head + count * bytes - missing);
    free(file);
}

/* `missing` bytes are cut off each file of pictures. */
static void write_set(const char *name, size_t missing)
{
    static const struct {
        const char *name;
        uint8_t rank, count;
    } files[] = {{"train-images-idx3-ubyte", 3, 64},
                 {"train-labels-idx1-ubyte", 1, 64},
                 {"t10k-images-idx3-ubyte", 3, 16},
                 {"t10k-labels-idx1-ubyte", 1, 16}};
    char path[PATH_SIZE], inner[64];
    assert_int_equal(mkdir(inside(name, path), 0777), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(inner, sizeof inner, "%s/%s", name, files[i].name);
        write_pictures(inner, files[i].rank, files[i].count, files[i].rank == 3 ? missing : 0);
    }
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) fail_msg("\"%s\" is missing or no finite number", key);
    return json_number_value(value);
}

static void expect_positive(const json_t *object, const char *const *keys)
{
    for (size_t i = 0; keys[i] != NULL; i++)
        if (!(number(object, keys[i]) > 0)) fail_msg("\"%s\" is not above 0", keys[i]);
}

static void a_document_has_every_part(void **state)
{
    (void)state;
    json_t *parsed = document(RUN("bench", "--json", "--seconds", "1", "--gemm", "auto", "--workload", "made",
                                  "--batch", "8", "--set", "hidden=20")),
           *row;
    size_t index;
    assert_true(json_string_length(json_object_get(parsed, "device")) > 0);
    assert_true(json_is_string(json_object_get(parsed, "driver")));
    assert_true(json_is_boolean(json_object_get(parsed, "trusted")));
    expect_positive(json_object_get(parsed, "peaks"),
                    (const char *const[]){"gflops", "gigabytes_per_second", "launch_us", "launch_waited_us",
                                          "gflops_before", "gflops_after", NULL});
    const json_t *products = json_object_get(parsed, "gemm"), *workloads = json_object_get(parsed, "workloads");
    assert_true(json_array_size(products) > 0);
    json_array_foreach(products, index, row)
    {
        expect_positive(row, (const char *const[]){"m", "n", "k", "gflops", NULL});
        assert_int_equal(json_string_length(json_object_get(row, "transpose")), 2);
        assert_true(json_is_string(json_object_get(row, "provider")));
        assert_true(number(row, "error") <= 1);
    }
    const json_t *convolutions = json_object_get(parsed, "convolutions");
    assert_true(json_array_size(convolutions) > 0);
    json_array_foreach(convolutions, index, row)
    {
        const json_t *convolution = json_object_get(row, "convolution");
        expect_positive(convolution, (const char *const[]){"images", "height", "channels", "features", NULL});
        assert_int_equal(json_array_size(json_object_get(convolution, "stride")), 2);
        expect_positive(row, (const char *const[]){"gflops", "ms_median", NULL});
        assert_true(number(row, "error") <= 1);
    }
    assert_int_equal(json_array_size(workloads), 1);
    row = json_array_get(workloads, 0);
    assert_string_equal(json_string_value(json_object_get(row, "workload")), "made");
    assert_int_equal(number(row, "batch"), 8);
    expect_positive(row, (const char *const[]){"ms_median", "ms_min", "images_per_second", "share_of_peak", "rss_mib",
                                               "first_seconds", "steps", NULL});
    assert_true(number(row, "ms_min") <= number(row, "ms_median"));
    assert_true(number(json_object_get(row, "losses"), "nll") > 0);
    assert_int_equal(json_array_size(json_object_get(parsed, "failed")), 0);
    json_decref(parsed);
}

static void a_table_names_what_was_measured(void **state)
{
    (void)state;
    expect(RUN("bench", "--only", "workloads", "--workload", "made", "--seconds", "1", "--batch", "8", "--set",
               "hidden=20"),
           0, "images/s", "made ...");
}

/* What is sound is measured all the same, and the exit status tells of the rest. */
static void broken_data_leave_the_rest(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    assert_int_equal(setenv("DUET_DATA", inside("broken", path), 1), 0);
    result r =
        RUN("bench", "--json", "--only", "peaks", "--only", "workloads", "--workload", "mlpvae", "--seconds", "1");
    assert_int_equal(setenv("DUET_DATA", inside("pictures", path), 1), 0);
    json_t *parsed = json_loads(r.out, 0, NULL);
    assert_non_null(parsed);
    assert_true(number(json_object_get(parsed, "peaks"), "gflops") > 0);
    assert_int_equal(json_array_size(json_object_get(parsed, "workloads")), 0);
    assert_string_equal(json_string_value(json_array_get(json_object_get(parsed, "failed"), 0)), "mlpvae");
    json_decref(parsed);
    expect(r, 1, NULL, "train-images");
}

static void mistakes_end_before_anything_is_measured(void **state)
{
    (void)state;
    expect(RUN("bench", "--only", "speed"), 2, NULL, "peaks, gemm, convolutions or workloads");
    expect(RUN("bench", "--workload", "mlpvea"), 2, NULL, "did you mean 'mlpvae'?");
    expect(RUN("bench", "--gemm", "quick"), 2, NULL, "quick");
    expect(RUN("bench", "--workload", "made", "--set", "hiden=3"), 2, NULL, "did you mean 'hidden'?");
    expect(RUN("bench", "--seconds", "0"), 2, NULL, "from 1");
    expect(RUN("bench", "--only", "peaks", "--device", "abacus"), 3, NULL, "abacus");
    expect(RUN("bench", "--help"), 0, "nice", NULL);
}

/* ---- children ---- */

static int send_and(FILE *results, int then)
{
    int status = cli_child_send(results, json_pack("{s:i}", "first", 1));
    if (then == SIGABRT) abort();
    while (then == SIGALRM) pause();
    return status == 0 ? then : status;
}

static int work(FILE *results, const void *context)
{
    return send_and(results, *(const int *)context);
}

/* What came before a child's end is kept, however it ends. */
static void a_child_may_end_in_any_way(void **state)
{
    (void)state;
    static const struct {
        int then, status;
    } rows[] = {{0, 0}, {3, 3}, {SIGABRT, 1}, {SIGALRM, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *documents = json_array();
        assert_int_equal(cli_child_run(work, &rows[i].then, 1, "a child", documents), rows[i].status);
        assert_int_equal(json_array_size(documents), 1);
        assert_int_equal(json_integer_value(json_object_get(json_array_get(documents, 0), "first")), 1);
        json_decref(documents);
    }
}

/* ---- peaks and products ---- */

static void peaks_are_positive(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_peaks peaks;
    assert_ok(duet_peaks_measure(device, 0.01, &peaks, &error), &error);
    const double values[] = {peaks.gflops, peaks.gigabytes_per_second, peaks.launch_us, peaks.launch_waited_us};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) assert_true(isfinite(values[i]) && values[i] > 0);
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

/* ---- models ---- */

enum { FEATURES = 8 };

static const duet_family *family_of(const char *workload)
{
    const cli_workload *row = cli_workload_find(workload);
    assert_non_null(row);
    return cli_workload_family(row);
}

/* Outputs of a model for examples of `batch` rows. */
typedef struct use {
    duet_data *data;
    duet_model *model;
    duet_build *build;
} use;

static use use_open(const char *workload, const char *data, const char *setting, size_t batch)
{
    duet_error error = {0};
    use it = {0};
    assert_ok(duet_data_open(&it.data, data, &error), &error);
    assert_ok(duet_model_new(&it.model, family_of(workload), it.data, &setting, 1, 7, &error), &error);
    assert_ok(duet_model_build(it.model, DUET_BUILD_EVAL, batch, &it.build, &error), &error);
    return it;
}

static void use_close(use *it)
{
    duet_build_free(&it->build);
    duet_model_free(&it->model);
    duet_data_close(&it->data);
}

/* Row r + 1 of the batch is row 0 with all inputs from r on changed: outputs up to r must not notice, later ones must.
 */
static void outputs_of_made_see_earlier_inputs_only(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    float x[FEATURES + 1][FEATURES], logits[FEATURES + 1][FEATURES];
    use it = use_open("made", inside("examples.npy", path), "hidden=200", FEATURES + 1);
    for (size_t r = 0; r <= FEATURES; r++)
        for (size_t i = 0; i < FEATURES; i++) x[r][i] = (float)((i % 3 == 0) ^ (r > 0 && i + 1 >= r));
    const duet_node root = duet_build_output(it.build, "logits");
    const test_feed feed = {it.build->batch, x};
    test_compute(device, &root, 1, &feed, 1, (void *[]){logits});
    for (size_t r = 0; r < FEATURES; r++) {
        size_t changed = 0;
        for (size_t o = 0; o < FEATURES; o++) {
            if (o <= r && logits[r + 1][o] != logits[0][o]) fail_msg("output %zu sees input %zu or a later one", o, r);
            changed += o > r && logits[r + 1][o] != logits[0][o];
        }
        assert_true(changed > 0 || r + 1 == FEATURES);
    }
    use_close(&it);
}

/* Couplings keep volumes, so the Jacobian's determinant is that of the scale; the density follows from both. */
static void nice_scales_volumes_by_its_scale(void **state)
{
    (void)state;
    const float scale[2] = {0.3f, -0.2f}, step = 0.01f;
    const float x[3][2] = {{0.4f, -0.3f}, {0.4f + step, -0.3f}, {0.4f, -0.3f + step}};
    float h[3][2], nll[3];
    duet_error error = {0};
    duet_plan *plan = NULL;
    use it = use_open("nice", "ring8", "hidden=6,6", 3);
    const duet_node roots[] = {duet_build_output(it.build, "latent"), duet_build_output(it.build, "nll")};
    assert_ok(duet_plan_new(&plan, device, "nice", roots, 2, &error), &error);
    assert_ok(duet_store_write(duet_model_store(it.model), device, "scale.log", scale, sizeof scale, &error), &error);
    assert_ok(duet_plan_write(plan, it.build->batch, x, sizeof x, &error), &error);
    assert_ok(duet_plan_replay(plan, &error), &error);
    assert_ok(duet_plan_read(plan, roots[0], h, sizeof h, &error), &error);
    assert_ok(duet_plan_read(plan, roots[1], nll, sizeof nll, &error), &error);
    duet_plan_free(&plan);
    use_close(&it);

    double derivative[2][2], expected = -(double)scale[0] - (double)scale[1];
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++) derivative[i][j] = ((double)h[1 + j][i] - (double)h[0][i]) / (double)step;
    assert_close(derivative[0][0] * derivative[1][1] - derivative[0][1] * derivative[1][0],
                 exp((double)scale[0] + (double)scale[1]), 2e-3);
    assert_true(fabs(derivative[0][1]) > 1e-3 && fabs(derivative[1][0]) > 1e-3); /* each half moves the other */
    for (size_t i = 0; i < 2; i++) expected += log1p(exp((double)h[0][i])) + log1p(exp(-(double)h[0][i]));
    assert_close(nll[0], expected, 1e-5);
}

static void their_losses_fall(void **state)
{
    (void)state;
    static const char *const names[] = {"made", "nice"}, *const hidden[] = {"hidden=20", "hidden=16,16"};
    enum { STEPS = 20, BLOCKS = 10 };
    char path[PATH_SIZE];
    for (size_t i = 0; i < 2; i++) {
        test_parts parts;
        duet_error error = {0};
        double first = NAN, last = NAN;
        test_parts_open(&parts, device, family_of(names[i]), inside("examples.npy", path), &hidden[i], 1);
        for (size_t block = 0; block < BLOCKS; block++) {
            test_steps(&parts, STEPS);
            assert_ok(duet_trainer_losses(parts.trainer, block == 0 ? &first : &last, 1, &error), &error);
        }
        test_parts_close(&parts);
        if (!(isfinite(last) && last < first)) fail_msg("%s: the loss went from %g to %g", names[i], first, last);
    }
}

static void the_table_of_workloads_is_sound(void **state)
{
    (void)state;
    const cli_workload *row;
    size_t count = 0;
    for (; (row = cli_workload_at(count)) != NULL; count++) {
        assert_ptr_equal(cli_workload_find(row->name), row);
        assert_non_null(cli_workload_family(row));
        assert_true(row->batch > 0 && row->summary[0] != '\0');
        assert_null(duet_family_find(row->name)); /* or `--workload` could mean either */
    }
    assert_true(count >= 4);
    assert_null(cli_workload_find("none"));
}

static int begin(void **state)
{
    char path[PATH_SIZE];
    (void)open_all(state);
    test_write_examples(inside("examples.npy", path), DUET_SHAPE(FEATURES));
    write_set("pictures", 0);
    write_set("broken", 1);
    if (setenv("DUET_DATA", inside("pictures", path), 1) != 0) return 1;
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_has_every_part),
        cmocka_unit_test(a_table_names_what_was_measured),
        cmocka_unit_test(broken_data_leave_the_rest),
        cmocka_unit_test(mistakes_end_before_anything_is_measured),
        cmocka_unit_test(a_child_may_end_in_any_way),
        cmocka_unit_test(peaks_are_positive),
        cmocka_unit_test(products_are_timed_and_checked),
        cmocka_unit_test(wrong_products_are_seen),
        cmocka_unit_test(convolutions_are_timed_and_checked),
        cmocka_unit_test(wrong_convolutions_are_seen),
        cmocka_unit_test(outputs_of_made_see_earlier_inputs_only),
        cmocka_unit_test(nice_scales_volumes_by_its_scale),
        cmocka_unit_test(their_losses_fall),
        cmocka_unit_test(the_table_of_workloads_is_sound),
    };
    return RUN_TESTS("bench", tests, begin, close_all);
}
