/* A model as the trainer sees it: what its build function said, for one graph. */
#ifndef DUET_SRC_MODEL_MODEL_H
#define DUET_SRC_MODEL_MODEL_H

#include "base/status.h"
#include "duet/model.h"

enum {
    DUET_MAX_PHASES = 8,
    DUET_MAX_OBJECTIVES = 8,
    DUET_MAX_REPORTS = 24,
    DUET_MAX_GROUPS = 8,
    DUET_MAX_OUTPUTS = 24
};

typedef struct duet_objective {
    const char *where;
    duet_node loss, gate;
    duet_group *groups[DUET_MAX_GROUPS];
    size_t group_count;
} duet_objective;

typedef struct duet_report_row {
    const char *name;
    duet_node value;
} duet_report_row;

typedef struct duet_phase_description {
    char name[32];
    size_t repeats; /* 0: batches an epoch */
    bool draws;     /* its nodes read the batch, so each replay draws a new one (set by duet_model_build) */
    duet_objective objectives[DUET_MAX_OBJECTIVES];
    size_t objective_count;
    duet_report_row reports[DUET_MAX_REPORTS];
    size_t report_count;
    duet_node assign_targets[DUET_MAX_REPORTS], assign_values[DUET_MAX_REPORTS];
    size_t assign_count;
} duet_phase_description;

typedef struct duet_output_row {
    const char *name;
    duet_node value;
} duet_output_row;

/** Where the batch of a graph comes from. */
typedef enum duet_build_mode {
    DUET_BUILD_TRAIN, /* drawn from the training split, shuffled; phases and outputs exist */
    DUET_BUILD_EVAL,  /* an input named "batch" that the host or a plan fills; duet_model_training is false */
} duet_build_mode;

/** One graph of a model. Phases are filled in both modes; only a TRAIN build's are meant to be run. */
typedef struct duet_build {
    duet_graph *graph;
    duet_build_mode mode;
    size_t batch_size;
    duet_node batch;  /* [batch, features]; in EVAL mode an input */
    duet_node labels; /* [batch, classes], NULL: none; in EVAL mode an input, made when asked for */
    duet_node latent; /* the input made by duet_latent, NULL if none */
    duet_node draws;  /* uint32 state "trainer.draws": batches drawn so far */
    duet_node step;   /* uint32 state "trainer.step": schedule steps done */
    duet_phase_description phases[DUET_MAX_PHASES];
    size_t phase_count;
    duet_output_row outputs[DUET_MAX_OUTPUTS];
    size_t output_count;
} duet_build;

/** Runs the family's build function into a new graph over the model's store. The first TRAIN or EVAL build defines the
 *  parameters. Checks the graph. The caller frees with duet_build_free. */
duet_status duet_model_build(duet_model *model, duet_build_mode mode, size_t batch, duet_build **build,
                             duet_error *error);
void duet_build_free(duet_build **build);
duet_node duet_build_output(const duet_build *build, const char *name);

/** The optimiser that the model's settings ask for. */
duet_optimiser duet_model_optimiser(const duet_model *model);
duet_data *duet_model_data(const duet_model *model);
uint64_t duet_model_seed(const duet_model *model);
/** Setting `index` in the order of duet_family_setting: key and value; false past the end. */
bool duet_model_setting_at(const duet_model *model, size_t index, const char **key, const char **value);

#endif
