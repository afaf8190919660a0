/* SPDX-License-Identifier: MIT */
/* Evaluations kept in run directories. A metric that fails, say for want of examples, costs only itself: the page says
 * why it is missing. */
#include "cli/evaluation.h"
#include "cli/measures.h"
#include "cli/metrics.h"
#include "cli/output.h"
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { SEED = 0 };

/* What an evaluation depends on, as it stands in its file. */
static json_t *checkpoint_json(const char *run, int *status)
{
    uint64_t step;
    char sum[32];
    duet_error error = {0};
    *status = CLI_DONE;
    if (duet_page_checkpoint(run, &step, sum, &error) == DUET_OK)
        return json_pack("{s:I, s:s}", "step", (json_int_t)step, "checksum", sum);
    *status = cli_fail_opened(&error);
    return NULL;
}

/* The evaluation in the run's directory; NULL: none that can be read. */
static json_t *read_evaluation(const char *run)
{
    char *path = duet_page_file(run, "evaluation.json");
    json_t *evaluation = path == NULL ? NULL : json_load_file(path, 0, NULL);
    free(path);
    return evaluation;
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

/* Whether the pictures that it names are still there. */
static bool has_pictures(const char *run, json_t *evaluation)
{
    char *folder = duet_page_file(run, "report");
    bool whole = folder != NULL;
    json_t *picture;
    size_t i;
    json_array_foreach(json_object_get(evaluation, "pictures"), i, picture)
    {
        const char *file = json_string_value(json_object_get(picture, "file"));
        if (!whole || file == NULL) continue;
        char *path = malloc(strlen(folder) + strlen(file) + 2);
        if (path != NULL) sprintf(path, "%s/%s", folder, file);
        whole = path != NULL && access(path, R_OK) == 0;
        free(path);
    }
    free(folder);
    return whole;
}

static bool is_as_wished(json_t *evaluation, json_t *checkpoint, json_t *judge)
{
    const char *version = json_string_value(json_object_get(evaluation, "duet"));
    json_t *by = json_object_get(json_object_get(evaluation, "judge"), "checkpoint");
    return version != NULL && strcmp(version, duet_version()) == 0 &&
           json_equal(json_object_get(evaluation, "checkpoint"), checkpoint) &&
           (judge == NULL || json_equal(by, judge)) && is_complete(evaluation);
}

/* The part of a summary that says what a metric needs: what stands behind the last semicolon. */
static const char *need_of(const duet_metric_row *row)
{
    const char *semicolon = strrchr(row->summary, ';');
    return semicolon == NULL ? row->summary : semicolon + 1 + strspn(semicolon + 1, " ");
}

static void add_missing(void *evaluation, const char *metric, const char *reason)
{
    json_array_append_new(json_object_get(evaluation, "not_given"),
                          cli_measure_missing_json(duet_metric_find(metric), reason));
}

/* The metrics that the run gives without being asked for by name; why not, for all others. */
static size_t choose_metrics(duet_run *run, json_t *evaluation, const char **names)
{
    const duet_metric_row *row;
    size_t count = 0;
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++) {
        char reason[400];
        duet_error error = {0};
        if (!duet_metric_applies(run, row->name)) {
            const char *refusal = duet_metric_refusal(run, row->name);
            snprintf(reason, sizeof reason, "%s%s", refusal == NULL ? "only " : "",
                     refusal == NULL ? need_of(row) : refusal);
            add_missing(evaluation, row->name, reason);
        } else if (row->on_request && strcmp(row->name, "cost") != 0) {
            snprintf(reason, sizeof reason, "takes long: duet eval RUN --metric %s", row->name);
            add_missing(evaluation, row->name, reason);
        } else if (duet_metric_check(run, row->name, cli_run_split(run), &error) != DUET_OK) {
            add_missing(evaluation, row->name, error.message); /* too few examples */
        } else {
            names[count++] = row->name;
        }
    }
    return count;
}

static int compute(duet_run *run, json_t *evaluation)
{
    cli_values values = {0};
    const char **names = malloc(cli_metrics_count() * sizeof *names);
    if (names == NULL) return cli_complain(CLI_FAILED, "there is too little memory for names");
    size_t count = choose_metrics(run, evaluation, names);
    int status = cli_metrics_compute(run, names, count, SEED, &values, add_missing, evaluation);
    for (size_t i = 0; status == CLI_DONE && i < values.count; i++)
        json_array_append_new(json_object_get(evaluation, "metrics"), cli_measure_json(run, &values.rows[i]));
    free(values.rows);
    free(names);
    return status;
}

/* A judge that does not fit the run's data judges nothing here, and why is kept; the other runs may still be compared
 * by it. One that is no classifier is a mistake. */
static int call_judge(duet_run *run, json_t *judged_by, duet_run **judge)
{
    duet_error error = {0};
    const char *directory = json_string_value(json_object_get(judged_by, "run"));
    if (directory == NULL) return CLI_DONE;
    json_object_del(judged_by, "left_out");
    if (duet_run_open_beside(judge, directory, run, &error) != DUET_OK) return cli_fail_opened(&error);
    if (duet_run_set_judge(run, *judge, &error) == DUET_OK) return CLI_DONE;
    if (error.status != DUET_ERROR_DATA) return cli_fail_opened(&error);
    json_object_set_new(judged_by, "left_out", cli_json_text(error.message));
    return CLI_DONE;
}

/* Said each time that the judge is asked for, not only when the evaluation is made. */
static void warn_of_judge(json_t *judged_by, const char *run)
{
    const char *reason = json_string_value(json_object_get(judged_by, "left_out"));
    if (reason != NULL) cli_complain(CLI_DONE, "the judge is left out for %s: %s", run, reason);
}

static int write_evaluation(const char *run, json_t *evaluation)
{
    char *path = duet_page_file(run, "evaluation.json");
    char *text = json_dumps(evaluation, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    duet_error error = {0};
    int status = CLI_DONE;
    if (path == NULL || text == NULL)
        status = cli_complain(CLI_FAILED, "there is too little memory for an evaluation");
    else if (duet_write_file(path, text, strlen(text), &error) != DUET_OK)
        status = cli_fail_opened(&error);
    free(text);
    free(path);
    return status;
}

static int evaluate(const char *directory, const cli_evaluation_wish *wish, json_t *checkpoint, json_t *judged_by)
{
    duet_run *run = NULL, *judge = NULL;
    cli_print(stderr, "evaluating %s\n", directory);
    int status = cli_run_open(&run, directory, wish->device, NULL);
    if (status == CLI_DONE) status = call_judge(run, judged_by, &judge);
    if (status == CLI_DONE) {
        json_t *evaluation = json_pack(
            "{s:i, s:s, s:O, s:O, s:o, s:s, s:i, s:[], s:[]}", "schema", 1, "duet", duet_version(), "checkpoint",
            checkpoint, "judge", judged_by, "data", cli_json_text(duet_data_describe(duet_run_data(run))->name),
            "split", cli_run_split(run) == DUET_TEST ? "test" : "train", "seed", SEED, "metrics", "not_given");
        status = compute(run, evaluation);
        if (status == CLI_DONE) status = cli_page_pictures(run, directory, evaluation);
        if (status == CLI_DONE) status = write_evaluation(directory, evaluation);
        json_decref(evaluation);
    }
    duet_run_close(&judge);
    duet_run_close(&run);
    return status;
}

/* Who is to judge: the one asked for, or who judged before and is still there, as it is now. */
static json_t *judge_json(const cli_evaluation_wish *wish, json_t *before, int *status)
{
    const char *run = wish->judge;
    *status = CLI_DONE;
    if (run == NULL) {
        uint64_t step;
        char sum[32];
        run = json_string_value(json_object_get(json_object_get(before, "judge"), "run"));
        if (run == NULL || duet_page_checkpoint(run, &step, sum, NULL) != DUET_OK) return json_null();
    }
    json_t *checkpoint = checkpoint_json(run, status);
    return checkpoint == NULL ? NULL : json_pack("{s:o, s:o}", "run", cli_json_text(run), "checkpoint", checkpoint);
}

/* Two programs at a time would write the same files: the second waits, and finds the work done. The lock is the
 * directory's, and goes with the program; -1: none is to be had here, say on a file system without locks. */
static int lock_run(const char *run)
{
    char *path = duet_page_file(run, "evaluation.json"), *slash = path == NULL ? NULL : strrchr(path, '/');
    if (slash != NULL) slash[1] = '\0';
    int descriptor = path == NULL ? -1 : open(slash == NULL ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(path);
    if (descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        cli_print(stderr, "another program evaluates %s: waiting for it\n", run);
        while (flock(descriptor, LOCK_EX) != 0 && errno == EINTR) continue;
    }
    return descriptor;
}

int cli_evaluation_ensure(const char *run, const cli_evaluation_wish *wish)
{
    int status;
    int lock = lock_run(run);
    json_t *checkpoint = checkpoint_json(run, &status), *before = NULL, *judge = NULL;
    if (status == CLI_DONE) {
        before = read_evaluation(run);
        judge = judge_json(wish, before, &status);
    }
    if (status == CLI_DONE) {
        bool kept = !wish->afresh && has_pictures(run, before) &&
                    is_as_wished(before, checkpoint, json_object_get(judge, "checkpoint"));
        if (!kept) status = evaluate(run, wish, checkpoint, judge);
        if (status == CLI_DONE && wish->judge != NULL)
            warn_of_judge(kept ? json_object_get(before, "judge") : judge, run);
    }
    if (lock >= 0) (void)close(lock);
    json_decref(judge);
    json_decref(before);
    json_decref(checkpoint);
    return status;
}
