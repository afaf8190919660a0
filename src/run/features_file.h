/* SPDX-License-Identifier: MIT */
/* Files of features that Duet wrote say what gave them, in a note beside them. */
#ifndef DUET_SRC_RUN_FEATURES_FILE_H
#define DUET_SRC_RUN_FEATURES_FILE_H

#include "duet/run.h"

/** Refuses, in words, files of features that were given to the run (run->given) and whose notes do not go together, by
 *  two judges or the wrong way round, or not with the run: of samples of other weights, or of examples of other data.
 *  What they say is in run->given_origin; files without a note are any encoder's, and nothing is known of them. */
duet_status duet_features_check_notes(duet_run *run, duet_error *error);
/** Notes in their sets what makes any figure perfect: rows that are all equal, or the same rows in both. */
duet_status duet_features_look(duet_data *of_samples, duet_data *of_examples, duet_error *error);

#endif
