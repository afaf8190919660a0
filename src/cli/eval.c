/* SPDX-License-Identifier: MIT */
/* duet eval: the metrics of a trained run, on the test split. */
#include "cli/commands.h"
#include "cli/judge.h"
#include "cli/metrics.h"
#include "cli/output.h"
#include "cli/run.h"
#include "cli/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *run, *device, *data, *judge, *samples;
    cli_list metrics, settings, features;
    uint64_t seed;
    bool json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_LIST, "metric", 0, PLACE(metrics), "NAME",
     "compute this one; may be given several times\n"
     "(default: all that the model has and that do not take long)",
     0, 0},
    {CLI_LIST, "set", 0, PLACE(settings), "KEY=VALUE",
     "a number of the model's way of sampling, or weights=average or\nweights=trained; several times", 0, 0},
    {CLI_TEXT, "judge", 0, PLACE(judge), "RUN", "a run of a classifier, which says what samples show", 0, 0},
    {CLI_TEXT, "samples", 0, PLACE(samples), "NAME|PATH",
     "judge these examples in place of samples that the model draws, such as\nan array of any other program", 0, 0},
    {CLI_LIST, "features", 0, PLACE(features), "FILE.npy",
     "features of samples and, given again, of the data, by any encoder, in\nplace of a judge's", 0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document", 0, 0},
    {CLI_COUNT, "seed", 0, PLACE(seed), "N", "what a metric's own noise is drawn from (default: 0)", 0, INT64_MAX},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
    {CLI_TEXT, "data", 0, PLACE(data), "NAME|PATH", "judge on this data (default: the run's own)", 0, 0},
};

static void tell_of_missing(void *context, const char *metric, const duet_error *reason)
{
    (void)context;
    cli_complain(CLI_DONE, "%s is left out: %s", metric, reason->message);
}

/* Whether it can be computed; if there are too few examples, says what is left out. */
static bool is_possible(duet_run *run, const char *metric)
{
    duet_error error = {0};
    duet_status status = duet_metric_check(run, metric, cli_run_split(run), &error);
    if (status == DUET_ERROR_DATA) tell_of_missing(NULL, metric, &error);
    return status == DUET_OK;
}

/* All that apply and do not take long. */
static int compute_usual(duet_run *run, const struct arguments *arguments, cli_values *values)
{
    const duet_metric_row *row;
    size_t count = 0;
    const char **names = malloc(cli_metrics_count() * sizeof *names);
    if (names == NULL) return cli_complain(CLI_FAILED, "there is too little memory for names");
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++)
        if (!row->on_request && is_possible(run, row->name)) names[count++] = row->name;
    int status =
        count == 0 ? CLI_DONE : cli_metrics_compute(run, names, count, arguments->seed, values, tell_of_missing, NULL);
    if (status == CLI_DONE && values->count == 0)
        status = cli_complain(CLI_FAILED, "no metric can be computed of %s on %s", arguments->run,
                              duet_data_describe(duet_run_data(run))->name);
    free(names);
    return status;
}

static void tell_and_count(void *missing, const char *metric, const duet_error *reason)
{
    tell_of_missing(NULL, metric, reason);
    ++*(size_t *)missing;
}

/* The metrics asked for; without any, the usual ones. *missing: how many of those asked for the run cannot give, which
 * is a failure, but none of the others'. */
static int compute(duet_run *run, const struct arguments *arguments, cli_values *values, size_t *missing)
{
    const cli_list *asked = &arguments->metrics;
    if (asked->count == 0) return compute_usual(run, arguments, values);
    if (asked->count == 1) return cli_metrics_compute(run, asked->items, 1, arguments->seed, values, NULL, NULL);
    const int status =
        cli_metrics_compute(run, asked->items, asked->count, arguments->seed, values, tell_and_count, missing);
    return status == CLI_DONE && values->count == 0 ? CLI_FAILED : status;
}

static bool has_interval(const duet_metric_value *value)
{
    return !isnan(value->low) && !isnan(value->high);
}

/* {"value", "low", "high", "n"}, why there is none, and the checksum of its features for a value that goes by
 * some. */
static json_t *value_json(duet_run *run, const duet_metric_value *value, duet_error *error)
{
    duet_features_identity identity;
    json_t *row =
        json_pack("{s:o s:o s:o s:I}", "value", cli_json_number(value->value), "low", cli_json_number(value->low),
                  "high", cli_json_number(value->high), "n", (json_int_t)value->n);
    const char *reason = duet_metric_reason(run, value->name);
    if (reason != NULL) json_object_set_new(row, "reason", cli_json_text(reason));
    if (value->row->by_features == DUET_BY_NO_FEATURES) return row;
    if (duet_metric_features(run, value->row->name, &identity, error) != DUET_OK) return row;
    json_object_set_new(row, "features", identity.name[0] == '\0' ? json_null() : json_string(identity.checksum));
    return row;
}

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : cli_json_text(text);
}

/* What gives the features of metrics that compare them; of files, also of what they are. */
static json_t *features_json(duet_run *run, duet_error *error)
{
    duet_features_identity identity;
    if (duet_metric_features(run, NULL, &identity, error) != DUET_OK || identity.name[0] == '\0') return json_null();
    json_t *features = json_pack("{s:o s:s}", "name", cli_json_text(identity.name), "checksum", identity.checksum);
    if (duet_run_given_features(run, DUET_OF_SAMPLES) == NULL) return features;
    json_object_set_new(features, "samples", text_or_null(duet_run_given_origin(run, DUET_OF_SAMPLES)));
    json_object_set_new(features, "examples", text_or_null(duet_run_given_origin(run, DUET_OF_EXAMPLES)));
    return features;
}

/* How good the judge is; null: there is none, or it is not known. */
static json_t *judge_json(const json_t *facts)
{
    static const char *const keys[] = {"value", "low", "high", "n"};
    if (facts == NULL) return json_null();
    json_t *accuracy = json_object();
    for (size_t i = 0; i < CLI_COUNT_OF(keys); i++) json_object_set(accuracy, keys[i], json_object_get(facts, keys[i]));
    return accuracy;
}

static int print_json(duet_run *run, const struct arguments *arguments, const json_t *judge, const cli_values *values)
{
    json_t *metrics = json_object();
    duet_error error = {0};
    for (size_t i = 0; i < values->count; i++)
        json_object_set_new(metrics, values->rows[i].name, value_json(run, &values->rows[i], &error));
    json_t *features = features_json(run, &error);
    int status = cli_json_print(json_pack("{s:i s:o s:o s:o s:o s:o s:s s:o s:s s:o}", "schema", 2, "run",
                                          cli_json_text(arguments->run), "samples", text_or_null(arguments->samples),
                                          "judge", text_or_null(duet_run_judge(run) != NULL ? arguments->judge : NULL),
                                          "judge_accuracy", judge_json(judge), "features", features, "model",
                                          duet_model_family(duet_run_model(run))->name, "data",
                                          cli_json_text(duet_data_describe(duet_run_data(run))->name), "split",
                                          cli_run_split(run) == DUET_TEST ? "test" : "train", "metrics", metrics));
    return error.status == DUET_OK ? status : cli_fail_opened(&error);
}

/* What a device does not measure, such as joules, is no fault of the run's, nor what its data leave nothing to compute
 * of. */
static bool is_measured(const duet_run *run, const duet_metric_value *value)
{
    return !isnan(value->value) ||
           (strcmp(value->row->name, "cost") != 0 && duet_metric_reason(run, value->name) == NULL);
}

static void print_given(duet_run *run, duet_feature_source source, const char *what)
{
    const duet_data_info *info = duet_data_describe(duet_run_given_features(run, source));
    const char *origin = duet_run_given_origin(run, source);
    cli_print(stdout, "features of %s: %zu rows of %s, %s%s\n", what, info->count[DUET_TRAIN] + info->count[DUET_TEST],
              info->name, origin == NULL ? "of which nothing is known" : "", origin == NULL ? "" : origin);
}

/* What the values are of. Of features from files that is what their notes say, and not the run's own data. */
static void print_head(duet_run *run, const cli_values *values)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    const duet_split split = cli_run_split(run);
    const bool given = duet_run_given_features(run, DUET_OF_SAMPLES) != NULL;
    bool by_files = false, by_data = values->count == 0;
    for (size_t i = 0; i < values->count; i++) {
        const bool goes_by_them = given && values->rows[i].row->by_features == DUET_BY_FEATURES;
        by_files |= goes_by_them;
        by_data |= !goes_by_them;
    }
    char examples[32];
    if (by_data)
        cli_print(stdout, "%s of the %s split of %s\n", cli_examples(info->count[split], examples, sizeof examples),
                  split == DUET_TEST ? "test" : "training", info->name);
    if (by_files) print_given(run, DUET_OF_SAMPLES, "samples");
    if (by_files) print_given(run, DUET_OF_EXAMPLES, "examples");
    cli_print(stdout, "\n");
}

static int print_table(duet_run *run, const cli_values *values)
{
    static const char *const heads[] = {"metric", ">value", ">low", ">high", ">examples"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    for (size_t i = 0; i < values->count; i++) {
        const duet_metric_value *value = &values->rows[i];
        cli_table_cell(&table, "%s", value->name);
        if (is_measured(run, value))
            cli_table_cell(&table, isnan(value->value) ? "nan" : "%.6g", value->value);
        else
            cli_table_cell(&table, "-");
        if (has_interval(value)) {
            cli_table_cell(&table, "%.6g", value->low);
            cli_table_cell(&table, "%.6g", value->high);
        } else {
            cli_table_cell(&table, "-");
            cli_table_cell(&table, "-");
        }
        cli_table_cell(&table, "%zu", value->n);
    }
    print_head(run, values);
    return cli_table_print(&table, stdout);
}

/* What the reports of the training would have told of its cost. */
static void tell_of_speeds(duet_run *run, const cli_values *values)
{
    bool costs = false, told = false;
    for (size_t i = 0; i < values->count; i++) {
        costs |= strcmp(values->rows[i].row->name, "cost") == 0;
        told |= strcmp(values->rows[i].name, "step-ms") == 0;
    }
    char words[400];
    if (costs && duet_run_doubts_reports(duet_run_directory(run), words, sizeof words))
        cli_complain(CLI_DONE, "warning: %s: %s (step-ms and images-per-second go by it)", duet_run_directory(run),
                     words);
    else if (costs && !told)
        cli_complain(
            CLI_DONE,
            "step-ms and images-per-second are left out: %s/metrics.jsonl, the reports of the training, is not "
            "there or tells of none",
            duet_run_directory(run));
}

/* Why some are not there. */
static void tell_of_unknown(const duet_run *run, const cli_values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        const char *reason = duet_metric_reason(run, values->rows[i].name);
        if (reason != NULL) cli_print(stderr, "note: %s has no value: %s\n", values->rows[i].name, reason);
    }
}

static void tell_of_choice(duet_run *run, const char *path)
{
    char words[300];
    if (cli_run_split(run) == DUET_TEST && duet_run_is_chosen(path, words, sizeof words))
        cli_print(stderr, "note: %s: %s\n", path, words);
}

/* A value that is not finite says that the run, or what it was asked of, is not sound. */
static int check_values(const duet_run *run, const cli_values *values)
{
    size_t wrong = 0;
    const char *first = NULL;
    for (size_t i = values->count; i-- > 0;)
        if (!isfinite(values->rows[i].value) && is_measured(run, &values->rows[i])) {
            first = values->rows[i].name;
            wrong++;
        }
    if (wrong == 0) return CLI_DONE;
    return cli_complain(CLI_WRONG,
                        "%zu of the values are not finite, the first of them %s: what the model computes of these "
                        "examples is not finite",
                        wrong, first);
}

static int take_samples(duet_run *run, const char *samples)
{
    duet_error error = {0};
    int status = cli_data_check(samples);
    if (status != CLI_DONE) return status;
    if (duet_run_set_samples(run, samples, &error) != DUET_OK) return cli_fail_opened(&error);
    duet_data *given = duet_run_given_samples(run);
    if (given != NULL) cli_data_tell(given, 0);
    if (given != NULL && duet_data_describe(duet_run_data(run))->unit_range && !duet_data_describe(given)->unit_range)
        cli_print(stderr, "%s leaves [0, 1], where the run's data are: are these pixels of another scale?\n", samples);
    return CLI_DONE;
}

static int take_features(duet_run *run, const cli_list *files)
{
    duet_error error = {0};
    if (files->count == 0) return CLI_DONE;
    if (duet_run_set_features(run, files->items[0], files->items[1], &error) != DUET_OK) return cli_fail_opened(&error);
    cli_data_tell(duet_run_given_features(run, DUET_OF_SAMPLES), 0);
    cli_data_tell(duet_run_given_features(run, DUET_OF_EXAMPLES), 0);
    return CLI_DONE;
}

/* Each metric once. */
static void drop_repeated(cli_list *metrics)
{
    size_t kept = 0;
    for (size_t i = 0; i < metrics->count; i++) {
        size_t k = 0;
        while (k < kept && strcmp(metrics->items[k], metrics->items[i]) != 0) k++;
        if (k == kept) metrics->items[kept++] = metrics->items[i];
    }
    metrics->count = kept;
}

/* Whether a metric compares features, or asks the judge, whose features those of files stand for. */
static bool goes_by(const struct arguments *arguments, const char *metric, bool features)
{
    const duet_feature_use use = duet_metric_find(metric)->by_features;
    if (features) return use == DUET_BY_FEATURES;
    return use == DUET_BY_JUDGE || (use == DUET_BY_FEATURES && arguments->features.count == 0);
}

static bool some_go_by(const struct arguments *arguments, bool features)
{
    const cli_list *metrics = &arguments->metrics;
    bool some = metrics->count == 0;
    for (size_t i = 0; i < metrics->count; i++) some |= goes_by(arguments, metrics->items[i], features);
    return some;
}

/* What was given and none of the metrics that were named asks. */
static void tell_of_idle(const struct arguments *arguments)
{
    if (arguments->judge != NULL && !some_go_by(arguments, false))
        cli_print(stderr, "note: --judge has no effect: none of these metrics asks one\n");
    if (arguments->features.count > 0 && !some_go_by(arguments, true))
        cli_print(stderr, "note: --features has no effect: none of these metrics compares features\n");
}

/* A metric that needs the judge says itself that it does not fit; not said are those that are computed otherwise, and
 * those that nobody named. */
static void tell_of_misfit(duet_run *run, const struct arguments *arguments, const duet_error *misfit)
{
    const cli_list *metrics = &arguments->metrics;
    bool silent = metrics->count == 0;
    if (misfit->status == DUET_OK) return;
    for (size_t i = 0; i < metrics->count; i++)
        silent |= goes_by(arguments, metrics->items[i], false) && duet_metric_applies(run, metrics->items[i]);
    if (silent) cli_complain(CLI_DONE, "the judge is left out: %s", misfit->message);
}

/* The run has no judge where none of the metrics asks one, and where it does not fit the run's data, which is no error
 * yet: metrics that need none are computed all the same. One that is no classifier is a mistake. */
static int call_judge(duet_run *run, const struct arguments *arguments, duet_run **judge, duet_error *misfit)
{
    duet_error error = {0};
    if (arguments->judge == NULL) return CLI_DONE;
    if (duet_run_open_beside(judge, arguments->judge, run, &error) != DUET_OK) return cli_fail_opened(&error);
    if (!some_go_by(arguments, false) || cli_run_set_judge(run, *judge, misfit) == DUET_OK) return CLI_DONE;
    return misfit->status == DUET_ERROR_DATA ? CLI_DONE : cli_fail_opened(misfit);
}

/* Which settings have an effect shows when the metrics have asked for what they need. */
static int check_settings(duet_run *run)
{
    const char *unread = duet_run_unread(run);
    if (unread == NULL) return CLI_DONE;
    return cli_complain(CLI_FAILED, "--set %s has no effect: none of these metrics reads it", unread);
}

/* Said once, and not by every metric. */
static int find_data(duet_run *run)
{
    duet_error error = {0};
    return duet_data_ready(duet_run_data(run), &error) == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

/* Of examples that are nobody's test set, a tenth is judged. */
static int tell_of_share(duet_run *run)
{
    duet_error error = {0};
    char words[600];
    bool tells;
    if (duet_run_tells_share(run, &tells, words, sizeof words, &error) != DUET_OK) return cli_fail_opened(&error);
    if (tells) cli_print(stderr, "note: %s\n", words);
    return CLI_DONE;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    cli_values values = {0};
    duet_run *opened = NULL, *judge = NULL;
    json_t *facts = NULL;
    duet_error misfit = {0};
    size_t missing = 0;
    int status;
    if (!cli_parse(&cli_eval, argc, argv, &arguments, &status)) return status;
    status = cli_metrics_check(&arguments.metrics);
    if (status == CLI_DONE) drop_repeated(&arguments.metrics);
    if (status == CLI_DONE) tell_of_idle(&arguments);
    if (status == CLI_DONE) status = cli_settings_look(&arguments.settings);
    if (status == CLI_DONE && arguments.features.count != 0 && arguments.features.count != 2)
        status = cli_complain(CLI_MISTAKE,
                              "--features %s alone: give it once more, as there are two files, first the features of "
                              "samples, then those of the data",
                              arguments.features.items[0]);
    if (status == CLI_DONE) status = cli_run_open(&opened, arguments.run, arguments.device, arguments.data, NULL);
    if (status == CLI_DONE) status = cli_settings_known(opened, &arguments.settings);
    if (status == CLI_DONE) duet_run_set_settings(opened, arguments.settings.items, arguments.settings.count);
    if (status == CLI_DONE) status = call_judge(opened, &arguments, &judge, &misfit);
    if (status == CLI_DONE) status = take_samples(opened, arguments.samples);
    if (status == CLI_DONE && some_go_by(&arguments, true)) status = take_features(opened, &arguments.features);
    if (status == CLI_DONE) tell_of_misfit(opened, &arguments, &misfit);
    if (status == CLI_DONE && arguments.metrics.count == 0) status = find_data(opened);
    if (status == CLI_DONE) status = tell_of_share(opened);
    if (status == CLI_DONE) status = compute(opened, &arguments, &values, &missing);
    if (status == CLI_DONE && duet_run_judge(opened) != NULL) status = cli_judge_weigh(judge, &facts);
    if (status == CLI_DONE && arguments.samples != NULL && !duet_run_samples_read(opened))
        cli_print(stderr, "note: --samples has no effect: none of these metrics looks at samples\n");
    if (status == CLI_DONE) tell_of_speeds(opened, &values);
    if (status == CLI_DONE) tell_of_unknown(opened, &values);
    if (status == CLI_DONE) tell_of_choice(opened, arguments.run);
    if (status == CLI_DONE && missing == 0) status = check_settings(opened);
    if (status == CLI_DONE)
        status = arguments.json ? print_json(opened, &arguments, facts, &values) : print_table(opened, &values);
    if (status == CLI_DONE) status = check_values(opened, &values);
    if (status == CLI_DONE && missing > 0) status = CLI_FAILED;
    json_decref(facts);
    free(values.rows);
    duet_run_close(&judge);
    duet_run_close(&opened);
    return status;
}

static int more_help(cli_help_form form, const char *operand)
{
    static const char *const heads[] = {"metric", "unit", "meaning"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    const duet_metric_row *row;
    (void)operand;
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++) {
        cli_table_cell(&table, "%s", row->name);
        cli_table_cell(&table, "%s", row->unit);
        cli_table_cell(&table, "%s", row->summary);
    }
    return cli_help_table(form, "Metrics", NULL, &table);
}

const cli_command cli_eval = {
    .name = "eval",
    .summary = "judge a trained run on its test split",
    .examples = "duet eval runs/vae\n"
                "duet eval runs/gan --judge runs/judge --metric frechet --json",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .more_help = more_help,
    .processes = CLI_FIRST_PROCESS,
};
