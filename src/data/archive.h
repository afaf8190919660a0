/* SPDX-License-Identifier: MIT */
/* Zip and tar files, compressed or not, read in order through libarchive. */
#ifndef DUET_SRC_DATA_ARCHIVE_H
#define DUET_SRC_DATA_ARCHIVE_H

#include <locale.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

#include "data/notes.h"
#include "data/stream.h"

/** An archive being read, and the plain file that it has come to. */
typedef struct duet_archive {
    void *handle; /* libarchive's struct archive; NULL: not open */
    char *path;
    locale_t letters; /* in which names are read */
    size_t position;  /* of the member: counts plain files only */
    const char *name; /* of the member, without "/", "./" and "//"; valid until the next one */
    char *own;        /* where the name lies */
    size_t size;      /* as its header says; 0 where that is not known */
    bool in_tar;      /* a member of a tar file has been reached */
    bool folders;     /* set before it is opened: members that are folders count too, with a slash behind the name */
} duet_archive;

/** Opens at the beginning, before the first member. *archive must be zeroed. */
duet_status duet_archive_open(duet_archive *archive, const char *path, duet_error *error);
void duet_archive_close(duet_archive *archive);
/** Goes on to the next plain file; *more: there is one. DUET_ERROR_DATA for a link by which examples may be
 *  missing, and for a name that nobody can read. */
duet_status duet_archive_next(duet_archive *archive, bool *more, duet_error *error);
/** Goes to the member at `position`, from the beginning if it lies behind. */
duet_status duet_archive_go(duet_archive *archive, size_t position, duet_error *error);
/** The next bytes of the member, as many as there are up to `count`: *got. */
duet_status duet_archive_read(duet_archive *archive, void *bytes, size_t count, size_t *got, duet_error *error);
/** Whether a member of that name is passed over: it is the folder of all, hidden, or what a system keeps for itself. */
bool duet_archive_passes(const char *name);
typedef struct duet_archive_member_row {
    char *name;
    size_t position, size;
    size_t start; /* where its bytes lie as they are; 0: nobody knows, or they do not */
    bool summed;  /* `sum` is known: the CRC-32 of bytes that lie as they are */
    uint32_t sum;
} duet_archive_member_row;

typedef struct duet_archive_list {
    duet_archive_member_row *members;
    size_t count, capacity;
} duet_archive_list;

/** All members in their order but hidden ones; folders among them where that is asked for. The caller frees the list
 *  also after an error. */
duet_status duet_archive_list_all(duet_archive_list *list, const char *path, bool folders, duet_error *error);
/** Of a member of such a list. */
bool duet_archive_is_folder(const char *name);
/** Leaves of each name the last, as extraction does. Says so where there are notes. */
duet_status duet_archive_list_supersede(duet_archive_list *list, const char *path, duet_notes *notes,
                                        duet_error *error);
void duet_archive_list_free(duet_archive_list *list);

/** Whether a file is an archive, by its name or its first bytes. */
bool duet_archive_is(const char *path);
/** Opens a member as a stream of `length` bytes. */
duet_status duet_stream_open_member(duet_stream *stream, const char *path, size_t position, const char *name,
                                    size_t length, duet_error *error);

#endif
