/* SPDX-License-Identifier: MIT */
/* What makes of an array one that is read without a word: expressions of numpy, each said in one place. Applied, none
 * of them leads to NaN, out of [0, 1] by a rounding, or to a column that the others squash. */
#ifndef DUET_SRC_DATA_REMEDY_H
#define DUET_SRC_DATA_REMEDY_H

#include "data/rows.h"

enum {
    DUET_REMEDY_SIZE = 192,
    DUET_BRIGHT = 128 /* of bytes: what is darker is asked about, and not advised to be one */
};

/** Each column by itself to a mean of 0 and a deviation of 1, which float32 tells apart, and a constant one to 0. */
#define DUET_REMEDY_STANDARD                                                                                           \
    "((a - a.mean(0)) / numpy.where(a.std(0) > 0, a.std(0), 1)).astype('<f4') with a = array.astype('<f8') - "         \
    "array.min(0)"

/** The same to [0, 1]. */
#define DUET_REMEDY_UNIT_COLUMNS                                                                                       \
    "numpy.clip(a / numpy.where(a.max(0) > 0, a.max(0), 1), 0, 1).astype('<f4') with a = array.astype('<f8') - "       \
    "array.min(0)"
/** All numbers alike to [0, 1]; those that are equal as float32 to what lies between them, from 0 on. */
const char *duet_remedy_unit(double low, double high, char text[DUET_REMEDY_SIZE]);
/** Whether examples of that shape are rows of a table, whose columns have a scale each, and no pictures by how many
 * numbers they have. */
bool duet_shape_is_table(duet_shape shape);
/** Whether so many numbers may be a square picture of 1 or 3 channels, as rows often are. */
bool duet_numbers_are_square(size_t numbers);
/** Numbers further from 0 than that, or whose span is below its reciprocal, are told of. */
double duet_large_number(duet_shape shape);

#endif
