/* SPDX-License-Identifier: MIT */
/* Why a line of a CSV file cannot be read: what stands there, and the remedy that fits it. */
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/status.h"
#include "base/text.h"
#include "data/csv.h"

enum { SHOWN = 40 };

bool duet_csv_is_missing(const char *text)
{
    static const char *const words[] = {"", "?", "-", "na", "n/a", "nan", "null", "none", "inf", "-inf"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) return true;
    return false;
}

static bool has_decimal_comma(const char *text)
{
    size_t before = strspn(text, "+-0123456789");
    return text[before] == ',' && text[before + 1] != '\0' &&
           strspn(text + before + 1, "0123456789eE+-") == strlen(text + before + 1);
}

/* Where a line may be a comment, which this format does not have; NULL: it is none. */
static const char *comment_remedy(const duet_csv *it)
{
    if (it->records.fields[0][0] == '#') return "if this line is a comment, take it out";
    return it->hashed && it->rows == 0 ? "if the first line is a comment, take it out" : NULL;
}

/* As in files that were put together of several. */
static bool names_again(const duet_csv *it)
{
    for (size_t i = 0; i < it->columns; i++)
        if (strcmp(it->records.fields[i], it->names[i]) != 0) return false;
    return true;
}

duet_status duet_csv_fail_cell(const duet_csv *it, size_t column, const char *text, duet_error *error)
{
    char shown[SHOWN];
    double number;
    bool is_number = duet_number_read(text, &number);
    const char *what = "is no number", *remedy = "take the column out, or name it as the labels with --labels NAME";
    if ((long)column == it->label) what = "is no label";
    if (comment_remedy(it) != NULL) {
        remedy = comment_remedy(it);
    } else if (text[0] == '\0' && column + 1 == it->columns && it->names[column][0] == '\0') {
        remedy = "each line ends in a separator: take it off all of them";
    } else if (strcmp(text, it->names[column]) == 0 && it->rows > 0 && names_again(it)) {
        remedy = "this line names the columns again: take it out";
    } else if (strcmp(text, it->names[column]) == 0) {
        remedy = "the first line seems to be an example: put a line with the names of the columns on top";
    } else if (duet_csv_is_missing(text)) {
        remedy = "fill such places or take the line out";
    } else if (is_number) {
        what = "is beyond what float32 holds";
        remedy = "look at the line first: if it is a mistake, take it out; else scale the column, or take it out";
    } else if (has_decimal_comma(text)) {
        remedy = "numbers are expected with a point, such as 0.5, and without marks between thousands";
    }
    duet_text_clean(text, shown, sizeof shown);
    return duet_fail(error, DUET_ERROR_DATA, "%s, line %zu: \"%s\" in the column \"%s\" %s; %s", it->path,
                     it->records.number, shown, it->names[column], what, remedy);
}

duet_status duet_csv_fail_width(const duet_csv *it, duet_error *error)
{
    const char *remedy = comment_remedy(it);
    return duet_fail(error, DUET_ERROR_DATA, "%s, line %zu: %zu field%s, but the first line names %zu columns%s%s",
                     it->path, it->records.number, it->records.count, it->records.count == 1 ? "" : "s", it->columns,
                     remedy != NULL ? "; " : "", remedy != NULL ? remedy : "");
}
