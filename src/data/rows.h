/* SPDX-License-Identifier: MIT */
/* A file of equal rows behind a header, gzip or not: every format is read as this. */
#ifndef DUET_SRC_DATA_ROWS_H
#define DUET_SRC_DATA_ROWS_H

#include "duet/graph.h"

/** How an element lies in the file, little-endian. */
typedef enum duet_element {
    DUET_ELEMENT_UINT8,
    DUET_ELEMENT_FLOAT32,
    DUET_ELEMENT_FLOAT64, /* read as float32 */
} duet_element;

typedef struct duet_rows {
    char *path;
    void *stream; /* zlib's gzFile, which reads plain files too */
    duet_element element;
    size_t count;        /* rows in the file */
    duet_shape shape;    /* of one row; rank 0 in a file of labels */
    size_t row_elements; /* 1 at rank 0 */
    size_t header_bytes, row_bytes;
    bool has_stated;
    uint32_t stated; /* the CRC-32 of header and rows, as one gzip member states it */
} duet_rows;

/** A format: how its files begin, and how their header is read. */
typedef struct duet_format {
    const char *name;
    const char *begins;     /* for messages */
    const char *file_name;  /* a piece of the name by which files of a folder are known */
    unsigned char magic[8]; /* the first bytes */
    size_t magic_length;
    /** Reads the header from the file's first byte on: element type and shape, the rows as first extent. */
    duet_status (*header)(duet_rows *rows, duet_element *element, duet_shape *shape, duet_error *error);
} duet_format;

/** The table of formats: NULL past the end. */
const duet_format *duet_format_at(size_t index);
extern const duet_format duet_format_idx, duet_format_npy;

/** Opens a file of any format of the table and checks its sizes. *rows must be zeroed. Errors name the file. */
duet_status duet_rows_open(duet_rows *rows, const char *path, duet_error *error);
void duet_rows_close(duet_rows *rows);
/** The next `count` bytes of the header. */
duet_status duet_rows_header_bytes(duet_rows *rows, void *bytes, size_t count, duet_error *error);
/** Reads rows first .. first + count - 1, bytes as bytes and floats as float32. The destination is only written, so it
 * may be mapped device memory. Rows read in order cost one pass over the file. */
duet_status duet_rows_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error);
/** Reads on to the end of the file: it must come right after the last row, and a gzip checksum must be right. */
duet_status duet_rows_check_end(duet_rows *rows, duet_error *error);
/** *checksum: the CRC-32 of all rows as they lie in the file once inflated. Reads them only where no gzip member states
 *  it. */
duet_status duet_rows_checksum(duet_rows *rows, uint32_t *checksum, duet_error *error);
/** Reads all floats once: each must be finite. *unit: all lie in [0, 1]; true for bytes, which need not be read. */
duet_status duet_rows_scan(duet_rows *rows, bool *unit, duet_error *error);

#endif
