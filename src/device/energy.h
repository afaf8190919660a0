/* SPDX-License-Identifier: MIT */
/* Energy that a device has taken, where the machine tells: of CPUs the counters of their packages (Linux: RAPL, under
 * /sys/class/powercap), of GPUs that of a monitor that counts (hwmon's energy1_input). Everything else that runs there
 * is in it too. OpenCL says nothing of energy. */
#ifndef DUET_SRC_DEVICE_ENERGY_H
#define DUET_SRC_DEVICE_ENERGY_H

#include "duet/device.h"

enum { DUET_ENERGY_COUNTERS = 16 };

/** Counters as they stood. */
typedef struct duet_energy {
    size_t count; /**< 0: nothing tells */
    char paths[DUET_ENERGY_COUNTERS][96];
    double before[DUET_ENERGY_COUNTERS], range[DUET_ENERGY_COUNTERS]; /* microjoules; where a counter begins anew */
} duet_energy;

/** Reads the counters of a kind of device. `root`: "/sys", or what stands for it in a test. */
void duet_energy_begin(duet_energy *energy, duet_device_kind kind, const char *root);
/** Joules since; NAN where nothing tells. */
double duet_energy_since(const duet_energy *energy);

#endif
