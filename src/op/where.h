/* SPDX-License-Identifier: MIT */
/* Within the library a mistake belongs to the line of the caller, which a function has as `where`: from here on the
 * macros of the public headers pass that on. */
#ifndef DUET_SRC_OP_WHERE_H
#define DUET_SRC_OP_WHERE_H

#include "duet/graph.h"

#undef DUET_WHERE
#define DUET_WHERE where

#endif
