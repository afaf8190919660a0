/* SPDX-License-Identifier: MIT */
/* What is sound and may still not be what was meant: shapes, ranges, and how the two splits compare. */
#ifndef DUET_SRC_DATA_PLAUSIBLE_H
#define DUET_SRC_DATA_PLAUSIBLE_H

#include "data/data.h"
#include "duet/data.h"

/** Rows of so many numbers may be pictures, and what is said of columns is not said of theirs. */
enum { DUET_PICTURE_NUMBERS = 64 };

/** What the note of a scale holds that no model begins with. */
#define DUET_NOTE_OF_SCALE "models begin with numbers of about 1"
/** What the note of a code holds. Until it is gone, nothing is said of scale: the code would be scaled with the others.
 */
#define DUET_NOTE_OF_CODES "stands for what is missing"

/** Asks about shapes that look like another order of extents. */
void duet_ask_about_shape(const duet_rows *rows, const duet_data_options *options);
/** Asks about four channels that may be colours and alpha, by the range of their values. */
void duet_ask_about_alpha(const duet_rows *rows, const duet_range *range, const duet_data_options *options);
/** Asks about pictures of 3 channels that look like planes, one after the other; `were_rows`: until a size was said. Of
 *  some rows the values are read. */
duet_status duet_ask_about_planes(duet_rows *rows, bool were_rows, const duet_data_options *options, duet_error *error);
/** Whether the rows of an open set, as long as such pictures, look like planes of theirs. The first ones are read. */
duet_status duet_data_are_planes(duet_data *data, duet_shape picture, bool *planes, duet_error *error);
/** The range of those rows: of bytes only as far as it is worth a look, [0, 255] else. */
duet_status duet_look_at_range(duet_rows *rows, size_t first, size_t count, duet_range *range, duet_error *error);
/** *apart: of floats of height, width and channels one channel is far wider than another one. Some hundred rows are
 *  looked at. */
duet_status duet_look_at_channels(duet_rows *rows, size_t first, size_t count, bool *apart, duet_error *error);
/** Says which columns of a table, or whether all rows, are the same from the first of those rows to the last. Reads on
 *  only as long as that may be. */
duet_status duet_look_at_columns(duet_rows *rows, size_t first, size_t count, const duet_data_options *options,
                                 duet_error *error);
/** Says which value far from all others is there again and again, in a column of a table or in all numbers of what is
 *  none: it may stand for what is missing. Some thousand rows are looked at; of test examples only numbers that are
 *  known for such are told. `names`: of the columns, a line each, or NULL. */
duet_status duet_look_for_codes(duet_data_part *part, duet_split split, const char *names,
                                const duet_data_options *options, duet_error *error);
/** Whether a set of these rows would be told of such a value. */
duet_status duet_rows_hold_code(duet_rows *rows, bool *hold, duet_error *error);
/** Says which number lies so far beyond all others that scaling would make nothing of them; false: none does. `names`
 *  as above. */
bool duet_tell_of_outlier(const duet_rows *rows, duet_split split, const duet_range *range, const char *names,
                          const duet_data_options *options);
/** Says which columns of a table are none of the examples' numbers: one that numbers the rows, labels, a part of the
 *  set; and that two have one name. `names` as above; `test`: NULL where a part of these rows is to be the test split.
 *  Some thousand training rows are looked at, all rows where a column may number them in another order. */
duet_status duet_tell_of_marks(duet_rows *train, duet_rows *test, bool labelled, const char *names,
                               const duet_data_options *options, duet_error *error);
/** Says what is odd about the ranges; `test` is NULL where both splits are of one file, `names` as above. Returns
 * whether how the splits compare is said by now, or is as it should be. */
bool duet_tell_of_ranges(const duet_rows *rows, const duet_range *train, const duet_range *test, const char *names,
                         const duet_data_options *options);

/** How many examples of each class the splits have. */
typedef struct duet_class_counts {
    const char *path;
    size_t classes;
    const char *const *names; /* NULL: they are numbers */
    bool labelled[2];
    bool order_told; /* why the test split has few of them is said already */
    size_t counts[2][256];
} duet_class_counts;

/** Says what is odd about the labels: one class in all or in a split, gaps, as many classes as examples, classes of the test split alone. */
void duet_tell_of_labels(const duet_class_counts *classes, const duet_data_options *options);

#endif
