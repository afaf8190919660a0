/* SPDX-License-Identifier: MIT */
/* What a lesson's row says: kernels, their arguments, sizes to try, the reference in double, and wrong results that
 * learners are likely to get, each with words. */
#ifndef DUET_SRC_CHECK_LESSON_H
#define DUET_SRC_CHECK_LESSON_H

#include "device/launch.h"
#include "duet/lesson.h"

enum {
    LESSON_NUMBERS = 6,
    LESSON_BUFFERS = 4,
    LESSON_LAUNCHES = 3,
    LESSON_STEPS = 16,
    LESSON_MISTAKES = 5,
    LESSON_NEEDS = 2,
};

typedef struct lesson_trial {
    uint32_t number[LESSON_NUMBERS]; /**< extents, and what else kernels take; the row names them */
    float factor[2];
    size_t group[2];     /**< work-items of a group, along dimension 0 and 1 */
    const char *options; /**< for the compiler; NULL: none */
} lesson_trial;

typedef enum lesson_role {
    LESSON_INPUT,
    LESSON_STATE, /**< read and written: begins as an input does */
    LESSON_RESULT,
} lesson_role;

typedef struct lesson_buffer {
    const char *name;
    lesson_role role;
    size_t (*count)(const lesson_trial *trial);
    unsigned columns; /**< 1 + the number that says how long a row is; 0: it is a vector */
} lesson_buffer;

/** Arguments are a letter each: 0 to 5 a number (uint), x and y a factor (float), a to d a buffer. */
typedef struct lesson_launch {
    const char *kernel, *arguments;
    /** Work-items along each dimension, before they are rounded up to groups; NULL: one work-item. */
    void (*items)(const lesson_trial *trial, size_t items[2]);
} lesson_launch;

/** Computes what the buffers that are no inputs hold in the end, from what all buffers held before. */
typedef void (*lesson_reference)(const lesson_trial *trial, float *const *before, double *const *after);

typedef struct lesson_mistake {
    lesson_reference reference;
    const char *words;
} lesson_mistake;

typedef struct lesson_row {
    duet_lesson about;
    const char *numbers[LESSON_NUMBERS + 1]; /**< names; NULL past the last */
    lesson_launch launches[LESSON_LAUNCHES]; /**< in the order of a step, unless the file says its schedule */
    bool has_schedule;                       /**< the file has a line "schedule: KERNEL KERNEL ..." */
    bool any_group; /**< bits must not follow from the group: the second run has groups of another size */
    size_t steps;   /**< of a trial; 0: 1 */
    lesson_buffer buffers[LESSON_BUFFERS];
    const lesson_trial *trials, *timed; /**< ended by a row without a group. Peers are timed as timed[0] */
    lesson_reference reference;
    double (*allowed)(const lesson_trial *trial); /**< difference of an element; NULL: none */
    lesson_mistake mistakes[LESSON_MISTAKES];
    const char *otherwise; /**< advice where the numbers are those of no such mistake; NULL: none */
    struct {
        const char *words[2]; /**< one of these words is in the code ... */
        size_t times;         /**< ... so often */
        const char *complaint;
    } needs[LESSON_NEEDS];
    struct {
        const char *word, *complaint;
    } avoid;                              /**< a word that may be why numbers are wrong; NULL: none */
    lesson_launch naive[LESSON_LAUNCHES]; /**< of naive/FILE; without kernels: there is none */
    bool naive_differs;                   /**< it computes other numbers */
    bool is_product;                      /**< Duet's own products are peers: numbers are m, n, k */
    double (*work)(const lesson_trial *trial);
    const char *unit;
} lesson_row;

extern const lesson_row duet_lesson_products[], duet_lesson_maps[],
    duet_lesson_orders[]; /**< ended by a row without a number */
const lesson_row *duet_lesson_row(const duet_lesson *lesson);

/** What a step launches: indices into row->launches. */
typedef struct lesson_schedule {
    size_t items[LESSON_STEPS], count;
} lesson_schedule;

/* A trial on the device (lesson_run.c). Each buffer lies between guards. */
typedef struct lesson_course {
    duet_device *device;
    const lesson_row *row;
    const lesson_trial *trial;
    cl_mem whole[LESSON_BUFFERS], part[LESSON_BUFFERS];
    size_t guard, count[LESSON_BUFFERS]; /**< bytes; elements */
    float *before[LESSON_BUFFERS];       /**< with both guards */
    float *after[LESSON_BUFFERS];        /**< NULL until it was read */
    double *expected[LESSON_BUFFERS];    /**< NULL for an input */
    duet_launch_list list;               /**< of one step */
} lesson_course;

/** Numbers for all buffers, and room for what is read and expected. Free it also after a failure. */
duet_status duet_lesson_course_new(lesson_course *it, duet_device *device, const lesson_row *row,
                                   const lesson_trial *trial, duet_error *error);
void duet_lesson_course_free(lesson_course *it);
/** The launches of a step. DUET_ERROR_USAGE where kernels have other names or parameters than the row says. */
duet_status duet_lesson_course_launches(lesson_course *it, cl_program program, const lesson_launch *launches,
                                        const lesson_schedule *schedule, duet_error *error);
/** Writes all buffers anew, runs all steps and reads what came of it. */
duet_status duet_lesson_course_run(lesson_course *it, duet_error *error);
/** The elements of a buffer, without its guards. */
float *duet_lesson_elements(const lesson_course *it, float *const *buffers, size_t index);
/** A word that no kernel computes: lies in results before, and in the guards. What is computed from it is a NaN that
 * has most of its bits, on CPUs. */
uint32_t duet_lesson_pattern(lesson_role role);

/** Builds the file's text so that compilers name its lines by its own name. */
duet_status duet_lesson_build(duet_device *device, const char *name, const char *source, const char *options,
                              cl_program *program, duet_error *error);
/** Reads the schedule of the file, or takes all launches in turn. DUET_ERROR_USAGE for a wrong one. */
duet_status duet_lesson_schedule(const lesson_row *row, const lesson_launch *launches, const char *source,
                                 lesson_schedule *schedule, duet_error *error);

/* Words (lesson_words.c). */

/** "m = 3, n = 4; groups of 8 x 8". */
const char *duet_lesson_size(const lesson_row *row, const lesson_trial *trial, bool groups, char *text, size_t room);
/** Judges what two runs left (`again` is after[] of the first): sets verdict and words, unless all is right. */
void duet_lesson_judge(const lesson_course *it, float *const *again, duet_lesson_report *report);
/** What the code lacks of the means that the row names: right numbers are beside the point then, and for wrong ones it
 *  may be why. */
void duet_lesson_judge_code(const lesson_row *row, const char *source, duet_lesson_report *report);

#endif
