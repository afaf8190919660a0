/* SPDX-License-Identifier: MIT */
/* Status names and error messages: the first error that is set stays, because later ones are its consequences. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

#ifndef DUET_VERSION
#define DUET_VERSION "0.0.0"
#endif

const char *duet_status_name(duet_status status)
{
    static const char *const names[] = {
        [DUET_OK] = "ok",
        [DUET_ERROR_USAGE] = "usage",
        [DUET_ERROR_FILE] = "file",
        [DUET_ERROR_DATA] = "data",
        [DUET_ERROR_GRAPH] = "graph",
        [DUET_ERROR_MEMORY] = "memory",
        [DUET_ERROR_DEVICE] = "device",
        [DUET_ERROR_NUMERIC] = "numeric",
        [DUET_ERROR_INTERRUPTED] = "interrupted",
        [DUET_ERROR_NO_DEVICE] = "no device",
    };
    size_t index = (size_t)status;
    return index < sizeof names / sizeof *names ? names[index] : "unknown";
}

const char *duet_version(void)
{
    return DUET_VERSION;
}

duet_status duet_fail(duet_error *error, duet_status status, const char *format, ...)
{
    if (error == NULL) return status;
    if (error->status != DUET_OK) return error->status;
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    (void)duet_text_vprint(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    /* what a message names may come from a stranger's file, or be a stranger's file; what a driver says has lines */
    if (status == DUET_ERROR_DATA || status == DUET_ERROR_FILE)
        duet_text_line(error->message);
    else
        duet_text_plain(error->message);
    return status;
}
