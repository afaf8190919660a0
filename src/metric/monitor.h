/* SPDX-License-Identifier: MIT */
/* A watched training: what its monitor knows from look to look. */
#ifndef DUET_SRC_METRIC_MONITOR_H
#define DUET_SRC_METRIC_MONITOR_H

#include <jansson.h>

#include "metric/metric.h"
#include "run/run_file.h"

struct duet_monitor {
    duet_monitor_options options;
    duet_run_file before; /* of a run that goes on */
    duet_watch watch;     /* what the options say and, of a run that goes on, it said */
    char *judge, *resume; /* options.judge and options.resume from any folder; NULL: none */
    const char *recorded; /* the judge in the run.json of a run that goes on; NULL: another one is given, or none */
    duet_better better;   /* which of two values of watch.best is, for this run */
    double best;          /* the best value so far of the metric watch.best; NaN: none yet */
    uint64_t best_epoch;  /* the epoch that gave it */
    bool recalled;        /* what a run that goes on had as its best is taken in */
    const char *said;     /* what the last look found lost, which was warned of; NULL: nothing */
    uint64_t told[2 * DUET_VERDICT_VALUES]; /* checksums of what was said of values that there are none of */
    size_t told_count;
    bool singly;          /* a metric failed, which together costs the others: from then on each is by itself */
    bool told_of_best;    /* that there is none yet was said */
    bool looked, lost;    /* a look came before, here or before the run went on; it showed a collapse */
};

/** *found: whether metrics.jsonl in `directory` has the metric; *checksum: of the features by which it was last
 * measured, "": by none. */
duet_status duet_monitor_find_past(const char *directory, const char *metric, bool *found, char checksum[24],
                                   duet_error *error);
/** Refuses a metric whose values so far were by other features than those to come, unless another judge is asked for:
 *  then what changes is said. */
duet_status duet_monitor_check_past(const duet_monitor *monitor, duet_run *run, const char *metric, duet_error *error);
/** Takes in what a resumed run's best is worth, and says where it begins anew. */
duet_status duet_monitor_recall(duet_monitor *monitor, duet_run *run, const char *features, duet_error *error);
/** What was measured at the last epoch's end in metrics.jsonl, which the caller drops; NULL: nothing was, or memory is
 *  short. */
json_t *duet_monitor_last_past(const char *directory);

/** What is said to a model of the loss of that index; false past the end. */
bool duet_monitor_loss_at(size_t index, const duet_model *model, char *text, size_t size);
/** Warns of what a look shows to be lost, and stops the training where a second one in a row shows a collapse. */
void duet_monitor_judge_loss(duet_monitor *monitor, duet_run *run, duet_verdict *verdict);

#endif
