/* SPDX-License-Identifier: MIT */
/* One call of duet_train, as its files share it: what it is made ready from (training_begin.c), its steps (train.c),
 * and what comes between them (training_aside.c). */
#ifndef DUET_SRC_RUN_TRAINING_H
#define DUET_SRC_RUN_TRAINING_H

#include "base/text.h"
#include "run/metrics_file.h"
#include "run/resumption.h"
#include "run/run.h"
#include "run/run_folder.h"
#include "train/trainer.h"

/** One call of duet_train. */
typedef struct duet_training {
    const duet_train_options *options;
    duet_run_choice choice;
    char *data_name;               /* what choice.data points to unless that is the resumed run's */
    char *judge;                   /* what choice.judge points to unless that is the resumed run's */
    char *tuning_file;             /* what choice.tuning points to unless that is the resumed run's */
    duet_run_file before;          /* the run being resumed */
    bool leads;                    /* alone, or rank 0 of several: it reads and writes the run's files */
    bool shared;                   /* the error that ended it is every rank's */
    json_t *seats;                 /* what choice.ranks points to */
    json_t *composition;           /* what choice.composition points to */
    json_t *trained_rows;          /* what choice.trained_rows points to */
    bool said_drift;               /* that ranks' parameters were not the same */
    int stop;                      /* the stop flag of some rank, once it is set */
    uint64_t next_look, look_step; /* steps at which the ranks look at each other's flags, and did last */
    double look_time;              /* the training's clock then */
    bool resumed, has_file;        /* has_file: run.json is there and holds for this call */
    bool made_folder;
    bool checkpointed;          /* the run has had a checkpoint */
    duet_lock lock;             /* of the directory */
    duet_resumption resumption; /* what the options change in the resumed run */
    char directory[DUET_RUN_PATH]; /* as it was said, for messages; files lie in `place` */
    char *place;                   /* the same from any folder: a program's functions may change to another one */
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
    double exchanged;                           /* seconds in exchanges of the ranks that were no training's */
    double began;                               /* the clock at this call's start */
    double aside;                               /* seconds since then that went into other things than training */
    double report_time, life_time, report_rate; /* clocks of the last report and sign of life; the report's speed */
    uint64_t report_step;
    uint64_t reported;  /* steps whose losses had been told before this step's report */
    bool saves;         /* this step has a checkpoint */
    bool is_due;        /* the resumed run's checkpoint is of a step whose report, pictures and values are to come */
    duet_progress last; /* the last report */
    duet_run *live;     /* the run as watchers see it; made when first asked for */
    const char *said;   /* name of the finding that was last warned of */
    char stopped[256];  /* why the training is to stop; "": it goes on */
    bool collapsed;
    bool follows;     /* what is due after the last step is not done yet */
    uint64_t saved;   /* the step of the last checkpoint of this call */
    bool look_failed; /* what is drawn or watched at an epoch's end, and not a step, ended the training */
} duet_training;

/** A line for the options' log. */
void duet_training_say(const duet_training *run, const char *format, ...) DUET_PRINTF(2, 3);

/** The run's directory as messages name it and as it leads there from the folder that the program is in now. */
const char *duet_training_directory(const duet_training *run);

/** Makes run->data, what the options or the resumed run say, ready to be read ahead. */
duet_status duet_training_open_data(duet_training *run, duet_error *error);

/** Everything up to the first step. *finished: the run has all its steps already. */
duet_status duet_training_prepare(duet_training *run, bool *finished, duet_error *error);

/** Whether an epoch ends with the step of that number. */
bool duet_training_ends_epoch(const duet_training *run, uint64_t step);
/** How many examples the steps after `from` up to `to` drew. */
double duet_training_images(const duet_training *run, uint64_t from, uint64_t to);
/** Makes run->live, the run as a watcher sees it. */
duet_status duet_training_open_live(duet_training *run, duet_error *error);

/** What is due after a step: a report or a sign of life, pictures, watchers, a checkpoint, the page. */
duet_status duet_training_follow_up(duet_training *run, duet_error *error);
/** Writes the checkpoint, behind the lines of metrics that it counts on. All ranks come to it. */
duet_status duet_training_save(duet_training *run, duet_error *error);
/** Keeps the last step of a training that something else than its parameters ended, such as data that cannot be read or
 *  a full disk: a checkpoint, and a line that tells of it. */
void duet_training_rescue(duet_training *run);
/** The status of a program's function, which returned one and may have set its error, `said`: what either says counts,
 * and a failure without words gets some. */
duet_status duet_training_take_answer(const char *function, duet_status status, const duet_error *said,
                                      duet_error *error);
/** Writes the page of the run from its files. Short epochs write it less often, so that it takes a twentieth of the
 * time at most; without it a training is as good. */
void duet_training_write_page(duet_training *run, bool last);

#endif
