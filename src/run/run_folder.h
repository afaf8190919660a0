/* SPDX-License-Identifier: MIT */
/* The folder of a run: found free, made, and never one that holds a run already. */
#ifndef DUET_SRC_RUN_RUN_FOLDER_H
#define DUET_SRC_RUN_RUN_FOLDER_H

#include "base/lock.h"
#include "duet/base.h"

enum { DUET_RUN_PATH = 1024 };

/** Makes the folder `out` (parents too), or runs/MODEL-DATA-N for the first N that is free if `out` is NULL, and writes
 *  its path to `path`. An empty or unrelated folder is used as it is. DUET_ERROR_FILE if it holds a run or parts of
 * one. *made: the folder was not there before. */
duet_status duet_run_folder_make(const char *out, const char *model, const char *data, char path[DUET_RUN_PATH],
                                 bool *made, duet_error *error);
/** Whether there is something of that name in the folder: a link that leads nowhere, and what cannot be looked at,
 * count as there. */
bool duet_run_folder_holds(const char *path, const char *name);
/** DUET_ERROR_FILE if the folder holds a run or parts of one: a new run must not start over an old one, as it would
 * take the old checkpoint for its own and cut off the old losses. */
duet_status duet_run_folder_check_unused(const char *path, duet_error *error);
/** Takes the run for this process. DUET_ERROR_FILE at once, with the holder's number, if another one has it. */
duet_status duet_run_folder_lock(const char *path, duet_lock *lock, duet_error *error);
/** DUET_ERROR_FILE for a folder in which a training was killed while it prepared its first step: it holds a lock, and
 *  nothing that says what the run is. Also if that training is under way. */
duet_status duet_run_folder_check_begun(const char *path, duet_error *error);
/** Removes pictures of epochs past `epoch` from the folder of samples: a training that goes on makes them anew. */
void duet_run_folder_drop_pictures(const char *samples, uint64_t epoch);
/** Makes path/name if it is not there; a link is refused. */
duet_status duet_run_folder_make_inner(const char *path, const char *name, duet_error *error);
/** Removes the folder again if nothing is in it: a training that never began leaves nothing behind. */
void duet_run_folder_remove_empty(const char *path);
/** A path in a form that is valid from any folder, which the caller frees; NULL: out of memory. */
char *duet_run_path(const char *path);
/** A data set's name or path in a form that is valid from any folder: its name or an absolute path, with what is said
 *  of it. The caller frees it. NULL: out of memory. */
char *duet_run_data_name(const char *name);

#endif
