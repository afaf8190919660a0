/* SPDX-License-Identifier: MIT */
/* Reading ahead on a thread of its own: the rows are the same whatever room there is, it can be given up, and damage is
 * found. */
#include "data_files.h"

#include <time.h>

#include "data/ahead.h"

/* Whole files and parts of them, with room for all of it, for a few pieces, and for two, which wraps around often. */
static void rows_read_ahead_are_the_same(void **state)
{
    (void)state;
    static const size_t rooms[] = {64 << 20, 6 << 20, 4 << 20};
    static const size_t parts[][2] = {
        {0, LARGE_ROWS}, {0, 1}, {7, 6000}, {LARGE_ROWS - 1, 1}, {1000, LARGE_ROWS - 1000}};
    write_large("a.idx.gz");
    uint8_t *values = malloc((size_t)LARGE_ROWS * LARGE_COLUMNS);
    assert_non_null(values);
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            duet_error error = {0};
            duet_rows rows = {0};
            size_t first = parts[k][0], count = parts[k][1], bytes = count * LARGE_COLUMNS;
            assert_ok(duet_rows_open(&rows, in_folder("a.idx.gz"), NULL, &error), &error);
            duet_ahead *ahead = duet_ahead_begin(&rows, first, count, rooms[i]);
            assert_non_null(ahead);
            memset(values, 0, bytes);
            assert_ok(duet_ahead_take(ahead, values, &error), &error);
            duet_ahead_end(&ahead);
            assert_null(ahead);
            for (size_t e = 0; e < bytes; e++)
                if (values[e] != pattern(first * LARGE_COLUMNS + e)) fail_msg("element %zu of part %zu", e, k);
            duet_rows_close(&rows);
        }
    free(values);
}

static void reading_ahead_can_be_given_up(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_rows rows = {0};
    uint8_t row[LARGE_COLUMNS];
    write_large("a.idx.gz");
    assert_ok(duet_rows_open(&rows, in_folder("a.idx.gz"), NULL, &error), &error);
    assert_null(duet_ahead_begin(&rows, 0, LARGE_ROWS, 2 << 20)); /* one piece: nothing would be ahead */
    assert_null(duet_ahead_begin(&rows, 0, 0, 64 << 20));
    for (int i = 0; i < 3; i++) {
        duet_ahead *ahead = duet_ahead_begin(&rows, 0, LARGE_ROWS, 4 << 20);
        assert_non_null(ahead);
        if (i > 0) (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* it waits for room by now */
        duet_ahead_end(&ahead);
        assert_ok(duet_rows_read(&rows, 5, 1, row, &error), &error);
        for (size_t e = 0; e < LARGE_COLUMNS; e++) assert_int_equal(row[e], pattern(5 * LARGE_COLUMNS + e));
    }
    duet_ahead *none = NULL;
    duet_ahead_end(&none);
    duet_rows_close(&rows);
}

static void damage_is_found_while_reading_ahead(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_rows rows = {0};
    uint8_t *values = malloc((size_t)LARGE_ROWS * LARGE_COLUMNS);
    assert_non_null(values);
    write_large("a.idx.gz");
    damage_checksum("a.idx.gz");
    assert_ok(duet_rows_open(&rows, in_folder("a.idx.gz"), NULL, &error), &error);
    duet_ahead *ahead = duet_ahead_begin(&rows, 0, LARGE_ROWS, 64 << 20);
    assert_non_null(ahead);
    assert_status(duet_ahead_take(ahead, values, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "a.idx.gz: damaged gzip file");
    duet_ahead_end(&ahead);
    duet_rows_close(&rows);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(rows_read_ahead_are_the_same),
        IN_FOLDER(reading_ahead_can_be_given_up),
        IN_FOLDER(damage_is_found_while_reading_ahead),
    };
    return RUN_TESTS("ahead", tests, NULL, NULL);
}
