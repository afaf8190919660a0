/* SPDX-License-Identifier: MIT */
/* {"device": what of it says whether two compute the same bits, "tuning": the table or null}. */
#include "run/shared_tuning.h"

#include <string.h>

#include "base/json.h"
#include "base/status.h"
#include "tune/tuning_file.h"

static json_t *name_device(const duet_device *device)
{
    const duet_device_info *info = duet_device_describe(device);
    return json_pack("{s:s, s:s, s:s, s:s}", "name", info->name, "platform", info->platform, "version", info->version,
                     "driver", info->driver);
}

char *duet_tuning_tell(const duet_device *device, bool tuned)
{
    json_t *all = json_pack("{s:o, s:o}", "device", name_device(device), "tuning",
                            tuned ? duet_tuning_to_json(duet_device_tuning(device)) : json_null());
    char *text = duet_json_write(all, JSON_COMPACT);
    json_decref(all);
    return text;
}

static duet_status out_of_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the tuning of rank 0");
}

static duet_status take(duet_device *device, const json_t *all, duet_error *error)
{
    const json_t *table = json_object_get(all, "tuning");
    duet_tuning tuning = {0};
    json_t *own = name_device(device);
    if (own == NULL) return out_of_memory(error);
    const bool alike = json_equal(own, json_object_get(all, "device"));
    json_decref(own);
    if (!alike) return DUET_OK;
    if (json_is_object(table)) DUET_TRY(duet_tuning_from_json(&tuning, table, device, "the tuning of rank 0", error));
    return duet_device_set_tuning(device, &tuning, error);
}

duet_status duet_tuning_take_told(duet_device *device, const char *text, duet_error *error)
{
    json_t *all = duet_json_read(text, strlen(text), 0, NULL);
    if (all == NULL) return out_of_memory(error);
    const duet_status status = take(device, all, error);
    json_decref(all);
    return status;
}
