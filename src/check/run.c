/* SPDX-License-Identifier: MIT */
/* A group of cases on a device: one graph, a plan a case, one program for them all; then the device's numbers are held
 * against the trial's. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check/note.h"
#include "check/trial.h"
#include "duet/plan.h"
#include "graph/node.h"

/* Elements of one input whose derivative is compared one by one; larger inputs are also compared along a random
 * direction, which all their elements enter. */
enum { MOST_SLOPES = 64, ARENA_NUMBERS = 1 << 21 };

/* One case on the device. */
typedef struct probe {
    duet_trial trial;
    duet_node inputs[DUET_CASE_INPUTS], directions[DUET_CASE_INPUTS], weights, output;
    duet_node gradients[DUET_CASE_INPUTS], seconds[DUET_CASE_INPUTS];
    /* Everything above: inputs are roots too, so that each can be written even where no result depends on it. */
    duet_node roots[4 * DUET_CASE_INPUTS + 2];
    size_t root_count;
    bool wrong_shape; /* the graph disagrees with the reference about a shape */
    duet_plan *plan;
} probe;

static duet_node add_root(probe *p, duet_node node)
{
    p->roots[p->root_count++] = node;
    return node;
}

static duet_node new_input(probe *p, duet_graph *graph, const char *name, duet_type type, duet_shape shape)
{
    return add_root(p, duet_input_at(p->trial.row->name, graph, name, type, shape));
}

/* sum(values * weights) */
static duet_node weighted(const char *where, duet_node values, duet_node weights)
{
    return duet_sum_at(where, duet_multiply_at(where, values, weights), DUET_ALL_AXES, false);
}

/* d of `loss` by each input that varies; NULL for the others. */
static void add_gradients(probe *p, duet_node loss, duet_node *gradients)
{
    duet_node varied[DUET_CASE_INPUTS], found[DUET_CASE_INPUTS];
    size_t count = 0;
    for (size_t i = 0; i < p->trial.input_count; i++) {
        if (duet_trial_varies(&p->trial, i)) varied[count++] = p->inputs[i];
    }
    duet_grad_at(p->trial.row->name, loss, varied, count, found);
    count = 0;
    for (size_t i = 0; i < p->trial.input_count; i++) {
        if (!duet_trial_varies(&p->trial, i)) continue;
        gradients[i] = add_root(p, found[count++]);
        p->wrong_shape |= !duet_shape_equal(duet_node_shape(gradients[i]), p->trial.row->inputs[i].shape);
    }
}

/* The sum over the inputs of gradient times direction. */
static duet_node along_direction(probe *p, duet_graph *graph)
{
    const char *where = p->trial.row->name;
    duet_node sum = duet_constant(graph, 0);
    for (size_t i = 0; i < p->trial.input_count; i++) {
        if (!p->gradients[i]) continue;
        p->directions[i] = new_input(p, graph, "direction", DUET_FLOAT32, p->trial.row->inputs[i].shape);
        sum = duet_add_at(where, sum, weighted(where, p->gradients[i], p->directions[i]));
    }
    return sum;
}

static void build(probe *p, duet_graph *graph)
{
    const duet_case *row = p->trial.row;
    duet_twin_value inputs[DUET_CASE_INPUTS] = {0};
    duet_twin reading = {.where = row->name, .graph = graph};
    for (size_t i = 0; i < p->trial.input_count; i++) {
        p->inputs[i] = new_input(p, graph, "input", row->inputs[i].type, row->inputs[i].shape);
        inputs[i].node = p->inputs[i];
    }
    p->output = add_root(p, row->expression(&reading, inputs, row).node);
    p->wrong_shape = !duet_shape_equal(duet_node_shape(p->output), p->trial.shape);
    if (row->derivatives < 1 || p->wrong_shape) return;
    p->weights = new_input(p, graph, "weights", DUET_FLOAT32, p->trial.shape);
    add_gradients(p, weighted(row->name, p->output, p->weights), p->gradients);
    if (row->derivatives < 2) return;
    add_gradients(p, along_direction(p, graph), p->seconds);
}

/* Moving numbers. */

static duet_status write_numbers(const probe *p, duet_node node, const double *numbers, duet_error *error)
{
    size_t count = duet_shape_elements(duet_node_shape(node));
    duet_type type = duet_node_type(node);
    size_t size = type == DUET_UINT8 ? 1 : 4;
    void *bytes = calloc(count, size);
    if (!bytes) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", p->trial.row->name);
    for (size_t i = 0; i < count; i++) {
        switch (type) {
        case DUET_FLOAT32: ((float *)bytes)[i] = (float)numbers[i]; break;
        case DUET_UINT32: ((uint32_t *)bytes)[i] = (uint32_t)numbers[i]; break;
        case DUET_UINT8: ((uint8_t *)bytes)[i] = (uint8_t)numbers[i]; break;
        }
    }
    duet_status status = duet_plan_write(p->plan, node, bytes, count * size, error);
    free(bytes);
    return status;
}

/* The caller frees *numbers, which has `count` of them. */
static duet_status read_numbers(const probe *p, duet_node node, size_t count, double **numbers, duet_error *error)
{
    duet_type type = duet_node_type(node);
    size_t size = type == DUET_UINT8 ? 1 : 4;
    void *bytes = calloc(count + 1, size);
    *numbers = calloc(count + 1, sizeof **numbers);
    duet_status status = bytes && *numbers
                             ? duet_plan_read(p->plan, node, bytes, count * size, error)
                             : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", p->trial.row->name);
    for (size_t i = 0; i < count && status == DUET_OK; i++) {
        switch (type) {
        case DUET_FLOAT32: (*numbers)[i] = ((const float *)bytes)[i]; break;
        case DUET_UINT32: (*numbers)[i] = ((const uint32_t *)bytes)[i]; break;
        case DUET_UINT8: (*numbers)[i] = ((const uint8_t *)bytes)[i]; break;
        }
    }
    free(bytes);
    if (status == DUET_OK) return DUET_OK;
    free(*numbers);
    *numbers = NULL;
    return status;
}

static duet_status write_all(const probe *p, duet_error *error)
{
    const duet_trial *trial = &p->trial;
    for (size_t i = 0; i < trial->input_count; i++) {
        DUET_TRY(write_numbers(p, p->inputs[i], trial->values + trial->start[i], error));
        if (p->directions[i]) {
            DUET_TRY(write_numbers(p, p->directions[i], trial->direction + trial->start[i], error));
        }
    }
    return p->weights ? write_numbers(p, p->weights, trial->weights, error) : DUET_OK;
}

/* Comparing. */

static double unit(const duet_case *row, double allowance)
{
    return allowance * row->tolerance * FLT_EPSILON * (double)(row->length ? row->length : 1);
}

static duet_status compare_output(const probe *p, duet_check_row *row, duet_error *error)
{
    const duet_trial *trial = &p->trial;
    double *actual, mean = 0;
    DUET_TRY(read_numbers(p, p->output, trial->outputs, &actual, error));
    for (size_t i = 0; i < trial->outputs; i++) mean += fabs(trial->expected[i]) / (double)trial->outputs;
    if (trial->row->relative || !isfinite(mean)) mean = 0;
    for (size_t i = 0; i < trial->outputs; i++) {
        double allowed = unit(trial->row, 1) * (fabs(trial->expected[i]) + mean);
        duet_check_note(row, &row->forward, trial->row->name, "forward", i, trial->expected[i], actual[i], allowed);
    }
    free(actual);
    return DUET_OK;
}

/* One order of derivative: how the device's numbers are named, judged and predicted. Derivatives pass through more
 * operations than values do, and are allowed more error. */
typedef struct derivative {
    const char *name;
    double allowance;
    double (*slope)(const duet_trial *trial, const double *along);
} derivative;

static const derivative gradient = {"gradient", 2, duet_trial_slope};
static const derivative second_gradient = {"second gradient", 4, duet_trial_second_slope};

/* The input's elements one by one. `along` is a work array of zeros and is left so. */
static void compare_elements(const probe *p, const derivative *order, size_t input, const double *actual, double *along,
                             duet_check_row *row, double *worst)
{
    const duet_trial *trial = &p->trial;
    size_t start = trial->start[input], count = trial->start[input + 1] - start;
    size_t tried = count < MOST_SLOPES ? count : MOST_SLOPES;
    double mean = 0;
    for (size_t i = 0; i < count; i++) mean += fabs(actual[i]) / (double)count;
    for (size_t k = 0; k < tried; k++) {
        size_t i = k * count / tried;
        along[start + i] = 1;
        double expected = order->slope(trial, along);
        along[start + i] = 0;
        double allowed = unit(trial->row, order->allowance) * fmax(1, fabs(expected) + mean);
        duet_check_note(row, worst, trial->row->name, order->name, i, expected, actual[i], allowed);
    }
}

static void compare_direction(const probe *p, const derivative *order, size_t input, const double *actual,
                              double *along, duet_check_row *row, double *worst)
{
    const duet_trial *trial = &p->trial;
    size_t start = trial->start[input], count = trial->start[input + 1] - start;
    double sum = 0, magnitude = 0;
    for (size_t i = 0; i < count; i++) {
        along[start + i] = trial->direction[start + i];
        sum += actual[i] * along[start + i];
        magnitude += fabs(actual[i] * along[start + i]);
    }
    double expected = order->slope(trial, along);
    for (size_t i = 0; i < count; i++) along[start + i] = 0;
    duet_check_note(row, worst, trial->row->name, order->name, DUET_CHECK_ALL, expected, sum,
                    unit(trial->row, order->allowance) * fmax(1, magnitude));
}

static duet_status compare_derivative(const probe *p, const derivative *order, const duet_node *nodes,
                                      duet_check_row *row, double *worst, duet_error *error)
{
    const duet_trial *trial = &p->trial;
    double *along = calloc(trial->start[trial->input_count] + 1, sizeof *along);
    duet_status status = along ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", trial->row->name);
    for (size_t i = 0; i < trial->input_count && status == DUET_OK; i++) {
        size_t count = trial->start[i + 1] - trial->start[i];
        double *actual = NULL;
        if (!nodes[i]) continue;
        status = read_numbers(p, nodes[i], count, &actual, error);
        if (status != DUET_OK) break;
        compare_elements(p, order, i, actual, along, row, worst);
        if (count > MOST_SLOPES) compare_direction(p, order, i, actual, along, row, worst);
        free(actual);
    }
    free(along);
    return status;
}

static duet_status compare(const probe *p, duet_check_row *row, duet_error *error)
{
    if (p->wrong_shape) {
        duet_check_complain(row, "%s: the graph and the reference disagree about a shape", p->trial.row->name);
        return DUET_OK;
    }
    DUET_TRY(write_all(p, error));
    DUET_TRY(duet_plan_replay(p->plan, error));
    DUET_TRY(compare_output(p, row, error));
    DUET_TRY(compare_derivative(p, &gradient, p->gradients, row, &row->gradient, error));
    return compare_derivative(p, &second_gradient, p->seconds, row, &row->second, error);
}

/* The group. */

static duet_status plan_all(duet_device *device, probe *probes, size_t count, duet_error *error)
{
    duet_plan **plans = calloc(count, sizeof *plans);
    const char **names = calloc(count, sizeof *names);
    const duet_node **roots = calloc(count, sizeof *roots);
    size_t *counts = calloc(count, sizeof *counts);
    duet_status status = plans && names && roots && counts
                             ? DUET_OK
                             : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the checks");
    for (size_t i = 0; i < count && status == DUET_OK; i++) {
        names[i] = probes[i].trial.row->name;
        roots[i] = probes[i].roots;
        counts[i] = probes[i].root_count;
    }
    if (status == DUET_OK) status = duet_plan_new_many(plans, count, device, names, roots, counts, error);
    for (size_t i = 0; i < count && status == DUET_OK; i++) probes[i].plan = plans[i];
    free(plans);
    free(names);
    free(roots);
    free(counts);
    return status;
}

static duet_status run_all(duet_device *device, duet_graph *graph, const duet_case_group *group, probe *probes,
                           duet_plain_arena *arena, duet_check_row *row, duet_error *error)
{
    for (size_t i = 0; i < group->count; i++) {
        DUET_TRY(duet_trial_new(&probes[i].trial, &group->cases[i], arena, error));
        build(&probes[i], graph);
    }
    DUET_TRY(duet_graph_check(graph, error));
    DUET_TRY(plan_all(device, probes, group->count, error));
    for (size_t i = 0; i < group->count; i++) DUET_TRY(compare(&probes[i], row, error));
    return DUET_OK;
}

duet_status duet_case_group_run(duet_device *device, const duet_case_group *group, duet_check_row *row,
                                duet_error *error)
{
    duet_plain_arena arena = {.capacity = ARENA_NUMBERS, .values = malloc(ARENA_NUMBERS * sizeof(double))};
    probe *probes = calloc(group->count, sizeof *probes);
    duet_store *store = duet_store_new(1);
    duet_graph *graph = store ? duet_graph_new(store) : NULL;
    duet_check_begin(row, group->name);
    duet_status status = arena.values && probes && graph
                             ? run_all(device, graph, group, probes, &arena, row, error)
                             : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the checks");
    for (size_t i = 0; i < group->count && probes; i++) {
        duet_plan_free(&probes[i].plan);
        duet_trial_free(&probes[i].trial);
    }
    duet_graph_free(&graph);
    duet_store_free(&store);
    free(probes);
    free(arena.values);
    return status;
}
