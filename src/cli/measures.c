/* SPDX-License-Identifier: MIT */
/* The table of what metrics give. */
#include "cli/measures.h"
#include "cli/options.h"
#include "cli/output.h"

#include <math.h>
#include <string.h>

typedef enum direction { NEITHER, LARGER, SMALLER, NEAR_ONE } direction;

/* One value; those that one metric gives name it. `unit` NULL: the metric's. */
typedef struct measure {
    const char *name, *metric, *group;
    direction better;
    bool by_features;
    const char *unit;
} measure;

#define QUALITY   "Samples: how good"
#define VARIETY   "Samples: how varied"
#define COPIES    "Samples: copies of the training data"
#define LIKELY    "Likelihood"
#define REBUILT   "Reconstruction"
#define MEANING   "Latents"
#define JUDGEMENT "Telling real from made"
#define OTHERS    "More"

static const measure measures[] = {
    {"frechet", "frechet", QUALITY, SMALLER, true, NULL},
    {"kernel-distance", "kernel-distance", QUALITY, SMALLER, true, NULL},
    {"kernel-distance-gaussian", "kernel-distance", QUALITY, SMALLER, true, NULL},
    {"precision", "precision", QUALITY, LARGER, true, NULL},
    {"density", "precision", QUALITY, LARGER, true, "ratio to the data"},
    {"inception-score", "inception-score", QUALITY, LARGER, true, NULL},
    {"class-entropy", "inception-score", QUALITY, NEITHER, true, "nats"},
    {"conditional-class-entropy", "inception-score", QUALITY, NEITHER, true, "nats"},
    {"agreement", "agreement", QUALITY, LARGER, true, NULL},
    {"sharpness", "sharpness", QUALITY, NEAR_ONE, false, NULL},
    {"high-quality", "modes", QUALITY, LARGER, false, "share"},
    {"recall", "precision", VARIETY, LARGER, true, NULL},
    {"coverage", "precision", VARIETY, LARGER, true, NULL},
    {"modes", "modes", VARIETY, LARGER, false, NULL},
    {"classes", "classes", VARIETY, LARGER, false, NULL},
    {"largest-share", "classes", VARIETY, NEITHER, false, "share"},
    {"neighbour-spread", "neighbour-spread", VARIETY, NEAR_ONE, false, NULL},
    {"memorisation", "memorisation", COPIES, NEITHER, false, NULL},
    {"authenticity", "memorisation", COPIES, NEITHER, false, NULL},
    {"log-likelihood", "log-likelihood", LIKELY, LARGER, false, NULL},
    {"elbo", "elbo", LIKELY, LARGER, false, NULL},
    {"kl", "elbo", LIKELY, NEITHER, false, NULL},
    {"nll", "nll", LIKELY, SMALLER, false, NULL},
    {"bits-per-dimension", "bits-per-dimension", LIKELY, SMALLER, false, NULL},
    {"mse", "mse", REBUILT, SMALLER, false, NULL},
    {"ssim", "ssim", REBUILT, LARGER, false, NULL},
    {"psnr", "ssim", REBUILT, LARGER, false, "decibels"},
    {"sharpness-reconstruction", "sharpness", REBUILT, NEAR_ONE, false, NULL},
    {"reconstruction-agreement", "reconstruction-agreement", REBUILT, LARGER, true, NULL},
    {"nearest-neighbour", "nearest-neighbour", MEANING, LARGER, false, NULL},
    {"cluster-accuracy", "cluster-accuracy", MEANING, LARGER, false, NULL},
    {"latent-mmd", "latent-mmd", MEANING, SMALLER, false, NULL},
    {"latent-mse", "latent-mse", MEANING, SMALLER, false, NULL},
    {"active-units", "active-units", MEANING, NEITHER, false, NULL},
    {"latent-rank", "latent-rank", MEANING, NEITHER, false, NULL},
    {"accuracy", "accuracy", JUDGEMENT, NEITHER, false, NULL},
    {"accuracy-real", "accuracy", JUDGEMENT, NEITHER, false, NULL},
    {"accuracy-fake", "accuracy", JUDGEMENT, NEITHER, false, NULL},
    {"margin-real", "accuracy", JUDGEMENT, NEITHER, false, "logits"},
    {"margin-fake", "accuracy", JUDGEMENT, NEITHER, false, "logits"},
};

static const measure *find(const char *name)
{
    for (size_t i = 0; i < CLI_COUNT_OF(measures); i++)
        if (strcmp(measures[i].name, name) == 0) return &measures[i];
    return NULL;
}

static direction direction_of(const measure *known, const duet_metric_row *row, const char *name)
{
    if (known != NULL) return known->better;
    if (row == NULL || strcmp(row->name, name) != 0) return NEITHER;
    return row->better > 0 ? LARGER : row->better < 0 ? SMALLER : NEITHER;
}

/* The keys that every entry has. */
static json_t *describe(const char *name, const duet_metric_row *row, const measure *known)
{
    static const char *const words[] = {"neither", "larger", "smaller", "near"};
    direction better = direction_of(known, row, name);
    const char *unit = known != NULL && known->unit != NULL ? known->unit : row != NULL ? row->unit : "";
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o}", "name", name, "metric", row != NULL ? row->name : name,
                     "group", known != NULL ? known->group : OTHERS, "unit", unit, "summary",
                     row != NULL ? row->summary : "", "better", words[better], "order",
                     (json_int_t)(known != NULL ? known - measures : (long)CLI_COUNT_OF(measures)), "target",
                     better == NEAR_ONE ? json_real(1) : json_null());
}

json_t *cli_measure_json(const duet_metric_value *value, const char *features, const char **last_metric)
{
    const measure *known = find(value->name);
    const duet_metric_row *row = duet_metric_find(known != NULL ? known->metric : value->name);
    if (row == NULL && *last_metric != NULL) row = duet_metric_find(*last_metric);
    if (row != NULL) *last_metric = row->name;
    json_t *entry = describe(value->name, row, known);
    json_object_set_new(entry, "value", cli_json_number(value->value));
    json_object_set_new(entry, "low", cli_json_number(value->low));
    json_object_set_new(entry, "high", cli_json_number(value->high));
    json_object_set_new(entry, "n", json_integer((json_int_t)value->n));
    if (known != NULL && known->by_features && features != NULL)
        json_object_set_new(entry, "features", cli_json_text(features));
    return entry;
}

json_t *cli_measure_missing_json(const duet_metric_row *row, const char *reason)
{
    json_t *entry = describe(row->name, row, find(row->name));
    json_object_set_new(entry, "reason", cli_json_text(reason));
    return entry;
}
