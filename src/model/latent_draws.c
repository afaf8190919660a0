/* SPDX-License-Identifier: MIT */
/* Whether a training draws what it gives to the layers of the latent from the prior that use draws the latent from: two
 * records of one fact, which a build function says in two places. */
#include "model/latent_draws.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/node.h"
#include "model/multiple.h"

/* Normal or uniform numbers, and what lies between both: a deviation to both sides of the mean, or all of them. */
typedef struct spread {
    const char *name; /* of the op that draws them; NULL: others, or not draws alone */
    double low, high;
} spread;

static spread spread_of(duet_node node)
{
    duet_multiple of = {1, 0};
    for (; node != NULL; node = duet_multiple_step(node, &of)) {
        const bool normal = strcmp(node->op->name, "normal") == 0;
        if (!normal && strcmp(node->op->name, "uniform") != 0) continue;
        const double one = normal ? of.term - of.factor : of.term, other = of.term + of.factor;
        return (spread){node->op->name, fmin(one, other), fmax(one, other)};
    }
    return (spread){0};
}

static bool is_of_prior(spread it, const duet_prior *prior)
{
    const double close = 1e-3 * prior->scale;
    const char *name = prior->kind == DUET_PRIOR_NORMAL ? "normal" : prior->kind == DUET_PRIOR_UNIFORM ? "uniform" : "";
    return strcmp(it.name, name) == 0 && fabs(it.low - (prior->location - prior->scale)) <= close &&
           fabs(it.high - (prior->location + prior->scale)) <= close;
}

static bool is_product(duet_node node)
{
    return node->op->kind == DUET_OP_MATMUL || node->op->kind == DUET_OP_CONVOLUTION;
}

/* What `of_training` has in the place of the latent, where both are made alike but for it; NULL: they are not. */
static duet_node find_in_place(duet_node latent, const bool *reads_latent, duet_node of_use, duet_node of_training)
{
    duet_node found = NULL;
    if (of_use == latent) return of_training;
    if (!reads_latent[of_use->id] || of_use->op != of_training->op || is_product(of_use)) return NULL;
    for (size_t i = 0; found == NULL && i < of_use->input_count && i < of_training->input_count; i++)
        found = find_in_place(latent, reads_latent, of_use->inputs[i], of_training->inputs[i]);
    return found;
}

/* What the training gives to a layer of the latent, as often as one is the prior's, or of what is no mere draw. */
static bool gives_as_prior(const duet_build *build, const bool *reads_latent, duet_node layer, duet_node *other)
{
    for (size_t i = 0; i < duet_graph_count(build->graph); i++) {
        duet_node node = duet_graph_at(build->graph, i);
        if (reads_latent[i] || node->op != layer->op || node->inputs[1] != layer->inputs[1]) continue;
        duet_node given = find_in_place(build->latent, reads_latent, layer->inputs[0], node->inputs[0]);
        if (given == NULL) continue;
        const spread it = spread_of(given);
        if (it.name == NULL || is_of_prior(it, build->prior)) return true;
        *other = given;
    }
    return false;
}

void duet_latent_draws_check(duet_model *model)
{
    const duet_build *build = model->build;
    if (build->latent == NULL || build->options.mode != DUET_BUILD_TRAIN || build->prior_count != 1 ||
        duet_graph_mistake(build->graph)->status != DUET_OK)
        return;
    bool *reads_latent = duet_build_dependents(build, &build->latent, 1);
    duet_node other = NULL;
    bool as_prior = false;
    for (size_t i = 0; reads_latent != NULL && !as_prior && i < duet_graph_count(build->graph); i++) {
        duet_node layer = duet_graph_at(build->graph, i);
        as_prior = reads_latent[i] && is_product(layer) && gives_as_prior(build, reads_latent, layer, &other);
    }
    if (reads_latent == NULL) duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a model");
    free(reads_latent);
    if (as_prior || other == NULL) return;
    const spread it = spread_of(other);
    const bool normal = strcmp(it.name, "normal") == 0;
    duet_model_warn(
        model,
        "%s: the training draws %s numbers %s %g %s %g for the layers that use gives the latent to, whose "
        "prior is another one: what is drawn then is not what was learnt; say the same prior in both places",
        other->where, it.name, normal ? "of mean" : "from", normal ? (it.low + it.high) / 2 : it.low,
        normal ? "and deviation" : "to", normal ? (it.high - it.low) / 2 : it.high);
}
