/* SPDX-License-Identifier: MIT */
/* How like their originals reconstructions are, beyond the squared error (mse.c):
 *   psnr: the mean over examples of 10 log10(1 / mse), decibels, of data in [0, 1]
 *   ssim: structural similarity, Wang et al. 2004 (IEEE Trans. Image Processing 13), eq. 13: over windows of 11 x 11
 *     with Gaussian weights of deviation 1.5, the mean of
 *     (2 m_x m_y + C1) (2 s_xy + C2) / ((m_x^2 + m_y^2 + C1) (s_x^2 + s_y^2 + C2)), C1 = 0.01^2, C2 = 0.03^2,
 *     windows wholly inside the picture, channels by themselves; smaller pictures have windows as large as they are.
 * Both say how near pixels are: a blur scores well. An example that is met to the bit has a psnr of 100. */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"

enum { WINDOW = 11 };

static const double deviation = 1.5, most_psnr = 100;

static bool applies(duet_run *run)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    return data->shape.rank == 3 && data->unit_range &&
           duet_run_features(run, DUET_RECONSTRUCTION) == duet_shape_elements(data->shape);
}

/* State: the psnr of each example, then the similarity of each. */
static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, 2 * duet_metric_examples(task) * sizeof(double), error);
}

static double psnr(const float *x, const float *y, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return fmin(sum > 0 ? 10 * log10((double)count / sum) : most_psnr, most_psnr);
}

/* A window's weights along one side, which add up to 1. */
typedef struct window {
    size_t size;
    double weights[WINDOW];
} window;

static window window_of(size_t extent)
{
    window it = {.size = extent < WINDOW ? extent : WINDOW};
    double sum = 0;
    for (size_t i = 0; i < it.size; i++) {
        double away = (double)i - (double)(it.size - 1) / 2;
        sum += it.weights[i] = exp(-away * away / (2 * deviation * deviation));
    }
    for (size_t i = 0; i < it.size; i++) it.weights[i] /= sum;
    return it;
}

/* The similarity in one window, whose first pixel of this channel is x[0] in one picture and y[0] in the other. */
static double similarity_at(const float *x, const float *y, const window *down, const window *across, size_t row,
                            size_t channels)
{
    const double c1 = 1e-4, c2 = 9e-4;
    double x_mean = 0, y_mean = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < down->size; i++)
        for (size_t k = 0; k < across->size; k++) {
            double weight = down->weights[i] * across->weights[k];
            double a = x[i * row + k * channels], b = y[i * row + k * channels];
            x_mean += weight * a;
            y_mean += weight * b;
            xx += weight * a * a;
            yy += weight * b * b;
            xy += weight * a * b;
        }
    double x_variance = xx - x_mean * x_mean, y_variance = yy - y_mean * y_mean, together = xy - x_mean * y_mean;
    return (2 * x_mean * y_mean + c1) * (2 * together + c2) /
           ((x_mean * x_mean + y_mean * y_mean + c1) * (x_variance + y_variance + c2));
}

static double similarity(duet_shape shape, const float *x, const float *y)
{
    size_t channels = shape.dims[2], row = shape.dims[1] * channels;
    const window down = window_of(shape.dims[0]), across = window_of(shape.dims[1]);
    size_t rows = shape.dims[0] - down.size + 1, columns = shape.dims[1] - across.size + 1;
    double sum = 0;
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < columns * channels; k++)
            sum += similarity_at(x + i * row + k, y + i * row + k, &down, &across, row, channels);
    return sum / (double)(rows * columns * channels);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    duet_shape shape = duet_data_describe(duet_run_data(task->run))->shape;
    size_t features = duet_shape_elements(shape);
    double *signal = (double *)task->state + piece->first, *similar = signal + duet_metric_examples(task);
    for (size_t i = 0; i < piece->count; i++) {
        const float *x = piece->examples + i * features, *y = piece->values[0] + i * features;
        signal[i] = psnr(x, y, features);
        similar[i] = similarity(shape, x, y);
    }
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t count = duet_metric_examples(task);
    const double *signal = task->state;
    (void)error;
    duet_metric_add_mean_within(task, "ssim", signal + count, count, -1, 1);
    duet_metric_add_mean_within(task, "psnr", signal, count, -INFINITY, most_psnr);
    return DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"ssim", NULL, DUET_LARGER, DUET_OF_RECONSTRUCTION, 2},
    {"psnr", "decibels", DUET_LARGER, DUET_OF_RECONSTRUCTION, 3},
    {NULL},
};

const duet_metric duet_metric_ssim = {
    .row = {"ssim", "up to 1",
            "structural similarity of reconstructions and originals, and psnr, the peak signal-to-noise ratio in "
            "decibels; for models that reconstruct pictures in [0, 1]",
            .measures = measures},
    .applies = applies,
    .outputs = duet_metric_reconstruction,
    .begin = begin,
    .take = take,
    .finish = finish,
};
