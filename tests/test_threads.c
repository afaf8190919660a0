/* SPDX-License-Identifier: MIT */
/* Threads of one process that has not used a driver yet: each has a device, a model and a run of its own. Every try is
 * a process of its own, since a driver starts once. What threads make side by side is what each makes alone. */
#include "folder.h"
#include "train_models.h"

#include "duet/metric.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, TRIES = 6, ROWS = 40, MOST_FEATURES = 36, MOST_VALUES = 8 };

typedef struct thread {
    pthread_t id;
    pthread_barrier_t *start;
    char out[TEST_PATH_SIZE + 64];
    duet_error error;
} thread;

static void *train_one(void *context)
{
    static const char *const settings[] = {"hidden=4", "latent=2"};
    thread *it = context;
    const duet_train_options options = {.family = duet_family_find("vae"),
                                        .data = "ring8",
                                        .settings = settings,
                                        .setting_count = 2,
                                        .steps = 3,
                                        .batch = 8,
                                        .out = it->out};
    (void)pthread_barrier_wait(it->start);
    (void)duet_train(&options, NULL, NULL, &it->error);
    return NULL;
}

static void *list_devices(void *context)
{
    thread *it = context;
    duet_device_info *infos;
    size_t count;
    (void)pthread_barrier_wait(it->start);
    if (duet_device_list(&infos, &count, &it->error) == DUET_OK) duet_device_list_free(&infos);
    return NULL;
}

/* Ends the process: 0 if all threads did what they were to do. */
static void run_threads(size_t try, void *(*last)(void *context))
{
    thread threads[THREADS] = {{0}};
    pthread_barrier_t start;
    int failed = pthread_barrier_init(&start, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        threads[i].start = &start;
        (void)snprintf(threads[i].out, sizeof threads[i].out, "%s/run-%zu-%zu", folder, try, i);
        failed |= pthread_create(&threads[i].id, NULL, i + 1 < THREADS ? train_one : last, &threads[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i].id, NULL);
        if (threads[i].error.status != DUET_OK) (void)fprintf(stderr, "thread %zu: %s\n", i, threads[i].error.message);
        failed |= threads[i].error.status != DUET_OK;
    }
    _exit(failed != 0);
}

static void survive(size_t first, void *(*last)(void *context))
{
    for (size_t try = first; try < first + TRIES; try++) {
        int ended;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) run_threads(try, last);
        assert_int_equal(waitpid(child, &ended, 0), child);
        if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
            fail_msg("try %zu: %s %d", try, WIFEXITED(ended) ? "exit status" : "signal",
                     WIFEXITED(ended) ? WEXITSTATUS(ended) : WTERMSIG(ended));
    }
}

static void threads_of_a_cold_process_train(void **state)
{
    (void)state;
    survive(0, train_one);
}

static void devices_are_listed_while_others_open_them(void **state)
{
    (void)state;
    survive(TRIES, list_devices);
}

/* A run that is trained, sampled from and evaluated, by one thread from beginning to end. */
typedef struct job {
    const char *family, *data, *metric;
    const char *settings[2];
    pthread_t id;
    char out[TEST_PATH_SIZE + 64];
    float samples[ROWS * MOST_FEATURES];
    duet_metric_value values[MOST_VALUES];
    size_t value_count;
    duet_error error;
} job;

static duet_status use(job *it, duet_run *run)
{
    const duet_wanted wanted = {DUET_SAMPLE, it->samples};
    const duet_request request = {.count = ROWS, .seed = 5, .batch = 7, .outputs = &wanted, .output_count = 1};
    duet_status status = duet_run_use(run, &request, &it->error);
    if (status != DUET_OK) return status;
    return duet_metric_compute(run, it->metric, DUET_TEST, 3, it->values, MOST_VALUES, &it->value_count, &it->error);
}

static void *do_job(void *context)
{
    job *it = context;
    duet_run *run = NULL;
    const duet_train_options options = {.family = duet_family_find(it->family),
                                        .data = it->data,
                                        .settings = it->settings,
                                        .setting_count = 2,
                                        .steps = 12,
                                        .batch = TEST_BATCH,
                                        .out = it->out};
    if (duet_train(&options, NULL, NULL, &it->error) != DUET_OK) return NULL;
    if (duet_run_open(&run, it->out, NULL, &it->error) == DUET_OK) (void)use(it, run);
    duet_run_close(&run);
    return NULL;
}

static void assert_alike(const job *beside, const job *alone)
{
    char paths[2][sizeof beside->out + 32];
    assert_ok(beside->error.status, &beside->error);
    assert_ok(alone->error.status, &alone->error);
    (void)snprintf(paths[0], sizeof paths[0], "%s/checkpoint.safetensors", beside->out);
    (void)snprintf(paths[1], sizeof paths[1], "%s/checkpoint.safetensors", alone->out);
    assert_true(test_same_file(paths[0], paths[1]));
    assert_memory_equal(beside->samples, alone->samples, sizeof beside->samples);
    assert_int_equal(beside->value_count, alone->value_count);
    assert_int_not_equal(alone->value_count, 0);
    for (size_t i = 0; i < alone->value_count; i++)
        assert_memory_equal(&beside->values[i].value, &alone->values[i].value, sizeof(double));
}

static void runs_side_by_side_are_what_they_are_alone(void **state)
{
    const char *pictures = in_folder("pictures.npy");
    const job jobs[THREADS] = {
        {.family = "vae", .data = pictures, .metric = "elbo", .settings = {"hidden=16", "latent=3"}},
        {.family = "gan", .data = "ring8", .metric = "modes", .settings = {"generator_hidden=16", "latent=4"}},
        {.family = "nice", .data = pictures, .metric = "nll", .settings = {"hidden=16", "lr=0.002"}},
        {.family = "ddpm", .data = "ring8", .metric = "neighbour-spread", .settings = {"hidden=16", "timesteps=9"}},
    };
    job beside[THREADS], alone[THREADS];
    (void)state;
    test_write_examples(pictures, DUET_SHAPE(6, 6, 1));
    for (size_t i = 0; i < THREADS; i++) {
        beside[i] = alone[i] = jobs[i];
        (void)snprintf(beside[i].out, sizeof beside[i].out, "%s/beside-%zu", folder, i);
        (void)snprintf(alone[i].out, sizeof alone[i].out, "%s/alone-%zu", folder, i);
    }
    for (size_t i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&beside[i].id, NULL, do_job, &beside[i]), 0);
    for (size_t i = 0; i < THREADS; i++) assert_int_equal(pthread_join(beside[i].id, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        (void)do_job(&alone[i]);
        assert_alike(&beside[i], &alone[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_of_a_cold_process_train),
        cmocka_unit_test(devices_are_listed_while_others_open_them),
        cmocka_unit_test(runs_side_by_side_are_what_they_are_alone),
    };
    return RUN_TESTS("threads", tests, make_folder, remove_folder);
}
