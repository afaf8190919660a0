/* SPDX-License-Identifier: MIT */
/* What every command that uses a trained run begins with. */
#include "cli/run.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/shared.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Questions too: whoever asks for such data has a run that fits them. */
void cli_data_tell(const duet_data *data, size_t first)
{
    const char *note;
    for (size_t i = first; (note = duet_data_note(data, i, NULL)) != NULL; i++)
        cli_complain(CLI_DONE, "warning: %s", note);
}

size_t cli_data_said(const duet_data *data)
{
    size_t said = 0;
    while (duet_data_note(data, said, NULL) != NULL) said++;
    return said;
}

int cli_run_open(duet_run **run, const char *directory, const char *device, const char *data, const char *out)
{
    duet_error error = {0};
    int status = cli_data_check(data);
    if (status != CLI_DONE) return status;
    if (duet_run_open_with(run, directory, device, data, NULL, &error) != DUET_OK) return cli_fail_opened(&error);
    duet_device_set_log(duet_run_device(*run), cli_log, NULL);
    status = cli_check_spared("out", out, duet_data_describe(duet_run_data(*run))->name);
    if (status != CLI_DONE) return status;
    if (data != NULL) cli_data_tell(duet_run_data(*run), 0);
    if (duet_run_share(*run, cli_shared_ranks(), &error) != DUET_OK) return cli_fail_opened(&error);
    return CLI_DONE;
}

duet_status cli_run_set_judge(duet_run *run, duet_run *judge, duet_error *error)
{
    const size_t said = cli_data_said(duet_run_data(run));
    duet_status status = duet_run_set_judge(run, judge, error);
    cli_data_tell(duet_run_data(run), said);
    return status;
}

duet_split cli_run_split(duet_run *run)
{
    return duet_data_describe(duet_run_data(run))->count[DUET_TEST] > 0 ? DUET_TEST : DUET_TRAIN;
}

int cli_run_needs(duet_run *run, const char *output, const char *cannot)
{
    if (duet_run_features(run, output) > 0) return CLI_DONE;
    return cli_complain(CLI_FAILED, "a model of kind %s cannot %s", duet_model_family(duet_run_model(run))->name,
                        cannot);
}

float *cli_floats_new(size_t count, size_t features)
{
    bool fits = features == 0 || count <= SIZE_MAX / sizeof(float) / features;
    float *values = fits ? malloc(count * features * sizeof *values) : NULL;
    if (values == NULL)
        cli_complain(CLI_FAILED, "there is too little memory for %zu examples of %zu numbers", count, features);
    return values;
}

size_t cli_floats_wrong(const float *values, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) wrong += !isfinite(values[i]);
    return wrong;
}

int cli_floats_check(const float *values, size_t count, const char *what)
{
    const size_t wrong = cli_floats_wrong(values, count);
    if (wrong == 0) return CLI_DONE;
    return cli_complain(CLI_WRONG,
                        "%s: %zu of %zu numbers are not finite, so nothing is written: look at the run's losses and at "
                        "the largest values of its data",
                        what, wrong, count);
}

/* Repeats may take only microseconds, so the line is rewritten at most five times a second. */
static void show_progress(void *context, uint64_t repeat, uint64_t total)
{
    double *shown = context, now = duet_seconds();
    if (now - *shown < 0.2) return;
    *shown = now;
    cli_progress_count("repeat", (size_t)repeat, (size_t)total, "");
}

int cli_use(duet_run *run, duet_request *request)
{
    double shown = duet_seconds();
    duet_error error = {0};
    size_t not_finite; /* callers say which rows */
    request->not_finite = &not_finite;
    request->progress = show_progress;
    request->context = &shown;
    request->stop = cli_catch_interrupt();
    duet_status status = duet_run_use(run, request, &error);
    cli_leave_interrupt();
    if (status == DUET_OK && *request->stop != 0) { /* it came too late to be seen */
        error = (duet_error){DUET_ERROR_INTERRUPTED, "stopped"};
        status = error.status;
    }
    cli_progress_clear();
    return status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

int cli_settings_look(const cli_list *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strchr(settings->items[i], '=') == NULL)
            return cli_complain(CLI_MISTAKE, "'%s' is no setting: KEY=VALUE was expected", settings->items[i]);
    return CLI_DONE;
}

static bool is_known(duet_run *run, const char *setting)
{
    char key[64];
    snprintf(key, sizeof key, "%.*s", (int)strcspn(setting, "="), setting);
    return duet_run_takes(run, key);
}

/* Refuses a key that the run does not read, as the library would, and says which one is near. */
static int refuse_key(duet_run *run, const char *key)
{
    char hint[80], keys[300] = "weights";
    const char *known;
    duet_spelling nearest = {.word = key};
    duet_spelling_offer(&nearest, "weights");
    for (size_t i = 0; (known = duet_run_key(run, i)) != NULL; i++) {
        const size_t used = strlen(keys);
        duet_spelling_offer(&nearest, known);
        snprintf(keys + used, sizeof keys - used, " %s", known);
    }
    return cli_complain(CLI_MISTAKE, "--set %s: a model of kind %s takes KEY=VALUE at use with these keys: %s%s", key,
                        duet_model_family(duet_run_model(run))->name, keys,
                        duet_spelling_words(&nearest, hint, sizeof hint));
}

static bool is_weights(const char *setting)
{
    return strcmp(setting, "weights=average") == 0 || strcmp(setting, "weights=trained") == 0;
}

int cli_settings_known(duet_run *run, const cli_list *settings)
{
    duet_error error = {0};
    for (size_t i = 0; i < settings->count; i++) {
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(settings->items[i], "="), settings->items[i]);
        if (strcmp(key, "weights") != 0 && !duet_run_takes(run, key)) return refuse_key(run, key);
        if (is_weights(settings->items[i]) && !duet_run_takes(run, key)) continue; /* why not is said at use */
        if (duet_run_check_settings(run, &settings->items[i], 1, &error) != DUET_OK) return cli_fail(&error);
    }
    return CLI_DONE;
}

int cli_settings_take(duet_run *run, const cli_list *settings, const char *const *outputs, size_t count)
{
    const int status = cli_settings_known(run, settings);
    if (status != CLI_DONE) return status;
    for (size_t i = 0; i < settings->count; i++) {
        bool read = !is_known(run, settings->items[i]);
        for (size_t k = 0; k < count; k++) read = read || duet_run_reads(run, outputs[k], settings->items[i]);
        if (!read)
            return cli_complain(CLI_FAILED, "--set %s has no effect: nothing that is asked for reads it",
                                settings->items[i]);
    }
    duet_run_set_settings(run, settings->items, settings->count);
    return CLI_DONE;
}

/* The metric that gives a value of that name beside its own; NULL: there is none. */
static const duet_metric_row *giver_of(const char *value)
{
    const duet_metric_row *row;
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++)
        if (duet_metric_measure_find(row, value) != NULL) return row;
    return NULL;
}

int cli_metrics_check(const cli_list *metrics)
{
    char hint[80];
    for (size_t i = 0; i < metrics->count; i++) {
        const duet_metric_row *row;
        duet_spelling nearest = {.word = metrics->items[i]};
        if (duet_metric_find(metrics->items[i]) != NULL) continue;
        if ((row = giver_of(metrics->items[i])) != NULL)
            return cli_complain(CLI_MISTAKE, "'%s' comes with the metric %s: name that", metrics->items[i], row->name);
        for (size_t j = 0; (row = duet_metric_at(j)) != NULL; j++) duet_spelling_offer(&nearest, row->name);
        return cli_complain(CLI_MISTAKE, "there is no metric '%s'%s ('duet eval --help' lists them)", metrics->items[i],
                            duet_spelling_words(&nearest, hint, sizeof hint));
    }
    return CLI_DONE;
}
