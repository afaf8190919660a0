/* SPDX-License-Identifier: MIT */
/* Plans as the trainer uses them: beside duet/plan.h, a replay that hands out its last event. */
#ifndef DUET_SRC_PLAN_PLAN_H
#define DUET_SRC_PLAN_PLAN_H

#include "device/launch.h"
#include "duet/plan.h"

/** As duet_plan_replay; *last (may be NULL) receives the event of the last launch. Allocates nothing. */
duet_status duet_plan_enqueue(duet_plan *plan, cl_event *last, duet_error *error);

/** Whether the plan reads or computes the node: whether it may be written or read. */
bool duet_plan_holds(const duet_plan *plan, duet_node node);

/** A number that says which sums over ranks a replay takes, in which order: equal on ranks that fit each other. */
uint64_t duet_plan_exchanges(const duet_plan *plan);

#endif
