/* SPDX-License-Identifier: MIT */
/* Files are known by the checksums of their content, so that they may be moved, and are noticed where they were
 * replaced; paths only lead to them, and are kept from the root so that they do from any folder. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "cli/basis.h"
#include "cli/output.h"

#include <stdlib.h>
#include <string.h>

/* NULL after an error. */
static json_t *checkpoint_json(const char *run, duet_error *error)
{
    duet_checkpoint_facts facts;
    if (duet_checkpoint_check(run, &facts, error) != DUET_OK) return NULL;
    return json_pack("{s:I, s:s}", "step", (json_int_t)facts.step, "checksum", facts.checksum);
}

static json_t *absolute_json(const char *path)
{
    char *whole = realpath(path, NULL);
    json_t *text = cli_json_text(whole == NULL ? path : whole);
    free(whole);
    return text;
}

/* Who judged before and is away stays named, so that it is asked again when it is back. */
static json_t *away_json(const char *known, const duet_error *lost)
{
    if (known == NULL) return json_null();
    return json_pack("{s:o, s:o, s:b}", "run", cli_json_text(known), "left_out", cli_json_text(lost->message), "again",
                     true);
}

static int find_judge(cli_basis *basis, const char *asked, json_t *before)
{
    const char *known = json_string_value(json_object_get(json_object_get(before, "judge"), "run"));
    const char *run = asked != NULL ? asked : known;
    json_t *checkpoint = run == NULL ? NULL : checkpoint_json(run, &basis->judge_lost);
    basis->judge = checkpoint == NULL ? away_json(known, &basis->judge_lost)
                                      : json_pack("{s:o, s:o}", "run", absolute_json(run), "checkpoint", checkpoint);
    return checkpoint == NULL && asked != NULL ? cli_fail_opened(&basis->judge_lost) : CLI_DONE;
}

/* An evaluation may outlive the data it was made of, but not answer for others that are asked for. */
static int find_data(cli_basis *basis, const char *run, const char *data)
{
    char sum[32];
    bool there = duet_run_data_checksum(run, data, sum, &basis->data_lost) == DUET_OK;
    basis->data = there ? json_string(sum) : json_null();
    return there || data == NULL ? CLI_DONE : cli_fail_opened(&basis->data_lost);
}

int cli_basis_find(cli_basis *basis, const char *run, const cli_evaluation_wish *wish, json_t *before)
{
    duet_error error = {0};
    *basis = (cli_basis){.checkpoint = checkpoint_json(run, &error)};
    if (basis->checkpoint == NULL) return cli_fail_opened(&error);
    int status = find_data(basis, run, wish->data);
    if (status != CLI_DONE) return status;
    basis->settings = json_array();
    for (size_t i = 0; i < wish->settings->count; i++)
        json_array_append_new(basis->settings, cli_json_text(wish->settings->items[i]));
    return find_judge(basis, wish->judge, before);
}

void cli_basis_free(cli_basis *basis)
{
    json_decref(basis->checkpoint);
    json_decref(basis->judge);
    json_decref(basis->data);
    json_decref(basis->settings);
    *basis = (cli_basis){NULL};
}

static bool is_named(json_t *list, const char *metric)
{
    json_t *entry;
    size_t i;
    json_array_foreach(list, i, entry)
    {
        const char *own = json_string_value(json_object_get(entry, "metric"));
        if (own != NULL && strcmp(own, metric) == 0) return true;
    }
    return false;
}

/* Whether it says something of every metric that there is by now. */
static bool is_complete(json_t *evaluation)
{
    const duet_metric_row *row;
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++)
        if (!is_named(json_object_get(evaluation, "metrics"), row->name) &&
            !is_named(json_object_get(evaluation, "not_given"), row->name))
            return false;
    return true;
}

/* Kernels of somebody's own may compute other numbers, on whatever device. */
static bool has_its_kernels(json_t *evaluation)
{
    char replaced[24];
    return strcmp(cli_json_text_at(evaluation, "kernels"), duet_kernels_replaced(replaced)) == 0;
}

/* What is not released yet may compute other numbers from one commit to the next. */
static bool is_of_commit(json_t *evaluation)
{
    return duet_commit()[0] == '\0' || strcmp(cli_json_text_at(evaluation, "commit"), duet_commit()) == 0;
}

/* Whether a metric was left out for a cause that may have passed. */
static bool misses_what_may_come(json_t *evaluation)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(evaluation, "not_given"), i, entry)
    {
        if (json_is_true(json_object_get(entry, "again"))) return true;
    }
    return false;
}

/* Whether the pictures that it names are still there. */
static bool has_pictures(const char *run, json_t *evaluation)
{
    json_t *picture;
    size_t i;
    json_array_foreach(json_object_get(evaluation, "pictures"), i, picture)
    {
        const char *file = json_string_value(json_object_get(picture, "file"));
        if (file != NULL && !duet_page_has_picture(run, file)) return false;
    }
    return true;
}

/* Whether another evaluation would tell more, or otherwise; without the data there is none. */
static bool is_outdated(const cli_basis *basis, json_t *evaluation)
{
    return basis->data_lost.status == DUET_OK &&
           (misses_what_may_come(evaluation) || !has_its_kernels(evaluation) || !is_of_commit(evaluation));
}

static bool is_as_wished(const cli_basis *basis, json_t *evaluation)
{
    const char *version = json_string_value(json_object_get(evaluation, "duet"));
    json_t *judge = json_object_get(basis->judge, "checkpoint");
    json_t *by = json_object_get(json_object_get(evaluation, "judge"), "checkpoint");
    return version != NULL && strcmp(version, duet_version()) == 0 && !is_outdated(basis, evaluation) &&
           json_equal(json_object_get(evaluation, "checkpoint"), basis->checkpoint) &&
           json_equal(json_object_get(evaluation, "settings"), basis->settings) &&
           (json_is_null(basis->data) || json_equal(json_object_get(evaluation, "data_checksum"), basis->data)) &&
           (judge == NULL || json_equal(by, judge)) && is_complete(evaluation);
}

json_t *cli_basis_device(const duet_device *device)
{
    const duet_device_info *info = duet_device_describe(device);
    return json_pack("{s:o, s:o}", "name", cli_json_text(info->name), "driver", cli_json_text(info->driver));
}

/* Only a device that was asked for makes another evaluation: times are of a device, all else nearly the same on any. */
static int is_on_device(const char *asked, json_t *evaluation, bool *same)
{
    duet_device *device = NULL;
    duet_error error = {0};
    if (duet_device_open(&device, asked, &error) != DUET_OK) return cli_fail(&error);
    json_t *now = cli_basis_device(device);
    *same = json_equal(json_object_get(evaluation, "device"), now);
    json_decref(now);
    duet_device_close(&device);
    return CLI_DONE;
}

int cli_basis_keeps(const cli_basis *basis, const char *run, const cli_evaluation_wish *wish, json_t *evaluation,
                    bool *kept)
{
    *kept = !wish->afresh && is_as_wished(basis, evaluation) && has_pictures(run, evaluation);
    return *kept && wish->device != NULL ? is_on_device(wish->device, evaluation, kept) : CLI_DONE;
}
