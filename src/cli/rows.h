/* SPDX-License-Identifier: MIT */
/* Examples of a split, asked for as the commands that go through one do, and given to the model in pieces. */
#ifndef DUET_SRC_CLI_ROWS_H
#define DUET_SRC_CLI_ROWS_H

#include "cli/options.h"
#include "duet.h"

/** Which examples: the first `count` of a split. */
typedef struct cli_rows {
    duet_split split;
    size_t count;
} cli_rows;

/** The rows that -n and --split ask for; 0: all, NULL: the test split where there is one. Returns an exit status. */
int cli_rows_choose(duet_run *run, const char *split, uint64_t count, cli_rows *rows);
/** --split is train or test: CLI_DONE, or a message and CLI_MISTAKE. */
int cli_rows_check(const char *split);

/** Asks for outputs of the rows, a piece at a time so that not all examples are in memory at once: [rows, features]
 *  each. A model that is told classes is told those of the labels, or `class` for all where that is not negative.
 *  Returns an exit status. */
int cli_rows_use(duet_run *run, const cli_rows *rows, int class, const duet_wanted *outputs, size_t output_count,
                 const cli_list *settings);

/** Labels of the rows, free(); NULL where the split has none. */
uint8_t *cli_rows_labels(duet_run *run, const cli_rows *rows);

#endif
