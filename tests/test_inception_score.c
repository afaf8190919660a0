/* SPDX-License-Identifier: MIT */
/* The inception score against its closed form, with a generator that draws black and white pictures and a judge that
 * tells them apart, both set by hand; and pictures that are made to please that judge. */
#include "judge_parts.h"

enum { DRAWN = 2500, ATTACKED = 40 };

static double entropy(double p)
{
    return -p * log(p) - (1 - p) * log(1 - p);
}

/* The interval holds its value and the truth, and ends at the largest there is. */
static void assert_holds(duet_metric_value found, double truth)
{
    const double rounding = 1e-6;
    assert_true(found.low <= found.value && found.value <= found.high);
    assert_true(found.low <= truth && truth <= found.high + rounding && found.high <= 2 + rounding);
}

static void the_score_is_made_of_two_entropies(void **state)
{
    (void)state;
    write_flat();
    duet_error error = {0};
    duet_run *run = open_run("game", "gan", flat, SETTINGS("generator_hidden=", "discriminator_hidden=4", "latent=2"));
    duet_run *judge = open_judge(run);
    assert_false(duet_metric_applies(run, "inception-score")); /* nobody judges */
    assert_ok(duet_run_set_judge(run, judge, &error), &error);

    /* Grey all over: the judge knows nothing, of all alike. */
    check_interval(value_of(run, "inception-score", DUET_TRAIN, "inception-score"), 1, NAN, NAN);
    check_interval(value_of(run, "inception-score", DUET_TRAIN, "class-entropy"), log(2), NAN, NAN);
    assert_close(value_of(run, "inception-score", DUET_TRAIN, "conditional-class-entropy").value, log(2), 1e-6);

    /* Black or white by the sign of the first latent. */
    float latents[2 * DRAWN];
    double white = 0, sure = 1 / (1 + exp(-10));
    for (size_t pixel = 0; pixel < SIDE * SIDE; pixel++) set_one(run, "generator.output.weight", 2 * pixel, 1e6);
    test_prior(run, DRAWN, 5, latents);
    for (size_t i = 0; i < DRAWN; i++) white += (latents[2 * i] > 0) / (double)DRAWN;
    double marginal = entropy(white * sure + (1 - white) * (1 - sure));
    assert_close(value_of(run, "inception-score", DUET_TRAIN, "class-entropy").value, marginal, 1e-5);
    duet_metric_value score = value_of(run, "inception-score", DUET_TRAIN, "inception-score");
    assert_close(score.value, exp(marginal - entropy(sure)), 1e-5);
    assert_true(score.low <= score.value && score.value - score.low < 0.01 && score.n == DRAWN);

    /* Half of all that it would draw are white, which entropies of finitely many are never above. */
    assert_holds(score, exp(log(2) - entropy(sure)));
    assert_holds(value_of(run, "inception-score", DUET_TRAIN, "class-entropy"), log(2));

    /* The 40 pictures themselves in place of samples are too few, each metric by its own number. */
    assert_ok(duet_run_set_samples(run, flat, &error), &error);
    assert_status(duet_metric_check(run, "inception-score", DUET_TRAIN, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "needs at least 2500 samples");
    error = (duet_error){0};
    assert_status(duet_metric_check(run, "precision", DUET_TRAIN, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "at least 100 samples and as many examples; there are 40 and ");
    error = (duet_error){0};
    assert_ok(duet_run_set_judge(run, NULL, &error), &error);
    duet_run_close(&judge);
    duet_run_close(&run);
}

/* What the procedure "attack" makes of noise, half of it asked to please as black, half as white. */
static void attack(duet_run *judge, uint64_t seed, const char *steps, float *made, float *logits)
{
    uint8_t classes[ATTACKED];
    duet_error error = {0};
    for (size_t i = 0; i < ATTACKED; i++) classes[i] = i % 2;
    const duet_wanted wanted = {"attack", made}, said = {DUET_CLASS_LOGITS, logits};
    const duet_request request = {.count = ATTACKED,
                                  .seed = seed,
                                  .classes = classes,
                                  .settings = &steps,
                                  .setting_count = 1,
                                  .outputs = &wanted,
                                  .output_count = 1};
    assert_ok(duet_run_use(judge, &request, &error), &error);
    assert_ok(duet_run_use(judge,
                           &(duet_request){.count = ATTACKED, .examples = made, .outputs = &said, .output_count = 1},
                           &error),
              &error);
}

/* By how much the asked class is ahead, the mean over the pictures and the least. */
static double lead(const float *logits, double *least)
{
    double sum = 0;
    *least = INFINITY;
    for (size_t i = 0; i < ATTACKED; i++) {
        double ahead = (double)logits[2 * i + i % 2] - (double)logits[2 * i + 1 - i % 2];
        sum += ahead / ATTACKED;
        *least = fmin(*least, ahead);
    }
    return sum;
}

/* Noise climbs to where the judge is sure of the class that was asked for, and looks no more like it than before. */
static void an_attack_pleases_its_judge(void **state)
{
    (void)state;
    enum { NUMBERS = ATTACKED * SIDE * SIDE };
    static float begun[NUMBERS], climbed[NUMBERS], again[NUMBERS], other[NUMBERS];
    float logits[2 * ATTACKED];
    double least, off = 0, before;
    write_flat();
    duet_run *run = open_run("game", "gan", flat, SETTINGS("generator_hidden=", "discriminator_hidden=4", "latent=2"));
    duet_run *judge = open_judge(run);
    assert_int_equal(duet_run_features(judge, DUET_SAMPLE), 0); /* a classifier draws nothing */
    attack(judge, 3, "steps=1", begun, logits);
    before = lead(logits, &least);
    assert_true(least < 0); /* some are taken for the other class at first */
    attack(judge, 3, "steps=200", climbed, logits);
    assert_true(lead(logits, &least) > before + 2);
    assert_true(least > 2); /* each by a probability of 0.88 or more */
    attack(judge, 3, "steps=200", again, logits);
    assert_memory_equal(climbed, again, sizeof climbed);
    attack(judge, 4, "steps=200", other, logits);
    assert_memory_not_equal(climbed, other, sizeof climbed);
    for (size_t i = 0; i < NUMBERS; i++) {
        assert_true(climbed[i] > 0 && climbed[i] < 1);
        off += fabs((double)climbed[i] - (i / (SIDE * SIDE) % 2)) / NUMBERS;
    }
    assert_true(off > 0.25); /* 0: black and white pictures; 1/2: noise */
    duet_run_close(&judge);
    duet_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_score_is_made_of_two_entropies),
        cmocka_unit_test(an_attack_pleases_its_judge),
    };
    return RUN_TESTS("inception_score", tests, make_folder, remove_folder);
}
