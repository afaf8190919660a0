/* SPDX-License-Identifier: MIT */
/* Pictures and arrays for people: PNG grids, NumPy files. */
#ifndef DUET_REPORT_H
#define DUET_REPORT_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Writes `count` pictures as one PNG, `columns` a row, one pixel of space between them. values: [count, height, width,
 *  channels] in [0, 1] (held inside), channels 1 or 3. Small pictures are enlarged by a whole factor so that the grid
 *  is readable. By write, sync, rename. Errors: DUET_ERROR_USAGE for a shape that is no picture, DUET_ERROR_FILE. */
DUET_API duet_status duet_write_png_grid(const char *path, const float *values, size_t count, duet_shape picture,
                                         size_t columns, duet_error *error);
/** Points in the plane as a PNG scatter picture: values [count, 2]; one-dimensional ones ([count, 1]) as a histogram.
 *  `reference` ([reference_count, same], may be NULL) is drawn behind in grey and sets the frame: points outside are
 * held at its edge, numbers outside are in no bar. Numbers along the edges say where the frame lies. */
DUET_API duet_status duet_write_png_points(const char *path, const float *values, size_t count, size_t dimensions,
                                           const float *reference, size_t reference_count, duet_error *error);
/** Points in the plane as a PNG scatter picture: values [count, 2], each in the colour of its label ([count]): blue,
 *  orange, green, red, purple, brown, pink, grey, olive, cyan for 0 to 9, and again from the first. A legend tells
 * them. */
DUET_API duet_status duet_write_png_classes(const char *path, const float *values, const uint8_t *labels, size_t count,
                                            duet_error *error);
/** A function's values at places that lie evenly. */
typedef struct duet_line {
    const float *values; /**< [count]; NaN leaves a hole */
    size_t ink;          /**< 0: grey, 1: blue, 2: orange, 3: green, 4: red */
    size_t panel;        /**< which of the panels, from the top, it is drawn in */
    double reach;        /**< a value that the panel shows at least; 0: none */
} duet_line;

/** Lines as a PNG, in panels one above the other; each reaches from 0, or the least value below, to the largest, with
 *  light lines at both and midway. Errors: DUET_ERROR_USAGE for fewer than two points, DUET_ERROR_FILE. */
DUET_API duet_status duet_write_png_lines(const char *path, const duet_line *lines, size_t line_count, size_t count,
                                          duet_error *error);

/** Examples to be drawn as what they are: pictures ([height, width, channels]) as a grid, single numbers as a
 * histogram, two numbers as points. */
typedef struct duet_drawing {
    duet_shape shape;    /**< of one example */
    bool unit_range;     /**< values belong into [0, 1]; else a grid shows them between the smallest and largest */
    const float *values; /**< [count, ...shape] */
    size_t count;
    const float *originals; /**< [original_count, ...shape], NULL: none. In a grid one for each picture, its rows above
                                 those of the pictures; otherwise drawn behind in grey */
    size_t original_count;
    size_t columns; /**< of a grid */
} duet_drawing;

/** Writes it as a PNG. Errors: DUET_ERROR_USAGE for a shape that is nothing of these, DUET_ERROR_FILE. */
DUET_API duet_status duet_write_png_examples(const char *path, const duet_drawing *drawing, duet_error *error);
/** A float32 array of that shape as a .npy file. */
DUET_API duet_status duet_write_npy(const char *path, const float *values, duet_shape shape, duet_error *error);
/** The same of unsigned bytes. */
DUET_API duet_status duet_write_npy_bytes(const char *path, const uint8_t *values, duet_shape shape, duet_error *error);
/** Bytes that are ready as a file that is whole or not there: by write, sync, rename. Errors: DUET_ERROR_FILE. */
DUET_API duet_status duet_write_file(const char *path, const void *bytes, size_t count, duet_error *error);

/* Pages: what the files of runs say (docs/runs.md names them), each alone or side by side. `runs` are directories, or
 * checkpoints in them such as RUN/best.safetensors. Nothing is computed: what a run has no file of is said. */

/** Where a file of a run's pages lies: DIRECTORY/NAME, or DIRECTORY/best-NAME for DIRECTORY/best.safetensors. The
 * caller frees it; NULL: out of memory. */
DUET_API char *duet_page_file(const char *run, const char *name);
/** Whether a picture of the run's pages, report/FILE in it, is there and whole. */
DUET_API bool duet_page_has_picture(const char *run, const char *file);
/** The runs as a JSON document (docs/commands.md): settings that differ, metrics with the better runs marked, costs,
 *  losses. *text: the caller frees it. Errors: DUET_ERROR_FILE, DUET_ERROR_DATA for what is no run. */
DUET_API duet_status duet_page_document(const char *const *runs, size_t count, char **text, duet_error *error);
/** Whether a page of `run` could be written at `path` (NULL: somewhere), before what takes long: DUET_ERROR_FILE,
 *  DUET_ERROR_DATA if not, as duet_page_write would. */
DUET_API duet_status duet_page_check(const char *run, const char *path, duet_error *error);
/** duet_page_document with the runs' pictures as one HTML file that needs no other: for one run a report, for several a
 *  comparison. By write, sync, rename. */
DUET_API duet_status duet_page_write(const char *path, const char *const *runs, size_t count, duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
