/* SPDX-License-Identifier: MIT */
/* Labels beside an array: a folder's FILE-labels.npy is read as those of its FILE.npy, so that no command may leave an
 * older one. */
#ifndef DUET_SRC_CLI_LABELS_FILE_H
#define DUET_SRC_CLI_LABELS_FILE_H

#include "duet.h"

/** PATH with "-labels" before its ending. The caller frees it; NULL: out of memory. */
char *cli_labels_path(const char *path);

/** Before an array is written to `path`: takes away the labels of what was there, and says so unless new ones follow
 * (`labelled`). What is no array of as many rows as the one at `path` is somebody's own, and refused. Nothing where `path` does not end in .npy. Returns an exit
 * status. */
int cli_labels_drop(const char *path, bool labelled);

/** Writes an array that has no labels to `path`, which ends in .npy. Returns an exit status. */
int cli_array_write(const char *path, const float *values, duet_shape shape);

#endif
