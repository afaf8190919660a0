/* SPDX-License-Identifier: MIT */
/* Files of labels that name their examples: pictures get theirs by name, whatever the order of the lines, and what does
 * not match is refused. */
#include "data_checks.h"
#include "picture_files.h"

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
    {"without endings", "id,label\nimg2,2\nimg10,3\nimg1,1\nimg0,0\n", "0132", NULL},
    {"longer paths", "label,x\n2,data/img2.png\n3,data/img10.png\n1,data/img1.png\n0,data/img0.png\n", "0132", NULL},
    {"a dot before", "image,label\n./img10.png,3\n./img0.png,0\n./img2.png,2\n./img1.png,1\n", "0132", NULL},
    {"more lines", "file,label\nimg9.png,7\nimg10.png,3\nimg0.png,0\nimg2.png,2\nimg1.png,1\n", "0132",
     "1 of its 5 lines name no picture that is here"},
    {"names of classes", "label,name\n0,zero\n1,one\n1,one\n0,zero\n", "0110", NULL},
    {"no names", "label\n0\n1\n2\n3\n", "0123", NULL},
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
    {"one twice", "file,label\nimg0.png,0\nimg1.png,1\nimg2.png,2\nimg0.png,3\nimg10.png,1\n",
     "in the column \"file\" several lines name img0.png"},
    {"names of others, one twice", "file,label\nIM0.PNG,0\nIM1.PNG,1\nIM1.PNG,2\nIM10.PNG,3\n",
     "its column \"file\" names no picture of "},
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
    assert_refused("one name", labelled("set"), DUET_ERROR_DATA,
                   "the line of another picture fits test/a.png: give each");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(pictures_have_labels_by_name),
        IN_FOLDER(names_that_do_not_match_are_refused),
        IN_FOLDER(a_number_may_stand_first),
        IN_FOLDER(numbers_of_pictures_are_in_order),
        IN_FOLDER(pictures_in_folders_have_labels_by_path),
        IN_FOLDER(numbers_of_rows_are_in_order),
        IN_FOLDER(a_column_is_called_like_a_file),
    };
    return RUN_TESTS("label_names", tests, NULL, NULL);
}
