/* SPDX-License-Identifier: MIT */
/* Runs that several ranks use, as threads of this process: rank 0 gets the numbers that it has alone, to the bit, and
 * in its words what fails. */
#include "rank_threads.h"
#include "run_recipes.h"

#include "duet/metric.h"

#include <sys/stat.h>

enum { ROWS = 67, WHOLE = 7, CLASSES = 4, EXAMPLES = 320, SIDE = 12, CAPACITY = 5 << 20 };
/* Of points, of which a search has three pieces; the last tenth are test examples. The first lie in the last piece
 * again.
 */
enum { POINTS = 6600, LEARNT = POINTS / 10 * 9, REPEATED = 1000, AGAIN = 4500, AXES = 3 };

static char labelled[PATH], points[PATH], drawn[PATH];

static const char *const vae_kept[] = {"hidden=12", "latent=3", "average=0.9"};
static const char *const game_kept[] = {"width=4", "latent=5", "average=0.9"};

/* What rank 0 asks for, and what it got. */
typedef struct question {
    const char *run, *judge, *data; /* data NULL: the run's own */
    void (*ask)(duet_run *run, struct question *it);
    duet_run *asked;
    float *values; /* room for CAPACITY */
    size_t count;
    duet_metric_value metrics[64];
    size_t metric_count;
    duet_error error, served[MOST_RANKS];
    duet_status dismissed;
    volatile int stop[MOST_RANKS];
    const char *devices[MOST_RANKS];
    uint64_t replays, total; /* as last told */
} question;

static void open_and_ask(duet_ranks *ranks, question *it)
{
    duet_run *run = NULL, *judge = NULL;
    char path[PATH], judge_path[PATH];
    path_of(path, it->run, "");
    if (duet_run_open_with(&run, path, NULL, it->data, NULL, &it->error) != DUET_OK) return;
    if (duet_run_share(run, ranks, &it->error) == DUET_OK && it->judge != NULL) {
        path_of(judge_path, it->judge, "");
        if (duet_run_open_beside(&judge, judge_path, run, &it->error) == DUET_OK)
            (void)duet_run_set_judge(run, judge, &it->error);
    }
    if (it->error.status == DUET_OK) it->ask(run, it);
    duet_run_close(&judge);
    duet_run_close(&run);
}

static void take_part(duet_ranks *ranks, void *context)
{
    question *it = context;
    const size_t rank = duet_ranks_rank(ranks);
    duet_error error = {0};
    const duet_serving serving = {.stop = &it->stop[rank], .device = it->devices[rank]};
    if (rank > 0) {
        (void)duet_run_serve(ranks, &serving, &it->served[rank]);
        return;
    }
    open_and_ask(ranks, it);
    it->dismissed = duet_run_dismiss(ranks, &error);
}

static void pose(question *it, size_t ranks)
{
    it->count = it->metric_count = 0;
    it->error = (duet_error){0};
    memset(it->served, 0, sizeof it->served);
    run_ranks(ranks, take_part, it);
    assert_int_equal(it->dismissed, DUET_OK);
    for (size_t r = 1; r < ranks; r++) assert_status(it->served[r].status, DUET_OK, &it->served[r]);
}

/* Asks for one output of rows 3 and on. */
static void ask_for(duet_run *run, question *it, const char *output, duet_request request)
{
    const size_t features = duet_run_features(run, output), numbers = request.count * features;
    const duet_wanted wanted = {output, it->values + it->count};
    if (it->error.status != DUET_OK) return;
    if (features == 0 || it->count + numbers > CAPACITY) {
        it->error = (duet_error){DUET_ERROR_USAGE, "the test asks for what there is not, or for too much"};
        return;
    }
    request.first = 3;
    request.outputs = &wanted;
    request.output_count = 1;
    (void)duet_run_use(run, &request, &it->error);
    it->count += numbers;
}

static float *examples_of(duet_run *run, size_t count)
{
    const size_t features = duet_shape_elements(duet_data_describe(duet_run_data(run))->shape);
    float *values = malloc(count * features * sizeof *values);
    if (values == NULL) abort();
    for (size_t i = 0; i < count * features; i++) values[i] = (float)(i * 2654435761u >> 9 & 255) / 255;
    return values;
}

/* Drawn, encoded and decoded rows; metrics in one pass. */
static void ask_vae(duet_run *run, question *it)
{
    static const char *const metrics[] = {"elbo", "log-likelihood", "mse"};
    static const char *const averages[] = {"weights=average"};
    float *examples = examples_of(run, ROWS), latents[3 * ROWS];
    for (size_t i = 0; i < 3 * ROWS; i++) latents[i] = (float)i / 50 - 2;
    ask_for(run, it, DUET_SAMPLE, (duet_request){.count = ROWS, .seed = 5, .batch = 8});
    ask_for(run, it, DUET_LATENT, (duet_request){.count = ROWS, .examples = examples, .batch = 8});
    ask_for(run, it, DUET_RECONSTRUCTION, (duet_request){.count = ROWS, .examples = examples, .seed = 7, .batch = 3});
    ask_for(run, it, DUET_DECODE, (duet_request){.count = ROWS, .latents = latents, .batch = 64});
    ask_for(run, it, DUET_SAMPLE, (duet_request){.count = 2 * ROWS, .seed = 9}); /* 100 and a rest */
    ask_for(run, it, DUET_SAMPLE, (duet_request){.count = WHOLE, .seed = 9});    /* not shared */
    ask_for(run, it, DUET_SAMPLE,
            (duet_request){.count = ROWS, .seed = 5, .batch = 8, .settings = averages, .setting_count = 1});
    if (it->error.status == DUET_OK)
        (void)duet_metric_compute_all(run, metrics, 3, DUET_TRAIN, 1, it->metrics, 64, &it->metric_count, &it->error);
    free(examples);
}

/* A game's averages take statistics of batch norm anew; a judge looks at its samples. */
static void ask_game(duet_run *run, question *it)
{
    static const char *const metrics[] = {"frechet", "precision"};
    static const char *const averages[] = {"weights=average"};
    duet_run_set_settings(run, averages, 1);
    ask_for(run, it, DUET_SAMPLE, (duet_request){.count = ROWS, .seed = 5, .batch = 8});
    ask_for(run, it, DUET_SAMPLE, (duet_request){.count = 250, .seed = 5});
    if (it->error.status == DUET_OK)
        (void)duet_metric_compute_all(run, metrics, 2, DUET_TRAIN, 1, it->metrics, 64, &it->metric_count, &it->error);
}

static void ask_classifier(duet_run *run, question *it)
{
    static const char *const metrics[] = {"accuracy"};
    float *examples = examples_of(run, ROWS);
    uint8_t classes[ROWS];
    for (size_t i = 0; i < ROWS; i++) classes[i] = (uint8_t)(i * 7 % CLASSES);
    ask_for(run, it, DUET_CLASS_LOGITS,
            (duet_request){.count = ROWS, .examples = examples, .classes = classes, .batch = 8});
    ask_for(run, it, DUET_FEATURES,
            (duet_request){.count = ROWS, .examples = examples, .classes = classes, .batch = 8});
    if (it->error.status == DUET_OK)
        (void)duet_metric_compute_all(run, metrics, 1, DUET_TRAIN, 1, it->metrics, 64, &it->metric_count, &it->error);
    free(examples);
}

/* Where those that are nearest to rows lie, and how far away; of rows that are examples, and of NaNs, too. */
static void ask_where(duet_run *run, question *it)
{
    float rows[AXES * ROWS];
    size_t places[ROWS];
    double distances[ROWS];
    for (size_t i = 0; i < AXES * ROWS; i++) rows[i] = (float)(i * 2654435761u >> 7 & 1023) / 512 - 1;
    for (size_t i = 0; i < 10 && it->error.status == DUET_OK; i++)
        (void)duet_data_read(duet_run_data(run), DUET_TRAIN, i * (LEARNT - 1) / 9, 1, rows + AXES * i, &it->error);
    rows[AXES * 20] = NAN;
    if (it->error.status != DUET_OK || duet_nearest_training(run, rows, ROWS, places, distances, &it->error) != DUET_OK)
        return;
    for (size_t i = 0; i < ROWS; i++) {
        it->values[it->count++] = (float)(places[i] == SIZE_MAX ? LEARNT : places[i]);
        it->values[it->count++] = (float)distances[i];
    }
}

/* Of samples that lie as the points do, which those of so short a training do not. */
static void ask_neighbours(duet_run *run, question *it)
{
    static const char *const metrics[] = {"memorisation"};
    ask_where(run, it);
    if (it->error.status == DUET_OK && duet_run_set_samples(run, drawn, &it->error) == DUET_OK)
        (void)duet_metric_compute_all(run, metrics, 1, DUET_TEST, 1, it->metrics, 64, &it->metric_count, &it->error);
}

static void assert_same_answers(const question *alone, const question *shared, size_t ranks)
{
    assert_status(shared->error.status, DUET_OK, &shared->error);
    assert_int_equal(shared->count, alone->count);
    for (size_t i = 0; i < alone->count; i++)
        if (memcmp(&alone->values[i], &shared->values[i], sizeof(float)) != 0)
            fail_msg("%s, %zu ranks: number %zu is %.9g and not %.9g", alone->run, ranks, i, (double)shared->values[i],
                     (double)alone->values[i]);
    assert_int_equal(shared->metric_count, alone->metric_count);
    for (size_t i = 0; i < alone->metric_count; i++) {
        const duet_metric_value *a = &alone->metrics[i], *b = &shared->metrics[i];
        assert_string_equal(a->name, b->name);
        if (memcmp(&a->value, &b->value, sizeof a->value) != 0 || memcmp(&a->low, &b->low, sizeof a->low) != 0 ||
            memcmp(&a->high, &b->high, sizeof a->high) != 0)
            fail_msg("%s, %zu ranks: %s is %.17g and not %.17g", alone->run, ranks, a->name, b->value, a->value);
    }
}

static void new_question(question *it, const char *run, const char *judge, void (*ask)(duet_run *, question *))
{
    *it = (question){.run = run, .judge = judge, .ask = ask, .values = calloc(CAPACITY, sizeof(float))};
    assert_non_null(it->values);
}

static void compare(const char *run, const char *judge, void (*ask)(duet_run *, question *), size_t most_ranks)
{
    static question alone, shared;
    new_question(&alone, run, judge, ask);
    new_question(&shared, run, judge, ask);
    pose(&alone, 1);
    assert_status(alone.error.status, DUET_OK, &alone.error);
    assert_true(alone.count > 0);
    for (size_t ranks = 2; ranks <= most_ranks; ranks++) {
        memset(shared.values, 0, alone.count * sizeof(float));
        pose(&shared, ranks);
        assert_same_answers(&alone, &shared, ranks);
    }
    free(alone.values);
    free(shared.values);
}

static void a_vae_gives_what_it_gives_alone(void **state)
{
    (void)state;
    compare("vae", NULL, ask_vae, 4);
}

static void a_judge_and_a_game_give_what_they_give_alone(void **state)
{
    (void)state;
    compare("judge", NULL, ask_classifier, 4);
    compare("game", "judge", ask_game, 4);
}

/* Equally near examples lie in parts of several ranks, and the fourth rank has none. */
static void neighbours_are_those_found_alone(void **state)
{
    (void)state;
    compare("points", NULL, ask_neighbours, 4);
}

/* By a new file, so that who has the old one keeps it. */
static void write_points(const char *path, size_t salt)
{
    static float values[AXES * POINTS];
    duet_error error = {0};
    for (size_t i = 0; i < AXES * POINTS; i++) values[i] = (float)((i + salt) * 2654435761u >> 5 & 4095) / 2048 - 1;
    memcpy(values + AXES * AGAIN, values, AXES * REPEATED * sizeof *values);
    assert_ok(duet_write_npy(path, values, DUET_SHAPE(POINTS, AXES), &error), &error);
}

static void away_path(char path[PATH])
{
    path_of(path, "away.npy", "");
}

/* Rank 0 has read the points; whoever opens them now finds none, or others. */
static void ask_where_moved(duet_run *run, question *it)
{
    char away[PATH];
    away_path(away);
    if (duet_data_checksum(duet_run_data(run), &it->error) != DUET_OK) return;
    if (rename(points, away) != 0) abort();
    ask_where(run, it);
}

static void ask_where_replaced(duet_run *run, question *it)
{
    if (duet_data_checksum(duet_run_data(run), &it->error) != DUET_OK) return;
    write_points(points, 7);
    ask_where(run, it);
}

/* What is asked here is no request to the model, so it is a search that fails. */
static void rank_0_says_what_fails_a_search(void **state)
{
    (void)state;
    static question it;
    char away[PATH];
    new_question(&it, "points", NULL, ask_where);
    for (size_t rank = 1; rank < 3; rank++) {
        it.stop[rank] = 1;
        pose(&it, 3);
        assert_status(it.error.status, DUET_ERROR_INTERRUPTED, &it.error);
        assert_message(&it.error, rank == 1 ? "rank 1 on here: stopped after 0 of 2000 training examples"
                                            : "rank 2 on here: stopped after 0 of 1940 training examples");
        it.stop[rank] = 0;
    }
    it.ask = ask_where_moved;
    pose(&it, 2);
    assert_status(it.error.status, DUET_ERROR_FILE, &it.error);
    assert_message(&it.error, "rank 1 on here: the data of ");
    away_path(away);
    assert_int_equal(rename(away, points), 0);
    it.ask = ask_where_replaced;
    it.data = points;
    pose(&it, 2);
    assert_status(it.error.status, DUET_ERROR_DATA, &it.error);
    assert_message(&it.error, "holds other examples here than rank 0 has read");
    free(it.values);
}

/* More than ranks hold at a time. */
static void ask_much(duet_run *run, question *it)
{
    ask_for(run, it, DUET_SAMPLE, (duet_request){.count = 25000, .seed = 5});
}

static void long_requests_go_in_rounds(void **state)
{
    (void)state;
    compare("vae", NULL, ask_much, 2);
}

static void count_replays(void *context, uint64_t repeat, uint64_t total)
{
    question *it = context;
    if (repeat != it->replays + 1) it->error = (duet_error){DUET_ERROR_USAGE, "progress does not go on by one"};
    it->replays = repeat;
    it->total = total;
}

/* A batch of so many rows is a round of its own for each rank. */
static void ask_inversions(duet_run *run, question *it)
{
    static const char *const settings[] = {"steps=5", "restarts=1"};
    const size_t rows = 3000;
    float *examples = examples_of(run, 4 * rows);
    it->replays = 0;
    ask_for(run, it, "inverse",
            (duet_request){.count = 4 * rows,
                           .examples = examples,
                           .batch = rows,
                           .settings = settings,
                           .setting_count = 2,
                           .progress = count_replays,
                           .context = it});
    free(examples);
}

static void procedures_tell_of_one_progress(void **state)
{
    (void)state;
    static question it;
    new_question(&it, "vae", NULL, ask_inversions);
    pose(&it, 2);
    assert_status(it.error.status, DUET_OK, &it.error);
    assert_int_equal(it.replays, it.total);
    assert_true(it.total >= 2 * 5);
    free(it.values);
}

/* Far more steps than a test has time for. */
static void ask_for_long(duet_run *run, question *it)
{
    static const char *const settings[] = {"steps=1000000"};
    float *examples = examples_of(run, ROWS);
    ask_for(run, it, "inverse",
            (duet_request){.count = ROWS, .examples = examples, .batch = 8, .settings = settings, .setting_count = 1});
    free(examples);
}

static void what_fails_one_rank_stops_the_others(void **state)
{
    (void)state;
    static question it;
    new_question(&it, "vae", NULL, ask_for_long);
    it.stop[1] = 1;
    pose(&it, 3);
    assert_status(it.error.status, DUET_ERROR_INTERRUPTED, &it.error);
    assert_message(&it.error, "rank 1 on here: stopped");
    free(it.values);
}

/* A class that there is not, in the first row or in the last; then one that there is. */
static void ask_wrongly(duet_run *run, question *it, size_t wrong)
{
    float *examples = examples_of(run, ROWS);
    uint8_t classes[ROWS] = {0};
    duet_error first;
    classes[wrong] = 99;
    duet_request request = {.count = ROWS, .examples = examples, .classes = classes, .batch = 8};
    ask_for(run, it, DUET_CLASS_LOGITS, request);
    first = it->error;
    it->error = (duet_error){0};
    classes[wrong] = 0;
    ask_for(run, it, DUET_CLASS_LOGITS, request);
    if (it->error.status == DUET_OK) it->error = first;
    free(examples);
}

static void ask_first_wrongly(duet_run *run, question *it)
{
    ask_wrongly(run, it, 0);
}

static void ask_last_wrongly(duet_run *run, question *it)
{
    ask_wrongly(run, it, ROWS - 1);
}

static void rank_0_says_what_fails(void **state)
{
    (void)state;
    static question it;
    new_question(&it, "judge", NULL, ask_first_wrongly);
    pose(&it, 3);
    assert_status(it.error.status, DUET_ERROR_USAGE, &it.error);
    assert_int_equal(strncmp(it.error.message, "class 99 is none", 16), 0);
    it.ask = ask_last_wrongly;
    pose(&it, 3);
    assert_status(it.error.status, DUET_ERROR_USAGE, &it.error);
    assert_message(&it.error, "rank 2 on here: class 99 is none");
    it.ask = ask_classifier;
    it.devices[1] = "no such device";
    pose(&it, 3);
    assert_status(it.error.status, DUET_ERROR_NO_DEVICE, &it.error);
    assert_message(&it.error, "rank 1 on here: ");
    it.devices[1] = NULL;
    it.stop[1] = 1;
    pose(&it, 3);
    assert_status(it.error.status, DUET_ERROR_INTERRUPTED, &it.error);
    assert_message(&it.error, "rank 1 on here: stopped");
    free(it.values);
}

/* A training replaced the weights after rank 0 had read them. */
static void ask_too_late(duet_run *run, question *it)
{
    copy_file("vae", "replaced", "checkpoint.safetensors");
    ask_for(run, it, DUET_SAMPLE, (duet_request){.count = ROWS, .seed = 5, .batch = 8});
}

static void other_weights_are_refused(void **state)
{
    (void)state;
    static question it;
    recipe fewer = {"vae", NULL, vae_kept, 3, 20, 0};
    train_well(&fewer, "replaced");
    new_question(&it, "replaced", NULL, ask_too_late);
    pose(&it, 2);
    assert_status(it.error.status, DUET_ERROR_DATA, &it.error);
    assert_message(&it.error, "other weights");
    free(it.values);
}

static void mistake(duet_ranks *ranks, void *context)
{
    duet_error *errors = context;
    const duet_serving serving = {0};
    duet_run *run = NULL;
    char path[PATH];
    path_of(path, "vae", "");
    if (duet_ranks_rank(ranks) == 0) {
        (void)duet_run_serve(ranks, &serving, &errors[0]);
        return;
    }
    if (duet_run_open(&run, path, NULL, &errors[1]) == DUET_OK) (void)duet_run_share(run, ranks, &errors[1]);
    duet_run_close(&run);
}

static void rank_0_shares_and_the_others_serve(void **state)
{
    (void)state;
    duet_error errors[2] = {{0}};
    run_ranks(2, mistake, errors);
    assert_message(&errors[0], "rank 0 does not serve");
    assert_message(&errors[1], "rank 1 shares a run");
}

/* Enough labelled pictures for distances of features. */
static void write_labelled(void)
{
    static float values[EXAMPLES * SIDE * SIDE];
    uint8_t labels[EXAMPLES];
    char path[PATH];
    duet_error error = {0};
    path_of(labelled, "set", "");
    assert_int_equal(mkdir(labelled, 0777), 0);
    for (size_t i = 0; i < EXAMPLES * SIDE * SIDE; i++) values[i] = (float)(i * 2654435761u >> 11 & 255) / 255;
    for (size_t i = 0; i < EXAMPLES; i++) labels[i] = (uint8_t)(i % CLASSES);
    path_of(path, "set", "train.npy");
    assert_ok(duet_write_npy(path, values, DUET_SHAPE(EXAMPLES, SIDE, SIDE, 1), &error), &error);
    path_of(path, "set", "train-labels.npy");
    assert_ok(duet_write_npy_bytes(path, labels, DUET_SHAPE(EXAMPLES), &error), &error);
}

static int train_all(void **state)
{
    const recipe variational = {"vae", NULL, vae_kept, 3, 23, 0};
    const recipe game = {"gan-conv", labelled, game_kept, 3, 12, 0};
    const recipe judge = {"classifier", labelled, NULL, 0, 12, 0};
    const recipe of_points = {"vae", points, vae_kept, 3, 20, 0};
    (void)begin(state);
    write_labelled();
    path_of(points, "points.npy", "");
    path_of(drawn, "drawn.npy", "");
    write_points(points, 0);
    write_points(drawn, 5);
    train_well(&variational, "vae");
    train_well(&judge, "judge");
    train_well(&game, "game");
    train_well(&of_points, "points");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vae_gives_what_it_gives_alone),
        cmocka_unit_test(a_judge_and_a_game_give_what_they_give_alone),
        cmocka_unit_test(neighbours_are_those_found_alone),
        cmocka_unit_test(rank_0_says_what_fails_a_search),
        cmocka_unit_test(long_requests_go_in_rounds),
        cmocka_unit_test(procedures_tell_of_one_progress),
        cmocka_unit_test(what_fails_one_rank_stops_the_others),
        cmocka_unit_test(rank_0_says_what_fails),
        cmocka_unit_test(other_weights_are_refused),
        cmocka_unit_test(rank_0_shares_and_the_others_serve),
    };
    return RUN_TESTS("rank_use", tests, train_all, remove_folder);
}
