/* SPDX-License-Identifier: MIT */
/* Pictures of another size: the bicubic kernel of Keys (1981) with a = -1/2, as wide as the reduction asks for, so that
 * nothing aliases (Parmar, Zhang, Zhu 2022, "On aliased resizing", arXiv:2104.11222), columns first and then rows. */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "base/status.h"
#include "data/picture.h"

enum { REACH = 2 /* of the kernel, in pixels of the coarser grid */ };

/* Where a result's pixels come from along one axis: results `i` is the sum of taps[i * most + k] x pixel first[i] + k.
 */
typedef struct axis {
    size_t count, most;
    size_t *first, *taps;
    float *weights;
} axis;

static double keys(double x)
{
    x = fabs(x);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

static void weigh(axis *to, size_t i, size_t extent, double centre, double width)
{
    double sum = 0, low = floor(centre - REACH * width + 0.5), high = floor(centre + REACH * width + 0.5);
    size_t first = low < 0 ? 0 : (size_t)low, end = high > (double)extent ? extent : (size_t)high;
    float *weights = to->weights + i * to->most;
    to->first[i] = first;
    to->taps[i] = end - first;
    for (size_t k = 0; k < to->taps[i]; k++) sum += keys(((double)(first + k) + 0.5 - centre) / width);
    for (size_t k = 0; k < to->taps[i]; k++)
        weights[k] = (float)(keys(((double)(first + k) + 0.5 - centre) / width) / sum);
}

/* `count` results out of the middle of `extent` pixels, `step` pixels apart. */
static bool axis_new(axis *to, size_t extent, size_t count, double step)
{
    double width = step > 1 ? step : 1, start = ((double)extent - (double)count * step) / 2;
    size_t most = (size_t)(2 * REACH * width) + 2, room;
    *to = (axis){.count = count, .most = most < extent ? most : extent};
    if (!duet_size_multiply(count, to->most, &room)) return false;
    to->first = calloc(count, sizeof *to->first);
    to->taps = calloc(count, sizeof *to->taps);
    to->weights = calloc(room, sizeof *to->weights);
    if (to->first == NULL || to->taps == NULL || to->weights == NULL) return false;
    for (size_t i = 0; i < count; i++) weigh(to, i, extent, start + ((double)i + 0.5) * step, width);
    return true;
}

static void axis_free(axis *it)
{
    free(it->first);
    free(it->taps);
    free(it->weights);
}

/* Every line of the picture at the results' columns. */
static void across(const axis *x, const duet_picture *picture, float *middle)
{
    size_t channels = picture->channels;
    for (size_t line = 0; line < picture->height; line++)
        for (size_t i = 0; i < x->count; i++)
            for (size_t c = 0; c < channels; c++) {
                const uint8_t *from = picture->pixels + (line * picture->width + x->first[i]) * channels + c;
                float sum = 0;
                for (size_t k = 0; k < x->taps[i]; k++) sum += x->weights[i * x->most + k] * (float)from[k * channels];
                *middle++ = sum;
            }
}

static uint8_t byte_of(float value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5f);
}

static void down(const axis *y, const float *middle, size_t stride, uint8_t *to)
{
    for (size_t i = 0; i < y->count; i++)
        for (size_t at = 0; at < stride; at++) {
            const float *from = middle + y->first[i] * stride + at;
            float sum = 0;
            for (size_t k = 0; k < y->taps[i]; k++) sum += y->weights[i * y->most + k] * from[k * stride];
            *to++ = byte_of(sum);
        }
}

static duet_status resample(const duet_picture *picture, const char *name, duet_picture *to, duet_error *error)
{
    axis x = {0}, y = {0};
    double by_height = (double)picture->height / (double)to->height;
    double by_width = (double)picture->width / (double)to->width;
    double step = by_height < by_width ? by_height : by_width; /* the picture covers the result */
    size_t stride = to->width * picture->channels, room;
    float *middle = NULL;
    bool sound = axis_new(&x, picture->width, to->width, step) && axis_new(&y, picture->height, to->height, step) &&
                 duet_size_multiply(stride, picture->height, &room) && (middle = calloc(room, sizeof *middle)) != NULL;
    if (sound) {
        across(&x, picture, middle);
        down(&y, middle, stride, to->pixels);
    }
    free(middle);
    axis_free(&x);
    axis_free(&y);
    return sound ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to scale it", name);
}

/* Grey is repeated for colours; colours that are greys become grey. */
static void write_channels(const duet_picture *picture, size_t channels, uint8_t *to)
{
    size_t count = picture->height * picture->width, has = picture->channels;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < channels; c++) *to++ = picture->pixels[i * has + (has > 1 ? c : 0)];
}

duet_status duet_picture_fit(const duet_picture *picture, const char *name, size_t height, size_t width,
                             size_t channels, uint8_t *destination, duet_error *error)
{
    duet_picture scaled = {0};
    if (picture->height == height && picture->width == width) {
        write_channels(picture, channels, destination);
        return DUET_OK;
    }
    DUET_TRY(duet_picture_new(&scaled, name, height, width, picture->channels, error));
    duet_status status = resample(picture, name, &scaled, error);
    if (status == DUET_OK) write_channels(&scaled, channels, destination);
    duet_picture_free(&scaled);
    return status;
}
