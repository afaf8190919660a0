/* SPDX-License-Identifier: MIT */
/* Status codes, error messages and the version: what every other part of the interface speaks in. */
#ifndef DUET_BASE_H
#define DUET_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define DUET_API                 __attribute__((visibility("default")))
#define DUET_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define DUET_API
#define DUET_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What kind of thing went wrong. The command line's exit status follows from it (docs/commands.md). */
typedef enum duet_status {
    DUET_OK = 0,
    DUET_ERROR_USAGE,       /**< the caller's words are wrong: an unknown name, key or value */
    DUET_ERROR_FILE,        /**< a file could not be opened, read or written */
    DUET_ERROR_DATA,        /**< a file was read and is not what it should be */
    DUET_ERROR_GRAPH,       /**< a graph that cannot be computed: shapes, missing gradients, names used twice */
    DUET_ERROR_MEMORY,      /**< the host or the device has too little memory */
    DUET_ERROR_DEVICE,      /**< the driver failed at its work: a kernel does not compile, a call is refused */
    DUET_ERROR_NUMERIC,     /**< numbers are wrong: a NaN or an infinity in a loss, a kernel that computes nonsense */
    DUET_ERROR_INTERRUPTED, /**< the caller asked to stop, and the work stopped at a step's end */
    DUET_ERROR_NO_DEVICE,   /**< no usable device: none is here, none fits, or the one chosen does not open */
} duet_status;

/* Pointers that functions take are not NULL unless it is said what NULL means there. */

/** A status and the words for a person: what, where, what was expected, what to do. Owned by the caller;
 *  start it as `duet_error error = {0};`. Functions that take one accept NULL. The first error stays: a function
 *  given an error that is already set does not overwrite it. */
typedef struct duet_error {
    duet_status status;
    char message[1024];
} duet_error;

/** A status in one lower-case word, such as "usage" or "device". Static storage. */
DUET_API const char *duet_status_name(duet_status status);

/** The library's version, "major.minor.patch". Static storage. */
DUET_API const char *duet_version(void);

/** Makes a text fit for a terminal, in place: control characters but newline and tab, those that turn text round, and
 *  bytes that are not UTF-8, become '?'. Messages in a duet_error and lines of a log are. */
DUET_API void duet_text_plain(char *text);

/** Finds the known name that is nearest to a misspelt one: set `word`, offer every name, read `best`. */
typedef struct duet_spelling {
    const char *word;
    const char *best; /**< NULL: nothing is near */
    size_t distance;
} duet_spelling;

DUET_API void duet_spelling_offer(duet_spelling *nearest, const char *name);
/** "; did you mean 'x'?" or "", in `text`, which is returned. */
DUET_API const char *duet_spelling_words(const duet_spelling *nearest, char *text, size_t size);

/** Seconds since some moment in the past; never goes back. Any thread may ask. */
DUET_API double duet_seconds(void);

/** Receives one line of progress or explanation, without a newline. Called on the thread that called the library. */
typedef void (*duet_log_function)(void *context, const char *line);

#ifdef __cplusplus
}
#endif

#endif
