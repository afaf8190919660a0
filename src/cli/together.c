/* SPDX-License-Identifier: MIT */
/* Ranks were started with one command line, so what is wrong with it each of them finds, and one says. */
#include "cli/together.h"
#include "cli/output.h"

void cli_together_hush(const duet_ranks *ranks, char complaint[CLI_COMPLAINT])
{
    complaint[0] = '\0';
    if (duet_ranks_rank(ranks) == 0) return;
    cli_keep_complaints(complaint, CLI_COMPLAINT);
    if (freopen("/dev/null", "w", stdout) == NULL) fclose(stdout);
}

/* The library status that has this exit status. */
static duet_status status_of(int exit_status)
{
    switch (exit_status) {
    case CLI_DONE: return DUET_OK;
    case CLI_MISTAKE: return DUET_ERROR_USAGE;
    case CLI_NO_DEVICE: return DUET_ERROR_NO_DEVICE;
    case CLI_WRONG: return DUET_ERROR_NUMERIC;
    default: return DUET_ERROR_FILE;
    }
}

int cli_together_settle(duet_ranks *ranks, int status, const char *complaint)
{
    duet_error error = {.status = status_of(status)};
    if (ranks == NULL) return status;
    snprintf(error.message, sizeof error.message, "%s", complaint);
    if (duet_ranks_agree(ranks, error.status, &error) == DUET_OK) return status;
    return status == CLI_DONE ? cli_fail(&error) : status;
}

int cli_together_fail_alone(const duet_ranks *ranks, const duet_error *error)
{
    const size_t rank = duet_ranks_rank(ranks);
    cli_keep_complaints(NULL, 0);
    return cli_complain(cli_exit_status(error->status), "rank %zu on %s: %s", rank, duet_ranks_host(ranks, rank),
                        error->message);
}
