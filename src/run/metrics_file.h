/* SPDX-License-Identifier: MIT */
/* metrics.jsonl: one JSON object a line, in the order of the steps: reports, and what watchers measured. */
#ifndef DUET_SRC_RUN_METRICS_FILE_H
#define DUET_SRC_RUN_METRICS_FILE_H

#include <jansson.h>
#include <stdio.h>

#include "duet/run.h"

typedef struct duet_metrics_file {
    FILE *stream;
    char *path;
} duet_metrics_file;

/** The last report that stays; zeros: none does. */
typedef struct duet_metrics_past {
    uint64_t step;
    double seconds;
} duet_metrics_past;

/** Opens DIRECTORY/metrics.jsonl for appending and takes out torn lines and reports of steps past `steps`; lines that
 *  are no reports stay. */
duet_status duet_metrics_open(duet_metrics_file *file, const char *directory, uint64_t steps, duet_metrics_past *told,
                              duet_error *error);
/** *report: the last of an open file about training, which the caller drops; NULL: there is none. */
duet_status duet_metrics_last(duet_metrics_file *file, json_t **report, duet_error *error);
/** Writes one report; NaN, of a term that no step computed, becomes null. */
duet_status duet_metrics_append(duet_metrics_file *file, const duet_progress *report, duet_error *error);
/** Writes what a watcher measured on the test split at the step of `at`; nothing if it measured nothing. */
duet_status duet_metrics_append_verdict(duet_metrics_file *file, const duet_progress *at, const duet_verdict *verdict,
                                        duet_error *error);
/** DUET_ERROR_FILE where the file is no more where it was, as of a run that was removed or moved away: what is written
 *  by the run's path then would be another run's. */
duet_status duet_metrics_check_place(const duet_metrics_file *file, duet_error *error);
/** Waits until the lines so far are on the disk. Call it before saving a checkpoint that counts on them. Checks their
 *  place too. */
duet_status duet_metrics_sync(duet_metrics_file *file, duet_error *error);
void duet_metrics_close(duet_metrics_file *file);

#endif
