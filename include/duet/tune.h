/* SPDX-License-Identifier: MIT */
/* Tuning: which provider multiplies which matrices fastest on a device, measured once and kept in a file. */
#ifndef DUET_TUNE_H
#define DUET_TUNE_H

#include "bench.h"
#include "device.h"
#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Lets plans made from now on use what was measured on this device: the file that duet_tune wrote, or $DUET_TUNING (a
 *  path, or "off" for none). No file is fine. A file that is damaged, or of another driver, device or version, is not
 *  used, which the device's log is told in a line. Call it before plans are made. duet_train and duet_run_open do.
 *  Parameters measured for CLBlast hold for the whole process and device from then on: CLBlast keeps them itself. */
DUET_API void duet_device_use_tuning(duet_device *device);
/** Whether plans made from now on go by anything that was measured on the device. */
DUET_API bool duet_device_is_tuned(const duet_device *device);

typedef struct duet_tune_progress {
    size_t product, products; /**< products done, and in all; both 0 while CLBlast's kernels are tuned */
    const char *what;         /**< as duet_product_words, or "CLBlast" */
    const char *candidate;    /**< "panel rows=12 lanes=16 ..." */
} duet_tune_progress;

typedef struct duet_tune_options {
    const duet_family *family;   /**< the model whose products are tuned; may be NULL with `full` */
    const char *data, *device;   /**< as in duet_train_options */
    const char *const *settings; /**< "key=value" */
    size_t setting_count;
    size_t batch;   /**< 0: what duet_family_training_size says */
    double seconds; /**< the most that one candidate may take, compilers included; 0: 30. A larger one than that of
                         an earlier call measures what took too long then */
    bool full;      /**< every candidate, and common products besides the model's: minutes */
    bool again;     /**< forget what the file holds */
    void (*progress)(void *context, const duet_tune_progress *progress);
    duet_log_function log;
    void *context;
    const volatile int *stop; /**< set to non-zero (by a signal handler) to stop soon; what is measured is kept */
} duet_tune_options;

/** What is known of one product. Choices are written "provider name=value ...". */
typedef struct duet_tune_row {
    size_t m, n, k;
    bool transpose_a, transpose_b;
    duet_convolution_product convolution; /**< if it is one; its padding after is the least that its result needs */
    char preset[128], best[128];          /**< `best` is empty where the preset stays, both where nothing was decided,
                                               since the preset took too long */
    double preset_gflops, best_gflops;    /**< 1e9 FLOP/s; NaN: not known */
    size_t tried, wrong, crashed, late;   /**< candidates; the last three can be seen as faults of the driver */
    size_t failed;                        /**< of them; not kept, as it may pass */
} duet_tune_row;

typedef struct duet_tune_summary {
    char file[1024], device[128], driver[128];
    duet_tune_row *rows;
    size_t count;
    size_t measured; /**< candidates that were measured by this call; what failed is not counted */
} duet_tune_summary;

/** Tunes and writes the file, after each candidate, so that a next call goes on where one was stopped. Works in child
 *  processes: a driver that crashes or hangs there costs one candidate. A candidate is used only if its numbers are
 * right and it was over 3% faster than the preset in the middle one of seven rounds, and faster in six. A preset that
 * takes too long is tried again with four times the limit; where it still does, nothing is decided. Call it before
 * other OpenCL work of the process: drivers do not survive a fork. The summary is filled as far as it is known, also on
 * failure; the caller frees it with duet_tune_summary_free. Errors: DUET_ERROR_USAGE, DUET_ERROR_NO_DEVICE,
 * DUET_ERROR_FILE, DUET_ERROR_DEVICE where a driver ends the child outside of a candidate or where all candidates
 * failed for reasons that may pass, DUET_ERROR_INTERRUPTED. */
DUET_API duet_status duet_tune(const duet_tune_options *options, duet_tune_summary *summary, duet_error *error);
DUET_API void duet_tune_summary_free(duet_tune_summary *summary);

#ifdef __cplusplus
}
#endif

#endif
