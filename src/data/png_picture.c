/* SPDX-License-Identifier: MIT */
/* PNG through libpng: palettes are looked up, 16 bits rounded to 8, interlaced files put together, what shines through
 * is laid on white. Gamma and colour profiles are not applied: the numbers are those in the file. */
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/size.h"
#include "base/status.h"
#include "data/picture.h"

/* Everything that lives across libpng's long jumps. */
typedef struct reading {
    const duet_picture_file *file;
    size_t place;
    png_structp png;
    png_infop info;
    png_bytep *rows;
    uint8_t *pixels; /* as libpng gives them: 1 to 4 channels */
    size_t channels;
    unsigned orientation;
    bool short_of_memory;
    char words[160];
} reading;

static void fail(png_structp png, png_const_charp words)
{
    reading *it = png_get_error_ptr(png);
    (void)snprintf(it->words, sizeof it->words, "%s", words);
    png_longjmp(png, 1);
}

static void keep_quiet(png_structp png, png_const_charp words)
{
    (void)png;
    (void)words;
}

static const char too_early[] = "it ends too early";

static void give_bytes(png_structp png, png_bytep bytes, size_t count)
{
    reading *it = png_get_io_ptr(png);
    if (count > it->file->length - it->place) png_error(png, too_early);
    memcpy(bytes, it->file->bytes + it->place, count);
    it->place += count;
}

static bool is_grey(const reading *it)
{
    png_colorp colours;
    int type = png_get_color_type(it->png, it->info), count;
    if (type != PNG_COLOR_TYPE_PALETTE) return (type & PNG_COLOR_MASK_COLOR) == 0;
    if (png_get_PLTE(it->png, it->info, &colours, &count) == 0) return false;
    for (int i = 0; i < count; i++)
        if (colours[i].red != colours[i].green || colours[i].red != colours[i].blue) return false;
    return true;
}

static size_t length_at(const unsigned char *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

/* The chunk eXIf may lie behind the pixels, where libpng has it only once they are read. So chunks are gone through as
 * they lie: length, type, what they hold, a checksum of the last two. False: the bytes end before it is known. */
static bool find_orientation(reading *it)
{
    enum { AROUND = 12 };
    it->orientation = 1;
    for (size_t place = duet_picture_png.magic_length; it->file->length - place >= AROUND;) {
        const unsigned char *chunk = it->file->bytes + place;
        const size_t length = length_at(chunk);
        if (length > it->file->length - place - AROUND) return false;
        if (memcmp(chunk + 4, "IEND", 4) == 0) return true;
        if (memcmp(chunk + 4, "eXIf", 4) == 0 && crc32_z(0, chunk + 4, length + 4) == length_at(chunk + 8 + length)) {
            it->orientation = duet_exif_orientation(chunk + 8, length);
            return true;
        }
        place += AROUND + length;
    }
    return false;
}

static void read_header(reading *it, duet_picture_header *header)
{
    png_set_user_limits(it->png, DUET_PICTURE_EXTENT, DUET_PICTURE_EXTENT);
    png_set_read_fn(it->png, it, give_bytes);
    png_read_info(it->png, it->info);
    header->height = png_get_image_height(it->png, it->info);
    header->width = png_get_image_width(it->png, it->info);
    header->grey = is_grey(it);
    header->deep = png_get_bit_depth(it->png, it->info) == 16;
    const bool turns = !it->file->any_size && header->height != header->width;
    if (!find_orientation(it) && (turns || !it->file->is_start)) png_error(it->png, too_early);
}

static void read_pixels(reading *it, const duet_picture_header *header)
{
    size_t stride, bytes;
    png_set_expand(it->png);
    png_set_scale_16(it->png);
    (void)png_set_interlace_handling(it->png);
    png_read_update_info(it->png, it->info);
    it->channels = png_get_channels(it->png, it->info);
    if (!duet_size_multiply(header->width, it->channels, &stride) ||
        !duet_size_multiply(stride, header->height, &bytes) || bytes > DUET_PICTURE_BYTES)
        png_error(it->png, "it has too many pixels");
    it->pixels = malloc(bytes);
    it->rows = calloc(header->height, sizeof *it->rows);
    it->short_of_memory = it->pixels == NULL || it->rows == NULL;
    if (it->short_of_memory) png_error(it->png, "out of memory for its pixels");
    for (size_t y = 0; y < header->height; y++) it->rows[y] = it->pixels + y * stride;
    png_read_image(it->png, it->rows);
    png_read_end(it->png, NULL);
}

/* False after libpng's long jump: it->words says why. */
static bool read_parts(reading *it, duet_picture_header *header, bool pixels)
{
    if (setjmp(png_jmpbuf(it->png)) != 0) return false;
    read_header(it, header);
    if (pixels) read_pixels(it, header);
    return true;
}

static duet_status make_picture(const reading *it, const duet_picture_header *header, duet_picture *picture,
                                duet_error *error)
{
    size_t channels = it->channels >= 3 ? 3 : 1;
    DUET_TRY(duet_picture_new(picture, it->file->name, header->height, header->width, channels, error));
    if (it->channels == channels)
        memcpy(picture->pixels, it->pixels, header->height * header->width * channels);
    else
        duet_picture_lay_on_white(it->pixels, header->height * header->width, it->channels, picture->pixels);
    return DUET_OK;
}

static duet_status read_png(const duet_picture_file *file, duet_picture_header *header, duet_picture *picture,
                            duet_error *error)
{
    reading it = {.file = file};
    duet_status status = DUET_OK;
    it.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &it, fail, keep_quiet);
    it.info = it.png == NULL ? NULL : png_create_info_struct(it.png);
    it.short_of_memory = it.info == NULL;
    if (it.info == NULL || !read_parts(&it, header, picture != NULL))
        status = duet_fail(error, it.short_of_memory ? DUET_ERROR_MEMORY : DUET_ERROR_DATA, "%s: %s%s", file->name,
                           it.short_of_memory ? "" : "a damaged PNG file: ",
                           it.short_of_memory ? "out of memory to read it" : it.words);
    if (status == DUET_OK && picture != NULL) status = make_picture(&it, header, picture, error);
    if (status == DUET_OK && picture != NULL) picture->orientation = it.orientation;
    if (status == DUET_OK && it.orientation >= 5) {
        size_t height = header->height;
        header->height = header->width;
        header->width = height;
    }
    png_destroy_read_struct(&it.png, &it.info, NULL);
    free(it.rows);
    free(it.pixels);
    return status;
}

const duet_picture_kind duet_picture_png = {"PNG", {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, 8, read_png};
