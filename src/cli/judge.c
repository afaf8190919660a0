/* SPDX-License-Identifier: MIT */
/* A judge that guesses judges nothing, and its word on samples looks like any other's. Who always says the commonest
 * class is right by chance. */
#include "cli/judge.h"
#include "cli/output.h"
#include "cli/run.h"

#include <string.h>

static json_t *facts_of(const duet_judge_weight *weight)
{
    const duet_metric_value *accuracy = &weight->accuracy;
    return json_pack("{s:o, s:o, s:o, s:I, s:f, s:s, s:o}", "value", cli_json_number(accuracy->value), "low",
                     cli_json_number(accuracy->low), "high", cli_json_number(accuracy->high), "n",
                     (json_int_t)accuracy->n, "chance", weight->chance, "split",
                     weight->split == DUET_TEST ? "test" : "training", "data", cli_json_text(weight->data));
}

static double number(const json_t *facts, const char *key)
{
    return json_number_value(json_object_get(facts, key));
}

void cli_judge_tell(const json_t *facts)
{
    char words[600];
    if (!json_is_object(facts)) return;
    const duet_judge_weight weight = {
        .accuracy = {.value = number(facts, "value"), .low = number(facts, "low"), .high = number(facts, "high")},
        .chance = number(facts, "chance"),
        .split = strcmp(cli_json_text_at(facts, "split"), "test") == 0 ? DUET_TEST : DUET_TRAIN,
        .data = cli_json_text_at(facts, "data"),
    };
    if (duet_judge_may_guess(&weight, words, sizeof words))
        cli_print(stderr, "warning: %s\n", words);
    else
        cli_print(stderr, "the judge is right about %.3g [%.3g, %.3g] of the %s examples of %s\n",
                  weight.accuracy.value, weight.accuracy.low, weight.accuracy.high, cli_json_text_at(facts, "split"),
                  weight.data);
}

/* Whether it costs no more than that it is not known. */
static bool may_stay_unknown(duet_status status)
{
    return status == DUET_ERROR_DATA || status == DUET_ERROR_USAGE || status == DUET_ERROR_NUMERIC ||
           status == DUET_ERROR_FILE;
}

int cli_judge_weigh(duet_run *judge, json_t **facts)
{
    duet_error error = {0};
    duet_judge_weight weight;
    *facts = NULL;
    const size_t said = cli_data_said(duet_run_data(judge));
    const duet_status status = duet_judge_weigh(judge, &weight, &error);
    cli_data_tell(duet_run_data(judge), said);
    if (status == DUET_OK)
        *facts = facts_of(&weight);
    else if (!may_stay_unknown(status))
        return cli_fail_opened(&error);
    else
        cli_print(stderr,
                  "warning: how good the judge is is not known: its accuracy, which a 'duet eval' of it has too, is "
                  "left out: %s\n",
                  error.message);
    cli_judge_tell(*facts);
    return CLI_DONE;
}
