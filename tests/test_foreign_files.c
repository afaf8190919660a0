/* SPDX-License-Identifier: MIT */
/* Files that are no data set, or a part of one: those of other programs, what lies alone in a folder, what is lost of a
 * set, a file beside its gzip, names that say nothing. */
#include "data_notes.h"

#include <unistd.h>

static const struct {
    const char *begins, *piece;
} foreign[] = {
    {"\x89HDF\r\n\x1A\n", "is an HDF5 file: save its arrays by numpy.save or numpy.savez"},
    {"MATLAB 5.0 MAT-file", "is a MATLAB file: save its arrays, which scipy.io.loadmat reads"},
    {"\x80\x04\x95\x01", "is a pickle of Python: save its arrays"},
    {"Rar!\x1A\x07", "is a RAR archive: unpack it, and name the folder"},
    {"GIF89a", "is one picture, a GIF; a folder or an archive of PNG or JPEG files is expected"},
    {"RIFF\1\1\1\1WEBPVP8 ", "is one picture, a WebP"},
    {"BMI;age",
     "is a text by its name: if columns lie in it that commas, semicolons or tabs separate, let its name end"},
    {"<!DOCTYPE html>", "is a page of the web, such as says why a download failed: get the file again"},
    {"version https://git-lfs.github.com/spec/v1", "is a pointer of Git LFS, and not the file"},
    {"\xD0\xCF\x11\xE0", "is a spreadsheet: save its table as .csv"},
    {"\x89PNG\r\n\x1A\n", "is one picture; a folder or an archive of them is expected"},
};

/* What lies alone in a folder that is named, and what is said of it. */
static const struct {
    const char *name, *begins, *piece, *never;
} lonely[] = {
    {"data.json.gz", "\x1F\x8B\x08", "it holds data.json.gz; that is JSON", "compressed twice"},
    {"pics.tar.gz", "\x1F\x8B\x08", "it holds pics.tar.gz, which can be named itself", "compressed twice"},
    {"pics.tar.xz", "\xFD\x37zXZ", "it holds pics.tar.xz, which can be named itself", "another kind"},
    {"data.gz", "\x1F\x8B\x08", "it holds data.gz", "compressed twice"},
    {"picture", "\x89PNG\r\n\x1A\n", "it holds picture; that is a picture: let its name end in .png", "one picture;"},
    {"photo", "\xFF\xD8\xFF\xE0", "it holds photo; that is a picture: let its name end in .jpg", "one picture;"},
};

/* Two files in a folder, and which of them is named. */
static const struct {
    const char *names[2], *piece;
} both[] = {
    {{"README.txt", "images.raw"}, "it holds images.raw and others"},
    {{"README", "data.h5"}, "it holds data.h5 and others; that is an HDF5 file"},
    {{"README.txt", "data.h5"}, "it holds data.h5 and others; that is an HDF5 file"},
    {{"a.txt", "data.h5"}, "it holds data.h5 and others; that is an HDF5 file"},
    {{"LICENSE", "numbers.txt"}, "it holds numbers.txt and others; that is a text by its name"},
    {{"a.txt", "b.txt"}, "it holds a.txt and others; that is a text by its name"},
};

static void of_two_files_the_one_that_says_more_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof both / sizeof *both; i++) {
        char inner[32], path[64];
        duet_error error = {0};
        duet_data *data = NULL;
        (void)snprintf(inner, sizeof inner, "both%zu", i);
        make_inner(inner);
        for (size_t k = 0; k < 2; k++) {
            (void)snprintf(path, sizeof path, "%s/%s", inner, both[i / 2].names[(k + i) % 2]);
            write_file(path, BYTES("nobody's"));
        }
        assert_status(duet_data_open(&data, in_folder(inner), &error), DUET_ERROR_DATA, &error);
        assert_message(&error, both[i / 2].piece);
        if (i / 2 == 0) assert_null(strstr(error.message, "is a text"));
    }
}

static void what_lies_alone_in_a_folder_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lonely / sizeof *lonely; i++) {
        char inner[32], path[64];
        duet_error error = {0};
        duet_data *data = NULL;
        (void)snprintf(inner, sizeof inner, "alone%zu", i);
        make_inner(inner);
        (void)snprintf(path, sizeof path, "%s/%s", inner, lonely[i].name);
        write_file(path, lonely[i].begins, strlen(lonely[i].begins));
        assert_status(duet_data_open(&data, in_folder(inner), &error), DUET_ERROR_DATA, &error);
        assert_message(&error, lonely[i].piece);
        if (strstr(error.message, lonely[i].never) != NULL) fail_msg("%s", error.message);
    }
}

static void files_of_other_programs_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        duet_error error = {0};
        duet_data *data = NULL;
        write_file("f.dat", foreign[i].begins, strlen(foreign[i].begins));
        assert_status(duet_data_open(&data, in_folder("f.dat"), &error), DUET_ERROR_DATA, &error);
        assert_message(&error, foreign[i].piece);
    }
    static const struct {
        const char *name, *piece;
    } names[] = {
        {"f.tsv", "is a text by its name"},
        {"f.TXT", "is a text by its name"},
        {"f.xlsx", "is a spreadsheet"},
        {"f.pt", "is a file of PyTorch"},
        {"f.json", "is JSON"},
        {"f.bmp", "is a picture of a kind that is not read: save it as PNG"},
        {"f.npy.part", "is not wholly there"},
        {"f.npy.xz", "is one compressed file, of a kind that is not read: unpack it, and name that"},
        {"f.bin7", "wrong magic"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char inner[32], path[64];
        duet_error error = {0};
        duet_data *data = NULL;
        write_file(names[i].name, BYTES("nobody's"));
        assert_status(duet_data_open(&data, in_folder(names[i].name), &error), DUET_ERROR_DATA, &error);
        assert_message(&error, names[i].piece);
        (void)snprintf(inner, sizeof inner, "in%zu", i);
        make_inner(inner);
        (void)snprintf(path, sizeof path, "%s/%s", inner, names[i].name);
        write_file(path, BYTES("nobody's"));
        (void)snprintf(path, sizeof path, "%s/readme", inner);
        write_file(path, BYTES("of these"));
        error = (duet_error){0};
        assert_status(duet_data_open(&data, in_folder(inner), &error), DUET_ERROR_DATA, &error);
        if (strcmp(names[i].piece, "wrong magic") != 0) assert_message(&error, names[i].piece);
    }
    make_inner("cifar");
    write_file("cifar/data_batch_1", BYTES("\x80\x02}"));
    write_file("cifar/batches.meta", BYTES("\x80\x02}"));
    duet_error pickled = {0};
    duet_data *none = NULL;
    assert_status(duet_data_open(&none, in_folder("cifar"), &pickled), DUET_ERROR_DATA, &pickled);
    assert_message(&pickled, "is a pickle of Python: save its arrays by numpy.save or numpy.savez");
    write_file("x", BYTES("\x1F\x8B twice"));
    char *once = test_file_read(in_folder("x"), NULL);
    write_file("x.gz", once, strlen(once));
    free(once);
    duet_error error = {0};
    duet_data *data = NULL;
    assert_status(duet_data_open(&data, in_folder("x.gz"), &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "x.gz: is compressed twice: gunzip it once");
}

/* Files of one set that should be there: what is lost is not what never was. */
static void lost_files_of_a_set(void **state)
{
    (void)state;
    static const uint8_t records[2 * 3073];
    duet_error error = {0};
    duet_data *data = NULL;
    write_file("data_batch_1.bin", records, sizeof records);
    write_file("data_batch_3.bin", records, sizeof records);
    assert_refused("data_batch_3.bin is there and data_batch_2.bin is not: get it again");
    write_file("data_batch_2.bin", records, sizeof records);
    assert_int_equal(symlink("nowhere", in_folder("test_batch.bin")), 0);
    assert_status(duet_data_open(&data, folder, &error), DUET_ERROR_FILE, &error);
    assert_message(&error, "test_batch.bin: cannot be opened: No such file or directory");
}

/* Of a file and its gzip the first is read. */
static void a_file_and_another_ones_gzip(void **state)
{
    (void)state;
    char *content;
    size_t size;
    write_rows("train.npy", 0, 0);
    content = test_file_read(in_folder("train.npy"), &size);
    write_file("train.npy.gz", content, size);
    assert_noted("the same", open_folder(""), NULL);
    gzFile second = gzopen(in_folder("train.npy.gz"), "ab");
    assert_non_null(second);
    assert_int_equal(gzclose(second), Z_OK);
    assert_noted("the same in two members", open_folder(""), NULL);
    content[size - 1] ^= 1;
    write_file("train.npy.gz", content, size);
    assert_noted("another", open_folder(""), "train.npy: is read, and train.npy.gz beside it holds something else");
    write_file("train.npy.gz", content, size / 2);
    assert_noted("less", open_folder(""), "take out the one that is not meant");
    assert_noted("by name", open_sound(in_folder("train.npy")), NULL);
    free(content);
}

/* Arrays are parts of a set by their own names, not by those of folders. */
static void arrays_in_folders_of_parts(void **state)
{
    (void)state;
    make_inner("train");
    make_inner("test");
    write_rows("train/images.npy", 0, 0);
    write_rows("test/images.npy", 0, 0);
    assert_refused(
        "arrays are read right in one folder: put them there as train.npy and test.npy, their labels as train-");
    write_npy("one.npy", 1, ARRAY("<f4", "False", "(3,)"), "0123456789ab", 12);
    duet_error error = {0};
    duet_data *data = NULL;
    assert_status(duet_data_open(&data, in_folder("one.npy"), &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "of examples of one number each save array.reshape(-1, 1)");
}

static void two_files_without_names(void **state)
{
    (void)state;
    write_rows("X.npy", 0, 0);
    write_rows("Y.npy", 0, 0);
    assert_refused("names such as train.npy and train-labels.npy, test.npy and test-labels.npy tell them apart");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_lies_alone_in_a_folder_is_known),
        IN_FOLDER(of_two_files_the_one_that_says_more_is_named),
        IN_FOLDER(files_of_other_programs_are_known),
        IN_FOLDER(lost_files_of_a_set),
        IN_FOLDER(two_files_without_names),
        IN_FOLDER(arrays_in_folders_of_parts),
        IN_FOLDER(a_file_and_another_ones_gzip),
    };
    return RUN_TESTS("foreign files", tests, NULL, NULL);
}
