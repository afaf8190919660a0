/* SPDX-License-Identifier: MIT */
/* Results of `duet bench --json` of several devices, side by side. */
#ifndef DUET_SRC_CLI_BENCH_COMPARE_H
#define DUET_SRC_CLI_BENCH_COMPARE_H

#include "cli/options.h"

/** Reads the files and prints them as tables or as one document; draws them too where `out` (may be NULL) names an
 *  .svg file. Returns an exit status. */
int cli_bench_compare(const cli_list *files, const char *out, bool json);

#endif
