/* SPDX-License-Identifier: MIT */
/* The inception score against its closed form, with a generator that draws black and white pictures and a judge that
 * tells them apart, both set by hand. */
#include "judge_parts.h"

enum { DRAWN = 2500 };

static double entropy(double p)
{
    return -p * log(p) - (1 - p) * log(1 - p);
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
    assert_close(value_of(run, "inception-score", DUET_TRAIN, "inception-score").value, 1, 1e-6);
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
    assert_ok(duet_run_set_judge(run, NULL, &error), &error);
    duet_run_close(&judge);
    duet_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_score_is_made_of_two_entropies)};
    return RUN_TESTS("inception_score", tests, make_folder, remove_folder);
}
