/* SPDX-License-Identifier: MIT */
/* A magic, a length, a Python dictionary padded so that the numbers start at a multiple of 64. */
#include "data/npy.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"

enum { ALIGNMENT = 64, BEFORE_TEXT = 10 };

size_t duet_npy_header(unsigned char header[DUET_NPY_HEADER], const char *type, duet_shape shape)
{
    char text[DUET_NPY_HEADER - BEFORE_TEXT];
    size_t used = (size_t)snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (size_t i = 0; i < shape.rank; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu%s", i > 0 ? ", " : "", shape.dims[i],
                                 shape.rank == 1 ? "," : "");
    used += (size_t)snprintf(text + used, sizeof text - used, "), }");
    size_t size = duet_size_round_up(BEFORE_TEXT + used + 1, ALIGNMENT), text_size = size - BEFORE_TEXT;
    memset(header, ' ', size);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (unsigned char)text_size;
    header[9] = (unsigned char)(text_size >> 8);
    memcpy(header + BEFORE_TEXT, text, used);
    header[size - 1] = '\n';
    return size;
}
