/* SPDX-License-Identifier: MIT */
/* Picture files and archives that tests write, in a folder of the test that runs. */
#ifndef DUET_TESTS_PICTURE_FILES_H
#define DUET_TESTS_PICTURE_FILES_H

#include "data_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <jpeglib.h>
#include <png.h>

/* A PNG file of any type; `pixels`: rows as libpng packs them. */
typedef struct png_file {
    unsigned width, height;
    int depth, type, interlaced;
    const png_color *palette;
    int palette_count;
    const uint8_t *palette_alpha; /* one */
    const png_color_16 *clear;    /* the colour that is not there */
} png_file;

static inline void write_png_file(const char *name, const png_file *file, const uint8_t *pixels)
{
    FILE *stream = fopen(in_folder(name), "wb");
    assert_non_null(stream);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_non_null(info);
    png_init_io(png, stream);
    png_set_IHDR(png, info, file->width, file->height, file->depth, file->type,
                 file->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (file->palette != NULL) png_set_PLTE(png, info, file->palette, file->palette_count);
    if (file->palette_alpha != NULL || file->clear != NULL)
        png_set_tRNS(png, info, file->palette_alpha, file->palette_alpha != NULL, file->clear);
    png_write_info(png, info);
    size_t stride = png_get_rowbytes(png, info);
    png_bytep rows[256];
    assert_in_range(file->height, 1, 256);
    for (unsigned y = 0; y < file->height; y++) rows[y] = (png_bytep)(uintptr_t)pixels + y * stride;
    png_write_image(png, rows);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(stream), 0);
}

/* A plain picture of 1 or 3 channels as PNG. */
static inline void write_png_picture(const char *name, unsigned width, unsigned height, int channels,
                                     const uint8_t *pixels)
{
    const png_file file = {
        .width = width, .height = height, .depth = 8, .type = channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY};
    write_png_file(name, &file, pixels);
}

/* A JPEG file of 1, 3 (RGB) or 4 (CMYK) channels, with an EXIF orientation unless that is 0. */
static inline void write_jpeg_file(const char *name, unsigned width, unsigned height, int channels,
                                   const uint8_t *pixels, unsigned orientation)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    FILE *stream = fopen(in_folder(name), "wb");
    assert_non_null(stream);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, stream);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    const uint8_t exif[] = {'E', 'x', 'i', 'f',  0,    0, 'M', 'M', 0, 42, 0, 0, 0,
                            8,   0,   1,   0x01, 0x12, 0, 3,   0,   0, 0,  1, 0, (uint8_t)orientation,
                            0,   0,   0,   0,    0,    0};
    if (orientation > 0) jpeg_write_marker(&jpeg, JPEG_APP0 + 1, exif, sizeof exif);
    for (unsigned y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)pixels + (size_t)y * width * (unsigned)channels;
        (void)jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    assert_int_equal(fclose(stream), 0);
}

/* An archive of files of the folder, by the names given, ending in NULL; "NAME<FILE" is another file's content,
 * "NAME>PLACE" a symbolic link, "NAME=MEMBER" a hard one, and a name with a slash at its end an empty folder. ".zip"
 * and ".npz" names make zip files, deflated where `deflated`;
 * ".tar.gz" tar files in gzip, others tar files. */
static inline void write_archive(const char *name, const char *const *members, bool deflated)
{
    struct archive *archive = archive_write_new();
    assert_non_null(archive);
    bool zip = strstr(name, ".zip") != NULL || strstr(name, ".npz") != NULL;
    assert_int_equal(zip ? archive_write_set_format_zip(archive) : archive_write_set_format_ustar(archive), ARCHIVE_OK);
    if (zip && !deflated) assert_int_equal(archive_write_zip_set_compression_store(archive), ARCHIVE_OK);
    if (strstr(name, ".gz") != NULL) assert_int_equal(archive_write_add_filter_gzip(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(archive, in_folder(name)), ARCHIVE_OK);
    for (size_t i = 0; members[i] != NULL; i++) {
        size_t size = 0;
        char called[128];
        const char *other = strpbrk(members[i], "<>=");
        (void)snprintf(called, sizeof called, "%.*s", (int)strcspn(members[i], "<>="), members[i]);
        const bool is_link = other != NULL && *other != '<';
        const bool is_folder = called[strlen(called) - 1] == '/';
        char *bytes =
            is_folder || is_link ? NULL : test_file_read(in_folder(other != NULL ? other + 1 : called), &size);
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, called);
        archive_entry_set_filetype(entry, is_folder ? AE_IFDIR : AE_IFREG);
        archive_entry_set_perm(entry, is_folder ? 0755 : 0644);
        archive_entry_set_size(entry, (la_int64_t)size);
        if (is_link && *other == '>') archive_entry_set_filetype(entry, AE_IFLNK);
        if (is_link && *other == '>') archive_entry_set_symlink(entry, other + 1);
        if (is_link && *other == '=') archive_entry_set_hardlink(entry, other + 1);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        if (bytes != NULL) assert_int_equal(archive_write_data(archive, bytes, size), size);
        archive_entry_free(entry);
        free(bytes);
    }
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
}

/* `count` pictures of 8 x 8 x 3, PREFIX0.png and so on, picture k filled with the pattern from start + 192 k on. */
static inline void write_pictures(const char *prefix, size_t count, size_t start)
{
    for (size_t k = 0; k < count; k++) {
        uint8_t pixels[192];
        char name[128];
        for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = pattern(start + k * sizeof pixels + i);
        (void)snprintf(name, sizeof name, "%s%zu.png", prefix, k);
        write_png_picture(name, 8, 8, 3, pixels);
    }
}

#endif
