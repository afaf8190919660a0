/* SPDX-License-Identifier: MIT */
/* Checkpoint files: tensors come back as they were written, and a file that is damaged or malformed in any way is
 * refused. */
#include "written_files.h"

#include <errno.h>
#include <zlib.h>

#include "run/safetensors.h"

static duet_status copy_values(void *context, void *values, size_t bytes, duet_error *error)
{
    (void)error;
    memcpy(values, context, bytes);
    return DUET_OK;
}

static float weights[6] = {1, -2, 0.5f, 1e-30f, 3e30f, -0.0f};
static uint32_t counters[2] = {7, 0xFFFFFFFFu};
static float scalar[1] = {0.25f};
static const duet_tensor_source tensors[] = {
    {"encoder.hidden.weight", DUET_FLOAT32, {2, {2, 3}}, copy_values, weights},
    {"empty", DUET_FLOAT32, {2, {0, 3}}, copy_values, weights},
    {"trainer.step", DUET_UINT32, {1, {2}}, copy_values, counters},
    {"trainer.\"rate\" \xc3\xa4", DUET_FLOAT32, {0, {0}}, copy_values, scalar},
};
enum { TENSORS = sizeof tensors / sizeof *tensors };
static const duet_metadata metadata[] = {{"duet.model", "vae"}, {"note", "\"duet.crc32\":\"\" {\"a\": 1}\n"}};

static void write_sound(const char *name)
{
    duet_error error = {0};
    assert_ok(duet_safetensors_write(in_folder(name), tensors, TENSORS, metadata, 2, &error), &error);
}

static void tensors_come_back(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_safetensors *file = NULL;
    write_sound("a");
    assert_ok(duet_safetensors_open(&file, in_folder("a"), &error), &error);
    assert_string_equal(duet_safetensors_metadata(file, "duet.model"), "vae");
    assert_string_equal(duet_safetensors_metadata(file, "note"), metadata[1].value);
    assert_null(duet_safetensors_metadata(file, "other"));
    assert_null(duet_safetensors_find(file, "other"));
    assert_null(duet_safetensors_find(file, "__metadata__"));
    assert_non_null(duet_safetensors_at(file, TENSORS - 1));
    assert_null(duet_safetensors_at(file, TENSORS));
    for (size_t i = TENSORS; i-- > 0;) {
        uint8_t values[64];
        const duet_tensor_row *row = duet_safetensors_find(file, tensors[i].name);
        assert_non_null(row);
        assert_int_equal(row->type, tensors[i].type);
        assert_int_equal(row->shape.rank, tensors[i].shape.rank);
        for (size_t k = 0; k < row->shape.rank; k++) assert_int_equal(row->shape.dims[k], tensors[i].shape.dims[k]);
        assert_int_equal(row->bytes, 4 * duet_shape_elements(row->shape));
        assert_ok(duet_safetensors_read(file, row, values, &error), &error);
        assert_memory_equal(values, tensors[i].context, row->bytes);
    }
    duet_safetensors_close(&file);
    assert_null(file);

    size_t size, again;
    char *first = test_file_read(in_folder("a"), &size);
    write_sound("b");
    char *second = test_file_read(in_folder("b"), &again);
    assert_int_equal(size, again);
    assert_memory_equal(first, second, size);
    free(first);
    free(second);
}

static duet_status read_fault(void *context, void *values, size_t bytes, duet_error *error)
{
    (void)context;
    (void)values;
    (void)bytes;
    if (error == NULL) return DUET_ERROR_DEVICE;
    error->status = DUET_ERROR_DEVICE;
    (void)snprintf(error->message, sizeof error->message, "the device is gone");
    return DUET_ERROR_DEVICE;
}

static void unwritable_tensors(void **state)
{
    (void)state;
    static const struct {
        duet_tensor_source tensors[2];
        size_t count;
        duet_metadata metadata;
        duet_status status;
        const char *piece;
    } cases[] = {
        {{{"a", DUET_FLOAT32, {1, {1}}, copy_values, weights}, {"a", DUET_FLOAT32, {1, {1}}, copy_values, weights}},
         2,
         {"k", "v"},
         DUET_ERROR_USAGE,
         "two tensors"},
        {{{"a", DUET_UINT8, {1, {1}}, copy_values, weights}}, 1, {"k", "v"}, DUET_ERROR_USAGE, "neither float32"},
        {{{"a\xff", DUET_FLOAT32, {1, {1}}, copy_values, weights}}, 1, {"k", "v"}, DUET_ERROR_USAGE, "UTF-8"},
        {{{"a", DUET_FLOAT32, {1, {1}}, copy_values, weights}}, 1, {"k", "\xff"}, DUET_ERROR_USAGE, "UTF-8"},
        {{{"a", DUET_FLOAT32, {1, {1}}, copy_values, weights}}, 1, {"duet.crc32", "1"}, DUET_ERROR_USAGE, "used once"},
        {{{"a", DUET_FLOAT32, {2, {SIZE_MAX / 2, 2}}, copy_values, weights}},
         1,
         {"k", "v"},
         DUET_ERROR_MEMORY,
         "overflows"},
        {{{"a", DUET_FLOAT32, {1, {1}}, read_fault, NULL}}, 1, {"k", "v"}, DUET_ERROR_DEVICE, "the device is gone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        duet_error error = {0};
        test_file_write(in_folder("a"), "old", 3);
        assert_status(
            duet_safetensors_write(in_folder("a"), cases[i].tensors, cases[i].count, &cases[i].metadata, 1, &error),
            cases[i].status, &error);
        assert_message(&error, cases[i].piece);
        assert_holds("a", "old");
        assert_int_equal(count_files(), 1);
        assert_int_equal(
            duet_safetensors_write(in_folder("a"), cases[i].tensors, cases[i].count, &cases[i].metadata, 1, NULL),
            cases[i].status);
    }
}

static void assert_damaged(const char *title, const void *bytes, size_t size, const char *piece)
{
    duet_error error = {0};
    duet_safetensors *file = NULL;
    test_file_write(in_folder("damaged"), bytes, size);
    duet_status status = duet_safetensors_open(&file, in_folder("damaged"), &error);
    if (status != DUET_ERROR_DATA || file != NULL || strstr(error.message, piece) == NULL)
        fail_msg("%s: status %s: %s (expected: %s)", title, duet_status_name(status), error.message, piece);
}

/* Cut anywhere, with any bit turned or with a byte more, it is refused. */
static void damaged_checkpoints_are_refused(void **state)
{
    (void)state;
    size_t size;
    char title[64];
    write_sound("a");
    char *bytes = test_file_read(in_folder("a"), &size);
    assert_damaged("a byte more", bytes, size + 1, "bytes after its last tensor"); /* test_file_read ends with a zero */
    for (size_t length = 0; length < size; length++) {
        (void)snprintf(title, sizeof title, "cut to %zu bytes", length);
        assert_damaged(title, bytes, length, "not a whole checkpoint");
    }
    for (size_t i = 0; i < 8 * size; i++) {
        bytes[i / 8] ^= (char)(1 << i % 8);
        (void)snprintf(title, sizeof title, "bit %zu turned", i);
        assert_damaged(title, bytes, size, "not a whole checkpoint");
        bytes[i / 8] ^= (char)(1 << i % 8);
    }
    bytes[size - 1] ^= 1;
    assert_damaged("last byte", bytes, size, "do not give the checksum");
    free(bytes);
}

/* Files made by hand with the right checksum, so that the other checks are seen. "%s" stands for the metadata. */
static const struct {
    const char *header;
    size_t data; /* bytes after it */
    const char *piece;
} malformed[] = {
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
     12, "\"b\" overlaps the one before it"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
     12, "leaves a hole"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     4, "duplicate"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8, "bytes after its last tensor"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "lies outside the file"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "lies outside the file"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "lies outside the file"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,9223372036854775807]}}", 4, "lies outside"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "does not fit its bytes"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}}", 4, "too large"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "shape that is none"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "shape that is none"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "shape that is none"},
    {"{%s,\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "neither F32 nor U32"},
    {"{%s,\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "has no dtype, shape and data_offsets"},
    {"{%s,\"a\":7}", 4, "has no dtype, shape and data_offsets"},
    {"[%s]", 0, "not a whole checkpoint"},
    {"[{%s}]", 0, "not a JSON object"},
    {"{%s", 0, "not a whole checkpoint"},
    {"{\"other\":{}}", 0, "has no dtype"},
    {"{\"__metadata__\":{\"format\":\"pt\"}}", 0, "no entry duet.crc32"},
};

static void malformed_headers_are_refused(void **state)
{
    (void)state;
    static const char entry[] = "\"__metadata__\":{\"duet.crc32\":\"00000000\"}";
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        uint8_t bytes[1024] = {0};
        char digits[9];
        char *header = (char *)bytes + 8;
        const char *gap = strstr(malformed[i].header, "%s");
        if (gap == NULL) gap = malformed[i].header + strlen(malformed[i].header);
        size_t length = (size_t)snprintf(header, 1000, "%.*s%s%s", (int)(gap - malformed[i].header),
                                         malformed[i].header, *gap != '\0' ? entry : "", *gap != '\0' ? gap + 2 : "");
        bytes[0] = (uint8_t)length;
        bytes[1] = (uint8_t)(length >> 8);
        memset(header + length, 0, malformed[i].data);
        size_t size = 8 + length + malformed[i].data;
        (void)snprintf(digits, sizeof digits, "%08lx", crc32(0, bytes, (unsigned)size) & 0xFFFFFFFFuL);
        char *place = strstr(header, "00000000");
        if (place != NULL) memcpy(place, digits, 8);
        assert_damaged(malformed[i].header, bytes, size, malformed[i].piece);
    }
    assert_damaged("header too long", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "claims 18446744073709551615 bytes");
    assert_damaged("header one too long", "\x03\0\0\0\0\0\0\0{}", 10, "claims 3 bytes");
    assert_damaged("empty", "", 0, "before the length of its header");

    duet_error error = {0};
    duet_safetensors *file = NULL;
    assert_status(duet_safetensors_open(&file, in_folder("missing"), &error), DUET_ERROR_FILE, &error);
    assert_message(&error, strerror(ENOENT));
    error = (duet_error){0};
    assert_status(duet_safetensors_open(&file, folder, &error), DUET_ERROR_FILE, &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(tensors_come_back),
        IN_FOLDER(unwritable_tensors),
        IN_FOLDER(damaged_checkpoints_are_refused),
        IN_FOLDER(malformed_headers_are_refused),
    };
    return RUN_TESTS("safetensors", tests, NULL, NULL);
}
