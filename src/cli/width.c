/* SPDX-License-Identifier: MIT */
/* UTF-8 to widths, by a table of the ranges that are not one column wide (Unicode 15: East Asian Width W and F, general
 * categories Mn, Me and Cf; rare scripts are left out), -1 for what turns text round or breaks lines, as in
 * duet_text_plain. The program asks for no locale, so wcwidth would know ASCII
 * alone. */
#include "cli/width.h"

#include <stdbool.h>
#include <stdint.h>

static const struct {
    uint32_t first, last;
    int columns;
} ranges[] = {
    {0x0300, 0x036f, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05bd, 0},   {0x0610, 0x061a, 0},   {0x064b, 0x065f, 0},
    {0x0900, 0x0902, 0},   {0x093c, 0x093c, 0},   {0x0941, 0x0948, 0},   {0x094d, 0x094d, 0},   {0x0e31, 0x0e31, 0},
    {0x0e34, 0x0e3a, 0},   {0x0e47, 0x0e4e, 0},   {0x1100, 0x115f, 2},   {0x1ab0, 0x1aff, 0},   {0x1dc0, 0x1dff, 0},
    {0x200b, 0x200f, 0},   {0x2028, 0x202e, -1},  {0x2060, 0x2064, 0},   {0x2066, 0x2069, -1},  {0x20d0, 0x20ff, 0},
    {0x231a, 0x231b, 2},   {0x23e9, 0x23ec, 2},   {0x2614, 0x2615, 2},   {0x2648, 0x2653, 2},   {0x26a1, 0x26a1, 2},
    {0x26bd, 0x26be, 2},   {0x2705, 0x2705, 2},   {0x270a, 0x270b, 2},   {0x2728, 0x2728, 2},   {0x274c, 0x274c, 2},
    {0x2753, 0x2755, 2},   {0x2795, 0x2797, 2},   {0x2b1b, 0x2b1c, 2},   {0x2b50, 0x2b50, 2},   {0x2e80, 0x303e, 2},
    {0x3041, 0xa4cf, 2},   {0xa960, 0xa97c, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},
    {0xfe10, 0xfe19, 2},   {0xfe20, 0xfe2f, 0},   {0xfe30, 0xfe6f, 2},   {0xfeff, 0xfeff, 0},   {0xff00, 0xff60, 2},
    {0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2},
    {0xe0100, 0xe01ef, 0},
};

static int columns_of(uint32_t character)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (character >= ranges[i].first && character <= ranges[i].last) return ranges[i].columns;
    return 1;
}

size_t cli_character(const char *text, int *columns)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
    *columns = -1;
    if (*at < 0x80) {
        if (*at >= ' ' && *at != 0x7f) *columns = 1;
        return *at != '\0';
    }
    size_t bytes = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    uint32_t character = *at & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((at[i] & 0xc0) != 0x80) return 1;
        character = character << 6 | (at[i] & 0x3fu);
    }
    bool sound = *at >= 0xc2 && *at < 0xf5 && character >= least[bytes] && character <= 0x10ffff &&
                 (character < 0xd800 || character > 0xdfff);
    if (!sound) return 1;
    if (character >= 0xa0) *columns = columns_of(character);
    return bytes;
}

size_t cli_width(const char *text)
{
    size_t width = 0, bytes;
    for (int columns; (bytes = cli_character(text, &columns)) > 0; text += bytes)
        width += columns < 0 ? 1 : (size_t)columns;
    return width;
}
