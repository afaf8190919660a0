/* SPDX-License-Identifier: MIT */
/* The lessons and the check of a learner's kernel: every trial of the lesson's row, each run twice. */
#include "duet/lesson.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "check/lesson.h"

static const lesson_row *const tables[] = {duet_lesson_products, duet_lesson_maps, duet_lesson_orders};
enum { TABLES = sizeof tables / sizeof *tables };

const duet_lesson *duet_lesson_find(unsigned number)
{
    for (size_t i = 0; i < TABLES; i++)
        for (const lesson_row *row = tables[i]; row->about.number != 0; row++)
            if (row->about.number == number) return &row->about;
    return NULL;
}

const duet_lesson *duet_lesson_at(size_t index)
{
    return index < 1000 ? duet_lesson_find((unsigned)index + 1) : NULL;
}

const lesson_row *duet_lesson_row(const duet_lesson *lesson)
{
    for (size_t i = 0; i < TABLES; i++)
        for (const lesson_row *row = tables[i]; row->about.number != 0; row++)
            if (row->about.number == lesson->number) return row;
    return NULL;
}

/** What the driver or the shape of the file is against; not where the driver compiles nothing at all. */
static duet_status refuse(const duet_error *cause, duet_lesson_report *report, duet_error *error)
{
    if (cause->status != DUET_ERROR_DEVICE && cause->status != DUET_ERROR_USAGE)
        return duet_fail(error, cause->status, "%s", cause->message);
    report->verdict = DUET_LESSON_REFUSED;
    (void)snprintf(report->words, sizeof report->words, "%s", cause->message);
    return DUET_OK;
}

static duet_status run_twice(lesson_course *it, cl_program program, const char *source, duet_lesson_report *report,
                             duet_error *error)
{
    const lesson_row *row = it->row;
    lesson_schedule schedule;
    lesson_course again = {0};
    lesson_trial other = *it->trial;
    float *before[LESSON_BUFFERS] = {NULL};
    DUET_TRY(duet_lesson_schedule(row, row->launches, source, &schedule, error));
    DUET_TRY(duet_lesson_course_launches(it, program, row->launches, &schedule, error));
    for (size_t i = 0; i < LESSON_BUFFERS && it->whole[i] != NULL; i++)
        before[i] = duet_lesson_elements(it, it->before, i);
    if (row->any_group) other.group[0] = it->trial->group[0] * 3 / 4;
    row->reference(it->trial, before, it->expected);
    duet_status status = duet_lesson_course_new(&again, it->device, row, &other, error);
    if (status == DUET_OK) status = duet_lesson_course_launches(&again, program, row->launches, &schedule, error);
    if (status == DUET_OK) status = duet_lesson_course_run(&again, error);
    if (status == DUET_OK) status = duet_lesson_course_run(it, error);
    if (status == DUET_OK) duet_lesson_judge(it, again.after, report);
    duet_lesson_course_free(&again);
    return status;
}

static duet_status try_one(duet_device *device, const lesson_row *row, const lesson_trial *trial, const char *name,
                           const char *source, duet_lesson_report *report, duet_error *error)
{
    lesson_course course = {0};
    cl_program program = NULL;
    duet_status status = duet_lesson_course_new(&course, device, row, trial, error);
    if (status == DUET_OK) status = duet_lesson_build(device, name, source, trial->options, &program, error);
    if (status == DUET_OK) status = run_twice(&course, program, source, report, error);
    duet_lesson_course_free(&course);
    duet_program_free(&program);
    return status;
}

duet_status duet_lesson_check(duet_device *device, const duet_lesson *lesson, const char *name, const char *source,
                              duet_lesson_report *report, duet_error *error)
{
    const lesson_row *row = duet_lesson_row(lesson);
    *report = (duet_lesson_report){0};
    if (row == NULL) return duet_fail(error, DUET_ERROR_USAGE, "there is no lesson %u", lesson->number);
    for (const lesson_trial *trial = row->trials; trial->group[0] != 0; trial++) {
        duet_error cause = {0};
        if (trial->group[0] * trial->group[1] > duet_device_describe(device)->work_group_size) continue;
        if (try_one(device, row, trial, name, source, report, &cause) != DUET_OK) return refuse(&cause, report, error);
        if (report->verdict != DUET_LESSON_RIGHT) break;
    }
    if (report->verdict == DUET_LESSON_RIGHT && report->trials == 0)
        return duet_fail(error, DUET_ERROR_DEVICE,
                         "a work-group of %s has at most %zu work-items, fewer than any trial of lesson %u: try it on "
                         "another of 'duet devices' (--device)",
                         duet_device_describe(device)->name, duet_device_describe(device)->work_group_size,
                         lesson->number);
    duet_lesson_judge_code(row, source, report);
    return DUET_OK;
}
