/* SPDX-License-Identifier: MIT */
/* Files of examples: what is sound is read to the last value, and each kind of unsound file is refused with the words
 * that say why. */
#include "data_checks.h"

/* Unsound files. */

#define NPY(header) "\x93NUMPY\x01\x00" header

static const struct {
    const char *title, *name, *bytes;
    size_t size;
    const char *piece;
} unsound_bytes[] = {
    {"empty file", "a.idx", BYTES(""), "is empty"},
    {"empty gzip file", "a.idx.gz", BYTES(""), "is empty"},
    {"another format", "a.idx", BYTES("GIS8....................."), "wrong magic: it begins with 47 49 53 38"},
    {"one picture", "a.idx", BYTES("\x89PNG....................."), "is one picture"},
    {"zeros", "a.idx", BYTES("\0\0\0\0\0\0\0\0"), "wrong magic"},
    {"IDX of floats", "a.idx", BYTES("\0\0\x0d\x02" WORD("\2") WORD("\1") "12345678"), "type 0d"},
    {"IDX without extents", "a.idx", BYTES("\0\0\x08\x00"), "0 extents"},
    {"IDX of 9 extents", "a.idx", BYTES("\0\0\x08\x09"), "9 extents"},
    {"IDX header cut", "a.idx", BYTES("\0\0\x08\x03" WORD("\2") "\0\0"), "truncated: it ends inside its header"},
    {"gzip IDX header cut", "a.idx.gz", BYTES("\0\0\x08\x03" WORD("\2") "\0\0"),
     "truncated: it ends inside its header"},
    {"IDX cut", "a.idx", BYTES("\0\0\x08\x03" WORD("\2") WORD("\2") WORD("\2") "1234567"), "truncated"},
    {"IDX too long", "a.idx", BYTES("\0\0\x08\x03" WORD("\2") WORD("\2") WORD("\2") "123456789"), "too long"},
    {"gzip IDX cut", "a.idx.gz", BYTES("\0\0\x08\x03" WORD("\2") WORD("\2") WORD("\2") "1234567"), "truncated"},
    {"gzip IDX too long", "a.idx.gz", BYTES("\0\0\x08\x03" WORD("\2") WORD("\2") WORD("\2") "123456789"), "too long"},
    {"IDX that overflows", "a.idx", BYTES("\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "overflow"},
    {"gzip that overflows", "a.idx.gz", BYTES("\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
     "overflow"},
    {"gzip that claims 4 GB", "a.idx.gz", BYTES("\0\0\x08\x02\x40\0\0\0" WORD("\4") "1234"), "cannot hold that"},
    {"IDX of no example", "a.idx", BYTES("\0\0\x08\x03" WORD("\0") WORD("\2") WORD("\2")), "no examples"},
    {"IDX of empty examples", "a.idx", BYTES("\0\0\x08\x03" WORD("\2") WORD("\0") WORD("\2")), "no examples"},
    {"IDX of one example", "a.idx", BYTES("\0\0\x08\x02" WORD("\1") WORD("\2") "12"), "at least two"},
    {"IDX of labels", "a.idx", BYTES("\0\0\x08\x01" WORD("\3") "123"), "is it a file of labels?"},
    {"IDX of 5 extents", "a.idx", BYTES("\0\0\x08\x05" WORD("\2") WORD("\1") WORD("\1") WORD("\1") WORD("\1") "12"),
     "5 extents"},
    {"npy magic cut", "a.npy", BYTES("\x93NUM"), "wrong magic"},
    {"npy cut in its length", "a.npy", BYTES(NPY("\x10")), "truncated: it ends inside its header"},
    {"npy cut in its header", "a.npy", BYTES(NPY("\x40\0{'descr': ")), "truncated: it ends inside its header"},
    {"npy version 9", "a.npy", BYTES("\x93NUMPY\x09\0\x02\0\0\0{}"), "version 9"},
    {"npy with a header of 1 GB", "a.npy", BYTES("\x93NUMPY\x02\0\0\0\0\x40{}"), "a .npy header of"},
    {"npy without keys", "a.npy", BYTES(NPY("\x02\0{}")), "not a plain array's"},
};

static void unsound_bytes_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unsound_bytes / sizeof *unsound_bytes; i++) {
        write_file(unsound_bytes[i].name, unsound_bytes[i].bytes, unsound_bytes[i].size);
        assert_refused(unsound_bytes[i].title, in_folder(unsound_bytes[i].name), DUET_ERROR_DATA,
                       unsound_bytes[i].piece);
    }
}

static const struct {
    const char *dictionary;
    double value; /* the second element; the others are 0.5 or, of bytes, 1 */
    size_t size;  /* bytes after the header */
    const char *piece;
} unsound_arrays[] = {
    {ARRAY("<f4", "True", "(2, 2)"), 0, 16, "Fortran order"},
    {ARRAY("<i8", "False", "(2, 2)"), 0, 32, "elements of type '<i8'"},
    {ARRAY(">f4", "False", "(2, 2)"), 0, 16, "elements of type '>f4'"},
    {ARRAY("|O", "False", "(2, 2)"), 0, 16, "elements of type '|O'"},
    {"{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2, 2), }", 0, 16,
     "a structured array, each row of fields"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)", 0, 16, "not a plain array's"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, -2), }", 0, 16, "not a plain array's"},
    {"{'descr': '<f4', 'fortran_order': None, 'shape': (2, 2), }", 0, 16, "not a plain array's"},
    {"{'descr': '<f4', 'shape': (2, 2), }", 0, 16, "not a plain array's"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), } more", 0, 16, "not a plain array's"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'x': 1, }", 0, 16, "not a plain array's"},
    {"{'descr': '<ffffffffffffffffffffffffffffffffffffffffffffff', 'fortran_order': False, 'shape': (2, 2)}", 0, 16,
     "not a plain array's"},
    {ARRAY("<f4", "False", "(1, 1, 1, 1, 1, 1, 1)"), 0, 16, "not a plain array's"},
    {ARRAY("<f4", "False", "(99999999999999999999999, 2)"), 0, 16, "not a plain array's"},
    {ARRAY("<f4", "False", "(4294967296, 4294967296, 2)"), 0, 16, "overflow"},
    {ARRAY("<f4", "False", "(4611686018427387904, 4)"), 0, 16, "overflow"},
    {ARRAY("<f4", "False", "()"), 0, 4, "a single number"},
    {ARRAY("<f4", "False", "(4,)"), 0, 16, "1 extents"},
    {ARRAY("<f4", "False", "(2, 2, 1, 1, 1)"), 0, 16, "5 extents"},
    {ARRAY("<f4", "False", "(0, 2)"), 0, 0, "no examples"},
    {ARRAY("<f4", "False", "(2, 2)"), 0, 15, "truncated"},
    {ARRAY("<f4", "False", "(2, 2)"), 0, 17, "too long"},
    {ARRAY("<f4", "False", "(2, 2)"), NAN, 16, "value 1 of row 0 is not a finite"},
    {ARRAY("<f4", "False", "(2, 2)"), -INFINITY, 16, "value 1 of row 0 is not a finite"},
    {ARRAY("<f8", "False", "(2, 2)"), 1e300, 32, "value 1 of row 0 is not a finite"},
};

static void unsound_arrays_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unsound_arrays / sizeof *unsound_arrays; i++) {
        uint8_t values[64] = {0};
        float single = (float)unsound_arrays[i].value;
        bool doubles = strstr(unsound_arrays[i].dictionary, "<f8") != NULL;
        memcpy(values + (doubles ? 8 : 4), doubles ? (const void *)&unsound_arrays[i].value : (const void *)&single,
               doubles ? 8 : 4);
        write_npy("a.npy", 1, unsound_arrays[i].dictionary, values, unsound_arrays[i].size);
        assert_refused(unsound_arrays[i].dictionary, in_folder("a.npy"), DUET_ERROR_DATA, unsound_arrays[i].piece);
    }
}

static void unsound_paths_are_refused(void **state)
{
    (void)state;
    assert_refused("missing file", "./no-such-file.npy", DUET_ERROR_FILE, "No such file");
    assert_refused("missing name with a dot", "no-such-file.npy", DUET_ERROR_FILE, "No such file");
    assert_refused("unknown word", "no-such-set", DUET_ERROR_USAGE, "fashion-mnist ring8 grid25 two-peaks");
    assert_refused("empty folder", folder, DUET_ERROR_DATA, "no training pictures");
    assert_refused("device file", "/dev/null", DUET_ERROR_FILE, "not a plain file");

    write_idx("test-images.idx", DIMS(4, 2, 2), 0);
    assert_refused("test pictures only", folder, DUET_ERROR_DATA, "no training pictures");
    write_idx("train-images.idx", DIMS(4, 2, 3), 0);
    assert_refused("splits of two shapes", folder, DUET_ERROR_DATA, "differ in shape or type");
    write_npy("test-images.idx", 1, ARRAY("<f4", "False", "(2, 2, 3)"), (float[12]){0}, 48);
    assert_refused("splits of two types", folder, DUET_ERROR_DATA, "differ in shape or type");
    write_idx("test-images.idx", DIMS(4, 2, 3), 0);
    write_idx("other-images.idx", DIMS(4, 2, 3), 0);
    assert_refused("two candidates", folder, DUET_ERROR_DATA, "could be the same part");
    assert_int_equal(remove(in_folder("other-images.idx")), 0);

    write_idx("train-labels.idx", DIMS(5), 0);
    assert_refused("a label too many", folder, DUET_ERROR_DATA, "one for each is expected");
    assert_refused("a label too many beside", in_folder("train-images.idx"), DUET_ERROR_DATA, "holds 4 examples");
    write_idx("train-labels.idx", DIMS(4, 2), 0);
    assert_refused("labels of two extents", folder, DUET_ERROR_DATA, "labels are expected");
    write_file("train-labels.idx", BYTES("\0\0\x08\x01" WORD("\4") "123"));
    assert_refused("labels cut", folder, DUET_ERROR_DATA, "train-labels.idx: truncated");
}

/* Sound files. */

static void single_idx_file(void **state)
{
    (void)state;
    static const char *const names[] = {"x-images-idx3-ubyte", "x-images-idx3-ubyte.gz"};
    for (int i = 0; i < 2; i++) {
        write_idx(names[i], DIMS(21, 4, 5), 3);
        duet_data *data = open_sound(in_folder(names[i]));
        const duet_data_info *info = duet_data_describe(data);
        assert_string_equal(info->name, in_folder(names[i]));
        assert_string_equal(info->source, in_folder(names[i]));
        assert_int_equal(info->count[DUET_TRAIN], 19);
        assert_int_equal(info->count[DUET_TEST], 2);
        assert_int_equal(info->shape.rank, 3);
        assert_int_equal(info->shape.dims[0], 4);
        assert_int_equal(info->shape.dims[1], 5);
        assert_int_equal(info->shape.dims[2], 1);
        assert_int_equal(info->type, DUET_UINT8);
        assert_true(info->unit_range && info->picture && !info->generated);
        assert_int_equal(info->classes, 0);
        check_bytes(data, DUET_TRAIN, 3);
        check_bytes(data, DUET_TEST, 3 + 19 * 20);
        duet_error error = {0};
        uint8_t label;
        assert_status(duet_data_labels(data, DUET_TRAIN, 0, 1, &label, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, "has no labels");
        duet_data_close(&data);
    }
}

/* MNIST's four files under the names they are found by, with a stranger beside them. */
static void folders(void **state)
{
    (void)state;
    static const char *const names[][4] = {
        {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
        {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
         "t10k-labels-idx1-ubyte.gz"},
        {"train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"},
        {"train.npy", "train-labels.npy", "test.npy", "test_labels.npy.gz"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char parent[TEST_PATH_SIZE];
        memcpy(parent, folder, sizeof parent);
        (void)snprintf(folder, sizeof folder, "%.400s/set%zu", parent, i);
        assert_int_equal(mkdir(folder, 0777), 0);
        write_file("README", BYTES("not data"));
        write_idx(names[i][0], DIMS(9, 3, 2), 0);
        write_idx(names[i][1], DIMS(9), 0);
        write_idx(names[i][2], DIMS(4, 3, 2), 100);
        write_idx(names[i][3], DIMS(4), 0);
        if (i == 0) write_idx("train-images-idx3-ubyte.gz", DIMS(9, 3, 2), 0); /* the plain file is taken */
        if (i == 0) assert_int_equal(mkdir(in_folder("t10k.idx3-ubyte"), 0777), 0);
        duet_data *data = open_sound(folder);
        const duet_data_info *info = duet_data_describe(data);
        assert_int_equal(info->count[DUET_TRAIN], 9);
        assert_int_equal(info->count[DUET_TEST], 4);
        assert_int_equal(info->classes, pattern(8) + 1);
        check_bytes(data, DUET_TRAIN, 0);
        check_bytes(data, DUET_TEST, 100);
        duet_data_close(&data);
        memcpy(folder, parent, sizeof folder);
    }
    write_idx("latest-images-idx3-ubyte", DIMS(9, 3, 2), 0);
    duet_data *data = open_sound(folder);
    assert_int_equal(duet_data_describe(data)->count[DUET_TRAIN], 8);
    duet_data_close(&data);
}

static const struct {
    const char *dictionary;
    int version;
    double low, high; /* of the values written */
    size_t rank, rows;
    duet_type type;
    bool unit, picture;
} arrays[] = {
    {ARRAY("|u1", "False", "(12, 6)"), 1, 0, 0, 1, 12, DUET_UINT8, true, false},
    {ARRAY("|u1", "False", "(12, 2, 3)"), 2, 0, 0, 3, 12, DUET_UINT8, true, true},
    {ARRAY("<f4", "False", "(12, 6)"), 1, 0, 1, 1, 12, DUET_FLOAT32, true, false},
    {ARRAY("<f4", "False", "(12, 2, 3)"), 3, -3, 5, 3, 12, DUET_FLOAT32, false, true},
    {ARRAY("<f4", "False", "(12, 2, 1, 3)"), 1, 0, 1, 3, 12, DUET_FLOAT32, true, true},
    {ARRAY("<f4", "False", "(12, 1, 3, 2)"), 1, 0, 1, 3, 12, DUET_FLOAT32, true, false},
    {ARRAY("<f8", "False", "(12, 6)"), 1, 0, 1.0000002, 1, 12, DUET_FLOAT32, false, false},
    {ARRAY("<f8", "False", "(12, 6)"), 2, -1e-7, 1, 1, 12, DUET_FLOAT32, false, false},
    {"{\"shape\":(36,2),\"fortran_order\":False,\"descr\":\"<f4\"}", 1, -1, 1, 1, 36, DUET_FLOAT32, false, false},
};

static void npy_arrays(void **state)
{
    (void)state;
    enum { ELEMENTS = 72 };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays * 2; i++) {
        size_t row = i / 2;
        const char *name = i % 2 == 0 ? "a.npy" : "a.npy.gz";
        uint8_t bytes[ELEMENTS];
        float singles[ELEMENTS], expected[ELEMENTS], values[ELEMENTS];
        double doubles[ELEMENTS];
        bool is_double = strstr(arrays[row].dictionary, "<f8") != NULL;
        for (size_t k = 0; k < ELEMENTS; k++) {
            bytes[k] = pattern(k);
            doubles[k] = arrays[row].low + (arrays[row].high - arrays[row].low) * (double)k / (ELEMENTS - 1);
            singles[k] = (float)doubles[k];
            expected[k] = arrays[row].type == DUET_UINT8 ? (float)bytes[k] / 255 : singles[k];
        }
        if (arrays[row].type == DUET_UINT8)
            write_npy(name, arrays[row].version, arrays[row].dictionary, bytes, sizeof bytes);
        else if (is_double)
            write_npy(name, arrays[row].version, arrays[row].dictionary, doubles, sizeof doubles);
        else
            write_npy(name, arrays[row].version, arrays[row].dictionary, singles, sizeof singles);

        duet_error error = {0};
        duet_data *data = open_sound(in_folder(name));
        const duet_data_info *info = duet_data_describe(data);
        size_t train = info->count[DUET_TRAIN], test = info->count[DUET_TEST];
        size_t elements = duet_shape_elements(info->shape);
        assert_int_equal(train + test, arrays[row].rows);
        assert_int_equal(test, arrays[row].rows / 10);
        assert_int_equal(info->shape.rank, arrays[row].rank);
        assert_int_equal(info->type, arrays[row].type);
        assert_int_equal(info->unit_range, arrays[row].unit);
        assert_int_equal(info->picture, arrays[row].picture);
        assert_ok(duet_data_read(data, DUET_TRAIN, 0, train, values, &error), &error);
        assert_ok(duet_data_read(data, DUET_TEST, 0, test, values + train * elements, &error), &error);
        for (size_t k = 0; k < ELEMENTS; k++) assert_close(values[k], expected[k], 1e-7);
        duet_data_close(&data);
    }
}

/* Longer than any chunk that the reader works in. */
static void long_rows(void **state)
{
    (void)state;
    enum { COLUMNS = 50000 };
    static double values[4][COLUMNS];
    static float read[COLUMNS];
    duet_error error = {0};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < COLUMNS; k++) values[i][k] = (double)(i * COLUMNS + k);
    const char header[] = NPY("\x40\0") "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 50000)}   ";
    assert_int_equal(sizeof header - 1, 10 + 64);
    FILE *file = fopen(in_folder("a.npy"), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(header, 1, sizeof header - 1, file), sizeof header - 1);
    assert_int_equal(fwrite(values, 1, sizeof values, file), sizeof values);
    assert_int_equal(fclose(file), 0);
    duet_data *data = open_sound(in_folder("a.npy"));
    for (size_t i = 0; i < 4; i++) {
        duet_split split = i == 3 ? DUET_TEST : DUET_TRAIN;
        assert_ok(duet_data_read(data, split, i % 3, 1, read, &error), &error);
        for (size_t k = 0; k < COLUMNS; k++) assert_true(read[k] == (float)values[i][k]);
    }
    duet_data_close(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(unsound_bytes_are_refused),
        IN_FOLDER(unsound_arrays_are_refused),
        IN_FOLDER(unsound_paths_are_refused),
        IN_FOLDER(single_idx_file),
        IN_FOLDER(folders),
        IN_FOLDER(npy_arrays),
        IN_FOLDER(long_rows),
    };
    return RUN_TESTS("data", tests, NULL, NULL);
}
