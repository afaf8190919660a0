/* SPDX-License-Identifier: MIT */
/* Test parts that lie beside what is read and are not taken: a tenth of the training examples is not the test split
 * without a word. */
#include "data_checks.h"
#include "picture_files.h"

enum { MOST = 10 };

/* The files of a set, "/" at the end of a folder, and what is said of it as a folder and as an archive. */
static const struct {
    const char *files[MOST + 1], *said[2]; /* NULL: nothing of a test part */
} sets[] = {
    {{"train.npy"}, {NULL, NULL}},
    {{"x_train.npy", "y_train.npy", "x_test.npz"},
     {"the file x_test.npz lies in it, is for the test by its name and is not read, so that a tenth of the training "
      "examples is the test split: save its examples right in the folder as test.npy; if that is meant, say ",
      "x_test.npz"}},
    {{"train.csv", "test.tsv"}, {"the file test.tsv lies in it, is for the test by its name and is not read", NULL}},
    {{"train.npy", "test.npy.xz"}, {"the file test.npy.xz", "test.npy.xz"}},
    {{"train.npy", "test.npy.part"}, {"the file test.npy.part", "test.npy.part"}},
    {{"train.npy", "test/", "test/x.npy"},
     {"the folder test lies in it, is for the test by its name and is not", NULL}},
    {{"train.npy", "test/"},
     {"the folder test lies in it, is for the test by its name and is empty", "the folder test"}},
    {{"train.npy", "val/"}, {"the folder val lies in it, is for validation by its name", "the folder val"}},
    {{"train.npy", "train-labels.npy", "test-labels.npy"}, {"the file test-labels.npy", "the file test-labels.npy"}},
    {{"train/", "train/a.png", "train/b.png", "test.zip"},
     {"the file test.zip lies in it, is for the test by its name and is not read, so that a tenth of the training "
      "examples is the test split: PNG and JPEG files in folders train and test are read",
      "the file test.zip"}},
    {{"train/", "train/a.png", "train/b.png", "test/"}, {"the folder test", "the folder test"}},
    {{"train/", "train/a.png", "train/b.png", "test/", "test/a.gif"}, {"the folder test", "the folder test"}},
    {{"train/", "train/a.png", "train/b.png", "test/", "test/a.png"}, {NULL, NULL}},
    {{"train/", "train/a.png", "train/b.png", "val/", "val/a.png"}, {NULL, NULL}},
    {{"a/", "a/a.png", "b/", "b/test.png"}, {NULL, NULL}},
    /* what is no data */
    {{"train.npy", "test.py", "latest.txt", "values.csv", "tests/"}, {NULL, NULL}},
    {{"train.npy", "test_loss.png", "model_test.pt", "notes_test.txt", "test_results.json", "my_test.npz"},
     {NULL, NULL}},
    {{"train.csv", "test.json", "test.sav"}, {NULL, NULL}},
    {{"a/", "a/a.png", "b/", "b/a.png", "meta/", "meta/test.txt", "meta/test.xml"}, {NULL, NULL}},
    {{"training.npy", "test.npy.xz"}, {"the file test.npy.xz", "test.npy.xz"}},
};

static void write_one(const char *name)
{
    static const uint8_t pixels[16] = {200, 1, 3};
    const char *dot = strrchr(name, '.') != NULL ? strrchr(name, '.') : "";
    if (name[strlen(name) - 1] == '/')
        make_inner(name);
    else if (strstr(name, "labels") != NULL || strncmp(name, "y_", 2) == 0)
        write_npy(name, 1, ARRAY("|u1", "False", "(8,)"), "\0\1\0\1\0\1\0\1", 8);
    else if (strcmp(dot, ".png") == 0)
        write_png_picture(name, 4, 4, 1, pixels);
    else if (strcmp(dot, ".npy") == 0)
        write_npy(name, 1, ARRAY("|u1", "False", "(8, 4)"), "0123456789abcdefghijklmnopqrstuv", 32);
    else
        write_file(name, BYTES("a,b\n1,2\n2,3\n4,1\n"));
}

static bool holds_table(size_t set)
{
    return strcmp(sets[set].files[0], "train.csv") == 0;
}

/* The files alone in a folder of their own, in which the tests then are. */
static void lay_set(const char *outer, size_t number, const char *const *files)
{
    (void)snprintf(folder, sizeof folder, "%s/set%zu", outer, number);
    assert_int_equal(mkdir(folder, 0777), 0);
    for (size_t k = 0; files[k] != NULL; k++) write_one(files[k]);
}

/* The set lies in the folder itself, beside nothing else. */
static void test_parts_that_are_not_read_are_named(void **state)
{
    (void)state;
    char outer[TEST_PATH_SIZE - 16], name[2 * TEST_PATH_SIZE];
    (void)snprintf(outer, sizeof outer, "%.400s", folder);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        lay_set(outer, i, sets[i].files);
        for (size_t k = 0; k < 2; k++) {
            if (k == 1 && holds_table(i)) continue; /* no archive is read as tables */
            if (k == 1) write_archive("../set.zip", sets[i].files, true);
            (void)snprintf(name, sizeof name, "%s%s", k == 0 ? folder : outer, k == 0 ? "" : "/set.zip");
            duet_data *data = open_sound(name);
            const char *said = sets[i].said[k];
            if (said != NULL ? !says(data, said) : says(data, "a tenth of the training examples"))
                fail_msg("set %zu, %zu: \"%s\"", i, k, duet_data_note(data, 0, NULL));
            duet_data_close(&data);
            (void)snprintf(name + strlen(name), sizeof name - strlen(name), ":split=shuffled"); /* the answer */
            data = open_sound(name);
            if (says(data, "a tenth of the training examples")) fail_msg("set %zu, %zu, answered", i, k);
            duet_data_close(&data);
        }
    }
    (void)snprintf(folder, sizeof folder, "%s", outer);
}

static const struct {
    const char *file, *beside, *said;
} alone[] = {
    {"train.npy", "test.npy", "the folder holds both: give --data "},
    {"x_train.npy", "x_val.npy", "the file x_val.npy lies beside it, is for validation by its name"},
    {"train.npy", "test.npy.xz", "save its examples beside these, both in a folder of their own, as test.npy"},
    {"train-images.npy", "t10k-images.npy", "the file t10k-images.npy lies beside it"},
    {"train.npy", "other-test.npy", NULL},
    {"x.npy", "test.npy", NULL},
};

/* What lies behind so many others is not looked for. */
static void a_large_archive_is_not_looked_through(void **state)
{
    enum { LOOKED_AT = 20000 };
    (void)state;
    static const char *members[LOOKED_AT + 2] = {"train.npy"};
    write_one("train.npy");
    write_one("test.npy.xz");
    for (size_t i = 1; i <= LOOKED_AT; i++) members[i] = "n.txt<train.npy";
    for (size_t place = LOOKED_AT - 1; place <= LOOKED_AT; place++) {
        members[place] = "test.npy.xz";
        write_archive("large.tar", members, false);
        duet_data *data = open_sound(in_folder("large.tar"));
        assert_int_equal(says(data, "test.npy.xz lies in it"), place < LOOKED_AT);
        duet_data_close(&data);
        members[place] = "n.txt<train.npy";
    }
}

static const struct {
    const char *files[3], *said;
} more[] = {
    {{"train.npy", "test.npy", "other.npy"}, "copy these two, and their labels if they have any, into a folder"},
    {{"train.csv", "test.csv", "sample.csv"}, "copy these two, and their labels if they have any, into a folder"},
    {{"train.npy", "test.npy", "train-labels.npy"}, "the folder holds both: give --data "},
};

/* The folder is named where it is read as both. */
static void the_folder_is_named_that_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        for (size_t k = 0; k < 3; k++) write_one(more[i].files[k]);
        duet_data *data = open_sound(in_folder(more[i].files[0]));
        if (!says(data, more[i].said)) fail_msg("%s: \"%s\"", more[i].files[2], duet_data_note(data, 0, NULL));
        duet_data_close(&data);
        for (size_t k = 0; k < 3; k++) assert_int_equal(remove(in_folder(more[i].files[k])), 0);
    }
}

static void the_test_part_beside_a_file_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
        write_one(alone[i].file);
        write_one(alone[i].beside);
        duet_data *data = open_sound(in_folder(alone[i].file));
        if (says(data, "tenth of the training examples") != (alone[i].said != NULL)) fail_msg("%s", alone[i].beside);
        if (alone[i].said != NULL && !says(data, alone[i].said)) fail_msg("%s", alone[i].beside);
        duet_data_close(&data);
        assert_int_equal(remove(in_folder(alone[i].file)), 0);
        assert_int_equal(remove(in_folder(alone[i].beside)), 0);
    }
    write_one("train.npy");
    assert_int_equal(mkdir(in_folder("test"), 0777), 0);
    duet_data *data = open_sound(in_folder("train.npy"));
    assert_true(says(data, "the folder test lies beside it, is for the test by its name and is not read"));
    duet_data_close(&data);
    assert_int_equal(rmdir(in_folder("test")), 0);
    assert_int_equal(remove(in_folder("train.npy")), 0);
}

static const struct {
    const char *files[MOST + 1], *said;
} classes[] = {
    {{"a/", "a/a.png", "b/", "b/a.png", "c/"},
     "the folder c holds no PNG or JPEG file beside those of classes, and is none of them"},
    {{"train/", "train/a/", "train/a/a.png", "train/b/", "train/b/b.png", "train/c/"},
     "the folder train/c holds no PNG or JPEG file"},
    {{"a/", "a/a.png", "b/", "b/a.png", "c/", "c/clip.mp4", "c/0", "c/1.png.part"}, "the folder c holds no PNG"},
    {{"a/", "a/a.png", "b/", "b/a.png", "c/", "c/d/", "c/Thumbs.db", "c/desktop.ini"}, "the folder c holds no PNG"},
    {{"a/", "a/a.png", "b/", "b/a.png", "c/", "c/README.txt", "c/a.gif"}, "the folder c holds no PNG"},
    {{"a/", "a/a.png", "b/", "b/a.png", "c/", "c/boxes.xml", "d/", "d/read.py", "e/", "e/0.txt"}, NULL},
    {{"a/", "a/a.png", "b/", "b/a.png", "test/"}, NULL},
    {{"a/", "a/a.png", "b/", "b/a.png", "a/c/"}, NULL},
    {{"a/", "a/a.png", "b/", "b/a.png"}, NULL},
};

static void empty_folders_of_classes_are_named(void **state)
{
    (void)state;
    char outer[TEST_PATH_SIZE - 16], name[2 * TEST_PATH_SIZE];
    (void)snprintf(outer, sizeof outer, "%.400s", folder);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        lay_set(outer, i, classes[i].files);
        write_archive("../set.zip", classes[i].files, true);
        for (size_t k = 0; k < 2; k++) {
            (void)snprintf(name, sizeof name, "%s%s", k == 0 ? folder : outer, k == 0 ? "" : "/set.zip");
            duet_data *data = open_sound(name);
            if (says(data, "beside those of classes") != (classes[i].said != NULL)) fail_msg("set %zu, %zu", i, k);
            if (classes[i].said != NULL && !says(data, classes[i].said)) fail_msg("set %zu, %zu", i, k);
            duet_data_close(&data);
        }
    }
    (void)snprintf(folder, sizeof folder, "%s", outer);
    make_inner("parts");
    make_inner("parts/a");
    make_inner("parts/test");
    write_one("parts/a/a.png");
    write_one("parts/test/a.png");
    duet_data *data = open_sound(in_folder("parts"));
    assert_true(says(data, "its folder \"test\" is read as a class"));
    duet_data_close(&data);
}

/* Takes the slash behind the names of folders out of a tar file, as some archivers leave it out. */
static void take_out_slashes(const char *name)
{
    enum { BLOCK = 512, SUM = 148, KIND = 156, MAGIC = 257 };
    size_t size;
    char *bytes = test_file_read(in_folder(name), &size);
    for (char *at = bytes; at + BLOCK <= bytes + size; at += BLOCK) {
        char *slash = strrchr(at, '/');
        if (memcmp(at + MAGIC, "ustar", 5) != 0 || at[KIND] != '5' || slash == NULL) continue;
        *slash = '\0';
        (void)snprintf(at + SUM, 7, "%06lo", strtoul(at + SUM, NULL, 8) - '/');
    }
    write_file(name, bytes, size);
    free(bytes);
}

static void folders_of_an_archive_may_have_no_slash(void **state)
{
    (void)state;
    static const char *const members[] = {"./", "a/", "a/a.png", "b/", "b/a.png", "c/", NULL};
    static const char *const arrays[] = {"train.npy", "tests/", "test/", NULL}, *const none[] = {"./", "a/", "a.h5",
                                                                                                 NULL};
    for (size_t i = 1; i < 5; i++) write_one(members[i]);
    write_archive("pictures.tar", members, false);
    take_out_slashes("pictures.tar");
    duet_data *data = open_sound(in_folder("pictures.tar"));
    assert_true(says(data, "the folder c holds no PNG or JPEG file beside those of classes"));
    duet_data_close(&data);
    write_one("train.npy");
    write_archive("arrays.tar", arrays, false);
    take_out_slashes("arrays.tar");
    data = open_sound(in_folder("arrays.tar"));
    assert_true(says(data, "the folder test lies in it, is for the test by its name and is empty"));
    duet_data_close(&data);
    write_file("a.h5", BYTES("nobody's"));
    write_archive("none.tar", none, false);
    take_out_slashes("none.tar");
    duet_error error = {0};
    assert_status(duet_data_open(&data, in_folder("none.tar"), &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "it holds a.h5; the first is an HDF5 file");
}

/* Pictures that are read as classes or as one set, and are said to be something else by their names. */
static const struct {
    const char *files[MOST + 1], *said;
} named[] = {
    {{"images/", "images/a.png", "masks/", "masks/a.png"},
     "its folders \"images\" and \"masks\" are read as classes: if one holds the pictures and the other what belongs "
     "to each of them, name the folder images alone"},
    {{"JPEGImages/", "JPEGImages/a.png", "SegmentationClass/", "SegmentationClass/a.png", "SegmentationObject/",
      "SegmentationObject/a.png"},
     "its folders \"JPEGImages\" and \"SegmentationClass\" are read as classes: if one holds"},
    {{"a/", "a/images/", "a/images/a.png", "a/masks/", "a/masks/a.png", "b/", "b/images/", "b/images/b.png"},
     "its folders \"a/images\" and \"a/masks\" are both read as pictures of classes: if one holds the pictures and the "
     "other what belongs to each of them, take these out"},
    {{"a/", "a/images/", "a/images/a.png", "b/", "b/images/", "b/images/b.png"}, NULL},
    {{"a/", "a/a.png", "images/", "images/a.png", "masks/", "masks/a.png"}, NULL},
    {{"train2017/", "train2017/a.png", "val2017/", "val2017/a.png"},
     "its folders \"train2017\" and \"val2017\" are read as classes"},
    {{"trained/", "trained/a.png", "valued/", "valued/a.png"}, NULL},
    {{"train/", "train/a.png", "train/b.png"}, NULL},
    {{"train_1.png", "train_2.png", "test_1.png"},
     "its pictures are all read as one set, and are parts of one by their names, such as train_1.png and test_1.png"},
    {{"train1.png", "val1.png"}, "such as train1.png and val1.png: put them into folders train and test"},
    {{"train_1.png", "train_2.png"}, NULL},
    {{"train_1.png", "test_1.png", "other.png"}, NULL},
    {{"testing.png", "trains.png"}, NULL},
    {{"images/", "images/a.png", "pictures/", "pictures/a.png"}, NULL},
};

static void pictures_that_belong_otherwise_are_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        char set[16], path[64];
        (void)snprintf(set, sizeof set, "set%zu", i);
        make_inner(set);
        for (size_t k = 0; named[i].files[k] != NULL; k++) {
            (void)snprintf(path, sizeof path, "%s/%s", set, named[i].files[k]);
            write_one(path);
        }
        duet_data *data = open_sound(in_folder(set));
        if (named[i].said == NULL ? says(data, "as classes") || says(data, "of classes") || says(data, "one set")
                                  : !says(data, named[i].said))
            fail_msg("set %zu", i);
        duet_data_close(&data);
    }
}

enum { BYTES_OF_PICTURES, UNIT, BOTH_SIGNS, KINDS };

/* Training rows of a slope with noise, and test rows, which may be a little lighter, as from another camera. */
static void write_slopes(const char *name, int kind, int lighter, bool turned)
{
    enum { COUNT = 60, SIDE = 8, NUMBERS = COUNT * SIDE * SIDE };
    static uint8_t bytes[NUMBERS];
    static float floats[NUMBERS];
    uint32_t noise = 1;
    for (size_t i = 0; i < NUMBERS; i++) {
        noise = noise * 1664525 + 1013904223;
        const uint8_t value = (uint8_t)(i % SIDE * 20 + (noise >> 26) + (size_t)lighter);
        bytes[i] = turned ? (uint8_t)(255 - value) : value;
        floats[i] = kind == UNIT ? (float)bytes[i] / 255 : (float)bytes[i] / 127.5F - 1;
    }
    if (kind == BYTES_OF_PICTURES)
        write_npy(name, 1, ARRAY("|u1", "False", "(60, 8, 8)"), bytes, sizeof bytes);
    else
        write_npy(name, 1, ARRAY("<f4", "False", "(60, 8, 8)"), floats, sizeof floats);
}

static void test_pictures_that_are_turned_round_are_told_of(void **state)
{
    (void)state;
    static const char *const remedies[] = {"save 255 - array in its place", "save 1 - array in its place",
                                           "save -array in its place"};
    make_inner("set");
    for (int i = 0; i < KINDS * 4; i++) {
        const int kind = i / 4, lighter = i / 2 % 2 * 5, turned = i % 2;
        write_slopes("set/train.npy", kind, 0, false);
        write_slopes("set/test.npy", kind, lighter, turned == 1);
        duet_data *data = open_sound(in_folder("set"));
        assert_int_equal(says(data, "look like training examples with light for dark"), turned == 1);
        assert_int_equal(says(data, remedies[kind]), turned == 1);
        duet_data_close(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_parts_that_are_not_read_are_named),
        IN_FOLDER(the_test_part_beside_a_file_is_named),
        IN_FOLDER(the_folder_is_named_that_is_read),
        IN_FOLDER(a_large_archive_is_not_looked_through),
        IN_FOLDER(empty_folders_of_classes_are_named),
        IN_FOLDER(folders_of_an_archive_may_have_no_slash),
        IN_FOLDER(pictures_that_belong_otherwise_are_told_of),
        IN_FOLDER(test_pictures_that_are_turned_round_are_told_of),
    };
    return RUN_TESTS("untaken", tests, NULL, NULL);
}
