/* SPDX-License-Identifier: MIT */
/* Pictures of known factors, after dSprites (Matthey et al. 2017): a square, an ellipse or a triangle in one of four
 * colours on black, of any place, size and angle within bounds. Shapes of one size have one area, so that size and
 * shape are told apart; no two angles within the bounds look alike. A combination of named values is drawn first, each
 * as likely, then the place, size and angle uniformly within its parts; host and device follow the same recipe. */
#include "data/shapes.h"

#include <math.h>
#include <string.h>

#include "duet/op.h"

static const char *const shapes[] = {"square", "ellipse", "triangle"};
static const char *const colours[] = {"red", "green", "blue", "yellow"};
static const char *const columns[] = {"left", "centre", "right"};
static const char *const rows[] = {"top", "middle", "bottom"};
static const char *const sizes[] = {"small", "large"};

const float duet_shapes_colours[][3] = {{1, 0.2f, 0.2f}, {0.2f, 0.9f, 0.2f}, {0.2f, 0.4f, 1}, {1, 0.9f, 0.2f}};

/* The largest triangle reaches 7.8 pixels from its centre, so that all lie within the picture. */
const duet_factor duet_shapes_factors[SHAPES_FACTORS] = {
    {"shape", NULL, false, 0, 2, 3, shapes},
    {"colour", NULL, false, 0, 3, 4, colours},
    {"x", "pixels from the left to the centre", true, 8, 20, 3, columns},
    {"y", "pixels from the top to the centre", true, 8, 20, 3, rows},
    {"size", "pixels, radius of the disc of the same area", true, 3, 5, 2, sizes},
    {"angle", "degrees, clockwise", true, -40, 40, 0, NULL},
};

/* By size: half a square's side, an ellipse's half axes, the radius of the circle in a triangle. */
static const double half_side = 0.88622692545, long_axis = 1.26491106407, short_axis = 0.79056941504,
                    triangle_radius = 0.77756015, degree = 3.14159265358979323846 / 180, slope = 0.86602540378;
/* Keeps an ellipse's middle from 0 / 0. */
static const double tiny = 1e-8;

/* fmaxf asks for NaNs first, which takes half the time of drawing. */
static inline float larger(float a, float b)
{
    return a > b ? a : b;
}

/* How far a point beside the centre lies outside a shape's edge; below 0: inside. */
static float distance(size_t shape, float u, float v, float size)
{
    if (shape == 0) return larger(fabsf(u), fabsf(v)) - (float)half_side * size;
    if (shape == 2) return larger(v, (float)slope * fabsf(u) - 0.5f * v) - (float)triangle_radius * size;
    /* To the first order: (k - 1) / |gradient of k|, where k is 1 on the edge. */
    float a = 1 / ((float)long_axis * size), b = 1 / ((float)short_axis * size);
    float p = u * a, q = v * b, k = sqrtf(p * p + q * q + (float)tiny);
    return (k - 1) * k / sqrtf(p * p * a * a + q * q * b * b + (float)tiny * a * b);
}

void duet_shapes_cover(const float *factors, float *mask)
{
    const float angle = factors[SHAPES_ANGLE] * (float)degree, c = cosf(angle), s = sinf(angle);
    const float reach = 1.6f * factors[SHAPES_SIZE] + 1; /* no shape reaches further */
    memset(mask, 0, SHAPES_SIDE * SHAPES_SIDE * sizeof *mask);
    for (size_t i = 0; i < SHAPES_SIDE; i++) {
        float y = (float)i + 0.5f - factors[SHAPES_Y];
        if (fabsf(y) > reach) continue;
        for (size_t j = 0; j < SHAPES_SIDE; j++) {
            float x = (float)j + 0.5f - factors[SHAPES_X];
            if (fabsf(x) > reach) continue;
            float d = distance((size_t)factors[SHAPES_SHAPE], c * x + s * y, c * y - s * x, factors[SHAPES_SIZE]);
            float covered = larger(0.5f - d, 0);
            mask[i * SHAPES_SIDE + j] = covered < 1 ? covered : 1;
        }
    }
}

void duet_shapes_render(const float *factors, float *picture)
{
    float mask[SHAPES_SIDE * SHAPES_SIDE];
    const float *colour = duet_shapes_colours[(size_t)factors[SHAPES_COLOUR]];
    duet_shapes_cover(factors, mask);
    for (size_t i = 0; i < SHAPES_NUMBERS; i++) picture[i] = mask[i / 3] * colour[i % 3];
}

/* The same as nodes. */

static duet_node distance_node(duet_node shape, duet_node u, duet_node v, duet_node size)
{
    duet_node square = duet_subtract(duet_maximum(duet_abs(u), duet_abs(v)), duet_scale(size, half_side));
    duet_node side = duet_subtract(duet_scale(duet_abs(u), slope), duet_scale(v, 0.5));
    duet_node triangle = duet_subtract(duet_maximum(v, side), duet_scale(size, triangle_radius));
    duet_node a = duet_reciprocal(duet_scale(size, long_axis)), b = duet_reciprocal(duet_scale(size, short_axis));
    duet_node p = duet_square(duet_multiply(u, a)), q = duet_square(duet_multiply(v, b));
    duet_node k = duet_sqrt(duet_shift(duet_add(p, q), tiny));
    duet_node squares = duet_add(duet_multiply(p, duet_square(a)), duet_multiply(q, duet_square(b)));
    duet_node steep = duet_sqrt(duet_add(squares, duet_scale(duet_multiply(a, b), tiny)));
    duet_node ellipse = duet_divide(duet_multiply(duet_shift(k, -1), k), steep);
    duet_node round = duet_select(duet_less(shape, duet_constant(duet_node_graph(shape), 1.5)), ellipse, triangle);
    return duet_select(duet_less(shape, duet_constant(duet_node_graph(shape), 0.5)), square, round);
}

duet_node duet_shapes_render_node(duet_node factors)
{
    const size_t batch = duet_node_shape(factors).dims[0];
    duet_graph *graph = duet_node_graph(factors);
    duet_node of[SHAPES_FACTORS], place = duet_shift(duet_range(graph, SHAPES_SIDE), 0.5);
    for (size_t i = 0; i < SHAPES_FACTORS; i++)
        of[i] = duet_reshape(duet_slice(factors, 1, i, 1), DUET_SHAPE(batch, 1, 1));
    duet_node angle = duet_scale(of[SHAPES_ANGLE], degree), c = duet_cos(angle), s = duet_sin(angle);
    duet_node x = duet_subtract(duet_reshape(place, DUET_SHAPE(1, 1, SHAPES_SIDE)), of[SHAPES_X]);
    duet_node y = duet_subtract(duet_reshape(place, DUET_SHAPE(1, SHAPES_SIDE, 1)), of[SHAPES_Y]);
    duet_node u = duet_add(duet_multiply(c, x), duet_multiply(s, y));
    duet_node v = duet_subtract(duet_multiply(c, y), duet_multiply(s, x));
    duet_node outside = distance_node(of[SHAPES_SHAPE], u, v, of[SHAPES_SIZE]);
    duet_node mask = duet_clamp(duet_shift(duet_negate(outside), 0.5), 0, 1);
    duet_node table = duet_constant_values(graph, DUET_SHAPE(4, 3), duet_shapes_colours[0]);
    duet_node index = duet_to_index(duet_reshape(of[SHAPES_COLOUR], DUET_SHAPE(batch)));
    return duet_multiply(duet_reshape(mask, DUET_SHAPE(batch, SHAPES_SIDE, SHAPES_SIDE, 1)),
                         duet_reshape(duet_gather(table, index), DUET_SHAPE(batch, 1, 1, 3)));
}

/* Drawing. */

static duet_node draw_batch(const duet_data *data, duet_graph *graph, size_t batch, duet_node *classes)
{
    float table[SHAPES_COMBINATIONS * SHAPES_FACTORS];
    const size_t count = data->combination_count;
    for (size_t i = 0; i < count; i++) {
        size_t parts[SHAPES_FACTORS];
        duet_shapes_parts(data->combinations[i], parts);
        for (size_t k = 0; k < SHAPES_FACTORS; k++) table[i * SHAPES_FACTORS + k] = (float)parts[k];
    }
    duet_node which = duet_to_index(duet_scale(duet_uniform(graph, DUET_SHAPE(batch)), (double)count));
    duet_node parts = duet_gather(duet_constant_values(graph, DUET_SHAPE(count, SHAPES_FACTORS), table), which);
    duet_node within = duet_uniform(graph, DUET_SHAPE(batch, SHAPES_FACTORS)), factors[SHAPES_FACTORS];
    for (size_t i = 0; i < SHAPES_FACTORS; i++) {
        const duet_factor *factor = &duet_shapes_factors[i];
        const double width = (factor->high - factor->low) / (double)(factor->count > 0 ? factor->count : 1);
        factors[i] = duet_slice(parts, 1, i, 1);
        if (factor->continuous)
            factors[i] = duet_shift(duet_scale(duet_add(factors[i], duet_slice(within, 1, i, 1)), width), factor->low);
    }
    *classes = factors[SHAPES_SHAPE];
    return duet_shapes_render_node(duet_concat(factors, SHAPES_FACTORS, 1));
}

static size_t draw(const duet_data *data, duet_split split, size_t index, float *values, float *factors)
{
    float own[SHAPES_FACTORS];
    size_t parts[SHAPES_FACTORS];
    double share = duet_philox_uniform(duet_generated_block(split, index, 0));
    duet_shapes_parts(data->combinations[(size_t)(share * (double)data->combination_count)], parts);
    for (size_t i = 0; i < SHAPES_FACTORS; i++) {
        const duet_factor *factor = &duet_shapes_factors[i];
        const double width = (factor->high - factor->low) / (double)(factor->count > 0 ? factor->count : 1);
        double within = duet_philox_uniform(duet_generated_block(split, index, (uint32_t)i + 1));
        own[i] = factor->continuous ? (float)(factor->low + ((double)parts[i] + within) * width) : (float)parts[i];
    }
    if (values != NULL) duet_shapes_render(own, values);
    if (factors != NULL) memcpy(factors, own, sizeof own);
    return parts[SHAPES_SHAPE];
}

const duet_generated duet_shapes = {
    .name = "shapes",
    .summary = "28 x 28 pictures of a shape in colour: known shape, colour, place, size, angle",
    .shape = {3, {SHAPES_SIDE, SHAPES_SIDE, 3}},
    .unit_range = true,
    .classes = 3,
    .class_names = shapes,
    .factors = duet_shapes_factors,
    .factor_count = SHAPES_FACTORS,
    .choose = duet_shapes_choose,
    .batch = draw_batch,
    .draw = draw,
};
