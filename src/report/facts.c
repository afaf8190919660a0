/* SPDX-License-Identifier: MIT */
/* What decides what a run is beside its settings, as values that compare: what was changed while it was gone on with,
 * how many ranks trained it, and what a family of a program's own composes. */
#include <string.h>

#include "base/text.h"
#include "report/page.h"

/* "lr 0.001 to 0.0003 at step 468": of each time that the run was gone on with; `settings` has the last value alone. */
static json_t *changes_of(json_t *resumed)
{
    json_t *entry, *pair;
    const char *key;
    size_t i;
    duet_text text = {0};
    json_array_foreach(resumed, i, entry)
    {
        json_object_foreach(json_object_get(entry, "changed"), key, pair)
        {
            const char *was = json_string_value(json_array_get(pair, 0)),
                       *is = json_string_value(json_array_get(pair, 1));
            duet_text_add(&text, "%s%s %s to %s at step %lld", text.length > 0 ? "; " : "", key, was == NULL ? "" : was,
                          is == NULL ? "" : is, (long long)json_integer_value(json_object_get(entry, "step")));
        }
    }
    if (text.length == 0) duet_text_add(&text, "nothing");
    json_t *made = text.failed ? NULL : json_string(duet_text_get(&text));
    duet_text_free(&text);
    return made;
}

/* Each checksum under the name of its row. An output that one run alone has is no difference between what both compute.
 * NULL: out of memory. */
static json_t *rows_of(json_t *composition)
{
    json_t *rows = json_object(), *training = json_object_get(composition, "training"), *sum;
    const char *name;
    if (training != NULL) duet_json_set(&rows, "composition", json_incref(training));
    json_object_foreach(json_object_get(composition, "outputs"), name, sum)
    {
        duet_text row = {0};
        duet_text_add(&row, "composition of %s", name);
        duet_json_keep(&rows, !row.failed);
        duet_json_set(&rows, duet_text_get(&row), json_incref(sum));
        duet_text_free(&row);
    }
    return rows;
}

void duet_page_put_facts(json_t **run, json_t *file)
{
    json_t *ranks = json_object_get(file, "ranks");
    duet_json_set(run, "changed", changes_of(json_object_get(file, "resumed")));
    duet_json_set(run, "ranks", json_integer(json_is_array(ranks) ? (json_int_t)json_array_size(ranks) : 1));
    duet_json_set(run, "composition", rows_of(json_object_get(file, "composition")));
}
