/* SPDX-License-Identifier: MIT */
/* FNV-1a of 64 bits (Fowler, Noll & Vo): tells one content from another, in a text that files and people can hold. It
 * guards against nobody who wants to deceive. */
#ifndef DUET_SRC_BASE_CHECKSUM_H
#define DUET_SRC_BASE_CHECKSUM_H

#include "duet/base.h"

/** The sum of nothing. */
#define DUET_CHECKSUM_BEGIN UINT64_C(0xcbf29ce484222325)
enum { DUET_CHECKSUM_SIZE = 24 };

uint64_t duet_checksum_add(uint64_t sum, const void *bytes, size_t count);
/** Sixteen hexadecimal digits. */
void duet_checksum_text(uint64_t sum, char text[DUET_CHECKSUM_SIZE]);

#endif
