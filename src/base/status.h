/* SPDX-License-Identifier: MIT */
/* Setting and passing on errors. One place formats messages; the first error stays. */
#ifndef DUET_SRC_BASE_STATUS_H
#define DUET_SRC_BASE_STATUS_H

#include "duet/base.h"

/** Fills `error` unless it is NULL or already set, and returns the status it then holds: `return duet_fail(...)`. */
duet_status duet_fail(duet_error *error, duet_status status, const char *format, ...) DUET_PRINTF(3, 4);

#define DUET_TRY(expression)                                                                                           \
    do {                                                                                                               \
        duet_status duet_try_status = (expression);                                                                    \
        if (duet_try_status != DUET_OK) return duet_try_status;                                                        \
    } while (0)

#endif
