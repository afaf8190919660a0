/* SPDX-License-Identifier: MIT */
/* A plan is a graph made ready for one device: fusion, memory and kernel choices happen once; what is left is a flat
 * list of launches. Replaying it allocates nothing, creates nothing and waits for nothing. */
#ifndef DUET_PLAN_H
#define DUET_PLAN_H

#include "device.h"
#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct duet_plan duet_plan;

/** Plans the computation of `roots`: values to read and assignments to perform. Allocates and fills the variables it
 *  touches where they have no memory yet, and builds the programs. Graph, store and device must outlive the plan.
 *  Errors: the graph's first mistake (DUET_ERROR_GRAPH), DUET_ERROR_MEMORY, DUET_ERROR_DEVICE. */
DUET_API duet_status duet_plan_new(duet_plan **plan, duet_device *device, const char *name, const duet_node *roots,
                                   size_t count, duet_error *error);

/** Several plans that never run at the same time: they share one arena and their programs, which costs fewer builds.
 * plans[i] computes roots[i][0..counts[i]). */
DUET_API duet_status duet_plan_new_many(duet_plan **plans, size_t plan_count, duet_device *device,
                                        const char *const *names, const duet_node *const *roots, const size_t *counts,
                                        duet_error *error);
DUET_API void duet_plan_free(duet_plan **plan);

/** Fills an input; `bytes` must be its size. Waits until the copy is done. */
DUET_API duet_status duet_plan_write(duet_plan *plan, duet_node input, const void *values, size_t bytes,
                                     duet_error *error);
/** Enqueues one run of the plan and returns at once. DUET_ERROR_USAGE while an input was never written. */
DUET_API duet_status duet_plan_replay(duet_plan *plan, duet_error *error);
/** Copies a root's value out; `bytes` must be its size. Waits for the replays before it; DUET_ERROR_USAGE before the
 *  first one, but for variables and inputs that were written. */
DUET_API duet_status duet_plan_read(duet_plan *plan, duet_node root, void *values, size_t bytes, duet_error *error);

/** Launches a replay enqueues. */
DUET_API size_t duet_plan_launches(const duet_plan *plan);
/** Bytes of intermediate tensors, after sharing. */
DUET_API size_t duet_plan_arena_bytes(const duet_plan *plan);
/** The OpenCL C source generated for the plan (for learners and tests). Valid while the plan lives. */
DUET_API const char *duet_plan_source(const duet_plan *plan);

#ifdef __cplusplus
}
#endif

#endif
