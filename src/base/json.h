/* SPDX-License-Identifier: MIT */
/* JSON while memory may be short. What is being made is whole or NULL: a value that cannot be added takes the rest with
 * it, jansson adds nothing to NULL, and NULL is not added to anything, so that one look at the end is enough. */
#ifndef DUET_SRC_BASE_JSON_H
#define DUET_SRC_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/** Add a value, which they take over, to what the caller owns alone. Where that fails, or the value is NULL, what *made
 *  points to is dropped, with all that was borrowed from it, and *made is NULL from then on. */
void duet_json_set(json_t **made, const char *key, json_t *value);
void duet_json_append(json_t **made, json_t *value);
/** Adds all that another object has. */
void duet_json_join(json_t **made, json_t *more);
/** Drops it unless `whole`: for what was changed in a part of it. */
void duet_json_keep(json_t **made, bool whole);
/** A text as a value, null where it is not UTF-8; NULL: out of memory. */
json_t *duet_json_text(const char *text, size_t length);

/** As json_dumps, but whole or NULL too, where jansson leaves out a key for whose text it gets no memory. The caller
 *  frees it. */
char *duet_json_write(const json_t *document, size_t flags);

/** As json_loadb and json_loadf. Where they give NULL for want of memory, which jansson may call a fault of the text,
 *  errno is ENOMEM and `fault`, which may be NULL, says so; else it is another. */
json_t *duet_json_read(const char *text, size_t length, size_t flags, json_error_t *fault);
json_t *duet_json_read_file(FILE *file, size_t flags, json_error_t *fault);

#endif
