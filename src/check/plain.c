/* SPDX-License-Identifier: MIT */
/* Every view is one loop over an index and a stride for each dimension; reductions walk the input and land by strides
 * that are 0 where a dimension is reduced. */
#include "check/plain.h"

#include <math.h>

double duet_plus(double a, double b)
{
    return a + b;
}

double duet_minus(double a, double b)
{
    return a - b;
}

double duet_times(double a, double b)
{
    return a * b;
}

double duet_over(double a, double b)
{
    return a / b;
}

duet_plain duet_plain_new(duet_plain_arena *arena, duet_shape shape)
{
    size_t count = duet_shape_elements(shape);
    if (count > arena->capacity - arena->used) arena->failed = true;
    if (arena->failed) return (duet_plain){.shape = shape};
    duet_plain x = {shape, count, arena->values + arena->used};
    arena->used += count;
    return x;
}

/* Elements between neighbours along each dimension. */
static void strides_of(const duet_shape *shape, size_t strides[DUET_MAX_RANK])
{
    size_t stride = 1;
    for (size_t d = shape->rank; d-- > 0;) {
        strides[d] = stride;
        stride *= shape->dims[d];
    }
}

/* Where element `index` of a tensor of `shape` lies in another tensor with these strides. */
static size_t place(const duet_shape *shape, const size_t *strides, size_t index)
{
    size_t at = 0;
    for (size_t d = shape->rank; d-- > 0;) {
        at += index % shape->dims[d] * strides[d];
        index /= shape->dims[d];
    }
    return at;
}

/* A tensor of `shape` that reads x from `offset` on by strides. */
static duet_plain read_strided(duet_plain_arena *arena, duet_shape shape, duet_plain x, size_t offset,
                               const size_t *strides)
{
    duet_plain result = duet_plain_new(arena, shape);
    for (size_t i = 0; i < result.count; i++) result.values[i] = x.values[offset + place(&shape, strides, i)];
    return result;
}

/* Writes x into `result` from `offset` on along the result's own strides. */
static void write_part(duet_plain result, duet_plain x, size_t offset)
{
    size_t strides[DUET_MAX_RANK];
    strides_of(&result.shape, strides);
    for (size_t i = 0; i < (result.count ? x.count : 0); i++) {
        result.values[offset + place(&x.shape, strides, i)] = x.values[i];
    }
}

static duet_plain filled(duet_plain_arena *arena, duet_shape shape, double value)
{
    duet_plain result = duet_plain_new(arena, shape);
    for (size_t i = 0; i < result.count; i++) result.values[i] = value;
    return result;
}

duet_plain duet_plain_reshape(duet_plain_arena *arena, duet_plain x, duet_shape shape)
{
    (void)arena;
    x.shape = shape;
    return x;
}

duet_plain duet_plain_broadcast(duet_plain_arena *arena, duet_plain x, duet_shape shape)
{
    size_t own[DUET_MAX_RANK], strides[DUET_MAX_RANK] = {0}, lead = shape.rank - x.shape.rank;
    strides_of(&x.shape, own);
    for (size_t d = 0; d < x.shape.rank; d++) strides[lead + d] = x.shape.dims[d] == 1 ? 0 : own[d];
    return read_strided(arena, shape, x, 0, strides);
}

duet_plain duet_plain_permute(duet_plain_arena *arena, duet_plain x, const size_t *order)
{
    size_t own[DUET_MAX_RANK], strides[DUET_MAX_RANK];
    duet_shape shape = x.shape;
    strides_of(&x.shape, own);
    for (size_t d = 0; d < shape.rank; d++) {
        shape.dims[d] = x.shape.dims[order[d]];
        strides[d] = own[order[d]];
    }
    return read_strided(arena, shape, x, 0, strides);
}

duet_plain duet_plain_slice(duet_plain_arena *arena, duet_plain x, size_t axis, size_t start, size_t length)
{
    size_t strides[DUET_MAX_RANK];
    duet_shape shape = x.shape;
    strides_of(&x.shape, strides);
    shape.dims[axis] = length;
    return read_strided(arena, shape, x, start * strides[axis], strides);
}

duet_plain duet_plain_pad(duet_plain_arena *arena, duet_plain x, size_t axis, size_t before, size_t after)
{
    size_t strides[DUET_MAX_RANK];
    duet_shape shape = x.shape;
    shape.dims[axis] += before + after;
    strides_of(&shape, strides);
    duet_plain result = filled(arena, shape, 0);
    write_part(result, x, before * strides[axis]);
    return result;
}

duet_plain duet_plain_concat(duet_plain_arena *arena, const duet_plain *parts, size_t count, size_t axis)
{
    size_t strides[DUET_MAX_RANK], start = 0;
    duet_shape shape = parts[0].shape;
    for (size_t i = 1; i < count; i++) shape.dims[axis] += parts[i].shape.dims[axis];
    strides_of(&shape, strides);
    duet_plain result = duet_plain_new(arena, shape);
    for (size_t i = 0; i < count; i++) {
        write_part(result, parts[i], start * strides[axis]);
        start += parts[i].shape.dims[axis];
    }
    return result;
}

/* The shape that all operands broadcast to. */
static duet_shape common_shape(duet_shape a, duet_shape b)
{
    if (a.rank < b.rank) return common_shape(b, a);
    for (size_t d = 0; d < b.rank; d++) {
        size_t *extent = &a.dims[a.rank - b.rank + d];
        if (*extent == 1) *extent = b.dims[d];
    }
    return a;
}

duet_plain duet_plain_map1(duet_plain_arena *arena, double (*f)(double), duet_plain x)
{
    duet_plain result = duet_plain_new(arena, x.shape);
    for (size_t i = 0; i < result.count; i++) result.values[i] = f(x.values[i]);
    return result;
}

duet_plain duet_plain_map2(duet_plain_arena *arena, double (*f)(double, double), duet_plain a, duet_plain b)
{
    duet_shape shape = common_shape(a.shape, b.shape);
    duet_plain wide_a = duet_plain_broadcast(arena, a, shape), wide_b = duet_plain_broadcast(arena, b, shape);
    duet_plain result = duet_plain_new(arena, shape);
    for (size_t i = 0; i < result.count; i++) result.values[i] = f(wide_a.values[i], wide_b.values[i]);
    return result;
}

duet_plain duet_plain_map3(duet_plain_arena *arena, double (*f)(double, double, double), duet_plain a, duet_plain b,
                           duet_plain c)
{
    duet_shape shape = common_shape(common_shape(a.shape, b.shape), c.shape);
    duet_plain wide_a = duet_plain_broadcast(arena, a, shape), wide_b = duet_plain_broadcast(arena, b, shape);
    duet_plain wide_c = duet_plain_broadcast(arena, c, shape), result = duet_plain_new(arena, shape);
    for (size_t i = 0; i < result.count; i++) {
        result.values[i] = f(wide_a.values[i], wide_b.values[i], wide_c.values[i]);
    }
    return result;
}

/* x folded by f over `axes`, from `start`. */
static duet_plain reduce(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep, double start,
                         double (*f)(double total, double value))
{
    duet_shape kept = x.shape, squeezed = {0};
    size_t strides[DUET_MAX_RANK];
    for (size_t d = 0; d < x.shape.rank; d++) {
        if (axes >> d & 1) {
            kept.dims[d] = 1;
        } else {
            squeezed.dims[squeezed.rank++] = x.shape.dims[d];
        }
    }
    strides_of(&kept, strides);
    for (size_t d = 0; d < kept.rank; d++) {
        if (axes >> d & 1) strides[d] = 0;
    }
    duet_plain result = filled(arena, kept, start);
    for (size_t i = 0; i < (result.count ? x.count : 0); i++) {
        double *total = &result.values[place(&x.shape, strides, i)];
        *total = f(*total, x.values[i]);
    }
    result.shape = keep ? kept : squeezed;
    return result;
}

duet_plain duet_plain_sum(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep)
{
    return reduce(arena, x, axes, keep, 0, duet_plus);
}

duet_plain duet_plain_mean(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep)
{
    duet_plain result = reduce(arena, x, axes, keep, 0, duet_plus);
    for (size_t i = 0; i < result.count; i++) result.values[i] /= (double)x.count / (double)result.count;
    return result;
}

duet_plain duet_plain_max(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep)
{
    return reduce(arena, x, axes, keep, -INFINITY, fmax);
}

duet_plain duet_plain_logsumexp(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep)
{
    duet_plain largest = duet_plain_max(arena, x, axes, true);
    duet_plain powers = duet_plain_map1(arena, exp, duet_plain_map2(arena, duet_minus, x, largest));
    duet_plain sums = duet_plain_map1(arena, log, duet_plain_sum(arena, powers, axes, keep));
    return duet_plain_map2(arena, duet_plus, sums, duet_plain_reshape(arena, largest, sums.shape));
}

duet_plain duet_plain_matmul(duet_plain_arena *arena, duet_plain a, duet_plain b, bool transpose_a, bool transpose_b)
{
    size_t m = a.shape.dims[transpose_a ? 1 : 0], k = a.shape.dims[transpose_a ? 0 : 1];
    size_t n = b.shape.dims[transpose_b ? 0 : 1];
    duet_plain result = filled(arena, DUET_SHAPE(m, n), 0);
    for (size_t i = 0; i < (result.count ? m : 0); i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t p = 0; p < k; p++) {
                sum += a.values[transpose_a ? p * m + i : i * k + p] * b.values[transpose_b ? j * k + p : p * n + j];
            }
            result.values[i * n + j] = sum;
        }
    }
    return result;
}

/* One term of the sum: the product of two of the three goes to the third. */
static void add_term(const duet_plain three[3], size_t computed, const size_t at[3])
{
    size_t a = computed == 0 ? 1 : 0, b = computed == 2 ? 1 : 2;
    three[computed].values[at[computed]] += three[a].values[at[a]] * three[b].values[at[b]];
}

/* All channels and features of one tap of one result: x, w and y point at their first elements. */
static void add_tap(const duet_plain three[3], size_t computed, size_t pixel, size_t tap, size_t result, size_t groups)
{
    size_t features = three[2].shape.dims[3], channels = three[0].shape.dims[3] / groups;
    for (size_t f = 0; f < features; f++)
        for (size_t c = 0; c < channels; c++) {
            size_t channel = f / (features / groups) * channels + c;
            add_term(three, computed,
                     (const size_t[]){pixel * channels * groups + channel, (tap * channels + c) * features + f,
                                      result * features + f});
        }
}

/* Where a tap of a result meets the picture; past its end if outside. */
static size_t pixel_at(const duet_window *window, size_t axis, size_t result, size_t tap)
{
    size_t at = result * window->stride[axis] + tap * window->dilation[axis];
    return at < window->pad_before[axis] ? SIZE_MAX : at - window->pad_before[axis];
}

duet_plain duet_plain_convolution(duet_plain_arena *arena, const duet_plain *x, const duet_plain *w,
                                  const duet_plain *y, duet_shape shape, const duet_window *window, size_t groups)
{
    duet_plain made = filled(arena, shape, 0);
    const duet_plain three[3] = {x != NULL ? *x : made, w != NULL ? *w : made, y != NULL ? *y : made};
    const size_t *picture = three[0].shape.dims, *size = three[1].shape.dims, *result = three[2].shape.dims;
    size_t computed = x == NULL ? 0 : w == NULL ? 1 : 2, results = result[0] * result[1] * result[2];
    for (size_t r = 0; made.count > 0 && r < results; r++)
        for (size_t tap = 0; tap < size[0] * size[1]; tap++) {
            size_t row = pixel_at(window, 0, r / result[2] % result[1], tap / size[1]);
            size_t column = pixel_at(window, 1, r % result[2], tap % size[1]);
            size_t image = r / result[2] / result[1];
            if (row >= picture[1] || column >= picture[2]) continue;
            add_tap(three, computed, (image * picture[1] + row) * picture[2] + column, tap, r, groups);
        }
    return made;
}

duet_plain duet_plain_gather(duet_plain_arena *arena, duet_plain table, duet_plain index)
{
    duet_shape shape = table.shape;
    size_t rows = shape.dims[0], width = table.count / rows;
    shape.dims[0] = index.count;
    duet_plain result = duet_plain_new(arena, shape);
    for (size_t i = 0; i < result.count; i++) {
        double row = fmin(index.values[i / width], (double)(rows - 1));
        result.values[i] = table.values[(size_t)row * width + i % width];
    }
    return result;
}
