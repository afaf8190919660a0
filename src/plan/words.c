/* SPDX-License-Identifier: MIT */
/* Nodes in words, as a person would write them: infix where mathematics has a sign, calls elsewhere, names for what has
 * one. Views that keep the order of elements are left out. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "op/op.h"
#include "plan/explain.h"
#include "product/gemm.h"

enum { DEEPEST = 10, TIGHTEST = 9 };

typedef struct phrase {
    duet_name_function name;
    const void *context;
    char *text;
    size_t size, used;
    bool cut;
} phrase;

/* How tightly a sign binds. An operand that binds less tightly gets parentheses; the right operand of "-" and "/" also
 * if it binds equally. */
static const struct sign {
    const duet_op *op;
    const char *before, *between, *after;
    int binds;
    bool ordered;
} signs[] = {
    {&duet_op_less, "", " < ", "", 1, true},        {&duet_op_less_equal, "", " <= ", "", 1, true},
    {&duet_op_greater, "", " > ", "", 1, true},     {&duet_op_greater_equal, "", " >= ", "", 1, true},
    {&duet_op_equal, "", " == ", "", 1, true},      {&duet_op_not_equal, "", " != ", "", 1, true},
    {&duet_op_add, "", " + ", "", 2, false},        {&duet_op_subtract, "", " - ", "", 2, true},
    {&duet_op_increment, "", "", " + 1", 2, false}, {&duet_op_multiply, "", " * ", "", 3, false},
    {&duet_op_divide, "", " / ", "", 3, true},      {&duet_op_reciprocal, "1 / ", "", "", 3, true},
    {&duet_op_negate, "-", "", "", 4, true},        {&duet_op_square, "", "", "^2", 5, true},
};

static void add(phrase *p, const char *format, ...) DUET_PRINTF(2, 3);
static void add(phrase *p, const char *format, ...)
{
    if (p->cut) return;
    va_list arguments;
    va_start(arguments, format);
    size_t room = p->size - p->used;
    int length = duet_text_vprint(p->text + p->used, room, format, arguments);
    va_end(arguments);
    p->cut = length < 0 || (size_t)length >= room;
    p->used = p->cut ? p->size - 1 : p->used + (size_t)length;
}

static const struct sign *find_sign(duet_node node)
{
    for (size_t i = 0; node->op->kind == DUET_OP_ELEMENTWISE && i < sizeof signs / sizeof *signs; i++)
        if (signs[i].op == node->op) return &signs[i];
    return NULL;
}

/* Whether an op's expression uses the number `letter`. */
static bool uses_number(const duet_op *op, char letter)
{
    for (const char *at = op->expression; at != NULL && *at != '\0'; at++)
        if (*at == letter && (at == op->expression || (!isalnum((unsigned char)at[-1]) && at[-1] != '_')) &&
            !isalnum((unsigned char)at[1]) && at[1] != '_')
            return true;
    return false;
}

/* Views that stretch a value and conversions say nothing. */
static bool is_silent(duet_node node)
{
    return node->op == &duet_op_broadcast || node->op == &duet_op_to_float;
}

static void say(phrase *p, duet_node node, int binds, size_t depth);

/* Says ", stride 2" or the like, unless the pair is what is usual. */
static void say_pair(phrase *p, const char *what, const uint32_t pair[2], uint32_t usual)
{
    if (pair[0] == usual && pair[1] == usual) return;
    if (pair[0] == pair[1])
        add(p, ", %s %u", what, pair[0]);
    else
        add(p, ", %s %ux%u", what, pair[0], pair[1]);
}

static void say_window(phrase *p, duet_node node)
{
    duet_gemm_shape shape;
    node->op->product(node, &shape);
    const duet_convolution *convolution = &shape.convolution;
    add(p, ", %ux%u", convolution->kernel[0], convolution->kernel[1]);
    say_pair(p, "stride", convolution->stride, 1);
    say_pair(p, "dilation", convolution->dilation, 1);
    say_pair(p, "padding", convolution->pad, 0);
    if (convolution->groups > 1) add(p, ", %u groups", convolution->groups);
}

static void say_call(phrase *p, duet_node node, size_t depth)
{
    const char *comma = "";
    add(p, "%s(", node->op->name);
    for (size_t i = 0; i < node->input_count; i++, comma = ", ") {
        add(p, "%s", comma);
        say(p, node->inputs[i], 0, depth);
    }
    if (node->op->kind == DUET_OP_ELEMENTWISE) {
        if (uses_number(node->op, 'm')) add(p, "%s%.6g", comma, node->attributes.number[0]);
        if (uses_number(node->op, 'n')) add(p, ", %.6g", node->attributes.number[1]);
    }
    if (node->op->kind == DUET_OP_CONVOLUTION) say_window(p, node);
    if (node->op->kind == DUET_OP_REDUCE && node->elements > 1)
        for (size_t d = 0; d < node->inputs[0]->shape.rank; d++)
            if ((node->attributes.size[0] >> d & 1) != 0) add(p, ", axis %zu", d);
    add(p, ")");
}

static void say_product(phrase *p, duet_node node, int binds, size_t depth)
{
    if (binds > 3) add(p, "(");
    for (size_t i = 0; i < 2; i++) {
        add(p, i == 0 ? "" : " @ ");
        say(p, node->inputs[i], TIGHTEST, depth);
        if (node->attributes.size[i] != 0) add(p, "^T");
    }
    if (binds > 3) add(p, ")");
}

static void say_sign(phrase *p, duet_node node, const struct sign *sign, int binds, size_t depth)
{
    bool closed = sign->binds < binds;
    add(p, "%s%s", closed ? "(" : "", sign->before);
    int left = node->input_count == 1 && sign->ordered ? sign->binds + 1 : sign->binds;
    say(p, node->inputs[0], left, depth);
    if (node->input_count > 1) {
        add(p, "%s", sign->between);
        say(p, node->inputs[1], sign->ordered ? sign->binds + 1 : sign->binds, depth);
    }
    add(p, "%s%s", sign->after, closed ? ")" : "");
}

/* 0.0078125 as 1/128: means are written so. */
static void say_number(phrase *p, double number, int binds)
{
    double inverse = 1 / number, whole = round(inverse);
    bool fraction =
        fabs(number) < 0.1 && fabs(inverse) < 1e6 && fabs(inverse - whole) < 1e-6 * fabs(whole) && fmod(whole, 10) != 0;
    if (fraction)
        add(p, binds > 3 ? "(%s1/%.0f)" : "%s1/%.0f", number < 0 ? "-" : "", fabs(whole));
    else
        add(p, "%.6g", number);
}

static void say_leaf(phrase *p, duet_node node, int binds)
{
    if (node->op->kind == DUET_OP_CONSTANT)
        say_number(p, node->attributes.number[0], binds);
    else if (node->op->kind == DUET_OP_VARIABLE)
        add(p, "%s", ((const duet_variable *)node->attributes.object)->name);
    else
        add(p, "%s", (const char *)node->attributes.object);
}

/* Depth 0 is the node itself, which is spelt out although it has a name. */
static void say(phrase *p, duet_node node, int binds, size_t depth)
{
    if (p->cut) return;
    node = duet_node_in_memory(node);
    const char *name = depth == 0 ? NULL : p->name(p->context, node);
    while (name == NULL && is_silent(node)) {
        node = duet_node_in_memory(node->inputs[0]);
        name = p->name(p->context, node);
    }
    const struct sign *sign = find_sign(node);
    if (name != NULL)
        add(p, "%s", name);
    else if (duet_is_leaf(node) || node->op->kind == DUET_OP_CONSTANT)
        say_leaf(p, node, binds);
    else if (depth == DEEPEST)
        add(p, "...");
    else if (sign != NULL)
        say_sign(p, node, sign, binds, depth + 1);
    else if (node->op->kind == DUET_OP_MATMUL)
        say_product(p, node, binds, depth + 1);
    else
        say_call(p, node, depth + 1);
}

char *duet_node_words(duet_node node, duet_name_function name, const void *context, char *text, size_t size)
{
    phrase p = {.name = name, .context = context, .text = text, .size = size};
    text[0] = '\0';
    say(&p, node, 0, 0);
    if (p.cut && size > 4) memcpy(text + size - 4, "...", 4);
    return text;
}
