/* SPDX-License-Identifier: MIT */
/* Many picture files as rows: a list of them, wherever they lie, with the split and the class that their paths say. */
#ifndef DUET_SRC_DATA_PICTURES_H
#define DUET_SRC_DATA_PICTURES_H

#include "data/data.h"

enum { DUET_PICTURE_DEEPEST = 8 /* folders below the set's */ };

typedef struct duet_picture_entry {
    char *name;      /* the path within the folder or archive */
    size_t position; /* of an archive's member: which one it is */
    size_t class;
    bool is_left_out; /* of a split that is not used */
    duet_split split;
} duet_picture_entry;

/** Bytes of a file, in memory that grows and is used again. */
typedef struct duet_file_bytes {
    unsigned char *data;
    size_t length, capacity;
} duet_file_bytes;

typedef struct duet_picture_list duet_picture_list;

/** Where pictures lie. */
typedef struct duet_picture_place {
    /** *reader: what `load` needs; each split has one of its own. NULL: nothing. */
    duet_status (*open)(void **reader, const duet_picture_list *list, duet_error *error);
    /** Reads a file, of which the first `most` bytes are wanted. Quick where entries follow each other in order. */
    duet_status (*load)(void *reader, const duet_picture_list *list, const duet_picture_entry *entry, size_t most,
                        duet_file_bytes *bytes, duet_error *error);
    void (*close)(void *reader);
    bool leaps; /* `load` is as quick in any order */
} duet_picture_place;

struct duet_picture_list {
    size_t users; /* rows that read it */
    char *source; /* the folder or the archive */
    const duet_picture_place *place;
    duet_picture_entry *entries;
    size_t count, capacity;
    size_t *order[2]; /* entries of each split */
    size_t order_count[2];
    char **classes; /* NULL: there are none */
    size_t class_count;
    size_t height, width, channels;
    bool is_archive;        /* the source: a file */
    bool fitted;            /* they are scaled to that size */
    bool deep;              /* one at least has 16 bits a number */
    size_t others, foreign; /* files that are no pictures by their names; pictures of kinds that are not read */
    char *other;            /* of these the one that says most, of equal ones the first by its name */
    int other_rank;         /* how much it says; 0: there is none */
    size_t texts;           /* of the others, texts and what is about a set */
    char *table;            /* a table or a file of labels among them, such as labels.csv; NULL: there is none */
    size_t arrays;          /* others of arrays */
    char *array;            /* the first of them by its name */
    char **folders; /* those in which nothing has been found so far that is something, with a slash behind each */
    size_t folder_count, folder_capacity;
    const char *labels; /* the file that the options name, which is read; NULL: none */
};

/** `labels`: the file that holds the pictures' labels, or NULL. */
duet_picture_list *duet_picture_list_new(const char *source, const duet_picture_place *place, const char *labels,
                                         duet_error *error);
/** One user fewer; the last one frees it. NULL is fine. */
void duet_picture_list_release(duet_picture_list *list);
/** Adds a file if its name is a picture's, and counts it among the others if not. */
duet_status duet_picture_list_add(duet_picture_list *list, const char *name, size_t position, duet_error *error);
/** Notes a folder, whose name ends in a slash: nothing has been found in it so far. */
duet_status duet_picture_list_add_folder(duet_picture_list *list, const char *name, duet_error *error);
/** Room for `more` bytes after those that are there. */
bool duet_file_bytes_grow(duet_file_bytes *bytes, size_t more);
/** Says which split and class each entry is of, from its path. */
duet_status duet_picture_list_sort_out(duet_picture_list *list, const duet_data_options *options, duet_error *error);
/** Whether a word is that of a part of a set, such as train, test or val, in capitals or not. */
bool duet_picture_part_is(const char *word);
/** Opens a list as rows of both splits: all of one size, or fitted. Takes the list, also after an error. */
duet_status duet_pictures_open(duet_rows rows[2], duet_picture_list *list, const duet_data_options *options,
                               duet_error *error);

#endif
