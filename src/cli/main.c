/* SPDX-License-Identifier: MIT */
/* duet: finds the subcommand in a table and runs it. Everything it can do, a program can do through duet.h. */
#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const cli_command *const commands[] = {
    &cli_devices,     &cli_models,   &cli_datasets, &cli_data,    &cli_train,    &cli_sample, &cli_reconstruct,
    &cli_interpolate, &cli_traverse, &cli_invert,   &cli_encode,  &cli_classify, &cli_score,  &cli_features,
    &cli_eval,        &cli_compare,  &cli_report,   &cli_explain, &cli_doctor,   &cli_bench,  &cli_tune,
    &cli_lesson,
};

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static void print_usage(FILE *stream)
{
    fprintf(stream, "usage: duet COMMAND [options]\n\nTrain, sample and judge generative models through OpenCL.\n\n");
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++)
        fprintf(stream, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(stream, "\n'duet COMMAND --help' has a command's options; 'duet --version' says the version.\n"
                    "A first run: duet train vae --epochs 3, then duet sample on the run it names.\n");
}

static int complain_command(const char *name)
{
    char hint[80];
    cli_nearest nearest = {.word = name};
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++) cli_nearest_offer(&nearest, commands[i]->name);
    return cli_complain(CLI_MISTAKE, "there is no command '%s'%s ('duet --help' lists them)", name,
                        cli_nearest_words(&nearest, hint, sizeof hint));
}

static int complain_option(const char *word)
{
    static const char *const options[] = {"--version", "--help"};
    char hint[80];
    cli_nearest nearest = {.word = word};
    for (size_t i = 0; i < CLI_COUNT_OF(options); i++) cli_nearest_offer(&nearest, options[i]);
    return cli_complain(CLI_MISTAKE, "duet has no option '%s' ahead of a command%s ('duet --help' lists the commands)",
                        word, cli_nearest_words(&nearest, hint, sizeof hint));
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_MISTAKE;
    }
    const char *word = argv[1];
    bool help = strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
    if (strcmp(word, "--version") == 0) {
        printf("duet %s\n", duet_version());
        return CLI_DONE;
    }
    if (help && argc < 3) {
        print_usage(stdout);
        return CLI_DONE;
    }
    if (word[0] == '-' && !help) return complain_option(word);
    const cli_command *command = find_command(help ? argv[2] : word);
    if (command == NULL) return complain_command(help ? argv[2] : word);
    if (help) return cli_help(command, argc > 3 ? argv[3] : NULL);
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
    /* environment variables of a driver would be set here, before the first OpenCL call; none has been found to help */
    signal(SIGXFSZ, SIG_IGN); /* writing past the file size limit then fails with a message, like a full disk */
    signal(SIGPIPE, SIG_IGN); /* if a reader such as `| tee log` ends at Ctrl-C, the checkpoint is still written */
    cli_environment_check();
    int status = run(argc, argv);
    /* results that could not be written are a failure, whatever the command returned */
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && cli_reader_is_gone())
        return status == CLI_DONE ? CLI_UNREAD : status;
    if (ferror(stdout))
        status = cli_complain(status == CLI_DONE ? CLI_FAILED : status, "standard output could not be written: %s",
                              errno != 0 ? strerror(errno) : "the write failed");
    return status;
}
