/* SPDX-License-Identifier: MIT */
/* Pages in three steps: each run's files are collected into a JSON object, the objects are compared, and the document
 * goes into the template of page/. */
#ifndef DUET_SRC_REPORT_PAGE_H
#define DUET_SRC_REPORT_PAGE_H

#include "base/json.h"
#include "base/status.h"
#include "duet/report.h"

/** What a page takes of a run's pictures. */
typedef struct duet_page_wish {
    bool pictures;        /**< else none of them */
    bool alone;           /**< one run: also how its samples changed, and the blind sheet */
    size_t picture_bytes; /**< all pictures of the run together, at most */
} duet_page_wish;

/** What the files of a run say; the caller owns it. NULL after an error: DUET_ERROR_FILE, DUET_ERROR_DATA,
 *  DUET_ERROR_MEMORY. */
json_t *duet_page_collect(const char *run, const duet_page_wish *wish, duet_error *error);
/** {"name", "epoch", ...} of the losses in a run's metrics.jsonl, averaged to a few hundred points, and what ailed the
 * training, into *run; what it cost into *cost. A run that has no such file yet has no points. DUET_ERROR_FILE: there
 * is something of that name that cannot be read. */
duet_status duet_page_collect_losses(const char *path, json_t **run, json_t **cost, duet_error *error);
/** "changed" ("nothing", or what was while the run was gone on with), "ranks" (how many) and "composition" (checksums
 * of the training and of each output of a program's own family, by the names of their rows) of run.json, into *run. */
void duet_page_put_facts(json_t **run, json_t *file);
/** A picture's file as a "data:" address, with its extents in pixels, into *picture; with words in place of it where
 * it cannot be read or has more bytes than are left. */
void duet_page_put_picture(json_t **picture, const char *path, size_t *bytes_left);
/** Adds "differences", "metrics" and "verdicts" to a document of "runs". */
void duet_page_compare(json_t **document);
/** Adds "verdicts" to a document that has all else. */
void duet_page_add_verdicts(json_t **document);
/** The name of a run of the document. */
const char *duet_page_name(json_t *document, size_t run);
/** Whether a clock or a meter gave the metric: its interval is of repeats in one process, which are alike, and does not
 *  tell two runs apart. */
bool duet_page_is_clocked(json_t *metric);
/** A number of an object; NaN if it has none under that name. */
double duet_page_number(json_t *object, const char *key);
/** Text of any bytes, '?' for what is no UTF-8. */
json_t *duet_page_text(const char *text);
/** Reads a file whole, with a 0 behind it; the caller frees it. NULL: it cannot be read, and errno
 *  says why, *fault in words. */
char *duet_page_read(const char *path, size_t *size, const char **fault);
/** The same of a file that may be missing: *text is NULL then. DUET_ERROR_FILE: it is there and cannot be read. */
duet_status duet_page_read_if_there(const char *path, char **text, size_t *size, duet_error *error);

/** The files of page/, which the build embeds. */
extern const char duet_page_html[], duet_page_css[], duet_page_js[];

#endif
