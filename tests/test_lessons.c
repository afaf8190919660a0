/* SPDX-License-Identifier: MIT */
/* The lessons: every solution is right and every exercise with its hole is not; what learners get wrong is told in the
 * words that help; and the command around it. */
#include "program.h"

#include "duet/lesson.h"

static duet_device *device;

static int open_device(void **state)
{
    device = test_device_open();
    return make_folder(state);
}

static int close_device(void **state)
{
    duet_device_close(&device);
    return remove_folder(state);
}

static char *read_kernel(const char *place, const duet_lesson *lesson)
{
    char path[TEST_PATH_SIZE + 64];
    assert_true(snprintf(path, sizeof path, "%s/docs/lessons/%s/%s", TEST_SOURCE_ROOT, place, lesson->file) > 0);
    return test_file_read(path, NULL);
}

static duet_lesson_report check(const duet_lesson *lesson, const char *source)
{
    duet_error error = {0};
    duet_lesson_report report;
    assert_ok(duet_lesson_check(device, lesson, lesson->file, source, &report, &error), &error);
    return report;
}

static void there_are_ten_lessons_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < 10; i++) assert_int_equal(duet_lesson_at(i)->number, i + 1);
    assert_null(duet_lesson_at(10));
    assert_null(duet_lesson_find(0));
}

static void solutions_are_right(void **state)
{
    (void)state;
    const duet_lesson *lesson;
    for (size_t i = 0; (lesson = duet_lesson_at(i)) != NULL; i++) {
        char *source = read_kernel("solutions", lesson);
        const duet_lesson_report report = check(lesson, source);
        free(source);
        if (report.verdict != DUET_LESSON_RIGHT) fail_msg("lesson %u: %s", lesson->number, report.words);
        assert_string_equal(report.words, "");
        assert_in_range(report.trials, 1, 10);
        assert_in_range(report.elements, 1, 100000);
    }
}

static void holes_are_seen(void **state)
{
    (void)state;
    const duet_lesson *lesson;
    for (size_t i = 0; (lesson = duet_lesson_at(i)) != NULL; i++) {
        const bool schedule = lesson->number == 9;
        char *source = read_kernel("exercises", lesson);
        const duet_lesson_report report = check(lesson, source);
        free(source);
        assert_int_equal(report.verdict, schedule ? DUET_LESSON_REFUSED : DUET_LESSON_UNWRITTEN);
        const char *piece = schedule ? "its schedule is empty" : "Is the hole filled?";
        if (strstr(report.words, piece) == NULL) fail_msg("lesson %u: %s", lesson->number, report.words);
    }
}

/* A solution with a piece of its text replaced, as learners do. */
typedef struct slip {
    const char *name;
    unsigned lesson;
    const char *piece, *instead; /* all places of it */
    unsigned verdicts;           /* bits: a race shows as one or the other */
    const char *words;
} slip;

#define IS(verdict) (1U << DUET_LESSON_##verdict)

static const slip slips[] = {
    {"no end", 1, "if (i >= n) return;", "", IS(OUTSIDE), "past the end of result: 24 numbers behind its 1000"},
    {"local number", 1, "get_global_id(0)", "get_local_id(0)", IS(UNWRITTEN), "from result[64] to result[999]"},
    {"other one scaled", 1, "factor * x[i] + y[i]", "x[i] + factor * y[i]", IS(WRONG), "x + factor y: x is the one"},
    {"no factor", 1, "factor * x[i]", "x[i]", IS(WRONG), "the factor is missing"},
    {"into the input", 1, "result[i] =", "result[i] = ((__global float *)x)[i] =", IS(OUTSIDE), "into its input: x[0]"},
    {"in front", 1, "result[i] =", "result[i] = result[-1] =", IS(OUTSIDE), "in front of result: 1 numbers"},
    {"adds", 1, "result[i] =", "result[i] +=", IS(WRONG), "no number"},
    {"other name", 1, "scaled_sum", "sum", IS(REFUSED), "there is no kernel called scaled_sum"},
    {"other parameter", 1, "const uint n", "const ulong n", IS(REFUSED), "(uint n, float factor, global float * x"},
    {"one parameter more", 1, "const uint n", "const uint n, const uint m", IS(REFUSED), "put them back"},
    {"no C", 1, "return;", "return", IS(REFUSED), "1-launch.cl does not compile"},
    {"b transposed", 2, "b[i * n + column]", "b[column * k + i]", IS(WRONG), "A times B transposed"},
    {"a transposed", 2, "a[row * k + i]", "a[i * m + row]", IS(WRONG), "A transposed times B"},
    {"one step less", 2, "i < k", "i + 1 < k", IS(WRONG), "Only the last step is missing"},
    {"one step more", 2, "i < k", "i <= k", IS(WRONG), "no number"},
    {"dimensions", 2, "column = get_global_id(0), row = get_global_id(1)",
     "row = get_global_id(0), column = get_global_id(1)", IS(UNWRITTEN), "145 of the 1073 elements of c"},
    {"no zeros", 3, "column < columns ? matrix[row * columns + column] : 0.0f", "matrix[row * columns + column]",
     IS(WRONG), "there the panel has zeros"},
    {"columns down", 3, "(panel * rows + row) * PANEL + lane", "(panel * PANEL + lane) * rows + row", IS(WRONG),
     "Each column of a panel lies in one run"},
    {"a panel too short", 3, "(panel * rows + row) * PANEL + lane", "(panel + row) * PANEL + lane", IS(UNWRITTEN),
     "of panels"},
    {"no barrier", 4, "barrier(CLK_LOCAL_MEM_FENCE);", "", IS(WRONG) | IS(UNSTEADY), "fewer than two barriers"},
    {"leaves early", 4, "    float sum = 0.0f;", "    float sum = 0.0f; if (row >= m || column >= n) return;",
     IS(WRONG) | IS(UNSTEADY) | IS(OUTSIDE) | IS(UNWRITTEN), "has to reach every barrier"},
    {"first slice", 4, "start < k; start += TILE", "start < 1; start++", IS(WRONG), "Only the first slice"},
    {"whole slices", 4, "start < k;", "start + TILE <= k;", IS(WRONG), "filled up with zeros"},
    {"no edges", 4, "row < m && start + across < k ?", "true ?", IS(WRONG), "is wrong"},
    {"a row less", 5, "vstore4(sum3, 0, c + 3 * n);", "", IS(UNWRITTEN), "24 of the 96 elements"},
    {"an order of the group's", 6, "sum += x[first + j * LANES]",
     "{ const uint at = (j + (uint)get_local_size(0)) % length; sum += x[min((uint)(first + at * LANES), n - 1)]; }",
     IS(UNSTEADY), "in groups of another size"},
    {"runs", 6, "first + j * LANES", "piece * length + j", IS(WRONG), "a run of neighbours"},
    {"relu early", 7, "fmax(x[i] * scale[column] + shift[column], 0.0f)",
     "fmax(x[i] * scale[column], 0.0f) + shift[column]", IS(WRONG), "relu comes before the shift"},
    {"no relu", 7, "fmax(x[i] * scale[column] + shift[column], 0.0f)", "x[i] * scale[column] + shift[column]",
     IS(WRONG), "The relu is missing"},
    {"not its own number", 8, "first + (uint)i", "(uint)i", IS(WRONG), "from element 0 on"},
    {"nine rounds", 8, "round < 10", "round < 9", IS(WRONG), "Are there ten rounds?"},
    {"once each", 9, "discriminator discriminator", "discriminator", IS(WRONG), "the schedule names it twice"},
    {"generator first", 9, "discriminator discriminator generator", "generator discriminator discriminator", IS(WRONG),
     "begins with the discriminator"},
    {"unknown player", 9, "discriminator discriminator generator", "discriminator critic", IS(REFUSED),
     "names \"critic\""},
    {"no schedule", 9, "// schedule:", "// plan:", IS(REFUSED), "it has no line"},
    {"no penalty", 9, "+ penalty * d[i]", "", IS(WRONG), "The penalty is missing"},
    {"uphill", 9, "g[i] += rate", "g[i] -= rate", IS(WRONG), "goes the wrong way"},
    {"rows that are not there", 10, "if (row + r < m) ", "", IS(OUTSIDE), "past the end of c"},
};
enum { SLIPS = sizeof slips / sizeof *slips };

static char *replaced(const char *text, const char *piece, const char *instead)
{
    const size_t room = strlen(text) + 32 * strlen(instead) + 1;
    char *whole = calloc(room, 1);
    size_t used = 0;
    assert_non_null(whole);
    for (const char *place; (place = strstr(text, piece)) != NULL; text = place + strlen(piece)) {
        used += (size_t)snprintf(whole + used, room - used, "%.*s%s", (int)(place - text), text, instead);
        assert_in_range(used, 0, room - 1);
    }
    (void)snprintf(whole + used, room - used, "%s", text);
    return whole;
}

static void slips_are_told(void **state)
{
    const slip *row = *state;
    const duet_lesson *lesson = duet_lesson_find(row->lesson);
    char *solution = read_kernel("solutions", lesson), *source = replaced(solution, row->piece, row->instead);
    assert_string_not_equal(source, solution);
    const duet_lesson_report report = check(lesson, source);
    free(solution);
    free(source);
    if ((row->verdicts & 1U << report.verdict) == 0 || strstr(report.words, row->words) == NULL)
        fail_msg("verdict %d, expected the words \"%s\": %s", (int)report.verdict, row->words, report.words);
}

/* Right numbers by the means of an earlier lesson. */
static void right_is_not_all(void **state)
{
    (void)state;
    static const struct {
        unsigned lesson;
        const char *source, *words;
    } rows[] = {
        {4,
         "__kernel void product(const uint m, const uint n, const uint k, __global const float *a,\n"
         "                      __global const float *b, __global float *c)\n"
         "{\n"
         "    /* not __local: */ const size_t column = get_global_id(0), row = get_global_id(1);\n"
         "    float sum = 0.0f;\n"
         "    if (row >= m || column >= n) return;\n"
         "    for (uint i = 0; i < k; i++) sum += a[row * k + i] * b[i * n + column];\n"
         "    c[row * n + column] = sum;\n"
         "}\n",
         "nothing is kept in local memory"},
        {5,
         "__kernel void product(const uint m, const uint n, const uint k, __global const float *a,\n"
         "                      __global const float *b, __global float *c)\n"
         "{\n"
         "    const size_t column = get_global_id(0) * 4, row = get_global_id(1) * 4;\n"
         "    for (uint e = 0; e < 16 && row < m && column < n; e++) {\n"
         "        float sum = 0.0f;\n"
         "        for (uint i = 0; i < k; i++) sum += a[(row + e / 4) * k + i] * b[i * n + column + e % 4];\n"
         "        c[(row + e / 4) * n + column + e % 4] = sum;\n"
         "    }\n"
         "}\n",
         "there is no vector in it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const duet_lesson_report report = check(duet_lesson_find(rows[i].lesson), rows[i].source);
        assert_int_equal(report.verdict, DUET_LESSON_BESIDE);
        if (strstr(report.words, rows[i].words) == NULL) fail_msg("%s", report.words);
    }
}

static void measures_have_peers(void **state)
{
    (void)state;
    const duet_lesson *lesson = duet_lesson_find(2);
    char *source = read_kernel("solutions", lesson);
    duet_error error = {0};
    duet_lesson_report report = check(lesson, source);
    assert_ok(duet_lesson_measure(device, lesson, lesson->file, source, 0.1, &report, &error), &error);
    free(source);
    assert_in_range(report.time_count, 3, DUET_LESSON_TIMES);
    assert_true(report.times[0].mine);
    assert_string_equal(report.times[1].name, "the solution");
    assert_string_equal(report.times[2].name, "Duet's plain");
    for (size_t i = 0; i < 2; i++) assert_true(report.times[i].seconds > 0 && report.times[i].rate > 0);
}

static void large_sizes_are_checked_too(void **state)
{
    (void)state;
    static const struct {
        unsigned lesson;
        const char *piece, *instead;
    } rows[] = {
        {1, "i >= n", "i >= n || i > 2000000"},
        {2, "i < k", "i < k && i < 500"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const duet_lesson *lesson = duet_lesson_find(rows[i].lesson);
        char *solution = read_kernel("solutions", lesson);
        char *source = replaced(solution, rows[i].piece, rows[i].instead);
        duet_error error = {0};
        duet_lesson_report report = check(lesson, source);
        assert_int_equal(report.verdict, DUET_LESSON_RIGHT);
        assert_ok(duet_lesson_measure(device, lesson, lesson->file, source, 0.01, &report, &error), &error);
        assert_int_equal(report.verdict, DUET_LESSON_WRONG);
        assert_true(report.times[0].wrong);
        assert_non_null(strstr(report.words, "at the size that is timed"));
        free(solution);
        free(source);
    }
}

/* ---- the command ---- */

#define SOLUTIONS TEST_SOURCE_ROOT "/docs/lessons/solutions"
#define EXERCISES TEST_SOURCE_ROOT "/docs/lessons/exercises"

static const command_case commands[] = {
    {"list", {"lesson"}, 0, "10  One kernel, many devices", NULL},
    {"a task", {"lesson", "4"}, 0, "docs/lessons/4-tiles.md", NULL},
    {"help", {"lesson", "--help"}, 0, "usage: duet lesson [NUMBER] [PATH]", NULL},
    {"unknown", {"lesson", "11"}, 2, NULL, "there is no lesson '11'"},
    {"an empty path", {"lesson", "1", ""}, 2, NULL, "PATH is empty: name your kernel file"},
    {"no number", {"lesson", "tiles"}, 2, NULL, "there is no lesson 'tiles'"},
    {"no such file", {"lesson", "2", "@/nowhere.cl"}, 1, NULL, "docs/lessons/exercises"},
    {"unknown device", {"lesson", "2", SOLUTIONS, "--device", "abacus"}, 3, NULL, "abacus"},
    {"folder", {"lesson", "1", SOLUTIONS, "--no-times"}, 0, "Right: 1141 elements in 3 trials", NULL},
    {"file", {"lesson", "1", SOLUTIONS "/1-launch.cl", "--no-times"}, 0, "Right", NULL},
    {"hole", {"lesson", "1", EXERCISES, "--no-times"}, 4, "Not yet: nothing is written to result", NULL},
    {"binary", {"lesson", "1", "@/zeros.cl"}, 1, NULL, "is no kernel file"},
    {"true lines", {"lesson", "1", "@/broken.cl"}, 4, "broken.cl:9:", NULL},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void write_kernel(const char *name, const char *piece, const char *instead)
{
    char path[PATH_SIZE];
    char *solution = read_kernel("solutions", duet_lesson_find(1)), *text = replaced(solution, piece, instead);
    test_file_write(inside(name, path), text, strlen(text));
    free(solution);
    free(text);
}

static void command_line(void **state)
{
    const command_case *row = *state;
    char path[PATH_SIZE];
    test_file_write(inside("zeros.cl", path), "\0\0\0", 3);
    write_kernel("broken.cl", "get_global_id(0);", "get_global_id(0)");
    expect(run(row->words), row->status, row->out, row->err);
}

/* Mesa's llvmpipe ends every loop after 65,536 rounds: there a kernel always ends. */
static void endless_kernels_are_stopped(void **state)
{
    (void)state;
    write_kernel("endless.cl", "if (i >= n) return;", "while (n > 0) result[i] += x[i];");
    const bool always_ends = strstr(duet_device_describe(device)->name, "llvmpipe") != NULL;
    expect(RUN("lesson", "1", "@/endless.cl", "--seconds", "3"), always_ends ? 4 : 1, NULL,
           always_ends ? NULL : "one that never ends is stopped");
}

static void documents_have_times(void **state)
{
    (void)state;
    json_t *parsed = document(RUN("lesson", "2", SOLUTIONS, "--json"));
    assert_string_equal(json_string_value(json_object_get(parsed, "verdict")), "right");
    assert_true(json_array_size(json_object_get(parsed, "times")) >= 3);
    assert_true(json_number_value(json_object_get(json_array_get(json_object_get(parsed, "times"), 0), "rate")) > 0);
    json_decref(parsed);
}

int main(void)
{
    struct CMUnitTest tests[SLIPS + COMMANDS + 8] = {
        cmocka_unit_test(there_are_ten_lessons_in_order),
        cmocka_unit_test(solutions_are_right),
        cmocka_unit_test(holes_are_seen),
        cmocka_unit_test(right_is_not_all),
        cmocka_unit_test(measures_have_peers),
        cmocka_unit_test(documents_have_times),
        cmocka_unit_test(large_sizes_are_checked_too),
        cmocka_unit_test(endless_kernels_are_stopped),
    };
    size_t count = 8;
    for (size_t i = 0; i < SLIPS; i++) tests[count++] = TEST_ROW(slips[i].name, slips_are_told, &slips[i]);
    for (size_t i = 0; i < COMMANDS; i++) tests[count++] = TEST_ROW(commands[i].name, command_line, &commands[i]);
    return test_run("lessons", tests, count, open_device, close_device);
}
