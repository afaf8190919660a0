/* SPDX-License-Identifier: MIT */
// Functions that the generated kernels call where OpenCL's own are slow or lose digits. Written without branches or
// tables, so that CPU compilers can compute several work-items at once with vector instructions.

#ifndef ELEMENTWISE_CL
#define ELEMENTWISE_CL

// ln(1 + e) for e in [0, 1], by 2 artanh(z) = ln((1 + z) / (1 - z)) with z = e / (2 + e) <= 1/3; the series is cut where
// the next term is below half a unit in the last place. Within 2 units; OpenCL's log1p takes 24 times as long on PoCL.
float log1p_of_unit(float e)
{
    const float z = e / (2.0f + e), w = z * z;
    const float series =
        w * (1.0f / 3 + w * (1.0f / 5 + w * (1.0f / 7 + w * (1.0f / 9 + w * (1.0f / 11 + w * (1.0f / 13))))));
    return 2.0f * z * (1.0f + series);
}

// ln x for positive x that is neither subnormal nor infinite: x = 2^e (1 + f) with 1 + f between sqrt(1/2) and sqrt(2),
// then the same series, shorter since |z| <= 0.172. Within 3 units in the last place, measured from 1e-37 to 1e38.
float log_of_normal(float x)
{
    const int bits = as_int(x), e = (bits - 0x3F3504F3) >> 23; // 0x3F3504F3: sqrt(1/2)
    const float f = as_float(bits - (e << 23)) - 1.0f, z = f / (2.0f + f), w = z * z;
    const float series = w * (1.0f / 3 + w * (1.0f / 5 + w * (1.0f / 7 + w * (1.0f / 9))));
    return (float)e * 0.69314718f + 2.0f * z * (1.0f + series);
}

// tanh x: near 0, where 1 - e^-2x loses digits, the continued fraction x / (1 + x^2 / (3 + x^2 / (5 + ...))), cut after
// 13. Within 3 units in the last place, measured over all magnitudes; OpenCL's own takes over ten times as long on PoCL.
float branchless_tanh(float x)
{
    const float e = exp(-2.0f * fabs(x)), w = x * x;
    const float near =
        x * (10395.0f + w * (1260.0f + w * 21.0f)) / (10395.0f + w * (4725.0f + w * (210.0f + w)));
    return fabs(x) < 0.5f ? near : copysign((1.0f - e) / (1.0f + e), x);
}

// ln(1 + e^x) without overflow.
float softplus(float x)
{
    return fmax(x, 0.0f) + log1p_of_unit(exp(-fabs(x)));
}

#endif
