/* SPDX-License-Identifier: MIT */
/* What a run costs. Of training: milliseconds a step and pictures a second, the medians over the reports in
 * metrics.jsonl; and of its plans, made anew for this device and counted as `duet explain` counts, FLOPs a step,
 * parameters, the arena and all memory of the device. Of use: milliseconds for 1,000 samples and for encoding one
 * example, the medians of up to six repeats after one that does not count unless it takes 30 seconds; FLOPs a sample;
 * joules a thousand samples where the machine tells. Intervals are those of a median, between order statistics (David &
 * Nagaraja 2003, Order Statistics, sec. 7.1): of six repeats the least and the largest; fewer have none, as the median
 * lies between those of five with less than 95%. peak-memory-mib is the most that this process held, the device's
 * memory too if that is a CPU. Known failure: other work on the machine counts in all times and joules, and FLOPs say
 * nothing of how well they are used. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/number.h"
#include "duet/explain.h"
#include "graph/variable.h"
#include "metric/metric.h"
#include "model/model.h"

enum { ROWS = 1000, REPEATS = 6, MOST_SETTINGS = 256 };

static const double patience = 30; /* seconds after which no further repeat begins */
static const double mebibyte = 1048576;
#ifdef __APPLE__
static const double bytes_of_maxrss = 1;
#else
static const double bytes_of_maxrss = 1024;
#endif

static bool applies(duet_run *run)
{
    return duet_run_batch(run) > 0;
}

static const char *refusal(duet_run *run)
{
    (void)run;
    return "it measures a run whose training has ended: ask 'duet eval RUN --metric cost' then";
}

/* How many of n sorted numbers lie outside an interval of their median on either side: as many as hold it with 95%, by
 * the binomial distribution of how many lie below it. False: fewer than six, whose least and largest do not. */
static bool find_outside(size_t n, size_t *outside)
{
    const double tail = 0.025;
    double power = -(double)n * log(2), chance = exp(power); /* that no number lies below the median */
    *outside = 0;
    if (chance > tail) return false;
    for (size_t k = 0; chance <= tail; *outside = k++) {
        power += log((double)(n - k) / (double)(k + 1));
        chance += exp(power);
    }
    return true;
}

/* Sorts the numbers. */
static void add_median(duet_metric_task *task, const char *name, double *numbers, size_t n)
{
    size_t outside;
    if (n == 0) return;
    const double middle = duet_median(numbers, n);
    const bool known = find_outside(n, &outside);
    duet_metric_add(task, name, middle, known ? numbers[outside] : NAN, known ? numbers[n - 1 - outside] : NAN, n);
}

static duet_status add_training_speed(duet_metric_task *task, duet_error *error)
{
    duet_run_speed *rows;
    size_t count;
    DUET_TRY(duet_run_speeds(task->run, &rows, &count, error));
    double *numbers = malloc((count + 1) * sizeof *numbers);
    for (size_t i = 0; numbers != NULL && i < count; i++) numbers[i] = 1000 * rows[i].seconds_a_step;
    if (numbers != NULL) add_median(task, "step-ms", numbers, count);
    for (size_t i = 0; numbers != NULL && i < count; i++) numbers[i] = rows[i].images_per_second;
    if (numbers != NULL) add_median(task, "images-per-second", numbers, count);
    free(rows);
    if (numbers == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the reports of a run");
    free(numbers);
    return DUET_OK;
}

/* Sums over the plans of a training step. */
typedef struct plans {
    double flops, parameters, arena, memory;
    const void **seen; /* memories that were counted */
    size_t seen_count;
} plans;

static duet_status add_memories(plans *it, const duet_explanation *plan, duet_error *error)
{
    const void **grown = realloc(it->seen, (it->seen_count + plan->memory_count + 1) * sizeof *grown);
    if (grown == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for an explanation");
    it->seen = grown;
    for (size_t i = 0; i < plan->memory_count; i++) {
        const duet_explained_memory *memory = &plan->memories[i];
        bool known = false;
        for (size_t k = 0; k < it->seen_count; k++) known = known || it->seen[k] == memory->identity;
        if (known) continue;
        it->seen[it->seen_count++] = memory->identity;
        it->memory += (double)memory->bytes;
        if (memory->kind == DUET_MEMORY_ARENA) it->arena += (double)memory->bytes;
    }
    return DUET_OK;
}

static duet_status look_at_plans(plans *it, const duet_trainer *trainer, duet_error *error)
{
    for (size_t i = 0; i < duet_trainer_plan_count(trainer); i++) {
        duet_explained_phase phase;
        DUET_TRY(duet_trainer_explain(trainer, i, &phase, error));
        double flops = 0;
        for (size_t k = 0; k < phase.plan.launch_count; k++) flops += phase.plan.launches[k].flops;
        it->flops += flops * (double)phase.repeats / (double)phase.every;
        duet_status status = add_memories(it, &phase.plan, error);
        duet_explained_phase_free(&phase);
        if (status != DUET_OK) return status;
    }
    return DUET_OK;
}

/* "key=value" of every setting of the run's model. */
static duet_status copy_settings(const duet_model *model, char **texts, size_t *count, duet_error *error)
{
    const char *key, *value;
    for (*count = 0; *count < MOST_SETTINGS && duet_model_setting_at(model, *count, &key, &value); ++*count) {
        size_t size = strlen(key) + strlen(value) + 2;
        texts[*count] = malloc(size);
        if (texts[*count] == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for settings");
        snprintf(texts[*count], size, "%s=%s", key, value);
    }
    return DUET_OK;
}

/* Plans a training like the run's, of a model of its own, so that the run's is left alone. */
static duet_status plan_training(const duet_metric_task *task, plans *it, duet_error *error)
{
    char *texts[MOST_SETTINGS] = {0};
    size_t count = 0;
    duet_model *had = duet_run_model(task->run), *model = NULL;
    duet_trainer *trainer = NULL;
    duet_status status = copy_settings(had, texts, &count, error);
    if (status == DUET_OK)
        status = duet_model_new(&model, duet_model_family(had), duet_run_data(task->run), (const char *const *)texts,
                                count, 0, error);
    if (status == DUET_OK) duet_model_set_bytes(model, had->bytes);
    if (status == DUET_OK)
        status = duet_trainer_new(&trainer, duet_run_device(task->run), model, duet_run_batch(task->run), error);
    if (status == DUET_OK) status = look_at_plans(it, trainer, error);
    const duet_variable *variable;
    for (size_t i = 0; status == DUET_OK && (variable = duet_store_at(duet_model_store(model), i)) != NULL; i++)
        if (variable->optimised) it->parameters += (double)variable->elements;
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    for (size_t i = 0; i < count; i++) free(texts[i]);
    return status;
}

static duet_status add_training(duet_metric_task *task, duet_error *error)
{
    plans it = {0};
    duet_status status = plan_training(task, &it, error);
    free(it.seen);
    if (status != DUET_OK) return status;
    duet_metric_add(task, "step-gflop", it.flops * 1e-9, NAN, NAN, 1);
    duet_metric_add(task, "parameters", it.parameters, NAN, NAN, 1);
    duet_metric_add(task, "arena-mib", it.arena / mebibyte, NAN, NAN, 1);
    duet_metric_add(task, "memory-mib", it.memory / mebibyte, NAN, NAN, 1);
    return DUET_OK;
}

/* Times a request again and again; *joules: what its repeats took together, for one of them. The first one has the
 * driver's compiling in it, and counts where it alone takes longer than there is patience for. */
static duet_status add_times(duet_metric_task *task, const char *name, const duet_request *request, double scale,
                             double *joules, duet_error *error)
{
    double times[REPEATS], begun = duet_seconds();
    size_t count = 0;
    duet_device *device = duet_run_device(task->run);
    duet_device_energy_begin(device);
    DUET_TRY(duet_run_answer_alone(task->run, request, error));
    if (duet_seconds() - begun > patience)
        times[count++] = (duet_seconds() - begun) * scale;
    else
        duet_device_energy_begin(device);
    while (count < REPEATS && (count == 0 || duet_seconds() - begun < patience)) {
        double before = duet_seconds();
        DUET_TRY(duet_run_answer_alone(task->run, request, error));
        times[count++] = (duet_seconds() - before) * scale;
    }
    *joules = duet_device_energy(device) / (double)count;
    add_median(task, name, times, count);
    return DUET_OK;
}

/* To read samples that are given costs the model nothing. */
static duet_status add_sampling(duet_metric_task *task, duet_error *error)
{
    size_t features = duet_run_features(task->run, DUET_SAMPLE);
    double joules, flops;
    if (features == 0 || duet_run_given_samples(task->run) != NULL) return DUET_OK;
    float *samples = malloc(ROWS * features * sizeof *samples);
    if (samples == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d samples", ROWS);
    const duet_wanted wanted = {DUET_SAMPLE, samples};
    const duet_request request = {.count = ROWS, .seed = task->seed, .outputs = &wanted, .output_count = 1};
    duet_status status = add_times(task, "sample-ms", &request, 1000, &joules, error);
    free(samples);
    if (status == DUET_OK) status = duet_run_flops(task->run, &request, &flops, error);
    if (status != DUET_OK) return status;
    duet_metric_add(task, "sample-gflop", flops * 1e-9, NAN, NAN, 1);
    duet_metric_add(task, "sample-joule", joules, NAN, NAN, ROWS);
    return DUET_OK;
}

static duet_status time_encoding(duet_metric_task *task, float *examples, float *codes, uint8_t *labels, size_t count,
                                 duet_error *error)
{
    double joules;
    bool classes = duet_run_has_classes(task->run);
    DUET_TRY(duet_data_read(duet_run_data(task->run), task->split, 0, count, examples, error));
    if (duet_metric_tells_classes(task)) /* else any class costs the same */
        DUET_TRY(duet_data_labels(duet_run_data(task->run), task->split, 0, count, labels, error));
    const duet_wanted wanted = {DUET_LATENT, codes};
    const duet_request request = {.count = count,
                                  .seed = task->seed,
                                  .examples = examples,
                                  .classes = classes ? labels : NULL,
                                  .outputs = &wanted,
                                  .output_count = 1};
    return add_times(task, "encode-ms", &request, 1000 / (double)count, &joules, error);
}

static duet_status add_encoding(duet_metric_task *task, duet_error *error)
{
    size_t features = duet_run_features(task->run, DUET_LATENT), all = duet_metric_examples(task);
    size_t count = all < ROWS ? all : ROWS;
    if (features == 0) return DUET_OK;
    size_t numbers = duet_shape_elements(duet_data_describe(duet_run_data(task->run))->shape);
    float *examples = malloc(count * numbers * sizeof *examples), *codes = malloc(count * features * sizeof *codes);
    uint8_t labels[ROWS] = {0};
    duet_status status = examples != NULL && codes != NULL
                             ? time_encoding(task, examples, codes, labels, count, error)
                             : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", count);
    free(examples);
    free(codes);
    return status;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    struct rusage usage;
    DUET_TRY(add_training_speed(task, error));
    DUET_TRY(add_training(task, error));
    DUET_TRY(add_sampling(task, error));
    DUET_TRY(add_encoding(task, error));
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        duet_metric_add(task, "peak-memory-mib", (double)usage.ru_maxrss * bytes_of_maxrss / mebibyte, NAN, NAN, 1);
    return DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"step-ms", "milliseconds", DUET_SMALLER, DUET_OF_COST, 1},
    {"images-per-second", "images a second", DUET_LARGER, DUET_OF_COST, 2},
    {"step-gflop", "GFLOP", DUET_SMALLER, DUET_OF_COST, 3},
    {"parameters", "numbers", DUET_NEITHER, DUET_OF_COST, 7},
    {"arena-mib", "MiB", DUET_SMALLER, DUET_OF_COST, 5},
    {"memory-mib", "MiB", DUET_SMALLER, DUET_OF_COST, 4},
    {"sample-ms", "milliseconds", DUET_SMALLER, DUET_OF_COST, 8},
    {"sample-gflop", "GFLOP", DUET_SMALLER, DUET_OF_COST, 9},
    {"sample-joule", "joules", DUET_SMALLER, DUET_OF_COST, 10},
    {"encode-ms", "milliseconds", DUET_SMALLER, DUET_OF_COST, 11},
    {"peak-memory-mib", "MiB", DUET_NEITHER, DUET_OF_COST, 6},
    {NULL},
};

const duet_metric duet_metric_cost = {
    .row = {"cost", "as named",
            "what training and use cost: milliseconds and GFLOP a step, parameters, MiB, milliseconds of 1,000 samples "
            "and of encoding an example, joules where the machine tells; only where it is named",
            .on_request = true, .measures = measures},
    .applies = applies,
    .finish = finish,
    .refusal = refusal,
};
