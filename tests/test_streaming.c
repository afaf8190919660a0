/* SPDX-License-Identifier: MIT */
/* Training examples that are read while the device works: the same bytes as with all of them on it, whatever the model
 * draws, wherever a run is stopped and however long reading takes. */
#include "streaming_parts.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "op/random.h"

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

/* Readers that take their time. */

typedef struct slow {
    const uint8_t *values;
    atomic_int readers, rows; /* at work; read so far */
    atomic_bool together;     /* two were at work at once */
    long nanoseconds;         /* that a row takes */
    int most_rows;            /* from that one on it hangs, or fails; 0: never */
    bool fails;
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
    if (it->fails && atomic_fetch_add(&it->rows, (int)count) > it->most_rows) {
        (void)snprintf(error->message, sizeof error->message, "the reader fails");
        return error->status = DUET_ERROR_FILE;
    }
    if (atomic_fetch_add(&it->readers, 1) > 0) it->together = true;
    if (it->nanoseconds > 0) sleep_for(it->nanoseconds);
    if (!it->fails && it->most_rows > 0 && atomic_fetch_add(&it->rows, (int)count) > it->most_rows) hang(it);
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

/* What is trained when the examples cannot be read any more is kept, by whole steps, whichever of a step's three draws
 * fails, and going on makes of it what a run left alone is. */
static void a_reader_that_fails_costs_no_step(void **state)
{
    (void)state;
    static uint8_t values[TEST_EXAMPLES * PIXELS];
    static const char *const runs[] = {"failed-0", "failed-1", "failed-2"};
    for (int i = 0; i < 3; i++) {
        char path[PATH];
        duet_error error;
        duet_checkpoint_facts facts;
        slow it = {.nanoseconds = 0};
        duet_data *data = open_slow(&it, values);
        duet_train_options options = options_of(&recipes[4]);
        options.own_data = data;
        options.stream = it.fails = true;
        options.checkpoint_every = 0;
        it.most_rows = (9 + i) * TEST_BATCH;
        train(options, runs[i], false, DUET_ERROR_FILE, &error);
        path_of(path, runs[i], "");
        assert_ok(duet_checkpoint_check(path, &facts, &error), (error = (duet_error){0}, &error));
        assert_int_equal(facts.step, 3); /* of nine draws; an epoch ends with the second, with a checkpoint */
        it.fails = false;
        it.most_rows = 0;
        train(options, runs[i], true, DUET_OK, &error);
        duet_data_close(&data);
        assert_same_run("quick", runs[i]);
    }
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
        cmocka_unit_test(slow_readers_change_nothing),
        cmocka_unit_test(a_function_is_asked_by_one_thread_at_a_time),
        cmocka_unit_test(a_wait_for_the_disk_can_be_stopped),
        cmocka_unit_test(a_reader_that_fails_costs_no_step),
    };
    return RUN_TESTS("streaming", tests, begin_all, remove_folder);
}
