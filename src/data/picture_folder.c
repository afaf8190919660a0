/* SPDX-License-Identifier: MIT */
/* A folder of pictures, with the folders in it, in the order of their paths. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/status.h"
#include "base/text.h"
#include "data/foreign.h"
#include "data/picture.h"
#include "data/pictures.h"

static duet_status open_reader(void **reader, const duet_picture_list *list, duet_error *error)
{
    (void)list;
    (void)error;
    *reader = NULL;
    return DUET_OK;
}

static void close_reader(void *reader)
{
    (void)reader;
}

static duet_status read_file(duet_stream *stream, size_t most, duet_file_bytes *bytes, duet_error *error)
{
    size_t wanted = stream->size < most ? stream->size : most;
    if (stream->size > DUET_PICTURE_BYTES)
        return duet_fail(error, DUET_ERROR_DATA, "%s: a picture of %zu bytes; at most %d MiB are read", stream->path,
                         stream->size, DUET_PICTURE_BYTES >> 20);
    bytes->length = 0;
    if (!duet_file_bytes_grow(bytes, wanted + 1))
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", stream->path);
    return duet_stream_read_some(stream, bytes->data, wanted, &bytes->length, error);
}

static duet_status load(void *reader, const duet_picture_list *list, const duet_picture_entry *entry, size_t most,
                        duet_file_bytes *bytes, duet_error *error)
{
    (void)reader;
    duet_stream stream = {0};
    char *path = duet_path_join(list->source, entry->name);
    if (path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", list->source);
    duet_status status = duet_stream_open(&stream, path, error);
    if (status == DUET_OK) status = read_file(&stream, most, bytes, error);
    duet_stream_close(&stream);
    free(path);
    return status;
}

static const duet_picture_place folder_place = {open_reader, load, close_reader, true};

static duet_status walk(duet_picture_list *list, const char *folder, const char *inner, int depth, bool *runs,
                        duet_error *error);

/* A folder in the list's folder, unless it is a run, or holds such alone, whose pictures are of these: *runs. */
static duet_status look_into(duet_picture_list *list, const char *path, const char *name, int depth, bool *runs,
                             duet_error *error)
{
    *runs = duet_path_holds_file(path, "run.json");
    if (*runs) return DUET_OK;
    char *folder = duet_path_join(name, "");
    duet_status status = folder == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path)
                                        : duet_picture_list_add_folder(list, folder, error);
    free(folder);
    if (status == DUET_OK) status = walk(list, path, name, depth + 1, runs, error);
    if (status == DUET_OK && *runs) free(list->folders[--list->folder_count]); /* the last, as it added none */
    return status;
}

/* An entry of a folder; `name` is its path from the list's folder on. */
static duet_status look_at(duet_picture_list *list, const char *path, const char *name, int depth, bool *runs,
                           duet_error *error)
{
    struct stat about;
    *runs = false;
    if (stat(path, &about) != 0)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s; mend it, or remove it from the folder",
                         path, strerror(errno));
    if (S_ISDIR(about.st_mode)) return look_into(list, path, name, depth, runs, error);
    if (S_ISREG(about.st_mode)) return duet_picture_list_add(list, name, 0, error);
    return duet_fail(error, DUET_ERROR_FILE, "%s: is not a plain file; remove it from the folder", path);
}

/* *runs: what lies in the folder is runs alone, one or several. */
static duet_status walk(duet_picture_list *list, const char *folder, const char *inner, int depth, bool *runs,
                        duet_error *error)
{
    size_t found = 0, others = 0;
    if (depth > DUET_PICTURE_DEEPEST)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: folders lie more than %d deep; [train/ or test/][class/]... is expected", folder,
                         DUET_PICTURE_DEEPEST);
    DIR *entries = opendir(folder);
    if (entries == NULL) return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", folder, strerror(errno));
    duet_status status = DUET_OK;
    for (const char *entry; duet_folder_next(entries, folder, &entry, &status, error);) {
        if (duet_foreign_is_hidden(entry)) continue;
        char *path = duet_path_join(folder, entry), *name = duet_path_join(inner, entry);
        bool is_run = false;
        status = path == NULL || name == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", folder)
                                              : look_at(list, path, name, depth, &is_run, error);
        *(is_run ? &found : &others) += 1;
        free(path);
        free(name);
    }
    (void)closedir(entries);
    *runs = found > 0 && others == 0;
    return status;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const duet_picture_entry *)a)->name, ((const duet_picture_entry *)b)->name);
}

duet_status duet_picture_folder_open(duet_rows rows[2], const char *path, const duet_data_options *options,
                                     duet_error *error)
{
    if (duet_path_holds_file(path, "run.json"))
        return duet_fail(
            error, DUET_ERROR_DATA,
            "%s: is a run, whose pictures are no data: 'duet sample %s --out samples.npy' writes samples of "
            "it; pictures of yours that lie there are read from a folder of their own",
            path, DUET_WORD("%s", path));
    duet_picture_list *list = duet_picture_list_new(path, &folder_place, options->labels, error);
    if (list == NULL) return DUET_ERROR_MEMORY;
    bool runs;
    duet_status status = walk(list, path, "", 0, &runs, error);
    if (status != DUET_OK) {
        duet_picture_list_release(list);
        return status;
    }
    if (list->count > 0) qsort(list->entries, list->count, sizeof *list->entries, compare_entries);
    return duet_pictures_open(rows, list, options, error);
}
