/* SPDX-License-Identifier: MIT */
/* What a node is of another one by numbers alone, found by walking down what it is made of, an op at a time. */
#include "model/multiple.h"

#include <stdbool.h>
#include <string.h>

#include "graph/node.h"

/* Whether the node is one number throughout. */
static bool is_number(duet_node node, double *number)
{
    while (node->op->kind == DUET_OP_VIEW) node = node->inputs[0];
    *number = node->attributes.number[0];
    return node->op == &duet_op_constant;
}

duet_node duet_multiple_step(duet_node node, duet_multiple *it)
{
    static const char *const moving[] = {"reshape", "permute", "broadcast", "stop_gradient"};
    const char *name = node->op->name;
    double number;
    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++)
        if (strcmp(name, moving[i]) == 0) return node->inputs[0];
    if (strcmp(name, "negate") == 0) return it->factor = -it->factor, node->inputs[0];
    if (node->input_count != 2) return NULL;
    const bool first = is_number(node->inputs[0], &number);
    if (!first && !is_number(node->inputs[1], &number)) return NULL;
    if (strcmp(name, "multiply") == 0)
        it->factor *= number;
    else if (strcmp(name, "divide") == 0 && !first)
        it->factor /= number;
    else if (strcmp(name, "add") == 0)
        it->term += it->factor * number;
    else if (strcmp(name, "subtract") == 0) {
        it->term += it->factor * (first ? number : -number);
        if (first) it->factor = -it->factor;
    } else
        return NULL;
    return node->inputs[first];
}
