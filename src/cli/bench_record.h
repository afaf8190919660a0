/* SPDX-License-Identifier: MIT */
/* What a result of `duet bench --json` says of how it was measured. Results of before do not say all of it. */
#ifndef DUET_SRC_CLI_BENCH_RECORD_H
#define DUET_SRC_CLI_BENCH_RECORD_H

#include <jansson.h>
#include <stddef.h>

/** {workload, batch, settings, data} of one of a result's workloads: which work it is. Two compare where these are
 *  equal. settings and data are null, and gflop stands beside them, where the result does not say and was not checked
 *  against known losses. */
json_t *cli_bench_work(const json_t *workload);
/** "mlpvae, 128", and what is not as usual in it: "mlpvae, 128, hidden=16 lr=0.1, data 1234567890abcdef". */
const char *cli_bench_work_name(const json_t *work, char *text, size_t size);
/** How a result was measured: "--gemm auto, --seconds 6, not tuned, DUET_BUNDLES=off". */
const char *cli_bench_conditions(const json_t *result, char *text, size_t size);
/** Why its numbers may be those of a busy machine; NULL: they are not. Results of before are `trusted` also where
 *  nothing was known. */
const char *cli_bench_doubt(const json_t *result);

#endif
