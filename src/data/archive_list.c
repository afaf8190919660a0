/* SPDX-License-Identifier: MIT */
/* tar -r and -u, and zip programs that append, add a new member beside the old one of that name; extraction writes one
 * over the other, so that the last is what lies there in the end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/status.h"
#include "data/archive.h"

static duet_status add(duet_archive_list *list, const duet_archive *archive, const char *name, duet_error *error)
{
    char *copy = strdup(name);
    if (copy == NULL || !duet_array_grow(&list->members, list->count, &list->capacity, sizeof *list->members)) {
        free(copy);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to list its members", archive->path);
    }
    list->members[list->count++] = (duet_archive_member_row){copy, archive->position, archive->size, 0};
    return DUET_OK;
}

bool duet_archive_is_folder(const char *name)
{
    return name[0] != '\0' && name[strlen(name) - 1] == '/';
}

static bool has_member_at(FILE *file, off_t place)
{
    char start[4];
    return fseeko(file, place, SEEK_SET) == 0 && fread(start, 1, 4, file) == 4 && memcmp(start, "PK\3\4", 4) == 0;
}

/* How many bytes lie in front of a zip file, by what its end says of where it begins (APPNOTE.TXT 4.3.16), where these
 * are members of another one; 0: none. Of two that were joined the last alone is read. */
static off_t find_joined(FILE *file)
{
    enum { END = 22, LOCATOR = 20, TAIL = 1024 /* of a longer comment nothing is known */ };
    unsigned char tail[TAIL];
    uint32_t extents[2]; /* of the list of members, and where that lies */
    const off_t size = fseeko(file, 0, SEEK_END) == 0 ? ftello(file) : 0, from = size > TAIL ? size - TAIL : 0;
    if (size < END || fseeko(file, from, SEEK_SET) != 0) return 0;
    size_t at = fread(tail, 1, sizeof tail, file);
    at = at < END ? 0 : at - END;
    while (at > 0 && memcmp(tail + at, "PK\5\6", 4) != 0) at--;
    if (at >= LOCATOR && memcmp(tail + at - LOCATOR, "PK\6\7", 4) == 0) return 0; /* ZIP64: it says that elsewhere */
    memcpy(extents, tail + at + 12, sizeof extents);
    const off_t front = from + (off_t)at - (off_t)extents[0] - (off_t)extents[1];
    return at > 0 && front > 0 && has_member_at(file, 0) && has_member_at(file, front) ? front : 0;
}

static duet_status check_joined(const char *path, duet_error *error)
{
    const char *fault;
    FILE *file = duet_file_open(path, &fault);
    const off_t front = file == NULL ? 0 : find_joined(file);
    if (file != NULL) (void)fclose(file);
    if (front == 0) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: is two zip files, joined, of which the last alone would be read: unpack both (the first by "
                     "head -c %lld OLD > NEW.zip), and name the folder",
                     path, (long long)front);
}

duet_status duet_archive_list_all(duet_archive_list *list, const char *path, bool folders, duet_error *error)
{
    duet_archive archive = {.folders = folders};
    bool more = true;
    *list = (duet_archive_list){0};
    DUET_TRY(check_joined(path, error));
    DUET_TRY(duet_archive_open(&archive, path, error));
    duet_status status = duet_archive_next(&archive, &more, error);
    while (status == DUET_OK && more) {
        if (!duet_archive_passes(archive.name)) status = add(list, &archive, archive.name, error);
        if (status == DUET_OK) status = duet_archive_next(&archive, &more, error);
    }
    duet_archive_close(&archive);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    const duet_archive_member_row *left = *(duet_archive_member_row *const *)a,
                                  *right = *(duet_archive_member_row *const *)b;
    const int order = strcmp(left->name, right->name);
    return order != 0 ? order : (left->position > right->position) - (left->position < right->position);
}

/* Takes out rows whose name is NULL. */
static void close_up(duet_archive_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->members[i].name != NULL) list->members[kept++] = list->members[i];
    list->count = kept;
}

duet_status duet_archive_list_supersede(duet_archive_list *list, const char *path, duet_notes *notes, duet_error *error)
{
    duet_archive_member_row **sorted = malloc((list->count + 1) * sizeof *sorted);
    size_t superseded = 0;
    char *first = NULL;
    if (sorted == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to list its members", path);
    for (size_t i = 0; i < list->count; i++) sorted[i] = &list->members[i];
    qsort(sorted, list->count, sizeof *sorted, compare_names);
    for (size_t i = 0; i + 1 < list->count; i++) {
        if (strcmp(sorted[i]->name, sorted[i + 1]->name) != 0 || duet_archive_is_folder(sorted[i]->name)) continue;
        if (superseded++ == 0)
            first = sorted[i]->name;
        else
            free(sorted[i]->name);
        sorted[i]->name = NULL;
    }
    free(sorted);
    close_up(list);
    if (superseded > 0 && notes != NULL)
        duet_notes_add(notes, false,
                       superseded == 1
                           ? "%s: %zu member is left out, since a later one has the same name, %s: the last "
                             "counts, as where it is unpacked"
                           : "%s: %zu members are left out, since later ones have the same names, such as "
                             "%s: the last of a name counts, as where it is unpacked",
                       path, superseded, first);
    free(first);
    return DUET_OK;
}

void duet_archive_list_free(duet_archive_list *list)
{
    for (size_t i = 0; i < list->count; i++) free(list->members[i].name);
    free(list->members);
    *list = (duet_archive_list){0};
}
