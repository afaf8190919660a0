/* SPDX-License-Identifier: MIT */
/* Data that is sound and plausibly wrong, and what is said behind a colon. */
#include "data_checks.h"

static void whole_numbers_as_examples_have_the_remedy_that_fits(void **state)
{
    (void)state;
    static const struct {
        int64_t low, high;
        const char *shape, *piece;
    } cases[] = {
        {0, 1, "(2, 2)",
         "from 0 to 1; |u1, <f4 and <f8 are read as examples: save array.astype('<f4'), for numbers in [0, 1]"},
        {0, 255, "(2, 2)", "save array.astype('u1'), for bytes, which are scaled to [0, 1]"},
        {0, 90, "(2, 2)", "save array.astype('<f4'), for numbers taken as they are"},
        {0, 999, "(2, 2)", "save array.astype('<f4'), for numbers taken as they are"},
        {-5, 5, "(2, 2)", "save array.astype('<f4'), for numbers taken as they are"},
        {0, 65535, "(2, 2)",
         "with t = train.astype('<f8'), where train is the training split's array, in both splits alike, for columns"},
        {-5000, 5, "(2, 2)",
         "save ((array - t.mean(0)) / numpy.where(numpy.ptp(t, 0) > 0, t.std(0), 1)).astype('<f4') with"},
        {0, 90, "(2, 2, 1)",
         "save numpy.clip(array / 90, 0, 1).astype('<f4'), in both splits alike, for numbers in [0, 1]"},
        {0, 65535, "(2, 2, 1)",
         "save numpy.clip(array / 65535, 0, 1).astype('<f4'), in both splits alike, for numbers in [0, 1]"},
        {60000, 60004, "(2, 2, 1)",
         "save numpy.clip((array - 60000.0) / 4, 0, 1).astype('<f4'), in both splits alike, for numbers in [0, 1]"},
        {-32, 32, "(2, 2, 1)",
         "save numpy.clip((array + 32.0) / 64, 0, 1).astype('<f4'), in both splits alike, for numbers in [0, 1]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[128];
        (void)snprintf(header, sizeof header, ARRAY("<i8", "False", "%s"), cases[i].shape);
        write_npy("x.npy", 1, header, ((int64_t[]){cases[i].low, cases[i].high, cases[i].low, cases[i].high}), 32);
        assert_refused("int64", in_folder("x.npy"), DUET_ERROR_DATA, cases[i].piece);
    }
}

enum { NONE, WARNING, QUESTION };

static const struct {
    const char *title, *header, *test_header, *options;
    double low, high; /* of the training values, which are these two */
    double test_high; /* of the test file; 0: there is none */
    int kind;
    const char *piece;
} notes[] = {
    {"channels first", ARRAY("|u1", "False", "(4, 3, 8, 8)"), NULL, "", 0, 255, 0, QUESTION, "channels=first"},
    {"one channel first", ARRAY("|u1", "False", "(4, 1, 8, 8)"), NULL, "", 0, 255, 0, QUESTION, "channels=first"},
    {"they are last", ARRAY("|u1", "False", "(4, 3, 8, 8)"), NULL, ":channels=last", 0, 255, 0, NONE, NULL},
    {"turned", ARRAY("|u1", "False", "(4, 3, 8, 8)"), NULL, ":channels=first", 0, 255, 0, NONE, NULL},
    {"channels last", ARRAY("|u1", "False", "(4, 8, 8, 3)"), NULL, "", 0, 255, 0, NONE, NULL},
    {"RGBA", ARRAY("|u1", "False", "(4, 8, 8, 4)"), NULL, "", 0, 255, 0, QUESTION, "are they RGBA?"},
    {"RGBA kept", ARRAY("|u1", "False", "(4, 8, 8, 4)"), NULL, ":alpha=keep", 0, 255, 0, NONE, NULL},
    {"RGBA on white", ARRAY("|u1", "False", "(4, 8, 8, 4)"), NULL, ":alpha=white", 0, 255, 0, NONE, NULL},
    {"examples last", ARRAY("|u1", "False", "(2, 2, 1200)"), NULL, "", 0, 255, 0, QUESTION, "are the examples last?"},
    {"fewer examples last", ARRAY("|u1", "False", "(4, 6, 100)"), NULL, "", 0, 255, 0, WARNING,
     "4 examples with a last extent of 100: are the examples last? Then save"},
    {"frames", ARRAY("|u1", "False", "(6, 9, 8, 8)"), NULL, "", 0, 255, 0, QUESTION,
     "are they frames of 9 sequences, as MovingMNIST's? Then save array.reshape(-1, 8, 8). If"},
    {"channels of 8", ARRAY("|u1", "False", "(6, 9, 8, 8)"), NULL, ":channels=last", 0, 255, 0, NONE, NULL},
    {"pictures of 8 channels", ARRAY("|u1", "False", "(6, 8, 8, 8)"), NULL, "", 0, 255, 0, NONE, NULL},
    {"they are first", ARRAY("|u1", "False", "(4, 6, 100)"), NULL, ":channels=last", 0, 255, 0, NONE, NULL},
    {"colours of fewer last", ARRAY("|u1", "False", "(6, 4, 3, 60)"), NULL, "", 0, 255, 0, WARNING,
     "last extent of 60"},
    {"three pictures", ARRAY("|u1", "False", "(3, 28, 28)"), NULL, "", 0, 255, 0, NONE, NULL},
    {"dark bytes", ARRAY("|u1", "False", "(4, 8, 8)"), NULL, "", 0, 16, 0, WARNING,
     "if 16 is the brightest, save numpy.clip(array / 16, 0, 1).astype('<f4')"},
    {"bytes", ARRAY("|u1", "False", "(4, 8, 8)"), NULL, "", 0, 200, 0, NONE, NULL},
    {"floats of 0 to 255", ARRAY("<f4", "False", "(4, 8, 8)"), NULL, "", 0, 255, 0, WARNING, "values=bytes"},
    {"taken as bytes", ARRAY("<f4", "False", "(4, 8, 8)"), NULL, ":values=bytes", 0, 255, 0, NONE, NULL},
    {"taken as numbers", ARRAY("<f4", "False", "(4, 8, 8)"), NULL, ":values=numbers", 0, 255, 0, NONE, NULL},
    {"as many bytes", ARRAY("<f4", "False", "(12, 80)"), NULL, "", 0, 200, 0, WARNING, "values=bytes"},
    {"genes of 0 to 2", ARRAY("<f4", "False", "(12, 80)"), NULL, "", 0, 2, 0, NONE, NULL},
    {"words, of as many as a picture has", ARRAY("<f4", "False", "(3, 300)"), NULL, "", 0, 21, 0, NONE, NULL},
    {"dark pictures of floats", ARRAY("<f4", "False", "(4, 8, 8)"), NULL, "", 0, 16, 0, WARNING, "values=bytes"},
    {"a table of ages", ARRAY("<f4", "False", "(4, 3)"), NULL, "", 0, 90, 0, NONE, NULL},
    {"a test set that is not scaled", ARRAY("<f4", "False", "(4, 8)"), ARRAY("<f4", "False", "(4, 8)"), "", 0, 0.5, 255,
     QUESTION, "the training split lies in [0, 0.5] and the test split in [0, 255]"},
    {"as it should be", ARRAY("<f4", "False", "(4, 8)"), ARRAY("<f4", "False", "(4, 8)"), ":values=numbers", 0, 0.5,
     255, NONE, NULL},
    {"a training set that is not scaled", ARRAY("<f4", "False", "(4, 8)"), ARRAY("<f4", "False", "(4, 8)"), "", 0, 255,
     0.5, QUESTION, "in [0, 255] and the test split in [0, 0.5]"},
    {"a wider test set", ARRAY("<f4", "False", "(4, 8)"), ARRAY("<f4", "False", "(4, 8)"), "", -1, 1.5, 20, WARNING,
     "in [-1, 1.5] and the test split in [0, 20]"},
    {"alike", ARRAY("<f4", "False", "(4, 8)"), ARRAY("<f4", "False", "(4, 8)"), "", 0, 0.5, 0.9, NONE, NULL},
};

/* No column and no row like another one. */
static bool is_high(size_t i)
{
    return i > 0 && (i * 2654435761u >> 13 & 1);
}

static void write_alternating(const char *name, const char *header, double low, double high)
{
    static uint8_t bytes[4800];
    static float floats[1024];
    size_t dims[4] = {1, 1, 1, 1};
    const char *shape = strstr(header, "'shape': (") + strlen("'shape': (");
    (void)sscanf(shape, "%zu, %zu, %zu, %zu", &dims[0], &dims[1], &dims[2], &dims[3]);
    size_t count = dims[0] * dims[1] * dims[2] * dims[3];
    bool is_bytes = strstr(header, "|u1") != NULL;
    for (size_t i = 0; i < count && is_bytes; i++) bytes[i] = (uint8_t)(is_high(i) ? high : low);
    for (size_t i = 0; i < count && !is_bytes; i++) floats[i] = (float)(is_high(i) ? high : low);
    write_npy(name, 1, header, is_bytes ? (void *)bytes : (void *)floats, count * (is_bytes ? 1 : 4));
}

static void what_is_plausible_and_may_be_wrong_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        char name[2 * TEST_PATH_SIZE];
        bool question = false;
        write_alternating("train.npy", notes[i].header, notes[i].low, notes[i].high);
        (void)remove(in_folder("test.npy"));
        if (notes[i].test_high > 0) write_alternating("test.npy", notes[i].test_header, 0, notes[i].test_high);
        (void)snprintf(name, sizeof name, "%s%s", folder, notes[i].options);
        duet_data *data = open_sound(name);
        const char *note = duet_data_note(data, 0, &question);
        int kind = note == NULL ? NONE : question ? QUESTION : WARNING;
        if (kind != notes[i].kind || (note != NULL && strstr(note, notes[i].piece) == NULL))
            fail_msg("%s: \"%s\"", notes[i].title, note != NULL ? note : "(nothing)");
        duet_data_close(&data);
    }
}

/* Columns with names are no pixels, unless there are as many as a picture has. */
static void columns_with_names_are_no_bytes(void **state)
{
    (void)state;
    enum { ROWS = 12, PICTURE = 64 };
    for (size_t columns = PICTURE; columns < PICTURE + 2; columns++) {
        char text[8192] = "", name[TEST_PATH_SIZE + 8];
        size_t length = 0;
        for (size_t row = 0; row <= ROWS; row++)
            for (size_t k = 0; k < columns; k++)
                length +=
                    (size_t)snprintf(text + length, sizeof text - length, row == 0 ? "w%zu%s" : "%zu%s",
                                     row == 0 ? k : (row * 37 + k * (k + 11)) * 7 % 201, k + 1 < columns ? "," : "\n");
        test_file_write(in_folder("names.csv"), text, length);
        (void)snprintf(name, sizeof name, "%s", in_folder("names.csv"));
        duet_data *data = open_sound(name);
        bool asked = false;
        for (size_t i = 0; duet_data_note(data, i, NULL) != NULL; i++)
            asked |= strstr(duet_data_note(data, i, NULL), "values=bytes") != NULL;
        assert_int_equal(asked, columns == PICTURE);
        duet_data_close(&data);
    }
}

/* Rows of a number that begins `from` and goes on by `step`, beside one in [0, 1]. */
static const struct {
    const char *title, *element;
    int rows;
    double from, step;
    const char *piece; /* of the first note; NULL: there is none */
} columns[] = {
    {"seconds", "<f8", 300, 1.7e9, 1,
     "t.npy: column 1 of 2 goes from 1700000000 to 1700000299, where float32 numbers lie 128 apart, so that what tells "
     "its rows apart is lost: take 1700000000 off it, in both splits, and save it as '<f4'"},
    {"fewer seconds", "<f8", 299, 1.7e9, 1, "column 1 of 2 goes from 1700000000 to 1700000298, where"},
    {"before 0", "<f8", 300, -1e5, 1e-4, "column 1 of 2 goes from -100000 to -99999.9701, where"},
    {"the remedy", "<f8", 300, 0, 1, NULL},
    {"what float32 tells apart", "<f8", 300, 1.7e9, 128, "its values go from 0 to 1.7"},
    {"float32 as it is", "<f4", 300, 1.7e9, 1, "its values go from 0 to 1.7"},
    {"each a step", "<f8", 100, 1e8, 16.5, "its values go from 0 to 1.000"},
    {"one far value", "<f8", 300, 1.7e9, 0, "its values go from 0 to 1.7"},
};

static void columns_that_float32_does_not_tell_apart_are_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        double doubles[600];
        float floats[600];
        char header[128], name[2 * TEST_PATH_SIZE];
        const bool is_double = strcmp(columns[i].element, "<f8") == 0;
        for (int row = 0; row < columns[i].rows; row++) {
            doubles[2 * row] = columns[i].from + row * columns[i].step;
            doubles[2 * row + 1] = row * 37 % 300 / 299.0;
        }
        for (int k = 0; k < 2 * columns[i].rows; k++) floats[k] = (float)doubles[k];
        (void)snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (%d, 2), }",
                       columns[i].element, columns[i].rows);
        write_npy("t.npy", 1, header, is_double ? (void *)doubles : (void *)floats,
                  (size_t)columns[i].rows * 2 * (is_double ? sizeof *doubles : sizeof *floats));
        (void)snprintf(name, sizeof name, "%s:split=last", in_folder("t.npy"));
        duet_data *data = open_sound(name);
        const char *note = duet_data_note(data, 0, NULL);
        if ((note == NULL) != (columns[i].piece == NULL) || (note != NULL && strstr(note, columns[i].piece) == NULL))
            fail_msg("%s: \"%s\"", columns[i].title, note != NULL ? note : "(nothing)");
        for (size_t k = 0; (note = duet_data_note(data, k, NULL)) != NULL; k++)
            if (strstr(note, "numpy.delete") != NULL) fail_msg("%s: \"%s\"", columns[i].title, note);
        const bool told = says(data, "so that what tells its rows apart is lost");
        duet_data_close(&data);
        data = open_sound(in_folder("t.npy"));
        if (says(data, "so that what tells its rows apart is lost") != told) fail_msg("%s, shuffled", columns[i].title);
        duet_data_close(&data);
    }
}

static void a_file_in_the_order_of_its_classes(void **state)
{
    (void)state;
    uint8_t pixels[80], labels[20];
    for (size_t i = 0; i < 80; i++) pixels[i] = pattern(i);
    for (int sorted = 0; sorted < 2; sorted++) {
        for (size_t i = 0; i < 20; i++) labels[i] = (uint8_t)(sorted ? i / 9 : i % 3);
        write_npy("x-images.npy", 1, ARRAY("|u1", "False", "(20, 2, 2)"), pixels, 80);
        write_npy("x-labels.npy", 1, ARRAY("|u1", "False", "(20,)"), labels, 20);
        duet_data *data = open_sound(in_folder("x-images.npy"));
        const char *note = duet_data_note(data, 0, NULL);
        assert_true(sorted == (note != NULL && strstr(note, "in the order of their classes") != NULL));
        duet_data_close(&data);
    }
}

/* The options turn values as they say. */
static void options_turn_rows(void **state)
{
    (void)state;
    uint8_t planar[2 * 12], rgba[2 * 4 * 5 * 5];
    double expected[2 * 75];
    for (size_t i = 0; i < 24; i++) planar[i] = (uint8_t)(10 * i);
    write_npy("x.npy", 1, ARRAY("|u1", "False", "(2, 3, 2, 2)"), planar, 24);
    for (size_t i = 0; i < 12; i++) expected[i] = 10 * (double)(i % 3 * 4 + i / 3) / 255;
    duet_data *data = open_sound(with("x.npy", "channels=first"));
    assert_int_equal(duet_data_describe(data)->shape.dims[2], 3);
    assert_true(duet_data_describe(data)->picture);
    assert_values(data, DUET_TRAIN, 0, expected, 12);
    duet_data_close(&data);

    float floats[24];
    for (size_t i = 0; i < 24; i++) floats[i] = (float)planar[i];
    write_npy("f.npy", 1, ARRAY("<f4", "False", "(2, 3, 2, 2)"), floats, sizeof floats);
    data = open_sound(with("f.npy", "values=bytes,channels=first"));
    assert_int_equal(duet_data_describe(data)->type, DUET_UINT8);
    assert_values(data, DUET_TRAIN, 0, expected, 12);
    duet_data_close(&data);

    for (size_t i = 0; i < sizeof rgba; i++) rgba[i] = (uint8_t)(i % 4 == 3 ? 128 : 100);
    write_npy("x.npy", 1, ARRAY("|u1", "False", "(2, 5, 5, 4)"), rgba, sizeof rgba);
    for (size_t i = 0; i < 75; i++) expected[i] = 177 / 255.0; /* 100 x 128/255 + 127 = 177.2 */
    data = open_sound(with("x.npy", "alpha=white"));
    assert_values(data, DUET_TRAIN, 0, expected, 75);
    duet_data_close(&data);

    write_npy("x.npy", 1, ARRAY("|u1", "False", "(2, 12)"), planar, 24);
    data = open_sound(with("x.npy", "size=2x2"));
    assert_true(duet_data_describe(data)->picture && duet_data_describe(data)->shape.dims[2] == 3);
    duet_data_close(&data);
    data = open_sound(with("x.npy", "channels=first,size=2x2"));
    for (size_t i = 0; i < 12; i++) expected[i] = 10 * (double)(i % 3 * 4 + i / 3) / 255;
    assert_values(data, DUET_TRAIN, 0, expected, 12);
    duet_data_close(&data);
    write_npy("f.npy", 1, ARRAY("<f4", "False", "(2, 12)"), floats, sizeof floats);
    data = open_sound(with("f.npy", "channels=first,size=2x2"));
    for (size_t i = 0; i < 12; i++) expected[i] *= 255;
    assert_values(data, DUET_TRAIN, 0, expected, 12);
    duet_data_close(&data);
    assert_refused("rows of another size", with("x.npy", "size=5x5"), DUET_ERROR_DATA, "size=5x5 is for pictures");
    assert_refused("alpha of rows", with("x.npy", "alpha=white"), DUET_ERROR_DATA, "bytes of 2 or 4 channels");
    assert_refused("channels of rows", with("x.npy", "channels=first"), DUET_ERROR_DATA,
                   "and with size=HxW for rows of 3 x H");
    assert_refused("planes of another size", with("x.npy", "channels=first,size=5x5"), DUET_ERROR_DATA, "does not fit");
    assert_refused("a bad value", with("x.npy", "channels=second"), DUET_ERROR_USAGE, "first or last");
    write_idx("odd:size=name,x.idx", DIMS(4, 2, 2), 0);
    data = open_sound(in_folder("odd:size=name,x.idx")); /* a path that is there needs no options */
    duet_data_close(&data);
}

enum { PICTURES = 16, SIDE = 12, PIXELS = SIDE * SIDE };

static const struct {
    const char *title;
    bool planes;    /* one after the other, else pixels */
    int kind[3][2]; /* by the picture, and whether it is rows with a size or an array */
} orders[] = {
    {"planes", true, {{QUESTION, WARNING}, {NONE, NONE}, {NONE, NONE}}},
    {"pixels", false, {{NONE, NONE}, {NONE, NONE}, {NONE, NONE}}},
};

/* Slopes in colours, grey slopes down the picture, noise. */
static uint8_t value_of(size_t picture, size_t i, size_t y, size_t x, size_t c)
{
    const size_t slopes[] = {20 * y, 20 * x, 255 - 10 * (x + y)};
    if (picture == 0) return (uint8_t)(slopes[c] * (i + 5) / (PICTURES + 5));
    if (picture == 1) return (uint8_t)(20 * ((y + i) % SIDE) + i + (c > 0 && x > 5));
    uint32_t noise = (uint32_t)((i * 3 * PIXELS + (y * SIDE + x) * 3 + c) * 2654435761u);
    noise = (noise ^ noise >> 15) * 2246822519u;
    return (uint8_t)(noise >> 24);
}

static void assert_order(size_t order, size_t picture, bool array)
{
    static uint8_t pixels[PICTURES * 3 * PIXELS];
    bool question = false;
    for (size_t n = 0; n < PICTURES * 3 * PIXELS; n++) {
        const size_t i = n / (3 * PIXELS), at = n % (3 * PIXELS), pixel = orders[order].planes ? at % PIXELS : at / 3;
        pixels[n] = value_of(picture, i, pixel / SIDE, pixel % SIDE, orders[order].planes ? at / PIXELS : at % 3);
    }
    write_npy("x.npy", 1, array ? ARRAY("|u1", "False", "(16, 12, 12, 3)") : ARRAY("|u1", "False", "(16, 432)"), pixels,
              sizeof pixels);
    duet_data *data = open_sound(with("x.npy", array ? "split=last" : "size=12x12"));
    const char *note = duet_data_note(data, 0, &question);
    const int kind = note == NULL || strstr(note, "3 planes one after the other") == NULL ? NONE
                     : question                                                           ? QUESTION
                                                                                          : WARNING;
    if (kind != orders[order].kind[picture][array])
        fail_msg("%s %zu: \"%s\"", orders[order].title, picture, note != NULL ? note : "(nothing)");
    duet_data_close(&data);
}

static void planes_that_are_read_as_pixels(void **state)
{
    (void)state;
    for (size_t order = 0; order < 2; order++)
        for (size_t picture = 0; picture < 3; picture++)
            for (size_t array = 0; array < 2; array++) assert_order(order, picture, array == 1);
    assert_order(0, 0, false);
    duet_data *data = open_sound(with("x.npy", "size=12x12:channels=last"));
    assert_null(duet_data_note(data, 0, NULL));
    duet_data_close(&data);
    data = open_sound(with("x.npy", "size=12x12:channels=first"));
    assert_null(duet_data_note(data, 0, NULL));
    duet_data_close(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(whole_numbers_as_examples_have_the_remedy_that_fits),
        IN_FOLDER(what_is_plausible_and_may_be_wrong_is_said),
        IN_FOLDER(columns_with_names_are_no_bytes),
        IN_FOLDER(columns_that_float32_does_not_tell_apart_are_told_of),
        IN_FOLDER(a_file_in_the_order_of_its_classes),
        IN_FOLDER(options_turn_rows),
        IN_FOLDER(planes_that_are_read_as_pixels),
    };
    return RUN_TESTS("doubted formats", tests, NULL, NULL);
}
