/* SPDX-License-Identifier: MIT */
/* The tuning of rank 0's device, as text for the others: where devices are of one kind, all then add up in one order.
 */
#ifndef DUET_SRC_RUN_SHARED_TUNING_H
#define DUET_SRC_RUN_SHARED_TUNING_H

#include "device/device.h"

/** The device and, if it is `tuned`, its table. The caller frees it; NULL: out of memory. */
char *duet_tuning_tell(const duet_device *device, bool tuned);
/** Gives the table of such a text to a device of the same name, driver and version; others keep theirs. */
duet_status duet_tuning_take_told(duet_device *device, const char *text, duet_error *error);

#endif
