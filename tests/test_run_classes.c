/* SPDX-License-Identifier: MIT */
/* Classes of a run and of other data: by name they are the same whatever numbers each set gives them, others are none
 * that the run knows, and where nothing can be computed that is said. By the program, on folders of small pictures. */
#include "picture_files.h"
#include "program.h"

#include <math.h>

enum { EACH = 12 };

/* A folder of pictures a class; dark ones of `a`, light ones of any other, so that two steps tell them apart. */
static void write_class(const char *set, const char *class)
{
    char name[128];
    uint8_t pixels[64];
    (void)snprintf(name, sizeof name, "%s/%s", set, class);
    make_inner(name);
    for (size_t k = 0; k < EACH; k++) {
        for (size_t i = 0; i < sizeof pixels; i++)
            pixels[i] = (uint8_t)((strcmp(class, "a") == 0 ? 0 : 200) + pattern(64 * k + i) % 50);
        (void)snprintf(name, sizeof name, "%s/%s/%zu.png", set, class, k);
        write_png_picture(name, 8, 8, 1, pixels);
    }
}

static int begin(void **state)
{
    (void)make_folder(state);
    make_inner("two");
    write_class("two", "a");
    write_class("two", "b");
    make_inner("swapped"); /* by their order alone "b" would be class 0 */
    write_class("swapped", "b");
    write_class("swapped", "c");
    make_inner("three");
    write_class("three", "a");
    write_class("three", "b");
    write_class("three", "0");
    make_inner("part");
    write_class("part", "b");
    write_class("part", "a");
    write_idx("numbers-images-idx3-ubyte", DIMS(20, 8, 8), 0);
    write_npy("numbers-labels.npy", 1, ARRAY("|u1", "False", "(20,)"), (uint8_t[20]){0, 1, 1, 0, 1, 0}, 20);
    make_inner("none");
    write_class("none", "b");
    make_inner("capitals");
    write_class("capitals", "a");
    write_class("capitals", "B");
    expect(RUN("train", "classifier", "--data", "@/two", "--epochs", "6", "--batch", "7", "--out", "@/judge"), 0, NULL,
           NULL);
    expect(
        RUN("train", "cvae", "--data", "@/two", "--steps", "2", "--batch", "7", "--set", "hidden=8", "--out", "@/told"),
        0, NULL, NULL);
    return 0;
}

static void classes_are_the_same_by_name(void **state)
{
    (void)state;
    expect(RUN("eval", "@/judge", "--metric", "accuracy"), 0, "accuracy      1", NULL);
    expect(RUN("eval", "@/judge", "--data", "@/part"), 0, "accuracy      1", NULL);
    expect(RUN("classify", "@/judge", "--data", "@/part", "--split", "train"), 0, "accuracy 1.0000 (0.", NULL);
    expect(RUN("eval", "@/told", "--data", "@/part", "--metric", "elbo"), 0, "elbo", NULL);
}

/* The pictures of "two", whose classes have the other numbers; and a judge of them. */
static void make_swapped_judge(void)
{
    uint8_t pixels[2 * EACH * 64], labels[2 * EACH];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)((i / 64 % 2 == 0 ? 0 : 200) + pattern(i) % 50); /* dark, light, dark, ... */
    for (size_t i = 0; i < sizeof labels; i++) labels[i] = (uint8_t)(i % 2 == 0);
    write_npy("images.npy", 1, ARRAY("|u1", "False", "(24, 8, 8)"), pixels, sizeof pixels);
    write_npy("labels.npy", 1, ARRAY("|u1", "False", "(24,)"), labels, sizeof labels);
    write_npy("class_names.npy", 1, ARRAY("|S1", "False", "(2,)"), "ba", 2);
    write_archive("other-way.npz", (const char *const[]){"images.npy", "labels.npy", "class_names.npy", NULL}, true);
    expect(RUN("train", "classifier", "--data", "@/other-way.npz", "--epochs", "6", "--batch", "7", "--out",
               "@/other-way"),
           0, NULL, NULL);
}

static double agreement_by(const char *judge)
{
    json_t *said = document_of(RUN("eval", "@/sure", "--judge", judge, "--metric", "agreement", "--json"), 2);
    double value =
        json_number_value(json_object_get(json_object_get(json_object_get(said, "metrics"), "agreement"), "value"));
    json_decref(said);
    return value;
}

static void a_judge_knows_classes_by_name(void **state)
{
    (void)state;
    make_swapped_judge();
    expect(RUN("train", "cvae", "--data", "@/two", "--steps", "400", "--batch", "7", "--set", "hidden=16", "--set",
               "lr=0.01", "--set", "beta=20", "--out", "@/sure"),
           0, NULL, NULL);
    assert_true(agreement_by("@/judge") > 0.9);
    assert_true(agreement_by("@/other-way") > 0.9);
    expect(RUN("train", "classifier", "--data", "@/swapped", "--steps", "2", "--batch", "7", "--out", "@/of-others"), 0,
           NULL, NULL);
    expect(RUN("eval", "@/sure", "--judge", "@/of-others", "--metric", "agreement"), 1, "",
           "the judge knows no class \"a\"");
    expect(RUN("train", "classifier", "--data", "@/capitals", "--steps", "2", "--batch", "7", "--out", "@/of-capitals"),
           0, NULL, NULL);
    expect(RUN("eval", "@/sure", "--judge", "@/of-capitals", "--metric", "agreement"), 1, "",
           "of the same names; \"b\" and \"B\" differ in capitals alone");
}

/* What a judge has learnt of numbers is not what it is shown. */
static void a_judge_of_other_numbers_is_told_of(void **state)
{
    (void)state;
    char data[3 * PATH_SIZE], path[2][PATH_SIZE];
    float values[20 * 64];
    for (size_t i = 0; i < 20 * 64; i++) values[i] = 0.1F * (float)(i * 37 % 256) / 255;
    write_npy("weak.npy", 1, ARRAY("<f4", "False", "(20, 8, 8)"), values, sizeof values);
    (void)snprintf(data, sizeof data, "%s:labels=%s", inside("weak.npy", path[0]),
                   inside("numbers-labels.npy", path[1]));
    expect(RUN("train", "classifier", "--data", data, "--steps", "2", "--batch", "7", "--out", "@/weak"), 0, NULL,
           NULL);
    expect(RUN("eval", "@/told", "--judge", "@/weak", "--metric", "agreement"), 0, "agreement",
           "are they of another scale?");
    expect(RUN("features", "@/told", "--judge", "@/weak", "--out", "@/f.npy"), 0, "f.npy", "have names and those of");
    result fitting = RUN("features", "@/told", "--judge", "@/judge", "--out", "@/f.npy");
    assert_null(strstr(fitting.err, "warning"));
    expect(fitting, 0, "f.npy", NULL);
}

/* Folders 2 and 10 are sorted as words, "10" first: to data of numbers they are these numbers, and the other way
 * round. The first set is in parts that are called as Kaggle's. */
static void names_that_are_numbers_are_numbers(void **state)
{
    (void)state;
    char name[128];
    uint8_t pixels[24 * 64], labels[24];
    make_inner("sets");
    make_inner("sets/training_set");
    make_inner("sets/test_set");
    for (int part = 0; part < 2; part++)
        for (int class = 0; class < 2; class ++) {
            (void)snprintf(name, sizeof name, "sets/%s/%d", part ? "test_set" : "training_set", class ? 10 : 2);
            make_inner(name);
            for (int k = 0; k < (part ? 4 : EACH); k++) {
                for (size_t i = 0; i < 64; i++)
                    pixels[i] = (uint8_t)((class ? 200 : 0) + pattern(64 * (size_t)k + i) % (part ? 40 : 50));
                (void)snprintf(name, sizeof name, "sets/%s/%d/%d.png", part ? "test_set" : "training_set",
                               class ? 10 : 2, k);
                write_png_picture(name, 8, 8, 1, pixels);
            }
        }
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)((i / 64 % 2 ? 200 : 0) + pattern(i) % 50);
    for (size_t i = 0; i < sizeof labels; i++) labels[i] = i % 2 ? 10 : 2;
    write_npy("images.npy", 1, ARRAY("|u1", "False", "(24, 8, 8)"), pixels, sizeof pixels);
    write_npy("labels.npy", 1, ARRAY("|u1", "False", "(24,)"), labels, sizeof labels);
    write_archive("sets.npz", (const char *const[]){"images.npy", "labels.npy", NULL}, true);
    expect(RUN("data", "@/sets"), 0, "classes   2\n    0  train 12  test 4  10", NULL);
    const char *const ways[][2] = {{"@/sets", "@/sets.npz"}, {"@/sets.npz", "@/sets"}};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof name, "@/by-number%zu", i);
        expect(RUN("train", "classifier", "--data", ways[i][0], "--epochs", "30", "--batch", "7", "--out", name), 0,
               NULL, NULL);
        result said = RUN("eval", name, "--data", ways[i][1], "--metric", "accuracy");
        assert_null(strstr(said.err, "by number"));
        expect(said, 0, "accuracy      1", NULL);
    }
}

/* Class 0 of a file of numbers may be anything. */
static void numbers_for_names_are_said(void **state)
{
    (void)state;
    char data[3 * PATH_SIZE], path[2][PATH_SIZE];
    (void)snprintf(data, sizeof data, "%s:labels=%s", inside("numbers-images-idx3-ubyte", path[0]),
                   inside("numbers-labels.npy", path[1]));
    expect(RUN("eval", "@/told", "--data", data, "--metric", "elbo"), 0, "elbo", "have none and those of");
    result named = RUN("eval", "@/told", "--data", "@/part", "--metric", "elbo");
    assert_null(strstr(named.err, "by number"));
    expect(named, 0, "elbo", NULL);
}

/* Of a classifier more is better; of a discriminator neither is. */
static void the_most_accurate_classifier_is_kept(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    expect(RUN("train", "classifier", "--data", "@/two", "--epochs", "2", "--batch", "7", "--keep-best", "accuracy",
               "--out", "@/kept"),
           0, "kept", NULL);
    assert_int_equal(access(inside("kept/best.safetensors", path), F_OK), 0);
    expect(RUN("train", "gan", "--data", "ring8", "--steps", "1", "--keep-best", "accuracy", "--out", "@/vain"), 2,
           NULL, "\"accuracy\" is neither better large nor small");
    assert_int_not_equal(access(inside("vain", path), F_OK), 0);
}

static void other_classes_are_none_that_the_run_knows(void **state)
{
    (void)state;
    expect(RUN("eval", "@/judge", "--data", "@/swapped", "--metric", "accuracy"), 1, NULL,
           "has class \"c\", and the run knows \"a\", \"b\"");
    expect(RUN("eval", "@/judge", "--data", "@/three"), 1, NULL, "has class \"0\", and the run knows \"a\", \"b\"");
    expect(RUN("eval", "@/judge", "--data", "@/capitals", "--metric", "accuracy"), 1, NULL,
           "has class \"B\", and the run knows \"a\", \"b\"; \"B\" and \"b\" differ in capitals alone: give them one "
           "name if they are one");
    const char *const runs[] = {"@/judge", "@/told"};
    for (size_t i = 0; i < 2; i++)
        expect(RUN("classify", runs[i], "--data", "@/swapped"), 0, "mean probability",
               "has class \"c\", and the run knows \"a\", \"b\"\n");
    expect(RUN("eval", "@/told", "--data", "@/swapped", "--metric", "elbo"), 1, NULL,
           "swapped has class \"c\", and the run knows \"a\", \"b\"\n");
    expect(RUN("reconstruct", "@/told", "--data", "@/swapped", "--out", "@/r.png"), 1, NULL,
           "swapped has class \"c\", and the run knows \"a\", \"b\"\n");
}

/* What reads no classes of other data, or draws those of the run alone, may go on; labels that are written are told. */
static void other_classes_where_none_are_read(void **state)
{
    (void)state;
    expect(RUN("eval", "@/told", "--data", "@/swapped", "--metric", "latent-mse"), 0, "latent-mse", NULL);
    expect(RUN("eval", "@/told", "--data", "@/numbers-images-idx3-ubyte", "--metric", "latent-mse"), 0, "latent-mse",
           NULL);
    expect(RUN("eval", "@/told", "--judge", "@/judge", "--data", "@/swapped", "--metric", "agreement"), 0, "agreement",
           NULL);
    expect(RUN("features", "@/judge", "--data", "@/swapped", "--out", "@/f.npy"), 0, "f.npy", NULL);
    expect(
        RUN("encode", "@/judge", "--data", "@/swapped", "--out", "@/c.npy"), 0, "c-labels.npy",
        "the run's classes: 0 is \"a\", 1 is \"b\", 2 is \"c\"\nwarning: what the run does not know is numbered from "
        "2 on");
    expect(RUN("encode", "@/judge", "--data", "@/capitals", "--out", "@/c.npy"), 0, "c-labels.npy",
           "\"B\" and \"b\" differ in capitals alone");
    result known = RUN("encode", "@/judge", "--data", "@/part", "--out", "@/c.npy");
    assert_null(strstr(known.err, "warning"));
    expect(known, 0, "c-labels.npy", "0 is \"a\", 1 is \"b\"\n");
}

static void an_empty_table_says_why(void **state)
{
    (void)state;
    expect(RUN("eval", "@/judge", "--data", "@/none"), 1, "", "accuracy compares with labels, and the test split of");
    expect(RUN("eval", "@/judge", "--data", "@/none"), 1, "", "no metric can be computed of ");
    expect(RUN("eval", "@/judge", "--data", "@/none", "--metric", "accuracy"), 1, "", "accuracy compares with labels");
    expect(RUN("classify", "@/judge", "--data", "@/none"), 0, "mean probability", NULL);
}

/* Labels of one split alone: what goes by those of both is named, all else is computed. */
static void one_split_without_labels_is_told(void **state)
{
    (void)state;
    uint8_t pictures[40 * 64], labels[40];
    for (size_t i = 0; i < sizeof pictures; i++) pictures[i] = pattern(i);
    for (size_t i = 0; i < sizeof labels; i++) labels[i] = (uint8_t)(i % 2);
    make_inner("half");
    write_npy("half/x_train.npy", 1, ARRAY("|u1", "False", "(40, 8, 8)"), pictures, sizeof pictures);
    write_npy("half/y_train.npy", 1, ARRAY("|u1", "False", "(40,)"), labels, sizeof labels);
    write_npy("half/x_test.npy", 1, ARRAY("|u1", "False", "(20, 8, 8)"), pictures, sizeof pictures / 2);
    expect(RUN("train", "vae", "--data", "@/half", "--steps", "2", "--batch", "8", "--set", "hidden=4", "--set",
               "latent=2", "--out", "@/half_run"),
           0, NULL, NULL);
    expect(RUN("eval", "@/half_run"), 0, "\nelbo ",
           "linear-probe is left out: linear-probe goes by labels of both splits, and the test examples of ");
    expect(RUN("eval", "@/half_run", "--metric", "nearest-neighbour"), 1, "",
           "nearest-neighbour goes by labels of both");
}

/* Pictures of floats of 8 x 8, from `low` to `high`. */
static void write_floats(const char *name, float low, float high)
{
    float values[20 * 64];
    for (size_t i = 0; i < 20 * 64; i++) values[i] = low + (high - low) * (float)(i * 37 % 256) / 255;
    write_npy(name, 1, ARRAY("<f4", "False", "(20, 8, 8)"), values, sizeof values);
}

/* What does not fit is refused with a way that works, what fits and is of another scale is said. */
static void other_shapes_and_ranges(void **state)
{
    (void)state;
    uint8_t rows[20 * 64];
    for (size_t i = 0; i < sizeof rows; i++) rows[i] = pattern(i);
    write_npy("rows.npy", 1, ARRAY("|u1", "False", "(20, 64)"), rows, sizeof rows);
    expect(RUN("eval", "@/told", "--data", "@/rows.npy"), 1, "", "rows.npy:size=8x8 gives them that shape");
    expect(RUN("eval", "@/told", "--data", "@/rows.npy:size=4x16,values=bytes"), 1, "",
           "rows.npy:values=bytes,size=8x8 gives them that shape");
    write_floats("floats.npy", 0, 255);
    expect(RUN("encode", "@/judge", "--data", "@/floats.npy", "--out", "@/c.npy"), 1, "",
           "floats.npy:values=bytes scales them");
    expect(RUN("encode", "@/judge", "--data", "@/floats.npy:values=bytes", "--out", "@/c.npy"), 0, "c.npy", NULL);
    write_floats("dim.npy", 0, 0.1F);
    expect(RUN("encode", "@/judge", "--data", "@/dim.npy", "--out", "@/c.npy"), 0, "c.npy",
           "are they of another scale?");
}

/* Generated points have no bounds, and lie somewhere all the same. */
static void points_that_are_far_from_generated_ones(void **state)
{
    (void)state;
    float points[40];
    char command[3 * PATH_SIZE];
    const char *file = in_folder("peaks/run.json");
    (void)snprintf(command, sizeof command,
                   "sed -i -E 's/\"(low|high)\": -?4.5/\"\\1\": null/' '%s' && grep -q '\"low\": null' '%s'", file,
                   file);
    expect(RUN("train", "vae", "--data", "two-peaks", "--steps", "1", "--batch", "4", "--set", "hidden=8", "--out",
               "@/peaks"),
           0, NULL, NULL);
    for (size_t round = 0; round < 3; round++) { /* near, far, and far from what a run without its range has learnt */
        for (size_t i = 0; i < 40; i++) points[i] = (round == 0 ? -3 : 46) + (float)(i % 7);
        write_npy("points.npy", 1, ARRAY("<f4", "False", "(40, 1)"), points, sizeof points);
        result said = RUN("encode", "@/peaks", "--data", "@/points.npy", "--out", "@/z.npy");
        assert_true((strstr(said.err, "go from 46 to 52, those that") != NULL) == (round > 0));
        assert_true((strstr(said.err, "was trained on from -4.5 to 4.5: are they of") != NULL) == (round > 0));
        expect(said, 0, "z.npy", NULL);
        if (round == 1) assert_int_equal(system(command), 0);
    }
}

static void write_table(const char *name, const char *head, int rows)
{
    char text[2000];
    size_t used = (size_t)snprintf(text, sizeof text, "%s\n", head);
    for (int i = 0; i < rows; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%d,%d,%s\n", i * 7 % 11, i * 5 % 13,
                                 i % 2 ? "cat" : "dog");
    test_file_write(in_folder(name), text, used);
}

/* Numbers of one column under the name of another. */
static void columns_are_compared_by_name(void **state)
{
    (void)state;
    write_table("table.csv", "height,width,label", 40);
    write_table("table-turned.csv", "width,height,label", 40);
    write_table("table-other.csv", "height,depth,label", 40);
    expect(RUN("train", "vae", "--data", "@/table.csv", "--steps", "2", "--batch", "4", "--set", "hidden=8", "--out",
               "@/of-table"),
           0, NULL, NULL);
    expect(RUN("eval", "@/of-table", "--metric", "elbo"), 0, "elbo", NULL);
    expect(RUN("eval", "@/of-table", "--metric", "elbo", "--data", "@/table-turned.csv"), 1, "",
           "in another order: column 1 of numbers is \"width\" here and \"height\" there");
    expect(RUN("eval", "@/of-table", "--metric", "elbo", "--data", "@/table-other.csv"), 0, "elbo",
           "column 2 of numbers is \"depth\", and \"width\" in what");
    write_table("table-new.csv", "height,width,label", 40);
    result same = RUN("eval", "@/of-table", "--metric", "elbo", "--data", "@/table-new.csv");
    assert_null(strstr(same.err, "of numbers is"));
    expect(same, 0, "elbo", NULL);
    expect(RUN("eval", "@/of-table", "--metric", "elbo", "--samples", "@/table-turned.csv"), 1, "",
           "in another order: column 1 of numbers is \"width\" here and \"height\" there");
    expect(RUN("eval", "@/of-table", "--metric", "elbo", "--samples", "@/table-other.csv"), 0, "elbo",
           "column 2 of numbers is \"depth\", and \"width\" in what");
    expect(RUN("eval", "@/of-table", "--metric", "frechet", "--features", "@/table-turned.csv", "--features",
               "@/table.csv"),
           1, "", "table.csv in another order: column 1 of numbers is \"width\" here and \"height\" there");
    expect(RUN("eval", "@/of-table", "--metric", "frechet", "--features", "@/table-other.csv", "--features",
               "@/table.csv"),
           0, "frechet", "column 2 of numbers is \"depth\", and \"width\" in ");
    write_table("table.csv", "width,height,label", 40); /* the same numbers, whose names alone are others */
    expect(RUN("eval", "@/of-table", "--metric", "elbo", "--seed", "2"), 1, "", "table.csv: its columns are those of");
    expect(RUN("train", "--resume", "@/of-table", "--steps", "3"), 1, "", "table.csv: its columns are those of");
    write_table("table.csv", "height,depth,label", 40);
    expect(RUN("eval", "@/of-table", "--metric", "elbo", "--seed", "2"), 0, "elbo",
           "column 2 of numbers is \"depth\", and \"width\" in what");
    write_table("table.csv", "height,width,label", 40);
    write_table("table-turned.csv", "width,height,label", 39);
    write_table("table-other.csv", "height,depth,label", 39);
    expect(RUN("train", "--resume", "@/of-table", "--other-data", "--data", "@/table-turned.csv", "--steps", "3"), 1,
           NULL, "in another order: column 1 of numbers is \"width\" here and \"height\" there");
    expect(RUN("train", "--resume", "@/of-table", "--other-data", "--data", "@/table-other.csv", "--steps", "3"), 0,
           NULL, "column 2 of numbers is \"depth\", and \"width\" in what");
}

static void write_pixels(const char *name, const char *first)
{
    char text[8000];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", first);
    for (int i = 2; i < 16; i++) used += (size_t)snprintf(text + used, sizeof text - used, ",p%d", i);
    used += (size_t)snprintf(text + used, sizeof text - used, ",label\n");
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 16; k++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%g,", (i * 7 + k * 5) % 17 / 16.0);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", i % 2 ? "cat" : "dog");
    }
    test_file_write(in_folder(name), text, used);
}

/* A judge has learnt its columns too. */
static void judges_have_columns(void **state)
{
    (void)state;
    write_pixels("pixels.csv", "a,b");
    write_pixels("pixels-turned.csv", "b,a");
    write_pixels("pixels-other.csv", "a,c");
    expect(RUN("train", "classifier", "--data", "@/pixels.csv", "--size", "4x4", "--steps", "2", "--batch", "4",
               "--out", "@/judge-of-pixels"),
           0, NULL, NULL);
    static const char *const others[][2] = {{"@/pixels-turned.csv", "@/turned"}, {"@/pixels-other.csv", "@/other"}};
    for (size_t i = 0; i < 2; i++) {
        expect(RUN("train", "cvae", "--data", others[i][0], "--size", "4x4", "--steps", "2", "--batch", "4", "--set",
                   "hidden=8", "--out", others[i][1]),
               0, NULL, NULL);
        expect(RUN("eval", others[i][1], "--judge", "@/judge-of-pixels", "--metric", "agreement"), i == 0 ? 1 : 0, NULL,
               i == 0 ? "in another order: column 1 of numbers is \"b\" here and \"a\" there"
                      : "column 2 of numbers is \"c\", and \"b\" in what");
    }
}

/* Numbers in another order are other pictures. */
static void samples_have_the_shape_of_the_data(void **state)
{
    (void)state;
    static uint8_t pixels[20 * 192], dark[20 * 192];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = pattern(i);
    for (size_t i = 0; i < sizeof dark; i++) dark[i] = (uint8_t)(pattern(i) % 20);
    write_npy("last.npy", 1, ARRAY("|u1", "False", "(20, 8, 8, 3)"), pixels, sizeof pixels);
    write_npy("rows-of.npy", 1, ARRAY("|u1", "False", "(20, 192)"), pixels, sizeof pixels);
    write_npy("turned.npy", 1, ARRAY("|u1", "False", "(20, 3, 8, 8)"), pixels, sizeof pixels);
    write_npy("dark.npy", 1, ARRAY("|u1", "False", "(20, 8, 8, 3)"), dark, sizeof dark);
    expect(RUN("train", "vae", "--data", "@/last.npy", "--steps", "1", "--batch", "4", "--set", "hidden=8", "--out",
               "@/rgb"),
           0, NULL, NULL);
    expect(RUN("eval", "@/rgb", "--metric", "sharpness", "--samples", "@/turned.npy"), 1, "",
           "turned.npy:channels=first turns them round");
    expect(RUN("eval", "@/rgb", "--metric", "elbo", "--data", "@/turned.npy"), 1, "",
           "turned.npy:channels=first turns them round");
    const char *const fit[] = {"@/last.npy", "@/rows-of.npy", "@/turned.npy:channels=first"};
    for (size_t i = 0; i < 3; i++)
        expect(RUN("eval", "@/rgb", "--metric", "elbo", "--samples", fit[i]), 0, "elbo", NULL);
    expect(RUN("eval", "@/rgb", "--metric", "elbo", "--data", fit[2]), 0, "elbo", NULL);
    expect(RUN("eval", "@/rgb", "--metric", "elbo", "--samples", "@/dark.npy"), 0, "elbo",
           "are they of another scale?");
    /* smooth pictures, plane after plane: their rows would be mosaics */
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i / 64 % 3 * 60 + i / 8 % 8 * 7 + i % 8 * 5 + i / 192);
    write_npy("planes.npy", 1, ARRAY("|u1", "False", "(20, 192)"), pixels, sizeof pixels);
    expect(RUN("eval", "@/rgb", "--metric", "elbo", "--samples", "@/planes.npy"), 0, "elbo",
           "planes.npy:size=8x8,channels=first");
    result turned = RUN("eval", "@/rgb", "--metric", "elbo", "--samples", "@/planes.npy:size=8x8,channels=first");
    assert_null(strstr(turned.err, "planes one after the other"));
    expect(turned, 0, "elbo", NULL);
    result as_rows = RUN("eval", "@/rgb", "--metric", "elbo", "--samples", "@/rows-of.npy");
    assert_null(strstr(as_rows.err, "planes one after the other"));
    expect(as_rows, 0, "elbo", NULL);
}

static void scores_that_are_none(void **state)
{
    (void)state;
    write_floats("usual.npy", -1, 1);
    write_floats("beyond.npy", 1e30F, 2e30F);
    expect(RUN("train", "vae", "--data", "@/usual.npy", "--steps", "1", "--batch", "4", "--set", "hidden=8", "--out",
               "@/free"),
           0, NULL, NULL);
    expect(RUN("score", "@/free", "--data", "@/usual.npy"), 0, "elbo of 2 examples", NULL);
    write_floats("unit.npy", 0, 1); /* as pictures are */
    expect(RUN("eval", "@/free", "--metric", "elbo", "--samples", "@/unit.npy"), 0, "elbo",
           "are they of another scale?");
    expect(RUN("score", "@/free", "--data", "@/beyond.npy"), 4, "inf", "20 of 20 scores of ");
}

static void two_classes_of_one_name(void **state)
{
    (void)state;
    write_npy("images.npy", 1, ARRAY("|u1", "False", "(4, 2, 2)"), "abcdefghijklmnop", 16);
    write_npy("labels.npy", 1, ARRAY("|u1", "False", "(4,)"), "\0\1\0\1", 4);
    write_npy("class_names.npy", 1, ARRAY("|S1", "False", "(2,)"), "aa", 2);
    write_archive("same.npz", (const char *const[]){"images.npy", "labels.npy", "class_names.npy", NULL}, true);
    expect(RUN("data", "@/same.npz"), 0, NULL, "classes 0 and 1 are both called \"a\": are they one?");
}

/* Labels with gaps: what a model says of a class that no example has means nothing. */
static void a_class_without_an_example_is_none_to_take(void **state)
{
    (void)state;
    uint8_t pixels[2 * EACH * 64], labels[2 * EACH];
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)((i / 64 % 2 == 0 ? 0 : 200) + pattern(i) % 50);
    for (size_t i = 0; i < sizeof labels; i++) labels[i] = (uint8_t)(i % 2 == 0 ? 2 : 4);
    write_npy("images.npy", 1, ARRAY("|u1", "False", "(24, 8, 8)"), pixels, sizeof pixels);
    write_npy("labels.npy", 1, ARRAY("|u1", "False", "(24,)"), labels, sizeof labels);
    write_archive("gaps.npz", (const char *const[]){"images.npy", "labels.npy", NULL}, true);
    expect(RUN("train", "cvae", "--data", "@/gaps.npz", "--steps", "2", "--batch", "7", "--set", "hidden=8", "--out",
               "@/gapped"),
           0, NULL, "classes without an example: 0, 1, 3");
    json_t *said = document_of(RUN("classify", "@/gapped", "--split", "train", "--json"), 1);
    json_t *shares = json_object_get(said, "shares");
    assert_int_equal(json_array_size(shares), 5);
    const double two = json_number_value(json_array_get(shares, 2)),
                 four = json_number_value(json_array_get(shares, 4));
    assert_true(fabs(two + four - 1) < 1e-9);
    json_decref(said);
    json_t *record = json_load_file(inside("gapped/run.json", path), 0, NULL);
    assert_non_null(record);
    assert_int_equal(json_object_set_new(json_object_get(record, "data"), "class_counts", json_pack("[i]", 3)), 0);
    assert_int_equal(json_dump_file(record, path, 0), 0);
    json_decref(record);
    expect(RUN("sample", "@/gapped"), 1, "", "class_counts");
}

/* run.json could not keep it. */
static void a_name_that_is_no_text(void **state)
{
    (void)state;
    char out[PATH_SIZE];
    write_floats("caf\xE9.npy", 0, 1);
    expect(RUN("train", "vae", "--data", "@/caf\xE9.npy", "--steps", "1", "--batch", "4", "--out", "@/no"), 1, "",
           "this name is not UTF-8");
    assert_int_not_equal(access(inside("no", out), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_the_same_by_name),
        cmocka_unit_test(a_judge_knows_classes_by_name),
        cmocka_unit_test(a_judge_of_other_numbers_is_told_of),
        cmocka_unit_test(names_that_are_numbers_are_numbers),
        cmocka_unit_test(numbers_for_names_are_said),
        cmocka_unit_test(the_most_accurate_classifier_is_kept),
        cmocka_unit_test(other_classes_are_none_that_the_run_knows),
        cmocka_unit_test(other_classes_where_none_are_read),
        cmocka_unit_test(an_empty_table_says_why),
        cmocka_unit_test(one_split_without_labels_is_told),
        cmocka_unit_test(other_shapes_and_ranges),
        cmocka_unit_test(points_that_are_far_from_generated_ones),
        cmocka_unit_test(columns_are_compared_by_name),
        cmocka_unit_test(judges_have_columns),
        cmocka_unit_test(samples_have_the_shape_of_the_data),
        cmocka_unit_test(scores_that_are_none),
        cmocka_unit_test(two_classes_of_one_name),
        cmocka_unit_test(a_class_without_an_example_is_none_to_take),
        cmocka_unit_test(a_name_that_is_no_text),
    };
    return RUN_TESTS("run_classes", tests, begin, remove_folder);
}
