/* SPDX-License-Identifier: MIT */
/* Labels: of any numbers, beside their examples, in a file that is named, and in place of those of a set. */
#include "data_checks.h"

#include <unistd.h>

#include "run/run_folder.h"

static void labels_beside_a_file(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"x-images-idx3-ubyte", "x-labels-idx1-ubyte.gz"},
                                           {"y-images.idx3-ubyte.gz", "y-labels.idx1-ubyte"},
                                           {"z-images.idx", "z-labels.idx"},
                                           {"w-images.npy", "w-labels.npy"},
                                           {"V-IMAGES.NPY", "v-Labels.npy"},
                                           {"u-Images-IDX3-ubyte", "U-LABELS-IDX1-UBYTE"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        duet_error error = {0};
        uint8_t labels[12];
        write_idx(names[i][0], DIMS(12, 2, 2), 0);
        write_idx(names[i][1], DIMS(12), 0);
        duet_data *data = open_sound(in_folder(names[i][0]));
        assert_int_equal(duet_data_describe(data)->classes, pattern(11) + 1);
        assert_ok(duet_data_labels(data, DUET_TRAIN, 1, 10, labels, &error), &error);
        for (size_t k = 0; k < 10; k++) assert_int_equal(labels[k], pattern(1 + k));
        assert_ok(duet_data_labels(data, DUET_TEST, 0, 1, labels, &error), &error);
        assert_int_equal(labels[0], pattern(11));
        duet_data_close(&data);
    }
}

static void labels_beside_that_are_doubtful(void **state)
{
    (void)state;
    char name[3 * TEST_PATH_SIZE], piece[64];
    write_idx("x-images.npy", DIMS(12, 2, 2), 0);
    write_idx("x-labels.npy", DIMS(12), 0);
    write_idx("x-Labels.npy", DIMS(12), 1);
    assert_refused("labels in other letters", in_folder("x-images.npy"), DUET_ERROR_DATA,
                   "could be the same part of a data set");
    (void)snprintf(name, sizeof name, "%s/x-images.npy:labels=%s/x-Labels.npy", folder, folder);
    duet_data *data = open_sound(name);
    assert_int_equal(duet_data_describe(data)->classes, pattern(12) + 1);
    duet_data_close(&data);

    /* what is called after them is not theirs for certain */
    write_idx("Y.npy", DIMS(12, 2, 2), 0);
    data = open_sound(in_folder("Y.npy"));
    assert_null(duet_data_note(data, 0, NULL));
    duet_data_close(&data);
    static const char *const beside[] = {"Y-labels.npy", "y_LABELS.NPY"};
    for (size_t i = 0; i < 2; i++) {
        write_idx(beside[i], DIMS(12), 0);
        data = open_sound(in_folder("Y.npy"));
        assert_int_equal(duet_data_describe(data)->classes, 0);
        (void)snprintf(piece, sizeof piece, "%s lies beside it and is not read: if these", beside[i]);
        assert_non_null(duet_data_note(data, 0, NULL));
        assert_non_null(strstr(duet_data_note(data, 0, NULL), piece));
        duet_data_close(&data);
        assert_int_equal(remove(in_folder(beside[i])), 0);
    }
}

static void labels_of_any_number_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        size_t bytes;
    } types[] = {{"|i1", 1}, {"<i2", 2}, {"<u2", 2}, {"<i4", 4}, {"<u4", 4}, {"<i8", 8}, {"<u8", 8}};
    write_idx("train-images.idx", DIMS(4, 2, 2), 0);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char header[128];
        uint8_t bytes[32] = {0};
        for (size_t k = 0; k < 4; k++) bytes[k * types[i].bytes] = (uint8_t)(3 - k);
        (void)snprintf(header, sizeof header, ARRAY("%s", "False", "(4,)"), types[i].type);
        write_npy("train-labels.npy", 1, header, bytes, 4 * types[i].bytes);
        duet_data *data = open_sound(folder);
        assert_labels(data, DUET_TRAIN, "321");
        duet_data_close(&data);
    }
    write_npy("train-labels.npy", 1, ARRAY("<f4", "False", "(4,)"), ((float[]){0, 1, 2, 2.5f}), 16);
    assert_refused("half a class", folder, DUET_ERROR_DATA, "label 3 is 2.5; whole numbers from 0 to 255");
    write_npy("train-labels.npy", 1, ARRAY("<i8", "False", "(4,)"), ((int64_t[]){0, 1, -1, 2}), 32);
    assert_refused("a negative class", folder, DUET_ERROR_DATA,
                   "numpy.searchsorted(numpy.unique(both), array), where both is the labels of both splits, joined, "
                   "which numbers");
    write_npy("train-labels.npy", 1, ARRAY("<i8", "False", "(4, 2)"), ((int64_t[8]){0, 1}), 64);
    assert_refused("one-hot", folder, DUET_ERROR_DATA, "of rows with one 1 each save array.argmax(1)");
    write_npy("train-labels.npy", 1, ARRAY("<i8", "False", "(4, 1, 2)"), ((int64_t[8]){0, 1}), 64);
    assert_refused("one-hot below", folder, DUET_ERROR_DATA, "each save array.reshape(len(array), -1).argmax(1)");
    write_npy("train-labels.npy", 1, ARRAY("<i8", "False", "(1, 4)"), ((int64_t[4]){0, 1}), 32);
    assert_refused("a row", folder, DUET_ERROR_DATA, "not one row of 4: save array.reshape(-1)");
}

static void labels_from_a_file_that_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *options, *train, *test; /* test "": there are none */
    } cases[] = {
        {"labels=@/four.npy", "3101", ""}, {"labels=@/six.npy", "5432", "10"}, {"labels=@/six.csv", "0011", "21"}};
    write_idx("train.idx", DIMS(4, 2, 2), 0);
    write_idx("test.idx", DIMS(2, 2, 2), 0);
    make_inner("l");
    write_npy("l/four.npy", 1, ARRAY("|u1", "False", "(4,)"), "\3\1\0\1", 4);
    write_npy("l/six.npy", 1, ARRAY("<i8", "False", "(6,)"), ((int64_t[]){5, 4, 3, 2, 1, 0}), 48);
    write_file("l/six.csv", BYTES("file,label\na,ant\nb,ant\nc,bee\nd,bee\ne,cat\nf,bee\n"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[4 * TEST_PATH_SIZE];
        (void)snprintf(name, sizeof name, "%s:labels=%s/l%s", folder, folder, cases[i].options + strlen("labels=@"));
        duet_data *data = open_sound(name);
        assert_labels(data, DUET_TRAIN, cases[i].train);
        assert_int_equal(duet_data_has_labels(data, DUET_TEST), cases[i].test[0] != '\0');
        if (cases[i].test[0] != '\0') assert_labels(data, DUET_TEST, cases[i].test);
        duet_data_close(&data);
    }
    assert_refused("no such file", with("train.idx", "labels=/nowhere.npy"), DUET_ERROR_FILE, "/nowhere.npy");
}

/* Labels in place of those that a set came with mean something else: in both splits or in none, and the names of the
 * set's classes are not theirs. */
static void labels_in_place_of_others(void **state)
{
    (void)state;
    const char *kept = getenv("DUET_DATA");
    char name[3 * TEST_PATH_SIZE];
    duet_error error = {0};
    write_idx("train-images-idx3-ubyte", DIMS(4, 2, 2), 0);
    write_idx("train-labels-idx1-ubyte", DIMS(4), 0);
    write_idx("t10k-images-idx3-ubyte", DIMS(2, 2, 2), 0);
    write_idx("t10k-labels-idx1-ubyte", DIMS(2), 0);
    make_inner("l");
    write_npy("l/four.npy", 1, ARRAY("|u1", "False", "(4,)"), "\3\1\0\1", 4);
    write_file("l/six.csv", BYTES("label\nant\nant\nbee\nbee\ncat\nbee\n"));
    (void)snprintf(name, sizeof name, "%s:labels=%s/l/four.npy", folder, folder);
    assert_refused("labels of the training examples alone", name, DUET_ERROR_DATA,
                   "the 2 test examples would keep others: give labels for all 6");
    assert_int_equal(setenv("DUET_DATA", folder, 1), 0);
    (void)snprintf(name, sizeof name, "fashion-mnist:labels=%s/l/four.npy", folder);
    assert_refused("and of a named set", name, DUET_ERROR_DATA, "give labels for all 6");
    (void)snprintf(name, sizeof name, "fashion-mnist:labels=%s/l/six.csv", folder);
    duet_data *data = open_sound(name);
    const duet_data_info *info = duet_data_describe(data);
    assert_labels(data, DUET_TRAIN, "0011");
    assert_labels(data, DUET_TEST, "21");
    assert_int_equal(info->classes, 3);
    assert_string_equal(info->class_names[2], "cat");
    duet_data_close(&data);
    assert_ok(duet_data_open(&data, "fashion-mnist", &error), &error);
    assert_string_equal(duet_data_describe(data)->class_names[0], "T-shirt/top");
    duet_data_close(&data);
    assert_int_equal(kept == NULL ? unsetenv("DUET_DATA") : setenv("DUET_DATA", kept, 1), 0);
}

/* A run names them from the root, as it does other paths. */
static void labels_of_a_named_set_are_found_from_any_folder(void **state)
{
    (void)state;
    char here[4 * TEST_PATH_SIZE], full[4 * TEST_PATH_SIZE], expected[5 * TEST_PATH_SIZE];
    write_file("six.csv", BYTES("label\nant\nant\nbee\nbee\ncat\nbee\n"));
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(folder), 0);
    char *name = duet_run_data_name("fashion-mnist:labels=six.csv,size=8x8");
    assert_non_null(getcwd(full, sizeof full));
    assert_int_equal(chdir(here), 0);
    (void)snprintf(expected, sizeof expected, "fashion-mnist:labels=%s/six.csv,size=8x8", full);
    assert_string_equal(name, expected);
    free(name);
    assert_string_equal(name = duet_run_data_name("shapes:drop=square-red"), "shapes:drop=square-red");
    free(name);
    make_inner("species"); /* a column, which a folder here is called like */
    assert_int_equal(chdir(folder), 0);
    name = duet_run_data_name("fashion-mnist:labels=species");
    assert_int_equal(chdir(here), 0);
    assert_string_equal(name, "fashion-mnist:labels=species");
    free(name);
}

/* numpy.unique would make a class of what nobody knows. */
static void labels_that_are_no_numbers(void **state)
{
    (void)state;
    char name[3 * TEST_PATH_SIZE];
    write_npy("pictures.npy", 1, ARRAY("|u1", "False", "(3, 2, 2)"), "abcdefghijkl", 12);
    write_npy("nan.npy", 1, ARRAY("<f4", "False", "(3,)"), ((float[3]){0, NAN, 1}), 12);
    (void)snprintf(name, sizeof name, "%s/pictures.npy:labels=%s/nan.npy", folder, folder);
    assert_refused("no number", name, DUET_ERROR_DATA, "label 1 is nan, which is no class: take out the examples");
}

/* A column and a file: which counts is to be said where they differ, and a column that is replaced is no measurement.
 */
static void labels_that_are_there_twice(void **state)
{
    (void)state;
    static const struct {
        const char *options, *labels; /* NULL: refused */
    } cases[] = {{"", NULL}, {":labels=label", "0101"}, {":labels=@/set/labels.csv", "1010"}};
    char name[4 * TEST_PATH_SIZE], piece[3 * TEST_PATH_SIZE];
    make_inner("set");
    write_file("set/train.csv", BYTES("a,label,b\n1,0,2\n3,1,5\n4,0,7\n2,1,6\n9,0,1\n"));
    write_file("set/labels.csv", BYTES("label\n1\n0\n1\n0\n1\n"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *file = strchr(cases[i].options, '@');
        (void)snprintf(name, sizeof name, "%s/set%.*s%s%s", folder, (int)strcspn(cases[i].options, "@"),
                       cases[i].options, file != NULL ? folder : "", file != NULL ? file + 1 : "");
        (void)snprintf(piece, sizeof piece,
                       "and %s/set/labels.csv both hold labels, and they differ: --labels label says that", folder);
        if (cases[i].labels == NULL) assert_refused("twice", name, DUET_ERROR_DATA, piece);
        if (cases[i].labels == NULL) continue;
        duet_data *data = open_sound(name);
        assert_labels(data, DUET_TRAIN, cases[i].labels);
        assert_int_equal(duet_data_describe(data)->shape.dims[0], 2);
        duet_data_close(&data);
    }
    write_file("set/labels.csv", BYTES("label\n0\n1\n0\n1\n0\n")); /* the same */
    duet_data *data = open_sound(in_folder("set"));
    assert_labels(data, DUET_TRAIN, "0101");
    duet_data_close(&data);
    write_file("other.csv", BYTES("label\n1\n0\n1\n0\n1\n"));
    (void)snprintf(name, sizeof name, "%s/set/train.csv:labels=%s/other.csv", folder, folder);
    data = open_sound(name);
    assert_labels(data, DUET_TRAIN, "1010");
    assert_int_equal(duet_data_describe(data)->shape.dims[0], 2);
    assert_true(says(data, "train.csv: the labels of its column \"label\" are replaced by those of "));
    duet_data_close(&data);
}

/* Measurements that are called as labels are, more than there can be classes, and one that nobody made. */
static void labels_in_place_of_a_column_of_measurements(void **state)
{
    (void)state;
    enum { ROWS = 400, EMPTY = 7 };
    char name[3 * TEST_PATH_SIZE], table[16 * ROWS], labels[4 * ROWS];
    int length = snprintf(table, sizeof table, "a,target\n"), size = snprintf(labels, sizeof labels, "label\n");
    for (int i = 0; i < ROWS; i++) {
        char target[16] = "";
        if (i != EMPTY) (void)snprintf(target, sizeof target, "%d.5", i);
        length += snprintf(table + length, sizeof table - (size_t)length, "%d,%s\n", i * 37 % ROWS, target);
        size += snprintf(labels + size, sizeof labels - (size_t)size, "%d\n", i % 2);
    }
    write_file("table.csv", table, (size_t)length);
    write_file("l.csv", labels, (size_t)size);
    assert_refused("not replaced", in_folder("table.csv"), DUET_ERROR_DATA, "is no label");
    (void)snprintf(name, sizeof name, "%s/table.csv:split=last,labels=%s/l.csv", folder, folder);
    duet_data *data = open_sound(name);
    assert_labels(data, DUET_TEST, "0101010101010101010101010101010101010101");
    assert_int_equal(duet_data_describe(data)->classes, 2);
    assert_int_equal(duet_data_describe(data)->shape.dims[0], 1);
    assert_true(says(data, "the labels of its column \"target\" are replaced by those of "));
    assert_false(says(data, "each is a class"));
    duet_data_close(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(labels_beside_a_file),
        IN_FOLDER(labels_beside_that_are_doubtful),
        IN_FOLDER(labels_of_any_number_type),
        IN_FOLDER(labels_from_a_file_that_is_named),
        IN_FOLDER(labels_in_place_of_others),
        IN_FOLDER(labels_of_a_named_set_are_found_from_any_folder),
        IN_FOLDER(labels_that_are_no_numbers),
        IN_FOLDER(labels_that_are_there_twice),
        IN_FOLDER(labels_in_place_of_a_column_of_measurements),
    };
    return RUN_TESTS("labels", tests, NULL, NULL);
}
