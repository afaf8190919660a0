/* SPDX-License-Identifier: MIT */
/* Sets that a program holds in memory: they are looked at as files are, in words that fit an array, and a run on them
 * knows them again. */
#include "data_checks.h"
#include "run_recipes.h"

enum { NUMBERS = 4200 };

static const struct {
    const char *title;
    duet_shape shape;
    size_t train, test;
    float scale, shift; /* of numbers that go round from 0 to 250 by 7; scale 0: bytes */
    size_t period;      /* rows begin again after so many; 0: never */
    const char *piece;
} sets[] = {
    {"usual", {2, {8, 8}}, 50, 0, 0, 0, 0, NULL},
    {"channels first",
     {3, {3, 8, 8}},
     20,
     0,
     0,
     0,
     0,
     "examples of 3 x 8 x 8, read as height, width and channels: are the channels first? Then pass "
     "numpy.moveaxis(array, 1, -1)"},
    {"RGBA",
     {3, {8, 8, 4}},
     16,
     0,
     0,
     0,
     0,
     "are they RGBA? Then pass (255 - (255 - array[..., :-1]) * (array[..., -1:] / 255)).round().astype('u1'), which"},
    {"RGBA as floats", {3, {8, 8, 4}}, 16, 0, 1 / 250.F, 0, 0, "Then pass 1 - (1 - array[..., :-1]) * array[..., -1:]"},
    {"examples as columns", {1, {1010}}, 4, 0, 1 / 250.F, 0, 0, "are the examples the columns? Then pass array.T"},
    {"examples last", {3, {4, 1, 1040}}, 1, 1, 1 / 250.F, 0, 0, "pass numpy.moveaxis(array, -1, 0)"},
    {"bytes as floats", {2, {8, 8}}, 50, 0, 1, 0, 0, "if they are the bytes of pictures, pass array.astype('u1'), and"},
    {"far away",
     {1, {4}},
     50,
     0,
     10,
     100,
     0,
     "pass ((array - t.mean(0)) / numpy.where(numpy.ptp(t, 0) > 0, t.std(0), 1)).astype("},
    {"one value", {1, {4}}, 50, 0, 1e-10F, 1, 0, "look at how the array was written"},
    {"rows that are there twice",
     {1, {8}},
     200,
     0,
     1 / 250.F,
     0,
     100,
     "test examples are training examples too, such as rows "},
    {"two splits", {1, {8}}, 100, 40, 1 / 250.F, 0, 0, NULL},
    {"twice in training alone", {2, {8, 8}}, 45, 20, 0, 0, 40, "copies of others, such as rows "},
};

/* Row `i` of so many numbers. */
static size_t number_of(size_t row, size_t k, size_t elements)
{
    return (row * elements + k) * 2654435761u % 4294967296u >> 7;
}

static void arrays_are_looked_at_as_files_are(void **state)
{
    (void)state;
    static float floats[NUMBERS * 4];
    static uint8_t bytes[NUMBERS * 4];
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        duet_error error = {0};
        duet_data *data = NULL;
        const size_t elements = duet_shape_elements(sets[i].shape), rows = sets[i].train + sets[i].test;
        assert_true(rows * elements <= sizeof bytes);
        for (size_t row = 0; row < rows; row++)
            for (size_t k = 0; k < elements; k++) {
                const size_t from = sets[i].period > 0 && row < sets[i].train ? row % sets[i].period : row;
                const size_t value = number_of(from, k, elements) % 251;
                bytes[row * elements + k] = (uint8_t)value;
                floats[row * elements + k] = (float)value * sets[i].scale + sets[i].shift;
            }
        const bool is_bytes = sets[i].scale == 0;
        const size_t begin = sets[i].train * elements;
        const void *test = is_bytes ? (void *)(bytes + begin) : floats + begin;
        const duet_own_data own = {.name = "array",
                                   .shape = sets[i].shape,
                                   .type = is_bytes ? DUET_UINT8 : DUET_FLOAT32,
                                   .count = {sets[i].train, sets[i].test},
                                   .examples = {is_bytes ? (void *)bytes : floats, sets[i].test > 0 ? test : NULL}};
        assert_ok(duet_data_from_memory(&data, &own, &error), &error);
        const char *note;
        bool question;
        for (size_t k = 0; (note = duet_data_note(data, k, &question)) != NULL; k++)
            if (question || strstr(note, "save") != NULL || strstr(note, "file") != NULL ||
                strstr(note, "=numbers") != NULL)
                fail_msg("%s: \"%s\"", sets[i].title, note);
        const char *first = duet_data_note(data, 0, NULL);
        if (sets[i].piece == NULL ? first != NULL : !says(data, sets[i].piece))
            fail_msg("%s: \"%s\"", sets[i].title, first != NULL ? first : "(nothing)");
        duet_data_close(&data);
    }
}

static void labels_of_arrays_are_looked_at(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data = NULL;
    float values[40][2];
    uint8_t sorted[40], gaps[40];
    for (size_t i = 0; i < 40; i++) {
        values[i][0] = (float)(i * 37 % 41) / 41;
        values[i][1] = (float)(i * 23 % 43) / 43;
        sorted[i] = (uint8_t)(i / 10);
        gaps[i] = (uint8_t)(i % 4 * 5);
    }
    duet_own_data own = {
        .name = "array", .shape = DUET_SHAPE(2), .type = DUET_FLOAT32, .count = {40}, .examples = {values}};
    own.labels[DUET_TRAIN] = sorted;
    own.division = DUET_DIVISION_LAST;
    assert_ok(duet_data_from_memory(&data, &own, &error), &error);
    assert_true(says(data, "let them be mixed (split=\"shuffled\", in C .division = DUET_DIVISION_SHUFFLED)"));
    duet_data_close(&data);
    own.division = DUET_DIVISION_GIVEN;
    own.labels[DUET_TRAIN] = gaps;
    assert_ok(duet_data_from_memory(&data, &own, &error), &error);
    assert_true(says(data, "of others pass numpy.searchsorted(numpy.unique(both), labels), where both"));
    duet_data_close(&data);
}

static size_t asked;

static duet_status give(void *context, duet_split split, size_t first, size_t count, void *examples, duet_error *error)
{
    (void)split;
    (void)error;
    memcpy(examples, (const uint8_t *)context + 16 * first, 16 * count);
    asked += count;
    return DUET_OK;
}

/* Which may take long. */
static void a_function_is_not_asked_for_all_examples(void **state)
{
    (void)state;
    static uint8_t bytes[16 * 1000];
    duet_error error = {0};
    duet_data *data = NULL;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = pattern(i);
    const duet_own_data own = {.name = "mine", .shape = DUET_SHAPE(4, 4), .type = DUET_UINT8, .count = {1000}};
    asked = 0;
    assert_ok(duet_data_from_callback(&data, &own, give, bytes, &error), &error);
    assert_in_range(asked, 1, 500);
    duet_data_close(&data);
}

/* Sorted by class, as programs often have them: either way of giving them keeps a tenth of each class for the test, by
 * chance, where that is asked for; memory is divided so unasked, as a file is. */
static void a_tenth_of_each_class_is_the_test_split(void **state)
{
    (void)state;
    enum { PER_CLASS = 50, CLASSES = 4 };
    duet_error error = {0};
    static uint8_t pixels[16 * PER_CLASS * CLASSES], labels[PER_CLASS * CLASSES];
    for (size_t i = 0; i < PER_CLASS * CLASSES; i++) {
        labels[i] = (uint8_t)(i / PER_CLASS);
        for (size_t k = 0; k < 16; k++) pixels[16 * i + k] = (uint8_t)(k == 0 ? i : number_of(i, k, 16) % 251);
    }
    for (int by_function = 0; by_function < 2; by_function++) {
        duet_data *data = NULL;
        const duet_own_data own = {.name = "sorted",
                                   .shape = DUET_SHAPE(4, 4),
                                   .type = DUET_UINT8,
                                   .count = {PER_CLASS * CLASSES},
                                   .examples = {pixels},
                                   .labels = {labels},
                                   .division = by_function ? DUET_DIVISION_SHUFFLED : DUET_DIVISION_GIVEN};
        assert_ok(by_function ? duet_data_from_callback(&data, &own, give, pixels, &error)
                              : duet_data_from_memory(&data, &own, &error),
                  &error);
        assert_int_equal(duet_data_describe(data)->division, DUET_DIVISION_SHUFFLED);
        assert_int_equal(duet_data_describe(data)->count[DUET_TEST], 20);
        float rows[20][16];
        uint8_t test_labels[20];
        size_t of_class[CLASSES] = {0}, of_the_last_tenth = 0;
        assert_ok(duet_data_read(data, DUET_TEST, 0, 20, rows[0], &error), &error);
        assert_ok(duet_data_labels(data, DUET_TEST, 0, 20, test_labels, &error), &error);
        for (size_t i = 0; i < 20; i++) {
            const size_t row = (size_t)(rows[i][0] * 255 + 0.5F); /* its first pixel is its number */
            assert_int_equal(test_labels[i], labels[row]);
            of_class[test_labels[i]]++;
            of_the_last_tenth += row >= 180;
        }
        for (size_t k = 0; k < CLASSES; k++) assert_int_equal(of_class[k], 5);
        assert_in_range(of_the_last_tenth, 0, 5);
        duet_data_close(&data);
    }
}

static size_t first_test = 60; /* of 60 examples: there is no test split of their own */

/* Trains for so many steps, anew or on from there; with the words of a failure. */
static duet_status train_on(uint8_t *bytes, bool by_function, bool resume, bool other, uint64_t steps,
                            duet_error *error)
{
    duet_data *data = NULL;
    static const char *const settings[] = {"hidden=4", "latent=2"};
    const duet_own_data own = {.name = "mine",
                               .shape = DUET_SHAPE(4, 4),
                               .type = DUET_UINT8,
                               .count = {first_test, 60 - first_test},
                               .examples = {bytes, first_test < 60 ? bytes + 16 * first_test : NULL}};
    char path[PATH];
    path_of(path, by_function ? "function" : "memory", "");
    *error = (duet_error){0};
    duet_train_summary summary;
    const duet_status opened = by_function ? duet_data_from_callback(&data, &own, give, bytes, error)
                                           : duet_data_from_memory(&data, &own, error);
    assert_ok(opened, error);
    const duet_train_options options = {.family = resume ? NULL : duet_family_find("ae"),
                                        .own_data = data,
                                        .other_data = other,
                                        .settings = settings,
                                        .setting_count = resume ? 0 : 2,
                                        .steps = steps,
                                        .batch = resume ? 0 : 8,
                                        .out = resume ? NULL : path,
                                        .resume = resume ? path : NULL};
    const duet_status status = duet_train(&options, &summary, NULL, error);
    duet_data_close(&data);
    return status;
}

static void check_record(const char *run, bool has_checksum)
{
    char path[PATH];
    path_of(path, run, "run.json");
    json_t *record = json_load_file(path, 0, NULL);
    assert_non_null(record);
    const char *sum = json_string_value(json_object_get(json_object_get(record, "data"), "checksum"));
    assert_int_equal(strlen(sum), has_checksum ? 16 : 0);
    json_decref(record);
}

static void a_run_knows_arrays_again(void **state)
{
    (void)state;
    static uint8_t bytes[16 * 60];
    duet_error error;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(number_of(i / 16, i % 16, 16) % 251);
    for (int by_function = 0; by_function < 2; by_function++) {
        assert_ok(train_on(bytes, by_function, false, false, 2, &error), &error);
        check_record(by_function ? "function" : "memory", !by_function);
        assert_ok(train_on(bytes, by_function, true, false, 4, &error), &error);
    }
    first_test = 54;
    assert_status(train_on(bytes, false, true, false, 6, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "(its test examples were a tenth by chance then and are its own now");
    first_test = 60;
    bytes[0] ^= 1;
    assert_ok(train_on(bytes, true, true, false, 6, &error), &error); /* what a function gives is its own care */
    assert_status(train_on(bytes, false, true, false, 6, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "was trained on other data than mine now holds: 54 + 6 examples of bytes [4, 4, 1], 0 ");
    assert_message(&error, ", but with other contents: checksum ");
    assert_message(&error, "; other_data goes on with these");
    assert_null(strstr(error.message, "--"));
    assert_ok(train_on(bytes, false, true, true, 6, &error), &error);
    assert_ok(train_on(bytes, false, true, false, 8, &error), &error);
}

/* A set is on one device at a time: a training of it is refused meanwhile, and leaves it where it is. */
static void a_set_in_use_stays_where_it_is(void **state)
{
    (void)state;
    static uint8_t bytes[16 * 60];
    static const char *const settings[] = {"hidden=4", "latent=2"};
    duet_error error = {0};
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    char path[PATH];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = pattern(i);
    const duet_own_data own = {
        .name = "mine", .shape = DUET_SHAPE(16), .type = DUET_UINT8, .count = {60}, .examples = {bytes}};
    duet_device *device = test_device_open();
    path_of(path, "refused", "");
    assert_ok(duet_data_from_memory(&data, &own, &error), &error);
    assert_ok(duet_model_new(&model, duet_family_find("ae"), data, settings, 2, 7, &error), &error);
    assert_ok(duet_trainer_new(&trainer, device, model, 8, &error), &error);
    const duet_train_options options = {.family = duet_family_find("ae"),
                                        .own_data = data,
                                        .settings = settings,
                                        .setting_count = 2,
                                        .steps = 2,
                                        .batch = 8,
                                        .out = path};
    for (int again = 0; again < 2; again++) {
        assert_ok(duet_trainer_step(trainer, &error), &error);
        assert_status(duet_train(&options, NULL, NULL, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, "\"training examples\" already lives on another device");
        error = (duet_error){0};
    }
    duet_trainer_free(&trainer);
    for (int again = 0; again < 8; again++) { /* a device that may lie where the closed one lay */
        duet_device_close(&device);
        device = test_device_open();
        assert_status(duet_trainer_new(&trainer, device, model, 8, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, "already lives on another device");
        error = (duet_error){0};
    }
    duet_model_free(&model);
    duet_device_close(&device);
    duet_data_close(&data);
}

/* The row's number, in order or mixed; its class; a fraction that no other has. */
static float column_of(char kind, size_t row)
{
    switch (kind) {
    case 'i': return (float)row;
    case 'm': return (float)(row * 37 % 100 + 1);
    case 'c': return (float)(row * 7 % 3);
    case 's': return (float)(101 + 3 * row);
    case 'd': return (float)(200 + row * 37 % 101);
    default: return (float)((row * row * 31 + row * 17) % 1009) / 1009 - (float)row / 1e6F;
    }
}

/* Columns with names are looked at as those without are, and by their names. */
static void columns_with_names_are_looked_at(void **state)
{
    (void)state;
    static const struct {
        const char *kinds, *names[4]; /* names NULL: none */
        bool labelled;
        const char *piece; /* NULL: nothing is said */
    } tables[] = {
        {"ffff", {"a", "b", "c", "d"}, false, NULL},
        {"ffff", {"label", "y", "split", "index"}, false, NULL}, /* which are measurements */
        {"fffi", {NULL}, false, "column 4 of 4 counts the rows: if it is no more than their index, pass numpy.delete("},
        {"fffi",
         {"a", "b", "c", ""},
         false,
         "column 4 of 4 counts the rows: if it is no more than their index, take it"},
        {"fiff", {"a", "index", "c", "d"}, false, "the column \"index\" counts the rows"},
        {"fsff", {"a", "b", "c", "d"}, false, "the column \"b\" counts the rows"},
        {"sssf", {"a", "b", "c", "d"}, false, NULL}, /* as windows of a series are */
        {"fdff", {"a", "PatientID", "c", "d"}, false, "\"PatientID\" has another whole number in each row"},
        {"fdff", {"a", "customer_id", "c", "d"}, true, "\"customer_id\" has another whole number in each row"},
        {"fdff", {"a", "humid", "c", "d"}, false, NULL},
        {"fcff", {"a", "shop_id", "c", "d"}, false, NULL}, /* of several rows each */
        {"fmff", {"a", "b", "c", "d"}, true, "the column \"b\" numbers the rows, in another order"},
        {"fmmf", {"a", "b", "c", "d"}, false, NULL}, /* ranks */
        {"fffc",
         {NULL},
         false,
         "column 4 of 4 holds 3 whole numbers, as classes do, and is read as one of the numbers"},
        {"fffc",
         {"a", "b", "c", "d"},
         false,
         "the column \"d\" holds 3 whole numbers, as classes do, and is read as one of the numbers: if these are the "
         "labels, pass it as labels and the others as examples, of both splits"},
        {"fccf", {"a", "label", "c", "d"}, false, "the column \"label\" holds 3 whole numbers"},
        {"fccf", {"a", "c", "Species", "d"}, false, "the column \"Species\" holds 3 whole numbers"},
        {"fccf",
         {"a", "target", "c", "d"},
         true,
         "as one of the numbers beside the labels: if it tells the same, take"},
        {"fccf", {"a", "species", "c", "d"}, true, NULL},
        {"fffc", {"a", "b", "c", "rooms"}, false, NULL}, /* a count */
        {"fccf", {"a", "X", "Y", "d"}, false, NULL},     /* a place */
        {"fcff", {"a", "Y", "X", "d"}, false, "the column \"Y\" holds 3 whole numbers"},
        {"fcff", {"a", "is_test", "c", "d"}, true, "if it says which rows are for the test, pass these as the test"},
        {"ffff", {"a", "b", "a", "d"}, false, "several of its columns are called \"a\""},
    };
    float values[4 * 100];
    uint8_t labels[100];
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        duet_data *data = NULL;
        duet_error error = {0};
        for (size_t k = 0; k < 400; k++) values[k] = column_of(tables[i].kinds[k % 4], k / 4 + 100 * (k % 4 == 0));
        for (size_t k = 0; k < 100; k++) labels[k] = k % 2;
        const duet_own_data own = {.name = "mine",
                                   .shape = DUET_SHAPE(4),
                                   .type = DUET_FLOAT32,
                                   .count = {100},
                                   .examples = {values},
                                   .labels = {tables[i].labelled ? labels : NULL},
                                   .columns = tables[i].names[0] != NULL ? tables[i].names : NULL};
        assert_ok(duet_data_from_memory(&data, &own, &error), &error);
        const char *note = duet_data_note(data, 0, NULL), *piece = tables[i].piece;
        if ((note == NULL) != (piece == NULL) || (piece != NULL && strstr(note, piece) == NULL))
            fail_msg("table %zu: \"%s\"", i, note != NULL ? note : "(nothing)");
        assert_null(duet_data_note(data, 1, NULL));
        duet_data_close(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_looked_at_as_files_are),
        cmocka_unit_test(labels_of_arrays_are_looked_at),
        cmocka_unit_test(columns_with_names_are_looked_at),
        cmocka_unit_test(a_tenth_of_each_class_is_the_test_split),
        cmocka_unit_test(a_function_is_not_asked_for_all_examples),
        IN_FOLDER(a_run_knows_arrays_again),
        IN_FOLDER(a_set_in_use_stays_where_it_is),
    };
    return RUN_TESTS("own_data", tests, NULL, NULL);
}
