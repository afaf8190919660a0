/* SPDX-License-Identifier: MIT */
/* What is true of all commands: exit statuses, variables of the environment, files. `duet help TOPIC` and duet(1) say
 * it. */
#ifndef DUET_SRC_CLI_TOPICS_H
#define DUET_SRC_CLI_TOPICS_H

#include <stddef.h>

typedef struct cli_topic_row {
    const char *name, *text;
} cli_topic_row;

typedef struct cli_topic {
    const char *name;    /* as `duet help` takes it */
    const char *heading; /* as a manual page has it */
    const char *summary;
    const cli_topic_row *rows;
    size_t count;
} cli_topic;

/** What the program is, in a sentence, and what goes where. */
extern const char cli_what_it_is[], cli_what_goes_where[];
/** A first training and what comes of it, one command line a line. */
extern const char cli_first_examples[];
/** The variables that are Duet's own, and NO_COLOR. */
extern const cli_topic cli_topic_environment;

/** Topic `index`, NULL past the end. */
const cli_topic *cli_topic_at(size_t index);
/** NULL if there is none of that name. */
const cli_topic *cli_topic_find(const char *name);
void cli_topic_print(const cli_topic *topic);

#endif
