/* SPDX-License-Identifier: MIT */
/* Randomness: Philox against Random123's known answers, distributions by their moments and tails, permutations that
 * hold every example once. Margins are five standard errors, and every draw has a fixed seed: nothing here fails by
 * chance. */
#include "workshop.h"

#include "base/permute.h"
#include "base/philox.h"

/* Random123's kat_vectors for philox4x32, ten rounds: counter, key, result. */
static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    static const struct {
        duet_philox_block counter;
        uint32_t key[2];
        duet_philox_block result;
    } known[] = {
        {{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
        {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
         {0xffffffff, 0xffffffff},
         {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
        {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
         {0xa4093822, 0x299f31d0},
         {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        duet_philox_block block = duet_philox(known[i].counter, known[i].key[0], known[i].key[1]);
        assert_memory_equal(&block, &known[i].result, sizeof block);
    }
}

/* An element's block is keyed by the seed and counted by (element, step, stream, 0): the third known answer again. */
static void element_has_its_place_in_the_counter(void **state)
{
    (void)state;
    duet_philox_block element = duet_philox_element(0x299f31d0a4093822, 3, 2, 1);
    duet_philox_block block = duet_philox((duet_philox_block){{1, 2, 3, 0}}, 0xa4093822, 0x299f31d0);
    assert_memory_equal(&element, &block, sizeof block);
}

/* Distributions, of a million draws on the device. */

enum { DRAWS = 1 << 20 };
static const uint64_t seed = 20140601;

static float *draws_of(duet_node (*build)(duet_graph *graph))
{
    workshop w = workshop_open(seed);
    float *values = malloc(DRAWS * sizeof *values);
    duet_node node = build(w.graph);
    assert_non_null(values);
    test_compute(device, &node, 1, NULL, 0, (void *[]){values});
    workshop_close(&w);
    return values;
}

static double mean_of(const float *values, double (*f)(double))
{
    double sum = 0;
    for (size_t i = 0; i < DRAWS; i++) sum += f(values[i]);
    return sum / DRAWS;
}

static double first(double x)
{
    return x;
}

static double second(double x)
{
    return x * x;
}

static double third(double x)
{
    return x * x * x;
}

static double fourth(double x)
{
    return x * x * x * x;
}

static double past_two(double x)
{
    return fabs(x) > 2;
}

static double past_four(double x)
{
    return fabs(x) > 4;
}

static double positive(double x)
{
    return x > 0;
}

static duet_node normals(duet_graph *graph)
{
    return duet_normal(graph, DUET_SHAPE(DRAWS));
}

static duet_node uniforms(duet_graph *graph)
{
    return duet_uniform(graph, DUET_SHAPE(1024, DRAWS / 1024));
}

static duet_node gumbels(duet_graph *graph)
{
    return duet_gumbel(graph, DUET_SHAPE(DRAWS));
}

static void normals_have_their_moments_and_tails(void **state)
{
    (void)state;
    const double past2 = erfc(2 / sqrt(2)), past4 = erfc(4 / sqrt(2)); /* 0.0455, 6.3e-5 */
    float *values = draws_of(normals);
    double neighbours = 0, largest = 0;
    assert_close(mean_of(values, first), 0, 5 / sqrt(DRAWS));
    assert_close(mean_of(values, second), 1, 5 * sqrt(2.0 / DRAWS));
    assert_close(mean_of(values, third), 0, 5 * sqrt(15.0 / DRAWS));
    assert_close(mean_of(values, fourth), 3, 5 * sqrt(96.0 / DRAWS));
    assert_close(mean_of(values, positive), 0.5, 5 * sqrt(0.25 / DRAWS));
    assert_close(mean_of(values, past_two), past2, 5 * sqrt(past2 / DRAWS));
    assert_close(mean_of(values, past_four), past4, 5 * sqrt(past4 / DRAWS));
    for (size_t i = 0; i < DRAWS; i++) {
        if (i > 0) neighbours += (double)values[i] * values[i - 1] / DRAWS;
        largest = fmax(largest, fabs(values[i]));
    }
    assert_close(neighbours, 0, 5 / sqrt(DRAWS));
    assert_true(largest > 4.5 && largest < 5.78); /* a million draws pass 4.5 seven times; 24 bits end at 5.77 */
    free(values);
}

static void normals_are_those_of_the_host(void **state)
{
    (void)state;
    float *values = draws_of(normals);
    double worst = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        double error = fabs(values[i] - duet_philox_normal(duet_philox_element(seed, 0, 0, (uint32_t)i)));
        if (!(error <= worst)) worst = error;
    }
    assert_close(worst, 0, 1e-5);
    free(values);
}

static void uniforms_are_even(void **state)
{
    (void)state;
    enum { BINS = 256 };
    float *values = draws_of(uniforms);
    double counts[BINS] = {0}, squares = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        assert_true(values[i] > 0 && values[i] < 1);
        counts[(size_t)(values[i] * BINS)]++;
        if (values[i] != (float)duet_philox_uniform(duet_philox_element(seed, 0, 0, (uint32_t)i))) {
            fail_msg("element %zu differs from the host's", i);
        }
    }
    for (size_t i = 0; i < BINS; i++) squares += pow(counts[i] - DRAWS / BINS, 2) / (DRAWS / BINS);
    assert_close(squares, BINS - 1, 5 * sqrt(2.0 * (BINS - 1)));
    free(values);
}

static void gumbels_have_their_moments(void **state)
{
    (void)state;
    const double euler = 0.57721566490153286, variance = 1.6449340668482264; /* pi^2 / 6 */
    float *values = draws_of(gumbels);
    double mean = mean_of(values, first);
    assert_close(mean, euler, 5 * sqrt(variance / DRAWS));
    assert_close(mean_of(values, second) - mean * mean, variance, 5 * sqrt(4.4 * variance * variance / DRAWS));
    free(values);
}

/* A draw is one value however it is read: computed again through a view, shared, or stored. */
static void a_draw_is_one_value(void **state)
{
    (void)state;
    workshop w = workshop_open(3);
    duet_node u = duet_uniform(w.graph, DUET_SHAPE(4, 6)), other = duet_uniform(w.graph, DUET_SHAPE(4, 6));
    duet_node square = duet_matmul(u, u, false, true);
    const duet_node roots[] = {
        u, duet_transpose(u), duet_slice(u, 1, 2, 3), duet_sum(u, DUET_AXIS(1), false), square, other};
    float whole[4][6], turned[6][4], part[4][3], sums[4], product[4][4], others[4][6];
    test_compute(device, roots, 6, NULL, 0, (void *[]){whole, turned, part, sums, product, others});
    for (int i = 0; i < 4; i++) {
        double sum = 0, norm = 0;
        for (int j = 0; j < 6; j++) {
            assert_close(turned[j][i], whole[i][j], 0);
            assert_true(others[i][j] != whole[i][j]);
            sum += whole[i][j];
            norm += whole[i][j] * whole[i][j];
        }
        for (int j = 0; j < 3; j++) assert_close(part[i][j], whole[i][j + 2], 0);
        assert_close(sums[i], sum, 1e-5);
        assert_close(product[i][i], norm, 1e-5);
    }
    workshop_close(&w);
}

/* Numbers change with the seed, and from replay to replay only if the clock does. */
static void draws_follow_seed_and_clock(void **state)
{
    (void)state;
    float values[2][2][3][16]; /* seed, clock moves, replay */
    duet_error error = {0};
    for (uint64_t s = 0; s < 2; s++) {
        for (int moves = 0; moves < 2; moves++) {
            workshop w = workshop_open(s);
            const duet_node roots[] = {duet_normal(w.graph, DUET_SHAPE(16)),
                                       duet_assign(duet_clock(w.graph), duet_increment(duet_clock(w.graph)))};
            workshop_plan(&w, "clock", roots, moves ? 2 : 1);
            for (int i = 0; i < 3; i++) {
                assert_ok(duet_plan_replay(w.plan, &error), &error);
                assert_ok(duet_plan_read(w.plan, roots[0], values[s][moves][i], sizeof values[s][moves][i], &error),
                          &error);
            }
            workshop_close(&w);
        }
        assert_memory_equal(values[s][0][1], values[s][0][0], sizeof values[s][0][0]);
        assert_memory_equal(values[s][1][0], values[s][0][0], sizeof values[s][0][0]);
        assert_memory_not_equal(values[s][1][1], values[s][1][0], sizeof values[s][0][0]);
        assert_memory_not_equal(values[s][1][2], values[s][1][1], sizeof values[s][0][0]);
    }
    assert_memory_not_equal(values[0][0][0], values[1][0][0], sizeof values[0][0][0]);
}

static void probabilities_are_kept(void **state)
{
    (void)state;
    enum { ROWS = 20000, CLASSES = 4 };
    workshop w = workshop_open(11);
    const float logits[CLASSES] = {0, 1, -1, 2}, chance = 0.3f;
    double total = 0, shares[CLASSES] = {0}, ones = 0;
    float *classes = malloc(ROWS * CLASSES * sizeof *classes), *coins = malloc(ROWS * sizeof *coins);
    assert_true(classes && coins);
    duet_node input = duet_input(w.graph, "logits", DUET_FLOAT32, DUET_SHAPE(CLASSES));
    duet_node heads = duet_broadcast(duet_constant(w.graph, chance), DUET_SHAPE(ROWS));
    const duet_node roots[] = {duet_categorical(duet_broadcast(input, DUET_SHAPE(ROWS, CLASSES))),
                               duet_bernoulli(heads)};
    test_compute(device, roots, 2, (test_feed[]){{input, logits}}, 1, (void *[]){classes, coins});
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0;
        for (size_t j = 0; j < CLASSES; j++) {
            sum += classes[i * CLASSES + j];
            shares[j] += classes[i * CLASSES + j] / ROWS;
        }
        assert_close(sum, 1, 0);
        ones += coins[i] / ROWS;
    }
    for (size_t j = 0; j < CLASSES; j++) total += exp(logits[j]);
    for (size_t j = 0; j < CLASSES; j++) {
        double p = exp(logits[j]) / total;
        assert_close(shares[j], p, 5 * sqrt(p * (1 - p) / ROWS));
    }
    assert_close(ones, chance, 5 * sqrt(chance * (1 - chance) / ROWS));
    free(classes);
    free(coins);
    workshop_close(&w);
}

/* Permutations. */

static void assert_each_once(const uint32_t *values, size_t count, size_t n)
{
    unsigned char *seen = calloc(n, 1);
    assert_non_null(seen);
    for (size_t i = 0; i < count; i++) {
        if (values[i] >= n || seen[values[i]]++) fail_msg("%u is past %zu or there twice", values[i], n);
    }
    free(seen);
}

static void permutation_holds_each_once(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 2, 3, 4, 5, 7, 16, 17, 100, 255, 256, 257, 1000, 60000, 65536, 65537, 1000000};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        uint32_t n = sizes[k], *orders[3];
        for (uint32_t i = 0; i < 3; i++) {
            orders[i] = malloc(n * sizeof **orders);
            assert_non_null(orders[i]);
            for (uint32_t j = 0; j < n; j++) orders[i][j] = duet_philox_permute(i == 2 ? 6 : 5, 0, i % 2, j, n);
            assert_each_once(orders[i], n, n);
        }
        if (n >= 100) { /* pass 0, pass 1, another seed: different, and none in order */
            uint32_t same[3] = {0}, in_order = 0;
            for (uint32_t j = 0; j < n; j++) {
                same[0] += orders[0][j] == orders[1][j];
                same[1] += orders[0][j] == orders[2][j];
                same[2] += orders[1][j] == orders[2][j];
                in_order += orders[0][j] == j;
            }
            for (int i = 0; i < 3; i++) assert_in_range(same[i], 0, 10); /* one is expected */
            assert_in_range(in_order, 0, 10);
        }
        for (uint32_t i = 0; i < 3; i++) free(orders[i]);
    }
}

/* Pearson's statistic against equal shares: `cells` - 1 on average, with variance twice that. */
static void assert_even(const size_t *counts, size_t cells, size_t total)
{
    double share = (double)total / (double)cells, statistic = 0;
    for (size_t i = 0; i < cells; i++) statistic += pow((double)counts[i] - share, 2) / share;
    assert_close(statistic, (double)cells - 1, 5 * sqrt(2.0 * ((double)cells - 1)));
}

static void permutations_are_even(void **state)
{
    (void)state;
    enum { PASSES = 24000 };
    static const uint32_t sizes[] = {2, 5, 10, 100};
    for (size_t k = 0; k < 4; k++) {
        size_t of_first[100] = {0}, of_distance[100] = {0};
        uint32_t n = sizes[k];
        for (uint32_t pass = 0; pass < PASSES; pass++) {
            uint32_t a = duet_philox_permute(1, 0, pass, 0, n), b = duet_philox_permute(1, 0, pass, 1, n);
            of_first[a]++;
            of_distance[(b + n - a) % n]++; /* from 1 to n - 1 */
        }
        assert_even(of_first, n, PASSES);
        if (n > 2) assert_even(of_distance + 1, n - 1, PASSES);
    }
    size_t orders[120] = {0}; /* of five examples */
    for (uint32_t pass = 0; pass < PASSES; pass++) {
        size_t rank = 0;
        uint32_t order[5];
        for (uint32_t i = 0; i < 5; i++) order[i] = duet_philox_permute(1, 0, pass, i, 5);
        for (size_t i = 0; i < 5; i++) {
            size_t smaller = 0;
            for (size_t j = i + 1; j < 5; j++) smaller += order[j] < order[i];
            rank = rank * (5 - i) + smaller;
        }
        orders[rank]++;
    }
    assert_even(orders, 120, PASSES);
}

/* Draws `steps` batches on the device into `indices`. */
static void draw_batches(size_t n, size_t batch, size_t steps, uint64_t with_seed, bool shuffled, uint32_t *indices)
{
    duet_error error = {0};
    workshop w = workshop_open(with_seed);
    duet_node draws = duet_input(w.graph, "draws", DUET_UINT32, DUET_SCALAR_SHAPE);
    duet_node root = shuffled ? duet_shuffled(draws, batch, n) : duet_in_order(draws, batch, n);
    workshop_plan(&w, "batches", &root, 1);
    for (uint32_t i = 0; i < steps; i++) {
        assert_ok(duet_plan_write(w.plan, draws, &i, sizeof i, &error), &error);
        assert_ok(duet_plan_replay(w.plan, &error), &error);
        assert_ok(duet_plan_read(w.plan, root, indices + i * batch, batch * sizeof *indices, &error), &error);
    }
    workshop_close(&w);
}

/* What is left at the end of a pass, n mod batch examples, is skipped; the next pass is another permutation. */
static void an_epoch_draws_each_example_once(void **state)
{
    (void)state;
    static const size_t rows[][2] = {{1, 1},    {2, 1},     {2, 2},       {7, 1},        {7, 3},
                                     {100, 16}, {100, 100}, {60000, 128}, {60000, 60000}};
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        size_t n = rows[k][0], batch = rows[k][1], batches = n / batch, held = batches * batch;
        uint32_t *indices = malloc(3 * held * sizeof *indices), *other = indices + 2 * held;
        assert_non_null(indices);
        draw_batches(n, batch, 2 * batches, 5, true, indices);
        draw_batches(n, batch, batches, 6, true, other);
        assert_each_once(indices, held, n);
        assert_each_once(indices + held, held, n);
        assert_each_once(other, held, n);
        for (size_t i = 0; i < 2 * held; i++) {
            uint32_t pass = (uint32_t)(i / held), position = (uint32_t)(i % held);
            assert_int_equal(indices[i], duet_philox_permute(5, 0, pass, position, (uint32_t)n));
        }
        if (n >= 100) {
            assert_memory_not_equal(indices, indices + held, held * sizeof *indices);
            assert_memory_not_equal(indices, other, held * sizeof *indices);
        }
        free(indices);
    }
}

/* A batch larger than the data runs through several passes. */
static void a_large_batch_draws_whole_passes(void **state)
{
    (void)state;
    enum { N = 3, BATCH = 7, STEPS = 3 };
    uint32_t indices[BATCH * STEPS];
    draw_batches(N, BATCH, STEPS, 5, true, indices);
    for (size_t i = 0; i < BATCH * STEPS; i += N) assert_each_once(indices + i, N, N);
}

static void in_order_wraps_around(void **state)
{
    (void)state;
    enum { N = 5, BATCH = 3, STEPS = 4 };
    uint32_t indices[BATCH * STEPS];
    draw_batches(N, BATCH, STEPS, 5, false, indices);
    for (uint32_t i = 0; i < BATCH * STEPS; i++) assert_int_equal(indices[i], i % N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(element_has_its_place_in_the_counter),
        cmocka_unit_test(normals_have_their_moments_and_tails),
        cmocka_unit_test(normals_are_those_of_the_host),
        cmocka_unit_test(uniforms_are_even),
        cmocka_unit_test(gumbels_have_their_moments),
        cmocka_unit_test(a_draw_is_one_value),
        cmocka_unit_test(draws_follow_seed_and_clock),
        cmocka_unit_test(probabilities_are_kept),
        cmocka_unit_test(permutation_holds_each_once),
        cmocka_unit_test(permutations_are_even),
        cmocka_unit_test(an_epoch_draws_each_example_once),
        cmocka_unit_test(a_large_batch_draws_whole_passes),
        cmocka_unit_test(in_order_wraps_around),
    };
    return RUN_TESTS("random", tests, open_device, close_device);
}
