/* SPDX-License-Identifier: MIT */
/* The op table and graphs made by chance on oclgrind, a simulator that sees every access: with one buffer of its exact
 * size a tensor, an overrun of a single element leaves a line in its log. It ends with status 0 whatever it finds, so
 * the log is what counts. */
#include "folder.h"

#include "device/launch.h"

static char log_path[TEST_PATH_SIZE + 16], output_path[TEST_PATH_SIZE + 16];

static int begin(void **state)
{
    (void)make_folder(state);
    (void)snprintf(log_path, sizeof log_path, "%s/log.txt", folder);
    (void)snprintf(output_path, sizeof output_path, "%s/output.txt", folder);
    return 0;
}

/* Runs a program of this build under the simulator; the caller frees *log. Its own results are not cases of this
 * program, so it must not write them where ours go. */
static int simulate(const char *gemm, const char *program, char **log, size_t *bytes)
{
    char command[6 * TEST_PATH_SIZE];
    if (system("command -v oclgrind >/dev/null") != 0) skip();
    int length = snprintf(command, sizeof command,
                          "env -u CMOCKA_XML_FILE -u CMOCKA_MESSAGE_OUTPUT -u DUET_DEVICE DUET_TEST_CHECKING=1 "
                          "DUET_TEST_GEMM=%s oclgrind --check-api --data-races --log '%s' '%s/tests/'%s >'%s' 2>&1",
                          gemm, log_path, TEST_BUILD_ROOT, program, output_path);
    assert_in_range(length, 1, sizeof command - 1);
    (void)remove(log_path);
    int status = system(command);
    if (access(log_path, F_OK) != 0) test_file_write(log_path, "", 0); /* nothing to say */
    *log = test_file_read(log_path, bytes);
    return status;
}

static void assert_clean(const char *gemm, const char *program)
{
    char *log;
    size_t bytes;
    int status = simulate(gemm, program, &log, &bytes);
    char *output = test_file_read(output_path, NULL);
    if (status != 0) print_error("%s\n", output);
    if (bytes > 0) print_error("%.4000s\n", log);
    assert_non_null(strstr(output, "PASSED"));
    assert_int_equal(status, 0);
    assert_int_equal(bytes, 0);
    free(output);
    free(log);
}

static void op_table_touches_nothing_else(void **state)
{
    (void)state;
    assert_clean("auto", "test_op");
    assert_clean("conv-tile", "test_op convolutions");
    assert_clean("conv-panel", "test_op convolutions");
}

static void random_graphs_touch_nothing_else(void **state)
{
    (void)state;
    assert_clean("plain", "test_fuzz 400");
    assert_clean("panel", "test_fuzz 400");
    assert_clean("tile", "test_fuzz 100");
}

static void one_element_too_many_is_seen(void **state)
{
    (void)state;
    char *log;
    size_t bytes;
    simulate("auto", "test_simulator overrun", &log, &bytes);
    assert_non_null(strstr(log, "Invalid write"));
    free(log);
}

/* What the test above runs in the simulator: a kernel that writes one float past a buffer. */
static int overrun(void)
{
    static const char source[] = "__kernel void past(__global float *x) { x[get_global_id(0) + 1] = 1.0f; }";
    const size_t count = 4;
    duet_error error = {0};
    duet_device *device = NULL;
    cl_program program = NULL;
    cl_mem buffer = NULL;
    duet_launch_list list = {0};
    duet_launch launch = {.dimensions = 1, .global = {count}, .local = {1}, .name = "past"};
    duet_status status = duet_device_open(&device, NULL, &error);
    if (status == DUET_OK) status = duet_buffer_new(device, count * sizeof(float), true, &buffer, &error);
    if (status == DUET_OK) status = duet_program_build(device, "past", source, "", &program, &error);
    if (status == DUET_OK) status = duet_kernel_new(program, "past", &launch.kernel, &error);
    if (status == DUET_OK) status = duet_kernel_set(launch.kernel, 0, sizeof buffer, &buffer, &error);
    if (status == DUET_OK) status = duet_launch_append(&list, &launch, &error);
    if (status == DUET_OK) status = duet_launch_replay(device, &list, NULL, &error);
    if (status == DUET_OK) status = duet_device_finish(device, &error);
    if (status != DUET_OK) (void)fprintf(stderr, "%s\n", error.message);
    duet_launch_list_clear(&list);
    duet_program_free(&program);
    duet_buffer_free(&buffer);
    duet_device_close(&device);
    return status == DUET_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_element_too_many_is_seen),
        cmocka_unit_test(op_table_touches_nothing_else),
        cmocka_unit_test(random_graphs_touch_nothing_else),
    };
    if (argc > 1 && !strcmp(argv[1], "overrun")) return overrun();
    return RUN_TESTS("simulator", tests, begin, remove_folder);
}
