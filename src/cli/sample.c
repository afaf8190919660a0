/* duet sample: new examples from latents drawn from the prior, or from all over it, in a square. */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/run.h"

#include <math.h>
#include <stdlib.h>

struct arguments {
    const char *run, *out, *device;
    uint64_t count, seed, manifold;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_COUNT, NULL, 'n', PLACE(count), "N", "how many (default: 64 pictures, 2000 points)", 1, 1000000},
    {CLI_COUNT, "seed", 0, PLACE(seed), "N", "what the latents are drawn from (default: 0)", 0, INT64_MAX},
    {CLI_COUNT, "manifold", 0, PLACE(manifold), "N",
     "of a model with two latents: N x N of them, evenly spread over the\n"
     "prior, decoded",
     2, 100},
    {CLI_TEXT, "out", 0, PLACE(out), "FILE",
     "FILE.png or FILE.npy (default: samples/sample.png or manifold.png in\n"
     "the run)",
     0, 0},
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
    size_t count = arguments->count != 0 ? (size_t)arguments->count : cli_data_points(info) ? 2000 : 64;
    int status = cli_run_needs(run, "sample", "make samples");
    if (status != CLI_DONE) return status;
    float *latents = cli_floats_new(count, duet_run_latent_features(run));
    if (latents == NULL) return CLI_FAILED;
    duet_run_prior(run, count, arguments->seed, latents);
    status = cli_gallery_decode(
        run, arguments->run, "sample", latents,
        (cli_gallery){
            .what = "sample", .rows = 1, .count = count, .columns = square_columns(count), .out = arguments->out});
    free(latents);
    return status;
}

/* The x below which a standard normal lies with probability p, by halving: beyond 9 it lies once in 1e18 draws. */
static double normal_quantile(double p)
{
    double low = -9, high = 9;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2)) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* Rows from the top: the first number grows to the right, the second upwards. */
static void fill_square(size_t side, float *latents)
{
    for (size_t row = 0; row < side; row++)
        for (size_t column = 0; column < side; column++) {
            *latents++ = (float)normal_quantile(((double)column + 0.5) / (double)side);
            *latents++ = (float)normal_quantile(((double)(side - 1 - row) + 0.5) / (double)side);
        }
}

static int draw_manifold(duet_run *run, const struct arguments *arguments)
{
    size_t side = (size_t)arguments->manifold, latent_features = duet_run_latent_features(run);
    int status = cli_run_needs(run, "decode", "decode latents");
    if (status != CLI_DONE) return status;
    if (latent_features != 2)
        return cli_complain(CLI_FAILED,
                            "--manifold needs a model with 2 latents, and this one has %zu: train one with "
                            "--set latent=2",
                            latent_features);
    float *latents = cli_floats_new(side * side, 2);
    if (latents == NULL) return CLI_FAILED;
    fill_square(side, latents);
    status = cli_gallery_decode(
        run, arguments->run, "decode", latents,
        (cli_gallery){.what = "manifold", .rows = side, .count = side, .columns = side, .out = arguments->out});
    free(latents);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    duet_run *opened = NULL;
    int status;
    if (!cli_parse(&cli_sample, argc, argv, &arguments, &status)) return status;
    status = cli_out_check(arguments.out);
    if (arguments.manifold != 0 && arguments.count != 0)
        status = cli_complain(CLI_MISTAKE, "--manifold N draws N x N examples: leave -n out");
    if (status == CLI_DONE) status = cli_run_open(&opened, arguments.run, arguments.device, NULL);
    if (status == CLI_DONE)
        status = arguments.manifold != 0 ? draw_manifold(opened, &arguments) : sample(opened, &arguments);
    duet_run_close(&opened);
    return status;
}

const cli_command cli_sample = {
    .name = "sample",
    .summary = "draw new examples from a trained run",
    .details =
        "Pictures become a grid, points a scatter picture; .npy holds the numbers themselves, [N, ...]. The same\n"
        "seed draws the same latents on every device. --manifold draws nothing by chance: its latents are the\n"
        "(i + 1/2) / N quantiles of the prior, the first number growing to the right and the second upwards;\n"
        ".npy holds [N, N, ...], rows from the top.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
};
