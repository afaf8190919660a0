/* SPDX-License-Identifier: MIT */
/* Whether an optimiser that a program made can be meant, and its loss: what would raise the loss, end in NaN or move
 * nothing is a mistake, and found here rather than in the figures. A rate of 0 rests its groups, and may be meant. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "duet/nn.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "nn/optimiser.h"

/* Each lies from 0 to `most`: a decay below 1, what has no bound at `unlimited`. */
static const double decay = 0.999999, unlimited = 1e30;

typedef struct range {
    const char *name;
    size_t offset;
    const double *most;
} range;

#define NUMBER(field, most)                                                                                            \
    {                                                                                                                  \
#field, offsetof(duet_optimiser, field), most                                                                  \
    }
static const range ranges[] = {
    NUMBER(learning_rate, &unlimited), NUMBER(beta1, &decay),          NUMBER(beta2, &decay),
    NUMBER(momentum, &decay),          NUMBER(epsilon, &unlimited),    NUMBER(weight_decay, &unlimited),
    NUMBER(clip_norm, &unlimited),     NUMBER(rate_final, &unlimited), NUMBER(clip_update, &unlimited),
    NUMBER(clip_weights, &unlimited),  NUMBER(average, &decay),        NUMBER(average_warm_up, &unlimited),
};

static bool find_number(const duet_optimiser *optimiser, char *words, size_t size)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const double number = *(const double *)(const void *)((const char *)optimiser + ranges[i].offset);
        const double most = *ranges[i].most;
        if (number >= 0 && number <= most) continue;
        if (most < 1)
            snprintf(words, size, "%s is %g, and a decay from 0 to below 1 was expected", ranges[i].name, number);
        else
            snprintf(words, size, "%s is %g, and a number from 0 on was expected", ranges[i].name, number);
        return true;
    }
    return false;
}

bool duet_optimiser_is_wrong(const duet_optimiser *optimiser, char *words, size_t size)
{
    const bool adam = optimiser->kind == DUET_ADAM || optimiser->kind == DUET_ADAMW;
    const int kind = (int)optimiser->kind, schedule = (int)optimiser->schedule;
    if (kind < 0 || optimiser->kind > DUET_ADAMW)
        snprintf(words, size, "there is no optimiser %d", kind);
    else if (schedule < 0 || optimiser->schedule > DUET_RATE_STEP)
        snprintf(words, size, "there is no schedule of rates %d", schedule);
    else if (adam && optimiser->momentum != 0)
        snprintf(words, size, "momentum is %g, and Adam has none: its beta1 is what was expected", optimiser->momentum);
    else if (optimiser->schedule != DUET_RATE_CONSTANT && optimiser->rate_steps == 0)
        snprintf(words, size, "rate_steps is 0, and a schedule takes so many updates: 1 or more were expected");
    else if (optimiser->schedule == DUET_RATE_CONSTANT && optimiser->rate_steps > 0)
        snprintf(words, size, "rate_steps is %" PRIu64 ", and a constant rate takes none: a schedule was expected",
                 optimiser->rate_steps);
    else if (optimiser->average == 0 && optimiser->average_warm_up > 0)
        snprintf(words, size, "average_warm_up is %g, and nothing is averaged: an average above 0 was expected",
                 optimiser->average_warm_up);
    else
        return find_number(optimiser, words, size);
    return true;
}

bool duet_gradient_reaches(duet_node loss, duet_node of, const duet_group *group, bool *reached)
{
    for (size_t id = 0; id <= loss->id; id++) {
        duet_node node = duet_graph_at(loss->graph, id);
        const duet_variable *variable = node->attributes.object;
        reached[id] =
            node == of || (group != NULL && node->op == &duet_op_variable && variable->storage == group->storage);
        for (size_t i = 0; i < node->input_count && !node->op->blocks_gradient; i++)
            reached[id] |= reached[node->inputs[i]->id];
    }
    return reached[loss->id];
}

void duet_loss_check(const char *where, const char *what, duet_node loss, const duet_group *group)
{
    bool *reached = calloc(loss->id + 1, sizeof *reached);
    if (reached == NULL)
        duet_graph_refuse(loss->graph, DUET_ERROR_MEMORY, "out of memory for an update");
    else if (!duet_gradient_reaches(loss, NULL, group, reached))
        duet_graph_fail_at(where, loss->graph,
                           "%s does not depend on the parameters of the group \"%s\", which it would never move", what,
                           group->name);
    free(reached);
}
