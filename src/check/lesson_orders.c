/* SPDX-License-Identifier: MIT */
/* Lessons in which order matters, or must not: sums that repeat, random numbers, and a game of two players. */
#include <math.h>

#include "base/philox.h"
#include "base/size.h"
#include "check/lesson.h"

static size_t count_first(const lesson_trial *t)
{
    return t->number[0];
}

static void items_first(const lesson_trial *t, size_t items[2])
{
    items[0] = t->number[0];
}

/* ---- 6: a sum that repeats to the bit ---- */

static size_t count_pieces(const lesson_trial *t)
{
    return t->number[1];
}

static size_t count_one(const lesson_trial *t)
{
    (void)t;
    return 1;
}

static void items_pieces(const lesson_trial *t, size_t items[2])
{
    items[0] = t->number[1];
}

static double bytes_read(const lesson_trial *t)
{
    return 4.0 * t->number[0];
}

enum { LANES = 16 };

/** Number j of a piece lies at the result; past the end of x: there is none. */
static size_t in_piece(const lesson_trial *t, size_t piece, size_t j)
{
    const size_t length = duet_size_pieces(t->number[0], t->number[1]);
    return piece / LANES * LANES * length + j * LANES + piece % LANES;
}

static void summed(const lesson_trial *t, float *const *before, double *const *after)
{
    const size_t count = t->number[0], pieces = t->number[1], length = duet_size_pieces(count, pieces);
    for (size_t i = 0; i < pieces * length; i++) {
        const size_t piece = i / length, at = in_piece(t, piece, i % length);
        if (at < count) after[1][piece] += before[0][at];
        if (at < count) after[2][0] += before[0][at];
    }
}

/* Of partial sums below 200, each of some hundred additions off by half a unit at most. Which way each is rounded is
 * the compiler's: some add a loop's numbers in several lanes. */
static double allowed_sum(const lesson_trial *t)
{
    const double times = t->number[0] / 1e5; /* what the trials have; longer sums are larger and have more additions */
    return 1e-3 * fmax(1, times * sqrt(times));
}

static void summed_runs(const lesson_trial *t, float *const *before, double *const *after)
{
    const size_t count = t->number[0], pieces = t->number[1], length = duet_size_pieces(count, pieces);
    for (size_t i = 0; i < count; i++) after[1][i / length] += before[0][i];
    for (size_t piece = 0; piece < pieces; piece++) after[2][0] += after[1][piece];
}

static void summed_strides(const lesson_trial *t, float *const *before, double *const *after)
{
    const size_t count = t->number[0], pieces = t->number[1];
    for (size_t i = 0; i < count; i++) after[1][i % pieces] += before[0][i];
    for (size_t piece = 0; piece < pieces; piece++) after[2][0] += after[1][piece];
}

static const lesson_trial sum_trials[] = {
    {.number = {1024, 64}, .group = {16, 1}},
    {.number = {100001, 256}, .group = {64, 1}},
    {.number = {5, 32}, .group = {8, 1}},
    {.group = {0}},
};
static const lesson_trial sum_timed[] = {{.number = {1 << 22, 1 << 12}, .group = {64, 1}}, {.group = {0}}};

/* ---- 8: random numbers from counters ---- */

static void uniforms(const lesson_trial *t, float *const *before, double *const *after)
{
    const uint64_t seed = (uint64_t)t->number[3] << 32 | t->number[2];
    (void)before;
    for (uint32_t i = 0; i < t->number[0]; i++)
        after[0][i] = duet_philox_uniform(duet_philox_element(seed, t->number[4], t->number[5], t->number[1] + i));
}

static void uniforms_of_place(const lesson_trial *t, float *const *before, double *const *after)
{
    lesson_trial from_start = *t;
    from_start.number[1] = 0;
    uniforms(&from_start, before, after);
}

static double numbers_drawn(const lesson_trial *t)
{
    return t->number[0];
}

static const lesson_trial random_trials[] = {
    {.number = {64, 0, 1, 2, 3, 4}, .group = {64, 1}},
    {.number = {100, 4000, 0x89ABCDEF, 0x01234567, 7, 0}, .group = {10, 1}},
    {.number = {1, 99, 0, 0, 0, 0}, .group = {1, 1}},
    {.group = {0}},
};
static const lesson_trial random_timed[] = {{.number = {1 << 22, 0, 1, 2, 3, 4}, .group = {256, 1}}, {.group = {0}}};

/* ---- 9: a game as a schedule ---- */

enum { STEPS = 25 };
typedef enum rules { AS_ASKED, ONCE_EACH, GENERATOR_FIRST, WITHOUT_PENALTY, AGAINST_ITSELF } rules;

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void discriminate(const lesson_trial *t, rules by, double g, double *d)
{
    const double penalty = by == WITHOUT_PENALTY ? 0 : (double)t->factor[1];
    *d -= (double)t->factor[0] * (sigmoid(*d * g) * g + penalty * *d);
}

static void generate(const lesson_trial *t, rules by, double *g, double d)
{
    const double slope = sigmoid(-d * *g) * d;
    *g += (by == AGAINST_ITSELF ? -1 : 1) * (double)t->factor[0] * slope;
}

static void play(const lesson_trial *t, rules by, float *const *before, double *const *after)
{
    for (size_t i = 0; i < t->number[0]; i++) {
        double g = before[0][i], d = before[1][i];
        for (size_t step = 0; step < STEPS; step++) {
            if (by == GENERATOR_FIRST) generate(t, by, &g, d);
            discriminate(t, by, g, &d);
            if (by != ONCE_EACH) discriminate(t, by, g, &d);
            if (by != GENERATOR_FIRST) generate(t, by, &g, d);
        }
        after[0][i] = g;
        after[1][i] = d;
    }
}

static void game(const lesson_trial *t, float *const *before, double *const *after)
{
    play(t, AS_ASKED, before, after);
}

static void game_once_each(const lesson_trial *t, float *const *before, double *const *after)
{
    play(t, ONCE_EACH, before, after);
}

static void game_generator_first(const lesson_trial *t, float *const *before, double *const *after)
{
    play(t, GENERATOR_FIRST, before, after);
}

static void game_without_penalty(const lesson_trial *t, float *const *before, double *const *after)
{
    play(t, WITHOUT_PENALTY, before, after);
}

static void game_against_itself(const lesson_trial *t, float *const *before, double *const *after)
{
    play(t, AGAINST_ITSELF, before, after);
}

static double along_the_way(const lesson_trial *t)
{
    (void)t;
    return 1e-5; /* each of 75 updates rounds numbers below 2 */
}

static double steps_played(const lesson_trial *t)
{
    return t->number[0];
}

static const lesson_trial game_trials[] = {
    {.number = {16}, .factor = {0.25F, 0.5F}, .group = {8, 1}},
    {.number = {77}, .factor = {0.125F, 1.0F}, .group = {10, 1}},
    {.group = {0}},
};
static const lesson_trial game_timed[] = {{.number = {1 << 16}, .factor = {0.25F, 0.5F}, .group = {64, 1}},
                                          {.group = {0}}};

const lesson_row duet_lesson_orders[] = {
    {
        .about = {6, "Sums that repeat to the bit", "6-sum.cl",
                  "adds up n numbers in pieces, and the pieces, in an order that follows from the sizes alone."},
        .numbers = {"n", "count"},
        .launches = {{"pieces", "01ab", items_pieces}, {"total", "1bc", NULL}},
        .buffers = {{"x", LESSON_INPUT, count_first, 0},
                    {"sums", LESSON_RESULT, count_pieces, 0},
                    {"result", LESSON_RESULT, count_one, 0}},
        .trials = sum_trials,
        .timed = sum_timed,
        .reference = summed,
        .allowed = allowed_sum,
        .any_group = true,
        .mistakes = {{summed_runs,
                      " Each piece is a run of neighbours: neighbours belong to the LANES pieces of a block."},
                     {summed_strides,
                      " Piece p takes every count-th number: it takes every LANES-th one of its block."}},
        .naive = {{"alone", "0ac", NULL}},
        .work = bytes_read,
        .unit = "B/s",
    },
    {
        .about = {8, "Random numbers from counters", "8-random.cl",
                  "out[i] is a uniform number that follows from the seed, the stream, the step and first + i alone."},
        .numbers = {"n", "first", "seed0", "seed1", "stream", "step"},
        .launches = {{"uniform", "012345a", items_first}},
        .buffers = {{"out", LESSON_RESULT, count_first, 0}},
        .trials = random_trials,
        .timed = random_timed,
        .reference = uniforms,
        .mistakes = {{uniforms_of_place,
                      " These are the numbers from element 0 on: the counter's first word is first + i, not i."}},
        .otherwise =
            " Are there ten rounds? Does the key grow behind each? Do x and z take the high halves, y and w the "
            "low ones, and is each product made of the old x or z?",
        .naive = {{"uniform", "012345a", NULL}},
        .naive_differs = true,
        .work = numbers_drawn,
        .unit = "numbers/s",
    },
    {
        .about = {9, "A training step as a schedule", "9-game.cl",
                  "n games of a discriminator against a generator: two updates of the one, then one of the other."},
        .numbers = {"n"},
        .launches = {{"discriminator", "0xyab", items_first}, {"generator", "0xab", items_first}},
        .has_schedule = true,
        .steps = STEPS,
        .buffers = {{"g", LESSON_STATE, count_first, 0}, {"d", LESSON_STATE, count_first, 0}},
        .trials = game_trials,
        .timed = game_timed,
        .reference = game,
        .allowed = along_the_way,
        .mistakes = {{game_once_each, " The discriminator moved once a step: the schedule names it twice."},
                     {game_generator_first, " The generator moved first: the schedule begins with the discriminator."},
                     {game_without_penalty, " The penalty is missing in the discriminator's gradient: + penalty d."},
                     {game_against_itself,
                      " The generator goes the wrong way: its loss falls along + sigmoid(-d g) d."}},
        .work = steps_played,
        .unit = "steps/s",
    },
    {.about = {0, NULL, NULL, NULL}},
};
