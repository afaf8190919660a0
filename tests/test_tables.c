/* SPDX-License-Identifier: MIT */
/* CSV files as programs and people write them: what is read all the same, what is said, and why one is refused. */
#include "data_checks.h"

static duet_data *open_text(const char *text)
{
    write_file("t.csv", text, strlen(text));
    return open_sound(in_folder("t.csv"));
}

/* Ends of lines and separators within quotes are letters. */
static void fields_in_quotes(void **state)
{
    (void)state;
    duet_data *data = open_text("\"a;b;\nc\",d,label\r\n1,2,\"x\r\ny\"\n3,4,\"say \"\"no\"\"\"\n5,6,\"x\ny\"\n");
    const duet_data_info *info = duet_data_describe(data);
    assert_string_equal(info->columns, "a;b; c\nd\n");
    assert_int_equal(info->classes, 2);
    assert_string_equal(info->class_names[0], "say \"no\"");
    assert_string_equal(info->class_names[1], "x y");
    assert_values(data, DUET_TRAIN, 0, (double[]){1, 2, 3, 4}, 4);
    duet_data_close(&data);
    data = open_text("a,label\n1,5\" x\n2,6\" x\n"); /* inches open nothing */
    assert_string_equal(duet_data_describe(data)->class_names[0], "5\" x");
    duet_data_close(&data);
}

/* As pandas and R write 1 and 0. */
static void truths_are_numbers(void **state)
{
    (void)state;
    duet_data *data = open_text("a,b,label,c\n1,True,True,FALSE\n2,False,False,TRUE\n3,True,True,TRUE\n");
    assert_string_equal(duet_data_describe(data)->columns, "a\nb\nc\n");
    assert_values(data, DUET_TRAIN, 0, (double[]){1, 1, 0, 2, 0, 1}, 6);
    assert_string_equal(duet_data_describe(data)->class_names[1], "True");
    duet_data_close(&data);
}

/* As of spreadsheets, in the first line alone, in all, or in some. */
static void separators_at_ends_are_no_columns(void **state)
{
    (void)state;
    static const char *const texts[] = {"a,b,label,\n1,2,x\n3,4,y\n5,1,x\n", "a,b,label,\n1,2,x,\n3,4,y,\n5,1,x,\n",
                                        "a;b;label;;\n1;2;x;\n3;4;y\n5;1;x;;\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file("x.csv", texts[i], strlen(texts[i]));
        duet_data *data = open_sound(in_folder("x.csv"));
        assert_string_equal(duet_data_describe(data)->columns, "a\nb\n");
        assert_int_equal(duet_data_describe(data)->classes, 2);
        duet_data_close(&data);
    }
    write_file("x.csv", BYTES("a,b,\n1,2,3\n3,4,4\n5,1,7\n"));
    duet_data *data = open_sound(in_folder("x.csv"));
    assert_string_equal(duet_data_describe(data)->columns, "a\nb\n\n");
    duet_data_close(&data);
}

static void spaces_are_not_part_of_labels(void **state)
{
    (void)state;
    duet_data *data = open_text("a,label\n1,\"cat \"\n2,cat\n3,\" cat\"\n4,dog\n");
    assert_int_equal(duet_data_describe(data)->classes, 2);
    assert_labels(data, DUET_TRAIN, "000");
    duet_data_close(&data);
    data = open_text("# a,label\n1,x\n2,y\n"); /* as numpy.savetxt writes names */
    assert_string_equal(duet_data_describe(data)->columns, "a\n");
    duet_data_close(&data);
    data = open_text("# 0,1\n1,2\n2,3\n3,5\n");
    assert_string_equal(duet_data_describe(data)->columns, "0\n1\n");
    duet_data_close(&data);
    data = open_text("#,label\n1,x\n2,y\n");
    assert_string_equal(duet_data_describe(data)->columns, "#\n");
    duet_data_close(&data);
}

/* As a competition leaves it: known by its name or named, the test examples have no such column. */
static void test_examples_may_be_without_labels(void **state)
{
    (void)state;
    static const char *const columns[] = {"label", "kind"};
    make_inner("set");
    for (size_t i = 0; i < 2; i++) {
        char text[64], name[2 * TEST_PATH_SIZE];
        (void)snprintf(text, sizeof text, "a,b,%s\n1,2,x\n3,4,y\n5,7,x\n", columns[i]);
        write_file("set/train.csv", text, strlen(text));
        write_file("set/test.csv", BYTES("a,b\n2,2\n1,4\n"));
        (void)snprintf(name, sizeof name, "%s:labels=%s", in_folder("set"), columns[i]);
        duet_data *data = open_sound(name);
        assert_labels(data, DUET_TRAIN, "010");
        assert_false(duet_data_has_labels(data, DUET_TEST));
        assert_int_equal(duet_data_describe(data)->count[DUET_TEST], 2);
        duet_data_close(&data);
        (void)snprintf(name, sizeof name, "%s:labels=sort", in_folder("set"));
        assert_refused("in neither", name, DUET_ERROR_DATA, "has no column \"sort\", nor is that a file");
        write_file("set/test.csv", BYTES("a,b,sort\n2,2,1\n1,4,0\n"));
        (void)snprintf(name, sizeof name, "%s:labels=%s", in_folder("set"), columns[i]);
        if (i > 0)
            assert_refused("another name", name, DUET_ERROR_DATA, "has no column \"kind\", nor is that a file; it has");
    }
}

static const struct {
    const char *title, *text, *piece;
} refused[] = {
    {"a comment on top", "# made by me\na,b\n1,2\n3,4\n",
     "line 2: 2 fields, but the first line names 1 column; if the first line is a comment, take it out"},
    {"spaces of R", "\"a\" \"b\"\n\"1\" 0.1 0.2\n",
     "text behind one; columns are expected to be separated by a comma, a"},
    {"spaces of R and one column", "\"a\"\n\"1\" 0.1\n", "does so with sep = \",\", row.names = FALSE"},
    {"names of rows", "\"a\",\"b\"\n\"1\",0.1,0.2\n",
     "line 2: 3 fields, but the first line names 2 columns; if each line begins with the name of its row"},
    {"names of rows of one column", "\"a\"\n\"1\",0.1\n", "write it with row.names = FALSE"},
    {"a decimal comma", "x\n1,5\n2,25\n",
     "line 2: 2 fields, but the first line names 1 column; if that is one number, it is expected with a point"},
    {"a separator below alone", "a,b\n1,2,\n3,4,\n", "the line ends in a separator: take it off all lines"},
    {"a value without a name", "a,b,\n1,2\n3,4,5\n", "line 3: 3 fields, but the first line names 2 columns; the first"},
    {"numbers on top", "1,2,\n3,4,\n", "its first line holds numbers, and the names of its 2 columns"},
    {"a comment of two words", "# by me, on monday\na,b\n1,2\n3,4\n", "if the first line is a comment, take it out"},
    {"a comment below", "a,b\n1,2\n# 3,4\n", "line 3: \"# 3\" in the column \"a\" is no number; if this line is a"},
    {"names again", "a,b\n1,2\na,b\n3,4\n", "line 3: \"a\" in the column \"a\" is no number; this line names the"},
    {"an open quote", "a,b\n1,2\n\"3,4\n5,6\n", "line 3: a quote that is not closed"},
    {"words in lines", "a,b\n1,2\n\"3\n4\",5\n", "line 3: \"3?4\" in the column \"a\" is no number"},
    {"a line of totals", "a,b\n1,2\n3,4\nTotal,6\n",
     "line 4: \"Total\" in the column \"a\" is no number; this line sums up"},
    {"a label that is none", "a,b,label\n1,2,x\n3,4,y\nmean:,3,\n", "this line sums up those above: take it out"},
    {"a short line of totals", "a,b,c\n1,2,3\n3,4,5\nTOTAL,6\n",
     "line 4: 2 fields, but the first line names 3 columns; this"},
    {"a word below numbers", "a,b\n1,2\n3,many\n", "the lines above have numbers there: mend this one, or take it out"},
    {"a number below truths", "a,b\n1,True\n3,2\n",
     "\"2\" in the column \"b\" is neither True nor False, as the lines above have it there; mend it"},
    {"a truth below numbers", "a,b\n1,0\n3,True\n", "\"True\" in the column \"b\" is no number; the lines above have"},
    {"labels alone", "class\n1\n0\n",
     "has labels, in its column \"class\", and no columns of numbers: name the examples, and it by --labels; where "
     "these"},
    {"thousands in one column", "a\n1\n1 234\n", "and without marks between thousands"},
    {"columns of spaces", " a  b c\n 1  2 x\n",
     "columns are expected to be separated by a comma, a semicolon or a tab: sed '"},
    {"after such a line", "\"a\nb\",c\n1,2\nx,3\n", "line 4: \"x\" in the column \"a b\" is no number"},
};

static void what_is_refused_has_its_remedy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        write_file("t.csv", refused[i].text, strlen(refused[i].text));
        assert_refused(refused[i].title, in_folder("t.csv"), DUET_ERROR_DATA, refused[i].piece);
    }
}

/* What messages advise on spaces is done. */
static void spaces_become_commas(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data = NULL;
    char command[4 * TEST_PATH_SIZE];
    write_file("t.csv", BYTES("  a   b label\n 1.5  -2 x \n 2   3e2   y\n  4 5 x\n"));
    assert_status(duet_data_open(&data, in_folder("t.csv"), &error), DUET_ERROR_DATA, &error);
    const char *script = strstr(error.message, "sed '");
    assert_non_null(script);
    (void)snprintf(command, sizeof command, "%.*s %s > %s", (int)(strstr(script, " OLD") - script), script,
                   in_folder("t.csv"), in_folder("u.csv"));
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): what is printed is for a shell
    data = open_sound(in_folder("u.csv"));
    assert_string_equal(duet_data_describe(data)->columns, "a\nb\n");
    assert_values(data, DUET_TRAIN, 0, (double[]){1.5, -2, 2, 300}, 4);
    duet_data_close(&data);
}

static void columns_that_pandas_counts_are_names(void **state)
{
    (void)state;
    write_file("t.csv", BYTES("0,1,2,3\n1.5,-2,7,2\n2,300,9,1\n3,4,6,2\n"));
    duet_data *data = open_sound(in_folder("t.csv"));
    assert_string_equal(duet_data_describe(data)->columns, "0\n1\n2\n3\n");
    assert_int_equal(duet_data_describe(data)->count[DUET_TRAIN] + duet_data_describe(data)->count[DUET_TEST], 3);
    duet_data_close(&data);
    static const char *const examples[] = {"0,1,2\n3,4,5\n", "1,2,3,4\n5,6,7,9\n", "0,1,2,4\n5,6,7,9\n"};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        write_file("t.csv", examples[i], strlen(examples[i]));
        assert_refused(examples[i], in_folder("t.csv"), DUET_ERROR_DATA, "or in its place if its numbers are the col");
    }
}

/* 40 rows: a number that differs from row to row, one made of the row's number by a formula, a label by another. */
static double seconds(size_t row)
{
    return 1700000000 + (double)row;
}
static double hours(size_t row)
{
    return 1700000000 + 3600 * (double)row;
}
static double usual(size_t row)
{
    return (double)(row * 7 % 40) / 40 - 0.25;
}
static double numbered(size_t row)
{
    return (double)(row * 7 % 40 + 1);
}
static double a_number_missing(size_t row)
{
    return row == 3 ? 50 : numbered(row);
}
static double thirds(size_t row)
{
    return (double)(row % 3);
}
static double tenths(size_t row)
{
    return (double)(row % 3) / 10;
}

static const struct {
    const char *title, *name, *other;
    double (*value)(size_t), (*label)(size_t);
    const char *said, *unsaid;
} told[] = {
    {"usual", "b", "label", usual, thirds, NULL, ""},
    {"seconds", "b", "label", seconds, thirds,
     "the column \"b\" goes from 1700000000 to 1700000039, where float32 numbers lie 128 apart", "has one value in"},
    {"hours", "b", "label", hours, thirds, "models begin with numbers of about 1", "float32"},
    {"an index in another order", "b", "label", numbered, thirds, "the column \"b\" numbers the rows, in another order",
     "counts"},
    {"no index", "b", "label", a_number_missing, thirds, NULL, "the rows"},
    {"folds", "Fold", "label", thirds, thirds, "the column \"Fold\" holds 3 whole numbers, and is read as one of the",
     NULL},
    {"parts", "is_test", "label", thirds, thirds, "put these into test.csv and the others into train.csv of one", NULL},
    {"measurements", "b", "target", usual, tenths, "\"target\" holds 3 numbers such as 0, and each is a class", NULL},
    {"labels twice", "label", "label", thirds, thirds, "its columns 2 and 3 are both called \"label\"", NULL},
    {"labels under two names", "Class", "label", thirds, thirds, "\"label\" holds the labels, and \"Class\" is", NULL},
};

/* 40 rows: a, and two columns of those names and numbers. */
static duet_data *open_columns(const char *name, double (*value)(size_t), const char *other, double (*label)(size_t))
{
    char text[4096];
    int used = snprintf(text, sizeof text, "a,%s,%s\n", name, other);
    for (size_t row = 0; row < 40; row++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%.9g,%.12g,%.9g\n", (double)(row * 11 % 40) / 40,
                         value(row), label(row));
    return open_text(text);
}

static void what_is_odd_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        duet_data *data = open_columns(told[i].name, told[i].value, told[i].other, told[i].label);
        if (told[i].said != NULL && !says(data, told[i].said)) fail_msg("%s: nothing is said", told[i].title);
        if (told[i].unsaid != NULL && says(data, told[i].unsaid)) fail_msg("%s: too much is said", told[i].title);
        duet_data_close(&data);
    }
}

static double counted(size_t row)
{
    return (double)row;
}

static const struct {
    const char *title, *name, *other;
    double (*value)(size_t), (*label)(size_t);
    const char *said;
} converted[] = {
    {"an index", "b", "c", counted, usual, "the column \"b\" counts the rows: if it is no more than their index, take"},
    {"an index of a table that was mixed", "b", "c", numbered, usual, "the column \"b\" numbers the rows, in another"},
    {"folds", "c", "Fold", usual, thirds,
     "the column \"Fold\" holds 3 whole numbers, and is read as one of the numbers: if it says which rows are for the "
     "test, save these as the test split, and take the column out"},
    {"classes", "b", "species", usual, thirds,
     "the column \"species\" holds 3 whole numbers, as classes do, and is read as one of the numbers: if these are the "
     "labels, save it as labels and the others as examples, of both splits"},
    {"beside labels", "Class", "label", thirds, thirds,
     "the column \"Class\" holds 3 whole numbers, as classes do, and is read as one of the numbers beside the labels"},
    {"a name twice", "b", "b", usual, seconds, "several of its columns are called \"b\""},
};

/* An array with names of columns is looked at as the CSV file is that it was made of, also divided by chance. */
static void converted_tables_are_looked_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof converted / sizeof *converted; i++) {
        duet_error error = {0};
        duet_data *data = open_columns(converted[i].name, converted[i].value, converted[i].other, converted[i].label);
        assert_ok(duet_data_convert(data, in_folder("t.npz"), &error), &error);
        duet_data_close(&data);
        data = open_sound(in_folder("t.npz"));
        if (!says(data, converted[i].said)) fail_msg("%s: it is not said", converted[i].title);
        duet_data_close(&data);
    }
}

static const struct {
    const char *text, *options, *labels, *said; /* NULL: nothing is said of two */
} capitals[] = {
    {"T,t,v\n0,1,2\n1,0,3\n1,1,5\n", ":labels=t", "10", NULL},
    {"T,t,v\n0,1,2\n1,0,3\n1,1,5\n", ":labels=T", "01", NULL},
    {"LABEL,label,v\n0,1,2\n1,0,3\n1,1,5\n", "", "10", "and \"LABEL\" is read as one of the numbers"},
    {"LABEL,label,v\n0,1,2\n1,0,3\n1,1,5\n", ":labels=LABEL", "01", NULL},
    {"Kind,KIND,v\n0,1,2\n1,0,3\n1,1,5\n", ":labels=kind", "01", "its columns 1 and 2 are both called"},
};

/* The very name comes first. */
static void names_that_differ_in_capitals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof capitals / sizeof *capitals; i++) {
        char name[2 * TEST_PATH_SIZE];
        write_file("t.csv", capitals[i].text, strlen(capitals[i].text));
        (void)snprintf(name, sizeof name, "%s%s", in_folder("t.csv"), capitals[i].options);
        duet_data *data = open_sound(name);
        assert_labels(data, DUET_TRAIN, capitals[i].labels);
        assert_int_equal(says(data, "one of the numbers"), capitals[i].said != NULL);
        if (capitals[i].said != NULL) assert_true(says(data, capitals[i].said));
        duet_data_close(&data);
    }
}

/* Of two columns of that name the first is asked for, and that is said too. */
static void a_name_that_two_columns_have(void **state)
{
    (void)state;
    write_file("t.csv", BYTES("kind,a,kind\n0,1,2\n1,2,3\n0,4,5\n"));
    duet_data *data = open_sound(with("t.csv", "labels=kind"));
    assert_true(says(data, "its columns 1 and 3 are both called \"kind\""));
    duet_data_close(&data);
}

/* Float64 arrays whose differences float32 does not keep. */
static void rounded_arrays_are_told_of(void **state)
{
    (void)state;
    double values[40];
    for (size_t i = 0; i < 40; i++) values[i] = i % 2 ? usual(i) : 1700000000 + (double)i;
    write_npy("t.npy", 1, ARRAY("<f8", "False", "(20, 2)"), values, sizeof values);
    duet_data *data = open_sound(in_folder("t.npy"));
    assert_true(says(data, "column 1 of 2 goes from 1700000000 to 1700000038, where float32 numbers lie 128 apart"));
    assert_false(says(data, "one value"));
    duet_data_close(&data);
    int64_t times[20];
    for (size_t i = 0; i < 20; i++) times[i] = 1700000000 + (int64_t)i;
    write_npy("t.npy", 1, ARRAY("<i8", "False", "(10, 2)"), times, sizeof times);
    assert_refused("whole times", in_folder("t.npy"), DUET_ERROR_DATA,
                   "with t = train.astype('<f8'), where train is the training");
}

/* 64 x 1797 is a file of 1797 digits that was saved the other way. */
static void columns_that_are_examples_are_asked_about(void **state)
{
    (void)state;
    static const struct {
        const char *shape;
        size_t rows, columns;
        bool asked;
    } shapes[] = {{"(4, 1797)", 4, 1797, true},   {"(3, 1797)", 3, 1797, true},
                  {"(4, 4096)", 4, 4096, true},   {"(5, 4096)", 5, 4096, false}, /* pictures of 64 x 64 */
                  {"(5, 3072)", 5, 3072, false},                                 /* of 32 x 32 x 3 */
                  {"(12, 1797)", 12, 1797, true},                                /* of so many columns, few rows */
                  {"(4, 999)", 4, 999, false}};
    static uint8_t file[64 + 96 + 12 * 1797 + 8];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char header[119];
        const size_t count = shapes[i].rows * shapes[i].columns;
        memcpy(file, "\x93NUMPY\x01\x00\x76\x00", 10);
        (void)snprintf(header, sizeof header, "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }",
                       shapes[i].shape);
        memset(file + 10, ' ', 118);
        memcpy(file + 10, header, strlen(header));
        for (size_t k = 0; k < count; k++) file[128 + k] = pattern(k);
        test_file_write(in_folder("t.npy"), file, 128 + count);
        duet_data *data = open_sound(in_folder("t.npy"));
        assert_int_equal(says(data, "are the examples the columns? Then save array.T."), shapes[i].asked);
        duet_data_close(&data);
        data = open_sound(with("t.npy", "channels=last"));
        assert_false(says(data, "are the examples the columns?"));
        duet_data_close(&data);
    }
}

/* With as many labels as columns there is no question. */
static void labels_show_that_the_columns_are_the_examples(void **state)
{
    (void)state;
    uint8_t bytes[60];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = pattern(i);
    write_npy("x.npy", 1, ARRAY("|u1", "False", "(5, 12)"), bytes, sizeof bytes);
    make_inner("l");
    write_npy("l/y.npy", 1, ARRAY("|u1", "False", "(12,)"), "\0\1\0\1\0\1\0\1\0\1\0\1", 12);
    char option[2 * TEST_PATH_SIZE];
    (void)snprintf(option, sizeof option, "labels=%s", in_folder("l/y.npy"));
    assert_refused("columns", with("x.npy", option), DUET_ERROR_DATA,
                   "x.npy holds 5 examples; where the examples are its columns, save array.T");
    write_npy("x.npy", 1, ARRAY("|u1", "False", "(1, 5, 12)"), bytes, sizeof bytes);
    assert_refused("last", with("x.npy", option), DUET_ERROR_DATA, "save numpy.moveaxis(array, -1, 0)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(fields_in_quotes),
        IN_FOLDER(truths_are_numbers),
        IN_FOLDER(test_examples_may_be_without_labels),
        IN_FOLDER(separators_at_ends_are_no_columns),
        IN_FOLDER(spaces_are_not_part_of_labels),
        IN_FOLDER(what_is_refused_has_its_remedy),
        IN_FOLDER(columns_that_pandas_counts_are_names),
        IN_FOLDER(spaces_become_commas),
        IN_FOLDER(what_is_odd_is_said),
        IN_FOLDER(converted_tables_are_looked_at),
        IN_FOLDER(names_that_differ_in_capitals),
        IN_FOLDER(a_name_that_two_columns_have),
        IN_FOLDER(rounded_arrays_are_told_of),
        IN_FOLDER(columns_that_are_examples_are_asked_about),
        IN_FOLDER(labels_show_that_the_columns_are_the_examples),
    };
    return RUN_TESTS("tables", tests, NULL, NULL);
}
