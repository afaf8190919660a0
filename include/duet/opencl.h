/* SPDX-License-Identifier: MIT */
/* For programs that have OpenCL already: Duet on their context. Needs OpenCL's own headers, so duet.h leaves it out. */
#ifndef DUET_OPENCL_H
#define DUET_OPENCL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#ifdef __APPLE__
#include <OpenCL/opencl.h>
#else
#include <CL/cl.h>
#endif

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A device on the caller's context, which is retained until duet_device_close. Duet makes a queue of its own. */
DUET_API duet_status duet_device_from(duet_device **device, cl_context context, cl_device_id id, duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
