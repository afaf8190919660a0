/* SPDX-License-Identifier: MIT */
/* Growing text: capacity doubles, so writing is linear in the length. */
#include "base/text.h"

#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

int duet_text_vprint(char *text, size_t room, const char *format, va_list arguments)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0) return vsnprintf(text, room, format, arguments); /* short of memory: a comma is better */
    locale_t hosts = uselocale(plain);
    int length = vsnprintf(text, room, format, arguments);
    uselocale(hosts);
    freelocale(plain);
    return length;
}

int duet_text_print(char *text, size_t room, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = duet_text_vprint(text, room, format, arguments);
    va_end(arguments);
    return length;
}

/* Letters beyond ASCII mean nothing to a shell. */
static bool is_safe(const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
    for (const char *at = word; *at != '\0'; at++)
        if ((unsigned char)*at < 0x80 && strchr(plain, *at) == NULL) return false;
    return word[0] != '\0';
}

/* Within single quotes all is what it is; a single quote itself stands outside of them. A word that is cut is of no use
 * in quotes either. */
const char *duet_text_word(char *text, size_t room, const char *format, ...)
{
    duet_text quoted = {0};
    va_list arguments;
    va_start(arguments, format);
    const int length = duet_text_vprint(text, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room || is_safe(text)) return text;
    duet_text_add(&quoted, "'");
    for (const char *at = text; *at != '\0'; at++) duet_text_add(&quoted, *at == '\'' ? "'\\''" : "%c", *at);
    duet_text_add(&quoted, "'");
    if (!quoted.failed && quoted.length < room) memcpy(text, quoted.data, quoted.length + 1);
    duet_text_free(&quoted);
    return text;
}

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
    int length = duet_text_vprint(NULL, 0, format, arguments);
    if (length < 0 || !reserve(text, (size_t)length))
        text->failed = true;
    else
        text->length += (size_t)duet_text_vprint(text->data + text->length, (size_t)length + 1, format, again);
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

/* Bytes of the character that begins here; 0 if it is not UTF-8 (RFC 3629: no surrogates, nothing longer than needed,
 * nothing above U+10FFFF). */
static size_t utf8_bytes(const unsigned char *at)
{
    if (at[0] < 0x80) return 1;
    size_t bytes = at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : at[0] < 0xF5 ? 4 : 0;
    for (size_t i = 1; i < bytes; i++)
        if ((at[i] & 0xC0) != 0x80) return 0;
    bool wrong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
                 (at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F);
    return wrong ? 0 : bytes;
}

bool duet_text_is_utf8(const char *text)
{
    for (size_t bytes; *text != '\0'; text += bytes)
        if ((bytes = utf8_bytes((const unsigned char *)text)) == 0) return false;
    return true;
}

/* Whether a character of so many bytes turns text round or breaks lines: U+2028 to 202E, U+2066 to 2069. */
static bool turns(const unsigned char *at, size_t count)
{
    return count == 3 && at[0] == 0xE2 &&
           ((at[1] == 0x80 && at[2] >= 0xA8 && at[2] <= 0xAE) || (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9));
}

void duet_text_plain(char *text)
{
    for (char *at = text; *at != '\0';) {
        const unsigned char *bytes = (const unsigned char *)at;
        size_t count = utf8_bytes(bytes);
        bool steers = bytes[0] == 0x7F || (bytes[0] < ' ' && bytes[0] != '\n' && bytes[0] != '\t') ||
                      (bytes[0] == 0xC2 && count == 2 && bytes[1] < 0xA0) || turns(bytes, count);
        if (count == 0) count = steers = 1;
        if (steers) memset(at, '?', count);
        at += count;
    }
}

void duet_text_line(char *text)
{
    duet_text_plain(text);
    for (char *at = text; (at = strpbrk(at, "\n\t")) != NULL;) *at = '?';
}

void duet_text_clean(const char *from, char *text, size_t capacity)
{
    while (isspace((unsigned char)*from)) from++;
    size_t left = strlen(from), used = 0;
    while (left > 0 && isspace((unsigned char)from[left - 1])) left--;
    while (left > 0) {
        size_t bytes = utf8_bytes((const unsigned char *)from), taken = bytes == 0 ? 1 : bytes;
        if (used + taken >= capacity) break;
        memcpy(text + used, bytes == 0 ? "?" : from, taken);
        used += taken;
        from += taken;
        left -= taken;
    }
    text[used] = '\0';
}
