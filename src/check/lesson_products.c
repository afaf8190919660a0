/* SPDX-License-Identifier: MIT */
/* Lessons on the matrix product, C = A B with A m x k, B k x n, C m x n, all row-major: the naive kernel, tiles in
 * local memory, sums in registers, and one kernel for many devices. */
#include <float.h>

#include "base/size.h"
#include "check/lesson.h"

enum { M, N, K, TILE };

static size_t count_a(const lesson_trial *t)
{
    return (size_t)t->number[M] * t->number[K];
}

static size_t count_b(const lesson_trial *t)
{
    return (size_t)t->number[K] * t->number[N];
}

static size_t count_c(const lesson_trial *t)
{
    return (size_t)t->number[M] * t->number[N];
}

static double flops(const lesson_trial *t)
{
    return 2.0 * t->number[M] * t->number[N] * t->number[K];
}

/* An addition is off by half a unit at most of a sum that stays below k. */
static double allowed(const lesson_trial *t)
{
    return FLT_EPSILON * ((double)t->number[K] + 8);
}

static void items_elements(const lesson_trial *t, size_t items[2])
{
    items[0] = t->number[N];
    items[1] = t->number[M];
}

static void items_blocks(const lesson_trial *t, size_t items[2])
{
    items[0] = t->number[N] / 4;
    items[1] = t->number[M] / 4;
}

/* of lesson 10, numbers 3 and 4 are the rows and columns of a work-item */
static void items_any_blocks(const lesson_trial *t, size_t items[2])
{
    items[0] = duet_size_pieces(t->number[N], t->number[4]);
    items[1] = duet_size_pieces(t->number[M], t->number[3]);
}

/** A B over steps of k from 0 to `end`; b_row and b_column say where B's element (i, j) lies, a_row and a_column A's.
 */
static void multiply(const lesson_trial *t, float *const *before, double *const *after, const size_t end,
                     const size_t a_row, const size_t a_column, const size_t b_row, const size_t b_column)
{
    const float *a = before[0], *b = before[1];
    for (size_t row = 0; row < t->number[M]; row++)
        for (size_t column = 0; column < t->number[N]; column++) {
            double sum = 0;
            for (size_t i = 0; i < end; i++)
                sum += (double)a[row * a_row + i * a_column] * b[i * b_row + column * b_column];
            after[2][row * t->number[N] + column] = sum;
        }
}

static void product(const lesson_trial *t, float *const *before, double *const *after)
{
    multiply(t, before, after, t->number[K], t->number[K], 1, t->number[N], 1);
}

static void b_transposed(const lesson_trial *t, float *const *before, double *const *after)
{
    multiply(t, before, after, t->number[K], t->number[K], 1, 1, t->number[K]);
}

static void a_transposed(const lesson_trial *t, float *const *before, double *const *after)
{
    multiply(t, before, after, t->number[K], 1, t->number[M], t->number[N], 1);
}

static void without_last(const lesson_trial *t, float *const *before, double *const *after)
{
    multiply(t, before, after, t->number[K] - 1, t->number[K], 1, t->number[N], 1);
}

static void first_slice(const lesson_trial *t, float *const *before, double *const *after)
{
    const size_t end = t->number[K] < t->number[TILE] ? t->number[K] : t->number[TILE];
    multiply(t, before, after, end, t->number[K], 1, t->number[N], 1);
}

static void whole_slices(const lesson_trial *t, float *const *before, double *const *after)
{
    multiply(t, before, after, t->number[K] / t->number[TILE] * t->number[TILE], t->number[K], 1, t->number[N], 1);
}

#define LIKELY                                                                                                         \
    {b_transposed,                                                                                                     \
     " These are the numbers of A times B transposed: element (i, column) of b lies at i * n + column."},              \
        {a_transposed, " These are the numbers of A transposed times B: element (row, i) of a lies at row * k + i."},  \
    {                                                                                                                  \
        without_last, " Only the last step is missing: i runs from 0 to k - 1, so while i < k."                        \
    }
#define MATRICES                                                                                                       \
    {                                                                                                                  \
        {"a", LESSON_INPUT, count_a, K + 1}, {"b", LESSON_INPUT, count_b, N + 1},                                      \
        {                                                                                                              \
            "c", LESSON_RESULT, count_c, N + 1                                                                         \
        }                                                                                                              \
    }

static const lesson_trial naive_trials[] = {
    {.number = {3, 2, 4}, .group = {4, 4}},
    {.number = {37, 29, 53}, .group = {8, 8}},
    {.number = {24, 40, 1}, .group = {16, 2}},
    {.group = {0}},
};
static const lesson_trial naive_timed[] = {{.number = {512, 512, 512}, .group = {16, 16}}, {.group = {0}}};

static const lesson_trial tile_trials[] = {
    {.number = {8, 8, 8, 4}, .group = {4, 4}, .options = "-DTILE=4"},
    {.number = {37, 29, 53, 8}, .group = {8, 8}, .options = "-DTILE=8"},
    {.number = {16, 40, 33, 16}, .group = {16, 16}, .options = "-DTILE=16"},
    {.group = {0}},
};
static const lesson_trial tile_timed[] = {
    {.number = {512, 512, 512, 16}, .group = {16, 16}, .options = "-DTILE=16"},
    {.group = {0}},
};

static const lesson_trial block_trials[] = {
    {.number = {8, 12, 5}, .group = {1, 1}},
    {.number = {36, 28, 53}, .group = {4, 4}},
    {.number = {4, 64, 16}, .group = {8, 2}},
    {.group = {0}},
};
static const lesson_trial block_timed[] = {{.number = {512, 512, 512}, .group = {16, 4}}, {.group = {0}}};

static const lesson_trial device_trials[] = {
    {.number = {5, 6, 7, 1, 1}, .group = {4, 4}, .options = "-DROWS=1 -DWIDTH=1"},
    {.number = {37, 28, 53, 4, 4}, .group = {4, 2}, .options = "-DROWS=4 -DWIDTH=4"},
    {.number = {19, 48, 33, 8, 16}, .group = {1, 1}, .options = "-DROWS=8 -DWIDTH=16"},
    {.group = {0}},
};
static const lesson_trial device_timed[] = {
    {.number = {512, 512, 512, 1, 1}, .group = {16, 4}, .options = "-DROWS=1 -DWIDTH=1"},
    {.number = {512, 512, 512, 4, 4}, .group = {16, 4}, .options = "-DROWS=4 -DWIDTH=4"},
    {.number = {512, 512, 512, 4, 16}, .group = {1, 1}, .options = "-DROWS=4 -DWIDTH=16"},
    {.number = {512, 512, 512, 8, 16}, .group = {1, 1}, .options = "-DROWS=8 -DWIDTH=16"},
    {.group = {0}},
};

const lesson_row duet_lesson_products[] = {
    {
        .about = {2, "The naive matrix product", "2-product.cl",
                  "c = a b: each work-item computes one element of c, the sum of k products."},
        .numbers = {"m", "n", "k"},
        .launches = {{"product", "012abc", items_elements}},
        .buffers = MATRICES,
        .trials = naive_trials,
        .timed = naive_timed,
        .reference = product,
        .allowed = allowed,
        .mistakes = {LIKELY},
        .is_product = true,
        .work = flops,
        .unit = "FLOP/s",
    },
    {
        .about = {4, "Tiles in local memory", "4-tiles.cl",
                  "c = a b: a work-group computes a tile of c from slices of a and b that it keeps in local memory."},
        .numbers = {"m", "n", "k"},
        .launches = {{"product", "012abc", items_elements}},
        .buffers = MATRICES,
        .trials = tile_trials,
        .timed = tile_timed,
        .reference = product,
        .allowed = allowed,
        .mistakes = {{first_slice, " Only the first slice of k was multiplied: walk along k in steps of TILE."},
                     {whole_slices, " The last slice, which k does not fill, is missing: it is filled up with zeros."},
                     LIKELY},
        .needs = {{{"local", "__local"},
                   1,
                   "nothing is kept in local memory, which is what this lesson is about: declare the two slices with "
                   "__local, and let each work-item copy one element of each"},
                  {{"barrier", "work_group_barrier"},
                   2,
                   "there are fewer than two barriers: without the one behind the copies, work-items read what their "
                   "neighbours have not copied yet, and without the one behind the products they copy over what others "
                   "still read. That a device gets away with it proves nothing"}},
        .avoid =
            {"return",
             "there is a return in it: every work-item of the group has to reach every barrier, so those without an "
             "element of c copy and wait like the others"},
        .is_product = true,
        .work = flops,
        .unit = "FLOP/s",
    },
    {
        .about = {5, "Registers and vectors", "5-registers.cl",
                  "c = a b: each work-item computes four rows of four neighbouring columns of c, in four vectors."},
        .numbers = {"m", "n", "k"},
        .launches = {{"product", "012abc", items_blocks}},
        .buffers = MATRICES,
        .trials = block_trials,
        .timed = block_timed,
        .reference = product,
        .allowed = allowed,
        .mistakes = {LIKELY},
        .needs = {{{"float4", "vload4"},
                   1,
                   "there is no vector in it: four neighbouring columns are a float4, read by vload4, and a number "
                   "times a vector is four products"}},
        .is_product = true,
        .work = flops,
        .unit = "FLOP/s",
    },
    {
        .about = {10, "One kernel, many devices", "10-devices.cl",
                  "c = a b: each work-item computes ROWS rows of WIDTH columns; the host chooses both."},
        .numbers = {"m", "n", "k"},
        .launches = {{"product", "012abc", items_any_blocks}},
        .buffers = MATRICES,
        .trials = device_trials,
        .timed = device_timed,
        .reference = product,
        .allowed = allowed,
        .mistakes = {LIKELY},
        .needs = {{{"ROWS", NULL}, 2, "ROWS is not used, so that no device can be given what suits it"}},
        .is_product = true,
        .work = flops,
        .unit = "FLOP/s",
    },
    {.about = {0, NULL, NULL, NULL}},
};
