/* SPDX-License-Identifier: MIT */
/* Progress on standard error: one line that is rewritten on a terminal, plain lines now and then elsewhere. */
#ifndef DUET_SRC_CLI_PROGRESS_H
#define DUET_SRC_CLI_PROGRESS_H

#include "duet.h"

/** State of a training's progress display. Start it zeroed. */
typedef struct cli_training_progress {
    bool quiet;
    bool started;
    uint64_t first_step; /* where this process began: the time left is estimated from steps after it */
    double first_seconds;
    double line_seconds, line_epoch; /* when and where the last plain line was printed */
} cli_training_progress;

/** Fits duet_train_options.progress, with a cli_training_progress as context. */
void cli_progress_training(void *context, const duet_progress *progress);
/** Fits duet_log_function, with the same context: the bar is removed before the line is printed. */
void cli_progress_log(void *context, const char *line);

/** "what 12/140 name": on a terminal only. */
void cli_progress_count(const char *what, size_t done, size_t count, const char *name);
/** Removes the line that is rewritten. */
void cli_progress_clear(void);

#endif
