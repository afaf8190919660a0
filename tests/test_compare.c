/* SPDX-License-Identifier: MIT */
/* Runs side by side: which of two is marked as better, what is not compared, what a page holds; by run directories
 * written here, and by the program on small trainings. */
#include "program.h"

#include "duet/report.h"

/* Run directories of a few files, so that every number is known. */

static void make_run(const char *name, const char *data, const char *evaluation)
{
    char path[PATH_SIZE], file[PATH_SIZE + 16], text[1024];
    (void)mkdir(inside(name, path), 0777);
    (void)snprintf(
        text, sizeof text,
        "{\"model\": \"vae\", \"settings\": {\"latent\": \"%zu\", \"lr\": \"%s\"}, \"data\": {\"name\": \"%s\", "
        "\"shape\": [2]}, \"batch\": 8, \"parameters\": {\"encoder\": 5, \"decoder\": 6}}",
        strlen(name), strlen(name) > 4 ? "1e-1" : "0.1", data);
    (void)snprintf(file, sizeof file, "%s/run.json", path);
    test_file_write(file, text, strlen(text));
    if (evaluation == NULL) return;
    (void)snprintf(file, sizeof file, "%s/evaluation.json", path);
    test_file_write(file, evaluation, strlen(evaluation));
}

/* The document of two runs. */
static json_t *compared(const char *a, const char *b)
{
    char paths[2][PATH_SIZE], *text;
    const char *const runs[] = {inside(a, paths[0]), inside(b, paths[1])};
    duet_error error = {0};
    assert_int_equal(duet_page_document(runs, 2, &text, &error), DUET_OK);
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    free(text);
    return document;
}

/* An evaluation of one metric. */
static const char *unit = "u";
static const char *metric(const char *better, double value, double low, double high, const char *features)
{
    static char text[1024];
    (void)snprintf(
        text, sizeof text,
        "{\"metrics\": [{\"name\": \"m\", \"metric\": \"m\", \"group\": \"g\", \"unit\": \"%s\", \"order\": 1, "
        "\"better\": \"%s\", \"target\": 1, \"value\": %g, \"low\": %g, \"high\": %g, \"n\": 9%s%s%s}], "
        "\"not_given\": [{\"name\": \"x\", \"metric\": \"x\", \"group\": \"g\", \"order\": 2, \"better\": "
        "\"larger\", \"reason\": \"only for models of another kind\"}]}",
        unit, better, value, low, high, features == NULL ? "" : ", \"features\": \"", features == NULL ? "" : features,
        features == NULL ? "" : "\"");
    return text;
}

typedef struct verdict_case {
    const char *name, *better;
    double a[3], b[3]; /* value, low, high */
    int best;          /* the run that is marked; -1: none */
    const char *features[2], *data[2];
    const char *words; /* of the verdict */
} verdict_case;

static const verdict_case verdict_cases[] = {
    {"larger_and_apart", "larger", {3, 2.5, 3.5}, {2, 1.5, 2.4}, 0, {NULL}, {"d", "d"}, "a is better by m."},
    {"smaller_and_apart", "smaller", {3, 2.5, 3.5}, {2, 1.5, 2.4}, 1, {NULL}, {"d", "d"}, "b is better by m."},
    {"overlapping", "larger", {3, 2.5, 3.5}, {2, 1.5, 2.5}, -1, {NULL}, {"d", "d"}, "Not told apart by m."},
    {"nearer_to_one", "near", {1.5, 1.4, 1.6}, {0.8, 0.7, 0.9}, 1, {NULL}, {"d", "d"}, "b is better by m."},
    {"one_is_inside", "near", {1.3, 0.9, 1.7}, {0.8, 0.7, 0.9}, -1, {NULL}, {"d", "d"}, "Not told apart by m."},
    {"neither_is_better", "neither", {3, 2.5, 3.5}, {2, 1.5, 2.4}, -1, {NULL}, {"d", "d"}, NULL},
    {"same_features", "larger", {3, 2.5, 3.5}, {2, 1.5, 2.4}, 0, {"j 1", "j 1"}, {"d", "d"}, "a is better by m."},
    {"other_features", "larger", {3, 2.5, 3.5}, {2, 1.5, 2.4}, -1, {"j 1", "j 2"}, {"d", "d"}, "Not to be compared"},
    {"other_data", "larger", {3, 2.5, 3.5}, {2, 1.5, 2.4}, -1, {NULL}, {"d", "e"}, "Not to be compared"},
};

static void the_better_run_is_marked(void **state)
{
    const verdict_case *it = *state;
    test_folder_new(folder);
    make_run("a", it->data[0], metric(it->better, it->a[0], it->a[1], it->a[2], it->features[0]));
    make_run("b", it->data[1], metric(it->better, it->b[0], it->b[1], it->b[2], it->features[1]));
    json_t *document = compared("a", "b"), *row = json_array_get(json_object_get(document, "metrics"), 0);
    json_t *best = json_object_get(row, "best");
    const char *words =
        json_string_value(json_object_get(json_array_get(json_object_get(document, "verdicts"), 0), "text"));
    assert_int_equal(json_array_size(best), it->best < 0 ? 0 : 1);
    if (it->best >= 0) assert_int_equal(json_integer_value(json_array_get(best, 0)), it->best);
    if (it->words != NULL && (words == NULL || strstr(words, it->words) == NULL))
        fail_msg("the verdict is %s", words == NULL ? "missing" : words);
    assert_int_equal(json_is_string(json_object_get(row, "not_comparable")),
                     it->words != NULL && strncmp(it->words, "Not to be", 9) == 0);
    json_decref(document);
    test_folder_remove(folder);
}

/* Repeats in one process are alike: copies of a run would be told apart by its times. */
static void times_are_not_marked(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        unit = (const char *const[]){"milliseconds", "images a second", "joules"}[i];
        make_run("a", "d", metric("smaller", 3, 2.5, 3.5, NULL));
        make_run("b", "d", metric("smaller", 2, 1.5, 2.4, NULL));
        json_t *document = compared("a", "b"), *row = json_array_get(json_object_get(document, "metrics"), 0);
        json_t *verdict = json_array_get(json_object_get(document, "verdicts"), 0);
        assert_int_equal(json_array_size(json_object_get(row, "best")), 0);
        assert_non_null(strstr(json_string_value(json_object_get(verdict, "text")), "so no verdict, for m."));
        json_decref(document);
    }
    unit = "u";
}

/* What one model is the better for is not the aim of another, such as classes read from codes that are told them. */
static void values_of_other_aims_are_not_compared(void **state)
{
    (void)state;
    make_run("a", "d", metric("larger", 3, 2.9, 3.1, NULL));
    make_run("b", "d", metric("neither", 9, 8.9, 9.1, NULL));
    for (size_t i = 0; i < 2; i++) {
        json_t *document = compared(i == 0 ? "a" : "b", i == 0 ? "b" : "a");
        json_t *row = json_array_get(json_object_get(document, "metrics"), 0);
        assert_int_equal(json_array_size(json_object_get(row, "best")), 0);
        assert_string_equal(json_string_value(json_object_get(row, "not_comparable")),
                            "of models of which it says different things");
        json_decref(document);
    }
}

/* `more`: further keys of "data". */
static void make_run_of(const char *name, const char *likelihood, const char *more)
{
    char path[PATH_SIZE], text[256], evaluation[512];
    (void)snprintf(
        evaluation, sizeof evaluation,
        "{\"metrics\": [{\"name\": \"elbo\", \"metric\": \"elbo\", \"group\": \"g\", \"order\": 1, \"better\": "
        "\"larger\", \"by_likelihood\": true, \"value\": %zu, \"low\": %zu, \"high\": %zu, \"n\": 9}]}",
        strlen(name), strlen(name), strlen(name));
    make_run(name, "d", evaluation);
    (void)snprintf(text, sizeof text, "{\"settings\": {\"likelihood\": \"%s\"}, \"data\": {\"name\": \"d\"%s}}",
                   likelihood, more);
    (void)snprintf(path, sizeof path, "%s/%s/run.json", folder, name);
    test_file_write(path, text, strlen(text));
}

static void nats_are_compared_under_one_likelihood(void **state)
{
    (void)state;
    make_run_of("a", "gaussian", "");
    make_run_of("ab", "gaussian", "");
    make_run_of("abc", "bernoulli", "");
    json_t *document = compared("a", "ab"), *row = json_array_get(json_object_get(document, "metrics"), 0);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(row, "best"), 0)), 1);
    json_decref(document);
    document = compared("ab", "abc");
    row = json_array_get(json_object_get(document, "metrics"), 0);
    assert_int_equal(json_array_size(json_object_get(row, "best")), 0);
    assert_string_equal(json_string_value(json_object_get(row, "not_comparable")), "under different likelihoods");
    json_decref(document);
}

/* "auto" is one of the others, by the data, and the same as that one asked for. */
static void a_likelihood_that_is_taken_is_one_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *within, *one, *other;
        bool same;
    } rows[] = {{"true", "auto", "bernoulli", true},  {"true", "auto", "gaussian", false},
                {"false", "auto", "gaussian", true},  {"false", "auto", "gaussian-learned", false},
                {"true", "bernoulli", "auto", true},  {"false", "auto", "auto", true},
                {"null", "auto", "bernoulli", false}, {"null", "auto", "auto", true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char more[64];
        (void)snprintf(more, sizeof more, ", \"unit_range\": %s", rows[i].within);
        make_run_of("a", rows[i].one, more);
        make_run_of("ab", rows[i].other, more);
        json_t *document = compared("a", "ab"), *row = json_array_get(json_object_get(document, "metrics"), 0);
        if (json_is_null(json_object_get(row, "not_comparable")) != rows[i].same)
            fail_msg("%s and %s, values in [0, 1]: %s", rows[i].one, rows[i].other, rows[i].within);
        assert_int_equal(json_array_size(json_object_get(row, "best")), rows[i].same ? 1 : 0);
        json_decref(document);
    }
}

/* Numbers that do not change have what density the floor of their sigmas gives them. */
static void nats_are_compared_under_one_floor(void **state)
{
    (void)state;
    static const struct {
        const char *likelihood, *floors[2];
        bool compared;
    } rows[] = {
        {"gaussian-learned\", \"sigma_per\": \"feature", {"0.0025", "0.1"}, false},
        {"gaussian-learned\", \"sigma_per\": \"feature", {"0.0025", "2.5e-3"}, true},
        {"gaussian-learned\", \"sigma_per\": \"model", {"0.0025", "0.1"}, true},
        {"gaussian\", \"sigma_per\": \"feature", {"0.0025", "0.1"}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t k = 0; k < 2; k++) {
            char likelihood[128];
            (void)snprintf(likelihood, sizeof likelihood, "%s\", \"sigma_floor\": \"%s", rows[i].likelihood,
                           rows[i].floors[k]);
            make_run_of(k == 0 ? "a" : "ab", likelihood, "");
        }
        json_t *document = compared("a", "ab"), *row = json_array_get(json_object_get(document, "metrics"), 0);
        const char *reason = json_string_value(json_object_get(row, "not_comparable"));
        if (rows[i].compared)
            assert_null(reason);
        else
            assert_string_equal(reason, "under different floors of sigma");
        json_decref(document);
    }
}

/* A run with an nll, and bits where it is of bytes. */
static void make_density(const char *name, bool bits, const char *dequantise, bool within)
{
    char path[PATH_SIZE], text[256], evaluation[768];
    const char *more = ", {\"name\": \"bits-per-dimension\", \"metric\": \"bits-per-dimension\", \"group\": \"g\", "
                       "\"order\": 2, \"better\": \"smaller\", \"value\": 1, \"low\": 1, \"high\": 1, \"n\": 9}";
    (void)snprintf(
        evaluation, sizeof evaluation,
        "{\"metrics\": [{\"name\": \"nll\", \"metric\": \"nll\", \"group\": \"g\", \"order\": 1, \"better\": "
        "\"smaller\", \"by_likelihood\": true, \"value\": %zu, \"low\": %zu, \"high\": %zu, \"n\": 9}%s]}",
        strlen(name), strlen(name), strlen(name), bits ? more : "");
    make_run(name, "d", evaluation);
    (void)snprintf(text, sizeof text,
                   "{\"settings\": {\"dequantise\": \"%s\"}, \"data\": {\"name\": \"d\", \"unit_range\": %s}}",
                   dequantise, within ? "true" : "false");
    (void)snprintf(path, sizeof path, "%s/%s/run.json", folder, name);
    test_file_write(path, text, strlen(text));
}

/* A density of bytes with noise is of other numbers than one of the numbers as they are. */
static void densities_of_unlike_numbers_are_not_compared(void **state)
{
    (void)state;
    static const struct {
        bool bits[2];
        const char *dequantise[2];
        bool within, compared;
    } rows[] = {
        {{true, true}, {"auto", "auto"}, true, true},   {{false, false}, {"auto", "auto"}, true, true},
        {{true, false}, {"auto", "auto"}, true, false}, {{false, false}, {"yes", "auto"}, true, false},
        {{false, false}, {"yes", "auto"}, false, true}, {{true, true}, {"yes", "auto"}, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_density("a", rows[i].bits[0], rows[i].dequantise[0], rows[i].within);
        make_density("ab", rows[i].bits[1], rows[i].dequantise[1], rows[i].within);
        json_t *document = compared("a", "ab"), *row = json_array_get(json_object_get(document, "metrics"), 0);
        assert_int_equal(json_array_size(json_object_get(row, "best")), rows[i].compared ? 1 : 0);
        assert_int_equal(json_is_string(json_object_get(row, "not_comparable")), !rows[i].compared);
        json_decref(document);
    }
}

/* The metric of `metric`, evaluated on data of that checksum. */
static const char *on_data(double value, const char *checksum, const char *split)
{
    static char text[1400];
    (void)snprintf(text, sizeof text, "{\"data_checksum\": \"%s\", \"split\": \"%s\", %s", checksum, split,
                   metric("larger", value, value - 0.1, value + 0.1, NULL) + 1);
    return text;
}

/* What the data are decides, not what they are called: one set under two paths is compared, one path with two sets is
 * not. */
static void the_same_examples_are_compared(void **state)
{
    (void)state;
    static const struct {
        const char *name, *checksum, *split;
        bool compared;
    } others[] = {
        {"d", "1", "test", true}, {"e", "1", "test", true}, {"d", "2", "test", false}, {"d", "1", "train", false}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        make_run("a", "d", on_data(1, "1", "test"));
        make_run("b", others[i].name, on_data(2, others[i].checksum, others[i].split));
        json_t *document = compared("a", "b"), *row = json_array_get(json_object_get(document, "metrics"), 0);
        assert_int_equal(json_array_size(json_object_get(row, "best")), others[i].compared ? 1 : 0);
        assert_int_equal(json_is_string(json_object_get(row, "not_comparable")), !others[i].compared);
        json_decref(document);
    }
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    duet_error none = {0};
    assert_status(duet_page_write("nowhere.html", NULL, 0, &none), DUET_ERROR_USAGE, &none);
    make_run("with", "d", metric("larger", 3, 2.5, 3.5, NULL));
    make_run("without", "d", NULL);
    json_t *document = compared("with", "without"), *rows = json_object_get(document, "metrics");
    json_t *given = json_object_get(json_array_get(rows, 0), "values");
    json_t *refused = json_object_get(json_array_get(rows, 1), "values");
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(given, 1), "reason")), "not evaluated yet");
    assert_string_equal(json_string_value(json_object_get(json_array_get(refused, 0), "reason")),
                        "only for models of another kind");
    json_decref(document);
}

static void settings_that_differ_come_apart(void **state)
{
    (void)state;
    make_run("one", "d", NULL);
    make_run("other", "d", NULL);
    json_t *document = compared("one", "other"), *differences = json_object_get(document, "differences");
    json_t *row = json_array_get(differences, 0), *values = json_object_get(row, "values");
    assert_int_equal(json_array_size(differences), 1);
    assert_string_equal(json_string_value(json_object_get(row, "setting")), "latent");
    assert_string_equal(json_string_value(json_array_get(values, 0)), "3");
    assert_string_equal(json_string_value(json_array_get(values, 1)), "5");
    json_t *cost = json_object_get(json_array_get(json_object_get(document, "runs"), 0), "cost");
    assert_int_equal(json_integer_value(json_object_get(cost, "parameters")), 11);
    json_decref(document);
}

/* The value that run `index` has of a setting in which they differ, else "". */
static const char *differing(json_t *document, const char *setting, size_t index)
{
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(document, "differences"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "setting")), setting) == 0)
            return json_string_value(json_array_get(json_object_get(row, "values"), index));
    }
    return "";
}

/* What no setting says: other layers under one name, data written over, a rate that was another one at first. */
static void what_else_decides_a_run_is_compared(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"model\": \"mine\", \"data\": {\"name\": \"d\", \"checksum\": \"1\"}, \"parameters\": {\"net\": 322}, "
        "\"composition\": {\"training\": \"fa77\", \"outputs\": {\"sample\": \"1\", \"latent\": \"2\"}}, \"resumed\": "
        "[]}",
        "{\"model\": \"mine\", \"data\": {\"name\": \"d\", \"checksum\": \"2\"}, \"parameters\": {\"net\": 6514}, "
        "\"composition\": {\"training\": \"0ce2\", \"outputs\": {\"sample\": \"3\", \"latent\": \"2\"}}, \"resumed\": "
        "[{\"step\": 9}, {\"step\": 12, \"changed\": {\"lr\": [\"0.1\", \"0.01\"]}}], \"ranks\": [{}, {}]}",
        "{\"model\": \"mine\", \"data\": {\"name\": \"d\", \"checksum\": \"1\"}, \"parameters\": {\"net\": 322}, "
        "\"composition\": {\"training\": \"fa77\", \"outputs\": {\"more\": \"4\", \"sample\": \"1\", \"latent\": "
        "\"2\"}}, \"resumed\": [{\"step\": 9}]}"};
    static const char *const names[] = {"m", "n", "o"};
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        make_run(names[i], "d", NULL);
        (void)snprintf(path, sizeof path, "%s/%s/run.json", folder, names[i]);
        test_file_write(path, texts[i], strlen(texts[i]));
    }
    json_t *document = compared("m", "n");
    assert_string_equal(differing(document, "parameters", 1), "6514");
    assert_string_equal(differing(document, "composition", 0), "fa77");
    assert_string_equal(differing(document, "composition of sample", 0), "1");
    assert_string_equal(differing(document, "composition of latent", 0), "");
    assert_string_equal(differing(document, "data checksum", 1), "2");
    assert_string_equal(differing(document, "changed on resuming", 0), "nothing");
    assert_string_equal(differing(document, "changed on resuming", 1), "lr 0.1 to 0.01 at step 12");
    assert_string_equal(differing(document, "ranks", 1), "2");
    json_decref(document);
    document = compared("m", "o"); /* of an output that was added the other run knows nothing */
    json_t *rows = json_object_get(document, "differences"), *row = json_array_get(rows, 0);
    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(differing(document, "composition of more", 1), "4");
    assert_true(json_is_false(json_object_get(row, "everywhere")));
    json_decref(document);
}

static char *page_of(const char *const *names, size_t count, size_t *size)
{
    char paths[10][PATH_SIZE], out[PATH_SIZE];
    const char *runs[10];
    duet_error error = {0};
    for (size_t i = 0; i < count; i++) runs[i] = inside(names[i], paths[i]);
    assert_int_equal(duet_page_write(inside("page.html", out), runs, count, &error), DUET_OK);
    return test_file_read(out, size);
}

/* Names and settings are text, in the title and in the document. */
static void nothing_of_a_run_becomes_markup(void **state)
{
    (void)state;
    const char *const names[] = {"<b>&\"'<!--", "plain"};
    make_run(names[0], "</script><script>alert(1)</script>", metric("larger", 1, 0, 2, "<i>x</i>"));
    make_run(names[1], "d", NULL);
    size_t size;
    char *page = page_of(names, 2, &size);
    assert_non_null(strstr(page, "<title>&#60;b&#62;&#38;&#34;&#39;&#60;!--, plain"));
    assert_non_null(strstr(page, "\\u003c/script\\u003e"));
    assert_null(strstr(page, "alert(1)</script>"));
    assert_null(strstr(page, "<b>&"));
    assert_null(strstr(page, "<i>x"));
    free(page);
}

/* Ten runs with more pictures than a page may hold: those that are left out are named. */
static void a_page_of_ten_runs_stays_small(void **state)
{
    (void)state;
    enum { BYTES = 300000 };
    static char picture[BYTES] = "\x89PNG\r\n\x1a\n";
    memcpy(picture + BYTES - 8, "IEND\xae\x42\x60\x82", 8);
    char names[10][8], path[PATH_SIZE];
    const char *list[10];
    for (size_t i = 0; i < 10; i++) {
        (void)snprintf(names[i], sizeof names[i], "many%zu", i);
        list[i] = names[i];
        make_run(names[i], "d",
                 "{\"pictures\": [{\"kind\": \"samples\", \"file\": \"a.png\"}, {\"kind\": \"nearest\", \"file\": "
                 "\"b.png\"}, "
                 "{\"kind\": \"interpolation\", \"file\": \"../../etc/passwd\"}]}");
        char report[96], a[112], b[112]; /* as gcc counts without the last optimisations */
        (void)snprintf(report, sizeof report, "%s/report", names[i]);
        (void)mkdir(inside(report, path), 0777);
        (void)snprintf(a, sizeof a, "%s/a.png", report);
        (void)snprintf(b, sizeof b, "%s/b.png", report);
        test_file_write(inside(a, path), picture, BYTES);
        test_file_write(inside(b, path), picture, BYTES);
    }
    size_t size;
    char *page = page_of(list, 10, &size);
    assert_in_range(size, 10 * BYTES, 5000000);
    assert_non_null(strstr(page, "left out, so that the page stays small"));
    assert_null(strstr(page, "root:"));
    free(page);
}

/* Curves of long trainings are averaged, and findings are counted. */
static void reports_become_curves(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    make_run("long", "d", NULL);
    FILE *file = fopen(inside("long/metrics.jsonl", path), "w");
    assert_non_null(file);
    for (int i = 1; i <= 1000; i++)
        (void)fprintf(
            file,
            "{\"step\":%d,\"epoch\":%g,\"split\":\"train\",\"seconds\":%g,\"images_per_second\":1,\"loss\":%d%s}\n",
            10 * i, i / 100.0, i / 50.0, i, i > 990 ? ",\"health\":\"posterior-collapse\"" : "");
    (void)fprintf(file, "{\"step\":10000,\"epoch\":10,\"split\":\"test\",\"seconds\":9,\"mse\":0.5}\n{\"step\":1");
    assert_int_equal(fclose(file), 0);
    static const char few[] = "{\"step\":10,\"split\":\"train\",\"seconds\":1,\"loss\":1}\n"
                              "{\"step\":20,\"split\":\"train\",\"seconds\":4,\"loss\":1}\n"
                              "{\"split\":\"train\",\"health\":\"of another program\"}\n";
    make_run("none", "d", NULL);
    test_file_write(inside("none/metrics.jsonl", path), few, sizeof few - 1);
    json_t *document = compared("long", "none"), *run = json_array_get(json_object_get(document, "runs"), 0);
    json_t *losses = json_object_get(run, "losses"), *loss = json_object_get(json_object_get(losses, "terms"), "loss");
    size_t points = json_array_size(loss);
    double sum = 0, last;
    assert_in_range(points, 100, 240);
    for (size_t i = 0; i < points; i++) sum += json_number_value(json_array_get(loss, i));
    assert_close(sum / (double)points, 500.5, 3);
    last = json_number_value(json_array_get(json_object_get(losses, "step"), points - 1));
    assert_close(last, 10000, 0);
    json_t *health = json_array_get(json_object_get(run, "health"), 0), *cost = json_object_get(run, "cost");
    assert_int_equal(json_integer_value(json_object_get(health, "reports")), 10);
    assert_close(json_number_value(json_object_get(health, "first_epoch")), 9.91, 1e-9);
    assert_close(json_number_value(json_object_get(cost, "step_ms")), 2, 1e-9);
    assert_close(json_number_value(json_object_get(cost, "step")), 10000, 0);
    cost = json_object_get(json_array_get(json_object_get(document, "runs"), 1), "cost");
    assert_close(json_number_value(json_object_get(cost, "step_ms")), 200, 1e-9); /* as step-ms of the metric cost */
    assert_int_equal(json_array_size(json_object_get(json_object_get(json_object_get(run, "watched"), "terms"), "mse")),
                     1);
    json_decref(document);
}

/* The program. */

static void train(const char *model, const char *data, const char *out)
{
    expect(RUN("train", model, "--data", data, "--steps", "4", "--out", out), 0, NULL, NULL);
}

static bool is_there(const char *name)
{
    char path[PATH_SIZE];
    return access(inside(name, path), F_OK) == 0;
}

static void training_leaves_a_page(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    size_t size;
    char *page = test_file_read(inside("vae/report.html", path), &size);
    assert_non_null(strstr(page, "\"evaluation\":null"));
    assert_non_null(strstr(page, "<title>vae - Duet</title>"));
    free(page);
}

static void a_report_is_evaluated_once(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    size_t size;
    expect(RUN("report", "@/vae"), 0, "vae/report.html", "evaluating ");
    result again = RUN("report", "@/vae");
    assert_null(strstr(again.err, "evaluating"));
    expect(again, 0, "vae/report.html", NULL);
    expect(RUN("report", "@/vae", "--afresh"), 0, NULL, "evaluating ");
    char *page = test_file_read(inside("vae/report.html", path), &size);
    assert_non_null(strstr(page, "\"evaluation\":{"));
    assert_non_null(strstr(page, "data:image/png;base64,iVBORw0KGgo"));
    free(page);
    assert_true(is_there("vae/evaluation.json") && is_there("vae/report/samples.png"));
    expect(RUN("train", "--resume", "@/vae", "--steps", "6"), 0, NULL, NULL);
    page = test_file_read(inside("vae/report.html", path), &size);
    assert_non_null(strstr(page, "\"evaluation_is_old\":true"));
    free(page);
    expect(RUN("report", "@/vae"), 0, NULL, "evaluating ");
    assert_int_equal(remove(inside("vae/report/samples.png", path)), 0); /* nor is a page left without its pictures */
    expect(RUN("report", "@/vae"), 0, NULL, "evaluating ");
    assert_true(is_there("vae/report/samples.png"));
}

static bool is_evaluated(result made)
{
    bool evaluated = strstr(made.err, "evaluating") != NULL;
    expect(made, 0, NULL, NULL);
    return evaluated;
}

/* A judge that has learnt more is another one; one that does not fit is said to be left out each time. */
static void judges_are_known_again(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    size_t size;
    train("classifier", "shapes", "@/judge");
    for (int i = 0; i < 2; i++) expect(RUN("report", "@/vae", "--judge", "@/judge"), 0, NULL, "the judge is left out");
    char *kept = test_file_read(inside("vae/evaluation.json", path), &size);
    assert_non_null(strstr(kept, "\"left_out\""));
    free(kept);
    assert_false(is_evaluated(RUN("report", "@/vae")));
    expect(RUN("train", "--resume", "@/judge", "--steps", "6"), 0, NULL, NULL);
    assert_true(is_evaluated(RUN("report", "@/vae")));
    assert_false(is_evaluated(RUN("report", "@/vae", "--judge", "@/judge")));
}

static void runs_are_compared(void **state)
{
    (void)state;
    expect(RUN("compare", "@/vae", "@/gan", "--out", "@/both.html"), 0, "differs in", "evaluating ");
    assert_true(is_there("both.html"));
    expect(RUN("compare", "@/vae", "@/gan"), 0, "mse (gan): only for models that reconstruct", NULL);
    json_t *parsed = document(RUN("compare", "@/vae", "@/gan", "--json"));
    json_t *rows = json_object_get(parsed, "metrics"), *row;
    size_t i, of_bound = 0;
    assert_int_equal(json_array_size(json_object_get(parsed, "runs")), 2);
    assert_true(json_array_size(json_object_get(parsed, "differences")) > 1);
    assert_true(json_array_size(rows) > 5);
    json_array_foreach(rows, i, row)
    {
        assert_int_equal(json_array_size(json_object_get(row, "values")), 2);
        assert_non_null(json_object_get(row, "group"));
        of_bound += strcmp(json_string_value(json_object_get(row, "name")), "nll of elbo") == 0;
    }
    assert_int_equal(of_bound, 1);
    json_decref(parsed);
}

static void other_data_is_not_compared(void **state)
{
    (void)state;
    json_t *parsed = document(RUN("compare", "@/gan", "@/grid", "--json")), *row;
    size_t i, refused = 0;
    json_array_foreach(json_object_get(parsed, "metrics"), i, row)
    {
        assert_int_equal(json_array_size(json_object_get(row, "best")), 0);
        refused += json_is_string(json_object_get(row, "not_comparable"));
    }
    assert_true(refused > 0);
    json_decref(parsed);
}

static void mistakes_are_refused(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    expect(RUN("compare", "@/vae"), 2, NULL, "two runs or more");
    expect(RUN("compare"), 2, NULL, "needs RUN RUN...");
    expect(RUN("compare", "@/vae", "@/gan", "--out", "@/page.txt"), 2, NULL, "ends in .html");
    result early = RUN("compare", "@/vae", "@/nowhere", "--afresh");
    assert_null(strstr(early.err, "evaluating")); /* in vain */
    expect(early, 1, NULL, "is no run's directory");
    expect(RUN("compare", "@/vae", "@/gan", "--out", "/proc/nowhere/a.html"), 1, NULL, "/proc/nowhere/a.html");
    expect(RUN("report", "@/gan", "--out", "/proc/nowhere/a.html"), 1, NULL, "/proc/nowhere/a.html");
    assert_int_equal(mkdir(inside("page.html", path), 0777), 0);
    result refused[] = {RUN("report", "@/gan", "--afresh", "--out", "@/page.html"),
                        RUN("compare", "@/gan", "@/vae", "--afresh", "--out", "@/page.html")};
    for (size_t i = 0; i < 2; i++) { /* before anything is evaluated */
        assert_null(strstr(refused[i].err, "evaluating "));
        expect(refused[i], 1, "", "page.html");
    }
    expect(RUN("report", "@/gan", "--out", "@/page.png"), 2, NULL, "ends in .html");
    expect(RUN("report", "@/vae", "--judge", "@/nowhere"), 1, NULL, "is no run's directory");
    expect(RUN("report", "@/vae", "--judge", "@/gan"), 1, NULL, "a judge is a run of a classifier");
    expect(RUN("report", "@/gan"), 0, NULL, NULL);
    char *kept = test_file_read(inside("gan/run.json", path), NULL), *schema = strstr(kept, "\"schema\": 1");
    assert_non_null(schema);
    schema[strlen("\"schema\": ")] = '2';
    test_file_write(path, kept, strlen(kept));
    expect(RUN("report", "@/gan"), 1, NULL, "has schema 2");
    schema[strlen("\"schema\": ")] = '1';
    test_file_write(path, kept, strlen(kept));
    free(kept);
    (void)mkdir(inside("begun", path), 0777);
    make_run("begun", "ring8", NULL);
    expect(RUN("compare", "@/vae", "@/begun"), 1, NULL, "there is no checkpoint: ");
}

/* Losses that cannot be read are not losses that were never reported. */
static void reports_that_cannot_be_read_are_named(void **state)
{
    (void)state;
    static const char *const names[] = {"metrics.jsonl", "evaluation.json"};
    char path[PATH_SIZE], kept[PATH_SIZE];
    expect(RUN("report", "@/gan"), 0, NULL, NULL);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(kept, sizeof kept, "gan/%s", names[i]);
        (void)inside(kept, path);
        (void)inside("kept", kept);
        assert_int_equal(rename(path, kept), 0);
        assert_int_equal(mkdir(path, 0777), 0);
        expect(RUN("report", "@/gan"), 1, NULL, "cannot be read: it is a folder, and a file was expected");
        expect(RUN("compare", "@/vae", "@/gan"), 1, NULL, names[i]);
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(mkfifo(path, 0666), 0);
        expect(RUN("report", "@/gan"), 1, NULL, "cannot be read: it is a pipe or a device, and a file was expected");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("nowhere", path), 0);
        expect(RUN("report", "@/gan"), 1, NULL, "cannot be read: it is a link that leads nowhere");
        assert_int_equal(unlink(path), 0);
        expect(RUN("report", "@/gan"), 0, NULL,
               i == 0 ? "gan/metrics.jsonl is not there: losses" : ""); /* there is none */
        if (i == 0)
            expect(RUN("eval", "@/gan", "--metric", "cost"), 0, "sample-ms",
                   "step-ms and images-per-second are left out: ");
        assert_int_equal(rename(kept, path), 0);
    }
}

/* What is there and is no evaluation is not what was never made: the judge that it named would be forgotten. */
static void an_evaluation_that_is_none_is_named(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"schema\": 1, \"metr", "[]", ""};
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        test_file_write(inside("gan/evaluation.json", path), texts[i], strlen(texts[i]));
        expect(RUN("report", "@/gan"), 1, NULL, "gan/evaluation.json is no JSON object: put back the one");
        expect(RUN("compare", "@/vae", "@/gan"), 1, NULL, "gan/evaluation.json is no JSON object");
    }
    assert_int_equal(remove(path), 0);
    expect(RUN("report", "@/gan"), 0, NULL, NULL);
}

static int begin(void **state)
{
    (void)make_folder(state);
    train("vae", "ring8", "@/vae");
    train("gan", "ring8", "@/gan");
    train("gan", "grid25", "@/grid");
    return 0;
}

int main(void)
{
    enum { VERDICTS = sizeof verdict_cases / sizeof *verdict_cases };
    struct CMUnitTest marks[VERDICTS];
    for (size_t i = 0; i < VERDICTS; i++)
        marks[i] = TEST_ROW(verdict_cases[i].name, the_better_run_is_marked, &verdict_cases[i]);
    const struct CMUnitTest files[] = {
        IN_FOLDER(nats_are_compared_under_one_likelihood),
        IN_FOLDER(a_likelihood_that_is_taken_is_one_asked_for),
        IN_FOLDER(nats_are_compared_under_one_floor),
        IN_FOLDER(values_of_other_aims_are_not_compared),
        IN_FOLDER(densities_of_unlike_numbers_are_not_compared),
        IN_FOLDER(times_are_not_marked),
        IN_FOLDER(the_same_examples_are_compared),
        IN_FOLDER(what_is_missing_is_said),
        IN_FOLDER(settings_that_differ_come_apart),
        IN_FOLDER(what_else_decides_a_run_is_compared),
        IN_FOLDER(nothing_of_a_run_becomes_markup),
        IN_FOLDER(a_page_of_ten_runs_stays_small),
        IN_FOLDER(reports_become_curves),
    };
    const struct CMUnitTest program[] = {
        cmocka_unit_test(training_leaves_a_page),
        cmocka_unit_test(a_report_is_evaluated_once),
        cmocka_unit_test(runs_are_compared),
        cmocka_unit_test(other_data_is_not_compared),
        cmocka_unit_test(judges_are_known_again),
        cmocka_unit_test(mistakes_are_refused),
        cmocka_unit_test(reports_that_cannot_be_read_are_named),
        cmocka_unit_test(an_evaluation_that_is_none_is_named),
    };
    return RUN_TESTS("marks", marks, NULL, NULL) + RUN_TESTS("run files", files, NULL, NULL) +
           RUN_TESTS("compare", program, begin, remove_folder);
}
