/* SPDX-License-Identifier: MIT */
/* The program among others: signals, closed descriptors, a second program on the same files, folders from strangers,
 * and what earlier calls left. */
#include "program.h"

#include "duet/report.h"

#include <signal.h>
#include <time.h>

static const struct timespec moment = {.tv_nsec = 20000000};

static bool is_there(const char *name)
{
    char path[PATH_SIZE];
    struct stat about;
    return lstat(inside(name, path), &about) == 0;
}

static void wait_for(const char *name)
{
    for (int i = 0; i < 3000 && !is_there(name); i++) (void)nanosleep(&moment, NULL);
    assert_true(is_there(name));
}

static pid_t start_long(const char *out)
{
    return start((const char *const[]){"train", "vae", "--data", "ring8", "--set", "hidden=8", "--steps", "10000000",
                                       "--checkpoint-every", "50", "--out", out, NULL});
}

/* ---- signals ---- */

/* Each comes twice, as SIGHUP does where a terminal is closed, from the shell and from the system. */
static void a_signal_ends_a_training_with_a_checkpoint(void **state)
{
    (void)state;
    static const struct timespec between = {.tv_nsec = 2000000};
    static const struct {
        int number, status;
        const char *out, *run, *checkpoint;
    } rows[] = {{SIGINT, 130, "@/int", "int", "int/checkpoint.safetensors"},
                {SIGTERM, 143, "@/term", "term", "term/checkpoint.safetensors"},
                {SIGHUP, 129, "@/hup", "hup", "hup/checkpoint.safetensors"},
                {SIGUSR1, 128 + SIGUSR1, "@/usr1", "usr1", "usr1/checkpoint.safetensors"},
                {SIGUSR2, 128 + SIGUSR2, "@/usr2", "usr2", "usr2/checkpoint.safetensors"},
                {SIGXCPU, 128 + SIGXCPU, "@/xcpu", "xcpu", "xcpu/checkpoint.safetensors"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pid_t child = start_long(rows[i].out);
        wait_for(rows[i].checkpoint);
        assert_int_equal(kill(child, rows[i].number), 0);
        (void)nanosleep(&between, NULL);
        assert_int_equal(kill(child, rows[i].number), 0);
        expect(finish(child), rows[i].status, rows[i].run, "go on with --resume");
        expect(RUN("train", "--resume", rows[i].out, "--steps", "1"), 0, NULL, "steps already");
    }
}

/* nohup and `&` in a script begin a program with signals that are ignored. */
static void signals_ignored_at_the_start_stay_ignored(void **state)
{
    (void)state;
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    pid_t child = start_long("@/deaf");
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    wait_for("deaf/checkpoint.safetensors");
    assert_int_equal(kill(child, SIGINT), 0);
    assert_int_equal(kill(child, SIGHUP), 0);
    for (int i = 0; i < 20; i++) (void)nanosleep(&moment, NULL);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    assert_int_equal(kill(child, SIGTERM), 0);
    expect(finish(child), 143, "deaf", NULL);
}

/* A driver's compiler takes signals too, and drops at one what it writes, so that kernels would not be built. */
static void signals_stay_ignored_while_a_run_is_used(void **state)
{
    (void)state;
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    pid_t child = start((const char *const[]){"invert", "@/vae", "-n", "2", "--set", "steps=1000000", "--set",
                                              "restarts=1", "--out", "@/never.npy", NULL});
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    for (int i = 0; i < 150; i++) {
        assert_int_equal(kill(child, i % 2 ? SIGINT : SIGHUP), 0);
        (void)nanosleep(&moment, NULL);
    }
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    assert_int_equal(kill(child, SIGTERM), 0);
    expect(finish(child), 143, NULL, NULL);
}

/* Children of a program that ignores their end cannot be waited for. */
static void children_are_waited_for_where_their_end_is_ignored(void **state)
{
    (void)state;
    (void)signal(SIGCHLD, SIG_IGN);
    pid_t child = start((const char *const[]){"lesson", "1", TEST_SOURCE_ROOT "/docs/lessons/exercises", NULL});
    (void)signal(SIGCHLD, SIG_DFL);
    result made = finish(child);
    assert_null(strstr(made.err, "No child processes"));
    expect(made, 4, NULL, NULL); /* the exercise is to be done yet */
}

/* ---- descriptors ---- */

static void closed_descriptors_are_no_files(void **state)
{
    (void)state;
    char path[PATH_SIZE], run_path[PATH_SIZE];
    char *arguments[] = {(char *)PROGRAM,   (char *)"train", (char *)"vae",   (char *)"--data", (char *)"ring8",
                         (char *)"--steps", (char *)"4",     (char *)"--out", run_path,         NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    (void)inside("closed", run_path);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(posix_spawn_file_actions_addclose(&actions, i), 0);
    assert_int_equal(posix_spawn(&child, PROGRAM, &actions, NULL, arguments, environ), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
    while (waitpid(child, &status, 0) < 0) assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    char *text = test_file_read(inside("closed/metrics.jsonl", path), NULL);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *report = json_loads(line, 0, NULL);
        assert_non_null(report);
        json_decref(report);
    }
    free(text);
    expect(RUN("sample", "@/closed", "-n", "4", "--out", "@/closed.npy"), 0, NULL, NULL);
}

/* ---- two of us ---- */

/* As cp -al does. */
static void link_files(const char *from, const char *to, const char *const *files, size_t count)
{
    char one[PATH_SIZE], other[PATH_SIZE], name[64];
    assert_int_equal(mkdir(inside(to, other), 0777), 0);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", from, files[i]);
        (void)inside(name, one);
        (void)snprintf(name, sizeof name, "%s/%s", to, files[i]);
        assert_int_equal(link(one, inside(name, other)), 0);
    }
}

static const char *const run_files[] = {"lock", "metrics.jsonl", "run.json", "checkpoint.safetensors"};

static void a_second_training_is_refused_at_once(void **state)
{
    (void)state;
    char words[64], path[PATH_SIZE];
    pid_t child = start_long("@/busy");
    wait_for("busy/checkpoint.safetensors");
    (void)snprintf(words, sizeof words, "is being trained by process %ld", (long)child);
    expect(RUN("train", "--resume", "@/busy", "--steps", "20000000"), 1, NULL, words);
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "4", "--out", "@/busy"), 1, NULL, "already holds a run");
    link_files("busy", "busy-copy", run_files, 4);
    expect(RUN("train", "--resume", "@/busy-copy", "--steps", "1"), 1, NULL,
           "if that trains what this is a copy of, remove");
    assert_int_equal(unlink(inside("busy-copy/lock", path)), 0);
    expect(RUN("train", "--resume", "@/busy-copy", "--steps", "1"), 0, NULL, "steps already");
    assert_int_equal(kill(child, SIGKILL), 0);
    expect(finish(child), 137, NULL, NULL);
    assert_true(is_there("busy/lock")); /* which nobody holds any more */
    expect(RUN("train", "--resume", "@/busy", "--steps", "1"), 0, NULL, "steps already");
    assert_false(is_there("busy/lock"));
}

/* Files that lie in another folder too, as after cp -al: what goes on in one leaves the other as it is. */
static void other_names_of_files_are_left_alone(void **state)
{
    (void)state;
    char from[PATH_SIZE], to[PATH_SIZE];
    expect(RUN("train", "vae", "--data", "ring8", "--set", "hidden=8", "--steps", "4", "--out", "@/linked"), 0, NULL,
           NULL);
    link_files("linked", "copied", run_files + 1, 3);
    test_file_write(inside("thesis", from), "my thesis", 9);
    assert_int_equal(link(from, inside("copied/lock", to)), 0);
    char *before = test_file_read(inside("linked/metrics.jsonl", from), NULL);
    expect(RUN("train", "--resume", "@/copied", "--steps", "8"), 0, NULL, NULL);
    char *after = test_file_read(from, NULL), *thesis = test_file_read(inside("thesis", to), NULL);
    assert_string_equal(before, after);
    assert_memory_equal(thesis, "my thesis", 9);
    free(before);
    free(after);
    free(thesis);
}

/* Killed while it compiled: nothing says yet what it was, and the folder may be used again. */
static void a_training_killed_at_once_is_begun_anew(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    assert_int_equal(mkdir(inside("early", path), 0777), 0);
    test_file_write(inside("early/lock", path), "999999999\n", 10);
    expect(RUN("train", "--resume", "@/early"), 1, NULL, "begin it anew with --out");
    test_file_write(inside("early/lock", path), "999999999\n", 10);
    expect(RUN("train", "vae", "--data", "ring8", "--set", "hidden=8", "--steps", "4", "--out", "@/early"), 0, NULL,
           NULL);
    assert_false(is_there("early/lock"));
}

/* What is written replaces files; a pipe or a device stays what it is. */
static void pipes_are_not_replaced(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct stat about;
    assert_int_equal(mkfifo(inside("pipe.npy", path), 0666), 0);
    expect(RUN("sample", "@/vae", "-n", "4", "--out", "@/pipe.npy"), 1, NULL, "it is a pipe or a device");
    assert_true(lstat(path, &about) == 0 && S_ISFIFO(about.st_mode));
    assert_int_equal(mkdir(inside("folder.npy", path), 0777), 0);
    expect(RUN("sample", "@/vae", "-n", "4", "--out", "@/folder.npy"), 1, NULL, "it is a folder, and a file");
}

static void two_write_one_file(void **state)
{
    (void)state;
    enum { WRITERS = 4 };
    char path[PATH_SIZE], last[PATH_SIZE];
    pid_t children[WRITERS];
    const char *const words[] = {"sample", "@/vae", "-n", "4096", "--out", "@/both.npy", NULL};
    for (size_t i = 0; i < WRITERS; i++) children[i] = start(words);
    for (size_t i = 0; i < WRITERS; i++) expect(finish(children[i]), 0, NULL, NULL);
    expect(RUN("sample", "@/vae", "-n", "4096", "--out", "@/alone.npy"), 0, NULL, NULL);
    assert_true(test_same_file(inside("both.npy", path), inside("alone.npy", last)));
}

/* ---- strangers ---- */

static void links_in_a_run_lead_nowhere(void **state)
{
    (void)state;
    static const struct {
        const char *link, *words[MOST_WORDS];
        int status;
        const char *err;
    } rows[] = {
        {"strange/samples", {"sample", "@/strange"}, 1, "samples: is a link"},
        {"strange/samples", {"encode", "@/strange"}, 1, "samples: is a link"},
        {"strange/metrics.jsonl", {"train", "--resume", "@/strange", "--steps", "6"}, 1, "metrics.jsonl: is a link"},
        {"strange/lock", {"train", "--resume", "@/strange", "--steps", "6"}, 1, "lock: is a link"},
        {"strange/report", {"report", "@/strange"}, 1, "report: is a link"},
        {"strange/evaluation.json", {"report", "@/strange"}, 1, "evaluation.json is no JSON object"},
        {"strange/report.html", {"report", "@/strange"}, 0, NULL},
    };
    char path[PATH_SIZE], other[PATH_SIZE];
    expect(RUN("train", "vae", "--data", "ring8", "--set", "hidden=8", "--steps", "4", "--out", "@/strange"), 0, NULL,
           NULL);
    assert_int_equal(mkdir(inside("precious", path), 0777), 0);
    test_file_write(inside("precious/file", path), "mine", 4);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool is_folder = strstr(rows[i].link, "samples") != NULL || strstr(rows[i].link, "report") != NULL;
        bool was_there = rename(inside(rows[i].link, path), inside("aside", other)) == 0;
        is_folder = is_folder && strstr(rows[i].link, ".html") == NULL;
        assert_int_equal(symlink(inside(is_folder ? "precious" : "precious/file", other), path), 0);
        expect(run(rows[i].words), rows[i].status, NULL, rows[i].err);
        assert_int_equal(remove(inside(rows[i].link, path)), 0);
        if (was_there) assert_int_equal(rename(inside("aside", other), path), 0);
        char *text = test_file_read(inside("precious/file", other), NULL);
        assert_string_equal(text, "mine");
        free(text);
        assert_false(is_there("precious/sample.png") || is_there("precious/codes.npy"));
    }
}

static void names_do_not_steer_the_terminal(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    static const char text[] = "{\"schema\": 1, \"model\": \"\\u001b]0;taken\\u0007\\u009b2J\"}";
    assert_int_equal(mkdir(inside("escape", path), 0777), 0);
    test_file_write(inside("escape/run.json", path), text, sizeof text - 1);
    const char *const commands[][MOST_WORDS] = {{"sample", "@/escape", NULL},
                                                {"train", "--resume", "@/escape", NULL},
                                                {"report", "@/escape", NULL},
                                                {"sample", "@/\x1b[31mnone", NULL},
                                                {"train", "vae", "--data", "@/\x1b[31m.npy", NULL},
                                                {"tr\x1b[31main", NULL}};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        result r = run(commands[i]);
        assert_int_not_equal(r.status, 0);
        assert_true(strlen(r.err) > 10);
        assert_null(strchr(r.err, '\x1b'));
        assert_null(strstr(r.err, "\xc2\x9b"));
        assert_null(strchr(r.err, '\a'));
        result_free(&r);
    }
}

/* ---- what earlier calls left ---- */

/* A .npy file of [rows, 2] floats of that value, or of [rows] labels. */
static void write_array(const char *name, size_t rows, bool labels, float value)
{
    static const uint8_t zeros[64];
    float values[2 * 64];
    char path[PATH_SIZE];
    duet_error error = {0};
    assert_in_range(rows, 1, 64);
    for (size_t i = 0; i < 2 * rows; i++) values[i] = value;
    (void)inside(name, path);
    assert_ok(labels ? duet_write_npy_bytes(path, zeros, DUET_SHAPE(rows), &error)
                     : duet_write_npy(path, values, DUET_SHAPE(rows, 2), &error),
              &error);
}

/* run.json holds the name, and is UTF-8. */
static void names_of_other_bytes_are_refused_in_words(void **state)
{
    (void)state;
    write_array("\xff.npy", 64, false, 0);
    expect(RUN("train", "vae", "--data", "@/\xff.npy", "--batch", "8", "--steps", "4", "--out", "@/bytes"), 1, NULL,
           "/?.npy: this name is not UTF-8");
    assert_false(is_there("bytes"));
}

/* A set's own labels lie where a command would look for those of an earlier array. */
static void labels_of_a_set_stay(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    size_t before = 0, after = 0;
    assert_int_equal(mkdir(inside("own", path), 0777), 0);
    write_array("own/faces-images.npy", 64, false, 0);
    write_array("own/faces-labels.npy", 64, true, 0);
    char *labels = test_file_read(inside("own/faces-labels.npy", path), &before);
    expect(RUN("train", "vae", "--data", "@/own/faces-images.npy", "--batch", "8", "--set", "hidden=8", "--steps", "2",
               "--out", "@/faces"),
           0, NULL, NULL);
    expect(RUN("sample", "@/faces", "--out", "@/own/faces.npy"), 1, NULL,
           "nothing says that an earlier command left it beside");
    expect(RUN("encode", "@/faces", "--out", "@/own/faces.npy"), 1, NULL, "give --out another name");
    assert_false(is_there("own/faces.npy"));
    write_array("own/faces.npy", 7, false, 0); /* of other rows */
    expect(RUN("sample", "@/faces", "--out", "@/own/faces.npy"), 1, NULL, "an array of as many rows");
    char *now = test_file_read(inside("own/faces-labels.npy", path), &after);
    assert_int_equal(before, after);
    assert_memory_equal(labels, now, before);
    free(labels);
    free(now);
}

#ifdef TEST_PRELOAD
/* Another program's array comes between a command's own and the labels that it writes beside it. */
static void codes_of_another_with_labels_of_ours_are_told_of(void **state)
{
    (void)state;
    char words[3 * PATH_SIZE], from[PATH_SIZE], to[PATH_SIZE];
    const char *const encode[] = {"encode", "@/faces", "--split", "train", "--out", "@/both.npy", NULL};
    write_array("anothers.npy", 64, false, 0);
    (void)snprintf(words, sizeof words, "both-labels.npy %s %s", inside("anothers.npy", from), inside("both.npy", to));
    assert_int_equal(setenv("PRELOAD_RENAME", words, 1), 0);
    assert_int_equal(setenv("LD_PRELOAD", TEST_PRELOAD, 1), 0);
    result made = run(encode);
    assert_int_equal(unsetenv("PRELOAD_RENAME"), 0);
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);
    expect(made, 1, NULL, "another program wrote");
    expect(run(encode), 0, "both-labels.npy", NULL); /* as the message says */
}
#endif

/* Labels of the very kind that encode writes, but made by somebody, beside what it wrote. */
static void labels_of_somebody_stay(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    assert_int_equal(mkdir(inside("some", path), 0777), 0);
    write_array("some/train-images.npy", 64, false, 0);
    write_array("some/train-labels.npy", 64, true, 0);
    expect(RUN("train", "vae", "--data", "@/some", "--batch", "8", "--set", "hidden=8", "--steps", "4", "--out",
               "@/somebody"),
           0, NULL, NULL);
    expect(RUN("sample", "@/somebody", "-n", "9", "--out", "@/gen.npy"), 0, "gen.npy", NULL);
    write_array("gen-labels.npy", 9, true, 0);
    expect(RUN("sample", "@/somebody", "-n", "9", "--out", "@/gen.npy"), 1, NULL,
           "nothing says that an earlier command");
    write_array("some/train.npy", 64, false, 0);
    expect(RUN("sample", "@/somebody", "--out", "@/some/train.npy"), 1, NULL, "remove it if nobody wants it");
    assert_true(is_there("gen-labels.npy") && is_there("some/train-labels.npy"));
    /* the same labels are no loss */
    assert_int_equal(remove(inside("some/train.npy", path)), 0);
    expect(RUN("encode", "@/somebody", "--split", "all", "--out", "@/c.npy"), 0, "c-labels.npy", NULL);
    write_array("c-labels.npy", 64, true, 0);
    expect(RUN("encode", "@/somebody", "--split", "all", "--out", "@/c.npy"), 0, "c-labels.npy", NULL);
    expect(RUN("sample", "@/somebody", "-n", "9", "--out", "@/c.npy"), 0, "c.npy", "labels of an earlier array, is");
}

static void labels_of_earlier_codes_go(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    assert_int_equal(mkdir(inside("half", path), 0777), 0);
    write_array("half/train-images.npy", 64, false, 0);
    write_array("half/train-labels.npy", 64, true, 0);
    write_array("half/test-images.npy", 32, false, 0);
    expect(RUN("train", "vae", "--data", "@/half", "--batch", "8", "--set", "hidden=8", "--steps", "4", "--out",
               "@/labelled"),
           0, NULL, NULL);
    expect(RUN("encode", "@/labelled", "--split", "train", "--out", "@/codes.npy"), 0, "codes-labels.npy", NULL);
    assert_true(is_there("codes-labels.npy"));
    expect(RUN("encode", "@/labelled", "--split", "test", "--out", "@/codes.npy"), 0, "codes.npy",
           "codes-labels.npy, labels of an earlier array, is removed");
    assert_false(is_there("codes-labels.npy"));
    /* of samples, and of features, there are no labels */
    expect(RUN("encode", "@/labelled", "--split", "train", "--out", "@/codes.npy"), 0, "codes-labels.npy", NULL);
    expect(RUN("reconstruct", "@/labelled", "--out", "@/codes.npy"), 0, "codes.npy", "is removed: this one has none");
    assert_false(is_there("codes-labels.npy"));
    assert_int_equal(mkfifo(inside("codes-labels.npy", path), 0666), 0);
    expect(RUN("encode", "@/labelled", "--split", "train", "--out", "@/codes.npy"), 1, NULL, "another name");
    assert_int_equal(remove(path), 0);
    test_file_write(inside("codes-labels.npy", path), "a letter", 8); /* somebody's */
    expect(RUN("encode", "@/labelled", "--split", "test", "--out", "@/codes.npy"), 1, NULL,
           "give --out another name, or remove it if nobody wants it");
    assert_true(is_there("codes-labels.npy"));
    assert_int_equal(remove(path), 0);
    expect(RUN("encode", "@/labelled", "--split", "test", "--out", "@/codes.npy"), 0, "codes.npy", NULL);
}

/* What is read is not written over, whatever its name there. */
static void what_is_read_stays(void **state)
{
    (void)state;
    static const char *const reading[] = {"encode", "reconstruct", "score", "features"};
    char path[PATH_SIZE], beside[PATH_SIZE];
    write_array("mine.npy", 64, false, 0);
    write_array("other.npy", 64, false, 0);
    assert_int_equal(symlink(inside("mine.npy", path), inside("alias.npy", beside)), 0);
    assert_int_equal(mkdir(inside("set", path), 0777), 0);
    write_array("set/train-images.npy", 64, false, 0);
    write_array("set/train-labels.npy", 64, true, 0);
    expect(RUN("train", "vae", "--data", "@/mine.npy", "--batch", "8", "--set", "hidden=8", "--steps", "4", "--out",
               "@/own"),
           0, NULL, NULL);
    for (size_t i = 0; i < sizeof reading / sizeof *reading; i++) {
        expect(RUN(reading[i], "@/own", "--data", "@/other.npy", "--out", "@/other.npy"), 2, NULL,
               "would replace what is read from");
        expect(RUN(reading[i], "@/own", "--out", "@/alias.npy"), 2, NULL, "give --out another name");
    }
    expect(RUN("sample", "@/own", "--out", "@/mine.npy"), 2, NULL, "would replace what is read from");
    expect(RUN("encode", "@/own", "--data", "@/set", "--out", "@/set/train-images.npy"), 2, NULL, "would replace");
    expect(RUN("encode", "@/own", "--data", "@/set/train-images.npy", "--out", "@/set/train-labels.npy"), 2, NULL,
           "would replace");
    expect(RUN("data", "@/other.npy", "--convert", "@/packed.npz"), 0, NULL, NULL);
    expect(RUN("data", "@/packed.npz:split=last", "--convert", "@/packed.npz"), 2, NULL, "give --convert another name");
    expect(RUN("encode", "@/own", "--data", "@/other.npy", "--out", "@/codes.npy"), 0, NULL, NULL);
    expect(RUN("encode", "@/own", "--data", "@/other.npy", "--out", "@/codes.npy"), 0, NULL, NULL);
}

/* What a training or a command writes would be learnt by the next one. */
static void what_is_written_joins_no_pictures(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    static const char *const pictures[] = {"@/photos/0.png", "@/photos/1.png", "@/photos/2.png"};
    assert_int_equal(mkdir(inside("photos", path), 0777), 0);
    write_array("dots.npy", 64, false, 0);
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        expect(RUN("data", "@/dots.npy", "--out", pictures[i]), 0, NULL, NULL);
#define TRAIN(out)                                                                                                     \
    RUN("train", "vae", "--data", "@/photos", "--batch", "1", "--set", "hidden=8", "--steps", "2", "--out", out)
    expect(TRAIN("@/photos"), 2, NULL,
           "/photos is where the examples lie, and the run would write its own pictures there");
    assert_false(is_there("photos/run.json"));
    expect(TRAIN("@/photos/run"), 0, NULL, NULL);
    expect(TRAIN("@/photos/more"), 0, NULL, NULL);
#undef TRAIN
    for (int again = 0; again < 2; again++)
        expect(RUN("sample", "@/photos/run", "--out", "@/photos/run/own.png"), 0, NULL, NULL);
    expect(RUN("sample", "@/photos/run", "--out", "@/photos/3.png"), 2, NULL,
           "would be one of the pictures that are read");
    expect(RUN("data", "@/photos", "--out", "@/elsewhere.png"), 0, NULL, NULL);
    expect(RUN("data", "@/photos", "--out", "@/photos/3.png"), 2, NULL, "give --out a place outside it");
    expect(RUN("data", "@/photos"), 0, "train     2", NULL);
    expect(RUN("eval", "@/photos/run", "--samples", "@/photos/more"), 1, NULL, "is a run, whose pictures are no data");
}

/* Examples so large that what a sound model computes of them is not finite. */
static void what_is_no_number_is_no_result(void **state)
{
    (void)state;
    write_array("twos.npy", 64, false, 2);
    write_array("huge.npy", 64, false, 3e38F);
    expect(RUN("train", "vae", "--data", "@/twos.npy", "--batch", "8", "--set", "hidden=8", "--steps", "4", "--out",
               "@/large"),
           0, NULL, NULL);
    expect(RUN("encode", "@/large", "--data", "@/huge.npy", "--split", "train", "--out", "@/no.npy"), 4, NULL,
           "codes: ");
    assert_false(is_there("no.npy"));
    expect(RUN("reconstruct", "@/large", "--data", "@/huge.npy", "-n", "4", "--out", "@/no.npy"), 4, NULL,
           "not finite");
    assert_false(is_there("no.npy"));
    expect(RUN("eval", "@/large", "--data", "@/huge.npy", "--metric", "mse"), 4, "mse",
           "not finite, the first of them");
}

static void a_run_that_lacks_its_checkpoint_is_told_of(void **state)
{
    (void)state;
    char path[PATH_SIZE], kept[PATH_SIZE];
    expect(RUN("train", "vae", "--data", "ring8", "--set", "hidden=8", "--steps", "4", "--out", "@/bare"), 0, NULL,
           NULL);
    assert_int_equal(rename(inside("bare/checkpoint.safetensors", path), inside("kept", kept)), 0);
    expect(RUN("sample", "@/bare"), 1, NULL, "'duet train --resume");
    expect(RUN("train", "--resume", "@/bare", "--steps", "8"), 1, NULL, "has had one: put it back");
    assert_int_equal(rename(kept, path), 0);
    expect(RUN("train", "--resume", "@/bare", "--steps", "8", "--set", "lr=0.01"), 0, NULL,
           "lr is 0.01 from step 4 on");
    expect(RUN("train", "--resume", "@/bare", "--steps", "9", "--set", "hidden=9"), 1, NULL, "only rates");
    expect(RUN("train", "--resume", "@/bare", "--steps", "9", "--out", "@/other"), 2, NULL, "--out");
    expect(RUN("train", "--resume", "@/bare", "--steps", "9", "--seed", "4"), 1, NULL, "seed: the run goes on with 0");
}

/* It is what nobody gave, too. */
static void a_seed_of_0_is_one(void **state)
{
    (void)state;
    expect(
        RUN("train", "vae", "--data", "ring8", "--set", "hidden=8", "--steps", "4", "--seed", "4", "--out", "@/seeded"),
        0, NULL, NULL);
    expect(RUN("train", "--resume", "@/seeded", "--steps", "6", "--seed", "0"), 1, NULL,
           "seed: the run goes on with 4, not 0");
    expect(RUN("train", "--resume", "@/seeded", "--steps", "6", "--seed", "4"), 0, NULL, NULL);
    expect(RUN("train", "--resume", "@/vae", "--steps", "4", "--seed", "0"), 0, NULL, "steps already");
}

static int begin(void **state)
{
    (void)make_folder(state);
    expect(RUN("train", "vae", "--data", "ring8", "--set", "hidden=8", "--steps", "4", "--out", "@/vae"), 0, "/vae",
           NULL);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_ends_a_training_with_a_checkpoint),
        cmocka_unit_test(signals_ignored_at_the_start_stay_ignored),
        cmocka_unit_test(signals_stay_ignored_while_a_run_is_used),
        cmocka_unit_test(children_are_waited_for_where_their_end_is_ignored),
        cmocka_unit_test(closed_descriptors_are_no_files),
        cmocka_unit_test(a_second_training_is_refused_at_once),
        cmocka_unit_test(other_names_of_files_are_left_alone),
        cmocka_unit_test(a_training_killed_at_once_is_begun_anew),
        cmocka_unit_test(pipes_are_not_replaced),
        cmocka_unit_test(two_write_one_file),
        cmocka_unit_test(links_in_a_run_lead_nowhere),
        cmocka_unit_test(names_do_not_steer_the_terminal),
        cmocka_unit_test(names_of_other_bytes_are_refused_in_words),
        cmocka_unit_test(labels_of_a_set_stay),
#ifdef TEST_PRELOAD
        cmocka_unit_test(codes_of_another_with_labels_of_ours_are_told_of),
#endif
        cmocka_unit_test(labels_of_somebody_stay),
        cmocka_unit_test(labels_of_earlier_codes_go),
        cmocka_unit_test(what_is_read_stays),
        cmocka_unit_test(what_is_written_joins_no_pictures),
        cmocka_unit_test(what_is_no_number_is_no_result),
        cmocka_unit_test(a_run_that_lacks_its_checkpoint_is_told_of),
        cmocka_unit_test(a_seed_of_0_is_one),
    };
    return RUN_TESTS("cli faults", tests, begin, remove_folder);
}
