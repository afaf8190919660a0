/* SPDX-License-Identifier: MIT */
/* Text becomes roff word by word: what the tables say is plain, and here it gets its escapes, its short lines, and bold
 * letters for what is typed as it stands. */
#include "cli/manual.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/topics.h"

#include <stdlib.h>
#include <string.h>

enum { WIDEST = 62 }; /* without escapes, so that few lines pass 80 with them */

/* Hyphens are those that a shell knows, so that what is copied from a page works. */
static void put_escaped(const char *text, size_t length)
{
    static const struct {
        char byte;
        const char *roff;
    } escapes[] = {{'\\', "\\e"},  {'-', "\\-"},   {'\'', "\\(aq"}, {'`', "\\(ga"},
                   {'^', "\\(ha"}, {'~', "\\(ti"}, {'"', "\\(dq"}};
    for (size_t i = 0; i < length; i++) {
        size_t k = 0;
        while (k < CLI_COUNT_OF(escapes) && escapes[k].byte != text[i]) k++;
        if (k < CLI_COUNT_OF(escapes))
            fputs(escapes[k].roff, stdout);
        else
            fputc(text[i], stdout);
    }
}

static void put(const char *text)
{
    put_escaped(text, strlen(text));
}

/* How long the command that a quote names is, between its marks, as in 'duet train MODEL'; 0: the quote is another. */
static size_t quoted_command(const char *text)
{
    if (strncmp(text, "'duet ", 6) != 0) return 0;
    const char *end = strchr(text + 1, '\'');
    return end == NULL ? 0 : (size_t)(end - text) - 1;
}

/* An option is bold up to its value or to what ends the sentence. */
static size_t option_length(const char *word)
{
    size_t length = strspn(word, "-");
    if (length == 0 || length > 2) return 0;
    const size_t letters = strspn(word + length, "abcdefghijklmnopqrstuvwxyz-");
    return letters == 0 ? 0 : length + letters;
}

static void put_bold(const char *text, size_t length)
{
    fputs("\\fB", stdout);
    put_escaped(text, length);
    fputs("\\fR", stdout);
}

/* One word with its marks. Returns how much of the text it was: a quoted command is one word. */
static size_t put_word(const char *text)
{
    const size_t command = quoted_command(text), option = option_length(text), bold = command > 0 ? command : option;
    const size_t marks = command > 0 ? 2 : 0;
    if (bold > 0) put_bold(text + (command > 0), bold);
    if (bold == 0 && text[0] == '.') fputs("\\&", stdout);
    const size_t rest = strcspn(text + bold + marks, " \n");
    put_escaped(text + bold + marks, rest);
    return bold + marks + rest;
}

static size_t word_width(const char *text)
{
    const size_t command = quoted_command(text);
    return command > 0 ? command + 2 : strcspn(text, " \n");
}

/* Paragraphs, in which line ends are no more than spaces; an empty line begins a new one. */
static void put_text(const char *text)
{
    size_t column = 0;
    while (*text != '\0') {
        if (column > 0) {
            const bool fits = column + 1 + word_width(text) <= WIDEST;
            fputc(fits ? ' ' : '\n', stdout);
            column = fits ? column + 1 : 0;
        }
        const size_t length = put_word(text);
        text += length;
        column += length;
        const bool paragraph = strncmp(text, "\n\n", 2) == 0;
        text += strspn(text, " \n");
        if (!paragraph || *text == '\0') continue;
        fputs("\n.PP\n", stdout);
        column = 0;
    }
    fputc('\n', stdout);
}

static void put_section(const char *heading)
{
    printf(".SH \"");
    for (; *heading != '\0'; heading++) {
        const char letter = *heading >= 'a' && *heading <= 'z' ? (char)(*heading - 'a' + 'A') : *heading;
        put_escaped(&letter, 1);
    }
    puts("\"");
}

static void put_title(const char *suffix)
{
    printf(".\\\" SPDX-License-Identifier: MIT\n.\\\" Made by `duet manual` from the tables behind --help.\n.TH DUET");
    for (; *suffix != '\0'; suffix++)
        printf("%s%c", *suffix == '-' ? "\\" : "", *suffix >= 'a' && *suffix <= 'z' ? *suffix - 'a' + 'A' : *suffix);
    printf(" 1 \"%s\" \"duet %s\" \"User Commands\"\n", DUET_VERSION_DATE, duet_version());
}

static void put_operands(const cli_command *command)
{
    for (size_t i = 0; i < command->option_count; i++) {
        const cli_option *option = &command->options[i];
        if (!cli_option_is_operand(option)) continue;
        printf(cli_option_is_optional(option) ? " [\\fI%s\\fR]" : " \\fI%s\\fR", option->name);
    }
}

static void put_option(const cli_option *option)
{
    fputs(".TP\n", stdout);
    if (cli_option_is_operand(option)) {
        printf("\\fI%s\\fR\n", option->name);
    } else {
        if (option->letter != 0) printf("\\fB\\-%c\\fR%s", option->letter, option->name != NULL ? ", " : "");
        if (option->name != NULL) {
            fputs("\\fB\\-\\-", stdout);
            put(option->name);
            fputs("\\fR", stdout);
        }
        if (option->argument != NULL) {
            fputs(" \\fI", stdout);
            put(option->argument);
            fputs("\\fR", stdout);
        }
        fputc('\n', stdout);
    }
    put_text(option->help);
}

static void put_examples(const char *examples)
{
    put_section("EXAMPLES");
    puts(".EX");
    put(examples);
    puts("\n.EE");
}

static void put_row(const char *term, const char *text)
{
    fputs(".TP\n\\fB", stdout);
    put(term);
    fputs("\\fR\n", stdout);
    put_text(text);
}

int cli_manual_table(const char *heading, const char *note, cli_table *table)
{
    const size_t columns = table->columns;
    put_section(heading);
    if (note != NULL) put_text(note);
    for (size_t i = 0; !table->failed && i + columns <= table->count; i += columns) {
        char text[1024];
        int used = snprintf(text, sizeof text, "%s", table->cells[i + columns - 1]);
        for (size_t k = 1; k + 1 < columns && used < (int)sizeof text; k++)
            used += snprintf(text + used, sizeof text - (size_t)used, "%s%s: %s", k == 1 ? " (" : ", ",
                             table->heads[k] + (table->heads[k][0] == '>'), table->cells[i + k]);
        if (columns > 2 && used < (int)sizeof text - 1) strcpy(text + used, ")");
        put_row(table->cells[i], text);
    }
    return cli_table_free(table);
}

int cli_manual_print(const cli_command *command)
{
    char suffix[40];
    snprintf(suffix, sizeof suffix, "-%s", command->name);
    put_title(suffix);
    printf(".SH NAME\nduet\\-%s \\- ", command->name);
    put(command->summary);
    printf("\n.SH SYNOPSIS\n\\fBduet %s\\fR", command->name);
    put_operands(command);
    puts(" [\\fIoptions\\fR]");
    if (command->details != NULL || cli_help_processes(command) != NULL) put_section("DESCRIPTION");
    if (command->details != NULL) put_text(command->details);
    if (command->details != NULL && cli_help_processes(command) != NULL) puts(".PP");
    if (cli_help_processes(command) != NULL) put_text(cli_help_processes(command));
    put_section("OPTIONS");
    for (size_t i = 0; i < command->option_count; i++) put_option(&command->options[i]);
    put_option(&cli_option_help);
    const int status = command->more_help != NULL ? command->more_help(CLI_HELP_MANUAL, NULL) : CLI_DONE;
    put_examples(command->examples);
    puts(".SH \"SEE ALSO\"\n.BR duet (1),\nwhich has exit statuses, variables and files.");
    return status;
}

int cli_manual_print_all(const cli_command *const *commands, size_t count)
{
    const cli_topic *topic;
    put_title("");
    fputs(".SH NAME\nduet \\- train, sample and judge generative models through OpenCL\n.SH SYNOPSIS\n"
          "\\fBduet\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n.br\n"
          "\\fBduet help\\fR [\\fICOMMAND\\fR|\\fITOPIC\\fR] [\\fIMODEL\\fR]\n.br\n\\fBduet \\-\\-version\\fR\n"
          ".SH DESCRIPTION\n",
          stdout);
    put_text(cli_what_goes_where);
    puts(".PP\nEach command has a manual page of its own, which \\fBduet help\\fR \\fICOMMAND\\fR prints in short.");
    put_section("COMMANDS");
    for (size_t i = 0; i < count; i++) {
        printf(".TP\n\\fB%s\\fR", commands[i]->name);
        put_operands(commands[i]);
        fputc('\n', stdout);
        put_text(commands[i]->summary);
        printf("(\\fBduet\\-%s\\fR(1))\n", commands[i]->name);
    }
    for (size_t i = 0; (topic = cli_topic_at(i)) != NULL; i++) {
        put_section(topic->heading);
        for (size_t k = 0; k < topic->count; k++) put_row(topic->rows[k].name, topic->rows[k].text);
    }
    put_examples(cli_first_examples);
    puts(".SH \"SEE ALSO\"");
    for (size_t i = 0; i < count; i++) printf(".BR duet\\-%s (1)%s\n", commands[i]->name, i + 1 < count ? "," : "");
    return CLI_DONE;
}
