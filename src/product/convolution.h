/* SPDX-License-Identifier: MIT */
/* A convolution as a matrix product whose first operand is read through a window: what the providers of convolutions
 * (gemm.h) need to know beside the product's extents. The family is closed under differentiation. */
#ifndef DUET_SRC_PRODUCT_CONVOLUTION_H
#define DUET_SRC_PRODUCT_CONVOLUTION_H

#include <stdint.h>

#include "duet/bench.h"

/* As matrices: x has a row for each pixel and a column for each channel, w a row for each tap and channel and a column
 * for each feature, y a row for each result and a column for each feature. A product has the rows and columns of what
 * it computes. */

/** Entry 0 is along the height, 1 along the width. Compared by bytes: no padding. */
typedef struct duet_convolution {
    uint32_t use; /**< a duet_convolution_use */
    uint32_t images, picture[2], channels, result[2], features;
    uint32_t kernel[2], stride[2], dilation[2];
    uint32_t pad[2]; /**< before the picture's first row and column */
    uint32_t groups;
} duet_convolution;

/** Converts from and to the public struct; the padding after the picture is then the least that the result needs.
 *  Returns NULL, or why it is no convolution. */
const char *duet_convolution_read(const duet_convolution_product *told, duet_convolution *convolution);
duet_convolution_product duet_convolution_told(const duet_convolution *convolution);
/** The extents of its product. k counts all taps, also those that fall into the padding. */
void duet_convolution_extents(const duet_convolution *convolution, size_t *m, size_t *n, size_t *k);
/** Floating-point operations of the taps that lie inside the picture: what has to be computed. */
double duet_convolution_flops(const duet_convolution *convolution);
/** Elements of x, w and y. */
void duet_convolution_elements(const duet_convolution *convolution, size_t *x, size_t *w, size_t *y);
/** "3x3/2 32x28x28x1->14x14x64", for names of launches: kernel, stride, dilation and groups (d2x2 g4) where they are
 * not 1, picture, result. Returns `text`. */
const char *duet_convolution_words(const duet_convolution *convolution, char *text, size_t size);

#endif
