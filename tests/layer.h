/* SPDX-License-Identifier: MIT */
/* What every OpenCL layer of the tests answers to the loader. For one file of a layer: it defines the function. */
#ifndef DUET_TESTS_LAYER_H
#define DUET_TESTS_LAYER_H

#include <CL/cl_layer.h>

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info name, size_t size, void *value, size_t *size_ret)
{
    if (name != CL_LAYER_API_VERSION || (value && size < sizeof(cl_layer_api_version))) return CL_INVALID_VALUE;
    if (value) *(cl_layer_api_version *)value = CL_LAYER_API_VERSION_100;
    if (size_ret) *size_ret = sizeof(cl_layer_api_version);
    return CL_SUCCESS;
}

#endif
