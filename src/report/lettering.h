/* SPDX-License-Identifier: MIT */
/* Numbers and a few words in pictures, in letters of five by seven points. */
#ifndef DUET_SRC_REPORT_LETTERING_H
#define DUET_SRC_REPORT_LETTERING_H

#include "report/png.h"

enum { DUET_LETTER_HEIGHT = 14 };

/** Pixels that the text is wide. */
size_t duet_letters_width(const char *text);
/** Draws the text in dark grey with its left upper corner at x, y, on a rim of white, so that it is read on anything.
 * What lies outside the canvas, which has three channels, is left out; characters without a letter are spaces. */
void duet_letters_draw(duet_canvas *canvas, double x, double y, const char *text);

/** Steps of 1, 2 or 5 times a power of ten, at most `most` of them within `span`. */
double duet_tick_step(double span, size_t most);

#endif
