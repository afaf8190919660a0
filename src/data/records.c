/* SPDX-License-Identifier: MIT */
/* A quote opens a field only where the field begins, so that those in the middle of a word are letters. */
#include "data/records.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/status.h"

enum { LONGEST_LINE = 64 << 20 };

static const char separators[] = ",;\t", mark[] = "\xEF\xBB\xBF"; /* of UTF-8, which some programs write in front */

/* The next byte; -1 at the end, -2 after an error. */
static int next_byte(duet_records *it, duet_error *error)
{
    if (it->used == it->filled) {
        it->used = 0;
        if (duet_stream_read_some(it->stream, it->buffer, sizeof it->buffer, &it->filled, error) != DUET_OK) return -2;
        bool more;
        if (it->filled == 0) return duet_stream_more(it->stream, it->stream->place, &more, error) == DUET_OK ? -1 : -2;
    }
    return it->buffer[it->used++];
}

static bool keep(duet_records *it, size_t *length, char c)
{
    if (*length + 1 >= it->line_capacity) {
        size_t larger = it->line_capacity == 0 ? 256 : 2 * it->line_capacity;
        char *line = larger > LONGEST_LINE ? NULL : realloc(it->line, larger);
        if (line == NULL) return false;
        it->line = line;
        it->line_capacity = larger;
    }
    it->line[(*length)++] = c;
    return true;
}

/* A carriage return ends a line, with a line feed behind it or, as old programs write it, alone. */
static int end_of_line(duet_records *it, duet_error *error)
{
    int next = next_byte(it, error);
    if (next == -2) return next;
    if (next != -1 && next != '\n') it->used--;
    return '\n';
}

/* Where in its fields a record is. */
typedef struct place {
    bool begins, quoted, closed; /* a field begins; within quotes; right behind one that closes them, or doubles */
} place;

static void move(place *at, char c, char separator)
{
    if (at->quoted) {
        at->closed = c == '"';
        at->quoted = !at->closed;
        return;
    }
    at->quoted = c == '"' && (at->begins || at->closed);
    at->closed = false;
    bool separates = c == separator || (separator == '\0' && strchr(separators, c) != NULL);
    at->begins = separates || (at->begins && c == ' ');
}

/* Up to the end of a line that is not within quotes; length 0 at the end of the text. */
static duet_status read_line(duet_records *it, size_t *length, duet_error *error)
{
    place at = {.begins = true};
    *length = 0;
    it->number = it->lines + 1;
    it->empty = 0;
    for (int c; (c = next_byte(it, error)) != -1;) {
        if (c == '\r') c = end_of_line(it, error);
        if (c == -2) return error != NULL ? error->status : DUET_ERROR_FILE;
        it->lines += c == '\n';
        if (c == 0)
            return duet_fail(
                error, DUET_ERROR_DATA, "%s: is no text: there is a zero byte in line %zu%s", it->path, it->lines + 1,
                it->lines > 0 ? ""
                              : "; if it is UTF-16, save it as UTF-8 (such as iconv -f utf-16 -t utf-8 OLD "
                                "> NEW)");
        if (c == '\n' && *length == 0) {
            it->empty = it->lines;
            it->number = it->lines + 1;
            continue;
        }
        if (c == '\n' && !at.quoted) break;
        move(&at, (char)c, it->separator);
        if (!keep(it, length, (char)c))
            return duet_fail(error, DUET_ERROR_DATA, "%s: line %zu is longer than %d MiB", it->path, it->number,
                             LONGEST_LINE >> 20);
        if (it->separator == '\0' && *length == sizeof mark - 1 && memcmp(it->line, mark, *length) == 0) {
            at = (place){.begins = true};
            *length = 0;
        }
    }
    if (*length > 0) it->line[*length] = '\0';
    return DUET_OK;
}

/* Without the spaces around it. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) text++;
    for (size_t length = strlen(text); length > 0 && isspace((unsigned char)text[length - 1]);) text[--length] = '\0';
    return text;
}

/* Takes a field that begins at `from`, in quotes or not, and returns where the next one begins; NULL: it was the last.
 * Two quotes within quotes are one. */
static char *cut_field(char *from, char separator, char **field, bool *sound)
{
    char *start = from + strspn(from, " "), *to, *end;
    *sound = true;
    if (*start != '"') {
        end = strchr(from, separator);
        if (end != NULL) *end = '\0';
        *field = trim(from);
        return end == NULL ? NULL : end + 1;
    }
    *field = to = ++start;
    for (; *start != '\0' && (*start != '"' || start[1] == '"'); start++) {
        if (*start == '"') start++;
        *to++ = *start;
    }
    *sound = *start == '"';
    end = *sound ? start + 1 + strspn(start + 1, " ") : start;
    *sound = *sound && (*end == separator || *end == '\0');
    bool last = *end == '\0';
    *to = '\0';
    return last || !*sound ? NULL : end + 1;
}

static duet_status cut(duet_records *it, duet_error *error)
{
    bool sound = true;
    it->count = 0;
    for (char *at = it->line; at != NULL;) {
        if (!duet_array_grow(&it->fields, it->count, &it->field_capacity, sizeof *it->fields))
            return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", it->path);
        at = cut_field(at, it->separator, &it->fields[it->count++], &sound);
    }
    if (sound) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "%s, line %zu: a quote that is not closed, or text behind one%s", it->path,
                     it->number,
                     it->lone ? "; columns are expected to be separated by a comma, a semicolon or a tab: R's "
                                "write.table does so with sep = \",\", row.names = FALSE"
                              : "");
}

/* *none: there is none. */
static char find_separator(const char *line, bool *none)
{
    char best = ',';
    size_t most = 0;
    for (const char *c = separators; *c != '\0'; c++) {
        size_t count = 0;
        place within = {.begins = true};
        for (const char *at = line; *at != '\0'; at++) {
            count += !within.quoted && *at == *c;
            move(&within, *at, '\0');
        }
        if (count > most) {
            most = count;
            best = *c;
        }
    }
    *none = most == 0;
    return best;
}

duet_status duet_records_next(duet_records *it, bool *more, duet_error *error)
{
    size_t length;
    DUET_TRY(read_line(it, &length, error));
    *more = length > 0;
    if (!*more) return DUET_OK;
    if (it->separator == '\0') it->separator = find_separator(it->line, &it->lone);
    return cut(it, error);
}

void duet_records_free(duet_records *it)
{
    free(it->line);
    free(it->fields);
}
