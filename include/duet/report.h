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
 *  `reference` ([reference_count, same], may be NULL) is drawn behind in grey. */
DUET_API duet_status duet_write_png_points(const char *path, const float *values, size_t count, size_t dimensions,
                                           const float *reference, size_t reference_count, duet_error *error);
/** A float32 array of that shape as a .npy file. */
DUET_API duet_status duet_write_npy(const char *path, const float *values, duet_shape shape, duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
