/* SPDX-License-Identifier: MIT */
/* The trainer runs a model's procedure "train" step by step. */
#include "train/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/feed.h"
#include "device/record.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "plan/plan.h"
#include "product/products.h"

/* Whether any phase draws a batch. */
static bool draws_batches(const duet_trainer *trainer)
{
    bool draws = false;
    for (size_t i = 0; i < trainer->schedule.phase_count; i++) draws |= trainer->schedule.phases[i].description->draws;
    return draws;
}

uint64_t duet_trainer_draws(const duet_trainer *trainer, uint64_t steps)
{
    uint64_t draws = 0;
    if (!draws_batches(trainer)) return steps;
    for (size_t i = 0; i < trainer->schedule.phase_count; i++) {
        const duet_scheduled_phase *phase = &trainer->schedule.phases[i];
        if (phase->description->draws) draws += duet_schedule_replays(phase, steps);
    }
    return draws;
}

uint64_t duet_trainer_epochs_after(const duet_trainer *trainer, uint64_t steps)
{
    return duet_trainer_draws(trainer, steps) / trainer->batches;
}

/* By bisection, since draws never decrease with the number of steps. */
uint64_t duet_trainer_steps_for(const duet_trainer *trainer, uint64_t epochs)
{
    uint64_t wanted = epochs * trainer->batches, low = 0, high = 1;
    while (duet_trainer_draws(trainer, high) < wanted) high *= 2;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (duet_trainer_draws(trainer, middle) < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t duet_trainer_steps_an_epoch(const duet_trainer *trainer)
{
    return (size_t)duet_trainer_steps_for(trainer, 1);
}

double duet_trainer_epoch(const duet_trainer *trainer)
{
    return (double)duet_trainer_draws(trainer, trainer->steps) / (double)trainer->batches;
}

uint64_t duet_trainer_steps(const duet_trainer *trainer)
{
    return trainer->steps;
}

uint64_t duet_trainer_history_steps(const duet_trainer *trainer)
{
    return duet_schedule_remembers(&trainer->schedule);
}

static duet_status count_batches(duet_trainer *trainer, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_model_data(trainer->model));
    trainer->batches = data->count[DUET_TRAIN] / trainer->batch;
    if (trainer->batches == 0)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s has %zu training examples, too few for one batch of %zu; with "
                         "--batch %zu%s they fill one",
                         data->name, data->count[DUET_TRAIN], trainer->batch, data->count[DUET_TRAIN],
                         data->count[DUET_TRAIN] > 1 ? " or less" : "");
    return DUET_OK;
}

/* Whether any phase updates a group of that name. */
static bool updates_group(const duet_procedure_description *train, const char *name, size_t length)
{
    for (size_t p = 0; p < train->phase_count; p++)
        for (size_t o = 0; o < train->phases[p].objective_count; o++)
            for (size_t g = 0; g < train->phases[p].objectives[o].group_count; g++) {
                const char *group = duet_group_name(train->phases[p].objectives[o].groups[g]);
                if (strlen(group) == length && strncmp(group, name, length) == 0) return true;
            }
    return false;
}

/* A setting of a group that is never updated would have no effect, so it is a mistake. */
static duet_status check_groups(const duet_trainer *trainer, duet_error *error)
{
    const duet_settings *settings = &trainer->model->settings;
    for (size_t i = 0; i < settings->group_count; i++) {
        const char *key = settings->groups[i].key;
        size_t length = strcspn(key, ".");
        if (!updates_group(&trainer->build->procedures[0], key, length))
            return duet_fail(error, DUET_ERROR_USAGE, "setting %s: no phase of %s updates a group \"%.*s\"", key,
                             trainer->model->family->name, (int)length, key);
    }
    return DUET_OK;
}

/* A group that no phase updates may be intended (random features) but is more often an oversight: a warning. */
static void tell_of_resting_groups(const duet_trainer *trainer)
{
    const duet_store *store = trainer->model->store;
    const duet_group *group;
    for (size_t i = 0; (group = duet_store_group_at(store, i)) != NULL; i++) {
        const char *name = duet_group_name(group);
        size_t parameters = duet_group_parameters(group);
        if (parameters > 0 && !updates_group(&trainer->build->procedures[0], name, strlen(name)))
            duet_device_say(trainer->device,
                            "warning: no phase of %s updates the group \"%s\": its %zu parameters stay as they began",
                            trainer->model->family->name, name, parameters);
    }
}

/* The group of another store than the model's and its scratch whose parameter the node is, if that has no numbers yet;
 * NULL: it is none. */
static const duet_group *find_strange_group(const duet_build *build, const duet_store *store, duet_node node)
{
    const duet_variable *variable = node->attributes.object;
    const duet_group *group = NULL;
    if (node->op != &duet_op_variable || variable->storage->store == store ||
        variable->storage->store == build->scratch || variable->storage->buffer != NULL)
        return NULL;
    for (size_t i = 0; (group = duet_store_group_at(variable->storage->store, i)) != NULL; i++)
        if (group->storage == variable->storage) break;
    return group;
}

/* Groups of a store of the program's own are read and nothing else. That is intended of a network that was learnt
 * elsewhere, which has its numbers already, and an oversight where they are only to be drawn. */
static void tell_of_strange_groups(const duet_trainer *trainer)
{
    const duet_graph *graph = trainer->build->graph;
    for (size_t id = 0; id < duet_graph_count(graph); id++) {
        const duet_group *group = find_strange_group(trainer->build, trainer->model->store, duet_graph_at(graph, id));
        bool told = group == NULL;
        for (size_t before = 0; before < id && !told; before++)
            told = find_strange_group(trainer->build, trainer->model->store, duet_graph_at(graph, before)) == group;
        if (!told)
            duet_device_say(
                trainer->device,
                "warning: the group \"%s\" is of another store than the model's: its %zu parameters stay as "
                "they are, and no checkpoint holds them; duet_model_group makes groups of the model",
                duet_group_name(group), duet_group_parameters(group));
    }
}

/* Settings that were given and that nothing followed: their author expects something of them. */
static void tell_of_idle_settings(const duet_trainer *trainer)
{
    duet_text all = {0};
    char pair[176];
    duet_model_mark_layers(trainer->model);
    for (size_t i = 0; duet_settings_idle(&trainer->model->settings, i, pair); i++)
        duet_text_add(&all, "%s%s", i > 0 ? ", " : "", pair);
    if (all.length > 0 && !all.failed)
        duet_device_say(trainer->device, "note: without effect, since with the other settings nothing follows it: %s",
                        duet_text_get(&all));
    duet_text_free(&all);
}

/* A provider of convolutions that was asked for, where a step has none. */
static void tell_of_idle_provider(const duet_trainer *trainer)
{
    const duet_gemm_provider *asked = duet_products_seen(trainer->device)->asked;
    const duet_graph *graph = trainer->build->graph;
    bool idle = asked != NULL && asked->convolves;
    for (size_t i = 0; idle && i < duet_graph_count(graph); i++)
        idle = duet_graph_at(graph, i)->op->kind != DUET_OP_CONVOLUTION;
    if (idle)
        duet_device_say(trainer->device, "note: %s is for convolutions, of which this model has none: without effect",
                        asked->name);
}

static duet_variable *variable_of(duet_node state)
{
    return (duet_variable *)(uintptr_t)state->attributes.object;
}

/* Goes on with the steps that the store counts. */
static duet_status follow_store(duet_trainer *trainer, duet_error *error)
{
    uint32_t step;
    DUET_TRY(duet_variable_read(variable_of(trainer->build->step), &step, error));
    duet_feed_stop(trainer->build->feed); /* it has read ahead of another batch */
    trainer->schedule.first = trainer->steps = trainer->reported = trainer->added = step;
    return duet_schedule_align(&trainer->schedule, step, error);
}

/* Whether the store counts steps already, of another trainer or of a checkpoint. */
static bool goes_on(const duet_trainer *trainer)
{
    const duet_variable *step = duet_store_find(trainer->model->store, "trainer.step");
    return step != NULL && step->storage->buffer != NULL &&
           duet_device_is_here(trainer->device, "read", NULL) == DUET_OK;
}

/* What is drawn while it trains, and after, has the classes of what it learns from. */
static duet_status count_classes(const duet_trainer *trainer, duet_error *error)
{
    size_t counts[DUET_MOST_CLASSES] = {0};
    duet_data *data = duet_model_data(trainer->model);
    if (!duet_data_describe(data)->generated && duet_data_has_labels(data, DUET_TRAIN))
        DUET_TRY(duet_data_count_labels(data, DUET_TRAIN, counts, error));
    duet_model_set_class_counts(trainer->model, counts);
    return DUET_OK;
}

static duet_status prepare(duet_trainer *trainer, duet_error *error)
{
    const bool later = goes_on(trainer);
    DUET_TRY(count_batches(trainer, error));
    DUET_TRY(count_classes(trainer, error));
    duet_build_options options = {.mode = DUET_BUILD_TRAIN, .batch = trainer->batch};
    DUET_TRY(duet_data_streams(duet_model_data(trainer->model), trainer->device, &options.streams, error));
    DUET_TRY(duet_model_build_as(trainer->model, &options, &trainer->build, error));
    const duet_build *build = trainer->build;
    DUET_TRY(check_groups(trainer, error));
    tell_of_resting_groups(trainer);
    tell_of_strange_groups(trainer);
    DUET_TRY(duet_trainer_tell_of_unreached(trainer, error));
    for (size_t i = 0; i < build->warning_count; i++)
        duet_device_say(trainer->device, "warning: %s", build->warnings[i]);
    const char *where = build->procedures[0].phases[build->procedures[0].phase_count - 1].where;
    const duet_node count = duet_assign_at(where, build->step, duet_increment_at(where, build->step));
    DUET_TRY(duet_schedule_make(&trainer->schedule, trainer->device, trainer->model, build, &build->procedures[0],
                                trainer->batches, &count, 1, error));
    trainer->sums = calloc(trainer->schedule.term_count + 1, sizeof *trainer->sums);
    trainer->counts = calloc(trainer->schedule.term_count + 1, sizeof *trainer->counts);
    if (trainer->sums == NULL || trainer->counts == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a trainer");
    tell_of_idle_settings(trainer);
    tell_of_idle_provider(trainer);
    if (later) DUET_TRY(follow_store(trainer, error));
    if (trainer->model->trainer == NULL) trainer->model->trainer = trainer;
    return DUET_OK;
}

/* Ranks whose plans ask for other sums would add up what does not belong together: their models are not alike. */
duet_status duet_trainer_compare(const duet_trainer *trainer, duet_error *error)
{
    duet_ranks *ranks = trainer->model->ranks;
    const size_t count = duet_ranks_count(ranks);
    if (count == 1) return DUET_OK;
    uint64_t own = trainer->schedule.plan_count, *all = calloc(count, sizeof *all);
    if (all == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a trainer");
    for (size_t i = 0; i < trainer->schedule.plan_count; i++)
        own = own * 31 + duet_plan_exchanges(trainer->schedule.plans[i]);
    duet_status status = duet_ranks_gather(ranks, &own, sizeof own, all, error);
    for (size_t r = 0; r < count && status == DUET_OK; r++)
        if (all[r] != all[0])
            status = duet_fail(error, DUET_ERROR_USAGE,
                               "rank %zu on %s plans other sums over ranks than rank 0 does: give all ranks the same "
                               "model, settings, batch and data",
                               r, duet_ranks_host(ranks, r));
    free(all);
    return status;
}

duet_status duet_trainer_plan_here(duet_trainer **trainer, duet_device *device, duet_model *model, size_t batch,
                                   duet_error *error)
{
    *trainer = NULL;
    if (batch == 0) return duet_fail(error, DUET_ERROR_USAGE, "a batch needs at least one example");
    duet_trainer *made = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a trainer");
    made->device = device;
    made->model = model;
    made->batch = batch;
    duet_status status = prepare(made, error);
    if (status != DUET_OK) {
        duet_trainer_free(&made);
        return status;
    }
    *trainer = made;
    return DUET_OK;
}

duet_status duet_trainer_new(duet_trainer **trainer, duet_device *device, duet_model *model, size_t batch,
                             duet_error *error)
{
    duet_status status = duet_trainer_plan_here(trainer, device, model, batch, error);
    if (model->ranks != NULL) status = duet_ranks_agree(model->ranks, status, error);
    if (status == DUET_OK) status = duet_trainer_compare(*trainer, error);
    if (status != DUET_OK) duet_trainer_free(trainer);
    return status;
}

void duet_trainer_free(duet_trainer **trainer)
{
    if (trainer == NULL || *trainer == NULL) return;
    if ((*trainer)->model->trainer == *trainer) (*trainer)->model->trainer = NULL;
    duet_schedule_clear(&(*trainer)->schedule);
    duet_build_free(&(*trainer)->build);
    free((*trainer)->sums);
    free((*trainer)->counts);
    free(*trainer);
    *trainer = NULL;
}

/* Takes in the losses of the steps since the last time, before the device overwrites them. */
static duet_status add_losses(duet_trainer *trainer, duet_error *error)
{
    DUET_TRY(
        duet_schedule_add(&trainer->schedule, trainer->added, trainer->steps, trainer->sums, trainer->counts, error));
    trainer->added = trainer->steps;
    return DUET_OK;
}

duet_status duet_trainer_take_turn(duet_trainer *trainer, duet_error *error)
{
    duet_model *model = trainer->model;
    if (model->trainer == trainer) return DUET_OK;
    if (model->trainer != NULL) DUET_TRY(add_losses(model->trainer, error));
    DUET_TRY(follow_store(trainer, error));
    model->trainer = trainer;
    return DUET_OK;
}

/* What brings the batches; NULL: nobody need. Begins at the batch that the device would draw next. */
static duet_status begin_feed(const duet_trainer *trainer, duet_feed **feed, duet_error *error)
{
    *feed = draws_batches(trainer) ? trainer->build->feed : NULL;
    if (*feed == NULL || duet_feed_has_begun(*feed)) return DUET_OK;
    uint32_t draw;
    DUET_TRY(duet_variable_read(variable_of(trainer->build->draws), &draw, error));
    return duet_feed_begin(*feed, trainer->device, draw, error);
}

static uint64_t draws_of_step(const duet_trainer *trainer)
{
    return duet_trainer_draws(trainer, trainer->steps + 1) - duet_trainer_draws(trainer, trainer->steps);
}

duet_status duet_trainer_wait(duet_trainer *trainer, double seconds, bool *ready, duet_error *error)
{
    duet_feed *feed;
    DUET_TRY(begin_feed(trainer, &feed, error));
    *ready = feed == NULL || duet_feed_wait(feed, draws_of_step(trainer), seconds);
    return DUET_OK;
}

/* `ends`: it is the step's last. A phase that neither draws nor leaves its batch to the next one reads none: it is not
 * to wait for, or to end with, the batch of the step to come. */
static duet_status replay(duet_trainer *trainer, size_t phase, bool ends, duet_feed *feed, duet_error *error)
{
    const duet_schedule *schedule = &trainer->schedule;
    const bool draws = schedule->phases[phase].description->draws;
    const bool shared = phase + 1 < schedule->phase_count && schedule->phases[phase + 1].description->shares;
    if (feed != NULL && (draws || shared)) DUET_TRY(duet_feed_give(feed, error));
    DUET_TRY(duet_schedule_enqueue(&trainer->schedule, phase, ends, error));
    return feed != NULL && draws ? duet_feed_pass(feed, error) : DUET_OK;
}

duet_status duet_trainer_step(duet_trainer *trainer, duet_error *error)
{
    duet_schedule *schedule = &trainer->schedule;
    duet_feed *feed;
    DUET_TRY(duet_trainer_take_turn(trainer, error));
    if (trainer->steps - trainer->added >= duet_trainer_history_steps(trainer)) DUET_TRY(add_losses(trainer, error));
    DUET_TRY(begin_feed(trainer, &feed, error));
    if (feed != NULL) DUET_TRY(duet_feed_expect(feed, draws_of_step(trainer), error)); /* else it would end halfway */
    trainer->torn = true;
    for (size_t i = 0; i < schedule->phase_count; i++) {
        const duet_scheduled_phase *phase = &schedule->phases[i];
        if (trainer->steps % phase->description->every != 0) continue;
        const bool ends = i + 1 == schedule->plan_count;
        for (size_t k = 0; k < phase->repeats; k++) DUET_TRY(replay(trainer, i, ends, feed, error));
    }
    if (schedule->plan_count > schedule->phase_count)
        DUET_TRY(duet_schedule_enqueue(schedule, schedule->phase_count, true, error));
    trainer->torn = false;
    trainer->steps++;
    return DUET_OK;
}

static void restart_sums(duet_trainer *trainer, uint64_t step)
{
    for (size_t i = 0; i < trainer->schedule.term_count; i++) {
        trainer->sums[i] = 0;
        trainer->counts[i] = 0;
    }
    trainer->added = step;
}

void duet_trainer_continue(duet_trainer *trainer, uint64_t steps, uint64_t reported)
{
    if (trainer->steps != steps) {
        duet_feed_stop(trainer->build->feed);
        trainer->schedule.first = steps;
    }
    trainer->model->trainer = trainer;
    trainer->steps = steps;
    trainer->reported = reported;
    restart_sums(trainer, reported);
}

const char *duet_trainer_term(const duet_trainer *trainer, size_t index)
{
    return index < trainer->schedule.term_count ? trainer->schedule.terms[index] : NULL;
}

duet_status duet_trainer_losses(duet_trainer *trainer, double *means, size_t count, duet_error *error)
{
    DUET_TRY(add_losses(trainer, error));
    for (size_t i = 0; i < count && i < trainer->schedule.term_count; i++)
        means[i] = trainer->sums[i] / (double)trainer->counts[i]; /* NaN without replays */
    restart_sums(trainer, trainer->steps);
    trainer->reported = trainer->steps;
    return duet_trainer_check(trainer, error);
}

duet_status duet_trainer_check(duet_trainer *trainer, duet_error *error)
{
    return duet_schedule_check(&trainer->schedule, error);
}
