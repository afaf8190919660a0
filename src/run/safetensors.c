/* SPDX-License-Identifier: MIT */
/* Safetensors files. Writing streams the tensors behind a header whose checksum is eight zeros, then replaces the zeros
 * by the CRC-32 of all bytes. Reading trusts nothing: every number of the header is checked against the file. */
#include "run/safetensors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/size.h"
#include "base/status.h"
#include "base/text.h"

#define CHECKSUM_KEY   "duet.crc32"
#define CHECKSUM_PLACE "\"" CHECKSUM_KEY "\":\""
#define CHECKSUM_ZERO  "00000000"

enum { LENGTH_BYTES = 8, ALIGNMENT = 8, CHUNK = 64 * 1024, CHECKSUM_DIGITS = 8 };

/* No header of Duet's comes near this; a larger length is damage, not a reason to allocate memory. */
static const uint64_t header_limit = 100 * 1000 * 1000;

static const struct {
    const char *name;
    duet_type type;
    size_t size;
} types[] = {{"F32", DUET_FLOAT32, 4}, {"U32", DUET_UINT32, 4}};
enum { TYPES = sizeof types / sizeof *types };

/* The index in `types`; TYPES: there is none. */
static size_t find_type(duet_type type)
{
    size_t row = 0;
    while (row < TYPES && types[row].type != type) row++;
    return row;
}

/* *bytes: the bytes of a tensor, 0 if an extent is 0. False if the number overflows. */
static bool tensor_bytes(duet_shape shape, size_t size, size_t *bytes)
{
    *bytes = size;
    for (size_t i = 0; i < shape.rank; i++)
        if (!duet_size_multiply(*bytes, shape.dims[i], bytes)) return false;
    return true;
}

static void put_length(unsigned char bytes[LENGTH_BYTES], uint64_t length)
{
    for (int i = 0; i < LENGTH_BYTES; i++) bytes[i] = (unsigned char)(length >> 8 * i);
}

static uint64_t get_length(const unsigned char bytes[LENGTH_BYTES])
{
    uint64_t length = 0;
    for (int i = 0; i < LENGTH_BYTES; i++) length |= (uint64_t)bytes[i] << 8 * i;
    return length;
}

/* Writing. */

static duet_status out_of_memory(const char *path, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for the header", path);
}

/* {"dtype":"F32","shape":[...],"data_offsets":[from,to]} */
static json_t *describe(const duet_tensor_source *tensor, size_t from, size_t to)
{
    json_t *shape = json_array();
    for (size_t i = 0; i < tensor->shape.rank; i++)
        duet_json_append(&shape, json_integer((json_int_t)tensor->shape.dims[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", types[find_type(tensor->type)].name, "shape", shape,
                     "data_offsets", (json_int_t)from, (json_int_t)to);
}

static duet_status add_tensors(json_t *header, const char *path, const duet_tensor_source *tensors, size_t count,
                               duet_error *error)
{
    size_t at = 0, bytes, end;
    for (size_t i = 0; i < count; i++, at = end) {
        if (find_type(tensors[i].type) == TYPES)
            return duet_fail(error, DUET_ERROR_USAGE, "%s: \"%s\" is neither float32 nor uint32", path,
                             tensors[i].name);
        if (!tensor_bytes(tensors[i].shape, 4, &bytes) || !duet_size_add(at, bytes, &end) || end > INT64_MAX)
            return duet_fail(error, DUET_ERROR_MEMORY, "%s: the size of \"%s\" overflows", path, tensors[i].name);
        if (json_object_get(header, tensors[i].name) != NULL)
            return duet_fail(error, DUET_ERROR_USAGE, "%s: two tensors are named \"%s\"", path, tensors[i].name);
        if (!duet_text_is_utf8(tensors[i].name))
            return duet_fail(error, DUET_ERROR_USAGE, "%s: the name \"%s\" is not UTF-8", path, tensors[i].name);
        if (json_object_set_new(header, tensors[i].name, describe(&tensors[i], at, end)) != 0)
            return out_of_memory(path, error);
    }
    return DUET_OK;
}

/* The header's text with the checksum as zeros; the caller frees it. NULL with the error set. */
static char *header_text(const char *path, const duet_tensor_source *tensors, size_t tensor_count,
                         const duet_metadata *metadata, size_t metadata_count, duet_error *error)
{
    char *text = NULL;
    json_t *header = json_object(), *own = json_object();
    bool sound = true;
    /* The checksum comes first, so that its place is found before any text of the caller's. */
    duet_json_set(&own, CHECKSUM_KEY, json_string(CHECKSUM_ZERO));
    for (size_t i = 0; i < metadata_count; i++) {
        sound = sound && duet_text_is_utf8(metadata[i].key) && duet_text_is_utf8(metadata[i].value) &&
                json_object_get(own, metadata[i].key) == NULL;
        duet_json_set(&own, metadata[i].key, json_string(metadata[i].value));
    }
    duet_json_set(&header, "__metadata__", own);
    if (!sound)
        duet_fail(error, DUET_ERROR_USAGE, "%s: the metadata is not UTF-8 text under names used once", path);
    else if (header == NULL)
        out_of_memory(path, error);
    else if (add_tensors(header, path, tensors, tensor_count, error) == DUET_OK) {
        text = duet_json_write(header, JSON_COMPACT);
        if (text == NULL) out_of_memory(path, error);
    }
    json_decref(header);
    return text;
}

static duet_status write_counted(duet_file *file, const void *bytes, size_t count, uLong *checksum, duet_error *error)
{
    *checksum = crc32_z(*checksum, bytes, count);
    return duet_file_write(file, bytes, count, error);
}

static duet_status write_header(duet_file *file, const char *text, uLong *checksum, duet_error *error)
{
    unsigned char length[LENGTH_BYTES];
    size_t used = strlen(text), padding = duet_size_round_up(used, ALIGNMENT) - used;
    put_length(length, used + padding);
    DUET_TRY(write_counted(file, length, sizeof length, checksum, error));
    DUET_TRY(write_counted(file, text, used, checksum, error));
    return write_counted(file, "        ", padding, checksum, error);
}

static duet_status write_tensors(duet_file *file, const duet_tensor_source *tensors, size_t count, uLong *checksum,
                                 duet_error *error)
{
    size_t largest = 1, bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (tensor_bytes(tensors[i].shape, 4, &bytes) && bytes > largest) largest = bytes;
    void *values = malloc(largest);
    if (values == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %zu bytes", file->path, largest);
    duet_status status = DUET_OK;
    for (size_t i = 0; i < count && status == DUET_OK; i++) {
        (void)tensor_bytes(tensors[i].shape, 4, &bytes); /* checked with the header */
        status = tensors[i].read(tensors[i].context, values, bytes, error);
        if (status == DUET_OK) status = write_counted(file, values, bytes, checksum, error);
    }
    free(values);
    return status;
}

static duet_status put_checksum(duet_file *file, const char *text, uLong checksum, duet_error *error)
{
    char digits[CHECKSUM_DIGITS + 1];
    long place = (long)(strstr(text, CHECKSUM_PLACE) + strlen(CHECKSUM_PLACE) - text) + LENGTH_BYTES;
    snprintf(digits, sizeof digits, "%08lx", checksum & 0xFFFFFFFFuL);
    if (fseek(file->stream, place, SEEK_SET) != 0)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be written: %s", file->path, strerror(errno));
    return duet_file_write(file, digits, CHECKSUM_DIGITS, error);
}

duet_status duet_safetensors_write(const char *path, const duet_tensor_source *tensors, size_t tensor_count,
                                   const duet_metadata *metadata, size_t metadata_count, duet_error *error)
{
    duet_error own = {0};
    if (error == NULL) error = &own;
    char *text = header_text(path, tensors, tensor_count, metadata, metadata_count, error);
    if (text == NULL) return error->status;
    duet_file file = {0};
    uLong checksum = crc32_z(0, NULL, 0);
    duet_status status = duet_file_create(&file, path, error);
    if (status == DUET_OK) status = write_header(&file, text, &checksum, error);
    if (status == DUET_OK) status = write_tensors(&file, tensors, tensor_count, &checksum, error);
    if (status == DUET_OK) status = put_checksum(&file, text, checksum, error);
    if (status == DUET_OK) status = duet_file_commit(&file, error);
    duet_file_discard(&file);
    free(text);
    return status;
}

/* Reading. */

struct duet_safetensors {
    FILE *stream;
    char *path;
    json_t *header;
    char *text; /* of the header: header_bytes, then a zero byte */
    size_t header_bytes, data_bytes;
    duet_tensor_row *rows;
    size_t count;
};

static duet_status damaged(const duet_safetensors *file, duet_error *error, const char *words)
{
    return duet_fail(error, DUET_ERROR_DATA, "%s: not a whole checkpoint: %s; restore it from a copy or train again",
                     file->path, words);
}

static duet_status damaged_tensor(const duet_safetensors *file, duet_error *error, const char *name, const char *words)
{
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: not a whole checkpoint: tensor \"%s\" %s; restore it from a copy or train again", file->path,
                     name, words);
}

static duet_status read_bytes(duet_safetensors *file, void *bytes, size_t count, duet_error *error)
{
    if (fread(bytes, 1, count, file->stream) == count) return DUET_OK;
    if (ferror(file->stream))
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read: %s", file->path, strerror(errno));
    return damaged(file, error, "it ends early");
}

static duet_status open_stream(duet_safetensors *file, uint64_t *size, duet_error *error)
{
    struct stat about;
    const char *words;
    file->stream = duet_file_open(file->path, &words);
    if (file->stream == NULL) return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", file->path, words);
    if (fstat(fileno(file->stream), &about) != 0)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", file->path, strerror(errno));
    *size = (uint64_t)about.st_size;
    return DUET_OK;
}

/* Reads length and text of the header. */
static duet_status read_header(duet_safetensors *file, uint64_t size, duet_error *error)
{
    unsigned char bytes[LENGTH_BYTES];
    if (size < LENGTH_BYTES) return damaged(file, error, "it ends before the length of its header");
    DUET_TRY(read_bytes(file, bytes, sizeof bytes, error));
    uint64_t length = get_length(bytes);
    if (length > size - LENGTH_BYTES || length > header_limit || size > SIZE_MAX) {
        char words[160];
        snprintf(words, sizeof words, "its header claims %llu bytes and the file has %llu", (unsigned long long)length,
                 (unsigned long long)size);
        return damaged(file, error, words);
    }
    file->header_bytes = (size_t)length;
    file->data_bytes = (size_t)(size - LENGTH_BYTES - length);
    file->text = calloc(file->header_bytes + 1, 1);
    if (file->text == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for the header", file->path);
    return read_bytes(file, file->text, file->header_bytes, error);
}

/* CRC-32 of the whole file with the checksum's own digits as zeros. The stream must stand at the end of the header. */
static duet_status checksum_of(duet_safetensors *file, char *digits, uLong *checksum, duet_error *error)
{
    unsigned char length[LENGTH_BYTES], chunk[CHUNK];
    char kept[CHECKSUM_DIGITS];
    put_length(length, file->header_bytes);
    *checksum = crc32_z(crc32_z(0, NULL, 0), length, sizeof length);
    memcpy(kept, digits, CHECKSUM_DIGITS);
    memcpy(digits, CHECKSUM_ZERO, CHECKSUM_DIGITS);
    *checksum = crc32_z(*checksum, (const unsigned char *)file->text, file->header_bytes);
    memcpy(digits, kept, CHECKSUM_DIGITS);
    for (size_t left = file->data_bytes; left > 0;) {
        size_t count = left < sizeof chunk ? left : sizeof chunk;
        DUET_TRY(read_bytes(file, chunk, count, error));
        *checksum = crc32_z(*checksum, chunk, count);
        left -= count;
    }
    return DUET_OK;
}

static duet_status check_checksum(duet_safetensors *file, duet_error *error)
{
    uLong checksum;
    char expected[CHECKSUM_DIGITS + 1];
    char *place = strstr(file->text, CHECKSUM_PLACE);
    size_t used = place == NULL ? 0 : (size_t)(place - file->text) + strlen(CHECKSUM_PLACE);
    if (place == NULL || file->header_bytes - used < CHECKSUM_DIGITS)
        return damaged(file, error, "its header has no entry " CHECKSUM_KEY ", the checksum that Duet writes");
    char *digits = file->text + used;
    DUET_TRY(checksum_of(file, digits, &checksum, error));
    snprintf(expected, sizeof expected, "%08lx", checksum & 0xFFFFFFFFuL);
    if (memcmp(digits, expected, CHECKSUM_DIGITS) == 0) return DUET_OK;
    return damaged(file, error, "its bytes do not give the checksum in its header");
}

static duet_status read_shape(const json_t *dims, duet_shape *shape)
{
    if (!json_is_array(dims) || json_array_size(dims) > DUET_MAX_RANK) return DUET_ERROR_DATA;
    *shape = (duet_shape){.rank = json_array_size(dims)};
    for (size_t i = 0; i < shape->rank; i++) {
        const json_t *extent = json_array_get(dims, i);
        json_int_t value = json_integer_value(extent);
        if (!json_is_integer(extent) || value < 0 || (uint64_t)value > SIZE_MAX) return DUET_ERROR_DATA;
        shape->dims[i] = (size_t)value;
    }
    return DUET_OK;
}

static duet_status read_row(const duet_safetensors *file, const char *name, json_t *entry, duet_tensor_row *row,
                            duet_error *error)
{
    const char *type_name = "";
    json_t *dims = NULL;
    json_int_t from = 0, to = 0;
    errno = 0;
    if (json_unpack(entry, "{s:s, s:o, s:[I, I!]}", "dtype", &type_name, "shape", &dims, "data_offsets", &from, &to) !=
        0)
        return errno == ENOMEM ? out_of_memory(file->path, error)
                               : damaged_tensor(file, error, name, "has no dtype, shape and data_offsets");
    size_t type = 0, bytes;
    while (type < TYPES && strcmp(types[type].name, type_name) != 0) type++;
    if (type == TYPES) return damaged_tensor(file, error, name, "is neither F32 nor U32");
    *row = (duet_tensor_row){.name = name, .type = types[type].type};
    if (read_shape(dims, &row->shape) != DUET_OK || !tensor_bytes(row->shape, types[type].size, &bytes))
        return damaged_tensor(file, error, name, "has a shape that is none or too large");
    if (from < 0 || to < from || (uint64_t)to > file->data_bytes)
        return damaged_tensor(file, error, name, "lies outside the file");
    row->offset = (size_t)from;
    row->bytes = (size_t)(to - from);
    if (bytes != row->bytes) return damaged_tensor(file, error, name, "has a shape that does not fit its bytes");
    return DUET_OK;
}

static int by_offset(const void *a, const void *b)
{
    const duet_tensor_row *x = a, *y = b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes; /* an empty tensor comes before one with the same offset */
}

static duet_status read_rows(duet_safetensors *file, duet_error *error)
{
    json_error_t fault;
    file->header = duet_json_read(file->text, file->header_bytes, JSON_REJECT_DUPLICATES, &fault);
    if (file->header == NULL && errno == ENOMEM) return out_of_memory(file->path, error);
    if (!json_is_object(file->header))
        return damaged(file, error, file->header == NULL ? fault.text : "its header is not a JSON object");
    file->rows = calloc(json_object_size(file->header) + 1, sizeof *file->rows);
    if (file->rows == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", file->path);
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) continue;
        DUET_TRY(read_row(file, name, entry, &file->rows[file->count], error));
        file->count++;
    }
    qsort(file->rows, file->count, sizeof *file->rows, by_offset);
    size_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        if (file->rows[i].offset != at)
            return damaged_tensor(file, error, file->rows[i].name, "overlaps the one before it or leaves a hole");
        at += file->rows[i].bytes;
    }
    return at == file->data_bytes ? DUET_OK : damaged(file, error, "there are bytes after its last tensor");
}

duet_status duet_safetensors_open(duet_safetensors **opened, const char *path, duet_error *error)
{
    uint64_t size = 0;
    *opened = NULL;
    duet_safetensors *file = calloc(1, sizeof *file);
    if (file != NULL) file->path = strdup(path);
    if (file == NULL || file->path == NULL) {
        free(file);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path);
    }
    duet_status status = open_stream(file, &size, error);
    if (status == DUET_OK) status = read_header(file, size, error);
    if (status == DUET_OK) status = read_rows(file, error);
    if (status == DUET_OK) status = check_checksum(file, error);
    if (status == DUET_OK)
        *opened = file;
    else
        duet_safetensors_close(&file);
    return status;
}

void duet_safetensors_close(duet_safetensors **file)
{
    if (file == NULL || *file == NULL) return;
    if ((*file)->stream != NULL) (void)fclose((*file)->stream);
    json_decref((*file)->header);
    free((*file)->rows);
    free((*file)->text);
    free((*file)->path);
    free(*file);
    *file = NULL;
}

const char *duet_safetensors_metadata(const duet_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

const duet_tensor_row *duet_safetensors_at(const duet_safetensors *file, size_t index)
{
    return index < file->count ? &file->rows[index] : NULL;
}

const duet_tensor_row *duet_safetensors_find(const duet_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->rows[i].name, name) == 0) return &file->rows[i];
    return NULL;
}

duet_status duet_safetensors_read(duet_safetensors *file, const duet_tensor_row *row, void *values, duet_error *error)
{
    if (fseek(file->stream, (long)(LENGTH_BYTES + file->header_bytes + row->offset), SEEK_SET) != 0)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read: %s", file->path, strerror(errno));
    return read_bytes(file, values, row->bytes, error);
}
