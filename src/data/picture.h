/* SPDX-License-Identifier: MIT */
/* A picture file in memory: what its header says, its pixels turned upright, and how they are fitted into rows. */
#ifndef DUET_SRC_DATA_PICTURE_H
#define DUET_SRC_DATA_PICTURE_H

#include "duet/base.h"

/** A file's bytes, and what messages call them. */
typedef struct duet_picture_file {
    const char *name;
    const unsigned char *bytes;
    size_t length;
    bool is_start; /* more may lie behind these bytes */
    bool any_size; /* to examine: which way its size goes does not matter */
} duet_picture_file;

typedef struct duet_picture_header {
    size_t height, width; /* upright */
    bool grey;            /* a grey type of file, or a palette of greys */
    bool deep;            /* 16 bits a number, of which 8 are read */
} duet_picture_header;

/** Pixels of 1 or 3 bytes, row by row. Free with duet_picture_free. */
typedef struct duet_picture {
    size_t height, width, channels;
    uint8_t *pixels;
    unsigned orientation; /* as EXIF numbers it: 1 to 8; 1 is upright */
} duet_picture;

enum {
    DUET_PICTURE_START = 64 * 1024,   /* bytes that most often hold the header, and all of a small file */
    DUET_PICTURE_BYTES = 256 << 20,   /* the most that a file or its pixels may have */
    DUET_PICTURE_EXTENT = 1024 * 1024 /* the most pixels each way */
};

/** A kind of picture file. */
typedef struct duet_picture_kind {
    const char *name;
    unsigned char magic[8];
    size_t magic_length;
    /** Reads the header; and the pixels too unless `picture` is NULL. */
    duet_status (*read)(const duet_picture_file *file, duet_picture_header *header, duet_picture *picture,
                        duet_error *error);
} duet_picture_kind;

extern const duet_picture_kind duet_picture_png, duet_picture_jpeg;

/** Whether a file's name ends as that of a picture that is read: .png, .jpg, .jpeg, .jpe, .jfif, .jif or .jfi, in
 * capitals or not. */
bool duet_picture_name_is(const char *name);
/** Whether it ends as that of a picture that is not. */
bool duet_picture_is_foreign(const char *name);
/** Whether it ends in one of the endings, a list that ends in NULL, in capitals or not. */
bool duet_name_ends_in(const char *name, const char *const *endings);
/** What other kind of picture a file of these first bytes is, "GIF" or "WebP"; NULL: none that is known. */
const char *duet_picture_other_kind(const unsigned char *start, size_t length);
/** Reads a header. */
duet_status duet_picture_examine(const duet_picture_file *file, duet_picture_header *header, duet_error *error);
/** Decodes a file, turned upright. */
duet_status duet_picture_decode(const duet_picture_file *file, duet_picture *picture, duet_error *error);
void duet_picture_free(duet_picture *picture);

/** Memory for the pixels. */
duet_status duet_picture_new(duet_picture *picture, const char *name, size_t height, size_t width, size_t channels,
                             duet_error *error);
/** Lays `count` pixels of `channels` bytes, the last of them alpha, on white. The destination is only written. */
void duet_picture_lay_on_white(const uint8_t *pixels, size_t count, size_t channels, uint8_t *to);
/** Turns pixels upright that a camera left lying: `orientation` as EXIF numbers it. */
duet_status duet_picture_turn(duet_picture *picture, const char *name, duet_error *error);
/** The orientation in EXIF data (a TIFF header and its first directory); 1 where it says nothing. */
unsigned duet_exif_orientation(const unsigned char *bytes, size_t length);

/** Writes the picture as `height` x `width` pixels of `channels` bytes: scaled, where its size is another, so that it
 *  covers them, and cut at the centre; grey is repeated for colours. The destination is only written. */
duet_status duet_picture_fit(const duet_picture *picture, const char *name, size_t height, size_t width,
                             size_t channels, uint8_t *destination, duet_error *error);

#endif
