/* SPDX-License-Identifier: MIT */
/* GEMM providers: C = op(A) op(B) on row-major float32 matrices, and convolutions, behind one small interface, a row
 * each. */
#ifndef DUET_SRC_PRODUCT_GEMM_H
#define DUET_SRC_PRODUCT_GEMM_H

#include "device/launch.h"
#include "product/convolution.h"

/** The extents of a product. */
typedef enum duet_gemm_extent {
    DUET_GEMM_NO_EXTENT,
    DUET_GEMM_M,
    DUET_GEMM_N,
    DUET_GEMM_K,
    DUET_GEMM_EXTENTS
} duet_gemm_extent;

/** op(A) is m x k, op(B) is k x n, C is m x n. A is stored [m, k], or [k, m] if transpose_a; B [k, n], or [n, k]. For a
 *  convolution these are the extents of its product; A is the tensor read through the window (y for its data gradient,
 *  else x), B the other operand. */
typedef struct duet_gemm_shape {
    size_t m, n, k;
    bool transpose_a, transpose_b;
    duet_convolution convolution; /**< its use is DUET_NO_CONVOLUTION for a plain product */
    size_t batch; /**< more than 1: as many plain products, whose matrices lie one after the other; not tuned */
    /** A masked product: there is a number for each element of both extents, and only terms whose low <= high count.
     * The others are zero or, if the mask is over the result, make results that nobody wants. A provider need not know.
     */
    duet_gemm_extent low, high;
} duet_gemm_shape;

/** The number of products, 1 or more. */
size_t duet_gemm_batch(const duet_gemm_shape *shape);
duet_gemm_shape duet_gemm_shape_of(const duet_convolution *convolution);
/** Floating-point operations of the product; for a convolution without those in the padding. */
double duet_gemm_flops(const duet_gemm_shape *shape);
/** Reads the shape of a product from the public struct. Returns NULL, or what does not fit together. */
const char *duet_product_read(const duet_product *product, duet_gemm_shape *shape);
/** As duet_product_words. */
const char *duet_gemm_words(const duet_gemm_shape *shape, char text[DUET_PRODUCT_WORDS]);
/** Elements of A, B and C; false if a number of bytes does not fit. */
bool duet_gemm_elements(const duet_gemm_shape *shape, size_t elements[3]);

/** How a provider computes a product: tile sizes and the like. The provider's row says which number means what. */
enum { DUET_GEMM_PARAMETERS = 9 };
typedef struct duet_gemm_parameters {
    uint32_t value[DUET_GEMM_PARAMETERS];
} duet_gemm_parameters;

typedef struct duet_gemm_provider duet_gemm_provider;

typedef struct duet_gemm_choice {
    const duet_gemm_provider *provider;
    duet_gemm_parameters parameters;
} duet_gemm_choice;

/** Where a matrix lies: element offset into a buffer, contiguous. */
typedef struct duet_place {
    cl_mem buffer;
    size_t offset;
} duet_place;

/** One product to lower. */
typedef struct duet_gemm_product {
    duet_gemm_shape shape;
    duet_gemm_parameters parameters;
    duet_place a, b, c, workspace;
    duet_place low, high;                    /**< of a masked product: the numbers of both extents, float32 */
    const float *low_numbers, *high_numbers; /**< the same; NULL: only the device knows them */
    bool adds;                               /**< to what C holds */
    /** The plan's program, which then serves for all launches: it has the kernels of duet_gemm_source by their names;
     *  `kernel`, if that is not NULL, in the place of the one that writes C. NULL: the provider's own programs. */
    cl_program program;
    const char *kernel;
} duet_gemm_product;

/** A kernel of cl/`file`, and the constants that tell it from the file's others, which are defined before the file is
 *  pasted, as its name is: KERNEL_NAME (see cl/gemm_plain.cl). It is called after file and variant. */
enum { DUET_GEMM_CONSTANTS = 4 };
typedef struct duet_gemm_kernel {
    const char *file;    /**< NULL: there is none */
    const char *variant; /**< NULL: it has one */
    struct {
        const char *name, *value; /**< NULL past the last */
    } constants[DUET_GEMM_CONSTANTS];
} duet_gemm_kernel;

enum { DUET_GEMM_NAME = 64 };
/** "gemm_panel_nt". Returns `name`. */
const char *duet_gemm_kernel_name(const duet_gemm_kernel *kernel, char name[DUET_GEMM_NAME]);

/** The kernels of a product, which are built into one program with `options`. The one that writes C can end in a plan's
 *  epilogue: it hands each finished run of a row to FINISH, at most `run` neighbours in the address space `space`. */
typedef struct duet_gemm_source {
    duet_gemm_kernel prepares; /**< copies an operand, or computes pieces that are added up */
    duet_gemm_kernel writes;
    size_t run;
    size_t row; /**< it numbers the elements of C by rows and columns of a matrix with as many columns; 0: with n */
    const char *space;
    char options[128];
} duet_gemm_source;

struct duet_gemm_provider {
    const char *name, *summary;
    bool convolves;  /**< serves convolutions, else plain products */
    bool batches;    /**< serves many products in one launch */
    double rounding; /**< its errors over those of sums in order, which trials allow it; 0: as large */
    /** Whether it skips what the mask of this product empties. NULL: of none. */
    bool (*skips)(const duet_gemm_shape *shape);
    /** Whether it puts the zeros of this product's mask into op(B) itself, so that it takes B without them. NULL: in
     *  none. */
    bool (*masks)(const duet_gemm_shape *shape);
    /** The names of the parameters, in order. NULL past the last. */
    const char *parameters[DUET_GEMM_PARAMETERS + 1];
    /** Whether it can compute this shape on this device at all. */
    bool (*fits)(duet_device *device, const duet_gemm_shape *shape);
    /** The parameters to take where nobody has measured. */
    duet_gemm_parameters (*preset)(const duet_device *device, const duet_gemm_shape *shape);
    /** Parameters worth trying: number `index` of them; false past the last. NULL: there is nothing to tune. */
    bool (*candidate)(const duet_device *device, const duet_gemm_shape *shape, size_t index,
                      duet_gemm_parameters *parameters);
    /** Bytes of scratch memory for one call (its own buffer or a place in the arena); 0: none. */
    size_t (*workspace)(duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters);
    /** CLBlast's temporary buffer takes no offset: true asks for a buffer of its own. */
    bool workspace_from_start;
    /** NULL: a product cannot end in an epilogue. */
    void (*source)(const duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters,
                   duet_gemm_source *source);
    /** Appends the launches of one product, the last of which writes C. *arguments (may be NULL) receives how many
     *  arguments its kernel has taken: an epilogue's follow. */
    duet_status (*lower)(duet_device *device, const duet_gemm_product *product, duet_launch_list *list,
                         cl_uint *arguments, duet_error *error);
};

/** The provider and parameters to use for this product on this device: the provider chosen by duet_device_set_gemm,
 *  else what was measured (product/tuning.h), else the preset. The plain twin where that does not fit or has been found
 *  wrong here. */
duet_gemm_choice duet_gemm_choose(duet_device *device, const duet_gemm_shape *shape);
/** Whether the provider can compute this product here. */
bool duet_gemm_fits(const duet_gemm_provider *provider, duet_device *device, const duet_gemm_shape *shape);
/** The table: NULL past the end. */
const duet_gemm_provider *duet_gemm_provider_at(size_t index);
/** The row of that name; NULL if there is none. */
const duet_gemm_provider *duet_gemm_provider_find(const char *name);
/** What plans use for matrix products where nothing was measured. */
const duet_gemm_provider *duet_device_gemm_provider(const duet_device *device);
/** What duet_gemm_choose gives where nobody has chosen or measured. */
duet_gemm_choice duet_gemm_choose_preset(duet_device *device, const duet_gemm_shape *shape);

#endif
