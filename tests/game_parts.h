/* SPDX-License-Identifier: MIT */
/* What the tests of adversarial games share: where a discriminator says real, whatever the loss, and that its referee
 * lets players rest. */
#ifndef DUET_TESTS_GAME_PARTS_H
#define DUET_TESTS_GAME_PARTS_H

#include "model_parts.h"

#include "plan/plan.h"
#include "train/trainer.h"

/** Nobody moves in a phase of the players where `gate` lets them rest: where D is too good to learn, or too bad for the
 *  others to. */
static inline void test_gate(const char *family, const char *data, const char *const *settings, size_t count,
                             const char *gate, size_t phase)
{
    const char *all[8];
    const char *const *groups = duet_family_find(family)->groups;
    char name[64];
    test_parts parts;
    duet_error error = {0};
    size_t size;
    float *before[4];
    assert_in_range(count, 0, 6);
    for (size_t i = 0; i < count; i++) all[i] = settings[i];
    all[count] = gate;
    test_parts_open(&parts, device, duet_family_find(family), data, all, count + 1);
    for (size_t g = 0; groups[g] != NULL; g++) {
        (void)snprintf(name, sizeof name, "%s.flat", groups[g]);
        before[g] = test_get(parts.model, device, name, &size);
    }
    assert_ok(duet_plan_replay(parts.trainer->schedule.plans[phase], &error), &error);
    double accuracy = test_read(&parts, "gan.accuracy");
    assert_true(accuracy > 0 && accuracy < 1);
    for (size_t g = 0; groups[g] != NULL; g++) {
        (void)snprintf(name, sizeof name, "%s.flat", groups[g]);
        float *after = test_get(parts.model, device, name, &size);
        if (memcmp(before[g], after, size * sizeof *after) != 0) fail_msg("%s: %s did not rest", family, groups[g]);
        free(before[g]);
        free(after);
    }
    test_parts_close(&parts);
}

/** The phases `first` and the next are the players'. */
static inline void test_gates(const char *family, const char *data, const char *const *settings, size_t count,
                              size_t first)
{
    bool is_after = strcmp(family, "vae-gan") == 0; /* whose discriminator learns last */
    test_gate(family, data, settings, count, "gate_high=0", first + is_after);
    test_gate(family, data, settings, count, "gate_low=1", first + !is_after);
}

/** Each loss with a D that is right on both kinds, on neither, and on one alone. All examples are 1/2; `set`
 *  makes D say on_real of them and on_fake of everything that is generated. */
static inline void test_boundaries(const char *family, const char *const *settings, size_t count,
                                   void (*set)(duet_model *model, double on_real, double on_fake))
{
    static const struct {
        const char *loss;
        double boundary;
    } rows[] = {{"loss=non-saturating", 0}, {"loss=least-squares", 0.5}, {"loss=f-kl", 1}};
    static const double beside[][3] = {{0.2, -0.2, 1}, {-0.2, 0.2, 0}, {0.3, 0.1, 0.5}, {-0.1, -0.3, 0.5}};
    static const float zeros[TEST_BATCH * 64];
    enum { ROWS = sizeof rows / sizeof *rows };
    test_graph train[ROWS], use[ROWS];
    const char *all[8];
    char data[TEST_PATH_SIZE + 32];
    float x[TEST_EXAMPLES], logits[TEST_BATCH];
    duet_error error = {0};
    assert_in_range(count, 0, 7);
    for (size_t i = 0; i < count; i++) all[i] = settings[i];
    for (size_t k = 0; k < TEST_EXAMPLES; k++) x[k] = 0.5f;
    (void)snprintf(data, sizeof data, "%s/halves.npy", folder);
    assert_ok(duet_write_npy(data, x, DUET_SHAPE(TEST_EXAMPLES, 1), &error), &error);
    for (size_t i = 0; i < ROWS; i++) {
        all[count] = rows[i].loss;
        test_graph_open(&train[i], device, DUET_BUILD_TRAIN, TEST_BATCH, family, data, all, count + 1);
        test_graph_open(&use[i], device, DUET_BUILD_EVAL, TEST_BATCH, family, data, all, count + 1);
        (void)test_graph_watch(&train[i], test_graph_report(&train[i], "accuracy"));
        (void)test_graph_watch(&use[i], duet_build_output(use[i].build, DUET_LOGIT));
        (void)test_graph_watch(&use[i], duet_build_output(use[i].build, DUET_SAMPLE_LOGIT));
    }
    test_graphs_plan(train, ROWS);
    test_graphs_plan(use, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        const duet_node latent = use[i].build->latent;
        const size_t numbers = latent == NULL ? 0 : TEST_BATCH * duet_features(latent);
        assert_ok(duet_plan_write(use[i].plan, use[i].build->batch, x, TEST_BATCH * sizeof *x, &error), &error);
        assert_in_range(numbers, 0, sizeof zeros / sizeof *zeros);
        if (duet_plan_holds(use[i].plan, latent))
            assert_ok(duet_plan_write(use[i].plan, latent, zeros, numbers * sizeof *zeros, &error), &error);
        for (size_t j = 0; j < sizeof beside / sizeof *beside; j++) {
            set(train[i].model, rows[i].boundary + beside[j][0], rows[i].boundary + beside[j][1]);
            set(use[i].model, rows[i].boundary + beside[j][0], rows[i].boundary + beside[j][1]);
            test_graph_run(&train[i]);
            test_graph_run(&use[i]);
            if (!(fabs(test_graph_value(&train[i], 0) - beside[j][2]) <= 1e-6))
                fail_msg("%s: %g above the boundary on real examples, %g on generated ones: accuracy %g", rows[i].loss,
                         beside[j][0], beside[j][1], test_graph_value(&train[i], 0));
            for (size_t kind = 0; kind < 2; kind++) {
                test_graph_read(&use[i], kind, logits, TEST_BATCH);
                for (size_t k = 0; k < TEST_BATCH; k++) assert_close(logits[k], beside[j][kind], 1e-5);
            }
        }
        test_graph_close(&train[i]);
        test_graph_close(&use[i]);
    }
}

#endif
