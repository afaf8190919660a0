/* SPDX-License-Identifier: MIT */
/* Explaining plans: what the plan hands to explain.c, names that a model gives its values, and nodes in words. */
#ifndef DUET_SRC_PLAN_EXPLAIN_H
#define DUET_SRC_PLAN_EXPLAIN_H

#include "duet/explain.h"
#include "plan/lower.h"

/** A plan's insides, borrowed (plan.c). */
typedef struct duet_plan_parts {
    const char *name;
    const duet_lowering *lowering;
    const duet_launch_list *launches;
    const size_t *slab_bytes;
    size_t slab_count;
} duet_plan_parts;

duet_plan_parts duet_plan_open(const duet_plan *plan);

/** A name that the model has for a value: "batch", "loss", a report. */
typedef struct duet_node_name {
    duet_node node;
    const char *name;
} duet_node_name;

/** As duet_plan_explain, with names for values. */
duet_status duet_plan_explain_named(const duet_plan *plan, const duet_node_name *names, size_t count,
                                    duet_explanation *explanation, duet_error *error);

/** Names a node, or gives NULL to have it spelt out. Nodes come as duet_node_in_memory gives them. */
typedef const char *(*duet_name_function)(const void *context, duet_node node);

/** "relu(batch @ encoder.hidden1.weight^T + encoder.hidden1.bias)": what the node computes; only what it is made of is
 *  named. Cut short with "..." where `size` ends. Returns `text`. (words.c) */
char *duet_node_words(duet_node node, duet_name_function name, const void *context, char *text, size_t size);

#endif
