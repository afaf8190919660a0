/* SPDX-License-Identifier: MIT */
/* What comes between the steps of a training: reports, what is drawn and watched at an epoch's end, checkpoints, the
 * page. Its time is no time of training. */
#include "run/training_ranks.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "duet/report.h"
#include "run/health.h"
#include "run/pictures.h"

static const double sign_of_life_seconds = 0.25;

double duet_training_images(const duet_training *run, uint64_t from, uint64_t to)
{
    uint64_t draws = duet_trainer_draws(run->trainer, to) - duet_trainer_draws(run->trainer, from);
    return (double)draws * (double)run->trainer->batch;
}

/* The clock of the training alone: it stands still while pictures, watchers, checkpoints and pages take their time. */
static double training_clock(const duet_training *run)
{
    return duet_seconds() - run->aside;
}

static duet_progress describe_progress(const duet_training *run, double time, bool report)
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

static void show(const duet_training *run, const duet_progress *progress)
{
    if (run->options->progress != NULL && run->leads) run->options->progress(run->options->context, progress);
}

/* Checks a report's health: warns of a finding once, and stops the training at a collapse if the options say so. */
static void look_after(duet_training *run, duet_progress *report)
{
    const duet_finding finding = duet_health_find(run->model, run->trainer->build, report);
    report->health = finding.name;
    if (finding.name == NULL) return;
    if (run->said != finding.name) duet_training_say(run, "warning: %s: %s", finding.name, finding.words);
    run->said = finding.name;
    if (!run->options->stop_on_collapse || !finding.collapse) return;
    snprintf(run->stopped, sizeof run->stopped, "%s at step %" PRIu64, finding.name, report->step);
    run->collapsed = true;
}

/* Reads the losses, which waits for the device, and writes a line of metrics. If a loss is not finite the line is still
 * written, with null for it. */
static duet_status report_here(duet_training *run, duet_error *error)
{
    duet_status status = duet_trainer_losses(run->trainer, run->means, run->trainer->schedule.term_count, error);
    if (status != DUET_OK && status != DUET_ERROR_NUMERIC) return status;
    double time = training_clock(run);
    uint64_t step = duet_trainer_steps(run->trainer);
    run->report_rate =
        step > run->report_step ? duet_training_images(run, run->report_step, step) / (time - run->report_time) : NAN;
    run->report_time = run->life_time = time;
    run->report_step = step;
    duet_progress progress = describe_progress(run, time, true);
    if (!run->leads) return status;
    if (status == DUET_OK) look_after(run, &progress);
    run->last = progress;
    duet_status written = duet_metrics_append(&run->metrics, &progress, status == DUET_OK ? error : NULL);
    show(run, &progress);
    return status != DUET_OK ? status : written;
}

/* The same of all ranks. That a loss is not finite all know; that a device or the disk failed one does. */
static duet_status report(duet_training *run, duet_error *error)
{
    DUET_TRY(duet_training_settle(run, report_here(run, error), error));
    return run->options->stop_on_collapse ? duet_training_share_stop(run, error) : DUET_OK;
}

static void show_sign_of_life(duet_training *run)
{
    double time = training_clock(run);
    if (time - run->life_time < sign_of_life_seconds) return;
    run->life_time = time;
    duet_progress progress = describe_progress(run, time, false);
    show(run, &progress);
}

static duet_status write_checkpoint(duet_training *run, duet_error *error)
{
    DUET_TRY(duet_trainer_save(run->trainer, run->checkpoint, error));
    run->saved = run->trainer->steps;
    if (run->checkpointed) return DUET_OK;
    run->checkpointed = true;
    return duet_run_file_mark(run->place, error);
}

static duet_status save_file(duet_training *run, duet_error *error)
{
    DUET_TRY(duet_metrics_sync(&run->metrics, error));
    duet_status status = write_checkpoint(run, error);
    /* The faulty step gets its line of metrics, with nulls, unless it has one already. */
    if (status == DUET_ERROR_NUMERIC && run->report_step < run->trainer->steps) (void)report_here(run, NULL);
    return status;
}

duet_status duet_training_save(duet_training *run, duet_error *error)
{
    DUET_TRY(duet_training_make_alike(run, error));
    return duet_training_meet(run, "writing the checkpoint", run->leads ? save_file : NULL, error);
}

static duet_status draw(duet_training *run, uint64_t epoch, duet_error *error)
{
    if (run->evaluator == NULL) DUET_TRY(duet_evaluator_new(&run->evaluator, run->device, run->model, error));
    return duet_pictures_write(run->samples, run->evaluator, run->data, epoch, run->choice.seed, error);
}

void duet_training_write_page(duet_training *run, bool last)
{
    const char *directory = duet_training_directory(run);
    duet_error error = {0};
    double time = duet_seconds();
    if (!last && time - run->page_time < 20 * run->page_seconds) return;
    if (duet_page_write(run->page, &directory, 1, &error) != DUET_OK)
        duet_training_say(run, "warning: the run's page is not written: %s", error.message);
    run->page_time = duet_seconds();
    run->page_seconds = run->page_time - time;
}

duet_status duet_training_take_answer(const char *function, duet_status status, const duet_error *said,
                                      duet_error *error)
{
    if (said->status != DUET_OK) return duet_fail(error, said->status, "%s", said->message);
    if (status != DUET_OK) return duet_fail(error, status, "%s failed, and did not say why", function);
    return DUET_OK;
}

/* Calls the watcher of the options, if there is one. What it measured becomes a line after the epoch's report. */
static duet_status ask_watcher(duet_training *run, uint64_t epoch, duet_error *error)
{
    const duet_train_options *options = run->options;
    duet_verdict verdict = {0};
    if (options->at_epoch == NULL) return DUET_OK;
    DUET_TRY(duet_training_open_live(run, error));
    run->live->from.steps = run->last.step;
    duet_error said = {0};
    const duet_status status = options->at_epoch(options->watcher, run->live, epoch, &verdict, &said);
    DUET_TRY(duet_training_take_answer("at_epoch", status, &said, error));
    DUET_TRY(duet_metrics_append_verdict(&run->metrics, &run->last, &verdict, error));
    if (verdict.best) {
        DUET_TRY(duet_metrics_check_place(&run->metrics, error)); /* it may have measured for long */
        DUET_TRY(duet_trainer_save(run->trainer, run->best, error));
    }
    if (verdict.stop[0] == '\0') return DUET_OK;
    snprintf(run->stopped, sizeof run->stopped, "%s", verdict.stop);
    run->collapsed = verdict.collapsed;
    return DUET_OK;
}

/* The line of a last step that is not due for a report. The checkpoint does not count it as reported, so going on to a
 * larger total removes it. */
static duet_status report_end(duet_training *run, duet_error *error)
{
    uint64_t reported = run->trainer->reported;
    duet_status status = report(run, error);
    duet_trainer_continue(run->trainer, run->trainer->steps, reported);
    return status;
}

/* What is drawn and watched at an epoch's end. Where that fails the training so far is kept, by a checkpoint that does
 * not count the epoch's report: going on begins with it, and with what has failed. */
static duet_status look(duet_training *run, uint64_t epoch, bool draws, uint64_t reported, duet_error *error)
{
    duet_status status = draws ? draw(run, epoch, error) : DUET_OK;
    if (status == DUET_OK) status = ask_watcher(run, epoch, error);
    if (status == DUET_OK) return DUET_OK;
    run->look_failed = true;
    duet_trainer_continue(run->trainer, run->trainer->steps, reported);
    if (save_file(run, NULL) == DUET_OK)
        duet_training_say(run, "%s has its checkpoint of step %" PRIu64 ": --resume goes on with what has failed here",
                          duet_training_directory(run), run->trainer->steps);
    return status;
}

/* Everything after a report that is no training, for rank 0 alone. Lines of metrics are written before the checkpoint
 * that counts on them. */
static duet_status leave_aside(duet_training *run, duet_error *error)
{
    uint64_t step = run->trainer->steps, epoch = duet_trainer_epochs_after(run->trainer, step);
    bool epoch_ends = duet_training_ends_epoch(run, step), last = step == run->total;
    bool looks = epoch_ends || (last && epoch == 0); /* the first epoch's end is not reached */
    DUET_TRY(duet_metrics_check_place(&run->metrics, error));
    if (looks) DUET_TRY(look(run, epoch, epoch_ends, run->reported, error));
    if (run->saves || run->stopped[0] != '\0') DUET_TRY(save_file(run, error));
    if (epoch_ends || last) duet_training_write_page(run, last || run->stopped[0] != '\0');
    return DUET_OK;
}

static duet_status stand_aside(duet_training *run, duet_error *error)
{
    static const char what[] = "with pictures, metrics and a checkpoint";
    DUET_TRY(duet_training_meet(run, what, run->leads ? leave_aside : NULL, error));
    return duet_training_share_stop(run, error);
}

/* The folder may have been moved, and be another run's. What was not done after the step is done when going on: the
 * checkpoint does not count its report. */
void duet_training_rescue(duet_training *run)
{
    const uint64_t step = run->trainer->steps;
    const bool alone = duet_ranks_count(run->options->ranks) == 1;
    if (!alone || run->trainer->torn || step == run->first || step == run->saved || !duet_lock_has_place(&run->lock))
        return;
    if (run->follows) duet_trainer_continue(run->trainer, step, run->reported);
    (void)duet_metrics_sync(&run->metrics, NULL);
    if (write_checkpoint(run, NULL) == DUET_OK)
        duet_training_say(run, "%s has its checkpoint of step %" PRIu64 ": --resume goes on from there",
                          duet_training_directory(run), step);
}

static duet_status follow_up(duet_training *run, duet_error *error)
{
    const duet_trainer *trainer = run->trainer;
    uint64_t step = trainer->steps, every = run->choice.checkpoint_every;
    bool epoch_ends = duet_training_ends_epoch(run, step), last = step == run->total;
    run->reported = trainer->reported;
    run->saves = epoch_ends || last || (every > 0 && step % every == 0);
    if (epoch_ends || step % run->cadence == 0)
        DUET_TRY(report(run, error));
    else if (last)
        DUET_TRY(report_end(run, error));
    else
        show_sign_of_life(run);
    if (!run->saves && run->stopped[0] == '\0') return DUET_OK;
    DUET_TRY(duet_device_finish(run->device, error)); /* steps under way are training */
    double time = duet_seconds(), exchanged = duet_ranks_seconds(run->options->ranks);
    duet_status status = duet_training_make_alike(run, error);
    if (status == DUET_OK) status = stand_aside(run, error);
    run->aside += duet_seconds() - time;
    run->exchanged += duet_ranks_seconds(run->options->ranks) - exchanged;
    return status;
}

duet_status duet_training_follow_up(duet_training *run, duet_error *error)
{
    run->follows = true;
    DUET_TRY(follow_up(run, error));
    run->follows = false;
    return DUET_OK;
}
