/* SPDX-License-Identifier: MIT */
/* Layers, losses, groups of parameters and the optimisers that update them. */
#ifndef DUET_NN_H
#define DUET_NN_H

#include "graph.h"
#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A network: its parameters, kept in one flat block so that an optimiser step is one launch, and the states of its
 *  layers, which no optimiser touches. Owned by the store. */
typedef struct duet_group duet_group;

/** Finds or makes the group `name` of the store. NULL if memory is short. */
DUET_API duet_group *duet_group_of(duet_store *store, const char *name);
/** As it was given. Valid while the store lives. */
DUET_API const char *duet_group_name(const duet_group *group);
/** How many numbers the group's parameters hold. */
DUET_API size_t duet_group_parameters(const duet_group *group);
/** How many numbers the states of its layers hold: running statistics, singular vectors. */
DUET_API size_t duet_group_states(const duet_group *group);

/** How the weights of the group's layers start, from now on; NULL: as each layer's text says. Biases start at 0. */
DUET_API void duet_group_set_initialiser(duet_group *group, const duet_initialiser *initialiser);
/** Whether layers made from now on divide their weights by their largest singular value (duet_spectral_norm). */
DUET_API void duet_group_set_spectral_norm(duet_group *group, bool normalises);

/** Opens a scope in which parameters are read as the averages that their group keeps (duet_optimiser's `average`),
 * where it keeps any. */
DUET_API void duet_average_begin(duet_graph *graph);
/** Closes the scope of averages. */
DUET_API void duet_average_end(duet_graph *graph);

/** Opens a scope of names: a layer "hidden" made in the scope "left" is "left.hidden", so that two networks of one
 * shape fit into one group. Scopes nest. */
DUET_API void duet_name_begin(duet_graph *graph, const char *name);
/** Closes the innermost scope of names. */
DUET_API void duet_name_end(duet_graph *graph);

/** Finds or makes the parameter "group.name". Found again with another shape it is a mistake of the graph. */
DUET_API duet_node duet_parameter_at(const char *where, duet_graph *graph, duet_group *group, const char *name,
                                     duet_shape shape, duet_initialiser start);
#define duet_parameter(graph, group, name, shape, start)                                                               \
    duet_parameter_at(DUET_WHERE, (graph), (group), (name), (shape), (start))

/** Finds or makes the layer's state "group.name", float32: saved in checkpoints like a parameter, but not optimised. A
 * layer says by duet_state_follow how it changes. */
DUET_API duet_node duet_layer_state_at(const char *where, duet_graph *graph, duet_group *group, const char *name,
                                       duet_shape shape, duet_initialiser start);
#define duet_layer_state(graph, group, name, shape, start)                                                             \
    duet_layer_state_at(DUET_WHERE, (graph), (group), (name), (shape), (start))

/** The assignments that a plan of `roots` needs so that every state that follows something it computes does so
 *  (duet_state_follow): one a state, to be added to the plan's roots. `allowed` (a scalar, or NULL): 0 leaves the
 * states as they are. Returns how many were written to `updates`; more than `room` is a mistake of the graph. */
DUET_API size_t duet_state_updates_at(const char *where, const duet_node *roots, size_t count, duet_node allowed,
                                      duet_node *updates, size_t room);
#define duet_state_updates(roots, count, allowed, updates, room)                                                       \
    duet_state_updates_at(DUET_WHERE, (roots), (count), (allowed), (updates), (room))

/** The parameter "layer.weight", [out, in] or a convolution's [..., out], for layers of a model's own: it starts as
 *  `start` says, unless the settings of the group name an initialiser, and is normalised if they ask for it. */
DUET_API duet_node duet_weight_at(const char *where, duet_graph *graph, duet_group *group, const char *layer,
                                  duet_shape shape, duet_initialiser start);
#define duet_weight(graph, group, layer, shape, start)                                                                 \
    duet_weight_at(DUET_WHERE, (graph), (group), (layer), (shape), (start))

/** x W^T + b over the last dimension: [..., in] to [..., out], with weight [out, in] and bias [out], or NULL for none.
 *  For weights that are made of parameters, as by duet_spectral_norm. */
DUET_API duet_node duet_linear_at(const char *where, duet_node x, duet_node weight, duet_node bias);
#define duet_linear(x, weight, bias) duet_linear_at(DUET_WHERE, (x), (weight), (bias))
/** duet_linear with parameters of the group: "layer.weight" [out, in], Glorot uniform, and "layer.bias" [out], zeros. A
 * layer name used twice in one graph shares the weights. */
DUET_API duet_node duet_dense_at(const char *where, duet_group *group, const char *layer, duet_node x, size_t out);
#define duet_dense(group, layer, x, out) duet_dense_at(DUET_WHERE, (group), (layer), (x), (out))
/** The same without a bias: x W^T. */
DUET_API duet_node duet_dense_no_bias_at(const char *where, duet_group *group, const char *layer, duet_node x,
                                         size_t out);
#define duet_dense_no_bias(group, layer, x, out) duet_dense_no_bias_at(DUET_WHERE, (group), (layer), (x), (out))

/* Convolutions with square windows over pictures, [batch, height, width, channels]. Parameters "layer.weight", Glorot
 * uniform, and, unless the name says otherwise, "layer.bias" [features], zeros. */

/** What lies around a picture under a layer's windows. */
typedef enum duet_padding {
    DUET_SAME, /**< as TensorFlow's: the least padding with which a window starts at every stride, see window.h */
    DUET_VALID /**< none: windows stay inside */
} duet_padding;

/** A convolution: [batch, height, width, channels] to [batch, height', width', features], with extents of
 *  ceil(extent / stride) (SAME) or (extent - size) / stride + 1, rounded down (VALID). Weight [size, size, channels,
 *  features], as Keras's Conv2D. */
DUET_API duet_node duet_conv2d_at(const char *where, duet_group *group, const char *layer, duet_node x, size_t features,
                                  size_t size, size_t stride, duet_padding padding, bool bias);
#define duet_conv2d(group, layer, x, features, size, stride, padding)                                                  \
    duet_conv2d_at(DUET_WHERE, (group), (layer), (x), (features), (size), (stride), (padding), true)
#define duet_conv2d_no_bias(group, layer, x, features, size, stride, padding)                                          \
    duet_conv2d_at(DUET_WHERE, (group), (layer), (x), (features), (size), (stride), (padding), false)

/** A transposed convolution, which makes pictures larger: [batch, height, width, channels] to [batch, height', width',
 *  features], with extents of extent * stride (SAME) or extent * stride + max(size - stride, 0) (VALID), as Keras's
 *  Conv2DTranspose. The weight is that of the convolution it transposes, which leads from the result to x: [size, size,
 *  features, channels]. */
DUET_API duet_node duet_conv2d_transpose_at(const char *where, duet_group *group, const char *layer, duet_node x,
                                            size_t features, size_t size, size_t stride, duet_padding padding,
                                            bool bias);
#define duet_conv2d_transpose(group, layer, x, features, size, stride, padding)                                        \
    duet_conv2d_transpose_at(DUET_WHERE, (group), (layer), (x), (features), (size), (stride), (padding), true)
#define duet_conv2d_transpose_no_bias(group, layer, x, features, size, stride, padding)                                \
    duet_conv2d_transpose_at(DUET_WHERE, (group), (layer), (x), (features), (size), (stride), (padding), false)

/** An activation by name: "relu", "leaky_relu" (slope 0.2), "elu" (alpha 1), "selu", "gelu", "swish", "tanh",
 * "sigmoid", "softplus", "identity". */
DUET_API duet_node duet_activation_at(const char *where, const char *name, duet_node x);
#define duet_activation(name, x) duet_activation_at(DUET_WHERE, (name), (x))
/** The names duet_activation knows, as "a|b|c": for a row of settings. */
#define DUET_ACTIVATION_NAMES "relu|leaky_relu|elu|selu|gelu|swish|tanh|sigmoid|softplus|identity"
/** The same from the library itself. */
DUET_API const char *duet_activation_names(void);
/** What the setting "initialiser" may be, in the same way. */
#define DUET_INITIALISER_NAMES "default|normal|glorot_uniform|glorot_normal|he_uniform|he_normal|fan_in_uniform"

/** mu + exp(logvar / 2) eps, eps ~ N(0, I): the reparameterisation of Kingma & Welling 2014, sec. 2.4. */
DUET_API duet_node duet_gaussian_sample_at(const char *where, duet_node mean, duet_node logvar);
#define duet_gaussian_sample(mean, logvar) duet_gaussian_sample_at(DUET_WHERE, (mean), (logvar))

/* Normalisation. The last dimension is the features. Layers have a scale "layer.scale", ones, and an offset
 * "layer.offset", zeros, which are parameters of the group. */

#define DUET_BATCH_NORM_EPSILON  1e-3
#define DUET_BATCH_NORM_MOMENTUM 0.99
#define DUET_NORM_EPSILON        1e-5

/** Batch normalisation, Ioffe & Szegedy 2015 (arXiv:1502.03167), algorithm 1: [..., features] to the same shape.
 *  Training: scale (x - mean) / sqrt(variance + epsilon) + offset, with mean and (biased) variance of each feature over
 *  all other dimensions of x; the states "layer.mean" (from 0) and "layer.variance" (from 1) follow them, keeping the
 *  share `momentum` of themselves. In a scope of inference the states take their place. The macro has Keras's numbers,
 *  epsilon 1e-3 and momentum 0.99; as in Keras 3 the state follows the biased variance (PyTorch's follows the unbiased
 *  one, and its momentum is counted the other way round: 0.1 there is 0.9 here). Two calls of a layer in one graph, on
 *  real and on generated examples, normalise each batch by itself, and the states follow first the one, then the other.
 *  Where ranks share a batch, the statistics are those of all of it, or, under the setting norm_over=rank, of the rows
 *  that each rank has; the states then follow the mean and the ranks' variances on average, the same on every rank. */
DUET_API duet_node duet_batch_norm_at(const char *where, duet_group *group, const char *layer, duet_node x,
                                      double epsilon, double momentum);
#define duet_batch_norm(group, layer, x)                                                                               \
    duet_batch_norm_at(DUET_WHERE, (group), (layer), (x), DUET_BATCH_NORM_EPSILON, DUET_BATCH_NORM_MOMENTUM)
/** Layer normalisation, Ba et al. 2016 (arXiv:1607.06450): each example by itself over `axes`, DUET_AXIS of the last
 *  dimensions: of the last one alone as transformers do, or of all but the batch. Scale and offset have the shape of
 *  these dimensions, as in PyTorch; without either if group is NULL, and layer may be too. The same in training and
 *  inference. */
DUET_API duet_node duet_layer_norm_at(const char *where, duet_group *group, const char *layer, duet_node x,
                                      unsigned axes, double epsilon);
#define duet_layer_norm(group, layer, x, axes)                                                                         \
    duet_layer_norm_at(DUET_WHERE, (group), (layer), (x), (axes), DUET_NORM_EPSILON)
/** Instance normalisation, Ulyanov et al. 2016 (arXiv:1607.08022): [batch, ..., features], each feature of each example
 *  over the dimensions between. Scale and offset [features]; neither if group is NULL, and layer may be
 *  too. */
DUET_API duet_node duet_instance_norm_at(const char *where, duet_group *group, const char *layer, duet_node x,
                                         double epsilon);
#define duet_instance_norm(group, layer, x) duet_instance_norm_at(DUET_WHERE, (group), (layer), (x), DUET_NORM_EPSILON)
/** Group normalisation, Wu & He 2018 (arXiv:1803.08494): [batch, ..., features], each example over all dimensions but
 *  the batch and each of `groups` equal runs of features. Scale and offset [features]; neither if group is NULL, and
 *  layer may be too. */
DUET_API duet_node duet_group_norm_at(const char *where, duet_group *group, const char *layer, duet_node x,
                                      size_t groups, double epsilon);
#define duet_group_norm(group, layer, x, groups)                                                                       \
    duet_group_norm_at(DUET_WHERE, (group), (layer), (x), (groups), DUET_NORM_EPSILON)
/** Spectral normalisation, Miyato et al. 2018 (arXiv:1802.05957), algorithm 1: `weight` over an estimate of its largest
 *  singular value, as a matrix [product of the dimensions before `axis`, product of the others]: axis 1 for a dense
 *  layer's [out, in], 3 for a convolution's [height, width, channels, features]. The estimate is u^T W v after one
 * power iteration from the state "layer.direction" [rows, 1], which starts from N(0, I); no gradient crosses u and v.
 * Each replay of a training plan that computes it keeps the new u. In a scope of inference the iteration is made too,
 * from the state, and nothing is kept. */
DUET_API duet_node duet_spectral_norm_at(const char *where, duet_group *group, const char *layer, duet_node weight,
                                         size_t axis);
#define duet_spectral_norm(group, layer, weight, axis)                                                                 \
    duet_spectral_norm_at(DUET_WHERE, (group), (layer), (weight), (axis))

/** Dropout, Srivastava et al. 2014 (JMLR 15): each element of x is 0 with probability `rate`, else x / (1 - rate); x
 *  itself in a scope of inference. The mask follows from the graph's clock wherever it is needed and is never stored.
 */
DUET_API duet_node duet_dropout_at(const char *where, duet_node x, double rate);
#define duet_dropout(x, rate) duet_dropout_at(DUET_WHERE, (x), (rate))

/* Losses, in nats, one number an example: [batch, ...] to [batch], summed over the features, constants included. Where
 * a target has to lie in [0, 1], a constant beyond is a mistake, and a model whose loss reads its examples, as they are
 * or moved and scaled by a number, is refused for data beyond. What is made of them in other ways, such as pieces,
 * pools and joins, is computed for a million numbers of them before a training; what parameters or chance decide is
 * not, but a target that is linear in parameters which the loss moves, as of swapped arguments, is a mistake. */

/** -log p(x | logits) of independent Bernoullis; x in [0, 1]: softplus(logit) - x logit. */
DUET_API duet_node duet_bernoulli_nll_at(const char *where, duet_node logits, duet_node x);
#define duet_bernoulli_nll(logits, x) duet_bernoulli_nll_at(DUET_WHERE, (logits), (x))
/** -log N(x; mean, exp(logvar)), with its log 2 pi. logvar broadcasts: a constant 0 gives sigma 1. */
DUET_API duet_node duet_gaussian_nll_at(const char *where, duet_node mean, duet_node logvar, duet_node x);
#define duet_gaussian_nll(mean, logvar, x) duet_gaussian_nll_at(DUET_WHERE, (mean), (logvar), (x))
/** log P(x), element by element, of a number in [0, 1] that is taken as the nearest of `levels` even steps from 0 to 1
 *  (bytes are 256): what a logistic distribution of this location and the scale exp(log_scale) puts within half a step
 * of it, 0 and 1 also what lies beyond. Salimans et al. 2017 (arXiv:1701.05517), sec. 2.1. Shapes broadcast. */
DUET_API duet_node duet_discretised_logistic_at(const char *where, duet_node location, duet_node log_scale, duet_node x,
                                                size_t levels);
#define duet_discretised_logistic(location, log_scale, x, levels)                                                      \
    duet_discretised_logistic_at(DUET_WHERE, (location), (log_scale), (x), (levels))
/** Its negative sum over the features of an example, -log P(x) [batch]: Kingma et al. 2016 (arXiv:1606.04934). */
DUET_API duet_node duet_discretised_logistic_nll_at(const char *where, duet_node location, duet_node log_scale,
                                                    duet_node x, size_t levels);
#define duet_discretised_logistic_nll(location, log_scale, x, levels)                                                  \
    duet_discretised_logistic_nll_at(DUET_WHERE, (location), (log_scale), (x), (levels))
/** KL(N(mean, exp(logvar)) || N(0, I)), Kingma & Welling 2014, appendix B. */
DUET_API duet_node duet_gaussian_kl_at(const char *where, duet_node mean, duet_node logvar);
#define duet_gaussian_kl(mean, logvar) duet_gaussian_kl_at(DUET_WHERE, (mean), (logvar))
/** Squared error, halved: the part of a Gaussian nll with sigma 1 that depends on the mean. */
DUET_API duet_node duet_squared_error_at(const char *where, duet_node prediction, duet_node x);
#define duet_squared_error(prediction, x) duet_squared_error_at(DUET_WHERE, (prediction), (x))
/** Binary cross-entropy of one logit an example, mean over the batch: a scalar. target: a constant or a node
 *  that broadcasts to the logits' shape, in [0, 1]. */
DUET_API duet_node duet_binary_cross_entropy_at(const char *where, duet_node logits, duet_node target);
#define duet_binary_cross_entropy(logits, target) duet_binary_cross_entropy_at(DUET_WHERE, (logits), (target))
/** -log softmax(logits)[class], targets as one-hot or soft rows, in [0, 1]: [batch, classes] to [batch]. */
DUET_API duet_node duet_softmax_cross_entropy_at(const char *where, duet_node logits, duet_node targets);
#define duet_softmax_cross_entropy(logits, targets) duet_softmax_cross_entropy_at(DUET_WHERE, (logits), (targets))

/* Priors: what latents are drawn from, a small table. A latent may be several of them side by side, such as noise and a
 * code of classes. */

typedef enum duet_prior_kind {
    DUET_PRIOR_NORMAL,   /**< N(location, scale^2), each number by itself */
    DUET_PRIOR_UNIFORM,  /**< U(location - scale, location + scale) */
    DUET_PRIOR_LOGISTIC, /**< the logistic distribution, density e^-u / (scale (1 + e^-u)^2), u = (z - location) / scale
                          */
    DUET_PRIOR_CATEGORICAL, /**< one 1 among zeros, each place as likely */
    DUET_PRIOR_MIXTURE,     /**< of `components` normals of deviation `scale`, each as likely */
} duet_prior_kind;

typedef struct duet_prior {
    duet_prior_kind kind;
    size_t features; /**< numbers; of a categorical its classes */
    double location, scale;
    size_t components;
    const float *centres; /**< of a mixture, [components, features]; a model keeps a copy */
} duet_prior;

/** `features` numbers of N(0, 1). */
DUET_API duet_prior duet_prior_normal(size_t features);
/** `features` numbers of U(low, high), low < high. */
DUET_API duet_prior duet_prior_uniform(size_t features, double low, double high);
/** `features` numbers of the logistic distribution of location 0 and scale 1. */
DUET_API duet_prior duet_prior_logistic(size_t features);
/** One of `classes`, each as likely, as a row with a 1 in its place. */
DUET_API duet_prior duet_prior_categorical(size_t classes);
/** Points about `centres`, [components, features], each as likely, with that deviation, above 0. */
DUET_API duet_prior duet_prior_mixture(size_t features, size_t components, const float *centres, double deviation);

/** Numbers of `count` priors side by side. */
DUET_API size_t duet_prior_features(const duet_prior *parts, size_t count);
/** New draws at each tick of the graph's clock: [rows, features]. */
DUET_API duet_node duet_prior_draw_at(const char *where, duet_graph *graph, const duet_prior *parts, size_t count,
                                      size_t rows);
#define duet_prior_draw(graph, parts, count, rows) duet_prior_draw_at(DUET_WHERE, (graph), (parts), (count), (rows))
/** log p(z) in nats, [rows, features] to [rows]. Of a uniform the density inside, wherever z is; of a categorical -log
 *  classes. */
DUET_API duet_node duet_prior_log_density_at(const char *where, const duet_prior *parts, size_t count, duet_node z);
#define duet_prior_log_density(parts, count, z) duet_prior_log_density_at(DUET_WHERE, (parts), (count), (z))
/** The probability that number `feature` of the prior lies below z; NaN of a categorical. */
DUET_API double duet_prior_share(const duet_prior *part, size_t feature, double z);
/** The z below which number `feature` of the prior lies with probability p, 0 < p < 1; a normal one's lie within nine
 *  deviations, beyond which fewer than one draw in 1e18 falls. Of a categorical: 1 if p falls
 *  into that class's share, else 0. */
DUET_API double duet_prior_quantile(const duet_prior *part, size_t feature, double p);

/* Optimisers. */

typedef enum duet_optimiser_kind {
    DUET_SGD,     /**< v = momentum v + g; p -= lr v */
    DUET_RMSPROP, /**< Tieleman & Hinton 2012: p -= lr g / (sqrt(mean of g^2) + epsilon), then momentum as in PyTorch */
    DUET_ADAM,    /**< Kingma & Ba 2015 (arXiv:1412.6980), algorithm 1; weight decay as an L2 term of the gradient */
    DUET_ADAMW,   /**< Loshchilov & Hutter 2019 (arXiv:1711.05101), algorithm 2: decoupled weight decay */
} duet_optimiser_kind;

typedef enum duet_rate_schedule {
    DUET_RATE_CONSTANT,
    DUET_RATE_LINEAR, /**< from 1 to rate_final over rate_steps updates */
    DUET_RATE_COSINE, /**< half a cosine from 1 to rate_final over rate_steps updates */
    DUET_RATE_STEP,   /**< times rate_final every rate_steps updates */
} duet_rate_schedule;

/** How one group is updated. Rates are those of the first update unless a schedule says otherwise. */
typedef struct duet_optimiser {
    duet_optimiser_kind kind;
    double learning_rate;
    double beta1, beta2; /**< Adam's; RMSProp's decay is beta2 */
    double momentum;     /**< SGD, RMSProp */
    double epsilon;
    double weight_decay;
    double clip_norm; /**< the group's gradient is scaled down to this norm; 0: no clipping */
    duet_rate_schedule schedule;
    uint64_t rate_warm_up; /**< updates over which the rate first rises from 0; 0: none */
    uint64_t rate_steps;
    double rate_final;
    double clip_update;     /**< an update of the group's parameters is scaled down to this norm; 0: no limit */
    double clip_weights;    /**< parameters are held within +-this after an update, Arjovsky et al. 2017; 0: not */
    double average;         /**< decay of an exponential average of the parameters: average = average + (1 - decay) (p -
                                 average), from the parameters after the first update; 0: none is kept */
    double average_warm_up; /**< after n updates the decay is at most (1 + n) / (this + n), so that the start is soon
                                 forgotten; 0: it is the same from the first update on */
    const char *name; /**< its moments and its count of updates are "group.name.moment1" and so on, where a group has
                           several optimisers; NULL: "group.moment1" */
} duet_optimiser;

/** The names of the kinds, as "a|b|c" in the order of the enumeration. Static storage. */
DUET_API const char *duet_optimiser_names(void);
/** The names of the schedules, likewise. */
DUET_API const char *duet_rate_schedule_names(void);

/** Adam with the usual numbers: beta1 0.9, beta2 0.999, epsilon 1e-8. */
DUET_API duet_optimiser duet_adam(double learning_rate);

/** The nodes of one update of `group` along d loss / d parameters: assignments to give to duet_plan_new. `gate`
 *  (a scalar, or NULL for 1) scales the update; at 0 parameters and moments rest. `allowed` (a scalar, or NULL): 0
 *  freezes everything, used after a NaN. Returns how many nodes were written to `roots` (1 to 8), after a mistake one,
 *  whose plan tells it. A loss that does not depend on the group is a mistake. */
DUET_API size_t duet_update_at(const char *where, duet_group *group, const duet_optimiser *optimiser, duet_node loss,
                               duet_node gate, duet_node allowed, duet_node roots[8]);
#define duet_update(group, optimiser, loss, gate, allowed, roots)                                                      \
    duet_update_at(DUET_WHERE, (group), (optimiser), (loss), (gate), (allowed), (roots))

#ifdef __cplusplus
}
#endif

#endif
