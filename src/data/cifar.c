/* SPDX-License-Identifier: MIT */
/* CIFAR-10's binary files (Krizhevsky 2009; https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version"): records of
 * a label and 3 x 32 x 32 bytes, the red ones first. CIFAR-100 puts a coarse label in front. Five files make up the
 * training split of CIFAR-10. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/file.h"
#include "base/status.h"
#include "data/data.h"

enum { EXTENT = 32, PIXELS = EXTENT * EXTENT, PICTURE = 3 * PIXELS, MOST_LABEL_BYTES = 2, MOST_FILES = 16 };

typedef struct cifar {
    char *paths[MOST_FILES];
    size_t ends[MOST_FILES];              /* rows of this file and those before it */
    size_t file_count, label_bytes, open; /* open: which file the stream is of */
    duet_stream stream;
} cifar;

static void cifar_close(duet_rows *rows)
{
    cifar *it = rows->state;
    duet_stream_close(&it->stream);
    for (size_t i = 0; i < it->file_count; i++) free(it->paths[i]);
    free(it);
}

/* The record of a row. */
static duet_status read_record(cifar *it, size_t row, unsigned char *record, duet_error *error)
{
    size_t file = 0, bytes = it->label_bytes + PICTURE;
    while (row >= it->ends[file]) file++;
    if (it->stream.kind == NULL || it->open != file) {
        duet_stream_close(&it->stream);
        DUET_TRY(duet_stream_open(&it->stream, it->paths[file], error));
        it->open = file;
    }
    size_t first = file == 0 ? 0 : it->ends[file - 1];
    DUET_TRY(duet_stream_seek(&it->stream, (row - first) * bytes, error));
    return duet_stream_read(&it->stream, record, bytes, "its examples", error);
}

static duet_status cifar_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error)
{
    cifar *it = rows->state;
    unsigned char record[MOST_LABEL_BYTES + PICTURE];
    uint8_t *to = destination;
    for (size_t row = first; row < first + count; row++) {
        DUET_TRY(read_record(it, row, record, error));
        for (size_t i = 0; i < PIXELS; i++)
            for (size_t c = 0; c < 3; c++) *to++ = record[it->label_bytes + c * PIXELS + i];
    }
    return DUET_OK;
}

static duet_status cifar_share(duet_rows *to, const duet_rows *from, duet_error *error)
{
    const cifar *it = from->state;
    cifar *other = malloc(sizeof *other);
    if (other == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", from->path);
    *other = *it;
    other->stream = (duet_stream){0};
    other->file_count = 0;
    to->state = other;
    for (; other->file_count < it->file_count; other->file_count++) {
        other->paths[other->file_count] = strdup(it->paths[other->file_count]);
        if (other->paths[other->file_count] == NULL)
            return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", from->path);
    }
    return DUET_OK;
}

static const duet_row_source cifar_source = {cifar_read, NULL, NULL, cifar_share, cifar_close, NULL};

/* Adds a file: its size says which of the two formats it is. */
static duet_status add_file(cifar *it, const char *path, duet_error *error)
{
    duet_stream stream = {0};
    DUET_TRY(duet_stream_open(&stream, path, error));
    size_t size = stream.length;
    bool plain = stream.exact;
    duet_stream_close(&stream);
    for (size_t bytes = 1; plain && size > 0 && bytes <= MOST_LABEL_BYTES; bytes++) {
        if (size % (PICTURE + bytes) != 0 || (it->file_count > 0 && it->label_bytes != bytes)) continue;
        size_t before = it->file_count == 0 ? 0 : it->ends[it->file_count - 1];
        it->label_bytes = bytes;
        it->ends[it->file_count] = before + size / (PICTURE + bytes);
        it->paths[it->file_count] = strdup(path);
        if (it->paths[it->file_count] == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path);
        it->file_count++;
        return DUET_OK;
    }
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: %zu bytes%s; the binary files of CIFAR-10 have records of %d bytes, those of CIFAR-100 of "
                     "%d: get it again",
                     path, size, plain ? "" : " of gzip", PICTURE + 1, PICTURE + 2);
}

/* The names of classes in a text file beside the data, a line each; none where there is no such file. */
static duet_status read_names(duet_labels *labels, const char *folder, size_t classes, duet_error *error)
{
    char line[128];
    char *path = duet_path_join(folder, classes == 10 ? "batches.meta.txt" : "fine_label_names.txt");
    const char *fault = "";
    FILE *file = path == NULL ? NULL : duet_file_open(path, &fault);
    if (path != NULL && file == NULL && duet_path_is_there(path)) { /* no names are another thing */
        duet_status status = duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", path, fault);
        free(path);
        return status;
    }
    size_t capacity = 0;
    bool sound = path != NULL;
    while (sound && file != NULL && labels->name_count < classes && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0') continue;
        sound = duet_array_grow(&labels->names, labels->name_count, &capacity, sizeof *labels->names) &&
                (labels->names[labels->name_count] = strdup(line)) != NULL;
        labels->name_count += sound;
    }
    if (file != NULL) (void)fclose(file);
    free(path);
    if (!sound) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", folder);
    if (labels->name_count < classes) { /* no names are better than some */
        for (size_t i = 0; i < labels->name_count; i++) free(labels->names[i]);
        free(labels->names);
        labels->names = NULL;
        labels->name_count = 0;
    }
    return DUET_OK;
}

static duet_status read_labels(duet_rows *rows, duet_error *error)
{
    cifar *it = rows->state;
    unsigned char record[MOST_LABEL_BYTES + PICTURE];
    const size_t classes = it->label_bytes == 1 ? 10 : 100;
    rows->labels.values = malloc(rows->count);
    if (rows->labels.values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", rows->path);
    for (size_t i = 0; i < rows->count; i++) {
        DUET_TRY(read_record(it, i, record, error));
        rows->labels.values[i] = record[it->label_bytes - 1];
        if (rows->labels.values[i] >= classes)
            return duet_fail(error, DUET_ERROR_DATA,
                             "%s: record %zu has label %u, and CIFAR-%zu has %zu classes: it is another file, or a "
                             "damaged one",
                             rows->path, i, rows->labels.values[i], classes, classes);
    }
    const char *slash = strrchr(it->paths[0], '/');
    char *folder = slash == NULL ? strdup(".") : strndup(it->paths[0], (size_t)(slash - it->paths[0]) + 1);
    if (folder == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", rows->path);
    duet_status status = read_names(&rows->labels, folder, classes, error);
    free(folder);
    return status;
}

/* Rows of the files in order; rows->path is there already. */
static duet_status open_paths(duet_rows *rows, const char *const *paths, size_t count, duet_error *error)
{
    cifar *it = calloc(1, sizeof *it);
    if (it == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", rows->path);
    rows->state = it;
    rows->source = &cifar_source;
    rows->element = DUET_ELEMENT_UINT8;
    rows->shape = DUET_SHAPE(EXTENT, EXTENT, 3);
    rows->row_elements = PICTURE;
    rows->pictures = true;
    for (size_t i = 0; i < count; i++) DUET_TRY(add_file(it, paths[i], error));
    rows->count = it->ends[it->file_count - 1];
    return read_labels(rows, error);
}

static duet_status open_cifar(duet_rows *rows, duet_stream *stream, const duet_data_options *options, duet_error *error)
{
    const char *path = stream->file;
    (void)options;
    return open_paths(rows, &path, 1, error);
}

static bool is_cifar(const duet_stream *stream)
{
    const char *dot = strrchr(stream->path, '.');
    return dot != NULL && strcmp(dot, ".bin") == 0 && stream->exact && stream->length > 0 &&
           (stream->length % (PICTURE + 1) == 0 || stream->length % (PICTURE + 2) == 0);
}

const duet_format duet_format_cifar = {"CIFAR's binary files", NULL, ".bin", {0}, 0, is_cifar, open_cifar};

/* A folder of CIFAR-10: data_batch_1.bin and those that follow it, and test_batch.bin, which will do for use. */

static char *batch_path(const char *folder, size_t number)
{
    char name[32];
    (void)snprintf(name, sizeof name, number == 0 ? "test_batch.bin" : "data_batch_%zu.bin", number);
    return duet_path_join(folder, name);
}

static bool has_batch(const char *folder, size_t number, duet_error *fault)
{
    struct stat about;
    char *path = batch_path(folder, number);
    const bool there = path != NULL && lstat(path, &about) == 0;
    if (path != NULL && !there && errno != ENOENT && errno != ENOTDIR)
        (void)duet_fail(fault, DUET_ERROR_FILE, "%s: what lies there cannot be looked at: %s", folder, strerror(errno));
    free(path);
    return there;
}

bool duet_cifar_fits(const char *path, bool is_folder, duet_error *fault)
{
    return is_folder && (has_batch(path, 1, fault) || has_batch(path, 0, fault));
}

/* The files end where one is missing; that others lie behind it says that it was lost. */
static duet_status check_gap(const char *folder, size_t missing, duet_error *error)
{
    for (size_t i = missing + 1; i <= MOST_FILES; i++) {
        char *path = batch_path(folder, i);
        bool there = path != NULL && duet_path_is_there(path);
        free(path);
        if (there)
            return duet_fail(error, DUET_ERROR_DATA,
                             "%s: data_batch_%zu.bin is there and data_batch_%zu.bin is not: get it again", folder, i,
                             missing);
    }
    return DUET_OK;
}

static duet_status open_split(duet_rows *rows, const char *folder, size_t first, duet_error *error)
{
    char *paths[MOST_FILES] = {NULL};
    size_t count = 0, most = first == 0 ? 1 : MOST_FILES;
    duet_status status = DUET_OK;
    for (; count < most && (paths[count] = batch_path(folder, first + count)) != NULL; count++)
        if (!duet_path_is_there(paths[count])) break;
    if (first > 0) status = check_gap(folder, first + count, error);
    if (status == DUET_OK && count > 0) {
        rows->path = strdup(folder);
        status = rows->path == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", folder)
                                    : open_paths(rows, (const char *const *)paths, count, error);
    }
    for (size_t i = 0; i < MOST_FILES; i++) free(paths[i]);
    return status;
}

duet_status duet_cifar_open(duet_rows rows[2], const char *path, const duet_data_options *options, duet_error *error)
{
    DUET_TRY(open_split(&rows[DUET_TRAIN], path, 1, error));
    if (rows[DUET_TRAIN].source == NULL && !options->for_use)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: holds test_batch.bin and no data_batch_1.bin, so that there is nothing to learn from: "
                         "get it again; to judge by what it holds, name it as --data of a command that uses a run",
                         path);
    return open_split(&rows[DUET_TEST], path, 0, error);
}
