/* SPDX-License-Identifier: MIT */
/* Keeping the result of a check: the largest error, and words for a person about the worst one. */
#ifndef DUET_SRC_CHECK_NOTE_H
#define DUET_SRC_CHECK_NOTE_H

#include "base/status.h"
#include "duet/doctor.h"

/** Instead of an element's number: the comparison is of a sum over all of them. */
#define DUET_CHECK_ALL SIZE_MAX

/** A row with nothing checked yet: sound, its errors NaN. */
void duet_check_begin(duet_check_row *row, const char *name);
/** One comparison. `worst` is the row's forward, gradient or second. Equal numbers, infinities and NaNs included, have
 *  no error; a NaN against anything else has an infinite one. */
void duet_check_note(duet_check_row *row, double *worst, const char *name, const char *what, size_t element,
                     double expected, double actual, double allowed);
/** A fault that is not a number's distance; the first complaint's words stay. */
void duet_check_complain(duet_check_row *row, const char *format, ...) DUET_PRINTF(2, 3);

#endif
