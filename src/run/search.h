/* SPDX-License-Identifier: MIT */
/* Rows searched among the training examples of a run's data, by one rank or by all that share the run. */
#ifndef DUET_SRC_RUN_SEARCH_H
#define DUET_SRC_RUN_SEARCH_H

#include "run/order.h"
#include "run/run.h"

/** The training example that is nearest to a row. */
typedef struct duet_neighbour {
    uint64_t number; /* as size_t SIZE_MAX: none */
    double distance; /* squared; infinite: none is near, as to a row of NaNs */
    uint64_t lot;    /* 0 unless lots are drawn; of equally near ones the lowest has won */
} duet_neighbour;

/** A search among some of the training examples: all, or those of a rank. */
typedef struct duet_search {
    duet_run *run;
    const float *rows; /* [count, numbers of an example] */
    size_t count;
    bool draws;             /* equally near examples draw lots; else the first of them counts */
    const size_t *left_out; /* [count]: the number of the example that the row is itself; NULL: none is */
    duet_part part;
    const volatile int *stop; /* NULL: it does not look */
    duet_neighbour *found;    /* [count] */
} duet_search;

/** It uses the run's data and device, not its ranks. */
duet_status duet_search_part(const duet_search *search, duet_error *error);
/** Which of `total` training examples fall to a rank. */
duet_part duet_search_part_of(size_t total, const duet_ranks *ranks, size_t rank);

/** found [count]: the nearest training examples of rows, as duet_search_part finds them among all, by all ranks that
 *  share the run if there are any and the examples are more than a piece. `draws`, `left_out` as in duet_search. */
duet_status duet_run_nearest(duet_run *run, const float *rows, size_t count, bool draws, const size_t *left_out,
                             duet_neighbour *found, duet_error *error);

#endif
