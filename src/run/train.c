/* SPDX-License-Identifier: MIT */
/* A whole training into a run directory. Everything that ends up in a file follows from the step number alone, never
 * from time, so that a run can be repeated, and killed and resumed, to the byte. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/size.h"
#include "base/text.h"
#include "data/data.h"
#include "duet/report.h"
#include "run/checkpoint.h"
#include "run/health.h"
#include "run/metrics_file.h"
#include "run/pictures.h"
#include "run/resumption.h"
#include "run/run.h"
#include "run/run_folder.h"
#include "tune/tuning_file.h"

enum { REPORT_STEPS = 100 };

static const double sign_of_life_seconds = 0.25;
static const double stop_seconds = 0.1; /* so often a wait for the disk looks whether it is to stop */

/* One call of duet_train. */
typedef struct training {
    const duet_train_options *options;
    duet_run_choice choice;
    char *data_name;        /* what choice.data points to unless that is the resumed run's */
    char *judge;            /* what choice.judge points to unless that is the resumed run's */
    char *tuning_file;      /* what choice.tuning points to unless that is the resumed run's */
    duet_run_file before;   /* the run being resumed */
    bool resumed, has_file; /* has_file: run.json is there and holds for this call */
    bool made_folder;
    bool checkpointed;          /* the run has had a checkpoint */
    duet_lock lock;             /* of the directory */
    duet_resumption resumption; /* what the options change in the resumed run */
    char directory[DUET_RUN_PATH];
    char *checkpoint, *best, *samples, *page;
    double page_time, page_seconds; /* the clock when the page was last written; what that took */
    duet_device *device;
    duet_data *data;
    duet_model *model;
    duet_trainer *trainer;
    duet_evaluator *evaluator;
    duet_metrics_file metrics;
    uint64_t first, total, cadence;             /* steps: done before this call, in all, between reports */
    double *means;                              /* of the terms, as last reported */
    duet_metrics_past past;                     /* the last report of earlier calls */
    double began;                               /* the clock at this call's start */
    double aside;                               /* seconds since then that went into other things than training */
    double report_time, life_time, report_rate; /* clocks of the last report and sign of life; the report's speed */
    uint64_t report_step;
    bool is_due;        /* the resumed run's checkpoint is of an epoch whose report, pictures and values are to come */
    duet_progress last; /* the last report */
    duet_run *live;     /* the run as watchers see it; made when first asked for */
    const char *said;   /* name of the finding that was last warned of */
    char stopped[256];  /* why the training is to stop; "": it goes on */
    bool collapsed;
} training;

static void say(const training *run, const char *format, ...) DUET_PRINTF(2, 3);
static void say(const training *run, const char *format, ...)
{
    char line[1024];
    if (run->options->log == NULL) return;
    va_list values;
    va_start(values, format);
    (void)duet_text_vprint(line, sizeof line, format, values);
    va_end(values);
    duet_text_plain(line);
    run->options->log(run->options->context, line);
}

/* What to train: what the options say, or the resumed run with the options' totals. */

/* Fills in batch and epochs where neither options nor run say them. */
static void take_usual_size(training *run)
{
    duet_run_choice *choice = &run->choice;
    const duet_family *given = run->options->family, *family = given != NULL ? given : duet_family_find(choice->model);
    if (family == NULL) return; /* a mistake that open_parts reports */
    duet_training_size size = duet_family_training_size(family, choice->settings, choice->setting_count);
    if (choice->batch == 0 && !run->resumed) choice->batch = size.batch;
    if (choice->steps == 0 && choice->epochs == 0) choice->epochs = size.epochs;
}

/* The run to be resumed, for this process alone. It is read again once that is so: another process may just have
 * ended. */
static duet_status take_run(training *run, duet_error *error)
{
    DUET_TRY(duet_run_folder_check_begun(run->directory, error));
    DUET_TRY(duet_run_file_read(&run->before, run->directory, error));
    duet_run_file_free(&run->before);
    DUET_TRY(duet_run_folder_lock(run->directory, &run->lock, error));
    DUET_TRY(duet_run_file_read(&run->before, run->directory, error));
    run->resumed = true;
    return DUET_OK;
}

/* As run.json keeps it, which holds from any folder. */
static duet_status take_data_name(training *run, const char *name, duet_error *error)
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

static duet_status choose(training *run, duet_error *error)
{
    const duet_train_options *options = run->options;
    if (options->steps > 0 && options->epochs > 0)
        return duet_fail(error, DUET_ERROR_USAGE, "steps and epochs say the same thing in two ways: give one of them");
    if (options->resume != NULL && options->out != NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "a run that is resumed has its directory: give no other one");
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
        if (strlen(options->resume) >= DUET_RUN_PATH - 32)
            return duet_fail(error, DUET_ERROR_USAGE, "the path of the run to resume is too long");
        snprintf(run->directory, sizeof run->directory, "%s", options->resume);
        DUET_TRY(take_run(run, error));
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
        run->choice.division = DUET_DIVISION_SHUFFLED;
        DUET_TRY(take_data_name(run, run->choice.data, error));
    }
    DUET_TRY(check_watcher(options, error));
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
    if (run->choice.seed > INT64_MAX || run->choice.steps > INT64_MAX || run->choice.epochs > UINT32_MAX ||
        run->choice.batch > UINT32_MAX)
        return duet_fail(error, DUET_ERROR_USAGE, "seed and steps go up to 2^63 - 1, epochs and batch up to 2^32 - 1");
    return DUET_OK;
}

/* A resumed run takes the tuning in its run.json, so that it gives the same bytes as one that was never interrupted; a
 * new run, or one resumed on another device, takes the device's tuning file. Tuning that cannot be used is only warned
 * of: it costs speed. */
static void take_tuning(training *run)
{
    duet_error error = {0};
    if (run->resumed && duet_run_file_is_from(&run->before, run->device)) {
        if (duet_run_file_tune(&run->before, run->device, &error) == DUET_OK) return;
        say(run,
            "warning: %s: the run goes on without tuning, and its numbers may differ in the last bits from those "
            "of a run left alone",
            error.message);
        run->choice.tuning = NULL;
        return;
    }
    run->tuning_file = duet_tuning_take(run->device);
    run->choice.tuning = run->tuning_file;
}

static duet_status find_data(training *run, duet_error *error)
{
    duet_error own = {0};
    if (duet_data_open_divided(&run->data, run->choice.data, run->choice.division, &own) == DUET_OK) return DUET_OK;
    bool moved = run->resumed && run->options->data == NULL && own.status == DUET_ERROR_FILE;
    return duet_fail(error, own.status, "%s%s", own.message, moved ? "; --data PATH says where the data are now" : "");
}

/* Opens the data and passes on what it has to say. A question must be answered before a new run: what came out would
 * be another model than was meant. A run that is gone on with was begun that way. */
static duet_status open_data(training *run, duet_error *error)
{
    const char *note;
    bool question;
    run->data = run->options->own_data;
    if (run->data == NULL) DUET_TRY(find_data(run, error));
    for (size_t i = 0; (note = duet_data_note(run->data, i, &question)) != NULL; i++) {
        if (question && !run->resumed) return duet_fail(error, DUET_ERROR_DATA, "%s", note);
        say(run, "warning: %s", note);
    }
    return DUET_OK;
}

/* A run goes on with the data that it began with, wherever they lie by now, or as was said with others of their kind;
 * that it did is recorded. */
static duet_status compare_data(training *run, duet_error *error)
{
    const duet_data_info *now = duet_data_describe(run->data), *then = &run->before.data.info;
    char words[DUET_DIFFERENCE_SIZE];
    bool same;
    DUET_TRY(duet_data_record_fits(&run->before.data, run->directory, now, error));
    DUET_TRY(duet_data_record_compare(&run->before.data, run->data, &same, words, error));
    if (same) return DUET_OK;
    if (run->options->other_data && now->classes == then->classes) {
        say(run, "warning: %s goes on with other data than it began with, and counts its epochs by them: %s",
            run->directory, words);
        return duet_resumption_note_data(&run->resumption, then, now, error);
    }
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s was trained on other data than %s now holds: %s. --data PATH says where the data are now%s",
                     run->directory, now->name, words,
                     now->classes == then->classes ? "; --other-data goes on with these" : "");
}

static duet_status open_parts(training *run, duet_error *error)
{
    const duet_train_options *options = run->options;
    const duet_run_choice *choice = &run->choice;
    const duet_family *family;
    DUET_TRY(duet_run_file_family(choice, run->directory, options->family, &family, error));
    DUET_TRY(open_data(run, error));
    DUET_TRY(duet_run_file_check_text(choice->data, error));
    if (choice->judge != NULL) DUET_TRY(duet_run_file_check_text(choice->judge, error));
    if (run->resumed) DUET_TRY(compare_data(run, error));
    /* before it is read ahead; what a program gives is the program's own care */
    if (options->own_data == NULL) DUET_TRY(duet_data_checksum(run->data, error));
    if (options->stream) duet_data_set_streaming(run->data, true);
    duet_data_read_ahead(run->data, DUET_TRAIN);
    const bool as_recorded = run->resumed && json_object_size(choice->changed) == 0;
    DUET_TRY(as_recorded ? duet_run_file_model(&run->model, family, run->data, choice, run->directory, error)
                         : duet_model_new(&run->model, family, run->data, choice->settings, choice->setting_count,
                                          choice->seed, error));
    DUET_TRY(duet_device_open(&run->device, options->device, error));
    duet_device_set_log(run->device, options->log, options->context);
    DUET_TRY(duet_device_set_gemm(run->device, choice->gemm, error));
    take_tuning(run);
    return options->profile ? duet_device_set_profiling(run->device, true, error) : DUET_OK;
}

static void warn_of_change(const training *run)
{
    const duet_device_info *now_on = duet_device_describe(run->device);
    if (duet_run_file_is_from(&run->before, run->device)) return;
    say(run,
        "warning: the run began on %s (%s, driver %s) and goes on on %s (%s, driver %s): its numbers may differ in "
        "the last bits from those of a run left alone",
        run->before.device, run->before.device_version, run->before.driver, now_on->name, now_on->version,
        now_on->driver);
}

static duet_status load_checkpoint(training *run, duet_error *error)
{
    struct stat about;
    run->checkpointed = lstat(run->checkpoint, &about) == 0 || errno != ENOENT;
    if (run->checkpointed) return duet_trainer_load_run(run->trainer, run->checkpoint, error);
    DUET_TRY(duet_resumption_check_unsaved(&run->before, run->directory, run->trainer, error));
    say(run, "%s has no checkpoint yet: it ended before its first one and starts again at its beginning",
        run->directory);
    return DUET_OK;
}

static void tell_of_changes(const training *run)
{
    const char *key;
    json_t *values;
    json_object_foreach(run->choice.changed, key, values)
        say(run, "%s is %s from step %" PRIu64 " on, and was %s", key, json_string_value(json_array_get(values, 1)),
            run->first, json_string_value(json_array_get(values, 0)));
}

/* Files of a resumed run go back to where its checkpoint is. */
static duet_status open_files(training *run, duet_error *error)
{
    uint64_t reported = run->trainer->reported;
    run->choice.checkpointed = run->checkpointed;
    /* the reports first: lines past a checkpoint that is not there must not meet a run.json that promises more */
    if (run->resumed) DUET_TRY(duet_metrics_open(&run->metrics, run->directory, reported, &run->past, error));
    DUET_TRY(
        duet_run_file_write(run->directory, &run->choice, run->trainer, run->resumed ? &run->before : NULL, error));
    run->has_file = true;
    DUET_TRY(duet_run_folder_make_inner(run->directory, "samples", error));
    duet_run_folder_drop_pictures(run->samples, duet_trainer_epochs_after(run->trainer, run->first));
    if (run->past.step < reported)
        say(run,
            "warning: the checkpoint counts on reports up to step %" PRIu64 ", and metrics.jsonl has them up to step "
            "%" PRIu64 ": what was between is lost",
            reported, run->past.step);
    return run->resumed ? DUET_OK : duet_metrics_open(&run->metrics, run->directory, reported, &run->past, error);
}

static void count_steps(training *run)
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

static bool ends_epoch(const training *run, uint64_t step)
{
    return step > 0 &&
           duet_trainer_epochs_after(run->trainer, step) > duet_trainer_epochs_after(run->trainer, step - 1);
}

static void tell_of_dropped_examples(const training *run)
{
    size_t count = duet_data_describe(run->data)->count[DUET_TRAIN], dropped = count % run->trainer->batch;
    if (dropped == 0 || duet_data_describe(run->data)->generated) return;
    say(run, "%zu training examples make %zu batches of %zu: each epoch leaves out %zu, others each time", count,
        run->trainer->batches, run->trainer->batch, dropped);
}

static duet_status make_paths(training *run, duet_error *error)
{
    run->checkpoint = duet_path_join(run->directory, "checkpoint.safetensors");
    run->best = duet_path_join(run->directory, "best.safetensors");
    run->samples = duet_path_join(run->directory, "samples");
    run->page = duet_path_join(run->directory, "report.html");
    if (run->checkpoint != NULL && run->best != NULL && run->samples != NULL && run->page != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
}

/* The run as a watcher sees it. */
static duet_status open_live(training *run, duet_error *error)
{
    if (run->evaluator == NULL) DUET_TRY(duet_evaluator_new(&run->evaluator, run->device, run->model, error));
    if (run->live != NULL) return DUET_OK;
    return duet_run_new_live(&run->live, run->device, run->data, run->model, run->evaluator, error);
}

static duet_status ask_before(training *run, duet_error *error)
{
    if (run->options->at_start == NULL) return DUET_OK;
    DUET_TRY(open_live(run, error));
    return run->options->at_start(run->options->watcher, run->live, error);
}

/* The folder of a new run, for this process alone: what was free may just have been taken. */
static duet_status make_folder(training *run, duet_error *error)
{
    DUET_TRY(duet_run_folder_make(run->options->out, run->choice.model, run->choice.data, run->directory,
                                  &run->made_folder, error));
    DUET_TRY(duet_run_folder_lock(run->directory, &run->lock, error));
    return duet_run_folder_check_unused(run->directory, error);
}

/* Everything up to the first step. *finished: the run has all its steps already. */
static duet_status prepare(training *run, bool *finished, duet_error *error)
{
    DUET_TRY(choose(run, error));
    DUET_TRY(open_parts(run, error));
    if (!run->resumed) DUET_TRY(make_folder(run, error));
    DUET_TRY(make_paths(run, error));
    DUET_TRY(duet_trainer_new(&run->trainer, run->device, run->model, run->choice.batch, error));
    run->means = calloc(run->trainer->schedule.term_count + 1, sizeof *run->means);
    if (run->means == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a training");
    if (run->resumed) {
        warn_of_change(run);
        DUET_TRY(load_checkpoint(run, error));
    }
    count_steps(run);
    run->is_due = run->trainer->reported < run->first && ends_epoch(run, run->first);
    *finished = run->first >= run->total && !run->is_due;
    run->has_file = *finished;
    if (*finished) return DUET_OK;
    DUET_TRY(ask_before(run, error));
    tell_of_dropped_examples(run);
    tell_of_changes(run);
    return open_files(run, error);
}

/* The loop. */

/* How many examples the steps after `from` up to `to` drew. */
static double images(const training *run, uint64_t from, uint64_t to)
{
    uint64_t draws = duet_trainer_draws(run->trainer, to) - duet_trainer_draws(run->trainer, from);
    return (double)draws * (double)run->trainer->batch;
}

/* The clock of the training alone: it stands still while pictures, watchers, checkpoints and pages take their time. */
static double training_clock(const training *run)
{
    return duet_seconds() - run->aside;
}

static duet_progress describe_progress(const training *run, double time, bool report)
{
    return (duet_progress){
        .step = duet_trainer_steps(run->trainer),
        .steps = run->total,
        .epoch = duet_trainer_epoch(run->trainer),
        .epochs = duet_trainer_epoch(run->trainer) * ((double)run->total / (double)duet_trainer_steps(run->trainer)),
        .seconds = run->past.seconds + time - run->began,
        .images_per_second = run->report_rate,
        .terms = run->trainer->schedule.term_count,
        .names = run->trainer->schedule.terms,
        .means = run->means,
        .report = report,
    };
}

static void show(const training *run, const duet_progress *progress)
{
    if (run->options->progress != NULL) run->options->progress(run->options->context, progress);
}

/* Checks a report's health: warns of a finding once, and stops the training at a collapse if the options say so. */
static void look_after(training *run, duet_progress *report)
{
    const duet_finding finding = duet_health_find(run->model, report);
    report->health = finding.name;
    if (finding.name == NULL) return;
    if (run->said != finding.name) say(run, "warning: %s: %s", finding.name, finding.words);
    run->said = finding.name;
    if (!run->options->stop_on_collapse || !finding.collapse) return;
    snprintf(run->stopped, sizeof run->stopped, "%s at step %" PRIu64, finding.name, report->step);
    run->collapsed = true;
}

/* Reads the losses, which waits for the device, and writes a line of metrics. If a loss is not finite the line is still
 * written, with null for it. */
static duet_status report(training *run, duet_error *error)
{
    duet_status status = duet_trainer_losses(run->trainer, run->means, run->trainer->schedule.term_count, error);
    if (status != DUET_OK && status != DUET_ERROR_NUMERIC) return status;
    double time = training_clock(run);
    uint64_t step = duet_trainer_steps(run->trainer);
    run->report_rate = step > run->report_step ? images(run, run->report_step, step) / (time - run->report_time) : NAN;
    run->report_time = run->life_time = time;
    run->report_step = step;
    duet_progress progress = describe_progress(run, time, true);
    if (status == DUET_OK) look_after(run, &progress);
    run->last = progress;
    duet_status written = duet_metrics_append(&run->metrics, &progress, status == DUET_OK ? error : NULL);
    show(run, &progress);
    return status != DUET_OK ? status : written;
}

static void show_sign_of_life(training *run)
{
    double time = training_clock(run);
    if (time - run->life_time < sign_of_life_seconds) return;
    run->life_time = time;
    duet_progress progress = describe_progress(run, time, false);
    show(run, &progress);
}

static duet_status save(training *run, duet_error *error)
{
    DUET_TRY(duet_metrics_sync(&run->metrics, error));
    duet_status status = duet_trainer_save(run->trainer, run->checkpoint, error);
    if (status == DUET_OK && !run->checkpointed) {
        run->checkpointed = true;
        status = duet_run_file_mark(run->directory, error);
    }
    /* The faulty step gets its line of metrics, with nulls, unless it has one already. */
    if (status == DUET_ERROR_NUMERIC && run->report_step < run->trainer->steps) (void)report(run, NULL);
    return status;
}

static duet_status draw(training *run, uint64_t epoch, duet_error *error)
{
    if (run->evaluator == NULL) DUET_TRY(duet_evaluator_new(&run->evaluator, run->device, run->model, error));
    return duet_pictures_write(run->samples, run->evaluator, run->data, epoch, run->choice.seed, error);
}

/* Writes the page of the run from its files. Short epochs write it less often, so that it takes a twentieth of the time
 * at most; without it a training is as good. */
static void write_page(training *run, bool last)
{
    const char *directory = run->directory;
    duet_error error = {0};
    double time = duet_seconds();
    if (!last && time - run->page_time < 20 * run->page_seconds) return;
    if (duet_page_write(run->page, &directory, 1, &error) != DUET_OK)
        say(run, "warning: the run's page is not written: %s", error.message);
    run->page_time = duet_seconds();
    run->page_seconds = run->page_time - time;
}

/* Calls the watcher of the options, if there is one. What it measured becomes a line after the epoch's report. */
static duet_status ask_watcher(training *run, uint64_t epoch, duet_error *error)
{
    const duet_train_options *options = run->options;
    duet_verdict verdict = {0};
    if (options->at_epoch == NULL) return DUET_OK;
    DUET_TRY(open_live(run, error));
    DUET_TRY(options->at_epoch(options->watcher, run->live, epoch, &verdict, error));
    DUET_TRY(duet_metrics_append_verdict(&run->metrics, &run->last, &verdict, error));
    if (verdict.best) DUET_TRY(duet_trainer_save(run->trainer, run->best, error));
    if (verdict.stop[0] == '\0') return DUET_OK;
    snprintf(run->stopped, sizeof run->stopped, "%s", verdict.stop);
    run->collapsed = verdict.collapsed;
    return DUET_OK;
}

/* The line of a last step that is not due for a report. The checkpoint does not count it as reported, so going on to a
 * larger total removes it. */
static duet_status report_end(training *run, duet_error *error)
{
    uint64_t reported = run->trainer->reported;
    duet_status status = report(run, error);
    duet_trainer_continue(run->trainer, run->trainer->steps, reported);
    return status;
}

/* What is drawn and watched at an epoch's end. Where that fails the training so far is kept, by a checkpoint that does
 * not count the epoch's report: going on begins with it, and with what has failed. */
static duet_status look(training *run, uint64_t epoch, bool draws, uint64_t reported, duet_error *error)
{
    duet_status status = draws ? draw(run, epoch, error) : DUET_OK;
    if (status == DUET_OK) status = ask_watcher(run, epoch, error);
    if (status == DUET_OK) return DUET_OK;
    duet_trainer_continue(run->trainer, run->trainer->steps, reported);
    if (save(run, NULL) == DUET_OK)
        say(run, "%s has its checkpoint of step %" PRIu64 ": --resume goes on with what has failed here",
            run->directory, run->trainer->steps);
    return status;
}

/* Everything after a report that is no training. Lines of metrics are written before the checkpoint that counts on
 * them. */
static duet_status leave_aside(training *run, bool saves, bool last, uint64_t reported, duet_error *error)
{
    uint64_t step = run->trainer->steps, epoch = duet_trainer_epochs_after(run->trainer, step);
    bool epoch_ends = ends_epoch(run, step);
    bool looks = epoch_ends || (last && epoch == 0); /* the first epoch's end is not reached */
    if (looks) DUET_TRY(look(run, epoch, epoch_ends, reported, error));
    if (saves || run->stopped[0] != '\0') DUET_TRY(save(run, error));
    if (epoch_ends || last) write_page(run, last || run->stopped[0] != '\0');
    return DUET_OK;
}

static duet_status follow_up(training *run, duet_error *error)
{
    const duet_trainer *trainer = run->trainer;
    uint64_t step = trainer->steps, reported = trainer->reported, every = run->choice.checkpoint_every;
    bool epoch_ends = ends_epoch(run, step), last = step == run->total;
    bool saves = epoch_ends || last || (every > 0 && step % every == 0);
    if (epoch_ends || step % run->cadence == 0)
        DUET_TRY(report(run, error));
    else if (last)
        DUET_TRY(report_end(run, error));
    else
        show_sign_of_life(run);
    if (!saves && run->stopped[0] == '\0') return DUET_OK;
    DUET_TRY(duet_device_finish(run->device, error)); /* steps under way are training */
    double time = duet_seconds();
    duet_status status = leave_aside(run, saves, last, reported, error);
    run->aside += duet_seconds() - time;
    return status;
}

static duet_status stop(training *run, duet_error *error)
{
    DUET_TRY(save(run, error));
    return duet_fail(error, DUET_ERROR_INTERRUPTED,
                     "stopped at step %" PRIu64 " of %" PRIu64 "; go on with --resume %s", run->trainer->steps,
                     run->total, run->directory);
}

static duet_status loop(training *run, duet_error *error)
{
    bool ready;
    run->began = run->report_time = run->life_time = duet_seconds();
    run->report_step = run->first;
    for (size_t i = 0; i < run->trainer->schedule.term_count; i++) run->means[i] = NAN;
    run->report_rate = NAN;
    if (run->is_due) DUET_TRY(follow_up(run, error));
    while (run->trainer->steps < run->total && run->stopped[0] == '\0') {
        if (run->options->stop != NULL && *run->options->stop != 0) return stop(run, error);
        DUET_TRY(duet_trainer_wait(run->trainer, stop_seconds, &ready, error));
        if (!ready) continue;
        DUET_TRY(duet_trainer_step(run->trainer, error));
        DUET_TRY(follow_up(run, error));
    }
    DUET_TRY(duet_device_finish(run->device, error));
    return duet_metrics_sync(&run->metrics, error); /* nobody took the run away meanwhile */
}

static void tell_what_is_left(const training *run)
{
    static const char rates[] = "--set lr=... or clip_norm=... gives it another rate";
    uint64_t step;
    if (duet_checkpoint_step(run->checkpoint, &step))
        say(run, "%s has its checkpoint of step %" PRIu64 ": --resume goes on from there, and %s", run->directory, step,
            rates);
    else if (run->checkpointed)
        say(run, "%s had a checkpoint, which cannot be read any more", run->directory);
    else if (run->trainer->schedule.fault_is_first)
        say(run, "%s has no checkpoint, and --resume would end alike: train anew with other data or settings",
            run->directory);
    else
        say(run, "%s has no checkpoint: --resume starts it again, and %s", run->directory, rates);
}

/* Fills in the summary; leaves it empty if no run was made. */
static void summarise(const training *run, duet_train_summary *summary)
{
    double seconds = run->began > 0 ? duet_seconds() - run->began : 0;
    if (!run->has_file) return;
    snprintf(summary->run, sizeof summary->run, "%s", run->directory);
    summary->steps = run->trainer->steps;
    summary->epochs = duet_trainer_epoch(run->trainer);
    summary->seconds = seconds;
    snprintf(summary->stopped, sizeof summary->stopped, "%s", run->stopped);
    summary->collapsed = run->collapsed;
    if (seconds > run->aside)
        summary->images_per_second = images(run, run->first, run->trainer->steps) / (seconds - run->aside);
}

static void close_parts(training *run, duet_device **device_out)
{
    duet_metrics_close(&run->metrics);
    duet_run_close(&run->live);
    duet_evaluator_free(&run->evaluator);
    duet_trainer_free(&run->trainer);
    duet_model_free(&run->model);
    if (run->options->own_data != NULL)
        duet_data_leave_device(run->options->own_data);
    else
        duet_data_close(&run->data);
    if (device_out != NULL && run->options->profile) {
        *device_out = run->device;
        run->device = NULL;
    }
    duet_device_close(&run->device);
    duet_resumption_free(&run->resumption);
    duet_run_file_free(&run->before);
    free(run->data_name);
    free(run->judge);
    free(run->tuning_file);
    free(run->checkpoint);
    free(run->best);
    free(run->samples);
    free(run->page);
    free(run->means);
}

duet_status duet_train(const duet_train_options *options, duet_train_summary *summary, duet_device **device_out,
                       duet_error *error)
{
    bool finished = false;
    if (summary != NULL) *summary = (duet_train_summary){{0}};
    if (device_out != NULL) *device_out = NULL;
    training *run = calloc(1, sizeof *run);
    if (run == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a training");
    run->options = options;
    duet_status status = prepare(run, &finished, error);
    if (finished)
        say(run, "%s has %" PRIu64 " steps already%s: ask for more with --steps or --epochs", run->directory,
            run->first, json_object_size(run->choice.changed) > 0 ? ", and its rates stay as they are" : "");
    else if (status == DUET_OK)
        status = loop(run, error);
    if (status == DUET_ERROR_NUMERIC && run->has_file) tell_what_is_left(run);
    if (status != DUET_OK && run->began > 0) write_page(run, true); /* as far as it got */
    if (summary != NULL) summarise(run, summary);
    close_parts(run, device_out);
    duet_lock_release(&run->lock);
    if (run->made_folder && !run->has_file) duet_run_folder_remove_empty(run->directory);
    free(run);
    return status;
}
