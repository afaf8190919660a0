/* SPDX-License-Identifier: MIT */
/* The objectives of the adversarial game against formulas in double, in the papers' own terms; where a discriminator
 * says real; settings that contradict each other. */
#include "adversary_parts.h"

enum { FAKES = 33 };

/* What D minimises of a real and of a generated example, and what G minimises, by the logit v. */
typedef struct objective {
    const char *name, *bound; /* bound: a setting without which the objective is refused */
    double (*real)(double v), (*fake)(double v), (*generator)(double v);
} objective;

static double minus_log_d(double v)
{
    return test_softplus(-v);
}

static double minus_log_not_d(double v)
{
    return test_softplus(v);
}

static double log_not_d(double v)
{
    return -test_softplus(v);
}

/* Mao et al. 2017, eq. 2 with a = 0, b = 1, c = 1. */
static double off_1(double v)
{
    return (v - 1) * (v - 1) / 2;
}

static double off_0(double v)
{
    return v * v / 2;
}

static double below_1(double v)
{
    return fmax(0, 1 - v);
}

static double above_minus_1(double v)
{
    return fmax(0, 1 + v);
}

static double plus(double v)
{
    return v;
}

static double minus(double v)
{
    return -v;
}

/* f-GAN, table 2: activations g and conjugates f*, composed here as the paper has them: D minimises -g(v) and f*(g(v)),
 * G minimises -f*(g(v)). */
static double kl_conjugate(double t)
{
    return exp(t - 1);
}

static double kl_fake(double v)
{
    return kl_conjugate(v);
}

static double kl_generator(double v)
{
    return -kl_conjugate(v);
}

static double reverse_g(double v)
{
    return -exp(-v);
}

static double reverse_real(double v)
{
    return -reverse_g(v);
}

static double reverse_fake(double v)
{
    return -1 - log(-reverse_g(v));
}

static double reverse_generator(double v)
{
    return -reverse_fake(v);
}

static double js_g(double v)
{
    return log(2) - log(1 + exp(-v));
}

static double js_real(double v)
{
    return -js_g(v);
}

static double js_fake(double v)
{
    return -log(2 - exp(js_g(v)));
}

static double js_generator(double v)
{
    return log(2 - exp(js_g(v)));
}

static const objective objectives[] = {
    {"loss=non-saturating", "k=1", minus_log_d, minus_log_not_d, minus_log_d},
    {"loss=minimax", "k=1", minus_log_d, minus_log_not_d, log_not_d},
    {"loss=least-squares", "k=1", off_1, off_0, off_1},
    {"loss=hinge", "k=1", below_1, above_minus_1, minus},
    {"loss=wasserstein", "discriminator.clip_weights=100", minus, plus, minus},
    {"loss=f-kl", "k=1", minus, kl_fake, kl_generator},
    {"loss=f-reverse-kl", "k=1", reverse_real, reverse_fake, reverse_generator},
    {"loss=f-js", "k=1", js_real, js_fake, js_generator},
};
enum { OBJECTIVES = sizeof objectives / sizeof *objectives };

/* By central differences in double; the logits of the test keep off the hinge's corners. */
static double slope(double (*f)(double v), double v)
{
    const double step = 1e-5;
    return (f(v + step) - f(v - step)) / (2 * step);
}

/* Losses, and their derivatives by D's bias and weight and by the generated number. */
static void objectives_equal_their_formulas(void **state)
{
    (void)state;
    const double weight = 0.75, bias = 0.1;
    test_graph graphs[OBJECTIVES];
    float x[TEST_BATCH];
    for (size_t i = 0; i < OBJECTIVES; i++) {
        test_graph *it = &graphs[i];
        test_graph_open(it, device, DUET_BUILD_TRAIN, TEST_BATCH, "gan", line,
                        SETTINGS(LINEAR, objectives[i].name, objectives[i].bound));
        duet_node d_loss = test_graph_report(it, "d_loss"), g_loss = test_graph_report(it, "g_loss");
        (void)test_graph_watch(it, d_loss);
        (void)test_graph_watch(it, test_graph_gradient(it, d_loss, "discriminator.logit.bias"));
        (void)test_graph_watch(it, test_graph_gradient(it, d_loss, "discriminator.logit.weight"));
        (void)test_graph_watch(it, g_loss);
        (void)test_graph_watch(it, test_graph_gradient(it, g_loss, "generator.output.bias"));
    }
    test_graphs_plan(graphs, OBJECTIVES);
    for (size_t i = 0; i < OBJECTIVES; i++) {
        const objective *o = &objectives[i];
        duet_error error = {0};
        assert_ok(duet_data_read(graphs[i].data, DUET_TRAIN, 0, TEST_BATCH, x, &error), &error);
        for (size_t n = 0; n < FAKES; n++) {
            double fake = -4 + 8.03 * (double)n / (FAKES - 1), v = weight * fake + bias;
            double expected[5] = {o->fake(v), slope(o->fake, v), slope(o->fake, v) * fake, o->generator(v),
                                  slope(o->generator, v) * weight};
            for (size_t k = 0; k < TEST_BATCH; k++) {
                double on_real = weight * x[k] + bias;
                expected[0] += o->real(on_real) / TEST_BATCH;
                expected[1] += slope(o->real, on_real) / TEST_BATCH;
                expected[2] += slope(o->real, on_real) * x[k] / TEST_BATCH;
            }
            set_players(graphs[i].model, fake, weight, bias);
            test_graph_run(&graphs[i]);
            for (size_t k = 0; k < 5; k++) {
                double found = test_graph_value(&graphs[i], k);
                if (!(fabs(found - expected[k]) < 3e-6 * (1 + fabs(expected[k]))))
                    fail_msg("%s, generated %g, value %zu: %.8g, expected %.8g", o->name, fake, k, found, expected[k]);
            }
        }
        test_graph_close(&graphs[i]);
    }
}

/* Halves are real; logits are what D says of them and of generated numbers, with a slope of 1. */
static void accuracy_knows_where_each_objective_says_real(void **state)
{
    (void)state;
    static const struct {
        const char *loss, *bound;
        double on_real, on_fake, accuracy;
    } rows[] = {
        {"loss=non-saturating", "k=1", 0.2, -0.2, 1}, {"loss=non-saturating", "k=1", 0.6, 0.4, 0.5},
        {"loss=least-squares", "k=1", 0.6, 0.4, 1},   {"loss=least-squares", "k=1", 0.4, 0.3, 0.5},
        {"loss=hinge", "k=1", 0.2, -0.2, 1},          {"loss=f-kl", "k=1", 1.1, 0.9, 1},
        {"loss=f-kl", "k=1", 0.9, 0.8, 0.5},          {"loss=f-reverse-kl", "k=1", 0.2, -0.2, 1},
        {"loss=f-js", "k=1", 0.2, -0.2, 1},           {"loss=wasserstein", "discriminator.clip_weights=9", 7, 6, 1},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    test_graph graphs[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        test_graph_open(&graphs[i], device, DUET_BUILD_TRAIN, TEST_BATCH, "gan", halves,
                        SETTINGS(LINEAR, rows[i].loss, rows[i].bound));
        (void)test_graph_watch(&graphs[i], test_graph_report(&graphs[i], "accuracy"));
    }
    test_graphs_plan(graphs, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        double generated = 0.5 - (rows[i].on_real - rows[i].on_fake) / 4; /* in (0, 1), at a slope of 4 */
        set_players(graphs[i].model, log(generated / (1 - generated)), 4, rows[i].on_real - 2);
        test_graph_run(&graphs[i]);
        if (!(fabs(test_graph_value(&graphs[i], 0) - rows[i].accuracy) <= 1e-6))
            fail_msg("%s: real %g, generated %g: accuracy %g", rows[i].loss, rows[i].on_real, rows[i].on_fake,
                     test_graph_value(&graphs[i], 0));
        test_graph_close(&graphs[i]);
    }
}

/* A critic's logits mean something beside the boundary that training left. */
static void used_logits_are_above_0_for_real(void **state)
{
    (void)state;
    static const struct {
        const char *loss, *bound;
        double boundary; /* of what D says; a critic's is set below */
    } rows[] = {{"loss=hinge", "k=1", 0},
                {"loss=least-squares", "k=1", 0.5},
                {"loss=wasserstein", "discriminator.spectral_norm=no", 7}};
    for (size_t i = 0; i < 3; i++) {
        test_graph it;
        duet_error error = {0};
        float x[TEST_BATCH], logits[TEST_BATCH];
        test_graph_open(&it, device, DUET_BUILD_EVAL, TEST_BATCH, "gan", line,
                        SETTINGS(LINEAR, "discriminator.clip_weights=9", rows[i].loss, rows[i].bound));
        (void)test_graph_watch(&it, duet_build_output(it.build, "logit"));
        test_graphs_plan(&it, 1);
        set_players(it.model, 0, 2, 0.25);
        if (i == 2) test_set(it.model, device, "gan.boundary", 7);
        for (size_t k = 0; k < TEST_BATCH; k++) x[k] = (float)k - 3;
        assert_ok(duet_plan_write(it.plan, it.build->batch, x, sizeof x, &error), &error);
        test_graph_run(&it);
        test_graph_read(&it, 0, logits, TEST_BATCH);
        for (size_t k = 0; k < TEST_BATCH; k++) assert_close(logits[k], 2 * x[k] + 0.25 - rows[i].boundary, 1e-6);
        test_graph_close(&it);
    }
}

/* Both labels, smoothed: D's loss at a constant logit b is 2 softplus(b) - b (real label + fake label). */
static void both_labels_may_be_smoothed(void **state)
{
    (void)state;
    const double b = 0.7;
    test_graph it;
    test_graph_open(&it, device, DUET_BUILD_TRAIN, TEST_BATCH, "gan", line,
                    SETTINGS(LINEAR, "label_smoothing=0.1", "fake_smoothing=0.25"));
    (void)test_graph_watch(&it, test_graph_report(&it, "d_loss"));
    test_graphs_plan(&it, 1);
    set_players(it.model, 0, 0, b);
    test_graph_run(&it);
    assert_close(test_graph_value(&it, 0), 2 * test_softplus(b) - b * (0.9 + 0.25), 1e-6);
    test_graph_close(&it);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *family, *settings[3];
        const char *piece; /* NULL: taken */
    } rows[] = {
        {"gan", {"loss=wasserstein"}, "penalty=gradient, discriminator.clip_weights=0.01"},
        {"gan", {"loss=wasserstein", "generator.clip_weights=0.1"}, "bounds the discriminator's slope"},
        {"gan", {"loss=wasserstein", "penalty=r1"}, NULL},
        {"gan", {"loss=wasserstein", "penalty=r1", "penalty_weight=0"}, "slope: set penalty_weight=10, discriminator."},
        {"cgan", {"penalty=r1", "penalty_weight=0", "penalty_every=2"}, "penalty_every=2 makes updates by the penalty"},
        {"cgan", {"penalty=r1", "penalty_weight=0"}, NULL}, /* it is reported */
        {"gan", {"loss=wasserstein", "clip_weights=0.1"}, NULL},
        {"gan", {"loss=wasserstein", "discriminator.clip_weights=0.1"}, NULL},
        {"gan", {"loss=wasserstein", "spectral_norm=yes"}, NULL},
        {"gan", {"loss=wasserstein", "spectral_norm=yes", "discriminator.spectral_norm=no"}, "has no minimum"},
        {"gan", {"loss=hinge", "label_noise=0.1"}, "no labels to smooth or blur"},
        {"gan", {"loss=f-js", "fake_smoothing=0.1"}, "no labels to smooth or blur"},
        {"gan", {"loss=least-squares", "label_smoothing=0.1"}, NULL},
        {"aae", {"loss=wasserstein"}, "slope: set discriminator.clip_weights=0.01"},
        {"aae", {"loss=wasserstein", "discriminator.spectral_norm=yes"}, NULL},
        {"vae-gan", {"loss=hinge", "label_noise=0.1"}, "no labels to smooth or blur"},
        {"gan", {"pack=3"}, "a batch of 8 does not make packs of 3"},
        {"gan", {"minibatch_deviation=yes"}, NULL},
        {"gan-conv", {"minibatch_deviation=yes", "d_batch=joint"}, "must be two batches, not one"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        duet_build *build = NULL;
        size_t count = 0;
        while (count < 3 && rows[i].settings[count] != NULL) count++;
        assert_ok(duet_data_open(&data, labelled, &error), &error);
        assert_ok(duet_model_new(&model, duet_family_find(rows[i].family), data, rows[i].settings, count, 1, &error),
                  &error);
        duet_status status = duet_model_build(model, DUET_BUILD_TRAIN, BATCH, &build, &error);
        assert_int_equal(status, rows[i].piece == NULL ? DUET_OK : DUET_ERROR_USAGE);
        if (rows[i].piece != NULL) assert_message(&error, rows[i].piece);
        duet_build_free(&build);
        duet_model_free(&model);
        duet_data_close(&data);
    }
}

/* D's loss d at one state of the game forces G's to at least -log(1 - e^-d): what D minimises of generated examples is
 * at most d, and -log D is a convex function of -log(1 - D). */
static void losses_of_one_state_keep_their_bound(void **state)
{
    (void)state;
    test_graph it;
    double least = INFINITY;
    test_graph_open(&it, device, DUET_BUILD_TRAIN, TEST_BATCH, "gan", "two-peaks", SETTINGS(LINEAR));
    (void)test_graph_watch(&it, test_graph_report(&it, "d_loss"));
    (void)test_graph_watch(&it, test_graph_report(&it, "g_loss"));
    test_graphs_plan(&it, 1);
    for (double fake = -8; fake <= 8; fake += 0.5) {
        for (double bias = -3; bias <= 30; bias += 3) {
            set_players(it.model, fake, bias > 9 ? 2 : -0.5, bias > 9 ? bias - 2 * fake - 12 : bias);
            test_graph_run(&it);
            double d_loss = test_graph_value(&it, 0), bound = -log(-expm1(-d_loss));
            assert_true(test_graph_value(&it, 1) >= bound - 1e-5 * (1 + bound));
            least = fmin(least, test_graph_value(&it, 1) - bound);
        }
    }
    assert_true(least < 0.01); /* it is reached where D is sure of all real examples */
    test_graph_close(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objectives_equal_their_formulas),
        cmocka_unit_test(accuracy_knows_where_each_objective_says_real),
        cmocka_unit_test(used_logits_are_above_0_for_real),
        cmocka_unit_test(both_labels_may_be_smoothed),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(losses_of_one_state_keep_their_bound),
    };
    return RUN_TESTS("adversary", tests, begin_adversary, close_all);
}
