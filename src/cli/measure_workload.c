/* SPDX-License-Identifier: MIT */
/* The training steps of a workload, measured by `duet bench`: their time, what they are made of, and whether their
 * losses are those that the workload is known to have: what a broken driver computes fast is worth nothing. */
#include "cli/child.h"
#include "cli/measure.h"
#include "cli/output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MOST_BLOCKS = 1000, MOST_STEPS_A_BLOCK = 20, WARM_STEPS = 3, MOST_TERMS = 64, MOST_NAMES = 8 };

typedef struct step_times {
    double milliseconds[MOST_BLOCKS]; /* a step's mean in each block, sorted at the end */
    size_t blocks, steps;             /* timed, all blocks together */
    double means[MOST_TERMS];         /* loss terms of the last block */
    double checked[MOST_TERMS];       /* loss terms of step CLI_CHECKED_STEP */
    double first_seconds, joules;     /* joules: of the timed steps */
} step_times;

/* What one more step is made of. */
typedef struct step_make {
    double gflop; /* of matrix products and convolutions */
    uint64_t launches;
    char names[MOST_NAMES][24]; /* of their providers */
    size_t name_count;
} step_make;

/* Milliseconds a step of one block. Reading the losses waits for the block to end. */
static double time_block(duet_trainer *trainer, size_t steps, double *means, duet_error *error)
{
    const double begin = duet_seconds();
    for (size_t i = 0; i < steps && error->status == DUET_OK; i++) duet_trainer_step(trainer, error);
    if (error->status == DUET_OK) duet_trainer_losses(trainer, means, MOST_TERMS, error);
    return 1e3 * (duet_seconds() - begin) / (double)steps;
}

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The steps up to the checked one, and a few more to warm up where they are short. Milliseconds of the last. */
static double begin_steps(duet_trainer *trainer, double begin, double enough, step_times *times, duet_error *error)
{
    double step = time_block(trainer, 1, times->means, error);
    times->first_seconds = duet_seconds() - begin;
    for (size_t i = 1; i < CLI_CHECKED_STEP; i++) step = time_block(trainer, 1, times->means, error);
    memcpy(times->checked, times->means, sizeof times->checked);
    for (size_t i = CLI_CHECKED_STEP; i <= WARM_STEPS && step < enough; i++)
        step = time_block(trainer, 1, times->means, error);
    return step;
}

/* Blocks of twenty steps, or of fewer where a step is long. */
static void time_steps(duet_device *device, duet_trainer *trainer, double begin, double seconds, step_times *times,
                       duet_error *error)
{
    const double block_milliseconds = 100;
    const double wanted = floor(block_milliseconds / begin_steps(trainer, begin, block_milliseconds, times, error));
    const size_t steps = wanted < 1 ? 1 : wanted > MOST_STEPS_A_BLOCK ? MOST_STEPS_A_BLOCK : (size_t)wanted;
    const double start = duet_seconds();
    duet_device_energy_begin(device);
    do {
        times->milliseconds[times->blocks++] = time_block(trainer, steps, times->means, error);
        times->steps += steps;
    } while (error->status == DUET_OK && times->blocks < MOST_BLOCKS && duet_seconds() - start < seconds);
    times->joules = duet_device_energy(device);
    qsort(times->milliseconds, times->blocks, sizeof *times->milliseconds, ascending);
}

/* The largest resident memory that this process has had, driver included. */
static double resident_mebibytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return NAN;
#ifdef __APPLE__
    return (double)usage.ru_maxrss / (1024 * 1024);
#else
    return (double)usage.ru_maxrss / 1024;
#endif
}

/* The provider of a kernel named "gemm panel 128x400x784 nt, relu": its first two words. */
static void add_name(step_make *make, const char *kernel)
{
    const size_t first = strcspn(kernel, " ") + 1, length = first + strcspn(kernel + first, " ");
    for (size_t i = 0; i < make->name_count; i++)
        if (strlen(make->names[i]) == length && strncmp(make->names[i], kernel, length) == 0) return;
    if (make->name_count < MOST_NAMES && length < sizeof make->names[0])
        memcpy(make->names[make->name_count++], kernel, length);
}

/* Reads it off the profile of one more step. */
static void take_apart(duet_device *device, duet_trainer *trainer, step_make *make, duet_error *error)
{
    duet_profile_row *rows = NULL;
    size_t count = 0;
    double means[MOST_TERMS];
    if (duet_device_set_profiling(device, true, error) != DUET_OK) return;
    time_block(trainer, 1, means, error);
    if (error->status != DUET_OK || duet_device_profile(device, &rows, &count, error) != DUET_OK) return;
    for (size_t i = 0; i < count; i++) {
        make->launches += rows[i].launches;
        if (strncmp(rows[i].kernel, "gemm ", strlen("gemm ")) != 0 &&
            strncmp(rows[i].kernel, "conv ", strlen("conv ")) != 0)
            continue;
        make->gflop += 1e-9 * rows[i].flops;
        add_name(make, rows[i].kernel);
    }
    free(rows);
}

static json_t *losses_json(const duet_trainer *trainer, const double *values)
{
    json_t *losses = json_object();
    const char *term;
    for (size_t i = 0; i < MOST_TERMS && (term = duet_trainer_term(trainer, i)) != NULL; i++)
        json_object_set_new(losses, term, cli_json_number(values[i]));
    return losses;
}

/* {step, losses, expected, right}; null where the workload is not the one whose losses are known. */
static json_t *check_json(const cli_measurement *it, const duet_trainer *trainer, const char *data,
                          const step_times *times)
{
    bool right = true;
    json_t *expected = json_object();
    if (it->known == NULL || it->known->losses == NULL || strcmp(data, cli_workload_data) != 0) {
        json_decref(expected);
        return json_null();
    }
    for (const cli_loss *loss = it->known->losses; loss->term != NULL; loss++) {
        double found = NAN;
        const char *term;
        for (size_t i = 0; i < MOST_TERMS && (term = duet_trainer_term(trainer, i)) != NULL; i++)
            if (strcmp(term, loss->term) == 0) found = times->checked[i];
        right = right && fabs(found - loss->value) <= cli_loss_tolerance * fabs(loss->value);
        json_object_set_new(expected, loss->term, cli_json_number(loss->value));
    }
    return json_pack("{s:i s:o s:o s:b}", "step", CLI_CHECKED_STEP, "losses", losses_json(trainer, times->checked),
                     "expected", expected, "right", (int)right);
}

static json_t *names_json(const step_make *make)
{
    json_t *names = json_array();
    for (size_t i = 0; i < make->name_count; i++) json_array_append_new(names, json_string(make->names[i]));
    return names;
}

/* {key: value}; of a key that is given twice the last one holds. */
static json_t *settings_json(const cli_list *given)
{
    json_t *settings = json_object();
    for (size_t i = 0; i < given->count; i++) {
        const char *equals = strchr(given->items[i], '=');
        char key[128];
        snprintf(key, sizeof key, "%.*s", (int)(equals - given->items[i]), given->items[i]);
        json_object_set_new(settings, key, cli_json_text(equals + 1));
    }
    return settings;
}

static json_t *workload_json(const cli_measurement *it, const duet_trainer *trainer, const char *data,
                             const step_times *times, const step_make *make, double resident)
{
    const size_t upper = times->blocks / 2, lower = (times->blocks - 1) / 2; /* one, where their number is odd */
    const double median = (times->milliseconds[lower] + times->milliseconds[upper]) / 2,
                 images = (double)(it->batch * times->steps);
    return json_pack("{s:s s:I s:o s:s s:o s:o s:o s:o s:I s:o s:o s:o s:o s:I s:o s:o}", "workload", it->workload,
                     "batch", (json_int_t)it->batch, "settings", settings_json(it->given), "data", data, "ms_median",
                     cli_json_number(median), "ms_min", cli_json_number(times->milliseconds[0]), "images_per_second",
                     cli_json_number(1e3 * (double)it->batch / median), "gflop", cli_json_number(make->gflop),
                     "launches", (json_int_t)make->launches, "providers", names_json(make), "images_per_joule",
                     cli_json_number(images / times->joules), "rss_mib", cli_json_number(resident), "first_seconds",
                     cli_json_number(times->first_seconds), "steps", (json_int_t)duet_trainer_steps(trainer), "losses",
                     losses_json(trainer, times->means), "check", check_json(it, trainer, data, times));
}

int cli_measure_workload(FILE *results, const void *measurement)
{
    const cli_measurement *it = measurement;
    const double begin = duet_seconds() - it->before;
    static step_times times;
    step_make make = {0};
    duet_device *device = NULL;
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    duet_error error = {0};
    int status = CLI_DONE;
    if (cli_measure_open(&device, it, &error) == DUET_OK && duet_data_open(&data, NULL, &error) == DUET_OK &&
        duet_data_checksum(data, &error) == DUET_OK &&
        duet_model_new(&model, it->family, data, it->settings->items, it->settings->count, 0, &error) == DUET_OK &&
        duet_trainer_new(&trainer, device, model, it->batch, &error) == DUET_OK)
        time_steps(device, trainer, begin, it->seconds, &times, &error);
    if (error.status == DUET_OK) {
        const double resident = resident_mebibytes();
        take_apart(device, trainer, &make, &error);
        if (error.status == DUET_OK)
            status = cli_child_send(
                results, workload_json(it, trainer, duet_data_describe(data)->checksum, &times, &make, resident));
    }
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
    return error.status == DUET_OK ? status : cli_fail(&error);
}
