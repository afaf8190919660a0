/* SPDX-License-Identifier: MIT */
/* Opening a run, the same way for every command that uses one. */
#ifndef DUET_SRC_CLI_RUN_H
#define DUET_SRC_CLI_RUN_H

#include "cli/options.h"
#include "duet.h"

/** Opens a run; long waits are announced on standard error. CLI_DONE, or a message and an exit status. */
int cli_run_open(duet_run **run, const char *directory, const char *device, const char *data);

/** The split that judges and shows a run: the test split, or the training split where the data has no other. */
duet_split cli_run_split(duet_run *run);

/** CLI_DONE if the model has the output; else a message and CLI_FAILED: `cannot` says what it cannot do. */
int cli_run_needs(duet_run *run, const char *output, const char *cannot);

/** Room for count x features numbers. NULL after a message. */
float *cli_floats_new(size_t count, size_t features);

/** Answers the request with progress on standard error; Ctrl-C stops it. Returns an exit status. */
int cli_use(duet_run *run, duet_request *request);

/** "key=value" words must look like that: CLI_DONE, or a message and CLI_MISTAKE. What the keys are only the run knows.
 */
int cli_settings_look(const cli_list *settings);

/** Names of metrics: CLI_DONE, or a message that has the nearest, and CLI_MISTAKE. */
int cli_metrics_check(const cli_list *metrics);

/** Examples first .. first + count - 1 of a split, and where the model is told classes theirs: *classes (NULL: it is
 *  not, or the split has none) is the caller's, free(). Returns an exit status. */
int cli_examples_read(duet_run *run, duet_split split, size_t first, size_t count, float *values, uint8_t **classes);

#endif
