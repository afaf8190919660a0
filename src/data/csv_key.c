/* SPDX-License-Identifier: MIT */
/* Which column of a file of labels names the pictures, whatever it is called: the one whose cells most often are their
 * names. Numbers do not count, unless zeros stand in front: an index of the lines fits pictures with numbers in their
 * names, and labels are then those of others without any sign of it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/status.h"
#include "data/csv.h"
#include "data/data.h"
#include "data/picture.h"

/* What the cells of a column name: lines, those of names with an ending, and how many different pictures. */
typedef struct hits {
    size_t lines, whole, different;
    bool is_label, *seen; /* seen: of each picture; NULL: of none */
} hits;

typedef struct search {
    duet_records records;
    duet_stream stream;
    char **names; /* of the pictures, sorted: the last parts of their paths, without endings */
    size_t count;
    hits *hits;
    size_t *ranks, columns;
} search;

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Cuts a path to the last part without its ending, if it has that of a picture. */
static char *shorten(char *path, bool *whole)
{
    char *slash = strrchr(path, '/');
    *whole = duet_picture_name_is(path);
    if (*whole) *strrchr(path, '.') = '\0';
    return slash == NULL ? path : slash + 1;
}

static bool take_names(search *it, const duet_rows pictures[2])
{
    bool whole;
    it->names = calloc(pictures[0].count + pictures[1].count, sizeof *it->names);
    for (size_t split = 0; it->names != NULL && split < 2; split++)
        for (size_t i = 0; i < pictures[split].count; i++) {
            char *path = strdup(duet_rows_name(&pictures[split], i));
            it->names[it->count] = path == NULL ? NULL : strdup(shorten(path, &whole));
            free(path);
            if (it->names[it->count] == NULL) return false;
            it->count++;
        }
    if (it->names != NULL) qsort(it->names, it->count, sizeof *it->names, compare);
    return it->names != NULL;
}

/* The columns by their names, the first line. */
static bool take_columns(search *it, const char *label)
{
    it->columns = it->records.count;
    it->hits = calloc(it->columns, sizeof *it->hits);
    it->ranks = calloc(it->columns, sizeof *it->ranks);
    if (it->hits == NULL || it->ranks == NULL) return false;
    for (size_t i = 0; i < it->columns; i++) {
        const char *name = it->records.fields[i];
        it->hits[i].is_label = label != NULL ? strcasecmp(name, label) == 0 : duet_csv_is_label_name(name);
        it->ranks[i] = duet_csv_key_rank(name);
    }
    return true;
}

/* Zeros in front are of a name: no index has them. */
static bool is_number(const char *text)
{
    double number;
    return !(text[0] == '0' && isdigit((unsigned char)text[1])) && duet_number_read(text, &number);
}

/* False: out of memory. Few columns of many name any picture, so each has its memory when one does. */
static bool look_at_cell(search *it, size_t column, char *text)
{
    bool whole;
    hits *found = &it->hits[column];
    if (found->is_label || text[0] == '\0' || is_number(text)) return true;
    const char *name = shorten(text, &whole);
    char *const *at = bsearch(&name, it->names, it->count, sizeof *it->names, compare);
    if (at == NULL) return true;
    if (found->seen == NULL) found->seen = calloc(it->count, sizeof *found->seen);
    if (found->seen == NULL) return false;
    bool *seen = &found->seen[at - it->names];
    found->lines++;
    found->whole += whole;
    found->different += !*seen;
    return *seen = true;
}

/* Words that repeat are of kinds, as classes are. Of columns that all name pictures here, one whose cells repeat is of
 * what these are related to, as parents are, and one that is called a name by custom is rather theirs. */
static bool is_better(const search *it, size_t column, size_t than)
{
    const hits *one = &it->hits[column], *other = than == 0 ? NULL : &it->hits[than - 1];
    if (one->lines == 0 || (one->whole == 0 && 2 * one->different <= one->lines)) return false;
    if (other == NULL || one->lines != other->lines) return other == NULL || one->lines > other->lines;
    if (one->different != other->different) return one->different > other->different;
    if (it->ranks[column] != it->ranks[than - 1]) return it->ranks[column] > it->ranks[than - 1];
    return one->whole > 0 && other->whole == 0;
}

static duet_status fail_memory(const char *path, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", path);
}

static duet_status look_through(search *it, const char *path, const char *label, duet_error *error)
{
    bool more;
    DUET_TRY(duet_stream_open(&it->stream, path, error));
    it->records.stream = &it->stream;
    it->records.path = path;
    DUET_TRY(duet_records_next(&it->records, &more, error));
    if (!more) return DUET_OK;
    if (!take_columns(it, label)) return fail_memory(path, error);
    for (;;) {
        DUET_TRY(duet_records_next(&it->records, &more, error));
        if (!more) return DUET_OK;
        for (size_t i = 0; i < it->columns && i < it->records.count; i++)
            if (!look_at_cell(it, i, it->records.fields[i])) return fail_memory(path, error);
    }
}

static void search_free(search *it)
{
    duet_stream_close(&it->stream);
    duet_records_free(&it->records);
    for (size_t i = 0; i < it->count; i++) free(it->names[i]);
    for (size_t i = 0; it->hits != NULL && i < it->columns; i++) free(it->hits[i].seen);
    free(it->names);
    free(it->hits);
    free(it->ranks);
    free(it);
}

duet_status duet_csv_find_key(const char *path, const duet_rows pictures[2], const char *label, size_t *key,
                              duet_error *error)
{
    *key = 0;
    if (!duet_csv_is_file_name(path)) return DUET_OK;
    search *it = calloc(1, sizeof *it);
    if (it == NULL) return fail_memory(path, error);
    duet_error own = {0};
    duet_status status = take_names(it, pictures) ? look_through(it, path, label, &own) : fail_memory(path, &own);
    for (size_t i = 0; status == DUET_OK && i < it->columns; i++)
        if (is_better(it, i, *key)) *key = i + 1;
    search_free(it);
    return status == DUET_ERROR_MEMORY ? duet_fail(error, status, "%s", own.message) : DUET_OK;
}
