/* SPDX-License-Identifier: MIT */
/* What families need of the data. Beyond [0, 1] they give a Bernoulli's "likelihood" no bound, so that training would
 * rise for ever and mean nothing. */
#include "model/families/needs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/data.h"
#include "data/plausible.h"
#include "data/remedy.h"
#include "model/model.h"

enum {
    PIECE = 256,
    MOST_GENERATED = 2048,
};

/* The least and the largest number of the examples of both splits, and whether all are whole. */
typedef struct range {
    float low, high;
    bool whole;
} range;

static duet_status widen_range(duet_data *data, duet_split split, range *found, duet_error *error)
{
    const duet_data_info *info = duet_data_describe(data);
    size_t features = duet_shape_elements(info->shape), total = info->count[split];
    float *room = calloc(PIECE * features, sizeof *room);
    if (room == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", PIECE);
    duet_status status = DUET_OK;
    for (size_t first = 0; status == DUET_OK && first < total; first += PIECE) {
        size_t count = total - first < PIECE ? total - first : PIECE;
        status = duet_data_read(data, split, first, count, room, error);
        for (size_t i = 0; status == DUET_OK && i < count * features; i++) {
            found->low = fminf(found->low, room[i]);
            found->high = fmaxf(found->high, room[i]);
            found->whole = found->whole && room[i] == floorf(room[i]);
        }
    }
    free(room);
    return status;
}

static duet_status find_range(duet_data *data, range *found, duet_error *error)
{
    *found = (range){INFINITY, -INFINITY, true};
    DUET_TRY(widen_range(data, DUET_TRAIN, found, error));
    return widen_range(data, DUET_TEST, found, error);
}

duet_status duet_needs_range(duet_data *data, double ends[2], duet_error *error)
{
    range found;
    DUET_TRY(find_range(data, &found, error));
    ends[0] = (double)found.low;
    ends[1] = (double)found.high;
    return DUET_OK;
}

/* How the data themselves may come to fit; NULL: they are made, not read. */
static const char *remedy_for(const duet_data *data, const range *found, char text[DUET_NEEDS_REMEDY])
{
    const duet_data_info *info = duet_data_describe(data);
    if (info->generated) return NULL;
    if (duet_data_has_note(data, DUET_NOTE_OF_CODES))
        return "first do what the warning of the value that may be missing says";
    bool bytes = found->whole && found->low >= 0 && found->high >= DUET_BRIGHT && found->high <= 255;
    if (bytes) return "save array.astype('u1'): bytes are read as 0 to 1";
    char scaled[DUET_REMEDY_SIZE];
    if (duet_shape_is_table(info->shape) && info->shape.dims[0] > 1) return "save " DUET_REMEDY_UNIT_COLUMNS;
    double low = (double)found->low, high = (double)found->high;
    if (info->type == DUET_UINT8) { /* as the array has them */
        low = rint(255 * low);
        high = rint(255 * high);
    }
    (void)snprintf(text, DUET_NEEDS_REMEDY, "save %s", duet_remedy_unit(low, high, scaled));
    return text;
}

bool duet_needs_remedy(duet_model *model, char text[DUET_NEEDS_REMEDY])
{
    duet_error error = {0};
    range found;
    if (find_range(duet_model_data(model), &found, &error) != DUET_OK) {
        duet_graph_refuse(duet_model_graph(model), error.status, "%s", error.message);
        return false;
    }
    const char *remedy = remedy_for(duet_model_data(model), &found, text);
    if (remedy != NULL && remedy != text) (void)snprintf(text, DUET_NEEDS_REMEDY, "%s", remedy);
    return remedy != NULL;
}

static const char any_numbers[] = ", which is for any numbers", bytes_of_unit[] = "(255 * array).round().astype('u1')";

/* `bytes`: numbers between those that bytes become would be refused in their turn. */
static void refuse_range(duet_model *model, const char *what, const char *instead, bool bytes)
{
    const duet_data_info *info = duet_data_describe(duet_model_data(model));
    duet_graph *graph = duet_model_graph(model);
    duet_error error = {0};
    range found = {0};
    char text[DUET_NEEDS_REMEDY];
    if (info->unit_range) return;
    if (find_range(duet_model_data(model), &found, &error) != DUET_OK) {
        duet_graph_refuse(graph, error.status, "%s", error.message);
        return;
    }
    const char *remedy = remedy_for(duet_model_data(model), &found, text);
    const bool then = bytes && remedy != NULL && strncmp(remedy, "save", 4) == 0 && strstr(remedy, "'u1'") == NULL;
    duet_graph_refuse(graph, DUET_ERROR_DATA, "%s is for %s, and the examples of %s go from %g to %g%s%s%s%s%s%s%s",
                      what, bytes ? "bytes as 0 to 1" : "data in [0, 1]", info->name, (double)found.low,
                      (double)found.high, remedy != NULL ? ": " : "", remedy != NULL ? remedy : "",
                      then ? ", and of that " : "", then ? bytes_of_unit : "",
                      instead == NULL  ? ""
                      : remedy != NULL ? "; or take "
                                       : ": take ",
                      instead == NULL ? "" : instead, instead == NULL ? "" : any_numbers);
}

void duet_needs_unit_range(duet_model *model, const char *what, const char *instead)
{
    refuse_range(model, what, instead, false);
}

/* The first number of a split's examples that is no byte / 255; NaN: all are. Of a generated set some examples are
 * looked at. */
static duet_status find_between(duet_data *data, duet_split split, float *found, duet_error *error)
{
    const duet_data_info *info = duet_data_describe(data);
    size_t features = duet_shape_elements(info->shape), total = info->count[split];
    float *room = calloc(PIECE * features, sizeof *room);
    if (room == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", PIECE);
    duet_status status = DUET_OK;
    *found = NAN;
    if (info->generated && total > MOST_GENERATED) total = MOST_GENERATED;
    for (size_t first = 0; status == DUET_OK && isnan(*found) && first < total; first += PIECE) {
        size_t count = total - first < PIECE ? total - first : PIECE;
        status = duet_data_read(data, split, first, count, room, error);
        for (size_t i = 0; status == DUET_OK && isnan(*found) && i < count * features; i++)
            if (!duet_is_level(room[i])) *found = room[i];
    }
    free(room);
    return status;
}

/* Such a number of the examples that a model is made for, as find_between. false: there is none, nobody reads them yet,
 * or a mistake is recorded. */
static bool has_between(duet_model *model, float *found)
{
    duet_data *data = duet_model_data(model);
    duet_error error = {0};
    if (data->owner != NULL || data->bytes || !data->info.unit_range) return false;
    duet_status status = find_between(data, DUET_TRAIN, found, &error);
    if (status == DUET_OK && isnan(*found)) status = find_between(data, DUET_TEST, found, &error);
    if (status != DUET_OK) duet_graph_refuse(duet_model_graph(model), error.status, "%s", error.message);
    return status == DUET_OK && !isnan(*found);
}

/* A run of bytes may be asked of other data, for which it was not made: that is said, and each time the function of the
 * model is built it would be said again. */
static void tell_of_rounding(duet_data *data, const char *what, float found)
{
    const char *taken = "takes each for the nearer of the two";
    if (duet_data_has_note(data, taken)) return;
    duet_notes_add(&data->notes, false,
                   "%s: has numbers between k / 255 and (k + 1) / 255, such as %.9g, and %s %s; save %s to have it so",
                   duet_data_describe(data)->name, (double)found, what, taken, bytes_of_unit);
}

void duet_needs_bytes(duet_model *model, const char *what, const char *instead, const char *within)
{
    const duet_data_info *info = duet_data_describe(duet_model_data(model));
    float found = NAN;
    refuse_range(model, what, instead, true);
    if (!has_between(model, &found)) return;
    if (!duet_model_training(model)) {
        tell_of_rounding(duet_model_data(model), what, found);
        return;
    }
    duet_graph_refuse(
        duet_model_graph(model), DUET_ERROR_DATA,
        "%s is for bytes as 0 to 1, and the examples of %s have numbers between k / 255 and (k + 1) / 255, "
        "such as %.9g%s%s%s%s%s",
        what, info->name, (double)found, info->generated ? "" : ": save ", info->generated ? "" : bytes_of_unit,
        instead != NULL || within != NULL ? "; or take " : "",
        instead != NULL  ? instead
        : within != NULL ? within
                         : "",
        instead != NULL ? any_numbers : "");
}

bool duet_model_takes_bytes(const duet_model *model)
{
    if (model->build != NULL) model->build->asks_bytes = true;
    return model->bytes;
}

void duet_note_fading(duet_model *model, double steps)
{
    model->build->fading = steps;
}

/* A warning of a training; of other data, for which a run is built several times, one note that holds the words. */
static void tell_of_data(duet_model *model, const char *words, const char *text)
{
    duet_data *data = duet_model_data(model);
    if (duet_model_training(model))
        duet_model_warn(model, "%s", text);
    else if (!duet_data_has_note(data, words))
        duet_notes_add(&data->notes, false, "%s", text);
}

void duet_warn_of_noise(duet_model *model)
{
    const char *taken = "is taken for bytes all the same";
    float found = NAN;
    char text[640];
    if (!has_between(model, &found)) return;
    (void)duet_text_print(
        text, sizeof text,
        "%s: has numbers between k / 255 and (k + 1) / 255, such as %.9g, and %s, as the run began so: "
        "its nll is that of numbers with noise of 1 / 256, and its bits are those of no bytes that "
        "are there; train a new run for the density of numbers themselves",
        duet_data_describe(duet_model_data(model))->name, (double)found, taken);
    tell_of_data(model, taken, text);
}

/* Of bytes that a run takes for the numbers that it began with. */
static void tell_of_bytes(duet_model *model)
{
    const char *taken = "are taken as the numbers that they are";
    char text[384];
    (void)duet_text_print(
        text, sizeof text,
        "%s: holds bytes, k / 255, which %s, as the run began with numbers: its nll compares with none "
        "of bytes with noise; train a new run for that",
        duet_data_describe(duet_model_data(model))->name, taken);
    tell_of_data(model, taken, text);
}

bool duet_warn_of_no_noise(duet_model *model)
{
    const duet_data_info *info = duet_data_describe(duet_model_data(model));
    float found = NAN;
    if (!model->bytes && duet_model_data(model)->bytes) tell_of_bytes(model);
    if (!duet_model_training(model) || info->shape.rank == 1 || !has_between(model, &found)) return false;
    duet_model_warn(
        model,
        "%s: has numbers between k / 255 and (k + 1) / 255, such as %.9g, so that its pictures are learnt as "
        "numbers, not bytes: nll is their density as they are, which has no bound where pixels are alike, "
        "and there are no bits; dequantise=yes adds the noise of bytes%s",
        info->name, (double)found, info->generated ? "" : ", and (255 * array).round().astype('u1') has bytes");
    return true;
}

duet_node duet_pictures_at_least(duet_model *model, size_t least)
{
    const duet_data_info *info = duet_data_describe(duet_model_data(model));
    const size_t *dims = info->shape.dims;
    if (info->shape.rank == 3 && (dims[0] < least || dims[1] < least))
        duet_graph_refuse(duet_model_graph(model), DUET_ERROR_DATA,
                          "the model %s needs pictures of at least %zu x %zu pixels; those of %s are %zu x %zu",
                          duet_model_family(model)->name, least, least, info->name, dims[0], dims[1]);
    return duet_model_pictures(model, 1);
}
