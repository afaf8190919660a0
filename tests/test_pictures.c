/* SPDX-License-Identifier: MIT */
/* Arrays and pictures that Duet writes, read back number by number and pixel by pixel. */
#include "written_files.h"

#include <png.h>

#include "duet/report.h"
#include "report/lettering.h"

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

/* Pixels of one grey in a part of a picture. */
static size_t count_grey(const uint8_t *pixels, size_t width, size_t left, size_t top, size_t right, size_t bottom,
                         uint8_t grey)
{
    size_t count = 0;
    for (size_t y = top; y < bottom; y++)
        for (size_t x = left; x < right; x++) {
            const uint8_t *pixel = pixels + 3 * (y * width + x);
            count += pixel[0] == grey && pixel[1] == grey && pixel[2] == grey;
        }
    return count;
}

/* The frame is that of the reference: what lies outside makes no bar at its edge. */
static void bars_at_the_edge_are_those_of_the_edge(void **state)
{
    (void)state;
    duet_error error = {0};
    size_t width, height;
    const float reference[3] = {-1, 1, 0}, values[4] = {0.5f, 40, 50, -60};
    assert_ok(duet_write_png_points(in_folder("a.png"), values, 4, 1, reference, 3, &error), &error);
    uint8_t *pixels = read_png("a.png", PNG_FORMAT_RGB, &width, &height);
    const size_t low = height - 2; /* a row that every bar reaches */
    assert_int_equal(pixels[3 * (low * width + 2)], 255);
    assert_int_equal(pixels[3 * (low * width + width - 3)], 255);
    const uint8_t *bar = pixels + 3 * (low * width + (size_t)(1.8 / 2.6 * (double)width));
    assert_true(bar[2] > bar[0] + 50);
    free(pixels);
}

/* Numbers along the edges say where the frame lies, and colours what they stand for. */
static void pictures_of_points_are_lettered(void **state)
{
    (void)state;
    enum { INK = 70, STRIP = 24, CORNER = 120 };
    duet_error error = {0};
    size_t width, height;
    const float points[8] = {-1, -1, 1, -1, -1, 1, 1, 1};
    const uint8_t labels[4] = {0, 3, 3, 7};
    for (size_t picture = 0; picture < 4; picture++) {
        const size_t dimensions = picture == 1 ? 1 : 2;
        if (picture < 3)
            assert_ok(duet_write_png_points(in_folder("a.png"), points, 4, dimensions, picture == 2 ? NULL : points,
                                            picture == 2 ? 0 : 4, &error),
                      &error);
        else
            assert_ok(duet_write_png_classes(in_folder("a.png"), points, labels, 4, &error), &error);
        uint8_t *pixels = read_png("a.png", PNG_FORMAT_RGB, &width, &height);
        const size_t top = dimensions == 1 ? 0 : height - STRIP;
        assert_true(count_grey(pixels, width, STRIP, top, width - CORNER, top + STRIP, INK) > 60);
        if (dimensions == 2) assert_true(count_grey(pixels, width, 0, CORNER, 3 * STRIP, height - STRIP, INK) > 60);
        const size_t said =
            count_grey(pixels, width, width - CORNER, dimensions == 1 ? STRIP : 0, width, 3 * STRIP, INK);
        assert_true(picture == 2 ? said == 0 : said > 30); /* alone, there is nothing to tell apart */
        free(pixels);
    }
}

/* Far from zero they are as long as it takes to tell neighbours apart: "1e+06" is 60 pixels wide. */
static void numbers_of_a_picture_differ(void **state)
{
    (void)state;
    enum { INK = 70, STRIP = 24, SHORT = 66, LONG = 112 };
    duet_error error = {0};
    size_t width, height;
    const float points[4] = {1000000, 1000001, 1000000.5f, 1000000.25f};
    assert_ok(duet_write_png_points(in_folder("a.png"), points, 2, 2, NULL, 0, &error), &error);
    uint8_t *pixels = read_png("a.png", PNG_FORMAT_RGB, &width, &height);
    assert_true(count_grey(pixels, width, SHORT, 0, LONG, height - STRIP, INK) > 60);
    free(pixels);
}

static void ticks_are_round(void **state)
{
    (void)state;
    assert_close(duet_tick_step(2.6, 6), 0.5, 1e-12);
    assert_close(duet_tick_step(6, 6), 1, 1e-12);
    assert_close(duet_tick_step(0.0011, 6), 0.0002, 1e-15);
    assert_close(duet_tick_step(5e6, 6), 1e6, 1e-6);
}

/* Rows at which a column of a picture has more blue than red (sign 1), or less (-1): their mean and number. */
static double find_line(const uint8_t *pixels, size_t width, size_t height, size_t column, int sign, size_t *count)
{
    double sum = 0;
    *count = 0;
    for (size_t y = 0; y < height; y++) {
        const uint8_t *pixel = pixels + 3 * (y * width + column);
        if (sign * (pixel[2] - pixel[0]) < 40) continue;
        sum += (double)y + 0.5;
        ++*count;
    }
    return sum / (double)*count;
}

/* A straight line in each of two panels, the lower one half as high as its panel reaches, with a hole. */
static void lines_pixels(void **state)
{
    (void)state;
    enum { POINTS = 5 };
    duet_error error = {0};
    size_t width, height, count;
    const float rising[POINTS] = {0, 1, 2, 3, 4}, level[POINTS] = {0.5f, 0.5f, NAN, 0.5f, 0.5f};
    const duet_line lines[] = {{rising, 1, 0, 0}, {level, 2, 1, 1}};
    assert_ok(duet_write_png_lines(in_folder("a.png"), lines, 2, POINTS, &error), &error);
    uint8_t *pixels = read_png("a.png", PNG_FORMAT_RGB, &width, &height);
    /* The border, and the gap between the panels, are seen at the lines' ends. */
    double left = find_line(pixels, width, height, 17, 1, &count), middle, right;
    assert_in_range(count, 1, 5);
    right = find_line(pixels, width, height, width - 18, 1, &count);
    middle = find_line(pixels, width, height, width / 2, 1, &count);
    assert_true(left > right + 200);
    assert_close(middle, (left + right) / 2, 1);
    double panel = left - right, lower = find_line(pixels, width, height, width / 8, -1, &count);
    assert_in_range(count, 1, 5);
    assert_true(lower > left);
    assert_close(find_line(pixels, width, height, width - width / 8, -1, &count), lower, 0.01);
    assert_close((double)height - 16 - lower, panel / 2, 3); /* half of what it reaches to */
    (void)find_line(pixels, width, height, width / 2, -1, &count);
    assert_int_equal(count, 0); /* the hole */
    free(pixels);
    assert_status(duet_write_png_lines(in_folder("a.png"), lines, 2, 1, &error), DUET_ERROR_USAGE, &error);
    duet_line far = lines[0];
    far.panel = SIZE_MAX;
    error = (duet_error){0};
    assert_status(duet_write_png_lines(in_folder("a.png"), &far, 1, POINTS, &error), DUET_ERROR_USAGE, &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(npy_bytes),
        IN_FOLDER(grid_pixels),
        IN_FOLDER(drawn_examples),
        IN_FOLDER(wrong_pictures),
        IN_FOLDER(points_pixels),
        IN_FOLDER(lines_pixels),
        IN_FOLDER(bars_at_the_edge_are_those_of_the_edge),
        IN_FOLDER(pictures_of_points_are_lettered),
        IN_FOLDER(numbers_of_a_picture_differ),
        cmocka_unit_test(ticks_are_round),
    };
    return RUN_TESTS("pictures", tests, NULL, NULL);
}
