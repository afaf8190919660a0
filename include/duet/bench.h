/* SPDX-License-Identifier: MIT */
/* What a device can do at best, and what its matrix products reach: the measurements behind `duet bench`. Timings are
 * taken on the wall clock around finished work; a machine that is busy elsewhere makes all of them worse. */
#ifndef DUET_BENCH_H
#define DUET_BENCH_H

#include "device.h"
#include "window.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What nothing on the device can exceed, as measured. */
typedef struct duet_peaks {
    double gflops;               /**< float32 multiply-adds from registers, 1e9 FLOP/s; a multiply-add is two */
    double gigabytes_per_second; /**< a copy of more than the caches hold, 1e9 bytes read and written a second */
    double launch_us;            /**< one launch among many enqueued, microseconds */
    double launch_waited_us;     /**< a launch that is waited for before the next one */
} duet_peaks;

/** Measures a device's peaks, `patience` seconds for each of about six trials. Each peak is the best that was seen,
 *  over kernels shaped for CPUs and for GPUs. Takes up to 256 MiB of device memory meanwhile, less on small devices.
 *  Uses the device's thread. Errors: DUET_ERROR_DEVICE, DUET_ERROR_MEMORY. */
DUET_API duet_status duet_peaks_measure(duet_device *device, double patience, duet_peaks *peaks, duet_error *error);

/** Which of the picture x, the weights w and the result y of a convolution is computed from the other two. */
typedef enum duet_convolution_use {
    DUET_NO_CONVOLUTION,      /**< a plain matrix product */
    DUET_CONVOLUTION_FORWARD, /**< y = x * w */
    DUET_CONVOLUTION_DATA,    /**< x from y and w: the transposed convolution */
    DUET_CONVOLUTION_WEIGHTS, /**< w from x and y */
    DUET_CONVOLUTION_USES     /**< how many there are */
} duet_convolution_use;

/** "", "forward", "data", "weights". Static storage. */
DUET_API const char *duet_convolution_use_name(duet_convolution_use use);

/** Extents of a convolution: x is [images, height, width, channels], w [the window's size, channels / groups, features]
 *  and y [images, windows along the height, windows along the width, features]. float32, contiguous. */
typedef struct duet_convolution_product {
    duet_convolution_use use;
    size_t images, height, width, channels, features, groups;
    duet_window window;
} duet_convolution_product;

/** C = op(A) op(B): op(A) is m x k, op(B) k x n, C m x n; float32, row-major, contiguous. A is stored [m, k], or [k, m]
 *  if transpose_a; B is stored [k, n], or [n, k] if transpose_b. All extents from 1. With a convolution it is that, and
 *  the functions below take all else from it. */
typedef struct duet_product {
    size_t m, n, k;
    bool transpose_a, transpose_b;
    duet_convolution_product convolution;
} duet_product;

enum { DUET_PRODUCT_WORDS = 96 };
/** "128x400x784 nt", that is m, n, k, and n or t for each operand, or "forward 3x3/2 32x28x28x1->14x14x64", that is the
 *  window and its stride, x and y. Returns `text`. */
DUET_API const char *duet_product_words(const duet_product *product, char text[DUET_PRODUCT_WORDS]);

/** Product, or convolution, `index` of those of small networks, each as forward, as the gradient by the input and as
 * the gradient by the weights have it; false past the last. The first DUET_BENCHED_PRODUCTS, and
 * DUET_BENCHED_CONVOLUTIONS (two networks over 28 x 28 pictures, 32 of them), are what 'duet bench' times. */
enum { DUET_BENCHED_PRODUCTS = 18, DUET_BENCHED_CONVOLUTIONS = 24 };
DUET_API bool duet_common_product(size_t index, duet_product *product);
DUET_API bool duet_common_convolution(size_t index, duet_product *product);

/** How fast a GEMM provider multiplies, from and to plain operands: whatever it packs is part of the time. */
typedef struct duet_product_timing {
    double seconds_median, seconds_least; /**< of one product among many enqueued; NaN if skipped */
    double gflops;                        /**< 1e9 FLOP/s by the median, NaN if skipped: 2 m n k FLOPs, or of a
                                               convolution those of the taps inside the picture */
    double error;     /**< difference from a plain product in double over what rounding allows: above 1 is wrong */
    char skipped[96]; /**< why it was not timed, for a person; empty if it was */
} duet_product_timing;

/** Name of GEMM provider `index`, as duet_device_set_gemm takes it; NULL past the end. Static storage. */
DUET_API const char *duet_gemm_name(size_t index);
/** What it is, in a few words; NULL past the end. Static storage. */
DUET_API const char *duet_gemm_summary(size_t index);
/** Whether provider `index` computes convolutions; the others compute plain products. */
DUET_API bool duet_gemm_convolves(size_t index);
/** The provider that a plan made now would use for this product on this device; NULL if it is no product or has too
 *  many elements. Static storage. */
DUET_API const char *duet_gemm_chosen(duet_device *device, const duet_product *product);

/** Times a provider on one product within about `patience` seconds (after what its kernels take to compile), and checks
 *  its numbers. A smaller product is tried first; where it tells that one product would take more than four times the
 *  patience, or where the provider does not fit the device, the product is skipped and timing->skipped says why, which
 *  is no error. Uses the device's thread. Errors: DUET_ERROR_USAGE for an unknown provider, or a product
 *  that is empty or whose convolution does not fit together, DUET_ERROR_DEVICE, DUET_ERROR_MEMORY. */
DUET_API duet_status duet_product_time(duet_device *device, const char *provider, const duet_product *product,
                                       double patience, duet_product_timing *timing, duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
