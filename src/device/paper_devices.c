/* SPDX-License-Identifier: MIT */
/* Devices on paper. The table says of GPUs what their makers and drivers say, so that plans can be lowered for them and
 * their kernels judged by offline compilers where there is no such GPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "device/record.h"

#define GIB ((uint64_t)1 << 30)
#define KIB 1024u

/** Peaks are of float32 vectors without matrix units, and without what pairs instructions (packed or dual issue), which
 *  a compiler seldom finds. A compute unit is what OpenCL's driver counts as one: for RDNA a pair of AMD's. */
static const duet_paper_device rows[] = {
    {.name = "vega64",
     .title = "AMD Radeon RX Vega 64",
     .target = "gfx900",
     .vendor = "Advanced Micro Devices, Inc.",
     .compute_units = 64,
     .clock_mhz = 1546,
     .memory_bytes = 8 * GIB,
     .local_bytes = 64 * KIB,
     .work_group_size = 256,
     .lanes = 64,
     .simds = 4,
     .waves = 10,
     .registers = 256,
     .register_step = 4,
     .unit_local_bytes = 64 * KIB,
     .peak_gflops = 12660,
     .bandwidth_gbs = 484,
     .launch_us = 5},
    {.name = "mi250",
     .title = "AMD Instinct MI250X, one of its two dies",
     .target = "gfx90a",
     .vendor = "Advanced Micro Devices, Inc.",
     .compute_units = 110,
     .clock_mhz = 1700,
     .memory_bytes = 64 * GIB,
     .local_bytes = 64 * KIB,
     .work_group_size = 256,
     .lanes = 64,
     .simds = 4,
     .waves = 8,
     .registers = 512,
     .register_step = 8,
     .unit_local_bytes = 64 * KIB,
     .peak_gflops = 23950,
     .bandwidth_gbs = 1638,
     .launch_us = 5},
    {.name = "mi300",
     .title = "AMD Instinct MI300X",
     .target = "gfx942",
     .vendor = "Advanced Micro Devices, Inc.",
     .compute_units = 304,
     .clock_mhz = 2100,
     .memory_bytes = 192 * GIB,
     .local_bytes = 64 * KIB,
     .work_group_size = 256,
     .lanes = 64,
     .simds = 4,
     .waves = 8,
     .registers = 512,
     .register_step = 8,
     .unit_local_bytes = 64 * KIB,
     .peak_gflops = 81700,
     .bandwidth_gbs = 5300,
     .launch_us = 5},
    {.name = "rx6800",
     .title = "AMD Radeon RX 6800 XT",
     .target = "gfx1030",
     .vendor = "Advanced Micro Devices, Inc.",
     .compute_units = 36,
     .clock_mhz = 2250,
     .memory_bytes = 16 * GIB,
     .local_bytes = 64 * KIB,
     .work_group_size = 256,
     .lanes = 32,
     .simds = 4,
     .waves = 16,
     .registers = 1024,
     .register_step = 8,
     .unit_local_bytes = 128 * KIB,
     .peak_gflops = 20740,
     .bandwidth_gbs = 512,
     .launch_us = 5},
    {.name = "rx7900",
     .title = "AMD Radeon RX 7900 XTX",
     .target = "gfx1100",
     .vendor = "Advanced Micro Devices, Inc.",
     .compute_units = 48,
     .clock_mhz = 2500,
     .memory_bytes = 24 * GIB,
     .local_bytes = 64 * KIB,
     .work_group_size = 256,
     .lanes = 32,
     .simds = 4,
     .waves = 16,
     .registers = 1536,
     .register_step = 24,
     .unit_local_bytes = 128 * KIB,
     .peak_gflops = 30720,
     .bandwidth_gbs = 960,
     .launch_us = 5},
    {.name = "v100",
     .title = "NVIDIA V100",
     .target = "sm_70",
     .vendor = "NVIDIA Corporation",
     .compute_units = 80,
     .clock_mhz = 1530,
     .memory_bytes = 16 * GIB,
     .local_bytes = 48 * KIB,
     .work_group_size = 1024,
     .lanes = 32,
     .simds = 4,
     .waves = 16,
     .registers = 512,
     .register_step = 8,
     .unit_local_bytes = 96 * KIB,
     .peak_gflops = 15670,
     .bandwidth_gbs = 900,
     .launch_us = 3},
    {.name = "a100",
     .title = "NVIDIA A100",
     .target = "sm_80",
     .vendor = "NVIDIA Corporation",
     .compute_units = 108,
     .clock_mhz = 1410,
     .memory_bytes = 40 * GIB,
     .local_bytes = 48 * KIB,
     .work_group_size = 1024,
     .lanes = 32,
     .simds = 4,
     .waves = 16,
     .registers = 512,
     .register_step = 8,
     .unit_local_bytes = 164 * KIB,
     .peak_gflops = 19490,
     .bandwidth_gbs = 1555,
     .launch_us = 3},
    {.name = "h100",
     .title = "NVIDIA H100 SXM",
     .target = "sm_90",
     .vendor = "NVIDIA Corporation",
     .compute_units = 132,
     .clock_mhz = 1980,
     .memory_bytes = 80 * GIB,
     .local_bytes = 48 * KIB,
     .work_group_size = 1024,
     .lanes = 32,
     .simds = 4,
     .waves = 16,
     .registers = 512,
     .register_step = 8,
     .unit_local_bytes = 228 * KIB,
     .peak_gflops = 66900,
     .bandwidth_gbs = 3350,
     .launch_us = 3},
    {.name = "hd530",
     .title = "Intel(R) HD Graphics 530",
     .target = "skl",
     .vendor = "Intel(R) Corporation",
     .is_integrated = true,
     .compute_units = 24,
     .clock_mhz = 1150,
     .memory_bytes = 12 * GIB,
     .local_bytes = 64 * KIB,
     .work_group_size = 256,
     .lanes = 16,
     .simds = 1,
     .waves = 7,
     .registers = 0,
     .unit_local_bytes = 8 * KIB,
     .peak_gflops = 441,
     .bandwidth_gbs = 34,
     .launch_us = 10},
    {.name = "irisxe",
     .title = "Intel(R) Iris(R) Xe Graphics",
     .target = "tgllp",
     .vendor = "Intel(R) Corporation",
     .is_integrated = true,
     .compute_units = 96,
     .clock_mhz = 1350,
     .memory_bytes = 12 * GIB,
     .local_bytes = 64 * KIB,
     .work_group_size = 512,
     .lanes = 16,
     .simds = 1,
     .waves = 7,
     .registers = 0,
     .unit_local_bytes = 8 * KIB,
     .peak_gflops = 2074,
     .bandwidth_gbs = 68,
     .launch_us = 10},
    {.name = "a770",
     .title = "Intel(R) Arc(TM) A770 Graphics",
     .target = "dg2",
     .vendor = "Intel(R) Corporation",
     .compute_units = 512,
     .clock_mhz = 2100,
     .memory_bytes = 16 * GIB,
     .local_bytes = 64 * KIB,
     .work_group_size = 1024,
     .lanes = 16,
     .simds = 1,
     .waves = 8,
     .registers = 0,
     .unit_local_bytes = 8 * KIB,
     .peak_gflops = 17203,
     .bandwidth_gbs = 560,
     .launch_us = 10},
    {.name = "m1",
     .title = "Apple M1",
     .vendor = "Apple",
     .is_integrated = true,
     .compute_units = 8,
     .clock_mhz = 1278,
     .memory_bytes = 10 * GIB,
     .local_bytes = 32 * KIB,
     .work_group_size = 256,
     .lanes = 32,
     .simds = 4,
     .waves = 24,
     .unit_local_bytes = 32 * KIB,
     .peak_gflops = 2617,
     .bandwidth_gbs = 68,
     .launch_us = 10},
};

enum { ROWS = sizeof rows / sizeof *rows };

const duet_paper_device *duet_paper_device_at(size_t index)
{
    return index < ROWS ? &rows[index] : NULL;
}

static duet_device_info info_of(const duet_paper_device *row)
{
    duet_device_info info = {.kind = row->is_integrated ? DUET_DEVICE_INTEGRATED : DUET_DEVICE_GPU,
                             .compute_units = row->compute_units,
                             .clock_mhz = row->clock_mhz,
                             .vector_width = 1,
                             .memory_bytes = row->memory_bytes,
                             .allocation_bytes = row->memory_bytes / 4,
                             .local_bytes = row->local_bytes,
                             .work_group_size = row->work_group_size,
                             .base_alignment = 128};
    if (row->target != NULL)
        snprintf(info.name, sizeof info.name, "%s (%s)", row->title, row->target);
    else
        snprintf(info.name, sizeof info.name, "%s", row->title);
    snprintf(info.vendor, sizeof info.vendor, "%s", row->vendor);
    snprintf(info.platform, sizeof info.platform, "on paper");
    snprintf(info.version, sizeof info.version, "OpenCL 1.2");
    snprintf(info.driver, sizeof info.driver, "none");
    return info;
}

static const duet_paper_device *find_row(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0 || (rows[i].target != NULL && strcmp(rows[i].target, name) == 0))
            return &rows[i];
    return NULL;
}

duet_status duet_device_on_paper(duet_device **device, const char *name, duet_error *error)
{
    *device = NULL;
    const duet_paper_device *row = find_row(name);
    if (row == NULL) {
        duet_text names = {0};
        for (size_t i = 0; i < ROWS; i++) duet_text_add(&names, " %s", rows[i].name);
        duet_fail(error, DUET_ERROR_USAGE, "there is no device \"%.64s\" on paper; known:%s", name,
                  duet_text_get(&names));
        duet_text_free(&names);
        return DUET_ERROR_USAGE;
    }
    duet_device *made = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory for a device on paper");
    made->info = info_of(row);
    made->bundles = duet_bundles_wanted();
    made->paper.row = row;
    *device = made;
    return DUET_OK;
}

const duet_paper_device *duet_device_paper(const duet_device *device)
{
    return device->paper.row;
}

const duet_paper_program *duet_device_paper_program(const duet_device *device, size_t index)
{
    return index < device->paper.count ? &device->paper.programs[index] : NULL;
}
