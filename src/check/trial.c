/* SPDX-License-Identifier: MIT */
/* Derivatives of the reference are central differences of fourth order in double: with steps of 1/256 they are good to
 * about 1e-10, far below what float32 can show. */
#include "check/trial.h"

#include <math.h>
#include <stdlib.h>

#include "base/philox.h"

enum { STREAM_INPUT = 0, STREAM_WEIGHTS = 8, STREAM_DIRECTION = 9 };
static const uint64_t seed = 2014;

static double uniform(uint32_t stream, size_t element)
{
    return duet_philox_uniform(duet_philox_element(seed, stream, 0, (uint32_t)element));
}

/* Numbers between low and high, one in each of `count` equal parts, scrambled. Inputs of one case take different
 * places inside the parts, so that no two of them hold the same number. */
static void spread(double *values, size_t count, double low, double high, uint32_t stream)
{
    for (size_t i = 0; i < count; i++) {
        double inside = 0.5 - 0.2 * stream;
        values[i] = (float)(low + (high - low) * ((double)i + inside) / (double)count);
    }
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)(uniform(stream, i) * (double)i);
        double value = values[i - 1];
        values[i - 1] = values[other];
        values[other] = value;
    }
}

static void fill_input(const duet_case_input *input, uint32_t stream, double *values, size_t count)
{
    if (input->values) {
        for (size_t i = 0; i < count; i++) values[i] = input->values[i];
    } else if (input->type == DUET_FLOAT32) {
        spread(values, count, input->low, input->high, stream);
    } else {
        for (size_t i = 0; i < count; i++) {
            values[i] = input->low + floor(uniform(stream, i) * (input->high - input->low + 1));
        }
    }
}

/* The output at values + s * along + t * direction, in the arena until the next evaluation. */
static duet_plain evaluate(const duet_trial *trial, const double *along, double s, double t)
{
    duet_twin_value inputs[DUET_CASE_INPUTS] = {0};
    duet_twin reading = {.arena = trial->arena};
    trial->arena->used = 0;
    for (size_t i = 0; i < trial->input_count; i++) {
        duet_plain x = duet_plain_new(trial->arena, trial->row->inputs[i].shape);
        for (size_t j = 0; j < x.count; j++) {
            size_t at = trial->start[i] + j;
            x.values[j] = trial->values[at];
            if (s != 0) x.values[j] += s * along[at];
            if (t != 0) x.values[j] += t * trial->direction[at];
        }
        inputs[i].plain = x;
    }
    return trial->row->expression(&reading, inputs, trial->row).plain;
}

static double loss(const duet_trial *trial, const double *along, double s, double t)
{
    duet_plain output = evaluate(trial, along, s, t);
    double sum = 0;
    for (size_t i = 0; i < output.count; i++) sum += output.values[i] * trial->weights[i];
    return sum;
}

static const double step = 1.0 / 256;

/* d/dh of f at 0 from f(+-step) and f(+-2 step): the error is of fourth order. */
static double stencil(double ahead, double behind, double far_ahead, double far_behind)
{
    return (8 * (ahead - behind) - (far_ahead - far_behind)) / (12 * step);
}

double duet_trial_slope(const duet_trial *trial, const double *along)
{
    return stencil(loss(trial, along, step, 0), loss(trial, along, -step, 0), loss(trial, along, 2 * step, 0),
                   loss(trial, along, -2 * step, 0));
}

static double slope_by_direction(const duet_trial *trial, const double *along, double s)
{
    return stencil(loss(trial, along, s, step), loss(trial, along, s, -step), loss(trial, along, s, 2 * step),
                   loss(trial, along, s, -2 * step));
}

double duet_trial_second_slope(const duet_trial *trial, const double *along)
{
    return stencil(slope_by_direction(trial, along, step), slope_by_direction(trial, along, -step),
                   slope_by_direction(trial, along, 2 * step), slope_by_direction(trial, along, -2 * step));
}

bool duet_trial_varies(const duet_trial *trial, size_t input)
{
    const duet_case_input *about = &trial->row->inputs[input];
    return trial->row->derivatives > 0 && about->type == DUET_FLOAT32 && !about->fixed;
}

static duet_status fill(duet_trial *trial, duet_error *error)
{
    for (size_t i = 0; i < trial->input_count; i++) {
        size_t at = trial->start[i], count = trial->start[i + 1] - at;
        fill_input(&trial->row->inputs[i], STREAM_INPUT + (uint32_t)i, trial->values + at, count);
        for (size_t j = at; j < at + count; j++) {
            trial->direction[j] = duet_trial_varies(trial, i) ? 2 * uniform(STREAM_DIRECTION, j) - 1 : 0;
            trial->direction[j] = (float)trial->direction[j];
        }
    }
    duet_plain output = evaluate(trial, NULL, 0, 0);
    trial->shape = output.shape;
    trial->outputs = output.count;
    trial->expected = calloc(output.count + 1, sizeof(double));
    trial->weights = calloc(output.count + 1, sizeof(double));
    if (trial->arena->failed || !trial->expected || !trial->weights) {
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: the reference needs more memory than there is",
                         trial->row->name);
    }
    for (size_t i = 0; i < output.count; i++) {
        trial->expected[i] = output.values[i];
        trial->weights[i] = (float)(2 * uniform(STREAM_WEIGHTS, i) - 1);
    }
    return DUET_OK;
}

duet_status duet_trial_new(duet_trial *trial, const duet_case *row, duet_plain_arena *arena, duet_error *error)
{
    *trial = (duet_trial){.row = row, .arena = arena};
    while (trial->input_count < DUET_CASE_INPUTS) {
        const duet_case_input *input = &row->inputs[trial->input_count];
        if (!input->values && input->low == input->high) break;
        size_t next = trial->start[trial->input_count++] + duet_shape_elements(input->shape);
        trial->start[trial->input_count] = next;
    }
    size_t count = trial->start[trial->input_count];
    trial->values = calloc(count + 1, sizeof(double));
    trial->direction = calloc(count + 1, sizeof(double));
    duet_status status = trial->values && trial->direction
                             ? fill(trial, error)
                             : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", row->name);
    if (status != DUET_OK) duet_trial_free(trial);
    return status;
}

void duet_trial_free(duet_trial *trial)
{
    free(trial->values);
    free(trial->direction);
    free(trial->expected);
    free(trial->weights);
    *trial = (duet_trial){0};
}
