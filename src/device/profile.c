/* SPDX-License-Identifier: MIT */
/* The profile: launches of one kernel added up by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "device/record.h"

static duet_profile_row *find_row(duet_profile *profile, const char *kernel)
{
    for (size_t i = 0; i < profile->count; i++)
        if (strcmp(profile->rows[i].kernel, kernel) == 0) return &profile->rows[i];
    if (!duet_array_grow(&profile->rows, profile->count, &profile->capacity, sizeof *profile->rows)) return NULL;
    duet_profile_row *row = &profile->rows[profile->count++];
    *row = (duet_profile_row){0};
    snprintf(row->kernel, sizeof row->kernel, "%s", kernel);
    return row;
}

duet_status duet_profile_add(duet_profile *profile, const char *kernel, double seconds, double flops, double bytes,
                             duet_error *error)
{
    duet_profile_row *row = find_row(profile, kernel);
    if (row == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory for the profile");
    row->launches++;
    row->seconds += seconds;
    row->flops += flops;
    row->bytes += bytes;
    return DUET_OK;
}

static int longest_first(const void *left, const void *right)
{
    const duet_profile_row *a = left, *b = right;
    if (a->seconds != b->seconds) return a->seconds < b->seconds ? 1 : -1;
    return strcmp(a->kernel, b->kernel);
}

duet_status duet_device_profile(duet_device *device, duet_profile_row **rows, size_t *count, duet_error *error)
{
    const duet_profile *profile = &device->profile;
    *count = 0;
    *rows = malloc((profile->count + 1) * sizeof **rows);
    if (*rows == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory for the profile");
    if (profile->count != 0) memcpy(*rows, profile->rows, profile->count * sizeof **rows);
    *count = profile->count;
    qsort(*rows, *count, sizeof **rows, longest_first);
    return DUET_OK;
}
