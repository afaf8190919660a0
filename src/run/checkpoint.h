/* SPDX-License-Identifier: MIT */
/* Checkpoints: every saved variable of a model's store as one safetensors file, whose metadata hold what is needed to
 * go on. Files do not depend on the device: what one driver wrote, another reads. */
#ifndef DUET_SRC_RUN_CHECKPOINT_H
#define DUET_SRC_RUN_CHECKPOINT_H

#include <jansson.h>

#include "duet/run.h"
#include "run/safetensors.h"

/** What a checkpoint says beside its tensors. */
typedef struct duet_checkpoint {
    uint64_t steps, reported, batch; /* reported: steps whose losses had been read */
    uint64_t seed;
    char checksum[32];      /* of its bytes; "" if it does not say */
    char data_checksum[32]; /* of the data that it was trained on last; "" if it does not say */
    const json_t *examples; /* "data" of the run.json that it is to be of, or of a model; NULL: nobody knows */
} duet_checkpoint;

/** What run.json says of a run and a checkpoint of it says too. */
typedef struct duet_checkpoint_record {
    const char *model;
    const json_t *settings; /* {"key": "value", ...} */
    uint64_t batch, seed;   /* batch: 0 if nobody knows */
    const json_t *data;     /* run.json's; NULL: nobody knows */
} duet_checkpoint_record;
/** Both must say the same, but for rates, which a training may change. */
duet_status duet_checkpoint_check_record(const duet_safetensors *file, const char *path,
                                         const duet_checkpoint_record *record, duet_error *error);

/** Whether a checkpoint of data with that checksum ("": nobody knows) is of the run that run.json describes: of its
 * data by now, or of those that it went on from (--other-data). DUET_ERROR_DATA if not. */
duet_status duet_checkpoint_check_data(const char *path, const char *checksum, const json_t *run, duet_error *error);

/** {"key": "value", ...} of all settings, in the order of duet_model_setting_at; NULL: out of memory. */
json_t *duet_settings_json(const duet_model *model);

/** Replaces the file as a whole: write, sync, rename. terms: names of the losses that are reported. DUET_ERROR_NUMERIC
 * if a tensor holds a number that is not finite: such a checkpoint never replaces a good one. */
duet_status duet_checkpoint_save(const char *path, duet_model *model, duet_device *device, const duet_checkpoint *facts,
                                 uint64_t draws, const char *const *terms, size_t term_count, duet_error *error);
/** What a file that is loaded must be, besides sound. */
enum {
    DUET_CHECKPOINT_WHOLE = 1,   /* hold nothing else than the model's variables, as when training goes on; otherwise
                                    moments and counters that the model does not have are passed over */
    DUET_CHECKPOINT_OF_RUN = 2,  /* have the model's settings (but for rates), its seed and the batch of *facts, which
                                    are those of the run.json beside it */
    DUET_CHECKPOINT_OF_MODEL = 4 /* have the model's settings (but for rates) and be of examples like those of *facts */
};
/** Restores the model's variables on `device`. Nothing is written unless the file is sound, of the same family, meets
 *  the `demands`, and has every variable with its shape and finite (else DUET_ERROR_NUMERIC). *facts (NULL: not wanted)
 *  receives what the file says; a batch other than 0 in it must be the file's. */
duet_status duet_checkpoint_load(const char *path, duet_model *model, duet_device *device, int demands,
                                 duet_checkpoint *facts, duet_error *error);

/** duet_trainer_load of the checkpoint of the run that the trainer's model was made for and `run`, its run.json, tells
 * of. */
duet_status duet_trainer_load_run(duet_trainer *trainer, const char *path, const json_t *run, duet_error *error);

/** The step of a checkpoint that is sound; false: there is none at `path`. */
bool duet_checkpoint_step(const char *path, uint64_t *step);

#endif
