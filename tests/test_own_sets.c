/* SPDX-License-Identifier: MIT */
/* Sets that are converted to another format, and sets of a program's own. */
#include "data_checks.h"
#include "picture_files.h"

/* Conversion. */

static void a_converted_set_is_the_same(void **state)
{
    (void)state;
    static const char *const inner[] = {"p", "p/train", "p/train/b", "p/train/a", "p/test", "p/test/b", "p/test/a"};
    duet_error error = {0};
    float before[4 * 192], after[4 * 192];
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) make_inner(inner[i]);
    write_pictures("p/train/b/", 2, 0);
    write_pictures("p/train/a/", 2, 500);
    write_pictures("p/test/a/", 1, 900);
    write_pictures("p/test/b/", 1, 900);
    duet_data *data = open_sound(in_folder("p"));
    assert_ok(duet_data_convert(data, in_folder("x.npz"), &error), &error);
    duet_data *converted = open_sound(in_folder("x.npz"));
    for (int split = 0; split < 2; split++) {
        size_t count = duet_data_describe(data)->count[split];
        uint8_t labels[2][4];
        assert_int_equal(duet_data_describe(converted)->count[split], count);
        assert_ok(duet_data_read(data, (duet_split)split, 0, count, before, &error), &error);
        assert_ok(duet_data_read(converted, (duet_split)split, 0, count, after, &error), &error);
        assert_memory_equal(before, after, count * 192 * sizeof *before);
        assert_ok(duet_data_labels(data, (duet_split)split, 0, count, labels[0], &error), &error);
        assert_ok(duet_data_labels(converted, (duet_split)split, 0, count, labels[1], &error), &error);
        assert_memory_equal(labels[0], labels[1], count);
    }
    assert_string_equal(duet_data_describe(converted)->class_names[0], "a");
    duet_data_close(&converted);
    duet_data_close(&data);
    data = open_sound("ring8");
    assert_status(duet_data_convert(data, in_folder("y.npz"), &error), DUET_ERROR_USAGE, &error);
    duet_data_close(&data);
}

/* A set of the same columns in another order is another set. */
static void a_converted_table_keeps_its_names(void **state)
{
    (void)state;
    duet_error error = {0};
    write_file("t.csv", BYTES("height,\"weight, in kg\",label\n1,2,a\n0.5,1,b\n0.3,3,a\n"));
    duet_data *data = open_sound(in_folder("t.csv"));
    assert_ok(duet_data_convert(data, in_folder("t.npz"), &error), &error);
    duet_data *converted = open_sound(in_folder("t.npz"));
    assert_string_equal(duet_data_describe(data)->columns, "height\nweight, in kg\n");
    assert_string_equal(duet_data_describe(converted)->columns, "height\nweight, in kg\n");
    assert_null(duet_data_note(converted, 0, NULL));
    duet_data_close(&converted);
    duet_data_close(&data);
    write_npy("x.npy", 1, ARRAY("<f4", "False", "(2, 3)"), (const float[]){0, 0.3F, 1, 0.5F, 1, 0}, 24);
    write_npy("column_names.npy", 1, ARRAY("|S1", "False", "(2,)"), "ab", 2);
    write_archive("few.npz", (const char *const[]){"x.npy", "column_names.npy", NULL}, false);
    converted = open_sound(in_folder("few.npz"));
    assert_non_null(strstr(duet_data_note(converted, 0, NULL), "without names: there are 2 column_names of 3 columns"));
    duet_data_close(&converted);
    write_npy("column_names.npy", 1, ARRAY("<U1", "False", "(3,)"), "a\0\0\0b\0\0\0c\0\0\0", 12);
    write_archive("wide.npz", (const char *const[]){"x.npy", "column_names.npy", NULL}, false);
    converted = open_sound(in_folder("wide.npz"));
    assert_non_null(strstr(duet_data_note(converted, 0, NULL), "of other texts save numpy.char.encode"));
    duet_data_close(&converted);
}

/* Sets of a program's own. */

static duet_status give_rows(void *context, duet_split split, size_t first, size_t count, void *examples,
                             duet_error *error)
{
    int *calls = context;
    ++*calls;
    if (*calls > 100) {
        (void)snprintf(error->message, sizeof error->message, "the camera is gone");
        return error->status = DUET_ERROR_DEVICE;
    }
    for (size_t i = 0; i < 3 * count; i++) ((float *)examples)[i] = (float)(100 * split + 3 * first + i);
    if (*calls < 0) ((float *)examples)[1] = NAN;
    return DUET_OK;
}

static duet_status give_own_rows(void *context, duet_split split, size_t first, size_t count, void *examples,
                                 duet_error *error)
{
    duet_data *own = *(duet_data **)context;
    if (own != NULL) return duet_data_read(own, split, first, count, examples, error);
    for (size_t i = 0; i < 3 * count; i++) ((float *)examples)[i] = (float)i;
    return DUET_OK;
}

/* It would wait for itself. */
static void a_function_does_not_read_its_own_set(void **state)
{
    (void)state;
    duet_error error = {0};
    float values[12];
    duet_data *own = NULL, *data = NULL;
    const duet_own_data set = {.name = "self", .shape = DUET_SHAPE(3), .type = DUET_FLOAT32, .count = {4, 2}};
    assert_ok(duet_data_from_callback(&data, &set, give_own_rows, &own, &error), &error);
    own = data;
    assert_status(duet_data_read(data, DUET_TRAIN, 0, 4, values, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "self: the program's function reads the set whose rows it gives");
    own = NULL;
    assert_ok(duet_data_read(data, DUET_TRAIN, 0, 4, values, &error), &error);
    duet_data_close(&data);
}

static duet_status give_other_rows(void *context, duet_split split, size_t first, size_t count, void *examples,
                                   duet_error *error)
{
    int *calls = context;
    (void)split, (void)first, (void)error;
    for (size_t i = 0; i < 3 * count; i++) ((float *)examples)[i] = (float)((*calls)++ * 37 % 101);
    return DUET_OK;
}

static void a_function_that_draws_anew_is_told_of(void **state)
{
    (void)state;
    int calls = 0;
    duet_error error = {0};
    duet_data *data = NULL;
    const duet_own_data set = {.name = "anew", .shape = DUET_SHAPE(3), .type = DUET_FLOAT32, .count = {20, 5}};
    assert_ok(duet_data_from_callback(&data, &set, give_other_rows, &calls, &error), &error);
    assert_non_null(
        strstr(duet_data_note(data, 0, NULL), "anew: the program's function gives other numbers each time"));
    duet_data_close(&data);
}

static void sets_of_a_programs_own(void **state)
{
    (void)state;
    static const char *const names[] = {"low", "high"};
    static const char *const latin1[] = {"tea", "caf\xe9"};
    duet_error error = {0};
    uint8_t bytes[12 * 4], labels[12] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1};
    double expected[48];
    for (size_t i = 0; i < 48; i++) expected[i] = (bytes[i] = pattern(i)) / 255.0;
    duet_own_data set = {.name = "mine", .shape = DUET_SHAPE(2, 2), .type = DUET_UINT8, .count = {12}};
    set.examples[DUET_TRAIN] = bytes;
    set.labels[DUET_TRAIN] = labels;
    set.classes = 2;
    set.class_names = names;
    duet_data *data = NULL;
    assert_ok(duet_data_from_memory(&data, &set, &error), &error);
    assert_string_equal(duet_data_describe(data)->name, "mine");
    assert_string_equal(duet_data_describe(data)->class_names[1], "high");
    assert_int_equal(duet_data_describe(data)->shape.rank, 3);
    duet_data_close(&data);
    set.division = DUET_DIVISION_LAST;
    assert_ok(duet_data_from_memory(&data, &set, &error), &error);
    assert_values(data, DUET_TRAIN, 0, expected, 44);
    assert_values(data, DUET_TEST, 0, expected + 44, 4);
    duet_data_close(&data);

    int calls = 0;
    const duet_own_data asked = {.name = "asked", .shape = DUET_SHAPE(3), .type = DUET_FLOAT32, .count = {4, 2}};
    assert_ok(duet_data_from_callback(&data, &asked, give_rows, &calls, &error), &error);
    assert_values(data, DUET_TRAIN, 2, (double[]){6, 7, 8, 9, 10, 11}, 6);
    assert_values(data, DUET_TEST, 1, (double[]){103, 104, 105}, 3);
    assert_close(duet_data_describe(data)->high[DUET_TRAIN], 11, 0);
    calls = 100;
    float values[3];
    assert_status(duet_data_read(data, DUET_TRAIN, 0, 1, values, &error), DUET_ERROR_DEVICE, &error);
    assert_message(&error, "asked: the camera is gone");
    calls = -9;
    duet_error faulty = {0};
    assert_status(duet_data_read(data, DUET_TEST, 1, 1, values, &faulty), DUET_ERROR_DATA, &faulty);
    assert_message(&faulty,
                   "value 1 of example 1 of the test split, as the program's function gave it, is not a finite");
    duet_data_close(&data);

    static const duet_own_data wrong[] = {
        {.name = "w", .shape = {.rank = 1, .dims = {2}}, .type = DUET_UINT8, .count = {4}},
        {.name = "", .shape = {.rank = 1, .dims = {2}}, .type = DUET_UINT8, .count = {4}, .examples = {"12345678"}},
        {.name = "w", .shape = {.rank = 1, .dims = {0}}, .type = DUET_UINT8, .count = {4}, .examples = {"12345678"}},
        {.name = "w", .shape = {.rank = 1, .dims = {2}}, .type = DUET_UINT32, .count = {4}, .examples = {"12345678"}},
        {.name = "w", .shape = {.rank = 1, .dims = {2}}, .type = DUET_UINT8, .examples = {"12345678"}},
        {.name = "w",
         .shape = {.rank = 1, .dims = {2}},
         .type = DUET_UINT8,
         .count = {4},
         .examples = {"12345678", "1"}},
        {.name = "w",
         .shape = {.rank = 1, .dims = {2}},
         .type = DUET_UINT8,
         .count = {4},
         .examples = {"12345678"},
         .labels = {NULL, (const uint8_t *)""}},
        {.name = "w",
         .shape = {.rank = 1, .dims = {2}},
         .type = DUET_UINT8,
         .count = {4},
         .examples = {"12345678"},
         .division = (duet_division)3},
        {.name = "w",
         .shape = {.rank = 1, .dims = {2}},
         .type = DUET_UINT8,
         .count = {4},
         .examples = {"12345678"},
         .classes = 2},
        {.name = "w",
         .shape = {.rank = 1, .dims = {2}},
         .type = DUET_UINT8,
         .count = {4},
         .examples = {"12345678"},
         .class_names = names},
        {.name = "w",
         .shape = {.rank = 1, .dims = {2}},
         .type = DUET_UINT8,
         .count = {4},
         .examples = {"12345678"},
         .labels = {(const uint8_t *)"\0\1\0\1"},
         .classes = 2,
         .class_names = latin1},
        {.name = "caf\xe9",
         .shape = {.rank = 1, .dims = {2}},
         .type = DUET_UINT8,
         .count = {4},
         .examples = {"12345678"}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        duet_error own = {0};
        assert_status(duet_data_from_memory(&data, &wrong[i], &own), DUET_ERROR_USAGE, &own);
        assert_null(data);
    }
}

/* What is said of the labels holds: no class appears that there is not, and none is lost that nobody is of. */
static void classes_of_a_programs_own(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data = NULL;
    const uint8_t labels[] = {0, 1, 2, 1};
    duet_own_data set = {.name = "mine",
                         .shape = DUET_SHAPE(2),
                         .type = DUET_UINT8,
                         .count = {4},
                         .examples = {"12345678"},
                         .labels = {labels},
                         .classes = 2};
    assert_status(duet_data_from_memory(&data, &set, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "mine: example 2 of the training split has label 2, and there are 2 classes");
    static const size_t said[] = {3, 5, 0}, there[] = {3, 5, 3};
    for (size_t i = 0; i < 3; i++) {
        set.classes = said[i];
        assert_ok(duet_data_from_memory(&data, &set, &error), &error);
        assert_int_equal(duet_data_describe(data)->classes, there[i]);
        duet_data_close(&data);
    }
}

static void columns_of_a_programs_own(void **state)
{
    (void)state;
    static const char *const names[] = {"height", "weight"};
    static const char *const wrong[][2] = {{"height", NULL}, {"height", "of two\nlines"}, {"caf\xe9", "tea"}};
    duet_error error = {0};
    duet_data *data = NULL;
    duet_own_data set = {.name = "mine",
                         .shape = DUET_SHAPE(2),
                         .type = DUET_UINT8,
                         .count = {4},
                         .examples = {"12345678"},
                         .columns = names};
    assert_ok(duet_data_from_memory(&data, &set, &error), &error);
    assert_string_equal(duet_data_describe(data)->columns, "height\nweight\n");
    duet_data_close(&data);
    for (size_t i = 0; i < 3; i++) {
        duet_error own = {0};
        set.columns = wrong[i];
        assert_status(duet_data_from_memory(&data, &set, &own), DUET_ERROR_USAGE, &own);
        assert_message(&own, i == 2 ? "the name of column 1 of 2 is" : "the name of column 2 of 2 is");
    }
    set.columns = names;
    set.shape = DUET_SHAPE(2, 1);
    assert_status(duet_data_from_memory(&data, &set, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "mine: columns have names, and its examples are no rows of them");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_converted_set_is_the_same),
        IN_FOLDER(a_converted_table_keeps_its_names),
        cmocka_unit_test(a_function_does_not_read_its_own_set),
        cmocka_unit_test(a_function_that_draws_anew_is_told_of),
        IN_FOLDER(sets_of_a_programs_own),
        cmocka_unit_test(classes_of_a_programs_own),
        cmocka_unit_test(columns_of_a_programs_own),
    };
    return RUN_TESTS("own sets", tests, NULL, NULL);
}
