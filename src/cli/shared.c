/* SPDX-License-Identifier: MIT */
/* Only rank 0 reads the command line, which all must have, speaks and writes. The others compute what it asks of them,
 * so nothing of a command need know that there are several. */
#include "cli/shared.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/ranks.h"
#include "cli/together.h"

static duet_ranks *ranks; /* NULL: this process is alone */

duet_ranks *cli_shared_ranks(void)
{
    return ranks;
}

/* *alone: the others do not know how it ended. */
static int lead(const cli_command *command, int argc, char **argv, bool *alone)
{
    duet_error error = {0};
    const int status = command->run(argc, argv);
    *alone = duet_run_dismiss(ranks, &error) != DUET_OK;
    return *alone && status == CLI_DONE ? cli_fail(&error) : status;
}

static int serve(bool *alone)
{
    duet_error error = {0};
    const duet_serving serving = {.log = cli_log, .stop = cli_catch_interrupt()};
    const duet_status status = duet_run_serve(ranks, &serving, &error);
    cli_leave_interrupt();
    *alone = status != DUET_OK;
    if (status == DUET_OK) return CLI_DONE;
    return status == DUET_ERROR_INTERRUPTED ? cli_interrupt_status() : cli_together_fail_alone(ranks, &error);
}

int cli_shared_run(const cli_command *command, int argc, char **argv)
{
    bool alone = false;
    int status;
    if (!cli_ranks_open(&ranks, &status)) return status;
    if (ranks == NULL) return command->run(argc, argv);
    status = cli_together_compare(ranks, (size_t)argc, argv);
    if (status == CLI_DONE) status = duet_ranks_rank(ranks) == 0 ? lead(command, argc, argv, &alone) : serve(&alone);
    if (alone) cli_ranks_abort(status);
    cli_ranks_close(&ranks, status);
    return status;
}
