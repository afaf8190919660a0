/* SPDX-License-Identifier: MIT */
/* Records of a text (RFC 4180): lines cut into fields, which may hold separators and ends of lines within quotes. */
#ifndef DUET_SRC_DATA_RECORDS_H
#define DUET_SRC_DATA_RECORDS_H

#include "data/stream.h"

/** Where reading is, and the record that was read last. Zero it, and set the stream and what messages name. */
typedef struct duet_records {
    duet_stream *stream;
    const char *path;
    char separator; /* the one of , ; tab that the first record has most of; 0: that is not read yet */
    bool lone;      /* that record has none of them */
    char **fields;  /* of the record, without the spaces around those that are not in quotes */
    size_t count;
    size_t number; /* of the line that it begins with, from 1 on */
    size_t empty;  /* the last line before it without anything in it; 0: none */
    size_t lines, field_capacity, line_capacity, filled, used;
    char *line; /* with NULs between its fields */
    unsigned char buffer[64 * 1024];
} duet_records;

/** The next record that is not empty; *more: there is one. Errors: those of reading, DUET_ERROR_DATA for what is no
 *  text or has a quote that is not closed. */
duet_status duet_records_next(duet_records *it, bool *more, duet_error *error);
void duet_records_free(duet_records *it);

#endif
