/* SPDX-License-Identifier: MIT */
/* Results of the benchmark as bars. */
#ifndef DUET_SRC_CLI_BENCH_BARS_H
#define DUET_SRC_CLI_BENCH_BARS_H

#include <jansson.h>

/** Draws images a second: a group of bars a workload, a bar a result. `rows`: {workload, batch, results}, as
 *  cli_bench_compare makes them. Returns an exit status. */
int cli_bench_draw(const json_t *results, const json_t *rows, const char *path);

#endif
