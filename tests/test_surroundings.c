/* SPDX-License-Identifier: MIT */
/* The program in surroundings that are not as they should be: drivers that are none, folders that are closed, pipes in
 * the place of files, variables that say nonsense. Each row is a command line with its variables, and what is said. */
#include "program.h"

enum { MOST_VARIABLES = 2 };

typedef struct surroundings_case {
    command_case command;
    const char *variables[MOST_VARIABLES]; /* NAME=VALUE, where "@" begins a path in the folder */
} surroundings_case;

#define TRAIN "train", "ae", "--data", "ring8", "--set", "hidden=8", "--set", "latent=2", "--steps", "1", "--out", "@/r"

static const surroundings_case cases[] = {
    /* no device: the cause, not "install a driver" */
    {{"a driver whose cache is closed", {TRAIN}, 3, NULL, "from the variable POCL_CACHE_DIR, cannot be written"},
     {"POCL_CACHE_DIR=/proc/closed", "OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd"}},
    {{"a cache below a file, named from here", /* tests begin in the build's folder */
      {TRAIN},
      3,
      NULL,
      "a folder, and build.ninja, from the variable POCL_CACHE_DIR, cannot be written (Not a directory)"},
     {"POCL_CACHE_DIR=build.ninja/pocl", "OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd"}},
    {{"a cache that is a link to nowhere", {TRAIN}, 3, NULL, "XDG_CACHE_HOME, cannot be written (it is a link that"},
     {"XDG_CACHE_HOME=@dangling", "OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd"}},
    {{"PoCL's folder in it", {TRAIN}, 3, NULL, "cannot be written (it is a link that leads nowhere): set POCL_CACHE"},
     {"XDG_CACHE_HOME=@linked", "OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd"}},
    {{"the folder of kernels in that",
      {TRAIN},
      3,
      NULL,
      "kcache, from the variable XDG_CACHE_HOME, cannot be written (Not"},
     {"XDG_CACHE_HOME=@filed", "OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd"}},
    {{"devices with that driver", {"devices"}, 0, NULL, "POCL_CACHE_DIR"},
     {"POCL_CACHE_DIR=/proc/closed", "OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd"}},
    {{"a driver told to show other devices", {TRAIN}, 3, NULL, "POCL_DEVICES=abacus chooses among devices"},
     {"POCL_DEVICES=abacus", "OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd"}},
    {{"a driver whose library is gone", {TRAIN}, 3, NULL, "names some (gone.icd)"}, {"OCL_ICD_VENDORS=@gone"}},
    {{"devices with that driver gone", {"devices"}, 0, NULL, "gone.icd"}, {"OCL_ICD_VENDORS=@gone"}},
    {{"a folder without drivers", {TRAIN}, 3, NULL, "names no driver"}, {"OCL_ICD_VENDORS=@empty"}},
    {{"a device that is not here", {TRAIN}, 3, NULL, "DUET_DEVICE"}, {"DUET_DEVICE=abacus"}},

    /* kernel files */
    {{"kernel files that include each other",
      {TRAIN},
      1,
      NULL,
      "elementwise.cl, included by round.cl, by elementwise.cl"},
     {"DUET_CL_PATH=@round"}},
    {{"a kernel file that is a pipe", {TRAIN}, 1, NULL, "elementwise.cl (from DUET_CL_PATH): it is a pipe"},
     {"DUET_CL_PATH=@pipes"}},
    {{"a mistake in a kernel file", {TRAIN}, 1, NULL, "elementwise.cl:2:"}, {"DUET_CL_PATH=@wrong"}},
    {{"its whole log", {TRAIN}, 1, NULL, "the whole is in the file that DUET_CL_LOG names"},
     {"DUET_CL_PATH=@wrong", "DUET_CL_LOG=@log"}},
    {{"a folder of kernels that is none", {TRAIN}, 0, NULL, "is no folder: the built-in kernels are used"},
     {"DUET_CL_PATH=@nowhere"}},
    {{"a folder without kernels", {TRAIN}, 0, NULL, "replaces nothing: it has none of"}, {"DUET_CL_PATH=@empty"}},
    {{"a kernel file that is a link to nowhere",
      {TRAIN},
      1,
      NULL,
      "philox.cl (from DUET_CL_PATH): it is a link that leads nowhere"},
     {"DUET_CL_PATH=@astray"}},
    {{"a folder with one kernel file", {TRAIN}, 0, NULL, "replaces philox.cl\n"}, {"DUET_CL_PATH=@one"}},

    {{"options that the compiler does not have", {TRAIN}, 1, NULL, "with DUET_CL_OPTIONS=-no-such-option"},
     {"DUET_CL_OPTIONS=-no-such-option"}},
    {{"an option without its word", {TRAIN}, 2, NULL, "ends in -I, which wants a word behind it"},
     {"DUET_CL_OPTIONS=-cl-opt-disable -I"}},
    {{"kernels that are kept in what is no folder",
      {TRAIN},
      3,
      NULL,
      "from the variable POCL_CACHE_DIR, cannot be written"},
     {"POCL_CACHE_DIR=@one/philox.cl"}},
    {{"options that it has", {"devices"}, 0, " with -cl-opt-disable", NULL}, {"DUET_CL_OPTIONS=-cl-opt-disable"}},

    /* files that are pipes or folders */
    {{"a run file that is a pipe", {"eval", "@/piped"}, 1, NULL, "run.json: it is a pipe"}, {NULL}},
    {{"going on with it", {"train", "--resume", "@/piped"}, 1, NULL, "run.json: it is a pipe"}, {NULL}},
    {{"a report with such a checkpoint", {"report", "@/run"}, 1, NULL, "it is a pipe"}, {NULL}},
    {{"a checkpoint that is a pipe",
      {"sample", "@/run"},
      1,
      NULL,
      "checkpoint.safetensors: cannot be opened: it is a pipe"},
     {NULL}},
    {{"a run file that is a folder", {"eval", "@/folder"}, 1, NULL, "run.json: it is a folder"}, {NULL}},
    {{"a tuning file that is a pipe", {TRAIN}, 0, NULL, "pipe: it is a pipe"}, {"DUET_TUNING=@pipe"}},
    {{"a tuning file that is none",
      {TRAIN},
      0,
      NULL,
      "'duet tune' does not replace it, as it is no tuning file: name another file, or remove it"},
     {"DUET_TUNING=@one/philox.cl"}},
    {{"tuning into a pipe",
      {"tune", "vae", "--data", "ring8"},
      2,
      NULL,
      "no tuning file, and 'duet tune' does not replace it"},
     {"DUET_TUNING=@pipe"}},

    /* what cannot be seen, here behind a link that leads to itself, is not what is not there */
    {{"a run that cannot be seen", {"report", "@/loop/run"}, 1, NULL, "run.json: cannot be read: Too many levels"},
     {NULL}},
    {{"labels that cannot be seen",
      {"encode", "@/made", "--out", "@/loop/x.npy"},
      1,
      NULL,
      "x-labels.npy, where labels of an earlier array may lie, cannot be looked at: Too many levels"},
     {NULL}},
    {{"a tuning file that cannot be seen", {TRAIN}, 0, NULL, "mend that, or name another file with DUET_TUNING"},
     {"DUET_TUNING=@loop/t.json"}},
    {{"tuning into it", {"tune", "vae", "--data", "ring8"}, 1, NULL, "cannot be seen: Too many levels"},
     {"DUET_TUNING=@loop/t.json"}},
    {{"data that cannot be seen", {"datasets"}, 0, "loop cannot be looked into: Too many levels", NULL},
     {"DUET_DATA=@loop"}},

    /* variables */
    {{"data looked for in vain", {"datasets"}, 0, "/nowhere does not hold it)", NULL}, {"DUET_DATA=@nowhere"}},
    {{"a tuning file that is not there", {TRAIN}, 0, NULL, "there is no such file"}, {"DUET_TUNING=@nowhere.json"}},
    {{"and is said to those who want no explanations", {TRAIN, "--quiet"}, 0, NULL, "warning: tuning is not used: "},
     {"DUET_TUNING=@nowhere.json"}},
    {{"a misspelt variable", {"models"}, 0, NULL, "DUET_DEVCE: did you mean DUET_DEVICE?"}, {"DUET_DEVCE=cpu"}},
    {{"a variable that says nothing", {TRAIN}, 0, NULL, "DUET_BUNDLES=no says nothing: only 'off' does"},
     {"DUET_BUNDLES=no"}},
    {{"off in capitals", {"models"}, 0, "infogan", NULL}, {"DUET_RANKS=OFF", "PMI_SIZE=2"}},
    {{"another variable that says nothing", {"models"}, 0, NULL, "DUET_RANKS=no says nothing: only 'off' does"},
     {"DUET_RANKS=no"}},
    {{"a variable of the Python package", {"help", "environment"}, 0, "that the Python package loads", NULL},
     {"DUET_LIBRARY=@nowhere"}},
    {{"a variable of nothing", {"models"}, 0, NULL, "no variable DUET_COLOUR"}, {"DUET_COLOUR=red"}},
};
enum { CASES = sizeof cases / sizeof *cases };

/* Sets a variable, or takes it away again. */
static void set(const char *variable, bool on)
{
    char name[64], value[PATH_SIZE];
    if (variable == NULL) return;
    const char *equals = strchr(variable, '=');
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - variable), variable);
    if (equals[1] == '@')
        (void)snprintf(value, sizeof value, "%s/%s", folder, equals + 2);
    else
        (void)snprintf(value, sizeof value, "%s", equals + 1);
    assert_int_equal(on ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void program_says_what_is_wrong(void **state)
{
    const surroundings_case *row = *state;
    char path[PATH_SIZE], *before[MOST_VARIABLES] = {NULL};
    static const char *const kept[MOST_VARIABLES] = {"DUET_TUNING", "OCL_ICD_VENDORS"};
    for (size_t i = 0; i < MOST_VARIABLES; i++) before[i] = getenv(kept[i]) != NULL ? strdup(getenv(kept[i])) : NULL;
    for (size_t i = 0; i < MOST_VARIABLES; i++) set(row->variables[i], true);
    result r = run(row->command.words);
    for (size_t i = 0; i < MOST_VARIABLES; i++) set(row->variables[i], false);
    for (size_t i = 0; i < MOST_VARIABLES; i++) {
        if (before[i] != NULL) assert_int_equal(setenv(kept[i], before[i], 1), 0);
        free(before[i]);
    }
    test_folder_remove(inside("r", path));
    expect(r, row->command.status, row->command.out, row->command.err);
}

/* Someone who may not write where he stands is told that, with the place. */
static void closed_folder_is_named(void **state)
{
    char command[3 * PATH_SIZE];
    (void)state;
    (void)snprintf(
        command, sizeof command,
        "cd /usr && setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null && HOME=/tmp setpriv "
        "--reuid=65534 --regid=65534 --clear-groups %s train ae --data ring8 --steps 1 2>%s/err",
        PROGRAM, folder);
    (void)chmod(folder, 0777);
    char path[PATH_SIZE];
    if (system("setpriv --reuid=65534 --regid=65534 --clear-groups test -x " PROGRAM " 2>/dev/null") != 0) skip();
    const int status = system(command);
    assert_true(WIFEXITED(status));
    char *words = test_file_read(inside("err", path), NULL);
    if (strstr(words, "the folder runs in /usr cannot be made: Permission denied") == NULL ||
        strstr(words, "--out") == NULL)
        fail_msg("%s", words);
    free(words);
}

/* What nobody may look into is there, and is what was meant. */
static void closed_folders_are_not_missing(void **state)
{
    static const struct {
        const char *words, *said;
    } rows[] = {
        {"train ae --data ring8 --steps 1 --go-on --out %s", "cannot be looked into: Permission denied"},
        {"datasets --json", "/fashion-mnist cannot be looked into: Permission denied"},
    };
    char command[4 * PATH_SIZE], words[PATH_SIZE + 64], shut[PATH_SIZE], path[PATH_SIZE];
    (void)state;
    (void)chmod(folder, 0777);
    if (system("setpriv --reuid=65534 --regid=65534 --clear-groups test -x " PROGRAM " 2>/dev/null") != 0) skip();
    assert_int_equal(mkdir(inside("fashion-mnist", shut), 0700), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(words, sizeof words, rows[i].words, shut);
        (void)snprintf(command, sizeof command,
                       "HOME=/tmp DUET_DATA=%s setpriv --reuid=65534 --regid=65534 --clear-groups %s %s >%s/err 2>&1",
                       folder, PROGRAM, words, folder);
        assert_true(WIFEXITED(system(command)));
        char *said = test_file_read(inside("err", path), NULL);
        if (strstr(said, rows[i].said) == NULL || strstr(said, "cannot be made") != NULL) fail_msg("%s", said);
        free(said);
    }
    assert_int_equal(rmdir(shut), 0);
}

/* PoCL would make a thread for each core of the machine. */
static void program_keeps_to_its_cores(void **state)
{
    (void)state;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || system("taskset -c 0 true 2>/dev/null") != 0) skip();
    assert_int_equal(system("taskset -c 0 env OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd " PROGRAM
                            " devices --json | grep -q '\"compute_units\": 1,'"),
                     0);
}

/* Limits that a batch system or a shell sets. */
static void few_files_and_little_memory_are_named(void **state)
{
    static const struct {
        const char *limit, *said;
    } rows[] = {{"ulimit -v 100000", "only 97 MiB of address space may be used"},
                {"ulimit -n 6", "more file(s) may be opened"}};
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* AddressSanitizer takes terabytes of address space */
#endif
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char command[4 * PATH_SIZE], path[PATH_SIZE];
        (void)snprintf(command, sizeof command,
                       "(%s; OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd XDG_CACHE_HOME=%s/little " PROGRAM
                       " train ae --data ring8 --steps 1 --out %s/limited) 2>%s/err >/dev/null",
                       rows[i].limit, folder, folder, folder);
        const int status = system(command);
        assert_true(WIFEXITED(status));
        char *words = test_file_read(inside("err", path), NULL);
        if (strstr(words, rows[i].said) == NULL) fail_msg("%s: %s", rows[i].limit, words);
        free(words);
    }
}

/* As in a bare chroot. */
static void program_starts_without_proc(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* AddressSanitizer itself reads /proc */
#endif
    if (system("unshare -m umount -l /proc 2>/dev/null") != 0) skip();
    assert_int_equal(system("unshare -m sh -c 'umount -l /proc && exec " PROGRAM " models >/dev/null'"), 0);
}

static void write_text(const char *name, const char *text)
{
    char path[PATH_SIZE];
    test_file_write(inside(name, path), text, strlen(text));
}

/* Runs ./quickstart, as the words say, of a folder with programs of its own first in PATH, and returns what it says. */
static char *run_quickstart(const char *words)
{
    char command[3 * PATH_SIZE], path[PATH_SIZE];
    (void)snprintf(
        command, sizeof command,
        "cp " TEST_SOURCE_ROOT
        "/quickstart %s/quick/ && cd %s/quick && chmod +x bin/* && XDG_CACHE_HOME=$PWD/cache PATH=$PWD/bin:$PATH "
        "timeout 60 %s >../quick.out 2>&1 </dev/null",
        folder, folder, words);
    assert_true(system(command) >= 0); /* whatever it ends with: the words are looked at */
    return test_file_read(inside("quick.out", path), NULL);
}

static void begin_quickstart(const char *installed)
{
    static const char *const folders[] = {"quick", "quick/bin", "quick/build"};
    char path[PATH_SIZE];
    test_folder_remove(inside("quick", path));
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_int_equal(mkdir(inside(folders[i], path), 0777), 0);
    write_text("quick/build/build.ninja", "");
    write_text("quick/bin/dpkg-query", installed);
    write_text("quick/bin/apt-get", "#!/bin/sh\nexit 1\n");
    write_text("quick/bin/sudo", "#!/bin/sh\nexit 1\n");
}

static void quickstart_advises_what_it_does(void **state)
{
    (void)state;
    begin_quickstart("#!/bin/sh\nexit 1\n");
    char *words = run_quickstart("bash ./quickstart test");
    const char *advice = strstr(words, "as root, run: apt-get update && apt-get install --no-install-recommends gcc ");
    if (advice == NULL || strstr(advice, "dataset-fashion-mnist") == NULL) fail_msg("%s", words);
    free(words);
}

/* Ubuntu 22.04 has ninja 1.10. */
static void quickstart_builds_with_an_old_ninja(void **state)
{
    (void)state;
    begin_quickstart("#!/bin/sh\nshift 3; for p; do echo \"$p installed\"; done\n");
    write_text("quick/bin/ninja", "#!/bin/sh\ncase \"$*\" in *--quiet*) echo 'unknown option'; exit 1;; "
                                  "--help) echo usage;; *) echo '[1/1] built';; esac\n");
    char *words = run_quickstart("bash ./quickstart test");
    if (strstr(words, "fast suite") == NULL || strstr(words, "built") != NULL) fail_msg("%s", words);
    free(words);
    write_text("quick/bin/ninja", "#!/bin/sh\n[ \"$1\" = --help ] || { echo 'no such header'; exit 1; }\n");
    words = run_quickstart("bash ./quickstart test");
    if (strstr(words, "no such header") == NULL || strstr(words, "the build in build failed") == NULL)
        fail_msg("%s", words);
    free(words);
}

/* CI must not be green where a package that tests need cannot be had; elsewhere they are skipped. */
static void quickstart_counts_what_ci_lacks(void **state)
{
    static const struct {
        const char *words, *total;
    } rows[] = {{"env CI=true bash ./quickstart test --slow", " passed, 2 failed, "},
                {"env -u CI bash ./quickstart test --slow", " passed, 0 failed, "}};
    (void)state;
    begin_quickstart(
        "#!/bin/sh\nshift 3\nfor p; do case $p in lintian | mypy) ;; *) echo \"$p installed\";; esac; done\n");
    write_text("quick/bin/ninja", "#!/bin/sh\n");
    write_text("quick/bin/meson", "#!/bin/sh\necho 1.0.1\n");
    /* of Python it runs suites, GPUs' compilers (77: none) and the second driver's environment, which cannot be had */
    write_text("quick/bin/python3", "#!/bin/sh\ncase $1 in tests/run.py) echo '1 0 0' >>\"$4\";; *) exit 77;; esac\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *words = run_quickstart(rows[i].words);
        if (strstr(words, "not installed, so that tests are skipped: lintian mypy\n") == NULL ||
            strstr(words, rows[i].total) == NULL)
            fail_msg("%s: %s", rows[i].words, words);
        free(words);
    }
}

/* Without apt, packages have the names of the system that /etc/os-release names, or of one that it is like. */
static void quickstart_names_other_systems_packages(void **state)
{
    static const struct {
        const char *system, *advice;
    } rows[] = {{"ID=fedora\n", "\n  dnf install "},
                {"ID=manjaro\nID_LIKE=arch\n", "\n  pacman -S "},
                {"ID=alpine\n", "\n  apk add "},
                {"ID=unheard-of\n", "(the names are those of Debian):\n  gcc "}};
    (void)state;
    if (system("unshare -m mount --bind /etc/passwd /etc/os-release 2>/dev/null") != 0) skip();
    begin_quickstart("#!/bin/sh\nexit 1\n");
    char path[PATH_SIZE];
    assert_int_equal(mkdir(inside("quick/docs", path), 0777), 0);
    assert_int_equal(mkdir(inside("quick/others", path), 0777), 0);
    char *page = test_file_read(TEST_SOURCE_ROOT "/docs/packages.md", NULL);
    write_text("quick/docs/packages.md", page);
    free(page);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_text("quick/os-release", rows[i].system);
        char *words = run_quickstart(
            "unshare -m sh -c 'for name in bash dirname sed uname cc; do ln -sf $(command -v $name) others; done; "
            "mount --bind os-release /etc/os-release && PATH=$PWD/others exec bash ./quickstart test'");
        if (strstr(words, rows[i].advice) == NULL || strstr(words, "not found here: c++ ") == NULL)
            fail_msg("%s: %s", rows[i].system, words);
        free(words);
    }
}

static int begin(void **state)
{
    static const char *const folders[] = {"gone",   "empty",  "round", "pipes",     "wrong",
                                          "one",    "piped",  "run",   "folder",    "folder/run.json",
                                          "astray", "linked", "filed", "filed/pocl"};
    static const char *const pipes[] = {"pipes/elementwise.cl", "piped/run.json", "pipe"};
    char path[PATH_SIZE];
    (void)make_folder(state);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_int_equal(mkdir(inside(folders[i], path), 0777), 0);
    for (size_t i = 0; i < sizeof pipes / sizeof *pipes; i++) assert_int_equal(mkfifo(inside(pipes[i], path), 0666), 0);
    assert_int_equal(symlink("nowhere.cl", inside("astray/philox.cl", path)), 0);
    assert_int_equal(symlink("/nowhere/cache", inside("dangling", path)), 0);
    assert_int_equal(symlink("/nowhere/cache", inside("linked/pocl", path)), 0);
    write_text("filed/pocl/kcache", "");
    write_text("gone/gone.icd", "libno-such-driver.so\n");
    write_text("round/elementwise.cl", "#include \"round.cl\"\n");
    write_text("round/round.cl", "\n#include \"elementwise.cl\"\n");
    write_text("wrong/elementwise.cl", "\nno kernel;\n");
    char *philox = test_file_read(TEST_SOURCE_ROOT "/cl/philox.cl", NULL);
    write_text("one/philox.cl", philox);
    free(philox);
    expect(RUN("train", "ae", "--data", "ring8", "--set", "hidden=8", "--set", "latent=2", "--steps", "1", "--out",
               "@/made"),
           0, "made", NULL);
    char *record = test_file_read(inside("made/run.json", path), NULL);
    write_text("run/run.json", record);
    free(record);
    assert_int_equal(symlink("loop", inside("loop", path)), 0);
    return mkfifo(inside("run/checkpoint.safetensors", path), 0666);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(few_files_and_little_memory_are_named),
        cmocka_unit_test(program_keeps_to_its_cores),
        cmocka_unit_test(closed_folder_is_named),
        cmocka_unit_test(closed_folders_are_not_missing),
        cmocka_unit_test(program_starts_without_proc),
        cmocka_unit_test(quickstart_advises_what_it_does),
        cmocka_unit_test(quickstart_builds_with_an_old_ninja),
        cmocka_unit_test(quickstart_counts_what_ci_lacks),
        cmocka_unit_test(quickstart_names_other_systems_packages),
    };
    enum { OTHERS = sizeof others / sizeof *others };
    struct CMUnitTest tests[CASES + OTHERS];
    for (size_t i = 0; i < CASES; i++)
        tests[i] = TEST_ROW(cases[i].command.name, program_says_what_is_wrong, &cases[i]);
    memcpy(tests + CASES, others, sizeof others);
    return RUN_TESTS("surroundings", tests, begin, remove_folder);
}
