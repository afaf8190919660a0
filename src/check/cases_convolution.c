/* SPDX-License-Identifier: MIT */
/* Convolutions: each member of the family over windows of every kind. Shapes are small; some have as many channels as
 * a tile has columns, some one more. */
#include "check/cases.h"

/* What `parameter` of a row names: the window, the groups, and the picture. */
typedef struct convolution_form {
    duet_window window;
    size_t groups, height, width;
} convolution_form;

enum { POINT, SAME_3, VALID_3_2, SAME_5_2, DILATED, UNEVEN, TWO_GROUPS, DEPTHWISE, SPARSE, LARGER, EVEN_4_2, WIDE_5 };

static const convolution_form forms[] = {
    [POINT] = {DUET_SQUARE(1, 1, 0, 0), 1, 3, 4},
    [SAME_3] = {DUET_SQUARE(3, 1, 1, 1), 1, 5, 4},
    [VALID_3_2] = {DUET_SQUARE(3, 2, 0, 0), 1, 8, 7},
    [SAME_5_2] = {DUET_SQUARE(5, 2, 1, 2), 1, 6, 8}, /* what TensorFlow calls SAME: asymmetric */
    [DILATED] = {{.size = {3, 3}, .stride = {1, 1}, .dilation = {2, 2}, .pad_before = {2, 2}, .pad_after = {2, 2}},
                 1,
                 6,
                 5},
    [UNEVEN] = {{.size = {2, 3}, .stride = {3, 2}, .dilation = {2, 3}, .pad_before = {1, 2}, .pad_after = {0, 3}},
                1,
                7,
                8},
    [TWO_GROUPS] = {DUET_SQUARE(3, 1, 1, 0), 2, 4, 5},
    [DEPTHWISE] = {DUET_SQUARE(3, 2, 1, 1), 3, 5, 6},
    [SPARSE] = {DUET_SQUARE(2, 3, 0, 0), 1, 8, 5},
    [LARGER] = {DUET_SQUARE(5, 1, 2, 2), 1, 2, 3},
    [EVEN_4_2] = {DUET_SQUARE(4, 2, 1, 1), 1, 6, 4},
    [WIDE_5] = {DUET_SQUARE(5, 1, 2, 2), 1, 3, 4},
};

static duet_twin_value forward(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    const convolution_form *form = &forms[(size_t)row->parameter];
    return duet_twin_convolution(t, x[0], x[1], &form->window, form->groups);
}

static duet_twin_value transposed(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    const convolution_form *form = &forms[(size_t)row->parameter];
    return duet_twin_transposed_convolution(t, x[0], x[1], &form->window, form->groups, form->height, form->width);
}

static duet_twin_value weights(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    const convolution_form *form = &forms[(size_t)row->parameter];
    return duet_twin_convolution_weights(t, x[0], x[1], &form->window, form->groups);
}

static duet_twin_value biased(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_tanh(t, duet_twin_add(t, forward(t, x, row), x[2]));
}

static duet_twin_value biased_transposed(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_tanh(t, duet_twin_add(t, transposed(t, x, row), x[2]));
}

/* A row of each use: x [n, h, w, c], weights [kh, kw, c / groups, f], y [n, h2, w2, f]. */
#define SHAPES(...) __VA_ARGS__
#define FAMILY(title, form, x, w, y, terms)                                                                            \
    {.name = title,                                                                                                    \
     .expression = forward,                                                                                            \
     .parameter = form,                                                                                                \
     .inputs = {DUET_CASE_FLOATS(-1, 1, x), DUET_CASE_FLOATS(-1, 1, w)},                                               \
     .length = terms,                                                                                                  \
     .tolerance = 1,                                                                                                   \
     .derivatives = 2},                                                                                                \
        {.name = title ", transposed",                                                                                 \
         .expression = transposed,                                                                                     \
         .parameter = form,                                                                                            \
         .inputs = {DUET_CASE_FLOATS(-1, 1, y), DUET_CASE_FLOATS(-1, 1, w)},                                           \
         .length = terms,                                                                                              \
         .tolerance = 1,                                                                                               \
         .derivatives = 2},                                                                                            \
    {                                                                                                                  \
        .name = title ", weights", .expression = weights, .parameter = form,                                           \
        .inputs = {DUET_CASE_FLOATS(-1, 1, x), DUET_CASE_FLOATS(-1, 1, y)}, .length = terms, .tolerance = 1,           \
        .derivatives = 2                                                                                               \
    }

static const duet_case convolutions[] = {
    FAMILY("1x1", POINT, SHAPES(2, 3, 4, 5), SHAPES(1, 1, 5, 3), SHAPES(2, 3, 4, 3), 24),
    FAMILY("3x3, SAME", SAME_3, SHAPES(2, 5, 4, 3), SHAPES(3, 3, 3, 4), SHAPES(2, 5, 4, 4), 40),
    FAMILY("3x3, VALID, stride 2", VALID_3_2, SHAPES(2, 8, 7, 2), SHAPES(3, 3, 2, 5), SHAPES(2, 3, 3, 5), 45),
    FAMILY("5x5, SAME, stride 2", SAME_5_2, SHAPES(2, 6, 8, 2), SHAPES(5, 5, 2, 3), SHAPES(2, 3, 4, 3), 75),
    FAMILY("3x3, dilation 2", DILATED, SHAPES(1, 6, 5, 3), SHAPES(3, 3, 3, 2), SHAPES(1, 6, 5, 2), 30),
    FAMILY("2x3, stride 3x2, dilation 2x3", UNEVEN, SHAPES(2, 7, 8, 2), SHAPES(2, 3, 2, 3), SHAPES(2, 2, 4, 3), 18),
    FAMILY("3x3, two groups", TWO_GROUPS, SHAPES(2, 4, 5, 4), SHAPES(3, 3, 2, 6), SHAPES(2, 3, 4, 6), 27),
    FAMILY("3x3, depthwise, stride 2", DEPTHWISE, SHAPES(2, 5, 6, 3), SHAPES(3, 3, 1, 6), SHAPES(2, 3, 3, 6), 18),
    FAMILY("2x2, stride 3", SPARSE, SHAPES(2, 8, 5, 2), SHAPES(2, 2, 2, 3), SHAPES(2, 3, 2, 3), 12),
    FAMILY("5x5 over 2x3", LARGER, SHAPES(3, 2, 3, 2), SHAPES(5, 5, 2, 3), SHAPES(3, 2, 3, 3), 75),
    FAMILY("4x4, stride 2", EVEN_4_2, SHAPES(2, 6, 4, 3), SHAPES(4, 4, 3, 2), SHAPES(2, 3, 2, 2), 48),
    FAMILY("one channel to 17", SAME_5_2, SHAPES(7, 6, 8, 1), SHAPES(5, 5, 1, 17), SHAPES(7, 3, 4, 17), 85),
    FAMILY("17 channels to one", SAME_3, SHAPES(7, 5, 4, 17), SHAPES(3, 3, 17, 1), SHAPES(7, 5, 4, 1), 153),
    FAMILY("20 channels to 18", WIDE_5, SHAPES(9, 3, 4, 20), SHAPES(5, 5, 20, 18), SHAPES(9, 3, 4, 18), 500),
    {.name = "with bias and tanh",
     .expression = biased,
     .parameter = VALID_3_2,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 2, 8, 7, 3), DUET_CASE_FLOATS(-1, 1, 3, 3, 3, 5), DUET_CASE_FLOATS(-1, 1, 5)},
     .length = 27,
     .tolerance = 4,
     .derivatives = 2},
    {.name = "transposed, with bias and tanh",
     .expression = biased_transposed,
     .parameter = EVEN_4_2,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 2, 3, 2, 5), DUET_CASE_FLOATS(-1, 1, 4, 4, 3, 5), DUET_CASE_FLOATS(-1, 1, 3)},
     .length = 20,
     .tolerance = 4,
     .derivatives = 2},
};
const duet_case_group duet_convolution_cases = {"convolutions", DUET_CASE_ROWS(convolutions)};
