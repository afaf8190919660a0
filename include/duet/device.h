/* SPDX-License-Identifier: MIT */
/* Devices: which there are, which one to use, and what it can do. Asked, never assumed.
 *
 * Threads: any thread may list and open devices, also as the first that the process does. A device, and all that is
 * made on it or over its data (data sets, models, stores, graphs, plans, trainers, runs), is used from one thread at a
 * time; threads that each have a device of their own share nothing and need no lock. */
#ifndef DUET_DEVICE_H
#define DUET_DEVICE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum duet_device_kind {
    DUET_DEVICE_GPU,        /**< a GPU with memory of its own */
    DUET_DEVICE_INTEGRATED, /**< a GPU that shares the host's memory */
    DUET_DEVICE_CPU,
    DUET_DEVICE_ACCELERATOR,
} duet_device_kind;

/** One row of `duet devices`. Sizes in bytes, the clock in MHz. */
typedef struct duet_device_info {
    char name[128], vendor[128], platform[128], version[128], driver[128];
    char refusal[256]; /**< why this device cannot be used; empty if it can */
    duet_device_kind kind;
    bool preferred; /**< the one that is taken when nobody chooses */
    uint32_t compute_units, clock_mhz;
    uint32_t vector_width; /**< native float vector width */
    uint64_t memory_bytes, allocation_bytes, local_bytes;
    size_t work_group_size;
    uint32_t base_alignment; /**< bytes */
    char extensions[2048];   /**< cut short where a driver lists more */
} duet_device_info;

typedef struct duet_device duet_device;

/** A checksum of the kernels that $DUET_CL_PATH puts in the place of others of the library, in `text`, which is
 *  returned: "" where there are none. What compiles them is another driver: duet_device_info.driver has it. */
DUET_API const char *duet_kernels_replaced(char text[24]);

/** "NAME=value", variable `index` of those of this process that change what OpenCL or Duet does (POCL_*, OCL_*,
 * OPENCL_*, CL_*, CLBLAST_*, RUSTICL_*, LP_*, DUET_*), which run.json records; NULL past the end. Valid until one is
 * set. */
DUET_API const char *duet_environment_at(size_t index);

/** Every OpenCL device of this machine in `duet devices` order. *infos is the caller's, free it with
 *  duet_device_list_free. Listing happens in a child process first, so a driver that crashes while being listed
 *  does not take the caller down: each driver is then listed in a child of its own. No device at all is not an
 *  error: *count is 0. Call it before other OpenCL work of the process. */
DUET_API duet_status duet_device_list(duet_device_info **infos, size_t *count, duet_error *error);
DUET_API void duet_device_list_free(duet_device_info **infos);

/** Lower-case word for a kind: "gpu", "integrated gpu", "cpu", "accelerator". Static storage. */
DUET_API const char *duet_device_kind_name(duet_device_kind kind);

/** Opens a device. `selector` is an index of duet_device_list, a type (cpu gpu accelerator), or a piece of a name
 *  (device or platform, case does not count); NULL or "" takes $DUET_DEVICE if set, else the preferred one.
 *  Errors: DUET_ERROR_NO_DEVICE where none is here, none
 *  fits, or the chosen one cannot be opened. */
DUET_API duet_status duet_device_open(duet_device **device, const char *selector, duet_error *error);
/** The same for one of several processes that share a machine: it gets device `turn`, counted round from that one
 *  through the others of its driver and kind that fit; without a selector, through those of its name. */
DUET_API duet_status duet_device_open_turn(duet_device **device, const char *selector, size_t turn, duet_error *error);
/** Finishes the queue, frees, and sets *device to NULL. Everything made on the device must have been freed. */
DUET_API void duet_device_close(duet_device **device);

/** Waits until everything enqueued on the device is done: before another queue of the program's reads what Duet wrote
 *  into a buffer (duet/opencl.h). What is read into the host's memory has been waited for already. Errors:
 *  DUET_ERROR_DEVICE where some of it failed. */
DUET_API duet_status duet_device_finish(duet_device *device, duet_error *error);

/** What the device says of itself. Valid while it is open. */
DUET_API const duet_device_info *duet_device_describe(const duet_device *device);

/** Where long waits (program builds) are announced. NULL: silence, the default. */
DUET_API void duet_device_set_log(duet_device *device, duet_log_function log, void *context);

/** Names a provider of matrix products ("clblast", "panel", ...) or of convolutions ("conv-tile", ...) for every plan
 * made from now on: it computes those of its kind, the other kind stays what it is. "plain" is for both; NULL or
 * "auto": the device's presets. Errors: DUET_ERROR_USAGE for an unknown name, which lists the known ones. */
DUET_API duet_status duet_device_set_gemm(duet_device *device, const char *provider, duet_error *error);
/** Whether duet_device_set_gemm would take that name, before a device is open. */
DUET_API duet_status duet_gemm_check(const char *provider, duet_error *error);
/** The provider that plans use for matrix products, by name. */
DUET_API const char *duet_device_gemm(const duet_device *device);

/** In checking mode every tensor gets a buffer of exactly its size, so that a simulator sees each overrun.
 *  Set it before plans are made. */
DUET_API void duet_device_set_checking(duet_device *device, bool checking);

/** Time every kernel from now on (the queue is made anew with profiling; replays become slower). Plans
 *  made before are timed too. Errors: DUET_ERROR_USAGE on a caller's queue (duet/opencl.h) that keeps no time stamps.
 */
DUET_API duet_status duet_device_set_profiling(duet_device *device, bool profiling, duet_error *error);

/** One row of the profile: all launches of one kernel. Seconds on the device; FLOPs and bytes are counted from the
 *  shapes, all launches together, 0 where unknown. */
typedef struct duet_profile_row {
    char kernel[96];
    uint64_t launches;
    double seconds, flops, bytes;
} duet_profile_row;

/** The profile so far, longest time first. *rows is the caller's: free(). */
DUET_API duet_status duet_device_profile(duet_device *device, duet_profile_row **rows, size_t *count,
                                         duet_error *error);

/** Begins to count the energy that the device takes, from 0. */
DUET_API void duet_device_energy_begin(duet_device *device);
/** Joules since then; NAN where the machine does not tell, or not this user. Of a CPU the package's counters (RAPL), of
 *  a GPU its monitor's: what else runs there is in it too. */
DUET_API double duet_device_energy(const duet_device *device);

/* Devices on paper: GPUs that need not be here. Plans, trainers and explanations are made on them as on any; their
 * programs are written down instead of compiled, their memory holds nothing, and a replay or a read is an error. */

/** A row of the table of GPUs (src/device/paper_devices.c), from what their makers say. */
typedef struct duet_paper_device {
    const char *name;   /**< for duet_device_on_paper */
    const char *title;  /**< what a driver calls it */
    const char *target; /**< what offline compilers call its kind: "gfx1100", "sm_80", "dg2"; NULL: there is none */
    const char *vendor;
    bool is_integrated; /**< shares the host's memory */
    uint32_t compute_units, clock_mhz;
    uint64_t memory_bytes, local_bytes; /**< local: of a work-group */
    size_t work_group_size;
    uint32_t lanes;         /**< work-items of a wave (warp, sub-group) */
    uint32_t simds;         /**< of a compute unit, each with registers and waves of its own */
    uint32_t waves;         /**< that a SIMD can hold */
    uint32_t registers;     /**< of a SIMD, each as wide as a wave; 0: a wave has a fixed number */
    uint32_t register_step; /**< a wave's registers are a multiple of it */
    uint32_t unit_local_bytes;
    double peak_gflops;   /**< of float32 multiply-adds, each two operations */
    double bandwidth_gbs; /**< of its memory, in 10^9 bytes a second */
    double launch_us;     /**< of one of many launches, assumed */
} duet_paper_device;

/** A program as its device would have compiled it. */
typedef struct duet_paper_program {
    const char *name, *source, *options;
} duet_paper_program;

/** The table: NULL past the end. */
DUET_API const duet_paper_device *duet_paper_device_at(size_t index);
/** Opens a device on paper by its name, or the first of a target. Close it like any. Errors: DUET_ERROR_USAGE for an
 *  unknown name, which lists the known ones. */
DUET_API duet_status duet_device_on_paper(duet_device **device, const char *name, duet_error *error);
/** Its row; NULL for a device that is here. */
DUET_API const duet_paper_device *duet_device_paper(const duet_device *device);
/** Program `index` of those written so far; NULL past the end. Valid until the next one is written. */
DUET_API const duet_paper_program *duet_device_paper_program(const duet_device *device, size_t index);

#ifdef __cplusplus
}
#endif

#endif
