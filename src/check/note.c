/* SPDX-License-Identifier: MIT */
/* The worst fault of a row is the one described. */
#include "check/note.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

void duet_check_begin(duet_check_row *row, const char *name)
{
    *row = (duet_check_row){.sound = true, .forward = NAN, .gradient = NAN, .second = NAN};
    (void)snprintf(row->name, sizeof row->name, "%s", name);
}

static double error_in_units(double expected, double actual, double allowed)
{
    if (actual == expected || (isnan(actual) && isnan(expected))) return 0;
    double error = fabs(actual - expected) / allowed;
    return error >= 0 ? error : INFINITY; /* a NaN is as wrong as can be */
}

void duet_check_note(duet_check_row *row, double *worst, const char *name, const char *what, size_t element,
                     double expected, double actual, double allowed)
{
    double error = error_in_units(expected, actual, allowed);
    bool is_worst = !(error <= fmax(1, fmax(row->forward, fmax(row->gradient, row->second))));
    if (!(error <= *worst)) *worst = error;
    if (error <= 1 || (!is_worst && !row->sound)) return;
    char place[48] = "along a random direction", times[48] = "";
    if (element != DUET_CHECK_ALL) (void)snprintf(place, sizeof place, "at element %zu", element);
    if (isfinite(error)) (void)duet_text_print(times, sizeof times, " (%.3g times the tolerance)", error);
    (void)duet_text_print(row->words, sizeof row->words, "%s: %s differs: %s expected %.8g, got %.8g%s", name, what,
                          place, expected, actual, times);
    row->sound = false;
}

void duet_check_complain(duet_check_row *row, const char *format, ...)
{
    va_list arguments;
    if (!row->sound) return;
    va_start(arguments, format);
    (void)duet_text_vprint(row->words, sizeof row->words, format, arguments);
    va_end(arguments);
    row->sound = false;
}
