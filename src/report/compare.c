/* SPDX-License-Identifier: MIT */
/* Runs side by side: the settings in which they differ, each metric with the better runs marked, and what follows in
 * words. A run is told apart from another where their intervals of 95% do not overlap, which is stricter than a test of
 * the difference at 5%. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "report/page.h"

enum { ORDER_LAST = 100000 };

static json_t *runs_of(json_t *document)
{
    return json_object_get(document, "runs");
}

static json_t *run_at(json_t *document, size_t index)
{
    return json_array_get(runs_of(document), index);
}

const char *duet_page_name(json_t *document, size_t index)
{
    return json_string_value(json_object_get(run_at(document, index), "name"));
}

/* Names that two runs share are replaced by the paths as given. False: memory is short. */
static bool tell_names_apart(json_t *document)
{
    size_t count = json_array_size(runs_of(document));
    bool *shared = calloc(count, sizeof *shared), whole = shared != NULL;
    for (size_t i = 0; shared != NULL && i < count; i++)
        for (size_t j = 0; j < count; j++)
            shared[i] = shared[i] || (i != j && strcmp(duet_page_name(document, i), duet_page_name(document, j)) == 0);
    for (size_t i = 0; whole && i < count; i++)
        if (shared[i])
            whole = json_object_set(run_at(document, i), "name", json_object_get(run_at(document, i), "run")) == 0;
    free(shared);
    return whole;
}

/* Settings. */

/* A value as text, null where there is none. The caller owns it. */
static json_t *shown(json_t *value)
{
    if (value == NULL || json_is_null(value)) return json_null();
    if (json_is_string(value)) return json_incref(value);
    char *text = duet_json_write(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_t *made = json_string(text);
    free(text);
    return made;
}

/* Whether two values are the same; of `numbers` 1e-3 and 0.001 are too. */
static bool is_alike(const json_t *a, const json_t *b, bool numbers)
{
    double one, other;
    if (json_equal(a, b)) return true;
    return numbers && json_is_string(a) && json_is_string(b) && duet_number_read(json_string_value(a), &one) &&
           duet_number_read(json_string_value(b), &other) && one == other;
}

/* The lines of the comparison: in what the runs do not agree, and in what they do. */
typedef struct comparison {
    json_t *differences, *common;
} comparison;

static void compare_setting(comparison *lines, const char *name, bool numbers, json_t *values)
{
    json_t *value;
    size_t i;
    bool differ = false, everywhere = true;
    json_array_foreach(values, i, value)
    {
        differ = differ || !is_alike(value, json_array_get(values, 0), numbers);
        everywhere = everywhere && !json_is_null(value);
    }
    if (differ)
        duet_json_append(&lines->differences,
                         json_pack("{s:s, s:O, s:b}", "setting", name, "values", values, "everywhere", everywhere));
    else if (everywhere)
        duet_json_append(&lines->common, json_pack("{s:s, s:O}", "setting", name, "value", json_array_get(values, 0)));
    json_decref(values);
}

/* The values under `outer`, or under `inner` of that, one a run. */
static json_t *values_of(json_t *document, const char *outer, const char *inner)
{
    json_t *values = json_array(), *run;
    size_t i;
    json_array_foreach(runs_of(document), i, run)
    {
        json_t *value = json_object_get(run, outer);
        duet_json_append(&values, shown(inner == NULL ? value : json_object_get(value, inner)));
    }
    return values;
}

static bool is_listed_before(json_t *document, size_t run, const char *outer, const char *key)
{
    for (size_t i = 0; i < run; i++)
        if (json_object_get(json_object_get(run_at(document, i), outer), key) != NULL) return true;
    return false;
}

/* All keys of an object that each run has. */
static void compare_inside(comparison *lines, json_t *document, const char *outer, bool numbers)
{
    json_t *run, *value;
    const char *key;
    size_t i;
    json_array_foreach(runs_of(document), i, run)
    {
        json_object_foreach(json_object_get(run, outer), key, value)
        {
            if (!is_listed_before(document, i, outer, key))
                compare_setting(lines, key, numbers, values_of(document, outer, key));
        }
    }
}

static void compare_settings(json_t **document)
{
    static const struct {
        const char *name, *outer, *inner;
    } facts[] = {
        {"model", "model", NULL},
        {"data", "data", "name"},
        {"shape", "data", "shape"},
        {"training examples", "data", "train"},
        {"test examples", "data", "test"},
        {"data checksum", "data", "checksum"},
        {"parameters", "cost", "parameters"},
        {"steps done", "checkpoint", "step"},
        {"epochs done", "cost", "epoch"},
        {"batch", "batch", NULL},
        {"seed", "seed", NULL},
        {"changed on resuming", "changed", NULL},
        {"ranks", "ranks", NULL},
        {"device", "device", "name"},
        {"driver", "device", "driver"},
        {"products", "gemm", NULL},
        {"duet", "versions", "duet"},
        {"commit", "versions", "commit"},
        {"set at use", "use", NULL},
    };
    comparison lines = {json_array(), json_array()};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        compare_setting(&lines, facts[i].name, false, values_of(*document, facts[i].outer, facts[i].inner));
    compare_inside(&lines, *document, "composition", false);
    compare_inside(&lines, *document, "settings", true);
    compare_inside(&lines, *document, "environment", false);
    duet_json_set(document, "differences", lines.differences);
    duet_json_set(document, "common", lines.common);
}

/* Metrics. */

double duet_page_number(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The entry of this name in one of the evaluation's lists; NULL: none. */
static json_t *entry_of(json_t *run, const char *list, const char *key, const char *name)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(run, "evaluation"), list), i, entry)
    {
        const char *named = json_string_value(json_object_get(entry, key));
        if (named != NULL && strcmp(named, name) == 0) return entry;
    }
    return NULL;
}

/* What is there of the keys. */
static void copy_keys(json_t **to, json_t *from, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, keys[i]);
        if (value != NULL) duet_json_set(to, keys[i], json_incref(value));
    }
}

/* What the run gives for a metric: its value, or why there is none. */
static json_t *cell_of(json_t *run, json_t *metric)
{
    static const char *const kept[] = {"value", "low", "high", "n", "features", "reason"};
    const char *name = json_string_value(json_object_get(metric, "name"));
    const char *row = json_string_value(json_object_get(metric, "metric"));
    if (!json_is_object(json_object_get(run, "evaluation"))) return json_pack("{s:s}", "reason", "not evaluated yet");
    json_t *entry = entry_of(run, "metrics", "name", name), *cell = json_object();
    copy_keys(&cell, entry, kept, sizeof kept / sizeof *kept);
    if (entry != NULL) return cell;
    entry = entry_of(run, "not_given", "metric", row);
    json_t *reason = json_object_get(entry, "reason");
    duet_json_set(&cell, "reason",
                  json_is_string(reason) ? json_incref(reason)
                                         : json_string("its metric does not give it of this model"));
    return cell;
}

bool duet_page_is_clocked(json_t *metric)
{
    static const char *const units[] = {"milliseconds", "images a second", "joules"};
    const char *unit = json_string_value(json_object_get(metric, "unit"));
    bool clocked = false;
    for (size_t i = 0; unit != NULL && i < sizeof units / sizeof *units; i++)
        clocked = clocked || strcmp(unit, units[i]) == 0;
    return clocked;
}

/* How far from the best, the smaller the better, with its interval. */
typedef struct distance {
    double value, low, high;
} distance;

/* NaN in it: there is no value, or no interval. */
static distance distance_of(json_t *metric, json_t *cell)
{
    const char *better = json_string_value(json_object_get(metric, "better"));
    distance it = {duet_page_number(cell, "value"), duet_page_number(cell, "low"), duet_page_number(cell, "high")};
    if (better != NULL && strcmp(better, "smaller") == 0) return it;
    if (better != NULL && strcmp(better, "larger") == 0) return (distance){-it.value, -it.high, -it.low};
    if (better == NULL || strcmp(better, "near") != 0) return (distance){NAN, NAN, NAN};
    double target = duet_page_number(metric, "target"), a = fabs(it.low - target), b = fabs(it.high - target);
    bool holds = it.low <= target && target <= it.high;
    return (distance){fabs(it.value - target),
                      isnan(a + b) ? NAN
                      : holds      ? 0
                                   : fmin(a, b),
                      isnan(a + b) ? NAN : fmax(a, b)};
}

/* Both missing are the same too. */
static bool is_same(json_t *a, json_t *b)
{
    return a == b || json_equal(a, b);
}

/* Whether two runs were evaluated on the same examples: by what they are, else by what they are called. */
static bool has_same_data(json_t *a, json_t *b)
{
    static const char *const same[] = {"name", "shape", "train", "test"};
    json_t *of_a = json_object_get(a, "evaluation"), *of_b = json_object_get(b, "evaluation");
    json_t *sum_a = json_object_get(of_a, "data_checksum"), *sum_b = json_object_get(of_b, "data_checksum");
    if (!is_same(json_object_get(of_a, "split"), json_object_get(of_b, "split"))) return false;
    if (json_is_string(sum_a) && json_is_string(sum_b)) return json_equal(sum_a, sum_b);
    json_t *data_a = json_object_get(a, "data"), *data_b = json_object_get(b, "data");
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (!is_same(json_object_get(data_a, same[i]), json_object_get(data_b, same[i]))) return false;
    return true;
}

/* Whether noise lies on the examples of which the run gives a density, as a flow has it on bytes and else where it was
 * asked to, or it gives probabilities of bytes; else they are numbers as they are. */
static bool is_of_bytes_or_noise(json_t *run)
{
    const char *asked = json_string_value(json_object_get(json_object_get(run, "settings"), "dequantise"));
    const bool unit = json_is_true(json_object_get(json_object_get(run, "data"), "unit_range"));
    return entry_of(run, "metrics", "name", "bits-per-dimension") != NULL ||
           (unit && asked != NULL && strcmp(asked, "yes") == 0);
}

/* What a run's likelihood is: "auto", as an autoencoder takes it (model/families/decoder.h), is one of the others, and
 * the same likelihood as that one asked for. NULL: the run has no choice of any. */
static const char *likelihood_of(json_t *run)
{
    const char *asked = json_string_value(json_object_get(json_object_get(run, "settings"), "likelihood"));
    json_t *unit = json_object_get(json_object_get(run, "data"), "unit_range");
    if (asked == NULL || strcmp(asked, "auto") != 0 || !json_is_boolean(unit)) return asked;
    return json_is_true(unit) ? "bernoulli" : "gaussian";
}

static bool has_same_likelihood(json_t *a, json_t *b)
{
    const char *one = likelihood_of(a), *other = likelihood_of(b);
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

/* Whether the floor of sigmas that are learnt, one a number, is part of a density: where numbers do not change it says
 * what the density is. */
static bool has_floor(json_t *settings)
{
    const char *likelihood = json_string_value(json_object_get(settings, "likelihood"));
    const char *per = json_string_value(json_object_get(settings, "sigma_per"));
    return likelihood != NULL && strcmp(likelihood, "gaussian-learned") == 0 && per != NULL &&
           strcmp(per, "feature") == 0;
}

static bool has_same_floor(json_t *a, json_t *b)
{
    if (!has_floor(a) && !has_floor(b)) return true;
    return is_alike(json_object_get(a, "sigma_floor"), json_object_get(b, "sigma_floor"), true);
}

/* Why the nats of two runs may not be compared; NULL: they may. */
static const char *not_one_density(json_t *a, json_t *b)
{
    if (!has_same_likelihood(a, b)) return "under different likelihoods";
    if (!has_same_floor(json_object_get(a, "settings"), json_object_get(b, "settings")))
        return "under different floors of sigma";
    if (is_of_bytes_or_noise(a) != is_of_bytes_or_noise(b))
        return "of numbers as they are and of bytes, or numbers with noise";
    return NULL;
}

/* Whether two runs' values of a metric are better or not by one rule: accuracies of a classifier and a discriminator
 * are not, nor what is read from codes that are made of classes and from others. */
static bool has_same_aim(json_t *a, json_t *b, const char *metric)
{
    return is_same(json_object_get(entry_of(a, "metrics", "name", metric), "better"),
                   json_object_get(entry_of(b, "metrics", "name", metric), "better"));
}

/* Whether values of a metric may be compared between two runs; the words why not, or NULL. Distances are between a
 * model and its own data, as its judge sees them. */
static const char *not_comparable(json_t *document, json_t *metric, size_t a, size_t b)
{
    json_t *cells = json_object_get(metric, "values"), *run_a = run_at(document, a), *run_b = run_at(document, b);
    json_t *features_a = json_object_get(json_array_get(cells, a), "features");
    json_t *features_b = json_object_get(json_array_get(cells, b), "features");
    if (!has_same_data(run_a, run_b)) return "measured on different data";
    if (features_a != NULL && features_b != NULL && !json_equal(features_a, features_b))
        return "measured by different features";
    if (!has_same_aim(run_a, run_b, json_string_value(json_object_get(metric, "name"))))
        return "of models of which it says different things";
    return json_is_true(json_object_get(metric, "by_likelihood")) ? not_one_density(run_a, run_b) : NULL;
}

/* Why the runs' values of a metric may not be compared with each other; NULL: they may. */
static const char *reason_against(json_t *document, json_t *metric)
{
    json_t *cells = json_object_get(metric, "values");
    const char *reason = NULL;
    for (size_t i = 0; i < json_array_size(cells); i++)
        for (size_t j = 0; j < i && reason == NULL; j++) {
            json_t *a = json_array_get(cells, i), *b = json_array_get(cells, j);
            if (!isnan(duet_page_number(a, "value")) && !isnan(duet_page_number(b, "value")))
                reason = not_comparable(document, metric, i, j);
        }
    return reason;
}

/* Marks the runs that are not told apart from the best one, if another is worse for sure. If a value has no interval,
 * nothing is known of how sure it is, and no run is marked. False: memory is short. */
static bool mark(json_t *document, json_t *metric)
{
    json_t *cells = json_object_get(metric, "values"), *cell, *best = json_array();
    const char *reason = reason_against(document, metric);
    distance lead = {NAN, NAN, NAN};
    bool worse = false, without = false;
    size_t i;
    json_array_foreach(cells, i, cell)
    {
        distance at = distance_of(metric, cell);
        without = without || (!isnan(at.value) && isnan(at.low + at.high));
        if (!isnan(at.value) && !(lead.value <= at.value)) lead = at;
    }
    json_array_foreach(cells, i, cell)
    {
        distance at = distance_of(metric, cell);
        if (at.low <= lead.high) duet_json_append(&best, json_integer((json_int_t)i));
        worse = worse || at.low > lead.high;
    }
    if (!worse || reason != NULL || without || duet_page_is_clocked(metric)) json_array_clear(best);
    return json_object_set_new(metric, "best", best) == 0 &&
           json_object_set_new(metric, "not_comparable", reason == NULL ? json_null() : json_string(reason)) == 0;
}

static int compare_order(const void *a, const void *b)
{
    json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    json_int_t before = json_integer_value(json_object_get(left, "order"));
    json_int_t after = json_integer_value(json_object_get(right, "order"));
    if (before != after) return before < after ? -1 : 1;
    return strcmp(json_string_value(json_object_get(left, "name")), json_string_value(json_object_get(right, "name")));
}

static json_t *sorted(json_t *rows)
{
    size_t count = json_array_size(rows);
    json_t **list = malloc((count + 1) * sizeof *list), *made = json_array();
    for (size_t i = 0; list != NULL && i < count; i++) list[i] = json_array_get(rows, i);
    if (list != NULL) qsort(list, count, sizeof *list, compare_order);
    for (size_t i = 0; list != NULL && i < count; i++) duet_json_append(&made, json_incref(list[i]));
    duet_json_keep(&made, list != NULL && rows != NULL);
    free(list);
    json_decref(rows);
    return made;
}

/* Metrics without a second of any name. */
typedef struct metric_list {
    json_t *rows, *names;
    json_t *given; /* metrics of which some run gives a value */
} metric_list;

static void add_metric(metric_list *to, const char *name, const char *metric, json_t *entry)
{
    static const char *const kept[] = {"metric", "group",  "unit",  "summary",
                                       "better", "target", "order", "by_likelihood"};
    if (name == NULL || metric == NULL || json_object_get(to->names, name) != NULL) return;
    json_t *row = json_pack("{s:s}", "name", name);
    copy_keys(&row, entry, kept, sizeof kept / sizeof *kept);
    duet_json_append(&to->rows, row);
    duet_json_set(&to->names, name, json_true());
}

static void add_given(metric_list *to, json_t *run)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(run, "evaluation"), "metrics"), i, entry)
    {
        const char *metric = json_string_value(json_object_get(entry, "metric"));
        add_metric(to, json_string_value(json_object_get(entry, "name")), metric, entry);
        if (metric != NULL) duet_json_set(&to->given, metric, json_true());
    }
}

static void add_not_given(metric_list *to, json_t *run)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(run, "evaluation"), "not_given"), i, entry)
    {
        const char *metric = json_string_value(json_object_get(entry, "metric"));
        if (metric != NULL && json_object_get(to->given, metric) == NULL) add_metric(to, metric, metric, entry);
    }
}

/* Every metric that some run gives or is asked for in vain, once; the latter only where no run gives its values. */
static json_t *list_metrics(json_t *document)
{
    metric_list list = {json_array(), json_object(), json_object()};
    size_t count = json_array_size(runs_of(document));
    for (size_t i = 0; i < count; i++) add_given(&list, run_at(document, i));
    for (size_t i = 0; i < count; i++) add_not_given(&list, run_at(document, i));
    duet_json_keep(&list.rows, list.names != NULL && list.given != NULL);
    json_decref(list.names);
    json_decref(list.given);
    return sorted(list.rows);
}

static void compare_metrics(json_t **document)
{
    json_t *rows = list_metrics(*document), *row, *run;
    size_t i, j;
    bool whole = true;
    json_array_foreach(rows, i, row)
    {
        json_t *cells = json_array();
        for (j = 0; (run = run_at(*document, j)) != NULL; j++) duet_json_append(&cells, cell_of(run, row));
        whole = json_object_set_new(row, "values", cells) == 0 && mark(*document, row) && whole;
    }
    duet_json_keep(&rows, whole);
    duet_json_set(document, "metrics", rows);
}

void duet_page_compare(json_t **document)
{
    duet_json_keep(document, tell_names_apart(*document));
    compare_settings(document);
    compare_metrics(document);
    duet_page_add_verdicts(document);
}
