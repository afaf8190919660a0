/* SPDX-License-Identifier: MIT */
/* Picture files of any kind, told apart by their first bytes and not by their names; and fitting them into a size. */
#include "data/picture.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "base/status.h"

static const duet_picture_kind *const kinds[] = {&duet_picture_png, &duet_picture_jpeg};
enum { KINDS = sizeof kinds / sizeof *kinds };

bool duet_name_ends_in(const char *name, const char *const *endings)
{
    const char *dot = strrchr(name, '.');
    for (; dot != NULL && *endings != NULL; endings++)
        if (strcasecmp(dot, *endings) == 0) return true;
    return false;
}

bool duet_picture_name_is(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", NULL};
    return duet_name_ends_in(name, endings);
}

bool duet_picture_is_foreign(const char *name)
{
    static const char *const endings[] = {".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".heic", ".heif",
                                          ".avif", ".jp2", ".j2k", ".jpx", ".jxl", ".jxr",  ".ppm",  ".pgm",
                                          ".pbm",  ".pnm", ".tga", ".qoi", ".svg", NULL};
    return duet_name_ends_in(name, endings);
}

const char *duet_picture_other_kind(const unsigned char *start, size_t length)
{
    static const struct {
        size_t at;
        const char *begins, *name;
    } others[] = {{0, "GIF8", "GIF"},      {8, "WEBP", "WebP"},     {0, "II*", "TIFF"},
                  {4, "ftypavif", "AVIF"}, {4, "ftypheic", "HEIC"}, {0, "BM", "BMP"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const size_t bytes = strlen(others[i].begins);
        const bool is = length >= others[i].at + bytes && memcmp(start + others[i].at, others[i].begins, bytes) == 0;
        /* of a BMP two letters and, below 16 MiB, five zeros: a text may begin so, without them */
        if (is && (bytes > 2 || (length >= 10 && memcmp(start + 5, (char[5]){0}, 5) == 0))) return others[i].name;
    }
    return NULL;
}

static duet_status find_kind(const duet_picture_file *file, const duet_picture_kind **kind, duet_error *error)
{
    for (size_t i = 0; i < KINDS; i++) {
        *kind = kinds[i];
        if (file->length >= (*kind)->magic_length && memcmp(file->bytes, (*kind)->magic, (*kind)->magic_length) == 0)
            return DUET_OK;
    }
    const char *other = duet_picture_other_kind(file->bytes, file->length);
    return duet_fail(error, DUET_ERROR_DATA, "%s: is neither a PNG nor a JPEG file%s%s%s", file->name,
                     file->length == 0 ? ": it is empty" : "",
                     other != NULL ? ": it is a picture to save as PNG, a " : "", other != NULL ? other : "");
}

duet_status duet_picture_examine(const duet_picture_file *file, duet_picture_header *header, duet_error *error)
{
    const duet_picture_kind *kind;
    DUET_TRY(find_kind(file, &kind, error));
    return kind->read(file, header, NULL, error);
}

duet_status duet_picture_decode(const duet_picture_file *file, duet_picture *picture, duet_error *error)
{
    const duet_picture_kind *kind;
    duet_picture_header header;
    *picture = (duet_picture){0};
    DUET_TRY(find_kind(file, &kind, error));
    DUET_TRY(kind->read(file, &header, picture, error));
    duet_status status = duet_picture_turn(picture, file->name, error);
    if (status != DUET_OK) duet_picture_free(picture);
    return status;
}

duet_status duet_picture_new(duet_picture *picture, const char *name, size_t height, size_t width, size_t channels,
                             duet_error *error)
{
    size_t bytes;
    if (!duet_size_multiply(height, width, &bytes) || !duet_size_multiply(bytes, channels, &bytes) || bytes == 0 ||
        bytes > DUET_PICTURE_BYTES)
        return duet_fail(error, DUET_ERROR_DATA, "%s: a picture of %zu x %zu pixels; at most %d MiB of them are read",
                         name, width, height, DUET_PICTURE_BYTES >> 20);
    picture->height = height;
    picture->width = width;
    picture->channels = channels;
    picture->pixels = malloc(bytes);
    return picture->pixels != NULL ? DUET_OK
                                   : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for its pixels", name);
}

void duet_picture_free(duet_picture *picture)
{
    free(picture->pixels);
    *picture = (duet_picture){0};
}

/* value * alpha + 255 * (1 - alpha), rounded. */
void duet_picture_lay_on_white(const uint8_t *pixels, size_t count, size_t channels, uint8_t *to)
{
    for (size_t i = 0; i < count; i++, pixels += channels) {
        unsigned alpha = pixels[channels - 1];
        for (size_t c = 0; c + 1 < channels; c++)
            *to++ = (uint8_t)((pixels[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}
