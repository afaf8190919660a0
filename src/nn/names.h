/* SPDX-License-Identifier: MIT */
/* The activations, initialisers, optimisers and rate schedules: a row each, from which their tables and the names that
 * settings offer are made. */
#ifndef DUET_SRC_NN_NAMES_H
#define DUET_SRC_NN_NAMES_H

#define DUET_ACTIVATIONS(ROW)                                                                                          \
    ROW(relu) ROW(leaky_relu) ROW(elu) ROW(selu) ROW(gelu) ROW(swish) ROW(tanh) ROW(sigmoid) ROW(softplus) ROW(identity)
/* In the order of the table in set_layers (src/model/model.c); `default` is the layer's own initialiser. */
#define DUET_INITIALISERS(ROW)                                                                                         \
    ROW(default) ROW(normal) ROW(glorot_uniform) ROW(glorot_normal) ROW(he_uniform) ROW(he_normal) ROW(fan_in_uniform)
/* In the order of duet_optimiser_kind and duet_rate_schedule. */
#define DUET_OPTIMISERS(ROW)     ROW(sgd) ROW(rmsprop) ROW(adam) ROW(adamw)
#define DUET_RATE_SCHEDULES(ROW) ROW(constant) ROW(linear) ROW(cosine) ROW(step)

#define DUET_NAME_OF_ROW(name) "|" #name
/** The names of a list as "a|b|c". */
#define DUET_NAMES(LIST) (&LIST(DUET_NAME_OF_ROW)[1])

#endif
