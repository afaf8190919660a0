/* SPDX-License-Identifier: MIT */
/* Families of GPUs, told from what a driver calls its device: how many registers a work-item may have differs by
 * family, and OpenCL says nothing of it. */
#include "device/device.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool has(const char *text, const char *word)
{
    const size_t length = strlen(word);
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < length && tolower((unsigned char)text[i]) == word[i]) i++;
        if (i == length) return true;
    }
    return false;
}

/** AMD's own driver says "gfx90a:sramecc+", Mesa's "... (radeonsi, navi31, ...)". An unknown one is taken for the
 * family with the fewest registers. */
static duet_gpu_family family_of_amd(const char *name)
{
    static const char *const cdna[] = {"gfx90a", "gfx940", "gfx941", "gfx942", "gfx950"};
    for (size_t i = 0; i < sizeof cdna / sizeof *cdna; i++)
        if (has(name, cdna[i])) return DUET_GPU_CDNA;
    const char *number = strstr(name, "gfx");
    const bool is_rdna = number != NULL ? strtol(number + 3, NULL, 10) >= 1000 : has(name, "navi");
    return is_rdna ? DUET_GPU_RDNA : DUET_GPU_GCN;
}

duet_gpu_family duet_device_family(const duet_device_info *info)
{
    if (info->kind != DUET_DEVICE_GPU && info->kind != DUET_DEVICE_INTEGRATED) return DUET_GPU_NONE;
    if (has(info->vendor, "nvidia")) return DUET_GPU_NVIDIA;
    if (has(info->vendor, "intel")) return DUET_GPU_INTEL;
    if (has(info->vendor, "apple")) return DUET_GPU_APPLE;
    const bool is_amd = has(info->vendor, "advanced micro devices") || has(info->vendor, "amd");
    return is_amd ? family_of_amd(info->name) : DUET_GPU_OTHER;
}
