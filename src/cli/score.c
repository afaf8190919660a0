/* SPDX-License-Identifier: MIT */
/* duet score: how unusual each example is to a model, given the data that it was trained on. A high score need not mean
 * a strange example: likelihoods are known to fail between data sets (Nalisnick et al. 2019, arXiv:1810.09136). */
#include "cli/commands.h"
#include "cli/curve.h"
#include "cli/gallery.h"
#include "cli/labels_file.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/run.h"
#include "cli/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *run, *out, *device, *data, *split, *by, *against, *curve;
    uint64_t count;
    cli_list settings;
    bool json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_TEXT, "by", 0, PLACE(by), "SCORE", "one of those below (default: the first that the model has)", 0, 0},
    {CLI_COUNT, NULL, 'n', PLACE(count), "N", "how many, from the first on (default, and at most: all)", 1, UINT32_MAX},
    CLI_ROWS_OPTIONS(PLACE(split), PLACE(data)),
    {CLI_TEXT, "against", 0, PLACE(against), "NAME|PATH",
     "data that should score higher: how well the scores tell both apart", 0, 0},
    CLI_SET_OPTION(PLACE(settings)),
    {CLI_TEXT, "out", 0, PLACE(out), "FILE",
     "FILE.npy: a score an example; FILE.png: the 64 examples with the\nhighest, from the top", 0, 0},
    {CLI_TEXT, "curve", 0, PLACE(curve), "FILE",
     "no scores but a GAN's discriminator along the line of two-peaks, beside\nthe best one: drawn as FILE.png, or as "
     "numbers, FILE.npy",
     0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
};

enum { SHOWN = 10, DRAWN = 64 };

/* Ways to score an example, the higher the stranger. A model can be asked by those whose outputs it has. */
static const struct way {
    const char *name, *summary;
    const char *outputs[2];
    const char *without; /* an output whose presence rules this way out; NULL: none */
    double sign;         /* factor of the outputs' sum */
} ways[] = {
    {"nll", "-log p(x), exact, nats: flows and autoregressive models", {DUET_NLL}, DUET_KL, 1},
    {"elbo", "-ELBO, nats: a bound of -log p(x)", {DUET_NLL, DUET_KL}, NULL, 1},
    {"reconstruction", "mean squared error a feature", {DUET_RECONSTRUCTION}, NULL, 1},
    {"discriminator", "the discriminator's logit, negated", {DUET_LOGIT}, NULL, -1},
    {"inverse",
     "mean squared error a feature of the nearest example that the generator was found to make",
     {"inverse_error"},
     NULL,
     1},
};

const char *cli_score_at(size_t index, const char **summary)
{
    if (index >= CLI_COUNT_OF(ways)) return NULL;
    *summary = ways[index].summary;
    return ways[index].name;
}

static bool has_way(duet_run *run, const struct way *way)
{
    bool has = way->without == NULL || duet_run_features(run, way->without) == 0;
    for (size_t i = 0; i < 2 && way->outputs[i] != NULL; i++) has = has && duet_run_features(run, way->outputs[i]) > 0;
    return has;
}

/* The way asked for (`by` NULL: the first that the model has); NULL after a message if the model does not have it. */
static const struct way *choose_way(duet_run *run, const char *by)
{
    char names[120] = "";
    for (size_t i = 0; i < CLI_COUNT_OF(ways); i++) {
        if (!has_way(run, &ways[i])) continue;
        if (by == NULL || strcmp(by, ways[i].name) == 0) return &ways[i];
        snprintf(names + strlen(names), sizeof names - strlen(names), " %s", ways[i].name);
    }
    cli_complain(CLI_FAILED, "a model of kind %s gives no score%s%s%s%s", duet_model_family(duet_run_model(run))->name,
                 names[0] == '\0' ? "" : " by ", names[0] == '\0' ? "" : by,
                 names[0] == '\0' ? "" : "; it has:", names);
    return NULL;
}

static int check_way(const char *by)
{
    char hint[80];
    duet_spelling nearest = {.word = by};
    for (size_t i = 0; by != NULL && i < CLI_COUNT_OF(ways); i++) {
        if (strcmp(by, ways[i].name) == 0) return CLI_DONE;
        duet_spelling_offer(&nearest, ways[i].name);
    }
    return by == NULL ? CLI_DONE
                      : cli_complain(CLI_MISTAKE, "there is no score '%s'%s ('duet score --help' lists them)", by,
                                     duet_spelling_words(&nearest, hint, sizeof hint));
}

static int take_settings(duet_run *run, const struct way *way, const struct arguments *arguments)
{
    return cli_settings_take(run, &arguments->settings, way->outputs, way->outputs[1] == NULL ? 1 : 2);
}

/* Sets `scores` to the mean squared errors of the reconstructions `made`, [count, features]. */
static int compare(duet_run *run, const cli_rows *rows, const float *made, size_t features, float *scores)
{
    float *examples = cli_floats_new(rows->count, features);
    if (examples == NULL) return CLI_FAILED;
    int status = cli_rows_read(run, rows, 0, rows->count, examples, NULL);
    for (size_t i = 0; status == CLI_DONE && i < rows->count; i++) {
        double sum = 0;
        for (size_t k = i * features; k < (i + 1) * features; k++)
            sum += ((double)made[k] - (double)examples[k]) * ((double)made[k] - (double)examples[k]);
        scores[i] = (float)(sum / (double)features);
    }
    free(examples);
    return status;
}

static int compute(duet_run *run, const struct way *way, const cli_rows *rows, float *scores)
{
    size_t features = duet_run_features(run, way->outputs[0]), outputs = way->outputs[1] == NULL ? 1 : 2;
    float *values = cli_floats_new(rows->count, features + 1);
    if (values == NULL) return CLI_FAILED;
    float *more = values + rows->count * features;
    const duet_wanted wanted[] = {{way->outputs[0], values}, {way->outputs[1], more}};
    int status = cli_rows_use(run, rows, -1, wanted, outputs);
    if (status == CLI_DONE && features > 1) {
        status = compare(run, rows, values, features, scores);
    } else if (status == CLI_DONE) {
        for (size_t i = 0; i < rows->count; i++)
            scores[i] = (float)(way->sign * ((double)values[i] + (outputs == 2 ? (double)more[i] : 0)));
    }
    free(values);
    return status;
}

/* An example and its score, for sorting. */
typedef struct scored {
    float score;
    size_t example;
} scored;

static int compare_scores(const void *a, const void *b)
{
    const scored *left = a, *right = b;
    if (left->score != right->score) return left->score < right->score ? 1 : -1;
    return left->example < right->example ? -1 : left->example > right->example;
}

/* All examples, the highest score first; the caller frees them. NULL after a message. */
static scored *rank(const float *scores, size_t count)
{
    scored *ranked = malloc(count * sizeof *ranked);
    if (ranked == NULL) {
        cli_complain(CLI_FAILED, "there is too little memory for %zu scores", count);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) ranked[i] = (scored){isnan(scores[i]) ? INFINITY : scores[i], i};
    qsort(ranked, count, sizeof *ranked, compare_scores);
    return ranked;
}

static int draw(duet_run *run, const struct arguments *arguments, const cli_rows *rows, const scored *ranked)
{
    size_t features = duet_shape_elements(duet_data_describe(duet_run_data(run))->shape);
    size_t count = rows->count < DRAWN ? rows->count : DRAWN;
    float *values = cli_floats_new(count, features);
    int status = values == NULL ? CLI_FAILED : CLI_DONE;
    for (size_t i = 0; i < count && status == CLI_DONE; i++)
        status = cli_rows_read(run, rows, ranked[i].example, 1, values + i * features, NULL);
    if (status == CLI_DONE)
        status = cli_gallery_write(run, arguments->run,
                                   &(cli_gallery){.what = "scores",
                                                  .rows = 1,
                                                  .count = count,
                                                  .columns = 8,
                                                  .quiet = arguments->json,
                                                  .values = values,
                                                  .out = arguments->out});
    free(values);
    return status;
}

static int write_file(duet_run *run, const struct arguments *arguments, const cli_rows *rows, const float *scores,
                      const scored *ranked)
{
    if (arguments->out == NULL) return CLI_DONE;
    if (!cli_ends_in(arguments->out, ".npy")) return draw(run, arguments, rows, ranked);
    int status = cli_array_write(arguments->out, scores, DUET_SHAPE(rows->count));
    if (status != CLI_DONE) return status;
    if (!arguments->json) cli_print_name(arguments->out);
    return CLI_DONE;
}

/* Scores examples of the other data too, and says how well the two are told apart; *wrong of them are not finite. */
static int separate(const struct way *way, const struct arguments *arguments, const cli_rows *rows, const float *usual,
                    duet_separation *result, size_t *wrong)
{
    duet_run *other = NULL;
    duet_error error = {0};
    cli_rows strange = {0};
    float *scores = NULL;
    int status = cli_run_open(&other, arguments->run, arguments->device, arguments->against, arguments->out);
    if (status == CLI_DONE) status = take_settings(other, way, arguments);
    if (status == CLI_DONE)
        status = cli_rows_choose(other, arguments->against, arguments->split, arguments->count, 0, &strange);
    if (status == CLI_DONE) scores = cli_floats_new(strange.count, 1);
    if (status == CLI_DONE) status = scores == NULL ? CLI_FAILED : compute(other, way, &strange, scores);
    if (status == CLI_DONE && duet_separate(usual, rows->count, scores, strange.count, result, &error) != DUET_OK)
        status = cli_fail_opened(&error);
    if (status == CLI_DONE) *wrong = cli_floats_wrong(scores, strange.count);
    free(scores);
    cli_rows_free(&strange);
    duet_run_close(&other);
    return status;
}

static cli_estimate precision_of(const duet_separation *separation)
{
    return (cli_estimate){separation->average_precision, separation->average_precision_low,
                          separation->average_precision_high};
}

static json_t *separation_json(const struct arguments *arguments, const duet_separation *separation)
{
    if (arguments->against == NULL) return json_null();
    json_t *object =
        json_pack("{s:o s:{s:f s:o s:o} s:I s:I}", "data", cli_json_text(arguments->against), "auroc", "value",
                  separation->auroc, "low", cli_json_number(separation->low), "high", cli_json_number(separation->high),
                  "usual", (json_int_t)separation->usual, "strange", (json_int_t)separation->strange);
    const cli_estimate precision = precision_of(separation);
    cli_json_estimate(object, "average_precision", &precision);
    return object;
}

static void print_separation(const struct arguments *arguments, const duet_separation *separation)
{
    if (arguments->against == NULL) return;
    const cli_estimate auroc = {separation->auroc, separation->low, separation->high},
                       precision = precision_of(separation);
    char of_auroc[64], of_precision[64], examples[32];
    cli_print(stdout, "against %s of %s: AUROC %.4f (%s), average precision %.4f (%s)\n\n",
              cli_examples(separation->strange, examples, sizeof examples), arguments->against, auroc.value,
              cli_interval(&auroc, of_auroc, sizeof of_auroc), precision.value,
              cli_interval(&precision, of_precision, sizeof of_precision));
}

static const double quantiles[] = {0, 0.05, 0.5, 0.95, 1};

/* Between two scores in proportion, as numpy's; ranked from the highest down. */
static double quantile_of(const scored *ranked, size_t count, double share)
{
    const double place = (1 - share) * (double)(count - 1), part = place - floor(place);
    const size_t above = (size_t)place, below = part > 0 ? above + 1 : above;
    return (1 - part) * (double)ranked[above].score + (part > 0 ? part * (double)ranked[below].score : 0);
}

static int print_json(duet_run *run, const struct arguments *arguments, const struct way *way, const cli_rows *rows,
                      const scored *ranked, const duet_separation *separation)
{
    json_t *highest = json_array(), *spread = json_array();
    for (size_t i = 0; i < rows->count && i < SHOWN; i++)
        json_array_append_new(highest, json_pack("{s:I s:o}", "example", (json_int_t)ranked[i].example, "score",
                                                 cli_json_number((double)ranked[i].score)));
    for (size_t i = 0; i < CLI_COUNT_OF(quantiles); i++)
        json_array_append_new(spread, json_pack("{s:f s:o}", "share", quantiles[i], "score",
                                                cli_json_number(quantile_of(ranked, rows->count, quantiles[i]))));
    return cli_json_print(json_pack("{s:o s:s s:o s:s s:s s:I s:o s:o s:o}", "run", cli_json_text(arguments->run),
                                    "model", duet_model_family(duet_run_model(run))->name, "data",
                                    cli_json_text(duet_data_describe(duet_run_data(run))->name), "split", rows->split,
                                    "by", way->name, "examples", (json_int_t)rows->count, "quantiles", spread,
                                    "highest", highest, "against", separation_json(arguments, separation)));
}

static int print_table(const struct way *way, const cli_rows *rows, const scored *ranked)
{
    static const char *const heads[] = {">example", ">score"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    char examples[32];
    printf("%s of %s %s: least %.6g, 5%% %.6g, median %.6g, 95%% %.6g, most %.6g\n\n", way->name,
           cli_examples(rows->count, examples, sizeof examples), rows->words, quantile_of(ranked, rows->count, 0),
           quantile_of(ranked, rows->count, 0.05), quantile_of(ranked, rows->count, 0.5),
           quantile_of(ranked, rows->count, 0.95), quantile_of(ranked, rows->count, 1));
    for (size_t i = 0; i < rows->count && i < SHOWN; i++) {
        cli_table_cell(&table, "%zu", ranked[i].example);
        cli_table_cell(&table, "%.6g", (double)ranked[i].score);
    }
    return cli_table_print(&table, stdout);
}

/* Such an example is the strangest, and still says that something is not sound. */
static int complain_of(size_t wrong, size_t count, const char *data)
{
    if (wrong == 0) return CLI_DONE;
    return cli_complain(CLI_WRONG,
                        "%zu of %zu scores of %s are not finite: look at the run's losses and at the largest values of "
                        "the examples",
                        wrong, count, data);
}

static int score(duet_run *run, const struct arguments *arguments)
{
    cli_rows rows = {0};
    const struct way *way = choose_way(run, arguments->by);
    int status =
        way == NULL ? CLI_FAILED : cli_rows_choose(run, arguments->data, arguments->split, arguments->count, 0, &rows);
    if (status == CLI_DONE) status = take_settings(run, way, arguments);
    float *scores = status == CLI_DONE ? cli_floats_new(rows.count, 1) : NULL;
    scored *ranked = NULL;
    duet_separation separation = {0};
    size_t wrong_against = 0;
    if (status == CLI_DONE) status = scores == NULL ? CLI_FAILED : compute(run, way, &rows, scores);
    if (status == CLI_DONE && arguments->against != NULL)
        status = separate(way, arguments, &rows, scores, &separation, &wrong_against);
    if (status == CLI_DONE) ranked = rank(scores, rows.count);
    if (status == CLI_DONE && ranked == NULL) status = CLI_FAILED;
    if (status == CLI_DONE) status = write_file(run, arguments, &rows, scores, ranked);
    if (status == CLI_DONE && !arguments->json) print_separation(arguments, &separation);
    if (status == CLI_DONE)
        status = arguments->json ? print_json(run, arguments, way, &rows, ranked, &separation)
                                 : print_table(way, &rows, ranked);
    if (status == CLI_DONE)
        status = complain_of(cli_floats_wrong(scores, rows.count), rows.count, duet_data_describe(rows.data)->name);
    if (status == CLI_DONE) status = complain_of(wrong_against, separation.strange, arguments->against);
    cli_rows_free(&rows);
    free(scores);
    free(ranked);
    return status;
}

/* The curve takes no examples, so nothing that chooses or scores some goes with it. */
static int check_curve(const struct arguments *arguments)
{
    if (arguments->curve == NULL) return CLI_DONE;
    if (arguments->by != NULL || arguments->against != NULL || arguments->out != NULL || arguments->split != NULL ||
        arguments->data != NULL || arguments->count > 0 || arguments->settings.count > 0)
        return cli_complain(CLI_MISTAKE,
                            "--curve gives no scores: -n, --by, --set, --against, --out, --data and --split "
                            "have no meaning beside it");
    return cli_curve_check(arguments->curve);
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    duet_run *opened = NULL;
    int status;
    if (!cli_parse(&cli_score, argc, argv, &arguments, &status)) return status;
    status = cli_out_check(arguments.out);
    if (status == CLI_DONE) status = check_curve(&arguments);
    if (status == CLI_DONE) status = check_way(arguments.by);
    if (status == CLI_DONE) status = cli_rows_check(arguments.split);
    if (status == CLI_DONE) status = cli_settings_look(&arguments.settings);
    if (status == CLI_DONE)
        status = cli_run_open(&opened, arguments.run, arguments.device, arguments.data, arguments.out);
    if (status == CLI_DONE)
        status = cli_check_spared("curve", arguments.curve, duet_data_describe(duet_run_data(opened))->name);
    if (status == CLI_DONE)
        status = arguments.curve != NULL ? cli_curve_write(opened, arguments.run, arguments.curve, arguments.json)
                                         : score(opened, &arguments);
    duet_run_close(&opened);
    return status;
}

static int more_help(cli_help_form form, const char *operand)
{
    static const char *const heads[] = {"score", "meaning"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    (void)operand;
    for (size_t i = 0; i < CLI_COUNT_OF(ways); i++) {
        cli_table_cell(&table, "%s", ways[i].name);
        cli_table_cell(&table, "%s", ways[i].summary);
    }
    return cli_help_table(form, "Scores", "the higher, the stranger", &table);
}

const cli_command cli_score = {
    .name = "score",
    .summary = "say how strange each example is to a trained run",
    .examples = "duet score runs/nice --against fashion-mnist\n"
                "duet score runs/gan --by discriminator --out scores.npy",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .more_help = more_help,
    .processes = CLI_FIRST_PROCESS,
};
