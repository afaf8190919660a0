/* SPDX-License-Identifier: MIT */
/* What the program makes of runs: evaluated, asked with settings, and refused where what is asked has no effect or the
 * files of a run do not belong together. */
#include "two_runs.h"

#include "duet/report.h"

static void evaluation_is_a_document(void **state)
{
    (void)state;
    json_t *parsed = document_of(RUN("eval", "@/vae", "--metric", "elbo", "--json"), 2);
    assert_string_equal(json_string_value(json_object_get(parsed, "model")), "vae");
    assert_string_equal(json_string_value(json_object_get(parsed, "data")), "ring8");
    assert_string_equal(json_string_value(json_object_get(parsed, "split")), "test");
    json_t *elbo = json_object_get(json_object_get(parsed, "metrics"), "elbo");
    double value = json_number_value(json_object_get(elbo, "value"));
    assert_true(json_number_value(json_object_get(elbo, "low")) < value);
    assert_true(json_number_value(json_object_get(elbo, "high")) > value);
    assert_true(json_integer_value(json_object_get(elbo, "n")) > 0);
    assert_null(json_object_get(elbo, "features")); /* it goes by none */
    assert_true(json_is_null(json_object_get(parsed, "features")));
    json_decref(parsed);
}

static void write_features(const char *name, size_t stride)
{
    enum { ROWS = 120, WIDTH = 2 };
    float values[ROWS * WIDTH];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < ROWS * WIDTH; i++) values[i] = (float)(i * stride % 97);
    assert_ok(duet_write_npy(inside(name, path), values, DUET_SHAPE(ROWS, WIDTH), &error), &error);
}

/* The checksum of what the features of --features SAMPLES DATA are known by. */
static void features_of(const char *samples, const char *data, char checksum[32])
{
    json_t *parsed = document_of(
        RUN("eval", "@/vae", "--metric", "precision", "--json", "--features", samples, "--features", data), 2);
    json_t *features = json_object_get(parsed, "features"),
           *recall = json_object_get(json_object_get(parsed, "metrics"), "recall");
    assert_string_equal(json_string_value(json_object_get(features, "name")), data + 2); /* less "@/" */
    (void)snprintf(checksum, 32, "%s", json_string_value(json_object_get(features, "checksum")));
    assert_int_equal(strlen(checksum), 16);
    assert_string_equal(json_string_value(json_object_get(recall, "features")), checksum);
    json_decref(parsed);
}

static void results_name_their_features(void **state)
{
    (void)state;
    char once[32], other_samples[32], other_data[32];
    write_features("features-a.npy", 31);
    write_features("features-b.npy", 17);
    features_of("@/features-a.npy", "@/features-b.npy", once);
    features_of("@/features-b.npy", "@/features-b.npy", other_samples);
    features_of("@/features-a.npy", "@/features-a.npy", other_data);
    assert_string_equal(once, other_samples); /* the encoder is known by the data's features */
    assert_string_not_equal(once, other_data);
}

/* 800 points in place of samples: what needs more is named and left out, unless it is what was asked for. */
static void few_samples_cost_what_needs_more(void **state)
{
    (void)state;
    enum { ROWS = 800 };
    float points[2 * ROWS];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = (float)(i * 7919 % 1000) / 500 - 1;
    assert_ok(duet_write_npy(inside("few.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    json_t *parsed = document_of(RUN("eval", "@/vae", "--samples", "@/few.npy", "--json"), 2);
    json_t *metrics = json_object_get(parsed, "metrics");
    assert_null(json_object_get(metrics, "modes"));
    static const char *const given[] = {"elbo", "neighbour-spread", "memorisation"};
    for (size_t i = 0; i < 3; i++) assert_non_null(json_object_get(metrics, given[i]));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(metrics, "memorisation"), "n")), ROWS);
    json_decref(parsed);
    expect(RUN("eval", "@/vae", "--samples", "@/few.npy"), 0, "neighbour-spread",
           "modes is left out: modes needs at least 2500 samples");
    expect(RUN("eval", "@/vae", "--samples", "@/few.npy", "--metric", "modes"), 1, NULL, "few.npy has 800");
}

/* What the model's own samples are asked for is not said of samples that are given. */
static void given_samples_are_not_what_the_model_draws(void **state)
{
    (void)state;
    enum { ROWS = 10000 };
    static const char *const of_the_model[] = {"accuracy", "margin-real", "accuracy-fake", "margin-fake"};
    static float points[2 * ROWS];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = (float)(i * 7919 % 1000) / 500 - 1;
    assert_ok(duet_write_npy(inside("rows.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    json_t *own = document_of(RUN("eval", "@/gan", "--json"), 2);
    json_t *given = document_of(RUN("eval", "@/gan", "--samples", "@/rows.npy", "--json"), 2);
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(json_object_get(json_object_get(own, "metrics"), of_the_model[i]));
        assert_null(json_object_get(json_object_get(given, "metrics"), of_the_model[i]));
    }
    json_decref(own);
    json_decref(given);
    expect(RUN("eval", "@/gan", "--samples", "@/rows.npy", "--metric", "accuracy"), 1, NULL,
           "the discriminator plays against what the model draws");
    expect(RUN("eval", "@/gan", "--samples", "@/rows.npy", "--metric", "jensen-shannon-discriminator"), 1, NULL,
           "the discriminator plays against what the model draws");
    own = document_of(RUN("eval", "@/gan", "--samples", "@/rows.npy", "--metric", "cost", "--json"), 2);
    assert_non_null(json_object_get(json_object_get(own, "metrics"), "parameters"));
    assert_null(json_object_get(json_object_get(own, "metrics"), "sample-ms"));
    assert_null(json_object_get(json_object_get(own, "metrics"), "sample-gflop"));
    json_decref(own);
    expect(RUN("train", "nice", "--data", "ring8", "--steps", "1", "--out", "@/nice"), 0, NULL, NULL);
    own = document_of(RUN("eval", "@/nice", "--samples", "@/rows.npy", "--metric", "jensen-shannon", "--json"), 2);
    assert_non_null(json_object_get(json_object_get(own, "metrics"), "jensen-shannon"));
    assert_null(json_object_get(json_object_get(own, "metrics"), "jensen-shannon-exact"));
    json_decref(own);
}

static void settings_without_effect_are_named(void **state)
{
    (void)state;
    static const char words[] = "--set examples=5 has no effect";
    expect(RUN("eval", "@/vae", "--metric", "mse", "--set", "examples=5"), 1, NULL, words);
    expect(RUN("eval", "@/vae", "--metric", "mse", "--metric", "log-likelihood", "--set", "examples=5", "--set", "k=3"),
           0, "log-likelihood", NULL);
    expect(RUN("eval", "@/gan", "--metric", "modes", "--set", "sigma=0.1"), 1, NULL, "--set sigma=0.1 has no effect");
    expect(RUN("sample", "@/gan", "--set", "weights=average"), 1, NULL, ", say, or --set generator.average=0.999\n");
    expect(RUN("sample", "@/vae", "--set", "weights=average"), 1, NULL, ", say, or --set decoder.average=0.999\n");
    expect(RUN("sample", "@/vae", "--set", "k=3", "--out", "@/unread.npy"), 1, NULL, "--set k=3 has no effect");
    expect(RUN("score", "@/vae", "--by", "elbo", "--set", "k=3"), 1, NULL, "--set k=3 has no effect");
    expect(RUN("invert", "@/vae", "--set", "k=3"), 1, NULL, "--set k=3 has no effect");
    expect(RUN("invert", "@/vae", "-n", "2", "--set", "steps=2", "--out", "@/found.npy"), 0, NULL, NULL);
    expect(RUN("train", "vae", "--data", "ring8", "--judge", "@/vae", "--out", "@/vain"), 2, NULL,
           "name one with --watch");
}

static void what_none_asks_for_is_named(void **state)
{
    (void)state;
    write_features("idle.npy", 5);
    expect(RUN("eval", "@/vae", "--metric", "mse", "--features", "@/idle.npy", "--features", "@/idle.npy"), 0, "mse",
           "--features has no effect");
    expect(RUN("eval", "@/vae", "--metric", "mse", "--samples", "@/few.npy"), 0, "mse", "--samples has no effect");
    result looked = RUN("eval", "@/vae", "--metric", "neighbour-spread", "--samples", "@/few.npy");
    assert_null(strstr(looked.err, "--samples has no effect"));
    expect(looked, 0, "neighbour-spread", NULL);
    expect(RUN("reconstruct", "@/vae", "-n", "20000", "--out", "@/all.npy"), 0, NULL,
           "-n 20000 asks for more than there are: 10000 examples");
    expect(RUN("traverse", "@/vae", "-n", "500", "--out", "@/all.npy"), 0, NULL, "-n 500 asks for more than the");
    /* what the model has not costs itself alone, and the exit status */
    expect(RUN("eval", "@/vae", "--metric", "accuracy", "--metric", "mse"), 1, "mse", "accuracy is left out: ");
    result some = RUN("eval", "@/vae", "--metric", "mse", "--metric", "accuracy", "--json");
    json_t *rest = json_loads(some.out, 0, NULL);
    assert_int_equal(some.status, 1);
    result_free(&some);
    assert_non_null(json_object_get(json_object_get(rest, "metrics"), "mse"));
    json_decref(rest);
    expect(RUN("eval", "@/vae", "--metric", "accuracy", "--metric", "frechet"), 1, "", "frechet is left out: ");
    expect(RUN("eval", "@/vae", "--metric", "frechet"), 1, NULL,
           "ring8: it is for models that sample, with a judge or with --features");
    expect(RUN("eval", "@/vae", "--metric", "frechet", "--judge", "@/gan"), 1, NULL,
           "a judge is a run of a classifier");
    result r = RUN("eval", "@/vae", "--metric", "mse", "--metric", "mse");
    const char *first = strstr(r.out, "mse");
    assert_true(first != NULL && strstr(first + 1, "mse") == NULL);
    result_free(&r);
    r = RUN("eval", "@/vae", "--metric", "cost");
    assert_true(r.status == 0 && strstr(r.out, "sample-joule") != NULL && strstr(r.out, "nan") == NULL);
    result_free(&r);
}

/* What would train for an epoch in vain, or otherwise than was meant, leaves no run behind. */
static void mistakes_show_before_the_first_step(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    expect(RUN("train", "vae", "--data", "ring8", "--epochs", "1", "--watch", "agreement", "--out", "@/vain"), 2, NULL,
           "\"agreement\" cannot be computed");
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "1", "--set", "lr_schedule=cosine", "--out", "@/vain"), 2,
           NULL, "lr_steps is 0");
    assert_int_not_equal(access(inside("vain", path), F_OK), 0);
}

static void one_command_line_begins_a_run_and_goes_on_with_it(void **state)
{
    (void)state;
    static const char *const totals[] = {"3", "3", "5"}, *const words[] = {"3 steps", "has 3 steps already", "5 steps"};
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        expect(RUN("train", "vae", "--data", "ring8", "--batch", "9", "--set", "latent=2", "--steps", totals[i],
                   "--out", "@/gone-on", "--go-on"),
               0, "gone-on", words[i]);
    expect(RUN("train", "vae", "--data", "ring8", "--batch", "8", "--steps", "9", "--out", "@/gone-on", "--go-on"), 1,
           NULL, "batch: the run goes on with 9");
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "3", "--go-on"), 2, NULL, "--out DIR");
}

/* A likelihood of bytes gives the number between two of them that of the nearer one. */
static void floats_between_bytes_are_refused_where_bytes_are_meant(void **state)
{
    (void)state;
    enum { ROWS = 40 };
    static const struct meaning {
        const char *model, *likelihood, *words;
    } meanings[] = {{"vae", "likelihood=discretised-logistic", "likelihood=gaussian-learned"},
                    {"made", "likelihood=categorical", "likelihood=bernoulli"},
                    {"made", "likelihood=mixture", "likelihood=bernoulli"}};
    float numbers[2 * ROWS];
    char path[PATH_SIZE], out[32];
    duet_error error = {0};
    for (size_t i = 0; i < 2 * ROWS; i++) numbers[i] = (float)(i * 7919 % 256) * (1 / 255.0F);
    assert_ok(duet_write_npy(inside("bytes.npy", path), numbers, DUET_SHAPE(ROWS, 2), &error), &error);
    for (size_t i = 0; i < 2 * ROWS; i += 2) numbers[i] = 0.3F;
    assert_ok(duet_write_npy(inside("between.npy", path), numbers, DUET_SHAPE(ROWS, 2), &error), &error);
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const struct meaning *it = &meanings[i];
        (void)snprintf(out, sizeof out, "@/bytes-%zu", i);
        expect(RUN("train", it->model, "--set", it->likelihood, "--data", "@/bytes.npy", "--batch", "9", "--steps", "1",
                   "--out", out),
               0, NULL, NULL);
        expect(RUN("train", it->model, "--set", it->likelihood, "--data", "@/between.npy", "--batch", "9", "--steps",
                   "1", "--out", "@/none"),
               1, NULL, it->words);
        const char *metric = i == 0 ? "elbo" : "nll";
        expect(RUN("eval", out, "--data", "@/between.npy", "--metric", metric), 0, metric, "takes each for the nearer");
        result own = RUN("eval", out, "--metric", metric);
        assert_null(strstr(own.err, "nearer"));
        expect(own, 0, metric, NULL);
    }
    expect(RUN("train", "made", "--data", "@/between.npy", "--batch", "9", "--steps", "1", "--set",
               "likelihood=categorical", "--out", "@/none"),
           1, NULL, "such as 0.300000012: save (255 * array).round().astype('u1')");
}

/* Averages are other weights, and nothing but settings makes one command ask them. */
static void every_command_takes_settings_of_use(void **state)
{
    (void)state;
    static const struct asking {
        const char *command, *n;
        size_t numbers; /* the last so many of the array */
    } askings[] = {
        {"reconstruct", "4", 8}, {"interpolate", "1", 24}, {"traverse", "1", 20},
        {"encode", "5", 10},     {"score", "6", 6},
    };
    char path[PATH_SIZE];
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "9", "--set", "average=0.9", "--set", "latent=2", "--out",
               "@/averaged"),
           0, NULL, NULL);
    for (size_t i = 0; i < sizeof askings / sizeof *askings; i++) {
        const struct asking *asking = &askings[i];
        const size_t bytes = asking->numbers * sizeof(float);
        char *made[3];
        static const char *const settings[] = {"weights=average", "weights=trained", "weights=average"};
        for (size_t k = 0; k < 3; k++) {
            size_t size;
            expect(RUN(asking->command, "@/averaged", "-n", asking->n, "--set", settings[k], "--out", "@/asked.npy"), 0,
                   NULL, NULL);
            made[k] = test_file_read(inside("asked.npy", path), &size);
            assert_true(size > bytes);
            memmove(made[k], made[k] + size - bytes, bytes);
        }
        assert_memory_equal(made[0], made[2], bytes);
        assert_memory_not_equal(made[0], made[1], bytes);
        for (size_t k = 0; k < 3; k++) free(made[k]);
        expect(RUN(asking->command, "@/averaged", "--set", "k=3"), 1, NULL, "--set k=3 has no effect");
        expect(RUN(asking->command, "@/averaged", "--set", "k"), 2, NULL, "'k' is no setting");
        expect(RUN(asking->command, "@/averaged", "--set", "kk=3"), 2, NULL, "did you mean 'k'?");
    }
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "1", "--set", "decoder.average=0.9", "--out", "@/half"), 0,
           NULL, NULL);
    expect(RUN("encode", "@/half", "-n", "2", "--set", "weights=average", "--out", "@/asked.npy"), 1, NULL,
           "--set weights=average has no effect: nothing that is asked for reads it");
    expect(RUN("reconstruct", "@/half", "-n", "2", "--set", "weights=average", "--out", "@/asked.npy"), 0, NULL, NULL);
}

/* A run made of one's run.json and another's checkpoint. */
static void mix(const char *run_file, const char *checkpoint, const char *name)
{
    char path[PATH_SIZE], to[128];
    (void)mkdir(inside(name, path), 0777);
    (void)snprintf(to, sizeof to, "%s/run.json", name);
    copy_file(run_file, to);
    (void)snprintf(to, sizeof to, "%s/checkpoint.safetensors", name);
    copy_file(checkpoint, to);
}

static void a_checkpoint_of_another_model_is_refused(void **state)
{
    (void)state;
    mix("gan/run.json", "vae/checkpoint.safetensors", "mixed");
    expect(RUN("sample", "@/mixed"), 1, NULL, "checkpoint.safetensors");
    expect(RUN("train", "--resume", "@/mixed", "--steps", "9"), 1, NULL, "checkpoint.safetensors");
    expect(RUN("train", "gan", "--resume", "@/vae", "--steps", "9"), 1, NULL, "vae");
}

static void a_run_file_of_bad_settings_is_refused(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    json_error_t error;
    json_t *run_file = json_load_file(inside("vae/run.json", path), 0, &error);
    assert_non_null(run_file);
    assert_int_equal(json_object_set_new(json_object_get(run_file, "settings"), "latent", json_string("many")), 0);
    (void)mkdir(inside("odd", path), 0777);
    assert_int_equal(json_dump_file(run_file, inside("odd/run.json", path), 0), 0);
    json_decref(run_file);
    expect(RUN("train", "--resume", "@/odd", "--steps", "9"), 1, NULL, "latent");
    expect(RUN("sample", "@/odd"), 1, NULL, "latent");
}

static void a_corrupted_checkpoint_is_refused(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    size_t size;
    mix("vae/run.json", "vae/checkpoint.safetensors", "corrupted");
    char *bytes = test_file_read(inside("corrupted/checkpoint.safetensors", path), &size);
    test_file_write(path, bytes, size - 1);
    expect(RUN("eval", "@/corrupted"), 1, NULL, "checkpoint.safetensors");
    memset(bytes, 0xff, 8); /* the header's length */
    test_file_write(path, bytes, size);
    expect(RUN("train", "--resume", "@/corrupted", "--steps", "9"), 1, NULL, "checkpoint.safetensors");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_is_a_document),
        cmocka_unit_test(results_name_their_features),
        cmocka_unit_test(few_samples_cost_what_needs_more),
        cmocka_unit_test(given_samples_are_not_what_the_model_draws),
        cmocka_unit_test(settings_without_effect_are_named),
        cmocka_unit_test(what_none_asks_for_is_named),
        cmocka_unit_test(mistakes_show_before_the_first_step),
        cmocka_unit_test(one_command_line_begins_a_run_and_goes_on_with_it),
        cmocka_unit_test(floats_between_bytes_are_refused_where_bytes_are_meant),
        cmocka_unit_test(every_command_takes_settings_of_use),
        cmocka_unit_test(a_checkpoint_of_another_model_is_refused),
        cmocka_unit_test(a_run_file_of_bad_settings_is_refused),
        cmocka_unit_test(a_corrupted_checkpoint_is_refused),
    };
    return RUN_TESTS("cli runs", tests, train_two, remove_folder);
}
