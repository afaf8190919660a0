/* SPDX-License-Identifier: MIT */
/* The programs of plans that are made together: one for each set of options that kernels are built with. Generated maps
 * and reductions need none, products their providers'. Few programs, as each costs a driver half a second. */
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

/** The table of kernels that are built with these options ("": maps and reductions), new or known. Its address is valid
 *  until the next call. NULL, with an error set, if memory is short. */
duet_kernel_table *duet_programs_table(duet_programs *programs, const char *options, size_t *index, duet_error *error);
/** The program that was built with these options; NULL if there is none. */
cl_program duet_programs_find(const duet_programs *programs, const char *options);
/** Builds them all. */
duet_status duet_programs_build(duet_programs *programs, duet_device *device, const char *name, duet_error *error);
void duet_programs_free(duet_programs *programs);

#endif
