/* SPDX-License-Identifier: MIT */
/* Formats beside IDX and .npy, what is said behind a colon, sets of a program's own; and data that
 * is sound and plausibly wrong. Archives of pictures and folders are in test_pictures_read.c. */
#include "data_checks.h"
#include "picture_files.h"

#include "data/known.h"

/* CSV. */

static void csv_files_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a,label,b\n1,0,2\n-3.5,1,4e2\n5,1,6\n",
        "\xEF\xBB\xBF\"a\nor c\";\"label\";\"b\"\r\n1;0;2\r\n\r\n-3.5;1;4e2\r\n5;1;\"6\"",
        "a\tLabel\tb\n 1 \t0\t2\n-3.5\t1.0\t400\n5\t1\t6\n",
    };
    for (size_t i = 0; i < 3; i++) {
        const char *name = i == 1 ? "x.csv.gz" : "x.csv";
        write_file(name, texts[i], strlen(texts[i]));
        duet_data *data = open_sound(in_folder(name));
        const duet_data_info *info = duet_data_describe(data);
        assert_int_equal(info->shape.rank, 1);
        assert_int_equal(info->shape.dims[0], 2);
        assert_int_equal(info->classes, 2);
        assert_null(info->class_names);
        assert_values(data, DUET_TRAIN, 0, (double[]){1, 2, -3.5, 400}, 4);
        assert_values(data, DUET_TEST, 0, (double[]){5, 6}, 2);
        assert_labels(data, DUET_TRAIN, "01");
        assert_close(info->low[DUET_TRAIN], -3.5, 0);
        assert_close(info->high[DUET_TRAIN], 400, 0);
        duet_data_close(&data);
    }
    /* words are classes in sorted order; those of the test file are the same numbers, whichever it has */
    write_file("train.csv", BYTES("x,kind\n1,pear\n2,apple\n3,\"plum, blue\"\n"));
    write_file("test.csv", BYTES("x,kind\n4,plum, blue\n"));
    assert_int_equal(remove(in_folder("x.csv")), 0);
    assert_int_equal(remove(in_folder("x.csv.gz")), 0);
    char name[2 * TEST_PATH_SIZE];
    (void)snprintf(name, sizeof name, "%s:labels=kind", folder);
    assert_refused("a separator within", name, DUET_ERROR_DATA, "test.csv, line 2: 3 fields, but the first line");
    write_file("test.csv", BYTES("kind,x\npear,4\nquince,5\n"));
    duet_data *data = open_sound(name);
    assert_int_equal(duet_data_describe(data)->classes, 4);
    assert_string_equal(duet_data_describe(data)->class_names[2], "plum, blue");
    assert_labels(data, DUET_TRAIN, "102");
    assert_labels(data, DUET_TEST, "13");
    duet_data_close(&data);
}

static const struct {
    const char *title, *text, *options, *piece;
} bad_csv[] = {
    {"no names", "1,2\n3,4\n", "", "its first line holds numbers, and the names of its 2 columns are expected"},
    {"no rows", "a,b\n", "", "holds no examples"},
    {"a short line", "a,b\n1,2\n3\n", "", "line 3: 1 fields, but the first line names 2 columns"},
    {"an empty place", "a,b\n1,2\n3,\n", "", "line 3: \"\" in the column \"b\" is no number; fill such places"},
    {"a word", "a,b\n1,x\n3,4\n", "", "\"x\" in the column \"b\" is no number; take the column out, or name it as"},
    {"not a number", "a,b\n1,nan\n3,4\n", "", "\"nan\" in the column \"b\""},
    {"too large", "a,b\n1,1e300\n3,4\n", "", "\"1e300\" in the column \"b\""},
    {"an open quote", "a,b\n1,\"2\n", "", "line 2: a quote that is not closed"},
    {"text behind a quote", "a,b\n1,\"2\"3\n", "", "line 2: a quote that is not closed, or text behind one"},
    {"another column", "a,b\n1,2\n3,4\n", ":labels=c", "has no column \"c\", nor is that a file; it has \"a\", \"b\""},
    {"no bytes", "a,b\n1,2\n3,400\n", ":values=bytes", "values=bytes is for whole numbers from 0 to 255"},
};

static void unsound_csv_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_csv / sizeof *bad_csv; i++) {
        char name[2 * TEST_PATH_SIZE];
        write_file("x.csv", bad_csv[i].text, strlen(bad_csv[i].text));
        (void)snprintf(name, sizeof name, "%s%s", in_folder("x.csv"), bad_csv[i].options);
        assert_refused(bad_csv[i].title, name, DUET_ERROR_DATA, bad_csv[i].piece);
    }
    write_file("x.csv", BYTES("a,b\n1,2\0\n"));
    assert_refused("zero bytes", in_folder("x.csv"), DUET_ERROR_DATA, "there is a zero byte in line 2");
    char many[8192];
    int used = snprintf(many, sizeof many, "label,a\n");
    for (int i = 0; i < 300; i++) used += snprintf(many + used, sizeof many - (size_t)used, "n%d,1\n", i);
    write_file("x.csv", many, (size_t)used);
    assert_refused("300 classes", in_folder("x.csv"), DUET_ERROR_DATA, "more than 256 different values");
}

/* .npz. */

static void arrays_in_archives(void **state)
{
    (void)state;
    static const char *const members[] = {"x_train.npy",    "y_train.npy",     "x_test.npy", "y_test.npy",
                                          "val_images.npy", "class_names.npy", NULL};
    uint8_t pixels[24 * 4];
    int64_t labels[4] = {2, 0, 1, 1};
    double expected[96];
    for (size_t i = 0; i < sizeof pixels; i++) expected[i] = (pixels[i] = pattern(i)) / 255.0;
    write_npy("x_train.npy", 1, ARRAY("|u1", "False", "(4, 4, 2, 3)"), pixels, sizeof pixels);
    write_npy("y_train.npy", 1, ARRAY("<i8", "False", "(4, 1)"), labels, sizeof labels);
    write_npy("x_test.npy", 1, ARRAY("|u1", "False", "(2, 4, 2, 3)"), pixels + 24, 48);
    write_npy("y_test.npy", 1, ARRAY("<i8", "False", "(2,)"), labels + 1, 16);
    write_npy("val_images.npy", 1, ARRAY("|u1", "False", "(1, 4, 2, 3)"), pixels, 24);
    write_npy("class_names.npy", 1, ARRAY("|S4", "False", "(3,)"), "two\0one\0zero", 12);
    for (int deflated = 0; deflated < 2; deflated++) {
        write_archive("x.npz", members, deflated);
        duet_data *data = open_sound(in_folder("x.npz"));
        const duet_data_info *info = duet_data_describe(data);
        assert_string_equal(info->format, "an archive of arrays (.npz)");
        assert_int_equal(info->classes, 3);
        assert_string_equal(info->class_names[0], "two"); /* their own order */
        assert_string_equal(info->class_names[2], "zero");
        assert_values(data, DUET_TRAIN, 0, expected, 96);
        assert_values(data, DUET_TRAIN, 1, expected + 24, 24);
        assert_values(data, DUET_TEST, 0, expected + 24, 48);
        assert_labels(data, DUET_TRAIN, "2011");
        assert_labels(data, DUET_TEST, "01");
        assert_non_null(strstr(duet_data_note(data, 0, NULL), "1 members are neither training nor test examples"));
        duet_data_close(&data);
    }
    write_archive("x.npz", (const char *const[]){"x_test.npy", NULL}, true);
    assert_refused("test only", in_folder("x.npz"), DUET_ERROR_DATA, "holds no training examples");
    write_archive("x.npz", (const char *const[]){"x_train.npy", "val_images.npy", "y_test.npy", NULL}, true);
    duet_data *odd = open_sound(in_folder("x.npz")); /* labels of a split that is not there */
    assert_int_equal(duet_data_describe(odd)->classes, 0);
    duet_data_close(&odd);
    write_npy("y_train.npy", 1, ARRAY("<i8", "False", "(3,)"), labels, 24);
    write_archive("x.npz", members, true);
    assert_refused("labels too few", in_folder("x.npz"), DUET_ERROR_DATA, "3 labels, but");
    write_npy("x_train.npy", 1, ARRAY("|u1", "False", "(9, 4, 2, 3)"), pixels, sizeof pixels);
    for (int deflated = 0; deflated < 2; deflated++) {
        write_archive("x.npz", members, deflated);
        assert_refused("array cut", in_folder("x.npz"), DUET_ERROR_DATA, "x.npz: x_train.npy: truncated");
    }
}

/* CIFAR-10. */

static void write_cifar(const char *name, size_t count, size_t start)
{
    static uint8_t bytes[4 * 3073];
    for (size_t k = 0; k < count; k++) {
        bytes[k * 3073] = (uint8_t)((start + k) % 10);
        for (size_t i = 0; i < 3072; i++) bytes[k * 3073 + 1 + i] = pattern((start + k) * 3072 + i);
    }
    write_file(name, bytes, count * 3073);
}

/* For use the test examples will do. */
static void cifars_test_batch_alone(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data = NULL;
    write_cifar("test_batch.bin", 2, 7);
    write_file("batches.meta.txt", BYTES("plane\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n"));
    assert_refused(
        "nothing to learn from", folder, DUET_ERROR_DATA,
        "holds test_batch.bin and no data_batch_1.bin, so that there is nothing to learn from: get it again");
    assert_ok(duet_data_open_for_use(&data, folder, DUET_DIVISION_SHUFFLED, &error), &error);
    assert_int_equal(duet_data_describe(data)->count[DUET_TRAIN], 0);
    assert_string_equal(duet_data_describe(data)->format, "CIFAR-10's binary files");
    assert_string_equal(duet_data_describe(data)->class_names[7], "horse");
    assert_labels(data, DUET_TEST, "78");
    duet_data_close(&data);
}

static void cifars_binary_files(void **state)
{
    (void)state;
    duet_error error = {0};
    float values[3072];
    write_cifar("data_batch_1.bin", 3, 0);
    write_cifar("data_batch_2.bin", 2, 3);
    write_cifar("test_batch.bin", 2, 7);
    write_file("batches.meta.txt", BYTES("plane\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"));
    duet_data *data = open_sound(folder);
    const duet_data_info *info = duet_data_describe(data);
    assert_string_equal(info->format, "CIFAR-10's binary files");
    assert_true(info->shape.rank == 3 && info->shape.dims[0] == 32 && info->shape.dims[2] == 3 && info->picture);
    assert_string_equal(info->class_names[9], "truck");
    assert_labels(data, DUET_TRAIN, "01234");
    assert_labels(data, DUET_TEST, "78");
    for (size_t row = 5; row-- > 0;) {
        assert_ok(duet_data_read(data, DUET_TRAIN, row, 1, values, &error), &error);
        for (size_t i = 0; i < 3072; i++)
            assert_close(values[i], pattern(row * 3072 + i % 3 * 1024 + i / 3) / 255.0, 1e-6);
    }
    duet_data_close(&data);
    data = open_sound(in_folder("data_batch_1.bin"));
    assert_labels(data, DUET_TRAIN, "01");
    assert_labels(data, DUET_TEST, "2");
    duet_data_close(&data);
    write_file("data_batch_2.bin", BYTES("short"));
    assert_refused("a short file", folder, DUET_ERROR_DATA, "data_batch_2.bin: 5 bytes; the binary files of CIFAR-10");
    write_cifar("data_batch_2.bin", 2, 3);
    assert_int_equal(remove(in_folder("batches.meta.txt")), 0);
    assert_int_equal(mkfifo(in_folder("batches.meta.txt"), 0666), 0);
    assert_refused("names in a pipe", folder, DUET_ERROR_FILE, "batches.meta.txt: cannot be opened: it is a pipe");
    assert_int_equal(remove(in_folder("batches.meta.txt")), 0);
    assert_int_equal(symlink("/nowhere", in_folder("batches.meta.txt")), 0);
    assert_refused("dangling names", folder, DUET_ERROR_FILE, "batches.meta.txt: cannot be opened");
    assert_int_equal(remove(in_folder("batches.meta.txt")), 0);
    char *bytes;
    size_t size;
    bytes = test_file_read(in_folder("data_batch_2.bin"), &size);
    bytes[3073] = 77;
    test_file_write(in_folder("data_batch_2.bin"), bytes, size);
    free(bytes);
    assert_refused("a wrong label", folder, DUET_ERROR_DATA, "record 4 has label 77");
}

/* What is there by name and cannot be read is no absence. */
static void what_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    make_inner("set");
    write_idx("set/TRAIN.IDX", DIMS(9, 2, 2), 0);
    write_idx("set/Test.Idx", DIMS(4, 2, 2), 0);
    duet_data *data = open_sound(in_folder("set"));
    assert_int_equal(duet_data_describe(data)->count[DUET_TRAIN], 9);
    assert_int_equal(duet_data_describe(data)->count[DUET_TEST], 4);
    duet_data_close(&data);
    assert_int_equal(symlink("/nowhere.npy", in_folder("set/train-labels.npy")), 0);
    assert_refused("dangling labels", in_folder("set"), DUET_ERROR_FILE, "train-labels.npy: cannot be opened");
    assert_int_equal(remove(in_folder("set/train-labels.npy")), 0);
    assert_int_equal(remove(in_folder("set/Test.Idx")), 0);
    assert_int_equal(symlink("/nowhere.npy", in_folder("set/test.npy")), 0);
    assert_refused("a dangling test set", in_folder("set"), DUET_ERROR_FILE, "test.npy: cannot be opened");
    assert_int_equal(remove(in_folder("set/test.npy")), 0);
    assert_int_equal(mkfifo(in_folder("set/test.npy"), 0666), 0);
    assert_refused("a pipe in a folder", in_folder("set"), DUET_ERROR_FILE, "test.npy: is not a plain file");
    assert_refused("a pipe", in_folder("set/test.npy"), DUET_ERROR_FILE, "is not a plain file");
    write_idx("x-images.idx", DIMS(9, 2, 2), 0);
    assert_int_equal(symlink("/nowhere", in_folder("x-labels.idx")), 0);
    assert_refused("dangling labels beside", in_folder("x-images.idx"), DUET_ERROR_FILE, "x-labels.idx: cannot be");
}

/* Plausible and wrong. */

static void whole_numbers_as_examples_have_the_remedy_that_fits(void **state)
{
    (void)state;
    static const struct {
        int64_t low, high;
        const char *piece;
    } cases[] = {
        {0, 1, "from 0 to 1; |u1, <f4 and <f8 are read as examples: save array.astype('<f4'), for numbers in [0, 1]"},
        {0, 255, "save array.astype('u1'), for bytes, which are scaled to [0, 1]"},
        {0, 65535, "save (array / 65535).astype('<f4'), for numbers in [0, 1]"},
        {-5, 5, "save array.astype('<f4'), for numbers taken as they are"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_npy("x.npy", 1, ARRAY("<i8", "False", "(2, 2)"),
                  ((int64_t[]){cases[i].low, cases[i].high, cases[i].low, cases[i].high}), 32);
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
    {"dark bytes", ARRAY("|u1", "False", "(4, 8, 8)"), NULL, "", 0, 16, 0, WARNING, "(array / 16).astype('<f4')"},
    {"bytes", ARRAY("|u1", "False", "(4, 8, 8)"), NULL, "", 0, 200, 0, NONE, NULL},
    {"floats of 0 to 255", ARRAY("<f4", "False", "(4, 8, 8)"), NULL, "", 0, 255, 0, WARNING, "values=bytes"},
    {"taken as bytes", ARRAY("<f4", "False", "(4, 8, 8)"), NULL, ":values=bytes", 0, 255, 0, NONE, NULL},
    {"taken as numbers", ARRAY("<f4", "False", "(4, 8, 8)"), NULL, ":values=numbers", 0, 255, 0, NONE, NULL},
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
    assert_refused("rows of another size", with("x.npy", "size=5x5"), DUET_ERROR_DATA, "size=5x5 is for pictures");
    assert_refused("alpha of rows", with("x.npy", "alpha=white"), DUET_ERROR_DATA, "bytes of 2 or 4 channels");
    assert_refused("channels of rows", with("x.npy", "channels=first"), DUET_ERROR_DATA, "channels=first is for");
    assert_refused("a bad value", with("x.npy", "channels=second"), DUET_ERROR_USAGE, "first or last");
    write_idx("odd:size=name,x.idx", DIMS(4, 2, 2), 0);
    data = open_sound(in_folder("odd:size=name,x.idx")); /* a path that is there needs no options */
    duet_data_close(&data);
}

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
    return DUET_OK;
}

static void sets_of_a_programs_own(void **state)
{
    (void)state;
    static const char *const names[] = {"low", "high"};
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
    duet_data_close(&data);

    static const duet_own_data wrong[] = {
        {.name = "w", .shape = {.rank = 1, .dims = {2}}, .type = DUET_UINT8, .count = {4}},
        {.name = "", .shape = {.rank = 1, .dims = {2}}, .type = DUET_UINT8, .count = {4}, .examples = {"12345678"}},
        {.name = "w", .shape = {.rank = 1, .dims = {0}}, .type = DUET_UINT8, .count = {4}, .examples = {"12345678"}},
        {.name = "w", .shape = {.rank = 1, .dims = {2}}, .type = DUET_UINT32, .count = {4}, .examples = {"12345678"}},
        {.name = "w", .shape = {.rank = 1, .dims = {2}}, .type = DUET_UINT8, .examples = {"12345678"}},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(csv_files_are_read),
        IN_FOLDER(unsound_csv_files_are_refused),
        IN_FOLDER(arrays_in_archives),
        IN_FOLDER(cifars_binary_files),
        IN_FOLDER(cifars_test_batch_alone),
        IN_FOLDER(what_cannot_be_read_is_an_error),
        IN_FOLDER(whole_numbers_as_examples_have_the_remedy_that_fits),
        IN_FOLDER(what_is_plausible_and_may_be_wrong_is_said),
        IN_FOLDER(a_file_in_the_order_of_its_classes),
        IN_FOLDER(options_turn_rows),
        IN_FOLDER(a_converted_set_is_the_same),
        IN_FOLDER(sets_of_a_programs_own),
        cmocka_unit_test(classes_of_a_programs_own),
    };
    return RUN_TESTS("formats", tests, NULL, NULL);
}
