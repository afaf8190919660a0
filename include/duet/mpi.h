/* SPDX-License-Identifier: MIT */
/* The transport over MPI, in a library of its own, libduet-mpi, so that libduet needs no MPI. It is there where Duet
 * was built with -Dmpi=enabled, or with -Dmpi=auto and an MPI at hand. */
#ifndef DUET_MPI_H
#define DUET_MPI_H

#include "ranks.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A connection between the processes that mpirun or srun started. */
typedef struct duet_mpi duet_mpi;

/** Initialises MPI with MPI_THREAD_SERIALIZED, unless the program has done so, and fills in a transport over a
 *  communicator of Duet's own. Waits for every process to call it. Errors: DUET_ERROR_DEVICE; the others then wait for
 *  ever, unless the launcher ends them: Open MPI's does when this process fails, MPICH's when a signal ends it. */
DUET_API duet_status duet_mpi_open(duet_mpi **mpi, duet_transport *transport, duet_error *error);
/** Finalises MPI if duet_mpi_open initialised it. Every process has to get here: see duet_mpi_abort. After an exchange
 *  that failed MPI is left as it is, since it would wait for the others. */
DUET_API void duet_mpi_close(duet_mpi **mpi);
/** Ends all processes at once, this one too, with that exit status: for one that cannot go on while others wait for
 *  it. */
DUET_API void duet_mpi_abort(duet_mpi *mpi, int status);
/** MPI's own name and version, one line. Lives as long as the connection. */
DUET_API const char *duet_mpi_version(const duet_mpi *mpi);

#ifdef __cplusplus
}
#endif

#endif
