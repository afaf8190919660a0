/* SPDX-License-Identifier: MIT */
/* An open device: buffers, programs, launches, the kernel files that it reads, and a context that is the caller's. */
#include "device/discovery.h"
#include "product/gemm.h"
#include "workshop.h"

#include <time.h>

/* ---- the device ---- */

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
    (void)state;
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
    (void)state;
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
    (void)state;
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
    (void)state;
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
    device = test_device_open();
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
    char path[TEST_PATH_SIZE + 32];
    char *source = duet_cl_source("gemm_plain.cl", &error);
    assert_non_null(source);
    assert_close(two_times_three(), 6, 0);

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
    for (int tries = 0; tries < 3000 && references != 1; tries++) {
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
        WITH_DEVICE(buffers_hold_what_they_are_given),
        WITH_DEVICE(a_buffer_over_the_limit_is_refused_with_numbers),
        WITH_DEVICE(a_program_that_does_not_compile_shows_the_log),
        WITH_DEVICE(launches_run_in_order),
        IN_FOLDER(a_learner_edits_a_kernel),
        cmocka_unit_test(the_callers_context_outlives_the_device),
    };
    return RUN_TESTS("device", tests, NULL, NULL);
}
