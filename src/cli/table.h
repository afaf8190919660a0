/* SPDX-License-Identifier: MIT */
/* Tables for people: cells are added row by row, columns are as wide as their widest cell. */
#ifndef DUET_SRC_CLI_TABLE_H
#define DUET_SRC_CLI_TABLE_H

#include "duet.h"

#include <stdio.h>

typedef struct cli_table {
    const char *const *heads; /* one a column; in front of a head, '>' sets the column flush right */
    size_t columns;
    char **cells;
    size_t count, capacity;
    size_t room; /* columns of the terminal, within which the widest column is broken; 0: without end */
    bool failed; /* memory ran out */
} cli_table;

void cli_table_cell(cli_table *table, const char *format, ...) DUET_PRINTF(2, 3);
/** Prints the table (heads in bold on a terminal) and frees the cells. Returns an exit status. */
int cli_table_print(cli_table *table, FILE *stream);

/** Frees the cells alone. Returns an exit status, after a message where memory had run out. */
int cli_table_free(cli_table *table);

/** A number with a unit that keeps it readable: 1234567 and "B" as "1.2 MB" (units of 1000). */
const char *cli_scaled(double number, const char *unit, char *text, size_t size);
/** Bytes in units of 1024: "7.8 GiB". */
const char *cli_bytes(uint64_t bytes, char *text, size_t size);
/** `digits` of a number from its first on, written out where people read that: 1150 and not 1.15e+03. */
const char *cli_digits(double number, int digits, char *text, size_t size);
/** "1 example", "20 examples". */
const char *cli_examples(size_t count, char *text, size_t size);
/** Seconds as "2h05m", "3m20s" or "4.2s". */
const char *cli_duration(double seconds, char *text, size_t size);

#endif
