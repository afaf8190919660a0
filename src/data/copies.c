/* SPDX-License-Identifier: MIT */
/* Rows are known by numbers of 64 bits, those of one split sorted. In tables of few values rows are equal by chance:
 * then as many test examples are like a training example as training examples are like another one. */
#include "data/copies.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/columns.h"

enum {
    PIECE_BYTES = 64 * 1024,
    WIDE = 64 /* numbers of a row that chance does not repeat */,
    FEW = 10 /* different rows, as of a few truths */,
    FEW_VALUES = 8 /* as many times as many rows as different ones: a table of few values; so of a column */,
    SAMPLE = 4096,
    WIDEST = 256 /* numbers of a row that are looked at */
};

uint64_t duet_print(const void *bytes, size_t count)
{
    const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
    const unsigned char *at = bytes;
    uint64_t print = count * factor;
    for (size_t length; count > 0; at += length, count -= length) {
        uint64_t word = 0;
        length = count < sizeof word ? count : sizeof word;
        memcpy(&word, at, length);
        print = (print ^ word) * factor;
        print ^= print >> 29;
    }
    print *= UINT64_C(0xBF58476D1CE4E5B9);
    return print ^ print >> 32;
}

static duet_status print_piece(duet_rows *rows, size_t first, size_t count, void *room, uint64_t *prints,
                               duet_error *error)
{
    const size_t bytes = duet_rows_row_bytes(rows);
    if (rows->source->prints != NULL) return rows->source->prints(rows, first, count, prints, error);
    DUET_TRY(duet_rows_read(rows, first, count, room, error));
    for (size_t i = 0; i < count; i++) prints[i] = duet_print((unsigned char *)room + i * bytes, bytes);
    return DUET_OK;
}

duet_status duet_copies_print(duet_rows *rows, uint64_t **prints, duet_error *error)
{
    size_t piece = PIECE_BYTES / duet_rows_row_bytes(rows);
    if (piece == 0) piece = 1;
    if (piece > rows->count) piece = rows->count;
    *prints = calloc(rows->count, sizeof **prints);
    void *room = calloc(piece, duet_rows_row_bytes(rows));
    duet_status status = *prints == NULL || room == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path)
                             : DUET_OK;
    for (size_t row = 0; status == DUET_OK && row < rows->count; row += piece) {
        size_t count = rows->count - row < piece ? rows->count - row : piece;
        status = print_piece(rows, row, count, room, *prints + row, error);
    }
    free(room);
    return status;
}

/* An example and the row of its file. */
typedef struct example {
    uint64_t print;
    size_t row, place; /* in the file, in the split */
} example;

static int compare(const void *a, const void *b)
{
    const example *one = a, *two = b;
    if (one->print != two->print) return one->print < two->print ? -1 : 1;
    return (one->row > two->row) - (one->row < two->row);
}

static int compare_prints(const void *a, const void *b)
{
    const example *one = a, *two = b;
    return (one->print > two->print) - (one->print < two->print);
}

/* The examples of a part, sorted; NULL: out of memory. */
static example *examples_of(const duet_data_part *part, const uint64_t *prints)
{
    example *all = calloc(part->count, sizeof *all);
    for (size_t i = 0; all != NULL && i < part->count; i++) {
        size_t row = part->rows.numbers != NULL ? part->rows.numbers[i] : part->first + i;
        all[i] = (example){prints[row], row, i};
    }
    if (all != NULL) qsort(all, part->count, sizeof *all, compare);
    return all;
}

/* What was found in both splits. */
typedef struct findings {
    size_t different, doubled, copied; /* training examples, those of them that repeat another, test examples */
    size_t twins;                      /* training examples that equal another one */
    example repeated[2], copy[2];      /* the first of each kind and what it repeats */
} findings;

static void look(findings *it, const example *train, size_t trained, const example *test, size_t tested)
{
    for (size_t i = 0; i < trained; i++) {
        bool repeats = i > 0 && train[i].print == train[i - 1].print;
        it->different += !repeats;
        it->twins += repeats || (i + 1 < trained && train[i].print == train[i + 1].print);
        if (repeats && it->doubled++ == 0) memcpy(it->repeated, &train[i - 1], sizeof it->repeated);
    }
    for (size_t i = 0; i < tested; i++) {
        const example *found = bsearch(&test[i], train, trained, sizeof *train, compare_prints);
        if (found == NULL || it->copied++ > 0) continue;
        it->copy[0] = *found;
        it->copy[1] = test[i];
    }
}

/* Whether so many of all are more than chance: of wide rows from 1 in 100 on, of others from 1 in 10. */
static bool are_many(const duet_rows *rows, size_t some, size_t all)
{
    return some >= 2 && some * (rows->row_elements >= WIDE ? 100 : 10) >= all;
}

/* "a.png and b/a.png", or "rows 3 and 17" of one file. */
static void name_pair(char *words, size_t size, const duet_data_part *a, const duet_data_part *b, bool one_file,
                      const example pair[2])
{
    const char *one = duet_rows_name(&a->rows, a->first + pair[0].place);
    const char *two = duet_rows_name(&b->rows, b->first + pair[1].place);
    if (one != NULL && two != NULL)
        (void)snprintf(words, size, "%.120s and %.120s", one, two);
    else
        (void)snprintf(words, size, one_file ? "rows %zu and %zu" : "training row %zu and test row %zu", pair[0].row,
                       pair[1].row);
}

/* Whether the columns of these rows, sorted on the way, make rows equal by chance: each has few values, or drawn by
 * themselves they explain a part of the share that was found. */
static bool do_columns_repeat(const float *rows, size_t count, size_t elements, float *column, double found,
                              size_t trained)
{
    const double much = 0.2;
    double both = 0; /* the logarithm of the chance that two rows are equal */
    bool few = elements < WIDE;
    for (size_t i = 0; i < elements; i++) {
        double alike = 0;
        size_t distinct = 0;
        for (size_t row = 0; row < count; row++) column[row] = rows[row * elements + i];
        (void)duet_column_look(column, count);
        for (size_t k = 0, times; k < count; k += times) {
            for (times = 1; k + times < count && column[k + times] == column[k];) times++;
            alike += pow((double)times / (double)count, 2);
            distinct++;
        }
        both += log(alike);
        few = few && distinct * FEW_VALUES <= count;
    }
    return few || -expm1((double)trained * log1p(-exp(fmin(both, -1e-9)))) > much * found;
}

static duet_status read_sample(const duet_data_part *part, float *to, size_t *count, duet_error *error)
{
    duet_rows rows = part->rows;
    size_t first, piece;
    *count = 0;
    for (size_t i = 0; duet_rows_spread(part->count, SAMPLE, i, &first, &piece); i++) {
        float *at = to + *count * rows.row_elements;
        DUET_TRY(duet_rows_read(&rows, part->first + first, piece, at, error));
        if (rows.element == DUET_ELEMENT_UINT8) /* from the last on: each lies before what it becomes */
            for (size_t k = piece * rows.row_elements; k-- > 0;) at[k] = ((const uint8_t *)(const void *)at)[k];
        *count += piece;
    }
    return DUET_OK;
}

/* Whether chance explains what was found: as it makes test examples equal to training examples, it does these. */
static duet_status is_by_chance(const findings *it, const duet_data_part *parts, bool *chance, duet_error *error)
{
    const duet_data_part *train = &parts[DUET_TRAIN];
    const size_t elements = train->rows.row_elements, wanted = train->count < SAMPLE ? train->count : SAMPLE;
    const double tested = (double)parts[DUET_TEST].count, copied = (double)it->copied / tested,
                 share = (double)it->twins / (double)train->count,
                 spread = sqrt(fmax(share * (1 - share), 1 / tested) / tested);
    size_t count = 0;
    *chance = false;
    if (train->rows.pictures || elements >= WIDEST || copied > share + 3 * spread) return DUET_OK;
    float *rows = calloc(wanted, elements * sizeof *rows), *column = calloc(wanted, sizeof *column);
    duet_status status =
        rows == NULL || column == NULL
            ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to compare its examples", train->rows.path)
            : read_sample(train, rows, &count, error);
    if (status == DUET_OK)
        *chance = do_columns_repeat(rows, count, elements, column, fmax(share, copied), train->count);
    free(rows);
    free(column);
    return status;
}

static duet_status tell(const findings *it, const duet_data_part *parts, bool one_file,
                        const duet_data_options *options, duet_error *error)
{
    const duet_data_part *train = &parts[DUET_TRAIN], *test = &parts[DUET_TEST];
    const char *remedy = train->rows.pictures ? "take one of each out"
                         : options->own ? "pass array[numpy.unique(array, axis=0, return_index=True)[1]], and the "
                                          "labels so too"
                                        : "of an array save array[numpy.unique(array, axis=0, "
                                          "return_index=True)[1]], and the labels so too";
    char pair[300];
    const bool few_values =
        train->rows.row_elements < WIDE && (it->different < FEW || it->different * FEW_VALUES < train->count);
    const bool leaks = are_many(&test->rows, it->copied, test->count),
               repeats = are_many(&train->rows, it->doubled, train->count);
    bool chance = false;
    if (train->rows.row_elements == 1 || it->different == 1 || few_values || (!leaks && !repeats)) return DUET_OK;
    DUET_TRY(is_by_chance(it, parts, &chance, error));
    if (chance) return DUET_OK;
    if (leaks) {
        name_pair(pair, sizeof pair, train, test, one_file, it->copy);
        duet_notes_add(options->notes, false,
                       "%s: %zu of %zu test examples are training examples too, such as %s: what is learnt by heart "
                       "would pass for understood; %s",
                       test->rows.path, it->copied, test->count, pair, one_file ? remedy : "take them out of either");
    } else {
        name_pair(pair, sizeof pair, train, train, true, it->repeated);
        duet_notes_add(options->notes, false,
                       "%s: %zu of %zu training examples are copies of others, such as %s: they count as often; %s",
                       train->rows.path, it->doubled, train->count, pair, remedy);
    }
    return DUET_OK;
}

duet_status duet_tell_of_copies(const duet_data_part *parts, uint64_t *const prints[2],
                                const duet_data_options *options, duet_error *error)
{
    findings found = {0};
    const bool one_file = prints[DUET_TEST] == NULL;
    example *train = examples_of(&parts[DUET_TRAIN], prints[DUET_TRAIN]);
    example *test = examples_of(&parts[DUET_TEST], prints[one_file ? DUET_TRAIN : DUET_TEST]);
    duet_status status = train != NULL && test != NULL
                             ? DUET_OK
                             : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to compare its examples",
                                         parts[DUET_TRAIN].rows.path);
    if (status == DUET_OK) {
        look(&found, train, parts[DUET_TRAIN].count, test, parts[DUET_TEST].count);
        status = tell(&found, parts, one_file, options, error);
    }
    free(train);
    free(test);
    return status;
}
