/* SPDX-License-Identifier: MIT */
/* The subcommands, one file each; main.c has them in one table. */
#ifndef DUET_SRC_CLI_COMMANDS_H
#define DUET_SRC_CLI_COMMANDS_H

#include "cli/options.h"

extern const cli_command cli_devices, cli_models, cli_datasets, cli_data, cli_train, cli_sample, cli_reconstruct,
    cli_interpolate, cli_invert, cli_encode, cli_traverse, cli_classify, cli_score, cli_features, cli_eval, cli_compare,
    cli_report, cli_explain, cli_lesson, cli_doctor, cli_bench, cli_tune;

/** What `duet score --by` takes, by index, and what it is; NULL past the end. */
const char *cli_score_at(size_t index, const char **summary);
/** What `duet bench --only` takes, by index; NULL past the end. */
const char *cli_bench_part_at(size_t index);

#endif
