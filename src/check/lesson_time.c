/* SPDX-License-Identifier: MIT */
/* A learner's kernel beside its peers: the naive way, the solution of the lesson, and for matrix products what Duet
 * itself would launch. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "check/lesson.h"
#include "device/source.h"
#include "product/trial/gemm_check.h"
#include "product/trial/gemm_trial.h"

static duet_lesson_time *next_time(duet_lesson_report *report, bool mine)
{
    if (report->time_count == DUET_LESSON_TIMES) report->time_count--; /* no row of the table has so many */
    duet_lesson_time *time = &report->times[report->time_count++];
    *time = (duet_lesson_time){.seconds = NAN, .rate = NAN, .mine = mine};
    return time;
}

static void keep(duet_lesson_time *time, const lesson_row *row, const lesson_trial *trial, double seconds)
{
    time->seconds = seconds;
    time->rate = row->work(trial) / seconds;
    time->unit = row->unit;
}

/** Whether a run at the timed size left what the reference says; a product by Freivalds' check, as that is quick. */
static duet_status compare_results(lesson_course *it, bool other_numbers, bool *right, duet_error *error)
{
    const lesson_row *row = it->row;
    const uint32_t *number = it->trial->number;
    float *before[LESSON_BUFFERS] = {NULL};
    size_t last = 0;
    for (size_t i = 0; i < LESSON_BUFFERS && it->whole[i] != NULL; i++) {
        before[i] = duet_lesson_elements(it, it->before, i);
        if (it->expected[i] != NULL) last = i;
    }
    const float *found = duet_lesson_elements(it, it->after, last);
    const uint32_t unwritten = duet_lesson_pattern(LESSON_RESULT);
    if (other_numbers) { /* then all that can be asked is that it came to its end */
        *right = memcmp(&found[it->count[last] - 1], &unwritten, sizeof unwritten) != 0;
        return DUET_OK;
    }
    if (row->is_product) {
        const duet_gemm_shape shape = {.m = number[0], .n = number[1], .k = number[2]};
        double worst = 0;
        DUET_TRY(duet_gemm_compare(&shape, before[0], before[1], found, &worst, error));
        *right = worst <= 1;
        return DUET_OK;
    }
    const double allowed = row->allowed != NULL ? row->allowed(it->trial) : 0;
    row->reference(it->trial, before, it->expected);
    *right = true;
    for (size_t i = 0; i < it->count[last] && *right; i++) *right = fabs(it->expected[last][i] - found[i]) <= allowed;
    return DUET_OK;
}

static duet_status time_launches(lesson_course *it, const lesson_launch *launches, const char *name, const char *source,
                                 double patience, duet_timing *timing, bool *right, duet_error *error)
{
    lesson_schedule schedule;
    cl_program program = NULL;
    DUET_TRY(duet_lesson_schedule(it->row, launches, source, &schedule, error));
    DUET_TRY(duet_lesson_build(it->device, name, source, it->trial->options, &program, error));
    duet_status status = duet_lesson_course_launches(it, program, launches, &schedule, error);
    if (status == DUET_OK) status = duet_lesson_course_run(it, error);
    *right = true;
    if (status == DUET_OK)
        status = compare_results(it, launches == it->row->naive && it->row->naive_differs, right, error);
    if (status == DUET_OK) status = duet_timing_take(it->device, &it->list, patience, timing, error);
    duet_launch_list_clear(&it->list);
    duet_program_free(&program);
    return status;
}

/* One that cannot be run, as a device has too small groups for it, has no time. */
static duet_status time_source(duet_device *device, const lesson_row *row, const lesson_trial *trial,
                               const lesson_launch *launches, const char *name, const char *source, double patience,
                               duet_lesson_time *time, duet_error *error)
{
    lesson_course course = {0};
    duet_timing timing = {0};
    duet_error cause = {0};
    bool right = true;
    duet_status status = duet_lesson_course_new(&course, device, row, trial, &cause);
    if (status == DUET_OK) status = time_launches(&course, launches, name, source, patience, &timing, &right, &cause);
    duet_lesson_course_free(&course);
    time->wrong = !right;
    if (status == DUET_OK && right)
        keep(time, row, trial, timing.median);
    else if (status != DUET_OK && status != DUET_ERROR_DEVICE && status != DUET_ERROR_USAGE)
        return duet_fail(error, cause.status, "%s", cause.message);
    return DUET_OK;
}

static duet_status time_carried(duet_device *device, const lesson_row *row, const char *folder,
                                const lesson_launch *launches, double patience, duet_lesson_report *report,
                                duet_error *error)
{
    char file[64];
    (void)snprintf(file, sizeof file, "%s/%s", folder, row->about.file);
    for (const duet_embedded_source *at = duet_lesson_sources; at->file != NULL; at++) {
        if (strcmp(at->file, file) != 0) continue;
        for (const lesson_trial *trial = row->timed; trial->group[0] != 0; trial++) {
            duet_lesson_time *time = next_time(report, false);
            (void)snprintf(time->name, sizeof time->name, "%s%s%s",
                           strcmp(folder, "naive") == 0 ? "the naive one" : "the solution",
                           trial->options != NULL ? ", " : "", trial->options != NULL ? trial->options : "");
            DUET_TRY(time_source(device, row, trial, launches, file, at->text, patience, time, error));
            if (launches == row->naive) break;
        }
    }
    return DUET_OK;
}

static duet_status time_product(duet_device *device, const lesson_row *row, const duet_gemm_choice *choice,
                                double patience, duet_lesson_report *report, duet_error *error)
{
    const lesson_trial *trial = &row->timed[0];
    const duet_gemm_shape shape = {.m = trial->number[0], .n = trial->number[1], .k = trial->number[2]};
    duet_gemm_trial tried = {0};
    duet_error cause = {0};
    const duet_status status = duet_gemm_try(device, choice, &shape, patience, &tried, &cause);
    if (status == DUET_ERROR_MEMORY || status == DUET_ERROR_NO_DEVICE)
        return duet_fail(error, status, "%s", cause.message);
    duet_lesson_time *time = next_time(report, false);
    (void)snprintf(time->name, sizeof time->name, "Duet's %s", choice->provider->name);
    if (status == DUET_OK && tried.timing.samples > 0) keep(time, row, trial, tried.timing.median);
    return DUET_OK;
}

static duet_status time_products(duet_device *device, const lesson_row *row, double patience,
                                 duet_lesson_report *report, duet_error *error)
{
    const lesson_trial *trial = &row->timed[0];
    const duet_gemm_shape shape = {.m = trial->number[0], .n = trial->number[1], .k = trial->number[2]};
    const duet_gemm_choice plain = {.provider = duet_gemm_provider_find("plain")};
    const duet_gemm_choice best = duet_gemm_choose(device, &shape);
    DUET_TRY(time_product(device, row, &plain, patience, report, error));
    return best.provider == plain.provider ? DUET_OK : time_product(device, row, &best, patience, report, error);
}

/** The learner's kernel was right at the trials' sizes and is not here. */
static void refuse_size(const lesson_row *row, const lesson_trial *trial, duet_lesson_report *report)
{
    char size[192];
    report->verdict = DUET_LESSON_WRONG;
    (void)snprintf(
        report->words, sizeof report->words,
        "the small trials are right, but the numbers at the size that is timed are wrong. Is some number too "
        "small for it, or some bound written as a constant? (The trial: %s.)",
        duet_lesson_size(row, trial, true, size, sizeof size));
}

duet_status duet_lesson_measure(duet_device *device, const duet_lesson *lesson, const char *name, const char *source,
                                double patience, duet_lesson_report *report, duet_error *error)
{
    const lesson_row *row = duet_lesson_row(lesson);
    if (row == NULL) return duet_fail(error, DUET_ERROR_USAGE, "there is no lesson %u", lesson->number);
    (void)duet_lesson_size(row, &row->timed[0], false, report->size, sizeof report->size);
    for (const lesson_trial *trial = row->timed; trial->group[0] != 0; trial++) {
        duet_lesson_time *time = next_time(report, true);
        (void)snprintf(time->name, sizeof time->name, "yours%s%s", trial->options != NULL ? ", " : "",
                       trial->options != NULL ? trial->options : "");
        DUET_TRY(time_source(device, row, trial, row->launches, name, source, patience, time, error));
        if (time->wrong) refuse_size(row, trial, report);
    }
    if (row->naive[0].kernel != NULL) DUET_TRY(time_carried(device, row, "naive", row->naive, patience, report, error));
    DUET_TRY(time_carried(device, row, "solutions", row->launches, patience, report, error));
    return row->is_product ? time_products(device, row, patience, report, error) : DUET_OK;
}
