/* SPDX-License-Identifier: MIT */
/* Who started this process is found in the environment, before any MPI is touched: a process alone needs none, and N
 * copies that do not know of each other would each do the whole work, into the same files. */
#include "cli/ranks.h"
#include "cli/output.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "duet/mpi.h"

/* What programs that start processes tell them. The first that is there counts: mpirun may itself be started by srun.
 */
typedef struct launcher {
    const char *name, *count, *rank, *local_rank;
} launcher;

static const launcher launchers[] = {
    {"Open MPI's mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"MPICH's mpirun", "PMI_SIZE", "PMI_RANK", "MPI_LOCALRANKID"},
    {"srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID",
     "SLURM_LOCALID"}, /* not SLURM_NTASKS: the batch script has it too */
};

typedef struct start {
    const launcher *by; /* NULL: alone */
    size_t count, rank, local_rank;
} start;

static size_t number_of(const char *variable, size_t otherwise)
{
    const char *text = getenv(variable);
    char *end = NULL;
    const unsigned long number = text == NULL ? 0 : strtoul(text, &end, 10);
    return end == NULL || end == text || *end != '\0' ? otherwise : number;
}

static start find_start(void)
{
    const char *off = getenv("DUET_RANKS");
    if (off != NULL && strcasecmp(off, "off") == 0) return (start){.count = 1};
    for (size_t i = 0; i < CLI_COUNT_OF(launchers); i++) {
        const launcher *by = &launchers[i];
        const size_t count = number_of(by->count, 0);
        if (count == 1) break;
        if (count > 1)
            return (start){by, count, number_of(by->rank, 0), number_of(by->local_rank, number_of(by->rank, 0))};
    }
    return (start){.count = 1};
}

bool cli_ranks_lead(void)
{
    return find_start().rank == 0;
}

/* What all processes would say one says at once, and a launcher ends the others by its exit status before they do. A
 * process that nobody ends was not started with others, such as a program's that has its environment of mpirun: it says
 * it too, as do all where a launcher lets each go on. */
static void let_speak(bool is_first)
{
    enum { PAUSE = 3 };
    if (!is_first) (void)sleep(PAUSE);
}

/* The remedy, where a message has said why processes cannot work together. */
#define EACH_FOR_ITSELF                                                                                                \
    "with DUET_RANKS=off in the environment each works for itself, as one is to that a worker of a sweep started"

bool cli_ranks_allow(const cli_command *command, int *status)
{
    const start own = find_start();
    *status = CLI_DONE;
    if (own.by == NULL || command->processes != CLI_ONE_PROCESS) return true;
    let_speak(own.rank == 0);
    *status = cli_complain(
        CLI_MISTAKE, "'duet %s' is the work of one process, and %s started %zu: start it without; " EACH_FOR_ITSELF,
        command->name, own.by->name, own.count);
    return false;
}

static const char library_name[] = DUET_MPI_LIBRARY;

static struct connection {
    duet_mpi *mpi;
    duet_status (*open)(duet_mpi **mpi, duet_transport *transport, duet_error *error);
    void (*close)(duet_mpi **mpi);
    void (*abort)(duet_mpi *mpi, int status);
    const char *(*version)(const duet_mpi *mpi);
} connection;

static const struct {
    const char *name;
    size_t offset; /* of a pointer in the connection */
} functions[] = {
    {"duet_mpi_open", offsetof(struct connection, open)},
    {"duet_mpi_close", offsetof(struct connection, close)},
    {"duet_mpi_abort", offsetof(struct connection, abort)},
    {"duet_mpi_version", offsetof(struct connection, version)},
};

/* One process of a machine says it first. */
static int refuse_library(const start *own, const char *why)
{
    char host[64] = "this machine";
    let_speak(own->local_rank == 0);
    if (gethostname(host, sizeof host) == 0) host[sizeof host - 1] = '\0';
    return cli_complain(CLI_FAILED,
                        "%s started %zu processes, and to work together they need %s, which cannot be loaded on %s: "
                        "%s; it is there where Duet was built with MPI (meson configure -Dmpi=enabled build, ninja -C "
                        "build); " EACH_FOR_ITSELF,
                        own->by->name, own->count, library_name, host, why);
}

static const char *load(void)
{
    /* global: an MPI loads parts of its own, which look for its functions there */
    void *library = dlopen(library_name, RTLD_NOW | RTLD_GLOBAL);
    for (size_t i = 0; library != NULL && i < CLI_COUNT_OF(functions); i++) {
        void *function = dlsym(library, functions[i].name);
        if (function == NULL) return dlerror();
        memcpy((char *)&connection + functions[i].offset, &function, sizeof function);
    }
    return library == NULL ? dlerror() : NULL;
}

/* An MPI that another MPI's mpirun started, or srun in another MPI's way, believes that it is alone. */
static int refuse_count(const start *own, const duet_transport *transport)
{
    const bool by_srun = strcmp(own->by->name, "srun") == 0;
    let_speak(own->rank == 0);
    return cli_complain(
        CLI_FAILED,
        "%s started %zu processes, but %s was built with %s, which sees %zu: start them with %s; " EACH_FOR_ITSELF,
        own->by->name, own->count, library_name, connection.version(connection.mpi), transport->count,
        by_srun ? "srun --mpi=pmix where that is Open MPI, --mpi=pmi2 where it is MPICH ('srun "
                  "--mpi=list' shows what there is), or with the mpirun of that MPI within the job"
                : "the mpirun of that MPI, or build Duet with the other (-Dmpi_package=ompi-c or mpich)");
}

/* MPI can wait for ever, upon which an alarm ends the process with a status that was given beforehand. */
static volatile sig_atomic_t late_status;

static void end_late(const char *words)
{
    if (write(STDERR_FILENO, words, strlen(words)) < 0) _exit(late_status);
    _exit(late_status);
}

/* Where a process has ended before it came to MPI, such as for want of the library, not every launcher ends the others.
 */
static void come_up_late(int signal_number)
{
    (void)signal_number;
    end_late("duet: not all processes have come up in two minutes: see what the others printed; " EACH_FOR_ITSELF "\n");
}

/* MPICH over TCP sometimes has one process in MPI_Finalize wait for those that have closed their side. */
static void come_down_late(int signal_number)
{
    (void)signal_number;
    end_late("warning: MPI has not ended in half a minute: all else is done, and this process ends without it\n");
}

static void limit(unsigned seconds, void (*when_late)(int), int status, struct sigaction *before)
{
    struct sigaction late = {.sa_handler = when_late};
    sigemptyset(&late.sa_mask);
    late_status = status;
    (void)sigaction(SIGALRM, &late, before);
    (void)alarm(seconds);
}

static void lift_limit(const struct sigaction *before)
{
    (void)alarm(0);
    (void)sigaction(SIGALRM, before, NULL);
}

static duet_status connect_all(duet_transport *transport, duet_error *error)
{
    enum { LONGEST = 120 };
    struct sigaction before;
    limit(LONGEST, come_up_late, CLI_FAILED, &before);
    const duet_status status = connection.open(&connection.mpi, transport, error);
    lift_limit(&before);
    return status;
}

bool cli_ranks_open(duet_ranks **ranks, int *status)
{
    const start own = find_start();
    duet_transport transport;
    duet_error error = {0};
    *ranks = NULL;
    *status = CLI_DONE;
    if (own.by == NULL) return true;
    const char *why = load();
    if (why != NULL) {
        *status = refuse_library(&own, why);
        return false;
    }
    if (connect_all(&transport, &error) != DUET_OK) {
        *status = cli_fail(&error);
        return false;
    }
    if (transport.count != own.count) {
        *status = refuse_count(&own, &transport);
        cli_ranks_close(ranks, *status);
        return false;
    }
    if (duet_ranks_new(ranks, &transport, &error) == DUET_OK) return true;
    *status = cli_fail(&error);
    cli_ranks_abort(*status);
    return false;
}

/* "node7 (2), node8 (2)": hosts, in the order of their first rank, and how many ranks each has. */
static void name_hosts(const duet_ranks *ranks, char *words, size_t size)
{
    enum { MOST = 4 };
    const size_t count = duet_ranks_count(ranks);
    size_t hosts = 0, length = 0;
    for (size_t r = 0; r < count; r++) {
        size_t ahead = 0, alike = 0;
        for (size_t other = 0; other < count; other++) {
            const bool is_same = strcmp(duet_ranks_host(ranks, other), duet_ranks_host(ranks, r)) == 0;
            ahead += is_same && other < r;
            alike += is_same;
        }
        if (ahead > 0 || hosts++ >= MOST) continue;
        const int written = snprintf(words + length, size - length, "%s%s (%zu)", length > 0 ? ", " : "",
                                     duet_ranks_host(ranks, r), alike);
        if (written > 0) length += (size_t)written < size - length ? (size_t)written : size - length - 1;
    }
    if (hosts > MOST) snprintf(words + length, size - length, " and %zu more", hosts - MOST);
}

int cli_ranks_tell(duet_ranks *ranks, bool quiet)
{
    char hosts[400] = "";
    duet_link link;
    duet_error error = {0};
    if (ranks == NULL) return CLI_DONE;
    if (duet_ranks_measure(ranks, &link, &error) != DUET_OK) return cli_fail(&error);
    name_hosts(ranks, hosts, sizeof hosts);
    if (duet_ranks_rank(ranks) == 0 && !quiet)
        cli_print(stderr, "%zu ranks on %s over %s: a sum takes %.3g us, large ones %.3g GB/s\n",
                  duet_ranks_count(ranks), hosts, connection.version(connection.mpi), 1e6 * link.latency,
                  1e-9 * link.bandwidth);
    return CLI_DONE;
}

/* The others may be here long before rank 0, but none has anything to do after it. */
void cli_ranks_close(duet_ranks **ranks, int status)
{
    enum { LONGEST = 30 };
    const bool is_last = duet_ranks_rank(*ranks) == 0;
    struct sigaction before;
    duet_ranks_free(ranks);
    if (connection.mpi == NULL) return;
    (void)fflush(stdout);
    if (is_last) limit(LONGEST, come_down_late, status, &before);
    connection.close(&connection.mpi);
    if (is_last) lift_limit(&before);
}

void cli_ranks_abort(int status)
{
    if (connection.mpi == NULL) return;
    (void)fflush(stdout);
    connection.abort(connection.mpi, status);
}
