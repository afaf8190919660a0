/* SPDX-License-Identifier: MIT */
/* As in Yazici et al. 2019 (arXiv:1806.04498), but by samples: layers learn as in training, from the averaged weights,
 * and only the states that belong to the average move. */
#include "train/recalibrate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "duet/op.h"
#include "duet/plan.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "nn/optimiser.h"

enum { ROWS = 100 };

static const double left = 0.007; /* share of the trained weights' statistics that may remain */

/* The number of batches after which at most `left` remains in the state that follows most slowly. */
static uint32_t count_batches(const duet_build *build)
{
    double keep = 0;
    const duet_follower *follower;
    for (size_t i = 0; (follower = duet_graph_follower(build->graph, i)) != NULL; i++)
        keep = fmax(keep, follower->keep);
    return keep > 0 && keep < 1 ? (uint32_t)fmin(ceil(log(left) / log(keep)), 1e6) : 1;
}

/* The states of the averages start as copies of the trained ones. *count: how many there are. */
static duet_status copy_states(duet_device *device, duet_model *model, size_t *count, duet_error *error)
{
    duet_group *group;
    *count = 0;
    for (size_t g = 0; (group = duet_store_group_at(model->store, g)) != NULL; g++)
        if (duet_settings_group_number(&model->settings, duet_group_name(group), "average") > 0)
            DUET_TRY(duet_group_copy_states(group, device, DUET_AVERAGE_SLOT, count, error));
    return DUET_OK;
}

/* Of the state updates that making samples causes, those of the averages. Returns how many. */
static size_t list_updates(const duet_build *build, duet_node *updates, size_t room)
{
    const char *where = "recalibrate";
    duet_node sample = duet_build_output(build, DUET_SAMPLE);
    size_t made = duet_state_updates_at(where, &sample, 1, NULL, updates, room), kept = 0;
    for (size_t i = 0; i < made; i++) {
        const duet_variable *target = duet_node_in_memory(updates[i]->inputs[0])->attributes.object;
        const char *ending = strrchr(target->name, '.');
        if (ending != NULL && strcmp(ending + 1, DUET_AVERAGE_SLOT) == 0) updates[kept++] = updates[i];
    }
    return kept;
}

static duet_status make_samples(duet_device *device, const duet_build *build, const duet_node *updates, size_t count,
                                const volatile int *stop, duet_error *error)
{
    duet_plan *plan = NULL;
    DUET_TRY(duet_plan_new(&plan, device, "recalibration", updates, count, error));
    duet_variable *row = duet_store_find(build->scratch, "random.row");
    duet_status status = DUET_OK;
    const uint32_t batches = count_batches(build);
    for (uint32_t i = 0; i < batches && status == DUET_OK; i++) {
        const uint32_t first = i * ROWS;
        if (row != NULL && row->storage->buffer != NULL) status = duet_variable_write(row, &first, error);
        if (status == DUET_OK) status = duet_plan_replay(plan, error);
        if (status == DUET_OK && i % 8 == 7) status = duet_device_finish(device, error); /* or a stop would come late */
        if (status == DUET_OK && stop != NULL && *stop != 0)
            status = duet_fail(error, DUET_ERROR_INTERRUPTED, "stopped while batch norm was being recalibrated");
    }
    if (status == DUET_OK) status = duet_device_finish(device, error);
    duet_plan_free(&plan);
    return status;
}

static duet_status follow(duet_device *device, duet_model *model, size_t states, const volatile int *stop,
                          duet_error *error)
{
    static const char *const averages[] = {"weights=average"};
    const size_t room = 2 * states + 64;
    const duet_build_options options = {.mode = DUET_BUILD_EVAL,
                                        .batch = ROWS,
                                        .draws_latents = true,
                                        .draws_classes = true,
                                        .learns = true,
                                        .knobs = averages,
                                        .knob_count = 1};
    duet_build *build = NULL;
    DUET_TRY(duet_model_build_as(model, &options, &build, error));
    duet_node *updates = calloc(room + 1, sizeof *updates);
    duet_status status = DUET_OK;
    if (updates == NULL) status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu states", states);
    if (status == DUET_OK && duet_build_output(build, DUET_SAMPLE) != NULL) {
        size_t count = list_updates(build, updates, room);
        duet_node clock = duet_clock(build->graph);
        if (count > 0) {
            duet_device_say(device, "taking statistics of batch norm under the averaged weights ...");
            updates[count++] = duet_assign(clock, duet_increment(clock)); /* new masks for each batch */
            status = make_samples(device, build, updates, count, stop, error);
        }
    }
    free(updates);
    duet_build_free(&build);
    return status;
}

/* Counts the groups that keep an average. *idle: one of them that has had no update, whose average is all zeros; NULL
 * if all have. */
static duet_status find_averages(duet_device *device, duet_model *model, size_t *count, const char **idle,
                                 duet_error *error)
{
    duet_group *group;
    *count = 0;
    *idle = NULL;
    for (size_t g = 0; (group = duet_store_group_at(model->store, g)) != NULL; g++) {
        char name[192];
        uint32_t updates = 0;
        if (!(duet_settings_group_number(&model->settings, duet_group_name(group), "average") > 0)) continue;
        snprintf(name, sizeof name, "%s.updates", duet_group_name(group));
        if (duet_store_find(model->store, name) != NULL)
            DUET_TRY(duet_store_read(model->store, device, name, &updates, sizeof updates, error));
        else if (duet_group_parameters(group) == 0)
            continue;
        else
            updates = 1; /* opened for use: the checkpoint had the average, or it would not have loaded */
        if (updates == 0) *idle = duet_group_name(group);
        ++*count;
    }
    return DUET_OK;
}

duet_status duet_averages_begun(duet_device *device, duet_model *model, bool *begun, duet_error *error)
{
    const char *idle;
    size_t count;
    DUET_TRY(find_averages(device, model, &count, &idle, error));
    *begun = count > 0 && idle == NULL;
    return DUET_OK;
}

duet_status duet_recalibrate(duet_device *device, duet_model *model, const volatile int *stop, duet_error *error)
{
    size_t states, count;
    const char *idle;
    DUET_TRY(find_averages(device, model, &count, &idle, error));
    if (idle != NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "weights=average: the group \"%s\" has had no update to average",
                         idle);
    DUET_TRY(copy_states(device, model, &states, error));
    return states == 0 ? DUET_OK : follow(device, model, states, stop, error);
}
