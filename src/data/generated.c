/* SPDX-License-Identifier: MIT */
/* The table of generated sets, and the random numbers from which the host draws them. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "data/data.h"

static const duet_generated *const sets[] = {&duet_ring8, &duet_grid25, &duet_two_peaks, &duet_shapes};

const duet_generated *duet_generated_at(size_t index)
{
    return index < sizeof sets / sizeof *sets ? sets[index] : NULL;
}

const duet_generated *duet_generated_find(const char *name, const char **options)
{
    const char *colon = strchr(name, ':');
    size_t length = colon == NULL ? strlen(name) : (size_t)(colon - name);
    *options = colon == NULL ? NULL : colon + 1;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (strlen(sets[i]->name) == length && strncmp(sets[i]->name, name, length) == 0) return sets[i];
    return NULL;
}

duet_philox_block duet_generated_block(duet_split split, size_t index, uint32_t step)
{
    /* The step tells apart the numbers of one example; the upper half of a 64-bit index goes into the key. */
    const uint64_t key = 0x64756574u ^ (uint64_t)index >> 32 << 32;
    return duet_philox_element(key, split, step, (uint32_t)index);
}

void duet_generated_range(const duet_generated *set, float *low, float *high)
{
    const double deviations = 5;
    const duet_mixture *mixture = set->mixture;
    double least = DBL_MAX, most = -DBL_MAX;
    for (size_t mode = 0; mixture != NULL && mode < mixture->modes; mode++) {
        double centre[2];
        mixture->centre(mode, centre);
        for (size_t i = 0; i < set->shape.dims[0]; i++) {
            least = fmin(least, centre[i]);
            most = fmax(most, centre[i]);
        }
    }
    *low = mixture == NULL ? 0 : (float)(least - deviations * mixture->sigma);
    *high = mixture == NULL ? 1 : (float)(most + deviations * mixture->sigma);
}
