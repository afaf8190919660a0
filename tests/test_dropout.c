/* SPDX-License-Identifier: MIT */
/* Dropout: the share of what it puts out, masks that no one stores, and that it is nothing in a scope of inference. */
#include "workshop.h"

#include "base/philox.h"
#include "duet/explain.h"
#include "duet/nn.h"

static bool stores_a_mask(const duet_plan *plan)
{
    duet_error error = {0};
    duet_explanation explained;
    bool found = false;
    size_t masks = 0;
    assert_ok(duet_plan_explain(plan, &explained, &error), &error);
    for (size_t i = 0; i < explained.launch_count; i++)
        for (size_t k = 0; k < explained.launches[i].result_count; k++) {
            const char *value = explained.launches[i].results[k].value;
            masks += strstr(value, "mask(") != NULL;
            found |= strcmp(value, "mask(random.seed, random.clock)") == 0;
        }
    duet_explanation_free(&explained);
    assert_true(masks >= 2); /* the forward and the backward pass compute it */
    return found;
}

static void dropout_puts_out_its_share(void **state)
{
    (void)state;
    enum { COUNT = 1 << 17, WIDTH = 64 };
    const double rate = 0.3;
    workshop w = workshop_open(5);
    duet_error error = {0};
    float *values = malloc(3 * COUNT * sizeof *values), *result = values + COUNT, *slope = result + COUNT;
    assert_non_null(values);
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(COUNT / WIDTH, WIDTH)), gradient;
    duet_node y = duet_dropout(x, rate), clock = duet_clock(w.graph);
    duet_grad(duet_sum(duet_square(y), DUET_ALL_AXES, false), &x, 1, &gradient); /* 2 y mask / (1 - rate) */
    const duet_node roots[] = {y, gradient, duet_assign(clock, duet_increment(clock))};
    workshop_plan(&w, "dropout", roots, 3);
    assert_false(stores_a_mask(w.plan));
    for (size_t i = 0; i < COUNT; i++) values[i] = 1 + (float)(i % 7);
    size_t kept[2] = {0};
    for (size_t run = 0; run < 2; run++) {
        test_replay(w.plan, &(test_feed){x, values}, 1);
        assert_ok(duet_plan_read(w.plan, y, result, COUNT * sizeof *result, &error), &error);
        assert_ok(duet_plan_read(w.plan, gradient, slope, COUNT * sizeof *slope, &error), &error);
        for (size_t i = 0; i < COUNT; i++) {
            bool is_kept = result[i] != 0;
            kept[run] += is_kept;
            if (is_kept) assert_close(result[i], values[i] / (1 - rate), 1e-5 * values[i]);
            assert_close(slope[i], 2 * result[i] / (1 - rate), 1e-5 * (1 + fabs(slope[i])));
        }
        /* four standard deviations */
        assert_close((double)kept[run] / COUNT, 1 - rate, 4 * sqrt(rate * (1 - rate) / COUNT));
    }
    assert_int_not_equal(kept[0], kept[1]); /* another replay, another mask */
    workshop_close(&w);
    free(values);
}

static void dropout_is_nothing_in_inference(void **state)
{
    (void)state;
    workshop w = workshop_open(5);
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(4, 4));
    assert_ptr_equal(duet_dropout(x, 0), x);
    assert_ptr_not_equal(duet_dropout(x, 0.5), duet_dropout(x, 0.5)); /* each call draws for itself */
    duet_inference_begin(w.graph);
    assert_ptr_equal(duet_dropout(x, 0.5), x);
    duet_inference_end(w.graph);
    workshop_close(&w);
}

/* The end of a product computes masks for a whole run of neighbours: of two strips' columns and a rest, on rows that
 * begin with a block of random words or within one. Each element's is that of its number alone. */
static void masks_at_the_end_of_products_are_those_of_their_elements(void **state)
{
    (void)state;
    enum { ROWS = 16, DEPTH = 16, MOST = 84 };
    static const size_t widths[] = {80, MOST};
    static const double kept = 0.7;
    static float a[ROWS * DEPTH], b[DEPTH * MOST], result[ROWS * MOST];
    for (size_t i = 0; i < sizeof a / sizeof *a; i++) a[i] = 1;
    for (size_t i = 0; i < sizeof b / sizeof *b; i++) b[i] = 1;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        const size_t width = widths[w];
        workshop shop_of_it = workshop_open(5);
        duet_graph *graph = shop_of_it.graph;
        duet_node left = duet_input(graph, "a", DUET_FLOAT32, DUET_SHAPE(ROWS, DEPTH));
        duet_node right = duet_input(graph, "b", DUET_FLOAT32, DUET_SHAPE(DEPTH, width));
        duet_node y =
            duet_multiply(duet_mask(graph, DUET_SHAPE(ROWS, width), kept), duet_matmul(left, right, false, false));
        const test_feed feeds[] = {{left, a}, {right, b}};
        test_compute(device, &y, 1, feeds, 2, (void *[]){result});
        for (size_t i = 0; i < ROWS * width; i++) {
            const uint32_t words = duet_philox_element(5, 0, 0, (uint32_t)i / 8).word[i % 8 / 2];
            const uint32_t word = i % 2 == 0 ? words & 0xFFFF : words >> 16;
            assert_true(result[i] == ((float)word < (float)(kept * 65536) ? DEPTH : 0));
        }
        workshop_close(&shop_of_it);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropout_puts_out_its_share),
        cmocka_unit_test(dropout_is_nothing_in_inference),
        cmocka_unit_test(masks_at_the_end_of_products_are_those_of_their_elements),
    };
    return RUN_TESTS("dropout", tests, open_device, close_device);
}
