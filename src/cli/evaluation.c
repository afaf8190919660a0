/* SPDX-License-Identifier: MIT */
/* Evaluations kept in run directories. A metric that fails, say for want of examples, costs only itself: the page says
 * why it is missing. What fails for a cause that may pass is asked for again by the next call. */
#include "cli/basis.h"
#include "cli/judge.h"
#include "cli/measures.h"
#include "cli/metrics.h"
#include "cli/output.h"
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEED = 0 };

/* A file of the directory itself, whatever checkpoint is meant. */
static char *path_in_directory(const char *run, const char *name)
{
    char *path = duet_page_file(run, ""), *slash = path == NULL ? NULL : strrchr(path, '/');
    const size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1, size = length + strlen(name) + 1;
    char *made = path == NULL ? NULL : malloc(size);
    if (made != NULL) snprintf(made, size, "%.*s%s", (int)length, path, name);
    free(path);
    return made;
}

/* The evaluation in the run's directory; NULL: there is none. One that is no JSON duet_page_check has refused. */
static json_t *read_evaluation(const char *run)
{
    char *path = duet_page_file(run, "evaluation.json");
    struct stat about; /* a pipe would wait for ever */
    const bool there = path != NULL && stat(path, &about) == 0 && S_ISREG(about.st_mode);
    json_t *evaluation = there ? json_load_file(path, 0, NULL) : NULL;
    free(path);
    return evaluation;
}

static void add_missing(json_t *evaluation, const char *metric, const char *reason)
{
    json_array_append_new(json_object_get(evaluation, "not_given"),
                          cli_measure_missing_json(duet_metric_find(metric), reason));
}

/* Memory that lacks, a device that fails and files that cannot be read are of now; the run, its model and its data are
 * what they are. A metric that fails for the former may be given another time: the evaluation is then made anew. */
static void leave_out(void *evaluation, const char *metric, const duet_error *reason)
{
    const bool may_pass =
        reason->status == DUET_ERROR_MEMORY || reason->status == DUET_ERROR_FILE || reason->status == DUET_ERROR_DEVICE;
    json_t *missing = cli_measure_missing_json(duet_metric_find(metric), reason->message);
    if (may_pass) json_object_set_new(missing, "again", json_true());
    json_array_append_new(json_object_get(evaluation, "not_given"), missing);
}

/* Names of all metrics from `first` on that are left out for its reason, and its alone; "" where an earlier one has
 * named it. */
static void name_alike(const json_t *not_given, size_t first, char *names, size_t size)
{
    const char *reason = cli_json_text_at(json_array_get(not_given, first), "reason");
    size_t length = 0, i;
    json_t *entry;
    names[0] = '\0';
    json_array_foreach(not_given, i, entry)
    {
        if (!json_is_true(json_object_get(entry, "again")) || strcmp(cli_json_text_at(entry, "reason"), reason) != 0)
            continue;
        if (i < first) return;
        const int added =
            snprintf(names + length, size - length, "%s%s", i == first ? "" : ", ", cli_json_text_at(entry, "metric"));
        length = added < 0 || (size_t)added >= size - length ? size - 1 : length + (size_t)added;
    }
}

/* What is missing now and may be had another time is said where somebody may see to it. */
static void say_what_may_come(const char *run, const json_t *evaluation)
{
    const json_t *not_given = json_object_get(evaluation, "not_given");
    json_t *entry;
    size_t i;
    json_array_foreach(not_given, i, entry)
    {
        char names[1000];
        if (!json_is_true(json_object_get(entry, "again"))) continue;
        name_alike(not_given, i, names, sizeof names);
        if (names[0] != '\0')
            cli_complain(CLI_DONE, "%s: left out this time, and asked for again by the next report or compare: %s: %s",
                         run, names, cli_json_text_at(entry, "reason"));
    }
}

/* What the run would have to be, of a metric that it cannot give at all; else the error's own words. */
static void add_refused(duet_run *run, json_t *evaluation, const duet_metric_row *row, const duet_error *error)
{
    char reason[400];
    const char *refusal = duet_metric_refusal(run, row->name);
    if (error->status != DUET_ERROR_USAGE) {
        leave_out(evaluation, row->name, error); /* too few examples, as eval says, or too little memory */
        return;
    }
    snprintf(reason, sizeof reason, "%s%s", refusal == NULL ? "only " : "",
             refusal == NULL ? duet_metric_needs(row) : refusal);
    add_missing(evaluation, row->name, reason);
}

/* The metrics that the run gives without being asked for by name; why not, for all others. */
static size_t choose_metrics(duet_run *run, json_t *evaluation, const char **names)
{
    const duet_metric_row *row;
    size_t count = 0;
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++) {
        char reason[400];
        duet_error error = {0};
        const duet_status status = duet_metric_check(run, row->name, cli_run_split(run), &error);
        if (status != DUET_OK) {
            add_refused(run, evaluation, row, &error);
        } else if (row->on_request && strcmp(row->name, "cost") != 0) {
            snprintf(reason, sizeof reason, "takes long: duet eval RUN --metric %s", row->name);
            add_missing(evaluation, row->name, reason);
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
    int status = cli_metrics_compute(run, names, count, SEED, &values, leave_out, evaluation);
    for (size_t i = 0; status == CLI_DONE && i < values.count; i++)
        json_array_append_new(json_object_get(evaluation, "metrics"), cli_measure_json(run, &values.rows[i]));
    free(values.rows);
    free(names);
    return status;
}

static int weigh(duet_run *judge, json_t *judged_by)
{
    json_t *facts;
    const int status = cli_judge_weigh(judge, &facts);
    if (facts != NULL) json_object_set_new(judged_by, "accuracy", facts);
    return status;
}

/* A judge that does not fit the run's data judges nothing here, and why is kept; the other runs may still be compared
 * by it. One that is no classifier is a mistake. */
static int call_judge(duet_run *run, json_t *judged_by, duet_run **judge)
{
    duet_error error = {0};
    const char *directory = json_string_value(json_object_get(judged_by, "run"));
    if (directory == NULL || json_object_get(judged_by, "checkpoint") == NULL) return CLI_DONE; /* nobody, or away */
    json_object_del(judged_by, "left_out");
    if (duet_run_open_beside(judge, directory, run, &error) != DUET_OK) return cli_fail_opened(&error);
    if (cli_run_set_judge(run, *judge, &error) == DUET_OK) {
        duet_features_identity identity;
        if (duet_metric_features(run, NULL, &identity, &error) != DUET_OK) return cli_fail_opened(&error);
        json_object_set_new(judged_by, "features", json_string(identity.checksum));
        return weigh(*judge, judged_by);
    }
    if (error.status != DUET_ERROR_DATA) return cli_fail_opened(&error);
    json_object_set_new(judged_by, "left_out", cli_json_text(error.message));
    return CLI_DONE;
}

/* Whether another run of the comparison takes the setting. */
static bool others_take(duet_run *run, const char *directory, const cli_list *runs, const char *key)
{
    bool taken = false;
    for (size_t i = 0; i < runs->count && !taken; i++) {
        duet_run *other = NULL;
        if (strcmp(runs->items[i], directory) == 0 ||
            duet_run_open_beside(&other, runs->items[i], run, NULL) != DUET_OK)
            continue; /* its own evaluation says what is wrong with it */
        taken = duet_run_takes(other, key);
        duet_run_close(&other);
    }
    return taken;
}

/* Sorts a setting: among those that the run takes, or with the reason among those left out, if it is for others. */
static int sort_setting(duet_run *run, const char *directory, const cli_evaluation_wish *wish, const char *setting,
                        cli_list *taken, json_t *left_out)
{
    duet_error error = {0};
    if (duet_run_check_settings(run, &setting, 1, &error) == DUET_OK) {
        taken->items[taken->count++] = setting;
        return CLI_DONE;
    }
    char *key = strndup(setting, strcspn(setting, "="));
    if (key == NULL) return cli_complain(CLI_FAILED, "there is too little memory for a setting");
    bool for_others = !duet_run_takes(run, key) && others_take(run, directory, wish->runs, key);
    free(key);
    const int known = for_others ? CLI_DONE : cli_settings_known(run, &(cli_list){{setting}, 1});
    if (known != CLI_DONE) return known;
    if (!for_others) return cli_fail_opened(&error);
    json_array_append_new(
        left_out, json_pack("{s:o, s:o}", "setting", cli_json_text(setting), "reason", cli_json_text(error.message)));
    return CLI_DONE;
}

/* `taken` must outlive the run. */
static int take_settings(duet_run *run, const char *directory, const cli_evaluation_wish *wish, cli_list *taken,
                         json_t *left_out)
{
    int status = CLI_DONE;
    for (size_t i = 0; status == CLI_DONE && i < wish->settings->count; i++)
        status = sort_setting(run, directory, wish, wish->settings->items[i], taken, left_out);
    if (status == CLI_DONE) duet_run_set_settings(run, taken->items, taken->count);
    return status;
}

/* What was asked for and left out is said each time, not only when the evaluation is made. A run by itself has no
 * others for which a setting could be meant. */
static int say_what_is_left_out(json_t *evaluation, const char *run, const cli_evaluation_wish *wish)
{
    const char *reason = json_string_value(json_object_get(json_object_get(evaluation, "judge"), "left_out"));
    json_t *left_out;
    size_t i;
    if (wish->judge != NULL && reason != NULL) cli_complain(CLI_DONE, "the judge is left out for %s: %s", run, reason);
    json_array_foreach(json_object_get(evaluation, "settings_left_out"), i, left_out)
    {
        const char *why = json_string_value(json_object_get(left_out, "reason"));
        if (wish->runs->count == 1) return cli_complain(CLI_FAILED, "%s", why);
        cli_complain(CLI_DONE, "left out for %s: %s", run, why);
    }
    return CLI_DONE;
}

/* Which settings have an effect shows when metrics and pictures have asked for what they need. One that this run does
 * not read may be for the others, where there are any. */
static int check_read(duet_run *run, const cli_evaluation_wish *wish, const cli_list *taken, json_t *left_out)
{
    for (size_t i = 0; i < taken->count; i++) {
        char reason[400];
        if (duet_run_has_read(run, i)) continue;
        snprintf(reason, sizeof reason, "--set %.300s has no effect: none of its metrics and pictures reads it",
                 taken->items[i]);
        if (wish->runs->count == 1) return cli_complain(CLI_FAILED, "%s", reason);
        json_array_append_new(left_out, json_pack("{s:o, s:o}", "setting", cli_json_text(taken->items[i]), "reason",
                                                  cli_json_text(reason)));
    }
    return CLI_DONE;
}

static void note_used(json_t *evaluation, const cli_evaluation_wish *wish)
{
    json_t *entry;
    size_t k;
    for (size_t i = 0; wish->used != NULL && i < wish->settings->count; i++) {
        bool left_out = false;
        json_array_foreach(json_object_get(evaluation, "settings_left_out"), k, entry)
        {
            const char *setting = json_string_value(json_object_get(entry, "setting"));
            left_out = left_out || (setting != NULL && strcmp(setting, wish->settings->items[i]) == 0);
        }
        wish->used[i] = wish->used[i] || !left_out;
    }
}

static bool has_reports(const char *run)
{
    struct stat about;
    char *path = path_in_directory(run, "metrics.jsonl");
    const bool there = path == NULL || lstat(path, &about) == 0 || errno != ENOENT;
    free(path);
    return there;
}

/* A page can be made without the reports of the training, or with some that are not all its own, but not without a
 * word. */
static void say_of_reports(const char *run)
{
    char words[400];
    char *path = path_in_directory(run, "metrics.jsonl");
    if (path != NULL && !has_reports(run))
        cli_complain(CLI_DONE, "%s is not there: losses, and how long a step took, are left out", path);
    else if (duet_run_doubts_reports(run, words, sizeof words))
        cli_complain(CLI_DONE, "warning: %s: %s (losses, and how long a step took, are as it has them)", run, words);
    free(path);
}

static void say_of_choice(const char *run)
{
    char words[300];
    if (duet_run_is_chosen(run, words, sizeof words)) cli_print(stderr, "note: %s: %s\n", run, words);
}

/* Whether the reports, which were away when the training's speed was asked for, are there again. */
static bool has_reports_again(const char *run, const json_t *evaluation)
{
    return json_is_false(json_object_get(evaluation, "reports")) && has_reports(run);
}

static int write_evaluation(const char *run, json_t *evaluation)
{
    char *path = duet_page_file(run, "evaluation.json");
    char *text = json_dumps(evaluation, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    duet_error error = {0};
    int status = cli_json_check();
    if (status == CLI_DONE && (path == NULL || text == NULL))
        status = cli_complain(CLI_FAILED, "there is too little memory for an evaluation");
    if (status == CLI_DONE && duet_write_file(path, text, strlen(text), &error) != DUET_OK)
        status = cli_fail_opened(&error);
    free(text);
    free(path);
    return status;
}

/* Pictures are drawn over the old ones: should what follows fail, the evaluation that those were of is not to stay
 * beside these. */
static int remove_evaluation(const char *run)
{
    int status = CLI_DONE;
    char *path = duet_page_file(run, "evaluation.json");
    if (path == NULL)
        status = cli_complain(CLI_FAILED, "there is too little memory for an evaluation");
    else if (unlink(path) != 0 && errno != ENOENT)
        status = cli_complain(CLI_FAILED, "%s: cannot be removed: %s", path, strerror(errno));
    free(path);
    return status;
}

/* All of an evaluation but what is computed. NULL after a message. */
static json_t *begin_evaluation(duet_run *run, const char *directory, const cli_basis *basis)
{
    char replaced[24];
    if (json_is_null(basis->data)) {
        (void)cli_fail_opened(&basis->data_lost);
        return NULL;
    }
    return json_pack("{s:i, s:s, s:s, s:O, s:O, s:o, s:O, s:O, s:[], s:o, s:s, s:s, s:b, s:i, s:[], s:[]}", "schema", 1,
                     "duet", duet_version(), "commit", duet_commit(), "checkpoint", basis->checkpoint, "judge",
                     basis->judge, "data", cli_json_text(duet_data_describe(duet_run_data(run))->name), "data_checksum",
                     basis->data, "settings", basis->settings, "settings_left_out", "device",
                     cli_basis_device(duet_run_device(run)), "kernels", duet_kernels_replaced(replaced), "split",
                     cli_run_split(run) == DUET_TEST ? "test" : "train", "reports", (int)has_reports(directory), "seed",
                     SEED, "metrics", "not_given");
}

/* What is measured is kept in the run: that it can be is asked before what takes long. */
static int check_place(const char *run)
{
    duet_error error = {0};
    char *path = duet_page_file(run, "evaluation.json"), *pictures = duet_page_file(run, "report");
    if (duet_page_check(run, NULL, &error) != DUET_OK) {
        free(path);
        free(pictures);
        return cli_fail_opened(&error);
    }
    if (path != NULL && pictures != NULL && duet_page_check(run, path, &error) == DUET_OK)
        (void)duet_folder_make(pictures, &error);
    const bool named = path != NULL && pictures != NULL;
    free(path);
    free(pictures);
    if (!named) return cli_complain(CLI_FAILED, "there is too little memory for an evaluation");
    if (error.status == DUET_OK) return CLI_DONE;
    char *folder = path_in_directory(run, ".");
    const bool own = folder != NULL && access(folder, W_OK) == 0; /* what is in the way is, and a copy would have it */
    free(folder);
    if (own)
        return cli_complain(CLI_FAILED,
                            "%s: what is measured is kept in the run, and that is in its place: move it away",
                            error.message);
    return cli_complain(CLI_FAILED,
                        "%s: what is measured is kept in the run, wherever the page goes: name a copy of the run that "
                        "may be written to (cp -r %s .)",
                        error.message, run);
}

/* *evaluation: what was made, which the caller drops. */
static int evaluate(const char *directory, const cli_evaluation_wish *wish, const cli_basis *basis, json_t **evaluation)
{
    duet_run *run = NULL, *judge = NULL;
    cli_list taken = {.count = 0};
    int status = check_place(directory);
    *evaluation = NULL;
    if (status != CLI_DONE) return status;
    cli_print(stderr, "evaluating %s\n", directory);
    if (basis->judge_lost.status != DUET_OK)
        cli_complain(CLI_DONE,
                     "who judged %s before cannot be asked again, so nobody does until it is back (--judge RUN): %s",
                     directory, basis->judge_lost.message);
    status = cli_run_open(&run, directory, wish->device, wish->data, NULL);
    *evaluation = status == CLI_DONE ? begin_evaluation(run, directory, basis) : NULL;
    if (status == CLI_DONE && *evaluation == NULL) status = CLI_FAILED;
    if (status == CLI_DONE)
        status = take_settings(run, directory, wish, &taken, json_object_get(*evaluation, "settings_left_out"));
    if (status == CLI_DONE) status = call_judge(run, basis->judge, &judge);
    if (status == CLI_DONE) status = compute(run, *evaluation);
    if (status == CLI_DONE) status = cli_json_check();
    if (status == CLI_DONE) say_what_may_come(directory, *evaluation);
    if (status == CLI_DONE) status = remove_evaluation(directory);
    if (status == CLI_DONE) status = cli_page_pictures(run, directory, *evaluation);
    if (status == CLI_DONE) status = check_read(run, wish, &taken, json_object_get(*evaluation, "settings_left_out"));
    if (status == CLI_DONE) status = write_evaluation(directory, *evaluation);
    duet_run_close(&judge);
    duet_run_close(&run);
    return status;
}

/* What could not be found out before, say as the judge's own data were away. */
static int weigh_again(const cli_evaluation_wish *wish, json_t *judged_by, const char *directory)
{
    duet_run *judge = NULL;
    int status = cli_run_open(&judge, directory, wish->device, NULL, NULL);
    if (status == CLI_DONE) status = weigh(judge, judged_by);
    duet_run_close(&judge);
    return status;
}

/* How good the judge is, is said of an evaluation that is kept too, and asked again where it is not known. A judge is
 * found again where it lies now: written where the path that was kept leads to nobody, or only from one folder. */
static int keep(const char *run, const cli_basis *basis, const cli_evaluation_wish *wish, json_t *evaluation)
{
    json_t *judge = json_object_get(evaluation, "judge"), *now = json_object_get(basis->judge, "run");
    const bool away = basis->judge_lost.status != DUET_OK;
    const bool unknown = !away && json_string_value(now) != NULL && json_object_get(judge, "accuracy") == NULL &&
                         json_object_get(judge, "left_out") == NULL;
    cli_judge_tell(json_object_get(judge, "accuracy"));
    const int status = unknown ? weigh_again(wish, judge, json_string_value(now)) : CLI_DONE;
    if (status != CLI_DONE) return status;
    const bool learnt = unknown && json_object_get(judge, "accuracy") != NULL;
    const char *path = json_string_value(json_object_get(judge, "run"));
    if (basis->data_lost.status != DUET_OK)
        cli_complain(CLI_DONE, "the data of %s cannot be looked at, so its evaluation is taken as it is: %s", run,
                     basis->data_lost.message);
    if (away)
        cli_complain(CLI_DONE, "who judged %s cannot be asked again, so that %s (--judge RUN): %s", run,
                     json_is_true(json_object_get(judge, "again")) ? "nobody does until it is back"
                                                                   : "what was said then is kept",
                     basis->judge_lost.message);
    const bool lies_there = away || path == NULL || now == NULL || (path[0] == '/' && access(path, F_OK) == 0);
    if (!learnt && lies_there) return CLI_DONE;
    if (!lies_there) json_object_set(judge, "run", now);
    return write_evaluation(run, evaluation);
}

/* Two programs at a time would write the same files: the second waits, and finds the work done. The lock is the
 * directory's, and goes with the program; -1: none is to be had here, say on a file system without locks. */
static int lock_run(const char *run)
{
    char *path = path_in_directory(run, ".");
    int descriptor = path == NULL ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(path);
    if (descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        cli_print(stderr, "another program evaluates %s: waiting for it\n", run);
        while (flock(descriptor, LOCK_EX) != 0 && errno == EINTR) continue;
    }
    return descriptor;
}

int cli_evaluation_ensure(const char *run, const cli_evaluation_wish *wish)
{
    int lock = lock_run(run);
    json_t *evaluation = read_evaluation(run);
    cli_basis basis;
    bool kept = false;
    int status = cli_basis_find(&basis, run, wish, evaluation);
    if (status == CLI_DONE && (basis.data_lost.status != DUET_OK || !has_reports_again(run, evaluation)))
        status = cli_basis_keeps(&basis, run, wish, evaluation, &kept);
    if (status == CLI_DONE) status = cli_json_check(); /* what was read may be another evaluation, or none */
    if (status == CLI_DONE && kept) status = keep(run, &basis, wish, evaluation);
    if (status == CLI_DONE && !kept) {
        json_decref(evaluation);
        status = evaluate(run, wish, &basis, &evaluation);
    }
    if (status == CLI_DONE) status = say_what_is_left_out(evaluation, run, wish);
    if (status == CLI_DONE) note_used(evaluation, wish);
    if (status == CLI_DONE) say_of_reports(run);
    if (status == CLI_DONE) say_of_choice(run);
    if (lock >= 0) (void)close(lock);
    cli_basis_free(&basis);
    json_decref(evaluation);
    return status;
}
