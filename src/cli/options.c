/* SPDX-License-Identifier: MIT */
/* Reads a command line by a table, over getopt_long; every mistake it can see ends with exit status 2. */
#include "cli/options.h"
#include "cli/output.h"
#include "cli/unknown.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_OPTIONS = 32, HELP = 1000, FIRST_OPTION = 1001 };

const cli_option cli_option_help = {.kind = CLI_FLAG, .name = "help", .letter = 'h', .help = "print this help"};

bool cli_option_is_optional(const cli_option *option)
{
    return option->kind == CLI_OPERAND_OPTIONAL || option->kind == CLI_OPERANDS_OPTIONAL;
}

bool cli_option_is_operand(const cli_option *option)
{
    return option->kind == CLI_OPERAND || option->kind == CLI_OPERANDS || cli_option_is_optional(option);
}

/* getopt_long's two tables; option i is returned as FIRST_OPTION + i, its letter as itself. */
static void describe(const cli_command *command, struct option longs[MOST_OPTIONS], char *letters)
{
    size_t count = 0;
    *letters++ = ':';
    for (size_t i = 0; i < command->option_count && count < MOST_OPTIONS - 2; i++) {
        const cli_option *option = &command->options[i];
        if (cli_option_is_operand(option)) continue;
        bool takes = option->kind != CLI_FLAG;
        if (option->name != NULL)
            longs[count++] =
                (struct option){option->name, takes ? required_argument : no_argument, NULL, FIRST_OPTION + (int)i};
        if (option->letter != 0) {
            *letters++ = option->letter;
            if (takes) *letters++ = ':';
        }
    }
    longs[count++] = (struct option){"help", no_argument, NULL, HELP};
    longs[count] = (struct option){0};
    *letters++ = 'h';
    *letters = '\0';
}

static const cli_option *find(const cli_command *command, int code)
{
    if (code >= FIRST_OPTION) return &command->options[code - FIRST_OPTION];
    for (size_t i = 0; i < command->option_count; i++)
        if (!cli_option_is_operand(&command->options[i]) && command->options[i].letter == code)
            return &command->options[i];
    return NULL;
}

/* "--seed" or "-n", as the person knows it. */
static const char *shown(const cli_option *option, char *text, size_t size)
{
    if (option->name != NULL)
        snprintf(text, size, "--%s", option->name);
    else
        snprintf(text, size, "-%c", option->letter);
    return text;
}

static bool store_count(const cli_option *option, const char *value, uint64_t *target)
{
    char name[40], *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0 && number >= option->low &&
        number <= option->high) {
        *target = number;
        return true;
    }
    cli_complain(CLI_MISTAKE, "%s takes a whole number from %llu to %llu, not '%s'", shown(option, name, sizeof name),
                 (unsigned long long)option->low, (unsigned long long)option->high, value);
    return false;
}

static bool has_room(const cli_option *option, size_t count, size_t most)
{
    char name[40];
    const char *words = cli_option_is_operand(option) ? option->name : shown(option, name, sizeof name);
    if (count < most) return true;
    cli_complain(CLI_MISTAKE, "%s can be given at most %zu times", words, most);
    return false;
}

static bool store_item(const cli_option *option, const char *value, cli_list *list)
{
    if (!has_room(option, list->count, CLI_COUNT_OF(list->items))) return false;
    list->items[list->count++] = value;
    return true;
}

static bool store_number(const cli_option *option, const char *value, cli_counts *list)
{
    return has_room(option, list->count, CLI_COUNT_OF(list->items)) &&
           store_count(option, value, &list->items[list->count]) && ++list->count > 0;
}

static bool store(const cli_option *option, const char *value, void *arguments)
{
    void *target = (char *)arguments + option->offset;
    switch (option->kind) {
    case CLI_FLAG: *(bool *)target = true; return true;
    case CLI_COUNT: return store_count(option, value, target);
    case CLI_OPERANDS:
    case CLI_OPERANDS_OPTIONAL:
    case CLI_LIST: return store_item(option, value, target);
    case CLI_COUNTS: return store_number(option, value, target);
    case CLI_TEXT:
    case CLI_OPERAND:
    case CLI_OPERAND_OPTIONAL: *(const char **)target = value; return true;
    }
    return false;
}

/* What getopt_long could not use: ':' for a missing value, '?' for the rest. Reading on brings the words that are no
 * options to the end. */
static int complain_option(const cli_command *command, int code, int argc, char **argv)
{
    struct option longs[MOST_OPTIONS];
    char name[40], letter[3] = {'-', (char)optopt, '\0'}, letters[2 * MOST_OPTIONS + 4];
    const char *word = argv[optind - 1];
    const cli_option *option = optopt != 0 ? find(command, optopt) : NULL;
    if (code == ':' && option != NULL)
        return cli_complain(CLI_MISTAKE, "%s needs a value: %s", shown(option, name, sizeof name), option->argument);
    if (option != NULL || optopt == HELP) return cli_complain(CLI_MISTAKE, "'%s' takes no value", word);
    if (optopt != 0) word = letter;
    describe(command, longs, letters);
    while (getopt_long(argc, argv, letters, longs, NULL) != -1) continue;
    return cli_complain_unknown(command, word, argv + optind, argc - optind);
}

/* What is there and stands where it is of no use may be the data. */
static int complain_operand(const cli_command *command, const char *word)
{
    bool takes_data = false;
    for (size_t i = 0; i < command->option_count; i++)
        takes_data |= command->options[i].name != NULL && strcmp(command->options[i].name, "data") == 0 &&
                      !cli_option_is_operand(&command->options[i]);
    if (takes_data && access(word, F_OK) == 0)
        return cli_complain(CLI_MISTAKE, "'duet %s' has no use for '%s': if it is the data, say '--data %s'",
                            command->name, word, word);
    return cli_complain(CLI_MISTAKE, "'duet %s' has no use for '%s': see 'duet %s --help'", command->name, word,
                        command->name);
}

static int store_operands(const cli_command *command, int argc, char **argv, void *arguments)
{
    for (size_t i = 0; i < command->option_count; i++) {
        const cli_option *option = &command->options[i];
        if (!cli_option_is_operand(option)) continue;
        if (optind < argc) {
            do {
                if (!store(option, argv[optind++], arguments)) return CLI_MISTAKE;
            } while (option->kind != CLI_OPERAND && option->kind != CLI_OPERAND_OPTIONAL && optind < argc);
        } else if (!cli_option_is_optional(option)) {
            return cli_complain(CLI_MISTAKE, "'duet %s' needs %s: see 'duet %s --help'", command->name, option->name,
                                command->name);
        }
    }
    return optind < argc ? complain_operand(command, argv[optind]) : CLI_DONE;
}

static const char *text_at(const void *arguments, const cli_option *option)
{
    const char *text;
    memcpy(&text, (const char *)arguments + option->offset, sizeof text);
    return text;
}

/* A file that may be a column in its place, as of labels, is read. */
static bool writes(const cli_option *option)
{
    return option->kind == CLI_TEXT && strncmp(option->argument, "FILE", 4) == 0 &&
           strchr(option->argument, '|') == NULL;
}

static bool reads(const cli_option *option)
{
    if (option->kind == CLI_TEXT) return strstr(option->argument, "PATH") != NULL;
    return option->kind == CLI_OPERAND && strcmp(option->name, "PATH") == 0;
}

int cli_check_spared(const char *option, const char *file, const char *data)
{
    if (file == NULL || data == NULL || !duet_data_reads(data, file)) return CLI_DONE;
    if (access(file, F_OK) == 0)
        return cli_complain(CLI_MISTAKE, "--%s %s would replace what is read from %s: give --%s another name", option,
                            file, data, option);
    return cli_complain(CLI_MISTAKE,
                        "--%s %s would be one of the pictures that are read from %s: give --%s a place outside it",
                        option, file, data, option);
}

/* Nothing that is read may be written. */
static int check_files(const cli_command *command, const void *arguments)
{
    for (size_t i = 0; i < command->option_count; i++)
        for (size_t k = 0; writes(&command->options[i]) && k < command->option_count; k++) {
            const cli_option *to = &command->options[i], *from = &command->options[k];
            if (!reads(from)) continue;
            int status = cli_check_spared(to->name, text_at(arguments, to), text_at(arguments, from));
            if (status != CLI_DONE) return status;
        }
    return CLI_DONE;
}

bool cli_parse(const cli_command *command, int argc, char **argv, void *arguments, int *status)
{
    struct option longs[MOST_OPTIONS];
    char letters[2 * MOST_OPTIONS + 4];
    describe(command, longs, letters);
    bool help = false;
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        const cli_option *option = find(command, code);
        if (code == HELP || (code == 'h' && option == NULL)) {
            help = true;
        } else if (code == ':' || code == '?') {
            *status = complain_option(command, code, argc, argv);
            return false;
        } else if (!store(option, optarg, arguments)) {
            *status = CLI_MISTAKE;
            return false;
        }
    }
    if (help) {
        *status = cli_help_print(command, optind < argc ? argv[optind] : NULL);
        return false;
    }
    *status = store_operands(command, argc, argv, arguments);
    if (*status == CLI_DONE) *status = check_files(command, arguments);
    return *status == CLI_DONE;
}
