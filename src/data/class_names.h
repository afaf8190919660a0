/* SPDX-License-Identifier: MIT */
/* Classes that have names: the same numbers for them in both splits, and in a run and other data. */
#ifndef DUET_SRC_DATA_CLASS_NAMES_H
#define DUET_SRC_DATA_CLASS_NAMES_H

#include "base/text.h"
#include "data/data.h"
#include "data/rows.h"

enum { DUET_MOST_CLASSES = 256 };

/** *names: those of both splits' labels, each once, by which the labels, counts[split] of them, are then numbered: in
 * the splits' own order where that is the same, else sorted. Where one split has names, numbers of the other are names
 * as well. NULL where labels are numbers. Free with
 *  duet_class_names_free. DUET_ERROR_DATA for more than 256 of them. */
duet_status duet_class_names_join(duet_labels *const labels[2], const size_t counts[2], char ***names,
                                  size_t *name_count, duet_error *error);
/** Sorts the names, at most 256, and numbers the labels by them. */
void duet_labels_sort(duet_labels *labels, size_t rows);
/** The caller frees them; NULL: out of memory. */
char **duet_class_names_copy(const char *const *names, size_t count);
void duet_class_names_free(char **names, size_t count);

/** Adds "a", "b" and 95 more: the classes of which `is` is true, by name where they have names. */
void duet_class_names_list(duet_text *text, const bool is[DUET_MOST_CLASSES], size_t classes, const char *const *names);
/** DUET_ERROR_DATA, by name, where a label of the data is of none of the first `known` classes, those that a run has
 *  learnt. */
duet_status duet_class_names_check(const duet_data_info *data, size_t known, const uint8_t *labels, size_t count,
                                   duet_error *error);

/** Adds, after a semicolon, the one of the names that is `name` but for capitals, as of two people who wrote labels. */
void duet_class_names_tell_twin(duet_text *text, const char *const *names, size_t count, const char *name);

/** Numbers the labels of an open set as those of a known one: classes by their names where both have some, which
 *  follow those of the known set where it does not have them; else by their numbers, which is noted where
 *  one of the two has names (`owner`: whose data are known). A set with labels then has at
 *  least the classes of the known one. DUET_ERROR_DATA for more than 256 classes together. */
duet_status duet_data_take_classes(duet_data *data, const duet_data_info *known, const char *owner, duet_error *error);

#endif
