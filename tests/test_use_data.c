/* SPDX-License-Identifier: MIT */
/* Examples that a run only looks at: one is enough, of one class, or in a folder that holds a test part alone. What is
 * asked of data to learn from is not asked of them. By the program. */
#include "picture_files.h"
#include "program.h"

#include "duet/report.h"

enum { PICTURES = 24, PIXELS = 64 };

/* Dark pictures and light ones by turns, of the classes 0 and 1. */
static uint8_t pixels[PICTURES * PIXELS];

static int begin(void **state)
{
    uint8_t labels[PICTURES];
    (void)make_folder(state);
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)((i / PIXELS % 2 ? 200 : 0) + pattern(i) % 50);
    for (size_t i = 0; i < PICTURES; i++) labels[i] = i % 2;
    write_npy("images.npy", 1, ARRAY("|u1", "False", "(24, 8, 8)"), pixels, sizeof pixels);
    write_npy("labels.npy", 1, ARRAY("|u1", "False", "(24,)"), labels, sizeof labels);
    write_archive("all.npz", (const char *const[]){"images.npy", "labels.npy", NULL}, true);
    expect(RUN("train", "classifier", "--data", "@/all.npz", "--epochs", "20", "--batch", "7", "--out", "@/judge"), 0,
           NULL, NULL);
    expect(RUN("train", "vae", "--data", "@/all.npz", "--steps", "2", "--batch", "7", "--set", "hidden=8", "--set",
               "latent=2", "--out", "@/vae"),
           0, NULL, NULL);
    /* one picture, of the class 1: alone, with its label, as the test part of a folder of arrays and of pictures */
    write_npy("one.npy", 1, ARRAY("|u1", "False", "(1, 8, 8)"), pixels + PIXELS, PIXELS);
    write_npy("images.npy", 1, ARRAY("|u1", "False", "(1, 8, 8)"), pixels + PIXELS, PIXELS);
    write_npy("labels.npy", 1, ARRAY("|u1", "False", "(1,)"), "\1", 1);
    write_archive("one.npz", (const char *const[]){"images.npy", "labels.npy", NULL}, true);
    make_inner("arrays");
    write_npy("arrays/test.npy", 1, ARRAY("|u1", "False", "(1, 8, 8)"), pixels + PIXELS, PIXELS);
    write_npy("arrays/test-labels.npy", 1, ARRAY("|u1", "False", "(1,)"), "\1", 1);
    make_inner("pictures");
    make_inner("pictures/test");
    for (int class = 0; class < 2; class ++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/test/%d", class);
        make_inner(name);
        (void)snprintf(name, sizeof name, "pictures/test/%d/x.png", class);
        write_png_picture(name, 8, 8, 1, pixels + (size_t) class * PIXELS);
    }
    write_archive("test.npz", (const char *const[]){"arrays/test.npy", "arrays/test-labels.npy", NULL}, true);
    return 0;
}

static const command_case uses[] = {
    {"classify", {"classify", "@/judge", "--data", "@/one.npy"}, 0, "over 1 example", NULL},
    {"a label", {"classify", "@/judge", "--data", "@/one.npz"}, 0, "accuracy 1.0000 (0.", NULL},
    {"its split", {"classify", "@/judge", "--data", "@/one.npz", "--split", "test"}, 0, "accuracy 1.0000 (0.", NULL},
    {"the empty split",
     {"classify", "@/judge", "--data", "@/one.npz", "--split", "train"},
     1,
     "",
     "no training examples"},
    {"a test array", {"classify", "@/judge", "--data", "@/arrays"}, 0, "accuracy 1.0000 (0.", NULL},
    {"test pictures", {"classify", "@/judge", "--data", "@/pictures"}, 0, "accuracy 1.0000 (0.", NULL},
    {"a test member", {"classify", "@/judge", "--data", "@/test.npz"}, 0, "accuracy 1.0000 (0.", NULL},
    {"score", {"score", "@/vae", "--data", "@/one.npy"}, 0, "elbo of 1 example", NULL},
    {"encode", {"encode", "@/vae", "--data", "@/arrays", "--out", "@/z.npy"}, 0, "z-labels.npy", NULL},
    {"words of it",
     {"encode", "@/vae", "--data", "@/arrays", "--out", "@/z.npy"},
     0,
     NULL,
     "1 example of the test split of "},
    {"reconstruct", {"reconstruct", "@/vae", "--data", "@/one.npy", "--out", "@/r.png"}, 0, "r.png", NULL},
    {"invert", {"invert", "@/vae", "--data", "@/one.npy", "--out", "@/i.png", "--set", "steps=2"}, 0, "mse", NULL},
    {"features", {"features", "@/judge", "--data", "@/one.npy", "--out", "@/f.npy"}, 0, "f.npy", NULL},
    {"samples", {"eval", "@/vae", "--samples", "@/one.npy"}, 0, "sharpness", "needs at least 2 samples; "},
    {"data", {"eval", "@/vae", "--data", "@/one.npy"}, 0, "elbo", "latent-mmd needs at least 2 examples; "},
    {"the test part", {"eval", "@/judge", "--data", "@/pictures"}, 0, "2 examples of the test split", NULL},
};

static void one_example_will_do(void **state)
{
    const command_case *row = *state;
    result said = run(row->words);
    assert_null(strstr(said.err, "warning"));
    expect(said, row->status, row->out, row->err);
}

static void examples_in_place_of_samples_are_told_of(void **state)
{
    (void)state;
    static const char words[] = "its first rows are examples of";
    expect(RUN("eval", "@/vae", "--samples", "@/all.npz", "--metric", "sharpness"), 0, "sharpness", words);
    expect(RUN("sample", "@/vae", "-n", "40", "--out", "@/drawn.npy"), 0, NULL, NULL);
    result drawn = RUN("eval", "@/vae", "--samples", "@/drawn.npy", "--metric", "sharpness");
    assert_null(strstr(drawn.err, words));
    expect(drawn, 0, "sharpness", NULL);
}

enum { POINTS = 3000, FIRST = 2500 };

/* A folder of training points, the same in all, and of test points in a corner, the rest of them in `other`, of a class
 * of their own; and a run on it. */
static void train_on_points(const char *name, float other)
{
    static float points[2 * POINTS];
    static uint8_t labels[POINTS];
    char path[PATH_SIZE], file[128], out[64], data[64];
    duet_error error = {0};
    make_inner(name);
    for (size_t part = 0; part < 2; part++) {
        for (size_t i = 0; i < POINTS; i++) labels[i] = part == 0 ? i % 2 : i >= FIRST;
        for (size_t i = 0; i < 2 * POINTS; i++)
            points[i] = 0.1f * (float)(i * 7919 % 1000) / 1000 + (labels[i / 2] ? part == 0 ? 0.5f : other : 0);
        (void)snprintf(file, sizeof file, "%s/%s.npy", name, part == 0 ? "train" : "test");
        assert_ok(duet_write_npy(inside(file, path), points, DUET_SHAPE(POINTS, 2), &error), &error);
        (void)snprintf(file, sizeof file, "%s/%s-labels.npy", name, part == 0 ? "train" : "test");
        assert_ok(duet_write_npy_bytes(inside(file, path), labels, DUET_SHAPE(POINTS), &error), &error);
    }
    (void)snprintf(data, sizeof data, "@/%s", name);
    (void)snprintf(out, sizeof out, "@/of-%s", name);
    expect(RUN("train", "vae", "--data", data, "--epochs", "1", "--batch", "64", "--set", "hidden=4", "--set",
               "latent=2", "--out", out),
           0, NULL, NULL);
    expect(RUN("sample", out, "-n", "50"), 0, "sample.png", NULL);
    expect(RUN("report", out), 0, "report.html", NULL);
}

/* Whether two files of runs hold the same. */
static bool are_alike(const char *name)
{
    char path[PATH_SIZE], file[128];
    size_t sizes[2];
    char *bytes[2];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(file, sizeof file, "of-%s/%s", i == 0 ? "points" : "corner", name);
        bytes[i] = test_file_read(inside(file, path), &sizes[i]);
    }
    const bool alike = sizes[0] == sizes[1] && memcmp(bytes[0], bytes[1], sizes[0]) == 0;
    free(bytes[0]);
    free(bytes[1]);
    return alike;
}

/* Two sets of which the first 2,500 test points are the same, and the others are not. */
static void pictures_show_all_of_a_sorted_split(void **state)
{
    (void)state;
    static const char *const files[] = {"samples/sample.png", "samples/epoch-0001.png",
                                        "samples/epoch-0001-reconstruction.png", "report/reconstructions.png",
                                        "report/samples.png"};
    char path[PATH_SIZE];
    train_on_points("points", 0.8f);
    train_on_points("corner", 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (are_alike(files[i])) fail_msg("%s shows the first points alone", files[i]);
    json_t *evaluation = json_load_file(inside("of-points/evaluation.json", path), 0, NULL);
    const json_t *labels = json_object_get(json_object_get(evaluation, "latents"), "labels");
    size_t second = 0;
    for (size_t i = 0; i < json_array_size(labels); i++) second += json_integer_value(json_array_get(labels, i)) == 1;
    assert_int_equal(json_array_size(labels), 1000);
    assert_in_range(second, 130, 200); /* a sixth */
    json_decref(evaluation);
}

/* To be learnt from, data must be more. */
static void more_is_asked_of_data_to_learn_from(void **state)
{
    (void)state;
    expect(RUN("train", "vae", "--data", "@/one.npy", "--steps", "1", "--out", "@/no"), 1, "",
           "one example; at least two are expected, to train and to test with");
    expect(RUN("train", "vae", "--data", "@/arrays", "--steps", "1", "--out", "@/no"), 1, "",
           "holds no training pictures");
    expect(RUN("data", "@/test.npz"), 1, "", "holds no training examples");
    expect(RUN("train", "--resume", "@/vae", "--data", "@/one.npy", "--other-data", "--steps", "3"), 1, "",
           "one example; at least two are expected");
    write_npy("two.npy", 1, ARRAY("|u1", "False", "(2, 8, 8)"), pixels, 2 * PIXELS);
    expect(RUN("data", "@/two.npy"), 0, NULL, "has one training example: a model can only repeat it");
    expect(RUN("train", "vae", "--data", "@/two.npy", "--steps", "1", "--batch", "2", "--out", "@/no"), 1, "",
           "too few for one batch of 2; with --batch 1 they fill one");
}

/* What a run's data were scaled by is no number of another file. */
static void data_for_a_run_are_scaled_as_its_own(void **state)
{
    (void)state;
    int32_t numbers[PIXELS * 2];
    for (size_t i = 0; i < PIXELS * 2; i++) numbers[i] = (int32_t)(i * 31 % 3000);
    write_npy("ints.npy", 1, ARRAY("<i4", "False", "(2, 8, 8)"), numbers, sizeof numbers);
    result said = RUN("encode", "@/vae", "--data", "@/ints.npy", "--out", "@/i.npy");
    assert_null(strstr(said.err, "/ 2"));
    expect(said, 1, "", "where the examples that the run was trained on were scaled, scale these by the same numbers");
    expect(RUN("data", "@/ints.npy"), 1, "", "save numpy.clip(array / 29");
}

/* Numbered anew by numpy.unique, they would be another class of the run's. */
static void one_class_will_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < PICTURES / 2; i++)
        memcpy(pixels + i * PIXELS, pixels + (2 * i + 1) * PIXELS, PIXELS); /* the light ones */
    write_npy("images.npy", 1, ARRAY("|u1", "False", "(12, 8, 8)"), pixels, sizeof pixels / 2);
    write_npy("labels.npy", 1, ARRAY("|u1", "False", "(12,)"), "\1\1\1\1\1\1\1\1\1\1\1\1", 12);
    write_archive("light.npz", (const char *const[]){"images.npy", "labels.npy", NULL}, true);
    result said = RUN("classify", "@/judge", "--data", "@/light.npz");
    assert_null(strstr(said.err, "numpy.unique"));
    assert_null(strstr(said.err, "nothing can be learnt"));
    expect(said, 0, "accuracy 1.0000", NULL);
    expect(RUN("data", "@/light.npz"), 0, NULL, "all labels are one class: nothing can be learnt from them");
    expect(RUN("eval", "@/judge", "--data", "@/light.npz"), 0, "accuracy",
           "all 12 labels are one class, 1: what goes by");
    make_inner("light");
    write_npy("light/test.npy", 1, ARRAY("|u1", "False", "(12, 8, 8)"), pixels, sizeof pixels / 2);
    write_npy("light/test-labels.npy", 1, ARRAY("|u1", "False", "(12,)"), "\1\1\1\1\1\1\1\1\1\1\1\1", 12);
    expect(RUN("eval", "@/judge", "--data", "@/light"), 0, "accuracy",
           "all 12 labels of the test split are one class, 1: what goes by them says nothing of the others");
    expect(RUN("eval", "@/vae", "--data", "@/light.npz", "--metric", "nearest-neighbour"), 0, "nearest-neighbour",
           "all 12 labels are one class, 1: what goes by them says nothing of the others");
    make_inner("dark");
    write_npy("dark/train.npy", 1, ARRAY("|u1", "False", "(12, 8, 8)"), pixels, sizeof pixels / 2);
    write_npy("dark/train-labels.npy", 1, ARRAY("|u1", "False", "(12,)"), "\1\1\1\1\1\1\1\1\1\1\1\1", 12);
    write_npy("dark/test.npy", 1, ARRAY("|u1", "False", "(12, 8, 8)"), pixels, sizeof pixels / 2);
    write_npy("dark/test-labels.npy", 1, ARRAY("|u1", "False", "(12,)"), "\1\0\1\0\1\0\1\0\1\0\1\0", 12);
    expect(RUN("eval", "@/vae", "--data", "@/dark", "--metric", "linear-probe", "--metric", "nearest-neighbour"), 0,
           "linear-probe",
           "6 of 12 examples of the test split are of classes that no training example has, which no metric that goes "
           "by those can tell: 0");
    said = RUN("eval", "@/judge");
    assert_null(strstr(said.err, "nothing of the others"));
    expect(said, 0, "accuracy", NULL);
}

/* Values that a setting does not take are mistakes of the command line; which settings there are, the run says. */
static const command_case bad[] = {
    {"a word", {"invert", "@/vae", "--set", "steps=x", "--out", "@/i.png"}, 2, "", "\"x\" is not a whole number from"},
    {"too small", {"invert", "@/vae", "--set", "steps=-1", "--out", "@/i.png"}, 2, "", "\"-1\" is not a whole number"},
    {"of a metric", {"eval", "@/vae", "--metric", "elbo", "--set", "k=x"}, 2, "", "\"x\" is not a whole number"},
    {"weights", {"sample", "@/vae", "--set", "weights=x"}, 2, "", "weights is average or trained"},
    {"no averages", {"sample", "@/vae", "--set", "weights=average"}, 1, "", "weights"},
    {"no such setting", {"sample", "@/vae", "--set", "foo=1"}, 2, "", "--set foo"},
};

static void settings_that_are_none(void **state)
{
    const command_case *row = *state;
    expect(run(row->words), row->status, row->out, row->err);
}

/* A run goes on by the numbers of classes, whatever others call them. */
static void a_run_goes_on_with_its_own_classes(void **state)
{
    (void)state;
    static const char *const names[] = {"ab", "ba", "ac"};
    uint8_t labels[PICTURES];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)((i / PIXELS % 2 ? 200 : 0) + pattern(i) % 50);
    for (size_t i = 0; i < PICTURES; i++) labels[i] = i % 2;
    write_npy("labels.npy", 1, ARRAY("|u1", "False", "(24,)"), labels, sizeof labels);
    for (size_t i = 0; i < 3; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "%s.npz", names[i]);
        pixels[0] = (uint8_t)i; /* other data each time */
        write_npy("images.npy", 1, ARRAY("|u1", "False", "(24, 8, 8)"), pixels, sizeof pixels);
        write_npy("class_names.npy", 1, ARRAY("|S1", "False", "(2,)"), names[i], 2);
        write_archive(name, (const char *const[]){"images.npy", "labels.npy", "class_names.npy", NULL}, true);
    }
    expect(RUN("train", "classifier", "--data", "@/ab.npz", "--steps", "1", "--batch", "7", "--out", "@/ab"), 0, NULL,
           NULL);
    for (size_t i = 1; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "@/%s.npz", names[i]);
        expect(RUN("train", "--resume", "@/ab", "--data", name, "--other-data", "--steps", "2"), 1, "",
               i == 1 ? "has learnt class 0 as \"a\", and that of " : "has learnt class 1 as \"b\", and that of ");
    }
    pixels[0] = 7;
    write_npy("images.npy", 1, ARRAY("|u1", "False", "(24, 8, 8)"), pixels, sizeof pixels);
    write_npy("class_names.npy", 1, ARRAY("|S1", "False", "(2,)"), "ab", 2);
    write_archive("new.npz", (const char *const[]){"images.npy", "labels.npy", "class_names.npy", NULL}, true);
    expect(RUN("train", "--resume", "@/ab", "--data", "@/new.npz", "--other-data", "--steps", "2"), 0, NULL,
           "goes on with other data");
}

static void labels_of_the_test_split_alone(void **state)
{
    (void)state;
    make_inner("half");
    write_npy("half/train.npy", 1, ARRAY("|u1", "False", "(24, 8, 8)"), pixels, sizeof pixels);
    write_npy("half/test.npy", 1, ARRAY("|u1", "False", "(12, 8, 8)"), pixels, sizeof pixels / 2);
    write_npy("half/test-labels.npy", 1, ARRAY("|u1", "False", "(12,)"), "\0\1\0\1\0\1\0\1\0\1\0\1", 12);
    expect(RUN("train", "classifier", "--data", "@/half", "--steps", "1", "--batch", "8", "--out", "@/no"), 1, "",
           "learns from labels, and the test examples of this data have some alone");
    /* what needs labels of both costs itself alone */
    expect(RUN("train", "vae", "--data", "@/half", "--steps", "1", "--batch", "8", "--set", "hidden=8", "--out",
               "@/half-run"),
           0, "half-run", NULL);
    expect(RUN("eval", "@/half-run"), 0, "elbo", "classes is left out: ");
}

/* A curve's array is none of an earlier encode's. */
static void a_curve_takes_labels_away(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    expect(RUN("train", "gan", "--data", "two-peaks", "--steps", "1", "--batch", "8", "--out", "@/line"), 0, NULL,
           NULL);
    expect(RUN("encode", "@/judge", "--data", "@/one.npz", "--out", "@/x.npy"), 0, "x-labels.npy", NULL);
    expect(RUN("score", "@/line", "--curve", "@/x.npy"), 0, "x.npy", "x-labels.npy, labels of an earlier array, is");
    assert_int_not_equal(access(inside("x-labels.npy", path), F_OK), 0);
}

/* Why so few are judged, and how all are. */
static void a_tenth_of_other_data_is_said(void **state)
{
    (void)state;
    make_inner("whole");
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)((i / PIXELS % 2 ? 180 : 0) + pattern(i) % 70);
    write_npy("more.npy", 1, ARRAY("|u1", "False", "(24, 8, 8)"), pixels, sizeof pixels);
    write_npy("whole/test.npy", 1, ARRAY("|u1", "False", "(24, 8, 8)"), pixels, sizeof pixels);
    expect(RUN("eval", "@/vae", "--metric", "elbo", "--data", "@/more.npy"), 0, "2 examples of the test split",
           "has no test set, so that of its 24 examples a tenth is judged");
    result whole = RUN("eval", "@/vae", "--metric", "elbo", "--data", "@/whole");
    assert_null(strstr(whole.err, "note"));
    expect(whole, 0, "24 examples of the test split", NULL);
    result own = RUN("eval", "@/vae", "--metric", "elbo", "--data", "@/all.npz");
    assert_null(strstr(own.err, "note"));
    expect(own, 0, "2 examples of the test split", NULL);
}

int main(void)
{
    enum { USES = sizeof uses / sizeof *uses, BAD = sizeof bad / sizeof *bad, OTHERS = 9 };
    struct CMUnitTest tests[USES + BAD + OTHERS] = {cmocka_unit_test(more_is_asked_of_data_to_learn_from),
                                                    cmocka_unit_test(a_curve_takes_labels_away)};
    for (size_t i = 0; i < USES; i++) tests[2 + i] = TEST_ROW(uses[i].name, one_example_will_do, &uses[i]);
    for (size_t i = 0; i < BAD; i++) tests[2 + USES + i] = TEST_ROW(bad[i].name, settings_that_are_none, &bad[i]);
    struct CMUnitTest *last = tests + 2 + USES + BAD;
    last[0] = (struct CMUnitTest)cmocka_unit_test(one_class_will_do);
    last[1] = (struct CMUnitTest)cmocka_unit_test(a_run_goes_on_with_its_own_classes);
    last[2] = (struct CMUnitTest)cmocka_unit_test(labels_of_the_test_split_alone);
    last[4] = (struct CMUnitTest)cmocka_unit_test(examples_in_place_of_samples_are_told_of);
    last[3] = (struct CMUnitTest)cmocka_unit_test(a_tenth_of_other_data_is_said);
    last[5] = (struct CMUnitTest)cmocka_unit_test(data_for_a_run_are_scaled_as_its_own);
    last[6] = (struct CMUnitTest)cmocka_unit_test(pictures_show_all_of_a_sorted_split);
    return RUN_TESTS("use_data", tests, begin, remove_folder);
}
