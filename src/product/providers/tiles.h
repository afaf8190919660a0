/* SPDX-License-Identifier: MIT */
/* Tiles in local memory (cl/tile.cl), for the providers "tile" and "conv-tile": which tile suits a product, and its
 * launches. */
#ifndef DUET_SRC_PRODUCT_PROVIDERS_TILES_H
#define DUET_SRC_PRODUCT_PROVIDERS_TILES_H

#include "product/gemm_rows.h"

/** The parameters: a tile of C, the depth of a slice, a work-item's part of the tile, the width of its vectors, padding
 *  after each row of a slice, slices kept at a time, pieces of k. */
enum {
    DUET_TILE_M,
    DUET_TILE_N,
    DUET_TILE_K,
    DUET_ITEM_M,
    DUET_ITEM_N,
    DUET_TILE_WIDTH,
    DUET_TILE_PADDING,
    DUET_TILE_BUFFERS,
    DUET_TILE_PIECES
};

#define DUET_TILE_NAMES                                                                                                \
    {                                                                                                                  \
        "tile_m", "tile_n", "tile_k", "item_m", "item_n", "width", "padding", "buffers", "pieces"                      \
    }

/** `count` products of m x n x k in one launch, which together compute rows x columns. */
typedef struct duet_tile_work {
    size_t m, n, k, count, rows, columns;
} duet_tile_work;

/** Whether a device can take the smallest tile. */
bool duet_tiles_fit(const duet_device *device);
/** A product or convolution as plain products. */
duet_tile_work duet_tiles_work(const duet_gemm_shape *shape);
/** The tile that is estimated to be the fastest. */
duet_gemm_parameters duet_tiles_preset(const duet_device *device, const duet_gemm_shape *shape);
/** First all tiles that fit, then the preset with other numbers of pieces. */
bool duet_tiles_candidate(const duet_device *device, const duet_gemm_shape *shape, size_t index,
                          duet_gemm_parameters *parameters);
/** Bytes of the pieces' results; 0 for one piece; SIZE_MAX if they cannot be counted. */
size_t duet_tiles_workspace(duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters);
/** How much of k a piece has: a whole number of slices. */
size_t duet_tiles_depth(const duet_tile_work *work, const duet_gemm_parameters *parameters);
/** `kernel` computes the product, or its pieces. */
void duet_tiles_source(const duet_gemm_kernel *kernel, const duet_gemm_parameters *parameters,
                       duet_gemm_source *source);
/** Appends the launches of a product: over all tiles, products and pieces, with the numbers of `call`, then the sum of
 *  the pieces if there are several. `what`: for their names. */
duet_status duet_tiles_lower(duet_device *device, const duet_gemm_product *product, const duet_tile_work *work,
                             const char *what, const duet_gemm_source *source, const duet_gemm_call *call,
                             duet_launch_list *list, cl_uint *arguments_taken, duet_error *error);

#endif
