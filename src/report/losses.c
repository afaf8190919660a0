/* SPDX-License-Identifier: MIT */
/* metrics.jsonl as curves. A long training has more reports than a chart has pixels: neighbouring ones are averaged. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "report/page.h"

enum { POINTS = 240, MOST_TERMS = 64 };

/* One term, or one number of where a report stands. */
typedef struct series {
    char name[64];
    json_t *values;
    double sum;
    size_t held;
} series;

/* Reports of one split. Places are step, epoch, seconds; the last of a group counts. */
typedef struct curves {
    series terms[MOST_TERMS];
    size_t term_count;
    json_t *places[3];
    double last[3];
    size_t held, group, points;
} curves;

static const char *const place_names[] = {"step", "epoch", "seconds"};
enum { STEP, EPOCH, SECONDS };

static bool is_term(const char *name)
{
    static const char *const others[] = {"step", "epoch", "split", "seconds", "images_per_second", "health"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(name, others[i]) == 0) return false;
    return true;
}

static series *find(curves *it, const char *name)
{
    for (size_t i = 0; i < it->term_count; i++)
        if (strcmp(it->terms[i].name, name) == 0) return &it->terms[i];
    if (it->term_count == MOST_TERMS || strlen(name) >= sizeof it->terms[0].name) return NULL;
    series *made = &it->terms[it->term_count++];
    *made = (series){.values = json_array()};
    strcpy(made->name, name);
    for (size_t i = 0; i < it->points; i++) duet_json_append(&made->values, json_null());
    return made;
}

static void flush(curves *it)
{
    if (it->held == 0) return;
    for (size_t i = 0; i < 3; i++) duet_json_append(&it->places[i], json_real(it->last[i]));
    for (size_t i = 0; i < it->term_count; i++) {
        series *term = &it->terms[i];
        const double mean = term->sum / (double)term->held;
        duet_json_append(&term->values, term->held > 0 && isfinite(mean) ? json_real(mean) : json_null());
        term->sum = 0;
        term->held = 0;
    }
    it->held = 0;
    it->points++;
}

static void take(curves *it, json_t *line)
{
    const char *name;
    json_t *value;
    for (size_t i = 0; i < 3; i++) it->last[i] = json_number_value(json_object_get(line, place_names[i]));
    it->held++;
    json_object_foreach(line, name, value)
    {
        series *term = is_term(name) && json_is_number(value) ? find(it, name) : NULL;
        if (term == NULL) continue;
        term->sum += json_number_value(value);
        term->held++;
    }
    if (it->held >= it->group) flush(it);
}

static void begin(curves *it, size_t lines)
{
    *it = (curves){.group = (lines + POINTS - 1) / POINTS};
    for (size_t i = 0; i < 3; i++) it->places[i] = json_array();
}

static json_t *finish(curves *it)
{
    flush(it);
    json_t *terms = json_object(), *all = json_object();
    for (size_t i = 0; i < it->term_count; i++) duet_json_set(&terms, it->terms[i].name, it->terms[i].values);
    for (size_t i = 0; i < 3; i++) duet_json_set(&all, place_names[i], it->places[i]);
    duet_json_set(&all, "reports_a_point", json_integer((json_int_t)it->group));
    duet_json_set(&all, "terms", terms);
    return all;
}

/* Findings under one name become one entry: from where to where, and in how many reports. */
static void note_health(json_t **findings, json_t *line)
{
    const char *name = json_string_value(json_object_get(line, "health"));
    json_t *entry, *found = NULL, *epoch = json_object_get(line, "epoch");
    size_t i;
    if (name == NULL || epoch == NULL) return; /* no line of Duet's */
    json_array_foreach(*findings, i, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0) found = entry;
    }
    if (found == NULL) {
        duet_json_append(findings, json_pack("{s:s, s:O, s:O, s:i}", "name", name, "first_epoch", epoch, "last_epoch",
                                             epoch, "reports", 1));
        return;
    }
    json_t *reports = json_integer(json_integer_value(json_object_get(found, "reports")) + 1);
    duet_json_keep(findings, json_object_set(found, "last_epoch", epoch) == 0 &&
                                 json_object_set_new(found, "reports", reports) == 0);
}

/* Time between reports over the steps between them: what drawing and checkpoints cost is in some of these only, so the
 * median is a step's own. */
typedef struct pace {
    double *values, step, seconds;
    size_t count;
} pace;

static void note_pace(pace *it, json_t *line)
{
    double step = json_number_value(json_object_get(line, "step"));
    double seconds = json_number_value(json_object_get(line, "seconds"));
    if (it->values != NULL && step > it->step && seconds > it->seconds)
        it->values[it->count++] = (seconds - it->seconds) / (step - it->step);
    it->step = step;
    it->seconds = seconds;
}

static json_t *cost_of(pace *it, json_t *last)
{
    json_t *cost = json_object();
    for (size_t i = 0; i < 3; i++) {
        json_t *place = json_object_get(last, place_names[i]);
        duet_json_set(&cost, place_names[i], json_is_number(place) ? json_incref(place) : json_null());
    }
    if (it->count > 0) duet_json_set(&cost, "step_ms", json_real(1000 * duet_median(it->values, it->count)));
    return cost;
}

/* The lines of a text, one after the other; cuts the text. NULL at the end. A last line that is not whole is one too,
 * which is no JSON. */
static char *next_line(char **rest)
{
    char *line = *rest;
    if (line == NULL || *line == '\0') return NULL;
    char *end = strchr(line, '\n');
    if (end != NULL) *end = '\0';
    *rest = end == NULL ? NULL : end + 1;
    return line;
}

static size_t count_lines(const char *text)
{
    size_t count = 1;
    for (; text != NULL && *text != '\0'; text++) count += *text == '\n';
    return count;
}

duet_status duet_page_collect_losses(const char *path, json_t **run, json_t **cost, duet_error *error)
{
    size_t size, lines;
    char *text, *line;
    DUET_TRY(duet_page_read_if_there(path, &text, &size, error));
    char *rest = text;
    curves training, watched;
    json_t *findings = json_array(), *last = NULL;
    lines = count_lines(text);
    pace steps = {.values = malloc(lines * sizeof *steps.values)};
    bool fits = steps.values != NULL;
    begin(&training, lines);
    begin(&watched, lines);
    while (fits && (line = next_line(&rest)) != NULL) {
        json_t *parsed = duet_json_read(line, strlen(line), 0, NULL);
        fits = parsed != NULL || errno != ENOMEM;
        const char *split = json_string_value(json_object_get(parsed, "split"));
        if (split != NULL && strcmp(split, "train") == 0) {
            take(&training, parsed);
            note_health(&findings, parsed);
            note_pace(&steps, parsed);
            json_decref(last);
            last = json_incref(parsed);
        } else if (split != NULL) {
            take(&watched, parsed);
        }
        json_decref(parsed);
    }
    *cost = cost_of(&steps, last);
    duet_json_set(run, "losses", finish(&training));
    duet_json_set(run, "watched", finish(&watched));
    duet_json_set(run, "health", findings);
    json_decref(last);
    free(steps.values);
    free(text);
    return fits ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a page");
}
