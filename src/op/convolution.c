/* SPDX-License-Identifier: MIT */
/* Convolutions: a family of three that is closed under differentiation. From the picture x, the weights w and the
 * result y each one computes the third; as each is linear in both of its operands, its gradients are the other two. */
#include "graph/deal.h"
#include "op/op.h"
#include "op/where.h"
#include "op/window.h"
#include "product/gemm.h"

/* Attributes: size[0], size[1] the stride, [2], [3] the dilation, [4], [5] the padding before; number[0] the groups.
 * Extents follow from the shapes. Inputs are (x, w), (y, w) and (x, y): what is read through the window comes first. */

static duet_window window_of(duet_node node)
{
    const size_t *size = node->attributes.size;
    return (duet_window){
        .stride = {size[0], size[1]}, .dilation = {size[2], size[3]}, .pad_before = {size[4], size[5]}};
}

static duet_node make(const char *where, const duet_op *op, duet_node a, duet_node b, duet_shape shape,
                      const duet_window *window, size_t groups)
{
    duet_attributes attributes = {.number = {(double)groups},
                                  .size = {window->stride[0], window->stride[1], window->dilation[0],
                                           window->dilation[1], window->pad_before[0], window->pad_before[1]}};
    return duet_node_make(where, a->graph, op, DUET_FLOAT32, shape, (duet_node[]){a, b}, 2, &attributes, true);
}

static const duet_op op_forward, op_data, op_weights;

/* The members of the family on shapes that are known to fit. */
static duet_node forward(duet_node like, duet_node x, duet_node w, duet_shape shape)
{
    duet_window window = window_of(like);
    return make(like->where, &op_forward, x, w, shape, &window, (size_t)like->attributes.number[0]);
}

static duet_node data(duet_node like, duet_node y, duet_node w, duet_shape shape)
{
    duet_window window = window_of(like);
    return make(like->where, &op_data, y, w, shape, &window, (size_t)like->attributes.number[0]);
}

static duet_node weights(duet_node like, duet_node x, duet_node y, duet_shape shape)
{
    duet_window window = window_of(like);
    return make(like->where, &op_weights, x, y, shape, &window, (size_t)like->attributes.number[0]);
}

static void gradient_forward(duet_node node, duet_node g, duet_node *gradients)
{
    duet_node x = node->inputs[0], w = node->inputs[1];
    gradients[0] = data(node, g, w, x->shape);
    gradients[1] = weights(node, x, g, w->shape);
}

static void gradient_data(duet_node node, duet_node g, duet_node *gradients)
{
    duet_node y = node->inputs[0], w = node->inputs[1];
    gradients[0] = forward(node, g, w, y->shape);
    gradients[1] = weights(node, g, y, w->shape);
}

static void gradient_weights(duet_node node, duet_node g, duet_node *gradients)
{
    duet_node x = node->inputs[0], y = node->inputs[1];
    gradients[0] = data(node, y, g, x->shape);
    gradients[1] = forward(node, x, g, y->shape);
}

static void describe(duet_node node, duet_convolution_use use, duet_shape x, duet_shape w, duet_shape y,
                     duet_gemm_shape *shape)
{
    const duet_window window = window_of(node);
    duet_convolution convolution = {.use = use,
                                    .images = (uint32_t)x.dims[0],
                                    .channels = (uint32_t)x.dims[3],
                                    .features = (uint32_t)y.dims[3],
                                    .groups = (uint32_t)node->attributes.number[0]};
    for (size_t axis = 0; axis < 2; axis++) {
        convolution.picture[axis] = (uint32_t)x.dims[axis + 1];
        convolution.result[axis] = (uint32_t)y.dims[axis + 1];
        convolution.kernel[axis] = (uint32_t)w.dims[axis];
        convolution.stride[axis] = (uint32_t)window.stride[axis];
        convolution.dilation[axis] = (uint32_t)window.dilation[axis];
        convolution.pad[axis] = (uint32_t)window.pad_before[axis];
    }
    *shape = duet_gemm_shape_of(&convolution);
}

static void describe_forward(duet_node node, duet_gemm_shape *shape)
{
    describe(node, DUET_CONVOLUTION_FORWARD, node->inputs[0]->shape, node->inputs[1]->shape, node->shape, shape);
}

static void describe_data(duet_node node, duet_gemm_shape *shape)
{
    describe(node, DUET_CONVOLUTION_DATA, node->shape, node->inputs[1]->shape, node->inputs[0]->shape, shape);
}

static void describe_weights(duet_node node, duet_gemm_shape *shape)
{
    describe(node, DUET_CONVOLUTION_WEIGHTS, node->inputs[0]->shape, node->shape, node->inputs[1]->shape, shape);
}

/* Pictures are rows of the batch; weights are whole. */
static duet_dealing deal_pictures(duet_node node, duet_deal *deal)
{
    if (duet_is_dealt(node->inputs[1])) return DUET_DEALT_BADLY;
    return duet_is_dealt(node->inputs[0]) ? duet_deal_leading(node, deal) : DUET_DEALT_NOT;
}

static duet_dealing deal_weights(duet_node node, duet_deal *deal)
{
    const bool first = duet_is_dealt(node->inputs[0]), second = duet_is_dealt(node->inputs[1]);
    (void)deal;
    return first || second ? DUET_DEALT_SUM : DUET_DEALT_NOT;
}

static const duet_op op_forward = {
    .name = "convolution", .kind = DUET_OP_CONVOLUTION, .gradient = gradient_forward, .product = describe_forward, .deal = deal_pictures};
static const duet_op op_data = {
    .name = "transposed_convolution", .kind = DUET_OP_CONVOLUTION, .gradient = gradient_data, .product = describe_data, .deal = deal_pictures};
static const duet_op op_weights = {.name = "convolution_weights",
                                   .kind = DUET_OP_CONVOLUTION,
                                   .gradient = gradient_weights,
                                   .product = describe_weights,
                                   .deal = deal_weights};

/* Whether x, w and y, as far as they are given, fit each other and the window; *counts: y's height and width. The op's
 * mistakes name the shapes that do not fit. */
static bool check(const char *where, duet_graph *graph, const duet_op *op, const duet_shape *x, const duet_shape *w,
                  const duet_shape *y, const duet_window *window, size_t groups, size_t counts[2])
{
    char first[96], second[96];
    if (!duet_window_lay(where, graph, op->name, *x, window, counts)) return false;
    if (w != NULL && (w->rank != 4 || w->dims[0] != window->size[0] || w->dims[1] != window->size[1])) {
        duet_graph_fail(graph,
                        "%s: weights are [height, width, channels / groups, features] with the window's size "
                        "%zux%zu, not %s",
                        op->name, window->size[0], window->size[1], duet_shape_text(*w, first));
        return false;
    }
    size_t channels = x->dims[3], features = w != NULL ? w->dims[3] : y->dims[3];
    if (groups == 0 || channels % groups != 0 || features % groups != 0) {
        duet_graph_fail(graph, "%s: %zu groups do not divide %zu channels and %zu features", op->name, groups, channels,
                        features);
        return false;
    }
    if (w != NULL && w->dims[2] != channels / groups) {
        duet_graph_fail(graph, "%s: weights %s do not fit pictures %s in %zu group%s: they need %zu channels", op->name,
                        duet_shape_text(*w, first), duet_shape_text(*x, second), groups, groups == 1 ? "" : "s",
                        channels / groups);
        return false;
    }
    if (y != NULL && (y->rank != 4 || y->dims[0] != x->dims[0] || y->dims[1] != counts[0] || y->dims[2] != counts[1] ||
                      y->dims[3] != features)) {
        duet_graph_fail(graph, "%s: over pictures %s the window gives [%zu, %zu, %zu, %zu], not %s", op->name,
                        duet_shape_text(*x, first), x->dims[0], counts[0], counts[1], features,
                        duet_shape_text(*y, second));
        return false;
    }
    const duet_convolution_product told = {.use = DUET_CONVOLUTION_FORWARD,
                                           .images = x->dims[0],
                                           .height = x->dims[1],
                                           .width = x->dims[2],
                                           .channels = channels,
                                           .features = features,
                                           .groups = groups,
                                           .window = *window};
    duet_convolution convolution;
    const char *fault = duet_convolution_read(&told, &convolution);
    if (fault != NULL)
        duet_graph_fail(graph, "%s: %s (pictures %s, %zu features)", op->name, fault, duet_shape_text(*x, first),
                        features);
    return fault == NULL;
}

/* Whether two operands can be used at all; *broken: what to return if not. */
static bool operands(const char *where, const duet_op *op, duet_node a, duet_node b, duet_node *broken)
{
    *broken = a;
    if (duet_node_is_broken(a)) return false;
    *broken = duet_node_broken(a->graph);
    if (duet_operand_is_broken(where, op, a, b)) return false;
    if (a->type == DUET_FLOAT32 && b->type == DUET_FLOAT32) return true;
    duet_graph_fail(a->graph, "%s: both operands must be float32, not %s and %s", op->name, duet_type_name(a->type),
                    duet_type_name(b->type));
    return false;
}

duet_node duet_convolution_at(const char *where, duet_node x, duet_node w, const duet_window *window, size_t groups)
{
    duet_node broken;
    size_t counts[2];
    if (!operands(where, &op_forward, x, w, &broken)) return broken;
    if (!check(where, x->graph, &op_forward, &x->shape, &w->shape, NULL, window, groups, counts)) return broken;
    duet_shape shape = DUET_SHAPE(x->shape.dims[0], counts[0], counts[1], w->shape.dims[3]);
    return make(where, &op_forward, x, w, shape, window, groups);
}

duet_node duet_transposed_convolution_at(const char *where, duet_node y, duet_node w, const duet_window *window,
                                         size_t groups, size_t height, size_t width)
{
    duet_node broken;
    size_t counts[2];
    if (!operands(where, &op_data, y, w, &broken)) return broken;
    duet_shape shape = DUET_SHAPE(y->shape.rank > 0 ? y->shape.dims[0] : 1, height, width,
                                  w->shape.rank == 4 ? w->shape.dims[2] * groups : 1);
    if (!check(where, y->graph, &op_data, &shape, &w->shape, &y->shape, window, groups, counts)) return broken;
    return make(where, &op_data, y, w, shape, window, groups);
}

duet_node duet_convolution_weights_at(const char *where, duet_node x, duet_node y, const duet_window *window,
                                      size_t groups)
{
    duet_node broken;
    size_t counts[2];
    if (!operands(where, &op_weights, x, y, &broken)) return broken;
    if (y->shape.rank != 4) {
        char text[96];
        duet_graph_fail(x->graph, "%s: y needs [batch, height, width, features], has %s", op_weights.name,
                        duet_shape_text(y->shape, text));
        return broken;
    }
    if (!check(where, x->graph, &op_weights, &x->shape, NULL, &y->shape, window, groups, counts)) return broken;
    duet_shape shape = DUET_SHAPE(window->size[0], window->size[1], x->shape.dims[3] / groups, y->shape.dims[3]);
    return make(where, &op_weights, x, y, shape, window, groups);
}
