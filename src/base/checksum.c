/* SPDX-License-Identifier: MIT */
/* FNV-1a, a byte at a time. */
#include "base/checksum.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t duet_checksum_add(uint64_t sum, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++) sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
    return sum;
}

void duet_checksum_text(uint64_t sum, char text[DUET_CHECKSUM_SIZE])
{
    snprintf(text, DUET_CHECKSUM_SIZE, "%016" PRIx64, sum);
}
