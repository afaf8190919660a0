/* SPDX-License-Identifier: MIT */
/* Watching a training by metrics: at each epoch's end they are computed on the run as it is. The verdict says whether
 * this is the best state so far, and whether to stop: the best no longer improves, or the training has collapsed. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "device/device.h"
#include "metric/metric.h"
#include "run/run_file.h"

struct duet_monitor {
    const duet_monitor_options *options;
    duet_run_file before; /* of a run that goes on */
    duet_watch watch;     /* what the options say and, of a run that goes on, it said */
    const char *recorded; /* the judge in the run.json of a run that goes on; NULL: another one is given, or none */
    duet_better better;   /* which of two values of watch.best is, for this run */
    double best;          /* the best value so far of the metric watch.best; NaN: none yet */
    uint64_t best_epoch;  /* the epoch that gave it */
    const char *said;     /* the last warning of find_loss */
};

/* Whether `value` is better than the best so far. */
static bool improves(const duet_monitor *monitor, double value)
{
    if (!isfinite(value) || isnan(monitor->best)) return isfinite(value);
    switch (monitor->better) {
    case DUET_LARGER: return value > monitor->best;
    case DUET_SMALLER: return value < monitor->best;
    case DUET_NEAREST_ONE: return fabs(value - 1) < fabs(monitor->best - 1);
    case DUET_NEITHER: break;
    }
    return false;
}

static bool take_value(duet_monitor *monitor, double value, uint64_t epoch)
{
    if (!improves(monitor, value)) return false;
    monitor->best = value;
    monitor->best_epoch = epoch;
    return true;
}

/* The lines of a run's metrics.jsonl that say what was measured on the test split. */
typedef struct past {
    FILE *file;
    char *line;
    size_t room;
} past;

static past open_past(const char *directory)
{
    char *path = duet_path_join(directory, "metrics.jsonl");
    const char *fault;
    past it = {.file = path == NULL ? NULL : duet_file_open(path, &fault)};
    free(path);
    return it;
}

/* The next line, which the caller drops; NULL: there is none. */
static json_t *next_of_past(past *it)
{
    while (it->file != NULL && getline(&it->line, &it->room, it->file) > 0) {
        json_t *report = json_loads(it->line, 0, NULL);
        const char *split = json_string_value(json_object_get(report, "split"));
        if (split != NULL && strcmp(split, "test") == 0) return report;
        json_decref(report);
    }
    return NULL;
}

static void close_past(past *it)
{
    if (it->file != NULL) (void)fclose(it->file);
    free(it->line);
}

/* The checksum of what gave the features of a line's values; "": nothing did. */
static const char *features_of(const json_t *report)
{
    const char *checksum = json_string_value(json_object_get(report, "features"));
    return checksum == NULL ? "" : checksum;
}

/* Takes in what a resumed run measured before by the same features. Lines of this epoch and later ones are left out:
 * they are measured again. */
static void remember(duet_monitor *monitor, uint64_t epoch, const char *features)
{
    const char *best = monitor->watch.best;
    bool by_features = duet_metric_find(best)->by_features != DUET_BY_NO_FEATURES;
    past it = open_past(monitor->options->resume);
    json_t *report;
    while ((report = next_of_past(&it)) != NULL) {
        json_t *value = json_object_get(report, best);
        uint64_t when = (uint64_t)(json_number_value(json_object_get(report, "epoch")) + 1e-6);
        bool compares = !by_features || strcmp(features_of(report), features) == 0;
        if (json_is_number(value) && when < epoch && compares)
            (void)take_value(monitor, json_number_value(value), when);
        json_decref(report);
    }
    close_past(&it);
}

static bool watches(const duet_monitor *monitor)
{
    return monitor->watch.metric_count > 0 || monitor->watch.best != NULL || monitor->options->stop_on_collapse;
}

static duet_status refuse_best(const char *metric, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_USAGE, "\"%s\" is neither better large nor small: the best is not defined",
                     metric);
}

/* Mistakes that show without a run. */
static duet_status check_watch(const duet_monitor *monitor, duet_error *error)
{
    const duet_watch *watch = &monitor->watch;
    if (monitor->options->judge != NULL && !watches(monitor))
        return duet_fail(error, DUET_ERROR_USAGE,
                         "a judge is asked by metrics that are watched: name one with --watch METRIC");
    if (watch->patience > 0 && watch->best == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "patience waits for a metric to get better: say which");
    if (watch->best == NULL) return DUET_OK;
    if (duet_metric_find(watch->best) == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "there is no metric \"%s\"", watch->best);
    return duet_metric_may_have_best(watch->best) ? DUET_OK : refuse_best(watch->best, error);
}

static bool is_none(const char *word)
{
    return strcmp(word, "none") == 0;
}

/* What the options leave unsaid a run that goes on has of before. */
static void choose_watch(duet_monitor *monitor)
{
    const duet_monitor_options *options = monitor->options;
    duet_watch *watch = &monitor->watch;
    *watch = (duet_watch){options->metrics, options->metric_count, options->best, options->patience};
    if (options->resume == NULL) return;
    const duet_watch *before = &monitor->before.choice.watch;
    if (watch->metric_count == 0) {
        watch->metrics = before->metrics;
        watch->metric_count = before->metric_count;
    } else if (watch->metric_count == 1 && is_none(watch->metrics[0])) {
        watch->metric_count = 0;
    }
    if (watch->best == NULL) watch->best = before->best;
    if (watch->patience == 0) watch->patience = before->patience;
    if (watch->best == NULL || !is_none(watch->best)) return;
    watch->best = NULL;
    watch->patience = options->patience;
}

duet_status duet_monitor_new(duet_monitor **monitor, const duet_monitor_options *options, duet_error *error)
{
    *monitor = NULL;
    duet_monitor *made = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a monitor");
    made->options = options;
    made->best = NAN;
    if (options->resume != NULL) /* of a run.json that cannot be read the training says why */
        (void)duet_run_file_read(&made->before, options->resume, NULL);
    if (options->judge == NULL) made->recorded = made->before.choice.judge;
    choose_watch(made);
    duet_status status = check_watch(made, error);
    if (status != DUET_OK) duet_monitor_free(&made);
    *monitor = made;
    return status;
}

void duet_monitor_free(duet_monitor **monitor)
{
    if (monitor == NULL || *monitor == NULL) return;
    duet_run_file_free(&(*monitor)->before);
    free(*monitor);
    *monitor = NULL;
}

const duet_watch *duet_monitor_watch(const duet_monitor *monitor)
{
    return &monitor->watch;
}

/* Lists each metric once: those asked for, watch.best and, if a collapse is to stop the training, those that show
 * one and apply. Their values are to fit a verdict. */
static duet_status list_metrics(const duet_monitor *monitor, duet_run *run, const char **names, size_t *listed,
                                duet_error *error)
{
    static const char *const signs[] = {"modes", "classes", "active-units", "neighbour-spread"};
    const duet_watch *watch = &monitor->watch;
    size_t count = 0, values = 0;
    for (size_t i = 0; i < watch->metric_count + 1 + sizeof signs / sizeof *signs; i++) {
        bool asked = i < watch->metric_count, is_best = i == watch->metric_count, is_new = true;
        const char *name = asked ? watch->metrics[i] : is_best ? watch->best : signs[i - watch->metric_count - 1];
        if (!asked && !is_best && (!monitor->options->stop_on_collapse || !duet_metric_applies(run, name))) continue;
        for (size_t k = 0; k < count && name != NULL; k++) is_new = is_new && strcmp(names[k], name) != 0;
        if (name == NULL || !is_new) continue;
        const duet_metric_row *row = duet_metric_find(name);
        for (size_t k = 0; row != NULL && row->measures[k].name != NULL; k++) values++;
        if (values > DUET_VERDICT_VALUES || count == DUET_VERDICT_VALUES)
            return duet_fail(error, DUET_ERROR_USAGE,
                             "at most %d values can be watched, and with \"%s\" there are more: watch fewer metrics",
                             DUET_VERDICT_VALUES, name);
        names[count++] = name;
    }
    *listed = count;
    return DUET_OK;
}

static duet_split split_of(duet_run *run)
{
    return duet_data_describe(duet_run_data(run))->count[DUET_TEST] > 0 ? DUET_TEST : DUET_TRAIN;
}

/* What is done while the run has its judge, on the metrics named. */
typedef struct task {
    const duet_monitor *monitor;
    const char *names[DUET_VERDICT_VALUES];
    size_t count;
    duet_metric_value values[DUET_VERDICT_VALUES];
    size_t made;
    duet_features_identity features; /* of those that go by some */
} task;

/* *checksum: of the features by which a metric was last measured; "": by none. False: it was not measured. */
static bool find_past(const char *directory, const char *metric, char checksum[24])
{
    past it = open_past(directory);
    json_t *report;
    bool found = false;
    while ((report = next_of_past(&it)) != NULL) {
        if (json_object_get(report, metric) != NULL) {
            found = true;
            snprintf(checksum, 24, "%s", features_of(report));
        }
        json_decref(report);
    }
    close_past(&it);
    return found;
}

/* A metric's values so far and those to come must be by the same features, unless another judge is asked for: then
 * what changes is said. */
static duet_status check_past(const duet_monitor *monitor, duet_run *run, const char *metric, duet_error *error)
{
    const duet_monitor_options *options = monitor->options;
    duet_features_identity now;
    char then[24];
    DUET_TRY(duet_metric_features(run, metric, &now, error));
    if (!find_past(options->resume, metric, then) || strcmp(then, now.checksum) == 0) return DUET_OK;
    char was[64];
    snprintf(was, sizeof was, "%s%s", then[0] == '\0' ? "no judge" : "a judge with the checksum ", then);
    if (options->judge != NULL) {
        duet_device_say(duet_run_device(run),
                        "warning: the judge is another one: %s of this run was by %s, from here on it is by %s with "
                        "%s: values before and after cannot be compared",
                        metric, was, now.name, now.checksum);
        return DUET_OK;
    }
    if (now.checksum[0] == '\0')
        return duet_fail(error, DUET_ERROR_USAGE,
                         "%s of this run was by %s, and run.json names none: --judge RUN says which", metric, was);
    return duet_fail(error, DUET_ERROR_USAGE,
                     "%s of this run was by %s, and %s has %s by now, so that values before and after could not be "
                     "compared: --judge %s goes on all the same",
                     metric, was, monitor->recorded, now.checksum, monitor->recorded);
}

static duet_status check(task *it, duet_run *run, duet_error *error)
{
    const char *best = it->monitor->watch.best;
    for (size_t i = 0; i < it->count; i++) {
        DUET_TRY(duet_metric_check(run, it->names[i], split_of(run), error));
        if (it->monitor->options->resume == NULL) continue;
        if (duet_metric_find(it->names[i])->by_features != DUET_BY_NO_FEATURES)
            DUET_TRY(check_past(it->monitor, run, it->names[i], error));
    }
    if (best != NULL && duet_metric_better(run, best) == DUET_NEITHER) return refuse_best(best, error);
    return DUET_OK;
}

static duet_status measure(task *it, duet_run *run, duet_error *error)
{
    for (size_t i = 0; i < it->count && it->features.name[0] == '\0'; i++)
        DUET_TRY(duet_metric_features(run, it->names[i], &it->features, error));
    return duet_metric_compute_all(run, it->names, it->count, split_of(run), it->monitor->options->seed, it->values,
                                   DUET_VERDICT_VALUES, &it->made, error);
}

static duet_status open_judge(const duet_monitor *monitor, duet_run *run, duet_run **judge, duet_error *error)
{
    if (monitor->options->judge != NULL) return duet_run_open_beside(judge, monitor->options->judge, run, error);
    duet_error fault = {0};
    if (monitor->recorded == NULL || duet_run_open_beside(judge, monitor->recorded, run, &fault) == DUET_OK)
        return DUET_OK;
    return duet_fail(error, fault.status, "the judge of this run cannot be opened: %s; --judge RUN names it anew",
                     fault.message);
}

static duet_status with_judge(task *it, duet_run *run, duet_status (*act)(task *it, duet_run *run, duet_error *error),
                              duet_error *error)
{
    duet_run *judge = NULL;
    duet_status status = open_judge(it->monitor, run, &judge, error);
    if (status == DUET_OK) status = duet_run_set_judge(run, judge, error);
    if (status == DUET_OK) status = list_metrics(it->monitor, run, it->names, &it->count, error);
    if (status == DUET_OK) status = act(it, run, error);
    (void)duet_run_set_judge(run, NULL, NULL);
    duet_run_close(&judge);
    return status;
}

/* The value of that name; NaN: none was measured. */
static double value_of(const duet_verdict *verdict, const char *name)
{
    for (size_t i = 0; i < verdict->count; i++)
        if (strcmp(verdict->names[i], name) == 0) return verdict->values[i];
    return NAN;
}

/* What the training has lost, in words; NULL: nothing. Missing modes count only once a quarter of the samples is good,
 * which early in training they are not. If half of the classes are missing that is worth a warning; if four fifths are,
 * it is a collapse. */
static const char *find_loss(duet_run *run, const duet_verdict *verdict, bool *collapsed)
{
    double kinds = (double)duet_data_describe(duet_run_data(run))->classes, classes = value_of(verdict, "classes");
    *collapsed = true;
    if (value_of(verdict, "active-units") == 0) return "posterior-collapse: no latent is active";
    if (value_of(verdict, "high-quality") > 0.25 && value_of(verdict, "modes") <= kinds / 2)
        return "mode-drop: half of the modes or more get no sample; preset=stable, or pack=2, may help";
    if (value_of(verdict, "neighbour-spread") < 0.05)
        return "sample-collapse: samples lie twenty times nearer to each other than examples do; a lower generator.lr, "
               "spectral_norm=yes or pack=2 may help";
    *collapsed = classes <= kinds / 5;
    if (classes <= kinds / 2)
        return "mode-drop: half of the classes or more get no sample; a lower generator.lr, spectral_norm=yes or "
               "pack=2 may help";
    return NULL;
}

static void judge_loss(duet_monitor *monitor, duet_run *run, duet_verdict *verdict)
{
    bool collapsed;
    const char *loss = find_loss(run, verdict, &collapsed);
    if (loss == NULL) return;
    if (loss != monitor->said) duet_device_say(duet_run_device(run), "warning: %s", loss);
    monitor->said = loss;
    if (!monitor->options->stop_on_collapse || !collapsed) return;
    snprintf(verdict->stop, sizeof verdict->stop, "%s", loss);
    verdict->collapsed = true;
}

static void judge_plateau(const duet_monitor *monitor, uint64_t epoch, duet_verdict *verdict)
{
    uint64_t waited = epoch - monitor->best_epoch;
    if (monitor->watch.patience == 0 || waited < monitor->watch.patience || verdict->stop[0] != '\0') return;
    if (isnan(monitor->best))
        snprintf(verdict->stop, sizeof verdict->stop, "%s was no finite number in %" PRIu64 " epochs",
                 monitor->watch.best, waited);
    else
        (void)duet_text_print(verdict->stop, sizeof verdict->stop,
                              "%s has not got better than %.6g for %" PRIu64 " epochs", monitor->watch.best,
                              monitor->best, waited);
}

/* Says which metrics a training watched that goes on without. */
static void tell_of_unwatched(const duet_monitor *monitor, duet_run *run)
{
    const duet_metric_row *row, *listed = NULL;
    char names[256] = "", checksum[24];
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++) {
        size_t used = strlen(names);
        bool is_part = listed != NULL && duet_metric_measure_find(listed, row->name) != NULL; /* the bound's nll */
        if (is_part || !find_past(monitor->options->resume, row->name, checksum)) continue;
        snprintf(names + used, sizeof names - used, " --watch %s", row->name);
        listed = row;
    }
    if (names[0] != '\0')
        duet_device_say(duet_run_device(run),
                        "the run was watched and goes on without; what it had is had again with%s", names);
}

/* Says what a training is watched by that goes on, where that was not said anew. */
static void tell_of_watch(const duet_monitor *monitor, duet_run *run)
{
    const duet_watch *watch = &monitor->watch, *before = &monitor->before.choice.watch;
    char words[512] = "";
    size_t used = 0;
    if (watch->metrics != before->metrics && watch->best != before->best) return;
    for (size_t i = 0; i < watch->metric_count && used < sizeof words; i++)
        used += (size_t)snprintf(words + used, sizeof words - used, " --watch %s", watch->metrics[i]);
    if (watch->best != NULL && used < sizeof words)
        used += (size_t)snprintf(words + used, sizeof words - used, " --keep-best %s", watch->best);
    if (watch->patience > 0 && used < sizeof words)
        (void)snprintf(words + used, sizeof words - used, " --patience %" PRIu64, watch->patience);
    if (words[0] != '\0')
        duet_device_say(duet_run_device(run), "watched as before:%s; --watch none --keep-best none ends it", words);
}

duet_status duet_monitor_check(void *watcher, duet_run *run, duet_error *error)
{
    task it = {.monitor = watcher};
    const bool goes_on = it.monitor->options->resume != NULL;
    if (goes_on) tell_of_watch(it.monitor, run);
    if (watches(it.monitor)) return with_judge(&it, run, check, error);
    if (goes_on && !it.monitor->before.tells_watch) tell_of_unwatched(it.monitor, run);
    return DUET_OK;
}

duet_status duet_monitor_look(void *watcher, duet_run *run, uint64_t epoch, duet_verdict *verdict, duet_error *error)
{
    duet_monitor *monitor = watcher;
    task it = {.monitor = monitor};
    if (epoch == 0 && monitor->watch.metric_count == 0 && monitor->watch.best == NULL) return DUET_OK;
    if (monitor->watch.best != NULL) monitor->better = duet_metric_better(run, monitor->watch.best);
    DUET_TRY(with_judge(&it, run, measure, error));
    if (isnan(monitor->best) && monitor->watch.best != NULL && monitor->options->resume != NULL)
        remember(monitor, epoch, it.features.checksum);
    for (size_t i = 0; i < it.made; i++) {
        verdict->names[i] = it.values[i].name;
        verdict->values[i] = it.values[i].value;
        if (monitor->watch.best != NULL && strcmp(it.values[i].name, monitor->watch.best) == 0)
            verdict->best = take_value(monitor, it.values[i].value, epoch);
    }
    verdict->count = it.made;
    snprintf(verdict->features, sizeof verdict->features, "%s", it.features.checksum);
    if (epoch > 0) judge_loss(monitor, run, verdict);
    if (monitor->watch.best != NULL) judge_plateau(monitor, epoch, verdict);
    return DUET_OK;
}
