/* SPDX-License-Identifier: MIT */
/* A judge that guesses judges nothing, and its word on samples looks like any other's. Who always says the commonest
 * class is right by chance. */
#include "cli/judge.h"
#include "cli/output.h"
#include "cli/run.h"

#include <stdlib.h>

static void leave_out(void *context, const char *metric, const duet_error *reason)
{
    (void)context;
    cli_complain(CLI_DONE,
                 "how good the judge is is not known: its %s, which a 'duet eval' of it has too, is left out: %s",
                 metric, reason->message);
}

/* *share: of the commonest class of the split. */
static duet_status find_chance(duet_run *judge, double *share, duet_error *error)
{
    enum { CLASSES = 256 };
    size_t counts[CLASSES] = {0}, most = 0;
    const duet_split split = cli_run_split(judge);
    const size_t total = duet_data_describe(duet_run_data(judge))->count[split];
    uint8_t *labels = malloc(total);
    duet_status status =
        labels == NULL ? DUET_ERROR_MEMORY : duet_data_labels(duet_run_data(judge), split, 0, total, labels, error);
    for (size_t i = 0; status == DUET_OK && i < total; i++)
        if (++counts[labels[i]] > most) most = counts[labels[i]];
    free(labels);
    *share = (double)most / (double)total;
    return status;
}

static json_t *facts_of(duet_run *judge, const duet_metric_value *accuracy, double chance)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:f, s:s, s:o}", "value", cli_json_number(accuracy->value), "low",
                     cli_json_number(accuracy->low), "high", cli_json_number(accuracy->high), "n",
                     (json_int_t)accuracy->n, "chance", chance, "split",
                     cli_run_split(judge) == DUET_TEST ? "test" : "training", "data",
                     cli_json_text(duet_data_describe(duet_run_data(judge))->name));
}

static double number(const json_t *facts, const char *key)
{
    return json_number_value(json_object_get(facts, key));
}

void cli_judge_tell(const json_t *facts)
{
    if (!json_is_object(facts)) return;
    cli_print(stderr, "the judge is right about %.3g [%.3g, %.3g] of the %s examples of %s\n", number(facts, "value"),
              number(facts, "low"), number(facts, "high"), cli_json_text_at(facts, "split"),
              cli_json_text_at(facts, "data"));
    if (number(facts, "low") > number(facts, "chance")) return;
    cli_print(stderr,
              "warning: who always says their commonest class is right about %.3g: the judge may be guessing, and what "
              "it says of samples means little; train it longer (duet train --resume JUDGE --epochs N)\n",
              number(facts, "chance"));
}

int cli_judge_weigh(duet_run *judge, cli_values *accuracy, json_t **facts)
{
    static const char *const names[] = {"accuracy"};
    duet_error error = {0};
    double chance;
    *facts = NULL;
    const int status = cli_metrics_compute(judge, names, 1, 0, accuracy, leave_out, NULL);
    if (status != CLI_DONE || accuracy->count == 0) return status;
    if (find_chance(judge, &chance, &error) == DUET_OK)
        *facts = facts_of(judge, &accuracy->rows[0], chance);
    else
        leave_out(NULL, names[0], &error);
    cli_judge_tell(*facts);
    return CLI_DONE;
}
