/* The trainer runs a model's schedule: each phase is a plan, k repeats are k replays, and a step is nothing but their
 * launches. The host waits for an old step only, so that the device never runs dry. */
#include "train/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "plan/plan.h"

uint64_t duet_trainer_epochs_after(const duet_trainer *trainer, uint64_t steps)
{
    uint64_t draws = trainer->draws_per_step > 0 ? trainer->draws_per_step : 1;
    return steps * draws / trainer->batches;
}

uint64_t duet_trainer_steps_for(const duet_trainer *trainer, uint64_t epochs)
{
    uint64_t draws = trainer->draws_per_step > 0 ? trainer->draws_per_step : 1;
    return (epochs * trainer->batches + draws - 1) / draws;
}

size_t duet_trainer_steps_an_epoch(const duet_trainer *trainer)
{
    return (size_t)duet_trainer_steps_for(trainer, 1);
}

double duet_trainer_epoch(const duet_trainer *trainer)
{
    double draws = trainer->draws_per_step > 0 ? (double)trainer->draws_per_step : 1;
    return (double)trainer->steps * draws / (double)trainer->batches;
}

uint64_t duet_trainer_steps(const duet_trainer *trainer)
{
    return trainer->steps;
}

uint64_t duet_trainer_history_steps(const duet_trainer *trainer)
{
    size_t most = 1;
    for (size_t i = 0; i < trainer->phase_count; i++)
        if (trainer->phases[i].repeats > most) most = trainer->phases[i].repeats;
    return most < DUET_HISTORY_ROWS ? DUET_HISTORY_ROWS / most : 1;
}

static duet_status count_batches(duet_trainer *trainer, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_model_data(trainer->model));
    trainer->batches = data->count[DUET_TRAIN] / trainer->batch;
    if (trainer->batches == 0)
        return duet_fail(error, DUET_ERROR_DATA, "%s has %zu training examples, too few for one batch of %zu",
                         data->name, data->count[DUET_TRAIN], trainer->batch);
    return DUET_OK;
}

static duet_status measure_schedule(duet_trainer *trainer, duet_error *error)
{
    trainer->phase_count = trainer->build->phase_count;
    if (trainer->phase_count == 0)
        return duet_fail(error, DUET_ERROR_GRAPH, "the model \"%s\" has no phase: nothing would be trained",
                         duet_model_family(trainer->model)->name);
    for (size_t i = 0; i < trainer->phase_count; i++) {
        const duet_phase_description *phase = &trainer->build->phases[i];
        trainer->phases[i].description = phase;
        trainer->phases[i].repeats = phase->repeats > 0 ? phase->repeats : trainer->batches;
        if (phase->draws) trainer->draws_per_step += trainer->phases[i].repeats;
    }
    return DUET_OK;
}

/* The terms of all phases, by name. The names become keys beside those of a report, so each may be used once. */
static duet_status list_terms(duet_trainer *trainer, duet_error *error)
{
    static const char *const taken[] = {"step", "epoch", "split", "seconds", "images_per_second"};
    for (size_t p = 0; p < trainer->phase_count; p++) {
        const duet_phase_description *phase = trainer->phases[p].description;
        for (size_t i = 0; i < phase->report_count; i++) {
            const char *name = phase->reports[i].name;
            bool clash = false;
            for (size_t k = 0; k < sizeof taken / sizeof *taken; k++) clash |= strcmp(name, taken[k]) == 0;
            for (size_t k = 0; k < trainer->term_count; k++) clash |= strcmp(name, trainer->terms[k]) == 0;
            if (clash)
                return duet_fail(error, DUET_ERROR_GRAPH,
                                 "phase \"%s\" reports \"%s\", a name that is taken: give it another", phase->name,
                                 name);
            trainer->terms[trainer->term_count++] = name;
        }
    }
    return DUET_OK;
}

static duet_status plan_phases(duet_trainer *trainer, duet_error *error)
{
    size_t plans = trainer->phase_count + 1;
    duet_node(*nodes)[DUET_MAX_PHASE_ROOTS] = malloc(plans * sizeof *nodes);
    if (nodes == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the schedule's nodes");
    const duet_node *roots[DUET_MAX_PHASES + 1];
    const char *names[DUET_MAX_PHASES + 1];
    size_t counts[DUET_MAX_PHASES + 1];
    for (size_t i = 0; i < trainer->phase_count; i++) {
        counts[i] = duet_schedule_phase(trainer, i, nodes[i]);
        names[i] = trainer->phases[i].description->name;
        roots[i] = nodes[i];
    }
    nodes[plans - 1][0] = duet_schedule_step(trainer->build);
    roots[plans - 1] = nodes[plans - 1];
    names[plans - 1] = "step";
    counts[plans - 1] = 1;
    duet_status status = duet_plan_new_many(trainer->plans, plans, trainer->device, names, roots, counts, error);
    free(nodes);
    return status;
}

static duet_status prepare(duet_trainer *trainer, duet_error *error)
{
    DUET_TRY(count_batches(trainer, error));
    DUET_TRY(duet_model_build(trainer->model, DUET_BUILD_TRAIN, trainer->batch, &trainer->build, error));
    DUET_TRY(measure_schedule(trainer, error));
    DUET_TRY(list_terms(trainer, error));
    DUET_TRY(plan_phases(trainer, error));
    duet_schedule_find_variables(trainer);
    size_t most = 1;
    for (size_t i = 0; i < trainer->phase_count; i++)
        if (trainer->phases[i].description->report_count > most) most = trainer->phases[i].description->report_count;
    trainer->rows = malloc(DUET_HISTORY_ROWS * most * sizeof *trainer->rows);
    if (trainer->rows == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the loss history");
    return DUET_OK;
}

duet_status duet_trainer_new(duet_trainer **trainer, duet_device *device, duet_model *model, size_t batch,
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

void duet_trainer_free(duet_trainer **trainer)
{
    if (trainer == NULL || *trainer == NULL) return;
    duet_trainer *old = *trainer;
    for (size_t i = 0; i < DUET_QUEUED_STEPS; i++) (void)duet_event_wait(&old->events[i], NULL);
    for (size_t i = 0; i <= DUET_MAX_PHASES; i++) duet_plan_free(&old->plans[i]);
    duet_build_free(&old->build);
    free(old->rows);
    free(old);
    *trainer = NULL;
}

duet_status duet_trainer_step(duet_trainer *trainer, duet_error *error)
{
    cl_event *event = &trainer->events[trainer->steps % DUET_QUEUED_STEPS];
    DUET_TRY(duet_event_wait(event, error));
    for (size_t i = 0; i < trainer->phase_count; i++)
        for (size_t k = 0; k < trainer->phases[i].repeats; k++)
            DUET_TRY(duet_plan_enqueue(trainer->plans[i], NULL, error));
    DUET_TRY(duet_plan_enqueue(trainer->plans[trainer->phase_count], event, error));
    trainer->steps++;
    return DUET_OK;
}

void duet_trainer_continue(duet_trainer *trainer, uint64_t steps, uint64_t reported)
{
    trainer->steps = steps;
    trainer->reported = reported;
}

const char *duet_trainer_term(const duet_trainer *trainer, size_t index)
{
    return index < trainer->term_count ? trainer->terms[index] : NULL;
}

/* Means of one phase's terms over its last `rows` replays. */
static duet_status average_phase(duet_trainer *trainer, const duet_trainer_phase *phase, uint64_t rows, double *means,
                                 duet_error *error)
{
    size_t terms = phase->description->report_count;
    uint64_t replays = trainer->steps * phase->repeats;
    DUET_TRY(duet_variable_read(phase->history, trainer->rows, error));
    for (size_t i = 0; i < terms; i++) {
        double sum = 0;
        for (uint64_t k = replays - rows; k < replays; k++)
            sum += trainer->rows[(size_t)(k % DUET_HISTORY_ROWS) * terms + i];
        means[i] = sum / (double)rows; /* no step since the last call: NaN */
    }
    return DUET_OK;
}

duet_status duet_trainer_losses(duet_trainer *trainer, double *means, size_t count, duet_error *error)
{
    double all[DUET_MAX_PHASES * DUET_MAX_REPORTS];
    size_t filled = 0;
    for (size_t i = 0; i < trainer->phase_count; i++) {
        const duet_trainer_phase *phase = &trainer->phases[i];
        if (phase->history == NULL) continue;
        uint64_t rows = (trainer->steps - trainer->reported) * phase->repeats;
        if (rows > DUET_HISTORY_ROWS) rows = DUET_HISTORY_ROWS;
        DUET_TRY(average_phase(trainer, phase, rows, all + filled, error));
        filled += phase->description->report_count;
    }
    trainer->reported = trainer->steps;
    for (size_t i = 0; i < count && i < filled; i++) means[i] = all[i];
    return duet_trainer_check(trainer, error);
}

duet_status duet_trainer_check(duet_trainer *trainer, duet_error *error)
{
    float term;
    uint32_t step;
    DUET_TRY(duet_variable_read(trainer->fault_term, &term, error));
    if (term == 0) return DUET_OK;
    DUET_TRY(duet_variable_read(trainer->fault_step, &step, error));
    size_t index = (size_t)term - 1;
    if (!(term >= 1) || index >= trainer->watched_count)
        return duet_fail(error, DUET_ERROR_NUMERIC, "the fault flag holds %g, which no term has", (double)term);
    const duet_watched *watched = &trainer->watched[index];
    const char *what = watched->report != NULL ? "the term" : watched->group != NULL ? "the gradient of" : "the loss";
    const char *name = watched->report != NULL ? watched->report : watched->group, *quote = name != NULL ? "\"" : "";
    return duet_fail(error, DUET_ERROR_NUMERIC,
                     "step %llu: %s%s%s%s%s of phase \"%s\" is not a finite number; parameters are as they were before "
                     "it. A smaller learning rate or clip_norm may help",
                     (unsigned long long)step + 1, what, name != NULL ? " " : "", quote, name != NULL ? name : "",
                     quote, watched->phase);
}
