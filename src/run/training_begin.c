/* SPDX-License-Identifier: MIT */
/* What a training is made ready from: what the options say, or the resumed run with the options' totals; model,
 * device and files. Nothing is written before all of it fits. */
#include "run/training_ranks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "data/data.h"
#include "run/checkpoint.h"
#include "run/composition.h"
#include "run/reports.h"
#include "tune/tuning_file.h"

enum { REPORT_STEPS = 100 };

/* Fills in batch and epochs where neither options nor run say them. */
static void take_usual_size(duet_training *run)
{
    duet_run_choice *choice = &run->choice;
    const duet_family *given = run->options->family, *family = given != NULL ? given : duet_family_find(choice->model);
    if (family == NULL) return; /* a mistake that open_parts reports */
    duet_training_size size = duet_family_training_size(family, choice->settings, choice->setting_count);
    if (choice->batch == 0 && !run->resumed) choice->batch = size.batch;
    if (choice->steps == 0 && choice->epochs == 0) choice->epochs = size.epochs;
}

/* Its directory is there. */
static duet_status locate(duet_training *run, duet_error *error)
{
    run->place = duet_run_path(run->directory);
    return run->place != NULL ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
}

/* The run to be resumed, for this process alone. It is read again once that is so: another process may just have
 * ended. */
static duet_status take_run(duet_training *run, duet_error *error)
{
    DUET_TRY(duet_run_folder_check_begun(run->directory, error));
    DUET_TRY(duet_run_file_read(&run->before, run->directory, error));
    duet_run_file_free(&run->before);
    DUET_TRY(locate(run, error));
    DUET_TRY(duet_run_folder_lock(run->directory, &run->lock, error));
    DUET_TRY(duet_run_file_read(&run->before, run->directory, error));
    run->resumed = true;
    return DUET_OK;
}

/* As run.json keeps it, which holds from any folder. */
static duet_status take_data_name(duet_training *run, const char *name, duet_error *error)
{
    const duet_data *own = run->options->own_data;
    run->data_name = own != NULL ? strdup(duet_data_describe(own)->name) : duet_run_data_name(name);
    if (run->data_name == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a name");
    run->choice.data = run->data_name;
    return DUET_OK;
}

/* What nobody looks at would be kept in run.json as if somebody did. */
static duet_status check_watcher(const duet_train_options *options, duet_error *error)
{
    static const duet_watch nothing;
    const duet_watch *watch = options->watch != NULL ? options->watch : &nothing;
    bool watches = watch->metric_count > 0 || watch->best != NULL || options->judge != NULL;
    if (watch->patience > 0 && watch->best == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "patience waits for a metric to get better: say which");
    if (!watches || options->at_epoch != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "metrics that are watched, a best one or a judge are for a watcher, and there is none: give "
                     "at_epoch, such as duet_monitor_look");
}

/* Whoever goes on with a run is to know what it was watched by; that nobody looks may be an oversight. */
static void tell_of_unwatched(const duet_training *run)
{
    const duet_watch *watch = &run->before.choice.watch;
    if (!run->resumed || run->options->at_epoch != NULL || run->options->watch != NULL) return;
    if (watch->metric_count == 0 && watch->best == NULL) return;
    duet_training_say(run,
                      "warning: %s was watched by metrics, %s among them, and goes on without: at_epoch looks at them, "
                      "such as duet_monitor_look",
                      run->directory, watch->best != NULL ? watch->best : watch->metrics[0]);
}

/* Where the run lies that goes on. Its files are rank 0's to read. */
static duet_status find_run(duet_training *run, duet_error *error)
{
    const duet_train_options *options = run->options;
    if (options->steps > 0 && options->epochs > 0)
        return duet_fail(error, DUET_ERROR_USAGE, "steps and epochs say the same thing in two ways: give one of them");
    if (options->resume != NULL && options->out != NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "a run that is resumed has its directory: give no other one");
    if (options->resume == NULL) return DUET_OK;
    if (strlen(options->resume) >= DUET_RUN_PATH - 32)
        return duet_fail(error, DUET_ERROR_USAGE, "the path of the run to resume is too long");
    snprintf(run->directory, sizeof run->directory, "%s", options->resume);
    return run->leads ? take_run(run, error) : DUET_OK;
}

/* Gives all ranks the run.json that rank 0 has read. */
static duet_status share_run(duet_training *run, duet_error *error)
{
    char *text = duet_json_write(run->before.document, JSON_COMPACT);
    duet_status status = run->resumed && text == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the record of a run")
                             : DUET_OK;
    status = duet_training_settle(run, status, error);
    if (status == DUET_OK) status = duet_training_share_text(run, &text, error);
    if (status == DUET_OK && !run->leads && text != NULL) {
        run->resumed = true;
        status = duet_run_file_take(&run->before, run->directory, text, error);
    }
    free(text);
    return duet_training_settle(run, status, error);
}

/* run.json keeps them as numbers with a sign. */
static duet_status check_numbers(const duet_run_choice *choice, duet_error *error)
{
    if (choice->seed <= INT64_MAX && choice->steps <= INT64_MAX && choice->checkpoint_every <= INT64_MAX &&
        choice->watch.patience <= INT64_MAX && choice->epochs <= UINT32_MAX && choice->batch <= UINT32_MAX)
        return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "seed, steps, checkpoint_every and patience go up to 2^63 - 1, epochs and batch up to 2^32 - 1");
}

static duet_status choose(duet_training *run, duet_error *error)
{
    const duet_train_options *options = run->options;
    run->choice = (duet_run_choice){
        .model = options->family != NULL ? options->family->name : NULL,
        .data = options->data != NULL ? options->data : "fashion-mnist",
        .settings = options->settings,
        .setting_count = options->setting_count,
        .batch = options->batch,
        .seed = options->seed,
        .checkpoint_every = options->checkpoint_every,
        .gemm = options->gemm,
    };
    if (options->resume != NULL) {
        run->choice = run->before.choice;
        if (options->data != NULL) DUET_TRY(take_data_name(run, options->data, error));
        DUET_TRY(duet_resumption_make(&run->resumption, &run->before, options, error));
        run->choice.settings = run->resumption.settings;
        run->choice.setting_count = run->resumption.setting_count;
        run->choice.changed = run->resumption.changed;
        if (options->checkpoint_every > 0) run->choice.checkpoint_every = options->checkpoint_every;
        if (options->gemm != NULL) run->choice.gemm = options->gemm;
    } else {
        if (options->family == NULL) return duet_fail(error, DUET_ERROR_USAGE, "no model was named");
        DUET_TRY(duet_run_file_check_family(options->family, error));
        run->choice.division = DUET_DIVISION_SHUFFLED;
        DUET_TRY(take_data_name(run, run->choice.data, error));
    }
    if (run->leads) DUET_TRY(check_watcher(options, error));
    if (run->leads) tell_of_unwatched(run);
    if (options->watch != NULL) run->choice.watch = *options->watch;
    if (options->judge != NULL) {
        run->choice.judge = run->judge = duet_run_path(options->judge);
        if (run->judge == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    }
    if (options->steps > 0 || options->epochs > 0) {
        run->choice.steps = options->steps;
        run->choice.epochs = options->epochs;
    }
    take_usual_size(run);
    return check_numbers(&run->choice, error);
}

/* A rank takes a device of its own as far as there are several. */
static duet_status open_device(duet_training *run, duet_error *error)
{
    const duet_train_options *options = run->options;
    DUET_TRY(duet_device_open_turn(&run->device, options->device, duet_ranks_local_rank(options->ranks), error));
    if (run->leads) duet_device_set_log(run->device, options->log, options->context);
    return duet_device_set_gemm(run->device, run->choice.gemm, error);
}

/* Whether $DUET_TUNING asks for another tuning than the run has: "off" or a file. */
static void tell_of_tuning(duet_training *run)
{
    const char *word = getenv("DUET_TUNING"), *file = run->choice.tuning;
    if (word == NULL || word[0] == '\0' || strcmp(word, file != NULL ? file : "off") == 0) return;
    if (file == NULL && strcasecmp(word, "off") == 0) return;
    duet_training_say(
        run,
        "warning: DUET_TUNING=%s has no effect: a run that is resumed keeps its tuning, which is %s; a new "
        "one takes another",
        word, file != NULL ? file : "none");
}

/* A resumed run takes the tuning in its run.json, so that it gives the same bytes as one that was never interrupted; a
 * new run, or one resumed on another device, takes the device's tuning file. Tuning that cannot be used is only warned
 * of: it costs speed. */
static void take_tuning(duet_training *run)
{
    duet_error error = {0};
    if (run->resumed && duet_run_file_is_from(&run->before, run->device)) {
        if (duet_run_file_tune(&run->before, run->device, &error) == DUET_OK) {
            tell_of_tuning(run);
            return;
        }
        duet_training_say(
            run,
            "warning: %s: the run goes on without tuning, and its numbers may differ in the last bits from those "
            "of a run left alone",
            error.message);
        run->choice.tuning = NULL;
        return;
    }
    run->tuning_file = duet_tuning_take(run->device);
    run->choice.tuning = run->tuning_file;
}

static duet_status open_parts(duet_training *run, duet_error *error)
{
    const duet_train_options *options = run->options;
    const duet_run_choice *choice = &run->choice;
    const duet_family *family;
    DUET_TRY(duet_run_file_family(choice, run->directory, options->family, &family, error));
    if (choice->judge != NULL) DUET_TRY(duet_run_file_check_text(choice->judge, error));
    DUET_TRY(duet_training_open_data(run, error));
    const bool as_recorded = run->resumed && options->setting_count == 0; /* if it is wrong, then in run.json */
    DUET_TRY(as_recorded ? duet_run_file_model(&run->model, family, run->data, choice, run->directory, error)
                         : duet_model_new(&run->model, family, run->data, choice->settings, choice->setting_count,
                                          choice->seed, error));
    duet_model_set_ranks(run->model, options->ranks);
    if (run->resumed) duet_model_set_bytes(run->model, run->before.data.bytes);
    DUET_TRY(open_device(run, error));
    take_tuning(run);
    return options->profile ? duet_device_set_profiling(run->device, true, error) : DUET_OK;
}

static void warn_of_change(const duet_training *run)
{
    const duet_device_info *now_on = duet_device_describe(run->device);
    if (duet_run_file_is_from(&run->before, run->device)) return;
    duet_training_say(
        run,
        "warning: the run began on %s (%s, driver %s) and goes on on %s (%s, driver %s): its numbers may differ in "
        "the last bits from those of a run left alone",
        run->before.device, run->before.device_version, run->before.driver, now_on->name, now_on->version,
        now_on->driver);
}

static duet_status load_checkpoint(duet_training *run, duet_error *error)
{
    struct stat about;
    run->checkpointed = lstat(run->checkpoint, &about) == 0 || errno != ENOENT;
    if (run->checkpointed) {
        DUET_TRY(duet_trainer_load_run(run->trainer, run->checkpoint, run->before.document, error));
        return duet_run_file_check_counts(run->before.document, run->directory, run->trainer->build, error);
    }
    DUET_TRY(duet_resumption_check_unsaved(&run->before, duet_training_directory(run), run->trainer, error));
    duet_training_say(run,
                      "note: %s has no checkpoint yet: it ended before its first one and starts again at its beginning",
                      run->directory);
    return DUET_OK;
}

/* Whether nothing follows a setting, as the trainer has said. */
static bool is_idle(const duet_training *run, const char *key)
{
    const size_t length = strlen(key);
    char pair[176];
    for (size_t i = 0; duet_settings_idle(&run->model->settings, i, pair); i++)
        if (strncmp(pair, key, length) == 0 && pair[length] == '=') return true;
    return false;
}

static void tell_of_changes(const duet_training *run)
{
    const char *key;
    json_t *values;
    json_object_foreach(run->choice.changed, key, values) if (!is_idle(run, key)) duet_training_say(
        run, "note: %s is %s from step %" PRIu64 " on, and was %s", key, json_string_value(json_array_get(values, 1)),
        run->first, json_string_value(json_array_get(values, 0)));
}

static duet_status tell_of_reports(duet_training *run, duet_error *error)
{
    char words[300];
    json_t *last;
    DUET_TRY(duet_metrics_last(&run->metrics, &last, error));
    if (duet_resumption_doubts_reports(&run->resumption, &run->before, run->trainer, last, words, sizeof words))
        duet_training_say(run, "warning: %s/%s", run->directory, words);
    json_decref(last);
    return DUET_OK;
}

/* Files of a resumed run go back to where its checkpoint is. */
static duet_status open_files(duet_training *run, duet_error *error)
{
    uint64_t reported = run->trainer->reported;
    run->choice.checkpointed = run->checkpointed;
    /* the reports first: lines past a checkpoint that is not there must not meet a run.json that promises more */
    if (run->resumed) DUET_TRY(duet_metrics_open(&run->metrics, run->place, reported, &run->past, error));
    DUET_TRY(duet_run_file_write(run->place, &run->choice, run->trainer, run->resumed ? &run->before : NULL, error));
    run->has_file = true;
    DUET_TRY(duet_run_folder_make_inner(run->place, "samples", error));
    duet_run_folder_drop_pictures(run->samples, duet_trainer_epochs_after(run->trainer, run->first));
    char words[300];
    if (duet_reports_fall_short(reported, run->past.step, words, sizeof words))
        duet_training_say(run, "warning: %s", words);
    return run->resumed ? tell_of_reports(run, error)
                        : duet_metrics_open(&run->metrics, run->place, reported, &run->past, error);
}

static void count_steps(duet_training *run)
{
    const duet_run_choice *choice = &run->choice;
    run->first = duet_trainer_steps(run->trainer);
    run->total = choice->steps > 0 ? choice->steps : UINT64_MAX;
    if (choice->epochs > 0) {
        uint64_t steps = duet_trainer_steps_for(run->trainer, choice->epochs);
        if (steps < run->total) run->total = steps;
    }
    uint64_t remembered = duet_trainer_history_steps(run->trainer);
    run->cadence = remembered < REPORT_STEPS ? remembered : REPORT_STEPS;
}

bool duet_training_ends_epoch(const duet_training *run, uint64_t step)
{
    return step > 0 &&
           duet_trainer_epochs_after(run->trainer, step) > duet_trainer_epochs_after(run->trainer, step - 1);
}

static void tell_of_dropped_examples(const duet_training *run)
{
    size_t count = duet_data_describe(run->data)->count[DUET_TRAIN], dropped = count % run->trainer->batch;
    if (dropped == 0 || duet_data_describe(run->data)->generated) return;
    duet_training_say(run, "%zu training examples make %zu batch%s of %zu: each epoch leaves out %zu, others each time",
                      count, run->trainer->batches, run->trainer->batches == 1 ? "" : "es", run->trainer->batch,
                      dropped);
}

static duet_status make_paths(duet_training *run, duet_error *error)
{
    const char *place = run->leads ? run->place : run->directory;
    run->checkpoint = duet_path_join(place, "checkpoint.safetensors");
    run->best = duet_path_join(place, "best.safetensors");
    run->samples = duet_path_join(place, "samples");
    run->page = duet_path_join(place, "report.html");
    if (run->checkpoint != NULL && run->best != NULL && run->samples != NULL && run->page != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
}

duet_status duet_training_open_live(duet_training *run, duet_error *error)
{
    if (run->evaluator == NULL) DUET_TRY(duet_evaluator_new(&run->evaluator, run->device, run->model, error));
    if (run->live != NULL) return DUET_OK;
    return duet_run_new_live(&run->live, run->device, run->data, run->model, run->evaluator, error);
}

static duet_status ask_before(duet_training *run, duet_error *error)
{
    if (run->options->at_start == NULL) return DUET_OK;
    DUET_TRY(duet_training_open_live(run, error));
    duet_error said = {0};
    const duet_status status = run->options->at_start(run->options->watcher, run->live, &said);
    return duet_training_take_answer("at_start", status, &said, error);
}

/* Its pictures of epochs would lie among the examples. */
static duet_status check_apart(const duet_training *run, duet_error *error)
{
    const duet_data_info *set = duet_data_describe(run->data);
    const char *out = run->options->out;
    if (out == NULL || set->generated || !duet_path_is_same(out, set->source)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "%s is where the examples lie, and the run would write its own pictures there: choose another "
                     "--out, such as %s/run",
                     out, DUET_WORD("%s", out));
}

/* The folder of a new run, for this process alone: what was free may just have been taken. */
static duet_status make_folder(duet_training *run, duet_error *error)
{
    if (run->resumed) return DUET_OK;
    DUET_TRY(check_apart(run, error));
    DUET_TRY(duet_run_folder_make(run->options->out, run->choice.model, run->choice.data, run->directory,
                                  &run->made_folder, error));
    DUET_TRY(locate(run, error));
    DUET_TRY(duet_run_folder_lock(run->directory, &run->lock, error));
    return duet_run_folder_check_unused(run->directory, error);
}

static duet_status share_directory(duet_training *run, duet_error *error)
{
    if (duet_ranks_count(run->options->ranks) == 1) return DUET_OK;
    return duet_ranks_share(run->options->ranks, run->directory, sizeof run->directory, error);
}

static duet_status choose_and_open(duet_training *run, duet_error *error)
{
    DUET_TRY(choose(run, error));
    return open_parts(run, error);
}

/* Outputs that are mended or added leave the training what it was. */
static void tell_of_outputs(const duet_training *run, const json_t *then)
{
    char names[200];
    duet_composition_differ(then, run->composition, names, sizeof names);
    if (names[0] != '\0')
        duet_training_say(run, "warning: from here on this \"%s\" computes %s otherwise than before", run->choice.model,
                          names);
}

/* A family of the program's own is to be the one that the run began with, or as was said another one; that it is is
 * recorded. Another version of the library may compose layers otherwise, for which nobody is to blame. */
static duet_status compare_model(duet_training *run, duet_error *error)
{
    const json_t *then = json_object_get(run->before.document, "composition");
    if (!duet_composition_trains_otherwise(then, run->composition)) return tell_of_outputs(run, then), DUET_OK;
    if (!run->options->other_model && duet_composition_is_of_version(run->before.document))
        return duet_fail(error, DUET_ERROR_USAGE,
                         "%s: this \"%s\" trains otherwise than the family that the run began with, by another loss, "
                         "other layers, activations or constants of the same weights, or random nodes in another "
                         "order: give that one, or train anew; other_model goes on with this one",
                         run->directory, run->choice.model);
    duet_training_say(run, "warning: %s goes on with another \"%s\" than it began with%s", run->directory,
                      run->choice.model,
                      run->options->other_model ? "" : ", or with one that this version of Duet composes otherwise");
    return duet_resumption_note_model(&run->resumption, then, run->composition, error);
}

static duet_status look_at_model(duet_training *run, duet_error *error)
{
    DUET_TRY(duet_composition_make(&run->composition, run->trainer, &run->choice, error));
    if (run->composition == NULL && run->resumed)
        run->composition = json_incref(json_object_get(run->before.document, "composition"));
    run->choice.composition = run->composition;
    return run->resumed ? compare_model(run, error) : DUET_OK;
}

static duet_status plan(duet_training *run, duet_error *error)
{
    DUET_TRY(make_paths(run, error));
    DUET_TRY(duet_trainer_plan_here(&run->trainer, run->device, run->model, run->choice.batch, error));
    run->means = calloc(run->trainer->schedule.term_count + 1, sizeof *run->means);
    if (run->means == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a training");
    if (!run->leads) return DUET_OK;
    DUET_TRY(look_at_model(run, error));
    if (!run->resumed) return DUET_OK;
    warn_of_change(run);
    return load_checkpoint(run, error);
}

static duet_status begin_files(duet_training *run, duet_error *error)
{
    DUET_TRY(ask_before(run, error));
    tell_of_dropped_examples(run);
    duet_trainer_tell_of_rates(run->trainer, run->total);
    tell_of_changes(run);
    return open_files(run, error);
}

static duet_status begin_run(duet_training *run, duet_error *error)
{
    DUET_TRY(duet_training_meet(run, "making the run's folder", run->leads ? make_folder : NULL, error));
    DUET_TRY(share_directory(run, error));
    DUET_TRY(duet_training_meet(run, "planning its steps", plan, error));
    DUET_TRY(duet_training_settle(run, duet_trainer_compare(run->trainer, error), error));
    if (run->resumed) DUET_TRY(duet_training_share_checkpoint(run, error));
    DUET_TRY(duet_training_seat(run, error));
    count_steps(run);
    return DUET_OK;
}

duet_status duet_training_prepare(duet_training *run, bool *finished, duet_error *error)
{
    DUET_TRY(duet_training_check_resuming(run, error));
    DUET_TRY(duet_training_meet(run, "opening the run", find_run, error));
    DUET_TRY(share_run(run, error));
    DUET_TRY(duet_training_meet(run, "opening data and device", choose_and_open, error));
    DUET_TRY(duet_training_check_same(run, error));
    DUET_TRY(duet_training_share_tuning(run, error));
    DUET_TRY(begin_run(run, error));
    run->is_due = run->trainer->reported < run->first &&
                  (duet_training_ends_epoch(run, run->first) || run->first % run->cadence == 0);
    *finished = run->first >= run->total && !run->is_due;
    run->has_file = *finished;
    if (*finished) return DUET_OK;
    DUET_TRY(
        duet_training_meet(run, "asking its watchers and opening its files", run->leads ? begin_files : NULL, error));
    run->has_file = true;
    return DUET_OK;
}
