/* SPDX-License-Identifier: MIT */
/* Why a line of a CSV file cannot be read: what stands there, and the remedy that fits it. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/status.h"
#include "base/text.h"
#include "data/csv.h"
#include "data/pictures.h"

enum { SHOWN = 40 };

bool duet_csv_is_missing(const char *text)
{
    static const char *const words[] = {"",     "?",        "-",    ".",    "na",   "n/a",    "<na>",    "nan",
                                        "-nan", "nat",      "null", "nil",  "none", "(null)", "inf",     "-inf",
                                        "+inf", "infinity", "#na",  "#n/a", "#nv",  "#n/d",   "#n/a n/a"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) return true;
    const size_t length = strlen(text); /* #DIV/0!, #NAME? and so on, in a spreadsheet's language */
    return length > 2 && text[0] == '#' && strchr("!?", text[length - 1]) != NULL && strchr(text, ' ') == NULL;
}

bool duet_csv_has_thousands(const char *text, char mark, size_t *marks)
{
    text += strspn(text, "+-");
    size_t digits = strspn(text, "0123456789");
    bool sound = digits >= 1 && digits <= 3 && (text[0] != '0' || text[1] == '\0');
    text += digits;
    for (*marks = 0; sound && *text == mark && strspn(text + 1, "0123456789") == 3; (*marks)++) text += 4;
    return sound && *text == '\0';
}

static bool has_decimal_comma(const char *text)
{
    size_t before = strspn(text, "+-0123456789");
    return text[before] == ',' && text[before + 1] != '\0' &&
           strspn(text + before + 1, "0123456789eE+-") == strlen(text + before + 1);
}

/* What is to be done about a number as spreadsheets and programs write it; NULL: it is none. */
static const char *number_remedy(const char *text)
{
    size_t marks;
    const char *digits = text + strspn(text, "+-");
    const char *end = digits + strspn(digits, "0123456789., '");
    if (strncasecmp(digits, "0x", 2) == 0) return "decimal numbers are expected, such as 31 in the place of 0x1F";
    if (digits[0] < '0' || digits[0] > '9') return NULL;
    if (strcmp(end, "%") == 0) return "take the per cent signs out of the column";
    if (has_decimal_comma(text) || duet_csv_has_thousands(text, '.', &marks) ||
        (*end == '\0' && strpbrk(digits, ", '") != NULL))
        return "numbers are expected with a point, such as 0.5, and without marks between thousands";
    return NULL;
}

/* "sep=;" on top, which Excel writes and reads, is cut into "sep=" and nothing. */
static bool begins_with_mark(const duet_csv *it)
{
    return it->rows == 0 && it->columns <= 2 && strncasecmp(it->names[0], "sep=", 4) == 0;
}

/* Where a line may be a comment, or one for Excel, which this format does not have; NULL: it is none. */
static const char *comment_remedy(const duet_csv *it)
{
    if (it->records.fields[0][0] == '#' && !duet_csv_is_missing(it->records.fields[0]))
        return "if this line is a comment, take it out";
    if (begins_with_mark(it)) return "the first line only says what separates fields: take it out";
    return it->hashed && it->rows == 0 ? "if the first line is a comment, take it out" : NULL;
}

/* As in files that were put together of several. */
static bool names_again(const duet_csv *it)
{
    for (size_t i = 0; i < it->columns; i++)
        if (strcmp(it->records.fields[i], it->names[i]) != 0) return false;
    return true;
}

/* How many words between spaces, and how many of them are numbers. */
static size_t count_words(const char *text, size_t *numbers)
{
    char word[64];
    double number;
    size_t count = 0;
    *numbers = 0;
    for (const char *at = text + strspn(text, " "); *at != '\0'; at += strspn(at, " "), count++) {
        const size_t length = strcspn(at, " ");
        (void)snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), at);
        *numbers += duet_number_read(word, &number);
        at += length;
    }
    return count;
}

/* Whether the fields of a file of one column are several that something else separates. */
static const char *separator_remedy(const duet_csv *it, const char *text)
{
    size_t numbers, names;
    if (it->columns != 1) return NULL;
    if (strchr(text, '|') != NULL) return "columns are expected to be separated by a comma, a semicolon or a tab";
    const size_t words = count_words(text, &numbers);
    if (words < 2 || numbers == 0 || words != count_words(it->names[0], &names)) return NULL;
    return "columns are expected to be separated by a comma, a semicolon or a tab: sed 's/^ *//; s/ *$//; s/  */,/g' "
           "OLD > NEW puts commas in the place of spaces";
}

/* Whether a line says something of those above, as spreadsheets have it at the end. */
static bool sums_up(const duet_csv *it)
{
    static const char *const words[] = {"total", "totals", "grand total", "sum",     "mean", "average",
                                        "avg",   "median", "subtotal",    "std dev", "std"};
    for (size_t i = 0; it->rows > 0 && i < it->records.count; i++)
        for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
            const size_t length = strlen(words[k]);
            const char *field = it->records.fields[i], *behind = field + length;
            if ((long)i != it->label && strncasecmp(field, words[k], length) == 0 &&
                (*behind == '\0' || strcmp(behind, ":") == 0))
                return true;
        }
    return false;
}

duet_status duet_csv_fail_cell(const duet_csv *it, size_t column, const char *text, duet_error *error)
{
    char shown[SHOWN];
    double number;
    bool is_number = duet_number_read(text, &number) || duet_number_is_beyond(text);
    const char *what = "is no number", *remedy = "take the column out, or name it as the labels with --labels NAME";
    if (duet_csv_asked(it) != NULL) remedy = "take the column out, or put numbers in the place of its words";
    if ((long)column == it->label) what = "is no label";
    if (comment_remedy(it) != NULL) {
        remedy = comment_remedy(it);
    } else if (strcmp(text, it->names[column]) == 0 && it->rows > 0 && names_again(it)) {
        remedy = "this line names the columns again: take it out";
    } else if (text[0] != '\0' && strcmp(text, it->names[column]) == 0) {
        remedy = "the first line seems to be an example: put a line with the names of the columns on top";
    } else if (sums_up(it)) {
        remedy = "this line sums up those above: take it out";
    } else if (duet_csv_is_missing(text)) {
        remedy = "fill such places or take the line out";
    } else if (duet_csv_is_part_name(it->names[column]) || duet_picture_part_is(text)) {
        remedy = "if it says which rows are for the test, put these into test.csv and the others into train.csv of one "
                 "folder, and take the column out";
    } else if (it->points[column].truths > 0) {
        what = "is neither True nor False, as the lines above have it there";
        remedy = "mend it, or take the column out";
    } else if (is_number) {
        what = "is beyond what float32 holds";
        remedy = "look at the line first: if it is a mistake, take it out; else scale the column, or take it out";
    } else if (separator_remedy(it, text) != NULL) {
        remedy = separator_remedy(it, text);
    } else if (number_remedy(text) != NULL) {
        remedy = number_remedy(text);
    } else if (it->rows > 0 && (long)column != it->label) {
        remedy =
            "the lines above have numbers there: mend this one, or take it out; where many are so, take the column out";
    }
    duet_text_clean(text, shown, sizeof shown);
    return duet_fail(error, DUET_ERROR_DATA, "%s, line %zu: \"%s\" in the column \"%s\" %s; %s", it->path,
                     it->records.number, shown, it->names[column], what, remedy);
}

static bool are_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* What is to be done about fields that no column is there for; NULL: nobody knows. */
static const char *wide_remedy(const duet_csv *it)
{
    char *const *fields = it->records.fields;
    const size_t count = it->records.count;
    if (count <= it->columns) return NULL;
    if (it->ends > 0)
        return "the first line ends in a separator, and has no name for what stands behind that here: write one there, "
               "or take this out";
    if (fields[count - 1][0] == '\0') return "the line ends in a separator: take it off all lines";
    if (it->rows > 0 || count != it->columns + 1) return NULL;
    if (it->columns == 1 && it->records.separator == ',' && are_digits(fields[0] + strspn(fields[0], "+-")) &&
        are_digits(fields[1]))
        return "if that is one number, it is expected with a point, such as 0.5";
    return "if each line begins with the name of its row, as R's write.table has it, write it with row.names = FALSE";
}

duet_status duet_csv_fail_width(const duet_csv *it, duet_error *error)
{
    const char *remedy = sums_up(it) ? "this line sums up those above: take it out" : comment_remedy(it);
    if (remedy == NULL) remedy = wide_remedy(it);
    return duet_fail(error, DUET_ERROR_DATA, "%s, line %zu: %zu field%s, but the first line names %zu column%s%s%s",
                     it->path, it->records.number, it->records.count, it->records.count == 1 ? "" : "s", it->columns,
                     it->columns == 1 ? "" : "s", remedy != NULL ? "; " : "", remedy != NULL ? remedy : "");
}

/* What separates fields, as it can be read. */
static const char *separator_of(const duet_csv *it)
{
    return it->records.separator == '\t' ? "<tab>" : it->records.separator == ';' ? ";" : ",";
}

/* A first line of this file as it could be: "x1;x2;...;x5". */
static void add_names(const duet_csv *it, duet_text *line)
{
    const char *between = separator_of(it);
    for (size_t i = 0; i < it->columns; i++) {
        const bool skips = i == 2 && it->columns > 4;
        if (skips) i = it->columns - 1;
        duet_text_add(line, "%s%s%sx%zu", i > 0 ? between : "", skips ? "..." : "", skips ? between : "", i + 1);
    }
}

duet_status duet_csv_fail_names(const duet_csv *it, duet_error *error)
{
    const char *asked = duet_csv_asked(it);
    duet_text line = {0};
    add_names(it, &line);
    duet_status status = duet_fail(error, DUET_ERROR_DATA,
                                   "%s: its first line holds numbers, and the names of its %zu column%s are expected: "
                                   "put a line such as %s on top, or in its place if its numbers are the columns' "
                                   "names, where a column of labels is called %s",
                                   it->path, it->columns, it->columns == 1 ? "" : "s", duet_text_get(&line),
                                   asked != NULL && strpbrk(asked, "./") == NULL ? asked : "label");
    duet_text_free(&line);
    return status;
}

duet_status duet_csv_fail_example(const duet_csv *it, size_t column, duet_error *error)
{
    if (it->columns == 1)
        return duet_fail(
            error, DUET_ERROR_DATA,
            "%s: holds names of pictures, such as %s, and no labels: put the label of each behind its name, "
            "after a comma, and a line such as file,label on top",
            it->path, it->names[0]);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: its first line names %s, and the names of its %zu columns are expected: put a line such as "
                     "%s%s%s on top",
                     it->path, it->names[column], it->columns, column == 0 ? "file" : "label", separator_of(it),
                     column == 0 ? "label" : "file");
}

duet_status duet_csv_check_names(const duet_csv *it, duet_error *error)
{
    char shown[SHOWN];
    size_t i = 0;
    while (i < it->columns && ((long)i == it->label || duet_text_is_utf8(it->names[i]))) i++;
    if (i == it->columns || duet_csv_only_labels(it)) return DUET_OK;
    duet_text_clean(it->names[i], shown, sizeof shown);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: the name of the column \"%s\" is not UTF-8: save the file as UTF-8 (such as iconv -f latin1 "
                     "-t utf-8 OLD > NEW)",
                     it->path, shown);
}
