/* SPDX-License-Identifier: MIT */
/* Features in files, by the judge that gave them: what they say is what the judge says, and of which examples and
 * samples they are is looked at. */
#include "judged_runs.h"

static double frechet_of(result made, char checksum[24])
{
    json_t *parsed = document_of(made, 2), *value = json_object_get(json_object_get(parsed, "metrics"), "frechet");
    double number = json_number_value(json_object_get(value, "value"));
    const char *sum = json_string_value(json_object_get(json_object_get(parsed, "features"), "checksum"));
    (void)snprintf(checksum, 24, "%s", sum == NULL ? "" : sum);
    json_decref(parsed);
    return number;
}

/* A judge of other examples judges nothing, and costs nothing else. */
static void a_judge_that_does_not_fit_costs_what_needs_one(void **state)
{
    (void)state;
    static const char misfit[] = "the judge has learnt examples of 64 numbers in [0, 1] and is to judge examples of 2";
    expect(RUN("train", "mixture", "--data", "ring8", "--steps", "2", "--out", "@/ring"), 0, NULL, NULL);
    result idle = RUN("eval", "@/ring", "--judge", "@/judge", "--metric", "nll", "--json");
    assert_null(strstr(idle.err, misfit));
    expect(idle, 0, "\"judge\": null", "--judge has no effect");
    result some = RUN("eval", "@/ring", "--judge", "@/judge", "--metric", "nll", "--metric", "frechet");
    assert_non_null(strstr(some.err, "frechet is left out: "));
    assert_null(strstr(some.err, "the judge is left out"));
    expect(some, 1, "nll", misfit);
    expect(RUN("eval", "@/ring", "--judge", "@/judge", "--metric", "inception-score"), 1, NULL, misfit);
    result usual = RUN("eval", "@/ring", "--judge", "@/judge");
    assert_non_null(strstr(usual.err, "the judge is left out: "));
    expect(usual, 0, "nll", misfit);
    expect(RUN("compare", "@/ring", "@/vae", "--judge", "@/judge", "--json"), 0, misfit, NULL);
    expect(RUN("eval", "@/ring", "--features", "@/no.npy", "--features", "@/no.npy", "--metric", "nll"), 0, "nll",
           "--features has no effect");
}

/* The judge's features in files say what the judge itself says. */
static void features_are_what_the_judge_sees(void **state)
{
    (void)state;
    char direct_sum[24], given_sum[24], path[PATH_SIZE];
    expect(RUN("features", "@/vae", "--judge", "@/judge", "--out", "@/s.npy"), 0, "s-judge.json", NULL);
    json_t *parsed = document(RUN("features", "@/judge", "--split", "test", "--out", "@/e.npy", "--json"));
    json_t *shape = json_object_get(parsed, "shape");
    assert_string_equal(json_string_value(json_object_get(parsed, "of")), "examples");
    assert_int_equal(json_integer_value(json_array_get(shape, 0)), PICTURES);
    double direct = frechet_of(RUN("eval", "@/vae", "--judge", "@/judge", "--metric", "frechet", "--json"), direct_sum);
    double given = frechet_of(
        RUN("eval", "@/vae", "--features", "@/s.npy", "--features", "@/e.npy", "--metric", "frechet", "--json"),
        given_sum);
    assert_close(given, direct, 1e-6 * direct);
    assert_string_equal(json_string_value(json_object_get(json_object_get(parsed, "features"), "checksum")),
                        direct_sum);
    json_decref(parsed);
    expect(RUN("eval", "@/vae", "--judge", "@/judge", "--features", "@/s.npy", "--features", "@/e.npy", "--metric",
               "frechet"),
           0, "frechet", "--judge has no effect");
    result both = RUN("eval", "@/vae", "--judge", "@/judge", "--features", "@/s.npy", "--features", "@/e.npy",
                      "--metric", "frechet", "--metric", "inception-score");
    assert_null(strstr(both.err, "has no effect"));
    expect(both, 0, "inception-score", NULL);
    /* examples of both splits, in order, and the first of them; without --split of those the judge learnt from, test */
    parsed = document(RUN("features", "@/judge", "--data", "@/pictures", "--split", "all", "-n", "400", "--out",
                          "@/a.npy", "--json"));
    assert_int_equal(json_integer_value(json_array_get(json_object_get(parsed, "shape"), 0)), 400);
    json_decref(parsed);
    size_t size, all_size;
    char *test = test_file_read(inside("e.npy", path), &size), *all = test_file_read(inside("a.npy", path), &all_size);
    size_t row = (size - 128) / PICTURES;
    assert_int_equal(all_size - 128, 400 * row);
    assert_memory_equal(all + 128 + PICTURES * row, test + 128, 100 * row);
    free(test);
    free(all);
}

static void features_of_two_judges_do_not_mix(void **state)
{
    (void)state;
    char from[PATH_SIZE], to[PATH_SIZE];
    size_t size;
    expect(RUN("features", "@/vae", "--judge", "@/judge", "--out", "@/s.npy"), 0, NULL, NULL);
    expect(RUN("features", "@/other", "--split", "test", "--out", "@/o.npy"), 0, NULL, NULL);
    expect(RUN("eval", "@/vae", "--features", "@/s.npy", "--features", "@/o.npy", "--metric", "frechet"), 1, NULL,
           "distances between them say nothing");
    expect(RUN("eval", "@/vae", "--features", "@/o.npy", "--features", "@/s.npy", "--metric", "frechet"), 1, NULL,
           "those of samples are named first");
    char *bytes = test_file_read(inside("o.npy", from), &size);
    write_file("o.npy.gz", bytes, size); /* of the same numbers, whose note it is too */
    free(bytes);
    expect(RUN("eval", "@/vae", "--features", "@/s.npy", "--features", "@/o.npy.gz", "--metric", "frechet"), 1, NULL,
           "distances between them say nothing");
    bytes = test_file_read(inside("s.npy", from), &size);
    test_file_write(inside("o.npy", to), bytes, size); /* the note beside it is of other numbers now */
    free(bytes);
    expect(RUN("eval", "@/vae", "--features", "@/s.npy", "--features", "@/o.npy", "--metric", "frechet"), 0, NULL,
           NULL);
    expect(RUN("features", "@/vae"), 1, NULL, "has no features");
    expect(RUN("features", "@/vae", "--judge", "@/gan"), 1, NULL, "a judge is a run of a classifier");
    expect(RUN("features", "@/judge"), 1, NULL, "--split or --data names examples");
    expect(RUN("features", "@/vae", "--out", "@/f.png"), 2, NULL, "ends in .npy");
    expect(RUN("features", "@/vae", "--split", "test", "--set", "weights=average"), 2, NULL,
           "--set and --seed are for samples");
    expect(RUN("features", "--help"), 0, "FILE-judge.json", NULL);
}

/* Features of samples of another run or checkpoint, or of other data, are another question's answer. The head says of
 * what they are, and of what nobody noted that nothing is known. */
static void features_are_of_the_run_that_is_judged(void **state)
{
    (void)state;
    char path[PATH_SIZE], other[PATH_SIZE];
    expect(RUN("features", "@/vae", "--judge", "@/judge", "--out", "@/s.npy"), 0, NULL, NULL);
    expect(RUN("features", "@/judge", "--split", "test", "--out", "@/e.npy"), 0, NULL, NULL);
    expect(RUN("eval", "@/vae", "--features", "@/s.npy", "--features", "@/e.npy", "--metric", "frechet"), 0,
           "s.npy, samples of vae at step ", NULL);
    expect(RUN("eval", "@/vae", "--features", "@/s.npy", "--features", "@/e.npy", "--metric", "frechet", "--json"), 0,
           "\"examples\": \"examples of the test split of ", NULL);
    expect(RUN("eval", "@/gan", "--features", "@/s.npy", "--features", "@/e.npy", "--metric", "frechet"), 1, NULL,
           "s.npy holds features of samples of vae at step ");
    write_pictures(5);
    assert_int_equal(rename(inside("pictures", path), inside("shifted", other)), 0);
    write_pictures(0);
    expect(RUN("eval", "@/vae", "--data", "@/shifted", "--features", "@/s.npy", "--features", "@/e.npy", "--metric",
               "frechet"),
           1, NULL, "e.npy holds features of examples of ");
    expect(RUN("features", "@/vae", "--judge", "@/judge", "--data", "@/shifted", "--split", "test", "--out", "@/e.npy"),
           0, NULL, NULL);
    expect(RUN("eval", "@/vae", "--data", "@/shifted", "--features", "@/s.npy", "--features", "@/e.npy", "--metric",
               "frechet"),
           0, "test split of ", NULL);
    assert_int_equal(remove(inside("s-judge.json", path)), 0);
    assert_int_equal(remove(inside("e-judge.json", path)), 0);
    expect(RUN("eval", "@/gan", "--features", "@/s.npy", "--features", "@/e.npy", "--metric", "frechet"), 0,
           "of which nothing is known", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_judge_that_does_not_fit_costs_what_needs_one),
        cmocka_unit_test(features_are_what_the_judge_sees),
        cmocka_unit_test(features_of_two_judges_do_not_mix),
        cmocka_unit_test(features_are_of_the_run_that_is_judged),
    };
    return RUN_TESTS("feature_files", tests, begin_judged_runs, remove_folder);
}
