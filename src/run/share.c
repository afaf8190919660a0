/* SPDX-License-Identifier: MIT */
/* Rank 0 cuts a request at the ends of its batches, keeps a part and gives each of the others theirs with the rows that
 * go into it; the results come straight to where the request wants them. What of a batch is computed follows from the
 * seed and its rows alone, so it is the same whoever does it. */
#include "run/share.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/status.h"
#include "graph/variable.h"
#include "ranks/ranks.h"
#include "run/meeting.h"
#include "run/order.h"
#include "run/shared_tuning.h"

enum { MOST_BYTES = 4 << 20 }; /* that a rank holds of a request at a time: longer ones go in rounds */

duet_status duet_run_sum_weights(duet_run *run, uint64_t *sum, duet_error *error)
{
    duet_store *store = duet_model_store(run->model);
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(store, i)) != NULL; i++) {
        const size_t bytes = variable->elements * duet_type_size(variable->type);
        if (!variable->saved) continue;
        void *values = malloc(bytes);
        if (values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %s", variable->name);
        const duet_status status = duet_variable_read(variable, values, error);
        *sum = duet_checksum_add(duet_checksum_add(*sum, variable->name, strlen(variable->name)), values, bytes);
        free(values);
        if (status != DUET_OK) return status;
    }
    return DUET_OK;
}

duet_status duet_run_share(duet_run *run, duet_ranks *ranks, duet_error *error)
{
    uint64_t sum = DUET_CHECKSUM_BEGIN;
    if (duet_ranks_count(ranks) == 1) ranks = NULL;
    if (ranks != NULL && duet_ranks_rank(ranks) != 0)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "rank %zu shares a run: rank 0 does, and the others call duet_run_serve",
                         duet_ranks_rank(ranks));
    if (ranks != NULL && run->path == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "a training under way is not shared: its run has to be opened");
    if (ranks != run->ranks) duet_share_end(run);
    if (ranks != NULL && !run->has_sum) { /* now: use may move states of averages, which checkpoints keep */
        DUET_TRY(duet_run_sum_weights(run, &sum, error));
        run->weights = sum;
        run->has_sum = true;
    }
    run->ranks = ranks;
    return DUET_OK;
}

void duet_share_end(duet_run *run)
{
    duet_order order = {NULL};
    if (!run->is_served) return;
    duet_order_add_number(&order, DUET_ORDER_CLOSE);
    duet_order_add_number(&order, (uintptr_t)run);
    (void)duet_order_give(&order, run->ranks, NULL); /* if that fails they are gone, or will say so at the next */
    duet_order_free(&order);
    run->is_served = false;
}

duet_status duet_run_dismiss(duet_ranks *ranks, duet_error *error)
{
    duet_order order = {NULL};
    if (duet_ranks_count(ranks) == 1) return DUET_OK;
    duet_order_add_number(&order, DUET_ORDER_END);
    const duet_status status = duet_order_give(&order, ranks, error);
    duet_order_free(&order);
    return status;
}

static void say(void *context, const char *line)
{
    duet_device_say(context, "%s", line);
}

static void add_text(duet_order *order, const char *text)
{
    duet_order_add_number(order, text != NULL);
    duet_order_add(order, text == NULL ? "" : text);
}

/* The others open the run when they are first needed for it. */
duet_status duet_share_open(duet_run *run, duet_error *error)
{
    duet_order order = {NULL};
    if (run->is_served) return DUET_OK;
    char *tuning = duet_tuning_tell(run->device, true);
    if (tuning == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the tuning of a device");
    duet_order_add_number(&order, DUET_ORDER_OPEN);
    duet_order_add_number(&order, (uintptr_t)run);
    duet_order_add(&order, run->path);
    add_text(&order, run->selector);
    add_text(&order, run->given_data);
    duet_order_add(&order, tuning);
    duet_order_add_number(&order, run->weights);
    free(tuning);
    duet_status status = duet_order_give(&order, run->ranks, error);
    duet_order_free(&order);
    const duet_meeting meeting = {.what = "opening the run", .log = say, .log_context = run->device};
    bool shared;
    if (status == DUET_OK) status = duet_meet(run->ranks, &meeting, NULL, NULL, &shared, error);
    run->is_served = status == DUET_OK;
    return status;
}

static bool is_set(const volatile int *flag)
{
    return flag != NULL && *flag != 0;
}

/* That it ended for the sake of another's part is no fault of this one. */
static duet_status work_on_own(void *context, duet_error *error)
{
    duet_own_part *part = context;
    const duet_status status = part->work(part->context, &part->error);
    if (status == DUET_OK) return DUET_OK;
    (void)duet_fail(error, status, "%s", part->error.message);
    if (status == DUET_ERROR_INTERRUPTED && !is_set(part->stop)) part->error = (duet_error){0};
    return status;
}

duet_status duet_share_work(duet_own_part *part, duet_error *error)
{
    const duet_meeting meeting = {part->what, say, part->run->device, part->stop, &part->halt};
    bool shared;
    part->halt = is_set(part->stop);
    const duet_status status = duet_meet(part->run->ranks, &meeting, work_on_own, part, &shared, error);
    if (status == DUET_OK || part->error.status == DUET_OK) return status;
    if (error != NULL) *error = (duet_error){0};
    return duet_fail(error, part->error.status, "%s", part->error.message);
}

/* A request under way, or a round of it. */
typedef struct sharing {
    duet_run *run;
    const duet_request *request;
    size_t rows;              /* of a batch */
    size_t features, latents; /* numbers a row of what goes in; 0: not given */
    size_t first, count;      /* of the round */
    duet_wanted *outputs;     /* room for those of a part */
    uint64_t before, done;    /* replays of rank 0 in earlier rounds, and in this one */
    duet_own_part own;        /* rank 0's */
} sharing;

static size_t features_of(const sharing *it, size_t output)
{
    return duet_evaluator_features(it->run->evaluator, it->request->outputs[output].name);
}

/* Whether there is something to share. What the evaluator refuses at once it is to refuse here, where rank 0 is alone.
 */
static bool is_shared(const duet_run *run, const duet_request *request)
{
    if (run->ranks == NULL || request->outputs == NULL || request->output_count == 0) return false;
    if (request->latents != NULL && duet_evaluator_latent_features(run->evaluator) == 0) return false;
    for (size_t i = 0; i < request->output_count; i++) {
        const duet_wanted *output = &request->outputs[i];
        if (output->name == NULL || output->values == NULL) return false;
        if (duet_evaluator_features(run->evaluator, output->name) == 0) return false;
    }
    return request->count > duet_evaluator_rows(request);
}

static duet_status tell_round(const sharing *it, duet_error *error)
{
    const duet_request *request = it->request;
    duet_order order = {NULL};
    duet_order_add_number(&order, DUET_ORDER_ANSWER);
    duet_order_add_number(&order, (uintptr_t)it->run);
    duet_order_add_number(&order, request->first + it->first);
    duet_order_add_number(&order, it->count);
    duet_order_add_number(&order, it->rows);
    duet_order_add_number(&order, request->seed);
    duet_order_add_number(&order, request->examples != NULL);
    duet_order_add_number(&order, request->latents != NULL);
    duet_order_add_number(&order, request->classes != NULL);
    add_text(&order, request->procedure);
    duet_order_add_number(&order, request->setting_count);
    for (size_t i = 0; i < request->setting_count; i++) duet_order_add(&order, request->settings[i]);
    duet_order_add_number(&order, request->output_count);
    for (size_t i = 0; i < request->output_count; i++) duet_order_add(&order, request->outputs[i].name);
    const duet_status status = duet_order_give(&order, it->run->ranks, error);
    duet_order_free(&order);
    return status;
}

/* Exchanges rows of an array of the whole request with each of the others. */
static duet_status exchange_rows(const sharing *it, const void *array, size_t row_bytes, bool gives, duet_error *error)
{
    duet_ranks *ranks = it->run->ranks;
    duet_message *messages = gives ? ranks->sends : ranks->receives;
    size_t count = 0;
    for (size_t r = 1; r < duet_ranks_count(ranks); r++) {
        const duet_part part = duet_part_of(it->count, it->rows, ranks, r);
        unsigned char *at = (unsigned char *)(uintptr_t)array + (it->first + part.begin) * row_bytes;
        messages[count++] = (duet_message){r, at, part.count * row_bytes};
    }
    return duet_ranks_exchange(ranks, gives ? count : 0, gives ? 0 : count, error);
}

static duet_status give_inputs(const sharing *it, duet_error *error)
{
    const duet_request *request = it->request;
    if (request->examples != NULL)
        DUET_TRY(exchange_rows(it, request->examples, it->features * sizeof(float), true, error));
    if (request->latents != NULL)
        DUET_TRY(exchange_rows(it, request->latents, it->latents * sizeof(float), true, error));
    return request->classes == NULL ? DUET_OK : exchange_rows(it, request->classes, 1, true, error);
}

static duet_status take_outputs(const sharing *it, duet_error *error)
{
    for (size_t i = 0; i < it->request->output_count; i++)
        DUET_TRY(exchange_rows(it, it->request->outputs[i].values, features_of(it, i) * sizeof(float), false, error));
    return DUET_OK;
}

/* The request hears of its rounds as of one whole, whose end is guessed from this one. */
static void tell_progress(void *context, uint64_t repeat, uint64_t total)
{
    sharing *it = context;
    const double rounds = (double)(it->request->count - it->first) / (double)it->count;
    it->done = repeat;
    it->request->progress(it->request->context, it->before + repeat, it->before + (uint64_t)(rounds * (double)total));
}

/* Rank 0's own part. */
static duet_status work(void *context, duet_error *error)
{
    sharing *it = context;
    const duet_request *whole = it->request;
    const duet_part part = duet_part_of(it->count, it->rows, it->run->ranks, 0);
    const size_t begin = it->first + part.begin;
    duet_request own = *whole;
    own.first = whole->first + begin;
    own.count = part.count;
    own.batch = it->rows;
    own.examples = whole->examples == NULL ? NULL : whole->examples + begin * it->features;
    own.latents = whole->latents == NULL ? NULL : whole->latents + begin * it->latents;
    own.classes = whole->classes == NULL ? NULL : whole->classes + begin;
    own.outputs = it->outputs;
    own.progress = whole->progress == NULL ? NULL : tell_progress;
    own.context = it;
    own.stop = &it->own.halt;
    for (size_t i = 0; i < whole->output_count; i++)
        it->outputs[i] = (duet_wanted){whole->outputs[i].name, whole->outputs[i].values + begin * features_of(it, i)};
    duet_evaluator_set_part(it->run->evaluator, true);
    const duet_status status = duet_evaluator_use(it->run->evaluator, &own, error);
    duet_evaluator_set_part(it->run->evaluator, false);
    return status;
}

static duet_status answer_round(sharing *it, duet_error *error)
{
    DUET_TRY(tell_round(it, error));
    DUET_TRY(give_inputs(it, error));
    DUET_TRY(duet_share_work(&it->own, error));
    return take_outputs(it, error);
}

/* Rows of a round: whole batches for every rank, in the bytes that each may hold. */
static size_t rows_of_round(const sharing *it)
{
    size_t bytes = it->features * sizeof(float) + it->latents * sizeof(float) + 1;
    for (size_t i = 0; i < it->request->output_count; i++) bytes += features_of(it, i) * sizeof(float);
    const size_t batches = MOST_BYTES / bytes / it->rows;
    return (batches > 0 ? batches : 1) * it->rows * duet_ranks_count(it->run->ranks);
}

duet_status duet_share_answer(duet_run *run, const duet_request *request, duet_error *error)
{
    if (!is_shared(run, request)) return duet_evaluator_use(run->evaluator, request, error);
    DUET_TRY(duet_share_open(run, error));
    sharing it = {.run = run, .request = request, .rows = duet_evaluator_rows(request)};
    if (request->examples != NULL) it.features = duet_shape_elements(duet_data_describe(run->data)->shape);
    if (request->latents != NULL) it.latents = duet_evaluator_latent_features(run->evaluator);
    it.own = (duet_own_part){run, "busy with its part of a request", request->stop, 0, work, &it, {0}};
    it.outputs = calloc(request->output_count, sizeof *it.outputs);
    if (it.outputs == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a request");
    const size_t round = rows_of_round(&it);
    duet_status status = DUET_OK;
    for (; status == DUET_OK && it.first < request->count; it.first += it.count) {
        it.count = request->count - it.first < round ? request->count - it.first : round;
        status = answer_round(&it, error);
        it.before += it.done;
    }
    free(it.outputs);
    return status;
}
