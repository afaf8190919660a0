/* SPDX-License-Identifier: MIT */
/* --size, --labels and --split of data that are to be trained on, which belong to the data's name. */
#ifndef DUET_SRC_CLI_DATA_H
#define DUET_SRC_CLI_DATA_H

#include "cli/options.h"

#include <stdbool.h>

/** What is said of the data beside its name. */
typedef struct cli_data_words {
    const char *size, *labels, *split; /* NULL: not given */
} cli_data_words;

/** The rows of a command's table of options for them. */
#define CLI_DATA_OPTIONS(place_of_size, place_of_labels, place_of_split)                                               \
    {CLI_TEXT, "size", 0, place_of_size, "HxW", "scale pictures to cover this size and cut them at the centre", 0, 0}, \
        {CLI_TEXT,                                                                                                     \
         "labels",                                                                                                     \
         0,                                                                                                            \
         place_of_labels,                                                                                              \
         "FILE|COLUMN",                                                                                                \
         "labels: a file of them (of a CSV file with several columns\nFILE:column=NAME), or a column of a CSV file",   \
         0,                                                                                                            \
         0},                                                                                                           \
    {                                                                                                                  \
        CLI_TEXT, "split", 0, place_of_split, "HOW",                                                                   \
            "where there is no test set: shuffled, a tenth of each class, or last", 0, 0                               \
    }

/** NAME:size=...,labels=...,split=..., as the library takes it. *made: the caller frees it. NULL, after a message: too
 * little memory, or words about no data. */
bool cli_data_name(const char *data, const cli_data_words *words, char **made);

#endif
