/* SPDX-License-Identifier: MIT */
/* Pictures of known factors: what shapes.c draws, for those who measure it. */
#ifndef DUET_SRC_DATA_SHAPES_H
#define DUET_SRC_DATA_SHAPES_H

#include "data/data.h"

/** The order of the factors, in duet_data_factors too. */
enum { SHAPES_SHAPE, SHAPES_COLOUR, SHAPES_X, SHAPES_Y, SHAPES_SIZE, SHAPES_ANGLE, SHAPES_FACTORS };
/** Pixels on a side, channels, numbers of a picture, and combinations of named values. */
enum { SHAPES_SIDE = 28, SHAPES_NUMBERS = SHAPES_SIDE * SHAPES_SIDE * 3, SHAPES_COMBINATIONS = 3 * 4 * 3 * 3 * 2 };

extern const duet_factor duet_shapes_factors[SHAPES_FACTORS];
extern const float duet_shapes_colours[][3];

/** The picture of these factors, [SHAPES_SIDE, SHAPES_SIDE, 3]. */
void duet_shapes_render(const float *factors, float *picture);
/** The share of each pixel that the shape covers, [SHAPES_SIDE, SHAPES_SIDE], whatever its colour. */
void duet_shapes_cover(const float *factors, float *mask);
/** [batch, SHAPES_FACTORS] to pictures. */
duet_node duet_shapes_render_node(duet_node factors);

/** The number of the combination in which the factors lie; SHAPES_COMBINATIONS: in none. */
size_t duet_shapes_combination(const float *factors);
/** Which named value, or part, of each factor makes a combination. */
void duet_shapes_parts(size_t combination, size_t parts[SHAPES_FACTORS]);
/** Fills data->combinations: all but those that the options drop. */
duet_status duet_shapes_choose(duet_data *data, const char *options, duet_error *error);

#endif
