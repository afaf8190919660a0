/* SPDX-License-Identifier: MIT */
/* What commands that go through a split share: choosing its examples and giving them to the model in pieces. */
#ifndef DUET_SRC_CLI_ROWS_H
#define DUET_SRC_CLI_ROWS_H

#include "cli/options.h"
#include "duet.h"

/** Which examples: the first `count` of a split. */
typedef struct cli_rows {
    duet_split split;
    size_t count;
} cli_rows;

/** The rows that -n and --split ask for. count 0: all. split NULL: the test split, if there is one. Returns an exit
 *  status. */
int cli_rows_choose(duet_run *run, const char *split, uint64_t count, cli_rows *rows);
/** CLI_DONE if --split is train, test or not given (NULL); else a message and CLI_MISTAKE. */
int cli_rows_check(const char *split);

/** Asks for outputs of the rows, [rows, features] each, a piece at a time so that not all examples are in memory at
 * once. A model that reads labels is given those of the rows, or `class` for all rows if that is not negative. Returns
 * an exit status. */
int cli_rows_use(duet_run *run, const cli_rows *rows, int class, const duet_wanted *outputs, size_t output_count,
                 const cli_list *settings);

/** Labels of the rows, which the caller frees; NULL: the split has none. */
uint8_t *cli_rows_labels(duet_run *run, const cli_rows *rows);

#endif
