/* SPDX-License-Identifier: MIT */
/* Texts go through strtod in the "C" locale of this thread, once their form is checked. */
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

static const char *skip_digits(const char *at)
{
    while (*at >= '0' && *at <= '9') at++;
    return at;
}

static bool is_decimal(const char *at)
{
    if (*at == '+' || *at == '-') at++;
    const char *whole = at;
    at = skip_digits(at);
    bool digits = at > whole;
    if (*at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction);
        digits = digits || at > fraction;
    }
    if (digits && (*at == 'e' || *at == 'E')) {
        at++;
        if (*at == '+' || *at == '-') at++;
        const char *exponent = at;
        at = skip_digits(exponent);
        digits = at > exponent;
    }
    return digits && *at == '\0';
}

bool duet_number_read(const char *text, double *number)
{
    locale_t plain = is_decimal(text) ? newlocale(LC_ALL_MASK, "C", (locale_t)0) : (locale_t)0;
    if (plain == (locale_t)0) return false;
    locale_t hosts = uselocale(plain);
    *number = strtod(text, NULL);
    uselocale(hosts);
    freelocale(plain);
    return isfinite(*number);
}

bool duet_number_is_beyond(const char *text)
{
    double number = 0;
    return !duet_number_read(text, &number) && isinf(number);
}

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double duet_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

size_t duet_common_divisor(size_t a, size_t b)
{
    while (b != 0) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}
