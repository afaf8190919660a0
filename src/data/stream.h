/* SPDX-License-Identifier: MIT */
/* Bytes from the front of a file, gzip or not, or of a member of an archive: what formats read their headers and rows
 * from. */
#ifndef DUET_SRC_DATA_STREAM_H
#define DUET_SRC_DATA_STREAM_H

#include "duet/base.h"

typedef struct duet_stream duet_stream;

/** Where the bytes come from. */
typedef struct duet_stream_kind {
    /** Up to `count` bytes (at most 2^30): *got, fewer only at the end. */
    duet_status (*read)(duet_stream *stream, void *bytes, size_t count, size_t *got, duet_error *error);
    duet_status (*seek)(duet_stream *stream, size_t place, duet_error *error);
    /** The same bytes once more, for another reader. *to must be zeroed. */
    duet_status (*again)(duet_stream *to, const duet_stream *from, duet_error *error);
    void (*close)(duet_stream *stream);
    bool leaps; /* where `exact` it goes to any place without reading what lies before */
} duet_stream_kind;

/** A file as it was when it was opened. */
typedef struct duet_file_state {
    uint64_t device, file;        /* which one it is */
    int64_t seconds, nanoseconds; /* when it was last written */
    size_t size;
} duet_file_state;

struct duet_stream {
    const duet_stream_kind *kind;
    void *handle;
    int descriptor; /* the handle's */
    char *path;     /* what messages name */
    char *file;     /* what is opened */
    size_t start;   /* where in it the bytes begin */
    size_t place;   /* of the next byte */
    size_t size;    /* bytes of the file that it comes from */
    duet_file_state state;
    bool exact; /* `length` is how many bytes there are: not so of gzip */
    size_t length;
    bool looked_behind;               /* what follows the gzip data, if anything does */
    uint32_t stated, stated_checksum; /* what gzip notes at the end: the length modulo 2^32, the CRC-32 */
    bool summed; /* an archive states `sum`, the CRC-32 of all bytes, and nothing else looks at it */
    uint32_t sum;
};

/** Opens a plain file, which may be gzip inside. A pipe is refused, never waited for. *stream must be zeroed. */
duet_status duet_stream_open(duet_stream *stream, const char *path, duet_error *error);
/** The bytes of a file from `start` on, `length` of them, as they are. `name`: what messages call it. */
duet_status duet_stream_open_part(duet_stream *stream, const char *path, const char *name, size_t start, size_t length,
                                  duet_error *error);
void duet_stream_close(duet_stream *stream);
/** Exactly the next `count` bytes; `what` they are of, for the message that they are missing. */
duet_status duet_stream_read(duet_stream *stream, void *bytes, size_t count, const char *what, duet_error *error);
/** The next bytes, as many as there are up to `count`: *got. */
duet_status duet_stream_read_some(duet_stream *stream, void *bytes, size_t count, size_t *got, duet_error *error);
/** Whether seeking costs no reading of what lies between. */
bool duet_stream_leaps(const duet_stream *stream);
/** The CRC-32 of `count` bytes from `first` on. */
duet_status duet_stream_sum(duet_stream *stream, size_t first, size_t count, uint32_t *sum, duet_error *error);
/** Whether all bytes, whose CRC-32 is `sum`, are those that an archive speaks of. */
duet_status duet_stream_check_sum(const duet_stream *stream, uint32_t sum, duet_error *error);
duet_status duet_stream_seek(duet_stream *stream, size_t place, duet_error *error);
/** Whether there are bytes after `place`. Where there are none, what the end says (a checksum) has been checked. */
duet_status duet_stream_more(duet_stream *stream, size_t place, bool *more, duet_error *error);

#endif
