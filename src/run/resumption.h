/* SPDX-License-Identifier: MIT */
/* What the options of a training may say of a run that they resume: its own choices again, or other rates. */
#ifndef DUET_SRC_RUN_RESUMPTION_H
#define DUET_SRC_RUN_RESUMPTION_H

#include "run/run_file.h"

/** Zero it before the first use. Texts are borrowed from the run and the options. */
typedef struct duet_resumption {
    const char **settings; /* "key=value": the run's, with the options' rates in their places */
    size_t setting_count;
    json_t *changed; /* {"lr": ["0.001", "0.0001"], ...}: what was and what is; empty: nothing changes */
} duet_resumption;

/** DUET_ERROR_USAGE for a setting that is no rate, a batch or a seed that are not the run's. */
duet_status duet_resumption_make(duet_resumption *resumption, const duet_run_file *before,
                                 const duet_train_options *options, duet_error *error);
/** Notes that the run goes on with other data. */
duet_status duet_resumption_note_data(duet_resumption *resumption, const duet_data_info *then,
                                      const duet_data_info *now, duet_error *error);
/** Notes that the run goes on with a family that trains otherwise. */
duet_status duet_resumption_note_model(duet_resumption *resumption, const json_t *then, const json_t *now,
                                       duet_error *error);
/** DUET_ERROR_FILE unless a run without a checkpoint may never have had one, being killed before the first was due; the
 *  trainer is that of the run, at its beginning. */
duet_status duet_resumption_check_unsaved(const duet_run_file *before, const char *directory,
                                          const duet_trainer *trainer, duet_error *error);
/** Whether `last`, the last report of the training that is in metrics.jsonl (NULL: there is none), has other losses
 * than the run, or another epoch at its step, as one of another run has; `words` then says so. One of the same model,
 * data and batch cannot be told from the run's own. */
bool duet_resumption_doubts_reports(const duet_resumption *resumption, const duet_run_file *before,
                                    const duet_trainer *trainer, const json_t *last, char *words, size_t size);
void duet_resumption_free(duet_resumption *resumption);

#endif
