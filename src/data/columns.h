/* SPDX-License-Identifier: MIT */
/* What the values of a column are like: how many there are, how often, and what lies far from the others. */
#ifndef DUET_SRC_DATA_COLUMNS_H
#define DUET_SRC_DATA_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

/** A value that lies at an end of the others. */
typedef struct duet_column_end {
    float value;
    size_t times;
    float next; /* the nearest of the others; the value itself: there are none */
} duet_column_end;

typedef struct duet_column {
    size_t count, distinct;
    float common; /* the value that is there most often */
    size_t common_times;
    float step; /* the least distance of two values; 0: there is one alone */
    bool whole; /* all are whole numbers */
    duet_column_end low, high;
} duet_column;

/** Sorts the values, of which there is one at least, and says what they are like. */
duet_column duet_column_look(float *values, size_t count);

/** The place of the name, in capitals or not, in such names; -1: it is none of them. */
long duet_columns_find(const char *names, const char *name);

/** Such names, a line each, of a list of them, which the caller frees; NULL: out of memory. */
char *duet_columns_join(const char *const *names, size_t count);

/** "NAME" of a column of a table whose names are a line each; "" where `names` is NULL. */
const char *duet_column_name(const char *names, size_t column, char *text, size_t room);

#endif
