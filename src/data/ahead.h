/* SPDX-License-Identifier: MIT */
/* Rows read by a thread of its own, ahead of when they are taken: a gzip file inflates while drivers are loaded and
 * kernels are built. */
#ifndef DUET_SRC_DATA_AHEAD_H
#define DUET_SRC_DATA_AHEAD_H

#include "data/rows.h"

typedef struct duet_ahead duet_ahead;

/** Begins to read rows first .. first + count - 1, with at most `room` bytes waiting to be taken. Until duet_ahead_end
 *  *rows belongs to the thread. NULL: there can be no such thread, or rows are too large; read them directly. */
duet_ahead *duet_ahead_begin(duet_rows *rows, size_t first, size_t count, size_t room);
/** Writes all rows to `destination`, which is never read, waiting for those not there yet, and checks the end of the
 *  file as duet_rows_check_end does. Errors are those of reading directly. May be called once. */
duet_status duet_ahead_take(duet_ahead *ahead, void *destination, duet_error *error);
/** Ends the thread and sets *ahead to NULL, which it may be already. If rows are left, waits for one piece at most. On
 *  that thread it does nothing: a function that gives rows reads its own set, which is refused. */
void duet_ahead_end(duet_ahead **ahead);

#endif
