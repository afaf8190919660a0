/* SPDX-License-Identifier: MIT */
/* A training step does not depend on who multiplies or convolves: from the same seed a model takes a step, and then
 * nine more, with each GEMM provider, and every loss, gradient and parameter must be the plain twin's but for rounding.
 *
 * The bound. With u = FLT_EPSILON / 2 a sum of k products is off by at most (k + 1) u sum|a b| whatever the order
 * (test_gemm.c). Roundings have either sign, so that it is about sqrt(k) u sum|a b| (Higham & Mary 2019,
 * doi:10.1137/18M1226312), and where terms have either sign too, sum|a b| is about sqrt(k) times the largest sums of
 * the matrix: (k + 1) u of the largest element, for each of the two providers. What lies between products
 * (activations, their derivatives, means over the batch) has slopes near 1, so to first order a chain of products adds
 * up, and no chain is longer than all products of a step:
 *
 *     |gradient - plain's| <= rounding max|gradient|,   rounding = FLT_EPSILON sum over the step's products (k + 1)
 *
 * for each parameter tensor by itself. SGD with rate r makes of it r times that in the parameter, and a rounding of the
 * subtraction. Where r times the curvature is below 1 a difference is not amplified by the next step, so n steps allow
 * n times the bound of a gradient and n times that in a parameter. On PoCL panel and
 * clblast sum as plain does, to the bit; a plain that sums from the last term to the first uses at most 0.008 of the
 * bound in gradients and 0.31 in parameters.
 *
 * Adam would hide all this: its first step is r in each parameter, however wrong the gradient. The momentum is there
 * only to make the optimiser keep each gradient in a variable of its own, changed by a thousandth of the last.
 *
 * Kinks have no such bound, so relu and leaky_relu belong to the small models, where no unit is as near to 0 as a
 * rounding, and the wide ones are smooth. */
#include "conv_model.h"
#include "model_parts.h"

#include <float.h>

enum { STEPS = 10, MOST_TENSORS = 16, MOST_TERMS = 4, WIDE_EXAMPLES = 160 };

static char wide[TEST_PATH_SIZE + 32], pictures[TEST_PATH_SIZE + 32];

#define SGD(rate) "optimiser=sgd", "momentum=0.001", "lr=" #rate

typedef struct row {
    const char *family, *data;
    size_t batch;
    double rate;
    bool slabs; /* some product is one whose A the panel provider copies first */
    const char *const *settings;
    size_t count;
} row;

/* Sizes that no tile divides; in the second one D has 260 examples, 67 units and 784 features. Each model with each
 * provider is a program to compile, so that the fast suite takes the first ones only. */
enum { FAST_ROWS = 2 };
static const row rows[] = {
    {"vae", "ring8", 33, 0.01, false, SETTINGS(SGD(0.01), "hidden=35", "latent=3", "activation=relu")},
    {"gan", wide, 130, 0.05, true,
     SETTINGS(SGD(0.05), "generator_hidden=33", "discriminator_hidden=67", "latent=7", "activation=tanh")},
    {"vae", wide, 130, 0.0005, false, SETTINGS(SGD(0.0005), "hidden=67,35", "latent=7", "activation=tanh")},
    {"gan", "ring8", 33, 0.05, false,
     SETTINGS(SGD(0.05), "generator_hidden=19,35", "discriminator_hidden=35,19", "latent=5")},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* A convolution's k counts the taps in the padding too, which add zeros. */
static const row convolutional = {"conv-ae", pictures, 33, 0.01, false, SETTINGS(SGD(0.01))};

static const duet_family *family_of(const row *it)
{
    return it == &convolutional ? &test_conv_family : duet_family_find(it->family);
}

/* What a product's launch must have gone to: where a provider is named, those of its kind, and the others to plain. */
static const char *expected_provider(const duet_explained_launch *launch, const char *provider)
{
    size_t index = 0;
    while (duet_gemm_name(index) != NULL && strcmp(duet_gemm_name(index), provider) != 0) index++;
    const bool convolves = launch->kind == DUET_LAUNCH_CONVOLUTION;
    if (convolves && strcmp(provider, "plain") == 0) return "conv-plain";
    assert_true(duet_gemm_convolves(index) == convolves);
    return provider;
}

/* A parameter and its last gradient. */
typedef struct tensor {
    char name[128];
    size_t count;
    float *values[2];
} tensor;

enum { GRADIENT, PARAMETER };

typedef struct snapshot {
    double terms[MOST_TERMS];
    tensor tensors[MOST_TENSORS];
    size_t count;
} snapshot;

typedef struct outcome {
    const char *provider;
    snapshot after[2]; /* a step, and all of them */
    double rounding;
} outcome;

static const size_t steps_after[2] = {1, STEPS};

/* Biases start from 0, where leaving one out would not be seen. */
static void spread_biases(duet_model *model)
{
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(duet_model_store(model), i)) != NULL; i++) {
        const size_t length = strlen(variable->name);
        if (variable->optimised && length > 5 && strcmp(variable->name + length - 5, ".bias") == 0)
            test_set_row(model, device, variable->name, 0.4, -0.8 / (double)variable->elements);
    }
}

/* That the products are the provider's; returns how many slabs it fills, and the sum of k + 1 in *depth. */
static size_t look_at_products(const duet_trainer *trainer, const char *provider, double *depth)
{
    /* strides, and what has few channels, are the twin's */
    const bool leaves_some = strcmp(provider, "conv-winograd") == 0;
    size_t products = 0, slabs = 0, asked = 0;
    *depth = 0;
    for (size_t p = 0; p < duet_trainer_plan_count(trainer); p++) {
        duet_error error = {0};
        duet_explanation plan;
        assert_ok(duet_plan_explain(duet_trainer_plan(trainer, p), &plan, &error), &error);
        for (size_t i = 0; i < plan.launch_count; i++) {
            const duet_explained_launch *launch = &plan.launches[i];
            slabs += strncmp(launch->name, "slabs ", 6) == 0;
            if (launch->product.provider == NULL || launch->prepares) continue;
            const char *expected = expected_provider(launch, provider);
            asked += strcmp(launch->product.provider, provider) == 0;
            if (!leaves_some || strcmp(launch->product.provider, "conv-plain") != 0)
                assert_string_equal(launch->product.provider, expected);
            *depth += (double)launch->product.k + 1;
            products++;
        }
        duet_explanation_free(&plan);
    }
    assert_true(!leaves_some || asked == 3); /* all that the second layer computes */
    assert_true(products >= 7);
    return slabs;
}

static void take_snapshot(test_parts *parts, snapshot *after)
{
    duet_error error = {0};
    duet_variable *variable;
    assert_ok(duet_trainer_losses(parts->trainer, after->terms, MOST_TERMS, &error), &error);
    for (size_t i = 0; (variable = duet_store_at(duet_model_store(parts->model), i)) != NULL; i++) {
        if (!variable->optimised || !variable->saved) continue;
        assert_true(after->count < MOST_TENSORS);
        tensor *taken = &after->tensors[after->count++];
        char gradient[160];
        (void)snprintf(taken->name, sizeof taken->name, "%s", variable->name);
        (void)snprintf(gradient, sizeof gradient, "%s.velocity", variable->name);
        taken->values[PARAMETER] = test_get(parts->model, device, taken->name, &taken->count);
        taken->values[GRADIENT] = test_get(parts->model, device, gradient, &taken->count);
    }
    assert_true(after->count >= 6);
}

static void train(const row *it, outcome *result)
{
    duet_error error = {0};
    test_parts parts;
    double depth;
    assert_ok(duet_device_set_gemm(device, result->provider, &error), &error);
    test_parts_open_batch(&parts, device, family_of(it), it->data, it->batch, it->settings, it->count);
    const size_t slabs = look_at_products(parts.trainer, result->provider, &depth);
    if (it->slabs && strcmp(result->provider, "panel") == 0) assert_true(slabs > 0);
    result->rounding = FLT_EPSILON * depth;
    spread_biases(parts.model);
    for (size_t i = 0, done = 0; i < 2; done = steps_after[i++]) {
        test_steps(&parts, steps_after[i] - done);
        take_snapshot(&parts, &result->after[i]);
    }
    test_parts_close(&parts);
    assert_ok(duet_device_set_gemm(device, getenv("DUET_TEST_GEMM"), &error), &error);
}

static void forget(outcome *result)
{
    for (size_t i = 0; i < 2; i++)
        for (size_t t = 0; t < result->after[i].count; t++)
            for (size_t what = 0; what < 2; what++) free(result->after[i].tensors[t].values[what]);
}

static double largest(const float *values, size_t count)
{
    double size = 0;
    for (size_t i = 0; i < count; i++) size = fmax(size, fabs((double)values[i]));
    return size;
}

/* Fails beyond the bound; *share is the largest part of one that was used up. */
static void compare_values(const row *it, const outcome *result, size_t steps, const tensor *plain, const tensor *other,
                           size_t what, double bound, double *share)
{
    for (size_t i = 0; i < plain->count; i++) {
        const double expected = plain->values[what][i], value = other->values[what][i];
        const double difference = fabs(value - expected);
        if (difference > *share * bound) *share = difference / bound;
        if (difference <= bound) continue;
        fail_msg("%s on %s, %zu steps with %s: %s%s[%zu] is %.9g, plain's %.9g, bound %.2g", it->family, it->data,
                 steps, result->provider, what == GRADIENT ? "gradient of " : "", plain->name, i, value, expected,
                 bound);
    }
}

static void compare_tensors(const row *it, const outcome *plain, const outcome *other, size_t when, double *share)
{
    const double steps = (double)steps_after[when];
    assert_int_equal(plain->after[when].count, other->after[when].count);
    for (size_t t = 0; t < plain->after[when].count; t++) {
        const tensor *expected = &plain->after[when].tensors[t], *found = &other->after[when].tensors[t];
        assert_string_equal(expected->name, found->name);
        /* a gradient that has become small carries the differences of when it was large */
        double gradient = largest(expected->values[GRADIENT], expected->count);
        gradient = fmax(gradient, largest(plain->after[0].tensors[t].values[GRADIENT], expected->count));
        assert_true(gradient > 0);
        const double bound = steps * plain->rounding * gradient;
        const double rounded = FLT_EPSILON * largest(expected->values[PARAMETER], expected->count);
        compare_values(it, other, steps_after[when], expected, found, GRADIENT, bound, &share[0]);
        compare_values(it, other, steps_after[when], expected, found, PARAMETER, steps * (it->rate * bound + rounded),
                       &share[1]);
    }
}

/* Terms are means over the steps since the last look. The accuracy counts examples: one may change sides. */
static void compare_terms(const row *it, const outcome *plain, const outcome *other, size_t when, double *share)
{
    const bool has_accuracy = strcmp(it->family, "gan") == 0;
    for (size_t i = 0; i < 3; i++) {
        const double expected = plain->after[when].terms[i], value = other->after[when].terms[i];
        double bound = (double)steps_after[when] * plain->rounding * fmax(1, fabs(expected));
        if (has_accuracy && i == 1) bound = 0.5 / (double)it->batch;
        if (!(fabs(value - expected) <= bound))
            fail_msg("%s on %s, %zu steps with %s: term %zu is %.9g, plain's %.9g, bound %.2g", it->family, it->data,
                     steps_after[when], other->provider, i, value, expected, bound);
        *share = fmax(*share, fabs(value - expected) / bound);
    }
}

static void compare_provider(const row *it, const outcome *plain, const char *provider)
{
    outcome other = {.provider = provider};
    double share[3] = {0};
    train(it, &other);
    assert_close(plain->rounding, other.rounding, 0);
    for (size_t when = 0; when < 2; when++) {
        compare_tensors(it, plain, &other, when, share);
        compare_terms(it, plain, &other, when, &share[2]);
    }
    print_message("%s of batch %zu, %s: at most %.2g of the bound (%.2g) in gradients, %.2g in parameters, "
                  "%.2g in losses\n",
                  it->family, it->batch, provider, share[0], plain->rounding, share[1], share[2]);
    forget(&other);
}

static void compare_with_plain(size_t row_count, const char *const *providers, size_t count)
{
    for (size_t r = 0; r < row_count; r++) {
        outcome plain = {.provider = "plain"};
        train(&rows[r], &plain);
        for (size_t p = 0; p < count; p++) compare_provider(&rows[r], &plain, providers[p]);
        forget(&plain);
    }
}

/* Every provider of convolutions in the table. */
static void steps_with_convolutions_are_those_of_plain(void **state)
{
    outcome plain = {.provider = "plain"};
    const char *name;
    size_t compared = 0;
    (void)state;
    train(&convolutional, &plain);
    for (size_t i = 0; (name = duet_gemm_name(i)) != NULL; i++) {
        if (!duet_gemm_convolves(i) || strcmp(name, "conv-plain") == 0) continue;
        compare_provider(&convolutional, &plain, name);
        compared++;
    }
    assert_true(compared >= 2);
    forget(&plain);
}

static void steps_are_those_of_plain(void **state)
{
    (void)state;
    compare_with_plain(FAST_ROWS, (const char *const[]){"panel", "clblast"}, 2);
}

static void all_steps_are_those_of_plain(void **state)
{
    (void)state;
    compare_with_plain(ROWS, (const char *const[]){"panel", "clblast", "tile"}, 3);
}

/* Pictures of 28 x 28 numbers in [0, 1). */
static void write_wide(void)
{
    enum { SIDE = 28, NUMBERS = WIDE_EXAMPLES * SIDE * SIDE };
    duet_error error = {0};
    float *values = malloc(NUMBERS * sizeof *values);
    assert_non_null(values);
    for (uint32_t i = 0; i < NUMBERS; i++) values[i] = (float)((i * 2654435761u >> 7) % 1000) / 1000;
    (void)snprintf(wide, sizeof wide, "%s/wide.npy", folder);
    assert_ok(duet_write_npy(wide, values, DUET_SHAPE(WIDE_EXAMPLES, SIDE, SIDE, 1), &error), &error);
    free(values);
}

static int begin(void **state)
{
    (void)open_all(state);
    write_wide();
    (void)snprintf(pictures, sizeof pictures, "%s/pictures.npy", folder);
    test_write_examples(pictures, DUET_SHAPE(TEST_CONV_SIDE, TEST_CONV_SIDE, 1));
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps_are_those_of_plain),
                                       cmocka_unit_test(steps_with_convolutions_are_those_of_plain)};
    const struct CMUnitTest slow_tests[] = {cmocka_unit_test(all_steps_are_those_of_plain)};
    if (argc > 1 && strcmp(argv[1], "all") == 0) return RUN_TESTS("providers", slow_tests, begin, close_all);
    return RUN_TESTS("providers", tests, begin, close_all);
}
