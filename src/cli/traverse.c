/* SPDX-License-Identifier: MIT */
/* duet traverse: moves one latent at a time through its prior and holds all others, to show what each latent does. */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *run, *out, *device;
    uint64_t rows, steps, seed;
    cli_counts latents;
    cli_list settings;
    bool json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_COUNTS, "latent", 0, PLACE(latents), "I",
     "this one, counted from 0; several times (default: those that change\nmost)", 0, UINT32_MAX},
    {CLI_COUNT, NULL, 'n', PLACE(rows), "N", "how many, a row each (default: 10)", 1, 1000},
    {CLI_COUNT, "steps", 0, PLACE(steps), "N", "examples a row (default: 10)", 2, 1000},
    {CLI_COUNT, "seed", 0, PLACE(seed), "N", "what the others are drawn from (default: 0)", 0, INT64_MAX},
    CLI_SET_OPTION(PLACE(settings)),
    {CLI_TEXT, "out", 0, PLACE(out), "FILE", "FILE.png or FILE.npy (default: samples/traversal.png in the run)", 0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document: each row's latent and how much it changes", 0,
     0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
};

enum { MOST_LATENTS = 512 };

/* What is moved: one number of the latents, or all numbers of a categorical together. */
typedef struct axis {
    const duet_prior *part;
    size_t first;   /* its index among all latents */
    size_t feature; /* its index within the part */
    double change;  /* mean squared difference, a feature, between the ends of ten steps */
} axis;

/* All axes of the latents, *count of them; the caller frees them. NULL after a message. */
static axis *list_axes(duet_run *run, size_t *count)
{
    axis *axes = malloc((duet_run_latent_features(run) + 1) * sizeof *axes);
    const duet_prior *part;
    size_t at = 0;
    *count = 0;
    if (axes == NULL) cli_complain(CLI_FAILED, "there is too little memory for the latents");
    for (size_t p = 0; axes != NULL && (part = duet_run_prior(run, p)) != NULL; p++) {
        size_t step = part->kind == DUET_PRIOR_CATEGORICAL ? part->features : 1;
        for (size_t f = 0; f < part->features; f += step, at += step) axes[(*count)++] = (axis){part, at, f, 0};
    }
    return axes;
}

/* Keeps the axes that --latent names, in that order. */
static int keep_asked(const cli_counts *asked, size_t width, axis *axes, size_t *count)
{
    axis kept[CLI_COUNT_OF(asked->items)];
    for (size_t i = 0; i < asked->count; i++) {
        const uint64_t number = asked->items[i];
        size_t k = 0;
        if (number >= width)
            return cli_complain(CLI_FAILED, "--latent %llu is none of the latents 0 to %zu", (unsigned long long)number,
                                width - 1);
        while (k < *count && !(axes[k].first <= number && (k + 1 == *count || number < axes[k + 1].first))) k++;
        kept[i] = axes[k];
    }
    memcpy(axes, kept, asked->count * sizeof *axes);
    *count = asked->count;
    return CLI_DONE;
}

/* *latents: the base, with the axis at the quantile `share`, 0 to 1, of its prior. */
static void place(const axis *on, const float *base, size_t latent_features, double share, float *latents)
{
    memcpy(latents, base, latent_features * sizeof *latents);
    if (on->part->kind != DUET_PRIOR_CATEGORICAL) {
        latents[on->first] = (float)duet_prior_quantile(on->part, on->feature, share);
        return;
    }
    size_t category = (size_t)(share * (double)on->part->features);
    for (size_t i = 0; i < on->part->features; i++) latents[on->first + i] = i == category;
}

static int compare_changes(const void *a, const void *b)
{
    const axis *left = a, *right = b;
    if (left->change != right->change) return left->change < right->change ? 1 : -1;
    return left->first < right->first ? -1 : left->first > right->first;
}

/* Decodes a row for each axis, its prior in `steps` equal shares: values [count, steps, features]. */
static int decode_rows(duet_run *run, const struct arguments *arguments, const axis *axes, size_t count, size_t steps,
                       const float *base, float *values)
{
    size_t width = duet_run_latent_features(run);
    float *latents = cli_floats_new(count * steps, width);
    uint8_t *classes = duet_run_has_classes(run) ? malloc(count * steps) : NULL, learnt[256] = {0};
    if (latents == NULL || (duet_run_has_classes(run) && classes == NULL)) {
        free(latents);
        free(classes);
        return CLI_FAILED;
    }
    (void)duet_run_learnt_classes(run, learnt);
    if (classes != NULL) memset(classes, learnt[0], count * steps); /* the first class for all */
    for (size_t i = 0; i < count * steps; i++)
        place(&axes[i / steps], base, width, ((double)(i % steps) + 0.5) / (double)steps, latents + i * width);
    const duet_wanted wanted = {DUET_DECODE, values};
    int status = cli_use(run, &(duet_request){.count = count * steps,
                                              .seed = arguments->seed,
                                              .latents = latents,
                                              .classes = classes,
                                              .outputs = &wanted,
                                              .output_count = 1});
    free(latents);
    free(classes);
    return status;
}

/* Sets `change` of each axis, from the first to the last tenth of its prior. */
static int measure(duet_run *run, const struct arguments *arguments, axis *axes, size_t count, const float *base)
{
    size_t features = duet_run_features(run, DUET_DECODE);
    float *ends = cli_floats_new(count * 10, features);
    int status = ends == NULL ? CLI_FAILED : decode_rows(run, arguments, axes, count, 10, base, ends);
    for (size_t i = 0; i < count && status == CLI_DONE; i++) {
        const float *first = ends + i * 10 * features, *last = first + 9 * features;
        axes[i].change = 0;
        for (size_t k = 0; k < features; k++)
            axes[i].change += pow((double)first[k] - (double)last[k], 2) / (double)features;
    }
    free(ends);
    return status;
}

static int show(duet_run *run, const struct arguments *arguments, const axis *axes, size_t count, const float *base)
{
    size_t features = duet_run_features(run, DUET_DECODE), steps = (size_t)arguments->steps;
    float *values = cli_floats_new(count * steps, features);
    int status = values == NULL ? CLI_FAILED : decode_rows(run, arguments, axes, count, steps, base, values);
    if (status == CLI_DONE && (!arguments->json || arguments->out != NULL))
        status = cli_gallery_write(run, arguments->run,
                                   &(cli_gallery){.what = "traversal",
                                                  .rows = count,
                                                  .count = steps,
                                                  .columns = steps,
                                                  .quiet = arguments->json,
                                                  .values = values,
                                                  .out = arguments->out});
    free(values);
    if (status != CLI_DONE || !arguments->json) return status;
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, json_pack("{s:I s:b s:o}", "latent", (json_int_t)axes[i].first, "categorical",
                                              axes[i].part->kind == DUET_PRIOR_CATEGORICAL, "change",
                                              cli_json_number(axes[i].change)));
    return cli_json_print(json_pack("{s:o s:s s:I s:o}", "run", cli_json_text(arguments->run), "model",
                                    duet_model_family(duet_run_model(run))->name, "steps", (json_int_t)steps, "rows",
                                    rows));
}

static int traverse(duet_run *run, const struct arguments *arguments)
{
    size_t count, width = duet_run_latent_features(run);
    int status = cli_run_needs(run, DUET_DECODE, "be traversed: it decodes no latents");
    if (status == CLI_DONE) status = cli_run_needs(run, DUET_SAMPLE, "be traversed: its codes have no prior");
    if (status == CLI_DONE) status = cli_settings_take(run, &arguments->settings, (const char *[]){DUET_DECODE}, 1);
    if (status != CLI_DONE) return status;
    axis *axes = list_axes(run, &count);
    float *base = cli_floats_new(1, width);
    const duet_wanted drawn = {DUET_PRIOR, base};
    if (axes == NULL || base == NULL) status = CLI_FAILED;
    if (status == CLI_DONE && arguments->latents.count > 0)
        status = keep_asked(&arguments->latents, width, axes, &count);
    if (status == CLI_DONE && count > MOST_LATENTS)
        status = cli_complain(CLI_FAILED, "the model has %zu latents: name those to show with --latent I", count);
    if (status == CLI_DONE)
        status =
            cli_use(run, &(duet_request){.count = 1, .seed = arguments->seed, .outputs = &drawn, .output_count = 1});
    if (status == CLI_DONE) status = measure(run, arguments, axes, count, base);
    if (status == CLI_DONE && arguments->latents.count == 0) {
        qsort(axes, count, sizeof *axes, compare_changes);
        if (count < arguments->rows)
            cli_print(stderr, "note: -n %llu asks for more than the %zu latents there are\n",
                      (unsigned long long)arguments->rows, count);
        const size_t rows = arguments->rows > 0 ? (size_t)arguments->rows : 10;
        if (count > rows) count = rows;
    }
    if (status == CLI_DONE) status = show(run, arguments, axes, count, base);
    free(axes);
    free(base);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {.steps = 10};
    duet_run *opened = NULL;
    int status;
    if (!cli_parse(&cli_traverse, argc, argv, &arguments, &status)) return status;
    status = cli_out_check(arguments.out);
    if (status == CLI_DONE) status = cli_settings_look(&arguments.settings);
    if (arguments.rows > 0 && arguments.latents.count > 0)
        status = cli_complain(CLI_MISTAKE, "--latent says which latents: leave -n out");
    if (status == CLI_DONE) status = cli_run_open(&opened, arguments.run, arguments.device, NULL, arguments.out);
    if (status == CLI_DONE) status = traverse(opened, &arguments);
    duet_run_close(&opened);
    return status;
}

const cli_command cli_traverse = {
    .name = "traverse",
    .summary = "show what each latent of a trained run does",
    .details =
        "Each row moves one latent through the (i + 1/2) / steps quantiles of its prior; the others are one draw.\n"
        "The numbers of a categorical move together, through its categories. Rows are in the order of how much they\n"
        "change; .npy holds [rows, steps, ...].",
    .examples = "duet traverse runs/vae --steps 15",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_FIRST_PROCESS,
};
