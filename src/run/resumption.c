/* SPDX-License-Identifier: MIT */
/* A training that goes on is the same training, so what would make it another one is refused and not passed over. */
#include "run/resumption.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "model/settings.h"
#include "run/metrics_file.h"
#include "run/reports.h"
#include "run/run_folder.h"

static duet_status out_of_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the settings of a run");
}

/* The place of "key=..." among `count` settings; `count`: it is not there. The last one counts. */
static size_t find(const char *const *settings, size_t count, const char *key, size_t length)
{
    for (size_t i = count; i-- > 0;)
        if (strncmp(settings[i], key, length) == 0 && settings[i][length] == '=') return i;
    return count;
}

/* What a setting is: of a group that has none of its own, what is said of all. "" if the run knows no such thing. */
static const char *value_of(const char *const *settings, size_t count, const char *key)
{
    const char *dot = strchr(key, '.');
    size_t place = find(settings, count, key, strlen(key));
    if (place == count && dot != NULL) place = find(settings, count, dot + 1, strlen(dot + 1));
    return place == count ? "" : strchr(settings[place], '=') + 1;
}

/* Puts "key=value" where the run has that key. What says the same in other words leaves the run's own. */
static duet_status put(duet_resumption *it, const char *pair, duet_error *error)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL) return duet_fail(error, DUET_ERROR_USAGE, "\"%s\" is no setting: KEY=VALUE", pair);
    size_t place = find(it->settings, it->setting_count, pair, (size_t)(equals - pair));
    if (place == it->setting_count)
        it->setting_count++;
    else if (duet_setting_is_same(strchr(it->settings[place], '=') + 1, equals + 1))
        return DUET_OK;
    it->settings[place] = pair;
    return DUET_OK;
}

/* Notes what a setting was and is, which must be a rate if that is not the same. */
static duet_status compare(duet_resumption *it, const duet_run_choice *before, const char *key, duet_error *error)
{
    const char *was = value_of(before->settings, before->setting_count, key),
               *is = value_of(it->settings, it->setting_count, key);
    if (duet_setting_is_same(was, is)) return DUET_OK;
    if (!duet_setting_is_rate(key))
        return duet_fail(error, DUET_ERROR_USAGE,
                         "setting %s: the run goes on with %s%s%s, not \"%s\": only rates (lr, lr_schedule, "
                         "lr_steps, lr_warm_up, lr_final, clip_norm) may change in a run; train anew for the others",
                         key, *was ? "\"" : "what it has", was, *was ? "\"" : "", is);
    return json_object_set_new(it->changed, key, json_pack("[s, s]", was, is)) == 0 ? DUET_OK : out_of_memory(error);
}

static duet_status compare_key_of(duet_resumption *it, const duet_run_choice *before, const char *pair,
                                  duet_error *error)
{
    char *key = strndup(pair, (size_t)(strchr(pair, '=') - pair));
    duet_status status = key == NULL ? out_of_memory(error) : compare(it, before, key, error);
    free(key);
    return status;
}

static duet_status check_number(const char *what, uint64_t own, uint64_t asked, duet_error *error)
{
    if (asked == 0 || asked == own) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "%s: the run goes on with %" PRIu64 ", not %" PRIu64 ": leave it out, or train anew", what, own,
                     asked);
}

duet_status duet_resumption_make(duet_resumption *resumption, const duet_run_file *before,
                                 const duet_train_options *options, duet_error *error)
{
    const duet_run_choice *choice = &before->choice;
    DUET_TRY(check_number("batch", choice->batch, options->batch, error));
    DUET_TRY(check_number("seed", choice->seed, options->seed, error));
    *resumption = (duet_resumption){
        .settings = calloc(choice->setting_count + options->setting_count + 1, sizeof *resumption->settings),
        .setting_count = choice->setting_count,
        .changed = json_object(),
    };
    if (resumption->settings == NULL || resumption->changed == NULL) return out_of_memory(error);
    for (size_t i = 0; i < choice->setting_count; i++) resumption->settings[i] = choice->settings[i];
    /* all of them before any is compared: what is said of a group counts there, whatever is said of all, before or
     * after it */
    for (size_t i = 0; i < options->setting_count; i++) DUET_TRY(put(resumption, options->settings[i], error));
    for (size_t i = 0; i < options->setting_count; i++)
        DUET_TRY(compare_key_of(resumption, choice, options->settings[i], error));
    return DUET_OK;
}

static json_t *name_data(const duet_data_info *info)
{
    return json_sprintf("%s, %zu + %zu examples%s%s", info->name, info->count[DUET_TRAIN], info->count[DUET_TEST],
                        info->checksum[0] != '\0' ? ", checksum " : "", info->checksum);
}

duet_status duet_resumption_note_data(duet_resumption *resumption, const duet_data_info *then,
                                      const duet_data_info *now, duet_error *error)
{
    json_t *pair = json_pack("[o, o]", name_data(then), name_data(now));
    return json_object_set_new(resumption->changed, "data", pair) == 0 ? DUET_OK : out_of_memory(error);
}

duet_status duet_resumption_note_model(duet_resumption *resumption, const json_t *then, const json_t *now,
                                       duet_error *error)
{
    json_t *pair = json_pack("[O, O]", json_object_get(then, "training"), json_object_get(now, "training"));
    return json_object_set_new(resumption->changed, "composition", pair) == 0 ? DUET_OK : out_of_memory(error);
}

/* The first step whose end has a checkpoint, by what the run was last asked for. */
static uint64_t first_due(const duet_run_choice *choice, const duet_trainer *trainer)
{
    uint64_t due = duet_trainer_steps_for(trainer, 1);
    if (choice->checkpoint_every > 0 && choice->checkpoint_every < due) due = choice->checkpoint_every;
    return choice->steps > 0 && choice->steps < due ? choice->steps : due;
}

/* A run that has lost its checkpoint must not start over, and lose its reports too. A report past the step at which the
 * first checkpoint is due comes after it. */
duet_status duet_resumption_check_unsaved(const duet_run_file *before, const char *directory,
                                          const duet_trainer *trainer, duet_error *error)
{
    duet_metrics_file reports;
    duet_metrics_past told;
    DUET_TRY(duet_metrics_open(&reports, directory, UINT64_MAX, &told, error));
    duet_metrics_close(&reports);
    bool reported = told.step > first_due(&before->choice, trainer);
    if (!before->checkpointed && !reported) return DUET_OK;
    return duet_fail(error, DUET_ERROR_FILE,
                     "%s/checkpoint.safetensors is not there, but the run has had one%s: put it back from a copy%s, or "
                     "train again with another --out",
                     directory, reported ? ", as its reports show" : "",
                     duet_run_folder_holds(directory, "best.safetensors")
                         ? ", copy best.safetensors to it to go on from there"
                         : "");
}

/* Whether the run went on with other data, now or before: epochs were counted by those. */
static bool has_changed_data(const duet_resumption *resumption, const duet_run_file *before)
{
    json_t *earlier;
    size_t i;
    bool changed = json_object_get(resumption->changed, "data") != NULL;
    json_array_foreach(json_object_get(before->document, "resumed"), i, earlier) changed =
        changed || json_object_get(json_object_get(earlier, "changed"), "data") != NULL;
    return changed;
}

bool duet_resumption_doubts_reports(const duet_resumption *resumption, const duet_run_file *before,
                                    const duet_trainer *trainer, const json_t *last, char *words, size_t size)
{
    const uint64_t step = (uint64_t)json_integer_value(json_object_get(last, "step"));
    const double due = (double)duet_trainer_draws(trainer, step) / (double)trainer->batches;
    const char *const *terms = trainer->schedule.terms;
    return duet_reports_differ(last, terms, trainer->schedule.term_count,
                               has_changed_data(resumption, before) ? NAN : due, words, size);
}

void duet_resumption_free(duet_resumption *resumption)
{
    free(resumption->settings);
    json_decref(resumption->changed);
    *resumption = (duet_resumption){0};
}
