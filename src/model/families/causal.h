/* SPDX-License-Identifier: MIT */
/* Convolutions of pictures that see only what comes before a pixel, row after row, from the left, colour after colour:
 * over whole pictures, or over the row or the pixel that drawing one has reached, with what was kept of those before.
 */
#ifndef DUET_SRC_MODEL_FAMILIES_CAUSAL_H
#define DUET_SRC_MODEL_FAMILIES_CAUSAL_H

#include "duet/model.h"

/** What a convolution sees of the pixel it stands on: all; the colours before its own (mask A of van den Oord et al.
 * 2016, arXiv:1601.06759, sec. 3.4); or its own too (mask B). */
typedef enum duet_sight { DUET_SEES_ALL, DUET_SEES_BEFORE, DUET_SEES_SO_FAR } duet_sight;

/** Where convolutions stand. */
typedef struct duet_causal {
    duet_model *model;
    duet_group *group;
    size_t colours; /**< features belong to them by runs */
    bool draws;     /**< rows come alone, or pixels of a row: what windows reach back to was kept */
    bool keeps;     /**< drawing: and is to be kept for the next */
    duet_node left; /**< drawing a pixel: 1 if there is one to the left of it, else 0 */
} duet_causal;

/** While drawing: x with the `count` rows (axis 1) or columns (axis 2) before it, those that `layer` keeps. */
duet_node duet_causal_past(const duet_causal *at, const char *layer, duet_node x, size_t axis, size_t count);
/** The layer "kind<i>" with a bias. Windows of several rows end in the pixel's and are centred on its column; those of
 * one row end in its column. `period`: features come in runs of all colours so long. */
duet_node duet_causal_convolution(const duet_causal *at, const char *kind, size_t i, duet_node x, size_t rows,
                                  size_t columns, size_t features, size_t period, duet_sight sees);

#endif
