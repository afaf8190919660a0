/* SPDX-License-Identifier: MIT */
/* A zip or tar file of pictures, in the order of the archive: each pass over them is one pass over the file. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/archive.h"
#include "data/picture.h"
#include "data/pictures.h"

static duet_status open_reader(void **reader, const duet_picture_list *list, duet_error *error)
{
    duet_archive *archive = calloc(1, sizeof *archive);
    if (archive == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", list->source);
    duet_status status = duet_archive_open(archive, list->source, error);
    if (status != DUET_OK) free(archive);
    *reader = status == DUET_OK ? archive : NULL;
    return status;
}

static void close_reader(void *reader)
{
    duet_archive_close(reader);
    free(reader);
}

/* The whole member, since going back to it would be another pass. */
static duet_status load(void *reader, const duet_picture_list *list, const duet_picture_entry *entry, size_t most,
                        duet_file_bytes *bytes, duet_error *error)
{
    (void)most;
    duet_archive *archive = reader;
    DUET_TRY(duet_archive_go(archive, entry->position, error));
    bytes->length = 0;
    for (size_t got = 1; got > 0; bytes->length += got) {
        if (bytes->length > DUET_PICTURE_BYTES)
            return duet_fail(error, DUET_ERROR_DATA, "%s: %s: a picture of more than %d MiB", list->source, entry->name,
                             DUET_PICTURE_BYTES >> 20);
        if (!duet_file_bytes_grow(bytes, DUET_PICTURE_START))
            return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", list->source);
        DUET_TRY(duet_archive_read(archive, bytes->data + bytes->length, bytes->capacity - bytes->length, &got, error));
    }
    return DUET_OK;
}

static const duet_picture_place archive_place = {open_reader, load, close_reader, false};

static duet_status list_members(duet_picture_list *list, duet_notes *notes, duet_error *error)
{
    duet_archive_list all;
    duet_status status = duet_archive_list_all(&all, list->source, true, error);
    if (status == DUET_OK) status = duet_archive_list_supersede(&all, list->source, notes, error);
    for (size_t i = 0; status == DUET_OK && i < all.count; i++) {
        const char *name = all.members[i].name;
        status = duet_archive_is_folder(name) ? duet_picture_list_add_folder(list, name, error)
                                              : duet_picture_list_add(list, name, all.members[i].position, error);
    }
    duet_archive_list_free(&all);
    return status;
}

duet_status duet_picture_archive_open(duet_rows rows[2], const char *path, const duet_data_options *options,
                                      duet_error *error)
{
    duet_picture_list *list = duet_picture_list_new(path, &archive_place, options->labels, error);
    if (list == NULL) return DUET_ERROR_MEMORY;
    list->is_archive = true;
    duet_status status = list_members(list, options->notes, error);
    if (status == DUET_OK) return duet_pictures_open(rows, list, options, error);
    duet_picture_list_release(list);
    return status;
}
