/* SPDX-License-Identifier: MIT */
/* Ranks other than 0: they open the runs that rank 0 shares and answer the parts of requests, and of searches, that it
 * gives them, until it sends them away. What fails rank 0 is told and says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/status.h"
#include "duet/tune.h"
#include "ranks/ranks.h"
#include "run/meeting.h"
#include "run/order.h"
#include "run/run.h"
#include "run/search.h"
#include "run/shared_tuning.h"

/* A run that rank 0 has open, by its name for it. */
typedef struct served {
    struct served *next;
    uint64_t name;
    duet_run *run;
} served;

typedef struct server {
    duet_ranks *ranks;
    const duet_serving *how;
    duet_device *device; /* of all runs; NULL: none was opened yet */
    served *runs;
} server;

static duet_run *find(const server *it, uint64_t name)
{
    const served *one = it->runs;
    while (one != NULL && one->name != name) one = one->next;
    return one == NULL ? NULL : one->run;
}

static duet_status fail_unopened(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_USAGE, "rank 0 asks a run that it has not had opened");
}

static void close_run(server *it, uint64_t name)
{
    served **at = &it->runs;
    while (*at != NULL && (*at)->name != name) at = &(*at)->next;
    served *found = *at;
    if (found == NULL) return;
    *at = found->next;
    duet_run_close(&found->run);
    free(found);
}

/* `halt`: as in duet_meeting. */
static duet_status meet(server *it, const char *what, duet_status (*work)(void *, duet_error *), void *context,
                        volatile int *halt, bool *shared, duet_error *error)
{
    const duet_meeting meeting = {what, it->how->log, it->how->context, it->how->stop, halt};
    return duet_meet(it->ranks, &meeting, work, context, shared, error);
}

/* What all know rank 0 says, and may go on. */
static duet_status forget(duet_error *error)
{
    if (error != NULL) *error = (duet_error){0};
    return DUET_OK;
}

/* ---- opening ---- */

typedef struct opening {
    server *server;
    duet_order *order;
    uint64_t name;
} opening;

static const char *text_of(duet_order *order)
{
    const bool given = duet_order_number(order) != 0;
    const char *text = duet_order_word(order);
    return given ? text : NULL;
}

static duet_status open_device(server *it, const char *selector, duet_error *error)
{
    if (it->device != NULL) return DUET_OK;
    if (it->how->device != NULL) selector = it->how->device;
    DUET_TRY(duet_device_open_turn(&it->device, selector, duet_ranks_local_rank(it->ranks), error));
    duet_device_use_tuning(it->device);
    return DUET_OK;
}

static duet_status check_weights(duet_run *run, const char *path, uint64_t expected, duet_error *error)
{
    uint64_t sum = DUET_CHECKSUM_BEGIN;
    DUET_TRY(duet_run_sum_weights(run, &sum, error));
    if (sum == expected) return DUET_OK;
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s holds other weights here than rank 0 has read: let all ranks see the same folder, and wait for "
        "a training that writes to it",
        path);
}

static duet_status open_run(void *context, duet_error *error)
{
    opening *what = context;
    server *it = what->server;
    what->name = duet_order_number(what->order);
    const char *path = duet_order_word(what->order), *selector = text_of(what->order), *data = text_of(what->order);
    const char *tuning = duet_order_word(what->order);
    const uint64_t weights = duet_order_number(what->order);
    served *made = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a run");
    made->name = what->name;
    duet_status status = open_device(it, selector, error);
    if (status == DUET_OK) status = duet_tuning_take_told(it->device, tuning, error);
    if (status == DUET_OK) status = duet_run_open_on(&made->run, path, it->device, data, it->how->family, error);
    if (status == DUET_OK) status = check_weights(made->run, path, weights, error);
    if (status == DUET_OK) {
        made->next = it->runs;
        it->runs = made;
        return DUET_OK;
    }
    duet_run_close(&made->run);
    free(made);
    return status;
}

/* ---- answering ---- */

/* This rank's part of a request, with rows of its own. */
typedef struct parcel {
    const server *server;
    duet_run *run;
    duet_request request;
    void *examples, *latents, *classes; /* NULL: not given */
    const char **settings;
    duet_wanted *outputs;
    volatile int halt;
} parcel;

static void free_parcel(parcel *it)
{
    for (size_t i = 0; it->outputs != NULL && i < it->request.output_count; i++) free(it->outputs[i].values);
    free(it->outputs);
    free(it->settings);
    free(it->examples);
    free(it->latents);
    free(it->classes);
}

/* Rows that rank 0 may give, which it says next; NULL unless it does. */
static bool make_rows(duet_order *order, size_t count, size_t row_bytes, void **rows)
{
    const bool given = duet_order_number(order) != 0;
    *rows = given ? calloc(count + 1, row_bytes + 1) : NULL;
    return !given || *rows != NULL;
}

static bool read_settings(parcel *it, duet_order *order)
{
    duet_request *request = &it->request;
    request->setting_count = duet_order_number(order);
    request->settings = it->settings = calloc(request->setting_count + 1, sizeof *it->settings);
    for (size_t i = 0; it->settings != NULL && i < request->setting_count; i++)
        it->settings[i] = duet_order_word(order);
    return it->settings != NULL;
}

static bool read_outputs(parcel *it, duet_order *order)
{
    duet_request *request = &it->request;
    bool fits = true;
    request->output_count = duet_order_number(order);
    request->outputs = it->outputs = calloc(request->output_count + 1, sizeof *it->outputs);
    for (size_t i = 0; it->outputs != NULL && i < request->output_count; i++) {
        it->outputs[i].name = duet_order_word(order);
        it->outputs[i].values =
            calloc(request->count + 1, (duet_run_features(it->run, it->outputs[i].name) + 1) * sizeof(float));
        fits = fits && it->outputs[i].values != NULL;
    }
    return fits && it->outputs != NULL;
}

static bool read_parcel(parcel *it, duet_order *order)
{
    duet_request *request = &it->request;
    const uint64_t first = duet_order_number(order);
    const size_t count = duet_order_number(order), rows = duet_order_number(order);
    const duet_part part = duet_part_of(count, rows, it->server->ranks, duet_ranks_rank(it->server->ranks));
    *request = (duet_request){.first = first + part.begin, .count = part.count, .batch = rows};
    request->seed = duet_order_number(order);
    it->halt = it->server->how->stop != NULL && *it->server->how->stop != 0;
    request->stop = &it->halt;
    const size_t features = duet_shape_elements(duet_data_describe(it->run->data)->shape);
    const size_t latents = duet_run_latent_features(it->run);
    bool fits = make_rows(order, part.count, features * sizeof(float), &it->examples);
    fits = make_rows(order, part.count, latents * sizeof(float), &it->latents) && fits;
    fits = make_rows(order, part.count, 1, &it->classes) && fits;
    request->examples = it->examples;
    request->latents = it->latents;
    request->classes = it->classes;
    request->procedure = text_of(order);
    fits = read_settings(it, order) && fits;
    return read_outputs(it, order) && fits;
}

static duet_status take(const parcel *it, void *rows, size_t row_bytes, duet_error *error)
{
    duet_ranks *ranks = it->server->ranks;
    if (rows == NULL) return DUET_OK;
    ranks->receives[0] = (duet_message){0, rows, it->request.count * row_bytes};
    return duet_ranks_exchange(ranks, 0, 1, error);
}

static duet_status take_inputs(const parcel *it, duet_error *error)
{
    const size_t features = duet_shape_elements(duet_data_describe(it->run->data)->shape);
    DUET_TRY(take(it, it->examples, features * sizeof(float), error));
    DUET_TRY(take(it, it->latents, duet_run_latent_features(it->run) * sizeof(float), error));
    return take(it, it->classes, 1, error);
}

static duet_status give_outputs(const parcel *it, duet_error *error)
{
    duet_ranks *ranks = it->server->ranks;
    for (size_t i = 0; i < it->request.output_count; i++) {
        const duet_wanted *output = &it->outputs[i];
        const size_t bytes = it->request.count * duet_run_features(it->run, output->name) * sizeof(float);
        ranks->sends[0] = (duet_message){0, output->values, bytes};
        DUET_TRY(duet_ranks_exchange(ranks, 1, 0, error));
    }
    return DUET_OK;
}

static duet_status work(void *context, duet_error *error)
{
    parcel *it = context;
    duet_evaluator_set_part(it->run->evaluator, true);
    return duet_evaluator_use(it->run->evaluator, &it->request, error);
}

static duet_status answer(server *it, duet_order *order, duet_error *error)
{
    parcel own = {.server = it, .run = find(it, duet_order_number(order))};
    bool shared = false;
    if (own.run == NULL) return fail_unopened(error);
    duet_status status = DUET_OK;
    if (!read_parcel(&own, order) || order->failed)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu rows of a request", own.request.count);
    if (status == DUET_OK) status = take_inputs(&own, error);
    if (status == DUET_OK) status = meet(it, "busy with its part of a request", work, &own, &own.halt, &shared, error);
    if (status == DUET_OK) status = give_outputs(&own, error);
    free_parcel(&own);
    return shared ? forget(error) : status;
}

/* ---- searching ---- */

/* This rank's part of a search, with rows of its own. */
typedef struct hunt {
    duet_search search;
    const char *checksum; /* of the data, as rank 0 has them */
    float *rows;
    size_t *left_out; /* NULL: none is */
    duet_neighbour *found;
    volatile int halt;
} hunt;

static void free_hunt(hunt *it)
{
    free(it->rows);
    free(it->left_out);
    free(it->found);
}

static bool read_hunt(hunt *it, const server *by, duet_run *run, duet_order *order)
{
    const size_t features = duet_shape_elements(duet_data_describe(run->data)->shape);
    const size_t count = duet_order_number(order), total = duet_order_number(order);
    it->checksum = duet_order_word(order);
    const bool draws = duet_order_number(order) != 0, leaves_out = duet_order_number(order) != 0;
    it->rows = calloc(count + 1, features * sizeof *it->rows);
    it->left_out = leaves_out ? calloc(count + 1, sizeof *it->left_out) : NULL;
    it->found = calloc(count + 1, sizeof *it->found);
    if (it->rows == NULL || it->found == NULL || (leaves_out && it->left_out == NULL)) return false;
    for (size_t i = 0; i < count && leaves_out; i++) it->left_out[i] = duet_order_number(order);
    it->halt = by->how->stop != NULL && *by->how->stop != 0;
    it->search = (duet_search){.run = run,
                               .rows = it->rows,
                               .count = count,
                               .draws = draws,
                               .left_out = it->left_out,
                               .part = duet_search_part_of(total, by->ranks, duet_ranks_rank(by->ranks)),
                               .stop = &it->halt,
                               .found = it->found};
    return !order->failed;
}

static duet_status look(void *context, duet_error *error)
{
    hunt *it = context;
    duet_data *data = it->search.run->data;
    DUET_TRY(duet_data_checksum(data, error));
    if (strcmp(duet_data_describe(data)->checksum, it->checksum) == 0) return duet_search_part(&it->search, error);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s holds other examples here than rank 0 has read: let all ranks see the same data",
                     duet_data_describe(data)->name);
}

static duet_status take_rows(const hunt *it, duet_ranks *ranks, duet_error *error)
{
    const size_t features = duet_shape_elements(duet_data_describe(it->search.run->data)->shape);
    return duet_ranks_share(ranks, it->rows, it->search.count * features * sizeof *it->rows, error);
}

static duet_status give_found(const hunt *it, duet_ranks *ranks, duet_error *error)
{
    ranks->sends[0] = (duet_message){0, it->found, it->search.count * sizeof *it->found};
    return duet_ranks_exchange(ranks, 1, 0, error);
}

static duet_status search(server *it, duet_order *order, duet_error *error)
{
    hunt own = {0};
    duet_run *run = find(it, duet_order_number(order));
    bool shared = false;
    if (run == NULL) return fail_unopened(error);
    duet_status status = DUET_OK;
    if (!read_hunt(&own, it, run, order)) status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a search");
    if (status == DUET_OK) status = take_rows(&own, it->ranks, error);
    if (status == DUET_OK) status = meet(it, "busy with its part of a search", look, &own, &own.halt, &shared, error);
    if (status == DUET_OK) status = give_found(&own, it->ranks, error);
    free_hunt(&own);
    return shared ? forget(error) : status;
}

/* ---- orders ---- */

/* Rank 0 may be long at what it does alone; that it is gone, who started the ranks sees. */
static duet_status await(server *it, duet_order *order, duet_error *error)
{
    const double patience = it->ranks->patience;
    duet_ranks_set_patience(it->ranks, INFINITY);
    const duet_status status = duet_order_take(order, it->ranks, error);
    duet_ranks_set_patience(it->ranks, patience);
    return status;
}

/* *done: it was the last one. */
static duet_status obey(server *it, duet_order *order, bool *done, duet_error *error)
{
    opening what = {.server = it, .order = order};
    bool shared = false;
    duet_status status = DUET_OK;
    switch ((duet_order_kind)duet_order_number(order)) {
    case DUET_ORDER_END: *done = true; return DUET_OK;
    case DUET_ORDER_CLOSE: close_run(it, duet_order_number(order)); return DUET_OK;
    case DUET_ORDER_ANSWER: return answer(it, order, error);
    case DUET_ORDER_SEARCH: return search(it, order, error);
    case DUET_ORDER_OPEN: status = meet(it, "opening the run", open_run, &what, NULL, &shared, error); break;
    }
    if (!shared) return status;
    close_run(it, what.name); /* of which another rank could not open its own */
    return forget(error);
}

duet_status duet_run_serve(duet_ranks *ranks, const duet_serving *serving, duet_error *error)
{
    server it = {.ranks = ranks, .how = serving};
    duet_status status = DUET_OK;
    if (duet_ranks_rank(ranks) == 0)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "rank 0 does not serve: it calls duet_run_share, and the others serve");
    duet_ranks_set_stop(ranks, serving->stop);
    for (bool done = false; status == DUET_OK && !done;) {
        duet_order order = {NULL};
        status = await(&it, &order, error);
        if (status == DUET_OK) status = obey(&it, &order, &done, error);
        duet_order_free(&order);
    }
    duet_ranks_set_stop(ranks, NULL);
    while (it.runs != NULL) close_run(&it, it.runs->name);
    duet_device_close(&it.device);
    return status;
}
