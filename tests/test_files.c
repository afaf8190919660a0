/* Files that Duet writes: whole or not there, and read back only when they are what was written. */
#include "folder.h"

#include <errno.h>
#include <png.h>
#include <signal.h>
#include <sys/resource.h>
#include <zlib.h>

#include "base/file.h"
#include "duet/report.h"
#include "run/safetensors.h"

/* How many files the folder holds: nothing temporary may stay. */
static size_t count_files(void)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) count += entry->d_name[0] != '.';
    assert_int_equal(closedir(entries), 0);
    return count;
}

static void assert_holds(const char *name, const char *text)
{
    size_t size;
    char *bytes = test_file_read(in_folder(name), &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    free(bytes);
}

/* Everything that writes a file, in one table: each must fail alike. */

static duet_status write_text(const char *path, duet_error *error)
{
    static char bytes[100000];
    return duet_file_replace(path, bytes, sizeof bytes, error);
}

static duet_status write_array(const char *path, duet_error *error)
{
    static float values[25000];
    return duet_write_npy(path, values, DUET_SHAPE(250, 100), error);
}

/* Noise, which does not compress. */
static float *noise(size_t count)
{
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    uint32_t word = 1;
    for (size_t i = 0; i < count; i++) {
        word = word * 1664525u + 1013904223u;
        values[i] = (float)(word >> 8) * 0x1p-24f;
    }
    return values;
}

static duet_status write_grid(const char *path, duet_error *error)
{
    float *values = noise(64 * 64 * 64);
    duet_status status = duet_write_png_grid(path, values, 64, DUET_SHAPE(64, 64, 1), 8, error);
    free(values);
    return status;
}

static duet_status write_points(const char *path, duet_error *error)
{
    float *values = noise(20000);
    duet_status status = duet_write_png_points(path, values, 10000, 2, NULL, 0, error);
    free(values);
    return status;
}

static duet_status read_zeros(void *context, void *values, size_t bytes, duet_error *error)
{
    (void)context;
    (void)error;
    memset(values, 0, bytes);
    return DUET_OK;
}

static duet_status write_tensors(const char *path, duet_error *error)
{
    const duet_tensor_source tensor = {"group.layer.weight", DUET_FLOAT32, DUET_SHAPE(250, 100), read_zeros, NULL};
    return duet_safetensors_write(path, &tensor, 1, NULL, 0, error);
}

static const struct {
    const char *name;
    duet_status (*write)(const char *path, duet_error *error);
} writers[] = {{"text", write_text},
               {"npy", write_array},
               {"png grid", write_grid},
               {"png points", write_points},
               {"safetensors", write_tensors}};
enum { WRITERS = sizeof writers / sizeof *writers };

static void writers_replace(void **state)
{
    (void)state;
    for (size_t i = 0; i < WRITERS; i++) {
        duet_error error = {0};
        struct stat about;
        test_file_write(in_folder("file"), "old", 3);
        assert_ok(writers[i].write(in_folder("file"), &error), &error);
        assert_int_equal(stat(in_folder("file"), &about), 0);
        assert_true(about.st_size > 10000);
        assert_int_equal(count_files(), 1);
    }
}

/* A disk that is full after `limit` bytes: the old file stays whole and nothing else is left. */
static void full_disk(void **state)
{
    (void)state;
    static const rlim_t limits[] = {0, 1, 100, 4096, 9000};
    struct rlimit kept;
    test_file_write(in_folder("file"), "old", 3);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < WRITERS * 5; i++) {
        duet_error error = {0};
        struct rlimit small = {limits[i % 5], kept.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        duet_status status = writers[i / 5].write(in_folder("file"), &error);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
        if (status != DUET_ERROR_FILE) fail_msg("%s: status %s", writers[i / 5].name, duet_status_name(status));
        assert_message(&error, in_folder("file"));
        assert_message(&error, strerror(EFBIG));
        assert_holds("file", "old");
        assert_int_equal(count_files(), 1);
    }
    (void)signal(SIGXFSZ, handler);
}

static void unwritable_places(void **state)
{
    (void)state;
    static const char *const paths[] = {"/proc/duet.png", "/no-such-folder/duet.png", "/dev/null/duet.png"};
    for (size_t i = 0; i < WRITERS * 3; i++) {
        duet_error error = {0};
        assert_status(writers[i / 3].write(paths[i % 3], &error), DUET_ERROR_FILE, &error);
        assert_message(&error, paths[i % 3]);
        assert_message(&error, "cannot be written");
    }
    duet_error error = {0};
    assert_int_equal(mkdir(in_folder("file"), 0777), 0);
    assert_status(write_text(in_folder("file"), &error), DUET_ERROR_FILE, &error);
    assert_message(&error, strerror(EISDIR));
    assert_int_equal(count_files(), 1);
}

static void discarded_file(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_file file = {0};
    test_file_write(in_folder("file"), "old", 3);
    assert_ok(duet_file_create(&file, in_folder("file"), &error), &error);
    assert_ok(duet_file_write(&file, "new", 3, &error), &error);
    assert_int_equal(count_files(), 2);
    duet_file_discard(&file);
    duet_file_discard(&file);
    assert_holds("file", "old");
    assert_int_equal(count_files(), 1);
    test_file_write(in_folder("file.tmp"), "what a killed writer left", 25);
    assert_ok(duet_file_replace(in_folder("file"), "new", 3, &error), &error);
    assert_holds("file", "new");
    assert_int_equal(count_files(), 1);
}

/* Arrays and pictures. */

static void npy_bytes(void **state)
{
    (void)state;
    const float values[6] = {0, 1, -2.5f, 3, 4, 5};
    static const struct {
        duet_shape shape;
        const char *text;
    } cases[] = {{{2, {2, 3}}, "'shape': (2, 3), }"},
                 {{1, {6}}, "'shape': (6,), }"},
                 {{0, {0}}, "'shape': (), }"},
                 {{6, {1, 1, 2, 1, 3, 1}}, "'shape': (1, 1, 2, 1, 3, 1), }"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        duet_error error = {0};
        size_t size, bytes = duet_shape_elements(cases[i].shape) * sizeof *values;
        assert_ok(duet_write_npy(in_folder("a.npy"), values, cases[i].shape, &error), &error);
        char *file = test_file_read(in_folder("a.npy"), &size);
        assert_memory_equal(file, "\x93NUMPY\x01\x00", 8);
        size_t header = 10 + (size_t)(unsigned char)file[8] + 256 * (size_t)(unsigned char)file[9];
        assert_int_equal(header % 64, 0);
        assert_int_equal(size, header + bytes);
        assert_int_equal(file[header - 1], '\n');
        assert_memory_equal(file + header, values, bytes);
        assert_non_null(strstr(file + 10, "{'descr': '<f4', 'fortran_order': False, "));
        assert_non_null(strstr(file + 10, cases[i].text));
        free(file);
    }
}

/* Reads a PNG file as RGB or grey bytes; the caller frees them. */
static uint8_t *read_png(const char *name, png_uint_32 format, size_t *width, size_t *height)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_int_equal(png_image_begin_read_from_file(&image, in_folder(name)), 1);
    assert_int_equal(image.format, format);
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    assert_non_null(pixels);
    assert_int_equal(png_image_finish_read(&image, NULL, pixels, 0, NULL), 1);
    *width = image.width;
    *height = image.height;
    return pixels;
}

static void grid_pixels(void **state)
{
    (void)state;
    duet_error error = {0};
    size_t width, height;
    /* three pictures of 28 x 14 pixels, twice enlarged, two a row */
    float values[3 * 28 * 14];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) values[i] = (float)(i % 256) / 255;
    values[0] = -1;
    values[1] = 7;
    values[2] = NAN;
    assert_ok(duet_write_png_grid(in_folder("a.png"), values, 3, DUET_SHAPE(28, 14, 1), 2, &error), &error);
    uint8_t *pixels = read_png("a.png", PNG_FORMAT_GRAY, &width, &height);
    assert_int_equal(width, 2 * 14 * 2 + 1);
    assert_int_equal(height, 2 * 28 * 2 + 1);
    assert_int_equal(pixels[0], 0);
    assert_int_equal(pixels[2], 255);
    assert_int_equal(pixels[4], 0);
    for (size_t i = 0; i < 3 * 28 * 14; i++) {
        size_t picture = i / (28 * 14), y = i / 14 % 28, x = i % 14;
        size_t at = (picture / 2 * 57 + 2 * y) * width + picture % 2 * 29 + 2 * x;
        if (i > 2) assert_int_equal(pixels[at], i % 256);
        assert_true(pixels[at] == pixels[at + 1] && pixels[at] == pixels[at + width + 1]);
    }
    for (size_t y = 0; y < height; y++) assert_int_equal(pixels[y * width + 28], 255);
    assert_int_equal(pixels[(height - 1) * width + width - 1], 255); /* no fourth picture */
    free(pixels);

    /* colour, large enough already, fewer pictures than columns */
    assert_ok(duet_write_png_grid(in_folder("b.png"), values, 1, DUET_SHAPE(2, 60, 3), 8, &error), &error);
    pixels = read_png("b.png", PNG_FORMAT_RGB, &width, &height);
    assert_int_equal(width, 60);
    assert_int_equal(height, 2);
    for (size_t i = 3; i < 360; i++) assert_int_equal(pixels[i], i % 256);
    free(pixels);
}

/* Three pairs of 60 x 1 pixels, two a row: originals above, the last place empty. */
static void drawn_examples(void **state)
{
    (void)state;
    enum { TALL = 60, COUNT = 3 };
    static const size_t columns[] = {0, 1, 0}, rows[] = {0, 0, 2};
    duet_error error = {0};
    size_t width, height;
    float originals[COUNT * TALL], values[COUNT * TALL];
    for (size_t i = 0; i < COUNT * TALL; i++) {
        originals[i] = (float)i / (COUNT * TALL);
        values[i] = -1 + 4 * (float)i / (COUNT * TALL - 1); /* -1 .. 3 */
    }
    values[1] = NAN;
    values[2] = INFINITY;
    duet_drawing drawing = {DUET_SHAPE(TALL, 1, 1), false, values, COUNT, originals, COUNT, 2};
    for (int unit_range = 0; unit_range < 2; unit_range++) {
        drawing.unit_range = unit_range == 1;
        assert_ok(duet_write_png_examples(in_folder("a.png"), &drawing, &error), &error);
        uint8_t *pixels = read_png("a.png", PNG_FORMAT_GRAY, &width, &height);
        assert_int_equal(width, 3);
        assert_int_equal(height, 4 * TALL + 3);
        for (size_t i = 0; i < COUNT * TALL; i++) {
            size_t at = (rows[i / TALL] * (TALL + 1) + i % TALL) * width + 2 * columns[i / TALL];
            double low = unit_range ? 0 : -1, high = unit_range ? 1 : 3;
            double original = (originals[i] - low) / (high - low), value = (values[i] - low) / (high - low);
            assert_close(pixels[at], 255 * original, 0.51);
            if (i == 1 || i == 2) value = i == 2; /* neither takes part in the range; infinity is white */
            assert_close(pixels[at + (TALL + 1) * width], 255 * fmin(fmax(value, 0), 1), 0.51);
        }
        assert_int_equal(pixels[(2 * (TALL + 1)) * width + 2], 0);
        free(pixels);
    }

    /* All alike: grey. A pair too few. No picture, no points. */
    for (size_t i = 0; i < COUNT * TALL; i++) values[i] = 7;
    drawing = (duet_drawing){DUET_SHAPE(TALL, 1, 1), false, values, COUNT, NULL, 0, 8};
    assert_ok(duet_write_png_examples(in_folder("a.png"), &drawing, &error), &error);
    uint8_t *pixels = read_png("a.png", PNG_FORMAT_GRAY, &width, &height);
    assert_int_equal(width, 5);
    assert_in_range(pixels[0], 127, 128);
    free(pixels);
    drawing.originals = originals;
    drawing.original_count = COUNT - 1;
    assert_status(duet_write_png_examples(in_folder("a.png"), &drawing, &error), DUET_ERROR_USAGE, &error);
    error = (duet_error){0};
    drawing = (duet_drawing){DUET_SHAPE(4), true, values, COUNT, NULL, 0, 8};
    assert_status(duet_write_png_examples(in_folder("a.png"), &drawing, &error), DUET_ERROR_USAGE, &error);

    /* Two numbers are points, what they stand against behind them. */
    error = (duet_error){0};
    size_t bytes, other_bytes;
    drawing = (duet_drawing){DUET_SHAPE(2), false, values, COUNT, originals, 2 * COUNT, 0};
    assert_ok(duet_write_png_examples(in_folder("a.png"), &drawing, &error), &error);
    char *drawn = test_file_read(in_folder("a.png"), &bytes);
    assert_ok(duet_write_png_points(in_folder("a.png"), values, COUNT, 2, originals, 2 * COUNT, &error), &error);
    char *points = test_file_read(in_folder("a.png"), &other_bytes);
    assert_int_equal(bytes, other_bytes);
    assert_memory_equal(drawn, points, bytes);
    free(drawn);
    free(points);
}

static void wrong_pictures(void **state)
{
    (void)state;
    const float values[12] = {0};
    static const struct {
        duet_shape shape;
        size_t count, columns;
    } cases[] = {{{3, {2, 2, 2}}, 1, 1}, {{2, {2, 2}}, 1, 1},    {{3, {0, 2, 1}}, 1, 1},
                 {{3, {2, 2, 1}}, 0, 1}, {{3, {2, 2, 1}}, 1, 0}, {{3, {SIZE_MAX / 4, 2, 1}}, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        duet_error error = {0};
        assert_status(
            duet_write_png_grid(in_folder("a.png"), values, cases[i].count, cases[i].shape, cases[i].columns, &error),
            DUET_ERROR_USAGE, &error);
    }
    duet_error error = {0};
    assert_status(duet_write_png_points(in_folder("a.png"), values, 4, 3, NULL, 0, &error), DUET_ERROR_USAGE, &error);
    assert_int_equal(count_files(), 0);
}

/* The colours at three places of a picture: where the points are, where the reference is, where nothing is. */
static void points_pixels(void **state)
{
    (void)state;
    duet_error error = {0};
    size_t width, height;
    const float reference[8] = {-1, -1, 1, -1, -1, 1, 1, 1}, points[6] = {0.5f, 0.5f, 1e30f, 0, NAN, 0};
    assert_ok(duet_write_png_points(in_folder("a.png"), points, 3, 2, reference, 4, &error), &error);
    uint8_t *pixels = read_png("a.png", PNG_FORMAT_RGB, &width, &height);
    assert_true(width == height && width >= 256);
    const double scale = (double)width / 2.6; /* pixels a unit: the frame is -1.3 .. 1.3 */
#define PIXEL(x, y) (pixels + 3 * ((size_t)((1.3 - (y)) * scale) * width + (size_t)((1.3 + (x)) * scale)))
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *corner = PIXEL(reference[2 * i], reference[2 * i + 1]);
        assert_true(corner[0] < 230 && corner[0] == corner[2]);
    }
    assert_true(PIXEL(0.5, 0.5)[2] > PIXEL(0.5, 0.5)[0] + 50); /* blue */
    assert_true(PIXEL(1.299, 0)[2] > PIXEL(1.299, 0)[0] + 50); /* held at the edge */
    assert_int_equal(PIXEL(0.5, -0.5)[0], 255);
    free(pixels);

    const float line[3] = {-1, 1, 1};
    assert_ok(duet_write_png_points(in_folder("b.png"), line, 3, 1, NULL, 0, &error), &error);
    pixels = read_png("b.png", PNG_FORMAT_RGB, &width, &height);
    size_t tall[2] = {0};
    for (size_t y = 0; y < height; y++)
        for (size_t side = 0; side < 2; side++) {
            const uint8_t *pixel = pixels + 3 * (y * width + (size_t)((side == 0 ? 0.3 : 2.3) * scale));
            tall[side] += pixel[2] > pixel[0] + 50;
        }
    assert_in_range(tall[0], height / 3, height / 2);
    assert_in_range(tall[1], 2 * tall[0] - 1, 2 * tall[0] + 1);
    free(pixels);
    assert_ok(duet_write_png_points(in_folder("c.png"), NULL, 0, 2, NULL, 0, &error), &error);
    assert_ok(duet_write_png_points(in_folder("c.png"), NULL, 0, 1, NULL, 0, &error), &error);
}

/* Safetensors. */

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
        IN_FOLDER(writers_replace),
        IN_FOLDER(full_disk),
        IN_FOLDER(unwritable_places),
        IN_FOLDER(discarded_file),
        IN_FOLDER(npy_bytes),
        IN_FOLDER(grid_pixels),
        IN_FOLDER(drawn_examples),
        IN_FOLDER(wrong_pictures),
        IN_FOLDER(points_pixels),
        IN_FOLDER(tensors_come_back),
        IN_FOLDER(unwritable_tensors),
        IN_FOLDER(damaged_checkpoints_are_refused),
        IN_FOLDER(malformed_headers_are_refused),
    };
    return RUN_TESTS("files", tests, NULL, NULL);
}
