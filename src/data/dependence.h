/* SPDX-License-Identifier: MIT */
/* Columns that follow from others: copies of them, sums, anything linear; and, of those of which none does, by squares
 * and products, or by any curve over one other. */
#ifndef DUET_SRC_DATA_DEPENDENCE_H
#define DUET_SRC_DATA_DEPENDENCE_H

#include "base/status.h"

enum { DUET_DEPENDENCE_SHOWN = 3 /* of the others by number */ };

/** A column that is a constant plus multiples of others, but for a ten-thousandth of its deviation. */
typedef struct duet_dependence {
    size_t column;
    size_t others[DUET_DEPENDENCE_SHOWN]; /* the first of them */
    size_t count;                         /* of them in all */
} duet_dependence;

/** Looks for such columns among `features` of `count` rows. *found: how many there are; the first `room` of them are in
 *  `list`, by ascending columns. Columns of which one row, or one value, would say all are left out; too few rows,
 *  of which copies are one, say nothing of so many columns. */
duet_status duet_find_dependence(const float *rows, size_t count, size_t features, duet_dependence *list, size_t room,
                                 size_t *found, duet_error *error);

/** Looks for a column that follows so from others, their squares and (of twenty columns at most) products, or whose
 *  square or product does: rows of one length, sine and cosine of an angle, a ratio. *it: one such, and the first of
 *  its others; `count` 0: there is none. Where different rows are too few for so many columns products are left out,
 *  or all together are looked at, whether they have one length. */
duet_status duet_find_surface(const float *rows, size_t count, size_t features, duet_dependence *it, duet_error *error);

/** Looks likewise for a column whose values, in the order of another one, lie on the lines between their neighbours, as
 *  those of a smooth function do: a logarithm, a power. Of more than 64 columns, or of few different rows, it says
 *  nothing. */
duet_status duet_find_curve(const float *rows, size_t count, size_t features, duet_dependence *it, duet_error *error);

#endif
