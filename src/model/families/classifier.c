/* SPDX-License-Identifier: MIT */
/* A small convolutional classifier, in the line of LeCun et al. 1998 ("Gradient-based learning applied to document
 * recognition", Proceedings of the IEEE 86), with ReLU and dropout (Srivastava et al. 2014): it learns the labels of
 * pictures, so that it can judge those a generator makes. */
#include "model/families/family.h"
#include "model/families/needs.h"

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

/* [batch]: 1 where the label's logit is the largest, the first one where several are, which the metric takes too. */
static duet_node is_right(duet_node logits, duet_node labels)
{
    return duet_sum_features(duet_multiply(duet_largest(logits), labels));
}

/* The procedure "attack", gradient ascent of Nguyen et al. 2015 (arXiv:1412.1897), sec. 4: pictures that start as noise
 * and climb to where the classifier is sure of their class, which the request gives or chance. They show that a judge
 * can be pleased by what looks like nothing. Output "attack", [batch, features of the data]. */
static void attack(duet_model *m, duet_node like, duet_node labels)
{
    duet_procedure(m, "attack");
    size_t steps = duet_use_count(m, "steps", 100, 1, 1000000, "updates of each picture");
    const duet_optimiser adam = duet_adam(duet_use_number(m, "rate", 0.05, 0, 100, "learning rate of the ascent"));
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_group *noise = duet_scratch_group(m, "noise");
    duet_node pixels = duet_parameter(duet_model_graph(m), noise, "pixels", duet_node_shape(like), zero);
    duet_node x = duet_model_unit_range(m) ? duet_sigmoid(pixels) : pixels, features;
    duet_node logits = classify(m, x, duet_features(labels), &features);

    duet_phase(m, "start", 1);
    duet_phase_assign(m, pixels, duet_normal(duet_model_graph(m), duet_node_shape(like)));

    duet_phase(m, "climb", steps);
    duet_phase_optimiser(m, &adam);
    duet_minimise(m, duet_sum(duet_softmax_cross_entropy(logits, labels), DUET_ALL_AXES, false), noise);

    duet_own_output(m, "attack", duet_flatten(x));
}

static void build_classifier(duet_model *m)
{
    duet_node x = duet_pictures_at_least(m, 4), labels = duet_model_labels(m);
    duet_node features, logits = classify(m, x, duet_features(labels), &features);
    duet_node loss = duet_batch_mean(duet_softmax_cross_entropy(logits, labels));

    duet_phase(m, "classification", 1);
    duet_report(m, "loss", loss);
    duet_report(m, "accuracy", duet_batch_mean(is_right(logits, labels)));
    duet_minimise(m, loss, duet_model_group(m, "classifier"));

    duet_output(m, DUET_CLASS_LOGITS, logits);
    duet_output(m, DUET_FEATURES, features);
    attack(m, x, labels);
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
