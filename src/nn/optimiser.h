/* The part of an update that its caller may look at before it allows the update. */
#ifndef DUET_SRC_NN_OPTIMISER_H
#define DUET_SRC_NN_OPTIMISER_H

#include "duet/nn.h"

/** d loss / d parameters of the group as the flat row that duet_update_at goes down, before clipping and weight decay.
 *  Asked for twice it is the same node. */
duet_node duet_group_gradient_at(const char *where, duet_group *group, duet_node loss);

#endif
