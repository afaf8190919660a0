/* SPDX-License-Identifier: MIT */
/* The rows of the table of GEMM providers, and what their files share. */
#ifndef DUET_SRC_PRODUCT_GEMM_ROWS_H
#define DUET_SRC_PRODUCT_GEMM_ROWS_H

#include "product/gemm.h"

extern const duet_gemm_provider duet_gemm_panel, duet_gemm_clblast, duet_gemm_tile, duet_gemm_plain;
extern const duet_gemm_provider duet_conv_panel, duet_conv_winograd, duet_conv_tile, duet_conv_unfold, duet_conv_plain;

/** Whether "conv-winograd" fits and is clearly ahead of "conv-panel" where nobody has measured. */
bool duet_winograd_pays(const duet_device *device, const duet_gemm_shape *shape);

/** Names a launch after its product, "gemm panel 128x400x784 nt" (m, n, k; n and t for each operand), and counts its
 *  FLOPs and the bytes of its matrices. `what` begins with "gemm " or "conv " where the FLOPs stay: profiles tell
 * products by it. */
void duet_gemm_describe(duet_launch *launch, const char *what, const duet_gemm_product *product);

/** What a launch of a product does: it prepares an operand, computes pieces that are added up later, or writes C (by
 *  the plan's own kernel if there is one). */
typedef enum duet_gemm_role { DUET_GEMM_PREPARES, DUET_GEMM_PIECES, DUET_GEMM_WRITES } duet_gemm_role;

enum { DUET_GEMM_NUMBERS = 8, DUET_GEMM_PLACES = 5 };

/** A launch of a product: the provider's kernel and its arguments in order. First numbers, ended by one of no bytes;
 *  then the buffer and offset (cl_ulong) of each place; last, unless it prepares, whether to add to what C holds
 *  (cl_uint). */
typedef struct duet_gemm_call {
    duet_gemm_role role;
    const duet_gemm_kernel *kernel;
    const char *options; /**< NULL: none */
    duet_argument numbers[DUET_GEMM_NUMBERS];
    duet_place places[DUET_GEMM_PLACES];
    size_t place_count;
} duet_gemm_call;

/** Appends the call's launch: from the product's program if it has one, else from the provider's own, the kernel's file
 *  with the call's options. *arguments_taken as in duet_gemm_provider's `lower`. */
duet_status duet_gemm_append_call(duet_device *device, const duet_gemm_product *product, const duet_gemm_call *call,
                                  duet_launch *launch, duet_launch_list *list, cl_uint *arguments_taken,
                                  duet_error *error);

/** Appends the launch that adds up `pieces` of C, [pieces][m][n], from the workspace. `launch`: its work-items.
 *  The kernel that writes takes m and n (cl_ulong), the number of pieces (cl_uint), and both places. `what`: for its
 *  name. */
duet_status duet_gemm_append_sum(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                                 const char *what, cl_uint pieces, duet_launch *launch, duet_launch_list *list,
                                 cl_uint *arguments_taken, duet_error *error);

/** Appends the launch that copies a convolution's weights to the workspace, as `floats` of them, in an order that suits
 *  the kernel. `launch`: its work-items. The kernel takes the convolution and both places. `what`: for its name. */
duet_status duet_conv_append_packing(duet_device *device, const duet_gemm_product *product,
                                     const duet_gemm_source *source, const char *what, size_t floats,
                                     duet_launch *launch, duet_launch_list *list, duet_error *error);

/** The kernel of a file for a convolution's use, "_forward", "_data" or "_weights". */
duet_gemm_kernel duet_conv_kernel(const char *file, const duet_gemm_shape *shape);
/** The kernel of a file for a product's two transposes, "_nn" to "_tt". */
duet_gemm_kernel duet_gemm_kernel_of(const char *file, const duet_gemm_shape *shape);

/** Register tiles over panels (cl/panel.cl): how many lanes a vector and how many rows a tile of that width has. A
 *  strip's last tile may write nearly DUET_PANEL_FEW_ROWS rows of sums past its end. */
enum { DUET_PANEL_FEW_ROWS = 8 };
uint32_t duet_panel_lanes(const duet_device *device);
uint32_t duet_panel_rows(uint32_t lanes);

/** For a provider that serves every product of its kind, and for one that needs no scratch memory. */
bool duet_gemm_fits_all(duet_device *device, const duet_gemm_shape *shape);
size_t duet_gemm_no_workspace(duet_device *device, const duet_gemm_shape *shape,
                              const duet_gemm_parameters *parameters);
/** No parameters, and nothing to tune. */
duet_gemm_parameters duet_gemm_no_parameters(const duet_device *device, const duet_gemm_shape *shape);

#endif
