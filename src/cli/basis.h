/* SPDX-License-Identifier: MIT */
/* What an evaluation is of: checkpoint, data, judge, settings and device, as its file has them. One that is of
 * something else is made anew. */
#ifndef DUET_SRC_CLI_BASIS_H
#define DUET_SRC_CLI_BASIS_H

#include "cli/evaluation.h"

/** Everything but the device, as it is now. */
typedef struct cli_basis {
    json_t *checkpoint, *judge; /* judge: null if nobody is asked for and nobody judged before; without a checkpoint:
                                   who judged before cannot be asked now, and why is in "left_out" */
    json_t *data;               /* the checksum; null if the data cannot be looked at */
    json_t *settings;
    duet_error judge_lost, data_lost; /* why; DUET_OK if nothing is lost */
} cli_basis;

/** Looks at the run, and at whoever is to judge it: the wish's judge, or that of the evaluation `before` (NULL: there
 *  is none). Returns an exit status; the caller frees the basis also where it is not CLI_DONE. */
int cli_basis_find(cli_basis *basis, const char *run, const cli_evaluation_wish *wish, json_t *before);
void cli_basis_free(cli_basis *basis);

/** *kept: whether the evaluation is of all that, says something of every metric, and has its pictures. Returns an exit
 *  status. */
int cli_basis_keeps(const cli_basis *basis, const char *run, const cli_evaluation_wish *wish, json_t *evaluation,
                    bool *kept);

/** The device's entry in an evaluation. */
json_t *cli_basis_device(const duet_device *device);

#endif
