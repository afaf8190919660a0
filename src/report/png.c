/* SPDX-License-Identifier: MIT */
/* PNG through libpng's simplified interface, which reports errors by return value. */
#include "report/png.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "base/status.h"

enum { EXTENT_LIMIT = 65535 };

duet_status duet_canvas_new(duet_canvas *canvas, const char *path, size_t width, size_t height, size_t channels,
                            uint8_t colour, duet_error *error)
{
    size_t bytes;
    *canvas = (duet_canvas){width, height, channels, NULL};
    if (width == 0 || height == 0 || width > EXTENT_LIMIT || height > EXTENT_LIMIT ||
        !duet_size_multiply(width, height, &bytes) || !duet_size_multiply(bytes, channels, &bytes))
        return duet_fail(error, DUET_ERROR_USAGE, "%s: a picture of %zu x %zu pixels; 1 to %d each way are possible",
                         path, width, height, EXTENT_LIMIT);
    canvas->pixels = malloc(bytes);
    if (canvas->pixels == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %zu x %zu pixels", path, width, height);
    memset(canvas->pixels, colour, bytes);
    return DUET_OK;
}

void duet_canvas_free(duet_canvas *canvas)
{
    free(canvas->pixels);
    *canvas = (duet_canvas){0};
}

duet_status duet_canvas_write(const duet_canvas *canvas, const char *path, duet_error *error)
{
    duet_file file = {0};
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)canvas->width,
                       .height = (png_uint_32)canvas->height,
                       .format = canvas->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
    DUET_TRY(duet_file_create(&file, path, error));
    errno = 0;
    if (png_image_write_to_stdio(&image, file.stream, 0, canvas->pixels, 0, NULL) != 0)
        return duet_file_commit(&file, error);
    duet_status status = duet_fail(error, DUET_ERROR_FILE, "%s: cannot be written: %s", path,
                                   errno != 0 ? strerror(errno) : image.message);
    duet_file_discard(&file);
    return status;
}
