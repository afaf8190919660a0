/* SPDX-License-Identifier: MIT */
/* What `duet explain` shows, and its forms: text, Graphviz, JSON, kernels. */
#ifndef DUET_SRC_CLI_EXPLAIN_H
#define DUET_SRC_CLI_EXPLAIN_H

#include "duet.h"

/** A model's training step on a device. */
typedef struct cli_step {
    duet_device *device;
    duet_data *data;
    duet_model *model;
    duet_trainer *trainer;
    duet_ranks *ranks; /* that share the batch, on paper; NULL: none */
    size_t batch;
    duet_explained_phase *phases;
    size_t count;
    duet_explained_use *uses;
    size_t use_count;
} cli_step;

/** Totals over launches. */
typedef struct cli_work {
    size_t launches;
    double flops, bytes;
} cli_work;

/** One replay of a phase's plan; all launches, or the products' alone. */
cli_work cli_phase_work(const duet_explained_phase *phase, bool products_only);
/** A whole step, repeats counted. */
cli_work cli_step_work(const cli_step *step, bool products_only);

/** The arena as all phases share it. */
typedef struct cli_arena {
    size_t slabs, tensors;
    uint64_t bytes;    /* of the slabs */
    uint64_t unshared; /* bytes if no two tensors shared memory */
} cli_arena;

cli_arena cli_step_arena(const cli_step *step);
bool cli_in_arena(const duet_explanation *plan, const duet_explained_tensor *tensor);

/** The next memory of a step, each buffer once although several phases use it; NULL past the end. Start with
 *  *phase = *index = 0. */
const duet_explained_memory *cli_next_memory(const cli_step *step, size_t *phase, size_t *index);
/** The plan that lists the variables of the memory just returned. */
const duet_explanation *cli_memory_plan(const cli_step *step, size_t phase);

/** "[128, 784]"; returns `text`. */
const char *cli_shape(duet_shape shape, char text[96]);
/** "adam"; the name of an optimiser's kind. Returns `text`. */
const char *cli_optimiser_name(const duet_optimiser *optimiser, char text[32]);

/** Each prints the whole step on standard output and returns an exit status. */
int cli_explain_text(const cli_step *step);
int cli_explain_dot(const cli_step *step);
int cli_explain_players(const cli_step *step);
int cli_explain_json(const cli_step *step);
int cli_explain_source(const cli_step *step);
/** The code that an offline compiler makes of the kernels (all, or those that `kernel` names) of a step planned on paper. */
int cli_explain_isa(const cli_step *step, const char *kernel);

#endif
