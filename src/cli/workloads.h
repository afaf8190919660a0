/* SPDX-License-Identifier: MIT */
/* The workloads of `duet bench`: a row each, all trained on Fashion-MNIST; docs/performance.md defines them. */
#ifndef DUET_SRC_CLI_WORKLOADS_H
#define DUET_SRC_CLI_WORKLOADS_H

#include "cli/options.h"
#include "duet.h"

/** A loss term of step CLI_CHECKED_STEP of a workload's training with seed 0, in nats. */
typedef struct cli_loss {
    const char *term;
    double value;
} cli_loss;

/* By the third step every update has used both moments; not many more, since rounding grows from step to step. */
enum { CLI_CHECKED_STEP = 3 };

typedef struct cli_workload {
    const char *name, *summary;
    const char *family;
    size_t batch;                /* 0: the family's */
    const char *const *settings; /* "key=value", NULL after the last; or NULL: its defaults */
    const cli_loss *losses;      /* a term NULL after the last; or NULL: nobody knows them */
} cli_workload;

/** The checksum (duet_data_describe) of the data that the losses are of. */
extern const char *const cli_workload_data;
/** By how much of itself a loss may differ from what it should be: rounding differs from device to device. */
extern const double cli_loss_tolerance;

/** Row `index`, NULL past the end. */
const cli_workload *cli_workload_at(size_t index);
/** NULL if there is none of that name. */
const cli_workload *cli_workload_find(const char *name);
const duet_family *cli_workload_family(const cli_workload *workload);
/** The workload's own settings, then those of the command line, which win. */
void cli_workload_settings(const cli_workload *workload, const cli_list *given, cli_list *all);

#endif
