/* SPDX-License-Identifier: MIT */
/* duet encode: the codes of examples, which are posterior means where a model has a posterior, as an array with the
 * labels beside it, or in the plane as a picture. */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/labels_file.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/run.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *run, *out, *device, *data, *split;
    uint64_t count;
    cli_list settings;
    bool json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_COUNT, NULL, 'n', PLACE(count), "N", "how many, from the first on (default, and at most: all)", 1, UINT32_MAX},
    {CLI_TEXT, "out", 0, PLACE(out), "FILE",
     "FILE.npy, or FILE.png for codes of two numbers (default:\n"
     "samples/codes.npy in the run)",
     0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document: the file and its shape", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
    CLI_ROWS_OPTIONS(PLACE(split), PLACE(data)),
    CLI_SET_OPTION(PLACE(settings)),
};

/* The codes of a split's first `count` examples, [count, features]; labels are NULL if the split has none. */
typedef struct codes {
    size_t count, features;
    float *values;
    uint8_t *labels;
} codes;

/* DUET_LATENT, or DUET_FEATURES for a classifier. */
static const char *output_of(duet_run *run)
{
    return duet_run_features(run, DUET_LATENT) == 0 && duet_run_features(run, DUET_FEATURES) > 0 ? DUET_FEATURES
                                                                                                 : DUET_LATENT;
}

/* The codes alone, or a picture of them. */
static int write_codes(const char *path, const codes *from)
{
    duet_error error = {0};
    if (!cli_ends_in(path, ".png"))
        duet_write_npy(path, from->values, DUET_SHAPE(from->count, from->features), &error);
    else if (from->labels != NULL)
        duet_write_png_classes(path, from->values, from->labels, from->count, &error);
    else
        duet_write_png_points(path, from->values, from->count, 2, NULL, 0, &error);
    return error.status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

/* Labels of other data are numbers of the run's classes, which the data may number otherwise. */
static void say_labels(duet_run *run, const cli_rows *rows, const codes *from)
{
    enum { FEW = 4 };
    char shown[256];
    const duet_data_info *info = duet_data_describe(rows->data);
    duet_error error = {0};
    if (from->labels == NULL || info->class_names == NULL || duet_run_classes(run) == 0) return;
    cli_print(stderr, "labels are numbers of the run's classes:");
    for (size_t i = 0; i < info->classes && i < FEW; i++)
        cli_print(stderr, "%s %zu is \"%s\"", i == 0 ? "" : ",", i,
                  cli_line(info->class_names[i], shown, sizeof shown));
    if (info->classes > FEW) cli_print(stderr, " and %zu more", info->classes - FEW);
    cli_print(stderr, "\n");
    if (duet_run_check_labels(run, info, from->labels, from->count, &error) != DUET_OK)
        cli_print(stderr, "warning: what the run does not know is numbered from %zu on: %s\n", duet_run_classes(run),
                  error.message);
}

/* Writes the codes, and beside an array the labels if there are some, and names both files. */
static int write_files(duet_run *run, const struct arguments *arguments, const char *path, const cli_rows *rows,
                       const codes *from)
{
    bool array = !cli_ends_in(path, ".png"), labelled = array && from->labels != NULL;
    char *beside = array ? cli_labels_path(path) : NULL;
    if (array && beside == NULL) return cli_complain(CLI_FAILED, "there is too little memory for a file name");
    int status = cli_labels_drop(path, from->labels, from->count);
    if (status == CLI_DONE) status = write_codes(path, from);
    if (status == CLI_DONE && labelled) status = cli_labels_write(beside, from->labels, from->count);
    if (status == CLI_DONE && labelled)
        status = cli_labels_check(path, beside, from->values, from->count * from->features);
    if (status == CLI_DONE && arguments->json)
        status = cli_file_print_json(run, arguments->run, path, DUET_SHAPE(from->count, from->features), rows->split,
                                     labelled ? beside : NULL);
    else if (status == CLI_DONE)
        cli_print_name(path);
    if (status == CLI_DONE && !arguments->json && labelled) cli_print_name(beside);
    if (status == CLI_DONE && !arguments->json) cli_rows_say(rows);
    if (status == CLI_DONE && arguments->data != NULL) say_labels(run, rows, from);
    free(beside);
    return status;
}

/* Mistakes that show only once the run is open. */
static int check_run(duet_run *run, const struct arguments *arguments)
{
    int status = cli_run_needs(run, output_of(run), "encode: it has no encoder");
    if (status != CLI_DONE) return status;
    size_t features = duet_run_features(run, output_of(run));
    if (arguments->out != NULL && cli_ends_in(arguments->out, ".png") && features != 2)
        return cli_complain(CLI_FAILED,
                            "codes of %zu numbers make no picture, those of 2 do: give --out a name that ends in .npy",
                            features);
    return cli_settings_take(run, &arguments->settings, (const char *[]){output_of(run)}, 1);
}

static int encode_and_write(duet_run *run, const struct arguments *arguments)
{
    cli_rows rows = {0};
    int status = check_run(run, arguments);
    if (status == CLI_DONE)
        status = cli_rows_choose(run, arguments->data, arguments->split, arguments->count, 0, &rows);
    if (status != CLI_DONE) return cli_rows_free(&rows), status;
    codes made = {.count = rows.count, .features = duet_run_features(run, output_of(run))};
    made.values = cli_floats_new(made.count, made.features);
    char *own_path = arguments->out == NULL ? cli_default_path(arguments->run, "codes", "npy") : NULL;
    const char *path = arguments->out == NULL ? own_path : arguments->out;
    if (made.values == NULL || path == NULL) status = CLI_FAILED;
    const duet_wanted wanted = {output_of(run), made.values};
    if (status == CLI_DONE) status = cli_rows_use(run, &rows, -1, &wanted, 1);
    if (status == CLI_DONE) status = cli_floats_check(made.values, made.count * made.features, "codes");
    if (status == CLI_DONE) status = cli_rows_labels(&rows, &made.labels);
    if (status == CLI_DONE) status = write_files(run, arguments, path, &rows, &made);
    cli_rows_free(&rows);
    free(own_path);
    free(made.values);
    free(made.labels);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    duet_run *opened = NULL;
    int status;
    if (!cli_parse(&cli_encode, argc, argv, &arguments, &status)) return status;
    status = cli_out_check(arguments.out);
    if (status == CLI_DONE) status = cli_rows_check(arguments.split);
    if (status == CLI_DONE) status = cli_settings_look(&arguments.settings);
    if (status == CLI_DONE)
        status = cli_run_open(&opened, arguments.run, arguments.device, arguments.data, arguments.out);
    if (status == CLI_DONE) status = encode_and_write(opened, &arguments);
    duet_run_close(&opened);
    return status;
}

const cli_command cli_encode = {
    .name = "encode",
    .summary = "write the codes that a trained run gives to examples",
    .details =
        "Codes are what the encoder says without noise: of a VAE the posterior's means. FILE.npy holds [N, latents];\n"
        "FILE-labels.npy beside it the labels, [N] bytes, where the data has some. FILE.png shows codes of two\n"
        "numbers as points in the colour of their label.",
    .examples = "duet encode runs/vae --split all --out codes.npy",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_FIRST_PROCESS,
};
