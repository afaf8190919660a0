/* SPDX-License-Identifier: MIT */
/* Extents of tensors: how many elements they make, and in words, with their types. */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "graph/node.h"

size_t duet_shape_elements(duet_shape shape)
{
    size_t elements = 1;
    if (shape.rank > DUET_MAX_RANK) return 0;
    for (size_t i = 0; i < shape.rank; i++)
        if (!duet_size_multiply(elements, shape.dims[i], &elements)) return 0;
    return elements;
}

bool duet_shape_equal(duet_shape a, duet_shape b)
{
    return a.rank == b.rank && (a.rank == 0 || memcmp(a.dims, b.dims, a.rank * sizeof *a.dims) == 0);
}

const char *duet_shape_text(duet_shape shape, char text[96])
{
    size_t length = 0;
    text[length++] = '[';
    for (size_t i = 0; i < shape.rank && i < DUET_MAX_RANK && length < 80; i++)
        length += (size_t)snprintf(text + length, 96 - length, "%s%zu", i == 0 ? "" : ", ", shape.dims[i]);
    snprintf(text + (length > 94 ? 94 : length), 2, "]");
    return text;
}

const char *duet_axes_text(unsigned axes, char text[96])
{
    size_t length = 0;
    if (axes == 0xFFFFu) return strcpy(text, "all"); /* DUET_ALL_AXES, which a layer above names */
    for (unsigned axis = 0; axis < 32 && length < 88; axis++)
        if ((axes >> axis & 1) != 0)
            length += (size_t)snprintf(text + length, 96 - length, "%s%u", length == 0 ? "[" : ", ", axis);
    snprintf(text + length, 96 - length, length == 0 ? "[]" : "]");
    return text;
}

const char *duet_type_name(duet_type type)
{
    static const char *const names[] = {[DUET_FLOAT32] = "float32", [DUET_UINT32] = "uint32", [DUET_UINT8] = "uint8"};
    return (size_t)type < sizeof names / sizeof *names ? names[type] : "of no type";
}

const char *duet_value_text(duet_type type, duet_shape shape, char text[96])
{
    char extents[96];
    if (type == DUET_FLOAT32) return duet_shape_text(shape, text);
    snprintf(text, 96, "%s %.80s", duet_type_name(type), duet_shape_text(shape, extents));
    return text;
}

const char *duet_node_text(duet_node node, char text[96])
{
    return duet_value_text(node->type, node->shape, text);
}
