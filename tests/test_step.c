/* SPDX-License-Identifier: MIT */
/* A training step is launches and nothing else: a layer under the OpenCL loader counts what steps 2, 3, ... ask of the
 * driver, and malloc of this program's own counts what they ask of the heap. */
#define _GNU_SOURCE /* dladdr */
#include "train_models.h"

#include <dlfcn.h>

#include "layer_count.h"

/* The heap. Only calls made by our own code count: drivers do as they like, on threads of theirs above all. */

static _Thread_local bool counting;
static size_t allocations;

#ifdef __GLIBC__
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);

static void note_allocation(const void *caller)
{
    Dl_info info;
    if (!counting || dladdr(caller, &info) == 0 || !info.dli_fname) return;
    if (strstr(info.dli_fname, "libduet") || strstr(info.dli_fname, "test_step")) allocations++;
}

void *malloc(size_t bytes)
{
    note_allocation(__builtin_return_address(0));
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    note_allocation(__builtin_return_address(0));
    return __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    note_allocation(__builtin_return_address(0));
    return __libc_realloc(old, bytes);
}
#endif

/* The calls. */

static layer_tally *find_tally(void)
{
    void *module = dlopen(TEST_LAYER, RTLD_NOW | RTLD_NOLOAD);
    if (!module) fail_msg("the OpenCL loader did not take the layer %s", TEST_LAYER);
    layer_counts_function *function;
    void *symbol = dlsym(module, "layer_counts");
    assert_non_null(symbol);
    memcpy(&function, &symbol, sizeof function); /* C has no cast from an object to a function */
    return function();
}

static void print_counts(const layer_tally *tally)
{
    static const char *const callers[] = {"Duet", "CLBlast"};
    for (int i = 0; i < LAYER_CALLERS; i++) {
        const uint64_t *count = tally->count[i];
        print_message(
            "%s: %zu buffers, %zu objects, %zu arguments, %zu transfers, %zu waits, %zu events, %zu launches\n",
            callers[i], (size_t)count[LAYER_BUFFERS], (size_t)count[LAYER_OBJECTS], (size_t)count[LAYER_ARGUMENTS],
            (size_t)count[LAYER_TRANSFERS], (size_t)count[LAYER_WAITS], (size_t)count[LAYER_EVENTS],
            (size_t)count[LAYER_LAUNCHES]);
    }
}

static void assert_nothing_but_launches(const layer_tally *tally, uint64_t launches)
{
    const uint64_t *ours = tally->count[LAYER_OURS];
    assert_int_equal(ours[LAYER_BUFFERS], 0);
    assert_int_equal(ours[LAYER_OBJECTS], 0);
    assert_int_equal(ours[LAYER_ARGUMENTS], 0);
    assert_int_equal(ours[LAYER_TRANSFERS], 0);
    assert_in_range(ours[LAYER_WAITS], 0, 1);
    assert_in_range(ours[LAYER_EVENTS], 0, 1);
    assert_true(tally->nearest_wait >= 4);
    assert_true(ours[LAYER_LAUNCHES] > 0);
    if (launches) assert_int_equal(ours[LAYER_LAUNCHES], launches);
}

/* Of a step that is fed: each of its draws is sent, examples alone, and waited for a few draws later. */
static void assert_only_draws_are_moved(const layer_tally *tally, uint64_t draws)
{
    const uint64_t *ours = tally->count[LAYER_OURS];
    assert_int_equal(ours[LAYER_BUFFERS], 0);
    assert_int_equal(ours[LAYER_OBJECTS], 0);
    assert_int_equal(ours[LAYER_ARGUMENTS], 0);
    assert_int_equal(ours[LAYER_TRANSFERS], draws);
    assert_in_range(ours[LAYER_WAITS], 0, draws + 1);
    assert_in_range(ours[LAYER_EVENTS], 0, 2 * draws + 1);
    assert_true(ours[LAYER_LAUNCHES] > 0);
}

enum { STEPS = 14 }; /* across the end of two epochs */

/* Trains a few steps and looks at each after the first. `streamed_draws`: of a step; 0: the data lie on the device. */
static void count_steps(const char *family, const char *provider, uint64_t streamed_draws, uint64_t *clblast_launches)
{
    char folder[TEST_PATH_SIZE], path[TEST_PATH_SIZE + 16];
    test_parts parts;
    duet_error error = {0};
    test_folder_new(folder);
    (void)snprintf(path, sizeof path, "%s/pictures.npy", folder);
    test_write_examples(path, DUET_SHAPE(6, 6, 1));
    duet_device *device = test_device_open();
    layer_tally *tally = find_tally();
    assert_ok(duet_device_set_gemm(device, provider, &error), &error);
    memset(tally, 0, sizeof *tally);
    test_parts_open(&parts, device, duet_family_find(family), path, NULL, 0);
    if (streamed_draws > 0) {
        duet_trainer_free(&parts.trainer);
        duet_data_set_streaming(parts.data, true);
        assert_ok(duet_trainer_new(&parts.trainer, device, parts.model, TEST_BATCH, &error), &error);
    }
    assert_true(tally->count[LAYER_OURS][LAYER_BUFFERS] > 0); /* the layer sees us */
    assert_true(tally->count[LAYER_OURS][LAYER_OBJECTS] > 0);

    uint64_t launches = 0, step = 0;
    double loss;
    duet_status status = duet_trainer_step(parts.trainer, &error);
    if (status == DUET_OK) status = duet_trainer_losses(parts.trainer, &loss, 1, &error); /* waits for compilers too */
    for (step = 1; status == DUET_OK && step < STEPS; step++) {
        memset(tally->count, 0, sizeof tally->count);
        tally->step = step;
        tally->nearest_wait = UINT64_MAX;
        allocations = 0;
        counting = true;
        status = duet_trainer_step(parts.trainer, &error);
        counting = false;
        if (step == 1 || step == STEPS - 1) print_counts(tally);
        if (streamed_draws > 0)
            assert_only_draws_are_moved(tally, streamed_draws);
        else
            assert_nothing_but_launches(tally, launches);
        assert_int_equal(allocations, 0);
        launches = tally->count[LAYER_OURS][LAYER_LAUNCHES];
        if (step == STEPS - 1) /* the queue is bounded */
            assert_in_range(tally->count[LAYER_OURS][LAYER_WAITS], 1, 1 + streamed_draws);
        if (clblast_launches) *clblast_launches = tally->count[LAYER_CLBLAST][LAYER_LAUNCHES];
    }
    assert_ok(status, &error);
    test_parts_close(&parts);
    duet_device_close(&device);
    test_folder_remove(folder);
}

static void vae_steps_only_launch(void **state)
{
    (void)state;
    count_steps("vae", NULL, 0, NULL);
}

static void gan_steps_only_launch(void **state)
{
    (void)state;
    count_steps("gan", NULL, 0, NULL);
}

static void streamed_steps_move_their_draws_alone(void **state)
{
    (void)state;
    count_steps("vae", NULL, 1, NULL);
    count_steps("gan", NULL, 1, NULL);
}

static void vae_steps_only_launch_beside_clblast(void **state)
{
    (void)state;
    uint64_t launches = 0;
    count_steps("vae", "clblast", 0, &launches);
    assert_true(launches > 0);
}

/* Looks at a procedure's repeats from between them. */
typedef struct repeats {
    layer_tally *tally;
    uint64_t seen, launches, total, faults;
} repeats;

static void look_at_repeat(void *context, uint64_t repeat, uint64_t total)
{
    repeats *it = context;
    const uint64_t *ours = it->tally->count[LAYER_OURS];
    counting = false;
    if (repeat > 1) { /* after the first, whose kernels drivers compile */
        it->faults += ours[LAYER_BUFFERS] + ours[LAYER_OBJECTS] + ours[LAYER_ARGUMENTS] + ours[LAYER_TRANSFERS];
        it->faults += ours[LAYER_WAITS] > 1 || ours[LAYER_LAUNCHES] == 0 || it->tally->nearest_wait < 8;
        it->faults += allocations;
        it->launches += ours[LAYER_LAUNCHES];
        it->seen++;
    }
    if (it->faults > 0 && it->faults < 4) print_counts(it->tally);
    it->total = total;
    memset(it->tally->count, 0, sizeof it->tally->count);
    it->tally->step = repeat + 1;
    it->tally->nearest_wait = UINT64_MAX;
    allocations = 0;
    counting = repeat < total;
}

/* 784 pixels are 784 replays of one plan: nothing is made or moved between them, and the host waits for old ones. */
static void sampling_pixel_by_pixel_only_launches(void **state)
{
    (void)state;
    enum { PIXELS = 784, ROWS = 4 };
    char folder[TEST_PATH_SIZE], path[TEST_PATH_SIZE + 16], directory[TEST_PATH_SIZE + 16];
    static float samples[ROWS * PIXELS];
    duet_error error = {0};
    duet_run *run = NULL;
    test_folder_new(folder);
    (void)snprintf(path, sizeof path, "%s/pictures.npy", folder);
    (void)snprintf(directory, sizeof directory, "%s/made", folder);
    test_write_examples(path, DUET_SHAPE(28, 28, 1));
    const duet_train_options options = {
        .family = duet_family_find("made"), .data = path, .steps = 1, .batch = TEST_BATCH, .out = directory};
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
    assert_ok(duet_run_open(&run, directory, NULL, &error), &error);
    repeats looked = {.tally = find_tally()};
    const duet_wanted wanted = {DUET_SAMPLE, samples};
    const duet_request request = {
        .count = ROWS, .outputs = &wanted, .output_count = 1, .progress = look_at_repeat, .context = &looked};
    assert_ok(duet_run_use(run, &request, &error), &error);
    assert_int_equal(looked.total, PIXELS);
    assert_int_equal(looked.seen, PIXELS - 1);
    assert_int_equal(looked.faults, 0);
    print_message("%zu launches in %d repeats\n", (size_t)looked.launches, PIXELS - 1);
    duet_run_close(&run);
    test_folder_remove(folder);
}

/* The counters count: each kind, made to happen once. */
static void layer_and_heap_count(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device *device = test_device_open();
    layer_tally *tally = find_tally();
    allocations = 0;
    counting = true;
    duet_store *store = duet_store_new(1);
    duet_graph *graph = duet_graph_new(store);
    duet_node x = duet_input(graph, "x", DUET_FLOAT32, DUET_SHAPE(3)), y = duet_exp(x);
    counting = false;
    float values[3] = {1, 2, 3};
    duet_plan *plan = NULL;
    memset(tally, 0, sizeof *tally);
    tally->nearest_wait = UINT64_MAX;
    duet_status status = duet_plan_new(&plan, device, "counted", &y, 1, &error);
    if (status == DUET_OK) status = duet_plan_write(plan, x, values, sizeof values, &error);
    if (status == DUET_OK) status = duet_plan_replay(plan, &error);
    if (status == DUET_OK) status = duet_plan_read(plan, y, values, sizeof values, &error);
    const uint64_t *ours = tally->count[LAYER_OURS];
    print_counts(tally);
    assert_ok(status, &error);
    assert_true(ours[LAYER_BUFFERS] >= 2);
    assert_true(ours[LAYER_OBJECTS] >= 2); /* a program, a kernel */
    assert_true(ours[LAYER_ARGUMENTS] >= 4);
    assert_true(ours[LAYER_TRANSFERS] >= 2);
    assert_true(ours[LAYER_WAITS] >= 2);
    assert_int_equal(ours[LAYER_LAUNCHES], 1);
    assert_int_equal(tally->nearest_wait, 0);
#ifdef __GLIBC__
    assert_true(allocations > 0);
#endif
    duet_plan_free(&plan);
    duet_graph_free(&graph);
    duet_store_free(&store);
    duet_device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_and_heap_count),
        cmocka_unit_test(vae_steps_only_launch),
        cmocka_unit_test(gan_steps_only_launch),
        cmocka_unit_test(streamed_steps_move_their_draws_alone),
        cmocka_unit_test(vae_steps_only_launch_beside_clblast),
        cmocka_unit_test(sampling_pixel_by_pixel_only_launches),
    };
    if (setenv("OPENCL_LAYERS", TEST_LAYER, 1) != 0) return EXIT_FAILURE;
    return RUN_TESTS("step", tests, NULL, NULL);
}
