/* SPDX-License-Identifier: MIT */
/* Examples as a file: pictures as a grid, points as a scatter picture, single numbers as a histogram, anything as a
 * .npy array. */
#ifndef DUET_SRC_CLI_GALLERY_H
#define DUET_SRC_CLI_GALLERY_H

#include "duet.h"

typedef struct cli_gallery {
    const char *what;   /* names the default file, samples/WHAT.png of the run */
    size_t rows, count; /* values: [rows, count, features of the data] */
    bool flat;          /* one row, which the array has no extent for */
    size_t columns;     /* of the grid of pictures */
    bool quiet;         /* do not print the file's name */
    bool json;          /* print it as a document */
    bool pairs;         /* two rows, originals and reconstructions, shown one above the other */
    const char *split;  /* that the examples are of, for the document; NULL: they are of none */
    const float *values;
    const char *out; /* NULL: the default file */
} cli_gallery;

/** CLI_DONE if `out` is NULL or ends in .png or .npy; else a message and CLI_MISTAKE. */
int cli_out_check(const char *out);

/** DIRECTORY/samples/WHAT.ENDING, where `run` is the run's directory or a checkpoint in it. Makes the folder if need
 * be. The caller frees the path; NULL: out of memory. */
char *cli_default_path(const char *run, const char *what, const char *ending);

/** Whether examples of this data are drawn as points: one or two numbers each. */
bool cli_data_points(const duet_data_info *info);

/** Asks the run for gallery.rows * gallery.count rows of one output, with all else as in `request`, and writes them as
 *  a gallery. Sets count and outputs of the request and values of the gallery. Returns an exit status. */
int cli_gallery_use(duet_run *run, const char *directory, const char *output, duet_request request,
                    cli_gallery gallery);

/** Writes the gallery and names the file on standard output. Returns an exit status. */
int cli_gallery_write(duet_run *run, const char *directory, const cli_gallery *gallery);

/** Prints the document of a file that was written: "run model file shape", and "split" and "labels" unless NULL. */
int cli_file_print_json(duet_run *run, const char *directory, const char *path, duet_shape shape, const char *split,
                        const char *labels);

/** How many rows of ways a run has, `most` at most: without a prior, pairs of examples to lead from one to the other.
 */
size_t cli_interpolation_rows(duet_run *run, size_t most);
/** What 'duet interpolate' draws, as `out`. Returns an exit status. */
int cli_interpolation_draw(duet_run *run, const char *directory, size_t rows, size_t steps, const char *out);

#endif
