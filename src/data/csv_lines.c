/* SPDX-License-Identifier: MIT */
/* Whether a column of a file of labels numbers its lines, as the index of a table does that was mixed: whatever it is
 * called, each number from 0 or 1 on is there once. That is known from a sum, so nothing is kept of the lines. */
#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "data/copies.h"
#include "data/csv.h"

enum { FEW_ROWS = 10 /* of which a column may be such numbers by chance */ };

static uint64_t print_of(double number)
{
    return duet_print(&number, sizeof number);
}

static void add(duet_csv_numbers *it, const char *text, bool first)
{
    double number;
    it->possible = it->possible && duet_number_read(text, &number) && number >= 0 && number == floor(number) &&
                   (first || number != it->before);
    if (!it->possible) return;
    it->low = first ? number : fmin(it->low, number);
    it->high = first ? number : fmax(it->high, number);
    it->sorted = it->sorted && (first || number > it->before);
    it->sum += print_of(number);
    it->before = number;
}

duet_status duet_csv_watch_numbers(duet_csv *it, duet_error *error)
{
    if (it->numbers == NULL) {
        it->numbers = calloc(it->columns, sizeof *it->numbers);
        if (it->numbers == NULL) return duet_csv_fail_memory(it, error);
        for (size_t i = 0; i < it->columns; i++)
            it->numbers[i] = (duet_csv_numbers){.possible = (long)i != it->label, .sorted = true};
    }
    for (size_t i = 0; i < it->columns; i++)
        if (it->numbers[i].possible) add(&it->numbers[i], it->records.fields[i], it->rows == 0);
    return DUET_OK;
}

static bool is_shuffled(const duet_csv_numbers *it, size_t rows)
{
    uint64_t sum = 0;
    if (!it->possible || it->sorted || (it->low != 0 && it->low != 1) || it->high - it->low != (double)(rows - 1))
        return false;
    for (size_t i = 0; i < rows; i++) sum += print_of(it->low + (double)i);
    return sum == it->sum;
}

long duet_csv_find_shuffled(const duet_csv *it)
{
    for (size_t i = 0; it->numbers != NULL && it->rows >= FEW_ROWS && i < it->columns; i++)
        if (is_shuffled(&it->numbers[i], it->rows)) return (long)i;
    return DUET_CSV_NONE;
}
