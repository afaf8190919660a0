/* SPDX-License-Identifier: MIT */
/* Labels that belong to examples by their order alone: whether what else is known of the order agrees. */
#ifndef DUET_SRC_DATA_LABEL_ORDER_H
#define DUET_SRC_DATA_LABEL_ORDER_H

#include "data/rows.h"

/** Labels are about to be taken in the order of the examples of one part or both. A column that both have in common
 *  proves the order. DUET_ERROR_DATA where that, or numbers of the lines, show another one; pictures whose order people
 *  would not guess are noted. */
duet_status duet_labels_check_order(duet_rows *examples, size_t parts, const duet_rows *labels, duet_notes *notes,
                                    duet_error *error);

/** Says that a column of the labels' file may be which examples are for the test, of a set that has no such part. */
void duet_labels_tell_of_parts(const duet_rows *examples, const duet_rows *labels, const duet_data_options *options);

/** Whether all that names the examples in a file of labels is numbers. */
bool duet_label_keys_are_numbers(const duet_rows *labels);

#endif
