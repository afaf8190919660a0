/* SPDX-License-Identifier: MIT */
/* duet interpolate: rows of examples between pairs of latents drawn from the prior, or between the codes of examples
 * where a model has no prior. The path between two normal draws is an arc, not a line: the middle of a line lies nearer
 * to the origin than nearly all draws (White 2016, arXiv:1609.04468, section 2.1). */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *run, *out, *device, *data;
    uint64_t rows, steps, seed;
    cli_list settings;
    bool linear, json, quiet;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_COUNT, NULL, 'n', PLACE(rows), "N", "how many pairs of ends, a row each (default: 8)", 1, 10000},
    {CLI_COUNT, "steps", 0, PLACE(steps), "N", "examples a row, both ends included (default: 12)", 2, 1000},
    {CLI_COUNT, "seed", 0, PLACE(seed), "N", "what the ends are drawn from (default: 0)", 0, INT64_MAX},
    {CLI_FLAG, "linear", 0, PLACE(linear), NULL, "along straight lines, not arcs", 0, 0},
    CLI_SET_OPTION(PLACE(settings)),
    {CLI_TEXT, "data", 0, PLACE(data), "NAME|PATH",
     "take the examples from here, whose codes are ends where a model has no\n"
     "prior, or which points are drawn over (default: the run's own data)",
     0, 0},
    {CLI_TEXT, "out", 0, PLACE(out), "FILE", "FILE.png or FILE.npy (default: samples/interpolation.png in the run)", 0,
     0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document: the file and its shape", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
};

static double dot(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The point at `share`, 0 to 1, of the arc from a to b, or of the line if the two (nearly) have the same direction. */
static void between(const float *a, const float *b, size_t count, double share, float *point)
{
    double cosine = dot(a, b, count) / sqrt(dot(a, a, count) * dot(b, b, count));
    double angle = acos(fmax(-1, fmin(1, cosine))), weight_a = 1 - share, weight_b = share;
    if (sin(angle) > 1e-4) {
        weight_a = sin((1 - share) * angle) / sin(angle);
        weight_b = sin(share * angle) / sin(angle);
    }
    for (size_t i = 0; i < count; i++) point[i] = (float)(weight_a * (double)a[i] + weight_b * (double)b[i]);
}

/* One part of the latents. Those of a normal prior take the arc. Those of other priors are first mapped to a normal
 * distribution by their quantiles, so that points on the way are as likely as the ends. A categorical changes from a to
 * b in the middle. */
static void between_in_part(const duet_prior *prior, const float *a, const float *b, double share, float *point)
{
    const duet_prior standard = duet_prior_normal(1);
    size_t count = prior->features;
    float *scores = prior->kind == DUET_PRIOR_NORMAL || prior->kind == DUET_PRIOR_CATEGORICAL
                        ? NULL
                        : malloc(3 * count * sizeof *scores);
    if (prior->kind == DUET_PRIOR_CATEGORICAL)
        memcpy(point, share < 0.5 ? a : b, count * sizeof *point);
    else if (scores == NULL)
        between(a, b, count, share, point);
    for (size_t i = 0; scores != NULL && i < 2 * count; i++) {
        double below = duet_prior_share(prior, i % count, (double)(i < count ? a[i] : b[i - count]));
        scores[i] = (float)duet_prior_quantile(&standard, 0, fmin(fmax(below, 1e-9), 1 - 1e-9));
    }
    if (scores != NULL) between(scores, scores + count, count, share, scores + 2 * count);
    for (size_t i = 0; scores != NULL && i < count; i++)
        point[i] = (float)duet_prior_quantile(prior, i, duet_prior_share(&standard, 0, (double)scores[2 * count + i]));
    free(scores);
}

/* The point at `share` of the straight line from a to b, whatever the prior. */
static void between_linearly(const duet_prior *prior, const float *a, const float *b, double share, float *point)
{
    for (size_t i = 0; i < prior->features; i++) point[i] = (float)((1 - share) * (double)a[i] + share * (double)b[i]);
}

static void fill_rows(duet_run *run, bool linear, const float *ends, size_t rows, size_t steps, size_t features,
                      float *latents)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t step = 0; step < steps; step++) {
            const float *a = ends + 2 * row * features, *b = a + features;
            float *point = latents + (row * steps + step) * features;
            double share = (double)step / (double)(steps - 1);
            const duet_prior *part;
            for (size_t i = 0; (part = duet_run_prior(run, i)) != NULL; i++) {
                (linear ? between_linearly : between_in_part)(part, a, b, share, point);
                a += part->features;
                b += part->features;
                point += part->features;
            }
        }
}

/* If the model reads labels, each row has one class, so that only the latents change along the row. */
static int choose_classes(duet_run *run, size_t rows, size_t steps, uint8_t **classes)
{
    uint8_t learnt[256];
    const size_t known = duet_run_learnt_classes(run, learnt);
    if (!duet_run_has_classes(run) || known == 0) return CLI_DONE;
    *classes = malloc(rows * steps);
    if (*classes == NULL) return cli_complain(CLI_FAILED, "there is too little memory for %zu classes", rows * steps);
    for (size_t i = 0; i < rows * steps; i++) (*classes)[i] = learnt[i / steps % known];
    return CLI_DONE;
}

/* Pairs of draws of the prior. An autoencoder has none: the codes of the first examples, which lie as they please, so
 * that the way between two is a line. */
static int find_ends(duet_run *run, const struct arguments *arguments, float *ends, bool *linear)
{
    size_t count = 2 * (size_t)arguments->rows;
    const duet_wanted drawn = {DUET_PRIOR, ends}, codes = {DUET_LATENT, ends};
    *linear = arguments->linear || duet_run_features(run, DUET_SAMPLE) == 0;
    if (duet_run_features(run, DUET_SAMPLE) > 0)
        return cli_use(run,
                       &(duet_request){.count = count, .seed = arguments->seed, .outputs = &drawn, .output_count = 1});
    cli_rows rows = {0};
    int status = cli_run_needs(run, DUET_LATENT, "interpolate: it has neither a prior nor an encoder");
    if (status == CLI_DONE) status = cli_rows_choose(run, arguments->data, NULL, 0, count, &rows);
    if (status == CLI_DONE && rows.count < count)
        status = cli_complain(CLI_FAILED, "-n %zu takes the codes of %zu examples, and there are %zu", count / 2, count,
                              rows.count);
    if (status == CLI_DONE) status = cli_rows_use(run, &rows, -1, &codes, 1);
    cli_rows_free(&rows);
    return status;
}

size_t cli_interpolation_rows(duet_run *run, size_t most)
{
    const size_t pairs = duet_data_describe(duet_run_data(run))->count[cli_run_split(run)] / 2;
    return duet_run_features(run, DUET_SAMPLE) > 0 || pairs > most ? most : pairs;
}

static int interpolate(duet_run *run, const struct arguments *arguments)
{
    size_t rows = (size_t)arguments->rows, steps = (size_t)arguments->steps;
    size_t latent_features = duet_run_latent_features(run);
    int status = cli_run_needs(run, DUET_DECODE, "interpolate: it decodes no latents");
    if (status != CLI_DONE) return status;
    float *ends = cli_floats_new(2 * rows, latent_features), *latents = cli_floats_new(rows * steps, latent_features);
    bool linear = false;
    status = ends == NULL || latents == NULL ? CLI_FAILED : find_ends(run, arguments, ends, &linear);
    uint8_t *classes = NULL;
    if (status == CLI_DONE) status = choose_classes(run, rows, steps, &classes);
    if (status == CLI_DONE) {
        fill_rows(run, linear, ends, rows, steps, latent_features, latents);
        status = cli_gallery_use(run, arguments->run, DUET_DECODE,
                                 (duet_request){.seed = arguments->seed, .latents = latents, .classes = classes},
                                 (cli_gallery){.what = "interpolation",
                                               .rows = rows,
                                               .count = steps,
                                               .columns = steps,
                                               .out = arguments->out,
                                               .quiet = arguments->quiet,
                                               .json = arguments->json});
    }
    free(ends);
    free(latents);
    free(classes);
    return status;
}

/* Tells of what says nothing here. */
static void tell_of_idle(duet_run *run, const struct arguments *arguments)
{
    const bool prior = duet_run_features(run, DUET_SAMPLE) > 0;
    if (prior && arguments->data != NULL && !cli_data_points(duet_data_describe(duet_run_data(run))))
        cli_complain(CLI_DONE, "--data has no effect: ends are draws of the prior");
    if (!prior && (arguments->linear || arguments->seed != CLI_NO_SEED))
        cli_complain(CLI_DONE,
                     "%s has no effect: without a prior ends are the codes of the first examples, and ways are lines",
                     arguments->linear ? "--linear" : "--seed");
}

/* As many rows as are usual, where nobody says how many. */
static int choose_rows(duet_run *run, struct arguments *arguments)
{
    const size_t usual = 8;
    cli_rows rows = {.count = 2 * usual};
    const bool codes = duet_run_features(run, DUET_SAMPLE) == 0 && arguments->rows == 0;
    tell_of_idle(run, arguments);
    const int status = codes ? cli_rows_choose(run, arguments->data, NULL, 0, 2 * usual, &rows) : CLI_DONE;
    if (status != CLI_DONE) return status;
    if (arguments->seed == CLI_NO_SEED) arguments->seed = 0;
    if (arguments->rows == 0) arguments->rows = rows.count / 2;
    if (codes) cli_rows_free(&rows);
    if (arguments->rows > 0) return CLI_DONE;
    return cli_complain(CLI_FAILED, "a way leads from the code of one example to that of another, and there is one");
}

int cli_interpolation_draw(duet_run *run, const char *directory, size_t rows, size_t steps, const char *out)
{
    return interpolate(run,
                       &(struct arguments){.run = directory, .out = out, .rows = rows, .steps = steps, .quiet = true});
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {.steps = 12, .seed = CLI_NO_SEED};
    duet_run *opened = NULL;
    int status;
    if (!cli_parse(&cli_interpolate, argc, argv, &arguments, &status)) return status;
    status = cli_out_check(arguments.out);
    if (status == CLI_DONE) status = cli_settings_look(&arguments.settings);
    if (status == CLI_DONE)
        status = cli_run_open(&opened, arguments.run, arguments.device, arguments.data, arguments.out);
    if (status == CLI_DONE) /* not of cli_interpolation_draw, whose run has its settings already */
        status = cli_settings_take(opened, &arguments.settings, (const char *[]){DUET_DECODE, DUET_LATENT}, 2);
    if (status == CLI_DONE) status = choose_rows(opened, &arguments);
    if (status == CLI_DONE) status = interpolate(opened, &arguments);
    duet_run_close(&opened);
    return status;
}

const cli_command cli_interpolate = {
    .name = "interpolate",
    .summary = "show the way from one sample to another",
    .details =
        "Each row walks along an arc between two latents drawn from the prior, or along a line. A model without\n"
        "a prior walks along lines between the codes of the first examples. .npy holds [N, steps, ...].",
    .examples = "duet interpolate runs/vae -n 4 --steps 20 --out ways.png",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_FIRST_PROCESS,
};
