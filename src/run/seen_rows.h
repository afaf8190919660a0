/* SPDX-License-Identifier: MIT */
/* The rows that a run was trained on, known again in other data. A file of the same rows in another order, of another
 * type or with some more has another checksum, by which its test examples are drawn: most were trained on then. */
#ifndef DUET_SRC_RUN_SEEN_ROWS_H
#define DUET_SRC_RUN_SEEN_ROWS_H

#include <jansson.h>

#include "data/data.h"

/** *list: `before` (NULL: nothing), which run.json has, and what is kept of the training rows of `data`, unless that is
 *  in it. The caller drops it. Data that are drawn, or asked of a program's function, leave nothing. */
duet_status duet_seen_rows_add(json_t **list, const json_t *before, duet_data *data, duet_error *error);

/** Adds a note to `data` that says how many of their test examples the run was trained on, where that is more than
 *  chance: rows of few values come again in its own test split too. `list`: what its run.json has; NULL: nothing.
 *  `goes_on`: it is to be trained on them. */
duet_status duet_seen_rows_tell(const json_t *list, const char *run, bool goes_on, duet_data *data, duet_error *error);

#endif
