/* SPDX-License-Identifier: MIT */
/* A variational autoencoder whose likelihood is known: linear, with normal noise, so that p(x) is normal. */
#ifndef DUET_TESTS_LINEAR_GAUSSIAN_H
#define DUET_TESTS_LINEAR_GAUSSIAN_H

#include "vae_parts.h"

static const double sigma_x = 0.7;

/* y_i = sum over k of w_ik z_k + b_i */
static inline double loading(size_t i, size_t k)
{
    return i % LATENT == k ? 1 - 0.15 * (double)i : 0.1 * (double)(i + k);
}

static inline double offset(size_t i)
{
    return 0.2 - 0.1 * (double)i;
}

/* log N(x; b, W W^T + sigma^2 I) by Cholesky's factor L; *solved = (W W^T + sigma^2 I)^-1 (x - b). */
static inline double exact_log_density(const float *x, double *solved)
{
    double l[FEATURES][FEATURES] = {{0}}, y[FEATURES], log_density = 0;
    for (size_t i = 0; i < FEATURES; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = i == j ? sigma_x * sigma_x : 0;
            for (size_t k = 0; k < LATENT; k++) sum += loading(i, k) * loading(j, k);
            for (size_t k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
            l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
        }
    for (size_t i = 0; i < FEATURES; i++) {
        y[i] = (double)x[i] - offset(i);
        for (size_t k = 0; k < i; k++) y[i] -= l[i][k] * y[k];
        y[i] /= l[i][i];
        log_density -= y[i] * y[i] / 2 + log(l[i][i]) + log(2 * acos(-1)) / 2;
    }
    for (size_t i = FEATURES; i-- > 0;) {
        solved[i] = y[i];
        for (size_t k = i + 1; k < FEATURES; k++) solved[i] -= l[k][i] * solved[k];
        solved[i] /= l[i][i];
    }
    return log_density;
}

static const char *const linear[] = {"hidden=", "latent=3", "likelihood=gaussian", "sigma=0.7", "k=1000"};

/* A linear Gaussian model, and a posterior with nine tenths of the true one's mean, W^T (W W^T + sigma^2 I)^-1 (x - b),
 * and wider than it. */
static inline void set_linear(duet_model *model)
{
    duet_error error = {0};
    float decode[FEATURES][LATENT], encode[LATENT][FEATURES], bias[LATENT] = {0};
    for (size_t j = 0; j < FEATURES; j++) {
        float x[FEATURES];
        double solved[FEATURES]; /* column j of the inverse */
        for (size_t i = 0; i < FEATURES; i++) x[i] = (float)(offset(i) + (i == j));
        (void)exact_log_density(x, solved);
        for (size_t k = 0; k < LATENT; k++) {
            double sum = 0;
            for (size_t i = 0; i < FEATURES; i++) sum += 0.9 * loading(i, k) * solved[i];
            decode[j][k] = (float)loading(j, k);
            encode[k][j] = (float)sum;
            bias[k] -= (float)(sum * offset(j));
        }
    }
    duet_store *store = duet_model_store(model);
    assert_ok(duet_store_write(store, device, "decoder.output.weight", decode, sizeof decode, &error), &error);
    assert_ok(duet_store_write(store, device, "encoder.mean.weight", encode, sizeof encode, &error), &error);
    assert_ok(duet_store_write(store, device, "encoder.mean.bias", bias, sizeof bias, &error), &error);
    test_set_row(model, device, "decoder.output.bias", offset(0), offset(1) - offset(0));
    test_set(model, device, "encoder.logvar.weight", 0);
    test_set(model, device, "encoder.logvar.bias", log(0.4));
}

#endif
