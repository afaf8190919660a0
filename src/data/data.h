/* SPDX-License-Identifier: MIT */
/* Inside an open data set: two splits of files of rows, or a distribution that is drawn from. */
#ifndef DUET_SRC_DATA_DATA_H
#define DUET_SRC_DATA_DATA_H

#include "base/status.h"
#include "data/ahead.h"
#include "data/rows.h"
#include "duet/data.h"

/** Files of a data set by split; NULL where there is none. Without test pictures the training file's end serves. */
typedef struct duet_data_files {
    char *examples[2], *labels[2];
} duet_data_files;

/** Fills `files` from a folder (told apart by their names), or from one file and its labels beside it. The caller frees
 *  them with duet_data_files_free, also on failure. */
duet_status duet_data_files_find(duet_data_files *files, const char *path, duet_error *error);
void duet_data_files_free(duet_data_files *files);

/** A mixture of Gaussians of equal weight and deviation, on the device as nodes and on the host by Philox. */
typedef struct duet_toy {
    const char *name, *summary;
    size_t dimensions, modes;
    double sigma;
    void (*centre)(size_t mode, double *centre);
    duet_node (*centre_node)(duet_node mode); /* [batch, 1] float32 to [batch, dimensions] */
} duet_toy;

/** NULL past the end. */
const duet_toy *duet_toy_at(size_t index);
/** [batch, dimensions]: new draws at each tick of the graph's clock. */
duet_node duet_toy_batch(const duet_toy *toy, duet_graph *graph, size_t batch);
/** Draw `index` of a split: always the same. Returns the mode it comes from. */
size_t duet_toy_draw(const duet_toy *toy, duet_split split, size_t index, float *values);

/** The folder that holds fashion-mnist: $DUET_DATA, then the system's data folders; the caller frees it. NULL if it is
 *  nowhere. */
char *duet_fashion_mnist_find(void);
/** How to get it. */
extern const char *const duet_fashion_mnist_help;
/** Its ten classes, as its authors name them. */
extern const char *const duet_fashion_mnist_classes[];

/** One split. `rows` is the whole file, of which the split's examples start at `first`. */
typedef struct duet_data_part {
    duet_rows rows;
    size_t first, count;
    uint8_t *labels;                           /* count of them, NULL if there are none */
    duet_variable *resident, *resident_labels; /* on the device: the examples; a row of `classes` bytes a label */
    duet_ahead *ahead;                         /* reads `rows` for `resident` at this time; NULL if nothing does */
} duet_data_part;

struct duet_data {
    duet_data_info info;
    char *name, *source;
    const duet_toy *toy; /* NULL: files */
    duet_data_part parts[2];
    duet_store *store; /* the resident splits; made at the first batch */
};

/** Opens the files into data->parts and fills in data->info. */
duet_status duet_data_open_files(duet_data *data, const duet_data_files *files, duet_error *error);
/** Begins to read a split on another thread, before the plan that wants it on the device is made. A hint: where it
 *  cannot be followed, or the examples are asked for in another way first, they are read when needed. */
void duet_data_read_ahead(duet_data *data, duet_split split);

#endif
