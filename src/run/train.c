/* SPDX-License-Identifier: MIT */
/* A whole training into a run directory. Everything that ends up in a file follows from the step number alone, never
 * from time, so that a run can be repeated, and killed and resumed, to the byte. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "data/data.h"
#include "run/checkpoint.h"
#include "run/training_ranks.h"

static const double stop_seconds = 0.1, /* so often a wait for the disk looks whether it is to stop */
    leave_seconds = 2,     /* so long a rank that is to stop waits for its disk before it leaves the others */
    patience_seconds = 60; /* of a step, unless the options say it */

void duet_training_say(const duet_training *run, const char *format, ...)
{
    char line[1024];
    if (run->options->log == NULL || !run->leads) return;
    va_list values;
    va_start(values, format);
    (void)duet_text_vprint(line, sizeof line, format, values);
    va_end(values);
    duet_text_plain(line);
    run->options->log(run->options->context, line);
}

const char *duet_training_directory(const duet_training *run)
{
    struct stat said, own;
    if (run->place == NULL || stat(run->place, &own) != 0) return run->directory;
    const bool leads = stat(run->directory, &said) == 0 && said.st_ino == own.st_ino && said.st_dev == own.st_dev;
    return leads ? run->directory : run->place;
}

/* While the flag is set a rank leaves others that do not answer. */
static void watch_stop(const duet_training *run, const volatile int *flag)
{
    if (run->options->ranks != NULL) duet_ranks_set_stop(run->options->ranks, flag);
}

/* All have seen it, so none has to leave the others for it. */
static duet_status stop(duet_training *run, duet_error *error)
{
    watch_stop(run, NULL);
    DUET_TRY(duet_training_save(run, error));
    run->shared = true;
    return duet_fail(error, DUET_ERROR_INTERRUPTED,
                     "stopped at step %" PRIu64 " of %" PRIu64 "; go on with --resume %s", run->trainer->steps,
                     run->total, DUET_WORD("%s", duet_training_directory(run)));
}

/* Waits until the examples of the next step are there; *ready stays false where it is to stop before. One of several
 * ranks goes on to the step all the same, since the others have begun it, as long as that can be. */
static duet_status wait_for_examples(duet_training *run, bool *ready, duet_error *error)
{
    const bool alone = duet_ranks_count(run->options->ranks) == 1;
    double asked = 0;
    for (*ready = false; !*ready;) {
        DUET_TRY(duet_trainer_wait(run->trainer, stop_seconds, ready, error));
        if (*ready || run->options->stop == NULL || *run->options->stop == 0) continue;
        if (alone) return DUET_OK;
        if (asked == 0) asked = duet_seconds();
        if (duet_seconds() - asked > leave_seconds)
            return duet_fail(error, DUET_ERROR_INTERRUPTED,
                             "stopped while it waited for its examples, without a checkpoint");
    }
    return DUET_OK;
}

static void set_patience(const duet_training *run, double times)
{
    const double said = run->options->rank_patience;
    if (run->options->ranks == NULL) return;
    duet_ranks_set_patience(run->options->ranks, times * (said > 0 ? said : patience_seconds));
}

static duet_status take_step(duet_training *run, duet_error *error)
{
    bool ready;
    DUET_TRY(wait_for_examples(run, &ready, error));
    if (!ready) return DUET_OK;
    if (run->trainer->steps == run->first + run->cadence) set_patience(run, 1);
    if (run->options->ranks != NULL) duet_ranks_set_step(run->options->ranks, run->trainer->steps + 1);
    DUET_TRY(duet_trainer_step(run->trainer, error));
    return duet_training_follow_up(run, error);
}

/* Waits for the last step, and sees that nobody took the run away meanwhile. */
static duet_status end(duet_training *run, duet_error *error)
{
    DUET_TRY(duet_device_finish(run->device, error));
    return run->leads ? duet_metrics_sync(&run->metrics, error) : DUET_OK;
}

static duet_status loop(duet_training *run, duet_error *error)
{
    run->began = run->report_time = run->life_time = run->look_time = duet_seconds();
    run->report_step = run->look_step = run->next_look = run->first;
    for (size_t i = 0; i < run->trainer->schedule.term_count; i++) run->means[i] = NAN;
    run->report_rate = NAN;
    run->exchanged = duet_ranks_seconds(run->options->ranks);
    set_patience(run, 10);
    if (run->is_due) DUET_TRY(duet_training_follow_up(run, error));
    while (run->trainer->steps < run->total && run->stopped[0] == '\0') {
        DUET_TRY(duet_training_ask_stop(run, error));
        if (run->stop != 0) return stop(run, error);
        DUET_TRY(take_step(run, error));
    }
    return duet_training_meet(run, "ending the training", end, error);
}

static void tell_what_is_left(const duet_training *run)
{
    static const char rates[] = "--set lr=... or clip_norm=... gives it another rate";
    const duet_schedule *schedule = &run->trainer->schedule;
    const char *directory = duet_training_directory(run);
    uint64_t step;
    const bool has_checkpoint = duet_checkpoint_step(run->checkpoint, &step);
    if (has_checkpoint && schedule->fault_is_of_data)
        duet_training_say(run,
                          "%s has its checkpoint of step %" PRIu64
                          ": --resume would meet those numbers of the data again at any rate; train anew without them",
                          directory, step);
    else if (has_checkpoint && schedule->fault_is_early && step == schedule->fault_at)
        duet_training_say(run,
                          "%s has its checkpoint of step %" PRIu64
                          ", whose parameters give this: --resume would end alike at any rate; train anew, with a "
                          "smaller lr or a clip_norm",
                          directory, step);
    else if (has_checkpoint)
        duet_training_say(run, "%s has its checkpoint of step %" PRIu64 ": --resume goes on from there, and %s",
                          directory, step, rates);
    else if (run->checkpointed)
        duet_training_say(run, "%s had a checkpoint, which cannot be read any more", directory);
    else if (schedule->fault_is_of_data || (schedule->fault_is_early && schedule->fault_at == 0))
        duet_training_say(run,
                          "%s has no checkpoint, and --resume would end alike: train anew with other data or settings",
                          directory);
    else
        duet_training_say(run, "%s has no checkpoint: --resume starts it again, and %s", directory, rates);
}

/* Of a device that failed numbers are not to be had. */
static bool leaves_parameters(duet_status status)
{
    return status == DUET_ERROR_FILE || status == DUET_ERROR_DATA || status == DUET_ERROR_USAGE ||
           status == DUET_ERROR_MEMORY;
}

/* Fills in the summary; leaves it empty if no run was made. */
static void summarise(const duet_training *run, duet_train_summary *summary)
{
    double seconds = run->began > 0 ? duet_seconds() - run->began : 0;
    if (!run->has_file) return;
    snprintf(summary->run, sizeof summary->run, "%s", duet_training_directory(run));
    summary->steps = run->trainer->steps;
    summary->epochs = duet_trainer_epoch(run->trainer);
    summary->seconds = seconds;
    summary->stop = run->stop;
    snprintf(summary->stopped, sizeof summary->stopped, "%s", run->stopped);
    summary->collapsed = run->collapsed;
    if (seconds <= run->aside) return;
    summary->images_per_second = duet_training_images(run, run->first, run->trainer->steps) / (seconds - run->aside);
    summary->exchanging = (duet_ranks_seconds(run->options->ranks) - run->exchanged) / (seconds - run->aside);
}

static void close_parts(duet_training *run, duet_device **device_out)
{
    duet_metrics_close(&run->metrics);
    duet_run_close(&run->live);
    duet_evaluator_free(&run->evaluator);
    duet_trainer_free(&run->trainer);
    duet_model_free(&run->model);
    if (run->options->own_data != NULL)
        duet_data_leave_device(run->options->own_data, run->device);
    else
        duet_data_close(&run->data);
    if (device_out != NULL && run->options->profile) {
        *device_out = run->device;
        run->device = NULL;
    }
    duet_device_close(&run->device);
    duet_resumption_free(&run->resumption);
    duet_run_file_free(&run->before);
    json_decref(run->seats);
    json_decref(run->composition);
    json_decref(run->trained_rows);
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
    duet_training *run = calloc(1, sizeof *run);
    if (run == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a training");
    run->options = options;
    run->leads = duet_ranks_rank(options->ranks) == 0;
    watch_stop(run, options->stop);
    duet_status status = duet_training_prepare(run, &finished, error);
    if (finished)
        duet_training_say(run, "note: %s has %" PRIu64 " steps already%s: ask for more with --steps or --epochs",
                          run->directory, run->first,
                          json_object_size(run->choice.changed) > 0 ? ", and its rates stay as they are" : "");
    else if (status == DUET_OK)
        status = loop(run, error);
    watch_stop(run, NULL);
    if (run->began > 0 && leaves_parameters(status) && !run->look_failed) duet_training_rescue(run);
    if (status == DUET_ERROR_NUMERIC && run->has_file && run->leads && !run->look_failed) tell_what_is_left(run);
    const bool is_there = run->began > 0 && run->leads && duet_metrics_check_place(&run->metrics, NULL) == DUET_OK;
    if (status != DUET_OK && is_there) duet_training_write_page(run, true); /* as far as it got */
    if (summary != NULL) summarise(run, summary);
    if (summary != NULL) summary->alone = status != DUET_OK && duet_ranks_count(options->ranks) > 1 && !run->shared;
    close_parts(run, device_out);
    duet_lock_release(&run->lock);
    if (run->made_folder && !run->has_file) duet_run_folder_remove_empty(duet_training_directory(run));
    free(run->place);
    free(run);
    return status;
}
