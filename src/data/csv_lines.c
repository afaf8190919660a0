/* SPDX-License-Identifier: MIT */
/* What a file of labels has beside them, whatever the columns are called. One may number the lines, as the index of a
 * table does that was mixed: each number from 0 or 1 on is there once. One may say which examples are for the test. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "data/copies.h"
#include "data/csv.h"
#include "data/pictures.h"

enum { FEW_ROWS = 10 /* of which a column may be such numbers by chance */ };

static void add(duet_csv_content *it, const char *text, bool first)
{
    if (!it->numbers.broken) {
        double number;
        duet_numbering_add(&it->numbers, duet_number_read(text, &number) ? number : NAN);
    }
    it->parts = it->parts && duet_picture_part_is(text);
    if (it->varies) return;
    const uint64_t print = duet_print(text, strlen(text));
    if (first) it->first = print;
    it->varies = print != it->first;
}

duet_status duet_csv_watch_line(duet_csv *it, duet_error *error)
{
    if (it->contents == NULL) {
        it->contents = calloc(it->columns, sizeof *it->contents);
        if (it->contents == NULL) return duet_csv_fail_memory(it, error);
        for (size_t i = 0; i < it->columns; i++) it->contents[i] = (duet_csv_content){.parts = true};
    }
    for (size_t i = 0; i < it->columns; i++)
        if ((long)i != it->label) add(&it->contents[i], it->records.fields[i], it->rows == 0);
    return DUET_OK;
}

long duet_csv_find_shuffled(const duet_csv *it)
{
    for (size_t i = 0; it->contents != NULL && it->rows >= FEW_ROWS && i < it->columns; i++)
        if ((long)i != it->label && it->contents[i].numbers.mixed && duet_numbering_is_whole(&it->contents[i].numbers))
            return (long)i;
    return DUET_CSV_NONE;
}

long duet_csv_find_parts(const duet_csv *it)
{
    for (size_t i = 0; it->contents != NULL && i < it->columns; i++)
        if ((long)i != it->label && it->contents[i].varies &&
            (it->contents[i].parts || duet_csv_is_part_name(it->names[i])))
            return (long)i;
    return DUET_CSV_NONE;
}
