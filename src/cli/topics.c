/* SPDX-License-Identifier: MIT */
/* A table a topic. */
#include "cli/topics.h"
#include "cli/options.h"
#include "cli/wrap.h"

#include <stdio.h>
#include <string.h>

const char cli_what_it_is[] = "Train, sample and judge generative models through OpenCL.";

const char cli_what_goes_where[] =
    "Models are autoencoders, variational autoencoders, generative adversarial networks, flows, autoregressive and "
    "diffusion models; any OpenCL 1.2 device will do. A training leaves a run, a directory, which the other commands "
    "look at. Results go to standard output, progress and messages to standard error. Long options may be cut short "
    "as long as they stay unambiguous.";

const char cli_first_examples[] = "run=$(duet train vae --epochs 10)\n"
                                  "duet sample \"$run\"\n"
                                  "duet eval \"$run\" --json\n"
                                  "duet train gan --set loss=minimax --epochs 20 --out runs/game\n"
                                  "duet compare \"$run\" runs/game --out both.html";

static const cli_topic_row statuses[] = {
    {"0", "Done."},
    {"1", "A file or a run had to be opened to see the mistake, or the work failed."},
    {"2", "The command line alone shows the mistake."},
    {"3", "There is no usable device."},
    {"4",
     "Numbers are wrong: a loss, a checkpoint or what is computed from it was not finite, 'duet doctor' found a "
     "fault, 'duet bench' a product or a training that is wrong, or 'duet lesson' a kernel that is not right yet."},
    {"130, 143, 129", "Ctrl-C, SIGTERM or SIGHUP. A training first ends its step and writes a checkpoint; a second "
                      "signal, of SIGTERM and SIGHUP one that comes five seconds later, ends it at once."},
    {"138, 140, 152", "SIGUSR1, SIGUSR2 and SIGXCPU, which batch systems send ahead of a job's end: the same. SIGXCPU "
                      "may come any number of times."},
    {"141", "Nobody reads standard output any more."},
};

static const cli_topic_row variables[] = {
    {"DUET_DEVICE", "The device where --device is not given."},
    {"DUET_DATA", "A folder that is searched for data sets first. That it does not hold one is said."},
    {"DUET_CL_PATH",
     "A folder of kernel sources to use instead of the built-in ones. Which files it replaces is said, and their "
     "checksum recorded as a part of the driver's name."},
    {"DUET_CL_LOG",
     "A file that gets the source of a kernel that does not compile and all that the compiler says of it."},
    {"DUET_CL_OPTIONS",
     "Options for the OpenCL compiler, behind Duet's own: with -cl-opt-disable PoCL compiles in half the "
     "time, and what is trained is slow. They are recorded as a part of the driver's name."},
    {"DUET_BUNDLES", "off keeps maps and reductions from sharing launches, so that a profile shows each; the bytes of "
                     "results are the same."},
    {"DUET_RANKS", "off: a process that mpirun or srun started with others works for itself."},
    {"DUET_TUNING", "off, or a file: what 'duet train' takes and 'duet tune' writes, instead of the one in the cache."},
    {"DUET_LIBRARY", "The library that the Python package loads, which this program does not ask for."},
    {"NO_COLOR", "If not empty, no colours."},
};

static const cli_topic_row files[] = {
    {"$XDG_CACHE_HOME/duet/*.json", "What 'duet tune' measured, one file a device."},
    {"RUN/run.json", "What was asked for, on which device and driver, with which versions."},
    {"RUN/metrics.jsonl", "An object a report: step, epoch, split, seconds, images a second, every loss term."},
    {"RUN/checkpoint.safetensors", "Weights, states, moments and counters."},
    {"RUN/best.safetensors", "The state that --keep-best kept. Its name may be given for RUN."},
    {"RUN/samples/", "Pictures."},
    {"RUN/report.html", "The run as a page."},
    {"RUN/evaluation.json", "What 'duet report' and 'duet compare' measured; what they drew is in RUN/report/."},
};

static const cli_topic topic_statuses = {"exit-status", "EXIT STATUS", "what the program ends with", statuses,
                                         CLI_COUNT_OF(statuses)};
const cli_topic cli_topic_environment = {"environment", "ENVIRONMENT", "variables that it reads", variables,
                                         CLI_COUNT_OF(variables)};
static const cli_topic topic_files = {"files", "FILES", "what it keeps, and what a run is made of", files,
                                      CLI_COUNT_OF(files)};

static const cli_topic *const topics[] = {&topic_statuses, &cli_topic_environment, &topic_files};

const cli_topic *cli_topic_at(size_t index)
{
    return index < CLI_COUNT_OF(topics) ? topics[index] : NULL;
}

const cli_topic *cli_topic_find(const char *name)
{
    for (size_t i = 0; i < CLI_COUNT_OF(topics); i++)
        if (strcmp(topics[i]->name, name) == 0) return topics[i];
    return NULL;
}

void cli_topic_print(const cli_topic *topic)
{
    enum { COLUMN = 32 };
    for (size_t i = 0; i < topic->count; i++) {
        printf("  %-*s", COLUMN - 2, topic->rows[i].name);
        cli_print_wrapped(topic->rows[i].text, COLUMN);
    }
}
