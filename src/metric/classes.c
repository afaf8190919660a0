/* SPDX-License-Identifier: MIT */
/* Which classes the samples fall into: 1,000 samples, each labelled by the judge or, without one, by its nearest
 * training example in raw pixels, of several as near by one that is drawn of them. A class counts as covered by over 1%
 * of the samples. The ends of its interval count the classes whose share is over 1% at the lower, and at the upper, end
 * of Wilson's interval; that of the largest share is Wilson's, and lies a little high where several classes are nearly
 * as large, since the samples chose it. */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"
#include "run/search.h"

enum { SAMPLES = 1000, CLASSES = 256 };

static bool applies(duet_run *run)
{
    return duet_metric_why_no_classes(run) == NULL && !duet_metric_applies(run, "modes") && /* which counts exactly */
           duet_metric_draws(run);
}

static const char *refusal(duet_run *run)
{
    if (duet_metric_applies(run, "modes"))
        return "its classes are the modes of the data, whose places are known: modes counts them exactly";
    return duet_metric_draws(run) ? duet_metric_why_no_classes(run) : NULL;
}

static void count_classes(const uint8_t *labels, const bool *known, duet_metric_task *task)
{
    size_t counts[CLASSES] = {0}, covered = 0, surely = 0, perhaps = 0, most = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        if (known[i]) counts[labels[i]]++;
    for (size_t i = 0; i < CLASSES; i++) {
        double low, high;
        duet_share_interval(counts[i], SAMPLES, &low, &high);
        covered += counts[i] * 100 > SAMPLES;
        surely += low > 0.01;
        perhaps += high > 0.01;
        if (counts[i] > most) most = counts[i];
    }
    duet_metric_add_count(task, "classes", (double)covered, (double)surely, (double)perhaps, SAMPLES);
    duet_metric_add_share(task, "largest-share", most, SAMPLES);
}

double duet_metric_expect_classes(duet_run *run)
{
    uint8_t learnt[CLASSES];
    const size_t kinds = duet_run_learnt_classes(run, learnt), *counts = run->model->class_counts;
    double total = 0, low, high;
    size_t surely = 0;
    for (size_t i = 0; i < kinds; i++) total += (double)counts[learnt[i]];
    if (total == 0) return (double)kinds;
    for (size_t i = 0; i < kinds; i++) {
        duet_share_interval((size_t)((double)counts[learnt[i]] / total * SAMPLES), SAMPLES, &low, &high);
        surely += low > 0.01;
    }
    return surely > 0 ? (double)surely : NAN;
}

/* By the nearest training example. A sample of NaNs is near nothing. */
static duet_status label_by_neighbours(duet_metric_task *task, const float *samples, uint8_t *labels, bool *known,
                                       duet_error *error)
{
    duet_neighbour nearest[SAMPLES];
    duet_data *data = duet_run_data(task->run);
    duet_status status = duet_run_nearest(task->run, samples, SAMPLES, true, NULL, nearest, error);
    for (size_t i = 0; i < SAMPLES && status == DUET_OK; i++) {
        known[i] = !isinf(nearest[i].distance);
        if (known[i]) status = duet_data_labels(data, DUET_TRAIN, (size_t)nearest[i].number, 1, &labels[i], error);
    }
    return status;
}

static duet_status label_by_judge(duet_metric_task *task, const float *samples, uint8_t *labels, bool *known,
                                  duet_error *error)
{
    size_t features = duet_run_features(task->run, DUET_SAMPLE);
    for (size_t i = 0; i < SAMPLES; i++) {
        known[i] = true;
        for (size_t k = 0; k < features; k++) known[i] = known[i] && isfinite(samples[i * features + k]);
    }
    return duet_metric_judge(task, samples, SAMPLES, labels, error);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    float *samples = NULL;
    uint8_t labels[SAMPLES];
    bool known[SAMPLES];
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE, SAMPLES, &samples, error));
    duet_status status = duet_run_judge(task->run) != NULL ? label_by_judge(task, samples, labels, known, error)
                                                           : label_by_neighbours(task, samples, labels, known, error);
    free(samples);
    if (status == DUET_OK) count_classes(labels, known, task);
    return status;
}

static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    (void)split;
    return duet_run_judge(run) != NULL ? DUET_OK : duet_metric_enough_training(run, "classes", error);
}

static const duet_metric_measure measures[] = {
    {"classes", NULL, DUET_LARGER, DUET_OF_VARIETY, 5},
    {"largest-share", "share", DUET_NEITHER, DUET_OF_VARIETY, 6},
    {NULL},
};

const duet_metric duet_metric_classes = {
    .row = {"classes", "classes",
            "classes with over 1% of 1,000 samples, labelled by the judge or the nearest training example; for models "
            "that sample, on data "
            "with labels",
            .by_features = DUET_BY_JUDGE, .measures = measures},
    .applies = applies,
    .finish = finish,
    .enough = enough,
    .refusal = refusal,
    .samples = SAMPLES,
};
