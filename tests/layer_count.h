/* SPDX-License-Identifier: MIT */
/* What the counting layer (layer_count.c) and the tests that read it agree on. The layer is a module of its own: a test
 * finds layer_counts() in it by dlsym. */
#ifndef DUET_TESTS_LAYER_COUNT_H
#define DUET_TESTS_LAYER_COUNT_H

#include <stddef.h>
#include <stdint.h>

typedef enum layer_kind {
    LAYER_BUFFERS,   /* made */
    LAYER_OBJECTS,   /* made: contexts, queues, programs, kernels, user events */
    LAYER_ARGUMENTS, /* of kernels, set */
    LAYER_TRANSFERS, /* reads, writes, copies, fills, maps */
    LAYER_WAITS,     /* finish, wait for events, blocking transfers */
    LAYER_EVENTS,    /* asked for by an enqueue */
    LAYER_LAUNCHES,
    LAYER_KINDS
} layer_kind;

typedef enum layer_caller { LAYER_OURS, LAYER_CLBLAST, LAYER_CALLERS } layer_caller;

typedef struct layer_tally {
    uint64_t step;                              /* set by the test: events are remembered with it */
    uint64_t count[LAYER_CALLERS][LAYER_KINDS]; /* since the test last set them to 0 */
    uint64_t nearest_wait;                      /* how many steps back the newest event waited for was; a finish: 0 */
} layer_tally;

typedef layer_tally *layer_counts_function(void);

#endif
