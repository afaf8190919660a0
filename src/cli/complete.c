/* SPDX-License-Identifier: MIT */
/* Goes through the words as getopt would, up to the one that is being written: it is a value, an option or an operand.
 */
#include "cli/complete.h"
#include "cli/offers.h"
#include "cli/output.h"
#include "cli/topics.h"

#include <string.h>

enum { MOST_OPTIONS = 64 };

/* Where the words lead to. */
typedef struct place {
    const cli_option *waits; /* the option whose value comes next; NULL */
    size_t operands;         /* words so far that are no options */
    bool only_operands;      /* behind "--" */
    bool given[MOST_OPTIONS];
} place;

static const cli_option *find_long(const cli_command *command, const char *word)
{
    const size_t length = strcspn(word, "=");
    const cli_option *found = NULL;
    for (size_t i = 0; i < command->option_count; i++) {
        const cli_option *option = &command->options[i];
        if (cli_option_is_operand(option) || option->name == NULL || strncmp(option->name, word, length) != 0) continue;
        if (strlen(option->name) == length) return option;
        if (found != NULL) return NULL; /* cut too short to tell */
        found = option;
    }
    return found;
}

static const cli_option *find_letter(const cli_command *command, char letter)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (!cli_option_is_operand(&command->options[i]) && command->options[i].letter == letter)
            return &command->options[i];
    return NULL;
}

/* Operand `index`; the last one may stand for many words. NULL: there is no such place. */
static const cli_option *find_operand(const cli_command *command, size_t index)
{
    for (size_t i = 0, seen = 0; i < command->option_count; i++) {
        const cli_option *option = &command->options[i];
        if (!cli_option_is_operand(option)) continue;
        if (seen++ == index || option->kind == CLI_OPERANDS || option->kind == CLI_OPERANDS_OPTIONAL) return option;
    }
    return NULL;
}

static bool is_repeated(const cli_option *option)
{
    return option->kind == CLI_LIST || option->kind == CLI_COUNTS;
}

static void pass_option(cli_completion *it, place *at, const cli_option *option, bool has_value)
{
    const size_t index = option == NULL ? MOST_OPTIONS : (size_t)(option - it->command->options);
    if (index < MOST_OPTIONS) at->given[index] = true;
    if (option != NULL && option->kind != CLI_FLAG && !has_value) at->waits = option;
}

static void pass(cli_completion *it, place *at, const char *word)
{
    if (at->waits != NULL) {
        /* bench has no operand that says whose settings there are */
        if (at->waits->name != NULL && strcmp(at->waits->name, "workload") == 0) it->subject = word;
        at->waits = NULL;
    } else if (at->only_operands || word[0] != '-' || word[1] == '\0') {
        if (at->operands++ == 0) it->subject = word;
    } else if (strcmp(word, "--") == 0) {
        at->only_operands = true;
    } else if (word[1] == '-') {
        pass_option(it, at, find_long(it->command, word + 2), strchr(word, '=') != NULL);
    } else {
        pass_option(it, at, find_letter(it->command, word[1]), word[2] != '\0');
    }
}

static void offer_option(const cli_completion *it, const cli_option *option)
{
    char name[48];
    if (option->name != NULL)
        snprintf(name, sizeof name, "--%s", option->name);
    else
        snprintf(name, sizeof name, "-%c", option->letter);
    cli_offer(it, name, "", option->help);
}

static void offer_options(const cli_completion *it, const place *at)
{
    for (size_t i = 0; i < it->command->option_count; i++) {
        const cli_option *option = &it->command->options[i];
        const bool spent = i < MOST_OPTIONS && at->given[i] && !is_repeated(option);
        if (!cli_option_is_operand(option) && !spent) offer_option(it, option);
    }
    offer_option(it, &cli_option_help);
}

/* --NAME=VALUE in one word. */
static void offer_joined(cli_completion *it)
{
    char ahead[48];
    const char *value = strchr(it->word, '=') + 1;
    const cli_option *option = find_long(it->command, it->word + 2);
    if (option == NULL || option->kind == CLI_FLAG || (size_t)(value - it->word) >= sizeof ahead) return;
    snprintf(ahead, sizeof ahead, "%.*s", (int)(value - it->word), it->word);
    it->ahead = ahead;
    it->word = value;
    cli_offer_values(it, option);
}

static void offer_in_command(const cli_command *command, const char *const *words, size_t count)
{
    cli_completion it = {.command = command, .ahead = "", .word = words[count - 1]};
    place at = {NULL};
    for (size_t i = 0; i + 1 < count; i++) pass(&it, &at, words[i]);
    const cli_option *operand = find_operand(command, at.operands);
    if (at.waits != NULL)
        cli_offer_values(&it, at.waits);
    else if (!at.only_operands && strncmp(it.word, "--", 2) == 0 && strchr(it.word, '=') != NULL)
        offer_joined(&it);
    else if (!at.only_operands && it.word[0] == '-')
        offer_options(&it, &at);
    else if (operand != NULL)
        cli_offer_values(&it, operand);
    else if (!at.only_operands && it.word[0] == '\0')
        offer_options(&it, &at);
}

static void offer_commands(const cli_completion *it, const cli_command *const *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) cli_offer(it, commands[i]->name, "", commands[i]->summary);
}

static void offer_help(const cli_completion *it, const cli_command *const *commands, size_t count)
{
    const cli_topic *topic;
    offer_commands(it, commands, count);
    for (size_t i = 0; (topic = cli_topic_at(i)) != NULL; i++) cli_offer(it, topic->name, "", topic->summary);
}

int cli_complete(const cli_command *const *commands, size_t command_count, const char *const *words, size_t count)
{
    const cli_completion first = {.ahead = "", .word = count > 0 ? words[count - 1] : ""};
    const bool help = count > 1 && strcmp(words[0], "help") == 0;
    if (count <= 1) {
        offer_commands(&first, commands, command_count);
        cli_offer(&first, "help", "", "say what a command does and takes");
        if (first.word[0] == '-') cli_offer(&first, "--help", "", "list the commands");
        if (first.word[0] == '-') cli_offer(&first, "--version", "", "print the version");
    } else if (help && count == 2) {
        offer_help(&first, commands, command_count);
    }
    for (size_t i = 0; count > (help ? 2 : 1) && i < command_count; i++)
        if (strcmp(commands[i]->name, words[help]) == 0)
            offer_in_command(commands[i], words + 1 + help, count - 1 - help);
    return CLI_DONE;
}
