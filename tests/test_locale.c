/* SPDX-License-Identifier: MIT */
/* A host program that has chosen a locale with a decimal comma gets the same bytes: everything is made once in each
 * locale, into a folder of its own, and the folders are compared. */
#include "comma_locale.h"
#include "run_recipes.h"

#include "duet/explain.h"
#include "duet/metric.h"
#include "tune/tuning_file.h"

static const char *const points_settings[] = {"hidden=4", "latent=2", "lr=0.0125"};
static const char *const game_settings[] = {"generator_hidden=4", "discriminator_hidden=4", "latent=2",
                                            "label_smoothing=0.1"};
static const char *const flow_settings[] = {"hidden=4"};
static const char *const noise_settings[] = {"hidden=8"};
static const char *const classes_settings[] = {"lr=0.5"};
static char points[PATH], bytes[PATH];

/* Runs whose data, settings and kernels hold fractions; `data` is filled in. */
static const struct {
    const char *name, *model, *const *data, *const *settings;
    size_t setting_count;
} recipes[] = {
    {"points", "vae", &(const char *){points}, points_settings, 3},
    {"pictures", "vae", &(const char *){pictures}, vae_settings, 2},
    {"game", "gan", &(const char *){points}, game_settings, 4},
    {"flow", "realnvp", &(const char *){points}, flow_settings, 1},
    {"noise", "ddpm", &(const char *){points}, noise_settings, 1},
    {"mixture", "mixture", &(const char *){points}, classes_settings, 1},
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

static void write_inputs(void)
{
    FILE *file = fopen(points, "w");
    assert_non_null(file);
    assert_true(fputs("x,y\n", file) >= 0);
    for (int i = 0; i < TEST_EXAMPLES; i++) assert_true(fprintf(file, "%d.%d,-0.%d5\n", i % 3, i % 10, i % 7) > 0);
    assert_int_equal(fclose(file), 0);
    float values[TEST_EXAMPLES * 16];
    duet_error error = {0};
    for (size_t i = 0; i < TEST_EXAMPLES * 16; i++) values[i] = (float)(i * 37 % 512) + 0.5f;
    assert_ok(duet_write_npy(bytes, values, DUET_SHAPE(TEST_EXAMPLES, 4, 4, 1), &error), &error);
}

/* A number without a point; valid until four calls later. */
static const char *bits_of(double number)
{
    static char texts[4][24];
    static size_t turn;
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    turn = (turn + 1) % 4;
    (void)snprintf(texts[turn], sizeof texts[turn], "%016llx", (unsigned long long)bits);
    return texts[turn];
}

static void use(FILE *words, const char *place, const char *run)
{
    static const char *const metrics[] = {"elbo", "nll", "neighbour-spread"};
    char path[PATH];
    float *samples = calloc(16 * 192, sizeof *samples);
    duet_run *opened;
    duet_error error = {0};
    duet_metric_value values[16];
    size_t count = 0;
    assert_non_null(samples);
    path_of(path, place, run);
    assert_ok(duet_run_open(&opened, path, NULL, &error), &error);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        if (!duet_metric_applies(opened, metrics[i])) continue;
        assert_ok(duet_metric_compute(opened, metrics[i], DUET_TEST, 1, values, 16, &count, &error), &error);
        for (size_t j = 0; j < count; j++)
            (void)fprintf(words, "%s %s %s %s\n", values[j].name, bits_of(values[j].value), bits_of(values[j].low),
                          bits_of(values[j].high));
    }
    const duet_wanted wanted = {DUET_SAMPLE, samples};
    const duet_request request = {.count = 16, .outputs = &wanted, .output_count = 1};
    assert_ok(duet_run_use(opened, &request, &error), &error);
    (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/samples.npy");
    assert_ok(duet_write_npy(path, samples, DUET_SHAPE(16, duet_run_features(opened, DUET_SAMPLE)), &error), &error);
    duet_run_close(&opened);
    free(samples);
}

static void train_all(FILE *words, const char *place)
{
    for (size_t i = 0; i < RECIPES; i++) {
        char run[64];
        const recipe what = {recipes[i].model,         *recipes[i].data,     recipes[i].settings,
                             recipes[i].setting_count, 2 * TEST_BATCHES + 1, 3};
        (void)snprintf(run, sizeof run, "%s/%s", place, recipes[i].name);
        train_well(&what, run);
        duet_error error;
        duet_train_options more = options_of(&what);
        more.steps += 2;
        train(more, run, true, DUET_OK, &error);
        use(words, place, recipes[i].name);
    }
}

/* What is said about numbers, also as code that is to work where it is put in. */
static void tell(FILE *words)
{
    duet_error error = {0};
    duet_data *data;
    bool question;
    const char *note;
    assert_ok(duet_data_open(&data, bytes, &error), &error);
    for (size_t i = 0; (note = duet_data_note(data, i, &question)) != NULL; i++) (void)fprintf(words, "%s\n", note);
    duet_data_close(&data);
    const char *const pair = "lr=-0.5";
    assert_status(duet_settings_check(duet_family_find("vae"), &pair, 1, &error), DUET_ERROR_USAGE, &error);
    (void)fprintf(words, "%s\n", error.message);
}

/* The words of plans, the source of their kernels, and a document of tuning there and back. */
static void explain(FILE *words)
{
    test_parts parts;
    duet_device *device = test_device_open();
    test_parts_open(&parts, device, duet_family_find("vae"), points, points_settings, 3);
    for (size_t i = 0; i < duet_trainer_plan_count(parts.trainer); i++) {
        duet_explanation explanation;
        duet_error error = {0};
        const duet_plan *plan = duet_trainer_plan(parts.trainer, i);
        assert_ok(duet_plan_explain(plan, &explanation, &error), &error);
        for (size_t j = 0; j < explanation.launch_count; j++)
            for (size_t k = 0; k < explanation.launches[j].result_count; k++)
                (void)fprintf(words, "%s\n", explanation.launches[j].results[k].value);
        (void)fprintf(words, "%s\n", duet_plan_source(plan));
        duet_explanation_free(&explanation);
    }
    test_parts_close(&parts);
    json_t *document = duet_tuning_document_new(duet_device_describe(device)), *again;
    assert_int_equal(json_object_set_new(document, "seconds", json_real(0.125)), 0);
    char *text = json_dumps(document, 0), path[PATH];
    path_of(path, "tuning.json", "");
    test_file_write(path, text, strlen(text));
    duet_error error = {0};
    assert_ok(duet_tuning_document_read(path, device, &again, &error), &error);
    assert_true(json_equal(document, again));
    (void)fprintf(words, "%s\n", text);
    free(text);
    json_decref(document);
    json_decref(again);
    duet_device_close(&device);
}

static void make_all(const char *place)
{
    char path[PATH];
    path_of(path, place, "");
    assert_int_equal(mkdir(path, 0777), 0);
    path_of(path, place, "words.txt");
    FILE *words = fopen(path, "w");
    assert_non_null(words);
    train_all(words, place);
    tell(words);
    explain(words);
    assert_int_equal(fclose(words), 0);
}

static void write_page(const char *run, const char *page)
{
    char path[PATH], to[PATH];
    const char *const runs[] = {path};
    duet_error error = {0};
    path_of(path, run, "");
    path_of(to, page, "");
    assert_ok(duet_page_write(to, runs, 1, &error), &error);
}

/* A page without the second that it was made in. */
static char *page_of(const char *name)
{
    char path[PATH];
    path_of(path, name, "");
    char *page = test_file_read(path, NULL), *made = strstr(page, "\"made\":\"");
    assert_non_null(made);
    memset(made, ' ', strlen("\"made\":\"2026-11-29T03:46:12Z"));
    return page;
}

static void assert_same(const char *file)
{
    if (!same_file("point", "comma", file)) fail_msg("%s/point/%s is not as in the other locale", folder, file);
}

static char *words_of(const char *place)
{
    char path[PATH];
    path_of(path, place, "words.txt");
    return test_file_read(path, NULL);
}

/* Line by line, as there are many. */
static void assert_same_words(void)
{
    char *words = words_of("point"), *others = words_of("comma"), *rest, *other_rest;
    char *line = strtok_r(words, "\n", &rest), *other = strtok_r(others, "\n", &other_rest);
    while (line != NULL && other != NULL) {
        assert_string_equal(line, other);
        line = strtok_r(NULL, "\n", &rest);
        other = strtok_r(NULL, "\n", &other_rest);
    }
    assert_ptr_equal(line, other); /* both ended */
    free(words);
    free(others);
}

static void results_do_not_hang_on_the_locale(void **state)
{
    (void)state;
    char file[PATH], other[PATH];
    write_inputs();
    make_all("point");
    write_page("point/points", "page-point.html");
    if (!set_comma_locale(LC_ALL)) skip();
    make_all("comma");
    write_page("point/points", "page-comma.html");
    assert_non_null(setlocale(LC_ALL, "C"));
    for (size_t i = 0; i < RECIPES; i++) {
        (void)snprintf(file, sizeof file, "point/%s", recipes[i].name);
        (void)snprintf(other, sizeof other, "comma/%s", recipes[i].name);
        assert_same_run(file, other);
        (void)snprintf(file, sizeof file, "%s/samples.npy", recipes[i].name);
        assert_same(file);
        (void)snprintf(file, sizeof file, "%s/samples/epoch-0002.png", recipes[i].name);
        assert_same(file);
    }
    assert_same_words();
    char *page = page_of("page-point.html"), *other_page = page_of("page-comma.html");
    assert_string_equal(page, other_page);
    free(page);
    free(other_page);
}

static int begin_all(void **state)
{
    (void)begin(state);
    path_of(points, "points.csv", "");
    path_of(bytes, "bytes.npy", "");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_do_not_hang_on_the_locale),
    };
    return RUN_TESTS("locale", tests, begin_all, remove_folder);
}
