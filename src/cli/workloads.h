/* SPDX-License-Identifier: MIT */
/* The workloads of `duet bench`: a row each, all trained on Fashion-MNIST; docs/performance.md defines them. */
#ifndef DUET_SRC_CLI_WORKLOADS_H
#define DUET_SRC_CLI_WORKLOADS_H

#include "cli/options.h"
#include "duet.h"

typedef struct cli_workload {
    const char *name, *summary;
    const char *family;
    size_t batch;                /* 0: the family's */
    const char *const *settings; /* "key=value", NULL after the last; or NULL: its defaults */
} cli_workload;

/** Row `index`, NULL past the end. */
const cli_workload *cli_workload_at(size_t index);
/** NULL if there is none of that name. */
const cli_workload *cli_workload_find(const char *name);
const duet_family *cli_workload_family(const cli_workload *workload);
/** The workload's own settings, then those of the command line, which win. */
void cli_workload_settings(const cli_workload *workload, const cli_list *given, cli_list *all);

#endif
