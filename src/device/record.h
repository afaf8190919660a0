/* SPDX-License-Identifier: MIT */
/* What an open device holds. Only this folder sees it. */
#ifndef DUET_SRC_DEVICE_RECORD_H
#define DUET_SRC_DEVICE_RECORD_H

#include "base/text.h"
#include "device/device.h"
#include "device/energy.h"
#include "device/paper.h"

/** A program of one file of cl/, kept because plans ask for the same ones again. */
typedef struct duet_cached_program {
    char *file, *options;
    cl_program program;
    struct duet_cached_program *next;
} duet_cached_program;

typedef struct duet_profile {
    duet_profile_row *rows;
    size_t count, capacity;
} duet_profile;

struct duet_device {
    duet_device_info info;
    cl_context context;
    cl_device_id id;
    cl_command_queue queue;
    bool callers_queue; /**< made by the caller, and never anew */
    size_t place;       /**< among all devices, as an index counts */
    bool checking, profiling, bundles;
    bool said_sources, cannot_compile; /**< which kernel files are replaced; not even an empty kernel */
    void *kept;                        /**< by the layer above */
    void (*release_kept)(void *record);
    char announced[64]; /**< the last program of which was said that it is being built */
    duet_log_function log;
    void *log_context;
    duet_cached_program *programs;
    duet_profile profile;
    duet_energy energy; /**< as duet_device_energy_begin found it */
    duet_paper paper;   /**< its row is NULL where the device is here */
};

/** Held while drivers are asked which devices there are and while one is opened, and across a fork, so that the
 *  child finds them in no thread's hands. Not to be taken twice. */
void duet_drivers_lock(void);
void duet_drivers_unlock(void);

/** An in-order queue, with time stamps if profiling. */
duet_status duet_queue_new(duet_device *device, bool profiling, cl_command_queue *queue, duet_error *error);

/** A device on a context and, unless that is NULL, a queue, of which it takes over the caller's references, also on
 *  failure. */
duet_status duet_device_on(duet_device **device, cl_context context, cl_device_id id, cl_command_queue queue,
                           const duet_device_info *info, duet_error *error);

/** DUET_ERROR_USAGE where the caller's queue keeps no time stamps. */
duet_status duet_queue_check_stamps(const duet_device *device, duet_error *error);

/** Whether steps may share launches: $DUET_BUNDLES is not "off". */
bool duet_bundles_wanted(void);
/** Warns through the device's log where $DUET_BUNDLES is a word that says nothing. */
void duet_bundles_say(const duet_device *device);

/** DUET_ERROR_NO_DEVICE on paper: nothing can be run, read or timed (`what`) there. */
duet_status duet_device_is_here(const duet_device *device, const char *what, duet_error *error);

/** What $DUET_CL_OPTIONS adds to the options of every build; "": nothing. */
const char *duet_cl_options(void);
void duet_device_programs_clear(duet_device *device);
/** Says through the device's log which kernel files $DUET_CL_PATH replaces, and warns where it replaces none. */
void duet_cl_source_say(const duet_device *device);
/** Adds " with philox.cl of DUET_CL_PATH=FOLDER", all files that it replaces; nothing where it replaces none. */
void duet_cl_source_name(duet_text *words);
duet_status duet_profile_add(duet_profile *profile, const char *kernel, double seconds, double flops, double bytes,
                             duet_error *error);

#endif
