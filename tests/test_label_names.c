/* SPDX-License-Identifier: MIT */
/* Files of labels that name their examples: pictures get theirs by name, whatever the order of the lines, and what does
 * not match is refused. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "data_checks.h"
#include "picture_files.h"

#include <stdlib.h>
#include <unistd.h>

#include "run/run_folder.h"

/* Pictures 0, 1, 2 and 10, in a folder, whose paths are sorted as text: 0, 1, 10, 2. */
static void make_pictures(const char *set, const char *const *names)
{
    uint8_t pixels[16];
    make_inner(set);
    for (size_t i = 0; names[i] != NULL; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", set, names[i]);
        for (size_t k = 0; k < sizeof pixels; k++) pixels[k] = pattern(16 * i + k);
        write_png_picture(path, 4, 4, 1, pixels);
    }
}

static void open_and_close(const char *name)
{
    duet_data *data = open_sound(name);
    duet_data_close(&data);
}

static const char *labelled(const char *set)
{
    static char name[3 * TEST_PATH_SIZE];
    (void)snprintf(name, sizeof name, "%s/%s:labels=%s/y.csv", folder, set, folder);
    return name;
}

static const struct {
    const char *title, *text, *labels, *said; /* in the order img0, img1, img10, img2; the last one is for the test */
} matched[] = {
    {"their names", "file,label\nimg0.png,0\nimg1.png,1\nimg2.png,2\nimg10.png,3\n", "0132", NULL},
    {"remarks without a name", "file,label,\nimg2.png,2,\nimg10.png,3,dark\nimg1.png,1\nimg0.png,0,\n", "0132", NULL},
    {"without endings", "id,label\nimg2,2\nimg10,3\nimg1,1\nimg0,0\n", "0132", NULL},
    {"longer paths", "label,x\n2,data/img2.png\n3,data/img10.png\n1,data/img1.png\n0,data/img0.png\n", "0132", NULL},
    {"a dot before", "image,label\n./img10.png,3\n./img0.png,0\n./img2.png,2\n./img1.png,1\n", "0132", NULL},
    {"more lines", "file,label\nimg9.png,7\nimg10.png,3\nimg0.png,0\nimg2.png,2\nimg1.png,1\n", "0132",
     "1 of its 5 lines name no picture that is here"},
    {"names of classes", "label,name\n0,zero\n1,one\n1,one\n0,zero\n", "0110", NULL},
    {"no names", "label\n0\n1\n2\n3\n", "0123", NULL},
    {"beside an index", "index,img_path,label\n0,img2.png,2\n1,img10.png,3\n2,img1.png,1\n10,img0.png,0\n", "0132",
     NULL},
    {"whole names of no known name", "id,photo,kind\n0,img2,2\n1,img10,3\n2,img1,1\n10,img0,0\n", "0132", NULL},
    {"of others first", "id,photo,label\n10,img9.png,7\n0,img2.png,2\n1,img10.png,3\n2,img1.png,1\n3,img0.png,0\n",
     "0132", "1 of its 5 lines name no picture that is here"},
    {"one 1 a line", "id,jpg,x,y\n0,img2.png,0,1\n1,img10.png,1,0\n2,img1.png,0,1\n10,img0.png,1,0\n", "0101", NULL},
    {"beside those of others",
     "mask,id,photo,label\nm0.png,0,img2.png,2\nm1.png,1,img10.png,3\nm2.png,2,img1.png,1\nm3.png,10,img0.png,0\n",
     "0132", NULL},
    {"beside those that they are of",
     "of,photo,label\nimg0.png,img2.png,2\nimg0.png,img10.png,3\nimg1.png,img1.png,1\nimg1.png,img0.png,0\n", "0132",
     NULL},
    {"classes called as pictures", "id,kind\n2,img0\n10,img1\n1,img1\n0,img0\n", "0110", NULL},
    {"numbers in names", "id,label\n2,2\n10,3\n1,1\n0,0\n", "0132", NULL},
};

static void pictures_have_labels_by_name(void **state)
{
    (void)state;
    make_pictures("set", (const char *const[]){"img0.png", "img1.png", "img2.png", "img10.png", NULL});
    for (size_t i = 0; i < sizeof matched / sizeof *matched; i++) {
        write_file("y.csv", matched[i].text, strlen(matched[i].text));
        char three[4], last[2] = {matched[i].labels[3], '\0'};
        (void)snprintf(three, sizeof three, "%s", matched[i].labels);
        duet_data *data = open_sound(labelled("set"));
        assert_labels(data, DUET_TRAIN, three);
        assert_labels(data, DUET_TEST, last);
        assert_int_equal(says(data, "name no picture"), matched[i].said != NULL);
        if (matched[i].said != NULL) assert_true(says(data, matched[i].said));
        duet_data_close(&data);
    }
}

static const struct {
    const char *title, *text, *piece;
} unmatched[] = {
    {"no name fits", "file,label\na.png,0\nb.png,1\nc.png,2\nd.png,3\n", "its column \"file\" names no picture of "},
    {"some are missing", "file,label\nimg0.png,0\nimg1.png,1\nimg10.png,3\n",
     "names 3 of the 4 pictures, and not img2.png: add the others"},
    {"names behind a separator", "a,label,\nx,0,\nx,1,img1.png\nx,2,img2.png\nx,3,img10.png\n",
     "its column \"\" names 3 of the 4 pictures, and not img0.png"},
    {"one twice", "file,label\nimg0.png,0\nimg1.png,1\nimg2.png,2\nimg0.png,3\nimg10.png,1\n",
     "in the column \"file\" several lines name img0.png"},
    {"names of others, one twice", "file,label\nIM0.PNG,0\nIM1.PNG,1\nIM1.PNG,2\nIM10.PNG,3\n",
     "its column \"file\" names no picture of "},
    {"other endings", "label,ImageId,photo\n2,0,img2.jpg\n3,1,img10.jpg\n1,2,img1.jpg\n0,10,img0.jpg\n",
     "its column \"photo\" names no picture of "},
    {"numbers of others", "id,label\n20,0\n21,1\n22,2\n23,3\n", "its column \"id\" names no picture of "},
    {"other numbers", "id,label\n0,0\n1,1\n2,2\n3,3\n", "names 3 of the 4 pictures, and not img10.png: add"},
};

static void names_that_do_not_match_are_refused(void **state)
{
    (void)state;
    make_pictures("set", (const char *const[]){"img0.png", "img1.png", "img2.png", "img10.png", NULL});
    for (size_t i = 0; i < sizeof unmatched / sizeof *unmatched; i++) {
        write_file("y.csv", unmatched[i].text, strlen(unmatched[i].text));
        assert_refused(unmatched[i].title, labelled("set"), DUET_ERROR_DATA, unmatched[i].piece);
    }
}

/* Two names that look alike: letters and marks as macOS has them, and as others do. */
static void letters_are_composed_otherwise(void **state)
{
    (void)state;
    make_pictures("apart", (const char *const[]){"a.png", "b.png", "c.png", "u\314\210ber.png", NULL});
    make_pictures("one", (const char *const[]){"a.png", "b.png", "c.png", "\303\274ber.png", NULL});
    write_file("y.csv", BYTES("file,label\na.png,0\nb.png,1\nc.png,2\n\303\274ber.png,0\n"));
    assert_refused(
        "one character", labelled("apart"), DUET_ERROR_DATA,
        "its column \"file\" names the picture u\314\210ber.png with letters that are composed otherwise: there "
        "letters and their marks are one character (Unicode's NFC), and of the picture they are two: write the "
        "names as the pictures have them, as unicodedata.normalize('NFD', name)");
    open_and_close(labelled("one"));
    write_file("y.csv", BYTES("file,label\na.png,0\nb.png,1\nc.png,2\nu\314\210ber.png,0\n"));
    assert_refused("two", labelled("one"), DUET_ERROR_DATA, "unicodedata.normalize('NFC', name)");
    open_and_close(labelled("apart"));
    write_file("y.csv", BYTES("file,label\na.png,0\nb.png,1\nc.png,2\nuber.png,0\n"));
    assert_refused("no mark", labelled("apart"), DUET_ERROR_DATA, "and not u\314\210ber.png: add the others");
    make_pictures("alone", (const char *const[]){"o\314\210l.png", "u\314\210ber.png", NULL});
    write_file("y.csv", BYTES("file,label\n\303\274ber,0\n\303\266l,1\n"));
    assert_refused("all", labelled("alone"), DUET_ERROR_DATA, "unicodedata.normalize('NFD', name)");
}

/* Zeros in front of a number are of a name, and those of an index never are. */
static void a_number_may_be_a_name(void **state)
{
    (void)state;
    make_pictures("set", (const char *const[]){"00.png", "01.png", "02.png", "03.png", NULL});
    write_file("y.csv", BYTES("nearest,id,label\n00.png,02,2\n01.png,03,3\n02.png,01,1\n03.png,00,0\n"));
    duet_data *data = open_sound(labelled("set"));
    assert_labels(data, DUET_TRAIN, "012");
    duet_data_close(&data);
}

/* The only number of a name is its own wherever it stands. */
static void a_number_may_stand_first(void **state)
{
    (void)state;
    make_pictures("set", (const char *const[]){"1_shirt.png", "10_bag.png", "2_coat.png", "3_x.png", NULL});
    write_file("y.csv", BYTES("id,label\n1,0\n2,1\n3,2\n10,3\n"));
    duet_data *data = open_sound(labelled("set"));
    assert_labels(data, DUET_TRAIN, "301"); /* 10_bag is before 1_shirt */
    assert_labels(data, DUET_TEST, "2");
    duet_data_close(&data);
}

/* Numbers that are in no name are those of the lines. */
static void numbers_of_pictures_are_in_order(void **state)
{
    (void)state;
    make_pictures("set", (const char *const[]){"a.png", "b.png", "c.png", "d.png", NULL});
    write_file("y.csv", BYTES("id,label\n0,0\n1,1\n2,2\n3,3\n"));
    duet_data *data = open_sound(labelled("set"));
    assert_labels(data, DUET_TRAIN, "012");
    duet_data_close(&data);
    write_file("y.csv", BYTES("id,label\n3,0\n1,1\n2,2\n0,3\n"));
    assert_refused("mixed", labelled("set"), DUET_ERROR_DATA, "its column \"id\" shows that its lines are in another");
}

/* Both splits, or the training split alone; one name in two folders. */
static void pictures_in_folders_have_labels_by_path(void **state)
{
    (void)state;
    make_inner("set");
    make_pictures("set/train", (const char *const[]){"a.png", "b.png", NULL});
    make_pictures("set/test", (const char *const[]){"a.png", "c.png", NULL});
    write_file("y.csv", BYTES("path,label\ntest/c.png,3\ntest/a.png,2\ntrain/b.png,1\ntrain/a.png,0\n"));
    duet_data *data = open_sound(labelled("set"));
    assert_labels(data, DUET_TRAIN, "01");
    assert_labels(data, DUET_TEST, "23");
    duet_data_close(&data);
    write_file("y.csv", BYTES("path,label\ntrain/b.png,1\ntrain/a.png,0\n"));
    data = open_sound(labelled("set"));
    assert_labels(data, DUET_TRAIN, "01");
    assert_false(duet_data_has_labels(data, DUET_TEST));
    duet_data_close(&data);
    write_file("y.csv", BYTES("path,label\nx/train/b,1\nx/train/a,0\n"));
    open_and_close(labelled("set"));
    write_file("y.csv", BYTES("path,label\ntest/c.png,3\ntrain/b.png,1\ntrain/a.png,0\n"));
    assert_refused("one without", labelled("set"), DUET_ERROR_DATA, "names 3 of the 4 pictures, and not test/a.png");
    write_file("y.csv", BYTES("path,label\nb.png,1\na.png,0\n"));
    assert_refused(
        "one name", labelled("set"), DUET_ERROR_DATA,
        "the line of another picture fits test/a.png: give each path from the folder of the pictures on, once; "
        "or, if these are labels of the training pictures, of which there are as many, name their folder "
        "alone");
    open_and_close(labelled("set/train"));
    make_inner("other");
    make_pictures("other/train", (const char *const[]){"a.png", "b.png", NULL});
    make_pictures("other/test", (const char *const[]){"d.png", "c.png", NULL});
    data = open_sound(labelled("other"));
    assert_labels(data, DUET_TRAIN, "01");
    assert_false(duet_data_has_labels(data, DUET_TEST));
    duet_data_close(&data);
}

/* Arrays have no names: numbers of rows that are out of order show that something was mixed. */
static void numbers_of_rows_are_in_order(void **state)
{
    (void)state;
    write_idx("x.idx", DIMS(4, 2, 2), 0);
    static const char *const texts[] = {"id,label\n0,0\n1,1\n2,2\n3,3\n", "id,label\n17,0\n2,1\n95,2\n40,3\n",
                                        "file,label\nd,0\nb,1\nc,2\na,3\n"};
    for (size_t i = 0; i < 3; i++) {
        write_file("y.csv", texts[i], strlen(texts[i]));
        duet_data *data = open_sound(labelled("x.idx"));
        assert_labels(data, DUET_TRAIN, "012");
        duet_data_close(&data);
    }
    write_file("y.csv", BYTES("id,label\n2,0\n1,1\n4,2\n3,3\n"));
    assert_refused("mixed", labelled("x.idx"), DUET_ERROR_DATA,
                   "are in another order than the examples: sort them by it");
}

/* A file here may be called like a column: then the column is meant, in a run's record too. */
static void a_column_is_called_like_a_file(void **state)
{
    (void)state;
    char here[4 * TEST_PATH_SIZE], full[4 * TEST_PATH_SIZE], expected[9 * TEST_PATH_SIZE];
    write_file("iris.csv", BYTES("a,species\n1,x\n2,y\n3,x\n"));
    write_file("species", BYTES("notes of mine"));
    write_file("other", BYTES("notes of mine"));
    make_inner("set");
    write_file("set/train.csv", BYTES("a,species\n1,x\n2,y\n3,x\n"));
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(folder), 0);
    assert_non_null(getcwd(full, sizeof full));
    char *names[] = {duet_run_data_name("iris.csv:labels=species"), duet_run_data_name("set:labels=species"),
                     duet_run_data_name("iris.csv:labels=other")};
    assert_int_equal(chdir(here), 0);
    (void)snprintf(expected, sizeof expected, "%s/iris.csv:labels=species", full);
    assert_string_equal(names[0], expected);
    (void)snprintf(expected, sizeof expected, "%s/set:labels=species", full);
    assert_string_equal(names[1], expected);
    (void)snprintf(expected, sizeof expected, "%s/iris.csv:labels=%s/other", full, full);
    assert_string_equal(names[2], expected);
    for (size_t i = 0; i < 3; i++) free(names[i]);
}

static const struct {
    const char *title, *text, *option, *labels, *names, *said; /* option: behind the file; names: of class 0 and 1 */
} chosen[] = {
    {"the only other one", "category,file\nx,b.png\ny,a.png\nx,c.png\ny,d.png\n", "", "1001", "xy", NULL},
    {"beside an index", ",file,category\n0,b.png,x\n1,a.png,y\n2,c.png,x\n3,d.png,y\n", "", "1001", "xy", NULL},
    {"an id and a name", "id,name\n0,x\n1,y\n2,x\n3,y\n", "", "0101", "xy", NULL},
    {"asked for", "file,category,sex\na.png,k,x\nb.png,l,y\nc.png,m,y\nd.png,k,x\n", ":column=sex", "0110", "xy", NULL},
    {"asked for among labels", "file,label,sex\na.png,0,x\nb.png,1,y\nc.png,2,y\nd.png,0,x\n", ":column=sex", "0110",
     "xy", NULL},
    {"one 1 a line", "file,y,x\na.png,1,0\nb.png,0,1\nc.png,0,1\nd.png,1.0,0.0\n", "", "1001", "xy",
     "each line has one 1 in its columns \"y\", \"x\": these are read as the classes"},
    {"of pandas", ",y,x\n0,True,False\n1,False,True\n2,False,True\n3,True,False\n", "", "1001", "xy",
     "each line has one 1 in its columns \"y\", \"x\""},
    {"one of these", "file,y,x\na.png,1,0\nb.png,0,1\nc.png,0,1\nd.png,1,0\n", ":column=y", "1001", NULL, NULL},
    {"two called like labels", "file,label,class\na.png,x,k\nb.png,y,k\nc.png,x,k\nd.png,y,k\n", "", "0101", "xy",
     "the labels are those of its column 2, \"label\", and not of column 3, \"class\": if they are, say column=NAME"},
};

/* The last column is no more likely to be the labels than another one. */
static void the_column_of_labels_is_known(void **state)
{
    (void)state;
    make_pictures("set", (const char *const[]){"a.png", "b.png", "c.png", "d.png", NULL});
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        char name[4 * TEST_PATH_SIZE], three[4], last[2] = {chosen[i].labels[3], '\0'};
        write_file("y.csv", chosen[i].text, strlen(chosen[i].text));
        (void)snprintf(name, sizeof name, "%s%s", labelled("set"), chosen[i].option);
        (void)snprintf(three, sizeof three, "%s", chosen[i].labels);
        duet_data *data = open_sound(name);
        assert_labels(data, DUET_TRAIN, three);
        assert_labels(data, DUET_TEST, last);
        const char *const *names = duet_data_describe(data)->class_names;
        assert_int_equal(names != NULL, chosen[i].names != NULL);
        for (size_t k = 0; names != NULL && k < 2; k++) assert_int_equal(names[k][0], chosen[i].names[k]);
        const bool told = says(data, "column");
        if (told != (chosen[i].said != NULL) || (told && !says(data, chosen[i].said))) fail_msg("%s", chosen[i].title);
        duet_data_close(&data);
    }
}

static const struct {
    const char *title, *text, *option, *piece;
} unknown[] = {
    {"no names, one a number", "p1,0\np2,1\np3,0\np4,1\n", "", "If the first line is an example, put one such as file"},
    {"no names, a picture", "a.png,x\nb.png,y\nc.png,x\nd.png,y\n", "",
     "y.csv: its first line names a.png, and the names of its 2 columns are expected: put a line such as file,label "
     "on"},
    {"no names, a picture last", "x;a.png\ny;b.png\nx;c.png\ny;d.png\n", "", "put a line such as label;file on top"},
    {"pictures alone", "a.png\nb.png\nc.png\nd.png\n", "",
     "y.csv: holds names of pictures, such as a.png, and no labels: put the label of each behind its name"},
    {"no names, labels alone", "x\ny\nx\ny\n", "",
     "holds 4 examples: its first line, with \"x\", is taken for the names of its columns"},
    {"a label too few", "kind\ny\nx\ny\n", "", "holds 4 examples: one for each is expected, in their order"},
    {"two", "file,category,sex\na.png,k,x\nb.png,l,y\nc.png,m,y\nd.png,k,x\n", "",
     "line 2: which column holds the labels, \"category\", \"sex\"? Say it by column=NAME, as in --labels "},
    {"traits", "file,old,tall\na.png,1,0\nb.png,1,1\nc.png,0,1\nd.png,1,0\n", "",
     "line 3: which column holds the labels, \"old\", \"tall\"?"},
    {"three that name", "file,id,name\na.png,0,x\nb.png,1,y\nc.png,2,x\nd.png,3,y\n", "",
     "which column holds the labels, \"id\", \"name\"?"},
    {"none of that name", "file,category,sex\na.png,k,x\n", ":column=age",
     "y.csv: has no column \"age\"; it has \"file\", \"category\", \"sex\""},
};

static void a_column_that_is_not_known_is_asked_for(void **state)
{
    (void)state;
    make_pictures("set", (const char *const[]){"a.png", "b.png", "c.png", "d.png", NULL});
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        char name[4 * TEST_PATH_SIZE];
        write_file("y.csv", unknown[i].text, strlen(unknown[i].text));
        (void)snprintf(name, sizeof name, "%s%s", labelled("set"), unknown[i].option);
        assert_refused(unknown[i].title, name, DUET_ERROR_DATA, unknown[i].piece);
    }
    write_npy("y.npy", 1, ARRAY("|u1", "False", "(4,)"), "\0\1\0\1", 4);
    char name[4 * TEST_PATH_SIZE];
    (void)snprintf(name, sizeof name, "%s/set:labels=%s/y.npy,column=sex", folder, folder);
    assert_refused("an array", name, DUET_ERROR_DATA, "y.npy is none: leave it out");
    write_file("table.csv", BYTES("a,sex,kind\n1,x,k\n2,y,k\n3,x,l\n4,x,k\n"));
    assert_refused("two columns of words", with("table.csv", "column=sex"), DUET_ERROR_DATA,
                   "is no number; take the column out, or put numbers in the place of its words");
    write_file("table.csv", BYTES("a,sex\n1,x\n2,y\n3,x\n4,x\n"));
    duet_data *data = open_sound(with("table.csv", "column=sex"));
    assert_labels(data, DUET_TRAIN, "010");
    duet_data_close(&data);
}

static const struct {
    const char *title, *text, *part; /* NULL: nothing is said */
} parts[] = {
    {"by name", "file,label,split\na.png,0,0\nb.png,1,0\nc.png,0,1\nd.png,1,1\n", "split"},
    {"by words", "file,label,x\na.png,0,train\nb.png,1,val\nc.png,0,train\nd.png,1,Test\n", "x"},
    {"without a name for labels", "file,kind,is_test\na.png,x,0\nb.png,y,0\nc.png,x,1\nd.png,y,1\n", "is_test"},
    {"all of one part", "file,label,split\na.png,0,train\nb.png,1,train\nc.png,0,train\nd.png,1,train\n", NULL},
    {"other words", "file,label,x\na.png,0,train\nb.png,1,bus\nc.png,0,train\nd.png,1,bus\n", NULL},
};

/* Which examples are for the test is not read there: that is said where the set has no part for it. */
static void a_column_of_parts_is_told_of(void **state)
{
    (void)state;
    char piece[64];
    make_pictures("set", (const char *const[]){"a.png", "b.png", "c.png", "d.png", NULL});
    make_inner("two");
    make_pictures("two/train", (const char *const[]){"a.png", "b.png", "c.png", NULL});
    make_pictures("two/test", (const char *const[]){"d.png", NULL});
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        write_file("y.csv", parts[i].text, strlen(parts[i].text));
        (void)snprintf(piece, sizeof piece, "its column \"%s\" is not looked at", parts[i].part);
        for (size_t k = 0; k < 2; k++) {
            duet_data *data = open_sound(labelled(k == 0 ? "set" : "two"));
            if (says(data, "is not looked at") != (k == 0 && parts[i].part != NULL)) fail_msg("%s", parts[i].title);
            if (k == 0 && parts[i].part != NULL) assert_true(says(data, piece));
            duet_data_close(&data);
        }
    }
    write_idx("x.idx", DIMS(4, 2, 2), 0);
    write_file("y.csv", parts[0].text, strlen(parts[0].text));
    duet_data *data = open_sound(labelled("x.idx"));
    assert_true(says(data, "give these a part of their own: files train and test in a folder, with labels of each"));
    duet_data_close(&data);
}

/* A run records the column as it is said. */
static void a_column_is_recorded(void **state)
{
    (void)state;
    char name[4 * TEST_PATH_SIZE], expected[6 * TEST_PATH_SIZE];
    write_file("y.csv", BYTES("file,category,sex\na.png,k,x\n"));
    (void)snprintf(name, sizeof name, "fashion-mnist:labels=%s/y.csv:column=sex", folder);
    char *recorded = duet_run_data_name(name);
    char *full = realpath(in_folder("y.csv"), NULL);
    assert_non_null(full);
    (void)snprintf(expected, sizeof expected, "fashion-mnist:labels=%s,column=sex", full);
    assert_string_equal(recorded, expected);
    free(full);
    free(recorded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(pictures_have_labels_by_name),
        IN_FOLDER(names_that_do_not_match_are_refused),
        IN_FOLDER(letters_are_composed_otherwise),
        IN_FOLDER(a_number_may_be_a_name),
        IN_FOLDER(a_number_may_stand_first),
        IN_FOLDER(numbers_of_pictures_are_in_order),
        IN_FOLDER(pictures_in_folders_have_labels_by_path),
        IN_FOLDER(numbers_of_rows_are_in_order),
        IN_FOLDER(a_column_is_called_like_a_file),
        IN_FOLDER(the_column_of_labels_is_known),
        IN_FOLDER(a_column_that_is_not_known_is_asked_for),
        IN_FOLDER(a_column_of_parts_is_told_of),
        IN_FOLDER(a_column_is_recorded),
    };
    return RUN_TESTS("label_names", tests, NULL, NULL);
}
