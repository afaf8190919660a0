/* SPDX-License-Identifier: MIT */
/* Training examples that are read while the device works: the same bytes as with all of them on it, whatever the model
 * draws and wherever a run is stopped; and what happens where they cannot be read. */
#include "picture_files.h"
#include "run_recipes.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "data/data.h"
#include "device/record.h"
#include "op/random.h"

enum { PIXELS = 8 * 8 };

static char bytes[PATH], labelled[PATH], ordered[PATH];

static const char *const cvae_settings[] = {"hidden=12", "latent=3"};
static const char *const in_order_settings[] = {"hidden=12", "latent=3", "shuffle=no"};
static const char *const game_settings[] = {"generator_hidden=8", "discriminator_hidden=8", "latent=2", "k=3"};

/* Of each kind: floats and bytes, a draw a step and three, labels, in order, examples alone and labels beside them. */
static recipe recipes[] = {
    {"vae", pictures, vae_settings, 2, 23, 7},   {"vae", bytes, vae_settings, 2, 23, 7},
    {"vae", bytes, in_order_settings, 3, 23, 7}, {"vae", ordered, in_order_settings, 3, 11, 7},
    {"gan", bytes, game_settings, 4, 11, 4},     {"cvae", labelled, cvae_settings, 2, 23, 7},
    {"classifier", labelled, NULL, 0, 6, 4},
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

static void streamed(const recipe *what, const char *run, bool resume, uint64_t steps)
{
    duet_error error;
    duet_train_options options = options_of(what);
    options.stream = true;
    options.steps = steps;
    train(options, run, resume, DUET_OK, &error);
}

static void streamed_runs_leave_the_bytes_of_resident_ones(void **state)
{
    const recipe *what = *state;
    char resident[32], other[32];
    (void)snprintf(resident, sizeof resident, "resident-%td", what - recipes);
    (void)snprintf(other, sizeof other, "streamed-%td", what - recipes);
    train_well(what, resident);
    streamed(what, other, false, what->steps);
    assert_same_run(resident, other);
}

/* A streamed run that was stopped goes on streamed or not, and the other way round, to the bytes of the first test. */
static void runs_go_on_either_way(void **state)
{
    (void)state;
    for (size_t i = 4; i < 6; i++) {
        char resident[32];
        (void)snprintf(resident, sizeof resident, "resident-%zu", i);
        recipe part = recipes[i];
        part.steps = 5;
        char names[3][32];
        for (size_t k = 0; k < 3; k++) (void)snprintf(names[k], sizeof names[k], "part-%zu-%zu", i, k);
        streamed(&part, names[0], false, 5);
        streamed(&recipes[i], names[0], true, recipes[i].steps);
        assert_same_run(resident, names[0]);
        streamed(&part, names[1], false, 5);
        resume_well(&recipes[i], names[1]);
        assert_same_run(resident, names[1]);
        train_well(&part, names[2]);
        streamed(&recipes[i], names[2], true, recipes[i].steps);
        assert_same_run(resident, names[2]);
    }
}

/* The order. */

static void the_host_draws_what_the_device_draws(void **state)
{
    (void)state;
    static const uint32_t draws[] = {0, 1, 2, 6, 7, 1000, UINT32_MAX - 1, UINT32_MAX};
    static const size_t sizes[][2] = {{5, 40}, {7, 7}, {8, 1000003}, {9, 4}};
    duet_device *device = test_device_open();
    for (size_t k = 0; k < 2 * sizeof sizes / sizeof *sizes; k++) {
        duet_error error = {0};
        duet_store *store = duet_store_new(UINT64_C(0x123456789abcdef));
        duet_graph *graph = duet_graph_new(store);
        duet_plan *plan = NULL;
        uint32_t rows[9];
        const size_t count = sizes[k / 2][0], n = sizes[k / 2][1];
        const duet_row_order drawing = {UINT64_C(0x123456789abcdef), 1, count, n, k % 2 == 0};
        duet_node number = duet_input(graph, "draws", DUET_UINT32, DUET_SCALAR_SHAPE);
        duet_node other = duet_shuffled(number, 3, 5); /* which takes stream 0 */
        duet_node roots[] = {k % 2 == 0 ? duet_shuffled(number, count, n) : duet_in_order(number, count, n), other};
        assert_ok(duet_plan_new(&plan, device, "rows", roots, 2, &error), &error);
        for (size_t d = 0; d < sizeof draws / sizeof *draws; d++) {
            assert_ok(duet_plan_write(plan, number, &draws[d], sizeof draws[d], &error), &error);
            assert_ok(duet_plan_replay(plan, &error), &error);
            assert_ok(duet_plan_read(plan, roots[0], rows, count * sizeof *rows, &error), &error);
            for (uint32_t i = 0; i < count; i++) assert_int_equal(rows[i], duet_row_drawn(&drawing, draws[d], i));
        }
        duet_plan_free(&plan);
        duet_graph_free(&graph);
        duet_store_free(&store);
    }
    duet_device_close(&device);
}

/* What does not fit. */

typedef struct said {
    char text[4096];
} said;

static void keep_lines(void *context, const char *line)
{
    said *all = context;
    size_t length = strlen(all->text);
    (void)snprintf(all->text + length, sizeof all->text - length, "%s\n", line);
}

/* The checkpoint after a few steps on the device as it is. */
static void train_steps(duet_device *device, duet_data *data, const char *checkpoint)
{
    duet_error error = {0};
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    assert_ok(duet_model_new(&model, duet_family_find("vae"), data, vae_settings, 2, 3, &error), &error);
    assert_ok(duet_trainer_new(&trainer, device, model, TEST_BATCH, &error), &error);
    for (size_t i = 0; i < 13; i++) assert_ok(duet_trainer_step(trainer, &error), &error);
    assert_ok(duet_trainer_save(trainer, in_folder(checkpoint), &error), &error);
    duet_trainer_free(&trainer);
    duet_model_free(&model);
}

/* A device that says that it is small. */
static void what_does_not_fit_is_streamed(void **state)
{
    (void)state;
    enum { ROWS = 4000 };
    duet_error error = {0};
    duet_data *data = NULL;
    uint8_t *values = malloc((size_t)ROWS * PIXELS);
    assert_non_null(values);
    for (size_t i = 0; i < (size_t)ROWS * PIXELS; i++) values[i] = pattern(i);
    const duet_own_data set = {
        .name = "large", .shape = DUET_SHAPE(PIXELS), .type = DUET_UINT8, .count = {ROWS}, .examples = {values}};
    assert_ok(duet_data_from_memory(&data, &set, &error), &error);
    static const struct {
        uint64_t allocation, memory;
        bool streams;
    } limits[] = {{UINT64_MAX, UINT64_MAX, false},
                  {200000, UINT64_MAX, true},
                  {UINT64_MAX, 200000, true},
                  {UINT64_MAX, 400000, false}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        said lines = {""};
        duet_device *device = test_device_open();
        if (limits[i].allocation < UINT64_MAX) device->info.allocation_bytes = limits[i].allocation;
        if (limits[i].memory < UINT64_MAX) device->info.memory_bytes = limits[i].memory;
        duet_device_set_log(device, keep_lines, &lines);
        train_steps(device, data, i == 0 ? "resident.safetensors" : "streamed.safetensors");
        assert_int_equal(strstr(lines.text, "large: 0 MB of training examples do not fit on ") != NULL,
                         limits[i].streams);
        assert_int_equal(strstr(lines.text, "they are streamed") != NULL, limits[i].streams);
        assert_true(test_same_file(in_folder("resident.safetensors"),
                                   in_folder(i == 0 ? "resident.safetensors" : "streamed.safetensors")));
        duet_data_leave_device(data);
        duet_device_close(&device);
    }
    duet_data_close(&data);
    free(values);
}

static void generated_sets_are_not_streamed(void **state)
{
    (void)state;
    said lines = {""};
    duet_error error;
    duet_train_options options = options_of(&toy);
    options.steps = 4;
    options.stream = true;
    options.log = keep_lines;
    options.context = &lines;
    train(options, "toy", false, DUET_OK, &error);
    assert_non_null(strstr(lines.text, "note: ring8 is generated on the device"));
}

/* A row of these costs reading what lies before it: refused, and the remedy is tried. */
static void compressed_files_are_converted_first(void **state)
{
    (void)state;
    static char members[12][32];
    const char *list[13] = {NULL};
    write_idx("packed-idx3.gz", DIMS(40, 8, 8), 0);
    make_inner("zipped");
    write_pictures("zipped/", 12, 0);
    for (size_t k = 0; k < 12; k++) {
        (void)snprintf(members[k], sizeof members[k], "zipped/%zu.png", k);
        list[k] = members[k];
    }
    write_archive("zipped.zip", list, false);
    static const char *const names[] = {"packed-idx3.gz", "zipped.zip"};
    for (size_t i = 0; i < 2; i++) {
        duet_error error;
        duet_data *data = NULL;
        char name[PATH], converted[PATH];
        (void)snprintf(name, sizeof name, "%s", in_folder(names[i]));
        (void)snprintf(converted, sizeof converted, "%s/converted-%zu.npz", folder, i);
        recipe what = {"vae", name, vae_settings, 2, 3, 0};
        duet_train_options options = options_of(&what);
        options.stream = true;
        train(options, "refused", false, DUET_ERROR_DATA, &error);
        assert_message(&error, "cannot be streamed from a compressed file or an archive");
        assert_message(&error, "--convert FILE.npz");
        assert_message(&error, name);
        error = (duet_error){0};
        assert_ok(duet_data_open(&data, name, &error), &error);
        assert_ok(duet_data_convert(data, converted, &error), &error);
        duet_data_close(&data);
        what.data = converted;
        char run[32];
        (void)snprintf(run, sizeof run, "converted-%zu", i);
        streamed(&what, run, false, 3);
    }
    recipe unpacked = {"vae", in_folder("zipped"), vae_settings, 2, 3, 0}; /* a file a row */
    train_well(&unpacked, "unpacked");
    streamed(&unpacked, "unpacked-streamed", false, 3);
    assert_same_run("unpacked", "unpacked-streamed");
}

static duet_status fill_bright(void *context, duet_split split, size_t first, size_t count, void *examples,
                               duet_error *error)
{
    (void)split;
    (void)first;
    (void)error;
    memset(examples, 200, count * *(const size_t *)context);
    return DUET_OK;
}

static void a_batch_too_large_is_refused(void **state)
{
    (void)state;
    static const size_t numbers = (size_t)4000 * 3000;
    duet_error error = {0};
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    duet_device *device = test_device_open();
    const duet_own_data set = {
        .name = "vast", .shape = DUET_SHAPE(4000, 3000, 1), .type = DUET_UINT8, .count = {100, 1}};
    assert_ok(duet_data_from_callback(&data, &set, fill_bright, (void *)(uintptr_t)&numbers, &error), &error);
    duet_data_set_streaming(data, true);
    assert_ok(duet_model_new(&model, duet_family_find("vae"), data, vae_settings, 2, 3, &error), &error);
    assert_status(duet_trainer_new(&trainer, device, model, 100, &error), DUET_ERROR_MEMORY, &error);
    assert_message(&error, "vast: 4 batches of 100 examples of 12000000 numbers");
    assert_message(&error, "use a smaller batch");
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
}

/* Files that change. */

typedef struct harm {
    const char *path;
    uint64_t at;
} harm;

static void do_harm(void *context, const duet_progress *progress)
{
    harm *it = context;
    if (progress->step != it->at || !progress->report) return;
    if (truncate(it->path, 200) != 0) fail();
}

static void a_file_that_is_cut_meanwhile_is_found(void **state)
{
    (void)state;
    char path[PATH], cut[PATH];
    duet_error error;
    uint64_t step = 0;
    size_t size;
    (void)snprintf(cut, sizeof cut, "%s/cut.npy", folder);
    char *content = test_file_read(bytes, &size);
    test_file_write(cut, content, size);
    harm plan = {.path = cut, .at = 5};
    const recipe what = {"vae", cut, vae_settings, 2, 40, 3};
    duet_train_options options = options_of(&what);
    options.stream = true;
    options.progress = do_harm;
    options.context = &plan;
    train(options, "cut", false, DUET_ERROR_DATA, &error);
    assert_message(&error, "cut.npy: was changed while it was in use");
    path_of(path, "cut", "");
    duet_checkpoint_facts facts;
    assert_ok(duet_checkpoint_check(path, &facts, &error), (error = (duet_error){0}, &error));
    step = facts.step;
    assert_in_range(step, 3, 9);         /* the last one before it was found */
    test_file_write(cut, content, size); /* put back, it goes on to the bytes of one that was left alone */
    free(content);
    streamed(&what, "cut", true, 40);
    streamed(&what, "left-alone", false, 40);
    assert_same_run("left-alone", "cut");
}

/* A file of that name which is another one by now is not read as the one that was opened. */
static void a_file_that_is_replaced_is_found(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    char path[PATH];
    size_t size;
    (void)snprintf(path, sizeof path, "%s/replaced.npy", folder);
    char *content = test_file_read(bytes, &size);
    test_file_write(path, content, size);
    duet_device *device = test_device_open();
    assert_ok(duet_data_open(&data, path, &error), &error);
    duet_data_set_streaming(data, true);
    assert_int_equal(rename(path, in_folder("moved.npy")), 0);
    test_file_write(path, content, size);
    free(content);
    assert_ok(duet_model_new(&model, duet_family_find("vae"), data, vae_settings, 2, 3, &error), &error);
    assert_status(duet_trainer_new(&trainer, device, model, TEST_BATCH, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "replaced.npy: was changed while it was in use");
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
}

/* Readers that take their time. */

typedef struct slow {
    const uint8_t *values;
    atomic_int readers, rows; /* at work; read so far */
    atomic_bool together;     /* two were at work at once */
    long nanoseconds;         /* that a row takes */
    int most_rows;            /* from that one on it hangs; 0: never */
    pthread_t trains;         /* who is interrupted then */
    const char *checkpoint;   /* and is to write this */
    atomic_bool hung, came;
} slow;

static volatile int interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static void sleep_for(long nanoseconds)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
}

/* As a disk that does not answer: it does when the run has been stopped, or after a minute. */
static void hang(slow *it)
{
    if (atomic_exchange(&it->hung, true)) return;
    (void)pthread_kill(it->trains, SIGINT);
    for (int i = 0; i < 6000 && !it->came; i++) {
        it->came = access(it->checkpoint, F_OK) == 0;
        sleep_for(10000000);
    }
}

static duet_status read_slowly(void *context, duet_split split, size_t first, size_t count, void *examples,
                               duet_error *error)
{
    slow *it = context;
    (void)split;
    (void)error;
    if (atomic_fetch_add(&it->readers, 1) > 0) it->together = true;
    if (it->nanoseconds > 0) sleep_for(it->nanoseconds);
    if (it->most_rows > 0 && atomic_fetch_add(&it->rows, (int)count) > it->most_rows) hang(it);
    memcpy(examples, it->values + first * PIXELS, count * PIXELS);
    atomic_fetch_sub(&it->readers, 1);
    return DUET_OK;
}

static duet_data *open_slow(slow *it, uint8_t values[TEST_EXAMPLES * PIXELS])
{
    duet_error error = {0};
    duet_data *data = NULL;
    for (size_t i = 0; i < (size_t)TEST_EXAMPLES * PIXELS; i++) values[i] = pattern(i);
    it->values = values;
    const duet_own_data set = {
        .name = "slow", .shape = DUET_SHAPE(8, 8, 1), .type = DUET_UINT8, .count = {TEST_EXAMPLES}};
    assert_ok(duet_data_from_callback(&data, &set, read_slowly, it, &error), &error);
    return data;
}

static void slow_readers_change_nothing(void **state)
{
    (void)state;
    static uint8_t values[TEST_EXAMPLES * PIXELS];
    duet_error error;
    for (int i = 0; i < 2; i++) {
        slow it = {.nanoseconds = 0};
        duet_data *data = open_slow(&it, values);
        duet_train_options options = options_of(&recipes[4]);
        it.nanoseconds = i == 0 ? 0 : 500000;
        options.own_data = data;
        options.stream = i == 1;
        train(options, i == 0 ? "quick" : "slow", false, DUET_OK, &error);
        duet_data_close(&data);
        assert_false(it.together);
    }
    assert_same_run("quick", "slow");
}

/* While the feed reads the training split, the program may: one call at a time. */
static void a_function_is_asked_by_one_thread_at_a_time(void **state)
{
    (void)state;
    static uint8_t values[TEST_EXAMPLES * PIXELS];
    float row[PIXELS];
    duet_error error = {0};
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    slow it = {.nanoseconds = 0};
    duet_data *data = open_slow(&it, values);
    it.nanoseconds = 100000;
    duet_device *device = test_device_open();
    duet_data_set_streaming(data, true);
    assert_ok(duet_model_new(&model, duet_family_find("vae"), data, vae_settings, 2, 3, &error), &error);
    assert_ok(duet_trainer_new(&trainer, device, model, TEST_BATCH, &error), &error);
    for (size_t i = 0; i < 20; i++) {
        assert_ok(duet_trainer_step(trainer, &error), &error);
        assert_ok(duet_data_read(data, DUET_TRAIN, i, 1, row, &error), &error);
        for (size_t k = 0; k < PIXELS; k++) assert_close(row[k], pattern(i * PIXELS + k) / 255.0f, 1e-6);
    }
    assert_false(it.together);
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
}

/* A stop that is asked for while a batch is waited for takes effect before it comes. */
static void a_wait_for_the_disk_can_be_stopped(void **state)
{
    (void)state;
    static uint8_t values[TEST_EXAMPLES * PIXELS];
    char checkpoint[PATH];
    duet_error error;
    slow it = {.checkpoint = checkpoint, .trains = pthread_self()};
    path_of(checkpoint, "hung", "checkpoint.safetensors");
    duet_data *data = open_slow(&it, values);
    it.most_rows = 4 * TEST_BATCH;
    duet_train_options options = options_of(&recipes[0]);
    options.own_data = data;
    options.stream = true;
    options.checkpoint_every = 0;
    options.stop = &interrupted;
    void (*before)(int) = signal(SIGINT, interrupt);
    assert_true(before != SIG_ERR);
    train(options, "hung", false, DUET_ERROR_INTERRUPTED, &error);
    assert_true(signal(SIGINT, before) != SIG_ERR);
    assert_true(it.came);
    duet_data_close(&data);
}

static int begin_all(void **state)
{
    uint8_t values[TEST_EXAMPLES * PIXELS], labels[TEST_EXAMPLES];
    duet_error error = {0};
    char path[PATH];
    (void)begin(state);
    for (size_t i = 0; i < sizeof values; i++) values[i] = pattern(i);
    for (size_t i = 0; i < TEST_EXAMPLES; i++) labels[i] = (uint8_t)(i * 7 / 5 % 4);
    path_of(bytes, "bytes.npy", "");
    assert_ok(duet_write_npy_bytes(bytes, values, DUET_SHAPE(TEST_EXAMPLES, 8, 8, 1), &error), &error);
    (void)snprintf(ordered, sizeof ordered, "%.500s:split=last", bytes);
    make_inner("set");
    path_of(path, "set/train.npy", "");
    assert_ok(duet_write_npy_bytes(path, values, DUET_SHAPE(TEST_EXAMPLES, 8, 8, 1), &error), &error);
    path_of(path, "set/train-labels.npy", "");
    assert_ok(duet_write_npy_bytes(path, labels, DUET_SHAPE(TEST_EXAMPLES), &error), &error);
    path_of(labelled, "set", "");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ROW("vae_on_floats", streamed_runs_leave_the_bytes_of_resident_ones, &recipes[0]),
        TEST_ROW("vae_on_bytes", streamed_runs_leave_the_bytes_of_resident_ones, &recipes[1]),
        TEST_ROW("vae_in_order", streamed_runs_leave_the_bytes_of_resident_ones, &recipes[2]),
        TEST_ROW("vae_in_the_order_of_the_file", streamed_runs_leave_the_bytes_of_resident_ones, &recipes[3]),
        TEST_ROW("gan", streamed_runs_leave_the_bytes_of_resident_ones, &recipes[4]),
        TEST_ROW("cvae", streamed_runs_leave_the_bytes_of_resident_ones, &recipes[5]),
        TEST_ROW("classifier", streamed_runs_leave_the_bytes_of_resident_ones, &recipes[6]),
        cmocka_unit_test(runs_go_on_either_way),
        cmocka_unit_test(the_host_draws_what_the_device_draws),
        cmocka_unit_test(what_does_not_fit_is_streamed),
        cmocka_unit_test(generated_sets_are_not_streamed),
        cmocka_unit_test(compressed_files_are_converted_first),
        cmocka_unit_test(a_batch_too_large_is_refused),
        cmocka_unit_test(a_file_that_is_cut_meanwhile_is_found),
        cmocka_unit_test(a_file_that_is_replaced_is_found),
        cmocka_unit_test(slow_readers_change_nothing),
        cmocka_unit_test(a_function_is_asked_by_one_thread_at_a_time),
        cmocka_unit_test(a_wait_for_the_disk_can_be_stopped),
    };
    return RUN_TESTS("streaming", tests, begin_all, remove_folder);
}
