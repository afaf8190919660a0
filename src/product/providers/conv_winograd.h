/* SPDX-License-Identifier: MIT */
/* What the two files of provider "conv-winograd" share: its parameters, and the weights' gradient
 * (conv_winograd_weights.c). */
#ifndef DUET_SRC_PRODUCT_PROVIDERS_CONV_WINOGRAD_H
#define DUET_SRC_PRODUCT_PROVIDERS_CONV_WINOGRAD_H

#include "product/gemm_rows.h"

/** TILES: of results that a work-item takes at a time; for weights' gradients the most blocks of LANES channels by a
 *  strip of features. */
enum { DUET_WINOGRAD_ROWS, DUET_WINOGRAD_LANES, DUET_WINOGRAD_TILES };
enum { DUET_WINOGRAD_RESULTS = 4 /**< of a tile, along each dimension */ };

/** Along each dimension. */
size_t duet_winograd_points(const duet_convolution *it);
/** Tiles of all images' results, or of their pixels for a data gradient. */
size_t duet_winograd_tiles(const duet_convolution *it);

/** For the weights' gradient: whether these parameters fit, whether there are work-items for a device, its kernels,
 *  bytes of what lies at the points (SIZE_MAX if they cannot be counted), launches. */
bool duet_winograd_weights_fits(const duet_device *device, const duet_convolution *it,
                                const duet_gemm_parameters *parameters);
bool duet_winograd_weights_fills(const duet_device *device, const duet_convolution *it,
                                 const duet_gemm_parameters *parameters);
void duet_winograd_weights_kernels(const duet_convolution *it, duet_gemm_source *source);
size_t duet_winograd_weights_workspace(const duet_convolution *it, const duet_gemm_parameters *parameters);
duet_status duet_winograd_weights_lower(duet_device *device, const duet_gemm_product *product,
                                        const duet_gemm_source *source, duet_launch_list *list,
                                        cl_uint *arguments_taken, duet_error *error);

#endif
