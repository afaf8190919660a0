/* Layers, losses, groups of parameters and the optimisers that update them. */
#ifndef DUET_NN_H
#define DUET_NN_H

#include "graph.h"
#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A network's parameters, kept in one flat block so that an optimiser step is one launch. Owned by the store. */
typedef struct duet_group duet_group;

/** Finds or makes the group `name` of the store. NULL if memory is short. */
DUET_API duet_group *duet_group_of(duet_store *store, const char *name);
DUET_API const char *duet_group_name(const duet_group *group);
/** How many numbers the group's parameters hold. */
DUET_API size_t duet_group_parameters(const duet_group *group);

/** Finds or makes the parameter "group.name". Found again with another shape it is a mistake of the graph. */
DUET_API duet_node duet_parameter_at(const char *where, duet_graph *graph, duet_group *group, const char *name,
                                     duet_shape shape, duet_initialiser start);
#define duet_parameter(graph, group, name, shape, start)                                                               \
    duet_parameter_at(DUET_WHERE, (graph), (group), (name), (shape), (start))

/** x W^T + b over the last dimension: [..., in] to [..., out]. Parameters "layer.weight" [out, in], Glorot uniform, and
 *  "layer.bias" [out], zeros. A layer name used twice in one graph shares the weights. */
DUET_API duet_node duet_dense_at(const char *where, duet_group *group, const char *layer, duet_node x, size_t out);
#define duet_dense(group, layer, x, out) duet_dense_at(DUET_WHERE, (group), (layer), (x), (out))

/** An activation by name: "relu", "leaky_relu" (slope 0.2), "elu" (alpha 1), "selu", "gelu", "swish", "tanh",
 * "sigmoid", "softplus", "identity". */
DUET_API duet_node duet_activation_at(const char *where, const char *name, duet_node x);
#define duet_activation(name, x) duet_activation_at(DUET_WHERE, (name), (x))
/** The names duet_activation knows, as "a|b|c". */
DUET_API const char *duet_activation_names(void);

/** mu + exp(logvar / 2) eps, eps ~ N(0, I): the reparameterisation of Kingma & Welling 2014, sec. 2.4. */
DUET_API duet_node duet_gaussian_sample_at(const char *where, duet_node mean, duet_node logvar);
#define duet_gaussian_sample(mean, logvar) duet_gaussian_sample_at(DUET_WHERE, (mean), (logvar))

/* Losses, in nats, one number an example: [batch, ...] to [batch], summed over the features, constants included. */

/** -log p(x | logits) of independent Bernoullis; x in [0, 1]: softplus(logit) - x logit. */
DUET_API duet_node duet_bernoulli_nll_at(const char *where, duet_node logits, duet_node x);
#define duet_bernoulli_nll(logits, x) duet_bernoulli_nll_at(DUET_WHERE, (logits), (x))
/** -log N(x; mean, exp(logvar)), with its log 2 pi. logvar broadcasts: a constant 0 gives sigma 1. */
DUET_API duet_node duet_gaussian_nll_at(const char *where, duet_node mean, duet_node logvar, duet_node x);
#define duet_gaussian_nll(mean, logvar, x) duet_gaussian_nll_at(DUET_WHERE, (mean), (logvar), (x))
/** KL(N(mean, exp(logvar)) || N(0, I)), Kingma & Welling 2014, appendix B. */
DUET_API duet_node duet_gaussian_kl_at(const char *where, duet_node mean, duet_node logvar);
#define duet_gaussian_kl(mean, logvar) duet_gaussian_kl_at(DUET_WHERE, (mean), (logvar))
/** Squared error, halved: the part of a Gaussian nll with sigma 1 that depends on the mean. */
DUET_API duet_node duet_squared_error_at(const char *where, duet_node prediction, duet_node x);
#define duet_squared_error(prediction, x) duet_squared_error_at(DUET_WHERE, (prediction), (x))
/** Binary cross-entropy of one logit an example, mean over the batch: a scalar. target: a constant or a node
 *  that broadcasts to the logits' shape. */
DUET_API duet_node duet_binary_cross_entropy_at(const char *where, duet_node logits, duet_node target);
#define duet_binary_cross_entropy(logits, target) duet_binary_cross_entropy_at(DUET_WHERE, (logits), (target))
/** -log softmax(logits)[class], targets as one-hot or soft rows: [batch, classes] to [batch]. */
DUET_API duet_node duet_softmax_cross_entropy_at(const char *where, duet_node logits, duet_node targets);
#define duet_softmax_cross_entropy(logits, targets) duet_softmax_cross_entropy_at(DUET_WHERE, (logits), (targets))

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
} duet_optimiser;

/** The names of the kinds and the schedules, as "a|b|c" in the order of the enumerations. Static storage. */
DUET_API const char *duet_optimiser_names(void);
DUET_API const char *duet_rate_schedule_names(void);

/** Adam with the usual numbers: beta1 0.9, beta2 0.999, epsilon 1e-8. */
DUET_API duet_optimiser duet_adam(double learning_rate);

/** The nodes of one update of `group` along d loss / d parameters: assignments to give to duet_plan_new. `gate`
 *  (a scalar, or NULL for 1) scales the update; at 0 parameters and moments rest. `allowed` (a scalar, or NULL): 0
 *  freezes everything, used after a NaN. Returns how many nodes were written to `roots` (at most 8). */
DUET_API size_t duet_update_at(const char *where, duet_group *group, const duet_optimiser *optimiser, duet_node loss,
                               duet_node gate, duet_node allowed, duet_node roots[8]);
#define duet_update(group, optimiser, loss, gate, allowed, roots)                                                      \
    duet_update_at(DUET_WHERE, (group), (optimiser), (loss), (gate), (allowed), (roots))

#ifdef __cplusplus
}
#endif

#endif
