/* SPDX-License-Identifier: MIT */
/* The header of a .npy file, to be written. */
#ifndef DUET_SRC_DATA_NPY_H
#define DUET_SRC_DATA_NPY_H

#include "duet/graph.h"

enum { DUET_NPY_HEADER = 256 };

/** The member of a converted set that says what its rows, which lie in another order, were made of. */
#define DUET_MADE_OF "made_of.npy"

/** Version 1.0's header of an array of numpy's type `type`, at most DUET_MAX_RANK extents; returns its length. */
size_t duet_npy_header(unsigned char header[DUET_NPY_HEADER], const char *type, duet_shape shape);

#endif
