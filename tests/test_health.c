/* SPDX-License-Identifier: MIT */
/* Health of a training: what its reports are found to say, what a monitor keeps, and when both stop it. */
#include "folder.h"
#include "train_models.h"

#include <unistd.h>

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

/* w is the number of steps done; the likelihood is best at 3. */
static void build_passing(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node w = test_parameter(m, net, "w", 0), x = duet_model_batch(m);
    duet_phase(m, "climb", 1);
    duet_minimise(m, duet_negate(w), net);
    duet_node nll = duet_square(duet_shift(w, -3));
    duet_output(m, DUET_NLL, duet_add(duet_scale(duet_sum_features(x), 0), nll));
}
static const duet_family passing = {.name = "passing", .build = build_passing};

static bool refused; /* what watch() expects */

static duet_train_summary watch(const char *out, const char *resume, uint64_t epochs, duet_monitor_options wanted)
{
    static const char *const settings[] = {"optimiser=sgd", "lr=1"};
    char path[PATH];
    duet_error error = {0};
    duet_train_summary summary;
    duet_monitor *monitor;
    if (resume != NULL) wanted.resume = path_in(resume, path);
    assert_ok(duet_monitor_new(&monitor, &wanted, &error), &error);
    const duet_train_options options = {.family = &passing,
                                        .data = data,
                                        .settings = settings,
                                        .setting_count = 2,
                                        .epochs = epochs,
                                        .batch = TEST_TRAINING,
                                        .out = out != NULL ? path_in(out, path) : NULL,
                                        .resume = resume != NULL ? path_in(resume, path) : NULL,
                                        .at_epoch = duet_monitor_look,
                                        .watcher = monitor};
    assert_status(duet_train(&options, &summary, NULL, &error), refused ? DUET_ERROR_USAGE : DUET_OK, &error);
    if (refused) assert_message(&error, "metrics.jsonl has no nll of it");
    duet_monitor_free(&monitor);
    return summary;
}

static float kept_w(const char *checkpoint)
{
    char path[PATH];
    float w = -1;
    duet_error error = {0};
    duet_run *run;
    assert_ok(duet_run_open_with(&run, path_in(checkpoint, path), NULL, NULL, &passing, &error), &error);
    duet_store *store = duet_model_store(duet_run_model(run));
    assert_ok(duet_store_read(store, duet_run_device(run), "net.w", &w, sizeof w, &error), &error);
    duet_run_close(&run);
    return w;
}

static void the_best_state_is_kept_and_a_plateau_ends(void **state)
{
    (void)state;
    char path[PATH];
    const duet_monitor_options wanted = {.best = "nll", .patience = 2};
    duet_train_summary whole = watch("whole", NULL, 20, wanted);
    assert_int_equal(whole.steps, 5);
    assert_false(whole.collapsed);
    assert_non_null(strstr(whole.stopped, "nll has not got better than 0 for 2 epochs"));
    assert_close(kept_w("whole/best.safetensors"), 3, 0);
    assert_close(kept_w("whole"), 5, 0);
    char *metrics = test_file_read(path_in("whole/metrics.jsonl", path), NULL);
    assert_non_null(strstr(metrics, "\"split\":\"test\""));
    assert_non_null(strstr(metrics, "\"nll\":4.0"));
    free(metrics);

    /* One that goes on knows what was measured before. */
    (void)watch("parts", NULL, 4, wanted);
    duet_train_summary rest = watch(NULL, "parts", 20, wanted);
    assert_int_equal(rest.steps, 5);
    assert_close(kept_w("parts/best.safetensors"), 3, 0);
}

static duet_status look_from_elsewhere(void *monitor, duet_run *run, uint64_t epoch, duet_verdict *verdict,
                                       duet_error *error)
{
    assert_int_equal(chdir("/"), 0);
    return duet_monitor_look(monitor, run, epoch, verdict, error);
}

/* Paths that are not whole lead from the folder that a training began in. */
static void a_program_may_change_its_folder(void **state)
{
    (void)state;
    static const char *const settings[] = {"optimiser=sgd", "lr=1"};
    static const char *const files[] = {"checkpoint.safetensors", "best.safetensors", "metrics.jsonl", "report.html"};
    char here[PATH], path[PATH];
    assert_non_null(getcwd(here, sizeof here));
    for (size_t goes_on = 0; goes_on < 2; goes_on++) {
        duet_error error = {0};
        duet_train_summary summary;
        duet_monitor *monitor;
        const char *resume = goes_on ? "from-here" : NULL;
        const duet_monitor_options wanted = {.best = "nll", .resume = resume};
        assert_int_equal(chdir(folder), 0);
        assert_ok(duet_monitor_new(&monitor, &wanted, &error), &error);
        said[0] = '\0';
        const duet_train_options options = {.family = &passing,
                                            .data = data,
                                            .settings = settings,
                                            .setting_count = goes_on ? 0 : 2,
                                            .epochs = goes_on ? 4 : 3,
                                            .batch = TEST_TRAINING,
                                            .out = goes_on ? NULL : "from-here",
                                            .resume = resume,
                                            .log = keep_lines,
                                            .at_epoch = look_from_elsewhere,
                                            .watcher = monitor,
                                            .watch = duet_monitor_watch(monitor)};
        assert_ok(duet_train(&options, &summary, NULL, &error), &error);
        duet_monitor_free(&monitor);
        assert_string_equal(said, "");
        assert_string_equal(summary.run, path_in("from-here", path));
        assert_int_equal(access(path_in("from-here/lock", path), F_OK), -1);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
            char name[64];
            (void)snprintf(name, sizeof name, "from-here/%s", files[i]);
            assert_int_equal(access(path_in(name, path), F_OK), 0);
        }
        assert_close(kept_w("from-here/best.safetensors"), 3, 0);
    }
    assert_int_equal(chdir(here), 0);
}

/* Nobody has to look at what a run was watched by, but that nobody does is said. */
static void that_a_run_is_watched_no_more_is_told(void **state)
{
    (void)state;
    char path[PATH];
    static const duet_watch nothing;
    duet_error error = {0};
    duet_train_options options = {
        .family = &passing, .epochs = 5, .resume = path_in("from-here", path), .log = keep_lines};
    said[0] = '\0';
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
    assert_non_null(strstr(said, "warning: "));
    assert_non_null(strstr(said, "was watched by metrics, nll among them, and goes on without: at_epoch"));
    options.watch = &nothing;
    options.epochs = 6;
    said[0] = '\0';
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
    assert_string_equal(said, "");
}

/* Samples that are all alike at each look but that behind epoch `alive`; w counts the steps. */
static int alive;
static void build_stuck(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node w = test_parameter(m, net, "w", 0);
    duet_phase(m, "climb", 1);
    duet_minimise(m, duet_negate(w), net);
    duet_node far = duet_square(duet_shift(w, -alive * TEST_TRAINING)),
              awake = duet_relu(duet_shift(duet_negate(far), 1));
    duet_output(m, DUET_SAMPLE,
                duet_multiply(duet_normal(duet_model_graph(m), DUET_SHAPE(duet_model_batch_size(m), 4)), awake));
}
static const duet_family stuck = {.name = "stuck", .build = build_stuck};

/* How many epochs a training of `epochs` has that is to stop on a collapse. */
static uint64_t epochs_until_lost(const char *out, const char *resume, uint64_t epochs)
{
    static const char *const settings[] = {"optimiser=sgd", "lr=1"};
    char path[PATH];
    duet_error error = {0};
    duet_train_summary summary;
    duet_monitor *monitor;
    (void)path_in(out != NULL ? out : resume, path);
    const duet_monitor_options wanted = {.stop_on_collapse = true, .resume = resume != NULL ? path : NULL};
    assert_ok(duet_monitor_new(&monitor, &wanted, &error), &error);
    said[0] = '\0';
    const duet_train_options options = {.family = &stuck,
                                        .data = data,
                                        .settings = settings,
                                        .setting_count = 2,
                                        .epochs = epochs,
                                        .batch = 1,
                                        .out = out != NULL ? path : NULL,
                                        .resume = resume != NULL ? path : NULL,
                                        .log = keep_lines,
                                        .stop_on_collapse = true,
                                        .at_epoch = duet_monitor_look,
                                        .watcher = monitor};
    assert_ok(duet_train(&options, &summary, NULL, &error), &error);
    assert_int_equal(summary.collapsed, summary.steps < epochs * TEST_TRAINING);
    if (summary.collapsed) assert_non_null(strstr(summary.stopped, "sample-collapse: samples lie twenty times nearer"));
    assert_null(strstr(said, "may help")); /* the family has none of the settings that might */
    duet_monitor_free(&monitor);
    return summary.steps / TEST_TRAINING;
}

/* One bad moment ends no training, two looks running do, also where the run went on between them, and once there are
 * steps enough: the tenth epoch is the first with BEGUN. */
static void a_collapse_shows_in_two_looks_running(void **state)
{
    (void)state;
    alive = 11;
    assert_int_equal(epochs_until_lost("blurred", NULL, 12), 12);
    assert_non_null(strstr(said, "sample-collapse"));
    assert_int_equal(epochs_until_lost(NULL, "blurred", 18), 13);
    alive = -9;
    assert_int_equal(epochs_until_lost("early", NULL, 9), 9);
    assert_null(strstr(said, "sample-collapse"));
    assert_int_equal(epochs_until_lost("stuck", NULL, 18), 11);
}

/* What it draws is no number, whatever is learnt. */
static void build_undrawn(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(4);
    duet_group *net = duet_model_group(m, "net");
    duet_phase(m, "climb", 1);
    duet_minimise(m, duet_square(test_parameter(m, net, "w", 0)), net);
    duet_node drawn = duet_log(duet_shift(duet_negate(duet_square(duet_latent(m, &prior, 1))), -1));
    duet_output(m, DUET_DECODE, drawn);
    duet_output(m, DUET_SAMPLE, drawn);
}
static const duet_family undrawn = {.name = "undrawn", .build = build_undrawn};

/* A metric that fails is null with its reason, once, and costs no other; what is never finite is never the best. */
static void a_metric_that_fails_ends_no_training(void **state)
{
    (void)state;
    static const char *const metrics[] = {"latent-rank"};
    static const char null[] = "note: latent-rank is null: 32 numbers that the model gives are not finite",
                      best[] = "warning: neighbour-spread is no finite number after epoch 1: there is no best";
    char path[PATH];
    duet_error error = {0};
    duet_train_summary summary;
    duet_monitor *monitor;
    const duet_monitor_options wanted = {.metrics = metrics, .metric_count = 1, .best = "neighbour-spread"};
    assert_ok(duet_monitor_new(&monitor, &wanted, &error), &error);
    said[0] = '\0';
    const duet_train_options options = {.family = &undrawn,
                                        .data = data,
                                        .epochs = 3,
                                        .batch = TEST_TRAINING,
                                        .out = path_in("undrawn", path),
                                        .log = keep_lines,
                                        .at_epoch = duet_monitor_look,
                                        .watcher = monitor};
    assert_ok(duet_train(&options, &summary, NULL, &error), &error);
    duet_monitor_free(&monitor);
    assert_int_equal(summary.steps, 3);
    assert_non_null(strstr(said, null));
    assert_null(strstr(strstr(said, null) + 1, null)); /* once */
    assert_non_null(strstr(said, best));
    assert_null(strstr(strstr(said, best) + 1, best));
    char *text = test_file_read(path_in("undrawn/metrics.jsonl", path), NULL);
    assert_non_null(strstr(text, "\"latent-rank\":null,\"neighbour-spread\":null"));
    free(text);
    assert_int_equal(access(path_in("undrawn/best.safetensors", path), F_OK), -1);
}

/* Judges files in the model's place: another one from the third epoch on. */
static duet_status look_at_files(void *watcher, duet_run *run, uint64_t epoch, duet_verdict *verdict, duet_error *error)
{
    char path[PATH];
    if (duet_run_set_samples(run, path_in(epoch < 3 ? "few.npy" : "others.npy", path), error) != DUET_OK)
        return error->status;
    const duet_status status = duet_monitor_look(watcher, run, epoch, verdict, error);
    return duet_run_set_samples(run, NULL, NULL), status;
}

/* Each cause is told once, and a metric that fails no longer has all of them measured twice. */
static void another_cause_is_told_as_well(void **state)
{
    (void)state;
    static const char *const metrics[] = {"neighbour-spread"}, *const notes[] = {"few.npy has", "others.npy has"};
    static const float row[4] = {0.5f};
    char path[PATH];
    duet_error error = {0};
    duet_monitor *monitor;
    const duet_monitor_options wanted = {.metrics = metrics, .metric_count = 1};
    assert_ok(duet_write_npy(path_in("few.npy", path), row, DUET_SHAPE(1, 4), &error), &error);
    assert_ok(duet_write_npy(path_in("others.npy", path), row, DUET_SHAPE(1, 4), &error), &error);
    assert_ok(duet_monitor_new(&monitor, &wanted, &error), &error);
    said[0] = '\0';
    const duet_train_options options = {.family = &stuck,
                                        .data = data,
                                        .epochs = 4,
                                        .batch = TEST_TRAINING,
                                        .out = path_in("causes", path),
                                        .log = keep_lines,
                                        .at_epoch = look_at_files,
                                        .watcher = monitor};
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
    assert_true(monitor->singly);
    duet_monitor_free(&monitor);
    for (size_t i = 0; i < 2; i++) {
        const char *note = strstr(said, notes[i]);
        if (note == NULL) fail_msg("\"%s\" is missing from \"%s\"", notes[i], said);
        assert_null(strstr(note + 1, notes[i]));
    }
}

/* What run.json says that a training was watched by somebody looked at. */
static void watching_needs_a_watcher(void **state)
{
    (void)state;
    static const char *const metrics[] = {"nll"};
    static const duet_watch watches[] = {{.metrics = metrics, .metric_count = 1}, {.best = "nll"}, {.patience = 2}};
    char path[PATH];
    duet_train_options options = {.family = &passing, .data = data, .epochs = 1, .out = path_in("unwatched", path)};
    for (size_t i = 0; i <= sizeof watches / sizeof *watches; i++) {
        duet_error error = {0};
        options.watch = i < 3 ? &watches[i] : NULL;
        options.judge = i < 3 ? NULL : "judge";
        assert_status(duet_train(&options, NULL, NULL, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, i == 2 ? "say which" : "at_epoch, such as duet_monitor_look");
        assert_int_equal(access(path, F_OK), -1);
    }
}

/* The lines that say what the kept state is worth are gone: a worse one must not take its place without a word. */
static void a_best_that_no_report_knows_of_is_not_replaced(void **state)
{
    (void)state;
    char path[PATH];
    const duet_monitor_options wanted = {.best = "nll"};
    (void)watch("lost", NULL, 3, wanted);
    char *text = test_file_read(path_in("lost/metrics.jsonl", path), NULL);
    for (char *at = text; (at = strstr(at, "\"test\"")) != NULL;) memcpy(at, "\"none\"", 6);
    test_file_write(path, text, strlen(text));
    free(text);
    refused = true;
    (void)watch(NULL, "lost", 5, wanted);
    refused = false;
    assert_close(kept_w("lost/best.safetensors"), 3, 0);

    /* Moved away, as the message says, the next one is the best. */
    assert_int_equal(unlink(path_in("lost/best.safetensors", path)), 0);
    (void)watch(NULL, "lost", 6, wanted);
    assert_int_equal(access(path, F_OK), 0);
}

static void monitors_say_what_they_cannot_watch(void **state)
{
    (void)state;
    static const struct {
        duet_monitor_options options;
        const char *message;
    } rows[] = {
        {{.best = "fridge"}, "no metric \"fridge\""},
        {{.patience = 3}, "say which"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_monitor *monitor;
        assert_status(duet_monitor_new(&monitor, &rows[i].options, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i].message);
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
        cmocka_unit_test(a_posterior_of_faint_examples_is_told_of_the_scale),
        cmocka_unit_test(nothing_is_advised_that_is_so_already),
        cmocka_unit_test(no_family_is_advised_of_what_it_does_not_take),
        cmocka_unit_test(rates_that_come_to_nothing_are_told_of),
        cmocka_unit_test(warm_ups_that_do_not_end_are_told_of),
        cmocka_unit_test(the_best_state_is_kept_and_a_plateau_ends),
        cmocka_unit_test(a_program_may_change_its_folder),
        cmocka_unit_test(that_a_run_is_watched_no_more_is_told),
        cmocka_unit_test(a_metric_that_fails_ends_no_training),
        cmocka_unit_test(another_cause_is_told_as_well),
        cmocka_unit_test(watching_needs_a_watcher),
        cmocka_unit_test(a_collapse_shows_in_two_looks_running),
        cmocka_unit_test(a_best_that_no_report_knows_of_is_not_replaced),
        cmocka_unit_test(monitors_say_what_they_cannot_watch),
    };
    return RUN_TESTS("health", tests, begin, remove_folder);
}
