/* SPDX-License-Identifier: MIT */
/* Data that are sound and seldom what was meant: numbers that are none in either split, values without a difference or
 * far from 1, columns and labels of two files that do not match, labels that are no classes. */
#include "data_notes.h"

#include <math.h>
#include <unistd.h>

#include "duet/report.h"

/* However the file is divided, and whichever split the row is in. */
static void every_row_is_looked_at(void **state)
{
    (void)state;
    const duet_division ways[] = {DUET_DIVISION_SHUFFLED, DUET_DIVISION_LAST};
    for (size_t row = 0; row < ROWS; row++)
        for (size_t way = 0; way < 2; way++) {
            char piece[80];
            duet_error error = {0};
            duet_data *data = NULL;
            (void)snprintf(piece, sizeof piece, "x.npy: value 3 of row %zu is not a finite float32 number", row);
            write_rows("x.npy", row * COLUMNS + 3, NAN);
            assert_status(duet_data_open_divided(&data, in_folder("x.npy"), ways[way], &error), DUET_ERROR_DATA,
                          &error);
            assert_message(&error, piece);

            error = (duet_error){0};
            write_rows("x.npy", row * COLUMNS + 3, 4);
            assert_ok(duet_data_open_divided(&data, in_folder("x.npy"), ways[way], &error), &error);
            const duet_data_info *info = duet_data_describe(data);
            assert_false(info->unit_range);
            assert_true((info->high[DUET_TRAIN] == 4) != (info->high[DUET_TEST] == 4)); /* each split's own range */
            duet_data_close(&data);
        }
}

/* "a" is another number in a file that has it elsewhere. */
static void two_files_have_the_same_columns(void **state)
{
    (void)state;
    write_file("train.csv", BYTES("a,label,b\n1,x,2\n3,y,4\n"));
    write_file("test.csv", BYTES("label,a,b\nx,5,6\n"));
    duet_data *data = open_folder("");
    duet_data_close(&data);
    write_file("test.csv", BYTES("b,label,a\n6,x,5\n"));
    assert_refused("test.csv: its column 1 of numbers is \"b\", that of ");
    write_file("test.csv", BYTES("a,label,c\n6,x,5\n"));
    assert_refused("train.csv is \"b\": give both the same columns in the same order");
}

/* Words in one file: then numbers in the other one are words too, and the same ones. */
static void numbers_beside_words_are_words(void **state)
{
    (void)state;
    duet_error error = {0};
    uint8_t labels[2];
    write_file("train.csv", BYTES("a,label\n1,-1\n2,1\n3,10\n"));
    write_file("test.csv", BYTES("a,label\n4,10\n5,1\n"));
    duet_data *data = open_folder("");
    const duet_data_info *info = duet_data_describe(data);
    assert_int_equal(info->classes, 3);
    assert_string_equal(info->class_names[0], "-1");
    assert_string_equal(info->class_names[1], "1");
    assert_string_equal(info->class_names[2], "10");
    assert_ok(duet_data_labels(data, DUET_TEST, 0, 2, labels, &error), &error);
    assert_int_equal(labels[0], 2);
    assert_int_equal(labels[1], 1);
    duet_data_close(&data);
}

static const struct {
    const char *title, *text, *piece;
} cells[] = {
    {"no label", "a,label\n1,x\n2,\n", "line 3: \"\" in the column \"label\" is no label; fill such places"},
    {"no value in words", "a,b\n1,N/A\n2,3\n", "\"N/A\" in the column \"b\" is no number; fill such places"},
    {"Excel's for no value", "a,b\n#N/A,1\n2,3\n", "\"#N/A\" in the column \"a\" is no number; fill such places"},
    {"Excel's for a mistake", "a,b\n1,#DIV/0!\n2,3\n", "\"#DIV/0!\" in the column \"b\" is no number; fill such"},
    {"pandas' for no value", "a,b\n1,<NA>\n2,3\n", "\"<NA>\" in the column \"b\" is no number; fill such places"},
    {"a part", "a,split\n1,none at all\n2,3\n", "if it says which rows are for the test, put these into test.csv and"},
    {"a part by its word", "a,b\n1,train\n2,test\n", "if it says which rows are for the test, put these into test.csv"},
    {"no number", "a,b\n1,-inf\n2,3\n", "\"-inf\" in the column \"b\" is no number; fill such places"},
    {"a large number", "a,b\n1,1e39\n2,3\n",
     "\"1e39\" in the column \"b\" is beyond what float32 holds; look at the line first"},
    {"a larger one", "a,b\n1,1e400\n2,3\n", "\"1e400\" in the column \"b\" is beyond what float32 holds"},
    {"a decimal comma", "a;b\n1;0,5\n2;3\n",
     "\"0,5\" in the column \"b\" is no number; numbers are expected with a point"},
    {"thousands", "a,b\n1,\"1,234.5\"\n2,3\n",
     "no number; numbers are expected with a point, such as 0.5, and without"},
    {"thousands by points", "a;b\n1;1.234.567\n2;3\n", "without marks between thousands"},
    {"thousands by spaces", "a,b\n1,-1 234\n2,3\n", "without marks between thousands"},
    {"a date", "a,b\n1,2026-01-02\n2,3\n", "is no number; take the column out"},
    {"per cent", "a,b\n1,12.5%\n2,3\n", "take the per cent signs out of the column"},
    {"a hexadecimal", "a,b\n1,0x1F\n2,3\n", "decimal numbers are expected, such as 31 in the place of 0x1F"},
    {"another separator", "a|b\n1|2\n2|3\n", "columns are expected to be separated by a comma, a semicolon or a tab"},
    {"Excel's first line", "sep=;\na;b;c\n1;2;3\n",
     "line 2: 3 fields, but the first line names 2 columns; the first line only"},
    {"Excel's for two columns", "sep=,\na,b\n1,2\n", "the first line only says what separates fields: take it out"},
    {"a word", "a,b\n1,x,\n2,3\n", "line 2: 3 fields"},
    {"an empty line", "a\n1\n\n2\n", "line 3: is empty, which in a file of one column is a place without a value"},
    {"nothing in a column", "a,b,\n1,2,5\n2,3,\n",
     "line 3: \"\" in the column \"\" is no number; fill such places or take the line out"},
    {"no names", "5.1,x\n4.9,x\n4.7,y\n", "the first line seems to be an example"},
    {"a separator in quotes", "\"a;b;c;d\",e\n1,x\n2,3\n", "\"x\" in the column \"e\" is no number"},
};

static void cells_that_cannot_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        duet_error error = {0};
        duet_data *data = NULL;
        write_file("x.csv", cells[i].text, strlen(cells[i].text));
        assert_status(duet_data_open(&data, in_folder("x.csv"), &error), DUET_ERROR_DATA, &error);
        if (strstr(error.message, cells[i].piece) == NULL) fail_msg("%s: \"%s\"", cells[i].title, error.message);
    }
}

/* 20 rows of two numbers that begin at `first` and go on by `step`; column a counts where it says so. */
static const struct {
    const char *title, *options;
    double first, step;
    bool counts;
    const char *piece;
} tables[] = {
    {"usual", "", -1, 0.1, false, NULL},
    {"one value", "", 0.5, 0, false, "all values of the training examples are 0.5: there is nothing to learn"},
    {"far away", "", 1e6, 0.1, false,
     "models begin with numbers of about 1: save ((array - t.mean(0)) / numpy.where(numpy.ptp(t, 0)"},
    {"far off beside their spread", "", 300, 0.1, false, "its values go from 300"},
    {"negative ones", "", -302, 0.1, false, "its values go from -302"},
    {"large, and as far apart", "", 20, 4, false, NULL},
    {"next to nothing", "", 0, 1e-5, false, "models begin with numbers of about 1"},
    {"meant so", ":values=numbers", 1e6, 0.1, false, NULL},
    {"an index", "", -1, 0.1, true, "the column \"a\" counts the rows: if it is no more than their index, take it out"},
};

static void values_are_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char text[2048], name[2 * TEST_PATH_SIZE];
        int used = snprintf(text, sizeof text, "a,b\n");
        for (int row = 0; row < 20; row++)
            used += snprintf(text + used, sizeof text - (size_t)used, "%.9g,%.9g\n",
                             tables[i].counts ? row : tables[i].first + row * tables[i].step,
                             tables[i].first + (row * 7 % 20) * tables[i].step);
        write_file("t.csv", text, (size_t)used);
        (void)snprintf(name, sizeof name, "%s%s", in_folder("t.csv"), tables[i].options);
        assert_noted(tables[i].title, open_sound(name), tables[i].piece);
    }
}

static const struct {
    const char *title, *text, *piece;
} points[] = {
    {"thousands", "a;b\n87;0\n1.636;7\n60;4\n2.269;2\n4;9\n",
     "the column \"a\" goes from 1.636 to 87, in whole numbers below 1000 and numbers of three digits behind a point"},
    {"thousands by tabs", "a\tb\n87\t0\n1.636\t7\n60\t4\n", "if these points are marks of thousands, take them out"},
    {"by commas", "a,b\n87,0\n1.636,7\n60,4\n2.269,2\n4,9\n", NULL},
    {"fractions", "a;b\n8.5;0\n1.636;7\n60;4\n2.269;2\n4;9\n", NULL},
    {"below one", "a;b\n0.875;0\n1.636;7\n60;4\n2.269;2\n4;9\n", NULL},
    {"all of three digits", "a;b\n8.500;0\n1.636;7\n60.000;4\n2.269;2\n4.000;9\n", NULL},
};

static void points_may_be_marks_of_thousands(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        write_file("t.csv", points[i].text, strlen(points[i].text));
        assert_noted(points[i].title, open_sound(in_folder("t.csv")), points[i].piece);
    }
}

/* Bytes of both splits, each from 0 to its highest. */
static const struct {
    const char *title;
    int low, high, test_high;
    const char *piece;
} bytes[] = {
    {"usual", 0, 255, 255, NULL},
    {"black", 0, 0, 255, "all values of the training examples are 0"},
    {"white", 255, 255, 255, "all values of the training examples are 255"},
    {"a dark test", 0, 255, 3, "the bytes of the test split go from 0 to 3, those of the other to 128 or more"},
    {"a dark training", 0, 3, 255, "the bytes of the training split go from 0 to 3, those of the other to 128"},
};

static void bytes_of_both_splits_are_compared(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        uint8_t train[80], test[20];
        for (size_t k = 0; k < 80; k++) train[k] = (uint8_t)(k % 3 ? bytes[i].high : bytes[i].low);
        for (size_t k = 0; k < 20; k++) test[k] = (uint8_t)((k + 1) % 3 ? bytes[i].test_high : 0);
        write_npy("train.npy", 1, ARRAY("|u1", "False", "(20, 4)"), train, sizeof train);
        write_npy("test.npy", 1, ARRAY("|u1", "False", "(5, 4)"), test, sizeof test);
        assert_noted(bytes[i].title, open_folder(""), bytes[i].piece);
    }
    assert_noted("numbers", open_folder(":values=numbers"), "values=numbers changes nothing; save array.astype('<f4')");
}

/* A letter an example: its label from A on. */
static const struct {
    const char *title, *train, *test, *piece;
} labelled[] = {
    {"usual", "ABCABCABCABC", "ABC", NULL},
    {"fewer in the test", "ABCABCABCABC", "AB", NULL},
    {"one class", "AAAAAA", "AA", "all labels are one class"},
    {"a test of one class", "ABABABABAB", "BBBB", "all 4 labels of the test split are one class, 1: what is measured"},
    {"a training of one class", "BBBB", "AB", "all 4 labels of the training split are one class, 1: the others cannot"},
    {"a small test of one class", "ABABABABAB", "BBB", NULL},
    {"from one on", "BCDBCDBCD", "BCD", "classes without an example: 0; classes are the numbers from 0 to the largest"},
    {"gaps", "AAAAAIIIII", "AI", "classes without an example: 1, 2, 3, 4 and 3 more"},
    {"numbered each by itself", "ABCABCABCABCABCABC", "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB",
     "no test example has a class from 2 on, as 6 of 18"},
    {"a class that is seldom", "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABAC",
     "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB", NULL},
    {"unseen", "ABABABABABAB", "ACD", "classes of the test split that no training example has: 2, 3"},
    {"measurements", "ABCDEFGHIJKLMNOPQRST", "UV", "22 classes among 22 examples: are the labels classes at all"},
};

static const struct {
    const char *title;
    float values[12]; /* of four rows */
    const char *piece;
} columns[] = {
    {"usual", {1, 2, 3, 1, 2, 4, 1, 0, 3, 2, 2, 3}, NULL},
    {"one", {1, 2, 3, 1, 2, 4, 1, 2, 3, 2, 2, 3}, "column 2 of 3 has one value in all training examples: a density"},
    {"two",
     {1, 2, 3, 1, 2, 3, 1, 2, 3, 2, 2, 3},
     "2 of 3 columns, the first of them column 2, have one value in all training examples: a density"},
    {"all", {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}, "all training examples are equal: there is nothing to learn"},
};

static void columns_of_one_value_are_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        write_npy("train.npy", 1, ARRAY("<f4", "False", "(4, 3)"), columns[i].values, sizeof columns[i].values);
        write_npy("test.npy", 1, ARRAY("<f4", "False", "(2, 3)"), columns[0].values + 3, 24);
        assert_noted(columns[i].title, open_folder(""), columns[i].piece);
    }
}

static void labels_are_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof labelled / sizeof *labelled; i++)
        for (size_t split = 0; split < 2; split++) {
            const char *letters = split == 0 ? labelled[i].train : labelled[i].test;
            char text[1024];
            int used = snprintf(text, sizeof text, "a,label\n");
            for (size_t k = 0; letters[k] != '\0'; k++)
                used += snprintf(text + used, sizeof text - (size_t)used, "%.1f,%d\n", (k + split) % 2 ? 0.9 : 0.1,
                                 letters[k] - 'A');
            write_file(split == 0 ? "train.csv" : "test.csv", text, (size_t)used);
            if (split == 1) assert_noted(labelled[i].title, open_folder(""), labelled[i].piece);
        }
}

static const struct {
    const char *title, *text, *piece;
} words[] = {
    {"capitals", "a,label\n0,Yes\n1,yes\n0,Yes\n1,yes\n", "the classes \"Yes\" and \"yes\" differ in capitals alone"},
    {"two columns", "a,label,class\n0,x,1\n1,y,0\n0,x,1\n1,y,0\n",
     "\"label\" holds the labels, and \"class\" is read as one of the numbers"},
    {"no names", "2.5,label\n0,x\n1,y\n0,x\n1,y\n", "its first line, which names the columns, holds 2.5"},
    {"years for names", "1998,1997,1996,label\n0,2,5,x\n1,3,7,y\n0,4,4,x\n1,5,6,y\n", NULL},
    {"numbers for names", "1,2,label\n0,2,x\n1,3,y\n0,4,x\n1,5,y\n", NULL},
    {"a missing label", "a,label\n0,NA\n1,y\n0,NA\n1,y\n", "\"NA\" in the column \"label\" is a class of its own"},
    {"a missing label of Excel", "a,label\n0,#N/A\n1,y\n0,#N/A\n1,y\n",
     "\"#N/A\" in the column \"label\" is a class of"},
    {"a missing label of pandas", "a,label\n0,<NA>\n1,y\n0,<NA>\n1,y\n", "\"<NA>\" in the column \"label\" is a class"},
    {"two that capitals tell apart", "LABEL,label\n0,x\n1,y\n0,x\n1,y\n",
     "\"label\" holds the labels, and \"LABEL\" is read as one of the numbers"},
    {"returns alone", "a,label\r0,x\r1,y\r0,x\r1,y", NULL},
};

/* 60 rows of two numbers, of which each sixth has the code in its second column. */
static const struct {
    const char *title, *options;
    double from, step, code;
    const char *piece;
} codes[] = {
    {"-999", "", -3, 0.1, -999,
     "of 54 values of column 2 of 2 (\"b\") that were looked at 9 are -999, and the others lie in [-3, 2."},
    {"-99", "", 10, 0.5, -99, "are -99, and the others lie in [10, 36"},
    {"99", "", 0.5, 0.1, 99, "(array != 99).reshape(len(array), -1).all(1) is true for the others"},
    {"9999", "", 100, 10, 9999, "are 9999, and"},
    {"a fill value", "", 0, 0.1, -1e30, "are -1.00000002e+30, and the others lie in [0, 5.3]"},
    {"of NetCDF", "", 1.5, 0.1, 9.96921e36, "are 9.96920997e+36, and the others lie in [1.5, 6.8]"},
    {"zeros for pressures", "", 990, 0.5, 0, "are 0, and the others lie in [990, 1016"},
    {"meant so", ":values=numbers", -3, 0.1, -999, NULL},
    {"within the others", "", -3, 0.1, 0.05, NULL},
    {"the top of a scale", "", 0, 0.1, 6, NULL},
    {"99 in a hundred", "", 0, 2, 99, NULL},
};

static void codes_for_what_is_missing_are_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char text[4096], name[2 * TEST_PATH_SIZE];
        int used = snprintf(text, sizeof text, "a,b\n");
        bool found = codes[i].piece == NULL, said = false;
        const char *note;
        for (int row = 0; row < 60; row++)
            used += snprintf(text + used, sizeof text - (size_t)used, "%.9g,%.9g\n", row * 37 % 60 / 7.0,
                             row % 6 == 3 ? codes[i].code : codes[i].from + row * codes[i].step);
        write_file("t.csv", text, (size_t)used);
        (void)snprintf(name, sizeof name, "%s:split=last%s%s", in_folder("t.csv"),
                       codes[i].options[0] != '\0' ? "," : "", codes[i].options[0] != '\0' ? codes[i].options + 1 : "");
        duet_data *data = open_sound(name);
        for (size_t k = 0; (note = duet_data_note(data, k, NULL)) != NULL; k++) {
            said = said || strstr(note, "stands for what is missing") != NULL;
            if (codes[i].piece != NULL && strstr(note, "models begin with") != NULL)
                fail_msg("%s: %s", codes[i].title, note); /* the code would be scaled with the others */
            found = found || strstr(note, codes[i].piece) != NULL;
        }
        if (!found || said != (codes[i].piece != NULL)) fail_msg("%s", codes[i].title);
        duet_data_close(&data);
    }
}

/* 40 pictures of 2 x 2 in [0, 1], of which each `every`-th has the code. */
static const struct {
    const char *title;
    float code;
    size_t every;
    bool of_test; /* alone */
    const char *piece;
} picture_codes[] = {
    {"NetCDF", 9.96921e36F, 8, false,
     "are 9.96920997e+36, and the others lie in [0.0125, 0.99375]: if it stands for what is missing, take such "
     "examples and their labels out: (array.astype('<f4') != 9.96920997e+36).reshape(len(array), -1).all(1)"},
    {"GeoTIFF", -3.4e38F, 1, false,
     "which 40 of 40 examples have, put the mean of the others in its place: numpy.where(array.astype('<f4') == "
     "-3.39999995e+38, numpy.ma.masked_equal(train.astype('<f4'), -3.39999995e+38).mean(), array), where train is"},
    {"heights", -32768, 1, false, "numpy.where(array == -32768, numpy.ma.masked_equal(train, -32768).mean(), array)"},
    {"in test examples", -999, 8, true, "of 160 values of its numbers in the test examples that were looked at 5 are"},
    {"two of them", -999, 20, false, NULL},
};

static void pictures_with_a_code_are_told_no_scale(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof picture_codes / sizeof *picture_codes; i++) {
        for (int split = 0; split < 2; split++) {
            float values[40 * 4];
            const bool coded = split == 1 || !picture_codes[i].of_test;
            for (size_t k = 0; k < 160; k++)
                values[k] = coded && k % (4 * picture_codes[i].every) == 1 ? picture_codes[i].code
                                                                           : (float)(k == 0 ? 2 : k) / 160;
            write_npy(split == 0 ? "train.npy" : "test.npy", 1, ARRAY("<f4", "False", "(40, 2, 2)"), values,
                      sizeof values);
        }
        bool found = false, scaled = false;
        duet_data *data = open_sound(in_folder(""));
        const char *note;
        for (size_t k = 0; (note = duet_data_note(data, k, NULL)) != NULL; k++) {
            scaled = scaled || strstr(note, "models begin with") != NULL || strstr(note, "not scaled?") != NULL;
            found = found || strstr(note, picture_codes[i].piece != NULL ? picture_codes[i].piece : "missing") != NULL;
        }
        if (found != (picture_codes[i].piece != NULL) || scaled == found) fail_msg("%s", picture_codes[i].title);
        duet_data_close(&data);
    }
}

/* 60 rows of two numbers up to 12, of which one, in row 41, is another one. */
static const struct {
    const char *title, *options;
    double number;
    const char *piece; /* NULL: nothing is said */
} outliers[] = {
    {"far out", "", 1e30,
     "row 41 of the training examples, counted from 0, has a number of size 1e+30 in column 2 of 2 (\"b\"), "
     "and "
     "those that are not of that size are 10.6"},
    {"below", "", -1e9,
     "look at that row first; if it is a mistake, mend it or take it and its label out, as by "
     "numpy.delete(array, 41, 0)"},
    {"meant so", ":split=last,values=numbers", 1e30, NULL},
    {"no farther than scaling makes of it", "", 900, NULL},
};

static void an_outlier_is_to_be_looked_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outliers / sizeof *outliers; i++) {
        char text[4096], name[2 * TEST_PATH_SIZE];
        int used = snprintf(text, sizeof text, "a,b\n");
        for (int row = 0; row < 60; row++)
            used += snprintf(text + used, sizeof text - (size_t)used, "%.9g,%.9g\n", row * 37 % 60 / 7.0,
                             row == 41 ? outliers[i].number : row / 5.0);
        write_file("t.csv", text, (size_t)used);
        (void)snprintf(name, sizeof name, "%s%s", in_folder("t.csv"),
                       outliers[i].options[0] != '\0' ? outliers[i].options : ":split=last");
        assert_noted(outliers[i].title, open_sound(name), outliers[i].piece);
    }
    for (int rows = 12; rows <= 32;
         rows += 10) { /* a number that each row has, or each third one, few of them for the test */
        char text[1024];
        int used = snprintf(text, sizeof text, "id,b\n");
        for (int row = 0; row < rows; row++)
            used += snprintf(text + used, sizeof text - (size_t)used, "%s,%g\n",
                             rows < 32 || row % 3 == 1 ? "1000000000" : "0", row * 7 % rows / 5.0);
        write_file("t.csv", text, (size_t)used);
        char name[2 * TEST_PATH_SIZE];
        (void)snprintf(name, sizeof name, "%s:split=last", in_folder("t.csv"));
        duet_data *data = open_sound(name);
        assert_int_equal(duet_data_describe(data)->count[DUET_TEST], rows / 10);
        const char *note;
        for (size_t k = 0; (note = duet_data_note(data, k, NULL)) != NULL; k++)
            assert_null(strstr(note, "look at that row first"));
        duet_data_close(&data);
    }
    float values[40] = {0.5F, 0.25F}; /* in the test split too, and of numbers that are no table */
    write_npy("train.npy", 1, ARRAY("<f4", "False", "(10, 2, 2)"), values, sizeof values);
    values[22] = 1e20F;
    write_npy("test.npy", 1, ARRAY("<f4", "False", "(10, 2, 2)"), values, sizeof values);
    assert_noted("of the test", open_folder(""),
                 "row 5 of the test examples, counted from 0, has a number of size 1e+20 in value 3 of 4, and");
}

/* Labels that are called otherwise, and names that are there twice. */
static const struct {
    const char *title, *head, *options;
    int classes;
    const char *piece;
} heads[] = {
    {"usual", "a,b,c", "", 0, NULL},
    {"words that files of other programs begin with", "MATLAB,PAR10,c", "", 0, NULL},
    {"and others", "ARROW1,Rar!,c", "", 0, NULL},
    {"by their place", "a,b,c", "", 3, "the column \"c\" holds 3 whole numbers, as classes do"},
    {"truths", "a,b,c", "", 2, NULL},
    {"a name that says nothing", "a,b,x3", "", 3, "the column \"x3\" holds 3 whole numbers, as classes do"},
    {"counts", "a,b,rooms", "", 5, NULL},
    {"months", "a,b,month", "", 12, NULL},
    {"y", "a,b,y", "", 3,
     "the column \"y\" holds 3 whole numbers, as classes do, and is read as one of the numbers: if "
     "these are the labels, name it with --labels y"},
    {"in front", "Species,a,b", "", 0, NULL}, /* which are measurements */
    {"quality", "a,b,Quality", "", 6, "the column \"Quality\" holds 6 whole numbers"},
    {"measurements", "a,b,y", "", 0, NULL},
    {"beside an x of fractions", "a,X,Y", "", 3, "the column \"Y\" holds 3 whole numbers"},
    {"the remedy", "a,b,y", ":labels=y", 3, NULL},
    {"a name twice", "a,a,c", "", 0, "several of its columns are called \"a\", and each is read as one of the numbers"},
};

static void names_of_columns_are_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char text[2048], name[2 * TEST_PATH_SIZE];
        int used = snprintf(text, sizeof text, "%s\n", heads[i].head);
        for (int row = 0; row < 40; row++)
            used += snprintf(text + used, sizeof text - (size_t)used, "%.9g,%.9g,%.9g\n", row * 37 % 40 / 7.0,
                             row * 17 % 40 / 9.0, heads[i].classes > 0 ? row * 7 % heads[i].classes : row / 8.0);
        write_file("t.csv", text, (size_t)used);
        (void)snprintf(name, sizeof name, "%s%s", in_folder("t.csv"), heads[i].options);
        assert_noted(heads[i].title, open_sound(name), heads[i].piece);
    }
}

static void words_and_columns_are_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        write_file("train.csv", words[i].text, strlen(words[i].text));
        char other[64];
        (void)snprintf(other, sizeof other, "%s", words[i].text);
        *strchr(other, '0') = '1'; /* no copy */
        write_file("test.csv", other, strlen(other));
        duet_data *data = open_folder("");
        assert_int_equal(duet_data_describe(data)->count[DUET_TRAIN], 4);
        assert_int_equal(duet_data_describe(data)->classes, 2);
        assert_noted(words[i].title, data, words[i].piece);
    }
}

static void what_is_said_adds_up(void **state)
{
    (void)state;
    duet_error error = {0};
    char name[2 * TEST_PATH_SIZE];
    uint8_t planar[2 * 3 * 36];
    for (size_t i = 0; i < sizeof planar; i++) planar[i] = pattern(i);
    write_npy("p.npy", 1, ARRAY("|u1", "False", "(2, 3, 6, 6)"), planar, sizeof planar);
    (void)snprintf(name, sizeof name, "%s:channels=first:size=4x5", in_folder("p.npy")); /* as --size adds it */
    duet_data *data = open_sound(name);
    assert_memory_equal(duet_data_describe(data)->shape.dims, ((size_t[]){4, 5, 3}), 3 * sizeof(size_t));
    duet_data_close(&data);
    (void)snprintf(name, sizeof name, "%s:chanels=first", in_folder("p.npy"));
    assert_status(duet_data_open(&data, name, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "\"chanels=\" says nothing of how it is read; did you mean 'channels'? there are size= "
                           "labels= column= channels=");
    static const char *const misspelt[] = {"size=4x5,chanels=first", "size=4x5:chanels=first", "chanels=first:size=4x5",
                                           "labels=l.npy:chanels=first", "labels=l.npy,chanels=first,size=4x5"};
    for (size_t i = 0; i < sizeof misspelt / sizeof *misspelt; i++) {
        (void)snprintf(name, sizeof name, "%s:%s", in_folder("p.npy"), misspelt[i]);
        assert_status(duet_data_open(&data, name, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, "p.npy: \"chanels=\" says nothing of how it is read");
    }
}

/* The channels are said to be first: that they still look so is no question. */
static void a_question_is_asked_once(void **state)
{
    (void)state;
    static uint8_t values[8 * 8 * 3 * 40];
    char name[2 * TEST_PATH_SIZE];
    for (size_t i = 0; i < sizeof values; i++) values[i] = pattern(i);
    duet_error error = {0};
    assert_ok(duet_write_npy_bytes(in_folder("q.npy"), values, DUET_SHAPE(8, 8, 3, 40), &error), &error);
    (void)snprintf(name, sizeof name, "%s:channels=first", in_folder("q.npy"));
    assert_noted("answered", open_sound(name), NULL);
}

/* What answers a question stands behind all that is said already, of the set, not of a file in it. */
static void answers_are_those_of_the_set(void **state)
{
    (void)state;
    uint8_t values[3 * 4 * 36];
    char name[2 * TEST_PATH_SIZE], piece[2 * TEST_PATH_SIZE];
    for (size_t i = 0; i < sizeof values; i++) values[i] = pattern(i);
    write_npy("train.npy", 1, ARRAY("|u1", "False", "(3, 4, 6, 6)"), values, sizeof values);
    (void)snprintf(piece, sizeof piece, "Then say %s:channels=first,", folder);
    assert_noted("a folder", open_folder(""), piece);
    (void)snprintf(piece, sizeof piece, "Then say %s:channels=first:alpha=white,", folder);
    assert_noted("a second question", open_folder(":channels=first"), piece);
    (void)snprintf(name, sizeof name, ":channels=first:alpha=white");
    assert_noted("both answered", open_folder(name), NULL);
}

static const struct {
    const char *header, *piece;
    size_t bytes;
} elements[] = {
    {ARRAY("<U3", "False", "(2,)"), "of labels save numpy.searchsorted(numpy.unique(both), array), where both is", 24},
    {ARRAY("|S3", "False", "(2,)"), "of labels save numpy.searchsorted(numpy.unique(both), array), where both is", 6},
    {ARRAY("|O", "False", "(2,)"), "make all its rows equally long and save numpy.stack(array).astype('<f4')", 16},
    {ARRAY("<c8", "False", "(2, 2)"), "save numpy.stack([array.real, array.imag], -1).astype('<f4')", 32},
    {ARRAY("|V3", "False", "(2,)"), "of bytes save array.view('u1').reshape(len(array), -1)", 6},
    {"{'descr': [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (2,), }",
     "of all as numbers save numpy.stack([array[name] for name in array.dtype.names], -1).astype('<f4'), or save", 16},
    {ARRAY(">f4", "False", "(2, 2)"), "<f8 are read: save array.astype(array.dtype.newbyteorder('<'))", 16},
    {ARRAY(">i8", "False", "(2,)"), "<f8 are read: save array.astype(array.dtype.newbyteorder('<'))", 16},
    {ARRAY("<f2", "False", "(4,)"), "<f8 are read: save array.astype('<f4')", 8},
    {ARRAY("<f16", "False", "(2,)"), "<f8 are read: save array.astype('<f8')", 32},
    {ARRAY("<M8[D]", "False", "(2,)"), "of days save (array - numpy.datetime64(0, 'D')) / numpy.timedelta64(1", 16},
    {ARRAY("<m8[ms]", "False", "(2,)"), "save array / numpy.timedelta64(1, 's')", 16},
};

static void elements_have_the_remedy_that_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        duet_error error = {0};
        duet_data *data = NULL;
        write_npy("e.npy", 1, elements[i].header, "0123456789abcdef0123456789abcdef", elements[i].bytes);
        assert_status(duet_data_open(&data, in_folder("e.npy"), &error), DUET_ERROR_DATA, &error);
        if (strstr(error.message, elements[i].piece) == NULL) fail_msg("%s: \"%s\"", elements[i].header, error.message);
    }
}

/* Labels that lie beside the examples are no answer to others that are asked for and not there. */
static void labels_that_are_asked_for_are_needed(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data = NULL;
    char name[2 * TEST_PATH_SIZE];
    write_file("train.csv", BYTES("a,label,b\n1,0,1\n2,1,0\n3,0,1\n"));
    data = open_folder(":labels=b");
    duet_data_close(&data);
    write_rows("x-images.npy", 0, 0);
    write_npy("x-labels.npy", 1, ARRAY("|u1", "False", "(40,)"), "0123456789012345678901234567890123456789", 40);
    data = open_sound(in_folder("x-images.npy"));
    assert_true(duet_data_describe(data)->labelled[DUET_TRAIN]);
    duet_data_close(&data);
    (void)snprintf(name, sizeof name, "%s:labels=mispelt.npy", in_folder("x-images.npy"));
    assert_status(duet_data_open(&data, name, &error), DUET_ERROR_FILE, &error);
    assert_message(&error, "mispelt.npy: cannot be opened as a file of labels: No such file or directory");
}

/* A program has no words behind a colon. */
static void a_programs_own_data_ask_nothing(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data = NULL;
    bool question = true;
    float train[8] = {0, 0.5F, 1, 0.2F, 0, 1, 0.3F, 0.7F}, test[4] = {0, 255, 128, 64};
    const uint8_t labels[4] = {0, 1, 0, 1};
    const char *const names[] = {"low", NULL};
    duet_own_data own = {.name = "own",
                         .shape = DUET_SHAPE(2),
                         .type = DUET_FLOAT32,
                         .count = {4, 2},
                         .examples = {train, test},
                         .labels = {labels, labels},
                         .classes = 2};
    assert_ok(duet_data_from_memory(&data, &own, &error), &error);
    assert_non_null(duet_data_note(data, 0, &question));
    assert_false(question);
    duet_data_close(&data);
    own.class_names = (const char *const[]){"low", "high"};
    own.labels[DUET_TRAIN] = own.labels[DUET_TEST] = NULL;
    assert_status(duet_data_from_memory(&data, &own, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "classes are given, and no labels that have them");
    error = (duet_error){0};
    own.labels[DUET_TRAIN] = own.labels[DUET_TEST] = labels;
    own.class_names = names;
    assert_status(duet_data_from_memory(&data, &own, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "own: class 1 of 2 has no name");
    error = (duet_error){0};
    own.classes = 257;
    assert_status(duet_data_from_memory(&data, &own, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "own: 257 classes; 256 are possible");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_row_is_looked_at),
        IN_FOLDER(two_files_have_the_same_columns),
        IN_FOLDER(numbers_beside_words_are_words),
        IN_FOLDER(cells_that_cannot_be),
        IN_FOLDER(values_are_told_of),
        IN_FOLDER(points_may_be_marks_of_thousands),
        IN_FOLDER(bytes_of_both_splits_are_compared),
        IN_FOLDER(columns_of_one_value_are_told_of),
        IN_FOLDER(labels_are_told_of),
        IN_FOLDER(words_and_columns_are_told_of),
        IN_FOLDER(codes_for_what_is_missing_are_told_of),
        IN_FOLDER(pictures_with_a_code_are_told_no_scale),
        IN_FOLDER(an_outlier_is_to_be_looked_at),
        IN_FOLDER(names_of_columns_are_told_of),
        IN_FOLDER(what_is_said_adds_up),
        IN_FOLDER(a_question_is_asked_once),
        IN_FOLDER(answers_are_those_of_the_set),
        IN_FOLDER(elements_have_the_remedy_that_fits),
        IN_FOLDER(labels_that_are_asked_for_are_needed),
        IN_FOLDER(a_programs_own_data_ask_nothing),
    };
    return RUN_TESTS("plausible", tests, NULL, NULL);
}
