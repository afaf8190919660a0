/* SPDX-License-Identifier: MIT */
/* duet train: one training into a run directory. Signals that ask to stop do so at the next step's end with a
 * checkpoint; a second one ends the program at once. Of several ranks rank 0 speaks for all. */
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/providers.h"
#include "cli/ranks.h"
#include "cli/run.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/together.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct arguments {
    const char *model, *data, *device, *gemm, *out, *resume, *keep_best, *judge;
    uint64_t epochs, steps, batch, seed, checkpoint_every, patience;
    cli_list settings, watched;
    cli_data_words words;
    bool quiet, profile, stop_on_collapse, other_data, stream, go_on;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND_OPTIONAL, "MODEL", 0, PLACE(model), NULL, "one of 'duet models'; not needed with --resume", 0, 0},
    {CLI_TEXT, "data", 0, PLACE(data), "NAME|PATH",
     "one of 'duet datasets', or a file or folder of examples: 'duet data'\n"
     "says what it is taken for (default: fashion-mnist)",
     0, 0},
    CLI_DATA_OPTIONS(PLACE(words.size), PLACE(words.labels), PLACE(words.split)),
    {CLI_COUNT, "epochs", 0, PLACE(epochs), "N", "train until N epochs are done (default: the model's own)", 1,
     UINT32_MAX},
    {CLI_COUNT, "steps", 0, PLACE(steps), "N", "train until N steps are done, instead of epochs", 1, UINT32_MAX},
    {CLI_COUNT, "batch", 0, PLACE(batch), "N", "examples a step (default: the model's own)", 1, 1 << 20},
    {CLI_COUNT, "seed", 0, PLACE(seed), "N", "what all random numbers follow from (default: 0)", 0, INT64_MAX},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
    {CLI_LIST, "set", 0, PLACE(settings), "KEY=VALUE", "set one of the model's settings; may be given several times", 0,
     0},
    {CLI_TEXT, "out", 0, PLACE(out), "DIR", "the run's directory (default: runs/MODEL-DATA-N, the first free N)", 0, 0},
    {CLI_TEXT, "resume", 0, PLACE(resume), "DIR",
     "go on with a run: model, data, batch, seed and settings are its own,\n"
     "but --set may change rates (lr, lr_schedule, lr_steps, lr_warm_up,\n"
     "lr_final, clip_norm), and --data says where its data are now;\n"
     "--epochs and --steps are totals",
     0, 0},
    {CLI_FLAG, "go-on", 0, PLACE(go_on), NULL,
     "with --out: go on with the run that is there, if one is, so that the\nsame command begins a run and resumes it",
     0, 0},
    {CLI_FLAG, "other-data", 0, PLACE(other_data), NULL,
     "with --resume: go on also where the data are not those of before", 0, 0},
    {CLI_COUNT, "checkpoint-every", 0, PLACE(checkpoint_every), "N",
     "write a checkpoint every N steps too (default: at epochs' ends)", 1, UINT32_MAX},
    {CLI_LIST, "watch", 0, PLACE(watched), "METRIC",
     "compute this metric of 'duet eval' at each epoch's end into\nmetrics.jsonl; several times (with --resume, like "
     "the "
     "next three, by\ndefault as before; none: no more)",
     0, 0},
    {CLI_TEXT, "keep-best", 0, PLACE(keep_best), "METRIC",
     "watch this one too and keep the state where it was best as\nDIR/best.safetensors, which commands take for RUN", 0,
     0},
    {CLI_COUNT, "patience", 0, PLACE(patience), "N", "with --keep-best: stop after N epochs without a better one", 1,
     UINT32_MAX},
    {CLI_TEXT, "judge", 0, PLACE(judge), "RUN", "a run of a classifier, for watched metrics that ask one", 0, 0},
    {CLI_FLAG, "stop-on-collapse", 0, PLACE(stop_on_collapse), NULL,
     "stop, with exit status 1, when nothing more is learnt: one player has\n"
     "won, the posterior says nothing, or few of the modes or classes are\nleft",
     0, 0},
    {CLI_FLAG, "stream", 0, PLACE(stream), NULL,
     "read the training examples while the device works, not all of them\nonto it first, which is done anyway where "
     "they do not fit; numbers\nare the same",
     0, 0},
    {CLI_TEXT, "gemm", 0, PLACE(gemm), "NAME",
     "who computes matrix products or convolutions, one of those below\n(default: auto)", 0, 0},
    {CLI_FLAG, "quiet", 'q', PLACE(quiet), NULL, "no progress, no explanations: only warnings and errors", 0, 0},
    {CLI_FLAG, "profile", 0, PLACE(profile), NULL, "print a table of the kernels' launches and times at the end", 0, 0},
};

static bool watches(const struct arguments *arguments)
{
    return arguments->watched.count > 0 || arguments->keep_best != NULL || arguments->stop_on_collapse;
}

static bool ends_watching(const struct arguments *arguments)
{
    return arguments->resume != NULL && arguments->watched.count == 1 &&
           strcmp(arguments->watched.items[0], "none") == 0;
}

/* Names that the library can check without opening anything. */
static int check_values(const struct arguments *arguments)
{
    const int status = cli_gemm_check(arguments->gemm);
    return status == CLI_DONE ? cli_data_check(arguments->data) : status;
}

/* Mistakes that the command line alone shows. */
static int check(const struct arguments *arguments, const duet_family **family)
{
    *family = NULL;
    if (arguments->model == NULL && arguments->resume == NULL)
        return cli_complain(CLI_MISTAKE, "'duet train' needs MODEL: one of 'duet models'");
    if (arguments->epochs != 0 && arguments->steps != 0)
        return cli_complain(CLI_MISTAKE, "--epochs and --steps say the same thing in two ways: give one of them");
    if (arguments->go_on && arguments->out == NULL)
        return cli_complain(CLI_MISTAKE, "--go-on is for a run whose directory is named: --out DIR");
    if (arguments->other_data && arguments->resume == NULL && !arguments->go_on)
        return cli_complain(CLI_MISTAKE, "--other-data is for a run that goes on: --resume DIR");
    if (arguments->patience != 0 && arguments->keep_best == NULL && arguments->resume == NULL)
        return cli_complain(CLI_MISTAKE, "--patience waits for a better value: say of what with --keep-best METRIC");
    if (arguments->judge != NULL && !watches(arguments) && arguments->resume == NULL)
        return cli_complain(CLI_MISTAKE, "--judge is asked by metrics that are watched: name one with --watch METRIC");
    int status = ends_watching(arguments) ? CLI_DONE : cli_metrics_check(&arguments->watched);
    if (status == CLI_DONE && arguments->keep_best != NULL && strcmp(arguments->keep_best, "none") != 0)
        status = cli_metrics_check(&(cli_list){.items = {arguments->keep_best}, .count = 1});
    if (status != CLI_DONE) return status;
    if (arguments->model != NULL) {
        *family = cli_family(arguments->model);
        status = *family == NULL ? CLI_MISTAKE : cli_settings_check(&cli_train, *family, &arguments->settings);
    }
    return status == CLI_DONE ? check_values(arguments) : status;
}

/* To the library a seed of 0 is none, and here it may be the one that is asked for. What cannot be read the library
 * refuses. */
static int check_seed(const struct arguments *arguments)
{
    struct stat about;
    if (arguments->seed != 0) return CLI_DONE;
    char *path = duet_page_file(arguments->resume, "run.json");
    if (path == NULL) return cli_complain(CLI_FAILED, "there is too little memory for a file name");
    json_t *run = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? json_load_file(path, 0, NULL) : NULL;
    const json_int_t own = json_integer_value(json_object_get(run, "seed"));
    json_decref(run);
    free(path);
    if (own == 0) return cli_json_check();
    return cli_complain(CLI_FAILED, "seed: the run goes on with %lld, not 0: leave it out, or train anew",
                        (long long)own);
}

/* What --resume leaves without a meaning; that settings, batch and seed are the run's, the library sees. */
static int check_resume(const struct arguments *arguments, bool leads)
{
    if (arguments->out != NULL)
        return cli_complain(CLI_MISTAKE, "--resume names the run's directory, and so does --out: leave --out out");
    const int status = cli_settings_look(&arguments->settings);
    return status == CLI_DONE && leads ? check_seed(arguments) : status;
}

static int print_profile(duet_device *device)
{
    static const char *const heads[] = {"kernel", ">launches", ">time", ">share", ">FLOP/s", ">bytes/s"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    duet_profile_row *rows = NULL;
    size_t count = 0;
    double total = 0;
    char text[32];
    duet_error error = {0};
    if (duet_device_profile(device, &rows, &count, &error) != DUET_OK) return cli_fail(&error);
    for (size_t i = 0; i < count; i++) total += rows[i].seconds;
    for (size_t i = 0; i < count; i++) {
        const duet_profile_row *row = &rows[i];
        bool timed = row->seconds > 0;
        cli_table_cell(&table, "%s", row->kernel);
        cli_table_cell(&table, "%llu", (unsigned long long)row->launches);
        cli_table_cell(&table, "%.3f s", row->seconds);
        cli_table_cell(&table, "%.1f%%", total > 0 ? 100 * row->seconds / total : 0);
        cli_table_cell(&table, "%s",
                       timed && row->flops > 0 ? cli_scaled(row->flops / row->seconds, "", text, sizeof text) : "-");
        cli_table_cell(&table, "%s",
                       timed && row->bytes > 0 ? cli_scaled(row->bytes / row->seconds, "", text, sizeof text) : "-");
    }
    free(rows);
    return cli_table_print(&table, stdout);
}

/* A summary for people on standard error; on standard output only the run's directory, for scripts. */
static void print_summary(const duet_train_summary *summary, bool quiet)
{
    char seconds[32], epochs[48] = "", speed[48] = "", exchanging[64] = "";
    if (summary->epochs >= 0.05) snprintf(epochs, sizeof epochs, ", %.2f epochs", summary->epochs);
    if (summary->images_per_second > 0) snprintf(speed, sizeof speed, ", %.0f images/s", summary->images_per_second);
    if (summary->exchanging > 0)
        snprintf(exchanging, sizeof exchanging, ", %.0f%% of the time in exchanges with other ranks",
                 100 * summary->exchanging);
    if (!quiet)
        fprintf(stderr, "%llu step%s%s in %s%s%s\n", (unsigned long long)summary->steps, summary->steps == 1 ? "" : "s",
                epochs, cli_duration(summary->seconds, seconds, sizeof seconds), speed, exchanging);
    cli_print_name(summary->run);
}

/* Says why, if a training stopped by itself. Returns CLI_FAILED for a collapse, else CLI_DONE. */
static int tell_of_stop(const duet_train_summary *summary)
{
    if (summary->stopped[0] == '\0') return CLI_DONE;
    return cli_complain(summary->collapsed ? CLI_FAILED : CLI_DONE, "stopped: %s", summary->stopped);
}

/* What is watched, by rank 0 alone: NULL on the others. */
static int watch_of(const struct arguments *arguments, bool leads, duet_monitor **monitor)
{
    const duet_monitor_options monitor_options = {
        .metrics = arguments->watched.items,
        .metric_count = arguments->watched.count,
        .best = arguments->keep_best,
        .patience = arguments->patience,
        .judge = arguments->judge,
        .stop_on_collapse = arguments->stop_on_collapse,
        .resume = arguments->resume,
    };
    duet_error mistake = {0};
    *monitor = NULL;
    if (!leads || duet_monitor_new(monitor, &monitor_options, &mistake) == DUET_OK) return CLI_DONE;
    return cli_fail(&mistake);
}

static bool looks_at_ends(const struct arguments *arguments, const duet_watch *watch)
{
    return watch != NULL && (arguments->stop_on_collapse || watch->metric_count > 0 || watch->best != NULL);
}

/* How the training ended, for a person. What ends all ranks rank 0 alone says. */
static int tell_end(const struct arguments *arguments, duet_ranks *ranks, duet_status result,
                    const duet_train_summary *summary, const duet_error *error, duet_device *device)
{
    int status = CLI_DONE;
    if (summary->alone) return cli_together_fail_alone(ranks, error);
    if (result != DUET_OK) status = arguments->resume != NULL ? cli_fail_opened(error) : cli_fail(error);
    if (device != NULL && duet_ranks_rank(ranks) == 0) {
        int printed = print_profile(device);
        if (status == CLI_DONE) status = printed;
    }
    if (result == DUET_OK && status == CLI_DONE) status = tell_of_stop(summary);
    if (duet_ranks_rank(ranks) == 0 && summary->run[0] != '\0' &&
        (result == DUET_OK || result == DUET_ERROR_INTERRUPTED || result == DUET_ERROR_NUMERIC))
        print_summary(summary, arguments->quiet);
    return status;
}

static int train(const struct arguments *arguments, const duet_family *family, duet_monitor *monitor, duet_ranks *ranks,
                 bool *alone)
{
    const duet_watch *watch = monitor == NULL ? NULL : duet_monitor_watch(monitor);
    const bool looks = looks_at_ends(arguments, watch);
    cli_training_progress progress = {.quiet = arguments->quiet};
    duet_train_options train_options = {
        .family = family,
        .data = arguments->data,
        .other_data = arguments->other_data,
        .device = arguments->device,
        .gemm = arguments->gemm,
        .settings = arguments->settings.items,
        .setting_count = arguments->settings.count,
        .steps = arguments->steps,
        .epochs = arguments->epochs,
        .batch = arguments->batch,
        .seed = arguments->seed == CLI_NO_SEED ? 0 : arguments->seed,
        .checkpoint_every = arguments->checkpoint_every,
        .out = arguments->out,
        .resume = arguments->resume,
        .stream = arguments->stream,
        .profile = arguments->profile,
        .progress = cli_progress_training,
        .log = cli_progress_log,
        .context = &progress,
        .stop = cli_catch_interrupt(),
        .stop_on_collapse = arguments->stop_on_collapse,
        .at_start = looks || arguments->resume != NULL ? duet_monitor_check : NULL,
        .at_epoch = looks ? duet_monitor_look : NULL,
        .watcher = monitor,
        .watch = watch,
        .judge = arguments->judge,
        .ranks = ranks,
    };
    duet_train_summary summary = {0};
    duet_device *device = NULL;
    duet_error error = {0};
    duet_status result = duet_train(&train_options, &summary, arguments->profile ? &device : NULL, &error);
    if (!arguments->quiet && duet_ranks_rank(ranks) == 0) cli_progress_clear();
    cli_interrupt_elsewhere(summary.stop);
    *alone = summary.alone;
    const int status = tell_end(arguments, ranks, result, &summary, &error, device);
    if (device != NULL) duet_device_close(&device);
    return status;
}

/* With --go-on: whether rank 0 finds a run in the folder that --out names. */
static int find_run(struct arguments *arguments, duet_ranks *ranks)
{
    struct stat about;
    duet_error error = {0};
    if (!arguments->go_on || arguments->out == NULL || arguments->resume != NULL) return CLI_DONE;
    char *path = duet_page_file(arguments->out, "run.json");
    if (path == NULL) return cli_complain(CLI_FAILED, "there is too little memory for a file name");
    unsigned char is_there = stat(path, &about) == 0;
    free(path);
    if (ranks != NULL && duet_ranks_share(ranks, &is_there, 1, &error) != DUET_OK) return cli_fail(&error);
    if (!is_there) return CLI_DONE;
    arguments->resume = arguments->out;
    arguments->out = NULL;
    return CLI_DONE;
}

/* All that can be known before the training. The ranks agree on what the command line alone says, then on what the
 * run's files say, which are rank 0's to look at. */
static int prepare(struct arguments *arguments, duet_ranks *ranks, const char *complaint, const duet_family **family,
                   duet_monitor **monitor)
{
    const bool leads = duet_ranks_rank(ranks) == 0;
    int status = cli_together_settle(ranks, check(arguments, family), complaint);
    if (status == CLI_DONE) status = find_run(arguments, ranks);
    if (status != CLI_DONE) return status;
    if (arguments->resume != NULL) status = check_resume(arguments, leads);
    if (status == CLI_DONE) status = watch_of(arguments, leads, monitor);
    return cli_together_settle(ranks, status, complaint);
}

static int run_as(int argc, char **argv, duet_ranks *ranks, bool *alone)
{
    struct arguments arguments = {.seed = CLI_NO_SEED};
    char complaint[CLI_COMPLAINT], *made = NULL;
    const duet_family *family;
    duet_monitor *monitor = NULL;
    int status;
    cli_together_hush(ranks, complaint);
    const bool parsed = cli_parse(&cli_train, argc, argv, &arguments, &status);
    if (!parsed && status == CLI_DONE) return status; /* all were asked for help */
    if (parsed) status = cli_data_name(arguments.data, &arguments.words, &made) ? CLI_DONE : CLI_MISTAKE;
    status = cli_together_settle(ranks, status, complaint);
    if (made != NULL) arguments.data = made;
    if (status == CLI_DONE) status = prepare(&arguments, ranks, complaint, &family, &monitor);
    if (status == CLI_DONE) status = cli_ranks_tell(ranks, arguments.quiet);
    if (status == CLI_DONE) status = train(&arguments, family, monitor, ranks, alone);
    duet_monitor_free(&monitor);
    free(made);
    return status;
}

static int run(int argc, char **argv)
{
    duet_ranks *ranks;
    bool alone = false;
    int status;
    if (!cli_ranks_open(&ranks, &status)) return status;
    /* of the others it is looked at what they mean */
    status = cli_together_compare(ranks, 1, argv);
    if (status == CLI_DONE) status = run_as(argc, argv, ranks, &alone);
    if (alone) cli_ranks_abort(status);
    cli_ranks_close(&ranks, status);
    return status;
}

static int more_help(cli_help_form form, const char *operand)
{
    const duet_family *family = operand == NULL ? NULL : cli_family(operand);
    if (family != NULL)
        cli_settings_print(family);
    else
        cli_help_sentence(form, "'duet train MODEL --help' lists a model's settings for --set.");
    const int status = cli_providers_print(form);
    return operand == NULL || family != NULL ? status : CLI_MISTAKE;
}

const cli_command cli_train = {
    .name = "train",
    .summary = "train a model into a run directory",
    .details =
        "Progress goes to standard error; the run's directory is the last line on standard output. Ctrl-C stops\n"
        "at the next step with a checkpoint and exit status 130, as do SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 and SIGXCPU\n"
        "with 128 and their number. A NaN or an infinity in a loss stops with 4.",
    .examples = "duet train vae --epochs 10\n"
                "duet train gan --data photos --size 32x32 --set loss=minimax --out runs/game\n"
                "duet train --resume runs/game --epochs 40",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .more_help = more_help,
    .processes = CLI_ALL_PROCESSES,
};
