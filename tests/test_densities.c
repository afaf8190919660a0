/* SPDX-License-Identifier: MIT */
/* The Jensen-Shannon divergence against densities that are known, what a discriminator knows of it and its curve; and
 * what a run costs, against the plans themselves. */
#include "metric_parts.h"

#include <sys/stat.h>

#include "data/data.h"
#include "device/energy.h"
#include "metric/density.h"

/* ---- one dimension: samples that are normal ---- */

static const double pi = 3.14159265358979323846;
static const double drawn_scale = 1.2, drawn_offset = -1.5, slope = -0.4, offset = 0.3; /* of G and of D */

static double normal(double x, double mean, double deviation)
{
    return exp(-pow((x - mean) / deviation, 2) / 2) / deviation / sqrt(2 * pi);
}

static double density_of_data(double x, double blur)
{
    return (normal(x, -2, hypot(0.5, blur)) + normal(x, 2, hypot(0.5, blur))) / 2;
}

static double density_of_samples(double x, double blur)
{
    return normal(x, drawn_offset, hypot(drawn_scale, blur));
}

static double log_odds_of(double x)
{
    return slope * x + offset;
}

static duet_run *open_line(const char *name, const char *first, const char *second)
{
    duet_run *run = open_run(name, "gan", "two-peaks",
                             SETTINGS("generator_hidden=", "discriminator_hidden=", "latent=1", first, second));
    set_one(run, "generator.output.weight", 0, drawn_scale);
    set_one(run, "generator.output.bias", 0, drawn_offset);
    set_one(run, "discriminator.logit.weight", 0, slope);
    set_one(run, "discriminator.logit.bias", 0, offset);
    return run;
}

static double part(double p, double q)
{
    return p > 0 ? p * log(2 * p / (p + q)) : 0;
}

static void samples_and_discriminators_meet_the_integrals(void **state)
{
    (void)state;
    double divergence = 0, said = log(4) / 2;
    const double step = 0.001;
    for (double x = -15; x < 15; x += step) {
        double p = density_of_data(x, 0.25), q = density_of_samples(x, 0.25);
        divergence += (part(p, q) + part(q, p)) / 2 * step;
        p = density_of_data(x, 0);
        q = density_of_samples(x, 0);
        said += (p * -log1p(exp(-log_odds_of(x))) + q * -log1p(exp(log_odds_of(x)))) / 2 * step;
    }
    duet_run *run = open_line("line", "loss=non-saturating", "k=1");
    duet_metric_value value = value_of(run, "jensen-shannon", DUET_TEST, "jensen-shannon");
    assert_close(value.value, divergence, 0.01);
    assert_true(value.low <= value.value && value.value <= value.high && value.high - value.low < 0.03);
    value = value_of(run, "jensen-shannon", DUET_TEST, "jensen-shannon-floor");
    assert_true(value.value > 0 && value.value < 0.001);
    value = value_of(run, "jensen-shannon-discriminator", DUET_TEST, "jensen-shannon-discriminator");
    assert_close(value.value, said, 2 * (value.high - value.low));
    assert_true(value.high - value.low < 0.02);
    value = value_of(run, "jensen-shannon-discriminator", DUET_TEST, "jensen-shannon-discriminator-training");
    assert_close(value.value, said, 2 * (value.high - value.low));
    duet_run_close(&run);
}

static void the_best_discriminator_stands_beside_the_models(void **state)
{
    (void)state;
    enum { POINTS = 161 };
    duet_error error = {0};
    duet_curve_point points[POINTS];
    duet_run *run = open_line("line", "loss=non-saturating", "k=1");
    assert_ok(duet_discriminator_curve(run, -8, 8, 3, points, POINTS, &error), &error);
    for (size_t i = 0; i < POINTS; i++) {
        double x = -8 + 0.1 * (double)i, p = density_of_data(x, 0.125), q = density_of_samples(x, 0.125);
        assert_close(points[i].x, x, 1e-9);
        assert_close(points[i].p, p, 1e-6);
        assert_close(points[i].q, q, 0.02);
        assert_close(points[i].discriminator, 1 / (1 + exp(-log_odds_of(x))), 1e-5);
        if (p + q > 0.02) assert_close(points[i].best, p / (p + q), 0.1);
        if (p + q > 0.2) assert_close(points[i].best, p / (p + q), 0.03);
        if (p + q < 1e-6) assert_true(isnan(points[i].best));
    }
    duet_run_close(&run);
}

static void other_discriminators_are_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *name, *settings[2], *words;
    } rows[] = {{"hinge", {"loss=hinge", "k=1"}, "log-odds"},
                {"least-squares", {"loss=least-squares", "k=1"}, "log-odds"},
                {"smooth", {"loss=minimax", "label_smoothing=0.1"}, "smoothed"},
                {"packed", {"loss=minimax", "pack=2"}, "single examples"}};
    duet_error error = {0};
    duet_metric_value values[8];
    duet_curve_point points[2];
    size_t count;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_run *run = open_run(rows[i].name, "gan", "two-peaks",
                                 SETTINGS("generator_hidden=", "discriminator_hidden=", "latent=1", rows[i].settings[0],
                                          rows[i].settings[1]));
        error = (duet_error){0};
        assert_status(duet_metric_compute(run, "jensen-shannon-discriminator", DUET_TEST, 0, values, 8, &count, &error),
                      DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i].words);
        error = (duet_error){0};
        assert_status(duet_discriminator_curve(run, -1, 1, 0, points, 2, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i].words);
        error = (duet_error){0};
        assert_status(duet_metric_compute(run, "log-likelihood", DUET_TEST, 0, values, 8, &count, &error),
                      DUET_ERROR_USAGE, &error);
        assert_message(&error, "a GAN has no likelihood");
        error = (duet_error){0};
        assert_status(duet_metric_compute(run, "ais", DUET_TEST, 0, values, 8, &count, &error), DUET_ERROR_USAGE,
                      &error);
        assert_message(&error, "sigma");
        duet_run_close(&run);
    }
}

/* ---- two dimensions: a flow that leaves its logistic prior as it is, but for its scale ---- */

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static double density_of_flow(const float *x, double scale)
{
    double density = 1;
    for (size_t i = 0; i < 2; i++)
        density *= logistic((double)x[i] / scale) * (1 - logistic((double)x[i] / scale)) / scale;
    return density;
}

static double density_of_ring(const float *x)
{
    double density = 0;
    for (size_t mode = 0; mode < 8; mode++)
        density += normal((double)x[0], cos(pi / 4 * (double)mode), 0.01) *
                   normal((double)x[1], sin(pi / 4 * (double)mode), 0.01) / 8;
    return density;
}

/* By the midpoint rule, over both densities as they are. */
static void exact_densities_meet_the_integral(void **state)
{
    (void)state;
    const double scale = 0.15, step = 0.0025;
    duet_run *run = open_run("flow", "nice", "ring8", SETTINGS("hidden=4"));
    for (size_t i = 0; i < 2; i++) set_one(run, "scale.log", i, -log(scale));
    double truth = 0;
    for (double y = -3; y < 3; y += step)
        for (double x = -3; x < 3; x += step) {
            const float at[2] = {(float)x, (float)y};
            double p = density_of_ring(at), q = density_of_flow(at, scale);
            truth += (part(p, q) + part(q, p)) / 2 * step * step;
            if (p > 1e-3) assert_close(duet_log_density(&duet_ring8, at), log(p), 1e-6);
        }
    duet_metric_value value = value_of(run, "jensen-shannon", DUET_TEST, "jensen-shannon-exact");
    assert_close(value.value, truth, value.high - value.low);
    assert_true(value.high - value.low < 0.01);
    duet_run_close(&run);
}

static void divergences_lie_between_0_and_log_2(void **state)
{
    (void)state;
    static const duet_generated *const sets[] = {&duet_ring8, &duet_grid25, &duet_two_peaks};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        double sigma = sets[i]->mixture->sigma;
        const duet_density_grid grid = duet_density_grid_over(sets[i], 0, sigma / 2);
        double *p = malloc(grid.points * sizeof *p), *q = calloc(grid.points, sizeof *q);
        float away[2] = {100, 100};
        assert_true(p != NULL && q != NULL);
        duet_density_of_mixture(&grid, p);
        double mass = 0;
        for (size_t k = 0; k < grid.points; k++) mass += p[k] * pow(grid.step, (double)grid.dimensions);
        assert_close(mass, 1, 1e-6);
        assert_close(duet_jensen_shannon(&grid, p, p), 0, 1e-8);
        assert_close(duet_jensen_shannon(&grid, p, q), log(2), 1e-6);
        const duet_density_grid blurred = duet_density_grid_over(sets[i], sigma, sigma);
        duet_density_of_samples(&blurred, away, NULL, 1, q);
        assert_close(duet_jensen_shannon(&blurred, q, q), log(2) / 2, 1e-6); /* all of one lies off the grid */
        free(p);
        free(q);
    }
}

/* ---- cost ---- */

/* Reports of 1, 2, 3, ... milliseconds a step, backwards: their interval is between the numbers of a table of binomial
 * sums. */
static void a_median_lies_between_order_statistics(void **state)
{
    (void)state;
    static const struct {
        size_t count, low, high; /* low 0: no interval */
    } cases[] = {{2, 0, 0}, {5, 0, 0}, {6, 1, 6}, {8, 1, 8}, {9, 2, 8}, {25, 8, 18}, {2000, 956, 1045}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32], path[PATH + 48];
        double seconds = 0;
        (void)snprintf(name, sizeof name, "median-%zu", cases[i].count);
        duet_run *run = open_run(name, "vae", pictures, SETTINGS("hidden=12", "latent=3"));
        (void)snprintf(path, sizeof path, "%s/%s/metrics.jsonl", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        for (size_t step = 1; step <= cases[i].count; step++) {
            seconds += 0.001 * (double)(cases[i].count + 1 - step);
            assert_true(fprintf(file, "{\"step\":%zu,\"seconds\":%.4f,\"images_per_second\":1}\n", step, seconds) > 0);
        }
        assert_int_equal(fclose(file), 0);
        duet_metric_value value = value_of(run, "cost", DUET_TEST, "step-ms");
        assert_int_equal(value.n, cases[i].count);
        assert_true(isnan(value.low) == (cases[i].low == 0) && isnan(value.high) == (cases[i].low == 0));
        if (cases[i].low > 0) assert_close(value.low, (double)cases[i].low, 1e-6);
        if (cases[i].low > 0) assert_close(value.high, (double)cases[i].high, 1e-6);
        duet_run_close(&run);
    }
}

static void costs_are_those_of_the_plans(void **state)
{
    (void)state;
    enum { HIDDEN = 12, CODE = 3 };
    static const char reports[] = "{\"step\":10,\"seconds\":5.0,\"images_per_second\":10}\n"
                                  "{\"step\":20,\"seconds\":5.2,\"images_per_second\":400}\n"
                                  "{\"step\":20,\"split\":\"test\",\"mse\":0.1}\n"
                                  "{\"step\":30,\"seconds\":5.5,\"images_per_second\":300}\n";
    duet_error error = {0};
    duet_explained_phase phase;
    test_parts parts;
    char path[PATH + 32];
    double flops = 0,
           parameters = 2 * PIXELS * HIDDEN + HIDDEN + PIXELS + 2 * (HIDDEN + 1) * CODE + (CODE + 1) * HIDDEN;
    duet_run *run = open_run("cost", "vae", pictures, SETTINGS("hidden=12", "latent=3"));
    (void)snprintf(path, sizeof path, "%s/cost/metrics.jsonl", folder);
    test_file_write(path, reports, sizeof reports - 1);

    duet_metric_value value = value_of(run, "cost", DUET_TEST, "step-ms");
    assert_close(value.value, 30, 1e-6);
    assert_true(isnan(value.low) && isnan(value.high)); /* no two of three hold their median with 95% */
    assert_int_equal(value.n, 3);
    assert_close(value_of(run, "cost", DUET_TEST, "images-per-second").value, 300, 1e-6);
    assert_close(value_of(run, "cost", DUET_TEST, "parameters").value, parameters, 0);

    test_parts_open(&parts, duet_run_device(run), duet_family_find("vae"), pictures, SETTINGS("hidden=12", "latent=3"));
    for (size_t i = 0; i < duet_trainer_plan_count(parts.trainer); i++) {
        assert_ok(duet_trainer_explain(parts.trainer, i, &phase, &error), &error);
        for (size_t k = 0; k < phase.plan.launch_count; k++)
            flops += phase.plan.launches[k].flops * (double)phase.repeats;
        duet_explained_phase_free(&phase);
    }
    test_parts_close(&parts);
    assert_close(value_of(run, "cost", DUET_TEST, "step-gflop").value, flops * 1e-9, 1e-15);

    /* A sample is two products, and few FLOPs besides. */
    double products = 2.0 * HIDDEN * (CODE + PIXELS);
    value = value_of(run, "cost", DUET_TEST, "sample-gflop");
    assert_true(value.value * 1e9 > products && value.value * 1e9 < 2 * products);
    /* Adam keeps two moments of each parameter beside it and its gradient. */
    assert_true(value_of(run, "cost", DUET_TEST, "memory-mib").value * 1048576 > 16 * parameters);
    assert_true(value_of(run, "cost", DUET_TEST, "sample-ms").value > 0);
    assert_true(value_of(run, "cost", DUET_TEST, "encode-ms").value > 0);
    duet_run_close(&run);
}

static void write_number(const char *directory, const char *name, const char *text)
{
    char path[PATH + 128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    test_file_write(path, text, strlen(text));
}

static void counters_of_energy_begin_anew(void **state)
{
    (void)state;
    char root[PATH], directory[PATH + 96];
    duet_energy energy;
    (void)snprintf(root, sizeof root, "%s/e", folder);
    static const char *const folders[] = {"", "/class", "/class/powercap", "/class/powercap/intel-rapl:0",
                                          "/class/powercap/intel-rapl:1"};
    duet_energy_begin(&energy, DUET_DEVICE_CPU, root);
    assert_true(isnan(duet_energy_since(&energy)));
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        (void)snprintf(directory, sizeof directory, "%s%s", root, folders[i]);
        assert_int_equal(mkdir(directory, 0700), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(directory, sizeof directory, "%s%s", root, folders[3 + i]);
        write_number(directory, "max_energy_range_uj", "10000000\n");
        write_number(directory, "energy_uj", i == 0 ? "1000000\n" : "9000000\n");
    }
    duet_energy_begin(&energy, DUET_DEVICE_CPU, root);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(directory, sizeof directory, "%s%s", root, folders[3 + i]);
        write_number(directory, "energy_uj", i == 0 ? "1500000\n" : "250000\n");
    }
    assert_close(duet_energy_since(&energy), 0.5 + 1.25, 1e-9);
    duet_energy_begin(&energy, DUET_DEVICE_GPU, root);
    assert_true(isnan(duet_energy_since(&energy)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_and_discriminators_meet_the_integrals),
        cmocka_unit_test(the_best_discriminator_stands_beside_the_models),
        cmocka_unit_test(other_discriminators_are_refused_in_words),
        cmocka_unit_test(exact_densities_meet_the_integral),
        cmocka_unit_test(divergences_lie_between_0_and_log_2),
        cmocka_unit_test(costs_are_those_of_the_plans),
        cmocka_unit_test(a_median_lies_between_order_statistics),
        cmocka_unit_test(counters_of_energy_begin_anew),
    };
    return RUN_TESTS("densities", tests, begin, remove_folder);
}
