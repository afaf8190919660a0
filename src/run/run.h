/* SPDX-License-Identifier: MIT */
/* A run opened to be used, as the files of this folder see it, and a training under way as one that watchers can use.
 */
#ifndef DUET_SRC_RUN_RUN_H
#define DUET_SRC_RUN_RUN_H

#include "run/checkpoint.h"
#include "run/run_file.h"
#include "train/evaluator.h"

/** Why a value of a metric could not be computed. */
typedef struct duet_run_unknown {
    const char *value, *reason; /* static texts */
} duet_run_unknown;

struct duet_run {
    duet_device *device;
    bool borrowed;      /* the device belongs to another run or to a training */
    bool range_told;    /* numbers that the model gave lie far beyond the data's */
    bool live;          /* data, model and evaluator belong to a training too */
    char name[256];     /* of the directory */
    char *directory;    /* NULL: of a training under way */
    duet_run_file file; /* as it was when the run was opened; empty for a training under way */
    duet_checkpoint from; /* what the checkpoint said whose weights it has; of a training under way its steps alone */
    duet_run *judge;
    char judge_misfit[480];      /* why the one that was to judge last does not fit; "": it does, or nobody was to */
    duet_data *samples;          /* in place of the model's; NULL: its own */
    bool samples_read;           /* something asked for them */
    duet_run_unknown unknown[8]; /* values of metrics that were asked for last; the first `unknowns` count */
    size_t unknowns;
    duet_data *given[2];         /* features from files, by duet_feature_source; NULL: none */
    char given_origin[2][400];   /* of what they are, by their notes; "": nobody knows */
    const char *const *settings; /* added in front of every request's own */
    size_t setting_count;
    const volatile int *stop;           /* what requests without a flag of their own look at; NULL: none */
    duet_ranks *ranks;                  /* that share its requests; NULL: it is alone */
    char *path, *selector, *given_data; /* what it was opened with; NULL: not given */
    uint64_t weights;                   /* their checksum when it was shared first */
    bool has_sum, is_served;            /* the checksum is known; the other ranks have opened it */
    uint64_t read;                      /* bit i: something that was asked for reads setting i */
    char doubt[640];                    /* what opening it has to say against it; "": nothing */
    duet_data *data;
    duet_model *model;
    duet_evaluator *evaluator;
};

/** A run whose parts are all borrowed and must outlive it; duet_run_close frees the handle alone. */
duet_status duet_run_new_live(duet_run **run, duet_device *device, duet_data *data, duet_model *model,
                              duet_evaluator *evaluator, duet_error *error);

/** As duet_run_use, for metrics: whatever the numbers are. Examples may be a generator's, which lie where it puts them,
 *  and each metric has its own words for values that are not finite. */
duet_status duet_run_answer(duet_run *run, const duet_request *request, duet_error *error);
/** The same by this device, also where ranks share the run. */
duet_status duet_run_answer_alone(duet_run *run, const duet_request *request, duet_error *error);
/** The checksum of all that a checkpoint of the model keeps, by names and values. */
duet_status duet_run_sum_weights(duet_run *run, uint64_t *sum, duet_error *error);

#endif
