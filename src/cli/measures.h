/* SPDX-License-Identifier: MIT */
/* How pages and comparisons show what metrics give: the titles of groups and the order in them. The facts are each
 * metric's own (duet_metric_measure). */
#ifndef DUET_SRC_CLI_MEASURES_H
#define DUET_SRC_CLI_MEASURES_H

#include "duet.h"

#include <jansson.h>

/** The entry of a value for evaluation.json: name, metric, group, unit, order, better, target, value and interval, why
 * there is none, and the checksum of what gave its features if it goes by some. */
json_t *cli_measure_json(duet_run *run, const duet_metric_value *value);
/** The entry of a metric that the run cannot give. */
json_t *cli_measure_missing_json(const duet_metric_row *row, const char *reason);

#endif
