/* SPDX-License-Identifier: MIT */
/* A program that has OpenCL already: Duet between the program's own kernels on the program's queue, in its buffers, and
 * over its arrays. */
#include "run_recipes.h"
#include "workshop.h"

#include "data/data.h"
#include "device/discovery.h"
#include "device/record.h"
#include "graph/variable.h"

#include <time.h>

/* What the program has: a context, queues, kernels and buffers. */
static struct {
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel write, add;
    cl_mem from, to;
} own;

enum { NUMBERS = 3000, ROUNDS = 20, AT = 1024 };

static const char *const kernels =
    "__kernel void write(__global float *x, float a) { x[get_global_id(0)] = a + get_global_id(0); }"
    "__kernel void add(__global float *x, float a) { x[get_global_id(0)] += a; }";

static cl_mem new_buffer(cl_context context, cl_mem_flags flags, size_t bytes)
{
    cl_int code = CL_SUCCESS;
    cl_mem made = clCreateBuffer(context, flags, bytes, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    return made;
}

static cl_command_queue new_queue(cl_command_queue_properties properties)
{
    cl_int code = CL_SUCCESS;
    cl_command_queue made = clCreateCommandQueue(own.context, own.id, properties, &code);
    return code == CL_SUCCESS ? made : NULL;
}

static int open_own(void **state)
{
    duet_error error = {0};
    duet_found_device *found = NULL;
    size_t count = 0, chosen = 0;
    cl_int code = CL_SUCCESS;
    assert_ok(duet_discover(&found, &count, &error), &error);
    assert_ok(duet_found_choose(found, count, getenv("DUET_DEVICE"), "", &chosen, &error), &error);
    own.id = found[chosen].id;
    free(found);
    own.context = clCreateContext(NULL, 1, &own.id, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    own.queue = new_queue(0);
    own.program = clCreateProgramWithSource(own.context, 1, (const char **)&kernels, NULL, &code);
    assert_int_equal(clBuildProgram(own.program, 1, &own.id, NULL, NULL, NULL), CL_SUCCESS);
    own.write = clCreateKernel(own.program, "write", &code);
    own.add = clCreateKernel(own.program, "add", &code);
    own.from = new_buffer(own.context, CL_MEM_READ_WRITE, NUMBERS * sizeof(float));
    own.to = new_buffer(own.context, CL_MEM_READ_WRITE, AT + NUMBERS * sizeof(float));
    assert_ok(duet_device_from_queue(&device, own.queue, &error), &error);
    return make_folder(state);
}

static int close_own(void **state)
{
    duet_device_close(&device);
    clReleaseMemObject(own.from);
    clReleaseMemObject(own.to);
    clReleaseKernel(own.write);
    clReleaseKernel(own.add);
    clReleaseProgram(own.program);
    clReleaseCommandQueue(own.queue);
    clReleaseContext(own.context);
    return remove_folder(state);
}

/* Enqueues one of the program's kernels over the first numbers of a buffer, and waits for nothing. */
static void launch(cl_kernel kernel, cl_mem buffer, float a)
{
    const size_t global = NUMBERS;
    assert_int_equal(clSetKernelArg(kernel, 0, sizeof buffer, &buffer), CL_SUCCESS);
    assert_int_equal(clSetKernelArg(kernel, 1, sizeof a, &a), CL_SUCCESS);
    assert_int_equal(clEnqueueNDRangeKernel(own.queue, kernel, 1, NULL, &global, NULL, 0, NULL, NULL), CL_SUCCESS);
}

static void expect_numbers(cl_mem buffer, size_t at, float scale, float first)
{
    float values[NUMBERS];
    assert_int_equal(clEnqueueReadBuffer(own.queue, buffer, CL_TRUE, at, sizeof values, values, 0, NULL, NULL),
                     CL_SUCCESS);
    for (size_t i = 0; i < NUMBERS; i++) assert_close(values[i], scale * (float)i + first, 0);
}

/* ---- the queue ---- */

static void own_kernels_and_plans_run_in_order(void **state)
{
    (void)state;
    duet_error error = {0};
    const size_t bytes = NUMBERS * sizeof(float);
    workshop w = workshop_open(1);
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(NUMBERS));
    duet_node y = duet_add(duet_multiply(x, duet_constant(w.graph, 2)), duet_constant(w.graph, 1));
    workshop_plan(&w, "between", &y, 1);
    assert_status(duet_plan_read_buffer(w.plan, y, own.to, 0, bytes, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "computed nothing yet");
    error = (duet_error){0};
    for (int round = 0; round < ROUNDS; round++) {
        launch(own.write, own.from, (float)round);
        assert_ok(duet_plan_write_buffer(w.plan, x, own.from, 0, bytes, &error), &error);
        launch(own.write, own.from, -1); /* the plan has its copy by then */
        assert_ok(duet_plan_replay(w.plan, &error), &error);
        launch(own.write, own.to, -1);
        assert_ok(duet_plan_read_buffer(w.plan, y, own.to, 0, bytes, &error), &error);
        launch(own.add, own.to, 5);
        expect_numbers(own.to, 0, 2, 2 * (float)round + 6);
    }
    assert_ok(duet_plan_read_buffer(w.plan, y, own.to, AT, bytes, &error), &error);
    expect_numbers(own.to, AT, 2, 2 * (ROUNDS - 1) + 1);
    assert_status(duet_plan_read_buffer(w.plan, y, own.to, AT + 4, bytes, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "the given buffer has 13024 bytes, and 12000 from byte 1028 on are needed");
    error = (duet_error){0};
    assert_status(duet_plan_write_buffer(w.plan, x, own.from, 0, 8, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "has 12000 bytes, not 8");
    workshop_close(&w);
}

static void queues_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device *refused = NULL;
    assert_status(duet_device_set_profiling(device, true, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "CL_QUEUE_PROFILING_ENABLE");
    error = (duet_error){0};
    assert_ok(duet_device_set_profiling(device, false, &error), &error);
    cl_command_queue loose = new_queue(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    if (loose == NULL) return; /* the device has none such */
    assert_status(duet_device_from_queue(&refused, loose, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "out of order");
    assert_null(refused);
    clReleaseCommandQueue(loose);
}

static void a_queue_with_stamps_is_timed(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device *timed = NULL;
    duet_profile_row *rows = NULL;
    size_t count = 0;
    cl_command_queue stamped = new_queue(CL_QUEUE_PROFILING_ENABLE);
    assert_non_null(stamped);
    assert_ok(duet_device_from_queue(&timed, stamped, &error), &error);
    assert_ok(duet_device_set_profiling(timed, true, &error), &error);
    workshop w = workshop_open(1);
    duet_node x = duet_constant_values(w.graph, DUET_SHAPE(2), ((float[]){3, 4}));
    duet_node y = duet_multiply(x, x);
    float values[2];
    void *results[] = {values};
    test_compute(timed, &y, 1, NULL, 0, results);
    assert_close(values[1], 16, 0);
    assert_ok(duet_device_profile(timed, &rows, &count, &error), &error);
    assert_int_equal(count, 1);
    free(rows);
    workshop_close(&w);
    duet_device_close(&timed);
    clReleaseCommandQueue(stamped);
}

/* A driver's own threads may let go a moment later. */
static void expect_one_reference(cl_int (*ask)(void *object, cl_uint *references), void *object)
{
    cl_uint references = 0;
    for (int tries = 0; tries < 3000 && references != 1; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        assert_int_equal(ask(object, &references), CL_SUCCESS);
    }
    assert_int_equal(references, 1);
}

static cl_int ask_queue(void *object, cl_uint *references)
{
    return clGetCommandQueueInfo(object, CL_QUEUE_REFERENCE_COUNT, sizeof *references, references, NULL);
}

static cl_int ask_buffer(void *object, cl_uint *references)
{
    return clGetMemObjectInfo(object, CL_MEM_REFERENCE_COUNT, sizeof *references, references, NULL);
}

static void what_was_given_is_given_back(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device *opened = NULL;
    cl_command_queue queue = new_queue(0);
    cl_mem buffer = new_buffer(own.context, CL_MEM_READ_WRITE, 8);
    assert_ok(duet_device_from_queue(&opened, queue, &error), &error);
    workshop w = workshop_open(1);
    (void)duet_state(w.graph, "s", DUET_FLOAT32, DUET_SHAPE(2), (duet_initialiser){0});
    assert_ok(duet_store_bind(w.store, opened, "s", buffer, &error), &error);
    workshop_close(&w);
    duet_device_close(&opened);
    expect_one_reference(ask_queue, queue);
    expect_one_reference(ask_buffer, buffer);
    clReleaseMemObject(buffer);
    clReleaseCommandQueue(queue);
}

/* ---- buffers ---- */

static void states_lie_in_the_programs_buffers(void **state)
{
    (void)state;
    duet_error error = {0};
    workshop w = workshop_open(1);
    const duet_initialiser start = {DUET_INIT_CONSTANT, 7, 0, 0};
    duet_node from = duet_state(w.graph, "from", DUET_FLOAT32, DUET_SHAPE(NUMBERS), start);
    duet_node to = duet_state(w.graph, "to", DUET_FLOAT32, DUET_SHAPE(NUMBERS), start);
    duet_node roots[] = {duet_assign(to, duet_add(duet_multiply(from, duet_constant(w.graph, 3)), to))};
    assert_ok(duet_store_bind(w.store, device, "from", own.from, &error), &error);
    assert_ok(duet_store_bind(w.store, device, "to", own.to, &error), &error);
    workshop_plan(&w, "in place", roots, 1);
    for (int round = 0; round < ROUNDS; round++) {
        launch(own.write, own.from, (float)round);
        launch(own.write, own.to, 0);
        assert_ok(duet_plan_replay(w.plan, &error), &error);
        launch(own.write, own.from, -1);
        launch(own.add, own.to, 1);
        expect_numbers(own.to, 0, 4, 3 * (float)round + 1);
    }
    workshop_close(&w);
}

static void another_queue_waits(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device *beside = NULL;
    assert_ok(duet_device_from(&beside, own.context, own.id, &error), &error);
    workshop w = workshop_open(1);
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(NUMBERS));
    duet_node y = duet_add(x, duet_constant(w.graph, 1));
    duet_plan *plan = NULL;
    assert_ok(duet_plan_new(&plan, beside, "beside", &y, 1, &error), &error);
    for (int round = 0; round < ROUNDS; round++) {
        launch(own.write, own.from, (float)round);
        assert_int_equal(clFinish(own.queue), CL_SUCCESS);
        assert_ok(duet_plan_write_buffer(plan, x, own.from, 0, NUMBERS * sizeof(float), &error), &error);
        assert_ok(duet_plan_replay(plan, &error), &error);
        assert_ok(duet_plan_read_buffer(plan, y, own.to, 0, NUMBERS * sizeof(float), &error), &error);
        assert_ok(duet_device_finish(beside, &error), &error);
        expect_numbers(own.to, 0, 1, (float)round + 1);
    }
    duet_plan_free(&plan);
    workshop_close(&w);
    duet_device_close(&beside);
}

static void buffers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    cl_int code = CL_SUCCESS;
    duet_error error = {0};
    workshop w = workshop_open(1);
    duet_initialiser zero = {0};
    (void)duet_state(w.graph, "s", DUET_FLOAT32, DUET_SHAPE(2), zero);
    (void)duet_parameter(w.graph, w.group, "a", DUET_SHAPE(2), zero);
    (void)duet_parameter(w.graph, w.group, "b", DUET_SHAPE(2), zero);
    duet_group *alone = duet_group_of(w.store, "alone");
    (void)duet_parameter(w.graph, alone, "c", DUET_SHAPE(2), zero);
    cl_context elsewhere = clCreateContext(NULL, 1, &own.id, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    cl_mem foreign = new_buffer(elsewhere, CL_MEM_READ_WRITE, 8);
    cl_mem read_only = new_buffer(own.context, CL_MEM_READ_ONLY, 8);
    cl_mem small = new_buffer(own.context, CL_MEM_READ_WRITE, 4);
    const struct {
        const char *name, *words;
        cl_mem buffer;
    } rows[] = {
        {"nobody", "no variable \"nobody\"", own.from},
        {"net.a", "in one block with other variables", own.from},
        {"alone.c", "in one block with other variables", own.from}, /* its optimiser pads the block */
        {"s", "of another context", foreign},
        {"s", "may only read", read_only},
        {"s", "has 4 bytes, and 8", small},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        error = (duet_error){0};
        assert_status(duet_store_bind(w.store, device, rows[i].name, rows[i].buffer, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i].words);
    }
    error = (duet_error){0};
    assert_ok(duet_store_bind(w.store, device, "s", own.from, &error), &error);
    assert_status(duet_store_bind(w.store, device, "s", own.from, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "has memory already");
    workshop_close(&w);
    clReleaseMemObject(foreign);
    clReleaseMemObject(read_only);
    clReleaseMemObject(small);
    clReleaseContext(elsewhere);
}

static void samples_go_to_the_programs_buffer(void **state)
{
    (void)state;
    enum { COUNT = 230, FEATURES = 2 }; /* three batches, the last one not full */
    duet_error error = {0};
    duet_train_options options = options_of(&toy);
    char path[PATH];
    float expected[COUNT * FEATURES], found[COUNT * FEATURES];
    options.steps = 3;
    train(options, "toy", false, DUET_OK, &error);
    path_of(path, "toy", "");
    duet_run *run = NULL;
    assert_ok(duet_run_open_on(&run, path, device, NULL, NULL, &error), &error);
    assert_ptr_equal(duet_run_device(run), device);
    duet_wanted wanted = {DUET_SAMPLE, expected};
    const duet_request request = {.count = COUNT, .seed = 3, .outputs = &wanted, .output_count = 1};
    assert_ok(duet_run_use(run, &request, &error), &error);
    wanted.values = NULL;
    cl_mem buffer = new_buffer(own.context, CL_MEM_READ_WRITE, sizeof found), none = NULL;
    assert_ok(duet_run_use_buffers(run, &request, &buffer, &error), &error);
    assert_int_equal(clEnqueueReadBuffer(own.queue, buffer, CL_TRUE, 0, sizeof found, found, 0, NULL, NULL),
                     CL_SUCCESS);
    assert_memory_equal(found, expected, sizeof found);
    assert_status(duet_run_use_buffers(run, &request, &none, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "no room");
    clReleaseMemObject(buffer);
    buffer = new_buffer(own.context, CL_MEM_READ_WRITE, sizeof found - 4);
    error = (duet_error){0};
    assert_status(duet_run_use_buffers(run, &request, &buffer, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "the given buffer has 1836 bytes, and 1840");
    clReleaseMemObject(buffer);
    duet_run_close(&run);
}

/* ---- arrays ---- */

enum { ROWS = 40, WIDTH = 3 };

/* The training examples of a set in memory at `rows`, as the device reads them. Returns where the host has them in the
 * buffer's own words; NULL: it is a copy. */
static const void *read_batch(const void *rows, float values[(ROWS - 4) * WIDTH])
{
    enum { TRAINED = ROWS - 4 };
    duet_error error = {0};
    duet_data *data = NULL;
    void *host = NULL;
    duet_own_data set = {.name = "mine", .shape = DUET_SHAPE(WIDTH), .type = DUET_FLOAT32, .count = {ROWS}};
    set.examples[DUET_TRAIN] = rows;
    set.division = DUET_DIVISION_LAST;
    assert_ok(duet_data_from_memory(&data, &set, &error), &error);
    workshop w = workshop_open(1);
    duet_node draws = duet_state(w.graph, "draws", DUET_UINT32, DUET_SCALAR_SHAPE, (duet_initialiser){0});
    duet_node batch = duet_data_batch(data, w.graph, DUET_TRAIN, TRAINED, draws, false);
    workshop_plan(&w, "rows", &batch, 1);
    assert_ok(duet_plan_replay(w.plan, &error), &error);
    assert_ok(duet_plan_read(w.plan, batch, values, TRAINED * WIDTH * sizeof *values, &error), &error);
    const cl_mem buffer = data->parts[DUET_TRAIN].resident->storage->buffer;
    assert_int_equal(clGetMemObjectInfo(buffer, CL_MEM_HOST_PTR, sizeof(void *), &host, NULL), CL_SUCCESS);
    workshop_close(&w);
    duet_data_close(&data);
    return host;
}

static void arrays_are_read_where_they_lie(void **state)
{
    (void)state;
    enum { TRAINED = ROWS - 4 };
    float values[ROWS * WIDTH], found[TRAINED * WIDTH];
    char crooked[sizeof values + 4];
    size_t odd = (uintptr_t)crooked % 2 == 0; /* begins within a float, which has to be copied */
    const bool shared = duet_device_describe(device)->kind == DUET_DEVICE_CPU;
    for (size_t i = 0; i < ROWS * WIDTH; i++) values[i] = (float)(i % 7) - 2;
    memcpy(crooked + odd, values, sizeof values);
    assert_ptr_equal(read_batch(values, found), shared ? values : NULL);
    assert_memory_equal(found, values, sizeof found);
    memset(found, 0, sizeof found);
    assert_null(read_batch(crooked + odd, found));
    assert_memory_equal(found, values, sizeof found);
}

/* Which memory a buffer can lie over, by what a device is. */
static void memory_is_shared_as_devices_reach_it(void **state)
{
    (void)state;
    enum { PAGE = 4096 };
    static char memory[3 * PAGE];
    const char *page = memory + (PAGE - (uintptr_t)memory % PAGE) % PAGE;
    static const struct {
        duet_device_kind kind;
        size_t at, bytes, element;
        bool shared;
    } rows[] = {
        {DUET_DEVICE_CPU, 1, 63, 1, true},           {DUET_DEVICE_CPU, 4, 64, 4, true},
        {DUET_DEVICE_CPU, 2, 64, 4, false},          {DUET_DEVICE_INTEGRATED, 0, 128, 4, true},
        {DUET_DEVICE_INTEGRATED, 0, 100, 4, false},  {DUET_DEVICE_INTEGRATED, 64, 128, 4, false},
        {DUET_DEVICE_GPU, 0, 128, 4, false},         {DUET_DEVICE_CPU, 0, 0, 1, false},
        {DUET_DEVICE_ACCELERATOR, 0, 128, 4, false},
    };
    const duet_device_kind kind = device->info.kind;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        device->info.kind = rows[i].kind;
        cl_mem made = duet_buffer_over(device, page + rows[i].at, rows[i].bytes, rows[i].element);
        device->info.kind = kind;
        if ((made != NULL) != rows[i].shared) fail_msg("row %zu", i);
        duet_buffer_free(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_kernels_and_plans_run_in_order),  cmocka_unit_test(queues_that_do_not_fit_are_refused),
        cmocka_unit_test(a_queue_with_stamps_is_timed),        cmocka_unit_test(what_was_given_is_given_back),
        cmocka_unit_test(states_lie_in_the_programs_buffers),  cmocka_unit_test(another_queue_waits),
        cmocka_unit_test(buffers_that_do_not_fit_are_refused), cmocka_unit_test(samples_go_to_the_programs_buffer),
        cmocka_unit_test(arrays_are_read_where_they_lie),      cmocka_unit_test(memory_is_shared_as_devices_reach_it),
    };
    return RUN_TESTS("callers", tests, open_own, close_own);
}
