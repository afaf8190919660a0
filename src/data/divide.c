/* SPDX-License-Identifier: MIT */
/* The last tenth of the rows, as they lie; or a tenth of each class by chance. The chance follows from the data's own
 * checksum and from nothing else: every run on the same data, whatever its seed, keeps the same examples for the test.
 */
#include "data/divide.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"

enum { TEST_SHARE = 10, STREAM = 0x73706c74 /* "splt" */ };

/* Rows by their numbers: a source around another one. */
typedef struct chosen {
    duet_rows inner;
    size_t *rows;
} chosen;

/* Neighbours are read together. */
static duet_status chosen_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error)
{
    chosen *it = rows->state;
    unsigned char *to = destination;
    for (size_t i = first, length; i < first + count; i += length) {
        for (length = 1; i + length < first + count && it->rows[i + length] == it->rows[i] + length;) length++;
        DUET_TRY(duet_rows_read(&it->inner, it->rows[i], length, to, error));
        to += length * duet_rows_row_bytes(rows);
    }
    return DUET_OK;
}

static duet_status chosen_check_end(duet_rows *rows, duet_error *error)
{
    chosen *it = rows->state;
    return duet_rows_check_end(&it->inner, error);
}

static void chosen_close(duet_rows *rows)
{
    chosen *it = rows->state;
    duet_rows_close(&it->inner);
    free(it->rows);
    free(it);
}

static const duet_row_source chosen_source;

/* Makes `rows` those of `numbers`; takes the numbers, also on failure. Labels stay outside. */
static duet_status choose(duet_rows *rows, size_t *numbers, size_t count, duet_error *error)
{
    chosen *it = calloc(1, sizeof *it);
    char *path = strdup(rows->path);
    if (it == NULL || path == NULL) {
        free(it);
        free(path);
        free(numbers);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", rows->path);
    }
    it->inner = *rows;
    it->inner.labels = (duet_labels){0};
    it->rows = numbers;
    rows->path = path;
    rows->source = &chosen_source;
    rows->state = it;
    rows->numbers = numbers;
    rows->count = count;
    return DUET_OK;
}

static duet_status chosen_share(duet_rows *to, const duet_rows *from, duet_error *error)
{
    const chosen *it = from->state;
    chosen *other = calloc(1, sizeof *other);
    if (other == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", from->path);
    to->state = other;
    DUET_TRY(duet_rows_share(&other->inner, &it->inner, error));
    other->rows = malloc(from->count * sizeof *other->rows);
    if (other->rows == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", from->path);
    memcpy(other->rows, it->rows, from->count * sizeof *other->rows);
    to->numbers = other->rows;
    return DUET_OK;
}

static bool chosen_leaps(const duet_rows *rows)
{
    const chosen *it = rows->state;
    return duet_rows_leap(&it->inner);
}

static const char *chosen_name(const duet_rows *rows, size_t row)
{
    const chosen *it = rows->state;
    return duet_rows_name(&it->inner, it->rows[row]);
}

static const duet_reach *chosen_reaches(const duet_rows *rows)
{
    const chosen *it = rows->state;
    return it->inner.source->reaches == NULL ? NULL : it->inner.source->reaches(&it->inner);
}

static const duet_row_source chosen_source = {.read = chosen_read,
                                              .check_end = chosen_check_end,
                                              .share = chosen_share,
                                              .close = chosen_close,
                                              .leaps = chosen_leaps,
                                              .reaches = chosen_reaches,
                                              .name = chosen_name};

/* A row in the order in which the rows of its class are taken for the test. */
typedef struct ticket {
    uint32_t class, chance[2];
    size_t row;
} ticket;

static int compare_tickets(const void *a, const void *b)
{
    const ticket *one = a, *two = b;
    if (one->class != two->class) return one->class < two->class ? -1 : 1;
    if (one->chance[0] != two->chance[0]) return one->chance[0] < two->chance[0] ? -1 : 1;
    if (one->chance[1] != two->chance[1]) return one->chance[1] < two->chance[1] ? -1 : 1;
    return one->row < two->row ? -1 : one->row > two->row;
}

static uint64_t key_of(const char *checksum)
{
    return strtoull(checksum, NULL, 16);
}

static ticket *draw_tickets(const duet_data *data, size_t total)
{
    const uint8_t *labels = data->parts[DUET_TRAIN].labels;
    const uint64_t key = key_of(data->info.checksum);
    ticket *tickets = calloc(total, sizeof *tickets);
    for (size_t i = 0; tickets != NULL && i < total; i++) {
        duet_philox_block block = duet_philox_element(key, STREAM, (uint32_t)((uint64_t)i >> 32), (uint32_t)i);
        tickets[i] = (ticket){labels == NULL ? 0 : labels[i], {block.word[0], block.word[1]}, i};
    }
    if (tickets != NULL) qsort(tickets, total, sizeof *tickets, compare_tickets);
    return tickets;
}

/* in_test[row]: whether the row is of the test split: every tenth ticket, so that each class, however small, gives its
 * share as nearly as whole examples can. Returns how many there are. */
static size_t mark_tests(const ticket *tickets, size_t total, bool *in_test)
{
    size_t count = total / TEST_SHARE;
    for (size_t i = 1; i <= count; i++) in_test[tickets[i * TEST_SHARE - 1].row] = true;
    if (count > 0) return count;
    in_test[tickets[0].row] = true;
    return 1;
}

/* The numbers of the rows of a split, in their order; NULL: out of memory. */
static size_t *rows_of(const bool *in_test, bool test, size_t total, size_t count)
{
    size_t *rows = malloc(count * sizeof *rows), filled = 0;
    for (size_t i = 0; rows != NULL && i < total; i++)
        if (in_test[i] == test) rows[filled++] = i;
    return rows;
}

/* Labels of the rows; NULL: out of memory. */
static uint8_t *labels_of(const uint8_t *labels, const size_t *rows, size_t count)
{
    uint8_t *own = malloc(count);
    for (size_t i = 0; own != NULL && i < count; i++) own[i] = labels[rows[i]];
    return own;
}

/* Gives a part, which reads all rows, those of its split. `labels`: of all rows; NULL: none. */
static duet_status take_split(duet_data_part *part, const bool *in_test, bool test, size_t total, size_t count,
                              const uint8_t *labels, duet_error *error)
{
    size_t *rows = rows_of(in_test, test, total, count);
    uint8_t *own = rows == NULL || labels == NULL ? NULL : labels_of(labels, rows, count);
    if (rows == NULL || (labels != NULL && own == NULL)) {
        free(rows);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %zu examples", part->rows.path, count);
    }
    part->count = count;
    part->labels = own;
    return choose(&part->rows, rows, count, error);
}

static duet_status divide_by_chance(duet_data *data, size_t total, duet_error *error)
{
    duet_data_part *train = &data->parts[DUET_TRAIN], *test = &data->parts[DUET_TEST];
    uint8_t *labels = train->labels;
    DUET_TRY(duet_data_checksum(data, error));
    ticket *tickets = draw_tickets(data, total);
    bool *in_test = calloc(total, sizeof *in_test);
    duet_status status = DUET_OK;
    if (tickets == NULL || in_test == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %zu examples", train->rows.path, total);
    if (status == DUET_OK) status = duet_rows_share(&test->rows, &train->rows, error);
    if (status == DUET_OK) {
        size_t count = mark_tests(tickets, total, in_test);
        train->labels = NULL;
        status = take_split(train, in_test, false, total, total - count, labels, error);
        if (status == DUET_OK) status = take_split(test, in_test, true, total, count, labels, error);
        free(labels);
    }
    free(tickets);
    free(in_test);
    return status;
}

static duet_status divide_at_the_end(duet_data_part *train, duet_data_part *test, size_t total, duet_error *error)
{
    size_t share = total / TEST_SHARE > 0 ? total / TEST_SHARE : 1;
    DUET_TRY(duet_rows_share(&test->rows, &train->rows, error));
    train->count = total - share;
    test->count = share;
    test->first = total - share;
    if (train->labels == NULL) return DUET_OK;
    test->labels = malloc(share);
    if (test->labels == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu labels", share);
    memcpy(test->labels, train->labels + test->first, share);
    return DUET_OK;
}

const char *duet_division_name(duet_division division)
{
    static const char *const names[] = {"given", "last", "shuffled"};
    return names[division];
}

duet_status duet_data_divide(duet_data *data, duet_division how, duet_error *error)
{
    duet_data_part *train = &data->parts[DUET_TRAIN];
    size_t total = train->count;
    if (total < 2)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: one example; at least two are expected, to train and to test with", train->rows.path);
    data->info.division = how == DUET_DIVISION_SHUFFLED ? how : DUET_DIVISION_LAST;
    if (how == DUET_DIVISION_SHUFFLED) return divide_by_chance(data, total, error);
    return divide_at_the_end(train, &data->parts[DUET_TEST], total, error);
}
