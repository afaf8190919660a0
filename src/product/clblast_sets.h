/* SPDX-License-Identifier: MIT */
/* Parameters of CLBlast's two GEMM kernels, known to be right on some device, to be tried on devices that are missing
 * from CLBlast's own database. CLBlast takes them for a device and a process, not for a product. */
#ifndef DUET_SRC_PRODUCT_CLBLAST_SETS_H
#define DUET_SRC_PRODUCT_CLBLAST_SETS_H

#include "device/device.h"

enum { DUET_CLBLAST_KERNELS = 2, DUET_CLBLAST_PARAMETERS = 16 };

typedef struct duet_clblast_kernel {
    const char *name;
    size_t extent; /**< m, n and k of the product to try it on */
    size_t parameter_count, set_count;
    const char *const *parameters;
    const uint8_t (*sets)[DUET_CLBLAST_PARAMETERS];
} duet_clblast_kernel;

/** Kernel `index` of DUET_CLBLAST_KERNELS, in the order to tune them. */
const duet_clblast_kernel *duet_clblast_kernel_at(size_t index);
/** Whether the device's groups and local memory are large enough for a set. */
bool duet_clblast_set_fits(const duet_device *device, size_t kernel, size_t set);
/** Makes CLBlast use a set on this device from now on, in the whole process. Call it before products are made. */
duet_status duet_clblast_override(duet_device *device, size_t kernel, size_t set, duet_error *error);

#endif
