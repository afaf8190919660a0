/* SPDX-License-Identifier: MIT */
/* What test_mpi.py has mpirun start: ranks over MPI at what its first argument names. Says "ok" on rank 0, or prints an
 * error and ends all with exit status 7. */
#include <duet.h>
#include <duet/mpi.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static duet_mpi *mpi;
static duet_ranks *ranks;

static int give_up(const duet_error *error)
{
    fprintf(stderr, "rank %zu: %s: %s\n", duet_ranks_rank(ranks), duet_status_name(error->status), error->message);
    if (mpi != NULL) duet_mpi_abort(mpi, 7);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL); /* what was printed gets through, as in duet_mpi_abort */
    raise(SIGTERM); /* others wait in MPI_Init; of MPICH's mpirun no exit status ends them */
    return 7;
}

static int wrong(const char *what, size_t count)
{
    duet_error error = {.status = DUET_ERROR_NUMERIC};
    snprintf(error.message, sizeof error.message, "%s of %zu", what, count);
    return give_up(&error);
}

/* Numbers whose sums round, so that another order gives other bits. */
static float number_at(size_t rank, size_t i)
{
    return (float)((double)((i * 2654435761u + rank * 40503u) % 100003) / 7 - 5000);
}

static int sum(size_t count)
{
    duet_error error = {0};
    int status = 0;
    float *values = malloc((count + 1) * sizeof *values);
    if (values == NULL) return wrong("no memory for a sum", count);
    for (size_t i = 0; i < count; i++) values[i] = number_at(duet_ranks_rank(ranks), i);
    if (duet_ranks_sum(ranks, values, count, &error) != DUET_OK) status = give_up(&error);
    for (size_t i = 0; i < count && status == 0; i++) {
        double expected = 0;
        for (size_t r = 0; r < duet_ranks_count(ranks); r++) expected += (double)number_at(r, i);
        if (values[i] != (float)expected) status = wrong("a sum is wrong", count);
    }
    free(values);
    return status;
}

static int disagree(void)
{
    duet_error own_error = {0};
    if (duet_ranks_rank(ranks) == 1) own_error = (duet_error){DUET_ERROR_DATA, "there is a hole in it"};
    if (duet_ranks_agree(ranks, own_error.status, &own_error) != DUET_ERROR_DATA ||
        strstr(own_error.message, "there is a hole in it") == NULL || strstr(own_error.message, "rank 1") == NULL)
        return wrong(own_error.message, 1);
    return 0;
}

static int exchange_all(void)
{
    static const size_t counts[] = {0, 1, 3, 255, 1000, 4096, 4097, 100003, 1500000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (sum(counts[i]) != 0) return 7;
    duet_error error = {0};
    char word[6] = "";
    unsigned char own = (unsigned char)(10 + duet_ranks_rank(ranks)), all[16] = {0};
    if (duet_ranks_rank(ranks) == 0) memcpy(word, "hello", sizeof word);
    if (duet_ranks_share(ranks, word, sizeof word, &error) != DUET_OK) return give_up(&error);
    if (strcmp(word, "hello") != 0) return wrong("a word was shared", sizeof word);
    if (duet_ranks_gather(ranks, &own, 1, all, &error) != DUET_OK) return give_up(&error);
    for (size_t r = 0; r < duet_ranks_count(ranks); r++)
        if (all[r] != 10 + r) return wrong("what was gathered", r);
    if (duet_ranks_agree(ranks, DUET_OK, &error) != DUET_OK) return give_up(&error);
    return duet_ranks_count(ranks) > 1 ? disagree() : 0;
}

/* Rank 1 is elsewhere; the others name it. */
static int wait_in_vain(void)
{
    duet_error error = {0};
    float value = 1;
    duet_ranks_set_patience(ranks, 0.3);
    duet_ranks_set_step(ranks, 1234);
    while (duet_ranks_rank(ranks) == 1) (void)pause();
    const duet_status status = duet_ranks_sum(ranks, &value, 1, &error);
    duet_error again = {0}; /* what is left of it must not be taken for the next */
    if (status != DUET_OK && duet_ranks_sum(ranks, &value, 1, &again) == DUET_OK) return wrong("a sum after it", 1);
    return status == DUET_OK ? 0 : give_up(&error);
}

/* Rank 1 sums fewer numbers than the others. */
static int differ(void)
{
    duet_error error = {0};
    float values[4] = {1, 2, 3, 4};
    duet_ranks_set_patience(ranks, 2);
    return duet_ranks_sum(ranks, values, duet_ranks_rank(ranks) == 1 ? 3 : 4, &error) == DUET_OK ? 0 : give_up(&error);
}

/* Rank 1 is killed while the others wait for it. */
static int die(void)
{
    duet_error error = {0};
    float value = 1;
    if (duet_ranks_rank(ranks) == 1) raise(SIGKILL);
    return duet_ranks_sum(ranks, &value, 1, &error) == DUET_OK ? 0 : give_up(&error);
}

static int measure(void)
{
    duet_error error = {0};
    duet_link link;
    if (duet_ranks_measure(ranks, &link, &error) != DUET_OK) return give_up(&error);
    if (!(link.latency > 0 && link.bandwidth > 0)) return wrong("no figures", 0);
    if (duet_ranks_rank(ranks) == 0) printf("%.3g us, %.3g GB/s\n", 1e6 * link.latency, 1e-9 * link.bandwidth);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } works[] = {
        {"exchange", exchange_all}, {"wait", wait_in_vain}, {"differ", differ}, {"die", die}, {"measure", measure}};
    duet_transport transport;
    duet_error error = {0};
    int status = 2;
    if (duet_mpi_open(&mpi, &transport, &error) != DUET_OK) return give_up(&error);
    if (duet_ranks_new(&ranks, &transport, &error) != DUET_OK) return give_up(&error);
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (argc > 1 && strcmp(argv[1], works[i].name) == 0) status = works[i].run();
    if (duet_ranks_rank(ranks) == 0 && status == 0) printf("ok %zu %s\n", transport.count, duet_mpi_version(mpi));
    fflush(stdout);
    duet_ranks_free(&ranks);
    duet_mpi_close(&mpi);
    return status;
}
