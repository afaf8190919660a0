/* SPDX-License-Identifier: MIT */
/* What the ops on pictures share. */
#ifndef DUET_SRC_OP_WINDOWS_H
#define DUET_SRC_OP_WINDOWS_H

#include "duet/op.h"
#include "graph/writer.h"

/** duet_windows_at whose mistakes name the op that was asked for. */
duet_node duet_windows_named(const char *where, const char *op, duet_node x, const duet_window *window, double fill);
/** Whether x is a float32 picture, [batch, height, width, channels]; else the graph has a mistake.  */
bool duet_is_picture(const char *where, const char *op, duet_node x);

typedef void (*duet_tap_function)(duet_kernel_writer *writer, const duet_value counters[2], void *context);
/** Calls `write` for times[0] x times[1] pairs of counters, written out where they are few, as a loop in a kernel keeps
 *  CPU compilers from computing neighbours side by side; else once, inside two loops. */
void duet_write_taps(duet_kernel_writer *writer, const size_t times[2], duet_tap_function write, void *context);

#endif
