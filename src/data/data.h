/* SPDX-License-Identifier: MIT */
/* Inside an open data set: two splits of files of rows, or a distribution that is drawn from. */
#ifndef DUET_SRC_DATA_DATA_H
#define DUET_SRC_DATA_DATA_H

#include "base/philox.h"
#include "base/status.h"
#include "data/ahead.h"
#include "data/options.h"
#include "data/rows.h"
#include "duet/data.h"

/** Files of a data set by split; NULL where there is none. Without a test file the end of the training file is the test
 *  split. */
typedef struct duet_data_files {
    char *examples[2], *labels[2];
    char *left_out; /* the name of a file for validation, of which nothing is read; NULL: there is none */
    char *passed;   /* the name of a table beside arrays, or of an array beside tables, that may be meant; NULL: none */
    char *unread;   /* what may be the labels of one file by its name, and is not read; NULL: there is none */
} duet_data_files;

/** Whether a file or an array of this name is part of a data set, and which: names tell, in capitals or not. `any`:
 * also where only the name says that it is of a format. Labels always count. */
bool duet_data_name_is(const char *name, bool any, duet_split *split, bool *labels);
/** Whether it is called as an array, of examples or labels or for validation: .npy and IDX's names by custom, such as
 * x-idx3-ubyte or x.idx, compressed or not. */
bool duet_data_array_is(const char *name);
/** Whether it is called as the training examples of a set, as train.npy, x_train.npy, faces-images.npy and IDX files
 *  are, where faces.npy may be anything. */
bool duet_data_name_is_whole(const char *name);
/** Whether it is called as what is made of a set, such as mean.npy or codes-labels.npy. */
bool duet_data_name_is_derived(const char *name);
/** Whether it is called as a part that is not to be learnt from, for the test or for validation; a folder by the very
 *  word, with "set" or without. */
bool duet_data_name_is_part(const char *name, bool is_folder, bool *validation);
/** Fills `files` from a folder (told apart by their names), or from one file and, unless the options name labels, those
 *  beside it. For use a folder may hold the test split alone. The caller frees them with duet_data_files_free, also on
 *  failure. */
duet_status duet_data_files_find(duet_data_files *files, const char *path, const duet_data_options *options,
                                 duet_error *error);
void duet_data_files_free(duet_data_files *files);
/** Says that a file and its gzip beside it, FILE.gz, of which the first is read, do not hold the same. */
void duet_data_tell_of_twin(const char *path, duet_notes *notes);

/** Gives `examples` its labels: those of the file `rows`, one for each. */
duet_status duet_labels_take(duet_rows *examples, duet_rows *rows, duet_error *error);
/** DUET_ERROR_DATA for labels that are not as many as the examples, `count` of one part or of both. */
duet_status duet_labels_fail_count(const duet_rows *labels, const duet_rows *examples, size_t count, duet_error *error);
/** Gives both splits their labels: those of the training examples come first in `rows`. */
duet_status duet_labels_divide(duet_rows examples[2], duet_rows *rows, duet_error *error);
/** Opens a file of labels as rows: of what `of` says its column and notes are heard. `features`: names of the examples'
 *  columns, a line each, or NULL. `key`: the column that names pictures, counted from 1; 0: nobody knows. */
duet_status duet_labels_open(duet_rows *rows, const char *path, const char *features, size_t key,
                             const duet_data_options *of, duet_error *error);
/** What examples of the split are to be like, for messages; NULL: there is nothing yet. */
const char *duet_examples_like(const duet_data_options *options, duet_split split);
/** Checks that rows can be examples, and gives them their labels. `labels`: NULL or not open: there are none. `like`:
 * as above. */
duet_status duet_examples_take(duet_rows *examples, duet_rows *labels, const char *like, duet_error *error);

/** A format of sets: what a path of it holds, as rows with labels of both splits. */
typedef struct duet_set_format {
    const char *name; /* "a folder of pictures" */
    bool (*fits)(const char *path, bool is_folder, duet_error *fault); /* fault->status: it cannot be known */
    /** Without a test part rows[DUET_TEST] stays zeroed. The caller closes both, also on failure. */
    duet_status (*open)(duet_rows rows[2], const char *path, const duet_data_options *options, duet_error *error);
} duet_set_format;

duet_status duet_cifar_open(duet_rows rows[2], const char *path, const duet_data_options *options, duet_error *error);
bool duet_cifar_fits(const char *path, bool is_folder, duet_error *fault);
duet_status duet_npz_open(duet_rows rows[2], const char *path, const duet_data_options *options, duet_error *error);
bool duet_npz_fits(const char *path, bool is_folder, duet_error *fault);
duet_status duet_files_open(duet_rows rows[2], const char *path, const duet_data_options *options, duet_error *error);
duet_status duet_picture_folder_open(duet_rows rows[2], const char *path, const duet_data_options *options,
                                     duet_error *error);
duet_status duet_picture_archive_open(duet_rows rows[2], const char *path, const duet_data_options *options,
                                      duet_error *error);
/** Whether a folder holds a file whose name is that of a part of a set. */
bool duet_files_fit(const char *path, bool is_folder, duet_error *fault);

/** The points of a generated set lie around the centres of its modes, with a deviation. */
typedef struct duet_mixture {
    size_t modes;
    double sigma;
    void (*centre)(size_t mode, double *centre);
    duet_node (*centre_node)(duet_node mode); /* [batch, 1] float32 to [batch, dimensions] */
} duet_mixture;

/** A set that is made, not read: on the device as nodes and on the host by Philox, by the same recipe. */
typedef struct duet_generated {
    const char *name, *summary;
    duet_shape shape;
    bool unit_range;
    size_t classes;
    const char *const *class_names;
    const duet_factor *factors;
    size_t factor_count;
    const duet_mixture *mixture; /* NULL: it is none */
    /** Obeys what follows the colon of "name:options"; NULL: there are no options. */
    duet_status (*choose)(duet_data *data, const char *options, duet_error *error);
    /** [batch, ...shape]: new draws at each tick of the graph's clock. *classes: their numbers, [batch, 1] float32. */
    duet_node (*batch)(const duet_data *data, duet_graph *graph, size_t batch, duet_node *classes);
    /** Draw `index` of a split, which is always the same, and its factors (NULL: not wanted). Returns its class. */
    size_t (*draw)(const duet_data *data, duet_split split, size_t index, float *values, float *factors);
} duet_generated;

extern const duet_generated duet_ring8, duet_grid25, duet_two_peaks, duet_shapes;
/** What all but a few of its values in a million lie between: a distribution has no bounds. */
void duet_generated_range(const duet_generated *set, float *low, float *high);
/** NULL past the end. */
const duet_generated *duet_generated_at(size_t index);
/** The set that `name` names, with options after a colon or without; NULL: there is none. *options: NULL without. */
const duet_generated *duet_generated_find(const char *name, const char **options);
/** Random numbers for what the host draws: block `step` of example `index`. */
duet_philox_block duet_generated_block(duet_split split, size_t index, uint32_t step);

/** The folder that holds fashion-mnist, looked for in $DUET_DATA, then in the system's data folders. The caller frees
 *  it; NULL: not found. *passed_over: what $DUET_DATA says if the set is not there; NULL: it says nothing, or right. */
char *duet_fashion_mnist_find(const char **passed_over);
/** Whether a note of an open set holds these words. */
bool duet_data_has_note(const duet_data *data, const char *words);

/** How to get fashion-mnist. */
extern const char *const duet_fashion_mnist_help;
/** What examples with these training labels are instead, where there are as many as the set has; NULL: nothing else. */
const char *duet_fashion_mnist_doubt(const uint8_t *labels, size_t count);
/** Its ten classes, as its authors name them. */
extern const char *const duet_fashion_mnist_classes[];

/** One split. `rows` is the whole file, of which the split's examples start at `first`. */
typedef struct duet_data_part {
    duet_rows rows;
    size_t first, count;
    uint8_t *labels;                           /* `count` of them; NULL: there are none */
    duet_variable *resident, *resident_labels; /* on the device: the examples, and one-hot labels as bytes */
    duet_ahead *ahead;                         /* reads `rows` ahead for `resident`; NULL: nothing does now */
} duet_data_part;

struct duet_data {
    duet_data_info info;
    char *name, *source;
    const char *format;              /* what the path was taken for; NULL: it is none */
    const duet_generated *generated; /* NULL: files */
    uint16_t *combinations;          /* of factors, those that a generated set draws; NULL: it has none */
    size_t combination_count;
    duet_data_part parts[2];
    bool all_test;  /* all examples are of the test split, and there are no others */
    bool asked;     /* examples are asked of a program's function, and never all at once */
    bool bytes;     /* every value is k / 255, as bytes are; of a set from a record, what that says */
    bool streaming; /* the training split is to be streamed wherever it would fit */
    duet_notes notes;
    char **class_names; /* info.class_names where the set's files say them */
    size_t class_name_count;
    char *columns;     /* info.columns */
    char *made_of;     /* what its rows, in another order, were converted from; NULL: they were not */
    char *owner;       /* of a set from a record, whose files are not opened yet; NULL: they are */
    duet_store *store; /* the resident splits; made at the first batch */
};

/** Adds how many examples of the split have each label. The split must have labels. */
duet_status duet_data_count_labels(duet_data *data, duet_split split, size_t counts[256], duet_error *error);

/** Opens what is at options->path into data->parts and fills in data->info. */
duet_status duet_data_open_set(duet_data *data, const duet_data_options *options, duet_error *error);
/** Makes the set of rows with labels of both splits, which are taken, also after an error. */
duet_status duet_data_take_rows(duet_data *data, duet_rows rows[2], const duet_data_options *options,
                                duet_error *error);
/** Ends the reading ahead of both splits. */
void duet_data_end_ahead(duet_data *data);
/** Gives up what is kept on that device, which may then be closed; the next batch may be on another one. */
void duet_data_leave_device(duet_data *data, const duet_device *device);
/** A variable of shape [rows, ...row] without values in a store, which is made if there is none (*store NULL). NULL:
 *  with an error. */
duet_variable *duet_data_table(duet_store **store, const char *name, duet_type type, size_t rows, duet_shape row,
                               duet_error *error);
/** The rows in `order` (uint32) of a table of examples as float32, bytes scaled to [0, 1], and *label_rows of one of
 *  one-hot labels (NULL: there are none). */
duet_node duet_data_gather(duet_graph *graph, duet_variable *examples, duet_variable *labels, duet_node order,
                           duet_node *label_rows);
/** Begins to read a split on another thread, before the plan that needs it on the device is made. Only a hint: if there
 *  can be no thread, or examples are read by the host first, they are read when they are needed. */
void duet_data_read_ahead(duet_data *data, duet_split split);

#endif
