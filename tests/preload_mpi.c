/* SPDX-License-Identifier: MIT */
/* Preloaded by test_mpi.py, built against the MPI under test: MPI's profiling interface lets any of its functions be
 * replaced. That which $DUET_TEST_MPI_FAULT names, "MPI_Isend 3", fails at its third call, on rank 1 alone; that which
 * $DUET_TEST_MPI_HANG names does not return there. */
#include <mpi.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool fails(const char *function)
{
    static int calls;
    const char *fault = getenv("DUET_TEST_MPI_FAULT"), *hang = getenv("DUET_TEST_MPI_HANG");
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    const size_t length = strlen(function);
    if (rank == NULL) rank = getenv("PMI_RANK");
    if (rank == NULL || strcmp(rank, "1") != 0) return false;
    while (hang != NULL && strcmp(hang, function) == 0) (void)pause();
    if (fault == NULL) return false;
    return strncmp(fault, function, length) == 0 && fault[length] == ' ' && ++calls == atoi(fault + length);
}

#define REPLACE(name, parameters, arguments)                                                                           \
    int MPI_##name parameters                                                                                          \
    {                                                                                                                  \
        return fails("MPI_" #name) ? MPI_ERR_OTHER : PMPI_##name arguments;                                            \
    }

REPLACE(Finalized, (int *flag), (flag))
REPLACE(Initialized, (int *flag), (flag))
REPLACE(Init_thread, (int *argc, char ***argv, int required, int *provided), (argc, argv, required, provided))
REPLACE(Query_thread, (int *provided), (provided))
REPLACE(Comm_set_errhandler, (MPI_Comm comm, MPI_Errhandler handler), (comm, handler))
REPLACE(Comm_dup, (MPI_Comm comm, MPI_Comm *made), (comm, made))
REPLACE(Comm_rank, (MPI_Comm comm, int *rank), (comm, rank))
REPLACE(Comm_size, (MPI_Comm comm, int *size), (comm, size))
REPLACE(Get_processor_name, (char *name, int *length), (name, length))
REPLACE(Get_library_version, (char *version, int *length), (version, length))
REPLACE(Isend, (const void *from, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request),
        (from, count, type, to, tag, comm, request))
REPLACE(Irecv, (void *into, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request *request),
        (into, count, type, from, tag, comm, request))
REPLACE(Testsome, (int count, MPI_Request *requests, int *ended, int *which, MPI_Status *statuses),
        (count, requests, ended, which, statuses))
REPLACE(Get_count, (const MPI_Status *status, MPI_Datatype type, int *count), (status, type, count))
REPLACE(Comm_free, (MPI_Comm * comm), (comm))
REPLACE(Finalize, (void), ())
