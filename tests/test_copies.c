/* SPDX-License-Identifier: MIT */
/* Examples that are there twice, in one split or in both, wherever they lie in it; and rows that chance repeats. */
#include "data_checks.h"
#include "picture_files.h"

enum { TRAIN = 40, TEST = 20, COLUMNS = 5 };

/* Row `number` of all there are. */
static void fill(float *row, size_t number)
{
    for (size_t i = 0; i < COLUMNS; i++) row[i] = (float)((number * COLUMNS + i) * 37 % 997) / 997;
}

/* A file of rows first, first + step, ... */
static void write_rows(const char *name, const char *header, size_t count, size_t first, size_t step)
{
    float rows[2 * TRAIN * COLUMNS];
    for (size_t i = 0; i < count; i++) fill(rows + i * COLUMNS, first + i * step);
    write_npy(name, 1, header, rows, count * COLUMNS * sizeof *rows);
}

static const char train[] = ARRAY("<f4", "False", "(40, 5)"), test[] = ARRAY("<f4", "False", "(20, 5)");

static bool says_of_folder(const char *piece)
{
    duet_data *data = open_sound(folder);
    bool said = says(data, piece);
    duet_data_close(&data);
    return said;
}

static void copies_in_the_test_split(void **state)
{
    (void)state;
    write_rows("train.npy", train, TRAIN, 0, 1);
    write_rows("test.npy", test, TEST, 100, 1);
    assert_false(says_of_folder("training examples"));
    write_rows("test.npy", test, TEST, 15, 1); /* not those that the training examples begin with */
    assert_true(says_of_folder("test.npy: 20 of 20 test examples are training examples too, such as training row "));
    write_rows("test.npy", test, TEST, 37, 1);
    assert_true(says_of_folder("3 of 20 test examples"));
    write_rows("test.npy", test, TEST, 39, 1); /* one */
    assert_false(says_of_folder("test examples are"));
}

/* Of a file that is divided, half of its rows repeat the other half. */
static void rows_that_are_there_twice(void **state)
{
    (void)state;
    float rows[TRAIN * COLUMNS];
    for (size_t i = 0; i < TRAIN; i++) fill(rows + i * COLUMNS, i % (TRAIN / 2));
    write_npy("twice.npy", 1, train, rows, sizeof rows);
    duet_data *data = open_sound(in_folder("twice.npy")); /* the last tenth */
    assert_true(says(data, "twice.npy: 4 of 4 test examples are training examples too, such as rows 1"));
    duet_data_close(&data);
    duet_error error = {0};
    assert_ok(duet_data_open(&data, in_folder("twice.npy"), &error), &error); /* a tenth by chance */
    assert_true(says(data, "test examples are training examples too, such as rows "));
    assert_true(says(data, "of an array save array[numpy.unique(array, axis=0, return_index=True)[1]]"));
    duet_data_close(&data);
    for (size_t i = 0; i < TRAIN; i++) fill(rows + i * COLUMNS, i < 10 ? 0 : i); /* only training examples */
    write_npy("some.npy", 1, train, rows, sizeof rows);
    data = open_sound(in_folder("some.npy"));
    assert_true(says(data, "some.npy: 9 of 36 training examples are copies of others, such as rows 0 and 1"));
    duet_data_close(&data);
}

/* Truths and counts repeat themselves. */
static void rows_of_few_values_repeat_by_chance(void **state)
{
    (void)state;
    char text[4096];
    int used = snprintf(text, sizeof text, "a,b\n");
    for (int i = 0; i < 200; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%d,%d\n", i % 3, i * 7 % 4);
    write_file("few.csv", text, (size_t)used);
    duet_data *data = open_sound(in_folder("few.csv"));
    assert_null(duet_data_note(data, 0, NULL));
    duet_data_close(&data);
}

/* A flag, a small count and an age: more kinds than a few, and each that is common is there again and again. Of such
 * a table copies are those that are more than chance makes. */
static void rows_of_some_values_repeat_by_chance(void **state)
{
    (void)state;
    static float rows[600 * 3], others[100 * 3];
    for (size_t i = 0; i < 600; i++) {
        const unsigned drawn = (unsigned)i * 2654435761u >> 8;
        rows[3 * i] = drawn % 10 == 0;
        rows[3 * i + 1] = (float)(drawn / 10 % 2 + drawn / 20 % 2);
        rows[3 * i + 2] = (float)(18 + drawn / 40 % 60);
    }
    write_npy("some.npy", 1, ARRAY("<f4", "False", "(600, 3)"), rows, sizeof rows);
    duet_data *data = open_sound(in_folder("some.npy"));
    assert_false(says(data, "training examples"));
    duet_data_close(&data);
    for (size_t i = 0; i < 400; i++) { /* none twice */
        rows[3 * i] = i % 2;
        rows[3 * i + 1] = (float)(i / 2 % 4);
        rows[3 * i + 2] = (float)(18 + i / 8);
    }
    for (size_t i = 0; i < 300; i++) others[i] = rows[i];
    write_npy("train.npy", 1, ARRAY("<f4", "False", "(400, 3)"), rows, sizeof(float[400 * 3]));
    write_npy("test.npy", 1, ARRAY("<f4", "False", "(100, 3)"), others, sizeof others);
    (void)remove(in_folder("some.npy"));
    assert_true(says_of_folder("100 of 100 test examples are training examples too"));
}

/* Pictures by their files. */
static void pictures_that_are_there_twice(void **state)
{
    (void)state;
    make_inner("set");
    for (size_t i = 0; i < 20; i++) {
        uint8_t pixels[64];
        char name[64];
        for (size_t k = 0; k < sizeof pixels; k++) pixels[k] = pattern(i % 18 * 64 + k);
        (void)snprintf(name, sizeof name, "set/%02zu.png", i);
        write_png_picture(name, 8, 8, 1, pixels);
    }
    duet_data *data = open_sound(in_folder("set"));
    assert_true(says(data, "2 of 2 test examples are training examples too, such as 0"));
    assert_true(says(data, "; take one of each out"));
    duet_data_close(&data);
}

/* Their files are known, and not read through for it. */
static void nothing_is_said_of_named_sets(void **state)
{
    (void)state;
    const char *kept = getenv("DUET_DATA");
    write_idx("train-images-idx3-ubyte", DIMS(12, 4, 4), 0);
    write_idx("train-labels-idx1-ubyte", DIMS(12), 0);
    write_idx("t10k-images-idx3-ubyte", DIMS(12, 4, 4), 0);
    write_idx("t10k-labels-idx1-ubyte", DIMS(12), 0);
    assert_true(says_of_folder("12 of 12 test examples"));
    assert_int_equal(setenv("DUET_DATA", folder, 1), 0);
    duet_data *data = open_sound("fashion-mnist");
    assert_false(says(data, "test examples"));
    duet_data_close(&data);
    assert_int_equal(kept == NULL ? unsetenv("DUET_DATA") : setenv("DUET_DATA", kept, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(copies_in_the_test_split),
        IN_FOLDER(rows_that_are_there_twice),
        IN_FOLDER(rows_of_few_values_repeat_by_chance),
        IN_FOLDER(rows_of_some_values_repeat_by_chance),
        IN_FOLDER(pictures_that_are_there_twice),
        IN_FOLDER(nothing_is_said_of_named_sets),
    };
    return RUN_TESTS("copies", tests, NULL, NULL);
}
