/* SPDX-License-Identifier: MIT */
/* Health of a training: what its reports are found to say, and what a model is advised of before. */
#include "folder.h"
#include "train_models.h"

#include "duet/metric.h"
#include "metric/monitor.h"
#include "run/health.h"

enum { PATH = TEST_PATH_SIZE + 96, BEGUN = 400 }; /* BEGUN: steps before which nothing is called a collapse */

static char data[PATH], said[4096];

static const char *path_in(const char *name, char path[PATH])
{
    assert_in_range(snprintf(path, PATH, "%s/%s", folder, name), 1, PATH - 1);
    return path;
}

static void keep_lines(void *context, const char *line)
{
    size_t used = strlen(said);
    (void)context;
    (void)snprintf(said + used, sizeof said - used, "%s\n", line);
}

/* A report of constant terms, which the settings give, and what they are of: a GAN's, a VAE's, and, as a classifier may
 * have them, nobody's. */
static void build_constant(duet_model *m)
{
    static const char *const terms[] = {"d_loss", "g_loss", "accuracy", "kl"};
    const bool known = duet_setting_is(m, "terms", "known");
    duet_group *net = duet_model_group(m, known ? "discriminator" : "net");
    duet_node batch = duet_model_batch(m);
    if (known) duet_output(m, DUET_KL, duet_sum_features(batch));
    if (!known) duet_output(m, DUET_CLASS_LOGITS, duet_stop_gradient(duet_dense(net, "logits", batch, 8)));
    duet_phase(m, "constant", 1);
    for (size_t i = 0; i < 4; i++)
        duet_report(m, terms[i], duet_constant(duet_model_graph(m), duet_setting_number(m, terms[i])));
    duet_minimise(m, test_parameter(m, net, "w", 0), net);
}
static const duet_setting constant_settings[] = {
    DUET_NUMBER("d_loss", 1.2, -1000, 10, "term"),
    DUET_NUMBER("g_loss", 1, -10, 10, "term"),
    DUET_NUMBER("accuracy", 0.7, 0, 1, "term"),
    DUET_NUMBER("kl", 5, -10, 10, "term"),
    DUET_NUMBER("label_noise", 0, 0, 1, "what its name says"),
    DUET_COUNT("g_steps", 1, 1, 9, "what its name says"),
    DUET_CHOICE("loss", "non-saturating", "non-saturating|f-kl|wasserstein", "what its name says"),
    DUET_CHOICE("penalty", "none", "none|gradient|r1", "what its name says"),
    DUET_CHOICE("discriminator.spectral_norm", "no", "no|yes", "what its name says"),
    DUET_CHOICE("terms", "known", "known|own", "whose they are"),
};
static const duet_family constant = {
    .name = "constant", .build = build_constant, .settings = constant_settings, .setting_count = 10};

static void reports_are_looked_at(void **state)
{
    (void)state;
    static const struct {
        const char *settings[4], *health; /* NULL: sound */
        bool collapses;
    } rows[] = {
        {{"d_loss=1.2"}, NULL, false},
        {{"d_loss=-0.5"}, "loss-below-zero", false},
        {{"d_loss=-0.5", "loss=f-kl"}, NULL, false},
        {{"d_loss=-200", "loss=f-kl"}, "loss-without-bound", false},
        {{"d_loss=-200", "loss=wasserstein", "penalty=r1"}, "loss-without-bound", false},
        {{"d_loss=-200", "loss=wasserstein", "penalty=gradient"}, NULL, false},
        {{"d_loss=-200", "loss=wasserstein", "penalty=r1", "discriminator.spectral_norm=yes"}, NULL, false},
        {{"d_loss=-0.5", "loss=wasserstein", "penalty=r1"}, NULL, false},
        {{"d_loss=0.0665", "g_loss=1.5"}, "loss-bound", false}, /* at least 2.74 in one state */
        {{"d_loss=0.0665", "g_loss=2.8"}, NULL, false},
        {{"d_loss=0.0665", "g_loss=1.5", "label_noise=0.1"}, NULL, false},
        {{"d_loss=0.01", "g_loss=9", "accuracy=1"}, "discriminator-wins", true},
        {{"accuracy=0.02"}, "discriminator-loses", true},
        {{"kl=0.01"}, "posterior-collapse", true},
        {{"kl=-0.01"}, "posterior-collapse", true},
        {{"kl=-2"}, "kl-below-zero", false},
        {{"kl=0.01", "accuracy=0.02", "terms=own"}, NULL, false},
        {{"d_loss=0.01", "accuracy=1", "terms=own"}, NULL, false},
        {{"d_loss=-200", "loss=f-kl", "terms=own"}, NULL, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[PATH], name[48], expected[64];
        duet_error error = {0};
        duet_train_summary summary;
        size_t count = 0;
        while (count < 4 && rows[i].settings[count] != NULL) count++;
        (void)snprintf(name, sizeof name, "sick%zu", i);
        said[0] = '\0';
        const duet_train_options options = {.family = &constant,
                                            .data = data,
                                            .settings = rows[i].settings,
                                            .setting_count = count,
                                            .epochs = 11,
                                            .batch = 1,
                                            .out = path_in(name, path),
                                            .log = keep_lines,
                                            .stop_on_collapse = true};
        assert_ok(duet_train(&options, &summary, NULL, &error), &error);
        assert_int_equal(summary.collapsed, rows[i].collapses);
        assert_int_equal(summary.steps, rows[i].collapses ? BEGUN : 11 * TEST_TRAINING);
        (void)snprintf(name, sizeof name, "sick%zu/metrics.jsonl", i);
        char *metrics = test_file_read(path_in(name, path), NULL);
        (void)snprintf(expected, sizeof expected, "\"health\":\"%s\"", rows[i].health);
        assert_int_equal(strstr(metrics, "\"health\"") != NULL, rows[i].health != NULL);
        if (rows[i].health != NULL) {
            assert_non_null(strstr(metrics, expected));
            const char *first = strstr(said, rows[i].health);
            assert_non_null(first);
            assert_null(strstr(first + 1, rows[i].health)); /* once */
        }
        free(metrics);
    }
}

/* w moves to -1, or away from it by twice as much each step. What is reported is what is minimised, or a part of it. */
static void build_bottomless(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node part = duet_square(duet_shift(test_parameter(m, net, "w", 0), 1));
    duet_node loss = duet_setting_is(m, "turned", "yes") ? duet_shift(duet_scale(duet_negate(part), 0.5), 3) : part;
    duet_phase(m, "fall", 1);
    duet_report(m, "own", duet_setting_is(m, "reported", "part") ? part : loss);
    duet_minimise(m, loss, net);
}
static const duet_setting bottomless_settings[] = {
    DUET_CHOICE("turned", "no", "no|yes", "whether the sign is"),
    DUET_CHOICE("reported", "all", "all|part", "what of the loss"),
};
static const duet_family bottomless = {
    .name = "bottomless", .build = build_bottomless, .settings = bottomless_settings, .setting_count = 2};

static void what_falls_without_a_bound_is_told_of(void **state)
{
    static const char *const turned[][4] = {{"turned=yes", "reported=all", "optimiser=sgd", "lr=1"},
                                            {"turned=yes", "reported=part", "optimiser=sgd", "lr=1"},
                                            {"turned=no", "reported=part", "optimiser=sgd", "lr=0.25"}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char path[PATH], name[32];
        duet_error error = {0};
        said[0] = '\0';
        (void)snprintf(name, sizeof name, "bottomless%zu", i);
        const duet_train_options options = {.family = &bottomless,
                                            .data = data,
                                            .settings = turned[i],
                                            .setting_count = 4,
                                            .steps = 20,
                                            .batch = 4,
                                            .out = path_in(name, path),
                                            .log = keep_lines};
        assert_ok(duet_train(&options, NULL, NULL, &error), &error);
        assert_int_equal(strstr(said, "loss-without-bound: what is minimised falls without a bound") != NULL, i < 2);
        if (i < 2) assert_non_null(strstr(said, "(own "));
    }
}

/* No weight of the KL lets a posterior speak of what the likelihood takes for noise. */
static void a_posterior_of_faint_examples_is_told_of_the_scale(void **state)
{
    (void)state;
    enum { ROWS = 60, COLUMNS = 3 };
    char path[PATH], out[PATH];
    float values[ROWS * COLUMNS];
    duet_error error = {0};
    duet_train_summary summary;
    for (size_t i = 0; i < ROWS * COLUMNS; i++) values[i] = 0.01F * sinf((float)i * (float)(i % COLUMNS + 1));
    assert_ok(duet_write_npy(path_in("faint.npy", path), values, DUET_SHAPE(ROWS, COLUMNS), &error), &error);
    said[0] = '\0';
    const duet_train_options options = {.family = duet_family_find("vae"),
                                        .data = path,
                                        .settings = (const char *const[]){"hidden=8", "latent=1"},
                                        .setting_count = 2,
                                        .epochs = 300,
                                        .batch = 27,
                                        .out = path_in("faint", out),
                                        .log = keep_lines,
                                        .stop_on_collapse = true};
    assert_ok(duet_train(&options, &summary, NULL, &error), &error);
    assert_true(summary.collapsed);
    assert_non_null(strstr(said, "the posterior has nothing to say of what is taken for noise: save ((array - t"));
    assert_non_null(strstr(said, "numbers scaled to a deviation of about 1 may help (kl "));
    assert_null(strstr(said, "beta"));
}

/* Whether the family takes a setting of that name, whatever its values are. */
static bool takes(const duet_family *family, const char *key)
{
    static const char *const values[] = {"0", "1", "0.1", "yes"};
    char setting[96];
    const char *const pair = setting;
    bool taken = false;
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(setting, sizeof setting, "%s=%s", key, values[i]);
        taken = taken || duet_settings_check(family, &pair, 1, NULL) == DUET_OK;
    }
    return taken;
}

/* Whether some family has a setting of that name; names of groups' settings have a point. */
static bool is_key(const char *word)
{
    bool known = strchr(word, '.') != NULL;
    for (size_t i = 0; i < duet_family_count() && !known; i++) known = takes(duet_family_at(i), word);
    return known;
}

/* Each piece of what is said to help names a setting, and none that the family does not take. Returns how many. */
static size_t check_advice(const duet_family *family, const char *words)
{
    char text[512], *rest;
    const char *begin = strstr(words, "; ");
    size_t settings = 0, pieces = 1;
    if (begin == NULL) return 0;
    (void)snprintf(text, sizeof text, "%s", begin + 2);
    char *end = strstr(text, " may help");
    assert_non_null(end);
    *end = '\0';
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *comma = strchr(word, ','), *equals = strchr(word, '=');
        const char *const pair = word;
        if (comma != NULL) *comma = '\0';
        pieces += comma != NULL || strcmp(word, "or") == 0;
        if (equals == NULL && !is_key(word)) continue;
        if (equals != NULL ? duet_settings_check(family, &pair, 1, NULL) != DUET_OK : !takes(family, word))
            fail_msg("%s is advised of %s, which it does not take: %s", family->name, word, words);
        settings++;
    }
    assert_int_equal(settings, pieces);
    return settings;
}

static duet_finding find(duet_model *model, const duet_progress *report)
{
    duet_build *build;
    duet_error error = {0};
    assert_ok(duet_model_build(model, DUET_BUILD_TRAIN, 8, &build, &error), &error);
    const duet_finding found = duet_health_find(model, build, report);
    duet_build_free(&build);
    return found;
}

/* What each rule and each loss says to a model of each family. */
static void no_family_is_advised_of_what_it_does_not_take(void **state)
{
    (void)state;
    static const char *const names[] = {"d_loss", "g_loss", "accuracy", "kl"}, *const choices[] = {"loss=f-kl", NULL};
    static double means[][4] = {
        {-0.5, 1, 0.7, 5}, {-200, 1, 0.7, 5}, {0.01, 9, 1, 5}, {1.2, 1, 0.02, 5}, {1.2, 1, 0.7, 0.01}};
    char text[256];
    size_t advised = 0, families = 0;
    duet_error error = {0};
    duet_data *pictures;
    assert_ok(duet_data_open(&pictures, "shapes", &error), &error);
    for (size_t i = 0; i < duet_family_count(); i++) {
        const duet_family *family = duet_family_at(i);
        const size_t before = advised;
        for (size_t choice = 0; choice < 2; choice++) {
            duet_model *model;
            const size_t settings = choices[choice] != NULL;
            if (settings > 0 && duet_settings_check(family, choices, 1, NULL) != DUET_OK) continue;
            assert_ok(duet_model_new(&model, family, pictures, choices, settings, 7, &error), &error);
            for (size_t k = 0; k < sizeof means / sizeof *means; k++) {
                const duet_progress report = {.step = BEGUN, .epoch = 2, .terms = 4, .names = names, .means = means[k]};
                const duet_finding found = find(model, &report);
                if (found.name != NULL) advised += check_advice(family, found.words);
            }
            for (size_t k = 0; duet_monitor_loss_at(k, model, text, sizeof text); k++)
                advised += check_advice(family, text);
            duet_model_free(&model);
        }
        families += advised > before;
    }
    duet_data_close(&pictures);
    assert_in_range(families, 11, duet_family_count());
}

static void nothing_is_advised_that_is_so_already(void **state)
{
    (void)state;
    static const char *const names[] = {"d_loss", "g_loss", "accuracy", "kl"};
    static const struct {
        const char *family;
        double means[4];
        const char *settings[3], *words; /* words NULL: none */
    } rows[] = {
        {"vae", {1, 1, 0.7, 0.01}, {NULL}, "; a smaller beta or warm_up over some epochs may help"},
        {"vae", {1, 1, 0.7, 0.01}, {"beta=100", "warm_up=2"}, "; a smaller beta may help"},
        {"vae", {1, 1, 0.7, 0.01}, {"beta=0.0"}, "; warm_up over some epochs may help"},
        {"vae", {1, 1, 0.7, 0.01}, {"beta=0", "warm_up=1"}, NULL},
        {"gan", {0.01, 9, 1, 5}, {NULL}, "; a lower discriminator.lr, "},
        {"gan", {0.01, 9, 1, 5}, {"discriminator.lr=0"}, "; label_smoothing=0.1, "},
        {"gan", {0.01, 9, 1, 5}, {"lr=0"}, "; label_smoothing=0.1, "},
        {"gan", {1.2, 1, 0.02, 5}, {"discriminator.lr=0", "k=2"}, "; a higher discriminator.lr may help"},
        {"gan", {1.2, 1, 0.02, 5}, {"discriminator.lr=0", "k=3"}, "; a higher discriminator.lr may help"},
        {"gan", {0.01, 9, 1, 5}, {"lr=0", "label_smoothing=0.2"}, "; instance_noise=0.1 or "},
        {"gan",
         {-0.5, 1, 0.7, 5},
         {"label_smoothing=0.1", "label_noise=0.3"},
         "; label_noise=0 or label_smoothing at least as large may help"},
    };
    duet_error error = {0};
    duet_data *points;
    assert_ok(duet_data_open(&points, "ring8", &error), &error);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t count = 0;
        duet_model *model;
        while (count < 3 && rows[i].settings[count] != NULL) count++;
        assert_ok(duet_model_new(&model, duet_family_find(rows[i].family), points, rows[i].settings, count, 7, &error),
                  &error);
        const duet_progress report = {.step = BEGUN, .epoch = 2, .terms = 4, .names = names, .means = rows[i].means};
        const duet_finding found = find(model, &report);
        assert_non_null(found.name);
        const char *help = strstr(found.words, "; ");
        if (rows[i].words == NULL) assert_null(help);
        if (rows[i].words != NULL && (help == NULL || strncmp(help, rows[i].words, strlen(rows[i].words)) != 0))
            fail_msg("%zu: \"%s\" was expected in \"%s\"", i, rows[i].words, found.words);
        duet_model_free(&model);
    }
    duet_data_close(&points);
}

/* Two groups: one moved by two phases, three times in a step that has the second, and one whose updates a gate decides;
 * a third by moments of its phase's own. */
static void build_scheduled(duet_model *m)
{
    duet_group *often = duet_model_group(m, "often"), *gated = duet_model_group(m, "gated"),
               *own = duet_model_group(m, "own");
    duet_node w = test_parameter(m, often, "w", 0), v = test_parameter(m, gated, "v", 0),
              u = test_parameter(m, own, "u", 0);
    duet_phase(m, "twice", 2);
    duet_minimise(m, duet_square(w), often);
    duet_phase(m, "seldom", 1);
    duet_phase_every(m, 4);
    duet_minimise(m, duet_square(w), often);
    duet_phase(m, "judged", 1);
    duet_minimise_gated(m, duet_square(v), duet_constant(duet_model_graph(m), 1), gated);
    duet_phase(m, "apart", 1);
    duet_phase_own_moments(m);
    duet_minimise(m, duet_square(u), own);
}
static const duet_family scheduled = {.name = "scheduled", .build = build_scheduled};

static void rates_that_come_to_nothing_are_told_of(void **state)
{
    (void)state;
    static const struct {
        const char *settings[3], *words, *not_words; /* words NULL: nothing is said */
        uint64_t steps;
    } rows[] = {
        {{"often.lr_schedule=linear", "lr_steps=10"}, "of often after step 5 (often.lr_steps=18 is all", "of own", 8},
        {{"often.lr_schedule=cosine", "lr_steps=18"}, NULL, "come to 0", 8},
        {{"often.lr_schedule=cosine", "lr_steps=17"}, "of often after step 8 (often.lr_steps=21 is all", "of own", 9},
        {{"often.lr_schedule=linear", "lr_steps=10", "lr_final=0.1"}, NULL, "come to 0", 8},
        {{"often.lr_schedule=step", "lr_steps=10", "lr_final=0.1"}, NULL, "come to 0", 8},
        {{"gated.lr_schedule=linear", "lr_steps=2"}, "of gated after step 2 unless its gate closes (", "of own", 8},
        {{"own.lr_schedule=linear", "lr_steps=7"}, "before the training's end at step 8", "of often", 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[PATH], name[48];
        duet_error error = {0};
        (void)snprintf(name, sizeof name, "scheduled%zu", i);
        said[0] = '\0';
        const duet_train_options options = {.family = &scheduled,
                                            .data = data,
                                            .settings = rows[i].settings,
                                            .setting_count = rows[i].settings[2] == NULL ? 2 : 3,
                                            .steps = rows[i].steps,
                                            .batch = TEST_TRAINING,
                                            .out = path_in(name, path),
                                            .log = keep_lines};
        assert_ok(duet_train(&options, NULL, NULL, &error), &error);
        if (rows[i].words != NULL && strstr(said, rows[i].words) == NULL)
            fail_msg("\"%s\" is missing from \"%s\"", rows[i].words, said);
        const char *warned = strstr(said, "learning rates");
        if (warned != NULL) assert_null(strstr(warned, rows[i].not_words));
        assert_int_equal(warned != NULL, rows[i].words != NULL);
    }
}

static void warm_ups_that_do_not_end_are_told_of(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        const char *settings[3], *words; /* words NULL: nothing is said */
    } rows[] = {
        {"scheduled", {"lr_warm_up=1000000"}, "lr_warm_up of often (18 of 1000000 updates), lr_warm_up of gated (8 of"},
        {"scheduled",
         {"lr_warm_up=9"},
         ": lr_warm_up of gated (8 of 9 updates), lr_warm_up of own (8 of 9 updates): ask"},
        {"scheduled", {"lr_warm_up=8"}, NULL},
        {"scheduled",
         {"often.lr_warm_up=19"},
         "step 8, before what was to have come to its end by then: lr_warm_up of often"},
        {"scheduled",
         {"lr_schedule=cosine", "lr_steps=19"},
         ": lr_steps of often (18 of 19 updates), lr_steps of gated"},
        {"scheduled", {"gated.lr_schedule=linear", "lr_steps=8", "lr_final=0.1"}, NULL},
        {"scheduled", {"gated.lr_schedule=step", "lr_steps=8", "lr_final=0.1"}, "lr_steps of gated (8 of 8 updates)"},
        {"scheduled", {"gated.lr_schedule=step", "lr_steps=7", "lr_final=0.1"}, NULL},
        {"vae", {"warm_up=9"}, ": warm_up (8 of 9 steps): ask for fewer, or train for longer"},
        {"vae", {"warm_up=8"}, NULL},
        {"gan", {"instance_noise_steps=9", "instance_noise=0.1"}, ": instance_noise_steps (8 of 9 steps): ask"},
        {"gan", {"instance_noise_steps=0", "instance_noise=0.1"}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[PATH], name[48];
        duet_error error = {0};
        (void)snprintf(name, sizeof name, "warm%zu", i);
        said[0] = '\0';
        const duet_family *const family = duet_family_find(rows[i].model);
        size_t count = 0;
        while (count < 3 && rows[i].settings[count] != NULL) count++;
        const duet_train_options options = {.family = family != NULL ? family : &scheduled,
                                            .data = data,
                                            .settings = rows[i].settings,
                                            .setting_count = count,
                                            .steps = 8,
                                            .batch = TEST_TRAINING,
                                            .out = path_in(name, path),
                                            .log = keep_lines};
        assert_ok(duet_train(&options, NULL, NULL, &error), &error);
        if (rows[i].words != NULL && strstr(said, rows[i].words) == NULL)
            fail_msg("\"%s\" is missing from \"%s\"", rows[i].words, said);
        assert_int_equal(strstr(said, "come to its end") != NULL, rows[i].words != NULL);
    }
}

static int begin(void **state)
{
    (void)make_folder(state);
    test_write_examples(path_in("data.npy", data), DUET_SHAPE(4));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_looked_at),
        cmocka_unit_test(what_falls_without_a_bound_is_told_of),
        cmocka_unit_test(a_posterior_of_faint_examples_is_told_of_the_scale),
        cmocka_unit_test(nothing_is_advised_that_is_so_already),
        cmocka_unit_test(no_family_is_advised_of_what_it_does_not_take),
        cmocka_unit_test(rates_that_come_to_nothing_are_told_of),
        cmocka_unit_test(warm_ups_that_do_not_end_are_told_of),
    };
    return RUN_TESTS("health", tests, begin, remove_folder);
}
