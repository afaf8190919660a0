/* SPDX-License-Identifier: MIT */
/* The benchmark: its document and its mistakes, and the child processes it measures in. How fast anything is, is no
 * matter of tests. */
#include "program.h"

#include "cli/child.h"

#include <poll.h>
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
    const json_t *conditions = json_object_get(parsed, "conditions");
    assert_string_equal(json_string_value(json_object_get(json_object_get(row, "settings"), "hidden")), "20");
    assert_int_equal(json_object_size(json_object_get(row, "settings")), 1); /* its own, degrees, is the row's */
    assert_int_equal(json_string_length(json_object_get(row, "data")), 16);
    assert_string_equal(json_string_value(json_object_get(conditions, "gemm")), "auto");
    assert_int_equal(number(conditions, "seconds"), 1);
    assert_true(json_is_boolean(json_object_get(conditions, "tuned")));
    assert_true(json_is_string(json_object_get(json_object_get(conditions, "environment"), "DUET_DATA")));
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
    expect(RUN("bench", "--only", "gemm", "--gemm", "conv-tile"), 2, "",
           "nothing would be measured: it computes convolutions");
    expect(RUN("bench", "--only", "convolutions", "--gemm", "panel"), 2, "",
           "nothing would be measured: it computes gemm");
    static const char *const idle[] = {"--workload is for workloads", "--batch is for workloads",
                                       "--set is for workloads", "--gemm tile is asked by no part"};
    result told = RUN("bench", "--only", "peaks", "--workload", "made", "--set", "hidden=3", "--batch", "7", "--gemm",
                      "tile", "--seconds", "1");
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
        if (strstr(told.err, idle[i]) == NULL) fail_msg("no \"%s\" in: %s", idle[i], told.err);
    expect(told, 0, NULL, "has no effect");
    expect(RUN("bench", "--help"), 0, "nice", NULL);
}

/* A result as --json prints it, of one workload. `more`: further keys of the workload. */
static void write_result(const char *name, const char *device, double images, const char *more)
{
    char path[PATH_SIZE], text[1024];
    const int length = snprintf(text, sizeof text,
                                "{\"schema\": 1, \"version\": \"0.1.0\", \"device\": \"%s\", \"driver\": \"3\", "
                                "\"platform\": \"P\", \"kind\": \"cpu\", \"trusted\": true, "
                                "\"peaks\": {\"gflops\": %g}, \"workloads\": [{\"workload\": \"mlpvae\", "
                                "\"batch\": 128, \"images_per_second\": %s%.0f%s}]}",
                                device, images / 100, images > 0 ? "" : "null, \"was\": ", images, more);
    test_file_write(inside(name, path), text, (size_t)length);
}

static void results_stand_side_by_side(void **state)
{
    (void)state;
    char fast[PATH_SIZE], slow[PATH_SIZE], wrong[PATH_SIZE], picture[PATH_SIZE], *drawn;
    write_result("fast.json", "Fast <1>", 2000, ", \"launches\": 23");
    write_result("slow.json", "Slow", 500, ", \"launches\": 41, \"images_per_joule\": 12.5");
    write_result("wrong.json", "Wrong", 0, ", \"ms_median\": null, \"check\": {\"right\": false}");
    (void)inside("fast.json", fast), (void)inside("slow.json", slow), (void)inside("wrong.json", wrong);
    result r = RUN("bench", "--compare", slow, fast, wrong, "--out", inside("bars.svg", picture));
    assert_non_null(strstr(r.out, "2000*"));
    assert_null(strstr(r.out, "500*"));
    assert_non_null(strstr(r.out, "12.5 "));
    assert_non_null(strstr(r.out, "WRONG"));
    expect(r, 0, "images/s", NULL);
    drawn = test_file_read(picture, NULL);
    assert_non_null(strstr(drawn, "Fast &lt;1>"));
    assert_non_null(strstr(drawn, ">2000</text>"));
    free(drawn);
    json_t *parsed = document(RUN("bench", "--compare", "--json", slow, fast));
    const json_t *row = json_array_get(json_object_get(parsed, "workloads"), 0);
    assert_int_equal(json_array_size(json_object_get(row, "results")), 2);
    json_decref(parsed);
}

/* Work of other settings or data is not the same work; under other conditions it is, and they are told. */
static void other_work_is_not_compared(void **state)
{
    (void)state;
    static const struct {
        const char *more, *row; /* NULL: that of the row before */
    } rows[] = {{", \"settings\": {\"hidden\": \"16\", \"lr\": \"1\"}, \"data\": \"fab53be4bf14aa72\"",
                 "mlpvae, 128, hidden=16 lr=1 "},
                {", \"settings\": {\"lr\": \"1\", \"hidden\": \"16\"}, \"data\": \"fab53be4bf14aa72\"", NULL},
                {", \"settings\": {\"hidden\": \"800\"}, \"data\": \"fab53be4bf14aa72\"", "mlpvae, 128, hidden=800 "},
                {", \"settings\": {}, \"data\": \"1234567890abcdef\"", "mlpvae, 128, data 1234567890abcdef "},
                {", \"settings\": {}, \"data\": \"fab53be4bf14aa72\"", "mlpvae, 128 "},
                {", \"check\": {\"right\": true}", NULL}, /* of before, as its row has it */
                {", \"check\": null, \"gflop\": 0.5", "mlpvae, 128, settings not recorded, 0.5 GFLOP "},
                {", \"check\": null, \"gflop\": 0.5", NULL},
                {", \"check\": null, \"gflop\": 0.25", "mlpvae, 128, settings not recorded, 0.25 GFLOP "}};
    enum { ROWS = sizeof rows / sizeof *rows };
    static char files[ROWS][PATH_SIZE], name[32];
    const char *words[ROWS + 4] = {"bench", "--compare"};
    for (size_t i = 0; i < ROWS; i++) {
        (void)snprintf(name, sizeof name, "work-%zu.json", i);
        write_result(name, "D", 100 + (double)i, rows[i].more);
        words[2 + i] = inside(name, files[i]);
    }
    result r = run(words);
    for (size_t i = 0; i < ROWS; i++) {
        char starred[32];
        (void)snprintf(starred, sizeof starred, " %zu*", 100 + i);
        if (rows[i].row != NULL && strstr(r.out, rows[i].row) == NULL)
            fail_msg("no \"%s\" in:\n%s", rows[i].row, r.out);
        if ((strstr(r.out, starred) != NULL) != (rows[i].row == NULL)) fail_msg("row %zu: %s", i, r.out);
    }
    expect(r, 0, "--gemm, --seconds, tuning and environment not recorded", NULL);
}

static void conditions_are_told(void **state)
{
    (void)state;
    char path[PATH_SIZE], picture[PATH_SIZE];
    static const char text[] =
        "{\"schema\": 1, \"version\": \"0.1.0\", \"device\": \"D\", \"driver\": \"3\", \"platform\": \"P\", \"kind\": "
        "\"cpu\", "
        "\"trusted\": true, \"conditions\": {\"gemm\": \"plain\", \"seconds\": 2, \"tuned\": true, \"environment\": "
        "{\"DUET_BUNDLES\": \"off\", \"POCL_AFFINITY\": \"1\"}}, \"peaks\": {}, \"workloads\": [{\"workload\": "
        "\"mlpvae\", "
        "\"batch\": 128, \"settings\": {\"hidden\": \"16\"}, \"images_per_second\": 70}]}";
    test_file_write(inside("plain.json", path), text, sizeof text - 1);
    expect(RUN("bench", "--compare", path, "--out", inside("plain.svg", picture)), 0,
           "--gemm plain, --seconds 2, tuned, DUET_BUNDLES=off POCL_AFFINITY=1", NULL);
    char *drawn = test_file_read(picture, NULL);
    assert_non_null(strstr(drawn, ">--gemm plain, --seconds 2, tuned, DUET_BUNDLES=off POCL_AFFINITY=1</text>"));
    assert_non_null(strstr(drawn, ">mlpvae, 128, hidden=16</text>"));
    free(drawn);
}

/* Results of before that measured no peaks called themselves trusted. */
static void who_was_alone_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *trusted, *before, *after, *words;
    } rows[] = {{"false", "100", "50", "(not to be trusted: the machine was busy)"},
                {"null", "null", "null", "(whether the machine was busy is not known"},
                {"true", "null", "null", "(whether the machine was busy is not known"},
                {"true", "100", "null", "(whether the machine was busy is not known"},
                {"true", "100", "99", NULL}};
    char path[PATH_SIZE], text[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int length =
            snprintf(text, sizeof text,
                     "{\"schema\": 1, \"version\": \"0.1.0\", \"device\": \"D\", \"trusted\": %s, \"peaks\": "
                     "{\"gflops_before\": %s, \"gflops_after\": %s}, \"workloads\": []}",
                     rows[i].trusted, rows[i].before, rows[i].after);
        test_file_write(inside("alone.json", path), text, (size_t)length);
        result r = RUN("bench", "--compare", path);
        if (rows[i].words == NULL) assert_null(strstr(r.out, "busy"));
        expect(r, 0, rows[i].words == NULL ? "duet 0.1.0" : rows[i].words, NULL);
    }
}

static void what_is_no_result_is_not_compared(void **state)
{
    (void)state;
    char slow[PATH_SIZE], other[PATH_SIZE];
    write_result("slow.json", "Slow", 500, "");
    test_file_write(inside("other.json", other), "{\"schema\": 1}", 13);
    expect(RUN("bench", "--compare", inside("slow.json", slow), other), 1, NULL, "no result of 'duet bench --json'");
    expect(RUN("bench", "--compare", slow, "nowhere.json"), 1, NULL, "nowhere.json");
    expect(RUN("bench", "--compare"), 2, NULL, "needs files");
    expect(RUN("bench", slow), 2, NULL, "--compare");
    expect(RUN("bench", "--compare", slow, "--gemm", "panel"), 2, NULL, "measures nothing");
    expect(RUN("bench", "--compare", slow, "--out", "bars.png"), 2, NULL, ".svg");
}

/* Losses are known of a workload as its row has it, on the original pictures. */
static void losses_are_compared_where_they_are_known(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    json_t *parsed = document(
        RUN("bench", "--json", "--only", "workloads", "--workload", "mlpvae", "--seconds", "1", "--batch", "8"));
    assert_true(json_is_null(json_object_get(json_array_get(json_object_get(parsed, "workloads"), 0), "check")));
    assert_true(json_is_null(json_object_get(parsed, "trusted"))); /* no peaks, so that nobody knows */
    json_decref(parsed);
    assert_int_equal(unsetenv("DUET_DATA"), 0);
    parsed = document(RUN("bench", "--json", "--only", "workloads", "--workload", "mlpvae", "--seconds", "1"));
    assert_int_equal(setenv("DUET_DATA", inside("pictures", path), 1), 0);
    const json_t *row = json_array_get(json_object_get(parsed, "workloads"), 0), *check = json_object_get(row, "check");
    assert_true(json_is_true(json_object_get(check, "right")));
    assert_true(number(json_object_get(check, "expected"), "kl") > 0);
    assert_true(number(row, "launches") > 0);
    assert_true(json_array_size(json_object_get(row, "providers")) > 0);
    json_decref(parsed);
}

/* A driver that computes a function wrong, which stands for all that can break: a kernel file is put in its place. */
static void a_wrong_driver_scores_nothing(void **state)
{
    (void)state;
    char path[PATH_SIZE], *source = test_file_read(TEST_SOURCE_ROOT "/cl/elementwise.cl", NULL), *place;
    assert_int_equal(mkdir(inside("cl", path), 0777), 0);
    assert_non_null(place = strstr(source, "return fmax(x, 0.0f) + log1p"));
    memcpy(place, "return fmax(x, 0.1f)", strlen("return fmax(x, 0.1f)"));
    test_file_write(inside("cl/elementwise.cl", path), source, strlen(source));
    free(source);
    assert_int_equal(setenv("DUET_CL_PATH", inside("cl", path), 1), 0);
    assert_int_equal(unsetenv("DUET_DATA"), 0);
    result r = RUN("bench", "--json", "--only", "workloads", "--workload", "mlpvae", "--seconds", "1");
    assert_int_equal(unsetenv("DUET_CL_PATH"), 0);
    assert_int_equal(setenv("DUET_DATA", inside("pictures", path), 1), 0);
    json_t *parsed = json_loads(r.out, 0, NULL);
    const json_t *row = json_array_get(json_object_get(parsed, "workloads"), 0);
    assert_true(json_is_false(json_object_get(json_object_get(row, "check"), "right")));
    assert_true(json_is_null(json_object_get(row, "images_per_second")));
    json_decref(parsed);
    expect(r, 4, NULL, "wrong numbers");
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
        assert_int_equal(cli_child_run(work, &rows[i].then, 1, "a child", "--minutes", documents), rows[i].status);
        assert_int_equal(json_array_size(documents), 1);
        assert_int_equal(json_integer_value(json_object_get(json_array_get(documents, 0), "first")), 1);
        json_decref(documents);
    }
}

/* Holds the pipe's end, the context, open for as long as it lives. */
static int work_on(FILE *results, const void *context)
{
    (void)results;
    assert_int_equal(write(*(const int *)context, "x", 1), 1);
    while (pause() < 0) continue;
    return 0;
}

/* Killed, it can do nothing more for its child; only the end of both closes the pipe. */
static void a_child_ends_with_its_parent(void **state)
{
    (void)state;
    int life[2], status;
    char word;
    assert_int_equal(pipe(life), 0);
    const pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        (void)close(life[0]);
        _exit(cli_child_run(work_on, &life[1], 60, "a child", "--minutes", json_array()));
    }
    (void)close(life[1]);
    assert_int_equal(read(life[0], &word, 1), 1);
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    struct pollfd waited = {.fd = life[0], .events = POLLIN};
    assert_int_equal(poll(&waited, 1, 20000), 1);
    assert_int_equal(read(life[0], &word, 1), 0);
    (void)close(life[0]);
}

static int begin(void **state)
{
    char path[PATH_SIZE];
    (void)make_folder(state);
    write_set("pictures", 0);
    write_set("broken", 1);
    if (setenv("DUET_DATA", inside("pictures", path), 1) != 0) return 1;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_has_every_part),
        cmocka_unit_test(a_table_names_what_was_measured),
        cmocka_unit_test(broken_data_leave_the_rest),
        cmocka_unit_test(mistakes_end_before_anything_is_measured),
        cmocka_unit_test(results_stand_side_by_side),
        cmocka_unit_test(other_work_is_not_compared),
        cmocka_unit_test(conditions_are_told),
        cmocka_unit_test(who_was_alone_is_told),
        cmocka_unit_test(what_is_no_result_is_not_compared),
        cmocka_unit_test(losses_are_compared_where_they_are_known),
        cmocka_unit_test(a_wrong_driver_scores_nothing),
        cmocka_unit_test(a_child_may_end_in_any_way),
        cmocka_unit_test(a_child_ends_with_its_parent),
    };
    return RUN_TESTS("bench", tests, begin, remove_folder);
}
