/* SPDX-License-Identifier: MIT */
/* A small convolutional classifier, in the line of LeCun et al. 1998 ("Gradient-based learning applied to document
 * recognition", Proceedings of the IEEE 86), with ReLU and dropout (Srivastava et al. 2014): it learns the labels of
 * pictures, so that it can judge those a generator makes. */
#include "model/families/family.h"

/* The largest of each square of 2 x 2; an odd row or column at the end is left out. */
static duet_node halved(duet_node x)
{
    const duet_window window = duet_window_valid(2, 2);
    return duet_max_pool(x, &window);
}

/* Returns logits, [batch, classes]. *features: the last hidden layer, by which a judge compares pictures. */
static duet_node classify(duet_model *m, duet_node x, size_t classes, duet_node *features)
{
    duet_group *net = duet_model_group(m, "classifier");
    duet_node h = duet_activate(m, duet_conv2d(net, "conv1", x, 32, 3, 1, DUET_SAME));
    h = duet_activate(m, duet_conv2d(net, "conv2", halved(h), 64, 3, 1, DUET_SAME));
    h = duet_activate(m, duet_dense(net, "hidden", duet_flatten(halved(h)), 128));
    *features = h;
    return duet_dense(net, "logits", duet_dropout(h, duet_setting_number(m, "dropout")), classes);
}

/* [batch]: 1 where the label's logit is the largest, also when others are equal to it. */
static duet_node is_right(duet_node logits, duet_node labels)
{
    duet_node most = duet_max(logits, DUET_AXIS(1), false);
    return duet_greater_equal(duet_sum_features(duet_multiply(logits, labels)), most);
}

static void build_classifier(duet_model *m)
{
    duet_node x = duet_model_pictures(m, 1), labels = duet_model_labels(m);
    duet_node features, logits = classify(m, x, duet_features(labels), &features);
    duet_node loss = duet_batch_mean(duet_softmax_cross_entropy(logits, labels));

    duet_phase(m, "classification", 1);
    duet_report(m, "loss", loss);
    duet_report(m, "accuracy", duet_batch_mean(is_right(logits, labels)));
    duet_minimise(m, loss, duet_model_group(m, "classifier"));

    duet_output(m, DUET_CLASS_LOGITS, logits);
    duet_output(m, DUET_FEATURES, features);
}

static const duet_setting settings[] = {
    DUET_NUMBER("dropout", 0.5, 0, 0.99, "share of the last hidden layer that is left out"),
};

const duet_family duet_family_classifier = {
    .name = "classifier",
    .summary = "convolutional classifier",
    .paper = "LeCun et al. 1998",
    .build = build_classifier,
    .groups = (const char *const[]){"classifier", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
