/* SPDX-License-Identifier: MIT */
/* What is said of one group: rates, clipping, averages of weights and their use, initialisers, spectral norm; and
 * scopes of names. */
#include "use.h"

#include "train_models.h"
#include "workshop.h"

#include "model/model.h"
#include "train/trainer.h"

static char plain[TEST_PATH_SIZE + 16];

static duet_family family_of(void (*build)(duet_model *m))
{
    return (duet_family){.name = "groups", .summary = "test", .paper = "none", .build = build};
}

/* Each step takes its group's rate from w. */
static void build_descents(duet_model *m)
{
    duet_group *left = duet_model_group(m, "left"), *right = duet_model_group(m, "right");
    duet_phase(m, "descend", 1);
    duet_minimise(m, duet_negate(test_parameter(m, left, "w", 0)), left);
    duet_minimise(m, duet_negate(test_parameter(m, right, "w", 0)), right);
    duet_output(m, DUET_SAMPLE,
                duet_broadcast(test_parameter(m, left, "w", 0), DUET_SHAPE(duet_model_batch_size(m), 36)));
}

static void settings_of_a_group_come_first(void **state)
{
    (void)state;
    static const char *const settings[] = {"optimiser=sgd", "lr=1", "right.lr=0.25", "left.clip_weights=2.5",
                                           "right.average=0.75"};
    test_parts parts;
    duet_family family = family_of(build_descents);
    test_parts_open(&parts, device, &family, plain, settings, 5);
    double average = 0;
    for (size_t step = 1; step <= 4; step++) {
        test_steps(&parts, 1);
        average = step == 1 ? 0.25 : 0.75 * average + 0.25 * (0.25 * (double)step);
        assert_close(test_read(&parts, "left.w"), step > 2 ? 2.5 : (double)step, 1e-6);
        assert_close(test_read(&parts, "right.w"), 0.25 * (double)step, 1e-6);
        assert_close(test_read(&parts, "right.w.average"), average, 1e-6);
    }
    assert_null(duet_store_find(duet_model_store(parts.model), "left.w.average"));
    test_parts_close(&parts);
}

static void unknown_groups_are_named(void **state)
{
    (void)state;
    static const char *const wrong[] = {"middle.lr=1", "left.rate=1", "left.lr=-1"};
    static const char *const messages[] = {"no phase of groups updates a group \"middle\"", "is no setting of a group",
                                           "from 0 to 100"};
    duet_family family = family_of(build_descents);
    for (size_t i = 0; i < 3; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model = NULL;
        duet_trainer *trainer = NULL;
        assert_ok(duet_data_open(&data, plain, &error), &error);
        if (duet_model_new(&model, &family, data, &wrong[i], 1, 7, &error) == DUET_OK)
            assert_status(duet_trainer_new(&trainer, device, model, TEST_BATCH, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, messages[i]);
        assert_int_equal(error.status, DUET_ERROR_USAGE);
        duet_model_free(&model);
        duet_data_close(&data);
    }
    duet_error error = {0};
    const char *const setting = "generater.lr=1"; /* a built-in family lists its groups */
    assert_status(duet_settings_check(duet_family_find("gan"), &setting, 1, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "the groups of gan are generator discriminator");
}

static void build_rest(duet_model *m)
{
    duet_group *left = duet_model_group(m, "left");
    (void)test_parameter(m, duet_model_group(m, "idle"), "w", 0);
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_square(test_parameter(m, left, "w", 1)), left);
}

static void keep_line(void *context, const char *line)
{
    size_t used = strlen(context); /* kernels may be announced too */
    (void)snprintf((char *)context + used, 512 - used, "%s\n", line);
}

static void groups_that_rest_are_named(void **state)
{
    (void)state;
    static const char *const settings[] = {"momentum=0.9", "lr=1", "left.beta2=0.5"};
    char said[512] = "";
    test_parts parts;
    duet_family family = family_of(build_rest);
    duet_device_set_log(device, keep_line, said);
    test_parts_open(&parts, device, &family, plain, settings, 3);
    duet_device_set_log(device, NULL, NULL);
    test_parts_close(&parts);
    assert_non_null(strstr(said, "no phase of groups updates the group \"idle\": its 1 parameters"));
    assert_non_null(strstr(said, "nothing follows it: momentum=0.9\n"));
}

static duet_node layer(duet_model *m, const char *name, duet_node x)
{
    return duet_dense(duet_model_group(m, "net"), name, x, duet_features(duet_model_batch(m)));
}

static void learn(duet_model *m, const char *phase, duet_node made)
{
    duet_phase(m, phase, 1);
    duet_minimise(m, duet_batch_mean(duet_squared_error(made, duet_model_batch(m))), duet_model_group(m, "net"));
}

static void give_another_layer(duet_model *m)
{
    learn(m, "only", layer(m, "o", duet_model_batch(m)));
    duet_output(m, DUET_RECONSTRUCTION, layer(m, "out", duet_model_batch(m)));
    duet_own_output(m, "again", layer(m, "out", duet_model_batch(m)));
}
static void walk_another_layer(duet_model *m)
{
    learn(m, "only", layer(m, "o", duet_model_batch(m)));
    duet_procedure(m, "walk");
    duet_node chain = duet_scratch(m, "chain", DUET_FLOAT32, duet_node_shape(duet_model_batch(m)));
    duet_phase(m, "begin", 1);
    duet_phase_assign(m, chain, layer(m, "out", duet_model_batch(m)));
    duet_output(m, DUET_RECONSTRUCTION, chain);
}
static void learn_it_for_another_group(duet_model *m)
{
    duet_node out = layer(m, "out", duet_model_batch(m));
    learn(m, "first", layer(m, "o", duet_model_batch(m)));
    duet_phase(m, "second", 1);
    duet_minimise(m,
                  duet_multiply(duet_batch_mean(duet_squared_error(out, duet_model_batch(m))),
                                test_parameter(m, duet_model_group(m, "other"), "w", 1)),
                  duet_model_group(m, "other"));
    duet_output(m, DUET_RECONSTRUCTION, out);
}
static void learn_it_in_a_phase(duet_model *m)
{
    learn(m, "first", layer(m, "o", duet_model_batch(m)));
    learn(m, "second", layer(m, "out", duet_model_batch(m)));
    duet_output(m, DUET_RECONSTRUCTION, layer(m, "out", duet_model_batch(m)));
}
static void learn_from_what_rests(duet_model *m)
{
    duet_node still = layer(m, "out", duet_model_batch(m));
    learn(m, "only", layer(m, "o", duet_stop_gradient(still)));
    duet_output(m, DUET_RECONSTRUCTION, layer(m, "o", still));
}
static void give_what_rests(duet_model *m)
{
    learn(m, "only", layer(m, "o", duet_model_batch(m)));
    duet_output(m, DUET_RECONSTRUCTION, duet_stop_gradient(layer(m, "out", duet_model_batch(m))));
}
static void give_what_is_assigned(duet_model *m)
{
    duet_node w = duet_parameter(duet_model_graph(m), duet_model_group(m, "net"), "w", DUET_SHAPE(1),
                                 (duet_initialiser){.kind = DUET_INIT_CONSTANT});
    duet_node made = layer(m, "o", duet_model_batch(m));
    learn(m, "only", made);
    duet_phase(m, "count", 1);
    duet_phase_assign(m, w, duet_shift(w, 1));
    duet_output(m, DUET_RECONSTRUCTION, duet_multiply(made, w));
}
static void give_another_of_inference(duet_model *m)
{
    learn(m, "only", duet_batch_norm(duet_model_group(m, "net"), "norm", layer(m, "o", duet_model_batch(m))));
    duet_inference_begin(duet_model_graph(m));
    duet_output(m, DUET_RECONSTRUCTION,
                duet_batch_norm(duet_model_group(m, "net"), "norm", layer(m, "o", duet_model_batch(m))));
    duet_inference_end(duet_model_graph(m));
}

/* An autoencoder whose loss is given `logits`, and that gives `seen`. */
static void learn_logits(duet_model *m, bool loss_of_sigmoid, bool seen_as_logits)
{
    duet_node z = layer(m, "z", duet_model_batch(m)), logits = layer(m, "decode", z);
    duet_node loss = duet_batch_mean(
        duet_bernoulli_nll(loss_of_sigmoid ? duet_sigmoid(logits) : logits, duet_flatten(duet_model_batch(m))));
    duet_phase(m, "learn", 1);
    duet_minimise(m, loss, duet_model_group(m, "net"));
    duet_report(m, "loss", loss);
    duet_output(m, DUET_RECONSTRUCTION, seen_as_logits ? layer(m, "decode", z) : duet_sigmoid(layer(m, "decode", z)));
}

static void see_probabilities(duet_model *m)
{
    learn_logits(m, false, false);
}

static void see_logits(duet_model *m)
{
    learn_logits(m, false, true);
}

static void learn_from_a_sigmoid(duet_model *m)
{
    learn_logits(m, true, false);
}

static void learn_from_a_softmax(duet_model *m)
{
    duet_node classes = duet_softmax(layer(m, "classes", duet_model_batch(m)));
    duet_node loss = duet_batch_mean(duet_softmax_cross_entropy(classes, duet_stop_gradient(classes)));
    duet_phase(m, "learn", 1);
    duet_minimise(m, loss, duet_model_group(m, "net"));
    duet_report(m, "loss", loss);
}

static void logits_are_no_probabilities(void **state)
{
    (void)state;
    static const struct {
        void (*build)(duet_model *m);
        const char *piece; /* NULL: nothing is said */
    } rows[] = {
        {see_probabilities, NULL},
        {see_logits, "the output \"reconstruction\" is of the layer whose numbers bernoulli_nll takes as logits"},
        {learn_from_a_sigmoid, "bernoulli_nll takes logits, and is given what sigmoid gives"},
        {learn_from_a_softmax, "softmax_cross_entropy takes logits, and is given what softmax gives"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char said[512] = "";
        test_parts parts;
        duet_family family = family_of(rows[i].build);
        duet_device_set_log(device, keep_line, said);
        test_parts_open(&parts, device, &family, plain, NULL, 0);
        duet_device_set_log(device, NULL, NULL);
        test_parts_close(&parts);
        if (rows[i].piece == NULL ? strstr(said, "logits") != NULL : strstr(said, rows[i].piece) == NULL)
            fail_msg("row %zu: %s", i, said);
    }
}

/* A generator that is given `drawn`, of which use knows `prior`. */
static void draw(duet_model *m, duet_node drawn, duet_prior prior)
{
    duet_node made = layer(m, "made", drawn);
    duet_node loss = duet_batch_mean(duet_sum_features(duet_square(made)));
    duet_phase(m, "learn", 1);
    duet_minimise(m, loss, duet_model_group(m, "net"));
    duet_report(m, "loss", loss);
    duet_output(m, DUET_SAMPLE, layer(m, "made", duet_latent(m, &prior, 1)));
}

static duet_node uniform_of(duet_model *m)
{
    return duet_uniform(duet_model_graph(m), DUET_SHAPE(duet_model_batch_size(m), 4));
}

static void draw_as_the_prior(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(4);
    draw(m, duet_prior_draw(duet_model_graph(m), &prior, 1, duet_model_batch_size(m)), prior);
}

static void draw_as_the_prior_by_hand(duet_model *m)
{
    draw(m, duet_shift(duet_scale(uniform_of(m), -2), 1), duet_prior_uniform(4, -1, 1));
}

static void draw_from_another_range(duet_model *m)
{
    draw(m, uniform_of(m), duet_prior_uniform(4, -1, 1));
}

static void draw_from_another_prior(duet_model *m)
{
    draw(m, duet_shift(duet_scale(uniform_of(m), 2), -1), duet_prior_normal(4));
}

static void use_draws_what_was_learnt(void **state)
{
    (void)state;
    static const struct {
        void (*build)(duet_model *m);
        const char *piece; /* NULL: nothing is said */
    } rows[] = {
        {draw_as_the_prior, NULL},
        {draw_as_the_prior_by_hand, NULL},
        {draw_from_another_range, "the training draws uniform numbers from 0 to 1 for the layers that use gives"},
        {draw_from_another_prior, "the training draws uniform numbers from -1 to 1 for the layers that use gives"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char said[512] = "";
        test_parts parts;
        duet_family family = family_of(rows[i].build);
        duet_device_set_log(device, keep_line, said);
        test_parts_open(&parts, device, &family, plain, NULL, 0);
        duet_device_set_log(device, NULL, NULL);
        test_parts_close(&parts);
        if (rows[i].piece == NULL ? strstr(said, "draws") != NULL : strstr(said, rows[i].piece) == NULL)
            fail_msg("row %zu: %s", i, said);
    }
}

static void parameters_that_no_loss_moves_are_named(void **state)
{
    (void)state;
    static const struct {
        void (*build)(duet_model *m);
        bool told;
    } rows[] = {
        {give_another_layer, true},     {walk_another_layer, true},         {learn_it_for_another_group, true},
        {learn_it_in_a_phase, false},   {learn_from_what_rests, false},     {give_what_rests, false},
        {give_what_is_assigned, false}, {give_another_of_inference, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char said[512] = "";
        test_parts parts;
        duet_family family = family_of(rows[i].build);
        duet_device_set_log(device, keep_line, said);
        test_parts_open(&parts, device, &family, plain, NULL, 0);
        duet_device_set_log(device, NULL, NULL);
        test_parts_close(&parts);
        const char *told = strstr(said, "no loss moves"), *names = "nothing: \"net.out.weight\", \"net.out.bias\";";
        if ((told != NULL) != rows[i].told || (told != NULL && strstr(told, names) == NULL))
            fail_msg("row %zu: %s", i, said);
        if (told != NULL) assert_null(strstr(told + 1, "no loss moves"));
    }
}

static duet_store *elsewhere; /* not the model's */

static void build_strange(duet_model *m)
{
    duet_group *left = duet_model_group(m, "left"), *lent = duet_group_of(elsewhere, "lent"),
               *scratch = duet_scratch_group(m, "scratch");
    duet_node w = test_parameter(m, lent, "w", 1), v = test_parameter(m, lent, "v", 1);
    (void)test_parameter(m, scratch, "w", 0);
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_square(duet_subtract(duet_subtract(test_parameter(m, left, "w", 0), w), v)), left);
}

static void groups_of_another_store_are_named(void **state)
{
    (void)state;
    char said[512] = "";
    test_parts parts;
    duet_family family = family_of(build_strange);
    elsewhere = duet_store_new(3);
    duet_device_set_log(device, keep_line, said);
    test_parts_open(&parts, device, &family, plain, NULL, 0);
    duet_device_set_log(device, NULL, NULL);
    test_parts_close(&parts);
    const char *told = strstr(said, "the group \"lent\" is of another store than the model's: its 2 parameters");
    assert_non_null(told);
    assert_null(strstr(told + 1, "the group"));

    said[0] = '\0'; /* now they have numbers, as what was learnt elsewhere has */
    duet_device_set_log(device, keep_line, said);
    test_parts_open(&parts, device, &family, plain, NULL, 0);
    duet_device_set_log(device, NULL, NULL);
    test_parts_close(&parts);
    duet_store_free(&elsewhere);
    assert_null(strstr(said, "of another store"));
}

/* Of -w it is 1, and of (w - 2)^2 at 0 it is 4. */
static void build_slopes(duet_model *m)
{
    duet_group *left = duet_model_group(m, "left"), *right = duet_model_group(m, "right");
    duet_phase(m, "first", 1);
    duet_minimise(m, duet_negate(test_parameter(m, left, "w", 0)), left);
    duet_minimise(m, duet_square(duet_shift(test_parameter(m, right, "w", 0), -2)), right);
    duet_phase(m, "second", 1);
    duet_minimise(m, duet_scale(test_parameter(m, left, "w", 0), 3), left);
}

static void norms_of_gradients_are_reported(void **state)
{
    (void)state;
    static const char *const settings[] = {"optimiser=sgd", "lr=0.001", "gradient_norms=yes"};
    static const char *const names[] = {"gradient.first.left", "gradient.right", "gradient.second.left"};
    static const double norms[] = {1, 4, 3};
    test_parts parts;
    double means[3] = {0};
    duet_error error = {0};
    duet_family family = family_of(build_slopes);
    test_parts_open(&parts, device, &family, plain, settings, 3);
    test_steps(&parts, 1);
    assert_ok(duet_trainer_losses(parts.trainer, means, 3, &error), &error);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(duet_trainer_term(parts.trainer, i), names[i]);
        assert_close(means[i], norms[i], 1e-5);
    }
    assert_null(duet_trainer_term(parts.trainer, 3));
    test_parts_close(&parts);
}

static float sample_of(duet_evaluator *evaluator, const char *setting, duet_error *error)
{
    float values[36] = {NAN};
    const duet_wanted wanted = {DUET_SAMPLE, values};
    const duet_request request = {
        .count = 1, .settings = &setting, .setting_count = setting != NULL, .outputs = &wanted, .output_count = 1};
    (void)duet_evaluator_use(evaluator, &request, error);
    return values[0];
}

static void use_may_choose_the_average(void **state)
{
    (void)state;
    static const char *const settings[] = {"optimiser=sgd", "lr=1", "left.average=0.5"};
    for (size_t averages = 0; averages < 2; averages++) {
        test_parts parts;
        duet_error error = {0};
        duet_evaluator *evaluator;
        duet_family family = family_of(build_descents);
        test_parts_open(&parts, device, &family, plain, settings, 2 + averages);
        test_steps(&parts, 3); /* w: 1, 2, 3; the average: 1, 1.5, 2.25 */
        assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
        assert_close(sample_of(evaluator, NULL, &error), 3, 1e-6);
        assert_close(sample_of(evaluator, "weights=trained", &error), 3, 1e-6);
        float value = sample_of(evaluator, "weights=average", &error);
        if (averages == 1) {
            assert_ok(error.status, &error);
            assert_close(value, 2.25, 1e-6);
        } else {
            assert_int_equal(error.status, DUET_ERROR_USAGE);
            assert_message(&error, "no group of this run keeps an average");
        }
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
}

/* A family that is used by its averages needs not be asked, and is not where there is none yet. */
static void families_may_be_used_by_their_averages(void **state)
{
    (void)state;
    static const char *const settings[] = {"optimiser=sgd", "lr=1", "left.average=0.5"};
    for (size_t averages = 0; averages < 2; averages++) {
        test_parts parts;
        duet_error error = {0};
        duet_evaluator *evaluator;
        duet_family family = family_of(build_descents);
        family.averaged = true;
        test_parts_open(&parts, device, &family, plain, settings, 2 + averages);
        assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
        assert_close(sample_of(evaluator, NULL, &error), 0, 0);
        test_steps(&parts, 3);
        assert_close(sample_of(evaluator, NULL, &error), averages ? 2.25 : 3, 1e-6);
        assert_close(sample_of(evaluator, "weights=trained", &error), 3, 1e-6);
        assert_ok(error.status, &error);
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
}

/* Update n, counted from 0, keeps at most (1 + n) / (2 + n) of the average. */
static void an_average_may_forget_its_start(void **state)
{
    (void)state;
    static const char *const settings[] = {"optimiser=sgd", "lr=1", "left.average=0.7", "left.average_warm_up=2"};
    test_parts parts;
    duet_family family = family_of(build_descents);
    test_parts_open(&parts, device, &family, plain, settings, 4);
    double average = 1;
    for (size_t n = 0; n < 5; n++) {
        double keep = fmin(0.7, (double)(1 + n) / (double)(2 + n));
        test_steps(&parts, 1);
        if (n > 0) average = keep * average + (1 - keep) * (double)(n + 1);
        assert_close(test_read(&parts, "left.w.average"), average, 1e-5);
    }
    test_parts_close(&parts);
}

/* A generator whose activations lie far from what its batch norm started with: mean 5 a unit. */
static duet_node far_generator(duet_model *m, duet_node z)
{
    duet_group *generator = duet_model_group(m, "generator");
    duet_node h = duet_shift(duet_dense(generator, "dense", z, 36), 5);
    return duet_batch_norm(generator, "norm", h);
}

static void build_far(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(3);
    duet_node drawn = duet_prior_draw(duet_model_graph(m), &prior, 1, duet_model_batch_size(m));
    duet_phase(m, "generator", 1);
    duet_minimise(m, duet_batch_mean(duet_square(far_generator(m, drawn))), duet_model_group(m, "generator"));
    duet_output(m, DUET_SAMPLE, far_generator(m, duet_latent(m, &prior, 1)));
}

/* Mean over samples and features. */
static double mean_sample(duet_evaluator *evaluator, const char *setting)
{
    enum { N = 200 };
    static float values[N * 36];
    double sum = 0;
    duet_error error = {0};
    const duet_wanted wanted = {DUET_SAMPLE, values};
    const duet_request request = {
        .count = N, .settings = &setting, .setting_count = 1, .outputs = &wanted, .output_count = 1};
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
    for (size_t i = 0; i < N * 36; i++) sum += (double)values[i];
    return sum / (N * 36);
}

/* After four steps the running mean is 0.2 of 5, so that samples lie far off 0; under the average it is taken anew. */
static void batch_norm_is_recalibrated_for_the_average(void **state)
{
    (void)state;
    static const char *const settings[] = {"generator.average=0.9"};
    test_parts parts;
    duet_error error = {0};
    duet_evaluator *evaluator;
    duet_family family = family_of(build_far);
    float before[36], after[36];
    test_parts_open(&parts, device, &family, plain, settings, 1);
    test_steps(&parts, 4);
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    duet_store *store = duet_model_store(parts.model);
    assert_ok(duet_store_read(store, device, "generator.norm.mean", before, sizeof before, &error), &error);
    assert_true(mean_sample(evaluator, "weights=trained") > 1);
    assert_close(mean_sample(evaluator, "weights=average"), 0, 0.1);
    assert_true(mean_sample(evaluator, "weights=trained") > 1);
    assert_ok(duet_store_read(store, device, "generator.norm.mean", after, sizeof after, &error), &error);
    assert_memory_equal(before, after, sizeof before); /* those of training are as they were */
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

/* Two networks of one shape in one group, one with weights under spectral norm's divisor. */
static void build_scopes(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_graph *graph = duet_model_graph(m);
    duet_node x = duet_model_batch(m), sum = NULL;
    static const char *const names[] = {"left", "right"};
    for (size_t i = 0; i < 2; i++) {
        duet_name_begin(graph, names[i]);
        duet_name_begin(graph, "inner");
        duet_node h = duet_dense(net, "hidden", x, 4);
        duet_name_end(graph);
        duet_node y = duet_dense(net, "output", h, 2);
        duet_name_end(graph);
        sum = sum == NULL ? y : duet_add(sum, y);
    }
    duet_phase(m, "descend", 1);
    duet_minimise(m, duet_batch_mean(duet_square(sum)), net);
}

static void scopes_name_layers(void **state)
{
    (void)state;
    static const char *const names[] = {"net.left.inner.hidden.weight", "net.right.inner.hidden.weight",
                                        "net.left.output.bias", "net.right.output.bias"};
    test_parts parts;
    duet_family family = family_of(build_scopes);
    test_parts_open(&parts, device, &family, plain, NULL, 0);
    test_steps(&parts, 1);
    for (size_t i = 0; i < 4; i++) assert_non_null(duet_store_find(duet_model_store(parts.model), names[i]));
    assert_int_equal(duet_group_parameters(duet_model_group(parts.model, "net")), 2 * (36 * 4 + 4 + 4 * 2 + 2));
    test_parts_close(&parts);
}

static void initialisers_and_spectral_norm_are_settings(void **state)
{
    (void)state;
    static const char *const settings[] = {"initialiser=normal", "initialiser_scale=0.02", "net.spectral_norm=yes"};
    float weight[4 * 36];
    double squares = 0;
    test_parts parts;
    duet_error error = {0};
    duet_family family = family_of(build_scopes);
    test_parts_open(&parts, device, &family, plain, settings, 3);
    assert_ok(duet_store_read(duet_model_store(parts.model), device, "net.left.inner.hidden.weight", weight,
                              sizeof weight, &error),
              &error);
    for (size_t i = 0; i < 4 * 36; i++) squares += (double)weight[i] * (double)weight[i];
    assert_close(sqrt(squares / (4 * 36)), 0.02, 0.004);
    assert_non_null(duet_store_find(duet_model_store(parts.model), "net.left.inner.hidden.direction"));
    test_parts_close(&parts);
}

static int begin(void **state)
{
    (void)open_all(state);
    (void)snprintf(plain, sizeof plain, "%s/plain.npy", folder);
    test_write_examples(plain, DUET_SHAPE(6, 6, 1));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_of_a_group_come_first),
        cmocka_unit_test(unknown_groups_are_named),
        cmocka_unit_test(groups_that_rest_are_named),
        cmocka_unit_test(parameters_that_no_loss_moves_are_named),
        cmocka_unit_test(logits_are_no_probabilities),
        cmocka_unit_test(use_draws_what_was_learnt),
        cmocka_unit_test(groups_of_another_store_are_named),
        cmocka_unit_test(norms_of_gradients_are_reported),
        cmocka_unit_test(use_may_choose_the_average),
        cmocka_unit_test(families_may_be_used_by_their_averages),
        cmocka_unit_test(an_average_may_forget_its_start),
        cmocka_unit_test(batch_norm_is_recalibrated_for_the_average),
        cmocka_unit_test(scopes_name_layers),
        cmocka_unit_test(initialisers_and_spectral_norm_are_settings),
    };
    return RUN_TESTS("groups", tests, begin, close_all);
}
