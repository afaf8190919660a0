/* SPDX-License-Identifier: MIT */
/* What makes of an array one that is read without a word: expressions of numpy, each said in one place. Applied, none
 * of them leads to NaN, out of [0, 1] by a rounding, or to a column that the others squash; and of two splits, to which
 * each is applied, it makes the same: constants are numbers, or those of the training split. */
#ifndef DUET_SRC_DATA_REMEDY_H
#define DUET_SRC_DATA_REMEDY_H

#include "data/rows.h"

enum {
    DUET_REMEDY_SIZE = 256,
    DUET_BRIGHT = 128 /* of bytes: what is darker is asked about, and not advised to be one */
};

/** Behind an expression of `train`, and of `both`. */
#define DUET_REMEDY_OF_TRAIN ", where train is the training split's array, in both splits alike"
#define DUET_REMEDY_OF_BOTH  ", where both is the labels of both splits, joined"

/** Each column by itself to a mean of 0 and a deviation of 1, which float32 tells apart, and a constant one to 0. */
#define DUET_REMEDY_STANDARD                                                                                           \
    "((array - t.mean(0)) / numpy.where(numpy.ptp(t, 0) > 0, t.std(0), 1)).astype('<f4') with t = "                    \
    "train.astype('<f8')" DUET_REMEDY_OF_TRAIN
/** What lies along those axes to [0, 1], by itself. */
#define DUET_REMEDY_UNIT_ALONG(axes)                                                                                   \
    "numpy.clip((array - t.min(" axes ")) / numpy.where(numpy.ptp(t, " axes ") > 0, numpy.ptp(t, " axes "), 1), 0, 1)" \
    ".astype('<f4') with t = train.astype('<f8')" DUET_REMEDY_OF_TRAIN
/** Each column by itself. */
#define DUET_REMEDY_UNIT_COLUMNS DUET_REMEDY_UNIT_ALONG("0")
/** Each channel of an array whose channels are first or last. */
#define DUET_REMEDY_UNIT_CHANNELS(first)                                                                               \
    ((first) ? DUET_REMEDY_UNIT_ALONG("(0, 2, 3), keepdims=True") : DUET_REMEDY_UNIT_ALONG("(0, 1, 2)"))
/** All numbers from 0 on alike to [0, 1]. */
#define DUET_REMEDY_UNIT_OF_MOST "numpy.clip(array / train.max(), 0, 1).astype('<f4')" DUET_REMEDY_OF_TRAIN
/** Labels by the place that each has among all. */
#define DUET_REMEDY_NUMBERED(labels) "numpy.searchsorted(numpy.unique(both), " labels ")" DUET_REMEDY_OF_BOTH
/** Bytes whose last channel is alpha on white, as pictures in files are laid. */
#define DUET_REMEDY_BYTES_ON_WHITE "(255 - (255 - array[..., :-1]) * (array[..., -1:] / 255)).round().astype('u1')"
/** Floats of that range on white, in [0, 1], in an array whose channels are first or last; NULL: it is none of [0, 1],
 *  [0, 255], to bright ones, and [-1, 1]. */
const char *duet_remedy_on_white(const duet_range *range, bool first);
/** Whether floats of that range may be the bytes of pictures, which values=bytes says. */
bool duet_range_is_of_bytes(const duet_range *range);
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
