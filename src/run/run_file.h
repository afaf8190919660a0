/* SPDX-License-Identifier: MIT */
/* run.json: what a run is made of, written before its first step and again when it is resumed, so that it can be
 * repeated and gone on with. */
#ifndef DUET_SRC_RUN_RUN_FILE_H
#define DUET_SRC_RUN_RUN_FILE_H

#include <jansson.h>

#include "duet/run.h"
#include "run/data_record.h"
#include "train/trainer.h"

/** What the user chose, as opposed to what the machine is. Strings are borrowed. */
typedef struct duet_run_choice {
    const char *model, *data;    /* data: a name, or an absolute path */
    duet_division division;      /* of data without test examples of their own that do not say it themselves */
    const char *const *settings; /* "key=value" */
    size_t setting_count;
    uint64_t batch, seed, steps, epochs, checkpoint_every; /* steps, epochs: totals, 0 if not asked for */
    const char *gemm;                                      /* a provider, NULL or "auto": the device's preset */
    duet_watch watch;                                      /* what the training is watched by */
    const char *judge;  /* a classifier's run that metrics are watched with, an absolute path; NULL: there is none */
    const char *tuning; /* the file that the device's tuning came from, NULL: there is none */
    json_t *changed;    /* {"key": [was, is]} of a run that is resumed; NULL: nothing */
    bool checkpointed;  /* a checkpoint has been written */
    json_t *composition; /* of a family of the program's own (composition.h); NULL: nothing is known */
    json_t *trained_rows; /* prints of rows (seen_rows.h); NULL: nothing is known */
    json_t *ranks;      /* [{"host", "device", "driver"}, ...] of several that train together; NULL: one does */
} duet_run_choice;

typedef struct duet_run_file {
    json_t *document;
    duet_run_choice choice;
    duet_data_record data;
    bool checkpointed;                            /* it has had a checkpoint */
    const char *device, *driver, *device_version; /* what it ran on */
    char **lines;                                 /* what choice.settings points to */
    const char **watched;                         /* what choice.watch.metrics points to; texts are the document's */
    bool tells_watch;                             /* it says what the training was watched by; older runs do not */
} duet_run_file;

/** Takes DIRECTORY/run.json from its text, as the rank that can read it has it. */
duet_status duet_run_file_take(duet_run_file *file, const char *directory, const char *text, duet_error *error);
/** Reads DIRECTORY/run.json. DUET_ERROR_FILE if there is none, DUET_ERROR_DATA if it is not one. */
duet_status duet_run_file_read(duet_run_file *file, const char *directory, duet_error *error);
void duet_run_file_free(duet_run_file *file);

/** Whether the device is the one, with the same driver, that the run was last started on. */
bool duet_run_file_is_from(const duet_run_file *file, const duet_device *device);
/** Gives the device the tuning that the run was started with, or none if it had none, so that products are summed in
 * the same order, to the bit. duet_run_file_is_from must be true of the device. */
duet_status duet_run_file_tune(const duet_run_file *file, duet_device *device, duet_error *error);

/** DUET_ERROR_USAGE for a family of a program's own whose name, all that run.json has of it, is one of the library's or
 * no text. Runs of before this was asked are opened all the same. */
duet_status duet_run_file_check_family(const duet_family *own, duet_error *error);

/** The family of the run: `given`, unless that is NULL, else the built-in one of that name. DUET_ERROR_FILE if `given`
 *  has another name than the run's model. */
duet_status duet_run_file_family(const duet_run_choice *choice, const char *directory, const duet_family *given,
                                 const duet_family **family, duet_error *error);

/** The model that DIRECTORY/run.json describes, for examples of `data`. DUET_ERROR_DATA if its settings are none of the
 *  family's. */
duet_status duet_run_file_model(duet_model **model, const duet_family *family, duet_data *data,
                                const duet_run_choice *choice, const char *directory, duet_error *error);

/** Whether the parameters that DIRECTORY/run.json counts, group by group, are those of a model with that build.
 *  DUET_ERROR_DATA if not. */
duet_status duet_run_file_check_counts(const json_t *document, const char *directory, const duet_build *build,
                                       duet_error *error);

/** DUET_ERROR_DATA unless the text can stand in a run.json, which is UTF-8. */
duet_status duet_run_file_check_text(const char *text, duet_error *error);

/** Writes DIRECTORY/run.json whole or not at all. `before`: what it said until now, for a run that is resumed; NULL for
 *  a new one. */
duet_status duet_run_file_write(const char *directory, const duet_run_choice *choice, const duet_trainer *trainer,
                                const duet_run_file *before, duet_error *error);
/** Notes in DIRECTORY/run.json that the run has its first checkpoint. */
duet_status duet_run_file_mark(const char *directory, duet_error *error);

#endif
