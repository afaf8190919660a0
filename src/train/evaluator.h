/* A model in use: outputs computed for latents or examples, a fixed-size chunk at a time. One plan an output; the last
 * chunk is filled up with zeros, which no other row sees. */
#ifndef DUET_SRC_TRAIN_EVALUATOR_H
#define DUET_SRC_TRAIN_EVALUATOR_H

#include "duet/plan.h"
#include "model/model.h"

enum { DUET_EVALUATOR_ROWS = 100 };

typedef struct duet_evaluator duet_evaluator;

/** Builds the model for evaluation. Model and device must outlive it. */
duet_status duet_evaluator_new(duet_evaluator **evaluator, duet_device *device, duet_model *model, duet_error *error);
void duet_evaluator_free(duet_evaluator **evaluator);

/** Numbers an example of an output, 0 if the model does not have it; of the latent input, 0 if it has none. */
size_t duet_evaluator_features(const duet_evaluator *evaluator, const char *output);
size_t duet_evaluator_latent_features(const duet_evaluator *evaluator);

/** What the rows of a call are. */
typedef enum duet_evaluator_source { DUET_FROM_LATENTS, DUET_FROM_EXAMPLES } duet_evaluator_source;

/** Output `output` of `count` rows: [count, features]. Noise inside the model comes from `seed`; the random clock and
 *  seed of the store are put back afterwards, so that a training going on does not notice. */
duet_status duet_evaluator_compute(duet_evaluator *evaluator, duet_evaluator_source source, const char *output,
                                   const float *rows, size_t count, uint64_t seed, float *values, duet_error *error);

/** count standard normal latents: a pure function of seed, row and column. */
void duet_prior_latents(uint64_t seed, size_t count, size_t features, float *latents);

#endif
