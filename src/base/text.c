/* Growing text: capacity doubles, so writing is linear in the length. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool reserve(duet_text *text, size_t extra)
{
    if (extra >= SIZE_MAX / 4 - text->length) return false;
    size_t needed = text->length + extra + 1;
    if (needed <= text->capacity) return true;
    size_t capacity = needed < 256 ? 256 : 2 * needed;
    char *data = realloc(text->data, capacity);
    if (data == NULL) return false;
    text->data = data;
    text->capacity = capacity;
    return true;
}

void duet_text_add(duet_text *text, const char *format, ...)
{
    if (text->failed) return;
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0 || !reserve(text, (size_t)length))
        text->failed = true;
    else
        text->length += (size_t)vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
}

const char *duet_text_get(const duet_text *text)
{
    return text->data == NULL ? "" : text->data;
}

void duet_text_clear(duet_text *text)
{
    text->length = 0;
    if (text->data != NULL) text->data[0] = '\0';
}

void duet_text_free(duet_text *text)
{
    free(text->data);
    *text = (duet_text){0};
}
