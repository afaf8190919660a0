/* SPDX-License-Identifier: MIT */
/* Runs are files: what one driver trained, another evaluates alike and goes on with. The second one is named by
 * $DUET_TEST_SECOND_DEVICE (quickstart fetches it); without it there is nothing to compare and the tests say so. */
#include "program.h"

static const char *first, *second;

static int begin(void **state)
{
    first = getenv("DUET_DEVICE");
    second = getenv("DUET_TEST_SECOND_DEVICE");
    return make_folder(state);
}

static void require_two(void)
{
    if (first == NULL || second == NULL) skip();
}

static json_t *metrics_on(const char *run_name, const char *device)
{
    json_t *whole =
        document_of(RUN("eval", run_name, "--metric", "elbo", "--metric", "mse", "--device", device, "--json"), 2);
    json_t *metrics = json_incref(json_object_get(whole, "metrics"));
    json_decref(whole);
    return metrics;
}

static double number(const json_t *metric)
{
    return json_number_value(json_object_get(metric, "value"));
}

/* The same checkpoint judged on both. */
static void compare(const char *run_name)
{
    json_t *here = metrics_on(run_name, first), *there = metrics_on(run_name, second), *metric;
    const char *name;
    assert_int_equal(json_object_size(here), 4);
    json_object_foreach(here, name, metric)
    {
        double expected = number(metric);
        assert_close(number(json_object_get(there, name)), expected, 1e-4 * fmax(1, fabs(expected)));
    }
    json_decref(here);
    json_decref(there);
}

static void the_second_judges_what_the_first_trained(void **state)
{
    (void)state;
    require_two();
    expect(RUN("train", "vae", "--steps", "200", "--device", first, "--out", "@/first"), 0, "/first", NULL);
    compare("@/first");
}

static void the_first_judges_what_the_second_trained(void **state)
{
    (void)state;
    require_two();
    expect(RUN("train", "vae", "--steps", "200", "--device", second, "--out", "@/second"), 0, "/second", NULL);
    compare("@/second");
}

static void a_run_goes_on_on_another_driver_with_a_warning(void **state)
{
    (void)state;
    require_two();
    expect(RUN("train", "gan", "--data", "ring8", "--steps", "20", "--device", first, "--out", "@/gan"), 0, "/gan",
           NULL);
    expect(RUN("train", "--resume", "@/gan", "--steps", "40", "--device", second), 0, "/gan", "may differ");
}

static void samples_are_alike(void **state)
{
    (void)state;
    require_two();
    char path[PATH_SIZE];
    size_t sizes[2];
    expect(RUN("sample", "@/first", "-n", "8", "--device", first, "--out", "@/a.npy"), 0, NULL, NULL);
    expect(RUN("sample", "@/first", "-n", "8", "--device", second, "--out", "@/b.npy"), 0, NULL, NULL);
    char *a = test_file_read(inside("a.npy", path), &sizes[0]), *b = test_file_read(inside("b.npy", path), &sizes[1]);
    assert_int_equal(sizes[0], sizes[1]);
    assert_true(sizes[0] > 8 * 784 * sizeof(float));
    size_t head = sizes[0] - 8 * 784 * sizeof(float);
    assert_memory_equal(a, b, head);
    for (size_t at = head; at < sizes[0]; at += sizeof(float)) {
        float left, right;
        memcpy(&left, a + at, sizeof left);
        memcpy(&right, b + at, sizeof right);
        assert_close(left, right, 1e-4);
    }
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_judges_what_the_first_trained),
        cmocka_unit_test(the_first_judges_what_the_second_trained),
        cmocka_unit_test(a_run_goes_on_on_another_driver_with_a_warning),
        cmocka_unit_test(samples_are_alike),
    };
    return RUN_TESTS("second driver", tests, begin, remove_folder);
}
