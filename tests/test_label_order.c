/* SPDX-License-Identifier: MIT */
/* Labels that are their examples' by the order alone: what shows another order is refused, and what may is said. */
#include "data_checks.h"
#include "picture_files.h"

enum { LINES = 12, MIXED = 5, BACKWARDS = 11 }; /* steps by which the numbers of lines are in another order */

static const char *labelled(const char *set)
{
    static char name[3 * TEST_PATH_SIZE];
    (void)snprintf(name, sizeof name, "%s/%s:labels=%s/y.csv", folder, set, folder);
    return name;
}

/* A table of LINES lines: numbers first + step i, as hours go round, then a cell of `lines`. */
static void write_lines(const char *name, const char *head, int first, int step, const char *const lines[3])
{
    char text[1024];
    int used = snprintf(text, sizeof text, "%s\n", head);
    for (int i = 0; i < LINES; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%d,%s\n", first + step * i % LINES, lines[i % 3]);
    write_file(name, text, (size_t)used);
}

static const char *const classes[] = {"0", "1", "2"}, *const hot[] = {"1,0,0", "0,1,0", "0,0,1"},
                         *const traits[] = {"3,0", "1,1", "2,2"};

static const struct {
    const char *title, *head;
    int first, step;
    const char *const *lines;
    bool refused;
} numbered[] = {
    {"pandas", ",label", 0, MIXED, classes, true},
    {"backwards", "Unnamed: 0,label", 0, BACKWARDS, classes, true},
    {"of Kaggle", "ImageId,label", 1, MIXED, classes, true},
    {"rows", "row,label", 1, MIXED, classes, true},
    {"one-hot", ",x,y,z", 0, MIXED, hot, true},
    {"one-hot, written again", "Unnamed: 0,x,y,z", 0, MIXED, hot, true},
    {"beside another column", "row,age,label", 0, MIXED, traits, true},
    {"in order", ",label", 0, 1, classes, false},
    {"in order, one-hot", "Unnamed: 0,x,y,z", 0, 1, hot, false},
    {"of others", ",label", 7, MIXED, classes, false},
    {"in order from 1 on", "row,age,label", 1, 1, traits, false},
};

/* Whatever the column is called. */
static void lines_are_numbered_in_order(void **state)
{
    (void)state;
    write_idx("x.idx", DIMS(LINES, 2, 2), 0);
    for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++) {
        write_lines("y.csv", numbered[i].head, numbered[i].first, numbered[i].step, numbered[i].lines);
        if (numbered[i].refused) {
            assert_refused(numbered[i].title, labelled("x.idx"), DUET_ERROR_DATA,
                           "shows that its lines are in another order than the examples: sort them by it; or take");
            continue;
        }
        duet_data *data = open_sound(labelled("x.idx"));
        assert_labels(data, DUET_TRAIN, "01201201201");
        duet_data_close(&data);
    }
}

static const struct {
    const char *title, *head;
    int first, step;
    const char *said; /* NULL: nothing; refused where they are mixed */
} shared[] = {
    {"in order", "id,label", 0, 7, NULL},
    {"in another letter", "ID,label", 0, 7, NULL},
    {"mixed", "id,label", 0, MIXED,
     "its column \"id\" shows that its lines are in another order than the examples of "},
    {"others", "id,label", 40, 7, "hold other values, such as 40 and 0 of example 0: labels are taken in the order"},
    {"a measurement that is scaled", "a,label", 40, 7, NULL},
    {"one that is mixed", "a,label", 0, MIXED, "label 1 is that of 5, and example 1 is 7: sort both files by it"},
};

/* The same column in both, whose values tell which label is whose; in a file or a folder, with a test part or not. */
static void a_column_in_common_tells_the_order(void **state)
{
    (void)state;
    make_inner("set");
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        const bool refused = shared[i].step == MIXED;
        char head[32];
        (void)snprintf(head, sizeof head, "%.*s,b", (int)strcspn(shared[i].head, ","), shared[i].head);
        write_lines("x.csv", i == 1 ? "id,b" : head, 0, 7, classes);
        write_lines("set/train.csv", head, 0, 7, classes);
        write_lines("y.csv", shared[i].head, shared[i].first, shared[i].step, classes);
        write_lines("set/labels.csv", shared[i].head, shared[i].first, shared[i].step, classes);
        for (size_t k = 0; k < 2; k++) {
            const char *name = k == 0 ? labelled("x.csv") : in_folder("set");
            if (refused) assert_refused(shared[i].title, name, DUET_ERROR_DATA, shared[i].said);
            if (refused) continue;
            duet_data *data = open_sound(name);
            assert_labels(data, DUET_TRAIN, "01201201201");
            assert_int_equal(says(data, "hold other values"), shared[i].said != NULL);
            if (shared[i].said != NULL && !says(data, shared[i].said)) fail_msg("%s", shared[i].title);
            duet_data_close(&data);
        }
    }
}

/* One file of labels for both parts: the training examples come first. */
static void a_column_in_common_tells_the_order_of_both_parts(void **state)
{
    (void)state;
    static const char *const texts[] = {"id,label\n4,0\n2,1\n9,2\n7,0\n5,1\n", "id,label\n4,0\n2,1\n9,2\n5,0\n7,1\n"};
    make_inner("set");
    write_file("set/train.csv", BYTES("id,b\n4,1\n2,2\n9,3\n"));
    write_file("set/test.csv", BYTES("id,b\n7,1\n5,2\n"));
    write_file("y.csv", texts[0], strlen(texts[0]));
    duet_data *data = open_sound(labelled("set"));
    assert_labels(data, DUET_TRAIN, "012");
    assert_labels(data, DUET_TEST, "01");
    duet_data_close(&data);
    write_file("y.csv", texts[1], strlen(texts[1]));
    assert_refused("mixed in the test part", labelled("set"), DUET_ERROR_DATA,
                   "label 3 is that of 5, and example 3 is 7");
}

/* With one example for the test, labels of the training examples are not those of all but one. */
static void labels_of_the_training_part_alone(void **state)
{
    (void)state;
    make_inner("set");
    write_file("set/train.csv", BYTES("a,b\n4,1\n2,2\n9,3\n"));
    write_file("set/test.csv", BYTES("a,b\n7,1\n"));
    write_file("y.csv", BYTES("label\n0\n1\n2\n"));
    duet_data *data = open_sound(labelled("set"));
    assert_labels(data, DUET_TRAIN, "012");
    assert_false(duet_data_describe(data)->labelled[DUET_TEST]);
    duet_data_close(&data);
}

/* A column that both have proves an order only if it tells the lines apart. */
static void a_column_of_few_values_proves_nothing(void **state)
{
    (void)state;
    char examples[1024] = "sex,b\n", labels[1024] = "row,sex,label\n";
    for (int i = 0; i < LINES; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "%d,%d\n", i % 2, i);
        strcat(examples, line);
        (void)snprintf(line, sizeof line, "%d,%d,%d\n", MIXED * i % LINES, i % 2, i % 3);
        strcat(labels, line);
    }
    write_file("x.csv", examples, strlen(examples));
    write_file("y.csv", labels, strlen(labels));
    assert_refused("few values", labelled("x.csv"), DUET_ERROR_DATA, "its column \"row\" shows that its lines are in");
}

/* Marks that are some of 0, 1, 2, ... are no numbers of lines. */
static void marks_are_no_numbers_of_lines(void **state)
{
    (void)state;
    write_file("x.csv", BYTES("score,b\n0,1\n4,2\n2,3\n2,4\n1,5\n"));
    write_file("y.csv", BYTES("score,label\n0,0\n4,1\n2,0\n2,1\n1,0\n"));
    duet_data *data = open_sound(labelled("x.csv:split=last"));
    assert_labels(data, DUET_TRAIN, "0101");
    duet_data_close(&data);
}

static const struct {
    const char *title, *names[4], *said; /* said: of a folder and of an archive in this order; NULL: nothing */
} pictures[] = {
    {"zeros in front", {"img01.png", "img02.png", "img10.png"}, NULL},
    {"none in front", {"img1.png", "img10.png", "img2.png"}, "in which img10.png comes before img2.png: if theirs"},
    {"capitals", {"Bee.png", "ant.png", "cat.png"}, "in which Bee.png comes before ant.png: if theirs"},
    {"capitals in order", {"ANTS.png", "ANT_.png", "bee.png"}, NULL},
    {"numbers in front", {"9b.png", "_b.png", "b.png"}, NULL},
};

/* Programs and people sort names in different ways, and archives do not sort them at all. */
static void the_order_of_pictures_is_said(void **state)
{
    (void)state;
    write_file("y.csv", BYTES("label\n0\n1\n2\n"));
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        char paths[3][32];
        (void)snprintf(paths[0], sizeof paths[0], "set%zu", i);
        make_inner(paths[0]);
        for (size_t k = 0; k < 3; k++) {
            const uint8_t pixels[16] = {(uint8_t)(200 + k)};
            (void)snprintf(paths[k], sizeof paths[k], "set%zu/%s", i, pictures[i].names[k]);
            write_png_picture(paths[k], 4, 4, 1, pixels);
        }
        write_archive("sorted.zip", (const char *const[]){paths[0], paths[1], paths[2], NULL}, true);
        write_archive("mixed.zip", (const char *const[]){paths[0], paths[2], paths[1], NULL}, true);
        char set[8];
        (void)snprintf(set, sizeof set, "set%zu", i);
        const char *const sets[] = {set, "sorted.zip", "mixed.zip"};
        for (size_t k = 0; k < 3; k++) {
            duet_data *data = open_sound(labelled(sets[k]));
            const bool told = k == 2 || pictures[i].said != NULL;
            if (says(data, "its labels do not say whose they are") != told)
                fail_msg("%s, %s", pictures[i].title, sets[k]);
            if (k == 0 && told) assert_true(says(data, pictures[i].said));
            duet_data_close(&data);
        }
    }
}

/* Labels of the training pictures have nothing to do with the order of the others. */
static void the_order_of_pictures_without_labels_is_not_said(void **state)
{
    (void)state;
    static const char *const paths[] = {"set/train/1.png", "set/train/2.png", "set/train/3.png", "set/test/img10.png",
                                        "set/test/img2.png"};
    make_inner("set");
    make_inner("set/train");
    make_inner("set/test");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const uint8_t pixels[16] = {(uint8_t)(200 + i)};
        write_png_picture(paths[i], 4, 4, 1, pixels);
    }
    write_file("y.csv", BYTES("label\n0\n1\n2\n"));
    duet_data *data = open_sound(labelled("set"));
    assert_labels(data, DUET_TRAIN, "012");
    assert_false(says(data, "its labels do not say whose they are"));
    duet_data_close(&data);
}

/* What the message says to do: names beside the labels. */
static void the_remedy_for_the_order_of_pictures(void **state)
{
    (void)state;
    const uint8_t pixels[2][16] = {{200}, {100}};
    make_inner("set");
    write_png_picture("set/img10.png", 4, 4, 1, pixels[0]);
    write_png_picture("set/img9.png", 4, 4, 1, pixels[1]);
    write_file("y.csv", BYTES("file,label\nimg9.png,0\nimg10.png,1\n"));
    duet_data *data = open_sound(labelled("set"));
    assert_labels(data, DUET_TRAIN, "1");
    assert_false(says(data, "its labels do not say whose they are"));
    duet_data_close(&data);
    write_file("y.csv", BYTES("name,label\nx,0\nx,1\n")); /* kinds name nothing */
    data = open_sound(labelled("set"));
    assert_labels(data, DUET_TRAIN, "0");
    assert_true(says(data, "its labels do not say whose they are"));
    duet_data_close(&data);
}

/* Twelve lines that name a picture each by a cell of `names`. */
static void write_names(const char *const names[LINES])
{
    char text[1024];
    int used = snprintf(text, sizeof text, "file,label\n");
    for (int i = 0; i < LINES; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s.png,%d\n", names[i], i % 3);
    write_file("y.csv", text, (size_t)used);
}

/* An array has no names that labels could be matched to. */
static void names_of_pictures_beside_an_array(void **state)
{
    (void)state;
    static const char *const unsure = "names pictures in no order of their names, and the examples of ",
                             *const mixed[] = {"a3", "a1", "a2", "a0", "a4",  "a5",
                                               "a6", "a7", "a8", "a9", "a10", "a11"},
                             *const told[] = {"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11"},
                             *const chosen[] = {"b7", "a", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"},
                             *const sorted[] = {"a", "b7", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
    write_idx("x.idx", DIMS(LINES, 2, 2), 0);
    write_names(mixed);
    assert_refused("mixed", labelled("x.idx"), DUET_ERROR_DATA,
                   "its column \"file\" shows that its lines are in another");
    const char *const *const rows[] = {told, chosen, sorted};
    for (size_t i = 0; i < 3; i++) {
        write_names(rows[i]);
        duet_data *data = open_sound(labelled("x.idx"));
        assert_labels(data, DUET_TRAIN, "01201201201");
        if (says(data, unsure) != (rows[i] == chosen)) fail_msg("%s", rows[i][0]);
        duet_data_close(&data);
    }
}

static void convert(const char *from, const char *to)
{
    char path[2 * TEST_PATH_SIZE];
    duet_error error = {0};
    duet_data *data = open_sound(from);
    (void)snprintf(path, sizeof path, "%s/%s", folder, to);
    assert_ok(duet_data_convert(data, path, &error), &error);
    duet_data_close(&data);
}

/* What was divided by chance lies in another order in the file that is made of it, and in one that is made of that. */
static void rows_of_a_converted_set_are_in_another_order(void **state)
{
    (void)state;
    char text[512], name[2 * TEST_PATH_SIZE];
    int used = snprintf(text, sizeof text, "label\n");
    for (int i = 0; i < LINES; i++) used += snprintf(text + used, sizeof text - (size_t)used, "%d\n", i % 3);
    write_idx("x.idx", DIMS(LINES, 2, 2), 0);
    write_file("y.csv", text, (size_t)used);
    (void)snprintf(name, sizeof name, "%s/x.idx:split=shuffled", folder);
    convert(name, "one.npz");
    convert(in_folder("one.npz"), "other.npz");
    assert_refused("one", labelled("one.npz"), DUET_ERROR_DATA, "was made of x.idx, whose rows were divided by chance");
    assert_refused("other", labelled("other.npz"), DUET_ERROR_DATA, "give the labels there, as by 'duet data x.idx");
    convert(labelled("x.idx:split=shuffled"), "one.npz"); /* as advised */
    duet_data *data = open_sound(in_folder("one.npz"));
    assert_int_equal(duet_data_describe(data)->classes, 3);
    duet_data_close(&data);
    (void)snprintf(name, sizeof name, "%s/x.idx:split=last", folder);
    convert(name, "last.npz");
    data = open_sound(labelled("last.npz"));
    assert_labels(data, DUET_TRAIN, "01201201201");
    duet_data_close(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(lines_are_numbered_in_order),
        IN_FOLDER(a_column_in_common_tells_the_order),
        IN_FOLDER(a_column_in_common_tells_the_order_of_both_parts),
        IN_FOLDER(labels_of_the_training_part_alone),
        IN_FOLDER(a_column_of_few_values_proves_nothing),
        IN_FOLDER(marks_are_no_numbers_of_lines),
        IN_FOLDER(the_order_of_pictures_is_said),
        IN_FOLDER(the_order_of_pictures_without_labels_is_not_said),
        IN_FOLDER(the_remedy_for_the_order_of_pictures),
        IN_FOLDER(names_of_pictures_beside_an_array),
        IN_FOLDER(rows_of_a_converted_set_are_in_another_order),
    };
    return RUN_TESTS("label_order", tests, NULL, NULL);
}
