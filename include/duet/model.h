/* SPDX-License-Identifier: MIT */
/* Models: a family's build function composes nodes and says what is minimised over which groups, in which phases.
 * It reads like the paper's algorithm box; the trainer runs it. */
#ifndef DUET_MODEL_H
#define DUET_MODEL_H

#include "data.h"
#include "nn.h"
#include "ranks.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct duet_model duet_model;

/** The most layers that a list of sizes has. */
#define DUET_MOST_SIZES 16

typedef enum duet_setting_kind {
    DUET_SETTING_NUMBER, /**< a real number in [low, high] */
    DUET_SETTING_COUNT,  /**< an integer in [low, high] */
    DUET_SETTING_CHOICE, /**< one of choices, "a|b|c" */
    DUET_SETTING_SIZES,  /**< positive integers with commas, such as 400,200; "" for none */
} duet_setting_kind;

/** A setting of a family: what --set KEY=VALUE may say. A key is its row's alone, in UTF-8, of at most 100 bytes
 * without
 *  '=' and ','. */
typedef struct duet_setting {
    const char *key;
    duet_setting_kind kind;
    const char *initial; /**< the default, as text */
    double low, high;
    const char *choices;
    const char *help;
} duet_setting;

/** Rows of a settings table: DUET_COUNT("latent", 20, 1, 65536, "numbers in the code"). The default is written as a
 *  number without quotes, of choices and sizes as text. */
#define DUET_NUMBER(key, initial, low, high, help)                                                                     \
    {                                                                                                                  \
        (key), DUET_SETTING_NUMBER, #initial, (low), (high), NULL, (help)                                              \
    }
#define DUET_COUNT(key, initial, low, high, help)                                                                      \
    {                                                                                                                  \
        (key), DUET_SETTING_COUNT, #initial, (low), (high), NULL, (help)                                               \
    }
#define DUET_CHOICE(key, initial, choices, help)                                                                       \
    {                                                                                                                  \
        (key), DUET_SETTING_CHOICE, (initial), 0, 0, (choices), (help)                                                 \
    }
#define DUET_SIZES(key, initial, help)                                                                                 \
    {                                                                                                                  \
        (key), DUET_SETTING_SIZES, (initial), 0, 0, NULL, (help)                                                       \
    }

/** Settings under a name. A family with presets has a setting "preset", whose choices name them; it fills in what is
 * not given, in whatever order things are said. */
typedef struct duet_preset {
    const char *name;
    const char *const *settings; /**< "key=value", NULL after the last */
    size_t batch;                /**< examples a step and epochs of a training that says neither; 0: the family's */
    uint64_t epochs;
} duet_preset;

/** A kind of model. Families of a program's own work like the built-in ones. */
typedef struct duet_family {
    const char *name, *summary, *paper;
    void (*build)(duet_model *model); /**< called for each graph of a model: it is to compose the same every time */
    const duet_setting *settings; /**< rows that replace or join the common ones (optimiser, lr, ...); what replaces a
                                       number is one, and what replaces a choice is one of the same or fewer */
    size_t setting_count;
    const duet_preset *presets;
    size_t preset_count;
    size_t batch;              /**< examples a step of a training that does not say; 0: 128 */
    const char *const *groups; /**< the networks whose settings may be said apart, "generator.lr=0.001"; NULL after the
                                    last. NULL: not listed, so that any name is taken until the model is built */
    bool averaged;             /**< use reads the averages that groups keep, unless a request says weights=trained */
} duet_family;

/** What a training takes that does not say: the preset's numbers if the settings name one, else the family's. */
typedef struct duet_training_size {
    size_t batch;
    uint64_t epochs;
} duet_training_size;

/** The built-in families, in the order of `duet models`. */
DUET_API const duet_family *duet_family_at(size_t index);
/** How many built-in families there are. */
DUET_API size_t duet_family_count(void);
/** NULL if there is none of that name. */
DUET_API const duet_family *duet_family_find(const char *name);
/** Row `index` of a family's own settings followed by the common ones it does not replace; NULL past the end. */
DUET_API const duet_setting *duet_family_setting(const duet_family *family, size_t index);

/** Whether a family takes these "key=value" settings, before anything is opened. Errors: DUET_ERROR_USAGE names the key
 *  and what is allowed. */
DUET_API duet_status duet_settings_check(const duet_family *family, const char *const *settings, size_t count,
                                         duet_error *error);

/** The batch and the epochs of a training of `family` with these settings that asks for none. */
DUET_API duet_training_size duet_family_training_size(const duet_family *family, const char *const *settings,
                                                      size_t count);

/** A model for examples like those of `data`, with "key=value" settings. Parameters start from `seed`. The family and
 *  the data must outlive it. Errors: DUET_ERROR_USAGE names the key and what is allowed. */
DUET_API duet_status duet_model_new(duet_model **model, const duet_family *family, duet_data *data,
                                    const char *const *settings, size_t count, uint64_t seed, duet_error *error);
DUET_API void duet_model_free(duet_model **model);
/** From now on trainers of the model share its batches among these ranks, each with a model, a trainer and a device of
 *  its own and made alike: parameters, losses and whatever else follows from a batch are the same on every rank, to
 *  rounding those that one process alone would have. Borrowed; they must outlive the trainers. NULL: one alone. */
DUET_API void duet_model_set_ranks(duet_model *model, duet_ranks *ranks);
DUET_API const duet_family *duet_model_family(const duet_model *model);
DUET_API duet_store *duet_model_store(duet_model *model);
/** The value of a setting as text, given or default; NULL for an unknown key. Valid while the model lives. */
DUET_API const char *duet_model_setting_text(const duet_model *model, const char *key);

/* What a build function uses. A mistake names the line of the caller, which the macros pass on as `where`. */

/** The graph being built. */
DUET_API duet_graph *duet_model_graph(duet_model *model);
/** The examples of this step, [batch, features]: flat; duet_model_example_shape gives their own shape. */
DUET_API duet_node duet_model_batch(duet_model *model);
/** The same as pictures, [batch, height, width, channels]. Data that are no pictures, or whose height or width is no
 *  multiple of `multiple`, are a mistake of the graph. */
DUET_API duet_node duet_model_pictures_at(const char *where, duet_model *model, size_t multiple);
#define duet_model_pictures(model, multiple) duet_model_pictures_at(DUET_WHERE, (model), (multiple))
/** The middle of pictures [rows, height, width, channels] that are at least as large as those of the data, cut to their
 *  extents: for networks that draw in multiples of their strides. */
DUET_API duet_node duet_model_cropped_at(const char *where, duet_model *model, duet_node x);
#define duet_model_cropped(model, x) duet_model_cropped_at(DUET_WHERE, (model), (x))
/** Their classes as rows of one 1 and zeros, [batch, classes]. Data without labels are a mistake of the graph. In use:
 *  the classes that the request gives, or else drawn, each as often as the training examples have it, as what is drawn
 *  is compared with such; each as likely where nobody knows how often that is. */
DUET_API duet_node duet_model_labels_at(const char *where, duet_model *model);
#define duet_model_labels(model) duet_model_labels_at(DUET_WHERE, (model))
/** x, [rows, n], and the labels beside it, [rows, n + classes]: a condition. Where there are several rows an example,
 *  one after the other, each has its label. */
DUET_API duet_node duet_with_labels_at(const char *where, duet_model *model, duet_node x);
#define duet_with_labels(model, x) duet_with_labels_at(DUET_WHERE, (model), (x))
/** Examples in the batch of the graph being built. */
DUET_API size_t duet_model_batch_size(const duet_model *model);
/** The shape of one example of the data. */
DUET_API duet_shape duet_model_example_shape(const duet_model *model);
/** Whether examples lie in [0, 1], so that a sigmoid or Bernoulli output fits. */
DUET_API bool duet_model_unit_range(const duet_model *model);
/** From [0, 1] to [-1, 1], as a generator that ends in tanh draws: a picture or row to [batch, features]. Data beyond
 *  [0, 1] stay as they are. */
DUET_API duet_node duet_model_centred_at(const char *where, duet_model *model, duet_node x);
/** And back: from [-1, 1] to [0, 1], where the data lie there. */
DUET_API duet_node duet_model_uncentred_at(const char *where, duet_model *model, duet_node x);
#define duet_model_centred(model, x)   duet_model_centred_at(DUET_WHERE, (model), (x))
#define duet_model_uncentred(model, x) duet_model_uncentred_at(DUET_WHERE, (model), (x))
/** False in graphs made for evaluation and sampling. */
DUET_API bool duet_model_training(const duet_model *model);
/** Something that the user of these settings should know, which the trainer says as a warning, once. */
DUET_API void duet_model_warn(duet_model *model, const char *format, ...) DUET_PRINTF(2, 3);
/** The group of that name, made when it is first asked for: parameters that one optimiser moves. A name has 1 to 64
 *  letters, digits, - and _. */
DUET_API duet_group *duet_model_group_at(const char *where, duet_model *model, const char *name);
#define duet_model_group(model, name) duet_model_group_at(DUET_WHERE, (model), (name))

/** A setting's value; a key the family does not have, or a setting that is no number, is a mistake of the graph.
 *  "generator.lr" is what is said of that group, else of all. */
DUET_API double duet_setting_number_at(const char *where, duet_model *model, const char *key);
/** Whether the value of a setting that is a choice is this one, which must be one of its choices. */
DUET_API bool duet_setting_is_at(const char *where, duet_model *model, const char *key, const char *choice);
/** The sizes of a DUET_SETTING_SIZES into `sizes`; returns how many, at most DUET_MOST_SIZES. */
DUET_API size_t duet_setting_sizes_at(const char *where, duet_model *model, const char *key,
                                      size_t sizes[DUET_MOST_SIZES]);
#define duet_setting_sizes(model, key, sizes) duet_setting_sizes_at(DUET_WHERE, (model), (key), (sizes))
#define duet_setting_number(model, key)       duet_setting_number_at(DUET_WHERE, (model), (key))
#define duet_setting_is(model, key, choice)   duet_setting_is_at(DUET_WHERE, (model), (key), (choice))
/** The activation of hidden layers that the setting "activation" names. */
DUET_API duet_node duet_activate_at(const char *where, duet_model *model, duet_node x);
#define duet_activate(model, x) duet_activate_at(DUET_WHERE, (model), (x))
/** The family's hidden layers: dense + activation for each of the setting's sizes, layers "hidden1", "hidden2", ... */
DUET_API duet_node duet_hidden_layers_at(const char *where, duet_model *model, duet_group *group, const char *sizes_key,
                                         duet_node x);
#define duet_hidden_layers(model, group, sizes_key, x)                                                                 \
    duet_hidden_layers_at(DUET_WHERE, (model), (group), (sizes_key), (x))
/** The same in reverse order of sizes: a decoder that mirrors an encoder. */
DUET_API duet_node duet_hidden_layers_reversed_at(const char *where, duet_model *model, duet_group *group,
                                                  const char *sizes_key, duet_node x);
#define duet_hidden_layers_reversed(model, group, sizes_key, x)                                                        \
    duet_hidden_layers_reversed_at(DUET_WHERE, (model), (group), (sizes_key), (x))
/** What hidden layers may have besides. */
typedef struct duet_hidden_options {
    bool reversed;    /**< in reverse order of sizes */
    bool batch_norm;  /**< before each activation but the first, layers "norm2", "norm3", ... */
    duet_node beside; /**< [rows, n] or NULL: every layer reads it next to what the layer before gives, so that none has
                         to pass it on */
} duet_hidden_options;
/** duet_hidden_layers with options. */
DUET_API duet_node duet_hidden_layers_as_at(const char *where, duet_model *model, duet_group *group,
                                            const char *sizes_key, duet_node x, const duet_hidden_options *options);
#define duet_hidden_layers_as(model, group, sizes_key, x, options)                                                     \
    duet_hidden_layers_as_at(DUET_WHERE, (model), (group), (sizes_key), (x), (options))

/* Procedures: what a model does, as data. Training is the one that is open at first; a model opens others for what it
 * does once trained: sampling pixel by pixel, inverting a generator. A procedure is phases in order, each a plan that
 * is replayed on the device, and outputs that are read at the end. */

/** Opens the procedure `name` (at most 31 characters): phases and outputs that follow belong to it. */
DUET_API void duet_procedure_at(const char *where, duet_model *model, const char *name);
#define duet_procedure(model, name) duet_procedure_at(DUET_WHERE, (model), (name))

/** At use: the phases of the open procedure are run in order, as often as each says, `rounds` times in all (1 unless
 * this is said): a picture row after row. */
DUET_API void duet_procedure_rounds_at(const char *where, duet_model *model, size_t rounds);
#define duet_procedure_rounds(model, rounds) duet_procedure_rounds_at(DUET_WHERE, (model), (rounds))

/** Opens a phase of the procedure: what follows (minimise, report, assign) belongs to it. Its name, of at most 31
 *  characters, is its own in the procedure. `repeats` replays a step; in training 0 stands for as many as an epoch has
 *  batches, so that one step is one epoch; at use 0 is none. */
DUET_API void duet_phase_at(const char *where, duet_model *model, const char *name, size_t repeats);
#define duet_phase(model, name, repeats) duet_phase_at(DUET_WHERE, (model), (name), (repeats))
/** In training: only the first of each `steps` steps runs the phase. */
DUET_API void duet_phase_every_at(const char *where, duet_model *model, size_t steps);
#define duet_phase_every(model, steps) duet_phase_every_at(DUET_WHERE, (model), (steps))
/** In training: the phase reads the batch that the phase before it read, which must run once a step; without this each
 *  replay of a phase that reads examples or labels has a batch of its own. */
DUET_API void duet_phase_share_batch_at(const char *where, duet_model *model);
#define duet_phase_share_batch(model) duet_phase_share_batch_at(DUET_WHERE, (model))
/** What this phase minimises is minimised by this optimiser, not by that of the settings. One that cannot be meant,
 * such as a decay of 1 or a negative rate, is a mistake. */
DUET_API void duet_phase_optimiser_at(const char *where, duet_model *model, const duet_optimiser *optimiser);
#define duet_phase_optimiser(model, optimiser) duet_phase_optimiser_at(DUET_WHERE, (model), (optimiser))
/** What this phase minimises is minimised by an optimiser of the phase's own: the same settings, moments of its own.
 *  Without this a group has one optimiser, whatever phases move it, whose moments see the gradients of all. */
DUET_API void duet_phase_own_moments_at(const char *where, duet_model *model);
#define duet_phase_own_moments(model) duet_phase_own_moments_at(DUET_WHERE, (model))
/** In this phase, update the groups down the gradient of `loss` (a scalar). All gradients of a phase are taken at the
 *  same parameters. */
DUET_API void duet_minimise_at(const char *where, duet_model *model, duet_node loss, duet_node gate,
                               duet_group *const *groups);
#define duet_minimise(model, loss, ...)                                                                                \
    duet_minimise_at(DUET_WHERE, (model), (loss), NULL, (duet_group *const[]){__VA_ARGS__, NULL})
/** With a gate: a scalar that scales the update; at 0 parameters and moments rest. */
#define duet_minimise_gated(model, loss, gate, ...)                                                                    \
    duet_minimise_at(DUET_WHERE, (model), (loss), (gate), (duet_group *const[]){__VA_ARGS__, NULL})
/** A scalar to log under `name`; losses and their terms, watched for NaN. */
DUET_API void duet_report_at(const char *where, duet_model *model, const char *name, duet_node scalar);
#define duet_report(model, name, scalar) duet_report_at(DUET_WHERE, (model), (name), (scalar))
/** Write a state at the phase's end. */
DUET_API void duet_phase_assign_at(const char *where, duet_model *model, duet_node state, duet_node value);
#define duet_phase_assign(model, state, value) duet_phase_assign_at(DUET_WHERE, (model), (state), (value))
/** The schedule's step number as a float32 scalar, from 0. At use: how many steps the training has done, so that what
 * an output makes of it is what the training came to. */
DUET_API duet_node duet_model_step_at(const char *where, duet_model *model);
#define duet_model_step(model) duet_model_step_at(DUET_WHERE, (model))
/** min(1, (step + 1) / steps) of duet_model_step; 1 if steps is 0: KL warm-up. It belongs in the loss: a DUET_KL that
 * is weighed by it is none until the warm-up is over. */
DUET_API duet_node duet_warm_up_at(const char *where, duet_model *model, double steps);
#define duet_warm_up(model, steps) duet_warm_up_at(DUET_WHERE, (model), (steps))

/* What a procedure remembers between its replays: zero at its start, in no checkpoint, of any extents. */

/** The scratch tensor `name`, which phases assign to by duet_phase_assign. */
DUET_API duet_node duet_scratch_at(const char *where, duet_model *model, const char *name, duet_type type,
                                   duet_shape shape);
#define duet_scratch(model, name, type, shape) duet_scratch_at(DUET_WHERE, (model), (name), (type), (shape))
/** A group of scratch parameters, to be minimised over like a network's: a latent that is sought. */
DUET_API duet_group *duet_scratch_group(duet_model *model, const char *name);
/** A number that a request for the procedure may set ("steps=200"), within [low, high]; `help` lives as long as the
 *  program. Asked for again, the same. */
DUET_API size_t duet_use_count(duet_model *model, const char *key, size_t initial, size_t low, size_t high,
                               const char *help);
/** The same for a number that need not be whole. */
DUET_API double duet_use_number(duet_model *model, const char *key, double initial, double low, double high,
                                const char *help);
/** Refuses what a request sets and this model cannot do, in these words, which begin with the key: DUET_ERROR_USAGE. */
DUET_API void duet_use_refuse(duet_model *model, const char *words);

/** The latents of use, [batch, features]: those that a request gives, or drawn from the prior, whose parts lie side by
 *  side. One a model. For use alone: a phase of training that reads it is a mistake of the graph; there duet_prior_draw
 * draws. */
DUET_API duet_node duet_latent_at(const char *where, duet_model *model, const duet_prior *parts, size_t count);
#define duet_latent(model, parts, count) duet_latent_at(DUET_WHERE, (model), (parts), (count))
/** The same of a prior that the model draws from itself: where a request gives no latents they are `drawn`. `parts`
 * stand for it where a density or a quantile is asked for: on the way of an interpolation, in an inversion. */
DUET_API duet_node duet_latent_drawn_at(const char *where, duet_model *model, const duet_prior *parts, size_t count,
                                        duet_node drawn);
#define duet_latent_drawn(model, parts, count, drawn)                                                                  \
    duet_latent_drawn_at(DUET_WHERE, (model), (parts), (count), (drawn))

/* Outputs: what a trained model gives, a row an example, by name. Those of training are given at once, without phases;
 * those of another procedure at its end. Each row is to be of its own example: in use rows come in batches of any size,
 * the last one filled up with zeros, so that one that takes rows together, be it by a sum, the largest or as pairs, is
 * a mistake of the graph for use. Standard ones have a meaning to commands and metrics: those of the batch that are
 * made of latents or draws and of no example, and those of latents and draws that are made of examples, are mistakes
 * too. */

#define DUET_SAMPLE         "sample" /**< [batch, features of the data]: new ones, of latents and draws alone */
#define DUET_RECONSTRUCTION "reconstruction"     /**< [batch, features of the data]: of the batch */
#define DUET_LATENT         "latent"             /**< [batch, latent features]: codes of the batch */
#define DUET_POSTERIOR_DRAW "posterior_draw"     /**< [batch, latent features]: codes of the batch, a draw each */
#define DUET_DECODE         "decode"             /**< [batch, features of the data]: of duet_latent */
#define DUET_PRIOR          "prior"              /**< duet_latent itself; given without being asked for */
#define DUET_NLL            "nll"                /**< [batch]: -log p(x | z) if there is a KL, else -log p(x) */
#define DUET_KL             "kl"                 /**< [batch]: KL of the posterior from the prior, nats */
#define DUET_CLASS_LOGITS   "class_logits"       /**< [batch, classes]: of a classifier, for the batch */
#define DUET_CODE_LOGITS    "code_logits"        /**< [batch, categories]: of classes found without labels */
#define DUET_FEATURES       "features"           /**< [batch, n]: what a judge compares examples by */
#define DUET_LOGIT          "logit"              /**< [batch, 1]: the discriminator's, for the batch */
#define DUET_SAMPLE_LOGIT   "sample_logit"       /**< [batch, 1]: the discriminator's, for new examples */
#define DUET_BITS           "bits_per_dimension" /**< [batch]: -log2 p of the bytes a feature, or an upper bound */

/** Standard output `index`; NULL past the end. */
DUET_API const char *duet_standard_output(size_t index);
/** Gives a standard output; any other name is a mistake of the graph. */
DUET_API void duet_output_at(const char *where, duet_model *model, const char *name, duet_node value);
#define duet_output(model, name, value) duet_output_at(DUET_WHERE, (model), (name), (value))
/** Gives an output of the model's own. The name must outlive the model. */
DUET_API void duet_own_output_at(const char *where, duet_model *model, const char *name, duet_node value);
#define duet_own_output(model, name, value) duet_own_output_at(DUET_WHERE, (model), (name), (value))

/** The procedure "invert" over the batch, which finds the latents that `decode` ([rows, latent] to [rows, features of
 *  the data]) makes examples from: Adam on latents drawn from the prior of duet_latent, `restarts` of them an example,
 *  down the squared error less prior_weight * log p(z). Creswell & Bharath 2016 (arXiv:1611.05644). Outputs, of the
 *  best restart: "inverse" [batch, latent], "inverse_decode" [batch, features], "inverse_error" [batch], the mean
 *  squared error a feature; and "restart_spread" [batch], the deviation of that error over restarts. */
DUET_API void duet_invert_at(const char *where, duet_model *model, duet_node (*decode)(duet_model *model, duet_node z));
#define duet_invert(model, decode) duet_invert_at(DUET_WHERE, (model), (decode))

/** What annealing asks of a model of latents z and examples x. `context` is handed through; draws are of p(z),
 *  [rows, latents]; densities, in nats, [rows]; x has a row for each of z. */
typedef struct duet_joint {
    const void *context;
    duet_node (*draw)(duet_model *model, const void *context, size_t rows);
    duet_node (*log_prior)(duet_model *model, const void *context, duet_node z);
    duet_node (*nll)(duet_model *model, const void *context, duet_node z, duet_node x); /**< -log p(x | z) */
    duet_node (*observe)(duet_model *model, const void *context, duet_node z);          /**< a draw of p(x | z) */
} duet_joint;

/** Annealed importance sampling (Neal 2001) over the batch, from duet_latent's prior to the posterior by Hamiltonian
 *  moves, `chains` walks an example of `temperatures` steps. Three procedures: "anneal", with the outputs "annealed"
 *  [batch], log p(x) in nats, in the mean a lower bound, "annealed_chains", how many chains of equal weights say as
 *  much as these, and "annealed_acceptance" of moves; "simulate", with "simulated", a draw of p(x | z) for the
 * request's latents; and "anneal_back", given such examples and the latents they were drawn from, with "annealed_back",
 * in the mean an upper bound (Grosse et al. 2015, arXiv:1511.02543). */
DUET_API void duet_anneal_at(const char *where, duet_model *model, const duet_joint *joint);
#define duet_anneal(model, joint) duet_anneal_at(DUET_WHERE, (model), (joint))
/** The same for a decoder ([rows, latent] to [rows, features of the data]) that has no p(x | z), with the normal noise
 *  about what it makes whose deviation a request must name, `sigma`, as Wu et al. 2017 (arXiv:1611.04273) do for
 *  generators: log p(x) is that of the model with this noise. Nothing where the prior has no slope everywhere. */
DUET_API void duet_anneal_decoder_at(const char *where, duet_model *model,
                                     duet_node (*decode)(duet_model *model, duet_node z));
#define duet_anneal_decoder(model, decode) duet_anneal_decoder_at(DUET_WHERE, (model), (decode))

#ifdef __cplusplus
}
#endif

#endif
