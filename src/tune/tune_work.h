/* SPDX-License-Identifier: MIT */
/* The two halves of duet_tune: the child measures and sends messages (tune_work.c), the parent merges them into the
 * document and keeps it (tune.c). Both merge by the same functions (tune_document.c), so that both know the same. */
#ifndef DUET_SRC_TUNE_TUNE_WORK_H
#define DUET_SRC_TUNE_TUNE_WORK_H

#include "tune/tuning_file.h"
#include "tune/worker.h"

/** What a child starts with. */
typedef struct duet_tune_task {
    const duet_tune_options *options;
    json_t *document; /**< NULL: nobody has looked at the file yet */
    json_t *shapes;   /**< an array of products; NULL: nobody has collected them */
} duet_tune_task;

/* Messages, by their one key:
 *   {"open": {"path", "document"}}   the file, and what it holds
 *   {"shapes": [product, ...]}
 *   {"log": "line"}
 *   {"try": trial}                   what is measured now, in case it is the last that is heard
 *   {"tried": trial + {"verdict", "gflops", "words"}}
 *   {"best": trial, or a product with "provider": null}    a product is done
 *   {"restart": true}                a new child must go on
 * A trial of a product is a product and a choice in one object; one of CLBlast's parameters is {"kernel", "set"}.
 * "whole": the choice is the provider's preset, so that the provider is unfit if the trial fails. "preset": it is what
 * the product is computed by without tuning, so that nothing is decided while it is not measured. "seconds": what the
 * trial may take; a product has it where a candidate was left out by that limit. */
duet_status duet_tune_work(duet_report_pipe *pipe, const void *task, duet_error *error);

/** The document's record of the product, or of the one of CLBlast's kernels, that a trial is about. Borrowed; NULL if
 *  there is none. */
json_t *duet_tune_record(const json_t *document, const json_t *trial);
/** The trial in the record of the same parameters; NULL if there is none. Borrowed. */
json_t *duet_tune_trial(const json_t *record, const json_t *trial);
/** Whether the trial (may be NULL) has this verdict: "right", "slow", "wrong", "refused", "crashed", "late", or
 * "failed", which stays out of the file, since it may pass. */
bool duet_tune_is(const json_t *trial, const char *verdict);
extern const char duet_verdict_failed[], duet_verdict_late[];
/** The most that a candidate may take; a preset that took longer gets DUET_PATIENCE times that, until it is late by
 * that on one product. */
double duet_tune_seconds(const duet_tune_options *options);
enum { DUET_PATIENCE = 4 };
/** Whether the trial took longer than `seconds` or more. What took longer than less is worth another trial. */
bool duet_tune_is_late(const json_t *trial, double seconds);
/** Whether the trial's choice took too long, by this limit or a larger one, on any product: it would again. */
bool duet_tune_was_late(const json_t *document, const json_t *trial, double seconds);
/** Whether it may have been the hour's fault, such as a busy machine's: it is not kept. What no product waits for is
 *  kept with its limit. */
bool duet_tune_may_pass(const json_t *trial);
/** Whether the product has been decided, from as many candidates as are asked for now. */
bool duet_tune_is_done(const json_t *record, const duet_tune_options *options);
/** Puts a "tried" or "best" into the document. */
duet_status duet_tune_merge(json_t *document, const char *kind, const json_t *trial, duet_error *error);
/** Writes the file: the document without what may pass. */
duet_status duet_tune_keep(const json_t *document, const char *path, duet_error *error);

/** "panel rows=12 lanes=16 ..." */
void duet_tune_choice_words(const json_t *choice, char *text, size_t size);
/** Fills in the summary, but for what was measured. */
duet_status duet_tune_summarise(const duet_tune_task *task, const char *path, duet_tune_summary *summary,
                                duet_error *error);

#endif
