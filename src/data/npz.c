/* SPDX-License-Identifier: MIT */
/* .npz, numpy's archive of arrays: a zip file of .npy members, whose names tell which is what, as files' names do in a
 * folder. A member that is stored as it is, not deflated, is read where it lies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/status.h"
#include "base/text.h"
#include "data/among.h"
#include "data/archive.h"
#include "data/class_names.h"
#include "data/columns.h"
#include "data/data.h"
#include "data/npy.h"

enum { LOCAL_HEADER = 30, MOST_AFTER = 24 /* bytes of a data descriptor behind a member */ };

typedef duet_archive_member_row member;

static unsigned word(const unsigned char *bytes, size_t count)
{
    unsigned value = 0;
    for (size_t i = 0; i < count; i++) value |= (unsigned)bytes[i] << 8 * i;
    return value;
}

/* Where the member's local header begins (APPNOTE.TXT 4.3.7): at `from`, or a few bytes behind, where a descriptor of
 * the member before may lie. SIZE_MAX: not there. Fills in `header`. */
static size_t find_header(FILE *file, size_t from, const char *name, unsigned char header[LOCAL_HEADER])
{
    unsigned char bytes[MOST_AFTER + LOCAL_HEADER + 256];
    size_t length = strlen(name);
    if (fseeko(file, (off_t)from, SEEK_SET) != 0) return SIZE_MAX;
    size_t got = fread(bytes, 1, sizeof bytes, file);
    for (size_t i = 0; i <= MOST_AFTER && i + LOCAL_HEADER + length <= got; i++) {
        const unsigned char *at = bytes + i;
        if (word(at, 4) != 0x04034b50 || word(at + 26, 2) != length || memcmp(at + LOCAL_HEADER, name, length) != 0)
            continue;
        memcpy(header, at, LOCAL_HEADER);
        return from + i;
    }
    return SIZE_MAX;
}

/* The CRC-32 that the header states, or, where that was not known yet, the descriptor behind the bytes (4.3.9), which
 * may begin with a signature. */
static void find_sum(FILE *file, const unsigned char header[LOCAL_HEADER], member *it)
{
    unsigned char bytes[12];
    const bool behind = (word(header + 6, 2) & 8) != 0;
    it->sum = word(header + 14, 4);
    it->summed = !behind;
    if (!behind || fseeko(file, (off_t)(it->start + it->size), SEEK_SET) != 0 ||
        fread(bytes, 1, sizeof bytes, file) != sizeof bytes)
        return;
    const unsigned char *at = word(bytes, 4) == 0x08074b50 ? bytes + 4 : bytes;
    it->sum = word(at, 4);
    it->summed = word(at + 4, 4) == (uint32_t)it->size;
}

/* Finds the members that lie as they are, from the first on as long as each begins where the one before ends. What is
 * not found is read through libarchive. */
static void find_starts(duet_archive_list *all, const char *path)
{
    const char *fault;
    FILE *file = duet_file_open(path, &fault);
    unsigned char header[LOCAL_HEADER];
    for (size_t i = 0, at = 0; file != NULL && i < all->count; i++) {
        member *it = &all->members[i];
        size_t found = find_header(file, at, it->name, header);
        const bool encrypted = found != SIZE_MAX && (word(header + 6, 2) & 1) != 0;
        if (found == SIZE_MAX || encrypted || word(header + 8, 2) != 0) break;
        it->start = found + LOCAL_HEADER + word(header + 26, 2) + word(header + 28, 2);
        find_sum(file, header, it);
        at = it->start + it->size;
    }
    if (file != NULL) (void)fclose(file);
}

static duet_status open_stream(duet_stream *stream, const char *path, const member *it, duet_error *error)
{
    char name[512];
    (void)snprintf(name, sizeof name, "%.300s: %.200s", path, it->name);
    if (it->start > 0) {
        DUET_TRY(duet_stream_open_part(stream, path, name, it->start, it->size, error));
        stream->summed = it->summed;
        stream->sum = it->sum;
        return DUET_OK;
    }
    return duet_stream_open_member(stream, path, it->position, name, it->size, error);
}

/* A member all of whose bytes are looked at; those of examples are by their own checksum. */
static duet_status open_checked(duet_stream *stream, const char *path, const member *it, duet_error *error)
{
    uint32_t sum;
    DUET_TRY(open_stream(stream, path, it, error));
    if (!stream->summed) return DUET_OK;
    duet_status status = duet_stream_sum(stream, 0, stream->length, &sum, error);
    if (status == DUET_OK) status = duet_stream_check_sum(stream, sum, error);
    if (status == DUET_OK) status = duet_stream_seek(stream, 0, error);
    if (status != DUET_OK) duet_stream_close(stream);
    return status;
}

static duet_status open_labels(duet_rows *rows, const char *path, const member *it, duet_error *error)
{
    duet_stream stream = {0};
    DUET_TRY(open_checked(&stream, path, it, error));
    return duet_rows_open_stream(rows, &stream, NULL, error);
}

static duet_status open_examples(duet_rows *rows, const char *path, const member *it, duet_error *error)
{
    duet_stream stream = {0};
    uint32_t sum;
    DUET_TRY(open_stream(&stream, path, it, error));
    DUET_TRY(duet_rows_open_stream(rows, &stream, NULL, error));
    return it->summed ? duet_rows_checksum(rows, &sum, error) : DUET_OK;
}

/* Which member is what. */
typedef struct places {
    const member *examples[2], *labels[2], *class_names, *column_names, *made_of;
    size_t left_out;
    const char *first_out; /* of these by its name */
} places;

static duet_status put(const member **place, const member *it, const char *path, duet_error *error)
{
    if (*place != NULL)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: both %s and %s could be the same part of a data set; names such as train_images, "
                         "train_labels, test_images and test_labels are expected",
                         path, (*place)->name, it->name);
    *place = it;
    return DUET_OK;
}

static duet_status find_places(places *found, const duet_archive_list *all, const char *path, bool for_use,
                               duet_error *error)
{
    for (size_t i = 0; i < all->count; i++) {
        const member *it = &all->members[i];
        duet_split split;
        bool labels;
        if (strcmp(it->name, "class_names.npy") == 0) {
            found->class_names = it;
        } else if (strcmp(it->name, "column_names.npy") == 0) {
            found->column_names = it;
        } else if (strcmp(it->name, DUET_MADE_OF) == 0) {
            found->made_of = it;
        } else if (duet_data_name_is(it->name, false, &split, &labels)) {
            DUET_TRY(put(labels ? &found->labels[split] : &found->examples[split], it, path, error));
        } else {
            if (found->left_out++ == 0 || strcmp(it->name, found->first_out) < 0) found->first_out = it->name;
        }
    }
    if (found->examples[DUET_TRAIN] != NULL || (for_use && found->examples[DUET_TEST] != NULL)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: holds no training examples: names such as train_images, train_labels, test_images and "
                     "test_labels are expected%s%s",
                     path, all->count > 0 ? "; it holds " : "", all->count > 0 ? all->members[0].name : "");
}

/* Labels that are numbers get the names that the file gives to them. */
static duet_status name_classes(duet_rows *rows, const char *path, const member *names, duet_error *error)
{
    duet_stream stream = {0};
    duet_labels *labels = &rows->labels;
    if (labels->values == NULL || names == NULL) return DUET_OK;
    DUET_TRY(open_checked(&stream, path, names, error));
    duet_status status =
        duet_npy_read_texts(&stream, "classes", DUET_MOST_CLASSES, &labels->names, &labels->name_count, error);
    duet_stream_close(&stream);
    for (size_t i = 0; status == DUET_OK && i < rows->count; i++)
        if (labels->values[i] >= labels->name_count)
            return duet_fail(error, DUET_ERROR_DATA, "%s: label %u, but class_names has %zu names", path,
                             labels->values[i], labels->name_count);
    return status;
}

/* Columns have the names that the file gives to them. Other programs' may be of other texts, or one more than there are
 * columns: such are no names, and no reason to do without the examples. */
static duet_status name_columns(duet_rows *rows, const char *path, const member *it, duet_notes *notes,
                                duet_error *error)
{
    duet_stream stream = {0};
    char **names = NULL;
    size_t count = 0;
    if (rows->source == NULL || rows->shape.rank != 1 || it == NULL) return DUET_OK;
    DUET_TRY(open_checked(&stream, path, it, error));
    duet_status status = duet_npy_read_texts(&stream, "columns", rows->row_elements, &names, &count, error);
    if (status == DUET_OK && count != rows->row_elements)
        status =
            duet_fail(error, DUET_ERROR_DATA, "there are %zu column_names of %zu columns", count, rows->row_elements);
    if (status == DUET_OK && (rows->columns = duet_columns_join((const char *const *)names, count)) == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path);
    duet_stream_close(&stream);
    duet_class_names_free(names, count);
    if (status != DUET_ERROR_DATA) return status;
    duet_notes_add(notes, false, "%s: its columns go without names: %s", path, error->message);
    *error = (duet_error){0};
    return DUET_OK;
}

static duet_status read_made_of(duet_rows *rows, const char *path, const member *it, duet_error *error)
{
    duet_stream stream = {0};
    char **names = NULL;
    size_t count = 0;
    if (it == NULL) return DUET_OK;
    DUET_TRY(open_checked(&stream, path, it, error));
    duet_status status = duet_npy_read_texts(&stream, "sources", 1, &names, &count, error);
    duet_stream_close(&stream);
    if (status == DUET_OK && count == 1 && (rows->made_of = strdup(names[0])) == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path);
    duet_class_names_free(names, count);
    return status;
}

static duet_status open_split(duet_rows *rows, const char *path, const places *found, duet_split split,
                              const duet_data_options *options, duet_error *error)
{
    duet_rows labels = {0};
    if (found->examples[split] == NULL) return DUET_OK;
    DUET_TRY(open_examples(rows, path, found->examples[split], error));
    duet_status status = DUET_OK;
    if (found->labels[split] != NULL) status = open_labels(&labels, path, found->labels[split], error);
    if (status == DUET_OK) status = duet_examples_take(rows, &labels, duet_examples_like(options, split), error);
    duet_rows_close(&labels);
    return status == DUET_OK ? name_classes(rows, path, found->class_names, error) : status;
}

duet_status duet_npz_open(duet_rows rows[2], const char *path, const duet_data_options *options, duet_error *error)
{
    duet_archive_list all;
    places found = {{0}};
    duet_status status = duet_archive_list_all(&all, path, false, error);
    if (status == DUET_OK) find_starts(&all, path); /* from one to the next, superseded or not */
    if (status == DUET_OK) status = duet_archive_list_supersede(&all, path, options->notes, error);
    if (status == DUET_OK) status = find_places(&found, &all, path, options->for_use, error);
    for (size_t split = 0; status == DUET_OK && split < 2; split++)
        status = open_split(&rows[split], path, &found, (duet_split)split, options, error);
    const size_t first = rows[DUET_TRAIN].source != NULL ? DUET_TRAIN : DUET_TEST;
    if (status == DUET_OK) status = name_columns(&rows[first], path, found.column_names, options->notes, error);
    if (status == DUET_OK) status = read_made_of(&rows[first], path, found.made_of, error);
    if (status == DUET_OK && found.left_out > 0)
        duet_notes_add(options->notes, false,
                       found.left_out == 1
                           ? "%s: %zu member is neither training nor test examples by its name and is left out: %s"
                           : "%s: %zu members are neither training nor test examples by their names and are left "
                             "out, such as %s",
                       path, found.left_out, found.first_out);
    duet_archive_list_free(&all);
    return status;
}

/* Arrays and pictures of an archive in any order. Damage is told of by what reads it; what cannot be read may be read
 * then, and this not be known. */
static void look_through(const char *path, duet_among *among, bool *arrays, duet_error *fault)
{
    duet_archive_list all;
    duet_error own = {0};
    const duet_status status = duet_archive_list_all(&all, path, false, &own);
    if (status == DUET_ERROR_FILE) (void)duet_fail(fault, status, "%s", own.message);
    (void)duet_archive_list_supersede(&all, path, NULL, NULL);
    for (size_t i = 0; i < all.count; i++) {
        const char *name = all.members[i].name;
        const size_t length = strlen(name);
        *arrays |= length > 4 && strcmp(name + length - 4, ".npy") == 0;
        duet_among_add(among, name);
    }
    duet_archive_list_free(&all);
}

bool duet_npz_fits(const char *path, bool is_folder, duet_error *fault)
{
    duet_among among = {0};
    bool arrays = false;
    const size_t length = strlen(path);
    if (is_folder || !duet_archive_is(path) || access(path, R_OK) != 0) return false;
    const bool named = length > 4 && strcmp(path + length - 4, ".npz") == 0;
    if (!named) look_through(path, &among, &arrays, fault);
    return named || (arrays && !duet_among_are_pictures(&among));
}
