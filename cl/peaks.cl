/* SPDX-License-Identifier: MIT */
/* What bounds every kernel of a device: its multiply-add units, its memory, the cost of a launch. LANES (1, 2, 4, 8 or
 * 16) comes from the host. Each kernel is launched in two forms: few long work-items in groups of one, as CPUs want it,
 * and many short ones in large groups, as GPUs do. */
#ifndef LANES
#define LANES 4
#endif
#define PASTE(a, b) a##b
#define NAME(a, b)  PASTE(a, b)
#if LANES == 1
typedef float vector;
#else
typedef NAME(float, LANES) vector;
#endif

/* Mapping: a work-item runs twelve chains of multiply-adds. On today's processors a multiply-add takes four cycles and
 * two start in each cycle, so eight chains hide the latency; twelve vectors and two constants still fit sixteen
 * registers (AVX2), and no load or store is left to bound it. Every chain tends to term / (1 - factor): nothing
 * overflows or becomes denormal. */
#define EACH_CHAIN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

__kernel void multiply_add(const uint steps, const float factor, const float term, __global vector *restrict sums)
{
    const size_t item = get_global_id(0);
    const vector by = factor, plus = term;
#define START(i) vector chain##i = (float)(item + i);
    EACH_CHAIN(START)
    for (uint step = 0; step < steps; step++) {
#define ADVANCE(i) chain##i = chain##i * by + plus;
        EACH_CHAIN(ADVANCE)
        EACH_CHAIN(ADVANCE)
    }
    vector sum = 0.0f;
#define ADD(i) sum += chain##i;
    EACH_CHAIN(ADD)
    sums[item] = sum; /* else the compiler would drop the work */
}

/* Mapping: a work-item copies `count` vectors that lie `stride` apart, from number item * first on. Bound by memory. */
__kernel void copy(const ulong count, const ulong first, const ulong stride, __global const vector *restrict from,
                   __global vector *restrict to)
{
    ulong at = get_global_id(0) * first;
    for (ulong i = 0; i < count; i++, at += stride) to[at] = from[at];
}

/* A launch and nothing else: one work-item, one store. */
__kernel void touch(__global vector *restrict to)
{
    to[get_global_id(0)] = 0.0f;
}
