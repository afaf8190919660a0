/* SPDX-License-Identifier: MIT */
/* What run.json says of the data that a run is trained on. */
#ifndef DUET_SRC_RUN_DATA_RECORD_H
#define DUET_SRC_RUN_DATA_RECORD_H

#include <jansson.h>

#include "data/class_names.h"
#include "data/known.h"

typedef struct duet_data_record {
    duet_data_info info;    /* texts are the document's; what it does not say is zeroed */
    const char **names;     /* info.class_names */
    char *columns;          /* info.columns */
    size_t class_counts[DUET_MOST_CLASSES]; /* training examples of each class; all 0: it does not say */
    duet_division division; /* of a set without test examples whose name does not say it */
    bool bytes;             /* its values count as bytes: those of older records do wherever they lie in [0, 1] */
    bool is_whole;          /* it says all that a model asks of its data; older records do not */
} duet_data_record;

/** `name`: that of the set or an absolute path; `bytes`: whether the model takes its values for bytes; class_counts:
 *  training examples of each class (NULL, or all 0: nobody knows). */
json_t *duet_data_record_make(const duet_data_info *info, const char *name, bool bytes, const size_t *class_counts);
/** Reads it back. Returns the first key that is missing or of another type; NULL: it is sound. Free with
 *  duet_data_record_free, also if it is not. */
const char *duet_data_record_read(duet_data_record *record, const json_t *object);
void duet_data_record_free(duet_data_record *record);

/** DUET_ERROR_DATA unless examples of `data` have the shape and the range of those of the record: a model reads and
 *  writes its outputs by both. `run`: whose record it is. */
duet_status duet_data_record_fits(const duet_data_record *record, const char *run, const duet_data_info *data,
                                  duet_error *error);

/** How data that do not fit may come to: "; NAME:channels=first turns them round". "" if nobody knows a way. */
void duet_data_record_way(const duet_data_info *known, const duet_data_info *data, char *way, size_t size);

/** Data for use: those of `name`, which must fit; NULL: those of the record, which are looked for when they are asked
 *  for. Errors of that name `run`. */
duet_status duet_data_record_open(const duet_data_record *record, const char *run, const char *name, duet_data **data,
                                  duet_error *error);
/** Whether open data are those of the record; else `words` says what differs. Reads through data of which the record
 *  has a checksum. */
duet_status duet_data_record_compare(const duet_data_record *record, duet_data *data, bool *same,
                                     char words[DUET_DIFFERENCE_SIZE], duet_error *error);

#endif
