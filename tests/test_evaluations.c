/* SPDX-License-Identifier: MIT */
/* What `report` and `compare` keep of a run, and when they make it anew: by the program, on small trainings over
 * pictures that are replaced, judges that move, and files that are cut. */
#include "judged_runs.h"

#include "duet/device.h"
#include "duet/report.h"
#include "duet/run.h"

static bool is_evaluated(result made)
{
    bool evaluated = strstr(made.err, "evaluating") != NULL;
    expect(made, 0, NULL, NULL);
    return evaluated;
}

/* Cuts a file's end off; to be given back to `restore`. */
static char *cut(const char *name, size_t *size)
{
    char path[PATH_SIZE];
    char *whole = test_file_read(inside(name, path), size);
    assert_true(*size > 100);
    test_file_write(path, whole, *size - 100);
    return whole;
}

static void restore(const char *name, char *whole, size_t size)
{
    char path[PATH_SIZE];
    test_file_write(inside(name, path), whole, size);
    free(whole);
}

/* What evaluation.json of a run says; the caller drops it. */
static json_t *evaluation_of(const char *run)
{
    char path[PATH_SIZE], file[PATH_SIZE];
    (void)snprintf(file, sizeof file, "%s/evaluation.json", run);
    json_t *evaluation = json_load_file(inside(file, path), 0, NULL);
    assert_non_null(evaluation);
    return evaluation;
}

static void replaced_data_is_noticed(void **state)
{
    (void)state;
    char path[PATH_SIZE], away[PATH_SIZE];
    (void)is_evaluated(RUN("report", "@/vae"));
    assert_false(is_evaluated(RUN("report", "@/vae")));
    json_t *before = evaluation_of("vae");
    write_pictures(5);
    result kept = RUN("report", "@/vae");
    assert_null(strstr(kept.err, "evaluating"));
    expect(kept, 0, "report.html", "was trained on other data");
    assert_true(is_evaluated(RUN("report", "@/vae", "--data", "@/pictures")));
    /* what was made of other data does not stand for data that do not fit, or are not there */
    expect(RUN("report", "@/vae", "--data", "ring8"), 1, NULL, "ring8");
    expect(RUN("report", "@/vae", "--data", "@/nowhere.npy"), 1, NULL, "nowhere.npy");
    json_t *after = evaluation_of("vae");
    assert_false(json_equal(json_object_get(before, "data_checksum"), json_object_get(after, "data_checksum")));
    json_decref(before);
    json_decref(after);
    assert_int_equal(rename(inside("pictures", path), inside("elsewhere", away)), 0);
    result without = RUN("report", "@/vae");
    assert_null(strstr(without.err, "evaluating"));
    expect(without, 0, "report.html", "its evaluation is taken as it is");
    assert_int_equal(rename(away, path), 0);
    write_pictures(0);
    assert_true(is_evaluated(RUN("report", "@/vae")));
}

/* Which examples of one file are the test's makes other data of it, with the same checksum. */
static void another_tenth_is_other_data(void **state)
{
    (void)state;
    float *rows = calloc(PICTURES * 2, sizeof *rows);
    char path[PATH_SIZE], data[PATH_SIZE + 16];
    duet_error error = {0};
    for (size_t i = 0; i < PICTURES * 2; i++) rows[i] = (float)(i * 2654435761u >> 20 & 255) / 64;
    assert_ok(duet_write_npy(inside("rows.npy", path), rows, DUET_SHAPE(PICTURES, 2), &error), &error);
    free(rows);
    (void)snprintf(data, sizeof data, "%s:split=last", path);
    expect(RUN("train", "vae", "--data", path, "--steps", "4", "--batch", "16", "--set", "likelihood=gaussian", "-q",
               "--out", "@/tenth"),
           0, NULL, NULL);
    assert_true(is_evaluated(RUN("report", "@/tenth", "--data", path)));
    json_t *before = evaluation_of("tenth");
    assert_true(is_evaluated(RUN("report", "@/tenth", "--data", data)));
    json_t *after = evaluation_of("tenth");
    assert_false(json_equal(json_object_get(before, "data_checksum"), json_object_get(after, "data_checksum")));
    json_decref(before);
    json_decref(after);
    expect(RUN("train", "--resume", "@/tenth", "--data", data, "--steps", "8"), 1, NULL,
           "a tenth by chance then and are the last tenth now (split=shuffled and split=last)");
    expect(RUN("train", "--resume", "@/tenth", "--data", path, "--steps", "8", "--quiet"), 0, NULL, NULL);
}

/* Copies are of what a run was trained on. */
static void copies_of_other_data_are_not_looked_for(void **state)
{
    (void)state;
    expect(RUN("eval", "@/vae", "--metric", "memorisation"), 0, "memorisation", NULL);
    write_pictures(5);
    expect(RUN("eval", "@/vae", "--metric", "memorisation", "--data", "@/pictures"), 1, NULL, "leave --data out");
    expect(RUN("report", "@/vae", "--data", "@/pictures"), 0, NULL, NULL);
    json_t *evaluation = evaluation_of("vae"), *picture;
    bool said = false;
    size_t i;
    json_array_foreach(json_object_get(evaluation, "pictures"), i, picture)
    {
        if (strcmp(json_string_value(json_object_get(picture, "kind")), "nearest") != 0) continue;
        said = json_is_string(json_object_get(picture, "reason"));
    }
    assert_true(said);
    json_decref(evaluation);
    write_pictures(0);
}

static void files_that_are_cut_are_noticed(void **state)
{
    (void)state;
    static const char *const runs[] = {"vae", "judge"};
    char file[PATH_SIZE];
    size_t size;
    expect(RUN("report", "@/vae", "--judge", "@/judge"), 0, NULL, NULL);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(file, sizeof file, "%s/checkpoint.safetensors", runs[i]);
        char *whole = cut(file, &size);
        expect(RUN("report", "@/vae", "--judge", "@/judge"), 1, NULL, "not a whole checkpoint");
        expect(RUN("compare", "@/vae", "@/gan", "--judge", "@/judge"), 1, NULL, "not a whole checkpoint");
        restore(file, whole, size);
    }
    assert_false(is_evaluated(RUN("report", "@/vae", "--judge", "@/judge")));
    expect(RUN("report", "@/vae"), 0, NULL, "the judge is right about "); /* also of what was evaluated before */
    char *picture = cut("vae/report/samples.png", &size);
    assert_true(is_evaluated(RUN("report", "@/vae")));
    free(picture);
}

/* The path of a judge holds from any folder, and where it leads to nobody any more, that is said. */
static void judges_are_found_from_any_folder(void **state)
{
    (void)state;
    char path[PATH_SIZE], away[PATH_SIZE], here[PATH_SIZE];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(folder), 0);
    expect(RUN("report", "vae", "--judge", "judge", "--afresh"), 0, NULL, "evaluating");
    assert_int_equal(chdir(here), 0);
    json_t *evaluation = evaluation_of("vae"), *judge = json_object_get(evaluation, "judge");
    assert_string_equal(json_string_value(json_object_get(judge, "run")), inside("judge", path));
    assert_int_equal(strlen(json_string_value(json_object_get(judge, "features"))), 16);
    json_decref(evaluation);
    expect(RUN("train", "--resume", "@/vae", "--steps", "3"), 0, NULL, NULL);
    result again = RUN("report", "@/vae");
    assert_null(strstr(again.err, "cannot be asked again"));
    expect(again, 0, NULL, "evaluating");
    evaluation = evaluation_of("vae");
    assert_true(json_is_object(json_object_get(evaluation, "judge")));
    json_decref(evaluation);
    /* moved: by itself nothing is made anew, and who it is decides, not where */
    assert_int_equal(rename(inside("judge", path), inside("moved", away)), 0);
    expect(RUN("report", "@/vae"), 0, NULL, "cannot be asked again, so that what was said then is kept");
    assert_false(is_evaluated(RUN("report", "@/vae")));
    assert_false(is_evaluated(RUN("report", "@/vae", "--judge", "@/moved")));
    evaluation = evaluation_of("vae");
    assert_string_equal(json_string_value(json_object_get(json_object_get(evaluation, "judge"), "run")), away);
    json_decref(evaluation);
    assert_int_equal(rename(away, path), 0);
    expect(RUN("report", "@/vae", "--afresh"), 0, NULL, "cannot be asked again");
    /* away it judges nothing, and is asked again when it is back */
    evaluation = evaluation_of("vae");
    judge = json_object_get(evaluation, "judge");
    assert_string_equal(json_string_value(json_object_get(judge, "run")), away);
    assert_non_null(json_object_get(judge, "left_out"));
    assert_null(json_object_get(judge, "checkpoint"));
    json_decref(evaluation);
    result kept = RUN("report", "@/vae");
    assert_non_null(strstr(kept.err, "so that nobody does until it is back"));
    assert_false(is_evaluated(kept));
    assert_int_equal(rename(path, away), 0);
    assert_true(is_evaluated(RUN("report", "@/vae")));
    evaluation = evaluation_of("vae");
    judge = json_object_get(evaluation, "judge");
    assert_non_null(json_object_get(judge, "accuracy"));
    assert_null(json_object_get(judge, "left_out"));
    json_decref(evaluation);
    assert_int_equal(rename(away, path), 0);
}

/* Reports that are cut, emptied or another run's are shown, and not without a word. */
static void reports_that_are_not_the_runs_are_told_of(void **state)
{
    (void)state;
    static const char cut_words[] = "the checkpoint counts on reports up to step ";
    char path[PATH_SIZE], other[PATH_SIZE];
    size_t size, other_size;
    expect(RUN("train", "gan", "--data", "@/pictures", "--epochs", "2", "--batch", "100", "--out", "@/told"), 0, NULL,
           NULL);
    char *own = test_file_read(inside("told/metrics.jsonl", path), &size);
    char *others = test_file_read(inside("judge/metrics.jsonl", other), &other_size);
    result sound = RUN("report", "@/told");
    assert_null(strstr(sound.err, "warning"));
    expect(sound, 0, NULL, NULL);
    write_file("told/metrics.jsonl", "", 0);
    expect(RUN("report", "@/told"), 0, NULL, cut_words);
    expect(RUN("compare", "@/told", "@/vae"), 0, NULL, cut_words);
    write_file("told/metrics.jsonl", own, size / 2);
    expect(RUN("eval", "@/told", "--metric", "cost"), 0, NULL, cut_words);
    write_file("told/metrics.jsonl", others, other_size);
    expect(RUN("report", "@/told"), 0, NULL, "which is a loss of this run: are these the reports of another one?");
    assert_int_equal(remove(path), 0);
    assert_int_equal(symlink("/nowhere", path), 0);
    expect(RUN("eval", "@/told", "--metric", "cost"), 0, NULL, "cannot be read: it is a link that leads nowhere");
    expect(RUN("report", "@/told"), 1, NULL, "it is a link that leads nowhere");
    assert_int_equal(remove(path), 0);
    write_file("told/metrics.jsonl", own, size);
    free(own);
    free(others);
}

/* --set is a part of what an evaluation is of, reaches the model, and is left out for runs that do not take it. */
static void settings_of_use_are_known(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    size_t size;
    (void)is_evaluated(RUN("report", "@/vae"));
    assert_true(is_evaluated(RUN("report", "@/vae", "--set", "weights=average")));
    assert_false(is_evaluated(RUN("report", "@/vae", "--set", "weights=average")));
    char *page = test_file_read(inside("vae/report.html", path), &size);
    assert_non_null(strstr(page, "\"use\":\"weights=average\""));
    free(page);
    expect(RUN("compare", "@/vae", "@/gan", "--set", "weights=average"), 0, "weights=average  nothing\n",
           "left out for");
    expect(RUN("compare", "@/vae", "@/vae", "--set", "weights=average"), 0, "all made with weights=average", NULL);
    expect(RUN("report", "@/gan", "--set", "weights=average"), 1, NULL, "no group of this run keeps an average");
    expect(RUN("compare", "@/vae", "@/gan", "--set", "wieghts=average"), 2, NULL, "with these keys: weights");
    expect(RUN("report", "@/vae", "--set", "steps=many"), 2, NULL, "not a whole number");
    expect(RUN("report", "@/vae", "--set", "weights"), 2, NULL, "KEY=VALUE was expected");
    expect(RUN("compare", "@/vae", "@/gan", "--set", "weights"), 2, NULL, "KEY=VALUE was expected");
    assert_true(is_evaluated(RUN("report", "@/vae")));
    /* what one of them reads is left out for others that might; what nothing reads is refused, and nothing is kept of
     * it: not what was measured before either, beside pictures that are made with the average */
    expect(RUN("report", "@/vae", "--set", "weights=average", "--set", "k=3"), 1, NULL,
           "--set k=3 has no effect: none of its metrics");
    assert_true(access(inside("vae/evaluation.json", path), F_OK) != 0);
    assert_true(is_evaluated(RUN("report", "@/vae")));
    result both = RUN("compare", "@/vae", "@/gan", "--set", "weights=average", "--set", "k=3");
    assert_null(strstr(both.out, "k=3"));
    assert_non_null(strstr(both.err, "left out for"));
    expect(both, 1, NULL, "--set k=3 has no effect: no metric and no picture of these runs");
}

/* An evaluation of another device is kept, unless this one is asked for by name. */
static void devices_count_where_they_are_asked_for(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    (void)is_evaluated(RUN("report", "@/gan"));
    assert_false(is_evaluated(RUN("report", "@/gan", "--device", "0")));
    json_t *evaluation = evaluation_of("gan");
    (void)json_object_set_new(json_object_get(evaluation, "device"), "name", json_string("abacus"));
    assert_int_equal(json_dump_file(evaluation, inside("gan/evaluation.json", path), 0), 0);
    json_decref(evaluation);
    assert_false(is_evaluated(RUN("report", "@/gan")));
    assert_true(is_evaluated(RUN("report", "@/gan", "--device", "0")));
}

/* Versions that are not released differ by their commit alone. */
static void another_commit_measures_anew(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    (void)is_evaluated(RUN("report", "@/gan"));
    assert_false(is_evaluated(RUN("report", "@/gan")));
    json_t *evaluation = evaluation_of("gan");
    assert_string_equal(json_string_value(json_object_get(evaluation, "commit")), duet_commit());
    assert_int_equal(json_object_set_new(evaluation, "commit", json_string("0123456789ab")), 0);
    assert_int_equal(json_dump_file(evaluation, inside("gan/evaluation.json", path), 0), 0);
    json_decref(evaluation);
    assert_int_equal(is_evaluated(RUN("report", "@/gan")), duet_commit()[0] != '\0');
}

/* Kernels of somebody's own are another driver, and what was measured with them is another evaluation. */
static void replaced_kernels_are_another_evaluation(void **state)
{
    (void)state;
    char path[PATH_SIZE], first[24], second[24];
    size_t size;
    char *text = test_file_read(TEST_SOURCE_ROOT "/cl/philox.cl", &size), *longer = calloc(1, size + 64);
    assert_non_null(longer);
    (void)mkdir(inside("cl", path), 0777);
    assert_int_equal(setenv("DUET_CL_PATH", path, 1), 0);
    (void)is_evaluated(RUN("report", "@/gan"));
    test_file_write(inside("cl/philox.cl", path), text, size); /* a copy replaces nothing */
    assert_string_equal(duet_kernels_replaced(first), "");
    assert_false(is_evaluated(RUN("report", "@/gan")));
    (void)snprintf(longer, size + 64, "%s/* mine */\n", text);
    test_file_write(path, longer, strlen(longer));
    assert_int_equal(strlen(duet_kernels_replaced(first)), 16);
    assert_true(is_evaluated(RUN("report", "@/gan")));
    assert_false(is_evaluated(RUN("report", "@/gan")));
    expect(RUN("devices", "--json"), 0, first, NULL);
    json_t *evaluation = evaluation_of("gan"), *device = json_object_get(evaluation, "device");
    assert_string_equal(json_string_value(json_object_get(evaluation, "kernels")), first);
    assert_non_null(strstr(json_string_value(json_object_get(device, "driver")), first));
    json_decref(evaluation);
    (void)snprintf(longer, size + 64, "%s#include \"own.cl\"\n", text); /* which is no file of the library's */
    test_file_write(path, longer, strlen(longer));
    test_file_write(inside("cl/own.cl", path), "/* a */", 7);
    (void)duet_kernels_replaced(first);
    test_file_write(path, "/* b */", 7);
    assert_string_not_equal(duet_kernels_replaced(second), first);
    assert_int_equal(unsetenv("DUET_CL_PATH"), 0);
    assert_true(is_evaluated(RUN("report", "@/gan")));
    free(longer);
    free(text);
}

static void driver_with(const char *last, char driver[300])
{
    char options[300] = "";
    for (int k = 0; k < 20; k++) (void)strcat(options, "-DNOTHING=1 ");
    (void)strcat(options, last);
    assert_int_equal(setenv("DUET_CL_OPTIONS", options, 1), 0);
    json_t *listed = document(RUN("devices", "--json")), *row = json_array_get(json_object_get(listed, "devices"), 0);
    (void)snprintf(driver, 300, "%s", json_string_value(json_object_get(row, "driver")));
    json_decref(listed);
    assert_int_equal(unsetenv("DUET_CL_OPTIONS"), 0);
}

static void long_options_are_told_apart(void **state)
{
    (void)state;
    char one[300], other[300];
    driver_with("-DA", one);
    driver_with("-DB", other);
    assert_non_null(strstr(one, " with options "));
    assert_string_not_equal(one, other);
}

#ifdef TEST_PRELOAD
/* From that read of the file on, some fail. */
static void disturb(const char *file, long first)
{
    char words[PATH_SIZE];
    (void)snprintf(words, sizeof words, "%s %ld 4", file, first);
    assert_int_equal(setenv("PRELOAD_READS", words, 1), 0);
    assert_int_equal(setenv("LD_PRELOAD", TEST_PRELOAD, 1), 0);
}

static void leave_alone(void)
{
    assert_int_equal(unsetenv("PRELOAD_READS"), 0);
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);
}

/* Data that cannot be read have not moved. */
static void a_disk_that_fails_is_not_data_elsewhere(void **state)
{
    (void)state;
    const char *const words[] = {"reconstruct", "@/vae", "--out", "@/x.png", NULL};
    const char *const again[] = {"train", "--resume", "@/vae", "--steps", "9", NULL};
    for (int i = 0; i < 2; i++) {
        disturb("train-images-idx3-ubyte", 1);
        result made = run(i == 0 ? words : again);
        leave_alone();
        assert_null(strstr(made.err, "--data PATH says where"));
        expect(made, 1, NULL, "Input/output error");
    }
}

/* A disk that fails now and then costs no metric for ever: it is told of, and asked for again. */
static void what_fails_in_passing_is_asked_for_again(void **state)
{
    (void)state;
    bool found = false;
    for (long first = 10; !found && first < 2000; first += 10 + first / 8) { /* behind what is read before metrics */
        disturb("t10k-images-idx3-ubyte", first);
        result made = RUN("report", "@/vae", "--afresh");
        leave_alone();
        found =
            made.status == 0 && strstr(made.err, "left out this time, and asked for again by the next report") != NULL;
        if (found) assert_non_null(strstr(made.err, "cannot be read: Input/output error"));
        result_free(&made);
    }
    assert_true(found);
    json_t *lost = evaluation_of("vae");
    assert_true(is_evaluated(RUN("report", "@/vae")));
    json_t *whole = evaluation_of("vae");
    assert_true(json_array_size(json_object_get(whole, "metrics")) > json_array_size(json_object_get(lost, "metrics")));
    json_decref(lost);
    json_decref(whole);
    assert_false(is_evaluated(RUN("report", "@/vae")));
}
#endif

static bool has_metric(const char *run, const char *name)
{
    json_t *evaluation = evaluation_of(run), *entry;
    bool has = false;
    size_t i;
    json_array_foreach(json_object_get(evaluation, "metrics"), i, entry)
    {
        has = has || strcmp(json_string_value(json_object_get(entry, "name")), name) == 0;
    }
    json_decref(evaluation);
    return has;
}

/* Files that lie beside the run, and were away when it was evaluated. */
static void what_was_away_and_is_back_is_read(void **state)
{
    (void)state;
    char path[PATH_SIZE], away[PATH_SIZE];
    assert_int_equal(rename(inside("vae/metrics.jsonl", path), inside("away.jsonl", away)), 0);
    expect(RUN("report", "@/vae", "--afresh"), 0, NULL, "metrics.jsonl is not there");
    assert_false(has_metric("vae", "step-ms"));
    assert_false(is_evaluated(RUN("report", "@/vae")));
    assert_int_equal(rename(away, path), 0);
    assert_true(is_evaluated(RUN("report", "@/vae")));
    assert_true(has_metric("vae", "step-ms"));
    assert_int_equal(rename(path, away), 0); /* what they said is kept while they are away */
    assert_false(is_evaluated(RUN("report", "@/vae")));
    assert_true(has_metric("vae", "step-ms"));
    assert_int_equal(rename(away, path), 0);
    assert_false(is_evaluated(RUN("report", "@/vae")));

    /* without its data a run cannot be evaluated anew: what is known of it stays, whatever came back */
    char data[PATH_SIZE], data_away[PATH_SIZE];
    assert_int_equal(rename(path, away), 0);
    expect(RUN("report", "@/vae", "--afresh"), 0, NULL, "metrics.jsonl is not there");
    assert_int_equal(rename(away, path), 0);
    assert_int_equal(rename(inside("pictures", data), inside("pictures-away", data_away)), 0);
    expect(RUN("report", "@/vae"), 0, NULL, "so its evaluation is taken as it is");
    assert_int_equal(rename(data_away, data), 0);
    assert_true(is_evaluated(RUN("report", "@/vae")));

    float *rows = calloc(PICTURES * PIXELS, sizeof *rows);
    uint8_t labels[PICTURES];
    duet_error error = {0};
    for (size_t i = 0; i < PICTURES * PIXELS; i++) rows[i] = (float)(i * 2654435761u >> 20 & 255) / 255;
    for (size_t i = 0; i < PICTURES; i++) labels[i] = (uint8_t)(i % 2);
    (void)mkdir(inside("others", path), 0777);
    assert_ok(duet_write_npy(inside("others/train.npy", path), rows, DUET_SHAPE(PICTURES, SIDE, SIDE, 1), &error),
              &error);
    assert_ok(duet_write_npy_bytes(inside("others/train-labels.npy", path), labels, DUET_SHAPE(PICTURES), &error),
              &error);
    free(rows);
    expect(RUN("train", "classifier", "--data", "@/others", "--steps", "2", "--batch", "32", "--out", "@/third"), 0,
           NULL, NULL);
    assert_int_equal(rename(inside("others", path), inside("others-away", away)), 0);
    expect(RUN("report", "@/vae", "--judge", "@/third"), 0, NULL,
           "its accuracy, which a 'duet eval' of it has too, is left out");
    result still = RUN("report", "@/vae");
    assert_null(strstr(still.err, "evaluating"));
    expect(still, 0, NULL, "how good the judge is is not known");
    assert_int_equal(rename(away, path), 0);
    result back = RUN("report", "@/vae");
    assert_null(strstr(back.err, "evaluating"));
    expect(back, 0, NULL, "the judge is right about");
    json_t *evaluation = evaluation_of("vae");
    assert_true(json_is_object(json_object_get(json_object_get(evaluation, "judge"), "accuracy")));
    json_decref(evaluation);
}

/* A run that cannot be written to cannot keep an evaluation, which is said before one is made. */
static void a_run_that_cannot_be_written_is_told_of_first(void **state)
{
    (void)state;
    char path[PATH_SIZE], away[PATH_SIZE];
    (void)is_evaluated(RUN("report", "@/gan"));
    assert_int_equal(unlink(inside("gan/evaluation.json", path)), 0);
    assert_int_equal(rename(inside("gan/report", path), inside("gan-report", away)), 0);
    test_file_write(path, "mine", 4); /* where the folder would be: also who is root cannot make it */
    result made = RUN("report", "@/gan", "--out", "@/elsewhere.html");
    assert_null(strstr(made.err, "evaluating"));
    expect(made, 1, NULL, "what is measured is kept in the run, and that is in its place: move it away");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(away, path), 0);
    assert_true(is_evaluated(RUN("report", "@/gan")));
}

/* A model that is told classes, on pictures of which the training split alone has labels: what goes by those of the
 * test split is left out and named, and all else is there. */
static void labels_of_one_split_cost_what_reads_them(void **state)
{
    (void)state;
    static const char *const names[] = {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte", "train-labels-idx1-ubyte"};
    static const char lack[] = " has no labels", reconstruction[] = "\"reconstruction\" is made of examples and their "
                                                                    "classes, and examples of the test split of ";
    char from[PATH_SIZE], to[PATH_SIZE], name[PATH_SIZE];
    (void)mkdir(inside("half", to), 0777);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(name, sizeof name, "pictures/%s", names[i]);
        (void)inside(name, from);
        (void)snprintf(name, sizeof name, "half/%s", names[i]);
        assert_int_equal(symlink(from, inside(name, to)), 0);
    }
    expect(RUN("train", "cvae", "--data", "@/half", "--steps", "2", "--batch", "32", "--out", "@/cvae"), 0, NULL, NULL);
    result made = RUN("eval", "@/cvae");
    assert_non_null(strstr(made.out, "\nsharpness  "));
    expect(made, 0, "sharpness-reconstruction  ",
           "note: sharpness-reconstruction has no value: the model reconstructs");
    expect(RUN("eval", "@/cvae", "--metric", "elbo", "--metric", "sharpness"), 1, "sharpness", lack);
    expect(RUN("report", "@/cvae", "--json"), 0, "examples of the test split of ", NULL);
    expect(RUN("compare", "@/cvae", "@/vae", "--json"), 0, lack, NULL);
    json_t *evaluation = evaluation_of("cvae");
    const char *reason =
        json_string_value(json_object_get(json_array_get(json_object_get(evaluation, "pictures"), 1), "reason"));
    assert_true(reason != NULL && strncmp(reason, reconstruction, strlen(reconstruction)) == 0);
    assert_non_null(json_object_get(json_object_get(evaluation, "latents"), "reason"));
    json_decref(evaluation);
    static const char *const commands[] = {"score", "encode", "reconstruct"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        expect(RUN(commands[i], "@/cvae"), 1, NULL, "half have no labels: those of --split train have");
    expect(RUN("score", "@/cvae", "--split", "train"), 0, "elbo of ", NULL);
}

/* A column is as wide as what a terminal shows of a name, and a dash has its own run's reason. */
static void tables_stand_and_reasons_are_each_runs_own(void **state)
{
    (void)state;
    char from[PATH_SIZE], to[PATH_SIZE];
    assert_int_equal(symlink(inside("vae", from), inside("gr\xc3\xb6\xc3\x9f"
                                                         "er-als-alle",
                                                         to)),
                     0);
    assert_int_equal(symlink(inside("gan", from), inside("\xe5\x9b\xbe\xe7\x89\x87\xe5\x9b\xbe\xe7\x89\x87"
                                                         "-12345678",
                                                         to)),
                     0);
    expect(RUN("compare",
               "@/gr\xc3\xb6\xc3\x9f"
               "er-als-alle",
               "@/gan"),
           0, " vae              gan\n", NULL);
    expect(RUN("compare",
               "@/\xe5\x9b\xbe\xe7\x89\x87\xe5\x9b\xbe\xe7\x89\x87"
               "-12345678",
               "@/vae"),
           0, " gan                vae\n", NULL);
    /* what turns text round or steers a terminal is shown otherwise, as JSON by its number */
    assert_int_equal(symlink(inside("gan", from), inside("t\xe2\x80\xae"
                                                         "n\xc2\x9b",
                                                         to)),
                     0);
    static const char *const steering[] = {"\xe2\x80\xae", "\xc2\x9b"};
    for (size_t json = 0; json < 2; json++) {
        result r = RUN("compare",
                       "@/t\xe2\x80\xae"
                       "n\xc2\x9b",
                       "@/vae", json ? "--json" : NULL);
        assert_int_equal(r.status, 0);
        assert_non_null(strstr(r.out, json ? "t\\u202en\\u009b" : "t?n?"));
        for (size_t i = 0; i < 2; i++) assert_null(strstr(r.out, steering[i]));
        result_free(&r);
    }
    expect(RUN("compare", "@/vae", "@/gan"), 0, "\n  log-likelihood (vae): takes long", NULL);
    expect(RUN("compare", "@/vae", "@/gan"), 0, "\n  log-likelihood (gan): a GAN has no likelihood", NULL);
    expect(RUN("compare", "@/vae", "@/gan"), 0, "\n  modes: only for models", NULL);
    /* too few examples are no matter of the model, and eval says the same */
    static const char few[] = "memorisation needs at least 50 training and as many test examples;";
    expect(RUN("compare", "@/tenth", "@/tenth"), 0, few, NULL);
    expect(RUN("eval", "@/tenth"), 0, NULL, few);
    expect(RUN("report", "@/tenth", "--json"), 0, few, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaced_data_is_noticed),
        cmocka_unit_test(another_tenth_is_other_data),
        cmocka_unit_test(copies_of_other_data_are_not_looked_for),
        cmocka_unit_test(files_that_are_cut_are_noticed),
        cmocka_unit_test(judges_are_found_from_any_folder),
        cmocka_unit_test(reports_that_are_not_the_runs_are_told_of),
        cmocka_unit_test(settings_of_use_are_known),
        cmocka_unit_test(devices_count_where_they_are_asked_for),
        cmocka_unit_test(another_commit_measures_anew),
        cmocka_unit_test(replaced_kernels_are_another_evaluation),
        cmocka_unit_test(long_options_are_told_apart),
#ifdef TEST_PRELOAD
        cmocka_unit_test(a_disk_that_fails_is_not_data_elsewhere),
        cmocka_unit_test(what_fails_in_passing_is_asked_for_again),
#endif
        cmocka_unit_test(what_was_away_and_is_back_is_read),
        cmocka_unit_test(a_run_that_cannot_be_written_is_told_of_first),
        cmocka_unit_test(labels_of_one_split_cost_what_reads_them),
        cmocka_unit_test(tables_stand_and_reasons_are_each_runs_own),
    };
    return RUN_TESTS("evaluations", tests, begin_judged_runs, remove_folder);
}
