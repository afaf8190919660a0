/* SPDX-License-Identifier: MIT */
/* Metrics against closed forms: the weights of tiny runs are set by hand so that each number is known beforehand. */
#include "metric_parts.h"

#include "duet/report.h"

static void elbo_has_its_closed_form(void **state)
{
    (void)state;
    duet_run *run = open_run("vae", "vae", pictures, SETTINGS("hidden=12", "latent=3"));
    /* Logits 0 are coins: ln 2 a pixel, whatever the picture. Posterior = prior: no KL. */
    assert_close(value_of(run, "elbo", DUET_TRAIN, "nll").value, PIXELS * log(2), 1e-3);
    assert_close(value_of(run, "elbo", DUET_TRAIN, "kl").value, 0, 1e-6);
    assert_close(value_of(run, "elbo", DUET_TRAIN, "elbo").value, -PIXELS * log(2), 1e-3);
    assert_int_equal(value_of(run, "elbo", DUET_TRAIN, "elbo").n, TEST_TRAINING);
    assert_int_equal(value_of(run, "elbo", DUET_TEST, "elbo").n, TEST_EXAMPLES - TEST_TRAINING);

    /* KL(N(m, e^l) || N(0, 1)) = (m^2 + e^l - 1 - l) / 2 */
    set_one(run, "encoder.mean.bias", 0, 1.5);
    set_one(run, "encoder.logvar.bias", 2, -2);
    double kl = 1.5 * 1.5 / 2 + (exp(-2) - 1 + 2) / 2;
    assert_close(value_of(run, "elbo", DUET_TRAIN, "kl").value, kl, 1e-5);
    assert_close(value_of(run, "elbo", DUET_TRAIN, "elbo").value, -PIXELS * log(2) - kl, 1e-3);
    duet_run_close(&run);
}

/* Many pieces: 10,000 test examples of a generated set, against sums over the examples themselves. */
static void a_split_is_visited_whole(void **state)
{
    (void)state;
    enum { N = 10000 };
    const double pi = acos(-1);
    duet_error error = {0};
    duet_run *run = open_run("ring-vae", "vae", "ring8", SETTINGS("hidden=4", "latent=2"));
    float *examples = malloc(2 * N * sizeof *examples);
    double nll = 0, squares = 0;
    assert_non_null(examples);
    assert_ok(duet_data_read(duet_run_data(run), DUET_TEST, 0, N, examples, &error), &error);
    set_one(run, "decoder.output.bias", 0, 0.25);
    for (size_t i = 0; i < N; i++) {
        double x = examples[2 * i] - 0.25, y = examples[2 * i + 1];
        nll += ((x * x + y * y) / 2 + log(2 * pi)) / N;
        squares += (x * x + y * y) / 2 / N;
    }
    assert_close(value_of(run, "elbo", DUET_TEST, "nll").value, nll, 1e-4);
    assert_int_equal(value_of(run, "elbo", DUET_TEST, "nll").n, N);
    duet_metric_value mse = value_of(run, "mse", DUET_TEST, "mse");
    assert_close(mse.value, squares, 1e-5);
    assert_true(mse.low < mse.value && mse.value < mse.high);
    free(examples);
    duet_run_close(&run);
}

/* All weights 0: codes are the dequantised pixels, measured by the logistic density. */
static void bits_are_nats_over_pixels_and_eight(void **state)
{
    (void)state;
    enum { N = TEST_EXAMPLES - TEST_TRAINING };
    duet_error error = {0};
    duet_run *run = open_run("nice", "nice", pictures, SETTINGS("hidden=4", "alpha=0"));
    float examples[N * PIXELS];
    double nll = 0;
    assert_ok(duet_data_read(duet_run_data(run), DUET_TEST, 0, N, examples, &error), &error);
    for (size_t i = 0; i < N * PIXELS; i++) {
        double x = ((double)examples[i] * 255 + 0.5) / 256; /* the noise's mean */
        nll += (x + 2 * log1p(exp(-x))) / N;
    }
    assert_close(value_of(run, "nll", DUET_TEST, "nll").value, nll, 0.05);
    duet_metric_value bits = value_of(run, "bits-per-dimension", DUET_TEST, "bits-per-dimension");
    assert_close(bits.value, value_of(run, "nll", DUET_TEST, "nll").value / log(2) / PIXELS + 8, 1e-5);
    assert_true(bits.low < bits.value && bits.value < bits.high);
    assert_int_equal(bits.n, N);
    duet_run_close(&run);

    run = open_run("ring-nice", "nice", "ring8", SETTINGS("hidden=4")); /* a density of no bytes */
    assert_true(duet_metric_applies(run, "nll"));
    assert_false(duet_metric_applies(run, "bits-per-dimension"));
    duet_run_close(&run);
}

/* -log p(x | code) is no likelihood of x: nothing takes it for one. */
static void an_autoencoder_has_no_likelihood(void **state)
{
    (void)state;
    duet_run *run = open_run("ae", "ae", pictures, SETTINGS("hidden=12", "latent=3"));
    assert_int_equal(duet_run_features(run, DUET_NLL), 0);
    assert_int_equal(duet_run_features(run, "reconstruction_nll"), 1);
    assert_false(duet_metric_applies(run, "nll"));
    duet_run_close(&run);
}

static void active_units_are_those_that_vary(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_run *run = open_run("vae", "vae", pictures, SETTINGS("hidden=12", "latent=3"));
    float examples[TEST_TRAINING * PIXELS];
    assert_ok(duet_data_read(duet_run_data(run), DUET_TRAIN, 0, TEST_TRAINING, examples, &error), &error);
    double mean = 0, variance = 0;
    for (size_t i = 0; i < TEST_TRAINING; i++) mean += examples[i * PIXELS] / TEST_TRAINING;
    for (size_t i = 0; i < TEST_TRAINING; i++)
        variance += (examples[i * PIXELS] - mean) * (examples[i * PIXELS] - mean) / TEST_TRAINING;

    check_interval(value_of(run, "active-units", DUET_TRAIN, "active-units"), 0, 0, 3);    /* of 44 none moves at all */
    check_interval(value_of(run, "active-units", DUET_TEST, "active-units"), 0, NAN, NAN); /* four tell too little */
    set_one(run, "encoder.hidden1.weight", 0, 1);                                          /* hidden 0 is pixel 0 */
    set_one(run, "encoder.mean.weight", 0, sqrt(0.011 / variance));  /* latent 0: just above 0.01 */
    set_one(run, "encoder.mean.weight", 12, sqrt(0.009 / variance)); /* latent 1: just below */
    set_one(run, "encoder.mean.bias", 2, 7);                         /* latent 2: far away, but still */
    assert_close(value_of(run, "active-units", DUET_TRAIN, "active-units").value, 1, 0);
    duet_run_close(&run);
}

/* A posterior that is the prior; and one whose mean has moved. */
static void codes_are_compared_with_the_prior(void **state)
{
    (void)state;
    duet_run *run = open_run("ring-vae", "vae", "ring8", SETTINGS("hidden=4", "latent=2"));
    duet_metric_value value = value_of(run, "latent-mmd", DUET_TEST, "latent-mmd");
    assert_int_equal(value.n, 1000);
    assert_close(value.value, 0, 0.003); /* over 20 seeds of draws the deviation is 0.0004 */
    set_one(run, "encoder.mean.bias", 0, 1);
    double moved = value_of(run, "latent-mmd", DUET_TEST, "latent-mmd").value;
    assert_in_range((size_t)(1e4 * moved), 500, 2000);
    set_one(run, "encoder.logvar.bias", 0, -8); /* all codes in one line: narrower than the prior */
    set_one(run, "encoder.mean.bias", 0, 0);
    assert_true(value_of(run, "latent-mmd", DUET_TEST, "latent-mmd").value > 0.02);
    duet_run_close(&run);
    run = open_run("plain-ae", "ae", "ring8", SETTINGS("hidden=4", "latent=2"));
    assert_false(duet_metric_applies(run, "latent-mmd")); /* it has no prior that samples are made of */
    assert_false(duet_metric_applies(run, "log-likelihood"));
    duet_run_close(&run);
}

/* Half of the rows at 0 and half at 1, sorted or one after the other: codes of two places, as wide an interval. */
static void order_in_a_file_widens_no_interval(void **state)
{
    (void)state;
    enum { ROWS = 1000 };
    static float points[2 * ROWS];
    char path[PATH], file[PATH + 24];
    double wide[2];
    duet_error error = {0};
    for (size_t sorted = 0; sorted < 2; sorted++) {
        for (size_t i = 0; i < 2 * ROWS; i++) points[i] = (float)(sorted == 1 ? i / ROWS : i / 2 % 2);
        (void)snprintf(path, sizeof path, "%s/order%zu", folder, sorted);
        assert_int_equal(mkdir(path, 0777), 0);
        for (size_t split = 0; split < 2; split++) {
            (void)snprintf(file, sizeof file, "%s/%s.npy", path, split == 0 ? "train" : "test");
            assert_ok(duet_write_npy(file, points, DUET_SHAPE(ROWS, 2), &error), &error);
        }
        (void)snprintf(file, sizeof file, "ordered%zu", sorted);
        duet_run *run = open_run(file, "vae", path, SETTINGS("hidden=4", "latent=2"));
        set_one(run, "encoder.hidden1.weight", 0, 1);
        set_one(run, "encoder.mean.weight", 0, 3);
        const duet_metric_value value = value_of(run, "latent-mmd", DUET_TEST, "latent-mmd");
        wide[sorted] = value.high - value.low;
        duet_run_close(&run);
    }
    assert_true(wide[1] < 2 * wide[0] && wide[0] < 2 * wide[1]);
}

/* A decoder that hears nothing has the same p(x) whatever z is. */
static void log_likelihoods_are_asked_of_the_procedure(void **state)
{
    (void)state;
    duet_run *run = open_run("vae", "vae", pictures, SETTINGS("hidden=12", "latent=3"));
    static const char *const few[] = {"k=7"};
    duet_run_set_settings(run, few, 1);
    duet_metric_value value = value_of(run, "log-likelihood", DUET_TRAIN, "log-likelihood");
    assert_close(value.value, -PIXELS * log(2), 1e-3);
    assert_int_equal(value.n, TEST_TRAINING);
    duet_run_close(&run);
}

static void a_flag_ends_metrics(void **state)
{
    (void)state;
    static const char *const names[] = {"ais", "elbo", "log-likelihood", "active-units"};
    duet_run *run = open_run("vae", "vae", pictures, SETTINGS("hidden=12", "latent=3"));
    duet_metric_value values[16];
    size_t count;
    const int stop = 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        duet_error error = {0};
        duet_run_set_stop(run, &stop);
        assert_status(duet_metric_compute(run, names[i], DUET_TEST, 1, values, 16, &count, &error),
                      DUET_ERROR_INTERRUPTED, &error);
        assert_message(&error, "stopped");
    }
    duet_run_set_stop(run, NULL);
    check_interval(value_of(run, "elbo", DUET_TEST, "elbo"), value_of(run, "elbo", DUET_TEST, "elbo").value, NAN, NAN);
    duet_run_close(&run);
}

static duet_run *open_ring(void)
{
    return open_run("ring-gan", "gan", "ring8", SETTINGS("generator_hidden=", "discriminator_hidden=4", "latent=2"));
}

static void accuracy_counts_both_sides(void **state)
{
    (void)state;
    duet_run *run = open_ring();
    size_t n = duet_data_describe(duet_run_data(run))->count[DUET_TEST];
    static const struct {
        double logit, real, fake;
    } rows[] = {{1, 1, 0}, {-1, 0, 1}, {0, 0, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_one(run, "discriminator.logit.bias", 0, rows[i].logit);
        assert_close(value_of(run, "accuracy", DUET_TEST, "accuracy-real").value, rows[i].real, 1e-12);
        assert_close(value_of(run, "accuracy", DUET_TEST, "accuracy-fake").value, rows[i].fake, 1e-12);
        assert_close(value_of(run, "accuracy", DUET_TEST, "margin-real").value, rows[i].logit, 1e-12);
        assert_close(value_of(run, "accuracy", DUET_TEST, "margin-fake").value, -rows[i].logit, 1e-12);
        duet_metric_value both = value_of(run, "accuracy", DUET_TEST, "accuracy");
        assert_close(both.value, (rows[i].real + rows[i].fake) / 2, 1e-12);
        assert_int_equal(both.n, 2 * n);
    }
    duet_run_close(&run);
}

/* In one pass metrics share their samples, some more than others; the values are those of each by itself. */
static void metrics_share_samples(void **state)
{
    (void)state;
    static const char *const names[] = {"neighbour-spread", "sharpness"};
    duet_run *run =
        open_run("shared", "gan", pictures, SETTINGS("generator_hidden=", "discriminator_hidden=4", "latent=2"));
    duet_metric_value values[4];
    duet_error error = {0};
    size_t count;
    set_one(run, "generator.output.weight", 0, 3);
    set_one(run, "generator.output.weight", 101, 2);
    assert_ok(duet_metric_compute_all(run, names, 2, DUET_TRAIN, 5, values, 4, &count, &error), &error);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_close(values[i].value, value_of(run, names[i], DUET_TRAIN, names[i]).value, 1e-6);
    duet_run_close(&run);
}

static char many[PATH];

/* As `pictures`, enough of them for a test split of 60. */
static void write_many(void)
{
    enum { COUNT = 600 };
    duet_error error = {0};
    float *values = malloc(COUNT * PIXELS * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < COUNT * PIXELS; i++) values[i] = (float)((i * 2654435761u >> 7) % 1000) / 1000;
    (void)snprintf(many, sizeof many, "%s/many.npy", folder);
    assert_ok(duet_write_npy(many, values, DUET_SHAPE(COUNT, 8, 8, 3), &error), &error);
    free(values);
}

/* A generator that draws one training picture again and again, and then one that draws what is like no picture. */
static void copies_are_found(void **state)
{
    (void)state;
    duet_error error = {0};
    float copied[PIXELS];
    duet_run *run =
        open_run("copies", "gan", pictures, SETTINGS("generator_hidden=", "discriminator_hidden=4", "latent=2"));
    assert_status(duet_metric_check(run, "memorisation", DUET_TEST, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "needs at least 50 training and as many test examples");
    duet_run_close(&run);
    write_many();
    run = open_run("many-copies", "gan", many, SETTINGS("generator_hidden=", "discriminator_hidden=4", "latent=2"));
    error = (duet_error){0};
    assert_ok(duet_data_read(duet_run_data(run), DUET_TRAIN, 3, 1, copied, &error), &error);
    for (size_t i = 0; i < PIXELS; i++) copied[i] = (float)(log(copied[i] + 1e-9) - log(1 - copied[i] + 1e-9));
    set(run, "generator.output.bias", 0, copied, PIXELS);
    const double end = 0.967093624; /* of Newcombe's interval of 60 and 60, where all pairs are of one order */
    check_interval(value_of(run, "memorisation", DUET_TEST, "memorisation"), 1, end, 1);
    check_interval(value_of(run, "memorisation", DUET_TEST, "authenticity"), 0, 0, wilson_of_none(60));
    for (size_t i = 0; i < PIXELS; i++) copied[i] = i % 2 ? 20 : -20;
    set(run, "generator.output.bias", 0, copied, PIXELS);
    check_interval(value_of(run, "memorisation", DUET_TEST, "memorisation"), 0, 0, 1 - end);
    assert_close(value_of(run, "memorisation", DUET_TEST, "authenticity").value, 1, 0);
    duet_run_close(&run);
}

/* Against a flat picture of 0.4 the variance of one and the covariance are 0. The window is the picture, 8 x 8. */
static void similarity_to_a_flat_picture_is_a_closed_form(void **state)
{
    (void)state;
    enum { SIDE = 8, N = TEST_EXAMPLES - TEST_TRAINING };
    duet_error error = {0};
    duet_run *run = open_run("flat", "ae", pictures, SETTINGS("hidden=4", "latent=2"));
    float x[N * PIXELS];
    double similar = 0, signal = 0, weights[SIDE], total = 0;
    for (size_t i = 0; i < PIXELS; i++) set_one(run, "decoder.output.bias", i, 0.4);
    assert_ok(duet_data_read(duet_run_data(run), DUET_TEST, 0, N, x, &error), &error);
    for (size_t i = 0; i < SIDE; i++) total += weights[i] = exp(-((double)i - 3.5) * ((double)i - 3.5) / 4.5);
    for (size_t n = 0; n < N; n++) {
        double squares = 0;
        for (size_t channel = 0; channel < 3; channel++) {
            double mean = 0, square = 0;
            for (size_t i = 0; i < SIDE * SIDE; i++) {
                double weight = weights[i / SIDE] * weights[i % SIDE] / (total * total);
                double value = x[n * PIXELS + 3 * i + channel];
                mean += weight * value;
                square += weight * value * value;
                squares += (value - 0.4) * (value - 0.4);
            }
            similar += (2 * mean * 0.4 + 1e-4) * 9e-4 / ((mean * mean + 0.16 + 1e-4) * (square - mean * mean + 9e-4)) /
                       (3 * N);
        }
        signal += -10 * log10(squares / PIXELS) / N;
    }
    assert_close(value_of(run, "ssim", DUET_TEST, "ssim").value, similar, 1e-6);
    assert_close(value_of(run, "ssim", DUET_TEST, "psnr").value, signal, 1e-5);
    duet_run_close(&run);
}

/* Samples (s, 0), s normal of deviation `scale`: the gaps grow with it, and all is one point at 0. */
static void spread_grows_with_the_gaps_between_samples(void **state)
{
    (void)state;
    double spread[3];
    duet_run *run = open_ring();
    for (size_t i = 0; i < 3; i++) {
        set_one(run, "generator.output.weight", 0, (double)i);
        duet_metric_value value = value_of(run, "neighbour-spread", DUET_TEST, "neighbour-spread");
        spread[i] = value.value;
        assert_int_equal(value.n, 500);
    }
    assert_close(spread[0], 0, 0);
    assert_true(spread[1] > 0.01);
    assert_close(spread[2], 2 * spread[1], 1e-6);
    duet_run_close(&run);
}

/* Four classes of even grey: 0, 85, 170, 255; the generator's pictures are as bright as its bias says. */
static void classes_are_those_of_the_nearest_examples(void **state)
{
    (void)state;
    enum { SAMPLES = 1000 };
    duet_run *run =
        open_run("grey", "gan", labelled, SETTINGS("generator_hidden=", "discriminator_hidden=4", "latent=2"));
    assert_int_equal(duet_data_describe(duet_run_data(run))->classes, 4);
    for (size_t pixel = 0; pixel < 4; pixel++) set_one(run, "generator.output.bias", pixel, log(0.3 / 0.7));
    assert_close(value_of(run, "classes", DUET_TEST, "classes").value, 1, 0); /* 0.3 is nearest to 85 / 255 */
    assert_close(value_of(run, "classes", DUET_TEST, "largest-share").value, 1, 0);

    /* Black or white by the sign of the first latent. */
    float latents[2 * SAMPLES];
    size_t black = 0;
    for (size_t pixel = 0; pixel < 4; pixel++) {
        set_one(run, "generator.output.bias", pixel, 0);
        set_one(run, "generator.output.weight", 2 * pixel, 1e6);
    }
    test_prior(run, SAMPLES, 5, latents);
    for (size_t i = 0; i < SAMPLES; i++) black += latents[2 * i] < 0;
    size_t most = black > SAMPLES / 2 ? black : SAMPLES - black;
    assert_close(value_of(run, "classes", DUET_TEST, "classes").value, 2, 0);
    assert_close(value_of(run, "classes", DUET_TEST, "largest-share").value, (double)most / SAMPLES, 1e-9);
    assert_in_range(most, 500, 580);
    duet_run_close(&run);
}

/* Two columns with labels, in a folder that is made for the first part. */
static void write_part(const char *name, const char *part, const float *points, const uint8_t *labels, size_t rows,
                       char path[PATH])
{
    char file[PATH + 24];
    duet_error error = {0};
    (void)snprintf(path, PATH, "%s/%s", folder, name);
    (void)mkdir(path, 0777);
    (void)snprintf(file, sizeof file, "%s/%s.npy", path, part);
    assert_ok(duet_write_npy(file, points, DUET_SHAPE(rows, 2), &error), &error);
    (void)snprintf(file, sizeof file, "%s/%s-labels.npy", path, part);
    assert_ok(duet_write_npy_bytes(file, labels, DUET_SHAPE(rows), &error), &error);
}

/* Of 4,000 examples 2,000 are asked about: not all of one class where classes take turns. */
static void few_for_many_are_of_all_classes(void **state)
{
    (void)state;
    enum { ROWS = 4000 };
    static float points[2 * ROWS];
    static uint8_t labels[ROWS];
    char path[PATH];
    for (size_t i = 0; i < ROWS; i++) labels[i] = i % 2;
    for (size_t i = 0; i < ROWS; i++) points[2 * i] = (float)i;
    write_part("turns", "train", points, labels, ROWS, path);
    write_part("turns", "test", points, labels, ROWS / 8, path);
    duet_run *run = open_run("turn-codes", "ae", path, SETTINGS("hidden=4", "latent=2")); /* all codes are 0 */
    assert_close(value_of(run, "nearest-neighbour", DUET_TRAIN, "nearest-neighbour").value, 0.5, 0.06);
    duet_run_close(&run);
}

/* Half of the examples, where black and white ones take turns, are black and white. */
static void likelihoods_of_few_are_of_all(void **state)
{
    (void)state;
    enum { ROWS = 400 };
    static const char *const half[] = {"k=1", "examples=200"};
    static float points[2 * ROWS];
    static uint8_t labels[ROWS];
    char path[PATH];
    for (size_t i = 0; i < ROWS; i++) labels[i] = i % 2;
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = labels[i / 2];
    write_part("halves", "train", points, labels, ROWS, path);
    write_part("halves", "test", points, labels, ROWS, path);
    duet_run *run = open_run("of-halves", "vae", path, SETTINGS("hidden=4", "latent=2"));
    for (size_t i = 0; i < 2; i++) set_one(run, "decoder.output.bias", i, 2);
    duet_run_set_settings(run, half, 2);
    const double white = -2 * log1p(exp(-2)), black = -2 * log1p(exp(2));
    assert_close(value_of(run, "log-likelihood", DUET_TRAIN, "log-likelihood").value, (white + black) / 2, 0.6);
    duet_run_close(&run);
}

/* Rows of a table, a quarter of class 0 before all of class 1, that are as near as each other: a file's order says
 * nothing. */
static void equally_near_examples_count_alike(void **state)
{
    (void)state;
    enum { ROWS = 400 };
    float points[2 * ROWS];
    uint8_t labels[ROWS];
    char path[PATH];
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = (float)(i / 2 % 2);
    for (size_t i = 0; i < ROWS; i++) labels[i] = i >= ROWS / 4;
    write_part("sorted", "train", points, labels, ROWS, path);
    duet_run *run = open_run("bits", "gan", path, SETTINGS("generator_hidden=", "discriminator_hidden=4", "latent=2"));
    assert_close(value_of(run, "classes", DUET_TEST, "classes").value, 2, 0);
    assert_close(value_of(run, "classes", DUET_TEST, "largest-share").value, 0.75, 0.06);
    duet_run_close(&run);
    run = open_run("bit-codes", "ae", path, SETTINGS("hidden=4", "latent=2")); /* all codes are 0 */
    assert_close(value_of(run, "nearest-neighbour", DUET_TRAIN, "nearest-neighbour").value, 0.625, 0.12);
    duet_run_close(&run);
}

static void modes_are_counted_within_three_sigma(void **state)
{
    (void)state;
    duet_run *run = open_ring();
    double unseen = wilson_of_none(2500); /* modes that show none may have that share, or as many samples a mode each */
    check_interval(value_of(run, "modes", DUET_TEST, "modes"), 0, 0, 2500 * unseen); /* all at the origin */
    check_interval(value_of(run, "modes", DUET_TEST, "high-quality"), 0, 0, unseen);
    set_one(run, "generator.output.bias", 0, 1);
    check_interval(value_of(run, "modes", DUET_TEST, "modes"), 1, 1, 1 + 2500 * unseen);
    check_interval(value_of(run, "modes", DUET_TEST, "high-quality"), 1, 1 - unseen, 1);
    check_interval(value_of(run, "neighbour-spread", DUET_TEST, "neighbour-spread"), 0, NAN, NAN);
    /* As the data's own: P(chi^2 with 2 degrees of freedom < 9) = 1 - e^-4.5 */
    set_one(run, "generator.output.weight", 0, 0.01);
    set_one(run, "generator.output.weight", 3, 0.01);
    duet_metric_value good = value_of(run, "modes", DUET_TEST, "high-quality");
    assert_close(good.value, 1 - exp(-4.5), 4 * sqrt(exp(-4.5) / 2500));
    assert_true(good.low < good.value && good.value < good.high && good.high - good.low < 0.02);
    duet_run_close(&run);
}

/* Of a split of pictures of 8 x 8 x 3: the mean square of 4 times a pixel less its four neighbours. */
static double energy_of_data(duet_run *run)
{
    static float x[TEST_TRAINING][8][8][3];
    double sum = 0;
    duet_error error = {0};
    assert_ok(duet_data_read(duet_run_data(run), DUET_TRAIN, 0, TEST_TRAINING, x[0][0][0], &error), &error);
    for (size_t n = 0; n < TEST_TRAINING; n++)
        for (size_t row = 1; row < 7; row++)
            for (size_t column = 1; column < 7; column++)
                for (size_t c = 0; c < 3; c++)
                    sum += pow(4 * (double)x[n][row][column][c] - (double)x[n][row - 1][column][c] -
                                   (double)x[n][row + 1][column][c] - (double)x[n][row][column - 1][c] -
                                   (double)x[n][row][column + 1][c],
                               2);
    return sum / (TEST_TRAINING * 36 * 3);
}

/* Black pictures with one white number: 16 at its place and 1 beside, above and below, where those places count. */
static void sharpness_is_the_energy_of_the_laplacian(void **state)
{
    (void)state;
    static const struct {
        size_t row, column;
        double energy;
    } rows[] = {{3, 4, 16 + 4}, {1, 4, 16 + 3}, {6, 6, 16 + 2}, {0, 2, 1}, {7, 7, 0}};
    duet_run *run = open_run("vae", "vae", pictures, SETTINGS("hidden=12", "latent=3"));
    double data = energy_of_data(run);
    assert_close(value_of(run, "sharpness", DUET_TRAIN, "sharpness").value, 0, 0); /* grey all over */
    for (size_t i = 0; i < PIXELS; i++) set_one(run, "decoder.output.bias", i, -200);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t place = (rows[i].row * 8 + rows[i].column) * 3 + i % 3;
        set_one(run, "decoder.output.bias", place, 200);
        double expected = rows[i].energy / (36 * 3) / data;
        duet_metric_value samples = value_of(run, "sharpness", DUET_TRAIN, "sharpness");
        assert_close(samples.value, expected, 1e-6);
        assert_int_equal(samples.n, 1000);
        duet_metric_value rebuilt = value_of(run, "sharpness", DUET_TRAIN, "sharpness-reconstruction");
        assert_close(rebuilt.value, expected, 1e-6);
        assert_int_equal(rebuilt.n, TEST_TRAINING);
        set_one(run, "decoder.output.bias", place, -200);
    }
    duet_run_close(&run);
    run = open_ring(); /* points are no pictures */
    assert_false(duet_metric_applies(run, "sharpness"));
    duet_run_close(&run);
}

/* A decoder of two latents without hidden layers: its weight's rows are the directions. */
static void the_rank_of_a_decoder_is_that_of_its_weight(void **state)
{
    (void)state;
    duet_run *run = open_run("linear", "vae", pictures, SETTINGS("hidden=", "latent=2"));
    const float along[2] = {0.1f, 0.2f}, away[2] = {0.3f, -0.1f}, parallel[2] = {-0.2f, -0.4f};
    set(run, "decoder.output.weight", 0, along, 2);
    set(run, "decoder.output.weight", 2, parallel, 2);
    assert_close(value_of(run, "latent-rank", DUET_TEST, "latent-rank").value, 1, 0);
    set(run, "decoder.output.weight", 4, away, 2);
    check_interval(value_of(run, "latent-rank", DUET_TEST, "latent-rank"), 2, NAN, NAN); /* 2 at each of 16 */
    duet_run_close(&run);
}

/* Half of them grey, which is what a decoder of zeros draws, half of them stripes. */
static void write_grey_and_stripes(char path[PATH])
{
    enum { ROWS = 40, COUNT = 64 };
    float rows[ROWS * COUNT];
    duet_error error = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) rows[i] = i / COUNT % 2 == 0 ? 0.5F : (float)(i % 2);
    (void)snprintf(path, PATH, "%s/stripes.npy", folder);
    assert_ok(duet_write_npy(path, rows, DUET_SHAPE(ROWS, 8, 8, 1), &error), &error);
}

/* What is a share, a number of some or a square lies between bounds, and its interval, wide as it is of four examples
 * that are far apart, does not leave them. */
static void intervals_end_where_values_can_lie(void **state)
{
    (void)state;
    static const struct {
        const char *metric, *value;
        double least, most;
    } rows[] = {
        {"mse", "mse", 0, INFINITY},          {"ssim", "ssim", -1, 1},     {"ssim", "psnr", -INFINITY, 100},
        {"elbo", "kl", 0, INFINITY},          {"ais", "ais-chains", 1, 3}, {"ais", "ais-acceptance", 0, 1},
        {"latent-rank", "latent-rank", 0, 2},
    };
    static const char *const asked[] = {"examples=4", "temperatures=3", "chains=3", "simulated=0"};
    char data[PATH];
    size_t cut = 0;
    write_grey_and_stripes(data);
    duet_run *run = open_run("stripes", "vae", data, SETTINGS("hidden=", "latent=2"));
    duet_run_set_settings(run, asked, 4);
    for (size_t i = 0; i < 64; i++) set_one(run, "encoder.mean.weight", i, i % 2 == 0 ? 1 : -1);
    set_one(run, "decoder.output.weight", 0, 0.5);
    set_one(run, "decoder.output.weight", 3, 5); /* saturates, and is no direction then */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_metric_value it = value_of(run, rows[i].metric, DUET_TEST, rows[i].value);
        if (!(it.low >= rows[i].least && it.low <= it.value && it.value <= it.high && it.high <= rows[i].most))
            fail_msg("%s is %g, from %g to %g", it.name, it.value, it.low, it.high);
        cut += it.low == rows[i].least || it.high == rows[i].most;
    }
    assert_in_range(cut, 4, sizeof rows / sizeof *rows); /* where the test says something */
    duet_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elbo_has_its_closed_form),
        cmocka_unit_test(a_split_is_visited_whole),
        cmocka_unit_test(bits_are_nats_over_pixels_and_eight),
        cmocka_unit_test(an_autoencoder_has_no_likelihood),
        cmocka_unit_test(active_units_are_those_that_vary),
        cmocka_unit_test(codes_are_compared_with_the_prior),
        cmocka_unit_test(order_in_a_file_widens_no_interval),
        cmocka_unit_test(log_likelihoods_are_asked_of_the_procedure),
        cmocka_unit_test(a_flag_ends_metrics),
        cmocka_unit_test(accuracy_counts_both_sides),
        cmocka_unit_test(metrics_share_samples),
        cmocka_unit_test(similarity_to_a_flat_picture_is_a_closed_form),
        cmocka_unit_test(copies_are_found),
        cmocka_unit_test(spread_grows_with_the_gaps_between_samples),
        cmocka_unit_test(classes_are_those_of_the_nearest_examples),
        cmocka_unit_test(few_for_many_are_of_all_classes),
        cmocka_unit_test(likelihoods_of_few_are_of_all),
        cmocka_unit_test(equally_near_examples_count_alike),
        cmocka_unit_test(modes_are_counted_within_three_sigma),
        cmocka_unit_test(sharpness_is_the_energy_of_the_laplacian),
        cmocka_unit_test(the_rank_of_a_decoder_is_that_of_its_weight),
        cmocka_unit_test(intervals_end_where_values_can_lie),
    };
    return RUN_TESTS("metric", tests, begin, remove_folder);
}
