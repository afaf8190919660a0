/* SPDX-License-Identifier: MIT */
/* duet invert: the latents whose decode lies nearest to examples, found by descent from several starts. */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/labels_file.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *run, *out, *device, *data, *split;
    uint64_t count, seed;
    cli_list settings;
    cli_counts examples;
    bool own, json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_COUNT, NULL, 'n', PLACE(count), "N", "how many examples (default: 24)", 1, 100000},
    {CLI_COUNTS, "example", 0, PLACE(examples), "I",
     "this one of them, counted from 0, instead of the first;\nseveral times", 0, UINT32_MAX},
    {CLI_FLAG, "own", 0, PLACE(own), NULL,
     "invert the model's own samples, which can be met exactly, instead of\n"
     "examples",
     0, 0},
    {CLI_COUNT, "seed", 0, PLACE(seed), "N", "what starts and samples are drawn from (default: 0)", 0, INT64_MAX},
    {CLI_LIST, "set", 0, PLACE(settings), "KEY=VALUE",
     "steps=500, restarts=5, rate=0.05 or prior_weight=0; several times", 0, 0},
    {CLI_TEXT, "out", 0, PLACE(out), "FILE",
     "FILE.png or FILE.npy, the latents (default: samples/inversion.png in\n"
     "the run)",
     0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
    CLI_ROWS_OPTIONS(PLACE(split), PLACE(data)),
};

/* An example counts as met if its mean squared error is below this share of the examples' variance. */
static const double met_share = 0.01;

/* `pictures`: the examples, then what was found for them, [2, count, features]; all else has a row an example. */
typedef struct inversion {
    cli_rows rows; /* which the examples are among; unless they are the model's own */
    size_t count, features, latent_features;
    float *pictures, *latents, *errors, *spreads;
    uint8_t *classes;
    double variance; /* of the examples: mean over the features */
    size_t met;
    cli_estimate error, share /* of those met */;
    cli_estimate rank; /* of d decode / d latent at what was found; NaN: the latents are too many or not continuous */
} inversion;

static int make_room(inversion *it)
{
    it->pictures = cli_floats_new(2 * it->count, it->features);
    it->latents = cli_floats_new(it->count, it->latent_features);
    it->errors = cli_floats_new(it->count, 1);
    it->spreads = cli_floats_new(it->count, 1);
    bool made = it->pictures != NULL && it->latents != NULL && it->errors != NULL && it->spreads != NULL;
    return made ? CLI_DONE : CLI_FAILED;
}

static void free_room(inversion *it)
{
    cli_rows_free(&it->rows);
    free(it->pictures);
    free(it->latents);
    free(it->errors);
    free(it->spreads);
    free(it->classes);
}

/* The examples that --example names, and the classes that the model is told of them. */
static int get_numbered(duet_run *run, const cli_counts *numbers, inversion *it)
{
    size_t most = it->rows.count;
    int status = CLI_DONE;
    if (duet_run_has_classes(run)) it->classes = malloc(it->count);
    for (size_t i = 0; i < it->count && status == CLI_DONE; i++) {
        const uint64_t number = numbers->items[i];
        uint8_t *class = NULL;
        if (number >= most)
            return cli_complain(CLI_FAILED, "--example %llu is none of the examples 0 to %zu",
                                (unsigned long long)number, most - 1);
        status = cli_rows_read(run, &it->rows, number, 1, it->pictures + i * it->features, &class);
        if (class != NULL && it->classes != NULL) {
            it->classes[i] = *class;
        } else { /* the rows have none */
            free(it->classes);
            it->classes = NULL;
        }
        free(class);
    }
    return status;
}

/* Those of --own are read by what makes samples too. */
static int check_settings(duet_run *run, const struct arguments *arguments)
{
    static const char *const outputs[] = {"inverse", DUET_SAMPLE};
    return cli_settings_take(run, &arguments->settings, outputs, arguments->own ? 2 : 1);
}

static int get_examples(duet_run *run, const struct arguments *arguments, inversion *it)
{
    if (arguments->examples.count > 0) return get_numbered(run, &arguments->examples, it);
    if (!arguments->own) return cli_rows_read(run, &it->rows, 0, it->count, it->pictures, &it->classes);
    const duet_wanted sample = {DUET_SAMPLE, it->pictures};
    duet_request request = {.count = it->count, .seed = arguments->seed, .outputs = &sample, .output_count = 1};
    if (duet_run_has_classes(run)) { /* samples are inverted with the classes that they are made with */
        uint8_t learnt[256];
        const size_t known = duet_run_learnt_classes(run, learnt);
        it->classes = malloc(it->count);
        if (it->classes == NULL) return cli_complain(CLI_FAILED, "there is too little memory");
        for (size_t i = 0; i < it->count; i++) it->classes[i] = learnt[i % known];
        request.classes = it->classes;
    }
    return cli_use(run, &request);
}

/* The mean over features of their variance over the examples. */
static double variance_of(const inversion *it)
{
    double total = 0;
    for (size_t k = 0; k < it->features; k++) {
        double mean = 0, squares = 0;
        for (size_t i = 0; i < it->count; i++) mean += (double)it->pictures[i * it->features + k];
        mean /= (double)it->count;
        for (size_t i = 0; i < it->count; i++) {
            double away = (double)it->pictures[i * it->features + k] - mean;
            squares += away * away;
        }
        total += squares / (double)it->count;
    }
    return total / (double)it->features;
}

static int measure_rank(duet_run *run, inversion *it)
{
    duet_error error = {0};
    it->rank = (cli_estimate){NAN, NAN, NAN};
    if (!duet_metric_applies(run, "latent-rank")) return CLI_DONE;
    double *ranks = malloc(it->count * sizeof *ranks);
    if (ranks == NULL) return cli_complain(CLI_FAILED, "there is too little memory for %zu ranks", it->count);
    if (duet_latent_rank(run, it->latents, it->classes, it->count, ranks, &error) == DUET_OK)
        it->rank = cli_mean(ranks, it->count, 0, (double)it->latent_features);
    free(ranks);
    return error.status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

/* One example has no variance, and so there is no measure of what is near. */
static int measure_errors(inversion *it)
{
    double *errors = malloc(it->count * sizeof *errors);
    if (errors == NULL) return cli_complain(CLI_FAILED, "there is too little memory for %zu errors", it->count);
    for (size_t i = 0; i < it->count; i++) {
        errors[i] = (double)it->errors[i];
        it->met += errors[i] < met_share * it->variance;
    }
    it->error = cli_mean(errors, it->count, 0, INFINITY);
    free(errors);
    it->share = (cli_estimate){NAN, NAN, NAN};
    if (!(it->variance > 0)) return CLI_DONE;
    it->share.value = (double)it->met / (double)it->count;
    duet_share_interval(it->met, it->count, &it->share.low, &it->share.high);
    return CLI_DONE;
}

static int descend(duet_run *run, const struct arguments *arguments, inversion *it)
{
    const duet_wanted wanted[] = {{"inverse", it->latents},
                                  {"inverse_decode", it->pictures + it->count * it->features},
                                  {"inverse_error", it->errors},
                                  {"restart_spread", it->spreads}};
    duet_request request = {.count = it->count,
                            .seed = arguments->seed + 1, /* the starts are not the latents of the samples */
                            .examples = it->pictures,
                            .classes = it->classes,
                            .outputs = wanted,
                            .output_count = CLI_COUNT_OF(wanted)};
    int status = cli_use(run, &request);
    if (status != CLI_DONE) return status;
    it->variance = variance_of(it);
    status = measure_rank(run, it);
    return status == CLI_DONE ? measure_errors(it) : status;
}

static double mean_of(const float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)values[i];
    return sum / (double)count;
}

static int print_json(duet_run *run, const struct arguments *arguments, const inversion *it)
{
    json_t *document = json_pack(
        "{s:o s:s s:s? s:I s:o s:o}", "run", cli_json_text(arguments->run), "model",
        duet_model_family(duet_run_model(run))->name, "split", it->rows.split, "examples", (json_int_t)it->count,
        "restart_spread", cli_json_number(mean_of(it->spreads, it->count)), "variance", cli_json_number(it->variance));
    cli_json_estimate(document, "mse", &it->error);
    cli_json_estimate(document, "met_share", &it->share);
    cli_json_estimate(document, "latent_rank", &it->rank);
    return cli_json_print(document);
}

static int report(duet_run *run, const struct arguments *arguments, const inversion *it)
{
    const double spread = mean_of(it->spreads, it->count);
    const bool varies = it->variance > 0;
    char of_error[64], of_share[64];
    if (arguments->json) return print_json(run, arguments, it);
    if (varies && it->met < it->count)
        cli_complain(0,
                     "%zu of %zu examples are not met to 1%% of their variance: more steps or restarts (--set steps=, "
                     "--set restarts=) may, or the model cannot make them",
                     it->count - it->met, it->count);
    if (!arguments->own && arguments->examples.count == 0) cli_rows_say(&it->rows);
    if (varies && !isnan(it->rank.value))
        printf("rank of d decode / d latent %.1f of %zu latents, the mean over the examples\n", it->rank.value,
               it->latent_features);
    printf("mse %.6g a feature", it->error.value);
    if (varies)
        printf(" (%s; variance of the examples %.6g)", cli_interval(&it->error, of_error, sizeof of_error),
               it->variance);
    printf(", spread over restarts %.3g", spread);
    if (varies) printf(", met %.0f%% (%s)", 100 * it->share.value, cli_interval(&it->share, of_share, sizeof of_share));
    printf("\n");
    return CLI_DONE;
}

static int write_result(duet_run *run, const struct arguments *arguments, const inversion *it)
{
    if (arguments->out != NULL && cli_ends_in(arguments->out, ".npy")) {
        int status = cli_array_write(arguments->out, it->latents, DUET_SHAPE(it->count, it->latent_features));
        if (status != CLI_DONE) return status;
        if (!arguments->json) cli_print_name(arguments->out);
        return CLI_DONE;
    }
    if (arguments->json && arguments->out == NULL) return CLI_DONE;
    return cli_gallery_write(run, arguments->run,
                             &(cli_gallery){.what = "inversion",
                                            .rows = 2,
                                            .count = it->count,
                                            .columns = it->count < 12 ? it->count : 12,
                                            .pairs = true,
                                            .quiet = arguments->json,
                                            .values = it->pictures,
                                            .out = arguments->out});
}

static const char *why_not(duet_run *run)
{
    if (duet_run_features(run, DUET_DECODE) == 0) return "be inverted: it decodes no latents";
    return duet_run_features(run, DUET_LATENT) > 0
               ? "be inverted by search, and need not be: 'duet encode' has its codes"
               : "be inverted: each of its latents is decoded in many steps";
}

static int invert(duet_run *run, const struct arguments *arguments)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    inversion it = {.count = arguments->count > 0 ? (size_t)arguments->count : 24,
                    .features = duet_shape_elements(info->shape),
                    .latent_features = duet_run_latent_features(run)};
    int status = cli_run_needs(run, "inverse", why_not(run));
    if (status != CLI_DONE) return status;
    if (!arguments->own)
        status = cli_rows_choose(run, arguments->data, arguments->split, arguments->count,
                                 arguments->examples.count > 0 ? 0 : it.count, &it.rows);
    if (arguments->examples.count > 0)
        it.count = arguments->examples.count;
    else if (!arguments->own)
        it.count = it.rows.count;
    if (status == CLI_DONE) status = check_settings(run, arguments);
    if (status == CLI_DONE) status = make_room(&it);
    if (status == CLI_DONE) status = get_examples(run, arguments, &it);
    if (status == CLI_DONE) status = descend(run, arguments, &it);
    if (status == CLI_DONE) status = write_result(run, arguments, &it);
    if (status == CLI_DONE) status = report(run, arguments, &it);
    free_room(&it);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    duet_run *opened = NULL;
    int status;
    if (!cli_parse(&cli_invert, argc, argv, &arguments, &status)) return status;
    status = cli_out_check(arguments.out);
    if (arguments.own && (arguments.data != NULL || arguments.split != NULL || arguments.examples.count > 0))
        status = cli_complain(CLI_MISTAKE, "--own inverts the model's own samples: leave --data, --split and --example "
                                           "out");
    if (arguments.count > 0 && arguments.examples.count > 0)
        status = cli_complain(CLI_MISTAKE, "--example says which examples: leave -n out");
    if (status == CLI_DONE) status = cli_rows_check(arguments.split);
    if (status == CLI_DONE) status = cli_settings_look(&arguments.settings);
    if (status == CLI_DONE) status = cli_run_open(&opened, arguments.run, arguments.device, arguments.data, arguments.out);
    if (status == CLI_DONE) status = invert(opened, &arguments);
    duet_run_close(&opened);
    return status;
}

const cli_command cli_invert = {
    .name = "invert",
    .summary = "find the latents that a trained run would make examples from",
    .details =
        "Adam goes down the squared error from several latents drawn from the prior, all examples and restarts side\n"
        "by side; the best restart counts. A picture has rows of examples, each with what was found below it; .npy\n"
        "holds the latents, [N, latents]. An example is met where its mean squared error is below 1% of the\n"
        "variance of the examples.",
    .examples = "duet invert runs/gan -n 12 --set restarts=10",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_FIRST_PROCESS,
};
