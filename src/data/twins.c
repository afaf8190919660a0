/* SPDX-License-Identifier: MIT */
/* A gzip file ends in the CRC-32 and the length of what is in its last member (RFC 1952, sec. 2.3.1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "data/data.h"

/* false: it is none, or cannot be read. */
static bool read_end(const char *path, uint32_t *checksum, uint32_t *length)
{
    const char *fault;
    unsigned char end[8];
    FILE *file = duet_file_open(path, &fault);
    const bool read =
        file != NULL && fseeko(file, -(off_t)sizeof end, SEEK_END) == 0 && fread(end, sizeof end, 1, file) == 1;
    if (file != NULL) (void)fclose(file);
    *checksum = *length = 0;
    for (size_t i = 0; read && i < 4; i++) {
        *checksum |= (uint32_t)end[i] << 8 * i;
        *length |= (uint32_t)end[4 + i] << 8 * i;
    }
    return read;
}

/* The checksum is worked out where the length is what it should be. */
static bool has_end(const char *path, uint32_t checksum, uint32_t length)
{
    const char *fault;
    unsigned char bytes[16384];
    FILE *file = duet_file_open(path, &fault);
    uLong sum = crc32_z(0, NULL, 0);
    bool same = file == NULL || (fseeko(file, 0, SEEK_END) == 0 && (uint32_t)ftello(file) == length);
    if (file != NULL) rewind(file);
    if (file != NULL && same) {
        for (size_t got; (got = fread(bytes, 1, sizeof bytes, file)) > 0;) sum = crc32_z(sum, bytes, got);
        same = (uint32_t)sum == checksum || ferror(file) != 0;
    }
    if (file != NULL) (void)fclose(file);
    return same;
}

/* A gzip may have several members, as those of bgzip: its end is that of the last one alone. What cannot be read is
 * equal. */
static bool is_unpacked(const char *path, const char *packed)
{
    const char *fault;
    unsigned char bytes[2][16384];
    FILE *file = duet_file_open(path, &fault);
    gzFile inflated = gzopen(packed, "rb");
    bool same = true, more = file != NULL && inflated != NULL;
    while (same && more) {
        const size_t got = fread(bytes[0], 1, sizeof bytes[0], file);
        const int unpacked = gzread(inflated, bytes[1], sizeof bytes[1]);
        if (unpacked < 0 || ferror(file) != 0) break;
        same = got == (size_t)unpacked && memcmp(bytes[0], bytes[1], got) == 0;
        more = got > 0;
    }
    if (inflated != NULL) (void)gzclose(inflated);
    if (file != NULL) (void)fclose(file);
    return same;
}

void duet_data_tell_of_twin(const char *path, duet_notes *notes)
{
    const size_t size = strlen(path) + sizeof ".gz";
    uint32_t checksum, length;
    char *packed = malloc(size);
    if (packed == NULL) return;
    (void)snprintf(packed, size, "%s.gz", path);
    if (read_end(packed, &checksum, &length) && !has_end(path, checksum, length) && !is_unpacked(path, packed))
        duet_notes_add(notes, false,
                       "%s: is read, and %s beside it holds something else: take out the one that is not meant", path,
                       strrchr(packed, '/') != NULL ? strrchr(packed, '/') + 1 : packed);
    free(packed);
}
