/* SPDX-License-Identifier: MIT */
/* The tuning table as JSON: in a file of the user's cache, and inside run.json. What is read is checked against what
 * the providers themselves would try: no number reaches a driver that they do not know. */
#ifndef DUET_SRC_TUNE_TUNING_FILE_H
#define DUET_SRC_TUNE_TUNING_FILE_H

#include <jansson.h>

#include "duet/tune.h"
#include "product/tuning.h"

/** Where the device's file lies, whether it is there or not: $DUET_TUNING, else in duet/ of $XDG_CACHE_HOME or
 * ~/.cache. *path is the caller's; NULL if tuning is off. DUET_ERROR_FILE if there is no place for it. */
duet_status duet_tuning_path(const duet_device_info *info, char **path, duet_error *error);

/** Whether what is at `path` is a tuning file, damaged or not, or nothing yet, and so may be replaced: DUET_ERROR_USAGE
 * if it is something else, DUET_ERROR_FILE if that cannot be seen. */
duet_status duet_tuning_check_place(const char *path, duet_error *error);

/** A document for this device with nothing measured. NULL if memory is short. */
json_t *duet_tuning_document_new(const duet_device_info *info);
/** *document: the file's; NULL if there is none. DUET_ERROR_DATA, with why, for one that is damaged or foreign,
 *  DUET_ERROR_FILE for one that cannot be opened. */
duet_status duet_tuning_document_read(const char *path, duet_device *device, json_t **document, duet_error *error);

/** The table out of a file's document or a run's record. `where` names it in messages. On failure the table is empty.
 */
duet_status duet_tuning_from_json(duet_tuning *tuning, const json_t *document, const duet_device *device,
                                  const char *where, duet_error *error);
/** The record of a run: {"products", "unfit", "clblast"}, as in the file but for the trials. */
json_t *duet_tuning_to_json(const duet_tuning *tuning);

/** {"provider": "panel", "parameters": {"rows": 12, ...}} */
json_t *duet_choice_to_json(const duet_gemm_choice *choice);
/** Reads it back. NULL, or what is wrong with it. */
const char *duet_choice_from_json(const json_t *object, duet_gemm_choice *choice);
/** What is wrong with what a file keeps of one product or of one of CLBlast's kernels, beside its "best"; NULL:
 *  nothing. */
const char *duet_tuning_check_record(const json_t *record);
/** {"transpose": "nt", "m": 128, "n": 400, "k": 784}; with "convolution": {"use": "forward", "images": 128, ...} for
 * one, see docs/performance.md */
json_t *duet_product_to_json(const duet_gemm_shape *shape);
const char *duet_product_from_json(const json_t *object, duet_gemm_shape *shape);
/** {"KWG": 16, ...} */
json_t *duet_clblast_set_to_json(size_t kernel, size_t set);

/** duet_device_use_tuning; returns the file that is in use, which the caller frees, or NULL. */
char *duet_tuning_take(duet_device *device);

#endif
