/* duet sample: new examples from latents drawn from the prior. */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/run.h"

#include <stdlib.h>

struct arguments {
    const char *run, *out, *device;
    uint64_t count, seed;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_COUNT, NULL, 'n', PLACE(count), "N", "how many (default: 64 pictures, 2000 points)", 1, 1000000},
    {CLI_COUNT, "seed", 0, PLACE(seed), "N", "what the latents are drawn from (default: 0)", 0, INT64_MAX},
    {CLI_TEXT, "out", 0, PLACE(out), "FILE", "FILE.png or FILE.npy (default: samples/sample.png in the run)", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
};

/* Columns of a grid that is about as wide as it is high. */
static size_t square_columns(size_t count)
{
    size_t columns = 1;
    while (columns * columns < count && columns < 32) columns++;
    return columns;
}

static int sample(duet_run *run, const struct arguments *arguments)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    size_t features = duet_run_features(run, "sample"), latent_features = duet_run_latent_features(run);
    size_t count = arguments->count != 0 ? (size_t)arguments->count : cli_data_points(info) ? 2000 : 64;
    duet_error error = {0};
    int status = cli_run_needs(run, "sample", "make samples");
    if (status != CLI_DONE) return status;
    float *latents = cli_floats_new(count, latent_features), *values = cli_floats_new(count, features);
    if (latents == NULL || values == NULL) {
        status = CLI_FAILED;
    } else {
        duet_run_prior(run, count, arguments->seed, latents);
        if (duet_run_decode(run, "sample", latents, count, values, &error) != DUET_OK)
            status = cli_fail_opened(&error);
        else
            status = cli_gallery_write(run, arguments->run,
                                       &(cli_gallery){.what = "sample",
                                                      .rows = 1,
                                                      .count = count,
                                                      .columns = square_columns(count),
                                                      .values = values,
                                                      .out = arguments->out});
    }
    free(latents);
    free(values);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    duet_run *opened = NULL;
    int status;
    if (!cli_parse(&cli_sample, argc, argv, &arguments, &status)) return status;
    status = cli_out_check(arguments.out);
    if (status == CLI_DONE) status = cli_run_open(&opened, arguments.run, arguments.device, NULL);
    if (status == CLI_DONE) status = sample(opened, &arguments);
    duet_run_close(&opened);
    return status;
}

const cli_command cli_sample = {
    .name = "sample",
    .summary = "draw new examples from a trained run",
    .details =
        "Pictures become a grid, points a scatter picture; .npy holds the numbers themselves, [N, ...]. The same\n"
        "seed draws the same latents on every device.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
};
