/* SPDX-License-Identifier: MIT */
/* Keys of a JSON object with the types that they must have. The first one that is missing or of another type is kept,
 * so that many can be read before one look at whether all were sound. */
#ifndef DUET_SRC_RUN_JSON_READER_H
#define DUET_SRC_RUN_JSON_READER_H

#include <jansson.h>

#include "duet/graph.h"

typedef struct duet_json_reader {
    const json_t *object; /* NULL: all keys are missing */
    const char *missing;  /* NULL: none */
} duet_json_reader;

const char *duet_json_reader_text(duet_json_reader *from, const char *key);
uint64_t duet_json_reader_count(duet_json_reader *from, const char *key, bool may_be_null);
bool duet_json_reader_truth(duet_json_reader *from, const char *key);
/** Extents of 1 or more; rank 0 if it is none. */
duet_shape duet_json_reader_shape(duet_json_reader *from, const char *key);
json_t *duet_json_reader_object(duet_json_reader *from, const char *key);

#endif
