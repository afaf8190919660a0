/* SPDX-License-Identifier: MIT */
/* duet reconstruct: examples and what the model makes of them, originals above reconstructions. */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/run.h"

#include <stdlib.h>

struct arguments {
    const char *run, *out, *device, *data, *split;
    uint64_t count, seed;
    cli_list settings;
    bool json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_COUNT, NULL, 'n', PLACE(count), "N", "how many pairs (default: 48 pictures, 1000 points)", 1, 1000000},
    {CLI_COUNT, "seed", 0, PLACE(seed), "N", "what noise inside the model is drawn from (default: 0)", 0, INT64_MAX},
    CLI_SET_OPTION(PLACE(settings)),
    {CLI_TEXT, "out", 0, PLACE(out), "FILE", "FILE.png or FILE.npy (default: samples/reconstruction.png in the run)", 0,
     0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document: the file and its shape", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
    CLI_ROWS_OPTIONS(PLACE(split), PLACE(data)),
};

static int reconstruct(duet_run *run, const struct arguments *arguments)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    size_t features = duet_shape_elements(info->shape);
    int status =
        cli_run_needs(run, DUET_RECONSTRUCTION, "reconstruct: nothing in it takes an example to codes and back");
    cli_rows rows = {0};
    if (status == CLI_DONE)
        status = cli_settings_take(run, &arguments->settings, (const char *[]){DUET_RECONSTRUCTION}, 1);
    if (status == CLI_DONE)
        status = cli_rows_choose(run, arguments->data, arguments->split, arguments->count,
                                 cli_data_points(info) ? 1000 : 48, &rows);
    const size_t count = rows.count;
    float *values = status == CLI_DONE ? cli_floats_new(2 * count, features) : NULL;
    uint8_t *classes = NULL;
    if (status == CLI_DONE && values == NULL) status = CLI_FAILED;
    if (status == CLI_DONE) status = cli_rows_read(run, &rows, 0, count, values, &classes);
    const duet_wanted wanted = {DUET_RECONSTRUCTION, values == NULL ? NULL : values + count * features};
    if (status == CLI_DONE) status = cli_rows_check_classes(run, &rows, &wanted, 1);
    if (status == CLI_DONE)
        status = cli_use(run, &(duet_request){.count = count,
                                              .seed = arguments->seed,
                                              .examples = values,
                                              .classes = classes,
                                              .outputs = &wanted,
                                              .output_count = 1});
    if (status == CLI_DONE)
        status = cli_gallery_write(run, arguments->run,
                                   &(cli_gallery){.what = "reconstruction",
                                                  .rows = 2,
                                                  .count = count,
                                                  .columns = count < 12 ? count : 12,
                                                  .pairs = true,
                                                  .split = rows.split,
                                                  .values = values,
                                                  .out = arguments->out,
                                                  .json = arguments->json});
    if (status == CLI_DONE && !arguments->json) cli_rows_say(&rows);
    cli_rows_free(&rows);
    free(classes);
    free(values);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    duet_run *opened = NULL;
    int status;
    if (!cli_parse(&cli_reconstruct, argc, argv, &arguments, &status)) return status;
    status = cli_out_check(arguments.out);
    if (status == CLI_DONE) status = cli_rows_check(arguments.split);
    if (status == CLI_DONE) status = cli_settings_look(&arguments.settings);
    if (status == CLI_DONE) status = cli_run_open(&opened, arguments.run, arguments.device, arguments.data, arguments.out);
    if (status == CLI_DONE) status = reconstruct(opened, &arguments);
    duet_run_close(&opened);
    return status;
}

const cli_command cli_reconstruct = {
    .name = "reconstruct",
    .summary = "show examples above what a trained run makes of them",
    .details = "Takes the first N examples. A picture has rows of originals, each with the row of\n"
               "reconstructions below it; .npy holds [2, N, ...], originals first.",
    .examples = "duet reconstruct runs/vae -n 24",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_FIRST_PROCESS,
};
