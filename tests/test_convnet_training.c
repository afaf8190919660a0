/* SPDX-License-Identifier: MIT */
/* The models made of convolutions in training on small pictures: losses fall, a resumed run has the same bytes, and
 * what came of it is right. */
#include "convnet_files.h"
#include "use.h"

#include <jansson.h>

#include "duet/metric.h"

typedef struct recipe {
    const char *family, *settings[3], *term;
    uint64_t steps; /* of a training whose loss falls */
} recipe;

static const recipe recipes[] = {
    {"vae-conv", {"preset=original", "lr=0.005", "latent=2"}, "nll", 200},
    {"gan-conv", {"lr=0.002", "latent=2", "label_noise=0.05"}, "d_loss", 12},
    {"classifier", {"lr=0.002", "dropout=0.25", "shuffle=yes"}, "loss", 24},
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

/* Trains into folder/run up to `steps`, anew or by resuming. */
static void train(const recipe *what, const char *run, uint64_t steps, bool resume)
{
    char path[PATH];
    duet_error error = {0};
    path_of(path, run, "");
    duet_train_options options = {.family = duet_family_find(what->family),
                                  .data = labelled,
                                  .settings = what->settings,
                                  .setting_count = 3,
                                  .steps = steps,
                                  .batch = BATCH,
                                  .seed = 3,
                                  /* a run that is resumed has its own directory */
                                  .out = resume ? NULL : path,
                                  .resume = resume ? path : NULL};
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
}

/* The mean of a term over `steps` further steps. */
static double mean_term(test_parts *parts, const char *name, size_t steps)
{
    double means[16] = {0};
    duet_error error = {0};
    size_t count = 0, place = 16;
    const char *term;
    for (; (term = duet_trainer_term(parts->trainer, count)) != NULL; count++)
        if (!strcmp(term, name)) place = count;
    assert_in_range(place, 0, 15);
    test_steps(parts, steps);
    assert_ok(duet_trainer_losses(parts->trainer, means, count, &error), &error);
    return means[place];
}

static void losses_fall(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECIPES; i++) {
        test_parts parts;
        const recipe *what = &recipes[i];
        test_parts_open_batch(&parts, device, duet_family_find(what->family), labelled, BATCH, what->settings, 3);
        double first = mean_term(&parts, what->term, 3);
        if (what->steps > 9) test_steps(&parts, what->steps - 9);
        double last = mean_term(&parts, what->term, 6);
        if (!(last < 0.95 * first)) fail_msg("%s: %s went from %g to %g", what->family, what->term, first, last);
        test_parts_close(&parts);
    }
}

static void a_resumed_run_has_the_bytes_of_one_left_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECIPES; i++) {
        char whole[64], parted[64], path[PATH], other[PATH];
        (void)snprintf(whole, sizeof whole, "%s-whole", recipes[i].family);
        (void)snprintf(parted, sizeof parted, "%s-parted", recipes[i].family);
        train(&recipes[i], whole, 8, false); /* an epoch has six steps: it writes pictures */
        train(&recipes[i], parted, 3, false);
        train(&recipes[i], parted, 8, true);
        path_of(path, whole, "/checkpoint.safetensors");
        path_of(other, parted, "/checkpoint.safetensors");
        assert_true(test_same_file(path, other));
        path_of(path, whole, "/samples/epoch-0001.png");
        assert_int_equal(access(path, F_OK) == 0, i < 2); /* a classifier has no samples */
    }
}

/* Of the run that the test before made. */
static void run_json_has_the_preset_and_what_came_of_it(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"preset", "original"},      {"lr", "0.005"}, {"shuffle", "no"},
                                          {"epsilon", "1e-7"},         {"latent", "2"}, {"kl", "monte-carlo"},
                                          {"likelihood", "bernoulli"}, {"beta", "1"},   {"optimiser", "adam"}};
    char path[PATH];
    path_of(path, "vae-conv-whole", "/run.json");
    json_t *document = json_load_file(path, 0, NULL), *found = json_object_get(document, "settings");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(json_string_value(json_object_get(found, rows[i][0])), rows[i][1]);
    assert_int_equal(json_integer_value(json_object_get(document, "batch")), BATCH); /* given, it wins */
    json_decref(document);
}

/* Of the classifier that an earlier test trained, by the metric and by hand. */
static void a_classifiers_accuracy_is_the_share_of_right_labels(void **state)
{
    (void)state;
    enum { TEST = PICTURES / 10 };
    char path[PATH];
    duet_error error = {0};
    duet_run *run;
    float pictures[TEST * PIXELS], logits[TEST * CLASSES];
    uint8_t labels[TEST];
    duet_metric_value value;
    size_t count, right = 0;
    path_of(path, "classifier-whole", "");
    assert_ok(duet_run_open(&run, path, NULL, &error), &error);
    assert_true(duet_metric_applies(run, "accuracy"));
    assert_ok(duet_metric_compute(run, "accuracy", DUET_TEST, 0, &value, 1, &count, &error), &error);
    assert_ok(duet_data_read(duet_run_data(run), DUET_TEST, 0, TEST, pictures, &error), &error);
    assert_ok(duet_data_labels(duet_run_data(run), DUET_TEST, 0, TEST, labels, &error), &error);
    assert_ok(test_use(run, TEST_FROM_EXAMPLES, "class_logits", pictures, TEST, 0, logits, &error), &error);
    for (size_t i = 0; i < TEST; i++) {
        size_t best = 0;
        for (size_t k = 1; k < CLASSES; k++)
            if (logits[i * CLASSES + k] > logits[i * CLASSES + best]) best = k;
        right += best == labels[i];
    }
    assert_int_equal(count, 1);
    assert_int_equal(value.n, TEST);
    assert_close(value.value, (double)right / TEST, 1e-12);
    assert_int_equal(duet_run_features(run, "sample"), 0);
    duet_run_close(&run);
}

/* All logits are 0: the first class is what a classifier says, in training as by the metric. */
static void equal_logits_are_right_of_the_first_class(void **state)
{
    (void)state;
    static const char *const settings[] = {"initialiser=normal", "initialiser_scale=0", "lr=0"};
    test_parts parts;
    uint8_t labels[PICTURES];
    duet_error error = {0};
    size_t right = 0;
    test_parts_open_batch(&parts, device, duet_family_find("classifier"), labelled, BATCH, settings, 3);
    const size_t steps = duet_trainer_steps_an_epoch(parts.trainer), count = steps * BATCH;
    const double found = mean_term(&parts, "accuracy", steps);
    assert_ok(duet_data_labels(parts.data, DUET_TRAIN, 0, count, labels, &error), &error);
    for (size_t i = 0; i < count; i++) right += labels[i] == 0;
    assert_close(found, (double)right / (double)count, 0.1);
    test_parts_close(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_fall),
        cmocka_unit_test(a_resumed_run_has_the_bytes_of_one_left_alone),
        cmocka_unit_test(run_json_has_the_preset_and_what_came_of_it),
        cmocka_unit_test(a_classifiers_accuracy_is_the_share_of_right_labels),
        cmocka_unit_test(equal_logits_are_right_of_the_first_class),
    };
    return RUN_TESTS("convnet training", tests, begin, close_all);
}
