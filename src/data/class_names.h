/* SPDX-License-Identifier: MIT */
/* Classes that have names: the same numbers for them in both splits. */
#ifndef DUET_SRC_DATA_CLASS_NAMES_H
#define DUET_SRC_DATA_CLASS_NAMES_H

#include "data/rows.h"

/** *names: those of both splits' labels, each once, by which the labels, counts[split] of them, are then numbered: in
 * the splits' own order where that is the same, else sorted. Where one split has names, numbers of the other are names
 * as well. NULL where labels are numbers. Free with
 *  duet_class_names_free. DUET_ERROR_DATA for more than 256 of them. */
duet_status duet_class_names_join(duet_labels *const labels[2], const size_t counts[2], char ***names,
                                  size_t *name_count, duet_error *error);
/** Sorts the names, at most 256, and numbers the labels by them. */
void duet_labels_sort(duet_labels *labels, size_t rows);
void duet_class_names_free(char **names, size_t count);

#endif
