/* SPDX-License-Identifier: MIT */
/* A set as one .npz file: a zip file whose members are stored as they are, which numpy reads too. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "base/status.h"
#include "data/data.h"
#include "data/known.h"
#include "data/npy.h"

enum { PIECE_BYTES = 1 << 20 };

/* A file on its way. */
typedef struct writing {
    duet_file file;
    struct archive *archive;
    const char *path;
} writing;

static duet_status fail(const writing *it, duet_error *error)
{
    const char *words = it->archive == NULL ? NULL : archive_error_string(it->archive);
    const int code = it->archive == NULL ? 0 : archive_errno(it->archive); /* of the system, or none of its numbers */
    if (code == ENOSPC || code == EDQUOT || code == EFBIG || code == EIO) words = strerror(code);
    return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be written: %s", it->path,
                     words != NULL ? words : "out of memory");
}

static duet_status write_bytes(const writing *it, const void *bytes, size_t count, duet_error *error)
{
    return archive_write_data(it->archive, bytes, count) == (la_ssize_t)count ? DUET_OK : fail(it, error);
}

/* Begins the member `name` with an array's header; its bytes follow. */
static duet_status begin_array(const writing *it, const char *name, const char *type, duet_shape shape, size_t bytes,
                               duet_error *error)
{
    unsigned char header[DUET_NPY_HEADER];
    size_t length = duet_npy_header(header, type, shape);
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL) return fail(it, error);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)(length + bytes));
    archive_entry_set_mtime(entry, 0, 0);
    int code = archive_write_header(it->archive, entry);
    archive_entry_free(entry);
    return code == ARCHIVE_OK ? write_bytes(it, header, length, error) : fail(it, error);
}

static duet_status write_rows(const writing *it, duet_data_part *part, size_t row_bytes, duet_error *error)
{
    size_t piece = row_bytes < PIECE_BYTES ? PIECE_BYTES / row_bytes : 1;
    void *bytes = calloc(piece, row_bytes);
    duet_status status =
        bytes == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for rows", it->path) : DUET_OK;
    for (size_t row = 0; status == DUET_OK && row < part->count; row += piece) {
        size_t count = part->count - row < piece ? part->count - row : piece;
        status = duet_rows_read(&part->rows, part->first + row, count, bytes, error);
        if (status == DUET_OK) status = write_bytes(it, bytes, count * row_bytes, error);
    }
    free(bytes);
    return status;
}

static duet_status write_split(const writing *it, duet_data *data, duet_split split, duet_error *error)
{
    static const char *const names[] = {"train", "test"};
    duet_data_part *part = &data->parts[split];
    bool is_bytes = data->info.type == DUET_UINT8;
    char name[64];
    duet_shape shape = {.rank = part->rows.shape.rank + 1, .dims = {part->count}};
    memcpy(shape.dims + 1, part->rows.shape.dims, part->rows.shape.rank * sizeof *shape.dims);
    size_t row_bytes = part->rows.row_elements * (is_bytes ? 1 : sizeof(float)), bytes;
    if (!duet_size_multiply(row_bytes, part->count, &bytes)) return fail(it, error);
    duet_ahead_end(&part->ahead); /* its thread may be reading the rows */
    (void)snprintf(name, sizeof name, "%s_%s.npy", names[split], data->info.picture ? "images" : "examples");
    DUET_TRY(begin_array(it, name, is_bytes ? "|u1" : "<f4", shape, bytes, error));
    DUET_TRY(write_rows(it, part, row_bytes, error));
    if (part->labels == NULL) return DUET_OK;
    (void)snprintf(name, sizeof name, "%s_labels.npy", names[split]);
    DUET_TRY(begin_array(it, name, "|u1", DUET_SHAPE(part->count), part->count, error));
    return write_bytes(it, part->labels, part->count, error);
}

/* A name in a text, which goes on behind it. */
typedef struct name {
    const char *text;
    size_t length;
} name;

/* Texts of equal length, filled up with zero bytes. */
static duet_status write_names(const writing *it, const char *member, const name *names, size_t count,
                               duet_error *error)
{
    char type[32], padding[DUET_LONGEST_NAME] = "";
    size_t longest = 1;
    for (size_t i = 0; i < count; i++)
        if (names[i].length > longest) longest = names[i].length;
    if (longest > DUET_LONGEST_NAME) longest = DUET_LONGEST_NAME;
    (void)snprintf(type, sizeof type, "|S%zu", longest);
    DUET_TRY(begin_array(it, member, type, DUET_SHAPE(count), longest * count, error));
    for (size_t i = 0; i < count; i++) {
        const size_t length = names[i].length > longest ? longest : names[i].length;
        DUET_TRY(write_bytes(it, names[i].text, length, error));
        if (length < longest) DUET_TRY(write_bytes(it, padding, longest - length, error));
    }
    return DUET_OK;
}

static duet_status write_all_names(const writing *it, const duet_data_info *info, duet_error *error)
{
    const size_t classes = info->class_names != NULL ? info->classes : 0, features = duet_shape_elements(info->shape);
    const char *column = info->columns;
    size_t columns = 0;
    name *names = calloc(classes + features, sizeof *names);
    if (names == NULL) return fail(it, error);
    for (size_t i = 0; i < classes; i++) names[i] = (name){info->class_names[i], strlen(info->class_names[i])};
    duet_status status = classes > 0 ? write_names(it, "class_names.npy", names, classes, error) : DUET_OK;
    for (; column != NULL && *column != '\0' && columns < features; columns++) {
        names[columns] = (name){column, strcspn(column, "\n")};
        column += names[columns].length + (column[names[columns].length] != '\0');
    }
    if (status == DUET_OK && columns > 0) status = write_names(it, "column_names.npy", names, columns, error);
    free(names);
    return status;
}

/* Whether the rows come in another order than those of the set, as where it is divided by chance. */
static bool are_moved(const duet_data *data)
{
    size_t before = 0, done = 0;
    for (size_t split = 0; split < 2; split++)
        for (size_t i = 0; data->parts[split].rows.numbers != NULL && i < data->parts[split].count; i++) {
            const size_t number = data->parts[split].rows.numbers[data->parts[split].first + i];
            if (done++ > 0 && number < before) return true;
            before = number;
        }
    return false;
}

/* Labels in that order would be others' here. */
static duet_status write_made_of(const writing *it, const duet_data *data, duet_error *error)
{
    const char *from = data->made_of, *last;
    if (from == NULL && !are_moved(data)) return DUET_OK;
    if (from == NULL) from = data->source != NULL && data->source[0] != '\0' ? data->source : data->name;
    if ((last = strrchr(from, '/')) != NULL && last[1] != '\0') from = last + 1;
    return write_names(it, DUET_MADE_OF, &(name){from, strlen(from)}, 1, error);
}

static duet_status write_all(writing *it, duet_data *data, duet_error *error)
{
    it->archive = archive_write_new();
    if (it->archive == NULL || archive_write_set_format_zip(it->archive) != ARCHIVE_OK ||
        archive_write_zip_set_compression_store(it->archive) != ARCHIVE_OK ||
        archive_write_open_FILE(it->archive, it->file.stream) != ARCHIVE_OK)
        return fail(it, error);
    for (size_t split = 0; split < 2; split++) DUET_TRY(write_split(it, data, (duet_split)split, error));
    DUET_TRY(write_all_names(it, &data->info, error));
    DUET_TRY(write_made_of(it, data, error));
    return archive_write_close(it->archive) == ARCHIVE_OK ? DUET_OK : fail(it, error);
}

duet_status duet_data_convert(duet_data *data, const char *path, duet_error *error)
{
    writing it = {.path = path};
    DUET_TRY(duet_data_ready(data, error));
    if (data->generated != NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "%s is generated and never ends: it cannot be written", data->name);
    DUET_TRY(duet_file_create(&it.file, path, error));
    duet_status status = write_all(&it, data, error);
    if (it.archive != NULL) (void)archive_write_free(it.archive);
    if (status == DUET_OK) return duet_file_commit(&it.file, error);
    duet_file_discard(&it.file);
    return status;
}
