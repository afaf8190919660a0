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
    write_npy("val.npy", 1, ARRAY("|u1", "False", "(2, 2, 2)"), bytes, 8);
    data = open_sound(folder);
    assert_true(says(data, "val.npy is left out, which is for validation by its name; the test split is test.npy"));
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

enum { FRAMES = 12 };

/* Arrays beside pictures: what they are called, how many pictures lie in each of how many folders, and what counts. */
static const struct {
    const char *array;
    size_t folders, pictures;
    bool are_pictures;
    const char *said; /* of the folder; NULL: nothing of what is left out */
} lone[] = {
    {"mean.npy", 2, 2, true, "its pictures are read, and mean.npy, which lies among them, is left out"},
    {"mean.npy", 1, FRAMES, true, "set/mean.npy; if it holds their labels, --labels "},
    {"test_mean.npy", 2, 2, true, "test_mean.npy, which lies among them, is left out"},
    {"val.npy", 2, 2, true, "val.npy, which lies among them, is left out"},
    {"class_to_idx.json", 2, 2, true, NULL},
    {"word_idx", 2, 2, true, NULL},
    {"train.npy.sha256", 2, 2, true, NULL},
    {"train.npy", 2, 2, false, "4 pictures in it, such as a/0.png, are left out in favour of train.npy"},
    {"x-images.npy", 2, FRAMES, false, "24 pictures in it, such as a/0.png, are left out in favour of x-images.npy"},
    {"faces.idx", 2, 2, false, "4 pictures in it, such as a/0.png, are left out in favour of faces.idx"},
    {"train.npy", 1, 2, false, NULL}, /* views of it */
    {"codes_train.npy", 2, 2, true, "codes_train.npy, which lies among them, is left out"},
    {"faces.npy", 1, 1, false, NULL},
    {"faces.npy", 2, 2, false, "4 pictures in it, such as a/0.png, are left out in favour of faces.npy"},
    {"faces.npy", 2, FRAMES, true, "its pictures are read, and faces.npy, which lies among them, is left out"},
    {"faces.idx2-int", 2, FRAMES, false, "24 pictures in it"},
    {"faces.npy", 1, 2, false, "2 pictures in it, such as 0.png, are left out in favour of faces.npy"},
};

static void write_lone(const char *name)
{
    if (strstr(name, "idx") != NULL)
        write_idx(name, DIMS(8, 4), 0);
    else
        write_npy(name, 1, ARRAY("|u1", "False", "(8, 4)"), "0123456789abcdefghijklmnopqrstuv", 32);
}

/* Makes the folder "set" and lists its files. */
static size_t make_lone(size_t row, char **members)
{
    size_t count = 0;
    char name[32];
    make_inner("set");
    if (lone[row].folders > 1) make_inner("set/a");
    if (lone[row].folders > 1) make_inner("set/b");
    (void)snprintf(name, sizeof name, "set/%s", lone[row].array);
    members[count++] = strdup(name);
    write_lone(name);
    for (size_t k = 0; k < lone[row].folders; k++)
        for (size_t i = 0; i < lone[row].pictures; i++) {
            const char *inner = lone[row].folders == 1 ? "" : k == 0 ? "a/" : "b/";
            const uint8_t pixels[16] = {(uint8_t)(100 * k + i), 200};
            (void)snprintf(name, sizeof name, "set/%s%zu.png", inner, i);
            members[count++] = strdup(name);
            write_png_picture(name, 4, 4, 1, pixels);
        }
    members[count] = NULL;
    return count;
}

static void check_lone(size_t row, const char *set)
{
    duet_data *data = open_sound(in_folder(set));
    const duet_data_info *info = duet_data_describe(data);
    const size_t examples = lone[row].are_pictures ? lone[row].folders * lone[row].pictures : 8;
    assert_int_equal(info->count[DUET_TRAIN] + info->count[DUET_TEST], examples);
    assert_int_equal(info->shape.rank, lone[row].are_pictures ? 3 : 1);
    duet_data_close(&data);
}

/* A mean of pictures, saved beside them, is not the set, and what is left out is said; in an archive whatever the order
 * of its members. */
static void arrays_beside_pictures_do_not_replace_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lone / sizeof *lone; i++) {
        char *members[2 * FRAMES + 2];
        const size_t count = make_lone(i, members);
        duet_data *data = open_sound(in_folder("set"));
        if (says(data, "left out") != (lone[i].said != NULL)) fail_msg("%s: %zu", lone[i].array, i);
        if (lone[i].said != NULL && !says(data, lone[i].said)) fail_msg("%s: %zu", lone[i].array, i);
        duet_data_close(&data);
        check_lone(i, "set");
        for (size_t k = 0; k < 4 && strstr(lone[i].array, ".idx") == NULL; k++) { /* archives hold no IDX files */
            write_archive(k % 2 == 0 ? "set.zip" : "set.tar", (const char *const *)members, true);
            check_lone(i, k % 2 == 0 ? "set.zip" : "set.tar");
            if (k != 1) continue;
            char *first = members[0];
            members[0] = members[count - 1];
            members[count - 1] = first;
        }
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(remove(in_folder(members[k])), 0);
            free(members[k]);
        }
        if (lone[i].folders > 1) assert_int_equal(rmdir(in_folder("set/a")) | rmdir(in_folder("set/b")), 0);
        assert_int_equal(rmdir(in_folder("set")), 0);
    }
}

static void splits_of_pictures_stay_beside_an_array(void **state)
{
    (void)state;
    static const char *const inner[] = {"set", "set/train", "set/test"};
    for (size_t i = 0; i < 3; i++) make_inner(inner[i]);
    write_pictures("set/train/", 4, 0);
    write_pictures("set/test/", 3, 4 * 192);
    write_lone("set/mean.npy");
    write_lone("set/std.npy");
    duet_data *data = open_sound(in_folder("set"));
    assert_int_equal(duet_data_describe(data)->count[DUET_TEST], 3);
    assert_true(says(data, "2 arrays that lie among them, such as mean.npy, are left out"));
    duet_data_close(&data);
    data = open_sound(in_folder("set/mean.npy")); /* the remedy */
    assert_int_equal(duet_data_describe(data)->shape.dims[0], 4);
    duet_data_close(&data);
    write_png_picture("set/test/0.png", 4, 4, 1, (const uint8_t[16]){0});
    assert_refused("sizes", in_folder("set"), DUET_ERROR_DATA,
                   "to read an array that lies among them name it itself: ");
}

static const struct {
    const char *array, *table;
    bool is_array;
    const char *said;
} both[] = {
    {"mean.npy", "train.csv", false, "its tables are read, and mean.npy, which lies among them, is left out"},
    {"faces.npy", "people.csv", true, "people.csv; if it holds their labels, give it as --labels"},
    {"train.npy", "train.csv", true, "its arrays are read, and train.csv, which lies among them, is left out"},
    {"train.npy", "people.csv", true, NULL},
    {"train.npy", "labels.csv", true, NULL},
};

/* Nor do they replace tables. */
static void arrays_beside_tables_are_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        write_lone(both[i].array);
        write_file(both[i].table, BYTES("label\n0\n1\n1\n0\n1\n0\n1\n0\n"));
        if (!both[i].is_array) write_file(both[i].table, BYTES("a,b,c\n1,2,1\n2,7,3\n5,4,4\n6,3,3\n"));
        duet_data *data = open_sound(folder);
        assert_int_equal(duet_data_describe(data)->shape.dims[0], both[i].is_array ? 4 : 3);
        if (says(data, "left out") != (both[i].said != NULL)) fail_msg("%s, %s", both[i].array, both[i].table);
        if (both[i].said != NULL && !says(data, both[i].said)) fail_msg("%s, %s", both[i].array, both[i].table);
        duet_data_close(&data);
        assert_int_equal(remove(in_folder(both[i].array)), 0);
        assert_int_equal(remove(in_folder(both[i].table)), 0);
    }
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
    static const uint8_t records[10 * 3073];
    write_file("data_batch_1.bin", records, sizeof records);
    write_archive("cifar.tar.gz", (const char *const[]){"cifar/data_batch_1.bin<data_batch_1.bin", NULL}, true);
    assert_refused("CIFAR's", in_folder("cifar.tar.gz"), DUET_ERROR_DATA,
                   "it holds cifar/data_batch_1.bin: unpack it, and name that or its folder");
    write_archive("cifar.tar.gz", (const char *const[]){"cifar/data_batch_1<data_batch_1.bin", NULL}, true);
    assert_refused("CIFAR's of Python", in_folder("cifar.tar.gz"), DUET_ERROR_DATA,
                   "it holds cifar/data_batch_1; the first is of CIFAR's version for Python: get the binary one");
    assert_int_equal(rename(in_folder("table.zip"), in_folder("table.xlsx")), 0); /* which is an archive too */
    assert_refused("a spreadsheet", in_folder("table.xlsx"), DUET_ERROR_DATA,
                   "is a spreadsheet: save its table as .csv");
    assert_int_equal(rename(in_folder("table.xlsx"), in_folder("model.pt")), 0);
    assert_refused("PyTorch's", in_folder("model.pt"), DUET_ERROR_DATA, "is a file of PyTorch: save its tensors");
}

/* What a shell makes of the word that a note has between two pieces, by which it ends where there is no second one. */
static void assert_word(const duet_data *data, const char *before, const char *behind, const char *expected)
{
    const char *note, *at = NULL;
    char command[2048], words[2048] = "";
    for (size_t i = 0; at == NULL && (note = duet_data_note(data, i, NULL)) != NULL; i++) at = strstr(note, before);
    if (at == NULL) fail_msg("\"%s\" was not said", before);
    at += strlen(before);
    const char *end = behind == NULL ? at + strlen(at) : strstr(at, behind);
    assert_non_null(end);
    (void)snprintf(command, sizeof command, "printf '<%%s>' %.*s", (int)(end - at), at);
    FILE *shell = popen(command, "r"); // NOLINT(cert-env33-c): what is printed is for a shell
    assert_non_null(shell);
    words[fread(words, 1, sizeof words - 1, shell)] = '\0';
    assert_int_equal(pclose(shell), 0);
    char whole[2048];
    (void)snprintf(whole, sizeof whole, "<%s>", expected);
    assert_string_equal(words, whole);
}

/* Names that a shell would take apart, or for something else. */
static void printed_commands_are_for_a_shell(void **state)
{
    (void)state;
    static const char *const names[] = {"plain", "my data", "it's", "a;b",          "a&b",
                                        "$HOME", "(1)",     "*",    "h\303\244ute", "~"};
    uint8_t bytes[4 * 3 * 8 * 8];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = pattern(i);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[128], expected[3 * TEST_PATH_SIZE];
        (void)snprintf(name, sizeof name, "%s.npy", names[i]);
        write_npy(name, 1, ARRAY("|u1", "False", "(4, 3, 8, 8)"), bytes, sizeof bytes);
        duet_data *data = open_sound(in_folder(name));
        (void)snprintf(expected, sizeof expected, "%s:channels=first", in_folder(name));
        assert_word(data, "Then say ", ", or turn", expected);
        assert_word(data, "duet data ", " --convert", expected);
        duet_data_close(&data);
        make_inner(names[i]);
        (void)snprintf(name, sizeof name, "%s/0.png", names[i]);
        write_png_picture(name, 8, 8, 1, bytes);
        (void)snprintf(name, sizeof name, "%s/1.png", names[i]);
        write_png_picture(name, 8, 8, 1, bytes + 64);
        (void)snprintf(name, sizeof name, "%s/%s.csv", names[i], names[i]);
        write_file(name, BYTES("label\n0\n1\n"));
        data = open_sound(in_folder(names[i]));
        assert_word(data, "say --labels ", NULL, in_folder(name));
        duet_data_close(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(unlabelled_examples_are_examples),           IN_FOLDER(what_is_for_validation_is_said_to_be_left_out),
        IN_FOLDER(tables_beside_pictures_are_told_of),         IN_FOLDER(archives_of_other_files_are_to_be_unpacked),
        IN_FOLDER(arrays_beside_pictures_do_not_replace_them), IN_FOLDER(splits_of_pictures_stay_beside_an_array),
        IN_FOLDER(arrays_beside_tables_are_told_of),           IN_FOLDER(printed_commands_are_for_a_shell),
    };
    return RUN_TESTS("file_names", tests, NULL, NULL);
}
