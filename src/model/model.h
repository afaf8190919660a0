/* SPDX-License-Identifier: MIT */
/* A model as the layers above see it: what its build function said, for one graph. */
#ifndef DUET_SRC_MODEL_MODEL_H
#define DUET_SRC_MODEL_MODEL_H

#include "base/status.h"
#include "data/class_names.h"
#include "data/feed.h"
#include "duet/model.h"
#include "duet/ranks.h"
#include "model/settings.h"

enum { DUET_CHAINS = 8 }; /* walks an example of annealing, where a request does not say how many */

typedef struct duet_objective {
    const char *where;
    duet_node loss, gate;
    duet_group **groups;
    size_t group_count, group_capacity;
} duet_objective;

typedef struct duet_report_row {
    const char *name;
    duet_node value;   /* NULL: how far the update of `group` goes, which phase.c measures */
    duet_group *group; /* NULL where there is a value */
} duet_report_row;

typedef struct duet_assignment {
    const char *where;
    duet_node target, value;
} duet_assignment;

typedef struct duet_phase_description {
    char name[32];
    const char *where; /* of duet_phase */
    size_t repeats;    /* replays a step; 0: as many as an epoch has batches */
    size_t every;      /* in training, the first of each `every` steps replays the phase */
    bool shares;       /* reads the same batch as the phase before it */
    bool owns_moments; /* its updates have moments of their own */
    bool draws;        /* each replay ends by moving on to the next batch (set by duet_model_build) */
    bool has_optimiser;
    duet_optimiser optimiser; /* if has_optimiser; else the settings choose it */
    duet_objective *objectives;
    size_t objective_count, objective_capacity;
    duet_report_row *reports;
    size_t report_count, report_capacity;
    duet_assignment *assigns;
    size_t assign_count, assign_capacity;
} duet_phase_description;

typedef struct duet_output_row {
    const char *name, *where;
    duet_node value;
} duet_output_row;

/** Phases in order, and the outputs of one pass of them. */
typedef struct duet_procedure_description {
    char name[32];
    duet_phase_description *phases;
    size_t phase_count, phase_capacity;
    size_t rounds; /* at use: passes over the phases; 0: one */
    duet_output_row *outputs;
    size_t output_count, output_capacity;
} duet_procedure_description;

/** A number that a request may set. */
typedef struct duet_knob {
    char key[32];
    const char *help; /* the model's own text */
    double value, initial, low, high;
    bool whole;
    uint64_t readers; /* bit i: procedure i reads it */
} duet_knob;

/** What a graph is for. */
typedef enum duet_build_mode {
    DUET_BUILD_TRAIN, /* batches are drawn from the training split */
    DUET_BUILD_EVAL,  /* inputs that a host or a plan fills; duet_model_training is false */
} duet_build_mode;

/** How a graph for use is to be made. */
typedef struct duet_build_options {
    duet_build_mode mode;
    size_t batch;             /* rows; TRAIN: of all ranks together */
    bool draws_latents;       /* EVAL: latents are drawn from the prior; else they are an input */
    bool draws_classes;       /* EVAL: classes are drawn, as often as training examples have them; else an input */
    bool streams;             /* TRAIN: examples are read while the device works, not kept on it */
    bool learns;              /* EVAL: layers work as in training and update their states */
    const char *const *knobs; /* "key=value", of duet_use_count and duet_use_number or "weights" */
    size_t knob_count;
} duet_build_options;

/** One graph of a model. */
typedef struct duet_build {
    duet_graph *graph;
    duet_build_options options;
    duet_store *scratch; /* the procedures' own variables; freed with the build */
    size_t batch_size;
    duet_node batch;  /* [batch, features]; in EVAL mode an input */
    duet_node labels; /* [batch, classes], NULL: none; in EVAL mode made by the first duet_model_labels */
    duet_node latent; /* made by duet_latent; NULL: the model has none */
    const char *latent_where;
    duet_prior *prior; /* the parts of the latent's prior */
    size_t prior_count;
    duet_feed *feed;                        /* brings the batches of a build that streams; else NULL */
    duet_node draws;                        /* uint32 state "trainer.draws": batches drawn so far */
    duet_node step;                         /* uint32 state "trainer.step": training steps done */
    bool asks_bytes;                        /* the model's composition goes by whether its data are bytes */
    bool faint;                             /* examples vary less than what its likelihood takes for noise */
    double warm_up, fading;                 /* steps of the longest duet_warm_up, and until noise is gone; 0: none */
    duet_procedure_description *procedures; /* the first is "train", whose outputs need no replay of its phases */
    size_t procedure_count, procedure_capacity;
    size_t open; /* index of the procedure that is being described */
    duet_knob *knobs;
    size_t knob_count, knob_capacity;
    duet_error knob_error; /* the first mistake in the request's knobs */
    char **names;          /* of the reports that building adds */
    size_t name_count, name_capacity;
    char **warnings; /* what its user should know before it trains, each once */
    size_t warning_count, warning_capacity;
} duet_build;

struct duet_model {
    const duet_family *family;
    duet_data *data;
    duet_store *store;
    duet_settings settings;
    uint64_t seed;
    duet_ranks *ranks; /* that train it together; NULL: one process alone */
    size_t classes;    /* of labels in use; in training the data says how many there are */
    size_t class_counts[DUET_MOST_CLASSES]; /* training examples of each; all 0: nobody knows */
    bool bytes;        /* its data are taken for bytes, k / 255 */
    duet_build *build; /* the build being made; NULL outside duet_model_build_as */
    struct duet_trainer *trainer; /* that the store's counts are of; NULL: of none that is there */
};

/** Runs the family's build function into a new graph over the model's store. The first build defines the parameters.
 *  Checks the graph. The caller frees with duet_build_free, once no plan of the graph is left. */
duet_status duet_model_build_as(duet_model *model, const duet_build_options *options, duet_build **build,
                                duet_error *error);
/** The same without knobs; in EVAL mode latents are an input. */
duet_status duet_model_build(duet_model *model, duet_build_mode mode, size_t batch, duet_build **build,
                             duet_error *error);
/** Whether some group of the model keeps an average of its weights. */
bool duet_model_keeps_averages(const duet_model *model);
/** Whether a request asks for averaged weights: of "weights=average" and "weights=trained" among its settings the last
 *  one counts. */
bool duet_settings_want_averages(const char *const *settings, size_t count);
void duet_build_free(duet_build **build);
/** The procedure that gives the output `name`, and in *value the output's node; both NULL if the model has none of that
 *  name. */
const duet_procedure_description *duet_build_find_output(const duet_build *build, const char *name, duet_node *value);
/** The output's node, whatever procedure gives it; NULL: there is none. */
duet_node duet_build_output(const duet_build *build, const char *name);
/** NULL: there is none of that name. */
const duet_procedure_description *duet_build_procedure(const duet_build *build, const char *name);

/** One flag a node, indexed by node id: whether the node is one of the sources or depends on one. NULL: out of memory.
 *  The caller frees it. */
bool *duet_build_dependents(const duet_build *build, const duet_node *sources, size_t count);
/** Whether the output, or a phase of the procedure that is replayed for it, depends on parameters of which an average
 * is kept. */
bool duet_build_reads_averages(const duet_build *build, const duet_procedure_description *procedure, duet_node output);
/** Whether a loss, gate, report or assigned value of the phase is marked; `marked` is indexed by node id. */
bool duet_phase_depends(const duet_phase_description *phase, const bool *marked);

/** A checksum a node, indexed by node id, of all that it is computed from (composition.c). The caller frees them; NULL:
 *  out of memory. */
uint64_t *duet_build_sums(const duet_build *build);
/** Of an output: of its node and of the phases that it takes. */
uint64_t duet_build_sum_output(const duet_build *build, const uint64_t *sums,
                               const duet_procedure_description *procedure, duet_node value);
/** Of what "train" minimises, assigns and leaves in states. */
uint64_t duet_build_sum_training(const duet_build *build, const uint64_t *sums);

/** Records mistakes that show only when everything has been said (check.c). The graph has none yet. */
void duet_build_check(const duet_model *model, const duet_build *build);

/** Whether commands and metrics know outputs of that name (outputs.c). */
bool duet_output_is_standard(const char *name);
/** Records what cannot be meant by a standard output that is being given: rows of other widths, classes that are told
 *  by themselves. */
void duet_output_check(const char *where, const duet_model *model, const char *name, duet_node value);
/** The same of all of them once everything has been said: what they are made of. */
void duet_outputs_check(const duet_build *build);

/** Whether no report of the procedure may have that name. */
bool duet_report_is_taken(const duet_procedure_description *procedure, const char *name);

/** Sets how many classes the model knows in use: those it was trained on, whatever data it is opened with. */
void duet_model_set_classes(duet_model *model, size_t classes);

/** Sets how many training examples each class has: what is drawn in use follows them. All 0: nobody knows. */
void duet_model_set_class_counts(duet_model *model, const size_t counts[DUET_MOST_CLASSES]);

/** Says it as it was when a run began, whatever data it has now. */
void duet_model_set_bytes(duet_model *model, bool bytes);

/** The optimiser that the settings ask for. For a group, settings such as "generator.lr" override the common ones;
 *  NULL: the common ones alone. */
duet_optimiser duet_model_optimiser(const duet_model *model, const char *group);
/** Marks the settings that this optimiser follows, which depends on its kind, and those that layers' weights do. */
void duet_model_mark_optimiser(const duet_model *model, const char *group);
void duet_model_mark_layers(const duet_model *model);
/** Allocates the averages that groups keep, so that a checkpoint can fill them. The model must have been built. */
duet_status duet_model_make_averages(duet_model *model, duet_error *error);
duet_data *duet_model_data(const duet_model *model);
uint64_t duet_model_seed(const duet_model *model);
/** Setting `index` in the order of duet_family_setting, then those of groups: key and value; false past the end. */
bool duet_model_setting_at(const duet_model *model, size_t index, const char **key, const char **value);

#endif
