/* SPDX-License-Identifier: MIT */
/* Columns as wide as their widest cell, and numbers at a readable scale. */
#include "cli/table.h"
#include "cli/output.h"
#include "cli/width.h"
#include "cli/wrap.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 96 };

static bool table_grow(cli_table *table)
{
    if (table->count < table->capacity) return true;
    size_t capacity = table->capacity == 0 ? 64 : 2 * table->capacity;
    char **cells = realloc(table->cells, capacity * sizeof *cells);
    if (cells == NULL) return false;
    table->cells = cells;
    table->capacity = capacity;
    return true;
}

void cli_table_cell(cli_table *table, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text == NULL || !table_grow(table)) {
        table->failed = true;
        free(text);
    } else {
        vsnprintf(text, (size_t)length + 1, format, again);
        table->cells[table->count++] = text;
    }
    va_end(again);
    va_end(arguments);
}

static const char *head_text(const cli_table *table, size_t column)
{
    return table->heads[column] + (table->heads[column][0] == '>');
}

static size_t column_width(const cli_table *table, size_t column)
{
    size_t width = cli_width(head_text(table, column));
    for (size_t i = column; i < table->count; i += table->columns) {
        size_t own = cli_width(table->cells[i]);
        if (own > width) width = own;
    }
    return width;
}

/* Names are those of files and may hold anything: what would steer a terminal or end a row becomes "?". */
static void put_text(const char *text, size_t length, FILE *stream)
{
    size_t bytes;
    for (int columns; length > 0 && (bytes = cli_character(text, &columns)) > 0; text += bytes) {
        if (bytes > length) return; /* a character is not broken */
        length -= bytes;
        (void)fwrite(columns < 0 ? "?" : text, 1, columns < 0 ? 1 : bytes, stream);
    }
}

static size_t width_of_row(const cli_table *table, const size_t *widths)
{
    size_t sum = 0;
    for (size_t column = 0; column < table->columns; column++) sum += widths[column] + (column > 0 ? 2 : 0);
    return sum;
}

/* The longest piece of a column that stays whole. */
static size_t least_width(const cli_table *table, size_t column)
{
    size_t longest = strlen(head_text(table, column));
    for (size_t i = column; i < table->count; i += table->columns) {
        const char *text = table->cells[i];
        while (*text != '\0') {
            const size_t length = cli_line_end(text, 1);
            if (length > longest) longest = length;
            text += length + strspn(text + length, " ");
        }
    }
    return longest;
}

/* The widest column that can be narrowed; table->columns: there is none. */
static size_t find_widest(const cli_table *table, const size_t *widths, const size_t *least)
{
    size_t widest = table->columns;
    for (size_t column = 0; column < table->columns; column++)
        if (table->heads[column][0] != '>' && widths[column] > least[column] &&
            (widest == table->columns || widths[column] > widths[widest]))
            widest = column;
    return widest;
}

/* Widths of the columns. Where the room lacks, the widest is narrowed, again and again, as far as its words allow. */
static void measure(const cli_table *table, size_t *widths)
{
    size_t least[MOST_COLUMNS], widest;
    for (size_t column = 0; column < table->columns; column++) widths[column] = column_width(table, column);
    if (table->room == 0 || width_of_row(table, widths) <= table->room) return;
    for (size_t column = 0; column < table->columns; column++) least[column] = least_width(table, column);
    while (width_of_row(table, widths) > table->room && (widest = find_widest(table, widths, least)) < table->columns)
        widths[widest]--;
}

/* The bytes of a cell's text that make its next line, and *columns, their width. Help, which alone is broken, is ASCII.
 */
static size_t next_line(const char *text, size_t width, size_t *columns)
{
    *columns = cli_width(text);
    if (*columns <= width) return strlen(text);
    return *columns = cli_line_end(text, width);
}

/* Prints a row's line and moves each cell's text on. No line ends in spaces. True: there is more. */
static bool print_line(const cli_table *table, const size_t *widths, const char **texts, FILE *stream)
{
    size_t columns = table->columns, missing = 0;
    bool more = false;
    while (columns > 1 && texts[columns - 1][0] == '\0') columns--;
    for (size_t column = 0; column < columns; column++) {
        size_t wide;
        const size_t length = next_line(texts[column], widths[column], &wide);
        const size_t padding = wide < widths[column] ? widths[column] - wide : 0;
        const bool right = table->heads[column][0] == '>';
        fprintf(stream, "%*s", (int)(missing + (right ? padding : 0)), "");
        put_text(texts[column], length, stream);
        missing = (right ? 0 : padding) + 2;
        texts[column] += length + strspn(texts[column] + length, " ");
        more = more || texts[column][0] != '\0';
    }
    fputc('\n', stream);
    return more;
}

static void print_row(const cli_table *table, const size_t *widths, char *const *cells, FILE *stream)
{
    const char *texts[MOST_COLUMNS];
    for (size_t column = 0; column < table->columns; column++)
        texts[column] = cells != NULL ? cells[column] : head_text(table, column);
    while (print_line(table, widths, texts, stream)) continue;
}

int cli_table_free(cli_table *table)
{
    for (size_t i = 0; i < table->count; i++) free(table->cells[i]);
    free(table->cells);
    table->cells = NULL;
    table->count = table->capacity = 0;
    return table->failed ? cli_complain(CLI_FAILED, "there is too little memory to print a table") : CLI_DONE;
}

int cli_table_print(cli_table *table, FILE *stream)
{
    size_t widths[MOST_COLUMNS];
    if (!table->failed) {
        measure(table, widths);
        fputs(cli_escape(stream, CLI_BOLD), stream);
        print_row(table, widths, NULL, stream);
        fputs(cli_escape(stream, CLI_PLAIN), stream);
        for (size_t i = 0; i + table->columns <= table->count; i += table->columns)
            print_row(table, widths, table->cells + i, stream);
    }
    return cli_table_free(table);
}

static const char *scaled(double number, double base, const char *const *prefixes, size_t count, const char *unit,
                          char *text, size_t size)
{
    size_t i = 0;
    for (; number >= base && i + 1 < count; i++) number /= base;
    snprintf(text, size, number < 10 && i > 0 ? "%.1f %s%s" : "%.0f %s%s", number, prefixes[i], unit);
    return text;
}

const char *cli_scaled(double number, const char *unit, char *text, size_t size)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
    return scaled(number, 1000, prefixes, sizeof prefixes / sizeof *prefixes, unit, text, size);
}

const char *cli_bytes(uint64_t bytes, char *text, size_t size)
{
    static const char *const prefixes[] = {"", "Ki", "Mi", "Gi", "Ti"};
    return scaled((double)bytes, 1024, prefixes, sizeof prefixes / sizeof *prefixes, "B", text, size);
}

const char *cli_digits(double number, int digits, char *text, size_t size)
{
    if (fabs(number) >= pow(10, digits) - 0.5 && fabs(number) < 1e9)
        snprintf(text, size, "%.0f", number);
    else
        snprintf(text, size, "%.*g", digits, number);
    return text;
}

const char *cli_examples(size_t count, char *text, size_t size)
{
    snprintf(text, size, "%zu example%s", count, count == 1 ? "" : "s");
    return text;
}

const char *cli_duration(double seconds, char *text, size_t size)
{
    if (!(seconds >= 0) || seconds > 1e9)
        snprintf(text, size, "?");
    else if (seconds < 9.95)
        snprintf(text, size, "%.1fs", seconds);
    else if (seconds < 60)
        snprintf(text, size, "%.0fs", seconds);
    else if (seconds < 3600)
        snprintf(text, size, "%dm%02ds", (int)(seconds / 60), (int)seconds % 60);
    else
        snprintf(text, size, "%dh%02dm", (int)(seconds / 3600), (int)(seconds / 60) % 60);
    return text;
}
