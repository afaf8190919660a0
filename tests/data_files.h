/* SPDX-License-Identifier: MIT */
/* Files of examples that tests write, in a folder of the test that runs. */
#ifndef DUET_TESTS_DATA_FILES_H
#define DUET_TESTS_DATA_FILES_H

#include "folder.h"

#include <sys/stat.h>
#include <zlib.h>

#include "duet/data.h"

/* Writes a file, through gzip if its name says so. */
static inline void write_file(const char *name, const void *bytes, size_t count)
{
    size_t length = strlen(name);
    if (length < 3 || strcmp(name + length - 3, ".gz") != 0) {
        test_file_write(in_folder(name), bytes, count);
        return;
    }
    gzFile file = gzopen(in_folder(name), "wb");
    assert_non_null(file);
    if (count > 0) assert_int_equal(gzwrite(file, bytes, (unsigned)count), count);
    assert_int_equal(gzclose(file), Z_OK);
}

static inline void make_inner(const char *name)
{
    assert_int_equal(mkdir(in_folder(name), 0777), 0);
}

/* Byte i of the data that tests write. */
static inline uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

/* An IDX file of `rank` extents filled with the pattern from `start` on. */
static inline void write_idx(const char *name, size_t rank, const size_t *dims, size_t start)
{
    uint8_t bytes[4096] = {0, 0, 8, (uint8_t)rank};
    size_t used = 4, elements = 1;
    for (size_t i = 0; i < rank; i++) {
        for (int shift = 24; shift >= 0; shift -= 8) bytes[used++] = (uint8_t)(dims[i] >> shift);
        elements *= dims[i];
    }
    assert_true(used + elements <= sizeof bytes);
    for (size_t i = 0; i < elements; i++) bytes[used++] = pattern(start + i);
    write_file(name, bytes, used);
}
#define DIMS(...)                                                                                                      \
    sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), (size_t[])                                                       \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

/* A .npy file with this dictionary and these bytes. */
static inline void write_npy(const char *name, int version, const char *dictionary, const void *values, size_t count)
{
    uint8_t bytes[16384] = "\x93NUMPY";
    size_t length = strlen(dictionary), used = version == 1 ? 10 : 12;
    bytes[6] = (uint8_t)version;
    bytes[8] = (uint8_t)length;
    bytes[9] = (uint8_t)(length >> 8);
    assert_true(used + length + count <= sizeof bytes);
    memcpy(bytes + used, dictionary, length);
    if (count > 0) memcpy(bytes + used + length, values, count);
    write_file(name, bytes, used + length + count);
}

enum { LARGE_ROWS = 11000, LARGE_COLUMNS = 1021 };

/* An IDX file of the pattern that no reader takes in one piece. */
static inline void write_large(const char *name)
{
    const uint8_t head[] = {
        0, 0, 8, 2, 0, 0, LARGE_ROWS >> 8, LARGE_ROWS & 255, 0, 0, LARGE_COLUMNS >> 8, LARGE_COLUMNS & 255};
    size_t bytes = sizeof head + (size_t)LARGE_ROWS * LARGE_COLUMNS;
    uint8_t *all = malloc(bytes);
    assert_non_null(all);
    memcpy(all, head, sizeof head);
    for (size_t i = sizeof head; i < bytes; i++) all[i] = pattern(i - sizeof head);
    write_file(name, all, bytes);
    free(all);
}

/* Turns a bit of a gzip file's checksum, which only shows when all of it is read. */
static inline void damage_checksum(const char *name)
{
    size_t size;
    char *bytes = test_file_read(in_folder(name), &size);
    assert_true(size > 8);
    bytes[size - 8] ^= 1;
    test_file_write(in_folder(name), bytes, size);
    free(bytes);
}

static inline duet_data *open_sound(const char *name)
{
    duet_error error = {0};
    duet_data *data = NULL;
    assert_ok(duet_data_open_divided(&data, name, DUET_DIVISION_LAST, &error), &error);
    return data;
}

/* Literals for write_file and write_npy. */
#define BYTES(text)               text, sizeof(text) - 1
#define WORD(n)                   "\0\0\0" n
#define ARRAY(type, order, shape) "{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }\n"

#endif
