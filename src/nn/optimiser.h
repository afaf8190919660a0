/* SPDX-License-Identifier: MIT */
/* Parts of an update that other files use: the gradient, and what is kept beside the parameters. */
#ifndef DUET_SRC_NN_OPTIMISER_H
#define DUET_SRC_NN_OPTIMISER_H

#include "duet/nn.h"

/** d loss / d parameters of the group, as one flat row, before clipping and weight decay. A second call gives the same
 *  node, so the gradient that duet_update_at uses can be watched without being computed twice. */
duet_node duet_group_gradient_at(const char *where, duet_group *group, duet_node loss);

/** duet_update_at, and in *norm, unless norm is NULL, how far it moves the parameters: the norm of what is added to
 *  them before clip_weights. */
size_t duet_update_measured_at(const char *where, duet_group *group, const duet_optimiser *optimiser, duet_node loss,
                               duet_node gate, duet_node allowed, duet_node roots[8], duet_node *norm);

/** Whether the optimiser cannot be meant; `words` then say why. */
bool duet_optimiser_is_wrong(const duet_optimiser *optimiser, char *words, size_t size);

/** Whether a gradient of `loss` reaches the node or a parameter of the group; either may be NULL. `reached`: room for a
 *  flag a node. */
bool duet_gradient_reaches(duet_node loss, duet_node of, const duet_group *group, bool *reached);

/** A mistake unless the loss, which is called `what`, depends on a parameter of the group: it moves nothing, whatever
 *  its author thinks. */
void duet_loss_check(const char *where, const char *what, duet_node loss, const duet_group *group);

#define DUET_AVERAGE_SLOT "average"

/** Finds or makes another block of the group, with a saved variable "parameter.name", at first zeros, for each
 * parameter: a moment or an average. *flat (may be NULL): the block as one row. */
duet_status duet_group_slot(duet_group *group, const char *name, duet_variable **flat, duet_error *error);

/** Copies each state of the group's layers, as it is now, into a state "state.name" that is in no checkpoint and is
 * made if need be. Adds how many there are to *count. Waits. */
duet_status duet_group_copy_states(duet_group *group, duet_device *device, const char *name, size_t *count,
                                   duet_error *error);

#endif
