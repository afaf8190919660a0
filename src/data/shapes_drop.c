/* SPDX-License-Identifier: MIT */
/* Combinations of the named values of shapes, and "drop=square-red,ellipse-left", which leaves out every red square and
 * every ellipse on the left. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/shapes.h"

/* Combinations are numbered by their parts, the last factor's first. Angles have no parts. */
void duet_shapes_parts(size_t combination, size_t parts[SHAPES_FACTORS])
{
    for (size_t i = SHAPES_FACTORS; i-- > 0;) {
        size_t count = duet_shapes_factors[i].count > 0 ? duet_shapes_factors[i].count : 1;
        parts[i] = combination % count;
        combination /= count;
    }
}

size_t duet_shapes_combination(const float *factors)
{
    size_t combination = 0;
    for (size_t i = 0; i < SHAPES_FACTORS; i++) {
        const duet_factor *factor = &duet_shapes_factors[i];
        double value = factors[i], count = (double)(factor->count > 0 ? factor->count : 1), part = value;
        if (!(value >= factor->low && value <= factor->high)) return SHAPES_COMBINATIONS;
        if (factor->continuous) part = (value - factor->low) / (factor->high - factor->low) * count;
        if (part >= count) part = count - 1; /* the upper bound itself */
        combination = combination * (size_t)count + (size_t)part;
    }
    return combination;
}

static duet_status fail_name(const char *name, size_t length, duet_error *error)
{
    duet_text names = {0};
    for (size_t i = 0; i < SHAPES_FACTORS; i++)
        for (size_t k = 0; k < duet_shapes_factors[i].count; k++)
            duet_text_add(&names, " %s", duet_shapes_factors[i].names[k]);
    duet_status status = duet_fail(error, DUET_ERROR_USAGE,
                                   "shapes: \"%.*s\" is no value of a factor; there are%s, joined by \"-\", as in "
                                   "shapes:drop=square-red,ellipse-left",
                                   (int)length, name, duet_text_get(&names));
    duet_text_free(&names);
    return status;
}

/* Notes the value of that name in `wanted`, by factor; SIZE_MAX there: any will do. */
static duet_status want_value(const char *name, size_t length, size_t wanted[SHAPES_FACTORS], duet_error *error)
{
    for (size_t i = 0; i < SHAPES_FACTORS; i++) {
        const duet_factor *factor = &duet_shapes_factors[i];
        for (size_t k = 0; k < factor->count; k++) {
            if (strlen(factor->names[k]) != length || strncmp(factor->names[k], name, length) != 0) continue;
            if (wanted[i] != SIZE_MAX)
                return duet_fail(error, DUET_ERROR_USAGE,
                                 "shapes: no example is both %s and %s: a comma stands between combinations to drop",
                                 factor->names[wanted[i]], factor->names[k]);
            wanted[i] = k;
            return DUET_OK;
        }
    }
    return fail_name(name, length, error);
}

/* Takes the combinations that `text`, such as "square-red", tells of out of `kept`. */
static duet_status drop(const char *text, size_t length, bool kept[SHAPES_COMBINATIONS], duet_error *error)
{
    size_t wanted[SHAPES_FACTORS], parts[SHAPES_FACTORS];
    for (size_t i = 0; i < SHAPES_FACTORS; i++) wanted[i] = SIZE_MAX;
    for (size_t start = 0; start <= length;) {
        size_t end = start;
        while (end < length && text[end] != '-') end++;
        DUET_TRY(want_value(text + start, end - start, wanted, error));
        start = end + 1;
    }
    for (size_t c = 0; c < SHAPES_COMBINATIONS; c++) {
        bool told = true;
        duet_shapes_parts(c, parts);
        for (size_t i = 0; i < SHAPES_FACTORS; i++) told = told && (wanted[i] == SIZE_MAX || wanted[i] == parts[i]);
        if (told) kept[c] = false;
    }
    return DUET_OK;
}

duet_status duet_shapes_choose(duet_data *data, const char *options, duet_error *error)
{
    static const char key[] = "drop=";
    bool kept[SHAPES_COMBINATIONS];
    for (size_t c = 0; c < SHAPES_COMBINATIONS; c++) kept[c] = true;
    if (options != NULL && strncmp(options, key, sizeof key - 1) != 0)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "shapes has no option \"%s\"; there is drop, as in shapes:drop=square-red,ellipse-left",
                         options);
    for (const char *text = options == NULL ? NULL : options + sizeof key - 1; text != NULL;) {
        size_t length = strcspn(text, ",");
        DUET_TRY(drop(text, length, kept, error));
        text = text[length] == ',' ? text + length + 1 : NULL;
    }
    data->combinations = malloc(SHAPES_COMBINATIONS * sizeof *data->combinations);
    if (data->combinations == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for combinations");
    for (size_t c = 0; c < SHAPES_COMBINATIONS; c++)
        if (kept[c]) data->combinations[data->combination_count++] = (uint16_t)c;
    if (data->combination_count > 0) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "shapes: \"%s\" leaves nothing to draw", options);
}
