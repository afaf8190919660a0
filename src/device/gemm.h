/* GEMM providers: C = op(A) op(B) on row-major float32 matrices, behind one small interface, a row each. */
#ifndef DUET_SRC_DEVICE_GEMM_H
#define DUET_SRC_DEVICE_GEMM_H

#include "device/launch.h"

/** op(A) is m x k, op(B) is k x n, C is m x n. A is stored [m, k], or [k, m] if transpose_a; B [k, n], or [n, k]. */
typedef struct duet_gemm_shape {
    size_t m, n, k;
    bool transpose_a, transpose_b;
} duet_gemm_shape;

/** Where a matrix lies: element offset into a buffer, contiguous. */
typedef struct duet_place {
    cl_mem buffer;
    size_t offset;
} duet_place;

struct duet_gemm_provider {
    const char *name, *summary;
    /** Whether the device and the shape suit it at all. */
    bool (*fits)(duet_device *device, const duet_gemm_shape *shape);
    /** Bytes of scratch memory for one call (its own buffer or a place in the arena); 0: none. */
    size_t (*workspace)(duet_device *device, const duet_gemm_shape *shape);
    /** CLBlast's temporary buffer takes no offset: true asks for a buffer of its own. */
    bool workspace_from_start;
    /** Appends the launches of one product. beta 0: C is written; 1: added to. */
    duet_status (*lower)(duet_device *device, const duet_gemm_shape *shape, duet_place a, duet_place b, duet_place c,
                         float beta, duet_place workspace, duet_launch_list *list, duet_error *error);
};

/** The provider to use for this product on this device: the one chosen by duet_device_set_gemm or by the preset, or
 *  the plain twin where that does not fit. */
const duet_gemm_provider *duet_gemm_choose(duet_device *device, const duet_gemm_shape *shape);
/** The table: NULL past the end. */
const duet_gemm_provider *duet_gemm_provider_at(size_t index);

#endif
