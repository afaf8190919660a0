/* SPDX-License-Identifier: MIT */
/* What the two files of provider "conv-panel" share: its parameters, and the weights' gradient (conv_panel_weights.c).
 */
#ifndef DUET_SRC_PRODUCT_PROVIDERS_CONV_PANEL_H
#define DUET_SRC_PRODUCT_PROVIDERS_CONV_PANEL_H

#include "product/gemm_rows.h"

enum { DUET_PANEL_ROWS, DUET_PANEL_LANES, DUET_PANEL_K_BLOCK, DUET_PANEL_SUM_ROWS, DUET_PANEL_STRIPS };
enum {
    DUET_PANEL_PADDED = 4096,   /**< most floats of a padded picture with few channels */
    DUET_PANEL_BLOCK_ROWS = 64, /**< most channels of a copied pixel */
    DUET_PANEL_TAPS = 25,       /**< most taps that share copied pixels */
};

/** Strips of a group, each of 2 x lanes features. */
size_t duet_panel_strips(const duet_gemm_shape *shape, const duet_gemm_parameters *parameters);

/** For the weights' gradient: its kernels, bytes of its pieces, launches. */
void duet_panel_weights_kernels(const duet_device *device, const duet_gemm_shape *shape,
                                const duet_gemm_parameters *parameters, duet_gemm_source *source);
size_t duet_panel_weights_workspace(const duet_device *device, const duet_gemm_shape *shape,
                                    const duet_gemm_parameters *parameters);
duet_status duet_panel_weights_lower(duet_device *device, const duet_gemm_product *product,
                                     const duet_gemm_source *source, duet_launch_list *list, cl_uint *arguments_taken,
                                     duet_error *error);

#endif
