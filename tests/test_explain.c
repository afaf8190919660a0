/* SPDX-License-Identifier: MIT */
/* Plans explained: products with their operands and windows, FLOPs, values in the model's words. */
#include "explain_parts.h"

enum { HIDDEN = 24, LATENT = 3 };

static const plan_case vae = {"vae", "vae", NULL, TEST_BATCH, {"hidden=24", "latent=3"}, NULL};
static const plan_case rearranged = {"vae, operands rearranged", "vae", "panel", 300, {"hidden=1024,320"}, "ring8"};
static const plan_case convolutions = {"convolutions, tile", "conv-ae", "conv-tile",
                                       TEST_BATCH,           {NULL},    "pictures.npy"};

/* A product reads both its operands, itself or through the launches before it that rearrange one. */
static void products_read_their_operands(void **state)
{
    (void)state;
    size_t prepared = 0;
    step opened;
    step_open(&opened, &rearranged);
    const duet_explanation *plan = &opened.phases[0].plan;
    for (size_t i = 0; i < plan->launch_count; i++) {
        const duet_explained_launch *launch = &plan->launches[i];
        if (launch->kind != DUET_LAUNCH_MATMUL) continue;
        assert_true(launch->prepares ? launch->read_count == 1 : launch->read_count >= 2u + launch->results[0].adds);
        if (!launch->prepares) continue;
        prepared++;
        assert_int_equal(plan->tensors[launch->reads[0]].bytes,
                         launch->product.m * launch->product.k * sizeof(float)); /* the first one, in this provider */
        assert_true(reads(&plan->launches[i + 1], launch->results[0].tensor));
        assert_false(reads(&plan->launches[i + 1], launch->reads[0]));
    }
    assert_true(prepared > 0);
    step_close(&opened);
}

/* Each convolution has its window, in the product and in words, and the FLOPs of the taps inside the picture. */
static void convolutions_have_windows(void **state)
{
    static const char *const words[] = {"convolution(", ", 3x3, stride 2, padding 1)", "transposed_convolution(",
                                        ", 5x5, stride 3, padding 1)", "convolution_weights("};
    (void)state;
    size_t uses[DUET_CONVOLUTION_USES] = {0}, seen[sizeof words / sizeof *words] = {0};
    step opened;
    step_open(&opened, &convolutions);
    const duet_explanation *plan = &opened.phases[0].plan;
    for (size_t i = 0; i < plan->launch_count; i++) {
        const duet_explained_launch *launch = &plan->launches[i];
        const duet_convolution_product *convolution = &launch->product.convolution;
        for (size_t w = 0; launch->result_count > 0 && w < sizeof words / sizeof *words; w++)
            seen[w] += strstr(launch->results[0].value, words[w]) != NULL;
        assert_true((launch->kind == DUET_LAUNCH_CONVOLUTION) == (convolution->use != DUET_NO_CONVOLUTION));
        if (launch->kind != DUET_LAUNCH_CONVOLUTION || launch->prepares) continue;
        uses[convolution->use]++;
        assert_string_equal(launch->product.provider, "conv-tile");
        assert_int_equal(convolution->images, TEST_BATCH);
        assert_int_equal(convolution->window.size[0],
                         convolution->features == TEST_CONV_FEATURES && convolution->channels == 1 ? 5 : 3);
    }
    assert_int_equal(uses[DUET_CONVOLUTION_FORWARD], 3);
    assert_int_equal(uses[DUET_CONVOLUTION_DATA], 2);
    assert_int_equal(uses[DUET_CONVOLUTION_WEIGHTS], 3);
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        if (seen[w] == 0) fail_msg("no value has \"%s\" in its words", words[w]);
    step_close(&opened);
}

/* Each layer's product forward, its gradient by the weights, and by its input but for the first layer of the encoder:
 * 2 m n k each. */
static void products_have_the_flops_of_the_layers(void **state)
{
    (void)state;
    static const double layers[][2] = {
        {FEATURES, HIDDEN}, {HIDDEN, LATENT}, {HIDDEN, LATENT}, {LATENT, HIDDEN}, {HIDDEN, FEATURES}};
    double expected = 0, found = 0;
    step opened;
    step_open(&opened, &vae);
    for (size_t i = 0; i < 5; i++) expected += 2.0 * TEST_BATCH * layers[i][0] * layers[i][1] * (i == 0 ? 2 : 3);
    for (size_t i = 0; i < opened.phases[0].plan.launch_count; i++) {
        const duet_explained_launch *launch = &opened.phases[0].plan.launches[i];
        const duet_explained_product *p = &launch->product;
        if (launch->kind != DUET_LAUNCH_MATMUL || launch->prepares) continue;
        assert_true(launch->flops >= 2.0 * (double)p->m * (double)p->n * (double)p->k);
        found += 2.0 * (double)p->m * (double)p->n * (double)p->k;
    }
    assert_true(found == expected);
    step_close(&opened);
}

/* The share of a square layer's three products that a provider computes where the mask is a triangle; *others: what is
 * launched beside products. */
static double share_of_triangle(const char *gemm, size_t *others)
{
    enum { ROWS = 24, SIDE = 320 };
    duet_error error = {0};
    float numbers[SIDE];
    for (size_t i = 0; i < SIDE; i++) numbers[i] = (float)i;
    workshop w = workshop_open(1);
    const duet_initialiser start = {.kind = DUET_INIT_FAN_IN_UNIFORM, .scale = 1};
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(ROWS, SIDE));
    duet_node weights = duet_weight(w.graph, w.group, "layer", DUET_SHAPE(SIDE, SIDE), start);
    duet_node sides = duet_constant_values(w.graph, DUET_SHAPE(SIDE), numbers);
    duet_node loss = duet_sum(duet_square(duet_masked_matmul(x, weights, sides, sides)), DUET_ALL_AXES, false);
    duet_node roots[2];
    duet_grad(loss, ((duet_node[]){x, weights}), 2, roots);
    duet_explanation explanation;
    assert_ok(duet_device_set_gemm(device, gemm, &error), &error);
    workshop_plan(&w, "triangle", roots, 2);
    assert_ok(duet_plan_explain(w.plan, &explanation, &error), &error);
    double flops = 0, all = 0;
    *others = 0;
    for (size_t i = 0; i < explanation.launch_count; i++) {
        const duet_explained_launch *launch = &explanation.launches[i];
        *others += launch->kind != DUET_LAUNCH_MATMUL;
        if (launch->kind != DUET_LAUNCH_MATMUL || launch->prepares) continue;
        flops += launch->flops;
        all += 2.0 * ROWS * SIDE * SIDE;
    }
    assert_true(all == 3 * 2.0 * ROWS * SIDE * SIDE);
    duet_explanation_free(&explanation);
    workshop_close(&w);
    return flops / all;
}

static void masked_products_count_what_is_computed(void **state)
{
    (void)state;
    size_t others;
    assert_in_range((int)(1000 * share_of_triangle("panel", &others)), 500, 600);
    assert_int_equal(others, 0); /* nobody multiplies the weights by their mask */
    assert_in_range((int)(1000 * share_of_triangle("plain", &others)), 1000, 1100);
    assert_int_equal(others, 1);
}

/* Layers by name, forward and back; terms by the names under which they are reported. */
static void values_are_in_the_models_words(void **state)
{
    (void)state;
    static const char *const words[] = {"batch @ encoder.hidden1.weight^T", "+ encoder.hidden1.bias",
                                        "@ decoder.output.weight", "gather(training examples"};
    step opened;
    step_open(&opened, &vae);
    const duet_explained_phase *phase = &opened.phases[0];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bool found = false;
        for (size_t j = 0; j < phase->plan.launch_count; j++)
            for (size_t k = 0; k < phase->plan.launches[j].result_count; k++)
                found |= strstr(phase->plan.launches[j].results[k].value, words[i]) != NULL;
        if (!found) fail_msg("no launch computes \"%s\"", words[i]);
    }
    assert_true(find_tensor(&phase->plan, "batch") < phase->plan.tensor_count);
    assert_string_equal(phase->reports[0].name, "elbo");
    assert_string_equal(phase->reports[0].words, "-loss");
    step_close(&opened);
}

/* Any plan can be explained, and the explanation stands when the plan is gone. */
static void an_explanation_outlives_its_plan(void **state)
{
    (void)state;
    duet_error error = {0};
    workshop w = workshop_open(1);
    duet_node a = duet_input(w.graph, "left", DUET_FLOAT32, DUET_SHAPE(8, 4)),
              b = duet_input(w.graph, "right", DUET_FLOAT32, DUET_SHAPE(4, 5));
    duet_node root = duet_matmul(a, b, false, false);
    root = duet_multiply(duet_subtract(root, duet_constant(w.graph, 1)), duet_negate(duet_relu(root)));
    duet_explanation explanation;
    workshop_plan(&w, "small", &root, 1);
    assert_ok(duet_plan_explain(w.plan, &explanation, &error), &error);
    workshop_close(&w);
    assert_string_equal(explanation.plan, "small");
    const duet_explained_launch *last = &explanation.launches[explanation.launch_count - 1];
    assert_true(find_tensor(&explanation, "left") < explanation.tensor_count);
    assert_non_null(strstr(last->results[0].value, "relu("));
    duet_explanation_free(&explanation);
    assert_null(explanation.launches);
    duet_explanation_free(&explanation);
}

static void what_does_not_exist_is_refused(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_explained_phase phase;
    char *text = NULL;
    step opened;
    step_open(&opened, &vae);
    assert_status(duet_trainer_explain(opened.parts.trainer, 1, &phase, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "1 plan:");
    assert_null(duet_trainer_plan(opened.parts.trainer, 1));
    error = (duet_error){0};
    assert_status(duet_kernel_file("abacus.cl", &text, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "abacus.cl");
    assert_null(text);
    step_close(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_read_their_operands),
        cmocka_unit_test(convolutions_have_windows),
        cmocka_unit_test(products_have_the_flops_of_the_layers),
        cmocka_unit_test(masked_products_count_what_is_computed),
        cmocka_unit_test(values_are_in_the_models_words),
        cmocka_unit_test(an_explanation_outlives_its_plan),
        cmocka_unit_test(what_does_not_exist_is_refused),
    };
    return RUN_TESTS("explain", tests, begin, close_all);
}
