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

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_file_is_divided_class_by_class),
        IN_FOLDER(small_classes_give_their_share),
        IN_FOLDER(division_is_chosen),
    };
    return RUN_TESTS("divide", tests, NULL, NULL);
}
