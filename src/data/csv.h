/* SPDX-License-Identifier: MIT */
/* A CSV file on its way in: its columns, the record that was read last, and what those before gave. */
#ifndef DUET_SRC_DATA_CSV_H
#define DUET_SRC_DATA_CSV_H

#include "data/numbering.h"
#include "data/records.h"
#include "data/rows.h"

enum { DUET_CSV_NONE = -1 };

/** How the numbers of a column are written: whole ones below 1,000, and such as 1.636, which may be 1,636; as True and
 *  False, which then all of them are. */
typedef struct duet_csv_points {
    size_t small, marked, truths;
} duet_csv_points;

/** What a column of a file of labels holds so far. */
typedef struct duet_csv_content {
    duet_numbering numbers;
    bool parts, varies; /* words such as train and test; not all are the same */
    uint64_t first;     /* a print of the first */
} duet_csv_content;

typedef struct duet_csv {
    duet_records records;
    const duet_data_options *options;
    const char *path;
    char **names; /* of the columns */
    size_t columns;
    size_t ends;     /* separators that the first line ends in, behind which no line has anything */
    bool ahead;      /* the record after the first line is read already */
    bool hashed;     /* the first line began with "#", as a comment does */
    bool replaced;   /* the labels of the column `label` give way to those of a file */
    long label, key; /* the columns of labels, and of what names the examples of a file of labels; DUET_CSV_NONE */
    duet_reach *ranges;
    duet_csv_points *points;
    float *values;
    size_t count, capacity; /* of values */
    size_t *classes;        /* by row, numbers of `words` */
    char **keys;            /* by row */
    size_t rows, class_capacity, key_count, key_capacity;
    bool *hot; /* [columns] of a file of labels: those of which each line has one 1, or any holds the labels; or NULL */
    duet_csv_content *contents; /* [columns] of a file of labels, or NULL */
    char **words;
    size_t word_count, word_capacity;
} duet_csv;

duet_status duet_csv_fail_memory(const duet_csv *it, duet_error *error);
/** The column of that name, else the first that is called so but for capitals; DUET_CSV_NONE. */
long duet_csv_column(const duet_csv *it, const char *name);
/** Whether a column is called as labels are by custom. */
bool duet_csv_is_label_name(const char *name);
/** Whether a column may be called so that holds labels; it is not taken for them without being asked for. */
bool duet_csv_may_be_label_name(const char *name);
/** The first column that is called as labels are, by the order of these names; DUET_CSV_NONE. */
long duet_csv_find_label(const duet_csv *it);
/** How likely a column of that name names the example of each line; 0: it does not. */
size_t duet_csv_key_rank(const char *name);
/** Whether a column is called as what tells examples apart: "id", "PatientID", "customer_id", not "humid". */
bool duet_csv_is_id_name(const char *name);
/** Whether a column is called as what says which examples are for the test. */
bool duet_csv_is_part_name(const char *name);
/** Whether it is a file of labels, whose other columns do not matter. */
bool duet_csv_only_labels(const duet_csv *it);
/** The column of labels that the options name, or a file that they do; NULL: none. */
const char *duet_csv_asked(const duet_csv *it);
/** Finds the column of labels by the names of all, if they say it. DUET_ERROR_DATA: it has not the one asked for. */
duet_status duet_csv_find_labels(duet_csv *it, duet_error *error);
/** Takes the label of the record that was read last. */
duet_status duet_csv_add_label(duet_csv *it, char *text, duet_error *error);
/** The same in a file of labels, with what names the example. DUET_ERROR_DATA: several columns may be the labels. */
duet_status duet_csv_add_label_line(duet_csv *it, duet_error *error);
/** Gives the labels of all records away, and what names the examples of a file of labels. */
duet_status duet_csv_take_labels(duet_csv *it, duet_labels *labels, duet_error *error);
duet_status duet_csv_take_keys(duet_csv *it, duet_rows *rows, duet_error *error);
/** Looks at what a line of labels has beside them. */
duet_status duet_csv_watch_line(duet_csv *it, duet_error *error);
/** The column that numbers the lines of a file of labels, each once, and not in their order; DUET_CSV_NONE. */
long duet_csv_find_shuffled(const duet_csv *it);
/** The column that says of which part each example is, where they are of several; DUET_CSV_NONE. */
long duet_csv_find_parts(const duet_csv *it);
/** Spaces in the place of ends of lines. */
void duet_csv_make_one_line(char *text);
/** True or False, as pandas and R write 1 and 0, in capitals or not. */
bool duet_csv_is_truth(const char *text, bool *truth);
/** Words that programs write for what they do not know. */
bool duet_csv_is_missing(const char *text);

/** DUET_ERROR_DATA for a field of the record that is no number, or no label, with its remedy. */
duet_status duet_csv_fail_cell(const duet_csv *it, size_t column, const char *text, duet_error *error);
/** The same for a record of more or fewer fields than there are columns. */
duet_status duet_csv_fail_width(const duet_csv *it, duet_error *error);

/** The same for a first line of numbers, where the names of the columns are expected. */
duet_status duet_csv_fail_names(const duet_csv *it, duet_error *error);

/** The same for a first line of a file of labels that names a picture in that column. */
duet_status duet_csv_fail_example(const duet_csv *it, size_t column, duet_error *error);

/** DUET_ERROR_DATA for a name of a column of numbers that is not UTF-8: a run could not keep it as text. */
duet_status duet_csv_check_names(const duet_csv *it, duet_error *error);

/** Whether a file is known as CSV, by its name. */
bool duet_csv_is_file_name(const char *path);
/** The column of a file of labels whose cells name the pictures of both splits, whatever it is called, counted from 1;
 *  0: none does. `label`: the column of labels, or NULL. What cannot be read is told of by what reads it. */
duet_status duet_csv_find_key(const char *path, const duet_rows pictures[2], const char *label, size_t *key,
                              duet_error *error);

/** Whether a set is made of text files of which the first has a column of that name. */
bool duet_csv_has_column(const char *path, const char *name);

/** Digits behind up to three others in groups of three: whole thousands as some countries write them. *marks: how many
 *  groups. */
bool duet_csv_has_thousands(const char *text, char mark, size_t *marks);

/** Says what is odd about the first line: numbers in it, several columns that are called like labels. */
void duet_csv_tell_of_names(const duet_csv *it);
/** Says what is odd about the rows: numbers that float32 does not tell apart, marks of thousands, words that are no
 *  labels. Returns whether it said that of float32. */
bool duet_csv_tell_of_rows(const duet_csv *it);

#endif
