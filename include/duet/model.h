/* Models: a family's build function composes nodes and says what is minimised over which groups, in which phases.
 * It reads like the paper's algorithm box; the trainer runs it. */
#ifndef DUET_MODEL_H
#define DUET_MODEL_H

#include "data.h"
#include "nn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct duet_model duet_model;

typedef enum duet_setting_kind {
    DUET_SETTING_NUMBER, /**< a real number in [low, high] */
    DUET_SETTING_COUNT,  /**< an integer in [low, high] */
    DUET_SETTING_CHOICE, /**< one of choices, "a|b|c" */
    DUET_SETTING_SIZES,  /**< positive integers with commas, such as 400,200; "" for none */
} duet_setting_kind;

/** A setting of a family: what --set KEY=VALUE may say. */
typedef struct duet_setting {
    const char *key;
    duet_setting_kind kind;
    const char *start; /**< the default, as text */
    double low, high;
    const char *choices;
    const char *help;
} duet_setting;

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
    void (*build)(duet_model *model);
    const duet_setting *settings; /**< rows that replace or join the common ones (width, optimiser, ...) */
    size_t setting_count;
    const duet_preset *presets;
    size_t preset_count;
    size_t batch; /**< examples a step of a training that does not say; 0: 128 */
} duet_family;

/** What a training takes that does not say: the preset's numbers if the settings name one, else the family's. */
typedef struct duet_training_size {
    size_t batch;
    uint64_t epochs;
} duet_training_size;

/** The built-in families, in the order of `duet models`. */
DUET_API const duet_family *duet_family_at(size_t index);
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
DUET_API const duet_family *duet_model_family(const duet_model *model);
DUET_API duet_store *duet_model_store(duet_model *model);
/** The value of a setting as text, given or default; NULL for an unknown key. Valid while the model lives. */
DUET_API const char *duet_model_setting_text(const duet_model *model, const char *key);

/* What a build function uses. */

/** The graph being built. */
DUET_API duet_graph *duet_model_graph(duet_model *model);
/** The examples of this step, [batch, features]: flat; duet_model_example_shape gives their own shape. */
DUET_API duet_node duet_model_batch(duet_model *model);
/** The same as pictures, [batch, height, width, channels]. Data that are no pictures, or whose height or width is no
 *  multiple of `multiple`, are a mistake of the graph. */
DUET_API duet_node duet_model_pictures(duet_model *model, size_t multiple);
/** Their classes as rows of one 1 and zeros, [batch, classes]. Data without labels are a mistake of the graph. In
 * graphs for evaluation an input that nothing fills: what a trained model gives must not depend on it. */
DUET_API duet_node duet_model_labels(duet_model *model);
DUET_API size_t duet_model_batch_size(const duet_model *model);
DUET_API duet_shape duet_model_example_shape(const duet_model *model);
/** Whether examples lie in [0, 1], so that a sigmoid or Bernoulli output fits. */
DUET_API bool duet_model_unit_range(const duet_model *model);
/** False in graphs made for evaluation and sampling. */
DUET_API bool duet_model_training(const duet_model *model);
DUET_API duet_group *duet_model_group(duet_model *model, const char *name);

/** A setting's value; a key the family does not have is a mistake of the graph. */
DUET_API double duet_setting_number(duet_model *model, const char *key);
DUET_API bool duet_setting_is(duet_model *model, const char *key, const char *choice);
/** The activation of hidden layers that the setting "activation" names. */
DUET_API duet_node duet_activate(duet_model *model, duet_node x);
/** The family's hidden layers: dense + activation for each of the setting's sizes, layers "hidden1", "hidden2", ... */
DUET_API duet_node duet_hidden_layers(duet_model *model, duet_group *group, const char *sizes_key, duet_node x);
/** The same in reverse order of sizes: a decoder that mirrors an encoder. */
DUET_API duet_node duet_hidden_layers_reversed(duet_model *model, duet_group *group, const char *sizes_key,
                                               duet_node x);

/** Opens a phase: what follows (minimise, report, assign) belongs to it. Its name, of at most 31 characters, is its own
 *  in the model. `repeats` replays a step; 0: as many as an epoch has batches, so that one step is one epoch. */
DUET_API void duet_phase(duet_model *model, const char *name, size_t repeats);
/** In this phase, update the groups down the gradient of `loss` (a scalar). All gradients of a phase are taken at the
 *  same parameters. */
DUET_API void duet_minimise_groups(duet_model *model, const char *where, duet_node loss, duet_node gate,
                                   duet_group *const *groups);
#define duet_minimise(model, loss, ...)                                                                                \
    duet_minimise_groups((model), DUET_WHERE, (loss), NULL, (duet_group *const[]){__VA_ARGS__, NULL})
/** With a gate: a scalar that scales the update; at 0 parameters and moments rest. */
#define duet_minimise_gated(model, loss, gate, ...)                                                                    \
    duet_minimise_groups((model), DUET_WHERE, (loss), (gate), (duet_group *const[]){__VA_ARGS__, NULL})
/** A scalar to log under `name`; losses and their terms, watched for NaN. */
DUET_API void duet_report(duet_model *model, const char *name, duet_node scalar);
/** Write a state at the phase's end. */
DUET_API void duet_phase_assign(duet_model *model, duet_node state, duet_node value);
/** The schedule's step number as a float32 scalar, from 0. */
DUET_API duet_node duet_model_step(duet_model *model);
/** min(1, (step + 1) / steps); 1 if steps is 0: KL warm-up. */
DUET_API duet_node duet_warm_up(duet_model *model, double steps);

/** An input [batch, features] with a standard normal prior, which sampling fills: the latent of "sample". */
DUET_API duet_node duet_latent(duet_model *model, size_t features);
/** What the trained model can do, by name: "sample" (from duet_latent), "reconstruction", "latent" (codes of the
 *  batch), and one number an example for metrics ("nll", "kl", ...). */
DUET_API void duet_output(duet_model *model, const char *name, duet_node value);

#ifdef __cplusplus
}
#endif

#endif
