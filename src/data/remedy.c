/* SPDX-License-Identifier: MIT */
/* A quotient of rounded numbers may be the next one after 1, which is out of [0, 1]: hence the clip. Numbers that are
 * far from 0 and close to each other are one in float32: what lies between them is no divisor then. */
#include "data/remedy.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "data/plausible.h"

enum { LARGE = 1000 /* ages and the like may be meant */, LARGE_PICTURE = 30 };

/* Floats stay what they are and whole numbers become such, whatever numpy takes 60000 for. */
static void print_float(char text[32], double number)
{
    (void)duet_text_print(text, 30, "%.9g", number);
    if (text[strspn(text, "0123456789")] == '\0') (void)strcat(text, ".0");
}

const char *duet_remedy_unit(double low, double high, char text[DUET_REMEDY_SIZE])
{
    char from[32];
    print_float(from, fabs(low));
    if (!(high > low)) /* float32 tells them apart once the least is 0, or they are equal */
        (void)duet_text_print(text, DUET_REMEDY_SIZE, "(array - train.min()).astype('<f4')" DUET_REMEDY_OF_TRAIN);
    else if (low >= 0 && low <= high / 2)
        (void)duet_text_print(text, DUET_REMEDY_SIZE,
                              "numpy.clip(array / %.9g, 0, 1).astype('<f4'), in both splits alike", high);
    else
        (void)duet_text_print(text, DUET_REMEDY_SIZE,
                              "numpy.clip((array %c %s) / %.9g, 0, 1).astype('<f4'), in both splits alike",
                              low < 0 ? '+' : '-', from, high - low);
    return text;
}

const char *duet_remedy_on_white(const duet_range *range, bool first)
{
    if (range->low >= 0 && range->high <= 1)
        return first ? "1 - (1 - array[:, :-1]) * array[:, -1:]" : "1 - (1 - array[..., :-1]) * array[..., -1:]";
    if (range->low >= 0 && range->high >= DUET_BRIGHT && range->high <= 255)
        return first ? "1 - (1 - array[:, :-1] / 255) * (array[:, -1:] / 255)"
                     : "1 - (1 - array[..., :-1] / 255) * (array[..., -1:] / 255)";
    if (range->low >= -1 && range->high <= 1)
        return first ? "1 - (1 - array[:, :-1]) * (array[:, -1:] + 1) / 4"
                     : "1 - (1 - array[..., :-1]) * (array[..., -1:] + 1) / 4";
    return NULL;
}

bool duet_range_is_of_bytes(const duet_range *range)
{
    return range->whole && range->low >= 0 && range->high <= 255 && range->high > 1;
}

bool duet_numbers_are_square(size_t numbers)
{
    size_t side = (size_t)lround(sqrt((double)numbers)), of_three = (size_t)lround(sqrt((double)numbers / 3));
    return side * side == numbers || 3 * of_three * of_three == numbers;
}

bool duet_shape_is_table(duet_shape shape)
{
    return shape.rank == 1 && (shape.dims[0] < DUET_PICTURE_NUMBERS || !duet_numbers_are_square(shape.dims[0]));
}

double duet_large_number(duet_shape shape)
{
    return shape.rank > 1 ? LARGE_PICTURE : LARGE;
}
