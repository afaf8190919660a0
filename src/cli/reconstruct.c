/* SPDX-License-Identifier: MIT */
/* duet reconstruct: examples of the test split and what the model makes of them, originals above reconstructions. */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/run.h"

#include <stdlib.h>

struct arguments {
    const char *run, *out, *device, *data;
    uint64_t count, seed;
    bool json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_COUNT, NULL, 'n', PLACE(count), "N", "how many pairs (default: 48 pictures, 1000 points)", 1, 1000000},
    {CLI_COUNT, "seed", 0, PLACE(seed), "N", "what noise inside the model is drawn from (default: 0)", 0, INT64_MAX},
    {CLI_TEXT, "out", 0, PLACE(out), "FILE", "FILE.png or FILE.npy (default: samples/reconstruction.png in the run)", 0,
     0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document: the file and its shape", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
    {CLI_TEXT, "data", 0, PLACE(data), "NAME|PATH", "take the examples from here (default: the run's own data)", 0, 0},
};

static int reconstruct(duet_run *run, const struct arguments *arguments)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    duet_split split = cli_run_split(run);
    size_t features = duet_shape_elements(info->shape);
    size_t count = arguments->count != 0 ? (size_t)arguments->count : cli_data_points(info) ? 1000 : 48;
    int status =
        cli_run_needs(run, DUET_RECONSTRUCTION, "reconstruct: nothing in it takes an example to codes and back");
    if (status != CLI_DONE) return status;
    count = cli_run_most(run, count, arguments->count);
    float *values = cli_floats_new(2 * count, features);
    if (values == NULL) return CLI_FAILED;
    uint8_t *classes = NULL;
    status = cli_examples_read(run, split, 0, count, values, &classes);
    const duet_wanted wanted = {DUET_RECONSTRUCTION, values + count * features};
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
                                                  .values = values,
                                                  .out = arguments->out,
                                                  .json = arguments->json});
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
    if (status == CLI_DONE) status = cli_run_open(&opened, arguments.run, arguments.device, arguments.data);
    if (status == CLI_DONE) status = reconstruct(opened, &arguments);
    duet_run_close(&opened);
    return status;
}

const cli_command cli_reconstruct = {
    .name = "reconstruct",
    .summary = "show examples above what a trained run makes of them",
    .details = "Takes the first N examples of the test split. A picture has rows of originals, each with the row of\n"
               "reconstructions below it; .npy holds [2, N, ...], originals first.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
};
