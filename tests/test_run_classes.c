/* SPDX-License-Identifier: MIT */
/* Classes of a run and of other data: by name they are the same whatever numbers each set gives them, others are none
 * that the run knows, and where nothing can be computed that is said. By the program, on folders of small pictures. */
#include "picture_files.h"
#include "program.h"

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
           "has class 2 (c), and the run knows 2");
    expect(RUN("eval", "@/judge", "--data", "@/three"), 1, NULL, "has class 2 (0), and the run knows 2");
    const char *const runs[] = {"@/judge", "@/told"};
    for (size_t i = 0; i < 2; i++)
        expect(RUN("classify", runs[i], "--data", "@/swapped"), 0, "mean probability",
               "accuracy is left out: example 12 of ");
    expect(RUN("eval", "@/told", "--data", "@/swapped", "--metric", "elbo"), 1, NULL,
           "class 2 is none of the classes 0 to 1 that the model was trained on");
}

static void an_empty_table_says_why(void **state)
{
    (void)state;
    expect(RUN("eval", "@/judge", "--data", "@/none"), 1, "", "accuracy compares with labels, and the test split of");
    expect(RUN("eval", "@/judge", "--data", "@/none"), 1, "", "no metric can be computed of ");
    expect(RUN("eval", "@/judge", "--data", "@/none", "--metric", "accuracy"), 1, "", "accuracy compares with labels");
    expect(RUN("classify", "@/judge", "--data", "@/none"), 0, "mean probability", NULL);
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
    write_floats("floats.npy", 0, 255);
    expect(RUN("encode", "@/judge", "--data", "@/floats.npy", "--out", "@/c.npy"), 1, "",
           "floats.npy:values=bytes scales them");
    expect(RUN("encode", "@/judge", "--data", "@/floats.npy:values=bytes", "--out", "@/c.npy"), 0, "c.npy", NULL);
    write_floats("dim.npy", 0, 0.1F);
    expect(RUN("encode", "@/judge", "--data", "@/dim.npy", "--out", "@/c.npy"), 0, "c.npy",
           "are they of another scale?");
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
    expect(RUN("score", "@/free", "--data", "@/beyond.npy"), 4, "inf", "20 of 20 scores are not finite");
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
        cmocka_unit_test(numbers_for_names_are_said),
        cmocka_unit_test(the_most_accurate_classifier_is_kept),
        cmocka_unit_test(other_classes_are_none_that_the_run_knows),
        cmocka_unit_test(an_empty_table_says_why),
        cmocka_unit_test(other_shapes_and_ranges),
        cmocka_unit_test(scores_that_are_none),
        cmocka_unit_test(a_name_that_is_no_text),
    };
    return RUN_TESTS("run_classes", tests, begin, remove_folder);
}
