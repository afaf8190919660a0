/* SPDX-License-Identifier: MIT */
/* What the marks of a comparison say, in words: a few sentences a group of metrics. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/page.h"

static void add_name(duet_text *list, const char *name)
{
    duet_text_add(list, "%s%s", list->length > 0 ? ", " : "", name);
}

/* Adds "BEFORE list." where the list is not empty, and frees the list. A list that lacked memory is not left out: the
 * text lacks it too then. */
static void add_sentence(duet_text *text, const char *before, duet_text *list)
{
    text->failed |= list->failed;
    if (list->length > 0) duet_text_add(text, "%s%s %s.", text->length > 0 ? " " : "", before, duet_text_get(list));
    duet_text_free(list);
}

/* How many runs give the metric; *which: the last of them. */
static size_t count_given(json_t *metric, size_t *which)
{
    json_t *cell;
    size_t i, count = 0;
    json_array_foreach(json_object_get(metric, "values"), i, cell)
    {
        if (isnan(duet_page_number(cell, "value"))) continue;
        *which = i;
        count++;
    }
    return count;
}

static bool is_in(json_t *metric, const char *group)
{
    const char *own = json_string_value(json_object_get(metric, "group"));
    return own != NULL && strcmp(own, group) == 0;
}

static bool has_direction(json_t *metric)
{
    const char *better = json_string_value(json_object_get(metric, "better"));
    return better != NULL && strcmp(better, "neither") != 0;
}

/* Whether it is what its metric is called by: the others come with it. */
static bool is_leading(json_t *metric)
{
    return json_equal(json_object_get(metric, "name"), json_object_get(metric, "metric"));
}

/* The metrics in which run `run` is marked, if it alone is. */
static void add_wins(json_t *document, const char *group, size_t run, duet_text *text)
{
    json_t *metric;
    size_t i;
    duet_text list = {0}, before = {0};
    json_array_foreach(json_object_get(document, "metrics"), i, metric)
    {
        json_t *best = json_object_get(metric, "best");
        if (is_in(metric, group) && json_array_size(best) == 1 &&
            json_integer_value(json_array_get(best, 0)) == (json_int_t)run)
            add_name(&list, json_string_value(json_object_get(metric, "name")));
    }
    duet_text_add(&before, "%s is better by", duet_page_name(document, run));
    list.failed |= before.failed && list.length > 0;
    add_sentence(text, duet_text_get(&before), &list);
    duet_text_free(&before);
}

static void add_only(json_t *document, const char *group, size_t run, duet_text *text)
{
    json_t *metric;
    size_t i, which = 0;
    duet_text list = {0}, before = {0};
    json_array_foreach(json_object_get(document, "metrics"), i, metric)
    {
        if (is_in(metric, group) && is_leading(metric) && count_given(metric, &which) == 1 && which == run)
            add_name(&list, json_string_value(json_object_get(metric, "name")));
    }
    duet_text_add(&before, "Only %s gives", duet_page_name(document, run));
    list.failed |= before.failed && list.length > 0;
    add_sentence(text, duet_text_get(&before), &list);
    duet_text_free(&before);
}

/* "precision (a, b)": runs in front that are not told apart. */
static void add_shared(json_t *document, json_t *metric, duet_text *list)
{
    json_t *index;
    size_t i;
    duet_text_add(list, "%s%s (", list->length > 0 ? "; " : "", json_string_value(json_object_get(metric, "name")));
    json_array_foreach(json_object_get(metric, "best"), i, index)
    {
        duet_text_add(list, "%s%s", i > 0 ? ", " : "", duet_page_name(document, (size_t)json_integer_value(index)));
    }
    duet_text_add(list, ")");
}

/* Metrics that several runs give and that settle nothing, by the reason. */
static void add_undecided(json_t *document, const char *group, duet_text *text)
{
    json_t *metric, *cell;
    size_t i, j, which;
    duet_text level = {0}, shared = {0}, bare = {0}, apart = {0}, clocked = {0};
    json_array_foreach(json_object_get(document, "metrics"), i, metric)
    {
        const char *name = json_string_value(json_object_get(metric, "name"));
        size_t best = json_array_size(json_object_get(metric, "best"));
        bool without = false;
        if (!is_in(metric, group) || count_given(metric, &which) < 2) continue;
        for (j = 0; (cell = json_array_get(json_object_get(metric, "values"), j)) != NULL; j++)
            without = without || (!isnan(duet_page_number(cell, "value")) && isnan(duet_page_number(cell, "low")));
        if (json_is_string(json_object_get(metric, "not_comparable")))
            add_name(&apart, name);
        else if (duet_page_is_clocked(metric))
            add_name(&clocked, name);
        else if (has_direction(metric) && best > 1)
            add_shared(document, metric, &shared);
        else if (has_direction(metric) && without)
            add_name(&bare, name);
        else if (has_direction(metric) && best == 0)
            add_name(&level, name);
    }
    add_sentence(text, "Level in front:", &shared);
    add_sentence(text, "Not told apart by", &level);
    add_sentence(text, "No interval, so no verdict, for", &bare);
    add_sentence(text, "Measured one run after the other on a machine that does other work too, so no verdict, for",
                 &clocked);
    add_sentence(text, "Not to be compared (different data, features, likelihoods or kinds of model):", &apart);
}

/* A group of which no run gives anything. */
static void add_absent(json_t *document, const char *group, duet_text *text)
{
    json_t *metric;
    size_t i, which, given = 0;
    duet_text list = {0};
    json_array_foreach(json_object_get(document, "metrics"), i, metric)
    {
        if (!is_in(metric, group)) continue;
        given += count_given(metric, &which);
        add_name(&list, json_string_value(json_object_get(metric, "name")));
    }
    if (given > 0) duet_text_clear(&list);
    add_sentence(text, "Not given by any run:", &list);
}

static void add_verdict(json_t **verdicts, json_t *document, const char *group)
{
    duet_text text = {0};
    size_t count = json_array_size(json_object_get(document, "runs"));
    for (size_t i = 0; count > 1 && i < count; i++) add_wins(document, group, i, &text);
    if (count > 1) add_undecided(document, group, &text);
    for (size_t i = 0; count > 1 && i < count; i++) add_only(document, group, i, &text);
    if (count > 1 && text.length == 0) add_absent(document, group, &text);
    duet_json_keep(verdicts, !text.failed);
    if (text.length > 0)
        duet_json_append(verdicts, json_pack("{s:s, s:s}", "group", group, "text", duet_text_get(&text)));
    duet_text_free(&text);
}

void duet_page_add_verdicts(json_t **document)
{
    json_t *verdicts = json_array(), *metric;
    size_t i;
    const char *last = NULL;
    json_array_foreach(json_object_get(*document, "metrics"), i, metric)
    { /* those of a group lie together */
        const char *group = json_string_value(json_object_get(metric, "group"));
        if (group == NULL || (last != NULL && strcmp(last, group) == 0)) continue;
        add_verdict(&verdicts, *document, group);
        last = group;
    }
    duet_json_set(document, "verdicts", verdicts);
}
