/* SPDX-License-Identifier: MIT */
/* Checks that are not rows of the table: what depends on counters and on states. */
#ifndef DUET_SRC_CHECK_SPECIAL_H
#define DUET_SRC_CHECK_SPECIAL_H

#include "base/status.h"
#include "duet/doctor.h"

/** Random numbers and permutations of the device against the host's, over two values of the clock. */
duet_status duet_check_random(duet_device *device, duet_check_row *row, duet_error *error);
/** States and assignments: old values are read throughout a run, and every state holds the right numbers after it. */
duet_status duet_check_states(duet_device *device, duet_check_row *row, duet_error *error);

#endif
