/* SPDX-License-Identifier: MIT */
/* Times in seconds lie so close to each other and so far from 0 that few of them are left as float32. */
#include "data/rounding.h"

#include <float.h>
#include <math.h>

#include "base/text.h"

enum { STEPS = 256 /* that float32 tells apart in a column that is told of, at most */ };

void duet_reach_widen(duet_reach *reach, bool first, double number)
{
    if (first || number < reach->low) reach->low = number;
    if (first || number > reach->high) reach->high = number;
    reach->rounded = (reach->rounded && !first) || number != (double)(float)number;
}

bool duet_tell_of_rounding(const duet_reach *reach, size_t rows, const char *path, const char *column,
                           const char *remedy, duet_notes *notes)
{
    if (!reach->rounded) return false;
    double most = fmax(fabs(reach->low), fabs(reach->high)), step = ldexp(1, ilogb(most) - (FLT_MANT_DIG - 1));
    double steps = (reach->high - reach->low) / step;
    if (!(steps > 0) || steps >= STEPS || steps >= (double)rows) return false;
    duet_notes_add(notes, false,
                   "%s: %s goes from %.15g to %.15g, where float32 numbers lie %g apart, so that what tells its rows "
                   "apart is lost: %s",
                   path, column, reach->low, reach->high, step, remedy);
    return true;
}

static const duet_reach *reaches_of(duet_rows *rows)
{
    return rows == NULL || rows->source->reaches == NULL ? NULL : rows->source->reaches(rows);
}

void duet_tell_of_rounded_columns(duet_rows *const rows[2], const duet_data_options *options)
{
    const duet_reach *const reaches[] = {reaches_of(rows[DUET_TRAIN]), reaches_of(rows[DUET_TEST])};
    char column[64], remedy[96];
    for (size_t split = 0; split < 2; split++)
        for (size_t i = 0; reaches[split] != NULL && i < rows[split]->row_elements; i++) {
            const duet_reach *first = reaches[DUET_TRAIN] != NULL ? &reaches[DUET_TRAIN][i] : &reaches[split][i];
            (void)duet_text_print(column, sizeof column, "column %zu of %zu", i + 1, rows[split]->row_elements);
            (void)duet_text_print(remedy, sizeof remedy, "take %.15g off it, in both splits, and save it as '<f4'",
                                  first->low);
            rows[split]->rounding_said |= duet_tell_of_rounding(&reaches[split][i], rows[split]->count,
                                                                rows[split]->path, column, remedy, options->notes);
        }
}
