/* SPDX-License-Identifier: MIT */
/* The doctor: every op on a device against the plain reference in double. */
#ifndef DUET_DOCTOR_H
#define DUET_DOCTOR_H

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One check. Errors are in units of the case's tolerance: at most 1 is sound. */
typedef struct duet_check_row {
    char name[96];
    bool sound;
    double forward, gradient, second; /**< largest error over tolerance; NaN where there is no such check */
    char words[256];                  /**< what is wrong, for a person; empty if sound */
} duet_check_row;

/** How many checks there are. */
DUET_API size_t duet_check_count(void);
/** Runs check `index`. A wrong number is not an error of the call: look at row->sound. Errors: the driver failed. */
DUET_API duet_status duet_check_run(duet_device *device, size_t index, duet_check_row *row, duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
