/* SPDX-License-Identifier: MIT */
/* Sets of which a record says what they are: the examples themselves may lie elsewhere by now, or be others. */
#ifndef DUET_SRC_DATA_KNOWN_H
#define DUET_SRC_DATA_KNOWN_H

#include "duet/data.h"

enum { DUET_DIFFERENCE_SIZE = 440 };

/** As duet_data_open_divided, examples that are looked at and not learnt from: one is enough, and so are test examples
 *  alone; they are the test split then, and the other one is empty. Nothing is said of what learning from them would
 *  make. */
duet_status duet_data_open_for_use(duet_data **data, const char *name, duet_division unsaid, duet_error *error);

/** As duet_data_open_divided, of examples that are not looked through for copies: that was done when a run on them
 *  began, or nothing is learnt from them. */
duet_status duet_data_open_again(duet_data **data, const char *name, duet_division unsaid, duet_error *error);

/** Whether what a set was read from is no longer there, so that it may lie elsewhere by now. NULL: nobody knows. */
bool duet_data_is_gone(const char *source);

/** A set as `known` says, which is copied. Its files are opened when its examples are first asked for; they must then
 *  be those that `known` says, and the errors of that name `owner`, whose record it is. */
duet_status duet_data_from_record(duet_data **data, const duet_data_info *known, const char *owner, duet_error *error);

/** Whether an open set is what is known of it. *same: it is. Else `words` says what was, and is now. A checksum that is
 *  not known ("") is not asked for, which reads through the data. */
duet_status duet_data_compare(duet_data *data, const duet_data_info *known, bool *same,
                              char words[DUET_DIFFERENCE_SIZE], duet_error *error);

/** Where values lie, as far as models care: "all in [0, 1]". */
const char *duet_data_range_words(bool unit_range);

/** The source of sets that a program holds or makes. */
#define DUET_OWN_SOURCE "the program's own"
/** DUET_ERROR_DATA: the data of a run were such a set, which no name leads to. */
duet_status duet_data_refuse_own(const char *owner, const char *name, duet_error *error);

/** DUET_ERROR_DATA with `words`, of duet_data_compare, and what to do. */
duet_status duet_data_refuse_replaced(const char *owner, const char *name, const char *words, duet_error *error);

/** DUET_ERROR_DATA where both have names of classes and a number has another name: a model has learnt the numbers. */
duet_status duet_data_check_names(const duet_data_info *now, const duet_data_info *known, const char *owner,
                                  duet_error *error);

/** Compares the names of columns where both have some. DUET_ERROR_DATA for the same ones in another order; others are
 *  noted. `owner`: the run that was trained on what is known; NULL: that is a file too, of its own name. */
duet_status duet_data_compare_columns(duet_data *data, const duet_data_info *known, const char *owner,
                                      duet_error *error);

/** Whether values in [low, high], of `count` examples, are spread much otherwise than those of a known set, or lie
 *  far from them, as those of another scale do: `words` then asks so, of `what`. */
bool duet_data_doubts_range(const duet_data_info *known, const char *owner, const char *what, const double range[2],
                            size_t count, char *words, size_t size);
/** Notes it where that is so of an open set. */
void duet_data_compare_ranges(duet_data *data, const duet_data_info *known, const char *owner);
/** The same for a judge of them, which has `learnt` others, and what duet_data_compare_columns does; and notes it where
 *  the classes of one alone have names. */
duet_status duet_data_compare_judge(duet_data *data, const duet_data_info *learnt, const char *owner,
                                    duet_error *error);

#endif
