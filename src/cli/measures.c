/* SPDX-License-Identifier: MIT */
/* The table of what metrics give. */
#include "cli/measures.h"
#include "cli/options.h"
#include "cli/output.h"

#include <math.h>
#include <string.h>

typedef enum direction { NEITHER, LARGER, SMALLER, NEAR_ONE } direction;

/* One value. `unit` NULL: its metric's. */
typedef struct measure {
    const char *name, *group;
    direction better;
    const char *unit;
} measure;

#define QUALITY   "Samples: how good"
#define VARIETY   "Samples: how varied"
#define COPIES    "Samples: copies of the training data"
#define LIKELY    "Likelihood"
#define REBUILT   "Reconstruction"
#define MEANING   "Latents"
#define JUDGEMENT "Telling real from made"
#define COST      "Cost of a step and of use"
#define OTHERS    "More"

static const measure measures[] = {
    {"frechet", QUALITY, SMALLER, NULL},
    {"frechet-infinity", QUALITY, SMALLER, NULL},
    {"kernel-distance", QUALITY, SMALLER, NULL},
    {"kernel-distance-gaussian", QUALITY, SMALLER, NULL},
    {"precision", QUALITY, LARGER, NULL},
    {"density", QUALITY, LARGER, "ratio to the data"},
    {"inception-score", QUALITY, LARGER, NULL},
    {"class-entropy", QUALITY, NEITHER, "nats"},
    {"conditional-class-entropy", QUALITY, NEITHER, "nats"},
    {"agreement", QUALITY, LARGER, NULL},
    {"sharpness", QUALITY, NEAR_ONE, NULL},
    {"jensen-shannon", QUALITY, SMALLER, NULL},
    {"jensen-shannon-exact", QUALITY, SMALLER, NULL},
    {"high-quality", QUALITY, LARGER, "share"},
    {"recall", VARIETY, LARGER, NULL},
    {"coverage", VARIETY, LARGER, NULL},
    {"combinations", VARIETY, LARGER, NULL},
    {"modes", VARIETY, LARGER, NULL},
    {"classes", VARIETY, LARGER, NULL},
    {"largest-share", VARIETY, NEITHER, "share"},
    {"neighbour-spread", VARIETY, NEAR_ONE, NULL},
    {"memorisation", COPIES, NEITHER, NULL},
    {"authenticity", COPIES, NEITHER, NULL},
    {"log-likelihood", LIKELY, LARGER, NULL},
    {"ais", LIKELY, LARGER, NULL},
    {"log-likelihood-bits", LIKELY, SMALLER, "bits a feature"},
    {"elbo", LIKELY, LARGER, NULL},
    {"nll of elbo", LIKELY, NEITHER, NULL},
    {"kl", LIKELY, NEITHER, NULL},
    {"nll", LIKELY, SMALLER, NULL},
    {"bits-per-dimension", LIKELY, SMALLER, NULL},
    {"mse", REBUILT, SMALLER, NULL},
    {"ssim", REBUILT, LARGER, NULL},
    {"psnr", REBUILT, LARGER, "decibels"},
    {"sharpness-reconstruction", REBUILT, NEAR_ONE, NULL},
    {"reconstruction-agreement", REBUILT, LARGER, NULL},
    {"nearest-neighbour", MEANING, LARGER, NULL},
    {"linear-probe", MEANING, LARGER, NULL},
    {"latent-probe", MEANING, LARGER, NULL},
    {"mutual-information-gap", MEANING, LARGER, NULL},
    {"cluster-accuracy", MEANING, LARGER, NULL},
    {"latent-mmd", MEANING, SMALLER, NULL},
    {"latent-mse", MEANING, SMALLER, NULL},
    {"active-units", MEANING, NEITHER, NULL},
    {"latent-rank", MEANING, NEITHER, NULL},
    {"commonest-class", MEANING, NEITHER, NULL},
    {"accuracy", JUDGEMENT, NEITHER, NULL},
    {"accuracy-real", JUDGEMENT, NEITHER, NULL},
    {"accuracy-fake", JUDGEMENT, NEITHER, NULL},
    {"margin-real", JUDGEMENT, NEITHER, "logits"},
    {"margin-fake", JUDGEMENT, NEITHER, "logits"},
    {"jensen-shannon-discriminator", JUDGEMENT, NEITHER, NULL},
    {"step-ms", COST, SMALLER, "milliseconds"},
    {"images-per-second", COST, LARGER, "images a second"},
    {"step-gflop", COST, SMALLER, "GFLOP"},
    {"memory-mib", COST, SMALLER, "MiB"},
    {"arena-mib", COST, SMALLER, "MiB"},
    {"peak-memory-mib", COST, NEITHER, "MiB"},
    {"parameters", COST, NEITHER, "numbers"},
    {"sample-ms", COST, SMALLER, "milliseconds"},
    {"sample-gflop", COST, SMALLER, "GFLOP"},
    {"sample-joule", COST, SMALLER, "joules"},
    {"encode-ms", COST, SMALLER, "milliseconds"},
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
    if (strcmp(row->name, name) != 0) return NEITHER;
    return row->better > 0 ? LARGER : row->better < 0 ? SMALLER : NEITHER;
}

/* Nats are those of a likelihood: of pixels as numbers, as chances of 1, as bytes. Bits of bytes are all of one kind.
 */
static bool is_by_likelihood(const measure *known)
{
    return known != NULL && strcmp(known->group, LIKELY) == 0 && known->unit == NULL &&
           strcmp(known->name, "bits-per-dimension") != 0;
}

/* The keys that every entry has. */
static json_t *describe(const char *name, const duet_metric_row *row, const measure *known)
{
    static const char *const words[] = {"neither", "larger", "smaller", "near"};
    direction better = direction_of(known, row, name);
    const char *unit = known != NULL && known->unit != NULL ? known->unit : row->unit;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:o}", "name", name, "metric", row->name, "group",
                     known != NULL ? known->group : OTHERS, "unit", unit, "summary", row->summary, "better",
                     words[better], "by_likelihood", is_by_likelihood(known), "order",
                     (json_int_t)(known != NULL ? known - measures : (long)CLI_COUNT_OF(measures)), "target",
                     better == NEAR_ONE ? json_real(1) : json_null());
}

json_t *cli_measure_json(duet_run *run, const duet_metric_value *value)
{
    duet_features_identity identity;
    char name[80];
    bool is_taken = strcmp(value->name, value->row->name) != 0 && duet_metric_find(value->name) != NULL;
    snprintf(name, sizeof name, is_taken ? "%s of %s" : "%s", value->name,
             value->row->name); /* the bound's nll is no nll */
    json_t *entry = describe(name, value->row, find(name));
    json_object_set_new(entry, "value", cli_json_number(value->value));
    json_object_set_new(entry, "low", cli_json_number(value->low));
    json_object_set_new(entry, "high", cli_json_number(value->high));
    json_object_set_new(entry, "n", json_integer((json_int_t)value->n));
    if (value->row->by_features != DUET_BY_NO_FEATURES &&
        duet_metric_features(run, value->row->name, &identity, NULL) == DUET_OK && identity.name[0] != '\0')
        json_object_set_new(entry, "features", cli_json_text(identity.checksum));
    return entry;
}

json_t *cli_measure_missing_json(const duet_metric_row *row, const char *reason)
{
    json_t *entry = describe(row->name, row, find(row->name));
    json_object_set_new(entry, "reason", cli_json_text(reason));
    return entry;
}
