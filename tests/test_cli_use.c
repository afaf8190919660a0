/* SPDX-License-Identifier: MIT */
/* What the program gives of runs: samples, codes, reconstructions, walks, scores, classes; of their own data and of
 * others. */
#include "data_files.h"
#include "two_runs.h"
#include "use.h"

#include "duet/report.h"
#include "duet/run.h"

static void runs_are_drawn(void **state)
{
    (void)state;
    static const char *const commands[] = {"sample", "reconstruct", "interpolate"};
    static const char *const files[] = {"vae/samples/sample.png", "vae/samples/reconstruction.png",
                                        "vae/samples/interpolation.png"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char path[PATH_SIZE];
        size_t size;
        expect(RUN(commands[i], "@/vae"), 0, files[i], NULL);
        char *bytes = test_file_read(inside(files[i], path), &size);
        assert_true(size > 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0);
        free(bytes);
        expect(RUN(commands[i], "@/vae", "--out", "@/drawn.npy"), 0, "drawn.npy", NULL);
        expect(RUN(commands[i], "@/vae", "--out", "/proc/nowhere/a.png"), 1, NULL, "/proc/nowhere/a.png");
    }
}

static char *sampled(const char *seed, size_t *size)
{
    char path[PATH_SIZE];
    expect(RUN("sample", "@/vae", "-n", "16", "--seed", seed, "--out", "@/seed.npy"), 0, NULL, NULL);
    return test_file_read(inside("seed.npy", path), size);
}

static void a_seed_gives_its_samples(void **state)
{
    (void)state;
    size_t sizes[3];
    char *first = sampled("5", &sizes[0]), *again = sampled("5", &sizes[1]), *other = sampled("6", &sizes[2]);
    assert_int_equal(sizes[0], sizes[1]);
    assert_int_equal(sizes[0], sizes[2]);
    assert_memory_equal(first, again, sizes[0]);
    assert_memory_not_equal(first, other, sizes[0]);
    free(first);
    free(again);
    free(other);
}

static void a_model_cannot_give_what_it_has_not(void **state)
{
    (void)state;
    expect(RUN("reconstruct", "@/gan"), 1, NULL, "gan");
    expect(RUN("eval", "@/gan", "--metric", "elbo"), 1, NULL, "elbo");
    expect(RUN("encode", "@/gan"), 1, NULL, "gan cannot encode");
    expect(RUN("encode", "@/vae", "--out", "@/codes.png"), 1, NULL, "codes of 20 numbers make no picture");
    expect(RUN("sample", "@/vae", "--manifold", "3"), 1, NULL, "needs a model with 2 latents, and this one has 20");
}

/* The numbers of a .npy file, whose header holds `head`; the caller frees them. */
static char *read_array(const char *name, const char *head, size_t bytes)
{
    char path[PATH_SIZE];
    size_t size;
    char *all = test_file_read(inside(name, path), &size);
    const size_t start = 10 + (unsigned char)all[8] + 256 * (size_t)(unsigned char)all[9];
    assert_true(size > 10 && size == start + bytes);
    all[start - 1] = '\0';
    if (strstr(all + 10, head) == NULL) fail_msg("%s has the header %s, not %s", name, all + 10, head);
    memmove(all, all + start, bytes);
    return all;
}

/* What the program writes of a run in the plane is what the library says of it. */
static void codes_are_those_of_the_examples(duet_run *opened)
{
    enum { N = 40 };
    duet_error error = {0};
    float points[N * 2], expected[N * 2];
    uint8_t classes[N];
    duet_data *data = duet_run_data(opened);
    for (int split = DUET_TRAIN; split <= DUET_TEST; split++) {
        expect(RUN("encode", "@/plane", "--split", split == DUET_TRAIN ? "train" : "test", "-n", "40", "--out",
                   "@/codes.npy"),
               0, "codes-labels.npy\n", NULL);
        float *codes = (float *)read_array("codes.npy", "'shape': (40, 2)", sizeof expected);
        char *labels = read_array("codes-labels.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (40,)", N);
        assert_int_equal(duet_data_read(data, (duet_split)split, 0, N, points, &error), DUET_OK);
        assert_int_equal(duet_data_labels(data, (duet_split)split, 0, N, classes, &error), DUET_OK);
        assert_int_equal(test_use(opened, TEST_FROM_EXAMPLES, "latent", points, N, 0, expected, &error), DUET_OK);
        assert_memory_equal(codes, expected, sizeof expected);
        assert_memory_equal(labels, classes, N);
        free(labels);
        free(codes);
    }
}

/* The quantiles 1/6, 1/2 and 5/6 of a normal, the first number growing to the right, the second upwards. */
static void a_manifold_is_the_square_of_the_quantiles(duet_run *opened)
{
    const float q = 0.96742157f, latents[] = {-q, q, 0, q, q, q, -q, 0, 0, 0, q, 0, -q, -q, 0, -q, q, -q};
    float expected[18];
    duet_error error = {0};
    expect(RUN("sample", "@/plane", "--manifold", "3", "--out", "@/square.npy"), 0, "square.npy", NULL);
    float *square = (float *)read_array("square.npy", "'shape': (3, 3, 2)", sizeof expected);
    assert_int_equal(test_use(opened, TEST_FROM_LATENTS, "decode", latents, 9, 0, expected, &error), DUET_OK);
    for (size_t i = 0; i < 18; i++) assert_close(square[i], expected[i], 1e-6);
    for (size_t i = 2; i < 18; i++) assert_true(square[i] != square[i % 2]);
    free(square);
}

static void a_run_in_the_plane_is_encoded_and_spread(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    duet_error error = {0};
    duet_run *opened = NULL;
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "4", "--set", "latent=2", "--set", "hidden=8", "--out",
               "@/plane"),
           0, "/plane", NULL);
    assert_int_equal(duet_run_open(&opened, inside("plane", path), NULL, &error), DUET_OK);
    codes_are_those_of_the_examples(opened);
    a_manifold_is_the_square_of_the_quantiles(opened);
    duet_run_close(&opened);
    expect(RUN("encode", "@/plane", "-n", "40"), 0, "plane/samples/codes.npy", NULL);
    assert_int_equal(access(inside("plane/samples/codes-labels.npy", path), F_OK), 0);
    expect(RUN("encode", "@/plane", "-n", "40", "--out", "@/codes.png"), 0, "codes.png", NULL);
    char *picture = test_file_read(inside("codes.png", path), NULL);
    assert_memory_equal(picture, "\x89PNG\r\n\x1a\n", 8);
    free(picture);
    expect(RUN("sample", "@/plane", "--manifold", "3"), 0, "plane/samples/manifold.png", NULL);
}

/* A fashion-mnist of ten pictures a split, one a class. */
static void write_fashion(void)
{
    static const char *const parts[] = {"train", "t10k"};
    uint8_t labels[18] = {0, 0, 8, 1, 0, 0, 0, 10};
    char name[80], path[PATH_SIZE];
    for (uint8_t i = 0; i < 10; i++) labels[8 + i] = i;
    assert_int_equal(mkdir(inside("fashion-mnist", path), 0777), 0);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof name, "fashion-mnist/%s-images-idx3-ubyte", parts[i]);
        write_idx(name, DIMS(10, 4, 4), i);
        (void)snprintf(name, sizeof name, "fashion-mnist/%s-labels-idx1-ubyte", parts[i]);
        write_file(name, labels, sizeof labels);
    }
}

/* A model that is told the classes of that set, trained unless it is there. */
static void use_fashion(void)
{
    char path[PATH_SIZE];
    assert_int_equal(setenv("DUET_DATA", folder, 1), 0);
    if (access(inside("cvae", path), F_OK) == 0) return;
    write_fashion();
    expect(RUN("train", "cvae", "--batch", "5", "--steps", "2", "--out", "@/cvae"), 0, NULL, NULL);
}

static void classes_are_asked_for_by_number_or_name(void **state)
{
    (void)state;
    static const char *const asked[] = {"5", "sandal", "SANDAL", "4"};
    char *drawn[4], path[PATH_SIZE];
    size_t size;
    use_fashion();
    for (size_t i = 0; i < 4; i++) {
        expect(RUN("sample", "@/cvae", "-n", "3", "--class", asked[i], "--out", "@/class.npy"), 0, NULL, NULL);
        drawn[i] = test_file_read(inside("class.npy", path), &size);
    }
    assert_memory_equal(drawn[0], drawn[1], size);
    assert_memory_equal(drawn[0], drawn[2], size);
    assert_memory_not_equal(drawn[0], drawn[3], size);
    for (size_t i = 0; i < 4; i++) free(drawn[i]);
    expect(RUN("sample", "@/cvae", "--class", "sandals"), 2, NULL, "0 to 9 of fashion-mnist: T-shirt/top, Trouser");
    expect(RUN("sample", "@/cvae", "--class", "10"), 2, NULL, "0 to 9 of fashion-mnist");
    expect(RUN("sample", "@/cvae", "--class", "sandle"), 2, NULL, "did you mean 'Sandal'?");
    expect(RUN("sample", "@/cvae", "--class", "all", "--out", "@/all.png"), 0, "all.png", NULL);
    expect(RUN("sample", "@/vae", "--class", "1"), 1, NULL, "is told no classes");
    assert_int_equal(unsetenv("DUET_DATA"), 0);
}

static void a_number_that_names_another_class_is_refused(void **state)
{
    (void)state;
    enum { COUNT = 30 };
    static const char *const names[] = {"01", "02", "03"};
    duet_error error = {0};
    duet_data *data = NULL;
    uint8_t bytes[COUNT * 4], labels[COUNT];
    char path[PATH_SIZE];
    for (size_t i = 0; i < COUNT * 4; i++) bytes[i] = (uint8_t)(i * i % 251);
    for (size_t i = 0; i < COUNT; i++) labels[i] = (uint8_t)(i % 3);
    const duet_own_data set = {.name = "numbered",
                               .shape = DUET_SHAPE(2, 2),
                               .type = DUET_UINT8,
                               .count = {COUNT},
                               .examples = {bytes},
                               .labels = {labels},
                               .classes = 3,
                               .class_names = names};
    assert_ok(duet_data_from_memory(&data, &set, &error), &error);
    assert_ok(duet_data_convert(data, inside("numbered.npz", path), &error), &error);
    duet_data_close(&data);
    expect(RUN("train", "cvae", "--data", "@/numbered.npz", "--batch", "5", "--steps", "2", "--out", "@/numbered"), 0,
           NULL, NULL);
    expect(RUN("sample", "@/numbered", "--class", "1"), 2, NULL,
           "--class 1 is '02' by its number and '01' by its name");
    expect(RUN("sample", "@/numbered", "--class", "01", "--out", "@/one.npy"), 0, NULL, NULL);
    expect(RUN("sample", "@/numbered", "--class", "0", "--out", "@/first.npy"), 0, NULL, NULL);
}

static void a_judge_knows_its_classes_whatever_it_is_shown(void **state)
{
    (void)state;
    char *said[2], path[PATH_SIZE];
    size_t size;
    use_fashion();
    write_idx("bare-images-idx3-ubyte", DIMS(20, 4, 4), 7);
    expect(RUN("train", "classifier", "--batch", "5", "--steps", "3", "--set", "average=0.9", "--out", "@/judge"), 0,
           NULL, NULL);
    expect(RUN("encode", "@/judge", "--data", "@/bare-images-idx3-ubyte", "--out", "@/features.npy"), 0, "features.npy",
           NULL);
    expect(RUN("eval", "@/vae", "--features", "@/features.npy"), 2, NULL, "features.npy alone: give it once more");
    expect(RUN("classify", "@/judge", "--data", "@/bare-images-idx3-ubyte"), 0,
           "20 examples of both splits, by the classifier's softmax", NULL);
    expect(RUN("eval", "@/cvae", "--judge", "@/judge", "--data", "@/bare-images-idx3-ubyte", "--metric", "agreement"),
           1, NULL, ": the data have no labels");
    expect(RUN("eval", "@/cvae", "--data", "@/bare-images-idx3-ubyte", "--metric", "nearest-neighbour"), 1, NULL,
           ": the data have no labels");
    expect(RUN("eval", "@/cvae", "--data", "@/bare-images-idx3-ubyte", "--metric", "sharpness"), 0, "\nsharpness  ",
           "sharpness-reconstruction has no value: the model reconstructs examples by their classes, and");
    for (size_t i = 0; i < 2; i++) {
        expect(RUN("classify", "@/judge", "--set", i == 0 ? "weights=average" : "weights=trained", "--json"), 0, NULL,
               NULL);
        said[i] = test_file_read(inside("out", path), &size);
    }
    assert_string_not_equal(said[0], said[1]);
    for (size_t i = 0; i < 2; i++) free(said[i]);
    expect(RUN("classify", "@/judge", "--set", "steps=3"), 1, NULL, "--set steps=3 has no effect");
    expect(RUN("classify", "@/cvae", "--out", "@/shares.npy"), 0, "by Bayes' rule", NULL);
    assert_int_equal(unsetenv("DUET_DATA"), 0);
}

/* Dark pictures and bright ones, and which is which. */
static void write_lights(void)
{
    enum { PICTURES = 400, PIXELS = 16 };
    uint8_t pictures[PICTURES * PIXELS], labels[PICTURES];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < PICTURES; i++) {
        labels[i] = (uint8_t)(i % 2);
        for (size_t k = 0; k < PIXELS; k++)
            pictures[i * PIXELS + k] = (uint8_t)(200 * (i % 2) + (16 * i + k) * 37 % 53);
    }
    assert_ok(duet_write_npy_bytes(inside("lights-images.npy", path), pictures, DUET_SHAPE(PICTURES, 4, 4), &error),
              &error);
    assert_ok(duet_write_npy_bytes(inside("lights-labels.npy", path), labels, DUET_SHAPE(PICTURES), &error), &error);
}

/* The word of a judge that guesses looks like any other's. */
static void it_is_said_how_good_a_judge_is(void **state)
{
    (void)state;
    write_lights();
    expect(RUN("train", "vae", "--data", "@/lights-images.npy", "--steps", "1", "--quiet", "--out", "@/judged"), 0,
           NULL, NULL);
    expect(RUN("train", "classifier", "--data", "@/lights-images.npy", "--batch", "40", "--epochs", "5", "--quiet",
               "--out", "@/good"),
           0, NULL, NULL);
    expect(RUN("train", "classifier", "--data", "@/lights-images.npy", "--steps", "1", "--set", "lr=0", "--quiet",
               "--out", "@/guessing"),
           0, NULL, NULL);
    result good = RUN("eval", "@/judged", "--judge", "@/good", "--metric", "inception-score", "--json");
    assert_null(strstr(good.err, "always says"));
    expect(good, 0, "\"judge_accuracy\": {", "the judge is right about 1 [0.9");
    expect(RUN("eval", "@/judged", "--judge", "@/guessing", "--metric", "inception-score"), 0, NULL,
           "their commonest class is right about 0.5: the judge may be guessing");
    expect(RUN("report", "@/judged", "--judge", "@/guessing"), 0, NULL, "the judge may be guessing");
    expect(RUN("train", "vae", "--data", "@/lights-images.npy", "--steps", "1", "--out", "@/best", "--keep-best",
               "inception-score", "--judge", "@/guessing"),
           0, NULL, "warning: the judge is right about 0.");
    result watched = RUN("train", "vae", "--data", "@/lights-images.npy", "--steps", "1", "--out", "@/watched",
                         "--watch", "classes", "--judge", "@/good");
    assert_null(strstr(watched.err, "the judge"));
    expect(watched, 0, "watched", "images/s");
    expect(RUN("eval", "@/judged", "--metric", "mse", "--json"), 0, "\"judge_accuracy\": null", NULL);
}

/* Its codes lie as they please: between those of two examples a row begins and ends at their reconstructions. */
static void an_autoencoder_walks_between_codes(void **state)
{
    (void)state;
    expect(RUN("train", "ae", "--data", "ring8", "--steps", "30", "--set", "latent=2", "--quiet", "--out", "@/ae"), 0,
           "ae", NULL);
    expect(RUN("interpolate", "@/ae", "-n", "1", "--steps", "3", "--out", "@/walk.npy"), 0, "walk.npy", NULL);
    expect(RUN("reconstruct", "@/ae", "-n", "2", "--out", "@/again.npy"), 0, "again.npy", NULL);
    float *walk = (float *)read_array("walk.npy", "'shape': (1, 3, 2)", 6 * sizeof(float));
    float *pairs = (float *)read_array("again.npy", "'shape': (2, 2, 2)", 8 * sizeof(float));
    for (size_t i = 0; i < 2; i++) {
        assert_float_equal(walk[i], pairs[4 + i], 1e-5f);
        assert_float_equal(walk[4 + i], pairs[6 + i], 1e-5f);
    }
    free(walk);
    free(pairs);
    expect(RUN("interpolate", "@/ae", "--linear", "--out", "@/walk.npy"), 0, "walk.npy", "--linear has no effect");
    expect(RUN("interpolate", "@/ae", "--seed", "0", "--out", "@/walk.npy"), 0, "walk.npy", "--seed has no effect");
    expect(RUN("traverse", "@/ae"), 1, NULL, "its codes have no prior");
    expect(RUN("sample", "@/ae", "--manifold", "3"), 1, NULL, "its codes have no prior");
    expect(RUN("invert", "@/ae"), 1, NULL, "need not be: 'duet encode' has its codes");
}

/* A way needs two examples; a page, and who does not say how many, takes as many as there are. */
static void few_examples_have_few_ways(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    const float point[] = {0.1F, 0.2F};
    duet_error error = {0};
    float many[2 * 30];
    for (size_t i = 0; i < 2 * 30; i++) many[i] = (float)(i * 37 % 64) / 64;
    assert_ok(duet_write_npy(inside("thirty.npy", path), many, DUET_SHAPE(30, 2), &error), &error);
    expect(RUN("train", "ae", "--data", "@/thirty.npy", "--steps", "2", "--batch", "8", "--set", "latent=2", "--quiet",
               "--out", "@/few-ae"),
           0, "few-ae", NULL);
    expect(RUN("interpolate", "@/few-ae", "--out", "@/walk.npy"), 0, "walk.npy", NULL);
    free(read_array("walk.npy", "'shape': (1, 12, 2)", 24 * sizeof(float)));
    expect(RUN("interpolate", "@/few-ae", "-n", "2", "--out", "@/walk.npy"), 1, NULL, "takes the codes of 4 examples");
    expect(RUN("report", "@/few-ae"), 0, "report.html", NULL);
    assert_ok(duet_write_npy(inside("single.npy", path), point, DUET_SHAPE(1, 2), &error), &error);
    expect(RUN("report", "@/few-ae", "--data", "@/single.npy"), 0, "report.html", NULL);
}

static void latents_are_traversed(void **state)
{
    (void)state;
    json_t *walks = document(RUN("interpolate", "@/vae", "-n", "3", "--steps", "4", "--json", "--out", "@/walks.npy"));
    json_t *shape = json_object_get(walks, "shape");
    assert_non_null(strstr(json_string_value(json_object_get(walks, "file")), "walks.npy"));
    assert_int_equal(json_array_size(shape), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(json_integer_value(json_array_get(shape, i)), ((const int[]){3, 4, 2})[i]);
    json_decref(walks);
    json_t *parsed = document(RUN("traverse", "@/vae", "--latent", "1", "--json", "--out", "@/way.npy"));
    json_t *row = json_array_get(json_object_get(parsed, "rows"), 0);
    assert_int_equal(json_integer_value(json_object_get(row, "latent")), 1);
    assert_true(json_number_value(json_object_get(row, "change")) > 0);
    json_decref(parsed);
    expect(RUN("traverse", "@/vae", "-n", "3"), 0, "samples/traversal.png", NULL);
    expect(RUN("traverse", "@/vae", "--latent", "20"), 1, NULL, "none of the latents 0 to 19");
    expect(RUN("interpolate", "@/vae", "--linear", "--out", "@/way.npy"), 0, "way.npy", NULL);
}

static int compare_floats(const void *a, const void *b)
{
    const float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

/* The mean of the scores by the bound is the metric's -ELBO, but for the noise. */
static void examples_are_scored(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    size_t size;
    expect(RUN("score", "@/vae", "-n", "200", "--against", "grid25"), 0, "against 200 examples of grid25: AUROC", NULL);
    json_t *parsed = document(RUN("score", "@/vae", "-n", "500", "--json", "--out", "@/scores.npy"));
    assert_string_equal(json_string_value(json_object_get(parsed, "by")), "elbo");
    json_t *highest = json_object_get(parsed, "highest");
    assert_int_equal(json_array_size(highest), 10);
    size_t example = (size_t)json_integer_value(json_object_get(json_array_get(highest, 0), "example"));
    double most = json_number_value(json_object_get(json_array_get(highest, 0), "score"));
    double median =
        json_number_value(json_object_get(json_array_get(json_object_get(parsed, "quantiles"), 2), "score"));
    json_decref(parsed);
    char *bytes = test_file_read(inside("scores.npy", path), &size);
    float *scores = (float *)(void *)(bytes + size - 500 * sizeof(float));
    assert_close(scores[example], most, 1e-4 * fabs(most));
    qsort(scores, 500, sizeof *scores, compare_floats);
    assert_close(scores[499], most, 1e-4 * fabs(most));
    assert_close((scores[249] + scores[250]) / 2, median, 1e-5 * fabs(median));
    free(bytes);
    static const float far[] = {1e25f, 0, -1e25f, 1};
    duet_error error = {0};
    assert_ok(duet_write_npy(inside("far.npy", path), far, DUET_SHAPE(2, 2), &error), &error);
    expect(RUN("score", "@/vae", "--against", "@/far.npy"), 4, "against 2 examples of", "2 of 2 scores of ");
    expect(RUN("score", "@/vae", "--by", "nll"), 1, NULL, "it has: elbo reconstruction");
    expect(RUN("score", "@/vae", "--by", "nonsense"), 2, NULL, "no score 'nonsense'");
    expect(RUN("score", "@/gan", "-n", "100"), 0, "discriminator of 100 examples", NULL);
    expect(RUN("classify", "@/vae"), 1, NULL, "cannot classify");
}

static void has_an_interval(const json_t *object, const char *key, double least, double most)
{
    char low[64], high[64];
    snprintf(low, sizeof low, "%s_low", key);
    snprintf(high, sizeof high, "%s_high", key);
    const double value = json_number_value(json_object_get(object, key)),
                 from = json_number_value(json_object_get(object, low)),
                 to = json_number_value(json_object_get(object, high));
    assert_true(least <= from && from <= value && value <= to && to <= most && from < to);
}

/* What is estimated of some examples says how far it may be off; of one example nothing does. */
static void estimates_come_with_their_intervals(void **state)
{
    (void)state;
    use_fashion();
    json_t *scored = document(RUN("score", "@/vae", "-n", "100", "--against", "grid25", "--json"));
    has_an_interval(json_object_get(scored, "against"), "average_precision", 0, 1);
    json_decref(scored);
    json_t *classified = document(RUN("classify", "@/cvae", "-n", "8", "--json"));
    assert_int_equal(unsetenv("DUET_DATA"), 0);
    has_an_interval(classified, "confidence", 0, 1);
    const json_t *shares = json_object_get(classified, "shares"), *high = json_object_get(classified, "shares_high");
    assert_int_equal(json_array_size(high), json_array_size(shares));
    assert_true(json_number_value(json_array_get(high, 0)) > json_number_value(json_array_get(shares, 0)));
    json_decref(classified);
    json_t *inverted = document(RUN("invert", "@/vae", "-n", "8", "--set", "steps=2", "--json"));
    has_an_interval(inverted, "mse", 0, INFINITY);
    has_an_interval(inverted, "met_share", 0, 1);
    json_decref(inverted);
    json_t *one = document(RUN("invert", "@/vae", "-n", "1", "--set", "steps=2", "--json"));
    assert_true(json_is_null(json_object_get(one, "mse_low")) && json_is_null(json_object_get(one, "met_share_high")));
    json_decref(one);
}

/* The columns in a file are those of the document; both densities are whole. */
static void a_discriminator_is_drawn_along_the_line(void **state)
{
    (void)state;
    expect(RUN("score", "@/gan", "--curve", "@/curve.png"), 1, NULL, "one dimension");
    expect(RUN("score", "@/gan", "--curve", "@/curve.txt"), 2, NULL, "--curve takes");
    expect(RUN("train", "gan", "--data", "two-peaks", "--steps", "2", "--set", "generator_hidden=4", "--set",
               "discriminator_hidden=4", "--set", "latent=2", "--out", "@/line"),
           0, "/line", NULL);
    expect(RUN("score", "@/line", "--curve", "@/curve.png"), 0, "the best discriminator", NULL);
    expect(RUN("score", "@/line", "--curve", "@/curve.npy"), 0, "x p q best discriminator", NULL);
    expect(RUN("score", "@/line", "--curve", "@/curve.png", "--by", "discriminator"), 2, NULL,
           "--curve gives no scores");
    json_t *parsed = document(RUN("score", "@/line", "--curve", "@/curve.npy", "--json"));
    json_t *curve = json_object_get(parsed, "curve"), *p = json_object_get(curve, "p");
    float *rows = (float *)read_array("curve.npy", "'shape': (401, 5)", 401 * 5 * sizeof(float));
    double mass = 0;
    for (size_t i = 0; i < 401; i++) {
        mass += json_number_value(json_array_get(p, i)) * 0.02;
        assert_close(rows[5 * i], -4 + 0.02 * (double)i, 1e-5);
        assert_close(rows[5 * i + 1], json_number_value(json_array_get(p, i)), 1e-5);
        assert_true(rows[5 * i + 4] > 0 && rows[5 * i + 4] < 1);
    }
    assert_close(mass, 1, 1e-3);
    free(rows);
    json_decref(parsed);
}

static void assert_same_files(const char *first, const char *second)
{
    char path[PATH_SIZE];
    size_t sizes[2];
    char *a = test_file_read(inside(first, path), &sizes[0]), *b = test_file_read(inside(second, path), &sizes[1]);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(a, b, sizes[0]);
    free(a);
    free(b);
}

/* The document says which examples were looked at. */
static void assert_looks_at(const char *command, const char *of, const char *data, const char *asked, const char *split,
                            int examples)
{
    json_t *parsed =
        asked == NULL ? document(RUN(command, of, "--data", data, "--out", "@/seen.npy", "--json"))
                      : document(RUN(command, of, "--data", data, "--split", asked, "--out", "@/seen.npy", "--json"));
    json_t *shape = json_object_get(parsed, "shape"), *count = json_object_get(parsed, "examples");
    assert_string_equal(json_string_value(json_object_get(parsed, "split")), split);
    if (shape != NULL) count = json_array_get(shape, json_array_size(shape) == 3 ? 1 : 0);
    assert_int_equal(json_integer_value(count), examples);
    json_decref(parsed);
}

/* Nobody trained on them, so that no tenth of them is kept from anything. */
static void other_data_is_looked_at_whole(void **state)
{
    (void)state;
    enum { ROWS = 40 };
    static const char *const commands[] = {"encode", "score", "reconstruct"};
    float points[2 * ROWS];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = (float)(i * 7919 % 1000) / 500 - 1;
    assert_ok(duet_write_npy(inside("other.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        assert_looks_at(commands[i], "@/vae", "@/other.npy", NULL, "all", ROWS);
        assert_looks_at(commands[i], "@/vae", "@/other.npy", "test", "test", ROWS / 10);
        assert_looks_at(commands[i], "@/vae", "@/other.npy", "train", "train", ROWS - ROWS / 10);
    }
    /* of test examples alone there are no others, whatever is asked for */
    assert_int_equal(mkdir(inside("alone", path), 0700), 0);
    copy_file("other.npy", "alone/test.npy");
    assert_looks_at("encode", "@/vae", "@/alone", NULL, "test", ROWS);
    assert_looks_at("score", "@/vae", "@/alone", "all", "test", ROWS);
    expect(RUN("score", "@/vae", "--data", "@/alone"), 0, "40 examples of the test split", NULL);
    /* in the order of the file, and as many as -n says; the originals are what reconstruct read */
    expect(RUN("reconstruct", "@/vae", "--data", "@/other.npy", "-n", "38", "--out", "@/seen.npy"), 0, NULL,
           "38 examples of both splits");
    float *seen = (float *)read_array("seen.npy", "'shape': (2, 38, 2)", 2 * 38 * 2 * sizeof(float));
    assert_memory_equal(seen, points, 38 * 2 * sizeof(float));
    free(seen);
    expect(RUN("score", "@/vae", "-n", "20", "--against", "@/other.npy"), 0, "against 20 examples", NULL);
    expect(RUN("invert", "@/vae", "--data", "@/other.npy", "--example", "39", "--set", "steps=2", "--out", "@/l.npy"),
           0, "mse", NULL);
    expect(RUN("score", "@/vae", "-n", "9"), 0, "9 examples of the test split", NULL);
    expect(RUN("eval", "@/vae", "--metric", "mse"), 0, "examples of the test split of ring8", NULL);
    expect(RUN("encode", "@/vae", "--split", "half"), 2, NULL, "train, test or all");
}

/* The model has learnt nine tenths of them, under whatever name they lie. */
static void own_data_elsewhere_keeps_its_test_split(void **state)
{
    (void)state;
    enum { ROWS = 40 };
    float points[2 * ROWS];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = (float)(i * 7919 % 991) / 500 - 1;
    assert_ok(duet_write_npy(inside("own.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    copy_file("own.npy", "moved.npy");
    expect(RUN("train", "vae", "--data", "@/own.npy", "--steps", "2", "--batch", "9", "--out", "@/moved"), 0, NULL,
           NULL);
    assert_looks_at("encode", "@/moved", "@/moved.npy", NULL, "test", ROWS / 10);
    assert_looks_at("score", "@/moved", "@/moved.npy", "all", "all", ROWS);
    expect(RUN("encode", "@/moved", "--out", "@/mine.npy"), 0, NULL, NULL);
    expect(RUN("encode", "@/moved", "--data", "@/moved.npy", "--out", "@/same.npy"), 0, NULL, NULL);
    assert_same_files("mine.npy", "same.npy");
    points[0] += 1;
    assert_ok(duet_write_npy(inside("moved.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    assert_looks_at("encode", "@/moved", "@/moved.npy", NULL, "all", ROWS);
    expect(RUN("reconstruct", "@/moved", "--split", "all", "--out", "@/all.npy"), 0, NULL,
           "40 examples of both splits");
    float *seen = (float *)read_array("all.npy", "'shape': (2, 40, 2)", 2 * 40 * 2 * sizeof(float));
    points[0] -= 1;
    assert_memory_equal(seen, points, 40 * 2 * sizeof(float));
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_drawn),
        cmocka_unit_test(a_seed_gives_its_samples),
        cmocka_unit_test(a_model_cannot_give_what_it_has_not),
        cmocka_unit_test(a_run_in_the_plane_is_encoded_and_spread),
        cmocka_unit_test(classes_are_asked_for_by_number_or_name),
        cmocka_unit_test(a_number_that_names_another_class_is_refused),
        cmocka_unit_test(a_judge_knows_its_classes_whatever_it_is_shown),
        cmocka_unit_test(it_is_said_how_good_a_judge_is),
        cmocka_unit_test(an_autoencoder_walks_between_codes),
        cmocka_unit_test(few_examples_have_few_ways),
        cmocka_unit_test(latents_are_traversed),
        cmocka_unit_test(examples_are_scored),
        cmocka_unit_test(estimates_come_with_their_intervals),
        cmocka_unit_test(a_discriminator_is_drawn_along_the_line),
        cmocka_unit_test(other_data_is_looked_at_whole),
        cmocka_unit_test(own_data_elsewhere_keeps_its_test_split),
    };
    return RUN_TESTS("cli use", tests, train_two, remove_folder);
}
