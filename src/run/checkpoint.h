/* SPDX-License-Identifier: MIT */
/* Checkpoints: every saved variable of a model's store as one safetensors file, whose metadata hold what is needed to
 * go on. Files do not depend on the device: what one driver wrote, another reads. */
#ifndef DUET_SRC_RUN_CHECKPOINT_H
#define DUET_SRC_RUN_CHECKPOINT_H

#include <jansson.h>

#include "duet/run.h"

/** What a checkpoint says beside its tensors. */
typedef struct duet_checkpoint {
    uint64_t steps, reported, batch; /* reported: steps whose losses had been read */
} duet_checkpoint;

/** {"key": "value", ...} of all settings, in the order of duet_model_setting_at; NULL: out of memory. */
json_t *duet_settings_json(const duet_model *model);

/** Replaces the file as a whole: write, sync, rename. DUET_ERROR_NUMERIC if a tensor holds a number that is not finite:
 *  such a checkpoint never replaces a good one. */
duet_status duet_checkpoint_save(const char *path, duet_model *model, duet_device *device, const duet_checkpoint *facts,
                                 uint64_t draws, duet_error *error);
/** Restores the model's variables on `device`. `whole`: the file must hold nothing else, as when training goes on;
 *  otherwise moments and counters that the model does not have are passed over. Nothing is written unless the file is
 *  sound, of the same family, and has every variable with its shape. *facts (NULL: not wanted) receives what the file
 *  says; a batch other than 0 in it must be the file's. */
duet_status duet_checkpoint_load(const char *path, duet_model *model, duet_device *device, bool whole,
                                 duet_checkpoint *facts, duet_error *error);

#endif
