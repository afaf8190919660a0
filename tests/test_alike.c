/* SPDX-License-Identifier: MIT */
/* Test examples beside training examples: columns of another order or scale, splits that were scaled each by itself,
 * and columns that are none of the examples' numbers. What chance makes is not told of. */
#include "data_checks.h"

#include <math.h>

enum {
    TRAIN = 120,
    TEST = 60,
    COLUMNS = 4,
    ALL = (TRAIN + TEST) * COLUMNS,
    MANY = 3 * TRAIN,
    MOST = (MANY + TEST) * COLUMNS
};

/* In [0, 1), and no two alike. */
static double draw(size_t i)
{
    uint32_t bits = (uint32_t)i * 2654435761u;
    for (int round = 0; round < 2; round++) bits = (bits ^ bits >> 15) * 2246822519u;
    return (double)((bits ^ bits >> 16) >> 8) / (1 << 24);
}

/* Rows of both splits, the training examples first, with columns of different scales; and what becomes of one. */
typedef void change(double *rows, size_t count);

static void leave(double *rows, size_t count)
{
    (void)rows;
    (void)count;
}

static void turn_columns(double *rows, size_t count)
{
    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; i < COLUMNS / 2; i++) {
            double *a = &rows[row * COLUMNS + i], *b = &rows[row * COLUMNS + COLUMNS - 1 - i], kept = *a;
            *a = *b;
            *b = kept;
        }
}

static void scale_one(double *rows, size_t count)
{
    for (size_t row = 0; row < count; row++) rows[row * COLUMNS] *= 10;
}

static void double_one(double *rows, size_t count)
{
    for (size_t row = 0; row < count; row++) rows[row * COLUMNS] *= 2;
}

static void move_one(double *rows, size_t count)
{
    for (size_t row = 0; row < count; row++) rows[row * COLUMNS] -= 5;
}

/* As degrees Celsius become Fahrenheit: of twice the width and no number as it was, yet not far away. */
static void convert_one(double *rows, size_t count)
{
    for (size_t row = 0; row < count; row++) rows[row * COLUMNS] = 1.8 * rows[row * COLUMNS] + 1;
}

static void fill_one(double *rows, size_t count)
{
    for (size_t row = 0; row < count; row++) rows[row * COLUMNS + 2] = 0;
}

/* By what is found in the first `of` rows. */
static void standardise_by(double *rows, size_t count, size_t of)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        double mean = 0, squares = 0;
        for (size_t row = 0; row < of; row++) mean += rows[row * COLUMNS + i] / (double)of;
        for (size_t row = 0; row < of; row++) squares += pow(rows[row * COLUMNS + i] - mean, 2) / (double)of;
        for (size_t row = 0; row < count; row++)
            rows[row * COLUMNS + i] = (rows[row * COLUMNS + i] - mean) / sqrt(squares);
    }
}

static void standardise(double *rows, size_t count)
{
    standardise_by(rows, count, count);
}

static void standardise_all(double *rows, size_t count)
{
    standardise_by(rows - (ptrdiff_t)(TRAIN * COLUMNS), TRAIN + count, TRAIN);
}

static void stretch(double *rows, size_t count)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t row = 0; row < count; row++) {
            low = fmin(low, rows[row * COLUMNS + i]);
            high = fmax(high, rows[row * COLUMNS + i]);
        }
        for (size_t row = 0; row < count; row++)
            rows[row * COLUMNS + i] = (rows[row * COLUMNS + i] - low) / (high - low);
    }
}

static const struct {
    const char *title;
    change *train, *test;
    const char *piece;
} tables[] = {
    {"as they are", leave, leave, NULL},
    {"turned round", leave, turn_columns,
     "4 of its 4 columns are unlike those of the training examples in their places and like others, such as column 4 "
     "here, like column 1 there"},
    {"one column of another scale", leave, scale_one, "column 1 of 4 lies in ["},
    {"one of twice the scale", leave, double_one, NULL},
    {"one far away", leave, move_one, "in that of the training examples: is it of another scale in one of them?"},
    {"one of another unit", leave, convert_one, "column 1 of 4 lies in ["},
    {"one of another unit in the training examples", convert_one, leave, "column 1 of 4 lies in ["},
    {"one that is filled", leave, fill_one, "column 3 of 4 is 0 in all 60 test examples that were looked at, and goes"},
    {"each by itself", standardise, standardise,
     "each column of the test examples has a mean of 0 and a deviation of 1 to many digits"},
    {"by the training examples", leave, standardise_all, NULL},
    {"each from end to end", stretch, stretch, "each column has the same ends in both splits, in one row of each"},
};

static void write_table(const char *name, const double *rows, size_t count)
{
    float values[MOST];
    char header[160];
    for (size_t i = 0; i < count * COLUMNS; i++) values[i] = (float)rows[i];
    (void)snprintf(header, sizeof header, ARRAY("<f4", "False", "(%zu, 4)"), count);
    write_npy(name, 1, header, values, count * COLUMNS * sizeof *values);
}

static void assert_said(const char *title, const char *name, const char *piece)
{
    duet_data *data = open_sound(name);
    const char *note = duet_data_note(data, 0, NULL);
    if ((note == NULL) != (piece == NULL) || (piece != NULL && strstr(note, piece) == NULL))
        fail_msg("%s: \"%s\"", title, note != NULL ? note : "(nothing)");
    duet_data_close(&data);
}

static void columns_of_both_splits_are_compared(void **state)
{
    (void)state;
    static const double scales[] = {0.3, 1.3, -2, 5};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        double rows[ALL];
        for (size_t k = 0; k < ALL; k++) rows[k] = scales[k % COLUMNS] * (draw(k) - 0.3);
        tables[i].train(rows, TRAIN);
        tables[i].test(rows + (ptrdiff_t)(TRAIN * COLUMNS), TEST);
        write_table("train.npy", rows, TRAIN);
        write_table("test.npy", rows + (ptrdiff_t)(TRAIN * COLUMNS), TEST);
        assert_said(tables[i].title, folder, tables[i].piece);
    }
}

/* A number of each column of both splits, as data have it that differ and are sound. */
typedef double ordinary(size_t row, size_t column, bool test);

/* One of three, of which the test examples have the first as often as the training examples have the second. */
static double one_of_three(size_t row, size_t column, bool test)
{
    const double at = draw(row);
    const size_t which = test ? (at < 0.6 ? 0 : at < 0.7 ? 1 : 2) : (at < 0.1 ? 0 : at < 0.7 ? 1 : 2);
    return column < 3 ? (double)(which == column) : draw(row * 4 + 3);
}

static double one_of_two_kinds(size_t row, size_t column, bool test)
{
    const size_t i = row * COLUMNS + column;
    return draw(i + 7000) < (test ? 0.2 : 0.3) ? 0.1 * draw(i) : 5 + 0.1 * draw(i);
}

static double mostly_zero(size_t row, size_t column, bool test)
{
    const size_t i = row * COLUMNS + column;
    return draw(i + 7000) < (test ? 0.6 : 0.74) ? 0 : draw(i);
}

static double a_time_in_front(size_t row, size_t column, bool test)
{
    (void)test;
    return column == 0 ? 0.01 * (double)row : draw(row * COLUMNS + column);
}

static double a_time_of_mixed_rows(size_t row, size_t column, bool test)
{
    return column == 0 ? pow(0.01 * (double)(test ? row : row * 77 % MANY), 2) : draw(row * COLUMNS + column);
}

static double a_year(size_t row, size_t column, bool test)
{
    return column == 1 ? (test ? 3 : floor((double)row / TRAIN)) : draw(row * COLUMNS + column);
}

static double a_rare_kind(size_t row, size_t column, bool test)
{
    const size_t i = row * COLUMNS + column;
    return column == 1 ? (!test && draw(i) < 0.3 ? 1 : 0) : draw(i);
}

static const struct {
    const char *title;
    ordinary *value;
    size_t tested;
} sound[] = {
    {"a choice that shifts", one_of_three, TEST},
    {"one of two kinds", one_of_two_kinds, TEST},
    {"mostly zero", mostly_zero, TEST},
    {"a time", a_time_in_front, 36},
    {"a time of mixed rows", a_time_of_mixed_rows, TEST},
    {"a year", a_year, TEST},
    {"a kind that is not tested", a_rare_kind, TEST},
};

static void what_differs_and_is_sound_is_not_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        double rows[MOST];
        for (size_t k = 0; k < (MANY + sound[i].tested) * COLUMNS; k++)
            rows[k] = sound[i].value(k / COLUMNS, k % COLUMNS, k / COLUMNS >= MANY);
        write_table("train.npy", rows, MANY);
        write_table("test.npy", rows + (ptrdiff_t)(MANY * COLUMNS), sound[i].tested);
        assert_said(sound[i].title, folder, NULL);
    }
}

/* Pictures of 8 x 8 bytes or floats, each of some brightness. */
static const struct {
    const char *title;
    double train, test; /* their greatest number */
    bool uneven;        /* some are dark in both */
    bool bytes;
    const char *piece;
} pictures[] = {
    {"bright", 1, 1, false, true, NULL},
    {"a dark test split", 1, 0.45, false, true, "of 40 test examples that were looked at none has a number above 11"},
    {"a dark training split", 0.4, 1, false, true, "of 40 training examples that were looked at none has a number"},
    {"some are dark", 1, 0.55, true, true, NULL},
    {"both dark", 0.4, 0.42, false, true, "if 107 is the brightest, save numpy.clip(array / 107, 0, 1).astype('<f4')"},
    {"floats", 1, 0.9, false, false, NULL},
    {"floats of half the size", 1, 0.5, false, false,
     "of 40 test examples that were looked at none has a number above"},
};

static void pictures_of_both_splits_are_compared(void **state)
{
    (void)state;
    enum { COUNT = 40, PIXELS = 64 };
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        for (size_t split = 0; split < 2; split++) {
            uint8_t bytes[COUNT * PIXELS];
            float floats[COUNT * PIXELS];
            for (size_t k = 0; k < COUNT * PIXELS; k++) {
                const double most = split == 0 ? pictures[i].train : pictures[i].test;
                const bool dark = pictures[i].uneven && k / PIXELS % 4 != 0;
                floats[k] = (float)((dark ? 0.5 : most) * draw(k + split * COUNT * PIXELS));
                bytes[k] = (uint8_t)(floats[k] * 256);
            }
            const char *name = split == 0 ? "train.npy" : "test.npy";
            if (pictures[i].bytes)
                write_npy(name, 1, ARRAY("|u1", "False", "(40, 8, 8)"), bytes, sizeof bytes);
            else
                write_npy(name, 1, ARRAY("<f4", "False", "(40, 8, 8)"), floats, sizeof floats);
            if (split == 1) assert_said(pictures[i].title, folder, pictures[i].piece);
        }
}

/* Numbers of 16 bits, divided by what is the greatest of each split or by one number. */
static void a_greatest_of_each_split(void **state)
{
    (void)state;
    enum { COUNT = 40, PIXELS = 64 };
    for (int each = 0; each < 2; each++) {
        for (size_t split = 0; split < 2; split++) {
            float floats[COUNT * PIXELS], most = 0;
            for (size_t k = 0; k < COUNT * PIXELS; k++) {
                floats[k] = (float)draw(k + split * COUNT * PIXELS);
                most = fmaxf(most, floats[k]);
            }
            for (size_t k = 0; each && k < COUNT * PIXELS; k++) floats[k] /= most;
            write_npy(split == 0 ? "train.npy" : "test.npy", 1, ARRAY("<f4", "False", "(40, 8, 8)"), floats,
                      sizeof floats);
        }
        assert_said("greatest", folder,
                    each ? "the greatest number of either split is 1, and one alone is that" : NULL);
    }
}

static void one_split_of_bytes(void **state)
{
    (void)state;
    float floats[40 * 64];
    for (size_t k = 0; k < 40 * 64; k++) floats[k] = (float)(int)(256 * draw(k)) / 255;
    write_npy("train.npy", 1, ARRAY("<f4", "False", "(40, 8, 8)"), floats, sizeof floats);
    for (size_t k = 0; k < 40 * 64; k++) floats[k] = (float)(int)(201 * draw(k + 40 * 64)) / 200;
    write_npy("test.npy", 1, ARRAY("<f4", "False", "(40, 8, 8)"), floats, sizeof floats);
    assert_said("bytes", folder, "all numbers of the training examples are k / 255, as of bytes, and those of the");
}

/* Fifths are k / 255: of some numbers that stand for what is missing in one split the others are none of bytes. */
static void fifths_are_no_bytes(void **state)
{
    (void)state;
    double rows[TRAIN * COLUMNS];
    for (size_t k = 0; k < TRAIN * COLUMNS; k++) rows[k] = floor(6 * draw(k)) / 5;
    write_table("test.npy", rows, TRAIN);
    for (size_t k = 1; k < TRAIN * COLUMNS; k += 50) rows[k] = 0.437;
    write_table("train.npy", rows, TRAIN);
    duet_data *data = open_sound(folder);
    for (size_t i = 0; duet_data_note(data, i, NULL) != NULL; i++)
        assert_null(strstr(duet_data_note(data, i, NULL), "k / 255"));
    duet_data_close(&data);
}

/* What both splits are to be divided by is the greatest of either: none is cut. */
static void greatest_of_both_splits_is_advised(void **state)
{
    (void)state;
    float floats[40 * 64];
    for (size_t split = 0; split < 2; split++) {
        for (size_t k = 0; k < 40 * 64; k++) floats[k] = (float)(3000 * draw(k + split * 40 * 64));
        floats[7] = split == 0 ? 3000 : 3200;
        write_npy(split == 0 ? "train.npy" : "test.npy", 1, ARRAY("<f4", "False", "(40, 8, 8)"), floats, sizeof floats);
    }
    assert_said("greatest", folder, "save numpy.clip(array / 3200, 0, 1).astype('<f4'), in both splits alike");
}

static double fraction(size_t row)
{
    return draw(row);
}

static double number(size_t row)
{
    return (double)row + 1;
}

static double mixed_number(size_t row)
{
    return (double)(row * 77 % TRAIN);
}

static double gap(size_t row)
{
    return row == 5 ? TRAIN + 1 : mixed_number(row);
}

static double kind(size_t row)
{
    return floor(4 * draw(row + 9000));
}

static double truth(size_t row)
{
    return floor(2 * draw(row + 9000));
}

/* A column in front of others or behind them. */
static const struct {
    const char *title;
    double (*value)(size_t row);
    bool last, labelled;
    const char *piece;
} marks[] = {
    {"none", fraction, false, false, NULL},
    {"numbers of the rows", number, false, false,
     "column 1 of 4 counts the rows: if it is no more than their index, save numpy.delete(array, 0, 1) in its place"},
    {"behind", number, true, true, "save numpy.delete(array, 3, 1) in its place, of both splits"},
    {"in another order", mixed_number, true, false,
     "column 4 of 4 numbers the rows, in another order: if it is no more"},
    {"one of them left out", gap, true, false, NULL},
    {"labels", kind, false, false,
     "column 1 of 4 holds 4 whole numbers, as classes do, and is read as one of the numbers: if these are the labels, "
     "save array[:, 1:] as examples and array[:, 0] as labels, of both splits"},
    {"labels behind", kind, true, false, "save array[:, :-1] as examples and array[:, -1] as labels"},
    {"beside labels", kind, false, true, NULL},
    {"truths", truth, false, false, NULL},
};

static void columns_that_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        double rows[TRAIN * COLUMNS];
        uint8_t labels[TRAIN];
        for (size_t k = 0; k < TRAIN * COLUMNS; k++) rows[k] = draw(k);
        for (size_t row = 0; row < TRAIN; row++) {
            rows[row * COLUMNS + (marks[i].last ? COLUMNS - 1 : 0)] = marks[i].value(row);
            labels[row] = row % 2;
        }
        write_table("train-images.npy", rows, TRAIN);
        (void)remove(in_folder("train-labels.npy"));
        if (marks[i].labelled) write_npy("train-labels.npy", 1, ARRAY("|u1", "False", "(120,)"), labels, sizeof labels);
        assert_said(marks[i].title, in_folder("train-images.npy"), marks[i].piece);
    }
}

/* One more than the numbers of a picture: answers, of which the first is no label, and pixels behind one. */
static void tables_as_wide_as_a_picture(void **state)
{
    (void)state;
    enum { WIDE = 82 };
    uint8_t rows[TRAIN * WIDE];
    for (int labelled = 0; labelled < 2; labelled++) {
        for (size_t k = 0; k < TRAIN * WIDE; k++) rows[k] = (uint8_t)((labelled ? 256 : 5) * draw(k));
        for (size_t row = 0; labelled && row < TRAIN; row++) rows[row * WIDE] = row % 10;
        write_npy("train-images.npy", 1, ARRAY("|u1", "False", "(120, 82)"), rows, sizeof rows);
        duet_data *data = open_sound(in_folder("train-images.npy"));
        bool told = false;
        for (size_t i = 0; duet_data_note(data, i, NULL) != NULL; i++)
            told = told || strstr(duet_data_note(data, i, NULL), "column 1 of 82 holds 10 whole numbers") != NULL ||
                   strstr(duet_data_note(data, i, NULL), "column 1 of 82 holds 5 whole numbers") != NULL;
        assert_int_equal(told, labelled);
        duet_data_close(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(columns_of_both_splits_are_compared),
        IN_FOLDER(what_differs_and_is_sound_is_not_told_of),
        IN_FOLDER(pictures_of_both_splits_are_compared),
        IN_FOLDER(a_greatest_of_each_split),
        IN_FOLDER(one_split_of_bytes),
        IN_FOLDER(fifths_are_no_bytes),
        IN_FOLDER(greatest_of_both_splits_is_advised),
        IN_FOLDER(columns_that_are_none),
        IN_FOLDER(tables_as_wide_as_a_picture),
    };
    return RUN_TESTS("alike", tests, NULL, NULL);
}
