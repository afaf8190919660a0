/* SPDX-License-Identifier: MIT */
/* Tuning files as a device reads them: good ones are used, and each kind of bad one is refused in one line that says
 * why, which stops no training. */
#include "tune_files.h"

#include "product/trial/gemm_trial.h"
#include "tune/tuning_file.h"

static void keep_line(void *context, const char *line)
{
    (void)snprintf(context, 1200, "%s", line);
}

/** The line that the device's log hears about this text as a tuning file. */
static const char *refusal_of(duet_device *device, const char *text)
{
    static char line[1200];
    line[0] = '\0';
    test_file_write(file, text, strlen(text));
    duet_device_set_log(device, keep_line, line);
    duet_device_use_tuning(device);
    duet_device_set_log(device, NULL, NULL);
    return line;
}

static void assert_refused(duet_device *device, const char *text, const char *why)
{
    const char *line = refusal_of(device, text);
    if (strstr(line, why) == NULL || strstr(line, file) == NULL || strstr(line, "duet tune") == NULL ||
        strchr(line, '\n') != NULL)
        fail_msg("said \"%s\", expected \"%s\", the file and what to do", line, why);
    assert_null(duet_device_tuning(device)->products);
}

/** The good file with `key` of one object replaced. */
static void assert_change_refused(duet_device *device, json_t *good, json_t *object, const char *key, json_t *value,
                                  const char *why)
{
    json_t *before = json_incref(json_object_get(object, key));
    assert_int_equal(json_object_set_new(object, key, value), 0);
    char *text = json_dumps(good, 0);
    assert_refused(device, text, why);
    free(text);
    assert_int_equal(before != NULL ? json_object_set_new(object, key, before) : json_object_del(object, key), 0);
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    duet_device *device = test_device_open();
    json_t *good = duet_tuning_document_new(duet_device_describe(device));
    const duet_gemm_shape shape = {128, 400, 784, false, true};
    const duet_gemm_provider *panel = duet_gemm_provider_find("panel");
    duet_gemm_choice choice = {.provider = panel};
    assert_true(panel->candidate(device, &shape, 0, &choice.parameters));
    json_t *product = duet_product_to_json(&shape), *best = duet_choice_to_json(&choice);
    json_t *parameters = json_object_get(best, "parameters"), *key = json_object_get(good, "measured_on");
    (void)json_object_set(product, "best", best);
    (void)json_array_append(json_object_get(good, "products"), product);
    char *text = json_dumps(good, 0);
    assert_string_equal(refusal_of(device, text), "");
    assert_int_equal(duet_device_tuning(device)->product_count, 1);
    duet_tuning none = {0};
    assert_int_equal(duet_device_set_tuning(device, &none, NULL), DUET_OK);

    const size_t length = strlen(text);
    assert_refused(device, "", "damaged");
    assert_refused(device, "{}", "format");
    for (size_t cut = 1; cut < length; cut += 37) {
        text[length - cut] = '\0';
        assert_refused(device, text, "damaged");
    }
    free(text);
    assert_change_refused(device, good, key, "driver", json_string("0.1"), "another driver (0.1)");
    assert_change_refused(device, good, key, "platform", json_null(), "another platform");
    assert_change_refused(device, good, key, "clblast", json_string("9"), "another clblast");
    assert_change_refused(device, good, good, "format", json_integer(99), "format");
    assert_change_refused(device, good, good, "products", json_integer(1), "missing");
    assert_change_refused(device, good, product, "m", json_integer(-1), "m, n or k");
    assert_change_refused(device, good, product, "k", json_string("1"), "m, n or k");
    assert_change_refused(device, good, product, "transpose", json_string("nnn"), "transpose");
    assert_change_refused(device, good, best, "provider", json_string("fastest"), "provider");
    assert_change_refused(device, good, best, "parameters", json_null(), "parameter");
    assert_change_refused(device, good, parameters, "rows", json_integer(7), "none that its provider");
    assert_change_refused(device, good, parameters, "rows", json_real(6.5), "no number");
    assert_change_refused(device, good, parameters, "lanes", json_integer(1LL << 40), "out of range");
    assert_change_refused(device, good, good, "unfit", json_pack("[{s:s}]", "provider", "magic"), "provider");
    assert_change_refused(device, good, good, "clblast", json_pack("{s:{s:{s:i}}}", "Xgemm", "best", "KWG", 3),
                          "CLBlast");
    /* what only `duet tune` reads would be measured anew without a word */
    json_t *trial = duet_choice_to_json(&choice), *trials = json_pack("[O]", trial);
    json_t *of_trial = json_object_get(trial, "parameters");
    (void)json_object_set_new(trial, "verdict", json_string("right"));
    (void)json_object_set_new(product, "trials", trials);
    text = json_dumps(good, 0);
    assert_string_equal(refusal_of(device, text), "");
    free(text);
    assert_int_equal(duet_device_set_tuning(device, &none, NULL), DUET_OK);
    assert_change_refused(device, good, of_trial, "rows", json_integer(-3), "out of range");
    assert_change_refused(device, good, trial, "verdict", json_string("rihgt"), "verdict");
    assert_change_refused(device, good, trial, "gflosp", json_real(3), "unknown");
    assert_change_refused(device, good, product, "bset", json_null(), "unknown");
    assert_change_refused(device, good, product, "preset", json_string("panel"), "provider");
    json_decref(trial);
    (void)json_object_set_new(parameters, "colour", json_integer(1));
    text = json_dumps(good, 0);
    assert_refused(device, text, "unknown");
    free(text);
    json_decref(product);
    json_decref(best);
    json_decref(good);
    duet_device_close(&device);
}

/** A file with one convolution, whose numbers are changed one by one. */
static void bad_convolutions_are_refused(void **state)
{
    (void)state;
    duet_device *device = test_device_open();
    json_t *good = duet_tuning_document_new(duet_device_describe(device));
    const duet_convolution convolution = {
        DUET_CONVOLUTION_DATA, 8, {9, 9}, 1, {3, 3}, 10, {5, 5}, {3, 3}, {1, 1}, {1, 1}, 1};
    const duet_gemm_shape shape = duet_gemm_shape_of(&convolution);
    const duet_gemm_choice choice = {.provider = duet_gemm_provider_find("unfold")};
    json_t *product = duet_product_to_json(&shape), *best = duet_choice_to_json(&choice);
    json_t *numbers = json_object_get(product, "convolution");
    (void)json_object_set(product, "best", best);
    (void)json_array_append(json_object_get(good, "products"), product);
    char *text = json_dumps(good, 0);
    assert_string_equal(refusal_of(device, text), "");
    free(text);
    duet_gemm_choice chosen = duet_gemm_choose(device, &shape);
    assert_string_equal(chosen.provider->name, "unfold");
    duet_gemm_shape near = shape; /* another batch is another geometry */
    near.convolution.images = 9;
    near = duet_gemm_shape_of(&near.convolution);
    chosen = duet_gemm_choose(device, &near);
    assert_string_not_equal(chosen.provider->name, "unfold");
    duet_tuning none = {0};
    assert_int_equal(duet_device_set_tuning(device, &none, NULL), DUET_OK);

    assert_change_refused(device, good, numbers, "use", json_string("backward"), "do not fit");
    assert_change_refused(device, good, numbers, "use", json_integer(1), "do not fit");
    assert_change_refused(device, good, numbers, "images", json_integer(0), "do not fit");
    assert_change_refused(device, good, numbers, "images", json_integer(16), "are not those of its convolution");
    assert_change_refused(device, good, numbers, "channels", json_real(1.5), "a number of a convolution");
    assert_change_refused(device, good, numbers, "groups", json_integer(3), "do not fit");
    assert_change_refused(device, good, numbers, "kernel", json_integer(5), "a number of a convolution");
    assert_change_refused(device, good, numbers, "kernel", json_pack("[i]", 5), "a number of a convolution");
    assert_change_refused(device, good, numbers, "kernel", json_pack("[i, i]", 50, 5), "do not fit");
    assert_change_refused(device, good, numbers, "stride", json_pack("[i, i]", 0, 3), "do not fit");
    assert_change_refused(device, good, numbers, "dilation", json_pack("[i, s]", 1, "1"), "a number of a convolution");
    assert_change_refused(device, good, numbers, "pad_before", json_pack("[i, i]", -1, 1), "a number of a convolution");
    assert_change_refused(device, good, numbers, "width", json_integer(10), "are not those");
    assert_change_refused(device, good, product, "m", json_integer(3), "are not those");
    assert_change_refused(device, good, product, "convolution", json_null(), "a number of a convolution");
    assert_change_refused(device, good, best, "provider", json_string("plain"), "other kind");
    (void)json_object_set_new(numbers, "colour", json_integer(1));
    text = json_dumps(good, 0);
    assert_refused(device, text, "unknown");
    free(text);
    json_decref(product);
    json_decref(best);
    json_decref(good);
    duet_device_close(&device);
}

/** CLBlast's parameters out of a file, and products that are right with them. */
static void clblast_sets_are_used(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device *device = test_device_open();
    json_t *good = duet_tuning_document_new(duet_device_describe(device));
    (void)json_object_set_new(json_object_get(good, "clblast"), "XgemmDirect",
                              json_pack("{s:o}", "best", duet_clblast_set_to_json(0, 11)));
    store(good);
    json_decref(good);
    duet_device_use_tuning(device);
    assert_int_equal(duet_device_tuning(device)->clblast_sets[0], 12);
    assert_int_equal(duet_device_tuning(device)->clblast_sets[1], 0);
    const duet_gemm_choice clblast = {.provider = duet_gemm_provider_find("clblast")};
    const duet_gemm_shape shape = {70, 50, 60, true, false};
    duet_gemm_trial trial;
    assert_ok(duet_gemm_try(device, &clblast, &shape, 0, &trial, &error), &error);
    assert_true(trial.error <= 1);
    json_t *again = duet_tuning_to_json(duet_device_tuning(device));
    duet_tuning copy;
    assert_ok(duet_tuning_from_json(&copy, again, device, "a copy", &error), &error);
    assert_int_equal(copy.clblast_sets[0], 12);
    duet_tuning_clear(&copy);
    json_decref(again);
    duet_device_close(&device);
}

static void training_goes_on_without_a_bad_file(void **state)
{
    (void)state;
    test_file_write(file, "{\"schema\": 1", 12);
    expect(RUN("train", "ae", "--data", "ring8", "--set", "hidden=33", "--set", "latent=2", "--steps", "2", "--out",
               "@/bad"),
           0, "/bad", "damaged");
    json_t *written = run_file("bad");
    assert_true(json_is_null(json_object_get(written, "tuning")));
    json_decref(written);
    assert_int_equal(unlink(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(bad_convolutions_are_refused),
        cmocka_unit_test(clblast_sets_are_used),
        cmocka_unit_test(training_goes_on_without_a_bad_file),
    };
    return RUN_TESTS("tuning file", tests, begin, remove_folder);
}
