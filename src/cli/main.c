/* SPDX-License-Identifier: MIT */
/* duet: finds the subcommand in a table and runs it. Everything it can do, a program can do through duet.h. */
#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/environment.h"
#include "cli/interrupt.h"
#include "cli/manual.h"
#include "cli/output.h"
#include "cli/ranks.h"
#include "cli/shared.h"
#include "cli/topics.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const cli_command *const commands[] = {
    &cli_devices,     &cli_models,      &cli_datasets, &cli_data,    &cli_train,  &cli_sample,
    &cli_reconstruct, &cli_interpolate, &cli_traverse, &cli_invert,  &cli_encode, &cli_classify,
    &cli_score,       &cli_features,    &cli_eval,     &cli_compare, &cli_report, &cli_explain,
    &cli_doctor,      &cli_bench,       &cli_tune,     &cli_lesson,
};

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static void print_usage(FILE *stream)
{
    const cli_topic *topic;
    fprintf(stream, "usage: duet COMMAND [options]\n\n%s\n\n", cli_what_it_is);
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++)
        fprintf(stream, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(stream, "\n'duet help COMMAND' has a command's options, 'duet help train MODEL' a model's settings, and\n"
                    "'duet help TOPIC' what is true of all commands:\n\n");
    for (size_t i = 0; (topic = cli_topic_at(i)) != NULL; i++)
        fprintf(stream, "  %-12s %s\n", topic->name, topic->summary);
    fprintf(stream, "\n'duet --version' says the version, and the commit.\n"
                    "A first run: duet train vae --epochs 3, then duet sample on the run it names.\n");
}

static const char version[] = "--version";

static int complain_command(const char *name, bool help)
{
    char hint[80];
    const cli_topic *topic;
    duet_spelling nearest = {.word = name};
    for (size_t i = 0; help && (topic = cli_topic_at(i)) != NULL; i++) duet_spelling_offer(&nearest, topic->name);
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++) duet_spelling_offer(&nearest, commands[i]->name);
    duet_spelling_offer(&nearest, "help");
    duet_spelling_offer(&nearest, &version[2]);
    if (nearest.best == &version[2]) nearest.best = version;
    return cli_complain(CLI_MISTAKE, "there is no command '%s'%s ('duet --help' lists them)", name,
                        duet_spelling_words(&nearest, hint, sizeof hint));
}

/* Whether more help is about a model that is named. */
static bool tells_of_model(const cli_command *command)
{
    bool names = false;
    for (size_t i = 0; i < command->option_count; i++) {
        const char *name = command->options[i].name;
        names = names || (name != NULL && strcmp(name, "MODEL") == 0);
    }
    return names && command->more_help != NULL;
}

/* duet help [COMMAND [MODEL] | TOPIC] */
static int help(const char *const *words, int count)
{
    if (count == 0) {
        print_usage(stdout);
        return CLI_DONE;
    }
    const cli_topic *topic = cli_topic_find(words[0]);
    const cli_command *command = find_command(words[0]);
    const int most = command != NULL && tells_of_model(command) ? 2 : 1;
    if (strcmp(words[0], "help") == 0) return help(words + 1, count - 1);
    if (command == NULL && topic == NULL) return complain_command(words[0], true);
    if (count > most) return cli_complain(CLI_MISTAKE, "'duet help %s' has no use for '%s'", words[0], words[most]);
    if (command != NULL) return cli_help_print(command, count > 1 ? words[1] : NULL);
    cli_topic_print(topic);
    return CLI_DONE;
}

/* duet manual [COMMAND]: what the build makes manual pages of; in no list, since nobody types it. */
static int manual(const char *name)
{
    const cli_command *command = name == NULL ? NULL : find_command(name);
    if (name == NULL) return cli_manual_print_all(commands, CLI_COUNT_OF(commands));
    return command == NULL ? complain_command(name, false) : cli_manual_print(command);
}

static int complain_option(const char *word)
{
    static const char *const options[] = {version, "--help"};
    char hint[80];
    duet_spelling nearest = {.word = word};
    for (size_t i = 0; i < CLI_COUNT_OF(options); i++) duet_spelling_offer(&nearest, options[i]);
    return cli_complain(CLI_MISTAKE, "duet has no option '%s' ahead of a command%s ('duet --help' lists the commands)",
                        word, duet_spelling_words(&nearest, hint, sizeof hint));
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_MISTAKE;
    }
    const char *word = argv[1];
    if (strcmp(word, version) == 0) {
        const bool known = duet_commit()[0] != '\0';
        printf("duet %s%s%s%s\n", duet_version(), known ? " (commit " : "", duet_commit(), known ? ")" : "");
        return CLI_DONE;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help((const char *const *)argv + 2, argc - 2);
    if (strcmp(word, "manual") == 0) return manual(argv[2]);
    if (strcmp(word, "complete") == 0)
        return cli_complete(commands, CLI_COUNT_OF(commands), (const char *const *)argv + 2, (size_t)argc - 2);
    if (word[0] == '-') return complain_option(word);
    const cli_command *command = find_command(word);
    if (command == NULL) return complain_command(word, false);
    int status;
    if (!cli_ranks_allow(command, &status)) return status;
    if (command->processes == CLI_FIRST_PROCESS) return cli_shared_run(command, argc - 1, argv + 1);
    return command->run(argc - 1, argv + 1);
}

/* A standard descriptor that is closed would be the next file's, and what is printed would go into that. */
static bool open_standard_descriptors(void)
{
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        if (fcntl(i, F_GETFD) < 0 && open("/dev/null", O_RDWR) != i) return false;
    return true;
}

int main(int argc, char **argv)
{
    if (!open_standard_descriptors())
        return cli_complain(CLI_FAILED, "a standard descriptor is closed, and /dev/null cannot take its place");
    cli_prepare_signals();
    cli_environment_set();
    cli_json_begin();
    signal(SIGCHLD, SIG_DFL); /* where it is ignored, a child's end cannot be waited for */
    signal(SIGXFSZ, SIG_IGN); /* writing past the file size limit then fails with a message, like a full disk */
    signal(SIGPIPE, SIG_IGN); /* if a reader such as `| tee log` ends at Ctrl-C, the checkpoint is still written */
    if (cli_ranks_lead()) cli_environment_check();
    int status = run(argc, argv);
    if (status == CLI_DONE) status = cli_json_check();
    /* results that could not be written are a failure, whatever the command returned */
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && cli_reader_is_gone())
        return status == CLI_DONE ? CLI_UNREAD : status;
    if (ferror(stdout))
        status = cli_complain(status == CLI_DONE ? CLI_FAILED : status, "standard output could not be written: %s",
                              errno != 0 ? strerror(errno) : "the write failed");
    return status;
}
