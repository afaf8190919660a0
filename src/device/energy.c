/* SPDX-License-Identifier: MIT */
#include "device/energy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "device/record.h"

/* NAN if the file cannot be read: RAPL's are root's alone on many machines. */
static double read_number(const char *path)
{
    double number = NAN;
    FILE *stream = fopen(path, "r");
    if (stream == NULL) return NAN;
    if (fscanf(stream, "%lf", &number) != 1) number = NAN;
    fclose(stream);
    return number;
}

static void add(duet_energy *energy, const char *path, double range)
{
    double now = read_number(path);
    if (isnan(now) || energy->count == DUET_ENERGY_COUNTERS) return;
    snprintf(energy->paths[energy->count], sizeof energy->paths[0], "%s", path);
    energy->before[energy->count] = now;
    energy->range[energy->count++] = range;
}

/* Packages are intel-rapl:0, intel-rapl:1, ..., also of AMD's CPUs; parts of one have a second number. */
static void add_packages(duet_energy *energy, const char *root)
{
    for (size_t i = 0; i < DUET_ENERGY_COUNTERS; i++) {
        char path[96], range[96];
        snprintf(path, sizeof path, "%s/class/powercap/intel-rapl:%zu/energy_uj", root, i);
        snprintf(range, sizeof range, "%s/class/powercap/intel-rapl:%zu/max_energy_range_uj", root, i);
        add(energy, path, read_number(range));
    }
}

/* Of one GPU: with several no name says which one OpenCL's device is. */
static void add_monitor(duet_energy *energy, const char *root)
{
    static const char *const drivers[] = {"amdgpu", "i915", "xe"};
    for (size_t i = 0; i < 64; i++) {
        char path[96], name[32] = "";
        snprintf(path, sizeof path, "%s/class/hwmon/hwmon%zu/name", root, i);
        FILE *stream = fopen(path, "r");
        if (stream == NULL) continue;
        bool named = fscanf(stream, "%31s", name) == 1, known = false;
        fclose(stream);
        for (size_t d = 0; named && d < sizeof drivers / sizeof *drivers; d++)
            known = known || strcmp(name, drivers[d]) == 0;
        snprintf(path, sizeof path, "%s/class/hwmon/hwmon%zu/energy1_input", root, i);
        if (known) add(energy, path, NAN);
    }
    if (energy->count > 1) energy->count = 0;
}

void duet_energy_begin(duet_energy *energy, duet_device_kind kind, const char *root)
{
    energy->count = 0;
    if (kind == DUET_DEVICE_CPU || kind == DUET_DEVICE_INTEGRATED) add_packages(energy, root);
    if (kind == DUET_DEVICE_GPU) add_monitor(energy, root);
}

double duet_energy_since(const duet_energy *energy)
{
    double sum = energy->count > 0 ? 0 : NAN;
    for (size_t i = 0; i < energy->count; i++) {
        double gone = read_number(energy->paths[i]) - energy->before[i];
        sum += (gone < 0 ? gone + energy->range[i] : gone) * 1e-6;
    }
    return sum;
}

void duet_device_energy_begin(duet_device *device)
{
    duet_energy_begin(&device->energy, device->info.kind, "/sys");
}

double duet_device_energy(const duet_device *device)
{
    return duet_energy_since(&device->energy);
}
