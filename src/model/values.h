/* SPDX-License-Identifier: MIT */
/* What nodes are of real examples, computed on the host, for questions that a model's code leaves to its
 * data. */
#ifndef DUET_SRC_MODEL_VALUES_H
#define DUET_SRC_MODEL_VALUES_H

#include "model/model.h"

/** A number of `node` for training examples that lies outside [0, 1] by more than rounding; NaN: none was seen. Nodes
 *  of elementwise ops, views, pools, sums and joins of the batch, numbers and arrays are followed; what parameters and
 *  draws decide is unknown, and a number that it enters is not seen. Masks by chance are taken where they keep all. */
duet_status duet_values_beyond_unit(const duet_build *build, duet_data *data, duet_node node, double *found,
                                    duet_error *error);

#endif
