/* SPDX-License-Identifier: MIT */
/* Compressed files of examples, cut, damaged and in several members, and the checksums that tell contents apart however
 * they are compressed. */
#include "data_checks.h"

/* A gzip file cut at any byte, or with any bit turned, is either refused or still gives the right bytes. */
static void damaged_gzip_is_refused(void **state)
{
    (void)state;
    size_t size, harmless = 0;
    write_idx("a.idx.gz", DIMS(20, 5, 3), 0);
    char *whole = test_file_read(in_folder("a.idx.gz"), &size);
    for (size_t length = 0; length < size; length++) {
        duet_error error = {0};
        test_file_write(in_folder("cut.idx.gz"), whole, length);
        assert_status(read_all(in_folder("cut.idx.gz"), &error), DUET_ERROR_DATA, &error);
    }
    const size_t header = 10; /* of gzip: name, time and system matter to nobody */
    for (size_t i = header; i < size; i++) {
        duet_error error = {0};
        whole[i] ^= 4;
        test_file_write(in_folder("flip.idx.gz"), whole, size);
        duet_status status = read_all(in_folder("flip.idx.gz"), &error);
        if (status == DUET_OK) {
            duet_data *data = open_sound(in_folder("flip.idx.gz"));
            check_bytes(data, DUET_TRAIN, 0);
            duet_data_close(&data);
            harmless++;
        } else {
            assert_status(status, DUET_ERROR_DATA, &error);
        }
        whole[i] ^= 4;
    }
    assert_in_range(harmless, 0, 1); /* the bits that fill the last byte up */
    free(whole);
}

/* A test file that is cut or missing is known before anything is trained; so is one that is too long. */
static void a_test_file_is_checked_at_opening(void **state)
{
    (void)state;
    size_t size;
    duet_data *data = NULL;
    write_idx("train.idx.gz", DIMS(30, 5, 3), 0);
    write_idx("test.idx.gz", DIMS(20, 5, 3), 0);
    char *whole = test_file_read(in_folder("test.idx.gz"), &size);
    for (size_t length = size - 1; length > size - 12; length--) {
        duet_error error = {0};
        test_file_write(in_folder("test.idx.gz"), whole, length);
        assert_status(duet_data_open(&data, folder, &error), DUET_ERROR_DATA, &error);
        assert_message(&error, "test.idx.gz");
        assert_null(data);
    }
    free(whole);
    duet_error error = {0};
    write_file("test.idx.gz", BYTES("\0\0\x08\x03" WORD("\2") WORD("\5") WORD("\3") "1234567890123456789012345678901"));
    assert_status(duet_data_open(&data, folder, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "too long");
}

/* Two gzip files one after the other are one: the length at the end is that of the second only. */
static void gzip_of_several_members(void **state)
{
    (void)state;
    write_file("a.idx.gz", BYTES("\0\0\x08\x02" WORD("\2") WORD("\3") "12"));
    gzFile file = gzopen(in_folder("a.idx.gz"), "ab");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, "3456", 4), 4);
    assert_int_equal(gzclose(file), Z_OK);
    duet_error error = {0};
    float values[6];
    duet_data *data = open_sound(in_folder("a.idx.gz"));
    assert_ok(duet_data_read(data, DUET_TRAIN, 0, 1, values, &error), &error);
    assert_ok(duet_data_read(data, DUET_TEST, 0, 1, values + 3, &error), &error);
    for (int i = 0; i < 6; i++) assert_close(values[i], ('1' + i) / 255.0, 1e-7);
    duet_data_close(&data);
}

/* gzip(1) says "trailing garbage ignored"; zlib says nothing. Zeros that fill a block up are none. */
static void bytes_behind_the_data_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t count;
        bool sound;
    } ends[] = {{"a.idx.gz", "garbage", 7, false},
                {"a.idx.gz", "\0\0\0\0\0\0\0\0\0", 9, true},
                {"b.csv.gz", "garbage", 7, false},
                {"b.csv.gz", "\0\0\0", 3, true},
                {"a.idx.gz", "\x1f", 1, false}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t size;
        duet_error error = {0};
        if (ends[i].name[0] == 'a')
            write_idx(ends[i].name, DIMS(20, 5, 3), 0);
        else
            write_file(ends[i].name, BYTES("x,y\n1,2\n2,3\n4,5\n"));
        char *whole = test_file_read(in_folder(ends[i].name), &size);
        char *more = malloc(size + ends[i].count);
        assert_non_null(more);
        memcpy(more, whole, size);
        memcpy(more + size, ends[i].bytes, ends[i].count);
        test_file_write(in_folder(ends[i].name), more, size + ends[i].count);
        free(whole);
        free(more);
        duet_status status = read_all(in_folder(ends[i].name), &error);
        assert_status(status, ends[i].sound ? DUET_OK : DUET_ERROR_DATA, &error);
        if (!ends[i].sound) assert_message(&error, "bytes follow its gzip data and are none");
    }
}

/* The checksum of what lies in the folder, or of the file or set of this name. */
static uint64_t checksum_of(const char *name)
{
    duet_error error = {0};
    bool generated = strncmp(name, "shapes", 6) == 0 || strcmp(name, "ring8") == 0;
    duet_data *data = open_sound(generated ? name : *name == '\0' ? folder : in_folder(name));
    assert_string_equal(duet_data_describe(data)->checksum, "");
    assert_ok(duet_data_checksum(data, &error), &error);
    uint64_t sum = strtoull(duet_data_describe(data)->checksum, NULL, 16);
    assert_int_equal(strlen(duet_data_describe(data)->checksum), 16);
    assert_ok(duet_data_checksum(data, &error), &error); /* a second time it is there */
    assert_int_equal(strtoull(duet_data_describe(data)->checksum, NULL, 16), sum);
    float values[64];
    if (!generated) assert_ok(duet_data_read(data, DUET_TRAIN, 0, 1, values, &error), &error);
    duet_data_close(&data);
    return sum;
}

/* Files that hold the same have one checksum, whatever their names and however compressed. */
static void checksums_tell_contents_apart(void **state)
{
    (void)state;
    write_idx("a.idx", DIMS(6, 2, 4), 0);
    write_idx("a.idx.gz", DIMS(6, 2, 4), 0);
    uint64_t sum = checksum_of("a.idx");
    assert_true(checksum_of("a.idx.gz") == sum);
    size_t size;
    char *bytes = test_file_read(in_folder("a.idx"), &size);
    write_file("two.idx.gz", bytes, 30); /* two members: what the last one states is not of the whole */
    gzFile more = gzopen(in_folder("two.idx.gz"), "ab");
    assert_non_null(more);
    assert_int_equal(gzwrite(more, bytes + 30, (unsigned)size - 30), size - 30);
    assert_int_equal(gzclose(more), Z_OK);
    free(bytes);
    assert_true(checksum_of("two.idx.gz") == sum);
    write_idx("a.idx", DIMS(6, 2, 4), 1); /* replaced: other bytes, another shape, fewer rows */
    assert_true(checksum_of("a.idx") != sum);
    write_idx("a.idx", DIMS(6, 8), 0);
    assert_true(checksum_of("a.idx") != sum);
    write_idx("a.idx", DIMS(5, 2, 4), 0);
    assert_true(checksum_of("a.idx") != sum);
    assert_true(checksum_of("ring8") != checksum_of("shapes"));
    assert_true(checksum_of("shapes:drop=square-red") != checksum_of("shapes"));
}

/* Labels and the test split count, and so do floats, whose file is read when it is opened. */
static void checksums_are_of_all_parts(void **state)
{
    (void)state;
    write_idx("train-images-idx3-ubyte.gz", DIMS(6, 2, 4), 0);
    write_idx("train-labels-idx1-ubyte", DIMS(6), 0);
    write_idx("t10k-images-idx3-ubyte", DIMS(3, 2, 4), 9);
    uint64_t sum = checksum_of("");
    write_idx("train-labels-idx1-ubyte", DIMS(6), 1);
    assert_true(checksum_of("") != sum);
    write_idx("train-labels-idx1-ubyte", DIMS(6), 0);
    assert_true(checksum_of("") == sum);
    write_idx("t10k-images-idx3-ubyte", DIMS(3, 2, 4), 8);
    assert_true(checksum_of("") != sum);
    float values[] = {1, 2, 3, 4, 5, 6};
    write_npy("f.npy", 1, ARRAY("<f4", "False", "(3, 2)"), values, sizeof values);
    write_npy("f2.npy", 2, ARRAY("<f4", "False", "(3, 2)"), values, sizeof values); /* only the header differs */
    sum = checksum_of("f.npy");
    assert_true(checksum_of("f2.npy") == sum);
    values[5] = 7;
    write_npy("f.npy", 1, ARRAY("<f4", "False", "(3, 2)"), values, sizeof values);
    assert_true(checksum_of("f.npy") != sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(damaged_gzip_is_refused),       IN_FOLDER(a_test_file_is_checked_at_opening),
        IN_FOLDER(gzip_of_several_members),       IN_FOLDER(bytes_behind_the_data_are_refused),
        IN_FOLDER(checksums_tell_contents_apart), IN_FOLDER(checksums_are_of_all_parts),
    };
    return RUN_TESTS("gzip", tests, NULL, NULL);
}
