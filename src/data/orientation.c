/* SPDX-License-Identifier: MIT */
/* Which way up a camera held a picture: tag 0x0112 of EXIF data (CIPA DC-008, 4.6.4), which is a TIFF file without
 * pixels; and turning it. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/picture.h"

enum { TAG = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12, MOST_ENTRIES = 1000 };

typedef struct tiff {
    const unsigned char *bytes;
    size_t length;
    bool big_endian;
} tiff;

static unsigned number_at(const tiff *file, size_t place, size_t bytes)
{
    unsigned number = 0;
    for (size_t i = 0; i < bytes; i++)
        number |= (unsigned)file->bytes[place + i] << 8 * (file->big_endian ? bytes - 1 - i : i);
    return number;
}

unsigned duet_exif_orientation(const unsigned char *bytes, size_t length)
{
    tiff file = {bytes, length, length >= 2 && bytes[0] == 'M'};
    if (length < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0)) return 1;
    size_t place = number_at(&file, 4, 4);
    if (place > length - 2) return 1;
    size_t count = number_at(&file, place, 2);
    if (count > MOST_ENTRIES) return 1;
    for (place += 2; count > 0 && length - place >= ENTRY_BYTES; count--, place += ENTRY_BYTES) {
        if (number_at(&file, place, 2) != TAG || number_at(&file, place + 2, 2) != TYPE_SHORT) continue;
        unsigned orientation = number_at(&file, place + 8, 2);
        return orientation >= 1 && orientation <= 8 ? orientation : 1;
    }
    return 1;
}

/* How the place of a pixel follows from where it goes: whether x and y change places, and which of them run backwards
 * in the file. */
static const struct {
    bool swaps, y_back, x_back;
} turns[] = {
    [1] = {false, false, false}, [2] = {false, false, true}, [3] = {false, true, true}, [4] = {false, true, false},
    [5] = {true, false, false},  [6] = {true, true, false},  [7] = {true, true, true},  [8] = {true, false, true}};

duet_status duet_picture_turn(duet_picture *picture, const char *name, duet_error *error)
{
    unsigned way = picture->orientation;
    duet_picture upright = {0};
    if (way <= 1) return DUET_OK;
    size_t height = picture->height, width = picture->width, channels = picture->channels;
    bool swaps = turns[way].swaps;
    DUET_TRY(duet_picture_new(&upright, name, swaps ? width : height, swaps ? height : width, channels, error));
    for (size_t y = 0; y < upright.height; y++)
        for (size_t x = 0; x < upright.width; x++) {
            size_t from_y = swaps ? x : y, from_x = swaps ? y : x;
            if (turns[way].y_back) from_y = height - 1 - from_y;
            if (turns[way].x_back) from_x = width - 1 - from_x;
            memcpy(upright.pixels + (y * upright.width + x) * channels,
                   picture->pixels + (from_y * width + from_x) * channels, channels);
        }
    duet_picture_free(picture);
    *picture = upright;
    return DUET_OK;
}
