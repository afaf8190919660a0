/* SPDX-License-Identifier: MIT */
/* Where test examples come from if a set has none of its own: a tenth of each class by chance, the same for everybody
 * who has the same file, or the last tenth; what a run records of it, and what runs of before meant. */
#include "data_files.h"

#include <math.h>

enum { SORTED = 200, CLASSES_SORTED = 10 };

/* A file in the order of its classes, whose bytes are the numbers of their rows. */
static void write_sorted(uint8_t first)
{
    uint8_t rows[SORTED], labels[SORTED];
    for (size_t i = 0; i < SORTED; i++) rows[i] = (uint8_t)(first + i);
    for (size_t i = 0; i < SORTED; i++) labels[i] = (uint8_t)(i * CLASSES_SORTED / SORTED);
    write_npy("s-images.npy", 1, ARRAY("|u1", "False", "(200, 1)"), rows, SORTED);
    write_npy("s-labels.npy", 1, ARRAY("|u1", "False", "(200,)"), labels, SORTED);
}

/* in_test[row] of the file as it is divided by default, which must agree with its labels and with single reads. */
static void read_division(bool *in_test, uint8_t first)
{
    duet_error error = {0};
    duet_data *data;
    assert_ok(duet_data_open(&data, in_folder("s-images.npy"), &error), &error);
    assert_int_equal(duet_data_describe(data)->division, DUET_DIVISION_SHUFFLED);
    for (size_t split = 0; split < 2; split++) {
        float values[SORTED], again;
        uint8_t labels[SORTED];
        size_t count = duet_data_describe(data)->count[split];
        assert_int_equal(count, split == DUET_TRAIN ? SORTED - SORTED / 10 : SORTED / 10);
        assert_ok(duet_data_read(data, (duet_split)split, 0, count, values, &error), &error);
        assert_ok(duet_data_labels(data, (duet_split)split, 0, count, labels, &error), &error);
        for (size_t i = count; i-- > 0;) {
            size_t row = (size_t)lround((double)values[i] * 255) - first;
            assert_ok(duet_data_read(data, (duet_split)split, i, 1, &again, &error), &error);
            assert_true(again == values[i]);
            assert_in_range(row, 0, SORTED - 1);
            assert_int_equal(labels[i], row * CLASSES_SORTED / SORTED);
            in_test[row] = split == DUET_TEST;
        }
    }
    duet_data_close(&data);
}

/* Each class gives a tenth; the same file always the same one, another file another one. */
static void a_file_is_divided_class_by_class(void **state)
{
    (void)state;
    bool once[SORTED] = {false}, again[SORTED] = {false}, other[SORTED] = {false};
    write_sorted(0);
    read_division(once, 0);
    read_division(again, 0);
    assert_memory_equal(once, again, sizeof once);
    for (size_t c = 0; c < CLASSES_SORTED; c++) {
        size_t tests = 0;
        for (size_t i = 0; i < SORTED / CLASSES_SORTED; i++) tests += once[c * SORTED / CLASSES_SORTED + i];
        assert_int_equal(tests, 2);
    }
    write_sorted(1);
    read_division(other, 1);
    assert_true(memcmp(once, other, sizeof once) != 0);
}

/* Classes of three: a tenth of all of them is kept, each from another class. */
static void small_classes_give_their_share(void **state)
{
    (void)state;
    enum { ROWS = 60, EACH = 3, TESTS = ROWS / 10 };
    duet_error error = {0};
    duet_data *data;
    uint8_t rows[ROWS], labels[ROWS], kept[TESTS];
    for (size_t i = 0; i < ROWS; i++) rows[i] = labels[i] = (uint8_t)(i / EACH);
    write_npy("t-images.npy", 1, ARRAY("|u1", "False", "(60, 1)"), rows, ROWS);
    write_npy("t-labels.npy", 1, ARRAY("|u1", "False", "(60,)"), labels, ROWS);
    assert_ok(duet_data_open(&data, in_folder("t-images.npy"), &error), &error);
    assert_int_equal(duet_data_describe(data)->count[DUET_TEST], TESTS);
    assert_ok(duet_data_labels(data, DUET_TEST, 0, TESTS, kept, &error), &error);
    for (size_t i = 1; i < TESTS; i++) assert_true(kept[i] > kept[i - 1]);
    duet_data_close(&data);
}

/* What is said in the name decides; a set with a test of its own has no choice and says so. */
static void division_is_chosen(void **state)
{
    (void)state;
    duet_error error = {0};
    char name[TEST_PATH_SIZE + 32];
    duet_data *data;
    write_sorted(0);
    (void)snprintf(name, sizeof name, "%s:split=last", in_folder("s-images.npy"));
    assert_ok(duet_data_open(&data, name, &error), &error);
    assert_int_equal(duet_data_describe(data)->division, DUET_DIVISION_LAST);
    assert_non_null(strstr(duet_data_note(data, 0, NULL), "in the order of their classes"));
    duet_data_close(&data);
    (void)snprintf(name, sizeof name, "%s:split=first", in_folder("s-images.npy"));
    assert_status(duet_data_open(&data, name, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "last or shuffled");
}

/* Number `at` of a series with so many values. */
static float series_at(size_t at, size_t values)
{
    const size_t number = (at + 1) * 2654435761u % 4294967296u >> 13;
    return (float)(number % values) / (float)values;
}

/* Row after row: what a row begins with goes on by `step` from the row before. */
static const struct {
    const char *title, *options;
    size_t rows, step, values;
    bool back, mixed, background;
    const char *piece; /* NULL: nothing is said */
} windows[] = {
    {"windows", "", 40, 1, 9973, false, false, false,
     "its rows are overlapping windows of one series, 11 of 12 numbers in common with the next one"},
    {"few of them", "", 10, 3, 9973, false, false, false, "9 of 12 numbers in common"},
    {"the last first", "", 270, 2, 9973, true, false, false, "10 of 12 numbers in common"},
    {"a quarter in common", "", 40, 9, 9973, false, false, false, "3 of 12 numbers in common"},
    {"said to be mixed", ":split=shuffled", 40, 1, 9973, false, false, false, "(split=last), or"},
    {"the last is the test", ":split=last", 40, 1, 9973, false, false, false, NULL},
    {"too few", "", 9, 1, 9973, false, false, false, NULL},
    {"less in common", "", 40, 10, 9973, false, false, false, NULL},
    {"beside one another", "", 40, 12, 9973, false, false, false, NULL},
    {"two values", "", 40, 1, 2, false, false, false, NULL},
    {"in another order", "", 41, 1, 9973, false, true, false, NULL},
    {"a background", "", 40, 12, 9973, false, false, true, NULL},
};

static void windows_of_a_series_are_not_divided_by_chance(void **state)
{
    (void)state;
    enum { WIDTH = 12, MOST = 270, EDGE = 4 };
    static float rows[MOST * WIDTH];
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        char header[128], name[TEST_PATH_SIZE + 32];
        duet_error error = {0};
        duet_data *data;
        const size_t count = windows[i].rows;
        for (size_t row = 0; row < count; row++)
            for (size_t k = 0; k < WIDTH; k++) {
                const size_t at = windows[i].back ? count - row : windows[i].mixed ? row * 18 % count : row;
                const bool edge = windows[i].background && (k < EDGE || k >= WIDTH - EDGE);
                rows[row * WIDTH + k] =
                    series_at(edge ? k % (WIDTH - EDGE) : at * windows[i].step + k, windows[i].values);
            }
        (void)snprintf(header, sizeof header, ARRAY("<f4", "False", "(%zu, 12)"), count);
        write_npy("w.npy", 1, header, rows, count * WIDTH * sizeof *rows);
        (void)snprintf(name, sizeof name, "%s%s", in_folder("w.npy"), windows[i].options);
        assert_ok(duet_data_open(&data, name, &error), &error);
        bool told = false;
        for (size_t k = 0; duet_data_note(data, k, NULL) != NULL; k++)
            told |= strstr(duet_data_note(data, k, NULL),
                           windows[i].piece != NULL ? windows[i].piece : "overlapping windows") != NULL;
        if (told != (windows[i].piece != NULL)) fail_msg("%s: %s", windows[i].title, told ? "said" : "not said");
        duet_data_close(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_file_is_divided_class_by_class),
        IN_FOLDER(small_classes_give_their_share),
        IN_FOLDER(division_is_chosen),
        IN_FOLDER(windows_of_a_series_are_not_divided_by_chance),
    };
    return RUN_TESTS("divide", tests, NULL, NULL);
}
