/* SPDX-License-Identifier: MIT */
/* A flat list of launches, made once and replayed: what a plan comes down to. */
#ifndef DUET_SRC_DEVICE_LAUNCH_H
#define DUET_SRC_DEVICE_LAUNCH_H

#include "device/device.h"

/** A launch that is not one kernel of ours: a call into a library such as CLBlast. `event` may be NULL. */
typedef struct duet_library_call {
    duet_status (*enqueue)(duet_device *device, const void *arguments, cl_event *event, duet_error *error);
    void *arguments; /**< owned by the list, freed with `release` */
    void (*release)(void *arguments); /**< NULL: free() */
} duet_library_call;

typedef struct duet_launch {
    cl_kernel kernel; /**< owned by the list; NULL for a library call */
    duet_library_call call;
    cl_uint dimensions;
    size_t global[3], local[3];
    char name[64];
    double flops, bytes; /**< of one launch, from the shapes */
    char function[64];   /**< the kernel's name in its program; empty for a library call */
    const char *file;    /**< of cl/, static; NULL: a generated kernel or a library call */
    size_t step;         /**< of the plan, which sets it; of several the first */
    unsigned prepares;   /**< of a product: the operands that are copied into the workspace, 1, 2 or 3 for both; of
                            a sum over ranks: 1 for bringing what is summed to the host */
} duet_launch;

typedef struct duet_launch_list {
    duet_launch *items;
    size_t count, capacity;
} duet_launch_list;

typedef struct duet_argument {
    size_t bytes;
    const void *value;
} duet_argument;

/** Appends; takes ownership of launch->kernel and launch->call.arguments, also on failure. */
duet_status duet_launch_append(duet_launch_list *list, const duet_launch *launch, duet_error *error);
/** Appends a launch of the kernel `name` of a program with these arguments, its first ones; `launch` says the rest. */
duet_status duet_launch_append_kernel(duet_launch_list *list, cl_program program, const char *name,
                                      const duet_argument *arguments, size_t count, duet_launch *launch,
                                      duet_error *error);
/** The number of its program on a device on paper; 0 elsewhere. */
size_t duet_launch_paper_program(const duet_launch *launch);
void duet_launch_list_clear(duet_launch_list *list);
/** Enqueues all in order. If `last` is not NULL it receives the event of the last launch. With profiling on, times are
 *  added to the device's profile (and the call waits). Allocates nothing otherwise. */
duet_status duet_launch_replay(duet_device *device, const duet_launch_list *list, cl_event *last, duet_error *error);

/** Waits for an event and releases it; sets it to NULL. A NULL event is no wait. */
duet_status duet_event_wait(cl_event *event, duet_error *error);

#endif
