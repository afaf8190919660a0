/* SPDX-License-Identifier: MIT */
/* Optimisers as graph: each reads like the paper's update over the group's flat block, and fusion makes it one launch.
 * Scalars that change from step to step (the rate, bias corrections) are computed from the group's counter on the
 * device. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "duet/nn.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "nn/names.h"
#include "nn/optimiser.h"
#include "op/deal.h"
#include "op/where.h"

/* One update being composed. */
typedef struct update {
    const char *where;
    duet_graph *graph;
    duet_group *group;
    const duet_optimiser *optimiser;
    duet_node parameters, gradient; /* flat */
    duet_node rate, time, done; /* scalars: the learning rate; this update's number, from 1; the updates before it */
    duet_node gate, active;     /* scalars or NULL: gate scales the step; active 0 leaves everything as it is */
    duet_node *roots;
    size_t root_count;
    duet_node *norm; /* receives how far the update goes; NULL: nobody asks */
} update;

static duet_node fail(update *u, const duet_error *error)
{
    char what[160];
    snprintf(what, sizeof what, "optimiser of \"%.120s\"", u->group->name);
    duet_graph_take(u->where, u->graph, what, error);
    return duet_node_broken(u->graph);
}

static duet_node flat(update *u, duet_storage *storage, const char *name)
{
    duet_error error = {0};
    duet_variable *variable = duet_variable_flat(u->group->store, storage, name, &error);
    return variable == NULL ? fail(u, &error) : duet_variable_node(u->graph, variable);
}

duet_status duet_group_slot(duet_group *group, const char *name, duet_variable **whole, duet_error *error)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_store *store = group->store;
    char full[224];
    snprintf(full, sizeof full, "%s.%s.flat", group->name, name);
    duet_variable *found = duet_store_find(store, full), *parameter;
    if (found == NULL) {
        duet_storage *storage = duet_storage_new(store, DUET_FLOAT32);
        if (storage == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for \"%s\"", full);
        for (size_t i = 0; (parameter = duet_store_at(store, i)) != NULL; i++) {
            char part[256];
            if (parameter->storage != group->storage || !parameter->saved) continue;
            snprintf(part, sizeof part, "%s.%s", parameter->name, name);
            if (duet_variable_new(store, storage, part, parameter->shape, zero, error) == NULL)
                return DUET_ERROR_MEMORY;
        }
        found = duet_variable_flat(store, storage, full, error);
        if (found == NULL) return DUET_ERROR_MEMORY;
    }
    if (whole != NULL) *whole = found;
    return DUET_OK;
}

/* A block beside the group's parameters, as a flat row. */
static duet_node slot(update *u, const char *name)
{
    duet_error error = {0};
    duet_variable *variable;
    if (duet_group_slot(u->group, name, &variable, &error) != DUET_OK) return fail(u, &error);
    return duet_variable_node(u->graph, variable);
}

/* A block of this optimiser's own. */
static duet_node moment(update *u, const char *name)
{
    char full[64];
    if (u->optimiser->name == NULL) return slot(u, name);
    snprintf(full, sizeof full, "%s.%s", u->optimiser->name, name);
    return slot(u, full);
}

static void take(update *u, duet_node variable, duet_node value)
{
    const char *where = u->where;
    if (u->active != NULL) value = duet_select(u->active, value, variable);
    u->roots[u->root_count++] = duet_assign(variable, value);
}

/* What the average keeps of itself in this update. */
static duet_node average_decay(update *u)
{
    const char *where = u->where;
    duet_node decay = duet_constant(u->graph, u->optimiser->average);
    if (u->optimiser->average_warm_up <= 0) return decay;
    duet_node early = duet_divide(duet_shift(u->done, 1), duet_shift(u->done, u->optimiser->average_warm_up));
    return duet_minimum(decay, early);
}

/* The average begins as the parameters after the first update, and then is an exponential mean of them. */
static void keep_average(update *u, duet_node next)
{
    const char *where = u->where;
    duet_node average = slot(u, DUET_AVERAGE_SLOT), is_first = duet_equal(u->done, duet_constant(u->graph, 0));
    duet_node decay = average_decay(u), fresh = duet_shift(duet_negate(decay), 1);
    duet_node moved = duet_add(duet_multiply(average, decay), duet_multiply(next, fresh));
    take(u, average, duet_select(is_first, next, moved));
}

/* What is added to the parameters, measured if someone asks and scaled down where its norm is above clip_update. */
static duet_node limited(update *u, duet_node change)
{
    const char *where = u->where;
    duet_node norm = duet_sqrt(duet_sum(duet_square(change), DUET_ALL_AXES, false));
    duet_node limit = duet_constant(u->graph, u->optimiser->clip_update), one = duet_constant(u->graph, 1);
    if (u->optimiser->clip_update > 0) {
        change = duet_multiply(change, duet_minimum(duet_divide(limit, duet_shift(norm, 1e-30)), one));
        norm = duet_minimum(norm, limit);
    }
    if (u->norm != NULL) *u->norm = norm;
    return change;
}

/* parameters = from - gate * rate * direction, within clip_update of where they are and within clip_weights */
static void step(update *u, duet_node from, duet_node direction)
{
    const char *where = u->where;
    const duet_optimiser *o = u->optimiser;
    duet_node rate = u->gate == NULL ? u->rate : duet_multiply(u->rate, u->gate);
    duet_node moved = duet_multiply(rate, direction), next = duet_subtract(from, moved);
    if (o->clip_update > 0 || u->norm != NULL) {
        duet_node change = duet_negate(moved);
        if (from != u->parameters) change = duet_subtract(duet_subtract(from, u->parameters), moved);
        change = limited(u, change);
        if (o->clip_update > 0) next = duet_add(u->parameters, change);
    }
    if (o->clip_weights > 0) next = duet_clamp(next, -o->clip_weights, o->clip_weights);
    take(u, u->parameters, next);
    if (o->average > 0) keep_average(u, next);
}

/* share * a + (1 - share) * b: one step of an exponential mean. */
static duet_node mean_of(update *u, double share, duet_node a, duet_node b)
{
    const char *where = u->where;
    return duet_add(duet_scale(a, share), duet_scale(b, 1 - share));
}

static void sgd(update *u)
{
    const char *where = u->where;
    duet_node direction = u->gradient;
    if (u->optimiser->momentum > 0) {
        duet_node velocity = moment(u, "velocity");
        direction = duet_add(duet_scale(velocity, u->optimiser->momentum), direction);
        take(u, velocity, direction);
    }
    step(u, u->parameters, direction);
}

/* Where a gradient has always been 0, as of a dead unit, the root is 0 too, and 0 / 0 would be all that is learnt. */
static duet_node denominator(update *u, duet_node root)
{
    static const double least = 1e-20; /* float32 has no squares of less */
    const char *where = u->where;
    return duet_shift(root, fmax(u->optimiser->epsilon, least));
}

static void rmsprop(update *u)
{
    const char *where = u->where;
    duet_node squares = moment(u, "squares");
    duet_node next = mean_of(u, u->optimiser->beta2, squares, duet_square(u->gradient));
    duet_node direction = duet_divide(u->gradient, denominator(u, duet_sqrt(next)));
    take(u, squares, next);
    if (u->optimiser->momentum > 0) {
        duet_node velocity = moment(u, "velocity");
        direction = duet_add(duet_scale(velocity, u->optimiser->momentum), direction);
        take(u, velocity, direction);
    }
    step(u, u->parameters, direction);
}

/* 1 / (1 - beta^time): one division for all parameters. 1 - beta^time is computed as -(e^x - 1) with x = time *
 * ln(beta). As x is below 0, elu(x) is e^x - 1, and it loses no digits where beta^time is near 1. */
static duet_node bias_correction(update *u, double beta)
{
    const char *where = u->where;
    duet_node remaining = duet_negate(duet_elu(duet_scale(u->time, log(beta)), 1));
    return duet_divide(duet_constant(u->graph, 1), remaining);
}

static void adam_from(update *u, duet_node from)
{
    const char *where = u->where;
    const duet_optimiser *o = u->optimiser;
    duet_node moment1 = moment(u, "moment1"), moment2 = moment(u, "moment2");
    duet_node first = mean_of(u, o->beta1, moment1, u->gradient);
    duet_node second = mean_of(u, o->beta2, moment2, duet_square(u->gradient));
    duet_node mean = o->beta1 > 0 ? duet_multiply(first, bias_correction(u, o->beta1)) : first;
    duet_node deviation = duet_sqrt(o->beta2 > 0 ? duet_multiply(second, bias_correction(u, o->beta2)) : second);
    take(u, moment1, first);
    take(u, moment2, second);
    step(u, from, duet_divide(mean, denominator(u, deviation)));
}

static void adam(update *u)
{
    adam_from(u, u->parameters);
}

static void adamw(update *u)
{
    const char *where = u->where;
    duet_node decay = duet_multiply(u->rate, duet_constant(u->graph, u->optimiser->weight_decay));
    if (u->gate != NULL) decay = duet_multiply(decay, u->gate);
    adam_from(u, duet_subtract(u->parameters, duet_multiply(decay, u->parameters)));
}

#define COMPOSE_ROW(name) name,
static void (*const composers[])(update *u) = {DUET_OPTIMISERS(COMPOSE_ROW)};

const char *duet_optimiser_names(void)
{
    return DUET_NAMES(DUET_OPTIMISERS);
}

const char *duet_rate_schedule_names(void)
{
    return DUET_NAMES(DUET_RATE_SCHEDULES);
}

duet_optimiser duet_adam(double learning_rate)
{
    return (duet_optimiser){
        .kind = DUET_ADAM, .learning_rate = learning_rate, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
}

/* The rate of this update; `done` counts the updates before it. */
static duet_node rate_of(update *u, duet_node done)
{
    const char *where = u->where;
    const duet_optimiser *o = u->optimiser;
    duet_node rate = duet_constant(u->graph, o->learning_rate), one = duet_constant(u->graph, 1);
    if (o->schedule != DUET_RATE_CONSTANT && o->rate_steps > 0) {
        duet_node passed = duet_divide(done, duet_constant(u->graph, (double)o->rate_steps)),
                  share = duet_minimum(passed, one);
        duet_node factor = NULL;
        if (o->schedule == DUET_RATE_LINEAR) factor = share;
        if (o->schedule == DUET_RATE_COSINE)
            factor = duet_scale(duet_subtract(one, duet_cos(duet_scale(share, 3.14159265358979323846))), 0.5);
        if (factor != NULL)
            factor = duet_add(one, duet_scale(factor, o->rate_final - 1));
        else /* rate_final^floor(passed) */
            factor = duet_exp(duet_scale(duet_floor(passed), log(fmax(o->rate_final, 1e-30))));
        rate = duet_multiply(rate, factor);
    }
    if (o->rate_warm_up > 0)
        rate = duet_multiply(rate, duet_minimum(duet_scale(u->time, 1 / (double)o->rate_warm_up), one));
    return rate;
}

duet_node duet_group_gradient_at(const char *where, duet_group *group, duet_node loss)
{
    if (duet_node_is_broken(loss) || group == NULL) return loss;
    duet_store *store = group->store;
    duet_graph *graph = loss->graph;
    size_t count = 0, total = 0;
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(store, i)) != NULL; i++)
        total += variable->storage == group->storage && variable->saved;
    duet_node *parameters = calloc(2 * total + 1, sizeof(duet_node)), *gradients = parameters + total;
    if (parameters == NULL || total == 0) {
        free(parameters);
        duet_graph_fail(graph, "the group \"%s\" has no parameters to update", group->name);
        return duet_node_broken(graph);
    }
    for (size_t i = 0; (variable = duet_store_at(store, i)) != NULL; i++)
        if (variable->storage == group->storage && variable->saved)
            parameters[count++] = duet_variable_node(graph, variable);
    duet_grad(loss, parameters, total, gradients);
    for (size_t i = 0; i < total; i++) gradients[i] = duet_rank_share(where, gradients[i]);
    duet_node packed =
        duet_pack(where, graph, group->storage, duet_storage_flat_elements(group->storage), gradients, total);
    free(parameters);
    return duet_graph_dealer(graph) == NULL ? packed : duet_all_reduce(packed);
}

/* The gradient, scaled down where its norm is above clip_norm. */
static duet_node clip(update *u, duet_node gradient)
{
    const char *where = u->where;
    if (u->optimiser->clip_norm <= 0) return gradient;
    duet_node norm = duet_sqrt(duet_sum(duet_square(gradient), DUET_ALL_AXES, false));
    duet_node limit = duet_constant(u->graph, u->optimiser->clip_norm), one = duet_constant(u->graph, 1);
    return duet_multiply(gradient, duet_minimum(duet_divide(limit, duet_shift(norm, 1e-6)), one));
}

size_t duet_update_at(const char *where, duet_group *group, const duet_optimiser *optimiser, duet_node loss,
                      duet_node gate, duet_node allowed, duet_node roots[8])
{
    if (!duet_node_is_broken(loss) && group != NULL) duet_loss_check(where, "update: the loss", loss, group);
    return duet_update_measured_at(where, group, optimiser, loss, gate, allowed, roots, NULL);
}

size_t duet_update_measured_at(const char *where, duet_group *group, const duet_optimiser *optimiser, duet_node loss,
                               duet_node gate, duet_node allowed, duet_node roots[8], duet_node *norm)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    char name[192], wrong[128];
    roots[0] = loss == NULL ? NULL : duet_node_broken(loss->graph); /* whose plan tells the mistake */
    if (duet_node_is_broken(loss)) return 1;
    if (group == NULL) {
        duet_graph_fail(loss->graph, "update: no group");
        return 1;
    }
    if (duet_optimiser_is_wrong(optimiser, wrong, sizeof wrong)) {
        duet_graph_fail(loss->graph, "the optimiser of \"%s\": %s", group->name, wrong);
        return 1;
    }
    update whole = {.where = where, .graph = loss->graph, .group = group, .optimiser = optimiser, .gate = gate};
    update *u = &whole;
    u->roots = roots;
    u->norm = norm;
    const char *own = optimiser->name == NULL ? "" : optimiser->name, *dot = optimiser->name == NULL ? "" : ".";
    snprintf(name, sizeof name, "%s.%s%supdates", group->name, own, dot);
    duet_node updates = duet_store_state_at(where, u->graph, group->store, name, DUET_UINT32, DUET_SCALAR_SHAPE, zero);
    u->done = duet_to_float(updates);
    u->time = duet_shift(u->done, 1);
    u->rate = rate_of(u, u->done);
    if (gate != NULL) u->active = duet_not_equal(gate, duet_constant(u->graph, 0));
    if (allowed != NULL) u->active = u->active == NULL ? allowed : duet_multiply(u->active, allowed);
    snprintf(name, sizeof name, "%s.flat", group->name);
    u->gradient = clip(u, duet_group_gradient_at(where, group, loss));
    u->parameters = flat(u, group->storage, name);
    if (optimiser->weight_decay > 0 && optimiser->kind != DUET_ADAMW) /* AdamW has its own decay */
        u->gradient = duet_add(u->gradient, duet_scale(u->parameters, optimiser->weight_decay));
    composers[optimiser->kind](u);
    take(u, updates, duet_increment(updates));
    return u->root_count;
}
