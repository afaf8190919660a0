/* SPDX-License-Identifier: MIT */
/* Watching a training by metrics: at each epoch's end they are computed on the run as it is. The verdict says whether
 * this is the best state so far, and whether to stop: the best no longer improves, or the training has collapsed. */
#include "metric/monitor.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/text.h"
#include "device/device.h"
#include "run/run_folder.h"

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

static bool watches(const duet_monitor *monitor)
{
    return monitor->watch.metric_count > 0 || monitor->watch.best != NULL || monitor->options.stop_on_collapse;
}

static duet_status refuse_best(const char *metric, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_USAGE, "\"%s\" is neither better large nor small: the best is not defined",
                     metric);
}

static bool asks_judge(const char *metric)
{
    const duet_metric_row *row = duet_metric_find(metric);
    return row == NULL || row->by_features != DUET_BY_NO_FEATURES; /* that there is none is said elsewhere */
}

/* Whether something that is watched asks a judge; of what shows a collapse, `classes` does. */
static bool has_use_for_judge(const duet_monitor *monitor)
{
    const duet_watch *watch = &monitor->watch;
    bool asks = monitor->options.stop_on_collapse || (watch->best != NULL && asks_judge(watch->best));
    for (size_t i = 0; i < watch->metric_count; i++) asks = asks || asks_judge(watch->metrics[i]);
    return asks;
}

static duet_status refuse_judge(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_USAGE,
                     "none of the metrics that are watched asks the judge: name one that does, such as --watch "
                     "classes, or leave --judge out");
}

/* Mistakes that show without a run. */
static duet_status check_watch(const duet_monitor *monitor, duet_error *error)
{
    const duet_watch *watch = &monitor->watch;
    if (monitor->options.judge != NULL && !watches(monitor))
        return duet_fail(error, DUET_ERROR_USAGE,
                         "a judge is asked by metrics that are watched: name one with --watch METRIC");
    if (monitor->options.judge != NULL && !has_use_for_judge(monitor)) return refuse_judge(error);
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
    const duet_monitor_options *options = &monitor->options;
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

/* A program may change to another folder before the next look. */
static duet_status keep_path(const char **path, char **kept, duet_error *error)
{
    if (*path == NULL) return DUET_OK;
    *path = *kept = duet_run_path(*path);
    return *kept != NULL ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
}

static duet_status begin(duet_monitor *made, duet_error *error)
{
    const duet_monitor_options *options = &made->options;
    DUET_TRY(keep_path(&made->options.judge, &made->judge, error));
    DUET_TRY(keep_path(&made->options.resume, &made->resume, error));
    if (options->resume != NULL) /* of a run.json that cannot be read the training says why */
        (void)duet_run_file_read(&made->before, options->resume, NULL);
    if (options->judge == NULL) made->recorded = made->before.choice.judge;
    choose_watch(made);
    return check_watch(made, error);
}

duet_status duet_monitor_new(duet_monitor **monitor, const duet_monitor_options *options, duet_error *error)
{
    *monitor = NULL;
    duet_monitor *made = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a monitor");
    made->options = *options;
    made->best = NAN;
    const duet_status status = begin(made, error);
    if (status != DUET_OK) duet_monitor_free(&made);
    *monitor = made;
    return status;
}

void duet_monitor_free(duet_monitor **monitor)
{
    if (monitor == NULL || *monitor == NULL) return;
    duet_run_file_free(&(*monitor)->before);
    free((*monitor)->judge);
    free((*monitor)->resume);
    free(*monitor);
    *monitor = NULL;
}

const duet_watch *duet_monitor_watch(const duet_monitor *monitor)
{
    return &monitor->watch;
}

/* Metrics that show a collapse. */
static const char *const signs[] = {"modes", "classes", "active-units", "neighbour-spread"};
enum { SIGNS = sizeof signs / sizeof *signs };

/* Lists each metric once: those asked for, watch.best and, if a collapse is to stop the training, those that show
 * one and apply. Their values are to fit a verdict. */
static duet_status list_metrics(const duet_monitor *monitor, duet_run *run, const char **names, size_t *listed,
                                duet_error *error)
{
    const duet_watch *watch = &monitor->watch;
    size_t count = 0, values = 0;
    for (size_t i = 0; i < watch->metric_count + 1 + SIGNS; i++) {
        bool asked = i < watch->metric_count, is_best = i == watch->metric_count, is_new = true;
        const char *name = asked ? watch->metrics[i] : is_best ? watch->best : signs[i - watch->metric_count - 1];
        if (!asked && !is_best && (!monitor->options.stop_on_collapse || !duet_metric_applies(run, name))) continue;
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
    duet_monitor *monitor;
    const char *names[DUET_VERDICT_VALUES];
    size_t count;
    duet_metric_value values[DUET_VERDICT_VALUES];
    size_t made;
    duet_run *run; /* while they are measured */
    duet_metric_value missing[DUET_VERDICT_VALUES];
    size_t missing_count;
    duet_error fault;                /* of one that fails for a cause that ends the training */
    duet_features_identity features; /* of those that go by some */
} task;

/* Whether what is to end at a collapse has metrics that show one, and a judge one that asks it. */
static duet_status check_signs(const task *it, duet_run *run, duet_error *error)
{
    bool shows = false, asks = false;
    for (size_t i = 0; i < it->count; i++) {
        asks = asks || asks_judge(it->names[i]);
        for (size_t sign = 0; sign < SIGNS; sign++) shows = shows || strcmp(it->names[i], signs[sign]) == 0;
    }
    if (it->monitor->options.judge != NULL && !asks) return refuse_judge(error);
    if (it->monitor->options.stop_on_collapse && !shows)
        duet_device_say(duet_run_device(run),
                        "note: to stop on a collapse has no effect: of a model of \"%s\" on such data no metric shows "
                        "one",
                        duet_model_family(duet_run_model(run))->name);
    return DUET_OK;
}

static duet_status check(task *it, duet_run *run, duet_error *error)
{
    DUET_TRY(check_signs(it, run, error));
    const char *best = it->monitor->watch.best;
    for (size_t i = 0; i < it->count; i++) {
        DUET_TRY(duet_metric_check(run, it->names[i], split_of(run), error));
        if (it->monitor->options.resume == NULL) continue;
        if (duet_metric_find(it->names[i])->by_features != DUET_BY_NO_FEATURES)
            DUET_TRY(duet_monitor_check_past(it->monitor, run, it->names[i], error));
    }
    if (best != NULL && duet_metric_better(run, best) == DUET_NEITHER) return refuse_best(best, error);
    if (best == NULL || it->monitor->options.resume == NULL) return DUET_OK;
    for (size_t i = 0; i < it->count && it->features.name[0] == '\0'; i++)
        DUET_TRY(duet_metric_features(run, it->names[i], &it->features, error));
    return duet_monitor_recall(it->monitor, run, it->features.checksum, error);
}

/* Of a value and why there is none, but for numbers, which differ from look to look. */
static uint64_t sum_cause(const char *name, const char *reason)
{
    uint64_t sum = duet_checksum_add(DUET_CHECKSUM_BEGIN, name, strlen(name) + 1);
    for (const char *at = reason; *at != '\0'; at++)
        if (*at < '0' || *at > '9') sum = duet_checksum_add(sum, at, 1);
    return sum;
}

/* Says once a training why there is no value of that name, and once more for each other cause. */
static void tell_of_unknown(duet_monitor *monitor, duet_run *run, const char *name, const char *reason)
{
    const uint64_t sum = sum_cause(name, reason);
    for (size_t i = 0; i < monitor->told_count; i++)
        if (monitor->told[i] == sum) return;
    if (monitor->told_count == sizeof monitor->told / sizeof *monitor->told) return;
    monitor->told[monitor->told_count++] = sum;
    duet_device_say(duet_run_device(run), "note: %s is null: %s", name, reason);
}

/* What is wrong with the data, or with what the model makes of them, ends no training: its losses tell whether it is
 * sound. What the device, memory or a file failed at does, and so does who stops it. */
static bool costs_a_value(duet_status status)
{
    return status == DUET_ERROR_NUMERIC || status == DUET_ERROR_DATA || status == DUET_ERROR_USAGE;
}

/* A metric that fails is NaN, and why is said; what ends the training stays. */
static void leave_out(void *context, const char *name, const duet_error *reason)
{
    task *it = context;
    const duet_metric_row *row = duet_metric_find(name);
    if (!costs_a_value(reason->status)) {
        if (it->fault.status == DUET_OK) it->fault = *reason;
        return;
    }
    it->missing[it->missing_count++] = (duet_metric_value){row->measures[0].name, NAN, NAN, NAN, 0, row};
    tell_of_unknown(it->monitor, it->run, row->measures[0].name, reason->message);
}

static size_t place_of(const task *it, const duet_metric_value *value)
{
    size_t place = 0;
    while (place < it->count && strcmp(it->names[place], value->row->name) != 0) place++;
    return place;
}

/* In the order in which their metrics were named, whether they could be computed or not. */
static void sort_values(task *it)
{
    for (size_t i = 1; i < it->made; i++)
        for (size_t k = i; k > 0 && place_of(it, &it->values[k - 1]) > place_of(it, &it->values[k]); k--) {
            const duet_metric_value later = it->values[k - 1];
            it->values[k - 1] = it->values[k];
            it->values[k] = later;
        }
}

/* Where one fails, each is measured by itself from then on, and not all of them first in vain. */
static duet_status measure_all(task *it, duet_error *error)
{
    const size_t at_once = it->monitor->singly ? 1 : it->count;
    for (size_t i = 0; i < it->count; i += at_once) {
        size_t made;
        DUET_TRY(duet_metric_compute_each(it->run, it->names + i, at_once, split_of(it->run), it->monitor->options.seed,
                                          it->values + it->made, DUET_VERDICT_VALUES - it->made, &made, leave_out, it,
                                          error));
        it->made += made;
    }
    if (it->fault.status != DUET_OK) return duet_fail(error, it->fault.status, "%s", it->fault.message);
    it->monitor->singly = it->monitor->singly || it->missing_count > 0;
    for (size_t i = 0; i < it->missing_count; i++) it->values[it->made++] = it->missing[i];
    sort_values(it);
    return DUET_OK;
}

static duet_status measure(task *it, duet_run *run, duet_error *error)
{
    for (size_t i = 0; i < it->count && it->features.name[0] == '\0'; i++)
        DUET_TRY(duet_metric_features(run, it->names[i], &it->features, error));
    it->run = run;
    DUET_TRY(measure_all(it, error));
    for (size_t i = 0; i < it->made; i++) {
        const char *reason = duet_metric_reason(run, it->values[i].name);
        if (reason != NULL) tell_of_unknown(it->monitor, run, it->values[i].name, reason);
    }
    return DUET_OK;
}

static duet_status open_judge(const duet_monitor *monitor, duet_run *run, duet_run **judge, duet_error *error)
{
    const duet_monitor_options *options = &monitor->options;
    if (options->judge != NULL)
        return duet_run_open_beside_with(judge, options->judge, run, options->judge_family, error);
    duet_error fault = {0};
    if (monitor->recorded == NULL || !has_use_for_judge(monitor) ||
        duet_run_open_beside(judge, monitor->recorded, run, &fault) == DUET_OK)
        return DUET_OK; /* of a run that goes on watched by others it may be away */
    return duet_fail(error, fault.status, "the judge of this run cannot be opened: %s; --judge RUN names it anew",
                     fault.message);
}

/* What a judge that guesses says of samples looks like any other's word. What its worth cannot be known of, for want of
 * its own data, is asked all the same. */
static duet_status weigh(duet_run *run, duet_run *judge, duet_error *error)
{
    duet_judge_weight weight;
    duet_error reason = {0};
    char words[600];
    const duet_status status = duet_judge_weigh(judge, &weight, &reason);
    if (status != DUET_OK && status != DUET_ERROR_FILE && !costs_a_value(status))
        return duet_fail(error, status, "%s", reason.message);
    if (status != DUET_OK)
        duet_device_say(duet_run_device(run),
                        "warning: how good the judge is is not known: its accuracy, which a 'duet eval' of it has too, "
                        "is left out: %s",
                        reason.message);
    else if (duet_judge_may_guess(&weight, words, sizeof words))
        duet_device_say(duet_run_device(run), "warning: %s", words);
    return DUET_OK;
}

static duet_status with_judge(task *it, duet_run *run, duet_status (*act)(task *it, duet_run *run, duet_error *error),
                              duet_error *error)
{
    duet_run *judge = NULL;
    duet_status status = open_judge(it->monitor, run, &judge, error);
    if (status == DUET_OK && judge != NULL && act == check && duet_run_doubt(judge) != NULL)
        duet_device_say(duet_run_device(run), "warning: %s", duet_run_doubt(judge));
    if (status == DUET_OK) status = duet_run_set_judge(run, judge, error);
    if (status == DUET_OK) status = list_metrics(it->monitor, run, it->names, &it->count, error);
    if (status == DUET_OK) status = act(it, run, error);
    if (status == DUET_OK && judge != NULL && act == check && !it->monitor->options.judge_is_weighed)
        status = weigh(run, judge, error);
    (void)duet_run_set_judge(run, NULL, NULL);
    duet_run_close(&judge);
    return status;
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

/* Before the first finite value there is nothing to keep, which would else show at the end alone. */
static void tell_of_no_best(duet_monitor *monitor, duet_run *run, uint64_t epoch)
{
    if (!isnan(monitor->best) || monitor->told_of_best) return;
    monitor->told_of_best = true;
    duet_device_say(duet_run_device(run),
                    "warning: %s is no finite number after epoch %" PRIu64
                    ": there is no best.safetensors until it is one",
                    monitor->watch.best, epoch);
}

/* Says which metrics a training watched that goes on without. */
static void tell_of_unwatched(const duet_monitor *monitor, duet_run *run)
{
    const duet_metric_row *row, *listed = NULL;
    char names[256] = "", checksum[24];
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++) {
        size_t used = strlen(names);
        bool is_part = listed != NULL && duet_metric_measure_find(listed, row->name) != NULL; /* the bound's nll */
        bool found;
        (void)duet_monitor_find_past(monitor->options.resume, row->name, &found, checksum, NULL);
        if (is_part || !found) continue;
        snprintf(names + used, sizeof names - used, " --watch %s", row->name);
        listed = row;
    }
    if (names[0] != '\0')
        duet_device_say(duet_run_device(run),
                        "the run was watched and goes on without; what it had is had again with%s", names);
}

/* Says what a training that goes on is watched by, of what was not said anew. */
static void tell_of_watch(const duet_monitor *monitor, duet_run *run)
{
    const duet_watch *watch = &monitor->watch, *before = &monitor->before.choice.watch;
    bool best_is = watch->best != NULL && watch->best == before->best;
    char words[512] = "";
    size_t used = 0;
    for (size_t i = 0; watch->metrics == before->metrics && i < watch->metric_count && used < sizeof words; i++)
        used += (size_t)snprintf(words + used, sizeof words - used, " --watch %s", watch->metrics[i]);
    if (best_is && used < sizeof words)
        used += (size_t)snprintf(words + used, sizeof words - used, " --keep-best %s", watch->best);
    if (watch->patience > 0 && monitor->options.patience == 0 && used < sizeof words)
        (void)snprintf(words + used, sizeof words - used, " --patience %" PRIu64, watch->patience);
    if (words[0] != '\0')
        duet_device_say(duet_run_device(run), "watched as before:%s; --watch none --keep-best none ends it", words);
}

duet_status duet_monitor_check(void *watcher, duet_run *run, duet_error *error)
{
    task it = {.monitor = watcher};
    const bool goes_on = it.monitor->options.resume != NULL;
    if (goes_on) tell_of_watch(it.monitor, run);
    if (watches(it.monitor)) return with_judge(&it, run, check, error);
    if (goes_on && !it.monitor->before.tells_watch) tell_of_unwatched(it.monitor, run);
    return DUET_OK;
}

duet_status duet_monitor_look(void *watcher, duet_run *run, uint64_t epoch, duet_verdict *verdict, duet_error *error)
{
    duet_monitor *monitor = watcher;
    task it = {.monitor = monitor};
    if (!watches(monitor)) return DUET_OK;
    if (epoch == 0 && monitor->watch.metric_count == 0 && monitor->watch.best == NULL) return DUET_OK;
    if (monitor->watch.best != NULL) monitor->better = duet_metric_better(run, monitor->watch.best);
    DUET_TRY(with_judge(&it, run, measure, error));
    if (!monitor->recalled && monitor->watch.best != NULL && monitor->options.resume != NULL)
        DUET_TRY(duet_monitor_recall(monitor, run, it.features.checksum, error));
    for (size_t i = 0; i < it.made; i++) {
        verdict->names[i] = it.values[i].name;
        verdict->values[i] = it.values[i].value;
        if (monitor->watch.best != NULL && strcmp(it.values[i].name, monitor->watch.best) == 0)
            verdict->best = take_value(monitor, it.values[i].value, epoch);
    }
    verdict->count = it.made;
    snprintf(verdict->features, sizeof verdict->features, "%s", it.features.checksum);
    if (epoch > 0) duet_monitor_judge_loss(monitor, run, verdict);
    if (monitor->watch.best != NULL) tell_of_no_best(monitor, run, epoch);
    if (monitor->watch.best != NULL) judge_plateau(monitor, epoch, verdict);
    return DUET_OK;
}
