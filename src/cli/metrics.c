/* SPDX-License-Identifier: MIT */
/* Metrics in one pass, with room for all that they give. */
#include "cli/metrics.h"
#include "cli/output.h"
#include "cli/run.h"

#include <stdlib.h>

size_t cli_metrics_count(void)
{
    size_t count = 0;
    while (duet_metric_at(count) != NULL) count++;
    return count;
}

/* How many values they give at most. */
static size_t count_values(const char *const *names, size_t count)
{
    size_t values = 0;
    for (size_t i = 0; i < count; i++) {
        const duet_metric_row *row = duet_metric_find(names[i]);
        for (size_t k = 0; row != NULL && row->measures[k].name != NULL; k++) values++;
    }
    return values;
}

static int compute(duet_run *run, const char *const *names, size_t count, uint64_t seed, cli_values *values,
                   duet_metric_left_out left_out, void *context)
{
    const duet_split split = cli_run_split(run);
    size_t room = count_values(names, count);
    duet_error error = {0};
    *values = (cli_values){malloc((room + 1) * sizeof *values->rows), 0};
    if (values->rows == NULL) return cli_complain(CLI_FAILED, "there is too little memory for %zu values", room);
    const duet_status status =
        left_out == NULL
            ? duet_metric_compute_all(run, names, count, split, seed, values->rows, room, &values->count, &error)
            : duet_metric_compute_each(run, names, count, split, seed, values->rows, room, &values->count, left_out,
                                       context, &error);
    return status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

int cli_metrics_compute(duet_run *run, const char *const *names, size_t count, uint64_t seed, cli_values *values,
                        duet_metric_left_out left_out, void *context)
{
    const size_t said = cli_data_said(duet_run_data(run));
    const int status = compute(run, names, count, seed, values, left_out, context);
    cli_data_tell(duet_run_data(run), said);
    return status;
}
