/* SPDX-License-Identifier: MIT */
/* Nothing is kept but the document itself: that it is NULL is the note that something was lost. */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void duet_json_keep(json_t **made, bool whole)
{
    if (whole) return;
    json_decref(*made);
    *made = NULL;
}

void duet_json_set(json_t **made, const char *key, json_t *value)
{
    duet_json_keep(made, json_object_set_new(*made, key, value) == 0);
}

void duet_json_append(json_t **made, json_t *value)
{
    duet_json_keep(made, json_array_append_new(*made, value) == 0);
}

void duet_json_join(json_t **made, json_t *more)
{
    duet_json_keep(made, more != NULL && json_object_update(*made, more) == 0);
    json_decref(more);
}

json_t *duet_json_text(const char *text, size_t length)
{
    errno = 0;
    json_t *value = json_stringn(text, length);
    return value == NULL && errno != ENOMEM ? json_null() : value;
}

/* What is written so far. That a piece did not fit sticks, as jansson does not ask of each. */
typedef struct page {
    char *text;
    size_t length, room;
    bool failed;
} page;

static int take(const char *piece, size_t size, void *to)
{
    page *it = to;
    if (!it->failed && it->room - it->length <= size) {
        char *more = realloc(it->text, 2 * it->room + size + 256);
        it->failed = more == NULL;
        it->text = it->failed ? it->text : more;
        it->room = it->failed ? it->room : 2 * it->room + size + 256;
    }
    if (it->failed) return -1;
    memcpy(it->text + it->length, piece, size);
    it->length += size;
    return 0;
}

char *duet_json_write(const json_t *document, size_t flags)
{
    page it = {0};
    if (json_dump_callback(document, take, &it, flags) == 0 && take("", 1, &it) == 0) return it.text;
    free(it.text);
    return NULL;
}

/* Where jansson's reader gets no memory for a byte of a string or a number, it goes on without that byte, and errno
 * alone tells, until the end of the next number sets it anew. So what may end one is never given together with what is
 * before it, and nothing more is given once an allocation has failed, which is noted then: that ends a number too. */

typedef struct source {
    const char *at, *end;
    FILE *file;
    bool lacks;
} source;

static bool is_short(source *from)
{
    from->lacks |= errno == ENOMEM;
    return from->lacks;
}

static bool ends_token(unsigned char byte)
{
    return byte == ',' || byte == ':' || byte == ']' || byte == '}' || byte <= ' ';
}

static size_t give(void *to, size_t room, void *from)
{
    source *rest = from;
    size_t length = 0;
    if (is_short(rest) || rest->at == rest->end) return 0;
    do {
        length++;
    } while (length < room && rest->at + length < rest->end && !ends_token((unsigned char)rest->at[length]));
    memcpy(to, rest->at, length);
    rest->at += length;
    return length;
}

static size_t give_of_file(void *to, size_t room, void *from)
{
    (void)room;
    const int byte = is_short(from) ? EOF : fgetc(((source *)from)->file);
    *(char *)to = (char)byte;
    return byte != EOF;
}

static json_t *read_from(source *from, size_t flags, json_error_t *fault)
{
    errno = 0;
    json_t *read = json_load_callback(from->file == NULL ? give : give_of_file, from, flags, fault);
    if (!is_short(from)) return read;
    json_decref(read);
    if (fault != NULL) snprintf(fault->text, sizeof fault->text - 1, "out of memory");
    errno = ENOMEM;
    return NULL;
}

/* malloc may leave ENOMEM where it found memory after all: none where it looked first, as among huge pages. There is
 * some by the next reading. */
static bool is_read_again(const json_t *read, size_t readings)
{
    enum { MOST_READINGS = 4 };
    return readings == 0 || (readings < MOST_READINGS && read == NULL && errno == ENOMEM);
}

json_t *duet_json_read(const char *text, size_t length, size_t flags, json_error_t *fault)
{
    json_t *read = NULL;
    for (size_t i = 0; is_read_again(read, i); i++) {
        source rest = {.at = text, .end = text + length};
        read = read_from(&rest, flags, fault);
    }
    return read;
}

json_t *duet_json_read_file(FILE *file, size_t flags, json_error_t *fault)
{
    const long start = ftell(file);
    json_t *read = NULL;
    for (size_t i = 0; is_read_again(read, i); i++) {
        if (i > 0 && (start < 0 || fseek(file, start, SEEK_SET) != 0)) {
            errno = ENOMEM;
            return NULL;
        }
        source rest = {.file = file};
        read = read_from(&rest, flags, fault);
    }
    return read;
}
