/* SPDX-License-Identifier: MIT */
/* What a judge of Fashion-MNIST, briefly trained, says of what is known to be better and worse: training examples, a
 * generator, a Gaussian by principal components, noise; and of pictures that were made to please it. */
#include "folder.h"

#include <lapacke.h>

#include "base/philox.h"
#include "duet/metric.h"
#include "duet/report.h"

enum { SAMPLES = 2500, FEATURES = 28 * 28, SEEN = 10000, METRICS = 3 };

static const char *const metrics[METRICS] = {"frechet", "kernel-distance", "inception-score"};

static bool is_present(void)
{
    duet_dataset_row rows[16];
    size_t count = duet_dataset_list(rows, 16);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, "fashion-mnist") == 0) return rows[i].present;
    return false;
}

static void train(const char *family, uint64_t steps, const char *const *settings, size_t setting_count)
{
    duet_error error = {0};
    const duet_train_options options = {.family = duet_family_find(family),
                                        .settings = settings,
                                        .setting_count = setting_count,
                                        .steps = steps,
                                        .batch = 64,
                                        .seed = 1,
                                        .out = in_folder(family)};
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
}

/* Values of the metrics, in their order. */
typedef struct verdict {
    duet_metric_value of[METRICS];
} verdict;

/* samples: what stands for those of the run; NULL: its own. */
static verdict ask(duet_run *run, const char *name, const char *samples)
{
    duet_error error = {0};
    duet_metric_value values[16];
    verdict it = {0};
    size_t count;
    assert_ok(duet_run_set_samples(run, samples, &error), &error);
    assert_ok(duet_metric_compute_all(run, metrics, METRICS, DUET_TEST, 0, values, 16, &count, &error), &error);
    for (size_t m = 0; m < METRICS; m++)
        for (size_t i = 0; i < count; i++)
            if (strcmp(values[i].name, metrics[m]) == 0) it.of[m] = values[i];
    for (size_t m = 0; m < METRICS; m++)
        print_message("%-10s %-16s %9.4f [%9.4f, %9.4f]\n", name, metrics[m], it.of[m].value, it.of[m].low,
                      it.of[m].high);
    return it;
}

static const char *write_pictures(const char *name, const float *values)
{
    duet_error error = {0};
    assert_ok(duet_write_npy(in_folder(name), values, DUET_SHAPE(SAMPLES, 28, 28, 1), &error), &error);
    return in_folder(name);
}

/* The mean of the first training examples into `mean`, and into `covariance` the eigenvectors of their covariance, as
 * columns, with its eigenvalues in `variances`. */
static void find_components(duet_run *run, double *mean, double *covariance, double *variances)
{
    duet_error error = {0};
    float *examples = malloc(SEEN * FEATURES * sizeof *examples);
    assert_non_null(examples);
    assert_ok(duet_data_read(duet_run_data(run), DUET_TRAIN, 0, SEEN, examples, &error), &error);
    for (size_t i = 0; i < SEEN * FEATURES; i++) mean[i % FEATURES] += examples[i] / (double)SEEN;
    for (size_t i = 0; i < SEEN * FEATURES; i++) examples[i] -= (float)mean[i % FEATURES];
    for (size_t row = 0; row < SEEN; row++)
        for (size_t i = 0; i < FEATURES; i++)
            for (size_t k = i; k < FEATURES; k++)
                covariance[i * FEATURES + k] +=
                    (double)examples[row * FEATURES + i] * (double)examples[row * FEATURES + k] / SEEN;
    free(examples);
    assert_int_equal(LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'V', 'U', FEATURES, covariance, FEATURES, variances), 0);
}

/* The Gaussian of the training examples, cut to [0, 1]. */
static const char *draw_gaussian(duet_run *run, float *pictures)
{
    double *room = calloc(FEATURES * FEATURES + 2 * FEATURES, sizeof *room);
    assert_non_null(room);
    double *vectors = room, *mean = room + FEATURES * FEATURES, *variances = mean + FEATURES, drawn[FEATURES];
    find_components(run, mean, vectors, variances);
    for (size_t row = 0; row < SAMPLES; row++) {
        for (size_t k = 0; k < FEATURES; k++)
            drawn[k] =
                sqrt(fmax(variances[k], 0)) * duet_philox_normal(duet_philox_element(1, 0, (uint32_t)row, (uint32_t)k));
        for (size_t i = 0; i < FEATURES; i++) {
            double sum = mean[i];
            for (size_t k = 0; k < FEATURES; k++) sum += vectors[i * FEATURES + k] * drawn[k];
            pictures[row * FEATURES + i] = (float)fmin(fmax(sum, 0), 1);
        }
    }
    free(room);
    return write_pictures("gaussian.npy", pictures);
}

static const char *draw_noise(float *pictures)
{
    for (size_t i = 0; i < SAMPLES * FEATURES; i++)
        pictures[i] = (float)duet_philox_uniform(duet_philox_element(2, 0, 0, (uint32_t)i));
    return write_pictures("noise.npy", pictures);
}

/* Pictures that please the judge, as many of each class. */
static const char *draw_attack(duet_run *judge, float *pictures)
{
    static const char *const settings[] = {"steps=40", "rate=0.1"};
    static uint8_t classes[SAMPLES];
    duet_error error = {0};
    for (size_t i = 0; i < SAMPLES; i++) classes[i] = i % 10;
    const duet_wanted wanted = {"attack", pictures};
    const duet_request request = {.count = SAMPLES,
                                  .seed = 4,
                                  .classes = classes,
                                  .settings = settings,
                                  .setting_count = 2,
                                  .outputs = &wanted,
                                  .output_count = 1};
    assert_ok(duet_run_use(judge, &request, &error), &error);
    return write_pictures("attack.npy", pictures);
}

static void better_samples_are_nearer(void **state)
{
    (void)state;
    if (!is_present()) skip();
    duet_error error = {0};
    static const char *const narrow[] = {"width=16", "window=4", "lr=0.0007"};
    duet_run *run, *judge;
    float *pictures = malloc(SAMPLES * FEATURES * sizeof *pictures);
    assert_non_null(pictures);
    train("classifier", 500, NULL, 0);
    train("gan-conv", 938, narrow, sizeof narrow / sizeof *narrow);
    assert_ok(duet_run_open(&run, in_folder("gan-conv"), NULL, &error), &error);
    assert_ok(duet_run_open_beside(&judge, in_folder("classifier"), run, &error), &error);
    assert_ok(duet_run_set_judge(run, judge, &error), &error);

    verdict real = ask(run, "training", "fashion-mnist"), model = ask(run, "gan-conv", NULL),
            gaussian = ask(run, "gaussian", draw_gaussian(run, pictures)),
            noise = ask(run, "noise", draw_noise(pictures)), attack = ask(run, "attack", draw_attack(judge, pictures));
    for (size_t m = 0; m < 2; m++) { /* one interval after the other */
        assert_true(real.of[m].high < model.of[m].low);
        assert_true(model.of[m].high < gaussian.of[m].low);
        assert_true(gaussian.of[m].high < noise.of[m].low);
    }
    /* The inception score praises what the distances find as far off as samples of the Gaussian, or further. */
    assert_true(attack.of[2].low > real.of[2].high && real.of[2].low > model.of[2].high);
    assert_true(attack.of[0].low > 1.5 * model.of[0].high && attack.of[0].low > 20 * real.of[0].high);
    assert_true(attack.of[1].low > 1.5 * model.of[1].high);

    assert_ok(duet_run_set_judge(run, NULL, &error), &error);
    duet_run_close(&judge);
    duet_run_close(&run);
    free(pictures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(better_samples_are_nearer)};
    return RUN_TESTS("judge_order", tests, make_folder, remove_folder);
}
