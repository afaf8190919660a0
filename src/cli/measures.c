/* SPDX-License-Identifier: MIT */
/* Titles of groups, and the order of values in them. */
#include "cli/measures.h"
#include "cli/output.h"

#include <string.h>

static const char *const titles[] = {
    [DUET_OF_QUALITY] = "Samples: how good",
    [DUET_OF_VARIETY] = "Samples: how varied",
    [DUET_OF_COPIES] = "Samples: copies of the training data",
    [DUET_OF_LIKELIHOOD] = "Likelihood",
    [DUET_OF_RECONSTRUCTION] = "Reconstruction",
    [DUET_OF_LATENTS] = "Latents",
    [DUET_OF_JUDGEMENT] = "Telling real from made",
    [DUET_OF_COST] = "Cost of a step and of use",
    [DUET_OF_MORE] = "More",
};

static bool is_before(const duet_metric_measure *a, const duet_metric_measure *b)
{
    return a->group != b->group ? a->group < b->group : a->place - 1 < b->place - 1; /* place 0 is the last */
}

/* How many measures of all metrics are shown before this one. */
static json_int_t order_of(const duet_metric_measure *measure)
{
    const duet_metric_row *row;
    json_int_t order = 0;
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++)
        for (const duet_metric_measure *it = row->measures; it->name != NULL; it++) order += is_before(it, measure);
    return order;
}

/* The keys that every entry has. Nats are those of a likelihood: of pixels as numbers, as chances of 1, as bytes. Bits
 * of bytes are all of one kind. */
static json_t *describe(const char *name, const duet_metric_row *row, const duet_metric_measure *measure,
                        duet_better better)
{
    static const char *const words[] = {"neither", "larger", "smaller", "near"};
    const char *unit = measure->unit != NULL ? measure->unit : row->unit;
    bool by_likelihood = measure->group == DUET_OF_LIKELIHOOD && strcmp(unit, "nats") == 0;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:o}", "name", name, "metric", row->name, "group",
                     titles[measure->group], "unit", unit, "summary", row->summary, "better", words[better],
                     "by_likelihood", by_likelihood, "order", order_of(measure), "target",
                     better == DUET_NEAREST_ONE ? json_real(1) : json_null());
}

json_t *cli_measure_json(duet_run *run, const duet_metric_value *value)
{
    duet_features_identity identity;
    char name[80];
    bool is_taken = strcmp(value->name, value->row->name) != 0 && duet_metric_find(value->name) != NULL;
    snprintf(name, sizeof name, is_taken ? "%s of %s" : "%s", value->name,
             value->row->name); /* the bound's nll is no nll */
    const duet_metric_measure *measure = duet_metric_measure_find(value->row, value->name);
    const bool own = measure == &value->row->measures[0];
    json_t *entry =
        describe(name, value->row, measure, own ? duet_metric_better(run, value->row->name) : measure->better);
    json_object_set_new(entry, "value", cli_json_number(value->value));
    json_object_set_new(entry, "low", cli_json_number(value->low));
    json_object_set_new(entry, "high", cli_json_number(value->high));
    json_object_set_new(entry, "n", json_integer((json_int_t)value->n));
    const char *reason = duet_metric_reason(run, value->name);
    if (reason != NULL) json_object_set_new(entry, "reason", cli_json_text(reason));
    if (value->row->by_features != DUET_BY_NO_FEATURES &&
        duet_metric_features(run, value->row->name, &identity, NULL) == DUET_OK && identity.name[0] != '\0')
        json_object_set_new(entry, "features", cli_json_text(identity.checksum));
    return entry;
}

json_t *cli_measure_missing_json(const duet_metric_row *row, const char *reason)
{
    json_t *entry = describe(row->name, row, &row->measures[0], row->measures[0].better);
    json_object_set_new(entry, "reason", cli_json_text(reason));
    return entry;
}
