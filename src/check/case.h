/* SPDX-License-Identifier: MIT */
/* A row of the table of op cases: an expression over a few inputs, the numbers to try it on, and how close the device
 * must come. Tests and the doctor run the same rows. */
#ifndef DUET_SRC_CHECK_CASE_H
#define DUET_SRC_CHECK_CASE_H

#include "check/twin.h"
#include "duet/doctor.h"

enum { DUET_CASE_INPUTS = 3 };

/** An input's shape and numbers. Floats are distinct and evenly spread over [low, high] in a scrambled order, so that
 *  maxima have no ties; integers are drawn from low..high. `values` are taken instead where they are given. */
typedef struct duet_case_input {
    duet_shape shape;
    double low, high;
    duet_type type;
    bool fixed; /**< no gradient is taken */
    const double *values;
} duet_case_input;

typedef struct duet_case duet_case;
struct duet_case {
    const char *name;
    duet_twin_value (*expression)(duet_twin *t, const duet_twin_value *x, const duet_case *row);
    duet_case_input inputs[DUET_CASE_INPUTS]; /**< a row's inputs end at the first with low == high and no values */
    /** Rounding errors of float32 allowed in the result for every step of `length`, the number of terms added up
     *  (0 means 1). Errors are relative to the element plus the tensor's mean magnitude, or to the element alone if
     *  `relative`. */
    double tolerance;
    size_t length;
    int derivatives; /**< how often it is differentiated: 0, 1 or 2 */
    bool relative;
    /* What `expression` uses, as it likes. */
    duet_build1 build1;
    double (*meaning1)(double);
    duet_build2 build2;
    double (*meaning2)(double, double);
    duet_build_with build_with;
    double (*meaning_with)(double, double);
    duet_build_reduction reduction;
    duet_plain_reduction plain_reduction;
    double parameter;
    unsigned axes;
    bool keep, transpose_a, transpose_b;
    duet_window window;
    bool same; /**< the window is padded as SAME over input 0 */
    size_t factors[2];
};

/** Cases that are planned together: one program, one line of the doctor. */
typedef struct duet_case_group {
    const char *name;
    const duet_case *cases;
    size_t count;
} duet_case_group;

/** The groups of op cases; NULL past the end. */
const duet_case_group *duet_case_group_at(size_t index);

/** Tries every case of the group on the device: values against the reference, gradients against central differences of
 *  the reference, second gradients against central differences of those. */
duet_status duet_case_group_run(duet_device *device, const duet_case_group *group, duet_check_row *row,
                                duet_error *error);

#endif
