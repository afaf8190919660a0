/* SPDX-License-Identifier: MIT */
/* The sets are rows of CLBlast's database (database/kernels/xgemm*_32.hpp), picked to differ: for CPUs, for GPUs of
 * three vendors, small and large tiles. None has GEMMK = 1, which is wrong in CLBlast 1.5.3 where MWG and NWG differ.
 */
#include "product/clblast_sets.h"

#include <clblast_c.h>

/* Indices into each kernel's parameters below. */
enum { D_MDIMCD = 2, D_NDIMCD = 4, D_PADA, D_PADB, D_WGD = 9 };
enum { G_KWG = 2, G_MDIMC = 5, G_MWG, G_NDIMC = 8, G_NWG, G_SA, G_SB };

static const char *const direct_names[] = {"KWID", "MDIMAD", "MDIMCD", "NDIMBD", "NDIMCD",
                                           "PADA", "PADB",   "VWMD",   "VWND",   "WGD"};
static const uint8_t direct_sets[][DUET_CLBLAST_PARAMETERS] = {
    {2, 8, 8, 16, 8, 0, 0, 4, 4, 64},    {8, 8, 8, 8, 8, 0, 0, 8, 4, 64},   {2, 8, 8, 8, 8, 0, 0, 1, 8, 64},
    {2, 8, 8, 8, 8, 1, 1, 4, 4, 32},     {2, 8, 8, 16, 16, 1, 1, 4, 2, 32}, {2, 16, 16, 16, 16, 1, 1, 2, 2, 32},
    {2, 8, 8, 8, 8, 0, 0, 2, 2, 64},     {16, 16, 8, 8, 8, 0, 0, 2, 4, 32}, {2, 8, 8, 32, 8, 1, 1, 2, 1, 32},
    {16, 8, 8, 16, 16, 1, 1, 1, 1, 32},  {2, 16, 16, 8, 8, 1, 1, 1, 1, 16}, {2, 8, 8, 8, 8, 1, 1, 1, 1, 16},
    {8, 16, 16, 16, 16, 0, 0, 1, 1, 64},
};

static const char *const indirect_names[] = {"GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB",
                                             "NDIMC", "NWG",  "SA",  "SB",  "STRM",  "STRN",  "VWM", "VWN"};
static const uint8_t indirect_sets[][DUET_CLBLAST_PARAMETERS] = {
    {0, 1, 16, 2, 8, 8, 128, 8, 8, 128, 1, 1, 1, 0, 1, 8},    {0, 1, 16, 2, 8, 8, 128, 16, 8, 128, 0, 1, 1, 1, 1, 8},
    {0, 1, 32, 2, 16, 16, 64, 8, 8, 64, 0, 0, 0, 0, 4, 4},    {0, 1, 32, 2, 16, 16, 64, 16, 16, 64, 1, 1, 0, 0, 4, 4},
    {0, 1, 16, 2, 8, 8, 64, 16, 16, 64, 1, 1, 1, 0, 2, 4},    {0, 1, 32, 2, 8, 16, 128, 16, 16, 128, 1, 1, 1, 0, 8, 8},
    {0, 1, 16, 2, 32, 32, 128, 16, 8, 128, 1, 1, 1, 1, 2, 4}, {0, 1, 16, 8, 16, 8, 64, 16, 16, 128, 1, 1, 1, 0, 2, 4},
    {0, 1, 32, 2, 16, 8, 128, 16, 8, 64, 0, 0, 1, 0, 1, 2},
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* CLBlast takes the direct kernel for small products, which are what most models have. The extents are those of its own
 * tuners. */
static const duet_clblast_kernel kernels[DUET_CLBLAST_KERNELS] = {
    {"XgemmDirect", 256, COUNT_OF(direct_names), COUNT_OF(direct_sets), direct_names, direct_sets},
    {"Xgemm", 1024, COUNT_OF(indirect_names), COUNT_OF(indirect_sets), indirect_names, indirect_sets},
};

const duet_clblast_kernel *duet_clblast_kernel_at(size_t index)
{
    return &kernels[index];
}

bool duet_clblast_set_fits(const duet_device *device, size_t kernel, size_t set)
{
    const uint8_t *value = kernels[kernel].sets[set];
    const size_t group =
        kernel == 0 ? (size_t)value[D_MDIMCD] * value[D_NDIMCD] : (size_t)value[G_MDIMC] * value[G_NDIMC];
    const size_t floats =
        kernel == 0 ? (size_t)value[D_WGD] * (2u * value[D_WGD] + value[D_PADA] + value[D_PADB])
                    : (size_t)value[G_KWG] * ((size_t)value[G_SA] * value[G_MWG] + (size_t)value[G_SB] * value[G_NWG]);
    return group <= duet_device_describe(device)->work_group_size &&
           floats * sizeof(float) <= duet_device_describe(device)->local_bytes;
}

duet_status duet_clblast_override(duet_device *device, size_t kernel, size_t set, duet_error *error)
{
    const duet_clblast_kernel *row = &kernels[kernel];
    size_t values[DUET_CLBLAST_PARAMETERS];
    const char *names[DUET_CLBLAST_PARAMETERS];
    for (size_t i = 0; i < row->parameter_count; i++) {
        names[i] = row->parameters[i];
        values[i] = row->sets[set][i];
    }
    CLBlastStatusCode code = CLBlastClearCache(); /* drops programs made with other parameters */
    if (code == CLBlastSuccess)
        code = CLBlastOverrideParameters(duet_device_id(device), row->name, CLBlastPrecisionSingle,
                                         row->parameter_count, names, values);
    if (code == CLBlastSuccess) return DUET_OK;
    return duet_cl_fail(error, (cl_int)code, "CLBlast does not take parameters for %s on %s", row->name,
                        duet_device_describe(device)->name);
}
