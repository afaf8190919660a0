/* SPDX-License-Identifier: MIT */
/* The products and convolutions of small networks: what the benchmark times and what is tuned where no model is named.
 */
#include <duet/bench.h>

bool duet_common_product(size_t index, duet_product *product)
{
    static const size_t shapes[][3] = {{128, 400, 784},    {128, 784, 400},  {784, 400, 128}, {1024, 1024, 1024},
                                       {2048, 2048, 2048}, {64, 12544, 128}, {128, 256, 256}, {64, 512, 512},
                                       {256, 1024, 1024},  {512, 512, 512},  {128, 20, 400},  {16, 400, 784}};
    static const bool transposes[][2] = {{false, false}, {false, true}, {true, false}};
    enum { SHAPES = sizeof shapes / sizeof *shapes, FORMS = sizeof transposes / sizeof *transposes };
    const size_t shape = index / FORMS, form = index % FORMS;
    if (shape >= SHAPES) return false;
    *product = (duet_product){.m = shapes[shape][0],
                              .n = shapes[shape][1],
                              .k = shapes[shape][2],
                              .transpose_a = transposes[form][0],
                              .transpose_b = transposes[form][1]};
    return true;
}

bool duet_common_convolution(size_t index, duet_product *product)
{
    static const struct {
        size_t side, channels, features, size, stride;
        bool same; /* padding as TensorFlow's SAME, else none */
    } layers[] = {{28, 1, 32, 3, 2, false},  {13, 32, 64, 3, 2, false}, {14, 64, 32, 3, 2, true},
                  {28, 32, 64, 3, 2, true},  {28, 1, 32, 3, 1, true},   {28, 1, 64, 5, 2, true},
                  {14, 64, 128, 5, 2, true}, {7, 128, 256, 5, 1, true}, {32, 3, 64, 3, 1, true},
                  {32, 64, 64, 3, 1, true},  {16, 64, 128, 4, 2, true}, {16, 128, 128, 3, 1, true}};
    enum { LAYERS = sizeof layers / sizeof *layers, USES = DUET_CONVOLUTION_USES - DUET_CONVOLUTION_FORWARD };
    if (index / USES >= LAYERS) return false;
    const size_t layer = index / USES, side = layers[layer].side;
    const duet_window window = duet_window_valid(layers[layer].size, layers[layer].stride);
    *product = (duet_product){
        .convolution = {.use = (duet_convolution_use)(DUET_CONVOLUTION_FORWARD + index % USES),
                        .images = 32,
                        .height = side,
                        .width = side,
                        .channels = layers[layer].channels,
                        .features = layers[layer].features,
                        .groups = 1,
                        .window = layers[layer].same ? duet_window_pad_same(window, side, side) : window}};
    return true;
}
