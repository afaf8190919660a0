/* SPDX-License-Identifier: MIT */
/* The schedule and what runs it: phases, repeats, gates, reports, epochs, and the stop at a number that is not finite,
 * each on a family whose every value is known beforehand. */
#include "train_models.h"
#include "workshop.h"

static char examples[TEST_PATH_SIZE + 32];

static const char *const plain[] = {"optimiser=sgd", "lr=0.5"};
enum { PLAIN = sizeof plain / sizeof *plain };

/* Three phases that count their replays: one repeats thrice and draws, one repeats once and does not draw, one repeats
 * once a batch of the epoch. The counters are reported as they are before each replay. */
static void build_counting(duet_model *model)
{
    static const struct {
        const char *phase, *counter;
        size_t repeats;
    } rows[] = {{"thrice", "count.thrice", 3}, {"once", "count.once", 1}, {"whole", "count.whole", 0}};
    for (size_t i = 0; i < 3; i++) {
        duet_node count = test_number(model, rows[i].counter, 0);
        duet_phase(model, rows[i].phase, rows[i].repeats);
        duet_report(model, rows[i].phase, count);
        duet_phase_assign(model, count, duet_shift(count, 1));
        if (i == 0) duet_report(model, "mean", duet_batch_mean(duet_model_batch(model)));
    }
}
static const duet_family counting = {.name = "counting", .build = build_counting};

static void phases_repeat_as_often_as_they_say(void **state)
{
    (void)state;
    duet_error error = {0};
    test_parts parts;
    test_parts_open(&parts, device, &counting, examples, NULL, 0);
    test_steps(&parts, 4);
    assert_close(test_read(&parts, "count.thrice"), 12, 0);
    assert_close(test_read(&parts, "count.once"), 4, 0);
    assert_close(test_read(&parts, "count.whole"), 4 * TEST_BATCHES, 0);
    assert_int_equal(test_read_count(&parts, "trainer.step"), 4);
    assert_int_equal(test_read_count(&parts, "trainer.draws"), 12);
    assert_int_equal(test_read_count(&parts, "random.clock"), 4 * (3 + 1 + TEST_BATCHES));
    assert_int_equal(duet_trainer_steps(parts.trainer), 4);
    assert_close(duet_trainer_epoch(parts.trainer), 12.0 / TEST_BATCHES, 1e-12);
    assert_int_equal(duet_trainer_steps_an_epoch(parts.trainer), 2); /* three draws a step, five batches */
    assert_string_equal(duet_trainer_term(parts.trainer, 0), "thrice");
    assert_string_equal(duet_trainer_term(parts.trainer, 1), "mean");
    assert_string_equal(duet_trainer_term(parts.trainer, 3), "whole");
    assert_null(duet_trainer_term(parts.trainer, 4));

    /* Means over all replays since the last call. */
    double means[4];
    assert_ok(duet_trainer_losses(parts.trainer, means, 4, &error), &error);
    assert_close(means[0], 5.5, 1e-6); /* 0 .. 11 */
    assert_close(means[2], 1.5, 1e-6); /* 0 .. 3 */
    assert_close(means[3], 9.5, 1e-6); /* 0 .. 19 */
    test_steps(&parts, 1);
    assert_ok(duet_trainer_losses(parts.trainer, means, 4, &error), &error);
    assert_close(means[0], 13, 1e-6); /* 12, 13, 14 */
    assert_close(means[2], 4, 1e-6);
    /* More steps than the device remembers. */
    test_steps(&parts, 400);
    assert_ok(duet_trainer_losses(parts.trainer, means, 4, &error), &error);
    assert_close(means[0], 614.5, 1e-6);  /* 15 .. 1214 */
    assert_close(means[2], 204.5, 1e-6);  /* 5 .. 404 */
    assert_close(means[3], 1024.5, 1e-6); /* 25 .. 2024 */
    test_parts_close(&parts);
}

/* "thrice", "once" and "whole" of the steps that nobody was told of yet. */
static void expect_means(duet_trainer *trainer, double thrice, double once, double whole)
{
    duet_error error = {0};
    double means[4];
    assert_ok(duet_trainer_losses(trainer, means, 4, &error), &error);
    assert_close(means[0], thrice, 1e-6);
    assert_close(means[2], once, 1e-6);
    assert_close(means[3], whole, 1e-6);
}

/* A later trainer of a model, of another batch and so of other repeats, goes on with its steps and tells its own. */
static void trainers_of_one_model_tell_their_own(void **state)
{
    (void)state;
    enum { LARGE = 22 }; /* two batches */
    char path[TEST_PATH_SIZE + 32];
    duet_error error = {0};
    test_parts parts, loaded;
    duet_trainer *later;
    (void)snprintf(path, sizeof path, "%s/two-trainers.safetensors", folder);
    test_parts_open(&parts, device, &counting, examples, NULL, 0);
    test_steps(&parts, 4);
    assert_ok(duet_trainer_new(&later, device, parts.model, LARGE, &error), &error);
    assert_int_equal(duet_trainer_steps(later), 4);
    assert_ok(duet_trainer_step(later, &error), &error);
    expect_means(later, 13, 4, 20.5);           /* 12 to 14, 4, 20 and 21 */
    expect_means(parts.trainer, 5.5, 1.5, 9.5); /* 0 to 11, 0 to 3, 0 to 19 */
    assert_ok(duet_trainer_step(later, &error), &error);
    test_steps(&parts, 1);
    assert_int_equal(duet_trainer_steps(parts.trainer), 7);
    test_steps(&parts, 341); /* over what the later one's step left */
    expect_means(later, 16, 5, 22.5);
    expect_means(parts.trainer, 530.5, 176.5, 878.5); /* 18 to 1043, 6 to 347, 24 to 1733 */
    test_steps(&parts, 1);
    assert_ok(duet_trainer_save(parts.trainer, path, &error), &error);
    assert_ok(duet_trainer_step(later, &error), &error);
    assert_ok(duet_trainer_load(parts.trainer, path, &error), &error);
    expect_means(later, 1048, 349, 1739.5); /* of the step that is undone */
    duet_trainer_free(&later);

    test_parts_open(&loaded, device, &counting, examples, NULL, 0);
    assert_ok(duet_trainer_load(loaded.trainer, path, &error), &error);
    assert_int_equal(duet_trainer_steps(loaded.trainer), 349);
    expect_means(loaded.trainer, 1045, 348, 1736);
    assert_ok(duet_trainer_new(&later, device, loaded.model, TEST_BATCH, &error),
              &error); /* of a model that was loaded */
    assert_ok(duet_trainer_step(later, &error), &error);
    expect_means(later, 1048, 349, 1741);
    duet_trainer_free(&later);
    test_parts_close(&loaded);
    test_parts_close(&parts);
}

/* What the file says of settings is as much of the model as its variables are: rates alone may be others. */
static void a_trainer_loads_its_own_model_alone(void **state)
{
    (void)state;
    static const char *const settings[][2] = {{"hidden=4", "activation=tanh"}, {"hidden=4", "activation=relu"}};
    static const char *const slower[] = {"hidden=4", "activation=tanh", "lr=1e-5"};
    char path[TEST_PATH_SIZE + 32];
    duet_error error = {0};
    test_parts saved, other;
    (void)snprintf(path, sizeof path, "%s/tanh.safetensors", folder);
    test_parts_open(&saved, device, duet_family_find("ae"), examples, settings[0], 2);
    test_steps(&saved, 2);
    assert_ok(duet_trainer_save(saved.trainer, path, &error), &error);
    test_parts_open(&other, device, duet_family_find("ae"), examples, settings[1], 2);
    assert_status(duet_trainer_load(other.trainer, path, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "was made with activation=tanh, and the model that would go on from it has activation=relu");
    assert_int_equal(duet_trainer_steps(other.trainer), 0);
    test_parts_close(&other);
    test_parts_open(&other, device, duet_family_find("ae"), examples, slower, 3);
    assert_ok(duet_trainer_load(other.trainer, path, &error), &error);
    assert_int_equal(duet_trainer_steps(other.trainer), 2);
    test_parts_close(&other);
    test_parts_close(&saved);
}

/* The first one's phase of a batch an epoch is longer than the device remembers, and keeps a sum; the later one's is
 * not. */
static void a_later_trainer_reads_no_sum_of_a_longer_phase(void **state)
{
    (void)state;
    enum { ROWS = 1200, LONG = ROWS * 9 / 10, SHORT = LONG / 2 };
    char path[TEST_PATH_SIZE + 32];
    duet_error error = {0};
    test_parts parts;
    duet_trainer *later;
    float *values = malloc(ROWS * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < ROWS; i++) values[i] = (float)i / ROWS;
    (void)snprintf(path, sizeof path, "%s/many.npy", folder);
    assert_ok(duet_write_npy(path, values, DUET_SHAPE(ROWS, 1), &error), &error);
    free(values);
    test_parts_open_batch(&parts, device, &counting, path, 1, NULL, 0);
    test_steps(&parts, 1);
    expect_means(parts.trainer, 1, 0, (LONG - 1) / 2.0);
    assert_ok(duet_trainer_new(&later, device, parts.model, 2, &error), &error);
    assert_ok(duet_trainer_step(later, &error), &error);
    expect_means(later, 4, 1, LONG + (SHORT - 1) / 2.0);
    duet_trainer_free(&later);
    test_parts_close(&parts);
}

/* A step of more replays than the device remembers: every one counts, and no error builds up. The numbers of a step are
 * those of 0, 1, ... over 4096 beside 1000, of which float32 keeps four digits behind the point. */
enum { MANY = 4000 };
static void build_many(duet_model *model)
{
    duet_node count = test_number(model, "count", 0);
    duet_phase(model, "many", MANY);
    duet_report(model, "fine", duet_shift(duet_scale(count, 1.0 / 4096), 1000));
    duet_report(model, "count", count);
    duet_phase_assign(model, count, duet_shift(count, 1));
    duet_phase(model, "few", 2);
    duet_report(model, "few", duet_scale(count, 1));
}
static const duet_family many = {.name = "many", .build = build_many};

static void all_replays_of_a_long_step_count(void **state)
{
    (void)state;
    duet_error error = {0};
    test_parts parts;
    double means[3];
    test_parts_open(&parts, device, &many, examples, NULL, 0);
    for (size_t step = 0; step < 2; step++) {
        double first = (double)step * MANY, middle = first + (MANY - 1) / 2.0;
        test_steps(&parts, 1);
        assert_ok(duet_trainer_losses(parts.trainer, means, 3, &error), &error);
        assert_close(means[0], 1000 + middle / 4096, 3e-5);
        assert_close(means[1], middle, 0.002);
        assert_close(means[2], first + MANY, 0);
    }
    test_steps(&parts, 3); /* and where the host asks later */
    assert_ok(duet_trainer_losses(parts.trainer, means, 3, &error), &error);
    assert_close(means[1], 2 * MANY + (3 * MANY - 1) / 2.0, 0.002);
    assert_close(means[2], 4 * MANY, 0);
    test_parts_close(&parts);
}

/* A step that nobody was told of before the checkpoint counts after it. */
static void a_long_step_before_a_checkpoint_counts(void **state)
{
    (void)state;
    char path[TEST_PATH_SIZE + 32];
    duet_error error = {0};
    test_parts parts;
    double means[3];
    (void)snprintf(path, sizeof path, "%s/long-step.safetensors", folder);
    test_parts_open(&parts, device, &many, examples, NULL, 0);
    test_steps(&parts, 2);
    assert_ok(duet_trainer_save(parts.trainer, path, &error), &error);
    test_parts_close(&parts);
    for (size_t steps = 0; steps < 2; steps++) {
        test_parts_open(&parts, device, &many, examples, NULL, 0);
        assert_ok(duet_trainer_load(parts.trainer, path, &error), &error);
        test_steps(&parts, steps);
        assert_ok(duet_trainer_losses(parts.trainer, means, 3, &error), &error);
        assert_close(means[1], MANY + ((double)(steps + 1) * MANY - 1) / 2, 0.002);
        test_parts_close(&parts);
    }
}

/* An epoch draws every batch once: over a whole number of epochs of 40 of 44 examples the mean is that of all of them
 * but for the four left out, and over many epochs everyone comes. Values of the first column tell the rows apart. */
static void build_seeing(duet_model *model)
{
    duet_node x = duet_model_batch(model);
    duet_phase(model, "see", 1);
    duet_report(model, "first", duet_batch_mean(duet_slice(x, 1, 0, 1)));
    test_change(model);
}
static const duet_family seeing = {.name = "seeing", .build = build_seeing};

static void an_epoch_sees_each_example_at_most_once(void **state)
{
    (void)state;
    duet_error error = {0};
    char path[TEST_PATH_SIZE + 32];
    float values[TEST_EXAMPLES * 2];
    test_parts parts;
    /* Row i holds 2^i scaled: the sum over an epoch tells which rows were seen, each at most once. */
    for (size_t i = 0; i < TEST_EXAMPLES; i++) values[2 * i] = values[2 * i + 1] = (float)(i + 1);
    (void)snprintf(path, sizeof path, "%s/rows.npy", folder);
    assert_ok(duet_write_npy(path, values, DUET_SHAPE(TEST_EXAMPLES, 2), &error), &error);
    (void)snprintf(path, sizeof path, "%s/rows.npy:split=last", folder); /* the training rows are the first ones */
    test_parts_open(&parts, device, &seeing, path, NULL, 0);
    assert_int_equal(duet_trainer_steps_an_epoch(parts.trainer), TEST_BATCHES);
    size_t held = duet_data_describe(parts.data)->count[DUET_TRAIN];
    double total = (double)held * (double)(held + 1) / 2, mean;
    size_t dropped = held - TEST_BATCHES * TEST_BATCH;
    for (size_t epoch = 0; epoch < 6; epoch++) {
        test_steps(&parts, TEST_BATCHES);
        assert_ok(duet_trainer_losses(parts.trainer, &mean, 1, &error), &error);
        double left_out = total - mean * TEST_BATCHES * TEST_BATCH;
        /* The rows left out are `dropped` different ones. */
        assert_true(left_out > (double)(dropped * (dropped + 1)) / 2 - 0.01);
        assert_true(left_out < (double)(dropped * (2 * held - dropped + 1)) / 2 + 0.01);
        assert_close(left_out, round(left_out), 0.01);
    }
    test_parts_close(&parts);
}

/* Two players on x y, each at the other's old value; a gate lets the first three steps through. */
static void build_game(duet_model *model)
{
    duet_group *first = duet_model_group(model, "first"), *second = duet_model_group(model, "second");
    duet_group *gated = duet_model_group(model, "gated");
    duet_node x = test_parameter(model, first, "x", 1), y = test_parameter(model, second, "y", 1);
    duet_node q = test_parameter(model, gated, "q", 0);
    duet_node game = duet_multiply(x, y), step = duet_model_step(model);
    duet_phase(model, "play", 1);
    duet_minimise(model, game, first);
    duet_minimise(model, duet_negate(game), second);
    duet_minimise_gated(model, q, duet_less(step, duet_constant(duet_model_graph(model), 3)), gated);
    duet_report(model, "game", game);
    duet_report(model, "warm", duet_warm_up(model, 4));
}
static const duet_family game = {.name = "game", .build = build_game};

static void players_move_at_the_same_time(void **state)
{
    (void)state;
    test_parts parts;
    double x = 1, y = 1;
    test_parts_open(&parts, device, &game, "ring8", plain, PLAIN);
    for (int i = 0; i < 5; i++) {
        double old = x;
        test_steps(&parts, 1);
        x -= 0.5 * y;
        y += 0.5 * old;
        assert_close(test_read(&parts, "first.x"), x, 1e-5);
        assert_close(test_read(&parts, "second.y"), y, 1e-5);
    }
    test_parts_close(&parts);
}

static void gates_hold_updates_back(void **state)
{
    (void)state;
    duet_error error = {0};
    test_parts parts;
    double means[2];
    static const double warm[] = {0.25, 0.5, 0.75, 1, 1};
    test_parts_open(&parts, device, &game, "ring8", plain, PLAIN);
    for (int i = 0; i < 5; i++) {
        test_steps(&parts, 1);
        assert_close(test_read(&parts, "gated.q"), i < 3 ? -0.5 * (i + 1) : -1.5, 1e-6);
        assert_ok(duet_trainer_losses(parts.trainer, means, 2, &error), &error);
        assert_close(means[1], warm[i], 1e-6);
    }
    test_parts_close(&parts);
}

/* log(3 - step) is not finite from step number 3 on, that is in the fourth step. */
static void build_failing(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node q = test_parameter(model, net, "q", 0), count = test_number(model, "count", 0);
    duet_node left = duet_subtract(duet_constant(duet_model_graph(model), 3), duet_model_step(model));
    duet_phase(model, "sound", 1);
    duet_minimise(model, q, net);
    duet_report(model, "sound", q);
    duet_phase(model, "rotten", 2);
    duet_report(model, "fine", q);
    duet_report(model, "logarithm", duet_log(left));
    duet_phase_assign(model, count, duet_shift(count, 1));
}
static const duet_family failing = {.name = "failing", .build = build_failing};

static void a_number_that_is_not_finite_freezes_all(void **state)
{
    (void)state;
    duet_error error = {0};
    char path[TEST_PATH_SIZE + 32];
    double means[3];
    test_parts parts;
    (void)snprintf(path, sizeof path, "%s/frozen.safetensors", folder);
    test_parts_open(&parts, device, &failing, "ring8", plain, PLAIN);
    test_steps(&parts, 3);
    assert_ok(duet_trainer_losses(parts.trainer, means, 3, &error), &error);
    assert_ok(duet_trainer_save(parts.trainer, path, &error), &error);
    size_t before_bytes, after_bytes;
    char *before = test_file_read(path, &before_bytes);

    test_steps(&parts, 20);
    assert_status(duet_trainer_losses(parts.trainer, means, 3, &error), DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "step 4");
    assert_message(&error, "\"logarithm\"");
    assert_message(&error, "\"rotten\"");
    assert_close(test_read(&parts, "net.q"), -2, 1e-6); /* the fourth step's first phase was sound */
    assert_close(test_read(&parts, "count"), 6, 0);
    assert_false(isfinite(means[2]));

    /* Neither a report nor a checkpoint makes it go away, and the file of step 3 stays. */
    error = (duet_error){0};
    assert_status(duet_trainer_save(parts.trainer, path, &error), DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "step 4");
    char *after = test_file_read(path, &after_bytes);
    assert_int_equal(before_bytes, after_bytes);
    assert_memory_equal(before, after, before_bytes);
    free(before);
    free(after);

    /* Loading it takes the training back. */
    error = (duet_error){0};
    assert_ok(duet_trainer_load(parts.trainer, path, &error), &error);
    assert_int_equal(duet_trainer_steps(parts.trainer), 3);
    assert_close(test_read(&parts, "net.q"), -1.5, 1e-6);
    assert_ok(duet_trainer_losses(parts.trainer, means, 3, &error), &error);
    test_parts_close(&parts);
}

/* A gradient can be infinite where its loss is not: sqrt at 0. Three steps go down to there by a loss that is even. */
static void build_steep(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net"), *rests = duet_model_group(model, "rests");
    duet_node q = test_parameter(model, net, "q", 1.5F), r = test_parameter(model, rests, "r", 0);
    duet_node zero = duet_constant(duet_model_graph(model), 0);
    duet_node there = duet_less_equal(q, zero);
    duet_phase(model, "even", 1);
    duet_minimise_gated(model, q, duet_subtract(duet_constant(duet_model_graph(model), 1), there), net);
    duet_phase(model, "gated", 1);
    duet_minimise_gated(model, duet_sqrt(r), zero, rests);
    duet_phase(model, "steep", 1);
    duet_minimise_gated(model, duet_sqrt(q), there, net);
}
static const duet_family steep = {.name = "steep", .build = build_steep};

static void a_gradient_that_is_not_finite_freezes_all(void **state)
{
    (void)state;
    duet_error error = {0};
    test_parts parts;
    test_parts_open(&parts, device, &steep, "ring8", plain, PLAIN);
    test_steps(&parts, 2); /* the gradient of a group that rests does no harm */
    assert_ok(duet_trainer_losses(parts.trainer, NULL, 0, &error), &error);
    assert_close(test_read(&parts, "net.q"), 0.5, 1e-6);
    test_steps(&parts, 3);
    assert_status(duet_trainer_losses(parts.trainer, NULL, 0, &error), DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "step 3: the gradient of \"net\" of phase \"steep\"");
    assert_close(test_read(&parts, "net.q"), 0, 0);
    assert_close(test_read(&parts, "rests.r"), 0, 0);
    test_parts_close(&parts);
}

/* States that a phase writes are not watched, but never saved. */
static void build_growing(duet_model *model)
{
    duet_node number = test_number(model, "number", 1e20F);
    duet_phase(model, "grow", 1);
    duet_report(model, "sound", test_number(model, "other", 1));
    duet_phase_assign(model, number, duet_square(number));
}
static const duet_family growing = {.name = "growing", .build = build_growing};

static void keep_line(void *context, const char *line)
{
    size_t used = strlen(context); /* kernels may be announced too */
    (void)snprintf((char *)context + used, 512 - used, "%s\n", line);
}

static void numbers_that_are_not_finite_are_not_saved(void **state)
{
    (void)state;
    duet_error error = {0};
    char path[TEST_PATH_SIZE + 32];
    test_parts parts;
    (void)snprintf(path, sizeof path, "%s/growing.safetensors", folder);
    test_parts_open(&parts, device, &growing, "ring8", plain, PLAIN);
    test_steps(&parts, 1);
    assert_status(duet_trainer_save(parts.trainer, path, &error), DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "step 1: \"number\"");
    assert_int_not_equal(access(path, F_OK), 0);
    test_parts_close(&parts);

    /* In a run directory the step's line is written once. */
    char said[512] = "";
    duet_train_options options = {
        .family = &growing, .data = "ring8", .steps = 1, .batch = 8, .out = path, .log = keep_line, .context = said};
    (void)snprintf(path, sizeof path, "%s/growing", folder);
    error = (duet_error){0};
    assert_status(duet_train(&options, NULL, NULL, &error), DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "step 1: \"number\"");
    assert_non_null(strstr(said, "has no checkpoint: --resume starts it again"));
    (void)snprintf(path, sizeof path, "%s/growing/metrics.jsonl", folder);
    char *metrics = test_file_read(path, NULL), *end = strchr(metrics, '\n');
    assert_non_null(end);
    assert_string_equal(end, "\n");
    assert_non_null(strstr(metrics, "\"sound\":1.0"));
    free(metrics);
}

/* Mistakes that only the schedule shows. */
static void build_nothing(duet_model *model)
{
    (void)duet_model_batch(model);
}
static const duet_family nothing = {.name = "nothing", .build = build_nothing};

static void build_twice(duet_model *model)
{
    duet_node number = test_number(model, "number", 1);
    duet_phase(model, "one", 1);
    duet_report(model, "seconds", number);
}
static const duet_family twice = {.name = "twice", .build = build_twice};

static void build_twins(duet_model *model)
{
    duet_phase(model, "twin", 1);
    duet_report(model, "first", test_number(model, "number", 1));
    duet_phase(model, "twin", 1);
    duet_report(model, "second", test_number(model, "number", 1));
}
static const duet_family twins = {.name = "twins", .build = build_twins};

static void build_long(duet_model *model)
{
    duet_phase(model, "a name of thirty-two characters.", 1);
    duet_report(model, "number", test_number(model, "number", 1));
}
static const duet_family long_name = {.name = "long", .build = build_long};

static void impossible_schedules_are_refused(void **state)
{
    (void)state;
    static const struct {
        const duet_family *family;
        size_t batch;
        duet_status status;
        const char *message;
    } rows[] = {
        {&nothing, TEST_BATCH, DUET_ERROR_GRAPH, "has no phase"},
        {&twice, TEST_BATCH, DUET_ERROR_GRAPH, "report \"seconds\": the name is taken"},
        {&twins, TEST_BATCH, DUET_ERROR_GRAPH, "\"twin\": there is one of that name already"},
        {&long_name, TEST_BATCH, DUET_ERROR_GRAPH, "at most 31 characters"},
        {&counting, 0, DUET_ERROR_USAGE, "at least one example"},
        {&counting, 45, DUET_ERROR_USAGE, "44"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        test_parts parts = {.device = device};
        assert_ok(duet_data_open(&parts.data, examples, &error), &error);
        assert_ok(duet_model_new(&parts.model, rows[i].family, parts.data, NULL, 0, 7, &error), &error);
        assert_int_not_equal(duet_trainer_new(&parts.trainer, device, parts.model, rows[i].batch, &error), DUET_OK);
        assert_message(&error, rows[i].message);
        assert_null(parts.trainer);
        test_parts_close(&parts);
    }
}

static int begin(void **state)
{
    (void)open_all(state);
    (void)snprintf(examples, sizeof examples, "%s/examples.npy", folder);
    test_write_examples(examples, DUET_SHAPE(3));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_repeat_as_often_as_they_say),
        cmocka_unit_test(trainers_of_one_model_tell_their_own),
        cmocka_unit_test(a_trainer_loads_its_own_model_alone),
        cmocka_unit_test(a_later_trainer_reads_no_sum_of_a_longer_phase),
        cmocka_unit_test(all_replays_of_a_long_step_count),
        cmocka_unit_test(a_long_step_before_a_checkpoint_counts),
        cmocka_unit_test(an_epoch_sees_each_example_at_most_once),
        cmocka_unit_test(players_move_at_the_same_time),
        cmocka_unit_test(gates_hold_updates_back),
        cmocka_unit_test(a_number_that_is_not_finite_freezes_all),
        cmocka_unit_test(a_gradient_that_is_not_finite_freezes_all),
        cmocka_unit_test(numbers_that_are_not_finite_are_not_saved),
        cmocka_unit_test(impossible_schedules_are_refused),
    };
    return RUN_TESTS("train", tests, begin, close_all);
}
