/* SPDX-License-Identifier: MIT */
/* Compressed files go through zlib, others past it. As long as reads are smaller than twice its buffer, zlib inflates
 * into a window of its own and copies from there, so the destination is written once and never read, as is best for
 * mapped device memory. */
#define _DARWIN_C_SOURCE /* st_mtimespec, on macOS */
#include "data/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/status.h"

#ifdef __APPLE__
#define LAST_WRITTEN st_mtimespec
#else
#define LAST_WRITTEN st_mtim
#endif

enum { CHUNK = 128 * 1024 };

static duet_file_state state_of(const struct stat *about)
{
    return (duet_file_state){(uint64_t)about->st_dev, (uint64_t)about->st_ino, (int64_t)about->LAST_WRITTEN.tv_sec,
                             (int64_t)about->LAST_WRITTEN.tv_nsec, (size_t)about->st_size};
}

/* What was read of a file before and after it was written to is of neither. */
static duet_status check_unchanged(const duet_stream *stream, const duet_file_state *now, duet_error *error)
{
    const duet_file_state *then = &stream->state;
    const bool is_same = now->file == then->file && now->device == then->device;
    if (is_same && now->seconds == then->seconds && now->nanoseconds == then->nanoseconds && now->size == then->size)
        return DUET_OK;
    if (now->size == then->size)
        return duet_fail(error, DUET_ERROR_FILE, "%s: was changed while it was in use: %s since then; %s", stream->path,
                         is_same ? "it was written to or touched" : "another file of as many bytes took its place",
                         is_same ? "unless its bytes are as they were, put back the file that it was"
                                 : "put back the file that it was");
    return duet_fail(error, DUET_ERROR_FILE,
                     "%s: was changed while it was in use: it had %zu bytes and has %zu; put back the file that it was",
                     stream->path, then->size, now->size);
}

/* A compressed file that was changed while it was in use looks damaged. */
static duet_status look_unchanged(const duet_stream *stream, duet_error *error)
{
    struct stat about;
    if (fstat(stream->descriptor, &about) != 0) return DUET_OK;
    const duet_file_state now = state_of(&about);
    return check_unchanged(stream, &now, error);
}

/* Four bytes, so many before the end. */
static uint32_t word_before_end(int descriptor, size_t size, size_t before)
{
    unsigned char word[4];
    if (size < before || pread(descriptor, word, sizeof word, (off_t)(size - before)) != 4) return 0;
    return word[0] | (uint32_t)word[1] << 8 | (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;
}

/* The error of a stream that zlib could not go on with. */
static duet_status gzip_fail(const duet_stream *stream, duet_error *error)
{
    int code;
    const int fault = errno;
    const char *words = gzerror(stream->handle, &code);
    if (code != Z_ERRNO && code != Z_MEM_ERROR) DUET_TRY(look_unchanged(stream, error));
    if (code == Z_ERRNO)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read: %s", stream->path, strerror(fault));
    if (code == Z_MEM_ERROR) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", stream->path);
    if (code == Z_DATA_ERROR) {
        const char *what = strncmp(words, "<fd:", 4) == 0 ? strstr(words, ": ") : NULL; /* zlib's name of the file */
        return duet_fail(error, DUET_ERROR_DATA, "%s: damaged gzip file: %s; get it again", stream->path,
                         what != NULL ? what + 2 : words);
    }
    return duet_fail(error, DUET_ERROR_DATA, "%s: truncated: it ends too early; get it again", stream->path);
}

/* A row by itself costs no more than its bytes, and a place no reading of what lies before: zlib would read it. */
static duet_status read_plain(const duet_stream *stream, void *bytes, size_t count, size_t *got, duet_error *error)
{
    struct stat about;
    ssize_t bytes_read;
    do bytes_read = pread(stream->descriptor, bytes, count, (off_t)(stream->start + stream->place));
    while (bytes_read < 0 && errno == EINTR);
    *got = bytes_read < 0 ? 0 : (size_t)bytes_read;
    if (bytes_read >= 0 && fstat(stream->descriptor, &about) == 0) {
        const duet_file_state now = state_of(&about);
        return check_unchanged(stream, &now, error);
    }
    return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read: %s", stream->path, strerror(errno));
}

static duet_status gzip_read(duet_stream *stream, void *bytes, size_t count, size_t *got, duet_error *error)
{
    if (stream->exact) return read_plain(stream, bytes, count, got, error);
    int code, bytes_read = gzread(stream->handle, bytes, (unsigned)count);
    *got = bytes_read < 0 ? 0 : (size_t)bytes_read;
    if (*got == count) return DUET_OK;
    (void)gzerror(stream->handle, &code); /* a gzip file that is cut gives what it has, and then Z_BUF_ERROR */
    bool cut = *got == 0 && (code == Z_BUF_ERROR || (size_t)gztell(stream->handle) != stream->place);
    if (bytes_read < 0 || cut || (code != Z_OK && code != Z_BUF_ERROR)) return gzip_fail(stream, error);
    return DUET_OK;
}

static duet_status gzip_seek(duet_stream *stream, size_t place, duet_error *error)
{
    if (stream->exact) return DUET_OK; /* read_plain says where */
    if (gzseek(stream->handle, (z_off_t)place, SEEK_SET) == (z_off_t)place) return DUET_OK;
    return gzip_fail(stream, error);
}

/* Walks the members of a gzip file: *end is behind the last of them. What inflates wrongly gzip_read has told of; *code
 * is Z_MEM_ERROR where memory is short. */
static bool find_end(const duet_stream *stream, unsigned char *in, unsigned char *out, z_stream *z, size_t *end,
                     int *code)
{
    size_t place = 0;
    for (*code = Z_OK; *code == Z_OK || *code == Z_BUF_ERROR;) {
        const ssize_t got = pread(stream->descriptor, in, CHUNK, (off_t)place);
        if (got <= 0) return false;
        z->next_in = in;
        z->avail_in = (unsigned)got;
        do {
            z->next_out = out;
            z->avail_out = CHUNK;
            *code = inflate(z, Z_NO_FLUSH);
        } while (*code == Z_OK && (z->avail_in > 0 || z->avail_out == 0));
        place += (size_t)got - z->avail_in;
        if (*code != Z_STREAM_END) continue;
        *end = place;
        if (pread(stream->descriptor, in, 2, (off_t)place) != 2 || in[0] != 0x1f || in[1] != 0x8b) return true;
        *code = inflateReset(z);
    }
    return false;
}

/* Zeros fill blocks up and are no data; anything else was meant as some. */
static bool only_zeros(const duet_stream *stream, size_t place, unsigned char *room)
{
    for (ssize_t got; (got = pread(stream->descriptor, room, CHUNK, (off_t)place)) > 0; place += (size_t)got)
        for (ssize_t i = 0; i < got; i++)
            if (room[i] != 0) return false;
    return true;
}

/* zlib passes over what follows the last member. Asked where the length at the file's end is not that of the data. */
static duet_status check_behind(duet_stream *stream, duet_error *error)
{
    z_stream z = {0};
    unsigned char *room = malloc(2 * CHUNK);
    size_t end = stream->size;
    if (room == NULL || inflateInit2(&z, 15 + 16) != Z_OK) {
        free(room);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", stream->path);
    }
    stream->looked_behind = true;
    int code;
    const bool sound = !find_end(stream, room, room + CHUNK, &z, &end, &code) || only_zeros(stream, end, room);
    const bool short_memory = code == Z_MEM_ERROR;
    (void)inflateEnd(&z);
    free(room);
    if (short_memory) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", stream->path);
    if (sound) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: %zu bytes follow its gzip data and are none: if the file is not damaged, 'gzip -dc FILE > "
                     "NEW' leaves them out",
                     stream->path, stream->size - end);
}

static void gzip_close(duet_stream *stream)
{
    (void)gzclose_r(stream->handle);
}

static duet_status gzip_again(duet_stream *to, const duet_stream *from, duet_error *error);

static const duet_stream_kind gzip_kind = {gzip_read, gzip_seek, gzip_again, gzip_close, true};

/* A pipe would be waited for: O_NONBLOCK opens it at once, and then it is refused. */
static int open_plain(const char *path, const char *name, duet_file_state *state, duet_error *error)
{
    struct stat about;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &about) != 0) {
        duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", name, strerror(errno));
    } else if (!S_ISREG(about.st_mode)) {
        duet_fail(error, DUET_ERROR_FILE, "%s: is not a plain file", name);
    } else {
        *state = state_of(&about);
        return descriptor;
    }
    if (descriptor >= 0) (void)close(descriptor);
    return -1;
}

static duet_status open_at(duet_stream *stream, const char *path, const char *name, size_t start, duet_error *error)
{
    duet_error own = {0};
    int descriptor = open_plain(path, name, &stream->state, &own);
    if (descriptor < 0) return duet_fail(error, own.status, "%s", own.message);
    stream->size = stream->state.size;
    stream->stated_checksum = word_before_end(descriptor, stream->size, 8);
    stream->stated = word_before_end(descriptor, stream->size, 4);
    stream->start = start;
    stream->descriptor = descriptor;
    stream->path = strdup(name);
    stream->file = strdup(path);
    if (stream->path != NULL && stream->file != NULL && lseek(descriptor, (off_t)start, SEEK_SET) == (off_t)start)
        stream->handle = gzdopen(descriptor, "rb");
    if (stream->handle == NULL) {
        (void)close(descriptor);
        duet_stream_close(stream);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", name);
    }
    stream->kind = &gzip_kind;
    (void)gzbuffer(stream->handle, CHUNK);
    return DUET_OK;
}

duet_status duet_stream_open(duet_stream *stream, const char *path, duet_error *error)
{
    unsigned char first;
    DUET_TRY(open_at(stream, path, path, 0, error));
    int got = gzread(stream->handle, &first, 1); /* zlib knows by now whether it is gzip */
    stream->exact = got >= 0 && gzdirect(stream->handle) != 0;
    stream->length = stream->size;
    duet_status status = got < 0 || gzrewind(stream->handle) != 0 ? gzip_fail(stream, error) : DUET_OK;
    if (status != DUET_OK) duet_stream_close(stream);
    return status;
}

duet_status duet_stream_open_part(duet_stream *stream, const char *path, const char *name, size_t start, size_t length,
                                  duet_error *error)
{
    DUET_TRY(open_at(stream, path, name, start, error));
    stream->exact = true;
    stream->length = length;
    return DUET_OK;
}

static duet_status gzip_again(duet_stream *to, const duet_stream *from, duet_error *error)
{
    DUET_TRY(open_at(to, from->file, from->path, from->start, error));
    duet_status status = check_unchanged(from, &to->state, error);
    if (status != DUET_OK) {
        duet_stream_close(to);
        return status;
    }
    to->exact = from->exact;
    to->length = from->length;
    to->summed = from->summed;
    to->sum = from->sum;
    return DUET_OK;
}

bool duet_stream_leaps(const duet_stream *stream)
{
    return stream->exact && stream->kind->leaps;
}

void duet_stream_close(duet_stream *stream)
{
    if (stream->kind != NULL) stream->kind->close(stream);
    free(stream->path);
    free(stream->file);
    *stream = (duet_stream){0};
}

duet_status duet_stream_read_some(duet_stream *stream, void *bytes, size_t count, size_t *got, duet_error *error)
{
    unsigned char *to = bytes;
    size_t left = stream->place > stream->length ? 0 : stream->length - stream->place;
    if (stream->exact && count > left) count = left;
    for (*got = 0; *got < count;) {
        size_t wanted = count - *got < CHUNK ? count - *got : CHUNK, piece;
        DUET_TRY(stream->kind->read(stream, to + *got, wanted, &piece, error));
        *got += piece;
        stream->place += piece;
        if (piece < wanted) break;
    }
    return DUET_OK;
}

duet_status duet_stream_read(duet_stream *stream, void *bytes, size_t count, const char *what, duet_error *error)
{
    size_t got;
    DUET_TRY(duet_stream_read_some(stream, bytes, count, &got, error));
    if (got == count) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "%s: truncated: it ends inside %s; get it again", stream->path, what);
}

duet_status duet_stream_seek(duet_stream *stream, size_t place, duet_error *error)
{
    if (place == stream->place) return DUET_OK;
    DUET_TRY(stream->kind->seek(stream, place, error));
    stream->place = place;
    return DUET_OK;
}

duet_status duet_stream_sum(duet_stream *stream, size_t first, size_t count, uint32_t *sum, duet_error *error)
{
    unsigned char chunk[16 * 1024];
    uLong found = crc32_z(0, NULL, 0);
    DUET_TRY(duet_stream_seek(stream, first, error));
    for (size_t left = count, wanted; left > 0; left -= wanted) {
        wanted = left < sizeof chunk ? left : sizeof chunk;
        DUET_TRY(duet_stream_read(stream, chunk, wanted, "its examples", error));
        found = crc32_z(found, chunk, wanted);
    }
    *sum = (uint32_t)found;
    return DUET_OK;
}

duet_status duet_stream_check_sum(const duet_stream *stream, uint32_t sum, duet_error *error)
{
    if (!stream->summed || sum == stream->sum) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: damaged: its bytes have the CRC-32 %08" PRIx32 ", and the archive says %08" PRIx32
                     "; get it again",
                     stream->path, sum, stream->sum);
}

duet_status duet_stream_more(duet_stream *stream, size_t place, bool *more, duet_error *error)
{
    unsigned char one;
    size_t got;
    DUET_TRY(duet_stream_seek(stream, place, error));
    DUET_TRY(duet_stream_read_some(stream, &one, 1, &got, error));
    *more = got > 0;
    const bool odd = stream->kind == &gzip_kind && !stream->exact && stream->stated != (uint32_t)place;
    return got == 0 && odd && !stream->looked_behind ? check_behind(stream, error) : DUET_OK;
}
