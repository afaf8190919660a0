/* SPDX-License-Identifier: MIT */
/* Heuristics in one place. A question is asked only of data that would be trained on without a word and come out
 * wrong; each says what answers it. */
#include "data/plausible.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/status.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/remedy.h"

enum {
    FEW = 4 /* channels at most */,
    MANY = 1000,
    BYTES_AT_ONCE = 64 * 1024,
    COMPARED = 16,
    MANY_CLASSES = 20,
    ANSWER = 1024
};

/* What an answer stands behind: the set, with what is said of it already, where the rows may be a file in it. */
static const char *answered(const duet_rows *rows, const duet_data_options *options)
{
    return options->name != NULL ? options->name : rows->path;
}

/* An answer that is given behind a colon, after the words in front of it; "" for a program, which has no colon. */
static const char *answer(char words[ANSWER], const char *before, const char *key, const duet_rows *rows,
                          const duet_data_options *options)
{
    words[0] = '\0';
    if (!options->own)
        (void)snprintf(words, ANSWER, "%s say %s", before, DUET_WORD("%s:%s", answered(rows, options), key));
    return words;
}

/* What is done with an array that is better than the one that was found. */
static const char *hand_over(const duet_data_options *options)
{
    return options->own ? "pass" : "save";
}

static void ask_about_channels(const duet_rows *rows, const duet_data_options *options)
{
    const size_t *dims = rows->shape.dims;
    const char *name = answered(rows, options);
    char turn[ANSWER] = "pass numpy.moveaxis(array, 1, -1)", last[ANSWER];
    if (!options->own)
        (void)snprintf(turn, sizeof turn, "say %s, or turn the file round: duet data %s --convert turned.npz",
                       DUET_WORD("%s:channels=first", name), DUET_WORD("%s:channels=first", name));
    duet_notes_add(options->notes, true,
                   "%s: examples of %zu x %zu x %zu, read as height, width and channels: are the channels first? "
                   "Then %s%s",
                   rows->path, dims[0], dims[1], dims[2], turn,
                   answer(last, ". If they are last,", "channels=last", rows, options));
}

/* Examples that are few beside what is read as their height, and whose width is the number of their channels. */
static bool are_frames(const duet_rows *rows)
{
    const size_t *dims = rows->shape.dims;
    return rows->shape.rank == 3 && dims[1] == dims[2] && dims[2] > FEW && dims[0] != dims[1] && dims[0] > FEW &&
           dims[0] > rows->count;
}

static void ask_about_frames(const duet_rows *rows, const duet_data_options *options)
{
    const size_t *dims = rows->shape.dims;
    char words[ANSWER];
    duet_notes_add(options->notes, true,
                   "%s: %zu examples of %zu x %zu x %zu, read as height, width and channels: are they frames of %zu "
                   "sequences, as MovingMNIST's? Then %s array.reshape(-1, %zu, %zu)%s",
                   rows->path, rows->count, dims[0], dims[1], dims[2], dims[0], hand_over(options), dims[1], dims[2],
                   answer(words, ". If the channels are last,", "channels=last", rows, options));
}

void duet_ask_about_shape(const duet_rows *rows, const duet_data_options *options)
{
    const size_t *dims = rows->shape.dims, rank = rows->shape.rank;
    const char *path = rows->path;
    char words[ANSWER];
    if (options->channels == DUET_CHANNELS_LAST || rows->pictures) return;
    size_t last = rank > 0 ? dims[rank - 1] : 0;
    bool far_more = last > 4 * rows->count && (rank == 2 || (rank == 3 && dims[1] <= FEW));
    bool examples_last = last >= MANY && far_more && (rank == 3 || dims[0] == rows->count);
    bool perhaps_last = far_more && last > 4 * dims[0];    /* unlike two pictures of 28 x 28 */
    bool first = options->channels == DUET_CHANNELS_FIRST; /* that question is answered */
    bool turned = rank == 1 && last >= MANY && last > 4 * rows->count && rows->labels.values == NULL &&
                  (!duet_numbers_are_square(last) || duet_numbers_are_square(rows->count));
    if (turned && !first)
        duet_notes_add(options->notes, true,
                       "%s: %zu examples of %zu numbers: are the examples the columns? Then %s array.T%s", path,
                       rows->count, last, hand_over(options),
                       answer(words, ". If they are the rows,", "channels=last", rows, options));
    else if ((examples_last || perhaps_last) && !first)
        duet_notes_add(options->notes, examples_last,
                       "%s: %zu examples with a last extent of %zu: are the examples last? Then %s "
                       "numpy.moveaxis(array, -1, 0)%s",
                       path, rows->count, last, hand_over(options),
                       answer(words, ". If they are first,", "channels=last", rows, options));
    else if (!first && rank == 3 && dims[0] <= FEW && dims[1] > FEW && dims[2] > FEW)
        ask_about_channels(rows, options);
    else if (!first && are_frames(rows))
        ask_about_frames(rows, options);
}

/* Of floats, what lays those of that range on white is said; in other ranges four channels are no RGBA. */
void duet_ask_about_alpha(const duet_rows *rows, const duet_range *range, const duet_data_options *options)
{
    const size_t *dims = rows->shape.dims;
    const bool bytes = rows->element == DUET_ELEMENT_UINT8;
    const char *remedy =
        bytes ? DUET_REMEDY_BYTES_ON_WHITE : duet_remedy_on_white(range, options->channels == DUET_CHANNELS_FIRST);
    char white[ANSWER], keep[ANSWER];
    if (rows->shape.rank != 3 || dims[2] != 4 || dims[0] <= FEW || dims[1] <= FEW || rows->pictures) return;
    if (options->alpha != DUET_ALPHA_UNSAID || options->channels == DUET_CHANNELS_LAST || remedy == NULL) return;
    if (options->own || !(bytes || duet_range_is_of_bytes(range)))
        (void)snprintf(white, sizeof white, " %s %s", hand_over(options), remedy);
    else
        (void)answer(white, "", bytes ? "alpha=white" : "values=bytes:alpha=white", rows, options);
    duet_notes_add(options->notes, true,
                   "%s: pictures of 4 channels: are they RGBA? Then%s, which lays them on white; four channels %s%s",
                   rows->path, white, options->own ? "are no pictures" : "as they are, without pictures:",
                   answer(keep, "", "alpha=keep", rows, options));
}

/* Reads on until a byte is bright and another one differs from it, which nearly always is in the first rows. */
static duet_status look_at_bytes(duet_rows *rows, size_t first, size_t total, uint8_t *bytes, size_t piece,
                                 duet_range *range, duet_error *error)
{
    uint8_t low = 255, high = 0;
    for (size_t row = first, end = first + total; row < end && (high < DUET_BRIGHT || low == high); row += piece) {
        size_t count = end - row < piece ? end - row : piece;
        DUET_TRY(duet_rows_read(rows, row, count, bytes, error));
        for (size_t i = 0; i < count * rows->row_elements; i++) {
            if (bytes[i] < low) low = bytes[i];
            if (bytes[i] > high) high = bytes[i];
        }
    }
    *range = (duet_range){.low = low == high ? low : 0,
                          .high = high < DUET_BRIGHT || low == high ? high : 255,
                          .whole = true,
                          .levels = true};
    return DUET_OK;
}

/* Several, of pictures: what has more may be a volume, or have its channels first. Bytes of three are colours. */
static bool has_channels(const duet_rows *rows, const duet_range *range)
{
    const size_t *dims = rows->shape.dims;
    if (rows->shape.rank < 3 || dims[0] <= FEW || dims[1] <= FEW || dims[2] < 2 || dims[2] > FEW) return false;
    return dims[2] != 3 || !duet_range_is_of_bytes(range);
}

duet_status duet_look_at_range(duet_rows *rows, size_t first, size_t count, duet_range *range, duet_error *error)
{
    if (rows->element != DUET_ELEMENT_UINT8) {
        DUET_TRY(duet_rows_scan(rows, first, count, range, error));
        if (!has_channels(rows, range) || (double)range->most <= duet_large_number(rows->shape)) return DUET_OK;
        return duet_look_at_channels(rows, first, count, &range->apart, error);
    }
    size_t piece = rows->row_elements < BYTES_AT_ONCE ? BYTES_AT_ONCE / rows->row_elements : 1;
    if (piece > count) piece = count;
    if (piece > 16) piece = 16;
    uint8_t *bytes = calloc(piece, rows->row_elements);
    if (bytes == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    duet_status status = look_at_bytes(rows, first, count, bytes, piece, range, error);
    free(bytes);
    return status;
}

static bool is_unit(const duet_range *range)
{
    return range->low >= 0 && range->high <= 1;
}

static double span(const duet_range *range)
{
    return (double)range->high - (double)range->low;
}

/* Files may have told apart what float32 does not. */
static const char *rounding_of(const duet_rows *rows)
{
    return rows->element == DUET_ELEMENT_FLOAT64 ? " as float32 (if not in the file, save " DUET_REMEDY_STANDARD ")"
                                                 : "";
}

/* Of which the lower 8 bits hold most, or all. */
static void tell_of_deep(const duet_rows *rows, double high, const duet_data_options *options)
{
    duet_notes_add(options->notes, false,
                   "%s: its pictures have 16 bits, of which the upper 8 are read, and these go from 0 to %g of 255: "
                   "of the files' own numbers, as numpy.asarray(PIL.Image.open(path)) has those of grey ones, "
                   "save " DUET_REMEDY_UNIT_OF_MOST,
                   rows->path, high);
}

/* One value says nothing of anything. */
static bool tell_of_constant(const duet_rows *rows, const duet_range *train, const duet_data_options *options)
{
    if (train->low != train->high) return false;
    if (rows->deep && train->high < DUET_BRIGHT) {
        tell_of_deep(rows, (double)train->high, options);
        return true;
    }
    duet_notes_add(
        options->notes, false,
        "%s: all values of the training examples are %g%s: there is nothing to learn; look at how the %s was "
        "written",
        rows->path, (double)train->low, rounding_of(rows), options->own ? "array" : "file");
    return true;
}

/* Years, kelvins: a model that begins about 0 learns little but where they lie. */
static bool is_far_off(const duet_range *range, double most)
{
    enum { MUCH = 16 };
    return most > MUCH && (range->low > 0 || range->high < 0) && span(range) < most / MUCH;
}

/* Numbers that are all far from 1, or so far apart that most are next to nothing. What is advised cuts none of both. */
static void tell_of_scale(const duet_rows *rows, const duet_range *range, const duet_range *test,
                          const duet_data_options *options)
{
    const double most = fmax(fabs((double)range->low), fabs((double)range->high)),
                 large = duet_large_number(rows->shape);
    char scaled[DUET_REMEDY_SIZE], words[ANSWER];
    if (most <= large && span(range) >= 1 / large && !is_far_off(range, most)) return;
    duet_notes_add(options->notes, false, "%s: its values go from %g to %g, %sand " DUET_NOTE_OF_SCALE ": %s %s%s",
                   rows->path, (double)range->low, (double)range->high,
                   range->apart ? "those of one channel far less than those of another, " : "", hand_over(options),
                   rows->shape.rank == 1 ? DUET_REMEDY_STANDARD
                   : range->apart        ? DUET_REMEDY_UNIT_CHANNELS(options->channels == DUET_CHANNELS_FIRST)
                                         : duet_remedy_unit((double)fminf(range->low, test->low),
                                                            (double)fmaxf(range->high, test->high), scaled),
                   answer(words, "; if they are meant so,", "values=numbers", rows, options));
}

/* What is dark in both splits; one that is bright says what the other was to be. Returns whether the splits differ. */
static bool tell_of_bytes(const duet_rows *rows, const duet_range *range, const duet_range *test,
                          const duet_data_options *options)
{
    char scaled[DUET_REMEDY_SIZE];
    const double high = (double)(test == NULL ? range->high : fmaxf(range->high, test->high));
    bool one_is_dark = test != NULL && (range->high < DUET_BRIGHT) != (test->high < DUET_BRIGHT);
    bool apart = one_is_dark && (span(range) > 4 * span(test) || span(test) > 4 * span(range));
    if (apart)
        duet_notes_add(
            options->notes, false,
            "%s: the bytes of the %s split go from 0 to %g, those of the other to %g or more: is one of them "
            "of another scale?",
            rows->path, range->high < DUET_BRIGHT ? "training" : "test",
            (double)(range->high < DUET_BRIGHT ? range->high : test->high), (double)DUET_BRIGHT);
    if (high >= DUET_BRIGHT || options->for_use) return apart;
    if (rows->deep)
        tell_of_deep(rows, high, options);
    else
        duet_notes_add(
            options->notes, false,
            "%s: its bytes go from 0 to %g of 255, and are read as numbers up to %.2g: if %g is the brightest, "
            "%s %s",
            rows->path, high, high / 255, high, hand_over(options), duet_remedy_unit(0, high, scaled));
    return apart;
}

static void tell_of_whole_numbers(const duet_rows *rows, const duet_range *train, const duet_data_options *options)
{
    if (options->own)
        duet_notes_add(options->notes, false,
                       "%s: its values are whole numbers from %g to %g: if they are the bytes of pictures, pass "
                       "array.astype('u1'), and they are scaled to [0, 1]",
                       rows->path, (double)train->low, (double)train->high);
    else
        duet_notes_add(options->notes, false,
                       "%s: its values are whole numbers from %g to %g: if they are the bytes of pictures, say "
                       "%s, and they are scaled to [0, 1]; if not, %s",
                       rows->path, (double)train->low, (double)train->high,
                       DUET_WORD("%s:values=bytes", answered(rows, options)),
                       DUET_WORD("%s:values=numbers", answered(rows, options)));
}

/* What was done to the one that is scaled is known of bytes alone. */
static const char *scale_as(const duet_range *scaled, const duet_range *other)
{
    const bool bytes = scaled->levels && other->whole && other->low >= 0 && other->high <= 255;
    return bytes ? "numpy.clip(array / 255, 0, 1).astype('<f4') in its place"
                 : "it divided by what the other one was divided by, not by its own greatest number";
}

static void ask_about_scale(const duet_rows *rows, const duet_range *train, const duet_range *test,
                            const duet_data_options *options)
{
    char words[ANSWER];
    duet_notes_add(options->notes, true,
                   "%s: the training split lies in [%g, %g] and the test split in [%g, %g]: is one of them not "
                   "scaled? %s %s%s",
                   rows->path, (double)train->low, (double)train->high, (double)test->low, (double)test->high,
                   options->own ? "Pass" : "Save", is_unit(train) ? scale_as(train, test) : scale_as(test, train),
                   answer(words, ". If it is as it should be,", "values=numbers", rows, options));
}

/* Whether floats may be the bytes of pictures: in a row that is no square and has names, or has no bright number, they
 * are counts. */
static bool may_be_bytes(const duet_rows *rows, const duet_range *range, const char *names)
{
    if (!duet_range_is_of_bytes(range) || rows->row_elements < DUET_PICTURE_NUMBERS) return false;
    if (rows->shape.rank > 1) return true;
    return range->high >= DUET_BRIGHT && (names == NULL || !duet_shape_is_table(rows->shape));
}

bool duet_tell_of_ranges(const duet_rows *rows, const duet_range *train, const duet_range *test, const char *names,
                         const duet_data_options *options)
{
    const bool said = options->values == DUET_VALUES_NUMBERS;
    if (said && rows->element == DUET_ELEMENT_UINT8)
        duet_notes_add(
            options->notes, false,
            "%s: holds bytes, which are read as numbers from 0 to 1 whatever is said: values=numbers changes "
            "nothing; save array.astype('<f4')",
            rows->path);
    if (tell_of_constant(rows, train, options)) return true;
    if (rows->element == DUET_ELEMENT_UINT8) return tell_of_bytes(rows, train, test, options);
    const bool as_bytes = may_be_bytes(rows, train, names) && !train->apart;
    if (!said && !as_bytes && !options->for_use) tell_of_scale(rows, train, test != NULL ? test : train, options);
    if (!said && as_bytes) tell_of_whole_numbers(rows, train, options);
    if (test == NULL || said) return said;
    const bool far = span(train) > 100 * span(test) || span(test) > 100 * span(train);
    const bool wider = span(train) > 4 * span(test) || span(test) > 4 * span(train);
    if (is_unit(train) != is_unit(test) && far)
        ask_about_scale(rows, train, test, options);
    else if (is_unit(train) != is_unit(test) || wider)
        duet_notes_add(options->notes, false, "%s: the training split lies in [%g, %g] and the test split in [%g, %g]",
                       rows->path, (double)train->low, (double)train->high, (double)test->low, (double)test->high);
    return is_unit(train) != is_unit(test) || wider;
}

/* Marks the columns in which a row differs from the first one; returns how many have been marked by now. */
static size_t mark_varying(const unsigned char *row, const unsigned char *first, size_t elements, size_t size,
                           bool *varies)
{
    size_t count = 0;
    for (size_t i = 0; i < elements; i++) {
        if (!varies[i]) varies[i] = memcmp(row + i * size, first + i * size, size) != 0;
        count += varies[i];
    }
    return count;
}

/* Of so many numbers that a row of them may be a picture is said what makes it one. The table of a text has names in
 * the place of an array. */
static void tell_of_columns(const duet_rows *rows, size_t varying, const bool *varies, const duet_data_options *options)
{
    const size_t all = rows->row_elements, constant = all - varying;
    size_t column = 0;
    char which[96];
    while (varies[column]) column++;
    if (varying == 0) {
        duet_notes_add(options->notes, false, "%s: all training examples are equal%s: there is nothing to learn",
                       rows->path, rounding_of(rows));
        return;
    }
    if (constant == 1)
        (void)duet_text_print(which, sizeof which, "column %zu of %zu has", column + 1, all);
    else
        (void)duet_text_print(which, sizeof which, "%zu of %zu columns, the first of them column %zu, have", constant,
                              all, column + 1);
    duet_notes_add(options->notes, false,
                   "%s: %s one value in all training examples%s: a density has no bound there, and what learns "
                   "densities learns nothing else; take %s out%s%s",
                   rows->path, which, rounding_of(rows), constant == 1 ? "it" : "them",
                   rows->columns == NULL ? ", as by array[:, numpy.ptp(train, 0) > 0].copy('C')" DUET_REMEDY_OF_TRAIN
                                         : "",
                   rows->columns == NULL && all >= DUET_PICTURE_NUMBERS
                       ? ", or, if the rows are pictures, give them their shape: array.reshape(-1, height, width)"
                       : "");
}

/* What compare_rows needs: the first row and a piece of others, which of large rows is one. */
typedef struct comparison {
    bool table;
    size_t piece, varying;
    bool *varies;
    unsigned char *room;
} comparison;

static duet_status compare_rows(comparison *it, duet_rows *rows, size_t first, size_t total, duet_error *error)
{
    const size_t elements = rows->row_elements, size = duet_element_bytes_read(rows->element);
    unsigned char *others = it->room + elements * size;
    DUET_TRY(duet_rows_read(rows, first, 1, it->room, error));
    for (size_t row = first + 1, end = first + total; row < end && it->varying < (it->table ? elements : 1);) {
        size_t count = end - row < it->piece ? end - row : it->piece;
        DUET_TRY(duet_rows_read(rows, row, count, others, error));
        for (size_t i = 0; i < count; i++)
            it->varying = mark_varying(others + i * elements * size, it->room, elements, size, it->varies);
        row += count;
    }
    return DUET_OK;
}

duet_status duet_look_at_columns(duet_rows *rows, size_t first, size_t count, const duet_data_options *options,
                                 duet_error *error)
{
    comparison it = {.table = duet_shape_is_table(rows->shape) &&
                              (rows->row_elements < DUET_PICTURE_NUMBERS || rows->element != DUET_ELEMENT_UINT8)};
    if (count < 2) {
        duet_notes_add(options->notes, false,
                       "%s: has one training example: a model can only repeat it; give more examples", rows->path);
        return DUET_OK;
    }
    it.piece = it.table ? COMPARED : 1;
    it.varies = calloc(rows->row_elements, sizeof *it.varies);
    it.room = calloc(rows->row_elements, (1 + it.piece) * sizeof(float));
    duet_status status = it.varies == NULL || it.room == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path)
                             : compare_rows(&it, rows, first, count, error);
    if (status == DUET_OK && !rows->rounding_said && (it.varying == 0 || (it.table && it.varying < rows->row_elements)))
        tell_of_columns(rows, it.varying, it.varies, options);
    free(it.varies);
    free(it.room);
    return status;
}

/* Says what is the matter with these classes, if there are any. */
static void tell_of_classes(const duet_class_counts *it, const bool is[DUET_MOST_CLASSES], const char *what,
                            const char *remedy, const duet_data_options *options)
{
    duet_text text = {0};
    duet_class_names_list(&text, is, it->classes, it->names);
    const char *list = duet_text_get(&text);
    if (list[0] != '\0') duet_notes_add(options->notes, false, "%s: %s: %s%s", it->path, what, list, remedy);
    duet_text_free(&text);
}

/* "Yes" and "yes", of two people who wrote labels. */
static void tell_of_capitals(const duet_class_counts *it, const duet_data_options *options)
{
    for (size_t i = 0; it->names != NULL && i < it->classes; i++)
        for (size_t k = i + 1; k < it->classes; k++) {
            if (strcasecmp(it->names[i], it->names[k]) != 0) continue;
            if (strcmp(it->names[i], it->names[k]) == 0)
                duet_notes_add(options->notes, false, "%s: classes %zu and %zu are both called \"%s\": are they one?",
                               it->path, i, k, it->names[i]);
            else
                duet_notes_add(options->notes, false,
                               "%s: the classes \"%s\" and \"%s\" differ in capitals alone: are they one?", it->path,
                               it->names[i], it->names[k]);
            return;
        }
}

/* Of a few examples chance may make one class, which says nothing. */
static void tell_of_one_class(const duet_class_counts *it, const duet_data_options *options)
{
    static const char *const splits[] = {[DUET_TRAIN] = "training", [DUET_TEST] = "test"};
    static const char *const effects[] = {[DUET_TRAIN] = "the others cannot be learnt",
                                          [DUET_TEST] = "what is measured on it says nothing of the others"};
    for (size_t split = 0; split < 2; split++) {
        size_t used = 0, count = 0, only = 0;
        for (size_t i = 0; i < it->classes; i++) {
            count += it->counts[split][i];
            used += it->counts[split][i] > 0;
            if (it->counts[split][i] > 0) only = i;
        }
        if (used != 1 || count < FEW) continue;
        duet_notes_add(options->notes, false, "%s: all %zu labels of the %s split are one class, %zu%s%s%s: %s",
                       it->path, count, splits[split], only, it->names != NULL ? " (" : "",
                       it->names != NULL ? it->names[only] : "", it->names != NULL ? ")" : "", effects[split]);
    }
}

/* How many classes from 0 on a split has, without a gap; 0: there is one. */
static size_t count_from_zero(const size_t counts[DUET_MOST_CLASSES], size_t classes)
{
    size_t used = 0, count = 0;
    while (count < classes && counts[count] > 0) count++;
    for (size_t i = 0; i < classes; i++) used += counts[i] > 0;
    return used == count ? count : 0;
}

/* Numbers of which the test examples have the first ones, where chance would give them the others too. */
static void tell_of_numbering(const duet_class_counts *it, const duet_data_options *options)
{
    const double chance = -20; /* the logarithm of what is none */
    const size_t learnt = count_from_zero(it->counts[DUET_TRAIN], it->classes),
                 tested = count_from_zero(it->counts[DUET_TEST], it->classes);
    size_t beyond = 0, train = 0, test = 0;
    for (size_t i = 0; i < it->classes; i++) {
        train += it->counts[DUET_TRAIN][i];
        test += it->counts[DUET_TEST][i];
        beyond += i < tested ? 0 : it->counts[DUET_TRAIN][i];
    }
    if (it->names != NULL || tested < 2 || learnt <= tested) return;
    if ((double)test * log1p(-(double)beyond / (double)train) > chance) return;
    duet_notes_add(options->notes, false,
                   "%s: no test example has a class from %zu on, as %zu of %zu training examples have: were the labels "
                   "of each split numbered by itself? Then %s, of what they were, %s",
                   it->path, tested, beyond, train, hand_over(options),
                   options->own ? DUET_REMEDY_NUMBERED("labels") : DUET_REMEDY_NUMBERED("array"));
}

void duet_tell_of_labels(const duet_class_counts *it, const duet_data_options *options)
{
    bool empty[DUET_MOST_CLASSES] = {false}, unseen[DUET_MOST_CLASSES] = {false};
    size_t examples = 0, used = 0;
    for (size_t i = 0; i < it->classes; i++) {
        size_t train = it->counts[DUET_TRAIN][i], test = it->counts[DUET_TEST][i];
        examples += train + test;
        used += train + test > 0;
        empty[i] = train + test == 0;
        unseen[i] = it->labelled[DUET_TRAIN] && train == 0 && test > 0;
    }
    if (used == 1 && examples > 1)
        duet_notes_add(options->notes, false, "%s: all labels are one class: nothing can be learnt from them",
                       it->path);
    else if (2 * used > examples && examples >= MANY_CLASSES)
        duet_notes_add(options->notes, false,
                       "%s: %zu classes among %zu examples: are the labels classes at all, and not measurements?",
                       it->path, used, examples);
    else {
        if (!it->order_told) tell_of_one_class(it, options);
        if (!it->order_told) tell_of_numbering(it, options);
        tell_of_classes(it, unseen, "classes of the test split that no training example has", "", options);
    }
    tell_of_capitals(it, options);
    tell_of_classes(it, empty, "classes without an example",
                    it->names != NULL ? ""
                    : options->own    ? "; classes are the numbers from 0 to the largest label: of others "
                                        "pass " DUET_REMEDY_NUMBERED("labels")
                                      : "; classes are the numbers from 0 to the largest label: of others "
                                        "save " DUET_REMEDY_NUMBERED("labels"),
                    options);
}
