/* SPDX-License-Identifier: MIT */
/* A path with what is said of it behind a colon, as in "photos:size=64x64": one text that a run can record. */
#ifndef DUET_SRC_DATA_OPTIONS_H
#define DUET_SRC_DATA_OPTIONS_H

#include "data/notes.h"
#include "duet/data.h"

typedef enum duet_choice_of_channels { DUET_CHANNELS_UNSAID, DUET_CHANNELS_FIRST, DUET_CHANNELS_LAST } duet_channels;
typedef enum duet_choice_of_alpha { DUET_ALPHA_UNSAID, DUET_ALPHA_WHITE, DUET_ALPHA_KEEP } duet_alpha;
typedef enum duet_choice_of_values { DUET_VALUES_UNSAID, DUET_VALUES_BYTES, DUET_VALUES_NUMBERS } duet_values;

typedef struct duet_data_options {
    char *name, *path;    /* as it was given, and what of it is in front of the colon */
    size_t height, width; /* size=HxW; 0: not given */
    char *labels;         /* labels=FILE, or the column of a CSV file; NULL: not given */
    char *column;         /* column=NAME: that of the labels in a CSV file, which is labels=FILE if that is given */
    duet_channels channels;
    duet_alpha alpha;
    duet_values values;
    duet_division division; /* split=last or split=shuffled */
    bool division_said;     /* by the name, not by what opens it */
    bool only_labels;       /* of a file of labels: other columns do not matter */
    const char *features;   /* the same: columns of the examples, a line each; NULL: those have no names */
    size_t key;             /* the same: the column whose cells name the pictures, counted from 1; 0: none is known */
    bool may_lack;          /* of test examples: they may be without the column of labels that is named */
    bool for_use;           /* examples are looked at, not learnt from: one will do, and test examples alone */
    bool trusted;           /* known examples, as of a named set, which are not looked through for copies */
    bool own;               /* held by a program, to which nothing can be said behind a colon */
    duet_notes *notes;      /* where to say what is not an error; never NULL while a set is opened */
} duet_data_options;

/** Reads "PATH" or "PATH:key=value,key=value". A path that is there as it stands has no options. DUET_ERROR_USAGE for a
 *  value that does not fit its key. Free with duet_data_options_free. */
duet_status duet_data_options_read(duet_data_options *options, const char *name, duet_error *error);
void duet_data_options_free(duet_data_options *options);
/** What is said behind the path of such a name, from the colon on; "": nothing. */
const char *duet_data_name_said(const char *name);
/** The same name with absolute paths, which means the same from every folder; `is_set`: it begins with a set's name,
 *  which stays. The caller frees it; NULL: out of memory. */
char *duet_data_name_absolute(const char *name, bool is_set);

#endif
