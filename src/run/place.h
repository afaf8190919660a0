/* SPDX-License-Identifier: MIT */
/* What a path leads to: a run's directory, and which checkpoint in it is meant. */
#ifndef DUET_SRC_RUN_PLACE_H
#define DUET_SRC_RUN_PLACE_H

#include "duet/base.h"

typedef struct duet_run_place {
    char *directory;
    const char *checkpoint; /* file name in the directory */
} duet_run_place;

/** `path`: a run's directory, or a .safetensors file in one, which must outlive the place. The caller frees
 *  found->directory, also after an error. */
duet_status duet_run_place_find(duet_run_place *found, const char *path, duet_error *error);

/** DUET_ERROR_FILE if nothing is where its checkpoint should be. */
duet_status duet_run_place_check(const duet_run_place *place, duet_error *error);

#endif
