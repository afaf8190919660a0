/* SPDX-License-Identifier: MIT */
/* Runs that several ranks train, as threads of this process: rank 0 writes what one device writes and decides for all;
 * what differs is refused by name, and what fails on one rank ends all. */
#include "rank_threads.h"
#include "run_recipes.h"

#include <time.h>

/* A training by several ranks, and how it ended on each. */
typedef struct joint {
    duet_train_options options[MOST_RANKS];
    duet_train_summary summary[MOST_RANKS];
    duet_error error[MOST_RANKS];
    volatile int stop[MOST_RANKS];
    char path[PATH];
    char log[4096]; /* of rank 0 */
    size_t other_lines;
} joint;

/* Ranks count by thread: what a family's build function, which is given none, may go by. */
static _Thread_local size_t own_rank;

static void hear(void *context, const char *line)
{
    joint *all = context;
    const size_t used = strlen(all->log);
    if (own_rank != 0)
        all->other_lines++;
    else
        (void)snprintf(all->log + used, sizeof all->log - used, "%s\n", line);
}

static void train_rank(duet_ranks *ranks, void *context)
{
    joint *all = context;
    duet_train_options *options;
    own_rank = duet_ranks_rank(ranks);
    options = &all->options[own_rank];
    options->ranks = ranks;
    options->stop = &all->stop[own_rank];
    options->log = hear;
    options->context = all;
    (void)duet_train(options, &all->summary[own_rank], NULL, &all->error[own_rank]);
}

/* No folder but rank 0's is looked at. */
static void joint_of(joint *all, const recipe *what, const char *run, bool resume)
{
    memset(all, 0, sizeof *all);
    path_of(all->path, run, "");
    for (size_t i = 0; i < MOST_RANKS; i++) {
        const char *place = i == 0 ? all->path : "/proc/duet/nowhere";
        all->options[i] = options_of(what);
        *(resume ? &all->options[i].resume : &all->options[i].out) = place;
    }
}

static void assert_all(const joint *all, size_t ranks, duet_status status)
{
    for (size_t i = 0; i < ranks; i++) {
        assert_status(all->error[i].status, status, &all->error[i]);
        assert_false(all->summary[i].alone);
        assert_string_equal(all->error[i].message, all->error[0].message);
        assert_string_equal(all->summary[i].run, all->summary[0].run);
        assert_int_equal(all->summary[i].steps, all->summary[0].steps);
    }
    assert_int_equal(all->other_lines, 0);
}

static void assert_logged(const joint *all, const char *piece)
{
    if (strstr(all->log, piece) == NULL) fail_msg("\"%s\" is missing from the log:\n%s", piece, all->log);
}

static json_t *read_record(const char *run)
{
    char path[PATH];
    path_of(path, run, "run.json");
    json_t *record = json_load_file(path, 0, NULL);
    assert_non_null(record);
    return record;
}

/* Reports of the same steps, with the same numbers but for rounding, which training makes larger. */
static void assert_alike(const char *run, const char *other)
{
    char *texts[] = {read_metrics(run), read_metrics(other)}, *ends[2];
    const char *lines[] = {texts[0], texts[1]};
    while (*lines[0] != '\0' && *lines[1] != '\0') {
        json_t *reports[2], *value;
        const char *key;
        for (size_t i = 0; i < 2; i++) {
            ends[i] = strchr(lines[i], '\n');
            reports[i] = json_loadb(lines[i], (size_t)(ends[i] - lines[i]), 0, NULL);
            assert_non_null(reports[i]);
            lines[i] = ends[i] + 1;
        }
        assert_int_equal(json_object_size(reports[0]), json_object_size(reports[1]));
        json_object_foreach(reports[0], key, value)
        {
            const json_t *there = json_object_get(reports[1], key);
            if (json_is_number(value))
                assert_close(json_number_value(there), json_number_value(value),
                             1e-3 * (1 + fabs(json_number_value(value))));
            else
                assert_true(json_equal(value, there));
        }
        json_decref(reports[0]);
        json_decref(reports[1]);
    }
    assert_true(*lines[0] == '\0' && *lines[1] == '\0');
    free(texts[0]);
    free(texts[1]);
}

static void rank_0_writes_what_one_device_writes(void **state)
{
    (void)state;
    char path[PATH];
    static joint all;
    static const char *const names[] = {"three", "again"};
    train_well(&vae, "one");
    for (size_t i = 0; i < 2; i++) {
        joint_of(&all, &vae, names[i], false);
        run_ranks(3, train_rank, &all);
        assert_all(&all, 3, DUET_OK);
    }
    assert_same_run("three", "again");
    for (size_t i = 0; i < 3; i++) assert_true(all.summary[i].exchanging > 0 && all.summary[i].exchanging <= 1);
    assert_alike("one", "three");
    for (unsigned epoch = 1; epoch < 5; epoch++) {
        char picture[40];
        (void)snprintf(picture, sizeof picture, "samples/epoch-%04u.png", epoch);
        assert_true(same_file("three", "again", picture));
        path_of(path, "one", picture);
        assert_int_equal(access(path, F_OK), 0);
    }
    assert_logged(&all, "ranks 0 to 2 on ");
    assert_logged(&all, "one device that these 3 ranks share");
    json_t *record = read_record("three"), *list = json_object_get(record, "ranks"), *alone = read_record("one");
    assert_int_equal(json_array_size(list), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *one = json_array_get(list, i), *device = json_object_get(record, "device");
        assert_true(json_equal(json_object_get(one, "device"), json_object_get(device, "name")));
        assert_true(json_equal(json_object_get(one, "driver"), json_object_get(device, "driver")));
        assert_true(strlen(json_string_value(json_object_get(one, "host"))) > 0);
    }
    assert_null(json_object_get(alone, "ranks"));
    json_decref(record);
    json_decref(alone);
}

static void runs_go_on_with_other_numbers_of_ranks(void **state)
{
    (void)state;
    static const struct session {
        size_t ranks;
        uint64_t steps;
    } sessions[] = {{2, 7}, {3, 12}, {1, 16}, {4, 20}, {2, 23}};
    static joint all;
    recipe part = vae;
    for (size_t i = 0; i < sizeof sessions / sizeof *sessions; i++) {
        part.steps = sessions[i].steps;
        joint_of(&all, &part, "moving", i > 0);
        if (sessions[i].ranks == 1) {
            resume_well(&part, "moving");
            continue;
        }
        run_ranks(sessions[i].ranks, train_rank, &all);
        assert_all(&all, sessions[i].ranks, DUET_OK);
        if (i == 1) assert_logged(&all, "was last trained by 2 ranks and goes on with 3");
        if (i == 3) assert_logged(&all, "was last trained by 1 rank and goes on with 4");
    }
    assert_alike("one", "moving");
    json_t *record = read_record("moving"), *resumed = json_object_get(record, "resumed");
    assert_int_equal(json_array_size(json_object_get(record, "ranks")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(resumed, 0), "ranks")), 3);
    assert_null(json_object_get(json_array_get(resumed, 1), "ranks"));
    json_decref(record);
}

static void change_batch(duet_train_options *options)
{
    options->batch = 9;
}
static void change_seed(duet_train_options *options)
{
    options->seed = 12;
}
static void change_setting(duet_train_options *options)
{
    static const char *const settings[] = {"hidden=12", "latent=4"};
    options->settings = settings;
}
static void change_total(duet_train_options *options)
{
    options->steps = 24;
}
static void change_data(duet_train_options *options)
{
    static char path[PATH];
    size_t count;
    char *bytes = test_file_read(options->data, &count);
    bytes[count - 8] ^= 1;
    path_of(path, "other.npy", "");
    test_file_write(path, bytes, count);
    free(bytes);
    options->data = path;
}
static void lose_data(duet_train_options *options)
{
    options->data = "/proc/duet/gone.npy";
}
static void change_model(duet_train_options *options)
{
    options->family = duet_family_find("ae");
}
static void resume_alone(duet_train_options *options)
{
    options->resume = options->out;
    options->out = NULL;
}

static void what_differs_is_named_with_its_rank(void **state)
{
    (void)state;
    static const struct difference {
        void (*change)(duet_train_options *options);
        const char *words;
    } rows[] = {
        {change_batch, "this one has \"batch: 9\" where rank 0"},
        {change_seed, "has \"seed: 11\""},
        {change_setting, "\"setting latent: 4\""},
        {change_total, "\"steps: 24\""},
        {change_data, "\"checksum of the data: "},
        {lose_data, "gone.npy"},
        {change_model, "\"model: ae\""},
        {resume_alone, "this rank is to go on with a run"},
    };
    static joint all;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        joint_of(&all, &vae, "never", false);
        rows[i].change(&all.options[1]);
        run_ranks(3, train_rank, &all);
        assert_all(&all, 3, all.error[0].status);
        assert_int_not_equal(all.error[0].status, DUET_OK);
        assert_message(&all.error[0], rows[i].words);
        assert_message(&all.error[0], "rank 1 ");
        assert_int_not_equal(access(all.path, F_OK), 0); /* it never began */
    }
    /* what rank 0 alone can see all are told too */
    joint_of(&all, &vae, "one", false);
    run_ranks(2, train_rank, &all);
    assert_all(&all, 2, DUET_ERROR_FILE);
    assert_message(&all.error[1], "already holds a run");
}

/* Of rank 0; the last rank is asked to stop. */
static void ask_to_stop(void *context, const duet_progress *progress)
{
    joint *all = context;
    assert_int_equal(own_rank, 0);
    if (progress->report && progress->step >= 100) all->stop[2] = 15;
}

static void a_flag_on_any_rank_stops_all_at_one_step(void **state)
{
    (void)state;
    static joint all;
    recipe whole = toy;
    whole.steps = 1000; /* more than what lies between two looks */
    joint_of(&all, &whole, "whole", false);
    run_ranks(3, train_rank, &all);
    assert_all(&all, 3, DUET_OK);
    joint_of(&all, &whole, "stopped", false);
    all.options[0].progress = ask_to_stop;
    run_ranks(3, train_rank, &all);
    assert_all(&all, 3, DUET_ERROR_INTERRUPTED);
    for (size_t i = 0; i < 3; i++) assert_int_equal(all.summary[i].stop, 15);
    assert_in_range(all.summary[0].steps, 100, whole.steps - 1);
    joint_of(&all, &whole, "stopped", true);
    run_ranks(3, train_rank, &all);
    assert_all(&all, 3, DUET_OK);
    assert_same_run("whole", "stopped");
}

static duet_status dawdle(void *watcher, duet_run *run, uint64_t epoch, duet_verdict *verdict, duet_error *error)
{
    const struct timespec pause = {2, 500000000};
    (void)run, (void)epoch, (void)error;
    assert_int_equal(own_rank, 0);
    assert_int_equal(nanosleep(&pause, NULL), 0);
    if (watcher != NULL) (void)snprintf(verdict->stop, sizeof verdict->stop, "%s", (const char *)watcher);
    verdict->collapsed = true;
    return DUET_OK;
}

/* Longer than a step may wait. What the watcher decides holds for all. */
static void the_others_wait_for_watchers(void **state)
{
    (void)state;
    static joint all;
    static char words[] = "seen enough";
    recipe few = vae;
    few.steps = 10;
    joint_of(&all, &few, "watched", false);
    for (size_t i = 0; i < MOST_RANKS; i++) {
        all.options[i].at_epoch = dawdle;
        all.options[i].watcher = words;
        all.options[i].rank_patience = 0.2; /* in the first steps ten times as much */
    }
    run_ranks(2, train_rank, &all);
    assert_all(&all, 2, DUET_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(all.summary[i].steps, TEST_BATCHES);
        assert_string_equal(all.summary[i].stopped, words);
        assert_true(all.summary[i].collapsed);
    }
}

static duet_status complain(void *watcher, duet_run *run, uint64_t epoch, duet_verdict *verdict, duet_error *error)
{
    (void)watcher, (void)run, (void)epoch, (void)verdict;
    error->status = DUET_ERROR_DATA;
    (void)snprintf(error->message, sizeof error->message, "this cannot be watched");
    return DUET_ERROR_DATA;
}

static void what_fails_rank_0_at_an_end_fails_all(void **state)
{
    (void)state;
    static joint all;
    recipe few = vae;
    few.steps = 10;
    joint_of(&all, &few, "few", false);
    run_ranks(3, train_rank, &all);
    assert_all(&all, 3, DUET_OK);
    joint_of(&all, &few, "unwatched", false);
    for (size_t i = 0; i < MOST_RANKS; i++) all.options[i].at_epoch = complain;
    run_ranks(3, train_rank, &all);
    assert_all(&all, 3, DUET_ERROR_DATA);
    assert_message(&all.error[2], "this cannot be watched");
    joint_of(&all, &few, "unwatched", true);
    run_ranks(3, train_rank, &all);
    assert_all(&all, 3, DUET_OK);
    assert_same_run("few", "unwatched");
}

/* ---- a rank that fails alone ---- */

static duet_status fill(void *context, duet_split split, size_t first, size_t count, void *examples, duet_error *error)
{
    size_t *left = context;
    float *values = examples;
    for (size_t i = 0; i < 2 * count; i++) values[i] = (float)((first * 2 + i) * 7919 % 1000) / 1000;
    if (split == DUET_TEST || left == NULL || *left > 0) {
        if (split == DUET_TRAIN && left != NULL) --*left;
        return DUET_OK;
    }
    error->status = DUET_ERROR_FILE;
    (void)snprintf(error->message, sizeof error->message, "the disk is gone");
    return DUET_ERROR_FILE;
}

static void a_rank_that_fails_alone_ends_all(void **state)
{
    (void)state;
    static joint all;
    static const duet_own_data set = {.name = "points", .shape = {1, {2}}, .type = DUET_FLOAT32, .count = {400, 40}};
    duet_data *data[2] = {NULL};
    size_t left = 200; /* rows are asked for one by one */
    recipe part = toy;
    part.steps = 1000;
    joint_of(&all, &part, "torn", false);
    for (size_t i = 0; i < 2; i++) {
        duet_error error = {0};
        assert_ok(duet_data_from_callback(&data[i], &set, fill, i == 1 ? &left : NULL, &error), &error);
        all.options[i].own_data = data[i];
        all.options[i].data = NULL;
        all.options[i].stream = true;
        all.options[i].rank_patience = 0.3;
    }
    run_ranks(2, train_rank, &all);
    assert_status(all.error[1].status, DUET_ERROR_FILE, &all.error[1]);
    assert_message(&all.error[1], "the disk is gone");
    assert_true(all.summary[1].alone);
    assert_status(all.error[0].status, DUET_ERROR_DEVICE, &all.error[0]);
    assert_message(&all.error[0], "rank 1");
    assert_true(all.summary[0].alone);
    for (size_t i = 0; i < 2; i++) duet_data_close(&data[i]);
}

/* ---- parameters that differ ---- */

static void build_drifting(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node q = test_parameter(model, net, "q", (float)own_rank);
    duet_phase(model, "walk", 1);
    duet_minimise(model, duet_square(q), net);
    duet_report(model, "size", duet_square(q));
}

static void rank_0s_parameters_are_given_to_all(void **state)
{
    (void)state;
    static const duet_family drifting = {.name = "drifting", .build = build_drifting};
    static joint all;
    joint_of(&all, &vae, "drifted", false);
    for (size_t i = 0; i < MOST_RANKS; i++)
        all.options[i] = (duet_train_options){.family = &drifting,
                                              .data = "ring8",
                                              .batch = 8,
                                              .steps = 6,
                                              .checkpoint_every = 2,
                                              .out = all.options[i].out};
    run_ranks(2, train_rank, &all);
    assert_all(&all, 2, DUET_OK);
    assert_logged(&all, "at step 2 rank 1 on ");
    const char *said = strstr(all.log, "has other parameters than rank 0");
    assert_non_null(said);
    assert_null(strstr(said + 1, "has other parameters")); /* from there on they are the same */
}

/* Longer than the ranks that are done wait before they say that they live. */
static void build_slowly(duet_model *model)
{
    if (own_rank == 0) (void)nanosleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
    build_drifting(model);
}

static void the_others_wait_for_one_that_plans(void **state)
{
    (void)state;
    static const duet_family slow = {.name = "slow", .build = build_slowly};
    static joint all;
    joint_of(&all, &vae, "planned", false);
    for (size_t i = 0; i < MOST_RANKS; i++)
        all.options[i] =
            (duet_train_options){.family = &slow, .data = "ring8", .batch = 8, .steps = 2, .out = all.options[i].out};
    run_ranks(2, train_rank, &all);
    assert_all(&all, 2, DUET_OK);
    /* what the family composes is the same for any number of them */
    duet_train_options alone = all.options[0];
    duet_train_summary summary;
    duet_error error = {0};
    char path[PATH];
    path_of(path, "planned-alone", "");
    alone.out = path;
    alone.ranks = NULL;
    assert_ok(duet_train(&alone, &summary, NULL, &error), &error);
    json_t *two = read_record("planned"), *one = read_record("planned-alone");
    assert_true(json_is_object(json_object_get(one, "composition")));
    assert_true(json_equal(json_object_get(one, "composition"), json_object_get(two, "composition")));
    json_decref(two);
    json_decref(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rank_0_writes_what_one_device_writes), /* and makes "one" for those below */
        cmocka_unit_test(runs_go_on_with_other_numbers_of_ranks),
        cmocka_unit_test(what_differs_is_named_with_its_rank),
        cmocka_unit_test(a_flag_on_any_rank_stops_all_at_one_step),
        cmocka_unit_test(the_others_wait_for_watchers),
        cmocka_unit_test(what_fails_rank_0_at_an_end_fails_all),
        cmocka_unit_test(a_rank_that_fails_alone_ends_all),
        cmocka_unit_test(rank_0s_parameters_are_given_to_all),
        cmocka_unit_test(the_others_wait_for_one_that_plans),
    };
    return RUN_TESTS("rank_runs", tests, begin, remove_folder);
}
