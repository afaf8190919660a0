/* SPDX-License-Identifier: MIT */
/* A letter is seven rows of five points, the highest bit on the left; a point is two by two pixels. */
#include "report/lettering.h"

#include <math.h>
#include <string.h>

enum { ROWS = 7, COLUMNS = 5, POINT = 2, ADVANCE = (COLUMNS + 1) * POINT, INK = 70, PAPER = 255 };

typedef struct letter {
    char character;
    uint8_t rows[ROWS];
} letter;

static const letter letters[] = {
    {'0', {0x0E, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0E}}, {'1', {0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E}},
    {'2', {0x0E, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1F}}, {'3', {0x1F, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0E}},
    {'4', {0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02}}, {'5', {0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E}},
    {'6', {0x06, 0x08, 0x10, 0x1E, 0x11, 0x11, 0x0E}}, {'7', {0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08}},
    {'8', {0x0E, 0x11, 0x11, 0x0E, 0x11, 0x11, 0x0E}}, {'9', {0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C}},
    {'-', {0x00, 0x00, 0x00, 0x1F, 0x00, 0x00, 0x00}}, {'+', {0x00, 0x04, 0x04, 0x1F, 0x04, 0x04, 0x00}},
    {'.', {0x00, 0x00, 0x00, 0x00, 0x00, 0x0C, 0x0C}}, {'a', {0x00, 0x00, 0x0E, 0x01, 0x0F, 0x11, 0x0F}},
    {'d', {0x01, 0x01, 0x0D, 0x13, 0x11, 0x11, 0x0F}}, {'e', {0x00, 0x00, 0x0E, 0x11, 0x1F, 0x10, 0x0E}},
    {'l', {0x0C, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0E}}, {'m', {0x00, 0x00, 0x1A, 0x15, 0x15, 0x11, 0x11}},
    {'o', {0x00, 0x00, 0x0E, 0x11, 0x11, 0x11, 0x0E}}, {'t', {0x08, 0x08, 0x1C, 0x08, 0x08, 0x09, 0x06}},
};

static const uint8_t *rows_of(char character)
{
    static const uint8_t space[ROWS];
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].character == character) return letters[i].rows;
    return space;
}

static void fill(duet_canvas *canvas, double x, double y, double side, uint8_t grey)
{
    for (double row = fmax(y, 0); row < fmin(y + side, (double)canvas->height); row++)
        for (double column = fmax(x, 0); column < fmin(x + side, (double)canvas->width); column++)
            memset(canvas->pixels + 3 * ((size_t)row * canvas->width + (size_t)column), grey, 3);
}

size_t duet_letters_width(const char *text)
{
    return strlen(text) * ADVANCE - (*text != '\0' ? POINT : 0);
}

void duet_letters_draw(duet_canvas *canvas, double x, double y, const char *text)
{
    x = floor(x);
    y = floor(y);
    for (int rim = 1; rim >= 0; rim--)
        for (size_t i = 0; text[i] != '\0'; i++)
            for (size_t row = 0; row < ROWS; row++)
                for (size_t column = 0; column < COLUMNS; column++)
                    if (rows_of(text[i])[row] >> (COLUMNS - 1 - column) & 1)
                        fill(canvas, x + (double)(i * ADVANCE + column * POINT) - rim, y + (double)(row * POINT) - rim,
                             POINT + 2 * rim, rim ? PAPER : INK);
}

double duet_tick_step(double span, size_t most)
{
    static const double factors[] = {1, 2, 5, 10};
    const double least = span / (double)most, power = pow(10, floor(log10(least)));
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        if (factors[i] * power >= least * (1 - 1e-9)) return factors[i] * power;
    return 10 * power;
}
