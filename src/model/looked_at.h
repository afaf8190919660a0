/* SPDX-License-Identifier: MIT */
/* Some thousand training examples that stand for all, for what a family asks of its data when it is built. */
#ifndef DUET_SRC_MODEL_LOOKED_AT_H
#define DUET_SRC_MODEL_LOOKED_AT_H

#include "model/model.h"

enum {
    DUET_LOOKED_AT_LEAST = 30, /* examples that say how many values there are, or how wide they lie */
    DUET_COLUMNS_SHOWN = 4     /* by number */
};

typedef struct duet_looked_at {
    const duet_data_info *info;
    size_t count, features;
    float *rows, *column; /* room for one column */
    size_t measured;      /* examples of which the deviations are */
    double *deviations;   /* of each column; NULL: not asked for */
} duet_looked_at;

/** Reads them where they can be; false: they cannot, nothing is learnt from them, or a mistake is recorded. */
bool duet_look_at_examples(duet_model *model, duet_looked_at *it);
/** Whether what opened the set has told of a column of one value. */
bool duet_looked_at_is_told(const duet_looked_at *it);
void duet_looked_at_free(duet_looked_at *it);

#endif
