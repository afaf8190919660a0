/* SPDX-License-Identifier: MIT */
/* --help of a command, on a terminal within its width. Parts that both forms have are handed to manual.c where a manual
 * page is asked for. */
#include "cli/help.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/wrap.h"

#include <string.h>

static void print_option(const cli_option *option)
{
    char left[64], letter[8] = "";
    enum { COLUMN = 30 };
    if (cli_option_is_operand(option)) {
        snprintf(left, sizeof left, "  %s", option->name);
    } else {
        const char *value = option->argument == NULL ? "" : option->argument;
        const char *space = *value == '\0' ? "" : " ";
        if (option->letter != 0) snprintf(letter, sizeof letter, "-%c%s", option->letter, option->name ? "," : "");
        if (option->name != NULL)
            snprintf(left, sizeof left, "  %3s --%s%s%s", letter, option->name, space, value);
        else
            snprintf(left, sizeof left, "  %s%s%s", letter, space, value);
    }
    printf("%-*s", COLUMN - 1, left);
    if (strlen(left) >= COLUMN - 1) printf("\n%*s", COLUMN - 1, "");
    fputc(' ', stdout);
    cli_print_wrapped(option->help, COLUMN);
}

/* Too long ones go on below with a deeper margin. */
static void print_examples(const char *examples)
{
    enum { MARGIN = 2, DEEPER = 6 };
    printf(strchr(examples, '\n') != NULL ? "\nExamples:\n" : "\nExample:\n");
    while (*examples != '\0') {
        char line[160];
        const size_t length = strcspn(examples, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, examples);
        printf("%*s", MARGIN, "");
        cli_print_wrapped(line, DEEPER);
        examples += length + (examples[length] == '\n');
    }
}

int cli_help_table(cli_help_form form, const char *heading, const char *note, cli_table *table)
{
    table->room = cli_help_columns();
    if (form == CLI_HELP_MANUAL) return cli_manual_table(heading, note, table);
    char text[160];
    snprintf(text, sizeof text, "%s%s%s:", heading, note != NULL ? ": " : "", note != NULL ? note : "");
    fputc('\n', stdout);
    cli_print_wrapped(text, 0);
    fputc('\n', stdout);
    return cli_table_print(table, stdout);
}

void cli_help_sentence(cli_help_form form, const char *text)
{
    if (form == CLI_HELP_MANUAL) return;
    fputc('\n', stdout);
    cli_print_wrapped(text, 0);
}

const char *cli_help_processes(const cli_command *command)
{
    switch (command->processes) {
    case CLI_FIRST_PROCESS:
        return "Several processes that mpirun or srun starts share the work, each on a device of its own where there "
               "are "
               "several. What is said and written is what one process says and writes.";
    case CLI_ALL_PROCESSES:
        return "Several processes that mpirun or srun starts train one model, each on a device of its own where there "
               "are several.";
    case CLI_ONE_PROCESS:
    case CLI_EACH_PROCESS: break;
    }
    return NULL;
}

int cli_help_print(const cli_command *command, const char *operand)
{
    printf("usage: duet %s", command->name);
    for (size_t i = 0; i < command->option_count; i++)
        if (cli_option_is_operand(&command->options[i]))
            printf(cli_option_is_optional(&command->options[i]) ? " [%s]" : " %s", command->options[i].name);
    printf(" [options]\n\n");
    cli_print_wrapped(command->summary, 0);
    fputc('\n', stdout);
    if (command->details != NULL) {
        cli_print_wrapped(command->details, 0);
        fputc('\n', stdout);
    }
    if (cli_help_processes(command) != NULL) {
        cli_print_wrapped(cli_help_processes(command), 0);
        fputc('\n', stdout);
    }
    for (size_t i = 0; i < command->option_count; i++) print_option(&command->options[i]);
    print_option(&cli_option_help);
    const int status = command->more_help != NULL ? command->more_help(CLI_HELP_TEXT, operand) : CLI_DONE;
    print_examples(command->examples);
    return status;
}
