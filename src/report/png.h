/* SPDX-License-Identifier: MIT */
/* A picture in memory on its way into a PNG file. */
#ifndef DUET_SRC_REPORT_PNG_H
#define DUET_SRC_REPORT_PNG_H

#include "duet/base.h"

typedef struct duet_canvas {
    size_t width, height, channels; /* channels: 1 or 3 */
    uint8_t *pixels;                /* row by row, from the top */
} duet_canvas;

/** A canvas of one colour. DUET_ERROR_USAGE if it is empty or too large for a PNG file. Free with duet_canvas_free. */
duet_status duet_canvas_new(duet_canvas *canvas, const char *path, size_t width, size_t height, size_t channels,
                            uint8_t colour, duet_error *error);
void duet_canvas_free(duet_canvas *canvas);
/** Writes the file by write, sync, rename. */
duet_status duet_canvas_write(const duet_canvas *canvas, const char *path, duet_error *error);

#endif
