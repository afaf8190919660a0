/* SPDX-License-Identifier: MIT */
/* A PNG file as part of a page: base64 in a "data:" address. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "report/page.h"

static const char address[] = "data:image/png;base64,";

static char *encode(const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc(sizeof address + (size + 2) / 3 * 4), *to = text;
    if (text == NULL) return NULL;
    memcpy(to, address, sizeof address - 1);
    to += sizeof address - 1;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)bytes[i + 2] : 0);
        for (size_t k = 0; k < 4; k++) *to++ = k <= left ? digits[word >> (18 - 6 * k) & 63] : '=';
    }
    *to = '\0';
    return text;
}

/* Big-endian, as PNG has its extents. */
static json_int_t extent_at(const unsigned char *bytes)
{
    return (json_int_t)bytes[0] << 24 | (json_int_t)bytes[1] << 16 | (json_int_t)bytes[2] << 8 | (json_int_t)bytes[3];
}

/* From the first bytes that every PNG file has to its last chunk, which holds nothing. */
static bool is_whole(const char *bytes, size_t size)
{
    static const char begin[8] = {'\x89', 'P', 'N', 'G', '\r', '\n', '\x1a', '\n'};
    static const char end[8] = {'I', 'E', 'N', 'D', '\xae', 'B', '`', '\x82'};
    return size >= 24 + sizeof end && memcmp(bytes, begin, sizeof begin) == 0 &&
           memcmp(bytes + size - sizeof end, end, sizeof end) == 0;
}

bool duet_page_has_picture(const char *run, const char *file)
{
    size_t size;
    char *folder = duet_page_file(run, "report"), *path = folder == NULL ? NULL : duet_path_join(folder, file);
    const char *fault;
    char *bytes = path == NULL ? NULL : duet_page_read(path, &size, &fault);
    bool whole = bytes != NULL && is_whole(bytes, size);
    free(bytes);
    free(path);
    free(folder);
    return whole;
}

void duet_page_put_picture(json_t **picture, const char *path, size_t *bytes_left)
{
    size_t size;
    const char *fault;
    char *bytes = duet_page_read(path, &size, &fault), *text = NULL;
    duet_text reason = {0};
    if (bytes == NULL || !is_whole(bytes, size))
        duet_text_add(&reason, "the picture is not there or no whole PNG file: %s", path);
    else if (size > *bytes_left)
        duet_text_add(&reason, "left out, so that the page stays small: %s", path);
    else
        text = encode((const unsigned char *)bytes, size);
    if (text != NULL) {
        *bytes_left -= size;
        duet_json_set(picture, "width", json_integer(extent_at((const unsigned char *)bytes + 16)));
        duet_json_set(picture, "height", json_integer(extent_at((const unsigned char *)bytes + 20)));
        duet_json_set(picture, "source", json_string(text));
    } else {
        duet_json_keep(picture, reason.length > 0 && !reason.failed);
        duet_json_set(picture, "reason", duet_page_text(duet_text_get(&reason)));
    }
    duet_text_free(&reason);
    free(text);
    free(bytes);
}
