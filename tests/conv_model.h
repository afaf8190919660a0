/* SPDX-License-Identifier: MIT */
/* A small auto-encoder of convolutions: what training and tuning make of them is tested with it. Smooth, so that a
 * rounding stays one. */
#ifndef DUET_TESTS_CONV_MODEL_H
#define DUET_TESTS_CONV_MODEL_H

#include "duet/model.h"
#include "duet/nn.h"
#include "duet/op.h"

enum { TEST_CONV_SIDE = 9, TEST_CONV_CHANNELS = 16, TEST_CONV_FEATURES = 32 };

static inline duet_node test_conv_parameter(duet_model *model, duet_group *group, const char *name, duet_shape shape)
{
    const duet_initialiser start = {DUET_INIT_NORMAL, shape.rank == 1 ? 0 : 0.3f, 0, 0};
    return duet_parameter(duet_model_graph(model), group, name, shape, start);
}

/** [batch, 9, 9, 1] to [batch, 5, 5, 16] to [batch, 3, 3, 32] and back by a transposed convolution to the picture. */
static inline void test_conv_build(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    const size_t batch = duet_model_batch_size(model);
    duet_node x = duet_model_batch(model);
    duet_node picture = duet_reshape(x, DUET_SHAPE(batch, TEST_CONV_SIDE, TEST_CONV_SIDE, 1));
    const duet_window first = duet_window_padded(3, 2, 1), second = duet_window_valid(3, 1),
                      third = duet_window_padded(5, 3, 1);
    duet_node w1 = test_conv_parameter(model, net, "first.weight", DUET_SHAPE(3, 3, 1, TEST_CONV_CHANNELS));
    duet_node w2 =
        test_conv_parameter(model, net, "second.weight", DUET_SHAPE(3, 3, TEST_CONV_CHANNELS, TEST_CONV_FEATURES));
    duet_node w3 = test_conv_parameter(model, net, "third.weight", DUET_SHAPE(5, 5, 1, TEST_CONV_FEATURES));
    duet_node h = duet_convolution(picture, w1, &first, 1);
    h = duet_tanh(duet_add(h, test_conv_parameter(model, net, "first.bias", DUET_SHAPE(TEST_CONV_CHANNELS))));
    h = duet_convolution(h, w2, &second, 1);
    h = duet_tanh(duet_add(h, test_conv_parameter(model, net, "second.bias", DUET_SHAPE(TEST_CONV_FEATURES))));
    h = duet_transposed_convolution(h, w3, &third, 1, TEST_CONV_SIDE, TEST_CONV_SIDE);
    h = duet_add(h, test_conv_parameter(model, net, "third.bias", DUET_SHAPE(1)));
    duet_node nll = duet_batch_mean(duet_bernoulli_nll(duet_reshape(h, duet_node_shape(x)), x));
    duet_phase(model, "restore", 1);
    duet_report(model, "nll", nll);
    duet_minimise(model, nll, net);
}

static const duet_family test_conv_family = {
    .name = "conv-ae", .summary = "convolutions", .paper = "none", .build = test_conv_build};

#endif
