/* SPDX-License-Identifier: MIT */
/* duet classify: the class of each example, by a classifier's softmax or, for a model with a density for each class, by
 * Bayes' rule with a uniform prior over classes: p(c | x) is proportional to p(x | c). A VAE gives its bound in place
 * of log p(x | c). */
#include "cli/commands.h"
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
    const char *run, *out, *device, *data, *split;
    uint64_t count;
    cli_list settings;
    bool json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_COUNT, NULL, 'n', PLACE(count), "N", "how many, from the first on (default, and at most: all)", 1, UINT32_MAX},
    CLI_ROWS_OPTIONS(PLACE(split), PLACE(data)),
    CLI_SET_OPTION(PLACE(settings)),
    {CLI_TEXT, "out", 0, PLACE(out), "FILE",
     "FILE.npy: probabilities, [N, classes]; FILE.png: a row of examples\nfor each class, those taken for it", 0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
};

enum { DRAWN = 10 };

/* The rows and what was found for them. */
typedef struct verdicts {
    cli_rows rows;
    size_t classes;
    bool bayes;
    float *probabilities; /* [rows, classes]; at first they are log-densities or logits */
    uint8_t *labels;      /* NULL: unknown */
} verdicts;

/* Log-densities under each class: one pass over the rows for each. Of one without a training example the model says
 * nothing, and no example is taken for it. */
static int ask_densities(duet_run *run, verdicts *it)
{
    const bool bound = duet_run_features(run, DUET_KL) > 0;
    uint8_t learnt[256];
    const size_t known = duet_run_learnt_classes(run, learnt);
    float *values = cli_floats_new(it->rows.count, 2);
    int status = values == NULL ? CLI_FAILED : CLI_DONE;
    for (size_t i = 0; i < it->rows.count * it->classes; i++) it->probabilities[i] = -INFINITY;
    for (size_t k = 0; k < known && status == CLI_DONE; k++) {
        float *more = values + it->rows.count;
        const duet_wanted wanted[] = {{DUET_NLL, values}, {DUET_KL, more}};
        status = cli_rows_use(run, &it->rows, learnt[k], wanted, bound ? 2 : 1);
        for (size_t i = 0; status == CLI_DONE && i < it->rows.count; i++)
            it->probabilities[i * it->classes + learnt[k]] = -values[i] - (bound ? more[i] : 0);
    }
    free(values);
    return status;
}

static void take_softmax(float *row, size_t count)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, (double)row[i]);
    for (size_t i = 0; i < count; i++) sum += exp((double)row[i] - most);
    for (size_t i = 0; i < count; i++) row[i] = (float)(exp((double)row[i] - most) / sum);
}

static size_t most_likely(const verdicts *it, size_t row)
{
    const float *values = it->probabilities + row * it->classes;
    size_t best = 0;
    for (size_t c = 1; c < it->classes; c++)
        if (values[c] > values[best]) best = c;
    return best;
}

static int judge(duet_run *run, verdicts *it)
{
    const duet_wanted wanted = {DUET_CLASS_LOGITS, it->probabilities};
    /* a classifier's logits do not go by the labels, which may be of classes that it does not know */
    int status = it->bayes ? ask_densities(run, it) : cli_rows_use(run, &it->rows, 0, &wanted, 1);
    for (size_t i = 0; status == CLI_DONE && i < it->rows.count; i++)
        take_softmax(it->probabilities + i * it->classes, it->classes);
    return status;
}

/* Draws the first examples taken for each class, black where there are too few. */
static int draw(duet_run *run, const struct arguments *arguments, const verdicts *it)
{
    size_t features = duet_shape_elements(duet_data_describe(duet_run_data(run))->shape), *found;
    float *values = cli_floats_new(it->classes * DRAWN, features);
    int status = CLI_DONE;
    found = calloc(it->classes, sizeof *found);
    if (values == NULL || found == NULL) {
        free(values);
        free(found);
        return CLI_FAILED;
    }
    memset(values, 0, it->classes * DRAWN * features * sizeof *values);
    for (size_t i = 0; i < it->rows.count && status == CLI_DONE; i++) {
        size_t c = most_likely(it, i);
        if (found[c] == DRAWN) continue;
        status = cli_rows_read(run, &it->rows, i, 1, values + (c * DRAWN + found[c]++) * features, NULL);
    }
    if (status == CLI_DONE)
        status = cli_gallery_write(run, arguments->run,
                                   &(cli_gallery){.what = "classes",
                                                  .rows = it->classes,
                                                  .count = DRAWN,
                                                  .columns = DRAWN,
                                                  .quiet = arguments->json,
                                                  .values = values,
                                                  .out = arguments->out});
    free(values);
    free(found);
    return status;
}

static int write_file(duet_run *run, const struct arguments *arguments, const verdicts *it)
{
    if (arguments->out == NULL) return CLI_DONE;
    if (!cli_ends_in(arguments->out, ".npy")) return draw(run, arguments, it);
    int status = cli_array_write(arguments->out, it->probabilities, DUET_SHAPE(it->rows.count, it->classes));
    if (status != CLI_DONE) return status;
    if (!arguments->json) cli_print_name(arguments->out);
    return CLI_DONE;
}

/* Nobody can be right about a class that the run does not know: then labels are no measure. */
static void check_labels(duet_run *run, verdicts *it)
{
    duet_error error = {0};
    const duet_data_info *info = duet_data_describe(it->rows.data);
    if (it->labels == NULL || duet_run_check_labels(run, info, it->labels, it->rows.count, &error) == DUET_OK) return;
    cli_complain(CLI_DONE, "accuracy is left out: %s", error.message);
    free(it->labels);
    it->labels = NULL;
}

/* What is said of all rows together. */
typedef struct summary {
    cli_estimate accuracy, confidence /* the mean probability of the class taken */;
    size_t counts[256];
} summary;

static int sum_up(const verdicts *it, summary *sum)
{
    const size_t n = it->rows.count;
    size_t right = 0;
    double *taken = calloc(n, sizeof *taken);
    if (taken == NULL) return cli_complain(CLI_FAILED, "there is too little memory for %zu examples", n);
    *sum = (summary){.accuracy = {NAN, NAN, NAN}};
    for (size_t i = 0; i < n; i++) {
        size_t c = most_likely(it, i);
        sum->counts[c]++;
        taken[i] = (double)it->probabilities[i * it->classes + c];
        right += it->labels != NULL && it->labels[i] == c;
    }
    sum->confidence = cli_mean(taken, n, 0, 1);
    free(taken);
    if (it->labels == NULL) return CLI_DONE;
    sum->accuracy.value = (double)right / (double)n;
    duet_share_interval(right, n, &sum->accuracy.low, &sum->accuracy.high);
    return CLI_DONE;
}

static int print_json(duet_run *run, const struct arguments *arguments, const verdicts *it, const summary *sum)
{
    const size_t n = it->rows.count;
    json_t *document =
        json_pack("{s:o s:s s:s s:s s:I}", "run", cli_json_text(arguments->run), "model",
                  duet_model_family(duet_run_model(run))->name, "by", it->bayes ? "densities" : "softmax", "split",
                  it->rows.split, "examples", (json_int_t)n);
    json_t *shares = json_array(), *lows = json_array(), *highs = json_array();
    for (size_t c = 0; c < it->classes; c++) {
        double low, high;
        duet_share_interval(sum->counts[c], n, &low, &high);
        json_array_append_new(shares, json_real((double)sum->counts[c] / (double)n));
        json_array_append_new(lows, json_real(low));
        json_array_append_new(highs, json_real(high));
    }
    cli_json_estimate(document, "accuracy", &sum->accuracy);
    cli_json_estimate(document, "confidence", &sum->confidence);
    json_object_set_new(document, "shares", shares);
    json_object_set_new(document, "shares_low", lows);
    json_object_set_new(document, "shares_high", highs);
    return cli_json_print(document);
}

static int report(duet_run *run, const struct arguments *arguments, const verdicts *it)
{
    char interval[64], examples[32];
    summary sum;
    int status = sum_up(it, &sum);
    if (status != CLI_DONE) return status;
    if (arguments->json) return print_json(run, arguments, it, &sum);
    if (it->labels != NULL)
        printf("accuracy %.4f (%.4f to %.4f), ", sum.accuracy.value, sum.accuracy.low, sum.accuracy.high);
    printf("mean probability of the class taken %.4f (%s), over %s %s, by %s\nshares of the classes:",
           sum.confidence.value, cli_interval(&sum.confidence, interval, sizeof interval),
           cli_examples(it->rows.count, examples, sizeof examples), it->rows.words,
           it->bayes ? "Bayes' rule on densities of each class" : "the classifier's softmax");
    for (size_t c = 0; c < it->classes; c++) printf(" %.3f", (double)sum.counts[c] / (double)it->rows.count);
    printf("\n");
    return CLI_DONE;
}

static int classify(duet_run *run, const struct arguments *arguments)
{
    static const char *const logits[] = {DUET_CLASS_LOGITS}, *const densities[] = {DUET_NLL, DUET_KL};
    verdicts it = {.classes = duet_run_features(run, DUET_CLASS_LOGITS)};
    if (it.classes == 0 && duet_run_has_classes(run) && duet_run_features(run, DUET_NLL) == 1) {
        it.bayes = true;
        it.classes = duet_run_classes(run);
    }
    if (it.classes == 0)
        return cli_complain(CLI_FAILED,
                            "a model of kind %s cannot classify: a classifier can, and a model with a density for each "
                            "class such as cvae",
                            duet_model_family(duet_run_model(run))->name);
    int status = cli_rows_choose(run, arguments->data, arguments->split, arguments->count, 0, &it.rows);
    if (status == CLI_DONE)
        status = cli_settings_take(run, &arguments->settings, it.bayes ? densities : logits, it.bayes ? 2 : 1);
    if (status == CLI_DONE) it.probabilities = cli_floats_new(it.rows.count, it.classes);
    if (status == CLI_DONE) status = cli_rows_labels(&it.rows, &it.labels);
    if (status == CLI_DONE && it.probabilities == NULL) status = CLI_FAILED;
    if (status == CLI_DONE) status = judge(run, &it);
    if (status == CLI_DONE) status = cli_floats_check(it.probabilities, it.rows.count * it.classes, "probabilities");
    if (status == CLI_DONE) status = write_file(run, arguments, &it);
    if (status == CLI_DONE) check_labels(run, &it);
    if (status == CLI_DONE) status = report(run, arguments, &it);
    cli_rows_free(&it.rows);
    free(it.probabilities);
    free(it.labels);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    duet_run *opened = NULL;
    int status;
    if (!cli_parse(&cli_classify, argc, argv, &arguments, &status)) return status;
    status = cli_out_check(arguments.out);
    if (status == CLI_DONE) status = cli_rows_check(arguments.split);
    if (status == CLI_DONE) status = cli_settings_look(&arguments.settings);
    if (status == CLI_DONE) status = cli_run_open(&opened, arguments.run, arguments.device, arguments.data, arguments.out);
    if (status == CLI_DONE) status = classify(opened, &arguments);
    duet_run_close(&opened);
    return status;
}

const cli_command cli_classify = {
    .name = "classify",
    .summary = "say which class each example has",
    .details = "A classifier says so itself. A model that knows a density for each class, or a bound of one, such as\n"
               "cvae, is asked for all classes, and Bayes' rule makes probabilities of the answers.",
    .examples = "duet classify runs/judge --data photos --json",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_FIRST_PROCESS,
};
