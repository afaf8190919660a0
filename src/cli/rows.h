/* SPDX-License-Identifier: MIT */
/* Which examples a command looks at, by one rule for all commands that look at some (but for eval, whose split is the
 * one that was held out), and giving them to the model in pieces. */
#ifndef DUET_SRC_CLI_ROWS_H
#define DUET_SRC_CLI_ROWS_H

#include "cli/options.h"
#include "duet.h"

/** The rows of a command's table of options for them. */
#define CLI_ROWS_OPTIONS(place_of_split, place_of_data)                                                                \
    {                                                                                                                  \
        CLI_TEXT,                                                                                                      \
        "split",                                                                                                       \
        0,                                                                                                             \
        place_of_split,                                                                                                \
        "SPLIT",                                                                                                       \
        "train, test or all (default: all of other data than the run's own, of\nthose test, where there is one)",      \
        0,                                                                                                             \
        0},                                                                                                            \
    {                                                                                                                  \
        CLI_TEXT, "data", 0, place_of_data, "NAME|PATH", "take the examples from here (default: the run's own data)",  \
            0, 0                                                                                                       \
    }

/** Which examples: the first `count` of one split, or of all; `spread`: as many of all parts of each split. */
typedef struct cli_rows {
    duet_data *data;         /* they are read from here; */
    duet_data *undivided;    /* which is this one, in the order of its file, where all of it is looked at; NULL */
    size_t count, counts[2]; /* counts: of each split */
    const char *split;       /* "train", "test" or "all" */
    const char *words;       /* "of the test split" and the like */
    bool labelled;           /* all of them have labels */
    bool spread;             /* they stand for all, in a picture say: the first of a sorted file are of one kind */
} cli_rows;

/** The rows that -n, --split and --data ask for. `asked` 0: `usual` of them, and if that is 0 too, all. split NULL: of
 * the data that the run was trained on, which are its own (`data` NULL) or lie where `data` says by now, the test
 * split, or training where there is no other; of other data all. Returns an exit status. */
int cli_rows_choose(duet_run *run, const char *data, const char *split, uint64_t asked, size_t usual, cli_rows *rows);
/** Also of rows that are all zeros, or were not found. */
void cli_rows_free(cli_rows *rows);
/** CLI_DONE if --split is train, test, all or not given (NULL); else a message and CLI_MISTAKE. */
int cli_rows_check(const char *split);
/** What --split takes, by index; NULL past the end. */
const char *cli_rows_split_at(size_t index);

/** Rows first .. first + count - 1 of them and, unless that is NULL, the classes of those for a model that reads
 * labels. *classes: the caller frees them; NULL: the model reads no labels, or the rows have none. Returns an exit
 * status. */
int cli_rows_read(duet_run *run, const cli_rows *rows, size_t first, size_t count, float *values, uint8_t **classes);

/** Asks for outputs of the rows, [rows, features] each, a piece at a time so that not all examples are in memory at
 * once. A model that reads labels is given those of the rows, or `class` for all rows if that is not negative. Returns
 * an exit status. */
int cli_rows_use(duet_run *run, const cli_rows *rows, int class, const duet_wanted *outputs, size_t output_count);

/** Whether one of the outputs is made of the rows and of their classes too, and not all rows have labels: `reason` then
 *  says so. */
bool cli_rows_lack_classes(duet_run *run, const cli_rows *rows, const duet_wanted *outputs, size_t output_count,
                           char *reason, size_t size);
/** CLI_DONE unless that is so; else a message. cli_rows_use looks itself. */
int cli_rows_check_classes(duet_run *run, const cli_rows *rows, const duet_wanted *outputs, size_t output_count);

/** Tells on standard error which they are. */
void cli_rows_say(const cli_rows *rows);

/** *labels, which the caller frees, are those of the rows; NULL where they have none. Returns an exit status. */
int cli_rows_labels(const cli_rows *rows, uint8_t **labels);

#endif
