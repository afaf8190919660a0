/* SPDX-License-Identifier: MIT */
/* What the names of files say of them, and what is said of files that are left out or cannot be read. */
#include "data_checks.h"
#include "picture_files.h"

/* "unlabeled" is none of the words for labels. */
static void unlabelled_examples_are_examples(void **state)
{
    (void)state;
    static const char *const names[] = {"unlabeled.npy", "x-Unlabelled.npy", "unlabel.npy"};
    uint8_t bytes[24];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = pattern(i);
    for (size_t i = 0; i < 3; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "set%zu", i);
        make_inner(name);
        (void)snprintf(name, sizeof name, "set%zu/%s", i, names[i]);
        write_npy(name, 1, ARRAY("|u1", "False", "(6, 2, 2)"), bytes, sizeof bytes);
        (void)snprintf(name, sizeof name, "set%zu", i);
        duet_data *data = open_sound(in_folder(name));
        assert_int_equal(duet_data_describe(data)->count[DUET_TRAIN], 5);
        assert_int_equal(duet_data_describe(data)->classes, 0);
        (void)snprintf(name, sizeof name, "set%zu/labels.npy", i);
        write_npy(name, 1, ARRAY("|u1", "False", "(6,)"), "\0\1\0\1\0\1", 6);
        duet_data_close(&data);
        (void)snprintf(name, sizeof name, "set%zu", i);
        data = open_sound(in_folder(name));
        assert_int_equal(duet_data_describe(data)->classes, 2);
        duet_data_close(&data);
    }
}

static void what_is_for_validation_is_said_to_be_left_out(void **state)
{
    (void)state;
    uint8_t bytes[24];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = pattern(i);
    write_npy("train.npy", 1, ARRAY("|u1", "False", "(6, 2, 2)"), bytes, sizeof bytes);
    duet_data *data = open_sound(folder);
    assert_false(says(data, "left out"));
    duet_data_close(&data);
    write_npy("val-labels.npy", 1, ARRAY("|u1", "False", "(2,)"), "\0\1", 2);
    data = open_sound(folder);
    assert_false(says(data, "left out"));
    duet_data_close(&data);
    write_npy("val.npy", 1, ARRAY("|u1", "False", "(2, 2, 2)"), bytes, 8);
    data = open_sound(folder);
    assert_int_equal(duet_data_describe(data)->count[DUET_TRAIN], 5); /* and not of it */
    assert_true(says(data, "val.npy is left out, which is for validation by its name: to have it for the test call it "
                           "test.npy"));
    duet_data_close(&data);
    assert_int_equal(rename(in_folder("val.npy"), in_folder("test.npy")), 0); /* the remedy */
    data = open_sound(folder);
    assert_int_equal(duet_data_describe(data)->count[DUET_TEST], 2);
    duet_data_close(&data);
}

static const struct {
    const char *title, *files[3], *said; /* files: beside the pictures, in a folder and in an archive of it */
} beside[] = {
    {"pictures alone", {NULL}, NULL},
    {"a table", {"train.csv"}, "train.csv lies in it and is not read: if it holds the labels of the pictures"},
    {"labels", {"train.csv", "y_all.npy"}, "y_all.npy lies in it and is not read"},
    {"notes", {"index.html", "README.md"}, NULL},
};

/* What may be the labels of pictures is not read without being named, which is said. */
static void tables_beside_pictures_are_told_of(void **state)
{
    (void)state;
    const uint8_t pixels[2][16] = {{200}, {100}};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char set[16], paths[2][32];
        const char *members[5] = {"a.png", "b.png"};
        (void)snprintf(set, sizeof set, "table%zu", i);
        make_inner(set);
        for (size_t k = 0; k < 2; k++) {
            write_png_picture(members[k], 4, 4, 1, pixels[k]);
            (void)snprintf(paths[k], sizeof paths[k], "%s/%s", set, members[k]);
            write_png_picture(paths[k], 4, 4, 1, pixels[k]);
            if ((members[2 + k] = beside[i].files[k]) == NULL) continue;
            (void)snprintf(paths[k], sizeof paths[k], "%s/%s", set, members[2 + k]);
            write_file(members[2 + k], BYTES("label\n0\n1\n"));
            write_file(paths[k], BYTES("label\n0\n1\n"));
        }
        write_archive("table.zip", members, true);
        const char *const sets[] = {set, "table.zip"};
        for (size_t k = 0; k < 2; k++) {
            duet_data *data = open_sound(in_folder(sets[k]));
            if (says(data, "is not read") != (beside[i].said != NULL)) fail_msg("%s", beside[i].title);
            if (beside[i].said != NULL && !says(data, beside[i].said)) fail_msg("%s", beside[i].title);
            duet_data_close(&data);
        }
    }
    char name[3 * TEST_PATH_SIZE]; /* the remedy */
    (void)snprintf(name, sizeof name, "%s/table1:labels=%s/table1/train.csv", folder, folder);
    duet_data *data = open_sound(name);
    assert_false(says(data, "is not read"));
    assert_int_equal(duet_data_describe(data)->classes, 2);
    duet_data_close(&data);
}

static void archives_of_other_files_are_to_be_unpacked(void **state)
{
    (void)state;
    write_file("train.csv", BYTES("a,b\n1,2\n"));
    write_archive("table.zip", (const char *const[]){"train.csv", NULL}, true);
    assert_refused("a table", in_folder("table.zip"), DUET_ERROR_DATA,
                   "PNG and JPEG files are expected, or .npy arrays; it holds train.csv: unpack it, and name that or");
    write_archive("nested.zip", (const char *const[]){"table.zip", "train.csv", NULL}, true);
    assert_refused("an archive", in_folder("nested.zip"), DUET_ERROR_DATA,
                   "it holds table.zip and others: unpack it, and name that or its folder");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(unlabelled_examples_are_examples),
        IN_FOLDER(what_is_for_validation_is_said_to_be_left_out),
        IN_FOLDER(tables_beside_pictures_are_told_of),
        IN_FOLDER(archives_of_other_files_are_to_be_unpacked),
    };
    return RUN_TESTS("file_names", tests, NULL, NULL);
}
