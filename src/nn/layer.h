/* SPDX-License-Identifier: MIT */
/* The variables that layers of every kind have. */
#ifndef DUET_SRC_NN_LAYER_H
#define DUET_SRC_NN_LAYER_H

#include "duet/nn.h"

/** duet_parameter_at or duet_layer_state_at. */
typedef duet_node (*duet_variable_builder)(const char *where, duet_graph *graph, duet_group *group, const char *name,
                                           duet_shape shape, duet_initialiser start);

/** The parameter or state "layer.what". */
duet_node duet_layer_variable_at(duet_variable_builder build, const char *where, duet_graph *graph, duet_group *group,
                                 const char *layer, const char *what, duet_shape shape, duet_initialiser start);
/** The parameter "layer.weight", Glorot uniform unless the group has an initialiser of its own; under spectral norm if
 *  the group says so. */
duet_node duet_layer_weight_at(const char *where, duet_graph *graph, duet_group *group, const char *layer,
                               duet_shape shape);
/** The parameter "layer.bias", one number a feature, zeros. */
duet_node duet_layer_bias_at(const char *where, duet_graph *graph, duet_group *group, const char *layer,
                             size_t features);
/** Whether a logarithm of a variance or scale leaves x its width: it may be one for all, a feature or an example, also
 *  the wider where x is one for all rows. A mistake of `what` if not. */
bool duet_spread_fits(const char *where, const char *what, duet_node spread, duet_node x);

#endif
