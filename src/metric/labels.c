/* SPDX-License-Identifier: MIT */
/* Which classes the data have examples of, and what labels leave a metric to say. Labels are numbers from 0 to the
 * largest one, and between them may be such that no example has. */
#include "data/class_names.h"
#include "data/data.h"
#include "metric/metric.h"

#include "base/text.h"

enum { FEW = 4 };

void duet_metric_ask_classes(const duet_metric_task *task, uint8_t *asked, size_t count)
{
    uint8_t learnt[DUET_MOST_CLASSES];
    duet_run *run = task->run;
    const size_t classes = duet_run_classes(run), kinds = duet_run_learnt_classes(run, learnt);
    for (size_t i = 0; i < count; i++) asked[i] = learnt[i % kinds];
    if (kinds < classes && !run->live) /* whatever other data it is asked of */
        duet_notes_add(&duet_run_data(run)->notes, false,
                       "%s: %zu of %zu classes have a training example: samples are asked of those alone",
                       run->file.data.info.name, kinds, classes);
}

/* Of a few examples chance may make one class: where they are a share of a set, it is all of the set's. */
static duet_status tell_of_one_class(duet_data *data, duet_split split, duet_error *error)
{
    const duet_data_info *info = duet_data_describe(data);
    const bool whole = info->count[split] < FEW && info->division != DUET_DIVISION_GIVEN;
    size_t counts[DUET_MOST_CLASSES] = {0}, kinds = 0, total = 0, label = 0;
    DUET_TRY(duet_data_count_labels(data, split, counts, error));
    if (whole) DUET_TRY(duet_data_count_labels(data, split == DUET_TEST ? DUET_TRAIN : DUET_TEST, counts, error));
    for (size_t i = 0; i < DUET_MOST_CLASSES; i++) {
        total += counts[i];
        kinds += counts[i] > 0;
        if (counts[i] > 0) label = i;
    }
    if (kinds == 1 && total >= FEW)
        duet_notes_add(&data->notes, false,
                       "%s: all %zu labels%s are one class, %zu: what goes by them says nothing of the others",
                       info->name, total,
                       whole                ? ""
                       : split == DUET_TEST ? " of the test split"
                                            : " of the training split",
                       label);
    return DUET_OK;
}

static duet_status tell_of_unlearnt(duet_data *data, duet_error *error)
{
    const duet_data_info *info = duet_data_describe(data);
    size_t train[DUET_MOST_CLASSES] = {0}, test[DUET_MOST_CLASSES] = {0}, examples = 0;
    bool unlearnt[DUET_MOST_CLASSES];
    duet_text text = {0};
    DUET_TRY(duet_data_count_labels(data, DUET_TRAIN, train, error));
    DUET_TRY(duet_data_count_labels(data, DUET_TEST, test, error));
    for (size_t i = 0; i < DUET_MOST_CLASSES; i++) {
        unlearnt[i] = train[i] == 0 && test[i] > 0;
        if (unlearnt[i]) examples += test[i];
    }
    duet_class_names_list(&text, unlearnt, info->classes, info->class_names);
    if (examples > 0)
        duet_notes_add(&data->notes, false,
                       "%s: %zu of %zu examples of the test split are of classes that no training example has, which "
                       "no metric that goes by those can tell: %s",
                       info->name, examples, info->count[DUET_TEST], duet_text_get(&text));
    duet_text_free(&text);
    return DUET_OK;
}

void duet_metric_tell_of_codes(const duet_metric_task *task)
{
    duet_data *data = duet_run_data(task->run);
    if (task->run->live || duet_metric_better_of_codes(task->run) != DUET_NEITHER) return;
    duet_notes_add(&data->notes, false,
                   "%s: the codes of %s are made of examples and their classes: what is read of classes from them is "
                   "what they keep of what they are told, and nothing that was learnt of the examples",
                   duet_data_describe(data)->name, duet_model_family(duet_run_model(task->run))->name);
}

duet_status duet_metric_tell_of_labels(const duet_metric_task *task, bool by_training, duet_error *error)
{
    duet_data *data = duet_run_data(task->run);
    if (task->run->live || duet_data_describe(data)->generated) return DUET_OK;
    DUET_TRY(tell_of_one_class(data, task->split, error));
    return by_training && task->split == DUET_TEST ? tell_of_unlearnt(data, error) : DUET_OK;
}
