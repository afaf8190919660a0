/* SPDX-License-Identifier: MIT */
/* Opening and closing MPI. What fails returns with MPI's words, instead of ending the program as MPI does unless told,
 * and Duet's messages have a communicator of their own, so that they meet no others. */
#include "mpi/connection.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

duet_status duet_mpi_fail(duet_error *error, duet_status status, const char *format, ...)
{
    if (error == NULL) return status;
    if (error->status == DUET_OK) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        error->status = status;
    }
    return error->status;
}

duet_status duet_mpi_check(int code, const char *function, duet_error *error)
{
    char words[MPI_MAX_ERROR_STRING];
    int length, is_up = 0; /* before that Open MPI ends a program that asks for words */
    if (code == MPI_SUCCESS) return DUET_OK;
    snprintf(words, sizeof words, "error %d", code);
    if (MPI_Initialized(&is_up) == MPI_SUCCESS && is_up) (void)MPI_Error_string(code, words, &length);
    for (char *at = words; (at = strchr(at, '\n')) != NULL;) *at = ' ';
    return duet_mpi_fail(error, DUET_ERROR_DEVICE, "%s failed: %s", function, words);
}

/* "Open MPI v4.1.4" of "Open MPI v4.1.4, package: ...", "MPICH 4.0.2" of "MPICH Version:\t4.0.2\n...". */
static void shorten_version(const char *words, char *version, size_t size)
{
    size_t length = 0;
    for (const char *at = words; *at != '\0' && *at != '\n' && *at != ',' && length + 1 < size; at++) {
        static const char label[] = "Version:";
        const bool is_label = strncmp(at, label, sizeof label - 1) == 0;
        const char letter = *at == '\t' || is_label ? ' ' : *at;
        if (is_label) at += sizeof label - 2;
        if (letter != ' ' || (length > 0 && version[length - 1] != ' ')) version[length++] = letter;
    }
    while (length > 0 && version[length - 1] == ' ') length--;
    version[length] = '\0';
}

/* One thread at a time calls Duet's functions, though not always the same one: MPI has to allow that. */
static duet_status initialise(duet_mpi *mpi, duet_error *error)
{
    int was_there = 0, ended = 0, provided;
    duet_status status = duet_mpi_check(MPI_Finalized(&ended), "MPI_Finalized", error);
    if (status != DUET_OK) return status;
    if (ended) return duet_mpi_fail(error, DUET_ERROR_DEVICE, "MPI has been finalised, and cannot begin again");
    status = duet_mpi_check(MPI_Initialized(&was_there), "MPI_Initialized", error);
    if (status != DUET_OK || was_there) return status;
    status = duet_mpi_check(MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread", error);
    if (status != DUET_OK) return status;
    mpi->is_ours = true;
    return duet_mpi_check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", error);
}

static duet_status check_threads(duet_error *error)
{
    int provided = MPI_THREAD_SINGLE;
    const duet_status status = duet_mpi_check(MPI_Query_thread(&provided), "MPI_Query_thread", error);
    if (status != DUET_OK || provided >= MPI_THREAD_SERIALIZED) return status;
    return duet_mpi_fail(error, DUET_ERROR_DEVICE,
                         "MPI was initialised for fewer threads than Duet needs: MPI_Init_thread with "
                         "MPI_THREAD_SERIALIZED, where MPI has that");
}

static duet_status fill(duet_mpi *mpi, duet_transport *transport, duet_error *error)
{
    char words[MPI_MAX_LIBRARY_VERSION_STRING];
    int length, rank = 0, count = 0;
    duet_status status = check_threads(error);
    if (status == DUET_OK) status = duet_mpi_check(MPI_Comm_dup(MPI_COMM_WORLD, &mpi->comm), "MPI_Comm_dup", error);
    if (status == DUET_OK)
        status =
            duet_mpi_check(MPI_Comm_set_errhandler(mpi->comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", error);
    if (status == DUET_OK) status = duet_mpi_check(MPI_Comm_rank(mpi->comm, &rank), "MPI_Comm_rank", error);
    if (status == DUET_OK) status = duet_mpi_check(MPI_Comm_size(mpi->comm, &count), "MPI_Comm_size", error);
    if (status == DUET_OK)
        status = duet_mpi_check(MPI_Get_processor_name(mpi->host, &length), "MPI_Get_processor_name", error);
    if (status == DUET_OK)
        status = duet_mpi_check(MPI_Get_library_version(words, &length), "MPI_Get_library_version", error);
    if (status != DUET_OK) return status;
    shorten_version(words, mpi->version, sizeof mpi->version);
    *transport = (duet_transport){mpi, (size_t)rank, (size_t)count, mpi->host, duet_mpi_exchange};
    return DUET_OK;
}

duet_status duet_mpi_open(duet_mpi **mpi, duet_transport *transport, duet_error *error)
{
    duet_mpi *made = calloc(1, sizeof *made);
    *mpi = NULL;
    *transport = (duet_transport){0};
    if (made == NULL) return duet_mpi_fail(error, DUET_ERROR_MEMORY, "out of memory for a connection over MPI");
    made->comm = MPI_COMM_NULL;
    duet_status status = initialise(made, error);
    if (status == DUET_OK) status = fill(made, transport, error);
    if (status == DUET_OK)
        *mpi = made;
    else
        free(made); /* MPI stays as it is: others may be in it, and would wait in MPI_Finalize */
    return status;
}

void duet_mpi_close(duet_mpi **mpi)
{
    if (mpi == NULL || *mpi == NULL) return;
    duet_mpi *old = *mpi;
    if (!old->is_broken) {
        (void)MPI_Comm_free(&old->comm);
        if (old->is_ours) (void)MPI_Finalize();
    }
    free(old->requests);
    free(old->statuses);
    free(old->finished);
    free(old->peers);
    free(old->counts);
    free(old);
    *mpi = NULL;
}

void duet_mpi_abort(duet_mpi *mpi, int status)
{
    (void)mpi;
    /* Should MPI itself wait for one that is gone, the launcher sees this process end. */
    (void)signal(SIGALRM, SIG_DFL);
    (void)alarm(5);
    /* All of the world: of another communicator MPICH's waits until the others have heard of it. */
    (void)MPI_Abort(MPI_COMM_WORLD, status);
    _Exit(status);
}

const char *duet_mpi_version(const duet_mpi *mpi)
{
    return mpi->version;
}
