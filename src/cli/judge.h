/* SPDX-License-Identifier: MIT */
/* What a judge's word is worth. */
#ifndef DUET_SRC_CLI_JUDGE_H
#define DUET_SRC_CLI_JUDGE_H

#include "cli/metrics.h"

#include <jansson.h>

/** How often the judge is right about labelled examples of its own data, on the split that judges it: said on standard
 *  error, with a warning where that may be chance. *facts: what is to be kept of it, which the caller drops; NULL: it
 * is not known, which is said too. Returns an exit status. */
int cli_judge_weigh(duet_run *judge, json_t **facts);
/** Says it again, of facts that were kept; nothing where there are none. */
void cli_judge_tell(const json_t *facts);

#endif
