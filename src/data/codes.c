/* SPDX-License-Identifier: MIT */
/* Numbers that stand for what nobody knows: -999 and the like, far from all others and there again and again. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "data/columns.h"
#include "data/plausible.h"

enum {
    ROWS = 4096 /* that are looked at */,
    NUMBERS = 1 << 20,
    OFTEN = 3,
    FEW = 3 /* values of which none is far from the others by chance */
};

static bool is_nines(float value)
{
    static const float codes[] = {99, 999, 9999, 99999, 999999};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (fabsf(value) == codes[i]) return true;
    return false;
}

/* Whether what is at an end is a code, by how far the others reach. */
static bool is_code(const duet_column *it, const duet_column_end *end, bool nines_alone)
{
    const float others = it->high.value - it->low.value - end->gap;
    if (end->times < OFTEN || end->times == it->count) return false;
    if (is_nines(end->value)) return end->gap > others / 2;
    return !nines_alone && it->distinct > FEW && end->gap > 3 * others;
}

static const duet_column_end *find_code(const duet_column *it, bool nines_alone)
{
    if (is_code(it, &it->low, nines_alone)) return &it->low;
    return is_code(it, &it->high, nines_alone) ? &it->high : NULL;
}

/* Where the others lie. */
static void tell_of_code(const duet_rows *rows, size_t place, const duet_column *it, const duet_column_end *end,
                         const char *names, const duet_data_options *options)
{
    char where[320] = "its numbers", name[256], answer[1024] = "";
    const bool low = end == &it->low, table = rows->shape.rank == 1 && rows->row_elements < DUET_PICTURE_NUMBERS;
    if (table)
        (void)snprintf(where, sizeof where, "column %zu of %zu%s", place + 1, rows->row_elements,
                       duet_column_name(names, place, name, sizeof name));
    if (!options->own)
        (void)snprintf(answer, sizeof answer, "; if it is meant so, say %s:values=numbers",
                       options->name != NULL ? options->name : rows->path);
    duet_notes_add(
        options->notes, false,
        "%s: of %zu values of %s that were looked at %zu are %.9g, and the others lie in [%.6g, %.6g]: if it "
        "stands for what is missing, take such examples and their labels out: (array != "
        "%.9g).reshape(len(array), -1).all(1) is true for the others%s",
        rows->path, it->count, where, end->times, (double)end->value,
        (double)(low ? end->value + end->gap : it->low.value), (double)(low ? it->high.value : end->value - end->gap),
        (double)end->value, answer);
}

static duet_status read_sample(duet_rows *rows, size_t first, size_t total, size_t wanted, float *room, size_t *count,
                               duet_error *error)
{
    size_t at, piece;
    *count = 0;
    for (size_t i = 0; duet_spread(total, wanted, i, &at, &piece); i++) {
        DUET_TRY(duet_rows_read(rows, first + at, piece, room + *count * rows->row_elements, error));
        *count += piece;
    }
    return DUET_OK;
}

duet_status duet_look_for_codes(duet_rows *rows, size_t first, size_t total, const char *names,
                                const duet_data_options *options, duet_error *error)
{
    const size_t elements = rows->row_elements;
    const bool table = rows->shape.rank == 1 && elements < DUET_PICTURE_NUMBERS;
    size_t wanted = elements < NUMBERS / ROWS ? ROWS : NUMBERS / elements, count = 0;
    if (rows->element == DUET_ELEMENT_UINT8 || options->values == DUET_VALUES_NUMBERS || total == 0) return DUET_OK;
    if (wanted == 0) wanted = 1;
    if (wanted > total) wanted = total;
    float *room = calloc(wanted, elements * sizeof *room), *column = calloc(wanted, sizeof *column);
    duet_status status = room == NULL || column == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path)
                             : read_sample(rows, first, total, wanted, room, &count, error);
    for (size_t i = 0; status == DUET_OK && i < (table ? elements : 1); i++) {
        for (size_t row = 0; table && row < count; row++) column[row] = room[row * elements + i];
        const duet_column it = table ? duet_column_look(column, count) : duet_column_look(room, count * elements);
        const duet_column_end *end = find_code(&it, !table);
        if (end == NULL) continue;
        tell_of_code(rows, i, &it, end, names, options);
        break; /* what is done about one shows the others */
    }
    free(column);
    free(room);
    return status;
}
