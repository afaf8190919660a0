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
 * The points are 0, 1, -1, 2, -2, then 1/2, -1/2 for eight, and infinity, the highest coefficient. Pairs of opposite
 * points share sums of even and of odd terms. Numbers grow on the way and cancel at its end, which costs precision: see
 * docs/performance.md for how much. */
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

#endif
