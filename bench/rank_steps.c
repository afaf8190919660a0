/* SPDX-License-Identifier: MIT */
/* Times training steps of a model by ranks over MPI, or by one process alone, and sums over ranks by themselves: what
 * bench/ranks starts. A network can be emulated: each exchange then takes as much longer as its messages would on it.
 */
#include <duet.h>
#include <duet/mpi.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SETTINGS = 32, MOST_BLOCKS = 1000, MOST_TERMS = 64, WARM_STEPS = 3, MOST_STEPS_A_BLOCK = 20 };
static const double block_seconds = 0.1;

static const char usage[] =
    "usage: rank_steps [options] FAMILY BATCH SECONDS    under mpirun; BATCH is that of all ranks together\n"
    "       rank_steps [options] sums SECONDS            sums over ranks by themselves\n"
    "  -a              alone, without MPI\n"
    "  -s KEY=VALUE    a setting of the family; may be given several times\n"
    "  -l US           emulated: microseconds that an exchange takes longer\n"
    "  -m US           emulated: microseconds for each message that a rank sends\n"
    "  -g GB/S         emulated: bytes that enter or leave a rank\n";

/* A network that is not there. */
typedef struct network {
    duet_transport below;
    double latency, message, bandwidth; /* seconds, seconds, bytes a second; 0: none */
} network;

typedef struct task {
    const char *family, *settings[MOST_SETTINGS];
    size_t setting_count, batch;
    double seconds;
    bool alone;
    network network;
} task;

typedef struct findings {
    double milliseconds[MOST_BLOCKS]; /* a step's mean in each block, sorted at the end */
    size_t blocks;
    double waited;              /* share of the timed steps that was spent in exchanges */
    double first_seconds, loss; /* loss: the first term's at the third step */
    double start_mib, mpi_mib, peak_mib;
} findings;

static duet_mpi *mpi;
static duet_ranks *ranks;

static int give_up(const duet_error *error)
{
    fprintf(stderr, "rank_steps: rank %zu: %s\n", duet_ranks_rank(ranks), error->message);
    if (mpi != NULL) duet_mpi_abort(mpi, 1);
    return 1;
}

/* Sleeps most of it: a kernel's timer may be late by 60 us. */
static void wait_until(double moment)
{
    const double left = moment - duet_seconds(), late = 200e-6;
    if (left > late) {
        const double pause = left - late;
        const struct timespec time = {.tv_sec = (time_t)pause, .tv_nsec = (long)(1e9 * (pause - floor(pause)))};
        (void)nanosleep(&time, NULL);
    }
    while (duet_seconds() < moment) continue;
}

static double bytes_of(const duet_message *messages, size_t count)
{
    double bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += (double)messages[i].count;
    return bytes;
}

/* An exchange over the real transport, and then the time that the network would have added. */
static duet_status exchange_late(void *context, const duet_message *sends, size_t send_count,
                                 const duet_message *receives, size_t receive_count, bool (*goes_on)(void *waiter),
                                 void *waiter, size_t *late, duet_error *error)
{
    const network *it = context;
    const duet_status status =
        it->below.exchange(it->below.context, sends, send_count, receives, receive_count, goes_on, waiter, late, error);
    const double arrived = duet_seconds();
    if (status != DUET_OK || receive_count == 0) return status;
    double added = it->latency + it->message * (double)send_count;
    if (it->bandwidth > 0)
        added += fmax(bytes_of(sends, send_count), bytes_of(receives, receive_count)) / it->bandwidth;
    wait_until(arrived + added);
    return DUET_OK;
}

static duet_status meet(task *it, duet_error *error)
{
    duet_transport transport;
    duet_status status = duet_mpi_open(&mpi, &transport, error);
    if (status != DUET_OK) return status;
    it->network.below = transport;
    if (it->network.latency > 0 || it->network.message > 0 || it->network.bandwidth > 0) {
        transport.context = &it->network;
        transport.exchange = exchange_late;
    }
    return duet_ranks_new(&ranks, &transport, error);
}

/* Resident memory now, in MiB; NaN where there is no /proc. */
static double resident_mebibytes(void)
{
    long pages = -1;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return NAN;
    const int read = fscanf(file, "%*d %ld", &pages);
    fclose(file);
    return read == 1 ? (double)pages * (double)sysconf(_SC_PAGESIZE) / (1024 * 1024) : NAN;
}

static double peak_mebibytes(void)
{
    struct rusage used;
    return getrusage(RUSAGE_SELF, &used) == 0 ? (double)used.ru_maxrss / 1024 : NAN;
}

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Steps one after the other; reading the losses waits for the last. *seconds: how long one took. */
static duet_status time_block(duet_trainer *trainer, size_t steps, double *seconds, double *losses, duet_error *error)
{
    const double begin = duet_seconds();
    duet_status status = DUET_OK;
    for (size_t i = 0; i < steps && status == DUET_OK; i++) status = duet_trainer_step(trainer, error);
    if (status == DUET_OK) status = duet_trainer_losses(trainer, losses, MOST_TERMS, error);
    *seconds = (duet_seconds() - begin) / (double)steps;
    return status;
}

/* How many blocks, of how many steps: rank 0's pace decides for all. */
typedef struct pace {
    uint32_t blocks, steps;
} pace;

static pace choose_pace(double step, double seconds)
{
    const double steps = fmin(fmax(floor(block_seconds / step), 1), MOST_STEPS_A_BLOCK);
    const double blocks = fmin(fmax(floor(seconds / (steps * step)), 1), MOST_BLOCKS);
    return (pace){(uint32_t)blocks, (uint32_t)steps};
}

static duet_status time_steps(duet_trainer *trainer, double seconds, double begin, findings *found, duet_error *error)
{
    double step = 0, losses[MOST_TERMS];
    duet_status status = time_block(trainer, 1, &step, losses, error);
    found->first_seconds = duet_seconds() - begin;
    for (size_t i = 1; i < 2 * WARM_STEPS && status == DUET_OK; i++) {
        status = time_block(trainer, 1, &step, losses, error);
        if (i + 1 == WARM_STEPS) found->loss = losses[0];
    }
    pace chosen = choose_pace(step, seconds);
    if (status == DUET_OK && ranks != NULL) status = duet_ranks_share(ranks, &chosen, sizeof chosen, error);
    const double start = duet_seconds(), exchanged = duet_ranks_seconds(ranks);
    for (; found->blocks < chosen.blocks && status == DUET_OK; found->blocks++) {
        status = time_block(trainer, chosen.steps, &step, losses, error);
        found->milliseconds[found->blocks] = 1e3 * step;
    }
    found->waited = (duet_ranks_seconds(ranks) - exchanged) / (duet_seconds() - start);
    qsort(found->milliseconds, found->blocks, sizeof *found->milliseconds, ascending);
    return status;
}

/* Rank 0's own figures, but of the share that is waited and of memory the mean and the most of all ranks. */
static duet_status print_steps(const task *it, const findings *found, duet_error *error)
{
    const size_t count = duet_ranks_count(ranks);
    double waited = 0, peak = 0, own[2] = {found->waited, found->peak_mib}, *all = calloc(count, sizeof own);
    duet_status status = DUET_OK;
    if (all == NULL) {
        *error = (duet_error){.status = DUET_ERROR_MEMORY, .message = "out of memory"};
        return DUET_ERROR_MEMORY;
    }
    if (ranks == NULL)
        memcpy(all, own, sizeof own);
    else
        status = duet_ranks_gather(ranks, own, sizeof own, all, error);
    for (size_t r = 0; r < count; r++) {
        waited += all[2 * r] / (double)count;
        peak = fmax(peak, all[2 * r + 1]);
    }
    free(all);
    if (status == DUET_OK && duet_ranks_rank(ranks) == 0)
        printf("{\"who\": \"duet\", \"family\": \"%s\", \"ranks\": %zu, \"batch\": %zu, \"ms_median\": %.6g, "
               "\"ms_min\": %.6g, \"waited\": %.6g, \"rss_mib\": %.6g, \"mpi_mib\": %.6g, \"first_seconds\": %.4g, "
               "\"loss\": %.9g}\n",
               it->family, count, it->batch, found->milliseconds[found->blocks / 2], found->milliseconds[0], waited,
               peak, found->mpi_mib - found->start_mib, found->first_seconds, found->loss);
    return status;
}

static int train(const task *it, double begin, findings *found)
{
    duet_device *device = NULL;
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    duet_error error = {0};
    duet_status status = duet_device_open(&device, NULL, &error);
    if (status == DUET_OK) duet_device_use_tuning(device);
    if (status == DUET_OK) status = duet_data_open(&data, NULL, &error);
    if (status == DUET_OK)
        status = duet_model_new(&model, duet_family_find(it->family), data, it->settings, it->setting_count, 0, &error);
    if (status == DUET_OK) {
        duet_model_set_ranks(model, ranks);
        if (ranks != NULL) duet_ranks_set_patience(ranks, 600); /* drivers compile */
        status = duet_trainer_new(&trainer, device, model, it->batch, &error);
    }
    if (status == DUET_OK) status = time_steps(trainer, it->seconds, begin, found, &error);
    found->peak_mib = peak_mebibytes();
    if (status == DUET_OK) status = print_steps(it, found, &error);
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
    return status == DUET_OK ? 0 : give_up(&error);
}

static duet_status time_sums(float *values, size_t numbers, double seconds, duet_error *error)
{
    duet_status status = DUET_OK;
    double best = INFINITY, total = 0;
    uint32_t times = 1, done = 0;
    for (uint32_t i = 0; i < times + 2 && status == DUET_OK; i++) {
        memset(values, 0, numbers * sizeof *values);
        const double begin = duet_seconds();
        status = duet_ranks_sum(ranks, values, numbers, error);
        const double took = duet_seconds() - begin;
        if (i == 1) {
            times = (uint32_t)fmin(fmax(seconds / took, 3), 2000);
            if (status == DUET_OK) status = duet_ranks_share(ranks, &times, sizeof times, error);
        }
        if (i < 2) continue;
        best = fmin(best, took);
        total += took;
        done++;
    }
    if (status == DUET_OK && duet_ranks_rank(ranks) == 0)
        printf("%s{\"bytes\": %zu, \"us_mean\": %.6g, \"us_min\": %.6g}", numbers == 1 ? "" : ", ",
               numbers * sizeof *values, 1e6 * total / done, 1e6 * best);
    return status;
}

static int sum(const task *it)
{
    enum { MOST = 1 << 22, SIZES = 12 };
    duet_error error = {.status = DUET_ERROR_MEMORY, .message = "out of memory"};
    float *values = malloc(MOST * sizeof *values);
    duet_status status = values == NULL ? DUET_ERROR_MEMORY : DUET_OK;
    if (duet_ranks_rank(ranks) == 0) printf("{\"who\": \"sums\", \"ranks\": %zu, \"sums\": [", duet_ranks_count(ranks));
    for (size_t numbers = 1; numbers <= MOST && status == DUET_OK; numbers *= 4)
        status = time_sums(values, numbers, it->seconds / SIZES, &error);
    if (duet_ranks_rank(ranks) == 0) printf("]}\n");
    free(values);
    return status == DUET_OK ? 0 : give_up(&error);
}

static bool read_positive(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value > 0 && *value < 1e12;
}

static bool read_option(task *it, int option, const char *text)
{
    double value;
    if (option == 'a') {
        it->alone = true;
        return true;
    }
    if (option == 's') {
        if (it->setting_count == MOST_SETTINGS) return false;
        it->settings[it->setting_count++] = text;
        return true;
    }
    if (strchr("lmg", option) == NULL || !read_positive(text, &value)) return false;
    *(option == 'g'   ? &it->network.bandwidth
      : option == 'l' ? &it->network.latency
                      : &it->network.message) = value * (option == 'g' ? 1e9 : 1e-6);
    return true;
}

static bool read_task(task *it, int count, char **words)
{
    double batch = 0;
    int option;
    while ((option = getopt(count, words, "as:l:m:g:")) != -1)
        if (!read_option(it, option, optarg)) return false;
    if (optind >= count) return false;
    it->family = words[optind++];
    const bool sums = strcmp(it->family, "sums") == 0;
    if (count - optind != (sums ? 1 : 2) || (sums && it->alone)) return false;
    if (!sums && (duet_family_find(it->family) == NULL || !read_positive(words[optind++], &batch) || batch < 1 ||
                  batch > 1 << 20))
        return false;
    it->batch = (size_t)batch;
    return read_positive(words[optind], &it->seconds);
}

int main(int count, char **words)
{
    const double begin = duet_seconds();
    static task it;
    static findings found;
    duet_error error = {0};
    if (!read_task(&it, count, words)) {
        fputs(usage, stderr);
        return 2;
    }
    found.start_mib = resident_mebibytes();
    if (!it.alone && meet(&it, &error) != DUET_OK) return give_up(&error);
    found.mpi_mib = resident_mebibytes();
    const int status = it.batch == 0 ? sum(&it) : train(&it, begin, &found);
    duet_ranks_free(&ranks);
    if (mpi != NULL) duet_mpi_close(&mpi);
    return status;
}
