/* SPDX-License-Identifier: MIT */
/* What gave features, by a name for people and a checksum for the program, of a judge's weights, or of the numbers of
 * the data's features where they come from a file. The file of the samples' features has no part in it: that one is
 * what differs between runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "metric/features.h"
#include "run/run.h"

static duet_status sum_given(duet_data *given, uint64_t *sum, duet_error *error)
{
    duet_feature_set set = {0};
    duet_status status = duet_metric_read_given(given, &set, error);
    if (status == DUET_OK) *sum = duet_checksum_add(*sum, set.values, set.count * set.width * sizeof *set.values);
    free(set.values);
    return status;
}

static duet_feature_use use_of(const char *metric)
{
    const duet_metric_row *row = metric == NULL ? NULL : duet_metric_find(metric);
    if (metric == NULL) return DUET_BY_FEATURES;
    return row == NULL ? DUET_BY_NO_FEATURES : row->by_features;
}

duet_status duet_metric_features(duet_run *run, const char *metric, duet_features_identity *identity, duet_error *error)
{
    duet_feature_use use = use_of(metric);
    duet_data *given = use == DUET_BY_FEATURES ? duet_run_given_features(run, DUET_OF_EXAMPLES) : NULL;
    duet_run *judge = use == DUET_BY_NO_FEATURES ? NULL : duet_run_judge(run);
    uint64_t sum = DUET_CHECKSUM_BEGIN;
    *identity = (duet_features_identity){.name = ""};
    if (given == NULL && judge == NULL) return DUET_OK;
    const char *name = given == NULL ? duet_run_name(judge) : duet_data_describe(given)->name;
    const char *slash = strrchr(name, '/');
    DUET_TRY(given == NULL ? duet_run_sum_weights(judge, &sum, error) : sum_given(given, &sum, error));
    snprintf(identity->name, sizeof identity->name, "%s", slash == NULL ? name : slash + 1);
    duet_checksum_text(sum, identity->checksum);
    return DUET_OK;
}

duet_status duet_features_check(const duet_features_identity *a, const duet_features_identity *b, const char *metric,
                                duet_error *error)
{
    if (strcmp(a->checksum, b->checksum) == 0) return DUET_OK;
    if (a->checksum[0] == '\0' || b->checksum[0] == '\0')
        return duet_fail(error, DUET_ERROR_USAGE,
                         "%s of one run is by the features of %s (%s), that of the other by none: evaluate both with "
                         "one judge",
                         metric, a->checksum[0] == '\0' ? b->name : a->name,
                         a->checksum[0] == '\0' ? b->checksum : a->checksum);
    return duet_fail(error, DUET_ERROR_USAGE,
                     "%s by the features of %s (%s) and by those of %s (%s) cannot be compared: evaluate both with one "
                     "judge",
                     metric, a->name, a->checksum, b->name, b->checksum);
}
