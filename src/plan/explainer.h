/* SPDX-License-Identifier: MIT */
/* Shared by the two halves of explaining a plan: explain.c (launches) and explain_memory.c (buffers and tensors). */
#ifndef DUET_SRC_PLAN_EXPLAINER_H
#define DUET_SRC_PLAN_EXPLAINER_H

#include "plan/explain.h"

/** One explanation being made. */
typedef struct duet_explainer {
    duet_plan_parts plan;
    const duet_lowering *lowering;
    const duet_node_name *names;
    size_t name_count;
    duet_explanation *made;
    duet_explained_memory *memories;
    duet_explained_tensor *tensors;
    duet_explained_variable *variables;
    duet_explained_launch *launches;
    size_t memory_count, tensor_count, variable_count;
    int *index_of;              /* by tensor of the lowering: its place in `tensors`, or DUET_NO_TENSOR */
    size_t *first_of, *last_of; /* by turn: its launches */
    bool failed;
} duet_explainer;

/** A copy that the explanation owns; "" if memory is short. */
const char *duet_explainer_text(duet_explainer *e, const char *text);
/** The model's own name for a node in memory, or NULL. */
const char *duet_explainer_name(const duet_explainer *e, duet_node node);

/** Numbers the tensors that some step uses: fills index_of and tensor_count. */
void duet_explainer_mark(duet_explainer *e);
/** The most variables that the plan's memories hold. */
size_t duet_explainer_variables(const duet_lowering *lowering);
/** Fills tensors, memories and variables. */
void duet_explainer_tensors(duet_explainer *e);

#endif
