/* SPDX-License-Identifier: MIT */
/* Each rank searches whole pieces of the training examples for all rows; rank 0 gives the rows and keeps, of what all
 * have found, the nearest and of equally near ones the one with the lowest lot, or the first. Distances that count are
 * differences in double, which depend on their two rows alone, and a part that begins without what was found in those
 * before it passes over nothing that they would have had it look at. So it does not matter how examples are cut. */
#include "run/search.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "ranks/ranks.h"
#include "run/nearest.h"
#include "run/share.h"

duet_part duet_search_part_of(size_t total, const duet_ranks *ranks, size_t rank)
{
    return duet_part_of(total, DUET_NEAREST_PIECE, ranks, rank);
}

duet_status duet_search_part(const duet_search *search, duet_error *error)
{
    duet_run *run = search->run;
    duet_nearest *nearest;
    const size_t features = duet_shape_elements(duet_data_describe(run->data)->shape);
    for (size_t i = 0; i < search->count; i++) search->found[i] = (duet_neighbour){SIZE_MAX, INFINITY, 0};
    if (search->count == 0 || search->part.count == 0) return DUET_OK;
    DUET_TRY(duet_nearest_new(&nearest, run->device, search->rows, search->count, features, error));
    if (search->draws) duet_nearest_draw_ties(nearest);
    for (size_t i = 0; i < search->count && search->left_out != NULL; i++)
        duet_nearest_leave_out(nearest, i, search->left_out[i]);
    const duet_status status = duet_nearest_show_training(nearest, run->data, search->part, search->stop, error);
    for (size_t i = 0; i < search->count; i++) {
        size_t number;
        (void)duet_nearest_find(nearest, i, &number);
        search->found[i] = (duet_neighbour){number, duet_nearest_distance(nearest, i), duet_nearest_lot(nearest, i)};
    }
    duet_nearest_free(&nearest);
    return status;
}

/* ---- by several ranks ---- */

static duet_status tell(const duet_search *all, duet_error *error)
{
    duet_run *run = all->run;
    duet_order order = {NULL};
    duet_order_add_number(&order, DUET_ORDER_SEARCH);
    duet_order_add_number(&order, (uintptr_t)run);
    duet_order_add_number(&order, all->count);
    duet_order_add_number(&order, all->part.count);
    duet_order_add(&order, duet_data_describe(run->data)->checksum);
    duet_order_add_number(&order, all->draws);
    duet_order_add_number(&order, all->left_out != NULL);
    for (size_t i = 0; i < all->count && all->left_out != NULL; i++) duet_order_add_number(&order, all->left_out[i]);
    const duet_status status = duet_order_give(&order, run->ranks, error);
    duet_order_free(&order);
    if (status != DUET_OK) return status;
    const size_t features = duet_shape_elements(duet_data_describe(run->data)->shape);
    void *rows = (void *)(uintptr_t)all->rows; /* which are only read */
    return duet_ranks_share(run->ranks, rows, all->count * features * sizeof *all->rows, error);
}

static duet_status work(void *context, duet_error *error)
{
    return duet_search_part(context, error);
}

static bool is_before(const duet_neighbour *a, const duet_neighbour *b)
{
    return a->distance < b->distance || (a->distance == b->distance && a->lot < b->lot);
}

/* theirs: [other ranks, count] */
static duet_status take(const duet_search *all, duet_neighbour *theirs, duet_error *error)
{
    duet_ranks *ranks = all->run->ranks;
    const size_t others = duet_ranks_count(ranks) - 1;
    for (size_t r = 0; r < others; r++)
        ranks->receives[r] = (duet_message){r + 1, theirs + r * all->count, all->count * sizeof *theirs};
    DUET_TRY(duet_ranks_exchange(ranks, 0, others, error));
    for (size_t k = 0; k < others * all->count; k++) /* by rank, and so by number */
        if (is_before(&theirs[k], &all->found[k % all->count])) all->found[k % all->count] = theirs[k];
    return DUET_OK;
}

static duet_status search_together(const duet_search *all, duet_error *error)
{
    duet_run *run = all->run;
    duet_search own = *all;
    duet_own_part part = {run, "busy with its part of a search", all->stop, 0, work, &own, {0}};
    own.part = duet_search_part_of(all->part.count, run->ranks, 0);
    own.stop = &part.halt;
    duet_neighbour *theirs = malloc((duet_ranks_count(run->ranks) - 1) * all->count * sizeof *theirs);
    if (theirs == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what ranks find");
    duet_status status = tell(all, error);
    if (status == DUET_OK) status = duet_share_work(&part, error);
    if (status == DUET_OK) status = take(all, theirs, error);
    free(theirs);
    return status;
}

duet_status duet_run_nearest(duet_run *run, const float *rows, size_t count, bool draws, const size_t *left_out,
                             duet_neighbour *found, duet_error *error)
{
    const size_t total = duet_data_describe(run->data)->count[DUET_TRAIN];
    const duet_search all = {run, rows, count, draws, left_out, {0, total}, run->stop, found};
    if (run->ranks == NULL || total <= DUET_NEAREST_PIECE || count == 0) return duet_search_part(&all, error);
    DUET_TRY(duet_data_checksum(run->data, error)); /* by which the others know whether theirs are these */
    DUET_TRY(duet_share_open(run, error));
    return search_together(&all, error);
}
