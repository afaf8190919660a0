/* SPDX-License-Identifier: MIT */
/* Work in a child process: it has memory of its own and a time limit, a driver that crashes ends only the child, and
 * the child ends where its parent does. */
#ifndef DUET_SRC_CLI_CHILD_H
#define DUET_SRC_CLI_CHILD_H

#include <jansson.h>
#include <stdio.h>

/** Runs in the child and sends results one by one. Returns an exit status, after a message if it is not CLI_DONE. */
typedef int (*cli_child_work)(FILE *results, const void *context);

/** Sends a document to the parent and frees it. Returns an exit status. */
int cli_child_send(FILE *results, json_t *document);

/** Runs `work` in a child of at most `seconds` (at least 1) and appends its documents to the array `documents`, also
 *  those sent before a failure. `what` names the work in messages, `more` the option that gives it more time. Returns
 *  the child's exit status, or CLI_FAILED after a message if it crashed or took too long. Call it before OpenCL is used
 *  in this process: drivers do not survive a fork. */
int cli_child_run(cli_child_work work, const void *context, double seconds, const char *what, const char *more,
                  json_t *documents);

#endif
