/* SPDX-License-Identifier: MIT */
/* A model needs to know what its data are, and seldom the data: a set from a record is that knowledge, and becomes an
 * open set in place when its examples are asked for. */
#include "data/known.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/data.h"
#include "graph/node.h"

duet_status duet_data_from_record(duet_data **data, const duet_data_info *known, const char *owner, duet_error *error)
{
    duet_data *made = calloc(1, sizeof *made);
    *data = made;
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", known->name);
    made->info = *known;
    made->name = strdup(known->name);
    made->source = strdup(known->source);
    made->owner = strdup(owner);
    if (known->class_names != NULL) made->class_names = duet_class_names_copy(known->class_names, known->classes);
    if (made->class_names != NULL) made->class_name_count = known->classes;
    made->info.name = made->name;
    made->info.source = made->source;
    made->info.class_names = (const char *const *)made->class_names;
    if (known->columns != NULL) made->columns = strdup(known->columns);
    made->info.columns = made->columns;
    if ((known->columns == NULL) == (made->columns == NULL) && made->name != NULL && made->source != NULL &&
        made->owner != NULL && (known->class_names == NULL) == (made->class_names == NULL))
        return DUET_OK;
    duet_data_close(data);
    return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", known->name);
}

/* "60000 + 10000 examples of bytes [28, 28, 1], 10 classes" */
static void describe(const duet_data_info *info, char words[200])
{
    char shape[96];
    (void)snprintf(words, 200, "%zu + %zu examples of %s %s, %zu classes", info->count[DUET_TRAIN],
                   info->count[DUET_TEST], info->type == DUET_UINT8 ? "bytes" : "float32",
                   duet_shape_text(info->shape, shape), info->classes);
}

const char *duet_data_range_words(bool unit_range)
{
    return unit_range ? "all in [0, 1]" : "beyond [0, 1]";
}

static bool same_names(const duet_data_info *a, const duet_data_info *b)
{
    if ((a->class_names == NULL) != (b->class_names == NULL)) return false;
    for (size_t i = 0; a->class_names != NULL && i < a->classes; i++)
        if (strcmp(a->class_names[i], b->class_names[i]) != 0) return false;
    return true;
}

static const char *const test_words[] = {[DUET_DIVISION_GIVEN] = "its own",
                                         [DUET_DIVISION_LAST] = "the last tenth",
                                         [DUET_DIVISION_SHUFFLED] = "a tenth by chance"};

/* Whether the set has no test examples of its own. */
static bool is_divided(const duet_data_info *info)
{
    return info->division != DUET_DIVISION_GIVEN;
}

duet_status duet_data_compare(duet_data *data, const duet_data_info *known, bool *same,
                              char words[DUET_DIFFERENCE_SIZE], duet_error *error)
{
    const duet_data_info *now = &data->info;
    char then[200], here[200];
    describe(known, then);
    describe(now, here);
    *same = false;
    (void)snprintf(words, DUET_DIFFERENCE_SIZE, "%s then, %s now", then, here);
    if (strcmp(then, here) != 0) return DUET_OK;
    (void)snprintf(words, DUET_DIFFERENCE_SIZE, "its values were %s then and are %s now",
                   duet_data_range_words(known->unit_range), duet_data_range_words(now->unit_range));
    if (known->unit_range != now->unit_range) return DUET_OK;
    (void)snprintf(words, DUET_DIFFERENCE_SIZE, "the classes have other names now");
    if (!same_names(known, now)) return DUET_OK;
    (void)snprintf(words, DUET_DIFFERENCE_SIZE, "its test examples were %s then and are %s now (split=%s and split=%s)",
                   test_words[known->division], test_words[now->division], duet_division_name(known->division),
                   duet_division_name(now->division));
    if (is_divided(known) && is_divided(now) && known->division != now->division) return DUET_OK;
    *same = known->checksum[0] == '\0';
    if (*same) return DUET_OK;
    DUET_TRY(duet_data_checksum(data, error));
    *same = strcmp(known->checksum, now->checksum) == 0;
    const int length = snprintf(words, DUET_DIFFERENCE_SIZE, "%s, but with other contents: checksum %s then, %s now",
                                here, known->checksum, now->checksum);
    if (is_divided(known) != is_divided(now) && length > 0 && length < DUET_DIFFERENCE_SIZE)
        (void)snprintf(words + length, (size_t)(DUET_DIFFERENCE_SIZE - length),
                       " (its test examples were %s then and are %s now: the same rows count as others in other parts)",
                       test_words[known->division], test_words[now->division]);
    return DUET_OK;
}

duet_status duet_data_refuse_own(const char *owner, const char *name, duet_error *error)
{
    return duet_fail(
        error, DUET_ERROR_DATA,
        "%s was trained on \"%s\", which a program held in its memory and no file has: give it the same again "
        "there, or with --data PATH a file of the same numbers",
        owner, name);
}

duet_status duet_data_refuse_replaced(const char *owner, const char *name, const char *words, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s was trained on other data than %s now holds: %s. --data %s says where the data are now; "
                     "--data %s uses these",
                     owner, name, words, DUET_WORD("PATH%s", duet_data_name_said(name)), DUET_WORD("%s", name));
}

duet_status duet_data_check_names(const duet_data_info *now, const duet_data_info *known, const char *owner,
                                  duet_error *error)
{
    for (size_t i = 0; now->class_names != NULL && known->class_names != NULL && i < known->classes; i++) {
        if (i < now->classes && strcmp(now->class_names[i], known->class_names[i]) == 0) continue;
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s has learnt class %zu as \"%s\", and that of %s is \"%s\": give these data its classes in "
                         "the order of \"class_names\" in its run.json, or train anew",
                         owner, i, known->class_names[i], now->name, i < now->classes ? now->class_names[i] : "none");
    }
    return DUET_OK;
}

bool duet_data_is_gone(const char *source)
{
    struct stat about;
    return source != NULL && stat(source, &about) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static duet_status open_as_known(duet_data **opened, const duet_data *data, duet_error *error)
{
    duet_error own = {0};
    char words[DUET_DIFFERENCE_SIZE];
    bool same;
    if (strcmp(data->source, DUET_OWN_SOURCE) == 0) return duet_data_refuse_own(data->owner, data->name, error);
    const bool gone = duet_data_is_gone(data->source);
    duet_division unsaid = data->info.division == DUET_DIVISION_LAST ? DUET_DIVISION_LAST : DUET_DIVISION_SHUFFLED;
    if (duet_data_open_for_use(opened, data->name, unsaid, &own) != DUET_OK)
        return duet_fail(error, own.status, "the data of %s: %s%s%s%s", data->owner, own.message,
                         gone ? "; --data " : "", gone ? DUET_WORD("PATH%s", duet_data_name_said(data->name)) : "",
                         gone ? " says where they are now" : "");
    duet_status status = duet_data_compare(*opened, &data->info, &same, words, error);
    if (status == DUET_OK && !same) status = duet_data_refuse_replaced(data->owner, data->name, words, error);
    if (status == DUET_OK) status = duet_data_compare_columns(*opened, &data->info, data->owner, error);
    if (status != DUET_OK) duet_data_close(opened);
    return status;
}

static bool add_notes(duet_notes *notes, const duet_notes *more)
{
    for (size_t i = 0; i < more->count; i++) duet_notes_add(notes, more->items[i].question, "%s", more->items[i].text);
    return !notes->failed;
}

/* What was handed out of the record, the texts, stays where it is; its notes come first, as who tells of them counts.
 */
duet_status duet_data_ready(duet_data *data, duet_error *error)
{
    duet_data *opened;
    if (data->owner == NULL) return DUET_OK;
    DUET_TRY(open_as_known(&opened, data, error));
    if (!add_notes(&data->notes, &opened->notes)) {
        duet_data_close(&opened);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory");
    }
    duet_notes_free(&opened->notes);
    opened->notes = data->notes;
    char *record_source = data->source, *owner = data->owner, *name = opened->name;
    opened->name = data->name;
    opened->info.name = data->name;
    if (data->class_names != NULL) {
        duet_class_names_free(opened->class_names, opened->class_name_count);
        opened->class_names = data->class_names;
        opened->class_name_count = data->class_name_count;
        opened->info.class_names = data->info.class_names;
    }
    if (data->columns != NULL) {
        free(opened->columns);
        opened->columns = data->columns;
        opened->info.columns = data->columns;
    }
    *data = *opened;
    free(opened);
    free(record_source);
    free(owner);
    free(name);
    return DUET_OK;
}

static void whole_range(const duet_data_info *info, double range[2])
{
    range[0] = fmin((double)info->low[DUET_TRAIN], (double)info->low[DUET_TEST]);
    range[1] = fmax((double)info->high[DUET_TRAIN], (double)info->high[DUET_TEST]);
}

bool duet_data_doubts_range(const duet_data_info *known, const char *owner, const char *what, const double range[2],
                            size_t count, char *words, size_t size)
{
    const double much = 4;
    enum { FEW = 10 /* examples, whose values may lie close together by chance */ };
    double learnt[2];
    whole_range(known, learnt);
    const double here = range[1] - range[0], there = learnt[1] - learnt[0];
    const bool scaled = range[0] >= 0 && range[1] <= 1 && !known->unit_range; /* as pictures are, and those were not */
    const bool apart = range[0] - learnt[1] > there || learnt[0] - range[1] > there;
    if (!isfinite(here) || !isfinite(there)) return false;
    if (here <= much * there && !apart && (count < FEW || (there <= much * here && !scaled))) return false;
    (void)duet_text_print(words, size,
                          "%s go from %g to %g, those that %s was trained on from %g to %g: are they of another scale?",
                          what, range[0], range[1], owner, learnt[0], learnt[1]);
    return true;
}

void duet_data_compare_ranges(duet_data *data, const duet_data_info *known, const char *owner)
{
    double range[2];
    char what[512], words[1024];
    whole_range(&data->info, range);
    (void)duet_text_print(what, sizeof what, "%s: its values", data->info.name);
    if (duet_data_doubts_range(known, owner, what, range, data->info.count[DUET_TRAIN] + data->info.count[DUET_TEST],
                               words, sizeof words))
        duet_notes_add(&data->notes, false, "%s", words);
}

duet_status duet_data_compare_judge(duet_data *data, const duet_data_info *learnt, const char *owner, duet_error *error)
{
    const bool named = data->info.class_names != NULL, learnt_named = learnt->class_names != NULL;
    DUET_TRY(duet_data_compare_columns(data, learnt, owner, error));
    duet_data_compare_ranges(data, learnt, owner);
    if (data->info.classes == 0 || named == learnt_named) return DUET_OK;
    duet_notes_add(&data->notes, false,
                   "%s: its classes have %s and those of %s %s, so that they are compared by number: class 0 here is "
                   "taken for class 0 there, and so on",
                   data->info.name, named ? "names" : "none", owner, learnt_named ? "names" : "none");
    return DUET_OK;
}

/* Whether a list of lines has that line. */
static bool has_line(const char *lines, const char *line, size_t length)
{
    for (; *lines != '\0'; lines += strcspn(lines, "\n") + 1)
        if (strcspn(lines, "\n") == length && memcmp(lines, line, length) == 0) return true;
    return false;
}

/* Whether all lines of a are lines of b. */
static bool are_lines_of(const char *a, const char *b)
{
    for (; *a != '\0'; a += strcspn(a, "\n") + 1)
        if (!has_line(b, a, strcspn(a, "\n"))) return false;
    return true;
}

duet_status duet_data_compare_columns(duet_data *data, const duet_data_info *known, const char *owner,
                                      duet_error *error)
{
    const char *here = data->info.columns, *there = known->columns, *of = owner != NULL ? owner : known->name;
    size_t number = 1;
    if (here == NULL || there == NULL || strcmp(here, there) == 0) return DUET_OK;
    const bool reordered = are_lines_of(here, there) && are_lines_of(there, here);
    for (size_t length; (length = strcspn(here, "\n")) == strcspn(there, "\n") && memcmp(here, there, length) == 0;) {
        if (here[length] == '\0' || there[length] == '\0') return DUET_OK; /* as many numbers are checked elsewhere */
        here += length + 1;
        there += length + 1;
        number++;
    }
    const int shown[] = {(int)strcspn(here, "\n"), (int)strcspn(there, "\n")};
    if (reordered)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: its columns are those of %s in another order: column %zu of numbers is \"%.*s\" here and "
                         "\"%.*s\" there; save them in the order of %s%s",
                         data->info.name, of, number, shown[0], here, shown[1], there,
                         owner != NULL ? "\"columns\" in the run.json of " : "", of);
    duet_notes_add(&data->notes, false,
                   "%s: column %zu of numbers is \"%.*s\", and \"%.*s\" in %s%s%s: are they the same?", data->info.name,
                   number, shown[0], here, shown[1], there, owner != NULL ? "what " : "", of,
                   owner != NULL ? " was trained on" : "");
    return DUET_OK;
}
