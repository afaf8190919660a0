/* SPDX-License-Identifier: MIT */
/* The one place that includes OpenCL's own header: version 1.2 is the baseline, nothing newer without a probe. */
#ifndef DUET_SRC_DEVICE_OPENCL_H
#define DUET_SRC_DEVICE_OPENCL_H

#include "duet/opencl.h"

#endif
