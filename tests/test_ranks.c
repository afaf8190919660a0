/* SPDX-License-Identifier: MIT */
/* What ranks do together: sums with the same bits on all, words to all, one verdict; and waits that end. */
#include "rank_threads.h"

enum { LONGEST = 40000 };

/* Number i of a rank: of very unlike sizes, so that sums in another order or precision have other bits. */
static float number_of(size_t rank, size_t i)
{
    const double value = sin((double)(i * 7 + rank * 13 + 1)) * pow(10, (double)((i + rank * 5) % 9) - 4);
    return (float)value;
}

typedef struct sums {
    size_t length, count;
    float *of[MOST_RANKS];
} sums;

static void sum_up(duet_ranks *ranks, void *context)
{
    const sums *it = context;
    duet_error error = {0};
    const size_t rank = duet_ranks_rank(ranks);
    for (size_t repeat = 0; repeat < 2; repeat++) {
        for (size_t i = 0; i < it->length; i++) it->of[rank][i] = number_of(rank, i);
        if (duet_ranks_sum(ranks, it->of[rank], it->length, &error) != DUET_OK) abort();
    }
}

static void sums_are_exact(void **state)
{
    static const size_t lengths[] = {1, 3, 255, 256, 257, 1023, 1365, 2047, 2048, 2049, 4099, LONGEST};
    (void)state;
    for (size_t count = 1; count <= 5; count++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            sums it = {.length = lengths[l], .count = count};
            for (size_t r = 0; r < count; r++) it.of[r] = calloc(LONGEST, sizeof(float));
            run_ranks(count, sum_up, &it);
            for (size_t i = 0; i < it.length; i++) {
                double sum = 0;
                for (size_t r = 0; r < count; r++) sum += (double)number_of(r, i);
                for (size_t r = 0; r < count; r++) assert_true(it.of[r][i] == (float)sum);
            }
            for (size_t r = 0; r < count; r++) free(it.of[r]);
        }
}

/* What each rank found. */
typedef struct found {
    char words[MOST_RANKS][32], all[MOST_RANKS][MOST_RANKS];
    duet_status statuses[MOST_RANKS];
    duet_error errors[MOST_RANKS];
    size_t local[MOST_RANKS], locals[MOST_RANKS];
    double seconds[MOST_RANKS];
    volatile int stop;
    bool alike;
} found;

static void share_words(duet_ranks *ranks, void *context)
{
    found *it = context;
    duet_error error = {0};
    const size_t rank = duet_ranks_rank(ranks);
    const char own = (char)('a' + rank);
    snprintf(it->words[rank], sizeof it->words[rank], "of rank %zu", rank);
    if (duet_ranks_share(ranks, it->words[rank], sizeof it->words[rank], &error) != DUET_OK) abort();
    if (duet_ranks_gather(ranks, &own, 1, it->all[rank], &error) != DUET_OK) abort();
    it->local[rank] = duet_ranks_local_rank(ranks);
    it->locals[rank] = duet_ranks_local_count(ranks);
    it->seconds[rank] = duet_ranks_seconds(ranks);
}

static void words_reach_all(void **state)
{
    found it = {0};
    (void)state;
    run_ranks(4, share_words, &it);
    for (size_t r = 0; r < 4; r++) {
        assert_string_equal(it.words[r], "of rank 0");
        assert_memory_equal(it.all[r], "abcd", 4);
        assert_int_equal(it.local[r], r);
        assert_int_equal(it.locals[r], 4);
        assert_true(it.seconds[r] > 0);
    }
}

static void say(duet_ranks *ranks, void *context)
{
    found *it = context;
    const size_t rank = duet_ranks_rank(ranks);
    duet_status own = DUET_OK;
    duet_error *error = &it->errors[rank];
    if (it->alike || rank == 1 || rank == 2) {
        own = error->status = DUET_ERROR_DATA;
        snprintf(error->message, sizeof error->message, it->alike ? "no such file" : "rank %zu cannot read", rank);
    }
    it->statuses[rank] = duet_ranks_agree(ranks, own, error);
}

static void all_fail_as_the_first_that_did(void **state)
{
    found it = {0};
    (void)state;
    run_ranks(4, say, &it);
    for (size_t r = 0; r < 4; r++) {
        assert_int_equal(it.statuses[r], DUET_ERROR_DATA);
        assert_int_equal(it.errors[r].status, DUET_ERROR_DATA);
        assert_string_equal(it.errors[r].message, "rank 1 on here: rank 1 cannot read");
    }
    it = (found){.alike = true};
    run_ranks(3, say, &it);
    for (size_t r = 0; r < 3; r++) assert_string_equal(it.errors[r].message, "no such file");
}

/* Rank 1 does not come; `stop` set: the others are asked to stop meanwhile. */
static void wait_for_one(duet_ranks *ranks, void *context)
{
    found *it = context;
    const size_t rank = duet_ranks_rank(ranks);
    float value = 1;
    duet_ranks_set_patience(ranks, it->stop ? 60 : 0.2);
    duet_ranks_set_stop(ranks, &it->stop);
    duet_ranks_set_step(ranks, 12);
    if (rank != 1) it->statuses[rank] = duet_ranks_sum(ranks, &value, 1, &it->errors[rank]);
}

static void a_late_rank_is_named(void **state)
{
    found it = {0};
    (void)state;
    run_ranks(3, wait_for_one, &it);
    for (size_t r = 0; r < 3; r += 2) {
        assert_int_equal(it.statuses[r], DUET_ERROR_DEVICE);
        assert_non_null(strstr(it.errors[r].message, "rank 1 on here has not answered for 0.2 s in step 12"));
    }
    it = (found){.stop = 1};
    run_ranks(3, wait_for_one, &it);
    for (size_t r = 0; r < 3; r += 2) {
        assert_int_equal(it.statuses[r], DUET_ERROR_INTERRUPTED);
        assert_non_null(strstr(it.errors[r].message, "stopped in step 12"));
    }
}

static void measure(duet_ranks *ranks, void *context)
{
    duet_link *links = context;
    duet_error error = {0};
    if (duet_ranks_measure(ranks, &links[duet_ranks_rank(ranks)], &error) != DUET_OK) abort();
}

static void ways_are_measured(void **state)
{
    duet_link links[2];
    (void)state;
    run_ranks(2, measure, links);
    assert_true(links[0].latency > 0 && links[0].bandwidth > 0);
    assert_memory_equal(&links[0], &links[1], sizeof links[0]);
}

/* One that answers as another version would. */
static duet_status answer_strangely(void *context, const duet_message *sends, size_t send_count,
                                    const duet_message *receives, size_t receive_count, bool (*goes_on)(void *waiter),
                                    void *waiter, size_t *late, duet_error *error)
{
    (void)goes_on;
    (void)waiter;
    (void)late;
    (void)error;
    assert_int_equal(send_count, receive_count);
    memcpy(receives[0].bytes, sends[0].bytes, sends[0].count);
    memcpy((char *)receives[0].bytes + *(size_t *)context, "9.9", 3);
    return DUET_OK;
}

static void strangers_are_refused(void **state)
{
    static const struct {
        size_t place; /* in what ranks tell each other first */
        const char *words;
    } rows[] = {{8, "runs Duet 9.9"}, {0, "is no Duet of this byte order"}, {4, "is no Duet of this byte order"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t place = rows[i].place;
        const duet_transport transport = {&place, 0, 2, "here", answer_strangely};
        duet_ranks *ranks = NULL;
        duet_error error = {0};
        assert_status(duet_ranks_new(&ranks, &transport, &error), DUET_ERROR_USAGE, &error);
        assert_non_null(strstr(error.message, rows[i].words));
        assert_null(ranks);
    }
}

static void one_alone_is_rank_0(void **state)
{
    (void)state;
    assert_int_equal(duet_ranks_rank(NULL), 0);
    assert_int_equal(duet_ranks_count(NULL), 1);
    assert_int_equal(duet_ranks_local_count(NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact),        cmocka_unit_test(words_reach_all),
        cmocka_unit_test(ways_are_measured),     cmocka_unit_test(all_fail_as_the_first_that_did),
        cmocka_unit_test(a_late_rank_is_named),  cmocka_unit_test(strangers_are_refused),
        cmocka_unit_test(one_alone_is_rank_0),
    };
    return RUN_TESTS("ranks", tests, NULL, NULL);
}
