/* SPDX-License-Identifier: MIT */
/* Reads the factors of a picture of `shapes` off its pixels. */
#ifndef DUET_SRC_METRIC_SHAPE_READER_H
#define DUET_SRC_METRIC_SHAPE_READER_H

#include "data/shapes.h"

typedef struct duet_shape_reading {
    float factors[SHAPES_FACTORS];
    double unexplained; /**< of the picture's sum of squares, what the picture of these factors leaves; 1: all of it */
} duet_shape_reading;

/** The factors whose picture comes nearest, [SHAPES_SIDE, SHAPES_SIDE, 3]. */
void duet_shape_read(const float *picture, duet_shape_reading *reading);

#endif
