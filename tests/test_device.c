/* SPDX-License-Identifier: MIT */
/* The device layer: listing (also with a driver that crashes), order and choice, buffers, programs, launches. */
#include "base/text.h"
#include "device/discovery.h"
#include "product/gemm.h"
#include "test.h"

#include <time.h>

/* ---- listing ---- */

/** A driver that ends whoever loads it. */
static void make_crashing_driver(const char *folder, const char *end)
{
    char path[TEST_PATH_SIZE + 32], line[2 * TEST_PATH_SIZE + 256];
    snprintf(path, sizeof path, "%s/crash.c", folder);
    int size = snprintf(line, sizeof line,
                        "#include <stdlib.h>\n__attribute__((constructor)) static void die(void) { %s; }\n", end);
    test_file_write(path, line, (size_t)size);
    snprintf(line, sizeof line, "%s -shared -fPIC -o %s/crash.so %s/crash.c", TEST_CC, folder, folder);
    assert_int_equal(system(line), 0);
    snprintf(path, sizeof path, "%s/crash.icd", folder);
    int length = snprintf(line, sizeof line, "%s/crash.so\n", folder);
    test_file_write(path, line, (size_t)length);
}

static void restore_vendors(char *before)
{
    if (before != NULL)
        setenv("OCL_ICD_VENDORS", before, 1);
    else
        unsetenv("OCL_ICD_VENDORS");
    free(before);
}

static void survive_a_driver(const char *end)
{
    char folder[TEST_PATH_SIZE], command[2 * TEST_PATH_SIZE];
    const char *vendors = getenv("OCL_ICD_VENDORS");
    char *before = vendors != NULL ? strdup(vendors) : NULL;
    duet_error error = {0};
    duet_device_info *infos = NULL;
    size_t count = 0;
    test_folder_new(folder);
    make_crashing_driver(folder, end);
    setenv("OCL_ICD_VENDORS", folder, 1);

    /* Alone, nothing can be listed, and the message says where to look. */
    duet_status status = duet_device_list(&infos, &count, &error);
    if (status == DUET_OK) { /* a simulator, or macOS: drivers are not found through vendor files */
        duet_device_list_free(&infos);
        restore_vendors(before);
        test_folder_remove(folder);
        skip();
    }
    assert_status(status, DUET_ERROR_NO_DEVICE, &error);
    assert_message(&error, folder);
    assert_null(infos);

    /* Beside others, these are listed, with the reason why a process that loads them all cannot have them. */
    const char *from = before != NULL ? before : "/etc/OpenCL/vendors";
    snprintf(command, sizeof command, "cp %s%s %s/", from, strstr(from, ".icd") != NULL ? "" : "/*.icd", folder);
    assert_int_equal(system(command), 0);
    error = (duet_error){0};
    assert_ok(duet_device_list(&infos, &count, &error), &error);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(infos[i].name[0] != '\0');
        assert_non_null(strstr(infos[i].refusal, folder));
        assert_false(infos[i].preferred);
    }
    duet_device_list_free(&infos);
    assert_null(infos);
    restore_vendors(before);
    test_folder_remove(folder);
}

/** These two must run first: the children inherit a loader that has not chosen its drivers yet. */
static void listing_survives_a_driver_that_crashes(void **state)
{
    (void)state;
    survive_a_driver("abort()");
}

static void listing_survives_a_driver_that_exits(void **state)
{
    (void)state;
    survive_a_driver("_Exit(2)");
}

static void foreign_texts_are_cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        size_t capacity;
        const char *expected;
    } rows[] = {
        {"  A  device \n", 32, "A  device"},
        {"Intel\xae Iris", 32, "Intel? Iris"},                               /* Latin-1 */
        {"Intel\xc2\xae Iris", 32, "Intel\xc2\xae Iris"},                    /* UTF-8 */
        {"\xe2\x82\xac\xf0\x9f\x98\x80", 8, "\xe2\x82\xac\xf0\x9f\x98\x80"}, /* exactly as long as there is room */
        {"\xe2\x82\xac\xf0\x9f\x98\x80", 7, "\xe2\x82\xac"},                 /* not within a character */
        {"cut\xe2\x82", 32, "cut??"},
        {"\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xff", 32, "??????????"}, /* too long, surrogate, too large, no UTF-8 */
        {" \t", 32, ""},
        {"", 1, ""},
        {"x", 1, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        duet_text_clean(rows[i].from, text, rows[i].capacity);
        assert_string_equal(text, rows[i].expected);
    }
}

static void an_index_opens_the_device_it_was_listed_as(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device_info *infos = NULL;
    size_t count = 0;
    assert_ok(duet_device_list(&infos, &count, &error), &error);
    assert_true(count > 0);
    assert_true(infos[0].preferred);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || !infos[i].preferred);
        if (infos[i].refusal[0] != '\0') continue;
        assert_true(infos[i].compute_units > 0 && infos[i].allocation_bytes > 0 && infos[i].work_group_size > 0);
        char selector[32];
        snprintf(selector, sizeof selector, "%zu", i);
        duet_device *device = NULL;
        assert_ok(duet_device_open(&device, selector, &error), &error);
        const duet_device_info *open = duet_device_describe(device);
        assert_string_equal(open->name, infos[i].name);
        assert_string_equal(open->platform, infos[i].platform);
        assert_int_equal(open->preferred, infos[i].preferred);
        duet_device_close(&device);
        assert_null(device);
    }
    duet_device_list_free(&infos);
}

/* ---- order and choice, on made-up machines ---- */

static duet_found_device make_found(const char *name, duet_device_kind kind, uint32_t units, uint32_t clock,
                                    cl_uint vendor, bool mesa, const char *refusal)
{
    duet_found_device found = {.vendor_id = vendor, .mesa = mesa};
    found.info.kind = kind;
    found.info.compute_units = units;
    found.info.clock_mhz = clock;
    snprintf(found.info.name, sizeof found.info.name, "%s", name);
    snprintf(found.info.platform, sizeof found.info.platform, "%s", mesa ? "rusticl" : "Vendor's own");
    snprintf(found.info.refusal, sizeof found.info.refusal, "%s", refusal);
    return found;
}

enum { FOUND = 8 };

static void make_machine(duet_found_device found[FOUND])
{
    found[0] = make_found("processor by mesa", DUET_DEVICE_CPU, 64, 9000, 5, true, "");
    found[1] = make_found("board", DUET_DEVICE_ACCELERATOR, 500, 500, 4, false, "no compiler");
    found[2] = make_found("processor", DUET_DEVICE_CPU, 32, 2000, 6, false, "");
    found[3] = make_found("Iris", DUET_DEVICE_INTEGRATED, 90, 1000, 1, false, "");
    found[4] = make_found("Radeon by mesa", DUET_DEVICE_GPU, 80, 3000, 2, true, "");
    found[5] = make_found("GeForce", DUET_DEVICE_GPU, 60, 1900, 3, false, "");
    found[6] = make_found("Radeon", DUET_DEVICE_GPU, 80, 2000, 2, false, "");
    found[7] = make_found("emulator", DUET_DEVICE_ACCELERATOR, 32, 2000, 7, false, "");
    duet_found_order(found, FOUND);
}

static void the_best_device_comes_first(void **state)
{
    (void)state;
    static const char *const expected[FOUND] = {
        "Radeon",    "Radeon by mesa",    "GeForce",  "Iris", /* the vendor's driver first, however Mesa counts */
        "processor", "processor by mesa", "emulator", "board"};
    duet_found_device found[FOUND];
    make_machine(found);
    for (size_t i = 0; i < FOUND; i++) {
        assert_string_equal(found[i].info.name, expected[i]);
        assert_int_equal(found[i].info.preferred, i == 0);
    }
}

static void a_selector_is_index_type_or_piece_of_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *selector;
        size_t expected;
    } rows[] = {
        {NULL, 0},      {"", 0},       {"0", 0},       {"5", 5},           {"gpu", 0},
        {"CPU", 4},     {"iris", 3},   {"gefor", 2},   {"accelerator", 6}, {"integrated gpu", 3},
        {"by mesa", 1}, {"rustic", 1}, {"BY MESA", 1}, {"or by", 5},
    };
    duet_found_device found[FOUND];
    make_machine(found);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        size_t chosen = FOUND;
        assert_ok(duet_found_choose(found, FOUND, rows[i].selector, "", &chosen, &error), &error);
        if (chosen != rows[i].expected)
            fail_msg("selector \"%s\" chose %zu, expected %zu", rows[i].selector, chosen, rows[i].expected);
    }
}

static void a_selector_that_fits_none_says_what_there_is(void **state)
{
    (void)state;
    duet_found_device found[FOUND];
    make_machine(found);
    size_t chosen = 0;
    static const char *const unknown[] = {"8", "voodoo", "00000000000000000000000000000000000001", "-1"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        duet_error error = {0};
        assert_status(duet_found_choose(found, FOUND, unknown[i], " (from there)", &chosen, &error),
                      DUET_ERROR_NO_DEVICE, &error);
        assert_message(&error, unknown[i]);
        assert_message(&error, " (from there)");
        assert_message(&error, "2 gpu GeForce (Vendor's own)");
    }
    duet_error refused = {0}, none = {0};
    assert_status(duet_found_choose(found, FOUND, "board", "", &chosen, &refused), DUET_ERROR_NO_DEVICE, &refused);
    assert_message(&refused, "no compiler");
    assert_status(duet_found_choose(NULL, 0, NULL, "", &chosen, &none), DUET_ERROR_NO_DEVICE, &none);
    assert_message(&none, "pocl-opencl-icd");
}

static void the_environment_names_the_device(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device *device = NULL;
    const char *value = getenv("DUET_DEVICE");
    char *before = value != NULL ? strdup(value) : NULL;
    setenv("DUET_DEVICE", "no such device", 1);
    assert_status(duet_device_open(&device, NULL, &error), DUET_ERROR_NO_DEVICE, &error);
    assert_null(device);
    assert_message(&error, "DUET_DEVICE");
    error = (duet_error){0};
    assert_ok(duet_device_open(&device, "0", &error), &error); /* a selector of the caller's goes first */
    duet_device_close(&device);
    if (before != NULL)
        setenv("DUET_DEVICE", before, 1);
    else
        unsetenv("DUET_DEVICE");
    free(before);
}

/* ---- an open device ---- */

static int open_device(void **state)
{
    *state = test_device_open();
    return 0;
}

static int close_device(void **state)
{
    duet_device *device = *state;
    duet_device_close(&device);
    return 0;
}

static duet_status put_bytes(void *context, void *destination, size_t bytes, duet_error *error)
{
    (void)error;
    memset(destination, *(const int *)context, bytes);
    return DUET_OK;
}

static duet_status put_nothing(void *context, void *destination, size_t bytes, duet_error *error)
{
    (void)context, (void)destination, (void)bytes;
    return duet_fail(error, DUET_ERROR_DATA, "the file ended");
}

static void buffers_hold_what_they_are_given(void **state)
{
    duet_device *device = *state;
    duet_error error = {0};
    cl_mem buffer = NULL;
    unsigned char bytes[100];
    int seven = 7;
    assert_ok(duet_buffer_new(device, sizeof bytes, true, &buffer, &error), &error);
    assert_ok(duet_buffer_write(device, buffer, 10, "abc", 3, &error), &error);
    assert_ok(duet_buffer_fill(device, buffer, 20, 30, put_bytes, &seven, &error), &error);
    assert_ok(duet_buffer_read(device, buffer, 0, bytes, sizeof bytes, &error), &error);
    for (size_t i = 0; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], i >= 10 && i < 13 ? 'a' + (int)i - 10 : i >= 20 && i < 50 ? 7 : 0);
    assert_status(duet_buffer_fill(device, buffer, 0, 10, put_nothing, NULL, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "the file ended");
    error = (duet_error){0};
    assert_ok(duet_buffer_write(device, buffer, 0, "x", 1, &error), &error); /* it was unmapped all the same */
    assert_status(duet_buffer_write(device, buffer, 99, "xy", 2, &error), DUET_ERROR_DEVICE, &error);
    assert_message(&error, "CL_INVALID_VALUE");
    duet_buffer_free(&buffer);
    assert_null(buffer);
    error = (duet_error){0};
    assert_ok(duet_buffer_new(device, 0, true, &buffer, &error), &error);
    duet_buffer_free(&buffer);
}

static void a_buffer_over_the_limit_is_refused_with_numbers(void **state)
{
    duet_device *device = *state;
    duet_error error = {0};
    cl_mem buffer = NULL;
    char limit[32], wanted[32];
    const uint64_t most = duet_device_describe(device)->allocation_bytes;
    snprintf(limit, sizeof limit, "%llu bytes", (unsigned long long)most);
    snprintf(wanted, sizeof wanted, "%llu bytes", (unsigned long long)most + 1);
    assert_status(duet_buffer_new(device, (size_t)most + 1, false, &buffer, &error), DUET_ERROR_MEMORY, &error);
    assert_null(buffer);
    assert_message(&error, limit);
    assert_message(&error, wanted);
}

static void a_program_that_does_not_compile_shows_the_log(void **state)
{
    duet_device *device = *state;
    duet_error error = {0};
    cl_program program = NULL;
    cl_kernel kernel = NULL;
    const char *wrong = "__kernel void f(__global float *x) { x[0] = nobody_declared_this; }";
    const char *sound = "__kernel void f(__global float *x) { x[0] = VALUE; }";
    assert_status(duet_program_build(device, "a test", wrong, NULL, &program, &error), DUET_ERROR_DEVICE, &error);
    assert_null(program);
    assert_message(&error, "a test does not compile");
    assert_message(&error, "nobody_declared_this");
    error = (duet_error){0};
    assert_ok(duet_program_build(device, "a test", sound, "-DVALUE=1.0f", &program, &error), &error);
    assert_status(duet_kernel_new(program, "g", &kernel, &error), DUET_ERROR_DEVICE, &error);
    assert_null(kernel);
    assert_message(&error, "cannot make the kernel g: CL_INVALID_KERNEL_NAME");
    error = (duet_error){0};
    assert_ok(duet_kernel_new(program, "f", &kernel, &error), &error);
    assert_status(duet_kernel_set(kernel, 9, sizeof(cl_mem), &(cl_mem){NULL}, &error), DUET_ERROR_DEVICE, &error);
    assert_message(&error, "argument 9");
    assert_message(&error, "kernel f");
    clReleaseKernel(kernel);
    duet_program_free(&program);
}

static void launches_run_in_order(void **state)
{
    duet_device *device = *state;
    duet_error error = {0};
    const char *source = "__kernel void advance(__global uint *x, const uint a)"
                         "{ x[get_global_id(0)] = x[get_global_id(0)] * a + (uint)get_global_id(0); }";
    cl_program program = NULL;
    cl_mem buffer = NULL;
    duet_launch_list list = {0};
    uint32_t values[8], expected[8] = {0};
    assert_ok(duet_program_build(device, "steps", source, NULL, &program, &error), &error);
    assert_ok(duet_buffer_new(device, sizeof values, true, &buffer, &error), &error);
    for (cl_uint a = 2; a < 40; a++) {
        duet_launch launch = {.dimensions = 1, .global = {8}, .name = "advance"};
        assert_ok(duet_kernel_new(program, "advance", &launch.kernel, &error), &error);
        assert_ok(duet_kernel_set(launch.kernel, 0, sizeof buffer, &buffer, &error), &error);
        assert_ok(duet_kernel_set(launch.kernel, 1, sizeof a, &a, &error), &error);
        assert_ok(duet_launch_append(&list, &launch, &error), &error);
    }
    for (int replay = 0; replay < 3; replay++) {
        cl_event last = NULL;
        assert_ok(duet_launch_replay(device, &list, &last, &error), &error);
        assert_non_null(last);
        assert_ok(duet_event_wait(&last, &error), &error);
        for (uint32_t a = 2; a < 40; a++)
            for (uint32_t i = 0; i < 8; i++) expected[i] = expected[i] * a + i;
    }
    assert_ok(duet_buffer_read(device, buffer, 0, values, sizeof values, &error), &error);
    assert_memory_equal(values, expected, sizeof values);
    list.items[1].local[0] = (size_t)1 << 30;
    list.items[1].global[0] = (size_t)1 << 30;
    assert_status(duet_launch_replay(device, &list, NULL, &error), DUET_ERROR_DEVICE, &error);
    assert_message(&error, "cannot launch advance");
    error = (duet_error){0};
    assert_ok(duet_device_finish(device, &error), &error);
    duet_launch_list_clear(&list);
    assert_int_equal(list.count, 0);
    duet_buffer_free(&buffer);
    duet_program_free(&program);
}

/* ---- kernel files ---- */

/** 2 x 3 by the plain kernel on a device of its own, as a device keeps the programs it has built. */
static float two_times_three(void)
{
    duet_error error = {0};
    duet_device *device = test_device_open();
    const duet_gemm_shape shape = {1, 1, 1, false, false};
    const duet_gemm_provider *plain = duet_gemm_choose(device, &shape).provider;
    const float two = 2, three = 3;
    float product = 0;
    cl_mem a = NULL, b = NULL, c = NULL;
    duet_launch_list list = {0};
    assert_string_equal(plain->name, "plain");
    assert_ok(duet_buffer_new(device, sizeof two, true, &a, &error), &error);
    assert_ok(duet_buffer_new(device, sizeof three, true, &b, &error), &error);
    assert_ok(duet_buffer_new(device, sizeof product, true, &c, &error), &error);
    assert_ok(duet_buffer_write(device, a, 0, &two, sizeof two, &error), &error);
    assert_ok(duet_buffer_write(device, b, 0, &three, sizeof three, &error), &error);
    const duet_gemm_product wanted = {.shape = shape, .a = {a, 0}, .b = {b, 0}, .c = {c, 0}};
    assert_ok(plain->lower(device, &wanted, &list, NULL, &error), &error);
    assert_ok(duet_launch_replay(device, &list, NULL, &error), &error);
    assert_ok(duet_buffer_read(device, c, 0, &product, sizeof product, &error), &error);
    duet_launch_list_clear(&list);
    duet_buffer_free(&a);
    duet_buffer_free(&b);
    duet_buffer_free(&c);
    duet_device_close(&device);
    return product;
}

static void a_learner_edits_a_kernel(void **state)
{
    (void)state;
    duet_error error = {0};
    char folder[TEST_PATH_SIZE], path[TEST_PATH_SIZE + 32];
    char *source = duet_cl_source("gemm_plain.cl", &error);
    assert_non_null(source);
    assert_close(two_times_three(), 6, 0);

    test_folder_new(folder);
    char *place = strstr(source, "sum += a");
    assert_non_null(place);
    place[4] = '-';
    snprintf(path, sizeof path, "%s/gemm_plain.cl", folder);
    test_file_write(path, source, strlen(source));
    setenv("DUET_CL_PATH", folder, 1);
    assert_close(two_times_three(), -6, 0);
    free(source);

    /* A file that the folder does not have is the built-in one; one that exists nowhere is an error. */
    source = duet_cl_source("gemm_panel.cl", &error);
    assert_non_null(source);
    free(source);
    assert_null(duet_cl_source("no_such_file.cl", &error));
    assert_message(&error, "no_such_file.cl");
    unsetenv("DUET_CL_PATH");
    assert_close(two_times_three(), 6, 0);
    test_folder_remove(folder);
}

/* ---- a program that has OpenCL already ---- */

static void the_callers_context_outlives_the_device(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_found_device *found = NULL;
    size_t count = 0, chosen = 0;
    cl_int code = CL_SUCCESS;
    cl_uint references = 0;
    assert_ok(duet_discover(&found, &count, &error), &error);
    assert_ok(duet_found_choose(found, count, getenv("DUET_DEVICE"), "", &chosen, &error), &error);
    cl_context context = clCreateContext(NULL, 1, &found[chosen].id, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    duet_device *device = NULL;
    cl_mem buffer = NULL;
    uint32_t value = 0;
    assert_ok(duet_device_from(&device, context, found[chosen].id, &error), &error);
    assert_string_equal(duet_device_describe(device)->name, found[chosen].info.name);
    assert_ok(duet_buffer_new(device, sizeof value, true, &buffer, &error), &error);
    assert_ok(duet_buffer_write(device, buffer, 0, &(uint32_t){41}, sizeof value, &error), &error);
    assert_ok(duet_buffer_read(device, buffer, 0, &value, sizeof value, &error), &error);
    assert_int_equal(value, 41);
    duet_buffer_free(&buffer);
    duet_device_close(&device);
    /* A driver's own threads may let go a moment later. */
    for (int tries = 0; tries < 200 && references != 1; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        code = clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof references, &references, NULL);
        assert_int_equal(code, CL_SUCCESS);
    }
    assert_int_equal(references, 1);
    clReleaseContext(context);
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing_survives_a_driver_that_crashes),
        cmocka_unit_test(listing_survives_a_driver_that_exits),
        cmocka_unit_test(foreign_texts_are_cleaned),
        cmocka_unit_test(an_index_opens_the_device_it_was_listed_as),
        cmocka_unit_test(the_best_device_comes_first),
        cmocka_unit_test(a_selector_is_index_type_or_piece_of_a_name),
        cmocka_unit_test(a_selector_that_fits_none_says_what_there_is),
        cmocka_unit_test(the_environment_names_the_device),
        cmocka_unit_test_setup_teardown(buffers_hold_what_they_are_given, open_device, close_device),
        cmocka_unit_test_setup_teardown(a_buffer_over_the_limit_is_refused_with_numbers, open_device, close_device),
        cmocka_unit_test_setup_teardown(a_program_that_does_not_compile_shows_the_log, open_device, close_device),
        cmocka_unit_test_setup_teardown(launches_run_in_order, open_device, close_device),
        cmocka_unit_test(a_learner_edits_a_kernel),
        cmocka_unit_test(the_callers_context_outlives_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
