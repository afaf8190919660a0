/* SPDX-License-Identifier: MIT */
/* Files that are either whole or not there: written under a name of their own beside the place, synced, then renamed
 * over it, so that a crash, a full disk or a kill leaves what was there before, and two writers do not meet. */
#ifndef DUET_SRC_BASE_FILE_H
#define DUET_SRC_BASE_FILE_H

#include <dirent.h>
#include <stdio.h>

#include "duet/base.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "npy and safetensors files are written as they lie in memory: the machine must be little-endian"
#endif

/** A file on its way. Zero it before the first use; the stream may be written and sought freely until the commit. */
typedef struct duet_file {
    FILE *stream;
    char *path, *temporary;
} duet_file;

/** Makes the temporary and removes those in the folder whose writers were killed. DUET_ERROR_FILE also where a folder,
 * a pipe or a device has that name. */
duet_status duet_file_create(duet_file *file, const char *path, duet_error *error);
duet_status duet_file_write(duet_file *file, const void *bytes, size_t count, duet_error *error);
/** Syncs and renames. The file is closed either way; on failure the temporary is gone and the old file is untouched. */
duet_status duet_file_commit(duet_file *file, duet_error *error);
/** Closes and removes the temporary; nothing on a file that is committed or was never created. */
void duet_file_discard(duet_file *file);

/** All of the above for bytes that are ready. */
duet_status duet_file_replace(const char *path, const void *bytes, size_t count, duet_error *error);

/** Opens a file that is changed in place, for reading and writing; makes it where there is none. Links are not
 *  followed. */
duet_status duet_file_open_own(const char *path, FILE **stream, duet_error *error);

/** Whether an open file has another name too, by a hard link: it is somebody's copy, or somebody's file. */
bool duet_file_has_other_names(FILE *stream);

/** Opens a file to be read, NULL where that fails: *fault says why in words, and errno is ENOENT where there is none.
 *  Looks before it reads: a pipe could keep the program waiting for ever. */
FILE *duet_file_open(const char *path, const char **fault);

/** The next name in an open folder; false: there is none, or the rest cannot be read, which *status says then. `path`:
 * of the folder. What goes by the names that lie somewhere does not know them all after that. */
bool duet_folder_next(DIR *folder, const char *path, const char **name, duet_status *status, duet_error *error);

/** Makes last what was just made, renamed or removed under this name, by syncing the folder that it lies in. Some file
 *  systems cannot: there the next power cut may undo it, and nothing can be done about that. */
void duet_file_sync_name(const char *path);

/** A descriptor of the folder that the path lies in, which the caller closes; -1: it is not there, or not to be read.
 */
int duet_file_open_folder(const char *path);

/** Whether something has that name, be it a link that leads nowhere; nothing has one that is too long. Also where that
 * cannot be known: what opens it says why then, and nobody goes on as if there were none. */
bool duet_path_is_there(const char *path);

/** Whether `name` in the folder is a plain file, or a folder; links are followed. False where memory is short. */
bool duet_path_holds_file(const char *folder, const char *name);
/** Whether both paths lead to one file or folder that is there. */
bool duet_path_is_same(const char *path, const char *other);
bool duet_path_holds_folder(const char *folder, const char *name);

/** "folder/name", or `name` alone where the folder is "". The caller frees it; NULL if memory is short. */
char *duet_path_join(const char *folder, const char *name);

#endif
