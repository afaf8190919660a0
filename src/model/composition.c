/* SPDX-License-Identifier: MIT */
/* Checksums of what a build function composed: ops, shapes, constants and names as they hang together. Nothing of it
 * follows from addresses, devices, how nodes are lowered or the order in which they were made, but for random nodes,
 * which differ by how many were made before; what nothing asked for reads does not count. Examples and their labels are
 * taken as they come. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "model/model.h"
#include "op/op.h"

static uint64_t add_number(uint64_t sum, uint64_t number)
{
    return duet_checksum_add(sum, &number, sizeof number);
}

static uint64_t add_real(uint64_t sum, double number)
{
    return duet_checksum_add(sum, &number, sizeof number);
}

/* With its end, so that of two texts side by side it shows where the one ends. */
static uint64_t add_text(uint64_t sum, const char *text)
{
    return text == NULL ? add_number(sum, 0) : duet_checksum_add(sum, text, strlen(text) + 1);
}

static uint64_t add_shape(uint64_t sum, duet_node node)
{
    sum = add_number(add_number(sum, (uint64_t)node->type), node->shape.rank);
    for (size_t i = 0; i < node->shape.rank; i++) sum = add_number(sum, node->shape.dims[i]);
    return sum;
}

static uint64_t sum_prior(const duet_build *build)
{
    uint64_t sum = add_text(DUET_CHECKSUM_BEGIN, "latent");
    for (size_t i = 0; i < build->prior_count; i++) {
        const duet_prior *part = &build->prior[i];
        sum = add_number(add_number(sum, (uint64_t)part->kind), part->features);
        sum = add_number(add_real(add_real(sum, part->location), part->scale), part->components);
        if (part->centres != NULL)
            sum = duet_checksum_add(sum, part->centres, part->components * part->features * sizeof *part->centres);
    }
    return sum;
}

/* What an op's object is called; NULL: it has none, or one that follows from the inputs. */
static const char *name_of(duet_node node)
{
    if (node->op->kind == DUET_OP_VARIABLE) return ((const duet_variable *)node->attributes.object)->name;
    return node->op->kind == DUET_OP_INPUT ? node->attributes.object : NULL;
}

/* The graph has the operands of a + b in the order in which they were made, which C leaves open for a call's arguments:
 * they count in the order of their sums. */
static uint64_t add_inputs(uint64_t sum, duet_node node, const uint64_t *sums)
{
    const bool swaps = duet_op_commutes(node->op) && sums[node->inputs[0]->id] > sums[node->inputs[1]->id];
    for (size_t i = 0; i < node->input_count; i++) sum = add_number(sum, sums[node->inputs[swaps ? 1 - i : i]->id]);
    return sum;
}

/* How a parameter of a group that is in no checkpoint starts, such as a projection at random, is what it is. Others are
 * what their checkpoint says; zeros are what duet_scratch gives too, and say nothing. */
static uint64_t add_start(uint64_t sum, duet_node node)
{
    const duet_variable *variable = node->attributes.object;
    if (node->op->kind != DUET_OP_VARIABLE || !variable->optimised) return sum;
    if (variable->storage->store == duet_graph_store(node->graph)) return sum;
    if (variable->start.kind == DUET_INIT_CONSTANT && variable->start.scale == 0) return sum;
    sum = add_real(add_number(sum, (uint64_t)variable->start.kind), (double)variable->start.scale);
    return add_number(add_number(sum, variable->start.fan_in), variable->start.fan_out);
}

static uint64_t sum_node(duet_node node, const uint64_t *sums)
{
    uint64_t sum = add_shape(add_text(add_text(DUET_CHECKSUM_BEGIN, node->op->name), name_of(node)), node);
    sum = add_start(sum, node);
    for (size_t i = 0; i < sizeof node->attributes.number / sizeof *node->attributes.number; i++)
        sum = add_real(sum, node->attributes.number[i]);
    for (size_t i = 0; i < DUET_MAX_RANK; i++) sum = add_number(sum, node->attributes.size[i]);
    return add_inputs(sum, node, sums);
}

uint64_t *duet_build_sums(const duet_build *build)
{
    const size_t count = duet_graph_count(build->graph);
    uint64_t *sums = calloc(count + 1, sizeof *sums);
    for (size_t id = 0; sums != NULL && id < count; id++) {
        const duet_node node = duet_graph_at(build->graph, id);
        if (node == build->batch || node == build->labels)
            sums[id] = add_shape(add_text(DUET_CHECKSUM_BEGIN, node == build->batch ? "batch" : "labels"), node);
        else if (node == build->latent)
            sums[id] = add_shape(sum_prior(build), node);
        else
            sums[id] = sum_node(node, sums);
    }
    return sums;
}

/* `own`: of an optimiser that the family chose; settings choose the others, and are compared as such. Without what
 * duet_setting_is_rate lets a training that goes on change, which the family may take from settings. */
static uint64_t add_optimiser(uint64_t sum, const duet_optimiser *own)
{
    const double numbers[] = {own->beta1,        own->beta2,        own->momentum,
                              own->epsilon,      own->weight_decay, own->clip_update,
                              own->clip_weights, own->average,      own->average_warm_up};
    return duet_checksum_add(add_number(sum, (uint64_t)own->kind), numbers, sizeof numbers);
}

/* What a phase does: reports and names are said of it, and do nothing. */
static uint64_t add_phase(uint64_t sum, const duet_phase_description *phase, const uint64_t *sums)
{
    sum = add_number(add_number(sum, phase->repeats), phase->every);
    sum = add_number(sum, (uint64_t)phase->shares | (uint64_t)phase->owns_moments << 1 |
                              (uint64_t)phase->has_optimiser << 2);
    if (phase->has_optimiser) sum = add_optimiser(sum, &phase->optimiser);
    for (size_t i = 0; i < phase->objective_count; i++) {
        const duet_objective *objective = &phase->objectives[i];
        sum = add_number(sum, sums[objective->loss->id]);
        sum = add_number(sum, objective->gate == NULL ? 0 : sums[objective->gate->id]);
        for (size_t g = 0; g < objective->group_count; g++) sum = add_text(sum, duet_group_name(objective->groups[g]));
    }
    for (size_t i = 0; i < phase->assign_count; i++) {
        sum = add_number(sum, sums[phase->assigns[i].target->id]);
        sum = add_number(sum, sums[phase->assigns[i].value->id]);
    }
    return sum;
}

static uint64_t add_phases(uint64_t sum, const duet_procedure_description *procedure, const uint64_t *sums)
{
    for (size_t i = 0; i < procedure->phase_count; i++) sum = add_phase(sum, &procedure->phases[i], sums);
    return add_number(sum, procedure->rounds);
}

uint64_t duet_build_sum_output(const duet_build *build, const uint64_t *sums,
                               const duet_procedure_description *procedure, duet_node value)
{
    const bool trains = procedure == &build->procedures[0]; /* its outputs need no replay of its phases */
    const uint64_t sum = add_number(DUET_CHECKSUM_BEGIN, sums[value->id]);
    return trains ? sum : add_phases(sum, procedure, sums);
}

uint64_t duet_build_sum_training(const duet_build *build, const uint64_t *sums)
{
    const duet_follower *it;
    uint64_t followers = 0; /* added up, as their order means nothing */
    for (size_t i = 0; (it = duet_graph_follower(build->graph, i)) != NULL; i++) {
        const uint64_t sum = add_number(add_number(DUET_CHECKSUM_BEGIN, sums[it->state->id]), sums[it->value->id]);
        followers += add_real(add_number(sum, sums[it->trigger->id]), it->keep);
    }
    return add_number(add_phases(DUET_CHECKSUM_BEGIN, &build->procedures[0], sums), followers);
}
