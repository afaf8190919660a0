/* SPDX-License-Identifier: MIT */
/* Formats beside IDX and .npy: CSV, .npz, CIFAR-10. Archives of pictures and folders are in test_pictures_read.c. */
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
    {"no names", "1,2\n3,4\n", "", "the names of its 2 columns are expected: put a line such as x1,x2 on top, "},
    {"no names of many", "1;2;3;4;5\n3;4;5;6;7\n", "",
     "such as x1;x2;...;x5 on top, or in its place if its numbers are the columns' names, where a column of labels is "
     "called label"},
    {"no names, and a file of labels", "1;2\n3;4\n", ":labels=l.npy",
     "such as x1;x2 on top, or in its place if its numbers are the columns' names, where a column of labels is called "
     "label"},
    {"no names by tabs", "1\t2\t3\n3\t4\t5\n", ":labels=kind",
     "x1<tab>x2<tab>x3 on top, or in its place if its numbers are the columns' names, where a column of labels is "
     "called kind"},
    {"no rows", "a,b\n", "", "holds no examples"},
    {"a short line", "a,b\n1,2\n3\n", "", "line 3: 1 field, but the first line names 2 columns"},
    {"an empty place", "a,b\n1,2\n3,\n", "", "line 3: \"\" in the column \"b\" is no number; fill such places"},
    {"a word", "a,b\n1,x\n3,4\n", "", "\"x\" in the column \"b\" is no number; take the column out, or name it as"},
    {"not a number", "a,b\n1,nan\n3,4\n", "", "\"nan\" in the column \"b\""},
    {"too large", "a,b\n1,1e300\n3,4\n", "", "\"1e300\" in the column \"b\""},
    {"an open quote", "a,b\n1,\"2\n", "", "line 2: a quote that is not closed"},
    {"text behind a quote", "a,b\n1,\"2\"3\n", "", "line 2: a quote that is not closed, or text behind one"},
    {"another column", "a,b\n1,2\n3,4\n", ":labels=c", "has no column \"c\", nor is that a file; it has \"a\", \"b\""},
    {"a name in Latin-1",
     "a,gr\xF6\xDF"
     "e\n1,2\n3,4\n",
     "", "the name of the column \"gr??e\" is not UTF-8: save the file as UTF-8 (such as iconv -f latin1 -t utf-8"},
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
    write_file("w.csv", BYTES("\xFF\xFE"
                              "a\0,\0b\0\n\0"));
    assert_refused("UTF-16", in_folder("w.csv"), DUET_ERROR_DATA, "in line 1; if it is UTF-16, save it as UTF-8 (such");
    write_file("x.csv", BYTES("a,b\n1,2\0\n"));
    assert_refused("zero bytes", in_folder("x.csv"), DUET_ERROR_DATA, "there is a zero byte in line 2");
    char many[8192];
    int used = snprintf(many, sizeof many, "label,a\n");
    for (int i = 0; i < 300; i++) used += snprintf(many + used, sizeof many - (size_t)used, "n%d,1\n", i);
    write_file("x.csv", many, (size_t)used);
    assert_refused("300 classes", in_folder("x.csv"), DUET_ERROR_DATA, "more than 256 different values");
    /* a column's name may be longer than a file's can be, and what is said of a file is no part of its name for that */
    char name[2 * TEST_PATH_SIZE];
    write_file("x.csv", BYTES("a,b\n1,2\n3,4\n"));
    (void)snprintf(name, sizeof name, "%s:column=%0256d", in_folder("x.csv"), 0);
    assert_refused("a long name", name, DUET_ERROR_DATA, "has no column \"0000");
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
        assert_non_null(strstr(duet_data_note(data, 0, NULL), "1 member is neither training nor test examples"));
        duet_data_close(&data);
    }
    for (int deflated = 0; deflated < 2; deflated++) { /* the last of a name counts, as for numpy */
        write_archive("x.npz", (const char *const[]){"x_train.npy<x_test.npy", "x_train.npy", NULL}, deflated);
        duet_data *last = open_sound(in_folder("x.npz"));
        assert_values(last, DUET_TRAIN, 0, expected, 72);
        assert_non_null(strstr(duet_data_note(last, 0, NULL), "a later one has the same name, x_train.npy"));
        duet_data_close(&last);
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

/* Members that are not deflated lie there to be read as they are, and what the archive says of their bytes holds. */
static void damage_of_stored_members_is_seen(void **state)
{
    (void)state;
    enum { JUNK = 64 };
    static const char *const members[] = {"x_train.npy", "y_train.npy", "class_names.npy", NULL};
    static const char marks[][5] = {"\x2d\x2e\x2f\x30", "\x02\x01\x01\x01", "wool"};
    uint8_t pixels[96];
    size_t size;
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)i;
    write_npy("x_train.npy", 1, ARRAY("|u1", "False", "(4, 4, 2, 3)"), pixels, sizeof pixels);
    write_npy("y_train.npy", 1, ARRAY("|u1", "False", "(4,)"), marks[1], 4);
    write_npy("class_names.npy", 1, ARRAY("|S4", "False", "(3,)"), "wooltin\0wood", 12);
    write_archive("x.npz", members, false);
    duet_data *sound = open_sound(in_folder("x.npz"));
    duet_data_close(&sound);
    char *bytes = test_file_read(in_folder("x.npz"), &size), *behind = calloc(1, size + JUNK);
    assert_non_null(behind);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t at = 0;
        while (memcmp(bytes + at, marks[i], 4) != 0) at++;
        bytes[at] ^= 1;
        write_file("x.npz", bytes, size);
        char named[64];
        (void)snprintf(named, sizeof named, "%s: damaged: its bytes have the CRC-32", members[i]);
        assert_refused(members[i], in_folder("x.npz"), DUET_ERROR_DATA, named);
        memcpy(behind + JUNK, bytes, size);
        write_file("x.npz", behind, size + JUNK); /* where they are read through libarchive */
        assert_refused(members[i], in_folder("x.npz"), DUET_ERROR_DATA, "a damaged archive: ZIP bad CRC");
        bytes[at] ^= 1;
    }
    memcpy(behind + JUNK, bytes, size);
    write_file("x.npz", behind, size + JUNK);
    sound = open_sound(in_folder("x.npz"));
    duet_data_close(&sound);
    free(behind);
    free(bytes);
}

/* Their bytes do not lie there as they are. */
static void encrypted_members_are_refused(void **state)
{
    (void)state;
    const uint8_t pixels[8] = {0};
    size_t size;
    write_npy("x_train.npy", 1, ARRAY("|u1", "False", "(4, 2)"), pixels, sizeof pixels);
    write_archive("x.npz", (const char *const[]){"x_train.npy", NULL}, false);
    char *bytes = test_file_read(in_folder("x.npz"), &size);
    for (size_t i = 0; i + 10 < size; i++) {
        if (memcmp(bytes + i, "PK\3\4", 4) == 0) bytes[i + 6] |= 1;
        if (memcmp(bytes + i, "PK\1\2", 4) == 0) bytes[i + 8] |= 1;
    }
    write_file("x.npz", bytes, size);
    assert_refused("encrypted", in_folder("x.npz"), DUET_ERROR_DATA, "its members are encrypted: unpack it");
    free(bytes);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(damage_of_stored_members_is_seen),
        IN_FOLDER(encrypted_members_are_refused),
        IN_FOLDER(csv_files_are_read),
        IN_FOLDER(unsound_csv_files_are_refused),
        IN_FOLDER(arrays_in_archives),
        IN_FOLDER(cifars_binary_files),
        IN_FOLDER(cifars_test_batch_alone),
        IN_FOLDER(what_cannot_be_read_is_an_error),
    };
    return RUN_TESTS("formats", tests, NULL, NULL);
}
