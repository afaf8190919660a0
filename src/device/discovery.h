/* SPDX-License-Identifier: MIT */
/* The devices of this process's drivers, in the one order that `duet devices` shows and an index counts in. */
#ifndef DUET_SRC_DEVICE_DISCOVERY_H
#define DUET_SRC_DEVICE_DISCOVERY_H

#include "base/text.h"
#include "device/device.h"

typedef struct duet_found_device {
    duet_device_info info;
    cl_platform_id platform;
    cl_device_id id;
    cl_uint vendor_id;
    bool mesa; /**< its driver is Mesa's */
    double strength;
} duet_found_device;

/** What the device says of itself, with `refusal` filled. Asked of the driver; `preferred` is left false. */
void duet_device_ask(cl_device_id id, duet_device_info *info);

enum { DUET_DRIVER_SIZE = sizeof((duet_device_info *)NULL)->driver };
/** Adds " with kernels CHECKSUM" and " with OPTIONS" to a driver's name, each where it is not "" and so that others are
 *  told from them: a name that leaves no room is cut. */
void duet_driver_note(char driver[DUET_DRIVER_SIZE], const char *kernels, const char *options);

/** Every device of every platform, ordered. *found is the caller's: free(). None is not an error. Loads every driver
 *  into this process. */
duet_status duet_discover(duet_found_device **found, size_t *count, duet_error *error);

/** Sorts the best first (refused ones last) and marks the preferred one. The order does not depend on the order in
 *  which drivers were loaded. */
void duet_found_order(duet_found_device *found, size_t count);

/** Adds why a driver that is here may not work: that few files may be opened, or little memory used, or that the folder
 *  in which drivers keep compiled kernels cannot be written. */
void duet_look_for_causes(duet_text *words);
/** The folder itself, of PoCL's; "": it is none that is known. */
void duet_cache_folder(char folder[1024]);
/** DUET_ERROR_NO_DEVICE, with the reason why none was found, as far as it can be seen from here. */
duet_status duet_device_absent(duet_error *error);

/** Lists as duet_device_list does, with a time limit for what all drivers together take and, where that is not enough,
 *  for each of them alone. */
duet_status duet_device_list_within(double seconds, duet_device_info **infos, size_t *count, duet_error *error);

enum { DUET_VENDORS_PATH = 4096 };
/** Where the loader finds its drivers: a folder of .icd files, or one of them; and the pattern of all of them. */
const char *duet_vendors_folder(void);
void duet_vendors_pattern(char pattern[DUET_VENDORS_PATH]);

/** The place in `found` (ordered) of the device a selector means; `origin` says in messages where the selector came
 *  from. NULL or "": the preferred one. Errors: DUET_ERROR_NO_DEVICE. */
duet_status duet_found_choose(const duet_found_device *found, size_t count, const char *selector, const char *origin,
                              size_t *chosen, duet_error *error);
/** The place of the device of that turn, counted round from the chosen one through those that are like it. */
size_t duet_found_turn(const duet_found_device *found, size_t count, const char *selector, size_t chosen, size_t turn);

#endif
