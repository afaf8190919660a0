/* SPDX-License-Identifier: MIT */
/* What families need of the data. Beyond [0, 1] they give a Bernoulli's "likelihood" no bound, so that training would
 * rise for ever and mean nothing. */
#include "model/families/needs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/columns.h"
#include "data/data.h"
#include "data/dependence.h"
#include "data/plausible.h"
#include "data/remedy.h"
#include "model/model.h"

enum {
    PIECE = 256,
    MOST_GENERATED = 2048,
    MOST_ROWS = 4096, /* whose columns are looked at */
    LOOKED_AT = 1 << 20,
    LEAST_ROWS = 30, /* that say how many values there are */
    SHOWN = 4,       /* columns by number */
    REMEDY = DUET_REMEDY_SIZE + 8
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
static const char *remedy_for(const duet_data_info *info, const range *found, char text[REMEDY])
{
    if (info->generated) return NULL;
    bool bytes = found->whole && found->low >= 0 && found->high >= DUET_BRIGHT && found->high <= 255;
    if (bytes) return "save array.astype('u1'): bytes are read as 0 to 1";
    char scaled[DUET_REMEDY_SIZE];
    if (duet_shape_is_table(info->shape) && info->shape.dims[0] > 1) return "save " DUET_REMEDY_UNIT_COLUMNS;
    (void)snprintf(text, REMEDY, "save %s", duet_remedy_unit((double)found->low, (double)found->high, scaled));
    return text;
}

static const char any_numbers[] = ", which is for any numbers", bytes_of_unit[] = "(255 * array).round().astype('u1')";

/* `bytes`: numbers between those that bytes become would be refused in their turn. */
static void refuse_range(duet_model *model, const char *what, const char *instead, bool bytes)
{
    const duet_data_info *info = duet_data_describe(duet_model_data(model));
    duet_graph *graph = duet_model_graph(model);
    duet_error error = {0};
    range found = {0};
    char text[REMEDY];
    if (info->unit_range) return;
    if (find_range(duet_model_data(model), &found, &error) != DUET_OK) {
        duet_graph_refuse(graph, error.status, "%s", error.message);
        return;
    }
    const char *remedy = remedy_for(info, &found, text);
    const bool then = bytes && remedy != NULL && strstr(remedy, "'u1'") == NULL;
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
    const char *note, *taken = "takes each for the nearer of the two";
    for (size_t i = 0; (note = duet_data_note(data, i, NULL)) != NULL; i++)
        if (strstr(note, taken) != NULL) return;
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
    const char *note;
    if (duet_model_training(model)) {
        duet_model_warn(model, "%s", text);
        return;
    }
    for (size_t i = 0; (note = duet_data_note(data, i, NULL)) != NULL; i++)
        if (strstr(note, words) != NULL) return;
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

void duet_warn_of_no_noise(duet_model *model)
{
    const duet_data_info *info = duet_data_describe(duet_model_data(model));
    float found = NAN;
    if (!model->bytes && duet_model_data(model)->bytes) tell_of_bytes(model);
    if (!duet_model_training(model) || info->shape.rank == 1 || !has_between(model, &found)) return;
    duet_model_warn(
        model,
        "%s: has numbers between k / 255 and (k + 1) / 255, such as %.9g, so that its pictures are learnt as "
        "numbers, not bytes: nll is their density as they are, which has no bound where pixels are alike, "
        "and there are no bits; dequantise=yes adds the noise of bytes%s",
        info->name, (double)found, info->generated ? "" : ", and (255 * array).round().astype('u1') has bytes");
}

/* Of two values alone, of few for so many examples, or of one that a tenth of them have. */
static bool is_coarse(const duet_column *it)
{
    if (it->distinct <= 2 || it->count < LEAST_ROWS) return it->distinct <= 2;
    return 10 * it->distinct < it->count || (it->whole && 2 * it->distinct < it->count) ||
           10 * it->common_times > it->count;
}

/* What is common to the columns that are told of. */
typedef struct coarseness {
    duet_text list;
    size_t columns;
    size_t blurred; /* the first whose values lie apart, so that noise between them may blur it; `features`: none */
    float step;
} coarseness;

static void take_column(coarseness *it, const duet_data_info *info, size_t place, const duet_column *column)
{
    const bool few = column->distinct <= 2 || 2 * column->distinct < column->count;
    char name[160];
    if (few && column->distinct > 1 && it->step == 0) {
        it->blurred = place;
        it->step = column->step;
    }
    if (it->columns++ >= SHOWN) return;
    duet_text_add(&it->list, "%s%zu%s (", it->columns > 1 ? ", " : "", place + 1,
                  duet_column_name(info->columns, place, name, sizeof name));
    if (column->distinct == 2)
        duet_text_add(&it->list, "%g and %g alone)", (double)column->low.value, (double)column->high.value);
    else if (few)
        duet_text_add(&it->list, "%zu value%s)", column->distinct, column->distinct == 1 ? "" : "s");
    else
        duet_text_add(&it->list, "%g in %zu)", (double)column->common, column->common_times);
}

/* Some thousand examples that stand for all. */
typedef struct examples {
    const duet_data_info *info;
    size_t count, features;
    float *rows, *column; /* room for one column */
} examples;

static duet_status read_examples(examples *it, duet_data *data, duet_error *error)
{
    const size_t total = it->info->count[DUET_TRAIN];
    size_t wanted = it->features < LOOKED_AT / MOST_ROWS ? MOST_ROWS : LOOKED_AT / it->features, first, piece;
    if (wanted < 1) wanted = 1;
    if (wanted > total) wanted = total;
    it->rows = calloc(wanted, it->features * sizeof *it->rows);
    it->column = calloc(wanted, sizeof *it->column);
    if (it->rows == NULL || it->column == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", wanted);
    for (size_t i = 0; duet_rows_spread(total, wanted, i, &first, &piece); i++) {
        DUET_TRY(duet_data_read(data, DUET_TRAIN, first, piece, it->rows + it->count * it->features, error));
        it->count += piece;
    }
    return DUET_OK;
}

static void free_examples(examples *it)
{
    free(it->rows);
    free(it->column);
}

/* Reads them where columns of a table, not pictures, are learnt from; false: they are not, or a mistake is recorded. */
static bool have_table(duet_model *model, examples *it)
{
    duet_data *data = duet_model_data(model);
    duet_error error = {0};
    *it = (examples){.info = duet_data_describe(data)};
    it->features = duet_shape_elements(it->info->shape);
    if (!duet_model_training(model) || data->owner != NULL || data->asked || it->info->generated ||
        it->info->type == DUET_UINT8 || it->info->shape.rank != 1)
        return false;
    if (read_examples(it, data, &error) == DUET_OK) return true;
    duet_graph_refuse(duet_model_graph(model), error.status, "%s", error.message);
    free_examples(it);
    return false;
}

static void look_at_columns(examples *it, coarseness *found)
{
    for (size_t i = 0; it->count > 1 && i < it->features; i++) {
        for (size_t row = 0; row < it->count; row++) it->column[row] = it->rows[row * it->features + i];
        const duet_column column = duet_column_look(it->column, it->count);
        const bool said =
            column.distinct == 1 && it->count == it->info->count[DUET_TRAIN] && it->features < DUET_PICTURE_NUMBERS;
        if (is_coarse(&column) && !said) take_column(found, it->info, i, &column); /* said when the set was opened */
    }
}

static void tell_of_coarseness(duet_model *model, size_t count, size_t features, const coarseness *found)
{
    char blur[128] = "", more[48] = "";
    if (found->step > 0)
        (void)duet_text_print(blur, sizeof blur, ", or blur them, as by array[:, %zu] += %g * numpy.random.random(%s)",
                              found->blurred, (double)found->step, "len(array)");
    if (found->columns > SHOWN) (void)duet_text_print(more, sizeof more, " and %zu more", found->columns - SHOWN);
    duet_model_warn(model,
                    "of %zu examples that were looked at these columns of %zu have few values, or one again and again: "
                    "%s%s: a density has no bound there, and nll falls as it closes in on them, whatever is learnt of "
                    "the others: take them out%s",
                    count, features, duet_text_get(&found->list), more, blur);
}

void duet_warn_of_coarse_columns(duet_model *model)
{
    examples it;
    if (!have_table(model, &it)) return;
    coarseness found = {.blurred = it.features};
    look_at_columns(&it, &found);
    if (found.columns > 0) tell_of_coarseness(model, it.count, it.features, &found);
    duet_text_free(&found.list);
    free_examples(&it);
}

/* "3 ("c") from 1 ("a") and 2 ("b")". */
static void add_dependence(duet_text *list, const duet_data_info *info, const duet_dependence *it)
{
    const size_t shown = it->count < DUET_DEPENDENCE_SHOWN ? it->count : DUET_DEPENDENCE_SHOWN;
    char name[160];
    duet_text_add(list, "%s%zu%s from ", list->length > 0 ? ", " : "", it->column + 1,
                  duet_column_name(info->columns, it->column, name, sizeof name));
    for (size_t i = 0; i < shown; i++)
        duet_text_add(list, "%s%zu%s", i > 0 ? " and " : "", it->others[i] + 1,
                      duet_column_name(info->columns, it->others[i], name, sizeof name));
    if (it->count > shown) duet_text_add(list, " and %zu more", it->count - shown);
}

static void tell_of_dependence(duet_model *model, const examples *it, const duet_dependence *list, size_t found)
{
    duet_text text = {0}, columns = {0};
    char more[48] = "";
    for (size_t i = 0; i < found && i < SHOWN; i++) {
        add_dependence(&text, it->info, &list[i]);
        duet_text_add(&columns, "%s%zu", i > 0 ? ", " : "", list[i].column);
    }
    if (found > SHOWN) (void)duet_text_print(more, sizeof more, " and %zu more", found - SHOWN);
    duet_model_warn(model,
                    "in %zu examples that were looked at these columns of %zu follow from others, as copies or sums of "
                    "multiples: %s%s: a density has no bound there, and nll falls as it closes in on them, whatever is "
                    "learnt of the others: take them out, as by numpy.delete(array, [%s], 1), of both splits",
                    it->count, it->features, duet_text_get(&text), more, duet_text_get(&columns));
    duet_text_free(&text);
    duet_text_free(&columns);
}

/* Of columns of which none follows from others alone. */
static duet_status look_for_surface(duet_model *model, const examples *it, duet_error *error)
{
    duet_dependence found;
    duet_text text = {0};
    DUET_TRY(duet_find_surface(it->rows, it->count, it->features, &found, error));
    if (found.count == 0) DUET_TRY(duet_find_curve(it->rows, it->count, it->features, &found, error));
    if (found.count == 0) return DUET_OK;
    add_dependence(&text, it->info, &found);
    duet_model_warn(
        model,
        "in %zu examples that were looked at columns of %zu lie on a curved surface, as rows of one length do, a "
        "product and its factors, or a number and its logarithm: %s: a density has no bound there, and nll falls as it "
        "closes in on it, whatever is learnt besides: take such a column out, as by numpy.delete(array, [%zu], 1), of "
        "both splits",
        it->count, it->features, duet_text_get(&text), found.column);
    duet_text_free(&text);
    return DUET_OK;
}

void duet_warn_of_dependent_columns(duet_model *model)
{
    examples it;
    duet_dependence list[SHOWN];
    duet_error error = {0};
    size_t found;
    if (!have_table(model, &it)) return;
    duet_status status = duet_find_dependence(it.rows, it.count, it.features, list, SHOWN, &found, &error);
    if (status == DUET_OK && found > 0)
        tell_of_dependence(model, &it, list, found);
    else if (status == DUET_OK)
        status = look_for_surface(model, &it, &error);
    if (status != DUET_OK) duet_graph_refuse(duet_model_graph(model), status, "%s", error.message);
    free_examples(&it);
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
