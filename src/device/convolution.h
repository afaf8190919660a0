/* A convolution as a matrix product whose first operand is read through a window: what the providers of convolutions
 * (gemm.h) need to know beside the product's extents. The family is closed under differentiation. */
#ifndef DUET_SRC_DEVICE_CONVOLUTION_H
#define DUET_SRC_DEVICE_CONVOLUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Which of x (the picture, [images, picture, channels]), w ([kernel, channels / groups, features]) and y ([images,
 *  result, features]) is computed from the other two. Rows and columns are those of the result as a matrix. */
typedef enum duet_convolution_use {
    DUET_NO_CONVOLUTION,      /**< a plain matrix product */
    DUET_CONVOLUTION_FORWARD, /**< y = x * w: a row for each element of `result`, a column for each feature */
    DUET_CONVOLUTION_DATA,    /**< x from y and w, the transposed convolution: a column for each channel */
    DUET_CONVOLUTION_WEIGHTS, /**< w from x and y: a row for each tap and channel, a column for each feature */
    DUET_CONVOLUTION_USES
} duet_convolution_use;

/** Entry 0 is along the height, 1 along the width. Compared by bytes: no padding. */
typedef struct duet_convolution {
    uint32_t use; /**< a duet_convolution_use */
    uint32_t images, picture[2], channels, result[2], features;
    uint32_t kernel[2], stride[2], dilation[2];
    uint32_t pad[2]; /**< before the picture's first row and column */
    uint32_t groups;
} duet_convolution;

/** The extents of its product. k counts all taps, also those that fall into the padding. */
void duet_convolution_extents(const duet_convolution *convolution, size_t *m, size_t *n, size_t *k);
/** Floating-point operations of the taps that lie inside the picture: what has to be computed. */
double duet_convolution_flops(const duet_convolution *convolution);
/** Elements of x, w and y. */
void duet_convolution_elements(const duet_convolution *convolution, size_t *x, size_t *w, size_t *y);
/** "3x3 s2 32x28x28x1 -> 14x14x64", for names of launches: kernel, stride, picture, result. Returns `text`. */
const char *duet_convolution_words(const duet_convolution *convolution, char *text, size_t size);

#endif
