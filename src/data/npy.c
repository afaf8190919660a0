/* SPDX-License-Identifier: MIT */
/* .npy, numpy's own array file (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): a magic, a
 * version, a length, then a Python dictionary in text, of which three keys matter. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/size.h"
#include "base/status.h"
#include "data/remedy.h"

enum { HEADER_LIMIT = 64 * 1024, TEXT_LIMIT = 32 };

/* What the dictionary says. */
typedef struct array_header {
    char type[TEXT_LIMIT];
    bool fortran_order, structured;
    duet_shape shape;
    unsigned found; /* one bit for each key that was there */
} array_header;

/* The next character that is no space. */
static char peek(const char **at)
{
    *at += strspn(*at, " \t\r\n");
    return **at;
}

static bool take(const char **at, const char *word)
{
    size_t length = strlen(word);
    if (peek(at) == '\0' || strncmp(*at, word, length) != 0) return false;
    *at += length;
    return true;
}

static bool take_text(const char **at, char text[TEXT_LIMIT])
{
    char quote = peek(at);
    if (quote != '\'' && quote != '"') return false;
    const char *end = strchr(*at + 1, quote);
    if (end == NULL || end - *at > TEXT_LIMIT) return false;
    size_t length = (size_t)(end - *at - 1);
    memcpy(text, *at + 1, length);
    text[length] = '\0';
    *at = end + 1;
    return true;
}

static bool take_number(const char **at, size_t *number)
{
    if (peek(at) < '0' || peek(at) > '9') return false;
    for (*number = 0; **at >= '0' && **at <= '9'; ++*at)
        if (!duet_size_multiply(*number, 10, number) || !duet_size_add(*number, (size_t)(**at - '0'), number))
            return false;
    return true;
}

static bool take_shape(const char **at, duet_shape *shape)
{
    if (!take(at, "(")) return false;
    while (!take(at, ")")) {
        if (shape->rank == DUET_MAX_RANK || !take_number(at, &shape->dims[shape->rank++])) return false;
        if (!take(at, ",") && peek(at) != ')') return false;
    }
    return true;
}

static bool take_entry(const char **at, array_header *array)
{
    char key[TEXT_LIMIT];
    if (!take_text(at, key) || !take(at, ":")) return false;
    if (strcmp(key, "descr") == 0) {
        array->found |= 1;
        array->structured = peek(at) == '[';
        return take_text(at, array->type);
    }
    if (strcmp(key, "shape") == 0) {
        array->found |= 2;
        return array->shape.rank == 0 && take_shape(at, &array->shape);
    }
    array->found |= 4;
    array->fortran_order = take(at, "True");
    return strcmp(key, "fortran_order") == 0 && (array->fortran_order || take(at, "False"));
}

static bool parse(const char *text, array_header *array)
{
    if (!take(&text, "{")) return false;
    while (!take(&text, "}")) {
        if (!take_entry(&text, array)) return false;
        if (!take(&text, ",") && peek(&text) != '}') return false;
    }
    return array->found == 7 && peek(&text) == '\0';
}

/* *text: the dictionary's text, which the caller frees. */
static duet_status read_text(duet_stream *stream, char **text, duet_error *error)
{
    unsigned char start[8], length[4] = {0};
    DUET_TRY(duet_stream_read(stream, start, sizeof start, "its header", error));
    if (start[6] < 1 || start[6] > 3)
        return duet_fail(error, DUET_ERROR_DATA, "%s: .npy version %d; versions 1 to 3 are read", stream->path,
                         start[6]);
    DUET_TRY(duet_stream_read(stream, length, start[6] == 1 ? 2 : 4, "its header", error));
    size_t bytes = length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
    if (bytes > HEADER_LIMIT)
        return duet_fail(error, DUET_ERROR_DATA, "%s: a .npy header of %zu bytes; at most %d are expected",
                         stream->path, bytes, HEADER_LIMIT);
    *text = calloc(bytes + 1, 1);
    if (*text == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for its header", stream->path);
    return duet_stream_read(stream, *text, bytes, "its header", error);
}

/* What becomes of elements that are not read, by what their type is behind the order of its bytes. Numbers are the same
 * afterwards, and looked at then. */
static const struct {
    const char *begins, *remedy;
} remedies[] = {
    {"U", "of labels save " DUET_REMEDY_NUMBERED("array") "; of numbers in words array.astype('<f4')"},
    {"S", "of labels save " DUET_REMEDY_NUMBERED("array") "; of numbers in words array.astype('<f4')"},
    {"O",
     "make all its rows equally long and save numpy.stack(array).astype('<f4'), or of labels " DUET_REMEDY_NUMBERED(
         "array")},
    {"c", "save numpy.stack([array.real, array.imag], -1).astype('<f4')"},
    {"V", "of bytes save array.view('u1').reshape(len(array), -1); of numbers that numpy does not know, such as "
          "bfloat16, array.astype('<f4') where they are made"},
    {"M",
     "of days save (array - numpy.datetime64(0, 'D')) / numpy.timedelta64(1, 'D'); of labels " DUET_REMEDY_NUMBERED(
         "array")},
    {"m", "save array / numpy.timedelta64(1, 's')"},
    {"f2", "save array.astype('<f4')"},
    {"f1", "save array.astype('<f8')"}, /* of 12 or 16 bytes */
    {"", "save array.astype(array.dtype.newbyteorder('<'))"},
};

static duet_status find_element(const duet_rows *rows, const char *type, duet_element *element, duet_error *error)
{
    size_t i = 0;
    if (duet_element_find(type, element)) return DUET_OK;
    const char *kind = type[0] == '\0' ? "" : type + 1;
    while (strncmp(kind, remedies[i].begins, strlen(remedies[i].begins)) != 0) i++;
    return duet_fail(error, DUET_ERROR_DATA, "%s: elements of type '%s'; |u1, <f4 and <f8 are read: %s", rows->path,
                     type, remedies[i].remedy);
}

static duet_status read_header(duet_stream *stream, array_header *array, duet_error *error)
{
    char *text = NULL;
    duet_status status = read_text(stream, &text, error);
    bool sound = status == DUET_OK && parse(text, array);
    free(text);
    if (status != DUET_OK || sound) return status;
    if (array->structured)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: a structured array, each row of fields with names; of all as numbers save "
                         "numpy.stack([array[name] for name in array.dtype.names], -1).astype('<f4'), or save one of "
                         "them, array['NAME']",
                         stream->path);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: the .npy header is not a plain array's: descr, fortran_order and a shape of at most %d "
                     "extents are expected",
                     stream->path, DUET_MAX_RANK);
}

static duet_status open_npy(duet_rows *rows, duet_stream *stream, const duet_data_options *options, duet_error *error)
{
    array_header array = {.found = 0};
    duet_layout layout = {.element = DUET_ELEMENT_UINT8};
    (void)options;
    DUET_TRY(read_header(stream, &array, error));
    if (array.fortran_order)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: in Fortran order; C order is expected: save numpy.ascontiguousarray(array)", rows->path);
    if (array.shape.rank == 0)
        return duet_fail(error, DUET_ERROR_DATA, "%s: a single number; an array of examples is expected", rows->path);
    layout.shape = array.shape;
    DUET_TRY(find_element(rows, array.type, &layout.element, error));
    return duet_rows_lie_flat(rows, stream, &layout, error);
}

duet_status duet_npy_read_texts(duet_stream *stream, const char *what, size_t most, char ***texts, size_t *count,
                                duet_error *error)
{
    array_header array = {.found = 0};
    double width;
    DUET_TRY(read_header(stream, &array, error));
    bool sound = array.shape.rank == 1 && array.type[0] == '|' && array.type[1] == 'S' &&
                 duet_number_read(array.type + 2, &width) && width >= 1 && width <= DUET_LONGEST_NAME &&
                 array.shape.dims[0] >= 1 && array.shape.dims[0] <= most;
    if (!sound)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: names of %s are expected: 1 to %zu byte texts ('S') of at most %d bytes; of other "
                         "texts save numpy.char.encode(numpy.asarray(names, str), 'utf-8')",
                         stream->path, what, most, DUET_LONGEST_NAME);
    *texts = calloc(array.shape.dims[0], sizeof **texts);
    if (*texts == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", stream->path);
    for (*count = 0; *count < array.shape.dims[0]; ++*count) {
        char text[DUET_LONGEST_NAME + 1] = "";
        DUET_TRY(duet_stream_read(stream, text, (size_t)width, "its texts", error));
        (*texts)[*count] = strdup(text);
        if ((*texts)[*count] == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", stream->path);
    }
    return DUET_OK;
}

const duet_format duet_format_npy = {".npy", "93 'NUMPY'", ".npy", {0x93, 'N', 'U', 'M', 'P', 'Y'}, 6, NULL, open_npy};
