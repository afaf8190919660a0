/* SPDX-License-Identifier: MIT */
/* Networks of dense layers that several families play with. */
#ifndef DUET_SRC_MODEL_FAMILIES_DENSE_H
#define DUET_SRC_MODEL_FAMILIES_DENSE_H

#include "duet/model.h"

/** Whether hidden layers of these sizes are normalised but for the first, as the family's setting "batch_norm" says;
 *  false where it has none, and without asking it where there is no second layer. */
bool duet_dense_normalises(duet_model *model, const char *sizes_key);
/** A generator, the group "generator": hidden layers of the setting "generator_hidden", then a dense layer "output" to
 *  the features of the data, through a sigmoid where those lie in [0, 1]. */
duet_node duet_dense_generator(duet_model *model, duet_node z);

/** The row that duet_dense_normalises reads. */
#define DUET_BATCH_NORM_SETTING(help) DUET_CHOICE("batch_norm", "yes", "yes|no", help)

#endif
