/* SPDX-License-Identifier: MIT */
/* The nearest of many references, wherever they lie: against distances by differences in double. */
#include "workshop.h"

#include "run/distances.h"
#include "run/nearest.h"

enum { QUERIES = 40, REFERENCES = 300, FEATURES = 50 };

static float number(size_t i)
{
    return (float)((i * 2654435761u >> 7) % 1000) / 1000;
}

static void neighbours_are_right_far_from_the_origin(void **state)
{
    (void)state;
    static const float origins[] = {0, 1000, -1e5f};
    static float queries[QUERIES * FEATURES], references[REFERENCES * FEATURES];
    const size_t row = FEATURES * sizeof *references;
    for (size_t o = 0; o < sizeof origins / sizeof *origins; o++) {
        duet_error error = {0};
        duet_nearest *search;
        for (size_t i = 0; i < QUERIES * FEATURES; i++) queries[i] = origins[o] + number(i);
        for (size_t i = 0; i < REFERENCES * FEATURES; i++) references[i] = origins[o] + number(i + 77777);
        memcpy(references + 250 * FEATURES, references + 40 * FEATURES, row); /* as near as each other: the first */
        memcpy(queries + 3 * FEATURES, references + 40 * FEATURES, row);
        assert_ok(duet_nearest_new(&search, device, queries, QUERIES, FEATURES, &error), &error);
        duet_nearest_leave_out(search, 5, 7);
        memcpy(duet_nearest_room(search), references, sizeof references);
        assert_ok(duet_nearest_show(search, REFERENCES, &error), &error);
        for (size_t i = 0; i < QUERIES; i++) {
            size_t found, wanted = 0;
            double least = INFINITY;
            for (size_t k = 0; k < REFERENCES; k++) {
                double distance = duet_squared_distance(queries + i * FEATURES, references + k * FEATURES, FEATURES);
                if ((i == 5 && k == 7) || !(distance < least)) continue;
                least = distance;
                wanted = k;
            }
            assert_true(duet_nearest_find(search, i, &found));
            assert_int_equal(found, wanted);
            assert_close(duet_nearest_distance(search, i), least, 0);
        }
        duet_nearest_free(&search);
    }
}

/* Every query lies in the middle of all of them, and every other reference on it: each is found about as often. */
static void equally_near_references_have_equal_chances(void **state)
{
    (void)state;
    enum { ASKED = 2000 };
    static float queries[ASKED * 2], references[REFERENCES * 2];
    size_t first_half = 0, first = 0, found;
    duet_error error = {0};
    duet_nearest *search;
    for (size_t i = 0; i < ASKED * 2; i++) queries[i] = 3;
    for (size_t i = 0; i < REFERENCES * 2; i++) references[i] = i / 2 % 2 == 0 ? 4 : 3;
    assert_ok(duet_nearest_new(&search, device, queries, ASKED, 2, &error), &error);
    duet_nearest_draw_ties(search);
    for (size_t piece = 0; piece < 2; piece++) {
        memcpy(duet_nearest_room(search), references, sizeof references);
        assert_ok(duet_nearest_show(search, REFERENCES, &error), &error);
    }
    for (size_t i = 0; i < ASKED; i++) {
        assert_true(duet_nearest_find(search, i, &found));
        assert_int_equal(found % 2, 1);
        first_half += found < REFERENCES;
        first += found == 1;
    }
    assert_in_range(first_half, ASKED / 2 - 110, ASKED / 2 + 110);
    assert_in_range(first, 1, 20);
    duet_nearest_free(&search);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_right_far_from_the_origin),
        cmocka_unit_test(equally_near_references_have_equal_chances),
    };
    return RUN_TESTS("nearest", tests, open_all, close_all);
}
