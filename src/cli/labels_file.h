/* SPDX-License-Identifier: MIT */
/* Labels beside an array: a folder's FILE-labels.npy is read as those of its FILE.npy, so that no command may leave an
 * older one. */
#ifndef DUET_SRC_CLI_LABELS_FILE_H
#define DUET_SRC_CLI_LABELS_FILE_H

#include "duet.h"

/** PATH with "-labels" before its ending. The caller frees it; NULL: out of memory. */
char *cli_labels_path(const char *path);

/** Before an array is written to `path`: takes away the labels of what was there, and says so unless new ones, `count`
 * of them, follow (`labels`; NULL: none do). What cli_labels_write has not written beside an array of as many rows is
 * somebody's own, and refused, unless it is the same labels. Nothing where `path` does not end in .npy. Returns an exit
 * status. */
int cli_labels_drop(const char *path, const uint8_t *labels, size_t count);
/** Writes labels, [count] bytes, as an array that cli_labels_drop knows again. Returns an exit status. */
int cli_labels_write(const char *path, const uint8_t *labels, size_t count);
/** After labels were written to `beside`: whether the array at `path` still ends with these values, else the labels are
 * taken away. Where two commands write one name at a time, the one whose labels lie there in the end sees it if the
 * array is the other's. Returns an exit status. */
int cli_labels_check(const char *path, const char *beside, const float *values, size_t count);

/** Writes an array that has no labels to `path`, which ends in .npy. Returns an exit status. */
int cli_array_write(const char *path, const float *values, duet_shape shape);

#endif
