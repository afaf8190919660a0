/* SPDX-License-Identifier: MIT */
/* duet features: what a judge sees in the samples of a run, or in examples, as an array for 'duet eval --features' and
 * for other programs. */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/labels_file.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/run.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 1000, SAMPLES = 2500 /* as many as metrics draw */ };

struct arguments {
    const char *run, *judge, *out, *device, *data, *split;
    cli_list settings;
    uint64_t count, seed;
    bool json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_TEXT, "judge", 0, PLACE(judge), "RUN",
     "a run of a classifier, which gives the features (default: RUN itself,\nif it is one)", 0, 0},
    {CLI_COUNT, NULL, 'n', PLACE(count), "N", "how many (default: 2500 samples, or all examples)", 1, UINT32_MAX},
    {CLI_COUNT, "seed", 0, PLACE(seed), "N", "what samples are drawn from (default: 0)", 0, INT64_MAX},
    CLI_SET_OPTION(PLACE(settings)),
    {CLI_TEXT, "split", 0, PLACE(split), "SPLIT",
     "features of examples in place of samples: those of train, test or all", 0, 0},
    {CLI_TEXT, "data", 0, PLACE(data), "NAME|PATH",
     "features of these examples, such as an array of any other program (all\nof them, training examples first, "
     "unless --split is given)",
     0, 0},
    {CLI_TEXT, "out", 0, PLACE(out), "FILE.npy", "the array (default: samples/features.npy in the run)", 0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document: the file, its shape and who gave it", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
};

/* Of what features are asked, and where they go. */
typedef struct work {
    duet_run *run, *judge;
    const struct arguments *arguments;
    bool of_examples;
    cli_rows examples;
    size_t count, width;
    float *rows, *values; /* [PIECE, numbers of the data], [count, width] */
} work;

static int call_judge(work *it)
{
    duet_error error = {0};
    it->judge = it->run;
    if (it->arguments->judge == NULL && duet_run_features(it->run, DUET_FEATURES) == 0)
        return cli_complain(CLI_FAILED, "a model of kind %s has no features: name a run of a classifier with --judge",
                            duet_model_family(duet_run_model(it->run))->name);
    if (it->arguments->judge != NULL &&
        duet_run_open_beside(&it->judge, it->arguments->judge, it->run, &error) != DUET_OK) {
        it->judge = NULL;
        return cli_fail_opened(&error);
    }
    return cli_run_set_judge(it->run, it->judge, &error) == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

/* How many rows, and which. */
static int choose(work *it)
{
    const struct arguments *arguments = it->arguments;
    if (!it->of_examples) {
        it->count = arguments->count > 0 ? (size_t)arguments->count : SAMPLES;
        int status = cli_run_needs(it->run, DUET_SAMPLE, "make samples; --split or --data names examples");
        return status == CLI_DONE ? cli_settings_take(it->run, &arguments->settings, (const char *[]){DUET_SAMPLE}, 1)
                                  : status;
    }
    int status = cli_rows_choose(it->run, arguments->data, arguments->split, arguments->count, 0, &it->examples);
    it->count = it->examples.count;
    return status;
}

/* Rows first .. first + count - 1: drawn, or read. */
static int fetch(const work *it, size_t first, size_t count)
{
    const duet_wanted wanted = {DUET_SAMPLE, it->rows};
    duet_request request = {.count = count,
                            .first = first,
                            .seed = it->arguments->seed == CLI_NO_SEED ? 0 : it->arguments->seed,
                            .outputs = &wanted,
                            .output_count = 1};
    return it->of_examples ? cli_rows_read(it->run, &it->examples, first, count, it->rows, NULL)
                           : cli_use(it->run, &request);
}

static int find_features(work *it)
{
    int status = CLI_DONE;
    for (size_t first = 0; first < it->count && status == CLI_DONE; first += PIECE) {
        size_t count = it->count - first < PIECE ? it->count - first : PIECE;
        const duet_wanted wanted = {DUET_FEATURES, it->values + first * it->width};
        duet_request request = {
            .count = count, .examples = it->rows, .any_range = true, .outputs = &wanted, .output_count = 1};
        status = fetch(it, first, count);
        if (status == CLI_DONE) status = cli_use(it->judge, &request);
    }
    return status;
}

static int print(const work *it, const char *path, const char *note, const duet_features_identity *by)
{
    if (!it->arguments->json) {
        cli_print_name(path);
        cli_print_name(note);
        if (it->of_examples) cli_rows_say(&it->examples);
        return CLI_DONE;
    }
    return cli_json_print(json_pack(
        "{s:o s:s s:s s:s? s:o s:o s:[I, I] s:{s:o s:s}}", "run", cli_json_text(it->arguments->run), "model",
        duet_model_family(duet_run_model(it->run))->name, "of", it->of_examples ? "examples" : "samples", "split",
        it->examples.split, "file", cli_json_text(path), "note", cli_json_text(note), "shape", (json_int_t)it->count,
        (json_int_t)it->width, "features", "name", cli_json_text(by->name), "checksum", by->checksum));
}

static int write_features(const work *it)
{
    duet_error error = {0};
    duet_features_identity by;
    char *own = it->arguments->out == NULL ? cli_default_path(it->arguments->run, "features", "npy") : NULL;
    const char *path = it->arguments->out == NULL ? own : it->arguments->out;
    char *note = path == NULL ? NULL : duet_features_note_path(path);
    const duet_features_origin origin = {.run = it->of_examples ? NULL : it->run,
                                         .seed = it->arguments->seed == CLI_NO_SEED ? 0 : it->arguments->seed,
                                         .data = it->examples.data,
                                         .split = it->examples.split};
    int status = note == NULL ? cli_complain(CLI_FAILED, "there is too little memory for a file name")
                              : cli_labels_drop(path, NULL, 0);
    if (status == CLI_DONE &&
        (duet_metric_features(it->run, NULL, &by, &error) != DUET_OK ||
         duet_features_write_of(path, it->values, it->count, it->width, &origin, &by, &error) != DUET_OK))
        status = cli_fail_opened(&error);
    if (status == CLI_DONE) status = print(it, path, note, &by);
    free(note);
    free(own);
    return status;
}

static int make(work *it)
{
    int status = call_judge(it);
    if (status == CLI_DONE) status = choose(it);
    if (status != CLI_DONE) return status;
    it->width = duet_run_features(it->judge, DUET_FEATURES);
    it->values = cli_floats_new(it->count, it->width);
    it->rows = it->values == NULL
                   ? NULL
                   : cli_floats_new(PIECE, duet_shape_elements(duet_data_describe(duet_run_data(it->run))->shape));
    if (it->rows == NULL) return CLI_FAILED;
    status = find_features(it);
    return status == CLI_DONE ? write_features(it) : status;
}

static int check(const struct arguments *arguments)
{
    bool of_examples = arguments->split != NULL || arguments->data != NULL;
    if (arguments->out != NULL && !cli_ends_in(arguments->out, ".npy"))
        return cli_complain(CLI_MISTAKE, "--out takes a file name that ends in .npy, not '%s'", arguments->out);
    if (of_examples && (arguments->settings.count > 0 || arguments->seed != CLI_NO_SEED))
        return cli_complain(CLI_MISTAKE,
                            "--set and --seed are for samples, and --split and --data ask for features of examples");
    int status = cli_rows_check(arguments->split);
    return status == CLI_DONE ? cli_settings_look(&arguments->settings) : status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {.seed = CLI_NO_SEED};
    work it = {.arguments = &arguments};
    int status;
    if (!cli_parse(&cli_features, argc, argv, &arguments, &status)) return status;
    it.of_examples = arguments.split != NULL || arguments.data != NULL;
    status = check(&arguments);
    if (status == CLI_DONE)
        status = cli_run_open(&it.run, arguments.run, arguments.device, arguments.data, arguments.out);
    if (status == CLI_DONE) status = make(&it);
    cli_rows_free(&it.examples);
    free(it.rows);
    free(it.values);
    if (it.judge != it.run) duet_run_close(&it.judge);
    duet_run_close(&it.run);
    return status;
}

const cli_command cli_features = {
    .name = "features",
    .summary = "write what a judge sees in samples of a run, or in examples",
    .details =
        "FILE.npy holds the judge's features, [N, width]. FILE-judge.json beside it says which judge gave them, and\n"
        "what: 'duet eval RUN --features SAMPLES.npy --features DATA.npy' refuses two files by different judges, and\n"
        "those of another run, checkpoint or data set. Samples are those that metrics of the same seed look at.",
    .examples = "duet features runs/vae --judge runs/judge --out samples.npy",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_FIRST_PROCESS,
};
