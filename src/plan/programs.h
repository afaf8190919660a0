/* SPDX-License-Identifier: MIT */
/* The programs of plans that are made together: one for generated maps and reductions, and one for each GEMM provider's
 * file and options of which the plans need instances. Few programs, as each costs a driver half a second. */
#ifndef DUET_SRC_PLAN_PROGRAMS_H
#define DUET_SRC_PLAN_PROGRAMS_H

#include "plan/kernel.h"

typedef struct duet_programs {
    struct {
        duet_kernel_table kernels;
        cl_program program; /* NULL before it is built, or if it has no kernels */
    } * items;
    size_t count, capacity;
    char *source; /* the generated part of all, for readers */
} duet_programs;

/** The table of maps and reductions (`source` NULL), or of instances of that source, new or known. Its address is valid
 *  until the next call. */
duet_kernel_table *duet_programs_table(duet_programs *programs, const duet_gemm_source *source, size_t *index,
                                       duet_error *error);
/** The built program that holds that source's kernels; NULL if there is none. */
cl_program duet_programs_find(const duet_programs *programs, const duet_gemm_source *source);
/** Builds them all. */
duet_status duet_programs_build(duet_programs *programs, duet_device *device, const char *name, duet_error *error);
void duet_programs_free(duet_programs *programs);

#endif
