/* SPDX-License-Identifier: MIT */
/* The settings of the built-in models, as words and in what they build. */
#include "comma_locale.h"
#include "model_parts.h"

static char unit[TEST_PATH_SIZE + 32];

static void the_header_names_every_activation(void **state)
{
    (void)state;
    assert_string_equal(DUET_ACTIVATION_NAMES, duet_activation_names());
}

static void mistakes_in_settings_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *family, *setting, *piece;
    } rows[] = {
        {"vae", "depth=3", "depth"},
        {"vae", "latent", "latent"},
        {"vae", "=3", "no setting \"\""},
        {"vae", "", "KEY=VALUE"},
        {"ae", "k=2", "ae has no setting \"k\""},
        {"gan", "beta=4", "gan has no setting \"beta\"; it has"},
        {"gan", "learning_rate=1", "; did you mean 'lr'?"},
        {"gan", "batch_size=4", "; batch is said of a training, not of its model"},
        {"gan", "hidden=3", "discriminator_hidden"},
        {"gan", "loss=bayesian", "non-saturating|minimax"},
        {"vae", "latent=1.5", "whole number"},
        {"vae", "beta=1x", "beta"},
        {"vae", "beta=", "beta"},
        {"vae", "beta=nan", "beta"},
        {"vae", "lr=inf", "lr"},
        {"vae", "lr=1e999", "lr"},
        {"vae", "lr=infinity", "lr"},
        {"vae", "lr=0x1p-3", "lr"},
        {"vae", "lr=0,1", "lr"},
        {"vae", "lr= 0.1", "lr"},
        {"vae", "lr=.", "lr"},
        {"vae", "lr=1e", "lr"},
        {"vae", "lr=--1", "lr"},
        {"vae", "latent=0x10", "whole number"},
        {"vae", "kl=auto|analytic|monte-carlo", "kl"},
        {"vae", "kl=", "kl"},
        {"vae", "hidden=0", "hidden"},
        {"vae", "hidden=4,,4", "hidden"},
        {"vae", "hidden=4,", "hidden"},
        {"vae", "hidden=,4", "hidden"},
        {"vae", "hidden=4;4", "hidden"},
        {"vae", "hidden=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "at most 16"},
        {"vae", "hidden=100000,100000,100000,100000,100000,100000,100000,100000,100000,100000",
         "more than 63 characters"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        assert_ok(duet_data_open(&data, "ring8", &error), &error);
        const duet_family *family = duet_family_find(rows[i].family);
        assert_status(duet_model_new(&model, family, data, &rows[i].setting, 1, 1, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i].piece);
        assert_null(model);
        error = (duet_error){0};
        assert_status(duet_settings_check(family, &rows[i].setting, 1, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i].piece);
        duet_data_close(&data);
    }
}

static void build_nothing(duet_model *model)
{
    (void)model;
}

/* What a run would not be opened with again is refused before it is trained. */
static void mistakes_in_tables_are_named(void **state)
{
    (void)state;
    static const struct {
        duet_setting row, other;
        const char *piece;
    } tables[] = {
        {DUET_NUMBER("a", 1, 0, 2, ""), DUET_NUMBER("a", 3, 0, 5, ""), "setting 2, \"a\", has two rows"},
        {DUET_NUMBER("a=b", 1, 0, 2, ""), DUET_NUMBER("b", 1, 0, 2, ""), "has a name with '=', ','"},
        {DUET_NUMBER("a,b", 1, 0, 2, ""), DUET_NUMBER("b", 1, 0, 2, ""), "has a name with '=', ','"},
        {DUET_NUMBER("a\nb", 1, 0, 2, ""), DUET_NUMBER("b", 1, 0, 2, ""), "or a control character"},
        {DUET_NUMBER("", 1, 0, 2, ""), DUET_NUMBER("b", 1, 0, 2, ""), "setting 1, \"\", has no name"},
        {DUET_NUMBER(NULL, 1, 0, 2, ""), DUET_NUMBER("b", 1, 0, 2, ""), "has no name"},
        {DUET_NUMBER("caf\xe9", 1, 0, 2, ""), DUET_NUMBER("b", 1, 0, 2, ""), "\"caf?\", has a name that is not UTF-8"},
        {DUET_CHOICE("a", NULL, "x|y", ""), DUET_NUMBER("b", 1, 0, 2, ""), "has no initial value"},
        {DUET_CHOICE("a", "x\xe9", "x\xe9", ""), DUET_NUMBER("b", 1, 0, 2, ""), "has no initial value in UTF-8"},
        {DUET_CHOICE("a", "x", NULL, ""), DUET_NUMBER("b", 1, 0, 2, ""), "has no choices"},
        {DUET_SIZES("a", "10000,10000,10000,10000,10000,10000,10000,10000,10000,10000,10000", ""),
         DUET_NUMBER("b", 1, 0, 2, ""), "has too long an initial value"},
        {{"a", (duet_setting_kind)9, "1", 0, 2, NULL, ""}, DUET_NUMBER("b", 1, 0, 2, ""), "is of no kind"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const duet_setting rows[] = {tables[i].row, tables[i].other};
        const duet_family family = {.name = "own", .build = build_nothing, .settings = rows, .setting_count = 2};
        duet_error error = {0};
        assert_status(duet_settings_check(&family, NULL, 0, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, tables[i].piece);
        assert_message(&error, "the model own: setting ");
    }
    const duet_setting row = DUET_NUMBER("caf\xc3\xa9 de.nuit", 1, 0, 2, "");
    const duet_family sound = {.name = "own", .build = build_nothing, .settings = &row, .setting_count = 1};
    const char *said = "caf\xc3\xa9 de.nuit=2";
    duet_error error = {0};
    assert_ok(duet_settings_check(&sound, &said, 1, &error), &error);
}

/* Whether a model takes "key=value" with `value` as the format says. */
static bool takes(const duet_family *family, duet_data *data, const char *key, const char *value)
{
    char text[160];
    const char *pair = text;
    duet_error error = {0};
    duet_model *model;
    (void)snprintf(text, sizeof text, "%s=%s", key, value);
    duet_status status = duet_model_new(&model, family, data, &pair, 1, 1, &error);
    if (status == DUET_OK) {
        assert_string_equal(duet_model_setting_text(model, key), value);
    } else {
        assert_status(status, DUET_ERROR_USAGE, &error);
        assert_message(&error, key);
    }
    duet_model_free(&model);
    return status == DUET_OK;
}

static bool takes_number(const duet_family *family, duet_data *data, const char *key, double value)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%.17g", value);
    return takes(family, data, key, text);
}

static void own_rows_are_of_the_kind_that_they_stand_for(void **state)
{
    (void)state;
    static const struct {
        duet_setting row;
        const char *message; /* NULL: it may stand */
    } rows[] = {
        {DUET_CHOICE("lr", "fast", "fast|slow", "how"), "a setting \"lr\" of its own, which stands for that of all"},
        {DUET_SIZES("momentum", "4", "widths"), "a number: it is to be such a one, or to have another name"},
        {DUET_NUMBER("lr_schedule", 0, 0, 1, "how"), "one of constant|linear|"},
        {DUET_SIZES("activation", "4", "widths"), "\"activation\""},
        {DUET_CHOICE("optimiser", "lion", "adam|lion", "how"), "one of sgd|"},
        {DUET_CHOICE("shuffle", "maybe", "yes|no|maybe", "how"), "one of yes|no:"},
        {DUET_CHOICE("optimiser", "sgd", "adam|sgd", "how"), NULL},
        {DUET_CHOICE("activation", "square", "square|relu", "of the family's own"), NULL},
        {DUET_NUMBER("lr", 0.5, 0, 9, "how fast"), NULL},
        {DUET_NUMBER("lr_steps", 5, 0, 9, "how many"), NULL},
        {DUET_CHOICE("mode", "fast", "fast|slow", "how"), NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        const duet_family family = {.name = "mine", .settings = &rows[i].row, .setting_count = 1};
        const duet_status wanted = rows[i].message == NULL ? DUET_OK : DUET_ERROR_USAGE;
        assert_status(duet_settings_check(&family, NULL, 0, &error), wanted, &error);
        if (rows[i].message != NULL) assert_message(&error, rows[i].message);
    }
}

static void every_setting_takes_what_it_says(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data;
    const duet_family *family;
    const duet_setting *row;
    assert_ok(duet_data_open(&data, "ring8", &error), &error);
    for (size_t f = 0; (family = duet_family_at(f)) != NULL; f++) {
        for (size_t i = 0; (row = duet_family_setting(family, i)) != NULL; i++) {
            assert_true(takes(family, data, row->key, row->initial));
            assert_false(takes(family, data, row->key, "nonsense"));
            assert_true(strlen(row->help) > 0);
            if (row->kind == DUET_SETTING_NUMBER || row->kind == DUET_SETTING_COUNT) {
                assert_true(takes_number(family, data, row->key, row->low));
                assert_true(takes_number(family, data, row->key, row->high));
                assert_false(takes_number(family, data, row->key, row->low - 1));
                assert_false(takes_number(family, data, row->key, row->high + 1));
            }
            for (size_t k = 0; k < i; k++) /* a key means one thing */
                assert_string_not_equal(duet_family_setting(family, k)->key, row->key);
        }
    }
    duet_data_close(&data);
}

static const char *choices_of(const duet_family *family, const char *key)
{
    const duet_setting *row;
    for (size_t i = 0; (row = duet_family_setting(family, i)) != NULL; i++)
        if (!strcmp(row->key, key)) return row->choices;
    fail_msg("%s has no setting %s", family->name, key);
    return NULL;
}

static void choices_are_all_there_is(void **state)
{
    (void)state;
    const duet_family *family;
    for (size_t f = 0; (family = duet_family_at(f)) != NULL; f++) {
        assert_string_equal(choices_of(family, "activation"), duet_activation_names());
        assert_string_equal(choices_of(family, "optimiser"), duet_optimiser_names());
        assert_string_equal(choices_of(family, "lr_schedule"), duet_rate_schedule_names());
    }
}

/* The settings that a training of these would be told are without effect; the optimiser's and the layers' too. */
static void list_idle(const duet_family *family, const char *path, const char *const *settings, size_t count,
                      char *list, size_t capacity)
{
    duet_error error = {0};
    char pair[176];
    duet_data *data;
    duet_model *model;
    duet_build *build;
    list[0] = '\0';
    assert_ok(duet_data_open(&data, path, &error), &error);
    assert_ok(duet_model_new(&model, family, data, settings, count, 1, &error), &error);
    assert_ok(duet_model_build(model, DUET_BUILD_TRAIN, 4, &build, &error), &error);
    const duet_procedure_description *train = &build->procedures[0];
    for (size_t p = 0; p < train->phase_count; p++)
        for (size_t o = 0; o < train->phases[p].objective_count; o++)
            for (size_t g = 0; g < train->phases[p].objectives[o].group_count; g++)
                duet_model_mark_optimiser(model, duet_group_name(train->phases[p].objectives[o].groups[g]));
    duet_model_mark_layers(model);
    for (size_t i = 0; duet_settings_idle(&model->settings, i, pair); i++)
        (void)snprintf(list + strlen(list), capacity - strlen(list), "%s ", pair);
    duet_build_free(&build);
    duet_model_free(&model);
    duet_data_close(&data);
}

static void settings_without_effect_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *family, *settings[4], *idle;
    } rows[] = {
        {"vae", {"momentum=0.9", "lr=0.01"}, "momentum=0.9 "},
        {"vae", {"momentum=0.9", "optimiser=sgd"}, ""},
        {"vae", {"beta1=0.5", "epsilon=1e-4", "optimiser=sgd"}, "beta1=0.5 epsilon=1e-4 "},
        {"vae", {"sigma=0.3"}, "sigma=0.3 "}, /* of data in [0, 1]: bernoulli */
        {"vae", {"sigma=0.3", "sigma_floor=0.1", "likelihood=gaussian"}, "sigma_floor=0.1 "},
        {"vae", {"sigma=0.3", "sigma_floor=0.1", "likelihood=gaussian-learned"}, ""},
        {"vae", {"momentum=0", "sigma=1.0", "naive_ratio=1"}, ""}, /* as they are without being said */
        {"vae", {"naive_ratio=2", "pseudo_inputs=8"}, "naive_ratio=2 pseudo_inputs=8 "},
        {"vae", {"lr_steps=100", "lr_final=0.5"}, "lr_steps=100 lr_final=0.5 "},
        {"vae", {"lr_steps=100", "lr_final=0.5", "lr_schedule=linear"}, ""},
        {"vae",
         {"lr_steps=100", "lr_final=1", "lr_schedule=cosine"},
         "lr_schedule=cosine lr_steps=100 lr_final=1 "}, /* from 1 to 1 */
        {"vae", {"lr_warm_up=1"}, "lr_warm_up=1 "},      /* the first update has the whole rate */
        {"vae", {"lr_warm_up=2"}, ""},
        {"vae", {"lr_warm_up=9", "encoder.lr_warm_up=0"}, ""}, /* but for one group */
        {"vae", {"lr_schedule=cosine", "lr_steps=9", "encoder.lr_schedule=constant"}, ""},
        {"vae", {"lr_schedule=cosine", "lr_steps=9", "encoder.lr_final=1"}, ""},
        {"vae", {"encoder.lr_final=1"}, "encoder.lr_final=1 "},
        {"vae", {"optimiser=adamw"}, "optimiser=adamw "}, /* Adam, without a decay */
        {"vae", {"optimiser=adamw", "weight_decay=0.01"}, ""},
        {"vae", {"optimiser=adamw", "decoder.weight_decay=0.01"}, ""},
        {"vae", {"optimiser=sgd", "decoder.optimiser=adamw"}, ""},
        {"vae", {"decoder.optimiser=adamw"}, "decoder.optimiser=adamw "},
        {"vae", {"average_warm_up=10", "initialiser_scale=2"}, "average_warm_up=10 initialiser_scale=2 "},
        {"vae", {"decoder.momentum=0.9"}, "decoder.momentum=0.9 "},
        {"vae", {"decoder.momentum=0.9", "decoder.optimiser=sgd"}, ""},
        {"gan",
         {"instance_noise_steps=9", "penalty_weight=3", "penalty_every=4"},
         "penalty_weight=3 penalty_every=4 instance_noise_steps=9 "},
        {"gan", {"instance_noise_steps=9", "instance_noise=1", "penalty_weight=3", "penalty=r1"}, ""},
        {"mixture",
         {"activation=tanh", "spectral_norm=yes", "initialiser=normal"},
         "activation=tanh initialiser=normal spectral_norm=yes "},
        {"made", {"initialiser=normal", "spectral_norm=yes", "mixtures=3"}, "mixtures=3 "},
        {"infogan", {"generator_hidden=8", "batch_norm=no"}, "batch_norm=no "},
        {"infogan", {"generator_hidden=8,8", "batch_norm=no"}, ""},
        {"bigan",
         {"generator_hidden=8", "encoder_hidden=8", "discriminator_hidden=8", "batch_norm=no"},
         "batch_norm=no "},
        {"bigan", {"generator_hidden=8", "encoder_hidden=8", "batch_norm=no"}, ""},
        {"vae", {"shuffle=no", "activation=tanh", "gradient_norms=yes"}, ""},
        {"vae", {"norm_over=rank"}, "norm_over=rank "},
        {"infogan", {"generator_hidden=8,8", "norm_over=rank"}, "norm_over=rank "}, /* with one rank */
        {"infogan", {"continuous=0", "sigma=0.1"}, "sigma=0.1 "},
        {"infogan", {"continuous=1", "sigma=0.1"}, ""},
        {"vae", {"beta=0", "warm_up=100", "free_bits=1"}, "warm_up=100 free_bits=1 "},
        {"vae", {"beta=2", "warm_up=100", "free_bits=1"}, ""},
        {"vae", {"beta=0", "regulariser=naive", "naive_ratio=2"}, "regulariser=naive naive_ratio=2 "},
        {"vae", {"prior=vamp", "kl=monte-carlo"}, "kl=monte-carlo "},
        {"vae", {"prior=vamp", "kl=analytic"}, "kl=analytic "}, /* a mixture has no closed form */
        {"vae", {"prior=vamp", "kl=auto"}, ""},
        {"realnvp", {"blocks=3", "width=8", "alpha=0.05"}, "width=8 blocks=3 "}, /* for pictures */
        {"vae", {"k=2", "kl=monte-carlo"}, ""},                                  /* the kl that is reported */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char list[512];
        size_t count = 0;
        while (count < 4 && rows[i].settings[count] != NULL) count++;
        list_idle(duet_family_find(rows[i].family), unit, rows[i].settings, count, list, sizeof list);
        assert_string_equal(list, rows[i].idle);
    }
    char list[512]; /* generated examples have no order */
    list_idle(duet_family_find("vae"), "ring8", SETTINGS("shuffle=no"), list, sizeof list);
    assert_string_equal(list, "shuffle=no ");
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *family, *settings[2], *piece;
    } rows[] = {
        {"gan", {"gate_low=1", "gate_high=0"}, "gate_low=1 above gate_high=0"},
        {"gan", {"label_smoothing=0.5", "loss=hinge"}, "loss=hinge has no labels to smooth"},
        {"gan",
         {"label_smoothing=0.5", "fake_smoothing=0.5"},
         "the label of real examples is no higher than that of generated ones"},
        {"infogan", {"gate_low=0.6", "gate_high=0.5"}, "gate_low is to be at most gate_high"},
        {"vae-gan", {"gate_low=0.6", "gate_high=0.5"}, "both players rest"},
        {"vae", {"lr_schedule=linear", "beta=1"}, "lr_steps is 0: say how many, such as lr_steps=10000"},
        {"vae", {"decoder.lr_schedule=cosine", "beta=1"}, "lr_schedule=cosine of group decoder"},
        {"vae", {"lr_schedule=step", "lr_steps=20"}, "such as lr_final=0.1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        duet_build *build;
        assert_ok(duet_data_open(&data, unit, &error), &error);
        assert_ok(duet_model_new(&model, duet_family_find(rows[i].family), data, rows[i].settings, 2, 1, &error),
                  &error);
        assert_status(duet_model_build(model, DUET_BUILD_TRAIN, 4, &build, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i].piece);
        assert_null(strstr(error.message, ".c:"));
        duet_model_free(&model);
        duet_data_close(&data);
    }
}

/* Each mistake is told of, and what is built twice, as a network in training and for drawing, says it once. */
static void all_warnings_are_kept(void **state)
{
    (void)state;
    static const struct {
        const char *family, *data, *settings[3], *pieces[2];
    } rows[] = {
        {"gan", unit, {"loss=f-kl", "gate_high=0", "lr=0.1"}, {"loss=f-kl has no lower bound", "gate_high=0: the "}},
        {"ddpm", "shapes", {"condition=labels", "drop=1", "levels=6"}, {"nothing is learnt of it", "levels=6, and "}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char said[WARNINGS];
        test_graph it;
        test_graph_open(&it, device, DUET_BUILD_TRAIN, 4, rows[i].family, rows[i].data, rows[i].settings, 3);
        warnings_of(it.build, said);
        for (size_t k = 0; k < 2; k++)
            if (strstr(said, rows[i].pieces[k]) == NULL)
                fail_msg("\"%s\" is missing from \"%s\"", rows[i].pieces[k], said);
        assert_int_equal(it.build->warning_count, 2);
        test_graph_close(&it);
    }
}

static void objectives_without_a_bound_are_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *family, *settings[2], *piece; /* NULL: nothing is said */
        const char *data;                         /* NULL: numbers in [0, 1] */
    } rows[] = {
        {"gan", {"label_noise=0.05", "lr=0.1"}, "mean label of real examples 1.025"},
        {"gan", {"label_noise=0.05", "label_smoothing=0.025"}, NULL},
        {"gan", {"label_noise=0.05", "loss=least-squares"}, NULL},
        {"gan", {"loss=f-kl", "lr=0.1"}, "loss=f-kl has no lower bound"},
        {"gan", {"loss=f-kl", "instance_noise=0.1"}, NULL}, /* what the warning advises */
        {"gan", {"loss=f-reverse-kl", "discriminator.spectral_norm=yes"}, NULL},
        {"gan", {"instance_noise_steps=9", "loss=f-kl"}, "loss=f-kl has no lower bound"},
        {"gan", {"loss=f-reverse-kl", "penalty=r1"}, "loss=f-reverse-kl has no lower bound"},
        {"gan", {"loss=f-kl", "penalty=gradient"}, NULL},
        {"gan", {"loss=wasserstein", "penalty=r1"}, "loss=wasserstein has no lower bound with penalty=r1"},
        {"gan", {"loss=wasserstein", "penalty=dragan"}, "loss=wasserstein has no lower bound with penalty=dragan"},
        {"gan", {"loss=wasserstein", "penalty=gradient"}, NULL}, /* what the warning advises */
        {"gan", {"penalty=r1", "penalty_every=4"}, NULL},
        {"gan", {"loss=hinge", "penalty=r1"}, NULL},
        {"gan", {"loss=f-js", "lr=0.1"}, NULL},
        {"ddpm", {"condition=labels", "drop=1"}, "nothing is learnt of it", "ring8"},
        {"ddpm", {"condition=labels", "drop=0.9"}, NULL, "ring8"},
        {"aae", {"label_noise=0.2", "loss=minimax"}, "d_loss has no lower bound"},
        {"gan", {"lr=0.1", "beta1=0.9"}, NULL},
        {"gan", {"gate_high=0", "lr=0.1"}, "gate_high=0: the discriminator learns only from batches"},
        {"infogan", {"gate_low=1", "lr=0.1"}, "gate_low=1: the generator learns only while"},
        {"vae-gan-conv", {"gate_high=0.4", "lr=0.1"}, "gate_high=0.5 or more lets it", "shapes"},
        {"gan", {"gate_high=0.5", "gate_low=0.5"}, NULL},
        {"gan", {"gate_low=0.95", "lr=0.1"}, NULL},
        {"infogan", {"categories=1", "continuous=2"}, "categories=1: a code of one value can tell nothing"},
        {"infogan", {"info_weight=0", "recognition.lr=0.1"}, "Q learns nothing, whatever is set of recognition"},
        {"infogan", {"categories=2", "info_weight=0.1"}, NULL},
        {"gan", {"label_smoothing=0.5", "fake_smoothing=0.4"}, NULL},
        {"vae", {"initialiser=normal", "initialiser_scale=0"}, "of group encoder begin at 0, and units that begin"},
        {"vae", {"initialiser=normal", "initialiser_scale=1"}, NULL}, /* what the warning advises */
        {"vae", {"likelihood=gaussian-learned", "sigma=0.002"}, "sigma_floor=0.001 lets it"},
        {"vae", {"likelihood=gaussian-learned", "sigma_floor=0.5"}, NULL},
        {"vae", {"hidden=", "latent=2"}, "hidden= names no hidden layer: what has its widths is linear"},
        {"vae", {"hidden=2", "latent=2"}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char said[WARNINGS];
        test_graph it;
        test_graph_open(&it, device, DUET_BUILD_TRAIN, 4, rows[i].family, rows[i].data == NULL ? unit : rows[i].data,
                        rows[i].settings, 2);
        if (rows[i].piece == NULL)
            assert_int_equal(it.build->warning_count, 0);
        else if (strstr(warnings_of(it.build, said), rows[i].piece) == NULL)
            fail_msg("\"%s\" is missing from \"%s\"", rows[i].piece, said);
        test_graph_close(&it);
    }
}

/* A list may be of anything, and none of it too. */
static void build_listed(duet_model *m)
{
    size_t sizes[DUET_MOST_SIZES];
    duet_group *net = duet_model_group(m, "net");
    duet_node y = duet_dense(net, "layer", duet_model_batch(m), 1);
    assert_int_equal(duet_setting_sizes(m, "dilations", sizes), 0);
    duet_phase(m, "fit", 1);
    duet_minimise(m, duet_batch_mean(y), net);
}

static void a_list_that_names_no_layers_may_be_empty(void **state)
{
    (void)state;
    static const duet_setting dilations[] = {DUET_SIZES("dilations", "1,2", "what its name says")};
    static const duet_family listed = {
        .name = "listed", .build = build_listed, .settings = dilations, .setting_count = 1};
    static const char *const none[] = {"dilations="};
    duet_error error = {0};
    duet_data *data;
    duet_model *model;
    duet_build *build;
    assert_ok(duet_data_open(&data, "ring8", &error), &error);
    assert_ok(duet_model_new(&model, &listed, data, none, 1, 7, &error), &error);
    assert_ok(duet_model_build(model, DUET_BUILD_TRAIN, 4, &build, &error), &error);
    assert_int_equal(build->warning_count, 0);
    duet_build_free(&build);
    duet_model_free(&model);
    duet_data_close(&data);
}

/* docs/models.md has a row "| `key` | `default` |" for each setting: under its model, or under those of every model. */
static void the_documentation_has_every_default(void **state)
{
    (void)state;
    char *page = test_file_read(TEST_SOURCE_ROOT "/docs/models.md", NULL);
    char *common = strstr(page, "\n## Settings of every model\n");
    const duet_family *family;
    const duet_setting *row;
    assert_non_null(common);
    for (size_t f = 0; (family = duet_family_at(f)) != NULL; f++) {
        char heading[64], line[160];
        (void)snprintf(heading, sizeof heading, "\n## `%s`\n", family->name);
        char *section = strstr(page, heading), *end = section ? strstr(section + 1, "\n## ") : NULL;
        if (!section || !end) fail_msg("docs/models.md has no section on %s", family->name);
        for (size_t i = 0; (row = duet_family_setting(family, i)) != NULL; i++) {
            bool own = i < family->setting_count;
            (void)snprintf(line, sizeof line, "\n| `%s` | `%s` |", row->key, row->initial);
            char *found = strstr(own ? section : common, line);
            if (!found || (own && found > end)) fail_msg("docs/models.md, %s: no row \"%s\"", family->name, line + 1);
        }
    }
    free(page);
}

static void settings_reach_the_optimiser(void **state)
{
    (void)state;
    static const struct {
        const char *optimiser, *schedule;
        duet_optimiser_kind kind;
        duet_rate_schedule rate;
    } rows[] = {
        {"optimiser=sgd", "lr_schedule=constant", DUET_SGD, DUET_RATE_CONSTANT},
        {"optimiser=rmsprop", "lr_schedule=linear", DUET_RMSPROP, DUET_RATE_LINEAR},
        {"optimiser=adam", "lr_schedule=cosine", DUET_ADAM, DUET_RATE_COSINE},
        {"optimiser=adamw", "lr_schedule=step", DUET_ADAMW, DUET_RATE_STEP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        assert_ok(duet_data_open(&data, "ring8", &error), &error);
        assert_ok(duet_model_new(&model, duet_family_find("gan"), data,
                                 SETTINGS(rows[i].optimiser, rows[i].schedule, "lr=0.25", "beta1=0.5", "beta2=0.75",
                                          "momentum=0.125", "epsilon=1e-3", "weight_decay=0.0625", "clip_norm=3",
                                          "lr_warm_up=7", "lr_steps=11", "lr_final=0.03125"),
                                 1, &error),
                  &error);
        duet_optimiser o = duet_model_optimiser(model, NULL);
        assert_int_equal(o.kind, rows[i].kind);
        assert_int_equal(o.schedule, rows[i].rate);
        const double found[] = {o.learning_rate,
                                o.beta1,
                                o.beta2,
                                o.momentum,
                                o.epsilon,
                                o.weight_decay,
                                o.clip_norm,
                                (double)o.rate_warm_up,
                                (double)o.rate_steps,
                                o.rate_final};
        const double momentum =
            rows[i].kind == DUET_SGD || rows[i].kind == DUET_RMSPROP ? 0.125 : 0; /* Adam has none */
        const double steps = rows[i].rate == DUET_RATE_CONSTANT ? 0 : 11;
        const double expected[] = {0.25, 0.5, 0.75, momentum, 1e-3, 0.0625, 3, 7, steps, 0.03125};
        for (size_t k = 0; k < sizeof found / sizeof *found; k++) assert_close(found[k], expected[k], 0);
        duet_model_free(&model);
        duet_data_close(&data);
    }
}

/* One number, whatever way it is written in. */
static void numbers_have_one_meaning(void **state)
{
    (void)state;
    static const char *const ways[] = {"lr_steps=10000", "lr_steps=1e4", "lr_steps=+1.0E+4", "lr_steps=10000.",
                                       "lr_steps=1000000e-2"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        assert_ok(duet_data_open(&data, "ring8", &error), &error);
        assert_ok(duet_model_new(&model, duet_family_find("vae"), data,
                                 SETTINGS(ways[i], "lr=.25", "lr_schedule=linear"), 1, &error),
                  &error);
        assert_int_equal(duet_model_optimiser(model, NULL).rate_steps, 10000);
        assert_close(duet_model_optimiser(model, NULL).learning_rate, 0.25, 0);
        duet_model_free(&model);
        duet_data_close(&data);
    }
}

/* Settings mean the same in a program that has chosen a locale. */
static void settings_do_not_hang_on_the_locale(void **state)
{
    (void)state;
    if (!set_comma_locale(LC_NUMERIC)) skip();
    duet_error error = {0};
    duet_data *data;
    duet_model *model;
    assert_ok(duet_data_open(&data, "ring8", &error), &error);
    duet_status status = duet_model_new(&model, duet_family_find("vae"), data, SETTINGS("lr=0.125"), 1, &error);
    double rate = status == DUET_OK ? duet_model_optimiser(model, NULL).learning_rate : 0;
    const char *pair = "lr=0,125";
    duet_status comma = duet_settings_check(duet_family_find("vae"), &pair, 1, NULL);
    assert_non_null(setlocale(LC_NUMERIC, "C"));
    assert_ok(status, &error);
    assert_close(rate, 0.125, 0);
    assert_int_equal(comma, DUET_ERROR_USAGE);
    duet_model_free(&model);
    duet_data_close(&data);
}

/* A group before and after one step. */
static void step_once(const char *const *settings, size_t count, float **before, float **after, size_t *numbers)
{
    test_parts parts;
    test_parts_open(&parts, device, duet_family_find("ae"), unit, settings, count);
    *before = test_get(parts.model, device, "encoder.flat", numbers);
    test_steps(&parts, 1);
    *after = test_get(parts.model, device, "encoder.flat", numbers);
    test_parts_close(&parts);
}

static void the_trainer_uses_that_optimiser(void **state)
{
    (void)state;
    float *before, *clipped, *same, *decayed;
    size_t count;
    double squares = 0;
    step_once(SETTINGS("hidden=5", "latent=2", "optimiser=sgd", "lr=0.5", "clip_norm=0.01"), &before, &clipped, &count);
    step_once(SETTINGS("hidden=5", "latent=2", "optimiser=sgd", "lr=0.5", "clip_norm=0.01", "weight_decay=0.1"), &same,
              &decayed, &count);
    assert_memory_equal(before, same, count * sizeof *before);
    for (size_t i = 0; i < count; i++) {
        squares += (clipped[i] - before[i]) * (clipped[i] - before[i]);
        assert_close(decayed[i], clipped[i] - 0.5 * 0.1 * before[i], 1e-6);
    }
    assert_close(sqrt(squares), 0.5 * 0.01, 1e-5);
    free(before);
    free(clipped);
    free(same);
    free(decayed);
}

static int begin(void **state)
{
    (void)open_all(state);
    (void)snprintf(unit, sizeof unit, "%s/unit.npy", folder);
    test_write_examples(unit, DUET_SHAPE(6));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_names_every_activation),
        cmocka_unit_test(mistakes_in_settings_are_named),
        cmocka_unit_test(mistakes_in_tables_are_named),
        cmocka_unit_test(own_rows_are_of_the_kind_that_they_stand_for),
        cmocka_unit_test(every_setting_takes_what_it_says),
        cmocka_unit_test(choices_are_all_there_is),
        cmocka_unit_test(the_documentation_has_every_default),
        cmocka_unit_test(settings_reach_the_optimiser),
        cmocka_unit_test(numbers_have_one_meaning),
        cmocka_unit_test(settings_without_effect_are_known),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(all_warnings_are_kept),
        cmocka_unit_test(a_list_that_names_no_layers_may_be_empty),
        cmocka_unit_test(objectives_without_a_bound_are_warned_of),
        cmocka_unit_test(settings_do_not_hang_on_the_locale),
        cmocka_unit_test(the_trainer_uses_that_optimiser),
    };
    return RUN_TESTS("settings", tests, begin, close_all);
}
