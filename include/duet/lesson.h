/* SPDX-License-Identifier: MIT */
/* Lessons: a learner's kernel, tried on a device against a plain reference in double, judged in words, and timed beside
 * a naive kernel and the best that is known (docs/lessons). */
#ifndef DUET_LESSON_H
#define DUET_LESSON_H

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct duet_lesson {
    unsigned number;
    const char *title; /**< "Tiles in local memory" */
    const char *file;  /**< of the exercise and of its solution: "4-tiles.cl" */
    const char *task;  /**< what the kernel is to compute, a sentence */
} duet_lesson;

/** The lessons in their order: NULL past the end. Static storage. */
DUET_API const duet_lesson *duet_lesson_at(size_t index);
/** By number; NULL if there is none. */
DUET_API const duet_lesson *duet_lesson_find(unsigned number);

typedef enum duet_lesson_verdict {
    DUET_LESSON_RIGHT,
    DUET_LESSON_BESIDE,    /**< right, without what the lesson is about */
    DUET_LESSON_REFUSED,   /**< it does not compile, or has other kernels or parameters, or cannot be launched */
    DUET_LESSON_OUTSIDE,   /**< it writes where it should not */
    DUET_LESSON_UNWRITTEN, /**< it leaves elements as they were */
    DUET_LESSON_UNSTEADY,  /**< two runs on the same numbers differ */
    DUET_LESSON_WRONG,
} duet_lesson_verdict;

/** How long one run of a kernel, or of its launches, takes. */
typedef struct duet_lesson_time {
    char name[64];
    double seconds; /**< the median; NaN if it could not be run */
    double rate;    /**< of `unit`, a second */
    const char *unit;
    bool mine;  /**< the learner's */
    bool wrong; /**< at this size its numbers are wrong on this device; then it is not timed */
} duet_lesson_time;

enum { DUET_LESSON_TIMES = 12 };
typedef struct duet_lesson_report {
    duet_lesson_verdict verdict;
    char words[2048];        /**< what is wrong and what to look at, for a person; empty if it is right */
    size_t trials, elements; /**< that were right, all trials together */
    char size[128];          /**< of what was timed, "m = 512, n = 512, k = 512" */
    duet_lesson_time times[DUET_LESSON_TIMES];
    size_t time_count;
} duet_lesson_report;

/** Tries a kernel file. `name` is what compilers and words call it; `source` its text. Each trial has sizes, work-group
 *  sizes and guard bytes around all buffers, and is run twice. Wrong numbers are no error of the call: look at
 *  report->verdict. Far writes of a kernel may end the process where the device is a CPU. Errors: the driver compiles
 *  nothing, or memory is short. */
DUET_API duet_status duet_lesson_check(duet_device *device, const duet_lesson *lesson, const char *name,
                                       const char *source, duet_lesson_report *report, duet_error *error);
/** Times a kernel that is right, and its peers, `patience` seconds each; adds to what duet_lesson_check reported. Each
 * is compared once more, at the size that is timed. */
DUET_API duet_status duet_lesson_measure(duet_device *device, const duet_lesson *lesson, const char *name,
                                         const char *source, double patience, duet_lesson_report *report,
                                         duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
