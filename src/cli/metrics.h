/* SPDX-License-Identifier: MIT */
/* Metrics computed for a command. */
#ifndef DUET_SRC_CLI_METRICS_H
#define DUET_SRC_CLI_METRICS_H

#include "duet.h"

typedef struct cli_values {
    duet_metric_value *rows; /* free() */
    size_t count;
} cli_values;

/** How many metrics there are. */
size_t cli_metrics_count(void);

/** Computes metrics on the split that judges the run (duet_metric_compute_each; with `left_out` NULL none is to be
 *  missing). Returns an exit status. */
int cli_metrics_compute(duet_run *run, const char *const *names, size_t count, uint64_t seed, cli_values *values,
                        duet_metric_left_out left_out, void *context);

#endif
