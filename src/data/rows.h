/* SPDX-License-Identifier: MIT */
/* Equal rows to be read, wherever they come from: every format is read as this. */
#ifndef DUET_SRC_DATA_ROWS_H
#define DUET_SRC_DATA_ROWS_H

#include "data/options.h"
#include "data/stream.h"
#include "duet/graph.h"

/** What an element is, little-endian. Those after FLOAT64 do for labels only. */
typedef enum duet_element {
    DUET_ELEMENT_UINT8,
    DUET_ELEMENT_FLOAT32,
    DUET_ELEMENT_FLOAT64, /* read as float32, as are all that follow */
    DUET_ELEMENT_BOOL,
    DUET_ELEMENT_INT8,
    DUET_ELEMENT_INT16,
    DUET_ELEMENT_UINT16,
    DUET_ELEMENT_INT32,
    DUET_ELEMENT_UINT32,
    DUET_ELEMENT_INT64,
    DUET_ELEMENT_UINT64,
} duet_element;

/** numpy's name of it, such as "|u1". */
const char *duet_element_name(duet_element element);
/** The element of that name; false: none that is read. */
bool duet_element_find(const char *name, duet_element *element);

/** Bytes of an element as it is read: a byte stays one, all else becomes a float32. */
size_t duet_element_bytes_read(duet_element element);

/** Labels that come with rows, one for each; values are numbers of `names`, where there are names. */
typedef struct duet_labels {
    uint8_t *values; /* NULL: there are none */
    char **names;    /* NULL: they are numbers */
    size_t name_count;
    char *column;   /* of a CSV file that they are of; NULL: they are of several, or of no such file */
    bool asked_for; /* it is the one that the options name */
} duet_labels;

enum { DUET_LONGEST_NAME = 256 /* bytes of a class's name in a file of arrays */ };

void duet_labels_free(duet_labels *labels);

typedef struct duet_rows duet_rows;

/** What the numbers of a column lie between as the file has them. */
typedef struct duet_reach {
    double low, high;
    bool rounded; /* not all of them are float32 numbers */
} duet_reach;

/** Where rows come from. */
typedef struct duet_row_source {
    /** Rows first .. first + count - 1, bytes as bytes and anything else as float32. The destination is only written,
     *  but that what a program's function wrote is looked at. */
    duet_status (*read)(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error);
    /** What can be checked only behind the last row; NULL: nothing. */
    duet_status (*check_end)(duet_rows *rows, duet_error *error);
    /** The CRC-32 of all rows as they lie in the file, of pictures of the files; NULL: of the rows as they are read. */
    duet_status (*checksum)(duet_rows *rows, uint32_t *checksum, duet_error *error);
    /** to->state: the same rows, to be read beside `from` by another thread. */
    duet_status (*share)(duet_rows *to, const duet_rows *from, duet_error *error);
    void (*close)(duet_rows *rows);
    /** Whether a row is read without those before it; NULL: it is. */
    bool (*leaps)(const duet_rows *rows);
    /** What the file of a row is called, of rows that are a file each; NULL: they are none. */
    const char *(*name)(const duet_rows *rows, size_t row);
    /** Numbers by which equal rows are known, where that needs no decoding; NULL: of the rows as they are read. */
    duet_status (*prints)(duet_rows *rows, size_t first, size_t count, uint64_t *prints, duet_error *error);
    /** The reach of each column of a table that float32 may round, in what was read until this is asked, once; NULL, or
     *  none: it rounds nothing. */
    const duet_reach *(*reaches)(const duet_rows *rows);
} duet_row_source;

struct duet_rows {
    char *path; /* what messages name */
    const duet_row_source *source;
    void *state;
    duet_element element;
    size_t count;
    duet_shape shape;      /* of one row; rank 0 in a file of labels */
    size_t row_elements;   /* 1 at rank 0 */
    bool pictures;         /* height, width and channels without alpha, as the format has it */
    bool deep;             /* pictures of files with 16 bits a number, of which 8 are read */
    duet_labels labels;    /* those that the same file holds */
    const size_t *numbers; /* of the rows in their file, for messages; NULL: they are its rows in order */
    bool rounding_said;    /* that float32 does not tell numbers of a column apart */
    char **keys;           /* of a file of labels: what names the example of each; NULL: nothing does */
    char *key_column;      /* the column of the keys */
    char *shuffled;    /* of a file of labels: a column that numbers its lines in another order; NULL: there is none */
    char *part_column; /* of a file of labels: a column that says of which part each is; NULL: there is none */
    char *columns;     /* names of the features, a line each, until a set takes them; NULL: none */
    char *made_of;     /* what rows in another order were converted from, until a set takes it; NULL: they were not */
};

/** A format of files: how they begin, and how they are opened. */
typedef struct duet_format {
    const char *name;
    const char *begins;     /* for messages; NULL: nothing that is always the same */
    const char *file_name;  /* how names end by which files of a folder are known; of IDX see duet_data_name_is */
    unsigned char magic[8]; /* the first bytes */
    size_t magic_length;    /* 0: none are always the same; then `is` knows the format by the file's name and size */
    bool (*is)(const duet_stream *stream);
    /** Opens rows from the stream, which it takes: rows->path is there already. `options` may be NULL. */
    duet_status (*open)(duet_rows *rows, duet_stream *stream, const duet_data_options *options, duet_error *error);
} duet_format;

/** The table of formats: NULL past the end. */
const duet_format *duet_format_at(size_t index);
extern const duet_format duet_format_idx, duet_format_npy, duet_format_csv, duet_format_cifar;
/** An array of at most `most` byte texts, the names of `what`: *texts and each of them are the caller's, also after an
 *  error. */
duet_status duet_npy_read_texts(duet_stream *stream, const char *what, size_t most, char ***texts, size_t *count,
                                duet_error *error);

/** Opens a file of any format of the table and checks its sizes. *rows must be zeroed. Errors name the file. */
duet_status duet_rows_open(duet_rows *rows, const char *path, const duet_data_options *options, duet_error *error);
/** The same from a stream, which is the rows' also after an error. */
duet_status duet_rows_open_stream(duet_rows *rows, duet_stream *stream, const duet_data_options *options,
                                  duet_error *error);
/** The same rows once more, without their labels, for another reader. *to must be zeroed. */
duet_status duet_rows_share(duet_rows *to, const duet_rows *from, duet_error *error);
void duet_rows_close(duet_rows *rows);
/** Whether rows are read in any order as fast as one after the other. */
bool duet_rows_leap(const duet_rows *rows);
/** What the file of a row is called, from the folder or archive of all on; NULL: rows are no files. */
const char *duet_rows_name(const duet_rows *rows, size_t row);
/** Bytes of a row as it is read. */
size_t duet_rows_row_bytes(const duet_rows *rows);
/** Reads rows first .. first + count - 1, bytes as bytes and floats as float32. The destination is only written, so it
 * may be mapped device memory. Rows read in order cost one pass over the file. */
duet_status duet_rows_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error);
/** Reads on to the end of the file: it must come right after the last row, and a gzip checksum must be right. */
duet_status duet_rows_check_end(duet_rows *rows, duet_error *error);

/** *checksum: the CRC-32 of all rows as they lie in the file once inflated, where they lie in one; else as they are
 *  read. Reads them only where no gzip member states it. */
duet_status duet_rows_checksum(duet_rows *rows, uint32_t *checksum, duet_error *error);

/** What values lie between. */
typedef struct duet_range {
    float low, high;
    bool whole;  /* all are whole numbers */
    bool levels; /* all are bytes, or k / 255 as bytes become: duet_is_level */
    /* of numbers that are no bytes: the largest in size, the largest below it, and where the first such one lies */
    float most, next;
    size_t row, element, times; /* times: how many are that large */
    size_t rows;                /* in all */
    bool apart;                 /* of large numbers of pictures: channels differ far in how wide they are */
} duet_range;

/** Whether a number is k / 255, to the rounding of float32. */
bool duet_is_level(float value);

/** Reads the values of those rows once: each must be finite. Bytes are read as 0 to 255. */
duet_status duet_rows_scan(duet_rows *rows, size_t first, size_t total, duet_range *range, duet_error *error);

/** Rows that stand for `total`: all, or about `wanted` in pieces that are spread over them. *first, *count: piece `i`.
 *  False past the last. */
bool duet_rows_spread(size_t total, size_t wanted, size_t i, size_t *first, size_t *count);

/** How an array lies in a stream: its elements, and its shape with the rows as first extent. */
typedef struct duet_layout {
    duet_element element;
    duet_shape shape;
} duet_layout;

/** Rows that lie one after the other in a stream, from where it is now on: checks the sizes. Takes the stream. */
duet_status duet_rows_lie_flat(duet_rows *rows, duet_stream *stream, const duet_layout *layout, duet_error *error);

#endif
