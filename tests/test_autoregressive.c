/* SPDX-License-Identifier: MIT */
/* MADE and PixelCNN, held to what makes them distributions: nothing sees what it is to predict, probabilities of all
 * examples sum to 1, samples follow them, and a picture drawn pixel by pixel has the likelihood of the whole. */
#include "use.h"

#include "train_models.h"
#include "workshop.h"

#include "model/model.h"

/* Sets of examples, by shape. */
typedef enum set { BITS, SQUARE, COLOURS, PAIR, OBLONG, THREE_COLOURS, SETS } set;
static const duet_shape shapes[SETS] = {
    [BITS] = {1, {8}},       [SQUARE] = {3, {3, 3, 1}}, [COLOURS] = {3, {2, 2, 2}},
    [PAIR] = {3, {1, 2, 1}}, [OBLONG] = {3, {6, 5, 1}}, [THREE_COLOURS] = {3, {4, 3, 3}},
};
static char paths[SETS][TEST_PATH_SIZE + 16];

/* Models under test. */
typedef struct subject {
    const char *family;
    set data;
    size_t sets; /* of masks */
    const char *settings[7];
} subject;

static size_t setting_count(const subject *it)
{
    size_t count = 0;
    while (count < 7 && it->settings[count] != NULL) count++;
    return count;
}

/* Masks. */

enum { MOST_FEATURES = 36 };

/* jacobian[s][i * d + j]: the derivative by number j of the outputs that say number i, under set s of masks. Row b of a
 * batch of equal examples is asked for number b. Bytes enter as they are, so that there is a derivative. */
static void find_jacobians(const subject *it, float *jacobian[], size_t d)
{
    duet_error error = {0};
    duet_data *data;
    duet_model *model;
    duet_build *build;
    duet_node roots[8];
    float x[MOST_FEATURES * MOST_FEATURES];
    assert_ok(duet_data_open(&data, paths[it->data], &error), &error);
    assert_ok(duet_model_new(&model, duet_family_find(it->family), data, it->settings, setting_count(it), 7, &error),
              &error);
    assert_ok(duet_model_build(model, DUET_BUILD_EVAL, d, &build, &error), &error);
    duet_node outputs = duet_build_output(build, "pixel_logits");
    size_t all = duet_features(outputs), each = all / it->sets / d;
    float *asks = calloc(d * all, sizeof *asks);
    assert_non_null(asks);
    for (size_t s = 0; s < it->sets; s++) {
        memset(asks, 0, d * all * sizeof *asks);
        for (size_t b = 0; b < d; b++)
            for (size_t k = 0; k < each; k++) asks[b * all + (s * d + b) * each + k] = 0.5f + (float)k / 7;
        duet_node asked = duet_multiply(outputs, duet_constant_values(build->graph, DUET_SHAPE(d, all), asks));
        duet_grad(duet_sum(asked, DUET_ALL_AXES, false), &build->batch, 1, &roots[s]);
    }
    for (size_t i = 0; i < d * d; i++) x[i] = (float)(i % d * 37 % 101 + 20) / 130;
    const test_feed feed = {build->batch, x};
    test_compute(device, roots, it->sets, &feed, 1, (void **)jacobian);
    free(asks);
    duet_build_free(&build);
    duet_model_free(&model);
    duet_data_close(&data);
}

/* Sorts the numbers so that each sees only those before it; false if there is no such order. */
static bool find_order(const float *jacobian, size_t d, size_t order[])
{
    bool taken[MOST_FEATURES] = {false};
    for (size_t at = 0; at < d; at++) {
        size_t next = d;
        for (size_t i = 0; i < d && next == d; i++) {
            bool ready = !taken[i];
            for (size_t j = 0; j < d; j++) ready &= taken[j] || jacobian[i * d + j] == 0;
            if (ready) next = i;
        }
        if (next == d) return false;
        taken[next] = true;
        order[at] = next;
    }
    return true;
}

/* Every number sees all before it, itself and later ones not at all: the derivative is 0 to the bit. */
static void check_order(const subject *subjects, size_t count)
{
    static float room[8][MOST_FEATURES * MOST_FEATURES];
    float *jacobian[8];
    for (size_t s = 0; s < 8; s++) jacobian[s] = room[s];
    for (size_t n = 0; n < count; n++) {
        const subject *it = &subjects[n];
        size_t d = duet_shape_elements(shapes[it->data]), orders[8][MOST_FEATURES];
        find_jacobians(it, jacobian, d);
        for (size_t s = 0; s < it->sets; s++) {
            if (!find_order(room[s], d, orders[s])) fail_msg("%s, row %zu: a number sees itself", it->family, n);
            for (size_t i = 0; i < d; i++)
                for (size_t j = 0; j < i; j++) { /* no blind spot, so that there is one order alone */
                    if (room[s][orders[s][i] * d + orders[s][j]] == 0)
                        fail_msg("%s, row %zu, set %zu: number %zu does not see number %zu", it->family, n, s,
                                 orders[s][i], orders[s][j]);
                }
            for (size_t i = 0; i < d && s == 0; i++) assert_int_equal(orders[0][i], i);
            for (size_t other = 0; other < s; other++)
                assert_memory_not_equal(orders[s], orders[other], d * sizeof *orders[s]);
        }
    }
}

static void derivatives_by_later_numbers_are_0(void **state)
{
    (void)state;
    static const subject subjects[] = {
        /* no unit is dead with tanh */
        {"made", BITS, 1, {"hidden=60", "likelihood=mixture", "activation=tanh"}},
        {"made",
         BITS,
         4,
         {"hidden=90,80", "orders=4", "masks=3", "degrees=random", "likelihood=mixture", "activation=tanh"}},
    };
    check_order(subjects, sizeof subjects / sizeof *subjects);
}

static void derivatives_by_later_pixels_are_0(void **state)
{
    (void)state;
    static const subject subjects[] = {
        {"pixelcnn", OBLONG, 1, {"width=6", "blocks=2", "likelihood=categorical", "activation=tanh"}},
        {"pixelcnn", THREE_COLOURS, 1, {"width=7", "blocks=1", "likelihood=mixture", "activation=tanh"}},
    };
    check_order(subjects, sizeof subjects / sizeof *subjects);
}

/* Enumeration. */

typedef struct trained {
    test_parts parts;
    duet_evaluator *evaluator;
    size_t features;
} trained;

static trained train(const subject *it, size_t steps)
{
    trained made = {.features = duet_shape_elements(shapes[it->data])};
    duet_error error = {0};
    test_parts_open(&made.parts, device, duet_family_find(it->family), paths[it->data], it->settings,
                    setting_count(it));
    test_steps(&made.parts, steps);
    assert_ok(duet_evaluator_new(&made.evaluator, device, made.parts.model, &error), &error);
    return made;
}

static void forget(trained *old)
{
    duet_evaluator_free(&old->evaluator);
    test_parts_close(&old->parts);
}

/* Example v of all there are: bits, or pairs of bytes. */
static void write_example(const trained *it, bool bytes, size_t v, float *x)
{
    for (size_t i = 0; i < it->features; i++) x[i] = bytes ? (float)(v >> 8 * i & 255) / 255 : (float)(v >> i & 1);
}

/* Which cell of a test of frequencies an example falls into: that of its bits, or of its bytes' upper halves. */
static size_t cell_of(const trained *it, bool bytes, const float *x)
{
    size_t cell = 0;
    for (size_t i = 0; i < it->features; i++) {
        double number = (double)x[i] * (bytes ? 255 : 1);
        assert_close(number, round(number), 1e-4);
        assert_in_range((long)round(number), 0, bytes ? 255 : 1);
        cell |= bytes ? (size_t)round(number) >> 4 << 4 * i : (size_t)round(number) << i;
    }
    return cell;
}

enum { CELLS = 512 };

/* p of each cell; returns the sum over all examples. */
static double enumerate(const trained *it, bool bytes, double cells[CELLS])
{
    size_t count = (size_t)1 << (bytes ? 8 : 1) * it->features;
    float *x = malloc(count * it->features * sizeof *x), *nll = malloc(count * sizeof *nll);
    duet_error error = {0};
    double sum = 0;
    assert_non_null(x);
    assert_non_null(nll);
    for (size_t v = 0; v < count; v++) write_example(it, bytes, v, x + v * it->features);
    const duet_wanted wanted = {DUET_NLL, nll};
    const duet_request request = {
        .count = count, .seed = 1, .examples = x, .outputs = &wanted, .output_count = 1, .batch = 512};
    assert_ok(duet_evaluator_use(it->evaluator, &request, &error), &error);
    memset(cells, 0, CELLS * sizeof *cells);
    for (size_t v = 0; v < count; v++) {
        cells[cell_of(it, bytes, x + v * it->features)] += exp(-(double)nll[v]);
        sum += exp(-(double)nll[v]);
    }
    free(x);
    free(nll);
    return sum;
}

/* Pearson's statistic of N samples against the cells' probabilities less its mean, in its deviations; cells where less
 * than five are expected count as one. */
static double away_from(const trained *it, bool bytes, const double cells[CELLS], uint64_t seed)
{
    enum { N = 20000 };
    static float samples[N * 16];
    size_t counts[CELLS] = {0}, used = 0, rare = 0;
    double statistic = 0, rare_expected = 0;
    const duet_wanted wanted = {DUET_SAMPLE, samples};
    duet_error error = {0};
    const duet_request request = {.count = N, .seed = seed, .outputs = &wanted, .output_count = 1, .batch = 3000};
    assert_true(it->features <= 16);
    assert_ok(duet_evaluator_use(it->evaluator, &request, &error), &error);
    for (size_t n = 0; n < N; n++) counts[cell_of(it, bytes, samples + n * it->features)]++;
    for (size_t c = 0; c < CELLS; c++) {
        double expected = N * cells[c], away = (double)counts[c] - expected;
        if (expected >= 5) {
            statistic += away * away / expected;
            used++;
        } else {
            rare_expected += expected;
            rare += counts[c];
        }
    }
    if (rare_expected >= 5) {
        statistic += ((double)rare - rare_expected) * ((double)rare - rare_expected) / rare_expected;
        used++;
    }
    assert_true(used > 20);
    return (statistic - (double)(used - 1)) / sqrt(2 * (double)(used - 1));
}

/* Five seeds each. Of the 30 statistics the largest was 2.8 deviations from its mean; 5 are allowed. */
static void probabilities_sum_to_1_and_samples_follow_them(void **state)
{
    (void)state;
    enum { SEEDS = 5 };
    static const subject subjects[] = {
        {"made", BITS, 3, {"hidden=24", "orders=3", "masks=2", "lr=0.01"}},
        {"made", BITS, 3, {"hidden=20,16", "orders=3", "degrees=rising", "lr=0.01"}},
        {"made", PAIR, 2, {"hidden=24", "orders=2", "likelihood=categorical", "lr=0.01"}},
        {"pixelcnn", SQUARE, 1, {"width=6", "blocks=1", "lr=0.01"}},
        {"pixelcnn", COLOURS, 1, {"width=6", "blocks=1", "lr=0.01"}},
        {"pixelcnn", PAIR, 1, {"width=6", "blocks=0", "likelihood=mixture", "mixtures=3", "lr=0.01"}},
    };
    double cells[CELLS];
    for (size_t n = 0; n < sizeof subjects / sizeof *subjects; n++) {
        const subject *it = &subjects[n];
        trained made = train(it, 100);
        double least = 1, most = 0;
        assert_close(enumerate(&made, it->data == PAIR, cells), 1, 2e-5);
        for (size_t c = 0; c < (size_t)1 << 8; c++) {
            least = fmin(least, cells[c]);
            most = fmax(most, cells[c]);
        }
        assert_true(most > 1.5 * least);
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            double away = away_from(&made, it->data == PAIR, cells, seed);
            print_message("%s, row %zu, seed %d: %.2f\n", it->family, n, (int)seed, away);
            if (!(fabs(away) < 5)) fail_msg("%s, row %zu, seed %d: %g deviations", it->family, n, (int)seed, away);
        }
        forget(&made);
    }
}

/* p(x) under several orders is the mean of those under each. */
static void several_orders_are_averaged(void **state)
{
    (void)state;
    enum { ORDERS = 3, FEATURES = 8, ROWS = 20 };
    const subject it = {"made", BITS, ORDERS, {"hidden=30,20", "orders=3", "lr=0.01"}};
    trained made = train(&it, 60);
    float x[ROWS][FEATURES], nll[ROWS], logits[ROWS][ORDERS][FEATURES];
    duet_error error = {0};
    const duet_wanted wanted[] = {{DUET_NLL, nll}, {"pixel_logits", logits[0][0]}};
    const duet_request request = {
        .count = ROWS, .seed = 1, .examples = x[0], .outputs = wanted, .output_count = 2, .batch = ROWS};
    for (size_t n = 0; n < ROWS; n++) write_example(&made, false, n * 37 % 256, x[n]);
    assert_ok(duet_evaluator_use(made.evaluator, &request, &error), &error);
    for (size_t n = 0; n < ROWS; n++) {
        double sum = 0;
        for (size_t s = 0; s < ORDERS; s++) {
            double p = 1;
            for (size_t i = 0; i < FEATURES; i++) p /= 1 + exp((x[n][i] > 0 ? -1 : 1) * (double)logits[n][s][i]);
            sum += p / ORDERS;
        }
        assert_close(nll[n], -log(sum), 1e-5);
    }
    assert_memory_not_equal(logits[0][0], logits[0][1], sizeof logits[0][0]);
    forget(&made);
}

/* Whole pictures and pictures drawn pixel by pixel are one distribution: what was added up while a sample was drawn is
 * what the network over the whole sample says. */
static void drawn_pictures_have_the_likelihood_of_the_whole(void **state)
{
    (void)state;
    enum { N = 30 };
    static const subject subjects[] = {
        {"pixelcnn", OBLONG, 1, {"width=6", "blocks=2", "lr=0.01"}},
        {"pixelcnn", OBLONG, 1, {"width=5", "blocks=1", "likelihood=categorical", "lr=0.01"}},
        {"pixelcnn", THREE_COLOURS, 1, {"width=7", "blocks=2", "likelihood=mixture", "lr=0.01"}},
    };
    static float samples[3][N * MOST_FEATURES], drawn[N], nll[N];
    static const size_t batches[3] = {0, 7, 1};
    for (size_t n = 0; n < sizeof subjects / sizeof *subjects; n++) {
        trained made = train(&subjects[n], 60);
        duet_error error = {0};
        for (size_t i = 0; i < 3; i++) { /* in batches of any size */
            const duet_wanted wanted[] = {{DUET_SAMPLE, samples[i]}, {"sample_nll", drawn}};
            const duet_request request = {
                .count = N, .seed = 3, .outputs = wanted, .output_count = 2, .batch = batches[i]};
            assert_ok(duet_evaluator_use(made.evaluator, &request, &error), &error);
            assert_memory_equal(samples[i], samples[0], N * made.features * sizeof(float));
        }
        assert_ok(test_evaluate(made.evaluator, TEST_FROM_EXAMPLES, DUET_NLL, samples[0], N, 1, nll, &error), &error);
        for (size_t i = 0; i < N; i++) assert_close(drawn[i], nll[i], 1e-5 * fabs((double)nll[i]) + 1e-4);
        forget(&made);
    }
}

/* Discretised logistics. */

static double logistic(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

/* P of a byte, by its definition. */
static double probability_of(size_t byte, double location, double scale)
{
    double low = byte == 0 ? 0 : logistic((((double)byte - 0.5) / 255 - location) / scale);
    double above = byte == 255 ? 0 : logistic(-(((double)byte + 0.5) / 255 - location) / scale);
    if (low < 0.5) return 1 - above - low;
    return logistic(-(((double)byte - 0.5) / 255 - location) / scale) - above;
}

static void discretised_logistics_are_what_they_are_defined_as(void **state)
{
    (void)state;
    enum { KINDS = 7, BYTES = 256 };
    static const double kinds[KINDS][2] = {{0.5, -3},  {0.5, 0},    {0.1, -7.5}, {0.9002, -7.5},
                                           {-0.6, -1}, {1.4, -2.5}, {0.3, 6}};
    float location[KINDS], log_scale[KINDS], x[BYTES], p[KINDS][BYTES];
    workshop w = workshop_open(1);
    for (size_t k = 0; k < KINDS; k++) location[k] = (float)kinds[k][0], log_scale[k] = (float)kinds[k][1];
    for (size_t b = 0; b < BYTES; b++) x[b] = (float)b / 255;
    const duet_node inputs[] = {duet_input(w.graph, "location", DUET_FLOAT32, DUET_SHAPE(KINDS, 1)),
                                duet_input(w.graph, "log_scale", DUET_FLOAT32, DUET_SHAPE(KINDS, 1)),
                                duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(BYTES))};
    const duet_node root = duet_discretised_logistic(inputs[0], inputs[1], inputs[2], BYTES);
    const test_feed feeds[] = {{inputs[0], location}, {inputs[1], log_scale}, {inputs[2], x}};
    test_compute(device, &root, 1, feeds, 3, (void *[]){p});
    for (size_t k = 0; k < KINDS; k++) {
        double sum = 0, scale = exp((double)log_scale[k]), rounding = 1e-5 + 2e-7 / scale;
        for (size_t b = 0; b < BYTES; b++) {
            double expected = probability_of(b, (double)location[k], scale);
            assert_true(isfinite(p[k][b]));
            if (expected > 1e-9) assert_close(exp((double)p[k][b]), expected, rounding * expected + 1e-9);
            sum += exp((double)p[k][b]);
        }
        assert_close(sum, 1, rounding);
    }
    workshop_close(&w);
}

static void their_losses_fall(void **state)
{
    (void)state;
    enum { STEPS = 20, BLOCKS = 8 };
    static const subject subjects[] = {
        {"made", BITS, 2, {"hidden=20,20", "orders=2"}},
        {"pixelcnn", THREE_COLOURS, 1, {"width=8", "blocks=1", "likelihood=mixture"}},
    };
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        test_parts parts;
        duet_error error = {0};
        double first[2] = {NAN, NAN}, last[2] = {NAN, NAN};
        test_parts_open(&parts, device, duet_family_find(subjects[i].family), paths[subjects[i].data],
                        subjects[i].settings, setting_count(&subjects[i]));
        for (size_t block = 0; block < BLOCKS; block++) {
            test_steps(&parts, STEPS);
            assert_ok(duet_trainer_losses(parts.trainer, block == 0 ? first : last, 2, &error), &error);
        }
        test_parts_close(&parts);
        if (!(isfinite(last[0]) && last[0] < first[0]))
            fail_msg("%s: the loss went from %g to %g", subjects[i].family, first[0], last[0]);
    }
}

static void what_does_not_fit_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *family, *setting, *data, *message;
    } rows[] = {
        {"made", "hidden=", NULL, "hidden names no layer"},
        {"made", "orders=2", "ring8", "made is for data in [0, 1]"},
        {"pixelcnn", "width=2", NULL, "2 features for 3 colours"},
        {"pixelcnn", "blocks=1", "ring8", "needs pictures"}, /* and not other numbers, which would be no pictures */
        {"made", "likelihood=categorical", "ring8",
         "likelihood=categorical is for bytes as 0 to 1, and the examples of ring8 go"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        duet_build *build;
        assert_ok(duet_data_open(&data, rows[i].data != NULL ? rows[i].data : paths[THREE_COLOURS], &error), &error);
        assert_ok(duet_model_new(&model, duet_family_find(rows[i].family), data, &rows[i].setting, 1, 7, &error),
                  &error);
        assert_int_not_equal(duet_model_build(model, DUET_BUILD_TRAIN, 4, &build, &error), DUET_OK);
        assert_true(error.status == DUET_ERROR_USAGE || error.status == DUET_ERROR_DATA);
        assert_null(strstr(error.message, ".c:"));
        assert_message(&error, rows[i].message);
        duet_model_free(&model);
        duet_data_close(&data);
    }
}

static int begin(void **state)
{
    (void)open_all(state);
    for (set s = 0; s < SETS; s++) {
        (void)snprintf(paths[s], sizeof paths[s], "%s/%d.npy", folder, (int)s);
        test_write_examples(paths[s], shapes[s]);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives_by_later_numbers_are_0),
        cmocka_unit_test(derivatives_by_later_pixels_are_0),
        cmocka_unit_test(probabilities_sum_to_1_and_samples_follow_them),
        cmocka_unit_test(several_orders_are_averaged),
        cmocka_unit_test(drawn_pictures_have_the_likelihood_of_the_whole),
        cmocka_unit_test(discretised_logistics_are_what_they_are_defined_as),
        cmocka_unit_test(their_losses_fall),
        cmocka_unit_test(what_does_not_fit_is_named),
    };
    return RUN_TESTS("autoregressive", tests, begin, close_all);
}
