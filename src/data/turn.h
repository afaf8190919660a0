/* SPDX-License-Identifier: MIT */
/* Rows seen another way: channels last, without alpha, as bytes, of another size. */
#ifndef DUET_SRC_DATA_TURN_H
#define DUET_SRC_DATA_TURN_H

#include "data/rows.h"

/** [channels, height, width] to [height, width, channels]. With a size (0: none was said) rows of 1 or 3 x height x
 * width numbers are such planes, as they lie. */
duet_status duet_turn_channels(duet_rows *rows, size_t height, size_t width, duet_error *error);
/** Bytes of pictures with an alpha behind their 1 or 3 channels, laid on white. `first`: the file has its channels
 * first. */
duet_status duet_turn_alpha(duet_rows *rows, bool first, duet_error *error);
/** Floats that are whole numbers from 0 to 255 as bytes. */
duet_status duet_turn_bytes(duet_rows *rows, duet_error *error);
/** Bytes of pictures in another size, by duet_picture_fit. Rows of height x width x 1 or 3 numbers are taken for
 *  pictures as they lie. */
duet_status duet_turn_size(duet_rows *rows, size_t height, size_t width, duet_error *error);

#endif
