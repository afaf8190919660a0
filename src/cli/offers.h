/* SPDX-License-Identifier: MIT */
/* What a word of a command line may be, for shells: names with what they mean, out of the tables that check them. */
#ifndef DUET_SRC_CLI_OFFERS_H
#define DUET_SRC_CLI_OFFERS_H

#include "cli/options.h"

/** The word that is being completed, and what stands ahead of it. */
typedef struct cli_completion {
    const cli_command *command;
    const char *subject; /* the command's first operand, or the workload of bench; NULL: not given yet */
    const char *ahead;   /* what every offered word begins with, such as "--data="; "" */
    const char *word;    /* what is there of it so far, behind `ahead` */
} cli_completion;

/** Prints a line "NAME<tab>meaning" if the name begins like the word. `ending` "=": a value follows. */
void cli_offer(const cli_completion *it, const char *name, const char *ending, const char *meaning);
/** Prints what the option or operand takes. Lines ":files EXTENSION..." and ":folders" leave names to the shell. */
void cli_offer_values(const cli_completion *it, const cli_option *option);

#endif
