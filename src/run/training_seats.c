/* SPDX-License-Identifier: MIT */
/* Which rank is where: said before the first step, and kept in run.json. */
#include "run/training_ranks.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "device/device.h"

enum { MOST_LINES = 16 };

/* What every rank tells of its device. */
typedef struct seat {
    char name[128], platform[128], driver[128], version[128], identity[64];
} seat;

/* One line: ranks that follow each other, on one machine, with devices of one kind. */
typedef struct row {
    size_t first, count, devices; /* devices: different ones */
} row;

static bool same_kind(const seat *a, const seat *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->platform, b->platform) == 0 && strcmp(a->driver, b->driver) == 0;
}

static bool same_host(const duet_ranks *ranks, size_t a, size_t b)
{
    return strcmp(duet_ranks_host(ranks, a), duet_ranks_host(ranks, b)) == 0;
}

static row next_row(const duet_ranks *ranks, const seat *seats, size_t first)
{
    row it = {first, 0, 0};
    for (size_t i = first; i < duet_ranks_count(ranks); i++) {
        if (!same_host(ranks, first, i) || !same_kind(&seats[first], &seats[i])) break;
        size_t k = first;
        while (k < i && strcmp(seats[k].identity, seats[i].identity) != 0) k++;
        it.devices += k == i;
        it.count++;
    }
    return it;
}

/* "ranks 0 to 3 on node1: NVIDIA H200 (NVIDIA CUDA, driver 550), 2 of them: ranks share them" */
static void tell_row(const duet_training *run, const row *it, const seat *kind)
{
    char who[64], how[96] = "";
    const char *host = duet_ranks_host(run->options->ranks, it->first);
    snprintf(who, sizeof who, it->count == 1 ? "rank %zu" : "ranks %zu to %zu", it->first, it->first + it->count - 1);
    if (it->devices == 1 && it->count > 1)
        snprintf(how, sizeof how, ", one device that these %zu ranks share", it->count);
    else if (it->devices < it->count)
        snprintf(how, sizeof how, ", %zu devices that these %zu ranks share", it->devices, it->count);
    else if (it->count > 1)
        snprintf(how, sizeof how, ", one each");
    duet_training_say(run, "%s on %s: %s (%s, driver %s)%s", who, host, kind->name, kind->platform, kind->driver, how);
}

static void tell(const duet_training *run, const seat *seats)
{
    const duet_ranks *ranks = run->options->ranks;
    const size_t count = duet_ranks_count(ranks);
    size_t told = 0;
    for (size_t first = 0; first < count; told++) {
        const row it = next_row(ranks, seats, first);
        if (told == MOST_LINES) {
            duet_training_say(run, "ranks %zu to %zu: see \"ranks\" in %s/run.json", first, count - 1, run->directory);
            return;
        }
        tell_row(run, &it, &seats[first]);
        first += it.count;
    }
}

/* [{"host", "device", "driver"}, ...] */
static json_t *record(const duet_ranks *ranks, const seat *seats)
{
    json_t *list = json_array();
    for (size_t i = 0; i < duet_ranks_count(ranks); i++)
        duet_json_append(&list, json_pack("{s:s, s:s, s:s}", "host", duet_ranks_host(ranks, i), "device", seats[i].name,
                                          "driver", seats[i].driver));
    return list;
}

static duet_status out_of_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a list of ranks");
}

duet_status duet_training_seat(duet_training *run, duet_error *error)
{
    const duet_ranks *ranks = run->options->ranks;
    const duet_device_info *info = duet_device_describe(run->device);
    const size_t before = json_array_size(json_object_get(run->before.document, "ranks")),
                 count = duet_ranks_count(ranks);
    if (run->resumed && (before > 1 ? before : 1) != count)
        duet_training_say(
            run,
            "warning: the run was last trained by %zu rank%s and goes on with %zu: its numbers may differ "
            "in the last bits from those of a run left alone",
            before > 1 ? before : 1, before > 1 ? "s" : "", count);
    if (count == 1) return DUET_OK;
    seat own = {{0}}, *seats = calloc(count, sizeof *seats);
    snprintf(own.name, sizeof own.name, "%s", info->name);
    snprintf(own.platform, sizeof own.platform, "%s", info->platform);
    snprintf(own.driver, sizeof own.driver, "%s", info->driver);
    snprintf(own.version, sizeof own.version, "%s", info->version);
    duet_device_identity(run->device, own.identity);
    duet_status status = seats == NULL ? out_of_memory(error) : DUET_OK;
    if (status == DUET_OK) status = duet_ranks_gather(run->options->ranks, &own, sizeof own, seats, error);
    if (status == DUET_OK) {
        run->seats = record(ranks, seats);
        run->choice.ranks = run->seats;
        if (run->seats == NULL) status = out_of_memory(error);
        tell(run, seats);
    }
    free(seats);
    return status;
}
