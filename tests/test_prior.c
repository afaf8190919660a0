/* SPDX-License-Identifier: MIT */
/* Priors: draws against moments and shares, densities against closed forms on the host, quantiles against draws. */

#include "workshop.h"

#include "duet/nn.h"

enum { ROWS = 20000, MOST = 4 };

static const float centres[] = {-2, 0, 1, 3, 0.5f, -1}; /* three of two numbers */

typedef struct prior_case {
    const char *name;
    duet_prior prior;
    double mean[MOST], deviation[MOST];
} prior_case;

/* Means and deviations from the distributions' own formulas. */
static size_t list_cases(prior_case cases[8])
{
    const double pi = acos(-1), third = 1 / 3.0;
    duet_prior shifted = duet_prior_normal(2), wide = duet_prior_logistic(1);
    shifted.location = -1.5;
    shifted.scale = 0.5;
    wide.location = 2;
    wide.scale = 3;
    size_t n = 0;
    cases[n++] = (prior_case){"normal", duet_prior_normal(3), {0, 0, 0}, {1, 1, 1}};
    cases[n++] = (prior_case){"normal elsewhere", shifted, {-1.5, -1.5}, {0.5, 0.5}};
    cases[n++] = (prior_case){"uniform", duet_prior_uniform(2, -1, 3), {1, 1}, {4 / sqrt(12), 4 / sqrt(12)}};
    cases[n++] = (prior_case){"logistic", duet_prior_logistic(2), {0, 0}, {pi / sqrt(3), pi / sqrt(3)}};
    cases[n++] = (prior_case){"logistic elsewhere", wide, {2}, {3 * pi / sqrt(3)}};
    cases[n++] = (prior_case){
        "categorical", duet_prior_categorical(3), {third, third, third}, {sqrt(2) / 3, sqrt(2) / 3, sqrt(2) / 3}};
    double means[2] = {0}, squares[2] = {0};
    for (size_t i = 0; i < 6; i++) means[i % 2] += (double)centres[i] / 3;
    for (size_t i = 0; i < 6; i++) squares[i % 2] += pow((double)centres[i] - means[i % 2], 2) / 3;
    cases[n++] = (prior_case){"mixture",
                              duet_prior_mixture(2, 3, centres, 0.25),
                              {means[0], means[1]},
                              {sqrt(squares[0] + 0.0625), sqrt(squares[1] + 0.0625)}};
    return n;
}

static void draws_have_the_moments_and_shares(void **state)
{
    (void)state;
    prior_case cases[8];
    static float drawn[ROWS * MOST];
    size_t count = list_cases(cases);
    for (size_t c = 0; c < count; c++) {
        const prior_case *row = &cases[c];
        duet_store *store = duet_store_new(11);
        duet_graph *graph = duet_graph_new(store);
        size_t features = duet_prior_features(&row->prior, 1);
        duet_node draws = duet_prior_draw(graph, &row->prior, 1, ROWS);
        test_compute(device, &draws, 1, NULL, 0, (void *[]){drawn});
        for (size_t k = 0; k < features; k++) {
            double sum = 0, squares = 0;
            size_t below = 0;
            double third = duet_prior_quantile(&row->prior, k, 0.3);
            for (size_t i = 0; i < ROWS; i++) {
                double value = (double)drawn[i * features + k];
                sum += value;
                squares += value * value;
                below += value < third;
            }
            double mean = sum / ROWS, deviation = sqrt(squares / ROWS - mean * mean),
                   se = row->deviation[k] / sqrt(ROWS);
            if (!(fabs(mean - row->mean[k]) < 5 * se)) fail_msg("%s %zu: mean %g", row->name, k, mean);
            if (!(fabs(deviation / row->deviation[k] - 1) < 0.04))
                fail_msg("%s %zu: deviation %g", row->name, k, deviation);
            if (row->prior.kind != DUET_PRIOR_CATEGORICAL && !(fabs((double)below / ROWS - 0.3) < 0.017))
                fail_msg("%s %zu: %g below the quantile of 0.3", row->name, k, (double)below / ROWS);
        }
        if (row->prior.kind == DUET_PRIOR_CATEGORICAL)
            for (size_t i = 0; i < ROWS; i++) assert_true(drawn[3 * i] + drawn[3 * i + 1] + drawn[3 * i + 2] == 1);
        duet_graph_free(&graph);
        duet_store_free(&store);
    }
}

/* log N(z; mean, deviation^2) */
static double normal_log(double z, double mean, double deviation)
{
    return -pow((z - mean) / deviation, 2) / 2 - log(deviation) - log(2 * acos(-1)) / 2;
}

static double logistic_log(double z, double location, double scale)
{
    double u = (z - location) / scale;
    return -u - 2 * log1p(exp(-u)) - log(scale);
}

/* Normal, uniform, logistic and mixture side by side: the density is the product. */
static void densities_have_their_closed_forms(void **state)
{
    (void)state;
    enum { N = 5 };
    duet_prior parts[] = {duet_prior_normal(1), duet_prior_uniform(1, -1, 3), duet_prior_logistic(1),
                          duet_prior_mixture(2, 3, centres, 0.25), duet_prior_categorical(2)};
    const size_t count = sizeof parts / sizeof *parts, features = duet_prior_features(parts, count);
    float z[N * 7], density[N];
    assert_int_equal(features, 7);
    parts[0].location = 0.5;
    parts[0].scale = 2;
    parts[2].scale = 1.5;
    for (size_t i = 0; i < N * features; i++) z[i] = (float)((i * 37 % 19) / 6.0 - 1.4);
    duet_store *store = duet_store_new(1);
    duet_graph *graph = duet_graph_new(store);
    duet_node input = duet_input(graph, "z", DUET_FLOAT32, DUET_SHAPE(N, features));
    duet_node node = duet_prior_log_density(parts, count, input);
    const test_feed feed = {input, z};
    test_compute(device, &node, 1, &feed, 1, (void *[]){density});
    for (size_t i = 0; i < N; i++) {
        const float *row = z + i * features;
        double mixed = 0, expected = normal_log(row[0], 0.5, 2) - log(4) + logistic_log(row[2], 0, 1.5) - log(2);
        for (size_t k = 0; k < 3; k++)
            mixed += exp(normal_log(row[3], centres[2 * k], 0.25) + normal_log(row[4], centres[2 * k + 1], 0.25)) / 3;
        expected += log(mixed);
        assert_close(density[i], expected, 2e-5 * (1 + fabs(expected)));
    }
    duet_graph_free(&graph);
    duet_store_free(&store);
}

static void quantiles_are_the_known_ones(void **state)
{
    (void)state;
    const duet_prior normal = duet_prior_normal(1), uniform = duet_prior_uniform(1, 2, 6),
                     logistic = duet_prior_logistic(1);
    assert_close(duet_prior_quantile(&normal, 0, 0.975), 1.959963984540054, 1e-9);
    assert_close(duet_prior_quantile(&normal, 0, 0.5), 0, 1e-12);
    assert_close(duet_prior_quantile(&uniform, 0, 0.25), 3, 1e-12);
    assert_close(duet_prior_quantile(&logistic, 0, 0.75), log(3), 1e-12);
    const duet_prior mixture = duet_prior_mixture(2, 3, centres, 0.25), *const all[] = {&normal, &uniform, &logistic,
                                                                                        &mixture};
    for (size_t i = 0; i < 4; i++) /* each undoes the other */
        for (double p = 0.05; p < 1; p += 0.1)
            assert_close(duet_prior_share(all[i], 0, duet_prior_quantile(all[i], 0, p)), p, 1e-9);
    assert_true(isnan(duet_prior_quantile(&normal, 1, 0.5)));
    assert_true(isnan(duet_prior_quantile(&normal, 0, 1)));
}

static void wrong_priors_are_mistakes(void **state)
{
    (void)state;
    static const float odd_centres[] = {0, 1, NAN, 1};
    const struct {
        duet_prior prior;
        const char *message;
    } rows[] = {
        {duet_prior_normal(0), "prior: it has no numbers"},
        {duet_prior_uniform(2, 1, 1), "uniform from 1 to 1, and the second is to be above the first"},
        {duet_prior_uniform(2, 1, -1), "uniform from 1 to -1"},
        {duet_prior_uniform(2, NAN, 1), "uniform from nan to nan"},
        {duet_prior_uniform(2, 0, INFINITY), "uniform from"},
        {duet_prior_mixture(2, 0, centres, 1), "a mixture has one centre or more"},
        {duet_prior_mixture(2, 2, NULL, 1), "a mixture has one centre or more"},
        {duet_prior_mixture(2, 2, odd_centres, 1), "number 0 of centre 1 is nan"},
        {duet_prior_mixture(2, 3, centres, 0), "its deviation or scale is 0"},
        {duet_prior_mixture(2, 3, centres, 1e39), "its deviation or scale is 1e+39"},
        {{.kind = DUET_PRIOR_NORMAL, .features = 1, .scale = 1, .location = NAN}, "its location is nan"},
        {{.kind = (duet_prior_kind)99, .features = 1, .scale = 1}, "there is no prior 99"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_store *store = duet_store_new(1);
        duet_graph *graph = duet_graph_new(store);
        (void)duet_prior_draw(graph, &rows[i].prior, 1, 4);
        assert_status(duet_graph_check(graph, &error), DUET_ERROR_GRAPH, &error);
        assert_message(&error, rows[i].message);
        assert_true(isnan(duet_prior_quantile(&rows[i].prior, 0, 0.5)));
        assert_message(&error, "test_prior.c:");
        duet_graph_free(&graph);
        duet_store_free(&store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_have_the_moments_and_shares),
        cmocka_unit_test(densities_have_their_closed_forms),
        cmocka_unit_test(quantiles_are_the_known_ones),
        cmocka_unit_test(wrong_priors_are_mistakes),
    };
    return RUN_TESTS("prior", tests, open_device, close_device);
}
