/* SPDX-License-Identifier: MIT */
/* Folders and archives of pictures: each kind of file by its rule, sizes, classes, splits, and what is refused. */
#include "picture_files.h"

/* Opens the folder's set and reads all of its training examples, then those of the test split, as bytes. */
static duet_data *open_and_read(const char *name, uint8_t *bytes, size_t capacity)
{
    duet_error error = {0};
    duet_data *data = open_sound(name);
    const duet_data_info *info = duet_data_describe(data);
    size_t elements = duet_shape_elements(info->shape), total = (info->count[0] + info->count[1]) * elements, at = 0;
    assert_in_range(total, 1, capacity);
    float *values = malloc(total * sizeof *values);
    assert_non_null(values);
    for (size_t split = 0; split < 2; split++) {
        assert_ok(duet_data_read(data, (duet_split)split, 0, info->count[split], values + at, &error), &error);
        at += info->count[split] * elements;
    }
    for (size_t i = 0; i < total; i++) bytes[i] = (uint8_t)(values[i] * 255 + 0.5f);
    free(values);
    return data;
}

static void assert_refused(const char *name, duet_status expected, const char *piece)
{
    duet_error error = {0};
    duet_data *data = NULL;
    duet_status status = duet_data_open_divided(&data, name, DUET_DIVISION_LAST, &error);
    if (status == DUET_OK) {
        float *values = malloc(1 << 22);
        for (int split = 0; status == DUET_OK && split < 2; split++)
            status = duet_data_read(data, (duet_split)split, 0, duet_data_describe(data)->count[split], values, &error);
        free(values);
    }
    duet_data_close(&data);
    assert_status(status, expected, &error);
    assert_message(&error, piece);
}

static const png_color two_colours[] = {{10, 20, 30}, {200, 100, 50}}, two_greys[] = {{7, 7, 7}, {99, 99, 99}};
static const uint8_t half = 128;
static const png_color_16 clear_grey = {.gray = 40};

/* Two pixels side by side, and what they become. */
static const struct {
    const char *title;
    png_file file;
    uint8_t pixels[8];
    size_t channels;
    uint8_t expected[6];
} kinds[] = {
    {"grey", {2, 1, 8, PNG_COLOR_TYPE_GRAY}, {5, 250}, 1, {5, 250}},
    {"grey of 1 bit", {2, 1, 1, PNG_COLOR_TYPE_GRAY}, {0x40}, 1, {0, 255}},
    {"grey of 4 bits", {2, 1, 4, PNG_COLOR_TYPE_GRAY}, {0x3F}, 1, {51, 255}},
    {"grey of 16 bits", {2, 1, 16, PNG_COLOR_TYPE_GRAY}, {100, 100, 200, 200}, 1, {100, 200}},
    {"16 bits are rounded", {2, 1, 16, PNG_COLOR_TYPE_GRAY}, {100, 230, 200, 199}, 1, {101, 200}},
    {"grey and alpha", {2, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA}, {50, 255, 50, 51}, 1, {50, 214}},
    {"grey, one of it clear", {2, 1, 8, PNG_COLOR_TYPE_GRAY, .clear = &clear_grey}, {40, 41}, 1, {255, 41}},
    {"colours", {2, 1, 8, PNG_COLOR_TYPE_RGB}, {1, 2, 3, 4, 5, 6}, 3, {1, 2, 3, 4, 5, 6}},
    {"colours, interlaced", {2, 1, 8, PNG_COLOR_TYPE_RGB, 1}, {1, 2, 3, 4, 5, 6}, 3, {1, 2, 3, 4, 5, 6}},
    {"colours and alpha",
     {2, 1, 8, PNG_COLOR_TYPE_RGB_ALPHA},
     {0, 100, 200, 0, 0, 100, 200, 255},
     3,
     {255, 255, 255, 0, 100, 200}},
    {"palette", {2, 1, 1, PNG_COLOR_TYPE_PALETTE, 0, two_colours, 2}, {0x40}, 3, {10, 20, 30, 200, 100, 50}},
    {"palette with alpha",
     {2, 1, 1, PNG_COLOR_TYPE_PALETTE, 0, two_colours, 2, &half},
     {0x40},
     3,
     {132, 137, 142, 200, 100, 50}},
    {"palette of greys", {2, 1, 1, PNG_COLOR_TYPE_PALETTE, 0, two_greys, 2}, {0x40}, 1, {7, 99}},
};

static void each_kind_of_png_is_read_by_its_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint8_t bytes[64];
        write_png_file("a.png", &kinds[i].file, kinds[i].pixels);
        write_png_file("b.PNG", &kinds[i].file, kinds[i].pixels);
        duet_data *data = open_and_read(folder, bytes, sizeof bytes);
        const duet_data_info *info = duet_data_describe(data);
        if (info->shape.dims[2] != kinds[i].channels || memcmp(bytes, kinds[i].expected, 2 * kinds[i].channels) != 0)
            fail_msg("%s: %zu channels, %u %u %u %u %u %u", kinds[i].title, info->shape.dims[2], bytes[0], bytes[1],
                     bytes[2], bytes[3], bytes[4], bytes[5]);
        assert_true(info->picture && info->unit_range && info->type == DUET_UINT8);
        assert_int_equal(info->classes, 0);
        duet_data_close(&data);
    }
}

/* A picture of 32 x 16 with a level of its own in each quarter, as a camera saved it. */
static void write_quarters(const char *name, unsigned orientation)
{
    uint8_t pixels[16 * 32];
    for (size_t y = 0; y < 16; y++)
        for (size_t x = 0; x < 32; x++) pixels[y * 32 + x] = (uint8_t)(40 + 160 * (y >= 8) + 40 * (x >= 16));
    write_jpeg_file(name, 32, 16, 1, pixels, orientation);
}

static void cameras_orientations_are_undone(void **state)
{
    (void)state;
    /* where the stored quarters (0 1 above 2 3) come to lie, read from the top left */
    static const char *const quarters[] = {"0123", "0123", "1032", "3210", "2301", "0213", "2031", "3120", "1302"};
    for (unsigned way = 0; way <= 8; way++) {
        uint8_t bytes[4 * 512];
        write_quarters("a.jpg", way);
        write_quarters("b.JPEG", way);
        write_quarters("c.Jpe", way);
        write_quarters("d.jfif", way);
        duet_data *data = open_and_read(folder, bytes, sizeof bytes);
        assert_int_equal(duet_data_describe(data)->count[DUET_TRAIN] + duet_data_describe(data)->count[DUET_TEST], 4);
        size_t height = duet_data_describe(data)->shape.dims[0], width = duet_data_describe(data)->shape.dims[1];
        assert_int_equal(height, way >= 5 ? 32 : 16);
        for (size_t q = 0; q < 4; q++) {
            size_t y = height / 4 + (q >= 2 ? height / 2 : 0), x = width / 4 + (q % 2 == 1 ? width / 2 : 0);
            int from = quarters[way][q] - '0';
            assert_close(bytes[y * width + x], 40 + 160 * (from >= 2) + 40 * (from % 2), 2);
        }
        duet_data_close(&data);
    }
}

/* Puts the orientation into a PNG file, in front of the pixels or behind them. */
static void add_exif(const char *name, unsigned orientation, bool behind)
{
    enum { HEADER = 33, END = 12 };
    size_t size;
    uint8_t chunk[] = {0, 0, 0, 26, 'e',  'X',  'I', 'f', 'M', 'M', 0, 42, 0, 0,
                       0, 8, 0, 1,  0x01, 0x12, 0,   3,   0,   0,   0, 1,  0, (uint8_t)orientation,
                       0, 0, 0, 0,  0,    0,    0,   0,   0,   0};
    const unsigned long sum = crc32(0, chunk + 4, 30);
    for (size_t i = 0; i < 4; i++) chunk[34 + i] = (uint8_t)(sum >> (24 - 8 * i));
    char *bytes = test_file_read(in_folder(name), &size);
    const size_t place = behind ? size - END : HEADER;
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, place, file), place);
    assert_int_equal(fwrite(chunk, 1, sizeof chunk, file), sizeof chunk);
    assert_int_equal(fwrite(bytes + place, 1, size - place, file), size - place);
    assert_int_equal(fclose(file), 0);
    free(bytes);
}

/* As ImageMagick leaves the orientation in a PNG file: behind the pixels, which may be many. */
static void orientations_of_png_files_are_undone(void **state)
{
    (void)state;
    static uint8_t pixels[250 * 400], bytes[2 * sizeof pixels];
    static const struct {
        unsigned width, height;
    } sizes[] = {{2, 3}, {400, 250}, {256, 256}};
    uint32_t noise = 1; /* which is not compressed */
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)((noise = noise * 1664525 + 1013904223) >> 24);
    for (size_t k = 0; k < 12; k++) {
        const bool behind = k % 2 == 1, turned = k / 2 % 2 == 1;
        const unsigned width = sizes[k / 4].width, height = sizes[k / 4].height;
        write_png_picture("a.png", width, height, 1, pixels);
        write_png_picture("b.png", width, height, 1, pixels);
        add_exif("a.png", turned ? 6 : 3, behind);
        add_exif("b.png", turned ? 6 : 3, behind);
        duet_data *data = open_and_read(folder, bytes, sizeof bytes);
        const size_t *dims = duet_data_describe(data)->shape.dims;
        assert_int_equal(dims[0], turned ? width : height);
        assert_int_equal(dims[1], turned ? height : width);
        assert_int_equal(bytes[0], pixels[turned ? (height - 1) * width : height * width - 1]);
        duet_data_close(&data);
    }
}

static void jpeg_files_of_colours_and_inks(void **state)
{
    (void)state;
    uint8_t rgb[8 * 8 * 3], cmyk[8 * 8 * 4], bytes[1024];
    for (size_t i = 0; i < 64; i++) {
        memcpy(rgb + 3 * i, ((uint8_t[]){200, 100, 50}), 3);
        memcpy(cmyk + 4 * i, ((uint8_t[]){255, 127, 0, 127}), 4); /* upside down, as Adobe's: what is left of white */
    }
    write_jpeg_file("a.jpg", 8, 8, 3, rgb, 0);
    write_jpeg_file("b.jpg", 8, 8, 4, cmyk, 0);
    duet_data *data = open_and_read(folder, bytes, sizeof bytes);
    for (size_t c = 0; c < 3; c++) assert_close(bytes[c], ((int[]){200, 100, 50})[c], 3);
    /* libjpeg itself writes an Adobe marker */
    for (size_t c = 0; c < 3; c++) assert_close(bytes[192 + c], ((int[]){127, 63, 0})[c], 3);
    duet_data_close(&data);
}

/* Folders are classes; those called train and test, in capitals or not, are the splits. */
static void folders_are_splits_and_classes(void **state)
{
    (void)state;
    static const char *const inner[] = {"Train",     "Train/dogs", "Train/cats", "Train/cats/more", "TEST",
                                        "TEST/cats", "TEST/dogs",  "val",        "val/cats"};
    uint8_t bytes[8192], expected[192];
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) make_inner(inner[i]);
    write_pictures("Train/dogs/", 2, 0);
    write_pictures("Train/cats/", 3, 1000);
    write_pictures("Train/cats/more/", 1, 2000);
    write_pictures("TEST/dogs/", 1, 3000);
    write_pictures("TEST/cats/", 1, 4000);
    write_pictures("val/cats/", 1, 5000);
    write_file("README.txt", BYTES("not a picture"));
    write_file("metadata.csv", BYTES("file,label\na.png,3\n"));
    duet_data *data = open_and_read(folder, bytes, sizeof bytes);
    const duet_data_info *info = duet_data_describe(data);
    assert_int_equal(info->count[DUET_TRAIN], 6);
    assert_int_equal(info->count[DUET_TEST], 2);
    assert_int_equal(info->classes, 2);
    assert_string_equal(info->class_names[0], "cats");
    assert_string_equal(info->class_names[1], "dogs");
    duet_error error = {0};
    uint8_t labels[6];
    assert_ok(duet_data_labels(data, DUET_TRAIN, 0, 6, labels, &error), &error);
    assert_memory_equal(labels, ((uint8_t[]){0, 0, 0, 0, 1, 1}), 6);
    assert_ok(duet_data_labels(data, DUET_TEST, 0, 2, labels, &error), &error);
    assert_memory_equal(labels, ((uint8_t[]){0, 1}), 2);
    for (size_t i = 0; i < 192; i++) expected[i] = pattern(1000 + i);
    assert_memory_equal(bytes, expected, 192); /* Train/cats/0.png */
    for (size_t i = 0; i < 192; i++) expected[i] = pattern(3000 + i);
    assert_memory_equal(bytes + 7 * 192, expected, 192); /* TEST/dogs/0.png */
    assert_non_null(strstr(duet_data_note(data, 0, NULL), "1 pictures for validation are left out"));
    duet_data_close(&data);
}

/* A training in the folder of its data writes its run there. */
static void runs_beside_pictures_are_no_class(void **state)
{
    (void)state;
    static const char *const inner[] = {"mine", "mine/b", "mine/a", "mine/runs", "mine/runs/r", "mine/runs/r/samples"};
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) make_inner(inner[i]);
    write_pictures("mine/b/", 2, 0);
    write_pictures("mine/a/", 2, 500);
    write_pictures("mine/runs/r/samples/", 2, 900);
    write_file("mine/runs/r/run.json", BYTES("{}"));
    duet_data *data = open_sound(in_folder("mine"));
    assert_int_equal(duet_data_describe(data)->classes, 2);
    assert_int_equal(duet_data_describe(data)->count[DUET_TRAIN] + duet_data_describe(data)->count[DUET_TEST], 4);
    const char *note;
    for (size_t i = 0; (note = duet_data_note(data, i, NULL)) != NULL; i++) assert_null(strstr(note, "runs"));
    duet_data_close(&data);
    write_pictures("mine/runs/", 1, 700); /* which is none of a run's */
    data = open_sound(in_folder("mine"));
    assert_int_equal(duet_data_describe(data)->classes, 3);
    duet_data_close(&data);
    duet_error error = {0};
    assert_status(duet_data_open(&data, in_folder("mine/runs/r"), &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "mine/runs/r: is a run, whose pictures are no data: 'duet sample ");
}

/* As MVTec's sets lie; in an archive too. */
static void splits_may_lie_in_the_folders_of_classes(void **state)
{
    (void)state;
    static const char *const inner[] = {"set",   "set/a",       "set/a/train", "set/a/test",
                                        "set/b", "set/b/train", "set/b/test"};
    static const char *const members[] = {"set/b/test/0.png", "set/a/train/0.png", "set/a/train/1.png",
                                          "set/a/test/0.png", "set/b/train/0.png", NULL};
    uint8_t bytes[8192], labels[3];
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) make_inner(inner[i]);
    write_pictures("set/a/train/", 2, 0);
    write_pictures("set/a/test/", 1, 1000);
    write_pictures("set/b/train/", 1, 2000);
    write_pictures("set/b/test/", 1, 3000);
    write_archive("x.zip", members, false);
    for (size_t i = 0; i < 2; i++) {
        duet_error error = {0};
        duet_data *data = open_and_read(in_folder(i == 0 ? "set" : "x.zip"), bytes, sizeof bytes);
        const duet_data_info *info = duet_data_describe(data);
        assert_int_equal(info->count[DUET_TRAIN], 3);
        assert_int_equal(info->count[DUET_TEST], 2);
        assert_int_equal(info->classes, 2);
        assert_string_equal(info->class_names[1], "b");
        assert_ok(duet_data_labels(data, DUET_TRAIN, 0, 3, labels, &error), &error);
        assert_memory_equal(labels, ((uint8_t[]){0, 0, 1}), 3);
        duet_data_close(&data);
    }
    make_inner("set/b/masks");
    write_pictures("set/b/masks/", 1, 4000);
    assert_refused(in_folder("set"), DUET_ERROR_DATA, "set: b/masks/0.png lies outside of the folders train and test");
    make_inner("named");
    make_inner("named/seg_Train");
    make_inner("named/seg_Test");
    write_pictures("named/seg_Train/", 3, 0);
    write_pictures("named/seg_Test/", 2, 1000);
    duet_data *named = open_sound(in_folder("named"));
    assert_non_null(strstr(duet_data_note(named, 0, NULL), "its folders \"seg_Train\" and \"seg_Test\" are read as"));
    duet_data_close(&named);
    make_inner("other"); /* no parts: nothing is called test */
    make_inner("other/a");
    make_inner("other/a/train");
    make_inner("other/b");
    write_pictures("other/a/train/", 2, 0);
    write_pictures("other/b/", 3, 1000);
    duet_data *data = open_sound(in_folder("other"));
    assert_int_equal(duet_data_describe(data)->classes, 2);
    duet_data_close(&data);
}

/* What is read of a folder with three pictures of class a and two of b, which archives are then made of. */
static void read_two_classes(uint8_t *bytes, size_t size)
{
    make_inner("set");
    make_inner("set/a");
    make_inner("set/b");
    write_pictures("set/a/", 3, 0);
    write_pictures("set/b/", 2, 1000);
    duet_data *data = open_and_read(in_folder("set"), bytes, size);
    duet_data_close(&data);
}

static void archives_hold_what_folders_do(void **state)
{
    (void)state;
    static const char *const members[] = {"set/a/0.png", "set/a/1.png", "set/a/2.png",
                                          "set/b/0.png", "set/b/1.png", NULL};
    static const char *const archives[] = {"x.zip", "x.tar", "x.tar.gz", "named-otherwise.zip.bin"};
    uint8_t from_folder[8192], bytes[8192];
    duet_data *data;
    read_two_classes(from_folder, sizeof from_folder);
    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++) {
        duet_error error = {0};
        float row[192];
        write_archive(archives[i], members, i % 2 == 0);
        data = open_and_read(in_folder(archives[i]), bytes, sizeof bytes);
        assert_int_equal(duet_data_describe(data)->classes, 2);
        assert_string_equal(duet_data_describe(data)->class_names[1], "b");
        assert_memory_equal(bytes, from_folder, 5 * 192);
        for (size_t k = 4; k-- > 0;) { /* backwards */
            assert_ok(duet_data_read(data, DUET_TRAIN, k, 1, row, &error), &error);
            for (size_t e = 0; e < 192; e++) assert_close(row[e], from_folder[k * 192 + e] / 255.0, 1e-6);
        }
        duet_data_close(&data);
    }
    size_t size;
    char *whole = test_file_read(in_folder("x.zip"), &size);
    test_file_write(in_folder("cut.zip"), whole, size / 2);
    assert_refused(in_folder("cut.zip"), DUET_ERROR_DATA, "cut.zip");
    free(whole);
}

/* Where a tar file's member begins behind the one at `at`. */
static size_t next_member(const char *tar, size_t at)
{
    enum { BLOCK = 512, SIZE = 124 };
    return at + BLOCK + (strtoul(tar + at + SIZE, NULL, 8) + BLOCK - 1) / BLOCK * BLOCK;
}

/* A file that was cut between two members lacks the zeros at the end; of these one block is enough. */
static void a_cut_tar_file_is_refused(void **state)
{
    (void)state;
    enum { BLOCK = 512 };
    static const char *const members[] = {"set/a/0.png", "set/a/1.png", "set/a/2.png",
                                          "set/b/0.png", "set/b/1.png", NULL};
    uint8_t bytes[8192];
    size_t at = 0;
    read_two_classes(bytes, sizeof bytes);
    write_archive("x.tar", members, false);
    char *whole = test_file_read(in_folder("x.tar"), NULL);
    for (size_t i = 0; i < 5; i++) {
        at = next_member(whole, at);
        write_file("cut.tar", whole, at);
        assert_refused(in_folder("cut.tar"), DUET_ERROR_DATA, "cut.tar: is cut behind a member");
        write_file("cut.tar.gz", whole, at);
        assert_refused(in_folder("cut.tar.gz"), DUET_ERROR_DATA, "cut.tar.gz: is cut behind a member");
    }
    write_file("whole.tar", whole, at + BLOCK);
    duet_data *data = open_and_read(in_folder("whole.tar"), bytes, sizeof bytes);
    duet_data_close(&data);
    free(whole);
}

/* As tar -r and -u leave them: what is read is what would lie in the folder after extraction. */
static void the_last_member_of_a_name_counts(void **state)
{
    (void)state;
    static const char *const members[] = {"set/a/0.png<set/b/1.png",
                                          "./set/a/1.png<set/a/0.png",
                                          "set/a/0.png",
                                          "set/a/1.png",
                                          "set/a/2.png",
                                          "set/b/0.png",
                                          "set/b/1.png<set/b/0.png",
                                          "set/b/1.png<set/a/2.png",
                                          "set/b/1.png",
                                          NULL};
    static const char *const archives[] = {"x.tar", "x.tar.gz", "x.zip"};
    uint8_t from_folder[8192], bytes[8192];
    duet_data *data;
    read_two_classes(from_folder, sizeof from_folder);
    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++) {
        write_archive(archives[i], members, false);
        data = open_and_read(in_folder(archives[i]), bytes, sizeof bytes);
        assert_int_equal(duet_data_describe(data)->count[DUET_TRAIN] + duet_data_describe(data)->count[DUET_TEST], 5);
        assert_memory_equal(bytes, from_folder, 5 * 192);
        assert_non_null(strstr(duet_data_note(data, 0, NULL),
                               "4 members are left out, since later ones have the same names, such as set/a/0.png"));
        duet_data_close(&data);
    }
}

static void sizes_are_refused_or_fitted(void **state)
{
    (void)state;
    char name[2 * TEST_PATH_SIZE];
    uint8_t flat[64 * 32], checks[64 * 64], ramp[64 * 32], bytes[4096];
    for (size_t i = 0; i < sizeof checks; i++) checks[i] = (i + i / 64) % 2 ? 255 : 0;
    for (size_t i = 0; i < sizeof ramp; i++) {
        flat[i] = 77;
        ramp[i] = (uint8_t)(3 * (i % 64));
    }
    write_png_picture("0.png", 64, 32, 1, flat);
    write_png_picture("1.png", 64, 64, 1, checks);
    write_png_picture("2.png", 64, 32, 1, ramp);
    write_png_picture("3.png", 8, 8, 1, flat);
    assert_refused(folder, DUET_ERROR_DATA, "0.png is 32 x 64 pixels and 1.png 64 x 64; with --size");
    (void)snprintf(name, sizeof name, "%s:size=8x8", folder);
    duet_data *data = open_and_read(name, bytes, sizeof bytes);
    const duet_data_info *info = duet_data_describe(data);
    assert_string_equal(info->source, folder);
    assert_true(info->shape.dims[0] == 8 && info->shape.dims[1] == 8 && info->shape.dims[2] == 1);
    for (size_t i = 0; i < 64; i++) {
        size_t x = i % 8;
        assert_int_equal(bytes[i], 77);
        assert_close(bytes[64 + i], 127.5, 1); /* nothing aliases */
        /* the middle 32 columns, 4 to each result: a ramp stays one */
        assert_close(bytes[128 + i], 3 * (16 + 4 * (double)x + 1.5), 1);
        assert_int_equal(bytes[192 + i], 77);
    }
    duet_data_close(&data);
    (void)snprintf(name, sizeof name, "%s:size=16x16", folder);
    data = open_and_read(name, bytes, sizeof bytes); /* the last is enlarged */
    for (size_t i = 0; i < 256; i++) assert_int_equal(bytes[768 + i], 77);
    duet_data_close(&data);
    (void)snprintf(name, sizeof name, "%s:size=8", folder);
    assert_refused(name, DUET_ERROR_USAGE, "HEIGHTxWIDTH");
}

/* What is asked of arrays is settled by the format; small pictures are no array with the channels first. */
static void pictures_have_their_channels_last(void **state)
{
    (void)state;
    char name[2 * TEST_PATH_SIZE];
    uint8_t pixels[3 * 16 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = pattern(i);
    for (size_t i = 0; i < 3; i++) { /* of two one would be left to train on, which is told of */
        static const char *const names[] = {"0.png", "1.png", "2.png"};
        pixels[0] = (uint8_t)(pixels[0] + 1);
        write_png_picture(names[i], 3, 16, 3, pixels);
    }
    const char *const options[] = {":channels=first", ":alpha=keep", ":alpha=white", ":channels=last"};
    const char *const pieces[] = {"channels=first is for arrays; pictures in files", "alpha=keep is for arrays", NULL};
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(name, sizeof name, "%s%s", folder, options[i]);
        if (i < 2) {
            assert_refused(name, DUET_ERROR_DATA, pieces[i]);
            continue;
        }
        duet_data *data = open_sound(name);
        assert_null(duet_data_note(data, 0, NULL));
        assert_int_equal(duet_data_describe(data)->shape.dims[2], 3);
        duet_data_close(&data);
    }
}

static void two_sizes_are_named_with_their_files(void **state)
{
    (void)state;
    make_inner("sizes"); /* a test picture of another size comes first by its name */
    make_inner("sizes/train");
    make_inner("sizes/test");
    write_pictures("sizes/train/", 2, 0);
    write_quarters("sizes/test/0.jpg", 0);
    assert_refused(in_folder("sizes"), DUET_ERROR_DATA,
                   "test/0.jpg is 16 x 32 pixels and train/0.png 8 x 8; with --size");
}

static void unsound_folders_are_refused(void **state)
{
    (void)state;
    size_t size;
    write_pictures("", 3, 0);
    char *png = test_file_read(in_folder("0.png"), &size);
    test_file_write(in_folder("1.png"), png, size - 40);
    assert_refused(folder, DUET_ERROR_DATA, "1.png: a damaged PNG file");
    test_file_write(in_folder("1.png"), png, 20);
    assert_refused(folder, DUET_ERROR_DATA, "1.png: a damaged PNG file");
    test_file_write(in_folder("1.png"), "text", 4);
    assert_refused(folder, DUET_ERROR_DATA, "1.png: is neither a PNG nor a JPEG file");
    test_file_write(in_folder("1.png"), "RIFF\1\1\1\1WEBPVP8 ", 16);
    assert_refused(folder, DUET_ERROR_DATA, "nor a JPEG file: it is a picture to save as PNG, a WebP");
    test_file_write(in_folder("1.png"), png, 0);
    assert_refused(folder, DUET_ERROR_DATA, "it is empty");
    png[16] = png[17] = png[20] = 0x7F; /* the width of a giant; its checksum is wrong too */
    test_file_write(in_folder("1.png"), png, size);
    assert_refused(folder, DUET_ERROR_DATA, "1.png: a damaged PNG file");
    free(png);
    write_quarters("1.png", 0); /* by its bytes it is a JPEG file */
    assert_refused(folder, DUET_ERROR_DATA, "with --size");
    assert_int_equal(remove(in_folder("1.png")), 0);
    char *jpeg;
    write_quarters("whole.jpg", 0);
    jpeg = test_file_read(in_folder("whole.jpg"), &size);
    assert_int_equal(remove(in_folder("whole.jpg")), 0);
    make_inner("cut");
    test_file_write(in_folder("cut/0.jpg"), jpeg, size);
    test_file_write(in_folder("cut/1.jpg"), jpeg, size * 2 / 3);
    assert_refused(in_folder("cut"), DUET_ERROR_DATA, "1.jpg: a damaged JPEG file");
    assert_refused(in_folder("cut"), DUET_ERROR_DATA, "; get it again, or take it out");
    free(jpeg);
    assert_refused(folder, DUET_ERROR_DATA, "some pictures lie in folders of classes, such as cut/");
    assert_int_equal(symlink("/nowhere.png", in_folder("cut/2.png")), 0);
    assert_refused(in_folder("cut"), DUET_ERROR_FILE, "2.png: cannot be opened");
    make_inner("others");
    write_file("others/a.webp", BYTES("RIFF"));
    assert_refused(in_folder("others"), DUET_ERROR_DATA, "holds no training pictures");
    write_pictures("others/", 2, 0);
    duet_data *data = open_sound(in_folder("others"));
    assert_non_null(strstr(duet_data_note(data, 0, NULL), "1 pictures are left out, since only PNG and JPEG"));
    duet_data_close(&data);
    make_inner("loop");
    assert_int_equal(symlink(".", in_folder("loop/again")), 0);
    assert_refused(in_folder("loop"), DUET_ERROR_DATA, "more than 8 deep");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(each_kind_of_png_is_read_by_its_rule), IN_FOLDER(cameras_orientations_are_undone),
        IN_FOLDER(orientations_of_png_files_are_undone), IN_FOLDER(jpeg_files_of_colours_and_inks),
        IN_FOLDER(folders_are_splits_and_classes),       IN_FOLDER(archives_hold_what_folders_do),
        IN_FOLDER(the_last_member_of_a_name_counts),     IN_FOLDER(a_cut_tar_file_is_refused),
        IN_FOLDER(sizes_are_refused_or_fitted),          IN_FOLDER(pictures_have_their_channels_last),
        IN_FOLDER(two_sizes_are_named_with_their_files), IN_FOLDER(unsound_folders_are_refused),
        IN_FOLDER(runs_beside_pictures_are_no_class),    IN_FOLDER(splits_may_lie_in_the_folders_of_classes),
    };
    return RUN_TESTS("pictures_read", tests, NULL, NULL);
}
