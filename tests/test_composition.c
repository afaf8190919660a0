/* SPDX-License-Identifier: MIT */
/* A family of a program's own is known again by what it composes: where that differs opening warns and resuming
 * refuses, and what changes nothing is no difference. */
#include "heard.h"
#include "run_recipes.h"

/* What the program's family is at the moment, in parts that no parameter shows. */
static struct {
    bool tanh;
    double weight, noise;
    bool tells_more;
} mine;

static void build_mine(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node x = duet_model_batch(model);
    if (mine.tells_more) (void)duet_square(x); /* made, and read by nothing */
    duet_node a = duet_dense(net, "hidden", x, 4),
              h = duet_dropout(mine.tanh ? duet_tanh(a) : duet_relu(a), mine.noise);
    duet_node y = duet_dense(net, "output", h, duet_features(x));
    duet_node error = duet_scale(duet_batch_mean(duet_square(duet_subtract(y, x))), mine.weight);
    duet_phase(model, "restore", 1);
    duet_minimise(model, error, net);
    duet_report(model, "error", error);
    duet_output(model, DUET_RECONSTRUCTION, y);
    if (mine.tells_more) duet_own_output(model, "hidden", h);
}

static const duet_family my_family = {.name = "mine", .build = build_mine};

static void is_mine(bool tanh, double weight, double noise, bool tells_more)
{
    mine.tanh = tanh;
    mine.weight = weight;
    mine.noise = noise;
    mine.tells_more = tells_more;
}

static void expect_doubt_of(const duet_family *family, const char *run, const char *words)
{
    char path[PATH];
    duet_error error = {0};
    duet_run *opened;
    path_of(path, run, "");
    assert_ok(duet_run_open_with(&opened, path, NULL, NULL, family, &error), &error);
    const char *doubt = duet_run_doubt(opened);
    if (words == NULL && doubt != NULL) fail_msg("\"%s\" was not expected", doubt);
    if (words != NULL && (doubt == NULL || strstr(doubt, words) == NULL))
        fail_msg("\"%s\" is missing from \"%s\"", words, doubt == NULL ? "" : doubt);
    duet_run_close(&opened);
}

static void expect_doubt(const char *run, const char *words)
{
    expect_doubt_of(&my_family, run, words);
}

static json_t *composition_of(const char *run)
{
    char path[PATH];
    path_of(path, run, "run.json");
    json_t *document = json_load_file(path, 0, NULL), *found = json_incref(json_object_get(document, "composition"));
    json_decref(document);
    return found;
}

/* A family of a program's own has the same parameters with another activation, loss or dropout. */
static void another_family_of_one_name_is_noticed(void **state)
{
    (void)state;
    duet_error error;
    heard all = {.text = ""};
    duet_train_options options = {
        .family = &my_family, .data = pictures, .steps = 3, .batch = 4, .log = listen, .context = &all};
    is_mine(false, 1, 0.25, false);
    train(options, "mine", false, DUET_OK, &error);
    options.stream = true;
    options.steps = 4;
    train(options, "mine-streamed", false, DUET_OK, &error);
    json_t *one = composition_of("mine"), *other = composition_of("mine-streamed"), *none = composition_of("first");
    assert_true(json_is_object(one) && json_equal(one, other));
    assert_null(none); /* of the library's: version and settings say it */
    json_decref(one);
    json_decref(other);
    options.stream = false;

    expect_doubt("mine", NULL);
    is_mine(false, 1, 0.25, true); /* more is told of the same */
    expect_doubt("mine", NULL);
    train(options, "mine", true, DUET_OK, &error);
    is_mine(false, 5, 0.25, false); /* another loss, and nothing that a use reads */
    expect_doubt("mine", NULL);
    options.steps = 5;
    train(options, "mine", true, DUET_ERROR_USAGE, &error);
    assert_message(&error, "trains otherwise than the family that the run began with");
    is_mine(false, 1, 0.5, false); /* dropout, which is not in use */
    expect_doubt("mine", NULL);
    train(options, "mine", true, DUET_ERROR_USAGE, &error);
    is_mine(true, 1, 0.25, false);
    expect_doubt("mine",
                 "this \"mine\" computes reconstruction otherwise than the family that the run was trained with");
    train(options, "mine", true, DUET_ERROR_USAGE, &error);
    assert_message(&error, "other_model goes on with this one");
    assert_null(strstr(all.text, "goes on with another"));
    options.other_model = true;
    train(options, "mine", true, DUET_OK, &error);
    assert_heard(&all, "mine goes on with another \"mine\" than it began with");
    assert_heard(&all, "composition is ");
    expect_doubt("mine", NULL); /* by now it is a run of this one */
    options.other_model = false;
    options.steps = 6;
    train(options, "mine", true, DUET_OK, &error);

    edit("mine", "run.json", "\"duet\": \"", "\"duet\": \"9.9."); /* whose layers may have been others */
    is_mine(false, 1, 0.25, false);
    expect_doubt("mine", "or it is this version of Duet");
    options.steps = 7;
    train(options, "mine", true, DUET_OK, &error);
    assert_heard(&all, "or with one that this version of Duet composes otherwise");
}

/* A build function that is not to be repeated: each training that it is called for has a larger loss. */
static double growth;
static int builds;

static void build_growing(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node x = duet_model_batch(model), y = duet_dense(net, "output", x, duet_features(x));
    const double weight = 1 + growth * builds;
    duet_node error = duet_scale(duet_batch_mean(duet_square(duet_subtract(y, x))), weight);
    duet_phase(model, "restore", 1);
    duet_minimise(model, error, net);
    duet_report(model, "error", error);
    duet_output(model, DUET_RECONSTRUCTION, y);
    builds += duet_model_training(model);
}

static void what_trains_is_what_is_recorded(void **state)
{
    (void)state;
    static const duet_family family = {.name = "growing", .build = build_growing};
    json_t *one, *other;
    duet_error error;
    const duet_train_options options = {.family = &family, .data = pictures, .steps = 2, .batch = 4};
    train(options, "steady", false, DUET_OK, &error);
    growth = 1;
    builds = 0;
    train(options, "growing", false, DUET_OK, &error);
    assert_int_equal(builds, 1);
    one = composition_of("steady");
    other = composition_of("growing");
    assert_non_null(json_object_get(one, "training"));
    assert_true(json_equal(json_object_get(one, "training"), json_object_get(other, "training")));
    json_decref(one);
    json_decref(other);
}

/* C evaluates arguments in any order, so the same code is another order of nodes with another compiler. */
static bool turned;

static void build_turned(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node x = duet_model_batch(model), a = duet_dense(net, "hidden", x, 4), tanh, relu;
    if (turned)
        relu = duet_relu(a), tanh = duet_tanh(a);
    else
        tanh = duet_tanh(a), relu = duet_relu(a);
    duet_node h = duet_multiply(duet_add(tanh, relu), duet_subtract(tanh, relu));
    if (turned) h = duet_multiply(duet_subtract(tanh, relu), duet_add(tanh, relu));
    duet_node y = duet_dense(net, "output", duet_multiply(duet_add(h, relu), h), duet_features(x));
    duet_node error = duet_batch_mean(duet_square(duet_subtract(y, x)));
    duet_phase(model, "restore", 1);
    duet_minimise(model, error, net);
    duet_report(model, "error", error);
    duet_output(model, DUET_RECONSTRUCTION, y);
}

static void the_order_of_operands_is_no_difference(void **state)
{
    (void)state;
    static const duet_family family = {.name = "turned", .build = build_turned};
    duet_error error;
    heard all = {.text = ""};
    duet_train_options options = {
        .family = &family, .data = pictures, .steps = 2, .batch = 4, .log = listen, .context = &all};
    turned = false;
    train(options, "turned", false, DUET_OK, &error);
    turned = true;
    options.steps = 3;
    train(options, "turned", true, DUET_OK, &error);
    assert_null(strstr(all.text, "otherwise"));
}

static void build_random(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node x = duet_model_batch(model), a, b;
    if (turned)
        b = duet_dropout(x, 0.25), a = duet_dropout(x, 0.5);
    else
        a = duet_dropout(x, 0.5), b = duet_dropout(x, 0.25);
    duet_node error = duet_batch_mean(
        duet_square(duet_subtract(duet_dense(net, "output", duet_subtract(a, b), duet_features(x)), x)));
    duet_phase(model, "restore", 1);
    duet_minimise(model, error, net);
    duet_report(model, "error", error);
}

/* They would draw each other's numbers. */
static void the_order_of_random_nodes_is_one(void **state)
{
    (void)state;
    static const duet_family family = {.name = "random", .build = build_random};
    duet_error error;
    duet_train_options options = {.family = &family, .data = pictures, .steps = 2, .batch = 4};
    turned = false;
    train(options, "random", false, DUET_OK, &error);
    turned = true;
    options.steps = 3;
    train(options, "random", true, DUET_ERROR_USAGE, &error);
    assert_message(&error, "or random nodes in another order: give that one");
}

static double decay; /* a part of the optimiser that is no rate */

static void build_paced(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node x = duet_model_batch(model);
    duet_node error = duet_batch_mean(duet_square(duet_subtract(duet_dense(net, "output", x, duet_features(x)), x)));
    duet_optimiser own = duet_adam(duet_setting_number(model, "lr"));
    own.weight_decay = decay;
    own.clip_norm = duet_setting_number(model, "clip_norm");
    own.schedule = duet_setting_is(model, "lr_schedule", "linear") ? DUET_RATE_LINEAR : DUET_RATE_CONSTANT;
    own.rate_warm_up = (uint64_t)duet_setting_number(model, "lr_warm_up");
    own.rate_steps = (uint64_t)duet_setting_number(model, "lr_steps");
    own.rate_final = duet_setting_number(model, "lr_final");
    duet_phase(model, "restore", 1);
    duet_phase_optimiser(model, &own);
    duet_minimise(model, error, net);
    duet_report(model, "error", error);
}

static void a_rate_of_its_own_may_change(void **state)
{
    (void)state;
    static const char *const settings[] = {"lr=0.02",    "clip_norm=1",  "lr_schedule=linear",
                                           "lr_steps=9", "lr_warm_up=2", "lr_final=0.5"};
    static const duet_family family = {.name = "paced", .build = build_paced};
    duet_error error;
    heard all = {.text = ""};
    duet_train_options options = {
        .family = &family, .data = pictures, .steps = 2, .batch = 4, .log = listen, .context = &all};
    decay = 0.1;
    train(options, "paced", false, DUET_OK, &error);
    options.settings = settings;
    options.setting_count = sizeof settings / sizeof *settings;
    options.steps = 3;
    train(options, "paced", true, DUET_OK, &error);
    assert_null(strstr(all.text, "otherwise"));
    decay = 0.2;
    options.steps = 4;
    train(options, "paced", true, DUET_ERROR_USAGE, &error);
    assert_message(&error, "trains otherwise");
}

/* A projection at random, which no checkpoint holds. */
static double spread;

static void build_projecting(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net"), *fixed = duet_scratch_group(model, "fixed");
    duet_node x = duet_model_batch(model), y = duet_dense(net, "output", x, duet_features(x));
    duet_node error = duet_batch_mean(duet_square(duet_subtract(y, x)));
    const duet_initialiser start = {.kind = DUET_INIT_NORMAL, .scale = (float)spread};
    duet_node weight =
        duet_weight(duet_model_graph(model), fixed, "projection", DUET_SHAPE(2, duet_features(x)), start);
    duet_phase(model, "restore", 1);
    duet_minimise(model, error, net);
    duet_report(model, "error", error);
    duet_output(model, DUET_LATENT, duet_matmul(x, weight, false, true));
}

static void how_a_group_of_no_checkpoint_starts_counts(void **state)
{
    (void)state;
    static const duet_family family = {.name = "projecting", .build = build_projecting};
    duet_error error;
    const duet_train_options options = {.family = &family, .data = pictures, .steps = 2, .batch = 4};
    spread = 1;
    train(options, "projecting", false, DUET_OK, &error);
    expect_doubt_of(&family, "projecting", NULL);
    spread = 100;
    expect_doubt_of(&family, "projecting",
                    "this \"projecting\" computes latent otherwise than the family that the run was trained with");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_family_of_one_name_is_noticed),
        cmocka_unit_test(what_trains_is_what_is_recorded),
        cmocka_unit_test(the_order_of_operands_is_no_difference),
        cmocka_unit_test(the_order_of_random_nodes_is_one),
        cmocka_unit_test(a_rate_of_its_own_may_change),
        cmocka_unit_test(how_a_group_of_no_checkpoint_starts_counts),
    };
    return RUN_TESTS("composition", tests, begin, remove_folder);
}
