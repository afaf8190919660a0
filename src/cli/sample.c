/* SPDX-License-Identifier: MIT */
/* duet sample: new examples from latents drawn from the prior, or from a square grid of its quantiles. */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/run.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct arguments {
    const char *run, *out, *device, *class;
    uint64_t count, seed, manifold;
    cli_list settings;
    bool json;
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
    {CLI_TEXT, "class", 0, PLACE(class), "N|NAME|all",
     "of a model that is told classes: draw this one, by number or, of\ndata that name them, by name, or a row of each "
     "(default: each as\noften as the training examples have it)",
     0, 0},
    CLI_SET_OPTION(PLACE(settings)),
    {CLI_TEXT, "out", 0, PLACE(out), "FILE",
     "FILE.png or FILE.npy (default: samples/sample.png or manifold.png in\n"
     "the run)",
     0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document: the file and its shape", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
};

/* Columns of a grid that is about as wide as it is high. */
static size_t square_columns(size_t count)
{
    size_t columns = 1;
    while (columns * columns < count && columns < 32) columns++;
    return columns;
}

enum { NO_CLASS = -1, ALL_CLASSES = -2 };

/* Complains and lists the classes that there are. */
static int refuse_class(const duet_data_info *info, const char *text)
{
    char names[300] = "", hint[80], shown[300];
    duet_spelling nearest = {.word = text};
    duet_spelling_offer(&nearest, "all");
    for (size_t i = 0; info->class_names != NULL && i < info->classes; i++) {
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, "%s%s", i == 0 ? ": " : ", ",
                 cli_line(info->class_names[i], shown, sizeof shown));
        duet_spelling_offer(&nearest, info->class_names[i]);
    }
    return cli_complain(CLI_MISTAKE, "--class '%s' is none of the classes 0 to %zu of %s%s%s; all draws a row of each",
                        text, info->classes - 1, info->name, names, duet_spelling_words(&nearest, hint, sizeof hint));
}

/* Some models are told classes if a setting says so. */
static int refuse_any_class(duet_run *run)
{
    static const char *const ways[][2] = {{"labels", "labels=yes"}, {"condition", "condition=labels"}};
    const duet_model *model = duet_run_model(run);
    const char *way = NULL;
    for (size_t i = 0; i < CLI_COUNT_OF(ways); i++)
        if (duet_model_setting_text(model, ways[i][0]) != NULL) way = ways[i][1];
    return cli_complain(CLI_FAILED, "this %s is told no classes: leave --class out%s%s", duet_model_family(model)->name,
                        way == NULL ? "" : ", or train one with --set ", way == NULL ? "" : way);
}

/* Whether a class is named by that number, as the folder 01 is by 1. */
static bool is_named(const char *name, unsigned long number)
{
    char *end;
    return *name >= '0' && *name <= '9' && strtoul(name, &end, 10) == number && *end == '\0';
}

/* Of classes 01 to 09 a number may mean the place or the name. */
static int take_number(const duet_data_info *info, const char *text, unsigned long number, int *class)
{
    char shown[300];
    *class = (int)number;
    for (size_t i = 0; info->class_names != NULL && i < info->classes; i++)
        if (i != number && is_named(info->class_names[i], number))
            return cli_complain(CLI_MISTAKE,
                                "--class %s is '%s' by its number and '%s' by its name: say which, as written here",
                                text, cli_line(info->class_names[number], shown, sizeof shown), info->class_names[i]);
    return CLI_DONE;
}

/* Reads --class: a number, a name in any case, or "all". */
static int read_class(duet_run *run, const char *text, int *class)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    char *end;
    *class = NO_CLASS;
    if (text == NULL) return CLI_DONE;
    if (!duet_run_has_classes(run)) return refuse_any_class(run);
    if (strcmp(text, "all") == 0) *class = ALL_CLASSES;
    for (size_t i = 0; info->class_names != NULL && i < info->classes; i++)
        if (strcmp(info->class_names[i], text) == 0 ||
            (*class == NO_CLASS && strcasecmp(info->class_names[i], text) == 0))
            *class = (int)i;
    if (*class != NO_CLASS) return CLI_DONE;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value >= info->classes) return refuse_class(info, text);
    return take_number(info, text, value, class);
}

/* Samples, or what a classifier has in their place: pictures that climb to where it is sure of their class. */
static const char *output_of(duet_run *run)
{
    return duet_run_features(run, DUET_SAMPLE) == 0 && duet_run_features(run, "attack") > 0 ? "attack" : DUET_SAMPLE;
}

/* Without --class one row of examples; with "all" a row for each class. */
static int sample(duet_run *run, const struct arguments *arguments)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    const bool codes = duet_run_features(run, DUET_LATENT) > 0 && duet_run_features(run, DUET_DECODE) > 0;
    int class,
        status = cli_run_needs(run, output_of(run),
                               codes ? "make samples: it learns codes, and no distribution to draw them from; 'duet "
                                       "reconstruct' and 'duet interpolate' show what it has learnt"
                                     : "make samples");
    if (status == CLI_DONE) status = cli_settings_take(run, &arguments->settings, (const char *[]){output_of(run)}, 1);
    if (status == CLI_DONE) status = read_class(run, arguments->class, &class);
    if (status != CLI_DONE) return status;
    bool all = class == ALL_CLASSES;
    size_t rows = all ? info->classes : 1, count = (size_t)arguments->count;
    if (count == 0) count = cli_data_points(info) ? 2000 : all ? 8 : 64;
    uint8_t *classes = class == NO_CLASS ? NULL : malloc(rows * count);
    if (class != NO_CLASS && classes == NULL)
        return cli_complain(CLI_FAILED, "there is too little memory for %zu classes", rows * count);
    for (size_t i = 0; classes != NULL && i < rows * count; i++) classes[i] = (uint8_t)(all ? (int)(i / count) : class);
    const duet_request request = {.seed = arguments->seed, .classes = classes};
    status = cli_gallery_use(run, arguments->run, output_of(run), request,
                             (cli_gallery){.what = "sample",
                                           .rows = rows,
                                           .count = count,
                                           .flat = !all,
                                           .columns = all ? count : square_columns(count),
                                           .out = arguments->out,
                                           .json = arguments->json});
    free(classes);
    return status;
}

/* Latents of the grid, rows from the top: the first number grows to the right, the second upwards. */
static void fill_square(const duet_prior *prior, size_t side, float *latents)
{
    for (size_t row = 0; row < side; row++)
        for (size_t column = 0; column < side; column++) {
            *latents++ = (float)duet_prior_quantile(prior, 0, ((double)column + 0.5) / (double)side);
            *latents++ = (float)duet_prior_quantile(prior, 1, ((double)(side - 1 - row) + 0.5) / (double)side);
        }
}

static int draw_manifold(duet_run *run, const struct arguments *arguments)
{
    size_t side = (size_t)arguments->manifold, latent_features = duet_run_latent_features(run);
    int status = cli_run_needs(run, DUET_DECODE, "decode latents");
    if (status == CLI_DONE) status = cli_run_needs(run, DUET_SAMPLE, "show a manifold: its codes have no prior");
    if (status != CLI_DONE) return status;
    if (latent_features == 2 && duet_run_prior(run, 1) != NULL)
        return cli_complain(CLI_FAILED,
                            "--manifold needs two latents of one prior, and this model has a prior for each");
    bool has_setting = duet_model_setting_text(duet_run_model(run), "latent") != NULL;
    if (latent_features != 2)
        return cli_complain(CLI_FAILED, "--manifold needs a model with 2 latents, and this one has %zu%s",
                            latent_features, has_setting ? ": train one with --set latent=2" : "");
    int class;
    status = cli_settings_take(run, &arguments->settings, (const char *[]){DUET_DECODE}, 1);
    if (status == CLI_DONE) status = read_class(run, arguments->class, &class);
    if (status == CLI_DONE && (class == ALL_CLASSES || (class == NO_CLASS && duet_run_has_classes(run))))
        status = cli_complain(CLI_FAILED, "--manifold shows one class of a model that is told classes: add --class N");
    if (status != CLI_DONE) return status;
    float *latents = cli_floats_new(side * side, 2);
    uint8_t *classes = class == NO_CLASS ? NULL : malloc(side * side);
    if (latents == NULL || (class != NO_CLASS && classes == NULL)) {
        free(latents);
        free(classes);
        return CLI_FAILED;
    }
    if (classes != NULL) memset(classes, class, side * side);
    fill_square(duet_run_prior(run, 0), side, latents);
    status = cli_gallery_use(run, arguments->run, DUET_DECODE,
                             (duet_request){.seed = arguments->seed, .latents = latents, .classes = classes},
                             (cli_gallery){.what = "manifold",
                                           .rows = side,
                                           .count = side,
                                           .columns = side,
                                           .out = arguments->out,
                                           .json = arguments->json});
    free(classes);
    free(latents);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {.seed = CLI_NO_SEED};
    duet_run *opened = NULL;
    int status;
    if (!cli_parse(&cli_sample, argc, argv, &arguments, &status)) return status;
    status = cli_out_check(arguments.out);
    if (arguments.manifold != 0 && arguments.count != 0)
        status = cli_complain(CLI_MISTAKE, "--manifold N draws N x N examples: leave -n out");
    if (arguments.manifold != 0 && arguments.seed != CLI_NO_SEED)
        status = cli_complain(CLI_MISTAKE, "--manifold draws nothing by chance: leave --seed out");
    if (arguments.seed == CLI_NO_SEED) arguments.seed = 0;
    if (status == CLI_DONE) status = cli_settings_look(&arguments.settings);
    if (status == CLI_DONE) status = cli_run_open(&opened, arguments.run, arguments.device, NULL, arguments.out);
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
        ".npy holds [N, N, ...], rows from the top. A classifier has no samples: it shows pictures that began as "
        "noise\n"
        "and were made to please it, each for a class (--set steps=100, --set rate=0.05).",
    .examples = "duet sample runs/vae -n 100 --seed 7 --out new.png\n"
                "duet sample runs/cvae --class all",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_FIRST_PROCESS,
};
