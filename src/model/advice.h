/* SPDX-License-Identifier: MIT */
/* Settings that may help a model: of a list only those that its family takes are said. */
#ifndef DUET_SRC_MODEL_ADVICE_H
#define DUET_SRC_MODEL_ADVICE_H

#include "base/text.h"
#include "duet/model.h"

enum { DUET_MOST_ADVICE = 4 };

/** A setting as --set takes it, "key=value", of a group or a preset too, and how it is said; NULL: as it is. Words that
 *  name a way, "a smaller beta", have the end of it as the value. */
typedef struct duet_advice {
    const char *setting, *words, *only; /* `only`: the value that it is for; NULL: any but the one that is said */
} duet_advice;

/** Adds "; this, that or the other may help", of advice (up to a NULL setting, DUET_MOST_ADVICE at most) what the
 *  model's family takes and the model does not have already. Adds nothing where that leaves none. */
void duet_advice_add(duet_text *text, const duet_model *model, const duet_advice *advice);

#endif
