/* SPDX-License-Identifier: MIT */
/* Every rank's parameters are the same bits: they start so, and all add up the same gradients. Devices of other kinds
 * may round otherwise all the same, so it is looked at before anything is kept of them. */
#include "run/training_ranks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/size.h"
#include "graph/variable.h"
#include "model/model.h"

/* What is done with one saved variable, whose values there is room for. */
typedef duet_status (*visit)(duet_training *run, duet_variable *variable, void *values, void *context,
                             duet_error *error);

static duet_status visit_saved(duet_training *run, visit each, void *context, duet_error *error)
{
    const duet_store *store = duet_model_store(run->model);
    duet_variable *variable;
    size_t most = 1, bytes;
    for (size_t i = 0; (variable = duet_store_at(store, i)) != NULL; i++)
        if (variable->saved && duet_size_multiply(variable->elements, duet_type_size(variable->type), &bytes) &&
            bytes > most)
            most = bytes;
    void *values = malloc(most);
    duet_status status = values == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a variable of %zu bytes", most)
                             : DUET_OK;
    for (size_t i = 0; status == DUET_OK && (variable = duet_store_at(store, i)) != NULL; i++) {
        if (!variable->saved) continue;
        status = duet_storage_ensure(variable->storage, run->device, error);
        if (status == DUET_OK) status = each(run, variable, values, context, error);
    }
    free(values);
    return status;
}

static size_t bytes_of(const duet_variable *variable)
{
    return variable->elements * duet_type_size(variable->type);
}

static duet_status add_checksum(duet_training *run, duet_variable *variable, void *values, void *context,
                                duet_error *error)
{
    uint32_t *sum = context;
    (void)run;
    DUET_TRY(duet_variable_read(variable, values, error));
    *sum = (uint32_t)crc32_z(*sum, values, bytes_of(variable));
    return DUET_OK;
}

/* A rank that cannot read or write its own still takes part, or the others would wait for it. */
static duet_status give(duet_training *run, duet_variable *variable, void *values, void *context, duet_error *error)
{
    duet_status *own = context;
    if (run->leads && *own == DUET_OK) *own = duet_variable_read(variable, values, error);
    DUET_TRY(duet_ranks_share(run->options->ranks, values, bytes_of(variable), error));
    if (!run->leads && *own == DUET_OK) *own = duet_variable_write(variable, values, error);
    return DUET_OK;
}

static duet_status give_all(duet_training *run, duet_error *error)
{
    duet_status own = DUET_OK;
    DUET_TRY(visit_saved(run, give, &own, error));
    return duet_training_settle(run, own, error);
}

/* What a checkpoint says beside its tensors. */
typedef struct counts {
    uint64_t steps, reported;
    unsigned char checkpointed;
} counts;

duet_status duet_training_share_checkpoint(duet_training *run, duet_error *error)
{
    counts all = {run->trainer->steps, run->trainer->reported, run->checkpointed};
    if (duet_ranks_count(run->options->ranks) == 1) return DUET_OK;
    DUET_TRY(duet_ranks_share(run->options->ranks, &all, sizeof all, error));
    DUET_TRY(give_all(run, error));
    if (run->leads) return DUET_OK;
    run->checkpointed = all.checkpointed;
    duet_trainer_continue(run->trainer, all.steps, all.reported);
    return DUET_OK;
}

/* Whether all have the checksum of rank 0; *other: the first that has not. */
static duet_status compare(duet_training *run, uint32_t own, size_t *other, duet_error *error)
{
    const size_t count = duet_ranks_count(run->options->ranks);
    uint32_t *all = calloc(count, sizeof *all);
    *other = count;
    if (all == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for checksums");
    const duet_status status = duet_ranks_gather(run->options->ranks, &own, sizeof own, all, error);
    for (*other = 0; *other < count && all[*other] == all[0];) ++*other;
    free(all);
    return status;
}

duet_status duet_training_make_alike(duet_training *run, duet_error *error)
{
    uint32_t own = 0;
    size_t other;
    duet_status status = duet_device_finish(run->device, error);
    const size_t count = duet_ranks_count(run->options->ranks);
    if (count == 1) return status;
    if (status == DUET_OK) status = visit_saved(run, add_checksum, &own, error);
    DUET_TRY(duet_training_settle(run, status, error));
    DUET_TRY(compare(run, own, &other, error));
    if (other == count) return DUET_OK;
    if (!run->said_drift)
        duet_training_say(run,
                          "warning: at step %" PRIu64
                          " rank %zu on %s has other parameters than rank 0: their devices or drivers round otherwise; "
                          "rank 0's are given to all, here and wherever it happens again",
                          run->trainer->steps, other, duet_ranks_host(run->options->ranks, other));
    run->said_drift = true;
    return give_all(run, error);
}
