/* SPDX-License-Identifier: MIT */
/* What `duet bench` measures, each in a child process: peaks, products of one GEMM provider, the steps of a workload.
 */
#ifndef DUET_SRC_CLI_MEASURE_H
#define DUET_SRC_CLI_MEASURE_H

#include "cli/options.h"
#include "cli/workloads.h"
#include "duet.h"

#include <stdio.h>

typedef struct cli_measurement {
    const char *device, *gemm; /* as the command line has them, NULL: not given */
    double seconds;            /* of a workload's steps; trials of products take a share of it */
    double before;             /* processor seconds that the program had used before this child was started */
    double limit;              /* seconds after which no further product is begun */
    bool convolves;            /* convolutions are measured instead of plain products */

    const char *provider; /* of products; NULL: for each product the one that a plan would use */

    const char *workload;      /* a name for the document */
    const cli_workload *known; /* the row that it is, in batch and settings too; NULL: none */
    const duet_family *family;
    size_t batch;
    const cli_list *settings; /* all of them */
    const cli_list *given;    /* those of the command line */
} cli_measurement;

/** The device as all of them measure it, tuned as trainings are. */
duet_status cli_measure_open(duet_device **device, const cli_measurement *it, duet_error *error);

/* Each fits cli_child_work, with a cli_measurement as context, and sends documents:
 * {device, driver, platform, kind, conditions: {gemm, seconds, tuned, environment}}: what is measured, and how */
int cli_measure_device(FILE *results, const void *measurement);
/* {gflops, gigabytes_per_second, launch_us, launch_waited_us} */
int cli_measure_peaks(FILE *results, const void *measurement);
/* one a product: {m, n, k, transpose, or of a convolution convolution; words, provider, chosen, gflops, ms_median,
 * ms_min, error} or with `skipped`, a reason, instead of the last four */
int cli_measure_products(FILE *results, const void *measurement);
/* {workload, batch, settings: {key: value}, data, ms_median, ms_min, images_per_second, gflop, launches, providers,
 * images_per_joule, rss_mib, first_seconds, steps, losses: {term: mean}, check: {step, losses, expected, right} or
 * null}: settings are those of the command line, data a checksum; gflop counts the matrix products and convolutions of
 * a step, providers computed them; first_seconds is from the program's start to the end of its first step; the losses
 * are means over the last block of steps */
int cli_measure_workload(FILE *results, const void *measurement);

#endif
