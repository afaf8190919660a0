/* SPDX-License-Identifier: MIT */
/* duet lesson: a learner's kernel is tried and judged in words. In a child process, since a kernel that writes far
 * outside its buffers takes the process with it where the device is a CPU, and one that never ends has to be stopped.
 */
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct arguments {
    const char *number, *path, *device;
    uint64_t seconds;
    bool untimed, json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND_OPTIONAL, "NUMBER", 0, PLACE(number), NULL, "which lesson; without one, all are listed", 0, 0},
    {CLI_OPERAND_OPTIONAL, "PATH", 0, PLACE(path), NULL,
     "your kernel file, or the folder that has it; without one, the task is shown", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
    {CLI_FLAG, "no-times", 0, PLACE(untimed), NULL, "only say whether it is right", 0, 0},
    {CLI_COUNT, "seconds", 0, PLACE(seconds), "N",
     "stop a kernel that has not ended by then, compiling\nincluded (default: 120)", 1, 86400},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document", 0, 0},
};

static const double patience = 0.3; /* seconds for each kernel that is timed */
enum { LARGEST_FILE = 1 << 20 };

typedef struct attempt {
    const struct arguments *arguments;
    const duet_lesson *lesson;
    char file[4096];
    char *source;
} attempt;

/* ---- the file ---- */

static bool find_file(attempt *it)
{
    struct stat about;
    const char *path = it->arguments->path;
    const bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    const int length = folder ? snprintf(it->file, sizeof it->file, "%s/%s", path, it->lesson->file)
                              : snprintf(it->file, sizeof it->file, "%s", path);
    return length > 0 && (size_t)length < sizeof it->file;
}

static int read_file(attempt *it)
{
    if (it->arguments->path[0] == '\0')
        return cli_complain(CLI_MISTAKE, "PATH is empty: name your kernel file, or the folder that has it");
    if (!find_file(it)) return cli_complain(CLI_MISTAKE, "the name of that file is too long");
    struct stat about;
    if (stat(it->file, &about) == 0 && !S_ISREG(about.st_mode)) /* a pipe would be waited for */
        return cli_complain(CLI_FAILED, "%s is no file", it->file);
    FILE *stream = fopen(it->file, "r");
    if (stream == NULL)
        return cli_complain(CLI_FAILED,
                            "cannot open %s: %s. The exercises are in docs/lessons/exercises: copy that folder "
                            "and name the copy",
                            it->file, strerror(errno));
    it->source = calloc(LARGEST_FILE + 1, 1);
    const size_t length = it->source != NULL ? fread(it->source, 1, LARGEST_FILE, stream) : 0;
    const bool failed = ferror(stream) != 0;
    fclose(stream);
    if (it->source == NULL) return cli_complain(CLI_FAILED, "there is too little memory to read %s", it->file);
    if (failed || length == LARGEST_FILE || strlen(it->source) != length)
        return cli_complain(CLI_FAILED, "%s is no kernel file: expected text of less than 1 MiB", it->file);
    return CLI_DONE;
}

/* ---- in the child ---- */

static const char *const verdicts[] = {"right", "beside", "refused", "outside", "unwritten", "unsteady", "wrong"};

static json_t *times_json(const duet_lesson_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->time_count; i++) {
        const duet_lesson_time *time = &report->times[i];
        json_array_append_new(list, json_pack("{s:s s:o s:o s:s s:b s:b}", "name", time->name, "seconds",
                                              cli_json_number(time->seconds), "rate", cli_json_number(time->rate),
                                              "unit", time->unit != NULL ? time->unit : "", "mine", (int)time->mine,
                                              "wrong", (int)time->wrong));
    }
    return list;
}

static json_t *report_json(const attempt *it, const duet_device *device, const duet_lesson_report *report)
{
    return json_pack("{s:i s:s s:o s:o s:s s:o s:I s:I s:s s:o}", "lesson", (int)it->lesson->number, "title",
                     it->lesson->title, "file", cli_json_text(it->file), "device",
                     cli_json_text(duet_device_describe(device)->name), "verdict", verdicts[report->verdict], "words",
                     cli_json_text(report->words), "trials", (json_int_t)report->trials, "elements",
                     (json_int_t)report->elements, "size", report->size, "times", times_json(report));
}

/* The report as it is so far: one that has been checked, then, if it is right, one that has been timed. */
static int work(FILE *results, const void *context)
{
    const attempt *it = context;
    const char *slash = strrchr(it->file, '/'), *name = slash != NULL ? slash + 1 : it->file;
    duet_device *device = NULL;
    duet_lesson_report report = {0};
    duet_error error = {0};
    if (duet_device_open(&device, it->arguments->device, &error) == DUET_OK &&
        duet_lesson_check(device, it->lesson, name, it->source, &report, &error) == DUET_OK) {
        const int status = cli_child_send(results, report_json(it, device, &report));
        if (status != CLI_DONE || report.verdict > DUET_LESSON_BESIDE || it->arguments->untimed) return status;
        if (duet_lesson_measure(device, it->lesson, name, it->source, patience, &report, &error) == DUET_OK)
            return cli_child_send(results, report_json(it, device, &report));
    }
    (void)cli_child_send(results, json_object()); /* so that it is known who has spoken */
    return cli_fail(&error);
}

/* ---- what it says ---- */

static const json_t *time_at(const json_t *times, bool mine, bool slowest)
{
    const json_t *found = NULL, *time;
    size_t index;
    json_array_foreach(times, index, time)
    {
        const double seconds = cli_json_number_at(time, "seconds");
        if (json_is_true(json_object_get(time, "mine")) != mine || !isfinite(seconds)) continue;
        if (found == NULL || (seconds > cli_json_number_at(found, "seconds")) == slowest) found = time;
    }
    return found;
}

/** "3.2 times as fast as the naive one", or "takes 3.2 times as long as" it. */
static void print_ratio(double mine, const json_t *peer)
{
    char text[32];
    const double ratio = cli_json_number_at(peer, "seconds") / mine;
    if (ratio >= 1)
        printf("is %s times as fast as %s", cli_digits(ratio, 2, text, sizeof text), cli_json_text_at(peer, "name"));
    else
        printf("takes %s times as long as %s", cli_digits(1 / ratio, 2, text, sizeof text),
               cli_json_text_at(peer, "name"));
}

static void print_ratios(const json_t *times)
{
    const json_t *mine = time_at(times, true, false), *slow = time_at(times, false, true);
    const json_t *fast = time_at(times, false, false);
    if (mine == NULL || slow == NULL || fast == NULL) return;
    const double seconds = cli_json_number_at(mine, "seconds");
    printf("\n\"%s\" ", cli_json_text_at(mine, "name"));
    print_ratio(seconds, slow);
    if (fast != slow) {
        printf(", and ");
        print_ratio(seconds, fast);
        printf(", the best of the others");
    }
    printf(".\n");
}

static int print_times(const json_t *document)
{
    static const char *const heads[] = {"", ">time", ">speed"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    const json_t *times = json_object_get(document, "times"), *time;
    size_t index;
    char text[32];
    printf("\nTimes at %s:\n", cli_json_text_at(document, "size"));
    json_array_foreach(times, index, time)
    {
        const double seconds = cli_json_number_at(time, "seconds");
        cli_table_cell(&table, "%s", cli_json_text_at(time, "name"));
        if (isfinite(seconds))
            cli_table_cell(&table, "%s ms", cli_digits(1e3 * seconds, 3, text, sizeof text));
        else
            cli_table_cell(&table, "%s", json_is_true(json_object_get(time, "wrong")) ? "wrong here" : "not timed");
        if (isfinite(seconds))
            cli_table_cell(
                &table, "%s",
                cli_scaled(cli_json_number_at(time, "rate"), cli_json_text_at(time, "unit"), text, sizeof text));
        else
            cli_table_cell(&table, "-");
    }
    const int status = cli_table_print(&table, stdout);
    print_ratios(times);
    return status;
}

static int print_text(const json_t *document)
{
    const char *verdict = cli_json_text_at(document, "verdict"), *words = cli_json_text_at(document, "words");
    const bool right = strcmp(verdict, verdicts[DUET_LESSON_RIGHT]) == 0;
    const bool beside = strcmp(verdict, verdicts[DUET_LESSON_BESIDE]) == 0;
    cli_print(stdout, "Lesson %.0f, %s: %s on %s\n", cli_json_number_at(document, "lesson"),
              cli_json_text_at(document, "title"), cli_json_text_at(document, "file"),
              cli_json_text_at(document, "device"));
    const char *colour = cli_escape(stdout, right ? CLI_GREEN : CLI_RED), *plain = cli_escape(stdout, CLI_PLAIN);
    if (right)
        printf("%sRight%s: %.0f elements in %.0f trials, each run twice.\n", colour, plain,
               cli_json_number_at(document, "elements"), cli_json_number_at(document, "trials"));
    else
        cli_print(stdout, "%s%s%s: %s\n", colour, beside ? "Almost" : "Not yet", plain, words);
    return json_array_size(json_object_get(document, "times")) > 0 ? print_times(document) : CLI_DONE;
}

static int conclude(const attempt *it, int status, const json_t *documents)
{
    const size_t count = json_array_size(documents);
    json_t *last = count > 0 ? json_array_get(documents, count - 1) : NULL;
    if (last != NULL && json_object_size(last) == 0) return status; /* the child has said why */
    if (status != CLI_DONE && last == NULL)
        return cli_complain(
            status,
            "look at every index in %s, and at what ends each loop: where the device is a CPU, a kernel that "
            "reads or writes far outside its buffers ends the process, and one that never ends is stopped (--seconds "
            "gives it longer)",
            it->file);
    if (last == NULL)
        return cli_complain(CLI_FAILED, "lesson %u: nothing came back from its process", it->lesson->number);
    const char *verdict = cli_json_text_at(last, "verdict");
    const bool wrong = strcmp(verdict, verdicts[DUET_LESSON_RIGHT]) != 0;
    const int printed = it->arguments->json ? cli_json_print(json_incref(last)) : print_text(last);
    return printed != CLI_DONE ? printed : wrong ? CLI_WRONG : status;
}

static int check(const struct arguments *arguments, const duet_lesson *lesson)
{
    attempt it = {.arguments = arguments, .lesson = lesson};
    char what[32];
    int status = read_file(&it);
    if (status == CLI_DONE) {
        json_t *documents = json_array();
        snprintf(what, sizeof what, "lesson %u", lesson->number);
        status = cli_child_run(work, &it, arguments->seconds > 0 ? (double)arguments->seconds : 120, what, "--seconds",
                               documents);
        status = conclude(&it, status, documents);
        json_decref(documents);
    }
    free(it.source);
    return status;
}

/* ---- without a file ---- */

static int list(bool json)
{
    static const char *const heads[] = {">lesson", "title", "file"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    json_t *rows = json_array();
    const duet_lesson *lesson;
    for (size_t i = 0; (lesson = duet_lesson_at(i)) != NULL; i++) {
        json_array_append_new(rows, json_pack("{s:i s:s s:s s:s}", "number", (int)lesson->number, "title",
                                              lesson->title, "file", lesson->file, "task", lesson->task));
        if (json) continue;
        cli_table_cell(&table, "%u", lesson->number);
        cli_table_cell(&table, "%s", lesson->title);
        cli_table_cell(&table, "%s", lesson->file);
    }
    if (json) return cli_json_print(json_pack("{s:o}", "lessons", rows));
    json_decref(rows);
    const int status = cli_table_print(&table, stdout);
    printf(
        "\nTheir pages are in docs/lessons. To begin: cp -r docs/lessons/exercises lessons, read the first page, fill\n"
        "the hole in lessons/1-launch.cl, and ask: duet lesson 1 lessons\n");
    return status;
}

static int show_task(const duet_lesson *lesson, bool json)
{
    if (json)
        return cli_json_print(json_pack("{s:i s:s s:s s:s}", "number", (int)lesson->number, "title", lesson->title,
                                        "file", lesson->file, "task", lesson->task));
    const int stem = (int)strcspn(lesson->file, ".");
    printf("Lesson %u, %s: %s\n", lesson->number, lesson->title, lesson->task);
    printf(
        "The page is docs/lessons/%.*s.md, the exercise docs/lessons/exercises/%s. Fill the hole of a copy and ask:\n"
        "duet lesson %u COPY\n",
        stem, lesson->file, lesson->file, lesson->number);
    return CLI_DONE;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    int status;
    if (!cli_parse(&cli_lesson, argc, argv, &arguments, &status)) return status;
    if (arguments.path == NULL && (arguments.untimed || arguments.seconds > 0 || arguments.device != NULL))
        return cli_complain(CLI_MISTAKE, "--no-times, --seconds and --device are for a kernel of yours: give a "
                                         "lesson's number, and the file or its folder");
    if (arguments.number == NULL) return list(arguments.json);
    char *end = NULL;
    const unsigned long number = strtoul(arguments.number, &end, 10);
    const duet_lesson *lesson = *end == '\0' && number < 1000 ? duet_lesson_find((unsigned)number) : NULL;
    if (lesson == NULL)
        return cli_complain(CLI_MISTAKE, "there is no lesson '%s': 'duet lesson' lists them by number",
                            arguments.number);
    return arguments.path == NULL ? show_task(lesson, arguments.json) : check(&arguments, lesson);
}

const cli_command cli_lesson = {
    .name = "lesson",
    .summary = "try your kernel of a lesson: right or wrong, where, and how fast",
    .details = "The course is docs/lessons. A kernel is tried at several sizes and with several work-group sizes, each "
               "twice, with guard bytes around its buffers, and compared with a plain reference in double. One that is "
               "right is timed beside the naive way and the best that is known. Exit status 4: it is not right yet.",
    .examples = "duet lesson\nduet lesson 2 lessons",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
};
