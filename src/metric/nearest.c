/* SPDX-License-Identifier: MIT */
/* The search for nearest neighbours: |q - r|^2 = |q|^2 - 2 q r + |r|^2, of which |q|^2 is the same for all r. Far from
 * the origin that difference of large numbers is mostly rounding. So both are taken less the middle of the queries, and
 * what comes within rounding of the nearest so far is compared by differences, in double: distances are exact, and of
 * equally near references it is the first, or one that is drawn. */
#include "metric/nearest.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "duet/metric.h"
#include "duet/op.h"
#include "duet/plan.h"
#include "metric/distances.h"

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
    uint32_t *ties;           /* references that are as near as the nearest; NULL: the first of them counts */
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
    if (search->graph == NULL || search->room == NULL || search->values == NULL || search->best == NULL ||
        search->squares == NULL || search->found == NULL || search->left_out == NULL || search->copies == NULL ||
        search->centred == NULL || search->middle == NULL)
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
    free(old->ties);
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

duet_status duet_nearest_draw_ties(duet_nearest *search, duet_error *error)
{
    search->ties = calloc(search->count, sizeof *search->ties);
    if (search->ties != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for distances of %zu examples", search->count);
}

/* Whether a reference as near as the nearest so far takes its place: the last of n such with one in n, so that each has
 * the same chance in the end. */
static bool is_drawn(duet_nearest *search, size_t query, size_t reference)
{
    enum { STREAM = 0x74696573 };
    if (search->ties == NULL) return false;
    const duet_philox_block block = duet_philox_element(0, STREAM, (uint32_t)query, (uint32_t)reference);
    return duet_philox_uniform(block) * ++search->ties[query] < 1;
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
        if (!(distance <= search->best[i])) continue;
        const bool nearer = distance < search->best[i];
        if (nearer && search->ties != NULL) search->ties[i] = 1;
        if (!nearer && !is_drawn(search, i, search->shown + k)) continue;
        search->best[i] = distance;
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

duet_status duet_nearest_show_training(duet_nearest *search, duet_data *data, duet_error *error)
{
    size_t total = duet_data_describe(data)->count[DUET_TRAIN];
    for (size_t first = 0; first < total; first += PIECE) {
        size_t count = total - first < PIECE ? total - first : PIECE;
        DUET_TRY(duet_data_read(data, DUET_TRAIN, first, count, search->room, error));
        DUET_TRY(duet_nearest_show(search, count, error));
    }
    return DUET_OK;
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

duet_status duet_nearest_training(duet_run *run, const float *rows, size_t count, size_t *places, double *distances,
                                  duet_error *error)
{
    duet_data *data = duet_run_data(run);
    duet_nearest *search;
    size_t features = duet_shape_elements(duet_data_describe(data)->shape);
    if (count == 0) return DUET_OK;
    DUET_TRY(duet_nearest_new(&search, duet_run_device(run), rows, count, features, error));
    duet_status status = duet_nearest_show_training(search, data, error);
    for (size_t i = 0; status == DUET_OK && i < count; i++) {
        (void)duet_nearest_find(search, i, &places[i]);
        distances[i] = sqrt(duet_nearest_distance(search, i));
    }
    duet_nearest_free(&search);
    return status;
}
