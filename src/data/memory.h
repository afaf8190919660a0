/* SPDX-License-Identifier: MIT */
/* Rows that lie in memory: those of a program, and those of text files once they are read. */
#ifndef DUET_SRC_DATA_MEMORY_H
#define DUET_SRC_DATA_MEMORY_H

#include "data/rows.h"

/** Rows of the element and shape in *rows at `values`: bytes, or float32. Owned: freed with free() when nobody reads
 *  them any more, also after an error; borrowed: the caller keeps them. rows->path is there already. */
duet_status duet_rows_lie_in_memory(duet_rows *rows, void *values, bool owned, duet_error *error);
/** The first of them; NULL for rows that lie elsewhere. */
const void *duet_rows_memory(const duet_rows *rows);

#endif
