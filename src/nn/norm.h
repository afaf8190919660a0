/* SPDX-License-Identifier: MIT */
/* The part of spectral normalisation that a test checks by itself. */
#ifndef DUET_SRC_NN_NORM_H
#define DUET_SRC_NN_NORM_H

#include "duet/nn.h"

/** matrix / (u^T matrix v), with matrix [rows, columns], u [rows, 1] and v [1, columns]. No gradient reaches u or v. */
duet_node duet_over_sigma_at(const char *where, duet_node matrix, duet_node u, duet_node v);

#endif
