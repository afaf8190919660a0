/* SPDX-License-Identifier: MIT */
/* What the tests of models share: built-in families over known parameters, their graphs planned together so that a
 * table of models costs one build of kernels. */
#ifndef DUET_TESTS_MODEL_PARTS_H
#define DUET_TESTS_MODEL_PARTS_H

#include "train_models.h"
#include "workshop.h"

#include "graph/variable.h"
#include "model/model.h"

#define SETTINGS(...) (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

/** One graph of a model and the values of it that a test looks at. */
typedef struct test_graph {
    duet_device *device;
    duet_data *data;
    duet_model *model;
    duet_build *build;
    duet_plan *plan;
    duet_node roots[16];
    size_t count;
} test_graph;

static inline void test_graph_open(test_graph *it, duet_device *on, duet_build_mode mode, size_t batch,
                                   const char *family, const char *data, const char *const *settings, size_t count)
{
    duet_error error = {0};
    *it = (test_graph){.device = on};
    assert_ok(duet_data_open(&it->data, data, &error), &error);
    assert_ok(duet_model_new(&it->model, duet_family_find(family), it->data, settings, count, 7, &error), &error);
    assert_ok(duet_model_build(it->model, mode, batch, &it->build, &error), &error);
}

static inline void test_graph_close(test_graph *it)
{
    duet_plan_free(&it->plan);
    duet_build_free(&it->build);
    duet_model_free(&it->model);
    duet_data_close(&it->data);
}

/** Looks at one more node; returns its place among the roots. */
static inline size_t test_graph_watch(test_graph *it, duet_node node)
{
    assert_true(it->count < sizeof it->roots / sizeof *it->roots);
    it->roots[it->count] = node;
    return it->count++;
}

/** The node that a phase reports under `name`. */
static inline duet_node test_graph_report(const test_graph *it, const char *name)
{
    for (size_t p = 0; p < it->build->procedures[0].phase_count; p++)
        for (size_t i = 0; i < it->build->procedures[0].phases[p].report_count; i++)
            if (!strcmp(it->build->procedures[0].phases[p].reports[i].name, name))
                return it->build->procedures[0].phases[p].reports[i].value;
    fail_msg("nothing is reported as \"%s\"", name);
    return NULL;
}

static inline duet_variable *test_variable(duet_model *model, const char *name)
{
    duet_variable *variable = duet_store_find(duet_model_store(model), name);
    if (!variable) fail_msg("there is no variable \"%s\"", name);
    return variable;
}

/** The derivative of a loss by a parameter. */
static inline duet_node test_graph_gradient(const test_graph *it, duet_node loss, const char *parameter)
{
    duet_node wrt = duet_variable_node(it->build->graph, test_variable(it->model, parameter)), gradient;
    duet_grad(loss, &wrt, 1, &gradient);
    return gradient;
}

/** Plans what is watched of all of them as one program. */
static inline void test_graphs_plan(test_graph *graphs, size_t count)
{
    enum { MOST = 16 };
    duet_error error = {0};
    duet_plan *plans[MOST];
    const char *names[MOST];
    const duet_node *roots[MOST];
    size_t counts[MOST];
    assert_in_range(count, 1, MOST);
    for (size_t i = 0; i < count; i++) {
        names[i] = "watch";
        roots[i] = graphs[i].roots;
        counts[i] = graphs[i].count;
    }
    assert_ok(duet_plan_new_many(plans, count, graphs[0].device, names, roots, counts, &error), &error);
    for (size_t i = 0; i < count; i++) graphs[i].plan = plans[i];
}

static inline void test_graph_run(test_graph *it)
{
    duet_error error = {0};
    assert_ok(duet_plan_replay(it->plan, &error), &error);
}

static inline void test_graph_read(test_graph *it, size_t root, float *values, size_t count)
{
    duet_error error = {0};
    assert_ok(duet_plan_read(it->plan, it->roots[root], values, count * sizeof *values, &error), &error);
}

/** A watched scalar. */
static inline double test_graph_value(test_graph *it, size_t root)
{
    float value = NAN;
    test_graph_read(it, root, &value, 1);
    return value;
}

/** Writes value(i) = first + i * step into a variable's elements. */
static inline void test_set_row(duet_model *model, duet_device *on, const char *name, double first, double step)
{
    duet_error error = {0};
    size_t count = test_variable(model, name)->elements;
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) values[i] = (float)(first + (double)i * step);
    assert_ok(duet_store_write(duet_model_store(model), on, name, values, count * sizeof *values, &error), &error);
    free(values);
}

static inline void test_set(duet_model *model, duet_device *on, const char *name, double value)
{
    test_set_row(model, on, name, value, 0);
}

static inline void test_set_count(duet_model *model, duet_device *on, const char *name, uint32_t value)
{
    duet_error error = {0};
    assert_ok(duet_store_write(duet_model_store(model), on, name, &value, sizeof value, &error), &error);
}

/** A variable's numbers; the caller frees them. */
static inline float *test_get(duet_model *model, duet_device *on, const char *name, size_t *count)
{
    duet_error error = {0};
    *count = test_variable(model, name)->elements;
    float *values = malloc(*count * sizeof *values);
    assert_non_null(values);
    assert_ok(duet_store_read(duet_model_store(model), on, name, values, *count * sizeof *values, &error), &error);
    return values;
}

enum { WARNINGS = 2048 };

/* All of them, a line each. */
static inline const char *warnings_of(const duet_build *build, char said[WARNINGS])
{
    said[0] = '\0';
    for (size_t i = 0; i < build->warning_count; i++) {
        const size_t used = strlen(said);
        (void)snprintf(said + used, WARNINGS - used, "%s\n", build->warnings[i]);
    }
    return said;
}

static inline double test_softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static inline double test_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/** The mean of `count` numbers; *error_of_mean its standard error (NULL: not wanted). */
static inline double test_mean(const float *values, size_t count, double *error_of_mean)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) sum += values[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) squares += (values[i] - mean) * (values[i] - mean);
    if (error_of_mean) *error_of_mean = sqrt(squares / (double)(count - 1) / (double)count);
    return mean;
}

#endif
