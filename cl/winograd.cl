/* SPDX-License-Identifier: MIT */
/* Winograd's short convolutions (Winograd 1980; Lavin & Gray 2016, arXiv:1509.09308), for windows of 3 or 5 taps at
 * stride 1: four neighbouring results along a line at a time. Vectors hold channels or features side by side.
 *
 * The idea: four results of a window of t taps are coefficients of a product of polynomials, and such a product is known
 * from its values at POINTS = t + 3 points: where the polynomials' values are multiplied, that many multiplications do
 * what 4 t did. Turned round (the operation is linear in the pixels, so its transpose is the convolution), the recipe is
 *
 *     results = A ((G taps) * (B pixels)),     `*` element by element
 *
 * where POINTS pixels go in, B, G and A are matrices of small fixed numbers, and in two dimensions each is applied along
 * the columns, then along the rows: 36 products give 16 results of a 3 x 3 window that take 144, 64 give 16 of 5 x 5
 * that take 400. The products of all channels are added up before A.
 *
 * The gradient by the taps is the transpose of the convolution in its taps: gradients of results go to the points by A's
 * transpose, are multiplied there with the pixels' values and added up, and come back as taps by G's transpose.
 *
 * The points are 0, 1, -1, 2, -2, then 1/2, -1/2 for eight, and infinity, the highest coefficient. Pairs of opposite
 * points share sums of even and of odd terms. Numbers grow on the way and cancel at its end, which costs precision: see
 * docs/performance.md for how much. */
#include "conv_taps.cl"
#include "panel.cl"

#ifndef WINOGRAD_CL
#define WINOGRAD_CL

#define RESULTS 4 /* of a tile, along each dimension */

/* B: `points` pixels, `step` vectors apart, become as many values, `to_step` apart. */
INLINE void winograd_pixels(const uint points, const vector *d, const uint step, vector *to, const uint to_step)
{
    const vector d0 = whole(d[0]), d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    if (points == 6) {
        const vector even1 = d4 - 4.0f * d2, odd1 = d3 - 4.0f * d1, even2 = d4 - d2, odd2 = 2.0f * (d3 - d1);
        to[0] = 4.0f * (d0 - d2) + (d4 - d2);
        to[to_step] = even1 + odd1;
        to[2 * to_step] = even1 - odd1;
        to[3 * to_step] = even2 + odd2;
        to[4 * to_step] = even2 - odd2;
        to[5 * to_step] = 4.0f * (d1 - d3) + (d5 - d3);
    } else {
        const vector d6 = d[6 * step], d7 = d[7 * step];
        const vector even1 = (d2 + d6) - 4.25f * d4, odd1 = (d1 + d5) - 4.25f * d3;
        const vector even2 = d6 + 0.25f * d2 - 1.25f * d4, odd2 = 0.5f * d1 - 2.5f * d3 + 2.0f * d5;
        const vector even3 = d6 + 4.0f * d2 - 5.0f * d4, odd3 = 2.0f * d1 - 2.5f * d3 + 0.5f * d5;
        to[0] = (d0 - d6) + 5.25f * (d4 - d2);
        to[to_step] = even1 + odd1;
        to[2 * to_step] = even1 - odd1;
        to[3 * to_step] = even2 + odd2;
        to[4 * to_step] = even2 - odd2;
        to[5 * to_step] = even3 + odd3;
        to[6 * to_step] = even3 - odd3;
        to[7 * to_step] = (d7 - d1) + 5.25f * (d3 - d5);
    }
}

/* G: points - 3 taps become values at the points. */
INLINE void winograd_taps(const uint points, const vector *w, const uint step, vector *to, const uint to_step)
{
    const vector w0 = whole(w[0]), w1 = w[step], w2 = w[2 * step];
    if (points == 6) {
        const vector even1 = (-1.0f / 6) * (w0 + w2), odd1 = (-1.0f / 6) * w1;
        const vector even2 = (1.0f / 24) * w0 + (1.0f / 6) * w2, odd2 = (1.0f / 12) * w1;
        to[0] = 0.25f * w0;
        to[to_step] = even1 + odd1;
        to[2 * to_step] = even1 - odd1;
        to[3 * to_step] = even2 + odd2;
        to[4 * to_step] = even2 - odd2;
        to[5 * to_step] = w2;
    } else {
        const vector w3 = w[3 * step], w4 = w[4 * step];
        const vector even1 = (-2.0f / 9) * ((w0 + w2) + w4), odd1 = (-2.0f / 9) * (w1 + w3);
        const vector even2 = (1.0f / 90) * (w0 + 4.0f * w2 + 16.0f * w4), odd2 = (1.0f / 90) * (2.0f * w1 + 8.0f * w3);
        const vector even3 = (32.0f / 45) * (w0 + 0.25f * w2 + 0.0625f * w4);
        const vector odd3 = (32.0f / 45) * (0.5f * w1 + 0.125f * w3);
        to[0] = w0;
        to[to_step] = even1 + odd1;
        to[2 * to_step] = even1 - odd1;
        to[3 * to_step] = even2 + odd2;
        to[4 * to_step] = even2 - odd2;
        to[5 * to_step] = even3 + odd3;
        to[6 * to_step] = even3 - odd3;
        to[7 * to_step] = w4;
    }
}

/* A: `points` values become four results. */
INLINE void winograd_results(const uint points, const vector *m, const uint step, vector *to, const uint to_step)
{
    const vector even1 = whole(m[step]) + m[2 * step], odd1 = m[step] - m[2 * step];
    const vector even2 = m[3 * step] + m[4 * step], odd2 = m[3 * step] - m[4 * step];
    vector r0 = m[0] + even1 + even2, r1 = odd1 + 2.0f * odd2, r2 = even1 + 4.0f * even2, r3 = odd1 + 8.0f * odd2;
    if (points == 8) {
        const vector even3 = m[5 * step] + m[6 * step], odd3 = m[5 * step] - m[6 * step];
        r0 += even3;
        r1 += 0.5f * odd3;
        r2 += 0.25f * even3;
        r3 += 0.125f * odd3;
    }
    to[0] = r0;
    to[to_step] = r1;
    to[2 * to_step] = r2;
    to[3 * to_step] = r3 + m[(points - 1) * step];
}

/* A's transpose: the gradients of four results become values at the points. */
INLINE void winograd_results_back(const uint points, const vector *r, const uint step, vector *to, const uint to_step)
{
    const vector r0 = whole(r[0]), r1 = r[step], r2 = r[2 * step], r3 = r[3 * step];
    const vector even1 = r0 + r2, odd1 = r1 + r3, even2 = r0 + 4.0f * r2, odd2 = 2.0f * r1 + 8.0f * r3;
    to[0] = r0;
    to[to_step] = even1 + odd1;
    to[2 * to_step] = even1 - odd1;
    to[3 * to_step] = even2 + odd2;
    to[4 * to_step] = even2 - odd2;
    if (points == 8) {
        const vector even3 = r0 + 0.25f * r2, odd3 = 0.5f * r1 + 0.125f * r3;
        to[5 * to_step] = even3 + odd3;
        to[6 * to_step] = even3 - odd3;
    }
    to[(points - 1) * to_step] = r3;
}

/* G's transpose: values at the points become the gradients of points - 3 taps. */
INLINE void winograd_taps_back(const uint points, const vector *m, const uint step, vector *to, const uint to_step)
{
    const vector m0 = whole(m[0]), even1 = m[step] + m[2 * step], odd1 = m[step] - m[2 * step];
    const vector even2 = m[3 * step] + m[4 * step], odd2 = m[3 * step] - m[4 * step], last = m[(points - 1) * step];
    if (points == 6) {
        to[0] = 0.25f * m0 - (1.0f / 6) * even1 + (1.0f / 24) * even2;
        to[to_step] = (1.0f / 12) * odd2 - (1.0f / 6) * odd1;
        to[2 * to_step] = (1.0f / 6) * (even2 - even1) + last;
    } else {
        const vector even3 = m[5 * step] + m[6 * step], odd3 = m[5 * step] - m[6 * step];
        const vector a = (-2.0f / 9) * even1, b = (1.0f / 90) * even2, c = (32.0f / 45) * even3;
        const vector x = (-2.0f / 9) * odd1, y = (1.0f / 90) * odd2, z = (32.0f / 45) * odd3;
        to[0] = m0 + a + b + c;
        to[to_step] = x + 2.0f * y + 0.5f * z;
        to[2 * to_step] = a + 4.0f * b + 0.25f * c;
        to[3 * to_step] = x + 8.0f * y + 0.125f * z;
        to[4 * to_step] = a + 16.0f * b + 0.0625f * c + last;
    }
}

/* Where a tile's results begin; `image` is the image it lies in. */
typedef struct {
    ulong image;
    uint row, column;
} tile_place;

/* Of some images' results. */
ulong tiles_of(const ulong images, const tensor out)
{
    return images * ((out.width + RESULTS - 1) / RESULTS) * ((out.height + RESULTS - 1) / RESULTS);
}

tile_place place_of(const tensor out, const ulong tile)
{
    const ulong across = (out.width + RESULTS - 1) / RESULTS, down = (out.height + RESULTS - 1) / RESULTS;
    const tile_place at = {tile / (across * down), (uint)(tile / across % down) * RESULTS,
                           (uint)(tile % across) * RESULTS};
    return at;
}

/* Writes a value at a point, and asks for the place that will be written `ahead` floats on: neighbouring points lie far
 * apart, so a tile is written in POINTS x POINTS places at a time, which a processor does not foresee. */
INLINE void put_at_point(const vector value, __global float *to, const ulong ahead)
{
    *(__global vector *)to = value;
    FETCH(to + ahead)
}

/* The row of C that is result `i` of a tile; past the last if the result lies beside the picture. */
ulong row_at(const tensor out, const ulong images, const tile_place at, const uint i)
{
    const uint y = at.row + i / RESULTS, x = at.column + i % RESULTS;
    const bool inside = y < out.height && x < out.width;
    return inside ? (at.image * out.height + y) * out.width + x : images * out.height * out.width;
}

/* Brings LANES channels of a tile's pixels to the points, which lie `to_step` floats apart, in whole vectors. `top` and
 * `left` are where the pixels begin, before the picture if negative; pixels beside the picture are 0. `ahead`: as
 * put_at_point has it. */
INLINE void pixels_to_points(const uint points, const tensor in, __global const float *picture, const int top,
                             const int left, __global float *to, const ulong to_step, const ulong ahead)
{
    vector column[8], half_way[64], values[8];
    for (uint j = 0; j < points; j++) {
        const int x = left + (int)j;
        for (uint i = 0; i < points; i++) {
            const int y = top + (int)i;
            const bool inside = x >= 0 && x < (int)in.width && y >= 0 && y < (int)in.height;
            __global const float *pixel = picture + ((ulong)y * in.width + x) * in.channels;
            column[i] = inside ? LOAD(0, pixel) : (vector)0.0f;
            FETCH(pixel + RESULTS * in.channels) /* of the next tile */
        }
        winograd_pixels(points, column, 1, half_way + j, points);
    }
    for (uint i = 0; i < points; i++) {
        winograd_pixels(points, half_way + i * points, 1, values, 1);
        for (uint j = 0; j < points; j++) put_at_point(values[j], to + (i * points + j) * to_step, ahead);
    }
}

#endif
