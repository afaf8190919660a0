/* SPDX-License-Identifier: MIT */
/* One table of options a command: getopt_long reads by it; help.h prints it, as --help, as manual page and for shells.
 */
#ifndef DUET_SRC_CLI_OPTIONS_H
#define DUET_SRC_CLI_OPTIONS_H

#include "cli/help.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cli_option_kind {
    CLI_OPERAND,           /* const char *: a word that is no option and must be given */
    CLI_OPERAND_OPTIONAL,  /* the same, but it may be left out */
    CLI_OPERANDS,          /* cli_list: all further words that are no options, at least one */
    CLI_OPERANDS_OPTIONAL, /* the same, or none */
    CLI_FLAG,              /* bool */
    CLI_TEXT,              /* const char * */
    CLI_COUNT,             /* uint64_t in [low, high] */
    CLI_LIST,              /* cli_list: may be given several times */
    CLI_COUNTS,            /* cli_counts in [low, high]: may be given several times */
} cli_option_kind;

typedef struct cli_list {
    const char *items[64];
    size_t count;
} cli_list;

typedef struct cli_counts {
    uint64_t items[64];
    size_t count;
} cli_counts;

typedef struct cli_option {
    cli_option_kind kind;
    const char *name; /* without "--"; an operand's name in help, such as "RUN" */
    char letter;      /* 0: none */
    size_t offset;    /* of the value in the command's arguments */
    const char *argument, *help; /* argument: of CLI_TEXT "FILE..." is written, what has "PATH" in it is read as data */
    uint64_t low, high; /* CLI_COUNT, CLI_COUNTS */
} cli_option;

/* Of several processes that mpirun or srun started, */
typedef enum cli_processes {
    CLI_ONE_PROCESS,   /* none may run it: it is the work of one */
    CLI_EACH_PROCESS,  /* each runs it for itself */
    CLI_FIRST_PROCESS, /* rank 0 runs it, and the others share its requests to runs */
    CLI_ALL_PROCESSES, /* all run it together */
} cli_processes;

typedef struct cli_command {
    const char *name, *summary;
    const char *details;  /* paragraphs for --help, NULL: none */
    const char *examples; /* command lines, one a line */
    const cli_option *options;
    size_t option_count;
    int (*run)(int argc, char **argv);
    int (*more_help)(cli_help_form form, const char *operand); /* after the options; NULL: nothing more. `operand`: as
                                                                  given beside --help, or NULL. An exit status */
    cli_processes processes;
} cli_command;

#define CLI_COUNT_OF(array) (sizeof(array) / sizeof *(array))

/** Reads argv (argv[0] is the command's name) into `arguments`, a struct that the table's offsets describe and that
 *  holds the defaults. False: the command ends here with exit status *status, after --help or a message. */
bool cli_parse(const cli_command *command, int argc, char **argv, void *arguments, int *status);

/** CLI_MISTAKE with a message if an option would write a file that data of that name are read from. Either may be NULL. */
int cli_check_spared(const char *option, const char *file, const char *data);

/** --help, which every command has besides those of its table. */
extern const cli_option cli_option_help;

/** Whether it is no option but a word by its place, and whether that may be left out. */
bool cli_option_is_operand(const cli_option *option);
bool cli_option_is_optional(const cli_option *option);

/** Prints a command's help on standard output; an exit status, CLI_MISTAKE for an operand that is none. `operand`: as
 * given beside --help, or NULL. */
int cli_help_print(const cli_command *command, const char *operand);

/** What several processes do with the command, for its help; NULL: nothing together. */
const char *cli_help_processes(const cli_command *command);

#endif
