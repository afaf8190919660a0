/* SPDX-License-Identifier: MIT */
/* Columns as wide as their widest cell, and numbers at a readable scale. */
#include "cli/table.h"
#include "cli/output.h"
#include "cli/width.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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
static void put_text(const char *text, FILE *stream)
{
    size_t bytes;
    for (int columns; (bytes = cli_character(text, &columns)) > 0; text += bytes)
        (void)fwrite(columns < 0 ? "?" : text, 1, columns < 0 ? 1 : bytes, stream);
}

/* One cell; the last one with a text is not padded, so that no line ends in spaces. */
static void print_cell(const cli_table *table, size_t column, const char *text, bool last, FILE *stream)
{
    size_t padding = column_width(table, column) - cli_width(text);
    bool right = table->heads[column][0] == '>';
    if (right) fprintf(stream, "%*s", (int)padding, "");
    put_text(text, stream);
    if (!right && !last) fprintf(stream, "%*s", (int)padding, "");
    fputs(last ? "\n" : "  ", stream);
}

static void print_row(const cli_table *table, char *const *cells, FILE *stream)
{
    size_t columns = table->columns;
    while (columns > 1 && cells[columns - 1][0] == '\0') columns--;
    for (size_t column = 0; column < columns; column++)
        print_cell(table, column, cells[column], column + 1 == columns, stream);
}

int cli_table_print(cli_table *table, FILE *stream)
{
    bool failed = table->failed;
    if (!failed) {
        fputs(cli_escape(stream, CLI_BOLD), stream);
        for (size_t column = 0; column < table->columns; column++)
            print_cell(table, column, head_text(table, column), column + 1 == table->columns, stream);
        fputs(cli_escape(stream, CLI_PLAIN), stream);
        for (size_t i = 0; i + table->columns <= table->count; i += table->columns)
            print_row(table, table->cells + i, stream);
    }
    for (size_t i = 0; i < table->count; i++) free(table->cells[i]);
    free(table->cells);
    table->cells = NULL;
    table->count = table->capacity = 0;
    return failed ? cli_complain(CLI_FAILED, "there is too little memory to print a table") : CLI_DONE;
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
