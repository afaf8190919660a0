/* SPDX-License-Identifier: MIT */
/* What a plan consists of, for the files that make, replay and fill it. */
#ifndef DUET_PLAN_STATE_H
#define DUET_PLAN_STATE_H

#include "plan/lower.h"
#include "plan/plan.h"
#include "plan/programs.h"

/* What plans that never run at the same time share: one arena and the programs. */
typedef struct plan_set {
    size_t users;
    cl_mem *slabs;
    size_t *slab_bytes, slab_count;
    duet_programs programs;
} plan_set;

struct duet_plan {
    plan_set *set;
    duet_device *device;
    char *name;
    duet_lowering lowering;
    duet_kernel_text *texts; /* while the plan is being made */
    size_t text_count;
    duet_launch_list launches;
    size_t awaited; /* inputs that the host has not written yet */
    bool replayed;
};

/* Where a tensor lies. */
duet_place duet_plan_place(const duet_plan *plan, int index);

#endif
