/* SPDX-License-Identifier: MIT */
/* What the files of duet_tune's child share: the device, what is known, and how the parent is told. */
#ifndef DUET_SRC_TUNE_TUNE_CHILD_H
#define DUET_SRC_TUNE_TUNE_CHILD_H

#include "product/trial/gemm_trial.h"
#include "tune/tune_work.h"

typedef struct duet_tune_child {
    const duet_tune_options *options;
    duet_report_pipe *pipe;
    duet_device *device;
    json_t *document, *shapes;
    size_t unfit; /**< rows of the document's list that the device knows of */
} duet_tune_child;

/** Sends {kind: content} to the parent and drops the content. */
duet_status duet_tune_send(duet_tune_child *it, const char *kind, json_t *content, duet_error *error);
/** The same, and puts it into this process's document too. */
duet_status duet_tune_tell(duet_tune_child *it, const char *kind, json_t *trial, duet_error *error);
/** Tells how a trial of `shape` came out: `status` and `fault` of its call, and what it measured. Drops the trial. */
duet_status duet_tune_judge(duet_tune_child *it, json_t *trial, const duet_gemm_trial *measured,
                            const duet_gemm_shape *shape, duet_status status, const duet_error *fault,
                            duet_error *error);

/** The trial of a choice for a product; the caller drops it. */
json_t *duet_tune_trial_of(const duet_tune_child *it, const duet_gemm_shape *shape, const duet_gemm_choice *choice);
/** What the document has of a choice. Borrowed; NULL: it was not tried. */
const json_t *duet_tune_known(const duet_tune_child *it, const duet_gemm_shape *shape, const duet_gemm_choice *choice);
/** GFLOP/s as the document has it; NaN unless the trial came out right. */
double duet_tune_speed(const duet_tune_child *it, const duet_gemm_shape *shape, const duet_gemm_choice *choice);

enum { DUET_TUNE_CANDIDATES = 64 };

typedef struct duet_tune_candidates {
    duet_gemm_choice items[DUET_TUNE_CANDIDATES];
    size_t count;
    bool lacks_late; /* one was left out, since it took too long */
} duet_tune_candidates;

/** The preset's neighbours first; then what other providers would do. One launch of plain is worth a look only where
 *  the product is small. */
void duet_tune_list(duet_tune_child *it, const duet_gemm_choice *preset, const duet_gemm_shape *shape,
                    duet_tune_candidates *list);

/** Finds the sets of parameters for CLBlast's kernels. *restart: a new process must go on, since CLBlast does not
 * forget the last set that was tried. */
duet_status duet_tune_clblast(duet_tune_child *it, bool *restart, duet_error *error);
/** Says that the trial begins, in case it is the last that is heard. *begins false: it is in the document already, or
 * the parent is gone; then the trial is dropped. */
duet_status duet_tune_begin(duet_tune_child *it, json_t *trial, bool *begins, duet_error *error);

#endif
