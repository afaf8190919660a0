/* SPDX-License-Identifier: MIT */
/* Rounds long enough for the clock; the two choices take turns in going first. */
#include "product/trial/gemm_race.h"

#include <stdlib.h>

#include "base/number.h"
#include "product/trial/timing.h"

enum { ROUNDS_TO_WIN = 6 };

static const double round_seconds = 0.02;
static const double needed_gain = 1.03;

bool duet_gemm_race_is_won(const duet_gemm_race *race)
{
    return race->won >= ROUNDS_TO_WIN && race->gain > needed_gain && race->first > needed_gain * race->second;
}

/* The operands, and for each choice its scratch memory and launches. */
typedef struct course {
    cl_mem a, b, c, workspaces[2];
    duet_launch_list lists[2];
} course;

static duet_status make_operands(course *it, duet_device *device, const duet_gemm_shape *shape, duet_error *error)
{
    char words[DUET_PRODUCT_WORDS];
    cl_mem *const buffers[] = {&it->a, &it->b, &it->c};
    size_t elements[3];
    if (!duet_gemm_elements(shape, elements))
        return duet_fail(error, DUET_ERROR_MEMORY, "the product %s is too large", duet_gemm_words(shape, words));
    for (size_t i = 0; i < 3; i++)
        DUET_TRY(duet_buffer_new(device, elements[i] * sizeof(float), true, buffers[i], error));
    return DUET_OK;
}

static duet_status make_launches(course *it, size_t index, duet_device *device, const duet_gemm_choice *choice,
                                 const duet_gemm_shape *shape, duet_error *error)
{
    const size_t bytes = choice->provider->workspace(device, shape, &choice->parameters);
    if (bytes > 0) DUET_TRY(duet_buffer_new(device, bytes, false, &it->workspaces[index], error));
    const duet_gemm_product product = {.shape = *shape,
                                       .parameters = choice->parameters,
                                       .a = {it->a, 0},
                                       .b = {it->b, 0},
                                       .c = {it->c, 0},
                                       .workspace = {it->workspaces[index], 0}};
    return choice->provider->lower(device, &product, &it->lists[index], NULL, error);
}

static duet_status prepare(course *it, duet_device *device, const duet_gemm_choice *first,
                           const duet_gemm_choice *second, const duet_gemm_shape *shape, duet_error *error)
{
    DUET_TRY(make_operands(it, device, shape, error));
    DUET_TRY(make_launches(it, 0, device, first, shape, error));
    return make_launches(it, 1, device, second, shape, error);
}

static duet_status take_turns(const course *it, duet_device *device, duet_gemm_race *race, duet_error *error)
{
    double once = 0, seconds[2] = {0}, times[2][DUET_GEMM_ROUNDS], gains[DUET_GEMM_ROUNDS];
    DUET_TRY(duet_time_replays(device, &it->lists[1], 1, &once, error)); /* drivers compile at a first launch */
    DUET_TRY(duet_time_replays(device, &it->lists[0], 1, &once, error));
    DUET_TRY(duet_time_replays(device, &it->lists[0], 1, &once, error));
    const double wanted = once > 0 ? round_seconds / once : 1;
    const size_t replays = wanted <= 1 ? 1 : wanted > 1024 ? 1024 : (size_t)wanted;
    for (size_t round = 0; round < DUET_GEMM_ROUNDS; round++) {
        for (size_t turn = 0; turn < 2; turn++) {
            const size_t index = (round + turn) % 2;
            DUET_TRY(duet_time_replays(device, &it->lists[index], replays, &seconds[index], error));
            times[index][round] = seconds[index] / (double)replays;
        }
        gains[round] = seconds[0] / seconds[1];
        race->won += gains[round] > 1;
    }
    race->gain = duet_median(gains, DUET_GEMM_ROUNDS);
    race->first = duet_median(times[0], DUET_GEMM_ROUNDS);
    race->second = duet_median(times[1], DUET_GEMM_ROUNDS);
    return DUET_OK;
}

duet_status duet_gemm_compete(duet_device *device, const duet_gemm_choice *first, const duet_gemm_choice *second,
                              const duet_gemm_shape *shape, duet_gemm_race *race, duet_error *error)
{
    course it = {0};
    *race = (duet_gemm_race){0};
    duet_status status = prepare(&it, device, first, second, shape, error);
    if (status == DUET_OK) status = take_turns(&it, device, race, error);
    for (size_t i = 0; i < 2; i++) {
        duet_launch_list_clear(&it.lists[i]);
        duet_buffer_free(&it.workspaces[i]);
    }
    duet_buffer_free(&it.a);
    duet_buffer_free(&it.b);
    duet_buffer_free(&it.c);
    return status;
}
