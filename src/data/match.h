/* SPDX-License-Identifier: MIT */
/* Labels in a file of their own that names the example of each: they need not be in the examples' order. */
#ifndef DUET_SRC_DATA_MATCH_H
#define DUET_SRC_DATA_MATCH_H

#include "data/rows.h"

/** Puts labels whose file names pictures into the order of the pictures, of both splits or of the training split. What
 *  names nothing that is here is noted. Labels without names stay as they are, and so do those of examples that have
 *  none: their order is looked at. DUET_ERROR_DATA for pictures without a line, lines that fit several, and what shows
 *  another order. */
duet_status duet_labels_match(duet_rows examples[2], duet_rows *labels, duet_notes *notes, duet_error *error);

#endif
