/* SPDX-License-Identifier: MIT */
/* Lesson 9: n small games at once, a work-item each. The data are the number 0, the generator draws the number g, the
 * discriminator says d times what it sees. A step is a list of launches: this line is it, and you write it.
 *
 * HOLE: the kernels of a step, by name: the discriminator moves twice, then the generator once. */
// schedule: discriminator discriminator generator
/* END */
/* Check with: duet lesson 9 FOLDER */

float sigmoid(const float x)
{
    return 1.0f / (1.0f + exp(-x));
}

/* d goes down its gradient, sigmoid(d g) g + penalty d; g stays. */
__kernel void discriminator(const uint n, const float rate, const float penalty, __global const float *g,
                            __global float *d)
{
    const size_t i = get_global_id(0);
    if (i >= n) return;
    /* HOLE: one update of d[i]. */
    d[i] -= rate * (sigmoid(d[i] * g[i]) * g[i] + penalty * d[i]);
    /* END */
}

/* g goes down its gradient, -sigmoid(-d g) d; d stays. */
__kernel void generator(const uint n, const float rate, __global float *g, __global const float *d)
{
    const size_t i = get_global_id(0);
    if (i >= n) return;
    /* HOLE: one update of g[i]. */
    g[i] += rate * sigmoid(-d[i] * g[i]) * d[i];
    /* END */
}
