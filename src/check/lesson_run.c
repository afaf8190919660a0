/* SPDX-License-Identifier: MIT */
/* A trial of a learner's kernel on the device. Each buffer is a part of a larger one whose rest is filled with a
 * pattern, so that what is written beside it is seen and what is read there is no number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "base/text.h"
#include "check/lesson.h"
#include "product/trial/gemm_check.h"

enum { LEAST_GUARD = 4096 };

uint32_t duet_lesson_pattern(lesson_role role)
{
    return role == LESSON_INPUT ? 0x7F80BEADu : 0x7F80FADEu; /* signalling NaNs: no arithmetic gives one */
}

float *duet_lesson_elements(const lesson_course *it, float *const *buffers, size_t index)
{
    return buffers[index] + it->guard / sizeof(float);
}

static size_t whole_bytes(const lesson_course *it, size_t index)
{
    return it->count[index] * sizeof(float) + 2 * it->guard;
}

static void fill(lesson_course *it, size_t index)
{
    const lesson_role role = it->row->buffers[index].role;
    const uint32_t pattern = duet_lesson_pattern(role);
    uint32_t seed = 77 + (uint32_t)index;
    for (size_t i = 0; i < whole_bytes(it, index) / sizeof(float); i++)
        memcpy(&it->before[index][i], &pattern, sizeof pattern);
    float *elements = duet_lesson_elements(it, it->before, index);
    for (size_t i = 0; role != LESSON_RESULT && i < it->count[index]; i++) elements[i] = duet_gemm_number(&seed);
}

static duet_status make_buffer(lesson_course *it, size_t index, duet_error *error)
{
    const lesson_buffer *buffer = &it->row->buffers[index];
    it->count[index] = buffer->count(it->trial);
    const size_t bytes = whole_bytes(it, index);
    it->before[index] = malloc(bytes);
    it->after[index] = malloc(bytes);
    if (buffer->role != LESSON_INPUT) it->expected[index] = calloc(it->count[index] + 1, sizeof(double));
    if (it->before[index] == NULL || it->after[index] == NULL ||
        (buffer->role != LESSON_INPUT && it->expected[index] == NULL))
        return duet_fail(error, DUET_ERROR_MEMORY, "no memory for a lesson's %zu bytes", bytes);
    fill(it, index);
    DUET_TRY(duet_buffer_new(it->device, bytes, false, &it->whole[index], error));
    return duet_buffer_part(it->device, it->whole[index], it->guard, it->count[index] * sizeof(float), &it->part[index],
                            error);
}

duet_status duet_lesson_course_new(lesson_course *it, duet_device *device, const lesson_row *row,
                                   const lesson_trial *trial, duet_error *error)
{
    const size_t alignment = duet_device_describe(device)->base_alignment;
    *it = (lesson_course){.device = device, .row = row, .trial = trial};
    it->guard = duet_size_round_up(LEAST_GUARD, alignment > sizeof(float) ? alignment : sizeof(float));
    for (size_t i = 0; i < LESSON_BUFFERS && row->buffers[i].name != NULL; i++) DUET_TRY(make_buffer(it, i, error));
    return DUET_OK;
}

void duet_lesson_course_free(lesson_course *it)
{
    duet_launch_list_clear(&it->list);
    for (size_t i = 0; i < LESSON_BUFFERS; i++) {
        duet_buffer_free(&it->part[i]);
        duet_buffer_free(&it->whole[i]);
        free(it->before[i]);
        free(it->after[i]);
        free(it->expected[i]);
    }
}

duet_status duet_lesson_build(duet_device *device, const char *name, const char *source, const char *options,
                              cl_program *program, duet_error *error)
{
    const bool plain = strpbrk(name, "\"\\\n") == NULL; /* what a #line can hold */
    duet_text whole = {0};
    duet_text_add(&whole, "#line 1 \"%s\"\n%s\n", plain ? name : "kernel.cl", source);
    const duet_status status = whole.failed
                                   ? duet_fail(error, DUET_ERROR_MEMORY, "no memory to build %s", name)
                                   : duet_program_build(device, name, duet_text_get(&whole), options, program, error);
    duet_text_free(&whole);
    return status;
}

static duet_argument argument_of(const lesson_course *it, char letter)
{
    if (letter >= '0' && letter <= '9') return (duet_argument){sizeof(uint32_t), &it->trial->number[letter - '0']};
    if (letter == 'x' || letter == 'y') return (duet_argument){sizeof(float), &it->trial->factor[letter - 'x']};
    return (duet_argument){sizeof(cl_mem), &it->part[letter - 'a']};
}

/** The words of the parameters, as the exercise has them: "uint m, uint n, global float *a". */
static void say_parameters(const lesson_course *it, const char *letters, char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; letters[i] != '\0' && used < room; i++) {
        const char letter = letters[i];
        const bool number = letter >= '0' && letter <= '9', factor = letter == 'x' || letter == 'y';
        const int length = snprintf(text + used, room - used, "%s%s %s", i > 0 ? ", " : "",
                                    number   ? "uint"
                                    : factor ? "float"
                                             : "global float *",
                                    number   ? it->row->numbers[letter - '0']
                                    : factor ? "factor"
                                             : it->row->buffers[letter - 'a'].name);
        if (length > 0) used += (size_t)length;
    }
}

static duet_status fail_parameters(const lesson_course *it, const lesson_launch *launch, duet_error *error)
{
    char text[256];
    say_parameters(it, launch->arguments, text, sizeof text);
    return duet_fail(error, DUET_ERROR_USAGE,
                     "the kernel %s has other parameters than the exercise gives it, which are (%s): put them back",
                     launch->kernel, text);
}

static duet_status append(lesson_course *it, cl_program program, const lesson_launch *launch, duet_error *error)
{
    duet_argument arguments[LESSON_NUMBERS + LESSON_BUFFERS + 2];
    const size_t count = strlen(launch->arguments);
    size_t items[2] = {1, 1}, given = 0;
    duet_launch made = {.dimensions = 2, .local = {1, 1}};
    cl_kernel kernel = NULL;
    for (size_t i = 0; i < count; i++) arguments[i] = argument_of(it, launch->arguments[i]);
    if (launch->items != NULL) {
        launch->items(it->trial, items);
        memcpy(made.local, it->trial->group, sizeof it->trial->group);
    }
    for (size_t i = 0; i < 2; i++) made.global[i] = duet_size_round_up(items[i], made.local[i]);
    (void)snprintf(made.name, sizeof made.name, "%s", launch->kernel);
    if (duet_kernel_new(program, launch->kernel, &kernel, NULL) != DUET_OK)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "there is no kernel called %s in it: the exercise's kernels keep their names", launch->kernel);
    made.kernel = kernel;
    DUET_TRY(duet_launch_append(&it->list, &made, error)); /* which owns the kernel now */
    DUET_TRY(duet_kernel_arguments(kernel, &given, error));
    for (size_t i = 0; i < count; i++)
        if (given != count ||
            duet_kernel_set(kernel, (cl_uint)i, arguments[i].bytes, arguments[i].value, NULL) != DUET_OK)
            return fail_parameters(it, launch, error);
    return DUET_OK;
}

duet_status duet_lesson_course_launches(lesson_course *it, cl_program program, const lesson_launch *launches,
                                        const lesson_schedule *schedule, duet_error *error)
{
    for (size_t i = 0; i < schedule->count; i++) DUET_TRY(append(it, program, &launches[schedule->items[i]], error));
    return DUET_OK;
}

duet_status duet_lesson_course_run(lesson_course *it, duet_error *error)
{
    const size_t steps = it->row->steps > 0 ? it->row->steps : 1;
    for (size_t i = 0; i < LESSON_BUFFERS && it->whole[i] != NULL; i++)
        DUET_TRY(duet_buffer_write(it->device, it->whole[i], 0, it->before[i], whole_bytes(it, i), error));
    for (size_t i = 0; i < steps; i++) DUET_TRY(duet_launch_replay(it->device, &it->list, NULL, error));
    DUET_TRY(duet_device_finish(it->device, error));
    for (size_t i = 0; i < LESSON_BUFFERS && it->whole[i] != NULL; i++)
        DUET_TRY(duet_buffer_read(it->device, it->whole[i], 0, it->after[i], whole_bytes(it, i), error));
    return DUET_OK;
}

static duet_status take_word(const lesson_launch *launches, const char *word, size_t length, lesson_schedule *schedule,
                             duet_error *error)
{
    for (size_t i = 0; i < LESSON_LAUNCHES && launches[i].kernel != NULL; i++) {
        if (strlen(launches[i].kernel) != length || strncmp(launches[i].kernel, word, length) != 0) continue;
        if (schedule->count == LESSON_STEPS)
            return duet_fail(error, DUET_ERROR_USAGE, "its schedule has over %d launches: one step is meant",
                             LESSON_STEPS);
        schedule->items[schedule->count++] = i;
        return DUET_OK;
    }
    return duet_fail(error, DUET_ERROR_USAGE, "its schedule names \"%.*s\": its kernels are %s and %s",
                     length < 40 ? (int)length : 40, word, launches[0].kernel, launches[1].kernel);
}

duet_status duet_lesson_schedule(const lesson_row *row, const lesson_launch *launches, const char *source,
                                 lesson_schedule *schedule, duet_error *error)
{
    static const char head[] = "// schedule:", blanks[] = " \t\r";
    const char *line = row->has_schedule ? strstr(source, head) : NULL;
    *schedule = (lesson_schedule){0};
    if (!row->has_schedule) {
        for (size_t i = 0; i < LESSON_LAUNCHES && launches[i].kernel != NULL; i++)
            schedule->items[schedule->count++] = i;
        return DUET_OK;
    }
    if (line == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "it has no line \"%s\": such a line names the kernels of a step",
                         head);
    const char *word = line + strlen(head);
    for (word += strspn(word, blanks); *word != '\n' && *word != '\0'; word += strspn(word, blanks)) {
        const size_t length = strcspn(word, " \t\r\n");
        DUET_TRY(take_word(launches, word, length, schedule, error));
        word += length;
    }
    if (schedule->count == 0)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "its schedule is empty: behind \"%s\" stand the kernels of a step, in their order", head);
    return DUET_OK;
}
