/* SPDX-License-Identifier: MIT */
/* The search for nearest neighbours: |q - r|^2 = |q|^2 - 2 q r + |r|^2, of which |q|^2 is the same for all r. Far from
 * the origin that difference of large numbers is mostly rounding. So both are taken less the middle of the queries, and
 * what comes within rounding of the nearest so far is compared by differences, in double: distances are exact, and of
 * equally near references it is the first, or one that is drawn. */
#include "run/nearest.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "duet/op.h"
#include "duet/plan.h"
#include "run/distances.h"

enum { PIECE = DUET_NEAREST_PIECE };

struct duet_nearest {
    duet_store *store;
    duet_graph *graph;
    duet_plan *plan;
    duet_node queries, references, distances;
    size_t count, features;
    float *room, *values;    /* PIECE references; [count, PIECE] distances, less the queries' squares */
    float *copies, *centred; /* the queries, and less their middle; later PIECE references less it */
    float *middle;           /* [features] */
    size_t shown;
    /* Of each query: */
    double *best;             /* the least squared distance; infinite: none yet */
    double *squares;          /* |q|^2 less the middle */
    size_t *found, *left_out; /* numbers of references; SIZE_MAX: none */
    uint32_t *lots;           /* that the nearest has drawn; 0 where none are */
    bool draws;               /* whether equally near references draw lots */
};

/* The mean of the queries that are finite. */
static void find_middle(duet_nearest *search)
{
    for (size_t k = 0; k < search->features; k++) {
        double sum = 0;
        size_t finite = 0;
        for (size_t i = 0; i < search->count; i++) {
            float value = search->copies[i * search->features + k];
            if (!isfinite(value)) continue;
            sum += (double)value;
            finite++;
        }
        search->middle[k] = finite > 0 ? (float)(sum / (double)finite) : 0;
    }
}

static void centre(duet_nearest *search, const float *rows, size_t count)
{
    size_t features = search->features;
    for (size_t i = 0; i < count * features; i++) search->centred[i] = rows[i] - search->middle[i % features];
}

static duet_status make(duet_nearest *search, duet_device *device, const float *queries, duet_error *error)
{
    size_t count = search->count, features = search->features;
    search->store = duet_store_new(0);
    search->graph = search->store == NULL ? NULL : duet_graph_new(search->store);
    search->room = calloc(PIECE * features, sizeof *search->room);
    search->values = malloc(count * PIECE * sizeof *search->values);
    search->copies = malloc(count * features * sizeof *search->copies);
    search->centred = malloc((count > PIECE ? count : PIECE) * features * sizeof *search->centred);
    search->middle = calloc(features, sizeof *search->middle);
    search->best = malloc(count * sizeof *search->best);
    search->squares = calloc(count, sizeof *search->squares);
    search->found = malloc(count * sizeof *search->found);
    search->left_out = malloc(count * sizeof *search->left_out);
    search->lots = calloc(count, sizeof *search->lots);
    if (search->lots == NULL || search->graph == NULL || search->room == NULL || search->values == NULL ||
        search->best == NULL || search->squares == NULL || search->found == NULL || search->left_out == NULL ||
        search->copies == NULL || search->centred == NULL || search->middle == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for distances to %d examples", PIECE);
    memcpy(search->copies, queries, count * features * sizeof *queries);
    find_middle(search);
    centre(search, queries, count);
    for (size_t i = 0; i < count; i++) {
        search->best[i] = INFINITY;
        search->found[i] = search->left_out[i] = SIZE_MAX;
        for (size_t k = 0; k < features; k++)
            search->squares[i] += (double)search->centred[i * features + k] * (double)search->centred[i * features + k];
    }
    search->queries = duet_input(search->graph, "queries", DUET_FLOAT32, DUET_SHAPE(count, features));
    search->references = duet_input(search->graph, "references", DUET_FLOAT32, DUET_SHAPE(PIECE, features));
    duet_node squares = duet_sum_features(duet_square(search->references));
    duet_node products = duet_matmul(search->queries, search->references, false, true);
    search->distances = duet_subtract(squares, duet_scale(products, 2));
    DUET_TRY(duet_plan_new(&search->plan, device, "nearest", &search->distances, 1, error));
    return duet_plan_write(search->plan, search->queries, search->centred, count * features * sizeof(float), error);
}

duet_status duet_nearest_new(duet_nearest **search, duet_device *device, const float *queries, size_t count,
                             size_t features, duet_error *error)
{
    duet_nearest *made = *search = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for distances");
    made->count = count;
    made->features = features;
    duet_status status = make(made, device, queries, error);
    if (status != DUET_OK) duet_nearest_free(search);
    return status;
}

void duet_nearest_free(duet_nearest **search)
{
    duet_nearest *old = *search;
    if (old == NULL) return;
    duet_plan_free(&old->plan);
    duet_graph_free(&old->graph);
    duet_store_free(&old->store);
    free(old->room);
    free(old->copies);
    free(old->centred);
    free(old->middle);
    free(old->values);
    free(old->best);
    free(old->squares);
    free(old->found);
    free(old->left_out);
    free(old->lots);
    free(old);
    *search = NULL;
}

float *duet_nearest_room(duet_nearest *search)
{
    return search->room;
}

void duet_nearest_leave_out(duet_nearest *search, size_t query, size_t reference)
{
    search->left_out[query] = reference;
}

void duet_nearest_draw_ties(duet_nearest *search)
{
    search->draws = true;
}

/* Of references that are equally near the one with the lowest lot counts, so that each has the same chance whatever
 * their order, and whoever looks at them. */
static uint32_t lot_of(const duet_nearest *search, size_t query, size_t reference)
{
    enum { STREAM = 0x74696573 };
    if (!search->draws) return 0;
    return duet_philox_element(0, STREAM, (uint32_t)query, (uint32_t)reference).word[0];
}

/* How far the device's distance to a reference may be off: rounding of the sums it is a difference of, whose sizes are
 * the squares of both. A bound for sums in any order would be n / 2 units; the root of n is what they come to. */
static double rounding_of(const duet_nearest *search, double squares, double distance)
{
    return 8 * FLT_EPSILON * sqrt((double)search->features) * (2 * squares + fmax(distance, 0));
}

/* Compares query i with the references in the room. */
static void compare(duet_nearest *search, size_t i, size_t count)
{
    const float *query = search->copies + i * search->features;
    for (size_t k = 0; k < count; k++) { /* beyond `count` lie rows of an earlier piece */
        double distance = (double)search->values[i * PIECE + k] + search->squares[i];
        double least = distance - rounding_of(search, search->squares[i], distance);
        if (!(least <= search->best[i]) || search->shown + k == search->left_out[i]) continue;
        distance = duet_squared_distance(query, search->room + k * search->features, search->features);
        if (!(distance <= search->best[i]) || isinf(distance)) continue;
        const uint32_t lot = lot_of(search, i, search->shown + k);
        if (distance == search->best[i] && lot >= search->lots[i]) continue;
        search->best[i] = distance;
        search->lots[i] = lot;
        search->found[i] = search->shown + k;
    }
}

duet_status duet_nearest_show(duet_nearest *search, size_t count, duet_error *error)
{
    size_t room_bytes = PIECE * search->features * sizeof(float), bytes = search->count * PIECE * sizeof(float);
    centre(search, search->room, PIECE);
    DUET_TRY(duet_plan_write(search->plan, search->references, search->centred, room_bytes, error));
    DUET_TRY(duet_plan_replay(search->plan, error));
    DUET_TRY(duet_plan_read(search->plan, search->distances, search->values, bytes, error));
    for (size_t i = 0; i < search->count; i++) compare(search, i, count);
    search->shown += count;
    return DUET_OK;
}

duet_status duet_nearest_show_training(duet_nearest *search, duet_data *data, duet_part part, const volatile int *stop,
                                       duet_error *error)
{
    search->shown = part.begin;
    for (size_t done = 0; done < part.count; done += PIECE) {
        size_t count = part.count - done < PIECE ? part.count - done : PIECE;
        if (stop != NULL && *stop != 0)
            return duet_fail(error, DUET_ERROR_INTERRUPTED, "stopped after %zu of %zu training examples", done,
                             part.count);
        DUET_TRY(duet_data_read(data, DUET_TRAIN, part.begin + done, count, search->room, error));
        DUET_TRY(duet_nearest_show(search, count, error));
    }
    return DUET_OK;
}

uint32_t duet_nearest_lot(const duet_nearest *search, size_t query)
{
    return search->lots[query];
}

bool duet_nearest_find(const duet_nearest *search, size_t query, size_t *reference)
{
    *reference = search->found[query];
    return search->best[query] < INFINITY;
}

double duet_nearest_distance(const duet_nearest *search, size_t query)
{
    return search->best[query];
}
