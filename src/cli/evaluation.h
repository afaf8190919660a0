/* SPDX-License-Identifier: MIT */
/* What pages and comparisons need of a run, kept in its directory: evaluation.json with the metrics, and report/ with
 * pictures. Made anew only if something that they are of is another one. */
#ifndef DUET_SRC_CLI_EVALUATION_H
#define DUET_SRC_CLI_EVALUATION_H

#include "cli/options.h"
#include "duet.h"

#include <jansson.h>

typedef struct cli_evaluation_wish {
    const char *device, *judge; /* NULL: the preferred one; whoever judged before, or nobody */
    const char *data;           /* NULL: each run's own */
    const cli_list *settings;   /* of use, KEY=VALUE */
    const cli_list *runs; /* all that are compared; a setting that only some of them take is left out for others */
    bool *used;           /* one a setting, set where the run goes by it; NULL: nobody asks */
    bool afresh;          /* also where the files are as they should be */
} cli_evaluation_wish;

/** Makes the files of a run where they are missing or old. Returns an exit status. */
int cli_evaluation_ensure(const char *run, const cli_evaluation_wish *wish);

/** Draws the pictures of the run into report/ and adds "pictures" and "latents" to the evaluation. */
int cli_page_pictures(duet_run *run, const char *directory, json_t *evaluation);

#endif
