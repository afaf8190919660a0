/* SPDX-License-Identifier: MIT */
/* What families need of the data, and what is said where it is missing. */
#ifndef DUET_SRC_MODEL_FAMILIES_NEEDS_H
#define DUET_SRC_MODEL_FAMILIES_NEEDS_H

#include "duet/model.h"

/** Refuses data that leave [0, 1]: says how far they go and what would fit. `what`: what needs the range, such as
 *  "likelihood=bernoulli"; `instead`: a setting for any numbers, or NULL. */
void duet_needs_unit_range(duet_model *model, const char *what, const char *instead);

/** The least and the largest number of the examples of both splits, all of which are read. */
duet_status duet_needs_range(duet_data *data, double ends[2], duet_error *error);

/** Refuses data beyond [0, 1] of which a loss says that it is for [0, 1] alone, by the line that made the loss: where
 * it reads the batch, in whatever shape, as it is or moved and scaled by a number, and the model's phases or outputs
 * read the loss. Before a training, numbers that are made of examples in other ways are computed for some of them
 * (model/values.h). */
void duet_needs_of_losses(duet_model *model);

/** How the data may come to lie there, "save ..." of numpy's words; false: they are made and not read, or a mistake is
 * recorded. */
enum { DUET_NEEDS_REMEDY = 320 };
bool duet_needs_remedy(duet_model *model, char text[DUET_NEEDS_REMEDY]);

/** Refuses data that leave [0, 1], as above, and data for training that are no bytes scaled to [0, 1], to the rounding
 *  of floats: says which number is none and what would fit. Of other data that a run is asked of it leaves a note.
 *  `instead` as above; `within`: a setting for any numbers in [0, 1], and why, or NULL. */
void duet_needs_bytes(duet_model *model, const char *what, const char *instead, const char *within);

/** Whether the model takes its data for bytes as 0 to 1: those that it was made for are. */
bool duet_model_takes_bytes(const duet_model *model);

/** Something is gone at step `steps`; 0: it stays. A training that ends before is warned of. */
void duet_note_fading(duet_model *model, double steps);

/** Of data that are no bytes: says, where a model takes them for bytes since its run began so, what that makes of its
 *  likelihood, as a warning of a training or a note of other data. */
void duet_warn_of_noise(duet_model *model);

/** Warns, where a model learns the density of numbers as they are and would add noise to bytes, of training pictures in
 *  [0, 1] that are none; whether it did. */
bool duet_warn_of_no_noise(duet_model *model);

/** What keeps a density from closing in on a value: a setting, "dequantise=yes", that adds the noise of bytes to
 * numbers in [0, 1]; or "least_deviation" and what it is now. */
typedef struct duet_blur {
    const char *setting;
    double deviation; /**< 0: it is noise */
    double most;      /**< that the setting takes */
} duet_blur;

/** Warns, for what learns the density of numbers as they are, of training data of which a column, or a number of a
 *  picture, has few values, or one again and again: such a density has no bound. Some thousand examples are looked
 *  at. */
void duet_warn_of_coarse_columns(duet_model *model, const duet_blur *blur);

/** Warns likewise of columns, or channels of pictures, that follow from others, as sums or copies of them do, and of
 *  columns that lie on a curved surface, as rows of one length or a product and its factors do: a bijection closes in
 *  on what they leave free. A mixture whose axes are the columns does not. */
void duet_warn_of_dependent_columns(duet_model *model);

/** Warns, for what learns a sigma for each number of an example, of training data of which some vary by no more than
 * the floor that keeps it from falling to 0: it goes there, whatever is learnt. */
void duet_warn_of_narrow_columns(duet_model *model, double floor);

/** Warns, for a posterior under a Gaussian likelihood, of training data that all together vary less than `sigma`, so
 *  that the posterior has nothing to say; where it then says nothing, that is the cause (run/health.c). */
void duet_warn_of_faint_examples(duet_model *model, double sigma);

/** Warns likewise of columns of a table that are half as wide as `sigma` at most, and next to nothing beside the widest
 *  one. Not where opening the set told of its scale, and not where all are faint. */
void duet_warn_of_hidden_columns(duet_model *model, double sigma);

/** Warns likewise, for what weighs columns by their squares or tells examples apart, of columns of a table of which the
 *  widest one is more than `far` times as wide. */
enum { DUET_FAR_BY_SQUARES = 64, DUET_FAR_FOR_PLAYERS = 1000 };
void duet_warn_of_uneven_columns(duet_model *model, double far);

/** Warns, for what mixes examples as duet_model_centred gives them with noise of deviation 1, of training data that
 *  deviate by less than `least` or more than `most`: a table's column by itself, other data as a whole. Not where
 *  opening the set told of its scale. */
void duet_warn_of_scale(duet_model *model, double least, double most);

/** The batch as pictures, [batch, height, width, channels]; refused if they are too small for a network whose windows
 * need `least` pixels each way. */
duet_node duet_pictures_at_least(duet_model *model, size_t least);

#endif
