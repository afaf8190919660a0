/* SPDX-License-Identifier: MIT */
/* What a family of a program's own composes, as run.json keeps it: {"training": checksum, "outputs": {name: checksum}}.
 * Of the library's families the version and the settings say as much. */
#ifndef DUET_SRC_RUN_COMPOSITION_H
#define DUET_SRC_RUN_COMPOSITION_H

#include "run/run_file.h"

/** *composition: of the model that trains, on one process alone, and of one built beside it for use, with the same
 *  choices; the caller drops it. NULL: the family is the library's, or composes nothing where its model is used.
 * Errors: DUET_ERROR_MEMORY. */
duet_status duet_composition_make(json_t **composition, const duet_trainer *trains, const duet_run_choice *choice,
                                  duet_error *error);
/** Whether the training is another one than run.json has; false where one of the two says nothing. */
bool duet_composition_trains_otherwise(const json_t *then, const json_t *now);
/** Names of outputs that both have and that are computed otherwise, "sample, latent", in `names`: "" if there are none.
 */
void duet_composition_differ(const json_t *then, const json_t *now, char *names, size_t size);
/** What opening a run with a family of the program's own, built for use, has to say against it; "" in `words`:
 *  nothing. */
duet_status duet_composition_doubt(const duet_run_file *file, const char *directory, const duet_family *family,
                                   const duet_build *build, char *words, size_t size, duet_error *error);
/** Whether run.json was written by this very version of the library, which composes layers as it did then. */
bool duet_composition_is_of_version(const json_t *document);

#endif
