/* SPDX-License-Identifier: MIT */
/* That a family takes its sizes from the data: it trains on points and on pictures of many extents, with values in [0,
 * 1] and beyond. */
#ifndef DUET_TESTS_ANY_SIZE_H
#define DUET_TESTS_ANY_SIZE_H

#include "train_models.h"
#include "workshop.h"

/** Three steps on each kind of data; every reported term stays finite. */
static inline void test_trains_on_any_size(const char *family, const char *const *settings, size_t count)
{
    static const duet_shape shapes[] = {
        {.rank = 3, .dims = {28, 28, 1}}, {.rank = 3, .dims = {8, 8, 1}}, {.rank = 3, .dims = {27, 29, 1}},
        {.rank = 3, .dims = {28, 28, 3}}, {.rank = 1, .dims = {5}},
    };
    enum { SHAPES = sizeof shapes / sizeof *shapes, MOST_TERMS = 16 };
    for (size_t i = 0; i <= SHAPES; i++) {
        duet_error error = {0};
        test_parts parts;
        double means[MOST_TERMS];
        size_t terms = 0;
        char path[TEST_PATH_SIZE + 32];
        (void)snprintf(path, sizeof path, "%s/size-%zu.npy", folder, i);
        if (i < SHAPES) test_write_examples(path, shapes[i]);
        test_parts_open(&parts, device, duet_family_find(family), i < SHAPES ? path : "ring8", settings, count);
        test_steps(&parts, 3);
        while (terms < MOST_TERMS && duet_trainer_term(parts.trainer, terms) != NULL) terms++;
        assert_in_range(terms, 1, MOST_TERMS);
        assert_ok(duet_trainer_losses(parts.trainer, means, terms, &error), &error);
        for (size_t t = 0; t < terms; t++) assert_true(isfinite(means[t]));
        test_parts_close(&parts);
    }
}

#endif
