/* SPDX-License-Identifier: MIT */
/* What `duet bench` found, as a document and as tables. */
#ifndef DUET_SRC_CLI_BENCH_REPORT_H
#define DUET_SRC_CLI_BENCH_REPORT_H

#include <jansson.h>
#include <stdbool.h>

/** Documents as the children sent them (cli/measure.h): arrays; device, before and after have one element at most. */
typedef struct cli_findings {
    json_t *device;
    json_t *before, *after; /* peaks, measured before and after all else */
    json_t *products, *convolutions, *workloads;
    json_t *failed; /* names of parts that could not be measured */
} cli_findings;

/** Whether a product, a convolution or the losses of a workload had wrong numbers. */
bool cli_findings_wrong(const cli_findings *findings);

/* Each returns an exit status. */
int cli_findings_print(const cli_findings *findings);
int cli_findings_print_json(const cli_findings *findings);

#endif
