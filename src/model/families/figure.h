/* SPDX-License-Identifier: MIT */
/* Priors that are figures in the plane, a ring of normals and a swiss roll. Both are mixtures of normals, so that they
 * have a density and quantiles; and both come in parts, one a class where classes are told. */
#ifndef DUET_SRC_MODEL_FAMILIES_FIGURE_H
#define DUET_SRC_MODEL_FAMILIES_FIGURE_H

#include "duet/model.h"

enum { DUET_FIGURE_MOST = 512 };

typedef struct duet_figure {
    size_t parts, pieces; /**< normals a part */
    double deviation;
    float centres[DUET_FIGURE_MOST][2]; /**< part after part */
} duet_figure;

/** A normal a part, evenly on a circle. At most 256 parts. */
void duet_figure_ring(duet_figure *figure, size_t parts, double radius);
/** Two turns of a spiral out to `radius`, evenly along its length, part 0 in the middle. At most 256 parts. */
void duet_figure_roll(duet_figure *figure, size_t parts, double radius);
/** The whole figure, each part as likely; it reads the centres where they are. */
duet_prior duet_figure_prior(const duet_figure *figure);
/** New draws, [batch, 2], each from the part that is its row's class. */
duet_node duet_figure_draw(duet_model *model, const duet_figure *figure);

#endif
